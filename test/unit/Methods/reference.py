#!/usr/bin/env python3
"""Golden values of the quantization methods, from plain numpy in double.

Every formula is written as its paper has it, one matrix at a time and without regard to speed; none
of it follows the compiler's code. `python3 reference.py > data/reference.json` makes the checked-in
file again.
"""
import itertools
import json
import sys

import numpy as np

N, K, GROUP = 6, 48, 16
NF4 = [-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
       -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
       0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
       0.7229568362236023, 1]
IQ4 = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]


def f32(a):
    return np.asarray(a, np.float32).astype(np.float64)


def f16(a):
    return np.asarray(a, np.float16).astype(np.float64)


def listed(a):
    """Nested lists; floats with the nine digits that tell float32s apart."""
    a = np.asarray(a)
    return a.tolist() if a.dtype.kind == "i" else [float(f"{v:.9g}") for v in a.ravel()]


def inputs():
    rng = np.random.default_rng(20)
    mix = np.eye(K) + 0.4 * rng.standard_normal((K, K)) / np.sqrt(K) + 0.3
    x = rng.standard_normal((400, K)) @ mix * np.exp(0.8 * rng.standard_normal(K))
    return f32(rng.standard_normal((N, K))), f32(x)


# -- round to nearest -------------------------------------------------------------------------------
def rtn_symmetric(w, group=GROUP):
    """4 bits, Q4_0's rule; scales [N, G] (binary16) and codes."""
    scales, codes = [], np.zeros(w.shape, int)
    for r in range(w.shape[0]):
        for b in range(0, w.shape[1], group):
            x = w[r, b:b + group]
            d = float(f16(x[np.argmax(np.abs(x))] / -8))
            scales.append(d)
            codes[r, b:b + group] = np.clip(np.floor(x / d + 8.5), 0, 15) if d else 8
    return np.array(scales).reshape(w.shape[0], -1), codes


def dequantized(codes, scales, group=GROUP):
    return np.repeat(scales, group, axis=1) * (codes - 8.0)


# -- GPTQ (Frantar et al. 2022), through the inverse as the paper has it ----------------------------
def inverse_factor(h, damping, order):
    h = h[np.ix_(order, order)] + damping * np.mean(np.diag(h)) * np.eye(len(h))
    return np.linalg.cholesky(np.linalg.inv(h)).T


