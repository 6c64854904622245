# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_polars.py FILE: the scores of a Parquet file, as a column of a lazy frame."""

import sys
from pathlib import Path

import grus
import polars as pl


def main(path: str) -> tuple[int, float]:
    model = grus.compile(Path(__file__).with_name("score.grus"), weights="random:1")
    score = pl.col("x").map_batches(lambda column: pl.Series(model(column)[:, 0]), return_dtype=pl.Float32)
    frame = pl.scan_parquet(path).select(score.alias("p")).select(pl.len(), pl.col("p").cast(pl.Float64).sum()).collect()
    return int(frame[0, 0]), float(frame[0, 1])


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(sys.argv[1]))
