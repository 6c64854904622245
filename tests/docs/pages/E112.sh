# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E112.md need beside them.
{
  printf 'grus 1\n\nmodel m {\n  in  x : f32[8]        # 25 \260C\n'
  printf '  out y : f32[2] = x |> Dense(2)\n}\n'
} >room.grus
