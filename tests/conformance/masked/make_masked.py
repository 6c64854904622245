# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the files in fixtures: Keras models with masks as exporters write them, NAME.onnx, NAME.tflite or NAME.saved_model, and
NAME.npz with inputs and what Keras computes of them. Steps that are masked stand after the others, in front of them, between
them, and everywhere. The files of open/ leave the length of their sequences open; the arrays have the names of the ports.

    python -m venv env && env/bin/pip install tensorflow-cpu keras tf2onnx onnx
    env/bin/python make_masked.py [NAME...]"""
import os
import shutil
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", KERAS_BACKEND="tensorflow")
import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from keras import layers as L

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
STEPS, FEATURES, WORDS = 5, 2, 6


def sequence(**options): return dict(return_sequences=True, **options)


# name: how it is exported, whether words or numbers are masked, the layers
MODELS = {
    "tf2onnx_lstm": ("tf2onnx", "numbers", [L.LSTM(2), L.Dense(2)]),
    "tf2onnx_both": ("tf2onnx", "words", [L.Bidirectional(L.LSTM(2, **sequence()))]),
    "tf2onnx_back": ("tf2onnx", "numbers", [L.GRU(2, **sequence(go_backwards=True))]),
    "onnx_gru": ("onnx", "words", [L.GRU(2, **sequence())]),
    "onnx_stack": ("onnx", "numbers", [L.LSTM(3, **sequence()), L.Dense(2), L.SimpleRNN(2)]),
    "onnx_unrolled": ("onnx", "words", [L.GRU(2, reset_after=False, unroll=True)]),
    "onnx_cells": ("onnx", "numbers", [L.RNN([L.LSTMCell(2), L.GRUCell(2)])]),
    "lite_both": ("tflite", "numbers", [L.Bidirectional(L.GRU(2, **sequence()))]),
    "lite_lstm": ("tflite", "words", [L.LSTM(2, **sequence()), L.GlobalAveragePooling1D()]),
    "lite_rnn": ("tflite", "words", [L.SimpleRNN(3, **sequence()), L.GRU(2)]),
    "saved_lstm": ("saved_model", "words", [L.LSTM(2, **sequence())]),
    "open/both": ("onnx", "numbers", [L.Bidirectional(L.LSTM(2, **sequence()))]),
    "open/mean": ("tflite", "words", [L.GRU(2, **sequence()), L.GlobalAveragePooling1D()]),
    "saved_unrolled": ("saved_model", "numbers", [L.LSTM(2, unroll=True)]),
}


def inputs(kind, mean, rng):
    x = rng.integers(1, WORDS, (5, STEPS)).astype("i4") if kind == "words" else rng.uniform(-1, 1, (5, STEPS, FEATURES)).astype("f4")
    x[0, 3:] = x[1, :2] = x[2, [1, 3]] = x[3, 1 if mean else 0 :] = 0  # a mean of no steps is no number
    if kind == "numbers": x[4, 2, 0] = 0  # one number that is zero masks no step
    return x


def make(name):
    exporter, kind, layers = MODELS[name]
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(sorted(name for name in MODELS if "/" not in name).index(name) if "/" not in name else len(name))
    steps = None if name.startswith("open/") else STEPS
    x = keras.Input((steps,), dtype="int32", name="x") if kind == "words" else keras.Input((steps, FEATURES), name="x")
    y = L.Embedding(WORDS, FEATURES, mask_zero=True)(x) if kind == "words" else L.Masking()(x)
    for layer in layers: y = layer(y)
    model = keras.Model(x, y)
    for weight in model.weights: weight.assign(rng.normal(0, 0.6, weight.shape))
    data, stem = inputs(kind, isinstance(layers[-1], L.GlobalAveragePooling1D), rng), os.path.join(FOLDER, name)
    ports = ("x", "Identity") if steps is None else ("x0", "y0")
    np.savez(stem + ".npz", **dict(zip(ports, (data, model(data)))))
    signature = [tf.TensorSpec((1, *x.shape[1:]), x.dtype, "x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature, autograph=False)
    if exporter == "onnx": model.export(stem + ".onnx", format="onnx", verbose=False)
    if exporter == "tf2onnx": onnx.save(tf2onnx.convert.from_function(function, input_signature=signature, opset=18)[0], stem + ".onnx")
    if exporter == "saved_model":
        shutil.rmtree(stem + ".saved_model", ignore_errors=True)
        model.export(stem + ".saved_model", verbose=False)
        os.remove(os.path.join(stem + ".saved_model", "fingerprint.pb"))
    if exporter == "tflite":
        converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], model)
        converter.experimental_lower_to_saved_model = False  # else the file holds no weights
        converter.exclude_conversion_metadata = True
        open(stem + ".tflite", "wb").write(converter.convert())


if __name__ == "__main__":
    os.makedirs(os.path.join(FOLDER, "open"), exist_ok=True)
    for name in sys.argv[1:] or MODELS: make(name)
