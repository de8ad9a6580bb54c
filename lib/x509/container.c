/* What kind of file it is, and the two plain kinds: PEM and DER. See container.h.
 * The others: pkcs7.c, pkcs12.c, jks.c. */
#include "x509/container.h"
#include "base/ber.h"
#include "crypto/crypto.h"
#include "x509/container_inner.h"
#include "x509/x509.h"

const char *x509_container_name(enum x509_container type) {
    static const char *const names[] = {
        [X509_CONTAINER_NONE] = NULL,       [X509_CONTAINER_PEM] = "pem",
        [X509_CONTAINER_DER] = "der",       [X509_CONTAINER_PKCS7] = "pkcs7",
        [X509_CONTAINER_PKCS12] = "pkcs12", [X509_CONTAINER_JKS] = "jks"};
    return names[type];
}

void container_tell(struct container_walk *w, enum x509_container type, struct bytes der,
                    struct bytes name) {
    const struct x509_container_entry entry = {der, name, type};
    if (w->is_stopped)
        return;
    w->account->certificates++;
    w->is_stopped = !w->reader->certificate(w->reader->context, &entry);
}

void container_fault(struct container_walk *w, enum err code, const char *what,
                     const char *detail) {
    struct fault f;
    fault_set(&f, code, what, "%s", detail);
    if (w->account->faults++ < X509_CONTAINER_FAULTS_TOLD && w->reader->fault != NULL)
        w->reader->fault(w->reader->context, &f);
}

/* ---- One binary value ---- */

enum value { VALUE_OTHER, VALUE_CERTIFICATE, VALUE_KEY, VALUE_PKCS7, VALUE_PKCS12 };

static uint8_t tag_of(struct cur *c) {
    return c->bad || c->rest.n == 0 ? 0 : ber_any(c).tag;
}

/* What is signed, by the tags of its first fields (RFC 5280, 4.1 and 5.1; RFC 2986, 4.1):
 * a list has a time behind the issuer, a request has its key there, and ends. */
static enum value signed_value(struct cur tbs) {
    if (der_peek(&tbs, DER_INTEGER) || der_peek(&tbs, DER_CONTEXT_CONS))
        ber_any(&tbs);
    bool is_list = der_peek(&tbs, DER_SEQUENCE);
    if (der_peek(&tbs, DER_INTEGER))
        ber_any(&tbs);
    tag_of(&tbs);
    tag_of(&tbs);
    uint8_t third = tag_of(&tbs), fourth = tag_of(&tbs);
    if (is_list && (third == DER_UTC_TIME || third == DER_GENERALIZED_TIME))
        return VALUE_OTHER;
    bool is_request = is_list && (third == DER_CONTEXT_CONS || third == 0) && fourth == 0;
    return is_request ? VALUE_OTHER : VALUE_CERTIFICATE;
}

/* What begins with a version: keys (PKCS#8, PKCS#1, SEC 1) and PKCS#12. */
static enum value versioned_value(struct cur c) {
    tag_of(&c);
    struct cur second = c;
    uint8_t second_tag = tag_of(&c), third_tag = tag_of(&c);
    struct cur info = ber_open(&second, DER_SEQUENCE);
    if (second_tag == DER_INTEGER || second_tag == DER_OCTET_STRING)
        return VALUE_KEY;
    if (second_tag != DER_SEQUENCE || !der_peek(&info, DER_OID))
        return VALUE_OTHER;
    return third_tag == DER_OCTET_STRING ? VALUE_KEY : VALUE_PKCS12;
}

/* What is signed might be a certificate; an encrypted PKCS#8 has its algorithm and an
 * OCTET STRING. */
static enum value value_of(struct bytes whole) {
    struct cur c = cur_open(whole), outer = ber_open(&c, DER_SEQUENCE);
    if (der_peek(&outer, DER_INTEGER))
        return versioned_value(outer);
    if (der_peek(&outer, DER_OID)) {
        const struct oid_row *row = oid_find(OID_CONTENT, ber_take(&outer, DER_OID));
        return row != NULL && row->id == OID_SIGNED_DATA ? VALUE_PKCS7 : VALUE_OTHER;
    }
    struct cur tbs = ber_open(&outer, DER_SEQUENCE);
    uint8_t second = tag_of(&outer);
    if (second == DER_OCTET_STRING)
        return VALUE_KEY;
    return second == DER_SEQUENCE ? signed_value(tbs) : VALUE_OTHER;
}

