# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""WaveNet, ConvNet, Linear and containers of Neural Amp Modeler for make_audio.py: random weights in the order of the
file's one list, and what plain numpy in double makes of 12 steps behind a silence that is longer than any of them
looks back. Each class takes its numbers as it is made, and computes whole sequences [steps, channels]."""

import copy

import numpy as np

rng = np.random.default_rng(11)
STEPS = 12


class List:
    def __init__(self):
        self.numbers = []

    def take(self, *shape):
        a = rng.uniform(-0.6, 0.6, shape).astype(np.float32).round(4).astype(np.float32)
        self.numbers += [round(float(v), 4) for v in a.ravel()]
        return a.astype(float)


class Conv:  # [out, in / groups, kernel]; kernel 1: a 1x1
    def __init__(self, w, d, f, kernel=1, dilation=1, groups=1, bias=True):
        self.w, self.dilation, self.groups = w.take(f, d // groups, kernel), dilation, groups
        self.b = w.take(f) if bias else np.zeros(f)

    def __call__(self, x):
        f, depth, kernel = self.w.shape
        rows = f // self.groups
        y = np.tile(self.b, (len(x), 1))
        for k in range(kernel):
            back = (kernel - 1 - k) * self.dilation
            past = np.concatenate([np.zeros((back, x.shape[1])), x])[:len(x)]
            for g in range(self.groups):
                y[:, g * rows:(g + 1) * rows] += past[:, g * depth:(g + 1) * depth] @ self.w[g * rows:(g + 1) * rows, :, k].T
        return y


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def activation(config):
    kind = config if isinstance(config, str) else config["type"]
    get = (lambda key, default: default) if isinstance(config, str) else config.get
    if kind == "LeakyHardtanh":
        low, high, a, b = get("min_val", -1), get("max_val", 1), get("min_slope", 0.01), get("max_slope", 0.01)
        return lambda x: np.where(x < low, (x - low) * a + low, np.where(x > high, (x - high) * b + high, x))
    if kind in ("LeakyReLU", "PReLU"):
        slope = np.array(get("negative_slopes", get("negative_slope", 0.01)))
        return lambda x: np.where(x > 0, x, slope * x)
    return {"Tanh": np.tanh, "Sigmoid": sigmoid, "ReLU": lambda x: np.maximum(x, 0), "Hardtanh": lambda x: np.clip(x, -1, 1),
            "SiLU": lambda x: x * sigmoid(x), "Hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
            "Softsign": lambda x: x / (1 + abs(x))}[kind]


class Film:
    def __init__(self, w, config, c, dim):
        config = config or {}
        self.active, self.shift, self.dim = config.get("active", bool(config)), config.get("shift", True), dim
        self.conv = Conv(w, c, dim * (2 if self.shift else 1), groups=config.get("groups", 1)) if self.active else None

    def __call__(self, x, c):
        if not self.active:
            return x
        s = self.conv(c)
        return x * s[:, :self.dim] + (s[:, self.dim:] if self.shift else 0)


FILMS = ("conv_pre", "conv_post", "input_mixin_pre", "input_mixin_post", "activation_pre", "activation_post", "layer1x1_post", "head1x1_post")


class Layer:
    def __init__(self, w, a, i):
        one = lambda value: value[i] if isinstance(value, list) else value
        c, n = a["condition_size"], a["channels"]
        self.bn = bn = a.get("bottleneck", n)
        self.mode = one(a.get("gating_mode", "gated" if a.get("gated") else "none"))
        z = bn * (1 if self.mode == "none" else 2)
        self.conv = Conv(w, n, z, one(a.get("kernel_sizes", a.get("kernel_size"))), a["dilations"][i], a.get("groups_input", 1))
        self.mixin = Conv(w, c, z, groups=a.get("groups_input_mixin", 1), bias=False)
        head, layer = a.get("head1x1", {"active": False}), a.get("layer1x1", {"active": True, "groups": 1})
        self.layer1x1 = Conv(w, bn, n, groups=layer["groups"]) if layer["active"] else None
        self.head1x1 = Conv(w, bn, head["out_channels"], groups=head["groups"]) if head["active"] else None
        dims = (n, z, c, z, z, bn, n, head.get("out_channels"))
        self.film = {name: Film(w, a.get(name + "_film"), c, dim) for name, dim in zip(FILMS, dims)}
        self.act = activation(one(a["activation"]))
        self.second = activation(one(a.get("secondary_activation", "Sigmoid")) or "Sigmoid")

    def __call__(self, x, c):
        f = self.film
        z = f["conv_post"](self.conv(f["conv_pre"](x, c)), c) + f["input_mixin_post"](self.mixin(f["input_mixin_pre"](c, c)), c)
        z = f["activation_pre"](z, c)
        v, s = z[:, :self.bn], self.second(z[:, self.bn:]) if self.mode != "none" else 1
        z = self.act(v) * s
        if self.mode == "blended":
            z = z + v * (1 - s)
        z = f["activation_post"](z, c)
        if self.layer1x1:
            y = self.layer1x1(z)
            x = x + (f["layer1x1_post"](y, c) if self.mode == "blended" else y)
        return x, f["head1x1_post"](self.head1x1(z), c) if self.head1x1 else z


class Array:
    def __init__(self, w, a):
        self.rechannel = Conv(w, a["input_size"], a["channels"], bias=False)
        self.layers = [Layer(w, a, i) for i in range(len(a["dilations"]))]
        head = a.get("head") or {"out_channels": a["head_size"], "kernel_size": 1, "bias": a["head_bias"]}
        d = a["head1x1"]["out_channels"] if a.get("head1x1", {}).get("active") else a.get("bottleneck", a["channels"])
        self.head = Conv(w, d, head["out_channels"], head["kernel_size"], head.get("head_dilation", 1), bias=head["bias"])

    def __call__(self, x, c, head):
        x = self.rechannel(x)
        for layer in self.layers:
            x, part = layer(x, c)
            head = head + part
        return x, self.head(head)


class WaveNet:
    def __init__(self, w, config, dsp=None):
        self.dsp, self.arrays = dsp, [Array(w, a) for a in config["layers"]]
        self.post, head = [], config.get("head")
        d = config["layers"][-1].get("head_size")
        for i, kernel in enumerate(head["kernel_sizes"] if head else []):
            last = i + 1 == len(head["kernel_sizes"])
            self.post.append(Conv(w, d, head["out_channels"] if last else head["channels"], kernel))
            d = head["channels"]
        self.act = activation(head["activation"]) if head else None
        self.scale = w.take(1)[0]

    def __call__(self, x):
        c, head = self.dsp(x) if self.dsp else x, 0
        for array in self.arrays:
            x, head = array(x, c, head)
        y = head * self.scale
        for conv in self.post:
            y = conv(self.act(y))
        return y


class ConvNet:
    def __init__(self, w, config):
        self.blocks, d = [], 1
        for dilation in config["dilations"]:
            conv = Conv(w, d, config["channels"], 2, dilation, config.get("groups", 1), not config["batchnorm"])
            norm = None
            if config["batchnorm"]:
                n = config["channels"]
                norm = [w.take(n), abs(w.take(n)) + 0.3, w.take(n), w.take(n), 0.001]
                w.numbers[-3 * n:-2 * n] = [round(float(v), 4) for v in norm[1]]
                norm[1] = np.array(w.numbers[-3 * n:-2 * n]).astype(np.float32).astype(float)
                w.numbers.append(0.001)
            self.blocks.append((conv, norm))
            d = config["channels"]
        self.act, self.head = activation(config["activation"]), Conv(w, d, 1)

    def __call__(self, x):
        for conv, norm in self.blocks:
            x = conv(x)
            if norm:
                x = norm[2] * (x - norm[0]) / np.sqrt(norm[1] + np.float32(norm[4])) + norm[3]
            x = self.act(x)
        return self.head(x)


class Linear:
    def __init__(self, w, config):
        self.taps = w.take(config["receptive_field"])
        self.b = w.take(1)[0] if config["bias"] else 0

    def __call__(self, x):
        return np.convolve(x[:, 0], self.taps)[:len(x), None] + self.b


def model(architecture, config, numbers):
    return {"version": "0.6.1", "architecture": architecture, "config": config, "weights": numbers, "sample_rate": 48000}


def main(save, refused):
    silence = 400

    def net(architecture, config, dsp=None):
        w = List()
        kind = {"WaveNet": WaveNet, "ConvNet": ConvNet, "Linear": Linear}[architecture]
        return kind(w, config, dsp) if dsp else kind(w, config), model(architecture, config, w.numbers)

    def write(name, y, file):
        x = rng.uniform(-1, 1, (STEPS, 1))
        save(name, file, x, y(np.concatenate([np.zeros((silence, 1)), x]))[silence:], ".nam")
        return file

    old = [{"input_size": 1, "condition_size": 1, "head_size": 2, "channels": 3, "kernel_size": 3, "dilations": [1, 2, 4],
            "activation": "Tanh", "gated": False, "head_bias": False},
           {"input_size": 3, "condition_size": 1, "head_size": 1, "channels": 2, "kernel_size": 2, "dilations": [8, 1],
            "activation": "ReLU", "gated": True, "head_bias": True}]
    plain = write("nam_wavenet", *net("WaveNet", {"layers": old, "head": None, "head_scale": 0.02}))
    film = lambda shift, groups=1: {"active": True, "shift": shift, "groups": groups}
    new = [{"input_size": 1, "condition_size": 2, "head_size": 2, "channels": 4, "bottleneck": 2, "kernel_sizes": [3, 2, 4], "dilations": [1, 5, 2],
            "activation": ["SiLU", {"type": "PReLU", "negative_slopes": [0.1, 0.3]}, {"type": "LeakyReLU", "negative_slope": 0.2}],
            "gating_mode": ["none", "gated", "blended"], "secondary_activation": [None, "Hardswish", {"type": "LeakyHardtanh", "min_val": 0.1, "max_val": 0.9}],
            "groups_input": 2, "groups_input_mixin": 1, "layer1x1": {"active": True, "groups": 2}, "head1x1": {"active": True, "out_channels": 2, "groups": 2},
            "head_bias": True, "conv_pre_film": film(True), "conv_post_film": film(False, 2), "input_mixin_pre_film": film(True, 2),
            "input_mixin_post_film": film(True), "activation_pre_film": film(False), "activation_post_film": film(True),
            "layer1x1_post_film": film(True), "head1x1_post_film": film(False)},
           {"input_size": 4, "condition_size": 2, "head": {"out_channels": 3, "kernel_size": 4, "bias": True}, "head_size": 3, "channels": 2,
            "kernel_size": 2, "dilations": [3], "activation": "Hardtanh", "head1x1": {"active": False, "out_channels": 2, "groups": 1}}]
    inner = [{"input_size": 1, "condition_size": 1, "head_size": 2, "channels": 2, "kernel_size": 3, "dilations": [1, 2], "activation": "Softsign",
              "gated": False, "head_bias": True}]
    dsp, dsp_file = net("WaveNet", {"layers": inner, "head": None, "head_scale": 0.5})
    head = {"channels": 2, "out_channels": 1, "kernel_sizes": [3, 2], "activation": "Tanh"}
    full = write("nam_wavenet_full", *net("WaveNet", {"layers": new, "head": head, "head_scale": 0.02, "condition_dsp": dsp_file}, dsp))
    write("nam_convnet", *net("ConvNet", {"channels": 4, "dilations": [1, 2, 4], "batchnorm": True, "activation": "Tanh", "groups": 1}))
    write("nam_convnet_bias", *net("ConvNet", {"channels": 2, "dilations": [1, 3], "batchnorm": False, "activation": "ReLU"}))
    write("nam_linear", *net("Linear", {"receptive_field": 7, "bias": True}))
    y, large = net("WaveNet", {"layers": old[:1], "head": None, "head_scale": 1})
    large["config"]["layers"][0] = {**old[0], "head_size": 1}
    y, large = net("WaveNet", large["config"])
    container = model("SlimmableContainer", {"submodels": [{"max_value": 0.5, "model": plain}, {"max_value": 1.0, "model": large}]}, [])
    write("nam_container", y, container)

    def change(file, *path, to):
        out = copy.deepcopy(file)
        at = out
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = to
        return out

    layer = ("config", "layers", 0)
    refused("nam_wavenet_short_E603", change(plain, "weights", to=plain["weights"][:-1]), ".nam")
    refused("nam_wavenet_long_E603", change(plain, "weights", to=plain["weights"] + [0.5]), ".nam")
    refused("nam_wavenet_activation_E902", change(plain, *layer, "activation", to="Fasttanh"), ".nam")
    refused("nam_wavenet_gating_E902", change(full, *layer, "gating_mode", to="mixed"), ".nam")
    refused("nam_wavenet_groups_E903", change(full, *layer, "groups_input", to=3), ".nam")
    refused("nam_wavenet_key_E903", change(plain, *layer, "dropout", to=0.5), ".nam")
    refused("nam_wavenet_list_E603", change(full, *layer, "kernel_sizes", to=[3, 2]), ".nam")
    refused("nam_wavenet_arrays_E603", change(plain, "config", "layers", 1, "channels", to=3), ".nam")
    refused("nam_wavenet_condition_E603", change(plain, *layer, "condition_size", to=2), ".nam")
    refused("nam_wavenet_dilation_E901", change(plain, *layer, "dilations", to=[1, 0, 4]), ".nam")
    refused("nam_wavenet_none_E901", change(plain, "config", "layers", to=[]), ".nam")
    refused("nam_wavenet_film_E901", change(full, *layer, "conv_pre_film", to="on"), ".nam")
    refused("nam_wavenet_slopes_E603", change(full, *layer, "activation", 1, "negative_slopes", to=[0.1]), ".nam")
    refused("nam_wavenet_huge_E603", change(plain, *layer, "channels", to=1 << 30), ".nam")
    refused("nam_container_order_E901", change(container, "config", "submodels", 0, "max_value", to=2.0), ".nam")
    refused("nam_container_empty_E901", change(container, "config", "submodels", to=[]), ".nam")
