# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# A long source: awk -v lines=N -f source.awk prints at least N lines, by less than a model more: a
# block and models of six kinds in turn, with streams, windows, bounded lengths, states and comments.
# Names and sizes differ from model to model; there is nothing to report in it.
function dense(i) { return 8 + i * 7 % 40 }

function block(i) {
  print "## Part number " i ": added to its own input."
  print "block Part" i "(width, drop=0.1) {"
  print "  in  x"
  print "  let inner = x |> Dense(width) |> relu |> Dropout(drop)"
  print "  out y = x + inner"
  print "}\n"
  return 7
}

function classify(i, u) {
  u = dense(i)
  print "## Keyword spotting, variant " i "."
  print "model classify" i " {"
  print "  in  mfcc : f32[time 49, mfcc 13]     # one second"
  print "  let low  = mfcc |> GRU(" u ")"
  print "  let high = low |> GRU(" u + 1 ", direction=both)"
  print "  out probs : f32[" 5 + i % 9 "] = high.h"
  print "    |> Dense(" 2 * u ")"
  print "    |> relu"
  print "    |> Dense(" 5 + i % 9 ")"
  print "    |> softmax"
  print "}\n"
  return 12
}

function stream(i, u) {
  u = dense(i)
  print "## An endless stream, variant " i "."
  print "model stream" i " {"
  print "  in  frame : f32[time .. @ 100Hz, band " u "]"
  print "  let hidden = frame"
  print "    |> Dense(" u + 2 ")"
  print "    |> tanh"
  print "    |> GRU(" u + 3 ")"
  print "  out gain  : f32[time .., band " u "] = hidden"
  print "    |> Dense(" u ")"
  print "    |> sigmoid"
  print "}\n"
  return 12
}

function residual(i, u) {
  u = dense(i)
  print "model residual" i " {"
  print "  in  imu : f32[time 100, axis 6]"
  print "  let wide = imu |> Dense(" u ")"
  print "  let a = wide |> Part" i "(" u ")"
  print "  let b = a |> Part" i "(" u ", drop=0.2)"
  print "  out p : f32[4] = b"
  print "    |> LSTM(" u ")"
  print "    |> last"
  print "    |> Dense(4)"
  print "    |> softmax"
  print "}\n"
  return 12
}

function bounded(i, u) {
  u = dense(i)
  print "## Sentences of up to 120 words."
  print "model bounded" i " {"
  print "  in  words : index(" 1000 + i ")[time n <= 120]"
  print "  in  caps  : f32[time n, 4]"
  print "  let text  = words |> Embedding(" u ")"
  print "  let both  = concat(text, caps)"
  print "  out p : f32[1] = both"
  print "    |> GRU(" u ")"
  print "    |> last                            # step n-1"
  print "    |> Dense(1)"
  print "    |> sigmoid"
  print "}\n"
  return 13
}

function states(i, u) {
  u = dense(i)
  print "model states" i " {"
  print "  in  x  : f32[time 10, feature 20]"
  print "  in  h1 : f32[" u "]"
  print "  in  h2 : f32[" u + 4 "]"
  print "  let low  = x   |> GRU(" u ", init=h1)"
  print "  let high = low |> GRU(" u + 4 ", init=h2)"
  print "  out y      : f32[5] = high |> last |> Dense(5)"
  print "  out h1_end : f32[" u "] = low.h"
  print "  out h2_end : f32[" u + 4 "] = high.h"
  print "}\n"
  return 11
}

function convolve(i, u) {
  u = dense(i)
  print "model convolve" i " {"
  print "  in  accel : f32[time 2s @ 50Hz, axis 3] every 500ms"
  print "  out fall  : f32[1] = accel"
  print "    |> normalize(mean=0, std=9.81)"
  print "    |> Conv1D(" u ", kernel=4, stride=2)"
  print "    |> BatchNorm"
  print "    |> relu"
  print "    |> GRU(" u ")"
  print "    |> last"
  print "    |> Dense(1)"
  print "    |> sigmoid"
  print "}\n"
  return 12
}

# One of the seven kinds; returns its lines.
function model(kind, i) {
  if (kind == 0) return block(i)
  if (kind == 1) return classify(i)
  if (kind == 2) return stream(i)
  if (kind == 3) return residual(i)
  if (kind == 4) return bounded(i)
  if (kind == 5) return states(i)
  return convolve(i)
}

BEGIN {
  print "grus 1\n"
  for (n = 2; n < lines; k++)
    n += model(k % 7, int(k / 7))
}