static enum x509_container read_value(struct container_walk *w, struct bytes whole) {
    switch (value_of(whole)) {
    case VALUE_CERTIFICATE:
        container_tell(w, X509_CONTAINER_DER, whole, (struct bytes){0});
        return X509_CONTAINER_DER;
    case VALUE_KEY:
        w->account->private_keys++;
        return X509_CONTAINER_DER;
    case VALUE_PKCS7:
        container_pkcs7(w, whole);
        return X509_CONTAINER_PKCS7;
    case VALUE_PKCS12:
        container_pkcs12(w, whole);
        return X509_CONTAINER_PKCS12;
    case VALUE_OTHER:
        break;
    }
    w->account->others++;
    return X509_CONTAINER_DER;
}

/* ---- Files ---- */

/* Some programs write PKCS#7 with the label of a certificate. */
static void read_certificate(struct container_walk *w, struct bytes der) {
    if (value_of(der) == VALUE_PKCS7)
        container_pkcs7(w, der);
    else
        container_tell(w, X509_CONTAINER_PEM, der, (struct bytes){0});
}

static void read_other(struct container_walk *w, const struct pem_object *object) {
    static const char *const labels[] = {"PKCS7", "CMS", "PKCS #7 SIGNED DATA", "PKCS12"};
    enum value value = value_of(object->der);
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (!bytes_is(object->label, labels[i]))
            continue;
        if (value == VALUE_PKCS7 || value == VALUE_PKCS12)
            read_value(w, object->der);
        else
            container_fault(w, ERR_FORMAT, "PKCS#7", "it does not parse");
        return;
    }
    w->account->others++;
}

static void read_pem(struct container_walk *w, struct bytes file) {
    struct cur c = cur_open(file);
    struct pem_object object;
    struct buf der;
    buf_init(&der, file.n);
    buf_reserve(&der, file.n); /* at once, and so no copy is left behind */
    w->account->type = X509_CONTAINER_PEM;
    while (!w->is_stopped && pem_next(&c, &der, &object)) {
        w->account->private_keys += object.kind == PEM_PRIVATE_KEY;
        if (object.kind == PEM_CERTIFICATE)
            read_certificate(w, object.der);
        else if (object.kind == PEM_OTHER)
            read_other(w, &object);
        else if (object.kind == PEM_BROKEN)
            container_fault(w, ERR_FORMAT, "PEM",
                            "an object without its END line, or not in base64");
    }
    if (der.p != NULL)
        crypto_wipe(der.p, der.cap);
    buf_clear(&der);
}

static void read_values(struct container_walk *w, struct bytes file) {
    struct cur c = cur_open(file);
    while (!w->is_stopped && c.rest.n > 0) {
        bool is_first = c.rest.n == file.n;
        if (!der_peek(&c, DER_SEQUENCE))
            cur_refuse(&c);
        struct bytes whole = ber_any(&c).whole;
        if (c.bad) {
            container_fault(w, ERR_FORMAT, "file",
                            is_first ? "no certificates in any form that is known, or cut off"
                                     : "something that is no certificate follows");
            return;
        }
        enum x509_container type = read_value(w, whole);
        if (is_first)
            w->account->type = type;
    }
}

/* A SEQUENCE of more than 127 octets: no text begins so, in any encoding of today. */
static bool is_long_sequence(struct bytes file) {
    return file.n > 1 && file.p[0] == DER_SEQUENCE && file.p[1] >= 0x80;
}

void x509_container_read(struct bytes file, const struct x509_container_reader *reader,
                         struct x509_container_account *out) {
    struct container_walk w = {.reader = reader, .account = out};
    *out = (struct x509_container_account){0};
    if (file.n == 0)
        container_fault(&w, ERR_FORMAT, "file", "it is empty");
    else if (container_jks_is(file))
        container_jks(&w, file);
    else if (!is_long_sequence(file) && pem_is(file))
        read_pem(&w, file);
    else
        read_values(&w, file);
}

bool x509_container_is_meant(enum x509_container type, struct bytes file) {
    return type == X509_CONTAINER_PEM ? pem_begins_certificate(file)
                                      : type != X509_CONTAINER_NONE && type != X509_CONTAINER_DER;
}
