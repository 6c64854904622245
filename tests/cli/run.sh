#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `run` and `verify`: data in, data out, wrong data, recordings good and bad.
. "$(dirname "$0")/lib.sh"
npy() { "$ARRAYS" npy "$@"; }
cat >m.grus <<'END'
grus 1

model m {
  in  x : f32[time 5, feature 2]
  in  k : index(3)
  let h = concat(x, k |> onehot |> repeat(along=x)) |> GRU(4)
  out y : f32[2]         = h |> last |> Dense(2)
  out z : f32[time 5, 4] = h
}
END
cat >s.grus <<'END'
grus 1

model s {
  in  x : f32[time .., feature 2]
  out y : f32[time .., 1] = x |> GRU(4) |> Dense(1)
}
END
W=--weights=random:1
npy x.npy '<f4' C 5,2 0.5 -0.25 0.125 1 -1 0.75 0 0.25 -0.5 0.375
printf '0.5,-0.25\n0.125,1\n-1,0.75\n' >x.csv

say run
t run m.grus $W x=x.npy k=2 | rounded
t run m.grus $W x=x.npy k=2 --out results | rounded && ls results
t run m.grus $W x=x.npy k=2 -o results2 | rounded && ls results2
t run s.grus $W x=x.csv | rounded
"$GRUS" run s.grus $W -- --in-format csv - <x.csv 2>&1 | rounded
t run s.grus $W x.csv y.csv | rounded && cat y.csv

say run by the C compiler and in memory
second=c # of a compiler built without LLVM
"$GRUS" --version | grep -q llvm && second=llvm
for how in c $second; do
  "$GRUS" run m.grus $W -O0 x=x.npy k=2 --backend=$how --out by_$how 2>&1
done
cmp by_c/y.npy by_$second/y.npy && cmp by_c/z.npy by_$second/z.npy && echo the same bytes
rm -rf by_c by_llvm

say without the LLVM backend it names the compiler
mkdir -p "$work/alone/bin" && cp "$GRUS" "$work/alone/bin/grus"
"$work/alone/bin/grus" run s.grus $W -O0 x=x.csv 2>&1 | head -1
"$work/alone/bin/grus" run -q s.grus $W -O0 x=x.csv 2>&1 | head -1

say outputs with fewer steps than the input
cat >fewer.grus <<'END'
grus 1
model fewer {
  in  x : f32[time n <= 9, 2]
  out strided : f32[time <= 5, 3] = x |> Conv1D(3, kernel=1, stride=2)
  out same    : f32[time <= 3, 3] = x |> Conv1D(3, kernel=3, padding=same, stride=3)
  out pooled  : f32[time <= 4, 2] = x |> max_pool(2)
  out framed  : f32[time <= 4, 6] = x |> frames(3, hop=2)
  out both    : f32[time <= 2, 6] = x |> frames(3, hop=2) |> mean_pool(2)
}
END
npy fewer.npy '<f4' C 4,2 ramp:8
t run fewer.grus $W fewer.npy
for batch in 1 3; do # a program by the C compiler for each, used for all lengths
  q build fewer.grus $W -q --backend=c -O0 --emit=exe --batch $batch -o fewer_program_$batch
done
by() { # HOW BATCH: all outputs into the folder fewer_by_HOW_BATCH
  if [ "$1" = c ]; then
    ./fewer_program_$2 x=fewer.npy n=$n,5 -q --out fewer_by_c_$2 || echo "program: [$?]"
  else
    q run fewer.grus $W fewer.npy n=$n,5 --backend=$1 --batch $2 --out fewer_by_$1_$2
  fi
}
for n in 5 8 9; do
  npy fewer.npy '<f4' C 2,$n,2 ramp:$((4 * n))
  for how in c $second; do
    by $how 1
    by $how 3
    for port in strided same pooled framed both; do
      cmp fewer_by_c_1/$port.npy fewer_by_${how}_3/$port.npy
    done
  done
  for port in strided same pooled framed both; do
    "$ARRAYS" show fewer_by_c_1/$port.npy | sed "s/.*'shape': \(.*\), }.*/$n steps: $port \1/"
  done
done
"$ARRAYS" show fewer_by_c_1/framed.npy
q verify fewer.grus $W
rm -rf fewer*

say what is wrong with it
t run m.grus $W x=x.npy | rounded
t run m.grus $W x=x.npy k=3 | rounded
t run m.grus $W x=x.npy k=2 q=1 | rounded
t run m.grus $W x=x.csv k=2 | rounded
t run m.grus $W x=missing.npy k=2 | rounded
head -c 150 x.npy >cut.npy
t run m.grus $W x=cut.npy k=2 | rounded
t run s.grus $W x=x.csv y=no/such/y.csv | rounded
t run

say verify without a recording
t verify m.grus $W | rounded
t verify s.grus $W | rounded

say verify against a good recording
mkdir good
cp x.npy good
npy good/k.npy '<i4' C - 2
"$GRUS" run m.grus $W x=x.npy k=2 --out good
t verify m.grus $W --against good | rounded

