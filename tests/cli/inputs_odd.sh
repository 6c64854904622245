#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Inputs that are no files, or change: refused with a word, never waited for. And --root.
. "$(dirname "$0")/lib.sh"
cat >m.grus <<'END'
grus 1
model m {
  weights torch "w.safetensors"
  in  x : f32[feature 4]
  out y : f32[3] = x |> Dense(3)
}
END
mkfifo w.safetensors model.onnx model.keras used.grus
patient() { # a pipe that nobody writes to must not be waited for
  printf '$ grus %s\n' "$*"
  timeout 900 "$GRUS" "$@" >"$work/said" 2>&1 </dev/null
  status=$?
  cat "$work/said"
  printf '[%s]\n' $status
}
say pipes
patient build m.grus -q -o m.c
patient build m.grus -q -o m.c --weights w.safetensors
patient import model.onnx -o i.grus
patient import model.keras -o i.grus
printf 'grus 1\nuse "used.grus"\n' >user.grus
patient check user.grus

say devices and folders
rm w.safetensors
ln -s /dev/zero w.safetensors
patient build m.grus -q -o m.c
rm w.safetensors
mkdir w.safetensors
patient build m.grus -q -o m.c
rmdir w.safetensors
printf 'grus 1\nuse "/dev/zero"\n' >user.grus
patient check user.grus

say weights of an ONNX file that are no file, or a link to one elsewhere
mkdir far && cp "$root/tests/conformance/onnx/fixtures/opsets/weights_external".* far
mkdir near && cp far/weights_external.onnx near/external.onnx
mkfifo near/weights_external.bin
patient import near/external.onnx -o i.grus
rm near/weights_external.bin
for place in /dev/zero ../far ../far/weights_external.bin; do
  ln -s $place near/weights_external.bin
  patient import near/external.onnx -o i.grus | grep -v 'it is a link to' # and where it is
  rm near/weights_external.bin
done

say a model through a pipe that is there on purpose
mkfifo pipe.grus
printf 'grus 1\nmodel p { in x : f32[2] out y : f32[2] = x |> tanh }\n' >pipe.grus &
patient inspect pipe.grus
wait

say nothing outside of --root
mkdir -p job/sub elsewhere
printf 'grus 1\nparam n = 3\n' >job/sub/inside.grus
printf 'grus 1\nparam secret = 4\n' >elsewhere/outside.grus
printf '{"secret": 1}\n' >elsewhere/secret
cat >job/good.grus <<'END'
grus 1
use "sub/inside.grus"
model m {
  in  x : f32[4]
  out y : f32[n] = x |> Dense(n)
}
END
printf 'grus 1\nuse "../elsewhere/outside.grus"\n' >job/bad.grus
printf 'grus 1\nuse "../elsewhere/secret"\n' >job/secret.grus
ln -s ../elsewhere/outside.grus job/link.grus
printf 'grus 1\nuse "link.grus"\n' >job/by_link.grus
sed 's|weights torch "w|weights torch "../elsewhere/w|' m.grus >job/weights.grus
: >elsewhere/w.safetensors
for file in good bad secret by_link; do patient check --root job job/$file.grus; done
patient build --root job job/weights.grus -o x.c
patient check --root job elsewhere/outside.grus
patient check --root job/good.grus job/good.grus
patient check --root no/where job/good.grus

say safetensors with bytes that belong to nobody
tensors() { # HEADER DATA
  printf "$(printf '\\%03o' ${#1})\\0\\0\\0\\0\\0\\0\\0%s" "$1" >s.safetensors
  printf '%s' "$2" >>s.safetensors
  t inspect s.safetensors
}
tensors '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 1234
tensors '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}' 12345678
tensors '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 12345
tensors '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}' 123

say a C compiler of many words, with quotes
printf 'grus 1\nmodel c { in x : f32[2] out y : f32[2] = x |> tanh }\n' >c.grus
cat >'my cc' <<'END'
#!/bin/sh
for word in "$@"; do case $word in -D*) echo "$word" >>words ;; esac; done
exec cc "$@"
END
chmod +x 'my cc'
flags=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do flags="$flags -DA$i"; done
CC="'./my cc' $flags -D'B=1 + 1' \"-DC=\\\"x y\\\"\" -DD=a\\ b"
export CC
t build c.grus -q -o c.o
tail -4 words
for CC in " " "'cc" ; do t build c.grus -q -o d.o; done
unset CC
