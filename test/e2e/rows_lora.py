"""Low-rank adapters: added to the weights or beside them, on float and quantized bases, and damaged ones."""

import json
import os

import numpy as np
import packing
import reference
from harness import Row, at_least, at_most, cosine, relative_error
from rows_bad_input import check, scratch
from rows_checkpoints import BNB, GPTQ

IDS = [3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26]
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def write_adapter(directory, tensors, rank=4, targets=TARGETS, dtype="F32", seed=1, **settings):
    """A random adapter of every target in `tensors`; returns the tensors with it added."""
    rng, files, merged = np.random.default_rng(seed), {}, dict(tensors)
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": 8, "target_modules": targets, "bias": "none", **settings}
    scale = 8 / (np.sqrt(rank) if config.get("use_rslora") else rank)
    for name, w in tensors.items():
        module = name[: -len(".weight")]
        if module.split(".")[-1] not in targets or not name.endswith(".weight"):
            continue
        a, b = (rng.standard_normal(s).astype(np.float16).astype(np.float32) for s in ((rank, w.shape[1]), (w.shape[0], rank)))
        a, b = a * np.float32(2**-4), b * np.float32(2**-5)
        files["base_model.model.%s.lora_A.weight" % module] = (dtype, a)
        files["base_model.model.%s.lora_B.weight" % module] = (dtype, b)
        merged[name] = w + scale * b @ a
    os.makedirs(directory, exist_ok=True)
    with open(directory + "/adapter_config.json", "w") as f:
        json.dump(config, f)
    packing.write_tensors(directory + "/adapter_model.safetensors", files)
    return merged


def golden(options):
    def run(context):
        adapter = context.data("lora-llama")
        expected = np.load(adapter + "/golden.npz")
        program = context.compile(context.data("families/llama"), "-lora=" + adapter, *options)
        return at_most(relative_error(context.logits(program, expected["input_ids"][0]), expected["logits"][0]), 1e-3)

    return Row("lora", " ".join(("lora-llama", *options)), run)


# name -> (base, pack or None, options, settings of the adapter, measure's bound)
CASES = {
    "all projections, merged": ("families/llama", None, ("-bits=32",), {}),
    "all projections, beside": ("families/llama", None, ("-bits=32", "-lora-merge=false"), {}),
    "half precision, rank-stabilized": ("families/qwen2", None, ("-bits=32", "-lora-merge=false"), dict(dtype="F16", use_rslora=True)),
    "rank 17": ("families/qwen2", None, ("-bits=32", "-lora-merge=false"), dict(rank=17)),
    "arm64": ("families/llama", None, ("-bits=32", "-lora-merge=false", "-target=arm64"), {}),
    "nf4 base (QLoRA)": ("families/llama", (BNB, lambda m, i: packing.bnb4(m, "nf4")), ("-act=f32",), {}),
    "gptq base in activation order": ("families/qwen2", (dict(GPTQ, bits=4, desc_act=True), lambda m, i: packing.gptq(m, 4, 32, seed=i)), ("-act=f32",), {}),
    "gptq base merged": ("families/qwen2", (dict(GPTQ, bits=4, desc_act=True), lambda m, i: packing.gptq(m, 4, 32, seed=i)), ("-bits=32",), {}),
}


def case(name):
    model, pack, options, settings = CASES[name]

    def run(context):
        directory = scratch(context, "lora " + name)
        config, tensors = reference.read_model(context.data(model))
        base = context.data(model)
        if pack:
            tensors, base = packing.pack_model(directory, config, tensors, *pack), directory
        merged = write_adapter(directory + "/adapter", tensors, **settings)
        program = context.compile(base, "-lora=" + directory + "/adapter", *options)
        return at_most(relative_error(context.logits(program, IDS), reference.logits(config, merged, IDS)), 1e-3)

    return Row("lora", name, run)


def qlora():
    """An adapter on a checkpoint of the real tool, with int8 activations where they are possible."""

    def run(context):
        base = context.data("checkpoints/bnb-nf4-dq")
        directory = scratch(context, "qlora")
        config, tensors = reference.read_model(context.data("checkpoints/base"))
        write_adapter(directory, tensors, seed=3)
        beside = context.compile(base, "-lora=" + directory)
        merged = context.compile(base, "-lora=" + directory, "-bits=32")
        return at_least(cosine(context.logits(beside, IDS), context.logits(merged, IDS)), 0.99999)

    return Row("lora", "bnb-nf4-dq", run)


