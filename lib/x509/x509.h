/* Certificates, requests and revocation lists (RFC 5280, RFC 2986): readers, names,
 * matching, PEM, chains, writers.
 *
 * Everything that is read is a view into the caller's DER, which must outlive
 * the struct; lists and texts made on the way live in the caller's arena. No I/O,
 * no globals; any thread, an arena one thread at a time. Not here: checking
 * revocation, certificate transparency, name constraints.
 */
#ifndef X509_X509_H
#define X509_X509_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"
#include "base/oid.h"

struct signing_key;

/* Limits; past them ERR_LIMIT. */
enum {
    X509_CERT_MAX = 16 << 20, /* one certificate that is read, from wherever */
    X509_DER_MAX = 1 << 20,   /* one from the network, or that is stored: SLH-DSA ones have 60 KB */
    X509_ALT_NAMES_MAX = 20000, /* of one certificate */
    X509_EXTENSIONS_MAX = 128,
    X509_USAGES_MAX = 128,
    X509_NAME_PARTS_MAX = 4096, /* attributes of one name */
    X509_CHAIN_MAX = 32,        /* certificates handed to x509_chain_verify */
    X509_SHA256_SIZE = 32,
    X509_REQUEST_NAMES_MAX = 1000,    /* alternative names of one request */
    X509_REQUEST_ATTRIBUTES_MAX = 64, /* of one request */
    X509_CRL_MAX = 1 << 26,           /* one revocation list */
    X509_REVOKED_MAX = 1000000,       /* entries of one */
    X509_SERIAL_SIZE = 16,            /* of our own serial numbers */
};

/* ---- Reading ---- */

/* How a certificate that was read all the same departs from the standard. Bits. */
enum x509_deviation {
    X509_DEV_NAME_CHARACTERS = 1u << 0,
    X509_DEV_TIME_NO_SECONDS = 1u << 1,
    X509_DEV_TIME_OFFSET = 1u << 2,
    X509_DEV_TIME_TYPE = 1u << 3,
    X509_DEV_TIME_UNREADABLE = 1u << 4,
    X509_DEV_VALIDITY_REVERSED = 1u << 5,
    X509_DEV_SERIAL_NEGATIVE = 1u << 6,
    X509_DEV_SERIAL_ZERO = 1u << 7,
    X509_DEV_SERIAL_LONG = 1u << 8,
    X509_DEV_SERIAL_PADDED = 1u << 9,
    X509_DEV_VERSION = 1u << 10,
    X509_DEV_ALGORITHM_DIFFERS = 1u << 11,
    X509_DEV_DEFAULT_WRITTEN = 1u << 12,
    X509_DEV_BOOLEAN = 1u << 13,
    X509_DEV_EXTENSION_TWICE = 1u << 14,
    X509_DEV_EXTENSION_UNREADABLE = 1u << 15,
    X509_DEV_EXTENSIONS_EMPTY = 1u << 16,
    X509_DEV_DNS_DOT = 1u << 17,
    X509_DEV_ALT_NAME_CHARACTERS = 1u << 18,
    X509_DEV_IP_SIZE = 1u << 19,
    X509_DEV_KEY_UNREADABLE = 1u << 20,
    X509_DEV_KEY_NEGATIVE = 1u << 21,
    X509_DEV_UNUSED_BITS = 1u << 22,
    X509_DEV_ISSUER_EMPTY = 1u << 23,
    X509_DEV_ATTRIBUTES_MISSING = 1u << 24, /* these two: of requests */
    X509_DEV_ATTRIBUTE_TWICE = 1u << 25,
    X509_DEV_CURVE_EXPLICIT = 1u << 26,
    X509_DEV_GENERAL_NAME = 1u << 27,
    X509_DEV_TIME_FRACTION = 1u << 28,
    X509_DEV_EXTENSION_TRAILING = 1u << 29,
};

struct x509_deviation_row {
    unsigned bit;
    const char *name;   /* in JSON: "time_no_seconds" */
    const char *text;   /* for people, no full stop */
    const char *source; /* "RFC 5280, 4.1.2.5.1" */
};
/* Row i, from 0; NULL past the last. */
const struct x509_deviation_row *x509_deviation_row(size_t i);

