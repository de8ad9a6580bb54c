/* Confirmations as bytes. See record.h. */
#include "store/inventory/record.h"

void record_confirmation_write(const struct record_confirmation *r,
                               const struct model_confirmed *items, struct buf *out) {
    buf_put(out, r->agent);
    buf_vec(out, 1, r->batch);
    buf_vec(out, 1, r->scan);
    buf_u64(out, (uint64_t)r->base_s);
    buf_put(out, r->digest);
    buf_u32(out, r->n);
    model_confirmed_write(out, items, r->n);
}

bool record_confirmation_read(struct bytes payload, struct record_confirmation *out) {
    struct cur c = cur_open(payload);
    out->agent = cur_take(&c, INVENTORY_ID_SIZE);
    out->batch = cur_vec8(&c);
    out->scan = cur_vec8(&c);
    uint64_t base_s = cur_u64(&c);
    out->base_s = (int64_t)base_s;
    out->digest = cur_take(&c, INVENTORY_ID_SIZE);
    out->n = cur_u32(&c);
    out->items = c.rest;
    if (base_s > INT32_MAX * (uint64_t)UINT32_MAX || out->n > INVENTORY_PUSH_MAX)
        cur_refuse(&c);
    model_confirmed_read(&c, out->n, NULL);
    return cur_end(&c);
}

void record_confirmation_items(const struct record_confirmation *r, struct model_confirmed *items) {
    struct cur c = cur_open(r->items);
    model_confirmed_read(&c, r->n, items);
}

bool record_observation_confirms(struct arena *a, struct buf *room, struct bytes raw,
                                 const struct model_observation *o) {
    struct model_observation old, again = *o;
    if (!record_observation_read(a, raw, &old))
        return false;
    again.scan = old.scan;
    again.time_s = old.time_s;
    again.duration_ms = old.duration_ms;
    again.has_connect_ms = old.has_connect_ms;
    again.connect_ms = old.connect_ms;
    again.bytes = old.bytes;
    buf_reset(room);
    record_observation_write(&again, room);
    return room->err == ERR_OK && bytes_equal(buf_bytes(room), raw);
}
