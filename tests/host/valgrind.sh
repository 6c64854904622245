#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh valgrind.sh VALGRIND MODELS ARRAYS: no leak and no wrong access on good and bad paths.
set -u
VALGRIND=$1
shift
. "$(dirname "$0")/lib.sh"
bad=0
v() {
  want=$1
  shift
  "$VALGRIND" -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all \
    --error-exitcode=99 "$MODELS" "$@" >log 2>&1 </dev/null
  status=$?
  [ $status -eq $want ] && return
  printf '%s: status %s, expected %s\n' "$*" $status $want
  cat log
  bad=1
}
npy x.npy '<f4' C 4,3 ramp:12
npy m.npy '>i2' F 2,4,3 ramp:24
npy f.npy '<f4' C 5,2 ramp:10
npy c.npy '<f4' C 3,2 ramp:6
npy nan.npy '<f4' C 2,2 1 2 3 nan
wav p.wav 16000 1 16 zero:400
printf 'a,b\n1,2\n3,4\n' >x.csv
printf 'a,b\n1,2\n3\n' >bad.csv
head -c 150 f.npy >cut.npy
v 0 total x=x.npy site=2 gain=1,2
v 0 total x=m.npy site=2 gain=1,2 --out o
v 0 words words=1,2,3 caps=c.npy n=2 --out o
npy s.npy '<f4' C 3,7,2 ramp:42
v 0 pairs x=s.npy n=7,3,4 --out o
v 0 pairs f.npy
v 0 planar x=1,2,3,4,5,6 y=y.csv
v 0 clean f.npy g.npy
v 0 clean x.csv g.csv
v 0 audio p.wav half=h.wav
v 0 fall f.npy
v 0 clean --help
v 1 clean bad.csv --out o3
v 1 clean nan.npy g.wav
v 1 clean cut.npy
v 1 words words=1,2,300 caps=c.npy
v 1 words words=1,2,3,4 caps=c.npy
v 2 clean f.npy f.npy
v 2 clean bogus=1
v 3 clean f.npy /dev/full --out-format raw
v 3 clean missing.npy
cp "$(dirname "$0")"/fixtures/*.npz .
v 0 total one.npz --out out.npz
v 0 total many.npz --out many_out.npz
head -c 500 many.npz >cut.npz
v 1 total cut.npz --out cut_out.npz
printf '[1, 2, 3]\n[4]\n' >w.jsonl
v 1 words words=w.jsonl caps=0,0
printf '{"words": [1, 2], "caps": [[1, 0], [0, 1]]}\n{"words": [3], "caps": [[1, 1]]}\n' >both.jsonl
v 0 words both.jsonl tags=tags.jsonl
printf 'id,t,word\na,0,1\na,1,2\nb,0,3\n' >long.csv
printf 'id,x,y\na,0,1\na,1,2\nb,0,3\n' >caps.csv
v 0 words words=long.csv caps=caps.csv --id id --skip t --out samples
exit $bad
