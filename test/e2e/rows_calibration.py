"""Calibrated quantization: what it saves, that it is repeatable, and what it refuses.

stories260k (real float weights) is calibrated on one text and judged on another, by `qcc verify`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import reference
from harness import Failure, Row, at_least, at_most, relative_error
from rows_bad_input import check, only_inputs, scratch

STORIES, NAME = "stories260k", "model.layers.1.mlp.up_proj.weight"


def text(context, name):
    return context.data("text/" + name)


def calibrated(context, *options):
    return context.compile(context.data(STORIES), "-calib=" + text(context, "c4.txt"), "-calib-windows=16", *options)


def divergence(context, program):
    """Mean KL divergence from the float model on a text that calibration did not see."""
    result = context.run_qcc("verify", program, context.data(STORIES), "-text=" + text(context, "wiki.test.raw"), "-windows=4", "-q")
    found = re.search(r"KL divergence: mean ([0-9.]+)", result.stdout)
    if result.returncode != 0 or not found:
        raise Failure("verify: exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
    return float(found.group(1))


def saving_row(options, bound, base=None):
    """The share of the divergence of rounding to nearest that calibration removes, at no more than 4 % more bytes of weights (rows of 64 pay
    most for a scale of their own). `base`: the grid that is rounded to, when it is another."""

    def run(context):
        program = calibrated(context, *options)
        grid = base or [option for option in options if not option.startswith("-method")]
        rounded = context.compile(context.data(STORIES), *grid, "-method=rtn")
        sizes = [json.loads(context.run(p, "info", "--json").stdout)["weight bytes"] for p in (program, rounded)]
        if sizes[0] > 1.04 * sizes[1]:
            raise Failure("it is larger: %d and %d bytes of weights" % tuple(sizes))
        return at_least(1 - divergence(context, program) / divergence(context, rounded), bound)

    name = " ".join(options) + (" from " + " ".join(base) if base else "")
    return Row("calibration", "removes divergence " + name, run)


def same_row(name, *options):
    """Compiled again, with other options that must not matter: the same bytes."""

    def run(context):
        program = calibrated(context, "-bits=4", "-j=2")
        again = os.path.join(context.work, "again-" + name.replace(" ", "-"))
        result = context.run_qcc(
            context.data(STORIES), "-calib=" + text(context, "c4.txt"), "-calib-windows=16", "-bits=4", *options, "-q", "-o", again
        )
        if result.returncode != 0:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        with open(program, "rb") as a, open(again, "rb") as b:
            return at_most(float(a.read() != b.read()), 0)

    return Row("calibration", "the same bytes: " + name, run)


# --- LLM.int8

PLANTED = 5  # a channel of every input that gets outliers
IDS = [1, 403, 407, 261, 378, 26, 338, 265, 400, 411, 298, 17, 99, 320, 77, 450, 3, 210, 88, 501, 45, 362, 129, 9]


def planted_model(context):
    """stories260k with all inputs of matrices 16 times smaller and a channel of most 128 times larger, and their columns the
    other way round: the same function, and no other channel is an outlier. (directory, config, tensors, what is kept)"""
    config, tensors = reference.read_model(context.data(STORIES))
    # On the 8-bit grid already: what searches scales for the table finds the same as rounding to nearest.
    tensors["model.embed_tokens.weight"] = reference.rounded(tensors["model.embed_tokens.weight"], 8, 32, False)
    kept = {}
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i
        inputs = [
            (p + "input_layernorm.weight", [p + "self_attn.%s_proj.weight" % n for n in "qkv"]),
            (p + "self_attn.v_proj.weight", [p + "self_attn.o_proj.weight"]),
            (p + "post_attention_layernorm.weight", [p + "mlp.gate_proj.weight", p + "mlp.up_proj.weight"]),
            (p + "mlp.up_proj.weight", [p + "mlp.down_proj.weight"]),
        ]
        for before, after in inputs:
            columns = tensors[after[0]].shape[1]
            factors = np.full(columns, 1 / 16, np.float32)
            if len(tensors[before]) == columns:  # heads share values
                factors[PLANTED] = 128
                kept.update({name: [PLANTED] for name in after})
            rows = factors[: len(tensors[before])]
            tensors[before] *= rows[:, None] if tensors[before].ndim == 2 else rows
            for name in after:
                tensors[name] /= factors
    directory = os.path.join(context.work, "model-planted")
    with context.lock:
        if not os.path.exists(directory):
            reference.write_model(directory, config, tensors)
            shutil.copy(os.path.join(context.data(STORIES), "tokenizer.json"), directory)
    return directory, config, tensors, kept


def outlier_logits(context, directory, method, options):
    options = ("-bits=8", "-kv=f32", "-calib=" + text(context, "c4.txt"), "-calib-windows=4", "-method=" + method, *options)
    return context.logits(context.compile(directory, *options), IDS)


def outliers_row(options, bound):
    """Planted outliers: the share of rounding's error that is left when they are kept."""

    def run(context):
        directory, config, tensors, kept = planted_model(context)
        exact = reference.logits(config, tensors, IDS)
        rounded = relative_error(outlier_logits(context, directory, "rtn", options), exact)
        return at_most(relative_error(outlier_logits(context, directory, "llm.int8", options), exact) / rounded, bound)

    return Row("calibration", "keeps outliers " + " ".join(options), run)


