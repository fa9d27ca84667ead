"""Writers of quantized checkpoints in numpy: what other tools' files look like, made of any float model.

Each returns the tensors of one linear layer and the float32 matrix [N, K] they stand for. Tensors are
(dtype of safetensors, array). Formats: GPTQ v1 and v2, bitsandbytes 4 bit.
"""

import json
import struct

import numpy as np

# bfloat16 as it is stored.
TYPES = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16, "I32": np.int32, "I8": np.int8, "U8": np.uint8}


def write_tensors(path, tensors):
    """A safetensors file of name -> (dtype, array)."""
    header, at, parts = {}, 0, []
    for name, (dtype, array) in tensors.items():
        raw = np.ascontiguousarray(array).astype(TYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(np.shape(array)), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def read_tensors(path):
    """The same back."""
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for name, entry in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            array = np.frombuffer(raw[8 + size + begin : 8 + size + end], TYPES[entry["dtype"]])
            tensors[name] = (entry["dtype"], array.reshape(entry["shape"]))
    return tensors


def bit_stream(codes, bits):
    """Codes [count, lines] as little-endian words, each column one dense stream: [words, lines]."""
    count, lines = codes.shape
    spread = (codes[:, None, :].astype(np.uint32) >> np.arange(bits)[None, :, None]) & 1
    spread = spread.reshape(count * bits // 32, 32, lines)
    return (spread << np.arange(32, dtype=np.uint32)[None, :, None]).sum(1, dtype=np.uint32).view(np.int32)


def gptq(matrix, bits, group, version=1, seed=None):
    """Rounded by rows and groups with zero points; with a seed, groups are of columns drawn at random."""
    n, k = matrix.shape
    index = np.arange(k) // group
    if seed is not None:
        index = np.random.default_rng(seed).permutation(index)
    groups, top = int(index.max()) + 1, (1 << bits) - 1
    scales, zeros, codes = np.zeros((groups, n), np.float16), np.zeros((groups, n), np.int64), np.zeros((k, n), np.int64)
    for g in range(groups):
        w = matrix[:, index == g]
        low, high = np.minimum(w.min(1), 0), np.maximum(w.max(1), 0)
        scales[g] = (high - low) / top + 1e-6
        step = scales[g].astype(np.float32)
        # v1 stores the zero point less one, so 0 would wrap round.
        zeros[g] = np.clip(np.rint(-low / step), 1, top)
        codes[index == g] = np.clip(np.rint(w / step[:, None]).T + zeros[g], 0, top)
    values = scales[index].astype(np.float32) * (codes - zeros[index]).astype(np.float32)
    tensors = {
        "qweight": ("I32", bit_stream(codes, bits)),
        "qzeros": ("I32", bit_stream((zeros - (version == 1)).T, bits).T),
        "scales": ("F16", scales),
        "g_idx": ("I32", index),
    }
    return tensors, values.T


def bnb4(matrix, kind, block=64):
    """bitsandbytes' NF4 or FP4 without double quantization: blocks of the flattened matrix."""
    book = {
        "nf4": np.array(
            [-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0]
            + [0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0]
        ),
        "fp4": np.array([0, 0.0052083333, 2 / 3, 1, 1 / 3, 0.5, 1 / 6, 0.25] + [0, -0.0052083333, -2 / 3, -1, -1 / 3, -0.5, -1 / 6, -0.25]),
    }[kind].astype(np.float32)
    flat = np.ascontiguousarray(matrix, np.float32).reshape(-1, block)
    absmax = np.abs(flat).max(1)
    codes = np.abs(flat[:, :, None] / absmax[:, None, None] - book).argmin(2)
    values = (book[codes] * absmax[:, None]).reshape(matrix.shape)
    pairs = codes.reshape(-1, 2)
    state = json.dumps({"quant_type": kind, "blocksize": block, "dtype": "float32", "shape": list(matrix.shape)}).encode()
    tensors = {
        "weight": ("U8", (pairs[:, 0] << 4 | pairs[:, 1])[:, None]),
        "weight.absmax": ("F32", absmax),
        "weight.quant_map": ("F32", book),
        "weight.quant_state.bitsandbytes__" + kind: ("U8", np.frombuffer(state, np.uint8)),
    }
    return tensors, values


def pack_model(path, config, tensors, quantization, pack):
    """Writes a directory with every projection packed by pack(matrix, number); returns the float tensors
    that it stands for."""
    files, meant, number = {}, dict(tensors), 0
    for name, array in tensors.items():
        if not name.endswith("_proj.weight"):
            files[name] = ("F32", array)
            continue
        parts, meant[name] = pack(array, number)
        number += 1
        module = name[: -len(".weight")]
        files.update({module + "." + part: value for part, value in parts.items()})
    with open(path + "/config.json", "w") as f:
        json.dump(dict(config, quantization_config=quantization), f)
    write_tensors(path + "/model.safetensors", files)
    return meant
