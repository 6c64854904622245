# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes small TensorFlow Lite files of our own as the corpus of the fuzz target:

    make_tflite.py FOLDER

A table is a list of fields: None, ("b", n) a byte, ("i", n) 32 bits, ("f", x), or something
reached by a distance: bytes, str, a list of tables, or Ints."""
import struct
import sys


class Ints(list):
    pass


class Table(list):
    pass


def place(out, value):
    """Appends a value, and then all it points at; returns where it is."""
    while len(out) % 4:
        out.append(0)
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        at = len(out)
        out += struct.pack("<I", len(value)) + value + b"\0"
        return at
    if isinstance(value, Ints):
        at = len(out)
        out += struct.pack("<I%di" % len(value), len(value), *value)
        return at
    if isinstance(value, Table):
        return place_table(out, value)
    at = len(out)
    out += struct.pack("<I", len(value)) + bytes(4 * len(value))
    for i, item in enumerate(value):
        slot = at + 4 + 4 * i
        struct.pack_into("<I", out, slot, place(out, item) - slot)
    return at


def place_table(out, fields):
    vtable = len(out)
    size = 4 + 4 * len(fields)
    out += struct.pack("<HH", 4 + 2 * len(fields), size)
    for i, field in enumerate(fields):
        out += struct.pack("<H", 0 if field is None else 4 + 4 * i)
    while len(out) % 4:
        out.append(0)
    at = len(out)
    out += struct.pack("<i", at - vtable) + bytes(4 * len(fields))
    for i, field in enumerate(fields):
        slot = at + 4 + 4 * i
        if field is None:
            continue
        if isinstance(field, tuple):
            struct.pack_into({"b": "<B", "i": "<i", "f": "<f"}[field[0]], out, slot, field[1])
        else:
            struct.pack_into("<I", out, slot, place(out, field) - slot)
    return at


def model(tensors, operators, inputs, outputs):
    """tensors: (name, shape, values or None, variable); operators: (code, inputs, output, options)"""
    buffers, rows, codes, ops = [Table([])], [], [], []
    for name, shape, values, variable in tensors:
        index = 0
        if values is not None:
            index = len(buffers)
            buffers.append(Table([struct.pack("<%df" % len(values), *values)]))
        rows.append(Table([Ints(shape), None, ("i", index), name, None, ("b", 1) if variable else None]))
    for code, ins, out, options in operators:
        ops.append(Table([("i", len(codes)), Ints(ins), Ints([out]), None, Table(options)]))
        codes.append(Table([("b", code), None, ("i", 1), ("i", code)]))
    graph = Table([rows, Ints(inputs), Ints(outputs), ops])
    out = bytearray(8)
    out[4:8] = b"TFL3"
    root = place(out, Table([("i", 3), codes, [graph], "ours", buffers]))
    struct.pack_into("<I", out, 0, root)
    return bytes(out)


def numbers(n):
    return [((7 * i) % 11 - 5) / 8 for i in range(n)]


def lstm(t, d, u, classes, clip):
    tensors = [("x", [1, t, d], None, False)]
    tensors += [("w%d" % g, [u, d], numbers(u * d), False) for g in range(4)]
    tensors += [("r%d" % g, [u, u], numbers(u * u), False) for g in range(4)]
    tensors += [("b%d" % g, [u], numbers(u), False) for g in range(4)]
    tensors += [("h", [1, u], None, True), ("c", [1, u], None, True), ("y", [1, t, u], None, False)]
    tensors += [("flat", [1, t * u], None, False), ("k", [classes, t * u], numbers(classes * t * u), False),
                ("kb", [classes], numbers(classes), False), ("z", [1, classes], None, False), ("p", [1, classes], None, False)]
    cell = [0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, 13, 14, -1, -1, -1, -1]
    operators = [(44, cell, 15, [("b", 4), ("f", clip)]), (22, [15], 16, []), (9, [16, 17, 18], 19, [("b", 0)]),
                 (25, [19], 20, [("f", 1.0)])]
    return model(tensors, operators, [0], [20])


def dense(fused):
    tensors = [("x", [1, 3], None, False), ("w", [2, 3], numbers(6), False), ("y", [1, 2], None, False), ("z", [1, 2], None, False)]
    return model(tensors, [(9, [0, 1, -1], 2, [("b", fused)]), (28, [2], 3, [])], [0], [3])


def main():
    folder = sys.argv[1]
    files = {"lstm": lstm(4, 2, 3, 2, 10.0), "clip": lstm(12, 2, 3, 2, 10.0), "relu": dense(1), "relu6": dense(3), "fused": dense(2)}
    for name, data in files.items():
        with open("%s/%s.tflite" % (folder, name), "wb") as file:
            file.write(data)


main()
