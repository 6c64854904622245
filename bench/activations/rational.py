#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rational minimax coefficients of runtime/core/grus_math.h. Needs numpy and mpmath.

Each approximates f(u) by P(u) / Q(u) with P(0) = f(0) Q(0), Q(0) = 1: linearised least squares with
Lawson's weights, which converge to equal ripples. Out: the coefficients, lowest first, and the
relative error before rounding.
"""
import sys
import numpy as np
from mpmath import mp, mpf, tanh, sqrt, erfc, exp

mp.prec = 120
L = np.longdouble


def solve(a, b):
    """Least squares by modified Gram-Schmidt in long double (numpy's own is double only)."""
    a = a.copy(); n = a.shape[1]; r = np.zeros((n, n), L); q = np.zeros_like(a); b = b.copy()
    y = np.zeros(n, L)
    for j in range(n):
        v = a[:, j]
        for _ in range(2):
            for i in range(j):
                d = q[:, i] @ v; r[i, j] += d; v = v - d * q[:, i]
        r[j, j] = np.sqrt(v @ v); q[:, j] = v / r[j, j]
        y[j] = q[:, j] @ b; b = b - y[j] * q[:, j]
    x = np.zeros(n, L)
    for j in reversed(range(n)):
        x[j] = (y[j] - r[j, j + 1:] @ x[j + 1:]) / r[j, j]
    return x


def fit(f, lo, hi, p, q, rounds=150, points=1000, fixed0=True):
    """f in mpmath; p and q the degrees of P and Q. Returns P, Q, largest relative error."""
    t = np.cos(np.linspace(0, np.pi, points, dtype=L))
    u = (lo + hi) / L(2) - (hi - lo) / L(2) * t
    if fixed0:
        u = np.maximum(u, L(hi) * L(1e-7))
    y = np.array([L(mp.nstr(f(mpf(repr(float(v)))), 25)) for v in u.astype(float)], dtype=L)
    u = u.astype(float).astype(L)
    f0 = L(mp.nstr(f(mpf('1e-30')), 25))
    w = np.ones(points, L); den = np.ones(points, L)
    best = (L(9),)
    s = u / hi
    for _ in range(rounds):
        scale = np.sqrt(w) / (den * y)
        cols = [s**k for k in range(1, p + 1)] + [-y * s**k for k in range(1, q + 1)]
        a = np.stack(cols, 1) * scale[:, None]
        c = solve(a, (y - f0) * scale)
        P = np.concatenate([[f0], c[:p]]); Q = np.concatenate([[L(1)], c[p:]])
        num = sum(P[k] * s**k for k in range(p + 1)); den = sum(Q[k] * s**k for k in range(q + 1))
        e = np.abs(num / den / y - 1)
        if e.max() < best[0]:
            best = (e.max(), P / L(hi)**np.arange(p + 1), Q / L(hi)**np.arange(q + 1))
        w = w * e; w = w / w.sum()
    return best


def show(name, best):
    print(name, "relative error %.2e" % float(best[0]))
    for letter, c in (("p", best[1]), ("q", best[2])):
        for k, v in enumerate(c):
            print("  %s%d %.9g  %s" % (letter, k, np.float32(v), float(np.float32(v)).hex()))


def tanh_over_x(u):
    x = sqrt(u)
    return tanh(x) / x


def half_erfcx(a):
    """Phi(-a) exp(a^2 / 2)"""
    return erfc(a / sqrt(mpf(2))) * exp(a * a / 2) / 2


if __name__ == "__main__":
    scan = sys.argv[1:] == ["--scan"]
    if scan:
        for hi in (8.7, 9.02):
            for p, q in ((2, 2), (2, 3), (3, 2), (3, 3), (4, 3), (3, 4), (4, 4), (5, 3), (5, 4), (6, 3)):
                b = fit(tanh_over_x, 0, hi * hi, p, q, 60, 400)
                print(hi, p, q, "%.2e" % float(b[0]), "pos" if min(b[1].min(), b[2].min()) > 0 else "neg", flush=True)
        for p, q in ((2, 3), (3, 3), (3, 4), (4, 4), (4, 5), (5, 5), (5, 6)):
            b = fit(half_erfcx, 0, 14.4, p, q, 60, 400)
            print("erfcx", p, q, "%.2e" % float(b[0]), "pos" if min(b[1].min(), b[2].min()) > 0 else "neg", flush=True)
        sys.exit()
    show("tanh(x) / x, u = x^2, to 8.7", fit(tanh_over_x, 0, 8.7**2, 4, 4))
    show("tanh(x) / x, u = x^2, to 9.02", fit(tanh_over_x, 0, 9.02**2, 4, 4))
    show("tanh_fast: to 5.3", fit(tanh_over_x, 0, 5.3**2, 2, 2))
    show("Phi(-a) exp(a^2 / 2), to 14.4", fit(half_erfcx, 0, 14.4, 4, 4, fixed0=False))
    show("Phi(-a) exp(a^2 / 2), to 14.4", fit(half_erfcx, 0, 14.4, 4, 5, fixed0=False))
