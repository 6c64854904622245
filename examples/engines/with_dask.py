# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_dask.py FILE: scores the row groups of a Parquet file as Dask tasks, on two processes.

The model is pickled to the workers: the graph holds it once, as a delayed value.
"""

import sys
from pathlib import Path

import dask
import grus
import pyarrow.parquet as pq


def score(model: grus.Model, path: str, group: int) -> tuple[int, float]:
    p = model(pq.ParquetFile(path).read_row_group(group, columns=["x"])["x"])[:, 0]
    return len(p), float(p.sum(dtype="f8"))


def main(path: str) -> tuple[int, float]:
    model = dask.delayed(grus.compile(Path(__file__).with_name("score.grus"), weights="random:1"))
    groups = pq.ParquetFile(path).num_row_groups
    parts = dask.compute(*[dask.delayed(score)(model, path, g) for g in range(groups)], scheduler="processes", num_workers=2)
    return sum(n for n, _ in parts), sum(s for _, s in parts)


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(sys.argv[1]))
