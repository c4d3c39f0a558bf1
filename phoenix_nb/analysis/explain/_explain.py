"""A configuration run once with a counter at every step."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from phoenix_nb.analysis._output_difference import OutputTotals, output_totals, series_text
from phoenix_nb.analysis.explain._backends import BackendView, backend_view
from phoenix_nb.analysis.explain._tally import StepChange, Tally
from phoenix_nb.collector import Clock, CollectorConfig, Place, compile_config
from phoenix_nb.collector.config import ComponentId
from phoenix_nb.collector.receiving import Narrower, ReceiverGroup, SourceHoldings, receiver_asks
from phoenix_nb.otlp import Dictionaries, Frames, series_keys
from phoenix_nb.otlp.contracts import EngineOutput

__all__ = ["Explanation", "Fate", "explain", "fate_of_process"]

_KEY = "process.executable.name"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a configuration does to some payloads, step by step."""

    received: OutputTotals
    """What went in."""
    steps: tuple[StepChange, ...]
    """The hostmetrics receiver where it leaves something out, every processor of every metrics pipeline in the order in
    which they act, then the connectors."""
    sent: tuple[tuple[str, OutputTotals], ...]
    """Per exporter what it got."""
    backends: tuple[BackendView, ...]
    """What Prometheus backends make of that, for every exporter to one."""
    warnings: tuple[str, ...]
    """What the receiver asks for in vain, then what the collector logs."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of the payloads of one process alone."""

    processes: tuple[str, ...]
    """The executable names that were meant."""
    explanation: Explanation
    """What every step does to them."""
    series: tuple[tuple[str, tuple[str, ...]], ...]
    """Per exporter the series that are left of them, as text."""


def explain(config: CollectorConfig, dictionaries: Dictionaries, payloads: Iterable[Frames]) -> Explanation:
    """Run payloads through a configuration and count at every step; what is held at the end is sent, as at a shutdown.

    Args:
        config: the configuration.
        dictionaries: shared by the payloads.
        payloads: chunks of payloads, in order.

    Raises:
        UnsupportedComponentError: a metrics pipeline uses a component that the embedded engine does not run.
    """
    return _run(config, dictionaries, payloads)[0]


def fate_of_process(
    config: CollectorConfig, dictionaries: Dictionaries, payloads: Iterable[Frames], name: str
) -> Fate:
    """The same for the resources of one process alone, so that what comes out of a step is what became of it.

    Where a step adds up several processes, this shows the part of the named one.

    Args:
        config: the configuration.
        dictionaries: shared by the payloads.
        payloads: chunks of payloads, in order.
        name: executable name; may use ``*`` and ``?``.
    """
    names: set[str] = set()
    chosen = [_only(frames, name, names) for frames in payloads]
    explanation, sent = _run(config, dictionaries, chosen)
    left = []
    for exporter, parts in sent.items():
        keys = (
            np.unique(np.concatenate([series_keys(one) for one in parts])) if parts else np.zeros(0, np.int32)
        )
        left.append((exporter, tuple(sorted(series_text(dictionaries, key) for key in keys.tolist()))))
    return Fate(tuple(sorted(names)), explanation, tuple(left))


def _run(
    config: CollectorConfig, dictionaries: Dictionaries, payloads: Iterable[Frames]
) -> tuple[Explanation, dict[str, list[Frames]]]:
    tallies: list[Tally] = []

    def watch(place: Place) -> Tally:
        tallies.append(Tally(place, dictionaries))
        return tallies[-1]

    asks = receiver_asks(config)
    group = ReceiverGroup({"": asks})
    narrower = Narrower(group.narrowing(""), dictionaries)
    holdings = SourceHoldings(dictionaries)
    receiver: Tally | None = None
    if asks is not None and not group.narrowing("").keeps_all:
        receiver = watch(Place(ComponentId.parse(asks.receiver), None))
    engine = compile_config(config, dictionaries, clock=Clock.MANUAL, watch=watch)
    received: list[Frames] = []
    kept: dict[str, list[Frames]] = {name: [] for name in engine.exporters}
    warnings: dict[str, None] = {}

    def take(output: EngineOutput) -> None:
        for name, frames in output.by_exporter.items():
            kept[name].append(frames)
        warnings.update(dict.fromkeys(output.warnings))

    for frames in payloads:
        received.append(frames)
        holdings.add(frames)
        narrowed, _ = narrower.apply(frames)
        if receiver is not None:
            receiver(frames, (narrowed,))
        take(engine.process(narrowed))
    take(engine.flush())
    explanation = Explanation(
        received=output_totals(received),
        steps=tuple(tally.change() for tally in tallies),
        sent=tuple((name, output_totals(parts)) for name, parts in kept.items()),
        backends=tuple(
            view for name, parts in kept.items() if (view := backend_view(config, name, parts)) is not None
        ),
        warnings=(*group.warnings(holdings), *warnings),
    )
    return explanation, kept


def _only(frames: Frames, name: str, names: set[str]) -> Frames:
    """Payloads with the resources of the named processes alone."""
    known = frames.dictionaries.resources
    meant = set()
    for number in np.unique(frames.rm_resource[frames.rm_resource >= 0]).tolist():
        found = known[number].attributes.get(_KEY)
        if isinstance(found, str) and fnmatch.fnmatchcase(found, name):
            meant.add(number)
            names.add(found)
    return frames.where(resources=np.isin(frames.rm_resource, sorted(meant)), keep_empty=True)
