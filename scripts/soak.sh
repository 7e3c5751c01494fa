#!/usr/bin/env bash
# The long forms of crash, simulation, property and load checks: some 150 minutes on 2 cores, of which load is
# 20 minutes, the steady server 35 and release builds 10. Needs 8 GB of disk under .cache. Every figure goes to stdout under a header; it ends at the
# first failure.
# usage: scripts/soak.sh [PART…]      parts: crash simulation property consent erasure abuse fuzz series searches load sessions steady (all by default)
#   SOUK_SOAK_SEED   seed of the kills (default: the day's number, so that each day kills elsewhere)
set -euo pipefail
cd "$(dirname "$0")/.."
parts=${*:-crash simulation property consent erasure abuse fuzz series searches load sessions steady}
seed=${SOUK_SOAK_SEED:-$(($(date +%s) / 86400))}

head() { printf '\n== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"; }
part() { case " $parts " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }

echo "machine: $(nproc) cores; commit $(git rev-parse --short HEAD); seed $seed"
if part crash; then # 300 kills take some 5 minutes (30 of them: 31 s), the import another minute.
  head "300 kills under ingest, snapshot and backup; 75 kills of an import"
  SOUK_CRASH_CYCLES=300 SOUK_CRASH_SEED=$seed cargo test --package souk --test it -- --nocapture --test-threads=1
fi
if part simulation; then # 500 lives of two months on two threads, in a release build.
  head "500 simulated shops"
  SOUK_SIM_SEEDS=500 cargo test --release --package souk-sim --test simulation -- --nocapture
fi
if part property; then # 20 times the usual cases, of the crates that have properties, in a release build.
  head "property tests, 5,000 cases each"
  PROPTEST_CASES=5000 cargo test --release --lib --tests --package souk-core --package souk-recommend --package souk-privacy \
    --package souk-embedded --package souk-app
fi
if part erasure; then # A million people, 200 of them erased under 5,000 events a second: some 10 minutes.
  head "200 erasures among 1,000,000 people under 5,000 events/s"
  cargo build --release --package souk --package souk-sim
  rm -rf .cache/soak-erasure
  target/release/souk-erase --folder .cache/soak-erasure
fi
if part consent; then # a million interleavings in a release build; 10,000 of a debug build are part of every test run.
  head "1,000,000 interleavings of consents, acts and reads"
  SOUK_CONSENT_RUNS=1000000 cargo test --release --package souk-app --lib -- --nocapture no_answer_rests_on_what_is_withheld
fi
if part abuse; then # What others wait for beside 10,000 bad connections and 100 MB bodies: some 3 minutes.
  head "latencies under abuse"
  cargo build --release --package souk --package souk-sim
  rm -rf .cache/soak-abuse
  target/release/souk-abuse --folder .cache/soak-abuse
fi
if part fuzz; then # 24 minutes of CPU in all, on two threads: some 12 minutes. The bound of memory is that of both.
  targets=$(cargo test --quiet --release --package souk-sim --test fuzz -- --list | grep -c ': test$')
  head "fuzzing, $((1440 / targets + 1)) s each of $targets parsers"
  SOUK_FUZZ_SECONDS=$((1440 / targets + 1)) \
    cargo test --release --package souk-sim --test fuzz -- --nocapture --test-threads=2
fi
if part series; then # Some 15 minutes, reckoned from 300 and 200 series.
  head "forecasts of 100,000 fuzzed series"
  SOUK_FUZZ_SERIES=100000 cargo test --release --package souk-forecast -- --nocapture every_series_gets_a_sane_answer
  head "forecasts of 30,490 generated series of 1,941 days on 2 threads: below 6 minutes and 800 MB"
  cargo run --release --package souk-forecast --example many_series
fi
if part searches; then # Some 5 minutes.
  head "the learned order of hits: 120 shops where it must not serve, 60 where it must do good"
  cargo run --release --package souk-recommend --example search_order
fi
if part load; then
  head "load, 60 s a run, a log of 10 million events"
  bench/load.sh 60 10000000
fi
if part sessions; then # Some 3 minutes and 3 GB of memory.
  head "session questions over 60 million events of 1.76 million items"
  cargo run --release --package souk-recommend --example sessions_at_scale
fi
if part steady; then # 32 minutes.
  head "500 requests/s and 500 events/s for 30 minutes: memory stays, nothing fails"
  bench/steady.sh 1800
fi
head "done"
