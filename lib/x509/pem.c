/* PEM in and out. See x509.h.
 *
 * Objects are found by their BEGIN and END texts wherever they stand, so that any
 * line ends, indentation and one-line files read alike. Keys are not decoded: not
 * even their base64 is looked at.
 */
#include "x509/x509.h"

#include "base/text.h"

static const char begin[] = "-----BEGIN ", end[] = "-----END ", dashes[] = "-----";
enum { LABEL_MAX = 64, LINE_OCTETS = 48 };

bool pem_is(struct bytes file) {
    return bytes_find(file, bytes_text(begin)) != SIZE_MAX;
}

bool pem_begins_certificate(struct bytes file) {
    static const char line[] = "\n-----BEGIN CERTIFICATE-----";
    return bytes_starts(file, line + 1) || bytes_find(file, bytes_text(line)) != SIZE_MAX;
}

/* The bytes before `text`, which is taken too. False, and nothing taken, where it is absent. */
static bool take_up_to(struct cur *c, const char *text, struct bytes *before) {
    size_t at = bytes_find(c->rest, bytes_text(text));
    if (at == SIZE_MAX)
        return false;
    *before = cur_take(c, at);
    cur_take(c, bytes_text(text).n);
    return true;
}

/* "LABEL-----", all of it on one line. */
static bool take_label(struct cur *c, struct bytes *label) {
    struct cur ahead = *c;
    if (!take_up_to(&ahead, dashes, label) || label->n > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label->n; i++)
        if (label->p[i] < 0x20 || label->p[i] > 0x7e)
            return false;
    *c = ahead;
    return true;
}

/* Up to the END with the same label. It is looked for before the next BEGIN only:
 * a BEGIN on the way means that it is missing, and so each byte is read once. */
static bool take_body(struct cur *c, struct bytes label, struct bytes *body) {
    struct bytes end_label;
    size_t next = bytes_find(c->rest, bytes_text(begin));
    struct cur ahead = cur_open(bytes_part(c->rest, 0, next));
    if (!take_up_to(&ahead, end, body) || !take_label(&ahead, &end_label) ||
        !bytes_equal(label, end_label))
        return false;
    cur_take(c, (next == SIZE_MAX ? c->rest.n : next) - ahead.rest.n);
    return true;
}

/* Headers (RFC 1421) have a colon, base64 has none. */
static struct bytes without_headers(struct bytes body) {
    struct cur c = cur_open(body);
    while (bytes_find(c.rest, bytes_text(":")) != SIZE_MAX)
        cur_until(&c, '\n');
    return c.rest;
}

static bool ends_with(struct bytes b, const char *text) {
    struct bytes t = bytes_text(text);
    return b.n >= t.n && bytes_equal(bytes_part(b, b.n - t.n, t.n), t);
}

static enum pem_kind kind_of(struct bytes label) {
    if (bytes_is(label, "CERTIFICATE") || bytes_is(label, "X509 CERTIFICATE") ||
        bytes_is(label, "TRUSTED CERTIFICATE"))
        return PEM_CERTIFICATE;
    return ends_with(label, "PRIVATE KEY") ? PEM_PRIVATE_KEY : PEM_OTHER;
}

bool pem_next(struct cur *text, struct buf *der, struct pem_object *out) {
    struct bytes before, body;
    *out = (struct pem_object){.kind = PEM_BROKEN};
    buf_reset(der);
    if (!take_up_to(text, begin, &before))
        return false;
    if (!take_label(text, &out->label) || !take_body(text, out->label, &body))
        return true;
    enum pem_kind kind = kind_of(out->label);
    if (kind == PEM_PRIVATE_KEY) {
        out->kind = kind;
        return true;
    }
    if (!base64_read(without_headers(body), der) || der->err != ERR_OK || der->n == 0)
        return true;
    out->kind = kind;
    out->der = buf_bytes(der);
    if (bytes_is(out->label, "TRUSTED CERTIFICATE")) {
        struct cur c = cur_open(out->der);
        struct bytes first = x509_der_next(&c);
        out->der = first.n > 0 ? first : out->der;
    }
    return true;
}

bool pem_find(struct bytes text, const char *label, struct buf *der) {
    struct cur c = cur_open(text);
    struct pem_object object;
    while (pem_next(&c, der, &object))
        if ((object.kind == PEM_OTHER || object.kind == PEM_CERTIFICATE) &&
            ends_with(object.label, label))
            return true;
    buf_reset(der);
    return false;
}

enum err pem_private_key(struct bytes text, struct buf *der, struct fault *f) {
    struct cur c = cur_open(text);
    struct bytes before, label, body;
    while (take_up_to(&c, begin, &before)) {
        if (!take_label(&c, &label) || kind_of(label) != PEM_PRIVATE_KEY)
            continue;
        if (!take_body(&c, label, &body))
            return fault_set(f, ERR_FORMAT, "private key", "%s", "its END line is missing");
        if (bytes_find(label, bytes_text("ENCRYPTED")) != SIZE_MAX ||
            bytes_find(body, bytes_text("ENCRYPTED")) != SIZE_MAX)
            return fault_set(f, ERR_UNSUPPORTED, "private key", "%s", "it is encrypted");
        buf_reserve(der, buf_room(der, body.n));
        if (base64_read(without_headers(body), der))
            return ERR_OK;
        return fault_set(f, der->err == ERR_OK ? ERR_FORMAT : der->err, "private key", "%s",
                         "no base64, or too long");
    }
    return fault_set(f, ERR_NOT_FOUND, "private key", "%s", "none in the file (PEM)");
}

void pem_write(struct buf *out, const char *label, struct bytes der) {
    buf_printf(out, "-----BEGIN %s-----\n", label);
    for (size_t at = 0; at < der.n; at += LINE_OCTETS) {
        base64_put(out, bytes_part(der, at, LINE_OCTETS));
        buf_u8(out, '\n');
    }
    buf_printf(out, "-----END %s-----\n", label);
}