say against a bad one
cp -r good bad
npy bad/y.npy '<f4' C 2 0.5 0.5
t verify m.grus $W --against bad --atol 0.001 --rtol 0 | rounded
q verify m.grus $W --against bad --atol 10 >/dev/null
"$GRUS" verify m.grus $W --against bad --snr 60 >/dev/null 2>&1
echo "[$?]"

say the layer that differs, where it is recorded
npy bad/h.gru.npy '<f4' C 5,4 ramp:20
t verify m.grus $W --against bad | rounded

say many samples, as one folder and as one file
mkdir many
cat >mono.grus <<'END'
grus 1
model mono {
  in  x : f32[time 5, feature 1]
  out y : f32[2] = x |> GRU(3) |> last |> Dense(2)
}
END
npy many/x.npy '<f4' C 4,5,2 ramp:40
npy many/k.npy '<i4' C - 2
"$GRUS" run m.grus $W x=many/x.npy k=2 --out many
t verify m.grus $W --against many | rounded
t verify m.grus $W --against many --batch 3 | rounded
(cd many && zip -q -0 ../many.npz *.npy)
t verify m.grus $W --against many.npz | rounded
rm many/x.npy many/k.npy
t verify m.grus $W --against many x=good/x.npy k=good/k.npy --atol 10 | rounded
t verify m.grus $W --against many | rounded
t verify m.grus $W --against many z=good/x.npy
npy mono.npy '<f4' C 3,5 ramp:15
t verify mono.grus $W x=mono.npy | rounded
npy mono.npy '<f4' C 5 ramp:5
t verify mono.grus $W x=mono.npy | rounded

say what is wrong with a recording
t verify m.grus $W --against nowhere | rounded
mkdir partial wrong
cp x.npy partial
t verify m.grus $W --against partial | rounded | grep -v 'max error'
cp good/* wrong
npy wrong/x.npy '<f4' C 4,2 ramp:8
t verify m.grus $W --against wrong | rounded
npy wrong/x.npy '<f4' C 5,3 ramp:15
t verify m.grus $W --against wrong | rounded
cp good/x.npy wrong
npy wrong/k.npy '<i4' C - 7
t verify m.grus $W --against wrong | rounded
cp good/k.npy wrong
cp cut.npy wrong/y.npy
t verify m.grus $W --against wrong | rounded | grep -v 'max error'
t verify m.grus $W --atol x | rounded
t verify m.grus $W --snr | rounded
rm -rf good bad wrong partial results results2 many many.npz mono.npy mono.grus
left
say options of the program behind the file
printf '# k\nt,id,a,b\n0,q,1,2\n1,q,3,4\n0,r,1,1\n' >long.csv
cat >sums.grus <<'END'
grus 1

model sums {
  in  x : f32[time n <= 6, 2]
  out y : f32[2] = x |> mean
}
END
t run sums.grus x=long.csv --id id --skip=t --out-format jsonl y=-
printf '[[1,2],[3,4]]\n[[1,1]]\n' | "$GRUS" run sums.grus
t run sums.grus x=long.csv --id
t run --id id sums.grus x=long.csv

say verify reads what run reads
mkdir recorded
q run m.grus $W x=x.npy k=2 --out recorded
q run m.grus $W x=x.npy k=2 --out recorded --out-format csv
rm recorded/*.npy
printf '0.5,-0.25\n0.125,1\n-1,0.75\n0,0.25\n-0.5,0.375\n' >recorded/x.csv
t verify m.grus $W --against recorded k=2 | rounded
t verify s.grus $W x=x.csv | rounded
printf '{"x":[0.5,-0.25]}\n{"x":[0.125,1]}\n' >x.jsonl
t verify s.grus $W x=x.jsonl | rounded
sed 's/^0.125/nan/' recorded/x.csv >nan.csv
t verify m.grus $W x=nan.csv k=2
t run m.grus $W x=nan.csv k=2
npy_of_two() { # NUMBERS, as octal bytes
  printf '\223NUMPY\001\000v\000%-117s\n' "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
  printf "$1"
}
npy_of_two '\000\000\000\000\000\000\300\177' >nan.npy
t verify s.grus $W x=nan.npy
t verify m.grus $W x=x.csv k=2
sed '2s/0\./3./' recorded/y.csv >changed.csv
mv changed.csv recorded/y.csv
t verify m.grus $W --against recorded k=2 | rounded

say NaN in what verify is given
printf 'grus 1\nmodel m {\n  in  x : f32[time 3, 2]\n  out y : f32[time 3, 2] = x |> relu\n}\n' >nans.grus
printf '1,2\nnan,3\n1,1\n' >nans.csv
t verify nans.grus x=nans.csv
q verify nans.grus x=nans.csv --allow-nan

say a frame of a .wav has at most 65,535 bytes
printf 'grus 1\n\nmodel m {\n  in  x : f32[time .., feature 16384]\n  out y : f32[time .., 16384] = x |> relu\n}\n' >wide.grus
sed 's/16384/16383/g' wide.grus >narrower.grus
npy wide.npy '<f4' C 2,16384 zero:32768
npy narrower.npy '<f4' C 2,16383 zero:32766
t run wide.grus wide.npy --rate 8000 wide.wav
t run narrower.grus narrower.npy --rate 8000 wide.wav
