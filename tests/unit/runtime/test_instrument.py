"""The wrapper around implementations: context, arguments, errors, metrics, spans, streams."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, Self, runtime_checkable

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from phoenix_nb.errors import (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    InvalidRequestError,
    NotFoundError,
)
from phoenix_nb.interfaces import Context, Event, EventFilter, EventStream, ExperimentDeleted, Value
from phoenix_nb.runtime import CallMetrics, instrument

pytestmark = pytest.mark.usefixtures("no_stray_tasks")


class Question(Value):
    """What is asked."""

    text: str
    """Words."""
    times: int = 1
    """How often."""


@runtime_checkable
class Oracle(Protocol):
    """A contract for these tests."""

    @property
    def name(self) -> str: ...

    async def answer(self, ctx: Context, question: Question, *, note: str = "") -> str: ...

    async def batch(self, ctx: Context, questions: Sequence[Question], limit: int | None = None) -> int: ...

    async def watch(self, ctx: Context, topic: str) -> AsyncIterator[int]: ...

    def numbers(self, ctx: Context) -> AsyncIterator[int]: ...

    async def follow(self, ctx: Context) -> EventStream: ...

    def size(self) -> int: ...

    async def aclose(self) -> None: ...


class Events:
    """A subscription that never has anything."""

    subscription_id = "sub_1"

    def __init__(self) -> None:
        self.closed = False

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        await asyncio.sleep(60)
        raise StopAsyncIteration

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.closed = True


class Delphi:
    name = "delphi"

    def __init__(self) -> None:
        self.cleaned = 0
        self.closed = False
        self.events = Events()

    async def answer(self, ctx: Context, question: Question, *, note: str = "") -> str:
        if question.text == "missing":
            raise NotFoundError("no such thing")
        if question.text == "defect":
            raise KeyError("oops")
        if question.text == "slow":
            try:
                await asyncio.sleep(60)
            finally:
                self.cleaned += 1
        if question.text == "stubborn":
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        return question.text * question.times + note

    async def batch(self, ctx: Context, questions: Sequence[Question], limit: int | None = None) -> int:
        return len(questions)

    async def watch(self, ctx: Context, topic: str) -> AsyncIterator[int]:
        async def numbers() -> AsyncIterator[int]:
            yield 1
            if topic == "defect":
                raise KeyError("oops")
            if topic == "gone":
                raise NotFoundError("gone")
            try:
                await asyncio.sleep(0 if topic == "short" else 60)
                yield 2
            finally:
                self.cleaned += 1

        return numbers()

    async def numbers(self, ctx: Context) -> AsyncIterator[int]:
        yield 1
        yield 2

    async def follow(self, ctx: Context) -> EventStream:
        return self.events

    def size(self) -> int:
        return 3

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def delphi() -> Delphi:
    return Delphi()


@pytest.fixture
def metrics() -> CallMetrics:
    return CallMetrics()


@pytest.fixture
def oracle(delphi: Delphi, metrics: CallMetrics) -> Oracle:
    return instrument(Oracle, delphi, metrics)


CTX = Context.background()
_LIES: dict[str, Any] = {"text": 5, "times": "x"}


def _calls(metrics: CallMetrics, method: str, status: str) -> float:
    labels = {"interface": "Oracle", "method": method, "status": status}
    return metrics.registry.get_sample_value("phoenix_interface_calls_total", labels) or 0.0


async def test_it_offers_the_whole_interface(oracle: Oracle, delphi: Delphi) -> None:
    assert isinstance(oracle, Oracle)
    assert oracle.name == "delphi"
    assert oracle.size() == 3
    assert inspect.signature(type(oracle).answer) == inspect.signature(Oracle.answer)
    assert await oracle.answer(CTX, Question(text="a", times=2), note="!") == "aa!"
    await oracle.aclose()
    assert delphi.closed


async def test_it_counts_calls_and_measures_latency(oracle: Oracle, metrics: CallMetrics) -> None:
    await oracle.answer(CTX, Question(text="a"))
    with pytest.raises(NotFoundError):
        await oracle.answer(CTX, Question(text="missing"))
    assert _calls(metrics, "answer", "ok") == 1
    assert _calls(metrics, "answer", "NOT_FOUND") == 1
    count = metrics.registry.get_sample_value(
        "phoenix_interface_latency_seconds_count", {"interface": "Oracle", "method": "answer"}
    )
    assert count == 2


async def test_a_defect_becomes_an_internal_error_with_its_cause(
    oracle: Oracle, metrics: CallMetrics
) -> None:
    with pytest.raises(InternalError, match=r"Oracle\.answer failed: KeyError") as caught:
        await oracle.answer(CTX, Question(text="defect"))
    assert isinstance(caught.value.__cause__, KeyError)
    assert _calls(metrics, "answer", "INTERNAL") == 1


@pytest.mark.parametrize(
    ("args", "kwargs", "says"),
    [
        ((), {}, "missing a required argument: 'ctx'"),
        ((None, Question(text="a")), {}, "must be a Context"),
        ((CTX,), {}, "missing a required argument: 'question'"),
        ((CTX, "a"), {}, "question: must be Question, not str"),
        ((CTX, {"text": "a"}), {}, "question: must be Question, not dict"),
        ((CTX, Question.model_construct(**_LIES)), {}, "question::text"),
        ((CTX, Question(text="a")), {"note": 5}, "note: Input should be a valid string"),
        ((CTX, Question(text="a")), {"nonsense": 5}, "unexpected keyword"),
    ],
)
async def test_wrong_arguments_are_refused(
    oracle: Oracle, metrics: CallMetrics, args: tuple[Any, ...], kwargs: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidRequestError, match=says):
        await oracle.answer(*args, **kwargs)
    assert _calls(metrics, "answer", "INVALID_REQUEST") == 1


async def test_sequences_and_optional_arguments_are_checked(oracle: Oracle) -> None:
    assert await oracle.batch(CTX, [Question(text="a")], 3) == 1
    assert await oracle.batch(CTX, (), None) == 0
    with pytest.raises(InvalidRequestError, match="must be Question"):
        await oracle.batch(CTX, ["a"])  # type: ignore[list-item]
    with pytest.raises(InvalidRequestError, match="must be a sequence"):
        await oracle.batch(CTX, "abc")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequestError, match="valid integer"):
        await oracle.batch(CTX, [], "3")  # type: ignore[arg-type]


async def test_a_cancelled_context_does_not_begin(oracle: Oracle, delphi: Delphi) -> None:
    ctx, token = CTX.with_cancel()
    token.cancel("enough")
    with pytest.raises(CallCancelledError, match="enough"):
        await oracle.answer(ctx, Question(text="slow"))
    assert delphi.cleaned == 0


async def test_cancelling_the_context_from_another_thread_ends_the_call(
    oracle: Oracle, delphi: Delphi, metrics: CallMetrics
) -> None:
    ctx, token = CTX.with_cancel()
    asyncio.get_running_loop().call_later(
        0.02, lambda: asyncio.create_task(asyncio.to_thread(token.cancel, "stop"))
    )
    with pytest.raises(CallCancelledError, match="stop"):
        await oracle.answer(ctx, Question(text="slow"))
    assert delphi.cleaned == 1
    assert _calls(metrics, "answer", "CANCELLED") == 1
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0.02)


async def test_a_late_context_ends_the_call(oracle: Oracle, delphi: Delphi, metrics: CallMetrics) -> None:
    with pytest.raises(DeadlineExceededError) as caught:
        await oracle.answer(CTX.with_timeout(0.02), Question(text="slow"))
    assert "idempotency" in caught.value.hint
    assert delphi.cleaned == 1
    assert _calls(metrics, "answer", "DEADLINE_EXCEEDED") == 1
    with pytest.raises(DeadlineExceededError):
        await oracle.answer(CTX.with_timeout(-1), Question(text="a"))


async def test_cancellation_by_asyncio_stays_what_it_is(oracle: Oracle, metrics: CallMetrics) -> None:
    task = asyncio.create_task(oracle.answer(CTX.with_timeout(30), Question(text="slow")))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _calls(metrics, "answer", "ASYNCIO_CANCELLED") == 1


async def test_an_outer_timeout_keeps_working(oracle: Oracle) -> None:
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.02):
            await oracle.answer(CTX.with_timeout(30), Question(text="slow"))
    assert not isinstance(caught.value, DeadlineExceededError)


async def test_work_that_ends_anyway_keeps_its_result(oracle: Oracle) -> None:
    assert await oracle.answer(CTX.with_timeout(0.02), Question(text="stubborn")) == "stubborn"
    await asyncio.sleep(0.01)  # a stray cancellation would end this test here


async def test_a_cancellation_that_comes_after_the_end_hits_nobody(oracle: Oracle) -> None:
    for _ in range(50):
        ctx, token = CTX.with_cancel()
        asyncio.get_running_loop().call_soon(token.cancel)
        with contextlib.suppress(CallCancelledError):
            await oracle.answer(ctx, Question(text="a"))
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)


async def test_the_deadline_of_a_stream_covers_its_set_up_only(oracle: Oracle) -> None:
    stream = await oracle.watch(CTX.with_timeout(0.02), "short")
    await asyncio.sleep(0.05)
    assert [item async for item in stream] == [1, 2]


async def test_a_stream_ends_with_its_context(oracle: Oracle, delphi: Delphi) -> None:
    ctx, token = CTX.with_cancel()
    stream = await oracle.watch(ctx, "long")
    asyncio.get_running_loop().call_later(0.02, token.cancel)
    assert [item async for item in stream] == [1]
    assert delphi.cleaned == 1
    assert [item async for item in stream] == []


async def test_what_breaks_in_a_stream_is_a_domain_error(oracle: Oracle) -> None:
    stream = await oracle.watch(CTX, "gone")
    with pytest.raises(NotFoundError):
        [item async for item in stream]
    stream = await oracle.watch(CTX, "defect")
    with pytest.raises(InternalError, match=r"stream of Oracle\.watch failed") as caught:
        [item async for item in stream]
    assert isinstance(caught.value.__cause__, KeyError)


async def test_methods_that_are_streams_themselves_are_guarded(oracle: Oracle, metrics: CallMetrics) -> None:
    assert [item async for item in oracle.numbers(CTX)] == [1, 2]
    ctx, token = CTX.with_cancel()
    token.cancel()
    with pytest.raises(CallCancelledError):
        oracle.numbers(ctx)
    assert _calls(metrics, "numbers", "ok") == 1
    assert _calls(metrics, "numbers", "CANCELLED") == 1


async def test_a_subscription_stays_one(oracle: Oracle, delphi: Delphi) -> None:
    ctx, token = CTX.with_cancel()
    stream = await oracle.follow(ctx)
    assert isinstance(stream, EventStream)
    assert stream.subscription_id == "sub_1"
    async with stream:
        asyncio.get_running_loop().call_later(0.02, token.cancel)
        assert [event async for event in stream] == []
    assert delphi.events.closed


@pytest.fixture
def spans() -> tuple[TracerProvider, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, exporter


async def test_every_call_is_a_span_below_the_callers(
    delphi: Delphi, metrics: CallMetrics, spans: tuple[TracerProvider, InMemorySpanExporter]
) -> None:
    provider, exporter = spans
    oracle: Oracle = instrument(Oracle, delphi, metrics, tracer=provider.get_tracer("test"))
    ctx = Context(trace_parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", request_id="r1")
    await oracle.answer(ctx, Question(text="a"))
    with pytest.raises(NotFoundError):
        await oracle.answer(CTX, Question(text="missing"))
    first, second = exporter.get_finished_spans()
    assert first.name == "Oracle/answer"
    assert first.context.trace_id == 0x0AF7651916CD43DD8448EB211C80319C
    assert first.parent is not None
    assert first.parent.span_id == 0xB7AD6B7169203331
    assert first.attributes == {"phoenix.request_id": "r1", "phoenix.status": "ok"}
    assert second.attributes is not None
    assert second.attributes["phoenix.status"] == "NOT_FOUND"
    assert not second.status.is_ok


async def test_values_pass_unchanged() -> None:
    class Keeper(Protocol):
        async def keep(self, ctx: Context, event: Event, filter: EventFilter) -> Event: ...  # noqa: A002

    class Box:
        async def keep(self, ctx: Context, event: Event, filter: EventFilter) -> Event:  # noqa: A002
            return event

    event = Event(
        id="evt_1",
        source="test",
        time=datetime(2026, 1, 1, tzinfo=UTC),
        data=ExperimentDeleted(experiment_id="exp_1"),
        metadata={"b": "1", "a": "2"},
        sequence=4,
    )
    box: Keeper = instrument(Keeper, Box(), CallMetrics())
    assert await box.keep(CTX, event, EventFilter()) == event
