#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# agree.sh PLACE KERNEL_TOOL OBJECT_TOOL TESTS MODEL.grus...: compiles each model with the C backend
# for this machine and with the LLVM backend for PLACE, runs both on the same inputs and compares
# the bits of every output.
# PLACE: host v3 aarch64 riscv64 rv64gcv m4 m7 m55 wasm. Exit code 77: the tools for it are not installed.
set -eu
place=$1 kernel_tool=$2 object_tool=$3 tests=$4
shift 4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# cc links check.c with the object; run starts the result. schedule: what lower/ decides for.
cc=cc run='' link='-lm' schedule=generic target=generic levels=2 here='' args=bits
case $place in
host) levels='0 2' ;;
v3) schedule=x86-64-v3 target=x86-64-v3 here=-march=x86-64-v3 levels='0 2' ;;
aarch64) cc=aarch64-linux-gnu-gcc run=qemu-aarch64 link='-static -lm' schedule=aarch64 target=aarch64 ;;
riscv64) cc=riscv64-linux-gnu-gcc run=qemu-riscv64 link='-static -lm' target=riscv64-linux-gnu ;;
rv64gcv) cc=riscv64-linux-gnu-gcc run='qemu-riscv64 -cpu rv64,v=true' link='-static -lm' schedule=rv64gcv target=rv64gcv ;;
m4 | m7 | m55)
  case $place in
  m4) core='-mcpu=cortex-m4 -mfpu=fpv4-sp-d16' board=mps2-an386 ;;
  m7) core='-mcpu=cortex-m7 -mfpu=fpv5-sp-d16' board=mps2-an500 ;;
  m55) core='-mcpu=cortex-m55' board=mps3-an547 ;;
  esac
  cc="arm-none-eabi-gcc -mthumb $core -mfloat-abi=hard -Dmain=check_main"
  run="qemu-system-arm -M $board -nographic -semihosting-config enable=on,target=native -kernel"
  link="$dir/main.c -Wl,-z,noexecstack --specs=rdimon.specs -T $dir/board.ld $tests/embedded/startup.c"
  memory=4M
  [ $place != m55 ] || memory=512K
  sed "s/512K/$memory/" "$tests/embedded/mps.ld" >"$dir/board.ld" # of this board
  printf '#undef main\nint check_main(int, char **); int main(void) { return check_main(2, 0); }\n' >"$dir/main.c"
  schedule=cortex-$place target=cortex-$place levels=s args=''
  ;;
wasm)
  cc="clang-19 --target=wasm32 -ffreestanding -nostdlib -Dmain=check_main -mbulk-memory -isystem $tests/llvm/wasm"
  run="node $tests/llvm/wasm/run.mjs" link='-Wl,--no-entry,--export=check_main,--allow-undefined'
  schedule=wasm-simd target=wasm-simd
  ;;
esac
for tool in ${cc%% *} ${run%% *}; do
  command -v "$tool" >/dev/null || {
    echo "$place: skipped, $tool is not installed"
    exit 77
  }
done
if [ $place = v3 ] && ! grep -q 'avx2.* fma\|fma.* avx2' /proc/cpuinfo; then
  echo "v3: skipped, this processor has no AVX2 with FMA"
  exit 77
fi

. "$(dirname "$0")/../ccache.sh"
failed=0
for model in "$@"; do
  name=$(basename "$model" .grus)
  m=$dir/$name
  mkdir -p "$m"
  "$kernel_tool" "$model" "$m" --target=$schedule
  # shellcheck disable=SC2086
  (cd "$m" && $cache cc -std=gnu99 -O1 -w -ffp-contract=off $here -MD -c model.c -o c.o && $cache cc -std=gnu99 -w -MD -c check.c -o check.o)
  cc "$m/check.o" "$m/c.o" -lm -o "$m/c"
  "$m/c" bits >"$m/c.bits"
  # shellcheck disable=SC2086
  (cd "$m" && $cache $cc -std=gnu99 -w -MD -c check.c -o there.o)
  for level in $levels; do
    "$object_tool" "$model" "$m/llvm.o" --schedule=$schedule --target=$target -O$level
    # shellcheck disable=SC2086
    $cc "$m/there.o" "$m/llvm.o" $link -o "$m/llvm" 2>"$m/log" || {
      grep -q 'region .* overflowed' "$m/log" && echo "$name: passed over, larger than the board's memory" && continue 2
      cat "$m/log" && exit 1
    }
    # shellcheck disable=SC2086
    $run "$m/llvm" $args >"$m/llvm.bits" </dev/null
    if ! cmp "$m/c.bits" "$m/llvm.bits"; then
      echo "$name: C here and LLVM for $place at -O$level differ"
      failed=1
    fi
  done
  echo "$name: $(wc -l <"$m/c.bits") numbers agree"
  rm -rf "$m"
done
exit $failed
