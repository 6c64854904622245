#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The same weights in every kind of file give the same C; files that are broken say how.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1

model m {
  weights torch "w"
  in  x : f32[time 6, feature 4]
  out y : f32[3] = x |> LSTM(5, from="rnn") |> last |> Dense(3, from="head")
}
END
cat >w.txt <<'END'
tensor rnn.weight_ih_l0 20x4 random 1
tensor rnn.weight_hh_l0 20x5 random 2
tensor rnn.bias_ih_l0 20 random 3
tensor rnn.bias_hh_l0 20 random 4
tensor head.weight 3x5 random 5
tensor head.bias 3 random 6
END
w() { "$MAKE_WEIGHTS" w.txt "$@"; }
same() { # FILE STYLE...
  w "$@"
  q build m.grus --weights "$1" -q -o got.h
  cmp want.h got.h && echo "the same: $*"
}
w w.safetensors
q build m.grus --weights w.safetensors -q -o want.h
for type in f16 bf16 f32 f64; do same $type.safetensors $type; done
for type in f16 f32 f64; do
  for style in "" big fortran "big fortran" deflate "big fortran deflate"; do same w.npz $type $style; done
done

say a single array
cat >one.grus <<'END'
grus 1

model one {
  weights keras "w"
  in  x : f32[feature 4]
  out y : f32[3] = x |> Dense(3, bias=false, from="")
}
END
printf 'tensor kernel 4x3 random 1\n' >one.txt
for style in "f32" "f16" "f64 big" "f32 fortran" "f16 big fortran"; do
  "$MAKE_WEIGHTS" one.txt one.npy $style
  q build one.grus --weights one.npy -q -o one_$(echo $style | tr ' ' _).h
done
for f in one_*.h; do cmp one_f32.h $f && echo "the same: $f"; done

say E604: files that cannot be read
r() { t build m.grus --weights "$1" -q -o out.h; }
r missing.safetensors
r .
: >empty
r empty
w w.npz
w w.npy
printf 'not weights at all, only a line of text\n' >garbage
r garbage
head -c 100 w.safetensors >header.safetensors
r header.safetensors
head -c 700 w.safetensors >cut.safetensors
r cut.safetensors
head -c 1000 w.npz >cut.npz
r cut.npz
head -c 100 w.npy >header.npy
r header.npy
head -c 200 w.npy >cut.npy
r cut.npy
printf '\377\377\377\377\377\377\377\177{}' >long.safetensors
r long.safetensors
printf '\002\000\000\000\000\000\000\000[]' >array.safetensors
r array.safetensors
printf '\024\000\000\000\000\000\000\000{"a":{"dtype":"F32"}' >half.safetensors
r half.safetensors
t build m.grus --weights random:seven -q -o out.h
st() { # HEADER DATA: a safetensors file of less than 256 bytes of header
  printf "\\$(printf %03o ${#1})\\000\\000\\000\\000\\000\\000\\000%s%s" "$1" "$2" >made.safetensors
  r made.safetensors
}
st '{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}' 0000
st '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}' 0000
st '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}' 0000
st '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9]}}' 0000
st '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}' 0000
st '{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}' ''
st '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 0000
st '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' 00000000
if [ "$(id -u)" -ne 0 ]; then
  chmod 0 w.npz
  q build m.grus --weights w.npz -o out.h 2>&1 | grep -q 'Permission denied' || echo "no word about permission"
fi
say the array of an .npy belongs to a layer without a prefix only
printf 'tensor kernel 3x4 random 1\n' >turned.txt
"$MAKE_WEIGHTS" turned.txt turned.npy
t build one.grus --weights turned.npy -q -o out.h
t build m.grus --weights one.npy -q -o out.h
t import one.npy
t import --template one.npy
t inspect one.npy

say the file named in the model
t build m.grus -q -o out.h
left