struct x509_key {
    const char *algorithm; /* "RSA", "EC", "Ed25519", "ML-DSA-65", "RSASSA-PSS", or dotted */
    const char *curve;     /* EC: "P-256", "brainpoolP256r1", or dotted; else NULL */
    unsigned bits;         /* 0 where not known */
    enum oid id;
    struct bytes oid;               /* content octets */
    struct bytes parameters;        /* raw DER; empty where none */
    struct bytes public_key;        /* content of the BIT STRING */
    struct bytes modulus, exponent; /* RSA and RSASSA-PSS, without leading zeros */
};

struct x509_names {
    const struct bytes *items;
    size_t n;
};

struct x509_alt_names {
    bool present, critical;
    struct x509_names dns, email, uri; /* as written, foreign bytes */
    struct x509_names ip;              /* 4 or 16 octets; others with X509_DEV_IP_SIZE */
    struct x509_names directory;       /* Name DER */
    struct x509_names other;           /* the other four kinds, whole: for x509_general_name_read */
};

struct x509_extension {
    struct bytes oid; /* content octets */
    const char *name; /* "basicConstraints", or dotted */
    enum oid id;      /* OID_OTHER where no code here asks for it */
    bool critical;
    struct bytes value; /* content of the OCTET STRING */
};

struct x509_cert {
    struct bytes der, tbs;              /* the whole, and what is signed */
    unsigned version;                   /* 1 to 3; 0: none that there is */
    struct bytes serial;                /* content octets, two's complement as in the DER */
    struct bytes issuer, subject;       /* Name DER */
    int64_t not_before, not_after;      /* seconds since 1970, UTC */
    bool has_not_before, has_not_after; /* false: X509_DEV_TIME_UNREADABLE, and no value */
    struct bytes spki;                  /* SubjectPublicKeyInfo DER */
    struct x509_key key;
    const char *signature_algorithm; /* "sha256WithRSAEncryption", or dotted */
    struct bytes algorithm;          /* AlgorithmIdentifier DER, the outer one */
    struct bytes signature;          /* octets of the BIT STRING */
    bool self_issued;                /* subject and issuer have equal bytes, not empty */

    bool has_basic_constraints, is_ca;
    int path_len; /* -1: none given */
    bool has_key_usage;
    unsigned key_usage; /* bit i: the i-th named bit, see x509_key_usage_name */
    bool has_extended_key_usage;
    const char *const *extended_key_usage; /* "serverAuth", or dotted */
    size_t extended_key_usage_n;
    struct x509_alt_names alt;
    struct bytes subject_key_id, authority_key_id; /* empty where none */
    const struct x509_extension *extensions;       /* all of them, in their order */
    size_t extensions_n;
    unsigned deviations; /* enum x509_deviation */

    const uint8_t
        *known_sha256; /* of der, set by who has it already; NULL: computed if asked for */
};

/* Reads one certificate: all of der, nothing behind it. Strict about framing;
 * the edges where certificates in use depart from the standard are read and
 * named in `deviations`, raw bytes kept. An extension whose content does not
 * parse is one of those: it counts as absent. ERR_FORMAT names the field in
 * f->what; ERR_LIMIT, ERR_MEMORY. Does not hash and does not check signatures. */
enum err x509_cert_read(struct arena *a, struct bytes der, struct x509_cert *out,
                        struct fault *f) MUST_CHECK;

/* The first DER SEQUENCE of `in` (a certificate among others in a file, or with
 * something behind it), taken off the cursor. */
struct bytes x509_der_next(struct cur *in);

/* Computed when asked for, since they cost more than the reading. */
void x509_cert_sha256(const struct x509_cert *cert, uint8_t out[X509_SHA256_SIZE]);
void x509_spki_sha256(const struct x509_cert *cert, uint8_t out[X509_SHA256_SIZE]);

enum x509_answer { X509_NO, X509_YES, X509_UNKNOWN };
/* Self-issued and signed by its own key. X509_UNKNOWN: the signature is of a kind
 * that we cannot check. */
