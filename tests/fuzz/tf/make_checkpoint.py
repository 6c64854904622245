# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes checkpoint/: the blocks of the indexes of the fixtures' checkpoints as checkpoint.c reads them.

    python make_checkpoint.py"""
import os, struct

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(HERE, "..", "..", "conformance", "graph", "fixtures")


def number(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80: return value, at


def blocks(data):
    """the block of tensors, which is the first of the file, and that of the index"""
    at = len(data) - 48
    for _ in range(2): _, at = number(data, at)
    offset, at = number(data, at)
    size, _ = number(data, at)
    index = data[offset:offset + size]
    _, at = number(index, 0)  # bytes shared with the name before
    own, at = number(index, at)
    _, at = number(index, at)
    begin, at = number(index, at + own)
    length, _ = number(index, at)
    assert begin == 0
    return data[:length], index


if __name__ == "__main__":
    for name in ("keras", "module", "old"):
        data = open(os.path.join(FIXTURES, f"{name}.saved_model", "variables", "variables.index"), "rb").read()
        tensors, index = blocks(data)
        open(os.path.join(HERE, "checkpoint", f"{name}.blocks"), "wb").write(struct.pack("<H", len(tensors)) + tensors + index)
