/* The care of the index: when it is loaded, checked, written. See index.h.
 *
 * At the start the newest file is read through and loaded, where it is sound and its mark holds
 * for the log; then the log's entries behind the mark are applied. Nothing is asked of a file that
 * has not been read through: a bit that has changed on the disk would give wrong answers or end the
 * process. Where a file is refused the state is rebuilt from the log, and another one written.
 *
 * The index is written by who commits while nothing else changes the state, so it
 * stands at an end of a commit; those who read go on, the next commit waits. That
 * happens where much has been done since (a quarter of the rows, SAVE_WORK at least) and
 * at the end where something has (a 64th of the rows). A thread makes it durable, gives
 * it its name and removes the one before; where nothing has been stored since, the state goes on
 * from that file, and its memory is given back. What is not written then is made up at the
 * next start from the log, as after a crash. Nothing here fails an inventory: without an
 * index it works as well. */
#include "store/inventory/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAVE_WORK = 1 << 16, TELL_MS = 1000, TELL_ENTRIES = 1 << 12 };

static void name_of(uint32_t number, const char *ending, char out[24]) {
    snprintf(out, 24, "%08u.%s", (unsigned)number, ending);
}

static const char *path_of(const struct care *c, uint32_t number, const char *ending,
                           struct arena *a) {
    char name[24];
    name_of(number, ending, name);
    const char *path = path_join(a, c->dir, name);
    return path != NULL ? path : "";
}

static void say(struct inventory *inv, enum log_level level, const char *event,
                const struct fault *f) {
    char text[FAULT_DETAIL_MAX + 200];
    log_line(&inv->env, level, event, "why=\"%s\"", fault_text(f, text, sizeof text));
}

static void remove_file(struct inventory *inv, const char *path) {
    struct fault f;
    if (file_remove(path, &f) != ERR_OK)
        say(inv, LOG_WARN, "index_not_removed", &f);
}

/* ---- Files ---- */

struct listing {
    struct inventory *inv;
    uint32_t newest;
    bool removes; /* all but the newest */
};

static bool list_one(void *context, const char *name, bool is_dir) {
    struct listing *l = context;
    char again[24];
    uint32_t number = 0;
    for (const char *p = name; *p >= '0' && *p <= '9' && number < UINT32_MAX / 10 - 9; p++)
        number = number * 10 + (uint32_t)(*p - '0');
    if (is_dir)
        return true;
    name_of(number, "idx", again);
    bool is_index = number > 0 && strcmp(name, again) == 0;
    name_of(number, "new", again);
    bool is_ours = is_index || strcmp(name, again) == 0;
    if (is_index && number > l->newest)
        l->newest = number;
    if (l->removes && is_ours && !(is_index && number == l->inv->care.number)) {
        struct arena a;
        arena_init(&a, 1 << 16);
        struct fault ignored; /* on Windows one that is mapped stays until the next start */
        const char *path = path_join(&a, l->inv->care.dir, name);
        if (path != NULL)
            (void)!file_remove(path, &ignored);
        arena_clear(&a);
    }
    return true;
}

static uint32_t find_newest(struct inventory *inv) {
    struct listing l = {.inv = inv};
    struct fault ignored;
    return dir_list(inv->care.dir, list_one, &l, &ignored) == ERR_OK ? l.newest : 0;
}

static void remove_others(struct inventory *inv) {
    struct listing l = {.inv = inv, .removes = true};
    struct fault ignored;
    (void)!dir_list(inv->care.dir, list_one, &l, &ignored);
}

/* ---- At the start ---- */

/* What agents said of themselves last stays; when they were heard of is known since the start. */
static void forget_contacts(struct state *s) {
    for (uint32_t i = 0; i < s->agents.n; i++)
        if (state_agent(s, i)->seen_ms != 0) /* else the page is copied for nothing */
            state_agent(s, i)->seen_ms = 0;
}

static bool load(struct inventory *inv, struct store_mark *mark) {
    struct care *c = &inv->care;
    struct fault f;
    const char *path = path_of(c, c->number, "idx", &c->arena);
    enum err code = index_check(path, &f);
    state_clear(&inv->state);
    if (code == ERR_OK)
        code = index_load(path, &inv->state, &c->map, mark, &f);
    if (code != ERR_OK) {
        say(inv, c->is_reader ? LOG_DEBUG : LOG_WARN, "index_refused", &f);
        state_init(&inv->state, &inv->env);
        return false;
    }
    forget_contacts(&inv->state);
    return true;
}

