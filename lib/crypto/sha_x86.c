/* SHA-1 and SHA-256 (FIPS 180-4) by the instructions that x86 processors have for them (SHA
 * extensions, Intel's manual volume 2): four to six times as fast as BearSSL's portable code,
 * which hashes wherever they are missing, and which the tests compare this with. The contexts
 * are BearSSL's own, so that everything that takes a class of it takes these.
 *
 * BearSSL, and libsodium 1.0.18, have no such code. Private to lib/crypto (inner.h).
 */
#include "crypto/inner.h"

/* clang 14 does not know this processor's feature by name. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)

#include <immintrin.h>
#include <string.h>

#define WITH_SHA __attribute__((target("sha,sse4.1,ssse3")))

enum { BLOCK = 64 };

typedef void blocks(uint32_t *val, const uint8_t *p, size_t n);

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline __m128i load(const void *p) {
    return _mm_loadu_si128(p);
}

static inline void store(void *p, __m128i v) {
    _mm_storeu_si128(p, v);
}

/* Four rounds a turn; w is the ring of the last 16 words of the schedule. */
WITH_SHA static inline void rounds_256(__m128i *abef, __m128i *cdgh, __m128i w[4], int i) {
    if (i >= 4) {
        __m128i next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
        next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
        w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
    }
    __m128i wk = _mm_add_epi32(w[i & 3], load(k256 + 4 * i));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, wk);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

