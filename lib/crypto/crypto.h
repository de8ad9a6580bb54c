/* Hashes, key agreement, AEADs, signatures, keys, passwords.
 *
 * BearSSL does the work except where it has none: Ed25519, X25519 (for speed),
 * Argon2id and XChaCha20-Poly1305 come from libsodium, whose header only sodium.c includes.
 * No I/O. Any thread, contexts one thread at a time. Secrets are wiped by
 * crypto_wipe; the random source is handed in (env) so that tests are repeatable.
 */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"

/* Hashes. */
enum hash { HASH_SHA1, HASH_SHA224, HASH_SHA256, HASH_SHA384, HASH_SHA512, HASH_MD5 };
enum { HASH_SIZE_MAX = 64, SHA256_SIZE = 32 };

size_t hash_size(enum hash h);
/* Of one view. out holds hash_size bytes. */
void hash_of(enum hash h, struct bytes in, uint8_t *out);

/* Incremental; copy the struct to fork a running hash. */
struct hash_run {
    enum hash hash;
    union {
        uint64_t align;
        uint8_t bytes[256];
    } state;
};
void hash_begin(struct hash_run *r, enum hash h);
void hash_add(struct hash_run *r, struct bytes in);
void hash_peek(const struct hash_run *r, uint8_t *out); /* of all so far; may go on */

void hmac_of(enum hash h, struct bytes key, struct bytes in, uint8_t *out);
/* RFC 5869. */
void hkdf_extract(enum hash h, struct bytes salt, struct bytes ikm, uint8_t *out);
bool hkdf_expand(enum hash h, struct bytes prk, struct bytes info, uint8_t *out, size_t n);

/* AEADs of TLS 1.3; the tag of 16 bytes follows the ciphertext. */
enum aead { AEAD_AES_128_GCM, AEAD_AES_256_GCM, AEAD_CHACHA20_POLY1305 };
size_t aead_key_size(enum aead a);
enum { AEAD_NONCE_SIZE = 12, AEAD_TAG_SIZE = 16 };
/* In place on data[0..n); tag apart. aead_open: false where the tag is wrong. */
void aead_seal(enum aead a, const uint8_t *key, const uint8_t nonce[12], struct bytes aad,
               uint8_t *data, size_t n, uint8_t tag[16]);
bool aead_open(enum aead a, const uint8_t *key, const uint8_t nonce[12], struct bytes aad,
               uint8_t *data, size_t n, const uint8_t tag[16]);

/* Key agreement. Public keys as TLS writes them: 32 bytes, or 04 || X || Y. */
enum group { GROUP_X25519, GROUP_P256, GROUP_P384, GROUP_P521 };
enum { ECDH_SECRET_MAX = 66, ECDH_PUBLIC_MAX = 133 };
struct ecdh_key {
    enum group group;
    uint8_t secret[ECDH_SECRET_MAX], public_key[ECDH_PUBLIC_MAX];
    size_t secret_n, public_n;
};
bool ecdh_make(const struct env *env, enum group g, struct ecdh_key *key);
/* The shared secret (32, 32, 48, 66 bytes); false for a point that is none. */
bool ecdh_shared(const struct ecdh_key *key, struct bytes peer, uint8_t out[ECDH_SECRET_MAX],
                 size_t *n);

/* Signing keys of our own: EC P-256 for agents, the authority and the server;
 * RSA for certificates that are asked for. */
enum key_kind { KEY_EC_P256, KEY_RSA };
struct signing_key; /* opaque, wiped when closed */
enum err signing_key_make(const struct env *env, enum key_kind kind, unsigned bits,
                          struct signing_key **out, struct fault *f) MUST_CHECK;
