# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What the commands of docs/errors/E115.md need beside them.
truncate -s 67108865 weights.grus
