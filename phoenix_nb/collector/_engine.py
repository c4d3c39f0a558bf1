"""The embedded engine: a configuration compiled once, applied to any number of payloads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from phoenix_nb.collector._config import CollectorConfig, Pipeline
from phoenix_nb.collector._decode import unsupported
from phoenix_nb.collector._graph import build_graph
from phoenix_nb.collector._problem import refusal
from phoenix_nb.collector._validate import version_of
from phoenix_nb.collector._watched import Place, Watch, watched
from phoenix_nb.collector.components import (
    BuildError,
    Clock,
    ComponentKind,
    Flow,
    Router,
    Setup,
    Stage,
    Ticking,
)
from phoenix_nb.collector.config import ComponentId
from phoenix_nb.errors import ConfigError, InvalidRequestError
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineOutput

__all__ = ["EmbeddedEngine", "compile_config"]

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class _Line:
    """One pipeline with its compiled processors."""

    pipeline: Pipeline
    stages: tuple[tuple[ComponentId, Stage], ...]
    from_source: bool


class EmbeddedEngine:
    """Runs every metrics pipeline of a configuration; implements ``SavableEngine``.

    Every receiver gets the same payloads. What an exporter receives from several pipelines comes payload by payload,
    pipelines in the order of the text. A payload from which nothing is left stays in the output as an empty one, so
    that it can be told from one that never came.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        lines: tuple[_Line, ...],
        connectors: Mapping[ComponentId, Stage],
        feeds: Mapping[ComponentId, tuple[ComponentId, ...]],
        exporters: tuple[ComponentId, ...],
    ) -> None:
        self._dictionaries = dictionaries
        self._lines = lines
        self._connectors = connectors
        self._feeds = feeds
        self._exporters = exporters
        self._seen = 0

    @property
    def exporters(self) -> tuple[str, ...]:
        """Ids of the exporters of metrics pipelines, in the order of the text."""
        return tuple(map(str, self._exporters))

    def process(self, frames: Frames) -> EngineOutput:
        """Send payloads through every pipeline."""
        if frames.dictionaries is not self._dictionaries:
            raise InvalidRequestError(
                "these frames belong to other dictionaries than the engine",
                hint="compile the configuration with the dictionaries of the source",
            )
        numbers = np.arange(self._seen, self._seen + frames.n_payloads, dtype=np.int64)
        self._seen += frames.n_payloads
        source = Flow(frames, numbers)
        arriving = {line.pipeline.id: [source] for line in self._lines if line.from_source}
        return self._run(arriving, {}, first=int(self._seen) - frames.n_payloads)

    def flush(self) -> EngineOutput:
        """What components still hold, as at a shutdown; upstream components come first."""
        held = {
            key: frames
            for key, stage in self._stages()
            if (frames := stage.flush()) is not None and frames.n_payloads
        }
        return self._run({}, held, first=self._seen)

    def tick(self) -> EngineOutput:
        """Let every component with a timer act as if its time had come; upstream components come first."""
        held = {key: stage.tick() for key, stage in self._stages() if isinstance(stage, Ticking)}
        return self._run({}, held, first=self._seen)

    def advance(self, nanoseconds: int) -> EngineOutput:
        """Let time pass for components with timers, when the clock is a manual one."""
        held = {
            key: frames
            for key, stage in self._stages()
            if isinstance(stage, Ticking) and (frames := stage.pass_time(nanoseconds)) is not None
        }
        return self._run({}, held, first=self._seen)

    def _run(
        self, arriving: dict[ComponentId, list[Flow]], held: Mapping[str, Frames], *, first: int
    ) -> EngineOutput:
        sent: dict[ComponentId, list[Flow]] = {exporter: [] for exporter in self._exporters}
        warnings: dict[str, None] = {}
        refused: dict[int, str] = {}
        for line in self._lines:
            flow = _together(arriving.get(line.pipeline.id, []))
            for ident, stage in line.stages:
                if flow is not None:
                    flow = stage.process(flow)
                flow = self._add_held(flow, held.get(_key(line.pipeline.id, ident)))
            if flow is None:
                continue
            _note(flow, warnings, refused, first)
            for target in dict.fromkeys(line.pipeline.exporters):
                if target in sent:
                    sent[target].append(flow)
                    continue
                connector = self._connectors[target]
                if isinstance(connector, Router):
                    routed, left = connector.route(flow)
                    _note(left, warnings, refused, first)
                    for pipeline, flows in routed.items():
                        arriving.setdefault(pipeline, []).extend(flows)
                    continue
                passed = connector.process(flow)
                for pipeline in self._feeds[target]:
                    arriving.setdefault(pipeline, []).append(passed)
        by_exporter = {}
        for exporter, flows in sent.items():
            merged = _together(flows)
            by_exporter[str(exporter)] = Frames.empty(self._dictionaries) if merged is None else merged.frames
        return EngineOutput(by_exporter, tuple(warnings), refused)

    def _add_held(self, flow: Flow | None, frames: Frames | None) -> Flow | None:
        if frames is None:
            return flow
        made = Flow(frames, np.full(frames.n_payloads, self._seen, dtype=np.int64))
        return made if flow is None else _together([flow, made])

    def _stages(self) -> Iterator[tuple[str, Stage]]:
        for line in self._lines:
            for ident, stage in line.stages:
                yield _key(line.pipeline.id, ident), stage
        for ident, stage in self._connectors.items():
            yield f"connector {ident}", stage

    def close(self) -> None:
        """Nothing is held that would have to be released."""

    def snapshot(self) -> bytes:
        """The state of all stateful components, as JSON."""
        stages = {key: state for key, stage in self._stages() if (state := stage.snapshot())}
        return json.dumps({"format": _FORMAT, "seen": self._seen, "stages": stages}).encode()

    def restore(self, state: bytes) -> None:
        """Take over a state that :meth:`snapshot` made with the same configuration."""
        try:
            found = json.loads(state)
            stages, seen, form = found["stages"], int(found["seen"]), found["format"]
        except (ValueError, KeyError, TypeError) as exc:
            raise InvalidRequestError(
                "this is not a saved engine state",
                hint="a state is what snapshot() of the same kind of engine gave",
            ) from exc
        known = dict(self._stages())
        if form != _FORMAT or not set(stages) <= set(known):
            raise InvalidRequestError(
                "the saved engine state belongs to another configuration",
                hint="restore it with the configuration it was saved from",
            )
        self._seen = seen
        for key, stage in known.items():
            stage.restore(stages.get(key, {}))


