# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results of bench/compare as Markdown tables."""

TITLES = {"step": "One step a call", "seq": "One call for 100 steps",
          "batch": "One step of 32 streams a call, each", "batchseq": "One call for 100 steps of 32 sequences, each"}
LABELS = {"onnxruntime": "onnxruntime", "onednn": "oneDNN", "pytorch": "PyTorch", "openblas": "OpenBLAS",
          "eigen": "Eigen", "rtneural": "RTNeural"}
COLOURS = {"onnxruntime": "#1f6fb4", "onednn": "#c0392b", "pytorch": "#e08e0b", "openblas": "#7d3c98",
           "eigen": "#148f77", "rtneural": "#2c2c2c"}
ACCURATE = 1e-6  # what counts as a peer: its largest error against float64


def family(name):
    """Variants of one peer: `onednn plain` is oneDNN."""
    return name.split()[0]


def best_of(cell, accurate=True):
    """For each family of peers the entry with the least median: name -> (entry's name, entry)."""
    best = {}
    for name, entry in cell["peers"].items():
        if accurate and entry["error"] > ACCURATE:
            continue
        key = family(name)
        if key == "grus":
            continue
        if key not in best or entry["median"] < best[key][1]["median"]:
            best[key] = (name, entry)
    return best


def number(ns):
    """Three digits at least, no more than are meant."""
    return f"{ns:.1f}" if ns < 100 else f"{ns:,.0f}"


def ratios(cell):
    grus = cell["peers"]["grus"]["median"]
    return {name: entry["median"] / grus for name, (_, entry) in best_of(cell).items()}


def line(cell):
    parts = [f"{name} {number(e['median'])}" for name, e in cell["peers"].items()]
    head = f"{cell['kind']} {cell['in']}x{cell['hidden']} {cell['case']}"
    return f"{head}: {', '.join(parts)}; weights read {number(cell['reading'])} ns"


def table(cells):
    """One kind in one case: nanoseconds (least / median of the blocks for grus, medians for the peers)."""
    names = [n for n in LABELS if any(n in best_of(c, False) for c in cells)]
    head = ["in → units", "grus, least", "median"] + [LABELS[n] for n in names]
    head += ["best peer ÷ grus", "weights read once", "grus ÷ that", "error, grus", "peers"]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for c in cells:
        grus, peers, ratio = c["peers"]["grus"], best_of(c, False), ratios(c)
        each = c["reading"] / (1 if c["case"] in ("step", "seq") else 32)
        best = max(1e-9, min(ratio.values())) if ratio else None
        errors = [e["error"] for n, e in c["peers"].items() if family(n) != "grus"]
        rows.append([f"{c['in']} → {c['hidden']}", number(grus["least"]), number(grus["median"])]
                    + [number(peers[n][1]["median"]) if n in peers else "" for n in names]
                    + [f"**{best:.2f}**" if best else "", number(each), f"{grus['median'] / each:.2f}",
                       f"{grus['error']:.0e}", f"{max(errors):.0e}" if errors else ""])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def groups(results):
    for case in TITLES:
        for kind in ("lstm", "gru"):
            cells = [c for c in results["cells"] if c["case"] == case and c["kind"] == kind]
            if cells:
                yield case, kind, cells


def tables(results):
    """Markdown: a table for each case and kind."""
    parts = []
    for case, kind, cells in groups(results):
        parts.append(f"### {TITLES[case]}: {kind.upper()}\n\n{table(cells)}\n")
    return "\n".join(parts)
