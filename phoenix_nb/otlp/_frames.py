"""Frames: any number of payloads as columns in their original order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.otlp._dictionary import Dictionaries
from phoenix_nb.otlp._model import SidePoint

__all__ = ["COLUMNS", "LEVEL_COLUMNS", "Frames"]

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int32]
Array = npt.NDArray[Any]

COLUMNS: Final[dict[str, type[np.generic]]] = {
    "rm_payload": np.int32,
    "rm_resource": np.int32,
    "rm_schema": np.int32,
    "sm_rm": np.int32,
    "sm_scope": np.int32,
    "sm_schema": np.int32,
    "m_sm": np.int32,
    "m_header": np.int32,
    "p_metric": np.int32,
    "p_attributes": np.int32,
    "p_start": np.uint64,
    "p_time": np.uint64,
    "p_kind": np.uint8,
    "p_int": np.int64,
    "p_double": np.float64,
    "p_flags": np.uint32,
    "p_side": np.int32,
}
"""Every column and its type."""

_LEVELS: Final = ("rm", "sm", "m", "p")
LEVEL_COLUMNS: Final = {
    level: tuple(name for name in COLUMNS if name.startswith(f"{level}_")) for level in _LEVELS
}
"""The columns of each level."""
_FEW_OF: Final = 16
"""From so many times as many series as points on, sorting the points is quicker than a look at every series."""
_PARENT: Final = {"sm": ("sm_rm", "rm"), "m": ("m_sm", "sm"), "p": ("p_metric", "m")}
_PARENT_COLUMNS: Final = {"sm_rm": "rm", "m_sm": "sm", "p_metric": "m"}


@dataclass(frozen=True, slots=True)
class _Kept:
    """Which rows of a base survive; ``None`` means all of that level."""

    rm: Mask | None = None
    sm: Mask | None = None
    m: Mask | None = None
    p: Mask | None = None

    def of(self, level: str) -> Mask | None:
        kept: Mask | None = getattr(self, level)
        return kept


class Frames:
    """Payloads as columns; a row keeps its original place and its parent, so that nothing is lost.

    Levels, each in payload order: ``rm_`` resource blocks, ``sm_`` scope blocks, ``m_`` metrics, ``p_``
    points. A row names its parent row (``rm_payload``, ``sm_rm``, ``m_sm``, ``p_metric``), and these columns
    never decrease. ``p_int`` is 0 where the point is not an int and ``p_double`` is 0.0 where it is not a
    double; ``p_kind`` tells. ``p_side`` is -1 or a row of :attr:`side` (histograms, summaries, exemplars).

    Frames never change. :meth:`where` is lazy: it remembers masks, counts come from the masks, and a column
    is copied only when it is asked for.

    Args:
        dictionaries: shared by all frames of a run; ids mean something only together with it.
        arrival: when each payload arrived, Unix nanoseconds, dtype uint64.
        columns: every name of ``COLUMNS``.
        side: the side table that ``p_side`` points into.
    """

    __slots__ = ("_base", "_cache", "_columns", "_kept", "arrival", "dictionaries", "side")

    def __init__(
        self,
        dictionaries: Dictionaries,
        arrival: npt.ArrayLike,
        columns: dict[str, Any] | None = None,
        side: Sequence[SidePoint] = (),
    ) -> None:
        self.dictionaries = dictionaries
        self.arrival: npt.NDArray[np.uint64] = np.asarray(arrival, dtype=np.uint64)
        self.side = side
        given = columns or {}
        unknown = set(given) - set(COLUMNS)
        if unknown:
            raise InvalidRequestError(f"frames have no column {min(unknown)!r}")
        self._columns: dict[str, Array] = {
            name: np.asarray(given.get(name, ()), dtype=dtype) for name, dtype in COLUMNS.items()
        }
        for level in _LEVELS:
            sizes = {len(self._columns[name]) for name in LEVEL_COLUMNS[level]}
            if len(sizes) != 1:
                raise InvalidRequestError(f"the {level}_ columns of frames differ in length")
        self._cache: dict[str, Any] = {}
        self._base: Frames | None = None
        self._kept = _Kept()

    # -- columns ---------------------------------------------------------------------------------------------

    @staticmethod
    def _select(base: Frames, kept: _Kept) -> Frames:
        """A selection of ``base``."""
        made: Frames = object.__new__(Frames)
        made.dictionaries = base.dictionaries
        made.arrival = base.arrival
        made.side = base.side
        made._columns = {}
        made._cache = {}
        made._base = base
        made._kept = kept
        return made

    def column(self, name: str) -> Array:
        """A column by name, materialised when the frames are a lazy selection."""
        found = self._columns.get(name)
        if found is not None:
            return found
        base = self._base
        if base is None:
            raise InvalidRequestError(f"frames have no column {name!r}")
        level = name.split("_", 1)[0]
        values = self._kept_rows(base.column(name), level)
        parent = _PARENT_COLUMNS.get(name)
        if parent is not None:
            parent_kept = self._kept.of(parent)
            if parent_kept is not None:
                values = self._renumber(parent, parent_kept).take(values)
        self._columns[name] = values
        return values

    def _kept_rows(self, values: Array, level: str) -> Array:
        """Values of the base's rows as those of this selection's rows."""
        kept = self._kept.of(level)
        if kept is None:
            return values
        key = f"places_{level}"
        places = self._cache.get(key)
        if places is None:
            places = self._cache[key] = np.flatnonzero(kept)
        # Taking by number is three times as fast as by mask, and the numbers serve every column of the level.
        taken: Array = values.take(places)
        return taken

    def _renumber(self, level: str, kept: Mask) -> Ids:
        key = f"renumber_{level}"
        found: Ids | None = self._cache.get(key)
        if found is None:
            found = self._cache[key] = np.cumsum(kept, dtype=np.int32) - np.int32(1)
        return found

    @property
    def rm_payload(self) -> Ids:
        """Per resource block its payload."""
        return self.column("rm_payload")

    @property
    def rm_resource(self) -> Ids:
        """Per resource block its resource id; -1 when the sender gave none."""
        return self.column("rm_resource")

    @property
    def rm_schema(self) -> Ids:
        """Per resource block its schema URL id (0 = empty)."""
        return self.column("rm_schema")

    @property
    def sm_rm(self) -> Ids:
        """Per scope block its resource block."""
        return self.column("sm_rm")

    @property
    def sm_scope(self) -> Ids:
        """Per scope block its scope id; -1 when the sender gave none."""
        return self.column("sm_scope")

    @property
    def sm_schema(self) -> Ids:
        """Per scope block its schema URL id (0 = empty)."""
        return self.column("sm_schema")

    @property
    def m_sm(self) -> Ids:
        """Per metric its scope block."""
        return self.column("m_sm")

    @property
    def m_header(self) -> Ids:
        """Per metric its header id."""
        return self.column("m_header")

    @property
    def p_metric(self) -> Ids:
        """Per point its metric row."""
        return self.column("p_metric")

    @property
    def p_attributes(self) -> Ids:
        """Per point its attribute set id (0 = empty)."""
        return self.column("p_attributes")

    @property
    def p_start(self) -> npt.NDArray[np.uint64]:
        """Per point the start time, Unix nanoseconds; 0 = not given."""
        return self.column("p_start")

    @property
    def p_time(self) -> npt.NDArray[np.uint64]:
        """Per point the time, Unix nanoseconds; 0 = not given."""
        return self.column("p_time")

    @property
    def p_kind(self) -> npt.NDArray[np.uint8]:
        """Per point its :class:`PointKind`."""
        return self.column("p_kind")

    @property
    def p_int(self) -> npt.NDArray[np.int64]:
        """Per point the integer value; 0 for other kinds."""
        return self.column("p_int")

    @property
    def p_double(self) -> npt.NDArray[np.float64]:
        """Per point the double value; 0.0 for other kinds."""
        return self.column("p_double")

    @property
    def p_flags(self) -> npt.NDArray[np.uint32]:
        """Per point its flags; bit 0 = no recorded value."""
        return self.column("p_flags")

    @property
    def p_side(self) -> Ids:
        """Per point its row of :attr:`side`, or -1."""
        return self.column("p_side")

    # -- counts ----------------------------------------------------------------------------------------------

    @property
    def n_payloads(self) -> int:
        """Payloads, also those from which nothing is left."""
        return len(self.arrival)

    def n_rows(self, level: str) -> int:
        """Rows of a level (``rm``, ``sm``, ``m``, ``p``), from the mask when the frames are lazy."""
        if self._base is None:
            return len(self._columns[LEVEL_COLUMNS[level][0]])
        kept = self._kept.of(level)
        if kept is None:
            return self._base.n_rows(level)
        key = f"count_{level}"
        if key not in self._cache:
            self._cache[key] = int(np.count_nonzero(kept))
        return int(self._cache[key])

    @property
    def n_points(self) -> int:
        """Data points in all payloads."""
        return self.n_rows("p")

    @property
    def n_metrics(self) -> int:
        """Metric rows in all payloads."""
        return self.n_rows("m")

    @property
    def n_resources(self) -> int:
        """Resource blocks in all payloads."""
        return self.n_rows("rm")

    def __len__(self) -> int:
        return self.n_payloads

    def __repr__(self) -> str:
        return (
            f"Frames({self.n_payloads} payloads, {self.n_resources} resource blocks, {self.n_points} points)"
        )

    # -- broadcasts ------------------------------------------------------------------------------------------

    def _cached(self, key: str, values: Array) -> Array:
        self._cache[key] = values
        return values

    def _selected(self, name: str, level: str) -> Array | None:
        """A broadcast of the base under this selection's mask, so that lazy frames copy nothing else."""
        base = self._base
        if base is None:
            return None
        return self._kept_rows(getattr(base, name), level)

    @property
    def sm_payload(self) -> Ids:
        """Per scope block its payload."""
        found = self._cache.get("sm_payload")
        return found if found is not None else self._cached("sm_payload", self.rm_payload.take(self.sm_rm))

    @property
    def m_payload(self) -> Ids:
        """Per metric its payload."""
        found = self._cache.get("m_payload")
        return found if found is not None else self._cached("m_payload", self.sm_payload.take(self.m_sm))

    @property
    def m_resource(self) -> Ids:
        """Per metric its resource id, -1 when absent."""
        found = self._cache.get("m_resource")
        return (
            found
            if found is not None
            else self._cached("m_resource", self.rm_resource.take(self.sm_rm).take(self.m_sm))
        )

    @property
    def m_scope(self) -> Ids:
        """Per metric its scope id, -1 when absent."""
        found = self._cache.get("m_scope")
        return found if found is not None else self._cached("m_scope", self.sm_scope.take(self.m_sm))

    def _broadcast(self, name: str, source: str) -> Ids:
        found: Ids | None = self._cache.get(name)
        if found is None:
            found = self._selected(name, "p")
            if found is None:
                found = getattr(self, source).take(self.p_metric)
            self._cache[name] = found
        return found

    @property
    def p_payload(self) -> Ids:
        """Per point its payload."""
        return self._broadcast("p_payload", "m_payload")

    @property
    def p_resource(self) -> Ids:
        """Per point its resource id, -1 when absent."""
        return self._broadcast("p_resource", "m_resource")

    @property
    def p_scope(self) -> Ids:
        """Per point its scope id, -1 when absent."""
        return self._broadcast("p_scope", "m_scope")

    @property
    def p_header(self) -> Ids:
        """Per point its header id."""
        return self._broadcast("p_header", "m_header")

    @property
    def p_series(self) -> Ids:
        """Per point its series id in ``dictionaries.series``."""
        found = self._cache.get("p_series")
        if found is None:
            found = self._selected("p_series", "p")
            if found is None:
                series = self.dictionaries.series
                sm_owner = series.owners(self.rm_resource.take(self.sm_rm), self.sm_scope)
                owner = sm_owner.take(self.m_sm).take(self.p_metric)
                found = series.intern(owner, series.shapes(self.p_header, self.p_attributes))
            self._cached("p_series", found)
        return found

    def number_series(self) -> None:
        """Give every point its series id now, so that all who decide per series find it."""
        self._cached("p_series", self.p_series)

    @property
    def series_numbered(self) -> bool:
        """Whether the series ids are known already, so that asking for them costs no look-up."""
        return "p_series" in self._cache or (self._base is not None and self._base.series_numbered)

    @property
    def series_present(self) -> Ids:
        """The distinct series ids, increasing; those of the base when the frames are lazy."""
        if self._base is not None:
            return self._base.series_present
        found: Ids | None = self._cache.get("series_present")
        if found is None:
            series = self.p_series
            known = len(self.dictionaries.series)
            if len(series) * _FEW_OF < known:
                found = np.unique(series)
            else:
                seen = np.zeros(known, dtype=np.bool_)
                seen[series] = True
                found = np.flatnonzero(seen).astype(np.int32)
            self._cache["series_present"] = found
        return found

    @property
    def p_series_key(self) -> Ids:
        """Per point its series key: what counts as a distinct series."""
        found = self._cache.get("p_series_key")
        if found is None:
            found = self._selected("p_series_key", "p")
            if found is None:
                series = self.p_series  # first: it may add series, and with them keys
                found = self.dictionaries.series.key.take(series)
            self._cached("p_series_key", found)
        return found

    # -- selection -------------------------------------------------------------------------------------------

    def where(
        self,
        points: Mask | None = None,
        metrics: Mask | None = None,
        resources: Mask | None = None,
        *,
        scopes: Mask | None = None,
        keep_empty: bool = False,
    ) -> Frames:
        """The rows that every given mask keeps, as a lazy selection.

        A row also goes when its parent goes. Unless ``keep_empty``, what is left empty goes too: after a
        point mask a metric without points (a typeless one stays, as in the collector's filter), then a scope
        block without metrics, then a resource block without scope blocks. Payloads always stay.

        Args:
            points: per point of these frames whether it stays.
            metrics: the same per metric row.
            resources: the same per resource block.
            scopes: the same per scope block.
            keep_empty: remove only what the masks name.
        """
        base = self if self._base is None else self._base
        given = {"rm": resources, "sm": scopes, "m": metrics, "p": points}
        kept = {level: self._expand(level, mask) for level, mask in given.items()}
        for level, (column, parent) in _PARENT.items():
            above = kept[parent]
            if above is not None:
                inherited = above.take(base.column(column))
                kept[level] = _both(kept[level], inherited)
        if not keep_empty:
            self._drop_empty(base, kept, point_rule=points is not None)
        return self._select(base, _Kept(**kept))

    def _expand(self, level: str, mask: Mask | None) -> Mask | None:
        """A mask over this selection's rows as one over the base's rows."""
        if mask is not None and len(mask) != self.n_rows(level):
            raise InvalidRequestError(
                f"a mask of {len(mask)} rows for {self.n_rows(level)} rows of level {level}_"
            )
        if mask is not None and mask.dtype != np.bool_:
            raise InvalidRequestError(f"a mask must be boolean, not {mask.dtype}")
        before = self._kept.of(level) if self._base is not None else None
        if mask is None or before is None:
            return before if mask is None else mask
        wide = np.zeros(len(before), dtype=np.bool_)
        wide[before] = mask
        return wide

    @staticmethod
    def _drop_empty(base: Frames, kept: dict[str, Mask | None], *, point_rule: bool) -> None:
        if point_rule:
            alive = base.has_child("p", kept["p"])
            alive |= base.dictionaries.typeless().take(base.m_header)
            kept["m"] = _both(kept["m"], alive)
        for level, parent in (("m", "sm"), ("sm", "rm")):
            alive = base.has_child(level, kept[level])
            kept[parent] = _both(kept[parent], alive)

    def compact(self) -> Frames:
        """The same rows with every column of its own, free of the base; itself when nothing is selected."""
        if self._base is None:
            return self
        columns = {name: self.column(name) for name in COLUMNS}
        side, columns["p_side"] = _compact_side(self.side, columns["p_side"])
        made = Frames(self.dictionaries, self.arrival, columns, side)
        for name in ("p_payload", "p_resource", "p_scope", "p_header", "p_series", "p_series_key"):
            if name in self._cache:
                made._cache[name] = self._cache[name]
        return made

    @property
    def remembered(self) -> dict[str, Any]:
        """What others computed from these frames, kept as long as they live; keys are the callers'."""
        return self._cache

    @property
    def is_lazy(self) -> bool:
        """Whether these frames are a selection over other frames."""
        return self._base is not None

    @property
    def selection(self) -> tuple[Frames, Mask | None, Mask | None, Mask | None, Mask | None]:
        """The materialised base and the masks over its rm, sm, m and p rows (``None`` = all)."""
        if self._base is None:
            return self, None, None, None, None
        kept = self._kept
        return self._base, kept.rm, kept.sm, kept.m, kept.p

    def bounds(self, level: str) -> npt.NDArray[np.int64]:
        """Where each payload's rows of a level start; one more entry for the end of the last."""
        key = f"bounds_{level}"
        found: npt.NDArray[np.int64] | None = self._cache.get(key)
        if found is None:
            rows = getattr(self, f"{level}_payload")
            found = np.searchsorted(rows, np.arange(self.n_payloads + 1)).astype(np.int64)
            self._cache[key] = found
        return found

    def child_edges(self, level: str) -> npt.NDArray[np.int64]:
        """Where each parent row's rows of a level (``sm``, ``m``, ``p``) start; one more for the end of the last."""
        key = f"edges_{level}"
        found: npt.NDArray[np.int64] | None = self._cache.get(key)
        if found is None:
            column, parent = _PARENT[level]
            rows = self.n_rows(parent)
            found = self._cache[key] = np.zeros(rows + 1, dtype=np.int64)
            np.cumsum(np.bincount(self.column(column), minlength=rows), out=found[1:])
        return found

    def has_child(self, level: str, kept: Mask | None = None) -> Mask:
        """Per parent row of a level (``sm``, ``m``, ``p``) whether one of its rows is kept; ``None`` = all are."""
        edges: npt.NDArray[np.integer[Any]] = self.child_edges(level)
        if kept is not None:
            running = np.zeros(len(kept) + 1, dtype=np.int32)
            np.cumsum(kept, out=running[1:], dtype=np.int32)
            edges = running.take(edges)
        found: Mask = edges[1:] != edges[:-1]
        return found

    def slice(self, start: int, stop: int) -> Frames:
        """The payloads ``start`` … ``stop - 1`` as frames of their own, without copying point columns."""
        start, stop, _ = slice(start, stop).indices(self.n_payloads)
        stop = max(start, stop)
        if self._base is not None:
            part = self._base.slice(start, stop)
            masks = {
                level: None
                if mask is None
                else mask[self._base.bounds(level)[start] : self._base.bounds(level)[stop]]
                for level, mask in (
                    ("rm", self._kept.rm),
                    ("sm", self._kept.sm),
                    ("m", self._kept.m),
                    ("p", self._kept.p),
                )
            }
            return self._select(part, _Kept(**masks))
        edges = {level: self.bounds(level)[[start, stop]].tolist() for level in _LEVELS}
        columns = {}
        for name in COLUMNS:
            low, high = edges[name.split("_", 1)[0]]
            columns[name] = self._columns[name][low:high]
        columns["rm_payload"] = columns["rm_payload"] - np.int32(start)
        for name, parent in _PARENT_COLUMNS.items():
            columns[name] = columns[name] - np.int32(edges[parent][0])
        made = Frames(self.dictionaries, self.arrival[start:stop], columns, self.side)
        low, high = edges["p"]
        for name in ("p_resource", "p_scope", "p_header", "p_series", "p_series_key"):
            if name in self._cache:
                made._cache[name] = self._cache[name][low:high]
        return made

    def payload(self, number: int) -> Frames:
        """One payload as frames of its own."""
        if not 0 <= number < self.n_payloads:
            raise InvalidRequestError(f"payload {number} of {self.n_payloads} does not exist")
        return self.slice(number, number + 1)

    def payloads(self) -> Iterator[Frames]:
        """Each payload as frames of its own, in order."""
        return (self.payload(number) for number in range(self.n_payloads))

    def chunks(self, size: int) -> Iterator[Frames]:
        """Runs of at most ``size`` payloads, in order."""
        return (self.slice(start, start + size) for start in range(0, self.n_payloads, size))

    @staticmethod
    def concat(parts: Sequence[Frames]) -> Frames:
        """All payloads of ``parts`` one after the other; they must share their dictionaries."""
        if not parts:
            raise InvalidRequestError("nothing to put together", hint="use Frames.empty(dictionaries)")
        if len(parts) == 1:
            return parts[0]
        shared = parts[0].dictionaries
        if any(part.dictionaries is not shared for part in parts):
            raise InvalidRequestError("frames of different dictionaries cannot be put together")
        parts = [part.compact() for part in parts]
        offsets = dict.fromkeys(("payload", "rm", "sm", "m", "side"), 0)
        lists: dict[str, list[Array]] = {name: [] for name in COLUMNS}
        side: list[SidePoint] = []
        for part in parts:
            pruned, p_side = _compact_side(part.side, part.p_side)
            for name in COLUMNS:
                values = p_side if name == "p_side" else part.column(name)
                above = "payload" if name == "rm_payload" else _PARENT_COLUMNS.get(name)
                if above is not None:
                    values = values + np.int32(offsets[above])
                elif name == "p_side" and len(pruned):
                    values = np.where(values >= 0, values + np.int32(offsets["side"]), values)
                lists[name].append(values)
            side.extend(pruned)
            offsets["payload"] += part.n_payloads
            offsets["side"] += len(pruned)
            for level in ("rm", "sm", "m"):
                offsets[level] += part.n_rows(level)
        columns = {name: np.concatenate(values) for name, values in lists.items()}
        made = Frames(shared, np.concatenate([part.arrival for part in parts]), columns, side)
        for name in ("p_series", "p_series_key"):
            if all(name in part.remembered for part in parts):
                made._cache[name] = np.concatenate([part.remembered[name] for part in parts])
        return made

    @staticmethod
    def empty(dictionaries: Dictionaries) -> Frames:
        """Frames without any payload."""
        return Frames(dictionaries, np.zeros(0, dtype=np.uint64))

    def replace(
        self, *, side: Sequence[SidePoint] | None = None, arrival: Any = None, **columns: Any
    ) -> Frames:
        """The same frames with some columns exchanged (all of the same lengths)."""
        whole = self.compact()
        merged = {name: columns.pop(name, whole.column(name)) for name in COLUMNS}
        if columns:
            raise InvalidRequestError(f"frames have no column {min(columns)!r}")
        return Frames(
            self.dictionaries,
            whole.arrival if arrival is None else arrival,
            merged,
            whole.side if side is None else side,
        )


def _both(first: Mask | None, second: Mask) -> Mask:
    return second if first is None else first & second


def _compact_side(side: Sequence[SidePoint], rows: Ids) -> tuple[Sequence[SidePoint], Ids]:
    """The side rows in use and the column that points at them."""
    if not len(side):
        return (), rows
    used = rows >= 0
    wanted = rows[used]
    fresh = np.full(len(rows), -1, dtype=np.int32)
    fresh[used] = np.arange(len(wanted), dtype=np.int32)
    return [side[at] for at in wanted.tolist()], fresh
