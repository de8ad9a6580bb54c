/* What the files of the certificate reader share. Private to the room. */
#ifndef X509_INNER_H
#define X509_INNER_H

#include "x509/x509.h"

enum { X509_OID_TEXT_MAX = 1024 };

struct x509_reader {
    struct arena *a;
    struct x509_cert *out;
    struct fault *f;
};

/* A name of the table, or dotted in the arena; NULL past X509_OID_TEXT_MAX or
 * where the arena is full. */
const char *x509_inner_oid_name(struct arena *a, enum oid_kind kind, struct bytes oid);

/* The octets of a BIT STRING and how many bits of the last one are unused. */
bool x509_inner_bits(struct cur *c, struct bytes *octets, unsigned *unused);

/* Fills out->key from out->spki. */
enum err x509_inner_read_key(struct x509_reader *r);

/* Fills what comes from extensions; `content` is that of the [3]. */
enum err x509_inner_read_extensions(struct x509_reader *r, struct bytes content);

#endif
