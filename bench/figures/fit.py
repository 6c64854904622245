#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fit.py DATA: rows of compiler/lower/costs.def out of what collect.sh gathered, with how far they are off.

Code is a sum of counts times sizes that are not negative, fitted to the whole of flash, weights included,
with more weight on models that are more than 10 % off. Of stack it prints what entries need beside the
scratch memory."""
import collections
import sys

import numpy as np

KINDS = ("ENTRY LOOP TEST LOAD NARROW HALF STORE FLOAT FUSED DIVIDE INTEGER CONVERT CHOICE CONSTANT CALL VECTOR_MEMORY VECTOR "
         "SHUFFLE FIXED DOT PRODUCT MOVE MOVED TERM LIVE").split()
NOT_CODE = ("MOVED", "LIVE")
ENTRIES = ("run", "step", "reset", "push")


def read(path):
    data = collections.defaultdict(lambda: {"text": {}, "stack": {}})
    for line in open(path):
        core, model, what, *rest = line.split()
        one = data[core, model]
        if what in ("weights", "scratch", "object"):
            one[what] = int(rest[0])
        elif what == "text":
            one["text"][rest[0]] = np.array([float(n) for n in rest[1:]])
        elif what == "stack":
            one["stack"][rest[0].replace("model_", "")] = int(rest[1])
    return data


def not_negative(a, b, turns=2000):
    """Least squares by coordinates, none below 0."""
    x, gram, right = np.zeros(a.shape[1]), a.T @ a, a.T @ b
    for _ in range(turns):
        for j in range(len(x)):
            if gram[j, j] > 0:
                x[j] = max(0, x[j] + (right[j] - gram[j] @ x) / gram[j, j])
    return x


def fit(core, rows):
    zero = np.zeros(len(KINDS))
    counts, code, weights = [], [], []
    for _, d in rows:
        entries = sum((v for f, v in d["text"].items() if f in ENTRIES), zero.copy())
        helpers = sum((v for f, v in d["text"].items() if f not in ENTRIES), zero.copy())
        for kind in NOT_CODE:
            entries[KINDS.index(kind)] = 0
        counts.append(np.append(entries, helpers.sum()))
        code.append(d["object"] - d["weights"])
        weights.append(d["weights"])
    counts, code, weights = np.array(counts), np.array(code, float), np.array(weights, float)
    importance = 1 / (code + weights)
    for _ in range(3):
        x = np.round(10 * not_negative(counts * importance[:, None], code * importance)) / 10
        off = (counts @ x + weights) / (code + weights) - 1
        importance = (1 + 2 * (abs(off) > 0.1)) / (code + weights)
    print(f"{core}: {len(code)} models, {100 * np.quantile(abs(off), 0.9):.0f} % off for nine of ten, {100 * abs(off).max():.0f} % at most")
    print("  TEXT(" + ", ".join(f"[CENSUS_{k}] = {round(10 * v)}" for k, v in zip(KINDS, x) if v > 0) + f"), helper {round(10 * x[-1])}")


def stack(rows):
    most = []
    for name, d in rows:
        helper = max([v for f, v in d["stack"].items() if f not in ENTRIES], default=0)
        entry = max(v for f, v in d["stack"].items() if f in ENTRIES)
        if "push" in d["stack"]:
            entry = d["stack"]["push"] + d["stack"].get("run", 0)
        most.append((entry + helper - d["scratch"], name))
    print("  stack beside scratch:", sorted(most, reverse=True)[:3])


def in_integers(d):
    return any(v[KINDS.index("FIXED")] or v[KINDS.index("DOT")] for v in d["text"].values())


data = read(sys.argv[1])
for core, integers in sorted({(core, in_integers(d)) for (core, _), d in data.items()}):
    print("integers," if integers else "floats,", end=" ")
    rows = [(model, d) for (c, model), d in data.items() if c == core and in_integers(d) == integers and "object" in d and len(next(iter(d["text"].values()))) == len(KINDS)]
    if rows:
        fit(core, rows)
        stack(rows)
