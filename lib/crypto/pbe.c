/* Encryption and MACs by password. See pbe.h. */
#include "crypto/pbe.h"
#include "base/ber.h"
#include "base/oid.h"
#include "crypto/rc2.h"

#include <bearssl.h>
#include <string.h>

/* clang-format off */
static const struct {
    enum oid id;
    enum pbe_cipher cipher;
    size_t key_n, block_n;
    bool is_pkcs12; /* key and IV by RFC 7292, appendix B, with SHA-1 */
} ciphers[] = {
    {OID_AES_128_CBC,   PBE_AES, 16, 16, false},
    {OID_AES_192_CBC,   PBE_AES, 24, 16, false},
    {OID_AES_256_CBC,   PBE_AES, 32, 16, false},
    {OID_DES_EDE3_CBC,  PBE_DES, 24, 8,  false},
    {OID_PBE_3DES,      PBE_DES, 24, 8,  true },
    {OID_PBE_2KEY_3DES, PBE_DES, 16, 8,  true },
    {OID_PBE_RC2_128,   PBE_RC2, 16, 8,  true },
    {OID_PBE_RC2_40,    PBE_RC2, 5,  8,  true },
};

static const struct {
    enum oid id; /* of the HMAC, and of the hash alone */
    enum oid hash_id;
    enum hash hash;
} hashes[] = {
    {OID_HMAC_SHA1,   OID_SHA1,   HASH_SHA1  },
    {OID_HMAC_SHA224, OID_SHA224, HASH_SHA224},
    {OID_HMAC_SHA256, OID_SHA256, HASH_SHA256},
    {OID_HMAC_SHA384, OID_SHA384, HASH_SHA384},
    {OID_HMAC_SHA512, OID_SHA512, HASH_SHA512},
};
/* clang-format on */

enum { CIPHERS = sizeof ciphers / sizeof ciphers[0], HASHES = sizeof hashes / sizeof hashes[0] };

/* ---- Reading the parameters ---- */

static enum err malformed(struct fault *f) {
    return fault_set(f, ERR_FORMAT, "encryption", "%s", "its parameters do not parse");
}

static enum err unknown(struct bytes oid, struct fault *f) {
    struct buf name;
    buf_init(&name, 256);
    oid_text(OID_PBE, oid, &name);
    fault_set(f, ERR_UNSUPPORTED, "encryption", "%s", buf_cstr(&name));
    buf_clear(&name);
    return ERR_UNSUPPORTED;
}

static enum oid id_of(enum oid_kind kind, struct bytes oid) {
    const struct oid_row *row = oid_find(kind, oid);
    return row != NULL ? row->id : OID_OTHER;
}

static bool is_fit(const struct pbe_kdf *kdf) {
    return kdf->salt.n <= PBE_SALT_MAX && kdf->rounds > 0 && kdf->rounds <= UINT32_MAX;
}

static bool find_hmac(struct bytes oid, enum hash *out) {
    enum oid id = id_of(OID_PBE, oid);
    for (size_t i = 0; i < HASHES; i++) {
        if (id != OID_OTHER && hashes[i].id == id) {
            *out = hashes[i].hash;
            return true;
        }
    }
    return false;
}

/* RFC 8018, A.2: salt, rounds, key length OPTIONAL, prf DEFAULT hmacWithSHA1. */
static enum err read_pbkdf2(struct cur *c, struct pbe_kdf *out, uint64_t *key_n, struct fault *f) {
    struct cur algorithm = ber_open(c, DER_SEQUENCE);
    struct bytes oid = ber_take(&algorithm, DER_OID), prf;
    if (algorithm.bad)
        return malformed(f);
    if (id_of(OID_PBE, oid) != OID_PBKDF2)
        return unknown(oid, f);
    struct cur p = ber_open(&algorithm, DER_SEQUENCE);
    *out = (struct pbe_kdf){.hash = HASH_SHA1};
    out->salt = ber_take(&p, DER_OCTET_STRING);
    out->rounds = ber_u64(&p);
    *key_n = der_peek(&p, DER_INTEGER) ? ber_u64(&p) : 0;
    if (ber_optional(&p, DER_SEQUENCE, &prf)) {
        struct cur in = cur_open(prf);
        oid = ber_take(&in, DER_OID);
        if (!in.bad && !find_hmac(oid, &out->hash))
            return unknown(oid, f);
        p.bad = p.bad || in.bad;
    }
    return p.bad || !is_fit(out) ? malformed(f) : ERR_OK;
}

static bool find_cipher(struct bytes oid, bool is_pkcs12, struct pbe *out) {
    enum oid id = id_of(OID_PBE, oid);
    for (size_t i = 0; i < CIPHERS; i++) {
        if (ciphers[i].id != id || ciphers[i].is_pkcs12 != is_pkcs12)
            continue;
        out->cipher = ciphers[i].cipher;
        out->key_n = ciphers[i].key_n;
        out->block_n = ciphers[i].block_n;
        return true;
    }
    return false;
}

