#!/usr/bin/env bash
# A server under an even load for a long time: fails where a request fails, or where its resident memory grows by more than 2 %
# from the first sixth of the time to the last.
# usage: bench/steady.sh [SECONDS]      (1800 by default; needs 3 GB of disk under .cache)
# Before: until the forecasts that a start makes are made (none more within two minutes), and a warm-up of a tenth of the time.
# Workload: the sample shop, souk-load with seed 1, 500 requests/s by `auto` for its shoppers and 500 events/s of them.
set -euo pipefail
export SOUK_PRIVACY_DEFAULT_JURISDICTION=us
cd "$(dirname "$0")/.."
seconds=${1:-1800}
target=${CARGO_TARGET_DIR:-target}
cargo build --release --package souk --package souk-sim
souk=$target/release/souk
load=$target/release/souk-load
mkdir -p .cache
work=$(mktemp -d .cache/steady.XXXXXX)
pid=
watcher=
finish() {
  [ -z "$watcher" ] || kill "$watcher" 2>/dev/null || true
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

data=$work/shop
address=127.0.0.1:$((20000 + RANDOM % 20000))
"$souk" demo --sample "$(scripts/sample-data.sh)" --data "$data" --report-only
key=$("$souk" keys create --role ingest_server --data "$data")
front=$("$souk" keys create --role storefront_server --data "$data")
"$souk" export --kind products --out "$work/products.jsonl" --data "$data"
python3 -c 'import json,sys
for line in open(sys.argv[1]): print(json.loads(line)["id"])' "$work/products.jsonl" >"$work/ids"
"$souk" demo --sample "$(scripts/sample-data.sh)" --data "$data" --listen "$address" >"$work/server.log" 2>&1 &
pid=$!
for _ in $(seq 1 1200); do
  "$souk" healthcheck --address "$address" >/dev/null 2>&1 && break
  kill -0 "$pid" 2>/dev/null || { cat "$work/server.log"; exit 1; }
  sleep 0.1
done

run() { # run SECONDS; souk-load ends with a failure where a request fails
  "$load" recommend --address "$address" --key "$front" --ingest-key "$key" --products "$work/ids" \
    --rate 500 --events 500 --strategy auto --duration "$1"
}
echo "machine: $(nproc) cores; commit $(git rev-parse --short HEAD)"
kept() { curl -s "http://$address/metrics" | awk '/^souk_forecasts_kept/ {print $2}'; }
forecasts=
while [ "$(kept)" = 0 ] || [ "$(kept)" != "$forecasts" ]; do forecasts=$(kept); sleep 120; done
run $((seconds / 10)) >/dev/null
while awk '/VmRSS/ {print $2}' "/proc/$pid/status" 2>/dev/null >>"$work/rss"; do sleep 5; done &
watcher=$!
run "$seconds"
kill "$watcher"; watcher=
python3 - "$work/rss" <<'PYTHON'
import sys
kb = [int(line) for line in open(sys.argv[1])]
sixth = len(kb) // 6
first, last = (sum(part) / len(part) / 1024 for part in (kb[:sixth], kb[-sixth:]))
growth = last / first - 1
print(f"resident: first sixth {first:.0f} MB, last sixth {last:.0f} MB, {growth:+.1%}; greatest {max(kb) / 1024:.0f} MB")
sys.exit(f"memory grew by {growth:.1%}; 2 % are allowed" if growth > 0.02 else 0)
PYTHON
