#!/bin/sh
# How the files of this folder were made: OpenSSL 3.0, OpenJDK's keytool 17. Run in an empty
# folder; certificates differ each time, so all of them are made anew together.
set -eu
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 36500 -subj "/CN=container root" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -out leaf.csr -subj "/CN=container leaf" 2>/dev/null
openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 36500 -out leaf.pem 2>/dev/null
openssl x509 -in ca.pem -outform DER -out ca.der
openssl x509 -in leaf.pem -outform DER -out leaf.der

# PKCS#7: DER and PEM without signers, and BER in parts with one.
openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -outform DER -out two.p7b
openssl crl2pkcs7 -nocrl -certfile leaf.pem -certfile ca.pem -out two-p7.pem
head -c 9000 /dev/zero | openssl cms -sign -binary -nodetach -stream -signer leaf.pem -inkey leaf.key \
    -certfile ca.pem -outform DER -out ber.p7m

# PKCS#12; the password is "right" where the name does not say otherwise.
p12() { out=$1; shift; openssl pkcs12 -export -in leaf.pem -inkey leaf.key -certfile ca.pem -name "leaf name" \
    -caname "root name" -out "$out" "$@"; }
p12 pbes2.p12 -passout pass:right
p12 pbes2-sha512.p12 -passout pass:right -certpbe AES-128-CBC -keypbe AES-192-CBC -macalg sha512
p12 legacy.p12 -passout pass:right -legacy
p12 3des.p12 -passout pass:right -certpbe PBE-SHA1-3DES -keypbe PBE-SHA1-3DES -macalg sha1
p12 2des.p12 -passout pass:right -certpbe PBE-SHA1-2DES -keypbe PBE-SHA1-2DES -iter 3 -provider legacy -provider default
p12 rc2-128.p12 -passout pass:right -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-128 -provider legacy -provider default
p12 rc4.p12 -passout pass:right -certpbe PBE-SHA1-RC4-128 -provider legacy -provider default
p12 nomac.p12 -passout pass:right -nomac
p12 empty.p12 -passout pass: -certpbe PBE-SHA1-3DES
p12 clear.p12 -passout pass:right -certpbe NONE
p12 utf8.p12 -passout pass:"$(printf '\303\244\342\202\254\360\237\224\221')" -certpbe PBE-SHA1-3DES

# Java. Modern PKCS#12, the PKCS#12 of before 2021, JKS and JCEKS; one entry is a certificate.
java_store() { out=$1; type=$2; shift 2
    keytool "$@" -importkeystore -noprompt -srckeystore pbes2.p12 -srcstorepass right -destkeystore "$out" \
        -deststoretype "$type" -deststorepass rightly -srcalias "leaf name" -destalias "leaf name" 2>/dev/null
    keytool "$@" -importcert -noprompt -alias "root name" -file ca.pem -keystore "$out" -storetype "$type" \
        -storepass rightly 2>/dev/null; }
java_store java.p12 PKCS12
java_store java-old.p12 PKCS12 -J-Dkeystore.pkcs12.legacy
java_store java.jks JKS
java_store java.jceks JCEKS
keytool -genseckey -alias "a secret" -keyalg AES -keysize 128 -keystore java.jceks -storetype JCEKS -storepass rightly 2>/dev/null
rm -f ca.key leaf.csr leaf.key ca.srl
