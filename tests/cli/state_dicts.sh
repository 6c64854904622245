#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# State dicts of PyTorch as JSON: what follows from names and shapes, what --config adds, and what grus asks for. The
# numbers after `run` are small enough to check by hand.
. "$(dirname "$0")/lib.sh"

# dict NAME: the state dict on standard input as NAME.json, imported without more.
dict() {
  cat >"$1.json"
  t import "$1.json" -o "$1.grus"
}
# configured NAME: the same file again, with standard input for --config.
configured() {
  cat >with.json
  t import "$1.json" --config with.json -q -o "$1.grus"
}

say a Conv1d: y at each second step, of the last three and over the features
dict conv <<'END'
{"weight": [[[1, 2, 3], [0, 1, 0]], [[1, 0, 0], [0, 0, 1]]], "bias": [0.5, -1]}
END
echo '{"stride": 2}' | configured conv
grep Conv1D conv.grus
printf '1,10\n2,20\n3,30\n4,40\n5,50\n6,60\n' >x.csv
t run conv.grus x=x.csv
printf '1\n3\n' >one.csv

say groups of one feature each, and steps between
echo '{"groups": 2, "dilation": 2, "stride": 1, "padding": 0}' | configured conv
dict grouped <<'END'
{"front.weight": [[[1, 2]], [[10, 20]]]}
END
echo '{"front": {"groups": 2, "dilation": 2}}' | configured grouped
grep Conv1D grouped.grus
t run grouped.grus x=x.csv
say arguments that it cannot have
for arguments in '{"front": {"groups": 3}}' '{"front": {"padding": 1}}' '{"front": {"stride": 0}}' '{"front": {"stride": 1.5}}' \
  '{"front": {"bias": true}}' '{"front": 3}' '{"back": {}}' '[]' '{"front": ' '{"front": {"groups": 2147483647}}'; do
  echo "$arguments" | configured grouped
done
t import grouped.json --config missing.json -o grouped.grus
say after a Conv1d something stands, as a rule
dict two <<'END'
{"0.weight": [[[1]], [[2]]], "0.bias": [0, 0], "2.weight": [[1, 1], [1, 0], [0, 1]], "2.bias": [0, 0, 0]}
END
say nothing stands between neighbours of a Sequential
dict neighbours <<'END'
{"0.weight": [[[1]], [[2]]], "0.bias": [0, 1], "1.weight": [[1, 1], [1, 0], [0, 1]], "1.bias": [0, 0, 0]}
END
echo '{"0": {}}' | configured neighbours
t run neighbours.grus x=one.csv

say norms, in the place where the keys have them
dict norms <<'END'
{"0.weight": [[1, 0], [0, 2]], "0.bias": [0, 1], "1.weight": [1, 1], "1.bias": [0, 0],
 "1.running_mean": [1, 1], "1.running_var": [0.25, 4], "1.num_batches_tracked": 7}
END
printf '1,0\n2,1\n' >x.csv
t run norms.grus x=x.csv
dict bare_norm <<'END'
{"0.weight": [[1, 0], [0, 1]], "0.bias": [0, 0], "1.running_mean": [0, 1], "1.running_var": [1, 1]}
END
t run bare_norm.grus x=x.csv
dict layer_norm <<'END'
{"n.weight": [2, 2], "n.bias": [0, 1]}
END
t run layer_norm.grus x=x.csv

say numbers of words
dict words <<'END'
{"embedding.weight": [[0, 1], [2, 3], [4, 5]], "out.weight": [[1, 10]], "out.bias": [100]}
END
printf '2\n0\n' >words.csv
t run words.grus x=words.csv

