#!/usr/bin/env bash
# A real OpenID Connect provider signs tokens, and Souk takes them. Usage: sign_in.sh PATH_OF_SOUK PACKAGES WORK_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
souk=$1 packages=$2 work=$3
provider='' server=''
finish() {
  for pid in $provider $server; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done
}
trap finish EXIT

cp "$here/sign_in.mjs" "$packages/sign_in.mjs"
node "$packages/sign_in.mjs" >"$work/provider.json" 2>"$work/provider.log" &
provider=$!
for _ in $(seq 100); do [ -s "$work/provider.json" ] && break; sleep 0.1; done
issuer=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["issuer"])' "$work/provider.json")

token() { # client → token
  curl --silent --fail --user "$1:secret-of-$1" --data grant_type=client_credentials "$issuer/token" \
    | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])'
}
status() { # token, path → status
  curl --silent --output "$work/answer" --write-out '%{http_code}' --header "Authorization: Bearer $1" "$url$2"
}
expect() { # what, wanted, found
  [ "$2" = "$3" ] || { echo "sign-in: $1 is answered $3, not $2" >&2; cat "$work/answer" >&2; exit 1; }
}

cat >"$work/sign-in.yaml" <<YAML
access:
  oidc:
    issuer: $issuer
    audience: urn:souk
    authorized_parties: [privacy-desk, nobody]
    jwks: $issuer/jwks
    roles: {desk: privacy}
YAML
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$souk" serve --config "$work/sign-in.yaml" --data "$work/sign-in" --listen "127.0.0.1:$port" >"$work/sign-in.log" 2>&1 &
server=$!
for _ in $(seq 300); do curl --silent --fail --output /dev/null "$url/readyz" && break; sleep 0.1; done

desk=$(token privacy-desk)
expect "the audit log, to the privacy desk" 200 "$(status "$desk" /v1/audit)"
expect "keys, to the privacy desk" 403 "$(status "$desk" /v1/keys)"
expect "the audit log, to somebody without a group" 403 "$(status "$(token nobody)" /v1/audit)"
# The last letter of a signature can hold bits that mean nothing, so the first one is changed.
letter=B
if [ "$(printf %s "${desk##*.}" | cut -c1)" = B ]; then letter=C; fi
expect "a changed signature" 401 "$(status "${desk%.*}.$letter$(printf %s "${desk##*.}" | cut -c2-)" /v1/audit)"
who=$("$souk" audit person privacy-desk --config "$work/sign-in.yaml" --data "$work/sign-in")
"$souk" audit list --key "$who" --operation audit.read --config "$work/sign-in.yaml" --data "$work/sign-in" | grep -q "$who"
