"""Shapes of payloads as bytes."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from phoenix_nb.errors import StorageError
from phoenix_nb.store._shapes import SHAPE_LISTS, pack_shape, unpack_shape


def test_a_shape_comes_back() -> None:
    lists = {name: [*range(at)] for at, name in enumerate(SHAPE_LISTS)}
    lists["rm_schema"] = [-1, 2**31 - 1]
    lists["exact_bits"] = [0, 2**63, 2**64 - 1]
    found = unpack_shape(pack_shape(lists))
    assert {name: array.tolist() for name, array in found.items()} == lists
    assert {name: array.dtype for name, array in found.items()} == SHAPE_LISTS


def test_an_empty_shape_comes_back() -> None:
    found = unpack_shape(pack_shape(dict.fromkeys(SHAPE_LISTS, np.zeros(0))))
    assert [len(array) for array in found.values()] == [0] * len(SHAPE_LISTS)


@pytest.mark.parametrize(
    "packed",
    [None, b"", b"no zlib", pack_shape({key: [1] for key in SHAPE_LISTS})[:-9], zlib.compress(b"short")],
    ids=["missing", "empty", "noise", "cut", "short"],
)
def test_what_is_no_shape_is_told(packed: bytes | None) -> None:
    with pytest.raises(StorageError, match="shape of a payload") as caught:
        unpack_shape(packed)
    assert "restore" in caught.value.hint


def test_a_shape_that_promises_more_than_it_has_is_told() -> None:
    raw = bytearray(zlib.decompress(pack_shape({key: [1] for key in SHAPE_LISTS})))
    raw[0:4] = (1000).to_bytes(4, "little")
    with pytest.raises(StorageError):
        unpack_shape(zlib.compress(bytes(raw)))
