"""What the benchmarks share: finding qcc, running programs, tables and plots.

Only the standard library, so that a benchmark's process stays small: a child's peak
memory as the kernel counts it begins with its parent's. matplotlib is loaded for --plot alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def fail(message):
    """Ends the benchmark with a sentence on stderr and exit code 1."""
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def find_qcc(given):
    """The compiler: what --qcc says, or the one built in build/."""
    path = Path(given) if given else ROOT / "build" / "bin" / "qcc"
    if not path.is_file():
        fail(f"no compiler at {path}: build it (see CONTRIBUTING.md), or say --qcc FILE")
    return str(path.resolve())


def run(command):
    """Runs a command to its end; its stdout. A failure ends the benchmark with its message."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def info_bytes(program):
    """The "name bytes: N" lines of an artifact's info, as {name: N}."""
    sizes = {}
    for line in run([program, "info"]).splitlines():
        key, _, value = line.partition(": ")
        if key.endswith(" bytes") and value.isdigit():
            sizes[key[: -len(" bytes")]] = int(value)
    return sizes


def machine():
    """One line: processor, cores, load at this moment."""
    name = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "CPU part")):
            name = line.split(":", 1)[1].strip()
            break
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def table(header, rows):
    """A Markdown table with aligned columns; the first column is text, the others numbers."""
    cells = [header] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]

    def line(row):
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        return "| " + " | ".join([first] + rest) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + ["-" * (w + 1) + ":" for w in widths[1:]]) + "|"
    return "\n".join([line(cells[0]), rule] + [line(row) for row in cells[1:]])


def write_json(path, values):
    if path:
        Path(path).write_text(json.dumps(values, indent=1) + "\n")


def bars(path, title, groups, unit):
    """Grouped bars to an SVG or PNG: groups is {name: {series: value}}; a panel for each name."""
    try:
        import matplotlib
    except ImportError:
        fail("--plot needs matplotlib (pip install matplotlib); the table above is complete")
    matplotlib.use("Agg")
    # No date in the file: the same figures give the same bytes.
    matplotlib.rcParams["svg.hashsalt"] = "qcc"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(groups), figsize=(3.2 * len(groups), 3.0), squeeze=False)
    for axis, (name, series) in zip(axes[0], groups.items()):
        drawn = axis.bar(list(series), list(series.values()), color=["#3465a4", "#b0b0b0"])
        axis.bar_label(drawn, fmt="%.4g", padding=2)
        axis.set_title(name, fontsize=10)
        axis.set_ylabel(unit.get(name, ""))
        axis.set_ylim(0, 1.2 * max(list(series.values()) + [1e-9]))
        axis.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title, fontsize=11)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if str(path).endswith(".svg") else None)
