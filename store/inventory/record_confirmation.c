/* Confirmations as bytes. See record.h. */
#include "store/inventory/record.h"

#include <string.h>

enum { VARINT_MAX = 5 }; /* bytes of 32 bits, seven in each, the lowest first */

static void put_varint(struct buf *out, uint32_t v) {
    for (; v >= 0x80; v >>= 7)
        buf_u8(out, (uint8_t)(v | 0x80));
    buf_u8(out, (uint8_t)v);
}

/* In its shortest form, so that what is read is written the same. */
static uint32_t take_varint(struct cur *c) {
    uint64_t v = 0;
    for (unsigned i = 0; i < VARINT_MAX; i++) {
        uint8_t b = cur_u8(c);
        v |= (uint64_t)(b & 0x7f) << 7 * i;
        if (b < 0x80) {
            if ((b == 0 && i > 0) || v > UINT32_MAX)
                cur_refuse(c);
            return (uint32_t)v;
        }
    }
    cur_refuse(c);
    return 0;
}

void record_confirmation_write(const struct record_confirmation *r,
                               const struct record_confirmed *items, struct buf *out) {
    buf_put(out, r->agent);
    buf_vec(out, 1, r->batch);
    buf_vec(out, 1, r->scan);
    buf_u64(out, (uint64_t)r->base_s);
    buf_put(out, r->digest);
    buf_u32(out, r->n);
    for (uint32_t i = 0; i < r->n; i++)
        put_varint(out, i == 0 ? items[0].face : items[i].face - items[i - 1].face - 1);
    for (uint32_t i = 0; i < r->n; i++)
        put_varint(out, items[i].after_s);
}

static void take_items(const struct record_confirmation *r, struct cur *c,
                       struct record_confirmed *items) {
    uint64_t face = 0;
    for (uint32_t i = 0; i < r->n && !c->bad; i++) {
        face += (uint64_t)take_varint(c) + (i > 0 ? 1 : 0);
        if (face > UINT32_MAX)
            cur_refuse(c);
        if (items != NULL)
            items[i].face = (uint32_t)face;
    }
    for (uint32_t i = 0; i < r->n && !c->bad; i++) {
        uint32_t after_s = take_varint(c);
        if (items != NULL)
            items[i].after_s = after_s;
    }
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
    take_items(out, &c, NULL);
    return cur_end(&c);
}

void record_confirmation_items(const struct record_confirmation *r,
                               struct record_confirmed *items) {
    struct cur c = cur_open(r->items);
    take_items(r, &c, items);
}

bool record_observation_confirms(struct arena *a, struct bytes raw,
                                 const struct model_observation *o) {
    struct model_observation old;
    struct buf one, other;
    if (!record_observation_read(a, raw, &old))
        return false;
    old.scan = o->scan;
    old.time_s = o->time_s;
    old.duration_ms = o->duration_ms;
    old.has_connect_ms = o->has_connect_ms;
    old.connect_ms = o->connect_ms;
    old.bytes = o->bytes;
    buf_init(&one, RECORD_OBSERVATION_MAX);
    buf_init(&other, RECORD_OBSERVATION_MAX);
    record_observation_write(&old, &one);
    record_observation_write(o, &other);
    bool is_same =
        one.err == ERR_OK && other.err == ERR_OK && bytes_equal(buf_bytes(&one), buf_bytes(&other));
    buf_clear(&one);
    buf_clear(&other);
    return is_same;
}
