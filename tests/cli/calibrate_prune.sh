#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus calibrate --prune: blocks of zeros by data. Compiled code has the bits of the integer evaluator on the
# pruned weights, with the zeros left out and with them multiplied; the zeros are counted in the file itself.
# A model in f32 gets a weights file, with as many zeros as grus inspect leaves out.
set -u
grus=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

run() {
  echo "\$ grus $*"
  "$grus" "$@" >printed 2>&1
  status=$?
  # decibels, and what they make of a table, are those of this machine's tanh
  sed -E 's/ *-?[0-9]+\.[0-9] dB\*?/ N dB/g; s/ +[0-9]+%$/ N%/; s/[0-9.k]+ (multiply-adds a call and) [0-9.]+ (B|KiB)/N \1 N B/
    /^warning.W704/,/^$/d; /^grus: 1 warning/d' printed
  [ $status = 0 ] || echo "[$status]"
}

# zeros FILE TENSOR ROWS UNITS DEPTH BYTES: blocks of 8 units of a gate and 4 inputs whose bytes are all 0.
zeros() {
  header=$(od -An -tu8 -N8 "$1" | tr -d ' ')
  from=$(head -c $((8 + header)) "$1" | tail -c "$header" |
    sed 's/.*"'"$2"'":{[^}]*"data_offsets":\[\([0-9]*\).*/\1/')
  od -An -v -tu1 -w"$(($5 * $6))" -j $((8 + header + from)) -N $(($3 * $5 * $6)) "$1" |
    awk -v units="$4" -v depth="$5" -v bytes="$6" '
      { gate = int((NR - 1) / units); tile = int((NR - 1) % units / 8)
        for (k = 0; k < depth; k++)
          for (b = 1; b <= bytes; b++) {
            block = gate " " tile " " int(k / 4)
            sum[block] += $(k * bytes + b)
          } }
      END { for (block in sum) { all++; none += sum[block] == 0 }; print none " of " all }'
}

cat >meter.grus <<'END'
grus 1

model meter {
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 3]
  out y : f32[time .., 1] = x |> Dense(16) |> tanh |> GRU(24) |> LSTM(12) |> GRU(8, reset=before) |> RNN(10)
    |> Dense(1)
}
END
awk 'BEGIN { for (t = 0; t < 900; t++) print sin(t * 0.05) "," sin(t * 0.13 + 1) "," cos(t * 0.31) * 0.5 }' >x.csv
head -20 x.csv >short.csv
w="--weights random:5"
m4="--target cortex-m4"

echo "# pruned in every precision of integers; what is left out is what inspect says"
for p in i16 i8 w8 i16x16; do
  run calibrate meter.grus x=x.csv $w --precision $p --prune 75% $m4
  saved=$(grep -o '[0-9.k]* multiply-adds a call and .* flash less' printed | sed 's/ a call//')
  said=$("$grus" inspect meter.grus $w --precision $p --ranges meter.ranges $m4 |
    sed -n 's/^ *zeros left out: //p')
  [ "$saved" = "$said" ] || echo "calibrate says '$saved', inspect '$said'"
  "$grus" verify meter.grus $w --precision $p --ranges meter.ranges | sed 's/max error .*, SNR .*dB/close/; s/ of [0-9.]*,/ of N,/'
  "$grus" run meter.grus $w --precision $p --ranges meter.ranges x=x.csv -q -o left_out || echo failed
  "$grus" run meter.grus $w --precision $p --ranges meter.ranges x=x.csv -q --keep-zeros -o kept || echo failed
  cmp left_out/y.npy kept/y.npy && echo "the same bits with the zeros"
  case $p in i16x16) bytes=2 ;; *) bytes=1 ;; esac
  zeros meter.q.safetensors y.gru.0.U.weight 72 24 24 $bytes
  zeros meter.q.safetensors y.lstm.0.W.weight 48 12 24 $bytes
  rm -r left_out kept
done

echo
echo "# the same data gives the same bytes, and another share others"
run calibrate meter.grus x=x.csv $w --precision i16 --prune 90% -q
cp meter.q.safetensors first.safetensors
cp meter.ranges first.ranges
run calibrate meter.grus x=x.csv $w --precision i16 --prune 90% -q >/dev/null
cmp meter.q.safetensors first.safetensors && cmp meter.ranges first.ranges && echo "the same bytes"
"$grus" verify meter.grus $w --precision i16 --ranges meter.ranges --backend c | sed 's/ of [0-9.]*,/ of N,/'
"$grus" verify meter.grus $w --precision i16 --ranges meter.ranges --target generic | sed 's/ of [0-9.]*,/ of N,/'
run calibrate meter.grus x=x.csv $w --precision i16 --prune 12.5% -q
cmp -s meter.q.safetensors first.safetensors && echo "the share changes nothing"
zeros meter.q.safetensors y.gru.0.U.weight 72 24 24 1

echo
echo "# both directions; stages in f32 and convolutions keep their weights"
cat >both.grus <<'END'
grus 1

model both {
  allow ordinal_weights
  in  x : f32[time 60, 3]
  out y : f32[time 60, 4] = x |> Conv1D(12, kernel=3, padding=same) |> GRU(16, direction=both)
    |> Dense(16, precision=f32) |> LSTM(8) |> Dense(4)
}
END
set --
for from in 1 61 121 181 241 301; do
  tail -n +$from x.csv | head -60 >part$from.csv
  set -- "$@" x=part$from.csv
