/* How many certificates a second lib/x509 reads: for bench.py, beside peer_x509.
 *
 *     x509_read FILE SECONDS      FILE: 4 bytes of length, DER, and so on
 *
 * Prints two figures: read; read, and hashed as a scan hashes (the certificate and
 * its SubjectPublicKeyInfo). */
#include "base/file.h"
#include "crypto/crypto.h"
#include "x509/x509.h"

#include <stdlib.h>

enum { SCRATCH_MAX = 8 << 20 };

static bool read_all(struct bytes file, struct arena *scratch, bool hashed, size_t *n) {
    struct cur c = cur_open(file);
    while (c.rest.n > 0) {
        struct x509_cert cert;
        uint8_t sha256[X509_SHA256_SIZE];
        arena_reset(scratch);
        if (x509_cert_read(scratch, cur_take(&c, cur_u32(&c)), &cert, NULL) != ERR_OK)
            return false;
        if (hashed) {
            x509_cert_sha256(&cert, sha256);
            x509_spki_sha256(&cert, sha256);
        }
        ++*n;
    }
    return !c.bad;
}

static bool measure(const struct env *env, struct bytes file, uint64_t ms, bool hashed) {
    struct arena scratch;
    size_t n = 0;
    bool good = true;
    arena_init(&scratch, SCRATCH_MAX);
    uint64_t start = env->tick_ms(env->context), now = start;
    for (; good && now - start < ms; now = env->tick_ms(env->context))
        good = read_all(file, &scratch, hashed, &n);
    arena_clear(&scratch);
    printf("%.0f\n", (double)n * 1000.0 / (double)(now - start));
    return good;
}

int main(int argc, char **argv) {
    struct env env = env_system(NULL);
    struct buf file;
    buf_init(&file, (size_t)1 << 30);
    uint64_t ms = argc == 3 ? (uint64_t)(strtod(argv[2], NULL) * 1000) : 0;
    bool good = ms > 0 && file_read(argv[1], &file, NULL) == ERR_OK && file.n > 0 &&
                measure(&env, buf_bytes(&file), ms, false) &&
                measure(&env, buf_bytes(&file), ms, true);
    buf_clear(&file);
    return !good;
}
