# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/axes/: small ONNX files whose operators go along axes of the features, and what they compute,
worked out here in NumPy.

    python make_axes.py            (numpy)

The messages are written by ../graph/make_onnx.py, byte by byte. Every file has one sample; where time is, a GRU
says, which most of them end in. Import has to compare each of them with its graph."""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "graph"))
from make_onnx import Graph, finish

FOLDER = os.path.join(HERE, "fixtures", "axes")
rng = np.random.default_rng(11)
sigmoid = lambda x: 1 / (1 + np.exp(-x))


def random(*shape, scale=0.5): return rng.uniform(-scale, scale, shape).astype("f4")


class Gru:
    """A GRU of ONNX, the reset gate before the product; x [T, N, d] -> y [T, dirs, N, u]."""
    def __init__(self, d, u, both=False):
        self.n, self.u = 1 + both, u
        self.w, self.r, self.b = random(self.n, 3 * u, d), random(self.n, 3 * u, u), random(self.n, 6 * u)

    def call(self, g, x):
        return g.call("GRU", x, g.constant(self.w), g.constant(self.r), g.constant(self.b), out=f"gru{g.n}", hidden_size=self.u,
                      direction="bidirectional" if self.n == 2 else "forward")

    def run(self, x):
        x, u, y = x.astype("f8"), self.u, np.zeros((len(x), self.n, x.shape[1], self.u))
        for k in range(self.n):
            h, w, r, b = np.zeros((x.shape[1], u)), self.w[k].astype("f8"), self.r[k].astype("f8"), self.b[k].astype("f8")
            for t in range(len(x)) if k == 0 else reversed(range(len(x))):
                a, c = x[t] @ w.T + b[:3 * u], b[3 * u:]
                z = sigmoid(a[:, :u] + h @ r[:u].T + c[:u])
                s = sigmoid(a[:, u:2 * u] + h @ r[u:2 * u].T + c[u:2 * u])
                n = np.tanh(a[:, 2 * u:] + (s * h) @ r[2 * u:].T + c[2 * u:])
                h = (1 - z) * n + z * h
                y[t, k] = h
        return y


def ends_in_gru(g, x, d, steps, u=3):
    """x [1, T, d] of the graph and what gives its numbers."""
    gru = Gru(d, u)
    y = gru.call(g, g.call("Transpose", x, perm=[1, 0, 2]))
    g.call("Transpose", g.call("Squeeze", y, g.constant([1], "i8")), out="y", perm=[1, 0, 2])
    g.output("y")
    return lambda a: gru.run(a.reshape(1, steps, d).transpose(1, 0, 2))[:, 0].transpose(1, 0, 2)


def save(name, g, x, y, opset=17): finish(g, FOLDER, name, {"x": x}, {"y": y}, opset=opset)


def conv(x, w, stride, pads):
    """x [C, H, W], w [M, C, a, b]"""
    x = np.pad(x.astype("f8"), ((0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    h, v = (x.shape[1] - w.shape[2]) // stride[0] + 1, (x.shape[2] - w.shape[3]) // stride[1] + 1
    return np.array([[[np.sum(x[:, i * stride[0]:i * stride[0] + w.shape[2], j * stride[1]:j * stride[1] + w.shape[3]] * f) for j in range(v)]
                      for i in range(h)] for f in w.astype("f8")])


def spectrum():
    """[1, 1, T, F] -> Conv2D, stride over F -> channels and F are features"""
    g, w, x = Graph(), random(4, 1, 3, 3), random(1, 1, 6, 8, scale=1)
    g.input("x", [1, 1, 6, 8])
    c = g.call("Relu", g.call("Conv", "x", g.constant(w), kernel_shape=[3, 3], strides=[1, 2], pads=[2, 1, 0, 1]))
    run = ends_in_gru(g, g.call("Reshape", g.call("Transpose", c, perm=[0, 2, 1, 3]), g.constant([0, 0, -1], "i8")), 16, 6)
    save("spectrum", g, x, run(np.maximum(conv(x[0], w, (1, 2), (2, 1, 0, 1)), 0).transpose(1, 0, 2)))


def bands():
    """a GRU along frequency in both directions within each step, then one along time for each band"""
    g, x, along, over = Graph(), random(1, 5, 6, 3, scale=1), Gru(3, 2, both=True), Gru(4, 3)
    g.input("x", [1, 5, 6, 3])
    s = g.call("Transpose", g.call("Reshape", "x", g.constant([5, 6, 3], "i8")), perm=[1, 0, 2])
    s = g.call("Reshape", g.call("Transpose", along.call(g, s), perm=[0, 2, 1, 3]), g.constant([6, 5, 4], "i8"))
    y = g.call("Squeeze", over.call(g, g.call("Transpose", s, perm=[1, 0, 2])), g.constant([1], "i8"))
    g.call("Unsqueeze", y, g.constant([0], "i8"), out="y"), g.output("y")
    a = along.run(x[0].transpose(1, 0, 2)).transpose(0, 2, 1, 3).reshape(6, 5, 4)
    save("bands", g, x, over.run(a.transpose(1, 0, 2))[:, 0][None])


def gate():
    """one gain for each channel from the mean over the bands, and one for each band from the norm over the channels"""
    g, x, w = Graph(), random(1, 5, 4, 6, scale=1), random(4, 4)
    g.input("x", [1, 5, 4, 6])
    m = g.call("ReduceMean", "x", axes=[3], keepdims=1)
    s = g.call("Sigmoid", g.call("MatMul", g.call("Squeeze", m, g.constant([3], "i8")), g.constant(w)))
    a = g.call("Mul", "x", g.call("Unsqueeze", s, g.constant([3], "i8")))
    b = g.call("Div", a, g.call("ReduceL2", "x", axes=[2], keepdims=1))
    run = ends_in_gru(g, g.call("Reshape", b, g.constant([1, 5, 24], "i8")), 24, 5)
    d = x[0].astype("f8")
    save("gate", g, x, run(d * sigmoid(d.mean(2) @ w)[:, :, None] / np.sqrt((d * d).sum(1, keepdims=True))))


def moves():
    """pad by reflection, cut, turn round, take every second and join along an axis that is not the last"""
    g, x = Graph(), random(1, 5, 6, 2, scale=1)
    g.input("x", [1, 5, 6, 2])
    i8 = lambda *v: g.constant(list(v), "i8")
    a = g.call("Pad", "x", i8(0, 0, 1, 0, 0, 0, 2, 0), mode="reflect")
    b = g.call("Slice", "x", i8(1, 0), i8(5, 1), i8(2, 3))
    c = g.call("Slice", "x", i8(-1), i8(-100), i8(2), i8(-1))
    d = g.call("Slice", "x", i8(0), i8(6), i8(2), i8(2))
    e = g.call("Concat", a, c, d, axis=2)
    f = g.call("Concat", g.call("Reshape", e, i8(1, 5, 36)), g.call("Squeeze", b, i8(3)), axis=2)
    run = ends_in_gru(g, f, 40, 5)
    v = x[0]
    joined = np.concatenate([np.pad(v, ((0, 0), (1, 2), (0, 0)), mode="reflect"), v[:, ::-1], v[:, ::2]], 1).reshape(5, -1)
    save("moves", g, x, run(np.concatenate([joined, v[:, 1:5, 0]], 1)))


def regroup():
    """6 x 4 numbers of each step become 8 x 3: the axes share no factors"""
    g, x, w = Graph(), random(1, 5, 6, 4, scale=1), random(8, 3, 2)
    g.input("x", [1, 5, 6, 4])
    a = g.call("Reshape", "x", g.constant([1, 5, 8, 3], "i8"))
    b = g.call("Einsum", a, g.constant(w), equation="btgi,gih->btgh")
    run = ends_in_gru(g, g.call("Reshape", b, g.constant([1, 5, 16], "i8")), 16, 5)
    save("regroup", g, x, run(np.einsum("tgi,gih->tgh", x[0].reshape(5, 8, 3).astype("f8"), w)))


def written():
    """LayerNorm, silu, mish, hard_swish and gelu in small steps"""
    g, x = Graph(), random(1, 5, 6, scale=2)
    g.input("x", [1, 5, 6])
    f4 = lambda v: g.constant(v, "f4")
    d = g.call("Sub", "x", g.call("ReduceMean", "x", axes=[2], keepdims=1))
    v = g.call("Add", g.call("ReduceMean", g.call("Mul", d, d), axes=[2], keepdims=1), f4(1e-3))
    n = g.call("Div", d, g.call("Sqrt", v))
    a = g.call("Mul", n, g.call("Sigmoid", n))
    b = g.call("Mul", n, g.call("Tanh", g.call("Softplus", n)))
    c = g.call("Div", g.call("Mul", n, g.call("Clip", g.call("Add", n, f4(3)), f4(0), f4(6))), f4(6))
    e = g.call("Mul", g.call("Mul", n, g.call("Add", g.call("Erf", g.call("Div", n, f4(2 ** 0.5))), f4(1))), f4(0.5))
    run = ends_in_gru(g, g.call("Concat", a, b, c, e, axis=2), 24, 5)
    from math import erf
    d = x[0] - x[0].astype("f8").mean(1, keepdims=True)
    n = d / np.sqrt((d * d).mean(1, keepdims=True) + np.float32(1e-3))
    parts = [n * sigmoid(n), n * np.tanh(np.log1p(np.exp(n))), n * np.clip(n + 3, 0, 6) / 6, n * (1 + np.vectorize(erf)(n / 2 ** 0.5)) / 2]
    save("written", g, x, run(np.concatenate(parts, 1)))


def pooled():
    """pools over two axes with windows that end behind the last element; weights over time times values"""
    g, x, gru, w = Graph(), random(1, 2, 6, 7, scale=1), Gru(2 * 4, 3), random(3, 1)
    g.input("x", [1, 2, 6, 7])
    p = g.call("MaxPool", "x", kernel_shape=[1, 2], strides=[1, 2], ceil_mode=1)
    s = g.call("Reshape", g.call("Transpose", p, perm=[2, 0, 1, 3]), g.constant([6, 1, 8], "i8"))
    h = g.call("Transpose", g.call("Squeeze", gru.call(g, s), g.constant([1], "i8")), perm=[1, 0, 2])
    a = g.call("Softmax", g.call("MatMul", h, g.constant(w)), axis=1)
    g.call("MatMul", g.call("Transpose", a, perm=[0, 2, 1]), h, out="y"), g.output("y")
    m = np.stack([x[0, :, :, i:i + 2].max(2) for i in (0, 2, 4, 6)], 2).transpose(1, 0, 2).reshape(6, 1, 8)
    h = gru.run(m)[:, 0, 0]
    e = np.exp(h @ w)
    save("pooled", g, x, ((e / e.sum()).T @ h)[None])


def strided():
    """all elements of an axis in order, by a table of places with more axes, as PyTorch writes `as_strided`"""
    g, x, gru, w = Graph(), random(1, 5, 3, scale=1), Gru(3, 4), random(4, 2)
    g.input("x", [1, 5, 3])
    h = g.call("Squeeze", gru.call(g, g.call("Transpose", "x", perm=[1, 0, 2])), g.constant([1], "i8"))
    last = g.call("Reshape", g.call("ReduceMean", h, axes=[0], keepdims=1), g.constant([-1], "i8"))
    apart = g.call("Gather", last, g.constant(np.arange(4, dtype="i8").reshape(1, 4, 1)), axis=0)
    g.call("MatMul", g.call("Squeeze", apart, g.constant([2], "i8")), g.constant(w), out="y"), g.output("y")
    save("strided", g, x, gru.run(x.transpose(1, 0, 2))[:, 0, 0].mean(0)[None] @ w)


def between_calls():
    """21 steps of which a stride of 2 makes 10: a stream gives the last of them after 22"""
    g, w, x, gru, dense = Graph(), random(4, 3, 3), random(1, 21, 3, scale=1), Gru(4, 5), random(5, 2)
    g.input("x", [1, 21, 3])
    c = g.call("Conv", g.call("Transpose", "x", perm=[0, 2, 1]), g.constant(w), kernel_shape=[3], strides=[2])
    h = g.call("Squeeze", gru.call(g, g.call("Transpose", c, perm=[2, 0, 1])), g.constant([1], "i8"))
    last = g.call("Gather", h, g.constant(np.array(-1, "i8")), axis=0)
    g.call("MatMul", last, g.constant(dense), out="y"), g.output("y")
    steps = conv(x[0].T[:, :, None], w[:, :, :, None], (2, 1), (0, 0, 0, 0))[:, :, 0].T.reshape(10, 1, 4)
    save("between_calls", g, x, gru.run(steps)[-1, 0] @ dense)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for make in spectrum, bands, gate, moves, regroup, written, pooled, strided, between_calls: make()
