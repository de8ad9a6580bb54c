#!/bin/sh
# The files of the Linux packages, as they lie on a host:
#
#     sh dist/root.sh FOLDER BINARY LICENCES
#
# deb.sh and rpm.sh pack the folder. Links, manual pages and completion come out of the
# binary; units and cron lines out of `jobs`, for the commands that the binary has.
set -eu

root=$1 clm=$2 licences=$3
here=$(dirname "$0")
units=$root/usr/lib/systemd/system

# The rows whose command is there; blanks around "|" taken away.
rows() {
    sed -e '/^#/d' -e 's/ *| */|/g' "$here/jobs" | while IFS= read -r row; do
        command=$(echo "$row" | cut -d '|' -f 2)
        set -- $command
        ! "$clm" "$1" "$2" --help >/dev/null 2>&1 || echo "$row"
    done
}

# fill TEMPLATE KIND NAME VALUE...: @NAME@ by values, @KIND@ by that file's lines.
fill() {
    template=$1 kind=$2
    shift 2
    script=$(while [ $# -gt 0 ]; do printf 's|@%s@|%s|g\n' "$1" "$2"; shift 2; done)
    sed -e "$script" -e "/^@KIND@\$/{
        r $here/systemd/$kind.conf
        d
    }" "$here/systemd/$template"
}

job() {
    page=$(echo "$command" | cut -d ' ' -f 1,2 | tr ' ' -)
    set -- KIND "$kind" DESCRIPTION "$description" PAGE "$page" NEEDS "$needs" USER "$user" HOME "$home" \
        COMMAND "$command" EXITS "$exits" STATE "${home#/var/lib/}" CALENDAR "$calendar" DELAY "$delay"
    shift 2
    fill job.service "$kind" "$@" | sed '/^SuccessExitStatus=$/d' >"$units/$unit.service"
    fill job.timer "$kind" "$@" >"$units/$unit.timer"
    echo "$cron $user [ -d /run/systemd/system ] || [ ! -x /usr/bin/clm ] || [ ! -e $needs ] ||" \
        "${command%% *} ${command#* }${more:+ $more}" >>"$root/etc/cron.d/clm"
    echo "enable $unit.timer" >>"$root/usr/lib/systemd/system-preset/80-clm.preset"
}

install -d -m 755 "$root" "$root/etc/clm" "$root/etc/cron.d" "$root/var/lib/clm" "$root/usr/bin" "$units" \
    "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d" "$root/usr/lib/systemd/system-preset"
install -m 755 "$clm" "$root/usr/bin/clm"
for applet in ers clm-server clm-export; do ln -s clm "$root/usr/bin/$applet"; done

install -m 644 "$here/sysusers.conf" "$root/usr/lib/sysusers.d/clm.conf"
install -m 644 "$here/tmpfiles.conf" "$root/usr/lib/tmpfiles.d/clm.conf"
fill clm-server.service sealed >"$units/clm-server.service"
cat >"$root/etc/cron.d/clm" <<'HEAD'
# For machines without systemd; where it runs, its timers do this.
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HEAD
# The server starts when an administrator has set it up and says so.
echo 'disable clm-server.service' >"$root/usr/lib/systemd/system-preset/80-clm.preset"
rows | while IFS='|' read -r unit command user home needs kind calendar delay exits cron more description; do
    job
done

sh "$here/pages.sh" "$root/usr/share" "$clm" "$licences"
rm "$root/usr/share/doc/clm/LICENSE"   # deb.sh and rpm.sh have a place of their own for it
