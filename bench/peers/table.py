# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results of bench/compare as Markdown tables; see `tables`.

The figure that counts is the median of a peer's blocks, all peers taking turns; a peer counts when its
results are within ACCURATE of float64."""

TITLES = {"step": "One step a call", "seq": "One call for 100 steps",
          "batch": "One step of 32 streams a call", "batchseq": "One call for 100 steps of 32 sequences"}
LABELS = {"rtneural": "RTNeural", "eigen": "Eigen", "openblas": "OpenBLAS", "onednn": "oneDNN",
          "onnxruntime": "onnxruntime", "pytorch": "PyTorch"}
ACCURATE = 1e-6


def family(name):
    """Variants of one peer share its first word: `onednn plain` is oneDNN."""
    return name.split()[0]


def best_of(cell):
    """The fastest accurate entry of each family of peers: {family: entry}."""
    best = {}
    for name, entry in cell["peers"].items():
        key = family(name)
        if key == "grus" or entry["error"] > ACCURATE:
            continue
        if key not in best or entry["median"] < best[key]["median"]:
            best[key] = entry
    return best


def ratios(cell):
    """How many times as long as grus each family takes: {family: ratio}."""
    grus = cell["peers"]["grus"]["median"]
    return {name: entry["median"] / grus for name, entry in best_of(cell).items()}


def reading(cell):
    """Nanoseconds to read once the weights a step needs (of a sequence: the recurrent ones), shared among
    the streams of a call."""
    return cell["reading"] / (1 if cell["case"] in ("step", "seq") else 32)


def multiplying(cell):
    """Nanoseconds of the multiply-adds of a step at the most this core was seen to do."""
    gates = 3 if cell["kind"] == "gru" else 4
    return gates * cell["hidden"] * (cell["in"] + cell["hidden"]) / cell["multiply_adds"]


def number(ns):
    return f"{ns:.1f}" if ns < 100 else f"{ns:,.0f}"


def line(cell):
    """All medians of a cell, for the log."""
    parts = [f"{name} {number(e['median'])}" for name, e in cell["peers"].items()]
    head = f"{cell['kind']} {cell['in']}x{cell['hidden']} {cell['case']}"
    return f"{head}: {', '.join(parts)}; weights read {number(cell['reading'])} ns"


def rows_of(cells):
    """Head and rows of one kind in one case."""
    names = [n for n in LABELS if any(n in best_of(c) for c in cells)]
    others = sorted({n for c in cells for n in c["peers"] if family(n) == "grus"} - {"grus"})
    head = ["in → units", "grus", "least"] + others + [LABELS[n] for n in names]
    yield head + ["best peer ÷ grus", "÷ reading", "÷ multiplying", "error", "of peers"]
    for cell in cells:
        grus, peers, ratio = cell["peers"]["grus"], best_of(cell), ratios(cell)
        best = min(ratio, key=ratio.get) if ratio else None
        errors = [e["error"] for n, e in cell["peers"].items() if family(n) != "grus"]
        yield ([f"{cell['in']} → {cell['hidden']}", f"**{number(grus['median'])}**", number(grus["least"])]
               + [number(cell["peers"][n]["median"]) if n in cell["peers"] else "" for n in others]
               + [number(peers[n]["median"]) if n in peers else "" for n in names]
               + [f"**{ratio[best]:.2f}** {LABELS.get(best, best)}" if best else "",
                  f"{grus['median'] / reading(cell):.2f}", f"{grus['median'] / multiplying(cell):.2f}",
                  f"{grus['error']:.0e}",
                  f"{max(errors):.0e}" if errors else ""])


def groups(results):
    """(case, kind, cells) in the order of the tables."""
    for case in TITLES:
        for kind in ("lstm", "gru"):
            cells = [c for c in results["cells"] if c["case"] == case and c["kind"] == kind]
            if cells:
                yield case, kind, cells


def tables(results):
    """Markdown: a table for each case and kind, nanoseconds per stream and step."""
    parts = []
    for case, kind, cells in groups(results):
        head, *rows = rows_of(cells)
        lines = [head, ["---"] + ["---:"] * (len(head) - 1)] + rows
        text = "\n".join("| " + " | ".join(row) + " |" for row in lines)
        parts.append(f"### {TITLES[case]}: {kind.upper()}\n\n{text}\n")
    return "\n".join(parts)
