/* Certificate revocation lists, written and read. See x509.h; RFC 5280, 5.
 *
 * The reader is for lists like ours: complete, direct. It keeps a view of the entries,
 * which it has walked once, so that x509_crl_next has nothing left to complain about.
 */
#include "base/der.h"
#include "crypto/crypto.h"
#include "x509/inner.h"
#include "x509/time.h"

enum { VERSION_2 = 1 };

static const struct {
    enum x509_reason reason;
    const char *name;
} reasons[] = {
    {X509_REASON_UNSPECIFIED,            "unspecified"         },
    {X509_REASON_KEY_COMPROMISE,         "keyCompromise"       },
    {X509_REASON_CA_COMPROMISE,          "cACompromise"        },
    {X509_REASON_AFFILIATION_CHANGED,    "affiliationChanged"  },
    {X509_REASON_SUPERSEDED,             "superseded"          },
    {X509_REASON_CESSATION_OF_OPERATION, "cessationOfOperation"},
    {X509_REASON_CERTIFICATE_HOLD,       "certificateHold"     },
    {X509_REASON_REMOVE_FROM_CRL,        "removeFromCRL"       },
    {X509_REASON_PRIVILEGE_WITHDRAWN,    "privilegeWithdrawn"  },
    {X509_REASON_AA_COMPROMISE,          "aACompromise"        },
};

const char *x509_reason_name(unsigned reason) {
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if ((unsigned)reasons[i].reason == reason)
            return reasons[i].name;
    return NULL;
}

bool x509_reason_read(struct bytes name, enum x509_reason *out) {
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (bytes_is(name, reasons[i].name)) {
            *out = reasons[i].reason;
            return true;
        }
    }
    return false;
}

/* ---- Writing ---- */

static bool is_writable(const struct x509_revoked *r) {
    return r->serial.n > 0 && x509_reason_name((unsigned)r->reason) != NULL &&
           r->reason != X509_REASON_REMOVE_FROM_CRL;
}

/* The reason "unspecified" is said by silence (RFC 5280, 5.3.1). */
static void put_reason(enum x509_reason reason, struct buf *out) {
    uint8_t octet = (uint8_t)reason;
    if (reason == X509_REASON_UNSPECIFIED)
        return;
    size_t list = der_begin(out, DER_SEQUENCE);
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_CRL_REASON, false);
    der_put(out, DER_ENUMERATED, bytes_of(&octet, 1));
    x509_inner_extension_close(out, m);
    der_close(out, list);
}

static bool put_revoked(const struct x509_crl_template *t, struct buf *out) {
    if (t->revoked_n == 0)
        return true; /* the list is left out, not empty (5.1.2.6) */
    size_t list = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < t->revoked_n; i++) {
        const struct x509_revoked *r = &t->revoked[i];
        if (!is_writable(r))
            return false;
        size_t entry = der_begin(out, DER_SEQUENCE);
        der_put_unsigned(out, r->serial);
        x509_time_write(out, r->revoked_s);
        put_reason(r->reason, out);
        der_close(out, entry);
    }
    der_close(out, list);
    return true;
}

static void put_extensions(const struct x509_crl_template *t, struct buf *out) {
    size_t outer = der_begin(out, DER_CONTEXT_CONS | 0), list = der_begin(out, DER_SEQUENCE);
    if (t->issuer_key_id.n > 0)
        x509_inner_put_authority_key_id(t->issuer_key_id, out);
    struct x509_extension_mark m = x509_inner_extension_begin(out, OID_CRL_NUMBER, false);
    der_put_u64(out, t->number);
    x509_inner_extension_close(out, m);
    der_close(out, list);
    der_close(out, outer);
}