static enum err read_pbes2(struct cur *c, struct pbe *out, struct fault *f) {
    struct cur p = ber_open(c, DER_SEQUENCE);
    uint64_t key_n;
    enum err e = read_pbkdf2(&p, &out->kdf, &key_n, f);
    if (e != ERR_OK)
        return e;
    struct cur scheme = ber_open(&p, DER_SEQUENCE);
    struct bytes oid = ber_take(&scheme, DER_OID);
    if (scheme.bad)
        return malformed(f);
    if (!find_cipher(oid, false, out))
        return unknown(oid, f);
    out->iv = ber_take(&scheme, DER_OCTET_STRING);
    bool is_good = !scheme.bad && out->iv.n == out->block_n && (key_n == 0 || key_n == out->key_n);
    return is_good ? ERR_OK : malformed(f);
}

enum err pbe_read(struct bytes algorithm, struct pbe *out, struct fault *f) {
    struct cur c = cur_open(algorithm);
    struct bytes oid = ber_take(&c, DER_OID);
    *out = (struct pbe){0};
    if (c.bad)
        return malformed(f);
    if (id_of(OID_PBE, oid) == OID_PBES2)
        return read_pbes2(&c, out, f);
    if (!find_cipher(oid, true, out))
        return unknown(oid, f);
    struct cur p = ber_open(&c, DER_SEQUENCE);
    out->kdf = (struct pbe_kdf){.is_pkcs12 = true, .hash = HASH_SHA1};
    out->kdf.salt = ber_take(&p, DER_OCTET_STRING);
    out->kdf.rounds = ber_u64(&p);
    return p.bad || !is_fit(&out->kdf) ? malformed(f) : ERR_OK;
}

/* PBMAC1 (RFC 9579): its own salt and rounds; the key's length must be written. */
static enum err read_pbmac1(struct cur *c, struct pbe_mac *out, struct fault *f) {
    struct cur p = ber_open(c, DER_SEQUENCE);
    uint64_t key_n;
    enum err e = read_pbkdf2(&p, &out->kdf, &key_n, f);
    if (e != ERR_OK)
        return e;
    struct cur scheme = ber_open(&p, DER_SEQUENCE);
    struct bytes oid = ber_take(&scheme, DER_OID);
    if (scheme.bad || key_n < 1 || key_n > PBE_KEY_MAX)
        return malformed(f);
    out->key_n = (size_t)key_n;
    return find_hmac(oid, &out->hash) ? ERR_OK : unknown(oid, f);
}

enum err pbe_mac_read(struct bytes algorithm, struct bytes salt, uint64_t rounds,
                      struct pbe_mac *out, struct fault *f) {
    struct cur c = cur_open(algorithm);
    struct bytes oid = ber_take(&c, DER_OID);
    *out = (struct pbe_mac){0};
    if (c.bad)
        return malformed(f);
    if (id_of(OID_PBE, oid) == OID_PBMAC1)
        return read_pbmac1(&c, out, f);
    enum oid id = id_of(OID_ALGORITHM, oid);
    for (size_t i = 0; i < HASHES; i++) {
        if (id == OID_OTHER || hashes[i].hash_id != id)
            continue;
        out->hash = hashes[i].hash;
        out->key_n = hash_size(out->hash);
        out->kdf = (struct pbe_kdf){true, out->hash, salt, rounds};
        return is_fit(&out->kdf) ? ERR_OK : malformed(f);
    }
    return unknown(oid, f);
}

/* ---- Doing it ---- */

static uint64_t cost(const struct pbe_kdf *kdf, size_t n) {
    size_t size = hash_size(kdf->hash);
    return kdf->rounds * ((n + size - 1) / size) * (kdf->is_pkcs12 ? 1 : 2);
}

uint64_t pbe_cost(const struct pbe *p) {
    return cost(&p->kdf, p->key_n) + (p->iv.n == 0 ? cost(&p->kdf, p->block_n) : 0);
}

uint64_t pbe_mac_cost(const struct pbe_mac *m) {
    return cost(&m->kdf, m->key_n);
}

static void derive(const struct pbe_kdf *kdf, const struct pbe_password *password, enum pbe_use use,
                   uint8_t *out, size_t n) {
    if (kdf->is_pkcs12)
        pbe_pkcs12(kdf->hash, bytes_of(password->bmp, password->bmp_n), kdf->salt, use, kdf->rounds,
                   out, n);
    else
        pbe_pbkdf2(kdf->hash, password->utf8, kdf->salt, kdf->rounds, out, n);
}

