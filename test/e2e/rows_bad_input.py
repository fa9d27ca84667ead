"""Wrong use and bad input: the exit code, a message that says what and where, and no partial output.

Exit codes are the contract's: 1 wrong use, 2 bad model file, 3 not supported, 4 does not fit.
"""

import json
import os
import re
import resource
import shutil
import struct

import numpy as np
import reference
from harness import Failure, Measure, Row

LLAMA, GGUF = "families/llama", "gguf/q2_k.gguf"


# --- damaged models: each makes one below `directory` and returns its path


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, raw):
    with open(path, "wb") as f:
        f.write(raw)
    return path


def copy_llama(context, directory):
    target = os.path.join(directory, "llama")
    shutil.copytree(context.data(LLAMA), target)
    for file in os.listdir(target):
        os.chmod(os.path.join(target, file), 0o644)
    return target


def edited_config(**changes):
    def make(context, directory):
        model = copy_llama(context, directory)
        path = os.path.join(model, "config.json")
        config = json.loads(read(path))
        config.update(changes)
        config = {k: v for k, v in config.items() if v is not None}
        write(path, json.dumps(config).encode())
        return model

    return make


def cut(name, size):
    """A file of the model ends after `size` bytes (negative: counted from its end)."""

    def make(context, directory):
        model = copy_llama(context, directory)
        path = os.path.join(model, name)
        write(path, read(path)[:size])
        return model

    return make


def without(name):
    def make(context, directory):
        model = copy_llama(context, directory)
        os.remove(os.path.join(model, name))
        return model

    return make


def with_file(name, raw):
    def make(context, directory):
        model = copy_llama(context, directory)
        write(os.path.join(model, name), raw)
        return model

    return make


def cut_gguf(size):
    return lambda context, directory: write(os.path.join(directory, "cut.gguf"), read(context.data(GGUF))[:size])


def patched_gguf(offset, raw):
    def make(context, directory):
        whole = bytearray(read(context.data(GGUF)))
        whole[offset : offset + len(raw)] = raw
        return write(os.path.join(directory, "patched.gguf"), whole)

    return make


def edited_header(edit):
    """`edit` changes the header of the safetensors file."""

    def make(context, directory):
        model = copy_llama(context, directory)
        path = os.path.join(model, "model.safetensors")
        raw = read(path)
        size = struct.unpack("<Q", raw[:8])[0]
        header = json.loads(raw[8 : 8 + size])
        edit(header)
        text = json.dumps(header).encode()
        write(path, struct.pack("<Q", len(text)) + text + raw[8 + size :])
        return model

    return make


def set_entry(name, key, value):
    return edited_header(lambda header: header[name].__setitem__(key, value))


def tensors_with(name, value, dtype="F32"):
    """One element of a tensor is `value`."""

    def make(context, directory):
        config, tensors = reference.random_model(seed=1, hidden=32, ffn=32, heads=2, kv_heads=1, head_dim=16, layers=2)
        tensors[name] = tensors[name].copy()
        tensors[name].reshape(-1)[7] = value
        model = os.path.join(directory, "random")
        reference.write_model(model, config, tensors, dtype)
        return model

    return make


def missing_shard(context, directory):
    config, tensors = reference.random_model(seed=1, hidden=32, ffn=32, heads=2, kv_heads=1, head_dim=16)
    model = os.path.join(directory, "sharded")
    reference.write_model(model, config, tensors, shards=3)
    os.remove(os.path.join(model, "model-00002-of-00003.safetensors"))
    return model


def tensor_absent(context, directory):
    config, tensors = reference.random_model(seed=1, hidden=32, ffn=32, heads=2, kv_heads=1, head_dim=16)
    del tensors[NAME]
    model = os.path.join(directory, "random")
    reference.write_model(model, config, tensors)
    return model


def whole(context, directory):
    return context.data(LLAMA)


def tokenizer_of(name, size):
    """families/llama with a tokenizer.json that ends early."""

    def make(context, directory):
        model = copy_llama(context, directory)
        write(os.path.join(model, "tokenizer.json"), read(context.data(name))[:size])
        return model

    return make


def with_scales(text):
    """families/llama, with a file of activation scales in its directory."""
    return with_file("scales.json", text.encode())


WITH_SCALES = ("-bits=8", "-act=static8", "-act-scales={model}/scales.json")
NAME = "model.layers.1.mlp.up_proj.weight"

