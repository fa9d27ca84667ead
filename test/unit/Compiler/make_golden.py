#!/usr/bin/env python3
"""Writes the SHA-256 of what gguf-py makes of every tensor of GGUF files.

    make_golden.py data/gguf-values.json DIR/*.gguf

Values are float32, row-major [N, K]. Rows of Q and K are put in half-split rotary order, as qcc holds
them: the files have the pairs side by side. Needs numpy and gguf.
"""

import hashlib
import json
import os
import sys

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


def half_split(w, heads):
    return w.reshape(heads, -1, 2, w.shape[-1]).swapaxes(1, 2).reshape(w.shape)


def digests(path):
    reader, result = GGUFReader(path), {}
    heads = int(reader.fields["llama.attention.head_count"].contents())
    kv_heads = int(reader.fields["llama.attention.head_count_kv"].contents())
    for tensor in reader.tensors:
        w = dequantize(tensor.data, tensor.tensor_type).astype("<f4")
        if tensor.name.endswith("attn_q.weight"):
            w = half_split(w, heads)
        if tensor.name.endswith("attn_k.weight"):
            w = half_split(w, kv_heads)
        result[tensor.name] = hashlib.sha256(np.ascontiguousarray(w).tobytes()).hexdigest()
    return result


def main():
    values = {os.path.basename(path).removesuffix(".gguf"): digests(path) for path in sys.argv[2:]}
    with open(sys.argv[1], "w") as f:
        json.dump(values, f, indent=0, sort_keys=True)
        f.write("\n")


if __name__ == "__main__":
    main()
