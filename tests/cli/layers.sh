#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Files that hold only tensors, with the layers written by hand: from the two files to a verified header, and
# broken in the ways people break them.
. "$(dirname "$0")/lib.sh"
cat >state.txt <<'END'
tensor w_ih 24x4 random 1
tensor w_hh 24x8 random 2
tensor b_ih 24 random 3
tensor b_hh 24 random 4
tensor table 6x4 random 5
tensor fc.weight 3x8 random 6
tensor fc.bias 3 random 7
tensor other 2 random 8
END
"$MAKE_WEIGHTS" state.txt state.npz || exit 2
"$MAKE_WEIGHTS" state.txt state.safetensors || exit 2
cat >layers.grus <<'END'
grus 1

## Six categories to three.
model layers {
  weights torch "state.npz"
  in  x : index(6)[time 5]
  out y : f32[3] = x
    |> Embedding(4, from="table")
    |> GRU(8, from="w_ih w_hh b_ih b_hh")
    |> last
    |> Dense(3, from="fc")   # logits
  allow unused_tensor
}
END

say two commands
t build state.npz --config layers.grus -q -o layers.h
q verify state.npz --config layers.grus

q inspect state.npz --config layers.grus
printf '1\n2\n3\n4\n5\n' >x.csv
q run state.npz --config layers.grus x.csv

say import
t import state.safetensors --config layers.grus -o kws.grus
cat kws.grus
t check kws.grus
t build kws.grus -q -o kws.h
q verify kws.grus
cp layers.h one.h
sed 's/kws\.grus/layers.grus/' kws.h >two.h
diff one.h two.h >/dev/null && echo the same header

say nothing says the layers
t import state.npz
t build state.safetensors -o x.h
t import state.npz --config state.txt
t inspect state.npz

say broken
head -c 900 state.safetensors >cut.safetensors
t import cut.safetensors --config layers.grus
head -c 300 state.npz >cut.npz
t import cut.npz --config layers.grus
t import nothere.npz --config layers.grus
t import state.npz --config nothere.grus
t import state.npz --config layers.grus --stream
t build state.npz --config layers.grus --time 4 -o x.h
sed 's/GRU(8/GRU(9/' layers.grus >wide.grus
t import state.npz --config wide.grus
sed 's/weights torch "state.npz"//' layers.grus >none.grus
t import state.npz --config none.grus
sed 's/b_ih b_hh/b_ih b_hh other/' layers.grus >many.grus
t import state.npz --config many.grus
sed 's/torch/keras/; s/GRU(8,/GRU(8, reset=after,/' layers.grus >turned.grus
t import state.npz --config turned.grus
sed 's/w_ih w_hh/w_hh w_ih/' layers.grus >swapped.grus
t import state.npz --config swapped.grus
rm -f layers.h kws.h one.h two.h kws.grus kws.safetensors
left
