# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/windows: ONNX files of one call of a stream that keeps the rows its convolutions look back on, as inputs
and outputs, and what onnxruntime gives call after call, what is kept handed on; and tables whose places are cast.

    python make_windows.py            (onnx, onnxruntime, numpy from PyPI)

NAME.onnx, NAME.npz: arrays in_x and out_y of the whole stream. Where a call takes several rows and gives as many, they are
[rows, features]; where it makes one of them, in_x is [calls, features, rows]. A file that is to be refused goes to ../refused."""
import os
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "windows")
rng = np.random.default_rng(11)
ALL = 1 << 62
CALLS = 24


class Net:
    def __init__(self):
        self.nodes, self.inits, self.ins, self.outs, self.n = [], [], [], [], 0

    def weights(self, *shape):
        return self.constant(rng.uniform(-0.6, 0.6, shape).astype("f4"))

    def constant(self, a):
        name = f"k{len(self.inits)}"
        self.inits.append(nh.from_array(np.asarray(a), name))
        return name

    def call(self, op, *inputs, out=None, n=1, **attributes):
        self.n += 1
        names = [out] if out else [f"v{self.n}_{i}" for i in range(n)]
        self.nodes.append(h.make_node(op, inputs, names, **attributes))
        return names[0] if n == 1 else names

    def slice(self, x, start, end, axis, out=None):
        return self.call("Slice", x, *(self.constant(np.array([v], "i8")) for v in (start, end, axis)), out=out)

    def input(self, name, *shape):
        self.ins.append(h.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, value, name, *shape):
        self.call("Identity", value, out=name)
        self.outs.append(h.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def window(self, x, number, channels, rows, axis=2, rest=()):
        """the rows before and those of x, the last ones of which are kept"""
        shape = [1, channels, rows, *rest] if axis == 2 else [1, rows, channels]
        joined = self.call("Concat", self.input(f"kept_{number}", *shape), x, axis=axis)
        self.output(self.slice(joined, -rows, ALL, axis), f"next_{number}", *shape)
        return joined

    def save(self, name, folder=HERE):
        graph = h.make_graph(self.nodes, name, self.ins, self.outs, self.inits)
        path = os.path.join(folder, name + ".onnx")
        onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="make_windows"), path)
        return path


def record(net, name, shape, as_rows, keep=None):
    """Runs calls with inputs of this shape; as_rows: how a call's x and y are written down."""
    path = net.save(name)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    outs = [o.name for o in session.get_outputs()]
    pairs = keep or {o: o.replace("next", "kept") for o in outs if o.startswith("next")}
    fixed = {i.name: [d if isinstance(d, int) else shape[k] for k, d in enumerate(i.shape)] for i in session.get_inputs()}
    states = {i: np.zeros(fixed[i], "f4") for i in pairs.values()}
    xs, ys = [], []
    for _ in range(CALLS):
        x = rng.standard_normal(shape).astype("f4")
        got = dict(zip(outs, session.run(None, {"x": x, **states})))
        states = {i: got[o] for o, i in pairs.items()}
        xs.append(as_rows(x))
        ys.append(as_rows(got["y"]))
    np.savez(path[:-5] + ".npz", in_x=np.concatenate(xs), out_y=np.concatenate(ys))


rows_of_ncw = lambda a: a[0].T if a.ndim == 3 else a
rows_of_nwc = lambda a: a[0]
calls_of_ncw = lambda a: a if a.shape[-1] > 1 else a[0].T


