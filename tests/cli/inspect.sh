#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# `inspect` of every model of the examples and the tests: JSON is JSON, drawings are XML and graphs.
#
#   inspect.sh GRUS MAKE_WEIGHTS ARRAYS JSON_CHECK
. "$(dirname "$0")/lib.sh"
check=$4
count=0
for model in "$root"/examples/language/*.grus "$root"/tests/models/*.grus; do
  name=$(basename "$model")
  define=$(sed -n 's/^param \([a-z]*\) *#.*/-D \1=4/p' "$model")
  for form in --json --svg --dot --html; do
    "$GRUS" inspect -q $define $form "$model" >"out$form" 2>err || { echo "$name $form: [$?]" && cat err; }
    [ -s "out$form" ] || echo "$name $form: nothing was printed"
  done
  "$check" json <out--json || echo "$name: the JSON is not JSON"
  "$check" xml <out--svg || echo "$name: the drawing is not XML"
  sed 1d out--html >page && "$check" xml <page || echo "$name: the page is not well-formed"
  grep -q '[a-z]://' out--html && grep -v 'w3.org/2000/svg' out--html | grep '[a-z]://'
  grep -q '^digraph ' out--dot || echo "$name: not a graph"
  count=$((count + 1))
done
[ $count -gt 50 ] || echo "only $count models found"
rm -f out* err page

say one of each
cat >m.grus <<'END'
grus 1

## Two ways to "read" <a> & <b>.
model m {
  in  x  : f32[time 6, feature 4]
  in  h0 : f32[8]
  let h  = x |> GRU(8, init=h0)
  out y  : f32[3] = h |> last |> Dense(3) |> softmax
  out h1 : f32[8] = h.h
}
END
t inspect m.grus
t inspect m.grus --json
t inspect m.grus --dot
t inspect m.grus --svg -o m.svg
t inspect m.grus --html -o m.html
grep -c '<h2>' m.html
t inspect m.grus --model n
t inspect m.grus --svg -o no/such.svg
weights w.safetensors <<'END'
tensor a.weight 3x4 random 1
tensor b - all 2
END
t inspect w.safetensors
left
