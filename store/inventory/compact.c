/* Payloads of scans that are no longer needed go. See "Retention" in inventory.h, and carriers.h
 * for what is needed.
 *
 * Nothing is decided by the plan alone: the log up to the moment is replayed a second time as it
 * would be, and unless the state is the same, to the last number, nothing goes. What comes behind
 * the moment is not touched, so that all later states follow. */
#include "store/inventory/private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TELL_ENTRIES = 1 << 10,
    SHORT = 64,   /* bytes of a payload: a keeper is no shorter */
    MIDDLE = 256, /* it pays where nothing stays */
};

const char *inventory_compact_step_name(enum inventory_compact_step step) {
    static const char *const names[INVENTORY_COMPACT_STEPS] = {"none",    "reading", "checking",
                                                               "writing", "done",    "failed"};
    return names[step];
}

struct compact {
    struct inventory *inv;
    struct carriers *carriers;
    uint64_t *units;              /* the first one of each entry, and the one behind the last */
    uint64_t end;                 /* number of the first entry that is not before the moment */
    uint64_t last;                /* the last one that goes, plus one; 0: none */
    const struct state *replayed; /* NULL: none is */
    uint8_t *sizes; /* of each entry of scans: 0 short, 1 middle, 2 long; 0 of others */
    struct buf rest;
    struct inventory_compaction now;
    struct fault *f;
};

/* False: the inventory is to be closed. */
static bool tell(struct compact *c) {
    struct inventory *inv = c->inv;
    mutex_lock(inv->waiting);
    inv->compacting.now = c->now;
    bool goes_on = !inv->compacting.is_closing;
    mutex_unlock(inv->waiting);
    return goes_on;
}

static enum err step_to(struct compact *c, enum inventory_compact_step step, uint64_t of) {
    c->now.step = step;
    c->now.entries = 0;
    c->now.of = of;
    return tell(c) ? ERR_OK : fault_set(c->f, ERR_INTERRUPTED, "compact", "the store is closed");
}

static bool is_of_scans(const struct store_entry *e) {
    return e->version == RECORD_VERSION &&
           (e->type == RECORD_SCAN || e->type == RECORD_CONFIRMATION);
}

/* ---- What stays of an entry ---- */

static bool put_scan(const struct compact *c, const struct store_entry *e, struct buf *rest) {
    struct record_scan r;
    struct buf kept;
    uint64_t unit = c->units[e->number];
    if (!record_scan_read(e->payload, &r))
        return false;
    struct cur all = cur_open(r.observations);
    uint32_t n = r.n;
    buf_init(&kept, STORE_ENTRY_MAX);
    r.summary = (struct bytes){NULL, 0};
    r.n = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct bytes one = cur_vec24(&all);
        if (!carriers_stays(c->carriers, ++unit))
            continue;
        buf_vec(&kept, 3, one);
        r.n++;
    }
    r.observations = buf_bytes(&kept);
    record_scan_write(&r, rest);
    bool is_good = kept.err == ERR_OK && rest->err == ERR_OK;
    buf_clear(&kept);
    return is_good;
}

static int compare_faces(const void *a, const void *b) {
    const struct model_confirmed *x = a, *y = b;
    return (x->face > y->face) - (x->face < y->face);
}

/* The faces are those of any state: they are numbered for ever. */
static bool find_digest(const struct compact *c, const struct model_confirmed *items, uint32_t n,
                        uint8_t digest[INVENTORY_ID_SIZE]) {
    const struct state *s = c->replayed != NULL ? c->replayed : &c->inv->state;
    if (c->replayed == NULL && !inventory_lock(c->inv, NULL))
        return false;
    bool is_good = items[n - 1].face < s->faces.n; /* they ascend */
    if (is_good)
        state_faces_digest(s, items, n, digest);
    if (c->replayed == NULL)
        inventory_unlock(c->inv);
    return is_good;
}

static bool put_items(const struct compact *c, struct record_confirmation *r,
                      struct model_confirmed *items, uint64_t unit, struct buf *rest) {
    uint8_t digest[INVENTORY_ID_SIZE];
    uint32_t n = 0;
    record_confirmation_items(r, items);
    state_confirmed_order(items, r->n);
    for (uint32_t i = 0; i < r->n; i++)
        if (carriers_stays(c->carriers, ++unit))
            items[n++] = items[i];
    if (n == 0)
        return true;
    qsort(items, n, sizeof *items, compare_faces);
    if (!find_digest(c, items, n, digest))
        return false;
    r->digest = bytes_of(digest, sizeof digest);
    r->n = n;
    record_confirmation_write(r, items, rest);
    return rest->err == ERR_OK;
}

