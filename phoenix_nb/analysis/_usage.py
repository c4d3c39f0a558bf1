"""Usage of one stream in every unit that price models bill."""

from __future__ import annotations

import numpy as np

from phoenix_nb.analysis._activity import ActivityCounter
from phoenix_nb.analysis._json_proxy import JsonProxy
from phoenix_nb.analysis._ledger import Ledger
from phoenix_nb.analysis._load import ArmLoad
from phoenix_nb.interfaces.cost import MetricUsage, Usage
from phoenix_nb.otlp import Dictionaries, MetricType

__all__ = ["arm_usage"]

_DISTRIBUTIONS = (MetricType.HISTOGRAM, MetricType.EXPONENTIAL_HISTOGRAM, MetricType.SUMMARY)


def arm_usage(
    ledger: Ledger,
    activity: ActivityCounter | None,
    dictionaries: Dictionaries,
    proxy: JsonProxy,
    *,
    window_seconds: float,
    period_seconds: float,
    interval_seconds: float,
    intervals: int,
    load: ArmLoad,
) -> Usage:
    """Put together what a ledger and an activity counter hold."""
    points = ledger.padded()[: len(dictionaries.series)]
    sizes = proxy.sizes()
    json_bytes = points * sizes
    return Usage(
        window_seconds=window_seconds,
        period_seconds=period_seconds,
        interval_seconds=interval_seconds,
        intervals=intervals,
        points=int(points.sum()),
        otlp_bytes=ledger.total_bytes,
        json_bytes=int(json_bytes.sum()),
        series=int(np.count_nonzero(ledger.keys())),
        activity=activity.activity() if activity is not None else (),
        p95_points_per_minute=activity.p95_points_per_minute() if activity is not None else None,
        metrics=_by_metric(ledger, dictionaries, json_bytes),
        cpu_seconds=load.cpu_seconds,
        rss_bytes=load.mean_rss_bytes,
    )


def _by_metric(ledger: Ledger, dictionaries: Dictionaries, json_bytes: np.ndarray) -> tuple[MetricUsage, ...]:
    series, headers = dictionaries.series, dictionaries.headers
    points = ledger.padded()[: len(series)]
    used = np.flatnonzero(points)
    # The first header with a name stands for it: units and descriptions may differ in one stream.
    name = headers.canonical[series.header[used]]
    keys = np.unique(np.stack([name, series.key[used]]), axis=1)[0] if len(used) else name
    rows = []
    for number in dict.fromkeys(name.tolist()):
        mine = used[name == number]
        rows.append(
            MetricUsage(
                name=headers[number].name,
                distribution=headers[number].type in _DISTRIBUTIONS,
                points=int(points[mine].sum()),
                series=int(np.count_nonzero(keys == number)),
                json_bytes=int(json_bytes[mine].sum()),
            )
        )
    return tuple(rows)
