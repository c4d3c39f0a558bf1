"""Making payloads: row by row for tests and small sources, by whole columns for scrapes of many processes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp._attributes import Attributes
from phoenix_nb.otlp._dictionary import Dictionaries
from phoenix_nb.otlp._frames import COLUMNS, Frames
from phoenix_nb.otlp._model import (
    ExponentialHistogramValue,
    HistogramValue,
    MetricHeader,
    PointKind,
    Resource,
    Scope,
    SidePoint,
    SideValue,
    SummaryValue,
)

__all__ = ["FramesBuilder", "ScrapeTemplate"]

_KINDS: dict[type, PointKind] = {
    HistogramValue: PointKind.HISTOGRAM,
    ExponentialHistogramValue: PointKind.EXPONENTIAL_HISTOGRAM,
    SummaryValue: PointKind.SUMMARY,
}


class FramesBuilder:
    """Builds payloads in the order of the calls: ``begin_payload``, ``begin_resource``, ``begin_scope``, …."""

    def __init__(self, dictionaries: Dictionaries) -> None:
        self._dictionaries = dictionaries
        self._arrival: list[int] = []
        self._columns: dict[str, list[int | float]] = {name: [] for name in COLUMNS}
        self._side: list[SidePoint] = []

    def begin_payload(self, arrival: int = 0) -> FramesBuilder:
        """Start a payload that arrived at ``arrival`` (Unix nanoseconds)."""
        self._arrival.append(arrival)
        return self

    def begin_resource(self, resource: Resource | None = None, schema_url: str = "") -> FramesBuilder:
        """Start a resource block; ``None`` leaves the resource out, which OTLP allows."""
        number = -1 if resource is None else self._dictionaries.resources.intern(resource)
        self._row(
            ("rm_payload", self._parent("payload", len(self._arrival))),
            ("rm_resource", number),
            ("rm_schema", self._dictionaries.schema_urls.intern(schema_url)),
        )
        return self

    def begin_scope(self, scope: Scope | None = None, schema_url: str = "") -> FramesBuilder:
        """Start a scope block; ``None`` leaves the scope out."""
        number = -1 if scope is None else self._dictionaries.scopes.intern(scope)
        self._row(
            ("sm_rm", self._parent("resource", len(self._columns["rm_payload"]))),
            ("sm_scope", number),
            ("sm_schema", self._dictionaries.schema_urls.intern(schema_url)),
        )
        return self

    def begin_metric(self, header: MetricHeader) -> FramesBuilder:
        """Start a metric."""
        parent = self._parent("scope", len(self._columns["sm_rm"]))
        self._row(("m_sm", parent), ("m_header", self._dictionaries.headers.intern(header)))
        return self

    def number_point(
        self,
        attributes: Attributes,
        start: int,
        time: int,
        value: float | None,
        *,
        flags: int = 0,
        exemplars: tuple[bytes, ...] = (),
    ) -> FramesBuilder:
        """Add a point of a gauge or sum: an ``int`` stays an integer point, a ``float`` a double point.

        ``None`` makes a point without a value. Times are Unix nanoseconds, 0 = not given.
        """
        kind, as_int, as_double = PointKind.NONE, 0, 0.0
        if isinstance(value, bool):
            raise InvalidRequestError("a point value must be int, float or None, not bool")
        if isinstance(value, int):
            kind, as_int = PointKind.INT, value
        elif value is not None:
            kind, as_double = PointKind.DOUBLE, float(value)
        side = SidePoint(None, exemplars) if exemplars else None
        self._point(attributes, start, time, kind, as_int, as_double, flags, side)
        return self

    def value_point(
        self,
        attributes: Attributes,
        start: int,
        time: int,
        value: SideValue,
        *,
        flags: int = 0,
        exemplars: tuple[bytes, ...] = (),
    ) -> FramesBuilder:
        """Add a histogram, exponential histogram or summary point; the metric's type must fit."""
        self._point(attributes, start, time, _KINDS[type(value)], 0, 0.0, flags, SidePoint(value, exemplars))
        return self

    def _point(
        self,
        attributes: Attributes,
        start: int,
        time: int,
        kind: PointKind,
        as_int: int,
        as_double: float,
        flags: int,
        side: SidePoint | None,
    ) -> None:
        self._row(
            ("p_metric", self._parent("metric", len(self._columns["m_sm"]))),
            ("p_attributes", self._dictionaries.attribute_sets.intern(attributes)),
            ("p_start", start),
            ("p_time", time),
            ("p_kind", kind),
            ("p_int", as_int),
            ("p_double", as_double),
            ("p_flags", flags),
            ("p_side", -1 if side is None else len(self._side)),
        )
        if side is not None:
            self._side.append(side)

    def finish(self) -> Frames:
        """The frames of everything so far; the builder is empty afterwards."""
        try:
            columns = {name: np.array(self._columns[name], dtype=dtype) for name, dtype in COLUMNS.items()}
            arrival = np.array(self._arrival, dtype=np.uint64)
        except (OverflowError, TypeError) as exc:
            raise InvalidRequestError(f"a number does not fit into its column: {exc}") from exc
        side = tuple(self._side)
        self._arrival, self._side = [], []
        self._columns = {name: [] for name in COLUMNS}
        return Frames(self._dictionaries, arrival, columns, side)

    def _row(self, *cells: tuple[str, int | float]) -> None:
        for name, value in cells:
            self._columns[name].append(value)

    @staticmethod
    def _parent(what: str, count: int) -> int:
        if not count:
            raise InvalidRequestError(f"begin_{what} must come first")
        return count - 1


