# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The two wrong models of which README.md shows the messages, made of the models on the page as it says.
readme=$ROOT/README.md
awk '/^```/ { if (inside) exit; inside = /^```grus/; next } inside' "$readme" |
  sed 's/|> last |> Dense/|> last |> GRU(32) |> last |> Dense/' >kws.grus
awk 'index($0, "**1. Write the model.") == 1 { near = 1 }
     near && /^```/ { if (inside) exit; inside = 1; next }
     inside { print }
     inside && /[|]> last$/ { print "    |> LSTM(16)" }' "$readme" >hand.grus
