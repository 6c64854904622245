# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes fixtures/sketch.json and .npz, a small model as Sketch-RNN dumps them and what plain numpy in
double makes of 12 strokes (x0; y0 the states, y1 the output), and fixtures/refused/ of it and of
word segmentation models of ICU.

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


def icu(v=5, d=2, u=2):
    shapes = [[v, d], [d, 4 * u], [u, 4 * u], [4 * u], [d, 4 * u], [u, 4 * u], [4 * u], [2 * u, 4], [4]]
    model = {"model": "Small_codepoints", "dic": {"a": 0, "b": 1, "c": 2, "d": 3}}
    for i, shape in enumerate(shapes):
        data = rng.uniform(-1, 1, int(np.prod(shape))).round(3).tolist()
        model[f"mat{i + 1}"] = {"v": 1, "dim": shape, "data": data}
    return model


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
    save("refused", "icu_length_E904", model)
    save("refused", "icu_missing_E602", changed(model, "mat6", to=None))
    save("refused", "icu_shapes_E603", changed(model, "mat7", "dim", to=[2, 4]))
    save("refused", "icu_short_E603", changed(model, "mat2", "data", to=[0.5] * 7))
    save("refused", "icu_dims_E901", changed(model, "mat1", "dim", to=[5, 2, 1]))
    save("refused", "icu_key_E903", changed(model, "mat10", to=[1]))


if __name__ == "__main__":
    main()
