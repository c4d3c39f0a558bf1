"""Figures and names as people read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from phoenix_nb.interfaces.evidence import MissedUnit
from phoenix_nb.interfaces.plan import GuardrailKind, SuccessMetric

__all__ = ["GUARDED", "METRICS", "count", "finite", "lost_sight", "percent", "several"]

METRICS: Final = {
    SuccessMetric.DATA_POINTS: "data points",
    SuccessMetric.SERIES: "series",
    SuccessMetric.BYTES: "bytes",
}
"""What a saving is measured in."""

GUARDED: Final = {
    GuardrailKind.LATENCY_P99: "99th percentile of latency",
    GuardrailKind.LATENCY_ABOVE: "share of slow payloads",
    GuardrailKind.CPU_SECONDS: "CPU time",
}
"""What a guardrail looks at."""

_MOST_DIGITS = 6

_NAMED = 3
"""Names that are written out before the rest is only counted."""


def percent(fraction: float, against: float | None = None) -> str:
    """A fraction as percent with as many digits as it needs: ``40 %``, ``51.8 %``, ``0.05 %``.

    Args:
        fraction: the figure.
        against: a bound in the same sentence; a figure that differs from it never reads like it.
    """
    value = 100.0 * fraction
    size = abs(value)
    digits = 3 if 0.0 < size < 0.1 else 2 if 0.0 < size < 1.0 else 1
    text = _digits(value, digits)
    if against is not None and against != fraction:
        while text == _digits(100.0 * against, digits) and digits < _MOST_DIGITS:
            digits += 1
            text = _digits(value, digits)
    return f"{text} %"


def _digits(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 interval``, ``3 intervals``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def several(names: Sequence[str]) -> str:
    """Names as a list in words; the rest beyond three is counted."""
    shown = list(names[:_NAMED])
    rest = len(names) - len(shown)
    if rest:
        shown.append(f"{rest:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def finite(value: float) -> float | None:
    """The value, or ``None`` when it is infinite or not a number."""
    return value if math.isfinite(value) else None


def lost_sight(units: Sequence[MissedUnit], keys: Sequence[str]) -> str:
    """Who was missed, in words: from the coverage report when it names them, else from the keys of the units."""
    if units:
        known = [f"{unit.name} (pid {unit.pid})" if unit.pid is not None else unit.name for unit in units]
        return several(list(dict.fromkeys(known)))
    return several([_from_key(key) for key in keys])


def _from_key(key: str) -> str:
    # host/name/pid@start, without the parts that are not known.
    parts = key.rpartition("@")[0].split("/") if "@" in key else [key]
    if parts[-1].isdigit() and len(parts) > 1:
        return f"{parts[-2]} (pid {parts[-1]})"
    return parts[-1] or key
