"""Pipelines and connectors as a graph: what is joined with what, and in which order it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from phoenix_nb.collector._config import Pipeline
from phoenix_nb.collector._problem import ConfigProblem
from phoenix_nb.collector.config import ComponentId, quote

__all__ = ["Graph", "build_graph"]


@dataclass(frozen=True, slots=True)
class Graph:
    """The metrics pipelines in an order in which every connector is fed before it is read."""

    order: tuple[Pipeline, ...]
    """The pipelines, sources first; pipelines that do not depend on each other keep the order of the text."""
    feeds: Mapping[ComponentId, tuple[ComponentId, ...]]
    """Per connector the pipelines that it feeds."""


def build_graph(
    pipelines: Sequence[Pipeline], connectors: Mapping[ComponentId, object]
) -> tuple[Graph, list[ConfigProblem]]:
    """Join pipelines of all signals; problems are connectors without a partner and cycles."""
    problems = list(_unpaired(pipelines, connectors))
    metrics = [pipeline for pipeline in pipelines if pipeline.id.type == "metrics"]
    feeds = {
        connector: tuple(pipeline.id for pipeline in metrics if connector in pipeline.receivers)
        for connector in connectors
    }
    order, cycle = _sorted(metrics, feeds)
    if not cycle:
        cycle = next(
            filter(None, (_cycle_of(pipelines, signal, connectors) for signal in _OTHER_SIGNALS)), []
        )
    if cycle and not problems:
        shown = " -> ".join(cycle)
        message = f"failed to build pipelines: cycle detected: {shown}"
        problems.append(
            ConfigProblem(
                path="service::pipelines",
                message=message,
                code="CONFIG_CYCLE",
                hint="no pipeline may feed itself through connectors",
                collector_text=message,
            )
        )
    return Graph(tuple(order), feeds), problems


_OTHER_SIGNALS = ("traces", "logs", "profiles")


def _cycle_of(
    pipelines: Sequence[Pipeline], signal: str, connectors: Mapping[ComponentId, object]
) -> list[str]:
    """The first cycle among the pipelines of a signal that this engine does not run."""
    same = [pipeline for pipeline in pipelines if pipeline.id.type == signal]
    feeds = {
        connector: tuple(pipeline.id for pipeline in same if connector in pipeline.receivers)
        for connector in connectors
    }
    return [
        text.replace("(metrics to metrics)", f"({signal} to {signal})") for text in _sorted(same, feeds)[1]
    ]


def _unpaired(
    pipelines: Sequence[Pipeline], connectors: Mapping[ComponentId, object]
) -> Iterator[ConfigProblem]:
    for connector in connectors:
        out = [pipeline.id for pipeline in pipelines if connector in pipeline.exporters]
        into = [pipeline.id for pipeline in pipelines if connector in pipeline.receivers]
        if bool(out) == bool(into):
            continue
        used, role, other = (out, "exporter", "receiver") if out else (into, "receiver", "exporter")
        for signal in dict.fromkeys(ident.type for ident in used):
            names = " ".join(str(ident) for ident in used if ident.type == signal)
            message = (
                f"failed to build pipelines: connector {quote(str(connector))} used as {role} in [{names}] pipeline "
                f"but not used in any supported {other} pipeline"
            )
            yield ConfigProblem(
                path=f"connectors::{connector}",
                message=message,
                code="CONFIG_CONNECTOR",
                hint=f"also list it under {other}s of a pipeline",
                collector_text=message,
            )


def _sorted(
    pipelines: Sequence[Pipeline], feeds: Mapping[ComponentId, tuple[ComponentId, ...]]
) -> tuple[list[Pipeline], list[str]]:
    """Pipelines, sources first; and the first cycle, empty when there is none."""
    by_id = {pipeline.id: pipeline for pipeline in pipelines}
    waiting = {
        pipeline.id: sum(
            pipeline.id in feeds.get(exporter, ())
            for other in pipelines
            for exporter in dict.fromkeys(other.exporters)
        )
        for pipeline in pipelines
    }
    order: list[Pipeline] = []
    ready = [pipeline.id for pipeline in pipelines if not waiting[pipeline.id]]
    while ready:
        current = by_id[ready.pop(0)]
        order.append(current)
        for exporter in dict.fromkeys(current.exporters):
            for target in feeds.get(exporter, ()):
                waiting[target] -= 1
                if not waiting[target]:
                    ready.append(target)
    if len(order) == len(pipelines):
        return order, []
    return order, _cycle(pipelines, feeds, {pipeline.id for pipeline in order})


def _cycle(
    pipelines: Sequence[Pipeline],
    feeds: Mapping[ComponentId, tuple[ComponentId, ...]],
    done: set[ComponentId],
) -> list[str]:
    """The texts of one cycle, starting and ending with the same connector."""
    by_id = {pipeline.id: pipeline for pipeline in pipelines if pipeline.id not in done}
    steps: dict[ComponentId, tuple[ComponentId, ComponentId]] = {}
    for pipeline in by_id.values():
        for exporter in pipeline.exporters:
            for target in feeds.get(exporter, ()):
                if target in by_id:
                    steps.setdefault(pipeline.id, (exporter, target))
    current = next(ident for ident in by_id if ident in steps)
    seen: list[ComponentId] = []
    while current not in seen:
        seen.append(current)
        current = steps[current][1]
    ring = seen[seen.index(current) :]
    shown: list[str] = []
    for place, ident in enumerate(ring):
        connector = steps[ident][0]
        shown.append(f"connector {quote(str(connector))} (metrics to metrics)")
        after = by_id[ring[(place + 1) % len(ring)]]
        shown.extend(
            f"processor {quote(str(processor))} in pipeline {quote(str(after.id))}"
            for processor in after.processors
        )
    return [*shown, shown[0]]
