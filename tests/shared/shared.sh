#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shared.sh GRUS HOST BACKEND FOLDER few|all: models of every kind as shared libraries, run by a host that
# knows only grus_shared.h; names in, names out, and what is refused. `few`: each kind with one batch and target.
set -eu
grus=$1
host=$2
backend=$3
ways=$5
root=$(cd "$(dirname "$0")/../.." && pwd)
rm -rf "$4"
mkdir -p "$4"
cd "$4"
fail() {
  echo "shared.sh: $*"
  exit 1
}
# build NAME OPTION...: NAME.so of NAME.grus
build() {
  name=$1
  shift
  "$grus" build "$name.grus" --weights=random:3 --backend="$backend" -q -o "$name.so" "$@"
}
model() {
  printf 'grus 1\n\n' >"$1.grus"
  cat >>"$1.grus"
}

model seq <<'END'
## Scores a "sequence"; asks what??
model seq {
  in  x : f32[time 12, feature 5]   ## what was measured
  out y : f32[3] = x |> LSTM(20) |> last |> Dense(3) |> softmax
}
END
model bounded <<'END'
model bounded {
  in  x : f32[time n <= 9, 4]
  in  z : f32[6]
  out y : f32[2] = x |> GRU(8) |> last |> Dense(2)
  out s : f32[time n, 8] = x |> GRU(8)
  out w : f32[6] = z |> tanh
}
END
model steps <<'END'
model steps {
  in  x  : f32[time .. @ 100Hz, 4]
  in  h0 : f32[12]
  out y  : f32[time .. @ 100Hz, 2] = x |> GRU(12, init=h0) |> Dense(2)
}
END
model late <<'END'
model late {
  in  x : f32[time .., 3]
  out y : f32[time .., 3] = x |> delay(4) |> Dense(3)
}
END
model windows <<'END'
model windows {
  in  x : f32[time 10 @ 50Hz, 3] every 4
  out y : f32[2] = x |> GRU(6) |> last |> Dense(2)
}
END
for name in seq bounded; do
  build $name --batch 4
  "$host" check ./$name.so
  [ "$ways" = all ] || continue
  build $name
  "$host" check ./$name.so
  build $name --batch 1
  "$host" check ./$name.so
done
for name in steps late windows; do
  build $name
  "$host" check ./$name.so
done
if [ "$ways" = all ]; then
  build steps --target native
  "$host" check ./steps.so
  build seq --target generic
  "$host" check ./seq.so
fi

# Nothing but the descriptor and its functions can be seen from outside.
build seq
if command -v nm >/dev/null; then
  names=$(nm -D --defined-only seq.so | sed 's/.* //' | sort | tr '\n' ' ')
  [ "$names" = "grus_body grus_library grus_program grus_rows grus_steps " ] || fail "exported: $names"
fi

# With LLVM on x86-64 neither a compiler nor a linker is called, and the code is the same.
if [ "$backend" = llvm ] && [ "$(uname -sm)" = "Linux x86_64" ]; then
  for name in seq steps; do
    PATH=/nowhere "$grus" build $name.grus --weights=random:3 --backend=llvm -q -o alone.so || fail "a compiler was needed"
    "$host" check ./alone.so
  done
  PATH=/nowhere "$grus" build windows.grus --weights=random:3 --backend=llvm -O3 -q -o alone.so
  "$host" check ./alone.so
  if command -v readelf >/dev/null; then
    ! readelf -dW alone.so | grep -Eq 'NEEDED|TEXTREL' || fail "another library is needed, or code is written to"
    [ "$(readelf -lW alone.so | grep -c 'RWE')" = 0 ] || fail "memory that is written and run"
  fi
fi

# The same for AArch64, run by QEMU.
cross=aarch64-linux-gnu-gcc
if [ "$backend" = llvm ] && command -v $cross >/dev/null && command -v qemu-aarch64 >/dev/null; then
  QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
  export QEMU_LD_PREFIX
  $cross -O1 -I"$root/runtime/host" "$root/tests/shared/host.c" -o host_aarch64 -ldl -lm
  for name in seq bounded steps windows; do
    PATH=/nowhere "$grus" build $name.grus --weights=random:3 --target aarch64 -q -o arm.so || fail "a compiler was needed for AArch64"
    qemu-aarch64 ./host_aarch64 check ./arm.so
  done
  # With dot products, and on a processor that has none.
  without='qemu-aarch64 -cpu cortex-a53'
  PATH=/nowhere "$grus" build steps.grus --weights=random:3 --precision i8 --target aarch64-dotprod -q -o arm.so
  qemu-aarch64 -cpu max ./host_aarch64 check ./arm.so
  ! $without ./host_aarch64 check ./arm.so >said 2>&1 || fail "a processor without dot products ran a library that needs them"
  grep -q 'not so: .*body' said || fail "$(cat said)"
  CC="$cross -static" "$grus" build seq.grus --weights=random:3 --precision i8 --target aarch64-dotprod -q -o arm_program
  qemu-aarch64 -cpu max ./arm_program --help >said
  ! $without ./arm_program --help >said 2>&1 || fail "a processor without dot products ran a program that needs them"
  grep -q 'this processor has no dot products of bytes' said || fail "$(cat said)"
else
  echo "SKIPPED in part, AArch64: needs the LLVM backend, $cross and qemu-aarch64"
fi

# AVX-VNNI is no part of a higher level.
if grep -q flags /proc/cpuinfo 2>/dev/null && ! grep -q avx_vnni /proc/cpuinfo; then
  # The C compiler of this machine is the one of that processor, too; with LLVM none is needed.
  (case $backend in c) export CC="${CC:-cc}" ;; esac && build steps --precision i8 --target x86-64-v3-vnni)
  ! "$host" check ./steps.so >said 2>&1 || fail "a processor without AVX-VNNI ran a library that needs it"
  grep -q 'not so: .*body' said || fail "$(cat said)"
fi

# The numbers are those of a program made of the same model.
build seq --target native
"$host" rows ./seq.so x.npy library.f32
"$grus" build seq.grus --weights=random:3 --backend="$backend" --target native --emit=exe -q -o seq
./seq x=x.npy y=program.f32 -q
cmp library.f32 program.f32 || fail "the library and the program differ"

# What is refused, and how.
# refused WORDS OPTION...: names the reason, exits with 2, leaves nothing
refused() {
  words=$1
  shift
  rm -f no.so
  status=0
  "$grus" build --weights=random:3 "$@" 2>error || status=$?
  [ $status = 2 ] || fail "$*: status $status"
  grep -qF -e "$words" error || fail "$*: $(cat error)"
  [ ! -e no.so ] || fail "$*: left a file"
}
refused '`--scratch`' seq.grus -o no.so --scratch=static
refused '`--weights=extern`' seq.grus --weights=extern -o no.so
refused '`--batch` of a stream' steps.grus --batch 4 -o no.so
refused '`--cpu`' seq.grus --cpu=znver4 -o no.so
refused '`--flush`' steps.grus --flush -o no.so
refused '`--flush`, `--queue`' steps.grus --queue=4 -o no.so
refused '`--selftest`' seq.grus --selftest -o no.so
refused '.dylib' seq.grus -o no.dylib
refused '.dll' seq.grus -o no.dll
refused '.dll' seq.grus --target x86_64-windows-gnu -o no.so
refused '.dylib' seq.grus --target aarch64-macos -o no.dll
