#!/usr/bin/env python3
"""Quality at equal bytes: llama.cpp's types with an importance matrix, and qcc's programs.

Both sides quantize the same Llama model and are judged on the same tokens against the same
float logits, which come from a qcc program compiled with -bits=32 -act=f32. llama.cpp's side is
made here: an f16 GGUF of the Hugging Face directory, an importance matrix of a calibration text
(numpy), one file for each type. Embedding and head have 8 bits on both sides; bits per weight
(bpw) count the projection matrices of the layers alone.

    bench/quality_vs_llama_cpp.py MODEL_DIR --template MODEL.gguf --calib TEXT --text TEXT \\
        --artifact NAME=PROGRAM ... [--types Q4_K_M,IQ4_XS] [--windows N] [--float-activations]

MODEL_DIR holds config.json, one model.safetensors, tokenizer.json. The template is any GGUF of
the same model: its metadata and tokenizer are taken, not its weights. llama.cpp multiplies by
activations rounded to 8 bits; --float-activations judges its files a second time with their
weights written out as F32, to compare with programs compiled with -act=f32. On a busy machine
-t 1 is quicker: llama.cpp's threads spin while they wait for one another.
Needs numpy, gguf, tokenizers, llama-cpp-python. What takes long is kept in --work.
"""

import argparse
import ctypes
import hashlib
import json
import math
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
import report
from tokenizers import Tokenizer

WINDOW = 512
FIRST = WINDOW // 2 - 1  # logits after the tokens 255..510 predict 256..511
TYPES = "Q8_0,Q6_K,Q5_K_M,Q4_K_M,Q4_K_S,IQ4_XS,IQ4_NL,Q4_0,Q3_K_M,IQ3_S,IQ3_XXS"
END_BITS = 8.5  # of an embedding's weight: 8 bits, a half-precision scale for each 32
MATRICES = {  # safetensors: (GGUF, where its input is tapped)
    "self_attn.q_proj": ("attn_q", "attention"),
    "self_attn.k_proj": ("attn_k", "attention"),
    "self_attn.v_proj": ("attn_v", "attention"),
    "self_attn.o_proj": ("attn_output", "heads"),
    "mlp.gate_proj": ("ffn_gate", "mlp"),
    "mlp.up_proj": ("ffn_up", "mlp"),
    "mlp.down_proj": ("ffn_down", "product"),
}
NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


# ---- the model --------------------------------------------------------------------------------


