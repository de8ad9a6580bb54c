/* store/ on a disk that fails (disk.h): whatever is acknowledged is there afterwards, whatever
 * is answered is true. Each seed is one life of a store: batches, turns of segments, openings
 * and closings, with faults of one mix and power that goes at some call.
 *
 * SEEDS=n runs n of each kind from FIRST on (0), SEED=n that one alone, with its story. */
#include "../unit/test.h"

#include "disk.h"

#include "base/env.h"
#include "base/text.h"
#include "base/zip.h"
#include "store/inventory/inventory.h"
#include "store/log/segment.h"

#include <stdlib.h>

enum {
    ENTRIES_MAX = 2000,
    GROUP_MAX = 4,
    BATCH_MAX = 6,
    PAYLOAD_MAX = 2500,
    QUICK_SEEDS = 250,
    LIVES = 4,
    STEPS = 14,
    CERTS_MAX = 5
};

static struct {
    uint64_t seed;
    bool tells;
    uint64_t random; /* of the test, apart from the disk's */
    struct env env;
    FILE *null;
    int64_t now_ms;
    uint64_t acknowledged, lives, refused, compacted; /* counted for the last line */
    struct store_log_options small;                   /* of every log that is opened */
} run;

static uint64_t draw(uint64_t below) {
    return disk_random(&run.random) % below;
}

static void tell(const char *format, ...) PRINTF_LIKE(1, 2);
static void tell(const char *format, ...) {
    va_list args;
    if (!run.tells)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
}

/* What does not hold names the seed. */
#define HOLDS(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            disk_arm(false);                                                                       \
            printf("seed %llu: %s: ", (unsigned long long)run.seed, #condition);                   \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static int64_t clock_ms(void *context) {
    (void)context;
    return run.now_ms;
}

static uint64_t tick_ms(void *context) {
    (void)context;
    return 0;
}

static bool random_bytes(void *context, uint8_t *out, size_t n) {
    (void)context;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)draw(256);
    return true;
}

static void begin(uint64_t seed) {
    if (run.null == NULL)
        run.null = fopen("/dev/null", "w");
    assert_non_null(run.null);
    run.seed = seed;
    run.random = seed ^ 0x5eed;
    run.now_ms = 1767225600000;
    run.env = (struct env){.now_ms = clock_ms,
                           .tick_ms = tick_ms,
                           .random = random_bytes,
                           .out = run.null,
                           .err = run.tells ? stdout : run.null,
                           .log_level = run.tells ? LOG_DEBUG : LOG_ERROR};
    disk_reset(seed);
    run.small.segment_bytes = 1 + draw(2) * draw(4000);
    run.small.block_bytes = 200 + draw(1200);
}

/* Every log has small segments and is at rest when it has been opened. */
enum err __real_store_log_open(const char *dir, const struct env *env,
                               const struct store_log_options *options, struct store_log **out,
                               struct store_harm *torn, struct fault *f);
enum err __wrap_store_log_open(const char *dir, const struct env *env,
                               const struct store_log_options *options, struct store_log **out,
                               struct store_harm *torn, struct fault *f);
enum err __wrap_store_log_open(const char *dir, const struct env *env,
                               const struct store_log_options *options, struct store_log **out,
                               struct store_harm *torn, struct fault *f) {
    struct store_log_options o = options != NULL ? *options : (struct store_log_options){0};
    o.segment_bytes = run.small.segment_bytes;
    o.block_bytes = run.small.block_bytes;
    o.seals = false; /* a second thread; this disk knows of one beside the main one */
    enum err code = __real_store_log_open(dir, env, &o, out, torn, f);
    if (code == ERR_OK)
        disk_settle();
    return code;
}

/* The mixes: power alone, a disk that fails, a full one, memory, and all of it. */
static void plan(uint64_t mix) {
    if (mix == 1 || mix == 4) {
        disk_odds(DISK_IO, 20 + (unsigned)draw(400));
        disk_odds(DISK_SYNC, 5 + (unsigned)draw(40));
    }
    if (mix == 2 || mix == 4)
        disk_odds(DISK_FULL, 5 + (unsigned)draw(60));
    if (mix == 3 || mix == 4)
        disk_odds(DISK_MEMORY, 10 + (unsigned)draw(400));
    if (mix > 0) {
        disk_odds(DISK_SHORT, 3);
        disk_odds(DISK_EINTR, 5);
    }
    if (mix == 0 || draw(2) == 0)
        disk_power_off_after(1 + draw(draw(2) ? 30 : 200));
}

