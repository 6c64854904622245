#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Archives of NumPy, JSON lines and tables with columns that are not for the model.
. "$(dirname "$0")/lib.sh"
fixtures=$(dirname "$0")/fixtures
cp "$fixtures"/*.npz .

say archives
t total one.npz
t total one.npz site=0 --out out.npz
t total x=out.npz site=1 gain=1,1 --out again.npz
t total x=alone.npz site=1 gain=1,1 sum=- --out-format csv
t total many.npz --out many_out.npz -q
t total many.npz --out folder -q
npy x.npy '<f4' C 1,2 ramp:2
show folder/sum.npy folder/twice.npy | head -2
left
say archives that are none
head -c 500 many.npz >cut.npz
t total cut.npz
printf 'nothing' >short.npz
t total short.npz
: >empty.npz
t total empty.npz
t audio pcm=one.npz
for at in 60 300 650; do
  { head -c $at many.npz && printf '\377\377\377' && tail -c +$((at + 4)) many.npz; } >bad.npz
  printf '%s: ' $at
  t total bad.npz sum=- --out-format csv
done
m total --in-format npz x=- site=1 gain=1,1 sum=- --out-format csv <one.npz
echo "[$?]"
t total one.npz sum=y.npz
t total one.npz --out o.csv
t total one.npz --out twice=o.csv
t total one.npz --out twice=o.npz
t total one.npz --out twice=o
t total one.npz --out twice=
t audio one.npy o.npy

say JSON lines
cat >w.jsonl <<'END'
{"id": 7, "words": [1, 2, 3], "caps": [[1, 0], [0, 1], [0, 0]], "note": "a \"b\" ]", "more": {"x": [null, true]}}

{"caps": [[1,0]], "words": [299]}
END
t words w.jsonl
t words w.jsonl mean=mean.jsonl tags=tags.jsonl
cat mean.jsonl tags.jsonl
t words w.jsonl n=1,1 tags=- --out-format ndjson
t words w.jsonl n=4,1
t words words=w.jsonl caps=0,0,0,0
printf '[[1,2,3],[4,5,6],[7,8,9],[1,1,1]]\n' >x.jsonl
t total x=x.jsonl site=1 gain=1,1
t planar '--in-format' jsonl x=x.jsonl
printf '{"frame":[1,2]}\n{"frame": [3,4]}\n' | m clean frame=- gain=-
printf '[1,2]\n[3,4]\n' | m clean
printf '1\n2\n3\n4\n5\n' | m audio pcm=- level=- --out-format jsonl
say text on standard input for another type than f32: only the option makes it text, and raw numbers that look like text
for text in '[1,2]\n' '{"words": [1]}\n' '[[1, 2]]\n' '1\n2\n' '12345\n' '1,2'; do
  printf "$text" | m words words=- caps=0,0 2>&1; echo "[$?]"
done
printf '[1]\n' | m words words=- --in-format jsonl caps=1,2 mean=- --out-format csv
printf '1\0' | m words words=- caps=1,2 mean=- --out-format csv
printf '[\0' | m words words=- caps=1,2 mean=- --out-format csv
printf '0,' | m voice --in-format raw pcm=- out=- | od -An -tx1
printf '0,' | m voice pcm=- out=- 2>&1
say lines that are wrong
for line in '{"words": [1]}' '{"words": [1, 2], "caps": [[1, 2]]}' '[1' '[]' '[[1],[2,3]]' '[1,[2]]' 'null' '[1,2,3,4,5,6]' '{"words": [1.5]}' \
  '{"words": [1], "words": [2]}' '{"words" [1]}' '[1] 2' '["a"]' '{"a": 1, "words": [1, null]}' '[300]'; do
  echo "$line" >bad.jsonl
  t words words=bad.jsonl caps=0,0 mean=- --out-format csv
done

say tables with an id
cat >long.csv <<'END'
,trial,t,word,a,b
0,one,0.0,7,1,0
1,one,0.1,8,0,0
2,two,0.0,100,1,1
3,three,0.0,1,0,0
4,three,0.1,2,0,0
5,three,0.2,3,0,0
END
cut -d, -f1,2,3,4 long.csv >words.csv
cut -d, -f2,3,5,6 long.csv >caps.csv
t words words=words.csv caps=caps.csv --id trial --skip t
t words words=words.csv caps=caps.csv --id trial --skip t --out-format jsonl --out tables -q
cat tables/*.jsonl
t words words=words.csv caps=caps.csv --id trail
t words words=words.csv caps=caps.csv --id trial
t words words=words.csv caps=caps.csv --id trial --skip t,word
sed '3{h;d;};5{G;}' caps.csv >torn.csv
t words words=words.csv caps=torn.csv --id trial --skip t
t clean frame=caps.csv --id trial
sed 1d caps.csv >bare.csv
t words words=words.csv caps=bare.csv --id trial --skip t
