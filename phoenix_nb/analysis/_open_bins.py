"""What has been counted in time bins that are not closed yet."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._load import ArmLoad

__all__ = ["ArmBin", "OpenBin", "OpenBins"]


@dataclass(slots=True)
class ArmBin:
    """What one arm sent in one open bin."""

    points: int = 0
    """Data points."""
    bytes: int = 0
    """Uncompressed OTLP protobuf bytes."""
    json_bytes: int = 0
    """Bytes as prices per GB count them."""
    late: int = 0
    """Points that came after their own bin was closed."""
    refused: int = 0
    """Points that the arm did not take."""
    silent: bool = False
    """Whether it did not answer at all."""
    keys: list[npt.NDArray[np.int64]] = field(default_factory=list)
    """Distinct series keys, sorted, call by call."""
    latencies: list[float] = field(default_factory=list)
    """Seconds per payload."""
    load: ArmLoad = field(default_factory=ArmLoad)
    """CPU time and memory."""


@dataclass(slots=True)
class OpenBin:
    """One open bin."""

    source_points: int = 0
    """Data points of the raw payloads."""
    late: int = 0
    """Raw points that came after their own bin was closed."""
    duplicates: int = 0
    """Raw points that were there before."""
    arms: tuple[ArmBin, ArmBin] = field(default_factory=lambda: (ArmBin(), ArmBin()))
    """The baseline and the candidate."""

    @property
    def late_points(self) -> int:
        """Late points: the arms see the source's late points again, so the largest count stands for all."""
        return max(self.late, *(arm.late for arm in self.arms))

    def carry_to(self, target: OpenBin) -> None:
        """Add everything but the raw points to another bin."""
        target.late += self.late
        target.duplicates += self.duplicates
        for old, new in zip(self.arms, target.arms, strict=True):
            new.late += old.late
            new.points += old.points
            new.bytes += old.bytes
            new.json_bytes += old.json_bytes
            new.refused += old.refused
            new.keys.extend(old.keys)
            new.latencies.extend(old.latencies)
            new.load.merge(old.load)


class OpenBins:
    """Open bins by their number; one that nobody knows begins empty."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, OpenBin] = {}

    def __getitem__(self, number: int) -> OpenBin:
        found = self._open.get(number)
        if found is None:
            found = self._open[number] = OpenBin()
        return found

    def take(self, upto: int) -> tuple[list[tuple[int, OpenBin]], OpenBin]:
        """Remove the bins up to ``upto``.

        A bin without any raw point (late points, an arm's leftovers) is no interval of its own: what it holds goes with
        the next one.

        Returns:
            The bins with raw points, oldest first, and what no bin was left for.
        """
        taken = []
        carried = OpenBin()
        for number in [number for number in sorted(self._open) if number <= upto]:
            one = self._open.pop(number)
            if not one.source_points:
                one.carry_to(carried)
                continue
            carried.carry_to(one)
            carried = OpenBin()
            taken.append((number, one))
        return taken, carried
