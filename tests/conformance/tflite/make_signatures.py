# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/signatures: files of several signatures, with outputs of TensorFlow Lite's interpreter. `encode` reads a
sequence by a recurrent cell and gives the states, `score` is a product and a softmax of one state.

    signatures.tflite         `encode` and `score`, neither of which is the usual one
    signatures_default.tflite the same two under the names `serving_default` and `score`
    encode.npz, score.npz     inputs and outputs of both

    python -m venv env && env/bin/pip install tensorflow-cpu
    env/bin/python make_signatures.py"""
import os

import numpy as np
import tensorflow as tf

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "signatures")
STEPS, FEATURES, UNITS, CLASSES, SAMPLES = 5, 3, 4, 2, 3
rng = np.random.default_rng(7)


def constant(*shape):
    return tf.constant(rng.normal(0, 0.5, shape), tf.float32)


class Net(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel, self.recurrent, self.bias = constant(FEATURES, UNITS), constant(UNITS, UNITS), constant(UNITS)
        self.out, self.out_bias = constant(UNITS, CLASSES), constant(CLASSES)

    @tf.function(input_signature=[tf.TensorSpec((1, STEPS, FEATURES), tf.float32, name="sequence")])
    def encode(self, sequence):
        h, states = tf.zeros((1, UNITS)), []
        for t in range(STEPS):
            h = tf.tanh(sequence[:, t] @ self.kernel + h @ self.recurrent + self.bias)
            states.append(h)
        return {"states": tf.stack(states, 1)}

    @tf.function(input_signature=[tf.TensorSpec((1, UNITS), tf.float32, name="state")])
    def score(self, state):
        return {"classes": tf.nn.softmax(state @ self.out + self.out_bias)}


def write(net, name, usual):
    functions = [net.encode.get_concrete_function(), net.score.get_concrete_function()]
    folder = os.path.join(FOLDER, "saved")
    tf.saved_model.save(net, folder, signatures={usual: functions[0], "score": functions[1]})
    content = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[usual, "score"]).convert()
    tf.io.gfile.rmtree(folder)
    with open(os.path.join(FOLDER, f"{name}.tflite"), "wb") as file:
        file.write(content)
    return tf.lite.Interpreter(model_content=content)


def record(lite, signature, given, **inputs):
    run = lite.get_signature_runner(signature)
    y = [list(run(**{given: sample[None]}).values())[0][0] for sample in inputs["x0"]]
    np.savez(os.path.join(FOLDER, f"{signature}.npz"), x0=inputs["x0"], y0=np.stack(y))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    network = Net()
    interpreter = write(network, "signatures", "encode")
    record(interpreter, "encode", "sequence", x0=rng.normal(0, 1, (SAMPLES, STEPS, FEATURES)).astype("float32"))
    record(interpreter, "score", "state", x0=rng.normal(0, 1, (SAMPLES, UNITS)).astype("float32"))
    write(network, "signatures_default", "serving_default")
