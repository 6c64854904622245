#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""adjust.py FIGURES CORE LOG [LIMIT]: new numbers TEXT(...) for the estimates of flash of one core, out of what
tests/embedded/figures.sh printed for it.

LOG has the sizes that GCC gave; FIGURES (build/.../bin/figures) counts again what the code is made of. Of all
numbers with which every build is within LIMIT (default 0.9) of what the test allows, or as near as can be, these change
the estimates least. Nothing is compiled, so that a few builds that are off after a change of the generated code take minutes. Prints a
line for each CODE(...) of the core, in the order of costs.def, with how far it is off before and afterwards."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
from scipy.optimize import linprog

from fit import FIXED_POINT, FLOOR, INLINES, INTEGERS, MIXED, SHARE, ENTRIES, estimate, holds, numbers, of_entries

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# for which grus generates the code of a core that has no target of its own
TARGETS = {"cortex-m3": "cortex-m0", "cortex-m33": "cortex-m4"}
STAGES = 16  # the share of helpers that GCC inlines rests on the numbers, and the numbers on the share


def build(figures, core, model, precision, size):
    """What `figures` counts in a model, as fit.py reads it; None: it is of a folder that is not there."""
    for folder in ("tests/models", *(f"examples/{d}" for d in os.listdir(f"{ROOT}/examples"))):
        path = f"{ROOT}/{folder}/{model}.grus"
        if os.path.exists(path):
            break
    else:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        words = [figures, path, TARGETS.get(core, core), scratch] + ([f"precision={precision}"] if precision else [])
        said = subprocess.run(words, capture_output=True, text=True)
    one = {"name": f"{model} {precision or ''}".strip(), "size": float(size), "text": {}, "own": {}}
    for what, name, *counts in (line.split() for line in said.stdout.splitlines() if len(line.split()) > 1):
        if what in ("text", "own"):
            one[what][name] = np.array([float(n) for n in counts])
        elif what == "weights":
            one[what] = float(name)
    return one if one["text"] else None


def builds(figures, core, log):
    line = re.compile(rf"{core} (\S+)(?: (\S+))?: flash \d+, measured (\d+) ")
    found = (build(figures, core, *m.groups()) for m in map(line.match, open(log)) if m)
    return [one for one in found if one]


def present(kinds, core):
    """The numbers of each CODE(...) in costs.def: those of TEXT, and last that of a helper."""
    costs = open(f"{ROOT}/compiler/lower/costs.def").read()
    row = re.search(rf'^COST\("{core}".*?(?=^COST|\Z)', costs, re.M | re.S)[0]
    for helper, text in re.findall(r"CODE\(\d+, \d+, (\d+), SPREAD\([^)]*\), TEXT\(([^)]*)\)", row):
        x = np.zeros(len(kinds) + 1)
        for kind, tenths in re.findall(r"\[CENSUS_(\w+)\] = (\d+)", text):
            x[kinds.index(kind)] = int(tenths) / 10
        x[-1] = int(helper) / 10
        yield x


def least_change(counts, code, allowed, limit, x):
    """The numbers nearest to x, by what they change, with which counts are within limit of what is allowed, or as near as
    numbers can bring them."""
    n = len(x)
    one, none, apart = np.eye(n), np.zeros_like(counts), allowed[:, None]
    sides, wanted = np.vstack([counts, -counts]), np.concatenate([code, -code])
    # first the least limit, as one more number
    found = linprog(np.append(np.zeros(n), 1), np.hstack([sides, -np.vstack([apart, apart])]), wanted, bounds=(0, None), method="highs")
    room = max(limit, 1.001 * found.fun) * np.concatenate([allowed, allowed])
    # what no build has keeps its number, because a change of it has a price too
    price = np.append(np.zeros(n), np.maximum(x, 3) * np.maximum(counts.mean(0), 0.01))
    bounds = np.block([[sides, np.vstack([none, none])], [one, -one], [-one, -one]])
    found = linprog(price, bounds, np.concatenate([wanted + room, x, -x]), bounds=(0, None), method="highs")
    return np.round(found.x[:n], 1)


def settle(off, x):
    """x in tenths, each moved while that brings the build that is furthest off nearer."""
    moved = True
    while moved:
        moved = False
        for i in range(len(x)):
            for step in (1, -1, 0.1, -0.1):
                y = x.copy()
                y[i] = max(0, round(y[i] + step, 1))
                if off(y) < off(x):
                    x, moved = y, True
    return x


def adjust(kinds, core, rows, x, limit):
    own = np.array([of_entries(kinds, d["own"]) for d in rows])
    helpers = np.array([of_entries(kinds, d["text"]) for d in rows]) - own
    once = np.array([sum(v.sum() for f, v in d["text"].items() if f not in ENTRIES) for d in rows])
    size = np.array([d["size"] for d in rows])
    code = size - [d["weights"] for d in rows]
    room = np.maximum(SHARE * size, FLOOR)
    inlines = INLINES.get(core, (0, 0))

    def off(numbers_now):
        bytes_of, share = estimate(numbers_now, own, helpers, once, inlines)
        worst = int(np.argmax(abs(bytes_of - code) / room))
        return abs(bytes_of - code)[worst] / room[worst], rows[worst]["name"], share

    before, name, share = off(x)
    print(f"{len(rows)} builds, greatest {before:.2f} of what is allowed ({name})")
    best = None
    for _ in range(STAGES if inlines[0] else 1):
        now = least_change(np.column_stack([own + share[:, None] * helpers, once]), code, room, limit, x)
        after, name, inlined = off(now)
        if best is None or after < best[0]:
            best = (after, name, now)
        share = (share + inlined) / 2
    if best[0] > 0.99:
        settled = settle(lambda y: off(y)[0], best[2])
        best = (*off(settled)[:2], settled)
    print(f"  {best[0]:.3f} ({best[1]}) with: helper {round(10 * best[2][-1])}, TEXT({numbers(kinds, best[2][:-1], 10)})")


def main():
    figures, core, log = sys.argv[1:4]
    limit = float(sys.argv[4]) if len(sys.argv) > 4 else 0.9
    kinds = re.findall(r"F\(([A-Z0-9_]+)\)", open(f"{ROOT}/compiler/kir/census.h").read())
    rows = builds(figures, core, log)
    floats = [d for d in rows if not holds(kinds, d, INTEGERS)]
    integers = [d for d in rows if holds(kinds, d, INTEGERS)]
    parts = [floats, integers]
    if core in MIXED:
        parts = [floats] + [[d for d in integers if holds(kinds, d, FIXED_POINT) == fixed] for fixed in (True, False)]
    for part, x in zip(parts, present(kinds, core)):
        adjust(kinds, core, part, x, limit)


if __name__ == "__main__":
    main()
