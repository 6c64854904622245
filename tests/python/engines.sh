#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# engines.sh PYTHON GRUS FOLDER [ROWS]: the examples of examples/engines over a Parquet file of ROWS rows (a million)
# give the number and the sum of scores that the model gives alone, and a worker of Spark that is killed loses none.
# If PYTHON has no pyarrow, an environment of it is made in FOLDER-environment, and pip installs engines.txt there.
# Engines that are not to be had are skipped.
set -eu
python=$1
GRUS=$2
folder=$3
rows=${4:-1000000}
root=$(cd "$(dirname "$0")/../.." && pwd)
if ! "$python" -c 'import numpy, pyarrow' 2>/dev/null; then
  own=$3-environment/bin/python
  [ -x "$own" ] || "$python" -m venv "$3-environment" || { echo "SKIPPED: $python has no venv"; exit 77; }
  "$own" -c 'import numpy, pyarrow' 2>/dev/null || {
    grep -v '^#' "$root/tests/python/engines.txt" | while read -r package; do # one is missing: the others are tried
      "$own" -m pip install -q --disable-pip-version-check "$package" >>"$3-environment/pip.log" 2>&1 || echo "pip cannot install $package"
    done
  }
  "$own" -c 'import numpy, pyarrow' || { echo "SKIPPED: pip cannot install pyarrow for $python"; exit 77; }
  python=$own
fi
rm -rf "$folder"
mkdir -p "$folder"
GRUS_CACHE=$folder/cache
PYTHONPATH=$root/python:$root/examples/engines
PYTHONDONTWRITEBYTECODE=1
export GRUS GRUS_CACHE PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder"
"$python" "$root/examples/engines/rows.py" rows.parquet "$rows"
expected=$("$python" - "$root/examples/engines/score.grus" "$rows" <<'END'
import sys, grus, rows
m, n = grus.compile(sys.argv[1], weights="random:1"), int(sys.argv[2])
print(n, sum(float(m(rows.sequences(at, min(rows.GROUP, n - at)))[:, 0].sum(dtype="f8")) for at in range(0, n, rows.GROUP)))
END
)
failed=0
for engine in duckdb polars datafusion dask ray spark spark_udf; do
  module=${engine%_udf}
  [ $module != spark ] || module=pyspark
  "$python" -c "import $module" 2>/dev/null || { echo "$engine: SKIPPED, $python has no $module"; continue; }
  [ $module != pyspark ] || command -v java >/dev/null || { echo "$engine: SKIPPED, no java"; continue; }
  out=$("$python" "$root/examples/engines/with_$engine.py" rows.parquet 2>log | tail -n 1)
  echo "$out" | awk -v e="$expected" '{ split(e, x, " "); d = $4 - x[2]; exit !($1 == x[1] && d * d < 1e-4) }' || {
    echo "$engine: $out; expected $expected"
    tail -n 5 log
    failed=1
    continue
  }
  echo "$engine: $out"
done
# Models as extensions of DuckDB, without Python.
if "$python" -c 'import duckdb' 2>/dev/null; then
  mkdir -p extensions
  "$python" "$root/tests/python/duckdb_extension.py" "$GRUS" "$folder/extensions" 2>log || { tail -n 5 log; failed=1; }
fi
# The drawing in a notebook, by IPython itself.
if "$python" -c 'import IPython, pytest' 2>/dev/null; then
  "$python" -m pytest -q -p no:cacheprovider "$root/tests/python/test_notebook.py" >log 2>&1 || { tail -n 20 log; failed=1; }
fi
# What a job writes has every row once, also if workers are killed.
if "$python" -c 'import pyspark' 2>/dev/null && command -v java >/dev/null; then
  "$python" "$root/examples/engines/with_spark.py" rows.parquet scored >/dev/null 2>log || { tail -n 5 log; failed=1; }
  "$python" - "$rows" <<'END' || failed=1
import sys, pyarrow.dataset as ds
ids = ds.dataset("scored").to_table(columns=["id"])["id"].to_numpy()
assert len(ids) == int(sys.argv[1]) and len(set(ids.tolist())) == len(ids), len(ids)
END
  "$python" "$root/examples/engines/rows.py" few.parquet 20000
  "$python" "$root/tests/python/spark_retry.py" few.parquet retried 2>log || { tail -n 5 log; failed=1; }
fi
exit $failed