static bool put_confirmation(const struct compact *c, const struct store_entry *e,
                             struct buf *rest) {
    struct record_confirmation r;
    if (!record_confirmation_read(e->payload, &r))
        return false;
    struct model_confirmed *items = calloc((size_t)r.n + 1, sizeof *items);
    bool is_good = items != NULL && put_items(c, &r, items, c->units[e->number], rest);
    free(items);
    return is_good;
}

static bool goes(void *context, const struct store_entry *e, struct buf *rest) {
    const struct compact *c = context;
    if (e->number >= c->end || carriers_stays(c->carriers, c->units[e->number]))
        return false;
    return e->type == RECORD_SCAN ? put_scan(c, e, rest) : put_confirmation(c, e, rest);
}

/* ---- Reading, three times ---- */

typedef void compact_see(struct compact *c, struct store_entry *e);

/* What is found out about an entry before it is applied. */
static void see_first(struct compact *c, struct store_entry *e) {
    c->units[e->number] = carriers_unit(c->carriers);
    c->end = e->number + 1;
    if (is_of_scans(e) && !e->is_dropped)
        c->sizes[e->number] = (uint8_t)((e->payload.n > SHORT) + (e->payload.n > MIDDLE));
}

static void see_again(struct compact *c, struct store_entry *e) {
    buf_reset(&c->rest);
    if (!goes(c, e, &c->rest)) {
        c->now.kept += is_of_scans(e) && !e->is_dropped;
        c->now.dropped += e->is_dropped;
        return;
    }
    uint64_t *n = e->type == RECORD_SCAN ? &c->now.scans : &c->now.confirmations;
    uint64_t *bytes = e->type == RECORD_SCAN ? &c->now.scan_bytes : &c->now.confirmation_bytes;
    *n += 1;
    *bytes += e->payload.n - c->rest.n;
    c->last = e->number + 1;
    e->is_dropped = true;
    e->rest = buf_bytes(&c->rest);
}

/* An entry most of which stays, or that is none of scans, stays whole. */
static void choose(struct compact *c) {
    for (uint64_t i = 0; i < c->end; i++) {
        uint64_t from = c->units[i], to = c->units[i + 1], n = 0;
        for (uint64_t unit = from + 1; unit < to; unit++)
            n += carriers_stays(c->carriers, unit);
        bool pays = c->sizes[i] > (n > 0) && 2 * n <= to - from - 1;
        if (pays && !carriers_stays(c->carriers, from))
            continue;
        for (uint64_t unit = from; unit < to; unit++)
            carriers_stay(c->carriers, unit);
    }
}

static enum err read_entries(struct compact *c, struct state *s, compact_see *see, uint64_t end) {
    struct store_reader *reader;
    struct store_entry e;
    enum err code = store_reader_open(c->inv->care.data, &reader, c->f);
    if (code != ERR_OK)
        return code;
    for (uint64_t number = 0; number < end; number++) {
        code = store_reader_next(reader, &e, c->f);
        if (code == ERR_OK && e.number != number)
            code = fault_set(c->f, ERR_DAMAGED, "log", "entry %llu is missing",
                             (unsigned long long)number);
        if (code != ERR_OK || e.time_ms >= c->now.before_ms)
            break;
        see(c, &e);
        code = state_apply(s, &e);
        if (code != ERR_OK)
            fault_set(c->f, code, "entry", "%llu", (unsigned long long)number);
        c->now.entries = number + 1;
        if (code == ERR_OK && number % TELL_ENTRIES == 0 && !tell(c))
            code = fault_set(c->f, ERR_INTERRUPTED, "compact", "the store is closed");
        if (code != ERR_OK)
            break;
    }
    if (code == ERR_OK && store_reader_harms(reader) > 0)
        code = fault_set(c->f, ERR_DAMAGED, "log", "%s", store_reader_harm(reader, 0)->file);
    store_reader_close(reader);
    return code;
}

