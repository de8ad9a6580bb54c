/* net/signature: headers of strangers. What is read must be covered by its own text. */
#include "net/signature.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct signature_params p;
    uint8_t signature[SIGNATURE_RAW_SIZE], digest[SHA256_SIZE] = {0};
    struct signature_message m =
        signature_message_of(bytes_text("POST"), in, bytes_text("sha-256=:AA==:"), in);
    struct buf base;

    buf_init(&base, 1 << 16);
    if (!signature_input_read(in, &p, NULL)) {
        if (p.covered_n > SIGNATURE_FIELDS_MAX || p.text.n + 4 != size)
            abort();
        if (!signature_base(&m, &p, &base, NULL) && base.n < p.text.n)
            abort();
    }
    (void)signature_value_read(in, signature);
    (void)content_digest_is(in, digest);
    buf_clear(&base);
    return 0;
}
