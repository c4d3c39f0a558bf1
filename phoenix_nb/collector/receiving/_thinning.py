"""Fewer scrapes from a stream of more: what a receiver with a longer collection interval would have collected."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Thinner"]


class Thinner:
    """Chooses payloads by time; gaps, jitter and clocks that jump back do not bring it out of step.

    The first payload is taken, then the one nearest to every further beat. A beat is ``ratio`` periods long.

    Args:
        period: nanoseconds between payloads.
        ratio: scrapes of the source per scrape of the receiver, at least 1.
    """

    def __init__(self, period: int, ratio: Fraction) -> None:
        self._half = period // 2
        self._step = round(period * ratio)
        # A whole number of scrapes keeps step with the scrapes themselves; a fraction needs the beat of a clock.
        self._follows = ratio.denominator == 1
        self._last: int | None = None

    def take(self, references: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Per payload, in order, whether it is taken.

        Args:
            references: per payload its time, Unix nanoseconds; 0 for one without points, which is taken as it is.
        """
        return np.array([self._take(one) for one in references.tolist()], dtype=np.bool_)

    def _take(self, reference: int) -> bool:
        if reference <= 0:
            return True
        last = self._last
        if last is None or reference <= last - self._step:
            self._last = reference
            return True
        beats = (reference - last + self._half) // self._step
        if beats < 1:
            return False
        nominal = last + beats * self._step
        near = abs(reference - nominal) <= self._half
        self._last = reference if self._follows and near else nominal
        return True

    def snapshot(self) -> int | None:
        """The beat that was taken last."""
        return self._last

    def restore(self, last: int | None) -> None:
        """Go on after that beat."""
        self._last = last
