#!/usr/bin/env python3
"""Marks generated sentences that resemble a template of a marked data set, so that `cargo xtask pii-train --folds` can leave them out.

usage: pii-near.py MARKED.json GENERATED.json      (GENERATED.json, of pii-sentences.py, is written anew)

A pattern is near a template if, outside of the marked spans, they share a word that is not among a language's first 3,000 and that
few patterns have, or two such words not among the first 400. The patterns were written by people who had read the data set's
training part, and a score across templates that still learns from such a pattern flatters.
"""
import collections, json, os, re, sys, zlib

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../crates/souk-privacy/data/pii/gazetteer.txt.z")
lines = zlib.decompress(open(DATA, "rb").read()).decode().splitlines()
flags = {key: int(value) for value, key in (line.split("\t") for line in lines)}


def words(text):
    plain = text["full_text"]
    for span in sorted(text["spans"], key=lambda span: -span["start_position"]):
        plain = plain[:span["start_position"]] + " 0 " + plain[span["end_position"]:]
    return {word for word in re.findall(r"[a-z']+", plain.lower()) if len(word) > 2}


def by_template(texts):
    found = collections.defaultdict(set)
    for text in texts:
        found[text["template_id"]] |= words(text)
    return found


marked = by_template(json.load(open(sys.argv[1])))
generated = json.load(open(sys.argv[2]))
patterns = by_template(generated)
spread = collections.Counter(word for words in patterns.values() for word in words)
near = {}
for pattern, own in patterns.items():
    near[pattern] = []
    for template, theirs in marked.items():
        shared = own & theirs
        rare = any(not flags.get(word, 0) & 48 and spread[word] < 8 for word in shared)
        if rare or sum(not flags.get(word, 0) & 16 and spread[word] < 12 for word in shared) >= 2:
            near[pattern].append(template)
for text in generated:
    text["near"] = near[text["template_id"]]
json.dump(generated, open(sys.argv[2], "w"), ensure_ascii=False)
print(sum(map(bool, near.values())), "of", len(near), "patterns are near a template")
