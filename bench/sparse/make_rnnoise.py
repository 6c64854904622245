#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make_rnnoise.py FOLDER: a network of the shapes of RNNoise 0.2 with invented weights, as FOLDER/rnnoise.grus and
FOLDER/rnnoise.safetensors: two convolutions, three GRU(384) and two Dense. The GRUs have blocks of 8 x 4 zeros, of
which RNNoise's training script keeps 30 % in the reset gate, 20 % in the update gate and 50 % in the candidate."""
import json
import pathlib
import struct
import sys

import numpy

FEATURES, CONDITIONED, UNITS, BANDS = 65, 128, 384, 32
KEPT = (0.3, 0.2, 0.5)  # of blocks: r, z, n, as PyTorch orders them
ROWS, COLUMNS = 8, 4
MODEL = f"""grus 1

model rnnoise {{
  weights torch "rnnoise.safetensors"
  allow state_never_reset

  in  features : f32[time .., {FEATURES}]
  let c    = features |> Conv1D({CONDITIONED}, kernel=3, padding=causal, from="conv1") |> tanh
    |> Conv1D({UNITS}, kernel=3, padding=causal, from="conv2") |> tanh
  let g1   = c |> GRU({UNITS}, from="gru1")
  let g2   = g1 |> GRU({UNITS}, from="gru2")
  let g3   = g2 |> GRU({UNITS}, from="gru3")
  let all  = concat(c, g1, g2, g3)
  out gain : f32[time .., {BANDS}] = all |> Dense({BANDS}, from="dense_out") |> sigmoid
  out vad  : f32[time .., 1] = all |> Dense(1, from="vad_dense") |> sigmoid
}}
"""


def sparse(random, inputs):
    w = random.normal(0, 0.1, (3 * UNITS, inputs))
    for row in range(0, 3 * UNITS, ROWS):
        for k in range(0, inputs, COLUMNS):
            if random.random() >= KEPT[row // UNITS]:
                w[row : row + ROWS, k : k + COLUMNS] = 0
    return w


def main():
    folder, random = pathlib.Path(sys.argv[1]), numpy.random.default_rng(1)
    tensors = {}
    for name, shape in (("conv1", (CONDITIONED, FEATURES, 3)), ("conv2", (UNITS, CONDITIONED, 3)),
                        ("dense_out", (BANDS, 4 * UNITS)), ("vad_dense", (1, 4 * UNITS))):
        tensors[name + ".weight"] = random.normal(0, 0.05, shape)
        tensors[name + ".bias"] = random.normal(0, 0.1, shape[0])
    for name in ("gru1", "gru2", "gru3"):
        tensors[name + ".weight_ih_l0"] = sparse(random, UNITS)
        tensors[name + ".weight_hh_l0"] = sparse(random, UNITS)
        tensors[name + ".bias_ih_l0"] = random.normal(0, 0.1, 3 * UNITS)
        tensors[name + ".bias_hh_l0"] = random.normal(0, 0.1, 3 * UNITS)
    header, body = {}, b""
    for name, array in tensors.items():
        data = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rnnoise.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + body)
    (folder / "rnnoise.grus").write_text(MODEL)


main()
