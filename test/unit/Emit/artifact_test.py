#!/usr/bin/env python3
"""Runs artifacts of the fake models as a user would, natively or emulated.

What is checked is the command line's contract: output, exit codes, messages, files.
"""

import argparse
import json
import math
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


def next_token(tokens, a=7, b=3):
    return (a * sum(tokens) + b * (len(tokens) - 1)) % 64


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

    def make(self, kind, source, weights, name, *flags, tokenizer=""):
        """An artifact, made once for the class."""
        if name not in self.built:
            with open(self.path(name + ".w"), "wb") as f:
                f.write(weights)
            self.compile(source, self.path(name + ".o"), *flags)
            subprocess.run([ARGS.make, kind, ARGS.arch, self.path(name), self.path(name + ".w"),
                            tokenizer, self.path(name + ".o")], check=True)
            self.built[name] = self.path(name)
        return self.built[name]

    def run_program(self, program, *arguments, code=0, stdin=None):
        done = subprocess.run(shlex.split(ARGS.emulator) + [program, *arguments], capture_output=True,
                              text=True, input=stdin, timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def fails(self, program, code, part, *arguments, stdin=None):
        done = self.run_program(program, *arguments, code=code, stdin=stdin)
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
        self.assertEqual((got["name"], got["bits"], got["context tokens"], got["vocabulary"]), ("fake", 32, 96, 64))
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
            ("eval: give one of -f FILE", ["eval"]),
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
        self.assertLess(os.path.getsize(self.lm()), 1_150_000)
        self.assertTrue(os.access(self.lm(), os.X_OK))


SYMBOLS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?:;-+*/()<>|_ABCDEFGH"
TEMPLATE = ("{% for m in messages %}{{ '<s>' + m['role'] + ':' + m['content'] + '</s>' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<s>' }}{% endif %}")


class Text(Case):
    """The fake model with a tokenizer of 64 single characters."""

    # Id of each character; <s> is 0 and </s>, which ends a generation, is 1.
    ids = {c: i for i, c in enumerate(["<s>", "</s>", " ", "\n", *SYMBOLS])}
    assert len(ids) == 64

    def lm(self, template=TEMPLATE):
        name = "text" + str(len(template))
        directory = self.path(name + "-tokenizer")
        os.makedirs(directory, exist_ok=True)
        vocabulary = {{" ": "\u0120", "\n": "\u010a"}.get(c, c): i for c, i in self.ids.items()}
        special = [{"id": i, "content": c, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
                    "normalized": False} for c, i in (("<s>", 0), ("</s>", 1))]
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        with open(directory + "/tokenizer.json", "w") as f:
            json.dump({"version": "1.0", "added_tokens": special, "normalizer": None, "pre_tokenizer": byte_level,
                       "post_processor": None, "decoder": byte_level,
                       "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}, f)
        with open(directory + "/tokenizer_config.json", "w") as f:
            config = {"bos_token": "<s>", "eos_token": "</s>"}
            json.dump(dict(config, chat_template=template) if template else config, f)
        return self.make("lm", "FakeLanguageModel.c", struct.pack("<ii", 2, 1), name, tokenizer=directory)

    def encode(self, text):
        out = []
        while text:
            size = 3 if text.startswith("<s>") else 4 if text.startswith("</s>") else 1
            out.append(self.ids[text[:size]])
            text = text[size:]
        return out

    def answer(self, tokens, limit):
        """What the model says, and all its tokens."""
        new = []
        while len(new) < limit and 1 not in new:
            new.append(next_token(tokens + new, 2, 1))
        names = list(self.ids)
        return "".join(names[i] for i in new if i > 1), new

    def test_tokenize(self):
        want = self.encode("ab c\n<s>d")
        self.assertEqual(self.run_program(self.lm(), "tokenize", "-p", "ab c\n<s>d").stdout,
                         " ".join(map(str, want)) + "\n")
        self.assertEqual(self.run_program(self.lm(), "tokenize", "--count", "a<s>").stdout, "2\n")
        self.assertEqual(self.run_program(self.lm(), "tokenize", "--count", "--no-special", "a<s>").stdout, "4\n")
        self.assertEqual(self.run_program(self.lm(), "tokenize", "-f", "-", stdin="a\r\n").stdout, "4 3\n")

    def test_complete(self):
        for prompt in ("hello", "a b", "x<s>y"):
            text, _ = self.answer(self.encode(prompt), 30)
            done = self.run_program(self.lm(), "-p", prompt, "-n", "30", "--temp", "0")
            self.assertEqual(done.stdout, text)
            with open(self.path("prompt"), "w") as f:
                f.write(prompt + "\n")
            self.assertEqual(self.run_program(self.lm(), "-f", self.path("prompt"), "-n", "30", "--temp", "0").stdout,
                             text)

    def ending_prompt(self):
        """A prompt whose answer ends early, with what comes before the end."""
        for size in range(20):
            for last in SYMBOLS:
                prompt = "a" * size + last
                text, new = self.answer(self.encode(prompt), 20)
                if 3 < len(new) < 10:
                    return prompt, text, new
        self.fail("no such prompt")

    def test_ends(self):
        prompt, text, new = self.ending_prompt()
        arguments = ["-p", prompt, "-n", "20", "--temp", "0"]
        self.assertEqual(self.run_program(self.lm(), *arguments).stdout, text)
        self.assertEqual(self.run_program(self.lm(), *arguments, "--ids").stdout, " ".join(map(str, new)) + "\n")
        more = self.run_program(self.lm(), *arguments, "--ids", "--ignore-eos").stdout.split()
        self.assertEqual(len(more), 20)

    def test_chat(self):
        done = self.run_program(self.lm(), "chat", "-p", "hi", "--temp", "0", "-n", "8")
        first, new = self.answer(self.encode("<s>user:hi</s><s>"), 8)
        self.assertEqual(done.stdout, first)
        done = self.run_program(self.lm(), "chat", "-p", "hi", "--system", "be", "--temp", "0", "-n", "8")
        self.assertEqual(done.stdout, self.answer(self.encode("<s>system:be</s><s>user:hi</s><s>"), 8)[0])
        # The second turn starts from what the cache holds, and is what it would be without.
        done = self.run_program(self.lm(), "chat", "--temp", "0", "-n", "8", stdin="hi\nso?\n/clear\nhi\n/exit\nno")
        second, _ = self.answer(self.encode("<s>user:hi</s><s>assistant:" + first + "</s><s>user:so?</s><s>"), 8)
        self.assertEqual(done.stdout, first + "\n" + second + "\n" + first + "\n")

    def test_perplexity(self):
        text = "ab c" * 50
        with open(self.path("text"), "w") as f:
            f.write(text)
        tokens = self.encode(text)
        for window, windows, start in ((32, 0, -1), (16, 2, 1), (50, 1, 40)):
            nll = []
            count = len(tokens) // window if windows == 0 else windows
            for w in range(count):
                part = tokens[w * window : (w + 1) * window]
                for i in range(window // 2 if start < 0 else start, window):
                    best = next_token(part[:i], 2, 1)
                    total = sum(math.exp(-abs(v - best)) for v in range(64))
                    nll.append(math.log(total) + abs(part[i] - best))
            done = self.run_program(self.lm(), "eval", "-f", self.path("text"), "-c", str(window), "--windows",
                                    str(windows), "--from", str(start), "--json")
            got = json.loads(done.stdout)
            self.assertEqual((got["windows"], got["scored"], got["tokens"]), (count, len(nll), len(tokens)))
            self.assertAlmostEqual(got["nll"], sum(nll) / len(nll), places=4)
        line = self.run_program(self.lm(), "eval", "-f", self.path("text"), "-c", "32").stdout
        self.assertRegex(line, r"^perplexity [0-9.]+ \+- [0-9.]+ \(6 windows of 32 tokens, 96 tokens scored\)\n$")
        self.fails(self.lm(), 1, "the text has 1 tokens, less than one window of 90", "eval", "-f", "-", "-c", "90",
                   stdin="a")
        self.fails(self.lm(), 1, "eval: -c 100 is more than the context of 96", "eval", "-f", self.path("text"),
                   "-c", "100")

    def test_wrong_use(self):
        self.fails(self.lm(""), 1, "has no chat template", "chat", "-p", "x")
        self.fails(self.lm(), 1, "the prompt is empty", "-p", "")
        self.fails(self.lm("{{ raise_exception('no ' + messages[0]['content']) }}"), 1, "no x", "chat", "-p", "x")
        self.fails(self.lm("{% if %}"), 3, "the model's chat template: line 1", "chat", "-p", "x")


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
            # Where Debian's cross packages keep the other machine's C library.
            os.environ["QEMU_LD_PREFIX"] = "/usr/aarch64-linux-gnu"
        _, user = self.library("shared", "adder.so")
        self.assertEqual(self.run_program(user).stdout, "12 10.5 21.5 12.5 23.5\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("make", "arch", "cc", "source", "emulator"):
        parser.add_argument("--" + name, required=name != "emulator", default="")
    ARGS, rest = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *rest])
