# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Results of bench/compare as an SVG picture: for every case and kind a panel, for every size the time of
each peer as a multiple of that of grus, on a scale of powers of two. The same results give the same
bytes."""
import math

import table

COLOURS = {"rtneural": "#202020", "eigen": "#148f77", "openblas": "#7d3c98", "onednn": "#c0392b",
           "onnxruntime": "#1f6fb4", "pytorch": "#e08e0b"}
LOW, HIGH = 0.5, 64  # the scale; what lies beyond is drawn as a triangle at its end
WIDTH, HEIGHT = 400, 190  # of the drawing in a panel
LEFT, TOP, GAP_X, GAP_Y = 50, 84, 70, 74


def text(x, y, what, size=11, anchor="middle", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"{more}>{what}</text>')


def stroke(x1, y1, x2, y2, colour, width):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


def height_of(ratio):
    """Distance from the top of a panel."""
    share = math.log2(min(max(ratio, LOW), HIGH) / LOW) / math.log2(HIGH / LOW)
    return HEIGHT * (1 - share)


def mark(x, y, ratio, colour):
    if LOW <= ratio <= HIGH:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    tip = -6 if ratio > HIGH else 6
    return (f'<path d="M{x - 4:.1f} {y - tip / 2:.1f}h8l-4 {tip}z" fill="{colour}"/>')


def panel(x, y, title, cells):
    parts = [text(x + WIDTH / 2, y - 10, title, 13, more=' font-weight="bold"')]
    power = LOW
    while power <= HIGH:
        at = y + height_of(power)
        parts.append(stroke(x, at, x + WIDTH, at, "#555555" if power == 1 else "#dddddd", 1.5 if power == 1 else 1))
        parts.append(text(x - 6, at + 4, f"{power:g}×", anchor="end"))
        power *= 2
    for n, cell in enumerate(cells):
        at = x + WIDTH * (n + 0.5) / len(cells)
        parts.append(text(at, y + HEIGHT + 15, cell["in"], 10))
        parts.append(text(at, y + HEIGHT + 27, f"→ {cell['hidden']}", 10))
        ratios = table.ratios(cell)
        shown = [name for name in COLOURS if name in ratios]
        for k, name in enumerate(shown):
            shift = (k - (len(shown) - 1) / 2) * 4
            parts.append(mark(at + shift, y + height_of(ratios[name]), ratios[name], COLOURS[name]))
    return parts


def picture(results):
    groups = list(table.groups(results))
    cases = [case for case in table.TITLES if any(case == g[0] for g in groups)]
    width = LEFT + 2 * (WIDTH + GAP_X)
    total = TOP + len(cases) * (HEIGHT + GAP_Y)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{total}" '
             f'viewBox="0 0 {width} {total}" font-family="sans-serif" fill="#202020">',
             f'<rect width="{width}" height="{total}" fill="#ffffff"/>',
             text(LEFT, 22, "Time of a step, as a multiple of that of grus (above 1×: grus is faster)", 15, "start")]
    at = LEFT
    for name, colour in COLOURS.items():
        if any(name in table.best_of(cell) for _, _, cells in groups for cell in cells):
            parts += [mark(at + 5, 42, 1, colour), text(at + 14, 46, table.LABELS[name], 12, "start")]
            at += 30 + 8 * len(table.LABELS[name])
    for case, kind, cells in groups:
        x = LEFT + (kind == "gru") * (WIDTH + GAP_X)
        y = TOP + cases.index(case) * (HEIGHT + GAP_Y)
        parts += panel(x, y, f"{table.TITLES[case]}: {kind.upper()}", cells)
    return "\n".join(parts) + "\n</svg>\n"
