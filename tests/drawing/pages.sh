#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# pages.sh GRUS: the page of a verification and the picture of a bench: what they show, what they load (nothing),
# and that a difference is told there as it is in text.
set -eu
grus=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >m.grus <<'END'
grus 1
## <b>bold</b> & more
model m {
  in  x : f32[time 6, feature 4]
  out y : f32[time 6, 3] = x |> GRU(5) |> Dense(3)
}
END
need() { grep -qF "$2" "$1" || { echo "$1 has no $2"; exit 1; }; }
"$grus" verify m.grus --weights random:1 --html >ok.html
for part in '<td>ok</td><td>y</td><td>compiled / evaluator</td>' 'class="truth"' 'class="got"' 'class="error"' '<td>y.gru</td><td>GRU(5)</td>' \
  '<td>y.dense</td>' '18 values' '</html>'; do need ok.html "$part"; done
status=0
"$grus" verify m.grus --weights random:1 --snr 900 --html >differs.html 2>said || status=$?
[ $status = 4 ] || { echo "exit $status where the SNR is too low"; exit 1; }
need differs.html '<strong>differs</strong>'
need differs.html '</html>'
"$grus" bench m.grus --svg >bench.svg
for part in '<svg xmlns' 'class="column"' 'median' 'multiply-adds' '</svg>'; do need bench.svg "$part"; done
if grep -E 'https?://' ok.html differs.html bench.svg | grep -v 'xmlns="http://www.w3.org/2000/svg"'; then
  echo 'something is loaded from elsewhere'
  exit 1
fi
