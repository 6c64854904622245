#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The figures of the examples, made by standalone programs.
#
#   examples/figures.sh GRUS [FOLDER] [EXAMPLE...]
#
# Builds each example with the compiler GRUS, runs it on its recorded input, compares the output with
# expected/ and prints the figure. What it makes stays in FOLDER (default: a temporary one), with
# spectrogram.png, the sound before and after, and speech.svg, a sound and where somebody speaks.
# Fails if an output or a figure is not as stated. read_text needs libpng.
set -eu
grus=$1
folder=${2:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ $# -le 2 ] && set -- "$grus" "$folder" denoiser japanese_vowels gesture voice_activity read_text
shift 2
case $grus in */*) grus=$(cd "$(dirname "$grus")" && pwd)/$(basename "$grus") ;; esac
cd "$(dirname "$0")"
failed=0

# The README states the figure in bold.
figure() { # EXAMPLE PRINTED
  echo "$1: $2"
  if ! grep -qF "**$2**" "$1/README.md"; then
    echo "$1: this is not the figure of $1/README.md" >&2
    failed=1
  fi
}

tool() { # NAME SOURCE LIBRARY...
  name=$1 source=$2
  shift 2
  [ -x "$folder/$name" ] || ${CC:-cc} -O2 -o "$folder/$name" "$source" "$@"
}

compare() { # EXAMPLE FOUND EXPECTED
  tool compare compare.c -lm
  printf '%s: ' "$1"
  "$folder/compare" "$2" "$1/$3" 1e-5 || { echo "$1: more than 1e-5" >&2; failed=1; }
}

# The same model in 16-bit integers: $folder/NAME_i16.
in_integers() { # NAME MODEL DATA...
  name=$1 model=$2
  shift 2
  "$grus" calibrate "$model" "$@" --precision i16 -q -o "$folder/$name.ranges" >"$folder/$name.report"
  sed 's/^/  /' "$folder/$name.report"
  "$grus" build "$model" --precision i16 --ranges "$folder/$name.ranges" --emit=exe -q -o "$folder/${name}_i16"
}

denoiser() {
  "$grus" build denoiser/denoiser.grus --emit=exe -o "$folder/denoiser"
  "$folder/denoiser" denoiser/noisy.wav "$folder/denoised.wav"
  "$folder/denoiser" denoiser/noisy.wav "$folder/denoised.npy"
  compare denoiser "$folder/denoised.npy" expected/clean.npy
  tool snr denoiser/snr.c -lm
  tool spectrogram denoiser/spectrogram.c -lm -lz
  figure denoiser "$("$folder/snr" denoiser/clean.wav denoiser/noisy.wav "$folder/denoised.wav")"
  "$folder/spectrogram" denoiser/noisy.wav "$folder/denoised.wav" "$folder/spectrogram.png"
  in_integers denoiser denoiser/denoiser.grus pcm=denoiser/noisy.wav
  "$folder/denoiser_i16" denoiser/noisy.wav "$folder/denoised_i16.wav"
  figure denoiser "$("$folder/snr" denoiser/clean.wav denoiser/noisy.wav "$folder/denoised_i16.wav")"
}

japanese_vowels() {
  "$grus" build japanese_vowels/vowels.grus --emit=exe -o "$folder/vowels"
  for output in speaker.npy speaker.csv; do
    "$folder/vowels" lpc=japanese_vowels/data/test.npy n=japanese_vowels/data/test_length.npy \
      speaker="$folder/$output"
  done
  compare japanese_vowels "$folder/speaker.npy" expected/speaker.npy
  figure japanese_vowels "$(awk -F, -f accuracy.awk japanese_vowels/data/test_label.csv "$folder/speaker.csv")"
}

gesture() {
  "$grus" build gesture/gesture.grus --emit=exe -o "$folder/gesture"
  for output in activity.npy activity.csv; do
    "$folder/gesture" imu=gesture/data/test.npy activity="$folder/$output"
  done
  compare gesture "$folder/activity.npy" expected/activity.npy
  figure gesture "$(awk -F, -f accuracy.awk gesture/data/test_label.csv "$folder/activity.csv")"
  in_integers gesture gesture/gesture.grus imu=gesture/data/calibration.npy
  "$folder/gesture_i16" imu=gesture/data/test.npy activity="$folder/activity_i16.csv"
  figure gesture "$(awk -F, -f accuracy.awk gesture/data/test_label.csv "$folder/activity_i16.csv")"
  "$grus" verify gesture/gesture.grus --precision i16 --ranges "$folder/gesture.ranges" imu=gesture/data/test.npy \
    --against gesture/expected --snr 55dB --metric argmax || failed=1
}

voice_activity() {
  "$grus" build voice_activity/voice_activity.grus --emit=exe -o "$folder/voice_activity"
  for output in speech.npy speech.csv; do
    "$folder/voice_activity" voice_activity/people.wav "$folder/$output"
  done
  compare voice_activity "$folder/speech.npy" expected/speech.npy
  tool segments voice_activity/segments.c -Idenoiser
  "$folder/segments" voice_activity/people.wav "$folder/speech.csv" "$folder/speech.svg" |
    tee "$folder/segments.txt"
  cmp "$folder/segments.txt" voice_activity/expected/segments.txt || failed=1
  figure voice_activity "$(awk -F, -f accuracy.awk voice_activity/people.csv "$folder/speech.csv")"
}

read_text() {
  if ! echo '#include <png.h>' | ${CC:-cc} -E - >/dev/null 2>&1; then
    echo "read_text: left out, it needs libpng (Debian package libpng-dev)" >&2
    return
  fi
  "$grus" build read_text/read_text.grus --scratch=static -q -o "$folder/net.c"
  ${CC:-cc} -O2 -ffp-contract=off -I"$folder" -o "$folder/reader" read_text/reader.c "$folder/net.c" -lpng
  "$folder/reader" read_text/pictures/0* >"$folder/lines.txt"
  cmp "$folder/lines.txt" read_text/expected/lines.txt || failed=1
  figure read_text "$(awk -f read_text/errors.awk read_text/pictures/lines.txt "$folder/lines.txt")"
}

for example in "$@"; do
  case $example in
    denoiser | japanese_vowels | gesture | voice_activity | read_text) "$example" ;;
    *) echo "no example $example" >&2; exit 2 ;;
  esac
done
exit $failed
