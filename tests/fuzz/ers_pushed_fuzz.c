/* ers: the file of what the server has. What is read can be found, and is written as it was. */
#include "applets/ers/pushed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct pushed p;
    arena_init(&a, 16 << 20);
    if (!pushed_parse(&a, bytes_of(data, size), &p, NULL))
        for (size_t i = 0; i < p.n; i++)
            if (pushed_find(&p, p.rows[i].said) != &p.rows[i])
                abort();
    arena_clear(&a);
    return 0;
}