/* AES in constant time; for the other two, which protect nothing, speed counts. */
static void decrypt(const struct pbe *p, const uint8_t *key, uint8_t *iv, uint8_t *data, size_t n) {
    union {
        br_aes_ct64_cbcdec_keys aes;
        br_des_tab_cbcdec_keys des;
        struct rc2 rc2;
    } c;
    switch (p->cipher) {
    case PBE_AES:
        br_aes_ct64_cbcdec_init(&c.aes, key, p->key_n);
        br_aes_ct64_cbcdec_run(&c.aes, iv, data, n);
        break;
    case PBE_DES:
        br_des_tab_cbcdec_init(&c.des, key, p->key_n);
        br_des_tab_cbcdec_run(&c.des, iv, data, n);
        break;
    case PBE_RC2:
        rc2_init(&c.rc2, bytes_of(key, p->key_n), (unsigned)p->key_n * 8);
        rc2_cbc_decrypt(&c.rc2, iv, data, n);
        break;
    }
    crypto_wipe(&c, sizeof c);
}

/* RFC 8018, 6.1.1: 1 to a whole block of octets, each the number of them. */
static size_t padding_of(const struct buf *data, size_t block_n) {
    size_t n = data->p[data->n - 1];
    if (n < 1 || n > block_n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (data->p[data->n - 1 - i] != n)
            return 0;
    return n;
}

bool pbe_decrypt(const struct pbe *p, const struct pbe_password *password, struct buf *data) {
    uint8_t key[PBE_KEY_MAX], iv[PBE_IV_MAX];
    if (data->err != ERR_OK || data->n == 0 || data->n % p->block_n != 0)
        return false;
    derive(&p->kdf, password, PBE_USE_KEY, key, p->key_n);
    if (p->iv.n > 0)
        memcpy(iv, p->iv.p, p->block_n);
    else
        derive(&p->kdf, password, PBE_USE_IV, iv, p->block_n);
    decrypt(p, key, iv, data->p, data->n);
    crypto_wipe(key, sizeof key);
    size_t padding = padding_of(data, p->block_n);
    buf_cut(data, data->n - padding);
    return padding > 0;
}

void pbe_mac(const struct pbe_mac *m, const struct pbe_password *password, struct bytes in,
             uint8_t out[HASH_SIZE_MAX]) {
    uint8_t key[PBE_KEY_MAX];
    derive(&m->kdf, password, PBE_USE_MAC, key, m->key_n);
    hmac_of(m->hash, bytes_of(key, m->key_n), in, out);
    crypto_wipe(key, sizeof key);
}

/* ---- Writing ---- */

static void put_pbes2(struct buf *out, struct bytes salt, struct bytes iv) {
    size_t whole = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_PBES2);
    size_t parameters = der_begin(out, DER_SEQUENCE);
    size_t kdf = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_PBKDF2);
    size_t inner = der_begin(out, DER_SEQUENCE);
    der_put(out, DER_OCTET_STRING, salt);
    der_put_u64(out, PBE_ROUNDS);
    size_t prf = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_HMAC_SHA256);
    der_put_null(out);
    der_close(out, prf);
    der_close(out, inner);
    der_close(out, kdf);
    size_t scheme = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_AES_256_CBC);
    der_put(out, DER_OCTET_STRING, iv);
    der_close(out, scheme);
    der_close(out, parameters);
    der_close(out, whole);
}

enum err pbe_encrypt(const struct env *env, const struct pbe_password *password, struct bytes plain,
                     struct buf *algorithm, struct buf *out) {
    enum { BLOCK = 16 };
    uint8_t salt[16], iv[BLOCK], key[32];
    br_aes_ct64_cbcenc_keys aes;
    size_t padding = BLOCK - plain.n % BLOCK, at = out->n;
    if (!env->random(env->context, salt, sizeof salt) || !env->random(env->context, iv, sizeof iv))
        return ERR_FAILED;
    put_pbes2(algorithm, bytes_of(salt, sizeof salt), bytes_of(iv, sizeof iv));
    buf_reserve(out, plain.n + padding);
    buf_put(out, plain);
    buf_fill(out, (uint8_t)padding, padding);
    if (algorithm->err != ERR_OK || out->err != ERR_OK)
        return algorithm->err != ERR_OK ? algorithm->err : out->err;
    pbe_pbkdf2(HASH_SHA256, password->utf8, bytes_of(salt, sizeof salt), PBE_ROUNDS, key,
               sizeof key);
    br_aes_ct64_cbcenc_init(&aes, key, sizeof key);
    br_aes_ct64_cbcenc_run(&aes, iv, out->p + at, out->n - at);
    crypto_wipe(&aes, sizeof aes);
    crypto_wipe(key, sizeof key);
    return ERR_OK;
}
