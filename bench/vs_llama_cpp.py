#!/usr/bin/env python3
"""Speed of a compiled language model, side by side with llama-cpp-python.

Both run the same Q4_0 GGUF: llama.cpp as its file, qcc compiled with -bits=keep, so the weights
are bit for bit the same. Rounds alternate between the two (A B, B A, ...), each after one run
that is not counted; the table gives best, median, and the median of the rounds' ratios.

    bench/vs_llama_cpp.py MODEL.gguf [-t N] [--rounds N] [--plot FILE.svg]

MODEL.gguf that is not Q4_0 is requantized first, by llama.cpp, to a file in the work directory.
Needs llama-cpp-python, built from source on this machine:
    pip install --no-binary llama-cpp-python llama-cpp-python
"""

import argparse
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import report

PROMPT, DECODE = 512, 64
FIRST_TOKENS = [504, 3575, 282, 4649, 314]  # "The capital of France is", of SmolLM2


# ---- the processes that use llama.cpp or numpy ------------------------------------------------


class Llama:
    """llama.cpp through the C functions of llama-cpp-python, as llama-bench calls them."""

    def __init__(self, path, threads, context):
        import ctypes

        import llama_cpp

        self.api, self.ctypes = llama_cpp, ctypes
        self.log = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self.log, None)
        llama_cpp.llama_backend_init()
        model = llama_cpp.llama_model_load_from_file(
            path.encode(), llama_cpp.llama_model_default_params()
        )
        if not model:
            report.fail(f"llama.cpp cannot load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = context, PROMPT, PROMPT
        params.n_threads = params.n_threads_batch = threads
        self.context = llama_cpp.llama_init_from_model(model, params)
        if not self.context:
            report.fail("llama.cpp makes no context")
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))

    def clear(self):
        self.api.llama_memory_clear(self.api.llama_get_memory(self.context), True)

    def feed(self, tokens):
        """Runs tokens; returns when the last one's logits are there."""
        data = (self.api.llama_token * len(tokens))(*tokens)
        if self.api.llama_decode(self.context, self.api.llama_batch_get_one(data, len(tokens))):
            report.fail("llama_decode failed")
        return self.api.llama_get_logits_ith(self.context, -1)

    def best_token(self, logits):
        import numpy as np

        return int(np.argmax(np.ctypeslib.as_array(logits, (self.vocabulary,))))

    def time(self, tokens, step):
        """Seconds for `tokens` in pieces of `step`, from an empty cache."""
        self.clear()
        start = time.perf_counter()
        for at in range(0, len(tokens), step):
            self.feed(tokens[at : at + step])
        return time.perf_counter() - start


def work_llama(path, threads):
    """Answers each line of stdin with a line of seconds: [prefill, decode]."""
    llama = Llama(path, threads, PROMPT + DECODE)
    tokens = [7 * i % llama.vocabulary for i in range(PROMPT)]
    for _ in sys.stdin:
        seconds = []
        for count, step in ((PROMPT, PROMPT), (DECODE, 1)):
            llama.time(tokens[:count], step)
            seconds.append(llama.time(tokens[:count], step))
        print(json.dumps(seconds), flush=True)


def work_first(path, threads):
    """Seconds from before the model is loaded to its first token."""
    import llama_cpp  # noqa: F401  (Python's own loading is not counted)
    import numpy  # noqa: F401

    start = time.perf_counter()
    llama = Llama(path, threads, PROMPT)
    llama.best_token(llama.feed(FIRST_TOKENS))
    print(json.dumps(time.perf_counter() - start), flush=True)


def work_quantize(source, target):
    import llama_cpp

    log = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(log, None)
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    params.allow_requantize = True
    if llama_cpp.llama_model_quantize(source.encode(), target.encode(), params):
        report.fail(f"llama.cpp cannot quantize {source}")


