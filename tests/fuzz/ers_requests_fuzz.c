/* ers: the file of requests. What is read is written and read again the same. */
#include "applets/ers/requests.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct requests r, again;
    struct buf first, second;
    arena_init(&a, 16 << 20);
    buf_init(&first, 16 << 20);
    buf_init(&second, 16 << 20);
    if (!requests_parse(&a, bytes_of(data, size), "fuzz", &r, NULL)) {
        requests_put(&r, &first);
        if (requests_parse(&a, buf_bytes(&first), "again", &again, NULL) == ERR_OK)
            requests_put(&again, &second);
        else if (!a.err)
            abort();
        if (!a.err && !first.err && !bytes_equal(buf_bytes(&first), buf_bytes(&second)))
            abort();
    }
    buf_clear(&first);
    buf_clear(&second);
    arena_clear(&a);
    return 0;
}
