#!/bin/sh
# Writes the licence texts of everything that is linked into a binary of ours:
#
#     sh lib/deps/licenses.sh FILE [TARGET]      (TARGET: linux-x86_64)
#
# The texts are those of the packages as obtained, and of the C library that a
# static binary holds. What only tests use (cmocka) is left out.

set -eu

src=build/deps/src
target=${2:-linux-x86_64}

# section NAME FILE...: a heading, with Debian's version where it is known.
section() {
    version=$(sed -n '1s/.*(\(.*\)).*/ \1/p' "$src/$1/debian/changelog" 2>/dev/null || true)
    printf '%s%s\n%s\n\n' "$1" "$version" "========================================"
    shift
    for file do
        sed 's/\r$//' "$file"
        echo
    done
    echo
}

# The comment at the top of a C file.
top_comment() { sed '/\*\//q' "$1"; }

write() {
    printf 'Texts of the licences of the software contained in this program.\n\n\n'
    section bearssl "$src/bearssl/LICENSE.txt"
    section zlib "$src/zlib/LICENSE"
    section curl "$src/curl/COPYING"
    section libuv1 "$src/libuv1/LICENSE"
    section c-ares "$src/c-ares/LICENSE.md" "$src/c-ares/debian/copyright"
    section libsodium "$src/libsodium/LICENSE" "$src/libsodium/debian/copyright"
    section jsmn "$src/libjsmn-dev/usr/share/doc/libjsmn-dev/copyright"
    top_comment "$src/h2o/deps/picohttpparser/picohttpparser.c" >"$new.part"
    section picohttpparser "$new.part"
    case $target in
        linux-*)   section musl /usr/share/doc/musl-dev/copyright ;;
        windows-*) section mingw-w64 /usr/share/doc/mingw-w64-x86-64-dev/copyright ;;
    esac
}

[ $# -ge 1 ] || { echo 'usage: licenses.sh FILE [TARGET]' >&2; exit 1; }
mkdir -p "$(dirname "$1")"
new=$1.new
trap 'rm -f "$new" "$new.part"' EXIT
write >"$new"
mv "$new" "$1"
