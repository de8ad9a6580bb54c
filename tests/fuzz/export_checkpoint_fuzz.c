/* A signed note, and the line of a key: what reads must not fall, and what it takes must be
 * what it would write. */
#include "export/checkpoint.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char peter[] = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    struct checkpoint_key key, again;
    struct checkpoint head;
    struct fault f;
    struct buf line;
    if (checkpoint_key_read(bytes_text(peter), &key, &f) != ERR_OK)
        abort();
    (void)!checkpoint_read(bytes_of(data, n), &key, &head, &f);
    if (checkpoint_key_read(bytes_of(data, n), &key, &f) != ERR_OK)
        return 0;
    buf_init(&line, 1000);
    checkpoint_key_write(&key, &line);
    if (checkpoint_key_read(buf_bytes(&line), &again, &f) != ERR_OK)
        abort();
    buf_clear(&line);
    return 0;
}
