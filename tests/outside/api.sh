#!/usr/bin/env bash
# The API of a real fleetd, asked by schemathesis for everything that its description promises and much that it
# does not: no status 5xx, and statuses, content types and bodies as described. Takes some minutes and needs PyPI
# once, so it is no part of `./dev test`.
#   tests/outside/api.sh [FLEETD]     a program, the one of `./dev test` if not given
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/kioskd"
fleetd="${1:-${KIOSKD_BUILD_DIR:-$cache/target}/debug/fleetd}"
tool="$cache/schemathesis"
[ -x "$tool/bin/schemathesis" ] || { python3 -m venv "$tool" && "$tool/bin/pip" install -q schemathesis==4.32.5; }

# Started by root, the engines run as an account of their own, which has to come through.
dir=$(mktemp -d /var/tmp/kioskd-api-XXXXXX)
chmod 755 "$dir"
RUST_LOG=warn "$fleetd" embedded --data "$dir/data" --kiosk-port 0 --internal-port 0 --name localhost \
    >"$dir/ready" 2>"$dir/fleetd.log" &
process=$!
trap 'kill $process; wait $process || true; rm -rf "$dir"' EXIT
for _ in $(seq 300); do [ -s "$dir/ready" ] && break || sleep 0.2; done
api="http://$(sed 's/.*"http":"\([^"]*\)".*/\1/' "$dir/ready")"
admin=$(cat "$dir/data/admin-token")

token() {
    curl -sSf -H "Authorization: Bearer $admin" -H 'Content-Type: application/json' \
        -d "{\"name\":\"$1\",\"role\":\"$1\"}" "$api/v1/tokens" | sed 's/.*"token":"\([^"]*\)".*/\1/'
}

# Left out: the stream never ends, and who logs out or takes tokens back is a stranger for the rest.
ask() {
    echo "== $1"
    "$tool/bin/schemathesis" run "$dir/openapi.json" --url "$api" --header "Authorization: Bearer $2" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance \
        --exclude-path /v1/stream --exclude-path /v1/logout --exclude-path '/v1/tokens/{id}' \
        --phases "$3" --max-examples 30 --continue-on-failure --seed 1 --no-color --warnings off
}

curl -sSf -H "Authorization: Bearer $admin" "$api/v1/openapi.json" >"$dir/openapi.json"
analyst=$(token analyst) technician=$(token technician)
ask admin "$admin" coverage,fuzzing
ask analyst "$analyst" coverage
ask technician "$technician" coverage
# Nobody at all.
ask nobody none coverage
