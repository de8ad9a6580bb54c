/* Certificates in PKCS#7 and CMS SignedData (RFC 5652, 5.1), as stored.
 *
 * Nothing that is signed is checked: such a file is a bag of certificates here. Attribute
 * certificates and revocation lists are counted.
 */
#include "base/ber.h"
#include "x509/container_inner.h"

enum { CERTIFICATES = DER_CONTEXT_CONS | 0, LISTS = DER_CONTEXT_CONS | 1 };

static void malformed(struct container_walk *w) {
    container_fault(w, ERR_FORMAT, "PKCS#7", "it does not parse");
}

static void read_certificates(struct container_walk *w, struct bytes set) {
    struct cur c = cur_open(set);
    while (!c.bad && c.rest.n > 0 && !w->is_stopped) {
        struct der_value v = ber_any(&c);
        if (v.tag == DER_SEQUENCE)
            container_tell(w, X509_CONTAINER_PKCS7, v.whole, (struct bytes){0});
        else
            w->account->others += !c.bad;
    }
    if (c.bad)
        malformed(w);
}

static size_t count(struct bytes set) {
    struct cur c = cur_open(set);
    size_t n = 0;
    while (!c.bad && c.rest.n > 0) {
        ber_any(&c);
        n += !c.bad;
    }
    return n;
}

void container_pkcs7(struct container_walk *w, struct bytes whole) {
    struct cur c = cur_open(whole), info = ber_open(&c, DER_SEQUENCE);
    struct bytes set;
    ber_take(&info, DER_OID);
    struct cur content = ber_open(&info, DER_CONTEXT_CONS);
    struct cur data = ber_open(&content, DER_SEQUENCE);
    ber_u64(&data);
    ber_take(&data, DER_SET);      /* digest algorithms */
    ber_take(&data, DER_SEQUENCE); /* what is signed, where it is in here */
    if (ber_optional(&data, CERTIFICATES, &set))
        read_certificates(w, set);
    if (ber_optional(&data, LISTS, &set))
        w->account->others += count(set);
    if (data.bad)
        malformed(w);
}