void signing_key_close(struct signing_key *key);
/* PKCS#8 DER (RFC 5958), to write as PEM "PRIVATE KEY"; reads that, SEC 1 and PKCS#1. */
void signing_key_write(const struct signing_key *key, struct buf *out);
enum err signing_key_read(struct bytes der, struct signing_key **out, struct fault *f) MUST_CHECK;
enum key_kind signing_key_kind(const struct signing_key *key);
/* SubjectPublicKeyInfo DER. */
void signing_key_spki(const struct signing_key *key, struct buf *out);
/* ECDSA or PKCS#1 v1.5 over SHA-256 of `in`, as certificates carry it (DER for ECDSA). */
enum err signing_key_sign(const struct env *env, const struct signing_key *key, struct bytes in,
                          struct buf *out) MUST_CHECK;
/* ECDSA P-256 over SHA-256, raw r||s of 64 bytes (RFC 9421, 3.3.4). */
enum { SIGNATURE_RAW_SIZE = 64 };
bool signing_key_sign_raw(const struct signing_key *key, struct bytes in,
                          uint8_t out[SIGNATURE_RAW_SIZE]);
/* spki: a P-256 SubjectPublicKeyInfo. */
bool signature_raw_verify(struct bytes spki, struct bytes in, struct bytes signature);

/* Checks the signature of a certificate or CSR: spki and both algorithm
 * identifiers as DER. ERR_OK good, ERR_CREDENTIALS bad, ERR_UNSUPPORTED for what
 * is outside of what we can check (never "bad"), ERR_FORMAT malformed. */
enum err signature_verify(struct bytes spki, struct bytes signature_algorithm,
                          struct bytes signed_bytes, struct bytes signature) MUST_CHECK;

/* Ed25519 (RFC 8032): checkpoints. */
bool ed25519_make(const struct env *env, uint8_t public_key[32], uint8_t secret[64]);
/* The key of a seed (the private key of RFC 8032, 5.1.5), which are the first bytes of `secret`. */
void ed25519_of_seed(const uint8_t seed[32], uint8_t public_key[32], uint8_t secret[64]);
void ed25519_sign(const uint8_t secret[64], struct bytes in, uint8_t signature[64]);
bool ed25519_verify(struct bytes public_key, struct bytes in, struct bytes signature);

/* Argon2id verifiers as a PHC string ("$argon2id$v=19$..."), at most 127 characters. */
enum { PASSWORD_VERIFIER_MAX = 128 };
bool password_verifier_make(struct bytes password, char out[PASSWORD_VERIFIER_MAX]);
bool password_verify(const char *verifier, struct bytes password);

/* A whole message under a passphrase: Argon2id (RFC 9106) and XChaCha20-Poly1305. *Slow.*
 *
 *   offset  size
 *   0       8     "clmseal\n"
 *   8       2     version: 1
 *   10      4     passes of Argon2id, 1 to 16
 *   14      4     its memory in KiB, 8192 to 1048576
 *   18      16    salt            34  24  nonce
 *   58      n+16  the message enciphered, and its tag; bytes 0 to 57 are authenticated too
 *
 * Appends. ERR_MEMORY; seal: ERR_FAILED without random bytes; open: ERR_FORMAT for what is no
 * sealed message, ERR_UNSUPPORTED of a later version, ERR_PASSWORD for a wrong passphrase or a
 * message that was changed: the two cannot be told apart. */
enum { PASSPHRASE_SEAL_HEAD = 58 };
enum err passphrase_seal(const struct env *env, struct bytes passphrase, struct bytes message,
                         struct buf *out, struct fault *f) MUST_CHECK;
enum err passphrase_open(struct bytes passphrase, struct bytes sealed, struct buf *out,
                         struct fault *f) MUST_CHECK;

bool crypto_equal(const void *a, const void *b, size_t n); /* constant time */
void crypto_wipe(void *p, size_t n);
/* buf_init for secrets: storage is wiped before it is given back, also where the buffer
 * grows, and by buf_reset and buf_clear. Not for what is reset often and large. */
void crypto_buf_init(struct buf *b, size_t max);

#endif
