#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes small files beside it that ask for tensors of gigabytes:

  repeated.pb    a frozen graph of two constants, in each of which one number stands for 4,194,304
  strides.pt2    ../../conformance/graph/fixtures/state_in_buffer.pt2 with a weight of 2^30 numbers, all the same four bytes

and state.tflite, which the fuzzer found, is there: an SVDF whose state takes 2.6 GB."""
import json
import pathlib
import struct
import zipfile

here = pathlib.Path(__file__).resolve().parent


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(k, value):
    if isinstance(value, int):
        return varint(k << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(k << 3 | 2) + varint(len(value)) + value


def node(name, op, inputs, attributes):
    return field(1, field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
                 + b"".join(field(5, field(1, key) + field(2, value)) for key, value in attributes.items()))


float_type = field(6, 1)
shape = field(2, field(1, 1 << 22))
repeated = field(8, field(1, 1) + field(2, shape) + field(5, struct.pack("<f", 1)))
graph = node("x", "Placeholder", [], {"dtype": float_type, "shape": field(7, shape)})
graph += b"".join(node(name, "Const", [], {"dtype": float_type, "value": repeated}) for name in "ab")
graph += node("sum", "AddV2", ["x", "a"], {"T": float_type}) + node("y", "AddV2", ["sum", "b"], {"T": float_type})
(here / "repeated.pb").write_bytes(graph)

with zipfile.ZipFile(here / "../../conformance/graph/fixtures/state_in_buffer.pt2") as old, \
        zipfile.ZipFile(here / "strides.pt2", "w", zipfile.ZIP_DEFLATED) as new:
    for entry in old.infolist():
        data = old.read(entry)
        if entry.filename.endswith("model_weights_config.json"):
            config = json.loads(data)
            meta = config["config"]["w"]["tensor_meta"]
            meta["sizes"] = [{"as_int": 1 << 15}, {"as_int": 1 << 15}]
            meta["strides"] = [{"as_int": 0}, {"as_int": 0}]
            data = json.dumps(config).encode()
        new.writestr(zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0)), data)
