#!/usr/bin/env python3
"""Writes blocks of every GGUF type with the values gguf-py gives them.

    make_golden.py data/blocks.bin                  random blocks (checked in)
    make_golden.py out.bin file.gguf ... [--rows N] and N rows of every tensor

The output is a sequence of records, little-endian: u32 type, u32 n, u32 k, the
blocks of n rows, n * k float32 values. CodecGgufTest reads data/blocks.bin, and
the file named by QCC_CODEC_GOLDEN if that is set. Needs numpy and gguf.
"""

import argparse
import struct

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES
from gguf.constants import GGMLQuantizationType as T

# Where a block has its binary16 fields: random ones must be finite.
HALVES = {
    T.F32: [], T.F16: [0], T.BF16: [], T.Q4_0: [0], T.Q4_1: [0, 2],
    T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82],
    T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
    T.IQ4_NL: [0], T.IQ4_XS: [0],
}


def record(out, kind, rows):
    """rows: uint8 [n, bytes of a row]."""
    elements, size = GGML_QUANT_SIZES[kind]
    n, k = rows.shape[0], rows.shape[1] // size * elements
    values = gguf.quants.dequantize(np.ascontiguousarray(rows), kind)
    values = values.astype("<f4").reshape(n, k)
    out.write(struct.pack("<III", kind, n, k))
    out.write(rows.tobytes())
    out.write(values.tobytes())


def random_rows(rng, kind):
    elements, size = GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (6, max(1, 64 // elements), size), np.uint8)
    for at in HALVES[kind]:
        halves = rng.integers(0, 0x7C00, blocks.shape[:2]).astype("<u2")
        halves |= rng.integers(0, 2, halves.shape).astype("<u2") << 15
        halves.flat[:2] = 0, 0x8001  # zero, and the least below it
        blocks[:, :, at:at + 2] = halves[..., None].view(np.uint8)
    if kind in (T.F32, T.BF16):
        # Clear one bit of the exponent: neither infinite nor NaN.
        blocks[:, :, -1] &= 0xBF
    return blocks.reshape(6, -1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("gguf", nargs="*")
    parser.add_argument("--rows", type=int, default=1 << 30)
    args = parser.parse_args()
    with open(args.output, "wb") as out:
        rng = np.random.default_rng(1)
        for kind in HALVES:
            record(out, kind, random_rows(rng, kind))
        for path in args.gguf:
            for tensor in gguf.GGUFReader(path).tensors:
                elements, size = GGML_QUANT_SIZES[tensor.tensor_type]
                width = int(tensor.shape[0]) // elements * size
                rows = np.asarray(tensor.data).view(np.uint8)
                record(out, tensor.tensor_type,
                       rows.reshape(-1, width)[:args.rows])


if __name__ == "__main__":
    main()
