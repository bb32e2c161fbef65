#!/bin/sh
# usage: bad.sh PLUGIN ROOT
# Runs the generator on each bad/*.proto. It must fail with the text of the file's "// expect:" line
# and write nothing.
set -eu
here=$(dirname "$0")
plugin=$1 root=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
failed=0
for file in "$here"/bad/*.proto; do
    want=$(sed -n 's|^// expect: ||p' "$file")
    if got=$(protoc --plugin=protoc-gen-sales="$plugin" --sales_out="$out" -I "$here/bad" -I "$root" \
        -I /usr/include "${file##*/}" 2>&1); then
        echo "${file##*/}: was accepted" >&2
        failed=1
    elif ! printf '%s\n' "$got" | grep -qF -- "$want"; then
        printf '%s:\n  wanted %s\n  got    %s\n' "${file##*/}" "$want" "$got" >&2
        failed=1
    fi
done
if [ -n "$(ls "$out")" ]; then
    echo "files were written in spite of errors: $(ls "$out")" >&2
    failed=1
fi
exit $failed
