# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_duckdb.py FILE: the mean score over a Parquet file, by a function of Arrow type in DuckDB."""

import sys
from pathlib import Path

import duckdb
import grus
import pyarrow as pa


def main(path: str) -> tuple[int, float]:
    model = grus.compile(Path(__file__).with_name("score.grus"), weights="random:1")

    def score(column: pa.ChunkedArray) -> pa.Array:
        return pa.array(model(column)[:, 0])

    connection = duckdb.connect()
    connection.create_function("score", score, ["BLOB"], "FLOAT", type="arrow")
    row = connection.execute("select count(*), sum(score(x)::double) from read_parquet(?)", [path]).fetchone()
    return int(row[0]), float(row[1])


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(sys.argv[1]))
