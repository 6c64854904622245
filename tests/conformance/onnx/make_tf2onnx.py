# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/tf2onnx: Keras models as tf2onnx writes them, and what onnxruntime makes of them. Files with _open_ in
their name do not say how long their sequences are. ../masked has masks that are computed from the data.

    python make_tf2onnx.py       (tensorflow, tf2onnx, onnx, onnxruntime, numpy from PyPI)"""
import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from keras import layers as L

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "tf2onnx")
STEPS = 6
MODELS = {
    "lstm": lambda x: L.Dense(2)(L.LSTM(4)(x)),
    "gru": lambda x: L.Dense(2)(L.GRU(4, return_sequences=True)(x)),
    "gru_before": lambda x: L.GRU(4, reset_after=False)(x),
    "rnn": lambda x: L.SimpleRNN(4, return_sequences=True)(x),
    "both": lambda x: L.Bidirectional(L.LSTM(4, return_sequences=True))(x),
    "conv": lambda x: L.GlobalAveragePooling1D()(L.Conv1D(4, 3, padding="causal", activation="relu")(x)),
    "norm": lambda x: L.GRU(3, go_backwards=True)(L.BatchNormalization()(L.Conv1D(4, 3)(x))),
}


def record(name, opset, is_open=False):
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(3)
    x = keras.Input((None if is_open else STEPS, 3), batch_size=None if is_open else 1, name="x")
    model = keras.Model(x, MODELS[name](x))
    for layer in model.layers:
        layer.set_weights([w + rng.uniform(0.02, 0.3, w.shape).astype("f4") for w in layer.get_weights()])
    signature = [tf.TensorSpec(x.shape, tf.float32, "x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    made, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=opset)
    stem = os.path.join(HERE, f"{name}_{'open_' if is_open else ''}{opset}")
    onnx.save(made, stem + ".onnx")
    value = rng.uniform(-1, 1, (1, STEPS, 3)).astype("f4")
    session = ort.InferenceSession(stem + ".onnx", providers=["CPUExecutionProvider"])
    got = session.run(None, {"x": value})
    np.savez(stem + ".npz", in_x=value, **{"out_" + o.name.split(":")[0]: a for o, a in zip(session.get_outputs(), got)})


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    for opset in (9, 12, 18):
        record("lstm", opset)
    for name in ("gru", "gru_before", "rnn", "norm"):
        record(name, 18)
    for name in ("lstm", "gru", "both", "conv"):
        record(name, 15, is_open=True)
