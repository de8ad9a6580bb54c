/* Writes and reads stores for the tests: the filled store of export_test.py, the
 * writer that store_kill.py kills, the figures of `make bench`.
 *
 *   store_tool fill DIR FILE...        one push of DER files, one face each
 *   store_tool write DIR THREADS       appends for ever; one line for each acknowledged entry
 *   store_tool read DIR                one line for each entry, then what is wrong
 *   store_tool bench DIR FILE BATCH [bare]    FILE: 4 bytes of length, DER, and so on;
 *                                      bare: without observations
 *   store_tool open DIR                figures of a store that is there
 *   store_tool seal DIR                seals all of it but the last segment; figures */
#include "base/os.h"
#include "base/text.h"
#include "base/thread.h"
#include "store/inventory/inventory.h"

#include <stdlib.h>
#include <string.h>

static int fail(const struct fault *f) {
    char text[400];
    fprintf(stderr, "store_tool: %s\n", fault_text(f, text, sizeof text));
    return 1;
}

static struct bytes load(struct arena *a, const char *path) {
    struct buf b;
    struct fault f;
    buf_init(&b, (size_t)2 << 30);
    if (file_read(path, &b, &f) != ERR_OK)
        exit(fail(&f));
    struct bytes copy = arena_copy(a, buf_bytes(&b));
    buf_clear(&b);
    return copy;
}

static enum err enrol(struct inventory *inv, uint8_t id[INVENTORY_ID_SIZE], struct fault *f) {
    struct inventory_agent a;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct inventory_enrolment e = {.name = bytes_text("filler"), .spki = bytes_text("a key")};
    enum err code = inventory_agent_by_name(inv, e.name, &arena, &a, f);
    if (code == ERR_OK)
        memcpy(id, a.id, INVENTORY_ID_SIZE);
    else
        code = inventory_agent_enrol(inv, &e, id, NULL, NULL, f);
    arena_clear(&arena);
    return code;
}

/* 198.18.0.0/15 is for tests (RFC 2544). */
static void look(struct model_observation *o, struct model_sha256 *hash, struct bytes der, size_t i,
                 int64_t now_s) {
    uint8_t ip[4] = {198, 18, (uint8_t)(i >> 8), (uint8_t)i};
    hash_of(HASH_SHA256, der, hash->bytes);
    *o = (struct model_observation){
        .scan = bytes_text("fill"),
        .target = bytes_text("198.18.0.0/15"),
        .ip = ip_of(bytes_of(ip, 4)),
        .port = (uint16_t)(443 + (i >> 16)),
        .protocol = MODEL_TLS,
        .time_s = now_s,
        .outcome = MODEL_OK,
        .stage = MODEL_STAGE_DONE,
        .detail = bytes_text("=1+1,\"quoted\"\r\nsecond line\x1b[31m"),
        .duration_ms = 3,
        .has_tls = true,
        .tls = {.version = bytes_text("TLSv1.3"),
                .cipher_suite = bytes_text("TLS_AES_128_GCM_SHA256"),
                .group = bytes_text("x25519")},
        .chain = hash,
        .chain_n = 1
    };
}

static enum err push(struct inventory *inv, const uint8_t *agent, const char *batch,
                     const struct inventory_der *ders, size_t n, size_t first, bool looked,
                     struct arena *a, struct fault *f) {
    struct model_observation *o = arena_array(a, n, sizeof *o);
    struct model_sha256 *hashes = arena_array(a, n, sizeof *hashes);
    struct env env = env_system(NULL);
    struct inventory_result result;
    if (o == NULL || hashes == NULL)
        return fault_set(f, ERR_MEMORY, "push", "%zu", n);
    for (size_t i = 0; i < n; i++)
        look(&o[i], &hashes[i], ders[i].der, first + i, env_now_s(&env));
    struct inventory_push p = {.agent = agent,
                               .batch = bytes_text(batch),
                               .certificates = ders,
                               .certificates_n = n,
                               .observations = o,
                               .observations_n = looked ? n : 0,
                               .complete = true};
    return inventory_push(inv, &p, a, &result, NULL, NULL, f);
}

static int fill(struct env *env, const char *dir, char **files, size_t n) {
    struct inventory *inv;
    struct fault f;
    struct arena a;
    uint8_t agent[INVENTORY_ID_SIZE];
    arena_init(&a, (size_t)1 << 30);
    struct inventory_der *ders = arena_array(&a, n + 1, sizeof *ders);
    for (size_t i = 0; i < n; i++)
        ders[i].der = load(&a, files[i]);
    enum err code = inventory_open(dir, env, &inv, &f);
    if (code != ERR_OK)
        return fail(&f);
    code = enrol(inv, agent, &f);
    if (code == ERR_OK)
        code = push(inv, agent, "fill", ders, n, 0, true, &a, &f);
    inventory_close(inv);
    arena_clear(&a);
    return code == ERR_OK ? 0 : fail(&f);
}

