#!/bin/sh
# usage: golden.sh GEN [--update]
# Compares what the build generated from golden/shapes.proto under GEN with golden/expected, byte for
# byte; with --update makes the output the expectation.
set -eu
here=$(dirname "$0")
gen=$1
failed=0
for suffix in .h .rules.h .rules.c .service.h .service.c .client.h; do
    got=$gen/golden/shapes$suffix
    want=$here/golden/expected/shapes$suffix
    if [ "${2-}" = --update ]; then
        mkdir -p "$here/golden/expected"
        cp "$got" "$want"
    elif ! cmp -s "$want" "$got"; then
        diff -u "$want" "$got" || true
        failed=1
    fi
done
if [ $failed = 1 ]; then
    echo "The generator's output changed. When that is intended: $0 $gen --update" >&2
fi
exit $failed
