/* Private keys from files. What is read is written again as the same key. */
#include "crypto/crypto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct signing_key *key, *again;
    struct buf first, second;

    if (signing_key_read(bytes_of(data, size), &key, NULL) != ERR_OK)
        return 0;
    buf_init(&first, 1 << 16);
    buf_init(&second, 1 << 16);
    signing_key_write(key, &first);
    if (signing_key_read(buf_bytes(&first), &again, NULL) != ERR_OK)
        abort();
    signing_key_write(again, &second);
    if (!bytes_equal(buf_bytes(&first), buf_bytes(&second)))
        abort();
    signing_key_close(key);
    signing_key_close(again);
    buf_clear(&first);
    buf_clear(&second);
    return 0;
}
