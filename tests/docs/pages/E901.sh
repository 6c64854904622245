# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E901.md need beside them.
head -c 5000 "$ROOT/tests/conformance/keras/fixtures/gru.h5" >model.h5
