# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""rows.py FILE [COUNT]: a Parquet file of random sequences, 32 steps of 16 numbers in one binary column.

Row i is made of the seed i alone, so that the answer of any row can be computed again.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

STEPS, FEATURES, GROUP = 32, 16, 8192


def sequences(first: int, count: int) -> np.ndarray:
    """[count, 32, 16]: a wave of its own for each row."""
    row = np.arange(first, first + count, dtype=np.float32)[:, None, None]
    step = np.arange(STEPS, dtype=np.float32)[:, None]
    feature = np.arange(FEATURES, dtype=np.float32)
    return np.sin(0.37 * row + (0.11 + 0.01 * feature) * step + feature).astype(np.float32)


def write(path: str, count: int) -> None:
    schema = pa.schema([("id", pa.int64()), ("x", pa.binary())])
    with pq.ParquetWriter(path, schema) as file:
        for first in range(0, count, GROUP):
            x = sequences(first, min(GROUP, count - first))
            ids = pa.array(range(first, first + len(x)), pa.int64())
            file.write_table(pa.table({"id": ids, "x": pa.array([r.tobytes() for r in x], pa.binary())}, schema))


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
