from __future__ import annotations

import io

import numpy as np
import pyarrow as pa

from phoenix_nb.simulation import simulate
from phoenix_nb.sources._parquet import ParquetRows


def test_the_same_payloads_give_the_same_bytes_whatever_lay_in_memory() -> None:
    frames = list(simulate("realistic", seed=3, scrapes=2, every=10.0))
    noise = np.random.default_rng(0)

    def written() -> bytes:
        # Leaves freed memory full of noise behind for the writer to find.
        for size in (200, 5_000, 100_000):
            pa.concat_arrays([pa.array(noise.integers(0, 2**62, size)), pa.array([1])]).to_pylist()
        stream = io.BytesIO()
        rows = ParquetRows(stream)
        for one in frames:
            rows.write(one)
        rows.close()
        return stream.getvalue()

    assert len({written() for _ in range(8)}) == 1