/* ---- For store_kill.py ---- */

struct writer {
    struct store_log *log;
    unsigned id;
};

static void write_for_ever(void *argument) {
    struct writer *w = argument;
    for (unsigned i = 0;; i++) {
        char text[200];
        struct fault f;
        uint64_t first;
        snprintf(text, sizeof text, "%u-%u %0*u", w->id, i, (int)(i * 7 % 90) + 1, i);
        struct store_entry e[3] = {
            {.type = 9, .version = 1, .payload = bytes_text(text)}
        };
        e[1] = e[2] = e[0];
        if (store_log_append(w->log, e, 1 + i % 3, &first, &f) != ERR_OK)
            exit(fail(&f));
        for (unsigned k = 0; k <= i % 3; k++)
            printf("%llu %s\n", (unsigned long long)first + k, text);
        fflush(stdout);
    }
}

static int write_log(struct env *env, const char *dir, unsigned threads) {
    struct store_log_options o = {.segment_bytes = 20000, .sealed_bytes = 4000, .seals = true};
    struct store_log *log;
    struct store_harm torn;
    struct fault f;
    static struct writer writers[64];
    struct thread *last = NULL;
    env->log_level = LOG_WARN;
    if (store_log_open(dir, env, &o, &log, &torn, &f) != ERR_OK)
        return fail(&f);
    printf("opened %llu torn %llu\n", (unsigned long long)store_log_tree(log).size,
           (unsigned long long)torn.size);
    fflush(stdout);
    for (unsigned i = 0; i < threads && i < 64; i++) {
        writers[i] = (struct writer){log, i};
        last = thread_start(write_for_ever, &writers[i]);
    }
    thread_join(last);
    return 1;
}

static int read_log(const char *path) {
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    struct buf text;
    if (store_reader_open(path, &r, &f) != ERR_OK)
        return fail(&f);
    while (store_reader_next(r, &e, &f) == ERR_OK)
        printf("%llu %.*s\n", (unsigned long long)e.number, (int)e.payload.n,
               (const char *)e.payload.p);
    buf_init(&text, 1000);
    for (size_t i = 0; store_reader_harm(r, i) != NULL; i++) {
        buf_reset(&text);
        store_harm_text(store_reader_harm(r, i), &text);
        printf("harm %s\n", buf_cstr(&text));
    }
    buf_clear(&text);
    store_reader_close(r);
    return f.code == ERR_NOT_FOUND ? 0 : fail(&f);
}

/* ---- Figures ---- */

static double seconds(const struct env *env) {
    return (double)env->tick_ms(env->context) / 1000.0;
}

static void bench_lists(struct env *env, struct inventory *inv) {
    static const struct {
        const char *name, *query; /* the names stand in bench.py */
    } texts[] = {
        {"",                ""                                      },
        {"www",             "www"                                   },
        {"nothing like it", "\"nothing like it\""                   },
        {"0badc0de",        "0badc0de"                              },
        {"is:served",       "is:served"                             },
        {"expires<30d",     "expires<30d"                           },
        {"a place",         "agent:filler port:443 not key:rsa<2048"},
    };
    struct arena a, own;
    struct fault f;
    char cursor[128];
    arena_init(&a, 64 << 20);
    arena_init(&own, 1 << 20);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct query_error e;
        struct inventory_query q = {.sort = INVENTORY_BY_END};
        if (query_parse(&own, bytes_text(texts[i].query), QUERY_CERTIFICATES, env_now_s(env),
                        &q.where, &e) != ERR_OK)
            exit(2);
        if (i == 0)
            q.where = NULL;
        struct inventory_cert *rows;
        struct inventory_page page = {0};
        size_t n = 0, turns = i == 0 ? 10000 : 50;
        (void)!inventory_certs(inv, &q, &a, &rows, &n, &page, &f); /* makes the order */
        double start = seconds(env);
        for (size_t k = 0; k < turns; k++) {
            arena_reset(&a);
            (void)!inventory_certs(inv, &q, &a, &rows, &n, &page, &f);
            size_t cursor_n = page.next.n < sizeof cursor ? page.next.n : 0;
            if (cursor_n > 0)
                memcpy(cursor, page.next.p, cursor_n);
            q.cursor = bytes_of(cursor, cursor_n);
        }
        printf("page of 100, text '%s': %llu rows, %.3f ms\n", texts[i].name,
               (unsigned long long)page.total, (seconds(env) - start) * 1000 / (double)turns);
    }
    arena_clear(&a);
    arena_clear(&own);
}