def outliers_reference_row(*options):
    """The same decomposition in numpy."""

    def run(context):
        directory, config, tensors, kept = planted_model(context)
        weights = reference.keep_outliers(tensors, kept)
        expected = reference.logits(config, weights, IDS, reference.quantize_groups(kept))
        return at_most(relative_error(outlier_logits(context, directory, "llm.int8", options), expected), 1e-4)

    return Row("calibration", "outliers as in numpy " + " ".join(options), run)


# --- interruption


def interrupt(command, journal, records, number, environment):
    """Starts a compilation and ends it by a signal once its journal has `records` records."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    while process.poll() is None and journal_records(journal) < records:
        time.sleep(0.001)
    process.send_signal(number)
    process.communicate()
    if process.returncode != -number:
        raise Failure("it was over before it was interrupted: exit %d" % process.returncode)


def journal_records(path):
    """Whole records of a journal: size, hash, payload. What follows the last of them does not count."""
    try:
        with open(path, "rb") as f:
            contents = f.read()
    except FileNotFoundError:
        return 0
    at, count, states = 40, 0, 3
    while at + 16 < len(contents) and contents[at + 16] != states:
        at += 16 + int.from_bytes(contents[at : at + 8], "little")
        count += at <= len(contents)
    return count


def resumed_row(name, options, records, number, said):
    """Interrupted after some records of the journal, and run again: the same bytes, and nothing is left."""

    def run(context):
        directory = scratch(context, "resumed " + name)
        out, temporary = os.path.join(directory, "out"), os.path.join(directory, "tmp")
        os.makedirs(out)
        os.makedirs(temporary)
        program, journal = os.path.join(out, "program"), os.path.join(out, "program.calibration")
        options_here = ["-calib=" + text(context, "c4.txt"), *options]
        command = [context.qcc, context.data(STORIES), *options_here, "-o", program]
        environment = dict(os.environ, TMPDIR=temporary)
        interrupt(command, journal, records, number, environment)
        if number == signal.SIGINT:  # nobody can clean up after SIGKILL
            only_inputs(out, {"program.calibration"})
            only_inputs(temporary, set())
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        if not re.search(said, result.stderr):
            raise Failure("it does not say that it goes on: " + result.stderr[:300])
        if os.path.exists(journal):
            raise Failure("the journal is left behind")
        with open(program, "rb") as a, open(context.compile(context.data(STORIES), *options_here), "rb") as b:
            return at_most(float(a.read() != b.read()), 0)

    return Row("calibration", "goes on when it was interrupted: " + name, run)


def other_journal_row():
    """A journal of other options is replaced, with a word; one that is none is left alone."""

    def run(context):
        directory = scratch(context, "other journal")
        program = os.path.join(directory, "program")
        journal = program + ".calibration"
        command = [context.qcc, context.data(STORIES), "-calib=" + text(context, "c4.txt"), "-calib-windows=2", "-q", "-o", program]
        interrupt([*command, "-bits=4"], journal, 2, signal.SIGKILL, None)
        result = subprocess.run([*command, "-bits=4", "-ctx=64"], capture_output=True, text=True)
        if result.returncode != 0 or not re.search("of another compilation.*anew", result.stderr):
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        with open(journal, "w") as f:
            f.write("notes on calibration")
        result = subprocess.run([*command, "-bits=4"], capture_output=True, text=True)
        with open(journal) as f:
            if f.read() != "notes on calibration":
                raise Failure("a file of the user is gone")
        return check(result, 1, [r"program\.calibration", "not a calibration journal", "-o"])

    return Row("calibration", "a journal of something else", run)


# --- the report


def described(context, options):
    """Compiles with reports; JSON, HTML, what was printed, and the lines of `info`."""
    directory = scratch(context, "report " + " ".join(options))
    program, results = os.path.join(directory, "program"), []
    for name in ("report.json", "report.html"):
        file = os.path.join(directory, name)
        result = context.run_qcc(
            context.data(STORIES), *[o.replace("{text}", text(context, "c4.txt")) for o in options], "-report=" + file, "-o", program
        )
        if result.returncode != 0:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        with open(file) as f:
            results.append(f.read())
    info = json.loads(context.run(program, "info", "--json").stdout)
    return json.loads(results[0]), results[1], result.stderr, info, os.path.getsize(program)


def expect(condition, what):
    if not condition:
        raise Failure("the report is wrong: " + what)


def report_row():
    def run(context):
        report, page, printed, info, size = described(context, ("-bits=4", "-method=gptq", "-calib={text}", "-calib-windows=8"))
        quality = report["held_out"]
        expect(report["file_bytes"] == size, "file_bytes")
        expect(sum(report["bytes"].values()) <= size <= sum(report["bytes"].values()) + 4096, "bytes do not add up")
        expect(report["bits_per_weight"]["layers"] >= 4.5, "bits_per_weight")
        expect(report["methods"] == "importance+gptq", "methods")
        expect(report["calibration"]["windows"] == 8 and report["calibration"]["held_out_windows"] == 4, "windows")
        expect(quality["positions"] == 4 * 256, "positions")
        expect(len(report["layers"]) == 5 and all(0 < l["hidden_state_error"] < 1 for l in report["layers"]), "layers")
        expect(all(len(l["output_errors"]) == 7 and max(l["output_errors"].values()) < 0.3 for l in report["layers"]), "matrices")
        expect(report["peak_memory_bytes"] > 1 << 20 and report["seconds"]["weights"] > 0, "time and memory")
        expect(page.count("<svg") == 3 and "http" not in page, "plots")
        expect("held out" in printed and "perplexity" in printed, "nothing was printed")
        expect(report["calibration"]["sha256"] in info["calibration"], "info has no hash")
        expect("%.5f" % quality["kl_divergence"]["mean"] in info["held-out KL divergence"], "info has no divergence")
        return at_most(quality["kl_divergence"]["mean"], 0.5)

    return Row("calibration", "report", run)


def plain_report_row():
    """Without calibration there are sizes, time and memory."""

    def run(context):
        report, page, printed, info, size = described(context, ("-bits=4", "-method=rtn"))
        expect("held_out" not in report and "calibration" not in report, "there was no calibration")
        expect("held out" not in printed, "printed without calibration")
        expect(info["bits per weight"].startswith("%.3f" % report["bits_per_weight"]["layers"]), "info")
        return at_most(abs(report["file_bytes"] - size), 0)

    return Row("calibration", "report without a text", run)


# --- what is refused


def stories(context, directory):
    return context.data(STORIES)


def stories_with(name, change):
    """The model with a tensor that `change` makes something of."""

    def make(context, directory):
        config, tensors = reference.read_model(context.data(STORIES))
        tensors[name] = change(tensors[name].copy())
        model = os.path.join(directory, "stories")
        reference.write_model(model, config, tensors)
        shutil.copy(os.path.join(context.data(STORIES), "tokenizer.json"), model)
        return model

    return make


def element(value):
    def change(tensor):
        tensor.reshape(-1)[7] = value
        return tensor

    return change


def refused_row(name, model, options, code, patterns, contents=None):
    """{text} stands for a good text, {file} for one with `contents` (bytes, or a function of the context)."""

    def run(context):
        directory = scratch(context, "calibration " + name)
        out, file = os.path.join(directory, "out"), os.path.join(directory, "file")
        os.makedirs(out)
        if contents is not None:
            with open(file, "wb") as f:
                f.write(contents(context) if callable(contents) else contents)
        source = model(context, directory)
        given = [option.replace("{text}", text(context, "c4.txt")).replace("{file}", file) for option in options]
        result = context.run_qcc(source, *given, "-q", "-o", os.path.join(out, "program"))
        # What was measured is of use for another budget.
        only_inputs(out, {"program.calibration"} if code == 4 else set())
        return check(result, code, patterns)

    return Row("calibration", "refuses " + name, run)


GOOD = ("-bits=4", "-calib={text}", "-calib-windows=2")
WITH_FILE = ("-bits=4", "-calib={file}")
RECIPE = ("-bits=4", "-recipe={file}")

# name, model, options, exit code, what the message has, contents of {file}
REFUSED = [
    ("an empty text", stories, WITH_FILE, 1, ["-calib=", "empty", "text file"], b""),
    ("a text of blanks", stories, WITH_FILE, 1, ["-calib=", "empty"], b" \r\n\t\n"),
    ("a text that is absent", stories, WITH_FILE, 1, ["-calib=", "No such file"]),
    ("a text of a few words", stories, WITH_FILE, 1, ["-calib=", "less than one window of 512", "longer text"], b"Once upon a time"),
    ("a model without tokenizer", lambda c, d: c.data("families/llama"), GOOD, 1, ["-calib=", "no tokenizer", r"tokenizer\.json"]),
    ("GPTQ without a text", stories, ("-bits=4", "-method=gptq"), 1, ["-method=gptq", "-calib"]),
    ("LLM.int8 without a text", stories, ("-bits=8", "-method=llm.int8"), 1, [r"-method=llm\.int8", "-calib"]),
    ("LLM.int8 of floats", stories, ("-bits=16", "-method=llm.int8", "-calib={text}"), 1, [r"-method=llm\.int8", "-bits=16"]),
    ("LLM.int8 with float activations", stories, ("-bits=8", "-method=llm.int8", "-act=f32", "-calib={text}"), 1, [r"llm\.int8", "-act=f32"]),
    ("LLM.int8 without dot products", stories, ("-bits=8", "-method=llm.int8", "-target=arm64", "-calib={text}"), 1, [r"llm\.int8", "arm64"]),
    ("importance without a text", stories, ("-bits=4", "-method=importance"), 1, ["-method=importance", "-calib"]),
    ("automatic bits without a text", stories, ("-bits=auto",), 1, ["-bits=auto", "-calib"]),
    ("a budget without automatic bits", stories, ("-bits=4", "-bpw=4.5"), 1, ["-bpw", "-bits=auto"]),
    ("a budget of 40 bits", stories, ("-bits=auto", "-bpw=40", "-calib={text}"), 1, ["-bpw", "8.5"]),
    ("a budget of no size", stories, ("-bits=auto", "-memory=4x", "-calib={text}"), 1, ["-memory=4x", "600MB"]),
    ("a budget of memory and bits", stories, ("-bits=auto", "-memory=4MB", "-bpw=4", "-calib={text}"), 1, ["-memory", "-bpw"]),
    ("too little memory", stories, ("-bits=auto", "-memory=600KB", "-calib={text}", "-calib-windows=2"), 4, ["-memory", "KV cache", "-ctx"]),
    ("two grids", stories, ("-bits=4", "-method=nf4", "-grid=codebook"), 1, ["-method=nf4", "-grid"]),
    ("NF4 of 3 bits", stories, ("-bits=3", "-method=nf4"), 1, ["nf4 has 4 bits"]),
    ("K-quants of 8 bits", stories, ("-bits=8", "-grid=kquant"), 1, ["kquant has 2 to 6 bits"]),
    ("K-quants in groups of 64", stories, ("-bits=4", "-method=kquant", "-group=64"), 1, ["-grid=kquant", "-group"]),
    ("K-quants of floats", stories, ("-method=kquant",), 1, ["-grid=kquant", "-bits"]),
    ("no windows", stories, ("-bits=4", "-calib={text}", "-calib-windows=0"), 1, ["-calib-windows"]),
    ("a report without artifact", stories, ("-bits=4", "-emit=asm", "-report={file}"), 1, ["-report=", "whole artifacts"]),
    ("methods without bits", stories, ("-method=gptq", "-calib={text}"), 1, ["-method=gptq", "-bits=keep"]),
    # recipes
    ("a recipe that is absent", stories, RECIPE, 2, ["file"]),
    ("a recipe that is no JSON", stories, RECIPE, 2, ["file", "JSON"], b"bits: 4"),
    ("a recipe without weights", stories, RECIPE, 1, ["-recipe=", "'weights'"], b"{}"),
    ("a recipe of 9 bits", stories, RECIPE, 1, ["-recipe=", "up_proj", "bits"], b'{"weights": {"%s": {"bits": 9}}}' % NAME.encode()),
    ("a recipe of another model", stories, RECIPE, 1, ["-recipe=", r"blk\.0\.q"], b'{"weights": {"blk.0.q": {"bits": 4}}}'),
    # values
    ("NaN in a weight", stories_with(NAME, element(np.nan)), GOOD, 2, [r"layers\.1|layer 1", "NaN|nan"]),
    ("infinity in a weight", stories_with(NAME, element(np.inf)), GOOD, 2, [r"layers\.1|layer 1", "inf|nan"]),
    ("NaN in a norm", stories_with("model.layers.1.input_layernorm.weight", element(np.nan)), GOOD, 2, [r"layers\.1|layer 1", "nan"]),
]


STATIC8 = ("-target=x86-64-v4", "-mattr=+avx512vnni", "-bits=4", "-calib-windows=8", "-act=static8")

# Name, options, records of the journal before the interruption, signal, what is said then.
RESUMED = [
    ("Ctrl-C", ("-bits=4", "-calib-windows=16"), 2, signal.SIGINT, "goes on after layer [1-4] of 5"),
    ("power", ("-bits=4", "-calib-windows=16", "-method=awq+gptq"), 4, signal.SIGKILL, "goes on after layer [2-4] of 5"),
    ("static8", STATIC8, 3, signal.SIGKILL, "goes on after layer [1-4] of 5"),
    ("outliers", ("-bits=4", "-calib-windows=8", "-method=llm.int8+gptaq"), 3, signal.SIGKILL, "goes on after layer [1-4] of 5"),
    ("bits=auto", ("-bits=auto", "-bpw=4.5", "-calib-windows=4"), 9, signal.SIGINT, r"goes on after matrix \d+ of 36"),
]

INT4 = ("-bits=4", "-grid=integer")

# Options, and the share of the divergence that must go.
SAVINGS = [
    (("-bits=4",), 0.25),
    (("-bits=4",), 0.62, INT4),
    (("-bits=auto", "-bpw=4.5"), 0.62, INT4),
    (("-bits=4", "-method=kquant+gptq"), 0.25, ("-bits=4", "-grid=kquant")),
    (("-bits=4", "-method=nf4+gptq", "-scales=f16", "-group=32"), 0.3, INT4),
    (("-bits=4", "-grid=integer"), 0.25),
    (("-bits=4", "-method=gptq+descent"), 0.35),
    (("-bits=4", "-method=importance"), 0.05),
    (("-bits=3", "-grid=codebook", "-method=gptq+descent"), 0.35),
    (("-bits=4", "-asym", "-method=gptq+descent"), 0.25),
]

# Options, and the share of the error that may be left.
OUTLIERS = [
    ((), 0.3),
    (("-act=static8",), 0.3),
    (("-act=static8", "-group=channel"), 0.1),
]


def rows():
    return (
        [saving_row(*case) for case in SAVINGS]
        + [same_row("twice", "-j=2"), same_row("one thread", "-j=1")]
        + [outliers_row(*case) for case in OUTLIERS]
        + [outliers_reference_row(), outliers_reference_row("-target=x86-64-v3")]
        + [resumed_row(*case) for case in RESUMED]
        + [other_journal_row(), report_row(), plain_report_row()]
        + [refused_row(*case) for case in REFUSED]
    )
