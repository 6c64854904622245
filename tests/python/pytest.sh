#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# pytest.sh PYTHON GRUS FILE FOLDER few|all [ARG...]: one file of tests against the package in the source tree,
# by ctypes, and again by the extension where this Python can build it. `few` takes by the extension what calls
# models, but for what is marked slow.
set -eu
python=$1
GRUS=$2
file=$3
folder=$4
ways=$5
shift 5
root=$(cd "$(dirname "$0")/../.." && pwd)
"$python" -c 'import numpy, pytest' 2>/dev/null || {
  echo "SKIPPED: $python has no numpy or no pytest; apt-get install python3-numpy python3-pytest"
  exit 77
}
rm -rf "$folder"
mkdir -p "$folder/cache"
GRUS_CACHE=$folder/cache
PYTHONPATH=$root/python
PYTHONDONTWRITEBYTECODE=1
export GRUS GRUS_CACHE PYTHONPATH PYTHONDONTWRITEBYTECODE
cd "$folder"
"$python" -m pytest -q -rs -p no:cacheprovider --basetemp="$folder/tmp" "$@" "$file"

case $ways:$file in few:*_arrow.py | few:*_compile.py | few:*_notebook.py) exit 0 ;; esac
mkdir package
cp -R "$root/python/grus" package/grus
reason=$("$python" "$root/tests/python/extension.py" package/grus)
[ -z "$reason" ] || { echo "SKIPPED in part, the tests by the extension: $reason"; exit 0; }
PYTHONPATH=$folder/package
GRUS_TEST_EXTENSION=yes
export PYTHONPATH GRUS_TEST_EXTENSION
slow=
[ "$ways" = all ] || slow='not slow'
"$python" -m pytest -q -rs -p no:cacheprovider --basetemp="$folder/tmp" -m "$slow" "$@" "$file"
