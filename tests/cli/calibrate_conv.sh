#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus calibrate rounds convolutions in two dimensions, in groups and depthwise: on what is held out, rounded
# weights are better than the nearest by 3 dB at least, which a wrong order of taps or groups would not give.
set -u
grus=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# rounded NAME FROM TO STAGE DATA: the stage alone, in each precision with 8-bit weights
rounded() {
  printf 'grus 1\n\nmodel %s {\n  allow state_never_reset\n  in  x : f32[time .., %s]\n  out y : f32[time .., %s] = x |> %s\n}\n' "$1" "$2" "$3" "$4" >"$1.grus"
  for precision in i16 w8; do
    "$grus" calibrate "$1.grus" "x=$5" --weights random:5 --precision $precision -q >printed 2>&1 || cat printed
    awk -v stage="$4" '/^y\.conv/ { print stage ": " $2 " " ($5 - $3 >= 3 ? "3 dB better, or more" : $0) }' printed
    "$grus" verify "$1.grus" --weights random:5 --precision $precision --ranges "$1.ranges" |
      sed 's/max error .*, SNR .*dB/close/; s/ of [0-9.]*,/ of N,/'
  done
}

awk 'BEGIN {
  for (t = 0; t < 300; t++) {
    for (j = 0; j < 8; j++)
      for (c = 0; c < 4; c++)
        printf "%s%.5f", (j + c ? "," : ""), sin(t * 0.11 + j * 0.2 + c) * cos(j * 0.2 + t * 0.031 * c) + 0.1 * sin(t * t + j * c * 1.7)
    print ""
  }
}' >image.csv
awk 'BEGIN {
  for (t = 0; t < 900; t++) {
    for (c = 0; c < 6; c++)
      printf "%s%.5f", (c ? "," : ""), sin(t * 0.1 * (c + 1) + c) + 0.2 * sin(t * t * 0.01 + c)
    print ""
  }
}' >sound.csv
rounded image "8, 4" "8, 6" "Conv2D(6, kernel=(2, 3), padding=(causal, same))" image.csv
rounded groups "8, 4" "8, 6" "Conv2D(6, kernel=(3, 2), padding=(causal, same), groups=2)" image.csv
rounded depth "8, 4" "4, 8" "Conv2D(8, kernel=(3, 3), padding=(causal, same), stride=(1, 2), groups=4)" image.csv
rounded depth1 6 12 "Conv1D(12, kernel=9, padding=causal, groups=6)" sound.csv
exit 0
