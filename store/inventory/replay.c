/* Many entries of the log applied to the state, by two threads: whoever reads the log hands entries
 * over in batches; another thread applies them, in their order, so that the state is the same as by
 * one. What can be made of a certificate without the state the reader makes, unless the other has
 * nothing left to do: so both have about as much. Without a thread, and where there are few
 * entries, all is done here. See private.h. */
#include "store/inventory/private.h"

#include <stdlib.h>

enum {
    BATCHES = 4,
    BATCH_ENTRIES = 512,
    BATCH_BYTES = 1 << 18, /* more, where one entry has them */
    BATCH_BYTES_MAX = BATCH_BYTES + STORE_ENTRY_MAX + (64 << 20)
};

struct item {
    struct store_entry entry; /* its payload is empty where a certificate has been made of it */
    bool is_made;
    struct state_made made;
};

struct batch {
    struct item items[BATCH_ENTRIES];
    size_t n;
    bool is_bare;       /* certificates are to be made by who applies it */
    struct arena arena; /* texts and payloads */
};

/* Batch i lies at i % BATCHES. Those from `taken` to `filled` are the thread's, the one at
 * `filled` is being filled. */
struct replay {
    struct inventory *inv;
    struct state_maker maker;
    struct batch *batches;
    struct thread *thread;
    bool has_asked; /* for a thread */

    struct mutex *mutex; /* guards what follows */
    struct cond *moved;
    uint64_t filled, taken;
    bool is_ended;
    enum err err;
};

static enum err apply_batch(struct inventory *inv, const struct batch *b) {
    enum { AHEAD = 8 };
    enum err code = ERR_OK;
    for (size_t i = 0; i < b->n && code == ERR_OK; i++) {
        const struct item *x = &b->items[i];
        if (i + AHEAD < b->n && x[AHEAD].is_made)
            state_fetch_made(&inv->state, &x[AHEAD].made);
        code = x->is_made ? state_apply_made(&inv->state, &x->entry, &x->made)
                          : state_apply(&inv->state, &x->entry);
        care_tell(inv);
    }
    return code;
}

static void apply_all(void *argument) {
    struct replay *r = argument;
    mutex_lock(r->mutex);
    for (;;) {
        while (r->filled == r->taken && !r->is_ended)
            cond_wait(r->moved, r->mutex);
        if (r->filled == r->taken)
            break;
        enum err code = r->err;
        mutex_unlock(r->mutex);
        if (code == ERR_OK)
            code = apply_batch(r->inv, &r->batches[r->taken % BATCHES]);
        mutex_lock(r->mutex);
        r->err = code;
        r->taken++;
        cond_signal(r->moved);
    }
    mutex_unlock(r->mutex);
}

/* Gives the batch away and takes the next, which is empty then. */
static enum err hand_over(struct replay *r) {
    struct batch *b = &r->batches[r->filled % BATCHES];
    if (!r->has_asked)
        r->thread = thread_start(apply_all, r);
    r->has_asked = true;
    enum err code = ERR_OK;
    if (r->thread == NULL) {
        code = r->err = apply_batch(r->inv, b);
    } else {
        mutex_lock(r->mutex);
        r->filled++;
        cond_signal(r->moved);
        while (r->filled - r->taken == BATCHES)
            cond_wait(r->moved, r->mutex);
        b = &r->batches[r->filled % BATCHES];
        b->is_bare = r->filled - r->taken <= 1;
        code = r->err;
        mutex_unlock(r->mutex);
    }
    b->n = 0;
    arena_reset(&b->arena);
    return code;
}

/* Texts that nobody else holds. */
static enum err keep_made(struct arena *a, struct state_made *m) {
    struct bytes *const texts[] = {&m->agent,  &m->names, &m->serial,
                                   &m->issuer, &m->key,   &m->signature};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = arena_copy(a, *texts[i]);
    return a->err;
}

static enum err add(struct replay *r, struct batch *b, const struct store_entry *e) {
    struct item *x = &b->items[b->n++];
    struct record_certificate certificate;
    x->entry = *e;
    x->is_made = !b->is_bare && !e->is_dropped && e->type == RECORD_CERTIFICATE &&
                 e->version == RECORD_VERSION && record_certificate_read(e->payload, &certificate);
    if (!x->is_made) {
        x->entry.payload = arena_copy(&b->arena, e->payload);
        x->entry.rest = e->is_dropped ? arena_copy(&b->arena, e->rest) : (struct bytes){NULL, 0};
        return b->arena.err;
    }
    x->entry.payload = (struct bytes){NULL, 0};
    enum err code = state_make_cert(&r->maker, &certificate, &x->made);
    return code == ERR_OK ? keep_made(&b->arena, &x->made) : code;
}

enum err replay_entry(struct replay *r, const struct store_entry *e) {
    struct batch *b = &r->batches[r->filled % BATCHES];
    enum err code = add(r, b, e);
    if (code != ERR_OK)
        b->n--; /* not whole */
    if (code == ERR_OK && (b->n == BATCH_ENTRIES || b->arena.used >= BATCH_BYTES))
        code = hand_over(r);
    return code;
}

static void replay_free(struct replay *r) {
    for (size_t i = 0; r->batches != NULL && i < BATCHES; i++)
        arena_clear(&r->batches[i].arena);
    free(r->batches);
    state_maker_clear(&r->maker);
    mutex_close(r->mutex);
    cond_close(r->moved);
    free(r);
}

struct replay *replay_begin(struct inventory *inv) {
    struct replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->inv = inv;
    state_maker_init(&r->maker);
    r->batches = calloc(BATCHES, sizeof *r->batches);
    r->mutex = mutex_open();
    r->moved = cond_open();
    if (r->batches == NULL || r->mutex == NULL || r->moved == NULL) {
        replay_free(r);
        return NULL;
    }
    for (size_t i = 0; i < BATCHES; i++)
        arena_init(&r->batches[i].arena, BATCH_BYTES_MAX);
    return r;
}

enum err replay_end(struct replay *r) {
    if (r->thread != NULL) {
        mutex_lock(r->mutex);
        r->is_ended = true;
        cond_signal(r->moved);
        mutex_unlock(r->mutex);
        thread_join(r->thread);
    }
    enum err code = r->err;
    if (code == ERR_OK)
        code = apply_batch(r->inv, &r->batches[r->filled % BATCHES]);
    replay_free(r);
    return code;
}