static void no_faults(void) {
    disk_arm(false);
    disk_space(UINT64_MAX);
    for (unsigned i = 0; i < DISK_FAULTS; i++)
        disk_odds((enum disk_fault)i, 0);
}

/* ---- The log ---- */

/* What was acknowledged, by the text that each entry was made of. */
static struct {
    uint64_t made[ENTRIES_MAX + GROUP_MAX * BATCH_MAX];
    uint64_t n;      /* acknowledged */
    uint64_t flying; /* behind them: of the commit that ended the handle, may be there */
    uint64_t next;   /* number of the next text */
    /* By number: the payload was to go; and that was acknowledged. */
    bool may_go[ENTRIES_MAX + GROUP_MAX * BATCH_MAX], gone[ENTRIES_MAX + GROUP_MAX * BATCH_MAX];
} model;

static struct store_log *the_log;

/* Short and long, what deflates and what does not, and zeros at the end. */
static struct store_entry entry_made(uint64_t made, uint8_t room[PAYLOAD_MAX]) {
    uint64_t state = made;
    uint64_t kind = disk_random(&state) % 4, n = disk_random(&state) % (kind == 3 ? 2000 : 120);
    snprintf((char *)room, PAYLOAD_MAX, "entry made as %llu ", (unsigned long long)made);
    size_t from = strlen((const char *)room);
    for (size_t i = 0; i < n; i++)
        room[from + i] = kind == 0 ? 0 : kind == 1 ? 'a' : (uint8_t)disk_random(&state);
    return (struct store_entry){.type = (uint16_t)(made % 9),
                                .version = 1,
                                .time_ms = (int64_t)made,
                                .payload = bytes_of(room, from + n)};
}

static bool entry_is(const struct store_entry *e, uint64_t made) {
    uint8_t room[PAYLOAD_MAX];
    struct store_entry want = entry_made(made, room);
    return e->type == want.type && e->version == want.version && e->time_ms == want.time_ms &&
           bytes_equal(e->payload, want.payload);
}

static void leaf_made(uint64_t made, uint8_t leaf[STORE_HASH_SIZE]) {
    uint8_t room[PAYLOAD_MAX];
    struct buf canonical;
    buf_init(&canonical, 1u << 16);
    struct store_entry e = entry_made(made, room);
    store_entry_write(&e, &canonical);
    store_leaf_hash(buf_bytes(&canonical), leaf);
    buf_clear(&canonical);
}

/* What was written, or, where that was to go, its keeper. */
static bool is_there(const struct store_entry *e, uint64_t number) {
    uint8_t leaf[STORE_HASH_SIZE];
    if (!e->is_dropped)
        return !model.gone[number] && entry_is(e, model.made[number]);
    leaf_made(model.made[number], leaf);
    return model.may_go[number] && bytes_equal(e->payload, bytes_of(leaf, sizeof leaf));
}

/* Batches that are committed together. */
struct commit {
    size_t n;
    struct store_entry entries[GROUP_MAX][BATCH_MAX];
    uint8_t rooms[GROUP_MAX][BATCH_MAX][PAYLOAD_MAX];
    size_t sizes[GROUP_MAX];
    enum err codes[GROUP_MAX];
    uint64_t firsts[GROUP_MAX];
    size_t answered;
    struct commit *then; /* handed in when the first is answered: so all of it is one commit */
};

static void commit_done(void *context, const struct fault *f, uint64_t first);

/* The batches that the log takes; others are no part of it. */
static void commit_submit(struct commit *c) {
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct fault f;
        if (store_log_submit(the_log, c->entries[i], c->sizes[i], commit_done, c, &f) != ERR_OK)
            continue;
        memmove(c->entries[kept], c->entries[i], sizeof c->entries[i]);
        c->sizes[kept++] = c->sizes[i];
    }
    c->n = kept;
}

static void commit_done(void *context, const struct fault *f, uint64_t first) {
    struct commit *c = context;
    c->codes[c->answered] = f->code;
    c->firsts[c->answered++] = first;
    if (c->then != NULL)
        commit_submit(c->then);
}

