# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the TensorFlow Lite fixtures beside it as the converter writes Keras models: NAME.tflite and NAME.npz with
inputs x0 and outputs y0 of TensorFlow Lite's interpreter (three samples).

    python -m venv env && env/bin/pip install tensorflow-cpu tf_keras
    env/bin/python make_tflite.py"""
import os

import numpy as np
import tensorflow as tf
import tf_keras as keras

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
L = keras.layers
rng = np.random.default_rng(4)


def convert(name, *layers, shape=(12, 3), data=None):
    model = keras.Sequential([keras.Input(shape, batch_size=1), *layers])
    model.set_weights([np.abs(rng.normal(0, 0.5, w.shape)) + 0.3 if "variance" in w.name else rng.normal(0, 0.5, w.shape) for w in model.weights])
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    with open(os.path.join(FOLDER, f"{name}.tflite"), "wb") as file:
        file.write(content)
    lite = tf.lite.Interpreter(model_content=content)
    lite.allocate_tensors()
    x = rng.normal(0, 1, (3, *shape)).astype("float32") if data is None else data
    y = []
    for sample in x:
        lite.reset_all_variables()
        lite.set_tensor(lite.get_input_details()[0]["index"], sample[None])
        lite.invoke()
        y.append(lite.get_tensor(lite.get_output_details()[0]["index"])[0])
    np.savez(os.path.join(FOLDER, f"{name}.npz"), x0=x, y0=np.stack(y))


if __name__ == "__main__":
    convert("lstm", L.LSTM(4))
    convert("lstm_dense", L.LSTM(4), L.Dense(2, activation="relu"))
    convert("lstm_sequence", L.LSTM(4, return_sequences=True), L.Dense(2))
    convert("two_lstm", L.LSTM(4, return_sequences=True), L.LSTM(3), L.Dropout(0.2), L.Dense(2, activation="sigmoid"))
    convert("flatten", L.LSTM(4, return_sequences=True), L.Flatten(), L.Dense(2, activation="softmax"))
    convert("mean", L.LSTM(4, return_sequences=True), L.GlobalAveragePooling1D(), L.Dense(2, activation="tanh"))
    convert("conv", L.Conv1D(4, 3, activation="relu"), L.LSTM(4), L.Dense(2, activation="softmax"))
    convert("conv_same", L.Conv1D(4, 3, strides=2, padding="same"), L.LSTM(4))
    convert("conv_relu6", L.Conv1D(4, 2, strides=2, activation="relu6"), L.Conv1D(2, 2, use_bias=False), L.LSTM(4, return_sequences=True))
    convert("gru", L.GRU(4))
    convert("backwards", L.LSTM(4, go_backwards=True))
    convert("both", L.Bidirectional(L.LSTM(4)))
    convert("causal", L.Conv1D(4, 3, padding="causal"), L.LSTM(4))