/* What lists show, by fingerprint and by serial number; counts by kind. */
static void bench_look_ups(struct env *env, struct inventory *inv) {
    enum { TURNS = 200, GROUPS = 2000 };
    struct inventory_query q = {.sort = INVENTORY_BY_NAME, .limit = 500};
    struct inventory_cert *rows, row;
    struct inventory_page page;
    struct inventory_groups groups;
    struct arena a, own;
    struct fault f;
    size_t n = 0, found = 0;
    arena_init(&a, 64 << 20);
    arena_init(&own, 64 << 20);
    if (inventory_certs(inv, &q, &own, &rows, &n, &page, &f) != ERR_OK)
        exit(fail(&f));
    double start = seconds(env);
    for (size_t i = 0; i < n * TURNS; i++) {
        arena_reset(&a);
        found += inventory_cert_row(inv, rows[i % n].sha256, &a, &row, &f) == ERR_OK;
    }
    printf("row by fingerprint: %.5f ms\n", (seconds(env) - start) * 1000 / (double)found);
    const struct query **serials = arena_array(&own, n + 1, sizeof *serials);
    for (size_t i = 0; i < n; i++) {
        struct query_error e;
        struct buf text;
        buf_init(&text, QUERY_LENGTH_MAX);
        buf_text(&text, "serial:");
        hex_put(&text, rows[i].serial);
        if (query_parse(&own, arena_copy(&own, buf_bytes(&text)), QUERY_CERTIFICATES, 0,
                        &serials[i], &e) != ERR_OK)
            exit(2);
        buf_clear(&text);
    }
    start = seconds(env);
    for (size_t i = 0; i < n * 10; i++) {
        struct inventory_query by = {.where = serials[i % n]};
        struct inventory_cert *one;
        size_t one_n = 0;
        arena_reset(&a);
        (void)!inventory_certs(inv, &by, &a, &one, &one_n, &page, &f);
        found += one_n;
    }
    printf("rows by serial: %.5f ms\n", (seconds(env) - start) * 1000 / (double)(n * 10));
    static const char *const names[] = {"week", "issuer", "key"};
    for (unsigned by = INVENTORY_PER_WEEK; by <= INVENTORY_PER_KEY; by++) {
        start = seconds(env);
        for (unsigned i = 0; i < GROUPS; i++) {
            arena_reset(&a);
            (void)!inventory_certs_group(inv, NULL, (enum inventory_group)by, env_now_s(env), 100,
                                         &a, &groups, &f);
        }
        printf("counted by %s: %.5f ms\n", names[by], (seconds(env) - start) * 1000 / GROUPS);
    }
    arena_clear(&a);
    arena_clear(&own);
}

static void bench_fetch(struct env *env, struct inventory *inv) {
    struct inventory_query q = {.sort = INVENTORY_BY_END, .limit = 500};
    struct inventory_cert *rows;
    struct inventory_page page;
    struct arena a, b;
    struct fault f;
    size_t n = 0;
    arena_init(&a, 64 << 20);
    arena_init(&b, 8 << 20);
    if (inventory_certs(inv, &q, &a, &rows, &n, &page, &f) != ERR_OK)
        exit(fail(&f));
    double start = seconds(env);
    for (size_t i = 0; i < n; i++) {
        struct bytes der;
        arena_reset(&b);
        if (inventory_cert_der(inv, rows[i].sha256, &b, &der, &f) != ERR_OK)
            exit(fail(&f));
    }
    printf("DER by fingerprint: %.3f ms\n", (seconds(env) - start) * 1000 / (double)n);
    arena_clear(&a);
    arena_clear(&b);
}

static int bench(struct env *env, const char *dir, const char *path, size_t batch, bool looked) {
    struct inventory *inv;
    struct inventory_counts counts;
    struct fault f;
    struct arena a, item;
    uint8_t agent[INVENTORY_ID_SIZE];
    arena_init(&a, (size_t)4 << 30);
    arena_init(&item, (size_t)1 << 30);
    struct cur c = cur_open(load(&a, path));
    if (inventory_open(dir, env, &inv, &f) != ERR_OK || enrol(inv, agent, &f) != ERR_OK)
        return fail(&f);
    double start = seconds(env);
    size_t total = 0, raw = 0;
    while (c.rest.n > 0) {
        char name[40];
        size_t n = 0;
        struct inventory_der *ders = arena_array(&item, batch, sizeof *ders);
        for (; n < batch && c.rest.n > 0; n++) {
            ders[n].der = cur_take(&c, cur_u32(&c));
            raw += ders[n].der.n;
        }
        snprintf(name, sizeof name, "bench-%zu", total);
        if (push(inv, agent, name, ders, n, total, looked, &item, &f) != ERR_OK)
            return fail(&f);
        total += n;
        arena_reset(&item);
    }
    double took = seconds(env) - start;
    inventory_count(inv, 0, 0, &counts);
    printf("stored %zu certificates%s, batches of %zu: %.2f s, %.0f/s\n", total,
           looked ? " with an observation each" : "", batch, took, (double)total / took);
    printf("raw %.1f bytes a certificate, log %.1f bytes\n", (double)raw / (double)total,
           (double)counts.log_bytes / (double)total);
    inventory_close(inv);
    arena_clear(&a);
    arena_clear(&item);
    return 0;
}

