# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/across/: steps that are written out one after another, each with an operator that has a form of its
own for all steps at once; and what they compute, worked out here in NumPy.

    python make_across.py            (numpy)

cell_KIND.onnx    h = (h + f(tanh(x W + h R))) / 2, a cell that is none of the known
map_KIND.onnx     f(x W) of each step, joined
Those of REFUSED have no stage: fixtures/refused/across_KIND_E902.onnx, whose steps become one before it is seen. The others are cells whose states have other shapes, and sequences whose
phases are samples. The messages are written by ../graph/make_onnx.py."""
import os, sys
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "graph"))
from make_onnx import Graph, finish

FOLDER, REFUSED_FOLDER = (os.path.join(HERE, "fixtures", name) for name in ("across", "refused"))
REFUSED = "several", "matrices"
STEPS, WIDTH, UNITS = 5, 3, 4
rng = np.random.default_rng(5)


def random(*shape, scale=0.7): return rng.uniform(-scale, scale, shape).astype("f4")
def ints(g, *values): return g.constant(list(values), "i8")
def softmax(s): return np.exp(s) / np.exp(s).sum()
def square(g, s): return g.call("Reshape", s, ints(g, 1, 2, 2))
def row(g, s): return g.call("Reshape", s, ints(g, 1, UNITS))


TABLE, MANY = random(UNITS, UNITS), random(2, UNITS, UNITS)
SCALE, SHIFT, MEAN, VARIANCE = random(UNITS), random(UNITS), random(UNITS), random(UNITS) ** 2 + np.float32(0.5)


def layer_norm(s, scale=1, shift=0):
    d = s - s.mean()
    return d / np.sqrt((d * d).mean() + np.float32(1e-5)) * scale + shift


def own_constants(g, *arrays): return [g.constant(a) for a in arrays]


def halves(g, s):
    sums = g.call("ReduceSum", square(g, s), ints(g, 2), keepdims=0)
    return g.call("Concat", sums, g.call("ReduceMax", square(g, s), axes=[1], keepdims=0), axis=1)


def swapped(g, s):
    a, b = g.call("Split", s, axis=1, n=2)
    return g.call("Concat", b, a, axis=1)


def cut(g, s):
    a = g.call("Slice", s, ints(g, 0, 1), ints(g, 1, 3))
    return g.call("Concat", a, g.call("Slice", s, ints(g, -4), ints(g, 4), ints(g, -1), ints(g, 2)), axis=1)


def several_matrices(g, s):
    by_row = g.call("ReduceSum", g.call("MatMul", s, g.constant(MANY)), ints(g, 0), keepdims=0)
    by_column = g.call("MatMul", g.constant(MANY), g.call("Reshape", s, ints(g, UNITS, 1)))
    return g.call("Add", by_row, row(g, g.call("ReduceMean", by_column, axes=[0], keepdims=0)))


def vector(g, s):
    v = g.call("Squeeze", s, ints(g, 0))
    v = g.call("MatMul", g.constant(TABLE), g.call("Tanh", g.call("MatMul", v, g.constant(TABLE))))
    return g.call("Unsqueeze", v, ints(g, 0))


# What a step computes of [1, UNITS], and the same of [UNITS] in NumPy.
KINDS = {
    "transpose": (lambda g, s: row(g, g.call("Transpose", square(g, s), perm=[0, 2, 1])),
                  lambda s: s.reshape(2, 2).T.ravel()),
    "transpose_all": (lambda g, s: row(g, g.call("Transpose", g.call("Reshape", s, ints(g, 2, 2)))),
                      lambda s: s.reshape(2, 2).T.ravel()),
    "gather": (lambda g, s: g.call("Gather", s, ints(g, 2, 0, -1, 1), axis=-1), lambda s: s[[2, 0, 3, 1]]),
    "mean": (lambda g, s: g.call("Sub", s, g.call("ReduceMean", s, axes=[-1], keepdims=1)), lambda s: s - s.mean()),
    "largest": (lambda g, s: g.call("Mul", s, g.call("ReduceMax", s, keepdims=0)), lambda s: s * s.max()),
    "norm": (lambda g, s: g.call("Add", s, g.call("ReduceL2", s, axes=[0, 1], keepdims=0)),
             lambda s: s + np.sqrt((s * s).sum())),
    "halves": (halves, lambda s: np.concatenate([s.reshape(2, 2).sum(1), s.reshape(2, 2).max(0)])),
    "split": (swapped, lambda s: np.concatenate([s[2:], s[:2]])),
    "softmax": (lambda g, s: g.call("Softmax", s, axis=-1), softmax),
    "log_softmax": (lambda g, s: g.call("LogSoftmax", s, axis=1), lambda s: np.log(softmax(s))),
    "lp": (lambda g, s: g.call("LpNormalization", s, axis=1, p=2), lambda s: s / np.sqrt((s * s).sum())),
    "cumsum": (lambda g, s: g.call("CumSum", s, ints(g, 1)), np.cumsum),
    "layer_norm": (lambda g, s: g.call("LayerNormalization", s, *own_constants(g, SCALE, SHIFT), axis=-1),
                   lambda s: layer_norm(s, SCALE, SHIFT)),
    "batch_norm": (lambda g, s: g.call("BatchNormalization", s, *own_constants(g, SCALE, SHIFT, MEAN, VARIANCE)),
                   lambda s: (s - MEAN) / np.sqrt(VARIANCE + np.float32(1e-5)) * SCALE + SHIFT),
    "reverse": (lambda g, s: g.call("Slice", s, ints(g, -1), ints(g, -100), ints(g, 1), ints(g, -1)), lambda s: s[::-1]),
    "cut": (cut, lambda s: np.concatenate([s[1:3], s[::2]])),
    "flatten": (lambda g, s: g.call("Flatten", square(g, g.call("Tanh", s)), axis=1), np.tanh),
    "squeeze": (lambda g, s: g.call("Unsqueeze", g.call("Exp", g.call("Squeeze", s, ints(g, 0))), ints(g, 0)), np.exp),
    "expand": (lambda g, s: g.call("Sub", s, g.call("Expand", g.call("ReduceMin", s, axes=[1], keepdims=0), ints(g, 1, UNITS))),
               lambda s: s - s.min()),
    "where": (lambda g, s: g.call("Where", g.call("Greater", s, g.constant(0, "f4")), s, g.call("Mul", s, g.constant(0.1, "f4"))),
              lambda s: np.where(s > 0, s, s * np.float32(0.1))),
    "several": (several_matrices, lambda s: (s @ MANY).sum(0) + (MANY @ s).mean(0)),
    "vector": (vector, lambda s: TABLE @ np.tanh(s @ TABLE)),
}


KERNEL = np.random.default_rng(6).uniform(-0.7, 0.7, (2, 2, 1)).astype("f4")


def convolution(g, s):
    y = g.call("Conv", square(g, s), g.constant(KERNEL))
    return row(g, y)


def pooled(g, s):
    best = g.call("MaxPool", square(g, s), kernel_shape=[2], pads=[0, 1], strides=[1])
    return row(g, best)


def instance_norm(g, s):
    y = g.call("InstanceNormalization", square(g, s), g.constant(SCALE[:2]), g.constant(SHIFT[:2]), epsilon=1e-5)
    return row(g, y)


def pooled_rows(s):
    a = s.reshape(2, 2)
    return np.stack([a.max(1), a[:, 1]], 1).ravel()


# Of a step with axes of samples, channels and places.
KINDS_OF_SAMPLES = {
    "conv": (convolution, lambda s: (KERNEL[:, :, 0] @ s.reshape(2, 2)).ravel()),
    "pool": (pooled, pooled_rows),
    "instance_norm": (instance_norm, lambda s: np.concatenate(
        [layer_norm(row, SCALE[k], SHIFT[k]) for k, row in enumerate(s.reshape(2, 2))])),
}


def save(name, g, x, y, **more):
    g.output("y")
    if name.removeprefix("cell_") not in REFUSED: return finish(g, FOLDER, name, {"x": x, **more}, {"y": y})
    refused = f"across_{name.removeprefix('cell_')}_E902"
    finish(g, REFUSED_FOLDER, refused, {}, {})
    os.remove(f"{REFUSED_FOLDER}/{refused}.npz")


def joined(g, rows, axis=1): return g.call("Concat", *[g.call("Unsqueeze", r, ints(g, axis)) for r in rows], out="y", axis=axis)


def cell(kind, f, model):
    g, x, w, r = Graph(), random(1, STEPS, WIDTH, scale=1), random(WIDTH, UNITS), random(UNITS, UNITS)
    g.input("x", [1, STEPS, WIDTH])
    h, rows, v, numbers = g.constant(np.zeros((1, UNITS), "f4")), [], np.zeros(UNITS), []
    wide, round_trip, half = g.constant(w), g.constant(r), g.constant(0.5, "f4")
    for t in range(STEPS):
        step = g.call("Gather", "x", g.constant(t, "i8"), axis=1)
        s = g.call("Tanh", g.call("Add", g.call("MatMul", step, wide), g.call("MatMul", h, round_trip)))
        h = g.call("Mul", g.call("Add", h, f(g, s)), half)
        v = (v + model(np.tanh(x[0, t].astype("f8") @ w + v @ r))) / 2
        rows.append(h), numbers.append(v)
    joined(g, rows)
    save("cell_" + kind, g, x, np.array(numbers)[None])


def mapped(kind, f, model):
    g, x, w = Graph(), random(1, STEPS, WIDTH, scale=1), random(WIDTH, UNITS)
    g.input("x", [1, STEPS, WIDTH])
    wide = g.constant(w)
    rows = [f(g, g.call("MatMul", g.call("Gather", "x", g.constant(t, "i8"), axis=1), wide)) for t in range(STEPS)]
    joined(g, rows)
    save("map_" + kind, g, x, np.array([model(v) for v in x[0].astype("f8") @ w])[None])


def vectors():
    """a state without a batch: matrices times vectors"""
    g, x, w, r = Graph(), random(STEPS, WIDTH, scale=1), random(UNITS, WIDTH), random(UNITS, UNITS)
    g.input("x", [STEPS, WIDTH])
    h, rows, v, numbers = g.constant(np.zeros(UNITS, "f4")), [], np.zeros(UNITS), []
    wide, round_trip, half = g.constant(w), g.constant(r), g.constant(0.5, "f4")
    for t in range(STEPS):
        s = g.call("Add", g.call("MatMul", wide, g.call("Gather", "x", g.constant(t, "i8"), axis=0)), g.call("MatMul", round_trip, h))
        h = g.call("Mul", g.call("Sub", g.call("Sin", s), h), half)
        v = (np.sin(w @ x[t].astype("f8") + r @ v) - v) / 2
        rows.append(h), numbers.append(v)
    joined(g, rows, axis=0)
    save("vectors", g, x, np.array(numbers))


def matrices():
    """a state of two axes, times itself turned over"""
    g, x, w = Graph(), random(1, STEPS, WIDTH, scale=1), random(WIDTH, 4)
    g.input("x", [1, STEPS, WIDTH])
    h, rows, v, numbers = g.constant(np.zeros((1, 2, 2), "f4")), [], np.zeros((2, 2)), []
    wide, half = g.constant(w), g.constant(0.5, "f4")
    for t in range(STEPS):
        s = square(g, g.call("MatMul", g.call("Gather", "x", g.constant(t, "i8"), axis=1), wide))
        p = g.call("MatMul", h, g.call("Transpose", s, perm=[0, 2, 1]))
        h = g.call("Mul", g.call("Add", h, g.call("Tanh", g.call("Add", p, s))), half)
        a = (x[0, t].astype("f8") @ w).reshape(2, 2)
        v = (v + np.tanh(v @ a.T + a)) / 2
        rows.append(row(g, h)), numbers.append(v.ravel())
    joined(g, rows)
    save("matrices", g, x, np.array(numbers)[None])


def places():
    """rows of a table by the numbers of each step"""
    g, x, table, r = Graph(), rng.integers(0, 7, (1, STEPS)).astype("i8"), random(7, UNITS), random(UNITS, UNITS)
    g.input("x", [1, STEPS], "int64")
    h, rows, v, numbers = g.constant(np.zeros((1, UNITS), "f4")), [], np.zeros(UNITS), []
    book, round_trip = g.constant(table), g.constant(r)
    for t in range(STEPS):
        e = g.call("Gather", book, g.call("Gather", "x", g.constant(t, "i8"), axis=1), axis=0)
        h = g.call("Sin", g.call("Add", e, g.call("MatMul", h, round_trip)))
        v = np.sin(table[x[0, t]].astype("f8") + v @ r)
        rows.append(h), numbers.append(v)
    joined(g, rows)
    save("places", g, x, np.array(numbers)[None])


def beside():
    """each step joins its row with an input that has no time"""
    g, x, z, w, r = Graph(), random(1, STEPS, WIDTH, scale=1), random(1, 2, scale=1), random(WIDTH + 2, UNITS), random(UNITS, UNITS)
    g.input("x", [1, STEPS, WIDTH]), g.input("z", [1, 2])
    h, rows, v, numbers = g.constant(np.zeros((1, UNITS), "f4")), [], np.zeros(UNITS), []
    wide, round_trip = g.constant(w), g.constant(r)
    for t in range(STEPS):
        both = g.call("Concat", g.call("Gather", "x", g.constant(t, "i8"), axis=1), "z", axis=1)
        h = g.call("Sin", g.call("Add", g.call("MatMul", both, wide), g.call("MatMul", h, round_trip)))
        v = np.sin(np.concatenate([x[0, t], z[0]]).astype("f8") @ w + v @ r)
        rows.append(h), numbers.append(v)
    joined(g, rows)
    save("beside", g, x, np.array(numbers)[None], z=z)


def rows_alone():
    """rows that are only brought into another shape"""
    g, x, w = Graph(), random(1, STEPS, 2, 2, scale=1), random(UNITS, 2)
    g.input("x", [1, STEPS, 2, 2])
    rows = [row(g, g.call("Gather", "x", g.constant(t, "i8"), axis=1)) for t in range(STEPS)]
    y = g.call("Concat", *[g.call("Unsqueeze", r, ints(g, 1)) for r in rows], axis=1)
    g.call("Tanh", g.call("MatMul", y, g.constant(w)), out="y")
    save("rows_alone", g, x, np.tanh(x.astype("f8").reshape(1, STEPS, 4) @ w))


def counted():
    """places in a table, counted from the front by products where they are negative, as exporters of TensorFlow write it"""
    g, x, table = Graph(), rng.integers(0, 7, (1, STEPS)).astype("f4"), random(7, UNITS)
    g.input("x", [1, STEPS])
    place = g.call("Cast", "x", to=6)
    below = g.call("Less", g.call("Cast", place, to=1), g.constant(0, "f4"))
    wrapped = g.call("Mul", g.call("Cast", below, to=6), g.call("Add", place, g.constant(7, "i4")))
    kept = g.call("Mul", place, g.call("Cast", g.call("Not", below), to=6))
    e = g.call("Gather", g.constant(table), g.call("Add", wrapped, kept), axis=0)
    g.call("Tanh", e, out="y")
    save("counted", g, x, np.tanh(table[x.astype(int)].astype("f8")))


def conv_along(x, w, dilation):
    """x [steps, inputs], w [units, inputs, taps]: as many steps as fit"""
    steps = len(x) - (w.shape[2] - 1) * dilation
    return sum(x[k * dilation:k * dilation + steps] @ w[:, :, k].T for k in range(w.shape[2]))


def phases():
    """two convolutions of the same two phases of a sequence, as TensorFlow Lite writes dilated ones"""
    g, x, w = Graph(), random(1, 12, WIDTH, scale=1), [random(UNITS, WIDTH, 2) for _ in range(2)]
    g.input("x", [1, 12, WIDTH])
    padded = g.call("Pad", "x", ints(g, 0, 2, 0, 0, 0, 0))
    s = g.call("Transpose", g.call("Reshape", padded, ints(g, 1, 7, 2, WIDTH)), perm=[2, 0, 1, 3])
    s = g.call("Transpose", g.call("Reshape", s, ints(g, 2, 1, 7, WIDTH)), perm=[0, 3, 1, 2])
    both = []
    for kernel in w:
        y = g.call("Transpose", g.call("Conv", s, g.constant(kernel[:, :, None])), perm=[0, 2, 3, 1])
        y = g.call("Transpose", g.call("Reshape", y, ints(g, 2, 1, 6, UNITS)), perm=[1, 2, 0, 3])
        both.append(g.call("Reshape", y, ints(g, 1, 12, UNITS)))
    g.call("Mul", g.call("Tanh", both[0]), g.call("Sigmoid", both[1]), out="y")
    a = np.concatenate([np.zeros((2, WIDTH)), x[0]])
    save("phases", g, x, (np.tanh(conv_along(a, w[0], 2)) / (1 + np.exp(-conv_along(a, w[1], 2))))[None])


def phases_of_three():
    """channels stand first, and a function stands between the convolution and the phases put together"""
    g, x, w = Graph(), random(1, WIDTH, 12, scale=1), random(UNITS, WIDTH, 2)
    g.input("x", [1, WIDTH, 12])
    s = g.call("Transpose", g.call("Reshape", "x", ints(g, WIDTH, 4, 3)), perm=[2, 0, 1])
    y = g.call("Relu", g.call("Conv", s, g.constant(w)))
    y = g.call("Reshape", g.call("Transpose", y, perm=[1, 2, 0]), ints(g, 1, UNITS, 9))
    g.call("Tanh", g.call("Transpose", y, perm=[0, 2, 1]), out="y")
    save("phases_of_three", g, x, np.tanh(np.maximum(conv_along(x[0].T, w, 3), 0))[None])


def pieces():
    """the elements of a sequence of tensors stand along an axis that is not the first"""
    g, x = Graph(), np.arange(STEPS * WIDTH, dtype="f4").reshape(1, STEPS, WIDTH)
    g.input("x", [1, STEPS, WIDTH])
    g.call("ConcatFromSequence", g.call("SplitToSequence", "x", axis=2), out="y", axis=1)
    save("pieces", g, x, x.transpose(0, 2, 1).reshape(1, STEPS * WIDTH, 1))


def turned():
    """halves that change places are no rows that a stream keeps, although the last rows come first"""
    g, x = Graph(), np.arange(STEPS * 4, dtype="f4").reshape(1, STEPS, 4)
    g.input("x", [1, STEPS, 4])
    a, b = g.call("Split", "x", axis=2, n=2)
    g.call("Concat", b, a, out="y", axis=2)
    save("turned", g, x, np.concatenate([x[..., 2:], x[..., :2]], 2))


def moved():
    """rows that move up, with zeros after them, are no rows that a stream keeps"""
    g, x = Graph(), np.arange(STEPS * 4, dtype="f4").reshape(1, STEPS, 4)
    g.input("x", [1, STEPS, 4])
    ends = [g.constant(np.array([k], "i8")) for k in (1, STEPS, 1)]
    g.call("Concat", g.call("Slice", "x", *ends), g.constant(np.zeros((1, 1, 4), "f4")), out="y", axis=1)
    save("moved", g, x, np.concatenate([x[:, 1:], 0 * x[:, :1]], 1))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for kind, (f, model) in KINDS.items():
        cell(kind, f, model)
        if kind not in REFUSED + ("gather",): mapped(kind, f, model)
    for make in vectors, matrices, places, beside: make()
    for kind, (f, model) in KINDS_OF_SAMPLES.items():
        cell(kind, f, model)
        if kind != "instance_norm": mapped(kind, f, model)
    for make in rows_alone, counted, phases, phases_of_three, pieces, turned, moved: make()
