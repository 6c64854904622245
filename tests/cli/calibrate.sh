#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus calibrate, and what becomes of ranges and rounded weights that do not fit.
set -u
grus=$1 make_weights=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

run() {
  echo "\$ grus $*"
  "$grus" "$@" >printed 2>&1
  status=$?
  # decibels and scales are those of this machine's tanh
  sed -E 's/ *[0-9]+\.[0-9] dB\*?/ N dB/g; s/ +[0-9]+%/ N%/; s/scale of [0-9.e-]+,/scale of N,/; s/give it [0-9.e-]+$/give it N/; /^\* rounded/d' printed
  [ $status = 0 ] || echo "[$status]"
}

cat >meter.grus <<'END'
grus 1

model meter {
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 3]
  out y : f32[time .., 1] = x |> Dense(6) |> tanh |> GRU(8) |> Dense(1)
}
END
awk 'BEGIN { for (t = 0; t < 1200; t++) print sin(t * 0.05) "," sin(t * 0.13 + 1) "," cos(t * 0.31) * 0.5 }' >x.csv
awk 'BEGIN { for (t = 0; t < 16; t++) print sin(t * 0.3) "," sin(t * 0.7) "," cos(t) }' >short.csv
awk 'BEGIN { for (t = 0; t < 40; t++) print "0.5,0.5,0.5" }' >same.csv
: >empty.csv
sed '7s/^[^,]*/nan/' x.csv >nan.csv
awk 'BEGIN { for (t = 0; t < 1200; t++) { a = 1.3 * sin(t * 0.05); print (a > 1 ? 1 : a) "," cos(t * 0.1) * 0.1 "," sin(t) } }' >clipped.csv
w="--weights random:5"

echo "# measured and rounded"
run calibrate meter.grus x=x.csv $w --precision i16
shown_ranges() {
  awk '/^range/ { print $1, $2; next } /^snr/ { print $1, $2, $3; next } /^total|^rounded/ { print $1; next } /^#/ { next } { print }' "$1"
}
shown_ranges meter.ranges
run verify meter.grus $w --precision i16 --ranges meter.ranges
"$grus" inspect meter.grus $w --precision i16 --ranges meter.ranges --html >page.html
grep -o '<td>i16</td><td>[0-9.]*</td>' page.html | sed 's/[0-9]*\.[0-9]/N/'
grep -o '[0-9.]* dB in integers on the data of calibration' page.html | sed 's/^[0-9.]*/N/'
cp meter.ranges first.ranges
cp meter.q.safetensors first.safetensors
run calibrate meter.grus x=x.csv x=short.csv $w --precision i16 -q >/dev/null
run calibrate meter.grus x=x.csv $w --precision i16 -q >/dev/null
cmp meter.ranges first.ranges && cmp meter.q.safetensors first.safetensors && echo "the same data gives the same bytes"

echo
echo "# a mixture for a floor, and one for a budget"
run calibrate meter.grus x=x.csv $w --precision i8 --snr 60dB -o low.ranges -q
run calibrate meter.grus x=x.csv $w --precision i16 --snr 40 -o low.ranges -q
run calibrate meter.grus x=x.csv $w --precision i16 --max-flash 720 -o low.ranges -q
run calibrate meter.grus x=x.csv $w --precision i16 --max-flash 100 -o low.ranges -q
run calibrate meter.grus x=x.csv $w --precision i16 --snr 150 -o low.ranges -q
run calibrate meter.grus x=x.csv $w --precision i16 --snr loud -o low.ranges -q

echo
echo "# precisions into the source: comments and layout stay, blocks are edited once, and it builds as it is"
cat >mix.grus <<'END'
grus 1

block Wide(n) {
  in  x
  out y = x |> Dense(n) |> tanh   # both uses
}

# A meter.
model mix {   # of three axes
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 3]
  out y : f32[time .., 2] = x |> Wide(5) |> Wide(6)
    |> GRU(8,         # eight
           from="y.gru"   # trained
          )
    |> Dense(units=2)
}
END
run calibrate mix.grus x=x.csv $w --precision i16 --snr 75 --write
cat mix.grus
shown_ranges mix.ranges
run verify mix.grus $w --ranges mix.ranges
run inspect mix.grus $w --ranges mix.ranges
run build mix.grus $w --ranges mix.ranges -o mix.c
run calibrate mix.grus x=x.csv $w --snr 40 --write -q
cat mix.grus