say in two directions
sum='[[0], [0], [1]]' # the candidate is the input, the gates are open half
none='[[0], [0], [0]]'
dict both <<END
{"g.weight_ih_l0": $sum, "g.weight_hh_l0": $none, "g.weight_ih_l0_reverse": $sum, "g.weight_hh_l0_reverse": $none}
END
t import both.json --time 3 -q -o both.grus
printf '1\n2\n4\n' >three.csv
t run both.grus x=three.csv | rounded
dict both_then <<END
{"g.weight_ih_l0": $sum, "g.weight_hh_l0": $none, "g.weight_ih_l0_reverse": $sum, "g.weight_hh_l0_reverse": $none, "out.weight": [[1, 1], [1, 0], [0, 1]]}
END

say orders
dict many <<'END'
{"b.weight_ih_l0": [[1], [1], [1]], "b.weight_hh_l0": [[1], [1], [1]], "a.weight_ih_l0": [[2], [2], [2]], "a.weight_hh_l0": [[2], [2], [2]]}
END
dict sorted <<'END'
{"a.weight_ih_l0": [[1], [1], [1]], "a.weight_hh_l0": [[1], [1], [1]], "b.weight_ih_l0": [[2], [2], [2]], "b.weight_hh_l0": [[2], [2], [2]]}
END
dict several <<'END'
{"net.g.weight_ih_l0": [[1, 1], [1, 1], [1, 1]], "net.g.weight_hh_l0": [[1], [1], [1]],
 "old.g.weight_ih_l0": [[2, 1], [2, 1], [2, 1]], "old.g.weight_hh_l0": [[2], [2], [2]]}
END
dict none <<'END'
{"a.weight": [[1, 2, 3]], "b.weight": [[1, 2, 3, 4]], "c.weight": [[1, 2, 3, 4, 5]], "d.weight": [[1, 2, 3, 4, 5, 6]],
 "e.weight": [[1, 2, 3, 4, 5, 6, 7]], "f.weight": [[1, 2]], "g.weight": [[1, 2]]}
END

dict long <<'END'
{"a.weight_ih": [[1], [1], [1]], "a.weight_hh": [[1], [1], [1]], "b.weight_ih": [[1], [1], [1]], "b.weight_hh": [[1], [1], [1]],
 "c.weight_ih": [[1], [1], [1]], "c.weight_hh": [[1], [1], [1]], "d.weight_ih": [[1], [1], [1]], "d.weight_hh": [[1], [1], [1]],
 "e.weight_ih": [[1], [1], [1]], "e.weight_hh": [[1], [1], [1]], "f.weight_ih": [[1], [1], [1]], "f.weight_hh": [[1], [1], [1]],
 "g.weight_ih": [[1], [1], [1]], "g.weight_hh": [[1], [1], [1]]}
END

say kinds that a state dict does not tell enough of
dict rnn <<'END'
{"rnn.weight_ih_l0": [[1]], "rnn.weight_hh_l0": [[1]]}
END
dict image <<'END'
{"c.weight": [[[[1]]]], "c.bias": [1]}
END
dict projected <<'END'
{"l.weight_ih_l0": [[1], [1], [1], [1], [1], [1], [1], [1]], "l.weight_hh_l0": [[1], [1], [1], [1], [1], [1], [1], [1]], "l.weight_hr_l0": [[1, 1]]}
END
dict spectral <<'END'
{"a.weight": [[1]], "l.weight_orig": [[1]], "l.weight_u": [1], "l.weight_v": [1], "l.bias": [1], "l.other": [1]}
END
dict packed <<'END'
{"a.weight": [[1]], "l._packed_params.dtype": [1], "l.scale": [1]}
END
dict more <<'END'
{"l.weight": [[1]], "l.bias": [1], "l.mask": [[1]]}
END
dict halves <<'END'
{"g.weight_ih_l0": [[1], [1], [1]], "g.weight_hh_l0": [[1], [1], [1]], "g.bias_ih_l0": [1, 1, 1]}
END
dict buffers <<'END'
{"lin.weight": [[1]], "lin.bias": [1], "state": [[1]]}
END
dict ragged <<'END'
{"l.weight": [[1, 2], [3]]}
END
dict huge <<'END'
{"l.weight": [[1e39]], "l.bias": [-1e39]}
END
