"""Metric and label names as the Prometheus exporters make them."""

from __future__ import annotations

import re
from typing import Final

from phoenix_nb.otlp import MetricHeader, MetricType, Temporality

__all__ = ["label_name", "metric_name"]

_UNITS: Final = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER: Final = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "mo": "month",
    "y": "year",
}
_TOKEN: Final = re.compile(r"[A-Za-z0-9:]+")
_BAD_UNIT: Final = re.compile(r"[^A-Za-z0-9:]+")
_BAD_LABEL: Final = re.compile(r"[^A-Za-z0-9_]")


def label_name(key: str) -> str:
    """An attribute's key as a label name; empty when none can be made of it."""
    name = _BAD_LABEL.sub("_", key)
    if name[:1].isdecimal():
        name = f"key_{name}"
    return name if name.strip("_") else ""


def metric_name(header: MetricHeader, *, namespace: str = "", suffixes: bool = True) -> str:
    """A metric's name with its unit and type as suffixes; empty when none can be made of it.

    Args:
        header: the metric.
        namespace: what stands before the name.
        suffixes: whether unit and type are added.
    """
    if not suffixes:
        name = "_".join(part for part in re.split(r"[^A-Za-z0-9:_]+", header.name) if part)
        if namespace:
            return f"{namespace}_{name}"
        return f"_{name}" if name[:1].isdecimal() else name
    tokens = _TOKEN.findall(header.name)
    main, per = _unit_suffixes(header.unit)
    if main and main not in tokens:
        tokens.append(main)
    if per and per not in tokens:
        tokens.append(per)
    counter = header.type is MetricType.SUM and header.monotonic
    if counter and header.temporality is not Temporality.UNSPECIFIED:
        tokens = [*(part for part in tokens if part != "total"), "total"]
    if header.unit == "1" and header.type is MetricType.GAUGE:
        tokens = [*(part for part in tokens if part != "ratio"), "ratio"]
    name = "_".join([namespace, *tokens] if namespace else tokens)
    return f"_{name}" if name[:1].isdecimal() else name


def _unit_suffixes(unit: str) -> tuple[str, str]:
    main, slash, per = unit.partition("/")
    main, per = main.strip(), per.strip()
    if set("{}") & set(main):
        main = ""
    if not slash or set("{}") & set(per):
        per = ""
    made = _clean(f"per_{_PER.get(per, per)}") if per else ""
    return _clean(_UNITS.get(main, main)), "" if made == "per_" else made.removesuffix("_")


def _clean(unit: str) -> str:
    return _BAD_UNIT.sub("_", unit).removeprefix("_")
