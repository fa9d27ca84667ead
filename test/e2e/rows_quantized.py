"""Weights rounded by qcc against the same rounding in numpy, and models of other shapes.

With float activations the programs must agree with the reference to float accuracy: that checks
rounding, packing and kernels of every scheme at once. With int8 activations what is lost is small.
"""

import json
import os

import numpy as np
import reference
from harness import Row, at_least, at_most, cosine, relative_error

ARM, ARM_DOT = ("-target=arm64",), ("-target=arm64", "-mcpu=neoverse-n1")
V3, V4 = ("-target=x86-64-v3",), ("-target=x86-64-v4", "-mattr=+avx512vnni")

# bits, group, asymmetric
SCHEMES = [(b, 32, False) for b in (8, 6, 5, 4, 3, 2)] + [(b, 32, True) for b in (5, 4, 3, 2)]
SCHEMES += [(8, 64, False), (4, 64, True), (4, 128, False), (8, 0, False), (4, 0, False), (4, 0, True), (4, 16, False)]

# Non-linear grids, and int8 scales with a float16 for each row (K is 60 and 172 in families/llama).
GRIDS = [(b, 32, False, "codebook") for b in (4, 3, 2, 5)]
GRIDS += [(4, 32, False, "codebook", "super"), (3, 16, False, "codebook", "super"), (2, 16, False, "codebook", "super")]
GRIDS += [(4, 32, False, "integer", "super"), (3, 16, False, "integer", "super"), (4, 16, True, "integer", "super")]
GRIDS += [(8, 32, False, "integer", "super"), (4, 48, False, "integer", "f16"), (3, 0, False, "codebook")]
# One for each bits, group and kind of scale.
SOME_GRIDS = GRIDS[1:8]

# name -> arguments of random_model: sizes that are no multiples of 16 or 32, one head, many
# heads to a key, odd vocabulary
SHAPES = {
    "odd": dict(seed=1, hidden=60, ffn=172, heads=5, kv_heads=5, head_dim=12, vocab=103),
    "one-head": dict(seed=2, hidden=32, ffn=48, heads=1, kv_heads=1, head_dim=32, layers=1),
    "grouped": dict(seed=3, hidden=96, ffn=200, heads=8, kv_heads=1, head_dim=16, layers=3, tied=True),
    "qwen2": dict(seed=4, hidden=72, ffn=100, heads=6, kv_heads=2, head_dim=12, kind="qwen2", tied=True),
    "wide-head": dict(seed=5, hidden=64, ffn=96, heads=2, kv_heads=1, head_dim=80),
    "window": dict(seed=6, hidden=64, ffn=96, heads=4, kv_heads=2, head_dim=16, kind="mistral", window=5),
    "layers": dict(seed=7, hidden=48, ffn=64, heads=3, kv_heads=3, head_dim=16, layers=9),
}
IDS = [5, 17, 42, 99, 3, 100, 7, 8, 64, 31, 2, 55, 90, 11, 76, 23, 6, 88, 12, 40, 77, 1, 9]


def scheme_options(bits, group, asymmetric, grid="integer", scales="f16"):
    return (
        "-bits=%d" % bits,
        "-group=" + (str(group) if group else "channel"),
        *(("-asym",) if asymmetric else ()),
        *(("-grid=" + grid,) if grid != "integer" else ()),
        *(("-scales=" + scales,) if scales != "f16" else ()),
        "-method=rtn",
    )


def rounded_row(scheme, extra, bound):
    """families/llama, rounded; float activations."""
    options = scheme_options(*scheme)

    def run(context):
        directory = context.data("families/llama")
        program = context.compile(directory, *options, "-act=f32", *extra)
        config, tensors = reference.read_model(directory)
        expected = reference.logits(config, reference.round_weights(tensors, *scheme), IDS)
        return at_most(relative_error(context.logits(program, IDS), expected), bound)

    return Row("rounded", " ".join(("families/llama", *options, *extra)), run)


def int8_row(scheme, extra, bound):
    """The same with int8 activations: cosine with the exact result of the rounded weights."""
    options = scheme_options(*scheme)

    def run(context):
        directory = context.data("families/llama")
        program = context.compile(directory, *options, "-act=int8", *extra)
        config, tensors = reference.read_model(directory)
        expected = reference.logits(config, reference.round_weights(tensors, *scheme), IDS)
        return at_least(cosine(context.logits(program, IDS), expected), bound)

    return Row("rounded-int8", " ".join(("families/llama", *options, *extra)), run)


