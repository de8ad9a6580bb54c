/* Certificates of our own making. See x509.h; RFC 5280, 4. */
#include "x509/x509.h"

#include "base/der.h"
#include "crypto/crypto.h"
#include "x509/time.h"

enum { SERIAL_OCTETS = 16, KEY_ID_OCTETS = 20, VERSION_3 = 2, PART_MAX = 1 << 16 };

static enum err put_serial(const struct env *env, struct bytes given, struct buf *out) {
    uint8_t octets[SERIAL_OCTETS] = {0};
    if (given.n > 0) {
        der_put_unsigned(out, given);
        return ERR_OK;
    }
    if (!env->random(env->context, octets, sizeof octets))
        return ERR_FAILED;
    octets[SERIAL_OCTETS - 1] |= 1; /* never zero */
    der_put_unsigned(out, bytes_of(octets, sizeof octets));
    return ERR_OK;
}

static void put_validity(const struct x509_template *t, struct buf *out) {
    size_t mark = der_begin(out, DER_SEQUENCE);
    x509_time_write(out, t->not_before);
    x509_time_write(out, t->not_after);
    der_close(out, mark);
}

static void put_name(struct bytes name, struct buf *out) {
    if (name.n > 0)
        buf_put(out, name);
    else
        der_put(out, DER_SEQUENCE, name);
}

/* ---- Extensions: begin ... close frame the value ---- */

struct extension_mark {
    size_t sequence, octets;
};

static struct extension_mark extension_begin(struct buf *out, enum oid id, bool critical) {
    struct extension_mark m = {.sequence = der_begin(out, DER_SEQUENCE)};
    oid_put(out, id);
    if (critical)
        der_put_boolean(out, true);
    m.octets = der_begin(out, DER_OCTET_STRING);
    return m;
}

static void extension_close(struct buf *out, struct extension_mark m) {
    der_close(out, m.octets);
    der_close(out, m.sequence);
}

static void put_basic_constraints(const struct x509_template *t, struct buf *out) {
    struct extension_mark m = extension_begin(out, OID_BASIC_CONSTRAINTS, true);
    size_t mark = der_begin(out, DER_SEQUENCE);
    if (t->is_ca)
        der_put_boolean(out, true);
    if (t->is_ca && t->path_len >= 0)
        der_put_u64(out, (uint64_t)t->path_len);
    der_close(out, mark);
    extension_close(out, m);
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
    struct extension_mark m = extension_begin(out, OID_KEY_USAGE, true);
    size_t mark = der_begin(out, DER_BIT_STRING);
    buf_u8(out, (uint8_t)(7 - last % 8));
    buf_put(out, bytes_of(octets, last / 8 + 1));
    der_close(out, mark);
    extension_close(out, m);
}

static void put_extended_key_usage(const struct x509_template *t, struct buf *out) {
    if (t->extended_key_usage_n == 0)
        return;
    struct extension_mark m = extension_begin(out, OID_EXTENDED_KEY_USAGE, false);
    size_t mark = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < t->extended_key_usage_n; i++)
        oid_put(out, t->extended_key_usage[i]);
    der_close(out, mark);
    extension_close(out, m);
}

static void put_names(const struct x509_names *names, uint8_t tag, struct buf *out) {
    for (size_t i = 0; i < names->n; i++)
        der_put(out, tag, names->items[i]);
}

