"""Tensor models (ONNX) against golden outputs of ONNX Runtime."""

import ctypes
import os
import shutil
import subprocess

import numpy as np
from harness import Failure, Row, at_least, at_most, relative_error

ARM = ("-target=arm64",)


def mean_cosine(found, expected):
    """Mean over the vectors of the last dimension."""
    a, b = (t.astype(np.float64).reshape(-1, t.shape[-1]) for t in (found, expected))
    return float(((a * b).sum(1) / np.sqrt((a * a).sum(1) * (b * b).sum(1))).mean())


# (model, options, measure, bound)
MODELS = [
    ("mnist", ("-bits=32",), relative_error, 1e-4),
    ("mnist", ("-bits=32", *ARM), relative_error, 1e-4),
    ("minilm", ("-bits=32",), relative_error, 1e-4),
    ("minilm", ("-bits=8",), mean_cosine, 0.999),
    ("minilm", ("-bits=4",), mean_cosine, 0.95),
    ("minilm", ("-bits=4", *ARM), mean_cosine, 0.95),
]


def cases(golden):
    """(inputs, outputs) of every case of a golden file."""
    for name in sorted({key.split(".")[0] for key in golden}):
        yield tuple({key.split(".", 2)[2]: golden[key] for key in golden if key.startswith("%s.%s." % (name, kind))} for kind in ("in", "out"))


def file_name(name):
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)


def run_case(context, program, inputs, outputs, directory):
    os.makedirs(directory)
    arguments = []
    for name, value in inputs.items():
        path = os.path.join(directory, "in-" + file_name(name) + ".npy")
        np.save(path, value)
        arguments += ["--input", "%s=%s" % (name, path)]
    context.run(program, "run", *arguments, "--output-dir", directory)
    return {name: np.load(os.path.join(directory, file_name(name) + ".npy")) for name in outputs}


def golden_row(model, options, measure, bound):
    def run(context):
        # MiniLM's weights are a file beside the model; they come with the real models.
        directory = context.model("minilm") if model == "minilm" else context.data("onnx/" + model)
        golden = np.load(context.data("onnx/" + model + "/golden.npz"))
        program = context.compile(os.path.join(directory, "model.onnx"), *options)
        values = []
        for inputs, outputs in cases(golden):
            work = program + ".case%d" % len(values)
            found = run_case(context, program, inputs, outputs, work)
            shutil.rmtree(work)
            values += [measure(found[name], outputs[name]) for name in outputs]
        if not values:
            raise Failure("the golden file has no cases")
        if measure is relative_error:
            return at_most(max(values), bound)
        return at_least(min(values), bound)

    return Row("tensor", " ".join((model, *options)), run)


def call_library(path, weights, inputs, outputs):
    """Runs mnist through the C API that the header declares."""

    class Options(ctypes.Structure):
        _fields_ = [("threads", ctypes.c_int32), ("reserved", ctypes.c_int32), ("weights_file", ctypes.c_char_p)]

    library, model, message = ctypes.CDLL(path), ctypes.c_void_p(), ctypes.create_string_buffer(200)
    library.qcc_model_error.restype = ctypes.c_char_p
    options = Options(2, 0, weights.encode() if weights else None)
    if library.qcc_model_create(ctypes.byref(options), ctypes.byref(model), message, len(message)):
        raise Failure("create: " + message.value.decode())
    found = {name: np.zeros_like(value) for name, value in outputs.items()}
    pointers = [(ctypes.c_void_p * len(t))(*(a.ctypes.data for a in t.values())) for t in (inputs, found)]
    batch = (ctypes.c_int64 * 1)(next(iter(inputs.values())).shape[0])
    if library.qcc_model_run(model, pointers[0], pointers[1], batch, None):
        raise Failure("run: " + library.qcc_model_error(model).decode())
    library.qcc_model_destroy(model)
    return found


def library_row(kind):
    def run(context):
        golden = np.load(context.data("onnx/mnist/golden.npz"))
        built = context.compile(context.data("onnx/mnist/model.onnx"), "-bits=32", "-emit=" + kind)
        path, weights = built, None
        if kind == "static":
            # Into a shared library of one's own, the way it would go into a program.
            path, weights = built + ".user.so", built + ".weights"
            subprocess.run(["clang-22", "-shared", "-o", path, "-Wl,--whole-archive", built, "-Wl,--no-whole-archive", "-lpthread"], check=True, capture_output=True)
        if "qcc_model_run" not in open(built + ".h").read():
            raise Failure("the header does not declare qcc_model_run")
        values = []
        for inputs, outputs in cases(golden):
            inputs = {name: np.ascontiguousarray(value) for name, value in inputs.items()}
            found = call_library(path, weights, inputs, outputs)
            values += [relative_error(found[name], outputs[name]) for name in outputs]
        return at_most(max(values), 1e-4)

    return Row("library", "mnist -emit=" + kind, run)


def rows():
    return [golden_row(*row) for row in MODELS] + [library_row(kind) for kind in ("shared", "static")]