# name, model, options, exit code, what the message has (regular expressions)
CASES = [
    ("no model", None, (), 1, ["no model"]),
    ("absent", lambda c, d: os.path.join(d, "absent"), (), 2, ["absent"]),
    ("empty directory", lambda c, d: d, (), 2, ["config.json"]),
    ("empty file", lambda c, d: write(os.path.join(d, "a.gguf"), b""), (), 2, [r"a\.gguf"]),
    ("not a model", lambda c, d: write(os.path.join(d, "a.txt"), b"hello, world"), (), 2, [r"a\.txt"]),
    # GGUF
    ("gguf cut in its magic", cut_gguf(3), (), 2, [r"cut\.gguf"]),
    ("gguf cut in its header", cut_gguf(20), (), 2, [r"cut\.gguf"]),
    ("gguf cut in its keys", cut_gguf(4000), (), 2, [r"cut\.gguf"]),
    ("gguf cut in its data", cut_gguf(-100000), (), 2, [r"cut\.gguf", "weight"]),
    ("gguf cut by a byte", cut_gguf(-1), (), 2, [r"cut\.gguf"]),
    ("gguf of version 99", patched_gguf(4, struct.pack("<I", 99)), (), 3, ["version", "99"]),
    ("gguf with 2^60 tensors", patched_gguf(8, struct.pack("<Q", 2**60)), (), 2, [r"patched\.gguf"]),
    ("gguf with 2^60 keys", patched_gguf(16, struct.pack("<Q", 2**60)), (), 2, [r"patched\.gguf"]),
    # safetensors
    ("safetensors cut in its length", cut("model.safetensors", 5), (), 2, [r"model\.safetensors"]),
    ("safetensors cut in its header", cut("model.safetensors", 300), (), 2, [r"model\.safetensors"]),
    ("safetensors cut in its data", cut("model.safetensors", -1000), (), 2, [r"model\.safetensors"]),
    ("safetensors absent", without("model.safetensors"), (), 2, ["safetensors"]),
    ("tensor beyond the file", set_entry(NAME, "data_offsets", [0, 2**62]), (), 2, [re.escape(NAME)]),
    ("tensor of negative shape", set_entry(NAME, "shape", [-1, 64]), (), 2, [re.escape(NAME)]),
    ("tensor whose shape overflows", set_entry(NAME, "shape", [2**40, 2**40]), (), 2, [re.escape(NAME)]),
    ("tensor of another shape", set_entry(NAME, "shape", [64, 160]), (), 2, [re.escape(NAME)]),
    ("tensor of unknown type", set_entry(NAME, "dtype", "Q7"), (), 2, [re.escape(NAME), "Q7"]),
    ("tensor absent", tensor_absent, (), 2, [re.escape(NAME)]),
    ("missing shard", missing_shard, (), 2, ["model-00002-of-00003"]),
    # JSON
    ("config cut", cut("config.json", 100), (), 2, [r"config\.json"]),
    ("config absent", without("config.json"), (), 2, [r"config\.json"]),
    ("config no object", with_file("config.json", b"[1, 2]"), (), 2, [r"config\.json"]),
    ("config nested deeply", with_file("config.json", b"[" * 100000), (), 2, [r"config\.json"]),
    ("config without layers", edited_config(num_hidden_layers=None), (), 2, ["num_hidden_layers"]),
    ("config with text for a number", edited_config(hidden_size="big"), (), 2, ["hidden_size"]),
    ("config with huge sizes", edited_config(hidden_size=2**62), (), 2, [""]),
    ("config with heads that do not divide", edited_config(num_key_value_heads=3), (), 2, ["num_key_value_heads|heads"]),
    ("tokenizer cut", tokenizer_of("smollm2/tokenizer.json", 5000), (), 2, [r"tokenizer\.json"]),
    ("tokenizer of wrong kind", with_file("tokenizer.json", b'{"model": {"type": "Quantum"}}'), (), 3, ["Quantum"]),
    # not supported
    ("unknown architecture", edited_config(model_type="mamba9"), (), 3, ["mamba9", "llama"]),
    ("unknown activation", edited_config(hidden_act="cubist"), (), 3, ["cubist"]),
    ("unknown rope scaling", edited_config(rope_scaling={"rope_type": "spiral", "factor": 2.0}), (), 3, ["spiral"]),
    # values
    ("NaN in a weight that is rounded", tensors_with(NAME, np.nan), ("-bits=4",), 2, [re.escape(NAME), "NaN"]),
    ("infinity in a weight that is rounded", tensors_with(NAME, np.inf), ("-bits=8",), 2, [re.escape(NAME), "inf|finite"]),
    ("too large for float16", tensors_with(NAME, 1e30), ("-bits=16",), 2, [re.escape(NAME)]),
    # command line
    ("unknown option", whole, ("-frobnicate",), 1, ["frobnicate"]),
    ("unknown target", whole, ("-target=vax",), 1, ["vax", "arm64", "x86-64-v3"]),
    ("unknown CPU", whole, ("-mcpu=i8080",), 1, ["i8080"]),
    ("CPU of another target", whole, ("-target=arm64", "-mcpu=znver5"), 1, ["znver5"]),
    ("unknown feature", whole, ("-mattr=+warp",), 1, ["warp"]),
    ("feature without sign", whole, ("-target=arm64", "-mattr=dotprod"), 1, ["dotprod"]),
    ("9 bits", whole, ("-bits=9",), 1, ["-bits=9"]),
    ("bits of text", whole, ("-bits=some",), 1, ["-bits=some"]),
    ("group of 33", whole, ("-bits=4", "-group=33"), 1, ["-group=33"]),
    ("codebook of 6 bits", whole, ("-bits=6", "-grid=codebook"), 1, ["-grid=codebook", "-bits=2"]),
    ("codebook with zero points", whole, ("-bits=4", "-grid=codebook", "-asym"), 1, ["-grid=codebook", "-asym"]),
    ("scales of scales without groups", whole, ("-bits=4", "-scales=super", "-group=channel"), 1, ["-scales=super", "groups"]),
    ("static activations without scales", whole, ("-bits=8", "-act=static8"), 1, ["-act-scales"]),
    ("smoothing of float activations", whole, ("-bits=8", "-act=f32", "-method=smoothquant", "-calib=x"), 1, ["smoothquant", "-act=f32"]),
    ("smoothing without a text", whole, ("-bits=8", "-method=smoothquant"), 1, ["-calib"]),
    ("two kinds of channel factors", whole, ("-bits=8", "-method=smoothquant+awq", "-calib=x"), 1, ["smoothquant and awq"]),
    ("scales without static activations", whole, ("-bits=8", "-act-scales=x"), 1, ["-act=static8"]),
    ("scales that are no file", whole, ("-bits=8", "-act=static8", "-act-scales=/nonexistent"), 2, ["/nonexistent"]),
    ("scales that are missing", with_scales("{}"), WITH_SCALES, 1, [r"layers\.1\.mlp\.gate_proj", "-act-scales"]),
    ("scales that are a list", with_scales("[1]"), WITH_SCALES, 2, [r"scales\.json", "object"]),
    ("a scale that is a text", with_scales('{"a": 1, "b.q": "1"}'), WITH_SCALES, 2, [r"scales\.json", r"b\.q", "positive"]),
    ("a scale of zero", with_scales('{"b.q": 0}'), WITH_SCALES, 2, [r"b\.q", "positive"]),
    ("a scale beyond float32", with_scales('{"b.q": 1e300}'), WITH_SCALES, 2, [r"b\.q", "positive"]),
    ("unknown method", whole, ("-method=magic",), 1, ["magic"]),
    ("unknown phase", whole, ("-compile-to=dessert",), 1, ["dessert", "list-phases"]),
    ("unknown emit", whole, ("-emit=cake",), 1, ["cake"]),
    ("shared library of a language model", whole, ("-emit=shared",), 1, ["language model"]),
    ("negative context", whole, ("-ctx=-5",), 1, ["-ctx"]),
]