static void commit_make(struct commit *c, size_t batches) {
    c->n = batches;
    c->answered = 0;
    c->then = NULL;
    for (size_t i = 0; i < batches; i++) {
        c->sizes[i] = 1 + (size_t)draw(BATCH_MAX);
        for (size_t k = 0; k < c->sizes[i]; k++)
            c->entries[i][k] = entry_made(model.next++, c->rooms[i][k]);
    }
}

/* False: the handle has ended, and nobody knows whether this commit is there. */
static bool commit_take(const struct commit *c) {
    uint64_t n = 0;
    HOLDS(c->answered == c->n, "%zu of %zu are answered", c->answered, c->n);
    if (c->n == 0)
        return true;
    for (size_t i = 0; i < c->n; i++) {
        HOLDS(c->codes[i] == c->codes[0], "batch %zu is answered unlike the first", i);
        HOLDS(c->codes[0] != ERR_OK || c->firsts[i] == model.n + n, "batch %zu has another number",
              i);
        for (size_t k = 0; k < c->sizes[i]; k++)
            model.made[model.n + n++] = (uint64_t)c->entries[i][k].time_ms;
    }
    tell("  %llu entries in %zu batches behind %llu: %s", (unsigned long long)n, c->n,
         (unsigned long long)model.n, err_row(c->codes[0])->name);
    if (c->codes[0] == ERR_OK) {
        model.n += n;
        run.acknowledged += n;
        return true;
    }
    run.refused++;
    if (c->codes[0] != ERR_IO)
        return true; /* it is not there, and the log goes on */
    model.flying = n;
    return false;
}

/* One batch alone, and sometimes several in the commit behind it. */
static bool append(void) {
    static struct commit first, second;
    commit_make(&first, 1);
    commit_make(&second, (size_t)draw(GROUP_MAX));
    first.then = second.n > 0 ? &second : NULL;
    commit_submit(&first);
    if (first.n == 0)
        return true;
    disk_settle();
    bool is_alive = commit_take(&first);
    if (first.then == NULL)
        return is_alive;
    if (is_alive)
        return commit_take(&second);
    HOLDS(second.n == 0 || second.codes[0] != ERR_OK, "a log that has ended goes on");
    return false;
}

static void check_root(const struct store_tree *tree) {
    struct store_tree want = {.size = 0};
    uint8_t leaf[STORE_HASH_SIZE], a[STORE_HASH_SIZE], b[STORE_HASH_SIZE];
    for (uint64_t i = 0; i < tree->size; i++) {
        leaf_made(model.made[i], leaf);
        store_tree_add(&want, leaf);
    }
    store_tree_root(&want, a);
    store_tree_root(tree, b);
    HOLDS(memcmp(a, b, sizeof a) == 0, "another root over %llu entries",
          (unsigned long long)tree->size);
}

static void check_reader(uint64_t n) {
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    uint64_t next = 0;
    enum err code = store_reader_open(DISK_ROOT, &r, &f);
    HOLDS(code == ERR_OK, "%s", err_row(code)->name);
    while ((code = store_reader_next(r, &e, &f)) == ERR_OK) {
        HOLDS(e.number == next && next < n, "entry %llu of %llu", (unsigned long long)e.number,
              (unsigned long long)n);
        HOLDS(is_there(&e, next), "entry %llu", (unsigned long long)next);
        next++;
    }
    HOLDS(code == ERR_NOT_FOUND && next == n, "%s behind %llu of %llu", err_row(code)->name,
          (unsigned long long)next, (unsigned long long)n);
    HOLDS(store_reader_harms(r) == 0, "%s at %llu", store_reader_harm(r, 0)->file,
          (unsigned long long)store_reader_harm(r, 0)->at);
    store_reader_close(r);
}

static void check_get(struct buf *room) {
    struct store_entry e;
    struct fault f;
    if (model.n == 0)
        return;
    uint64_t i = draw(model.n);
    enum err code = store_log_get(the_log, i, room, &e, &f);
    HOLDS(code == ERR_OK || disk_is_off() || code == ERR_IO || code == ERR_MEMORY,
          "%s of entry %llu", err_row(code)->name, (unsigned long long)i);
    HOLDS(code != ERR_OK || is_there(&e, i), "entry %llu", (unsigned long long)i);
}