echo
echo "# nothing is written by halves"
cp mix.grus whole.grus
cp mix.ranges whole.ranges
run calibrate mix.grus x=x.csv $w --snr 150 --write -q
cmp mix.grus whole.grus && cmp mix.ranges whole.ranges && echo "as before"
run calibrate mix.grus x=x.csv $w --snr 40 --write -q -o gone/mix.ranges
run calibrate - x=x.csv $w --write <mix.grus
cmp mix.grus whole.grus && cmp mix.ranges whole.ranges && echo "as before"
cat >uses.grus <<'END'
grus 1

use "parts.grus"

model uses {
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 3]
  out y : f32[time .., 1] = x |> Part(5) |> Dense(1)
}
END
cat >parts.grus <<'END'
grus 1

block Part(n) {
  in  x
  out y = x |> Dense(n) |> tanh
}
END
run calibrate uses.grus x=x.csv $w --precision i16 --snr 75 --write -q
grep -c precision uses.grus parts.grus

echo
echo "# w8 with data: rounded weights as well, convolutions too; the ranges beside the model are read for them"
cat >conv.grus <<'END'
grus 1

model conv {
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 3]
  out y : f32[time .., 1] = x |> Conv1D(8, kernel=5, padding=causal) |> relu
    |> Conv1D(8, kernel=3, padding=causal, groups=4, bias=false) |> GRU(8) |> LSTM(6) |> Dense(1)
}
END
run calibrate conv.grus x=x.csv $w --precision w8
shown_ranges conv.ranges
# same_c A B: but for the names of their headers
same_c() {
  sed 's/"[a-z]*[.]h"/"X.h"/' "$1" >a.txt
  sed 's/"[a-z]*[.]h"/"X.h"/' "$2" >b.txt
  cmp a.txt b.txt
}
"$grus" build conv.grus $w --precision w8 --ranges conv.ranges -q -o rounded.c
sed '/^rounded/d' conv.ranges >nearest.ranges
"$grus" build conv.grus $w --precision w8 --ranges nearest.ranges -q -o nearest.c
"$grus" build conv.grus $w --precision w8 -q -o plain.c
same_c rounded.c nearest.c >/dev/null || echo "rounded weights are others"
same_c nearest.c plain.c && echo "without data w8 rounds to nearest"
# code_of OPTION...: the code that a block of weights is for
code_of() { "$grus" weights conv.grus $w --precision w8 "$@" -o block 2>&1 | sed 's/.* code //'; }
[ "$(code_of --ranges conv.ranges)" = "$(code_of)" ] && echo "code with weights at run time takes rounded ones and others"
"$grus" verify conv.grus $w --precision w8 --ranges conv.ranges | sed 's/max error.*SNR/close, SNR/; s/SNR .*dB/SNR N dB/'
run calibrate conv.grus x=x.csv $w --precision w8 --snr 20 -q
run calibrate conv.grus x=x.csv $w --precision i16
run verify conv.grus $w --precision i16 --ranges conv.ranges
"$grus" build conv.grus $w --precision w8 --ranges conv.ranges -q -o other.c && same_c other.c plain.c && echo "i16's rounding is not for w8"

echo
echo "# answers"
run verify mix.grus $w --ranges mix.ranges --metric argmax:1% --snr 40dB
run verify meter.grus $w --metric argmax
run verify meter.grus $w --metric argmin

echo
echo "# data that will not do"
run calibrate meter.grus x=short.csv $w --precision i16 -o short.ranges
run calibrate meter.grus x=same.csv $w --precision i16 -o none.ranges
run calibrate meter.grus x=nan.csv $w --precision i16 -o none.ranges
run calibrate meter.grus x=clipped.csv $w --precision i16 -o none.ranges -q --werror=clipped_range
awk 'BEGIN { for (t = 0; t < 900; t++) print (t == 3 ? 20 : 0.15 * sin(t * 0.05)) }' >impulse.csv
cat >knock.grus <<'END'
grus 1

model knock {
  allow state_never_reset
  in  x : f32[time .., 1]
  out y : f32[time .., 1] = x |> RNN(4, bias=false) |> Dense(1, bias=false)
}
END
run calibrate knock.grus x=impulse.csv --weights random:1 --precision i8 -o none.ranges -q --werror=low_snr
cat >slow.grus <<'END'
grus 1

