"""What the end-to-end tables stand on: models, compiled programs, measures, rows.

A row compiles a model, runs the program and measures one thing. Programs are compiled once for all
rows that want the same; rows run in parallel.
"""

import concurrent.futures
import dataclasses
import hashlib
import os
import subprocess
import threading
import typing

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Skip(Exception):
    """Why a row cannot run here."""


class Failure(Exception):
    """What a row found wrong, when that is not a number."""


@dataclasses.dataclass
class Measure:
    """A value with its bound, and whether the bound holds."""

    text: str
    ok: bool


@dataclasses.dataclass
class Row:
    group: str
    name: str
    run: typing.Callable[["Context"], Measure]


def at_most(value, bound, unit=""):
    return Measure("%.3g%s <= %g" % (value, unit, bound), bool(value <= bound))


def at_least(value, bound, unit=""):
    return Measure("%.6g%s >= %g" % (value, unit, bound), bool(value >= bound))


def relative_error(found, expected):
    """Largest difference, relative to the largest magnitude expected."""
    if found.shape != expected.shape:
        raise Failure("shape %s, expected %s" % (found.shape, expected.shape))
    if not np.isfinite(found).all():
        raise Failure("the result has NaN or infinity")
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def cosine(found, expected):
    """Cosine of everything as one vector."""
    if not np.isfinite(found).all():
        raise Failure("the result has NaN or infinity")
    a, b = found.astype(np.float64).ravel(), expected.astype(np.float64).ravel()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def common_prefix(a, b):
    length = 0
    while length < min(len(a), len(b)) and a[length] == b[length]:
        length += 1
    return length


def processor_flags():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith(("flags", "Features")):
                return set(line.split(":")[1].split())
    return set()


# What a processor must have for the programs of a target; arm64 runs in an emulator.
NEEDS = {
    "x86-64-v3": {"avx2", "fma", "f16c", "bmi2"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd"},
    "+avx512vnni": {"avx512_vnni"},
}


class Context:
    """One run of the tables: where things are, and the programs compiled so far."""

    def __init__(self, build, work, shared, models, slow):
        self.qcc = os.path.join(build, "bin", "qcc")
        self.work, self.shared, self.models, self.slow = work, shared, models, slow
        self.flags = processor_flags()
        self.emulator = next(
            (p for p in (os.path.join(d, "qemu-aarch64") for d in os.environ["PATH"].split(":")) if os.path.exists(p)), None
        )
        self.lock = threading.Lock()
        self.compiled = {}

    # --- models

    def data(self, name):
        """A file or directory of the shared data, or its copy in test/data."""
        for place in (os.path.join(self.shared, "data"), os.path.join(ROOT, "test", "data")):
            if os.path.exists(os.path.join(place, name)):
                return os.path.join(place, name)
        raise Skip("no shared data")

    def model(self, name):
        """A real model."""
        path = os.path.join(self.models, name)
        if not os.path.exists(path):
            raise Skip("no model " + name)
        return path

    # --- commands

    def run_qcc(self, *args, **kwargs):
        return subprocess.run([self.qcc, *args], capture_output=True, text=True, **kwargs)

    def compile(self, model, *options):
        """Path of the program of a model; compiles it when no other row did."""
        self.check_target(options)
        key = (model, options)
        with self.lock:
            mine = key not in self.compiled
            if mine:
                self.compiled[key] = concurrent.futures.Future()
        future = self.compiled[key]
        if mine:
            name = hashlib.sha1(repr(key).encode()).hexdigest()[:16]
            path = os.path.join(self.work, name)
            result = self.run_qcc(model, *options, "-q", "-o", path)
            if result.returncode != 0:
                future.set_exception(Failure("qcc %s: exit %d: %s" % (" ".join(options), result.returncode, result.stderr.strip())))
            else:
                future.set_result(path)
        return future.result()

    def check_target(self, options):
        for option in options:
            for part, needs in NEEDS.items():
                if part in option and not needs <= self.flags:
                    raise Skip("this processor is no " + part)
        if "-target=arm64" in options and os.uname().machine != "aarch64" and not self.emulator:
            raise Skip("no qemu-aarch64")

    def run(self, program, *args, ok=True):
        """Runs a program, emulated when it is for another machine."""
        with open(program, "rb") as f:
            arm = f.read(20)[18] == 0xB7  # e_machine of ELF
        command = [self.emulator] if arm and os.uname().machine != "aarch64" else []
        result = subprocess.run([*command, program, *args], capture_output=True, text=True)
        if ok and result.returncode != 0:
            raise Failure("%s: exit %d: %s" % (" ".join(args)[:60], result.returncode, result.stderr.strip()[-300:]))
        return result

    # --- language models

    def logits(self, program, ids, *options):
        out = os.path.join(self.work, "logits-%d.npy" % threading.get_ident())
        self.run(program, "eval", "--tokens", " ".join(map(str, ids)), "--logits", out, "-q", *options)
        return np.load(out)

    def greedy(self, program, ids, count, *options):
        result = self.run(program, "--tokens", " ".join(map(str, ids)), "--ids", "--temp", "0", "-n", str(count), "-q", *options)
        return [int(i) for i in result.stdout.split()]


def run_rows(rows, context, jobs):
    """Runs all rows; yields (row, "passed" | "failed" | "skipped", text) as they end."""

    def outcome(row):
        try:
            measure = row.run(context)
            return "passed" if measure.ok else "failed", measure.text
        except Skip as reason:
            return "skipped", str(reason)
        except Failure as failure:
            return "failed", str(failure)
        except Exception as error:  # the row itself is wrong: it fails, the others go on
            return "failed", "%s: %s" % (type(error).__name__, error)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(outcome, row): row for row in rows}
        for future in concurrent.futures.as_completed(futures):
            yield futures[future], *future.result()
