#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
. "$(dirname "$0")/lib.sh"
say integer inputs take samples as they are
wav v.wav 8000 1 16 -32768 -1 0 1 32767
t voice v.wav o.wav
show o.wav
t voice v.wav
say float inputs take -1..1, outputs are stored as the input was
wav p16.wav 16000 1 16 zero:160 16384 -32768 8192
wav p24.wav 16000 1 24 zero:160 4194304 -8388608
wav p32.wav 16000 1 32 zero:160 1073741824
wav p8.wav 16000 1 8 zero:160 192 0 128
wav pf.wav 16000 1 f32 zero:160 0.5 -1 1.5
for f in p16 p24 p32 p8 pf; do
  t audio $f.wav half=o.wav
  show o.wav
done
t audio pf.wav half=o.wav --wav-bits 16
show o.wav
wav loud.wav 16000 1 f32 zero:160 4 -4 0.25
t audio loud.wav half=o.wav --wav-bits 24
show o.wav
say to a pipe the length is not known
m audio p16.wav half=- --out-format wav | cat >o.wav
show o.wav
say from a pipe
cat p16.wav | m audio - --in-format wav half=o.wav
show o.wav
say a filter answers in the format it was asked in
m voice <v.wav >o.wav
show o.wav
m voice <v.wav | cat >o.wav
show o.wav
wav long.wav 16000 1 16 zero:319 16384
m audio - level=- <long.wav | od -An -t f4
say wrong rate, width, channels
wav bad.wav 44100 1 16 ramp:200
t audio bad.wav half=o2.wav
wav bad.wav 8000 1 24 ramp:20
t voice bad.wav o2.wav
wav bad.wav 8000 1 f32 ramp:20
t voice bad.wav
wav bad.wav 8000 2 16 ramp:20
t voice bad.wav
wav bad.wav 100 1 16 ramp:20
t clean bad.wav
say two channels are the feature axis
wav two.wav 100 2 f32 1 2 3 4
t clean two.wav
say damaged
wav good.wav 8000 1 16 ramp:50
for n in 0 11 20 40 60 70 100; do
  head -c $n good.wav >bad.wav
  t voice bad.wav o2.wav
done
head -c 101 good.wav | m voice - o2.raw --in-format wav 2>&1
printf 'RIFX\0\0\0\0WAVE' >bad.wav
t voice bad.wav
printf 'RIFF\0\0\0\0WAVEfmt \020\0\0\0\125\0\1\0\100\037\0\0\100\037\0\0\1\0\0\0data\0\0\0\0' >bad.wav
t voice bad.wav
wav bad.wav 8000 1 16
t voice bad.wav o2.wav
say rates of outputs
npy f.npy '<f4' C 3,2 ramp:6
t clean f.npy o.wav
show o.wav
npy a.npy '<f4' C 3,1 ramp:3
t pair a=a.npy b=a.npy k=0 s=o.wav
t pair a=a.npy b=a.npy k=0 s=o.wav --rate 48000
show o.wav
say no file of a failed run is left
find . -name '*o2*'
