"""Contracts of what carries frames: sources, engines, the telemetry store."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import timedelta

from phoenix_nb.errors import CallCancelledError
from phoenix_nb.interfaces import Interval
from phoenix_nb.otlp import (
    Attributes,
    Dictionaries,
    Frames,
    FramesBuilder,
    MetricHeader,
    MetricType,
    Resource,
    Scope,
    Temporality,
    encode_protobuf,
)
from phoenix_nb.otlp.contracts import PipelineEngine, SavableEngine, Source, TelemetryStore
from phoenix_nb.testing.contracts._base import CTX, PATIENCE, Contract
from phoenix_nb.testing.samples import sample_interval

__all__ = [
    "PipelineEngineContract",
    "SavableEngineContract",
    "SourceContract",
    "TelemetryStoreContract",
    "sample_frames",
]

_SECOND = 1_000_000_000
_BEGIN = 1_767_225_600 * _SECOND


def sample_frames(dictionaries: Dictionaries, count: int = 5, *, first: int = 0) -> Frames:
    """``count`` payloads of three processes each, ten seconds apart; all values differ."""
    build = FramesBuilder(dictionaries)
    cpu = MetricHeader(
        name="process.cpu.time",
        unit="s",
        type=MetricType.SUM,
        temporality=Temporality.CUMULATIVE,
        monotonic=True,
    )
    memory = MetricHeader(name="process.memory.usage", unit="By", type=MetricType.GAUGE)
    for number in range(first, first + count):
        now = _BEGIN + number * 10 * _SECOND
        build.begin_payload(now)
        for pid, name in ((1, "systemd"), (40, "nginx"), (41, "postgres")):
            attributes = Attributes.of({"process.pid": pid, "process.executable.name": name})
            build.begin_resource(Resource(attributes), "https://opentelemetry.io/schemas/1.9.0")
            build.begin_scope(Scope(name="phoenix.contract", version="1"))
            build.begin_metric(cpu)
            for state in ("user", "system"):
                build.number_point(Attributes.of({"state": state}), _BEGIN, now, number + pid / 8)
            build.begin_metric(memory)
            build.number_point(Attributes.of({}), 0, now, 4096 * (number + pid))
    return build.finish()


class SourceContract(Contract):
    """Fixtures: ``subject``, a source that gives at least two payloads within ten seconds."""

    interface = Source

    async def test_payloads_come_after_opening_over_its_dictionaries(self, subject: Source) -> None:
        info = await subject.open(CTX)
        assert info.kind
        assert info.name
        seen = 0
        async with asyncio.timeout(PATIENCE):
            async for frames in subject.payloads(CTX):
                assert frames.n_payloads >= 1
                assert len(encode_protobuf(frames)) == frames.n_payloads
                seen += frames.n_payloads
                if seen >= 2:
                    break
        assert seen >= 2
        assert isinstance(subject.dictionaries, Dictionaries)
        await subject.aclose()
        await subject.aclose()

    async def test_a_cancelled_context_ends_the_payloads(self, subject: Source) -> None:
        ctx, token = CTX.with_cancel()
        await subject.open(ctx)
        asyncio.get_running_loop().call_later(0.05, token.cancel)
        # It may end quietly or say why it ended; it must not go on.
        with contextlib.suppress(CallCancelledError):
            async with asyncio.timeout(PATIENCE):
                async for _ in subject.payloads(ctx):
                    pass
        await subject.aclose()


class PipelineEngineContract(Contract):
    """Fixtures: ``make(dictionaries)``, which gives a fresh engine of one configuration; ``subject``, one of them."""

    interface = PipelineEngine

    async def test_chunking_never_changes_the_result(
        self, subject: PipelineEngine, make: Callable[[Dictionaries], PipelineEngine]
    ) -> None:
        assert subject is not None
        dictionaries = Dictionaries()
        frames = sample_frames(dictionaries, 12)
        whole = self._sent(make(dictionaries), [frames])
        for size in (1, 5):
            parts = [
                Frames.concat([frames.payload(at) for at in range(begin, min(begin + size, 12))])
                for begin in range(0, 12, size)
            ]
            assert self._sent(make(dictionaries), parts) == whole

    async def test_an_engine_is_closed_as_often_as_one_likes(self, subject: PipelineEngine) -> None:
        subject.close()
        subject.close()

    def _sent(self, engine: PipelineEngine, chunks: list[Frames]) -> dict[str, list[bytes]]:
        sent: dict[str, list[bytes]] = {}
        with contextlib.closing(engine):
            for output in (*(engine.process(chunk) for chunk in chunks), engine.flush()):
                assert not output.failure
                for exporter, payloads in self._outputs(output.by_exporter).items():
                    sent.setdefault(exporter, []).extend(payloads)
        return sent

    @staticmethod
    def _outputs(by_exporter: object) -> dict[str, list[bytes]]:
        assert isinstance(by_exporter, dict) or hasattr(by_exporter, "items")
        # A payload from which nothing is left may be there or not; what was sent is what counts.
        return {
            exporter: [raw for raw in encode_protobuf(frames) if raw]
            for exporter, frames in by_exporter.items()
        }


class SavableEngineContract(PipelineEngineContract):
    """Fixtures: as for :class:`PipelineEngineContract`."""

    interface = SavableEngine

    async def test_a_restored_engine_goes_on(
        self, subject: SavableEngine, make: Callable[[Dictionaries], SavableEngine]
    ) -> None:
        assert subject is not None
        dictionaries = Dictionaries()
        first, second = sample_frames(dictionaries, 4), sample_frames(dictionaries, 4, first=4)
        one, two = make(dictionaries), make(dictionaries)
        before = self._outputs(one.process(first).by_exporter)
        state = one.snapshot()
        two.restore(state)
        assert self._sent(two, [second]) == self._sent(one, [second])
        assert isinstance(before, dict)


class TelemetryStoreContract(Contract):
    """Fixtures: ``subject``, an empty store, closed by the fixture after the test."""

    interface = TelemetryStore

    async def _read(
        self, subject: TelemetryStore, stream: str, *, start: int = 0, stop: int | None = None
    ) -> list[bytes]:
        found: list[bytes] = []
        async for frames in subject.read(CTX, "exp_1", stream, Dictionaries(), start=start, stop=stop):
            found += encode_protobuf(frames)
        return found

    async def test_what_is_read_encodes_to_the_bytes_that_were_written(self, subject: TelemetryStore) -> None:
        dictionaries = Dictionaries()
        first, second = sample_frames(dictionaries, 4), sample_frames(dictionaries, 3, first=4)
        assert await subject.append(CTX, "exp_1", "raw", first) == first.n_points
        assert await subject.append(CTX, "exp_1", "raw", second) == second.n_points
        await subject.append(CTX, "exp_1", "baseline", second)
        await subject.append(CTX, "exp_2", "raw", second)
        expected = encode_protobuf(first) + encode_protobuf(second)
        assert await self._read(subject, "raw") == expected
        assert await self._read(subject, "raw", start=2, stop=6) == expected[2:6]
        assert await self._read(subject, "raw", start=5) == expected[5:]
        assert await self._read(subject, "baseline") == encode_protobuf(second)
        assert await self._read(subject, "candidate") == []

    async def test_empty_payloads_are_payloads(self, subject: TelemetryStore) -> None:
        empty = FramesBuilder(Dictionaries()).begin_payload(5).begin_payload(6).finish()
        assert await subject.append(CTX, "exp_1", "candidate", empty) == 0
        assert await self._read(subject, "candidate") == [b"", b""]

    async def test_intervals_come_back_in_order(self, subject: TelemetryStore) -> None:
        whole: list[Interval] = [
            sample_interval(index, candidate=None if index == 3 else sample_interval().candidate)
            for index in range(7)
        ]
        await subject.append_intervals(CTX, "exp_1", whole[:4])
        await subject.append_intervals(CTX, "exp_1", whole[4:])
        assert list(await subject.read_intervals(CTX, "exp_1")) == whole
        assert list(await subject.read_intervals(CTX, "exp_1", after=4)) == whole[5:]
        assert list(await subject.read_intervals(CTX, "exp_2")) == []
        assert whole[1].start - whole[0].start == timedelta(seconds=10)

    async def test_a_deleted_experiment_leaves_the_others(self, subject: TelemetryStore) -> None:
        frames = sample_frames(Dictionaries(), 2)
        for name in ("exp_1", "exp_2"):
            await subject.append(CTX, name, "raw", frames)
            await subject.append_intervals(CTX, name, [sample_interval()])
        await subject.delete(CTX, "exp_2")
        await subject.delete(CTX, "exp_missing")
        assert len(await self._read(subject, "raw")) == 2
        assert len(await subject.read_intervals(CTX, "exp_1")) == 1
        assert list(await subject.read_intervals(CTX, "exp_2")) == []

    async def test_closing_twice_is_allowed(self, subject: TelemetryStore) -> None:
        await subject.aclose()
        await subject.aclose()
