# Tests of the IR and of the compiler's command line: qcc-opt and qcc with FileCheck.
# pylint: disable=undefined-variable

import os

import lit.formats

config.name = "qcc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "e2e", "data"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.qcc_build, "test")

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.qcc_build, "bin"), config.llvm_tools, config.environment["PATH"]]
)
config.substitutions += [
    ("%data", os.path.join(config.test_source_root, "data")),
    ("%docs", os.path.join(config.qcc_source, "docs")),
    ("%python", config.python),
]
