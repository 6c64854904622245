#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# wrapper.sh GRUS DIR: builds models as WebAssembly and uses them from JavaScript (wrapper.mjs).
set -eu
grus=$1 dir=$2
here=$(cd "$(dirname "$0")" && pwd)
command -v node >/dev/null || { echo "skipped: no node"; exit 77; }
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir"
cat >whole.grus <<'END'
grus 1
model whole {
  in  x : f32[time n <= 9, 4]
  let h = x |> GRU(3)
  out y : f32[time n <= 9, 3] = h
  out last : f32[3] = h |> last
}
END
cat >steps.grus <<'END'
grus 1
model steps {
  in  x : f32[time .., 1]
  out y : f32[time .., 1] = x |> GRU(4) |> Dense(1)
}
END
cat >words.grus <<'END'
grus 1
model words {
  in  id : index(5)
  out y  : f32[3] = id |> Embedding(4) |> Dense(3)
}
END
echo '{ "type": "module" }' >package.json
for name in whole steps words; do "$grus" build $name.grus --weights random:3 -q -o $name.wasm; done
"$grus" weights words.grus --weights random:3 --target wasm-simd -q -o words.bin
"$grus" build words.grus --weights extern -q -o outside.wasm
"$grus" build steps.grus --weights random:3 -q --emit=wasm -o - >again.wasm
cmp again.wasm steps.wasm
if "$grus" build steps.grus --weights random:3 --target x86-64-v3 -o no.wasm 2>no.txt; then exit 1; fi
grep -q 'for x86-64-v3 cannot become WebAssembly' no.txt
if "$grus" build steps.grus --weights random:3 --emit=wasm -o no.js 2>no.txt; then exit 1; fi
grep -q -- '-o must end in .wasm' no.txt
[ ! -e no.js ]
node "$here/wrapper.mjs" "$dir"
