# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small frozen graphs of TensorFlow (GraphDef, .pb), and what they compute, worked out here in NumPy.

    make_graphdef.py FOLDER

The messages are written byte by byte: TensorFlow is not needed, and what is expected does not come from it."""
import math, struct, sys, zipfile
import numpy as np

FLOAT, INT32, BOOL = 1, 3, 10


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(k, value):
    if isinstance(value, float): return varint(k << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, bool) or isinstance(value, int): return varint(k << 3) + varint(int(value))
    if isinstance(value, str): value = value.encode()
    return varint(k << 3 | 2) + varint(len(value)) + value


shape_of = lambda dims: b"".join(field(2, field(1, n)) for n in dims)


def tensor(a):
    kind = {"float32": FLOAT, "int32": INT32, "bool": BOOL}[a.dtype.name]
    return field(1, kind) + field(2, shape_of(a.shape)) + field(4, a.tobytes())


class Def:
    def __init__(self): self.nodes, self.names = [], []

    def node(self, name, op, inputs=(), **attrs):
        """attrs: type=, int, float, bool, bytes (a string), or a pair (field, bytes)"""
        out = field(1, name) + field(2, op) + b"".join(field(3, i) for i in inputs)
        for key, v in attrs.items():
            value = field(v[0], v[1]) if isinstance(v, tuple) else field(5, v) if isinstance(v, bool) else field(3, v) if isinstance(v, int) else field(4, v) if isinstance(v, float) else field(2, v)
            out += field(5, field(1, key) + field(2, value))
        self.nodes.append(out)
        return name

    def const(self, name, value, dtype="f4", after=()):
        a = np.asarray(value, dtype)
        return self.node(name, "Const", after, dtype=(6, {"float32": FLOAT, "int32": INT32, "bool": BOOL}[a.dtype.name]), value=(8, tensor(a)))

    def placeholder(self, name, shape): return self.node(name, "Placeholder", dtype=(6, FLOAT), shape=(7, shape_of(shape)))

    def save(self, path):
        # Nodes stand in any order in such files.
        with open(path, "wb") as f: f.write(b"".join(field(1, n) for n in reversed(self.nodes)))


def finish(d, folder, name, inputs, outputs):
    d.save(f"{folder}/{name}.pb")
    arrays = {"in_" + k: v for k, v in inputs.items()} | {"out_" + k: np.asarray(v).astype("f4") for k, v in outputs.items()}
    with zipfile.ZipFile(f"{folder}/{name}.npz", "w") as z:
        for k, v in arrays.items():
            with z.open(zipfile.ZipInfo(k + ".npy", (1980, 1, 1, 0, 0, 0)), "w") as f: np.lib.format.write_array(f, np.ascontiguousarray(v))


def loop(folder, f4):
    """dynamic_rnn of TensorFlow 1: x [N, T, 3], h = tanh([x, h] W + b) in a while loop over TensorArrays"""
    d, steps, u = Def(), 5, 4
    w, b = f4(3 + u, u), f4(u)
    d.placeholder("x", [2, steps, 3])
    d.const("perm", [1, 0, 2], "i4"), d.node("time_first", "Transpose", ["x", "perm"])
    d.const("n", steps, "i4"), d.const("zero", 0, "i4"), d.const("one", 1, "i4")
    d.node("places", "Range", ["zero", "n", "one"])
    d.node("in_array", "TensorArrayV3", ["n"]), d.node("out_array", "TensorArrayV3", ["n"])
    d.node("filled", "TensorArrayScatterV3", ["in_array", "places", "time_first", "in_array:1"])
    d.const("start", np.zeros((2, u))), d.const("w", w), d.const("b", b)
    enter = lambda name, of, constant: d.node(name, "Enter", [of], frame_name=b"loop", is_constant=constant)
    carried = {"i": "zero", "h": "start", "flow": "out_array:1"}
    for k, of in carried.items():
        enter(k + "/enter", of, False)
        d.node(k + "/merge", "Merge", [k + "/enter", k + "/next"])
        d.node(k + "/switch", "Switch", [k + "/merge", "go"])
        d.node(k, "Identity", [k + "/switch:1"])
        if k != "i": d.node(k + "/exit", "Exit", [k + "/switch"])
    for k, of in {"n": "n", "w": "w", "b": "b", "read": "in_array", "read_flow": "filled", "write": "out_array"}.items(): enter("loop/" + k, of, True)
    d.node("less", "Less", ["i/merge", "loop/n"]), d.node("go", "LoopCond", ["less"])
    d.node("row", "TensorArrayReadV3", ["loop/read", "i", "loop/read_flow"])
    d.const("axis", 1, "i4", ["^i"])
    d.node("both", "ConcatV2", ["row", "h", "axis"])
    d.node("product", "MatMul", ["both", "loop/w"], transpose_a=False, transpose_b=False)
    d.node("sum", "BiasAdd", ["product", "loop/b"])
    d.node("new", "Tanh", ["sum"])
    d.node("written", "TensorArrayWriteV3", ["loop/write", "i", "new", "flow"])
    d.const("step", 1, "i4", ["^i"]), d.node("later", "Add", ["i", "step"])
    for k, of in {"i": "later", "h": "new", "flow": "written"}.items(): d.node(k + "/next", "NextIteration", [of])
    d.node("rows", "TensorArrayGatherV3", ["out_array", "places", "flow/exit"])
    d.node("all", "Transpose", ["rows", "perm"])
    d.node("last", "Softmax", ["h/exit"])
    xs, h, ys = f4(2, steps, 3), np.zeros((2, u)), []
    for t in range(steps):
        h = np.tanh(np.concatenate([xs[:, t], h], 1) @ w + b)
        ys.append(h)
    e = np.exp(h)
    finish(d, folder, "tf_loop", {"x": xs}, {"all": np.stack(ys, 1), "last": e / e.sum(1, keepdims=True)})


def cell(folder, f4):
    """dynamic_rnn over a GRUCell for one sample, whose rows are features at first: the sigmoid of both gates is split, and the last
    state alone is read"""
    d, steps, n, u = Def(), 6, 3, 4
    w, b, v, c, o = f4(n + u, 2 * u), f4(2 * u), f4(n + u, u), f4(u), f4(u, 2)
    d.placeholder("x", [-1, steps * n])
    d.const("rows", [-1, steps, n], "i4"), d.node("apart", "Reshape", ["x", "rows"])
    d.const("perm", [1, 0, 2], "i4"), d.node("time_first", "Transpose", ["apart", "perm"])
    d.const("n", steps, "i4"), d.const("zero", 0, "i4"), d.const("one", 1, "i4")
    d.node("places", "Range", ["zero", "n", "one"])
    d.node("in_array", "TensorArrayV3", ["n"])
    d.node("filled", "TensorArrayScatterV3", ["in_array", "places", "time_first", "in_array:1"])
    for name, value in {"start": np.zeros((1, u)), "w": w, "b": b, "v": v, "c": c, "o": o}.items(): d.const(name, value)
    enter = lambda name, of, constant: d.node(name, "Enter", [of], frame_name=b"loop", is_constant=constant)
    for k, of in {"i": "zero", "h": "start"}.items():
        enter(k + "/enter", of, False)
        d.node(k + "/merge", "Merge", [k + "/enter", k + "/next"])
        d.node(k + "/switch", "Switch", [k + "/merge", "go"])
        d.node(k, "Identity", [k + "/switch:1"])
    d.node("h/exit", "Exit", ["h/switch"])
    for k, of in {"n": "n", "w": "w", "b": "b", "v": "v", "c": "c", "read": "in_array", "flow": "filled"}.items(): enter("loop/" + k, of, True)
    d.node("less", "Less", ["i/merge", "loop/n"]), d.node("go", "LoopCond", ["less"])
    d.node("row", "TensorArrayReadV3", ["loop/read", "i", "loop/flow"])
    d.const("axis", 1, "i4", ["^i"])
    plain = dict(transpose_a=False, transpose_b=False)
    d.node("both", "ConcatV2", ["row", "h", "axis"])
    d.node("sums", "BiasAdd", [d.node("product", "MatMul", ["both", "loop/w"], **plain), "loop/b"])
    d.node("gates", "Split", ["axis", d.node("open", "Sigmoid", ["sums"])], num_split=2)
    d.node("kept", "Mul", ["gates", "h"])
    d.node("reset", "ConcatV2", ["row", "kept", "axis"])
    d.node("new", "Tanh", [d.node("sum", "BiasAdd", [d.node("product_1", "MatMul", ["reset", "loop/v"], **plain), "loop/c"])])
    d.const("whole", 1.0, "f4", ["^i"]), d.node("rest", "Sub", ["whole", "gates:1"])
    d.node("next", "Add", [d.node("old", "Mul", ["gates:1", "h"]), d.node("fresh", "Mul", ["rest", "new"])])
    d.const("step", 1, "i4", ["^i"]), d.node("later", "Add", ["i", "step"])
    for k, of in {"i": "later", "h": "next"}.items(): d.node(k + "/next", "NextIteration", [of])
    d.node("y", "MatMul", ["h/exit", "o"], **plain)
    xs, h = f4(1, steps * n), np.zeros((1, u))
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    for x in xs.reshape(steps, 1, n).astype("f8"):
        r, z = np.split(sigmoid(np.concatenate([x, h], 1) @ w + b), 2, 1)
        h = z * h + (1 - z) * np.tanh(np.concatenate([x, r * h], 1) @ v + c)
    finish(d, folder, "tf_cell", {"x": xs}, {"y": h @ o})


def many(folder, f4):
    """operators one after the other"""
    d = Def()
    d.placeholder("x", [2, 3, 4])
    for name, value in {"begin": [0, -1, 1], "end": [0, 0, 4], "strides": [1, 1, 2]}.items(): d.const(name, value, "i4")
    d.node("slice", "StridedSlice", ["x", "begin", "end", "strides"], begin_mask=1, end_mask=1, shrink_axis_mask=2, ellipsis_mask=0, new_axis_mask=0)  # x[:, -1, 1:4:2]
    d.const("axis", -1, "i4"), d.node("more", "ExpandDims", ["slice", "axis"])
    d.node("less", "Squeeze", ["more"], squeeze_dims=(1, field(3, -1)))
    d.const("split_axis", 1, "i4"), d.node("parts", "Split", ["split_axis", "less"], num_split=2)
    d.node("difference", "SquaredDifference", ["parts", "parts:1"])
    d.node("packed", "Pack", ["parts", "parts:1", "difference"], axis=0)
    d.const("pads", [[0, 0], [1, 0], [0, 2]], "i4"), d.node("padded", "Pad", ["packed", "pads"])
    d.const("axes", [1], "i4"), d.node("mean", "Mean", ["padded", "axes"], keep_dims=True)
    d.node("y", "LeakyRelu", ["mean"], alpha=0.25)
    xs = f4(2, 3, 4)
    a = xs.astype("f8")[:, -1, 1:4:2]
    s = np.pad(np.stack([a[:, :1], a[:, 1:], (a[:, :1] - a[:, 1:]) ** 2]), ((0, 0), (1, 0), (0, 2))).mean(1, keepdims=True)
    finish(d, folder, "tf_many", {"x": xs}, {"y": np.where(s < 0, 0.25 * s, s)})


def moves(folder, f4):
    """every way to put numbers elsewhere: parts of given sizes, along axes counted from the end, backwards, to the end"""
    d, out = Def(), {}
    xs = f4(3, 4, 5)
    a = xs.astype("f8")
    d.placeholder("x", [3, 4, 5])
    ints = lambda name, value: d.const(name, value, "i4")
    numbers = [0]

    def put(op, inputs, value, **attrs):
        """inputs: names, or lists of integers that become constants"""
        numbers[0] += 1
        name = f"n{numbers[0]}"
        names = [i if isinstance(i, str) else ints(f"{name}_{k}", i) for k, i in enumerate(inputs)]
        d.node(name, op, names, **attrs)
        for k, v in enumerate(value if isinstance(value, tuple) else (value,)):
            d.node(f"y{len(out)}", "Identity", [f"{name}:{k}" if k else name])
            out[f"y{len(out)}"] = v
        return name

    put("SplitV", ["x", [1, 3, 1], -1], tuple(np.split(a, [1, 4], 2)), num_split=3)
    put("SplitV", ["x", [1, -1, 2], 2], tuple(np.split(a, [1, 3], 2)), num_split=3)
    put("SplitV", ["x", [-1, 1], -2], tuple(np.split(a, [a.shape[1] - 1], 1)), num_split=2)
    put("Unpack", ["x"], tuple(a[:, :, k] for k in range(5)), num=5, axis=-1)
    put("Unpack", ["x"], tuple(a), num=3)
    put("Pack", ["x", "x"], np.stack([a, a], -1), axis=-1)
    put("StridedSlice", ["x", [2, 0, 4], [0, 0, 0], [-1, 1, -2]], a[::-1, :, 4:0:-2], begin_mask=2, end_mask=3)
    put("StridedSlice", ["x", [0, 3], [0, 0], [1, -1]], a[0, 3:0:-1], shrink_axis_mask=1)
    put("StridedSlice", ["x", [1, -2], [2, 0], [1, 1]], a[1:2, -2], shrink_axis_mask=2)
    put("StridedSlice", ["x", [5], [9], [-1]], a[::-1], begin_mask=1, end_mask=1)
    put("Slice", ["x", [1, 0, 2], [-1, 2, -1]], a[1:, :2, 2:])
    e = put("ExpandDims", ["x", -2], a[:, :, None])
    put("Squeeze", [e], a)
    put("Squeeze", [e], a, axis=(1, field(3, 2)))
    z = put("ZerosLike", ["x"], np.zeros_like(a))
    put("Fill", [[2, 3], d.const("seven", 7.5)], np.full((2, 3), 7.5))
    put("GatherV2", ["x", [2, 0, 2], 1], a[:, [2, 0, 2]])
    put("Gather", ["x", [1, 1]], a[[1, 1]])
    put("ReverseV2", ["x", [-1, 0]], a[::-1, :, ::-1])
    put("Transpose", ["x", [2, 0, 1]], a.transpose(2, 0, 1))
    put("Tile", ["x", [1, 2, 1]], np.tile(a, (1, 2, 1)))
    put("BroadcastTo", [z, [2, 3, 4, 5]], np.zeros((2, 3, 4, 5)))
    put("Max", ["x", [0, -1]], a.max((0, 2)), keep_dims=False)
    put("Prod", ["x", 1], a.prod(1, keepdims=True), keep_dims=True)
    put("Rsqrt", [put("Square", ["x"], a * a)], 1 / np.abs(a))
    put("AddN", ["x", "x", "x"], 3 * a)
    finish(d, folder, "tf_moves", {"x": xs}, out)


def integers(*n): return (1, b"".join(field(3, i) for i in n))


def convolved(x, w, strides=(1, 1), dilations=(1, 1)):
    """x [n, h, w, c] without pads, w [h, w, c, o]"""
    reach = [(k - 1) * r + 1 for k, r in zip(w.shape, dilations)]
    rows, columns = [range(0, size - over + 1, step) for size, over, step in zip(x.shape[1:], reach, strides)]
    cut = lambda i, j: x[:, i:i + reach[0]:dilations[0], j:j + reach[1]:dilations[1]]
    return np.stack([np.stack([np.tensordot(cut(i, j), w, ([1, 2, 3], [0, 1, 2])) for j in columns], 1) for i in rows], 1)


def padded(x, kernel, strides, value=0.0):
    """as SAME pads: ceil(size / stride) steps, the odd pad after"""
    pads = [(0, 0)]
    for size, k, step in zip(x.shape[1:3], kernel, strides):
        more = max(0, (-(-size // step) - 1) * step + k - size)
        pads.append((more // 2, more - more // 2))
    return np.pad(x, pads + [(0, 0)], constant_values=value)


def image(folder, f4):
    """a small network of keywords: Conv2D with SAME and a stride, FusedBatchNorm, a depthwise Conv2D, MaxPool with SAME, AvgPool"""
    d = Def()
    w, scale, center, mean, variance, deep = f4(3, 2, 1, 4), f4(4), f4(4), f4(4), np.abs(f4(4)) + 0.5, f4(3, 3, 4, 2)
    d.placeholder("x", [-1, 7, 7, 1])
    for name, value in {"w": w, "scale": scale, "center": center, "mean": mean, "variance": variance, "deep": deep}.items(): d.const(name, value)
    d.node("conv", "Conv2D", ["x", "w"], strides=integers(1, 2, 1, 1), padding=b"SAME", data_format=b"NHWC")
    d.node("norm", "FusedBatchNormV3", ["conv", "scale", "center", "mean", "variance"], epsilon=0.001, is_training=False, data_format=b"NHWC")
    d.node("relu", "Relu", ["norm"])
    d.node("depthwise", "DepthwiseConv2dNative", ["relu", "deep"], strides=integers(1, 1, 1, 1), padding=b"SAME", data_format=b"NHWC")
    d.node("most", "MaxPool", ["depthwise"], ksize=integers(1, 2, 2, 1), strides=integers(1, 2, 2, 1), padding=b"SAME", data_format=b"NHWC")
    d.node("y", "AvgPool", ["most"], ksize=integers(1, 2, 2, 1), strides=integers(1, 1, 1, 1), padding=b"VALID", data_format=b"NHWC")
    xs = f4(2, 7, 7, 1)
    h = convolved(padded(xs.astype("f8"), (3, 2), (2, 1)), w, (2, 1))
    h = np.maximum(0, (h - mean) / np.sqrt(variance + np.float32(0.001)) * scale + center)
    h = padded(h, (3, 3), (1, 1))
    h = np.concatenate([convolved(h[..., k:k + 1], deep[:, :, k:k + 1]) for k in range(4)], -1)
    h = padded(h, (2, 2), (2, 2), -np.inf)
    h = np.max([h[:, i::2, j::2] for i in range(2) for j in range(2)], 0)
    h = np.mean([h[:, i:h.shape[1] - 1 + i, j:h.shape[2] - 1 + j] for i in range(2) for j in range(2)], 0)
    finish(d, folder, "tf_image", {"x": xs}, {"y": h})


def transposed(folder, f4):
    """what convolutions would make their operand of: SAME with a shape that is computed, less than the window and more; VALID"""
    d, out = Def(), {}
    w, xs = f4(3, 2, 4, 2), f4(1, 5, 3, 2)
    d.placeholder("x", [1, 5, 3, 2]), d.const("w", w), d.const("factors", [1, 2, 1, 2], "i4"), d.const("whole", [1, 11, 8, 4], "i4")
    d.node("shape", "Mul", [d.node("sizes", "Shape", ["x"]), "factors"])

    def put(shape, strides, padding, first, size):
        h = np.zeros((1, 5 * strides[0] + 3, 3 * strides[1] + 3, 4))
        for i in range(5):
            for j in range(3):
                h[:, i * strides[0]:i * strides[0] + 3, j * strides[1]:j * strides[1] + 2] += np.einsum("nc,hwmc->nhwm", xs[:, i, j].astype("f8"), w)
        name = d.node(f"y{len(out)}", "Conv2DBackpropInput", [shape, "w", "x"], strides=integers(1, *strides, 1), padding=padding, data_format=b"NHWC")
        out[name] = h[:, first[0]:first[0] + size[0], first[1]:first[1] + size[1]]

    put("shape", (2, 1), b"SAME", (0, 0), (10, 3))
    put("whole", (2, 3), b"VALID", (0, 0), (11, 8))
    finish(d, folder, "tf_transposed", {"x": xs}, out)


def blocks(folder, f4):
    """a dilated causal convolution over a sequence: SpaceToBatchND, a Conv2D without pads over one row, BatchToSpaceND"""
    d, steps = Def(), 9
    w, b = f4(1, 3, 2, 4), f4(4)
    d.placeholder("x", [1, steps, 2])
    d.const("w", w), d.const("b", b), d.const("axis", 1, "i4")
    d.const("block", [2], "i4"), d.const("pads", [[4, 1]], "i4"), d.const("crops", [[0, 1]], "i4")
    d.node("dealt", "SpaceToBatchND", ["x", "block", "pads"])
    d.node("row", "ExpandDims", ["dealt", "axis"])
    d.node("conv", "Conv2D", ["row", "w"], strides=integers(1, 1, 1, 1), padding=b"VALID", data_format=b"NHWC")
    d.node("steps", "Squeeze", ["conv"], squeeze_dims=integers(1))
    d.node("back", "BatchToSpaceND", ["steps", "block", "crops"])
    d.node("y", "BiasAdd", ["back", "b"])
    xs = f4(1, steps, 2)
    h = convolved(np.pad(xs.astype("f8"), ((0, 0), (4, 0), (0, 0)))[:, None], w, dilations=(1, 2))[:, 0]
    finish(d, folder, "tf_blocks", {"x": xs}, {"y": h + b})


def grouped(folder, f4):
    """a Conv2D over one row, as a Conv1D of Keras with groups: only its filters [1, 3, c / groups, m] say how many"""
    d, groups = Def(), 3
    w, b = f4(1, 3, 2, 12), f4(12)
    d.placeholder("x", [-1, 8, 6])
    d.const("w", w), d.const("b", b), d.const("axis", 1, "i4")
    d.node("row", "ExpandDims", ["x", "axis"])
    d.node("conv", "Conv2D", ["row", "w"], strides=integers(1, 1, 1, 1), padding=b"SAME", data_format=b"NHWC")
    d.node("steps", "Squeeze", ["conv"], squeeze_dims=integers(1))
    d.node("y", "BiasAdd", ["steps", "b"])
    xs = f4(2, 8, 6)
    rows = padded(xs.astype("f8")[:, None], (1, 3), (1, 1))
    parts = [convolved(x, k) for x, k in zip(np.split(rows, groups, -1), np.split(w, groups, -1))]
    finish(d, folder, "tf_grouped", {"x": xs}, {"y": np.concatenate(parts, -1)[:, 0] + b})


def lists(folder, f4):
    """a loop of TensorFlow 2, frozen: TensorLists instead of TensorArrays"""
    d, steps, u = Def(), 4, 3
    w, b = f4(2 + u, u), f4(u)
    d.placeholder("x", [2, steps, 2])
    d.const("perm", [1, 0, 2], "i4"), d.node("time_first", "Transpose", ["x", "perm"])
    d.const("n", steps, "i4"), d.const("zero", 0, "i4"), d.const("shape", [-1, u], "i4"), d.const("shape_in", [-1, 2], "i4")
    d.node("in_list", "TensorListFromTensor", ["time_first", "shape_in"]), d.node("out_list", "TensorListReserve", ["shape", "n"])
    d.const("start", np.zeros((2, u))), d.const("w", w), d.const("b", b)
    enter = lambda name, of, constant: d.node(name, "Enter", [of], frame_name=b"loop", is_constant=constant)
    for k, of in {"i": "zero", "h": "start", "ys": "out_list"}.items():
        enter(k + "/enter", of, False)
        d.node(k + "/merge", "Merge", [k + "/enter", k + "/next"])
        d.node(k + "/switch", "Switch", [k + "/merge", "go"])
        d.node(k, "Identity", [k + "/switch:1"])
    d.node("ys/exit", "Exit", ["ys/switch"])
    for k, of in {"n": "n", "w": "w", "b": "b", "xs": "in_list", "shape_in": "shape_in"}.items(): enter("loop/" + k, of, True)
    d.node("less", "Less", ["i/merge", "loop/n"]), d.node("go", "LoopCond", ["less"])
    d.node("row", "TensorListGetItem", ["loop/xs", "i", "loop/shape_in"])
    d.const("axis", 1, "i4", ["^i"]), d.node("both", "ConcatV2", ["row", "h", "axis"])
    d.node("new", "Tanh", [d.node("sum", "BiasAdd", [d.node("product", "MatMul", ["both", "loop/w"], transpose_a=False, transpose_b=False), "loop/b"])])
    d.node("written", "TensorListSetItem", ["ys", "i", "new"])
    d.const("step", 1, "i4", ["^i"]), d.node("later", "AddV2", ["i", "step"])
    for k, of in {"i": "later", "h": "new", "ys": "written"}.items(): d.node(k + "/next", "NextIteration", [of])
    d.node("rows", "TensorListStack", ["ys/exit", "shape"])
    d.node("y", "Transpose", ["rows", "perm"])
    xs, h, ys = f4(2, steps, 2), np.zeros((2, u)), []
    for t in range(steps):
        h = np.tanh(np.concatenate([xs[:, t], h], 1) @ w + b)
        ys.append(h)
    finish(d, folder, "tf_lists", {"x": xs}, {"y": np.stack(ys, 1)})


def pointwise(folder, f4):
    """functions of one element, comparisons as numbers, products of many matrices, where the largest is"""
    d, out = Def(), {}
    xs, ys = f4(2, 3, 4) * 4, f4(2, 4, 5)
    d.placeholder("x", [2, 3, 4]), d.placeholder("m", [2, 4, 5])
    a, m = xs.astype("f8"), ys.astype("f8")
    scale, alpha = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717

    def put(name, op, inputs, value, **attrs):
        d.node(name, op, inputs, **attrs)
        d.node(f"y{len(out)}", "Identity", [name])
        out[f"y{len(out)}"] = value

    put("elu", "Elu", ["x"], np.where(a > 0, a, np.expm1(a)))
    put("selu", "Selu", ["x"], scale * np.where(a > 0, a, alpha * np.expm1(a)))
    put("relu6", "Relu6", ["x"], np.clip(a, 0, 6))
    d.node("floor", "Floor", ["x"]), d.node("round", "Rint", ["x"])
    d.node("unequal", "NotEqual", ["floor", "round"])
    put("as_numbers", "Cast", ["unequal"], np.where(np.floor(a) != np.rint(a), 1.0, 0.0), SrcT=(6, BOOL), DstT=(6, FLOAT))
    put("products", "BatchMatMulV2", ["x", "m"], a @ m, adj_x=False, adj_y=False)
    d.const("last", -1, "i4"), d.const("second", 1, "i4")
    d.node("largest", "ArgMax", ["x", "last"]), d.node("smallest", "ArgMin", ["x", "second"])
    put("largest_at", "Cast", ["largest"], a.argmax(-1), SrcT=(6, INT32), DstT=(6, FLOAT))
    put("smallest_at", "Cast", ["smallest"], a.argmin(1), SrcT=(6, INT32), DstT=(6, FLOAT))
    d.node("alike", "IdentityN", ["x", "relu6"])
    put("second_of_two", "Neg", ["alike:1"], -np.clip(a, 0, 6))
    for name, op, decide in ("all", "All", np.all), ("any", "Any", np.any):
        d.node(name, op, ["unequal", "last"], keep_dims=True)
        put(name + "_as_numbers", "Cast", [name], decide(np.floor(a) != np.rint(a), -1, keepdims=True) * 1.0, SrcT=(6, BOOL), DstT=(6, FLOAT))
    put("sums", "Einsum", ["x", "m"], np.einsum("btk,bkn->bnt", a, m), equation=b"btk,bkn->bnt")
    d.node("size", "Abs", ["x"])
    for name, of, value in ("Log1p", "size", np.log1p(abs(a))), ("Expm1", "x", np.expm1(a)), ("Sinh", "x", np.sinh(a)), ("Cosh", "x", np.cosh(a)), ("Asinh", "x", np.arcsinh(a)):
        put(name.lower(), name, [of], value)
    put("erfc", "Erfc", ["x"], 1 - np.vectorize(math.erf)(a))
    finish(d, folder, "tf_pointwise", {"x": xs, "m": ys}, out)


def listed(folder, f4):
    """constants that list their elements, each type in its field; the last element stands for those that are missing"""
    d, xs = Def(), f4(2, 3)
    d.placeholder("x", [2, 3])
    double = lambda *n: (6, b"".join(struct.pack("<d", k) for k in n))
    whole = lambda field_of: lambda *n: (field_of, b"".join(varint(k) for k in n))
    types = {1: (5, struct.pack("<2f", 1.5, -2)), 2: double(0.25, 3), 3: whole(7)(5, -6), 4: whole(7)(7, 200), 5: whole(7)(-8, 9), 6: whole(7)(-10, 11), 9: whole(10)(-12, 13), 10: whole(11)(1, 0), 14: whole(13)(0x3F80, 0xC000), 17: whole(7)(14, 60000), 19: whole(13)(0x3C00, 0xC000), 22: whole(16)(15, 4000000000), 23: whole(17)(16, 17)}
    values = {1: (1.5, -2), 2: (0.25, 3), 3: (5, -6), 4: (7, 200), 5: (-8, 9), 6: (-10, 11), 9: (-12, 13), 10: (1, 0), 14: (1, -2), 17: (14, 60000), 19: (1, -2), 22: (15, 4000000000), 23: (16, 17)}
    a = xs.astype("f8")
    for kind, (at, elements) in types.items():
        d.node(f"c{kind}", "Const", dtype=(6, kind), value=(8, field(1, kind) + field(2, shape_of([3])) + field(at, elements)))
        d.node(f"n{kind}", "Cast", [f"c{kind}"], SrcT=(6, kind), DstT=(6, FLOAT))
        d.node(f"y{kind}", "Mul", ["x", f"n{kind}"])
    out = {f"y{kind}": a * np.array([first, second, second]) for kind, (first, second) in values.items()}
    finish(d, folder, "tf_listed", {"x": xs}, out)


def main(folder):
    generator = lambda seed: lambda *shape, r=np.random.default_rng(seed): r.standard_normal(shape).astype("f4") * np.float32(0.5)
    first = generator(0)
    for make in loop, many, cell, moves: make(folder, first)
    for seed, make in enumerate([image, blocks, lists, pointwise, transposed, grouped, listed], 1): make(folder, generator(seed))


main(sys.argv[1])
