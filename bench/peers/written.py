# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Published nets that have weights but no ONNX file, written as ONNX for `bench/compare --all`; started by
bench/peers/models.py with the Python that has numpy and onnx.

    written.py rnnoise weights_float.npz FOLDER      the network of RNNoise 0.1
    written.py nam capture.nam FOLDER                a WaveNet of Neural Amp Modeler, as its version 0.5 writes it

Out: FOLDER/peer.onnx, which onnxruntime runs, and FOLDER/step.onnx, which grus imports as a stream. They are the
same net with the same weights; of a capture, peer.onnx computes BLOCK samples a call and step.onnx one. States are
inputs of the files and come back as outputs, as streams are published elsewhere, and start at zero."""
import json
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCK = 64  # samples a call of an amplifier


class Graph:
    """An ONNX graph while it is written. Every method adds a node and gives the name of its value."""

    def __init__(self):
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []

    def input(self, name, shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, value, name, shape):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def weight(self, array, dtype=np.float32):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array, dtype), name))
        return name

    def node(self, operator, values, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, values, [name], **attributes))
        return name

    def save(self, path):
        graph = helper.make_graph(self.nodes, "net", self.inputs, self.outputs, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


# ---- RNNoise ----

def dense(graph, x, arrays, name):
    product = graph.node("MatMul", [x, graph.weight(arrays[name + "_0"])])
    return graph.node("Add", [product, graph.weight(arrays[name + "_1"])])


def gru(graph, x, arrays, name):
    """One step of a GRU that resets before it multiplies: Keras has the gates of ONNX in the order of ONNX (z, r, h)."""
    w, u, b = (arrays[f"{name}_{i}"] for i in range(3))
    units = len(u)
    state = graph.input(name + "_in", [1, 1, units])
    step = graph.node("Unsqueeze", [x, graph.weight([0], np.int64)])
    biases = np.concatenate([b, np.zeros(3 * units)])[None]
    end = f"{name}_end"
    graph.nodes.append(helper.make_node(
        "GRU", [step, graph.weight(w.T[None]), graph.weight(u.T[None]), graph.weight(biases), "", state], ["", end],
        hidden_size=units, linear_before_reset=0, activations=["Sigmoid", "Relu"]))
    graph.output(end, name + "_out", [1, 1, units])
    return graph.node("Squeeze", [end, graph.weight([0], np.int64)])


def rnnoise(path, folder):
    arrays, graph = np.load(path), Graph()
    features = graph.input("features", [1, 42])
    start = graph.node("Tanh", [dense(graph, features, arrays, "input_dense")])
    speech = gru(graph, start, arrays, "vad_gru")
    noise = gru(graph, graph.node("Concat", [start, speech, features], axis=1), arrays, "noise_gru")
    last = gru(graph, graph.node("Concat", [speech, noise, features], axis=1), arrays, "denoise_gru")
    graph.output(graph.node("Sigmoid", [dense(graph, last, arrays, "denoise_output")]), "gains", [1, 22])
    graph.output(graph.node("Sigmoid", [dense(graph, speech, arrays, "vad_output")]), "vad", [1, 1])
    for name in ("peer.onnx", "step.onnx"):
        graph.save(os.path.join(folder, name))


# ---- Neural Amp Modeler ----

class Weights:
    """The one list of numbers of a capture, taken in the order in which its engine reads them."""

    def __init__(self, numbers):
        self.numbers, self.at = np.array(numbers, np.float32), 0

    def take(self, *shape):
        count = int(np.prod(shape))
        self.at += count
        return self.numbers[self.at - count:self.at].reshape(shape)


def convolution(graph, x, weights, outputs, inputs, kernel=1, bias=True, **attributes):
    arrays = [graph.weight(weights.take(outputs, inputs, kernel))]
    if bias:
        arrays.append(graph.weight(weights.take(outputs)))
    return graph.node("Conv", [x] + arrays, kernel_shape=[kernel], **attributes)


def past(graph, x, channels, steps, name):
    """x after the `steps` steps before it, which the caller keeps."""
    before = graph.input(name + "_in", [1, channels, steps])
    joined = graph.node("Concat", [before, x], axis=2)
    slice_of = [graph.weight([n], np.int64) for n in (-steps, np.iinfo(np.int64).max, 2)]
    graph.output(graph.node("Slice", [joined] + slice_of), name + "_out", [1, channels, steps])
    return joined


def nam_write(config, numbers, block, path):
    weights, graph = Weights(numbers), Graph()
    condition = graph.input("x", [1, 1, block])
    x, heads = condition, None
    for number, array in enumerate(config["layers"]):
        if array["gated"] or array["activation"] != "Tanh" or config["head"]:
            sys.exit(f"{path}: only ungated WaveNets with tanh and without a head of their own are written")
        channels, kernel = array["channels"], array["kernel_size"]
        x = convolution(graph, x, weights, channels, array["input_size"], bias=False)
        for layer, dilation in enumerate(array["dilations"]):
            before = past(graph, x, channels, (kernel - 1) * dilation, f"past{number}_{layer}")
            z = convolution(graph, before, weights, channels, channels, kernel, dilations=[dilation])
            mixed = convolution(graph, condition, weights, channels, array["condition_size"], bias=False)
            z = graph.node("Tanh", [graph.node("Add", [z, mixed])])
            heads = graph.node("Add", [heads, z]) if heads else z
            x = graph.node("Add", [x, convolution(graph, z, weights, channels, channels)])
        heads = convolution(graph, heads, weights, array["head_size"], channels, bias=array["head_bias"])
    y = graph.node("Mul", [heads, graph.weight(weights.take(1))])
    if weights.at != len(weights.numbers):
        sys.exit(f"{path}: {len(weights.numbers)} weights, and the net has {weights.at}")
    graph.output(y, "y", [1, 1, block])
    graph.save(path)


def nam(path, folder):
    with open(path) as file:
        capture = json.load(file)
    for name, block in (("peer.onnx", BLOCK), ("step.onnx", 1)):
        nam_write(capture["config"], capture["weights"], block, os.path.join(folder, name))


if __name__ == "__main__":
    {"rnnoise": rnnoise, "nam": nam}[sys.argv[1]](sys.argv[2], sys.argv[3])
