#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
npy x.npy '<f4' C 4,3 ramp:12
npy many.npy '<f4' C 2,4,3 ramp:24
npy gains.npy '<f8' C 2,2 1 0 2 1

say one sample, printed
t total x=x.npy site=2 gain=1,10
say into a folder that is made
t total x=x.npy site=2 gain=1,10 --out results
left results
show results/sum.npy results/twice.npy
say many samples along a leading axis, one value shared by all
t total x=many.npy site=1 gain=gains.npy --out results
show results/sum.npy results/twice.npy
t total x=many.npy site=1 gain=gains.npy sum=- --out-format csv
t total x=many.npy site=1 gain=1,0 twice=twice.csv
cat twice.csv
say samples that do not agree
npy three.npy '<f4' C 3,2 ramp:6
t total x=many.npy site=1 gain=three.npy
say raw: concatenated samples
raw x.f32 '<f4' ramp:24
t total x=x.f32 site=0 gain=1,0 sum=-  --out-format csv --no-header
say planar storage, batches of two, the last one not full
npy p.npy '<f4' C 3,2,3 ramp:18
t planar x=p.npy --out results
show results/y.npy results/peak.npy
printf '1,10\n2,20\n3,30\n' >p.csv
say a csv has one row a step, whatever the storage
t planar x=p.csv
t planar x=p.csv y=y.raw
od -An -t f4 -v y.raw
