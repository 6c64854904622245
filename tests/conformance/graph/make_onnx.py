# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small ONNX files for what exporters seldom write: functions, loops, sequences, Einsum, Resize, STFT, quantised
operators, old opsets; and what they compute, worked out here in NumPy.

    make_onnx.py FOLDER

The messages are written byte by byte: onnx is not needed, and what is expected does not come from a runtime."""
import struct, sys, zipfile
import numpy as np

ELEM = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9}


def varint(n):
    n &= (1 << 64) - 1
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(k, value):
    if isinstance(value, float): return varint(k << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int): return varint(k << 3) + varint(int(value))
    if isinstance(value, str): value = value.encode()
    return varint(k << 3 | 2) + varint(len(value)) + value


def tensor(name, a):
    a = np.asarray(a)
    return b"".join(field(1, n) for n in a.shape) + field(2, ELEM[a.dtype.name]) + field(8, name) + field(9, a.tobytes())


class Ref(str): """an attribute of a function's caller"""


def attribute(name, v):
    out = field(1, name)
    if isinstance(v, Ref): return out + field(21, str(v)) + field(20, 1)
    if isinstance(v, Graph): return out + field(6, v.bytes()) + field(20, 5)
    if isinstance(v, np.ndarray): return out + field(5, tensor("", v)) + field(20, 4)
    if isinstance(v, float): return out + field(2, v) + field(20, 1)
    if isinstance(v, int): return out + field(3, v) + field(20, 2)
    if isinstance(v, str): return out + field(4, v) + field(20, 3)
    return out + b"".join(field(8, n) for n in v) + field(20, 7)


def port(name, dtype, shape):
    dims = b"".join(field(1, field(2, n) if isinstance(n, str) else field(1, n)) for n in shape) if shape is not None else b""
    kind = field(1, ELEM[dtype]) + (field(2, dims) if shape is not None else b"")
    return field(1, name) + field(2, field(1, kind))


class Graph:
    def __init__(self): self.nodes, self.constants, self.inputs, self.outputs, self.n = [], [], [], [], 0

    def input(self, name, shape, dtype="float32"):
        self.inputs.append(port(name, dtype, shape))
        return name

    def constant(self, a, dtype=None):
        name = f"c{len(self.constants)}"
        self.constants.append(tensor(name, np.asarray(a, dtype)))
        return name

    def call(self, op, *inputs, out=None, n=1, domain="", **attrs):
        names = [out] if out else [f"v{self.n + k}" for k in range(n)]
        self.n += n
        self.nodes.append(b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in names) + field(4, op) + field(7, domain) +
                          b"".join(field(5, attribute(k, v)) for k, v in attrs.items()))
        return names[0] if n == 1 else names

    def output(self, name, dtype="float32"): self.outputs.append(port(name, dtype, None))

    def bytes(self):
        return b"".join(field(1, n) for n in self.nodes) + field(2, "g") + b"".join(field(5, c) for c in self.constants) + \
            b"".join(field(11, i) for i in self.inputs) + b"".join(field(12, o) for o in self.outputs)


def finish(g, folder, name, inputs, outputs, opset=17, functions=()):
    ports = [field(8, field(1, d) + field(2, v)) for d, v in {"": opset, "com.microsoft": 1, "own": 1}.items()]
    with open(f"{folder}/{name}.onnx", "wb") as f:
        f.write(field(1, 8) + field(2, "make_onnx") + field(7, g.bytes()) + b"".join(ports) + b"".join(field(25, x) for x in functions))
    arrays = {"in_" + k: v for k, v in inputs.items()} | {"out_" + k: np.asarray(v, "f4") for k, v in outputs.items()}
    with zipfile.ZipFile(f"{folder}/{name}.npz", "w") as z:
        for k, v in arrays.items():
            with z.open(zipfile.ZipInfo(k + ".npy", (1980, 1, 1, 0, 0, 0)), "w") as f: np.lib.format.write_array(f, np.ascontiguousarray(v))


