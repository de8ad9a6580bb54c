/* notify: the file between two digests. What is read is written the same. */
#include "notify/state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct notify_state s, again;
    struct buf out;
    buf_init(&out, 1 << 20);
    if (notify_state_read(bytes_of(data, size), &s, NULL) == ERR_OK) {
        notify_state_write(&out, &s);
        if (notify_state_read(buf_bytes(&out), &again, NULL) != ERR_OK ||
            again.has_kept != s.has_kept || again.sent_day_s != s.sent_day_s ||
            !bytes_equal(again.body, s.body))
            abort();
    }
    buf_clear(&out);
    return 0;
}
