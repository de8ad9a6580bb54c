/* Several entries of one change, written in one commit. See private.h. */
#include "store/inventory/private.h"

enum { BYTES_MAX = 24 << 20 };

void entries_init(struct entries *e) {
    buf_init(&e->bytes, BYTES_MAX);
    e->n = 0;
}

void entries_end(struct entries *e, enum record_type type) {
    if (e->n == ENTRIES_MAX) {
        e->bytes.err = ERR_LIMIT;
        return;
    }
    e->types[e->n] = (uint16_t)type;
    e->ends[e->n++] = e->bytes.n;
}

static bool is_text(struct bytes text, size_t most) {
    return text.n <= most;
}

void entries_audit(struct entries *e, const struct inventory_audit *act) {
    if (act == NULL)
        return;
    struct record_audit r = {act->actor, act->verb, act->object, act->detail};
    if (!is_text(r.actor, INVENTORY_TEXT_MAX) || !is_text(r.verb, INVENTORY_TEXT_MAX) ||
        !is_text(r.object, INVENTORY_TEXT_MAX) || !is_text(r.detail, INVENTORY_DETAIL_MAX)) {
        e->bytes.err = ERR_LIMIT;
        return;
    }
    record_audit_write(&r, &e->bytes);
    entries_end(e, RECORD_AUDIT);
}

enum err entries_submit(struct entries *e, struct change *c, struct fault *f) {
    struct store_entry entries[ENTRIES_MAX];
    int64_t now_ms = inventory_now_ms(c->inv);
    size_t from = 0;
    enum err code = e->bytes.err;
    for (size_t i = 0; i < e->n; i++) {
        entries[i] = (struct store_entry){
            .type = e->types[i],
            .version = RECORD_VERSION,
            .time_ms = now_ms,
            .payload = bytes_part(buf_bytes(&e->bytes), from, e->ends[i] - from),
        };
        from = e->ends[i];
    }
    if (code == ERR_OK) {
        code = change_submit(c, entries, e->n, f);
    } else {
        fault_set(f, code, "entry", "it does not fit");
        change_drop(c);
    }
    buf_clear(&e->bytes);
    return code;
}

enum err change_begin_of(struct inventory *inv, const char *kind, struct bytes id,
                         struct change **out, struct fault *f) {
    uint8_t key[INVENTORY_ID_SIZE];
    *out = change_begin(inv, NULL, NULL, f);
    if (*out == NULL)
        return f->code;
    state_key(kind, id, (struct bytes){NULL, 0}, key);
    if (change_key(*out, key))
        return ERR_OK;
    change_drop(*out);
    *out = NULL;
    return fault_set(f, ERR_BUSY, kind, "is just being changed");
}