enum x509_answer x509_cert_self_signed(const struct x509_cert *cert);
/* issuer's key made cert's signature: ERR_OK, ERR_CREDENTIALS, ERR_UNSUPPORTED, ERR_FORMAT.
 * Names, dates and CA bits are not looked at. */
enum err x509_cert_signed_by(const struct x509_cert *cert,
                             const struct x509_cert *issuer) MUST_CHECK;

enum x509_key_usage {
    X509_KU_DIGITAL_SIGNATURE = 1u << 0,
    X509_KU_NON_REPUDIATION = 1u << 1,
    X509_KU_KEY_ENCIPHERMENT = 1u << 2,
    X509_KU_DATA_ENCIPHERMENT = 1u << 3,
    X509_KU_KEY_AGREEMENT = 1u << 4,
    X509_KU_KEY_CERT_SIGN = 1u << 5,
    X509_KU_CRL_SIGN = 1u << 6,
    X509_KU_ENCIPHER_ONLY = 1u << 7,
    X509_KU_DECIPHER_ONLY = 1u << 8,
};
/* "digitalSignature" for 0 ... "decipherOnly" for 8; NULL past it. */
const char *x509_key_usage_name(unsigned bit);

/* ---- The extensions that are read when asked for ---- */

struct x509_policy {
    const char *name; /* "domain-validated", or dotted */
    struct bytes oid; /* content octets */
    struct bytes cps; /* the first pointer to a practice statement, foreign text; or empty */
};
struct x509_access {
    const char *method;    /* "ocsp", "caIssuers", or dotted */
    struct bytes location; /* GeneralName, whole */
};
/* A signed certificate timestamp (RFC 6962, 3.2). */
struct x509_timestamp {
    unsigned version;    /* 1; of others nothing more is known */
    struct bytes log_id; /* 32 octets; empty where the version is another */
    uint64_t time_ms;    /* since 1970, UTC */
};
struct x509_details {
    struct x509_names authority_issuer; /* of authorityKeyIdentifier: GeneralNames, whole */
    struct bytes authority_serial;      /* its other half; empty where none */
    bool has_name_constraints;
    struct x509_names permitted, excluded; /* GeneralNames, whole */
    const struct x509_policy *policies;
    size_t policies_n;
    const struct x509_access *access; /* authorityInfoAccess */
    size_t access_n;
    struct x509_names crl; /* distribution points: GeneralNames, whole */
    const struct x509_timestamp *timestamps;
    size_t timestamps_n;
    const uint16_t *tls_features; /* numbers of TLS extensions (RFC 7633) */
    size_t tls_features_n;
    bool must_staple;       /* status_request is among them */
    bool is_precertificate; /* RFC 6962, 3.1 */
    unsigned deviations;    /* those of the certificate, and what is found here */
};
/* What x509_cert_read leaves as bytes, since few ask for it. An extension that does not
 * parse, or has more than X509_ALT_NAMES_MAX items, counts as absent:
 * X509_DEV_EXTENSION_UNREADABLE. Lists live in the arena.
 * ERR_MEMORY, ERR_LIMIT: of the arena. */
enum err x509_details_read(struct arena *a, const struct x509_cert *cert,
                           struct x509_details *out) MUST_CHECK;

/* ---- Requests (PKCS#10) ---- */

struct x509_request {
    /* What is asked for, in the fields of a certificate: subject, spki, key, alt,
     * usages, basic constraints, extensions (those that are not known here are named
     * too), deviations. der, tbs, algorithm and signature are the request's own. What
     * a request has not (serial, issuer, dates) is empty. */
    struct x509_cert asked;
    const char *const *attributes; /* their names: "extensionRequest", or dotted */
    size_t attributes_n;
};

/* Reads one request: all of der, nothing behind it. As x509_cert_read in all else;
 * extensions may stand in the attribute of PKCS#9 or in that of Microsoft, not in
 * both. More than X509_REQUEST_NAMES_MAX names: ERR_LIMIT, f->what "subjectAltName".
 * Does not check the signature: x509_request_verify. */
