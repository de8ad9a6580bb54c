/* How many certificates the store takes in: for bench.py.
 *
 *     ingest stages FILE N TEMPORARY   CPU us a certificate of each stage by itself
 *     ingest durable DIR FILE          one client, 64 clients, and a bare loop of write and sync
 *
 * FILE: 4 bytes of length, DER, and so on. A client waits until its certificate is durable
 * before it sends the next one. The bare loop appends as many bytes as a client's commit has and
 * syncs them (fdatasync), in the same folder, in turn with the client. */
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"
#include "base/zip.h"
#include "store/inventory/state.h"
#include "store/log/private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 64, TURNS = 5, TURN_MS = 300, BATCH = 1000 };

static int fail(const struct fault *f) {
    char text[400];
    fprintf(stderr, "ingest: %s\n", fault_text(f, text, sizeof text));
    exit(1);
}

static double now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct bytes load(const char *path) {
    static struct buf file;
    struct fault f;
    buf_init(&file, (size_t)2 << 30);
    if (file_read(path, &file, &f) != ERR_OK)
        fail(&f);
    return buf_bytes(&file);
}

static struct bytes take_der(struct cur *c) {
    return cur_take(c, cur_u32(c));
}

static int64_t no_clock(void *context) {
    (void)context;
    return 1767225600000;
}

/* ---- Stages ---- */

struct stages {
    struct bytes *ders;
    size_t n;
    struct env env;
    struct arena arena;
    struct buf entries; /* canonical bytes of all */
    size_t *ends;
};

static double parse(struct stages *x) {
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < x->n; i++) {
        struct x509_cert cert;
        struct record_certificate r = {.agent = bytes_of("0123456789abcdef", 16),
                                       .der = x->ders[i]};
        struct buf payload;
        arena_reset(&x->arena);
        if (x509_cert_read(&x->arena, x->ders[i], &cert, NULL) == ERR_OK)
            r.self_signed = x509_cert_self_signed(&cert);
        buf_init(&payload, STORE_ENTRY_MAX);
        record_certificate_write(&r, &payload);
        struct store_entry e = {.type = RECORD_CERTIFICATE,
                                .version = RECORD_VERSION,
                                .time_ms = 1767225600000,
                                .payload = buf_bytes(&payload)};
        store_entry_write(&e, &x->entries);
        x->ends[i] = x->entries.n;
        buf_clear(&payload);
    }
    return now(CLOCK_PROCESS_CPUTIME_ID) - start;
}

static struct bytes entry_at(const struct stages *x, size_t i) {
    return bytes_part(buf_bytes(&x->entries), i > 0 ? x->ends[i - 1] : 0,
                      x->ends[i] - (i > 0 ? x->ends[i - 1] : 0));
}

/* By what it is known, and its leaf of the tree. */
static double hash(struct stages *x) {
    uint8_t out[SHA256_SIZE];
    struct store_tree tree = {.size = 0};
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < x->n; i++) {
        hash_of(HASH_SHA256, x->ders[i], out);
        store_leaf_hash(entry_at(x, i), out);
        store_tree_add(&tree, out);
    }
    return now(CLOCK_PROCESS_CPUTIME_ID) - start;
}

static double index_all(struct stages *x) {
    struct state *s = calloc(1, sizeof *s);
    if (s == NULL)
        exit(1);
    state_init(s, &x->env);
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < x->n; i++) {
        struct cur c = cur_open(entry_at(x, i));
        struct store_entry e = {.number = i};
        if (!store_entry_take(&c, &e) || state_apply(s, &e) != ERR_OK)
            exit(1);
    }
    double took = now(CLOCK_PROCESS_CPUTIME_ID) - start;
    state_clear(s);
    free(s);
    return took;
}

/* As the log packs them: blocks of some size, a fresh dictionary each. */
static double deflate(struct stages *x, struct buf *out) {
    struct zip_deflater *z = zip_deflater_open(LOG_LEVEL);
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0, from = 0; i < x->n; i++) {
        if (x->ends[i] - from < LOG_BLOCK_BYTES && i + 1 < x->n)
            continue;
        struct bytes block = bytes_part(buf_bytes(&x->entries), from, x->ends[i] - from);
        from = x->ends[i];
        if (zip_deflate(z, store_dictionary_1(), block, out) != ERR_OK)
            exit(1);
    }
    zip_deflater_close(z);
    return now(CLOCK_PROCESS_CPUTIME_ID) - start;
}

static double put(const struct buf *packed, const char *path, size_t n) {
    struct file file;
    struct fault f;
    size_t part = packed->n / (n / BATCH + 1) + 1;
    if (file_open(&file, path, FILE_APPEND, &f) != ERR_OK)
        fail(&f);
    double start = now(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t at = 0; at < packed->n; at += part)
        if (file_write_at(&file, at, bytes_part(buf_bytes(packed), at, part), &f) != ERR_OK ||
            file_sync(&file, &f) != ERR_OK)
            fail(&f);
    double took = now(CLOCK_PROCESS_CPUTIME_ID) - start;
    file_close(&file);
    return file_remove(path, &f) == ERR_OK ? took : 0;
}

static int run_stages(const char *path, size_t n, const char *temporary) {
    struct stages x = {.env = env_system(NULL)};
    struct cur c = cur_open(load(path));
    struct buf packed;
    double us = 1e6 / (double)n;
    x.env.now_ms = no_clock;
    x.ders = calloc(n, sizeof *x.ders);
    x.ends = calloc(n, sizeof *x.ends);
    arena_init(&x.arena, 8 << 20);
    buf_init(&x.entries, (size_t)4 << 30);
    buf_init(&packed, (size_t)4 << 30);
    for (; x.n < n && c.rest.n > 0; x.n++)
        x.ders[x.n] = take_der(&c);
    printf("parse %.2f us\n", parse(&x) * us);
    printf("hash %.2f us\n", hash(&x) * us);
    printf("index %.2f us\n", index_all(&x) * us);
    printf("deflate %.2f us\n", deflate(&x, &packed) * us);
    printf("write %.2f us\n", put(&packed, temporary, n) * us);
    return 0;
}

