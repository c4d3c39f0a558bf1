"""Running pipeline tests on either engine."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from phoenix_nb.analysis import combined_output, output_totals, series_text
from phoenix_nb.collector import Clock, compile_config
from phoenix_nb.collector.lint import FactsCollector, lint_config
from phoenix_nb.errors import PhoenixError
from phoenix_nb.interfaces import EngineKind
from phoenix_nb.lab._collector_engines import chosen_exporter, open_engine, parsed_config
from phoenix_nb.lab._collector_run import Ticks, engine_outputs
from phoenix_nb.lab._collector_test_file import (
    CompactPoint,
    Expectations,
    PipelineTest,
    PipelineTestFile,
    Range,
    Recording,
    Scalar,
    SeriesPattern,
    load_pipeline_tests,
)
from phoenix_nb.otlp import Attributes, Decoder, Dictionaries, Frames, PointKind, attribute_text, series_keys
from phoenix_nb.sources import read_recording

__all__ = ["PipelineTestResult", "run_pipeline_test", "run_pipeline_tests"]

_BEGIN: Final = 1_767_225_600
"""Unix seconds at which tests begin: 2026-01-01."""
_PERIOD: Final = 60.0
_MOST_SHOWN: Final = 20
_CLOSE: Final = 1e-9
_DATA: Final[Mapping[str, Mapping[str, object]]] = {
    "gauge": {},
    "sum": {"aggregationTemporality": 2},
    "counter": {"aggregationTemporality": 2, "isMonotonic": True},
    "delta": {"aggregationTemporality": 1, "isMonotonic": True},
}


@dataclass(frozen=True, slots=True)
class PipelineTestResult:
    """What became of one test."""

    file: Path
    """Its file."""
    name: str
    """Its name."""
    failures: tuple[str, ...]
    """What was not as expected, one text each; empty when it passed."""
    error: str = ""
    """Why it could not be run; empty when it was."""

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures and not self.error


def run_pipeline_tests(
    path: Path, *, engine: EngineKind = EngineKind.EMBEDDED
) -> Iterator[PipelineTestResult]:
    """Run every test of a file, in order.

    Args:
        path: the file.
        engine: what runs the configuration.

    Raises:
        InvalidRequestError: it is no test file.
        NotFoundError: it, or its configuration, does not exist.
    """
    file, text = load_pipeline_tests(path)
    for test in file.tests:
        try:
            failures = run_pipeline_test(path, file, text, test, engine=engine)
        except PhoenixError as error:
            more = [text for text in _problems(error) if text not in error.message]
            yield PipelineTestResult(path, test.name, (), "\n".join([error.message, *more[:3]]))
        else:
            yield PipelineTestResult(path, test.name, failures)


def _problems(error: PhoenixError) -> Iterator[str]:
    """Every finding that an error carries, as people read it."""
    problems = error.details.get("problems")
    for one in problems if isinstance(problems, list) else ():
        if not isinstance(one, dict):
            yield str(one)
        elif one.get("severity") == "error":
            yield f"{one['path']}: {one['message']}" if one["path"] else str(one["message"])


def run_pipeline_test(
    path: Path,
    file: PipelineTestFile,
    text: str,
    test: PipelineTest,
    *,
    engine: EngineKind = EngineKind.EMBEDDED,
) -> tuple[str, ...]:
    """What was not as expected.

    Args:
        path: the test file.
        file: what it holds.
        text: the collector YAML.
        test: the test.
        engine: what runs the configuration.

    Raises:
        ConfigError: the configuration is refused.
        NotFoundError: there is no such exporter.
        PayloadDecodeError: the recording is broken.
        SourceError: the recording cannot be read.
        RunFailedError: the real collector failed.
    """
    dictionaries = Dictionaries()
    payloads = _payloads(path, test, dictionaries)
    failures: list[str] = []
    with open_engine(
        text,
        dictionaries,
        engine=engine,
        collector_version=file.collector_version,
        environment=file.environment,
    ) as made:
        wanted = None if test.exporter is None else chosen_exporter(made.exporters, test.exporter)
        sent: list[Frames] = []
        for first, output in engine_outputs(made, iter(payloads), ticks=Ticks(test.ticks)):
            failures += [f"payload {first + at + 1} was refused: {why}" for at, why in output.refused.items()]
            frames = combined_output(output, wanted)
            if frames is not None and frames.n_payloads:
                sent.append(frames)
    failures += _Check(dictionaries, sent).all(test.expect)
    if test.expect.lint_free:
        failures += _lint(file, text, payloads, dictionaries)
    return tuple(failures)


def _lint(
    file: PipelineTestFile, text: str, payloads: Sequence[Frames], dictionaries: Dictionaries
) -> Iterator[str]:
    config = parsed_config(text, collector_version=file.collector_version, environment=file.environment)
    facts = FactsCollector()
    engine = compile_config(config, dictionaries, clock=Clock.MANUAL, watch=facts)
    for _ in engine_outputs(engine, iter(payloads)):
        pass  # What comes out is not needed: every step was seen.
    for one in lint_config(config, facts.facts):
        yield f"lint: {one.path}: {one.message} [{one.code}]; try: {one.suggestion}"


# -- what goes in ------------------------------------------------------------------------------------------------------


def _payloads(path: Path, test: PipelineTest, dictionaries: Dictionaries) -> list[Frames]:
    if isinstance(test.input, Recording):
        return list(read_recording(path.parent / test.input.recording, dictionaries))
    texts = [orjson.dumps(_request(points, number * _PERIOD)) for number, points in enumerate(test.input)]
    return [Decoder(dictionaries).json(texts)]


def _request(points: Sequence[CompactPoint], time: float) -> dict[str, Any]:
    resources: dict[tuple[tuple[str, Any], ...], dict[tuple[str, str, str], list[CompactPoint]]] = {}
    for point in points:
        metrics = resources.setdefault(_identity(point.resource), {})
        metrics.setdefault((point.metric, point.unit, point.type), []).append(point)
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": _attributes(next(iter(metrics.values()))[0].resource)},
                "scopeMetrics": [
                    {"metrics": [_metric(*header, found, time) for header, found in metrics.items()]}
                ],
            }
            for metrics in resources.values()
        ]
    }


def _metric(name: str, unit: str, kind: str, points: Sequence[CompactPoint], time: float) -> dict[str, Any]:
    data = {**_DATA[kind], "dataPoints": [_point(point, time) for point in points]}
    return {"name": name, "unit": unit, "gauge" if kind == "gauge" else "sum": data}


def _point(point: CompactPoint, time: float) -> dict[str, Any]:
    made: dict[str, Any] = {
        "timeUnixNano": str(_nanoseconds(time if point.time is None else point.time)),
        "attributes": _attributes(point.attributes),
    }
    if point.start is not None:
        made["startTimeUnixNano"] = str(_nanoseconds(point.start))
    if isinstance(point.value, int):
        made["asInt"] = str(point.value)
    else:
        made["asDouble"] = point.value if math.isfinite(point.value) else _word(point.value)
    return made


def _word(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _nanoseconds(seconds: float) -> int:
    return (_BEGIN * 1_000_000 + round(seconds * 1_000_000)) * 1000


def _attributes(pairs: Mapping[str, Scalar]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in pairs.items()]


def _any_value(value: Scalar) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
    return {"stringValue": value}


def _identity(pairs: Mapping[str, object]) -> tuple[tuple[str, Any], ...]:
    # 1, 1.0 and True are equal in Python and three values in OTLP.
    return tuple(sorted((key, (type(value).__name__, value)) for key, value in pairs.items()))


# -- what comes out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Got:
    """One point of the output."""

    metric: str
    value: int | float
    resource: dict[str, object]
    attributes: dict[str, object]
    time: float


class _Check:
    def __init__(self, dictionaries: Dictionaries, sent: Sequence[Frames]) -> None:
        self._known = dictionaries
        self._sent = sent
        found = [series_keys(frames) for frames in sent]
        keys = np.unique(np.concatenate(found)) if found else np.zeros(0, dtype=np.int32)
        parts = dictionaries.series.key_parts(keys)
        columns = (keys, parts.header, parts.resource, parts.attributes)
        self._series = [
            (
                key,
                dictionaries.headers[header].name,
                dictionaries.resources[resource].attributes,
                dictionaries.attribute_sets[attributes],
            )
            for key, header, resource, attributes in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def all(self, expect: Expectations) -> Iterator[str]:
        yield from self._counts(expect)
        for pattern in expect.present:
            if not self._matching(pattern):
                yield f"no series matches {_shown(pattern)}{self._nearest(pattern)}"
        for pattern in expect.absent:
            if found := self._matching(pattern):
                match = "matches" if len(found) == 1 else "match"
                yield f"{len(found)} series {match} {_shown(pattern)}, expected none:\n{self._listed(found)}"
        for wanted in expect.values:
            found = self._matching(wanted)
            if not found:
                yield f"no series matches {_shown(wanted)}{self._nearest(wanted)}"
            for key in found:
                value = self._last(key)
                if value is None or not _equal(value, wanted.value, wanted.tolerance):
                    allowed = f" ± {wanted.tolerance:g}" if wanted.tolerance else ""
                    yield f"{series_text(self._known, key)}: expected {wanted.value}{allowed}, got {value}"
        if expect.output is not None:
            yield from self._output(expect.output)

    def _counts(self, expect: Expectations) -> Iterator[str]:
        totals = output_totals(self._sent)
        for name in ("payloads", "points", "series"):
            wanted, found = getattr(expect, name), getattr(totals, name)
            if isinstance(wanted, Range):
                low, high = wanted.min, wanted.max
                if (low is not None and found < low) or (high is not None and found > high):
                    yield f"{name}: expected {_range(low, high)}, got {found}"
            elif wanted is not None and wanted != found:
                yield f"{name}: expected {wanted}, got {found}"

    def _matching(self, pattern: SeriesPattern) -> list[int]:
        return [
            key
            for key, metric, resource, attributes in self._series
            if fnmatch.fnmatchcase(metric, pattern.metric)
            and _has(resource, pattern.resource)
            and _has(attributes, pattern.attributes)
        ]

    def _nearest(self, pattern: SeriesPattern) -> str:
        """The series of the same metric, which is what people look at next."""
        same = self._matching(SeriesPattern(metric=pattern.metric))
        if same:
            return f"; of this metric there are:\n{self._listed(same)}"
        names = {metric for _, metric, _, _ in self._series}
        return f"; metrics in the output: {', '.join(sorted(names)) or 'none'}"

    def _listed(self, keys: Sequence[int]) -> str:
        lines = sorted(f"    {series_text(self._known, key)}" for key in keys)
        more = [f"    … and {len(lines) - _MOST_SHOWN} more"] if len(lines) > _MOST_SHOWN else []
        return "\n".join([*lines[:_MOST_SHOWN], *more])

    def _last(self, key: int) -> int | float | None:
        place = self._last_places.get(key)
        return None if place is None else _value(*place)

    @cached_property
    def _last_places(self) -> dict[int, tuple[Frames, int]]:
        """Per series where its last point is."""
        return {
            key: (frames, row)
            for frames in self._sent
            for row, key in enumerate(frames.p_series_key.tolist())
        }

    def _output(self, wanted: Sequence[CompactPoint]) -> Iterator[str]:
        """The difference to the expected points: ``-`` is missing, ``+`` was not expected."""
        found = [point for frames in self._sent for point in self._points(frames)]
        lines = []
        for point in wanted:
            at = next((at for at, one in enumerate(found) if _same(point, one)), None)
            if at is None:
                lines.append(f"  - {_line(point, with_time=point.time is not None)}")
            else:
                del found[at]
        timed = any(one.time is not None for one in wanted)
        lines += [f"  + {_line(point, with_time=timed)}" for point in found]
        if lines:
            # By what follows the sign, so that a changed value stands beside what was expected.
            lines.sort(key=lambda line: (line[4:].partition(" = ")[0], line[2] == "+"))
            shown = lines[: 2 * _MOST_SHOWN]
            more = [f"  … and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else []
            yield "\n".join(["output (- expected, + got):", *shown, *more])

    def _points(self, frames: Frames) -> Iterator[_Got]:
        for row in range(frames.n_points):
            value = _value(frames, row)
            resource = int(frames.p_resource[row])
            yield _Got(
                metric=self._known.headers[int(frames.p_header[row])].name,
                value=float("nan") if value is None else value,
                resource=dict(self._known.resources[resource].attributes.items()) if resource >= 0 else {},
                attributes=dict(self._known.attribute_sets[int(frames.p_attributes[row])].items()),
                time=(int(frames.p_time[row]) - _BEGIN * 1_000_000_000) / 1e9,
            )


def _value(frames: Frames, row: int) -> int | float | None:
    kind = frames.p_kind[row]
    if kind == PointKind.INT:
        return int(frames.p_int[row])
    return float(frames.p_double[row]) if kind == PointKind.DOUBLE else None


def _equal(found: float, wanted: float, tolerance: float) -> bool:
    if math.isnan(found) or math.isnan(wanted):
        return math.isnan(found) and math.isnan(wanted)
    return found == wanted or math.isclose(
        found, wanted, rel_tol=0 if tolerance else _CLOSE, abs_tol=tolerance
    )


def _same(wanted: CompactPoint, found: _Got) -> bool:
    return (
        wanted.metric == found.metric
        and isinstance(wanted.value, int) == isinstance(found.value, int)
        and _identity(wanted.resource) == _identity(found.resource)
        and _identity(wanted.attributes) == _identity(found.attributes)
        and _equal(found.value, wanted.value, 0.0)
        and (wanted.time is None or math.isclose(wanted.time, found.time, abs_tol=1e-6))
    )


def _has(attributes: Attributes, wanted: Mapping[str, Scalar | None]) -> bool:
    for key, value in wanted.items():
        if value is None:
            if key in attributes:
                return False
        elif key not in attributes:
            return False
        elif isinstance(value, str):
            if not fnmatch.fnmatchcase(attribute_text(attributes.get(key)), value):
                return False
        elif _identity({key: attributes.get(key)}) != _identity({key: value}):
            return False
    return True


def _shown(pattern: SeriesPattern) -> str:
    return f"{pattern.metric}{{{_pairs(pattern.attributes)}}}" + (
        f" | {_pairs(pattern.resource)}" if pattern.resource else ""
    )


def _line(point: CompactPoint | _Got, *, with_time: bool) -> str:
    resource = f" | {_pairs(point.resource)}" if point.resource else ""
    time = f" at {point.time:g} s" if with_time and point.time is not None else ""
    return f"{point.metric}{{{_pairs(point.attributes)}}}{resource} = {point.value}{time}"


def _pairs(pairs: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={'null' if value is None else value}" for key, value in sorted(pairs.items()))


def _range(low: int | None, high: int | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"
