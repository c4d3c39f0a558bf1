"""Scope blocks of a form that was met before, read without the decoder.

From one scrape to the next, and from one process to another, a scope block differs in times and values. These take
eight bytes each, so that the rest, the *form*, stays the same to the byte: what it holds is decoded once, and after
that a block is compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phoenix_nb.otlp._arrow import interned, parent_rows, row_counts, schema_url_ids, value_edges
from phoenix_nb.otlp._dictionary import Dictionaries
from phoenix_nb.otlp._frames import COLUMNS, LEVEL_COLUMNS
from phoenix_nb.otlp._model import SidePoint, parse_resources
from phoenix_nb.otlp._raw import outer_handler
from phoenix_nb.otlp._wire import bytes_field, spans

__all__ = ["Forms"]

Ids = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Array = npt.NDArray[Any]

_MOST_FORMS: Final = 1024
_MOST_BYTES: Final = 1 << 23
"""Of the blocks behind the forms; a form takes up to sixteen times the memory of its block."""
_MOST_OF_A_SIZE: Final = 16
"""A block is compared with all forms of its size."""
_FEW_NEW: Final = 8
"""So many new forms in one call are always worth learning; beyond, one for every 256 blocks."""
_LONGEST_PAUSE: Final = 63
_WORDS: Final = {2: "p_start", 3: "p_time", 4: "p_double", 6: "p_int"}
"""The fields of a point that take eight bytes."""
_PARENTS: Final = {"sm": "sm_rm", "m": "m_sm", "p": "p_metric"}


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """What blocks hold, but for times and values."""

    fixed: Words
    """Its bytes, eight at a time; those of times and values are zero."""
    mask: Words
    """All bits where bytes are fixed."""
    columns: dict[str, Array]
    """Those of a block of this form."""
    places: dict[str, list[int]]
    """By column where the eight bytes of each point begin, -1 where it has none."""


@dataclass(frozen=True, slots=True, eq=False)
class _Match:
    """Blocks of one form."""

    form: _Form
    blocks: npt.NDArray[np.intp]
    table: Words
    """Their bytes in rows, with some of other forms between them."""
    rows: npt.NDArray[np.intp]


class Forms:
    """The forms that one decoder has met.

    Args:
        dictionaries: those of the decoder.
        decode: gives the columns of whole payloads, and what they hold beside numbers.
    """

    def __init__(
        self,
        dictionaries: Dictionaries,
        decode: Callable[[Sequence[bytes]], tuple[dict[str, Array], list[SidePoint]]],
    ) -> None:
        self._dictionaries = dictionaries
        self._decode = decode
        self._by_size: dict[int, list[_Form]] = {}
        self._count = 0
        self._bytes = 0
        self._pause = 0
        self._skip = 0

    def read(self, payloads: Sequence[bytes]) -> dict[str, Array] | None:
        """The columns of payloads of which every block has a known form or one that can be learned.

        Returns:
            ``None`` when there is a block with more than numbers in it, or something else that only the decoder can
            read or refuse. Where that happens again and again, or where most blocks are new (to learn one takes longer
            than to decode it), most calls do not even try.
        """
        skip = self._skip
        if skip:
            # Another thread may count too; a number that goes by zero would never come back.
            self._skip = skip - 1
            return None
        found, learned = self._read(payloads)
        worth = found is not None and 2 * learned <= len(found["sm_rm"])
        self._pause = 0 if worth else min(2 * self._pause + 1, _LONGEST_PAUSE)
        self._skip = self._pause
        return found

    def _read(self, payloads: Sequence[bytes]) -> tuple[dict[str, Array] | None, int]:
        """The columns, and how many blocks had to be learned for them."""
        try:
            top = outer_handler().list_to_record_batch(list(payloads)).column(0)
        except ValueError:
            return None, 0
        counts = row_counts(top)
        if not counts.all():
            return None, 0
        blocks = top.values
        scopes = blocks.field("scope_metrics")
        matches, learned = self._matches(scopes.values)
        if matches is None:
            return None, learned
        known = self._dictionaries
        columns = {
            "rm_payload": parent_rows(counts),
            "rm_resource": interned(blocks.field("resource"), known.resources, parse_resources),
            "rm_schema": schema_url_ids(known, blocks.field("schema_url")),
            "sm_rm": parent_rows(row_counts(scopes)),
            **_columns(matches, len(scopes.values)),
        }
        return columns, learned

    def _matches(self, raws: pa.BinaryArray) -> tuple[list[_Match] | None, int]:
        """Which blocks have which form, and how many of the forms are new."""
        edges = value_edges(raws)
        sizes = edges[1:] - edges[:-1]
        if not sizes.all() or not len(sizes):
            return None, 0
        found: list[_Match] = []
        learned = 0
        for size in np.unique(sizes).tolist():
            blocks = np.flatnonzero(sizes == size)
            table = _table(raws if len(blocks) == len(raws) else raws.take(pa.array(blocks)), size)
            left = np.arange(len(blocks))
            known = iter(tuple(self._by_size.get(size, ())))
            while len(left):
                form = next(known, None)
                if form is None:
                    learned += 1
                    raw = raws[int(blocks[left[0]])].as_py()
                    form = self._learn(raw) if learned <= _FEW_NEW + len(raws) // 256 else None
                if form is None:
                    return None, learned
                some = table if len(left) == len(table) else table[left]
                same = ((some & form.mask) == form.fixed).all(axis=1)
                if same.any():
                    found.append(_Match(form, blocks[left[same]], table, left[same]))
                    left = left[~same]
        return found, learned

    def _learn(self, raw: bytes) -> _Form | None:
        """The form of a block; ``None`` when it holds more than numbers, or has a size of too many forms."""
        if len(raw) > _MOST_BYTES or len(self._by_size.get(len(raw), ())) >= _MOST_OF_A_SIZE:
            return None
        places = _places(raw)
        if places is None:
            return None
        try:
            columns, side = self._decode([bytes_field(1, bytes_field(2, raw))])
        except ValueError:
            return None
        if side:
            return None
        padded = raw + bytes(-len(raw) % 8)
        data = np.frombuffer(padded, dtype=np.uint8)
        mask = np.full(len(padded), 0xFF, dtype=np.uint8)
        for name, begins in places.items():
            words = [0 if at < 0 else int.from_bytes(raw[at : at + 8], "little") for at in begins]
            if columns[name].view(np.uint64).tolist() != words:
                return None
            for at in begins:
                if at >= 0:
                    mask[at : at + 8] = 0
        form = _Form((data & mask).view("<u8"), mask.view("<u8"), columns, places)
        if self._count >= _MOST_FORMS or self._bytes + len(raw) > _MOST_BYTES:
            self._by_size.clear()
            self._count = self._bytes = 0
        self._by_size.setdefault(len(raw), []).append(form)
        self._count += 1
        self._bytes += len(raw)
        return form


def _table(raws: pa.BinaryArray, size: int) -> Words:
    """Messages of one size as rows, eight bytes at a time, with zeros at the end."""
    first = int(value_edges(raws)[0])
    rows = np.frombuffer(raws.buffers()[2], np.uint8, len(raws) * size, first).reshape(len(raws), size)
    made = np.zeros((len(raws), -(-size // 8) * 8), dtype=np.uint8)
    made[:, :size] = rows
    return made.view("<u8")


def _places(raw: bytes) -> dict[str, list[int]] | None:
    """Where times and values begin in a scope block; ``None`` when there is more than numbers."""
    found: dict[str, list[int]] = {name: [] for name in _WORDS.values()}
    try:
        for field, kind, begin, stop in spans(raw, 0, len(raw)):
            if (field, kind) == (2, 2) and not _metric(raw, begin, stop, found):
                return None
    except ValueError:
        return None
    return found


def _metric(raw: bytes, begin: int, stop: int, found: dict[str, list[int]]) -> bool:
    """Add the points of a metric; whether it holds nothing but numbers."""
    data = [span for span in spans(raw, begin, stop) if span[0] not in (1, 2, 3, 12)]
    if len(data) != 1 or data[0][:2] not in ((5, 2), (7, 2)):
        return not data
    for field, kind, start, end in spans(raw, *data[0][2:]):
        if field != 1:
            continue
        if kind != 2:
            return False
        words = dict.fromkeys(found, -1)
        for inner, inner_kind, at, _ in spans(raw, start, end):
            name = _WORDS.get(inner)
            if inner == 5 or (name is not None and (inner_kind != 1 or words[name] >= 0)):
                return False
            if name is not None:
                words[name] = at
        for name, at in words.items():
            found[name].append(at)
    return True


def _columns(matches: Sequence[_Match], blocks: int) -> dict[str, Array]:
    """Every column that follows from the forms of all blocks and from their bytes."""
    forms = [match.form for match in matches]
    which = np.zeros(blocks, dtype=np.intp)
    for number, match in enumerate(matches):
        which[match.blocks] = number
    columns: dict[str, Array] = {}
    above = np.zeros(0, dtype=np.int64)
    for level, parent in _PARENTS.items():
        rows = np.array([len(form.columns[parent]) for form in forms], dtype=np.int64)
        counts = rows.take(which)
        begins = np.cumsum(counts) - counts
        source = np.arange(int(counts.sum())) + ((np.cumsum(rows) - rows).take(which) - begins).repeat(counts)
        for name in LEVEL_COLUMNS[level]:
            if name != "sm_rm" and name not in _WORDS.values():
                columns[name] = np.concatenate([form.columns[name] for form in forms]).take(source)
        if level != "sm":
            columns[parent] += above.repeat(counts).astype(np.int32)
        above = begins
    for name in _WORDS.values():
        values = np.zeros(len(columns["p_metric"]), dtype=np.uint64)
        for match in matches:
            own = _words(match, name)
            values[above[match.blocks, np.newaxis] + np.arange(own.shape[1])] = own
        columns[name] = values.view(COLUMNS[name])
    return columns


def _words(match: _Match, name: str) -> Words:
    """The times or values of blocks, a row for each."""
    table, rows = match.table, match.rows
    places = match.form.places[name]
    made = np.zeros((len(rows), len(places)), dtype=np.uint64)
    for point, place in enumerate(places):
        if place >= 0:
            column = np.ndarray((len(table),), "<u8", table.data, place, table.strides[:1])
            made[:, point] = column if len(rows) == len(table) else column[rows]
    return made
