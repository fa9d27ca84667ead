"""Checkpoints that other tools quantized: golden logits, packed by numpy, damaged ones.

data/checkpoints was made by the real tools; its golden logits are of the dequantized weights in float32.
"""

import os
import shutil

import numpy as np
import packing
import reference
from harness import Failure, Measure, Row, at_least, at_most, cosine, relative_error
from rows_bad_input import check, scratch

NAMES = ["gptq-b3-g32-asym", "gptq-b4-g128-act", "gptq-b4-g32-asym", "gptq-b4-g32-sym", "gptq-b8-g64-sym", "awq-b4-g32"]
NAMES += ["bnb-nf4", "bnb-nf4-dq", "bnb-int8", "ct-w4a16", "ct-w8a8-dyn"]
V3, V4, ARM = ("-target=x86-64-v3",), ("-target=x86-64-v4",), ("-target=arm64",)
ARM_DOT = (*ARM, "-mcpu=neoverse-n1")

# (checkpoint, options): logits within 1e-3
EXACT = [(n, ("-act=f32",)) for n in ["base"] + NAMES]
EXACT += [(n, ("-act=f32", *t)) for n in ("gptq-b3-g32-asym", "gptq-b4-g128-act", "bnb-nf4") for t in (V3, V4, ARM)]
# Other bits than the checkpoint's: what is lost is small.
EXACT += [(n, ("-bits=32",)) for n in ("gptq-b4-g128-act", "bnb-nf4-dq", "bnb-int8")]

# (checkpoint, options): cosine of all logits at least 0.999
INT8 = [(n, ("-act=int8",)) for n in NAMES]
INT8 += [(n, ("-act=int8", *t)) for n in ("gptq-b3-g32-asym", "gptq-b4-g128-act") for t in (V3, ARM_DOT)]

GPTQ = {"quant_method": "gptq", "group_size": 32}
BNB = {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": False}

# name -> (float model, quantization_config, pack(matrix, number)): biases, orders that differ between
# layers and projections, versions, blocks that run on across rows
PACKED = {
    "gptq-qwen2": ("families/qwen2", dict(GPTQ, bits=4, desc_act=False), lambda m, i: packing.gptq(m, 4, 32)),
    "gptq-qwen2-act": ("families/qwen2", dict(GPTQ, bits=4, desc_act=True), lambda m, i: packing.gptq(m, 4, 32, seed=i)),
    "gptq-act-in-some": ("families/llama", dict(GPTQ, bits=8, desc_act=True), lambda m, i: packing.gptq(m, 8, 32, seed=i if i % 3 else None)),
    "gptq-act-shared": ("families/llama", dict(GPTQ, bits=4, desc_act=True), lambda m, i: packing.gptq(m, 4, 32, seed=7)),
    "gptq-v2-2-bits": ("families/llama", dict(GPTQ, bits=2, checkpoint_format="gptq_v2"), lambda m, i: packing.gptq(m, 2, 32, version=2)),
    "bnb-fp4": ("families/llama", BNB, lambda m, i: packing.bnb4(m, "fp4")),
    "bnb-nf4-blocks-of-128": ("families/llama", BNB, lambda m, i: packing.bnb4(m, "nf4", 128)),
}


def golden(context, name):
    path = context.data("checkpoints/" + name)
    return path, np.load(os.path.join(path, "golden.npz"))


def exact(name, options):
    def run(context):
        path, expected = golden(context, name)
        program = context.compile(path, *options)
        return at_most(relative_error(context.logits(program, expected["input_ids"][0]), expected["logits"][0]), 1e-3)

    return Row("checkpoints", " ".join((name, *options)), run)


def int8(name, options):
    def run(context):
        path, expected = golden(context, name)
        program = context.compile(path, *options)
        return at_least(cosine(context.logits(program, expected["input_ids"][0]), expected["logits"][0]), 0.999)

    return Row("checkpoints", " ".join((name, *options)), run)


def packed(name, options, measure, bound):
    model, quantization, pack = PACKED[name]

    def run(context):
        directory = scratch(context, "packed " + name + "".join(options))
        config, tensors = reference.read_model(context.data(model))
        meant = packing.pack_model(directory, config, tensors, quantization, pack)
        ids = [3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26]
        program = context.compile(directory, *options)
        found, expected = context.logits(program, ids), reference.logits(config, meant, ids)
        # The last token once more, by decode.
        last = context.greedy(program, ids, 1, "--ignore-eos")[0]
        result = measure(found, expected, bound)
        return Measure(result.text, result.ok and last == int(found[-1].argmax()))

    return Row("checkpoints", " ".join((name, *options)), run)


def within(found, expected, bound):
    return at_most(relative_error(found, expected), bound)


def similar(found, expected, bound):
    return at_least(cosine(found, expected), bound)


def requantized(name):
    """Other bits of a quantized checkpoint: done, with a warning."""

    def run(context):
        path, expected = golden(context, name)
        out = os.path.join(scratch(context, "requantized " + name), "out")
        result = context.run_qcc(path, "-bits=8", "-act=f32", "-q", "-o", out)
        if result.returncode or "the checkpoint is quantized already" not in result.stderr:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr))
        return at_least(cosine(context.logits(out, expected["input_ids"][0]), expected["logits"][0]), 0.999)

    return Row("checkpoints", name + " -bits=8", run)


