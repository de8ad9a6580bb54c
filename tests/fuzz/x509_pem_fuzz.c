/* PEM texts of strangers: the walk ends, and nothing of a private key is decoded except where
 * it is asked for. */
#include "x509/x509.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cur c = cur_open(bytes_of(data, size));
    struct pem_object object;
    struct buf der;

    buf_init(&der, 1 << 20);
    for (size_t left = size + 1; pem_next(&c, &der, &object); left = c.rest.n) {
        if (c.rest.n >= left)
            abort();
        if (object.kind == PEM_PRIVATE_KEY && (der.n > 0 || object.der.n > 0))
            abort();
        if (object.kind == PEM_CERTIFICATE && object.der.n == 0)
            abort();
    }
    if (pem_find(bytes_of(data, size), "REQUEST", &der) != (der.n > 0))
        abort();
    buf_clear(&der);
    if (pem_private_key(bytes_of(data, size), &der, NULL) == ERR_OK && der.n > size)
        abort();
    buf_clear(&der);
    return 0;
}
