#!/usr/bin/env python3
"""Adds up the JUnit files below a directory; the last line is `N passed, N failed`.

usage: summary.py DIR     exit status 1 when a test failed, or when there are none
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def outcomes(path):
    """(name, "passed" | "failed" | "skipped") of every test case of a file."""
    for case in ElementTree.parse(path).iter("testcase"):
        name = "%s.%s" % (case.get("classname", ""), case.get("name"))
        if case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
            yield name, "skipped"
        else:
            yield name, "passed"


def suites(directory):
    """(suite, its files). A GoogleTest program that reports its cases is not one case of ctest's."""
    for root, _, files in sorted(os.walk(directory)):
        xml = sorted(f for f in files if f.endswith(".xml"))
        if files:
            yield os.path.relpath(root, directory), [os.path.join(root, f) for f in xml]


def count(files):
    counts = {"passed": [], "failed": [], "skipped": []}
    programs = {os.path.basename(f)[: -len(".xml")] for f in files}
    for path in files:
        for name, outcome in outcomes(path):
            program = name.split(".")[-1]
            reported = os.path.basename(path) == "ctest.xml" and program in programs
            # A program that crashed after its report still failed.
            if not reported:
                counts[outcome].append(name)
            elif outcome == "failed" and not any(
                o == "failed" for f in files if os.path.basename(f) == program + ".xml" for _, o in outcomes(f)
            ):
                counts["failed"].append(name)
    return counts


def main():
    total = {"passed": 0, "failed": 0}
    for suite, files in suites(sys.argv[1]):
        counts = count(files)
        if os.path.exists(os.path.join(sys.argv[1], suite, "failed")) and not counts["failed"]:
            counts["failed"].append("the suite, before or after its tests")
        for outcome in total:
            total[outcome] += len(counts[outcome])
        print("%-10s %4d passed, %d failed, %d skipped" % (suite, *(len(counts[o]) for o in ("passed", "failed", "skipped"))))
        for name in counts["failed"]:
            print("  failed: " + name)
    print("%d passed, %d failed" % (total["passed"], total["failed"]))
    sys.exit(total["failed"] > 0 or total["passed"] == 0)


if __name__ == "__main__":
    main()
