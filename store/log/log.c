/* The log's queue, and who commits: its writer thread, or who waits. See log.h. */
#include "store/log/private.h"

#include <stdlib.h>
#include <string.h>

/* ---- Batches ---- */

static void batch_free(struct log_batch *b) {
    if (b == NULL)
        return;
    buf_clear(&b->bytes);
    free(b->leaves);
    free(b);
}

/* Hashing is done here, on the caller's thread: the writer has enough to do. */
static struct log_batch *batch_make(const struct store_entry *entries, size_t n, struct fault *f) {
    struct log_batch *b = calloc(1, sizeof *b);
    if (b != NULL) {
        buf_init(&b->bytes, STORE_BATCH_BYTES_MAX);
        b->leaves = calloc(n, sizeof *b->leaves);
        b->n = n;
    }
    if (b == NULL || b->leaves == NULL) {
        fault_set(f, ERR_MEMORY, "log", "a batch of %zu entries", n);
        batch_free(b);
        return NULL;
    }
    for (size_t i = 0; i < n && b->bytes.err == ERR_OK; i++) {
        size_t from = b->bytes.n;
        store_entry_write(&entries[i], &b->bytes);
        store_leaf_hash(bytes_part(buf_bytes(&b->bytes), from, b->bytes.n), b->leaves[i]);
    }
    if (b->bytes.err != ERR_OK) {
        fault_set(f, b->bytes.err, "log", "a batch of %zu entries", n);
        batch_free(b);
        return NULL;
    }
    return b;
}

/* ---- Committing ---- */

/* Takes what waits, as much as one commit shall hold; with the mutex held. */
static struct log_batch *take_waiting(struct store_log *log) {
    struct log_batch *list = log->head, **end = &log->head;
    size_t bytes = 0;
    while (*end != NULL && (bytes == 0 || bytes + (*end)->bytes.n <= LOG_COMMIT_BYTES)) {
        bytes += (*end)->bytes.n;
        end = &(*end)->next;
    }
    log->waiting_bytes -= bytes;
    log->head = *end;
    *end = NULL;
    if (log->head == NULL)
        log->tail = &log->head;
    return list;
}

static void answer(struct log_batch *list, const struct fault *f) {
    while (list != NULL) {
        struct log_batch *b = list;
        list = b->next;
        b->done(b->context, f, b->first);
        batch_free(b);
    }
}

static bool rest(struct store_log *log, enum store_rest_step step) {
    if (log->options.rest == NULL)
        return false;
    mutex_lock(log->calm);
    bool has_work = log->options.rest(log->options.replay_context, log, step);
    mutex_unlock(log->calm);
    return has_work;
}

/* One commit, on this thread; with the mutex held, while nobody else commits. What came
 * meanwhile is the writer's, and so is what is to be done at rest. */
static void commit_waiting(struct store_log *log) {
    struct log_batch *list = take_waiting(log);
    struct fault f = log->ended;
    log->is_busy = true;
    mutex_unlock(log->mutex);
    if (f.code != ERR_OK)
        f.code = ERR_IO;
    else if (log_commit(log, list, &f) == ERR_OK)
        f = (struct fault){.code = ERR_OK};
    answer(list, &f);
    mutex_lock(log->mutex);
    bool is_alive = log->ended.code == ERR_OK;
    mutex_unlock(log->mutex);
    bool has_work = is_alive && rest(log, STORE_REST_LOOK);
    mutex_lock(log->mutex);
    log->is_busy = false;
    log->has_work = has_work;
    if (log->head != NULL || log->closing || has_work)
        cond_signal(log->wake);
}

static void work_at_rest(struct store_log *log) {
    log->has_work = false;
    log->is_busy = true;
    mutex_unlock(log->mutex);
    (void)rest(log, STORE_REST_WORK);
    mutex_lock(log->mutex);
    log->is_busy = false;
}

/* Begins busy: what is opened rests first. */
static void write_all(void *argument) {
    struct store_log *log = argument;
    mutex_lock(log->mutex);
    work_at_rest(log);
    for (;;) {
        while (log->is_busy || (log->head == NULL && !log->has_work && !log->closing))
            cond_wait(log->wake, log->mutex);
        if (log->has_work)
            work_at_rest(log);
        else if (log->head != NULL)
            commit_waiting(log);
        else
            break;
    }
    bool is_alive = log->ended.code == ERR_OK;
    mutex_unlock(log->mutex);
    if (is_alive)
        (void)rest(log, STORE_REST_END);
}

/* ---- Handing in ---- */

