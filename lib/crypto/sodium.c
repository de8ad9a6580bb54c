/* What libsodium does for us: X25519, Ed25519, Argon2id, wiping and comparing.
 * The only file that includes its header. See crypto.h.
 *
 * sodium_init chooses the fastest code for this processor and opens the
 * system's random source; it is idempotent and thread-safe. What needs neither
 * works without it.
 */
#include "crypto/crypto.h"
#include "crypto/x25519.h"

#include <sodium.h>
#include <string.h>

_Static_assert(PASSWORD_VERIFIER_MAX == crypto_pwhash_STRBYTES, "a verifier fits");

void x25519_public(const uint8_t secret[32], uint8_t public_key[32]) {
    (void)crypto_scalarmult_curve25519_base(public_key, secret); /* never fails */
}

bool x25519_shared(const uint8_t secret[32], const uint8_t peer[32], uint8_t out[32]) {
    return crypto_scalarmult_curve25519(out, secret, peer) == 0;
}

void ed25519_of_seed(const uint8_t seed[32], uint8_t public_key[32], uint8_t secret[64]) {
    (void)crypto_sign_ed25519_seed_keypair(public_key, secret, seed); /* never fails */
}

bool ed25519_make(const struct env *env, uint8_t public_key[32], uint8_t secret[64]) {
    uint8_t seed[crypto_sign_ed25519_SEEDBYTES];
    if (!env->random(env->context, seed, sizeof seed))
        return false;
    ed25519_of_seed(seed, public_key, secret);
    crypto_wipe(seed, sizeof seed);
    return true;
}

void ed25519_sign(const uint8_t secret[64], struct bytes in, uint8_t signature[64]) {
    (void)crypto_sign_ed25519_detached(signature, NULL, in.p, in.n, secret); /* never fails */
}

bool ed25519_verify(struct bytes public_key, struct bytes in, struct bytes signature) {
    return public_key.n == crypto_sign_ed25519_PUBLICKEYBYTES &&
           signature.n == crypto_sign_ed25519_BYTES &&
           crypto_sign_ed25519_verify_detached(signature.p, in.p, in.n, public_key.p) == 0;
}

/* Two passes over 64 MiB: about 0.1 s, and above what OWASP asks for (19 MiB). */
bool password_verifier_make(struct bytes password, char out[PASSWORD_VERIFIER_MAX]) {
    return sodium_init() >= 0 && crypto_pwhash_str_alg(out, (const char *)password.p, password.n,
                                                       crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                                       crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE,
                                                       crypto_pwhash_ALG_ARGON2ID13) == 0;
}

bool password_verify(const char *verifier, struct bytes password) {
    char padded[PASSWORD_VERIFIER_MAX] = {0};
    size_t n = strlen(verifier);
    if (n >= sizeof padded || password.p == NULL || sodium_init() < 0)
        return false; /* no password is none that was set */
    memcpy(padded, verifier, n);
    return bytes_starts(bytes_text(verifier), crypto_pwhash_argon2id_STRPREFIX) &&
           crypto_pwhash_argon2id_str_verify(padded, (const char *)password.p, password.n) == 0;
}

bool crypto_equal(const void *a, const void *b, size_t n) {
    return sodium_memcmp(a, b, n) == 0;
}

void crypto_wipe(void *p, size_t n) {
    sodium_memzero(p, n);
}

void crypto_buf_init(struct buf *b, size_t max) {
    buf_init(b, max);
    b->wipe = crypto_wipe;
}
