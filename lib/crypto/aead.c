/* The AEADs of TLS 1.3 over BearSSL, in the fastest form that this processor
 * can do. See crypto.h. */
#include "crypto/crypto.h"

#include <bearssl.h>

size_t aead_key_size(enum aead a) {
    return a == AEAD_AES_128_GCM ? 16 : 32;
}

/* The fastest code for this processor. BearSSL's own choosers run CPUID at each
 * call, and under a hypervisor that costs 7 us, five times what it takes to
 * decrypt a certificate; the compiler's run-time asks once at start. */
struct choice {
    const br_block_ctr_class *aes;
    br_ghash ghash;
    br_chacha20_run chacha20;
    br_poly1305_run poly1305;
};

#ifdef __x86_64__
static struct choice choose(void) {
    bool aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1");
    return (struct choice){
        .aes = aes ? &br_aes_x86ni_ctr_vtable : &br_aes_ct64_ctr_vtable,
        .ghash = __builtin_cpu_supports("pclmul") ? &br_ghash_pclmul : &br_ghash_ctmul64,
        .chacha20 = &br_chacha20_sse2_run,
        .poly1305 = &br_poly1305_ctmulq_run,
    };
}
#else
static struct choice choose(void) {
    return (struct choice){
        .aes = &br_aes_ct64_ctr_vtable,
        .ghash = &br_ghash_ctmul64,
        .chacha20 = &br_chacha20_ct_run,
        .poly1305 = &br_poly1305_ctmul_run,
    };
}
#endif

static void run_gcm(enum aead a, bool seal, const uint8_t *key, const uint8_t *nonce,
                    struct bytes aad, uint8_t *data, size_t n, uint8_t tag[16]) {
    struct choice fast = choose();
    br_aes_gen_ctr_keys keys;
    br_gcm_context gcm;

    fast.aes->init(&keys.vtable, key, aead_key_size(a));
    br_gcm_init(&gcm, &keys.vtable, fast.ghash);
    br_gcm_reset(&gcm, nonce, AEAD_NONCE_SIZE);
    br_gcm_aad_inject(&gcm, aad.p, aad.n);
    br_gcm_flip(&gcm);
    br_gcm_run(&gcm, seal, data, n);
    br_gcm_get_tag(&gcm, tag);
}

/* The tag that belongs to the ciphertext, whichever way data is turned. */
static void run(enum aead a, bool seal, const uint8_t *key, const uint8_t *nonce, struct bytes aad,
                uint8_t *data, size_t n, uint8_t tag[16]) {
    if (a != AEAD_CHACHA20_POLY1305) {
        run_gcm(a, seal, key, nonce, aad, data, n, tag);
        return;
    }
    struct choice fast = choose();
    fast.poly1305(key, nonce, data, n, aad.p, aad.n, tag, fast.chacha20, seal);
}

void aead_seal(enum aead a, const uint8_t *key, const uint8_t nonce[12], struct bytes aad,
               uint8_t *data, size_t n, uint8_t tag[16]) {
    run(a, true, key, nonce, aad, data, n, tag);
}

bool aead_open(enum aead a, const uint8_t *key, const uint8_t nonce[12], struct bytes aad,
               uint8_t *data, size_t n, const uint8_t tag[16]) {
    uint8_t expected[AEAD_TAG_SIZE];
    run(a, false, key, nonce, aad, data, n, expected);
    return crypto_equal(expected, tag, sizeof expected);
}
