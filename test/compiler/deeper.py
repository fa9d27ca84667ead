"""Copies a small Hugging Face model with its layers repeated: deeper.py FROM TO TIMES."""

import json
import os
import shutil
import struct
import sys

source, target, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
shutil.rmtree(target, ignore_errors=True)
os.makedirs(target)
with open(os.path.join(source, "config.json")) as f:
    config = json.load(f)
layers = config["num_hidden_layers"]
config["num_hidden_layers"] = layers * times
with open(os.path.join(target, "config.json"), "w") as f:
    json.dump(config, f)

with open(os.path.join(source, "model.safetensors"), "rb") as f:
    raw = f.read()
size = struct.unpack("<Q", raw[:8])[0]
header, data = json.loads(raw[8 : 8 + size]), raw[8 + size :]
header.pop("__metadata__", None)
out, parts, at = {}, [], 0
for name, entry in header.items():
    prefix, _, rest = name.partition("model.layers.")
    number, _, suffix = rest.partition(".")
    names = [name]
    if rest:
        names = ["model.layers.%d.%s" % (int(number) + layers * i, suffix) for i in range(times)]
    begin, end = entry["data_offsets"]
    for n in names:
        out[n] = {**entry, "data_offsets": [at, at + end - begin]}
        parts.append(data[begin:end])
        at += end - begin
text = json.dumps(out).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(target, "model.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
