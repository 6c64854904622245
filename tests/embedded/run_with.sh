#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# run_with.sh GRUS MODELS few|all: `verify --run-with` compares what a program of its own computes: models of every
# kind on this machine (`env` is a command that only runs another one), and on processors that QEMU emulates.
# A model that is wrong there is found; `bench --run-with` measures by the clock of the program.
set -eu
grus=$1 models=$2 how=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0
few=
for name in gru_bounded lstm_both conv_stream window states integers embedding; do few="$few $models/$name.grus"; done
all=$(echo "$models"/*.grus)
check() { # WHAT MODEL OPTION...: verify says ok of every output
  what=$1 model=$2
  shift 2
  [ -f "$model" ] || return 0
  if "$grus" verify "$model" --weights=random:1 "$@" >"$dir/said" 2>&1 && ! grep -q DIFFERS "$dir/said" && grep -q ' ok$' "$dir/said"; then
    checked=$((checked + 1))
  else
    echo "$what: $(basename "$model"):" && cat "$dir/said" && failed=1
  fi
}
checked=0
case $how in few) list=$few ;; *) list=$all ;; esac
for model in $list; do
  [ $how = few ] || "$grus" verify "$model" --weights=random:1 >/dev/null 2>&1 || continue # of several models, or in need of a file
  check here "$model" --run-with env
done
echo "here: $checked models" >&2
[ "$checked" -gt 4 ] || { echo "too few models were checked" && failed=1; }
for place in aarch64 riscv64; do
  case $how$place in fewriscv64) continue ;; esac
  case $place in
  aarch64) cc=aarch64-linux-gnu-gcc target=aarch64 with='qemu-aarch64 -L /usr/aarch64-linux-gnu' ;;
  riscv64) cc=riscv64-linux-gnu-gcc target=generic with='qemu-riscv64 -L /usr/riscv64-linux-gnu' ;;
  esac
  command -v $cc >/dev/null && command -v "${with%% *}" >/dev/null || { echo "not here: $cc or ${with%% *}" >&2 && continue; }
  checked=0
  [ $how = all ] || few="$models/gru_bounded.grus $models/conv_stream.grus $models/integers.grus"
  for model in $few; do
    CC=$cc check $place "$model" -O0 --target $target --run-with "$with"
  done
  echo "$place: $checked models" >&2
done

cat >"$dir/m.grus" <<'END_OF_MODEL'
grus 1

model m {
  in  x : f32[time 5, 2]
  out y : f32[2] = x |> GRU(4) |> last |> Dense(2)
}
END_OF_MODEL
# another program than the model's: its results are not taken for the model's
cat >"$dir/other" <<'END_OF_PROGRAM'
#!/bin/sh
"$@"
printf 'more' >>"$3"
END_OF_PROGRAM
chmod +x "$dir/other"
refused() { # WHAT IS SAID, COMMAND OF GRUS...
  needed=$1
  shift
  code=0
  "$grus" "$@" >"$dir/said" 2>&1 || code=$?
  grep -q "$needed" "$dir/said" && [ $code = 3 ] || { echo "$* ($code): $(cat "$dir/said")" && failed=1; }
}
refused 'left incomplete results' verify "$dir/m.grus" --weights=random:1 --run-with "$dir/other"
printf '#!/bin/sh\n"$@"\nprintf "nothing of the kind" >"$3"\n' >"$dir/other"
refused 'left results that are not those of a model' verify "$dir/m.grus" --weights=random:1 --run-with "$dir/other"
printf '#!/bin/sh\n[ -f "%s/once" ] || "$@"\n: >"%s/once"\n' "$dir" "$dir" >"$dir/other"
refused 'left no results' bench "$dir/m.grus" --run-with "$dir/other"
refused 'ended with exit code 1' verify "$dir/m.grus" --weights=random:1 --run-with false
refused 'ended with exit code 1' bench "$dir/m.grus" --run-with false
printf '#!/bin/sh\nexec sleep 1000\n' >"$dir/other"
refused 'did not end within 1 s: for more time, add `--timeout SECONDS`' verify "$dir/m.grus" --weights=random:1 --run-with "$dir/other" --timeout 1
refused 'did not end within 1 s' run "$dir/m.grus" --weights=random:1 --run-with "$dir/other" --timeout 1 x=/dev/null
"$grus" bench "$dir/m.grus" --json --run-with env | grep -q '"run_with":"env".*"ns_to_read_weights":null' || { echo "bench --json" && failed=1; }
"$grus" bench "$dir/m.grus" --emit=header --run-with env | grep -q 'run with `env`' || { echo "bench --emit=header" && failed=1; }
[ $failed = 0 ] && echo "the same as here"
exit $failed
