#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# grus import: what it writes and says, that the rest works on it, and files broken in the ways people
# break them.
. "$(dirname "$0")/lib.sh"
fixtures=$root/tests/conformance/keras/fixtures
cp "$fixtures"/* . 2>/dev/null
cp "$fixtures"/refused/* "$fixtures"/masked/masking.keras .
mkdir out

say a chain
t import conv.keras -o out/kws.grus
cat out/kws.grus
t check out/kws.grus
t check conv.keras
t fmt --check out/kws.grus
q verify out/kws.grus

say a graph
t import joins.keras -o out/joins.grus
cat out/joins.grus
t fmt --check out/joins.grus
q verify out/joins.grus
t import states.h5 -o out/states.grus
cat out/states.grus
q verify states.h5

say the same bytes from the same file
t import -q gru.h5 -o out/a.grus
mv out/a.safetensors out/b.safetensors
t import -q gru.h5 -o out/a.grus
cmp out/a.safetensors out/b.safetensors && echo same

say weights alone
cp "$fixtures"/weights_alone/* .
t import model.weights.h5 -o out/w.grus
t import data.h5 -o out/w.grus
t import --list data.h5

say weights of a file that holds a whole model
printf 'grus 1\n\nmodel hand {\n  in  x : f32[time 6, 3]\n  out y : f32[5] = x |> LSTM(5, from="rnn") |> last\n}\n' >hand.grus
t build hand.grus --weights lstm.h5 -q -o out/hand.c
t build hand.grus --weights lstm.keras -q -o out/hand.c

say weights of Keras 3 alone, by their numbers and without the name of the framework
at=layers/gru/cell/vars
printf 'grus 1\n\nmodel hand {\n  in  x : f32[time 5, 3]\n  out y : f32[time 5, 4] = x |> GRU(4, from="%s")\n}\n' \
  "$at/0 $at/1 $at/2" >hand.grus
t build hand.grus --weights model.weights.h5 -q -W no-unused_tensor -o out/hand.c
t import model.weights.h5 --config model.json -o out/w.grus
q verify out/w.grus
sed 's/"module": "keras.layers", //g; s/"module": "keras", //; s/"recurrent_activation": "sigmoid", //' model.json >bare.json
t import model.weights.h5 --config bare.json -o out/w.grus
sed 's/^{/{"keras_version": "2.15.0", /' bare.json >asked.json
t import model.weights.h5 --config asked.json -o out/w.grus

say time
t import open_time_E904.keras -o out/x.grus
t import open_time_E904.keras --time 'n <= 9' -o out/x.grus
t import open_time_E904.keras --stream -o out/x.grus
# What the file makes grus warn of is said once: the text allows it.
grep -n allow out/x.grus
t check out/x.grus --werror
t import open_time_E904.keras --stream -q -o out/y.grus -W no-state_never_reset
grep -c allow out/y.grus
rm out/y.*
cat out/x.grus
q verify out/x.grus
t import open_time_E904.keras --stream --time 9 -o out/x.grus
t import lstm.h5 --time soon -o out/x.grus
t import two_way_concat_lstm.keras --stream -o out/x.grus
t import masking.keras -o out/x.grus
t import masking.keras --time '<= 4' -o out/x.grus

say layers without weights
printf '%s' '{"class_name": "Sequential", "config": {"name": "s", "layers": []}}' >layers_alone.json
t import layers_alone.json -o out/none.grus
rm layers_alone.json

say options that mean nothing to the file
cp "$root/tests/conformance/audio/fixtures/nam_lstm_1.nam" .
t import lstm.h5 --input x -o out/none.grus
t import lstm.keras --config nothing.json -o out/none.grus
t import lstm.h5 --size 0.5 -o out/none.grus
t import nam_lstm_1.nam --state a=b -o out/none.grus
for option in --set=a=3 --input=a --size=0.5 --signature=a; do t build out/w.grus $option -q -o out/none.h; done
ls out/none.* 2>/dev/null

say audio
cp "$root"/tests/conformance/audio/fixtures/guitarml_gru_2_2_1.json .
t import guitarml_gru_2_2_1.json -q -o out/knobs.grus
grep '  in ' out/knobs.grus
cp "$root"/tests/conformance/audio/fixtures/nam_lstm_1.nam "$root"/tests/conformance/audio/fixtures/aida_skip.json .
cp "$root"/tests/conformance/audio/fixtures/refused/nam_Transformer_E902.nam "$root"/tests/conformance/audio/fixtures/refused/nam_short_E603.nam .
t import nam_lstm_1.nam -o out/nam.grus
cat out/nam.grus
t fmt --check out/nam.grus
# Its time is that of the file, unless an option says another.
t import nam_lstm_1.nam --stream --time 49 -o out/none.grus
t import nam_lstm_1.nam --time x=y -o out/none.grus
t import nam_lstm_1.nam --time 'n <= 120' -o out/bounded.grus
t import nam_lstm_1.nam --time 49 -o out/fixed.grus
grep -h time out/bounded.grus out/fixed.grus
q verify out/nam.grus
t import aida_skip.json -o out/aida.grus
cat out/aida.grus
t import nam_Transformer_E902.nam -o out/no.grus
t import nam_short_E603.nam -o out/no.grus

say refused
for file in image_cells_E902 shared_stateful_E903 int8_dense_E903; do
  t import $file.keras -o out/no.grus
done

say broken
head -c 5000 gru.keras >cut.keras
head -c 5000 gru.h5 >cut.h5
printf 'PK\003\004 config.json model.weights.h5' >fake.keras
printf 'version https://git-lfs.github.com/spec/v1\n' >pointer.h5
t import cut.keras
t import cut.h5
t import fake.keras
t import pointer.h5
printf '<!DOCTYPE html>\n' >page.onnx
printf '\200\004pickle' >model.pkl
: >empty.tflite
printf 'lines of text\n' >notes.onnx
t import page.onnx
t build model.pkl -o x.h
t run empty.tflite
printf '\010\001\022\302\313\351\001\012\252\004\022\375\003\012\070\012\005Const\032\017\012\006output"\005dtype"\004type' > saved_model.pb
t import saved_model.pb
t build notes.onnx -o x.h
t import missing.h5
t import out
t import
t import gru.h5 --config conv.keras
t import gru.h5 -o -
t import gru.h5 -o nowhere/gru.grus
find . -name 'no.*' -o -name 'cut.grus' -o -name '*.tmp*'
