"""Filters choose what their definition says, and the bus delivers exactly that."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from phoenix_nb.bus import matches
from phoenix_nb.bus._matching import beyond_type
from phoenix_nb.interfaces import (
    Context,
    Event,
    EventData,
    EventFilter,
    ExperimentDeleted,
    ExperimentStarted,
    PipelineDeleted,
    SubscriptionMode,
    SubscriptionOptions,
)
from phoenix_nb.runtime import UlidFactory, VirtualClock
from phoenix_nb.testing import MemoryBus
from phoenix_nb.testing.samples import T0, sample_event

CTX = Context.background()
DATA: tuple[EventData, ...] = (
    ExperimentStarted(experiment_id="exp_1", source="host"),
    ExperimentDeleted(experiment_id="exp_1"),
    PipelineDeleted(pipeline_id="pl_1"),
)
WORDS = st.sampled_from(["a", "b", "c"])
PAIRS = st.dictionaries(WORDS, WORDS, max_size=2)


def some(of: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(of, max_size=2).map(tuple)


@st.composite
def events(draw: st.DrawFn) -> list[Event]:
    return [
        sample_event(
            number,
            draw(st.sampled_from(DATA)),
            source=draw(WORDS),
            subject=draw(WORDS),
            metadata=draw(PAIRS),
            time=T0 + timedelta(seconds=draw(st.integers(0, 4))),
        )
        for number in range(1, 1 + draw(st.integers(0, 8)))
    ]


@st.composite
def filters(draw: st.DrawFn) -> EventFilter:
    moments = st.none() | st.integers(0, 4).map(lambda seconds: T0 + timedelta(seconds=seconds))
    return EventFilter(
        types=draw(some(st.sampled_from([one.type for one in DATA]))),
        sources=draw(some(WORDS)),
        subjects=draw(some(WORDS)),
        metadata=draw(PAIRS),
        start_time=draw(moments),
        end_time=draw(moments),
        after_sequence=draw(st.none() | st.integers(0, 8)),
    )


def by_definition(wanted: EventFilter, event: Event) -> bool:
    """The words of ``EventFilter``, field by field."""
    within_time = True
    if wanted.start_time is not None and event.time < wanted.start_time:
        within_time = False
    if wanted.end_time is not None and event.time >= wanted.end_time:
        within_time = False
    return (
        within_time
        and (wanted.after_sequence is None or (event.sequence or 0) > wanted.after_sequence)
        and (not wanted.types or any(event.type == kind for kind in wanted.types))
        and (not wanted.sources or any(event.source == source for source in wanted.sources))
        and (not wanted.subjects or any(event.subject == subject for subject in wanted.subjects))
        and set(wanted.metadata.items()) <= set(event.metadata.items())
    )


@given(events(), filters())
def test_matches_is_the_definition(drawn: list[Event], wanted: EventFilter) -> None:
    rest = beyond_type(wanted)
    for position, event in enumerate(drawn, 1):
        placed = event.model_copy(update={"sequence": position})
        expected = by_definition(wanted, placed)
        assert matches(wanted, placed) is expected
        routed = not wanted.types or placed.type in wanted.types
        assert (routed and (rest is None or rest(placed))) is expected


@given(drawn=events(), wanted=filters(), before=st.integers(0, 8))
@settings(max_examples=60, deadline=None)
async def test_a_stream_holds_what_its_filter_wants(
    drawn: list[Event], wanted: EventFilter, before: int
) -> None:
    """Whatever part of it was published before the subscription."""
    bus = MemoryBus(UlidFactory(VirtualClock(), seed=1))
    accepted = list(await bus.publish_batch(CTX, drawn[:before]))
    replays = wanted.after_sequence is not None or wanted.start_time is not None
    streams = [
        await bus.subscribe(CTX, wanted, SubscriptionOptions(mode=mode, buffer=50))
        for mode in SubscriptionMode
    ]
    seen_before = accepted if replays else []
    live = [await bus.publish(CTX, event) for event in drawn[before:]]
    expected = [event for event in seen_before + live if by_definition(wanted, event)]
    read = [event for event in accepted + live if by_definition(wanted, event)]
    assert list(await bus.read(CTX, wanted)) == read
    for stream in streams:
        assert [await anext(aiter(stream)) for _ in expected] == expected
    await bus.aclose()
    for stream in streams:
        assert [event async for event in stream] == []


def test_no_condition_is_no_work() -> None:
    assert beyond_type(EventFilter()) is None
    assert beyond_type(EventFilter(types=("experiment.started",))) is None