enum err x509_crl_write(const struct env *env, const struct x509_crl_template *t,
                        const struct signing_key *issuer_key, struct buf *out, struct fault *f) {
    struct buf tbs;
    if (t->revoked_n > X509_REVOKED_MAX)
        return fault_set(f, ERR_LIMIT, "revocation list", "more than %d", X509_REVOKED_MAX);
    buf_init(&tbs, X509_CRL_MAX);
    size_t mark = der_begin(&tbs, DER_SEQUENCE);
    der_put_u64(&tbs, VERSION_2);
    x509_inner_put_algorithm(issuer_key, &tbs);
    x509_inner_put_name(t->issuer, &tbs);
    x509_time_write(&tbs, t->this_update);
    x509_time_write(&tbs, t->next_update);
    enum err e = ERR_OK;
    if (!put_revoked(t, &tbs))
        e = fault_set(f, ERR_FORMAT, "revocation list", "%s", "an entry without serial or reason");
    put_extensions(t, &tbs);
    der_close(&tbs, mark);
    if (e == ERR_OK)
        e = x509_inner_put_signed(env, issuer_key, &tbs, "revocation list", out, f);
    buf_clear(&tbs);
    return e;
}

/* ---- Reading ---- */

/* The fields that a list shares with certificates go through a certificate. */
struct crl_reader {
    struct x509_reader r;
    struct x509_cert shared;
    struct x509_crl *out;
    struct cur c;
};

static enum err unsupported(struct crl_reader *x, const char *detail) {
    return fault_set(x->r.f, ERR_UNSUPPORTED, "revocation list", "%s", detail);
}

static enum err malformed(struct crl_reader *x, const char *what) {
    return fault_set(x->r.f, ERR_FORMAT, what, "%s", "not as RFC 5280 has it");
}

static bool next_is_time(const struct cur *c) {
    return der_peek(c, DER_UTC_TIME) || der_peek(c, DER_GENERALIZED_TIME);
}

static enum err read_head(struct crl_reader *x) {
    struct bytes version = {0};
    if (der_optional(&x->c, DER_INTEGER, &version) && !(version.n == 1 && version.p[0] == 1))
        x->shared.deviations |= X509_DEV_VERSION;
    x509_inner_read_algorithm(&x->r, &x->c);
    enum err e = x509_inner_read_issuer(&x->r, &x->c);
    if (e != ERR_OK)
        return x->c.bad ? malformed(x, "issuer") : e;
    if (!x509_inner_read_time(&x->r, &x->c, &x->out->this_update))
        return malformed(x, "thisUpdate");
    if (next_is_time(&x->c)) {
        x->out->has_next_update = x509_inner_read_time(&x->r, &x->c, &x->out->next_update);
        if (!x->out->has_next_update)
            return malformed(x, "nextUpdate");
    }
    return ERR_OK;
}

/* An entry's extensions: its reason; false where one is malformed. */
static bool read_entry_extensions(struct cur *c, enum x509_reason *reason, bool *is_indirect) {
    struct cur list = der_open(c, DER_SEQUENCE);
    while (list.rest.n > 0 && !list.bad) {
        struct cur one = der_open(&list, DER_SEQUENCE);
        const struct oid_row *row = oid_find(OID_EXTENSION, der_oid(&one));
        bool is_critical = der_peek(&one, DER_BOOLEAN) && der_boolean(&one);
        struct cur value = cur_open(der_take(&one, DER_OCTET_STRING));
        if (!cur_end(&one))
            cur_refuse(&list);
        bool is_reason = row != NULL && row->id == OID_CRL_REASON;
        *is_indirect = *is_indirect || (is_critical && !is_reason);
        if (!is_reason)
            continue;
        struct bytes code = der_take(&value, DER_ENUMERATED);
        if (!cur_end(&value) || code.n != 1 || x509_reason_name(code.p[0]) == NULL)
            cur_refuse(&list);
        else
            *reason = (enum x509_reason)code.p[0];
    }
    return cur_end(&list);
}