model slow {
  allow state_never_reset
  weights keras "slow.safetensors"
  in  x : f32[time .., 1]
  out y : f32[time .., 2] = x |> LSTM(2) |> GRU(2)
}
END
# forget gates near 1: f of the first unit of the LSTM; z of both of the GRU
cat >slow.weights <<'END'
tensor y.lstm.kernel 1x8 all 0.5
tensor y.lstm.recurrent_kernel 2x8 all 0.1
tensor y.lstm.bias 8 all 0
set 2 12
tensor y.gru.kernel 2x6 all 0.5
tensor y.gru.recurrent_kernel 2x6 all 0.1
tensor y.gru.bias 2x6 all 0
set 0 11
set 1 14
END
"$make_weights" slow.weights slow.safetensors
awk 'BEGIN { for (t = 0; t < 900; t++) print sin(t * 0.05) }' >minutes.csv
run calibrate slow.grus x=minutes.csv --precision i16 -o none.ranges -q --werror=slow_gate
run calibrate meter.grus x=empty.csv $w --precision i16 -o none.ranges
run calibrate meter.grus x=gone.csv $w --precision i16 -o none.ranges
run calibrate meter.grus x=x.csv $w -o none.ranges
run calibrate meter.grus x=x.csv $w --precision i12 -o none.ranges
ls none.ranges none.q.safetensors 2>/dev/null

echo
echo "# E705: other weights, other ranges"
run build meter.grus --weights random:6 --precision i16 --ranges meter.ranges -o out.c
sed 's/^range   x .*/range   x  -9 9/' meter.ranges >edited.ranges
cp meter.q.safetensors edited.q.safetensors
run build meter.grus $w --precision i16 --ranges edited.ranges -o out.c
cp meter.ranges damaged.ranges
sed -i 's/meter.q/damaged.q/' damaged.ranges
head -c -1 meter.q.safetensors >damaged.q.safetensors
tail -c 1 meter.q.safetensors | tr '\000-\377' '\001-\377\000' >>damaged.q.safetensors
"$grus" build meter.grus $w --precision i16 --ranges damaged.ranges -o out.c 2>&1 | sed 's/[0-9a-f]\{12,64\}/DIGEST/g'
sed '/^rounded/d' edited.ranges >plain.ranges
run verify meter.grus $w --precision i16 --ranges plain.ranges

# The largest bias there is, in a file whose digest nobody checks: one unit more than the weights leave.
sed 's/meter.q/over.q/; s/\(^rounded .*\) sha256 .*/\1/' meter.ranges >over.ranges
cp meter.q.safetensors over.q.safetensors
header=$(od -An -tu8 -N8 over.q.safetensors | tr -d ' ')
bias=$(head -c $((8 + header)) over.q.safetensors | tail -c "$header" | sed 's/.*"y.gru.0.U.bias":{[^}]*"data_offsets":\[\([0-9]*\).*/\1/')
# -128 is no weight of 8 bits.
cp over.q.safetensors edge.q.safetensors
sed 's/over.q/edge.q/' over.ranges >edge.ranges
weight=$(head -c $((8 + header)) over.q.safetensors | tail -c "$header" | sed 's/.*"y.gru.0.U.weight":{[^}]*"data_offsets":\[\([0-9]*\).*/\1/')
printf '\200' | dd of=edge.q.safetensors bs=1 seek=$((8 + header + weight)) conv=notrunc 2>/dev/null
run build meter.grus $w --precision i16 --ranges edge.ranges -o out.c
printf '\377\377\377\177' | dd of=over.q.safetensors bs=1 seek=$((8 + header + bias)) conv=notrunc 2>/dev/null
run build meter.grus $w --precision i16 --ranges over.ranges -o out.c

echo
echo "# zero points: a mean far from what 8 bits hold, and ranges without zero"
cat >port.grus <<'END'
grus 1

model port {
  allow state_never_reset, ordinal_weights
  in  x : i8[time .., 3]
  out y : f32[time .., 2] = x |> normalize(mean=500, std=64) |> GRU(4) |> Dense(2)
}
END
run verify port.grus $w --precision i8
sed -i 's/mean=500/mean=-129.5/' port.grus
run verify port.grus $w --precision i8
sed -i 's/mean=-129.5/mean=1e9/' port.grus
run verify port.grus $w --precision i8
for range in "3 5" "-5 -3" "-1e-38 0" "1e30 1e38"; do
  sed "s/^range   x .*/range   x  $range/; /^rounded/d" meter.ranges >zero.ranges
  run verify meter.grus $w --precision i8 --ranges zero.ranges