static enum err hand_in(struct store_log *log, const struct store_entry *entries, size_t n,
                        store_log_done *done, void *context, bool is_here, struct fault *f) {
    struct fault own;
    f = f != NULL ? f : &own;
    if (n == 0 || n > STORE_BATCH_ENTRIES_MAX)
        return fault_set(f, ERR_LIMIT, "log", "a batch of %zu entries", n);
    struct log_batch *b = batch_make(entries, n, f);
    if (b == NULL)
        return f->code;
    b->done = done;
    b->context = context;
    enum err code = ERR_OK;
    mutex_lock(log->mutex);
    if (log->ended.code != ERR_OK) {
        *f = log->ended;
        code = f->code = ERR_IO;
    } else if (log->closing || log->waiting_bytes + b->bytes.n > STORE_WAITING_BYTES_MAX) {
        code = fault_set(f, ERR_BUSY, "log", "%zu bytes wait", log->waiting_bytes);
    } else {
        log->waiting_bytes += b->bytes.n;
        *log->tail = b;
        log->tail = &b->next;
        if (is_here && !log->is_busy)
            commit_waiting(log);
        else if (!log->is_busy) /* else it looks itself when it is through */
            cond_signal(log->wake);
    }
    mutex_unlock(log->mutex);
    if (code != ERR_OK)
        batch_free(b);
    return code;
}

enum err store_log_submit(struct store_log *log, const struct store_entry *entries, size_t n,
                          store_log_done *done, void *context, struct fault *f) {
    return hand_in(log, entries, n, done, context, false, f);
}

enum err store_log_submit_here(struct store_log *log, const struct store_entry *entries, size_t n,
                               store_log_done *done, void *context, struct fault *f) {
    return hand_in(log, entries, n, done, context, true, f);
}

struct waiter {
    struct store_log *log;
    struct cond *moved;
    bool ready, is_waited;
    uint64_t first;
    struct fault fault;
};

static void waiter_done(void *context, const struct fault *f, uint64_t first) {
    struct waiter *w = context;
    mutex_lock(w->log->mutex);
    w->ready = true;
    w->first = first;
    w->fault = *f;
    if (w->is_waited) /* else this thread commits for itself */
        cond_signal(w->moved);
    mutex_unlock(w->log->mutex);
}

enum err store_log_append(struct store_log *log, const struct store_entry *entries, size_t n,
                          uint64_t *first, struct fault *f) {
    struct waiter w = {.log = log, .moved = cond_open()};
    if (w.moved == NULL)
        return fault_set(f, ERR_MEMORY, "log", "waiting");
    enum err code = store_log_submit_here(log, entries, n, waiter_done, &w, f);
    if (code == ERR_OK) {
        mutex_lock(log->mutex);
        w.is_waited = true;
        while (!w.ready)
            cond_wait(w.moved, log->mutex);
        mutex_unlock(log->mutex);
        if (first != NULL)
            *first = w.first;
        code = w.fault.code;
        if (code != ERR_OK && f != NULL)
            *f = w.fault;
    }
    cond_close(w.moved);
    return code;
}

/* ---- Opening and closing ---- */

