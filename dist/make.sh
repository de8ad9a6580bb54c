#!/bin/sh
# Makes all that users get, from the binaries of both systems, into build/dist. `make dist`
# builds the binaries and calls it.
#
# The same sources give the same bytes: nothing of the day, the user or the folder is in
# the results. SOURCE_DATE_EPOCH, their one time, is that of the commit.
set -eu
umask 022

cd "$(dirname "$0")/.."
version=$(sh dist/version.sh)
: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct 2>/dev/null || echo 1767225600)}"
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
out=$PWD/build/dist
work=$out/work
linux=build/linux-x86_64/clm
licences=build/deps/linux-x86_64/licenses.txt

say() { printf '  DIST     %s\n' "$1"; }

tarball() {
    name=clm-$version-linux-x86_64
    folder=$work/$name
    install -d -m 755 "$folder/bin"
    install -m 755 $linux "$folder/bin/clm"
    for applet in ers clm-server clm-export; do ln -s clm "$folder/bin/$applet"; done
    sh dist/pages.sh "$folder/share" $linux $licences
    (cd "$work" && tar --sort=name --format=ustar --owner=0 --group=0 --numeric-owner \
        --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name") | gzip -9n >"$out/$name.tar.gz"
    say "$name.tar.gz"
}

rm -rf "$out"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

tarball
sh dist/root.sh "$work/root" $linux $licences
cp -a "$work/root" "$work/deb"
sh dist/deb.sh "$work/deb" "$out/clm_${version}_amd64.deb" "$version"
say "clm_${version}_amd64.deb"
sh dist/rpm.sh "$work/root" "$out/clm-$version-1.x86_64.rpm" "$version" "$work/rpm"
say "clm-$version-1.x86_64.rpm"
sh dist/windows.sh "$out/clm-$version-windows-x86_64" "$version" "$work" build/windows-x86_64/clm.exe \
    build/deps/windows-x86_64/licenses.txt $linux
say "clm-$version-windows-x86_64.zip and -setup.exe"
(cd "$out" && sha256sum clm* >SHA256SUMS)
