#!/bin/sh
# Checks that the tools of the named sets are installed:
#
#     sh lib/deps/tools.sh SET...           (no SET: list them)
#
# What is missing is installed through apt when run as root; otherwise the
# command to run is printed and the exit status is 1, with nothing done. What
# is found counts, wherever it comes from: apt is asked for nothing that is
# there already.
#
# One row a tool: set, probe, package. A probe is a command or, when it begins
# with a slash, a file (a pattern will do). To add a tool, add a row.

set -eu

table() {
    cat <<'END'
build    gcc                                              gcc
build    /usr/include/stdio.h                             libc6-dev
build    /usr/include/linux/version.h                     linux-libc-dev
build    ar                                               binutils
build    make                                             make
build    musl-gcc                                         musl-tools
build    /usr/lib/x86_64-linux-musl/libc.a                musl-dev
build    dpkg-source                                      dpkg-dev
build    patch                                            patch
build    xz                                               xz-utils
build    bzip2                                            bzip2
windows  x86_64-w64-mingw32-gcc                           gcc-mingw-w64-x86-64-win32
fuzz     clang                                            clang
fuzz     llvm-symbolizer                                  llvm
fuzz     /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a  libclang-rt-dev
lint     clang-tidy                                       clang-tidy
test     clang-format                                     clang-format
lint     clang-format                                     clang-format
lint     cppcheck                                         cppcheck
run      openssl                                          openssl
test     openssl                                          openssl
test     nginx                                            nginx
test     strace                                           strace
test     gnutls-cli                                       gnutls-bin
test     curl                                             curl
test     ip                                               iproute2
test     unshare                                          util-linux
test     readelf                                          binutils
test     mandoc                                           mandoc
test     groff                                            groff-base
test     zsh                                              zsh
test     fish                                             fish
test     python3                                          python3
test     postfix                                          postfix
test     cron                                             cron
test     pk12util                                         libnss3-tools
test     dovecot                                          dovecot-core
test     /usr/lib/dovecot/imap                            dovecot-imapd
test     /usr/lib/dovecot/pop3                            dovecot-pop3d
test     /usr/lib/dovecot/lmtp                            dovecot-lmtpd
test     /usr/lib/dovecot/managesieve                     dovecot-managesieved
test     vsftpd                                           vsftpd
test     slapd                                            slapd
test     /usr/lib/postgresql/*/bin/postgres               postgresql
test     mariadbd                                         mariadb-server-core
test     prosody                                          prosody
test     inspircd                                         inspircd
test     xrdp                                             xrdp
test     cupsd                                            cups-daemon
test     /usr/include/openssl/ssl.h                       libssl-dev
test     /usr/share/ca-certificates/mozilla               ca-certificates
test     /usr/lib/python3/dist-packages/cryptography_vectors/x509  python3-cryptography-vectors
coverage gcovr                                            gcovr
bench    openssl                                          openssl
bench    nginx                                            nginx
bench    python3                                          python3
bench    xargs                                            findutils
bench    /usr/bin/time                                    time
bench    nmap                                             nmap
bench    sslscan                                          sslscan
bench    /usr/include/openssl/ssl.h                       libssl-dev
bench    /usr/include/sqlite3.h                           libsqlite3-dev
wine     wine                                             wine
dist     dpkg-deb                                         dpkg
dist     rpmbuild                                         rpm
dist     makensis                                         nsis
dist     zip                                              zip
package  lintian                                          lintian
package  rpmlint                                          rpmlint
package  debootstrap                                      debootstrap
package  strace                                           strace
gui      chromium                                         chromium
gui      node                                             nodejs
gui      npm                                              npm
END
}

die() { printf 'tools: %s\n' "$*" >&2; exit 1; }

# Is the tool there? Daemons live where a user's PATH may not look.
found() {
    case $1 in
        /*) set -- $1; [ -e "$1" ] ;;
        *)  PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1 ;;
    esac
}

# The packages that the sets lack, each once.
lacking() {
    table | while read -r set probe package; do
        case " $* " in *" $set "*) found "$probe" || echo "$package" ;; esac
    done | sort -u | tr '\n' ' '
}

# A test peer must not become a service of this machine: as long as apt runs,
# a policy forbids starting any, unless the machine has a policy of its own.
policy=/usr/sbin/policy-rc.d
forbid_services() {
    [ ! -e $policy ] || return 0
    trap 'rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
}

# Nor at the machine's next start: what apt has switched on is switched off again.
switched_on() {
    systemctl --root=/ list-unit-files --state=enabled --no-legend 2>/dev/null | cut -d ' ' -f 1
    ls /etc/rc2.d 2>/dev/null | sed -n 's/^S[0-9][0-9]/init:/p'
}

switch_off_but() {
    for name in $(switched_on); do
        case " $1 " in
            *" $name "*) ;;
            *)  case $name in
                    init:*) update-rc.d "${name#init:}" disable ;;
                    *)      systemctl --root=/ disable "$name" ;;
                esac >/dev/null 2>&1 || echo "tools: $name was switched on, and cannot be switched off" >&2 ;;
        esac
    done
}

# Postfix asks what it is to be: nothing. The test brings a configuration of its own.
preseed() {
    case " $* " in
        *" postfix "*)
            echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections ;;
    esac
}

# One at a time, also where make asks for several sets at once.
install() {
    exec 9>"${TMPDIR:-/tmp}/clm-tools.lock"
    flock 9
    set -- $(lacking $sets_wanted)
    [ $# -gt 0 ] || return 0
    export DEBIAN_FRONTEND=noninteractive
    printf '  INSTALL  %s\n' "$*"
    preseed "$@"
    forbid_services
    before=$(switched_on | tr '\n' ' ')
    apt-get -qq update || echo 'tools: not all package lists could be read' >&2
    apt-get -qq -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=300 install "$@" \
        >/dev/null </dev/null || die "apt-get could not install $*"
    switch_off_but "$before"
}

sets=$(table | cut -d ' ' -f 1 | uniq | tr '\n' ' ')
[ $# -gt 0 ] || die "name one or more of: $sets"
for set do
    case " $sets" in *" $set "*) ;; *) die "no set \"$set\"; there are: $sets" ;; esac
done

missing=$(lacking "$@")
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    printf 'Tools are missing. As root, run:\n\n    apt-get install --no-install-recommends %s\n\n' "${missing% }" >&2
    exit 1
fi
sets_wanted=$*
install
missing=$(lacking "$@")
[ -z "$missing" ] || die "installed, but still not found: what $missing should bring"
