/* The certificate reader. See x509.h.
 *
 * The fields of a certificate are rows of one table, in their order; a field that
 * cannot be read refuses the certificate under the row's name. Extensions have a
 * table of their own in extension.c.
 */
#include "x509/inner.h"

#include "base/der.h"
#include "crypto/crypto.h"
#include "x509/name.h"
#include "x509/time.h"

#include <string.h>

const char *x509_inner_oid_name(struct arena *a, enum oid_kind kind, struct bytes oid) {
    const struct oid_row *row = oid_find(kind, oid);
    if (row != NULL)
        return row->name;
    struct buf text;
    buf_init(&text, X509_OID_TEXT_MAX);
    oid_dotted(oid, &text);
    const char *name = text.err == ERR_OK ? arena_cstr(a, buf_bytes(&text)) : NULL;
    buf_clear(&text);
    return name;
}

bool x509_inner_bits(struct cur *c, struct bytes *octets, unsigned *unused) {
    struct bytes b = der_take(c, DER_BIT_STRING);
    *unused = b.n > 0 ? b.p[0] : 0;
    if (b.n == 0 || *unused > 7 || (b.n == 1 && *unused > 0)) {
        cur_refuse(c);
        return false;
    }
    *octets = bytes_part(b, 1, b.n);
    return true;
}

/* ---- Fields of TBSCertificate (RFC 5280, 4.1) ---- */

static enum err read_version(struct x509_reader *r, struct cur *c) {
    struct bytes content;
    r->out->version = 1;
    if (!der_optional(c, DER_CONTEXT_CONS | 0, &content))
        return c->bad ? ERR_FORMAT : ERR_OK;
    struct cur inner = cur_open(content);
    struct bytes v = der_integer(&inner);
    if (!cur_end(&inner))
        return ERR_FORMAT;
    /* 0 stands for v1 and so on; -1 has been seen. */
    r->out->version = v.n > 1 || v.p[0] >= 0x80 ? 0 : v.p[0] + 1u;
    if (r->out->version == 1)
        r->out->deviations |= X509_DEV_DEFAULT_WRITTEN;
    if (r->out->version < 1 || r->out->version > 3)
        r->out->deviations |= X509_DEV_VERSION;
    return ERR_OK;
}

enum { SERIAL_OCTETS_MAX = 20 };

static enum err read_serial(struct x509_reader *r, struct cur *c) {
    struct bytes s = der_take(c, DER_INTEGER);
    if (s.n == 0)
        return ERR_FORMAT;
    r->out->serial = s;
    unsigned dev = 0;
    if (s.p[0] >= 0x80)
        dev |= X509_DEV_SERIAL_NEGATIVE;
    if (s.n == 1 && s.p[0] == 0)
        dev |= X509_DEV_SERIAL_ZERO;
    if (s.n > SERIAL_OCTETS_MAX)
        dev |= X509_DEV_SERIAL_LONG;
    if (s.n > 1 && ((s.p[0] == 0 && s.p[1] < 0x80) || (s.p[0] == 0xff && s.p[1] >= 0x80)))
        dev |= X509_DEV_SERIAL_PADDED;
    r->out->deviations |= dev;
    return ERR_OK;
}

enum err x509_inner_read_algorithm(struct x509_reader *r, struct cur *c) {
    if (!bytes_equal(der_whole(c, DER_SEQUENCE), r->out->algorithm))
        r->out->deviations |= X509_DEV_ALGORITHM_DIFFERS;
    return ERR_OK;
}

static enum err check_name(struct x509_reader *r, struct bytes name, const char *what) {
    enum err e = name_check(name, what, &r->out->deviations, r->f);
    r->is_told = r->is_told || e == ERR_LIMIT;
    return e;
}

enum err x509_inner_read_issuer(struct x509_reader *r, struct cur *c) {
    r->out->issuer = der_whole(c, DER_SEQUENCE);
    if (c->bad)
        return ERR_FORMAT;
    if (r->out->issuer.n == 2)
        r->out->deviations |= X509_DEV_ISSUER_EMPTY;
    return check_name(r, r->out->issuer, "issuer");
}

