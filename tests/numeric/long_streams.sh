#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Streams of 100,000 steps in integers: compiled code equals the oracle in every bit, states neither stick nor creep
# to their ends, and the error is no larger at the end than at the beginning.
#   long_streams.sh GRUS MAKE_WEIGHTS [STEPS]
set -eu
grus=$1 make_weights=$2 steps=${3:-100000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
failed=0

complain() {
  printf '%s\n' "$*"
  failed=1
}

# compare MODEL PRECISION OPTION...: both.csv gets the columns of f32, then those in integers; and every bit of
# compiled code is the oracle's.
compare() {
  model=$1 precision=$2
  shift 2
  rm -rf f32
  "$grus" run "$model.grus" "$@" --precision f32 x="$model.csv" -q -o f32
  "$grus" run "$model.grus" "$@" --precision f32 x="$model.csv" y=f32.csv -q
  "$grus" run "$model.grus" "$@" --precision "$precision" --ranges "$model.ranges" x="$model.csv" y=int.csv -q
  paste -d, f32.csv int.csv | grep -v y >both.csv
  cp "$model.csv" f32/x.csv
  "$grus" verify "$model.grus" "$@" --precision "$precision" --ranges "$model.ranges" --against f32 --snr 1dB >said 2>&1 ||
    complain "$model in $precision: $(cat said)"
  grep -q 'compiled = integers .* the same numbers' said || complain "$model in $precision is not the oracle: $(cat said)"
}

# ---- a leaky mean: u = 1/100, 1/1000 and 1/5000 of what is new in each step. A state of 8 bits would not move at all, one
# of 16 bits would stick at less than half.
cat >mean.grus <<'END'
grus 1

model mean {
  allow state_never_reset
  weights keras "mean.safetensors"
  in  x : f32[time .., 1]
  out y : f32[time .., 3] = x |> GRU(3, from="gru")
}
END
cat >mean.weights <<'END'
tensor gru.kernel 1x9 steps 3 0 0 1
tensor gru.recurrent_kernel 3x9 all 0
tensor gru.bias 2x9 all 0
set 0 4.59512
set 1 6.906755
set 2 8.516993
END
"$make_weights" mean.weights mean.safetensors
awk -v n="$steps" 'BEGIN { print "x"; for (t = 0; t < n; t++) printf "%.6f\n", 0.05 + 0.03 * sin(t * 0.7) }' >mean.csv
for precision in i16 i16x16 i8; do
  "$grus" calibrate mean.grus x=mean.csv --precision $precision -q >/dev/null
  compare mean $precision
  # the largest error of each column after it has settled for 5 time constants, and that of the last step
  awk -F, -v p=$precision '{
      for (k = 1; k <= 3; k++) { e = $k - $(k + 3); if (e < 0) e = -e; if (e > most[k]) most[k] = e; last[k] = e; v[k] = $k } }
    END { for (k = 1; k <= 3; k++) {
        printf "mean %s: unit %d holds %.4f, largest error %.5f, at the end %.5f\n", p, k, v[k], most[k], last[k]
        limit = k == 3 ? 0.003 : 0.0005
        if (most[k] > limit || last[k] > 0.0015 || v[k] < 0.04) bad = 1 }
      exit bad }' both.csv || complain "mean in $precision: a state sticks"
done

# ---- a cell that forgets: f = sigmoid(8), filled by a pulse. One of 16 bits would keep 1.45 for ever.
cat >cell.grus <<'END'
grus 1

model cell {
  allow state_never_reset
  weights keras "cell.safetensors"
  in  x : f32[time .., 1]
  out y : f32[time .., 1] = x |> LSTM(1, from="lstm")
}
END
cat >cell.weights <<'END'
tensor lstm.kernel 1x4 all 0
set 0 16
set 2 4
tensor lstm.recurrent_kernel 1x4 all 0
tensor lstm.bias 4 all 0
set 0 -8
set 1 8
set 3 8
END
"$make_weights" cell.weights cell.safetensors
awk -v n="$steps" 'BEGIN { print "x"; for (t = 0; t < n; t++) print (t < 20 ? 1 : 0) }' >cell.csv
# Its time constant is 2,982 steps: after 10,000 an error of the gate still shows, after 100,000 nothing may be left.
left=$(awk -v n="$steps" 'BEGIN { print n < 50000 ? 0.005 : 0.001 }')
for precision in i16 i16x16; do
  "$grus" calibrate cell.grus x=cell.csv --precision $precision -q >/dev/null
  compare cell $precision
  awk -F, -v p=$precision -v left="$left" '{ e = $1 - $2; if (e < 0) e = -e; if (e > most) most = e; last = $2; true = $1 }
    END { printf "cell %s: largest error %.4f, at the end %.5f\n", p, most, last
      exit !(most < 0.02 && last - true < left && last - true > -left) }' both.csv || complain "cell in $precision: it does not forget"
done

# ---- drift: the ratio of signal to noise of 2,000 steps at the beginning, in the middle and at the end
cat >drift.grus <<'END'
grus 1

model drift {
  allow state_never_reset, ordinal_weights
  in  x : f32[time .., 4]
  out y : f32[time .., 2] = x |> GRU(24) |> LSTM(16) |> Dense(2)
}
END
awk -v n="$steps" 'BEGIN { srand(7); for (t = 0; t < n; t++)
  printf "%.5f,%.5f,%.5f,%.5f\n", sin(t * 0.031), sin(t * 0.0007) * sin(t * 0.2), 2 * rand() - 1, (cos(t * 0.011) > 0.9) }' >drift.csv
head -n 4000 drift.csv >seen.csv
for precision in i16 i16x16 i8; do
  "$grus" calibrate drift.grus --weights random:3 x=seen.csv --precision $precision -q -o drift.ranges >/dev/null
  compare drift $precision --weights random:3
  awk -F, -v p=$precision -v n="$steps" '{ part = NR <= n / 50 ? 1 : NR > n / 2 && NR <= n / 2 + n / 50 ? 2 : NR > n - n / 50 ? 3 : 0
      for (k = 1; k <= 2; k++) { s[part] += $k * $k; e[part] += ($k - $(k + 2)) ^ 2 } }
    END { for (i = 1; i <= 3; i++) db[i] = 10 * log(s[i] / e[i]) / log(10)
      printf "drift %s: %.1f dB, %.1f dB, %.1f dB\n", p, db[1], db[2], db[3]
      exit !(db[2] > db[1] - 3 && db[3] > db[1] - 3) }' both.csv || complain "drift in $precision: the error grows"
done
exit $failed
