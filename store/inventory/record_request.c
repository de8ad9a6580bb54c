/* Payloads of requests, services and agents' work as bytes. See record.h. */
#include "store/inventory/record.h"

#include <string.h>

enum { FLAG_INSTALLED = 1, FLAG_EXIT = 2, APPROVED = 1, REFUSED = 2 };

/* How many vectors of `width` the bytes hold; SIZE_MAX: they are no such. */
static size_t count_vecs(struct bytes list, unsigned width) {
    struct cur c = cur_open(list);
    size_t n = 0;
    for (; c.rest.n > 0 && !c.bad; n++) {
        if (width == 1)
            cur_vec8(&c);
        else
            cur_vec16(&c);
    }
    return c.bad ? SIZE_MAX : n;
}

static void put_list(struct buf *out, struct bytes list, unsigned width) {
    size_t n = count_vecs(list, width);
    if (n > UINT8_MAX && out->err == ERR_OK)
        out->err = ERR_LIMIT;
    buf_u8(out, (uint8_t)n);
    buf_put(out, list);
}

/* n vectors of `width`, told by a byte before them. */
static struct bytes take_list(struct cur *c, unsigned width) {
    size_t n = cur_u8(c);
    struct bytes start = c->rest;
    for (size_t i = 0; i < n && !c->bad; i++) {
        if (width == 1)
            cur_vec8(c);
        else
            cur_vec16(c);
    }
    return c->bad ? (struct bytes){NULL, 0} : bytes_part(start, 0, start.n - c->rest.n);
}

void record_request_write(const struct record_request *r, struct buf *out) {
    buf_put(out, r->id);
    buf_put(out, r->agent);
    buf_vec(out, 1, r->profile);
    buf_vec(out, 1, r->replaces);
    buf_vec(out, 3, r->csr);
}

bool record_request_read(struct bytes payload, struct record_request *out) {
    struct cur c = cur_open(payload);
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    out->agent = cur_take(&c, INVENTORY_ID_SIZE);
    out->profile = cur_vec8(&c);
    out->replaces = cur_vec8(&c);
    out->csr = cur_vec24(&c);
    return cur_end(&c) && (out->replaces.n == 0 || out->replaces.n == SHA256_SIZE);
}

void record_decision_write(const struct record_decision *r, struct buf *out) {
    buf_put(out, r->id);
    buf_u8(out, r->approved ? APPROVED : REFUSED);
    buf_vec(out, 1, r->who);
    buf_vec(out, 2, r->reason);
}

bool record_decision_read(struct bytes payload, struct record_decision *out) {
    struct cur c = cur_open(payload);
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    uint8_t verdict = cur_u8(&c);
    out->approved = verdict == APPROVED;
    out->who = cur_vec8(&c);
    out->reason = cur_vec16(&c);
    return cur_end(&c) && (verdict == APPROVED || verdict == REFUSED);
}

void record_issued_write(const struct record_issued *r, struct buf *out) {
    buf_put(out, r->id);
    buf_put(out, r->sha256);
    buf_u8(out, (uint8_t)(r->chain.n / SHA256_SIZE));
    buf_put(out, r->chain);
    if (r->chain.n / SHA256_SIZE > UINT8_MAX && out->err == ERR_OK)
        out->err = ERR_LIMIT;
}

bool record_issued_read(struct bytes payload, struct record_issued *out) {
    struct cur c = cur_open(payload);
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    out->sha256 = cur_take(&c, SHA256_SIZE);
    size_t n = cur_u8(&c);
    out->chain = cur_take(&c, n * SHA256_SIZE);
    return cur_end(&c);
}

void record_revoked_write(const struct record_revoked *r, struct buf *out) {
    buf_put(out, r->sha256);
    buf_vec(out, 1, r->who);
    buf_vec(out, 1, r->reason);
}

bool record_revoked_read(struct bytes payload, struct record_revoked *out) {
    struct cur c = cur_open(payload);
    out->sha256 = cur_take(&c, SHA256_SIZE);
    out->who = cur_vec8(&c);
    out->reason = cur_vec8(&c);
    return cur_end(&c);
}

void record_outcome_write(const struct record_outcome *r, struct buf *out) {
    buf_put(out, r->id);
    buf_u8(out, (uint8_t)((r->installed ? FLAG_INSTALLED : 0) | (r->has_exit ? FLAG_EXIT : 0)));
    if (r->has_exit)
        buf_u32(out, (uint32_t)r->reload_exit);
    buf_vec(out, 2, r->detail);
}

/* Two's complement without a conversion that the language leaves open. */
static int32_t signed_of(uint32_t v) {
    return v <= INT32_MAX ? (int32_t)v : -(int32_t)(UINT32_MAX - v) - 1;
}

bool record_outcome_read(struct bytes payload, struct record_outcome *out) {
    struct cur c = cur_open(payload);
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    uint8_t flags = cur_u8(&c);
    out->installed = (flags & FLAG_INSTALLED) != 0;
    out->has_exit = (flags & FLAG_EXIT) != 0;
    out->reload_exit = out->has_exit ? signed_of(cur_u32(&c)) : 0;
    out->detail = cur_vec16(&c);
    return cur_end(&c) && flags <= (FLAG_INSTALLED | FLAG_EXIT);
}

void record_service_write(const struct record_service *r, struct buf *out) {
    buf_put(out, r->id);
    buf_vec(out, 2, r->owner);
    put_list(out, r->tags, 1);
    buf_vec(out, 2, r->notes);
}

bool record_service_read(struct bytes payload, struct record_service *out) {
    struct cur c = cur_open(payload);
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    out->owner = cur_vec16(&c);
    out->tags = take_list(&c, 1);
    out->notes = cur_vec16(&c);
    return cur_end(&c);
}

void record_work_write(enum record_type type, const struct record_work *r, struct buf *out) {
    buf_put(out, r->agent);
    if (type == RECORD_TARGETS) {
        buf_vec(out, 3, r->targets);
        return;
    }
    buf_put(out, r->id);
    if (type == RECORD_RESCAN)
        put_list(out, r->targets, 2);
}

bool record_work_read(enum record_type type, struct bytes payload, struct record_work *out) {
    struct cur c = cur_open(payload);
    memset(out, 0, sizeof *out);
    out->agent = cur_take(&c, INVENTORY_ID_SIZE);
    if (type == RECORD_TARGETS) {
        out->targets = cur_vec24(&c);
        return cur_end(&c);
    }
    out->id = cur_take(&c, INVENTORY_ID_SIZE);
    if (type == RECORD_RESCAN)
        out->targets = take_list(&c, 2);
    return cur_end(&c);
}

void record_crl_write(uint64_t number, struct buf *out) {
    buf_u64(out, number);
}

bool record_crl_read(struct bytes payload, uint64_t *number) {
    struct cur c = cur_open(payload);
    *number = cur_u64(&c);
    return cur_end(&c);
}