enum err x509_inner_read_subject(struct x509_reader *r, struct cur *c) {
    r->out->subject = der_whole(c, DER_SEQUENCE);
    if (c->bad)
        return ERR_FORMAT;
    r->out->self_issued = r->out->subject.n > 2 && bytes_equal(r->out->subject, r->out->issuer);
    return check_name(r, r->out->subject, "subject");
}

static const int64_t year_1950_s = -631152000, year_2050_s = 2524608000;

/* A time that is none leaves the certificate readable, without that date. */
bool x509_inner_read_time(struct x509_reader *r, struct cur *c, int64_t *unix_s) {
    struct der_value v = der_any(c);
    struct x509_time t;
    if (v.tag != DER_UTC_TIME && v.tag != DER_GENERALIZED_TIME)
        cur_refuse(c);
    if (c->bad)
        return false;
    if (!x509_time_read((enum x509_time_type)v.tag, v.content, &t)) {
        r->out->deviations |= X509_DEV_TIME_UNREADABLE;
        return false;
    }
    if ((t.flags & X509_TIME_NO_SECONDS) != 0)
        r->out->deviations |= X509_DEV_TIME_NO_SECONDS;
    if ((t.flags & X509_TIME_OFFSET) != 0)
        r->out->deviations |= X509_DEV_TIME_OFFSET;
    if ((t.flags & X509_TIME_FRACTION) != 0)
        r->out->deviations |= X509_DEV_TIME_FRACTION;
    if (v.tag == DER_GENERALIZED_TIME && t.unix_s >= year_1950_s && t.unix_s < year_2050_s)
        r->out->deviations |= X509_DEV_TIME_TYPE;
    *unix_s = t.unix_s;
    return true;
}

static enum err read_validity(struct x509_reader *r, struct cur *c) {
    struct cur inner = der_open(c, DER_SEQUENCE);
    struct x509_cert *out = r->out;
    out->has_not_before = x509_inner_read_time(r, &inner, &out->not_before);
    out->has_not_after = x509_inner_read_time(r, &inner, &out->not_after);
    if (!cur_end(&inner))
        return ERR_FORMAT;
    if (out->has_not_before && out->has_not_after && out->not_after < out->not_before)
        out->deviations |= X509_DEV_VALIDITY_REVERSED;
    return ERR_OK;
}

enum err x509_inner_read_spki(struct x509_reader *r, struct cur *c) {
    r->out->spki = der_whole(c, DER_SEQUENCE);
    return c->bad ? ERR_FORMAT : x509_inner_read_key(r);
}

/* issuerUniqueID and subjectUniqueID: of X.509 version 2, read past. */
static enum err read_unique_ids(struct x509_reader *r, struct cur *c) {
    struct bytes content;
    (void)r;
    der_optional(c, DER_CONTEXT | 1, &content);
    der_optional(c, DER_CONTEXT | 2, &content);
    return ERR_OK;
}

static enum err read_extensions(struct x509_reader *r, struct cur *c) {
    struct bytes content;
    if (!der_optional(c, DER_CONTEXT_CONS | 3, &content))
        return c->bad ? ERR_FORMAT : ERR_OK;
    if (r->out->version < 3)
        r->out->deviations |= X509_DEV_VERSION;
    return x509_inner_read_extensions(r, content);
}

static const struct x509_field fields[] = {
    {"version",              read_version             },
    {"serial number",        read_serial              },
    {"signature algorithm",  x509_inner_read_algorithm},
    {"issuer",               x509_inner_read_issuer   },
    {"validity",             read_validity            },
    {"subject",              x509_inner_read_subject  },
    {"subject's public key", x509_inner_read_spki     },
    {"unique identifier",    read_unique_ids          },
    {"extensions",           read_extensions          },
};

/* ---- What all signed objects share ---- */

static enum err fail(struct x509_reader *r, enum err e, const char *what) {
    if (r->is_told)
        return e;
    if (e == ERR_FORMAT)
        return fault_set(r->f, e, what, "%s", "not as the standard has it");
    return fault_set(r->f, e, what, "%s",
                     r->a->err == ERR_OK ? "too many, or too long" : "no room");
}

enum err x509_inner_limit(struct x509_reader *r, const char *what, int most) {
    r->is_told = true;
    return fault_set(r->f, ERR_LIMIT, what, "more than %d", most);
}

