# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_datafusion.py FILE: the scores of a Parquet file, by a scalar function in DataFusion."""

import sys
from pathlib import Path

import datafusion
import grus
import pyarrow as pa


def main(path: str) -> tuple[int, float]:
    model = grus.compile(Path(__file__).with_name("score.grus"), weights="random:1")

    def score(column: pa.Array) -> pa.Array:
        return pa.array(model(column)[:, 0])

    context = datafusion.SessionContext()
    context.register_udf(datafusion.udf(score, [pa.binary_view()], pa.float32(), "stable", "score"))
    context.register_parquet("rows", path)
    batch = context.sql("select count(*), sum(cast(score(arrow_cast(x, 'BinaryView')) as double)) from rows").collect()[0]
    return batch.column(0)[0].as_py(), batch.column(1)[0].as_py()


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(sys.argv[1]))