class Model:
    """A Hugging Face directory of a Llama model with tied embedding; weights stay on disk."""

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        if self.config.get("model_type") != "llama" or self.config.get("rope_scaling"):
            report.fail(f"{folder}: only Llama models without scaled RoPE are compared")
        if not self.config.get("tie_word_embeddings"):
            report.fail(f"{folder}: only models whose head is the embedding are compared")
        self.layers = self.config["num_hidden_layers"]
        self.heads = self.config["num_attention_heads"]
        self.kv_heads = self.config["num_key_value_heads"]
        self.hidden = self.config["hidden_size"]
        self.head_size = self.config.get("head_dim") or self.hidden // self.heads
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.file = folder / "model.safetensors"
        with open(self.file, "rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            self.entries = json.loads(stream.read(size))
        self.data = np.memmap(self.file, np.uint8, "r", offset=8 + size)

    def tensor(self, name):
        """As stored; bfloat16 as float32."""
        entry = self.entries[name + ".weight"]
        begin, end = entry["data_offsets"]
        raw = self.data[begin:end]
        if entry["dtype"] == "BF16":
            values = (raw.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        elif entry["dtype"] in ("F16", "F32"):
            values = raw.view(np.float16 if entry["dtype"] == "F16" else np.float32)
        else:
            report.fail(f"{self.file}: {name} is {entry['dtype']}, not F16, BF16, or F32")
        return values.reshape(entry["shape"])

    def layer(self, number, part):
        return self.tensor(f"model.layers.{number}.{part}")

    def windows(self, path, count):
        """The text's first windows, [count, WINDOW], without a begin token."""
        text = path.read_bytes().replace(b"\r\n", b"\n").decode()
        ids = self.tokenizer.encode(text, add_special_tokens=False).ids
        if len(ids) < count * WINDOW:
            report.fail(f"{path}: {len(ids)} tokens, fewer than {count} windows of {WINDOW}")
        return np.array(ids[: count * WINDOW], np.int32).reshape(count, WINDOW)

    def decoder_weights(self):
        return sum(self.layer(i, part).size for i in range(self.layers) for part in MATRICES)

    def end_bytes(self):
        """Of a qcc program: 8-bit embedding, float norms."""
        norms = self.hidden * (2 * self.layers + 1)
        return int(self.tensor("model.embed_tokens").size * END_BITS / 8) + 4 * norms


# ---- 1: the f16 GGUF --------------------------------------------------------------------------


def copy_metadata(writer, template, model):
    """All keys but the ones of the template's own weights; fails if it is another model's."""
    same = {
        "block_count": model.layers,
        "embedding_length": model.hidden,
        "attention.head_count": model.heads,
        "attention.head_count_kv": model.kv_heads,
        "feed_forward_length": model.config["intermediate_size"],
    }
    for key, value in same.items():
        field = template.get_field("llama." + key)
        if field is None or field.contents() != value:
            report.fail(f"the template's llama.{key} is not the model's {value}")
    own = ("GGUF.", "general.architecture", "general.file_type", "general.quantization_version")
    for key, field in template.fields.items():
        if not key.startswith(own):
            inner = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(key, field.contents(), field.types[0], inner)


def paired(weight, heads):
    """Rows of q and k in the order of llama.cpp's RoPE, which turns neighbours: a head's two
    halves are interleaved."""
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows, columns)


def write_gguf(model, template, target):
    writer = gguf.GGUFWriter(target, "llama")
    copy_metadata(writer, gguf.GGUFReader(template), model)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tensor("token_embd.weight", np.array(model.tensor("model.embed_tokens")))
    writer.add_tensor("output_norm.weight", model.tensor("model.norm").astype(np.float32))
    heads = {"attn_q": model.heads, "attn_k": model.kv_heads}
    for i in range(model.layers):
        for part, name in NORMS.items():
            norm = model.layer(i, part).astype(np.float32)
            writer.add_tensor(f"blk.{i}.{name}.weight", norm)
        for part, (name, _) in MATRICES.items():
            weight = np.array(model.layer(i, part))
            if name in heads:
                weight = paired(weight, heads[name])
            writer.add_tensor(f"blk.{i}.{name}.weight", weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_as_f32(source, target):
    """The same values, every matrix as F32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, "llama")
    for key, field in reader.fields.items():
        if not key.startswith(("GGUF.", "general.architecture", "general.file_type")):
            inner = field.types[-1] if len(field.types) > 1 else None
            writer.add_key_value(key, field.contents(), field.types[0], inner)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        shape = [int(n) for n in reversed(tensor.shape)]
        # gguf-py makes F16 of F16; the others become float32.
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        writer.add_tensor(tensor.name, values.reshape(shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# ---- 2: the importance matrix -----------------------------------------------------------------


class Layer:
    """One layer's float32 weights and the sums of squares of their inputs."""

    def __init__(self, model, number):
        self.model = model
        self.weights = {
            name: model.layer(number, part).astype(np.float32).T
            for part, (name, _) in MATRICES.items()
        }
        self.norms = {n: model.layer(number, p).astype(np.float32) for p, n in NORMS.items()}
        self.squares = {}

    def tap(self, where, x):
        self.squares[where] = self.squares.get(where, 0) + np.square(x, dtype=np.float64).sum(0)
        return x

    def normalized(self, x, norm):
        mean = np.square(x).mean(-1, keepdims=True)
        return x / np.sqrt(mean + self.model.config["rms_norm_eps"]) * self.norms[norm]

    def attention(self, x, turn):
        """Causal attention of one window, [tokens, heads * head_size]."""
        model, size, tokens = self.model, self.model.head_size, len(x)
        q, k, v = (
            (x @ self.weights[name]).reshape(tokens, -1, size).swapaxes(0, 1)
            for name in ("attn_q", "attn_k", "attn_v")
        )
        q, k = turn(q), turn(k)
        mask = np.triu(np.full((tokens, tokens), -np.inf, np.float32), 1)
        out = np.empty((tokens, model.heads, size), np.float32)
        for head in range(model.heads):
            shared = head * model.kv_heads // model.heads
            scores = q[head] @ k[shared].T * np.float32(size**-0.5) + mask
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            out[:, head] = scores / scores.sum(-1, keepdims=True) @ v[shared]
        return out.reshape(tokens, -1)

    def run(self, x, turn):
        inputs = self.tap("attention", self.normalized(x, "attn_norm"))
        heads = self.tap("heads", self.attention(inputs, turn))
        x = x + heads @ self.weights["attn_output"]
        inputs = self.tap("mlp", self.normalized(x, "ffn_norm"))
        gate = inputs @ self.weights["ffn_gate"]
        product = gate / (1 + np.exp(-gate)) * (inputs @ self.weights["ffn_up"])
        return x + self.tap("product", product) @ self.weights["ffn_down"]


def rotation(model):
    """RoPE of [heads, WINDOW, head_size] at the positions 0..WINDOW-1."""
    half = model.head_size // 2
    frequency = model.config["rope_theta"] ** (-np.arange(half) / half)
    angle = np.outer(np.arange(WINDOW), frequency)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def turn(x):
        low, high = x[..., :half], x[..., half:]
        return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)

    return turn


def importance(model, calibration, count):
    """Mean square of every input of every matrix, under llama.cpp's names."""
    windows = model.windows(calibration, count)
    states = list(model.tensor("model.embed_tokens")[windows].astype(np.float32))
    turn, result = rotation(model), {}
    for i in range(model.layers):
        layer = Layer(model, i)
        states = [layer.run(x, turn) for x in states]
        for name, where in MATRICES.values():
            mean = layer.squares[where] / windows.size
            result[f"blk.{i}.{name}.weight"] = mean.astype(np.float32)
        print(f"importance: layer {i + 1} of {model.layers}", file=sys.stderr)
    return result


# ---- 3: llama.cpp's files ---------------------------------------------------------------------


def quantize(source, target, kind, matrix, threads):
    """One of llama.cpp's mixtures; matrix gives each weight's importance."""
    entries = (llama_cpp.llama_model_imatrix_data * (len(matrix) + 1))()  # the last: null
    for entry, (name, values) in zip(entries, matrix.items()):
        entry.name, entry.size = name.encode(), values.size
        entry.data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = getattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + kind)
    params.nthread = threads
    params.token_embedding_type = params.output_tensor_type = gguf.GGMLQuantizationType.Q8_0
    params.imatrix = ctypes.cast(entries, type(params.imatrix))
    if llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), params):
        report.fail(f"llama.cpp cannot quantize {source} to {kind}")


