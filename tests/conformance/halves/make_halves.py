# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small models that compute in 16 bits, all of them or in the middle, and one that only stores its weights so.

    make_halves.py FOLDER

Needs numpy, onnx, onnxruntime, torch, tensorflow and keras, each of which runs in a process of its own. Each file has
an .npz of an input and of the output of its own framework."""
import os, subprocess, sys, warnings

import numpy as np

rng = np.random.default_rng(0)
x = rng.standard_normal((1, 5, 4)).astype("f4")
w = rng.standard_normal((4, 4)).astype("f4")


def record(stem, given, output, y):
    np.savez(stem + ".npz", **{given: x[0], output: np.asarray(y, "f4")[0]})


def make_onnx():
    import onnx, onnxruntime
    from onnx import TensorProto as T, helper as h, numpy_helper

    def model(name, nodes, weights, kind=T.FLOAT):
        ports = [h.make_tensor_value_info(n, kind, x.shape) for n in "xy"]
        graph = h.make_graph(nodes, name, ports[:1], ports[1:], [numpy_helper.from_array(weights, "w")])
        made = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(made, full_check=True)
        onnx.save(made, name + ".onnx")
        given = x.astype("f2") if kind == T.FLOAT16 else x
        record(name + ".onnx", "x", "y", onnxruntime.InferenceSession(name + ".onnx").run(None, {"x": given})[0])

    n, half, full = h.make_node, T.FLOAT16, T.FLOAT
    model("middle", [n("MatMul", "xw", "a"), n("Cast", "a", "b", to=half), n("Cast", "b", "c", to=full), n("Tanh", "c", "y")], w)
    model("part", [n("Cast", "x", "a", to=half), n("MatMul", "aw", "b"), n("Tanh", "b", "c"), n("Cast", "c", "y", to=full)], w.astype("f2"))
    model("all", [n("MatMul", "xw", "b"), n("Tanh", "b", "y")], w.astype("f2"), half)
    model("stored", [n("Cast", "w", "v", to=full), n("MatMul", "xv", "b"), n("Tanh", "b", "y")], w.astype("f2"))
    model("rounded", [n("Cast", "w", "v", to=half), n("Cast", "v", "u", to=full), n("MatMul", "xu", "b"), n("Tanh", "b", "y")], w)


def make_torch():
    import torch

    torch.manual_seed(0)

    class Middle(torch.nn.Module):
        def __init__(self, form):
            super().__init__()
            self.linear, self.form = torch.nn.Linear(4, 4), form

        def forward(self, x): return torch.tanh(self.form(self.linear(x)))

    def model(name, module, given=torch.tensor(x), inner="x"):
        module.eval()
        y = module(given).detach().float().numpy()
        torch.jit.save(torch.jit.trace(module, given), name + ".pt")
        torch.export.save(torch.export.export(module, (given,)), name + ".pt2")
        for ending in (".pt", ".pt2"): record(name + ending, inner, "tanh_2", y)

    model("middle", Middle(lambda v: v.half().float()))
    model("middle_bf16", Middle(lambda v: v.bfloat16().float()))
    model("all", torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Tanh()).half(), torch.tensor(x).half(), "input")


def make_tf():
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    class Cast(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 5, 4], tf.float32, name="x")])
        def run(self, x): return {"y": tf.tanh(tf.cast(tf.cast(tf.matmul(x, tf.constant(w)), tf.float16), tf.float32))}

    cast = Cast()
    function = cast.run.get_concrete_function()
    y = cast.run(x)["y"]
    with open("middle.pb", "wb") as to: to.write(convert_variables_to_constants_v2(function).graph.as_graph_def().SerializeToString())
    record("middle.pb", "x", "Identity", y)
    with open("middle.tflite", "wb") as to: to.write(tf.lite.TFLiteConverter.from_concrete_functions([function], cast).convert())
    record("middle.tflite", "x", "y", y)


def make_keras():
    global tf  # a name of the program in the Lambda, as people write it
    import keras
    import tensorflow as tf
    from keras import layers as L

    keras.utils.set_random_seed(0)

    def model(name, layers):
        given = keras.Input((5, 4), name="x")
        value = given
        for layer in layers: value = layer(value)
        made = keras.Model(given, value)
        made.save(name + ".keras")
        record(name + ".keras", "x", made.layers[-1].name, made.predict(x, verbose=0))

    model("layer", [L.GRU(3, return_sequences=True, dtype="mixed_float16", name="gru"), L.Dense(2, name="y")])
    model("lambda", [L.Dense(2, name="dense"), L.Lambda(lambda v: tf.cast(tf.cast(v, "bfloat16"), tf.float32), name="rounds"), L.ReLU(name="y")])


makers = {"onnx": make_onnx, "torch": make_torch, "tf": make_tf, "keras": make_keras}
os.makedirs(sys.argv[1], exist_ok=True)
if len(sys.argv) > 2:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    os.chdir(sys.argv[1])
    makers[sys.argv[2]]()
else:
    for maker in makers: subprocess.run([sys.executable, __file__, sys.argv[1], maker], check=True)
