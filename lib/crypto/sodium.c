/* What libsodium does for us: X25519, Ed25519, Argon2id, XChaCha20-Poly1305, wiping and comparing.
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

/* ---- A message under a passphrase ---- */

enum {
    SEAL_VERSION = 1,
    SEAL_PASSES = 3, /* with SEAL_KIB about 1 s: it is done once a backup */
    SEAL_KIB = 256 << 10,
    SEAL_PASSES_MAX = 16,
    SEAL_KIB_MIN = 8 << 10,
    SEAL_KIB_MAX = 1 << 20,
};

#define SEAL_MAGIC "clmseal\n"

_Static_assert(PASSPHRASE_SEAL_HEAD == 8 + 2 + 4 + 4 + crypto_pwhash_SALTBYTES +
                                           crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
               "the head is as documented");

static enum err seal_key(struct bytes passphrase, struct bytes salt, uint32_t passes, uint32_t kib,
                         uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES],
                         struct fault *f) {
    if (sodium_init() < 0 ||
        crypto_pwhash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
                      passphrase.n > 0 ? (const char *)passphrase.p : "", passphrase.n, salt.p,
                      passes, (size_t)kib << 10, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return fault_set(f, ERR_MEMORY, "passphrase", "%u MiB are needed", kib >> 10);
    return ERR_OK;
}

enum err passphrase_seal(const struct env *env, struct bytes passphrase, struct bytes message,
                         struct buf *out, struct fault *f) {
    uint8_t random[crypto_pwhash_SALTBYTES + crypto_aead_xchacha20poly1305_ietf_NPUBBYTES] = {0};
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    struct bytes salt = bytes_of(random, crypto_pwhash_SALTBYTES);
    if (!env->random(env->context, random, sizeof random))
        return fault_set(f, ERR_FAILED, "random bytes", "the system gives none");
    enum err code = seal_key(passphrase, salt, SEAL_PASSES, SEAL_KIB, key, f);
    if (code != ERR_OK)
        return code;
    size_t start = out->n;
    buf_text(out, SEAL_MAGIC);
    buf_u16(out, SEAL_VERSION);
    buf_u32(out, SEAL_PASSES);
    buf_u32(out, SEAL_KIB);
    buf_put(out, bytes_of(random, sizeof random));
    uint8_t *room = buf_reserve(out, message.n + (size_t)crypto_aead_xchacha20poly1305_ietf_ABYTES);
    if (room != NULL) {
        unsigned long long n = 0;
        (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
            room, &n, message.p, message.n, out->p + start, PASSPHRASE_SEAL_HEAD, NULL,
            random + crypto_pwhash_SALTBYTES, key); /* never fails */
        buf_commit(out, (size_t)n);
    }
    crypto_wipe(key, sizeof key);
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "sealing", "%zu bytes", message.n);
}

enum err passphrase_open(struct bytes passphrase, struct bytes sealed, struct buf *out,
                         struct fault *f) {
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    struct cur c = cur_open(sealed);
    bool is_ours = bytes_is(cur_take(&c, sizeof SEAL_MAGIC - 1), SEAL_MAGIC);
    uint16_t version = cur_u16(&c);
    if (is_ours && !c.bad && version != SEAL_VERSION)
        return fault_set(f, ERR_UNSUPPORTED, "sealed message", "version %u", version);
    uint32_t passes = cur_u32(&c), kib = cur_u32(&c);
    struct bytes salt = cur_take(&c, crypto_pwhash_SALTBYTES);
    struct bytes nonce = cur_take(&c, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    if (!is_ours || c.bad || c.rest.n < crypto_aead_xchacha20poly1305_ietf_ABYTES || passes < 1 ||
        passes > SEAL_PASSES_MAX || kib < SEAL_KIB_MIN || kib > SEAL_KIB_MAX)
        return fault_set(f, ERR_FORMAT, "sealed message", "it is none");
    enum err code = seal_key(passphrase, salt, passes, kib, key, f);
    if (code != ERR_OK)
        return code;
    uint8_t *room = buf_reserve(out, c.rest.n);
    unsigned long long n = 0;
    if (room == NULL)
        code = fault_set(f, out->err, "sealed message", "%zu bytes", c.rest.n);
    else if (crypto_aead_xchacha20poly1305_ietf_decrypt(room, &n, NULL, c.rest.p, c.rest.n,
                                                        sealed.p, PASSPHRASE_SEAL_HEAD, nonce.p,
                                                        key) != 0)
        code = fault_set(f, ERR_PASSWORD, "passphrase", "wrong, or the file was changed");
    else
        buf_commit(out, (size_t)n);
    crypto_wipe(key, sizeof key);
    return code;
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