/* A server that runs may take a file away that has just been found, for the next one. */
bool care_read(struct inventory *inv, const char *path, struct store_mark *mark) {
    enum { TRIES = 3 };
    struct care *c = &inv->care;
    struct state *s = &inv->state;
    uint32_t before = 0;
    c->is_reader = true;
    c->dir = path_join(&c->arena, path, "index");
    for (unsigned i = 0; c->dir != NULL && i < TRIES; i++, before = c->number) {
        c->number = find_newest(inv);
        if (c->number == before)
            return false;
        if (!load(inv, mark))
            continue;
        for (uint32_t k = 0; k < s->agents.n; k++)
            state_agent(s, k)->said_system = state_agent(s, k)->said_version = (struct text){0, 0};
        return true;
    }
    return false;
}

bool care_open(struct inventory *inv, const char *dir, struct store_mark *mark) {
    struct care *c = &inv->care;
    c->is_replaying = true;
    c->data = arena_cstr(&c->arena, bytes_text(dir));
    c->dir = c->data != NULL ? path_join(&c->arena, dir, "index") : NULL;
    if (c->dir == NULL)
        return false;
    c->number = find_newest(inv);
    c->is_used = c->number > 0 && load(inv, mark);
    return c->is_used;
}

void care_refuse(struct inventory *inv, const struct fault *why) {
    say(inv, inv->care.is_reader ? LOG_DEBUG : LOG_WARN, "index_refused", why);
    state_clear(&inv->state);
    os_map_close(&inv->care.map);
    state_init(&inv->state, &inv->env);
    inv->care.is_used = false;
}

void care_tell(struct inventory *inv) {
    struct care *c = &inv->care;
    if (!c->is_replaying || inv->state.entries % TELL_ENTRIES != 0)
        return;
    uint64_t now_ms = inv->env.tick_ms(inv->env.context);
    if (c->told_ms == 0)
        c->told_ms = now_ms;
    if (now_ms - c->told_ms < TELL_MS)
        return;
    c->told_ms = now_ms;
    log_line(&inv->env, LOG_INFO, "index_rebuilding", "entries=%llu",
             (unsigned long long)inv->state.entries);
}

/* ---- The thread ---- */

/* What came by no entry since the file was written; false where it is more than that agents were
 * heard of. */
static bool take_contacts(struct state *s, const struct state *old) {
    for (uint32_t i = 0; i < s->agents.n; i++) {
        const struct state_agent *b = state_agent(old, i);
        struct state_agent *a = state_agent(s, i);
        if (a->said_system.at != b->said_system.at || a->said_version.at != b->said_version.at)
            return false;
        a->seen_ms = b->seen_ms;
    }
    return true;
}

/* The state that is mapped from `path` takes the place of the one that this process made; what is
 * left is in `old` and `map`. With the lock held. */
static enum err change_over(struct inventory *inv, const char *path, struct state *old,
                            struct os_map *map, struct fault *f) {
    struct store_mark mark;
    *old = inv->state;
    enum err code = index_load(path, &inv->state, map, &mark, f);
    if (code == ERR_OK &&
        (inv->state.entries != old->entries || !take_contacts(&inv->state, old))) {
        state_clear(&inv->state);
        os_map_close(map);
        code = ERR_BUSY;
    }
    if (code != ERR_OK) {
        inv->state = *old;
        return code;
    }
    struct os_map before = inv->care.map;
    inv->state.work = old->work;
    inv->care.map = *map;
    *map = before;
    return ERR_OK;
}

/* Gives back the memory of a state that is on the disk by now, where nothing has been stored since:
 * as after a rebuild. Else the next file may do. */
static void go_over(struct inventory *inv, const char *path) {
    struct os_map map = {NULL, 0};
    struct fault f;
    struct state *old = malloc(sizeof *old);
    enum err code = old != NULL ? index_check(path, &f) : ERR_MEMORY;
    if (code == ERR_OK) {
        rwlock_write(inv->lock);
        code = change_over(inv, path, old, &map, &f);
        rwlock_write_end(inv->lock);
    }
    if (code == ERR_OK) {
        state_clear(old);
        os_map_close(&map);
        log_line(&inv->env, LOG_DEBUG, "index_taken", "entries=%llu",
                 (unsigned long long)old->entries);
    }
    free(old);
}

static void finish(struct inventory *inv, struct arena *a) {
    struct care *c = &inv->care;
    struct file file;
    struct fault f;
    const char *from = path_of(c, c->finishing, "new", a), *to = path_of(c, c->finishing, "idx", a);
    enum err code = file_open(&file, from, FILE_APPEND, &f);
    if (code == ERR_OK) {
        code = file_sync(&file, &f);
        file_close(&file);
    }
    if (code == ERR_OK) {
        int status = os_rename(from, to);
        if (status != 0)
            code = fault_set(&f, ERR_IO, "rename", "%s", to);
    }
    if (code == ERR_OK)
        code = os_dir_sync(c->dir, &f);
    if (code != ERR_OK) {
        say(inv, LOG_WARN, "index_not_written", &f);
        return;
    }
    c->number = c->finishing;
    if (!c->is_ending)
        go_over(inv, to);
    remove_others(inv);
}