static enum err make_folder(struct store_log *log, const char *dir, struct fault *f) {
    log->dir = path_join(&log->arena, dir, "log");
    const char *lock = log->dir != NULL ? path_join(&log->arena, log->dir, "lock") : NULL;
    if (lock == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", dir);
    const char *first = log_segment_path(&log->arena, log->dir, 1);
    if (first == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", dir);
    bool is_new = !file_exists(first); /* also where this was not reached the last time */
    enum err code = dir_make(log->dir, 0700, f);
    if (code == ERR_OK && is_new)
        code = os_dir_sync(dir, f);
    if (code == ERR_OK)
        code = os_lock_open(&log->lock, lock, f);
    return code;
}

static enum err make_parts(struct store_log *log, struct fault *f) {
    log->deflater = zip_deflater_open(LOG_LEVEL);
    log->mutex = mutex_open();
    log->wake = cond_open();
    log->calm = mutex_open();
    log->sealing = mutex_open();
    log->full_wake = cond_open();
    if (log->deflater == NULL || log->mutex == NULL || log->wake == NULL || log->calm == NULL ||
        log->sealing == NULL || log->full_wake == NULL)
        return fault_set(f, ERR_MEMORY, "log", "opening");
    return ERR_OK;
}

static void log_free(struct store_log *log) {
    file_close(&log->file);
    if (log->lock.handle != -1)
        os_lock_close(&log->lock);
    zip_deflater_close(log->deflater);
    buf_clear(&log->raw);
    buf_clear(&log->out);
    free(log->made.items);
    free(log->places.items);
    mutex_close(log->mutex);
    mutex_close(log->calm);
    mutex_close(log->sealing);
    cond_close(log->full_wake);
    cond_close(log->wake);
    arena_clear(&log->arena);
    free(log);
}

static struct store_log *log_new(const struct env *env, const struct store_log_options *options) {
    struct store_log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->env = *env;
    if (options != NULL)
        log->options = *options;
    if (log->options.segment_bytes == 0)
        log->options.segment_bytes = LOG_SEGMENT_BYTES;
    if (log->options.block_bytes == 0)
        log->options.block_bytes = LOG_BLOCK_BYTES;
    if (log->options.block_bytes > LOG_BLOCK_BYTES_MAX)
        log->options.block_bytes = LOG_BLOCK_BYTES_MAX;
    if (log->options.sealed_bytes == 0)
        log->options.sealed_bytes = LOG_SEALED_BYTES;
    if (log->options.sealed_bytes > LOG_BLOCK_BYTES_MAX)
        log->options.sealed_bytes = LOG_BLOCK_BYTES_MAX;
    log->file.fd = -1;
    log->lock.handle = -1;
    log->tail = &log->head;
    arena_init(&log->arena, 1 << 16);
    buf_init(&log->raw, SEGMENT_BLOCK_MAX);
    buf_init(&log->out, 2 * (size_t)STORE_BATCH_BYTES_MAX);
    return log;
}

/* Without a sealer the log is as good, only larger. */
static enum err start_threads(struct store_log *log, struct fault *f) {
    log->full = log->segment - 1;
    if (log->options.seals)
        log_seal_clean(log);
    log->is_busy = true;
    log->writer = thread_start(write_all, log);
    if (log->writer == NULL)
        return fault_set(f, ERR_MEMORY, "thread", "%s", log->dir);
    if (log->options.seals)
        log->sealer = thread_start(log_seal_all, log);
    return ERR_OK;
}

static enum err end_replay(struct store_log *log, struct fault *f) {
    enum err code = ERR_OK;
    if (log->options.replayed != NULL)
        code = log->options.replayed(log->options.replay_context);
    return code == ERR_OK ? code : fault_set(f, code, "log", "the last entries");
}

enum err store_log_open(const char *dir, const struct env *env,
                        const struct store_log_options *options, struct store_log **out,
                        struct store_harm *torn, struct fault *f) {
    struct store_harm own = {.size = 0};
    struct fault own_fault;
    f = f != NULL ? f : &own_fault;
    torn = torn != NULL ? torn : &own;
    *torn = own;
    *out = NULL;
    struct store_log *log = log_new(env, options);
    if (log == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", dir);
    enum err code = make_parts(log, f);
    if (code == ERR_OK)
        code = make_folder(log, dir, f);
    if (code == ERR_OK)
        code = log_recover(log, torn, f);
    if (code == ERR_OK)
        code = end_replay(log, f);
    log->options.mark = NULL;
    log->point = (struct store_point){.segment = log->segment, .at = log->size};
    if (code == ERR_OK)
        code = start_threads(log, f);
    if (code != ERR_OK)
        log_free(log);
    else
        *out = log;
    return code;
}

void store_log_close(struct store_log *log) {
    if (log == NULL)
        return;
    mutex_lock(log->mutex);
    log->closing = true;
    cond_broadcast(log->wake);
    cond_broadcast(log->full_wake);
    mutex_unlock(log->mutex);
    thread_join(log->writer);
    thread_join(log->sealer);
    log_free(log);
}

/* ---- Asking ---- */

enum err store_log_mark(struct store_log *log, struct store_mark *out, struct fault *f) {
    const struct log_places *p = &log->places;
    *out = (struct store_mark){.tree = log->tree,
                               .segment = log->segment,
                               .at = log->size,
                               .places = p->items,
                               .places_n = p->n};
    memcpy(out->salt, log->salt, SEGMENT_SALT);
    if (p->n == 0 || p->items[p->n - 1].segment != log->segment)
        return ERR_OK;
    struct block_head h;
    enum err code = block_head_load(&log->file, p->items[p->n - 1].at, &h, f);
    if (code == ERR_OK)
        out->check = h.check;
    return code;
}

struct store_tree store_log_tree(struct store_log *log) {
    mutex_lock(log->mutex);
    struct store_tree tree = log->tree;
    mutex_unlock(log->mutex);
    return tree;
}

struct store_point store_log_point(struct store_log *log) {
    mutex_lock(log->mutex);
    struct store_point point = log->point;
    point.tree = log->tree;
    mutex_unlock(log->mutex);
    return point;
}

void store_log_size(struct store_log *log, uint64_t *bytes, uint64_t *segments) {
    mutex_lock(log->mutex);
    *bytes = log->bytes;
    *segments = log->places.n > 0 ? log->places.items[log->places.n - 1].segment : 1;
    mutex_unlock(log->mutex);
}

void store_log_turn(struct store_log *log) {
    mutex_lock(log->mutex);
    log->turns = true;
    mutex_unlock(log->mutex);
}

uint32_t store_log_sealed(struct store_log *log) {
    mutex_lock(log->mutex);
    uint32_t sealed = log->sealed;
    mutex_unlock(log->mutex);
    return sealed;
}

enum err store_log_get(struct store_log *log, uint64_t number, struct buf *room,
                       struct store_entry *out, struct fault *f) {
    struct store_place place;
    mutex_lock(log->mutex);
    bool is_there = number < log->tree.size && log_places_find(&log->places, number, &place);
    mutex_unlock(log->mutex);
    if (!is_there)
        return fault_set(f, ERR_NOT_FOUND, "entry", "%llu", (unsigned long long)number);
    struct arena a;
    arena_init(&a, 1 << 16);
    char *path = log_segment_path(&a, log->dir, place.segment);
    enum err code = path != NULL ? log_fetch(path, &place, number, room, out, f)
                                 : fault_set(f, ERR_MEMORY, "entry", "%s", log->dir);
    arena_clear(&a);
    return code;
}
