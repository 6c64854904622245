# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/integers: ONNX files that compute in integers of 8 bits, in each of the ways that quantisers write. Where the scales
of activations are constants, what onnxruntime makes of the file is recorded, operator by operator; elsewhere, what it makes
of the same net with real numbers: its weights are what the integers stand for, and nothing is rounded.

    python make_integers.py            (onnx, onnxruntime, numpy from PyPI)

NAME.onnx, NAME.npz: in_x and out_y, one sample. fixtures/refused/integers_NAME_E902.onnx: what has no stage."""
import os
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto as T, helper as h, numpy_helper as nh

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "integers")
rng = np.random.default_rng(5)


class Net:
    def __init__(self): self.nodes, self.inits, self.n = [], [], 0

    def constant(self, a):
        self.inits.append(nh.from_array(np.asarray(a), f"k{len(self.inits)}"))
        return self.inits[-1].name

    def call(self, op, *inputs, n=1, **attributes):
        self.n += 1
        names = [f"v{self.n}_{i}" for i in range(n)]
        self.nodes.append(h.make_node(op, inputs, names, **attributes))
        return names[0] if n == 1 else names

    def model(self, y, shape, elem=T.FLOAT):
        nodes = self.nodes + [h.make_node("Identity", [y], ["y"])]
        graph = h.make_graph(nodes, "net", [h.make_tensor_value_info("x", elem, shape)], [h.make_tensor_value_info("y", T.FLOAT, None)], self.inits)
        return h.make_model(graph, opset_imports=[h.make_opsetid("", 17), h.make_opsetid("com.microsoft", 1)], ir_version=8, producer_name="make_integers")


class Weights:
    """integers with a scale and a zero point for all, or for each position of an axis"""
    def __init__(self, *shape, axis=None, elem="i1"):
        n = () if axis is None else (shape[axis],)
        low, high = np.iinfo(elem).min, np.iinfo(elem).max
        self.q = rng.integers(low, high + 1, shape).astype(elem)
        self.scale = rng.uniform(0.002, 0.006, n).astype("f4")
        self.zero = rng.integers((low + high) // 2 - 5, (low + high) // 2 + 6, n).astype(elem)
        self.axis = axis

    def real(self):
        wide = lambda a: a if a.ndim == 0 else a.reshape([-1 if i == self.axis else 1 for i in range(self.q.ndim)])
        return ((self.q.astype("f4") - wide(self.zero).astype("f4")) * wide(self.scale)).astype("f4")


def both(name, build, x, shape, elem=T.FLOAT, rounded=False):
    """build(net, exact): y of a net; exact: of real numbers. rounded: the file itself is recorded."""
    path = os.path.join(HERE, name + ".onnx")
    net, real = Net(), Net()
    onnx.save(net.model(build(net, False), shape, elem), path)
    recorded = onnx.load(path) if rounded else real.model(build(real, True), shape, elem)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(recorded.SerializeToString(), options, providers=["CPUExecutionProvider"])
    np.savez(path[:-5] + ".npz", in_x=x, out_y=session.run(None, {"x": x})[0])


def product(net, exact, x, w, conv=None):
    """x W, or a convolution, as quantize_dynamic writes it"""
    if exact: return net.call("Conv", x, net.constant(w.real()), **conv) if conv else net.call("MatMul", x, net.constant(w.real()))
    q, s, z = net.call("DynamicQuantizeLinear", x, n=3)
    y = net.call("ConvInteger" if conv else "MatMulInteger", q, net.constant(w.q), z, net.constant(w.zero), **(conv or {}))
    scale = w.scale.reshape(-1, 1) if conv and w.scale.ndim else w.scale
    return net.call("Mul", net.call("Cast", y, to=T.FLOAT), net.call("Mul", s, net.constant(scale)))


def rounded(net, exact, x, scale, zero, elem="u1"):
    """QuantizeLinear and DequantizeLinear: what is below the least integer is cut off where that stands for 0"""
    if exact: return net.call("Relu", x) if zero == np.iinfo(elem).min else x
    scale, zero = net.constant(np.array(scale, "f4")), net.constant(np.array(zero, elem))
    return net.call("DequantizeLinear", net.call("QuantizeLinear", x, scale, zero), scale, zero)


def weights(net, exact, w):
    if exact: return net.constant(w.real())
    more = {} if w.axis is None else {"axis": w.axis}
    return net.call("DequantizeLinear", net.constant(w.q), net.constant(w.scale), net.constant(w.zero), **more)


def dynamic_dense():
    a, b, bias = Weights(5, 8), Weights(8, 3, axis=1, elem="u1"), rng.uniform(-1, 1, 8).astype("f4")
    def build(net, exact):
        x = net.call("Relu", net.call("Add", product(net, exact, "x", a), net.constant(bias)))
        return product(net, exact, x, b)
    both("dynamic_dense", build, rng.standard_normal((1, 5)).astype("f4"), ["n", 5])


def dynamic_conv():
    a, b, c = Weights(6, 4, 3), Weights(6, 1, 5, elem="u1"), Weights(3, 6, 1)
    def build(net, exact):
        x = net.call("Tanh", product(net, exact, "x", a, dict(pads=[2, 0])))
        x = net.call("Relu", product(net, exact, x, b, dict(pads=[4, 0], group=6)))
        return net.call("Squeeze", net.call("ReduceMean", product(net, exact, x, c, dict(kernel_shape=[1])), axes=[2], keepdims=1), net.constant(np.array([2], "i8")))
    both("dynamic_conv", build, rng.standard_normal((1, 4, 9)).astype("f4"), ["n", 4, 9])


def dynamic_lstm():
    w, r, d = Weights(1, 3, 16), Weights(1, 4, 16), Weights(4, 2)
    bias = rng.uniform(-1, 1, (1, 32)).astype("f4")
    def build(net, exact):
        x = net.call("Transpose", "x", perm=[1, 0, 2])
        if exact:
            turned = [net.constant(np.ascontiguousarray(v.real().transpose(0, 2, 1))) for v in (w, r)]
            _, state = net.call("LSTM", x, *turned, net.constant(bias), n=2, hidden_size=4)
        else:
            vector = lambda a: net.constant(np.asarray(a).reshape(1))
            _, state = net.call("DynamicQuantizeLSTM", x, net.constant(w.q), net.constant(r.q), net.constant(bias), "", "", "", "", vector(w.scale), vector(w.zero),
                                vector(r.scale), vector(r.zero), n=2, hidden_size=4, domain="com.microsoft")
        return product(net, exact, net.call("Squeeze", state, net.constant(np.array([0], "i8"))), d)
    both("dynamic_lstm", build, rng.standard_normal((1, 7, 3)).astype("f4"), ["n", 7, 3])


def pairs_gru():
    w, r, d = Weights(1, 12, 3), Weights(1, 12, 4), Weights(4, 2, axis=1)
    bias = rng.uniform(-1, 1, (1, 24)).astype("f4")
    def build(net, exact):
        x = net.call("Transpose", rounded(net, exact, "x", 0.04, 128), perm=[1, 0, 2])
        _, state = net.call("GRU", x, weights(net, exact, w), weights(net, exact, r), net.constant(bias), n=2, hidden_size=4, linear_before_reset=1)
        state = rounded(net, exact, net.call("Squeeze", state, net.constant(np.array([0], "i8"))), 0.008, -128, "i1") # cut at 0: a relu
        return rounded(net, exact, net.call("MatMul", state, weights(net, exact, d)), 0.02, 120)
    both("pairs_gru", build, rng.standard_normal((1, 7, 3)).astype("f4"), ["n", 7, 3], rounded=True)


def limits():
    """values beyond both ends of their integers, of 8 bits with a sign, and a sigmoid that ends at 255/256"""
    a, b, bias = Weights(5, 8), Weights(8, 3), rng.uniform(-1, 1, 8).astype("f4")
    def build(net, exact):
        x = rounded(net, exact, net.call("Add", net.call("MatMul", rounded(net, exact, "x", 0.008, 3, "i1"), weights(net, exact, a)), net.constant(bias)), 0.006, -20, "i1")
        return rounded(net, exact, net.call("Sigmoid", net.call("Mul", net.call("MatMul", x, weights(net, exact, b)), net.constant(np.array(9, "f4")))), 1 / 256, 0)
    both("limits", build, 2 * rng.standard_normal((1, 5)).astype("f4"), ["n", 5], rounded=True)


def whole_conv():
    """QLinearConv, an integer average, and integers that are read by another scale than they were written by"""
    a, scale = Weights(6, 4, 3), 0.03
    a.zero = np.array(0, "i1")
    bias = rng.integers(-4000, 4000, 6).astype("i4")
    def build(net, exact):
        if exact:
            y = net.call("Conv", "x", net.constant(a.real()), net.constant((bias * (scale * a.scale)).astype("f4")), pads=[2, 0])
            y = net.call("Mul", net.call("Add", y, net.constant(np.array(3 * 0.05, "f4"))), net.constant(np.array(0.06 / 0.05, "f4")))
        else:
            k = lambda v, elem: net.constant(np.array(v, elem))
            q = net.call("QuantizeLinear", "x", k(scale, "f4"), k(128, "u1"))
            y = net.call("QLinearConv", q, k(scale, "f4"), k(128, "u1"), net.constant(a.q), net.constant(a.scale), net.constant(a.zero), k(0.05, "f4"), k(127, "u1"), net.constant(bias), pads=[2, 0])
            y = net.call("DequantizeLinear", y, k(0.06, "f4"), k(124, "u1"))
        return net.call("Squeeze", net.call("ReduceMean", y, axes=[2], keepdims=1), net.constant(np.array([2], "i8")))
    both("whole_conv", build, rng.standard_normal((1, 4, 9)).astype("f4"), ["n", 4, 9], rounded=True)


def table():
    """rows of an integer table, moved before they become real numbers"""
    t, w, r, bias = Weights(11, 3, elem="u1"), rng.uniform(-1, 1, (1, 12, 3)).astype("f4"), rng.uniform(-1, 1, (1, 12, 4)).astype("f4"), rng.uniform(-1, 1, (1, 24)).astype("f4")
    def build(net, exact):
        rows = net.call("Transpose", net.call("Gather", net.constant(t.real() if exact else t.q), "x"), perm=[1, 0, 2])
        if not exact: rows = net.call("DequantizeLinear", rows, net.constant(t.scale), net.constant(t.zero))
        _, state = net.call("GRU", rows, net.constant(w), net.constant(r), net.constant(bias), n=2, hidden_size=4)
        return net.call("Squeeze", state, net.constant(np.array([0], "i8")))
    both("table", build, rng.integers(0, 11, (1, 7)).astype("i8"), ["n", 7], T.INT64)


def sound():
    """samples of 16 bits, time after the features, that are cast and scaled"""
    w, r = rng.uniform(-1, 1, (1, 12, 3)).astype("f4"), rng.uniform(-1, 1, (1, 12, 4)).astype("f4")
    def build(net, exact):
        real = net.call("Div", net.call("Cast", "x", to=T.FLOAT), net.constant(np.array(32768, "f4")))
        _, state = net.call("GRU", net.call("Transpose", real, perm=[2, 0, 1]), net.constant(w), net.constant(r), n=2, hidden_size=4)
        return net.call("Squeeze", state, net.constant(np.array([0], "i8")))
    both("sound", build, rng.integers(-32768, 32768, (1, 3, 7)).astype("i2"), ["n", 3, 7], T.INT16)


def padded():
    """a Pad without a value adds the integer 0, which stands for 0 if the zero point is 0"""
    w = Weights(8, 3)
    def build(net, exact):
        q = [net.constant(np.array(0.01, "f4")), net.constant(np.array(0, "u1"))]
        y = net.call("Pad", net.call("QuantizeLinear", "x", *q), net.constant(np.array([0, 1, 0, 2], "i8")))
        return net.call("MatMul", net.call("DequantizeLinear", y, *q), weights(net, exact, w))
    both("padded", build, rng.uniform(0, 2, (1, 5)).astype("f4"), ["n", 5], rounded=True)


def refused():
    """and for another number if the zero point is another one, or is found anew in each call; a cast to fewer bits"""
    net, folder = Net(), os.path.join(HERE, "..", "refused")
    y = net.call("Cast", net.call("Cast", "x", to=T.INT8), to=T.FLOAT)
    onnx.save(net.model(y, ["n", 5], T.INT32), os.path.join(folder, "integers_cast_E902.onnx"))
    for name in "pad", "pad_dynamic":
        net = Net()
        q = [net.constant(np.array(0.01, "f4")), net.constant(np.array(128, "u1"))]
        y = net.call("QuantizeLinear", "x", *q) if name == "pad" else net.call("DynamicQuantizeLinear", "x", n=3)
        y, q = (y, q) if name == "pad" else (y[0], y[1:])
        y = net.call("Pad", y, net.constant(np.array([0, 1, 0, 2], "i8")))
        onnx.save(net.model(net.call("DequantizeLinear", y, *q), ["n", 5]), os.path.join(folder, f"integers_{name}_E902.onnx"))


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    dynamic_dense(), dynamic_conv(), dynamic_lstm(), pairs_gru(), whole_conv(), table(), limits(), sound(), padded(), refused()
