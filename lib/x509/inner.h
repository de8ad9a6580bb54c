/* What the files of the readers and writers share. Private to the room. */
#ifndef X509_INNER_H
#define X509_INNER_H

#include "x509/x509.h"

enum { X509_OID_TEXT_MAX = 1024 };

/* ---- Reading: certificates, requests and lists by the same fields ---- */

struct x509_reader {
    struct arena *a;
    struct x509_cert *out; /* of requests and lists: what they share with certificates */
    struct fault *f;
    int names_max; /* alternative names */
    bool is_told;  /* *f says it already, and better than the row's name would */
};

struct x509_field {
    const char *what;
    enum err (*read)(struct x509_reader *r, struct cur *c);
};

/* The three parts that all signed objects have: fills der, tbs, algorithm, signature. */
enum err x509_inner_read_signed(struct x509_reader *r, struct bytes der, size_t max,
                                const char *what);
/* The fields of out->tbs in their order; what cannot be read is told by the row's name. */
enum err x509_inner_read_fields(struct x509_reader *r, const struct x509_field *fields, size_t n);
/* ERR_LIMIT with a text of its own. */
enum err x509_inner_limit(struct x509_reader *r, const char *what, int most);

enum err x509_inner_read_algorithm(struct x509_reader *r, struct cur *c); /* the inner one */
enum err x509_inner_read_issuer(struct x509_reader *r, struct cur *c);
enum err x509_inner_read_subject(struct x509_reader *r, struct cur *c);
enum err x509_inner_read_spki(struct x509_reader *r, struct cur *c);
/* False: none that can be read, a deviation; or the cursor is bad. */
bool x509_inner_read_time(struct x509_reader *r, struct cur *c, int64_t *unix_s);

/* A name of the table, or dotted in the arena; NULL past X509_OID_TEXT_MAX or
 * where the arena is full. */
const char *x509_inner_oid_name(struct arena *a, enum oid_kind kind, struct bytes oid);

/* The octets of a BIT STRING and how many bits of the last one are unused. */
bool x509_inner_bits(struct cur *c, struct bytes *octets, unsigned *unused);

/* How many values a SEQUENCE OF has; `most` + 1 where there are more. */
size_t x509_inner_count(struct cur c, size_t most);
/* The first value of an extension's content: what is behind it is passed over, as OpenSSL
 * does, and flagged. */
struct bytes x509_inner_first(struct bytes value, unsigned *deviations);

/* Fills out->key from out->spki. */
enum err x509_inner_read_key(struct x509_reader *r);

/* Fills what comes from extensions; `content` holds the one SEQUENCE of them. */
enum err x509_inner_read_extensions(struct x509_reader *r, struct bytes content);

/* ---- Writing ---- */

/* begin ... close frame an extension's value. */
struct x509_extension_mark {
    size_t sequence, octets;
};
struct x509_extension_mark x509_inner_extension_begin(struct buf *out, enum oid id, bool critical);
void x509_inner_extension_close(struct buf *out, struct x509_extension_mark m);

/* The extensions of a certificate, without frame. False: no SubjectPublicKeyInfo. */
bool x509_inner_put_extensions(const struct x509_template *t, struct buf *out);
/* Those that a request asks for; nothing where there are none. */
void x509_inner_put_wishes(const struct x509_template *t, struct buf *out);
void x509_inner_put_authority_key_id(struct bytes id, struct buf *out);

void x509_inner_put_name(struct bytes name, struct buf *out); /* empty: the empty Name */
void x509_inner_put_algorithm(const struct signing_key *key, struct buf *out);
/* Signs `tbs` and appends the three parts. */
enum err x509_inner_put_signed(const struct env *env, const struct signing_key *key,
                               const struct buf *tbs, const char *what, struct buf *out,
                               struct fault *f);

#endif
