"""Bytes of a data point as a JSON event: the proxy for backends that bill bytes after transformation."""

from __future__ import annotations

import json
from typing import Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import AttributeValue, Dictionaries, KeyValues, MetricHeader

__all__ = ["JsonProxy"]

_OWN_FIELDS: Final = 570
"""Bytes of what a backend adds to every event: value with type, count, sum, min, max and latest, two times,
entity id, name and type, provider, source and library. Chosen so that the process scraper's defaults with a
command line of 60 characters, host and operating system give the 1005 bytes per point of the cost reference,
section 4."""


class JsonProxy:
    """Sizes of events that repeat every resource attribute, per series id; computed once per dictionary entry."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._dictionaries = dictionaries
        self._resources: list[int] = []
        self._sets: list[int] = []
        self._headers: list[int] = []

    def sizes(self) -> npt.NDArray[np.int64]:
        """Per series id the bytes of one point."""
        known, series = self._dictionaries, self._dictionaries.series
        for number in range(len(self._resources), len(known.resources)):
            self._resources.append(_attributes(known.resources[number].attributes))
        for number in range(len(self._sets), len(known.attribute_sets)):
            self._sets.append(_attributes(known.attribute_sets[number]))
        for number in range(len(self._headers), len(known.headers)):
            self._headers.append(_header(known.headers[number]))
        resources = np.array(self._resources, dtype=np.int64)
        sets = np.array(self._sets, dtype=np.int64)
        headers = np.array(self._headers, dtype=np.int64)
        if not len(series):
            return np.zeros(0, dtype=np.int64)
        total: npt.NDArray[np.int64] = (
            _OWN_FIELDS
            + resources[np.maximum(series.resource, 0)]
            + sets[series.attributes]
            + headers[series.header]
        )
        return total


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
