"""Tensor models (ONNX) against golden outputs of ONNX Runtime."""

import os
import shutil

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


def rows():
    return [golden_row(*row) for row in MODELS]
