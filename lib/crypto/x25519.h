/* X25519 (RFC 7748) for ecdh.c; private to this room. */
#ifndef CRYPTO_X25519_H
#define CRYPTO_X25519_H

#include <stdbool.h>
#include <stdint.h>

void x25519_public(const uint8_t secret[32], uint8_t public_key[32]);
/* False where the result is all zeros: a peer's point of small order. */
bool x25519_shared(const uint8_t secret[32], const uint8_t peer[32], uint8_t out[32]);

#endif
