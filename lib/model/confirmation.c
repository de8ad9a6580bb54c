/* Confirmations: their numbers, their line. See confirmation.h. */
#include "model/confirmation.h"

#include "base/text.h"
#include "crypto/crypto.h"
#include "model/json_member.h"

#include <string.h>

void model_confirmed_write(struct buf *out, const struct model_confirmed *items, size_t n) {
    for (size_t i = 0; i < n; i++)
        buf_varint(out, i == 0 ? items[0].face : items[i].face - items[i - 1].face - 1);
    for (size_t i = 0; i < n; i++)
        buf_varint(out, items[i].after_s);
}

void model_confirmed_read(struct cur *c, size_t n, struct model_confirmed *out) {
    uint64_t face = 0;
    for (size_t i = 0; i < n && !c->bad; i++) {
        face += (uint64_t)cur_varint(c) + (i > 0 ? 1 : 0);
        if (face > UINT32_MAX)
            cur_refuse(c);
        if (out != NULL)
            out[i].face = (uint32_t)face;
    }
    for (size_t i = 0; i < n && !c->bad; i++) {
        uint32_t after_s = cur_varint(c);
        if (out != NULL)
            out[i].after_s = after_s;
    }
}

void model_confirmation_json(struct json *j, const char *key, const struct model_confirmation *c) {
    struct buf faces, text;
    buf_init(&faces, (size_t)MODEL_CONFIRMED_MAX * MODEL_CONFIRMED_BYTES);
    buf_init(&text, 2 * faces.max);
    model_confirmed_write(&faces, c->items, c->n);
    base64_put(&text, buf_bytes(&faces));
    if (faces.err != ERR_OK || text.err != ERR_OK)
        j->out->err = faces.err != ERR_OK ? faces.err : text.err;
    json_object(j, key);
    json_text(j, "type", "confirmation");
    json_bytes(j, "scan", c->scan);
    json_time(j, "time", c->time_s);
    json_int(j, "count", (int64_t)c->n);
    json_bytes(j, "faces", buf_bytes(&text));
    json_hex(j, "said", bytes_of(c->said, sizeof c->said));
    json_end(j, '}');
    buf_clear(&text);
    buf_clear(&faces);
}

static void read_items(struct member *m, struct bytes text, struct model_confirmation *c) {
    struct buf raw;
    struct model_confirmed *items =
        m->err == ERR_OK ? arena_array(m->arena, c->n, sizeof *items) : NULL;
    if (items == NULL) {
        member_fail(m, ERR_MEMORY, "faces");
        return;
    }
    buf_init(&raw, (size_t)MODEL_CONFIRMED_MAX * MODEL_CONFIRMED_BYTES);
    bool is_read = base64_read(text, &raw);
    struct cur in = cur_open(buf_bytes(&raw));
    model_confirmed_read(&in, c->n, items);
    if (raw.err == ERR_MEMORY)
        member_fail(m, raw.err, "faces");
    member_demand(m, "faces", is_read && cur_end(&in));
    c->items = items;
    buf_clear(&raw);
}

enum err model_confirmation_read(struct arena *a, struct json_value v,
                                 struct model_confirmation *out, struct fault *f) {
    struct member m = member_open(a, v, "confirmation", f);
    struct model_confirmation c = {.n = 0};
    c.scan = member_text(&m, "scan", MODEL_SCAN_ID_MAX);
    c.time_s = member_time(&m, "time");
    c.n = (size_t)member_number(&m, "count", MODEL_CONFIRMED_MAX);
    struct bytes faces = member_text(&m, "faces", 2 * MODEL_CONFIRMED_MAX * MODEL_CONFIRMED_BYTES);
    struct bytes said = member_text(&m, "said", 2 * sizeof c.said);
    member_demand(&m, "count", c.n > 0);
    member_demand(&m, "said", hex_read(said, c.said, sizeof c.said));
    read_items(&m, faces, &c);
    if (m.err == ERR_OK)
        *out = c;
    return m.err;
}

void model_observation_said(const struct model_observation *o, struct buf *room,
                            uint8_t out[MODEL_SAID_SIZE]) {
    struct model_observation said = *o;
    uint8_t hash[SHA256_SIZE];
    said.scan = (struct bytes){NULL, 0};
    said.time_s = 0;
    said.duration_ms = said.connect_ms = said.bytes = 0;
    said.has_connect_ms = false;
    buf_reset(room);
    struct json j = json_to(room);
    model_observation_json(&j, NULL, &said);
    hash_of(HASH_SHA256, buf_bytes(room), hash);
    memcpy(out, hash, MODEL_SAID_SIZE);
}
