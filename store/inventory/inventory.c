/* Opening, closing, changes on their way to the disk. See inventory.h, private.h. */
#include "store/inventory/private.h"

#include <stdlib.h>
#include <string.h>

enum { BREATH_ROWS = 2048 }; /* of some hundred nanoseconds each */

/* ---- Locks ---- */

static bool refuse_broken(struct fault *f) {
    fault_set(f, ERR_MEMORY, "inventory", "no memory for an entry: start again");
    return false;
}

bool inventory_lock(struct inventory *inv, struct fault *f) {
    rwlock_read(inv->lock);
    if (!inv->broken)
        return true;
    rwlock_read_end(inv->lock);
    return refuse_broken(f);
}

void inventory_unlock(struct inventory *inv) {
    rwlock_read_end(inv->lock);
}

bool inventory_breathe(struct inventory *inv, uint32_t *rows) {
    if (++*rows < inv->breath)
        return false;
    *rows = 0;
    rwlock_read_end(inv->lock);
    rwlock_read(inv->lock);
    return true;
}

/* What comes in between the two locks is not in the order yet: the next page has it. */
bool inventory_lock_order(struct inventory *inv, struct order *o, struct fault *f) {
    if (!inventory_lock(inv, f))
        return false;
    if (order_is_new(o))
        return true;
    rwlock_read_end(inv->lock);
    rwlock_write(inv->lock);
    enum err code = order_update(o);
    rwlock_write_end(inv->lock);
    if (code != ERR_OK) {
        fault_set(f, code, "inventory", "sorting");
        return false;
    }
    return inventory_lock(inv, f);
}

/* What an order lacks is looked at row by row: a few may wait. */
static bool lags(const struct order *o) {
    enum { LAG_MAX = 1024 };
    return o->rows->n - o->n > LAG_MAX;
}

bool inventory_lock_plan(struct inventory *inv, struct order *o, struct fault *f) {
    struct state *s = &inv->state;
    struct order *orders[] = {&s->certs_by_issuer, &s->certs_by_spki, &s->certs_by_serial,
                              &s->certs_by_end};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        if (!inventory_lock(inv, f))
            return false;
        bool is_behind = lags(orders[i]);
        inventory_unlock(inv);
        if (!is_behind)
            continue;
        if (!inventory_lock_order(inv, orders[i], f))
            return false;
        inventory_unlock(inv);
    }
    return o != NULL ? inventory_lock_order(inv, o, f) : inventory_lock(inv, f);
}

int64_t inventory_now_ms(const struct inventory *inv) {
    return inv->env.now_ms(inv->env.context);
}

/* ---- Opening ---- */

static enum err apply(void *context, const struct store_entry *e) {
    struct inventory *inv = context;
    if (inv->replay != NULL)
        return replay_entry(inv->replay, e);
    rwlock_write(inv->lock);
    enum err code = inv->broken ? ERR_MEMORY : state_apply(&inv->state, e);
    inv->broken = code != ERR_OK;
    rwlock_write_end(inv->lock);
    care_tell(inv);
    return code;
}

static enum err end_replay(void *context) {
    struct inventory *inv = context;
    enum err code = inv->replay != NULL ? replay_end(inv->replay) : ERR_OK;
    inv->replay = NULL;
    return code;
}

struct inventory *inventory_new(const struct env *env, struct fault *f) {
    struct inventory *inv = calloc(1, sizeof *inv);
    if (inv == NULL) {
        fault_set(f, ERR_MEMORY, "inventory", "opening");
        return NULL;
    }
    inv->env = *env;
    inv->breath = BREATH_ROWS;
    state_init(&inv->state, env);
    arena_init(&inv->care.arena, 1 << 16);
    arena_init(&inv->compacting.arena, 1 << 16);
    inv->lock = rwlock_open();
    inv->waiting = mutex_open();
    inv->moved = cond_open();
    inv->reading = mutex_open();
    if (inv->lock == NULL || inv->waiting == NULL || inv->moved == NULL || inv->reading == NULL) {
        fault_set(f, ERR_MEMORY, "inventory", "opening");
        inventory_close(inv);
        return NULL;
    }
    return inv;
}

