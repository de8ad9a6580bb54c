/* Certificate requests (PKCS#10). See x509.h; RFC 2986; extensionRequest: RFC 2985, 5.4.2.
 *
 * A request is read into the fields of a certificate by the same readers. Of its
 * attributes only the extensions asked for are looked into; a challenge password is a
 * secret of its sender, and nothing here shows it.
 */
#include "base/der.h"
#include "crypto/crypto.h"
#include "x509/inner.h"

/* Version 1 is written as 0; others are met and mean nothing. */
static enum err read_version(struct x509_reader *r, struct cur *c) {
    uint64_t v = der_u64(c);
    if (c->bad || v > 255)
        return ERR_FORMAT;
    r->out->version = (unsigned)v + 1;
    if (v != 0)
        r->out->deviations |= X509_DEV_VERSION;
    return ERR_OK;
}

struct attribute {
    struct bytes oid, values; /* values: content of the SET */
};

static bool take_attribute(struct cur *list, struct attribute *out) {
    struct cur c = der_open(list, DER_SEQUENCE);
    out->oid = der_oid(&c);
    out->values = der_take(&c, DER_SET);
    if (!cur_end(&c))
        cur_refuse(list);
    return !list->bad;
}

static bool asks_for_extensions(struct bytes oid) {
    const struct oid_row *row = oid_find(OID_REQUEST, oid);
    return row != NULL && (row->id == OID_EXTENSION_REQUEST || row->id == OID_MICROSOFT_EXTENSIONS);
}

/* Twice would leave open which of them are meant. */
static enum err read_wishes(struct x509_reader *r, struct bytes values) {
    if (r->out->extensions != NULL)
        return ERR_FORMAT;
    return x509_inner_read_extensions(r, values);
}

static enum err read_attributes(struct x509_reader *r, struct cur *c) {
    struct bytes content;
    if (c->rest.n == 0) {
        r->out->deviations |= X509_DEV_ATTRIBUTES_MISSING;
        return ERR_OK;
    }
    if (!der_optional(c, DER_CONTEXT_CONS | 0, &content))
        return ERR_FORMAT;
    if (x509_inner_count(cur_open(content), X509_REQUEST_ATTRIBUTES_MAX) >
        X509_REQUEST_ATTRIBUTES_MAX)
        return x509_inner_limit(r, "attributes", X509_REQUEST_ATTRIBUTES_MAX);
    enum err e = ERR_OK;
    struct attribute attribute;
    struct cur list = cur_open(content);
    while (e == ERR_OK && list.rest.n > 0 && take_attribute(&list, &attribute))
        if (asks_for_extensions(attribute.oid))
            e = read_wishes(r, attribute.values);
    return e == ERR_OK && list.bad ? ERR_FORMAT : e;
}

static const struct x509_field fields[] = {
    {"version",              read_version           },
    {"subject",              x509_inner_read_subject},
    {"subject's public key", x509_inner_read_spki   },
    {"attributes",           read_attributes        },
};

/* The list again, for its names; by now it is known to be good. */
static enum err name_attributes(struct x509_reader *r, struct x509_request *out) {
    struct cur whole = cur_open(r->out->tbs), c = der_open(&whole, DER_SEQUENCE);
    struct attribute attribute, before;
    struct bytes content = {0};
    der_take(&c, DER_INTEGER);
    der_take(&c, DER_SEQUENCE);
    der_take(&c, DER_SEQUENCE);
    der_optional(&c, DER_CONTEXT_CONS | 0, &content);
    size_t n = x509_inner_count(cur_open(content), X509_REQUEST_ATTRIBUTES_MAX);
    const char **names = arena_array(r->a, n, sizeof *names);
    struct cur list = cur_open(content);
    for (size_t i = 0; i < n && names != NULL && take_attribute(&list, &attribute); i++) {
        names[i] = x509_inner_oid_name(r->a, OID_REQUEST, attribute.oid);
        if (names[i] == NULL)
            return fault_set(r->f, ERR_LIMIT, "attributes", "%s", "the name of one is too long");
        struct cur earlier = cur_open(content);
        for (size_t k = 0; k < i && take_attribute(&earlier, &before); k++)
            if (bytes_equal(before.oid, attribute.oid))
                r->out->deviations |= X509_DEV_ATTRIBUTE_TWICE;
    }
    out->attributes = names;
    out->attributes_n = n;
    return r->a->err == ERR_OK ? ERR_OK : fault_set(r->f, r->a->err, "attributes", "no room");
}

enum err x509_request_read(struct arena *a, struct bytes der, struct x509_request *out,
                           struct fault *f) {
    struct x509_reader r = {
        .a = a, .out = &out->asked, .f = f, .names_max = X509_REQUEST_NAMES_MAX};
    *out = (struct x509_request){.asked = {.path_len = -1}};
    enum err e = x509_inner_read_signed(&r, der, X509_DER_MAX, "request");
    if (e == ERR_OK)
        e = x509_inner_read_fields(&r, fields, sizeof fields / sizeof fields[0]);
    return e == ERR_OK ? name_attributes(&r, out) : e;
}

enum err x509_request_verify(const struct x509_request *request) {
    const struct x509_cert *c = &request->asked;
    return signature_verify(c->spki, c->algorithm, c->tbs, c->signature);
}
