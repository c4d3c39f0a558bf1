"""Bytes of a data point as a JSON event: the proxy for backends that bill bytes after transformation."""

from __future__ import annotations

import json
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import AttributeValue, Dictionaries, Dictionary, Frames, KeyValues, MetricHeader

__all__ = ["JsonProxy"]

T = TypeVar("T")

_OWN_FIELDS: Final = 570
"""Bytes of what a backend adds to every event: value with type, count, sum, min, max and latest, two times,
entity id, name and type, provider, source and library. Chosen so that the process scraper's defaults with a
command line of 60 characters, host and operating system give the 1005 bytes per point of the cost reference,
section 4."""


class JsonProxy:
    """Sizes of events that repeat every resource attribute; computed once per dictionary entry."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._dictionaries = dictionaries
        self._resources = np.zeros(0, dtype=np.int64)
        self._sets = np.zeros(0, dtype=np.int64)
        self._headers = np.zeros(0, dtype=np.int64)

    def sizes(self) -> npt.NDArray[np.int64]:
        """Per series id the bytes of one point."""
        self._grow()
        series = self._dictionaries.series
        if not len(series):
            return np.zeros(0, dtype=np.int64)
        return self._total(series.resource, series.attributes, series.header)

    def of_points(self, frames: Frames) -> npt.NDArray[np.int64]:
        """Per point its bytes."""
        self._grow()
        if not frames.n_points:
            return np.zeros(0, dtype=np.int64)
        return self._total(frames.p_resource, frames.p_attributes, frames.p_header)

    def _total(
        self,
        resource: npt.NDArray[np.int32],
        attributes: npt.NDArray[np.int32],
        header: npt.NDArray[np.int32],
    ) -> npt.NDArray[np.int64]:
        total: npt.NDArray[np.int64] = (
            _OWN_FIELDS
            + self._resources[np.maximum(resource, 0)]
            + self._sets[attributes]
            + self._headers[header]
        )
        return total

    def _grow(self) -> None:
        known = self._dictionaries
        self._resources = _longer(
            self._resources, [_attributes(one.attributes) for one in _fresh(known.resources, self._resources)]
        )
        self._sets = _longer(
            self._sets, [_attributes(one) for one in _fresh(known.attribute_sets, self._sets)]
        )
        self._headers = _longer(self._headers, [_header(one) for one in _fresh(known.headers, self._headers)])


def _fresh(entries: Dictionary[T], sizes: npt.NDArray[np.int64]) -> list[T]:
    return [entries[number] for number in range(len(sizes), len(entries))]


def _longer(sizes: npt.NDArray[np.int64], more: list[int]) -> npt.NDArray[np.int64]:
    return np.concatenate([sizes, np.array(more, dtype=np.int64)]) if more else sizes


def _attributes(values: KeyValues) -> int:
    return sum(_text(key) + 2 + _value(value) for key, value in values.items())


def _header(header: MetricHeader) -> int:
    return sum(
        _text(key) + 2 + _text(text) for key, text in (("metricName", header.name), ("unit", header.unit))
    )


def _text(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _value(value: AttributeValue) -> int:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return 4 if value else 5
    if value is None:
        return 4
    if isinstance(value, bytes):
        return 2 + 4 * ((len(value) + 2) // 3)
    if isinstance(value, tuple):
        return 2 + sum(_value(part) + 1 for part in value)
    if isinstance(value, KeyValues):
        return 2 + _attributes(value)
    return len(repr(value))
