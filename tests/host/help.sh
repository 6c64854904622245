#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
t total --help
for model in planar words clean audio fall; do
  t $model -h | sed '/^A FILE is/,$d'
done
