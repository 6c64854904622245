#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""fit.py DATA CENSUS_H: compiler/lower/costs.def out of what collect.sh and count.sh gathered; how far it is off, on
standard error.

Bytes of code and instructions of a call are sums of counts times numbers that are not negative. Bytes are fitted
so that no model is further off than 10 % of its flash, or FLOOR bytes if they are more; instructions, so that none
is off by a greater part than it must be. Stack is what entries need beside the scratch memory, at most, and
more for each loop: addresses of a large model wait on the stack."""
import collections
import re
import sys

import numpy as np
from scipy.optimize import nnls

FLOOR, SHARE = 320, 0.1
LARGE, ROOM = 200, 32
FIXED_POINT = ("UPPER", "LIMIT", "BLEND", "LOOKUP")
INTEGERS = FIXED_POINT + ("ROUND", "DOT", "DOT8")
NO_TEXT = ("MOVED", "LIVE", "ONCE")
NO_TIME = ("ENTRY", "LIVE", "MOVE", "KNOWN", "ONCE", "TEST")
ENTRIES = ("run", "step", "reset", "push")
# core, other names of -mcpu, hundredths of a cycle that an instruction takes (docs/embedding.md says from where)
CORES = [
    ("cortex-m0", "cortex-m0plus cortex-m23", 120, 200),
    ("cortex-m3", "", 110, 180),
    ("cortex-m4", "", 130, 180),
    ("cortex-m33", "", 100, 180),
    ("cortex-m7", "", 90, 160),
    ("cortex-m55", "cortex-m85", 100, 180),
    ("rv32", "", 100, 200),
]
# GCC inlines helpers into an entry until it has grown by so many bytes, or percent of its own code. Set by what
# models of more than a hundred layers, and one with all activations, need; no such limit shows on other cores.
INLINES = {"rv32": (20000, 75)}
# cores on which floats with products of integers are fitted apart from fixed point: there loops become vectors
MIXED = {"cortex-m55"}
# floats by functions, whose time depends on the numbers
SOFT = {"cortex-m0": (65, 160), "cortex-m3": (65, 160), "rv32": (55, 180)}


def read(path):
    data = collections.defaultdict(lambda: {"text": {}, "own": {}, "call": {}, "stack": {}})
    for line in open(path):
        core, model, what, *rest = line.split()
        if not rest:
            continue
        one = data[core, model]
        if what in ("weights", "scratch", "object", "count"):
            one[what] = int(rest[0])
        elif what in ("text", "own", "call"):
            one[what][rest[0]] = np.array([float(n) for n in rest[1:]])
        elif what == "stack":
            one["stack"][rest[0].replace("model_", "")] = int(rest[1])
    return data


def fit(counts, wanted, allowed, turns=150):
    """Weights of what is far off grow, turn by turn; the best turn counts."""
    importance, best = 1 / allowed, None
    for _ in range(turns):
        x, _rest = nnls(counts * importance[:, None], wanted * importance, maxiter=50000)
        off = abs(counts @ x - wanted) / allowed
        rank = (int((off > 1).sum()), max(off.max(), 0.5), off.mean())
        if best is None or rank < best[0]:
            best = (rank, x)
        importance *= np.clip(off / min(0.8, off.max()), 0.8, 1.4) ** 0.4
        importance *= (1 / allowed).mean() / importance.mean()
    return best[1]


def of_entries(kinds, functions):
    counts = sum((v for f, v in functions.items() if f in ENTRIES), np.zeros(len(kinds))).copy()
    for kind in NO_TEXT:
        counts[kinds.index(kind)] = 0
    return counts


def estimate(x, own, helpers, once, inlines):
    """Bytes of code, and the share of the helpers that GCC inlines."""
    own_bytes, helper_bytes = own @ x[:-1], helpers @ x[:-1]
    least, percent = inlines
    room = np.maximum(least, own_bytes * percent / 100) if least else helper_bytes
    share = np.minimum(1, room / np.maximum(helper_bytes, 1))
    return own_bytes + share * helper_bytes + once * x[-1], share


def fit_text(kinds, rows, label, inlines):
    own = np.array([of_entries(kinds, d["own"]) for _, d in rows])
    helpers = np.array([of_entries(kinds, d["text"]) for _, d in rows]) - own
    once = np.array([sum(v.sum() for f, v in d["text"].items() if f not in ENTRIES) for _, d in rows])
    flash = np.array([float(d["object"]) for _, d in rows])
    code = flash - [d["weights"] for _, d in rows]
    allowed = np.maximum(SHARE * flash, FLOOR)
    # the share rests on the numbers, and the numbers on the share
    share, best = np.full(len(rows), 1.0), None
    for _ in range(16 if inlines[0] else 1):
        x = np.round(10 * fit(np.column_stack([own + share[:, None] * helpers, once]), code, allowed)) / 10
        bytes_of, inlined = estimate(x, own, helpers, once, inlines)
        off = (bytes_of - code) / allowed
        if best is None or abs(off).max() < abs(best[1]).max():
            best = (x, off)
        share = (share + inlined) / 2
    x, off = best
    print(f"{label}: {len(code)} builds, {sum(abs(off * allowed) <= SHARE * flash)} within 10 %, {sum(abs(off) <= 1)} "
          f"or {FLOOR} bytes", file=sys.stderr)
    for i in np.argsort(-abs(off))[:3]:
        print(f"    {rows[i][0]}: {100 * off[i] * allowed[i] / flash[i]:.1f} % of {flash[i]:.0f}", file=sys.stderr)
    return x


def fit_runs(kinds, rows, label):
    counts, runs, names = [], [], []
    for name, d in rows:
        call = d["call"].get("step", d["call"].get("run"))
        if "count" not in d or "push" in d["call"] or call is None:
            continue
        call = call.copy()
        for kind in NO_TIME:
            call[kinds.index(kind)] = 0
        counts.append(call)
        runs.append(d["count"])
        names.append(name)
    if len(runs) < 8:
        return None
    counts, runs = np.array(counts), np.array(runs, float)
    x = np.round(100 * fit(counts, runs, 0.05 * runs)) / 100
    ratio = counts @ x / runs
    print(f"    {len(runs)} calls: {ratio.min():.2f} ({names[ratio.argmin()]}) to {ratio.max():.2f} "
          f"({names[ratio.argmax()]}) of the instructions", file=sys.stderr)
    return x


def stack(kinds, rows):
    """Bytes that no model of fewer than LARGE loops exceeds, and the tenths of a byte for each loop that cover the others."""
    loops, wanted = [], []
    for _, d in rows:
        helper = max([v for f, v in d["stack"].items() if f not in ENTRIES], default=0)
        entry = max([v for f, v in d["stack"].items() if f in ENTRIES], default=0)
        if "push" in d["stack"]:
            entry = d["stack"]["push"] + d["stack"].get("run", 0)
        loops.append(sum(v[kinds.index("LOOP")] for f, v in d["text"].items() if f in ENTRIES))
        wanted.append(entry + helper - d["scratch"])
    loops, wanted = np.array(loops, float), np.array(wanted, float)
    base = -(-(wanted[loops < LARGE].max() + ROOM) // ROOM) * ROOM
    return int(base), int(np.ceil(10 * ((wanted + ROOM - base) / loops)[loops >= LARGE].max(initial=0)))


def numbers(kinds, x, times):
    return ", ".join(f"[CENSUS_{k}] = {round(times * v)}" for k, v in zip(kinds, x) if round(times * v)) or "[CENSUS_ENTRY] = 0"


def holds(kinds, d, some):
    return any(v[kinds.index(k)] for v in d["text"].values() for k in some)


def code(core, kinds, rows, runs_of, label):
    """The CODE(...) of a row: bytes by the builds in rows, instructions by those in runs_of."""
    text, runs = fit_text(kinds, rows, label, INLINES.get(core, (0, 0))), fit_runs(kinds, runs_of, label)
    spread = SOFT[core] if core in SOFT and label.endswith("floats") else (85, 120)
    return (f"CODE({', '.join(map(str, stack(kinds, runs_of)))}, {round(10 * text[-1])}, SPREAD({spread[0]}, {spread[1]}), "
            f"TEXT({numbers(kinds, text, 10)}),\n"
            f"          RUNS({numbers(kinds, runs, 100) if runs is not None else '[CENSUS_ENTRY] = 0'}))")


def main():
    data = read(sys.argv[1])
    kinds = re.findall(r"F\(([A-Z0-9_]+)\)", open(sys.argv[2]).read())
    for core, also, least, most in CORES:
        rows = [(m, d) for (c, m), d in sorted(data.items()) if c == core and "object" in d and d["text"]]
        floats = [(m, d) for m, d in rows if not holds(kinds, d, INTEGERS) and ":" not in m]
        integers = [(m, d) for m, d in rows if holds(kinds, d, INTEGERS)]
        parts = [code(core, kinds, floats, floats, f"{core} in floats")]
        if core in MIXED:
            for fixed, what in ((True, "fixed point"), (False, "floats with products of integers")):
                some = [(m, d) for m, d in integers if holds(kinds, d, FIXED_POINT) == fixed]
                parts.append(code(core, kinds, some, integers, f"{core} in {what}"))
        else:
            parts += [code(core, kinds, integers, integers, f"{core} in integers"), "LIKE_INTEGERS"]
        least_inlined, percent = INLINES.get(core, (0, 0))
        print(f'COST("{core}", "{also}", PACE({least}, {most}), INLINES({least_inlined}, {percent}),\n     ' + ",\n     ".join(parts) + ")")


if __name__ == "__main__":
    main()