static void put_alt_names(const struct x509_template *t, struct buf *out) {
    if (t->dns.n + t->ip.n + t->email.n + t->uri.n == 0)
        return;
    bool critical = t->subject.n <= 2;
    struct extension_mark m = extension_begin(out, OID_SUBJECT_ALT_NAME, critical);
    size_t mark = der_begin(out, DER_SEQUENCE);
    put_names(&t->dns, DER_CONTEXT | 2, out);
    put_names(&t->ip, DER_CONTEXT | 7, out);
    put_names(&t->email, DER_CONTEXT | 1, out);
    put_names(&t->uri, DER_CONTEXT | 6, out);
    der_close(out, mark);
    extension_close(out, m);
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

static bool put_key_ids(const struct x509_template *t, struct buf *out) {
    uint8_t id[SHA256_SIZE];
    if (!key_id(t->spki, id))
        return false;
    struct extension_mark m = extension_begin(out, OID_SUBJECT_KEY_ID, false);
    der_put(out, DER_OCTET_STRING, bytes_of(id, KEY_ID_OCTETS));
    extension_close(out, m);
    if (t->issuer_spki.n == 0)
        return true;
    if (!key_id(t->issuer_spki, id))
        return false;
    m = extension_begin(out, OID_AUTHORITY_KEY_ID, false);
    size_t mark = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_CONTEXT | 0, bytes_of(id, KEY_ID_OCTETS));
    der_close(out, mark);
    extension_close(out, m);
    return true;
}

static bool put_extensions(const struct x509_template *t, struct buf *out) {
    size_t outer = der_begin(out, DER_CONTEXT_CONS | 3), list = der_begin(out, DER_SEQUENCE);
    put_basic_constraints(t, out);
    put_key_usage(t, out);
    put_extended_key_usage(t, out);
    put_alt_names(t, out);
    bool good = put_key_ids(t, out);
    der_close(out, list);
    der_close(out, outer);
    return good;
}

/* ---- All ---- */

/* ECDSA's identifier has no parameters, that of RSA has NULL (RFC 5758; RFC 4055). */
static void put_algorithm(const struct signing_key *key, struct buf *out) {
    bool ec = signing_key_kind(key) == KEY_EC_P256;
    size_t mark = der_begin(out, DER_SEQUENCE);
    oid_put(out, ec ? OID_ECDSA_SHA256 : OID_RSA_SHA256);
    if (!ec)
        der_put_null(out);
    der_close(out, mark);
}

static enum err put_tbs(const struct env *env, const struct x509_template *t,
                        const struct signing_key *key, struct buf *out, struct fault *f) {
    size_t tbs = der_begin(out, DER_SEQUENCE), version = der_begin(out, DER_CONTEXT_CONS | 0);
    der_put_u64(out, VERSION_3);
    der_close(out, version);
    if (put_serial(env, t->serial, out) != ERR_OK)
        return fault_set(f, ERR_FAILED, "random source", "%s", "the system gives none");
    put_algorithm(key, out);
    put_name(t->issuer, out);
    put_validity(t, out);
    put_name(t->subject, out);
    buf_put(out, t->spki);
    if (!put_extensions(t, out))
        return fault_set(f, ERR_FORMAT, "public key", "%s", "no SubjectPublicKeyInfo");
    der_close(out, tbs);
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "certificate", "%s", "writing it");
}

enum err x509_cert_write(const struct env *env, const struct x509_template *t,
                         const struct signing_key *issuer_key, struct buf *out, struct fault *f) {
    struct buf tbs, signature;
    buf_init(&tbs, PART_MAX);
    buf_init(&signature, PART_MAX);
    enum err e = put_tbs(env, t, issuer_key, &tbs, f);
    if (e != ERR_OK)
        goto out;
    e = signing_key_sign(env, issuer_key, buf_bytes(&tbs), &signature);
    if (e != ERR_OK) {
        fault_set(f, e, "certificate", "%s", "signing it");
        goto out;
    }
    size_t whole = der_begin(out, DER_SEQUENCE);
    buf_put(out, buf_bytes(&tbs));
    put_algorithm(issuer_key, out);
    der_put_bits(out, buf_bytes(&signature));
    der_close(out, whole);
    e = out->err;
    if (e != ERR_OK)
        fault_set(f, e, "certificate", "%s", "writing it");
out:
    buf_clear(&tbs);
    buf_clear(&signature);
    return e;
}