def only_inputs(directory, before):
    left = sorted(set(os.listdir(directory)) - before)
    if left:
        raise Failure("left behind: " + ", ".join(left))


def check(result, code, patterns):
    if result.returncode != code:
        raise Failure("exit %d, expected %d: %s" % (result.returncode, code, result.stderr.strip()[-300:]))
    for pattern in patterns:
        if not re.search(pattern, result.stderr, re.IGNORECASE):
            raise Failure("no %r in: %s" % (pattern, result.stderr.strip()[-300:]))
    return Measure("exit %d: %s" % (code, result.stderr.strip().replace("\n", " ")[:160]), True)


def scratch(context, name):
    directory = os.path.join(context.work, "bad-" + re.sub(r"\W+", "-", name))
    os.makedirs(directory)
    return directory


def case_row(name, model, options, code, patterns):
    def run(context):
        directory = scratch(context, name)
        source = model(context, directory) if model else None
        out = os.path.join(directory, "out")
        os.makedirs(out)
        given = [option.replace("{model}", source or "") for option in options]
        result = context.run_qcc(*([source] if source else []), *given, "-q", "-o", os.path.join(out, "program"))
        only_inputs(out, set())
        return check(result, code, patterns)

    return Row("bad-input", name, run)


# --- outputs that cannot be written