def decoder_of(path):
    """Bytes of the layers' matrices, and their types: what the mixture came to."""
    total, weights = 0, Counter()
    for tensor in gguf.GGUFReader(path).tensors:
        if tensor.name.startswith("blk.") and len(tensor.shape) > 1:
            total += int(tensor.n_bytes)
            weights[tensor.tensor_type.name] += int(tensor.n_elements)
    share = {name: 100 * count / weights.total() for name, count in weights.most_common()}
    return total, " ".join(f"{name} {part:.0f}%" for name, part in share.items())


# ---- 4: the judge -----------------------------------------------------------------------------


def normalized(logits):
    """Logits less their maximum, e to that, ln of the sum. float32 rounds a divergence by 1e-6."""
    shifted = logits - logits.max(-1, keepdims=True)
    power = np.exp(shifted)
    return shifted, power, np.log(power.sum(-1, dtype=np.float64))


class Score:
    """Sums over positions, defined as in compiler/Report/Comparison.cpp."""

    def __init__(self):
        self.loss, self.float_loss, self.divergence, self.top = [], [], [], []

    def add(self, exact, other, following):
        if not np.isfinite(other).all():
            report.fail("a logit is not finite")
        p, power, log_p = normalized(exact)
        q, _, log_q = normalized(other)
        rows = np.arange(len(following))
        self.float_loss.append(log_p - p[rows, following])
        self.loss.append(log_q - q[rows, following])
        # Sum of P (ln P - ln Q), where ln P = p - log_p.
        apart = (power * (p - q)).sum(-1, dtype=np.float64) / np.exp(log_p)
        self.divergence.append(np.maximum(0, apart - log_p + log_q))
        self.top.append(exact.argmax(-1) == other.argmax(-1))

    def finish(self):
        loss, exact = np.concatenate(self.loss), np.concatenate(self.float_loss)
        divergence, ratio = np.concatenate(self.divergence), loss - exact
        count = math.sqrt(len(loss))
        return {
            "float_perplexity": float(np.exp(exact.mean())),
            "perplexity": float(np.exp(loss.mean())),
            "ln_ratio": float(ratio.mean()),
            "ln_ratio_error": float(ratio.std() / count),
            "divergence": float(divergence.mean()),
            "divergence_error": float(divergence.std() / count),
            "same_top": float(100 * np.concatenate(self.top).mean()),
        }