def work_probe(size, threads):
    """GB/s at which `size` bytes are read again and again: dot products of halves (thirds, ...)
    with themselves, one on each thread."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    parts = [np.ones(size // threads // 4, np.float32) for _ in range(threads)]
    best = float("inf")
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(20):
            start = time.perf_counter()
            list(pool.map(np.dot, parts, parts))
            best = min(best, time.perf_counter() - start)
    print(json.dumps(1e-9 * size / best))


# ---- the benchmark ----------------------------------------------------------------------------


def spawn(*arguments, **kwargs):
    return subprocess.Popen(
        [sys.executable, __file__, "--worker", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        **kwargs,
    )


def answer(*arguments, **kwargs):
    """The JSON that a worker prints."""
    child = spawn(*arguments, **kwargs)
    out, _ = child.communicate()
    if child.returncode:
        report.fail(f"worker {arguments[0]} ended with exit code {child.returncode}")
    return json.loads(out) if out.strip() else None


def quantized(options):
    """The Q4_0 file to compare on."""
    if options.model.name.lower().endswith("q4_0.gguf"):
        return options.model
    target = options.work / (options.model.stem + "-q4_0.gguf")
    if not target.exists():
        print(f"quantizing to {target}", file=sys.stderr)
        part = target.with_suffix(".part")
        answer("quantize", options.model, part)
        part.rename(target)
    return target


def compiled(options, model):
    """The program of it, compiled afresh: a stale one would be measured without a word."""
    program = options.work / (model.stem + ".program")
    report.run([report.find_qcc(options.qcc), str(model), "-q", "-o", str(program), *options.flag])
    return str(program)


def time_qcc(program, threads):
    out = json.loads(
        report.run(
            [program, "bench", "-p", str(PROMPT), "-n", str(DECODE), "-r", "1", "--json"]
            + ["-t", str(threads), "-c", str(PROMPT + DECODE)]
        )
    )
    return [PROMPT / out["prefill"]["best"], DECODE / out["decode"]["best"]]


def time_first(program, threads):
    """Seconds from before the process is started to its first byte of output."""
    command = [program, "--tokens", " ".join(map(str, FIRST_TOKENS)), "--ids", "-n", "1"]
    command += ["--temp", "0", "-q", "-t", str(threads)]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    select.select([child.stdout], [], [])
    seconds = time.perf_counter() - start
    if not child.communicate()[0] and child.returncode:
        report.fail(f"{' '.join(command)}: exit code {child.returncode}")
    return seconds


class Measurement:
    """What one quantity took, in seconds, for both, round by round."""

    def __init__(self, name, tokens):
        self.name, self.tokens = name, tokens
        self.qcc, self.llama = [], []

    def value(self, seconds):
        """Tokens per second, or milliseconds where nothing is counted."""
        return self.tokens / seconds if self.tokens else 1e3 * seconds

    def ratio(self):
        """Median over rounds of how many times faster qcc was."""
        return statistics.median(b / a for a, b in zip(self.qcc, self.llama))

    def best_ratio(self):
        return min(self.llama) / min(self.qcc)

    def row(self):
        cells = [
            f"{self.value(pick(seconds)):.1f}"
            for seconds in (self.qcc, self.llama)
            for pick in (min, statistics.median)
        ]
        return [self.name, *cells, f"{self.best_ratio():.2f}", f"{self.ratio():.2f}"]


def measure(options, model, program):
    """The three measurements, rounds interleaved."""
    prefill = Measurement(f"prefill {PROMPT}, tokens/s", PROMPT)
    decode = Measurement(f"decode {DECODE}, tokens/s", DECODE)
    first = Measurement("first token, ms", 0)
    llama = spawn("llama", model, options.threads, stdin=subprocess.PIPE)

    def of_llama():
        llama.stdin.write("go\n")
        llama.stdin.flush()
        line = llama.stdout.readline()
        if not line:
            report.fail("llama.cpp's process ended (is llama-cpp-python installed?)")
        for measurement, seconds in zip((prefill, decode), json.loads(line)):
            measurement.llama.append(seconds)
        first.llama.append(answer("first", model, options.threads))

    def of_qcc():
        for measurement, seconds in zip((prefill, decode), time_qcc(program, options.threads)):
            measurement.qcc.append(seconds)
        first.qcc.append(time_first(program, options.threads))

    time_first(program, options.threads)  # the file comes into the page cache
    for number in range(options.rounds):
        for side in (of_qcc, of_llama) if number % 2 == 0 else (of_llama, of_qcc):
            side()
            time.sleep(0.1)  # the other's threads stop spinning
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    llama.stdin.close()
    llama.wait()
    return [prefill, decode, first]


WORKERS = {
    "llama": (work_llama, (str, int)),
    "first": (work_first, (str, int)),
    "quantize": (work_quantize, (str, str)),
    "probe": (work_probe, (int, int)),
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--qcc", help="the compiler (default: build/bin/qcc)")
    parser.add_argument(
        "--flag", action="append", default=[], metavar="-x=v", help="for qcc, as --flag=-bits=4"
    )
    work = Path(tempfile.gettempdir()) / "qcc-bench"
    parser.add_argument("--work", type=Path, default=work, metavar="DIR")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--plot", metavar="FILE", help="SVG or PNG (needs matplotlib)")
    options = parser.parse_args()
    if options.threads < 1 or options.rounds < 1:
        parser.error("--threads and --rounds are 1 or more")
    if not options.model.is_file():
        report.fail(f"no file {options.model}")
    options.work.mkdir(parents=True, exist_ok=True)
    return options


def main():
    if sys.argv[1:2] == ["--worker"]:
        work, types = WORKERS[sys.argv[2]]
        return work(*(convert(text) for convert, text in zip(types, sys.argv[3:])))
    options = parse()
    model = quantized(options)
    program = compiled(options, model)
    weights = report.info_bytes(program)["weight"]
    results = measure(options, model, program)
    # Within a thread the library's own threads would be too many.
    alone = dict(os.environ, OPENBLAS_NUM_THREADS="1")
    bandwidth = answer("probe", weights, options.threads, env=alone)

    print(f"{model.name}, {options.threads} threads, {options.rounds} rounds; {report.machine()}\n")
    header = ["", "qcc best", "median", "llama.cpp best", "median", "ratio of bests"]
    print(report.table(header + ["median ratio"], [m.row() for m in results]))
    read = 1e-9 * weights * DECODE / min(results[1].qcc)
    print(
        f"\nA ratio above 1: qcc is faster. Decode reads its {weights / 1e6:.1f} MB of weights at "
        f"{read:.1f} GB/s; plain dot products read as many bytes at {bandwidth:.1f} GB/s."
    )
    seconds = {m.name: {"qcc": m.qcc, "llama.cpp": m.llama} for m in results}
    values = {"machine": report.machine(), "threads": options.threads, "weight_bytes": weights}
    report.write_json(options.json, dict(values, bandwidth_gbs=bandwidth, seconds=seconds))
    if options.plot:
        title = f"{model.stem}, {options.threads} threads (best of {options.rounds})"
        groups = {
            m.name: {"qcc": m.value(min(m.qcc)), "llama.cpp": m.value(min(m.llama))}
            for m in results
        }
        report.bars(options.plot, title, groups, {})


if __name__ == "__main__":
    main()
