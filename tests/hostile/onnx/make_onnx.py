#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the ONNX files beside it, byte by byte, for no library writes them wrong:

  scalar_input.onnx     y = relu(x) for x [1, 4, 3], and an int64 input `rate` without axes
  scalar_only.onnx      the same graph with the scalar first
  large_input.onnx         the same graph with an input of 160 MB, of which a comparison would need many times as much
  loop_without_start.onnx  a Loop whose carried value has no start
  split_of_nothing.onnx    a Split without inputs
  cell_with_copies.onnx    a step of an LSTM in small operators, whose last one is there five times under other names
  hostile_names.onnx       names that colour a terminal, begin lines, reverse the order of reading
  hostile_operator.onnx    the same in an operator that does not exist
"""
import os
import struct

FLOAT, INT64 = 1, 7


def varint(n):
    out = b""
    while True:
        byte, n = n & 127, n >> 7
        out += bytes([byte | (128 if n else 0)])
        if not n:
            return out


def number(field, n):
    return varint(field << 3) + varint(n)


def part(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def port(name, elem, dims):
    shape = b"".join(part(1, number(1, d)) for d in dims)
    return part(1, name) + part(2, part(1, number(1, elem) + part(2, shape)))


def node(op, inputs, outputs, attributes=()):
    return (b"".join(part(1, i) for i in inputs) + b"".join(part(2, o) for o in outputs) + part(4, op)
            + b"".join(part(5, a) for a in attributes))


def graph_attribute(name, graph):
    return part(1, name) + part(6, graph) + number(20, 5)


def constant(name, dims):
    count = 1
    for d in dims:
        count *= d
    data = struct.pack("<%df" % count, *(i % 5 * 0.25 - 0.5 for i in range(count)))
    return b"".join(number(1, d) for d in dims) + number(2, FLOAT) + part(8, name) + part(9, data)


def graph(nodes, inputs, outputs, constants=()):
    return (b"".join(part(1, n) for n in nodes) + part(2, "g") + b"".join(part(5, c) for c in constants)
            + b"".join(part(11, i) for i in inputs) + b"".join(part(12, o) for o in outputs))


def write(name, g, producer="make_onnx.py"):
    model = number(1, 8) + part(2, producer) + part(7, g) + part(8, part(1, "") + number(2, 17))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "wb") as file:
        file.write(model)


x, y = port("x", FLOAT, [1, 4, 3]), port("y", FLOAT, [1, 4, 3])
rate = port("rate", INT64, [])
relu = node("Relu", ["x"], ["y"])
write("scalar_input.onnx", graph([relu], [x, rate], [y]))
write("scalar_only.onnx", graph([relu], [rate, x], [y]))
large = [1, 4, 5000000]
write("large_input.onnx", graph([relu], [port("x", FLOAT, large)], [port("y", FLOAT, large)]))
body = graph([node("Relu", ["c"], ["d"])], [port("i", INT64, []), port("on", 9, []), port("c", FLOAT, [1, 3])],
             [port("on", 9, []), port("d", FLOAT, [1, 3])])
write("loop_without_start.onnx",
      graph([node("Loop", ["", "", ""], ["y"], [graph_attribute("body", body)])], [x], [port("y", FLOAT, [1, 3])]))
write("split_of_nothing.onnx", graph([node("Split", [], ["y"])], [x], [y]))

copies = ["h_next"] + ["copy%d" % i for i in range(4)]
axis = part(1, "axis") + number(3, 1) + number(20, 2)
cell = [node("MatMul", ["x", "w"], ["xw"]), node("MatMul", ["h", "r"], ["hr"]), node("Add", ["hr", "xw"], ["s0"]),
        node("Add", ["s0", "b"], ["s"]), node("Split", ["s"], ["i", "f", "c", "o"], [axis]), node("Sigmoid", ["i"], ["ia"]),
        node("Sigmoid", ["f"], ["fa"]), node("Sigmoid", ["o"], ["oa"]), node("Tanh", ["c"], ["ca"]),
        node("Mul", ["cell", "fa"], ["k"]), node("Mul", ["ca", "ia"], ["n"]), node("Add", ["n", "k"], ["cell_next"]),
        node("Tanh", ["cell_next"], ["ct"])] + [node("Mul", ["ct", "oa"], [name]) for name in copies]
write("cell_with_copies.onnx",
      graph(cell, [port("x", FLOAT, [1, 3]), port("h", FLOAT, [1, 4]), port("cell", FLOAT, [1, 4])],
            [port(name, FLOAT, [1, 4]) for name in ["cell_next"] + copies],
            [constant("w", [3, 16]), constant("r", [4, 16]), constant("b", [16])]))

evil = "\x1b[2J\x1b]0;title\x07\n::error::forged\n\u202ereversed\u2066\x85\u2028*/ // \\"
tanh = part(3, "node " + evil) + node("Tanh", [evil], ["h"])
gru_like = part(3, "sum " + evil) + node("Softplus", ["h"], ["out " + evil])
write("hostile_names.onnx", graph([tanh, gru_like], [port(evil, FLOAT, [1, 4, 3])], [port("out " + evil, FLOAT, [1, 4, 3])]), evil)
write("hostile_operator.onnx", graph([part(3, evil) + node("Op" + evil, [evil], ["y"])], [port(evil, FLOAT, [1, 4, 3])], [y]), evil)
