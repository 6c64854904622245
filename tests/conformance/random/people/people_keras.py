# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nets of Keras as people write them (with_keras.py), through every way out of Keras, and through grus.

    python people_keras.py KIND... [--only NAME] [--grus build/release/bin/grus] [--keep FOLDER]

KIND is keras, h5, saved (a SavedModel), tf2onnx, tflite, tflite_dynamic (weights in 8 bits), tflite_half (weights in 16
bits), tflite_int8 and tflite_16x8 (all in integers, calibrated). A model in integers is compared with what the interpreter
computes up to a tenth of the largest number, for grus computes with the real numbers; import compares it with its graph."""
import contextlib, importlib, os, sys, warnings
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
warnings.filterwarnings("ignore")
import numpy as np
from case import Case, Port
import run
from survey import survey
import nets

KINDS = ("keras", "h5", "saved", "tf2onnx", "tflite", "tflite_dynamic", "tflite_half", "tflite_int8", "tflite_16x8")


@contextlib.contextmanager
def quiet():
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere): yield


def built(name):
    import keras
    maker, texts = nets.KERAS[name]
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    model, rng = maker(), np.random.default_rng(7)
    for layer in model.layers:  # statistics and weights as after training
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) if "gamma" in v.path or "variance" in v.path else rng.uniform(-0.5, 0.5, w.shape) for v, w in zip(layer.weights, layer.get_weights())])
    return model, [nets.data_of(t, rng, 2).astype("i4" if ":" in t else "f4") for t in texts], texts


def converted(model, data, kind):
    import tensorflow as tf
    signature = [tf.TensorSpec((1, *x.shape[1:]), x.dtype, x.name) for x in model.inputs]
    traced = tf.function(lambda *x: model(list(x) if len(x) > 1 else x[0], training=False), input_signature=signature, autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    converter.experimental_lower_to_saved_model = False
    converter.exclude_conversion_metadata = True
    if kind != "tflite": converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "tflite_half": converter.target_spec.supported_types = [tf.float16]
    if kind in ("tflite_int8", "tflite_16x8"):
        rng = np.random.default_rng(3)
        fresh = lambda a: rng.integers(0, a.max() + 1, (1, *a.shape[1:])).astype(a.dtype) if a.dtype.kind == "i" else rng.uniform(-1.5, 1.5, (1, *a.shape[1:])).astype("f4")
        converter.representative_dataset = lambda: ([fresh(a) for a in data] for _ in range(40))
        ops = tf.lite.OpsSet
        converter.target_spec.supported_ops = [ops.TFLITE_BUILTINS_INT8 if kind == "tflite_int8" else ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
        if kind == "tflite_int8" and all(a.dtype.kind == "f" for a in data): converter.inference_input_type = converter.inference_output_type = tf.int8
    with quiet(): return converter.convert()


def interpreted(content, data):
    """The ports of a .tflite: integers with a scale are given and taken as the real numbers that they mean."""
    import tensorflow as tf
    interpreter = tf.lite.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    ins, left = [], list(data)
    for detail in interpreter.get_input_details():
        k = next(i for i, a in enumerate(left) if list(a.shape[1:]) == list(detail["shape"][1:]) and (a.dtype.kind == "i") == (detail["dtype"] == np.int32))
        a, (scale, zero) = left.pop(k)[:1], detail["quantization"]
        given = a if not scale else np.clip(np.round(a / scale) + zero, np.iinfo(detail["dtype"]).min, np.iinfo(detail["dtype"]).max).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], given)
        ins.append(Port(detail["name"], a if not scale else ((given.astype("f8") - zero) * scale).astype("f4"), 0))
    interpreter.invoke()
    outs = []
    for detail in interpreter.get_output_details():
        a, (scale, zero) = interpreter.get_tensor(detail["index"]), detail["quantization"]
        outs.append(Port(detail["name"], a if not scale else ((a.astype("f8") - zero) * scale).astype("f4"), 0))
    return ins, outs


def make(name, kind, folder):
    model, data, texts = built(name)
    if kind.startswith("tflite"):
        content = converted(model, data, kind)
        path = os.path.join(folder, "model.tflite")
        open(path, "wb").write(content)
        ins, outs = interpreted(content, data)
        return Case(path, ins, outs, [], name)
    y = model(data if len(data) > 1 else data[0], training=False)
    y = y if isinstance(y, (list, tuple)) else [y]
    path = os.path.join(folder, {"saved": "saved_model", "tf2onnx": "model.onnx"}.get(kind, "model." + kind))
    with quiet():
        if kind == "saved": model.export(path)
        elif kind == "tf2onnx":
            import tensorflow as tf, tf2onnx
            signature = [tf.TensorSpec((None, *x.shape[1:]), x.dtype, f"x{k}") for k, x in enumerate(model.inputs)]
            call = tf.function(lambda *x: model(list(x) if len(x) > 1 else x[0], training=False), input_signature=signature)
            tf2onnx.convert.from_function(call, input_signature=signature, opset=17, output_path=path)
        else: model.save(path)
    names = [x.name for x in model.inputs] if kind == "saved" else [f"x{k}" for k in range(len(data))]
    return Case(path, [Port(n, a, 0) for n, a in zip(names, data)], [Port(f"y{k}", np.asarray(a), 0) for k, a in enumerate(y)], [], name)


def prepare(kind):
    importlib.import_module("with_keras")
    run.RELATIVE = 0.1 if kind in ("tflite_int8", "tflite_16x8") else 0.02 if kind == "tflite_dynamic" else 2e-4


if __name__ == "__main__": survey(__doc__, KINDS, prepare, lambda: nets.KERAS, make)