/* In KiB, of this process: memory that is its own, without the pages of files. 0 where
 * the system does not tell. */
static unsigned private_memory(void) {
    char line[128];
    unsigned kib = 0;
    FILE *in = fopen("/proc/self/status", "r");
    while (in != NULL && fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = (unsigned)strtoul(line + 8, NULL, 10);
    if (in != NULL)
        fclose(in);
    return kib;
}

/* A store that is there: until the first page, then all questions. */
static int bench_open(struct env *env, const char *dir) {
    struct inventory *inv;
    struct inventory_query q = {.sort = INVENTORY_BY_END};
    struct inventory_cert *rows;
    struct inventory_page page;
    struct fault f;
    struct arena a;
    size_t n = 0;
    arena_init(&a, 64 << 20);
    unsigned before = private_memory();
    double start = seconds(env);
    if (inventory_open(dir, env, &inv, &f) != ERR_OK ||
        inventory_certs(inv, &q, &a, &rows, &n, &page, &f) != ERR_OK)
        return fail(&f);
    printf("opened again: %.3f s\n", seconds(env) - start);
    arena_clear(&a);
    bench_lists(env, inv);
    bench_look_ups(env, inv);
    bench_fetch(env, inv);
    printf("private memory: %.1f MB\n", (private_memory() - before) / 1024.0);
    inventory_close(inv);
    return 0;
}

/* Entries here and there, each of a block that was not asked for just before. */
static double fetch_ms(struct env *env, struct store_log *log, uint64_t n) {
    enum { TURNS = 1000 };
    struct store_entry e;
    struct buf room;
    struct fault f;
    buf_init(&room, 16u << 20);
    double start = seconds(env);
    for (uint64_t i = 0; i < TURNS; i++)
        if (store_log_get(log, i * 7919 % n, &room, &e, &f) != ERR_OK)
            exit(fail(&f));
    buf_clear(&room);
    return (seconds(env) - start) * 1000 / TURNS;
}

static int seal(struct env *env, const char *dir) {
    struct store_log_options o = {.seals = false};
    struct store_log *log;
    struct fault f;
    uint64_t before, after, segments;
    env->log_level = LOG_WARN;
    if (store_log_open(dir, env, &o, &log, NULL, &f) != ERR_OK)
        return fail(&f);
    uint64_t n = store_log_tree(log).size;
    store_log_size(log, &before, &segments);
    double live = fetch_ms(env, log, n);
    store_log_close(log);
    o.seals = true;
    if (store_log_open(dir, env, &o, &log, NULL, &f) != ERR_OK)
        return fail(&f);
    double start = seconds(env);
    while (store_log_sealed(log) + 1 < segments)
        thread_sleep_ms(10);
    double took = seconds(env) - start;
    store_log_size(log, &after, &segments);
    printf("sealed %llu of %llu segments: %.1f s, %.1f s/GB\n", (unsigned long long)segments - 1,
           (unsigned long long)segments, took, took * 1e9 / (double)before);
    printf("log %llu bytes, was %llu\n", (unsigned long long)after, (unsigned long long)before);
    printf("entry by number: %.3f ms, was %.3f ms\n", fetch_ms(env, log, n), live);
    store_log_close(log);
    return 0;
}

int main(int argc, char **argv) {
    os_start(&argc, &argv);
    struct env env = env_system(NULL);
    const char *mode = argc > 2 ? argv[1] : "";
    if (strcmp(mode, "fill") == 0)
        return fill(&env, argv[2], argv + 3, (size_t)argc - 3);
    if (strcmp(mode, "write") == 0 && argc == 4)
        return write_log(&env, argv[2], (unsigned)strtoul(argv[3], NULL, 10));
    if (strcmp(mode, "read") == 0)
        return read_log(argv[2]);
    if (strcmp(mode, "open") == 0)
        return bench_open(&env, argv[2]);
    if (strcmp(mode, "seal") == 0)
        return seal(&env, argv[2]);
    if (strcmp(mode, "bench") == 0 && argc >= 5)
        return bench(&env, argv[2], argv[3], strtoul(argv[4], NULL, 10), argc == 5);
    fputs("store_tool fill|write|read|bench|open|seal ...\n", stderr);
    return 2;
}