# --- what is refused: name -> (base, options, settings or damage of the adapter, exit code, message)


def drop(part):
    return lambda tensors: {n: t for n, t in tensors.items() if part not in n}


def first_cut(part):
    return lambda tensors: {n: (d, a[:, :-1] if n.endswith(part) else a) for n, (d, a) in tensors.items()}


def renamed(old, new):
    return lambda tensors: {n.replace(old, new): t for n, t in tensors.items()}


REFUSED = {
    "another method": ((), dict(peft_type="IA3"), None, 3, ["peft_type", "IA3"]),
    "dora": ((), dict(use_dora=True), None, 3, ["use_dora"]),
    "several at once": ((), dict(modules_to_save=["lm_head"], rank_pattern={"q_proj": 8}, init_lora_weights="pissa"), None, 3, ["modules_to_save", "rank_pattern", "init_lora_weights"]),
    "biases": ((), dict(bias="all"), None, 3, ["bias other than none"]),
    "rank of zero": ((), dict(r=0), None, 2, ["key r"]),
    "rank of the config is another": ((), dict(r=8), None, 2, ["does not fit the rank 8"]),
    "alpha is text": ((), dict(lora_alpha="8"), None, 2, ["key lora_alpha"]),
    "half of a pair": ((), {}, drop("0.mlp.up_proj.lora_B"), 2, ["model.layers.0.mlp.up_proj", "no lora_B"]),
    "another layer size": ((), {}, first_cut("1.mlp.down_proj.lora_A.weight"), 2, ["model.layers.1.mlp.down_proj", "do not fit"]),
    "another model": ((), {}, renamed("layers.0", "layers.7"), 3, ["model.layers.7.self_attn.q_proj"]),
    "an embedding": ((), {}, renamed("q_proj.lora_A.weight", "q_proj.lora_embedding_A"), 3, ["lora_embedding_A"]),
    "no factors": ((), {}, drop("lora"), 2, ["has no factors"]),
}


def refused(name):
    options, settings, damage, code, patterns = REFUSED[name]

    def run(context):
        directory = scratch(context, "lora " + name)
        config, tensors = reference.read_model(context.data("families/llama"))
        write_adapter(directory, tensors)
        with open(directory + "/adapter_config.json") as f:
            changed = dict(json.load(f), **settings)
        with open(directory + "/adapter_config.json", "w") as f:
            json.dump(changed, f)
        if damage:
            file = directory + "/adapter_model.safetensors"
            packing.write_tensors(file, damage(packing.read_tensors(file)))
        result = context.run_qcc(context.data("families/llama"), "-lora=" + directory, *options, "-q", "-o", directory + "/out")
        return check(result, code, patterns)

    return Row("lora", name, run)


def wrong_use(name, base, options, code, patterns):
    def run(context):
        adapter = context.data("lora-llama")
        directory = scratch(context, "lora " + name)
        if base == "packed":
            config, tensors = reference.read_model(context.data("families/llama"))
            packing.pack_model(directory, config, tensors, BNB, lambda m, i: packing.bnb4(m, "nf4"))
        model = directory if base == "packed" else context.data(base)
        return check(context.run_qcc(model, *(o.replace("ADAPTER", adapter) for o in options), "-q", "-o", directory + "/out"), code, patterns)

    return Row("lora", name, run)


def rows():
    return (
        [golden(options) for options in (("-bits=32",), ("-bits=32", "-lora-merge=false"), ("-act=f32",), ("-act=f32", "-lora-merge=false"))]
        + [case(name) for name in CASES]
        + [qlora()]
        + [refused(name) for name in REFUSED]
        + [
            wrong_use("merged into a grid that is kept", "packed", ("-lora=ADAPTER", "-lora-merge=true"), 1, ["add -bits=N"]),
            wrong_use("two adapters", "families/llama", ("-lora=ADAPTER", "-lora=ADAPTER"), 1, ["one adapter is possible"]),
            wrong_use("merging nothing", "families/llama", ("-lora-merge=true",), 1, ["-lora=DIR"]),
            wrong_use("no adapter there", "families/llama", ("-lora=ADAPTER/nowhere",), 2, ["no adapter_config.json"]),
        ]
    )
