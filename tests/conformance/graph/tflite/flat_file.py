# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes TensorFlow Lite files from a list of tensors and operators, without TensorFlow.

A table is a dict of field number -> value: ("b", n) a byte, ("i", n) 32 bits, ("f", x), or what is reached
by a distance: bytes, str, a dict, a list of dicts, an array of numbers."""
import struct

import numpy as np

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "resource": 13, "variant": 14, "int4": 17}
# name: code, and which table of options it has
CODES = dict(
    ADD=(0, 11), AVERAGE_POOL_2D=(1, 5), CONCATENATION=(2, 10), CONV_2D=(3, 1), DEPTHWISE_CONV_2D=(4, 2), DEPTH_TO_SPACE=(5, 94),
    DEQUANTIZE=(6, 38), EMBEDDING_LOOKUP=(7, 0), FLOOR=(8, 0), FULLY_CONNECTED=(9, 8), L2_NORMALIZATION=(11, 12), LOGISTIC=(14, 0),
    MAX_POOL_2D=(17, 5), MUL=(18, 21), RELU=(19, 0), RELU_N1_TO_1=(20, 0), RELU6=(21, 0), RESHAPE=(22, 17), RESIZE_BILINEAR=(23, 15),
    RNN=(24, 7), SOFTMAX=(25, 9), SPACE_TO_DEPTH=(26, 19), SVDF=(27, 6), TANH=(28, 0), CUSTOM=(32, 0), PAD=(34, 22),
    UNIDIRECTIONAL_SEQUENCE_RNN=(35, 31), GATHER=(36, 23), BATCH_TO_SPACE_ND=(37, 24), SPACE_TO_BATCH_ND=(38, 25), TRANSPOSE=(39, 26),
    MEAN=(40, 27), SUB=(41, 28), DIV=(42, 29), SQUEEZE=(43, 30), UNIDIRECTIONAL_SEQUENCE_LSTM=(44, 71), STRIDED_SLICE=(45, 32),
    BIDIRECTIONAL_SEQUENCE_RNN=(46, 70), EXP=(47, 33), TOPK_V2=(48, 34), SPLIT=(49, 35), LOG_SOFTMAX=(50, 36),
    BIDIRECTIONAL_SEQUENCE_LSTM=(52, 69), CAST=(53, 37), PRELU=(54, 0), MAXIMUM=(55, 39), ARG_MAX=(56, 40), MINIMUM=(57, 39), LESS=(58, 41),
    NEG=(59, 42), PADV2=(60, 43), GREATER=(61, 44), SELECT=(64, 47), SLICE=(65, 48), SIN=(66, 0), TRANSPOSE_CONV=(67, 49), TILE=(69, 51),
    EXPAND_DIMS=(70, 52), EQUAL=(71, 53), NOT_EQUAL=(72, 54), LOG=(73, 0), SUM=(74, 27), SQRT=(75, 0), RSQRT=(76, 0), SHAPE=(77, 55),
    POW=(78, 56), REDUCE_PROD=(81, 27), REDUCE_MAX=(82, 27), PACK=(83, 59), LOGICAL_OR=(84, 60), ONE_HOT=(85, 61), LOGICAL_AND=(86, 62),
    LOGICAL_NOT=(87, 63), UNPACK=(88, 64), REDUCE_MIN=(89, 27), FLOOR_DIV=(90, 65), REDUCE_ANY=(91, 27), SQUARE=(92, 66), ZEROS_LIKE=(93, 67),
    FILL=(94, 68), FLOOR_MOD=(95, 72), RANGE=(96, 73), RESIZE_NEAREST_NEIGHBOR=(97, 74), LEAKY_RELU=(98, 75), SQUARED_DIFFERENCE=(99, 76),
    MIRROR_PAD=(100, 77), ABS=(101, 78), SPLIT_V=(102, 79), CEIL=(104, 0), REVERSE_V2=(105, 81), ADD_N=(106, 82), GATHER_ND=(107, 83),
    COS=(108, 84), RANK=(110, 86), ELU=(111, 0), REVERSE_SEQUENCE=(112, 87), QUANTIZE=(114, 89), ROUND=(116, 0), HARD_SWISH=(117, 91),
    IF=(118, 92), WHILE=(119, 93), SCATTER_ND=(122, 97), SELECT_V2=(123, 98), BATCH_MATMUL=(126, 101), CUMSUM=(128, 102),
    CALL_ONCE=(129, 103), BROADCAST_TO=(130, 104), REDUCE_ALL=(140, 27), VAR_HANDLE=(142, 111), READ_VARIABLE=(143, 112),
    ASSIGN_VARIABLE=(144, 113), BROADCAST_ARGS=(145, 0), GELU=(150, 116), RELU_0_TO_1=(152, 0), ATAN2=(156, 0), SIGN=(158, 0))


def place(out, value):
    """Appends a value, and then all it points at; returns where it is."""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        while (len(out) + 4) % 16:
            out.append(0)
        at = len(out)
        out += struct.pack("<I", len(value)) + value + b"\0"
        return at
    if isinstance(value, np.ndarray):
        while (len(out) + 4) % max(4, value.itemsize):
            out.append(0)
        at = len(out)
        out += struct.pack("<I", len(value)) + value.tobytes()
        return at
    while len(out) % 4:
        out.append(0)
    at = len(out)
    if isinstance(value, list):
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for i, item in enumerate(value):
            to = place(out, item)
            struct.pack_into("<I", out, at + 4 + 4 * i, to - (at + 4 + 4 * i))
        return at
    n = max(value, default=-1) + 1
    vtable = bytearray(struct.pack("<HH", 4 + 2 * n, 4 + 4 * n))
    for i in range(n):
        vtable += struct.pack("<H", 4 + 4 * i if i in value else 0)
    while len(vtable) % 4:
        vtable.append(0)
    out += vtable
    at = len(out)
    out += struct.pack("<i", len(vtable)) + bytes(4 * n)
    for i, item in value.items():
        field = at + 4 + 4 * i
        if isinstance(item, tuple):
            struct.pack_into({"b": "<Bxxx", "i": "<i", "f": "<f"}[item[0]], out, field, item[1])
            continue
        to = place(out, item)
        struct.pack_into("<I", out, field, to - field)
    return at


class Subgraph:
    """Tensors and operators in order. A tensor is a number; -1 is left out."""

    def __init__(self, model, name):
        self.model, self.name, self.tensors, self.operators, self.inputs, self.outputs, self.names = model, name, [], [], [], [], []

    def tensor(self, name, shape=(), dtype="float32", data=None, scale=None, zero=0, axis=0, variable=False, open_axes=()):
        buffer = 0
        if data is not None:
            data = np.asarray(data, "int8" if dtype == "int4" else dtype)
            shape = data.shape
            if dtype == "int4":  # two in a byte, the first one in its lower half
                pairs = np.append(data.reshape(-1), np.zeros(data.size % 2, "int8")).reshape(-1, 2).astype("uint8") & 15
                data = pairs[:, 0] | pairs[:, 1] << 4
            buffer = self.model.buffer(data.tobytes())
        table = {0: np.array(shape, "<i4"), 1: ("b", TYPES[dtype]), 2: ("i", buffer), 3: name, 8: ("b", 1)}
        if scale is not None:
            scales = np.atleast_1d(np.asarray(scale, "<f4"))
            table[4] = {2: scales, 3: np.full(len(scales), zero, "<i8") if np.isscalar(zero) else np.asarray(zero, "<i8"), 6: ("i", axis)}
        if variable:
            table[5] = ("b", 1)
        if open_axes:
            table[7] = np.array([-1 if i in open_axes else n for i, n in enumerate(shape)], "<i4")
        self.tensors.append(table)
        self.names.append(name)
        return len(self.tensors) - 1

    def input(self, name, shape=(), dtype="float32", **more):
        self.inputs.append(self.tensor(name, shape, dtype, **more))
        return self.inputs[-1]

    def constant(self, data, dtype="float32", **more):
        return self.tensor(f"constant{len(self.tensors)}", data=data, dtype=dtype, **more)

    def call(self, op, inputs, shape=(), dtype="float32", options=None, results=1, version=1, intermediates=None, **more):
        """An operator with fresh results of this shape; its one result, or all of them."""
        outs = [self.tensor(f"{op.lower()}{len(self.operators)}_{k}", shape[k] if results > 1 else shape, dtype[k] if isinstance(dtype, list) else dtype, **more)
                for k in range(results)]
        custom = not op in CODES
        code, kind = CODES["CUSTOM" if custom else op]
        table = {0: ("i", self.model.code(code, op if custom else None, version)), 1: np.array(inputs, "<i4"), 2: np.array(outs, "<i4")}
        if kind:
            table[3] = ("b", kind)
            table[4] = options or {}
        if intermediates:
            table[8] = np.array(intermediates, "<i4")
        self.operators.append(table)
        return outs[0] if results == 1 else outs

    def output(self, *tensors):
        self.outputs += tensors

    def table(self):
        return {0: self.tensors, 1: np.array(self.inputs, "<i4"), 2: np.array(self.outputs, "<i4"), 3: self.operators, 4: self.name}


class Model:
    def __init__(self):
        self.buffers, self.codes, self.graphs, self.signatures = [{}], [], [], []
        self.main = self.subgraph("main")

    def subgraph(self, name):
        self.graphs.append(Subgraph(self, name))
        return self.graphs[-1]

    def buffer(self, content):
        self.buffers.append({0: content})
        return len(self.buffers) - 1

    def code(self, code, custom, version):
        row = {0: ("b", min(code, 127)), 2: ("i", version), 3: ("i", code)}
        if custom:
            row[1] = custom
        self.codes.append(row)
        return len(self.codes) - 1

    def sign(self, key, graph, inputs, outputs):
        maps = [[{0: name, 1: ("i", t)} for name, t in part.items()] for part in (inputs, outputs)]
        self.signatures.append({0: maps[0], 1: maps[1], 2: key, 4: ("i", self.graphs.index(graph))})

    def content(self):
        root = {0: ("i", 3), 1: self.codes, 2: [g.table() for g in self.graphs], 3: "", 4: self.buffers}
        if self.signatures:
            root[7] = self.signatures
        out = bytearray(struct.pack("<I4s", 0, b"TFL3"))
        at = place(out, root)
        struct.pack_into("<I", out, 0, at)
        return bytes(out)
