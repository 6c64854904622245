#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
npy f.npy '<f4' C 5,2 ramp:10
npy ff.npy '<f4' F 5,2 0 2 4 6 8 1 3 5 7 9

say in, out, by name or by place
t clean frame=f.npy
t clean f.npy g.npy
show g.npy
t clean frame=ff.npy gain=g.npy
show g.npy
say an initial state
t clean f.npy h=10,20 --no-header
say standard input to standard output, raw
raw f.f32 '<f4' ramp:6
m clean <f.f32 | od -An -t f4 -v
m clean h=1,1 - - <f.f32 | od -An -t f4 -v
say csv through a pipe
printf '1 2\n3 4\n' | m clean --in-format csv
say answers come while the input is still open
mkfifo in out
m clean --in-format csv --no-header <in >out &
exec 3>in 4<out
echo 1,2 >&3
read -r line <&4 && echo "$line"
echo 3,4 >&3
read -r line <&4 && echo "$line"
exec 3>&- 4<&-
wait
say a stream that ends inside a step
raw f.raw '<f4' ramp:7
t clean f.raw g.raw
left .
printf '1,2\n3\n' >odd.csv
t clean odd.csv
say inputs on one clock
printf '1\n2\n3\n' >a.csv
printf '1\n2\n' >b.csv
t pair a=a.csv b=a.csv k=10
t pair a=a.csv b=b.csv k=10 s=s.csv
t pair a=b.csv b=a.csv k=1,2
left .
say history and periods: the first call gives nothing, the last one is not full
raw p.f32 '<f4' ramp:360
t audio p.f32 --out o
show o/half.npy o/level.npy
raw short.f32 '<f4' ramp:100
t audio short.f32 --out o2
left o2
say wrong shapes
npy bad.npy '<f4' C 5,3 ramp:15
t clean bad.npy
npy bad.npy '<f4' C 1,5,2 ramp:10
t clean bad.npy
npy bad.npy '<f4' C 0,2
t clean bad.npy
: >empty.raw
t clean empty.raw
t clean frame=f.npy h=1
say an .npy cannot begin without its length
t clean f.npy - --out-format npy
m clean <f.npy --out-format npy >g.npy
show g.npy
m clean <f.npy --out-format npy >>g.npy
echo "[$?]"
