"""The shape of a payload as bytes: which blocks it has, in order, and how many children each has."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phoenix_nb.errors import StorageError

__all__ = ["SHAPE_LISTS", "pack_shape", "unpack_shape"]

Array = npt.NDArray[Any]

SHAPE_LISTS: Final[dict[str, np.dtype[Any]]] = {
    "rm_resource": np.dtype("<i4"),
    "rm_schema": np.dtype("<i4"),
    "rm_scopes": np.dtype("<i4"),
    "sm_scope": np.dtype("<i4"),
    "sm_schema": np.dtype("<i4"),
    "sm_metrics": np.dtype("<i4"),
    "m_header": np.dtype("<i4"),
    "m_points": np.dtype("<i4"),
    "exact_at": np.dtype("<i4"),
    "exact_bits": np.dtype("<u8"),
}
"""What a shape consists of, with the types: per resource block, scope block and metric the numbers of its
values and how many children it has; then the points whose doubles have bits of their own, and these bits."""
_HEAD: Final = 4 * len(SHAPE_LISTS)


def pack_shape(lists: Mapping[str, npt.ArrayLike]) -> bytes:
    """A shape as bytes: the length of every list, then every list, compressed since most of it repeats.

    Args:
        lists: every list of ``SHAPE_LISTS``.
    """
    arrays = [np.asarray(lists[name], dtype=kind) for name, kind in SHAPE_LISTS.items()]
    lengths = np.array([len(array) for array in arrays], dtype="<i4")
    return zlib.compress(b"".join(array.tobytes() for array in (lengths, *arrays)), 1)


def unpack_shape(packed: bytes | None) -> dict[str, Array]:
    """The lists of a shape.

    Raises:
        StorageError: these bytes are no shape, or there are none.
    """
    try:
        raw = zlib.decompress(packed or b"")
        lengths = np.frombuffer(raw, dtype="<i4", count=len(SHAPE_LISTS)).tolist()
        lists, at = {}, _HEAD
        for (name, kind), length in zip(SHAPE_LISTS.items(), lengths, strict=True):
            lists[name] = np.frombuffer(raw, dtype=kind, count=length, offset=at)
            at += length * kind.itemsize
    except (ValueError, zlib.error) as error:
        raise StorageError(
            f"the store lacks the shape of a payload, or it is damaged: {error}",
            hint="the file is damaged; restore it from a copy",
        ) from error
    return lists
