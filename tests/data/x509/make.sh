#!/bin/sh
# Made the files of this folder and ../keys with OpenSSL 3.0; kept to show how. Made anew
# they differ in keys and serial numbers, and the tests' tables must follow.
set -eu
cd "$(dirname "$0")"
key() { # name, algorithm and options of genpkey
    name=$1
    shift
    openssl genpkey -quiet "$@" -out "$name.key"
}
cert() { # name, options of req
    name=$1
    shift
    openssl req -x509 -new -key "$name.key" -subj "/C=DE/O=Example, Inc./CN=$name.example.test" -days 3650 "$@" -outform DER \
        -out "$name.der"
}
key rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
cert rsa1024 -sha1
for hash in sha224 sha256 sha384 sha512; do
    key rsa-$hash -algorithm RSA -pkeyopt rsa_keygen_bits:2048
    cert rsa-$hash -$hash
done
key rsa2047 -algorithm RSA -pkeyopt rsa_keygen_bits:2047
cert rsa2047 -sha256
key rsa2041 -algorithm RSA -pkeyopt rsa_keygen_bits:2041
cert rsa2041 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
key rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
cert rsa4096 -sha256
key rsa5120 -algorithm RSA -pkeyopt rsa_keygen_bits:5120
cert rsa5120 -sha256
key pss-sha256 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
cert pss-sha256 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
key pss-sha512-max -algorithm RSA -pkeyopt rsa_keygen_bits:2048
cert pss-sha512-max -sha512 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max
key pss-mgf -algorithm RSA -pkeyopt rsa_keygen_bits:2048
cert pss-mgf -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha256 -sigopt rsa_pss_saltlen:0
key pss-key -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
    -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32
cert pss-key -sha256
for curve in P-256 P-384 P-521 secp256k1 brainpoolP256r1; do
    key ec-$curve -algorithm EC -pkeyopt ec_paramgen_curve:$curve
    cert ec-$curve -sha256
done
key ec-P-384-sha384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
cert ec-P-384-sha384 -sha384
key ec-explicit -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
cert ec-explicit -sha256
key ed25519 -algorithm ED25519
cert ed25519
key ed448 -algorithm ED448
cert ed448
key everything -algorithm EC -pkeyopt ec_paramgen_curve:P-256
openssl req -x509 -new -key everything.key -days 3650 -outform DER -out everything.der -set_serial 0x7f0102030405060708 \
    -config everything.cnf
key rare -algorithm EC -pkeyopt ec_paramgen_curve:P-256
openssl req -x509 -new -key rare.key -days 3650 -outform DER -out rare.der -set_serial -129 -config rare.cnf
# Of more kinds, for damage: curves, DSA, string types, several attributes in one RDN, version 1, serial numbers.
for curve in P-192 P-224 brainpoolP160r1 brainpoolP384r1 brainpoolP512t1 sect233k1 sect571r1; do
    key ec-$curve -algorithm EC -pkeyopt ec_paramgen_curve:$curve
    cert ec-$curve -sha256
done
openssl genpkey -quiet -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out dsa.param
key dsa -paramfile dsa.param
cert dsa -sha256
key name -algorithm EC -pkeyopt ec_paramgen_curve:P-256
name() { # file, string mask, options of req
    printf '[req]\ndistinguished_name = dn\nprompt = no\nutf8 = yes\nstring_mask = %s\n[dn]\nO = Größe\nOU = one\n+CN = two\n+UID = 3\n' "$2" >name.cnf
    file=$1
    shift 2
    openssl req -x509 -new -key name.key -config name.cnf -multivalue-rdn -days 3650 -outform DER -out "$file.der" "$@"
}
name name-bmp MASK:0x800
name name-t61 MASK:0x4
name name-utf8 utf8only
name serial-0 utf8only -set_serial 0
name serial-minus utf8only -set_serial -1
name serial-long utf8only -set_serial 0x00ffffffffffffffffffffffffffffffffffffffff
name ip-only utf8only -addext 'subjectAltName = critical, IP:192.0.2.1'
name ca-only utf8only -addext 'basicConstraints = critical, CA:TRUE, pathlen:0' -addext 'nameConstraints = permitted;DNS:example.test'
name names utf8only -addext 'subjectAltName = DNS:a.test, DNS:b.test, URI:http://c.test/'
name usage utf8only -addext 'keyUsage = critical, digitalSignature, keyAgreement' -addext 'extendedKeyUsage = serverAuth, 1.2.3'
name pointers utf8only -addext 'authorityInfoAccess = OCSP;URI:http://a.test' -addext 'crlDistributionPoints = URI:http://a.test/crl'
openssl req -new -key name.key -subj /CN=version1 -out name.csr
openssl x509 -req -in name.csr -signkey name.key -days 3650 -outform DER -out version1.der 2>/dev/null
rm -f dsa.param name.cnf name.csr
# Keys in their three forms; the RSA one has a prime that is 1 modulo 4.
# The RSA key wants a prime that is 1 modulo 4: run again where both are 3.
openssl rsa -in rsa-sha256.key -traditional -outform DER -out ../keys/rsa-pkcs1.der 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in rsa-sha256.key -outform DER -out ../keys/rsa-pkcs8.der
openssl ec -in ec-P-256.key -outform DER -out ../keys/ec-sec1.der 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in ec-P-256.key -outform DER -out ../keys/ec-pkcs8.der
openssl pkcs8 -topk8 -nocrypt -in ec-P-384.key -outform DER -out ../keys/ec-p384-pkcs8.der
openssl pkcs8 -topk8 -nocrypt -in ed25519.key -outform DER -out ../keys/ed25519-pkcs8.der
rm -f ./*.key