struct choice {
    uint64_t by, from;
};

static bool is_chosen(const struct choice *c, uint64_t number) {
    return number % c->by == 0 && number >= c->from;
}

static bool drop(void *context, const struct store_entry *e, struct buf *rest) {
    (void)rest;
    return is_chosen(context, e->number);
}

/* The entries of a segment, by its heads. */
static void note_gone(uint32_t segment, struct choice *c) {
    uint64_t ends[2] = {0, 0};
    for (uint32_t i = 0; i < 2; i++) {
        struct segment_walk w;
        struct fault f;
        char path[64] = DISK_ROOT "/log/";
        segment_name(segment + i, path + strlen(path));
        bool is_read = segment_walk_open(&w, path, segment + i, false, UINT64_MAX, &f) == ERR_OK;
        if (!is_read || segment_walk_from(&w, 0, 0, &f) != SEGMENT_BLOCK)
            return; /* a fault: then nothing is claimed */
        ends[i] = w.head.tree.size;
        segment_walk_close(&w);
    }
    for (uint64_t i = ends[0]; i < ends[1]; i++)
        model.gone[i] |= is_chosen(c, i);
}

/* Payloads of one full segment go. */
static void compact(void) {
    struct choice c = {1 + draw(4), draw(model.n + 1)};
    struct store_compacted done;
    struct fault f;
    uint64_t end;
    uint32_t full = store_log_full(the_log, &end);
    if (full == 0)
        return;
    for (uint64_t i = 0; i < end; i++)
        model.may_go[i] |= is_chosen(&c, i);
    uint32_t segment = 1 + (uint32_t)draw(full);
    enum err code = store_log_compact(the_log, segment, drop, &c, &done, &f);
    tell("  compact segment %u of %u: %s, %llu dropped", (unsigned)segment, (unsigned)full,
         err_row(code)->name, (unsigned long long)done.dropped);
    HOLDS(code != ERR_DAMAGED && code != ERR_USAGE, "%s: %s", err_row(code)->name, f.detail);
    run.compacted += code == ERR_OK && done.dropped > 0;
    if (code == ERR_OK)
        note_gone(segment, &c);
}

/* All of what was acknowledged, and of what was on its way all or nothing. */
static void check_opened(const struct store_harm *torn) {
    struct store_tree tree = store_log_tree(the_log);
    tell("  opened with %llu entries, %llu acknowledged, torn %llu bytes",
         (unsigned long long)tree.size, (unsigned long long)model.n,
         (unsigned long long)torn->size);
    HOLDS(tree.size == model.n || tree.size == model.n + model.flying, "%llu entries, not %llu",
          (unsigned long long)tree.size, (unsigned long long)model.n);
    model.n = tree.size;
    model.flying = 0;
    check_root(&tree);
    check_reader(model.n);
}

/* Under faults it may fail; without any it must not. */
static void open_log(bool is_armed) {
    struct store_harm torn = {.size = 0};
    struct fault f;
    disk_arm(is_armed);
    enum err code = store_log_open(DISK_ROOT, &run.env, NULL, &the_log, &torn, &f);
    disk_arm(false);
    if (code != ERR_OK && disk_is_off())
        disk_power_on();
    if (code != ERR_OK) {
        tell("  not opened: %s", err_row(code)->name);
        HOLDS(is_armed && code != ERR_DAMAGED, "%s: %s", err_row(code)->name, f.detail);
        no_faults();
        code = store_log_open(DISK_ROOT, &run.env, NULL, &the_log, &torn, &f);
    }
    HOLDS(code == ERR_OK, "%s: %s", err_row(code)->name, f.detail);
}

static void live(void) {
    struct buf room;
    bool is_alive = true;
    buf_init(&room, 1u << 20);
    for (unsigned i = 0; i < STEPS && is_alive && !disk_is_off(); i++) {
        disk_arm(true);
        switch (draw(9)) {
        case 0:
            check_get(&room);
            break;
        case 2:
            compact();
            break;
        case 1:
            disk_space(draw(2) ? UINT64_MAX : draw(2000));
            break;
        default:
            is_alive = append();
            break;
        }
        disk_arm(false);
    }
    buf_clear(&room);
}

