#!/usr/bin/env python3
"""Samples to calibrate an encoder on, from a text: NPZ with SAMPLE.in.NAME for qcc -calib=NPZ.

Sentences of the text are tokenized and cut to some lengths, since a model's activations differ between short
and long inputs. A length is one shape, and each shape is compiled, so there are few.
"""

import argparse
import re

import numpy as np
from tokenizers import Tokenizer


def pieces(text):
    """Sentences, joined to long ones where a length asks for it."""
    return [s for s in re.split(r"(?<=[.!?])\s+", " ".join(text.split())) if s]


def encode(tokenizer, sentences, length, count):
    """`count` rows of exactly `length` tokens, from sentences spread over the text."""
    tokenizer.enable_truncation(length)
    tokenizer.no_padding()
    rows, stride = [], max(1, len(sentences) // (count + 1))
    for start in range(0, len(sentences), stride):
        text, end = "", start
        while end < len(sentences):
            text += " " + sentences[end]
            end += 1
            ids = tokenizer.encode(text).ids
            if len(ids) == length:
                rows.append(ids)
                break
        if len(rows) == count:
            return np.array(rows, np.int64)
    raise SystemExit("the text is too short for %d rows of %d tokens" % (count, length))


def write(tokenizer, text, output, lengths, tokens):
    """Samples of about 256 tokens each, enough for matrix products to be quick; `tokens` of each length."""
    tokenizer = Tokenizer.from_file(tokenizer)
    with open(text, encoding="utf-8") as file:
        sentences = pieces(file.read())
    arrays = {}
    for length in lengths:
        batch = max(1, 256 // length)
        count = max(1, tokens // (batch * length))
        rows = encode(tokenizer, sentences, length, batch * count)
        mask = np.ones((batch, length), np.int64)
        # Batches are padded in use: every fourth row is cut, and the rest of it masked.
        for row in range(3, batch, 4):
            mask[row, length * (row // 4 + 1) // (batch // 4 + 1) :] = 0
        for i in range(count):
            name = "tokens%d-%d.in." % (length, i)
            arrays[name + "input_ids"] = rows[i * batch : (i + 1) * batch] * mask
            arrays[name + "attention_mask"] = mask
            arrays[name + "token_type_ids"] = np.zeros_like(mask)
    np.savez_compressed(output, **arrays)
    return len(arrays) // 3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", help="tokenizer.json")
    parser.add_argument("text")
    parser.add_argument("output", help="NPZ")
    parser.add_argument("--lengths", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--tokens", type=int, default=8192, help="tokens of each length")
    args = parser.parse_args()
    print("%s: %d samples" % (args.output, write(args.tokenizer, args.text, args.output, args.lengths, args.tokens)))


if __name__ == "__main__":
    main()
