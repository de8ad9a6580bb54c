/* Keys from passwords. See pbe.h. */
#include "base/text.h"
#include "crypto/pbe.h"

#include <bearssl.h>
#include <string.h>

enum { BLOCK_MAX = 128, UNITS_MAX = PBE_SALT_MAX + PBE_BMP_MAX + 2 * BLOCK_MAX };

static const br_hash_class *class_of(enum hash h) {
    static const br_hash_class *const classes[] = {
        [HASH_SHA1] = &br_sha1_vtable,     [HASH_SHA224] = &br_sha224_vtable,
        [HASH_SHA256] = &br_sha256_vtable, [HASH_SHA384] = &br_sha384_vtable,
        [HASH_SHA512] = &br_sha512_vtable, [HASH_MD5] = &br_md5_vtable};
    return classes[h];
}

static void put_utf16(struct pbe_password *out, uint32_t unit) {
    if (out->bmp_n + 2 > sizeof out->bmp)
        return;
    out->bmp[out->bmp_n++] = (uint8_t)(unit >> 8);
    out->bmp[out->bmp_n++] = (uint8_t)unit;
}

bool pbe_password_make(struct bytes utf8, struct pbe_password *out) {
    struct cur c = cur_open(utf8);
    bool is_utf8 = utf8_valid(utf8);
    out->utf8 = utf8;
    out->bmp_n = 0;
    while (c.rest.n > 0) {
        uint32_t v = is_utf8 ? utf8_take(&c) : cur_u8(&c);
        if (v >= 0x10000) {
            put_utf16(out, 0xd800 + ((v - 0x10000) >> 10));
            v = 0xdc00 + ((v - 0x10000) & 0x3ff);
        }
        put_utf16(out, v);
    }
    put_utf16(out, 0);
    return utf8.n <= PBE_PASSWORD_MAX;
}

/* The keyed states are made once and copied in each round. */
void pbe_pbkdf2(enum hash h, struct bytes password, struct bytes salt, uint64_t rounds,
                uint8_t *out, size_t n) {
    br_hmac_key_context k;
    br_hmac_context c;
    uint8_t u[HASH_SIZE_MAX], sum[HASH_SIZE_MAX];
    size_t size = hash_size(h), done = 0;
    br_hmac_key_init(&k, class_of(h), password.p, password.n);
    for (uint8_t block = 1; done < n; block++) {
        const uint8_t number[4] = {0, 0, 0, block};
        br_hmac_init(&c, &k, 0);
        br_hmac_update(&c, salt.p, salt.n);
        br_hmac_update(&c, number, sizeof number);
        br_hmac_out(&c, u);
        memcpy(sum, u, size);
        for (uint64_t round = 1; round < rounds; round++) {
            br_hmac_init(&c, &k, 0);
            br_hmac_update(&c, u, size);
            br_hmac_out(&c, u);
            for (size_t i = 0; i < size; i++)
                sum[i] ^= u[i];
        }
        size_t part = n - done < size ? n - done : size;
        memcpy(out + done, sum, part);
        done += part;
    }
    crypto_wipe(&k, sizeof k);
    crypto_wipe(&c, sizeof c);
    crypto_wipe(u, sizeof u);
    crypto_wipe(sum, sizeof sum);
}

/* Appends b, over and over, until whole blocks are full; nothing for nothing. */
static size_t put_repeated(uint8_t *out, size_t at, struct bytes b, size_t block) {
    size_t n = (b.n + block - 1) / block * block;
    for (size_t i = 0; i < n; i++)
        out[at + i] = b.p[i % b.n];
    return at + n;
}

/* unit = unit + a + 1, as big-endian numbers of `block` octets; a is repeated to that. */
static void add_one_and(uint8_t *unit, const uint8_t *a, size_t a_n, size_t block) {
    unsigned carry = 1;
    for (size_t i = block; i-- > 0;) {
        carry += (unsigned)unit[i] + a[i % a_n];
        unit[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

void pbe_pkcs12(enum hash h, struct bytes bmp_password, struct bytes salt, enum pbe_use use,
                uint64_t rounds, uint8_t *out, size_t n) {
    uint8_t diversifier[BLOCK_MAX], units[UNITS_MAX], a[HASH_SIZE_MAX];
    size_t size = hash_size(h), block = h == HASH_SHA384 || h == HASH_SHA512 ? 128 : 64, done = 0;
    memset(diversifier, (int)use, sizeof diversifier);
    size_t units_n = put_repeated(units, 0, salt, block);
    units_n = put_repeated(units, units_n, bmp_password, block);
    for (;;) {
        struct hash_run run;
        hash_begin(&run, h);
        hash_add(&run, bytes_of(diversifier, block));
        hash_add(&run, bytes_of(units, units_n));
        hash_peek(&run, a);
        crypto_wipe(&run, sizeof run);
        for (uint64_t round = 1; round < rounds; round++)
            hash_of(h, bytes_of(a, size), a);
        size_t part = n - done < size ? n - done : size;
        memcpy(out + done, a, part);
        done += part;
        if (done == n)
            break;
        for (size_t at = 0; at < units_n; at += block)
            add_one_and(units + at, a, size, block);
    }
    crypto_wipe(units, sizeof units);
    crypto_wipe(a, sizeof a);
}