def warns_of_int8():
    """Codebooks of floats have no int8 product, and whoever asks for it is told."""

    def run(context):
        path, _ = golden(context, "bnb-nf4")
        result = context.run_qcc(path, "-act=int8", "-q", "-o", os.path.join(scratch(context, "int8 of nf4"), "out"))
        return check(result, 0, ["warning: .*no int8 products"])

    return Row("checkpoints", "bnb-nf4 is not int8", run)


# --- damaged checkpoints


def edited(edit):
    def damage(tensors):
        return {name: edit(name, *tensor) for name, tensor in tensors.items()}

    return damage


def change(part, function):
    """Tensors with `part` in their names become function(array)."""
    return edited(lambda name, dtype, array: (dtype, function(array)) if part in name else (dtype, array))


def first(value):
    def put(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return put


def without(part):
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if not name.endswith(part)}


def added(name, dtype, array):
    return lambda tensors: dict(tensors, **{name: (dtype, array)})


Q = "model.layers.0.self_attn.q_proj"
K = "model.layers.1.self_attn.k_proj"
# name -> (checkpoint, damage, exit code, parts of the message)
DAMAGED = {
    "g_idx beyond the groups": ("gptq-b4-g128-act", change(Q + ".g_idx", first(7)), 2, [Q + ".g_idx", "there are 1 groups"]),
    "g_idx negative": ("gptq-b4-g128-act", change("mlp.down_proj.g_idx", first(-1)), 2, ["g_idx", "is -1"]),
    "g_idx missing": ("gptq-b4-g128-act", without("down_proj.g_idx"), 2, ["g_idx", "missing"]),
    "uneven groups": ("gptq-b4-g128-act", change("1.mlp.down_proj.g_idx", lambda a: 0 * a), 3, ["down_proj", "columns, not 128"]),
    "qzeros missing": ("gptq-b4-g32-sym", without(K + ".qzeros"), 2, [K + ".qzeros", "missing"]),
    "scales of another shape": ("gptq-b4-g32-sym", change(K + ".scales", lambda a: a[:-1]), 2, [K + ".scales", "has shape"]),
    "a scale that is no number": ("awq-b4-g32", change(K + ".scales", first(np.nan)), 2, [K + ".scales", "not finite"]),
    "another number of rows": ("awq-b4-g32", change(K, lambda a: a[..., : a.shape[-1] // 2]), 2, [K, "expected"]),
    "a part that is unknown": ("gptq-b4-g32-sym", added(Q + ".input_scale", "F32", np.ones(1)), 3, [Q + ".input_scale"]),
    "a bias the config does not know": ("gptq-b4-g32-sym", added(Q + ".bias", "F16", np.ones(128)), 3, [Q + ".bias"]),
    "codes cut short": ("bnb-nf4", edited(lambda name, dtype, array: (dtype, array[:-1] if name == Q + ".weight" else array)), 2, [Q + ".weight", "bytes"]),
    "a state that is no JSON": ("bnb-nf4", change("q_proj.weight.quant_state.bitsandbytes__nf4", first(0)), 2, ["quant_state"]),
    "a codebook with infinity": ("bnb-nf4", change(Q + ".weight.quant_map", first(np.inf)), 2, [Q + ".weight.quant_map"]),
    "no scales": ("bnb-int8", without(Q + ".SCB"), 3, [Q + ".weight: I8"]),
}


def damaged(name):
    checkpoint, damage, code, patterns = DAMAGED[name]

    def run(context):
        path, _ = golden(context, checkpoint)
        directory = os.path.join(scratch(context, name), "model")
        shutil.copytree(path, directory, copy_function=shutil.copyfile)
        file = os.path.join(directory, "model.safetensors")
        packing.write_tensors(file, damage(packing.read_tensors(file)))
        return check(context.run_qcc(directory, "-q", "-o", os.path.join(directory, "out")), code, patterns)

    return Row("checkpoints", name, run)


def zero_bias():
    """Some tools give every layer a bias of zeros."""

    def run(context):
        path, expected = golden(context, "gptq-b4-g32-sym")
        directory = os.path.join(scratch(context, "zero bias"), "model")
        shutil.copytree(path, directory, copy_function=shutil.copyfile)
        file = os.path.join(directory, "model.safetensors")
        packing.write_tensors(file, added(Q + ".bias", "F16", np.zeros(128))(packing.read_tensors(file)))
        program = context.compile(directory, "-act=f32")
        return at_most(relative_error(context.logits(program, expected["input_ids"][0]), expected["logits"][0]), 1e-3)

    return Row("checkpoints", "a bias of zeros", run)


def rows():
    return (
        [exact(*row) for row in EXACT]
        + [int8(*row) for row in INT8]
        + [packed(name, ("-act=f32",), within, 1e-3) for name in PACKED]
        + [packed("gptq-qwen2-act", ("-act=f32", *ARM), within, 1e-3), packed("bnb-fp4", ("-act=f32", *V3), within, 1e-3)]
        + [packed("gptq-qwen2-act", ("-act=int8",), similar, 0.999)]
        + [requantized(name) for name in ("gptq-b4-g32-asym", "gptq-b4-g128-act")]
        + [zero_bias(), warns_of_int8()]
        + [damaged(name) for name in DAMAGED]
    )
