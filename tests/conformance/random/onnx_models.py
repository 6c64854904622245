# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random ONNX models as exporters write them: batch first, second, fixed, open or absent; time fixed or open, or of
one step; axes of size 1 put in and taken out by Reshape, Squeeze, Unsqueeze, Transpose and Flatten; time folded into
the batch and unfolded; transposes half-way. onnxruntime computes the outputs.

A value knows its axes: each is a tuple of atoms, N (batch), T (time) or a feature; () is an axis of size 1."""
import os
import numpy as np
import onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
from case import Case, Port

onnxruntime.set_default_logger_severity(4)


class Unmade(Exception): pass


class Value:
    def __init__(self, name, axes): self.name, self.axes = name, [tuple(a) for a in axes]


class Build:
    def __init__(self, rng):
        self.rng, self.nodes, self.constants, self.sizes, self.n = rng, [], [], {}, 0
        self.open = set()
        self.what = []

    # ---- small things ----
    def chance(self, p): return self.rng.random() < p
    def pick(self, *these): return these[self.rng.integers(len(these))]
    def fresh(self, stem="v"): self.n += 1; return f"{stem}{self.n}"
    def size(self, axis): return int(np.prod([self.sizes[a] for a in axis], dtype=int))
    def is_open(self, axis): return any(a in self.open for a in axis)

    def feature(self, size):
        atom = self.fresh("f")
        self.sizes[atom] = int(size)
        return atom

    def constant(self, data, dtype="f4"):
        name = self.fresh("c")
        self.constants.append(numpy_helper.from_array(np.asarray(data, dtype), name))
        return name

    def weights(self, *shape, scale=None):
        return self.rng.uniform(-1, 1, shape) * (scale or 1 / np.sqrt(max(1, shape[-1])))

    def node(self, op, *inputs, outputs=1, **attributes):
        names = [self.fresh() for _ in range(outputs)] if isinstance(outputs, int) else outputs
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"n{len(self.nodes)}_{op}", **attributes))
        return names[0] if len(names) == 1 else names

    # ---- axes ----
    def dims_of(self, v, axes):
        """The operand of a Reshape to these axes."""
        opened = [i for i, a in enumerate(axes) if self.is_open(a)]
        sizes = [self.size(a) for a in axes]
        if len(opened) <= 1:
            if opened: sizes[opened[0]] = -1
            elif self.chance(0.3): sizes[self.rng.integers(len(sizes))] = -1
            return self.constant(sizes, "i8")
        parts = []  # the sizes of axes that are as they are in v are taken from its Shape
        for i, a in enumerate(axes):
            if i in opened:
                if a not in v.axes:
                    parts.append(self.constant([-1], "i8"))
                    continue
                shape = self.node("Shape", v.name)
                parts.append(self.node("Unsqueeze", self.node("Gather", shape, self.constant(v.axes.index(a), "i8"), axis=0), self.constant([0], "i8")))
            else: parts.append(self.constant([sizes[i]], "i8"))
        return self.node("Concat", *parts, axis=0)

    def reshape(self, v, axes):
        axes = [tuple(a) for a in axes]
        return v if axes == v.axes else Value(self.node("Reshape", v.name, self.dims_of(v, axes)), axes)

    def transpose(self, v, axes):
        axes, left, perm = [tuple(a) for a in axes], list(enumerate(v.axes)), []
        for a in axes:
            k = next(i for i, (_, b) in enumerate(left) if b == a)
            perm.append(left.pop(k)[0])
        if perm == list(range(len(perm))) and self.chance(0.95): return v
        return Value(self.node("Transpose", v.name, perm=perm), axes)

    def drop_ones(self, v):
        at = [i for i, a in enumerate(v.axes) if not a]
        if not at: return v
        axes = [a for a in v.axes if a]
        if not axes: return v
        if self.chance(0.5): return Value(self.node("Squeeze", v.name, self.constant(at, "i8")), axes)
        return self.reshape(v, axes) if sum(self.is_open(a) for a in axes) <= 1 else Value(self.node("Squeeze", v.name, self.constant(at, "i8")), axes)

    def add_ones(self, v, axes):
        """axes: those of v with () put in."""
        at = [i for i, a in enumerate(axes) if not a]
        if not at: return v
        if self.chance(0.5) or sum(self.is_open(a) for a in axes) > 1: return Value(self.node("Unsqueeze", v.name, self.constant(at, "i8")), axes)
        return self.reshape(v, axes)

    def to(self, v, want):
        """v with exactly these axes, in one of the ways in which exporters do it. An axis may be several atoms."""
        want = [tuple(a) for a in want]
        if v.axes == want: return v
        v = self.drop_ones(v)
        flat = [(a,) for axis in v.axes for a in axis]
        if flat != v.axes and [a for a in want if a] != v.axes:
            v = self.unfold(v, flat)
        order = [(a,) for axis in want for a in axis]
        if v.axes != [a for a in want if a]:
            v = self.transpose(v, order)
        full = [a for a in want if a]
        if v.axes != full: v = self.fold(v, full)
        return self.add_ones(v, want)

    def unfold(self, v, axes):
        if sum(self.is_open(a) for a in axes) > 1 and not all(a in v.axes for a in axes if self.is_open(a)):
            if self.unfolded is None: raise Unmade("folded axes of two open sizes")
            parts = []
            for a in axes:
                if not self.is_open(a): parts.append(self.constant([self.size(a)], "i8"))
                else:
                    k = self.unfolded.axes.index(a)
                    parts.append(self.node("Slice", self.node("Shape", self.unfolded.name), *(self.constant([n], "i8") for n in (k, k + 1))))
            return Value(self.node("Reshape", v.name, self.node("Concat", *parts, axis=0)), axes)
        return self.reshape(v, axes)

    def fold(self, v, axes):
        if sum(self.is_open(a) for a in v.axes) > 1: self.unfolded = v
        return self.reshape(v, axes)

    unfolded = None

    def atoms(self, v): return [a for axis in v.axes for a in axis]
    def lead(self, v): return [a for a in self.atoms(v) if a in ("N", "T")]
    def features(self, v): return tuple(a for a in self.atoms(v) if a not in ("N", "T"))

    def ones(self, axes):
        """Now and then an axis of size 1 somewhere."""
        axes = list(axes)
        if self.chance(0.12) and len(axes) < 5: axes.insert(int(self.rng.integers(len(axes) + 1)), ())
        return axes

    def features_last(self, v):
        """[.. , D] with batch and time in some order, folded now and then."""
        lead = [(a,) for a in self.lead(v)]
        if self.chance(0.3): lead.reverse()
        if len(lead) == 2 and self.chance(0.15): lead = [lead[0] + lead[1]]
        return self.to(v, self.ones(lead) + [self.features(v)])

    # ---- layers: value -> value ----
    def recurrent(self, v, kind=None, only_last=False):
        kind = kind or self.pick("GRU", "LSTM", "RNN")
        x = self.to(v, [("T",), ("N",) if "N" in self.lead(v) else (), self.features(v)])
        batch = x.axes[1]
        d, u, gates = self.size(x.axes[2]), int(self.pick(1, 2, 3, 4, 5, 8)), {"GRU": 3, "LSTM": 4, "RNN": 1}[kind]
        direction = self.pick("forward", "forward", "forward", "reverse", "bidirectional")
        dirs = 2 if direction == "bidirectional" else 1
        attributes = {"hidden_size": u}
        if direction != "forward" or self.chance(0.3): attributes["direction"] = direction
        if kind == "GRU" and self.chance(0.7): attributes["linear_before_reset"] = 1
        if self.chance(0.1): attributes["clip"] = float(np.float32(self.rng.uniform(0.3, 3)))
        if self.chance(0.15):
            one = {"GRU": [self.pick("Sigmoid", "HardSigmoid"), self.pick("Tanh", "Relu", "Softsign")],
                   "LSTM": [self.pick("Sigmoid", "HardSigmoid"), "Tanh", self.pick("Tanh", "Relu")], "RNN": [self.pick("Tanh", "Relu")]}[kind]
            attributes["activations"] = one * dirs
        bias = self.chance(0.85)
        operands = [x.name, self.constant(self.weights(dirs, gates * u, d)), self.constant(self.weights(dirs, gates * u, u)),
                    self.constant(self.weights(dirs, 2 * gates * u, scale=0.3)) if bias else ""]
        if self.size(batch) and "N" not in self.open and self.chance(0.25):
            operands += ["", self.constant(np.zeros((dirs, self.size(batch), u)) if self.chance(0.6) else
                                           np.repeat(self.weights(dirs, 1, u), self.size(batch), 1))]
            if kind == "LSTM": operands.append(operands[-1])
        while operands[-1] == "": operands.pop()
        self.what.append(f"{kind}({u}{'' if dirs == 1 else ', both'})")
        units, way = self.feature(u), self.feature(dirs)
        end = self.chance(0.5) if only_last else False
        if dirs == 1: way_axis = ()
        else: way_axis = (way,)
        if end:
            names = self.node(kind, *operands, outputs=["", self.fresh()], **attributes)
            return Value(names[1], [way_axis, batch, (units,)])
        y = Value(self.node(kind, *operands, **attributes), [("T",), way_axis, batch, (units,)])
        if dirs == 2 or self.chance(0.7): return self.to(y, [("T",), batch, way_axis + (units,)])
        return y

    def dense(self, v):
        x, m = self.features_last(v), int(self.pick(1, 2, 3, 4, 6, 8))
        d = self.size(x.axes[-1])
        out = (self.feature(m),)
        self.what.append(f"Dense({m})")
        if len(x.axes) == 2 and self.chance(0.5):
            turned = self.chance(0.5)
            w = self.weights(m, d) if turned else self.weights(d, m)
            return Value(self.node("Gemm", x.name, self.constant(w), self.constant(self.weights(m)), transB=int(turned)), x.axes[:-1] + [out])
        y = self.node("MatMul", x.name, self.constant(self.weights(d, m)))
        if self.chance(0.8):
            both = [y, self.constant(self.weights(m, scale=0.5) if self.chance(0.7) else self.weights(1, m, scale=0.5))]
            y = self.node("Add", *(both if self.chance(0.7) else both[::-1]))
        return Value(y, x.axes[:-1] + [out])

    def activation(self, v):
        op = self.pick("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Elu", "Softplus", "HardSigmoid", "Clip", "Softsign", "Gelu", "Swish", "PRelu", "Abs", "Exp")
        self.what.append(op)
        if op == "Clip": y = self.node("Clip", v.name, self.constant(np.float32(-0.4)), self.constant(np.float32(0.7)))
        elif op == "Gelu":
            y = self.node("Mul", self.node("Mul", v.name, self.constant(np.float32(0.5))),
                          self.node("Add", self.node("Erf", self.node("Div", v.name, self.constant(np.float32(np.sqrt(2))))), self.constant(np.float32(1))))
        elif op == "Swish": y = self.node("Mul", v.name, self.node("Sigmoid", v.name))
        elif op == "PRelu":
            v = self.features_last(v)
            y = self.node("PRelu", v.name, self.constant(self.rng.uniform(0, 0.5, self.size(v.axes[-1]) if self.chance(0.6) else 1)))
        elif op == "Exp": y = self.node("Exp", self.node("Tanh", v.name))
        else: y = self.node(op, v.name)
        return Value(y, v.axes)

    def softmax(self, v):
        x = self.features_last(v)
        self.what.append("softmax")
        return Value(self.node("Softmax", x.name, axis=self.pick(-1, len(x.axes) - 1)), x.axes)

    def norm(self, v):
        x = self.features_last(v)
        d, eps = self.size(x.axes[-1]), float(np.float32(self.pick(1e-5, 1e-3)))
        scale, center = self.constant(self.rng.uniform(0.5, 1.5, d)), self.constant(self.weights(d))
        self.what.append("LayerNorm")
        if self.chance(0.5): return Value(self.node("LayerNormalization", x.name, scale, center, axis=-1, epsilon=eps), x.axes)
        mean = self.node("ReduceMean", x.name, self.constant([-1], "i8"))
        apart = self.node("Sub", x.name, mean)
        square = self.node("Pow", apart, self.constant(np.float32(2))) if self.chance(0.5) else self.node("Mul", apart, apart)
        deviation = self.node("Sqrt", self.node("Add", self.node("ReduceMean", square, self.constant([-1], "i8")), self.constant(np.float32(eps))))
        return Value(self.node("Add", self.node("Mul", self.node("Div", apart, deviation), scale), center), x.axes)

    def conv(self, v):
        wide = self.chance(0.25)  # as a Conv2D of one column
        lead = ("N",) if "N" in self.lead(v) else ()
        x = self.to(v, [lead, self.features(v), ("T",)] + ([()] if wide else []))
        d, m, k = self.size(x.axes[1]), int(self.pick(1, 2, 4, 6)), int(self.pick(1, 2, 3, 5))
        dilation = int(self.pick(1, 1, 1, 2))
        groups = int(self.pick(1, 1, d if m % d == 0 else 1, 2 if d % 2 == 0 and m % 2 == 0 else 1))
        span, steps = (k - 1) * dilation, self.sizes["T"]
        pads = self.pick([span, 0], [span // 2, span - span // 2], [span // 2, span // 2], [0, 0])
        if "T" not in self.open and steps + sum(pads) <= span: pads = [span, 0]
        keeps = sum(pads) == span
        if not keeps and ("T" in self.open): pads, keeps = [span, 0], True
        if not keeps and self.fixed_time: pads, keeps = [span, 0], True
        self.what.append(f"Conv({m}, {k}{', groups' if groups > 1 else ''})")
        name = x.name
        if self.chance(0.2) and sum(pads):  # padding of its own
            zeros = [0, 0] + [pads[0]] + ([0] if wide else []) + [0, 0] + [pads[1]] + ([0] if wide else [])
            name, pads = self.node("Pad", name, self.constant(zeros, "i8")), [0, 0]
        extra = [1] if wide else []
        attributes = {"kernel_shape": [k] + extra, "pads": [pads[0]] + [0] * wide + [pads[1]] + [0] * wide, "group": groups, "dilations": [dilation] + extra}
        if pads == [0, 0] and self.chance(0.5): attributes.pop("pads")
        operands = [name, self.constant(self.weights(m, d // groups, k, *extra, scale=0.6))] + ([self.constant(self.weights(m, scale=0.4))] if self.chance(0.8) else [])
        out = (self.feature(m),)
        if not keeps: self.shorten(sum(pads) - span)
        v = Value(self.node("Conv", *operands, **attributes), [x.axes[0], out, ("T",)] + x.axes[3:])
        if self.chance(0.3):
            v = Value(self.node("BatchNormalization", v.name, self.constant(self.rng.uniform(0.5, 1.5, m)), self.constant(self.weights(m, scale=0.3)),
                                self.constant(self.weights(m, scale=0.3)), self.constant(self.rng.uniform(0.5, 2, m))), v.axes)
            self.what.append("BatchNorm")
        if self.chance(0.6): v = Value(self.node(self.pick("Relu", "Tanh"), v.name), v.axes)
        return v

    fixed_time = False  # another value of the same length is waiting

    def shorten(self, by): self.sizes["T"] += by

    def pool(self, v):
        if "T" in self.open or self.sizes["T"] < 4 or self.fixed_time: return self.activation(v)
        lead = ("N",) if "N" in self.lead(v) else ()
        x = self.to(v, [lead, self.features(v), ("T",)])
        op, k = self.pick("MaxPool", "AveragePool"), int(self.pick(2, 3))
        y = self.node(op, x.name, kernel_shape=[k], strides=[self.pick(1, k)])
        stride = self.nodes[-1].attribute[1].ints[0]
        self.sizes["T"] = (self.sizes["T"] - k) // stride + 1
        self.what.append(f"{op}({k})")
        return Value(y, x.axes)

    def residual(self, v):
        x = self.features_last(v)
        was, self.fixed_time = self.fixed_time, True
        y = self.layers(x, self.rng.integers(1, 3), ("dense", "activation", "norm", "conv", "recurrent"))
        self.fixed_time = was
        if self.size(self.features(y)) != self.size(self.features(x)):
            w = self.constant(self.weights(self.size(self.features(y)), self.size(self.features(x))))
            y = self.features_last(y)
            y = Value(self.node("MatMul", y.name, w), y.axes[:-1] + [self.features(x)])
        elif self.features(y) != self.features(x):
            y = Value(y.name, [tuple(self.features(x) if a == self.features(y)[0] else (a,) for a in ()) or a for a in y.axes]) if False else self.renamed(y, self.features(x))
        y = self.to(y, x.axes)
        self.what.append("+")
        pair = [x.name, y.name] if self.chance(0.5) else [y.name, x.name]
        return Value(self.node(self.pick("Add", "Add", "Mul", "Sub"), *pair), x.axes)

    def renamed(self, v, features):
        """The features of v, of the same size, by other atoms."""
        mine = self.features(v)
        v = self.to(v, [(a,) for a in self.lead(v)] + [mine])
        return Value(v.name, v.axes[:-1] + [features])

    def branches(self, v):
        was, self.fixed_time = self.fixed_time, True
        x = self.features_last(v)
        parts = [self.layers(x, 1, ("dense", "activation", "conv", "recurrent")) for _ in range(2)]
        self.fixed_time = was
        lead = [(a,) for a in self.lead(x)]
        parts = [self.to(p, lead + [self.features(p)]) for p in parts]
        out = (self.feature(sum(self.size(p.axes[-1]) for p in parts)),)
        self.what.append("concat")
        return Value(self.node("Concat", *(p.name for p in parts), axis=self.pick(-1, len(lead))), lead + [out])

    def cut(self, v):
        x = self.features_last(v)
        d = self.size(x.axes[-1])
        if d < 2: return self.dense(x)
        begin = int(self.rng.integers(0, d - 1))
        end = int(self.rng.integers(begin + 1, d + 1))
        out = (self.feature(end - begin),)
        self.what.append("slice")
        if self.chance(0.3):
            k = int(self.rng.integers(1, d))
            names = self.node("Split", x.name, self.constant([k, d - k], "i8"), outputs=2, axis=len(x.axes) - 1)
            which = int(self.rng.integers(2))
            return Value(names[which], x.axes[:-1] + [(self.feature([k, d - k][which]),)])
        past = self.chance(0.3) and end == d
        return Value(self.node("Slice", x.name, self.constant([begin], "i8"), self.constant([2 ** 31 if past else end], "i8"),
                               self.constant([self.pick(-1, len(x.axes) - 1)], "i8")), x.axes[:-1] + [out])

    def scaled(self, v):
        x = self.features_last(v)
        d = self.size(x.axes[-1])
        self.what.append("scale")
        y = self.node(self.pick("Mul", "Add", "Sub", "Div"), x.name, self.constant(self.rng.uniform(0.5, 1.5, d) if self.chance(0.6) else np.float32(1.5)))
        return Value(y, x.axes)

    def layers(self, v, n, kinds=("dense", "activation", "norm", "conv", "recurrent", "recurrent", "residual", "branches", "cut", "scaled", "pool", "softmax")):
        for _ in range(n):
            v = getattr(self, kinds[self.rng.integers(len(kinds))])(v)
            if self.chance(0.15):  # a transpose half-way
                axes = [(a,) for a in self.lead(v)] + [self.features(v)]
                v = self.to(v, [axes[i] for i in self.rng.permutation(len(axes))])
        return v

    # ---- ends: time goes ----
    def end(self, v):
        how = self.pick("last", "mean", "max", "flatten", "state", "none", "none", "none")
        if how == "flatten" and ("T" in self.open): how = "mean"
        if how == "none" or "T" not in self.lead(v): return v
        self.what.append(how)
        if how == "state": return self.recurrent(v, only_last=True)
        if how == "flatten":
            lead = [("N",)] if "N" in self.lead(v) else [()]
            if self.chance(0.5): x = self.to(v, lead + [("T",), self.features(v)])
            else: x = self.to(v, lead + [self.features(v), ("T",)])
            axes = lead + [x.axes[1] + x.axes[2]]
            return Value(self.node("Flatten", x.name, axis=1), axes) if self.chance(0.5) else self.reshape(x, axes)
        x = self.to(v, [(a,) for a in (self.lead(v) if self.chance(0.7) else self.lead(v)[::-1])] + [self.features(v)])
        axis = x.axes.index(("T",))
        left = x.axes[:axis] + x.axes[axis + 1:]
        if how == "last":
            if self.chance(0.6): return Value(self.node("Gather", x.name, self.constant(-1, "i8"), axis=axis), left)
            y = self.node("Slice", x.name, self.constant([-1], "i8"), self.constant([2 ** 31 - 1], "i8"), self.constant([axis], "i8"))
            return self.drop_ones(Value(y, x.axes[:axis] + [()] + x.axes[axis + 1:]))
        keep = int(self.chance(0.3))
        y = self.node("ReduceMean" if how == "mean" else "ReduceMax", x.name, self.constant([axis], "i8"), keepdims=keep)
        return Value(y, x.axes[:axis] + ([()] if keep else []) + x.axes[axis + 1:])


def make(rng, folder, kind):
    b = Build(rng)
    batch = b.pick("open", "open", "one", "fixed", "absent")
    steps = int(b.pick(1, 2, 3, 5, 7, 9)) if b.chance(0.9) else 12
    time = b.pick("open", "fixed", "fixed")
    b.sizes.update(N={"open": int(rng.integers(1, 4)), "one": 1, "fixed": int(b.pick(2, 3, 4)), "absent": 1}[batch], T=steps)
    if batch == "open": b.open.add("N")
    if time == "open": b.open.add("T")
    words = b.chance(0.12)
    d = int(b.pick(1, 1, 2, 3, 4, 6))
    features = () if words else (b.feature(d),)
    axes = [("N",)] * (batch != "absent") + [("T",)]
    if b.chance(0.25): axes.reverse()
    if not words:
        axes.insert(len(axes) if b.chance(0.75) else int(rng.integers(len(axes))), features)
    if not words and b.chance(0.12): axes.insert(int(rng.integers(len(axes) + 1)), ())
    if not words and d == 1 and b.chance(0.4): axes.remove(features)  # a series without a feature axis
    shape = [b.size(a) for a in axes]
    names = {"N": b.pick("batch", "N", "batch_size", "s0", None), "T": b.pick("time", "seq_len", "s1", "T", None)}
    declared = [(names[a[0]] or f"unk__{i}") if a and a[0] in b.open else b.size(a) for i, a in enumerate(axes)]
    x = rng.integers(0, 11, shape) if words else rng.uniform(-1.5, 1.5, shape).astype("f4")
    v = Value("x", axes)
    if features and features not in axes: v = b.add_ones(v, axes + [()]); v = Value(v.name, axes + [features])
    if words:
        table = b.feature(int(b.pick(2, 3, 5)))
        v = Value(b.node("Gather", b.constant(b.weights(11, b.sizes[table], scale=1)), "x", axis=0), axes + [(table,)])
        b.what.append("Embedding")
    v = b.layers(v, int(rng.integers(0, 3)))
    if b.chance(0.9): v = b.recurrent(v)
    else: v = b.conv(v)
    v = b.layers(v, int(rng.integers(0, 3)))
    v = b.end(v)
    if "T" not in b.lead(v) or b.chance(0.5):
        v = b.dense(v)
        if b.chance(0.5): v = b.softmax(v) if b.chance(0.5) else Value(b.node("Sigmoid", v.name), v.axes)
    lead = [(a,) for a in b.lead(v)]
    if b.chance(0.2): lead.reverse()
    v = b.to(v, lead + [b.features(v)])
    b.nodes.append(helper.make_node("Identity", [v.name], ["y"]))
    out_shape = [names[a[0]] if a and a[0] in b.open else b.size(a) for a in v.axes]
    graph = helper.make_graph(b.nodes, "random", [helper.make_tensor_value_info("x", TensorProto.INT64 if words else TensorProto.FLOAT, declared)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, out_shape)], b.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = os.path.join(folder, "model.onnx")
    onnx.save(model, path)
    try: y = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    except Exception as problem: raise Unmade(str(problem).split("\n")[0][:120])
    options = ["--time", str(steps)] if time == "open" else []
    at = lambda value_axes: next((i for i, a in enumerate(value_axes) if "N" in a), None)
    return Case(path, [Port("x", x, at(axes))], [Port("y", y, at(v.axes))], options, f"{batch} batch, {declared}: " + " ".join(b.what))
