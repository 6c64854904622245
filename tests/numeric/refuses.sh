#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# refuses.sh TOOL SOURCE_DIR DIR
set -eu
mkdir -p "$3"
"$1" "$2/refuses.grus" "$3"
gcc -std=c99 -Wall -Wextra -Werror -Wno-pedantic -I"$3" "$2/refuses.c" "$3/model.c" -o "$3/refuses"
"$3/refuses"
