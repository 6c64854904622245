# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""duckdb_extension.py GRUS FOLDER: models as extensions of DuckDB, by LLVM and by the C compiler, compared with the
same models called from Python: arrays, lists and BLOBs, several inputs and outputs, NULLs, and rows that are refused.
"""

import subprocess
import sys

import duckdb
import grus
import numpy as np

PLAIN = "grus 1\n\nmodel plain {\n  in x : f32[time 6, 3]\n  out y : f32[2] = x |> GRU(5) |> last |> Dense(2)\n}\n"
MIXED = """grus 1

model mixed {
  in  x : f32[time n <= 7, 2]
  in  w : index(10)[time n]
  in  g : f32
  out a : f32[3] = concat(x, w |> Embedding(2)) |> LSTM(4) |> last |> Dense(3)
  out b : f32 = g |> tanh
}
"""


def refused(con, query, words):
    try:
        con.execute(query).fetchall()
    except duckdb.Error as error:
        assert words in str(error), str(error)
    else:
        raise AssertionError(f"{query} was answered")


def plain(con, rng):
    m = grus.compile(PLAIN, weights="random:1")
    x = rng.standard_normal((3000, 6, 3)).astype(np.float32)
    expected = m(x)
    con.execute("create table t (id integer, x float[18], b blob)")
    con.executemany("insert into t values (?, ?, ?)", [(i, r.ravel().tolist(), r.tobytes()) for i, r in enumerate(x[:300])])
    rows = con.execute("select plain(x), plain(b) from t order by id").fetchall()
    assert all((np.float32(a) == e).all() and a == b for (a, b), e in zip(rows, expected)) and len(rows) == 300
    con.execute("update t set x = NULL, b = NULL where id % 7 = 3")
    rows = con.execute("select id, plain(x), plain(b) from t order by id").fetchall()
    for i, a, b in rows:
        assert (a is None and b is None) if i % 7 == 3 else (np.float32(a) == expected[i]).all() and a == b, i
    refused(con, "select plain('abc'::blob)", "input `x` has 3 bytes, and a row has 72")
    refused(con, "select plain(array_value(" + ", ".join(["NULL::float"] + ["1::float"] * 17) + "))", "NULL among its numbers")


def mixed(con, rng):
    m = grus.compile(MIXED, weights="random:1")
    con.execute("create table s (id integer, x float[], w utinyint[], g float, bx blob, bw blob, bg blob)")
    kept = []
    for i in range(100):
        n = int(rng.integers(1, 8))
        x, w, g = rng.standard_normal((n, 2)).astype("f4"), rng.integers(0, 10, n).astype("u1"), rng.standard_normal(()).astype("f4")
        kept.append((x, w, g))
        con.execute("insert into s values (?, ?, ?, ?, ?, ?, ?)", [i, x.ravel().tolist(), w.tolist(), float(g), x.tobytes(), w.tobytes(), g.tobytes()])
    rows = con.execute("select mixed(x, w, g), mixed(bx, bw, bg) from s order by id").fetchall()
    for (a, b), (x, w, g) in zip(rows, kept):
        expected = m(x, w, g)
        assert a == b and (np.float32(a["a"]) == expected[0]).all() and np.float32(a["b"]) == expected[1]
    assert con.execute("select mixed(x, w, NULL) from s limit 1").fetchall() == [(None,)]
    refused(con, "select mixed([1, 2, 3, 4]::float[], [1]::utinyint[], 1::float)", "another number of steps")
    refused(con, "select mixed([1, 2, 3]::float[], [1]::utinyint[], 1::float)", "whole steps, at most 14")
    refused(con, "select mixed([1, 2]::float[], [10]::utinyint[], 1::float)", "an index is out of its range")


def main(compiler, folder):
    ran = 0
    for backend in ("llvm", "c"):
        con = duckdb.connect(config={"allow_unsigned_extensions": "true"})
        for name, text, test in (("plain", PLAIN, plain), ("mixed", MIXED, mixed)):
            out = f"{folder}/{name}.duckdb_extension"
            done = subprocess.run([compiler, "build", "-", "--weights=random:1", f"--backend={backend}", "-q", "-o", out], input=text.encode(),
                                  capture_output=True, check=False)
            if done.returncode and backend == "llvm" and b"without LLVM" in done.stderr:
                continue
            assert done.returncode == 0, done.stderr.decode()
            con.execute(f"load '{out}'")
            test(con, np.random.default_rng(5))
            ran += 1
    print(f"{ran} extensions of DuckDB {duckdb.__version__} give what their models give")


if __name__ == "__main__":
    main(*sys.argv[1:])