class Program:
    """Logits of a qcc program."""

    def __init__(self, path, options):
        self.path, self.threads = str(path), str(options.threads)
        self.out = options.work / f"logits-{os.getpid()}.npy"

    def logits(self, tokens):
        ids = " ".join(map(str, tokens))
        command = [self.path, "eval", "--tokens", ids, "--logits", str(self.out), "-q"]
        report.run(command + ["-t", self.threads])
        values = np.load(self.out)[FIRST:-1]
        self.out.unlink()
        return values

    def close(self):
        pass


class Llama:
    """Logits of llama.cpp; float KV cache, as qcc's."""

    def __init__(self, path, options):
        api = llama_cpp
        params = api.llama_model_default_params()
        self.model = api.llama_model_load_from_file(str(path).encode(), params)
        if not self.model:
            report.fail(f"llama.cpp cannot load {path}")
        params = api.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = WINDOW
        params.n_threads = params.n_threads_batch = options.threads
        params.type_k = params.type_v = gguf.GGMLQuantizationType.F32
        params.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = api.llama_init_from_model(self.model, params)
        if not self.context:
            report.fail(f"llama.cpp makes no context for {path}")
        self.vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self.batch = api.llama_batch_init(WINDOW, 0, 1)

    def logits(self, tokens):
        api, batch = llama_cpp, self.batch
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        batch.n_tokens = len(tokens)
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i] = int(token), i
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            batch.logits[i] = FIRST <= i < WINDOW - 1
        if api.llama_decode(self.context, batch):
            report.fail("llama_decode failed")
        shape = (WINDOW - 1 - FIRST, self.vocabulary)
        return np.ctypeslib.as_array(api.llama_get_logits(self.context), shape)

    def close(self):
        llama_cpp.llama_batch_free(self.batch)
        llama_cpp.llama_free(self.context)
        llama_cpp.llama_model_free(self.model)


def judge(source, windows, reference):
    score = Score()
    for tokens, exact in zip(windows, reference):
        score.add(np.load(exact), source.logits(tokens), tokens[FIRST + 1 :])
    source.close()
    return score.finish()


# ---- the benchmark ----------------------------------------------------------------------------


def kept(target, make):
    """The file, made once: a run that was stopped leaves no half of it."""
    if not target.exists():
        print(f"making {target.name}", file=sys.stderr)
        part = target.with_name("part-" + target.name)
        make(part)
        part.rename(target)
    return target


def float_logits(options, model, windows):
    """Files with the float logits of every window."""

    def compile_float(target):
        flags = ["-bits=32", "-act=f32", "-q", "-o", str(target)]
        report.run([report.find_qcc(options.qcc), str(options.model), *flags])

    program = Program(kept(options.work / "float-program", compile_float), options)

    def write(tokens):
        return lambda target: np.save(target, program.logits(tokens))

    text = hashlib.sha256(windows[0].tobytes()).hexdigest()[:8]
    folder = options.work
    return [
        kept(folder / f"float-{text}-{i}.npy", write(tokens)) for i, tokens in enumerate(windows)
    ]


@dataclass
class Candidate:
    name: str
    path: Path
    decoder: int
    types: str
    judge_with: type


def checked_f16(options, model, windows, reference):
    """The f16 file, whose logits must be the float program's: the conversion is right, and both
    sides read the same tokens at the same positions. Two windows show it."""
    f16 = kept(options.work / "f16.gguf", lambda part: write_gguf(model, options.template, part))
    quality = judge(Llama(f16, options), windows[:2], reference)
    print(f"f16 file: KLD {quality['divergence']:.6f}", file=sys.stderr)
    if quality["divergence"] > 1e-3 or quality["same_top"] < 99:
        report.fail(f"{f16} is not the float model: {quality}")
    return f16


def llama_files(options, model, f16):
    """One file for each of llama.cpp's types."""

    def write_importance(target):
        values = importance(model, options.calib, options.calib_windows)
        with open(target, "wb") as stream:
            np.savez(stream, **values)

    count = options.calib_windows
    matrix = dict(np.load(kept(options.work / f"importance-{count}.npz", write_importance)))
    result = []
    for kind in options.types:
        path = kept(
            options.work / f"{kind}-{count}.gguf",
            lambda part, kind=kind: quantize(f16, part, kind, matrix, options.threads),
        )
        result.append(Candidate(kind, path, *decoder_of(path), Llama))
    return result


def programs(options, model):
    for given in options.artifact:
        name, _, path = given.partition("=")
        if not Path(path).is_file():
            report.fail(f"--artifact {given}: no file; say NAME=PROGRAM")
        path = str(Path(path).resolve())
        decoder = report.info_bytes(path)["weight"] - model.end_bytes()
        about = json.loads(report.run([path, "info", "--json"]))
        yield Candidate(f"qcc {name}", Path(path), decoder, about["bits"].replace(",", ""), Program)


