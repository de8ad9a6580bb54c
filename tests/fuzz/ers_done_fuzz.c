/* applets/ers/done: what an interrupted scan left, whatever became of the file. All keys that are
 * read are found again. */
#include "applets/ers/done.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a;
    struct done d;
    arena_init(&a, 1 << 24);
    if (done_parse(&a, bytes_of(data, size), &d))
        for (size_t i = 0; i < d.n; i++)
            if (!done_has(&d, d.keys[i]))
                abort();
    arena_clear(&a);
    return 0;
}
