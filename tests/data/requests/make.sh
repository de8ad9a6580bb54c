#!/bin/sh
# Made the files of this folder with OpenSSL 3.0; kept to show how. Made anew they differ
# in keys, signatures and serial numbers, and the tests' tables must follow.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
request() { # name, options of req
    name=$1
    shift
    openssl req -new -key "$work/$name.key" -outform DER -out "$name.der" "$@"
}
for row in ec-p256:EC:ec_paramgen_curve:P-256 ec-p384:EC:ec_paramgen_curve:P-384 ec-p521:EC:ec_paramgen_curve:P-521 \
    ec-secp256k1:EC:ec_paramgen_curve:secp256k1 rsa-2048:RSA:rsa_keygen_bits:2048 rsa-3072:RSA:rsa_keygen_bits:3072; do
    name=${row%%:*} rest=${row#*:}
    openssl genpkey -quiet -algorithm "${rest%%:*}" -pkeyopt "${rest#*:}" -out "$work/$name.key"
    request "$name" -subj "/CN=$name.example.test" -addext "subjectAltName=DNS:$name.example.test"
done
openssl genpkey -quiet -algorithm ED25519 -out "$work/ed25519.key"
request ed25519 -subj /CN=ed25519.example.test -addext subjectAltName=DNS:ed25519.example.test
cp "$work/rsa-2048.key" "$work/pss.key"
request pss -subj /CN=pss.example.test -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
cp "$work/rsa-2048.key" "$work/sha1.key"
request sha1 -subj /CN=sha1.example.test -sha1
cp "$work/ec-p256.key" "$work/bare.key"
request bare -subj /CN=bare.example.test
cp "$work/ec-p256.key" "$work/everything.key"
request everything -config everything.cnf
# A list of an authority of OpenSSL's own: three entries, two of them with reasons.
cd "$work"
openssl req -x509 -new -key ec-p256.key -subj "/CN=List CA" -days 3650 -out ca.pem
printf '[ca]\ndatabase=index\nserial=serial\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=3650\ncrl_extensions=crl\n[crl]\nauthorityKeyIdentifier=keyid\n' >ca.cnf
printf 'R\t390101000000Z\t250101000000Z,keyCompromise\t7F01\tunknown\t/CN=a\nR\t390101000000Z\t250102030405Z\t00FFEEDDCCBBAA99887766554433221100\tunknown\t/CN=b\nR\t390101000000Z\t250103000000Z,superseded\t02\tunknown\t/CN=c\nV\t390101000000Z\t\t03\tunknown\t/CN=d\n' >index
echo 1234 >number
openssl ca -config ca.cnf -name ca -gencrl -keyfile ec-p256.key -cert ca.pem -out list.pem
cd "$OLDPWD"
openssl x509 -in "$work/ca.pem" -outform DER -out list-ca.der
openssl crl -in "$work/list.pem" -outform DER -out list.der
