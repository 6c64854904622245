# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""least.py [D H]: the least instructions of a step of a recurrent layer with D inputs and H units (40 and 64), for the
rows of docs/quantisation.md that stay above their goals.

It counts what the arithmetic needs on each core: loads of weights, elements, biases and multipliers, products, sums,
activations and cells. It counts no loops, addresses, moves or spills.
Out: a table in Markdown; the columns are parts of the sum.
"""
import sys

GATES = {"LSTM": 4, "GRU": 3}
# A shift and a clamp, the sign off, segment and place in it, four coefficients, a cubic of three products with a shift
# and an addition each, the sign on with rounding, the upper clamp.
ACTIVATION = {"M0": 5 + 2 + 3 + 2 + 4 + 9 + 3 + 2, "RV32": 5 + 2 + 3 + 1 + 4 + 9 + 3 + 1}


def m0(d, h):
    """LDRB, MULS, ADD a product. Two elements are a word, of LDM for two words: SXTH or ASRS. Four rows share an element."""
    multiplier = 2 + 6  # MOVS, LDRSH; UXTH, MULS, ASRS, MULS, ASRS, ADDS
    cell = 1 + multiplier + 2 + 5 + 1  # load, what is forgotten, i g, an addition within 32 bits, store
    unit = 8 + 8 + 8 * multiplier + 4 + 5 * ACTIVATION["M0"] + 1 + cell + 4  # biases, 128 times the operand; ~f; h
    return 4 * h * (d + h) * (3 + 1.25 / 4), h * unit, 171 * d + 56 * h  # conversions in software, as measured


def rv32(d, h):
    """LB, MUL, ADD a product, and LH an element, which four rows share."""
    multiplier = 3  # LH, SLLI, MULH
    cell = 1 + 4 + 2 + 5 + 1
    unit = 8 + 8 * multiplier + 4 + 5 * ACTIVATION["RV32"] + 1 + cell + 4
    return 4 * h * (d + h) * (3 + 1 / 4), h * unit, 141 * d + 52 * h


def m4_w8(d, h):
    """16 products: LDRD, LDM, 8 SXTB16, 8 SMLAD. The cells are f32. A product and its sum are VMUL and VADD, of a cycle
    each; VMLA takes three."""
    clamps, two_to_the_n = 8, 7  # VCMP, VMRS, IT, VMOV twice; the exponent, and what is left
    sigmoid = clamps + two_to_the_n + 16  # a polynomial of degree 6
    fraction = clamps + two_to_the_n + 16  # tanh as a fraction
    quotient = 3 + 1  # c / f + g / i as one
    unit = 8 * 6 + 4 + 3 * sigmoid + 2 * fraction + quotient + 3  # a sum: load, 2 VMUL, VMOV, VCVT, VADD; biases; c, h
    element = 7 + 13  # the largest magnitude; product, clamps, rounding, store
    return 4 * h * (d + h) * 18 / 16, h * unit, element * (d + h) + 4 * h / 4


def m55(net, bits, four_units):
    """A load of 16 bytes of elements, and a load and VMLAVA for each of 4 rows: 9 instructions for 32 products of 16 bits
    or 64 of 8. four_units: what the vectors of activations and cells take for four units."""
    def count(d, h):
        width = 8 if bits == 16 else 16
        depth = sum((n + width - 1) // width * width for n in (d, h))
        unit = GATES[net] * (1 + 2 + 2) + 4  # pairs of biases, multipliers, products; stores
        convert = 6 * d / 4 + 5 * h / 4 + (0 if bits == 16 else 8 * h / 4)
        return GATES[net] * h * depth * 9 / (4 * width), h * unit + h / 4 * four_units, convert
    return count


ROWS = [("Cortex-M4 `w8`", "LSTM", m4_w8), ("Cortex-M0 `i16`", "LSTM", m0), ("RV32IMAC `i16`", "LSTM", rv32),
        ("Cortex-M55 `i16`", "LSTM", m55("LSTM", 16, 194)), ("Cortex-M55 `i8`", "LSTM", m55("LSTM", 8, 212)),
        ("Cortex-M55 `i16`", "GRU", m55("GRU", 16, 106)), ("Cortex-M55 `i8`", "GRU", m55("GRU", 8, 128))]


def main(d=40, h=64):
    print(f"| core, precision, layer ({d}, {h}) | least | products | units | conversion |")
    print("|---|---:|---:|---:|---:|")
    for core, net, count in ROWS:
        parts = count(int(d), int(h))
        cells = "".join(f" {part:,.0f} |" for part in (sum(parts), *parts))
        print(f"| {core} {net} |{cells}")


if __name__ == "__main__":
    main(*sys.argv[1:])