enum err x509_request_read(struct arena *a, struct bytes der, struct x509_request *out,
                           struct fault *f) MUST_CHECK;

/* Proof of possession: the request is signed by the key that it names. ERR_OK,
 * ERR_CREDENTIALS, ERR_UNSUPPORTED (not to be issued for, either), ERR_FORMAT. */
enum err x509_request_verify(const struct x509_request *request) MUST_CHECK;

/* ---- Names as text ---- */

/* RFC 4514, last attribute first, UTF-8. Control characters become \XX, so that
 * the text is one line without escape sequences; types without a name and string
 * types that are none are #hex. "" for the empty name. */
void x509_name_text(struct bytes name, struct buf *out);
/* The value of the last attribute of this type, unescaped UTF-8 (foreign: escape
 * it for people). False where there is none. */
bool x509_name_attribute(struct bytes name, enum oid type, struct buf *out);
/* How many attributes of this type a name has; OID_OTHER: of all types. */
size_t x509_name_count(struct bytes name, enum oid type);
/* What lists show: the common name, else the first alternative name (DNS, IP,
 * e-mail, URI), else the subject, else "serial HEX". Foreign text, not escaped. */
void x509_cert_display_name(const struct x509_cert *cert, struct buf *out);
/* "192.0.2.1", RFC 5952 for 16 octets, "#hex" for other sizes. */
void x509_ip_text(struct bytes ip, struct buf *out);

/* The nine kinds of GeneralName (RFC 5280, 4.2.1.6), numbered as their tags. */
enum x509_name_kind {
    X509_NAME_OTHER,
    X509_NAME_EMAIL,
    X509_NAME_DNS,
    X509_NAME_X400,
    X509_NAME_DIRECTORY,
    X509_NAME_EDI_PARTY,
    X509_NAME_URI,
    X509_NAME_IP,
    X509_NAME_REGISTERED_ID,
    X509_NAME_KIND_COUNT
};
/* "dns", "ip", "email", "uri", "directory", "other_name", "x400_address", ... as in JSON. */
const char *x509_name_kind_name(enum x509_name_kind kind);

struct x509_general_name {
    enum x509_name_kind kind;
    struct bytes type;  /* of an otherName: OID, content octets; empty where there is none */
    struct bytes value; /* text, address, Name DER, OID; DER of the value of an otherName */
};
/* Reads one, whole; false for what is none. */
bool x509_general_name_read(struct bytes der, struct x509_general_name *out);
/* Its value as one line of UTF-8 (foreign: escape it for people). Addresses as
 * x509_ip_text, with a mask as "192.0.2.0/24"; a string in an otherName as that string,
 * another value, and what has no text of its own, as "#hex". */
void x509_general_name_text(const struct x509_general_name *name, struct buf *out);

/* RFC 9525: an IP literal (without brackets) matches an iPAddress; a name matches
 * a dNSName, "*" only as the whole left-most label. Letters' case and one trailing
 * dot are ignored. The common name is never looked at. */
bool x509_cert_matches_host(const struct x509_cert *cert, struct bytes host);

/* ---- PEM (RFC 7468, read tolerantly) ---- */

enum pem_kind {
    PEM_CERTIFICATE, /* CERTIFICATE, X509 CERTIFICATE, TRUSTED CERTIFICATE (its certificate) */
    PEM_PRIVATE_KEY, /* noted, never decoded */
    PEM_OTHER,       /* decoded: a request, a CRL, parameters, ... */
    PEM_BROKEN,      /* no END line, or no base64 */
};
struct pem_object {
    enum pem_kind kind;
    struct bytes label; /* borrowed: "CERTIFICATE" */
    struct bytes der;   /* borrowed from the buffer handed in, until the next call */
};
/* The next object of a text; false at its end. Text between objects, CRLF, a byte
 * order mark, headers (RFC 1421), base64 in one line and a missing last line end
 * are accepted. `der` is a buffer of the caller's, overwritten by each call. */