static void run(void *context) {
    struct inventory *inv = context;
    struct arena a;
    arena_init(&a, 1 << 20);
    finish(inv, &a);
    arena_clear(&a);
    mutex_lock(inv->waiting);
    inv->care.is_done = true;
    mutex_unlock(inv->waiting);
}

static void join(struct care *c) {
    if (c->thread != NULL)
        thread_join(c->thread);
    c->thread = NULL;
    c->is_done = false;
}

/* Whether the thread is at work; one that is done is joined. */
static bool is_busy(struct inventory *inv) {
    struct care *c = &inv->care;
    mutex_lock(inv->waiting);
    bool is_done = c->is_done;
    mutex_unlock(inv->waiting);
    if (is_done)
        join(c);
    return c->thread != NULL;
}

static void start(struct inventory *inv, uint32_t finishing) {
    inv->care.finishing = finishing;
    inv->care.thread = thread_start(run, inv);
    if (inv->care.thread == NULL) /* no thread to be had: then here */
        run(inv);
}

/* Of who commits, with the lock of the folder held. */
static void begin(struct inventory *inv) {
    struct care *c = &inv->care;
    log_line(&inv->env, LOG_DEBUG, "index", "used=%s entries=%llu", c->is_used ? "yes" : "no",
             (unsigned long long)inv->state.entries);
    if (c->is_used)
        remove_others(inv);
}

/* ---- Writing ---- */

static bool is_due(struct inventory *inv, bool is_last) {
    const struct state *s = &inv->state;
    uint64_t rows = (uint64_t)s->certs.n + s->sightings.n + s->faces.n + s->endpoints.n;
    uint64_t work = s->work - inv->care.written;
    if (inv->broken || work == 0)
        return false;
    if (is_last)
        return !inv->care.is_used || work >= rows / 64;
    return work >= SAVE_WORK && work >= rows / 4;
}

/* All orders up to date, so that the next start has them. */
static enum err sort_all(struct inventory *inv) {
    struct state_parts parts = state_parts(&inv->state);
    enum err code = ERR_OK;
    for (size_t i = 0; i < STATE_ORDERS && code == ERR_OK; i++) {
        rwlock_write(inv->lock);
        code = order_update(parts.orders[i]);
        rwlock_write_end(inv->lock);
    }
    return code;
}

static enum err write_index(struct inventory *inv, struct store_log *log, const char *path,
                            struct fault *f) {
    struct store_mark mark;
    uint64_t size = 0;
    enum err code = dir_make(inv->care.dir, 0700, f);
    if (code == ERR_OK)
        code = store_log_mark(log, &mark, f);
    if (code == ERR_OK && sort_all(inv) != ERR_OK)
        code = fault_set(f, ERR_MEMORY, "index", "sorting");
    if (code != ERR_OK)
        return code;
    rwlock_read(inv->lock);
    if (inv->state.entries != mark.tree.size)
        code = fault_set(f, ERR_CONFLICT, "index", "the state is not the log's");
    else
        code = index_write(&inv->state, &mark, path, &size, f);
    rwlock_read_end(inv->lock);
    if (code == ERR_OK)
        log_line(&inv->env, LOG_DEBUG, "index_written", "entries=%llu bytes=%llu",
                 (unsigned long long)mark.tree.size, (unsigned long long)size);
    return code;
}

static void save(struct inventory *inv, struct store_log *log) {
    struct care *c = &inv->care;
    struct arena a;
    struct fault f;
    uint32_t number = c->number + 1;
    arena_init(&a, 1 << 16);
    const char *path = path_of(c, number, "new", &a);
    c->written = inv->state.work; /* also where it fails: not again at the next commit */
    if (write_index(inv, log, path, &f) == ERR_OK) {
        c->is_used = true;
        start(inv, number);
    } else {
        say(inv, LOG_WARN, "index_not_written", &f);
        remove_file(inv, path);
    }
    arena_clear(&a);
}

static void work(struct inventory *inv, struct store_log *log) {
    struct care *c = &inv->care;
    if (c->is_replaying) {
        c->is_replaying = false;
        begin(inv);
    }
    if (!is_busy(inv) && is_due(inv, false))
        save(inv, log);
}

static void end(struct inventory *inv, struct store_log *log) {
    struct care *c = &inv->care;
    join(c);
    c->is_ending = true;
    if (is_due(inv, true))
        save(inv, log);
    join(c);
}

bool care_rest(void *context, struct store_log *log, enum store_rest_step step) {
    struct inventory *inv = context;
    if (inv->care.dir == NULL)
        return false;
    if (step == STORE_REST_LOOK)
        return is_due(inv, false) && !is_busy(inv);
    if (inv->care.is_replaying || step == STORE_REST_WORK)
        work(inv, log);
    if (step == STORE_REST_END)
        end(inv, log);
    return false;
}
