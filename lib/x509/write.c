/* Certificates and requests of our own making. See x509.h; RFC 5280, 4; RFC 2986.
 *
 * Their extensions are written in extension_write.c, revocation lists in crl.c.
 */
#include "base/der.h"
#include "crypto/crypto.h"
#include "x509/inner.h"
#include "x509/time.h"

enum { VERSION_3 = 2, REQUEST_VERSION_1 = 0, SIGNATURE_MAX = 1 << 10 };

static bool is_zero(struct bytes b) {
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] != 0)
            return false;
    return true;
}

bool x509_serial_make(const struct env *env, uint8_t out[X509_SERIAL_SIZE]) {
    return env->random(env->context, out, X509_SERIAL_SIZE) &&
           !is_zero(bytes_of(out, X509_SERIAL_SIZE));
}

static enum err put_serial(const struct env *env, struct bytes given, struct buf *out) {
    uint8_t octets[X509_SERIAL_SIZE];
    if (given.n == 0) {
        if (!x509_serial_make(env, octets))
            return ERR_FAILED;
        given = bytes_of(octets, sizeof octets);
    }
    der_put_unsigned(out, given);
    return ERR_OK;
}

static void put_validity(const struct x509_template *t, struct buf *out) {
    size_t mark = der_begin(out, DER_SEQUENCE);
    x509_time_write(out, t->not_before);
    x509_time_write(out, t->not_after);
    der_close(out, mark);
}

/* ---- What all signed objects share ---- */

void x509_inner_put_name(struct bytes name, struct buf *out) {
    if (name.n > 0)
        buf_put(out, name);
    else
        der_put(out, DER_SEQUENCE, name);
}

/* ECDSA's identifier has no parameters, that of RSA has NULL (RFC 5758; RFC 4055). */
void x509_inner_put_algorithm(const struct signing_key *key, struct buf *out) {
    bool ec = signing_key_kind(key) == KEY_EC_P256;
    size_t mark = der_begin(out, DER_SEQUENCE);
    oid_put(out, ec ? OID_ECDSA_SHA256 : OID_RSA_SHA256);
    if (!ec)
        der_put_null(out);
    der_close(out, mark);
}

enum err x509_inner_put_signed(const struct env *env, const struct signing_key *key,
                               const struct buf *tbs, const char *what, struct buf *out,
                               struct fault *f) {
    struct buf signature;
    if (tbs->err != ERR_OK)
        return fault_set(f, tbs->err, what, "%s", "writing it");
    buf_init(&signature, SIGNATURE_MAX);
    enum err e = signing_key_sign(env, key, buf_bytes(tbs), &signature);
    if (e == ERR_OK) {
        size_t whole = der_begin(out, DER_SEQUENCE);
        buf_put(out, buf_bytes(tbs));
        x509_inner_put_algorithm(key, out);
        der_put_bits(out, buf_bytes(&signature));
        der_close(out, whole);
        e = out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, what, "%s", "writing it");
    } else {
        fault_set(f, e, what, "%s", "signing it");
    }
    buf_clear(&signature);
    return e;
}

/* ---- Certificates ---- */

static bool put_extensions(const struct x509_template *t, struct buf *out) {
    size_t outer = der_begin(out, DER_CONTEXT_CONS | 3), list = der_begin(out, DER_SEQUENCE);
    bool good = x509_inner_put_extensions(t, out);
    der_close(out, list);
    der_close(out, outer);
    return good;
}

static enum err put_tbs(const struct env *env, const struct x509_template *t,
                        const struct signing_key *key, struct buf *out, struct fault *f) {
    size_t tbs = der_begin(out, DER_SEQUENCE), version = der_begin(out, DER_CONTEXT_CONS | 0);
    der_put_u64(out, VERSION_3);
    der_close(out, version);
    if (put_serial(env, t->serial, out) != ERR_OK)
        return fault_set(f, ERR_FAILED, "random source", "%s", "the system gives none");
    x509_inner_put_algorithm(key, out);
    x509_inner_put_name(t->issuer, out);
    put_validity(t, out);
    x509_inner_put_name(t->subject, out);
    buf_put(out, t->spki);
    if (!put_extensions(t, out))
        return fault_set(f, ERR_FORMAT, "public key", "%s", "no SubjectPublicKeyInfo");
    der_close(out, tbs);
    return ERR_OK;
}

enum err x509_cert_write(const struct env *env, const struct x509_template *t,
                         const struct signing_key *issuer_key, struct buf *out, struct fault *f) {
    struct buf tbs;
    buf_init(&tbs, X509_DER_MAX);
    enum err e = put_tbs(env, t, issuer_key, &tbs, f);
    if (e == ERR_OK)
        e = x509_inner_put_signed(env, issuer_key, &tbs, "certificate", out, f);
    buf_clear(&tbs);
    return e;
}

/* ---- Requests ---- */

/* The list is there even where it is empty (RFC 2986, 4.1). */
static void put_attributes(const struct x509_template *t, struct buf *out) {
    size_t attributes = der_begin(out, DER_CONTEXT_CONS | 0), from = out->n;
    size_t attribute = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_EXTENSION_REQUEST);
    size_t set = der_begin(out, DER_SET), list = der_begin(out, DER_SEQUENCE), before = out->n;
    x509_inner_put_wishes(t, out);
    if (out->err == ERR_OK && out->n == before) {
        buf_cut(out, from);
    } else {
        der_close(out, list);
        der_close(out, set);
        der_close(out, attribute);
    }
    der_close(out, attributes);
}

enum err x509_request_write(const struct env *env, const struct x509_template *t,
                            const struct signing_key *key, struct buf *out, struct fault *f) {
    struct buf info;
    if (t->dns.n + t->ip.n + t->email.n + t->uri.n > X509_REQUEST_NAMES_MAX)
        return fault_set(f, ERR_LIMIT, "subjectAltName", "more than %d", X509_REQUEST_NAMES_MAX);
    buf_init(&info, X509_DER_MAX);
    size_t mark = der_begin(&info, DER_SEQUENCE);
    der_put_u64(&info, REQUEST_VERSION_1);
    x509_inner_put_name(t->subject, &info);
    signing_key_spki(key, &info);
    put_attributes(t, &info);
    der_close(&info, mark);
    enum err e = x509_inner_put_signed(env, key, &info, "request", out, f);
    buf_clear(&info);
    return e;
}
