/* The table of object identifiers. See oid.h.
 *
 * Octets first, since they are what is compared; the dotted form stands beside them
 * and a test keeps both equal. Common ones lead each list. Sources: RFC 3279, 4055,
 * 4519, 5480, 5639, 5758, 8410, 8692, 9708, 9802, 9881, 9909, 9935; TC26 for GOST, GM/T
 * 0006 for SM2, draft-ietf-lamps-pq-composite-sigs for composites, CA/B for policies.
 */
#include "base/oid.h"
#include "base/der.h"

#include <string.h>

#define DER(octets)                                                                                \
    { (const uint8_t *)(octets), sizeof(octets) - 1 }

/* clang-format off */
static const struct oid_row algorithms[] = {
    {OID_RSA, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), "RSA", 0}, /* 1.2.840.113549.1.1.1 */
    {OID_EC, DER("\x2a\x86\x48\xce\x3d\x02\x01"), "EC", 0}, /* 1.2.840.10045.2.1 */
    {OID_RSA_SHA256, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b"), "sha256WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.11 */
    {OID_ECDSA_SHA256, DER("\x2a\x86\x48\xce\x3d\x04\x03\x02"), "ecdsa-with-SHA256", 0}, /* 1.2.840.10045.4.3.2 */
    {OID_ECDSA_SHA384, DER("\x2a\x86\x48\xce\x3d\x04\x03\x03"), "ecdsa-with-SHA384", 0}, /* 1.2.840.10045.4.3.3 */
    {OID_RSA_SHA384, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c"), "sha384WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.12 */
    {OID_RSA_SHA512, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d"), "sha512WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.13 */
    {OID_RSA_SHA1, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"), "sha1WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.5 */
    {OID_RSA_PSS, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), "RSASSA-PSS", 0}, /* 1.2.840.113549.1.1.10 */
    {OID_ED25519, DER("\x2b\x65\x70"), "Ed25519", 256}, /* 1.3.101.112 */
    {OID_ED448, DER("\x2b\x65\x71"), "Ed448", 456}, /* 1.3.101.113 */
    {OID_X25519, DER("\x2b\x65\x6e"), "X25519", 256}, /* 1.3.101.110 */
    {OID_X448, DER("\x2b\x65\x6f"), "X448", 448}, /* 1.3.101.111 */
    {OID_ECDSA_SHA512, DER("\x2a\x86\x48\xce\x3d\x04\x03\x04"), "ecdsa-with-SHA512", 0}, /* 1.2.840.10045.4.3.4 */
    {OID_ECDSA_SHA224, DER("\x2a\x86\x48\xce\x3d\x04\x03\x01"), "ecdsa-with-SHA224", 0}, /* 1.2.840.10045.4.3.1 */
    {OID_ECDSA_SHA1, DER("\x2a\x86\x48\xce\x3d\x04\x01"), "ecdsa-with-SHA1", 0}, /* 1.2.840.10045.4.1 */
    {OID_RSA_SHA224, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e"), "sha224WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.14 */
    {OID_RSA_X500, DER("\x55\x08\x01\x01"), "RSA", 0}, /* 2.5.8.1.1 */
    {OID_RSA_MD5, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04"), "md5WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.4 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x02"), "md2WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.2 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x03"), "md4WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.3 */
    {OID_OTHER, DER("\x2b\x0e\x03\x02\x1d"), "sha1WithRSASignature", 0}, /* 1.3.14.3.2.29 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0f"), "sha512-224WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.15 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x10"), "sha512-256WithRSAEncryption", 0}, /* 1.2.840.113549.1.1.16 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x07"), "RSAES-OAEP", 0}, /* 1.2.840.113549.1.1.7 */
    {OID_MGF1, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"), "mgf1", 0}, /* 1.2.840.113549.1.1.8 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x01\x02"), "ripemd160WithRSASignature", 0}, /* 1.3.36.3.3.1.2 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x09"), "ecdsa-with-SHA3-224", 0}, /* 2.16.840.1.101.3.4.3.9 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x0a"), "ecdsa-with-SHA3-256", 0}, /* 2.16.840.1.101.3.4.3.10 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x0b"), "ecdsa-with-SHA3-384", 0}, /* 2.16.840.1.101.3.4.3.11 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x0c"), "ecdsa-with-SHA3-512", 0}, /* 2.16.840.1.101.3.4.3.12 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x0d"), "rsassa-pkcs1-v1_5-with-SHA3-224", 0}, /* 2.16.840.1.101.3.4.3.13 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x0e"), "rsassa-pkcs1-v1_5-with-SHA3-256", 0}, /* 2.16.840.1.101.3.4.3.14 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x0f"), "rsassa-pkcs1-v1_5-with-SHA3-384", 0}, /* 2.16.840.1.101.3.4.3.15 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x10"), "rsassa-pkcs1-v1_5-with-SHA3-512", 0}, /* 2.16.840.1.101.3.4.3.16 */
    {OID_OTHER, DER("\x04\x00\x7f\x00\x07\x01\x01\x04\x01\x03"), "ecdsa-plain-SHA256", 0}, /* 0.4.0.127.0.7.1.1.4.1.3 */
    {OID_OTHER, DER("\x04\x00\x7f\x00\x07\x01\x01\x04\x01\x04"), "ecdsa-plain-SHA384", 0}, /* 0.4.0.127.0.7.1.1.4.1.4 */
    {OID_OTHER, DER("\x04\x00\x7f\x00\x07\x01\x01\x04\x01\x05"), "ecdsa-plain-SHA512", 0}, /* 0.4.0.127.0.7.1.1.4.1.5 */
    {OID_DSA, DER("\x2a\x86\x48\xce\x38\x04\x01"), "DSA", 0}, /* 1.2.840.10040.4.1 */
    {OID_OTHER, DER("\x2a\x86\x48\xce\x38\x04\x03"), "dsa-with-SHA1", 0}, /* 1.2.840.10040.4.3 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x01"), "dsa-with-SHA224", 0}, /* 2.16.840.1.101.3.4.3.1 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x02"), "dsa-with-SHA256", 0}, /* 2.16.840.1.101.3.4.3.2 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x03"), "dsa-with-SHA384", 0}, /* 2.16.840.1.101.3.4.3.3 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x04"), "dsa-with-SHA512", 0}, /* 2.16.840.1.101.3.4.3.4 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01"), "DH", 0}, /* 1.2.840.113549.1.3.1 */
    {OID_OTHER, DER("\x2a\x86\x48\xce\x3e\x02\x01"), "X9.42 DH", 0}, /* 1.2.840.10046.2.1 */
    {OID_OTHER, DER("\x2b\x81\x04\x01\x0c"), "ECDH", 0}, /* 1.3.132.1.12 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x13"), "GOST R 34.10-2001", 256}, /* 1.2.643.2.2.19 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x03"), "GOST R 34.10-2001 with GOST R 34.11-94", 0}, /* 1.2.643.2.2.3 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x01\x01\x01"), "GOST R 34.10-2012-256", 256}, /* 1.2.643.7.1.1.1.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x01\x01\x02"), "GOST R 34.10-2012-512", 512}, /* 1.2.643.7.1.1.1.2 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x01\x03\x02"), "GOST R 34.10-2012-256 with GOST R 34.11-2012-256", 0}, /* 1.2.643.7.1.1.3.2 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x01\x03\x03"), "GOST R 34.10-2012-512 with GOST R 34.11-2012-512", 0}, /* 1.2.643.7.1.1.3.3 */
    {OID_OTHER, DER("\x2a\x81\x1c\xcf\x55\x01\x83\x75"), "SM2-with-SM3", 0}, /* 1.2.156.10197.1.501 */
    {OID_OTHER, DER("\x2a\x81\x1c\xcf\x55\x01\x83\x78"), "sm3WithRSAEncryption", 0}, /* 1.2.156.10197.1.504 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x11"), "ML-DSA-44", 0}, /* 2.16.840.1.101.3.4.3.17 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x12"), "ML-DSA-65", 0}, /* 2.16.840.1.101.3.4.3.18 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x13"), "ML-DSA-87", 0}, /* 2.16.840.1.101.3.4.3.19 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x14"), "SLH-DSA-SHA2-128s", 0}, /* 2.16.840.1.101.3.4.3.20 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x15"), "SLH-DSA-SHA2-128f", 0}, /* 2.16.840.1.101.3.4.3.21 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x16"), "SLH-DSA-SHA2-192s", 0}, /* 2.16.840.1.101.3.4.3.22 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x17"), "SLH-DSA-SHA2-192f", 0}, /* 2.16.840.1.101.3.4.3.23 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x18"), "SLH-DSA-SHA2-256s", 0}, /* 2.16.840.1.101.3.4.3.24 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x19"), "SLH-DSA-SHA2-256f", 0}, /* 2.16.840.1.101.3.4.3.25 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x1a"), "SLH-DSA-SHAKE-128s", 0}, /* 2.16.840.1.101.3.4.3.26 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x1b"), "SLH-DSA-SHAKE-128f", 0}, /* 2.16.840.1.101.3.4.3.27 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x1c"), "SLH-DSA-SHAKE-192s", 0}, /* 2.16.840.1.101.3.4.3.28 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x1d"), "SLH-DSA-SHAKE-192f", 0}, /* 2.16.840.1.101.3.4.3.29 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x1e"), "SLH-DSA-SHAKE-256s", 0}, /* 2.16.840.1.101.3.4.3.30 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x1f"), "SLH-DSA-SHAKE-256f", 0}, /* 2.16.840.1.101.3.4.3.31 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x20"), "HashML-DSA-44-SHA512", 0}, /* 2.16.840.1.101.3.4.3.32 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x21"), "HashML-DSA-65-SHA512", 0}, /* 2.16.840.1.101.3.4.3.33 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x22"), "HashML-DSA-87-SHA512", 0}, /* 2.16.840.1.101.3.4.3.34 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x23"), "HashSLH-DSA-SHA2-128s-SHA256", 0}, /* 2.16.840.1.101.3.4.3.35 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x24"), "HashSLH-DSA-SHA2-128f-SHA256", 0}, /* 2.16.840.1.101.3.4.3.36 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x25"), "HashSLH-DSA-SHA2-192s-SHA512", 0}, /* 2.16.840.1.101.3.4.3.37 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x26"), "HashSLH-DSA-SHA2-192f-SHA512", 0}, /* 2.16.840.1.101.3.4.3.38 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x27"), "HashSLH-DSA-SHA2-256s-SHA512", 0}, /* 2.16.840.1.101.3.4.3.39 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x28"), "HashSLH-DSA-SHA2-256f-SHA512", 0}, /* 2.16.840.1.101.3.4.3.40 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x29"), "HashSLH-DSA-SHAKE-128s-SHAKE128", 0}, /* 2.16.840.1.101.3.4.3.41 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x2a"), "HashSLH-DSA-SHAKE-128f-SHAKE128", 0}, /* 2.16.840.1.101.3.4.3.42 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x2b"), "HashSLH-DSA-SHAKE-192s-SHAKE256", 0}, /* 2.16.840.1.101.3.4.3.43 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x2c"), "HashSLH-DSA-SHAKE-192f-SHAKE256", 0}, /* 2.16.840.1.101.3.4.3.44 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x2d"), "HashSLH-DSA-SHAKE-256s-SHAKE256", 0}, /* 2.16.840.1.101.3.4.3.45 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x03\x2e"), "HashSLH-DSA-SHAKE-256f-SHAKE256", 0}, /* 2.16.840.1.101.3.4.3.46 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x04\x01"), "ML-KEM-512", 0}, /* 2.16.840.1.101.3.4.4.1 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x04\x02"), "ML-KEM-768", 0}, /* 2.16.840.1.101.3.4.4.2 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x65\x03\x04\x04\x03"), "ML-KEM-1024", 0}, /* 2.16.840.1.101.3.4.4.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x25"), "MLDSA44-RSA2048-PSS-SHA256", 0}, /* 1.3.6.1.5.5.7.6.37 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x26"), "MLDSA44-RSA2048-PKCS15-SHA256", 0}, /* 1.3.6.1.5.5.7.6.38 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x27"), "MLDSA44-Ed25519-SHA512", 0}, /* 1.3.6.1.5.5.7.6.39 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x28"), "MLDSA44-ECDSA-P256-SHA256", 0}, /* 1.3.6.1.5.5.7.6.40 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x29"), "MLDSA65-RSA3072-PSS-SHA512", 0}, /* 1.3.6.1.5.5.7.6.41 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x2a"), "MLDSA65-RSA3072-PKCS15-SHA512", 0}, /* 1.3.6.1.5.5.7.6.42 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x2b"), "MLDSA65-RSA4096-PSS-SHA512", 0}, /* 1.3.6.1.5.5.7.6.43 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x2c"), "MLDSA65-RSA4096-PKCS15-SHA512", 0}, /* 1.3.6.1.5.5.7.6.44 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x2d"), "MLDSA65-ECDSA-P256-SHA512", 0}, /* 1.3.6.1.5.5.7.6.45 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x2e"), "MLDSA65-ECDSA-P384-SHA512", 0}, /* 1.3.6.1.5.5.7.6.46 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x2f"), "MLDSA65-ECDSA-brainpoolP256r1-SHA512", 0}, /* 1.3.6.1.5.5.7.6.47 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x30"), "MLDSA65-Ed25519-SHA512", 0}, /* 1.3.6.1.5.5.7.6.48 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x31"), "MLDSA87-ECDSA-P384-SHA512", 0}, /* 1.3.6.1.5.5.7.6.49 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x32"), "MLDSA87-ECDSA-brainpoolP384r1-SHA512", 0}, /* 1.3.6.1.5.5.7.6.50 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x33"), "MLDSA87-Ed448-SHAKE256", 0}, /* 1.3.6.1.5.5.7.6.51 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x34"), "MLDSA87-RSA3072-PSS-SHA512", 0}, /* 1.3.6.1.5.5.7.6.52 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x35"), "MLDSA87-RSA4096-PSS-SHA512", 0}, /* 1.3.6.1.5.5.7.6.53 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x36"), "MLDSA87-ECDSA-P521-SHA512", 0}, /* 1.3.6.1.5.5.7.6.54 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x1e"), "RSASSA-PSS-SHAKE128", 0}, /* 1.3.6.1.5.5.7.6.30 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x1f"), "RSASSA-PSS-SHAKE256", 0}, /* 1.3.6.1.5.5.7.6.31 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x20"), "ecdsa-with-shake128", 0}, /* 1.3.6.1.5.5.7.6.32 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x21"), "ecdsa-with-shake256", 0}, /* 1.3.6.1.5.5.7.6.33 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x22"), "XMSS", 0}, /* 1.3.6.1.5.5.7.6.34 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x06\x23"), "XMSSMT", 0}, /* 1.3.6.1.5.5.7.6.35 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x11"), "HSS-LMS", 0}, /* 1.2.840.113549.1.9.16.3.17 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x14"), "GOST R 34.10-94", 0}, /* 1.2.643.2.2.20 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x04"), "GOST R 34.10-94 with GOST R 34.11-94", 0}, /* 1.2.643.2.2.4 */
    {OID_SHA1, DER("\x2b\x0e\x03\x02\x1a"), "SHA-1", 0}, /* 1.3.14.3.2.26 */
    {OID_SHA256, DER("\x60\x86\x48\x01\x65\x03\x04\x02\x01"), "SHA-256", 0}, /* 2.16.840.1.101.3.4.2.1 */
    {OID_SHA384, DER("\x60\x86\x48\x01\x65\x03\x04\x02\x02"), "SHA-384", 0}, /* 2.16.840.1.101.3.4.2.2 */
    {OID_SHA512, DER("\x60\x86\x48\x01\x65\x03\x04\x02\x03"), "SHA-512", 0}, /* 2.16.840.1.101.3.4.2.3 */
    {OID_SHA224, DER("\x60\x86\x48\x01\x65\x03\x04\x02\x04"), "SHA-224", 0}, /* 2.16.840.1.101.3.4.2.4 */
};

static const struct oid_row curves[] = {
    {OID_P256, DER("\x2a\x86\x48\xce\x3d\x03\x01\x07"), "P-256", 256}, /* 1.2.840.10045.3.1.7 */
    {OID_P384, DER("\x2b\x81\x04\x00\x22"), "P-384", 384}, /* 1.3.132.0.34 */
    {OID_P521, DER("\x2b\x81\x04\x00\x23"), "P-521", 521}, /* 1.3.132.0.35 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x0a"), "secp256k1", 256}, /* 1.3.132.0.10 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x21"), "P-224", 224}, /* 1.3.132.0.33 */
    {OID_OTHER, DER("\x2a\x86\x48\xce\x3d\x03\x01\x01"), "P-192", 192}, /* 1.2.840.10045.3.1.1 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x01"), "brainpoolP160r1", 160}, /* 1.3.36.3.3.2.8.1.1.1 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x02"), "brainpoolP160t1", 160}, /* 1.3.36.3.3.2.8.1.1.2 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x03"), "brainpoolP192r1", 192}, /* 1.3.36.3.3.2.8.1.1.3 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x04"), "brainpoolP192t1", 192}, /* 1.3.36.3.3.2.8.1.1.4 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x05"), "brainpoolP224r1", 224}, /* 1.3.36.3.3.2.8.1.1.5 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x06"), "brainpoolP224t1", 224}, /* 1.3.36.3.3.2.8.1.1.6 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x07"), "brainpoolP256r1", 256}, /* 1.3.36.3.3.2.8.1.1.7 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x08"), "brainpoolP256t1", 256}, /* 1.3.36.3.3.2.8.1.1.8 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x09"), "brainpoolP320r1", 320}, /* 1.3.36.3.3.2.8.1.1.9 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0a"), "brainpoolP320t1", 320}, /* 1.3.36.3.3.2.8.1.1.10 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0b"), "brainpoolP384r1", 384}, /* 1.3.36.3.3.2.8.1.1.11 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0c"), "brainpoolP384t1", 384}, /* 1.3.36.3.3.2.8.1.1.12 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0d"), "brainpoolP512r1", 512}, /* 1.3.36.3.3.2.8.1.1.13 */
    {OID_OTHER, DER("\x2b\x24\x03\x03\x02\x08\x01\x01\x0e"), "brainpoolP512t1", 512}, /* 1.3.36.3.3.2.8.1.1.14 */
    {OID_OTHER, DER("\x2a\x81\x1c\xcf\x55\x01\x82\x2d"), "SM2", 256}, /* 1.2.156.10197.1.301 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x23\x00"), "id-GostR3410-2001-TestParamSet", 256}, /* 1.2.643.2.2.35.0 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x23\x01"), "id-GostR3410-2001-CryptoPro-A-ParamSet", 256}, /* 1.2.643.2.2.35.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x23\x02"), "id-GostR3410-2001-CryptoPro-B-ParamSet", 256}, /* 1.2.643.2.2.35.2 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x23\x03"), "id-GostR3410-2001-CryptoPro-C-ParamSet", 256}, /* 1.2.643.2.2.35.3 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x24\x00"), "id-GostR3410-2001-CryptoPro-XchA-ParamSet", 256}, /* 1.2.643.2.2.36.0 */
    {OID_OTHER, DER("\x2a\x85\x03\x02\x02\x24\x01"), "id-GostR3410-2001-CryptoPro-XchB-ParamSet", 256}, /* 1.2.643.2.2.36.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x01\x01"), "id-tc26-gost-3410-2012-256-paramSetA", 256}, /* 1.2.643.7.1.2.1.1.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x01\x02"), "id-tc26-gost-3410-2012-256-paramSetB", 256}, /* 1.2.643.7.1.2.1.1.2 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x01\x03"), "id-tc26-gost-3410-2012-256-paramSetC", 256}, /* 1.2.643.7.1.2.1.1.3 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x01\x04"), "id-tc26-gost-3410-2012-256-paramSetD", 256}, /* 1.2.643.7.1.2.1.1.4 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x02\x00"), "id-tc26-gost-3410-2012-512-paramSetTest", 512}, /* 1.2.643.7.1.2.1.2.0 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x02\x01"), "id-tc26-gost-3410-2012-512-paramSetA", 512}, /* 1.2.643.7.1.2.1.2.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x02\x02"), "id-tc26-gost-3410-2012-512-paramSetB", 512}, /* 1.2.643.7.1.2.1.2.2 */
    {OID_OTHER, DER("\x2a\x85\x03\x07\x01\x02\x01\x02\x03"), "id-tc26-gost-3410-2012-512-paramSetC", 512}, /* 1.2.643.7.1.2.1.2.3 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x08"), "secp160r1", 160}, /* 1.3.132.0.8 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x09"), "secp160k1", 160}, /* 1.3.132.0.9 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x1e"), "secp160r2", 160}, /* 1.3.132.0.30 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x1f"), "secp192k1", 192}, /* 1.3.132.0.31 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x20"), "secp224k1", 224}, /* 1.3.132.0.32 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x01"), "sect163k1", 163}, /* 1.3.132.0.1 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x0f"), "sect163r2", 163}, /* 1.3.132.0.15 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x1a"), "sect233k1", 233}, /* 1.3.132.0.26 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x1b"), "sect233r1", 233}, /* 1.3.132.0.27 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x03"), "sect239k1", 239}, /* 1.3.132.0.3 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x10"), "sect283k1", 283}, /* 1.3.132.0.16 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x11"), "sect283r1", 283}, /* 1.3.132.0.17 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x24"), "sect409k1", 409}, /* 1.3.132.0.36 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x25"), "sect409r1", 409}, /* 1.3.132.0.37 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x26"), "sect571k1", 571}, /* 1.3.132.0.38 */
    {OID_OTHER, DER("\x2b\x81\x04\x00\x27"), "sect571r1", 571}, /* 1.3.132.0.39 */
    {OID_OTHER, DER("\x2a\x81\x7a\x01\x81\x5f\x65\x82\x00\x01"), "FRP256v1", 256}, /* 1.2.250.1.223.101.256.1 */
};

static const struct oid_row extensions[] = {
    {OID_BASIC_CONSTRAINTS, DER("\x55\x1d\x13"), "basicConstraints", 0}, /* 2.5.29.19 */
    {OID_KEY_USAGE, DER("\x55\x1d\x0f"), "keyUsage", 0}, /* 2.5.29.15 */
    {OID_EXTENDED_KEY_USAGE, DER("\x55\x1d\x25"), "extKeyUsage", 0}, /* 2.5.29.37 */
    {OID_SUBJECT_ALT_NAME, DER("\x55\x1d\x11"), "subjectAltName", 0}, /* 2.5.29.17 */
    {OID_SUBJECT_KEY_ID, DER("\x55\x1d\x0e"), "subjectKeyIdentifier", 0}, /* 2.5.29.14 */
    {OID_AUTHORITY_KEY_ID, DER("\x55\x1d\x23"), "authorityKeyIdentifier", 0}, /* 2.5.29.35 */
    {OID_CERTIFICATE_POLICIES, DER("\x55\x1d\x20"), "certificatePolicies", 0}, /* 2.5.29.32 */
    {OID_CRL_DISTRIBUTION_POINTS, DER("\x55\x1d\x1f"), "cRLDistributionPoints", 0}, /* 2.5.29.31 */
    {OID_AUTHORITY_INFO_ACCESS, DER("\x2b\x06\x01\x05\x05\x07\x01\x01"), "authorityInfoAccess", 0}, /* 1.3.6.1.5.5.7.1.1 */
    {OID_TIMESTAMPS, DER("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x02"), "signedCertificateTimestamps", 0}, /* 1.3.6.1.4.1.11129.2.4.2 */
    {OID_NAME_CONSTRAINTS, DER("\x55\x1d\x1e"), "nameConstraints", 0}, /* 2.5.29.30 */
    {OID_OTHER, DER("\x55\x1d\x21"), "policyMappings", 0}, /* 2.5.29.33 */
    {OID_OTHER, DER("\x55\x1d\x24"), "policyConstraints", 0}, /* 2.5.29.36 */
    {OID_OTHER, DER("\x55\x1d\x36"), "inhibitAnyPolicy", 0}, /* 2.5.29.54 */
    {OID_OTHER, DER("\x55\x1d\x2e"), "freshestCRL", 0}, /* 2.5.29.46 */
    {OID_OTHER, DER("\x55\x1d\x12"), "issuerAltName", 0}, /* 2.5.29.18 */
    {OID_CRL_NUMBER, DER("\x55\x1d\x14"), "cRLNumber", 0}, /* 2.5.29.20 */
    {OID_CRL_REASON, DER("\x55\x1d\x15"), "cRLReason", 0}, /* 2.5.29.21 */
    {OID_OTHER, DER("\x55\x1d\x18"), "invalidityDate", 0}, /* 2.5.29.24 */
    {OID_OTHER, DER("\x55\x1d\x1b"), "deltaCRLIndicator", 0}, /* 2.5.29.27 */
    {OID_OTHER, DER("\x55\x1d\x1c"), "issuingDistributionPoint", 0}, /* 2.5.29.28 */
    {OID_OTHER, DER("\x55\x1d\x1d"), "certificateIssuer", 0}, /* 2.5.29.29 */
    {OID_OTHER, DER("\x55\x1d\x09"), "subjectDirectoryAttributes", 0}, /* 2.5.29.9 */
    {OID_OTHER, DER("\x55\x1d\x10"), "privateKeyUsagePeriod", 0}, /* 2.5.29.16 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x01\x0b"), "subjectInfoAccess", 0}, /* 1.3.6.1.5.5.7.1.11 */
    {OID_TLS_FEATURE, DER("\x2b\x06\x01\x05\x05\x07\x01\x18"), "tlsFeature", 0}, /* 1.3.6.1.5.5.7.1.24 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x01\x03"), "qcStatements", 0}, /* 1.3.6.1.5.5.7.1.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x30\x01\x05"), "ocspNoCheck", 0}, /* 1.3.6.1.5.5.7.48.1.5 */
    {OID_PRECERTIFICATE_POISON, DER("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x03"), "precertificatePoison", 0}, /* 1.3.6.1.4.1.11129.2.4.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x14\x02"), "microsoftTemplateName", 0}, /* 1.3.6.1.4.1.311.20.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x15\x07"), "microsoftTemplate", 0}, /* 1.3.6.1.4.1.311.21.7 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x15\x0a"), "microsoftApplicationPolicies", 0}, /* 1.3.6.1.4.1.311.21.10 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x15\x01"), "microsoftCaVersion", 0}, /* 1.3.6.1.4.1.311.21.1 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x19\x02"), "microsoftNtdsCaSecurity", 0}, /* 1.3.6.1.4.1.311.25.2 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x86\xf8\x42\x01\x01"), "netscapeCertType", 0}, /* 2.16.840.1.113730.1.1 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x86\xf8\x42\x01\x0d"), "netscapeComment", 0}, /* 2.16.840.1.113730.1.13 */
};

static const struct oid_row usages[] = {
    {OID_SERVER_AUTH, DER("\x2b\x06\x01\x05\x05\x07\x03\x01"), "serverAuth", 0}, /* 1.3.6.1.5.5.7.3.1 */
    {OID_CLIENT_AUTH, DER("\x2b\x06\x01\x05\x05\x07\x03\x02"), "clientAuth", 0}, /* 1.3.6.1.5.5.7.3.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x03"), "codeSigning", 0}, /* 1.3.6.1.5.5.7.3.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x04"), "emailProtection", 0}, /* 1.3.6.1.5.5.7.3.4 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x08"), "timeStamping", 0}, /* 1.3.6.1.5.5.7.3.8 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x09"), "OCSPSigning", 0}, /* 1.3.6.1.5.5.7.3.9 */
    {OID_ANY_USAGE, DER("\x55\x1d\x25\x00"), "anyExtendedKeyUsage", 0}, /* 2.5.29.37.0 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x05"), "ipsecEndSystem", 0}, /* 1.3.6.1.5.5.7.3.5 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x06"), "ipsecTunnel", 0}, /* 1.3.6.1.5.5.7.3.6 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x07"), "ipsecUser", 0}, /* 1.3.6.1.5.5.7.3.7 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x11"), "ipsecIKE", 0}, /* 1.3.6.1.5.5.7.3.17 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x0d"), "eapOverPPP", 0}, /* 1.3.6.1.5.5.7.3.13 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x0e"), "eapOverLAN", 0}, /* 1.3.6.1.5.5.7.3.14 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x15"), "secureShellClient", 0}, /* 1.3.6.1.5.5.7.3.21 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x16"), "secureShellServer", 0}, /* 1.3.6.1.5.5.7.3.22 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x03\x24"), "documentSigning", 0}, /* 1.3.6.1.5.5.7.3.36 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x02\x03\x04"), "pkinitClientAuth", 0}, /* 1.3.6.1.5.2.3.4 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x02\x03\x05"), "pkinitKDC", 0}, /* 1.3.6.1.5.2.3.5 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x02"), "microsoftSmartcardLogon", 0}, /* 1.3.6.1.4.1.311.20.2.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x0a\x03\x03"), "microsoftServerGatedCrypto", 0}, /* 1.3.6.1.4.1.311.10.3.3 */
    {OID_OTHER, DER("\x60\x86\x48\x01\x86\xf8\x42\x04\x01"), "netscapeServerGatedCrypto", 0}, /* 2.16.840.1.113730.4.1 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x0a\x03\x04"), "microsoftEncryptedFileSystem", 0}, /* 1.3.6.1.4.1.311.10.3.4 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x0a\x03\x0c"), "microsoftDocumentSigning", 0}, /* 1.3.6.1.4.1.311.10.3.12 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x36\x01\x02"), "microsoftRemoteDesktop", 0}, /* 1.3.6.1.4.1.311.54.1.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\xd6\x79\x02\x04\x04"), "precertificateSigning", 0}, /* 1.3.6.1.4.1.11129.2.4.4 */
};

static const struct oid_row attributes[] = {
    {OID_COMMON_NAME, DER("\x55\x04\x03"), "CN", 0}, /* 2.5.4.3 */
    {OID_ORGANIZATION, DER("\x55\x04\x0a"), "O", 0}, /* 2.5.4.10 */
    {OID_ORGANIZATIONAL_UNIT, DER("\x55\x04\x0b"), "OU", 0}, /* 2.5.4.11 */
    {OID_COUNTRY, DER("\x55\x04\x06"), "C", 0}, /* 2.5.4.6 */
    {OID_OTHER, DER("\x55\x04\x07"), "L", 0}, /* 2.5.4.7 */
    {OID_OTHER, DER("\x55\x04\x08"), "ST", 0}, /* 2.5.4.8 */
    {OID_OTHER, DER("\x55\x04\x09"), "STREET", 0}, /* 2.5.4.9 */
    {OID_OTHER, DER("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19"), "DC", 0}, /* 0.9.2342.19200300.100.1.25 */
    {OID_OTHER, DER("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01"), "UID", 0}, /* 0.9.2342.19200300.100.1.1 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01"), "emailAddress", 0}, /* 1.2.840.113549.1.9.1 */
    {OID_OTHER, DER("\x55\x04\x05"), "serialNumber", 0}, /* 2.5.4.5 */
    {OID_OTHER, DER("\x55\x04\x04"), "SN", 0}, /* 2.5.4.4 */
    {OID_OTHER, DER("\x55\x04\x2a"), "GN", 0}, /* 2.5.4.42 */
    {OID_OTHER, DER("\x55\x04\x0c"), "title", 0}, /* 2.5.4.12 */
    {OID_OTHER, DER("\x55\x04\x2b"), "initials", 0}, /* 2.5.4.43 */
    {OID_OTHER, DER("\x55\x04\x2c"), "generationQualifier", 0}, /* 2.5.4.44 */
    {OID_OTHER, DER("\x55\x04\x2e"), "dnQualifier", 0}, /* 2.5.4.46 */
    {OID_OTHER, DER("\x55\x04\x41"), "pseudonym", 0}, /* 2.5.4.65 */
    {OID_OTHER, DER("\x55\x04\x0d"), "description", 0}, /* 2.5.4.13 */
    {OID_OTHER, DER("\x55\x04\x0f"), "businessCategory", 0}, /* 2.5.4.15 */
    {OID_OTHER, DER("\x55\x04\x10"), "postalAddress", 0}, /* 2.5.4.16 */
    {OID_OTHER, DER("\x55\x04\x11"), "postalCode", 0}, /* 2.5.4.17 */
    {OID_OTHER, DER("\x55\x04\x14"), "telephoneNumber", 0}, /* 2.5.4.20 */
    {OID_OTHER, DER("\x55\x04\x29"), "name", 0}, /* 2.5.4.41 */
    {OID_OTHER, DER("\x55\x04\x61"), "organizationIdentifier", 0}, /* 2.5.4.97 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02"), "unstructuredName", 0}, /* 1.2.840.113549.1.9.2 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x08"), "unstructuredAddress", 0}, /* 1.2.840.113549.1.9.8 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x01"), "jurisdictionL", 0}, /* 1.3.6.1.4.1.311.60.2.1.1 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x02"), "jurisdictionST", 0}, /* 1.3.6.1.4.1.311.60.2.1.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x3c\x02\x01\x03"), "jurisdictionC", 0}, /* 1.3.6.1.4.1.311.60.2.1.3 */
    {OID_OTHER, DER("\x55\x04\x0e"), "searchGuide", 0}, /* 2.5.4.14 */
    {OID_OTHER, DER("\x55\x04\x12"), "postOfficeBox", 0}, /* 2.5.4.18 */
    {OID_OTHER, DER("\x55\x04\x13"), "physicalDeliveryOfficeName", 0}, /* 2.5.4.19 */
    {OID_OTHER, DER("\x55\x04\x15"), "telexNumber", 0}, /* 2.5.4.21 */
    {OID_OTHER, DER("\x55\x04\x16"), "teletexTerminalIdentifier", 0}, /* 2.5.4.22 */
    {OID_OTHER, DER("\x55\x04\x17"), "facsimileTelephoneNumber", 0}, /* 2.5.4.23 */
    {OID_OTHER, DER("\x55\x04\x18"), "x121Address", 0}, /* 2.5.4.24 */
    {OID_OTHER, DER("\x55\x04\x19"), "internationalISDNNumber", 0}, /* 2.5.4.25 */
    {OID_OTHER, DER("\x55\x04\x1a"), "registeredAddress", 0}, /* 2.5.4.26 */
    {OID_OTHER, DER("\x55\x04\x1b"), "destinationIndicator", 0}, /* 2.5.4.27 */
    {OID_OTHER, DER("\x55\x04\x1c"), "preferredDeliveryMethod", 0}, /* 2.5.4.28 */
    {OID_OTHER, DER("\x55\x04\x1f"), "member", 0}, /* 2.5.4.31 */
    {OID_OTHER, DER("\x55\x04\x20"), "owner", 0}, /* 2.5.4.32 */
    {OID_OTHER, DER("\x55\x04\x21"), "roleOccupant", 0}, /* 2.5.4.33 */
    {OID_OTHER, DER("\x55\x04\x22"), "seeAlso", 0}, /* 2.5.4.34 */
    {OID_OTHER, DER("\x55\x04\x23"), "userPassword", 0}, /* 2.5.4.35 */
    {OID_OTHER, DER("\x55\x04\x2d"), "x500UniqueIdentifier", 0}, /* 2.5.4.45 */
    {OID_OTHER, DER("\x55\x04\x2f"), "enhancedSearchGuide", 0}, /* 2.5.4.47 */
    {OID_OTHER, DER("\x55\x04\x31"), "distinguishedName", 0}, /* 2.5.4.49 */
    {OID_OTHER, DER("\x55\x04\x32"), "uniqueMember", 0}, /* 2.5.4.50 */
    {OID_OTHER, DER("\x55\x04\x33"), "houseIdentifier", 0}, /* 2.5.4.51 */
    {OID_OTHER, DER("\x55\x04\x62"), "c3", 0}, /* 2.5.4.98 */
    {OID_OTHER, DER("\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x03"), "mail", 0}, /* 0.9.2342.19200300.100.1.3 */
    {OID_OTHER, DER("\x2a\x85\x03\x03\x81\x03\x01\x01"), "INN", 0}, /* 1.2.643.3.131.1.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x64\x01"), "OGRN", 0}, /* 1.2.643.100.1 */
    {OID_OTHER, DER("\x2a\x85\x03\x64\x03"), "SNILS", 0}, /* 1.2.643.100.3 */
    {OID_OTHER, DER("\x2a\x85\x03\x64\x04"), "INNLE", 0}, /* 1.2.643.100.4 */
    {OID_OTHER, DER("\x2a\x85\x03\x64\x05"), "OGRNIP", 0}, /* 1.2.643.100.5 */
};

static const struct oid_row request_attributes[] = {
    {OID_EXTENSION_REQUEST, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"), "extensionRequest", 0}, /* 1.2.840.113549.1.9.14 */
    {OID_MICROSOFT_EXTENSIONS, DER("\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e"), "microsoftCertExtensions", 0}, /* 1.3.6.1.4.1.311.2.1.14 */
    {OID_CHALLENGE_PASSWORD, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"), "challengePassword", 0}, /* 1.2.840.113549.1.9.7 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x02"), "unstructuredName", 0}, /* 1.2.840.113549.1.9.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x0d\x02\x03"), "microsoftOsVersion", 0}, /* 1.3.6.1.4.1.311.13.2.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x0d\x02\x02"), "microsoftEnrollmentCsp", 0}, /* 1.3.6.1.4.1.311.13.2.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x15\x14"), "microsoftRequestClientInfo", 0}, /* 1.3.6.1.4.1.311.21.20 */
};

static const struct oid_row other_names[] = {
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03"), "userPrincipalName", 0}, /* 1.3.6.1.4.1.311.20.2.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x07"), "SRVName", 0}, /* 1.3.6.1.5.5.7.8.7 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x05"), "xmppAddr", 0}, /* 1.3.6.1.5.5.7.8.5 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x03"), "permanentIdentifier", 0}, /* 1.3.6.1.5.5.7.8.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x04"), "hardwareModuleName", 0}, /* 1.3.6.1.5.5.7.8.4 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x08"), "NAIRealm", 0}, /* 1.3.6.1.5.5.7.8.8 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x09"), "SmtpUTF8Mailbox", 0}, /* 1.3.6.1.5.5.7.8.9 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x08\x0b"), "bundleEID", 0}, /* 1.3.6.1.5.5.7.8.11 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x02\x02"), "KRB5PrincipalName", 0}, /* 1.3.6.1.5.2.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x19\x01"), "microsoftNtdsReplication", 0}, /* 1.3.6.1.4.1.311.25.1 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\x82\x37\x19\x02\x01"), "microsoftNtdsObjectSid", 0}, /* 1.3.6.1.4.1.311.25.2.1 */
};

static const struct oid_row policies[] = {
    {OID_OTHER, DER("\x55\x1d\x20\x00"), "anyPolicy", 0}, /* 2.5.29.32.0 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x01"), "extended-validation", 0}, /* 2.23.140.1.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x02\x01"), "domain-validated", 0}, /* 2.23.140.1.2.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x02\x02"), "organization-validated", 0}, /* 2.23.140.1.2.2 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x02\x03"), "individual-validated", 0}, /* 2.23.140.1.2.3 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x03"), "extended-validation-codesigning", 0}, /* 2.23.140.1.3 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x04\x01"), "code-signing", 0}, /* 2.23.140.1.4.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x04\x02"), "timestamping", 0}, /* 2.23.140.1.4.2 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x1f"), "onion-EV", 0}, /* 2.23.140.1.31 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x01\x01"), "smime-mailbox-validated-legacy", 0}, /* 2.23.140.1.5.1.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x01\x02"), "smime-mailbox-validated-multipurpose", 0}, /* 2.23.140.1.5.1.2 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x01\x03"), "smime-mailbox-validated-strict", 0}, /* 2.23.140.1.5.1.3 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x02\x01"), "smime-organization-validated-legacy", 0}, /* 2.23.140.1.5.2.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x02\x02"), "smime-organization-validated-multipurpose", 0}, /* 2.23.140.1.5.2.2 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x02\x03"), "smime-organization-validated-strict", 0}, /* 2.23.140.1.5.2.3 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x03\x01"), "smime-sponsor-validated-legacy", 0}, /* 2.23.140.1.5.3.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x03\x02"), "smime-sponsor-validated-multipurpose", 0}, /* 2.23.140.1.5.3.2 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x03\x03"), "smime-sponsor-validated-strict", 0}, /* 2.23.140.1.5.3.3 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x04\x01"), "smime-individual-validated-legacy", 0}, /* 2.23.140.1.5.4.1 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x04\x02"), "smime-individual-validated-multipurpose", 0}, /* 2.23.140.1.5.4.2 */
    {OID_OTHER, DER("\x67\x81\x0c\x01\x05\x04\x03"), "smime-individual-validated-strict", 0}, /* 2.23.140.1.5.4.3 */
};

static const struct oid_row access_methods[] = {
    {OID_CA_ISSUERS, DER("\x2b\x06\x01\x05\x05\x07\x30\x02"), "caIssuers", 0}, /* 1.3.6.1.5.5.7.48.2 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x30\x01"), "ocsp", 0}, /* 1.3.6.1.5.5.7.48.1 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x30\x03"), "timeStamping", 0}, /* 1.3.6.1.5.5.7.48.3 */
    {OID_OTHER, DER("\x2b\x06\x01\x05\x05\x07\x30\x05"), "caRepository", 0}, /* 1.3.6.1.5.5.7.48.5 */
};

/* RFC 8018, 9579 and 7292 (appendix C); what is not done here has its name only. */
static const struct oid_row password_based[] = {
    {OID_PBES2, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"), "PBES2", 0}, /* 1.2.840.113549.1.5.13 */
    {OID_PBKDF2, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"), "PBKDF2", 0}, /* 1.2.840.113549.1.5.12 */
    {OID_PBMAC1, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0e"), "PBMAC1", 0}, /* 1.2.840.113549.1.5.14 */
    {OID_HMAC_SHA1, DER("\x2a\x86\x48\x86\xf7\x0d\x02\x07"), "hmacWithSHA1", 0}, /* 1.2.840.113549.2.7 */
    {OID_HMAC_SHA224, DER("\x2a\x86\x48\x86\xf7\x0d\x02\x08"), "hmacWithSHA224", 0}, /* 1.2.840.113549.2.8 */
    {OID_HMAC_SHA256, DER("\x2a\x86\x48\x86\xf7\x0d\x02\x09"), "hmacWithSHA256", 0}, /* 1.2.840.113549.2.9 */
    {OID_HMAC_SHA384, DER("\x2a\x86\x48\x86\xf7\x0d\x02\x0a"), "hmacWithSHA384", 0}, /* 1.2.840.113549.2.10 */
    {OID_HMAC_SHA512, DER("\x2a\x86\x48\x86\xf7\x0d\x02\x0b"), "hmacWithSHA512", 0}, /* 1.2.840.113549.2.11 */
    {OID_AES_128_CBC, DER("\x60\x86\x48\x01\x65\x03\x04\x01\x02"), "aes128-CBC", 0}, /* 2.16.840.1.101.3.4.1.2 */
    {OID_AES_192_CBC, DER("\x60\x86\x48\x01\x65\x03\x04\x01\x16"), "aes192-CBC", 0}, /* 2.16.840.1.101.3.4.1.22 */
    {OID_AES_256_CBC, DER("\x60\x86\x48\x01\x65\x03\x04\x01\x2a"), "aes256-CBC", 0}, /* 2.16.840.1.101.3.4.1.42 */
    {OID_DES_EDE3_CBC, DER("\x2a\x86\x48\x86\xf7\x0d\x03\x07"), "des-EDE3-CBC", 0}, /* 1.2.840.113549.3.7 */
    {OID_PBE_3DES, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x03"), "pbeWithSHAAnd3-KeyTripleDES-CBC", 0}, /* 1.2.840.113549.1.12.1.3 */
    {OID_PBE_2KEY_3DES, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x04"), "pbeWithSHAAnd2-KeyTripleDES-CBC", 0}, /* 1.2.840.113549.1.12.1.4 */
    {OID_PBE_RC2_128, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x05"), "pbeWithSHAAnd128BitRC2-CBC", 0}, /* 1.2.840.113549.1.12.1.5 */
    {OID_PBE_RC2_40, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x06"), "pbeWithSHAAnd40BitRC2-CBC", 0}, /* 1.2.840.113549.1.12.1.6 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x01"), "pbeWithSHAAnd128BitRC4", 0}, /* 1.2.840.113549.1.12.1.1 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01\x02"), "pbeWithSHAAnd40BitRC4", 0}, /* 1.2.840.113549.1.12.1.2 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x03"), "pbeWithMD5AndDES-CBC", 0}, /* 1.2.840.113549.1.5.3 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0a"), "pbeWithSHA1AndDES-CBC", 0}, /* 1.2.840.113549.1.5.10 */
    {OID_OTHER, DER("\x2b\x06\x01\x04\x01\xda\x47\x04\x0b"), "scrypt", 0}, /* 1.3.6.1.4.1.11591.4.11 */
};

/* Of PKCS#7 and PKCS#12 (RFC 5652, 7292, 2985). */
static const struct oid_row contents[] = {
    {OID_DATA, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"), "data", 0}, /* 1.2.840.113549.1.7.1 */
    {OID_SIGNED_DATA, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"), "signedData", 0}, /* 1.2.840.113549.1.7.2 */
    {OID_ENCRYPTED_DATA, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06"), "encryptedData", 0}, /* 1.2.840.113549.1.7.6 */
    {OID_OTHER, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"), "envelopedData", 0}, /* 1.2.840.113549.1.7.3 */
    {OID_KEY_BAG, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x01"), "keyBag", 0}, /* 1.2.840.113549.1.12.10.1.1 */
    {OID_SHROUDED_KEY_BAG, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x02"), "pkcs8ShroudedKeyBag", 0}, /* 1.2.840.113549.1.12.10.1.2 */
    {OID_CERT_BAG, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x03"), "certBag", 0}, /* 1.2.840.113549.1.12.10.1.3 */
    {OID_CRL_BAG, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x04"), "crlBag", 0}, /* 1.2.840.113549.1.12.10.1.4 */
    {OID_SECRET_BAG, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x05"), "secretBag", 0}, /* 1.2.840.113549.1.12.10.1.5 */
    {OID_SAFE_CONTENTS_BAG, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01\x06"), "safeContentsBag", 0}, /* 1.2.840.113549.1.12.10.1.6 */
    {OID_X509_CERTIFICATE, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x16\x01"), "x509Certificate", 0}, /* 1.2.840.113549.1.9.22.1 */
    {OID_FRIENDLY_NAME, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x14"), "friendlyName", 0}, /* 1.2.840.113549.1.9.20 */
    {OID_LOCAL_KEY_ID, DER("\x2a\x86\x48\x86\xf7\x0d\x01\x09\x15"), "localKeyId", 0}, /* 1.2.840.113549.1.9.21 */
};
/* clang-format on */

#define ROWS(table)                                                                                \
    { table, sizeof table / sizeof table[0] }

static const struct {
    const struct oid_row *rows;
    size_t n;
} kinds[OID_KIND_COUNT] = {
    [OID_ALGORITHM] = ROWS(algorithms),   [OID_CURVE] = ROWS(curves),
    [OID_EXTENSION] = ROWS(extensions),   [OID_USAGE] = ROWS(usages),
    [OID_ATTRIBUTE] = ROWS(attributes),   [OID_REQUEST] = ROWS(request_attributes),
    [OID_OTHER_NAME] = ROWS(other_names), [OID_POLICY] = ROWS(policies),
    [OID_ACCESS] = ROWS(access_methods),  [OID_PBE] = ROWS(password_based),
    [OID_CONTENT] = ROWS(contents),
};

size_t oid_rows(enum oid_kind kind, const struct oid_row **rows) {
    *rows = kinds[kind].rows;
    return kinds[kind].n;
}

/* The last octet differs most often, so it is looked at before the others. */
const struct oid_row *oid_find(enum oid_kind kind, struct bytes der) {
    if (der.n == 0)
        return NULL;
    const struct oid_row *rows = kinds[kind].rows;
    for (size_t i = 0; i < kinds[kind].n; i++) {
        const struct bytes *b = &rows[i].der;
        if (b->n == der.n && b->p[der.n - 1] == der.p[der.n - 1] && memcmp(b->p, der.p, der.n) == 0)
            return &rows[i];
    }
    return NULL;
}

const struct oid_row *oid_row(enum oid id) {
    for (size_t kind = 0; kind < OID_KIND_COUNT; kind++)
        for (size_t i = 0; i < kinds[kind].n; i++)
            if (kinds[kind].rows[i].id == id)
                return &kinds[kind].rows[i];
    return NULL;
}

enum { ARC_OCTETS_MAX = 20, ARC_DIGITS_MAX = 48 }; /* 140 bits: a UUID (X.667) fits */

bool oid_valid(struct bytes der) {
    size_t octets = 0;
    for (size_t i = 0; i < der.n; i++) {
        if (++octets > ARC_OCTETS_MAX || (octets == 1 && der.p[i] == 0x80))
            return false;
        if (der.p[i] < 0x80)
            octets = 0;
    }
    return der.n > 0 && octets == 0;
}

/* Decimal digits, the least first: an arc may be larger than any integer type. */
struct arc {
    uint8_t digits[ARC_DIGITS_MAX];
    size_t n;
};

static void arc_shift_in(struct arc *a, unsigned seven_bits) {
    unsigned carry = seven_bits;
    for (size_t i = 0; i < a->n; i++) {
        carry += a->digits[i] * 128u;
        a->digits[i] = (uint8_t)(carry % 10);
        carry /= 10;
    }
    for (; carry > 0 && a->n < ARC_DIGITS_MAX; carry /= 10)
        a->digits[a->n++] = (uint8_t)(carry % 10);
}

/* Takes 40 or 80 off the first one, which holds two arcs (X.690, 8.19.4). */
static void arc_subtract(struct arc *a, unsigned tens) {
    for (size_t i = 1; i < a->n && tens > 0; i++) {
        unsigned have = a->digits[i], take = tens % 10;
        bool borrow = have < take;
        a->digits[i] = (uint8_t)(have + (borrow ? 10 : 0) - take);
        tens = tens / 10 + borrow;
    }
    while (a->n > 0 && a->digits[a->n - 1] == 0)
        a->n--;
}

static void arc_put(const struct arc *a, struct buf *out) {
    if (a->n == 0)
        buf_u8(out, '0');
    for (size_t i = a->n; i > 0; i--)
        buf_u8(out, (uint8_t)('0' + a->digits[i - 1]));
}

static unsigned arc_small(const struct arc *a) {
    unsigned v = 0;
    for (size_t i = a->n; i > 0; i--)
        v = v > 1000 ? v : v * 10 + a->digits[i - 1];
    return v;
}

void oid_dotted(struct bytes der, struct buf *out) {
    if (!oid_valid(der))
        return;
    struct arc arc = {0};
    bool first = true;
    for (size_t i = 0; i < der.n; i++) {
        arc_shift_in(&arc, der.p[i] & 0x7f);
        if (der.p[i] >= 0x80)
            continue;
        if (first) {
            unsigned top = arc_small(&arc) / 40;
            top = top > 2 ? 2 : top;
            buf_printf(out, "%u", top);
            arc_subtract(&arc, top * 4);
        }
        first = false;
        buf_u8(out, '.');
        arc_put(&arc, out);
        arc = (struct arc){0};
    }
}

void oid_text(enum oid_kind kind, struct bytes der, struct buf *out) {
    const struct oid_row *row = oid_find(kind, der);
    if (row != NULL)
        buf_text(out, row->name);
    else
        oid_dotted(der, out);
}

void oid_put(struct buf *b, enum oid id) {
    der_put(b, DER_OID, oid_row(id)->der);
}
