#!/usr/bin/env python3
"""Peak memory and time of the compiler on a model of 1.1 billion weights.

Makes a Hugging Face directory with TinyLlama's shape and seeded random float16 weights (2.2 GB,
written as it is drawn, once), compiles it with -bits=4, and prints peak resident memory, time,
and what the artifact holds beside weights and tokenizer. Exit code 2 when a limit is passed.

    bench/peak_memory.py [--model DIR] [--shards N] [--bits B] [--plot FILE.svg]
    bench/peak_memory.py --calib TEXT --tokenizer tokenizer.json [--windows 4]

With a text the compilation is calibrated (GPTQ), the limit of memory is 3 GB, and there is none of
time. The tokenizer is a byte-level BPE, cut to the model's vocabulary.

Needs numpy to make the model.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report

MIB = 1 << 20
HIDDEN, LAYERS, HEADS, KV_HEADS, FFN, VOCABULARY = 2048, 22, 32, 4, 5632, 32000
LIMIT_MEMORY, LIMIT_SECONDS, LIMIT_OVERHEAD = 600e6, 90.0, 1.5e6
LIMIT_CALIBRATED = 3e9

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "intermediate_size": FFN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "hidden_act": "silu",
    "tie_word_embeddings": False,
    "torch_dtype": "float16",
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def tensors():
    """(name, shape) of every tensor of the model, in file order."""
    kv = HIDDEN // HEADS * KV_HEADS
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (HIDDEN,)
        yield prefix + "self_attn.q_proj.weight", (HIDDEN, HIDDEN)
        yield prefix + "self_attn.k_proj.weight", (kv, HIDDEN)
        yield prefix + "self_attn.v_proj.weight", (kv, HIDDEN)
        yield prefix + "self_attn.o_proj.weight", (HIDDEN, HIDDEN)
        yield prefix + "post_attention_layernorm.weight", (HIDDEN,)
        yield prefix + "mlp.gate_proj.weight", (FFN, HIDDEN)
        yield prefix + "mlp.up_proj.weight", (FFN, HIDDEN)
        yield prefix + "mlp.down_proj.weight", (HIDDEN, FFN)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (VOCABULARY, HIDDEN)


def elements(shape):
    return shape[0] * (shape[1] if len(shape) == 2 else 1)


def write_shard(path, members, rng, np):
    """One safetensors file: length of the header, header, then the data as they are drawn."""
    header, offset = {}, 0
    for name, shape in members:
        size = 2 * elements(shape)
        header[name] = {
            "dtype": "F16",
            "shape": list(shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in members:
            left = elements(shape)
            while left:
                count = min(left, 4 * MIB)
                if len(shape) == 1:
                    values = np.ones(count, np.float16)
                else:
                    values = (0.02 * rng.standard_normal(count, np.float32)).astype(np.float16)
                file.write(values.tobytes())
                left -= count


def make_model(directory, shards, seed):
    """Writes the model; config.json last, so that a directory with one is complete."""
    try:
        import numpy as np
    except ImportError:
        report.fail("making the model needs numpy (pip install numpy)")
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(seed))
    every = list(tensors())
    share = sum(elements(shape) for _, shape in every) / shards
    groups, filled = [[] for _ in range(shards)], 0
    for name, shape in every:
        groups[min(int(filled / share), shards - 1)].append((name, shape))
        filled += elements(shape)
    index = {"metadata": {"total_size": 2 * filled}, "weight_map": {}}
    for number, members in enumerate(groups):
        name = f"model-{number + 1:05d}-of-{shards:05d}.safetensors"
        name = "model.safetensors" if shards == 1 else name
        write_shard(directory / name, members, rng, np)
        index["weight_map"].update({tensor: name for tensor, _ in members})
    if shards > 1:
        (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    (directory / "config.json").write_text(json.dumps(CONFIG, indent=1))


def cut_tokenizer(source, target):
    """Writes a BPE tokenizer.json without the tokens that the model has no embedding of."""
    tokenizer = json.loads(source.read_text())
    model = tokenizer["model"]
    model["vocab"] = {token: i for token, i in model["vocab"].items() if i < VOCABULARY}
    pair = lambda merge: merge.split(" ") if isinstance(merge, str) else merge
    model["merges"] = [m for m in model["merges"] if "".join(pair(m)) in model["vocab"]]
    tokenizer["added_tokens"] = [t for t in tokenizer["added_tokens"] if t["id"] < VOCABULARY]
    target.write_text(json.dumps(tokenizer))


def memory_of(pid):
    """(anonymous, of files) resident bytes of a running process."""
    values = {}
    with open(f"/proc/{pid}/status") as status:
        for line in status:
            key, _, rest = line.partition(":")
            if key in ("RssAnon", "RssFile"):
                values[key] = int(rest.split()[0]) * 1024
    return values.get("RssAnon", 0), values.get("RssFile", 0)


def compile_and_watch(command):
    """Runs the compiler; seconds, peak resident bytes, and the largest samples of its parts."""
    start = time.monotonic()
    child = subprocess.Popen(command)
    anonymous = files = 0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        try:
            now = memory_of(child.pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
        anonymous, files = max(anonymous, now[0]), max(files, now[1])
        time.sleep(0.01)
    seconds = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    child.returncode = code
    if code != 0:
        report.fail(f"{' '.join(command)}: exit code {code}")
    return {
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
        "anonymous": anonymous,
        "files": files,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--qcc", help="the compiler (default: build/bin/qcc)")
    parser.add_argument(
        "--model",
        type=Path,
        default=Path(tempfile.gettempdir()) / "qcc-random-1.1b",
        help="directory of the model; made if it has no config.json",
    )
    parser.add_argument("--shards", type=int, default=2, help="safetensors files (default 2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bits", default="4")
    parser.add_argument("--calib", metavar="TEXT", help="calibrate on it")
    parser.add_argument("--tokenizer", type=Path, help="with --calib: a tokenizer.json")
    parser.add_argument("--windows", type=int, default=4, help="of the calibration (default 4)")
    parser.add_argument("--rounds", type=int, default=1, help="compilations (default 1)")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE", help="SVG or PNG (needs matplotlib)")
    parser.add_argument("--make-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.shards < 1 or options.rounds < 1:
        parser.error("--shards and --rounds are 1 or more")
    if options.make_only:
        return make_model(options.model, options.shards, options.seed)

    qcc = report.find_qcc(options.qcc)
    if not (options.model / "config.json").exists():
        # In a process of its own: this one must stay small.
        print(f"writing {options.model} (2.2 GB)", file=sys.stderr)
        subprocess.run([sys.executable] + sys.argv + ["--make-only"], check=True)
    artifact = str(options.model) + f".{options.bits}bit"
    command = [qcc, str(options.model), f"-bits={options.bits}", "-q", "-o", artifact]
    limit_memory, limit_seconds = LIMIT_MEMORY, LIMIT_SECONDS
    if options.calib:
        if not options.tokenizer:
            parser.error("--calib needs --tokenizer")
        cut_tokenizer(options.tokenizer, options.model / "tokenizer.json")
        command += [f"-calib={options.calib}", f"-calib-windows={options.windows}"]
        limit_memory, limit_seconds = LIMIT_CALIBRATED, float("inf")
    else:
        (options.model / "tokenizer.json").unlink(missing_ok=True)
    rounds = [compile_and_watch(command) for _ in range(options.rounds)]
    worst = {key: max(r[key] for r in rounds) for key in rounds[0]}
    sizes = report.info_bytes(artifact)
    size = os.path.getsize(artifact)
    overhead = size - sizes["weight"] - sizes.get("tokenizer", 0)
    os.remove(artifact)

    print(f"{report.machine()}; largest of {options.rounds}\n")
    rows = [
        ["peak resident memory, MB", f"{worst['peak'] / 1e6:.1f}", f"{limit_memory / 1e6:.0f}"],
        ["  of it anonymous, MB", f"{worst['anonymous'] / 1e6:.1f}", ""],
        ["  of mapped files, MB", f"{worst['files'] / 1e6:.1f}", ""],
        ["time, s", f"{worst['seconds']:.1f}", f"{limit_seconds:.0f}"],
        ["processor time, s", f"{worst['cpu_seconds']:.1f}", ""],
        ["artifact, MB", f"{size / 1e6:.2f}", ""],
        ["  beside weights and tokenizer, MB", f"{overhead / 1e6:.3f}", f"{LIMIT_OVERHEAD / 1e6}"],
    ]
    print(report.table([f"1.1B float16 to {options.bits} bits", "measured", "limit"], rows))
    result = dict(worst, artifact=size, overhead=overhead, machine=report.machine())
    report.write_json(options.json, result)
    if options.plot:
        report.bars(
            options.plot,
            "Compiling 1.1 billion float16 weights",
            {
                "peak memory": {"qcc": worst["peak"] / 1e6, "limit": limit_memory / 1e6},
                "time": {"qcc": worst["seconds"], "limit": limit_seconds},
                "overhead": {"qcc": overhead / 1e6, "limit": LIMIT_OVERHEAD / 1e6},
            },
            {"peak memory": "MB", "time": "s", "overhead": "MB"},
        )
    passed = (
        worst["peak"] <= limit_memory
        and worst["seconds"] <= limit_seconds
        and overhead <= LIMIT_OVERHEAD
    )
    sys.exit(0 if passed else 2)


if __name__ == "__main__":
    main()
