/* ers: the file of the last scan. What is read is in order and can be found again. */
#include "applets/ers/last.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct last l;
    arena_init(&a, 16 << 20);
    if (!last_parse(&a, bytes_of(data, size), &l, NULL))
        for (size_t i = 0; i < l.n; i++) {
            size_t n;
            const struct last_row *found = last_find(&l, l.rows[i].key, &n);
            if (!found || found > &l.rows[i] || found + n <= &l.rows[i])
                abort();
        }
    arena_clear(&a);
    return 0;
}
