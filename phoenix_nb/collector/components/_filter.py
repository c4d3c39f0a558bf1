"""filter: drops resources, metrics and points for which a condition holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components._base import (
    BuildError,
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._filter_expr import (
    ExprError,
    ExprEvaluationError,
    PointTest,
    compile_expr,
)
from phoenix_nb.collector.components._filter_settings import (
    FilterSettings,
    MetricMatch,
    check_settings,
    compile_rules,
)
from phoenix_nb.collector.components._gates import FILTER_IGNORES, default_error_mode
from phoenix_nb.collector.components._matching import attributes_matcher, text_matcher
from phoenix_nb.collector.ottl import CONTEXTS, Condition, OttlError, Rows, any_by_series
from phoenix_nb.otlp import Attributes, Frames, MetricHeader, Resource

__all__ = ["FILTER"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Rule:
    """Conditions of one context: a row for which one holds is dropped."""

    level: str
    conditions: Sequence[tuple[str, Condition]]
    mode: str
    together: Condition | None
    """All conditions in one, where that is quicker and as long as none fails."""

    @classmethod
    def of(cls, level: str, conditions: Sequence[tuple[str, Condition]], mode: str) -> Self:
        """A rule of some conditions."""
        return cls(level, conditions, mode, any_by_series([condition for _, condition in conditions]))

    def judge(self, frames: Frames) -> tuple[Mask, dict[int, str], list[str]]:
        """Which rows are dropped, which payloads are refused and why, and what to log."""
        rows = Rows(frames, self.level)
        if self.together is not None:
            all_in_one = self.together.over(rows)
            if not all_in_one.any_failed:
                return all_in_one.true, {}, []
        undecided: Mask | None = None
        dropped: Mask | None = None
        failed: dict[int, str] = {}
        logged: dict[str, None] = {}
        for text, condition in self.conditions:
            found = condition.over(rows)
            hit = found.true if undecided is None else found.true & undecided
            if found.error is not None:
                here = found.error >= 0 if undecided is None else (found.error >= 0) & undecided
                bad = np.flatnonzero(here).tolist()
                texts = [f"failed to eval condition: {text}, {found.errors[found.error[row]]}" for row in bad]
                if self.mode == "propagate":
                    failed.update(zip(bad, texts, strict=True))
                    undecided = ~here if undecided is None else undecided & ~here
                elif self.mode == "ignore":
                    logged.update(dict.fromkeys(texts))
            dropped = hit if dropped is None else dropped | hit
            undecided = ~hit if undecided is None else undecided & ~hit
            if not undecided.any():
                break
        assert dropped is not None  # noqa: S101 - a rule has conditions
        return dropped, _by_payload(rows, failed), list(logged)


_MOST_ERRORS: Final = 100


def _by_payload(rows: Rows, failed: Mapping[int, str]) -> dict[int, str]:
    """Errors of rows joined by payload, as the sender gets them."""
    if not failed:
        return {}
    payload = rows.payloads()
    texts: dict[int, list[str]] = {}
    for row in sorted(failed):
        texts.setdefault(int(payload[row]), []).append(failed[row])
    return {
        number: "; ".join(found[:_MOST_ERRORS])
        + (f"; and {len(found) - _MOST_ERRORS} more" if len(found) > _MOST_ERRORS else "")
        for number, found in texts.items()
    }


class _FilterStage(Stateless):
    """Passes of rules by level, outermost first; a row that is gone never reaches the rules below it."""

    def __init__(self, passes: Sequence[Sequence[_Rule]]) -> None:
        self._passes = passes

    def process(self, flow: Flow) -> Flow:
        for rules in self._passes:
            levels = {rule.level for rule in rules}
            for rule in rules:
                dropped, refused, logged = rule.judge(flow.frames)
                frames = _without(flow.frames, rule.level, dropped, only=levels == {"rm"})
                # A payload that is refused is not looked at any further.
                flow = flow.to(frames, logged).refuse(refused)
        return flow


def _without(frames: Frames, level: str, dropped: Mask, *, only: bool) -> Frames:
    kept = ~dropped
    if level == "p":
        return frames.where(kept)
    if level == "m":
        return frames.where(metrics=kept)
    if level == "sm":
        return frames.where(scopes=kept)
    if not only:
        return frames.where(resources=kept, keep_empty=True)
    # Rules on resources alone look no deeper: empty scope blocks stay.
    return frames.where(resources=kept & _with_scopes(frames), keep_empty=True)


def _with_scopes(frames: Frames) -> Mask:
    alive = np.zeros(frames.n_resources, dtype=np.bool_)
    alive[frames.sm_rm] = True
    return alive


class _MatchStage(Stateless):
    """Include and exclude blocks: resources by attributes, metrics by name."""

    def __init__(
        self,
        resources: Sequence[tuple[Callable[[Resource], bool], bool]],
        metrics: Sequence[tuple[Callable[[str], bool], bool]],
        points: Sequence[tuple[Sequence[PointTest], bool]],
    ) -> None:
        self._resources = resources
        self._metrics = metrics
        self._points = [(_PointMatch(tests), wanted) for tests, wanted in points]

    def _keeps_resource(self, resource: Resource) -> bool:
        return all(test(resource) is wanted for test, wanted in self._resources)

    def _keeps_metric(self, header: MetricHeader) -> bool:
        return all(test(header.name) is wanted for test, wanted in self._metrics)

    def process(self, flow: Flow) -> Flow:
        frames = flow.frames
        known = frames.dictionaries
        resources: Mask | None = None
        if self._resources:
            # One more place at the end for -1: a resource that the sender left out counts as empty.
            table = np.append(
                known.resources.map(self._keeps_resource, np.bool_), self._keeps_resource(Resource())
            )
            resources = table[frames.rm_resource].astype(np.bool_)
        metrics: Mask | None = None
        if self._metrics:
            metrics = known.headers.map(self._keeps_metric, np.bool_)[frames.m_header].astype(np.bool_)
        refused: dict[int, str] = {}
        for match, wanted in self._points:
            rows, failed = match.over(frames)
            found = rows if wanted else ~rows
            metrics = found if metrics is None else metrics & found
            refused.update(failed)
        if metrics is None:
            kept = _with_scopes(frames) if resources is None else resources & _with_scopes(frames)
            return flow.to(frames.where(resources=kept, keep_empty=True))
        return flow.to(frames.where(metrics=metrics, resources=resources)).refuse(refused)


class _PointMatch:
    """Metrics with a point for which an expression holds."""

    def __init__(self, tests: Sequence[PointTest]) -> None:
        self._tests = tests
        self._known: dict[int, bool | str] = {}

    def over(self, frames: Frames) -> tuple[Mask, dict[int, str]]:
        """Per metric row whether it matches, and the payloads in which evaluation failed."""
        rows = Rows(frames, "p")
        matched = np.zeros(frames.n_metrics, dtype=np.bool_)
        if not frames.n_points:
            return matched, {}
        ids = rows.combination(("attributes", "header"))
        new, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
        verdicts = [
            self._verdict(rows, number, at) for number, at in zip(new.tolist(), first.tolist(), strict=True)
        ]
        holds = np.array([verdict is True for verdict in verdicts])[inverse.reshape(-1)]
        matched[frames.p_metric[holds]] = True
        failed: dict[int, str] = {}
        if any(isinstance(verdict, str) for verdict in verdicts):
            payload = frames.p_payload
            for at, number in enumerate(inverse.reshape(-1).tolist()):
                verdict = verdicts[number]
                if isinstance(verdict, str):
                    failed.setdefault(int(payload[at]), verdict)
        return matched, failed

    def _verdict(self, rows: Rows, number: int, at: int) -> bool | str:
        found = self._known.get(number)
        if found is None:
            item = rows.item(at, frozenset({"attributes", "header"}))
            try:
                found = any(test(item.metric, item.attributes) for test in self._tests)
            except ExprEvaluationError as exc:
                found = str(exc)
            self._known[number] = found
        return found


def _match_stage(include: MetricMatch | None, exclude: MetricMatch | None) -> Stage:
    resources: list[tuple[Callable[[Resource], bool], bool]] = []
    metrics: list[tuple[Callable[[str], bool], bool]] = []
    points: list[tuple[Sequence[PointTest], bool]] = []
    for match, wanted in ((include, True), (exclude, False)):
        if match is None:
            continue
        if match.match_type == "expr":
            try:
                tests = [compile_expr(text) for text in match.expressions]
            except ExprError as exc:
                raise BuildError(str(exc)) from exc
            points.append((tests, wanted))
            continue
        by_attributes = attributes_matcher(match.match_type, match.resource_attributes)
        if by_attributes is not None:
            resources.append((_of_resource(by_attributes), wanted))
        names = text_matcher(match.match_type, match.metric_names)
        if match.metric_names:
            metrics.append((names, wanted))
    return _MatchStage(resources, metrics, points) if resources or metrics or points else _FilterStage(())


def _of_resource(test: Callable[[Attributes], bool]) -> Callable[[Resource], bool]:
    return lambda resource: test(resource.attributes)


_LEVELS: Final = ("resource", "scope", "metric", "datapoint")


def _build(settings: FilterSettings, setup: Setup) -> Stage:
    metrics = settings.metrics
    if metrics.include is not None or metrics.exclude is not None:
        return _match_stage(metrics.include, metrics.exclude)
    default = default_error_mode(setup, FILTER_IGNORES)
    mode = settings.error_mode or default
    try:
        compiled = compile_rules(settings, setup.version)
    except OttlError as exc:
        raise BuildError(str(exc)) from exc
    return _FilterStage(
        [
            [
                _Rule.of(CONTEXTS[name].level, rules.conditions[name], rules.mode or mode)
                for name in _LEVELS
                if rules.conditions.get(name)
            ]
            for rules in compiled
        ]
    )


FILTER: Final = ComponentType(
    ComponentKind.PROCESSOR, "filter", FilterSettings, build=_build, check=check_settings
)
"""The filter processor."""
