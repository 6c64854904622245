#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rational coefficients of runtime/core/grus_math.h, minimax in relative error.

In: nothing. Out: for each function the coefficients of P and Q, lowest first, as floats, and the
relative error of P / Q before they are rounded. Needs numpy and mpmath.
"""
import numpy as np
from mpmath import erfc, exp, mp, mpf, sqrt, tanh

mp.prec = 120
WIDE = np.longdouble


def least_squares(a, b):
    """argmin |a x - b| by Gram-Schmidt, twice; numpy's own solver knows double only."""
    n = a.shape[1]
    q, b = a.copy(), b.copy()
    r, y, x = np.zeros((n, n), WIDE), np.zeros(n, WIDE), np.zeros(n, WIDE)
    for j in range(n):
        for _ in range(2):
            for i in range(j):
                d = q[:, i] @ q[:, j]
                r[i, j] += d
                q[:, j] -= d * q[:, i]
        r[j, j] = np.sqrt(q[:, j] @ q[:, j])
        q[:, j] /= r[j, j]
        y[j] = q[:, j] @ b
        b -= y[j] * q[:, j]
    for j in reversed(range(n)):
        x[j] = (y[j] - r[j, j + 1:] @ x[j + 1:]) / r[j, j]
    return x


def fit(f, hi, p, q, rounds=150, points=1000):
    """P (degree p) / Q (degree q) for f on 0 .. hi, with Q(0) = 1 and P(0) = f(0).

    The linearised problem min |P - f Q| / |f Q'|, Q' from the round before, with Lawson's weights:
    each round multiplies a point's weight by its error, until the ripples are equal."""
    u = hi * (1 - np.cos(np.linspace(0, np.pi, points))) / 2
    u = np.maximum(u, hi * 1e-7)
    y = np.array([WIDE(mp.nstr(f(mpf(float(v))), 25)) for v in u])
    f0 = WIDE(mp.nstr(f(mpf("1e-30")), 25))
    s = u.astype(WIDE) / WIDE(hi)
    weight, below, best = np.ones(points, WIDE), np.ones(points, WIDE), (np.inf,)
    for _ in range(rounds):
        scale = np.sqrt(weight) / (below * y)
        columns = [s**k for k in range(1, p + 1)] + [-y * s**k for k in range(1, q + 1)]
        c = least_squares(np.stack(columns, 1) * scale[:, None], (y - f0) * scale)
        num, den = np.concatenate([[f0], c[:p]]), np.concatenate([[WIDE(1)], c[p:]])
        below = sum(den[k] * s**k for k in range(q + 1))
        error = np.abs(sum(num[k] * s**k for k in range(p + 1)) / below / y - 1)
        if error.max() < best[0]:
            best = (error.max(), num / WIDE(hi)**np.arange(p + 1), den / WIDE(hi)**np.arange(q + 1))
        weight = weight * error / (weight @ error)
    return best


def show(name, best):
    print(f"{name}: relative error {float(best[0]):.2e}")
    for letter, coefficients in (("P", best[1]), ("Q", best[2])):
        print(" ", letter, *(f"{np.float32(c):.9g}" for c in coefficients))


def tanh_by_x(u):
    x = sqrt(u)
    return tanh(x) / x


def half_erfcx(a):
    return erfc(a / sqrt(mpf(2))) * exp(a * a / 2) / 2


show("tanh_fast: tanh(x) / x, u = x^2, x to 5.3", fit(tanh_by_x, 5.3**2, 2, 2))
show("gelu: Phi(-a) exp(a^2 / 2), a to 14.4", fit(half_erfcx, 14.4, 4, 5))
