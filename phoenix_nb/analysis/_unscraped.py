"""Which raw points coverage is judged by, where the candidate scrapes more slowly than the source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis._bins import LATE
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["Unscraped"]

Ids = npt.NDArray[np.int64]


class Unscraped:
    """Leaves out what the candidate could not show yet, and keeps what it never will.

    A lifetime is judged where the candidate scrapes. One that begins between two of its scrapes waits for the next of
    them: if it still lives, it is judged there like any other; if not, the candidate never sees it, and its raw points
    count for that scrape's interval, in which they are found missing. What begins after the last scrape stays unjudged.

    Args:
        dictionaries: shared by all frames of the run.
    """

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._known = dictionaries
        self._met = np.zeros(0, dtype=np.bool_)
        self._waiting: list[Frames] = []

    def judged(
        self, raw: Frames, where: Ids, own: Ids, skipped: frozenset[int]
    ) -> Iterator[tuple[Frames, Ids]]:
        """The points to judge by, each group with the interval of every point; below 0 for those that no one takes.

        Args:
            raw: payloads.
            where: per point its interval.
            own: per payload an open interval.
            skipped: payloads that the candidate did not scrape.
        """
        taken = np.ones(raw.n_payloads, dtype=np.bool_)
        taken[sorted(skipped)] = False
        if not raw.n_payloads:
            return
        yield from self._released(raw, own, taken)
        first = self._meet(raw, taken)
        if not skipped:
            yield raw, where
            return
        yield raw, np.where(taken[raw.p_payload], where, LATE)
        yield from self._early(raw, own, taken, first)

    def _meet(self, raw: Frames, taken: npt.NDArray[np.bool_]) -> Ids:
        """Per resource the first scraped payload that holds it; -1 when one did before these payloads."""
        more = len(self._known.resources) - len(self._met)
        self._met = np.pad(self._met, (0, max(more, 0)))
        first = np.where(self._met, -1, raw.n_payloads).astype(np.int64)
        rows = (raw.rm_resource >= 0) & taken[raw.rm_payload]
        numbers = raw.rm_resource[rows]
        np.minimum.at(first, numbers, raw.rm_payload[rows])
        self._met[numbers] = True
        return first

    def _released(self, raw: Frames, own: Ids, taken: npt.NDArray[np.bool_]) -> Iterator[tuple[Frames, Ids]]:
        """What waited and is gone at the first scrape of these payloads."""
        if not self._waiting or not taken.any():
            return
        scrape = int(np.argmax(taken))
        living = raw.rm_resource[raw.rm_payload == scrape]
        waiting, self._waiting = self._waiting, []
        for frames in waiting:
            gone = frames.where(resources=~np.isin(frames.rm_resource, living))
            if gone.n_points:
                yield gone, np.full(gone.n_points, own[scrape], dtype=np.int64)

    def _early(
        self, raw: Frames, own: Ids, taken: npt.NDArray[np.bool_], first: Ids
    ) -> Iterator[tuple[Frames, Ids]]:
        """What begins between scrapes: gone by the next one, or still waiting for it."""
        numbers, payload = raw.rm_resource, raw.rm_payload
        early = (numbers >= 0) & ~taken[payload]
        early &= first[np.maximum(numbers, 0)] > payload
        # Per payload the next one that is scraped; as many as there are payloads when none follows.
        places = np.where(taken, np.arange(raw.n_payloads), raw.n_payloads)
        following = np.minimum.accumulate(places[::-1])[::-1][payload]
        waits = early & (following == raw.n_payloads)
        if waits.any():
            self._waiting.append(raw.where(resources=waits).compact())
        gone = early & ~waits & (first[np.maximum(numbers, 0)] != following)
        if gone.any():
            frames = raw.where(resources=gone)
            row = frames.sm_rm[frames.m_sm[frames.p_metric]]
            yield frames, own[following[gone]][row]