def function(folder, f4):
    """scaled(x; by) = by * tanh(x) where by has a default, called by twice(x) and by the graph"""
    inner, outer = Graph(), Graph()
    inner.call("Constant", out="k", value_float=Ref("by"))
    inner.call("Tanh", "a", out="t")
    inner.call("Mul", "t", "k", out="b")
    outer.call("scaled", "a", out="m", domain="own", by=2.0)
    outer.call("scaled", "m", out="b", domain="own")
    make = lambda name, g, attrs=b"": field(1, name) + field(4, "a") + field(5, "b") + b"".join(field(7, n) for n in g.nodes) + field(9, field(1, "") + field(2, 17)) + field(9, field(1, "own") + field(2, 1)) + field(10, "own") + attrs
    g = Graph()
    g.input("x", ["n", 3])
    g.call("twice", "x", out="u", domain="own")
    g.call("Add", "u", "x", out="y")
    g.output("y")
    xs = f4(4, 3)
    finish(g, folder, "function", {"x": xs}, {"y": 3 * np.tanh(2 * np.tanh(xs.astype("f8"))) + xs},
           functions=[make("scaled", inner, field(11, attribute("by", 3.0))), make("twice", outer)])


def defaults(folder, f4):
    """ramp(x; by, to) = by * tanh(x) + to with a default for each: called with none of them, with either and with both"""
    inner, g = Graph(), Graph()
    for name in "by", "to": inner.call("Constant", out=name, value_float=Ref(name))
    inner.call("Tanh", "a", out="t")
    inner.call("Mul", "t", "by", out="m")
    inner.call("Add", "m", "to", out="b")
    ramp = field(1, "ramp") + field(4, "a") + field(5, "b") + b"".join(field(7, n) for n in inner.nodes) + field(9, field(1, "") + field(2, 17)) + field(10, "own")
    ramp += field(11, attribute("by", 3.0)) + field(11, attribute("to", 0.25))
    g.input("x", ["n", 3])
    xs = f4(4, 3)
    last, want = "x", xs.astype("f8")
    for given in {}, {"to": -0.5}, {"by": 0.75}, {"by": 2.0, "to": 1.5}:
        last = g.call("ramp", last, domain="own", **given)
        want = given.get("by", 3.0) * np.tanh(want) + given.get("to", 0.25)
    g.output(g.call("Identity", last, out="y"))
    finish(g, folder, "defaults", {"x": xs}, {"y": want}, functions=[ramp])


def loops(folder, f4):
    """a Loop with rows and an outer value, one that fills a sequence, an If within, a Scan backward along axis 1"""
    g = Graph()
    x = g.input("x", [2, 5, 3])
    count, yes = g.constant(5, "i8"), g.constant(True)
    body = Graph()
    body.input("i", [], "int64"), body.input("go", [], "bool"), body.input("h", [2, 3]), body.input("list", None)
    body.call("Gather", x, "i", out="row", axis=1)
    then, other = Graph(), Graph()
    then.call("Add", "h", "row", out="a"), then.output("a")
    other.call("Sub", "h", "row", out="b"), other.output("b")
    even = body.call("Equal", body.call("Mod", "i", body.constant(2, "i8")), body.constant(0, "i8"))
    body.call("If", even, out="s", then_branch=then, else_branch=other)
    body.call("Tanh", "s", out="new")
    body.call("SequenceInsert", "list", "new", out="longer")
    body.call("Identity", "go", out="on")
    for name in "on", "new", "longer", "s": body.output(name)
    start = g.constant(np.zeros((2, 3), "f4"))
    h, seq, rows = g.call("Loop", count, yes, start, g.call("SequenceEmpty"), n=3, body=body)
    g.call("ConcatFromSequence", seq, out="stacked", axis=1, new_axis=1)
    g.call("Identity", rows, out="sums")
    scan = Graph()
    scan.input("c", [2, 3]), scan.input("e", [2, 3])
    scan.call("Mul", scan.call("Add", "c", "e"), scan.constant(0.5, "f4"), out="half")
    scan.call("Identity", "half", out="half2")
    scan.output("half"), scan.output("half2")
    last, g_rows = g.call("Scan", start, x, n=2, body=scan, num_scan_inputs=1, scan_input_axes=[1], scan_input_directions=[1], scan_output_axes=[1], scan_output_directions=[1])
    g.call("Identity", g_rows, out="scanned")
    for name in "stacked", "sums", "scanned": g.output(name)
    xs, h, stacked, sums = f4(2, 5, 3), np.zeros((2, 3)), [], []
    for t in range(5):
        s = h + xs[:, t] if t % 2 == 0 else h - xs[:, t]
        h = np.tanh(s)
        sums.append(s), stacked.append(h)
    c, scanned = np.zeros((2, 3)), [None] * 5
    for t in reversed(range(5)):
        c = (c + xs[:, t]) / 2
        scanned[t] = c
    finish(g, folder, "loops", {"x": xs}, {"stacked": np.stack(stacked, 1), "sums": np.stack(sums), "scanned": np.stack(scanned, 1)})