class ScrapeTemplate:
    """Scrapes in which every resource emits the same points, built by whole columns.

    Args:
        dictionaries: shared by all frames of the run.
        points: per emitted point its header, its attributes and its kind (``INT`` or ``DOUBLE``); neighbours
        with
            the same header form one metric.
        scope: the scope of every block.
        schema_url: the schema URL of the resource blocks.
        scope_schema_url: the schema URL of the scope blocks.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        points: Sequence[tuple[MetricHeader, Attributes, PointKind]],
        *,
        scope: Scope | None = None,
        schema_url: str = "",
        scope_schema_url: str = "",
    ) -> None:
        self._dictionaries = dictionaries
        self._scope = -1 if scope is None else dictionaries.scopes.intern(scope)
        self._schema = dictionaries.schema_urls.intern(schema_url)
        self._scope_schema = dictionaries.schema_urls.intern(scope_schema_url)
        self._attributes = np.array(
            [dictionaries.attribute_sets.intern(a) for _, a, _ in points], dtype=np.int32
        )
        self._kinds = np.array([kind for _, _, kind in points], dtype=np.uint8)
        if not np.isin(self._kinds, (PointKind.INT, PointKind.DOUBLE)).all():
            raise InvalidRequestError("a scrape template holds INT and DOUBLE points only")
        headers: list[int] = []
        metric_of: list[int] = []
        for header, group in groupby(points, key=lambda point: point[0]):
            metric_of.extend([len(headers)] * len(list(group)))
            headers.append(dictionaries.headers.intern(header))
        self._headers = np.array(headers, dtype=np.int32)
        self._metric_of = np.array(metric_of, dtype=np.int32)

    def build(
        self,
        *,
        arrival: npt.ArrayLike,
        rm_payload: npt.ArrayLike,
        resource: npt.ArrayLike,
        start: npt.ArrayLike,
        time: npt.ArrayLike,
        values: npt.ArrayLike | None = None,
        ints: npt.ArrayLike | None = None,
        doubles: npt.ArrayLike | None = None,
        present: npt.ArrayLike | None = None,
    ) -> Frames:
        """Frames of P payloads with R resource blocks of K points each.

        Args:
            arrival: per payload, Unix nanoseconds, shape (P,).
            rm_payload: per resource block its payload, not decreasing, shape (R,).
            resource: per resource block its id in ``dictionaries.resources``, shape (R,).
            start: start times in Unix nanoseconds, shape (R,), (R, 1) or (R, K).
            time: times in Unix nanoseconds, same shapes.
            values: all values as float64, shape (R, K); integer points are truncated. Exact below 2^53.
            ints: integer values, shape (R, K); wins over ``values`` for INT points.
            doubles: double values, shape (R, K); wins over ``values`` for DOUBLE points.
            present: which points exist, shape (R, K); metrics and blocks left empty vanish. All when omitted.
        """
        blocks = np.asarray(resource, dtype=np.int32)
        rows, width, metrics = len(blocks), len(self._kinds), len(self._headers)
        shape = (rows, width)
        as_int = np.zeros(shape, dtype=np.int64)
        as_double = np.zeros(shape, dtype=np.float64)
        of_int = self._kinds == PointKind.INT
        int_from = ints if ints is not None else values
        double_from = doubles if doubles is not None else values
        if of_int.any():
            if int_from is None:
                raise InvalidRequestError("the template has INT points but no ints were given")
            as_int[:, of_int] = np.asarray(int_from)[:, of_int]
        if not of_int.all():
            if double_from is None:
                raise InvalidRequestError("the template has DOUBLE points but no doubles were given")
            as_double[:, ~of_int] = np.asarray(double_from)[:, ~of_int]
        block = np.arange(rows, dtype=np.int32)
        metric = block[:, None] * np.int32(metrics) + self._metric_of
        frames = Frames(
            self._dictionaries,
            np.asarray(arrival, dtype=np.uint64),
            {
                "rm_payload": rm_payload,
                "rm_resource": blocks,
                "rm_schema": np.full(rows, self._schema, dtype=np.int32),
                "sm_rm": block,
                "sm_scope": np.full(rows, self._scope, dtype=np.int32),
                "sm_schema": np.full(rows, self._scope_schema, dtype=np.int32),
                "m_sm": np.repeat(block, metrics),
                "m_header": np.tile(self._headers, rows),
                "p_metric": metric.ravel(),
                "p_attributes": np.tile(self._attributes, rows),
                "p_start": _spread(start, shape),
                "p_time": _spread(time, shape),
                "p_kind": np.tile(self._kinds, rows),
                "p_int": as_int.ravel(),
                "p_double": as_double.ravel(),
                "p_flags": np.zeros(rows * width, dtype=np.uint32),
                "p_side": np.full(rows * width, -1, dtype=np.int32),
            },
        )
        if present is None:
            return frames
        mask = np.asarray(present, dtype=np.bool_)
        return frames.where(points=np.broadcast_to(mask, shape).ravel()).compact()


def _spread(values: npt.ArrayLike, shape: tuple[int, int]) -> npt.NDArray[np.uint64]:
    given = np.asarray(values, dtype=np.uint64)
    if given.ndim == 1 and len(given) == shape[0]:
        given = given[:, None]
    return np.broadcast_to(given, shape).ravel()
