#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
npy caps.npy '<f4' C 3,2 ramp:6
npy caps2.npy '<f4' C 2,2 ramp:4
npy long.npy '<f4' C 6,2 ramp:12

say the length comes from the file
t words words=7,8,9 caps=caps.npy
t words words=7,8,9 caps=caps.npy --out o
show o/mean.npy o/tags.npy
say lengths that differ
t words words=7,8,9 caps=caps2.npy
say over the bound
t words words=1,2,3,4,5,6 caps=long.npy
t words words=1,2,3 caps=long.npy
printf '1\n2\n3\n4\n5\n6\n7\n' >w.csv
t words words=w.csv caps=caps.npy
# How many were read by then depends on the pipe.
(while :; do echo 1; done) 2>/dev/null | m words words=- --in-format csv caps=caps.npy 2>&1 |
  sed 's/at least [0-9]* time/at least ... time/'
say index out of range: where, and the bound
t words words=7,300,9 caps=caps.npy
t words words=7,-1,9 caps=caps.npy
t words words=7,1.5,9 caps=caps.npy
npy w.npy '<i8' C 3 1 2 9000
t words words=w.npy caps=caps.npy
printf 'word\n1\n2\n900\n' >w.csv
t words words=w.csv caps=caps.npy
say padded samples and their lengths
npy w.npy '|u1' C 2,3 1 2 3 4 0 0
npy c.npy '<f4' C 2,3,2 zero:12
npy n.npy '<i4' C 2 3 1
t words words=w.npy caps=c.npy n=n.npy --out o
show o/mean.npy o/tags.npy
t words words=w.npy caps=c.npy n=4,1
t words words=w.npy caps=c.npy words.length=2,0
say nothing at all
npy empty.npy '<f4' C 0,2
t words words=1 caps=empty.npy
: >empty.csv
t words words=1 caps=empty.csv
: >empty.raw
t words words=1 caps=empty.raw
npy none.npy '<u2' C 0,3
t words words=none.npy caps=caps.npy
say an output with fewer steps than its input
npy x.npy '<f4' C 7,2 ramp:14
t pairs x.npy
npy x.npy '<f4' C 4,2 ramp:8
t pairs x.npy y.csv
cat y.csv
npy x.npy '<f4' C 2,2 ramp:4
t pairs x.npy
npy x.npy '<f4' C 3,6,2 ramp:36
t pairs x=x.npy n=6,3,5 --out o2
show o2/y.npy
t pairs --help
