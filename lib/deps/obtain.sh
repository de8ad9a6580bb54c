#!/bin/sh
# Obtains the source text of every foreign package, once for all targets:
#
#     sh lib/deps/obtain.sh [FOLDER [PACKAGE...]]        (FOLDER: build/deps)
#
# FOLDER/src/NAME holds the unpacked package afterwards, NAME being the name
# Debian gives it, without a version. What is there already is left alone, so
# a second run needs no network and does nothing. Source packages that are named
# are obtained in place of those that we are built from (`make corpus` does that).
#
# Where from: a list of sources of our own, derived from the machine's apt
# configuration (one-line files and deb822 files). Only entries for Debian's
# archive count: component main, a suite of this release, no keyring but
# Debian's. Each gets a deb-src side. The machine's lists, caches and pins are
# neither read nor written; everything of apt's lies in FOLDER/apt. Who has a
# mirror that signs with its own key names a file of sources in DEPS_SOURCES.
#
# Trust: apt checks the signature of the archive and the hash of each file;
# whatever the machine's configuration allows beyond that is forbidden here.
#
# Left out: building (deps.mk), installing tools (tools.sh).

set -eu
umask 022

SOURCES='bearssl zlib curl libuv1 libsodium c-ares h2o cmocka'
BINARIES='libjsmn-dev'
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf '  OBTAIN   %s\n' "$*"; }
die() { printf 'obtain: %s\n' "$*" >&2; exit 1; }

