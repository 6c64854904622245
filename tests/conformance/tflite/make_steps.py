# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/two_steps, two_levels, own_cell and counted, .tflite and .npz, of three samples each: short sequences, which the
converter writes out. Keras 3 and its converter.

    two_steps   two steps through cells with functions that TensorFlow Lite writes in small operators
    two_levels  steps of one level read steps of the level before, which are of the same size
    own_cell    a cell that is none of those that grus knows: it has the name of its layer
    counted     a cell beside a variable that counts the calls, as layers with dropout count the numbers they draw

    python -m venv env && env/bin/pip install tensorflow-cpu
    env/bin/python make_steps.py"""
import os
import tempfile

import keras
import numpy as np
import tensorflow as tf

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
L = keras.layers


def two_steps(x):
    h = L.LSTM(4, activation="softsign", return_sequences=True)(x)
    g = L.Bidirectional(L.GRU(3, recurrent_activation="tanh", return_sequences=True))(h)
    h = L.Maximum()([L.Dense(6)(h), g])
    h = L.LSTM(3, recurrent_activation="hard_sigmoid", activation="elu", return_sequences=True)(h)
    h = L.GRU(3, reset_after=False, return_sequences=True, activation="elu")(h)
    return L.SimpleRNN(2, return_sequences=True, activation="softsign")(h)


def two_levels(x):
    for _ in range(2): x = L.Bidirectional(L.SimpleRNN(3, return_sequences=True))(x)
    return x


def own_cell(x): return L.GRU(2, activation="gelu", return_sequences=True, name="curved")(x)


class Counted(tf.Module):
    def __init__(self, rng):
        super().__init__()
        self.kernel, self.recurrent = (tf.constant(rng.normal(0, 0.5, shape), tf.float32) for shape in ((3, 4), (4, 4)))
        self.calls = tf.Variable(0.0)

    @tf.function(input_signature=[tf.TensorSpec((1, 4, 3), tf.float32, name="x")])
    def run(self, x):
        self.calls.assign_add(1.0)
        h, states = tf.zeros((1, 4)), []
        for t in range(4):
            h = tf.tanh(x[:, t] @ self.kernel + h @ self.recurrent)
            states.append(h)
        return tf.stack(states, 1)


def save_counted(steps):
    rng = np.random.default_rng(5)
    net = Counted(rng)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(net, folder, signatures={"serving_default": net.run})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.experimental_enable_resource_variables = True
        write("counted", converter, steps, rng)


def save(build, steps):
    rng = np.random.default_rng(4)
    keras.backend.clear_session()
    keras.utils.set_random_seed(4)
    x = keras.Input((steps, 3), batch_size=1, name="x")
    model = keras.Model(x, build(x))
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.weights])
    traced = tf.function(lambda x: model(x, training=False), input_signature=[tf.TensorSpec(x.shape, x.dtype, "x")],
                         autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    converter.experimental_lower_to_saved_model = False  # else the file holds no weights
    write(build.__name__, converter, steps, rng)


def write(name, converter, steps, rng):
    converter.exclude_conversion_metadata = True
    content = converter.convert()
    fixture = os.path.join(FOLDER, name)
    with open(f"{fixture}.tflite", "wb") as file:
        file.write(content)
    lite = tf.lite.Interpreter(model_content=content)
    lite.allocate_tensors()
    samples, results = rng.normal(0, 1, (3, steps, 3)).astype("float32"), []
    for sample in samples:
        lite.set_tensor(lite.get_input_details()[0]["index"], sample[None])
        lite.invoke()
        results.append(lite.get_tensor(lite.get_output_details()[0]["index"])[0])
    np.savez(f"{fixture}.npz", x0=samples, y0=np.stack(results))


if __name__ == "__main__":
    save(two_steps, 2)
    save(two_levels, 2)
    save(own_cell, 4)
    save_counted(4)
