"""SmolLM2-135M-Instruct: the whole of a real model, its tokenizer, its texts.

Golden tokens and perplexity are PyTorch's in float32 (shared data, smollm2/golden.json). Needs the real
models; the rows of many minutes only run with QCC_SLOW.
"""

import json
import os

from harness import Failure, Measure, Row, Skip, at_least, at_most, common_prefix

ARM, V3, V4 = ("-target=arm64",), ("-target=x86-64-v3",), ("-target=x86-64-v4",)


# Perplexity of the first windows alone, by test/e2e/reference.py: golden.json has that of 40.
FIRST = {2: 21.7069, 4: 22.5104}


def golden(context):
    with open(context.data("smollm2/golden.json")) as f:
        return json.load(f)


def agreement(context, program, prompt, count):
    """Tokens of `count` until the first difference; both ending early in the same way agree about the rest."""
    expected = prompt["greedy"][:count]
    found = context.greedy(program, prompt["ids"], count)
    return count if found == expected else common_prefix(found, expected)


def greedy_row(model, options, prompts, count, bound):
    def run(context):
        cases = golden(context)["prompts"][:prompts]
        program = context.compile(context.model(model), *options)
        agree = [agreement(context, program, prompt, count) for prompt in cases]
        measure = at_least(sum(agree) / len(agree), bound, " of %d tokens" % count)
        return Measure("%s %s" % (measure.text, agree), measure.ok)

    return Row("greedy", " ".join((model, *options)), run)


def targets_row(model, options, prompts, count):
    """The same tokens on every target."""

    def run(context):
        cases = golden(context)["prompts"][:prompts]
        path = context.model(model)  # without it the whole row is skipped, not each target
        found = {}
        for target in (V3, V4, ARM):
            try:
                program = context.compile(path, *options, *target)
            except Skip:
                continue
            found[target] = [context.greedy(program, prompt["ids"], count) for prompt in cases]
        first = next(iter(found.values()))
        same = [min(common_prefix(first[i], other[i]) for other in found.values()) for i in range(len(cases))]
        return Measure("%s of %d tokens on %d targets" % (same, count, len(found)), all(s == len(f) for s, f in zip(same, first)))

    return Row("targets", " ".join((model, *options)), run)


def perplexity_row(model, options, windows, bound, slow):
    """Relative to golden over all 40 windows; fewer windows are compared with what those alone have."""

    def run(context):
        if slow and not context.slow:
            raise Skip("takes minutes: QCC_SLOW=1 runs it")
        expected = golden(context)["wiki_test_ppl_512_first40"]["ppl"] if windows == 40 else FIRST[windows]
        program = context.compile(context.model(model), *options)
        text = context.data("text/wiki.test.raw")
        result = context.run(program, "eval", "-f", text, "-c", "512", "--windows", str(windows), "--keep-first", "--json", "-q")
        value = json.loads(result.stdout)["perplexity"]
        measure = at_most(abs(value / expected - 1), bound)
        return Measure("%.4f of %.4f, off by %s" % (value, expected, measure.text), measure.ok)

    return Row("perplexity", " ".join((model, *options, "%d windows" % windows)), run)


def tokens_row():
    def run(context):
        program = context.compile(context.model("smollm2.gguf"), "-act=f32")
        count = int(context.run(program, "tokenize", "-f", context.data("text/wiki.test.raw"), "--count").stdout)
        expected = golden(context)["wiki_test_ppl_512_first40"]["tokens_total"]
        return Measure("%d of %d tokens" % (count, expected), count == expected)

    return Row("tokenize", "wiki.test.raw", run)


def choices_row(model, options):
    """Right answers of the first 20 questions (arc_easy), by likelihood and by that of a byte: as llama.cpp's
    logits of the same file give them."""

    def run(context):
        program = context.compile(context.model(model), *options)
        found = json.loads(context.run(program, "eval", "--mc", context.data("text/mc.jsonl"), "--limit", "20", "--json", "-q").stdout)
        right = [round(found[name] * found["questions"]) for name in ("accuracy", "acc_norm")]
        near = abs(right[0] - 14) <= 1 and abs(right[1] - 9) <= 1  # one question is a near tie
        return Measure("%s right of %d" % (right, found["questions"]), near)

    return Row("choices", " ".join((model, *options)), run)


def text_row():
    """A prompt as text gives the text of golden.json."""

    def run(context):
        program = context.compile(context.model("smollm2.gguf"), "-act=f32")
        prompt = golden(context)["prompts"][0]
        found = context.run(program, "-p", prompt["text"], "--temp", "0", "-n", "48", "-q").stdout
        expected = prompt["greedy_text"].removesuffix("<|im_end|>")
        if found.rstrip("\n") != expected.rstrip("\n"):
            raise Failure("%r, expected %r" % (found, expected))
        return Measure("%d characters" % len(found), True)

    return Row("text", "first prompt", run)


def threads_row():
    def run(context):
        program = context.compile(context.model("smollm2.gguf"))
        ids = golden(context)["prompts"][1]["ids"]
        one, two = (context.logits(program, ids, "-t", t) for t in "12")
        return Measure("%d logits differ" % (one != two).sum(), bool((one == two).all()))

    return Row("threads", "smollm2.gguf", run)


def overhead_row():
    """The program without its weights and tokenizer."""

    def run(context):
        program = context.compile(context.model("smollm2.gguf"))
        info = json.loads(context.run(program, "info", "--json").stdout)
        rest = os.path.getsize(program) - info["weight bytes"] - info["tokenizer bytes"]
        return at_most(rest / 2**20, 1.5, " MB")

    return Row("size", "smollm2.gguf", run)


def rows():
    return [
        greedy_row("smollm2.gguf", ("-act=f32",), 10, 48, 46),
        greedy_row("smollm2-hf", ("-bits=16", "-act=f32"), 10, 48, 46),
        targets_row("smollm2-hf", ("-bits=16", "-act=f32"), 2, 8),
        perplexity_row("smollm2.gguf", ("-act=f32",), 2, 0.005, False),
        perplexity_row("smollm2-hf", ("-bits=16", "-act=f32"), 2, 0.005, False),
        perplexity_row("smollm2.gguf", ("-act=int8",), 2, 0.015, False),
        perplexity_row("smollm2.gguf", ("-act=f32",), 40, 0.005, True),
        perplexity_row("smollm2-hf", ("-bits=16", "-act=f32"), 40, 0.005, True),
        perplexity_row("smollm2.gguf", ("-act=int8",), 40, 0.015, True),
        perplexity_row("smollm2.gguf", ("-act=f32", "-kv=int8"), 2, 0.005, False),
        choices_row("smollm2.gguf", ("-act=f32",)),
        tokens_row(),
        text_row(),
        threads_row(),
        overhead_row(),
    ]
