# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/lengths/: ONNX files without sizes: one whose recurrent layer ends at a length that is an input, packed as torch.onnx writes
pack_padded_sequence: sorted by TopK, gathered, and put back, and one with axes that have no name;
and what they compute, worked out here in NumPy.

    python make_lengths.py            (numpy)

The messages are written by ../graph/make_onnx.py, byte by byte."""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "graph"))
from make_onnx import Graph, finish

FOLDER = os.path.join(HERE, "fixtures", "lengths")
rng = np.random.default_rng(31)


def random(*shape): return rng.uniform(-0.7, 0.7, shape).astype("f4")


def sigmoid(x): return 1 / (1 + np.exp(-x))


def packed(steps=6, length=4, n=3, u=4):
    g, w, r, b, table = Graph(), random(2, 3 * u, n), random(2, 3 * u, u), random(2, 6 * u), random(9, n)
    i8 = lambda *v: g.constant(np.array(v, "i8"))
    g.input("words", [1, "steps"], "int64"), g.input("lengths", [1], "int64")
    _, up = g.call("TopK", "lengths", i8(1), n=2, axis=-1, largest=0)
    values, _ = g.call("TopK", "lengths", i8(1), n=2, axis=-1, largest=0)
    sorted_ = g.call("Slice", values, i8(-1), i8(-9223372036854775807), i8(0), i8(-1))
    _, order = g.call("TopK", g.call("Mul", sorted_, g.constant(np.array(-1, "i8"))), i8(1), n=2, axis=-1, largest=0)
    _, back = g.call("TopK", order, i8(1), n=2, axis=-1, largest=0)
    rows = g.call("Transpose", g.call("Gather", g.constant(table), g.call("Gather", "words", order, axis=0)), perm=[1, 0, 2])
    y, h = g.call("GRU", rows, g.constant(w), g.constant(r), g.constant(b), g.call("Cast", sorted_, to=6), n=2, hidden_size=u, direction="bidirectional",
                  linear_before_reset=1)
    y = g.call("Transpose", g.call("Reshape", g.call("Transpose", y, perm=[0, 2, 1, 3]), i8(0, 0, -1)), perm=[1, 0, 2])
    g.call("Gather", y, back, out="y", axis=0), g.call("Identity", h, out="h")
    g.output("y"), g.output("h")
    words, made, last = rng.integers(0, 9, (1, steps)), np.zeros((1, steps, 2 * u)), np.zeros((2, 1, u))
    x = table[words[0]].astype("f8")
    for k in range(2):
        s, a, c = np.zeros(u), x @ w[k].T.astype("f8") + b[k, :3 * u], b[k, 3 * u:].astype("f8")
        for t in range(length) if k == 0 else reversed(range(length)):
            q = s @ r[k].T.astype("f8") + c
            z, v = sigmoid(a[t, :u] + q[:u]), sigmoid(a[t, u:2 * u] + q[u:2 * u])
            s = (1 - z) * np.tanh(a[t, 2 * u:] + v * q[2 * u:]) + z * s
            made[0, t, k * u:k * u + u] = s
        last[k, 0] = s
    finish(g, FOLDER, "packed", {"words": words.astype("i8"), "lengths": np.array([length], "i8")}, {"y": made, "h": last}, opset=13)


def unnamed(samples=40, u=3):
    """axes without names and sizes; a call is a frame of samples, a GRU keeps its state, and a scalar scales the output"""
    g, k, w, r, b, o = Graph(), random(4, 1, 16), random(1, 3 * u, 4), random(1, 3 * u, u), random(1, 6 * u), random(u, 2)
    i8 = lambda *v: g.constant(np.array(v, "i8"))
    g.input("x", ["", ""]), g.input("state", [1, "", u]), g.input("rate", [], "int64")
    frames = g.call("Relu", g.call("Conv", g.call("Unsqueeze", "x", i8(1)), g.constant(k), kernel_shape=[16], strides=[8]))
    mean = g.call("Unsqueeze", g.call("ReduceMean", frames, axes=[2], keepdims=0), i8(0))
    _, h = g.call("GRU", mean, g.constant(w), g.constant(r), g.constant(b), "", "state", n=2, hidden_size=u)
    y = g.call("MatMul", g.call("Squeeze", h, i8(0)), g.constant(o))
    g.call("Mul", y, g.call("Cast", "rate", to=1), out="y"), g.call("Identity", h, out="next")
    g.output("y"), g.output("next")
    x = random(1, samples)
    c = np.maximum([[x[0, 8 * t:8 * t + 16].astype("f8") @ f[0] for t in range((samples - 16) // 8 + 1)] for f in k], 0).mean(1)
    a, q = w[0].astype("f8") @ c + b[0, :3 * u], b[0, 3 * u:].astype("f8")
    z, s = sigmoid(a[:u] + q[:u]), np.tanh(a[2 * u:] + q[2 * u:])
    s = (1 - z) * s
    finish(g, FOLDER, "unnamed", {"x": x, "state": np.zeros((1, 1, u), "f4"), "rate": np.array(2, "i8")}, {"y": 2 * (s @ o)[None], "next": s[None, None]}, opset=17)


def written_out(steps=5, n=2, u=3):
    """steps of an RNN written out for one length, which the input leaves open in name: as PyTorch's newer exporter does"""
    g, w, r, b = Graph(), random(n, u), random(u, u), random(u)
    g.input("x", [1, "s81", n])
    x, h = random(1, steps, n), np.zeros(u)
    state = None
    for t in range(steps):
        a = g.call("Add", g.call("MatMul", g.call("Gather", "x", g.constant(np.array(t, "i8")), axis=1), g.constant(w)), g.constant(b))
        a = g.call("Add", a, g.call("MatMul", state, g.constant(r))) if state else a
        state = g.call("Tanh", a, out="y" if t == steps - 1 else None)
        h = np.tanh(x[0, t].astype("f8") @ w + b + h @ r)
    g.output("y")
    finish(g, FOLDER, "written_out", {"x": x}, {"y": h[None]}, opset=17)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    packed()
    unnamed()
    written_out()
