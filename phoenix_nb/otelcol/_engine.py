"""The real collector as an engine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otelcol._binary import CollectorBinary
from phoenix_nb.otelcol._rewrite import Rewritten
from phoenix_nb.otelcol._run import CollectorRun, CollectorState, Patience
from phoenix_nb.otelcol._telemetry import CollectorTelemetry
from phoenix_nb.otlp import Decoder, Dictionaries, Frames, encode_protobuf
from phoenix_nb.otlp.contracts import EngineMeasures, EngineOutput

__all__ = ["OtelcolEngine"]


class OtelcolEngine:
    """Sends payloads through a real collector; implements ``PipelineEngine``.

    Payloads go one by one over OTLP/HTTP, what every exporter would have sent comes back in order. A payload from which
    nothing is left stays as an empty one. Batch processors are waited for at the end of a call; other components that
    act on the wall clock (interval) send when they send, the rest comes with :meth:`flush`, as at a shutdown.

    When the collector fails in the middle of a call the whole call is silent, and so are all that follow.

    Args:
        binary: the collector.
        config: what it runs.
        dictionaries: of the frames that come and go.
        environment: the variables that ``${env:…}`` may use, and all that the collector gets.
        feature_gates: gates to switch on or off, by name.
        patience: how long to wait for the collector.
        ports: gives free TCP ports; the system's choice when ``None``.
        notes: what the reader of the first output should know.

    Raises:
        ConfigError: the collector refuses the configuration.
        UnavailableError: it cannot be started.
    """

    def __init__(
        self,
        binary: CollectorBinary,
        config: Rewritten,
        dictionaries: Dictionaries,
        environment: Mapping[str, str],
        *,
        feature_gates: Mapping[str, bool] | None = None,
        patience: Patience | None = None,
        ports: Callable[[int], list[int]] | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._notes = notes
        self._config = config
        self._dictionaries = dictionaries
        self._decoder = Decoder(dictionaries)
        self._last_arrival = 0
        self._run = CollectorRun(
            binary, config, environment, feature_gates=feature_gates, patience=patience, ports=ports
        )

    @property
    def exporters(self) -> tuple[str, ...]:
        """Ids of the exporters of metrics pipelines, in the order of the text."""
        return self._config.exporters

    @property
    def state(self) -> CollectorState:
        """What has become of the collector."""
        return self._run.state

    @property
    def failure(self) -> str:
        """Why it failed: how it ended and its last log lines; empty while it has not."""
        return self._run.failure

    @property
    def pid(self) -> int:
        """The collector's process id."""
        return self._run.pid

    def telemetry(self) -> CollectorTelemetry | None:
        """What the collector tells about itself now; ``None`` when it does not answer."""
        found = self._run.telemetry()
        if found is None:
            return None
        names = {there: here for here, there in self._config.replaced.items()}
        return replace(
            found,
            sent_points={names.get(name, name): count for name, count in found.sent_points.items()},
            failed_points={names.get(name, name): count for name, count in found.failed_points.items()},
        )

    def process(self, frames: Frames) -> EngineOutput:
        """Send payloads through every pipeline; returns when the collector has sent on what becomes of them.

        Raises:
            InvalidRequestError: frames of other dictionaries.
            ClosedError: after a flush or a close.
        """
        if frames.dictionaries is not self._dictionaries:
            raise InvalidRequestError(
                "these frames belong to other dictionaries than the engine",
                hint="make the engine with the dictionaries of the source",
            )
        arrivals = frames.arrival.tolist()
        sent: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        refused: dict[int, str] = {}
        latencies: list[float] = []
        cpu: list[float | None] = []
        rss: list[int | None] = []
        for number, payload in enumerate(encode_protobuf(frames)):
            answered = self._run.send(payload)
            if answered is not None:
                answer, latency = answered
                latencies.append(latency)
                if answer.message:
                    refused[number] = answer.message
            if number == len(arrivals) - 1:
                self._run.settle()
            if self._run.state is CollectorState.FAILED:
                return EngineOutput({}, self._warnings(), failure=self._run.failure)
            self._last_arrival = arrivals[number]
            self._collect(sent, arrivals[number], pad=True)
            usage = self._run.take_usage()
            cpu.append(usage.cpu_seconds)
            rss.append(usage.rss_bytes)
        return EngineOutput(
            self._frames(sent),
            self._warnings(),
            refused,
            regrouped=self._config.regroups,
            measures=EngineMeasures(tuple(latencies), tuple(cpu), tuple(rss)),
        )

    def flush(self) -> EngineOutput:
        """Stop the collector as its operator would; what it still held comes out."""
        self._run.stop()
        if self._run.state is CollectorState.FAILED:
            return EngineOutput({}, self._warnings(), failure=self._run.failure)
        sent: dict[int, list[tuple[int, bytes]]] = defaultdict(list)
        self._collect(sent, self._last_arrival, pad=False)
        return EngineOutput(self._frames(sent), self._warnings(), regrouped=True)

    def close(self) -> None:
        """End the collector at once; may be called twice and from any thread."""
        self._run.close()

    def _warnings(self) -> tuple[str, ...]:
        notes, self._notes = self._notes, ()
        return (*notes, *self._run.take_warnings())

    def _collect(self, sent: dict[int, list[tuple[int, bytes]]], arrival: int, *, pad: bool) -> None:
        """Add what has arrived; where nothing did, an empty payload: it must differ from one that never came."""
        missing = set(range(len(self._config.exporters))) if pad else set()
        for exporter, body in self._run.take():
            sent[exporter].append((arrival, body))
            missing.discard(exporter)
        for exporter in missing:
            sent[exporter].append((arrival, b""))

    def _frames(self, sent: Mapping[int, list[tuple[int, bytes]]]) -> dict[str, Frames]:
        made = {}
        for number, name in enumerate(self._config.exporters):
            requests = sent.get(number, [])
            made[name] = self._decoder.protobuf(
                [body for _, body in requests], [arrival for arrival, _ in requests]
            )
        return made
