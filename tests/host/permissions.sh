#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What may not be written stays as it is. Root may write anything, so root runs this as somebody else;
# where that is not possible, the test is skipped (77).
. "$(dirname "$0")/lib.sh"
npy f.npy '<f4' C 3,2 ramp:6
mkdir locked
echo precious >locked/gain.npy
echo precious >kept.npy
run="$MODELS"
if [ "$(id -u)" -eq 0 ]; then
  chown -R 65534:65534 "$work"
  run="setpriv --reuid=65534 --regid=65534 --clear-groups $MODELS"
  $run clean --version >/dev/null 2>&1 || { echo "skipped: cannot give up root" && exit 77; }
fi
chmod 500 locked
chmod 400 kept.npy
bad=0
refused() {
  $run clean f.npy "$@" >log 2>&1
  status=$?
  if [ $status -ne 3 ] || ! grep -q 'cannot write: Permission denied' log; then
    echo "$*: status $status"
    cat log
    bad=1
  fi
}
refused --out locked
refused locked/new.npy
refused kept.npy
[ "$(cat kept.npy locked/gain.npy | uniq)" = precious ] || bad=1
[ "$(ls -A locked)" = gain.npy ] || bad=1
chmod 700 locked
exit $bad
