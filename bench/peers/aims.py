# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What grus aims at, size by size, from the results of bench/compare; see `aims`."""
import table

BIG = 256  # from here on one step is bound by reading the weights
WAYS = {  # case: how many times faster than the best of which peers
    "seq": (1.5, ("onnxruntime", "onednn")), "batch": (1.2, ("onnxruntime", "onednn")),
    "batchseq": (1.2, ("onnxruntime", "onednn"))}
NEAR = 1.1  # of the time to read the weights once


def peers_ratio(cell, names):
    """How many times as long as grus the best of these peers takes; None if none was measured."""
    found = [ratio for name, ratio in table.ratios(cell).items() if name in names]
    return min(found) if found else None


def aim(cell):
    """(what was found, whether the aim is reached); None where its peer was not measured."""
    near = cell["peers"]["grus"]["median"] / table.reading(cell)
    if cell["case"] != "step":
        least, names = WAYS[cell["case"]]
        ratio = peers_ratio(cell, names)
        return ratio and (f"{ratio:.2f}", ratio >= least)
    if cell["hidden"] >= BIG:
        return f"{near:.2f} of reading", near <= NEAR
    ratio = peers_ratio(cell, ("rtneural",))
    if ratio is None:
        return None
    if cell["hidden"] < 64:
        return f"{ratio:.2f}", ratio >= 1.3
    return f"{ratio:.2f}; {near:.2f} of reading", ratio >= 1.15 or near <= NEAR


def aims(results):
    """Markdown: a row for each case and kind, a column for each size; what is not reached in bold."""
    groups = list(table.groups(results))
    sizes = list(dict.fromkeys((c["in"], c["hidden"]) for _, _, cells in groups for c in cells))
    lines = [["", *(f"{i} → {h}" for i, h in sizes)], ["---"] + ["---:"] * len(sizes)]
    for case, kind, cells in groups:
        by_size, row = {(c["in"], c["hidden"]): c for c in cells}, []
        for size in sizes:
            found = aim(by_size[size]) if size in by_size else None
            row.append("not measured" if not found else found[0] if found[1] else f"**{found[0]}**")
        lines.append([f"{case} {kind.upper()}"] + row)
    return "\n".join("| " + " | ".join(row) + " |" for row in lines) + "\n"
