# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/attended/: small ONNX files that write attention out in each of the ways that exporters do, and what they compute,
worked out here in NumPy.

    python make_attended.py            (numpy)

The messages are written by ../graph/make_onnx.py, byte by byte. Every file has one sample."""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "graph"))
from make_onnx import Graph, finish

FOLDER = os.path.join(HERE, "fixtures", "attended")
rng = np.random.default_rng(23)


def random(*shape, scale=0.7): return rng.uniform(-scale, scale, shape).astype("f4")


def softmax(s):
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attention(q, k, v, factor, mask=0): return softmax(factor * (q @ np.swapaxes(k, -1, -2)) + mask) @ v


def save(name, g, x, y): finish(g, FOLDER, name, x if isinstance(x, dict) else {"x": x}, {"y": y}, opset=17)


class Projection:
    """x W + b, in heads [.., heads, t, d] where there are several"""
    def __init__(self, g, n, width, heads=1, bias=True):
        self.g, self.heads, self.w = g, heads, random(n, width)
        self.b = random(width) if bias else None

    def call(self, x, steps):
        g, width = self.g, self.w.shape[1]
        y = g.call("MatMul", x, g.constant(self.w))
        if self.heads == 1: return g.call("Add", y, g.constant(self.b)) if self.b is not None else y
        y = g.call("Reshape", y, g.constant([-1, steps, self.heads, width // self.heads], "i8"))
        if self.b is not None: y = g.call("Add", y, g.constant(self.b.reshape(self.heads, -1)))
        return y

    def run(self, x):
        y = x.astype("f8") @ self.w.astype("f8") + (0 if self.b is None else self.b.astype("f8"))
        return y if self.heads == 1 else np.swapaxes(y.reshape(*y.shape[:-1], self.heads, -1), -2, -3)


def single():
    """one head; the scores are divided; the result is turned round"""
    g, x = Graph(), random(1, 7, 4, scale=1)
    g.input("x", [1, 7, 4])
    q, k, v = Projection(g, 4, 6), Projection(g, 4, 6), Projection(g, 4, 5, bias=False)
    s = g.call("MatMul", q.call("x", 7), g.call("Transpose", k.call("x", 7), perm=[0, 2, 1]))
    p = g.call("Softmax", g.call("Div", s, g.constant(np.array(6 ** 0.5, "f4"))), axis=-1)
    o = g.call("MatMul", g.call("Transpose", v.call("x", 7), perm=[0, 2, 1]), g.call("Transpose", p, perm=[0, 2, 1]))
    g.call("Transpose", o, out="y", perm=[0, 2, 1]), g.output("y")
    save("single", g, x, attention(q.run(x), k.run(x), v.run(x), 6 ** -0.5))


def heads():
    """as TensorFlow writes it: keys times queries, the softmax over rows, the queries scaled, a norm with its scale taken apart"""
    g, x, H, T = Graph(), random(1, 7, 6, scale=1), 3, 7
    g.input("x", [1, T, 6])
    q, k, v, o = Projection(g, 6, 12, H), Projection(g, 6, 12, H), Projection(g, 6, 12, H), Projection(g, 12, 6)
    scaled = g.call("Mul", q.call("x", T), g.constant(np.array(0.5, "f4")))
    s = g.call("MatMul", g.call("Transpose", k.call("x", T), perm=[0, 2, 1, 3]), g.call("Transpose", scaled, perm=[0, 2, 3, 1]))
    p = g.call("Transpose", g.call("Softmax", s, axis=2), perm=[0, 1, 3, 2])
    a = g.call("MatMul", p, g.call("Transpose", v.call("x", T), perm=[0, 2, 1, 3]))
    a = g.call("Reshape", g.call("Transpose", a, perm=[0, 2, 1, 3]), g.constant([-1, T, 12], "i8"))
    r = g.call("Add", "x", o.call(a, T))
    gamma, beta = random(1, 1, 6), random(1, 1, 6)
    mean = g.call("GlobalAveragePool", r)
    d = g.call("Sub", r, mean)
    variance = g.call("Add", g.call("GlobalAveragePool", g.call("Mul", d, d)), g.constant(np.array(1e-3, "f4")))
    m = g.call("Mul", g.call("Reciprocal", g.call("Sqrt", variance)), g.constant(gamma))
    g.call("Add", g.call("Mul", r, m), g.call("Add", g.call("Mul", g.call("Neg", mean), m), g.constant(beta)), out="y"), g.output("y")
    z = attention(q.run(x), k.run(x), v.run(x), 0.5).transpose(0, 2, 1, 3).reshape(1, T, 12)
    z = x + o.run(z)
    z = (z - z.mean(-1, keepdims=True)) / np.sqrt(z.var(-1, keepdims=True) + np.float32(1e-3))
    save("heads", g, x, z * gamma + beta)


def causal():
    """a step sees none of those after it; queries and keys share the scale, as torch.onnx writes it"""
    g, x, H, T = Graph(), random(1, 6, 5, scale=1), 2, 6
    g.input("x", [1, T, 5])
    q, k, v = Projection(g, 5, 8, H), Projection(g, 5, 8, H, bias=False), Projection(g, 5, 8, H)
    half = g.constant(np.array(4 ** -0.25, "f4"))
    mask = np.triu(np.full((T, T), -np.inf, "f4"), 1)
    turned = lambda y, perm: g.call("Mul", g.call("Transpose", y, perm=perm), half)
    s = g.call("MatMul", turned(q.call("x", T), [0, 2, 1, 3]), turned(k.call("x", T), [0, 2, 3, 1]))
    a = g.call("MatMul", g.call("Softmax", g.call("Add", s, g.constant(mask)), axis=3), g.call("Transpose", v.call("x", T), perm=[0, 2, 1, 3]))
    g.call("Reshape", g.call("Transpose", a, perm=[0, 2, 1, 3]), g.constant([-1, T, 8], "i8"), out="y"), g.output("y")
    save("causal", g, x, attention(q.run(x), k.run(x), v.run(x), 0.5, mask).transpose(0, 2, 1, 3).reshape(1, T, 8))


def query():
    """one learned step asks: the last step of a sequence attends to all of it"""
    g, x = Graph(), random(1, 9, 4, scale=1)
    g.input("x", [1, 9, 4])
    i8 = lambda *v: g.constant(np.array(v, "i8"))
    last = g.call("Slice", "x", i8(8), i8(9), i8(1))
    q, k, v = Projection(g, 4, 6), Projection(g, 4, 6), Projection(g, 4, 3)
    s = g.call("MatMul", q.call(last, 1), g.call("Transpose", k.call("x", 9), perm=[0, 2, 1]))
    p = g.call("Softmax", g.call("Mul", s, g.constant(np.array(0.4, "f4"))), axis=2)
    g.call("Squeeze", g.call("MatMul", p, v.call("x", 9)), i8(1), out="y"), g.output("y")
    save("query", g, x, attention(q.run(x[:, -1:]), k.run(x), v.run(x), 0.4)[:, 0])


def bands():
    """along the bands of each step, then a GRU over time"""
    from make_axes import ends_in_gru
    g, x = Graph(), random(1, 5, 6, 3, scale=1)
    g.input("x", [1, 5, 6, 3])
    q, k, v = Projection(g, 3, 4), Projection(g, 3, 4), Projection(g, 3, 2)
    s = g.call("MatMul", q.call("x", 6), g.call("Transpose", k.call("x", 6), perm=[0, 1, 3, 2]))
    a = g.call("MatMul", g.call("Softmax", g.call("Mul", s, g.constant(np.array(0.5, "f4"))), axis=-1), v.call("x", 6))
    run = ends_in_gru(g, g.call("Reshape", a, g.constant([1, 5, 12], "i8")), 12, 5)
    save("bands", g, x, run(attention(q.run(x), k.run(x), v.run(x), 0.5).reshape(1, 5, 12)))


def sums():
    """scores that are sums of queries and keys, times a matrix of one column, with a bias that changes no weight"""
    g, x = Graph(), random(1, 7, 4, scale=1)
    g.input("x", [1, 7, 4])
    q, k, v, w, b = Projection(g, 4, 6), Projection(g, 4, 6, bias=False), Projection(g, 4, 5), random(6, 1), random(1)
    pair = g.call("Add", g.call("Unsqueeze", q.call("x", 7), g.constant([2], "i8")), g.call("Unsqueeze", k.call("x", 7), g.constant([1], "i8")))
    s = g.call("Add", g.call("MatMul", g.call("Tanh", pair), g.constant(w)), g.constant(b))
    p = g.call("Softmax", g.call("Squeeze", s, g.constant([3], "i8")), axis=-1)
    g.call("MatMul", p, v.call("x", 7), out="y"), g.output("y")
    save("sums", g, x, softmax(np.tanh(q.run(x)[:, :, None] + k.run(x)[:, None]) @ w[:, 0].astype("f8")) @ v.run(x))


def merged():
    """samples and heads merged into one axis for each product and apart for the softmax, with an axis of one between"""
    g, x, H, T = Graph(), random(1, 6, 5, scale=1), 2, 6
    g.input("x", [1, T, 5])
    q, k, v = Projection(g, 5, 8, H), Projection(g, 5, 8, H), Projection(g, 5, 6, H)
    i8 = lambda *v: g.constant(np.array(v, "i8"))
    flat = lambda y, d, perm: g.call("Reshape", g.call("Transpose", y, perm=perm), i8(H, -1, d))
    s = g.call("MatMul", flat(q.call("x", T), 4, [0, 2, 1, 3]), g.call("Transpose", flat(k.call("x", T), 4, [0, 2, 1, 3]), perm=[0, 2, 1]))
    s = g.call("Squeeze", g.call("Reshape", s, i8(1, H, T, T, 1)), i8(4))
    p = g.call("Unsqueeze", g.call("Softmax", g.call("Mul", s, g.constant(np.array(0.5, "f4"))), axis=-1), i8(4))
    a = g.call("MatMul", g.call("Reshape", p, i8(H, T, T)), flat(v.call("x", T), 3, [0, 2, 1, 3]))
    a = g.call("Transpose", g.call("Reshape", a, i8(1, H, T, 3)), perm=[0, 2, 1, 3])
    g.call("Reshape", a, i8(-1, T, 6), out="y"), g.output("y")
    save("merged", g, x, attention(q.run(x), k.run(x), v.run(x), 0.5).transpose(0, 2, 1, 3).reshape(1, T, 6))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for make in single, heads, causal, query, bands, sums, merged: make()