static void one_log(uint64_t seed) {
    begin(seed);
    memset(&model, 0, sizeof model);
    model.next = seed << 20;
    for (unsigned i = 0; i < LIVES; i++) {
        struct store_harm none = {.size = 0};
        tell("life %u", i);
        plan(seed % 5);
        open_log(true);
        if (disk_is_off()) {
            store_log_close(the_log);
            disk_power_on();
            no_faults();
            open_log(false);
        }
        uint64_t off = disk_faults(DISK_POWER);
        disk_arm(false);
        if (!disk_is_off())
            check_opened(&none);
        if (off == disk_faults(DISK_POWER))
            live();
        disk_arm(true);
        store_log_close(the_log);
        disk_arm(false);
        if (disk_is_off() || draw(4) == 0)
            disk_power_on();
        no_faults();
        run.lives++;
    }
    open_log(false);
    check_opened(&(struct store_harm){.size = 0});
    store_log_close(the_log);
}

/* ---- The inventory ---- */

enum { PUSHES_MAX = 300 };

/* Pushes by their number; what each holds follows from it. */
static struct {
    struct inventory *inv;
    uint8_t agent[INVENTORY_ID_SIZE];
    bool is_enrolled, is_enrolling; /* and whether that may have happened */
    uint64_t acknowledged[PUSHES_MAX], flying;
    size_t n;
    bool is_flying;
    uint64_t next;
    struct arena arena;
} shop;

static void der_of(uint64_t push, unsigned i, char out[64]) {
    snprintf(out, 64, "certificate %u of push %llu, %llx", i, (unsigned long long)push,
             (unsigned long long)(push * 0x9e3779b97f4a7c15u));
}

static unsigned certs_of(uint64_t push) {
    return 1 + (unsigned)(push * 2654435761u >> 7) % CERTS_MAX;
}

static enum err push(uint64_t number) {
    struct inventory_result result;
    struct fault f;
    static char texts[CERTS_MAX][64], batch[32], host[64];
    static struct inventory_der ders[CERTS_MAX];
    static struct model_observation seen[CERTS_MAX];
    static struct model_sha256 hashes[CERTS_MAX];
    unsigned n = certs_of(number);
    snprintf(host, sizeof host, "www%llu.example.com", (unsigned long long)number % 7);
    for (unsigned i = 0; i < n; i++) {
        der_of(number, i, texts[i]);
        ders[i].der = bytes_text(texts[i]);
        hash_of(HASH_SHA256, ders[i].der, hashes[i].bytes);
        seen[i] = (struct model_observation){.scan = bytes_text("scan"),
                                             .target = bytes_text("t"),
                                             .host = bytes_text(host),
                                             .sni = bytes_text(host),
                                             .port = (uint16_t)(1 + (number + i) % 5),
                                             .protocol = MODEL_TLS,
                                             .time_s = 1767225600 + (int64_t)number,
                                             .stage = MODEL_STAGE_DONE,
                                             .chain = &hashes[i],
                                             .chain_n = 1};
        (void)ip_read(bytes_text("192.0.2.9"), &seen[i].ip);
    }
    snprintf(batch, sizeof batch, "batch %llu", (unsigned long long)number);
    struct inventory_push p = {.agent = shop.agent,
                               .batch = bytes_text(batch),
                               .certificates = ders,
                               .certificates_n = n,
                               .observations = seen,
                               .observations_n = n,
                               .complete = true};
    arena_reset(&shop.arena);
    return inventory_push(shop.inv, &p, &shop.arena, &result, NULL, NULL, &f);
}

