# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""SavedModels of TensorFlow and what TensorFlow computes with them.

    python -m venv env && env/bin/pip install tensorflow-cpu
    env/bin/python make_saved_models.py fixtures

    keras.saved_model    a GRU and a Dense, exported by Keras
    module.saved_model   a module with two signatures: a loop over steps with a branch, and a product
    seeded.saved_model   an LSTM with dropout, whose call changes the state of a seed that no output depends on
    refused/counting.saved_model: the output is what the call counts: there is nothing to import
    old.saved_model      a graph of the first version of TensorFlow, with variables of both kinds
    tf_functions.pb      the Keras model as a frozen graph whose loops are functions
    tf_convolved.pb      convolutions in a loop, whose kernels each step hands on to the next: a ConvLSTM1D"""
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import keras
import numpy as np
import tensorflow as tf
import tensorflow.compat.v1 as v1
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

FOLDER = sys.argv[1]
STEPS, FEATURES, UNITS = 5, 3, 4
rng = np.random.default_rng(5)
x = rng.uniform(-1, 1, (1, STEPS, FEATURES)).astype("f4")


def path(name): return os.path.join(FOLDER, name)


def weights(*shape): return tf.Variable(rng.uniform(-0.6, 0.6, shape).astype("f4"))


def of_keras():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((STEPS, FEATURES), name="x"), keras.layers.GRU(UNITS), keras.layers.Dense(2)])
    model.export(path("keras.saved_model"), verbose=False)
    np.savez(path("keras.npz"), in_x=x, out_output_0=model(x))
    freeze("tf_functions", model, x)


def freeze(name, model, x):
    traced = tf.function(lambda x: model(x, training=False), autograph=False,
                         input_signature=[tf.TensorSpec(x.shape, tf.float32, "x")]).get_concrete_function()
    frozen = convert_variables_to_constants_v2(traced, lower_control_flow=False)
    open(path(name + ".pb"), "wb").write(frozen.graph.as_graph_def().SerializeToString())
    np.savez(path(name + ".npz"), in_x=x, out_Identity=model(x))


def of_convolved():
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.Input((4, 6, 1), name="x"), keras.layers.ConvLSTM1D(2, 3, padding="same")])
    freeze("tf_convolved", model, np.random.default_rng(6).uniform(-1, 1, (1, 4, 6, 1)).astype("f4"))


class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel, self.recurrent, self.loud = weights(FEATURES, UNITS), weights(UNITS, UNITS), tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec((1, STEPS, FEATURES), tf.float32, "x")])
    def last(self, x):
        h = tf.zeros((1, UNITS))
        for t in tf.range(STEPS): h = tf.tanh(x[:, t] @ self.kernel + h @ self.recurrent)
        return {"y": tf.cond(self.loud > 0.5, lambda: h * 2, lambda: h)}

    @tf.function(input_signature=[tf.TensorSpec((1, FEATURES), tf.float32, "row")])
    def product(self, row): return {"product": row @ self.kernel}


def of_module():
    module = Module()
    tf.saved_model.save(module, path("module.saved_model"), signatures={"serving_default": module.last, "product": module.product})
    np.savez(path("module.npz"), in_x=x, out_y=module.last(x)["y"])


def of_old():
    with v1.Graph().as_default(), v1.Session() as session:
        a = v1.placeholder(tf.float32, (None, STEPS, FEATURES), name="a")
        w = v1.get_variable("w", initializer=rng.uniform(-1, 1, (FEATURES, 2)).astype("f4"), use_resource=False)
        b = v1.get_variable("b", initializer=rng.uniform(-1, 1, 2).astype("f4"), use_resource=True)
        y = v1.nn.softmax(v1.tensordot(a, w, 1) + b)
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, path("old.saved_model"), {"a": a}, {"y": y})
        np.savez(path("old.npz"), in_a=x, out_y=session.run(y, {a: x}))


def of_seeded():
    keras.utils.set_random_seed(5)
    model = keras.Sequential([keras.Input((STEPS, FEATURES), name="x"), keras.layers.LSTM(UNITS, dropout=0.25)])
    model.export(path("seeded.saved_model"), verbose=False)
    np.savez(path("seeded.npz"), in_x=x, out_output_0=model(x, training=False))


class Counting(tf.Module):
    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec((1, FEATURES), tf.float32, "x")])
    def count(self, x): return {"y": x * self.calls.assign_add(1.0)}


def of_counting():
    module = Counting()
    tf.saved_model.save(module, path("refused/counting.saved_model"), signatures={"serving_default": module.count})


of_keras()
of_seeded()
of_counting()
of_module()
of_old()
of_convolved()
for folder in ("keras", "seeded", "refused/counting", "module", "old"):  # what nothing reads
    if os.path.exists(path(f"{folder}.saved_model/fingerprint.pb")): os.remove(path(f"{folder}.saved_model/fingerprint.pb"))
    if os.path.isdir(path(f"{folder}.saved_model/assets")): os.rmdir(path(f"{folder}.saved_model/assets"))
