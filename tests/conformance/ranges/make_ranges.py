# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the quantised files beside it with constant scales for their values, as onnxruntime's static quantisation and the
converter of TensorFlow Lite write them, and what these two compute: NAME.onnx or .tflite, and NAME.npz with the input and the
output as real numbers, samples first. The weights are random.

    python -m venv env && env/bin/pip install onnx onnxruntime tensorflow-cpu
    env/bin/python make_ranges.py [onnx | tflite]"""
import os
import sys

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
SAMPLES = 8


def save(name, **arrays): np.savez(os.path.join(FOLDER, name + ".npz"), **{k: np.asarray(v, "f4") for k, v in arrays.items()})


# ---- ONNX ----

def onnx_files():
    import onnx
    import onnxruntime as ort
    from onnx import TensorProto as T, helper as h, numpy_helper as nh
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    rng = np.random.default_rng(7)

    class Data(CalibrationDataReader):
        def __init__(self, x): self.rest = iter([{"x": s[None]} for s in x])
        def get_next(self): return next(self.rest, None)

    def number(name, *shape, size=0.5): return nh.from_array(rng.normal(0, size, shape).astype("f4"), name)

    def quantised(name, nodes, weights, shape, **options):
        graph = h.make_graph(nodes, "net", [h.make_tensor_value_info("x", T.FLOAT, [1, *shape])], [h.make_tensor_value_info("y", T.FLOAT, None)], weights)
        real = os.path.join("/tmp", name + ".onnx")
        onnx.save(onnx.shape_inference.infer_shapes(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="make_ranges")), real)
        path = os.path.join(FOLDER, name + ".onnx")
        x = rng.uniform(-1, 1, (64, *shape)).astype("f4")
        quantize_static(real, path, Data(x), quant_format=QuantFormat.QDQ, **options)
        off = ort.SessionOptions()
        off.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(path, off, providers=["CPUExecutionProvider"])
        x = x[:SAMPLES]
        save(name, x=x, y=np.concatenate([session.run(None, {"x": s[None]})[0] for s in x]))

    conv = [h.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[2, 0]), h.make_node("Relu", ["c1"], ["r1"]),
            h.make_node("Conv", ["r1", "w2", "b2"], ["c2"], strides=[2]), h.make_node("Relu", ["c2"], ["r2"]),
            h.make_node("GlobalAveragePool", ["r2"], ["p"]), h.make_node("Flatten", ["p"], ["f"]), h.make_node("Gemm", ["f", "w3", "b3"], ["y"])]
    weights = [number("w1", 6, 4, 3), number("b1", 6), number("w2", 5, 6, 3), number("b2", 5), number("w3", 5, 3), number("b3", 3)]
    quantised("static_conv", conv, weights, (4, 13), per_channel=True, weight_type=QuantType.QInt8, activation_type=QuantType.QInt8)

    lstm = [h.make_node("MatMul", ["x", "w1"], ["m"]), h.make_node("Add", ["m", "b1"], ["a"]), h.make_node("Relu", ["a"], ["r"]),
            h.make_node("Transpose", ["r"], ["t"], perm=[1, 0, 2]), h.make_node("LSTM", ["t", "w", "u", "b"], ["", "h"], hidden_size=6),
            h.make_node("Squeeze", ["h", "zero"], ["s"]), h.make_node("Gemm", ["s", "w2", "b2"], ["y"])]
    weights = [number("w1", 3, 5), number("b1", 5), number("w", 1, 24, 5), number("u", 1, 24, 6), number("b", 1, 48), number("w2", 6, 2), number("b2", 2),
               nh.from_array(np.array([0], "i8"), "zero")]
    quantised("static_lstm", lstm, weights, (9, 3), weight_type=QuantType.QUInt8, activation_type=QuantType.QUInt8)

    first = [h.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]), h.make_node("GRU", ["t", "w", "u", "b"], ["", "h"], hidden_size=6, linear_before_reset=1),
             h.make_node("Squeeze", ["h", "zero"], ["s"]), h.make_node("Gemm", ["s", "w2", "b2"], ["y"])]
    weights = [number("w", 1, 18, 3), number("u", 1, 18, 6), number("b", 1, 36), number("w2", 6, 2), number("b2", 2), nh.from_array(np.array([0], "i8"), "zero")]
    quantised("real_first", first, weights, (9, 3), op_types_to_quantize=["Gemm"])

    small_integers(onnx, ort, h, nh, T)


def small_integers(onnx, ort, h, nh, T):
    """four_bits: a scale for each column, then for each block of 4 rows of a column, values of 4 bits between.
    wide_bytes: weights between -100 and 155 steps. no_scale: a scale of 0. rows: a table of integers that use 90 of
    their 127 steps, which stay the same integers. one_end: real numbers of which a Clip bounds
    one end alone, before the first integers. long_rows: sums of 520 products of nearly 127, which do not fit 32 bits with values of 16 bits."""
    rng = np.random.default_rng(9)

    def four(name, shape, signed): return h.make_tensor(name, T.INT4 if signed else T.UINT4, shape, (rng.integers(-8, 8, shape) + (0 if signed else 8)).flatten().tolist())
    def number(name, value, kind="f4"): return nh.from_array(np.asarray(value, kind), name)
    def pair(x, scale, zero, y): return [h.make_node("QuantizeLinear", [x, scale, zero], [y + "_q"]), h.make_node("DequantizeLinear", [y + "_q", scale, zero], [y])]
    ends = [number("s0", 0.01), number("z0", -3, "i1"), number("s2", 0.05), number("z2", 120, "u1")]
    second = [h.make_node("DequantizeLinear", ["v", "sv", "zv"], ["vr"], axis=0, block_size=4), h.make_node("MatMul", ["m", "vr"], ["n"])]
    cases = {"four_bits": (pair("x", "s0", "z0", "xr") + [h.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wr"], axis=1), h.make_node("MatMul", ["xr", "wr"], ["a"])] + pair("a", "s1", "z1", "m") + second + pair("n", "s2", "z2", "y"),
                           [four("w", (5, 8), True), number("sw", rng.uniform(0.05, 0.2, 8)), h.make_tensor("zw", T.INT4, (8,), rng.integers(-2, 3, 8).tolist()), number("s1", 0.2), h.make_tensor("z1", T.INT4, (), [1]),
                            four("v", (8, 3), False), number("sv", rng.uniform(0.05, 0.2, (2, 3))), h.make_tensor("zv", T.UINT4, (2, 3), rng.integers(5, 11, 6).tolist())]),
             "wide_bytes": (pair("x", "s0", "z0", "xr") + [h.make_node("DequantizeLinear", ["w", "sw", "zw"], ["wr"], axis=1), h.make_node("MatMul", ["xr", "wr"], ["n"])] + pair("n", "s2", "z2", "y"),
                            [nh.from_array(np.vstack([rng.integers(0, 256, (4, 3)), [[255] * 3]]).astype("u1"), "w"), number("sw", rng.uniform(0.005, 0.02, 3)), number("zw", [100] * 3, "u1")])}
    cases["no_scale"] = (cases["wide_bytes"][0], cases["wide_bytes"][1])
    first = [h.make_node("MatMul", ["x", "u"], ["p"]), h.make_node("Clip", ["p", "", "high"], ["c"]), h.make_node("MatMul", ["c", "t"], ["x0"])]
    wide, weights = cases["wide_bytes"]
    cases["one_end"] = (first + [h.make_node("Identity", ["x0"], ["x1"])] + pair("x1", "s0", "z0", "xr") + wide[2:], weights + [number(n, rng.uniform(-1, 1, (5, 5))) for n in "ut"] + [number("high", 1)])
    for name, (nodes, weights) in cases.items():
        first = ends if name != "no_scale" else [number("s0", 0)] + ends[1:]
        graph = h.make_graph(nodes, "net", [h.make_tensor_value_info("x", T.FLOAT, [1, 5])], [h.make_tensor_value_info("y", T.FLOAT, None)], first + weights)
        path = os.path.join(FOLDER, name + ".onnx")
        onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10, producer_name="make_ranges"), path)
        if name == "no_scale": continue
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
        x = rng.uniform(-1, 1, (SAMPLES, 5)).astype("f4")
        save(name, x=x, y=np.concatenate([session.run(None, {"x": s[None]})[0] for s in x]))
    nodes = [h.make_node("Gather", ["w", "x"], ["e"]), h.make_node("DequantizeLinear", ["e", "s0"], ["er"]), h.make_node("ReduceMean", ["er"], ["y"], axes=[1], keepdims=0)]
    table = np.vstack([[[90, -90, 1]], rng.integers(-90, 91, (10, 3))]).astype("i1")
    graph = h.make_graph(nodes, "net", [h.make_tensor_value_info("x", T.INT64, [1, 6])], [h.make_tensor_value_info("y", T.FLOAT, None)], [ends[0], nh.from_array(table, "w")])
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="make_ranges"), os.path.join(FOLDER, "rows.onnx"))
    nodes = pair("x", "s0", "z0", "xr") + [h.make_node("DequantizeLinear", ["w", "sw"], ["wr"]), h.make_node("MatMul", ["xr", "wr"], ["n"])] + pair("n", "s1", "z1", "y")
    graph = h.make_graph(nodes, "net", [h.make_tensor_value_info("x", T.FLOAT, [1, 520])], [h.make_tensor_value_info("y", T.FLOAT, None)],
                         ends[:2] + [number("s1", 1 / 4), number("z1", 3, "i1"), number("sw", 0.01), nh.from_array(rng.choice([127, -127, 126], (520, 2)).astype("i1"), "w")])
    path = os.path.join(FOLDER, "long_rows.onnx")
    onnx.save(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="make_ranges"), path)
    session, x = ort.InferenceSession(path, providers=["CPUExecutionProvider"]), rng.uniform(-1, 1, (SAMPLES, 520)).astype("f4")
    save("long_rows", x=x, y=np.concatenate([session.run(None, {"x": s[None]})[0] for s in x]))


# ---- TensorFlow Lite ----

def tflite_files():
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import tensorflow as tf
    import tf_keras as keras
    rng, L = np.random.default_rng(8), keras.layers

    def converted(name, *layers, shape, wide=False):
        keras.backend.clear_session()
        model = keras.Sequential([keras.Input(shape, batch_size=1, name="x"), *layers])
        model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.weights])
        x = rng.uniform(-1, 1, (64, *shape)).astype("f4")
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([s[None]] for s in x)
        sets = tf.lite.OpsSet
        converter.target_spec.supported_ops = [sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8 if wide else sets.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int16 if wide else tf.int8
        content = converter.convert()
        with open(os.path.join(FOLDER, name + ".tflite"), "wb") as file: file.write(content)
        lite = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
        lite.allocate_tensors()
        given, got = lite.get_input_details()[0], lite.get_output_details()[0]
        (scale, zero), ins, outs = given["quantization"], [], []
        for s in x[:SAMPLES]:
            q = np.clip(np.round(s / scale) + zero, np.iinfo(given["dtype"]).min, np.iinfo(given["dtype"]).max).astype(given["dtype"])
            lite.reset_all_variables()
            lite.set_tensor(given["index"], q[None])
            lite.invoke()
            out_scale, out_zero = got["quantization"]
            ins.append((q.astype("f8") - zero) * scale)
            outs.append((lite.get_tensor(got["index"])[0].astype("f8") - out_zero) * out_scale)
        save(name, x=np.stack(ins), y=np.stack(outs))

    converted("lstm_int8", L.LSTM(6), L.Dense(2, name="y"), shape=(9, 3))
    converted("conv_int8", L.Conv1D(6, 3, activation="relu"), L.Conv1D(5, 3, strides=2, activation="relu"), L.GlobalAveragePooling1D(), L.Dense(3, name="y"), shape=(11, 4))
    converted("conv_16x8", L.Conv1D(6, 3, activation="relu"), L.Conv1D(5, 3, strides=2, activation="relu"), L.GlobalAveragePooling1D(), L.Dense(3, name="y"), shape=(11, 4), wide=True)

    real_beside()


def real_beside():
    """A sum is read as it is, and as integers that reach less far."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../graph/tflite"))
    from flat_file import Model
    rng = np.random.default_rng(10)

    def number(*shape): return g.constant(rng.normal(0, 1, shape).astype("f4"))
    model = Model()
    g = model.main
    y = g.call("FULLY_CONNECTED", [g.input("x", (1, 3)), number(4, 3), -1], (1, 4))
    near = g.call("DEQUANTIZE", [g.call("QUANTIZE", [y], (1, 4), "int8", scale=0.002, zero=0)], (1, 4))
    g.output(g.call("SUB", [g.call("FULLY_CONNECTED", [y, number(2, 4), -1], (1, 2)), g.call("FULLY_CONNECTED", [near, number(2, 4), -1], (1, 2))], (1, 2)))
    with open(os.path.join(FOLDER, "real_beside.tflite"), "wb") as file: file.write(model.content())


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    which = sys.argv[1:] or ["onnx", "tflite"]
    if "onnx" in which: onnx_files()
    if "tflite" in which: tflite_files()
