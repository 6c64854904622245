#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
say every number type, byte order and axis order
for type in '<f2' '>f2' '<f4' '>f4' '<f8' '>f8' '|i1' '<i2' '>i2' '<i4' '>i4' '<i8' '>i8' '|u1' '<u2' \
  '<u4' '<u8' '>u8'; do
  npy x.npy "$type" C 4,3 ramp:12
  t total x=x.npy site=0 gain=1,0 sum=- --out-format csv --no-header
done
npy x.npy '<f4' F 4,3 0 3 6 9 1 4 7 10 2 5 8 11
t total x=x.npy site=0 gain=1,0 sum=- --out-format csv --no-header
npy x.npy '|b1' C 4,3 1 0 1 1 0 1 1 0 1 1 0 1
t total x=x.npy site=0 gain=1,0 sum=- --out-format csv --no-header
npy x.npy '>i2' C 4,3 -1 -2 -3 -4 -5 -6 -7 -8 -9 -32768 0 0
t total x=x.npy site=0 gain=1,0 sum=- --out-format csv --no-header

say shapes
npy x.npy '<f4' C 3,3 ramp:9
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 3,4 ramp:12
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 12 ramp:12
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 2,4,2 ramp:16
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 0,4,3
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' - ''
say values
npy x.npy '<f4' C 4,3 0 1 2 3 4 nan 6 7 8 9 10 11
t total x=x.npy site=0 gain=1,0
t total x=x.npy site=0 gain=1,0 sum=- --allow-nan --out-format csv
npy x.npy '<f8' C 4,3 0 1 2 3 4 5 6 7 1e300 9 10 11
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 4,3 0 1 2 3 4 5 6 7 -inf 9 10 11
t total x=x.npy site=0 gain=1,0
npy x.npy '<i4' C 4,3 0 1 2 3 4 5 6 7 16777217 9 10 11
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 4,3 ramp:12
npy site.npy '<f4' C 2 1 1.5
t total x=x.npy site=site.npy gain=1,0

say damaged files
npy good.npy '<f4' C 4,3 ramp:12
for n in 0 5 9 40 127 128 170; do
  head -c $n good.npy >x.npy
  t total x=x.npy site=0 gain=1,0
done
head -c 170 good.npy | m total x=- --in-format npy site=0 gain=1,0 sum=s.npy 2>&1
(cat good.npy; echo) >x.npy
t total x=x.npy site=0 gain=1,0
npy x.npy '<c8' C 4,3 ramp:12
t total x=x.npy site=0 gain=1,0
npy x.npy '<U4' C 4,3 ramp:12
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' C 4,99999999999,99999999999,3
t total x=x.npy site=0 gain=1,0
npy x.npy '<f4' F 99999999999,3 1
t total x=x.npy site=0 gain=1,0
printf '\223NUMPY\003\000\377\377\377\377' >x.npy
t total x=x.npy site=0 gain=1,0
printf '\223NUMPY\004\000\166\000' >x.npy
t total x=x.npy site=0 gain=1,0
left .
