# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E906.md need beside them.
cp "$ROOT/tests/hostile/onnx/large_input.onnx" scan.onnx
