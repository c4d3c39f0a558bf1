"""What people should know about a run, one sentence each."""

from __future__ import annotations

from phoenix_nb.interfaces.evidence import CoverageReport

__all__ = ["run_warnings"]

_MOST_NOTES = 5


def run_warnings(
    coverage: CoverageReport,
    *,
    late: int,
    duplicates: int,
    skipped: int,
    not_finite: int = 0,
    notes: tuple[str, ...],
    failures: tuple[str, ...] = (),
    uncounted: tuple[tuple[str, str], ...] = (),
) -> tuple[str, ...]:
    """Sentences about selectors that match nothing and about payloads that are not as they should be.

    Args:
        coverage: what became of the critical processes.
        late: points that came after their interval was closed.
        duplicates: points with the same series and time as another one.
        skipped: intervals without any payload.
        not_finite: points whose value is NaN or infinite.
        notes: what the pipelines would have logged.
        failures: why arms stopped to answer, a sentence each.
        uncounted: arms with the exporters of theirs that got something that no counted exporter got.
    """
    found = [*failures]
    found.extend(
        f"The {arm} gives {exporter} points that its other exporters do not get; they are not counted, because nobody "
        f"is billed for what {exporter.partition('/')[0]} shows."
        for arm, exporter in uncounted
    )
    found.extend(f"The critical selector {one!r} matched no process." for one in coverage.unmatched_selectors)
    if duplicates:
        found.append(
            f"{duplicates:,} points of the source have the same series and time as another one; "
            "they are counted, because they are paid for."
        )
    if late:
        found.append(
            f"{late:,} points came late or with a clock that had jumped back; "
            "they are in the window's totals and in no interval."
        )
    if not_finite:
        found.append(
            f"{not_finite:,} points of the source are not finite numbers (NaN or infinite); "
            "they are sent and counted like any other."
        )
    if skipped:
        found.append(f"{skipped:,} intervals had no payload at all: a gap of the source, not zeros.")
    found.extend(f"A pipeline would have logged: {note}" for note in notes[:_MOST_NOTES])
    if len(notes) > _MOST_NOTES:
        found.append(f"The pipelines would have logged {len(notes) - _MOST_NOTES:,} more messages.")
    return tuple(found)
