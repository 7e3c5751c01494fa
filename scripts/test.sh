#!/usr/bin/env bash
# All tests: the workspace's own, then unmodified clients against a real server. The closing lines say what ran.
set -euo pipefail
cd "$(dirname "$0")/.."
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --no-fail-fast
else
  cargo test --workspace --no-fail-fast
fi
cargo build --package souk
target=${CARGO_TARGET_DIR:-target}
tests/clients/run.sh "$target/debug/souk"
cargo build --package souk-inventory --example supplier-cases
tests/suppliers/run.sh "$target/debug/examples/supplier-cases"
