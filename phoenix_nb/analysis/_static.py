"""The static check: do the candidate's rules keep every critical process whatever its values are?"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._output import combined_output
from phoenix_nb.errors import UnsupportedComponentError
from phoenix_nb.evidence.coverage import CoverageTracker, parse_selectors
from phoenix_nb.interfaces.evidence import StaticFinding, StaticSafety
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Dictionaries, Frames, PointKind, Resource
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["CriticalSeries", "static_check"]

_SCRAPES: Final = 4
"""Scrapes per probe: components with memory answer from the second one on."""
_LARGE: Final = 10**15
_START: Final = 1_700_000_000_000_000_000
_PID: Final = "process.pid"
_ARM: Final = "candidate"


@dataclass(frozen=True, slots=True)
class CriticalSeries:
    """Series of critical processes that a run observed."""

    dictionaries: Dictionaries
    """The dictionaries of the run."""
    series: npt.NDArray[np.int64]
    """Series ids, increasing."""
    kinds: npt.NDArray[np.uint8]
    """Per series the :class:`PointKind` of its points."""

    @classmethod
    def of(cls, frames: Frames) -> CriticalSeries:
        """All number series of some payloads."""
        series, first = np.unique(frames.p_series, return_index=True)
        return cls(frames.dictionaries, series.astype(np.int64), frames.p_kind[first])


def static_check(
    make_engine: Callable[[Dictionaries], PipelineEngine],
    observed: CriticalSeries,
    plan: Plan,
    *,
    period_seconds: float = 10.0,
) -> tuple[StaticFinding, ...]:
    """Run the candidate on every observed critical lifetime with probe values.

    Probes: all values zero and standing still; then large and growing. A required metric that is lost in every
    scrape of a probe is *unsafe*; one that is kept only now and then is *unknown*. A last probe gives the same
    processes other pids: what is lost only then depends on the pid, which tells nothing of the next lifetime:
    *unknown*. Processes that were never observed are not part of the answer.

    Args:
        make_engine: compiles the candidate on dictionaries of its own, so that probes leave no trace in the run.
        observed: what the run has seen.
        plan: critical selectors and required metrics.
        period_seconds: time between scrapes of a probe.

    Returns:
        One finding per critical process name, in order of first appearance.
    """
    if not plan.critical or not len(observed.series):
        return ()
    found: dict[str, tuple[StaticSafety, str]] = {}
    for probe in _probes():
        for name, (safety, why) in _run(make_engine, observed, plan, probe, period_seconds).items():
            known = found.get(name)
            if known is None or _ORDER[safety] > _ORDER[known[0]]:
                found[name] = (safety, why)
    return tuple(StaticFinding(name=name, safety=safety, why=why) for name, (safety, why) in found.items())


_ORDER: Final[Mapping[StaticSafety, int]] = {
    StaticSafety.SAFE: 0,
    StaticSafety.UNKNOWN: 1,
    StaticSafety.UNSAFE: 2,
}


@dataclass(frozen=True, slots=True)
class _Probe:
    words: str
    step: int
    other_pids: bool = False


def _probes() -> tuple[_Probe, ...]:
    return (
        _Probe("all values are zero", 0),
        _Probe("values are large", _LARGE),
        _Probe("the process has another pid", _LARGE, other_pids=True),
    )


def _run(
    make_engine: Callable[[Dictionaries], PipelineEngine],
    observed: CriticalSeries,
    plan: Plan,
    probe: _Probe,
    period_seconds: float,
) -> dict[str, tuple[StaticSafety, str]]:
    dictionaries = Dictionaries()
    tracker = CoverageTracker(dictionaries, parse_selectors(plan.critical), plan.required_metrics, (_ARM,))
    raw = _frames(observed, dictionaries, probe, round(period_seconds * 1e9))
    times = np.unique(raw.p_time)
    tracker.add_raw(raw, _scrape(raw, times))
    try:
        with contextlib.closing(make_engine(dictionaries)) as engine:
            given = engine.process(raw), engine.flush()
    except UnsupportedComponentError as exc:
        why = f"the candidate cannot be run here: {exc.message}"
        return {unit.name: (StaticSafety.UNKNOWN, why) for unit in tracker.units}
    failure = next((output.failure for output in given if output.failure), "")
    if failure:
        return {
            unit.name: (StaticSafety.UNKNOWN, f"the candidate failed: {failure}") for unit in tracker.units
        }
    for output in map(combined_output, given):
        if output is not None:
            tracker.add_arm(_ARM, output, _scrape(output, times))
    counts = tracker.finalise(_SCRAPES)[_ARM]
    missed = {number: set(count.missed) for number, count in counts.items()}
    grouped: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, unit in enumerate(tracker.units):
        absent = sum(number in missed.get(scrape, ()) for scrape in range(_SCRAPES))
        # What comes back by the last scrape only had to warm up.
        grouped[unit.name].append((number, absent if number in missed.get(_SCRAPES - 1, ()) else 0))
    return {name: _judge(tracker, rows, probe) for name, rows in grouped.items()}


def _judge(
    tracker: CoverageTracker, rows: Sequence[tuple[int, int]], probe: _Probe
) -> tuple[StaticSafety, str]:
    worst = max(absent for _, absent in rows)
    if not worst:
        return StaticSafety.SAFE, ""
    hit = [number for number, absent in rows if absent]
    lacking = sorted({metric for number in hit for metric in tracker.arms[_ARM].units[number].lacking})
    what = f"{', '.join(lacking)} of {len(hit)} of {len(rows)} lifetimes"
    if probe.other_pids:
        return StaticSafety.UNKNOWN, f"{what} is lost when {probe.words}: the rules depend on the pid"
    if worst < _SCRAPES:
        return StaticSafety.UNKNOWN, f"{what} is lost in {worst} of {_SCRAPES} scrapes when {probe.words}"
    return StaticSafety.UNSAFE, f"{what} is lost when {probe.words}"


def _scrape(frames: Frames, times: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Per point the scrape it belongs to; points of other times go with the one before."""
    found = np.searchsorted(times, frames.p_time, side="right").astype(np.int64) - 1
    return np.clip(found, 0, _SCRAPES - 1)


