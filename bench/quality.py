#!/usr/bin/env python3
"""What each way of quantizing costs in quality: perplexity, KL divergence and same top token
against the float model, for a list of configurations of qcc.

    bench/quality.py MODEL --calib calibration.txt --judge wiki.test.raw [--judge more.txt] \\
        [--windows 40] [--only NAME]

Every row is one compilation and one `qcc verify` per text, so what is measured is the compiled program.
Activations stay float (-act=f32) unless the row says otherwise, so that rows differ in weights
alone. Prints a Markdown table; programs are kept in --work, and rows that are there already are
not compiled again.
"""

import argparse
import re
import tempfile
import time
from pathlib import Path

import report

FLOAT = ["-act=f32"]
INT4 = ["-grid=integer"]
NONLINEAR = ["-grid=codebook", "-scales=super"]

# Name, options, whether it calibrates.
ROWS = [
    ("8 bits, round to nearest", ["-bits=8", "-method=rtn", *FLOAT], False),
    ("4 bits g32, round to nearest", ["-bits=4", *INT4, "-method=rtn", *FLOAT], False),
    ("4 bits g32, least squared error", ["-bits=4", *INT4, "-method=mse", *FLOAT], False),
    ("4 bits g32, importance", ["-bits=4", *INT4, "-method=importance", *FLOAT], True),
    ("4 bits g32, GPTQ", ["-bits=4", *INT4, "-method=gptq", *FLOAT], True),
    ("4 bits g32, GPTAQ", ["-bits=4", *INT4, "-method=gptaq", *FLOAT], True),
    ("non-linear 4 bits g32, GPTAQ",
     ["-bits=4", "-group=32", "-method=gptaq", *NONLINEAR, *FLOAT], True),
    ("non-linear 4 bits g16, least squared error", ["-bits=4", *FLOAT], False),
    ("non-linear 4 bits g16, GPTAQ", ["-bits=4", *FLOAT], True),
    ("NF4 g64, double quantization", ["-bits=4", "-method=nf4", *FLOAT], False),
    ("K-quant 4 bits, importance", ["-bits=4", "-method=kquant", *FLOAT], True),
    ("4 bits g64, round to nearest", ["-bits=4", "-group=64", "-method=rtn", *FLOAT], False),
    ("4 bits g64, GPTAQ", ["-bits=4", "-group=64", "-method=gptaq+descent", *FLOAT], True),
    ("auto 4.5", ["-bits=auto", "-bpw=4.5", *FLOAT], True),
    ("non-linear 5 bits g16, GPTAQ", ["-bits=5", *FLOAT], True),
    ("non-linear 3 bits g16, GPTAQ", ["-bits=3", *FLOAT], True),
    ("auto 3.55", ["-bits=auto", "-bpw=3.55", *FLOAT], True),
    ("static W8A8, SmoothQuant",
     ["-bits=8", "-act=static8", "-method=smoothquant"], True),
]


def compiled(qcc, arguments, name, options, calibrated):
    """The program of a row, and the seconds it took; none when it was there already."""
    program = Path(arguments.work) / re.sub(r"[^a-z0-9]+", "-", name.lower())
    if program.exists():
        return program, None
    calibration = [f"-calib={arguments.calib}"] if calibrated else []
    begin = time.monotonic()
    report.run([qcc, arguments.model, *options, *calibration, "-q", "-o", str(program)])
    return program, time.monotonic() - begin


def judge(qcc, arguments, program, text):
    """Cells of one text: perplexity, its change, divergence, same top."""
    found = report.run([qcc, "verify", str(program), arguments.model, f"-text={text}",
                        f"-windows={arguments.windows}", "-q"])
    value = lambda pattern: float(re.search(pattern, found).group(1))
    perplexity, exact = value(r"perplexity: ([\d.]+)"), value(r"\(float ([\d.]+)")
    divergence = value(r"KL divergence: mean ([\d.]+)")
    error = value(r"KL divergence: mean [\d.]+ \+- ([\d.]+)")
    top = value(r"same top token: ([\d.]+)")
    return (f"{perplexity:.2f} | {100 * (perplexity / exact - 1):+.1f} % | "
            f"{divergence:.4f} ± {error:.4f} | {top:.1f} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--calib", required=True)
    parser.add_argument("--judge", action="append", required=True)
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--only", action="append", help="a row whose name has this in it")
    parser.add_argument("--work", default=Path(tempfile.gettempdir()) / "qcc-quality")
    parser.add_argument("--qcc")
    arguments = parser.parse_args()
    qcc = report.find_qcc(arguments.qcc)
    Path(arguments.work).mkdir(parents=True, exist_ok=True)
    print("| | file MB | compile s |" + "".join(
        f" {Path(text).name} | | KL divergence | same top |" for text in arguments.judge))
    print("|---|---|---|" + "---|---|---|---|" * len(arguments.judge))
    for name, options, calibrated in ROWS:
        if arguments.only and not any(part in name for part in arguments.only):
            continue
        program, seconds = compiled(qcc, arguments, name, options, calibrated)
        size = report.info_bytes(str(program))["file"] / 1e6
        print(f"| {name} | {size:.1f} | " + ("" if seconds is None else f"{seconds:.0f}"),
              *(judge(qcc, arguments, program, text) for text in arguments.judge),
              sep=" | ", end=" |\n", flush=True)


if __name__ == "__main__":
    main()