enum err x509_inner_read_fields(struct x509_reader *r, const struct x509_field *rows, size_t n) {
    struct cur whole = cur_open(r->out->tbs), c = der_open(&whole, DER_SEQUENCE);
    for (size_t i = 0; i < n; i++) {
        enum err e = rows[i].read(r, &c);
        if (e == ERR_OK && c.bad)
            e = ERR_FORMAT;
        if (e != ERR_OK)
            return fail(r, e, rows[i].what);
    }
    return cur_end(&c) ? ERR_OK : fail(r, ERR_FORMAT, "end of the signed part");
}

static enum err read_signature(struct x509_reader *r, struct cur *c) {
    unsigned unused;
    if (!x509_inner_bits(c, &r->out->signature, &unused))
        return fail(r, ERR_FORMAT, "signature");
    if (unused > 0)
        r->out->deviations |= X509_DEV_UNUSED_BITS;
    return ERR_OK;
}

static enum err read_outer_algorithm(struct x509_reader *r, struct cur *c) {
    r->out->algorithm = der_whole(c, DER_SEQUENCE);
    struct cur outer = cur_open(r->out->algorithm), inner = der_open(&outer, DER_SEQUENCE);
    struct bytes oid = der_oid(&inner);
    if (inner.rest.n > 0)
        der_any(&inner);
    if (c->bad || !cur_end(&inner))
        return fail(r, ERR_FORMAT, "signature algorithm");
    r->out->signature_algorithm = x509_inner_oid_name(r->a, OID_ALGORITHM, oid);
    return r->out->signature_algorithm == NULL ? fail(r, ERR_LIMIT, "signature algorithm") : ERR_OK;
}

enum err x509_inner_read_signed(struct x509_reader *r, struct bytes der, size_t max,
                                const char *what) {
    r->out->der = der;
    if (der.n > max)
        return fault_set(r->f, ERR_LIMIT, what, "more than %zu bytes", max);
    struct cur whole = cur_open(der), c = der_open(&whole, DER_SEQUENCE);
    if (whole.bad)
        return fault_set(r->f, ERR_FORMAT, what, "%s", "no DER, or cut off");
    if (!cur_end(&whole))
        return fault_set(r->f, ERR_FORMAT, what, "%s", "something follows its end");
    r->out->tbs = der_whole(&c, DER_SEQUENCE);
    if (c.bad)
        return fail(r, ERR_FORMAT, "signed part");
    enum err e = read_outer_algorithm(r, &c);
    if (e == ERR_OK)
        e = read_signature(r, &c);
    return e == ERR_OK && !cur_end(&c) ? fail(r, ERR_FORMAT, "end behind the signature") : e;
}

enum err x509_cert_read(struct arena *a, struct bytes der, struct x509_cert *out, struct fault *f) {
    struct x509_reader r = {.a = a, .out = out, .f = f, .names_max = X509_ALT_NAMES_MAX};
    *out = (struct x509_cert){.path_len = -1};
    enum err e = x509_inner_read_signed(&r, der, X509_CERT_MAX, "certificate");
    return e == ERR_OK ? x509_inner_read_fields(&r, fields, sizeof fields / sizeof fields[0]) : e;
}

struct bytes x509_der_next(struct cur *in) {
    return der_whole(in, DER_SEQUENCE);
}

/* ---- Computed when asked for ---- */

void x509_cert_sha256(const struct x509_cert *cert, uint8_t out[X509_SHA256_SIZE]) {
    if (cert->known_sha256 != NULL)
        memcpy(out, cert->known_sha256, X509_SHA256_SIZE);
    else
        hash_of(HASH_SHA256, cert->der, out);
}

void x509_spki_sha256(const struct x509_cert *cert, uint8_t out[X509_SHA256_SIZE]) {
    hash_of(HASH_SHA256, cert->spki, out);
}

enum err x509_cert_signed_by(const struct x509_cert *cert, const struct x509_cert *issuer) {
    return signature_verify(issuer->spki, cert->algorithm, cert->tbs, cert->signature);
}

enum x509_answer x509_cert_self_signed(const struct x509_cert *cert) {
    if (!cert->self_issued)
        return X509_NO;
    switch (x509_cert_signed_by(cert, cert)) {
    case ERR_OK:
        return X509_YES;
    case ERR_UNSUPPORTED:
        return X509_UNKNOWN;
    default:
        return X509_NO;
    }
}
