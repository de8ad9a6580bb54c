/* What is said of dropped payloads, as bytes. See record.h. */
#include "store/inventory/record.h"

void record_compaction_write(const struct record_compaction *r, struct buf *out) {
    buf_u64(out, r->until);
    buf_u64(out, (uint64_t)r->before_ms);
}

bool record_compaction_read(struct bytes payload, struct record_compaction *out) {
    struct cur c = cur_open(payload);
    out->until = cur_u64(&c);
    uint64_t before_ms = cur_u64(&c);
    if (before_ms > INT64_MAX) /* before 1970 */
        cur_refuse(&c);
    out->before_ms = (int64_t)before_ms;
    return cur_end(&c);
}
