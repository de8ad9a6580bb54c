/* Entries as bytes. See entry.h. */
#include "store/log/entry.h"

#include "crypto/crypto.h"

void store_entry_write(const struct store_entry *e, struct buf *out) {
    if (e->payload.n > STORE_ENTRY_MAX) {
        if (out->err == ERR_OK)
            out->err = ERR_LIMIT;
        return;
    }
    buf_u16(out, e->type);
    buf_u16(out, e->version);
    buf_u64(out, (uint64_t)e->time_ms);
    buf_u32(out, (uint32_t)e->payload.n);
    buf_put(out, e->payload);
}

/* Two's complement without a conversion that the language leaves open. */
static int64_t signed_of(uint64_t v) {
    return v <= INT64_MAX ? (int64_t)v : -(int64_t)(UINT64_MAX - v) - 1;
}

bool store_entry_take(struct cur *c, struct store_entry *e) {
    uint16_t type = cur_u16(c), version = cur_u16(c);
    uint64_t time_ms = cur_u64(c);
    uint32_t n = cur_u32(c);
    if (n > STORE_ENTRY_MAX)
        cur_refuse(c);
    struct bytes payload = cur_take(c, n);
    if (c->bad)
        return false;
    e->type = type;
    e->version = version;
    e->time_ms = signed_of(time_ms);
    e->payload = payload;
    return true;
}

void store_leaf_hash(struct bytes canonical, uint8_t out[STORE_HASH_SIZE]) {
    struct hash_run run;
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, bytes_of("\0", 1));
    hash_add(&run, canonical);
    hash_peek(&run, out);
}
