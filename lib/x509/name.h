/* Names taken apart, private to the room. See x509.h for names as text. */
#ifndef X509_NAME_H
#define X509_NAME_H

#include "x509/x509.h"

struct name_part {
    struct bytes type; /* OID, content octets */
    uint8_t tag;       /* of the value */
    struct bytes value, value_der;
    bool starts_rdn; /* the first of its RelativeDistinguishedName */
};

/* Walks a Name: cur over the content of the outer SEQUENCE, rdn over that of one
 * SET. False at the end, or where it is malformed (then n->all or n->rdn is bad). */
struct name_walk {
    struct cur all, rdn;
};
struct name_walk name_walk_open(struct bytes name);
bool name_walk_next(struct name_walk *n, struct name_part *part);
bool name_walk_bad(const struct name_walk *n);

/* Checks a whole Name for x509_cert_read; adds to *deviations. */
enum err name_check(struct bytes name, const char *what, unsigned *deviations, struct fault *f);

/* The value as UTF-8. False for a string type that is none, or a value that its type
 * cannot hold (odd BMPString); nothing is then written. */
bool name_value_text(const struct name_part *part, struct buf *out);

#endif