static enum err replay(struct compact *c, struct carriers *carriers, compact_see *see, uint64_t end,
                       uint8_t digest[SHA256_SIZE]) {
    struct state *s = malloc(sizeof *s);
    if (s == NULL)
        return fault_set(c->f, ERR_MEMORY, "compact", "a state");
    state_init(s, &c->inv->env);
    s->carriers = carriers;
    c->replayed = s;
    enum err code = read_entries(c, s, see, end);
    if (code == ERR_OK)
        carriers_digest(s, digest);
    c->replayed = NULL;
    state_clear(s);
    free(s);
    return code;
}

static enum err find(struct compact *c) {
    uint8_t before[SHA256_SIZE], after[SHA256_SIZE];
    uint64_t all = store_log_tree(c->inv->log).size;
    enum err code = step_to(c, INVENTORY_COMPACT_READING, all);
    c->carriers = carriers_open();
    c->units = calloc((size_t)all + 2, sizeof *c->units);
    c->sizes = calloc((size_t)all + 1, 1);
    if (c->carriers == NULL || c->units == NULL || c->sizes == NULL)
        return fault_set(c->f, ERR_MEMORY, "compact", "%llu entries", (unsigned long long)all);
    for (unsigned turn = 0; turn < 2 && code == ERR_OK; turn++) {
        code = replay(c, c->carriers, see_first, all, before);
        c->units[c->end] = carriers_unit(c->carriers);
        if (code == ERR_OK && carriers_end(c->carriers) != ERR_OK)
            code = fault_set(c->f, ERR_MEMORY, "compact", "%llu entries", (unsigned long long)all);
        if (code == ERR_OK && turn == 0)
            choose(c);
    }
    if (code == ERR_OK)
        code = step_to(c, INVENTORY_COMPACT_CHECKING, c->end);
    if (code == ERR_OK)
        code = replay(c, NULL, see_again, c->end, after);
    if (code == ERR_OK && memcmp(before, after, sizeof before) != 0)
        code = fault_set(c->f, ERR_FAILED, "compact",
                         "without these entries the state would be another: nothing is dropped");
    return code;
}

/* ---- Writing ---- */

/* Before anything goes. */
static enum err write_entry(struct compact *c) {
    struct inventory *inv = c->inv;
    struct change *change;
    struct entries e;
    struct record_compaction r = {c->end, c->now.before_ms};
    struct inventory_audit act = {.actor = inv->compacting.actor,
                                  .verb = bytes_text("log.compact"),
                                  .object = bytes_text("log:")};
    char detail[200], when[CLOCK_TEXT_MAX];
    uint64_t full_end;
    enum err code = change_begin_of(inv, "compact", bytes_text(""), &change, c->f);
    if (code != ERR_OK)
        return code;
    clock_write(c->now.before_ms / 1000, when);
    snprintf(detail, sizeof detail, "before %s: %llu scans, %llu confirmations, %llu bytes", when,
             (unsigned long long)c->now.scans, (unsigned long long)c->now.confirmations,
             (unsigned long long)(c->now.scan_bytes + c->now.confirmation_bytes));
    act.detail = bytes_text(detail);
    (void)store_log_full(inv->log, &full_end);
    if (c->last > full_end)
        store_log_turn(inv->log);
    entries_init(&e);
    record_compaction_write(&r, &e.bytes);
    entries_end(&e, RECORD_COMPACTION);
    entries_audit(&e, &act);
    return entries_submit(&e, change, c->f);
}

static bool has_any(const struct compact *c, uint32_t segment) {
    uint64_t from, to;
    bool is_full = store_log_range(c->inv->log, segment, &from, &to);
    to = to < c->end ? to : c->end;
    while (is_full && from < to && carriers_stays(c->carriers, c->units[from]))
        from++;
    return is_full && from < to;
}

/* From the newest to the oldest, for a crash may come between any two: see carriers.h. */
static enum err write_segments(struct compact *c) {
    struct store_compacted done;
    uint64_t full_end;
    uint32_t full = store_log_full(c->inv->log, &full_end);
    c->now.segments_of = full;
    enum err code = step_to(c, INVENTORY_COMPACT_WRITING, c->end);
    for (uint32_t i = full; i > 0 && code == ERR_OK; i--) {
        c->now.segments++;
        if (!has_any(c, i))
            continue;
        code = store_log_compact(c->inv->log, i, goes, c, &done, c->f);
        c->now.bytes_before += done.bytes_before;
        c->now.bytes += done.bytes;
        if (code == ERR_OK && !tell(c))
            code = fault_set(c->f, ERR_INTERRUPTED, "compact", "the store is closed");
    }
    return code;
}

