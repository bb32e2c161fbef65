#!/bin/bash
# Installs the client into a scratch folder, builds example.c (C and C++) against that alone, calls
# the scripted peer with it, and looks at what the library exports.
# usage: check.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
scratch=$(mktemp -d /tmp/sales-installed.XXXXXX)
peer_pid=
trap '[ -z "$peer_pid" ] || kill "$peer_pid" 2>/dev/null; rm -rf "$scratch"' EXIT
fail() { echo "check: $*" >&2; exit 1; }

cmake --install "$build" --component client --prefix "$scratch/usr" >/dev/null
lib=$(dirname "$(find "$scratch/usr" -name libsales.so)")
export PKG_CONFIG_PATH=$lib/pkgconfig LD_LIBRARY_PATH=$lib

# An ASan build of the library needs the same flag here.
sanitize=()
[ "$(nm -D "$lib/libsales.so" | grep -c __asan_init)" = 0 ] || sanitize=("-fsanitize=address,undefined")
read -ra flags <<<"$(pkg-config --cflags --libs sales)"
cc -std=c11 -Wall -Wextra -Werror "${sanitize[@]}" "$here/example.c" "${flags[@]}" -o "$scratch/example"
cc -x c++ -std=c++17 -Wall -Wextra -fsyntax-only -include sales/v1/sales_agent.client.h "${flags[@]}" /dev/null ||
    fail "the headers are not C++"

foreign=$(nm -D --defined-only "$lib/libsales.so" | awk '{print $3}' |
    grep -vE '^(sales_|google__protobuf__(timestamp|duration|field_mask)__)' || true)
[ -z "$foreign" ] || fail "exported by mistake: $foreign"
! grep -rlE '"(base|schema|internal)/' "$scratch/usr/include" || fail "an installed header needs one of ours"

mkfifo "$scratch/in"
/usr/bin/python3 "$here/../peer.py" "$build/gen/sales_descriptor_set.pb" "unix:$scratch/s" \
    <"$scratch/in" >"$scratch/out" &
peer_pid=$!
exec 9>"$scratch/in"
until grep -q ready "$scratch/out"; do kill -0 $peer_pid || fail "the peer died"; sleep 0.05; done

[ "$("$scratch/example" "unix:$scratch/s" key lead-1)" = lead-1 ] || fail "no answer"
if "$scratch/example" "unix:$scratch/s" key "fail=NOT_FOUND detail=1" 2>"$scratch/error"; then
    fail "a failure was not told"
fi
grep -q "NOT_FOUND: attempt 1" "$scratch/error" || fail "wrong error: $(cat "$scratch/error")"
grep -q "lead.email: must be an address" "$scratch/error" || fail "no violations"
echo "installed library: $(nm -D --defined-only "$lib/libsales.so" | wc -l) symbols, $(stat -Lc %s "$lib/libsales.so") bytes"
