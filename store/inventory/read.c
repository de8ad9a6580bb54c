/* Opening for reading only, without a lock. See inventory.h.
 *
 * The index beside the log is used where it is sound, belongs to the log, and all of the log
 * before its mark is sound: then only what came after it is applied. Else, and as of a
 * moment in the past, the log is replayed from its begin. What the state is made of is the same
 * in both cases. */
#include "store/inventory/private.h"

#include <string.h>

void inventory_note_past(struct inventory *inv, const struct store_entry *e) {
    struct record_compaction r;
    inv->past.dropped += e->is_dropped && e->time_ms <= inv->until_ms;
    if (e->is_dropped || e->type != RECORD_COMPACTION || e->version != RECORD_VERSION ||
        !record_compaction_read(e->payload, &r))
        return;
    if (r.until > inv->dropped_until)
        inv->dropped_until = r.until;
    if (r.before_ms > inv->past.before_ms)
        inv->past.before_ms = r.before_ms;
}

/* As of an earlier moment: what was dropped is said behind it. From the entry on that is named
 * there nothing is missing. */
static enum err find_past(struct inventory *inv, struct fault *f) {
    struct store_entry e;
    enum err code = ERR_OK;
    while (inv->until_ms != INT64_MAX && inv->past.dropped > 0 && code == ERR_OK) {
        code = store_reader_next(inv->reader, &e, f);
        if (code == ERR_OK)
            inventory_note_past(inv, &e);
    }
    inv->past.is_exact = inv->until_ms == INT64_MAX || inv->past.dropped == 0 ||
                         (inv->dropped_until != 0 && inv->next >= inv->dropped_until);
    return code == ERR_OK || code == ERR_NOT_FOUND ? ERR_OK : code;
}

struct inventory_past inventory_past(const struct inventory *inv) {
    return inv->past;
}

/* The next one that is not too late; ERR_NOT_FOUND behind the last. */
static enum err read_entry(struct inventory *inv, struct store_entry *e, struct fault *f) {
    enum err code = store_reader_next(inv->reader, e, f);
    if (code == ERR_OK)
        inventory_note_past(inv, e);
    if (code == ERR_OK && e->time_ms > inv->until_ms)
        return ERR_NOT_FOUND;
    return code;
}

static enum err apply(struct inventory *inv, const struct store_entry *e, struct buf *canonical) {
    uint8_t leaf[STORE_HASH_SIZE];
    inv->has_gap |= e->number != inv->tree.size;
    buf_reset(canonical);
    store_entry_write(e, canonical);
    enum err code = canonical->err;
    if (code == ERR_OK && !inv->has_gap) {
        store_entry_leaf(e, buf_bytes(canonical), leaf);
        store_tree_add(&inv->tree, leaf);
    }
    inv->last_ms = e->time_ms;
    inv->next = e->number + 1;
    return code == ERR_OK ? replay_entry(inv->replay, e) : code;
}

static enum err read_to_end(struct inventory *inv, struct fault *f) {
    struct store_entry e;
    struct buf canonical;
    enum err code = ERR_OK;
    buf_init(&canonical, STORE_KEEPER_SIZE + STORE_ENTRY_MAX);
    while (code == ERR_OK) {
        code = read_entry(inv, &e, f);
        if (code == ERR_OK && apply(inv, &e, &canonical) != ERR_OK)
            code = fault_set(f, ERR_MEMORY, "inventory", "an entry");
    }
    buf_clear(&canonical);
    return code == ERR_NOT_FOUND ? find_past(inv, f) : code;
}

/* ERR_OK: to the end. */
static enum err read_on(struct inventory *inv, struct fault *f) {
    inv->replay = replay_begin(inv);
    if (inv->replay == NULL)
        return fault_set(f, ERR_MEMORY, "inventory", "reading");
    enum err code = read_to_end(inv, f);
    if (replay_end(inv->replay) != ERR_OK && code == ERR_OK)
        code = fault_set(f, ERR_MEMORY, "inventory", "an entry");
    inv->replay = NULL;
    return code;
}

/* When the last entry before the mark was made. */
static enum err read_last(struct inventory *inv, const struct store_mark *mark, struct fault *f) {
    struct store_entry e;
    struct buf room;
    if (mark->tree.size == 0)
        return ERR_OK;
    buf_init(&room, STORE_BATCH_BYTES_MAX);
    enum err code = store_reader_get(inv->reader, mark->tree.size - 1, &room, &e, f);
    if (code == ERR_OK)
        inv->last_ms = e.time_ms;
    buf_clear(&room);
    return code;
}

static bool begin_with_index(struct inventory *inv, const char *path) {
    struct store_mark mark;
    struct fault why;
    if (inv->until_ms != INT64_MAX || !care_read(inv, path, &mark))
        return false;
    enum err code = store_reader_open_at(path, &mark, &inv->reader, &why);
    if (code == ERR_OK)
        code = read_last(inv, &mark, &why);
    if (code != ERR_OK) {
        store_reader_close(inv->reader);
        inv->reader = NULL;
        care_refuse(inv, &why);
        return false;
    }
    inv->tree = mark.tree;
    log_line(&inv->env, LOG_DEBUG, "index_used", "entries=%llu",
             (unsigned long long)mark.tree.size);
    return true;
}

enum err inventory_read(const char *path, const struct env *env, int64_t until_ms,
                        inventory_harm *harms, void *context, struct inventory **out,
                        struct fault *f) {
    *out = NULL;
    struct inventory *inv = inventory_new(env, f);
    if (inv == NULL)
        return ERR_MEMORY;
    inv->until_ms = until_ms;
    enum err code = ERR_OK;
    if (!begin_with_index(inv, path))
        code = store_reader_open(path, &inv->reader, f);
    if (code == ERR_OK)
        code = read_on(inv, f);
    if (code != ERR_OK) {
        inventory_close(inv);
        return code;
    }
    const struct store_harm *harm;
    for (size_t i = 0; (harm = store_reader_harm(inv->reader, i)) != NULL; i++)
        harms(context, harm);
    *out = inv;
    return ERR_OK;
}

int64_t inventory_last_ms(const struct inventory *inv) {
    return inv->last_ms;
}

bool inventory_read_tree(const struct inventory *inv, struct store_tree *out) {
    *out = inv->tree;
    out->size = inv->state.entries;
    return !inv->has_gap;
}
