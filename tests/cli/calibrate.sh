#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus calibrate, and what becomes of ranges and rounded weights that do not fit.
set -u
grus=$1
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
