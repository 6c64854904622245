# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the fixtures beside it: NAME.tflite, written out tensor by tensor, and NAME.npz with arrays in_NAME and
out_NAME, which the interpreter of TensorFlow Lite gave; arrays of one more axis than a tensor are calls.

    python -m venv env && env/bin/pip install ai-edge-litert numpy
    env/bin/python make_fixtures.py [FOLDER]"""
import os
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from flat_file import Model

FOLDER = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
rng = np.random.default_rng(7)


def real(*shape):
    return rng.normal(0, 1, shape).astype("f4")


def save(name, model, data, calls=None):
    """data: arrays of the inputs; with calls each has an axis of calls in front."""
    content = model.content()
    with open(f"{FOLDER}/{name}.tflite", "wb") as file:
        file.write(content)
    lite = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    lite.allocate_tensors()
    main = model.main
    rows = []
    arrays = {}
    for call in range(calls or 1):
        for t, x in zip(main.inputs, data):
            lite.set_tensor(t, x[call] if calls else x)
        lite.invoke()
        rows.append([lite.get_tensor(t).copy() for t in main.outputs])
    # the name of the signature, or of the tensor
    label = lambda t: next((m[0] for s in model.signatures for part in (0, 1) for m in s[part] if m[1][1] == t), main.names[t])
    for t, x in zip(main.inputs, data):
        arrays[f"in_{label(t)}"] = x
    for k, t in enumerate(main.outputs):
        arrays[f"out_{label(t)}"] = np.stack([r[k] for r in rows]) if calls else rows[0][k]
    np.savez_compressed(f"{FOLDER}/{name}.npz", **arrays)


def case(name, data, build, **more):
    """One operator, or a few: build(graph, inputs) returns the results."""
    model = Model()
    g = model.main
    data = [np.asarray(x) for x in data]
    inputs = [g.input(f"x{k}", x.shape, str(x.dtype), **more) for k, x in enumerate(data)]
    outs = build(g, *inputs)
    g.output(*(outs if isinstance(outs, (list, tuple)) else [outs]))
    save(name, model, data)


def pointwise():
    def build(g, x, y):
        shape = (2, 3)
        outs = [g.call(op, [x], shape) for op in ("ABS", "CEIL", "COS", "ELU", "EXP", "FLOOR", "HARD_SWISH", "LOGISTIC", "NEG", "RELU", "RELU6",
                                                  "RELU_N1_TO_1", "ROUND", "SIN", "SQUARE", "TANH", "ZEROS_LIKE", "SIGN")]
        outs += [g.call(op, [y], shape) for op in ("LOG", "SQRT", "RSQRT")]
        outs += [g.call("RELU_0_TO_1", [x], shape), g.call("GELU", [x], shape), g.call("GELU", [x], shape, options={0: ("b", 1)})]
        outs += [g.call("LEAKY_RELU", [x], shape, options={0: ("f", 0.125)}), g.call("SOFTMAX", [x], shape, options={0: ("f", 0.5)})]
        outs += [g.call("LOG_SOFTMAX", [x], shape), g.call("L2_NORMALIZATION", [x], shape)]
        return outs
    case("pointwise", [real(2, 3) * 4, np.abs(real(2, 3)) + 0.1], build)

    def two(g, x, y):
        outs = [g.call(op, [x, y], (2, 3)) for op in ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE", "FLOOR_DIV", "FLOOR_MOD")] + [g.call("ATAN2", [x, x], (2, 3))]
        outs += [g.call(op, [x, y], (2, 3), options={0: ("b", a)}) for op, a in (("ADD", 1), ("MUL", 3), ("SUB", 2))]
        outs += [g.call("ADD_N", [x, x, x], (2, 3)), g.call("PRELU", [x, y], (2, 3))]
        less = g.call("LESS", [x, y], (2, 3), "bool")
        more = g.call("GREATER", [x, y], (2, 3), "bool")
        same = g.call("NOT_EQUAL", [x, y], (2, 3), "bool")
        either = g.call("LOGICAL_OR", [less, more], (2, 3), "bool")
        both = g.call("LOGICAL_AND", [either, same], (2, 3), "bool")
        none = g.call("LOGICAL_NOT", [g.call("EQUAL", [x, y], (2, 3), "bool")], (2, 3), "bool")
        return outs + [both, none, g.call("SELECT_V2", [less, x, y], (2, 3)), g.call("CAST", [x], (2, 3), "int32"), g.call("SELECT", [g.constant([True, False], "bool"), x, x], (2, 3))]
    case("arithmetic", [real(2, 3) * 3, real(3)], two)

    def integers(g, x, y):
        s = (4,)
        return [g.call(op, [x, y], s, "int32") for op in ("ADD", "SUB", "MUL", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM")] + [g.call("POW", [g.call("CAST", [x], s), g.constant([2.0])], s)]
    case("integers", [np.array([7, -7, 5, -3], "i4"), np.array([2, 2, -3, -2], "i4")], integers)


def products():
    w, b = real(4, 3), real(4)

    def dense(g, x):
        return [g.call("FULLY_CONNECTED", [x, g.constant(w), g.constant(b)], (4, 4)),
                g.call("FULLY_CONNECTED", [x, g.constant(w), -1], (2, 2, 4), options={0: ("b", 1), 2: ("b", 1)}, version=5)]
    case("fully_connected", [real(2, 2, 3)], dense)

    def matmul(g, a, b):
        return [g.call("BATCH_MATMUL", [a, b], (2, 3, 5)), g.call("BATCH_MATMUL", [a, a], (2, 3, 3), options={1: ("b", 1)}),
                g.call("BATCH_MATMUL", [a, a], (2, 4, 4), options={0: ("b", 1)})]
    case("batch_matmul", [real(2, 3, 4), real(2, 4, 5)], matmul)
    case("embedding", [np.array([2, 0, 1], "i4")], lambda g, x: g.call("EMBEDDING_LOOKUP", [x, g.constant(real(3, 4))], (3, 4)))
    model = Model()
    g = model.main
    x = g.input("x", (1, 3))
    state = g.tensor("state", (1, 4 * 5), variable=True)
    g.output(g.call("SVDF", [x, g.constant(real(4, 3)), g.constant(real(4, 5)), g.constant(real(2)), state], (1, 2), options={0: ("i", 2), 1: ("b", 1)}))
    save("svdf", model, [real(6, 1, 3)], calls=6)


def svdf_in_integers():
    """Products of a step in the integers of the state. The file says relu, and the interpreter cuts off what is below the
    least integer: at 0 in the first file, elsewhere in the second. Other activations and a state of 8 bits are refused."""
    own = np.random.default_rng(11)

    def ints(dtype, *shape): return own.integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, shape).astype(dtype)

    def svdf(zero, kind="int16", activation=1):
        model = Model()
        g = model.main
        sx, sw, st, ss = 0.02, 0.01, 3e-5, 2e-4
        x = g.input("x", (1, 3), "int8", scale=sx, zero=5)
        state = g.tensor("state", (1, 4 * 5), kind, scale=ss, zero=0, variable=True)
        weights = [g.constant(ints("int8", 4, 3), "int8", scale=sw), g.constant(ints(kind, 4, 5), kind, scale=st), g.constant(own.integers(-20000, 20000, 2), "int32", scale=ss * st)]
        g.output(g.call("SVDF", [x, *weights, state], (1, 2), "int8", options={0: ("i", 2), 1: ("b", activation)}, scale=0.04, zero=zero, version=3))
        return model
    for name, zero in (("int8_svdf", -128), ("int8_svdf_shifted", 20)): save(name, svdf(zero), [ints("int8", 9, 1, 3)], calls=9)
    for name, kind, activation in (("svdf_tanh", "int16", 4), ("svdf_narrow", "int8", 1)):
        with open(f"{os.path.dirname(FOLDER)}/../../tflite/fixtures/refused/{name}_E902.tflite", "wb") as file: file.write(svdf(-128, kind, activation).content())


def windows():
    def conv(g, x):
        f, b = g.constant(real(4, 3, 2, 2)), g.constant(real(4))
        return [g.call("CONV_2D", [x, f, b], (1, 3, 3, 4), options={0: ("b", 0), 1: ("i", 2), 2: ("i", 2)}),
                g.call("CONV_2D", [x, f, b], (1, 1, 4, 4), options={0: ("b", 1), 1: ("i", 1), 2: ("i", 1), 3: ("b", 1), 4: ("i", 1), 5: ("i", 2)}),
                g.call("DEPTHWISE_CONV_2D", [x, g.constant(real(1, 3, 2, 4)), b], (1, 5, 5, 4), options={0: ("b", 0), 1: ("i", 1), 2: ("i", 1), 3: ("i", 2), 4: ("b", 3)}),
                g.call("DEPTHWISE_CONV_2D", [x, g.constant(real(1, 2, 2, 2)), g.constant(real(2))], (1, 2, 2, 2), options={0: ("b", 1), 1: ("i", 2), 2: ("i", 2), 3: ("i", 1)})]
    case("conv", [real(1, 5, 5, 2)], conv)

    def pools(g, x):
        o = lambda same, stride, size, act=0: {0: ("b", 0 if same else 1), 1: ("i", stride), 2: ("i", stride), 3: ("i", size), 4: ("i", size), 5: ("b", act)}
        return [g.call("MAX_POOL_2D", [x], (1, 3, 2, 2), options=o(True, 2, 3)), g.call("AVERAGE_POOL_2D", [x], (1, 3, 2, 2), options=o(True, 2, 3)),
                g.call("AVERAGE_POOL_2D", [x], (1, 2, 2, 2), options=o(False, 2, 2, 1))]
    case("pools", [real(1, 5, 4, 2)], pools)

    def transposed(g, x):
        f, b = g.constant(real(3, 3, 2, 2)), g.constant(real(3))
        o = lambda same, h, w: {0: ("b", 0 if same else 1), 1: ("i", w), 2: ("i", h)}
        computed = g.call("ADD", [g.call("SHAPE", [x], (4,), "int32", options={0: ("b", 2)}), g.constant([0, 4, 3, 1], "int32")], (4,), "int32")
        return [g.call("TRANSPOSE_CONV", [g.constant([1, 8, 6, 3], "int32"), f, x], (1, 8, 6, 3), options=o(True, 2, 2)),
                g.call("TRANSPOSE_CONV", [g.constant([1, 9, 6, 3], "int32"), f, x, b], (1, 9, 6, 3), options=o(False, 2, 2), version=3),
                g.call("TRANSPOSE_CONV", [computed, f, x], (1, 8, 6, 3), options=o(True, 2, 2))]
    case("transpose_conv", [real(1, 4, 3, 2)], transposed)

    def resize(g, x):
        size = g.constant([6, 5], "int32")
        outs = [g.call("RESIZE_BILINEAR", [x, size], (1, 6, 5, 2), options={2: ("b", a), 3: ("b", h)}, version=3) for a, h in ((0, 0), (1, 0), (0, 1))]
        return outs + [g.call("RESIZE_NEAREST_NEIGHBOR", [x, size], (1, 6, 5, 2), options={0: ("b", a), 1: ("b", h)}, version=3) for a, h in ((0, 0), (1, 0), (0, 1))]
    case("resize", [real(1, 3, 4, 2)], resize)

    def blocks(g, x):
        d = g.call("SPACE_TO_DEPTH", [x], (1, 2, 3, 8), options={0: ("i", 2)})
        b = g.call("SPACE_TO_BATCH_ND", [x, g.constant([2, 3], "int32"), g.constant([[1, 1], [0, 0]], "int32")], (6, 3, 2, 2))
        return [d, g.call("DEPTH_TO_SPACE", [d], (1, 4, 6, 2), options={0: ("i", 2)}), b,
                g.call("BATCH_TO_SPACE_ND", [b, g.constant([2, 3], "int32"), g.constant([[1, 1], [0, 0]], "int32")], (1, 4, 6, 2))]
    case("blocks", [real(1, 4, 6, 2)], blocks)


def reductions():
    def build(g, x, y):
        axes, last, one = g.constant([1, -1], "int32"), g.constant([2], "int32"), g.constant(1, "int32")
        outs = [g.call(op, [x, axes], (2,)) for op in ("MEAN", "SUM", "REDUCE_PROD", "REDUCE_MAX", "REDUCE_MIN")]
        outs += [g.call("MEAN", [x, last], (2, 3, 1), options={0: ("b", 1)})]
        outs += [g.call(op, [y, g.constant([1], "int32")], (2,), "bool") for op in ("REDUCE_ANY", "REDUCE_ALL")]
        outs += [g.call("ARG_MAX", [x, one], (2, 4), "int32", options={0: ("b", 2)})]
        outs += g.call("TOPK_V2", [x, g.constant(2, "int32")], [(2, 3, 2)] * 2, ["float32", "int32"], results=2)
        outs += [g.call("CUMSUM", [x, one], (2, 3, 4), options={0: ("b", e), 1: ("b", r)}) for e, r in ((0, 0), (1, 0), (0, 1))]
        return outs
    case("reductions", [real(2, 3, 4), np.array([[True, False], [True, True]])], build)


def moves():
    def build(g, x):
        i = lambda *v: g.constant(list(v), "int32")
        s = lambda v: g.constant(v, "int32")
        pads = g.constant([[0, 0], [1, 2], [0, 1]], "int32")
        outs = [g.call("RESHAPE", [x, i(3, -1)], (3, 8)), g.call("RESHAPE", [x], (4, 6), options={0: np.array([4, 6], "<i4")}),
                g.call("EXPAND_DIMS", [x, s(-1)], (2, 3, 4, 1)), g.call("TRANSPOSE", [x, i(2, 0, 1)], (4, 2, 3)),
                g.call("CONCATENATION", [x, x], (2, 6, 4), options={0: ("i", 1)}), g.call("CONCATENATION", [x, x], (2, 3, 8), options={0: ("i", -1)}),
                g.call("PACK", [x, x], (2, 3, 2, 4), options={0: ("i", 2), 1: ("i", 2)}), g.call("PAD", [x, pads], (2, 6, 5)),
                g.call("PADV2", [x, pads, g.constant(0.5)], (2, 6, 5)), g.call("MIRROR_PAD", [x, pads], (2, 6, 5)),
                g.call("MIRROR_PAD", [x, g.constant([[0, 0], [1, 1], [0, 1]], "int32")], (2, 5, 5), options={0: ("b", 1)}),
                g.call("TILE", [x, i(1, 2, 1)], (2, 6, 4)), g.call("BROADCAST_TO", [x, i(2, 2, 3, 4)], (2, 2, 3, 4), version=2),
                g.call("REVERSE_V2", [x, i(1)], (2, 3, 4)), g.call("REVERSE_SEQUENCE", [x, i(2, 3)], (2, 3, 4), options={0: ("i", 1), 1: ("i", 0)}),
                g.call("SQUEEZE", [g.call("RESHAPE", [x, i(2, 1, 12)], (2, 1, 12))], (2, 12), options={0: np.array([1], "<i4")})]
        outs += g.call("SPLIT", [s(2), x], [(2, 3, 2)] * 2, results=2, options={0: ("i", 2)})
        outs += g.call("SPLIT_V", [x, i(1, -1), s(1)], [(2, 1, 4), (2, 2, 4)], results=2, options={0: ("i", 2)})
        outs += g.call("UNPACK", [x], [(2, 4)] * 3, results=3, options={0: ("i", 3), 1: ("i", 1)})
        return outs
    case("moves", [real(2, 3, 4)], build)

    def slices(g, x, at):
        i = lambda *v: g.constant(list(v), "int32")
        o = lambda **m: {k: ("i", m.get(n, 0)) for k, n in enumerate(("begin", "end", "ellipsis", "new", "shrink"))}
        two = g.call("PACK", [at, g.constant(1, "int32"), g.constant(0, "int32")], (3,), "int32", options={0: ("i", 3), 1: ("i", 0)})
        return [g.call("SLICE", [x, i(0, 1, 1), i(2, -1, 2)], (2, 2, 2)), g.call("SLICE", [x, two, i(1, 2, 4)], (1, 2, 4)),
                g.call("STRIDED_SLICE", [x, i(0, 0, 3), i(2, 3, 0), i(1, 2, -1)], (2, 2, 3), options=o()),
                g.call("STRIDED_SLICE", [x, i(0, -1, 1), i(0, 0, 3), i(1, 1, 1)], (2, 2), options=o(begin=1, end=1, shrink=2)),
                g.call("STRIDED_SLICE", [x, i(0, 0), i(0, 2), i(1, 1)], (2, 3, 2), options=o(ellipsis=1, begin=2)),
                g.call("STRIDED_SLICE", [x, i(0, 0, 0), i(0, 0, 2), i(1, 1, 1)], (2, 1, 2, 4), options=o(begin=1, end=1, new=2)),
                g.call("STRIDED_SLICE", [x, i(0, 0, 0), i(0, 0, 0), i(1, 1, -1)], (2, 3, 4), options=o(begin=7, end=7)),
                g.call("STRIDED_SLICE", [x, two, i(2, 3, 4), i(1, 1, 2)], (2, 2), options=o(shrink=1)),
                g.call("GATHER", [x, at], (3, 4), options={0: ("i", 0)})]
    case("slices", [real(2, 3, 4), np.array(1, "i4")], slices)

    def gathers(g, x, k):
        i = lambda *v: g.constant(list(v), "int32")
        f = lambda v: g.constant(v, "float32")
        shape = g.call("SHAPE", [x], (3,), "int32", options={0: ("b", 2)})
        return [g.call("GATHER", [x, k], (2, 2, 4), options={0: ("i", 1)}), g.call("GATHER_ND", [x, g.constant([[0, 1], [1, 2]], "int32")], (2, 4)),
                g.call("SCATTER_ND", [g.constant([[0], [3]], "int32"), g.constant([1.5, 2.5]), i(5)], (5,)),
                g.call("ONE_HOT", [k, g.constant(3, "int32"), f(2.0), f(-1.0)], (2, 3), options={0: ("i", -1)}), shape,
                g.call("RANK", [x], (), "int32"), g.call("FILL", [i(2, 2), f(0.25)], (2, 2)), g.call("FILL", [shape, f(1.5)], (2, 3, 4)),
                g.call("RANGE", [g.constant(1, "int32"), g.constant(9, "int32"), g.constant(3, "int32")], (3,), "int32"),
                g.call("BROADCAST_ARGS", [i(3, 1), i(2, 1, 4)], (3,), "int32")]
    case("gathers", [real(2, 3, 4), np.array([2, 0], "i4")], gathers)


def recurrent():
    u, d, t = 4, 3, 5

    def lstm(name, kind=0, clip=0.0, projection=0, peephole=False, major=False, activation=4, both=False):
        model = Model()
        g = model.main
        p = projection or u
        n = 1 if both else 2  # of two samples the interpreter computes the second of a bidirectional LSTM wrongly
        x = g.input("x", (t, n, d) if major else (n, t, d))
        gates = 3 if kind else 4

        def direction():
            many = lambda *shape: ([-1] if kind else []) + [g.constant(real(*shape)) for _ in range(gates)]
            parts = many(u, d) + many(u, p)
            parts += ([-1] if kind or not peephole else [g.constant(real(u))]) + ([g.constant(real(u)) for _ in range(2)] if peephole else [-1, -1])
            return parts + many(u) + [g.constant(real(p, u)) if projection else -1, -1]
        states = [g.tensor("h", (n, p), variable=True), g.tensor("c", (n, u), variable=True)]
        options = {0: ("b", activation), 1: ("f", clip), 2: ("f", 0.0)}
        if not both:
            y = g.call("UNIDIRECTIONAL_SEQUENCE_LSTM", [x] + direction() + states + [-1] * 4, (t, n, p) if major else (n, t, p), options={**options, 3: ("b", int(major))})
        else:
            back = [g.tensor("h_back", (n, p), variable=True), g.tensor("c_back", (n, u), variable=True)]
            y = g.call("BIDIRECTIONAL_SEQUENCE_LSTM", [x] + direction() + direction() + states + back + [-1] * 9, (n, t, 2 * p), options={**options, 3: ("b", 1), 4: ("b", 0)})
        g.output(y)
        save(name, model, [real(t, n, d) if major else real(n, t, d)])
    lstm("lstm")
    lstm("lstm_time_major", major=True)
    lstm("lstm_clip", clip=0.3)
    lstm("lstm_projection", projection=3)
    lstm("lstm_peephole", peephole=True)
    lstm("lstm_coupled", kind=1)
    lstm("lstm_coupled_peephole", kind=1, peephole=True)
    lstm("lstm_relu", activation=1)
    lstm("lstm_both", both=True)

    def rnn(name, op, steps, calls=None):
        model = Model()
        g = model.main
        shape = (1, steps, d) if steps else (1, d)
        x = g.input("x", shape)
        one = lambda k: [g.constant(real(u, d)), g.constant(real(u, u)), g.constant(real(u)), g.tensor(f"h{k}", (1, u), variable=True)]
        if op.startswith("B"):
            y = g.call(op, [x] + one(0) + one(1) + [-1] * 3, (1, steps, 2 * u), options={0: ("b", 0), 1: ("b", 4), 2: ("b", 1)})
        else:
            y = g.call(op, [x] + one(0), (1, steps, u) if steps else (1, u), options={0: ("b", 0), 1: ("b", 4)} if steps else {0: ("b", 4)})
        g.output(y)
        save(name, model, [real(calls, *shape) if calls else real(*shape)], calls=calls)
    rnn("rnn", "UNIDIRECTIONAL_SEQUENCE_RNN", t)
    rnn("rnn_both", "BIDIRECTIONAL_SEQUENCE_RNN", t)
    rnn("rnn_step", "RNN", 0, calls=5)
    rnn("rnn_kept", "UNIDIRECTIONAL_SEQUENCE_RNN", 1, calls=5)


def control():
    # h' = tanh(W x + R h) as a loop over the steps of x, the last state read
    model = Model()
    g = model.main
    x = g.input("x", (1, 6, 3))
    steps = g.call("TRANSPOSE", [x, g.constant([1, 0, 2], "int32")], (6, 1, 3))
    condition, body = model.subgraph("condition"), model.subgraph("body")
    for s in (condition, body):
        s.input("t", (), "int32")
        s.input("h", (1, 4))
        s.input("x", (6, 1, 3))
    condition.output(condition.call("LESS", [0, condition.constant(6, "int32")], (), "bool"))
    row = body.call("GATHER", [2, 0], (1, 3), options={0: ("i", 0)})
    a = body.call("FULLY_CONNECTED", [row, body.constant(real(4, 3)), body.constant(real(4))], (1, 4))
    b = body.call("FULLY_CONNECTED", [1, body.constant(real(4, 4)), -1], (1, 4))
    body.output(body.call("ADD", [0, body.constant(1, "int32")], (), "int32"), body.call("TANH", [body.call("ADD", [a, b], (1, 4))], (1, 4)), 2)
    y = g.call("WHILE", [g.constant(0, "int32"), g.constant(np.zeros((1, 4), "f4")), steps], [(), (1, 4), (6, 1, 3)], ["int32", "float32", "float32"], results=3,
               options={0: ("i", 1), 1: ("i", 2)})
    g.output(y[1])
    save("while", model, [real(1, 6, 3)])

    # a branch, once each way
    model = Model()
    g = model.main
    x = g.input("x", (3,))
    yes, no = model.subgraph("yes"), model.subgraph("no")
    for s, op in ((yes, "EXP"), (no, "NEG")):
        s.output(s.call(op, [s.input("x", (3,))], (3,)))
    total = g.call("SUM", [x, g.constant([0], "int32")], ())
    g.output(g.call("IF", [g.call("GREATER", [total, g.constant(0.0)], (), "bool"), x], (3,), options={0: ("i", 1), 1: ("i", 2)}))
    save("if", model, [np.array([[1, 2, 3], [-1, -2, -3]], "f4")], calls=2)

    # a resource variable with a start value, and names of a signature
    model = Model()
    g = model.main
    x = g.input("serving_x:0", (1, 3))
    start = model.subgraph("start")
    handle = lambda s: s.call("VAR_HANDLE", [], (), "resource", options={0: "", 1: "sum"})
    h = handle(start)
    start.operators.append({0: ("i", model.code(144, None, 1)), 1: np.array([h, start.constant(np.full((1, 3), 0.5, "f4"))], "<i4"), 2: np.array([], "<i4"), 3: ("b", 113), 4: {}})
    g.operators.append({0: ("i", model.code(129, None, 1)), 1: np.array([], "<i4"), 2: np.array([], "<i4"), 3: ("b", 103), 4: {0: ("i", 1)}})
    h = handle(g)
    y = g.call("ADD", [g.call("READ_VARIABLE", [h], (1, 3)), x], (1, 3))
    g.operators.append({0: ("i", model.code(144, None, 1)), 1: np.array([h, y], "<i4"), 2: np.array([], "<i4"), 3: ("b", 113), 4: {}})
    g.output(g.call("MUL", [y, g.constant([2.0])], (1, 3)))
    model.sign("serving_default", g, {"x": x}, {"y": g.outputs[0]})
    save("variable", model, [real(5, 1, 3)], calls=5)


def quantised():
    def ints(dtype, *shape):
        low, high = (-128, 127) if dtype == "int8" else (0, 255) if dtype == "uint8" else (-32768, 32767)
        return rng.integers(low, high + 1, shape).astype(dtype)

    def unary(g, x):
        return [g.call(op, [x], (2, 8), "int8", scale=s, zero=z) for op, s, z in
                (("LOGISTIC", 1 / 256, -128), ("TANH", 1 / 128, 0), ("RELU", 0.03, -128), ("HARD_SWISH", 0.05, -20), ("ABS", 0.03, 0))] + \
            [g.call("SOFTMAX", [x], (2, 8), "int8", options={0: ("f", 1.0)}, scale=1 / 256, zero=-128), g.call("DEQUANTIZE", [x], (2, 8)),
             g.call("QUANTIZE", [x], (2, 8), "int8", scale=0.1, zero=5), g.call("RESHAPE", [x, g.constant([4, 4], "int32")], (4, 4), "int8", scale=0.03, zero=-7),
             g.call("PAD", [x, g.constant([[0, 0], [1, 1]], "int32")], (2, 10), "int8", scale=0.03, zero=-7)]
    case("int8_pointwise", [ints("int8", 2, 8)], unary, scale=0.03, zero=-7)

    def binary(g, x, y):
        outs = [g.call(op, [x, y], (2, 8), "int8", scale=0.061, zero=3, version=2) for op in ("ADD", "SUB", "MUL")]
        return outs + [g.call("CONCATENATION", [x, y], (4, 8), "int8", options={0: ("i", 0)}, scale=0.03, zero=-7, version=2), g.call("LESS", [x, y], (2, 8), "bool", version=2)]
    case("int8_arithmetic", [ints("int8", 2, 8), ints("int8", 2, 8)], binary, scale=0.03, zero=-7)

    def dense(g, x):
        s = [0.01, 0.02, 0.005]
        w = g.constant(ints("int8", 3, 6), "int8", scale=s, axis=0)
        b = g.constant(rng.integers(-2000, 2000, 3), "int32", scale=[0.03 * k for k in s], axis=0)
        one = g.constant(ints("int8", 3, 6), "int8", scale=0.02)
        return [g.call("FULLY_CONNECTED", [x, w, b], (2, 3), "int8", options={0: ("b", 1)}, scale=0.17, zero=-10, version=4),
                g.call("FULLY_CONNECTED", [x, one, g.constant([10, 20, -30], "int32", scale=0.0006)], (2, 3), "int8", scale=0.2, zero=0, version=4)]
    case("int8_dense", [ints("int8", 2, 6)], dense, scale=0.03, zero=-7)

    def conv(g, x):
        s = [0.01, 0.02]
        f = g.constant(ints("int8", 2, 2, 2, 2), "int8", scale=s, axis=0)
        dw = g.constant(ints("int8", 1, 2, 2, 2), "int8", scale=s, axis=3)
        b = g.constant([100, -100], "int32", scale=[0.03 * k for k in s], axis=0)
        o = {0: ("b", 0), 1: ("i", 1), 2: ("i", 1), 3: ("b", 1)}
        return [g.call("CONV_2D", [x, f, b], (1, 4, 4, 2), "int8", options=o, scale=0.09, zero=-100, version=3),
                g.call("DEPTHWISE_CONV_2D", [x, dw, b], (1, 4, 4, 2), "int8", options={0: ("b", 0), 1: ("i", 1), 2: ("i", 1), 3: ("i", 1)}, scale=0.09, zero=0, version=3),
                g.call("MAX_POOL_2D", [x], (1, 2, 2, 2), "int8", options={0: ("b", 1), 1: ("i", 2), 2: ("i", 2), 3: ("i", 2), 4: ("i", 2)}, scale=0.03, zero=-7, version=2),
                g.call("AVERAGE_POOL_2D", [x], (1, 2, 2, 2), "int8", options={0: ("b", 1), 1: ("i", 2), 2: ("i", 2), 3: ("i", 2), 4: ("i", 2)}, scale=0.03, zero=-7, version=2),
                g.call("MEAN", [x, g.constant([1, 2], "int32")], (1, 2), "int8", scale=0.02, zero=1, version=2)]
    case("int8_windows", [ints("int8", 1, 4, 4, 2)], conv, scale=0.03, zero=-7)

    def wide(g, x):
        return [g.call("LOGISTIC", [x], (2, 6), "int16", scale=2**-15), g.call("TANH", [x], (2, 6), "int16", scale=2**-15),
                g.call("ADD", [x, x], (2, 6), "int16", options={1: ("b", 0)}, scale=2.5e-4, version=2)]
    case("int16_pointwise", [ints("int16", 2, 6)], wide, scale=1.3e-4)
    case("uint8_out", [ints("int8", 2, 6)], lambda g, x: g.call("QUANTIZE", [x], (2, 6), "uint8", scale=0.03, zero=121), scale=0.03, zero=-7)
    half = real(3, 4).astype("f2")
    case("float16_weights", [real(2, 4)], lambda g, x: g.call("FULLY_CONNECTED", [x, g.call("DEQUANTIZE", [g.constant(half, "float16")], (3, 4), version=3), -1], (2, 3)))

    u, d, t = 4, 3, 6
    model = Model()
    g = model.main
    sx, sh, sc = 0.0078, 0.0071, 2.0**-13
    x = g.input("x", (1, t, d), "int8", scale=sx, zero=-1)
    w = [g.constant(ints("int8", u, d), "int8", scale=0.006 + 0.001 * k) for k in range(4)]
    r = [g.constant(ints("int8", u, u), "int8", scale=0.005 + 0.001 * k) for k in range(4)]
    b = [g.constant(rng.integers(-4000, 4000, u), "int32", scale=sx * (0.006 + 0.001 * k)) for k in range(4)]
    h, c = g.tensor("h", (1, u), "int8", scale=sh, zero=0, variable=True), g.tensor("c", (1, u), "int16", scale=sc, zero=0, variable=True)
    more = [g.tensor(f"effective{k}", (0,)) for k in range(4)] + [g.tensor("hidden", (0,), "int8", scale=sh, zero=0)]
    y = g.call("UNIDIRECTIONAL_SEQUENCE_LSTM", [x] + w + r + [-1] * 3 + b + [-1, -1, h, c] + [-1] * 4, (1, t, u), "int8", options={0: ("b", 4), 1: ("f", 0.0), 2: ("f", 0.0), 3: ("b", 0)},
               scale=sh, zero=0, intermediates=more)
    g.output(y)
    save("int8_lstm", model, [ints("int8", 1, t, d)])


def lstm_in_integers_kept():
    """A call is one step: the state, and the cell in integers of its own scale, go on to the next call."""
    own, u, d = np.random.default_rng(12), 4, 3

    def ints(*shape): return own.integers(-128, 128, shape).astype("i1")
    model = Model()
    g = model.main
    sx, sh, sc = 0.0078, 0.0071, 2.0**-11
    x = g.input("x", (1, 1, d), "int8", scale=sx, zero=-1)
    w = [g.constant(ints(u, d), "int8", scale=0.006 + 0.001 * k) for k in range(4)]
    r = [g.constant(ints(u, u), "int8", scale=0.005 + 0.001 * k) for k in range(4)]
    b = [g.constant(own.integers(-4000, 4000, u), "int32", scale=sx * (0.006 + 0.001 * k)) for k in range(4)]
    h, c = g.tensor("h", (1, u), "int8", scale=sh, zero=0, variable=True), g.tensor("c", (1, u), "int16", scale=sc, zero=0, variable=True)
    more = [g.tensor(f"effective{k}", (0,)) for k in range(4)] + [g.tensor("hidden", (0,), "int8", scale=sh, zero=0)]
    g.output(g.call("UNIDIRECTIONAL_SEQUENCE_LSTM", [x] + w + r + [-1] * 3 + b + [-1, -1, h, c] + [-1] * 4, (1, 1, u), "int8",
                    options={0: ("b", 4), 1: ("f", 0.0), 2: ("f", 0.0), 3: ("b", 0)}, scale=sh, zero=0, intermediates=more))
    save("int8_lstm_kept", model, [ints(12, 1, 1, d)], calls=12)


def resized_by_nearest():
    """Places that single precision rounds to another element than double precision, and both options at once."""
    def build(g, x):
        nearest = lambda n, corners, centres: g.call("RESIZE_NEAREST_NEIGHBOR", [x, g.constant([n, 3], "int32")], (1, n, 3, 1), options={0: ("b", corners), 1: ("b", centres)}, version=3)
        return [nearest(82, 0, 0), nearest(83, 1, 0), nearest(41, 0, 1), nearest(5, 1, 1)]
    case("resize_nearest", [np.random.default_rng(13).normal(0, 1, (1, 2, 2, 1)).astype("f4")], build)


def four_bits():
    """All numbers of 4 bits, -8 too, in an odd count of them."""
    def build(g, x):
        dense = lambda w: g.call("FULLY_CONNECTED", [x, g.call("DEQUANTIZE", [w], (3, 7), version=6)], (2, 3))
        values = (np.arange(21) * 5 % 16 - 8).reshape(3, 7)
        return [dense(g.constant(values, "int4", scale=0.25)), dense(g.constant(values % 8 - 8, "int4", scale=[0.5, 0.25, 0.125]))]
    case("int4_weights", [np.random.default_rng(17).normal(0, 1, (2, 7)).astype("f4")], build)


def refused():
    """For the test of the importer, in ../../tflite/fixtures/refused: NAME_CODE.tflite."""
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tflite/fixtures/refused")
    os.makedirs(folder, exist_ok=True)

    def write(name, build):
        model = Model()
        g = model.main
        g.output(build(g, g.input("x", (1, 3))))
        with open(f"{folder}/{name}.tflite", "wb") as file:
            file.write(model.content())
    write("custom_E902", lambda g, x: g.call("MyOperator", [x], (1, 3)))
    write("flex_E902", lambda g, x: g.call("FlexErfinv", [x], (1, 3)))
    write("no_weights_E904", lambda g, x: g.call("ADD", [x, g.call("READ_VARIABLE", [g.call("VAR_HANDLE", [], (), "resource", options={0: "", 1: "bias"})], (3,))], (1, 3)))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    for make in (pointwise, products, windows, reductions, moves, recurrent, control, quantised, refused, svdf_in_integers, lstm_in_integers_kept, resized_by_nearest, four_bits):
        make()
