#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# engines.sh PYTHON GRUS FOLDER [ROWS]: the examples of examples/engines over a Parquet file of ROWS rows (a million)
# give the number and the sum of scores that the model gives alone. Engines that PYTHON does not have are skipped.
set -eu
python=$1
GRUS=$2
folder=$3
rows=${4:-1000000}
root=$(cd "$(dirname "$0")/../.." && pwd)
"$python" -c 'import numpy, pyarrow' 2>/dev/null || { echo "SKIPPED: $python has no numpy or no pyarrow"; exit 77; }
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
for engine in duckdb polars datafusion spark; do
  module=$engine
  [ $engine != spark ] || module=pyspark
  "$python" -c "import $module" 2>/dev/null || { echo "$engine: SKIPPED, $python has no $module"; continue; }
  [ $engine != spark ] || command -v java >/dev/null || { echo "spark: SKIPPED, no java"; continue; }
  out=$("$python" "$root/examples/engines/with_$engine.py" rows.parquet 2>log | tail -n 1)
  echo "$out" | awk -v e="$expected" '{ split(e, x, " "); d = $4 - x[2]; exit !($1 == x[1] && d * d < 1e-4) }' || {
    echo "$engine: $out; expected $expected"
    tail -n 5 log
    failed=1
    continue
  }
  echo "$engine: $out"
done
# What a job writes has every row once.
if "$python" -c 'import pyspark' 2>/dev/null && command -v java >/dev/null; then
  "$python" "$root/examples/engines/with_spark.py" rows.parquet scored >/dev/null 2>log || { tail -n 5 log; failed=1; }
  "$python" - "$rows" <<'END' || failed=1
import sys, pyarrow.dataset as ds
ids = ds.dataset("scored").to_table(columns=["id"])["id"].to_numpy()
assert len(ids) == int(sys.argv[1]) and len(set(ids.tolist())) == len(ids), len(ids)
END
fi
exit $failed
