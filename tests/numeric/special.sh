#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# sh special.sh GRUS ARRAYS few|all: NaN, infinities, subnormal and the largest numbers and -0 through every stage: the
# evaluator, C and LLVM agree on which results are NaN or infinite, with both sets of functions, for
# whole sequences, bounded ones, streams and batches. docs/numerics.md has the rules. `few` takes two ways of
# four, and of the values NaN with infinities, and the largest.
set -u
GRUS=$1
ARRAYS=$2
ways=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
failures=0
pointwise='relu leaky_relu elu selu gelu sigmoid hard_sigmoid tanh hard_tanh softplus softsign abs log sqrt square clip(-2,3) softmax
  normalize(mean=1,std=2) erf floor round(0.25) sin cos pow(2) pow(0.3) pow(20) RMSNorm GroupNorm(2) l2_normalize log_softmax prelu LayerNorm BatchNorm Dense(3) Dropout(0.1) slice(1,3)'
whole='last first min sum cumsum mean max flatten reverse frames(2,hop=1) max_pool(2) mean_pool(2) max_pool(3,stride=1) Conv1D(3,2) Conv1D(3,2,padding=same)
  GRU(3) GRU(3,reset=before) LSTM(3) RNN(3) GRU(3,direction=both) LSTM(3,peephole=true,cell_clip=2)
  LSTM(3,activation=softsign,gate=hard_sigmoid_02) RNN(3,activation=relu) RNN(3,activation=elu) delay(1) argmax last|>repeat(2)'
streamed='max_pool(2) mean_pool(2) GRU(3) LSTM(3) RNN(3) delay(1) argmax'
outputs() { # STAGE...: each an output
  n=0
  for stage in "$@"; do
    n=$((n + 1))
    printf '  out y%s = x |> %s\n' $n "$(printf '%s' "$stage" | sed 's/,/, /g; s/|>/ |> /g')"
  done
}
model() { # TIME STAGE...
  time=$1
  shift
  printf 'grus 1\nmodel m {\n  in  x : f32[time %s, 4]\n' "$time"
  outputs "$@"
  printf '  out sum = x + (x |> tanh)\n  out dif = x - (x |> square)\n  out pro = x * (x |> relu)\n  out cat = concat(x, x |> tanh)\n}\n'
}
set -f
# shellcheck disable=SC2086  # words
model 6 $pointwise $whole >fixed.grus
# shellcheck disable=SC2086
model 'n <= 6' $pointwise last mean max GRU\(3\) LSTM\(3\) max_pool\(2\) >bounded.grus
# shellcheck disable=SC2086
model .. $pointwise $streamed >stream.grus
printf 'grus 1\nmodel m {\n  in  x : f32[time .., 4]\n  out y = x |> frames(2, hop=1)\n  out z = x |> Conv1D(3, 2)\n}\n' >history.grus
set +f
# What --math=fast does not do for infinities: exp ends at a finite number, a sigmoid is never 0.
printf 'grus 1\nmodel m {\n  in  x : f32[time 6, 4]\n  out y = x |> exp\n  out z = x / (x |> sigmoid)\n  out g = x |> glu\n}\n' >exact.grus
# What an infinity may make NaN of: an activation without bound in a GRU.
printf 'grus 1\nmodel m {\n  in  x : f32[time 6, 4]\n  out r = x |> GRU(3, activation=relu, gate=hard_sigmoid)\n}\n' >open.grus
printf 'grus 1\nmodel m {\n  in  x : f32[time 6, 4]\n' >large.grus
# shellcheck disable=SC2086  # words
outputs relu leaky_relu elu sigmoid hard_sigmoid tanh hard_tanh softplus softsign abs log sqrt 'clip(-2,3)' last max reverse \
  'max_pool(2)' 'slice(1,3)' prelu 'delay(1)' >>large.grus
echo '}' >>large.grus
for file in fixed bounded stream history exact open large; do # the types of the outputs, which are what inference finds
  "$GRUS" check -q --max-errors 0 --fix $file.grus 2>said || { head -20 said; exit 1; }
done
check() { # NAME VALUES...: six steps of four numbers
  name=$1
  shift
  case $ways:$name in all:* | few:nan_and_inf | few:largest*) ;; *) return ;; esac
  mkdir -p in
  "$ARRAYS" npy in/x.npy '<f4' C 6,4 "$@"
  case $name in
  largest*) files=large ;;
  nan*) files="fixed bounded stream history exact open" ;;
  *) files="fixed bounded stream history exact" ;;
  esac
  for file in $files; do
    for way in "--backend=llvm" "--backend=llvm --math=fast" "--backend=c" "--backend=c --math=fast --target=generic"; do
      case $ways:$way in "few:--backend=llvm --math=fast" | few:--backend=c) continue ;; esac
      case $name:$file:$way in *_more:*:--backend=c* | nan_and_inf:open:* | *:exact:*fast*) continue ;; esac
      # shellcheck disable=SC2086
      if ! "$GRUS" verify -q $file.grus --weights=random:3 --against in --allow-nan --atol 1e-3 --rtol 1e-3 $way >said 2>&1 && ! grep -q 'has no output of the model as' said || grep -q DIFFERS said; then
        printf '%s, %s.grus %s:\n' "$name" $file "$way"
        grep -v ' ok$' said | head -12
        failures=$((failures + 1))
      fi
    done
  done
}
z='0.5 -1 0.25 2'
# shellcheck disable=SC2086
{
check nan $z 0.5 nan 1 2 $z $z $z $z
check nan_first_more nan 1 1 1 $z $z $z $z $z
check nan_last_more $z $z $z $z $z 1 1 nan 1
check all_nan_more nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan nan
check inf_more $z 0.5 inf 1 2 $z $z $z $z
check minus_inf -inf 1 1 1 $z -inf 2 -inf 1 -inf 1 2 3 -inf 1 2 3 -inf 1 2 3
check all_minus_inf_more -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf -inf
check both_inf_more inf -inf 1 2 -inf inf 1 2 $z $z $z $z
check nan_and_inf nan -inf inf 2 $z inf nan -inf 1 $z $z nan nan 1 2
check subnormal_more 1e-40 -1e-40 1e-45 -1e-45 $z 1e-40 0 0 0 0 0 0 1e-39 $z $z
check zero_more 0 -0 0 -0 -0 -0 -0 -0 0 0 0 0 -0 0 -0 0 $z $z
check largest_alone_more 3.4028235e38 1 1 1 $z $z 1 -3.4028235e38 1 1 $z $z
}
printf '%s failures\n' $failures
[ $failures -eq 0 ]
