"""Payloads of a simulated host in one call."""

from __future__ import annotations

import math
from collections.abc import Iterator

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.interfaces.simulation import LoadProfile
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.simulation._compile import compile_world
from phoenix_nb.simulation._scraper import WorldScraper
from phoenix_nb.simulation._spec import WorldSpec
from phoenix_nb.simulation._world import DEFAULT_START, World

__all__ = ["simulate"]


def simulate(
    profile: WorldSpec | LoadProfile | str,
    *,
    seed: int,
    scrapes: int,
    every: float,
    dictionaries: Dictionaries | None = None,
    start: int = DEFAULT_START,
    batch: int = 60,
) -> Iterator[Frames]:
    """The payloads of a simulated host; the same arguments give the same bytes, whatever ``batch`` is.

    Args:
        profile: a built-in profile by name, a profile, or a compiled host.
        seed: any whole number of at least 0.
        scrapes: how many payloads; the profile's duration may end it earlier.
        every: virtual seconds between two scrapes; the first is at the start.
        dictionaries: shared by all frames of the run; new ones when omitted.
        start: virtual begin, Unix nanoseconds.
        batch: payloads per frames at most.

    Raises:
        NotFoundError: no profile has this name.
        InvalidRequestError: a number that makes no sense.

    Example:
        >>> sum(frames.n_payloads for frames in simulate("realistic", seed=1, scrapes=3, every=10.0))
        3
    """
    if scrapes < 1 or not 0 < every < math.inf or batch < 1:
        raise InvalidRequestError(
            "scrapes and batch must be at least 1 and the period greater than zero",
            details={"scrapes": scrapes, "every": every, "batch": batch},
        )
    spec = profile if isinstance(profile, WorldSpec) else compile_world(profile)
    return _payloads(
        spec, seed, scrapes, every, Dictionaries() if dictionaries is None else dictionaries, start, batch
    )


def _payloads(
    spec: WorldSpec, seed: int, scrapes: int, every: float, dictionaries: Dictionaries, start: int, batch: int
) -> Iterator[Frames]:
    scraper = WorldScraper(World(spec, seed, start=start), dictionaries)
    if spec.duration != math.inf:
        scrapes = min(scrapes, math.floor(spec.duration / every) + 1)
    for first in range(0, scrapes, batch):
        numbers = range(first, min(first + batch, scrapes))
        frames = scraper.scrape([start + round(number * every * 1e9) for number in numbers])
        # A payload that the simulated network lost is a gap, not an empty payload.
        if frames.n_payloads:
            yield frames
