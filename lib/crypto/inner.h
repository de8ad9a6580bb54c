/* What the files of this room share. Private to it. */
#ifndef CRYPTO_INNER_H
#define CRYPTO_INNER_H

#include "base/bytes.h"

#include <bearssl.h>

/* BearSSL's key structs have pointers to what may be written; it only reads there. */
static inline unsigned char *crypto_unwritten(struct bytes b) {
    union {
        const uint8_t *in;
        unsigned char *out;
    } u = {.in = b.p};
    return u.out;
}

/* sha_x86.c: the quickest that this processor has. */
const br_hash_class *crypto_sha1_class(void);
const br_hash_class *crypto_sha256_class(void);

#endif
