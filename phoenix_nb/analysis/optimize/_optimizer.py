"""The optimiser: learn on the first half of a recording, verify on the second, run what is returned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._output import combined_output
from phoenix_nb.analysis._paired_run import Billing, PairedRun
from phoenix_nb.analysis.optimize._lower import lower
from phoenix_nb.analysis.optimize._observed import observe
from phoenix_nb.analysis.optimize._ranking import names_by_use
from phoenix_nb.analysis.optimize._rules import Candidate, candidates, critical_rows
from phoenix_nb.analysis.optimize._search import Table, front, greedy, without_needless
from phoenix_nb.errors import ConflictError, InvalidRequestError
from phoenix_nb.evidence.coverage import CriticalSelector, parse_selectors
from phoenix_nb.interfaces.evidence import CoverageReport, StaticSafety
from phoenix_nb.interfaces.experiment import ExperimentResults
from phoenix_nb.interfaces.optimization import (
    OptimizationRequest,
    OptimizationStrategy,
    OptimizedConfig,
    OptimizedRule,
    ParetoPoint,
    RuleKind,
)
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["optimize"]

Flags = npt.NDArray[np.bool_]
EngineOf = Callable[[str], Callable[[Dictionaries], PipelineEngine]]

_WINDOWS: Final = 10
"""Looks at the ranking in the first half."""
_MARGINS: Final = (0.01, 0.03, 0.06, 0.12, 0.25)
"""Savings above the target that the first half is fitted to, until the second half meets the target too."""
_AGGRESSIVE_FIDELITY: Final = 0.80
"""How far an aggressive configuration goes on when the target is met."""
_MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class _Parts:
    """A recording in its halves, tabulated, with what each candidate removes."""

    frames: Sequence[Frames]
    second: Sequence[Frames]
    rules: Sequence[Candidate]
    fit: Table
    unseen: Table
    whole: Table


def optimize(
    frames: Sequence[Frames],
    dictionaries: Dictionaries,
    request: OptimizationRequest,
    base: str,
    make_engine: EngineOf,
    billing: Billing,
    *,
    now: datetime,
) -> OptimizedConfig:
    """Search a configuration that saves as much as is asked and loses as little as possible.

    Rules are chosen on the first half of the payloads alone; the second half, which they were not chosen on, must
    reach the target too, as must the whole. What is returned was run on everything, and every critical process is
    covered in every interval.

    Args:
        frames: the recording, in order.
        dictionaries: shared by the frames.
        request: what is asked.
        base: collector YAML that rules are added to.
        make_engine: compiles collector YAML.
        billing: prices for the verification run.
        now: time of the verification.

    Raises:
        InvalidRequestError: there are too few payloads, or the strategy needs critical processes and got none.
        ConflictError: the target cannot be reached; ``details`` holds the best found.
        ConfigError: the base cannot be used.
    """
    selectors = parse_selectors(request.critical)
    _check(request)
    whole = list(frames)
    payloads = sum(one.n_payloads for one in whole)
    if payloads < 4:
        raise InvalidRequestError(
            f"{payloads} payloads are too few to learn from", hint="record at least some minutes"
        )
    first, second = _halves(whole, payloads // 2)
    parts = _tabulate(whole, first, second, dictionaries, selectors, request)
    for chosen in _attempts(parts, request):
        if parts.whole.saving(chosen) < request.target or parts.unseen.saving(chosen) < request.target:
            continue
        made = _verified(parts, chosen, selectors, request, base, make_engine, billing, dictionaries, now)
        if made is not None:
            return made
    raise _unreachable(parts, selectors, request, base)


def _check(request: OptimizationRequest) -> None:
    custom = request.strategy is OptimizationStrategy.CUSTOM
    if custom != bool(request.rules):
        raise InvalidRequestError(
            "kinds of rules go with the strategy custom and with no other",
            hint="name the kinds that may be used, or leave the strategy at balanced",
        )
    if request.strategy is OptimizationStrategy.MINIMAL and not request.critical:
        raise InvalidRequestError(
            "a minimal configuration keeps critical processes only, and none was named",
            hint="name them with --critical",
        )


def _halves(frames: Sequence[Frames], cut: int) -> tuple[list[Frames], list[Frames]]:
    first: list[Frames] = []
    second: list[Frames] = []
    seen = 0
    for one in frames:
        inside = min(max(cut - seen, 0), one.n_payloads)
        if inside:
            first.append(one.slice(0, inside) if inside < one.n_payloads else one)
        if inside < one.n_payloads:
            second.append(one.slice(inside, one.n_payloads) if inside else one)
        seen += one.n_payloads
    return first, second


def _tabulate(
    whole: Sequence[Frames],
    first: Sequence[Frames],
    second: Sequence[Frames],
    dictionaries: Dictionaries,
    selectors: Sequence[CriticalSelector],
    request: OptimizationRequest,
) -> _Parts:
    tables = [observe(frames, dictionaries) for frames in (first, second, whole)]
    critical = [critical_rows(one, selectors) for one in tables]
    rankings = []
    for window in _windows(first):
        seen = observe(window, dictionaries)
        rankings.append(names_by_use(seen, critical_rows(seen, selectors)))
    rules = candidates(tables[0], critical[0], request.required_metrics, rankings, kinds=request.rules)
    made = [Table.of(one, rows, rules) for one, rows in zip(tables, critical, strict=True)]
    return _Parts(whole, second, rules, made[0], made[1], made[2])


def _windows(frames: Sequence[Frames]) -> list[list[Frames]]:
    payloads = sum(one.n_payloads for one in frames)
    count = min(_WINDOWS, payloads)
    rest, windows = list(frames), []
    for number in range(count):
        size = (number + 1) * payloads // count - number * payloads // count
        window, rest = _halves(rest, size)
        windows.append(window)
    return windows


def _attempts(parts: _Parts, request: OptimizationRequest) -> list[list[int]]:
    """Choices to try, the gentlest first."""
    if request.strategy is OptimizationStrategy.MINIMAL:
        return [_minimal(parts)]
    found: list[list[int]] = []
    for margin in _MARGINS:
        wanted = min(request.target + margin, 1.0)
        chosen = greedy(parts.fit, wanted)
        if parts.fit.saving(chosen) >= request.target:
            chosen = without_needless(parts.fit, chosen, min(wanted, parts.fit.saving(chosen)))
        if request.strategy is OptimizationStrategy.AGGRESSIVE:
            chosen = _further(parts.fit, chosen)
        if chosen not in found:
            found.append(chosen)
    return [*found, _everything(parts)]


def _everything(parts: _Parts) -> list[int]:
    """As many rules as go together, those that reach furthest first."""
    order = sorted(
        range(len(parts.rules)),
        key=lambda at: (not parts.rules[at].everyone, parts.rules[at].lossless, at),
    )
    return parts.fit.compatible(order)


def _minimal(parts: _Parts) -> list[int]:
    kinds = RuleKind.DROP_METRIC, RuleKind.TOP_K
    return [at for at, one in enumerate(parts.rules) if one.kind in kinds and not one.patterns]


def _further(table: Table, chosen: list[int]) -> list[int]:
    """Go on past the target with what costs little."""
    for at in greedy(table, 1.0):
        if table.rules[at].everyone:
            continue
        longer = table.compatible([*chosen, at])
        if at not in chosen and at in longer and table.fidelity(longer) >= _AGGRESSIVE_FIDELITY:
            chosen = longer
    return chosen


def _verified(
    parts: _Parts,
    chosen: Sequence[int],
    selectors: Sequence[CriticalSelector],
    request: OptimizationRequest,
    base: str,
    make_engine: EngineOf,
    billing: Billing,
    dictionaries: Dictionaries,
    now: datetime,
) -> OptimizedConfig | None:
    """The configuration, run on the whole recording; ``None`` when it misses the target or a critical process."""
    rules = _described(parts, chosen)
    text = lower(
        [parts.rules[at] for at in chosen],
        selectors,
        base,
        _notes(parts, chosen, request, rules),
        group_rest=request.group_rest,
    )
    results = _run(parts, request, base, text, make_engine, billing, dictionaries, now)
    saving = results.window.series.reduction
    unseen = _saving(make_engine, base, text, parts.second, dictionaries)
    if saving is None or saving < request.target or unseen < request.target or not _covered(results.coverage):
        return None
    warnings = list(results.warnings)
    if not request.critical:
        warnings.insert(0, "No process was named critical, so any of them may have been dropped.")
    return OptimizedConfig(
        yaml=text,
        target=request.target,
        saving=saving,
        fit_saving=parts.fit.saving(chosen),
        unseen_saving=unseen,
        fidelity=parts.whole.fidelity(chosen),
        window=results.window,
        coverage=results.coverage,
        rules=tuple(rules),
        pareto=_pareto(parts),
        warnings=tuple(warnings),
    )


def _run(
    parts: _Parts,
    request: OptimizationRequest,
    base: str,
    text: str,
    make_engine: EngineOf,
    billing: Billing,
    dictionaries: Dictionaries,
    now: datetime,
) -> ExperimentResults:
    plan = Plan(critical=request.critical, required_metrics=request.required_metrics)
    run = PairedRun(plan, dictionaries, make_engine(base), make_engine(text), billing)
    for one in parts.frames:
        run.observe(one)
    run.finish()
    return run.results(now)


def _covered(coverage: CoverageReport) -> bool:
    return (
        not coverage.missed
        and not coverage.covered_in_aggregate
        and all(one.safety is StaticSafety.SAFE for one in coverage.static)
    )


def _saving(
    make_engine: EngineOf, base: str, text: str, frames: Sequence[Frames], dictionaries: Dictionaries
) -> float:
    before, after = (_distinct(make_engine(one)(dictionaries), frames) for one in (base, text))
    return 1.0 - after / before if before else 0.0


def _distinct(engine: PipelineEngine, frames: Sequence[Frames]) -> int:
    found = []
    for sent in [*(engine.process(one) for one in frames), engine.flush()]:
        output = combined_output(sent)
        if output is not None and output.n_points:
            found.append(np.unique(output.p_series_key))
    return len(np.unique(np.concatenate(found))) if found else 0


def _described(parts: _Parts, chosen: Sequence[int]) -> list[OptimizedRule]:
    table = parts.whole
    seen = table.observed
    alive = np.ones(len(seen), dtype=np.bool_)
    shown = alive.copy()
    rows = []
    for at in chosen:
        rule = parts.rules[at]
        hit = table.masks[at] & alive
        lost = table.masks[at] & shown if not rule.lossless else np.zeros_like(hit)
        alive &= ~hit
        shown &= ~lost
        counts = np.bincount(seen.name[hit & (seen.name >= 0)], minlength=len(seen.names))
        order = np.argsort(-counts, kind="stable")[:_MOST_NAMES].tolist()
        rows.append(
            OptimizedRule(
                kind=rule.kind,
                text=rule.text,
                saves_series=int(hit.sum()),
                saves_points=int(seen.points[hit].sum()),
                loses=min(1.0, float(seen.weight[lost].sum())),
                names=tuple(seen.names[n] for n in order if counts[n]),
            )
        )
    return rows


def _notes(
    parts: _Parts, chosen: Sequence[int], request: OptimizationRequest, rules: Sequence[OptimizedRule]
) -> list[str]:
    keeps = ", ".join(request.critical).replace("\n", " ") or "nothing was named"
    found = (
        f"Found by searching a recording: {parts.whole.saving(chosen):.1%} fewer distinct series, while"
        f" {parts.whole.fidelity(chosen):.1%} of what the metrics add up to is still shown."
    )
    lines = [
        found,
        f"Always kept, with {', '.join(request.required_metrics)}: {keeps}",
    ]
    return lines + [
        f"  {rule.text} {rule.saves_series:,} series fewer, {rule.loses:.2%} no longer shown."
        for rule in rules
    ]


def _pareto(parts: _Parts) -> tuple[ParetoPoint, ...]:
    return tuple(
        ParetoPoint(
            saving=saving,
            fidelity=fidelity,
            rules=count,
            added=parts.rules[last].text if last >= 0 else "Nothing is dropped.",
        )
        for saving, fidelity, count, last in front(parts.whole, greedy(parts.fit, 1.0))
    )


def _unreachable(
    parts: _Parts, selectors: Sequence[CriticalSelector], request: OptimizationRequest, base: str
) -> ConflictError:
    every = without_needless(parts.fit, _everything(parts), 1.0)
    best = min(parts.whole.saving(every), parts.unseen.saving(every))
    text = lower(
        [parts.rules[at] for at in every],
        selectors,
        base,
        _notes(parts, every, request, _described(parts, every)),
    )
    return ConflictError(
        f"{request.target:.0%} fewer series cannot be had while the critical processes stay visible; the best found"
        f" is {best:.1%}",
        hint="ask for less, name fewer critical processes, or require fewer metrics of them",
        details={
            "target": request.target,
            "best": {
                "saving": parts.whole.saving(every),
                "unseen_saving": parts.unseen.saving(every),
                "fidelity": parts.whole.fidelity(every),
                "yaml": text,
            },
        },
    )
