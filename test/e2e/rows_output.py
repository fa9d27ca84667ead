"""What qcc writes: every -emit, every phase, the same bytes for the same input."""

import hashlib
import os
import re
import subprocess

from harness import Failure, Measure, Row, at_most

MODEL = "families/llama"


def read(path):
    with open(path, "rb") as f:
        return f.read()


def emit_row(kind, options, check):
    """`check` gets the bytes written, and says what is wrong with them or None."""

    def run(context):
        out = os.path.join(context.work, "emit-" + re.sub(r"\W+", "-", " ".join((kind, *options))))
        result = context.run_qcc(context.data(MODEL), "-emit=" + kind, *options, "-q", "-o", out)
        if result.returncode != 0:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()))
        raw = read(out)
        wrong = check(raw)
        if wrong:
            raise Failure(wrong)
        return Measure("%d bytes" % len(raw), True)

    return Row("emit", " ".join((kind, *options)), run)


def contains(*parts):
    return lambda raw: next(("no %r in it" % p for p in parts if p.encode() not in raw), None)


def elf(machine):
    def check(raw):
        if raw[:4] != b"\x7fELF":
            return "is not ELF"
        return None if raw[18] == machine else "is for machine %d" % raw[18]

    return check


def deterministic_row(options):
    """The same input twice, from another directory: the same bytes."""

    def run(context):
        digests = []
        for i in range(2):
            directory = os.path.join(context.work, "same-%s-%d" % (hashlib.sha1(repr(options).encode()).hexdigest()[:8], i))
            os.makedirs(directory)
            result = context.run_qcc(context.data(MODEL), *options, "-q", "-o", "out", cwd=directory)
            if result.returncode != 0:
                raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()))
            digests.append(hashlib.sha256(read(os.path.join(directory, "out"))).hexdigest())
        return Measure(digests[0][:16] + (" twice" if digests[0] == digests[1] else ", then " + digests[1][:16]), digests[0] == digests[1])

    return Row("deterministic", " ".join((MODEL, *options)), run)


def overhead_row(options):
    """What the file has beside weights and tokenizer."""

    def run(context):
        program = context.compile(context.data(MODEL), *options)
        sizes = dict(re.findall(r"^(weight|tokenizer) bytes: (\d+)$", context.run(program, "info").stdout, re.M))
        rest = os.path.getsize(program) - int(sizes["weight"]) - int(sizes["tokenizer"])
        return at_most(rest / 2**20, 1.5, " MB")

    return Row("size", " ".join((MODEL, *options)), run)


def wrong_processor_row():
    """A program for a processor that the emulator does not give says so in a sentence."""

    def run(context):
        program = context.compile(context.data(MODEL), "-bits=32", "-target=arm64", "-mcpu=neoverse-n1")
        emulator = [context.emulator] if context.emulator else []
        result = subprocess.run([*emulator, "-cpu", "cortex-a53", program, "info"], capture_output=True, text=True)
        if not emulator or result.returncode != 3 or "dotprod" not in result.stderr:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()))
        return Measure(result.stderr.strip()[:100], True)

    return Row("processor", "arm64 without dotprod", run)


def rows():
    return [
        emit_row("exe", (), elf(62)),
        emit_row("exe", ("-target=arm64",), elf(183)),
        emit_row("obj", ("-target=arm64",), elf(183)),
        emit_row("obj", ("-target=x86-64-v3",), elf(62)),
        emit_row("asm", ("-target=x86-64-v3",), contains("vfmadd", "qcc_model")),
        emit_row("asm", ("-target=arm64",), contains("fmla", "qcc_model")),
        emit_row("llvm", ("-target=arm64",), contains('target triple = "aarch64', "define")),
        emit_row("mlir", ("-target=x86-64-v3",), contains("llvm.func")),
        deterministic_row(("-bits=4", "-target=x86-64-v3")),
        deterministic_row(("-bits=32", "-target=arm64")),
        deterministic_row(("-emit=obj", "-bits=8", "-target=x86-64-v4")),
        overhead_row(("-bits=4",)),
        overhead_row(("-bits=4", "-target=arm64")),
        wrong_processor_row(),
    ]
