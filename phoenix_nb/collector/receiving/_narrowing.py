"""From payloads that hold more to what one receiver would have collected: decided per resource and per metric."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.collector.components import ProcessMatch, name_matcher
from phoenix_nb.collector.receiving._thinning import Thinner
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Attributes, Dictionaries, Frames, reference_times

__all__ = ["NAME", "Narrower", "Narrowing", "is_process", "scraper_of"]

Mask = npt.NDArray[np.bool_]

NAME: Final = "process.executable.name"
_PID: Final = "process.pid"
_MILLI: Final = 1_000_000
_NANO: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What one receiver would not have collected of the payloads."""

    metrics: frozenset[str] = frozenset()
    """Metrics that it does not emit."""
    scrapers: frozenset[str] = frozenset()
    """Scrapers that it does not have; their metrics are known by the name of their scope."""
    attributes: frozenset[str] = frozenset()
    """Resource attributes that it does not set."""
    include: ProcessMatch = field(default_factory=ProcessMatch)
    """Which processes it scrapes, by executable name; no names = all."""
    exclude: ProcessMatch = field(default_factory=ProcessMatch)
    """Which of them it does not."""
    delay: int = 0
    """Nanoseconds that a process must have lived when it is scraped; whole milliseconds count."""
    ratio: Fraction = Fraction(1)
    """Scrapes of the source per scrape of the receiver."""

    @property
    def keeps_all(self) -> bool:
        """Whether it would have collected everything."""
        return self == Narrowing()


def is_process(attributes: Attributes) -> bool:
    """Whether resource attributes are those of a process."""
    return NAME in attributes or _PID in attributes


def scraper_of(scope: str) -> str:
    """The hostmetrics scraper that a scope name belongs to; empty for other scopes."""
    head, _, last = scope.rpartition("/scraper/")
    return last.removesuffix("scraper") if head and last.endswith("scraper") else ""


