/* RC2 (RFC 2268), decryption alone: PKCS#12 files of the last century and of Java before 8u301
 * have their certificates in it. It protects nothing; nothing is ever written in it. */
#ifndef CRYPTO_RC2_H
#define CRYPTO_RC2_H

#include "base/bytes.h"

enum { RC2_BLOCK = 8, RC2_KEY_MAX = 128 };

struct rc2 {
    uint16_t k[64];
};

/* key: 1 to RC2_KEY_MAX octets; effective_bits: 1 to 1024. */
void rc2_init(struct rc2 *r, struct bytes key, unsigned effective_bits);
void rc2_decrypt(const struct rc2 *r, uint8_t block[RC2_BLOCK]);
/* Whole blocks in place. */
void rc2_cbc_decrypt(const struct rc2 *r, const uint8_t iv[RC2_BLOCK], uint8_t *data, size_t n);

#endif
