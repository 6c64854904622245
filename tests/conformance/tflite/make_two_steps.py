# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/two_steps.tflite and .npz: sequences of two steps, which the converter writes out, through cells with
functions that TensorFlow Lite writes in small operators. Keras 3 and its converter; three samples.

    python -m venv env && env/bin/pip install tensorflow-cpu
    env/bin/python make_two_steps.py"""
import os

import keras
import numpy as np
import tensorflow as tf

FIXTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "two_steps")
L = keras.layers
rng = np.random.default_rng(4)

if __name__ == "__main__":
    x = keras.Input((2, 3), batch_size=1, name="x")
    h = L.LSTM(4, activation="softsign", return_sequences=True)(x)
    g = L.Bidirectional(L.GRU(3, recurrent_activation="tanh", return_sequences=True))(h)
    h = L.Maximum()([L.Dense(6)(h), g])
    h = L.LSTM(3, recurrent_activation="hard_sigmoid", activation="elu", return_sequences=True)(h)
    h = L.GRU(3, reset_after=False, return_sequences=True, activation="elu")(h)
    model = keras.Model(x, L.SimpleRNN(2, return_sequences=True, activation="softsign")(h))
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.weights])
    traced = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec(x.shape, x.dtype, "x")],
                         autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    converter.experimental_lower_to_saved_model = False  # else the file holds no weights
    converter.exclude_conversion_metadata = True
    content = converter.convert()
    with open(f"{FIXTURE}.tflite", "wb") as file:
        file.write(content)
    lite = tf.lite.Interpreter(model_content=content)
    lite.allocate_tensors()
    samples, results = rng.normal(0, 1, (3, 2, 3)).astype("float32"), []
    for sample in samples:
        lite.set_tensor(lite.get_input_details()[0]["index"], sample[None])
        lite.invoke()
        results.append(lite.get_tensor(lite.get_output_details()[0]["index"])[0])
    np.savez(f"{FIXTURE}.npz", x0=samples, y0=np.stack(results))