WITH_SHA static void blocks_256(uint32_t *val, const uint8_t *p, size_t n) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i cdab = _mm_shuffle_epi32(load(val), 0xb1),
            efgh = _mm_shuffle_epi32(load(val + 4), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; n >= BLOCK; p += BLOCK, n -= BLOCK) {
        __m128i w[4], abef_before = abef, cdgh_before = cdgh;
        for (size_t i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(load(p + 16 * i), big_endian);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            rounds_256(&abef, &cdgh, w, i);
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    store(val, _mm_blend_epi16(feba, dchg, 0xf0));
    store(val + 4, _mm_alignr_epi8(dchg, feba, 8));
}

/* The instruction wants its function as a constant. */
#define ROUNDS_1(abcd, e, i)                                                                       \
    ((i) < 5    ? _mm_sha1rnds4_epu32(abcd, e, 0)                                                  \
     : (i) < 10 ? _mm_sha1rnds4_epu32(abcd, e, 1)                                                  \
     : (i) < 15 ? _mm_sha1rnds4_epu32(abcd, e, 2)                                                  \
                : _mm_sha1rnds4_epu32(abcd, e, 3))

WITH_SHA static inline void rounds_1(__m128i *abcd, __m128i *before, __m128i w[4], int i) {
    if (i >= 4) {
        __m128i next = _mm_sha1msg1_epu32(w[i & 3], w[(i + 1) & 3]);
        next = _mm_xor_si128(next, w[(i + 2) & 3]);
        w[i & 3] = _mm_sha1msg2_epu32(next, w[(i + 3) & 3]);
    }
    __m128i e = i == 0 ? _mm_add_epi32(*before, w[0]) : _mm_sha1nexte_epu32(*before, w[i & 3]);
    *before = *abcd;
    *abcd = ROUNDS_1(*abcd, e, i);
}

WITH_SHA static void blocks_1(uint32_t *val, const uint8_t *p, size_t n) {
    const __m128i reversed = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i abcd = _mm_shuffle_epi32(load(val), 0x1b);
    __m128i e = _mm_set_epi32((int)val[4], 0, 0, 0);
    for (; n >= BLOCK; p += BLOCK, n -= BLOCK) {
        __m128i w[4], abcd_before = abcd, before = e;
        for (size_t i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(load(p + 16 * i), reversed);
#pragma GCC unroll 20
        for (int i = 0; i < 20; i++)
            rounds_1(&abcd, &before, w, i);
        e = _mm_sha1nexte_epu32(before, e);
        abcd = _mm_add_epi32(abcd, abcd_before);
    }
    store(val, _mm_shuffle_epi32(abcd, 0x1b));
    val[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

/* ---- The classes ---- */

static void add(blocks *run, uint32_t *val, uint8_t *buf, uint64_t *count, const uint8_t *p,
                size_t n) {
    size_t held = (size_t)(*count % BLOCK);
    *count += n;
    if (held > 0) {
        size_t part = n < BLOCK - held ? n : BLOCK - held;
        memcpy(buf + held, p, part);
        if (held + part < BLOCK)
            return;
        run(val, buf, BLOCK);
        p += part;
        n -= part;
    }
    run(val, p, n);
    if (n % BLOCK > 0)
        memcpy(buf, p + n - n % BLOCK, n % BLOCK);
}

/* FIPS 180-4, 5.1.1: a one, zeros, the length in bits. */
static void end(blocks *run, uint32_t *val, const uint8_t *buf, uint64_t count, uint8_t *out,
                size_t words) {
    uint8_t last[2 * BLOCK] = {0};
    size_t held = (size_t)(count % BLOCK), n = held < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    memcpy(last, buf, held);
    last[held] = 0x80;
    for (size_t i = 0; i < 8; i++)
        last[n - 1 - i] = (uint8_t)(count * 8 >> 8 * i);
    run(val, last, n);
    for (size_t i = 0; i < 4 * words; i++)
        out[i] = (uint8_t)(val[i / 4] >> (24 - 8 * (i % 4)));
}

static const br_hash_class sha256_class, sha1_class;

static void init_256(const br_hash_class **c) {
    br_sha256_init((br_sha256_context *)(void *)c);
    *c = &sha256_class;
}

static void update_256(const br_hash_class **c, const void *p, size_t n) {
    br_sha256_context *s = (void *)c;
    if (n > 0)
        add(blocks_256, s->val, s->buf, &s->count, p, n);
}

static void out_256(const br_hash_class *const *c, void *out) {
    const br_sha256_context *s = (const void *)c;
    uint32_t val[8];
    memcpy(val, s->val, sizeof val);
    end(blocks_256, val, s->buf, s->count, out, 8);
}

static uint64_t state_256(const br_hash_class *const *c, void *out) {
    return br_sha256_state((const void *)c, out);
}

static void set_state_256(const br_hash_class **c, const void *state, uint64_t count) {
    br_sha256_set_state((void *)c, state, count);
}

static void init_1(const br_hash_class **c) {
    br_sha1_init((br_sha1_context *)(void *)c);
    *c = &sha1_class;
}

static void update_1(const br_hash_class **c, const void *p, size_t n) {
    br_sha1_context *s = (void *)c;
    if (n > 0)
        add(blocks_1, s->val, s->buf, &s->count, p, n);
}

static void out_1(const br_hash_class *const *c, void *out) {
    const br_sha1_context *s = (const void *)c;
    uint32_t val[5];
    memcpy(val, s->val, sizeof val);
    end(blocks_1, val, s->buf, s->count, out, 5);
}

static uint64_t state_1(const br_hash_class *const *c, void *out) {
    return br_sha1_state((const void *)c, out);
}

static void set_state_1(const br_hash_class **c, const void *state, uint64_t count) {
    br_sha1_set_state((void *)c, state, count);
}

#define PADDED BR_HASHDESC_LBLEN(6) | BR_HASHDESC_MD_PADDING | BR_HASHDESC_MD_PADDING_BE

static const br_hash_class sha256_class = {
    sizeof(br_sha256_context),
    BR_HASHDESC_ID(br_sha256_ID) | BR_HASHDESC_OUT(32) | BR_HASHDESC_STATE(32) | PADDED,
    init_256,
    update_256,
    out_256,
    state_256,
    set_state_256,
};

static const br_hash_class sha1_class = {
    sizeof(br_sha1_context),
    BR_HASHDESC_ID(br_sha1_ID) | BR_HASHDESC_OUT(20) | BR_HASHDESC_STATE(20) | PADDED,
    init_1,
    update_1,
    out_1,
    state_1,
    set_state_1,
};

const br_hash_class *crypto_sha1_class(void) {
    return __builtin_cpu_supports("sha") ? &sha1_class : &br_sha1_vtable;
}

const br_hash_class *crypto_sha256_class(void) {
    return __builtin_cpu_supports("sha") ? &sha256_class : &br_sha256_vtable;
}

#else

const br_hash_class *crypto_sha1_class(void) {
    return &br_sha1_vtable;
}

const br_hash_class *crypto_sha256_class(void) {
    return &br_sha256_vtable;
}

#endif
