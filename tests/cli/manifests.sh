#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A manifest of raw tensors: one embedding, one cell of one unit, logits; and what is said of one that is not whole. The
# candidate of the cell has the bias 1 and all else is 0, so that c = tanh(1) / 2, then sigmoid(1) c + tanh(1) / 2.
. "$(dirname "$0")/lib.sh"
one='\000\000\200\077' two='\000\000\000\100' zero='\000\000\000\000'
# shellcheck disable=SC2059  # the numbers are the format
{
  printf "$one$two$zero" >words
  head -c 32 /dev/zero >cell
  printf "$zero$one$zero$zero" >bias
  printf "$two" >out_w
  printf "$one" >out_b
}
cell='"c/cell_0/basic_lstm_cell/weights": {"filename": "cell", "shape": [2, 4]}'
bias='"c/cell_0/basic_lstm_cell/biases": {"filename": "bias", "shape": [4]}'
words='"embedding": {"filename": "words", "shape": [3, 1]}'
out='"softmax_w": {"filename": "out_w", "shape": [1, 1]}, "softmax_b": {"filename": "out_b", "shape": [1]}'
config='{"cell": "BasicLSTMCell", "forget_bias": 1}'
# manifest ENTRIES: as manifest.json, imported with the configuration in $config.
manifest() {
  printf '{%s}\n' "$1" >manifest.json
  printf '%s\n' "$config" >config.json
  t import manifest.json --config config.json -q -o m.grus
}

say numbers
manifest "$words, $cell, $bias, $out"
cat m.grus
printf '0\n2\n' >x.csv
t run m.grus x=x.csv | rounded
manifest "$words, $cell, $bias, $out, \"global_step\": {\"filename\": \"step\", \"shape\": []}"

say what the manifest does not say
t import manifest.json -o m.grus
for config in '{}' '{"cell": "BasicLSTMCell"}' '{"cell": "GRUCell", "forget_bias": 1}' '{"cell": "BasicLSTMCell", "forget_bias": "1"}' \
  '{"cell": "BasicLSTMCell", "forget_bias": 1, "peephole": true}' '{"cell": '; do
  manifest "$words, $cell, $bias, $out"
done
config='{"cell": "BasicLSTMCell", "forget_bias": 1}'

say what is missing, twice, or too much
manifest "$cell, $bias, $out"
manifest "$words, $out"
manifest "$words, $cell, $out"
manifest "$words, $bias, $out"
manifest "$words, $cell, $bias"
manifest "$words, $cell, $bias, \"softmax_w\": {\"filename\": \"out_w\", \"shape\": [1, 1]}"
manifest "$words, \"my_embedding\": {\"filename\": \"words\", \"shape\": [3, 1]}, $cell, $bias, $out"
manifest "$words, $cell, $bias, $out, \"c/cell_1/basic_lstm_cell/biases\": {\"filename\": \"bias\", \"shape\": [4]}"
manifest "$words, $cell, $bias, $out, \"c/cell_64/basic_lstm_cell/biases\": {\"filename\": \"bias\", \"shape\": [4]}"
manifest "$words, $cell, $bias, $out, \"other\": {\"filename\": \"bias\", \"shape\": [4]}"

say shapes
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [3, 0]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [3]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [3, 1, 1]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [3, \"1\"]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [3, 2]}, $cell, $bias, $out"

say files
manifest "\"embedding\": {\"filename\": \"nothing\", \"shape\": [3, 1]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [4, 1]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"../dir/words\", \"shape\": [3, 1]}, $cell, $bias, $out"
manifest "\"embedding\": {\"shape\": [3, 1]}, $cell, $bias, $out"
manifest "\"embedding\": {\"filename\": \"words\", \"shape\": [3, 1], \"type\": \"f64\"}, $cell, $bias, $out"
mkdir ../outside
mv words ../outside
ln -s ../outside/words words
manifest "$words, $cell, $bias, $out"
t import manifest.json --config config.json --root . -q -o m.grus
rm words
mkfifo words
manifest "$words, $cell, $bias, $out"
