#!/usr/bin/env python3
"""Writes what the tests of calibration compare with.

    make_golden.py GOLDEN.npz data

comparison.json: logits of two made-up models and, by the definitions in compiler/Report/Comparison.h, what
numpy says of them in float64. llama-tokens.json and llama-logits.npy: those of GOLDEN.npz, the golden file
of families/llama. Needs numpy.
"""

import json
import os
import sys

import numpy as np


def comparison():
    random = np.random.default_rng(7)
    positions, vocabulary = 201, 13
    # Multiples of 1/64: exact in float32, and short as text.
    exact = np.round(random.normal(0, 3, (positions, vocabulary)) * 64) / 64
    quantized = np.round((exact + random.normal(0, 0.5, exact.shape)) * 64) / 64
    # A token that is as good as impossible, and a position without any difference.
    exact[3, 2], quantized[4] = -200, exact[4]
    following = random.integers(0, vocabulary, positions)
    rows = np.arange(positions)

    def log_softmax(logits):
        logits = logits - logits.max(1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    p, q = log_softmax(exact), log_softmax(quantized)
    divergence = (np.exp(p) * (p - q)).sum(1)
    ratio = p[rows, following] - q[rows, following]
    change = np.exp(q[rows, following]) - np.exp(p[rows, following])
    ordered = np.sort(divergence)
    return {
        "vocabulary": vocabulary,
        "exact": exact.ravel().tolist(),
        "quantized": quantized.ravel().tolist(),
        "next": following.tolist(),
        "perplexityFloat": float(np.exp(-p[rows, following].mean())),
        "perplexity": float(np.exp(-q[rows, following].mean())),
        "logRatio": float(ratio.mean()),
        "logRatioError": float(ratio.std() / np.sqrt(positions)),
        "divergence": float(divergence.mean()),
        "divergenceError": float(divergence.std() / np.sqrt(positions)),
        "divergenceMedian": float(np.median(divergence)),
        "divergence99": float(ordered[int(0.99 * (positions - 1))]),
        "divergenceMax": float(ordered[-1]),
        "sameTop": float((exact.argmax(1) == quantized.argmax(1)).mean()),
        "meanDelta": float(change.mean()),
        "rmsDelta": float(np.sqrt((change**2).mean())),
    }


def main():
    golden, directory = np.load(sys.argv[1]), sys.argv[2]
    with open(os.path.join(directory, "comparison.json"), "w") as f:
        json.dump(comparison(), f)
        f.write("\n")
    with open(os.path.join(directory, "llama-tokens.json"), "w") as f:
        json.dump(golden["input_ids"][0].tolist(), f)
        f.write("\n")
    np.save(os.path.join(directory, "llama-logits.npy"), golden["logits"][0].astype("<f4"))


if __name__ == "__main__":
    main()
