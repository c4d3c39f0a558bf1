"""A real collector between our sender and our sink."""

from __future__ import annotations

import http.client
import socket
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from time import monotonic as _monotonic
from typing import Final

from phoenix_nb.errors import ClosedError, ConfigError, UnavailableError
from phoenix_nb.otelcol._binary import CollectorBinary
from phoenix_nb.otelcol._child import CollectorProcess, Ended
from phoenix_nb.otelcol._log import CollectorLog
from phoenix_nb.otelcol._rewrite import RECEIVER, Rewritten
from phoenix_nb.otelcol._sender import Answer, Sender
from phoenix_nb.otelcol._sink import Sink
from phoenix_nb.otelcol._telemetry import CollectorTelemetry, read_telemetry
from phoenix_nb.otelcol._usage import ProcessUsage, process_usage
from phoenix_nb.otelcol._validate import config_files, gate_flags

__all__ = ["CollectorRun", "CollectorState", "Patience"]

_ATTEMPTS: Final = 8
_POLL: Final = 0.02
_SLACK: Final = 1.0
"""Seconds that a batch may come later than its timeout before it is waited for no longer."""
_IDLE: Final = 15.0
"""Seconds after which a connection is made anew: a server may close one that is idle (60 s by default)."""
_CLASHES: Final = ("address already in use", "Only one usage of each socket address")
_TOLD_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, seconds."""

    start: float = 30.0
    """For a collector to take payloads."""
    answer: float = 60.0
    """For the answer to one payload."""
    stop: float = 30.0
    """For a collector to send what it holds and to end."""


class CollectorState(StrEnum):
    """What has become of a collector."""

    RUNNING = "running"
    STOPPED = "stopped"
    """It was asked to end, and did."""
    FAILED = "failed"
    """It ended by itself, or did not answer."""


class CollectorRun:
    """Starts a collector, sends payloads one by one and takes what it sends on. For one thread at a time.

    Promised: no wait is without an end; ports that somebody else took in the meantime are chosen anew; nothing is left
    running after :meth:`close`, when this object is forgotten, or when this program ends however it ends.

    A collector that fails is not started again: what its components remembered is lost, so an experiment could not go
    on as if nothing had happened. It stays silent, with the reason.

    Args:
        binary: the collector.
        config: what it runs.
        environment: the variables that ``${env:…}`` may use, and all that it gets.
        feature_gates: gates to switch on or off, by name.
        patience: how long to wait.
        monotonic: tells time in seconds.
        ports: gives TCP ports of the loopback interface that are free now.

    Raises:
        ConfigError: the collector refuses the configuration; the message is its own.
        UnavailableError: it cannot be started.
    """

    def __init__(
        self,
        binary: CollectorBinary,
        config: Rewritten,
        environment: Mapping[str, str],
        *,
        feature_gates: Mapping[str, bool] | None = None,
        patience: Patience | None = None,
        monotonic: Callable[[], float] = _monotonic,
        ports: Callable[[int], list[int]] | None = None,
    ) -> None:
        self._binary = binary
        self._config = config
        self._environment = dict(environment)
        self._gates = dict(feature_gates or {})
        self._patience = patience or Patience()
        self._monotonic = monotonic
        self.state = CollectorState.RUNNING
        """What has become of it."""
        self.failure = ""
        """Why it failed, with its last log lines; empty while it has not."""
        self._refused = False
        self._sent_at = monotonic()
        self._uncounted = 0.0
        self._sink = Sink()
        self._finalizer: weakref.finalize[..., CollectorRun] = weakref.finalize(self, self._sink.close)
        try:
            self._start(ports or free_ports)
        except BaseException:
            self._finalizer()
            raise
        self._sender = Sender(self._port, self._patience.answer)
        started = process_usage(self.pid)
        self._counted = started.cpu_seconds

    # -- starting --------------------------------------------------------------------------------------------

    def _start(self, ports: Callable[[int], list[int]]) -> None:
        for _ in range(_ATTEMPTS):
            self._port, self._telemetry_port = ports(2)
            overlay = self._config.overlay(self._port, self._sink.port, self._telemetry_port)
            with config_files(self._config.text, overlay) as files:
                argv = [
                    str(self._binary.path),
                    *(f"--config={file}" for file in files),
                    *gate_flags(self._gates),
                ]
                self._log = CollectorLog()
                self._process = CollectorProcess(argv, self._environment, self._log.add)
                self._finalizer.detach()
                self._finalizer = weakref.finalize(self, _release, self._process, self._sink)
                ended = self._wait_until_ready()
            if ended is None:
                return
            said = self._process.log()
            self._process.kill()
            if not any(clash in line for line in said for clash in _CLASHES):
                raise self._refusal(said, ended)
        raise UnavailableError(
            f"the collector found none of {_ATTEMPTS} pairs of ports free",
            hint="something on this machine takes ports very quickly; try again",
        )

    def _wait_until_ready(self) -> Ended | None:
        """``None`` once it takes payloads; how it ended when it does not."""
        deadline = self._monotonic() + self._patience.start
        while not self._log.ready.wait(_POLL):
            ended = self._process.ended()
            if ended is not None:
                return ended
            if self._monotonic() > deadline:
                said = self._process.log()
                self._process.kill()
                raise UnavailableError(
                    f"the collector was not ready after {self._patience.start:g} s{_told(said)}",
                    details={"log": [*said]},
                )
        return None

    def _refusal(self, said: list[str], ended: Ended) -> ConfigError | UnavailableError:
        text = "\n".join(said).partition("Error: ")[2].split("\n20", 1)[0].strip()
        if not text or ended.exit_code != 1:
            return UnavailableError(
                f"the collector ended while it started ({ended}){_told(said)}", details={"log": [*said]}
            )
        return ConfigError(
            f"the collector refuses the configuration: {' '.join(text.split())}",
            hint="`phoenix collector validate` shows every finding",
            details={"collector": text, "binary": str(self._binary.path)},
        )

    @property
    def pid(self) -> int:
        """The collector's process id."""
        return self._process.pid

    # -- payloads --------------------------------------------------------------------------------------------

    def send(self, payload: bytes) -> tuple[Answer, float] | None:
        """Send one payload; returns the answer and its latency in seconds, ``None`` when the collector failed.

        Raises:
            ClosedError: the collector was stopped.
        """
        self._check()
        if self.state is CollectorState.FAILED:
            return None
        begin = self._monotonic()
        if begin - self._sent_at > _IDLE:
            self._sender.close()
        try:
            answer = self._sender.send(payload)
        except (OSError, http.client.HTTPException) as error:
            self._fail(error)
            return None
        self._sent_at = self._monotonic()
        self._refused |= bool(answer.message)
        return answer, self._sent_at - begin

    def take(self) -> list[tuple[int, bytes]]:
        """What exporters sent since the last call: the exporter's place in the configuration, and the request."""
        return self._sink.take()

    def take_warnings(self) -> tuple[str, ...]:
        """What the collector warned of since the last call."""
        return self._log.take_warnings()

    def settle(self) -> None:
        """Wait until batch processors have sent what they got.

        The collector's own counters tell when that is so. Where they cannot (a batch behind a connector, refused
        payloads), the timeouts of the batches have to pass.
        """
        batches = self._config.batches
        if not batches or self.state is not CollectorState.RUNNING:
            return
        due = self._sent_at + sum(batch.timeout for batch in batches)
        arrived = False
        while self.state is CollectorState.RUNNING:
            seen = self._sink.total
            held = self._held_points()
            if held is None:
                # Until the timers have run and nothing comes any more.
                wait, last = due + _POLL, due + _POLL
            else:
                # A batch is counted a moment after it has arrived here.
                wait, last = (0.0 if arrived else due + _SLACK), due + _SLACK
            now = self._monotonic()
            if held == 0 or now >= last:
                return
            arrived |= self._sink.wait(seen, max(_POLL, wait - now))

    def _held_points(self) -> int | None:
        """Points that batch processors have not sent yet; ``None`` when the counters do not tell."""
        found = self.telemetry()
        if found is None or found.accepted_points is None or self._refused:
            return None
        held = 0
        for batch in self._config.batches:
            for before in batch.before:
                came = (
                    found.accepted_points if before == RECEIVER else found.outgoing_points.get(before or "")
                )
                if came is None and (before is None or found.accepted_points):
                    return None
                held += came or 0
            held -= found.batched_points.get(batch.id, 0)
        return max(held, 0)

    # -- what it tells about itself --------------------------------------------------------------------------

    def telemetry(self) -> CollectorTelemetry | None:
        """Its counters now; ``None`` when it does not answer. What reading costs it is not counted as its cost."""
        if self.state is not CollectorState.RUNNING:
            return None
        before = process_usage(self.pid).cpu_seconds
        try:
            found = read_telemetry(self._telemetry_port)
        except UnavailableError:
            return None
        after = process_usage(self.pid).cpu_seconds
        if before is not None and after is not None:
            self._uncounted += after - before
        return found

    def take_usage(self) -> ProcessUsage:
        """CPU seconds since the last call, and resident memory now."""
        now = process_usage(self.pid)
        cpu = None
        if now.cpu_seconds is not None and self._counted is not None:
            cpu = max(0.0, now.cpu_seconds - self._counted - self._uncounted)
        self._counted, self._uncounted = now.cpu_seconds, 0.0
        return ProcessUsage(cpu, now.rss_bytes)

    def log(self) -> list[str]:
        """Its last log lines."""
        return self._process.log()

    # -- ending ----------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let it send what it holds and end; afterwards :meth:`take` gives the rest.

        Raises:
            ClosedError: it was stopped before.
        """
        self._check()
        if self.state is CollectorState.FAILED:
            return
        if self._process.ended() is not None:
            self._fail(None)
            return
        self._sender.close()
        self._process.terminate()
        ended = self._process.ended(self._patience.stop)
        if ended is None:
            self._process.kill()
            self._failed(f"it did not end within {self._patience.stop:g} s and was killed")
        elif ended.exit_code != 0:
            self._failed(f"it ended with {ended} when it was stopped")
        else:
            self.state = CollectorState.STOPPED

    def close(self) -> None:
        """End it at once; may be called twice and from any thread."""
        if self.state is CollectorState.RUNNING:
            self.state = CollectorState.STOPPED
        self._finalizer()
        self._sender.close()

    def _check(self) -> None:
        if self.state is CollectorState.STOPPED:
            raise ClosedError("the collector was stopped", hint="start another one")

    def _fail(self, error: Exception | None) -> None:
        # A broken connection comes a moment before the process is seen to be gone.
        ended = self._process.ended(2.0)
        if ended is not None:
            self._failed(f"the collector ended by itself ({ended})")
            return
        self._process.kill()
        self._failed(f"the collector did not answer and was killed ({error})")

    def _failed(self, why: str) -> None:
        self.state = CollectorState.FAILED
        self.failure = f"{why}{_told(self._process.log())}"


def free_ports(count: int) -> list[int]:
    """TCP ports of the loopback interface that nobody has now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def _release(process: CollectorProcess, sink: Sink) -> None:
    process.kill()
    sink.close()


def _told(lines: list[str]) -> str:
    last = [" ".join(line.split()) for line in lines if line.strip()][-_TOLD_LINES:]
    return f"; its last words: {' | '.join(last)}" if last else ""
