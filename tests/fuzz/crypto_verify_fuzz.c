/* signature_verify: keys, identifiers and signatures of strangers, as three parts of
 * the input, each with a length of two octets before it. */
#include "crypto/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cur c = cur_open(bytes_of(data, size));
    struct bytes spki = cur_vec16(&c), algorithm = cur_vec16(&c), signature = cur_vec16(&c);
    if (c.bad)
        return 0;
    enum err e = signature_verify(spki, algorithm, c.rest, signature);
    (void)e;
    signature_raw_verify(spki, c.rest, signature);
    return 0;
}
