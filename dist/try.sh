#!/bin/bash
# A whole installation on loopback, to look at: a server, an agent, and five TLS
# endpoints with made certificates. `make run` calls it with the folder of the
# binaries; all that it makes lies below build/run (CLM_TRY_HOME: elsewhere), and a
# second run goes on there.
#
#   dist/try.sh BUILD-FOLDER [ONCE]     ONCE non-empty: end after the scan
set -eu

bin=$(cd "$1" && pwd)
once=${2:-}
cd "$(dirname "$0")/.."
home=${CLM_TRY_HOME:-$PWD/build/run}
mkdir -p "$home/endpoints"
processes=()

die() {
    echo "make run: $*" >&2
    exit 1
}

stop_all() {
    trap - EXIT INT TERM
    for p in "${processes[@]}"; do kill "$p" 2>/dev/null || true; done
    wait 2>/dev/null || true
}
trap stop_all EXIT
trap 'stop_all; exit 130' INT
trap 'stop_all; exit 143' TERM

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The first port from $1 on where nothing listens; says so when it moves on.
free_port() {
    local port=$1
    while is_taken "$port"; do
        echo "port $port is taken, trying $((port + 1))" >&2
        port=$((port + 1))
    done
    echo "$port"
}

wait_for() { # what, process, command...
    local what=$1 process=$2 i
    shift 2
    for i in $(seq 100); do
        "$@" && return
        kill -0 "$process" 2>/dev/null || die "$what ended; see $home/$what.log"
        sleep 0.1
    done
    die "$what did not start within 10 s; see $home/$what.log"
}

json_text() { sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | head -n 1; }

# ---- five certificates: name, days from now to the end, key, hash, signed by -----

make_certificate() {
    local name=$1 end=$2 bits=$3 hash=$4 issuer=$5 dir=$home/endpoints
    local from to ca=()
    from=$(date -u -d "-90 days" +%Y%m%d%H%M%SZ)
    to=$(date -u -d "$end" +%Y%m%d%H%M%SZ)
    [ "$issuer" = self ] && ca=(-selfsign -keyfile "$dir/$name.key") ||
        ca=(-cert "$dir/issuer.pem" -keyfile "$dir/issuer.key")
    openssl req -new -newkey "rsa:$bits" -nodes -keyout "$dir/$name.key" -out "$dir/$name.csr" \
        -subj "/O=Example/CN=$name.example.test" -addext "subjectAltName=DNS:$name.example.test"
    openssl ca -batch -notext -config "$dir/ca.cnf" -md "$hash" -startdate "$from" -enddate "$to" \
        -in "$dir/$name.csr" -out "$dir/$name.pem" "${ca[@]}"
}

make_certificates() {
    local dir=$home/endpoints
    cat >"$dir/ca.cnf" <<END
[ca]
default_ca = made
[made]
database = $dir/index
new_certs_dir = $dir
rand_serial = yes
unique_subject = no
policy = any
copy_extensions = copy
x509_extensions = leaf
[any]
organizationName = optional
commonName = supplied
[leaf]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
END
    : >"$dir/index"
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/issuer.key" -out "$dir/issuer.pem" -days 1000 \
        -subj "/O=Example/CN=Example Issuing CA"
    make_certificate good "60 days" 2048 sha256 issuer
    make_certificate ending "6 days 1 hour" 2048 sha256 issuer
    make_certificate expired "-2 days" 2048 sha256 issuer
    make_certificate self-signed "200 days" 2048 sha256 self
    make_certificate weak "100 days" 1024 sha1 issuer
    date +%F >"$dir/made"
}

# Made anew each day, so that "six days left" stays true.
if [ "$(cat "$home/endpoints/made" 2>/dev/null)" != "$(date +%F)" ]; then
    make_certificates >"$home/openssl.log" 2>&1 || die "openssl could not make the certificates; see $home/openssl.log"
fi

# ---- the endpoints --------------------------------------------------------------

ports=
next=9440
for name in good ending expired self-signed weak; do
    port=$(free_port $next)
    openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$home/endpoints/$name.pem" -key "$home/endpoints/$name.key" \
        -cert_chain "$home/endpoints/issuer.pem" -cipher "DEFAULT:@SECLEVEL=0" \
        >"$home/endpoint-$name.log" 2>&1 </dev/null &
    processes+=($!)
    wait_for "endpoint-$name" $! is_taken "$port"
    ports=$ports${ports:+,}$port
    next=$((port + 1))
done

# ---- the server -----------------------------------------------------------------

port=$(free_port 8443)
if [ ! -e "$home/server/server.conf" ]; then
    "$bin/clm-server" init --name localhost,127.0.0.1 --listen "127.0.0.1:$port" --data "$home/server" --json \
        >"$home/init.json" || die "clm-server init failed"
fi
"$bin/clm-server" run --listen "127.0.0.1:$port" --data "$home/server" >"$home/server.log" 2>&1 </dev/null &
server=$!
processes+=($server)
wait_for server $server is_taken "$port"
url=https://localhost:$port
root=$(json_text root_sha256 <"$home/init.json")

# ---- the agent ------------------------------------------------------------------

# After a move to another port the same agent enrols again, and keeps its history.
if ! grep -qs "^server = $url\$" "$home/agent/ers.conf"; then
    again=()
    [ -e "$home/agent/ers.conf" ] && again=(--for local)
    "$bin/clm-server" token create --data "$home/server" --quiet "${again[@]}" |
        "$bin/ers" login "$url" --config "$home/agent" --name local --token-file - || die "ers login failed"
fi
"$bin/ers" discover --config "$home/agent" --servers "127.0.0.1" --ports "$ports" || die "ers discover failed"
echo
"$bin/ers" scan --config "$home/agent" --all || die "ers scan failed"

link=$("$bin/clm-server" user link admin --data "$home/server" --json | json_text link)
cat <<END

GUI       $url
log in    $link
          (once, within 24 hours: it sets the password of admin)
trust     the browser warns until it knows the root, SHA-256
          $root
          $home/server/root.pem
agent     $bin/ers status --config $home/agent
export    $bin/clm-export --data $home/server --format csv
END
[ -n "$once" ] && exit 0
echo
echo "Ctrl-C ends it."
trap 'stop_all; exit 0' INT TERM
wait $server
