#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
mkdir in
npy in/f.npy '<f4' C 3,2 ramp:6
say inputs that cannot be read
t clean missing.npy o.npy
t clean in o.npy
t clean frame=in/f.npy h=missing.csv gain=o.npy
say outputs that cannot be written
t clean in/f.npy nowhere/o.npy
t clean in/f.npy in
t clean in/f.npy --out in/f.npy
t clean in/f.npy --out gain=in/g.npy
t clean in/f.npy --out no/where
say a full disk
t clean in/f.npy /dev/full --out-format raw
t clean in/f.npy /dev/full --out-format csv
m clean in/f.npy - >/dev/full
echo "[$?]"
m clean --help >/dev/full
echo "[$?]"
npy in/big.npy '<f4' C 50000,2 zero:100000
(ulimit -f 100; trap '' XFSZ; m clean in/big.npy big.npy; echo "[$?]") 2>&1
say an input is not overwritten
t clean in/f.npy in/f.npy
ln in/f.npy same.npy
t clean in/f.npy same.npy
npy x.npy '<f4' C 4,3 ramp:12
t total x=x.npy site=0 gain=1,0 sum=o.npy twice=./o.npy
t total x=x.npy site=0 gain=1,0 sum=o.npy twice=o.npy
say a reader that stops early
m clean in/big.npy - | head -c 8 | od -An -t f4
say an error in the middle leaves what was there
npy in/nan.npy '<f4' C 3,2 1 2 3 4 5 nan
echo precious >old.npy
t clean in/nan.npy old.npy
cat old.npy
t clean in/nan.npy --out fresh
left .
