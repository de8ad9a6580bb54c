/* ers: the file of the last scan. What is read is in order and can be found again. */
#include "applets/ers/last.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct last l;
    arena_init(&a, 16 << 20);
    if (!last_parse(&a, bytes_of(data, size), &l, NULL))
        for (size_t i = 0; i < l.n; i++)
            if (last_find(&l, l.rows[i].key) != &l.rows[i])
                abort();
    arena_clear(&a);
    return 0;
}
