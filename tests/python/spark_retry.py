# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""spark_retry.py FILE OUT: a worker is killed in the middle of a partition, after it handed over scores; Spark runs the
partition again. What is written has every row once, with the score that the model gives alone.
"""

import os
import signal
import sys
from pathlib import Path

import grus
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from pyspark import TaskContext
from pyspark.sql import SparkSession
from rows import sequences

MODEL = Path(__file__).resolve().parents[2] / "examples" / "engines" / "score.grus"


def main(path, out):
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master("local[2,3]").appName("retry")  # up to three attempts
    for key, value in {
        "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "500", "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    compiled = grus.compile(MODEL, weights="random:1")
    model = spark.sparkContext.broadcast(compiled)
    marks = Path(out + ".killed")
    marks.mkdir()

    def score(batches):
        task = TaskContext.get()
        for i, batch in enumerate(batches):
            yield pa.RecordBatch.from_arrays([batch.column("id"), pa.array(model.value(batch.column("x"))[:, 0])], ["id", "p"])
            if i == 1 and task.attemptNumber() == 0 and task.partitionId() % 2 == 0:
                (marks / f"{task.partitionId()}").touch()
                os.kill(os.getpid(), signal.SIGKILL)

    spark.read.parquet(path).repartition(4).mapInArrow(score, "id long, p float").write.parquet(out)
    spark.stop()
    lost = len(list(marks.iterdir()))
    assert lost >= 2, f"{lost} workers were killed"
    table = ds.dataset(out).to_table().sort_by("id")
    ids = table["id"].to_numpy()
    assert (ids == np.arange(len(ids))).all(), "a row is missing, or there twice"
    expected = compiled(sequences(0, len(ids)))[:, 0]
    assert (table["p"].to_numpy() == expected).all(), "another score"
    print(f"{lost} workers killed, {len(ids)} rows, each once")


if __name__ == "__main__":
    main(*sys.argv[1:])