def gptq(w, scales, h, damping, order):
    u, w = inverse_factor(h, damping, order), w[:, order].copy()
    codes = np.zeros(w.shape, int)
    for i, column in enumerate(order):
        s = scales[:, column // GROUP]
        c = np.clip(np.rint(w[:, i] / s) + 8, 0, 15)
        codes[:, column] = c
        error = (w[:, i] - s * (c - 8)) / u[i, i]
        w[:, i:] -= np.outer(error, u[i, i:])
    return codes


# -- coordinate descent and the refit of scales -----------------------------------------------------
def descend(w, scales, codes, h, damping):
    h = h + damping * np.mean(np.diag(h)) * np.eye(K)
    codes = codes.copy()
    for r in range(N):
        for i in range(K):
            q = dequantized(codes, scales)[r]
            gradient = (w[r] - q) @ h[:, i]
            s = scales[r, i // GROUP]
            codes[r, i] = np.clip(np.rint((q[i] + gradient / h[i, i]) / s) + 8, 0, 15)
    return codes


def refit(w, codes, h, damping):
    h = h + damping * np.mean(np.diag(h)) * np.eye(K)
    out = []
    for r in range(N):
        basis = np.zeros((K // GROUP, K))
        for i in range(K):
            basis[i // GROUP, i] = codes[r, i] - 8
        out.append(np.linalg.solve(basis @ h @ basis.T, basis @ h @ w[r]))
    return np.array(out)


# -- the least weighted error of a group, by trying very many grids ---------------------------------
def nearest_error(x, u, levels, scale, minimum):
    values = scale * levels + minimum
    q = values[np.argmin(np.abs(x[:, None] - values[None, :]), axis=1)]
    return float(np.sum(u * (x - q)**2))


def exhaustive(x, u, kind):
    top, best = np.abs(x).max(), np.inf
    if kind in ("int4", "iq4_nl", "nf4"):
        levels = {"int4": np.arange(16) - 8.0, "iq4_nl": np.array(IQ4, float),
                  "nf4": np.array(NF4)}[kind]
        for f in np.linspace(0.4, 1.4, 4000):
            for sign in (1, -1):
                scale = float(f16(sign * f * top / np.abs(levels).max()))
                best = min(best, nearest_error(x, u, levels, scale, 0))
        return best
    low, high = min(x.min(), 0), max(x.max(), 0)
    for f in np.linspace(0.5, 1.15, 260):
        scale = float(f16(f * (high - low) / 15))
        if kind == "zero":
            for z in range(16):
                best = min(best, nearest_error(x, u, np.arange(16) - float(z), scale, 0))
        else:
            for m in np.linspace(x.min() - 2 * scale, x.min() + 5 * scale, 140):
                best = min(best, nearest_error(x, u, np.arange(16.0), scale, float(f16(m))))
    return best


# -- AWQ (Lin et al. 2023) and SmoothQuant (Xiao et al. 2022) ---------------------------------------
def awq(w, x, h):
    mean, results = np.abs(x).mean(axis=0), []
    for step in range(20):
        s = mean**(step / 20)
        s = s / np.sqrt(s.max() * s.min())
        scales, codes = rtn_symmetric(w * s)
        e = w - dequantized(codes, scales) / s
        results.append((float(np.trace(e @ h @ e.T)), step / 20, s))
    best = min(results, key=lambda t: t[0])
    return {"alpha": best[1], "s": listed(best[2]), "error": best[0], "errorBefore": results[0][0]}


def smooth(w, x):
    amax, wmax, square = np.abs(x).max(axis=0), np.abs(w).max(axis=0), (x**2).mean(axis=0)

    def error(s):
        dx, dw = (amax / s).max() / 127, np.abs(w * s).max(axis=1) / 127
        return dx**2 / 12 * np.sum((w * s)**2) + np.sum(dw**2) / 12 * np.sum(square / s**2)

    results = [(error(amax**(i / 20) / wmax**(1 - i / 20)), i / 20) for i in range(21)]
    best = min(results)
    return {"alpha": best[1], "error": best[0], "errorBefore": error(np.ones(K)),
            "s": listed(amax**best[1] / wmax**(1 - best[1]))}


# -- knapsack by trying all choices -----------------------------------------------------------------
def knapsacks():
    rng, out = np.random.default_rng(5), []
    for _ in range(12):
        items = [[(int(rng.integers(1, 40)), float(np.round(rng.exponential(), 3)))
                  for _ in range(rng.integers(1, 5))] for _ in range(6)]
        least = sum(min(o[0] for o in item) for item in items)
        budget = least + int(rng.integers(0, 60))
        best = min(sum(o[1] for o in c) for c in itertools.product(*items)
                   if sum(o[0] for o in c) <= budget)
        out.append({"items": items, "budget": budget, "loss": best})
    return out


def main():
    w, x = inputs()
    h = f32(x.T @ x / len(x))
    scales, codes = rtn_symmetric(w)
    natural = np.arange(K)
    descending = np.argsort(-np.diag(h), kind="stable")
    u = np.diag(h)
    e = w - dequantized(codes, scales)
    rng = np.random.default_rng(9)
    cross = f32(h + 0.1 * rng.standard_normal((K, K)) * np.sqrt(np.outer(u, u)))
    residual = f32(rng.standard_normal((N, K)))
    ridge = 0.01 * np.mean(u) * np.eye(K)
    target = (w @ (h + 0.5 * (cross - h) + ridge) + 0.25 * residual) @ np.linalg.inv(h + ridge)
    golden = {
        "n": N, "k": K, "group": GROUP, "tokens": len(x), "w": listed(w.ravel()),
        "hessian": listed(h.ravel()), "absMax": listed(f32(np.abs(x).max(axis=0))),
        "meanAbs": listed(f32(np.abs(x).mean(axis=0))), "rtnCodes": listed(codes.ravel()),
        "rtnScales": listed(scales.ravel()), "order": listed(descending),
        "factor": listed(inverse_factor(h, 0.01, descending).ravel()),
        "gptqNatural": listed(gptq(w, scales, h, 0.01, natural).ravel()),
        "gptqOrdered": listed(gptq(w, scales, h, 0.01, descending).ravel()),
        "descended": listed(descend(w, scales, codes, h, 0.01).ravel()),
        "refitted": listed(refit(w, codes, h, 0.01).ravel()),
        "error": float(np.trace(e @ h @ e.T)), "signal": float(np.trace(w @ h @ w.T)),
        "searched": {kind: [exhaustive(w[r, b:b + GROUP], u[b:b + GROUP], kind)
                            for r in range(N) for b in range(0, K, GROUP)]
                     for kind in ("int4", "iq4_nl", "nf4", "zero", "min")},
        "awq": awq(w, x, h), "smooth": smooth(w, x), "knapsacks": knapsacks(),
        "cross": listed(cross.ravel()), "residual": listed(residual.ravel()),
        "target": listed(target.ravel()),
    }
    json.dump(golden, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
