#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the weights beside it, with blocks of zeros: rows.safetensors has blocks of 8 units and 4 inputs, and
columns.safetensors blocks of 16 units and one input. Each gate has its own blocks; one kernel is all zeros, and one has none. x.npy and z.npy are
nine inputs of the models."""
import json
import pathlib
import struct

import numpy

HERE = pathlib.Path(__file__).parent


def save(path, tensors):
    header, body = {}, b""
    for name, array in tensors.items():
        data = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def kernel(random, gates, units, inputs, block, density):
    """Random weights, of which the blocks that `density` leaves are not zero."""
    w = random.normal(0, 0.4, (gates * units, inputs))
    rows, columns = block
    for g in range(gates):
        for r in range(0, units, rows):
            for k in range(0, inputs, columns):
                if random.random() >= density[g % len(density)]:
                    w[g * units + r : g * units + min(r + rows, units), k : k + columns] = 0
    return w


def cell(random, name, gates, units, inputs, block, density, recurrent=None):
    return {
        f"{name}.weight_ih_l0": kernel(random, gates, units, inputs, block, density),
        f"{name}.weight_hh_l0": kernel(random, gates, units, units, block, recurrent or density),
        f"{name}.bias_ih_l0": random.normal(0, 0.3, gates * units) * (random.random(gates * units) < 0.8),
        f"{name}.bias_hh_l0": -0.0 * numpy.ones(gates * units),
    }


for seed, (name, block) in enumerate({"rows": (8, 4), "columns": (16, 1)}.items()):
    random = numpy.random.default_rng(seed)
    tensors = cell(random, "gru", 3, 32, 20, block, (0.2, 0.1, 0.4))
    tensors |= cell(random, "lstm", 4, 16, 32, block, (0.3,))
    tensors |= cell(random, "rnn", 1, 16, 16, block, (0.2,), recurrent=(0.0,))
    tensors["dense.weight"] = kernel(random, 1, 24, 288, block, (0.15,))
    tensors["dense.bias"] = random.normal(0, 0.3, 24)
    tensors |= cell(random, "half", 4, 16, 2, block, (1.0,), recurrent=(0.1,))
    save(HERE / f"{name}.safetensors", tensors)

random = numpy.random.default_rng(7)
numpy.save(HERE / "x.npy", random.normal(0, 1, (9, 12, 20)).astype("<f4"))
numpy.save(HERE / "z.npy", random.normal(0, 1, (9, 288)).astype("<f4"))