static bool read_entry(struct cur *entries, struct x509_revoked *out, bool *is_indirect) {
    struct cur c = der_open(entries, DER_SEQUENCE);
    struct x509_time t = {0};
    *out = (struct x509_revoked){.serial = der_take(&c, DER_INTEGER)};
    struct der_value v = der_any(&c);
    bool is_time = v.tag == DER_UTC_TIME || v.tag == DER_GENERALIZED_TIME;
    if (!is_time || out->serial.n == 0 ||
        !x509_time_read((enum x509_time_type)v.tag, v.content, &t))
        cur_refuse(&c);
    if (c.rest.n > 0 && !read_entry_extensions(&c, &out->reason, is_indirect))
        cur_refuse(&c);
    out->revoked_s = t.unix_s;
    if (!cur_end(&c))
        cur_refuse(entries);
    return !entries->bad;
}

bool x509_crl_next(struct cur *entries, struct x509_revoked *out) {
    bool is_indirect = false;
    return entries->rest.n > 0 && read_entry(entries, out, &is_indirect);
}

static enum err read_entries(struct crl_reader *x) {
    bool is_indirect = false;
    struct x509_revoked one;
    if (!der_optional(&x->c, DER_SEQUENCE, &x->out->revoked))
        return ERR_OK;
    struct cur entries = cur_open(x->out->revoked);
    while (entries.rest.n > 0 && read_entry(&entries, &one, &is_indirect))
        if (++x->out->revoked_n > X509_REVOKED_MAX)
            return x509_inner_limit(&x->r, "revocation list", X509_REVOKED_MAX);
    if (entries.bad)
        return malformed(x, "revokedCertificates");
    return is_indirect ? unsupported(x, "an entry has a critical extension") : ERR_OK;
}

static enum err read_number(struct crl_reader *x, const struct x509_extension *e) {
    struct cur c = cur_open(e->value);
    x->out->number = der_unsigned(&c);
    return cur_end(&c) ? ERR_OK : malformed(x, "cRLNumber");
}

static enum err read_extensions(struct crl_reader *x) {
    struct bytes content;
    if (!der_optional(&x->c, DER_CONTEXT_CONS | 0, &content))
        return ERR_OK;
    enum err e = x509_inner_read_extensions(&x->r, content);
    if (e != ERR_OK)
        return x->r.is_told ? e
                            : fault_set(x->r.f, e, "extensions", "%s", "malformed, or too many");
    for (size_t i = 0; i < x->shared.extensions_n && e == ERR_OK; i++) {
        const struct x509_extension *one = &x->shared.extensions[i];
        if (one->critical)
            return unsupported(x, one->name);
        if (one->id == OID_CRL_NUMBER)
            e = read_number(x, one);
    }
    return e;
}

enum err x509_crl_read(struct arena *a, struct bytes der, struct x509_crl *out, struct fault *f) {
    struct crl_reader x = {
        .r = {.a = a, .f = f, .names_max = X509_ALT_NAMES_MAX},
          .out = out
    };
    x.r.out = &x.shared;
    *out = (struct x509_crl){.der = der};
    enum err e = x509_inner_read_signed(&x.r, der, X509_CRL_MAX, "revocation list");
    if (e != ERR_OK)
        return e;
    struct cur whole = cur_open(x.shared.tbs);
    x.c = der_open(&whole, DER_SEQUENCE);
    e = read_head(&x);
    if (e == ERR_OK)
        e = read_entries(&x);
    if (e == ERR_OK)
        e = read_extensions(&x);
    if (e == ERR_OK && !cur_end(&x.c))
        e = malformed(&x, "end of the signed part");
    out->tbs = x.shared.tbs;
    out->issuer = x.shared.issuer;
    out->authority_key_id = x.shared.authority_key_id;
    out->signature_algorithm = x.shared.signature_algorithm;
    out->algorithm = x.shared.algorithm;
    out->signature = x.shared.signature;
    out->deviations = x.shared.deviations;
    return e;
}

enum err x509_crl_signed_by(const struct x509_crl *crl, const struct x509_cert *issuer) {
    return signature_verify(issuer->spki, crl->algorithm, crl->tbs, crl->signature);
}
