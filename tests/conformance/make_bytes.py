#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make_bytes.py FOLDER: ONNX files of 6 MB, most of which are weights of 8 bits: six products between
QuantizeLinear and DequantizeLinear (qdq.onnx), and two DynamicQuantizeLSTM (lstm.onnx). Written
without a library, so that the test of what imports cost needs none."""
import os
import random
import struct
import sys

FLOAT, UINT8, INT8 = 1, 2, 3
rng = random.Random(3)


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def piece(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name, kind, dims, raw):
    return piece(5, b"".join(number(1, d) for d in dims) + number(2, kind) + piece(8, name) + piece(9, raw))


def floats(name, values, dims=None):
    return tensor(name, FLOAT, [len(values)] if dims is None else dims, struct.pack(f"<{len(values)}f", *values))


def weights(name, dims):
    count = 1
    for d in dims:
        count *= d
    return tensor(name, INT8, dims, bytes(b if b != 128 else 0 for b in rng.randbytes(count)))


def node(op, inputs, outputs, domain="", attributes=()):
    content = b"".join(piece(1, i) for i in inputs) + b"".join(piece(2, o) for o in outputs) + piece(4, op)
    content += b"".join(piece(5, piece(1, name) + number(3, value) + number(20, 2)) for name, value in attributes)
    return piece(1, content + (piece(7, domain) if domain else b""))


def port(field, name, dims):
    shape = b"".join(piece(1, piece(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return piece(field, piece(1, name) + piece(2, piece(1, number(1, FLOAT) + piece(2, shape))))


def write(path, graph):
    opsets = piece(8, number(2, 17)) + piece(8, piece(1, "com.microsoft") + number(2, 1))
    with open(path, "wb") as file:
        file.write(number(1, 8) + piece(7, graph + piece(2, "bytes")) + opsets)


def qdq(path, width=1024, layers=6):
    graph = floats("step", [0.05], []) + tensor("zero", UINT8, [], b"\x80") + floats("w_step", [0.0005], [])
    graph += tensor("w_zero", INT8, [], b"\0")
    at = "x"
    for i in range(layers):
        graph += weights(f"w{i}", [width, width])
        graph += node("QuantizeLinear", [at, "step", "zero"], [f"q{i}"])
        graph += node("DequantizeLinear", [f"q{i}", "step", "zero"], [f"d{i}"])
        graph += node("DequantizeLinear", [f"w{i}", "w_step", "w_zero"], [f"f{i}"])
        graph += node("MatMul", [f"d{i}", f"f{i}"], [f"y{i}"])
        at = f"y{i}"
    write(path, graph + port(11, "x", ["batch", width]) + port(12, at, ["batch", width]))


def lstm(path, width=512, units=640, steps=10):
    graph, at, inputs = b"", "x", width
    for i in range(2):
        for name, depth in (("w", inputs), ("r", units)):
            graph += weights(f"{name}{i}", [1, depth, 4 * units])
            graph += floats(f"{name}{i}_step", [0.0005], [1]) + tensor(f"{name}{i}_zero", INT8, [1], b"\0")
        graph += node("DynamicQuantizeLSTM", [at, f"w{i}", f"r{i}", "", "", "", "", "", f"w{i}_step", f"w{i}_zero",
                                              f"r{i}_step", f"r{i}_zero"], [f"y{i}"], "com.microsoft",
                      [("hidden_size", units)])
        graph += node("Squeeze", [f"y{i}", "one"], [f"s{i}"])
        at, inputs = f"s{i}", units
    graph += tensor("one", 7, [1], struct.pack("<q", 1))
    write(path, graph + port(11, "x", [steps, "batch", width]) + port(12, at, [steps, "batch", units]))


if __name__ == "__main__":
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    qdq(f"{folder}/qdq.onnx")
    lstm(f"{folder}/lstm.onnx")
