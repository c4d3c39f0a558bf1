"""Pipelines and connectors as a graph: what is joined with what, and in which order it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from phoenix_nb.collector._config import Component, Pipeline
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
    pipelines: Sequence[Pipeline], connectors: Mapping[ComponentId, Component]
) -> tuple[Graph, list[ConfigProblem]]:
    """Join pipelines of all signals; problems are connectors without a partner of a signal that fits, and cycles."""
    problems = list(_unpaired(pipelines, connectors))
    metrics = [pipeline for pipeline in pipelines if pipeline.id.type == "metrics"]
    feeds = _feeds(metrics, connectors)
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
    found = _sorted(same, _feeds(same, connectors))[1]
    return [text.replace("(metrics to metrics)", f"({signal} to {signal})") for text in found]


def _feeds(
    pipelines: Sequence[Pipeline], connectors: Mapping[ComponentId, object]
) -> dict[ComponentId, tuple[ComponentId, ...]]:
    """Per connector the pipelines that receive from it."""
    return _listed(connectors, ((pipeline.id, pipeline.receivers) for pipeline in pipelines))


def _listed(
    connectors: Mapping[ComponentId, object],
    lists: Iterable[tuple[ComponentId, Sequence[ComponentId]]],
) -> dict[ComponentId, tuple[ComponentId, ...]]:
    """Per connector the pipelines whose list names it."""
    found: dict[ComponentId, list[ComponentId]] = {connector: [] for connector in connectors}
    for pipeline, idents in lists:
        for ident in dict.fromkeys(idents):
            if ident in found:
                found[ident].append(pipeline)
    return {connector: tuple(idents) for connector, idents in found.items()}


def _unpaired(
    pipelines: Sequence[Pipeline], connectors: Mapping[ComponentId, Component]
) -> Iterator[ConfigProblem]:
    senders = _listed(connectors, ((pipeline.id, pipeline.exporters) for pipeline in pipelines))
    for connector, into in _feeds(pipelines, connectors).items():
        out = senders[connector]
        component = connectors[connector]
        sent = dict.fromkeys(ident.type for ident in out)
        received = dict.fromkeys(ident.type for ident in into)
        for signal in sent:
            if not any(_carries(component, signal, other) for other in received):
                yield _without_partner(connector, "exporter", "receiver", signal, out)
        for signal in received:
            if not any(_carries(component, other, signal) for other in sent):
                yield _without_partner(connector, "receiver", "exporter", signal, into)


def _carries(connector: Component, taken: str, given: str) -> bool:
    """Whether a connector gives one signal for another; those that this engine does not run may."""
    if connector.type is None:
        return True
    return given == "metrics" if connector.type.makes_metrics else given == taken


def _without_partner(
    connector: ComponentId, role: str, other: str, signal: str, used: Sequence[ComponentId]
) -> ConfigProblem:
    names = " ".join(str(ident) for ident in used if ident.type == signal)
    message = (
        f"failed to build pipelines: connector {quote(str(connector))} used as {role} in [{names}] pipeline "
        f"but not used in any supported {other} pipeline"
    )
    return ConfigProblem(
        path=f"connectors::{connector}",
        message=message,
        code="CONFIG_CONNECTOR",
        hint=f"also list it under {other}s of a pipeline of a signal that it makes of {signal}"
        if role == "exporter"
        else f"also list it under {other}s of a pipeline of a signal that it makes {signal} of",
        collector_text=message,
    )


def _sorted(
    pipelines: Sequence[Pipeline], feeds: Mapping[ComponentId, tuple[ComponentId, ...]]
) -> tuple[list[Pipeline], list[str]]:
    """Pipelines, sources first; and the first cycle, empty when there is none."""
    by_id = {pipeline.id: pipeline for pipeline in pipelines}
    waiting = dict.fromkeys(by_id, 0)
    for pipeline in pipelines:
        for exporter in dict.fromkeys(pipeline.exporters):
            for target in feeds.get(exporter, ()):
                waiting[target] += 1
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
    # What is left are cycles and what they feed, so that going back over senders always ends in a cycle.
    senders: dict[ComponentId, tuple[ComponentId, ComponentId]] = {}
    for pipeline in by_id.values():
        for exporter in pipeline.exporters:
            for target in feeds.get(exporter, ()):
                senders.setdefault(target, (pipeline.id, exporter))
    current = next(iter(by_id))
    seen: dict[ComponentId, None] = {}
    while current not in seen:
        seen[current] = None
        current = senders[current][0]
    back = list(seen)
    back = back[back.index(current) :]
    ring = [back[0], *reversed(back[1:])]
    shown: list[str] = []
    for following in [*ring[1:], ring[0]]:
        after = by_id[following]
        shown.append(f"connector {quote(str(senders[following][1]))} (metrics to metrics)")
        shown.extend(
            f"processor {quote(str(processor))} in pipeline {quote(str(after.id))}"
            for processor in after.processors
        )
    return [*shown, shown[0]]
