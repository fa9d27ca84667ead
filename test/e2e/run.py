#!/usr/bin/env python3
"""End-to-end tests: models compiled by qcc, and what their programs do.

One line a row: what was measured, and the bound. Rows whose data or processor is not here are
skipped and say why. Tables are in rows_*.py; a new case is a row there.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree

import harness
import rows_bad_input
import rows_calibration
import rows_checkpoints
import rows_language
import rows_lora
import rows_output
import rows_quantized
import rows_smollm2
import rows_tensor
import rows_tensor_calibration

TABLES = [rows_language, rows_quantized, rows_checkpoints, rows_lora, rows_output, rows_bad_input, rows_calibration, rows_tensor, rows_tensor_calibration, rows_smollm2]


def write_junit(path, results):
    suite = ElementTree.Element("testsuite", name="e2e")
    for row, outcome, text in results:
        case = ElementTree.SubElement(suite, "testcase", classname=row.group, name=row.name)
        if outcome != "passed":
            ElementTree.SubElement(case, {"failed": "failure", "skipped": "skipped"}[outcome], message=text)
    ElementTree.ElementTree(suite).write(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = harness.ROOT
    parser.add_argument("--build", default=os.path.join(root, "build"), help="where qcc was built")
    parser.add_argument("--shared", default=os.environ.get("QCC_SHARED", os.path.join(root, "..", "shared")))
    parser.add_argument("--models", default=os.environ.get("QCC_MODELS", os.path.join(root, "models")))
    parser.add_argument("--slow", action="store_true", default=bool(os.environ.get("QCC_SLOW")))
    parser.add_argument("--junit", metavar="FILE", help="write the results as JUnit XML")
    parser.add_argument("--keep", metavar="DIR", help="keep the programs there")
    parser.add_argument("--list", action="store_true", help="only list the rows")
    parser.add_argument("-j", type=int, default=os.cpu_count(), help="rows at a time")
    parser.add_argument("filter", nargs="?", default="", help="regular expression of group/name")
    args = parser.parse_args()

    rows = [row for table in TABLES for row in table.rows() if re.search(args.filter, row.group + "/" + row.name)]
    if args.list:
        print("\n".join(row.group + "/" + row.name for row in rows))
        return 0
    if args.keep:
        os.makedirs(args.keep, exist_ok=True)
    work = args.keep or tempfile.mkdtemp(prefix="qcc-e2e-")
    context = harness.Context(os.path.abspath(args.build), work, os.path.abspath(args.shared), os.path.abspath(args.models), args.slow)
    results, start = [], time.monotonic()
    try:
        for row, outcome, text in harness.run_rows(rows, context, args.j):
            results.append((row, outcome, text))
            print("[%4.0f s] %-7s %s/%s: %s" % (time.monotonic() - start, {"passed": "ok", "failed": "FAIL"}.get(outcome, outcome), row.group, row.name, text), flush=True)
    finally:
        if not args.keep:
            shutil.rmtree(work, ignore_errors=True)
    if args.junit:
        write_junit(args.junit, results)
    counts = {o: sum(r[1] == o for r in results) for o in ("passed", "failed", "skipped")}
    print("e2e: %(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    return counts["failed"] > 0 or counts["passed"] == 0


if __name__ == "__main__":
    sys.exit(main())
