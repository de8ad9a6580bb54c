/* What is said of dropped payloads, and what stays of them, as bytes. See record.h. */
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

void record_scan_rest_write(const struct record_scan *r, struct buf *out) {
    buf_put(out, r->agent);
    buf_vec(out, 1, r->batch);
    buf_u8(out, r->complete ? RECORD_SCAN_COMPLETE : 0);
}

bool record_scan_rest_read(struct bytes rest, struct record_scan *out) {
    struct cur c = cur_open(rest);
    *out = (struct record_scan){.agent = cur_take(&c, INVENTORY_ID_SIZE), .batch = cur_vec8(&c)};
    uint8_t flags = cur_u8(&c);
    if (flags > RECORD_SCAN_COMPLETE)
        cur_refuse(&c);
    out->complete = flags == RECORD_SCAN_COMPLETE;
    return cur_end(&c);
}
