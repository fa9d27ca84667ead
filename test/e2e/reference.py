"""A decoder in numpy, rounding of weights by its formulas, and small models of any shape.

The oracle of what golden files do not cover: other shapes, and weights rounded by qcc itself. Written
from the formulas (dialects/QuantExt/Codec/Scheme.h for rounding), float32 weights, float64 sums.
"""

import json
import os
import struct

import numpy as np

# --- safetensors

DTYPES = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}


def read_safetensors(path):
    """Name -> float32 array."""
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    header, tensors = json.loads(raw[8 : 8 + size]), {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        array = np.frombuffer(raw[8 + size + begin : 8 + size + end], DTYPES[entry["dtype"]])
        if entry["dtype"] == "BF16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        tensors[name] = array.reshape(entry["shape"]).astype(np.float32)
    return tensors


def write_safetensors(path, tensors, dtype="F32"):
    header, at, parts = {}, 0, []
    for name, array in tensors.items():
        array = np.ascontiguousarray(array, np.float32)
        # Round to nearest is not needed: models for tests are made of values that bf16 has.
        raw = (array.view(np.uint32) >> 16).astype(np.uint16).tobytes() if dtype == "BF16" else array.astype(DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_model(directory):
    """(config, tensors) of a Hugging Face directory with one file of weights."""
    with open(os.path.join(directory, "config.json")) as f:
        config = json.load(f)
    return config, read_safetensors(os.path.join(directory, "model.safetensors"))


def truncate_to_bf16(array):
    return (np.ascontiguousarray(array, np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)


def random_model(seed, hidden, ffn, heads, kv_heads, head_dim, layers=2, vocab=160, kind="llama", tied=False, window=None):
    """A model of random weights (values that bf16 has): (config, tensors)."""
    rng, tensors = np.random.default_rng(seed), {}
    config = {
        "architectures": [kind.capitalize() + "ForCausalLM"], "model_type": kind, "hidden_size": hidden,
        "intermediate_size": ffn, "num_attention_heads": heads, "num_key_value_heads": kv_heads, "head_dim": head_dim,
        "num_hidden_layers": layers, "vocab_size": vocab, "max_position_embeddings": 256, "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0, "hidden_act": "silu", "tie_word_embeddings": tied, "bos_token_id": 1, "eos_token_id": 2,
    }
    if window:
        config["sliding_window"] = window

    def add(name, *shape, scale=0.15, offset=0.0):
        tensors[name] = truncate_to_bf16(offset + scale * rng.standard_normal(shape))

    add("model.embed_tokens.weight", vocab, hidden, scale=0.5)
    add("model.norm.weight", hidden, offset=1.0)
    if not tied:
        add("lm_head.weight", vocab, hidden)
    for i in range(layers):
        p = "model.layers.%d." % i
        for name, count in (("q", heads), ("k", kv_heads), ("v", kv_heads)):
            add(p + "self_attn.%s_proj.weight" % name, count * head_dim, hidden)
            if kind == "qwen2":
                add(p + "self_attn.%s_proj.bias" % name, count * head_dim)
        add(p + "self_attn.o_proj.weight", hidden, heads * head_dim)
        add(p + "mlp.gate_proj.weight", ffn, hidden)
        add(p + "mlp.up_proj.weight", ffn, hidden)
        add(p + "mlp.down_proj.weight", hidden, ffn)
        add(p + "input_layernorm.weight", hidden, offset=1.0)
        add(p + "post_attention_layernorm.weight", hidden, offset=1.0)
    return config, tensors


def write_model(directory, config, tensors, dtype="F32", shards=1):
    """A Hugging Face directory; with several shards, tensors are dealt out in turn."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w") as f:
        json.dump(config, f)
    if shards == 1:
        write_safetensors(os.path.join(directory, "model.safetensors"), tensors, dtype)
        return
    index = {}
    for s in range(shards):
        file = "model-%05d-of-%05d.safetensors" % (s + 1, shards)
        part = {name: t for i, (name, t) in enumerate(tensors.items()) if i % shards == s}
        write_safetensors(os.path.join(directory, file), part, dtype)
        index.update({name: file for name in part})
    with open(os.path.join(directory, "model.safetensors.index.json"), "w") as f:
        json.dump({"metadata": {}, "weight_map": index}, f)


# --- rounding to nearest, as -method=rtn


def to_half(d):
    """A scale as float16: away from zero among subnormals, so that no scale of a nonzero group is 0."""
    half = d.astype(np.float16).astype(np.float32)
    tiny = np.float32(2.0**-24)
    return np.where(np.abs(d) >= 2.0**-14, half, np.copysign(np.ceil(np.abs(d) / tiny) * tiny, d)).astype(np.float32)


# The non-linear grids (dialects/QuantExt/Codec/Presets.h).
CODEBOOKS = {
    2: [-127, -43, 16, 85],
    3: [-127, -77, -45, -18, 7, 33, 63, 104],
    4: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
    5: [-127, -113, -100, -90, -81, -73, -65, -58, -51, -44, -37, -31, -25, -19, -13, -7]
    + [-1, 5, 11, 17, 23, 30, 37, 44, 51, 59, 66, 74, 83, 92, 102, 119],
}


def ideal_scale(x, bits, asymmetric, grid):
    """The scale of each row of a group [rows, count] of float32, before it is rounded."""
    if asymmetric:
        top = np.float32(2**bits - 1)
        return np.maximum(x.max(1), 0) / top - np.minimum(x.min(1), 0) / top
    extreme = x[np.arange(len(x)), np.abs(x).argmax(1)]
    if grid == "codebook":
        book = np.array(CODEBOOKS[bits], np.float32)
        return extreme / book[np.abs(book).argmax()]
    if bits == 8:
        return np.abs(extreme) / np.float32(127)
    return -extreme / np.float32(2 ** (bits - 1))


def round_codes(x, d, bits, asymmetric, grid):
    """A group [rows, count], rounded and back, with the scales d [rows]."""
    d, half = d[:, None], np.float32(0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        if grid == "codebook":
            book = np.array(CODEBOOKS[bits], np.float32)
            values = book[np.abs((x / d)[..., None] - book).argmin(-1)]
        elif asymmetric:
            top = np.float32(2**bits - 1)
            zero = np.minimum(np.floor(half - np.minimum(x.min(1), 0)[:, None] / d), top)
            values = np.trunc(np.clip(x / d + (zero + half), 0, top)) - zero
        else:
            offset = np.float32(2 ** (bits - 1))
            least, top = np.float32(bits == 8), np.float32(2**bits - 1)
            values = np.trunc(np.clip(x / d + (offset + half), least, top)) - offset
    return np.where(d == 0, np.float32(0), d * values)


def super_scales(d):
    """Scales [rows, groups] as an int8 times a float16 for each row."""
    row = to_half(np.abs(d).max(1) / np.float32(127))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.where(row == 0, np.float32(0), np.rint(d / row))
    steps = np.where((steps == 0) & (d != 0), np.sign(d), steps)
    return row * np.clip(steps, -127, 127).astype(np.float32)


def rounded(matrix, bits, group, asymmetric, grid="integer", scales="f16"):
    out = np.empty_like(matrix)
    size = group or matrix.shape[1]
    begins = range(0, matrix.shape[1], size)
    d = np.stack([ideal_scale(matrix[:, b : b + size], bits, asymmetric, grid) for b in begins], 1)
    d = super_scales(d) if scales == "super" else to_half(d)
    for g, b in enumerate(begins):
        out[:, b : b + size] = round_codes(matrix[:, b : b + size], d[:, g], bits, asymmetric, grid)
    return out


def round_weights(tensors, bits, group=32, asymmetric=False, grid="integer", scales="f16"):
    """The matrices as qcc rounds them: the tables at both ends keep 8 bits."""
    result = {}
    for name, t in tensors.items():
        if t.ndim != 2:
            result[name] = t
        elif bits < 8 and name in ("model.embed_tokens.weight", "lm_head.weight"):
            result[name] = rounded(t, 8, 32, False)
        else:
            result[name] = rounded(t, bits, group, asymmetric and bits < 8, grid, scales)
    return result


# --- the decoder


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def rotate(x, theta):
    """x [T, heads, D]: half-split rotary embedding of positions 0.. ."""
    half = x.shape[-1] // 2
    angle = np.arange(x.shape[0])[:, None] * theta ** (-np.arange(half) / half)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def logits(config, tensors, ids, on_input=lambda name, x: x):
    """float64 logits [T, vocabulary] of a llama, mistral or qwen2 model without rope scaling. The input of each weight
    becomes on_input(name of the weight, input)."""
    assert config["model_type"] in ("llama", "mistral", "qwen2") and not config.get("rope_scaling")
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    epsilon, theta = config["rms_norm_eps"], config["rope_theta"]
    window = config.get("sliding_window") if config["model_type"] == "mistral" else None
    count = len(ids)
    distance = np.arange(count)[:, None] - np.arange(count)[None]
    hidden = (distance < 0) | (distance >= (window or count))
    x = tensors["model.embed_tokens.weight"][ids].astype(np.float64)
    for i in range(config["num_hidden_layers"]):
        p = "model.layers.%d." % i

        def linear(v, name):
            bias = tensors.get(p + name + ".bias", 0)
            return on_input(p + name + ".weight", v) @ tensors[p + name + ".weight"].T.astype(np.float64) + bias

        y = rms_norm(x, tensors[p + "input_layernorm.weight"], epsilon)
        q, k, v = (linear(y, "self_attn.%s_proj" % n).reshape(count, -1, head_dim) for n in "qkv")
        q, k = rotate(q, theta), rotate(k, theta)
        k, v = (np.repeat(t, heads // kv_heads, 1) for t in (k, v))
        score = np.where(hidden, -np.inf, np.einsum("thd,shd->hts", q, k) / np.sqrt(head_dim))
        score = np.exp(score - score.max(-1, keepdims=True))
        score /= score.sum(-1, keepdims=True)
        x = x + linear(np.einsum("hts,shd->thd", score, v).reshape(count, -1), "self_attn.o_proj")
        y = rms_norm(x, tensors[p + "post_attention_layernorm.weight"], epsilon)
        gate = linear(y, "mlp.gate_proj")
        x = x + linear(gate / (1 + np.exp(-gate)) * linear(y, "mlp.up_proj"), "mlp.down_proj")
    head = "model.embed_tokens.weight" if config.get("tie_word_embeddings") else "lm_head.weight"
    x = on_input(head, rms_norm(x, tensors["model.norm.weight"], epsilon))
    return x @ tensors[head].T.astype(np.float64)


# --- LLM.int8: outlier channels in float


def keep_outliers(tensors, kept, bits=8, group=32):
    """Weights rounded to nearest without the columns kept[name], which are float16 instead."""
    rest = {name: t.copy() for name, t in tensors.items()}
    for name, channels in kept.items():
        rest[name][:, channels] = 0
    weights = round_weights(rest, bits, group)
    for name, channels in kept.items():
        weights[name][:, channels] = tensors[name][:, channels].astype(np.float16)
    return weights


def quantize_groups(kept):
    """The hook of `logits` for inputs in int8 in groups of 32, scaled by their own largest magnitude; channels
    kept[name of the weight] are left alone."""

    def quantize(name, x):
        channels, result = kept.get(name, []), np.array(x, np.float64)
        rest = result.copy()
        rest[:, channels] = 0
        for first in range(0, x.shape[1], 32):
            part = rest[:, first : first + 32]
            scale = np.abs(part).max(1, keepdims=True) / 127
            result[:, first : first + 32] = np.rint(part / np.where(scale > 0, scale, 1)) * scale
        result[:, channels] = x[:, channels]
        return result

    return quantize


# --- static int8 activations


def static_scales(config, tensors, ids, share=1.0):
    """Scale of the input of each weight: its largest magnitude / 127, or a share of it."""
    scales = {}

    def observe(name, x):
        scales[name] = float(np.float32(share * np.abs(x).max() / 127))
        return x

    logits(config, tensors, ids, observe)
    return scales


def quantize_static(scales):
    """The hook of `logits` for inputs in int8 with these scales."""
    return lambda name, x: np.clip(np.rint(x / scales[name]), -127, 127) * scales[name]
