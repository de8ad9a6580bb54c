#!/bin/sh
# The Debian package of a folder made by root.sh:
#
#     sh dist/deb.sh ROOT OUT.deb VERSION
#
# No debhelper: what its scripts would do is short, and stands in deb/. SOURCE_DATE_EPOCH
# is the time of all that is in it.
set -eu

root=$1 out=$2 version=$3
here=$(dirname "$0")
doc=$root/usr/share/doc/clm
units=$root/usr/lib/systemd/system
control=$root/DEBIAN
maintainer=$(cat "$here/maintainer")

names() { (cd "$units" && ls ./*."$1" | sed 's,./,,' | tr '\n' ' ' | sed 's/ $//'); }

mkdir -p "$root/usr/share/zsh/vendor-completions" "$control"
mv "$root/usr/share/zsh/site-functions/_clm" "$root/usr/share/zsh/vendor-completions/"
rmdir "$root/usr/share/zsh/site-functions"

{ cat "$here/deb/copyright"; sed -n '5,$s/^/ /p' LICENSE | sed 's/^ $/ ./'; } >"$doc/copyright"
{
    printf 'clm (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md for what is new.\n\n' "$version"
    printf ' -- %s  %s\n' "$maintainer" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")"
} >"$doc/changelog"
find "$doc" "$root/usr/share/man" \( -name changelog -o -name '*.1' -o -size +8 -name '*.txt' \) -type f -exec gzip -9n {} +

install -d -m 755 "$root/usr/share/lintian/overrides"
install -m 644 "$here/deb/lintian-overrides" "$root/usr/share/lintian/overrides/clm"

for script in postinst prerm postrm; do
    sed -e "s/@TIMERS@/$(names timer)/g" -e "s/@SERVICES@/$(names service)/g" "$here/deb/$script" >"$control/$script"
    chmod 755 "$control/$script"
done
echo /etc/cron.d/clm >"$control/conffiles"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f ! -path './etc/*' -printf '%P\n' | sort | xargs md5sum) >"$control/md5sums"
size=$(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@MAINTAINER@/$maintainer/" -e "s/@SIZE@/$size/" "$here/deb/control" >"$control/control"

find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$root" "$out" >/dev/null