def einsum(folder, f4):
    g, out, xs, ys = Graph(), {}, f4(2, 3, 4), f4(2, 4, 5)
    x, y = g.input("x", [2, 3, 4]), g.input("y", [2, 4, 5])
    for k, (equation, ins) in enumerate({"bij,bjk->bik": "xy", "bij,bjk->kbi": "xy", "bij,cjk->ibck": "xy", "bij,bjk->bj": "xy", "bij->ji": "x", "bij,bij->b": "xx", "bij,bjk->i": "xy"}.items()):
        g.call("Einsum", *ins, out=f"o{k}", equation=equation)
        g.output(f"o{k}")
        out[f"o{k}"] = np.einsum(equation, *({"x": xs.astype("f8"), "y": ys.astype("f8")}[i] for i in ins))
    finish(g, folder, "einsum", {"x": xs, "y": ys}, out)


def moved(folder, f4):
    """Resize by whole factors, Pad of named axes, SpaceToDepth, Softmax before opset 13, Trilu, STFT"""
    g, xs = Graph(), f4(2, 4, 4, 6)
    x = g.input("x", [2, 4, 4, "w"])
    g.call("Resize", x, "", g.constant([1, 1, 2, 3], "f4"), out="resized", mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    g.call("Pad", x, g.constant([1, 0, 0, 2], "i8"), g.constant(0.5, "f4"), g.constant([-1, 1], "i8"), out="padded")
    g.call("SpaceToDepth", x, out="deep", blocksize=2)
    g.call("Trilu", x, g.constant(1, "i8"), out="upper", upper=1)
    for name in "resized", "padded", "deep", "upper": g.output(name)
    deep = xs.reshape(2, 4, 2, 2, 3, 2).transpose(0, 3, 5, 1, 2, 4).reshape(2, 16, 2, 3)
    finish(g, folder, "moved", {"x": xs}, {"resized": xs.repeat(2, 2).repeat(3, 3), "padded": np.pad(xs, ((0, 0), (0, 2), (0, 0), (1, 0)), constant_values=0.5), "deep": deep, "upper": np.triu(xs, 1)}, opset=18)
    g, s = Graph(), f4(2, 20)
    x = g.input("x", [2, 20, 1])
    window = np.hanning(8).astype("f4")
    g.call("STFT", x, g.constant(4, "i8"), g.constant(window), g.constant(8, "i8"), out="y", onesided=1)
    g.output("y")
    frames = np.stack([np.fft.rfft(s[:, 4 * t:4 * t + 8].astype("f8") * window) for t in range(4)], 1)
    finish(g, folder, "stft", {"x": s[..., None]}, {"y": np.stack([frames.real, frames.imag], -1)})
    g, s = Graph(), f4(2, 3, 4)
    x = g.input("x", [2, 3, 4])
    g.call("Softmax", x, out="together", axis=1)
    g.call("Add", g.call("Mul", x, g.constant(np.arange(3), "f4"), broadcast=1, axis=1), g.constant(1.0, "f4"), broadcast=1, out="along")
    for name in "together", "along": g.output(name)
    e = np.exp(s.astype("f8"))
    finish(g, folder, "opset6", {"x": s}, {"together": e / e.sum((1, 2), keepdims=True), "along": s * np.arange(3)[:, None] + 1}, opset=6)


def quantised(folder, f4):
    """QLinearConv with a scale a channel, QGemm, DynamicQuantizeMatMul: integers worked out as integers"""
    g, r = Graph(), np.random.default_rng(1)
    q, w, b = r.integers(0, 256, (1, 2, 6)).astype("u1"), r.integers(-127, 128, (3, 2, 3)).astype("i1"), r.integers(-500, 500, 3).astype("i4")
    x = g.input("x", [1, 2, 6], "uint8")
    f = lambda v: g.constant(np.float32(v))
    sx, zx, sw, sy, zy = 0.02, 120, np.array([0.01, 0.02, 0.005], "f4"), 0.05, 100
    y = g.call("QLinearConv", x, f(sx), g.constant(zx, "u1"), g.constant(w), g.constant(sw), g.constant([0, 0, 0], "i1"), f(sy), g.constant(zy, "u1"), g.constant(b), pads=[1, 1])
    g.call("DequantizeLinear", y, f(sy), g.constant(zy, "u1"), out="conv")
    m, a = r.integers(-127, 128, (6, 4)).astype("i1"), f4(6)
    g.call("DynamicQuantizeMatMul", g.call("Mul", g.call("DequantizeLinear", x, f(sx), g.constant(zx, "u1")), g.constant(a)), g.constant(m), f(0.01), g.constant(3, "i1"), out="product", domain="com.microsoft")
    for name in "conv", "product": g.output(name)
    p = np.pad(q.astype("i8") - zx, ((0, 0), (0, 0), (1, 1)))
    acc = np.stack([(p[:, :, t:t + 3, None] * w.astype("i8").transpose(1, 2, 0)).sum((1, 2)) + b for t in range(6)], -1)
    sx32, sy32 = float(np.float32(sx)), float(np.float32(sy))
    conv = np.clip(np.rint(acc * (sx32 * sw.astype("f8"))[:, None] / sy32) + zy, 0, 255)
    v = (q.astype("f8") - zx) * sx32 * a.astype("f8")
    low, high = min(v.min(), 0), max(v.max(), 0)
    scale = (high - low) / 255
    zero = np.rint(-low / scale)
    d = np.clip(np.rint(v / scale) + zero, 0, 255) - zero
    finish(g, folder, "quantised", {"x": q}, {"conv": (conv - zy) * sy32, "product": d @ (m.astype("f8") - 3) * scale * float(np.float32(0.01))})


def same_pads(folder, f4):
    """pools whose pads follow from the size (auto_pad), over [n, c, h, w]: the odd pad in front or after, and means that do not count it"""
    g, xs = Graph(), f4(2, 3, 5, 6)
    x = g.input("x", ["n", 3, 5, 6])
    g.call("MaxPool", x, out="lower", auto_pad="SAME_LOWER", kernel_shape=[2, 3], strides=[2, 2])
    g.call("MaxPool", x, out="upper", auto_pad="SAME_UPPER", kernel_shape=[2, 3], strides=[2, 2])
    g.call("AveragePool", x, out="mean", auto_pad="SAME_UPPER", kernel_shape=[2, 3], strides=[2, 2])
    for name in "lower", "upper", "mean": g.output(name)
    def pooled(before, after, pool):
        p = np.pad(xs.astype("f8"), ((0, 0), (0, 0), *zip(before, after)), constant_values=np.nan)
        windows = np.lib.stride_tricks.sliding_window_view(p, (2, 3), (2, 3))[:, :, ::2, ::2]
        return pool(windows, (-2, -1))
    finish(g, folder, "same_pads", {"x": xs}, {"lower": pooled((1, 1), (0, 0), np.nanmax), "upper": pooled((0, 0), (1, 1), np.nanmax), "mean": pooled((0, 0), (1, 1), np.nanmean)})


def sliced(folder, f4):
    """every second and third element from another than the first, nodes that stand after those that read them"""
    g, xs = Graph(), f4(2, 5, 8)
    x = g.input("x", ["n", 5, 8])
    ints = lambda *v: g.constant(v, "i8")
    g.call("Add", "odd", "odd", out="later")
    g.call("Slice", x, ints(1), ints(99), ints(2), ints(2), out="odd")
    g.call("Slice", x, ints(1, 2), ints(99, 8), ints(1, 2), ints(2, 3), out="both")
    for name in "later", "both": g.output(name)
    finish(g, folder, "sliced", {"x": xs}, {"later": 2 * xs[:, :, 1::2], "both": xs[:, 1::2, 2:8:3]})


def arcs(folder, f4):
    """inverse functions of angles"""
    g, xs = Graph(), f4(1, 5, 4).clip(-1, 1)
    x = g.input("x", [1, 5, 4])
    for name in "Asin", "Acos":
        g.call(name, x, out=name.lower())
        g.output(name.lower())
    finish(g, folder, "arcs", {"x": xs}, {"asin": np.arcsin(xs.astype("f8")), "acos": np.arccos(xs.astype("f8"))})


def main(folder):
    generator = lambda seed: lambda *shape, r=np.random.default_rng(seed): r.standard_normal(shape).astype("f4") * np.float32(0.5)
    first = generator(0)
    for make in function, loops, einsum, moved, quantised: make(folder, first)
    for seed, make in enumerate([same_pads, sliced, defaults, arcs], 1): make(folder, generator(seed))


if __name__ == "__main__": main(sys.argv[1])
