"""Values of catalogue templates that follow a recording: which names use most, and from which size on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import re2

from phoenix_nb.analysis.optimize._observed import Observed, observe
from phoenix_nb.analysis.optimize._ranking import names_by_use, steady_top_k
from phoenix_nb.analysis.optimize._stretches import windows
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["RANKED_VARIABLES", "ranked_value"]

_TOP: Final = "PHOENIX_TOP_PROCESSES"
_FLOORS: Final = {
    "PHOENIX_MIN_MEMORY_BYTES": "process.memory.usage",
    "PHOENIX_MIN_CPU_SECONDS": "process.cpu.time",
}
RANKED_VARIABLES: Final = (_TOP, *_FLOORS)
"""Template variables whose values a recording can give."""

_NAMES: Final = 20
"""Places of the ranking."""
_SHARE: Final = 0.9
"""Share of what the other processes hold that passes a floor."""


def ranked_value(variable: str, frames: Sequence[Frames], dictionaries: Dictionaries, critical: str) -> str:
    """What a recording gives for a template variable.

    Names are ranked with hysteresis over ten stretches of the recording. A floor is the largest one over which 90 % of
    what the processes that are not critical hold is still shown.

    Args:
        variable: one of :data:`RANKED_VARIABLES`.
        frames: the recording.
        dictionaries: shared by the frames.
        critical: names that the template always keeps, alternatives of a regular expression that matches at the start.

    Raises:
        InvalidRequestError: there is no such variable, or the recording holds nothing to rank.
    """
    if variable not in RANKED_VARIABLES:
        raise InvalidRequestError(
            f"{variable} cannot be had from a recording", hint=f"these can: {', '.join(RANKED_VARIABLES)}"
        )
    if variable == _TOP:
        looks = [observe(one, dictionaries) for one in windows(frames)]
        found = steady_top_k([names_by_use(seen, _kept(seen, critical)) for seen in looks], _NAMES)
        value = "|".join(dict.fromkeys(_pattern(name) for name in found))
    else:
        seen = observe(frames, dictionaries)
        value = _floor(seen, _kept(seen, critical), _FLOORS[variable])
    if not value:
        raise InvalidRequestError(
            f"the recording holds no process that {variable} could be learned from",
            hint="record a host with processes that are not critical",
        )
    return value


def _kept(seen: Observed, critical: str) -> npt.NDArray[np.bool_]:
    found = re2.compile(f"^({critical})").search
    named = np.array([*(found(name) is not None for name in seen.names), False], dtype=np.bool_)
    return np.asarray(named[seen.name], dtype=np.bool_)


def _pattern(name: str) -> str:
    """The name as one of several alternatives: digits stand for any, and signs that need escapes for one sign."""
    return re.sub(r"[0-9]+", "[0-9]+", re.sub(r"[^A-Za-z0-9_/:@ -]", ".", name))


def _floor(seen: Observed, critical: npt.NDArray[np.bool_], metric: str) -> str:
    if metric not in seen.metrics:
        return ""
    mine = (seen.metric == seen.metrics.index(metric)) & (seen.name >= 0) & ~critical
    values = np.sort(seen.last[mine])[::-1]
    if not len(values) or values.sum() <= 0:
        return ""
    place = int(np.searchsorted(np.cumsum(values), _SHARE * values.sum()))
    floor = float(values[min(place, len(values) - 1)])
    # Rounded down, so that the process which sets the floor passes it.
    return str(int(floor)) if metric == "process.memory.usage" else f"{np.floor(floor * 1000) / 1000:.3f}"
