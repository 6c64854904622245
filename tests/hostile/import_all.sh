#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh import_all.sh GRUS WRAPPER FOLDER...: every model file below the folders through the grus binary:
# each is checked or refused (exit code 0, 1 or 3), nothing else, and none becomes a model that computes
# something other than its graph (E905). WRAPPER may be empty, or a
# command with options, such as `valgrind -q --error-exitcode=99`.
set -u
GRUS=$1
WRAPPER=$2
shift 2
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find "$@" -type f \( -name '*.onnx' -o -name '*.h5' -o -name '*.hdf5' -o -name '*.keras' -o -name '*.tflite' -o -name '*.nam' -o -name '*.net' \
  -o -name '*.pt2' -o -name '*.pt' -o -name '*.pth' -o -name '*.ckpt' -o -name '*.pkl' -o -name '*.pb' -o -name '*.json' \) \
  -size -40960k 2>/dev/null | sort >"$list"
[ -s "$list" ] || { echo "SKIPPED: no model files below $*"; exit 77; }
files=0 bad=0 good=0
while read -r file; do
  # shellcheck disable=SC2086  # a command and its options
  said=$(timeout 3000 $WRAPPER "$GRUS" check --diagnostics=short "$file" 2>&1 </dev/null)
  code=$?
  files=$((files + 1))
  case $code:$said in
  *'would not compute what the file computes'* | *'values of output'*'where the file gives'*)
    printf '%s\n' "$said"
    bad=$((bad + 1))
    ;;
  0:*) good=$((good + 1)) ;;
  1:* | 3:*) ;;
  *)
    printf '%s: exit code %s\n%s\n' "$file" $code "$said"
    bad=$((bad + 1))
    ;;
  esac
done <"$list"
printf '%s files, %s of them models, %s failures\n' $files $good $bad
[ $bad -eq 0 ]
