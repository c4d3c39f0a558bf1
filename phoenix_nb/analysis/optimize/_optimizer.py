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
from phoenix_nb.analysis.optimize._parts import Parts, tabulate
from phoenix_nb.analysis.optimize._search import Table, greedy, without_needless
from phoenix_nb.analysis.optimize._telling import described, notes, pareto
from phoenix_nb.analysis.optimize._trial import Arms, Trials
from phoenix_nb.collector.receiving import ReceiverAsks
from phoenix_nb.errors import ConflictError, InvalidRequestError
from phoenix_nb.evidence.coverage import CriticalSelector, parse_selectors
from phoenix_nb.interfaces.evidence import CoverageReport, StaticSafety
from phoenix_nb.interfaces.experiment import ExperimentResults
from phoenix_nb.interfaces.optimization import (
    OptimizationRequest,
    OptimizationStrategy,
    OptimizedConfig,
    OptimizedRule,
    RuleKind,
)
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["optimize"]

Flags = npt.NDArray[np.bool_]
EngineOf = Callable[[str], Callable[[Dictionaries], PipelineEngine]]

_MARGINS: Final = (0.01, 0.03, 0.06, 0.12, 0.25)
"""Savings above the target that the first half is fitted to, until the second half meets the target too."""
_AGGRESSIVE_FIDELITY: Final = 0.80
"""How far an aggressive configuration goes on when the target is met."""


def _no_receiver(text: str) -> ReceiverAsks | None:
    del text
    return None


@dataclass(frozen=True, slots=True)
class _Check:
    """What every verification needs."""

    parts: Parts
    selectors: Sequence[CriticalSelector]
    request: OptimizationRequest
    base: str
    receiver: ReceiverAsks | None
    trials: Trials
    billing: Billing
    dictionaries: Dictionaries
    now: datetime


def optimize(
    frames: Sequence[Frames],
    dictionaries: Dictionaries,
    request: OptimizationRequest,
    base: str,
    make_engine: EngineOf,
    billing: Billing,
    *,
    now: datetime,
    asks: Callable[[str], ReceiverAsks | None] = _no_receiver,
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
        asks: what the hostmetrics receiver of collector YAML asks for; without it the scrape itself stays as it is.

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
    trials = Trials(make_engine, asks, whole)
    receiver = asks(base)
    parts = tabulate(whole, dictionaries, selectors, request, scrapes=receiver is not None)
    check = _Check(parts, selectors, request, base, receiver, trials, billing, dictionaries, now)
    for chosen in _attempts(parts, request):
        if parts.whole.saving(chosen) < request.target or parts.unseen.saving(chosen) < request.target:
            continue
        made = _verified(check, chosen)
        if made is not None:
            return made
    raise _unreachable(check)


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


def _attempts(parts: Parts, request: OptimizationRequest) -> list[list[int]]:
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


def _everything(parts: Parts) -> list[int]:
    """As many rules as go together, those that reach furthest first."""
    reach = parts.fit.masks.sum(axis=1).tolist()
    order = sorted(
        range(len(parts.rules)),
        key=lambda at: (not parts.rules[at].everyone, parts.rules[at].lossless, -reach[at], at),
    )
    return parts.fit.compatible(order)


def _minimal(parts: Parts) -> list[int]:
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
    # Attributes save bytes even where they save no series.
    spare = [at for at, one in enumerate(table.rules) if one.keys and not one.everyone and at not in chosen]
    return table.compatible([*chosen, *spare])


def _text(check: _Check, chosen: Sequence[int], rules: Sequence[OptimizedRule], *, group_rest: bool) -> str:
    return lower(
        [check.parts.rules[at] for at in chosen],
        check.selectors,
        check.base,
        notes(check.parts, chosen, check.request, rules),
        group_rest=group_rest,
        asks=check.receiver,
    )


def _verified(check: _Check, chosen: Sequence[int]) -> OptimizedConfig | None:
    """The configuration, run on the whole recording; ``None`` when it misses the target or a critical process."""
    parts, request = check.parts, check.request
    rules = described(parts, chosen)
    text = _text(check, chosen, rules, group_rest=request.group_rest)
    arms = check.trials.arms(check.base, text)
    results = _run(check, arms)
    saving = results.window.series.reduction
    unseen = _saving(arms, parts.second, check.dictionaries)
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
        unaltered=_unaltered(results.coverage),
        window=results.window,
        coverage=results.coverage,
        rules=tuple(rules),
        pareto=pareto(parts),
        warnings=tuple(warnings),
    )


def _run(check: _Check, arms: Arms) -> ExperimentResults:
    request = check.request
    plan = Plan(critical=request.critical, required_metrics=request.required_metrics)
    run = PairedRun(
        plan,
        check.dictionaries,
        arms.base,
        arms.candidate,
        check.billing,
        period_seconds=arms.period_seconds,
        interval_seconds=arms.interval_seconds,
        probe=arms.probe,
    )
    for one in check.parts.frames:
        run.observe(one)
    run.finish()
    return run.results(check.now)


def _unaltered(coverage: CoverageReport) -> float | None:
    found = coverage.fidelity
    sent = 0 if found is None else found.compared + found.not_comparable
    return None if found is None or not sent else (found.compared - found.differing) / sent


def _covered(coverage: CoverageReport) -> bool:
    return (
        not coverage.missed
        and not coverage.covered_in_aggregate
        and all(one.safety is StaticSafety.SAFE for one in coverage.static)
    )


def _saving(arms: Arms, frames: Sequence[Frames], dictionaries: Dictionaries) -> float:
    before, after = (_distinct(one(dictionaries), frames) for one in (arms.base, arms.candidate))
    return 1.0 - after / before if before else 0.0


def _distinct(engine: PipelineEngine, frames: Sequence[Frames]) -> int:
    found = []
    for sent in [*(engine.process(one) for one in frames), engine.flush()]:
        output = combined_output(sent)
        if output is not None and output.n_points:
            found.append(np.unique(output.p_series_key))
    return len(np.unique(np.concatenate(found))) if found else 0


def _unreachable(check: _Check) -> ConflictError:
    parts, request = check.parts, check.request
    every = without_needless(parts.fit, _everything(parts), 1.0)
    best = min(parts.whole.saving(every), parts.unseen.saving(every))
    text = _text(check, every, described(parts, every), group_rest=False)
    return ConflictError(
        f"{request.target * 100:.4g}% fewer series cannot be had while the critical processes stay visible; the best"
        f" found is {best:.1%}",
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
