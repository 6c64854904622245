#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What a build refuses although the model is right: names, budgets, precisions, targets.
. "$(dirname "$0")/lib.sh"
b() { t build "$@" --weights=random:1 -q -o out.c; }

say E803
cat >names.grus <<'END'
grus 1

model names {
  in  int : f32[time restrict <= 9, feature 4]
  out new : f32[3] = int |> GRU(5) |> last |> Dense(3)
  out New : f32[3] = int |> mean |> Dense(3)
}

model fine {
  in  values : f32[int 4]                       # labels of axes and names of lets stay inside
  let double = values |> Dense(4)
  out s      : f32[4] = double
}
END
t check names.grus
b names.grus --model fine --prefix int
b names.grus --model fine --prefix 3d
b names.grus --model fine --prefix ''

say E804
cat >two.grus <<'END'
grus 1

model first  { in x : f32[4]  out y : f32[3] = x |> Dense(3) }
model second { in x : f32[4]  out y : f32[2] = x |> Dense(2) }
END
b two.grus
b two.grus --model third
t run two.grus --weights=random:1 x=0,0,0,0
t verify two.grus --weights=random:1
printf 'grus 1\nblock b { in x  out y = x |> relu }\n' >none.grus
b none.grus

say E703
sed "s/^model first .*/model first { precision i16  ranges \"r\"  in x : f32[time 5, 4]  out y : f32[3] = x |> GRU(3, activation=elu) |> last }/" \
  two.grus >precise.grus
b precise.grus --model first
sed "s/^model first .*/model first { ranges \"r\"  in x : f32[5]  out y : f32[3] = x |> LSTM(3, activation=relu, precision=i8) }/" \
  two.grus >layer.grus
sed "s/f32\[5\]/f32[time 5, 4]/; s/precision=i8)/precision=i8) |> last/" layer.grus >again.grus && mv again.grus layer.grus
b layer.grus --model first
sed "s/^model first .*/model first { precision i16  ranges \"r\"  in x : f32[4]  out y : f32[3] = x |> Dense(3) |> softmax }/" \
  two.grus >soft.grus
b soft.grus --model first --target cortex-m0

say E801 and E802
cat >large.grus <<'END'
grus 1

model large {
  in  x : f32[time 100, feature 8]
  let low  = x |> LSTM(32)
  let high = low |> GRU(48, direction=both)
  out y : f32[4] = high |> mean |> Dense(4)
}
END
b large.grus --max-ram 4KiB
b large.grus --max-flash 32KiB
b large.grus --max-ram 12 --max-flash 1kB
b large.grus --max-ram 1MiB --max-flash 1MB && ls out.* && rm out.*
b large.grus --target cortex-m4 --max-stack 2KiB
b large.grus --target cortex-m4 --max-cycles 1000000
b large.grus --max-stack 2KiB
b large.grus --target cortex-m0 --max-cycles 1000
b large.grus --target cortex-m4 --max-flash 118KiB
b large.grus --target cortex-m4 --max-stack 1MiB --max-cycles 100000000 --max-flash 1MiB && ls out.* && rm out.*
b large.grus --max-cycles few
b large.grus --max-ram 0
b large.grus --max-ram lots

say E805
sed "s/time 100/time 1000/" large.grus >huge.grus
b huge.grus --batch 1000000

say W801
b large.grus --target cortex-m4 --werror
b large.grus --target aarch64 --werror && rm out.*
b large.grus --target cortex-m4 --werror --scratch=static && rm out.*

say targets
b large.grus --target z80
left
