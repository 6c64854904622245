# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_spark.py FILE [OUT]: scores a Parquet file with Spark: the compiled model is broadcast, workers need no compiler.

mapInArrow hands over record batches, and the numbers of a row are in one binary column. A partition that
fails is run again by Spark; its rows are written once, with the job's commit.
"""

import os
import sys
from pathlib import Path
from typing import Iterator

import grus
import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def session() -> SparkSession:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # workers find the packages of this Python
    builder = SparkSession.builder.master("local[2]").appName("grus")
    for key, value in {
        "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "8192", "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def main(path: str, out: str | None = None) -> tuple[int, float]:
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    model = spark.sparkContext.broadcast(grus.compile(Path(__file__).with_name("score.grus"), weights="random:1"))

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            p = pa.array(model.value(batch.column("x"))[:, 0])
            yield pa.RecordBatch.from_arrays([batch.column("id"), p], ["id", "p"])

    scored = spark.read.parquet(path).mapInArrow(score, "id long, p float")
    if out:
        scored.write.mode("overwrite").parquet(out)
        scored = spark.read.parquet(out)
    row = scored.agg(F.count("p"), F.sum(F.col("p").cast("double"))).collect()[0]
    spark.stop()
    return int(row[0]), float(row[1])


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(*sys.argv[1:3]))
