# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""with_spark_udf.py FILE: the model as a function of a column in Spark 4: arrow_udf, which SQL can call too."""

import sys
from pathlib import Path

import grus
import pyarrow as pa
from pyspark.sql import functions as F
from with_spark import session


def main(path: str) -> tuple[int, float]:
    spark = session()
    spark.sparkContext.setLogLevel("ERROR")
    model = spark.sparkContext.broadcast(grus.compile(Path(__file__).with_name("score.grus"), weights="random:1"))

    @F.arrow_udf("float")
    def score(x: pa.Array) -> pa.Array:
        return pa.array(model.value(x)[:, 0])

    spark.udf.register("score", score)
    spark.read.parquet(path).createOrReplaceTempView("rows")
    row = spark.sql("select count(p), sum(double(p)) from (select score(x) as p from rows)").collect()[0]
    spark.stop()
    return int(row[0]), float(row[1])


if __name__ == "__main__":
    print("%d rows, sum %.4f" % main(sys.argv[1]))
