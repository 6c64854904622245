# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random functional models of Keras (keras_models.py) converted by TensorFlow Lite, whose interpreter computes the
outputs; with a batch of one. Most are converted from the traced function, which takes a third of the time of a
conversion from the model, through a SavedModel; one in eight is converted from the model."""
import contextlib, os
import numpy as np
from case import Case, Port
import keras_models
from keras_models import Unmade
import keras
import tensorflow as tf


def converter_of(model, rng):
    if rng.random() < 0.125: return tf.lite.TFLiteConverter.from_keras_model(model)
    signature = [tf.TensorSpec(x.shape, x.dtype, x.name) for x in model.inputs]
    traced = tf.function(lambda *x: model(list(x), training=False), input_signature=signature, autograph=False).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], model)
    converter.experimental_lower_to_saved_model = False
    return converter


def make(rng, folder, kind):
    try: model, data, options, what = keras_models.build(rng, plain=True)
    except (ValueError, TypeError) as problem: raise Unmade(str(problem).split("\n")[0][:120])
    samples = 1
    try:
        converter = converter_of(model, rng)
        converter.exclude_conversion_metadata = True
        if rng.random() < 0.2: converter.optimizations = [tf.lite.Optimize.DEFAULT]
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere): content = converter.convert()
        interpreter = tf.lite.Interpreter(model_content=content)
        interpreter.allocate_tensors()
    except Exception as problem: raise Unmade(f"{type(problem).__name__}: {problem}".split("\n")[0][:120])
    path = os.path.join(folder, "model.tflite")
    open(path, "wb").write(content)
    inputs = []
    for detail in interpreter.get_input_details():
        name = next((n for n in data if n in detail["name"]), None)
        if name is None: raise Unmade(f"input {detail['name']}")
        interpreter.set_tensor(detail["index"], data[name][:samples])
        inputs.append(Port(detail["name"], data[name][:samples], 0))
    interpreter.invoke()
    outputs = [Port(detail["name"], interpreter.get_tensor(detail["index"]), 0) for detail in interpreter.get_output_details()]
    return Case(path, inputs, outputs, [], what)
