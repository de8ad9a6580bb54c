/* Key schedule (RFC 8446, 7) and record protection (5.2, 5.3) of TLS 1.3, as far
 * as the handshake traffic keys. See inner.h. No PSK, no application keys. */
#include "tls/inner.h"

#include <string.h>

void tls_expand_label(enum hash h, const uint8_t *secret, const char *label, struct bytes context,
                      uint8_t *out, size_t n) {
    /* struct { uint16 length; opaque label<7..255>; opaque context<0..255>; } */
    uint8_t info[2 + 1 + 32 + 1 + HASH_SIZE_MAX];
    size_t label_n = strlen(label);
    size_t at = 0;
    info[at++] = (uint8_t)(n >> 8);
    info[at++] = (uint8_t)n;
    info[at++] = (uint8_t)(6 + label_n);
    memcpy(info + at, "tls13 ", 6);
    memcpy(info + at + 6, label, label_n);
    at += 6 + label_n;
    info[at++] = (uint8_t)context.n;
    if (context.n > 0)
        memcpy(info + at, context.p, context.n);
    at += context.n;
    (void)hkdf_expand(h, bytes_of(secret, hash_size(h)), bytes_of(info, at), out, n);
}

void tls_schedule_start(enum hash h, uint8_t *derived) {
    static const uint8_t zeros[HASH_SIZE_MAX];
    uint8_t early[HASH_SIZE_MAX], empty[HASH_SIZE_MAX];
    size_t n = hash_size(h);
    hkdf_extract(h, bytes_of(zeros, n), bytes_of(zeros, n), early);
    hash_of(h, bytes_of(NULL, 0), empty);
    tls_expand_label(h, early, "derived", bytes_of(empty, n), derived, n);
}

void tls_schedule_handshake(enum hash h, const uint8_t *derived, struct bytes shared,
                            const uint8_t *transcript, struct tls_secrets *out) {
    uint8_t secret[HASH_SIZE_MAX];
    size_t n = hash_size(h);
    hkdf_extract(h, bytes_of(derived, n), shared, secret);
    tls_expand_label(h, secret, "c hs traffic", bytes_of(transcript, n), out->client, n);
    tls_expand_label(h, secret, "s hs traffic", bytes_of(transcript, n), out->server, n);
}

void tls_traffic_init(struct tls_traffic *t, enum aead aead, enum hash h, const uint8_t *secret) {
    t->aead = aead;
    t->sequence = 0;
    tls_expand_label(h, secret, "key", bytes_of(NULL, 0), t->key, aead_key_size(aead));
    tls_expand_label(h, secret, "iv", bytes_of(NULL, 0), t->iv, sizeof t->iv);
}

static void next_nonce(struct tls_traffic *t, uint8_t nonce[AEAD_NONCE_SIZE]) {
    memcpy(nonce, t->iv, AEAD_NONCE_SIZE);
    for (unsigned i = 0; i < 8; i++)
        nonce[AEAD_NONCE_SIZE - 1 - i] ^= (uint8_t)(t->sequence >> (8 * i));
    t->sequence++;
}

bool tls_traffic_open(struct tls_traffic *t, struct bytes header, uint8_t *body, size_t *n,
                      uint8_t *type) {
    uint8_t nonce[AEAD_NONCE_SIZE];
    if (*n < AEAD_TAG_SIZE + 1)
        return false;
    size_t inner = *n - AEAD_TAG_SIZE;
    next_nonce(t, nonce);
    if (!aead_open(t->aead, t->key, nonce, header, body, inner, body + inner))
        return false;

    /* TLSInnerPlaintext: content, its type, zeros as padding. */
    while (inner > 0 && body[inner - 1] == 0)
        inner--;
    if (inner == 0)
        return false;
    *n = inner - 1;
    *type = body[*n];
    return true;
}

void tls_traffic_seal(struct tls_traffic *t, uint8_t type, struct bytes content, struct buf *out) {
    uint8_t nonce[AEAD_NONCE_SIZE];
    size_t inner = content.n + 1, body = inner + AEAD_TAG_SIZE;
    uint8_t *at = buf_reserve(out, 5 + body);
    if (at == NULL)
        return;
    buf_u8(out, TLS_DATA);
    buf_u16(out, TLS_1_2);
    buf_u16(out, (uint16_t)body);
    buf_put(out, content);
    buf_u8(out, type);
    next_nonce(t, nonce);
    aead_seal(t->aead, t->key, nonce, bytes_of(at, 5), at + 5, inner, at + 5 + inner);
    buf_commit(out, AEAD_TAG_SIZE);
}

enum err tls_keys_make(const struct env *env, struct tls_keys *keys) {
    memset(keys, 0, sizeof *keys);
    tls_schedule_start(HASH_SHA256, keys->derived_sha256);
    tls_schedule_start(HASH_SHA384, keys->derived_sha384);
    bool made = ecdh_make(env, GROUP_X25519, &keys->x25519) &&
                ecdh_make(env, GROUP_P256, &keys->p256) &&
                ecdh_make(env, GROUP_P384, &keys->p384) && ecdh_make(env, GROUP_P521, &keys->p521);
    return made ? ERR_OK : ERR_FAILED;
}

void tls_keys_clear(struct tls_keys *keys) {
    crypto_wipe(keys, sizeof *keys);
}
