"""How figures look: units, thousands separators, and a dash for what is missing. Nothing here computes."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from phoenix_nb.evidence.durations import span

__all__ = [
    "MISSING",
    "bytes_text",
    "count",
    "duration",
    "money",
    "number",
    "percent",
    "percent_range",
    "rate",
    "timestamp",
]

MISSING = "—"
"""What a missing number looks like. It is never shown as zero."""

_NBSP = "\u00a0"
_MINUS = "\u2212"
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)


def percent(fraction: float | None, digits: int = 1) -> str:
    """A fraction as a percentage: ``0.4567`` is ``45.7 %``."""
    value = _finite(fraction)
    if value is None:
        return MISSING
    text = f"{100 * value:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = f"{0:.{digits}f}"
    return _signed(text) + _NBSP + "%"


def percent_range(low: float | None, high: float | None, digits: int = 1) -> str:
    """Two fractions as one range: ``38.1 % to 44.0 %``."""
    return f"{percent(low, digits)} to {percent(high, digits)}"


def number(value: float | None, digits: int = 0) -> str:
    """A number with thousands separators: ``1234567`` is ``1,234,567``."""
    known = _finite(value)
    return MISSING if known is None else _signed(f"{known:,.{digits}f}")


def count(value: int | None, one: str, many: str = "") -> str:
    """A counted noun: ``1 process``, ``12 processes``."""
    if value is None:
        return MISSING
    return f"{value:,}{_NBSP}{one if value == 1 else (many or one + 's')}"


def bytes_text(value: float | None) -> str:
    """A size in decimal units: ``12345678`` is ``12.3 MB``."""
    known = _finite(value)
    if known is None:
        return MISSING
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(known) >= size:
            return _signed(f"{known / size:,.1f}") + _NBSP + unit
    return _signed(f"{known:,.0f}") + _NBSP + "B"


def money(value: float | None, currency: str = "USD") -> str:
    """An amount: ``1234.5`` in USD is ``$1,234.50``; cents are kept where they are all there is."""
    known = _finite(value)
    if known is None:
        return MISSING
    digits = 4 if 0 < abs(known) < 0.01 else 2
    sign = _MINUS if known < 0 and round(abs(known), digits) > 0 else ""
    amount = f"{abs(known):,.{digits}f}"
    symbol = _SYMBOLS.get(currency.upper())
    return f"{sign}{symbol}{amount}" if symbol else f"{sign}{amount}{_NBSP}{currency}"


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units: ``7500`` is ``2 h 5 min``."""
    known = _finite(seconds)
    return MISSING if known is None else span(known, space=_NBSP)


def timestamp(value: datetime | None) -> str:
    """A point in time in UTC: ``2026-01-31 12:00:05 UTC``."""
    return MISSING if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def rate(value: float | None, unit: str) -> str:
    """A number with its unit, three significant digits: ``0.0123 %/h``."""
    known = _finite(value)
    return MISSING if known is None else _signed(f"{known:,.3g}") + _NBSP + unit
