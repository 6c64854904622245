# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""engines.py FILE [TURNS [ONLY]]: what engines cost a row of a Parquet file (examples/engines/rows.py), in one run.

Processor time of this process and of all that it started, in turns; the best of TURNS turns (3) counts. Of each engine
the job with the model, and of Spark the same job without a model: what it returns is the first number of each row.
Spark also scores with a smaller model, of 24 units, as the one of RNNoise that hears voices. ONLY: jobs whose names hold this word.
Prints a table in Markdown. Where others compute, caches are shared with them: `chrt -r 5` keeps both processors.
"""

import sys
import time
from pathlib import Path

import grus
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

SMALL = """grus 1
model small {
  in  x : f32[time 32, 16]
  out y : f32[1] = x |> GRU(24) |> last |> Dense(1) |> sigmoid
}
"""
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "engines"
sys.path.insert(0, str(EXAMPLES))


def processor_times():
    """Of this process and its descendants, by their numbers; what a child that ended took is with its parent."""
    times = {}
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            t = process.cpu_times()
            times[process.pid] = t.user + t.system + t.children_user + t.children_system
        except psutil.NoSuchProcess:
            pass
    return times


def since(before):
    return sum(max(0.0, t - before.get(pid, 0.0)) for pid, t in processor_times().items())


def spark_jobs(path, model):
    from pyspark.sql import functions as F
    from with_spark import session

    spark = session()
    spark.sparkContext.setLogLevel("OFF")
    small = grus.compile(SMALL, weights="random:1")
    frame, sent, sent_small = spark.read.parquet(path), spark.sparkContext.broadcast(model), spark.sparkContext.broadcast(small)
    width = 4 * int(np.prod(model.inputs[0].shape))

    def job(function):
        def run(batches):
            for batch in batches:
                yield pa.RecordBatch.from_arrays([batch.column("id"), function(batch.column("x"))], ["id", "p"])
        return lambda: frame.mapInArrow(run, "id long, p float").agg(F.count("p"), F.sum(F.col("p").cast("double"))).collect()

    def first(column):
        flat = np.frombuffer(column.buffers()[2], np.float32)
        start = np.frombuffer(column.buffers()[1], np.int32, 1, 4 * column.offset)[0] // 4
        return pa.array(flat[start : start + len(column) * width // 4].reshape(len(column), -1)[:, 0].copy())

    return {
        "Spark, mapInArrow": job(lambda x: pa.array(sent.value(x)[:, 0])),
        "Spark, mapInArrow, a smaller model": job(lambda x: pa.array(sent_small.value(x)[:, 0])),
        "Spark, the same without a model": job(first),
    }


def jobs(path, model):
    column = pa.chunked_array([b.column("x") for b in pq.ParquetFile(path).iter_batches(columns=["x"])])
    yield "the model alone, from an Arrow column", lambda: model(column)
    yield "pyarrow, batches of Parquet", lambda: [model(b.column("x")) for b in pq.ParquetFile(path).iter_batches(8192, columns=["x"])]
    try:
        import duckdb

        con = duckdb.connect()
        con.create_function("score", lambda c: pa.array(model(c)[:, 0]), ["BLOB"], "FLOAT", type="arrow")
        yield "DuckDB, function of Arrow type", lambda: con.execute("select sum(score(x)::double) from read_parquet(?)", [path]).fetchall()
    except ImportError as error:
        print(f"without DuckDB: {error}", file=sys.stderr)
    try:
        import tempfile

        native = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        with tempfile.TemporaryDirectory() as folder:
            from grus import _command

            out = f"{folder}/score.duckdb_extension"
            _command.run(["build", str(EXAMPLES / "score.grus"), "--weights=random:1", "-q", "-o", out])
            native.execute(f"load '{out}'")
        yield "DuckDB, extension", lambda: native.execute("select sum(score(x)[1]::double) from read_parquet(?)", [path]).fetchall()
    except NameError:
        pass
    try:
        import polars as pl

        expr = pl.col("x").map_batches(lambda c: pl.Series(model(c)[:, 0]), return_dtype=pl.Float32)
        yield "Polars, map_batches", lambda: pl.scan_parquet(path).select(expr.alias("p")).select(pl.col("p").sum()).collect()
    except ImportError as error:
        print(f"without Polars: {error}", file=sys.stderr)
    try:
        import datafusion

        context = datafusion.SessionContext()
        context.register_udf(datafusion.udf(lambda c: pa.array(model(c)[:, 0]), [pa.binary_view()], pa.float32(), "stable", "score"))
        context.register_parquet("rows", path)
        yield "DataFusion", lambda: context.sql("select sum(cast(score(arrow_cast(x, 'BinaryView')) as double)) from rows").collect()
    except ImportError as error:
        print(f"without DataFusion: {error}", file=sys.stderr)
    try:
        yield from spark_jobs(path, model).items()
    except ImportError as error:
        print(f"without Spark: {error}", file=sys.stderr)


def main(path, turns, only):
    model = grus.compile(EXAMPLES / "score.grus", weights="random:1")
    rows = pq.ParquetFile(path).metadata.num_rows
    every = {name: job for name, job in jobs(path, model) if only in name}
    best = {name: float("inf") for name in every}
    for turn in range(turns + 1):  # the first turn warms up
        for name, job in every.items():
            before = processor_times()
            job()
            if name.startswith("Spark"):
                time.sleep(0.2)  # what the workers still write about themselves
            if turn:
                best[name] = min(best[name], since(before))
    print(f"grus {grus.__version__} on {model.processor}, {rows:,} rows\n\n| job | rows/s of processor time |\n|---|---|")
    for name, seconds in best.items():
        print(f"| {name} | {rows / seconds:,.0f} |")
    without = best.get("Spark, the same without a model")
    for name in ("Spark, mapInArrow", "Spark, mapInArrow, a smaller model"):
        if without and name in best:
            print(f"\n{name}, to the same without a model: {without / best[name]:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3] if len(sys.argv) > 3 else "")
