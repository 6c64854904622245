# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_ray.py FILE: scores a Parquet file with Ray Data, whose tasks get Arrow tables.

The compiled model goes to the object store once, and each worker unpacks it once. Ray runs a task that failed again.
"""

import sys
from pathlib import Path

import grus
import pyarrow as pa
import ray


def main(path: str) -> tuple[int, float]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    model = ray.put(grus.compile(Path(__file__).with_name("score.grus"), weights="random:1"))

    def score(table: pa.Table) -> pa.Table:
        return pa.table({"id": table["id"], "p": pa.array(ray.get(model)(table["x"])[:, 0]).cast(pa.float64())})

    scored = ray.data.read_parquet(path).map_batches(score, batch_format="pyarrow", batch_size=8192)
    rows, total = scored.materialize().count(), scored.sum("p")
    ray.shutdown()
    return int(rows), float(total)


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(sys.argv[1]))
