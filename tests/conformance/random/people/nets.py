# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The list of nets that people.py exports. A net is a function that makes a module, with its inputs as text: "b 49t 13" is
a batch of sequences of 49 steps, whose length an export may leave open, with 13 features; "b 12t :30" are numbers below 30, and "1 b 24 ~" is a state, which begins with zeros."""
import re
import numpy as np
from case import Port

TORCH, KERAS = {}, {}


def net(*inputs, where=TORCH):
    def keep(make):
        where[make.__name__] = (make, inputs)
        return make
    return keep


def spec(text):
    """(dims with None for the batch, the axis of the time or None, the bound of whole numbers or None)"""
    dims, time, bound = [], None, None
    for part in text.replace("~", "").split():
        if part.startswith(":"): bound = int(part[1:])
        elif part == "b": dims.append(None)
        else:
            if part.endswith("t"): time = len(dims)
            dims.append(int(re.match(r"\d+", part)[0]))
    return dims, time, bound


def data_of(text, rng, samples):
    dims, _, bound = spec(text)
    shape = [samples if d is None else d for d in dims]
    if "~" in text: return np.zeros(shape, "f4")
    return rng.integers(0, bound, shape) if bound else rng.uniform(-1.5, 1.5, shape).astype("f4")


def port(name, text, data):
    dims = spec(text)[0]
    return Port(name, data, dims.index(None) if None in dims else None)
