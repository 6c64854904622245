# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random functional models of Keras: recurrent layers in both directions, with masks, states, merge modes and
cells; convolutions, pools, norms, joins; one or two inputs and outputs; saved as .keras or .h5."""
import os
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
import numpy as np
import warnings
warnings.filterwarnings("ignore")
import logging
logging.getLogger("absl").setLevel(logging.ERROR)
import keras
from keras import layers
from case import Case, Port

keras.utils.disable_interactive_logging()


class Unmade(Exception): pass


class Build:
    """plain: what TensorFlow Lite has operators for."""
    def __init__(self, rng, plain=False): self.rng, self.what, self.plain, self.masked = rng, [], plain, False

    def chance(self, p): return self.rng.random() < p
    def pick(self, *these): return these[self.rng.integers(len(these))]

    def say(self, layer):
        self.what.append(type(layer).__name__)
        return layer

    def start(self, layer):
        """Weights that are no constants: biases and norms have other values than those they begin with."""
        if layer.built:
            layer.set_weights([w + self.rng.uniform(0.02, 0.3, w.shape).astype(w.dtype) * (1 if np.all(w >= 0) else 0.5) if w.dtype == np.float32 else w
                               for w in layer.get_weights()])
        return layer

    # ---- layers ----
    def recurrent_layer(self, sequences=True, **more):
        kind, u = self.pick(layers.GRU, layers.LSTM, layers.SimpleRNN), int(self.pick(1, 2, 3, 4, 5))
        options = dict(return_sequences=sequences, **more)
        if self.chance(0.15): options["go_backwards"] = True
        if self.chance(0.2): options["activation"] = self.pick("relu", "softsign", "tanh", "elu", "linear")
        if self.chance(0.15) and kind is not layers.SimpleRNN: options["recurrent_activation"] = self.pick("hard_sigmoid", "sigmoid", "tanh")
        if self.chance(0.15): options["use_bias"] = False
        if kind is layers.GRU and self.chance(0.4): options["reset_after"] = False
        if kind is layers.LSTM and self.chance(0.2): options["unit_forget_bias"] = False
        if not self.plain and self.chance(0.1): options["zero_output_for_mask"] = True
        return kind(u, **options)

    def recurrent(self, x, sequences=True):
        layer = self.recurrent_layer(sequences)
        if self.chance(0.25):
            layer.go_backwards = False
            how = self.pick("concat", "concat", "sum", "mul", "ave")
            layer = layers.Bidirectional(layer, merge_mode=how)
        elif not self.plain and self.chance(0.1):
            cells = [self.pick(layers.GRUCell, layers.LSTMCell, layers.SimpleRNNCell)(int(self.pick(2, 3))) for _ in range(self.pick(1, 2))]
            layer = layers.RNN(cells if len(cells) > 1 else cells[0], return_sequences=sequences)
        return self.say(layer)(x)

    def conv(self, x):
        d, steps, m, k = x.shape[-1], x.shape[1], int(self.pick(1, 2, 4, 6)), int(self.pick(1, 2, 3))
        if steps and steps < 4: k = 1
        padding = self.pick("valid", "same", "causal") if not self.fixed_time else self.pick("same", "causal")
        options = dict(padding=padding, activation=self.pick(None, None, "relu", "tanh"), use_bias=self.chance(0.8))
        if self.chance(0.2) and not self.fixed_time and not self.masked and steps and steps >= 6: options["strides"] = 2
        elif self.chance(0.2) and (padding != "valid" or (steps and steps > 4)): options["dilation_rate"] = 2
        if d % 2 == 0 and m % 2 == 0 and self.chance(0.2) and not self.plain: options["groups"] = 2
        if self.chance(0.12) and not self.plain and padding != "causal" and "dilation_rate" not in options:
            options.pop("groups", None)
            return self.say(layers.SeparableConv1D(m, k, **options))(x)
        if self.chance(0.1) and not self.plain and padding != "causal" and "dilation_rate" not in options:
            options.pop("groups", None)
            return self.say(layers.DepthwiseConv1D(k, **options))(x)
        return self.say(layers.Conv1D(m, k, **options))(x)

    def dense(self, x):
        layer = layers.Dense(int(self.pick(1, 2, 3, 5)), activation=self.pick(None, "relu", "tanh", "sigmoid", "elu"), use_bias=self.chance(0.85))
        if self.chance(0.1) and len(x.shape) == 3: return self.say(layers.TimeDistributed(layer))(x)
        return self.say(layer)(x)

    def norm(self, x):
        return self.say(self.pick(layers.BatchNormalization(epsilon=self.pick(1e-3, 1e-5)), layers.LayerNormalization(),
                                  layers.LayerNormalization(epsilon=1e-5, center=False)))(x)

    def activation(self, x):
        return self.say(self.pick(layers.ReLU(), layers.LeakyReLU(), layers.ELU(), layers.Activation("tanh"), layers.Softmax(), layers.Activation("softplus"),
                                  layers.Activation("gelu"), layers.Activation("swish"), layers.Dropout(0.3), layers.ReLU(max_value=0.8), layers.Activation("hard_sigmoid"),
                                  layers.PReLU(shared_axes=[1])) if not self.plain else
                        self.pick(layers.ReLU(), layers.LeakyReLU(), layers.Activation("tanh"), layers.Softmax(), layers.Dropout(0.3), layers.Activation("sigmoid")))(x)

    def pool(self, x):
        if self.fixed_time or self.masked or not x.shape[1] or x.shape[1] < 4: return self.activation(x)
        kind = self.pick(layers.MaxPooling1D, layers.AveragePooling1D)
        return self.say(kind(2, strides=self.pick(None, 1), padding=self.pick("valid", "same")))(x)

    def residual(self, x):
        was, self.fixed_time = self.fixed_time, True
        y = self.layers(x, 1, ("dense", "recurrent", "conv", "activation"))
        self.fixed_time = was
        if y.shape[-1] != x.shape[-1]: y = self.say(layers.Dense(x.shape[-1]))(y)
        return self.say(self.pick(layers.Add, layers.Add, layers.Multiply, layers.Subtract, layers.Maximum, layers.Average)())([x, y])

    def branches(self, x):
        was, self.fixed_time = self.fixed_time, True
        parts = [self.layers(x, 1, ("dense", "recurrent", "conv", "activation")) for _ in range(2)]
        self.fixed_time = was
        return self.say(layers.Concatenate())(parts)

    fixed_time = False

    def layers(self, x, n, kinds=("recurrent", "recurrent", "conv", "dense", "norm", "activation", "pool", "residual", "branches")):
        for _ in range(n): x = getattr(self, kinds[self.rng.integers(len(kinds))])(x)
        return x

    def end(self, x):
        how = self.pick("state", "state", "mean", "max", "flatten", "none", "none")
        if how == "none": return x
        if how == "state": return self.recurrent(x, sequences=False)
        if how == "mean": return self.say(layers.GlobalAveragePooling1D())(x)
        if how == "max": return self.say(layers.GlobalMaxPooling1D())(x)
        if not x.shape[1] or self.masked: return self.recurrent(x, sequences=False)
        return self.say(layers.Flatten())(x)


def build(rng, plain=False):
    """(model, inputs by name, options, what)"""
    keras.backend.clear_session()
    keras.utils.set_random_seed(int(rng.integers(1 << 30)))
    b = Build(rng, plain)
    steps, d, samples = int(b.pick(1, 2, 4, 6, 8, 9)), int(b.pick(1, 1, 2, 3, 4)), 2
    opened = not plain and b.chance(0.25)
    words, masking = b.chance(0.15), not plain and b.chance(0.12)
    options, data = [], {}
    if words:
        x = keras.Input((None if opened else steps,), dtype="int32", name="words", batch_size=1 if plain else None)
        data["words"] = rng.integers(1 if masking else 0, 12, (samples, steps)).astype("i4")
        h = b.say(layers.Embedding(12, int(b.pick(2, 3, 4)), mask_zero=masking))(x)
    else:
        x = keras.Input((None if opened else steps, d), name="x", batch_size=1 if plain else None)
        data["x"] = rng.uniform(-1.5, 1.5, (samples, steps, d)).astype("f4")
        h = b.say(layers.Masking())(x) if masking else x
    if opened or masking: options = ["--time", f"n <= {steps}" if masking else str(steps)]
    b.masked = masking
    inputs = [x]
    h = b.layers(h, int(rng.integers(0, 3)))
    if b.chance(0.15) and not opened:
        second = keras.Input((steps, 2), name="second", batch_size=1 if plain else None)
        was, b.fixed_time = b.fixed_time, True
        if h.shape[1] == steps:
            h = b.say(layers.Concatenate())([h, b.layers(second, 1, ("dense", "recurrent"))])
            inputs.append(second)
            data["second"] = rng.uniform(-1.5, 1.5, (samples, steps, 2)).astype("f4")
        b.fixed_time = was
    if b.chance(0.7): h = b.recurrent(h)
    h = b.layers(h, int(rng.integers(0, 2)))
    outputs = [b.end(h)]
    if b.chance(0.6): outputs[0] = b.dense(outputs[0])
    if b.chance(0.12): outputs.append(b.dense(h))
    model = keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0])
    for layer in model.layers: b.start(layer)
    return model, data, options, " ".join(b.what)


def make(rng, folder, kind):
    try: model, data, options, what = build(rng)
    except (ValueError, TypeError) as problem: raise Unmade(str(problem).split("\n")[0][:120])
    path = os.path.join(folder, "model.keras" if rng.random() < 0.8 else "model.h5")
    model.save(path)
    try: y = model([data[i.name] for i in model.inputs], training=False)
    except Exception as problem: raise Unmade(f"{type(problem).__name__}: {problem}".split("\n")[0][:120])  # it cannot run its own model
    y = y if isinstance(y, (list, tuple)) else [y]
    return Case(path, [Port(name, a, 0) for name, a in data.items()], [Port(f"y{i}", keras.ops.convert_to_numpy(a), 0) for i, a in enumerate(y)], options, what)