class Narrower:
    """Applies a :class:`Narrowing` to payloads; any chunking of the same payloads gives the same output.

    What it cannot decide (a process without a name, a point without a start time) it keeps: a payload that does not
    tell is not a saving. Payloads that the receiver would not have scraped at all stay as empty ones.

    Args:
        narrowing: what is left out.
        dictionaries: shared by the payloads.
        period_seconds: seconds between payloads, needed where scrapes are left out; ``None`` leaves none out.

    Raises:
        BuildError: a way to match or a pattern that the collector refuses, in its words.
    """

    def __init__(
        self, narrowing: Narrowing, dictionaries: Dictionaries, *, period_seconds: float | None = None
    ) -> None:
        self._narrowing = narrowing
        self._known = dictionaries
        self._include = name_matcher("include", narrowing.include)
        self._exclude = name_matcher("exclude", narrowing.exclude)
        self._thinner: Thinner | None = None
        if period_seconds is not None and narrowing.ratio > 1:
            self._thinner = Thinner(round(period_seconds * _NANO), narrowing.ratio)
        self._resource_kept: Mask = np.zeros(0, dtype=np.bool_)
        self._process: Mask = np.zeros(0, dtype=np.bool_)
        self._renamed: npt.NDArray[np.int32] = np.zeros(0, dtype=np.int32)
        self._header_kept: Mask = np.zeros(0, dtype=np.bool_)
        self._scope_kept: Mask = np.zeros(0, dtype=np.bool_)

    def apply(self, frames: Frames) -> tuple[Frames, frozenset[int]]:
        """What the receiver would have collected, and the payloads (counted within the call) that it did not scrape.

        The frames themselves come back when nothing is left out.

        Raises:
            InvalidRequestError: frames of other dictionaries.
        """
        if frames.dictionaries is not self._known:
            raise InvalidRequestError(
                "these frames belong to other dictionaries than the receiver's",
                hint="make it with the dictionaries of the source",
            )
        self._learn()
        resources, skipped = self._resources(frames)
        metrics = self._metrics(frames)
        narrowed = frames
        if resources is not None or metrics is not None:
            narrowed = frames.where(resources=resources, metrics=metrics)
        if self._narrowing.attributes and narrowed.n_resources:
            numbers = narrowed.rm_resource
            changed = np.where(numbers >= 0, self._renamed[np.maximum(numbers, 0)], numbers)
            if not np.array_equal(changed, numbers):
                narrowed = narrowed.replace(rm_resource=changed)
        return narrowed, skipped

    def snapshot(self) -> int | None:
        """What must be kept to go on elsewhere: the scrape that was taken last."""
        return self._thinner.snapshot() if self._thinner is not None else None

    def restore(self, state: int | None) -> None:
        """Go on from what :meth:`snapshot` gave."""
        if self._thinner is not None:
            self._thinner.restore(state)

    # -- per payload, resource and metric --------------------------------------------------------------------

    def _resources(self, frames: Frames) -> tuple[Mask | None, frozenset[int]]:
        numbers = frames.rm_resource
        kept = np.ones(len(numbers), dtype=np.bool_)
        if len(self._resource_kept):
            # The sender may have given no resource at all: nothing to decide by.
            kept = (numbers < 0) | self._resource_kept[np.maximum(numbers, 0)]
        if self._narrowing.delay:
            kept &= ~self._young(frames)
        skipped: frozenset[int] = frozenset()
        if self._thinner is not None:
            taken = self._thinner.take(reference_times(frames))
            skipped = frozenset(np.flatnonzero(~taken).tolist())
            kept &= taken[frames.rm_payload]
        return None if kept.all() else kept, skipped

    def _young(self, frames: Frames) -> Mask:
        """Per resource block whether it is a process that has not lived long enough."""
        young = np.zeros(frames.n_resources, dtype=np.bool_)
        start, time = frames.p_start.astype(np.int64), frames.p_time.astype(np.int64)
        # The receiver compares milliseconds.
        age = time // _MILLI - start // _MILLI
        late = (start > 0) & (time > 0) & (age < self._narrowing.delay // _MILLI)
        rows = frames.sm_rm[frames.m_sm[frames.p_metric[late]]]
        young[rows] = True
        numbers = frames.rm_resource
        if len(self._process):
            young &= (numbers >= 0) & self._process[np.maximum(numbers, 0)]
        return young

    def _metrics(self, frames: Frames) -> Mask | None:
        kept: Mask | None = None
        if self._narrowing.metrics:
            kept = self._header_kept[frames.m_header]
        if self._narrowing.scrapers:
            scope = frames.m_scope
            known = (
                (scope < 0) | self._scope_kept[np.maximum(scope, 0)] if len(self._scope_kept) else scope < 0
            )
            kept = known if kept is None else kept & known
        return None if kept is None or kept.all() else kept

    # -- per id ----------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        """Decide about ids that are new; each of them once."""
        rules = self._narrowing
        if rules.metrics:
            fresh = [self._known.headers[at].name not in rules.metrics for at in self._new("headers")]
            self._header_kept = np.concatenate([self._header_kept, np.array(fresh, dtype=np.bool_)])
        if rules.scrapers:
            fresh = [
                scraper_of(self._known.scopes[at].name) not in rules.scrapers for at in self._new("scopes")
            ]
            self._scope_kept = np.concatenate([self._scope_kept, np.array(fresh, dtype=np.bool_)])
        kept, process, renamed = [], [], []
        for at in self._new("resources"):
            attributes = self._known.resources[at].attributes
            kept.append(self._scraped(attributes.get(NAME)))
            process.append(is_process(attributes))
            renamed.append(self._without(at))
        self._resource_kept = np.concatenate([self._resource_kept, np.array(kept, dtype=np.bool_)])
        self._process = np.concatenate([self._process, np.array(process, dtype=np.bool_)])
        self._renamed = np.concatenate([self._renamed, np.array(renamed, dtype=np.int32)])

    def _new(self, kind: str) -> range:
        done = {"headers": self._header_kept, "scopes": self._scope_kept, "resources": self._resource_kept}
        return range(len(done[kind]), len(getattr(self._known, kind)))

    def _scraped(self, name: object) -> bool:
        if not isinstance(name, str):
            return True
        if self._include is not None and not self._include(name):
            return False
        return self._exclude is None or not self._exclude(name)

    def _without(self, number: int) -> int:
        """The resource without the attributes that the receiver does not set."""
        found = self._known.resources[number]
        gone = [key for key in self._narrowing.attributes if key in found.attributes]
        if not gone:
            return number
        return self._known.resources.intern(replace(found, attributes=found.attributes.without(*gone)))