def output_row(name, output, code, patterns, limit=None):
    """`output` is below the row's directory; `limit`: no file may grow beyond so many bytes."""

    def run(context):
        directory = scratch(context, name)
        write(os.path.join(directory, "file"), b"")
        before = set(os.listdir(directory))

        def restrict():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        result = context.run_qcc(
            context.data(LLAMA), "-bits=32", "-q", "-o", os.path.join(directory, output), preexec_fn=restrict if limit else None,
            env={**os.environ, "TMPDIR": directory}
        )
        only_inputs(directory, before)
        return check(result, code, patterns)

    return Row("output", name, run)


def keeps_old_row():
    """A compilation that fails leaves the earlier artifact as it was."""

    def run(context):
        directory = scratch(context, "keeps-old")
        model = tensors_with(NAME, np.nan)(context, directory)
        out = write(os.path.join(directory, "program"), b"the old one")
        measure = check(context.run_qcc(model, "-bits=4", "-q", "-o", out), 2, [])
        if read(out) != b"the old one":
            raise Failure("the earlier output was overwritten")
        return measure

    return Row("output", "failure keeps the earlier file", run)


# --- wrong use of programs


PROGRAM_CASES = [
    ("unknown option", ("--frobnicate",), 1, ["frobnicate"]),
    ("unknown verb", ("dance",), 1, ["dance"]),
    ("token that is no number", ("--ids", "--tokens", "1 x 3"), 1, ["x"]),
    ("token beyond the vocabulary", ("--ids", "--tokens", "1 999999"), 1, ["999999"]),
    ("negative token", ("--ids", "--tokens", "-4"), 1, ["-4"]),
    ("no threads", ("--ids", "--tokens", "1", "-t", "-1"), 1, ["-t"]),
    ("text without a tokenizer", ("-p", "hello"), 1, ["tokenizer"]),
    ("prompt longer than the context", ("--ids", "--tokens", " ".join(["3"] * 300)), 1, ["context|256"]),
    ("context beyond the compiled", ("--ids", "--tokens", "1", "-c", "100000"), 1, ["-c|context"]),
    ("prompt file absent", ("-f", "absent.txt"), 1, [r"absent\.txt"]),
    ("logits to nowhere", ("eval", "--tokens", "1 2", "--logits", "absent/x.npy"), 1, [r"absent/x\.npy"]),
]


def program_row(name, arguments, code, patterns):
    def run(context):
        program = context.compile(context.data(LLAMA), "-bits=32")
        return check(context.run(program, *arguments, ok=False), code, patterns)

    return Row("program", name, run)


def damaged_program_row(name, damage):
    """A program whose file was cut or changed says so and does not crash."""

    def run(context):
        program = context.compile(context.data(LLAMA), "-bits=32")
        path = os.path.join(scratch(context, "program-" + name), "program")
        write(path, damage(read(program)))
        os.chmod(path, 0o755)
        result = context.run(path, "--tokens", "1 2", "-n", "1", "--ids", ok=False)
        if result.returncode < 1 or not result.stderr.strip():
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()))
        return Measure("exit %d: %s" % (result.returncode, result.stderr.strip()[:120]), True)

    return Row("program", name, run)


def rows():
    return (
        [case_row(*case) for case in CASES]
        + [
            output_row("directory absent", "absent/program", 1, ["absent/program"]),
            output_row("below a file", "file/program", 1, ["file/program"]),
            # The object, the linked program and the artifact are each too large for one of these.
            output_row("disk full at the object", "program", 4, ["qcc-.*too large"], limit=1000),
            output_row("disk full at the program", "program", 4, ["qcc-.*too large"], limit=100000),
            output_row("disk full at the artifact", "program", 4, ["program.*too large"], limit=1200000),
            keeps_old_row(),
        ]
        + [program_row(*case) for case in PROGRAM_CASES]
        + [
            damaged_program_row("cut", lambda raw: raw[:-4096]),
            damaged_program_row("without its trailer", lambda raw: raw[:-80] + bytes(80)),
        ]
    )
