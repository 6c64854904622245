#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
npy f.npy '<f4' C 3,2 ramp:6
for format in npy csv raw f32 f64 f16 s16 s24 wav; do
  t clean f.npy --out o --out-format $format
done
left o
od -An -t f8 -v o/gain.f64
od -An -t d2 -v o/gain.s16
show o/gain.npy o/gain.wav
cat o/gain.csv
say an unknown ending
t clean f.npy o.xyz
t clean f.npy o.xyz --out-format csv
cat o.xyz
cp f.npy data
t clean data - --out-format csv
cp o/gain.csv data
t clean data
t clean data --in-format csv
say only what is asked for
npy x.npy '<f4' C 4,3 ramp:12
t total x=x.npy site=0 gain=1,1 sum=only.csv
cat only.csv
t total x=x.npy site=0 gain=1,1 sum=only.csv --out rest
left rest
say integers in raw files must fit
printf '1\n2\n' >v.csv
t voice v.csv o.s8
t voice v.csv o.f16
t voice v.csv o.s32
od -An -t d4 -v o.s32
say permissions: new files follow umask, replaced files keep theirs, links stay links
umask 027
t clean f.npy new.npy
ls -l new.npy | cut -c1-10
chmod 604 new.npy
ln -s new.npy link.npy
t clean f.npy link.npy
ls -l new.npy link.npy | cut -c1-10
