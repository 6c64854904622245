#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# One model and the description of its weights file: what `grus build` says about the pair.
#
#   weights.sh GRUS MAKE_WEIGHTS ARRAYS CASE [OPTION...]
#
# CASE.grus names CASE.safetensors, made from CASE.weights. Nothing may be written.
. "$(dirname "$0")/lib.sh"
case=$4
shift 4
cp "$here/weights/$case.grus" . || exit 2
"$MAKE_WEIGHTS" "$here/weights/$case.weights" "$case.safetensors" || exit 2
t build "$case.grus" -o out.h -q "$@"
rm "$case.grus" "$case.safetensors"
left