static enum err compact(struct compact *c) {
    enum err code = find(c);
    if (code != ERR_OK || c->now.is_dry || c->last == 0)
        return code;
    code = write_entry(c);
    return code == ERR_OK ? write_segments(c) : code;
}

static void say(const struct compact *c, enum err code) {
    const struct env *env = &c->inv->env;
    char text[FAULT_DETAIL_MAX + 200];
    if (code != ERR_OK)
        log_line(env, LOG_WARN, "not_compacted", "why=\"%s\"", fault_text(c->f, text, sizeof text));
    else
        log_line(env, LOG_INFO, "compacted",
                 "scans=%llu confirmations=%llu bytes_before=%llu "
                 "bytes=%llu",
                 (unsigned long long)c->now.scans, (unsigned long long)c->now.confirmations,
                 (unsigned long long)c->now.bytes_before, (unsigned long long)c->now.bytes);
}

static void run(void *context) {
    struct inventory *inv = context;
    struct fault f = {.code = ERR_OK};
    struct compact c = {.inv = inv, .now = inv->compacting.now, .f = &f};
    buf_init(&c.rest, STORE_ENTRY_MAX);
    enum err code = compact(&c);
    buf_clear(&c.rest);
    carriers_close(c.carriers);
    free(c.units);
    free(c.sizes);
    say(&c, code);
    c.now.step = code == ERR_OK ? INVENTORY_COMPACT_DONE : INVENTORY_COMPACT_FAILED;
    c.now.fault = f;
    mutex_lock(inv->waiting);
    inv->compacting.now = c.now;
    inv->compacting.is_busy = false;
    mutex_unlock(inv->waiting);
}

/* ---- Asking ---- */

static enum err begin(struct inventory *inv, const struct inventory_compact *o, struct fault *f) {
    struct compacting *c = &inv->compacting;
    arena_clear(&c->arena);
    arena_init(&c->arena, 1 << 16);
    c->actor = arena_copy(&c->arena, o->actor);
    c->thread = c->arena.err == ERR_OK ? thread_start(run, inv) : NULL;
    return c->thread != NULL ? ERR_OK : fault_set(f, ERR_MEMORY, "compact", "a thread");
}

enum err inventory_compact(struct inventory *inv, const struct inventory_compact *o,
                           struct fault *f) {
    struct compacting *c = &inv->compacting;
    if (inv->log == NULL || inv->care.data == NULL)
        return fault_set(f, ERR_PERMISSION, "inventory", "open for reading only");
    if (o->before_ms <= 0 || o->before_ms > inventory_now_ms(inv))
        return fault_set(f, ERR_USAGE, "before", "a moment in the past");
    mutex_lock(inv->waiting);
    bool is_free = !c->is_busy && !c->is_closing;
    struct thread *done = is_free ? c->thread : NULL;
    if (is_free) {
        c->is_busy = true;
        c->thread = NULL;
        c->now = (struct inventory_compaction){
            .step = INVENTORY_COMPACT_READING, .before_ms = o->before_ms, .is_dry = o->is_dry};
    }
    mutex_unlock(inv->waiting);
    if (!is_free)
        return fault_set(f, ERR_BUSY, "compact", "one is at work");
    thread_join(done);
    enum err code = begin(inv, o, f);
    if (code == ERR_OK)
        return code;
    mutex_lock(inv->waiting);
    c->is_busy = false;
    c->now.step = INVENTORY_COMPACT_NONE;
    mutex_unlock(inv->waiting);
    return code;
}

void inventory_compaction(struct inventory *inv, struct inventory_compaction *out) {
    mutex_lock(inv->waiting);
    *out = inv->compacting.now;
    mutex_unlock(inv->waiting);
}

void compact_close(struct inventory *inv) {
    struct compacting *c = &inv->compacting;
    mutex_lock(inv->waiting);
    c->is_closing = true;
    mutex_unlock(inv->waiting);
    thread_join(c->thread);
    arena_clear(&c->arena);
}
