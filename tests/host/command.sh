#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
npy f.npy '<f4' C 3,2 ramp:6
npy x.npy '<f4' C 4,3 ramp:12
t total
t total x=x.npy
t total x=x.npy sit=1 gain=1,2
t total x=x.npy zzz=1
t total x=x.npy x=y.npy
t total x=
t clean f.npy o.npy third.npy
t clean f.npy frame=f.npy
t clean f.npy gain=a.npy b.npy
t total x.npy sum.npy
t total x=x.npy site=0 gain=- sum=- twice=-
t total x=- site=- gain=1,0
t audio pcm=1,2,3
t clean f.npy --bogus
t clean f.npy --out
t clean f.npy --quiet=yes
t clean f.npy --out-format mp3
t clean f.npy --in-format=mp3
t clean f.npy --wav-bits 12
t clean f.npy --rate fast
t clean f.npy --color sometimes
t clean f.npy --progress=often
t clean --color=always missing.npy
t clean --color always missing.npy
t clean -- f.npy
t clean --version
raw p.f32 '<f4' zero:370
t audio p.f32 level=- --out-format csv
t audio p.f32 level=- --out-format csv -q