bool pem_next(struct cur *text, struct buf *der, struct pem_object *out);
bool pem_is(struct bytes file); /* holds a BEGIN line */
/* Does a line of it begin a certificate? Much that speaks of PEM, source and documents, has
 * none that does. */
bool pem_begins_certificate(struct bytes file);
/* The DER of the first object whose label ends with `label` ("CERTIFICATE REQUEST" finds
 * "NEW CERTIFICATE REQUEST" too), no private key. False: there is none. */
bool pem_find(struct bytes text, const char *label, struct buf *der);
/* The DER of the first private key, for signing_key_read; `der` is wiped by its owner.
 * It is not grown on the way, so that no copy is left behind. ERR_NOT_FOUND,
 * ERR_UNSUPPORTED (encrypted), ERR_FORMAT. */
enum err pem_private_key(struct bytes text, struct buf *der, struct fault *f) MUST_CHECK;
/* The first private key of a text: any form that signing_key_read takes. Errors as above. */
enum err x509_key_text_read(struct bytes text, struct signing_key **out,
                            struct fault *f) MUST_CHECK;
/* Appends it as PKCS#8; the buffer is to be wiped by its owner. */
enum err x509_key_text_write(const struct signing_key *key, struct buf *out,
                             struct fault *f) MUST_CHECK;
/* The same in a file of its own, replaced whole, mode 0600. What was read is wiped. */
enum err x509_key_file_read(const char *path, struct signing_key **out, struct fault *f) MUST_CHECK;
enum err x509_key_file_write(const char *path, const struct signing_key *key,
                             struct fault *f) MUST_CHECK;
/* 64 characters a line, LF. */
void pem_write(struct buf *out, const char *label, struct bytes der);

/* ---- Chains ---- */

/* What ends a chain: pinned certificates (SHA-256 of their DER, which the server
 * sends along), roots at hand, or both. Borrowed. */
struct x509_trust {
    const uint8_t (*pins)[X509_SHA256_SIZE];
    size_t pins_n;
    const struct x509_cert *roots;
    size_t roots_n;
};
/* Reads a bundle of roots (PEM) into the arena, which holds copies. What does not
 * parse is left out. ERR_NOT_FOUND where nothing is left. */
enum err x509_trust_read(struct arena *a, struct bytes pem, struct x509_trust *out,
                         struct fault *f) MUST_CHECK;

/* A server's chain, leaf first, the rest in any order: the leaf is for `host` and
 * for serverAuth, each certificate is within its dates at now_s, each issuer is a CA
 * and has signed, the end is trusted. SHA-1 and MD5 signatures and critical
 * extensions that are not processed here (name constraints) are refused.
 * ERR_TLS with f->what: "server name", "server address", "root", "dates", "signature",
 * "key usage", "extension"; the detail names the certificate. */
enum err x509_chain_verify(struct arena *a, const struct bytes *chain_der, size_t n,
                           const struct x509_trust *trust, struct bytes host, int64_t now_s,
                           struct fault *f) MUST_CHECK;

/* ---- Writing ---- */

struct x509_attribute {
    enum oid type;     /* OID_COMMON_NAME, OID_ORGANIZATION, ... */
    const char *value; /* UTF-8 */
};
/* A Name in the order given; country as PrintableString, the rest UTF8String. */
void x509_name_write(struct buf *out, const struct x509_attribute *attributes, size_t n);

/* What a certificate shall say. Empty views and zeros leave the thing out;
 * an empty subject is the empty Name. */
struct x509_template {
    struct bytes serial;          /* positive, big-endian; empty: x509_serial_make */
    struct bytes issuer, subject; /* Name DER; a self-signed one has them equal */
    int64_t not_before, not_after;
    struct bytes spki; /* of the subject */
    /* For authorityKeyIdentifier: the issuer's subjectKeyIdentifier, or else its key,
     * from which ours would be worked out; both empty: left out. */
    struct bytes issuer_key_id, issuer_spki;
    bool is_ca;
    int path_len; /* -1: none; only with is_ca */
    unsigned key_usage;
    const enum oid *extended_key_usage;
    size_t extended_key_usage_n;
    struct x509_names dns, ip, email,
        uri; /* IP as 4 or 16 octets; critical where the subject is empty */
    struct x509_names crl_urls, issuer_urls; /* cRLDistributionPoints, caIssuers */
};

