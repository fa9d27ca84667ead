#!/usr/bin/env python3
"""Compiles and runs the node tests of the ONNX standard (Debian: libonnx-testdata) and compares outputs.

usage: run_node_tests.py QCC [DATA_DIR] [FILTER]

Prints a line for each test that fails, then counts: passed, not supported (exit 3), failed. Exits 1 when
any test failed. Needs the Python packages onnx and numpy.
"""
import os
import re
import subprocess
import sys
import tempfile

import numpy
import onnx
from onnx import numpy_helper

TOLERANCE = 1e-3


def load(path):
    tensor = onnx.TensorProto()
    with open(path, "rb") as file:
        tensor.ParseFromString(file.read())
    return numpy_helper.to_array(tensor)


def file_name(name):
    return re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".npy"


def run_set(program, data, model, work):
    """Returns what is wrong, or an empty string."""
    initializers = {i.name for i in model.graph.initializer}
    inputs = [i.name for i in model.graph.input if i.name not in initializers]
    command = [program, "run", "--output-dir", work]
    for index, name in enumerate(inputs):
        path = os.path.join(work, f"in{index}.npy")
        numpy.save(path, load(os.path.join(data, f"input_{index}.pb")))
        command += ["--input", f"{name}={path}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if result.returncode:
        return f"exit {result.returncode}: {result.stderr.strip()[:200]}"
    for index, output in enumerate(model.graph.output):
        expected = load(os.path.join(data, f"output_{index}.pb"))
        found = numpy.load(os.path.join(work, file_name(output.name)))
        if found.shape != expected.shape:
            return f"shape {found.shape}, expected {expected.shape}"
        if not numpy.allclose(found, expected, rtol=TOLERANCE, atol=1e-5, equal_nan=True):
            return f"differs by {numpy.nanmax(abs(found.astype(float) - expected.astype(float))):.3g}"
    return ""


def run_test(qcc, directory):
    """Returns "pass", "unsupported", or what is wrong."""
    try:
        model = onnx.load(os.path.join(directory, "model.onnx"))
        if any(not i.type.HasField("tensor_type") for i in list(model.graph.input) + list(model.graph.output)):
            return "unsupported"
        with tempfile.TemporaryDirectory() as work:
            program = os.path.join(work, "program")
            result = subprocess.run([qcc, os.path.join(directory, "model.onnx"), "-bits=32", "-q", "-o", program],
                                    capture_output=True, text=True, timeout=120)
            if result.returncode == 3:
                return "unsupported"
            if result.returncode:
                return f"qcc exit {result.returncode}: {result.stderr.strip()[:300]}"
            for name in sorted(os.listdir(directory)):
                if name.startswith("test_data_set"):
                    wrong = run_set(program, os.path.join(directory, name), model, work)
                    if wrong:
                        return wrong
    except subprocess.TimeoutExpired:
        return "takes too long"
    return "pass"


def main():
    qcc = sys.argv[1]
    root = sys.argv[2] if len(sys.argv) > 2 else "/usr/share/libonnx-testdata/data/node"
    pattern = sys.argv[3] if len(sys.argv) > 3 else "."
    counts = {"pass": 0, "unsupported": 0, "failed": 0}
    for name in sorted(os.listdir(root)):
        if not re.search(pattern, name) or not os.path.exists(os.path.join(root, name, "model.onnx")):
            continue
        result = run_test(qcc, os.path.join(root, name))
        if result not in counts:
            print(f"{name}: {result}", flush=True)
            result = "failed"
        counts[result] += 1
    print(", ".join(f"{count} {key}" for key, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
