"""A ranking of names that does not flap: top-k with hysteresis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis.optimize._observed import Observed
from phoenix_nb.errors import InvalidRequestError

__all__ = ["names_by_use", "steady_top_k"]


def steady_top_k(
    rankings: Sequence[Sequence[str]], k: int, *, slack: float = 0.5, before: Sequence[str] = ()
) -> tuple[str, ...]:
    """The names that a top-k filter keeps after a number of looks.

    A name enters when it is among the first ``k``, and leaves only when it has fallen out of the first k (1 + slack);
    so names that take turns around place ``k`` do not appear and disappear. At most k (1 + slack) names are kept,
    the higher ones first.

    Args:
        rankings: names by use, highest first, one ranking per look.
        k: places that let a name in.
        slack: how much further a name may fall, a fraction of ``k``.
        before: what was kept before the first look.

    Raises:
        InvalidRequestError: ``k`` or ``slack`` is negative.

    Example:
        >>> steady_top_k([["a", "b", "c"], ["a", "c", "b"]], 2)
        ('a', 'c', 'b')
    """
    if k < 0 or slack < 0:
        raise InvalidRequestError("k and slack must not be negative", details={"k": k, "slack": slack})
    kept: list[str] = list(before)
    stays = round(k * (1.0 + slack))
    for ranking in rankings:
        place = {name: at for at, name in enumerate(ranking)}
        inside = [name for name in kept if place.get(name, stays) < stays]
        entering = [name for name in ranking[:k] if name not in inside]
        kept = sorted([*inside, *entering], key=lambda name: place[name])[:stays]
    return tuple(kept)


def names_by_use(seen: Observed, critical: npt.NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of processes that are not critical, those that use most first; use is a share of every metric's total."""
    others = (seen.name >= 0) & ~critical
    shares = np.bincount(seen.name[others], seen.weight[others], minlength=len(seen.names)).tolist()
    shown = np.unique(seen.name[others]).tolist()
    return tuple(seen.names[at] for at in sorted(shown, key=lambda at: (-shares[at], seen.names[at])))