/* All that the lists and looks say of certificates and places. */
static void answers(struct inventory *inv, struct buf *text) {
    static const struct inventory_query q = {.limit = INVENTORY_PAGE_MAX};
    struct inventory_query more = q;
    struct inventory_page page;
    struct inventory_cert *certs;
    struct inventory_endpoint *places;
    struct inventory_agent *agents;
    struct inventory_cert_detail d;
    struct arena a;
    struct fault f;
    size_t n;
    arena_init(&a, 64u << 20);
    buf_reset(text);
    assert_int_equal(inventory_certs(inv, &more, &a, &certs, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(inventory_cert_get(inv, certs[i].sha256, &a, &d, &f), ERR_OK);
        buf_printf(text, "%.*s %lld %lld %u %u %zu\n", (int)d.der.n, (const char *)d.der.p,
                   (long long)d.cert.first_seen_ms, (long long)d.cert.last_seen_ms,
                   (unsigned)d.cert.places, (unsigned)d.cert.served, d.sightings_n);
    }
    assert_int_equal(inventory_endpoints(inv, &more, &a, &places, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++)
        buf_printf(text, "%.*s:%u %lld %.*s\n", (int)places[i].place.host.n,
                   (const char *)places[i].place.host.p, (unsigned)places[i].place.port,
                   (long long)places[i].last_seen_ms, (int)places[i].leaf_name.n,
                   (const char *)places[i].leaf_name.p);
    assert_int_equal(inventory_agents(inv, &more, &a, &agents, &n, &page, &f), ERR_OK);
    for (size_t i = 0; i < n; i++)
        buf_printf(text, "%.*s\n", (int)agents[i].name.n, (const char *)agents[i].name.p);
    assert_int_equal(text->err, ERR_OK);
    arena_clear(&a);
}

static void harm_is_none(void *context, const struct store_harm *harm) {
    (void)context;
    HOLDS(false, "%s at %llu", harm->file, (unsigned long long)harm->at);
}

static bool has_push(uint64_t number, unsigned *found) {
    struct inventory_cert_detail d;
    struct fault f;
    struct arena a;
    *found = 0;
    for (unsigned i = 0; i < certs_of(number); i++) {
        char text[64];
        uint8_t sha256[32];
        der_of(number, i, text);
        hash_of(HASH_SHA256, bytes_text(text), sha256);
        arena_init(&a, 16u << 20);
        if (inventory_cert_get(shop.inv, sha256, &a, &d, &f) == ERR_OK) {
            HOLDS(bytes_is(d.der, text), "certificate %u of push %llu", i,
                  (unsigned long long)number);
            ++*found;
        }
        arena_clear(&a);
    }
    return *found == certs_of(number);
}

/* The state is what the log says, and that has all that was acknowledged. */
static void check_shop(void) {
    struct inventory *other;
    struct fault f;
    struct buf a, b;
    unsigned found;
    buf_init(&a, 4u << 20);
    buf_init(&b, 4u << 20);
    for (size_t i = 0; i < shop.n; i++)
        HOLDS(has_push(shop.acknowledged[i], &found), "push %llu",
              (unsigned long long)shop.acknowledged[i]);
    if (shop.is_flying && has_push(shop.flying, &found))
        shop.acknowledged[shop.n++] = shop.flying;
    else
        HOLDS(!shop.is_flying || found == 0, "push %llu in part", (unsigned long long)shop.flying);
    shop.is_flying = false;
    answers(shop.inv, &a);
    enum err code = inventory_read(DISK_ROOT, &run.env, INT64_MAX, harm_is_none, NULL, &other, &f);
    HOLDS(code == ERR_OK, "%s: %s", err_row(code)->name, f.detail);
    answers(other, &b);
    HOLDS(bytes_equal(buf_bytes(&a), buf_bytes(&b)), "the state:\n%s\nthe log:\n%s", buf_cstr(&a),
          buf_cstr(&b));
    inventory_close(other);
    buf_clear(&a);
    buf_clear(&b);
}

/* No memory, or no log to be read, while the state was made: it says so, and nothing else. */
static bool is_broken(void) {
    struct inventory_query q = {.limit = 1};
    struct inventory_page page;
    struct inventory_cert *certs;
    struct fault f;
    size_t n;
    arena_reset(&shop.arena);
    enum err code = inventory_certs(shop.inv, &q, &shop.arena, &certs, &n, &page, &f);
    HOLDS(code == ERR_OK || code == ERR_MEMORY, "%s", err_row(code)->name);
    if (code != ERR_OK)
        tell("  broken");
    return code != ERR_OK;
}

static void open_shop(bool is_armed) {
    struct fault f;
    disk_arm(is_armed);
    enum err code = inventory_open(DISK_ROOT, &run.env, &shop.inv, &f);
    disk_arm(false);
    if (code != ERR_OK) {
        tell("  not opened: %s", err_row(code)->name);
        HOLDS(is_armed && code != ERR_DAMAGED, "%s: %s", err_row(code)->name, f.detail);
        if (disk_is_off())
            disk_power_on();
        no_faults();
        code = inventory_open(DISK_ROOT, &run.env, &shop.inv, &f);
    }
    HOLDS(code == ERR_OK, "%s: %s", err_row(code)->name, f.detail);
}

static void close_shop(bool is_armed) {
    disk_arm(is_armed);
    inventory_close(shop.inv);
    disk_arm(false);
    if (disk_is_off() || draw(4) == 0)
        disk_power_on();
    no_faults();
}

/* Without faults: an agent that pushes. */
static void enrol(void) {
    struct inventory_enrolment e = {.name = bytes_text("dc1"), .spki = bytes_text("a key")};
    struct fault f;
    open_shop(false);
    assert_int_equal(inventory_agent_enrol(shop.inv, &e, shop.agent, NULL, NULL, &f), ERR_OK);
    disk_settle();
    close_shop(false);
}

static void push_some(void) {
    for (unsigned i = 0; i < STEPS && !disk_is_off() && !shop.is_flying; i++) {
        uint64_t number = shop.next++;
        run.now_ms += 1000;
        if (draw(6) == 0)
            disk_space(draw(2) ? UINT64_MAX : draw(4000));
        disk_arm(true);
        enum err code = push(number);
        disk_settle();
        disk_arm(false);
        tell("  push %llu: %s", (unsigned long long)number, err_row(code)->name);
        if (code == ERR_OK) {
            shop.acknowledged[shop.n++] = number;
            run.acknowledged++;
        } else {
            run.refused++;
        }
        shop.is_flying = code == ERR_IO;
        shop.flying = number;
    }
}

static void one_inventory(uint64_t seed) {
    begin(seed);
    memset(&shop, 0, sizeof shop);
    arena_init(&shop.arena, 16u << 20);
    enrol();
    for (unsigned i = 0; i < LIVES; i++) {
        tell("life %u", i);
        plan(seed % 5);
        open_shop(true);
        if (!disk_is_off() && !is_broken()) {
            check_shop();
            push_some();
        }
        close_shop(true);
        run.lives++;
    }
    open_shop(false);
    check_shop();
    close_shop(false);
    arena_clear(&shop.arena);
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
    uint64_t n;
    const char *text = getenv(name);
    return text != NULL && number_read(bytes_text(text), UINT64_MAX, &n) ? n : otherwise;
}

/* ---- Bits ---- */

enum { FLIP_BATCHES = 2 };

/* What a reader finds behind a flipped bit: nothing wrong, and the place. */
static void check_flipped(const char *file, uint64_t bit) {
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    uint64_t next = 0;
    bool is_named = false;
    enum err code = store_reader_open(DISK_ROOT, &r, &f);
    HOLDS(code == ERR_OK, "%s", err_row(code)->name);
    while (store_reader_next(r, &e, &f) == ERR_OK) {
        HOLDS(e.number >= next && e.number < model.n && entry_is(&e, model.made[e.number]),
              "%s, bit %llu: entry %llu", file, (unsigned long long)bit,
              (unsigned long long)e.number);
        next = e.number + 1;
    }
    for (size_t i = 0; i < store_reader_harms(r); i++) {
        const struct store_harm *h = store_reader_harm(r, i);
        is_named |= strcmp(h->file, file) == 0 && h->at <= bit / 8 && bit / 8 < h->at + h->size &&
                    store_harm_code(h) == ERR_DAMAGED;
    }
    HOLDS(is_named, "%s, bit %llu is not named", file, (unsigned long long)bit);
    store_reader_close(r);
}

/* All bits of a log of several segments, or in short each eleventh, which is one of every
 * byte or two. Opening it for writing is refused, with the file. */
static void every_bit_of_a_log_is_noticed(void **state) {
    (void)state;
    struct fault f;
    uint64_t bits = 0, stride = number_of("SEEDS", QUICK_SEEDS) > QUICK_SEEDS ? 1 : 11;
    begin(7);
    memset(&model, 0, sizeof model);
    run.small.segment_bytes = 300;
    run.small.block_bytes = 100;
    open_log(false);
    for (unsigned i = 0; i < FLIP_BATCHES; i++)
        assert_true(append());
    store_log_close(the_log);
    for (uint32_t number = 1;; number++) {
        char name[24], path[64];
        segment_name(number, name);
        snprintf(path, sizeof path, DISK_ROOT "/log/%s", name);
        if (!disk_exists(path))
            break;
        for (uint64_t bit = 0; disk_flip(path, bit); bit += stride, bits++) {
            check_flipped(name, bit);
            enum err code = store_log_open(DISK_ROOT, &run.env, NULL, &the_log, NULL, &f);
            HOLDS(code == ERR_DAMAGED && strstr(f.detail, name) != NULL, "%s, bit %llu: %s %s",
                  name, (unsigned long long)bit, err_row(code)->name, f.detail);
            assert_true(disk_flip(path, bit));
        }
    }
    open_log(false);
    check_opened(&(struct store_harm){.size = 0});
    store_log_close(the_log);
    assert_true(bits * stride > 5000);
    printf("log: %llu bits, each %llu.\n", (unsigned long long)bits, (unsigned long long)stride);
}

static void newest_index(char path[64]) {
    char one[64];
    path[0] = '\0';
    for (unsigned k = 1; k < 100000; k++) {
        snprintf(one, sizeof one, DISK_ROOT "/index/%08u.idx", k);
        if (disk_exists(one))
            memcpy(path, one, sizeof one);
        else if (path[0] != '\0')
            return;
    }
}

/* Bits of an index, of its head and all over: found, or of no meaning. */
static void a_bit_of_an_index_is_noticed(void **state) {
    (void)state;
    struct buf want, got;
    uint64_t flips = number_of("SEEDS", QUICK_SEEDS) / 5;
    begin(8);
    memset(&shop, 0, sizeof shop);
    buf_init(&want, 4u << 20);
    buf_init(&got, 4u << 20);
    arena_init(&shop.arena, 16u << 20);
    enrol();
    open_shop(false);
    push_some();
    answers(shop.inv, &want);
    inventory_close(shop.inv);
    for (uint64_t i = 0; i < flips; i++) {
        char path[64];
        newest_index(path);
        uint64_t bit = draw(8 * (i % 2 ? disk_size(path) : 4096));
        HOLDS(disk_flip(path, bit), "%s has no bit %llu", path, (unsigned long long)bit);
        open_shop(false);
        answers(shop.inv, &got);
        HOLDS(bytes_equal(buf_bytes(&want), buf_bytes(&got)), "%s, bit %llu", path,
              (unsigned long long)bit);
        inventory_close(shop.inv);
    }
    buf_clear(&want);
    buf_clear(&got);
    arena_clear(&shop.arena);
    printf("index: %llu bits\n", (unsigned long long)flips);
}

static void each_seed(void (*one)(uint64_t seed), const char *what) {
    uint64_t first = number_of("FIRST", 0), n = number_of("SEEDS", QUICK_SEEDS);
    uint64_t only = number_of("SEED", UINT64_MAX), before[DISK_FAULTS];
    for (unsigned i = 0; i < DISK_FAULTS; i++)
        before[i] = disk_faults((enum disk_fault)i);
    run.tells = only != UINT64_MAX;
    run.lives = run.acknowledged = run.refused = run.compacted = 0;
    if (run.tells)
        first = only, n = 1;
    for (uint64_t seed = first; seed < first + n; seed++)
        one(seed);
    static const char *const names[DISK_FAULTS] = {"EIO",   "failed syncs", "ENOSPC",      "short",
                                                   "EINTR", "no memory",    "power losses"};
    printf("%s: %llu seeds, %llu lives, %llu acknowledged, %llu commits refused, %llu compacted",
           what, (unsigned long long)n, (unsigned long long)run.lives,
           (unsigned long long)run.acknowledged, (unsigned long long)run.refused,
           (unsigned long long)run.compacted);
    for (unsigned i = 0; i < DISK_FAULTS; i++)
        printf(", %llu %s", (unsigned long long)(disk_faults((enum disk_fault)i) - before[i]),
               names[i]);
    printf("\n");
}

static void an_inventory_says_what_its_log_says(void **state) {
    (void)state;
    each_seed(one_inventory, "inventory");
}

static void a_log_loses_nothing(void **state) {
    (void)state;
    each_seed(one_log, "log");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_loses_nothing),
        cmocka_unit_test(an_inventory_says_what_its_log_says),
        cmocka_unit_test(every_bit_of_a_log_is_noticed),
        cmocka_unit_test(a_bit_of_an_index_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
