/* web/api: any body of a push is read or rejected line by line. */
#include "web/api/api_private.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct push_lines lines;
    struct fault f;
    arena_init(&arena, 64 << 20);
    if (push_lines_read(&arena, bytes_of(data, size), &lines, &f) == ERR_OK) {
        size_t last = 0;
        for (size_t i = 0; i < lines.rejections_n; i++) {
            if (lines.rejections[i].line <= last || lines.rejections[i].code == ERR_OK)
                abort();
            last = lines.rejections[i].line;
        }
    }
    arena_clear(&arena);
    return 0;
}