/* 128 random bits, never zero. False: the system gives none. */
bool x509_serial_make(const struct env *env, uint8_t out[X509_SERIAL_SIZE]) MUST_CHECK;

/* Appends the DER of the certificate, signed by the issuer's key with SHA-256.
 * basicConstraints and keyUsage are critical; subjectKeyIdentifier by RFC 7093, method 1. */
enum err x509_cert_write(const struct env *env, const struct x509_template *t,
                         const struct signing_key *issuer_key, struct buf *out,
                         struct fault *f) MUST_CHECK;

/* Appends the DER of a request for `key`, signed by it. Of the template only subject,
 * key_usage, extended_key_usage, dns, ip, email and uri are looked at. More than
 * X509_REQUEST_NAMES_MAX names: ERR_LIMIT. */
enum err x509_request_write(const struct env *env, const struct x509_template *t,
                            const struct signing_key *key, struct buf *out,
                            struct fault *f) MUST_CHECK;

/* ---- Revocation lists (RFC 5280, 5) ---- */

enum x509_reason {
    X509_REASON_UNSPECIFIED = 0,
    X509_REASON_KEY_COMPROMISE = 1,
    X509_REASON_CA_COMPROMISE = 2,
    X509_REASON_AFFILIATION_CHANGED = 3,
    X509_REASON_SUPERSEDED = 4,
    X509_REASON_CESSATION_OF_OPERATION = 5,
    X509_REASON_CERTIFICATE_HOLD = 6,
    X509_REASON_REMOVE_FROM_CRL = 8, /* delta lists only: read, never written */
    X509_REASON_PRIVILEGE_WITHDRAWN = 9,
    X509_REASON_AA_COMPROMISE = 10,
};
/* "keyCompromise"; NULL for what is none. */
const char *x509_reason_name(unsigned reason);
bool x509_reason_read(struct bytes name, enum x509_reason *out);

struct x509_revoked {
    struct bytes serial; /* as x509_cert_read gives it */
    int64_t revoked_s;
    enum x509_reason reason;
};

struct x509_crl_template {
    struct bytes issuer;        /* Name DER */
    struct bytes issuer_key_id; /* its certificate's subjectKeyIdentifier */
    int64_t this_update, next_update;
    uint64_t number;                    /* greater than that of every list before */
    const struct x509_revoked *revoked; /* each serial once */
    size_t revoked_n;
};
/* Appends the DER of a complete list, version 2, signed with SHA-256. ERR_LIMIT past
 * X509_REVOKED_MAX; ERR_FORMAT for a reason or serial that cannot stand in one. */
enum err x509_crl_write(const struct env *env, const struct x509_crl_template *t,
                        const struct signing_key *issuer_key, struct buf *out,
                        struct fault *f) MUST_CHECK;

struct x509_crl {
    struct bytes der, tbs, issuer; /* issuer: Name DER */
    int64_t this_update, next_update;
    bool has_next_update;
    struct bytes number; /* big-endian, without leading zeros; empty where none */
    struct bytes authority_key_id;
    const char *signature_algorithm;
    struct bytes algorithm, signature;
    struct bytes revoked; /* for x509_crl_next */
    size_t revoked_n;
    unsigned deviations; /* enum x509_deviation */
};
/* Reads one complete list. Delta and indirect lists, and others with critical
 * extensions: ERR_UNSUPPORTED. */
enum err x509_crl_read(struct arena *a, struct bytes der, struct x509_crl *out,
                       struct fault *f) MUST_CHECK;
/* The next entry of cur_open(crl->revoked); false at its end. */
bool x509_crl_next(struct cur *entries, struct x509_revoked *out);
/* As x509_cert_signed_by. */
enum err x509_crl_signed_by(const struct x509_crl *crl, const struct x509_cert *issuer) MUST_CHECK;

#endif