done
run calibrate both.grus "$@" $w --precision i16 --prune 50%
"$grus" verify both.grus $w --precision i16 --ranges both.ranges | sed 's/ of [0-9.]*,/ of N,/; s/max error .*, SNR .*dB/close/'
zeros both.q.safetensors y.gru.0.U.weight 48 16 16 1
zeros both.q.safetensors y.gru.1.U.weight 48 16 16 1

echo
echo "# the weights that are left make up for the others: four channels are a tenth of those before, which is 20 dB"
cat >twice.grus <<'END'
grus 1

model twice {
  in  x : f32[time .., 8]
  out y : f32[time .., 8] = x |> Dense(8)
}
END
awk 'BEGIN { for (t = 0; t < 900; t++) {
  a = sin(t * 0.05); b = sin(t * 0.13 + 1); c = cos(t * 0.31); d = cos(t * t)
  print a "," b "," c "," d "," a / 10 "," b / 10 "," c / 10 "," d / 10 } }' >twice.csv
run calibrate twice.grus x=twice.csv $w --precision i16 --prune 50%
awk '/^all/ { print ($6 > 30 ? "above 30 dB" : "only " $6 " dB") }' printed
"$grus" verify twice.grus $w --precision i16 --ranges twice.ranges | sed 's/ of [0-9.]*,/ of N,/'

echo
echo "# in f32: a weights file of the same model, whose other weights make up for the blocks"
sed 's/^  allow.*/&\n  weights keras "meter.pruned.safetensors"/' meter.grus >float.grus
run calibrate meter.grus x=x.csv $w --prune 75% $m4
saved=$(grep -o '[0-9.k]* multiply-adds a call and .* flash less' printed | sed 's/ a call//')
said=$("$grus" inspect float.grus $m4 | sed -n 's/^ *zeros left out: //p')
[ "$saved" = "$said" ] || echo "calibrate says '$saved', inspect '$said'"
"$grus" verify float.grus | sed 's/max error .*, SNR .*dB/close/'
cp meter.pruned.safetensors first.safetensors
run calibrate meter.grus x=x.csv $w --prune 75% -q >/dev/null
cmp meter.pruned.safetensors first.safetensors && echo "the same bytes"
run calibrate twice.grus x=twice.csv $w --prune 50%
awk '/^all/ { print ($6 > 30 ? "above 30 dB" : "only " $6 " dB") }' printed
sed 's/Dense(8)/Dense(8, bias=false)/' twice.grus >unbiased.grus
run calibrate unbiased.grus x=twice.csv $w --prune 50%
sed 's/Dense(8)/Dense(8, from="a") |> Dense(8, from="a")/' twice.grus >shared.grus
run calibrate shared.grus x=twice.csv $w --prune 50% -o none.safetensors

echo
echo "# rows of one input, and of as many as a block has"
for inputs in 1 4; do
  awk -F, -v n=$inputs '{ print (n == 1 ? $1 : $0 "," $1 * $2) }' x.csv >narrow.csv
  printf 'grus 1\n\nmodel narrow {\n  allow state_never_reset, low_snr\n  in  x : f32[time .., %s]\n  out y : f32[time .., 1] = x |> LSTM(32) |> Dense(1)\n}\n' $inputs >narrow.grus
  run calibrate narrow.grus x=narrow.csv $w --precision i16 --prune 90% -q
  "$grus" verify narrow.grus $w --precision i16 --ranges narrow.ranges | sed 's/ of [0-9.]*,/ of N,/'
  run calibrate narrow.grus x=narrow.csv $w --prune 90% -q
  "$grus" verify narrow.grus --weights narrow.pruned.safetensors | sed 's/max error .*, SNR .*dB/close/'
done

echo
echo "# what is no share, and what cannot be pruned"
for share in 0% 100% 120% -5% nan% abc 50 50%% ''; do
  run calibrate meter.grus x=x.csv $w --precision i16 --prune "$share" -o none.ranges
done
run calibrate meter.grus $w --precision i16 --prune 50% -o none.ranges
run calibrate meter.grus x=x.csv $w --prune 50% --write
run calibrate meter.grus x=short.csv $w --prune 50% -o none.safetensors
run calibrate meter.grus x=short.csv $w --precision i16 --prune 50% -o none.ranges
run calibrate meter.grus x=x.csv $w --precision i16 --prune 50% --snr 40dB -o none.ranges
run calibrate meter.grus x=x.csv $w --precision i16 --prune 50% --max-flash 4KiB -o none.ranges
run build meter.grus $w --precision i16 --prune 50% -o none.c
cat >small.grus <<'END'
grus 1

model small {
  allow state_never_reset
  in  x : f32[time .., 3]
  out y : f32[time .., 1] = x |> GRU(7) |> Dense(1)
}
END
run calibrate small.grus x=x.csv $w --precision i16 --prune 50% -o none.ranges
run calibrate small.grus x=x.csv $w --prune 50% -o none.safetensors
run calibrate twice.grus x=twice.csv $w --precision i16 --prune 49.5% -o none.ranges
ls none.* 2>/dev/null
exit 0
