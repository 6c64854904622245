# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/beside/: constants of several numbers beside values, several sequences in one file, and other things
that people's networks do and no stage does by itself; and what they compute, worked out here in NumPy.

    python make_beside.py            (numpy)

The messages are written by ../graph/make_onnx.py."""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "graph"))
from make_onnx import Graph, finish

FOLDER, LENGTHS = (os.path.join(HERE, "fixtures", name) for name in ("beside", "lengths"))
T, D, U = 5, 4, 3
rng = np.random.default_rng(9)


def random(*shape, scale=1.0): return rng.uniform(-scale, scale, shape).astype("f4")
def ints(g, *values): return g.constant(list(values), "i8")
def sigmoid(a): return 1 / (1 + np.exp(-a))
def softmax(a): return np.exp(a - a.max(-1, keepdims=True)) / np.exp(a - a.max(-1, keepdims=True)).sum(-1, keepdims=True)


def save(name, g, inputs, y):
    g.output("y")
    finish(g, FOLDER, name, inputs, {"y": y})


def started(*more):
    g, x = Graph(), random(1, T, D, scale=2)
    g.input("x", [1, T, D])
    return (g, x, *more)


def rnn(x, w, r, h):
    """x [1, T, d], w [u, d], r [u, u], h [1, u]: all states and the last"""
    out = []
    for t in range(x.shape[1]):
        h = np.tanh(x[:, t] @ w.T + h @ r.T)
        out.append(h)
    return np.stack(out, 1), h


def rnn_call(g, x, w, r, h=None):
    """batch first, as PyTorch's exporter writes it"""
    y, last = g.call("RNN", g.call("Transpose", x, perm=[1, 0, 2]), g.constant(w[None]), g.constant(r[None]), *(["", "", h] if h else []), n=2, hidden_size=len(r))
    return g.call("Transpose", g.call("Squeeze", y, ints(g, 1)), perm=[1, 0, 2]), last


def wheres():
    choose, row = np.array([True, False, True, False]), random(D)
    g, x = started()
    g.call("Where", g.constant(choose.astype("?")), "x", g.call("Tanh", "x"), out="y")
    save("where_by_constant", g, {"x": x}, np.where(choose, x, np.tanh(x)))
    g, x = started()
    table = rng.uniform(0, 1, (T, D)) < 0.5
    g.call("Where", g.constant(table.astype("?")), g.constant(row), "x", out="y")
    save("where_of_constant", g, {"x": x}, np.where(table, row, x))
    g, x = started()
    g.call("Where", g.call("Greater", "x", g.constant(row)), "x", g.constant(2 * row), out="y")
    save("where_above_row", g, {"x": x}, np.where(x > row, x, 2 * row))
    g, x = started()
    truth = g.call("Cast", g.call("Less", "x", g.constant(np.float32(0.25))), to=1)
    first = g.call("Gather", truth, ints(g, 0), axis=1)
    g.call("Mul", "x", g.call("Add", truth, first), out="y")
    save("truth_as_number", g, {"x": x}, x * ((x < 0.25) + (x[:, :1] < 0.25) * 1.0))


def joins():
    row, table = random(2), random(1, T, 2)
    g, x = started()
    g.call("Concat", g.constant(table), "x", g.constant(np.zeros((1, T, 1), "f4")), g.call("Tanh", "x"), out="y", axis=2)
    save("joined_constants", g, {"x": x}, np.concatenate([table, x, np.zeros((1, T, 1)), np.tanh(x)], 2))
    g, x = started()
    step = random(1, 1, D)
    w, r = random(U, D), random(U, U)
    y, _ = rnn_call(g, g.call("Concat", g.constant(step), "x", axis=1), w, r)
    g.call("Identity", y, out="y")
    save("joined_first_step", g, {"x": x}, rnn(np.concatenate([step, x], 1), w, r, np.zeros((1, U)))[0])