/* ---- Durable clients ---- */

struct clients {
    struct inventory *inv;
    uint8_t agent[INVENTORY_ID_SIZE];
    struct mutex *mutex; /* guards what follows */
    struct cur ders;
    size_t taken;
    double until;
};

static bool next_der(struct clients *x, struct bytes *der, size_t *i) {
    mutex_lock(x->mutex);
    bool is_there = x->ders.rest.n > 0 && now(CLOCK_MONOTONIC) < x->until;
    if (is_there) {
        *der = take_der(&x->ders);
        *i = x->taken++;
    }
    mutex_unlock(x->mutex);
    return is_there;
}

static void be_client(void *argument) {
    struct clients *x = argument;
    struct inventory_der der = {
        .sha256 = {NULL, 0}
    };
    struct arena a;
    size_t i;
    arena_init(&a, 64u << 20);
    while (next_der(x, &der.der, &i)) {
        char batch[40];
        struct inventory_result result;
        struct fault f;
        snprintf(batch, sizeof batch, "ingest-%zu", i);
        struct inventory_push p = {.agent = x->agent,
                                   .batch = bytes_text(batch),
                                   .certificates = &der,
                                   .certificates_n = 1};
        arena_reset(&a);
        if (inventory_push(x->inv, &p, &a, &result, NULL, NULL, &f) != ERR_OK)
            fail(&f);
    }
    arena_clear(&a);
}

/* Certificates a second; *cpu_us: of this process, for each. */
static double run_clients(struct clients *x, unsigned n, double *cpu_us) {
    struct thread *threads[CLIENTS];
    size_t before = x->taken;
    double start = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    x->until = start + TURN_MS / 1000.0;
    for (unsigned i = 0; i < n; i++)
        threads[i] = thread_start(be_client, x);
    for (unsigned i = 0; i < n; i++)
        thread_join(threads[i]);
    double done = (double)(x->taken - before);
    *cpu_us = (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / done;
    return done / (now(CLOCK_MONOTONIC) - start);
}

/* Writes and syncs a second. */
static double run_bare(const char *path, size_t bytes) {
    struct file file;
    struct fault f;
    static uint8_t room[1 << 20];
    uint64_t n = 0;
    if (file_open(&file, path, FILE_APPEND, &f) != ERR_OK)
        fail(&f);
    memset(room, 7, bytes);
    double start = now(CLOCK_MONOTONIC), end = start;
    for (; end < start + TURN_MS / 1000.0; end = now(CLOCK_MONOTONIC), n++)
        if (pwrite(file.fd, room, bytes, (off_t)(n * bytes)) != (ssize_t)bytes ||
            fdatasync(file.fd) != 0)
            exit(1);
    file_close(&file);
    return file_remove(path, &f) == ERR_OK ? (double)n / (end - start) : 0;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double figures[TURNS]) {
    qsort(figures, TURNS, sizeof *figures, compare);
    return figures[TURNS / 2];
}

static int run_durable(struct env *env, const char *dir, const char *path) {
    struct clients x = {.ders = cur_open(load(path)), .mutex = mutex_open()};
    struct inventory_enrolment e = {.name = bytes_text("bench"), .spki = bytes_text("a key")};
    struct inventory_counts before, after;
    struct fault f;
    struct arena a;
    double bare[TURNS], one[TURNS], many[TURNS], cpu_one[TURNS], cpu_many[TURNS];
    arena_init(&a, 1 << 16);
    env->log_level = LOG_WARN;
    if (inventory_open(dir, env, &x.inv, &f) != ERR_OK ||
        inventory_agent_enrol(x.inv, &e, x.agent, NULL, NULL, &f) != ERR_OK)
        fail(&f);
    (void)run_clients(&x, 1, &cpu_one[0]);
    for (size_t i = 0; i < TURNS; i++) {
        size_t taken = x.taken;
        inventory_count(x.inv, 0, 0, &before);
        one[i] = run_clients(&x, 1, &cpu_one[i]);
        inventory_count(x.inv, 0, 0, &after);
        bare[i] = run_bare(path_join(&a, dir, "bare"),
                           (size_t)(after.log_bytes - before.log_bytes) / (x.taken - taken));
        many[i] = run_clients(&x, CLIENTS, &cpu_many[i]);
    }
    double single = median(one), synced = median(bare), all = median(many);
    printf("bare loop %.0f/s\none client %.0f/s\n%d clients %.0f/s\n", synced, single, CLIENTS,
           all);
    printf("CPU of one client %.1f us\nCPU of %d clients %.1f us\n", median(cpu_one), CLIENTS,
           median(cpu_many));
    inventory_close(x.inv);
    arena_clear(&a);
    mutex_close(x.mutex);
    return 0;
}

int main(int argc, char **argv) {
    os_start(&argc, &argv);
    struct env env = env_system(NULL);
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "stages") == 0 && argc == 5)
        return run_stages(argv[2], strtoul(argv[3], NULL, 10), argv[4]);
    if (strcmp(mode, "durable") == 0 && argc == 4)
        return run_durable(&env, argv[2], argv[3]);
    fputs("ingest stages FILE N TEMPORARY | durable DIR FILE\n", stderr);
    return 2;
}
