# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/sketch.json and .npz, a small model as Sketch-RNN dumps them and what plain numpy in
double makes of 12 strokes (x0; y0 the states, y1 the output); the same of fixtures/rnnoise.rnnn (y0 gains,
y1 voice activity) and of fixtures/icu.json, 7 code points; and fixtures/refused/ of them.

    python3 make_programs.py
"""

import base64
import copy
import json
import os

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures")
rng = np.random.default_rng(11)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def sketch(u=3, n=4):
    shapes = [[u, n], [n], [5, 4 * u], [u, 4 * u], [4 * u]]
    ints = [rng.integers(-3000, 3000, s).astype("<i2") for s in shapes]
    texts = [base64.b64encode(a.tobytes()).decode() for a in ints]
    settings = {"mode": 2, "version": 6, "max_seq_len": 12, "name": "zigzag", "scale_factor": 40.0}
    model = [settings, shapes, texts]
    head, bias, w, r, b = [a / 32767 * 10 for a in ints]
    x = rng.normal(size=(12, 5)).astype(np.float32)
    h, c, states = np.zeros(u), np.zeros(u), []
    for v in x:
        i, j, f, o = np.split(v @ w + h @ r + b, 4)  # j: the candidate
        c = sigmoid(f + 1) * c + sigmoid(i) * np.tanh(j)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    states = np.array(states)
    return model, {"x0": x, "y0": states, "y1": states @ head + bias}


def rnnoise(d=3, a=2, b=3, c=2, bands=2):
    """[lines of the file], arrays; activations: tanh, relu, tanh, relu of the candidates and layers."""

    def layer(inputs, units, activation, gates):
        w = [rng.integers(-127, 128, (inputs, gates * units))]
        if gates == 3:
            w.append(rng.integers(-127, 128, (units, 3 * units)))
        w.append(rng.integers(-127, 128, gates * units))
        lines.append(f"{inputs} {units} {activation}")
        lines.extend(" ".join(str(n) for n in m.ravel()) for m in w)
        return [m / 256 for m in w] + [activation]

    def act(kind, v):
        return [np.tanh, sigmoid, lambda u: np.maximum(u, 0)][kind](v)

    def dense(p, v):
        return act(p[2], v @ p[0] + p[1])

    def gru(p, v, h):
        w, r, bias, kind = p
        u = len(h)
        z, s, _ = np.split(sigmoid(v @ w + h @ r + bias), 3)
        n = act(kind, (v @ w + bias)[2 * u:] + (s * h) @ r[:, 2 * u:])
        return z * h + (1 - z) * n

    lines = ["rnnoise-nu model file version 1"]
    first, vad = layer(d, a, 0, 1), layer(a, b, 0, 3)
    noise, denoise = layer(a + b + d, c, 2, 3), layer(b + c + d, b, 0, 3)
    gains, speech = layer(b, bands, 1, 1), layer(b, 1, 1, 1)
    x = rng.normal(size=(12, d)).astype(np.float32)
    hv, hn, hd, y0, y1 = np.zeros(b), np.zeros(c), np.zeros(b), [], []
    for v in x:
        e = dense(first, v)
        hv = gru(vad, e, hv)
        hn = gru(noise, np.concatenate([e, hv, v]), hn)
        hd = gru(denoise, np.concatenate([hv, hn, v]), hd)
        y0.append(dense(gains, hd))
        y1.append(dense(speech, hv))
    return lines, {"x0": x, "y0": np.array(y0), "y1": np.array(y1)}


def save_lines(folder, name, lines):
    with open(os.path.join(HERE, folder, name + ".rnnn"), "w") as f:
        f.write("\n".join(lines) + "\n")


def icu(v=5, d=2, u=2):
    shapes = [[v, d], [d, 4 * u], [u, 4 * u], [4 * u], [d, 4 * u], [u, 4 * u], [4 * u], [2 * u, 4], [4]]
    model = {"model": "Small_codepoints", "dic": {"a": 0, "b": 1, "c": 2, "d": 3}}
    for i, shape in enumerate(shapes):
        data = rng.uniform(-1, 1, int(np.prod(shape))).round(3).tolist()
        model[f"mat{i + 1}"] = {"v": 1, "dim": shape, "data": data}
    return model


def segmented(model):
    """Labels of 7 code points."""
    m = [None] + [np.float32(model[f"mat{i}"]["data"]).astype(float).reshape(model[f"mat{i}"]["dim"]) for i in range(1, 10)]

    def lstm(w, r, b, rows):
        u = r.shape[0]
        h, c, out = np.zeros(u), np.zeros(u), []
        for v in rows:
            i, f, g, o = np.split(v @ w + h @ r + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            out.append(h)
        return np.array(out)

    x = rng.integers(0, len(m[1]), 7)
    rows = m[1][x]
    both = np.concatenate([lstm(m[2], m[3], m[4], rows), lstm(m[5], m[6], m[7], rows[::-1])[::-1]], axis=1)
    e = np.exp(both @ m[8] + m[9])
    return {"x0": x.astype(np.uint8), "y0": e / e.sum(axis=1, keepdims=True)}


def save(folder, name, model):
    with open(os.path.join(HERE, folder, name + ".json"), "w") as f:
        json.dump(model, f)
        f.write("\n")


def changed(model, *path, to):
    model = copy.deepcopy(model)
    at = model
    for key in path[:-1]:
        at = at[key]
    if to is None:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return model


def main():
    model, arrays = sketch()
    save("", "sketch", model)
    np.savez(os.path.join(HERE, "sketch.npz"), **arrays)
    save("refused", "sketch_conditional_E902", changed(model, 1, to=model[1] * 2)[:2] + [model[2] * 2])
    save("refused", "sketch_shapes_E603", changed(model, 1, 3, to=[2, 12]))
    save("refused", "sketch_short_E901", changed(model, 2, 2, to=model[2][2][:-4]))
    save("refused", "sketch_base64_E901", changed(model, 2, 2, to="?" + model[2][2][1:]))
    save("refused", "sketch_key_E903", changed(model, 0, "bias", to=2))
    save("refused", "sketch_sizes_E901", changed(model, 1, 0, to=[1 << 40, 4]))
    model = icu()
    save("", "icu", model)
    np.savez(os.path.join(HERE, "icu.npz"), **segmented(model))
    save("refused", "icu_length_E904", model)
    save("refused", "icu_missing_E602", changed(model, "mat6", to=None))
    save("refused", "icu_shapes_E603", changed(model, "mat7", "dim", to=[2, 4]))
    save("refused", "icu_short_E603", changed(model, "mat2", "data", to=[0.5] * 7))
    save("refused", "icu_rank_E603", changed(changed(model, "mat1", "dim", to=[10]), "mat1", "data", to=[0.5] * 10))
    save("refused", "icu_dims_E901", changed(model, "mat1", "dim", to=[5, 2, 1]))
    save("refused", "icu_key_E903", changed(model, "mat10", to=[1]))
    lines, arrays = rnnoise()
    save_lines("", "rnnoise", lines)
    np.savez(os.path.join(HERE, "rnnoise.npz"), **arrays)
    save_lines("refused", "rnnoise_text_E901", lines[:2] + ["1.5 " + lines[2]] + lines[3:])
    save_lines("refused", "rnnoise_more_E901", lines + ["1"])
    save_lines("refused", "rnnoise_cut_E901", lines[:-1])
    save_lines("refused", "rnnoise_width_E603", lines[:4] + ["3 3 0"] + lines[5:])
    save_lines("refused", "rnnoise_huge_E603", lines[:1] + ["3 30000 0"] + lines[2:])
    save_lines("refused", "rnnoise_activation_E902", lines[:1] + ["3 2 7"] + lines[2:])


if __name__ == "__main__":
    main()
