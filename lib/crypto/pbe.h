/* Encryption and MACs by password, as PKCS#12 files have them.
 *
 * Read: PBES2 with PBKDF2 (RFC 8018; HMAC with SHA-1 to SHA-512; AES-128, 192, 256 and
 * three-key DES, all CBC), the four block ciphers of RFC 7292, appendix C, and the MACs of
 * RFC 7292 and of RFC 9579 (PBMAC1). RC4 and PKCS#5's first scheme are not: their
 * names are told. Written: PBES2 with AES-256 and SHA-256 alone.
 *
 * A password takes time on purpose: the number of rounds stands in the file. pbe_cost and
 * pbe_mac_cost say it beforehand (one is about half a microsecond); what is too much is for
 * the caller to say. Views into what is read must outlive the structs. Any thread.
 */
#ifndef CRYPTO_PBE_H
#define CRYPTO_PBE_H

#include "crypto/crypto.h"

enum {
    PBE_PASSWORD_MAX = 1024, /* octets of UTF-8 */
    PBE_BMP_MAX = 2 * PBE_PASSWORD_MAX + 2,
    PBE_SALT_MAX = 1024,
    PBE_KEY_MAX = 64,
    PBE_IV_MAX = 16,
};

/* One password in the two encodings that the schemes take; to be wiped by its owner. */
struct pbe_password {
    struct bytes utf8;
    uint8_t bmp[PBE_BMP_MAX]; /* UTF-16, big-endian, two zero octets behind */
    size_t bmp_n;
};
/* Borrows utf8; at most PBE_PASSWORD_MAX octets, else false. What is no UTF-8 is taken as
 * Latin-1. No password at all and the empty one are two: the first has no octets in `bmp`
 * either (set bmp_n to 0), and files have the one or the other. */
bool pbe_password_make(struct bytes utf8, struct pbe_password *out);

struct pbe_kdf {
    bool is_pkcs12; /* RFC 7292, appendix B; else PBKDF2 */
    enum hash hash;
    struct bytes salt;
    uint64_t rounds;
};
/* PBKDF2 (RFC 8018, 5.2). */
void pbe_pbkdf2(enum hash h, struct bytes password, struct bytes salt, uint64_t rounds,
                uint8_t *out, size_t n);
/* RFC 7292, appendix B. */
enum pbe_use { PBE_USE_KEY = 1, PBE_USE_IV = 2, PBE_USE_MAC = 3 };
void pbe_pkcs12(enum hash h, struct bytes bmp_password, struct bytes salt, enum pbe_use use,
                uint64_t rounds, uint8_t *out, size_t n);

enum pbe_cipher { PBE_AES, PBE_DES, PBE_RC2 };
struct pbe {
    struct pbe_kdf kdf;
    enum pbe_cipher cipher;
    size_t key_n, block_n;
    struct bytes iv; /* empty where it comes from the password too */
};
/* `algorithm`: the content of an AlgorithmIdentifier. ERR_FORMAT; ERR_UNSUPPORTED names it. */
enum err pbe_read(struct bytes algorithm, struct pbe *out, struct fault *f) MUST_CHECK;
uint64_t pbe_cost(const struct pbe *p);
/* In place; data is cut to the plain text, and to be wiped by its owner. False: the padding
 * is wrong, which is what a wrong password leads to in 255 of 256 cases. */
bool pbe_decrypt(const struct pbe *p, const struct pbe_password *password, struct buf *data);

struct pbe_mac {
    struct pbe_kdf kdf;
    enum hash hash;
    size_t key_n;
};
/* `algorithm` as above; salt and rounds stand beside it, and count but for PBMAC1. */
enum err pbe_mac_read(struct bytes algorithm, struct bytes salt, uint64_t rounds,
                      struct pbe_mac *out, struct fault *f) MUST_CHECK;
uint64_t pbe_mac_cost(const struct pbe_mac *m);
/* out holds hash_size(m->hash) octets. */
void pbe_mac(const struct pbe_mac *m, const struct pbe_password *password, struct bytes in,
             uint8_t out[HASH_SIZE_MAX]);

/* Appends the AlgorithmIdentifier, whole, and what `plain` becomes. ERR_FAILED: no random
 * octets; else out's error. */
enum { PBE_ROUNDS = 100000 }; /* about 50 ms */
enum err pbe_encrypt(const struct env *env, const struct pbe_password *password, struct bytes plain,
                     struct buf *algorithm, struct buf *out) MUST_CHECK;

#endif
