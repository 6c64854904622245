# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models of PedalNet for make_audio.py: WaveNets in JSON, whose numbers are strings in older files."""
import numpy as np

rng = np.random.default_rng(11)
STEPS = 12


def numbers(*shape): return rng.uniform(-0.8, 0.8, shape).round(4)


def pedalnet(save, name, activation, channels=3, taps=2, dilations=(1, 2, 4), inputs=1, outputs=1, text=True, **more):
    act = {"tanh": np.tanh, "relu": lambda v: np.maximum(v, 0), "linear": lambda v: v, "softsign": lambda v: v / (1 + abs(v)), "sigmoid": lambda v: 1 / (1 + np.exp(-v))}
    gated = {"gated": ("tanh", "sigmoid"), "softgated": ("softsign", "softsign")}.get(activation)
    wide = channels * (2 if gated else 1)
    arrays = {(-1, "W"): numbers(inputs, channels), (-1, "b"): numbers(channels)}
    for k in range(len(dilations)):
        arrays |= {(k, "W_conv"): numbers(taps, channels, wide), (k, "b_conv"): numbers(wide), (k, "W_out"): numbers(channels, channels), (k, "b_out"): numbers(channels)}
    arrays |= {(len(dilations), "W"): numbers(channels * len(dilations), outputs), (len(dilations), "b"): numbers(outputs)}
    data = lambda a: [str(float(v)) if text else float(v) for v in a.reshape(-1)]
    model = {"activation": activation, "output_channels": outputs, "input_channels": inputs, "residual_channels": channels, "filter_width": taps,
             "dilations": list(dilations), "variables": [{"layer_idx": k, "data": data(a), "name": n} for (k, n), a in arrays.items()], **more}
    arrays = {k: a.astype("f4").astype("f8") for k, a in arrays.items()}
    x = rng.uniform(-1, 1, (STEPS, inputs))
    h, skips = x @ arrays[-1, "W"] + arrays[-1, "b"], []
    for k, dilation in enumerate(dilations):
        past = np.vstack([np.zeros(((taps - 1) * dilation, channels)), h])
        v = sum(past[j * dilation:j * dilation + STEPS] @ arrays[k, "W_conv"][j] for j in range(taps)) + arrays[k, "b_conv"]
        s = act[gated[0]](v[:, :channels]) * act[gated[1]](v[:, channels:]) if gated else act[activation](v)
        skips.append(s)
        h = h + s @ arrays[k, "W_out"] + arrays[k, "b_out"]
    save(name, model, x, np.hstack(skips) @ arrays[len(dilations), "W"] + arrays[len(dilations), "b"])
    return model


def main(save, refused, change):
    model = pedalnet(save, "pedalnet_gated", "gated", level_adjust=2.0)
    pedalnet(save, "pedalnet_softgated", "softgated", taps=3, text=False)
    pedalnet(save, "pedalnet_relu", "relu", inputs=2, outputs=2)
    pedalnet(save, "pedalnet_linear", "linear", dilations=(3,))
    refused("pedalnet_activation_E902", change(model, "activation", to="swish"))
    refused("pedalnet_silent_E904", change(model, "activation", to=None))
    refused("pedalnet_missing_E602", change(model, "variables", 3, "name", to="gain"))
    refused("pedalnet_twice_E901", change(model, "variables", 4, to=model["variables"][3]))
    refused("pedalnet_more_E903", change(model, "variables", to=model["variables"] + [{"layer_idx": 9, "name": "W", "data": []}]))
    refused("pedalnet_size_E603", change(model, "residual_channels", to=4))
    refused("pedalnet_text_E603", change(model, "variables", 2, "data", 1, to="0.5x"))
    refused("pedalnet_infinite_E603", change(model, "variables", 2, "data", 1, to="inf"))
    refused("pedalnet_dilation_E901", change(model, "dilations", 1, to=0))
    refused("pedalnet_key_E903", change(model, "stride", to=2))
