#!/usr/bin/env python3
"""Runs artifacts of the fake models as a user would, natively or emulated.

What is checked is the command line's contract: output, exit codes, messages, files.
"""

import argparse
import json
import os
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

ARGS = None


def npy(descr, shape, data):
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, tuple(shape))
    text += " " * (63 - (10 + len(text)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def read_bytes(path):
    with open(path, "rb") as f:
        return f.read()


def read_npy(path):
    raw = read_bytes(path)
    size = struct.unpack("<H", raw[8:10])[0]
    header = eval(raw[10 : 10 + size])
    code = {"<f4": "f", "<i8": "q"}[header["descr"]]
    body = raw[10 + size :]
    return header["shape"], list(struct.unpack("<%d%s" % (len(body) // struct.calcsize(code), code), body))


def next_token(tokens):
    return (7 * sum(tokens) + 3 * (len(tokens) - 1)) % 64


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="qcc-artifact-")
        cls.built = {}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def compile(self, source, out, *flags):
        subprocess.run(
            shlex.split(ARGS.cc) + ["-O2", "-fPIC", "-ffunction-sections", "-I", ARGS.source, *flags,
                                    "-c", os.path.join(ARGS.source, "test/unit/Emit", source), "-o", out],
            check=True)

    def make(self, kind, source, weights, name, *flags):
        """An artifact, made once for the class."""
        if name not in self.built:
            with open(self.path(name + ".w"), "wb") as f:
                f.write(weights)
            self.compile(source, self.path(name + ".o"), *flags)
            subprocess.run([ARGS.make, kind, ARGS.arch, self.path(name), self.path(name + ".w"),
                            self.path(name + ".o")], check=True)
            self.built[name] = self.path(name)
        return self.built[name]

    def run_program(self, program, *arguments, code=0, stdin=None):
        done = subprocess.run(shlex.split(ARGS.emulator) + [program, *arguments], capture_output=True,
                              text=True, input=stdin, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def fails(self, program, code, part, *arguments):
        done = self.run_program(program, *arguments, code=code)
        self.assertIn(part, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, "one sentence")


class LanguageModel(Case):
    def lm(self):
        return self.make("lm", "FakeLanguageModel.c", struct.pack("<ii", 7, 3), "lm")

    def test_greedy(self):
        for threads in ("1", "2", "3"):
            for prompt in ([1], [1, 2, 3], list(range(17))):
                want = list(prompt)
                for _ in range(20):
                    want.append(next_token(want))
                done = self.run_program(self.lm(), "--tokens", " ".join(map(str, prompt)), "--ids", "-n", "20",
                                        "--temp", "0", "-t", threads)
                self.assertEqual(list(map(int, done.stdout.split())), want[len(prompt) :])
                self.assertIn("tokens/s", done.stderr)
        done = self.run_program(self.lm(), "--tokens=1", "--ids", "-n=2", "--temp=0", "-q")
        self.assertEqual(done.stderr, "")

    def test_until_context(self):
        done = self.run_program(self.lm(), "--tokens", "1 2", "--ids", "--temp", "0")
        self.assertEqual(len(done.stdout.split()), 95)
        self.assertIn("context of 96 tokens is full", done.stderr)

    def test_seed(self):
        run = lambda seed: self.run_program(self.lm(), "--tokens", "1", "--ids", "-n", "30", "--temp", "5",
                                            "--min-p", "0", "-s", seed).stdout
        self.assertEqual(run("1"), run("1"))
        self.assertNotEqual(run("1"), run("2"))

    def test_logits(self):
        out = self.path("logits.npy")
        tokens = [(5 * i) % 64 for i in range(40)]
        done = self.run_program(self.lm(), "eval", "--tokens", " ".join(map(str, tokens)), "--logits", out)
        self.assertEqual(done.stdout, "")
        shape, values = read_npy(out)
        self.assertEqual(shape, (40, 64))
        for i in range(40):
            row = values[64 * i : 64 * i + 64]
            self.assertEqual(row.index(max(row)), next_token(tokens[: i + 1]))

    def test_bench(self):
        done = self.run_program(self.lm(), "bench", "-p", "20", "-n", "5", "-r", "2", "--json", "-t", "2")
        got = json.loads(done.stdout)
        self.assertEqual((got["model"], got["threads"], got["prefill"]["tokens"], got["decode"]["tokens"]),
                         ("fake", 2, 20, 5))
        self.assertEqual(len(got["decode"]["all"]), 2)
        self.assertGreaterEqual(got["decode"]["best"], got["decode"]["median"])
        self.assertIn("prefill 96 tokens", self.run_program(self.lm(), "bench", "-r", "1").stdout)

    def test_info(self):
        got = json.loads(self.run_program(self.lm(), "info", "--json").stdout)
        self.assertEqual((got["name"], got["bits"], got["context"], got["vocabulary"]), ("fake", 32, 96, 64))
        self.assertEqual(got["file bytes"], os.path.getsize(self.lm()))

    def test_help(self):
        self.assertIn("--repeat-penalty", self.run_program(self.lm(), "--help").stdout)
        for verb in ("chat", "bench", "eval", "info", "tokenize"):
            self.assertIn("PROGRAM " + verb, self.run_program(self.lm(), verb, "--help").stdout)

    def test_wrong_use(self):
        lm, ids = self.lm(), ["--ids", "--tokens"]
        for part, arguments in [
            ("no prompt: give -p TEXT, -f FILE or --tokens", []),
            ("'dance' is no verb", ["dance"]),
            ("unknown option '--dance'", ["--dance"]),
            ("give one of -p, -f and --tokens", ["-p", "x", "--tokens", "1"]),
            ("a prompt of text needs a tokenizer", ["-p", "x", "--ids"]),
            ("text output needs a tokenizer", ["--tokens", "1"]),
            ("--tokens: 'x1' is not an integer", [*ids, "x1"]),
            ("no token ids", [*ids, " "]),
            ("token 64 is not in the vocabulary", [*ids, "64"]),
            ("--tokens: -1 is no token id", [*ids, "-1"]),
            ("--top-p must be above 0", [*ids, "1", "--top-p", "0"]),
            ("-c 1000: this program was compiled for a context of 96", [*ids, "1", "-c", "1000"]),
            ("1 tokens of prompt and 96 to generate are more than the context of 96", [*ids, "1", "-n", "96"]),
            ("more than the context of 8", [*ids, "1 2 3 4 5 6 7 8 9", "-c", "8"]),
            ("cannot open", ["-f", "/no/such/file"]),
            ("chat needs a tokenizer", ["chat", "-p", "x"]),
            ("tokenize needs a tokenizer", ["tokenize", "-p", "x"]),
            ("eval: give one of -f FILE and --tokens", ["eval"]),
            ("eval: --tokens needs --logits", ["eval", "--tokens", "1"]),
            ("eval -f needs a tokenizer", ["eval", "-f", os.devnull]),
            ("97 tokens are more than the context of 96",
             ["eval", "--tokens", "1 " * 97, "--logits", self.path("x.npy")]),
            ("bench: -d 90 with -p 20", ["bench", "-d", "90", "-p", "20"]),
            ("bench: -p, -n and -d must be 0 or more", ["bench", "-r", "0"]),
            ("no such number of threads", [*ids, "1", "-t", "100000"]),
        ]:
            with self.subTest(part):
                self.fails(lm, 1, part, *arguments)
        self.assertFalse(os.path.exists(self.path("x.npy")))

    def test_full_disk(self):
        self.fails(self.lm(), 1, "cannot write", "eval", "--tokens", "1", "--logits", "/no/such/dir/x.npy")
        if os.path.exists("/dev/full"):
            with open("/dev/full", "w") as full:
                done = subprocess.run(shlex.split(ARGS.emulator) + [self.lm(), "info"], stdout=full,
                                      stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 4)
            self.assertIn("cannot write to standard output", done.stderr)

    def test_truncated(self):
        whole = read_bytes(self.lm())
        cut = self.path("cut")
        for size in (len(whole) - 1, len(whole) - 200):
            with open(cut, "wb") as f:
                f.write(whole[:size])
            os.chmod(cut, 0o755)
            self.fails(cut, 2, "is incomplete", "--tokens", "1", "--ids")

    def test_missing_features(self):
        bad = "xop,fma4" if ARGS.arch == "x86-64" else "sve2,sme"
        program = self.make("lm", "FakeLanguageModel.c", struct.pack("<ii", 7, 3), "strange",
                            '-DFAKE_FEATURES="%s"' % bad)
        done = subprocess.run(shlex.split(ARGS.emulator) + [program, "info"], capture_output=True, text=True,
                              env=dict(os.environ, QEMU_CPU="cortex-a53"))
        if done.returncode == 0:
            self.skipTest("this processor has " + bad)
        self.assertEqual(done.returncode, 3)
        self.assertIn("this processor lacks what fake was compiled for", done.stderr)

    def test_external(self):
        program = self.make("external", "FakeLanguageModel.c", struct.pack("<ii", 7, 3), "external")
        # The kind has the tensor model's command line; what matters is that it opens.
        self.fails(program, 5, "has 3 entry points instead of one", "info")
        os.rename(program + ".weights", program + ".away")
        self.fails(program, 5, "has 3 entry points instead of one", "info")

    def test_size(self):
        self.assertLess(os.path.getsize(self.lm()), 1_100_000)
        self.assertTrue(os.access(self.lm(), os.X_OK))


class TensorModel(Case):
    def model(self):
        return self.make("tensor", "FakeTensorModel.c", struct.pack("<f", 0.5), "tensor")

    def write(self, name, shape, values, code="f", descr="<f4"):
        with open(self.path(name), "wb") as f:
            f.write(npy(descr, shape, struct.pack("<%d%s" % (len(values), code), *values)))
        return self.path(name)

    def test_run(self):
        x = self.write("x.npy", (2, 3), [0, 1, 2, 3, 4, 5])
        y = self.write("y.npy", (3,), [10, 20, 30])
        out = self.path("out")
        for threads in ("1", "3"):
            self.run_program(self.model(), "run", "--input", "x=" + x, "--input=y:0=" + y, "--output-dir", out,
                             "-t", threads)
            self.assertEqual(sorted(os.listdir(out)), ["count.npy", "sum_out_0.npy"])
            self.assertEqual(read_npy(out + "/sum_out_0.npy"), ((2, 3), [10.5, 21.5, 32.5, 13.5, 24.5, 35.5]))
            self.assertEqual(read_npy(out + "/count.npy"), ((), [6]))

    def test_bench_and_info(self):
        got = json.loads(self.run_program(self.model(), "bench", "--shape", "x=4x8", "-r", "3", "--json").stdout)
        self.assertEqual(got["repetitions"], 3)
        text = self.run_program(self.model(), "info").stdout
        self.assertIn("input x: float32 [batch, n]\n", text)
        self.assertIn("output count: int64 []\n", text)
        self.assertIn("PROGRAM run", self.run_program(self.model(), "--help").stdout)

    def test_wrong_use(self):
        x = self.write("x.npy", (2, 3), [0] * 6)
        y = self.write("y.npy", (3,), [0] * 3)
        y4 = self.write("y4.npy", (4,), [0] * 4)
        wide = self.write("wide.npy", (3,), [0] * 3, "d", "<f8")
        out = ["--output-dir", self.path("bad")]
        for part, arguments in [
            ("'' is no verb: run, bench or info", []),
            ("run: give --output-dir DIR", ["run"]),
            ("input x is missing: give --input x=FILE.npy", ["run", *out]),
            ("no input of that name; the inputs are x float32 [batch, n]", ["run", *out, "--input", "z=" + x]),
            ("input x is given twice", ["run", *out, "--input", "x=" + x, "--input", "x=" + x]),
            ("n is 3 in x", ["run", *out, "--input", "x=" + x, "--input", "y:0=" + y4]),
            ("input y:0 is float64", ["run", *out, "--input", "x=" + x, "--input", "y:0=" + wide]),
            ("is no .npy file", ["run", *out, "--input", "x=" + ARGS.make]),
            ("not an integer", ["bench", "--shape", "x=axb"]),
            ("bench: -r must be 1 or more", ["bench", "-r", "0"]),
        ]:
            with self.subTest(part):
                self.fails(self.model(), 1, part, *arguments)
        self.fails(self.model(), 1, "cannot make the directory", "run", "--input", "x=" + x, "--input", "y:0=" + y,
                   "--output-dir", "/no/such/dir")

    def test_external(self):
        program = self.make("external", "FakeTensorModel.c", struct.pack("<f", 0.5), "beside")
        self.assertIn("weight bytes: 4", self.run_program(program, "info").stdout)
        os.rename(program + ".weights", program + ".away")
        self.fails(program, 2, "is incomplete", "info")
        os.rename(program + ".away", program + ".weights")

    def library(self, kind, name):
        """A program over the library that writes its results."""
        library = self.make(kind, "FakeTensorModel.c", struct.pack("<f", 0.5), name)
        user = self.path(name + "-user")
        shutil.copy(library + ".h", self.path("adder.h"))
        command = shlex.split(ARGS.cc.replace("-x c", "-x c++")) + [
            "-std=c++17", "-Wall", "-Wextra", "-Werror", "-I", self.dir,
            os.path.join(ARGS.source, "test/unit/Emit/LibraryUser.cpp"), "-x", "none", library, "-o", user]
        command += ["-static"] if kind == "static" else ["-Wl,-rpath," + self.dir]
        subprocess.run(command, check=True)
        return library, user

    def test_static_library(self):
        library, user = self.library("static", "adder.a")
        done = self.run_program(user, library + ".weights")
        self.assertEqual(done.stdout, "12 10.5 21.5 12.5 23.5\n")
        done = self.run_program(user, "/no/such/file", code=2)
        self.assertIn("cannot open /no/such/file", done.stdout)

    def test_shared_library(self):
        if ARGS.emulator:
            self.skipTest("needs the other machine's C library")
        _, user = self.library("shared", "adder.so")
        self.assertEqual(self.run_program(user).stdout, "12 10.5 21.5 12.5 23.5\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("make", "arch", "cc", "source", "emulator"):
        parser.add_argument("--" + name, required=name != "emulator", default="")
    ARGS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
