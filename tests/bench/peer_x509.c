/* What x509_read does, by libcrypto: d2i_X509, and X509_digest and X509_pubkey_digest
 * for the hashes. Same words, same output. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool read_all(const uint8_t *file, size_t size, bool hashed, size_t *n) {
    for (size_t at = 0; at + 4 <= size;) {
        long length = (long)((uint32_t)file[at] << 24 | (uint32_t)file[at + 1] << 16 |
                             (uint32_t)file[at + 2] << 8 | file[at + 3]);
        const unsigned char *p = file + at + 4;
        X509 *x = d2i_X509(NULL, &p, length);
        if (x == NULL)
            return false;
        if (hashed) {
            unsigned char hash[EVP_MAX_MD_SIZE];
            unsigned hash_n;
            X509_digest(x, EVP_sha256(), hash, &hash_n);
            X509_pubkey_digest(x, EVP_sha256(), hash, &hash_n);
        }
        X509_free(x);
        at += 4 + (size_t)length;
        ++*n;
    }
    return true;
}

static bool measure(const uint8_t *file, size_t size, double seconds, bool hashed) {
    size_t n = 0;
    bool good = true;
    double start = now(), end = start;
    for (; good && end - start < seconds; end = now())
        good = read_all(file, size, hashed, &n);
    printf("%.0f\n", (double)n / (end - start));
    return good;
}

int main(int argc, char **argv) {
    FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
    size_t max = (size_t)1 << 30;
    uint8_t *file = malloc(max);
    if (in == NULL || file == NULL)
        return 2;
    size_t size = fread(file, 1, max, in);
    double seconds = strtod(argv[2], NULL);
    fclose(in);
    bool good =
        size > 0 && measure(file, size, seconds, false) && measure(file, size, seconds, true);
    free(file);
    return !good;
}
