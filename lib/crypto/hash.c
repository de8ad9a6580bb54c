/* Hashes, HMAC and HKDF over BearSSL. See crypto.h. */
#include "crypto/crypto.h"
#include "crypto/inner.h"

#include <bearssl.h>
#include <string.h>

_Static_assert(sizeof(br_hash_compat_context) <= sizeof(((struct hash_run *)0)->state),
               "a running hash fits");

static const br_hash_class *class_of(enum hash h) {
    switch (h) {
    case HASH_SHA1:
        return crypto_sha1_class();
    case HASH_SHA224:
        return &br_sha224_vtable;
    case HASH_SHA256:
        break;
    case HASH_SHA384:
        return &br_sha384_vtable;
    case HASH_SHA512:
        return &br_sha512_vtable;
    case HASH_MD5:
        return &br_md5_vtable;
    }
    return crypto_sha256_class();
}

size_t hash_size(enum hash h) {
    return class_of(h)->desc >> BR_HASHDESC_OUT_OFF & BR_HASHDESC_OUT_MASK;
}

void hash_of(enum hash h, struct bytes in, uint8_t *out) {
    br_hash_compat_context c;
    const br_hash_class *class = class_of(h);
    class->init(&c.vtable);
    class->update(&c.vtable, in.p, in.n);
    class->out(&c.vtable, out);
}

/* The state is copied in and out, not cast: bytes may not be read through
 * another struct's type, and 200 bytes cost less than one block hashed. */

void hash_begin(struct hash_run *r, enum hash h) {
    br_hash_compat_context c;
    memset(&c, 0, sizeof c);
    class_of(h)->init(&c.vtable);
    r->hash = h;
    memcpy(r->state.bytes, &c, sizeof c);
}

void hash_add(struct hash_run *r, struct bytes in) {
    br_hash_compat_context c;
    memcpy(&c, r->state.bytes, sizeof c);
    c.vtable->update(&c.vtable, in.p, in.n);
    memcpy(r->state.bytes, &c, sizeof c);
}

void hash_peek(const struct hash_run *r, uint8_t *out) {
    br_hash_compat_context c;
    memcpy(&c, r->state.bytes, sizeof c);
    c.vtable->out(&c.vtable, out);
}

void hmac_of(enum hash h, struct bytes key, struct bytes in, uint8_t *out) {
    br_hmac_key_context k;
    br_hmac_context c;
    br_hmac_key_init(&k, class_of(h), key.p, key.n);
    br_hmac_init(&c, &k, 0);
    br_hmac_update(&c, in.p, in.n);
    br_hmac_out(&c, out);
    crypto_wipe(&k, sizeof k);
    crypto_wipe(&c, sizeof c);
}

void hkdf_extract(enum hash h, struct bytes salt, struct bytes ikm, uint8_t *out) {
    hmac_of(h, salt, ikm, out);
}

bool hkdf_expand(enum hash h, struct bytes prk, struct bytes info, uint8_t *out, size_t n) {
    br_hmac_key_context k;
    br_hmac_context c;
    uint8_t block[HASH_SIZE_MAX];
    size_t size = hash_size(h), done = 0;

    if (n > 255 * size)
        return false;
    br_hmac_key_init(&k, class_of(h), prk.p, prk.n);
    for (uint8_t i = 1; done < n; i++) {
        br_hmac_init(&c, &k, 0);
        if (done > 0)
            br_hmac_update(&c, block, size);
        br_hmac_update(&c, info.p, info.n);
        br_hmac_update(&c, &i, 1);
        br_hmac_out(&c, block);
        size_t part = n - done < size ? n - done : size;
        memcpy(out + done, block, part);
        done += part;
    }
    crypto_wipe(&k, sizeof k);
    crypto_wipe(&c, sizeof c);
    crypto_wipe(block, sizeof block);
    return true;
}
