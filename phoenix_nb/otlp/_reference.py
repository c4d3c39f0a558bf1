"""The one time that stands for a payload."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp._frames import Frames

__all__ = ["reference_times"]


def reference_times(frames: Frames) -> npt.NDArray[np.int64]:
    """Per payload the median time of its points, Unix nanoseconds; its arrival when none has a time, else 0.

    Processes of one scrape carry times of their own, and one of them may be wrong: the median stands for the
    scrape.
    """
    reference = frames.arrival.astype(np.int64)
    reference[np.bincount(frames.p_payload, minlength=frames.n_payloads) == 0] = 0
    times = frames.p_time
    if not len(times):
        return reference
    order = np.lexsort((times, frames.p_payload))
    times, payload = times[order], frames.p_payload[order]
    known = times > 0
    times, payload = times[known], payload[known]
    edges = np.searchsorted(payload, np.arange(frames.n_payloads + 1))
    filled = edges[1:] > edges[:-1]
    middle = (edges[:-1] + edges[1:] - 1) // 2
    reference[filled] = times[middle[filled]].astype(np.int64)
    return reference
