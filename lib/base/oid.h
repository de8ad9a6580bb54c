/* Object identifiers: the one table of those that have a name here.
 *
 * Readers look up the content octets, writers take them by `enum oid`, so that
 * both speak of the same. An OID that is not in the table is shown dotted.
 * No allocation; any thread.
 */
#ifndef BASE_OID_H
#define BASE_OID_H

#include "base/buf.h"

enum oid_kind {
    OID_ALGORITHM, /* of keys, signatures and hashes */
    OID_CURVE,
    OID_EXTENSION,  /* of certificates */
    OID_USAGE,      /* extended key usage */
    OID_ATTRIBUTE,  /* of names */
    OID_REQUEST,    /* attributes of certificate requests */
    OID_OTHER_NAME, /* types of otherName in alternative names */
    OID_POLICY,     /* of certificates */
    OID_ACCESS,     /* methods of authorityInfoAccess */
    OID_PBE,        /* encryption and MACs by password, and what they are made of */
    OID_CONTENT,    /* of PKCS#7 and PKCS#12: contents, bags, their attributes */
    OID_KIND_COUNT
};

/* Those that code asks for by name; the others of the table are OID_OTHER. */
enum oid {
    OID_OTHER = 0,
    OID_RSA,
    OID_RSA_X500, /* the older number of the same keys */
    OID_RSA_PSS,
    OID_MGF1,
    OID_RSA_MD5,
    OID_RSA_SHA1,
    OID_RSA_SHA224,
    OID_RSA_SHA256,
    OID_RSA_SHA384,
    OID_RSA_SHA512,
    OID_EC,
    OID_ECDSA_SHA1,
    OID_ECDSA_SHA224,
    OID_ECDSA_SHA256,
    OID_ECDSA_SHA384,
    OID_ECDSA_SHA512,
    OID_DSA,
    OID_X25519,
    OID_X448,
    OID_ED25519,
    OID_ED448,
    OID_SHA1,
    OID_SHA224,
    OID_SHA256,
    OID_SHA384,
    OID_SHA512,
    OID_P256,
    OID_P384,
    OID_P521,
    OID_BASIC_CONSTRAINTS,
    OID_KEY_USAGE,
    OID_EXTENDED_KEY_USAGE,
    OID_SUBJECT_ALT_NAME,
    OID_SUBJECT_KEY_ID,
    OID_AUTHORITY_KEY_ID,
    OID_NAME_CONSTRAINTS,
    OID_CERTIFICATE_POLICIES,
    OID_CRL_DISTRIBUTION_POINTS,
    OID_AUTHORITY_INFO_ACCESS,
    OID_TIMESTAMPS, /* embedded in certificates, RFC 6962 */
    OID_TLS_FEATURE,
    OID_PRECERTIFICATE_POISON,
    OID_CRL_NUMBER,
    OID_CRL_REASON,
    OID_SERVER_AUTH,
    OID_CLIENT_AUTH,
    OID_ANY_USAGE,
    OID_EXTENSION_REQUEST,
    OID_MICROSOFT_EXTENSIONS,
    OID_CHALLENGE_PASSWORD,
    OID_CA_ISSUERS,
    OID_COMMON_NAME,
    OID_COUNTRY,
    OID_ORGANIZATION,
    OID_ORGANIZATIONAL_UNIT,
    OID_PBES2,
    OID_PBKDF2,
    OID_PBMAC1,
    OID_HMAC_SHA1,
    OID_HMAC_SHA224,
    OID_HMAC_SHA256,
    OID_HMAC_SHA384,
    OID_HMAC_SHA512,
    OID_AES_128_CBC,
    OID_AES_192_CBC,
    OID_AES_256_CBC,
    OID_DES_EDE3_CBC,
    OID_PBE_3DES,
    OID_PBE_2KEY_3DES,
    OID_PBE_RC2_128,
    OID_PBE_RC2_40,
    OID_DATA,
    OID_SIGNED_DATA,
    OID_ENCRYPTED_DATA,
    OID_KEY_BAG,
    OID_SHROUDED_KEY_BAG,
    OID_CERT_BAG,
    OID_CRL_BAG,
    OID_SECRET_BAG,
    OID_SAFE_CONTENTS_BAG,
    OID_X509_CERTIFICATE,
    OID_FRIENDLY_NAME,
    OID_LOCAL_KEY_ID,
};

struct oid_row {
    enum oid id;
    struct bytes der; /* content octets */
    const char *name;
    unsigned bits; /* size of a key of this algorithm or curve; 0 where the key tells */
};

const struct oid_row *oid_find(enum oid_kind kind, struct bytes der); /* NULL: unknown */
const struct oid_row *oid_row(enum oid id);                           /* not for OID_OTHER */
/* A well-formed OID as "1.2.840.113549"; what is none as "". */
void oid_dotted(struct bytes der, struct buf *out);
/* Its name, else dotted. */
void oid_text(enum oid_kind kind, struct bytes der, struct buf *out);
bool oid_valid(struct bytes der);         /* arcs of at most 20 octets, shortest form */
void oid_put(struct buf *b, enum oid id); /* as DER, with tag and length */

/* The whole table of a kind, for tests. */
size_t oid_rows(enum oid_kind kind, const struct oid_row **rows);

#endif
