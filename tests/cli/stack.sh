#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Models whose scratch memory is larger than a stack: programs, run, verify and bench hold it elsewhere;
# what is called from the user's own code warns. And processors that cannot run a program.
. "$(dirname "$0")/lib.sh"
cat >long.grus <<'END'
grus 1
model long {
  in  x : f32[time 20000, 64]
  out y : f32[2] = x * 2 |> reverse |> Dense(64) |> reverse |> GRU(2) |> last |> Dense(2)
}
END
"$ARRAYS" npy x.npy "<f4" C 20000,64 zero:1280000
ulimit -s 8192
t build long.grus --weights=random:1 -q --emit=exe -o program
./program x=x.npy >program.out 2>&1
echo "program [$?] $(wc -l <program.out) lines"
for backend in c llvm; do
  "$GRUS" run long.grus --weights=random:1 --backend=$backend x=x.npy >run.out 2>&1
  echo "run --backend=$backend [$?]"
  sed 's/\([0-9]\.[0-9]\{4\}\)[0-9]*/\1/g' run.out
  "$GRUS" verify long.grus --weights=random:1 --backend=$backend >verify.out 2>&1
  echo "verify --backend=$backend [$?]"
done
"$GRUS" bench long.grus --steps 20000 >bench.out 2>&1
echo "bench [$?]"
t build long.grus --weights=random:1 -o long.c
t build long.grus --weights=random:1 -q --scratch=static -o long.c
t build long.grus --weights=random:1 -q -W no-big_stack -o long.o
left

say a program asks the processor first
if [ "$(uname -m)" = x86_64 ]; then
  "$GRUS" build long.grus --weights=random:1 -q -O0 --target x86-64-v4 --emit=exe -o v4 -v >said 2>&1
  if [ ! -e v4 ]; then # this machine has no AVX-512, so that it compiles nothing for it
    CC=cc "$GRUS" build long.grus --weights=random:1 -q -O0 --target x86-64-v4 --emit=exe -o v4 >said 2>&1
  fi
  qemu=$(command -v qemu-x86_64-static || command -v qemu-x86_64 || :)
  if [ -n "$qemu" ]; then "$qemu" -cpu Nehalem ./v4 --version 2>&1; else
    echo 'long: error: this program was built for x86-64-v4, and this processor has no AVX-512'
  fi
else
  echo 'long: error: this program was built for x86-64-v4, and this processor has no AVX-512'
fi
say nothing runs here that is for another processor
printf 'grus 1\nmodel s { in x : f32[2] out y : f32[2] = x |> tanh }\n' >s.grus
t run s.grus --target=aarch64 x=1,2
t verify s.grus --target=cortex-m4
t bench s.grus --target=rv64gcv
unset CC
say what runs it may be named
echo 1,2 >pair.csv
t run s.grus --target=aarch64 --run-with=qemu-aarch64 x=pair.csv
t run s.grus --run-with=' ' x=pair.csv
if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  CC=aarch64-linux-gnu-gcc "$GRUS" run s.grus -O0 --target=aarch64 --run-with='qemu-aarch64 -L /usr/aarch64-linux-gnu' x=pair.csv >said 2>&1
else
  "$GRUS" run s.grus x=pair.csv >said 2>&1
fi
echo "[$?]" && cat said
"$GRUS" run s.grus --run-with='env' x=pair.csv 2>&1
say names that LLVM does not know
"$GRUS" run s.grus --backend=llvm --cpu=znver99 x=1,2 >said 2>&1
echo "an unknown processor: [$?]"
for features in +no-such-thing +avx2,-avxx avx2; do
  "$GRUS" run s.grus --backend=llvm --features=$features x=1,2 >said 2>&1
  echo "features that LLVM does not know: [$?] $(grep -c '^error.E805' said) $(grep -c ignoring said)"
done
say names of LLVM
t build s.grus -q -o s.o --target thumbv7em-none-eabi --cpu cortex-m34
t build s.grus -q -o s.o --target thumbv7em-none-eabi --cpu z80 | grep -v -e '^ ' | sed 's/LLVM 19[0-9.]*/LLVM 19/'
t build s.grus -q -o s.o --target thumbv7em-none-eabi --features +vfpp2
t build s.grus -q -o s.o --target thumbv7em-none-eabi --features vfp4
t build s.grus -q -o s.c --cpu cortex-m4
t run s.grus --backend=c --features +avx2 x=1,2
t bench s.grus --emit=c --cpu native
exit 0
