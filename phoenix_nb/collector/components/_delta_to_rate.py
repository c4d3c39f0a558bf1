"""deltatorate: turns delta sums into gauges of what happened per second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from phoenix_nb.collector.components._base import (
    ComponentKind,
    ComponentType,
    Flow,
    Setup,
    Stage,
    Stateless,
)
from phoenix_nb.collector.components._rewrite import IdMap, exchange
from phoenix_nb.collector.config import TEXT, Items, Settings, setting
from phoenix_nb.otlp import MetricHeader, MetricType, PointKind, Temporality

__all__ = ["DELTA_TO_RATE", "DeltaToRateSettings"]


@dataclass(frozen=True)
class DeltaToRateSettings(Settings):
    """Settings of the deltatorate processor."""

    go_type: ClassVar[str] = "deltatorateprocessor.Config"
    metrics: tuple[str, ...] = setting((), Items(TEXT))
    """Names of the delta sums to convert."""

    def problems(self) -> Iterator[str]:
        """As the collector's ``Validate``."""
        if not self.metrics:
            yield "metric names are missing"


class _DeltaToRate(Stateless):
    def __init__(self, names: frozenset[str], setup: Setup) -> None:
        self._names = names
        self._headers = IdMap(setup.dictionaries.headers, self._rate_header)

    def _converts(self, header: MetricHeader) -> bool:
        delta = header.type == MetricType.SUM and header.temporality == Temporality.DELTA
        return delta and header.name in self._names

    def _rate_header(self, header: MetricHeader) -> MetricHeader:
        if not self._converts(header):
            return header
        return replace(
            header,
            type=MetricType.GAUGE,
            temporality=Temporality.UNSPECIFIED,
            monotonic=False,
            unit=f"{header.unit}/s" if header.unit else "",
        )

    def process(self, flow: Flow) -> Flow:
        base = flow.frames.selection[0]
        chosen = base.dictionaries.headers.map(self._converts, np.bool_)[base.m_header].astype(np.bool_)
        if not chosen.any():
            return flow
        rows = np.flatnonzero(chosen[base.p_metric])
        kind, time = base.p_kind[rows], base.p_time[rows]
        # The window is a signed number in the collector: it may come out negative, and then the rate is 0.
        window = (time - base.p_start[rows]).view(np.int64)
        seconds = (window // 1_000_000_000) + (window % 1_000_000_000) / 1e9
        values = np.where(kind == PointKind.INT, base.p_int[rows].astype(np.float64), base.p_double[rows])
        rate = np.zeros(len(rows))
        with np.errstate(over="ignore", invalid="ignore"):
            np.divide(values, seconds, out=rate, where=window > 0)
        doubles, ints, kinds = base.p_double.copy(), base.p_int.copy(), base.p_kind.copy()
        doubles[rows], ints[rows], kinds[rows] = rate, 0, PointKind.DOUBLE
        made = exchange(
            flow.frames,
            m_header=self._headers(base.m_header),
            p_double=doubles,
            p_int=ints,
            p_kind=kinds,
        )
        changed = flow.to(made)
        broken = kind == PointKind.NONE
        alive = flow.frames.selection[4]
        if alive is not None:
            broken &= alive[rows]
        payloads = np.unique(base.p_payload[rows[broken]]).tolist()
        return changed.refuse(dict.fromkeys(payloads, "Permanent error: invalid data point type:0"))


def _build(settings: DeltaToRateSettings, setup: Setup) -> Stage:
    return _DeltaToRate(frozenset(settings.metrics), setup)


DELTA_TO_RATE: Final = ComponentType(
    ComponentKind.PROCESSOR, "deltatorate", DeltaToRateSettings, ("delta_to_rate",), build=_build
)
"""The deltatorate processor."""
