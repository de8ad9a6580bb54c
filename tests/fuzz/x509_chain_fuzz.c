/* Chains of strangers: certificates one behind the other; the last is trusted, by its
 * pin or as a root. What is accepted must at least be for the host. */
#include "x509/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cur c = cur_open(bytes_of(data, size));
    struct bytes chain[X509_CHAIN_MAX + 1];
    struct bytes host = bytes_text("clm.example.com");
    struct arena a;
    struct x509_cert root, leaf;
    struct fault f;
    size_t n = 0;

    while (n < X509_CHAIN_MAX + 1 && c.rest.n > 0 && !c.bad)
        chain[n++] = x509_der_next(&c);
    arena_init(&a, 1 << 22);
    if (n > 0 && x509_cert_read(&a, chain[n - 1], &root, &f) == ERR_OK) {
        uint8_t pins[1][X509_SHA256_SIZE];
        x509_cert_sha256(&root, pins[0]);
        struct x509_trust by_pin = {.pins = (const uint8_t(*)[X509_SHA256_SIZE])pins, .pins_n = 1};
        struct x509_trust by_root = {.roots = &root, .roots_n = 1};
        bool good = x509_chain_verify(&a, chain, n, &by_pin, host, 1790000000, &f) == ERR_OK;
        good |= x509_chain_verify(&a, chain, n, &by_root, host, 1790000000, &f) == ERR_OK;
        if (good && (x509_cert_read(&a, chain[0], &leaf, &f) != ERR_OK ||
                     !x509_cert_matches_host(&leaf, host)))
            abort();
    }
    arena_clear(&a);
    return 0;
}
