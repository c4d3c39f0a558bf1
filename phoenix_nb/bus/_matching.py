"""Which events a filter wants."""

from __future__ import annotations

from collections.abc import Callable

from phoenix_nb.interfaces import Event, EventFilter

__all__ = ["beyond_type", "matches"]

Test = Callable[[Event], bool]


def matches(wanted: EventFilter, event: Event) -> bool:
    """Whether the filter wants the event: OR inside a field, AND between fields, an empty field wants everything.

    An event without a position is before every position.
    """
    return (not wanted.types or event.type in wanted.types) and all(test(event) for test in _tests(wanted))


def beyond_type(wanted: EventFilter) -> Test | None:
    """The filter without its types, which the bus looks up instead; ``None`` when nothing is left to ask."""
    tests = _tests(wanted)
    if len(tests) <= 1:
        return tests[0] if tests else None
    return lambda event: all(test(event) for test in tests)


def _tests(wanted: EventFilter) -> list[Test]:
    tests: list[Test] = []
    if wanted.sources:
        sources = frozenset(wanted.sources)
        tests.append(lambda event: event.source in sources)
    if wanted.subjects:
        subjects = frozenset(wanted.subjects)
        tests.append(lambda event: event.subject in subjects)
    if wanted.metadata:
        pairs = tuple(wanted.metadata.items())
        tests.append(lambda event: all(event.metadata.get(key) == text for key, text in pairs))
    if wanted.start_time is not None:
        start = wanted.start_time
        tests.append(lambda event: event.time >= start)
    if wanted.end_time is not None:
        end = wanted.end_time
        tests.append(lambda event: event.time < end)
    if wanted.after_sequence is not None:
        after = wanted.after_sequence
        tests.append(lambda event: (event.sequence or 0) > after)
    return tests
