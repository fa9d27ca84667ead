"""Language models against golden logits and greedy tokens.

Golden files were computed in float32 by PyTorch. Errors are relative to the largest logit.
"""

import numpy as np
from harness import Measure, Row, Skip, at_least, at_most, common_prefix, cosine, relative_error

FAMILIES = ["llama", "llama3-rope", "llama-yarn", "mistral-sliding", "qwen2"]
GGUF = ["f16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k_m", "q4_k_m", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs"]

ARM_DOT = ("-target=arm64", "-mcpu=neoverse-n1")
V4_VNNI = ("-target=x86-64-v4", "-mattr=+avx512vnni")

# (model, options, largest relative error of a logit, of 16 greedy tokens)
EXACT = (
    [("families/" + f, ("-bits=32",), 1e-3, 16) for f in FAMILIES]
    + [("families/" + f, ("-bits=16",), 1e-2, 0) for f in FAMILIES]
    + [("families/" + f, ("-bits=32", "-target=arm64"), 1e-3, 16) for f in ("llama", "qwen2")]
    + [("families/" + f, ("-bits=32", "-target=x86-64-v3"), 1e-3, 16) for f in ("llama", "mistral-sliding")]
    + [("gguf/" + g, ("-act=f32",), 1e-3, 0) for g in GGUF]
    + [("gguf/" + g, ("-act=f32", "-target=x86-64-v3"), 1e-3, 0) for g in ("q4_k_m", "q2_k", "iq4_xs")]
    + [("gguf/" + g, ("-act=f32", "-target=arm64"), 1e-3, 0) for g in ("q4_k_m", "q2_k", "iq4_xs")]
)

# (model, options, smallest cosine of all logits): activations in int8
INT8 = (
    [("gguf/" + g, ("-act=int8",), 0.999) for g in GGUF]
    + [("gguf/" + g, ("-act=int8", *V4_VNNI), 0.999) for g in ("q4_0", "q2_k", "iq4_nl")]
    + [("gguf/" + g, ("-act=int8", "-target=x86-64-v3"), 0.999) for g in GGUF]
    + [("gguf/" + g, ("-act=int8", *ARM_DOT), 0.999) for g in ("q4_0", "q8_0", "q2_k", "q6_k", "iq4_nl")]
)

# The same for an int8 KV cache alone.
INT8_CACHE = (
    [("families/" + f, ("-bits=32", "-kv=int8"), 0.9999) for f in FAMILIES]
    + [("families/" + f, ("-bits=32", "-kv=int8", *t), 0.9999) for f in ("llama", "mistral-sliding") for t in (("-target=x86-64-v3",), ("-target=arm64",))]
    + [("families/llama", ("-bits=8", "-kv=int8"), 0.999)]
)

TARGETS = [("-target=x86-64-v3",), ("-target=x86-64-v4",), ("-target=arm64",)]


def load(context, model):
    """Path of a model, and its golden arrays."""
    if model.startswith("gguf/"):
        return context.data(model + ".gguf"), np.load(context.data(model + ".golden.npz"))
    return context.data(model), np.load(context.data(model + "/golden.npz"))


def exact(model, options, bound, tokens):
    def run(context):
        path, golden = load(context, model)
        program = context.compile(path, *options)
        ids = golden["input_ids"][0]
        measure = at_most(relative_error(context.logits(program, ids), golden["logits"][0]), bound)
        if tokens:
            expected = [int(i) for i in golden["greedy"][:tokens]]
            agree = common_prefix(context.greedy(program, ids, tokens, "--ignore-eos"), expected)
            measure = Measure("%s, %d of %d tokens" % (measure.text, agree, tokens), measure.ok and agree == tokens)
        return measure

    return Row("logits", " ".join((model, *options)), run)


def int8(model, options, bound):
    def run(context):
        path, golden = load(context, model)
        program = context.compile(path, *options)
        return at_least(cosine(context.logits(program, golden["input_ids"][0]), golden["logits"][0]), bound)

    return Row("cosine", " ".join((model, *options)), run)


def same_on_targets(model):
    """The same greedy tokens on every target. Sums are in another order there, so logits differ in their
    last bits (each column of the answer is one order for the whole row of targets)."""

    def run(context):
        path, golden = load(context, model)
        ids, tokens = golden["input_ids"][0], {}
        for target in TARGETS:
            try:
                program = context.compile(path, "-bits=16", "-act=f32", *target)
            except Skip:
                continue
            tokens[target] = context.greedy(program, ids, 16, "--ignore-eos")
        if len(tokens) < 2:
            raise Skip("fewer than two targets run here")
        first = next(iter(tokens.values()))
        agree = min(common_prefix(first, t) for t in tokens.values())
        return Measure("%d of 16 tokens on %d targets" % (agree, len(tokens)), agree == 16)

    return Row("targets", model, run)


def same_for_threads(model, options):
    def run(context):
        path, golden = load(context, model)
        program = context.compile(path, *options)
        ids = golden["input_ids"][0]
        one = context.logits(program, ids, "-t", "1")
        differing = sum(int((one != context.logits(program, ids, "-t", str(t))).sum()) for t in (2, 3))
        same = all(
            context.greedy(program, ids, 8, "--ignore-eos", "-t", "1") == context.greedy(program, ids, 8, "--ignore-eos", "-t", str(t))
            for t in (2, 3)
        )
        return Measure("%d logits differ, tokens %s" % (differing, "agree" if same else "differ"), differing == 0 and same)

    return Row("threads", " ".join((model, *options)), run)


def decode_is_prefill(model, options):
    """A prompt taken at once and token by token gives the same next token."""

    def run(context):
        path, golden = load(context, model)
        program = context.compile(path, *options)
        ids = [int(i) for i in golden["input_ids"][0]]
        long = context.greedy(program, ids, 12, "--ignore-eos")
        stepped = []
        for _ in range(3):
            stepped += context.greedy(program, ids + stepped, 4, "--ignore-eos")
        agree = common_prefix(long, stepped)
        return Measure("%d of 12 tokens" % agree, agree == 12)

    return Row("prefill", " ".join((model, *options)), run)


def context_is_full(model):
    """Generation fills the context of `-ctx=` and ends there."""

    def run(context):
        path, golden = load(context, model)
        program = context.compile(path, "-bits=32", "-ctx=32")
        tokens = context.greedy(program, golden["input_ids"][0], -1, "--ignore-eos")
        expected = [int(i) for i in golden["greedy"][: 32 - 24 + 1]]
        return Measure("%d tokens after 24" % len(tokens), tokens in (expected, expected[:-1]))

    return Row("context", model, run)


def rows():
    return (
        [exact(*row) for row in EXACT]
        + [int8(*row) for row in INT8 + INT8_CACHE]
        + [same_on_targets("families/" + f) for f in ("llama", "qwen2")]
        + [same_for_threads("families/llama", ("-bits=32",))]
        + [same_for_threads("families/qwen2", ("-bits=4",))]
        + [same_for_threads("gguf/q2_k", ("-act=int8",))]
        + [same_for_threads("families/llama", ("-bits=32", "-kv=int8"))]
        + [decode_is_prefill("families/" + f, ("-bits=32",)) for f in ("llama", "mistral-sliding", "qwen2")]
        + [decode_is_prefill("families/mistral-sliding", ("-bits=32", "-kv=int8"))]
        + [context_is_full("families/llama")]
    )
