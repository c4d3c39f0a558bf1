"""How what two configurations send differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import (
    Dictionaries,
    Frames,
    KeyValues,
    attribute_text,
    measure,
    redact_command_line,
    series_keys,
)

__all__ = ["OutputDifference", "OutputTotals", "output_difference", "output_totals", "series_text"]

Ids = npt.NDArray[np.int64]

_SECRETIVE: Final = ("process.command_line", "process.command_args", "process.command")
"""Attributes that may hold passwords; what people read does not show them."""


@dataclass(frozen=True, slots=True)
class OutputTotals:
    """What was sent."""

    payloads: int
    """Payloads of which something is left."""
    points: int
    """Data points."""
    series: int
    """Distinct series over all payloads."""
    bytes: int
    """Uncompressed OTLP protobuf bytes."""


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """Two outputs of the same payloads."""

    first: OutputTotals
    """What the first configuration sends."""
    second: OutputTotals
    """What the second one sends."""
    common_series: int
    """Distinct series in both."""
    only_first: tuple[str, ...]
    """Series that only the first one sends, as text, sorted."""
    only_second: tuple[str, ...]
    """Series that only the second one sends, as text, sorted."""
    equal_points: bool
    """Whether both send the same points: series, kinds, times and values, in any order."""


def output_totals(parts: Sequence[Frames]) -> OutputTotals:
    """Totals over several chunks of one output."""
    payloads = points = size = 0
    for frames in parts:
        measured = measure(frames)
        payloads += int(np.count_nonzero(measured.bytes))
        points += int(measured.points.sum())
        size += int(measured.bytes.sum())
    return OutputTotals(payloads, points, len(_keys(parts)), size)


def output_difference(
    dictionaries: Dictionaries, first: Sequence[Frames], second: Sequence[Frames]
) -> OutputDifference:
    """Compare two outputs.

    Args:
        dictionaries: shared by all frames.
        first: chunks of the first output.
        second: chunks of the second output.
    """
    ours, theirs = _keys(first), _keys(second)
    return OutputDifference(
        first=output_totals(first),
        second=output_totals(second),
        common_series=len(np.intersect1d(ours, theirs)),
        only_first=_texts(dictionaries, np.setdiff1d(ours, theirs)),
        only_second=_texts(dictionaries, np.setdiff1d(theirs, ours)),
        equal_points=np.array_equal(_points(first), _points(second)),
    )


def series_text(dictionaries: Dictionaries, key: int) -> str:
    """A series as people read it: the metric's name, its attributes, and those of the resource after a bar.

    Example:
        ``process.cpu.time{state=user} | process.executable.name=postgres, process.pid=7``
    """
    parts = dictionaries.series.key_parts(np.array([key]))
    name = dictionaries.headers[int(parts.header[0])].name
    points = _pairs(dictionaries.attribute_sets[int(parts.attributes[0])])
    resource = _pairs(dictionaries.resources[int(parts.resource[0])].attributes)
    return f"{name}{{{points}}}" + (f" | {resource}" if resource else "")


def _pairs(attributes: KeyValues) -> str:
    items = sorted((key, attribute_text(value)) for key, value in attributes.items())
    return ", ".join(
        f"{key}={redact_command_line(text) if key in _SECRETIVE else text}" for key, text in items
    )


def _keys(parts: Sequence[Frames]) -> Ids:
    found = [series_keys(frames) for frames in parts]
    return np.unique(np.concatenate(found)).astype(np.int64) if found else np.zeros(0, dtype=np.int64)


def _texts(dictionaries: Dictionaries, keys: Ids) -> tuple[str, ...]:
    return tuple(sorted(series_text(dictionaries, key) for key in keys.tolist()))


def _points(parts: Sequence[Frames]) -> npt.NDArray[np.void]:
    """Every point as one sortable row; values by their bits, so that -0.0 and NaN are themselves."""
    kinds = [
        ("key", np.int32),
        ("time", np.uint64),
        ("start", np.uint64),
        ("kind", np.uint8),
        ("flags", np.uint32),
        ("whole", np.int64),
        ("bits", np.uint64),
    ]
    rows = []
    for frames in parts:
        row = np.zeros(frames.n_points, dtype=kinds)
        row["key"], row["time"], row["start"] = frames.p_series_key, frames.p_time, frames.p_start
        row["kind"], row["flags"], row["whole"] = frames.p_kind, frames.p_flags, frames.p_int
        row["bits"] = np.ascontiguousarray(frames.p_double).view(np.uint64)
        for at in np.flatnonzero(frames.p_side >= 0).tolist():
            # Histograms and summaries by what they hold, exemplars included.
            row["whole"][at] = hash(frames.side[int(frames.p_side[at])])
        rows.append(row)
    made = np.concatenate(rows) if rows else np.zeros(0, dtype=kinds)
    return np.sort(made)
