"""Intervals of experiments as rows: the JSON of each and the columns that are asked for in SQL."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from phoenix_nb.errors import ConflictError
from phoenix_nb.interfaces import Interval

__all__ = ["read_intervals", "write_intervals"]

_TIME = pa.timestamp("us", tz="UTC")


def write_intervals(
    cursor: duckdb.DuckDBPyConnection, experiment_id: str, intervals: Sequence[Interval]
) -> None:
    """Add intervals.

    Raises:
        ConflictError: one of them is there already; nothing is ever revised.
    """
    fresh = pa.table(
        {
            "index": pa.array([one.index for one in intervals], type=pa.int32()),
            "start_time": pa.array([one.start for one in intervals], type=_TIME),
            "end_time": pa.array([one.end for one in intervals], type=_TIME),
            "warmup": pa.array([one.warmup for one in intervals], type=pa.bool_()),
            "json": pa.array([one.model_dump_json() for one in intervals], type=pa.string()),
        }
    )
    cursor.register("fresh", fresh)
    try:
        cursor.execute("INSERT INTO telemetry_interval SELECT ?, * FROM fresh", [experiment_id])
    except duckdb.ConstraintException as error:
        raise ConflictError(
            f"experiment {experiment_id} has one of the intervals already; finalised intervals are never revised",
            hint="ask which intervals are there before adding more",
            details={"experiment_id": experiment_id, "indices": [one.index for one in intervals]},
        ) from error


def read_intervals(cursor: duckdb.DuckDBPyConnection, experiment_id: str, after: int) -> list[Interval]:
    """The intervals after an index, in order."""
    rows = cursor.execute(
        "SELECT json FROM telemetry_interval WHERE experiment_id = ? AND index > ? ORDER BY index",
        [experiment_id, after],
    ).fetchall()
    return [Interval.model_validate_json(text) for (text,) in rows]
