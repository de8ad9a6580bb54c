/* base/oid: the table against its dotted forms, and OIDs that are not in it. */
#include "base/der.h"
#include "base/oid.h"
#include "tests/unit/hex.h"

/* clang-format off */
static const struct {
    enum oid_kind kind;
    const char *dotted, *name;
} known[] = {
    {OID_ALGORITHM, "1.2.840.113549.1.1.1", "RSA"},
    {OID_ALGORITHM, "1.2.840.10045.2.1", "EC"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {OID_ALGORITHM, "1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.10", "RSASSA-PSS"},
    {OID_ALGORITHM, "1.3.101.112", "Ed25519"},
    {OID_ALGORITHM, "1.3.101.113", "Ed448"},
    {OID_ALGORITHM, "1.3.101.110", "X25519"},
    {OID_ALGORITHM, "1.3.101.111", "X448"},
    {OID_ALGORITHM, "1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
    {OID_ALGORITHM, "1.2.840.10045.4.3.1", "ecdsa-with-SHA224"},
    {OID_ALGORITHM, "1.2.840.10045.4.1", "ecdsa-with-SHA1"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.14", "sha224WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.4", "md5WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.2", "md2WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.3", "md4WithRSAEncryption"},
    {OID_ALGORITHM, "1.3.14.3.2.29", "sha1WithRSASignature"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.15", "sha512-224WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.16", "sha512-256WithRSAEncryption"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.7", "RSAES-OAEP"},
    {OID_ALGORITHM, "1.2.840.113549.1.1.8", "mgf1"},
    {OID_ALGORITHM, "1.3.36.3.3.1.2", "ripemd160WithRSASignature"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.9", "ecdsa-with-SHA3-224"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.10", "ecdsa-with-SHA3-256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.11", "ecdsa-with-SHA3-384"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.12", "ecdsa-with-SHA3-512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.13", "rsassa-pkcs1-v1_5-with-SHA3-224"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.14", "rsassa-pkcs1-v1_5-with-SHA3-256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.15", "rsassa-pkcs1-v1_5-with-SHA3-384"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.16", "rsassa-pkcs1-v1_5-with-SHA3-512"},
    {OID_ALGORITHM, "0.4.0.127.0.7.1.1.4.1.3", "ecdsa-plain-SHA256"},
    {OID_ALGORITHM, "0.4.0.127.0.7.1.1.4.1.4", "ecdsa-plain-SHA384"},
    {OID_ALGORITHM, "0.4.0.127.0.7.1.1.4.1.5", "ecdsa-plain-SHA512"},
    {OID_ALGORITHM, "1.2.840.10040.4.1", "DSA"},
    {OID_ALGORITHM, "1.2.840.10040.4.3", "dsa-with-SHA1"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.1", "dsa-with-SHA224"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.2", "dsa-with-SHA256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.3", "dsa-with-SHA384"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.4", "dsa-with-SHA512"},
    {OID_ALGORITHM, "1.2.840.113549.1.3.1", "DH"},
    {OID_ALGORITHM, "1.2.840.10046.2.1", "X9.42 DH"},
    {OID_ALGORITHM, "1.3.132.1.12", "ECDH"},
    {OID_ALGORITHM, "1.2.643.2.2.19", "GOST R 34.10-2001"},
    {OID_ALGORITHM, "1.2.643.2.2.3", "GOST R 34.10-2001 with GOST R 34.11-94"},
    {OID_ALGORITHM, "1.2.643.7.1.1.1.1", "GOST R 34.10-2012-256"},
    {OID_ALGORITHM, "1.2.643.7.1.1.1.2", "GOST R 34.10-2012-512"},
    {OID_ALGORITHM, "1.2.643.7.1.1.3.2", "GOST R 34.10-2012-256 with GOST R 34.11-2012-256"},
    {OID_ALGORITHM, "1.2.643.7.1.1.3.3", "GOST R 34.10-2012-512 with GOST R 34.11-2012-512"},
    {OID_ALGORITHM, "1.2.156.10197.1.501", "SM2-with-SM3"},
    {OID_ALGORITHM, "1.2.156.10197.1.504", "sm3WithRSAEncryption"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.17", "ML-DSA-44"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.18", "ML-DSA-65"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.19", "ML-DSA-87"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.20", "SLH-DSA-SHA2-128s"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.21", "SLH-DSA-SHA2-128f"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.22", "SLH-DSA-SHA2-192s"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.23", "SLH-DSA-SHA2-192f"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.24", "SLH-DSA-SHA2-256s"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.25", "SLH-DSA-SHA2-256f"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.26", "SLH-DSA-SHAKE-128s"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.27", "SLH-DSA-SHAKE-128f"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.28", "SLH-DSA-SHAKE-192s"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.29", "SLH-DSA-SHAKE-192f"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.30", "SLH-DSA-SHAKE-256s"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.31", "SLH-DSA-SHAKE-256f"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.32", "HashML-DSA-44-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.33", "HashML-DSA-65-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.34", "HashML-DSA-87-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.35", "HashSLH-DSA-SHA2-128s-SHA256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.36", "HashSLH-DSA-SHA2-128f-SHA256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.37", "HashSLH-DSA-SHA2-192s-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.38", "HashSLH-DSA-SHA2-192f-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.39", "HashSLH-DSA-SHA2-256s-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.40", "HashSLH-DSA-SHA2-256f-SHA512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.41", "HashSLH-DSA-SHAKE-128s-SHAKE128"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.42", "HashSLH-DSA-SHAKE-128f-SHAKE128"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.43", "HashSLH-DSA-SHAKE-192s-SHAKE256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.44", "HashSLH-DSA-SHAKE-192f-SHAKE256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.45", "HashSLH-DSA-SHAKE-256s-SHAKE256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.3.46", "HashSLH-DSA-SHAKE-256f-SHAKE256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.4.1", "ML-KEM-512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.4.2", "ML-KEM-768"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.4.3", "ML-KEM-1024"},
    {OID_ALGORITHM, "1.3.14.3.2.26", "SHA-1"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.2.1", "SHA-256"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.2.2", "SHA-384"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.2.3", "SHA-512"},
    {OID_ALGORITHM, "2.16.840.1.101.3.4.2.4", "SHA-224"},
    {OID_CURVE, "1.2.840.10045.3.1.7", "P-256"},
    {OID_CURVE, "1.3.132.0.34", "P-384"},
    {OID_CURVE, "1.3.132.0.35", "P-521"},
    {OID_CURVE, "1.3.132.0.10", "secp256k1"},
    {OID_CURVE, "1.3.132.0.33", "P-224"},
    {OID_CURVE, "1.2.840.10045.3.1.1", "P-192"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.2", "brainpoolP160t1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.4", "brainpoolP192t1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.6", "brainpoolP224t1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.10", "brainpoolP320t1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"},
    {OID_CURVE, "1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1"},
    {OID_CURVE, "1.2.156.10197.1.301", "SM2"},
    {OID_CURVE, "1.3.132.0.8", "secp160r1"},
    {OID_CURVE, "1.3.132.0.9", "secp160k1"},
    {OID_CURVE, "1.3.132.0.30", "secp160r2"},
    {OID_CURVE, "1.3.132.0.31", "secp192k1"},
    {OID_CURVE, "1.3.132.0.32", "secp224k1"},
    {OID_CURVE, "1.3.132.0.1", "sect163k1"},
    {OID_CURVE, "1.3.132.0.15", "sect163r2"},
    {OID_CURVE, "1.3.132.0.26", "sect233k1"},
    {OID_CURVE, "1.3.132.0.27", "sect233r1"},
    {OID_CURVE, "1.3.132.0.3", "sect239k1"},
    {OID_CURVE, "1.3.132.0.16", "sect283k1"},
    {OID_CURVE, "1.3.132.0.17", "sect283r1"},
    {OID_CURVE, "1.3.132.0.36", "sect409k1"},
    {OID_CURVE, "1.3.132.0.37", "sect409r1"},
    {OID_CURVE, "1.3.132.0.38", "sect571k1"},
    {OID_CURVE, "1.3.132.0.39", "sect571r1"},
    {OID_CURVE, "1.2.250.1.223.101.256.1", "FRP256v1"},
    {OID_EXTENSION, "2.5.29.19", "basicConstraints"},
    {OID_EXTENSION, "2.5.29.15", "keyUsage"},
    {OID_EXTENSION, "2.5.29.37", "extKeyUsage"},
    {OID_EXTENSION, "2.5.29.17", "subjectAltName"},
    {OID_EXTENSION, "2.5.29.14", "subjectKeyIdentifier"},
    {OID_EXTENSION, "2.5.29.35", "authorityKeyIdentifier"},
    {OID_EXTENSION, "2.5.29.32", "certificatePolicies"},
    {OID_EXTENSION, "2.5.29.31", "cRLDistributionPoints"},
    {OID_EXTENSION, "1.3.6.1.5.5.7.1.1", "authorityInfoAccess"},
    {OID_EXTENSION, "1.3.6.1.4.1.11129.2.4.2", "signedCertificateTimestamps"},
    {OID_EXTENSION, "2.5.29.30", "nameConstraints"},
    {OID_EXTENSION, "2.5.29.33", "policyMappings"},
    {OID_EXTENSION, "2.5.29.36", "policyConstraints"},
    {OID_EXTENSION, "2.5.29.54", "inhibitAnyPolicy"},
    {OID_EXTENSION, "2.5.29.46", "freshestCRL"},
    {OID_EXTENSION, "2.5.29.18", "issuerAltName"},
    {OID_EXTENSION, "2.5.29.20", "cRLNumber"},
    {OID_EXTENSION, "2.5.29.21", "cRLReason"},
    {OID_EXTENSION, "2.5.29.24", "invalidityDate"},
    {OID_EXTENSION, "2.5.29.27", "deltaCRLIndicator"},
    {OID_EXTENSION, "2.5.29.28", "issuingDistributionPoint"},
    {OID_EXTENSION, "2.5.29.29", "certificateIssuer"},
    {OID_EXTENSION, "2.5.29.9", "subjectDirectoryAttributes"},
    {OID_EXTENSION, "2.5.29.16", "privateKeyUsagePeriod"},
    {OID_EXTENSION, "1.3.6.1.5.5.7.1.11", "subjectInfoAccess"},
    {OID_EXTENSION, "1.3.6.1.5.5.7.1.24", "tlsFeature"},
    {OID_EXTENSION, "1.3.6.1.5.5.7.1.3", "qcStatements"},
    {OID_EXTENSION, "1.3.6.1.5.5.7.48.1.5", "ocspNoCheck"},
    {OID_EXTENSION, "1.3.6.1.4.1.11129.2.4.3", "precertificatePoison"},
    {OID_EXTENSION, "1.3.6.1.4.1.311.20.2", "microsoftTemplateName"},
    {OID_EXTENSION, "1.3.6.1.4.1.311.21.7", "microsoftTemplate"},
    {OID_EXTENSION, "1.3.6.1.4.1.311.21.10", "microsoftApplicationPolicies"},
    {OID_EXTENSION, "1.3.6.1.4.1.311.21.1", "microsoftCaVersion"},
    {OID_EXTENSION, "1.3.6.1.4.1.311.25.2", "microsoftNtdsCaSecurity"},
    {OID_EXTENSION, "2.16.840.1.113730.1.1", "netscapeCertType"},
    {OID_EXTENSION, "2.16.840.1.113730.1.13", "netscapeComment"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.1", "serverAuth"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.2", "clientAuth"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.3", "codeSigning"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.4", "emailProtection"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.8", "timeStamping"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.9", "OCSPSigning"},
    {OID_USAGE, "2.5.29.37.0", "anyExtendedKeyUsage"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.5", "ipsecEndSystem"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.6", "ipsecTunnel"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.7", "ipsecUser"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.17", "ipsecIKE"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.13", "eapOverPPP"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.14", "eapOverLAN"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.21", "secureShellClient"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.22", "secureShellServer"},
    {OID_USAGE, "1.3.6.1.5.5.7.3.36", "documentSigning"},
    {OID_USAGE, "1.3.6.1.5.2.3.4", "pkinitClientAuth"},
    {OID_USAGE, "1.3.6.1.5.2.3.5", "pkinitKDC"},
    {OID_USAGE, "1.3.6.1.4.1.311.20.2.2", "microsoftSmartcardLogon"},
    {OID_USAGE, "1.3.6.1.4.1.311.10.3.3", "microsoftServerGatedCrypto"},
    {OID_USAGE, "2.16.840.1.113730.4.1", "netscapeServerGatedCrypto"},
    {OID_USAGE, "1.3.6.1.4.1.311.10.3.4", "microsoftEncryptedFileSystem"},
    {OID_USAGE, "1.3.6.1.4.1.311.10.3.12", "microsoftDocumentSigning"},
    {OID_USAGE, "1.3.6.1.4.1.311.54.1.2", "microsoftRemoteDesktop"},
    {OID_USAGE, "1.3.6.1.4.1.11129.2.4.4", "precertificateSigning"},
    {OID_ATTRIBUTE, "2.5.4.3", "CN"},
    {OID_ATTRIBUTE, "2.5.4.10", "O"},
    {OID_ATTRIBUTE, "2.5.4.11", "OU"},
    {OID_ATTRIBUTE, "2.5.4.6", "C"},
    {OID_ATTRIBUTE, "2.5.4.7", "L"},
    {OID_ATTRIBUTE, "2.5.4.8", "ST"},
    {OID_ATTRIBUTE, "2.5.4.9", "STREET"},
    {OID_ATTRIBUTE, "0.9.2342.19200300.100.1.25", "DC"},
    {OID_ATTRIBUTE, "0.9.2342.19200300.100.1.1", "UID"},
    {OID_ATTRIBUTE, "1.2.840.113549.1.9.1", "emailAddress"},
    {OID_ATTRIBUTE, "2.5.4.5", "serialNumber"},
    {OID_ATTRIBUTE, "2.5.4.4", "SN"},
    {OID_ATTRIBUTE, "2.5.4.42", "GN"},
    {OID_ATTRIBUTE, "2.5.4.12", "title"},
    {OID_ATTRIBUTE, "2.5.4.43", "initials"},
    {OID_ATTRIBUTE, "2.5.4.44", "generationQualifier"},
    {OID_ATTRIBUTE, "2.5.4.46", "dnQualifier"},
    {OID_ATTRIBUTE, "2.5.4.65", "pseudonym"},
    {OID_ATTRIBUTE, "2.5.4.13", "description"},
    {OID_ATTRIBUTE, "2.5.4.15", "businessCategory"},
    {OID_ATTRIBUTE, "2.5.4.16", "postalAddress"},
    {OID_ATTRIBUTE, "2.5.4.17", "postalCode"},
    {OID_ATTRIBUTE, "2.5.4.20", "telephoneNumber"},
    {OID_ATTRIBUTE, "2.5.4.41", "name"},
    {OID_ATTRIBUTE, "2.5.4.97", "organizationIdentifier"},
    {OID_ATTRIBUTE, "1.2.840.113549.1.9.2", "unstructuredName"},
    {OID_ATTRIBUTE, "1.2.840.113549.1.9.8", "unstructuredAddress"},
    {OID_ATTRIBUTE, "1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"},
    {OID_ATTRIBUTE, "1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"},
    {OID_ATTRIBUTE, "1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"},
    {OID_REQUEST, "1.2.840.113549.1.9.14", "extensionRequest"},
    {OID_REQUEST, "1.3.6.1.4.1.311.2.1.14", "microsoftCertExtensions"},
    {OID_REQUEST, "1.2.840.113549.1.9.7", "challengePassword"},
    {OID_REQUEST, "1.2.840.113549.1.9.2", "unstructuredName"},
    {OID_REQUEST, "1.3.6.1.4.1.311.13.2.3", "microsoftOsVersion"},
    {OID_REQUEST, "1.3.6.1.4.1.311.13.2.2", "microsoftEnrollmentCsp"},
    {OID_REQUEST, "1.3.6.1.4.1.311.21.20", "microsoftRequestClientInfo"},
    {OID_ACCESS, "1.3.6.1.5.5.7.48.2", "caIssuers"},
    {OID_ACCESS, "1.3.6.1.5.5.7.48.1", "ocsp"},
    {OID_PBE, "1.2.840.113549.1.5.13", "PBES2"},
    {OID_PBE, "1.2.840.113549.1.5.12", "PBKDF2"},
    {OID_PBE, "1.2.840.113549.1.5.14", "PBMAC1"},
    {OID_PBE, "1.2.840.113549.2.7", "hmacWithSHA1"},
    {OID_PBE, "1.2.840.113549.2.8", "hmacWithSHA224"},
    {OID_PBE, "1.2.840.113549.2.9", "hmacWithSHA256"},
    {OID_PBE, "1.2.840.113549.2.10", "hmacWithSHA384"},
    {OID_PBE, "1.2.840.113549.2.11", "hmacWithSHA512"},
    {OID_PBE, "2.16.840.1.101.3.4.1.2", "aes128-CBC"},
    {OID_PBE, "2.16.840.1.101.3.4.1.22", "aes192-CBC"},
    {OID_PBE, "2.16.840.1.101.3.4.1.42", "aes256-CBC"},
    {OID_PBE, "1.2.840.113549.3.7", "des-EDE3-CBC"},
    {OID_PBE, "1.2.840.113549.1.12.1.3", "pbeWithSHAAnd3-KeyTripleDES-CBC"},
    {OID_PBE, "1.2.840.113549.1.12.1.4", "pbeWithSHAAnd2-KeyTripleDES-CBC"},
    {OID_PBE, "1.2.840.113549.1.12.1.5", "pbeWithSHAAnd128BitRC2-CBC"},
    {OID_PBE, "1.2.840.113549.1.12.1.6", "pbeWithSHAAnd40BitRC2-CBC"},
    {OID_PBE, "1.2.840.113549.1.12.1.1", "pbeWithSHAAnd128BitRC4"},
    {OID_PBE, "1.2.840.113549.1.12.1.2", "pbeWithSHAAnd40BitRC4"},
    {OID_PBE, "1.2.840.113549.1.5.3", "pbeWithMD5AndDES-CBC"},
    {OID_PBE, "1.2.840.113549.1.5.10", "pbeWithSHA1AndDES-CBC"},
    {OID_PBE, "1.3.6.1.4.1.11591.4.11", "scrypt"},
    {OID_CONTENT, "1.2.840.113549.1.7.1", "data"},
    {OID_CONTENT, "1.2.840.113549.1.7.2", "signedData"},
    {OID_CONTENT, "1.2.840.113549.1.7.6", "encryptedData"},
    {OID_CONTENT, "1.2.840.113549.1.7.3", "envelopedData"},
    {OID_CONTENT, "1.2.840.113549.1.12.10.1.1", "keyBag"},
    {OID_CONTENT, "1.2.840.113549.1.12.10.1.2", "pkcs8ShroudedKeyBag"},
    {OID_CONTENT, "1.2.840.113549.1.12.10.1.3", "certBag"},
    {OID_CONTENT, "1.2.840.113549.1.12.10.1.4", "crlBag"},
    {OID_CONTENT, "1.2.840.113549.1.12.10.1.5", "secretBag"},
    {OID_CONTENT, "1.2.840.113549.1.12.10.1.6", "safeContentsBag"},
    {OID_CONTENT, "1.2.840.113549.1.9.22.1", "x509Certificate"},
    {OID_CONTENT, "1.2.840.113549.1.9.20", "friendlyName"},
    {OID_CONTENT, "1.2.840.113549.1.9.21", "localKeyId"},
};
/* clang-format on */

static void every_row_is_what_it_says(void **state) {
    (void)state;
    size_t rows_n = 0, at = 0;
    for (int kind = 0; kind < OID_KIND_COUNT; kind++) {
        const struct oid_row *rows;
        size_t n = oid_rows((enum oid_kind)kind, &rows);
        rows_n += n;
        for (size_t i = 0; i < n && at < COUNT_OF(known); i++, at++) {
            struct buf text;
            buf_init(&text, 256);
            assert_true(oid_valid(rows[i].der));
            oid_dotted(rows[i].der, &text);
            assert_string_equal(buf_cstr(&text), known[at].dotted);
            assert_string_equal(rows[i].name, known[at].name);
            assert_int_equal(kind, known[at].kind);
            assert_ptr_equal(oid_find((enum oid_kind)kind, rows[i].der), &rows[i]);
            buf_clear(&text);
        }
    }
    assert_int_equal(rows_n, COUNT_OF(known));
}

static void every_id_has_one_row(void **state) {
    (void)state;
    for (int id = OID_OTHER + 1; id <= OID_LOCAL_KEY_ID; id++) {
        size_t seen = 0;
        for (int kind = 0; kind < OID_KIND_COUNT; kind++) {
            const struct oid_row *rows;
            size_t n = oid_rows((enum oid_kind)kind, &rows);
            for (size_t i = 0; i < n; i++)
                seen += rows[i].id == (enum oid)id;
        }
        assert_int_equal(seen, 1);
        assert_non_null(oid_row((enum oid)id));
    }
}

/* Values from X.690 (8.19.5), X.667 and openssl asn1parse. */
static void writes_unknown_ones_dotted(void **state) {
    (void)state;
    static const struct {
        const char *hex, *text;
    } rows[] = {
        {"883703",                                         "2.999.3"            },
        {"00",                                             "0.0"                },
        {"27",                                             "0.39"               },
        {"28",                                             "1.0"                },
        {"4f",                                             "1.39"               },
        {"50",                                             "2.0"                },
        {"7f",                                             "2.47"               },
        {"8100",                                           "2.48"               },
        {"2a8648",                                         "1.2.840"            },
        {"6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776",
         "2.25.329800735698586629295641978511506172918"                         },
        {"2b06010401828f1f01",                             "1.3.6.1.4.1.34719.1"},
        {"",                                               ""                   },
        {"80",                                             ""                   },
        {"8001",                                           ""                   },
        {"2a80",                                           ""                   },
        {"2a8001",                                         ""                   },
        {"2affffffffffffffffffffffffffffffffffffffffff7f", ""                   }, /* an arc beyond 140 bits */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[64];
        struct buf text;
        struct bytes der = unhex(rows[i].hex, octets, sizeof octets);
        buf_init(&text, 256);
        oid_dotted(der, &text);
        assert_string_equal(buf_cstr(&text), rows[i].text);
        assert_int_equal(oid_valid(der), rows[i].text[0] != '\0');
        buf_clear(&text);
    }
}

static void text_prefers_the_name(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, 256);
    oid_text(OID_CURVE, oid_row(OID_P256)->der, &text);
    oid_text(OID_CURVE, oid_row(OID_RSA)->der, &text);
    assert_string_equal(buf_cstr(&text), "P-2561.2.840.113549.1.1.1");
    buf_reset(&text);
    oid_put(&text, OID_COMMON_NAME);
    assert_hex(text.p, text.n, "0603550403");
    buf_clear(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_what_it_says),
        cmocka_unit_test(every_id_has_one_row),
        cmocka_unit_test(writes_unknown_ones_dotted),
        cmocka_unit_test(text_prefers_the_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
