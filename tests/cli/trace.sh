#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# --trace: the table, and that its lines are where it says: arrays of weights begin and end there,
# and code stands in the section whose comment names the stage.
. "$(dirname "$0")/lib.sh"
cat >meter.grus <<'END'
grus 1

model meter {
  in  x : f32[time .. @ 100Hz, 3]
  let h = x |> Conv1D(4, kernel=3, padding=causal) |> relu |> LSTM(4)
  out y : f32[time .., 2] = h |> Dense(2) |> sigmoid
}
END

# places TABLE FILE: each row against the C that it names.
places() {
  tail -n +2 "$1" | sed 's/"[^"]*"/"quoted"/g' | while IFS=, read -r stage text source line code kind file name first last bytes; do
    case $kind in
    weights)
      sed -n "${first}p" "$file" | grep -q "static const .* $name\[" || echo "$name does not begin at line $first"
      [ "$(sed -n "${last}p" "$file")" = "};" ] || echo "$name does not end at line $last"
      [ "$(sed -n "$first,${last}p" "$file" | grep -c '};')" = 1 ] || echo "$name is more than its lines"
      ;;
    code)
      said=$(sed -n "1,${first}p" "$file" | sed -n 's|^ *\/\* \([a-z0-9.]*\): .*, line [0-9]*$|\1|p' | tail -1)
      [ "$said" = "$stage" ] || echo "$file:$first is in the section of $said, not of $stage"
      sed -n "$((first + 1)),${last}p" "$file" | grep -q '^ *\/\* [a-z0-9.]*: .*, line' && echo "$file:$first-$last has another section"
      ;;
    fused) grep -q "then $text" "$2" || echo "nothing says: then $text" ;;
    *) echo "a row of kind '$kind'" ;;
    esac
  done
}
say a table
q build meter.grus --weights=random:1 -q -o meter.c --selftest --trace
cat meter.trace.csv
places meter.trace.csv meter.c
say a header
q build meter.grus --weights=random:1 -q --emit=header -o one.h --target cortex-m4 --trace
sed -n '2p;4p' one.trace.csv
places one.trace.csv one.h
say what has no table
t build meter.grus --weights=random:1 -o meter.o --trace
t build meter.grus --weights=random:1 -o meter.c --trace --dispatch
t build meter.grus --weights=random:1 --emit=header -o - --trace
