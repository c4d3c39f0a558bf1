"""From closed bins to intervals, each made once and in order, and what is counted over them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from phoenix_nb.analysis._activity import ActivityCounter
from phoenix_nb.analysis._bin_counts import union
from phoenix_nb.analysis._bins import TimeBins
from phoenix_nb.analysis._load import latency_p99, share_above
from phoenix_nb.analysis._open_bins import ArmBin, OpenBin, OpenBins
from phoenix_nb.evidence.coverage import CoverageCounts, CoverageTracker
from phoenix_nb.interfaces.evidence import Arm, ArmInterval, Interval
from phoenix_nb.interfaces.plan import Plan

__all__ = ["ARMS", "IntervalMaker"]

ARMS: Final = (Arm.BASELINE, Arm.CANDIDATE)
"""In the order in which bins hold them."""
_NANO: Final = 1_000_000_000


class IntervalMaker:
    """Makes intervals of closed bins.

    Args:
        plan: how many intervals are warm-up, and the latency that is too long.
        tracker: coverage of the critical processes.
        timeline: when bins begin and end.
    """

    def __init__(self, plan: Plan, tracker: CoverageTracker, timeline: TimeBins) -> None:
        self._plan = plan
        self._tracker = tracker
        self._timeline = timeline
        self._threshold = next(
            (one.threshold_seconds for one in plan.guardrails if one.threshold_seconds is not None), None
        )
        self._first: int | None = None
        self._last: int | None = None
        self._json_bytes: list[tuple[int | None, int | None]] = []
        self.made = 0
        """Intervals so far."""
        self.silent: dict[Arm, int] = dict.fromkeys(ARMS, 0)
        """Intervals in which an arm did not answer."""
        self.heard: dict[Arm, int] = dict.fromkeys(ARMS, 0)
        """Intervals in which it did."""
        self.activity = {arm: ActivityCounter(timeline.length / _NANO) for arm in ARMS}
        """Active series of what each arm sent."""

    @property
    def span(self) -> int:
        """Bins from the first interval to the last one, gaps included."""
        return 0 if self._first is None or self._last is None else self._last - self._first + 1

    def take_json_bytes(self) -> list[tuple[int | None, int | None]]:
        """What both arms sent in the intervals since the last call, as prices per GB count it; ``None`` for silence."""
        taken, self._json_bytes = self._json_bytes, []
        return taken

    def close(self, bins: OpenBins, upto: int, *, last: bool) -> list[Interval]:
        """Close the bins up to ``upto``.

        Args:
            bins: where they are taken from.
            upto: the newest bin that is closed.
            last: whether nothing comes afterwards.
        """
        closed, rest = bins.take(upto)
        self._timeline.close(upto)
        if not closed and not rest.late_points:
            return []
        counts = self._tracker.finalise(upto)
        made = [
            self._interval(number, one, {arm: counts[arm].get(number) for arm in ARMS})
            for number, one in closed
        ]
        if last and made:
            late = made[-1].late_points + rest.late_points
            made[-1] = made[-1].model_copy(update={"late_points": late})
        elif not last and rest.late_points:
            rest.carry_to(bins[self._timeline.frontier])
        self._timeline.forget(upto - 1 - 2 * self._plan.grace_intervals)
        return made

    def _interval(self, number: int, one: OpenBin, counts: Mapping[Arm, CoverageCounts | None]) -> Interval:
        timeline = self._timeline
        start = timeline.start(number)
        following = timeline.next_start(number)
        end = start + timeline.length if following is None else min(start + timeline.length, following)
        skipped = 0 if self._last is None else number - self._last - 1
        self._first = number if self._first is None else self._first
        self._last = number
        arms = [
            self._arm_interval(arm, one.arms[side], one, counts[arm], number) for side, arm in enumerate(ARMS)
        ]
        first, second = (None if arm.silent else arm.json_bytes for arm in one.arms)
        self._json_bytes.append((first, second))
        judged = counts[Arm.CANDIDATE]
        units = self._tracker.units
        made = Interval(
            index=self.made,
            start=_timestamp(start),
            end=_timestamp(end),
            warmup=self.made < self._plan.warmup_intervals,
            source_points=one.source_points,
            baseline=arms[0],
            candidate=arms[1],
            critical_units=judged.seen if judged else 0,
            missed=tuple(units[at].key for at in judged.missed) if judged else (),
            late_points=one.late_points,
            duplicate_points=one.duplicates,
            skipped_before=skipped,
        )
        self.made += 1
        return made

    def _arm_interval(
        self, arm: Arm, sent: ArmBin, one: OpenBin, counts: CoverageCounts | None, number: int
    ) -> ArmInterval | None:
        if sent.silent:
            self.silent[arm] += 1
            return None
        self.heard[arm] += 1
        keys = union(sent.keys)
        self.activity[arm].add(number, keys, sent.points)
        return ArmInterval(
            points_in=one.source_points,
            points=sent.points,
            bytes=sent.bytes,
            series=len(keys),
            critical_covered=counts.covered if counts else 0,
            critical_in_aggregate=counts.aggregate if counts else 0,
            refused=sent.refused,
            latency_p99_seconds=latency_p99(sent.latencies),
            latency_above=share_above(sent.latencies, self._threshold),
            cpu_seconds=sent.load.cpu_seconds,
            rss_bytes=sent.load.rss_bytes,
        )


def _timestamp(nanoseconds: int) -> datetime:
    seconds, rest = divmod(nanoseconds, _NANO)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)
