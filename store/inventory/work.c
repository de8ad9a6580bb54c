/* What waits for an agent: targets, a rescan, its requests. See requests.h. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <string.h>

enum { BLOCK_MAX = 8 << 20 };

static struct bytes id_of(const uint8_t *id) {
    return bytes_of(id, INVENTORY_ID_SIZE);
}

static enum err not_enrolled(struct fault *f) {
    return fault_set(f, ERR_NOT_FOUND, "agent", "not enrolled");
}

/* ---- Changes ---- */

/* Begins a change of an agent that is there. */
static enum err begin(struct inventory *inv, const uint8_t *agent, struct change **c,
                      struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_agent, agent);
    inventory_unlock(inv);
    return i == ROWS_NONE ? not_enrolled(f)
                          : change_begin_of(inv, "agent's work", id_of(agent), c, f);
}

static enum err submit(struct change *c, enum record_type type, const struct record_work *r,
                       const struct inventory_audit *act, struct fault *f) {
    struct entries e;
    entries_init(&e);
    record_work_write(type, r, &e.bytes);
    entries_end(&e, type);
    entries_audit(&e, act);
    return entries_submit(&e, c, f);
}

enum err inventory_targets_set(struct inventory *inv, const uint8_t *agent, struct bytes text,
                               const struct inventory_audit *act, struct fault *f) {
    struct change *c;
    if (text.n > INVENTORY_TARGETS_MAX || !utf8_valid(text))
        return fault_set(f, ERR_LIMIT, "text", "at most %d bytes", INVENTORY_TARGETS_MAX);
    enum err code = begin(inv, agent, &c, f);
    if (code != ERR_OK)
        return code;
    struct record_work r = {.agent = id_of(agent), .targets = text};
    return submit(c, RECORD_TARGETS, &r, act, f);
}

enum err inventory_rescan_ask(struct inventory *inv, const uint8_t *agent,
                              const struct bytes *targets, size_t n,
                              const struct inventory_audit *act, uint8_t id[INVENTORY_ID_SIZE],
                              struct fault *f) {
    struct change *c;
    struct buf list;
    if (n > INVENTORY_RESCAN_MAX)
        return fault_set(f, ERR_LIMIT, "targets", "at most %d, or none for all",
                         INVENTORY_RESCAN_MAX);
    if (!inv->env.random(inv->env.context, id, INVENTORY_ID_SIZE))
        return fault_set(f, ERR_FAILED, "random bytes", "none to be had");
    enum err code = begin(inv, agent, &c, f);
    if (code != ERR_OK)
        return code;
    buf_init(&list, 1 << 20);
    for (size_t i = 0; i < n; i++)
        buf_vec(&list, 2, targets[i]);
    struct record_work r = {.agent = id_of(agent), .id = id_of(id), .targets = buf_bytes(&list)};
    if (list.err != ERR_OK) {
        change_drop(c);
        code = fault_set(f, list.err, "targets", "too long");
    } else {
        code = submit(c, RECORD_RESCAN, &r, act, f);
    }
    buf_clear(&list);
    return code;
}

enum err inventory_rescan_done(struct inventory *inv, const uint8_t *agent, const uint8_t *id,
                               struct fault *f) {
    struct change *c;
    bool waits = false, is_done = false;
    enum err code = begin(inv, agent, &c, f);
    if (code != ERR_OK)
        return code;
    if (inventory_lock(inv, f)) {
        const struct state_agent *a =
            state_agent(&inv->state, table_find(&inv->state.by_agent, agent));
        waits = a->has_rescan && memcmp(a->rescan, id, INVENTORY_ID_SIZE) == 0;
        is_done = waits && a->rescan_done;
        inventory_unlock(inv);
    }
    if (!waits || is_done) {
        change_drop(c);
        return is_done ? ERR_OK : fault_set(f, ERR_NOT_FOUND, "rescan", "none such waits");
    }
    struct record_work r = {.agent = id_of(agent), .id = id_of(id)};
    return submit(c, RECORD_RESCAN_DONE, &r, NULL, f);
}

/* ---- Look-up ---- */

/* The targets of an entry of type 14 or 15, in the arena. */
static enum err read_targets(struct inventory *inv, uint64_t number, enum record_type type,
                             struct arena *a, struct bytes *out, struct fault *f) {
    struct store_entry entry;
    struct record_work r;
    struct buf room;
    buf_init(&room, BLOCK_MAX);
    enum err code = inventory_entry(inv, number, &room, &entry, f);
    if (code == ERR_OK &&
        (entry.type != (unsigned)type || !record_work_read(type, entry.payload, &r)))
        code = fault_set(f, ERR_DAMAGED, "work", "entry %llu", (unsigned long long)number);
    if (code == ERR_OK)
        *out = arena_copy(a, r.targets);
    buf_clear(&room);
    return code;
}

static enum err read_rescan(struct inventory *inv, uint64_t number, struct arena *a,
                            struct inventory_work *out, struct fault *f) {
    struct bytes list = {NULL, 0};
    enum err code = read_targets(inv, number, RECORD_RESCAN, a, &list, f);
    struct bytes *items = arena_array(a, UINT8_MAX, sizeof *items);
    struct cur c = cur_open(list);
    while (code == ERR_OK && items != NULL && c.rest.n > 0 && out->rescan_targets_n < UINT8_MAX)
        items[out->rescan_targets_n++] = cur_vec16(&c);
    out->rescan_targets = items;
    return code;
}

/* Those that the agent has still to do something about, or does not know the end of. */
static void copy_requests(const struct state *s, const struct state_agent *agent, struct arena *a,
                          struct inventory_work *out) {
    struct inventory_request *rows = arena_array(a, INVENTORY_WORK_REQUESTS_MAX, sizeof *rows);
    out->requests = rows;
    for (uint32_t i = agent->requests; rows != NULL && i != ROWS_NONE;) {
        const struct state_request *r = state_request(s, i);
        if (out->requests_n == INVENTORY_WORK_REQUESTS_MAX)
            return;
        if (!r->has_outcome)
            inventory_copy_request(s, i, a, &rows[out->requests_n++]);
        i = r->next_of_agent;
    }
}

enum err inventory_work(struct inventory *inv, const uint8_t *agent, struct arena *a,
                        struct inventory_work *out, struct fault *f) {
    const struct state *s = &inv->state;
    uint64_t targets = 0, rescan = 0;
    memset(out, 0, sizeof *out);
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&s->by_agent, agent);
    if (i != ROWS_NONE) {
        const struct state_agent *g = state_agent(s, i);
        out->targets_revision = g->targets_revision;
        out->has_rescan = g->has_rescan;
        out->rescan_done = g->rescan_done;
        out->rescan_ms = g->rescan_ms;
        memcpy(out->rescan, g->rescan, INVENTORY_ID_SIZE);
        targets = g->targets_entry;
        rescan = g->rescan_entry;
        copy_requests(s, g, a, out);
    }
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return not_enrolled(f);
    enum err code = ERR_OK;
    if (out->targets_revision > 0)
        code = read_targets(inv, targets, RECORD_TARGETS, a, &out->targets, f);
    if (code == ERR_OK && out->has_rescan)
        code = read_rescan(inv, rescan, a, out, f);
    if (code == ERR_OK && a->err != ERR_OK)
        code = fault_set(f, a->err, "work", "no room");
    return code;
}
