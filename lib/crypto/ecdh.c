/* Key agreement: X25519 from libsodium, the NIST curves from BearSSL. See crypto.h. */
#include "crypto/crypto.h"
#include "crypto/x25519.h"

#include <bearssl.h>
#include <string.h>

static int curve_of(enum group g) {
    switch (g) {
    case GROUP_P256:
        return BR_EC_secp256r1;
    case GROUP_P384:
        return BR_EC_secp384r1;
    case GROUP_P521:
        return BR_EC_secp521r1;
    case GROUP_X25519:
        break;
    }
    return BR_EC_curve25519;
}

static bool make_x25519(const struct env *env, struct ecdh_key *key) {
    if (!env->random(env->context, key->secret, 32))
        return false;
    x25519_public(key->secret, key->public_key);
    key->secret_n = key->public_n = 32;
    return true;
}

/* BearSSL wants a generator of its own kind; it is seeded once from ours. */
static bool make_nist(const struct env *env, struct ecdh_key *key) {
    const br_ec_impl *ec = br_ec_get_default();
    br_hmac_drbg_context drbg;
    br_ec_private_key secret;
    uint8_t seed[48];

    if (!env->random(env->context, seed, sizeof seed))
        return false;
    br_hmac_drbg_init(&drbg, &br_sha256_vtable, seed, sizeof seed);
    key->secret_n = br_ec_keygen(&drbg.vtable, ec, &secret, key->secret, curve_of(key->group));
    if (key->secret_n > 0)
        key->public_n = br_ec_compute_pub(ec, NULL, key->public_key, &secret);
    crypto_wipe(seed, sizeof seed);
    crypto_wipe(&drbg, sizeof drbg);
    return key->public_n > 0;
}

bool ecdh_make(const struct env *env, enum group g, struct ecdh_key *key) {
    *key = (struct ecdh_key){.group = g};
    return g == GROUP_X25519 ? make_x25519(env, key) : make_nist(env, key);
}

bool ecdh_shared(const struct ecdh_key *key, struct bytes peer, uint8_t out[ECDH_SECRET_MAX],
                 size_t *n) {
    if (peer.n != key->public_n)
        return false;
    if (key->group == GROUP_X25519) {
        *n = 32;
        return x25519_shared(key->secret, peer.p, out);
    }

    /* The point is replaced by the product; mul refuses one that is not on the curve. */
    const br_ec_impl *ec = br_ec_get_default();
    int curve = curve_of(key->group);
    uint8_t point[ECDH_PUBLIC_MAX];
    memcpy(point, peer.p, peer.n);
    if (ec->mul(point, peer.n, key->secret, key->secret_n, curve) != 1)
        return false;
    size_t at = ec->xoff(curve, n);
    memcpy(out, point + at, *n);
    crypto_wipe(point, sizeof point);
    return true;
}
