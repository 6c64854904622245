#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus import --list and --template: what a file of tensors has, and the layers its names leave as an answer.
. "$(dirname "$0")/lib.sh"
fixtures=$root/tests/conformance
cp "$fixtures"/torch/fixtures/*.safetensors "$fixtures"/torch/fixtures/*.npz "$fixtures"/pickle/fixtures/* . 2>/dev/null
cp "$fixtures"/keras/fixtures/weights_alone/* "$fixtures"/keras/fixtures/gru.h5 .

say lists
for file in prefixed.safetensors layers.npz checkpoint.ckpt legacy.pth script.pt numpy_1.pkl model.weights.h5 gru.h5 object.npy; do
  t import --list $file
done

say templates
for file in prefixed cells layers axes attention; do
  for ending in safetensors npz; do
    [ ! -f $file.$ending ] || t import --template $file.$ending
  done
done
t import --template checkpoint.ckpt
t import --template model.weights.h5
"$GRUS" import --template prefixed.safetensors >written.grus
t fmt --check written.grus
t check written.grus

say what is no file of tensors
t import --list model.json
t import --template model.json
t import --list missing.npz
t import --list .
