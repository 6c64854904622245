# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/: small models in the JSON of RTNeural (and AIDA-X), GuitarML, PedalNet, PyTorch and Neural Amp
Modeler with fixed random weights, NAME.json and NAME.nam, and what plain numpy in double makes of 12 steps, NAME.npz (x0, y0); and
refused/NAME_CODE.json or .nam.

    python3 make_audio.py
"""

import copy
import json
import os

import numpy as np

import make_nam
import make_wavenet

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
rng = np.random.default_rng(7)
STEPS = 12
SILENCE = 24000  # half a second at 48 kHz


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def weights(*shape):
    return rng.uniform(-0.8, 0.8, shape).astype(np.float32).round(4).astype(np.float32)


def gru(x, w, r, b, b2):  # rows of gates: z r n; [3 u, d]
    u, h, out = r.shape[1], np.zeros(r.shape[1]), []
    for v in x:
        a, c = w @ v + b, r @ h + b2
        z, s = sigmoid(a[:u] + c[:u]), sigmoid(a[u:2 * u] + c[u:2 * u])
        h = z * h + (1 - z) * np.tanh(a[2 * u:] + s * c[2 * u:])
        out.append(h)
    return np.array(out)


def lstm_states(x, w, r, b, h, c):
    out = []
    for v in x:
        i, f, g, o = np.split(w @ v + r @ h + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.array(out), h, c


def lstm(x, w, r, b, h=None, c=None):  # rows of gates: i f g o
    h, c, out = np.zeros(r.shape[1]) if h is None else h, np.zeros(r.shape[1]) if c is None else c, []
    for v in x:
        i, f, g, o = np.split(w @ v + r @ h + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.array(out)


def lists(a):
    return [round(float(v), 4) for v in a] if a.ndim == 1 else [lists(v) for v in a]


def save(name, model, x, y, ending=".json"):
    with open(os.path.join(HERE, name + ending), "w") as f:
        json.dump(model, f)
    np.savez(os.path.join(HERE, name + ".npz"), x0=x, y0=y)


def refused(name, model, ending=".json"):
    with open(os.path.join(HERE, "refused", name + ending), "w") as f:
        f.write(model if isinstance(model, str) else json.dumps(model))


def layer(kind, width, arrays, activation="", **more):
    shape = [None, None, width]
    return dict(type=kind, activation=activation, shape=shape, weights=[lists(a) for a in arrays], **more)


def rtneural():
    x = rng.uniform(-1, 1, (STEPS, 2))
    k, kb = weights(2, 1, 4), weights(4)  # [k, d / groups, f], 2 groups
    w, r, b = weights(4, 9), weights(3, 9), weights(2, 9)
    mean, var, slope = weights(3), abs(weights(3)) + np.float32(0.5), weights(1, 3)
    d, db = weights(3, 2), weights(2)
    model = {"in_shape": [None, None, 2], "layers": [
        layer("conv1d", 4, [k, kb], "relu", kernel_size=[2], dilation=[2], groups=2),
        layer("gru", 3, [w, r, b], "tanh"),
        layer("batchnorm", 3, [mean, var], epsilon=0.25),
        layer("prelu", 3, [slope]),
        layer("dense", 2, [d, db], "sigmoid")]}
    pad = np.vstack([np.zeros((2, 2)), x])
    y = np.array([[kb[f] + sum(k[j, 0, f] * pad[t + 2 * j, f // 2] for j in range(2)) for f in range(4)]
                  for t in range(STEPS)])
    y = gru(np.maximum(y, 0), w.T, r.T, b[0], b[1])
    y = (y - mean) / np.sqrt(var + 0.25)
    y = np.where(y > 0, y, y * slope[0])
    save("rtneural_conv_gru", model, x, sigmoid(y @ d + db))
    return model


def conv2d(x, k, b, dilation, stride, same):  # [T, n, d], [kt, kf, d, f]; along time over the past
    (kt, kf), n = k.shape[:2], x.shape[1]
    pad = max(kf - (stride if n % stride == 0 else n % stride), 0) if same else 0
    x = np.pad(x, (((kt - 1) * dilation, 0), (pad // 2, pad - pad // 2), (0, 0)))
    made = (x.shape[1] - kf) // stride + 1
    return np.array([[b + sum(x[t + i * dilation, s * stride + j] @ k[i, j].astype(float) for i in range(kt) for j in range(kf))
                      for s in range(made)] for t in range(STEPS)])


def rtneural_two_axes():
    own = np.random.default_rng(11)
    draw = lambda *shape: own.uniform(-0.8, 0.8, shape).astype(np.float32).round(4).astype(np.float32)
    x, k1, b1, k2, b2 = own.uniform(-1, 1, (STEPS, 7, 2)), draw(2, 3, 2, 3), draw(3), draw(3, 3, 3, 2), draw(2)
    scale, center, mean, var = draw(3), draw(3), draw(3), abs(draw(3)) + np.float32(0.5)
    two = lambda kind, n, d, arrays, activation="", **more: dict(layer(kind, d, arrays, activation, **more), shape=[None, None, n, d])
    size = lambda k, n: dict(kernel_size_time=k.shape[0], kernel_size_feature=k.shape[1], num_features_in=n, num_filters_in=k.shape[2],
                             num_filters_out=k.shape[3])
    model = {"in_shape": [None, None, 7, 2], "layers": [
        two("conv2d", 5, 3, [k1, b1], dilation=2, strides=1, padding="valid", **size(k1, 7)),
        two("batchnorm2d", 5, 3, [scale, center, mean, var], epsilon=0.25, num_filters_in=3, num_features_in=5),
        two("activation", 5, 3, [], "tanh"),
        two("conv2d", 3, 2, [k2, b2], "relu", dilation=1, strides=2, padding="same", **size(k2, 5))]}
    y = conv2d(x, k1, b1, 2, 1, False)
    y = np.tanh((y - mean) / np.sqrt(var + 0.25) * scale + center)
    y = np.maximum(conv2d(y, k2, b2, 1, 2, True), 0)
    save("rtneural_two_axes", model, x.reshape(STEPS, -1), y.reshape(STEPS, -1))
    return model


def rtneural_lstm():
    x = rng.uniform(-1, 1, (STEPS, 1))
    w, r, b, d = weights(1, 8), weights(2, 8), weights(8), weights(2, 1)
    model = {"in_shape": [None, None, 1], "layers": [layer("lstm", 2, [w, r, b]), layer("dense", 1, [d])]}
    save("rtneural_lstm", model, x, lstm(x, w.T, r.T, b) @ d)
    return model


def torch_cell(prefix, kind, d, u, k):
    g = 4 if kind == "LSTM" else 3
    t = [weights(g * u, d), weights(g * u, u), weights(g * u), weights(g * u)]
    names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
    return t, {f"{prefix}{n}_l{k}": lists(a) for n, a in zip(names, t)}


def torch_run(kind, x, t):
    if kind == "LSTM":
        return lstm(x, t[0], t[1], t[2] + t[3])
    u = t[1].shape[1]
    order = np.r_[u:2 * u, 0:u, 2 * u:3 * u]  # r z n to z r n
    return gru(x, *[a[order] for a in t])


def guitarml(kind, inputs, layers, skip):
    x = rng.uniform(-1, 1, (STEPS, inputs))
    state, y = {}, x
    for k in range(layers):
        t, keys = torch_cell("rec.", kind, y.shape[1], 3, k)
        state.update(keys)
        y = torch_run(kind, y, t)
    w, b = weights(1, 3), weights(1)
    state.update({"lin.weight": lists(w), "lin.bias": lists(b)})
    data = {"model": "SimpleRNN", "input_size": inputs, "skip": skip, "output_size": 1, "unit_type": kind,
            "num_layers": layers, "hidden_size": 3, "bias_fl": True}
    model = {"model_data": data, "state_dict": state}
    y = y @ w.T + b
    save(f"guitarml_{kind.lower()}_{inputs}_{layers}_{skip}", model, x, y + x[:, :1] if skip else y)
    return model


def torch_state():
    x = rng.uniform(-1, 1, (STEPS, 2))
    a, keys = torch_cell("first.", "GRU", 2, 3, 0)
    b, more = torch_cell("second.", "LSTM", 3, 2, 0)
    w = weights(2, 2)[:1]  # one output: with two there would be more than one order that fits
    model = {**keys, **more, "out.weight": lists(w)}
    save("torch_gru_lstm", model, x, torch_run("LSTM", torch_run("GRU", x, a), b) @ w.T)
    refused("torch_order_E904", {"a.weight": [[0.5, -0.25]] * 3, **{k.replace("second", "z"): v for k, v in more.items()}})
    return model


def nam(name, inputs, units, layers, outputs, **config):
    x = rng.uniform(-1, 1, (STEPS, inputs))
    flat, y = [], np.concatenate([np.zeros((SILENCE, inputs)), x])
    for _ in range(layers):
        d = y.shape[1]
        w, b, h, c = weights(4 * units, d + units), weights(4 * units), weights(units), weights(units)
        flat += [w.ravel(), b, h, c]
        y, _, _ = lstm_states(y, w[:, :d], w[:, d:], b, h, c)
    w, b = weights(outputs, units), weights(outputs)
    flat += [w.ravel(), b]
    model = {"version": "0.5.4", "metadata": {"name": "fixture", "loudness": -20.5}, "architecture": "LSTM",
             "config": {"input_size": inputs, "hidden_size": units, "num_layers": layers, **config},
             "weights": lists(np.concatenate(flat)), "sample_rate": 48000}
    save(name, model, x, (y @ w.T + b)[SILENCE:], ".nam")
    return model


def aida(name, inputs, **keys):  # gains in decibels
    x = rng.uniform(-1, 1, (STEPS, inputs))
    w, r, b, d, db = weights(inputs, 8), weights(2, 8), weights(8), weights(2, 1), weights(1)
    model = {"in_shape": [None, None, inputs], "layers": [layer("lstm", 2, [w, r, b]), layer("dense", 1, [d, db])],
             "input_batch": [0.0], "output_batch": [0.0], "metadata": {"name": name, "samplerate": "48000", "esr": 0.1},
             **keys}
    v = x.copy()
    v[:, 0] *= 10 ** (keys.get("in_gain", 0) / 20)
    y = lstm(v, w.T, r.T, b) @ d + db
    if keys.get("in_skip"):
        y = y + v[:, :1]
    save(name, model, x, y * 10 ** (keys.get("out_gain", 0) / 20))
    return model


def change(model, *path, to):
    out = copy.deepcopy(model)
    at = out
    for key in path[:-1]:
        at = at[key]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return out


def main():
    os.makedirs(os.path.join(HERE, "refused"), exist_ok=True)
    rt, rl = rtneural(), rtneural_lstm()
    two = rtneural_two_axes()
    refused("two_axes_features_E603", change(two, "layers", 0, "shape", to=[None, None, 7, 3]))
    refused("two_axes_channels_E603", change(two, "layers", 1, "num_filters_in", to=2))
    refused("two_axes_padding_E904", change(two, "layers", 3, "padding", to=None))
    refused("two_axes_open_E901", change(two, "in_shape", to=[None, None, None, 2]))
    refused("two_axes_softmax_E902", change(two, "layers", 2, "activation", to="softmax"))
    refused("two_axes_gru_E902", change(two, "layers", 2, "type", to="gru"))
    amp = guitarml("LSTM", 1, 1, 1)
    guitarml("GRU", 2, 2, 1)
    guitarml("GRU", 1, 1, 0)
    state = torch_state()
    text = json.dumps(rl)
    refused("truncated_E901", text[:len(text) // 2])
    refused("twice_E901", text.replace('"layers"', '"layers": [], "layers"'))
    refused("nan_E901", text.replace(str(rl["layers"][1]["weights"][0][0][0]), "NaN", 1))
    refused("huge_E608", text.replace(str(rl["layers"][1]["weights"][0][0][0]), "1e300", 1))
    refused("no_layers_E901", change(rl, "layers", to=[]))
    refused("unknown_type_E902", change(rl, "layers", 0, "type", to="attention"))
    refused("unknown_activation_E902", change(rl, "layers", 1, "activation", to="swish"))
    refused("lstm_relu_E903", change(rl, "layers", 0, "activation", to="relu"))
    refused("unknown_key_E903", change(rl, "layers", 1, "dropout", to=0.5))
    refused("unknown_top_E903", change(rl, "oversampling", to=2.0))
    refused("units_E603", change(rl, "layers", 0, "shape", to=[None, None, 3]))
    refused("ragged_E603", change(rl, "layers", 0, "weights", 1, 1, to=[1.0]))
    refused("text_E603", change(rl, "layers", 0, "weights", 2, 1, to="0.5"))
    refused("missing_E602", change(rl, "layers", 0, "weights", 2, to=None))
    refused("width_E901", change(rl, "in_shape", to=[None, None, 0]))
    refused("groups_E903", change(rt, "layers", 0, "groups", to=3))
    refused("epsilon_E904", change(rt, "layers", 2, "epsilon", to=None))
    refused("amp_kind_E902", change(amp, "model_data", "unit_type", to="RNN"))
    refused("amp_skip_E903", change(amp, "model_data", "skip", to=2))
    refused("amp_key_E903", change(amp, "model_data", "dropout", to=1))
    refused("amp_size_E603", change(amp, "model_data", "hidden_size", to=4))
    refused("amp_silent_E904", change(amp, "model_data", "num_layers", to=None))
    refused("amp_huge_layers_E903", change(amp, "model_data", "num_layers", to=1 << 30))
    refused("amp_extra_E903", change(amp, "state_dict", "rec.weight_ih_l0_reverse", to=[[1.0]]))
    refused("amp_missing_E602", change(amp, "state_dict", "lin.bias", to=None))
    refused("torch_extra_E903", change(state, "second.weight_hr_l0", to=[[1.0]]))
    refused("torch_rows_E902", change(state, "first.weight_hh_l0", to=[[1.0]]))
    one = nam("nam_lstm_1", 1, 3, 1, 1)
    nam("nam_lstm_2", 1, 4, 2, 1)
    nam("nam_lstm_channels", 2, 3, 2, 2, in_channels=2, out_channels=2)
    refused("nam_Transformer_E902", change(one, "architecture", to="Transformer"), ".nam")
    for kind in ("WaveNet", "ConvNet"):  # the config is that of an LSTM
        refused(f"nam_{kind}_E903", change(one, "architecture", to=kind), ".nam")
    refused("nam_Linear_E904", change(one, "architecture", to="Linear"), ".nam")
    make_nam.main(save, refused)
    refused("nam_number_E901", change(one, "architecture", to=3), ".nam")
    refused("nam_newer_E903", change(one, "version", to="0.8.0"), ".nam")
    refused("nam_older_E903", change(one, "version", to="0.4.0"), ".nam")
    refused("nam_version_E904", change(one, "version", to=None), ".nam")
    refused("nam_short_E603", change(one, "weights", to=one["weights"][:-1]), ".nam")
    refused("nam_long_E603", change(one, "weights", to=one["weights"] + [0.5]), ".nam")
    refused("nam_units_E603", change(one, "config", "hidden_size", to=1 << 30), ".nam")
    refused("nam_text_E603", change(one, "weights", 3, to="0.5"), ".nam")
    refused("nam_huge_E608", change(one, "weights", 3, to=1e300), ".nam")
    refused("nam_layers_E901", change(one, "config", "num_layers", to=0), ".nam")
    refused("nam_many_layers_E903", change(one, "config", "num_layers", to=1 << 30), ".nam")
    refused("nam_channels_E903", change(one, "config", "in_channels", to=2), ".nam")
    refused("nam_silent_E904", change(one, "config", "hidden_size", to=None), ".nam")
    refused("nam_key_E903", change(one, "config", "bidirectional", to=True), ".nam")
    refused("nam_top_key_E903", change(one, "gain", to=2.0), ".nam")
    refused("nam_config_E901", change(one, "config", to=[1]), ".nam")
    refused("nam_rate_E901", change(one, "sample_rate", to="fast"), ".nam")
    aida("aida_in_gain", 1, in_gain=-3.0)
    aida("aida_out_gain", 1, out_gain=2.5)
    aida("aida_skip", 1, in_skip=1)
    aida("aida_no_skip", 1, in_skip=0, in_gain=0, out_gain=0.0)
    levels = aida("aida_knobs", 3, in_skip=1, in_gain=4.0, out_gain=-6.0)
    refused("aida_skip_E903", change(levels, "in_skip", to=2))
    refused("aida_skip_text_E903", change(levels, "in_skip", to="1"))
    refused("aida_gain_E901", change(levels, "in_gain", to="loud"))
    refused("aida_gain_huge_E901", change(levels, "out_gain", to=1e9))
    refused("aida_rate_E901", change(levels, "metadata", "samplerate", to="high"))
    wide = {**rl, "in_skip": 1}
    refused("aida_skip_wide_E903", change(wide, "layers", to=rl["layers"][:1]))
    make_wavenet.main(save, refused, change)


if __name__ == "__main__":
    main()
