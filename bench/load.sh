#!/usr/bin/env bash
# Measures a whole server on this machine: ingest into a long log, recommendations under events, freshness, memory, disk.
# usage: bench/load.sh [SECONDS] [PRELOAD_EVENTS]      (60 and 10000000 by default; needs some 6 GB of disk under .cache)
# Workload: souk-load with seed 1; server and load generator share the machine. Every figure is printed, none is kept.
set -euo pipefail
# The generated shoppers are learnt from until they say no: what the figures are about.
export SOUK_PRIVACY_DEFAULT_JURISDICTION=us
cd "$(dirname "$0")/.."
seconds=${1:-60}
preload=${2:-10000000}
target=${CARGO_TARGET_DIR:-target}
cargo build --release --package souk --package souk-sim
souk=$target/release/souk
load=$target/release/souk-load
work=$(mktemp -d .cache/load.XXXXXX)
pid=
finish() { [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

port=$((20000 + RANDOM % 20000))
address=127.0.0.1:$port
serve() { # serve DATA [demo flags]
  "$@" >"$work/server.log" 2>&1 &
  pid=$!
  for _ in $(seq 1 1200); do
    "$souk" healthcheck --address "$address" >/dev/null 2>&1 && return
    kill -0 "$pid" 2>/dev/null || { cat "$work/server.log"; exit 1; }
    sleep 0.1
  done
  echo 'the server is not ready'; exit 1
}
stop() { kill "$pid"; wait "$pid" || true; pid=; }
rss() { awk '/VmRSS/ {printf "%d MB\n", $2 / 1024}' "/proc/$pid/status"; }

echo "machine: $(nproc) cores, $(awk '/MemTotal/ {printf "%d GB", $2/1048576}' /proc/meminfo); commit $(git rev-parse --short HEAD)"
python3 bench/fsync.py "$work"

echo; echo "== ingest into a log of $preload events, batches of 500, $seconds s"
data=$work/ingest
key=$("$souk" keys create --role ingest_server --data "$data")
serve "$souk" serve --data "$data" --listen "$address"
"$load" ingest --address "$address" --key "$key" --users 1000000 --events "$preload" --duration 3600 --track-rate 0 --seed 2
echo "resident: $(rss)"; du -sm "$data" | awk '{print "disk: " $1 " MB"}'
"$load" ingest --address "$address" --key "$key" --users 1000000 --duration "$seconds"
"$load" ingest --address "$address" --key "$key" --users 1000000 --duration "$seconds" --rate 60
echo "resident: $(rss)"; du -sm "$data" | awk '{print "disk: " $1 " MB"}'
stop

echo; echo "== the sample shop: recommendations while 1,000 events/s come in, $seconds s"
data=$work/shop
"$souk" demo --sample "$(scripts/sample-data.sh)" --data "$data" --report-only
key=$("$souk" keys create --role ingest_server --data "$data")
front=$("$souk" keys create --role storefront_server --data "$data")
admin=$("$souk" keys create --role admin --data "$data")
serve "$souk" demo --sample "$(scripts/sample-data.sh)" --data "$data" --listen "$address"
"$souk" export --kind products --out "$work/products.jsonl" --data "$data"
python3 -c 'import json,sys
for line in open(sys.argv[1]): print(json.loads(line)["id"])' "$work/products.jsonl" >"$work/ids"
echo "resident after start: $(rss)"
for strategy in auto next_basket; do
  echo "strategy $strategy"
  "$load" recommend --address "$address" --key "$front" --ingest-key "$key" --products "$work/ids" --duration "$seconds" --strategy $strategy
done
echo "resident: $(rss)"
echo "search: twenty queries, five facets, each for a known shopper"
"$load" search --address "$address" --key "$front" --queries bench/queries.txt --duration "$seconds"
echo; echo "== freshness"
"$load" freshness --address "$address" --key "$admin" --products "$work/ids" --rounds 500
stop
