#!/bin/sh
# The RPM package of a folder made by root.sh:
#
#     sh dist/rpm.sh ROOT OUT.rpm VERSION WORK
#
# WORK is a folder for rpmbuild. SOURCE_DATE_EPOCH is the time of all that is in it.
set -eu

root=$1 out=$2 version=$3 work=$4
here=$(dirname "$0")
units=$root/usr/lib/systemd/system

names() { (cd "$units" && ls ./*."$1" | sed 's,./,,' | tr '\n' ' ' | sed 's/ $//'); }

# The state folders belong to their users; the package's end leaves what is in them.
install -d -m 700 "$root/var/lib/clm/agent" "$root/var/lib/clm/server"
install -d -m 755 "$root/usr/share/licenses/clm"
install -m 644 LICENSE "$root/usr/share/licenses/clm/"
mv "$root/usr/share/doc/clm/LICENSES.txt" "$root/usr/share/licenses/clm/"
gzip -9n "$root"/usr/share/man/man1/*.1

# Folders that other packages have are left to them.
files() (
    cd "$root"
    find . -mindepth 1 \( -type f -o -type l \) -printf '/%P\n' | sort | sed \
        -e 's,^/etc/cron.d/,%config(noreplace) &,' -e 's,^/usr/share/licenses/,%license &,' -e 's,^/usr/share/doc/,%doc &,'
    cat <<LIST
%dir /etc/clm
%dir /var/lib/clm
%dir /usr/share/doc/clm
%dir /usr/share/licenses/clm
%dir %attr(0700, clm-agent, clm-agent) /var/lib/clm/agent
%dir %attr(0700, clm-server, clm-server) /var/lib/clm/server
LIST
)

mkdir -p "$work"
files >"$work/files"
sed -e "s/@VERSION@/$version/" -e "s/@DATE@/$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')/" -e "s/@MAINTAINER@/$(cat "$here/maintainer")/" -e "s,@ROOT@,$root," \
    -e "s/@TIMERS@/$(names timer)/g" -e "s/@SERVICES@/$(names service)/g" \
    -e "/^@FILES@\$/{
        r $work/files
        d
    }" "$here/rpm/clm.spec" >"$work/clm.spec"

find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
rpmbuild -bb --quiet --target x86_64-linux \
    --define "_topdir $work" --define "_rpmdir $work" --define '_rpmfilename clm.rpm' \
    --define "_dbpath $work/db" --define '_buildhost reproducible' --define 'debug_package %{nil}' \
    --define '_build_id_links none' --define '__os_install_post %{nil}' --define '_binary_payload w7.xzdio' \
    --define 'use_source_date_epoch_as_buildtime 1' --define 'clamp_mtime_to_source_date_epoch 1' \
    --define 'source_date_epoch_from_changelog 0' --define '_docdir /usr/share/doc' \
    "$work/clm.spec" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
mv "$work/clm.rpm" "$out"
