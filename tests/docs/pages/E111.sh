# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E111.md need beside them.
brackets=$(printf '%0300d' 0 | tr 0 '(')
{
  printf 'grus 1\n\nmodel m {\n  in  x : f32[8]\n'
  printf '  out y : f32[8] = %sx%s\n}\n' "$brackets" "$(printf %s "$brackets" | tr '(' ')')"
} >generated.grus
