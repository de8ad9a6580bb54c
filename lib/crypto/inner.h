/* What the files about keys share. Private to the room. */
#ifndef CRYPTO_INNER_H
#define CRYPTO_INNER_H

#include "base/bytes.h"

/* BearSSL's key structs have pointers to what may be written; it only reads there. */
static inline unsigned char *crypto_unwritten(struct bytes b) {
    union {
        const uint8_t *in;
        unsigned char *out;
    } u = {.in = b.p};
    return u.out;
}

#endif