def _note(flow: Flow, warnings: dict[str, None], refused: dict[int, str], first: int) -> None:
    """Keep what a flow says about payloads from ``first`` on."""
    warnings.update(dict.fromkeys(flow.warnings))
    for number, text in flow.refused.items():
        if number >= first:
            refused.setdefault(number - first, text)


def _key(pipeline: ComponentId, ident: ComponentId) -> str:
    return f"{pipeline} {ident}"


def _together(flows: list[Flow]) -> Flow | None:
    """Several flows payload by payload: by origin first, then in the order given."""
    if not flows:
        return None
    if len(flows) == 1:
        return flows[0]
    origin = np.concatenate([flow.origin for flow in flows])
    warnings = tuple(dict.fromkeys(text for flow in flows for text in flow.warnings))
    refused = {number: text for flow in reversed(flows) for number, text in flow.refused.items()}
    frames = Frames.concat([flow.frames for flow in flows])
    order = np.argsort(origin, kind="stable")
    if not np.array_equal(order, np.arange(len(order))):
        frames = Frames.concat([frames.payload(number) for number in order.tolist()])
    return Flow(frames, origin[order], refused, warnings)


def compile_config(
    config: CollectorConfig,
    dictionaries: Dictionaries,
    *,
    clock: Clock = Clock.ARRIVALS,
    watch: Watch | None = None,
) -> EmbeddedEngine:
    """Compile a configuration for payloads that share ``dictionaries``.

    Args:
        config: the configuration.
        dictionaries: the dictionaries of the payloads.
        clock: what time is for components with timers.
        watch: makes an observer of each stage, for those who want to see every step; it changes no result.

    Raises:
        UnsupportedComponentError: a metrics pipeline uses a component that this engine does not run.
        ConfigError: there is no metrics pipeline, or a component cannot be created.
    """
    pipelines = config.metrics_pipelines
    if not pipelines:
        raise ConfigError(
            "the configuration has no metrics pipeline",
            hint="add service::pipelines::metrics with receivers and exporters",
        )
    connectors = config.components.get(ComponentKind.CONNECTOR, {})
    graph, problems = build_graph(config.pipelines, connectors)
    if problems:
        raise refusal(problems)
    version = version_of(config.collector_version)

    def made(kind: ComponentKind, ident: ComponentId, pipeline: ComponentId | None) -> Stage:
        stage = _stage(config, kind, ident, dictionaries, version, clock)
        return stage if watch is None else watched(stage, watch(Place(ident, pipeline)))

    lines = tuple(
        _Line(
            pipeline,
            tuple(
                (ident, made(ComponentKind.PROCESSOR, ident, pipeline.id)) for ident in pipeline.processors
            ),
            any(receiver not in connectors for receiver in pipeline.receivers),
        )
        for pipeline in graph.order
    )
    used = dict.fromkeys(ident for pipeline in pipelines for ident in pipeline.exporters)
    return EmbeddedEngine(
        dictionaries,
        lines,
        {ident: made(ComponentKind.CONNECTOR, ident, None) for ident in used if ident in connectors},
        graph.feeds,
        tuple(ident for ident in used if ident not in connectors),
    )


def _stage(
    config: CollectorConfig,
    kind: ComponentKind,
    ident: ComponentId,
    dictionaries: Dictionaries,
    version: tuple[int, int, int],
    clock: Clock,
) -> Stage:
    component = config.components[kind][ident]
    if component.type is None or component.type.build is None:
        raise refusal([unsupported(component, used=True)])
    try:
        setup = Setup(
            ident, dictionaries, version, config.feature_gates, clock, config.resource, config.environment
        )
        return component.type.build(component.settings, setup)
    except BuildError as exc:
        raise ConfigError(
            f"failed to create {kind.value} {ident}: {exc}", details={"component": str(ident)}
        ) from exc
