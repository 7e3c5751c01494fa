#!/usr/bin/env bash
# Accuracy on the development data, which lies beside the project and is never copied into it. Prints one report for each protocol.
# SOUK_EVAL names the folder with data/ and tools/convert.py.
set -euo pipefail
cd "$(dirname "$0")/.."
beside=${SOUK_EVAL:-../shared}
if [ ! -f "$beside/tools/convert.py" ] || [ ! -d "$beside/data" ]; then
  echo "eval: no development data in $beside (set SOUK_EVAL to its folder): NOTHING WAS EVALUATED"
  exit 0
fi
out=.cache/eval
python3 -m venv .cache/eval-venv
.cache/eval-venv/bin/pip install --quiet --disable-pip-version-check pandas pyarrow
sample=$(scripts/sample-data.sh)
[ -f "$out/baskets/test.csv" ] || .cache/eval-venv/bin/python "$beside/tools/convert.py" "$out" "$sample"
cargo build --release --package souk
souk=${CARGO_TARGET_DIR:-target}/release/souk

step() { printf '\n$ souk %s\n' "$*"; "$souk" "$@"; }
step evaluate sessions --train "$out/sessions/train.csv" --valid "$out/sessions/valid.csv" --test "$out/sessions/test.csv" --k 20
step evaluate baskets --train "$out/baskets/train.csv" --test "$out/baskets/test.csv" --k 10,20
step evaluate ratings --train "$out/sequences/train_and_valid.csv" --test "$out/sequences/test.csv" --k 10 --seen exclude --no-tune
step evaluate ratings --train "$out/ratings/train_1.csv" --test "$out/ratings/test_1.csv" --k 10 --seen exclude --no-tune
step evaluate pii --input "$out/pii/check.jsonl" --expected "$out/pii/check_expected.jsonl"
step simulate stock --input "$beside/data/series/pasta_daily_train.csv.gz" --lead-time-days 3 --products 118 --services 0.9,0.95,0.97,0.98