def judge_candidate(options, candidate, windows, reference):
    """Quality of a candidate; of a GGUF, with --float-activations, a second time as F32."""
    print(f"judging {candidate.name}", file=sys.stderr)
    quality = judge(candidate.judge_with(candidate.path, options), windows, reference)
    if candidate.judge_with is Llama and options.float_activations:
        wide = options.work / f"f32-{os.getpid()}.gguf"
        write_as_f32(candidate.path, wide)
        quality["float_activations"] = judge(Llama(wide, options), windows, reference)
        wide.unlink()
    print(f"{candidate.name}: {quality}", file=sys.stderr)
    return quality


def cells(candidate, weights, quality):
    return [
        candidate.name,
        f"{8 * candidate.decoder / weights:.3f}",
        candidate.decoder,
        candidate.path.stat().st_size,
        f"{quality['perplexity']:.3f}",
        f"{quality['ln_ratio']:+.4f} ± {quality['ln_ratio_error']:.4f}",
        f"{quality['divergence']:.4f} ± {quality['divergence_error']:.4f}",
        f"{quality['same_top']:.2f}",
        candidate.types,
    ]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a Hugging Face directory, Llama architecture")
    parser.add_argument("--template", type=Path, required=True, help="a GGUF of the same model")
    parser.add_argument("--calib", type=Path, required=True, help="text of the importance matrix")
    parser.add_argument("--calib-windows", type=int, default=32)
    parser.add_argument("--text", type=Path, required=True, help="text that is judged")
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--artifact", action="append", default=[], metavar="NAME=PROGRAM")
    parser.add_argument("--types", default=TYPES, help="llama.cpp's, by commas; may be empty")
    parser.add_argument("--float-activations", action="store_true")
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    parser.add_argument("--qcc", help="the compiler (default: build/bin/qcc)")
    work = Path(tempfile.gettempdir()) / "qcc-bench"
    parser.add_argument("--work", type=Path, default=work, metavar="DIR")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if min(options.threads, options.windows, options.calib_windows) < 1:
        parser.error("--threads, --windows, --calib-windows are 1 or more")
    options.types = [kind for kind in options.types.split(",") if kind]
    if not options.types and not options.artifact:
        parser.error("nothing to judge: --types is empty and no --artifact is given")
    for kind in options.types:
        if not hasattr(llama_cpp, "LLAMA_FTYPE_MOSTLY_" + kind):
            parser.error(f"--types: llama.cpp has no {kind}")
    for path in (options.template, options.calib, options.text):
        if not path.is_file():
            report.fail(f"no file {path}")
    # Another model or calibration text: another folder.
    made_of = (options.model / "model.safetensors", options.template, options.calib)
    stats = [(str(path.resolve()), path.stat()) for path in made_of]
    identity = repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    options.work /= "quality-" + hashlib.sha256(identity.encode()).hexdigest()[:12]
    options.work.mkdir(parents=True, exist_ok=True)
    return options


def main():
    options = parse()
    silent = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(silent, None)
    llama_cpp.llama_backend_init()
    model = Model(options.model)
    windows = model.windows(options.text, options.windows)
    reference = float_logits(options, model, windows)
    weights = model.decoder_weights()
    rows, values = [], {}
    f16 = checked_f16(options, model, windows, reference)
    for candidate in llama_files(options, model, f16) + list(programs(options, model)):
        quality = judge_candidate(options, candidate, windows, reference)
        rows.append(cells(candidate, weights, quality))
        wide = quality.get("float_activations")
        if wide:
            rows.append(cells(candidate, weights, wide))
            rows[-1][0] += ", f32 act."
        sizes = {"decoder_bytes": candidate.decoder, "file_bytes": candidate.path.stat().st_size}
        values[candidate.name] = dict(quality, **sizes, types=candidate.types)
    print(
        f"{options.model.name}: {options.windows} windows of {WINDOW} tokens of "
        f"{options.text.name}, second halves; float perplexity "
        f"{quality['float_perplexity']:.3f}; llama-cpp-python {llama_cpp.__version__}, "
        f"importance from {options.calib_windows} windows of {options.calib.name}\n"
    )
    header = ["", "decoder bpw", "decoder bytes", "file bytes", "PPL", "ln ratio", "KLD", "top-1 %"]
    print(report.table(header + ["decoder types"], rows))
    report.write_json(options.json, values)


if __name__ == "__main__":
    main()
