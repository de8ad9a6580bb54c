/* Entries as bytes. See entry.h. */
#include "store/log/entry.h"

#include "crypto/crypto.h"

#include <string.h>

static const uint32_t dropped_mark = 0xffffffff;

void store_entry_write(const struct store_entry *e, struct buf *out) {
    bool fits = e->is_dropped ? e->payload.n == STORE_HASH_SIZE && e->rest.n <= STORE_ENTRY_MAX
                              : e->payload.n <= STORE_ENTRY_MAX;
    if (!fits) {
        if (out->err == ERR_OK)
            out->err = ERR_LIMIT;
        return;
    }
    buf_u16(out, e->type);
    buf_u16(out, e->version);
    buf_u64(out, (uint64_t)e->time_ms);
    buf_u32(out, e->is_dropped ? dropped_mark : (uint32_t)e->payload.n);
    buf_put(out, e->payload);
    if (e->is_dropped)
        buf_vec(out, 4, e->rest);
}

/* Two's complement without a conversion that the language leaves open. */
static int64_t signed_of(uint64_t v) {
    return v <= INT64_MAX ? (int64_t)v : -(int64_t)(UINT64_MAX - v) - 1;
}

static bool take(struct cur *c, bool may_be_dropped, struct store_entry *e) {
    uint16_t type = cur_u16(c), version = cur_u16(c);
    uint64_t time_ms = cur_u64(c);
    uint32_t n = cur_u32(c);
    bool is_dropped = may_be_dropped && n == dropped_mark;
    if (is_dropped)
        n = STORE_HASH_SIZE;
    if (n > STORE_ENTRY_MAX)
        cur_refuse(c);
    struct bytes payload = cur_take(c, n), rest = {NULL, 0};
    if (is_dropped)
        rest = cur_take(c, cur_u32(c));
    if (rest.n > STORE_ENTRY_MAX)
        cur_refuse(c);
    if (c->bad)
        return false;
    e->type = type;
    e->version = version;
    e->time_ms = signed_of(time_ms);
    e->payload = payload;
    e->is_dropped = is_dropped;
    e->rest = rest;
    return true;
}

bool store_entry_take(struct cur *c, struct store_entry *e) {
    return take(c, false, e);
}

bool store_entry_take_kept(struct cur *c, struct store_entry *e) {
    return take(c, true, e);
}

void store_leaf_hash(struct bytes canonical, uint8_t out[STORE_HASH_SIZE]) {
    struct hash_run run;
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, bytes_of("\0", 1));
    hash_add(&run, canonical);
    hash_peek(&run, out);
}

void store_entry_leaf(const struct store_entry *e, struct bytes stored,
                      uint8_t out[STORE_HASH_SIZE]) {
    if (e->is_dropped)
        memcpy(out, e->payload.p, STORE_HASH_SIZE);
    else
        store_leaf_hash(stored, out);
}
