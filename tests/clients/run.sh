#!/usr/bin/env bash
# Unmodified clients against a real server: Segment's for Node, browser and Python, Meilisearch's, an OpenID Connect provider, then
# schemathesis against the OpenAPI document. Each event must be in the log exactly once. Usage: tests/clients/run.sh PATH_OF_SOUK
#
# Packages come from npm and PyPI by name, into a folder of their own that later runs reuse.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
souk=$(realpath "${1:?usage: run.sh PATH_OF_SOUK}")
packages=${SOUK_CLIENT_PACKAGES:-$(cd "$here/../.." && pwd)/.cache/clients}
count=${SOUK_CLIENT_EVENTS:-500}

install() {
  mkdir -p "$packages"
  if ! cmp -s "$here/package.json" "$packages/package.json"; then
    cp "$here/package.json" "$packages/package.json.new"
    rm -f "$packages/package.json"
    (cd "$packages" && cp package.json.new package.json && npm install --no-audit --no-fund --loglevel=error) >&2 \
      || { rm -f "$packages/package.json"; return 1; }
  fi
  if ! cmp -s "$here/requirements.txt" "$packages/requirements.txt"; then
    python3 -m venv "$packages/venv"
    "$packages/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$packages/requirements.txt"
  fi
}

work=$(mktemp -d)
server=
finish() {
  status=$?
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  if [ "$status" -ne 0 ] && [ -f "$work/serve.log" ]; then
    echo "clients: failed; the last lines of the server:" >&2
    tail -n 20 "$work/serve.log" >&2
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT

start() {
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  url=http://127.0.0.1:$port
  # In a shop that may count what shoppers do until they say no: the export of events asks for that.
  SOUK_PRIVACY_DEFAULT_JURISDICTION=us "$souk" serve --data "$work/data" --listen "127.0.0.1:$port" >"$work/serve.log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    if curl --silent --fail --output /dev/null "$url/readyz"; then return; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  echo "clients: the server did not become ready" >&2
  return 1
}

key() {
  "$souk" keys create --role "$1" --data "$work/data"
}

passed=0 failed=0
check() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "clients: $name ok"
  else
    failed=$((failed + 1))
    echo "clients: $name FAILED" >&2
  fi
}

# Node resolves packages from where the script lies, so the scripts run beside the packages.
in_node() {
  cp "$here/$1" "$packages/$1"
  local script=$packages/$1
  shift
  node "$script" "$@"
}

install
start
server_key=$(key ingest_server)
browser_key=$(key ingest_browser)
merchandiser_key=$(key merchandiser)
page_key=$(key storefront_browser)

send_node() { in_node server.mjs "$url" "$server_key" "$count" >"$work/sent-node.json"; }
send_browser() { in_node browser.mjs "$url" "$browser_key" "$count" standard >"$work/sent-browser.json"; }
send_browser_batches() { in_node browser.mjs "$url" "$browser_key" "$count" batching >"$work/sent-batches.json"; }
send_python() { "$packages/venv/bin/python" "$here/server.py" "$url" "$server_key" "$count" "$1" >"$work/sent-python-$1.json"; }
ask_meilisearch() { in_node meilisearch.mjs "$1" "$url" "$merchandiser_key" "$page_key"; }
all_arrived() {
  "$souk" export --kind events --out "$work/events.jsonl" --data "$work/data" >/dev/null
  python3 "$here/arrived.py" "$work/events.jsonl" "$work"/sent-*.json
}
schemathesis_finds_nothing() {
  cd "$work"
  "$packages/venv/bin/schemathesis" --config-file "$here/schemathesis.toml" \
    run "$url/openapi.json" --header "Authorization: Bearer $(key admin)" --no-color >"$work/schemathesis.log" 2>&1 \
    || { tail -n 120 "$work/schemathesis.log" >&2; return 1; }
  grep -aE '(cases|generated|API Operations|Test cases)' "$work/schemathesis.log" | tail -n 4
}

# Without a key every operation that needs one answers 401, whatever else is wrong with the request, and nothing fails.
strangers_learn_nothing() {
  cd "$work"
  "$packages/venv/bin/schemathesis" --config-file "$here/schemathesis.toml" run "$url/openapi.json" \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth \
    --no-color >"$work/strangers.log" 2>&1 \
    || { tail -n 120 "$work/strangers.log" >&2; return 1; }
  grep -aE '(cases|generated|API Operations|Test cases)' "$work/strangers.log" | tail -n 4
}

check "oidc-provider" "$here/sign_in.sh" "$souk" "$packages" "$work"
check "@segment/analytics-node" send_node
check "@segment/analytics-next" send_browser
check "@segment/analytics-next, batching" send_browser_batches
check "segment-analytics-python" send_python plain
check "segment-analytics-python, gzip" send_python gzip
check "every event arrived exactly once" all_arrived
check "meilisearch 0.57, instant-meilisearch" ask_meilisearch meilisearch
check "meilisearch 0.62, instant-meilisearch" ask_meilisearch meilisearch-newest
check "schemathesis" schemathesis_finds_nothing
check "schemathesis, without a key" strangers_learn_nothing
echo "clients: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