void inventory_close(struct inventory *inv) {
    if (inv == NULL)
        return;
    if (inv->waiting != NULL)
        compact_close(inv);
    store_proofs_close(inv->proofs);
    store_log_close(inv->log); /* calls every `done` that is still owed */
    store_reader_close(inv->reader);
    state_clear(&inv->state);
    os_map_close(&inv->care.map);
    arena_clear(&inv->care.arena);
    rwlock_close(inv->lock);
    mutex_close(inv->waiting);
    mutex_close(inv->reading);
    cond_close(inv->moved);
    free(inv);
}

static enum err open_log(struct inventory *inv, const char *dir, const struct store_mark *mark,
                         struct store_harm *torn, struct fault *f) {
    struct store_log_options options = {.replay = apply,
                                        .replayed = end_replay,
                                        .replay_context = inv,
                                        .mark = mark,
                                        .rest = care_rest,
                                        .seals = true};
    inv->replay = replay_begin(inv);
    enum err code = store_log_open(dir, &inv->env, &options, &inv->log, torn, f);
    if (code != ERR_OK)
        (void)!end_replay(inv);
    return code;
}

enum err inventory_open(const char *dir, const struct env *env, struct inventory **out,
                        struct fault *f) {
    struct store_harm torn;
    *out = NULL;
    struct inventory *inv = inventory_new(env, f);
    if (inv == NULL)
        return ERR_MEMORY;
    struct store_mark mark;
    bool is_marked = care_open(inv, dir, &mark);
    enum err code = open_log(inv, dir, is_marked ? &mark : NULL, &torn, f);
    if (code == ERR_CONFLICT && is_marked) {
        care_refuse(inv, f);
        code = open_log(inv, dir, NULL, &torn, f);
    }
    if (code == ERR_OK)
        code = store_proofs_open(inv->log, dir, &inv->proofs, f);
    if (code != ERR_OK) {
        inventory_close(inv);
        return code;
    }
    if (torn.size > 0) {
        log_line(env, LOG_WARN, "log_torn", "file=%s at=%llu bytes=%llu", torn.file,
                 (unsigned long long)torn.at, (unsigned long long)torn.size);
    }
    *out = inv;
    return ERR_OK;
}

enum err inventory_entry(struct inventory *inv, uint64_t number, struct buf *room,
                         struct store_entry *out, struct fault *f) {
    if (inv->log != NULL)
        return store_log_get(inv->log, number, room, out, f);
    mutex_lock(inv->reading);
    enum err code = store_reader_get(inv->reader, number, room, out, f);
    mutex_unlock(inv->reading);
    return code;
}

/* ---- Changes ---- */

struct change *change_begin(struct inventory *inv, inventory_done *done, void *context,
                            struct fault *f) {
    if (inv->log == NULL) {
        fault_set(f, ERR_PERMISSION, "inventory", "open for reading only");
        return NULL;
    }
    struct change *c = calloc(1, sizeof *c);
    if (c == NULL) {
        fault_set(f, ERR_MEMORY, "inventory", "a change");
        return NULL;
    }
    c->inv = inv;
    c->done = done;
    c->context = context;
    return c;
}

bool change_key(struct change *c, const uint8_t key[INVENTORY_ID_SIZE]) {
    struct inventory *inv = c->inv;
    bool is_free = c->keys_n < sizeof c->keys / sizeof c->keys[0];
    mutex_lock(inv->waiting);
    for (struct pending *p = inv->pending; p != NULL && is_free; p = p->next)
        is_free = memcmp(p->key, key, INVENTORY_ID_SIZE) != 0;
    if (is_free) {
        struct pending *p = &c->keys[c->keys_n++];
        memcpy(p->key, key, INVENTORY_ID_SIZE);
        p->next = inv->pending;
        inv->pending = p;
    }
    mutex_unlock(inv->waiting);
    return is_free;
}

