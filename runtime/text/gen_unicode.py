#!/usr/bin/env python3
"""Writes UnicodeTables.inc: the Unicode data of the runtime, as compact sorted tables.

kClasses        u32: first code point of a run << 4 | class (enum CharClass in Unicode.h)
kAsciiClasses   u8: classes of 0..127
kDecompositions u64: code point << 42 | first << 21 | second (0: none), canonical, one step
kCompositions   u16: indices of kDecompositions that also compose, sorted by (first, second)
kCombining      u32: first code point of a run << 8 | canonical combining class
kLower          u32 pairs: runs of code points whose lower case is at a fixed distance:
                first << 11 | length << 1 | step 2, and the distance
"""
import sys
import unicodedata as u

WHITE = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B),
         0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
CLASSES = {"Lu": 1, "Lt": 1, "Ll": 2, "Lm": 3, "Lo": 3, "Mn": 4, "Mc": 5, "Me": 5,
           "Nd": 6, "Nl": 6, "No": 6, "Cc": 10, "Cf": 10, "Co": 10}


def char_class(c):
    if c in WHITE:
        return 7
    category = u.category(chr(c))
    if category[0] == "P":
        return 8
    if category[0] == "S":
        return 9
    return CLASSES.get(category, 0)


def runs(value, shift):
    out, last = [], None
    for c in range(0x110000):
        v = value(c)
        if v != last:
            out.append(c << shift | v)
            last = v
    return out


def decompositions():
    out = []
    for c in range(0x110000):
        d = u.decomposition(chr(c))
        if not d or d[0] == "<":
            continue
        parts = [int(x, 16) for x in d.split()]
        out.append((c, parts[0], parts[1] if len(parts) > 1 else 0))
    return out


def lower_runs():
    pairs = []
    for c in range(128, 0x110000):
        low = chr(c).lower()
        if len(low) == 1 and ord(low) != c:
            pairs.append((c, ord(low) - c))
    out, i = [], 0
    while i < len(pairs):
        start, delta = pairs[i]
        best = (1, 1)
        for step in (1, 2):
            n = 1
            while (i + n < len(pairs) and n < 1023
                   and pairs[i + n] == (start + n * step, delta)):
                n += 1
            if n > best[0]:
                best = (n, step)
        n, step = best
        out += [start << 11 | n << 1 | (step - 1), delta & 0xFFFFFFFF]
        i += n
    return out


def table(out, kind, name, values):
    out.write(f"constexpr {kind} {name}[] = {{\n")
    for i in range(0, len(values), 12):
        out.write("  " + ", ".join(f"{v:#x}" for v in values[i:i + 12]) + ",\n")
    out.write("};\n")


def main():
    d = decompositions()
    composing = [i for i, (c, a, b) in enumerate(d)
                 if b and u.normalize("NFC", chr(a) + chr(b)) == chr(c)]
    composing.sort(key=lambda i: d[i][1:])
    with open(sys.argv[1], "w") as out:
        out.write(f"// Unicode {u.unidata_version}; written by gen_unicode.py.\n")
        table(out, "uint8_t", "kAsciiClasses", [char_class(c) for c in range(128)])
        table(out, "uint32_t", "kClasses", runs(char_class, 4))
        table(out, "uint64_t", "kDecompositions",
              [c << 42 | a << 21 | b for c, a, b in d])
        table(out, "uint16_t", "kCompositions", composing)
        table(out, "uint32_t", "kCombining", runs(lambda c: u.combining(chr(c)), 8))
        table(out, "uint32_t", "kLower", lower_runs())


main()
