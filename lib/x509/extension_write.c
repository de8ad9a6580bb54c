/* Extensions of certificates and requests of our own making. See x509.h; RFC 5280, 4.2. */
#include "base/der.h"
#include "crypto/crypto.h"
#include "x509/inner.h"

enum { KEY_ID_OCTETS = 20 };

struct x509_extension_mark x509_inner_extension_begin(struct buf *out, enum oid id, bool critical) {
    struct x509_extension_mark m = {.sequence = der_begin(out, DER_SEQUENCE)};
    oid_put(out, id);
    if (critical)
        der_put_boolean(out, true);
    m.octets = der_begin(out, DER_OCTET_STRING);
    return m;
}

void x509_inner_extension_close(struct buf *out, struct x509_extension_mark m) {
    der_close(out, m.octets);
    der_close(out, m.sequence);
}

static void put_basic_constraints(const struct x509_template *t, struct buf *out) {
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_BASIC_CONSTRAINTS, true);
    size_t mark = der_begin(out, DER_SEQUENCE);
    if (t->is_ca)
        der_put_boolean(out, true);
    if (t->is_ca && t->path_len >= 0)
        der_put_u64(out, (uint64_t)t->path_len);
    der_close(out, mark);
    x509_inner_extension_close(out, m);
}

/* A BIT STRING that ends with its last one (X.690, 11.2.2). */
static void put_key_usage(const struct x509_template *t, struct buf *out) {
    if (t->key_usage == 0)
        return;
    uint8_t octets[2] = {0};
    unsigned last = 0;
    for (unsigned bit = 0; bit < 9; bit++) {
        if ((t->key_usage & 1u << bit) == 0)
            continue;
        octets[bit / 8] = (uint8_t)(octets[bit / 8] | 0x80u >> (bit % 8));
        last = bit;
    }
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_KEY_USAGE, true);
    size_t mark = der_begin(out, DER_BIT_STRING);
    buf_u8(out, (uint8_t)(7 - last % 8));
    buf_put(out, bytes_of(octets, last / 8 + 1));
    der_close(out, mark);
    x509_inner_extension_close(out, m);
}

static void put_extended_key_usage(const struct x509_template *t, struct buf *out) {
    if (t->extended_key_usage_n == 0)
        return;
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_EXTENDED_KEY_USAGE, false);
    size_t mark = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < t->extended_key_usage_n; i++)
        oid_put(out, t->extended_key_usage[i]);
    der_close(out, mark);
    x509_inner_extension_close(out, m);
}

static void put_names(const struct x509_names *names, uint8_t tag, struct buf *out) {
    for (size_t i = 0; i < names->n; i++)
        der_put(out, tag, names->items[i]);
}

static void put_alt_names(const struct x509_template *t, struct buf *out) {
    if (t->dns.n + t->ip.n + t->email.n + t->uri.n == 0)
        return;
    bool critical = t->subject.n <= 2;
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_SUBJECT_ALT_NAME, critical);
    size_t mark = der_begin(out, DER_SEQUENCE);
    put_names(&t->dns, DER_CONTEXT | 2, out);
    put_names(&t->ip, DER_CONTEXT | 7, out);
    put_names(&t->email, DER_CONTEXT | 1, out);
    put_names(&t->uri, DER_CONTEXT | 6, out);
    der_close(out, mark);
    x509_inner_extension_close(out, m);
}

/* RFC 7093, 2, method 1: the first 160 bits of SHA-256 over the key's bits. */
static bool key_id(struct bytes spki, uint8_t out[SHA256_SIZE]) {
    struct cur c = cur_open(spki), inner = der_open(&c, DER_SEQUENCE);
    der_take(&inner, DER_SEQUENCE);
    struct bytes bits = der_bits(&inner);
    if (!cur_end(&inner) || !cur_end(&c))
        return false;
    hash_of(HASH_SHA256, bits, out);
    return true;
}

static void put_subject_key_id(struct bytes id, struct buf *out) {
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_SUBJECT_KEY_ID, false);
    der_put(out, DER_OCTET_STRING, id);
    x509_inner_extension_close(out, m);
}

void x509_inner_put_authority_key_id(struct bytes id, struct buf *out) {
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_AUTHORITY_KEY_ID, false);
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_CONTEXT | 0, id);
    der_close(out, mark);
    x509_inner_extension_close(out, m);
}

static bool put_key_ids(const struct x509_template *t, struct buf *out) {
    uint8_t id[SHA256_SIZE];
    if (!key_id(t->spki, id))
        return false;
    put_subject_key_id(bytes_of(id, KEY_ID_OCTETS), out);
    if (t->issuer_key_id.n > 0)
        x509_inner_put_authority_key_id(t->issuer_key_id, out);
    if (t->issuer_key_id.n > 0 || t->issuer_spki.n == 0)
        return true;
    if (!key_id(t->issuer_spki, id))
        return false;
    x509_inner_put_authority_key_id(bytes_of(id, KEY_ID_OCTETS), out);
    return true;
}

/* One DistributionPoint with all the places: each holds the same list. */
static void put_crl_urls(const struct x509_template *t, struct buf *out) {
    if (t->crl_urls.n == 0)
        return;
    struct x509_extension_mark m =
        x509_inner_extension_begin(out, OID_CRL_DISTRIBUTION_POINTS, false);
    size_t list = der_begin(out, DER_SEQUENCE), point = der_begin(out, DER_SEQUENCE);
    size_t name = der_begin(out, DER_CONTEXT_CONS | 0), full = der_begin(out, DER_CONTEXT_CONS | 0);
    put_names(&t->crl_urls, DER_CONTEXT | 6, out);
    der_close(out, full);
    der_close(out, name);
    der_close(out, point);
    der_close(out, list);
    x509_inner_extension_close(out, m);
}

static void put_issuer_urls(const struct x509_template *t, struct buf *out) {
    if (t->issuer_urls.n == 0)
        return;
    struct x509_extension_mark m =
        x509_inner_extension_begin(out, OID_AUTHORITY_INFO_ACCESS, false);
    size_t list = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < t->issuer_urls.n; i++) {
        size_t access = der_begin(out, DER_SEQUENCE);
        oid_put(out, OID_CA_ISSUERS);
        der_put(out, DER_CONTEXT | 6, t->issuer_urls.items[i]);
        der_close(out, access);
    }
    der_close(out, list);
    x509_inner_extension_close(out, m);
}

/* ---- All ---- */

bool x509_inner_put_extensions(const struct x509_template *t, struct buf *out) {
    put_basic_constraints(t, out);
    put_key_usage(t, out);
    put_extended_key_usage(t, out);
    put_alt_names(t, out);
    put_crl_urls(t, out);
    put_issuer_urls(t, out);
    return put_key_ids(t, out);
}

void x509_inner_put_wishes(const struct x509_template *t, struct buf *out) {
    put_key_usage(t, out);
    put_extended_key_usage(t, out);
    put_alt_names(t, out);
}
