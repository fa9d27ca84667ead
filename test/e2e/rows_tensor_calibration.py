"""Calibration of tensor models on samples of their inputs: what it saves, and what it refuses."""

import importlib.util
import os
import re
import signal
import threading

import numpy as np
from harness import ROOT, Failure, Row, at_least, at_most
from rows_bad_input import check, only_inputs, scratch
from rows_calibration import interrupt
from rows_tensor import cases, mean_cosine, run_case


def model_of(context, name):
    return os.path.join(context.data("onnx/" + name), "model.onnx")


def worst_cosine(context, name, program):
    golden = np.load(context.data("onnx/%s/golden.npz" % name))
    values = []
    for inputs, outputs in cases(golden):
        found = run_case(context, program, inputs, outputs, "%s.calibrated%d" % (program, len(values)))
        values += [mean_cosine(found[output], outputs[output]) for output in outputs]
    return min(values)


# --- MiniLM on sentences


def sentences(context):
    """Sentences of a text as MiniLM's tokens; the golden sentences are not among them."""
    spec = importlib.util.spec_from_file_location("calibration_samples", os.path.join(ROOT, "bench", "calibration_samples.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = os.path.join(context.work, "sentences-%d.npz" % threading.get_ident())
    module.write(os.path.join(context.model("minilm"), "tokenizer.json"), context.data("text/c4.txt"), path, [16], 2048)
    return path


def minilm_row(options, bound):
    def run(context):
        context.check_target(options)
        model = os.path.join(context.model("minilm"), "model.onnx")
        program = os.path.join(context.work, "minilm-" + "".join(filter(str.isalnum, "".join(options))))
        result = context.run_qcc(model, *options, "-calib=" + sentences(context), "-q", "-o", program)
        if result.returncode != 0:
            raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        return at_least(worst_cosine(context, "minilm", program), bound)

    return Row("calibration", "minilm " + " ".join(options), run)


def resumed_row():
    """Killed after a few steps, and run again: the same bytes."""

    def run(context):
        directory = scratch(context, "resumed samples")
        model, programs = os.path.join(context.model("minilm"), "model.onnx"), []
        options = [model, "-bits=4", "-method=gptq", "-calib=" + sentences(context)]
        for name in ("whole", "resumed"):
            programs.append(os.path.join(directory, name))
            command = [context.qcc, *options, "-o", programs[-1]]
            if name == "resumed":
                interrupt(command, programs[-1] + ".calibration", 4, signal.SIGKILL, None)
            result = context.run_qcc(*command[1:])
            if result.returncode != 0:
                raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        if not re.search(r"goes on after step \d+ of 12", result.stderr):
            raise Failure("it does not say that it goes on: " + result.stderr[:300])
        contents = [open(program, "rb").read() for program in programs]
        return at_most(float(contents[0] != contents[1]), 0)

    return Row("calibration", "goes on when it was interrupted: minilm", run)


# --- mnist: an archive and a directory


def same_row():
    """The samples of an archive as a directory: the same program."""

    def run(context):
        directory = scratch(context, "calibration samples")
        archive = context.data("onnx/mnist/golden.npz")
        for key, value in np.load(archive).items():
            np.save(os.path.join(directory, key), value)
        programs = []
        for path in (archive, directory):
            programs.append(os.path.join(context.work, "mnist-calibrated-%d" % len(programs)))
            result = context.run_qcc(model_of(context, "mnist"), "-bits=4", "-calib=" + path, "-q", "-o", programs[-1])
            if result.returncode != 0:
                raise Failure("exit %d: %s" % (result.returncode, result.stderr.strip()[-300:]))
        contents = [open(program, "rb").read() for program in programs]
        if contents[0] != contents[1]:
            raise Failure("an archive and a directory of the same samples make different programs")
        return at_least(worst_cosine(context, "mnist", programs[0]), 0.98)

    return Row("calibration", "mnist, an archive and a directory", run)


# --- what is refused: name, arrays of a directory, what the message has

GOOD = np.zeros((1, 1, 28, 28), np.float32)
REFUSED = [
    ("an empty directory", {}, ["holds no arrays", "NAME.npy", "input"]),
    ("an unknown input", {"image": GOOD}, ["no input 'image'", "input"]),
    ("doubles", {"input": GOOD.astype(np.float64)}, ["input 'input' is float64", "takes float32"]),
    ("a picture of another size", {"input": GOOD[..., :20]}, [r"\[1, 1, 28, 20\]", r"1, 28, 28\]"]),
    ("NaN", {"a.in.input": GOOD, "b.in.input": GOOD * np.nan}, ["sample 'b'", "NaN", "leave"]),
    ("too many shapes", {"s%d.in.input" % n: GOOD.repeat(n, 0) for n in range(1, 10)}, ["9 different shapes", "at most 8"]),
]


def refused_row(name, arrays, patterns):
    def run(context):
        directory = scratch(context, "calibration on " + name)
        out, samples = os.path.join(directory, "out"), os.path.join(directory, "samples")
        os.makedirs(out)
        os.makedirs(samples)
        for key, value in arrays.items():
            np.save(os.path.join(samples, key), value)
        result = context.run_qcc(model_of(context, "mnist"), "-bits=4", "-calib=" + samples, "-q", "-o", os.path.join(out, "program"))
        only_inputs(out, set())
        return check(result, 1, patterns)

    return Row("calibration", "refuses samples: " + name, run)


def archive_row():
    def run(context):
        directory = scratch(context, "calibration on an archive")
        path = os.path.join(directory, "cut.npz")
        with open(context.data("onnx/mnist/golden.npz"), "rb") as source, open(path, "wb") as target:
            target.write(source.read()[:-100])
        result = context.run_qcc(model_of(context, "mnist"), "-bits=4", "-calib=" + path, "-q", "-o", os.path.join(directory, "program"))
        only_inputs(directory, {"cut.npz"})
        return check(result, 1, ["cut.npz", "no zip archive", "numpy.savez"])

    return Row("calibration", "refuses samples: a cut archive", run)


def rows():
    return (
        [
            minilm_row(("-bits=4",), 0.985),
            minilm_row(("-bits=4", "-grid=integer"), 0.98),
            minilm_row(("-bits=8", "-act=static8", "-target=x86-64-v4", "-mattr=+avx512vnni"), 0.995),
        ]
        + [resumed_row(), same_row(), archive_row()]
        + [refused_row(*case) for case in REFUSED]
    )