done

echo
echo "# E706: what is no range"
broken() {
  sed "$1" plain.ranges >broken.ranges
  run build meter.grus $w --precision i16 --ranges broken.ranges -o out.c
}
broken 's/^range   x .*/range x 5 -5/'
broken 's/^range   x .*/range x nan 1/'
broken 's/^range   x .*/range x 1/'
broken 's/^range   y.gru .*/range y.gro -1 1/'
broken 's/^grus-ranges 1/grus-ranges 7/'
broken 's/^data .*/dates/'
broken '/^range   y.tanh/d; /^range   x /d'
broken 's/^snr  *y.gru .*/snr y.gru i16/'
broken 's/^snr  *y.gru .*/snr y.gru/'
run build meter.grus $w --precision i16 --ranges gone.ranges -o out.c
truncate -s 100M huge.ranges
run build meter.grus $w --precision i16 --ranges huge.ranges -o out.c
ls out.c 2>/dev/null

echo
echo "# weights that are integers already are not rounded, however short the data is"
cp "$root/tests/conformance/onnx/fixtures/integers/dynamic_lstm.onnx" integers.onnx
run import integers.onnx -q -o integers.grus
awk 'BEGIN { for (t = 0; t < 7; t++) print sin(t), cos(t), sin(t * t) }' OFS=, >seven.csv
run calibrate integers.grus x=seven.csv --precision i16

echo
echo "# an LSTM in f32 whose state leaves -1..1, before a stage in integers: no warning of a low ratio"
cat >wide.grus <<'END'
grus 1

model wide {
  allow state_never_reset
  in  x : f32[time .., 3]
  out y : f32[time .., 2] = x * 4 |> LSTM(4, activation=relu, cell_clip=6, precision=f32) |> Dense(2)
}
END
run calibrate wide.grus x=x.csv --weights random:3 --precision i16 --werror=low_snr

echo
echo "# a model that names its precision finds the ranges next to it, as with --precision"
cat >said.grus <<'END'
grus 1

model said {
  precision i16
  in  x : f32[time 40, 3]
  out y : f32[2] = x |> Dense(5, bias=false) |> GRU(4, bias=false) |> last |> Dense(2, bias=false)
}
END
run check said.grus
for part in 1 2 3 4 5 6; do sed -n "$((part * 40 - 39)),$((part * 40))p" x.csv >part$part.csv; done
run calibrate said.grus x=part1.csv x=part2.csv x=part3.csv x=part4.csv x=part5.csv x=part6.csv $w -q
run check said.grus
run build said.grus $w -o said.c
run build said.grus --weights random:6 -q -o said.c
sed -i '/^weights/d; /^rounded/d; /^snr/d; /^total/d' said.ranges
run build said.grus --weights random:6 -o said.c
grep -c . said.ranges
sed -i '/^range   x /d' said.ranges
run build said.grus --weights random:6 -q -o said.c

echo
echo "# an input too large for the result of its stage"
cat >ratio.grus <<'END'
grus 1

model ratio {
  ranges "ratio.ranges"
  precision i16
  in  x : f32[time 20, 4]
  out y : f32[time 20, 3] = x |> Dense(4) |> concat(x) |> tanh |> Dense(3, from="d")
}
END
printf 'grus-ranges 1\nrange x -1200 1200\nrange y.dense -9 9\nrange y.concat -1200 1200\nrange y.dense_2 -1 1\n' >ratio.ranges
run build ratio.grus $w -o ratio.c
sed -i 's/1200/900/g' ratio.ranges
run build ratio.grus $w -q -o ratio.c

echo
echo "# from a Keras file to a header in integers"
cp "$root/tests/conformance/keras/fixtures/lstm.h5" .
awk 'BEGIN { for (i = 0; i < 200; i++) print sin(i), cos(i * 1.7), sin(i * i) >("k" int(i / 5) ".csv") }' OFS=,
run import lstm.h5 -q -o keras.grus
set -- # a recording is five steps
for file in k*.csv; do set -- "$@" "input_layer=$file"; done
run calibrate keras.grus "$@" --precision i16 --snr 40dB --write | sed 's/\(input_layer=\)k0.*csv/\1.../'
grep -e precision -e ranges keras.grus
run build keras.grus -q --emit=header --target cortex-m0 -o keras.h
grep "_run(.*;" keras.h
"$grus" verify keras.grus --snr 40dB >/dev/null && echo verified
exit 0