def larger():
    g, x = started()
    table = random(D, U)
    s = g.call("Sigmoid", g.call("Sub", g.call("Unsqueeze", "x", ints(g, 3)), g.constant(table)))
    g.call("ReduceSum", s, ints(g, 2), out="y", keepdims=0)
    save("larger_constant", g, {"x": x}, sigmoid(x[..., None] - table).sum(2))
    g, x = started()
    period = np.abs(random(D)) + np.float32(0.5)
    g.call("Mod", "x", g.constant(period), out="y", fmod=1)
    save("rest", g, {"x": x}, np.fmod(x, period))


def chosen_mask():
    """a causal mask that is chosen, as masked_fill writes it"""
    g, x = started()
    w = [random(D, D) for _ in range(3)]
    q, k, v = (g.call("MatMul", "x", g.constant(a)) for a in w)
    s = g.call("Mul", g.call("MatMul", q, g.call("Transpose", k, perm=[0, 2, 1])), g.constant(np.float32(0.5)))
    later = np.triu(np.ones((1, T, T)), 1) > 0
    p = g.call("Softmax", g.call("Where", g.constant(later.astype("?")), g.constant(np.float32(-1e9)), s), axis=-1)
    g.call("MatMul", p, v, out="y")
    a, b, c = (x.astype("f8") @ m for m in w)
    save("chosen_mask", g, {"x": x}, softmax(np.where(later, -1e9, a @ b.transpose(0, 2, 1) / 2)) @ c)


def sequences():
    """an encoder and a decoder, whose lengths the file fixes; words of sentences"""
    x, z = random(1, T, D), random(1, 3, 2)
    w, r, w2, r2 = random(U, D), random(U, U), random(U, 2), random(U, U)
    for name, folder, source, target in (("encoder_decoder", FOLDER, T, 3), ("two_lengths", LENGTHS, "source", "target")):
        g = Graph()
        g.input("x", [1, source, D])
        g.input("z", [1, target, 2])
        _, last = rnn_call(g, "x", w, r)
        y, _ = rnn_call(g, "z", w2, r2, last)
        g.call("Identity", y, out="y")
        g.output("y")
        finish(g, folder, name, {"x": x, "z": z}, {"y": rnn(z, w2, r2, rnn(x, w, r, np.zeros((1, U)))[1])[0]})
    g, x = Graph(), random(1, 3, T, D)
    g.input("x", [1, 3, T, D])
    w, r, w2, r2 = random(U, D), random(U, U), random(2, U), random(2, 2)
    _, words = rnn_call(g, g.call("Reshape", "x", ints(g, 3, T, D)), w, r)
    y, _ = rnn_call(g, g.call("Reshape", words, ints(g, 1, 3, U)), w2, r2)
    g.call("Identity", y, out="y")
    inner = np.stack([rnn(x[:, k], w, r, np.zeros((1, U)))[1] for k in range(3)], 1)
    save("words_of_sentences", g, {"x": x}, rnn(inner, w2, r2, np.zeros((1, 2)))[0])


def steps_as_channels():
    """an RNN runs along the axis whose positions a convolution reads as channels"""
    g, x = Graph(), random(1, 3, 8)
    g.input("x", [1, 3, 8])
    w, r, k = random(U, 8), random(U, U), random(U, 3, 3)
    _, last = rnn_call(g, "x", w, r)
    means = g.call("ReduceMean", g.call("Conv", "x", g.constant(k)), axes=[2], keepdims=0)
    g.call("Add", g.call("Squeeze", last, ints(g, 0)), means, out="y")
    conv = np.stack([np.tensordot(k, x[0, :, i:i + 3], 2) for i in range(6)], 1).mean(1)
    save("steps_as_channels", g, {"x": x}, rnn(x, w, r, np.zeros((1, U)))[1] + conv)


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for make in wheres, joins, larger, chosen_mask, sequences, steps_as_channels: make()