/* Both are sorted. */
static bool share_a_face(const struct change *a, const struct change *b) {
    for (size_t i = 0, k = 0; i < a->faces_n && k < b->faces_n;) {
        int order = memcmp(a->faces[i], b->faces[k], INVENTORY_ID_SIZE);
        if (order == 0)
            return true;
        i += order < 0;
        k += order > 0;
    }
    return false;
}

void change_faces(struct change *c, uint8_t (*faces)[INVENTORY_ID_SIZE], size_t n) {
    struct inventory *inv = c->inv;
    c->faces = faces;
    c->faces_n = n;
    mutex_lock(inv->waiting);
    for (const struct change *other = inv->with_faces; other != NULL;) {
        if (!share_a_face(c, other)) {
            other = other->next_with_faces;
            continue;
        }
        cond_wait(inv->moved, inv->waiting);
        other = inv->with_faces;
    }
    c->next_with_faces = inv->with_faces;
    inv->with_faces = c;
    mutex_unlock(inv->waiting);
}

/* With inv->waiting held. */
static void free_faces(struct change *c) {
    if (c->faces == NULL)
        return;
    for (struct change **p = &c->inv->with_faces; *p != NULL; p = &(*p)->next_with_faces)
        if (*p == c) {
            *p = c->next_with_faces;
            break;
        }
    free(c->faces);
    c->faces = NULL;
    cond_broadcast(c->inv->moved);
}

/* With inv->waiting held. */
static void free_keys(struct change *c) {
    free_faces(c);
    for (struct pending **p = &c->inv->pending; *p != NULL;) {
        if (*p >= c->keys && *p < c->keys + c->keys_n)
            *p = (*p)->next;
        else
            p = &(*p)->next;
    }
    c->keys_n = 0;
}

static void change_free(struct change *c) {
    cond_close(c->moved);
    free(c);
}

void change_drop(struct change *c) {
    mutex_lock(c->inv->waiting);
    free_keys(c);
    mutex_unlock(c->inv->waiting);
    change_free(c);
}

/* Of who commits; the entries have been applied by now. */
static void change_done(void *context, const struct fault *f, uint64_t first) {
    struct change *c = context;
    struct inventory *inv = c->inv;
    inventory_done *done = c->done;
    (void)first;
    mutex_lock(inv->waiting);
    free_keys(c);
    if (done == NULL) {
        c->fault = *f;
        c->ready = true;
        if (c->is_waited) /* else this thread commits for itself */
            cond_signal(c->moved);
    }
    mutex_unlock(inv->waiting);
    if (done != NULL) {
        done(c->context, f);
        change_free(c);
    }
}

enum err change_submit(struct change *c, const struct store_entry *entries, size_t n,
                       struct fault *f) {
    struct inventory *inv = c->inv;
    bool waits = c->done == NULL;
    if (waits && (c->moved = cond_open()) == NULL) {
        change_drop(c);
        return fault_set(f, ERR_MEMORY, "inventory", "a change");
    }
    enum err code = waits ? store_log_submit_here(inv->log, entries, n, change_done, c, f)
                          : store_log_submit(inv->log, entries, n, change_done, c, f);
    if (code != ERR_OK) {
        change_drop(c);
        return code;
    }
    if (!waits)
        return ERR_OK;
    mutex_lock(inv->waiting);
    c->is_waited = true;
    while (!c->ready)
        cond_wait(c->moved, inv->waiting);
    mutex_unlock(inv->waiting);
    code = c->fault.code;
    if (code != ERR_OK && f != NULL)
        *f = c->fault;
    change_free(c);
    return code;
}