def static_row(name, model, scheme, extra, share, bound):
    """Static int8 activations against the same in numpy: cosine. With a share of the largest magnitude some saturate."""
    options = scheme_options(*scheme)

    def run(context):
        config, tensors = model(context)
        directory = os.path.join(context.work, "model-static-" + name)
        ids = [i % config["vocab_size"] for i in IDS]
        weights = reference.round_weights(tensors, *scheme)
        scales = reference.static_scales(config, weights, ids, share)
        file = os.path.join(context.work, "scales-%s%s-%g.json" % (name, "".join(options), share))
        with context.lock:
            if not os.path.exists(directory):
                reference.write_model(directory, config, tensors)
            with open(file, "w") as f:
                json.dump(scales, f)
        program = context.compile(directory, *options, "-act=static8", "-act-scales=" + file, "-kv=f32", *extra)
        expected = reference.logits(config, weights, ids, reference.quantize_static(scales))
        return at_least(cosine(context.logits(program, ids), expected), bound)

    return Row("static8", " ".join((name, *options, *extra, *(["share %g" % share] if share != 1 else []))), run)


def static_rows():
    def random(name):
        return name, lambda context: reference.random_model(**SHAPES[name])

    channel, group = (8, 0, False), (8, 32, False)
    cases = [(*random(name), channel, (), 1.0) for name in SHAPES]
    cases += [(*random("odd"), s, (), 1.0) for s in (group, (4, 32, True), (4, 16, False), (4, 0, True), (4, 0, False))]
    cases += [(*random("grouped"), s, t, 1.0) for s in (channel, group) for t in (V3, V4, ARM_DOT)]
    cases += [(*random("odd"), channel, (), 0.5)]
    return [static_row(*case, 0.9999) for case in cases]


def quality_row(model, options, bound):
    """What rounding loses: cosine with the golden logits of the float model."""

    def run(context):
        golden = np.load(context.data(model + "/golden.npz"))
        program = context.compile(context.data(model), *options)
        return at_least(cosine(context.logits(program, golden["input_ids"][0]), golden["logits"][0]), bound)

    return Row("quality", " ".join((model, *options)), run)


def shape_row(name, options, bits, bound, dtype="F32", shards=1):
    def run(context):
        config, tensors = reference.random_model(**SHAPES[name])
        directory = os.path.join(context.work, "model-%s-%s-%d" % (name, dtype, shards))
        with context.lock:
            if not os.path.exists(directory):
                reference.write_model(directory, config, tensors, dtype, shards)
        program = context.compile(directory, *options)
        weights = reference.round_weights(tensors, bits) if bits else tensors
        expected = reference.logits(config, weights, [i % config["vocab_size"] for i in IDS])
        return at_most(relative_error(context.logits(program, [i % config["vocab_size"] for i in IDS]), expected), bound)

    return Row("shapes", " ".join((name, *options, *([dtype] if dtype != "F32" else []), *(["%d shards" % shards] if shards > 1 else []))), run)


# Golden cosines of families/llama and qwen2 (random weights lose more than trained ones), with some room.
QUALITY = [
    ("families/llama", ("-bits=8",), 0.999),
    ("families/llama", ("-bits=6",), 0.995),
    ("families/llama", ("-bits=4", "-act=f32"), 0.93),
    ("families/llama", ("-bits=4", "-asym", "-act=f32"), 0.95),
    ("families/qwen2", ("-bits=8",), 0.999),
    ("families/qwen2", ("-bits=4", "-asym"), 0.93),
]


def rows():
    exact = 1e-3
    return (
        [rounded_row(s, (), exact) for s in SCHEMES + GRIDS]
        + [rounded_row(s, V3, exact) for s in ((8, 32, False), (4, 32, False), (4, 32, True), (3, 32, True))]
        + [rounded_row(s, ARM, exact) for s in ((8, 32, False), (4, 32, False), (4, 32, True), (3, 32, True), (4, 0, True))]
        + [rounded_row(s, target, exact) for s in SOME_GRIDS for target in (V3, ARM)]
        + [int8_row(s, (), 0.999) for s in SCHEMES + GRIDS]
        + [int8_row(s, target, 0.999) for s in SOME_GRIDS for target in (V3, V4, ARM_DOT)]
        + [int8_row(s, V3, 0.999) for s in ((8, 32, False), (4, 32, False), (4, 32, True), (2, 32, False), (8, 0, False))]
        + [int8_row(s, V4, 0.999) for s in ((8, 32, False), (4, 32, True))]
        + [int8_row(s, ARM_DOT, 0.999) for s in ((8, 32, False), (4, 32, False), (4, 32, True), (6, 32, False))]
        + static_rows()
        + [quality_row(*row) for row in QUALITY]
        + [shape_row(name, ("-bits=32",), 0, exact) for name in SHAPES]
        + [shape_row(name, ("-bits=4", "-grid=integer", "-method=rtn", "-act=f32"), 4, exact) for name in SHAPES]
        + [shape_row(name, ("-bits=32", "-target=arm64"), 0, exact) for name in ("odd", "wide-head")]
        + [shape_row("odd", ("-bits=32", "-target=x86-64-v3"), 0, exact)]
        + [shape_row(name, ("-bits=32", "-kv=int8"), 0, 3e-2) for name in SHAPES]
        + [shape_row("odd", ("-act=f32", "-kv=f32"), 0, exact, "BF16"), shape_row("grouped", ("-bits=32",), 0, exact, "F32", 3)]
    )