def block(net, x, number, channels, taps, dilation=1, groups=1):
    joined = net.window(x, number, channels, (taps - 1) * dilation)
    return net.call("Conv", joined, net.weights(channels, channels // groups, taps), net.weights(channels), dilations=[dilation], group=groups)


def dilated():
    """three dilated convolutions with what goes around them, a row a call"""
    net = Net()
    x = net.call("Conv", net.input("x", 1, 4, 1), net.weights(6, 4, 1), net.weights(6))
    for i, d in enumerate((1, 2, 4)):
        y = net.call("Conv", net.call("Tanh", block(net, x, i, 6, 3, d, groups=6 if i == 1 else 1)), net.weights(6, 6, 1))
        x = net.call("Add", x, y)
    net.output(x, "y", 1, 6, 1)
    record(net, "dilated", (1, 4, 1), rows_of_ncw)


def packed():
    """what two convolutions and a GRU keep is one vector"""
    net = Net()
    x, kept = net.input("x", 1, 1, 3), net.input("kept", 2 * 3 + 4 * 5 + 5)
    cut = lambda a, b, *shape: net.call("Reshape", net.slice(kept, a, b, 0), net.constant(np.array(shape, "i8")))
    flat = lambda v: net.call("Reshape", v, net.constant(np.array([-1], "i8")))
    a = net.call("Concat", cut(0, 6, 1, 2, 3), x, axis=1)
    c = net.call("Conv", net.call("Transpose", a, perm=[0, 2, 1]), net.weights(5, 3, 3), net.weights(5))
    b = net.call("Concat", net.call("Transpose", cut(6, 26, 1, 4, 5), perm=[0, 2, 1]), net.call("Relu", c), axis=2)
    d = net.call("Conv", b, net.weights(5, 5, 3), net.weights(5), dilations=[2])
    rows, state = net.call("GRU", net.call("Transpose", d, perm=[2, 0, 1]), net.weights(1, 15, 5), net.weights(1, 15, 5), net.weights(1, 30), "",
                           cut(26, 31, 1, 1, 5), n=2, hidden_size=5, linear_before_reset=1)
    parts = [flat(net.slice(a, 1, 3, 1)), flat(net.call("Transpose", net.slice(b, 1, 5, 2), perm=[0, 2, 1])), flat(state)]
    net.output(net.call("Squeeze", rows, net.constant(np.array([0], "i8"))), "y", 1, 1, 5)
    net.output(net.call("Concat", *parts, axis=0), "next", 31)
    record(net, "packed", (1, 1, 3), rows_of_nwc, {"next": "kept"})


def rolled():
    """the kept rows and the new one are moved up first, and all of them read"""
    net = Net()
    x, kept = net.input("x", 1, 3, 1), net.input("kept", 1, 3, 5)
    joined = net.call("Concat", net.slice(kept, 1, 5, 2), x, axis=2)
    net.output(net.call("Conv", joined, net.weights(4, 3, 5), net.weights(4)), "y", 1, 4, 1)
    net.output(joined, "next", 1, 3, 5)
    record(net, "rolled", (1, 3, 1), rows_of_ncw, {"next": "kept"})


def longer():
    """more rows are kept than the kernel reads: the last result counts"""
    net = Net()
    joined = net.window(net.input("x", 1, 3, 1), 0, 3, 7)
    all_rows = net.call("Conv", joined, net.weights(4, 3, 3), net.weights(4))
    net.output(net.call("Relu", net.slice(all_rows, -1, ALL, 2)), "y", 1, 4, 1)
    record(net, "longer", (1, 3, 1), rows_of_ncw)


def chunk(name, rows):
    """several rows a call, as many out; their number fixed or open"""
    net = Net()
    x = block(net, net.input("x", 1, 3, rows), 0, 3, 4)
    x = block(net, net.call("Tanh", x), 1, 3, 3, 2)
    net.output(x, "y", 1, 3, rows)
    record(net, name, (1, 3, 5), rows_of_ncw)


def strided():
    """three new rows a call make one, and another convolution looks back on those"""
    net = Net()
    joined = net.window(net.input("x", 1, 4, 3), 0, 4, 2)
    x = net.call("Relu", net.call("Conv", joined, net.weights(6, 4, 5), net.weights(6), strides=[3]))
    net.output(block(net, x, 1, 6, 3), "y", 1, 6, 1)
    record(net, "strided", (1, 4, 3), calls_of_ncw)


def flattened():
    """all rows that are kept go into one product"""
    net = Net()
    joined = net.window(net.input("x", 1, 1, 3), 0, 3, 4, axis=1)
    flat = net.call("Reshape", joined, net.constant(np.array([1, 15], "i8")))
    net.output(net.call("Gemm", flat, net.weights(15, 6), net.weights(6)), "y", 1, 6)
    record(net, "flattened", (1, 1, 3), lambda a: a.reshape(1, -1))


def turned():
    """the same, channels first"""
    net = Net()
    joined = net.window(net.input("x", 1, 3, 1), 0, 3, 4)
    flat = net.call("Flatten", joined, axis=1)
    net.output(net.call("Gemm", flat, net.weights(15, 6), net.weights(6)), "y", 1, 6)
    record(net, "turned", (1, 3, 1), lambda a: a.reshape(1, -1))


def beside():
    """the features of the step before beside those of this one"""
    net = Net()
    joined = net.call("Concat", net.input("kept_0", 1, 4), net.input("x", 1, 4), axis=1)
    net.output(net.slice(joined, 4, 8, 1), "next_0", 1, 4)
    net.output(net.call("Relu", net.call("Gemm", joined, net.weights(8, 3), net.weights(3))), "y", 1, 3)
    record(net, "beside", (1, 4), lambda a: a)


def rows_apart():
    """single rows of what is kept: steps of before"""
    net = Net()
    joined = net.window(net.input("x", 1, 1, 3), 0, 3, 3, axis=1)
    old, new = net.slice(joined, 0, 1, 1), net.slice(joined, 3, 4, 1)
    net.output(net.call("Tanh", net.call("Sub", new, old)), "y", 1, 1, 3)
    record(net, "rows_apart", (1, 1, 3), rows_of_nwc)


def halves():
    """channels split, windows of two lengths (MixConv), activations before they are joined"""
    net = Net()
    joined = net.window(net.input("x", 1, 4, 1), 0, 4, 6)
    a, b = net.call("Split", joined, net.constant(np.array([2, 2], "i8")), n=2, axis=1)
    a = net.call("Conv", net.slice(a, 4, 7, 2), net.weights(2, 1, 3), net.weights(2), group=2)
    b = net.call("Conv", b, net.weights(2, 1, 7), net.weights(2), group=2)
    net.output(net.call("Concat", a, b, axis=1), "y", 1, 4, 1)
    record(net, "halves", (1, 4, 1), rows_of_ncw)


def table_cast(name, elem, first):
    """rows of a table by numbers that are cast first: what the file takes in is no int64"""
    net = Net()
    net.ins.append(h.make_tensor_value_info("x", elem, ["n", 7]))
    places = net.call("Cast", "x", to=first)
    if first != TensorProto.INT64: places = net.call("Cast", places, to=TensorProto.INT64)
    rows = net.call("Transpose", net.call("Gather", net.weights(11, 3), places), perm=[1, 0, 2])
    _, state = net.call("GRU", rows, net.weights(1, 12, 3), net.weights(1, 12, 4), net.weights(1, 24), n=2, hidden_size=4, linear_before_reset=1)
    net.output(net.call("Squeeze", state, net.constant(np.array([0], "i8"))), "y", "n", 4)
    session = ort.InferenceSession(net.save(name), providers=["CPUExecutionProvider"])
    x = rng.integers(0, 11, (1, 7)).astype({TensorProto.FLOAT: "f4", TensorProto.UINT8: "u1"}[elem])
    np.savez(os.path.join(HERE, name + ".npz"), in_x=x, out_y=session.run(["y"], {"x": x})[0])


def scattered():
    """rows of several convolutions along two axes in one cache, written by ScatterND; the second is a transposed one of stride 1;
    three neighbours of each band are taken side by side by a table of places"""
    net, rows, bands = Net(), (2, 4), 5
    x, cache = net.input("x", 1, bands), net.input("kept_0", 1, 3, sum(rows), bands)
    around = net.call("Pad", x, net.constant(np.array([0, 1, 0, 1], "i8")))
    near = net.call("Gather", around, net.constant(np.arange(3)[:, None] + np.arange(bands)[None]), axis=1)
    y, at = net.call("Unsqueeze", near, net.constant(np.array([2], "i8"))), 0
    for number, n in enumerate(rows):
        joined = net.call("Concat", net.slice(cache, at, at + n, 2), y, axis=2)
        places = np.stack(np.meshgrid([0], np.arange(3), np.arange(at, at + n), np.arange(bands), indexing="ij"), -1)
        cache = net.call("ScatterND", cache, net.constant(places), net.slice(joined, -n, ALL, 2))
        at += n
        if number: y = net.call("ConvTranspose", joined, net.weights(3, 1, 3, 3), net.weights(3), group=3, dilations=[2, 1], pads=[4, 1, 4, 1])
        else: y = net.call("Tanh", net.call("Conv", joined, net.weights(3, 3, 3, 3), net.weights(3), pads=[0, 1, 0, 1]))
    net.output(cache, "next_0", 1, 3, sum(rows), bands)
    net.output(net.call("Reshape", y, net.constant(np.array([1, 3 * bands], "i8"))), "y", 1, 3 * bands)
    record(net, "scattered", (1, bands), lambda a: a.reshape(1, -1))


def merged():
    """the axis of the one new row is merged with that of its features and split again, before the rows and after them"""
    net = Net()
    shape = lambda *n: net.constant(np.array(n, "i8"))
    x = net.call("Reshape", net.call("Reshape", net.input("x", 1, 3, 1, 8), shape(1, 3, 8)), shape(1, 3, 1, 8))
    y = net.call("Conv", net.window(x, 0, 3, 2, rest=(8,)), net.weights(4, 3, 3, 3), net.weights(4), pads=[0, 1, 0, 1])
    y = net.call("Reshape", net.call("Reshape", net.call("Tanh", y), shape(1, 4, 8)), shape(1, 4, 1, 8))
    y = net.call("Conv", net.window(y, 1, 4, 1, rest=(8,)), net.weights(2, 4, 2, 5), pads=[0, 2, 0, 2], strides=[1, 2])
    net.output(y, "y", 1, 2, 1, 4)
    record(net, "merged", (1, 3, 1, 8), lambda a: a[:, :, 0])


def layered():
    """the states of two layers are the rows of one matrix, which a call cuts and joins again"""
    net = Net()
    y, kept, new = net.input("x", 1, 6), net.input("kept", 2, 4), []
    one = net.constant(np.array([0], "i8"))
    for k, width in enumerate((6, 4)):
        state = net.call("Unsqueeze", net.slice(kept, k, k + 1, 0), one)
        y = net.call("GRU", net.call("Unsqueeze", y, one), net.weights(1, 12, width), net.weights(1, 12, 4), net.weights(1, 24), "", state, n=2, hidden_size=4, linear_before_reset=1)[1]
        y = net.call("Squeeze", y, one)
        new.append(y)
    net.output(y, "y", 1, 4)
    net.output(net.call("Concat", *new, axis=0), "next", 2, 4)
    record(net, "layered", (1, 6), rows_of_ncw, {"next": "kept"})


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    dilated(), packed(), rolled(), longer(), chunk("chunk", 5), chunk("chunk_any", "t"), strided()
    flattened(), turned(), beside(), rows_apart(), halves(), scattered()
    table_cast("table_float", TensorProto.FLOAT, TensorProto.INT64), table_cast("table_bytes", TensorProto.UINT8, TensorProto.INT32)
    merged()
    layered()