# Entries of one-line files, as the fields of a deb822 stanza, "Name: value"
# joined by tabs: one line each.
one_line_entries() {
    cat /dev/null "$@" | awk '
    function field(name) {      # signed-by -> Signed-By, arch -> Architectures
        if (name == "arch") return "Architectures"
        n = split(name, part, "-"); out = ""
        for (i = 1; i <= n; i++)
            out = out (i > 1 ? "-" : "") toupper(substr(part[i], 1, 1)) substr(part[i], 2)
        return out
    }
    { sub(/#.*/, "") }
    $1 != "deb" && $1 != "deb-src" { next }
    {
        line = $0; options = ""
        sub(/^[ \t]*deb(-src)?[ \t]+/, "", line)
        if (line ~ /^\[/) {
            end = index(line, "]")
            count = split(substr(line, 2, end - 2), option, /[ \t]+/)
            line = substr(line, end + 1)
            for (o = 1; o <= count; o++) {
                at = index(option[o], "=")
                if (at == 0 || option[o] ~ /[+-]=/) continue
                value = substr(option[o], at + 1); gsub(/,/, " ", value)
                options = options "\t" field(substr(option[o], 1, at - 1)) ": " value
            }
        }
        count = split(line, word, /[ \t]+/)
        first = word[1] == "" ? 2 : 1
        components = ""
        for (w = first + 2; w <= count; w++) components = components " " word[w]
        print "URIs: " word[first] "\tSuites: " word[first + 1] "\tComponents:" components options
    }'
}

# The same from deb822 files. A value that goes on over several lines (a key
# written into the file) keeps its line breaks as the byte 1.
deb822_entries() {
    for file do cat "$file"; echo; done | awk '
    function flush() { if (entry != "") print entry; entry = "" }
    /^#/ { next }
    /^[ \t]*$/ { flush(); next }
    /^[ \t]/ { entry = entry "\001" $0; next }
    { gsub(/\t/, " "); entry = entry (entry == "" ? "" : "\t") $0 }
    END { flush() }'
}

# Keeps the entries for this release of Debian's archive, one stanza for each
# address and suite, both binary and source.
debian_only() {
    awk -F '\t' -v codename="$1" -v arch="$2" -v keyring="$3" '
    BEGIN { suites = "^(" codename "|stable|oldstable)(-updates|-security|/updates)?/?$" }
    {
        uris = wanted = key = rest = ""; enabled = 1; has_main = 0
        for (f = 1; f <= NF; f++) {
            at = index($f, ":")
            name = tolower(substr($f, 1, at - 1)); value = substr($f, at + 1)
            flat = value; gsub(/\001/, " ", flat); sub(/^ +/, "", flat); sub(/ +$/, "", flat)
            if (name == "uris") uris = flat
            else if (name == "suites") wanted = flat
            else if (name == "components") has_main = (" " flat " ") ~ / main /
            else if (name == "enabled") enabled = tolower(flat) !~ /^(no|false|0|off|without|disable)$/
            else if (name == "signed-by") key = value
            else if (name !~ /^(types|architectures|targets|languages|trusted|allow-.*|x-.*|description)$/)
                rest = rest $f "\n"
        }
        if (!enabled || !has_main) next
        if (key ~ /^ *\// && key !~ /\/debian-archive-[^\/]*$/) next
        if (key == "" && keyring != "") key = " " keyring
        gsub(/\001/, "\n", key)
        count = split(uris, uri, / +/); suite_count = split(wanted, suite, / +/)
        for (u = 1; u <= count; u++) for (s = 1; s <= suite_count; s++) {
            same = uri[u]; sub(/\/+$/, "", same); same = same " " suite[s]
            if (uri[u] ~ /^cdrom:/ || suite[s] !~ suites || same in seen) continue
            seen[same] = 1
            printf "Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\n", uri[u], suite[s]
            printf "Architectures: %s\nTargets: Packages Sources\n", arch
            if (key != "") printf "Signed-By:%s\n", key
            printf "%s\n", rest
        }
    }'
}

# Writes the list of sources and apt's configuration.
configure_apt() {
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    if [ -n "${DEPS_SOURCES:-}" ]; then
        [ -r "$DEPS_SOURCES" ] || die "cannot read $DEPS_SOURCES"
        list=$apt/given.${DEPS_SOURCES##*.}
        cp "$DEPS_SOURCES" "$list"
    else
        list=$apt/debian.sources
        codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
        [ -r "$KEYRING" ] || KEYRING=
        set -- /etc/apt/sources.list /etc/apt/sources.list.d/*.list
        for file do shift; [ ! -r "$file" ] || set -- "$@" "$file"; done
        { one_line_entries "$@"
          set -- /etc/apt/sources.list.d/*.sources
          for file do shift; [ ! -r "$file" ] || set -- "$@" "$file"; done
          deb822_entries "$@"
        } | debian_only "$codename" "$(dpkg --print-architecture)" "$KEYRING" >"$list"
        [ -s "$list" ] || die "no entry for Debian $codename (main) among the machine's apt sources;" \
            "name a file of sources in DEPS_SOURCES"
    fi
    cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
Acquire::Retries "3";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
}

apt_get() { apt-get -qq -c "$apt/apt.conf" "$@"; }

# Downloads the named packages into a fresh folder. That an update fails in
# part is no reason to stop: apt uses no index that it could not verify.
download() {
    new=$apt/new
    rm -rf "$new"
    mkdir -p "$new"
    [ "$(id -u)" != 0 ] || chown _apt "$new" 2>/dev/null || true
    say "index of Debian's archive"
    apt_get update || say "not all of the index could be read"
    say "$1$2"
    cd "$new"
    { [ -z "$1" ] || apt_get source --download-only $1
      [ -z "$2" ] || apt_get download $2
    } >"$apt/log" || { cat "$apt/log" >&2; die "apt could not download every package"; }
    cd "$root"
}

# unpack NAME: from the download to src/NAME, whole or not at all. That gpgv
# knows no key of the package's maintainer is no matter: apt has compared the
# files with the signed index.
unpack() {
    rm -rf "$src/.$1"
    if [ -n "$(find "$new" -name "$1_*.dsc")" ]; then
        dpkg-source -q --no-copy -x "$new/$1"_*.dsc "$src/.$1" >"$apt/log" 2>&1
    else
        dpkg-deb -x "$new/$1"_*.deb "$src/.$1" >"$apt/log" 2>&1
    fi || { cat "$apt/log" >&2; die "cannot unpack $1"; }
    [ "$1" != h2o ] || only h2o deps/picohttpparser debian
    mv "$src/.$1" "$src/$1"
}

# only NAME PATH...: drops all else of a large package.
only() {
    whole=$src/.$1.whole name=$1
    shift
    rm -rf "$whole"
    mv "$src/.$name" "$whole"
    for path do
        mkdir -p "$src/.$name/$(dirname "$path")"
        mv "$whole/$path" "$src/.$name/$path"
    done
    rm -rf "$whole"
}

missing() {
    for name do [ -d "$src/$name" ] || printf '%s ' "$name"; done
}

main() {
    mkdir -p "$1/src" "$1/apt"
    root=$(cd "$1" && pwd -P)
    shift
    [ $# -eq 0 ] || { SOURCES=$* BINARIES=; }
    src=$root/src apt=$root/apt
    exec 9>"$apt/lock"
    flock 9                     # two targets may be built at the same time
    wanted=$(missing $SOURCES) wanted_binaries=$(missing $BINARIES)
    [ -n "$wanted$wanted_binaries" ] || return 0
    configure_apt
    download "$wanted" "$wanted_binaries"
    for name in $wanted $wanted_binaries; do unpack "$name"; done
    rm -rf "$new"
}

[ $# -gt 0 ] || set -- build/deps
main "$@"
