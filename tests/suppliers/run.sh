#!/usr/bin/env bash
# The choice of suppliers against an independent solver (HiGHS, from PyPI by name): 200 seeded cases must cost the same.
# Usage: tests/suppliers/run.sh PATH_OF_SUPPLIER_CASES
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cases=$(realpath "${1:?usage: run.sh PATH_OF_SUPPLIER_CASES}")
venv=${SOUK_SUPPLIER_VENV:-$(cd "$here/../.." && pwd)/.cache/suppliers}
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/requirements.txt"
fi
work=$(mktemp)
trap 'rm -f "$work"' EXIT
"$cases" "${SOUK_SUPPLIER_SEED:-6}" 200 >"$work"
"$venv/bin/python" "$here/check.py" "$work"