def _frames(observed: CriticalSeries, fresh: Dictionaries, probe: _Probe, period: int) -> Frames:
    """The probe's payloads: every observed number series, one payload per scrape."""
    old, index = observed.dictionaries, observed.dictionaries.series
    number = (observed.kinds == PointKind.INT) | (observed.kinds == PointKind.DOUBLE)
    series, kinds = observed.series[number], observed.kinds[number]
    order = np.lexsort((index.header[series], index.scope[series], index.resource[series]))
    series, kinds = series[order], kinds[order]
    resource, scope = index.resource[series], index.scope[series]
    header, attributes = index.header[series], index.attributes[series]
    new_resource = _changed(resource)
    new_scope = new_resource | _changed(scope)
    new_metric = new_scope | _changed(header)
    rm, sm, m = (np.cumsum(new) - 1 for new in (new_resource, new_scope, new_metric))
    resources = [
        -1 if at < 0 else fresh.resources.intern(_resource(old, at, probe))
        for at in resource[new_resource].tolist()
    ]
    scopes = [-1 if at < 0 else fresh.scopes.intern(old.scopes[at]) for at in scope[new_scope].tolist()]
    headers = {at: fresh.headers.intern(old.headers[at]) for at in np.unique(header).tolist()}
    sets = {at: fresh.attribute_sets.intern(old.attribute_sets[at]) for at in np.unique(attributes).tolist()}
    rows, n_rm, n_sm, n_m = len(series), len(resources), len(scopes), int(new_metric.sum())
    # Lifetimes with one pid must stay apart in a probe that holds all of them at once.
    start = _START + rm.astype(np.int64) * 1_000_000_000
    scrape = np.repeat(np.arange(_SCRAPES), rows)
    values = np.minimum(probe.step * (scrape + 1), np.iinfo(np.int64).max)
    kind = np.tile(kinds, _SCRAPES)
    whole = kind == PointKind.INT
    m_header = np.array([headers[at] for at in header[new_metric].tolist()])
    times = _START + 10**15 + np.arange(_SCRAPES) * period
    return Frames(
        fresh,
        times,
        {
            "rm_payload": np.repeat(np.arange(_SCRAPES), n_rm),
            "rm_resource": np.tile(resources, _SCRAPES),
            "rm_schema": np.zeros(n_rm * _SCRAPES),
            "sm_rm": _tiled(rm[new_scope], n_rm),
            "sm_scope": np.tile(scopes, _SCRAPES),
            "sm_schema": np.zeros(n_sm * _SCRAPES),
            "m_sm": _tiled(sm[new_metric], n_sm),
            "m_header": np.tile(m_header, _SCRAPES),
            "p_metric": _tiled(m, n_m),
            "p_attributes": np.tile([sets[at] for at in attributes.tolist()], _SCRAPES),
            "p_start": np.tile(start, _SCRAPES),
            "p_time": np.repeat(times, rows),
            "p_kind": kind,
            "p_int": np.where(whole, values, 0),
            "p_double": np.where(whole, 0.0, values.astype(np.float64)),
            "p_flags": np.zeros(rows * _SCRAPES),
            "p_side": np.full(rows * _SCRAPES, -1),
        },
    )


def _changed(values: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    changed = np.ones(len(values), dtype=np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed


def _tiled(parents: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Parent rows of one scrape, repeated for every scrape."""
    return (parents[None, :] + np.arange(_SCRAPES)[:, None] * size).ravel()


def _resource(old: Dictionaries, number: int, probe: _Probe) -> Resource:
    resource = old.resources[number]
    pid = resource.attributes.get(_PID)
    if not probe.other_pids or not isinstance(pid, int):
        return resource
    # Far from every real pid, and on the other side of the usual thresholds.
    moved = 4_194_304 - 1 - pid % 1_000_000
    return replace(resource, attributes=resource.attributes.with_item(_PID, moved))
