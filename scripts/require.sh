#!/usr/bin/env bash
# Says how to install what is missing. usage: require.sh rust cc python node
set -u
missing=0
need() { # need COMMAND HOW
  command -v "$1" >/dev/null 2>&1 && return
  printf 'missing: %s\n  install it with: %s\n' "$1" "$2" >&2
  missing=1
}
for part in "$@"; do
  case "$part" in
    rust) need cargo 'see https://rustup.rs (the pinned toolchain in rust-toolchain.toml then comes by itself)' ;;
    cc) need cc 'apt-get install build-essential   (macOS: xcode-select --install)' ;;
    python) need python3 'apt-get install python3 python3-venv python3-pip   (macOS: brew install python)'
            command -v python3 >/dev/null 2>&1 && ! python3 -m pip --version >/dev/null 2>&1 &&
              { printf 'missing: pip for python3\n  install it with: apt-get install python3-pip\n' >&2; missing=1; } ;;
    node) need node 'apt-get install nodejs npm   (macOS: brew install node)'
          need npm 'apt-get install npm   (macOS: brew install node)' ;;
  esac
done
exit $missing
