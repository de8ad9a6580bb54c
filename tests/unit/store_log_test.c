/* store/log: append, get, read again; segments; many threads; failing disks. */
#include "store_test.h"

#include "base/thread.h"

static struct store_log *open_log(struct place *p, const struct store_log_options *o) {
    struct store_log *log;
    struct fault f;
    assert_int_equal(store_log_open(p->dir, &p->env, o, &log, NULL, &f), ERR_OK);
    return log;
}

static void assert_same_tree(const struct store_tree *a, const struct store_tree *b) {
    uint8_t one[32], other[32];
    store_tree_root(a, one);
    store_tree_root(b, other);
    assert_int_equal(a->size, b->size);
    assert_memory_equal(one, other, sizeof one);
}

static void append(struct store_log *log, struct arena *a, uint64_t from, size_t n) {
    struct store_entry entries[64];
    struct fault f;
    uint64_t first;
    assert_true(n <= COUNT_OF(entries));
    for (size_t i = 0; i < n; i++)
        entries[i] = entry_number(a, from + i);
    assert_int_equal(store_log_append(log, entries, n, &first, &f), ERR_OK);
    assert_int_equal(first, from);
}

/* Entries 0 to n-1 and no others, nothing wrong. */
static void read_all(const char *path, uint64_t n) {
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    assert_int_equal(store_reader_open(path, &r, &f), ERR_OK);
    for (unsigned turn = 0; turn < 2; turn++, store_reader_rewind(r)) {
        for (uint64_t i = 0; i < n; i++) {
            assert_int_equal(store_reader_next(r, &e, &f), ERR_OK);
            assert_true(entry_is(&e, i));
        }
        assert_int_equal(store_reader_next(r, &e, &f), ERR_NOT_FOUND);
        assert_int_equal(store_reader_next(r, &e, &f), ERR_NOT_FOUND);
        assert_int_equal(store_reader_harms(r), 0);
    }
    store_reader_close(r);
}

struct replayed {
    uint64_t n;
};

static enum err count_replayed(void *context, const struct store_entry *e) {
    struct replayed *r = context;
    return entry_is(e, r->n++) ? ERR_OK : ERR_DAMAGED;
}

static void what_is_appended_is_read(void **state) {
    (void)state;
    struct place p = place_make();
    struct replayed seen = {0};
    struct store_log_options o = {
        .replay = count_replayed, .replay_context = &seen, .block_bytes = 300};
    struct store_log *log = open_log(&p, &o);
    struct buf room;
    struct store_entry e;
    struct fault f;
    buf_init(&room, 8u << 20);
    assert_int_equal(store_log_tree(log).size, 0);
    assert_int_equal(store_log_get(log, 0, &room, &e, &f), ERR_NOT_FOUND);
    for (uint64_t i = 0; i < 200; i += 10)
        append(log, &p.arena, i, 10);
    assert_int_equal(seen.n, 200);
    for (uint64_t i = 0; i < 200; i++) {
        assert_int_equal(store_log_get(log, i, &room, &e, &f), ERR_OK);
        assert_true(entry_is(&e, i));
    }
    assert_int_equal(store_log_get(log, 200, &room, &e, &f), ERR_NOT_FOUND);
    read_all(p.dir, 200); /* beside the open log */
    struct store_tree before = store_log_tree(log);
    store_log_close(log);
    read_all(place_path(&p, "log"), 200);
    read_all(place_path(&p, "log/00000001.seg"), 200);
    seen.n = 0;
    log = open_log(&p, &o);
    assert_int_equal(seen.n, 200);
    struct store_tree after = store_log_tree(log);
    assert_same_tree(&before, &after);
    append(log, &p.arena, 200, 1);
    assert_int_equal(store_log_get(log, 200, &room, &e, &f), ERR_OK);
    store_log_close(log);
    read_all(p.dir, 201);
    buf_clear(&room);
    place_clear(&p);
}

static void segments_follow_each_other(void **state) {
    (void)state;
    struct place p = place_make();
    struct replayed seen = {0};
    struct store_log_options o = {
        .segment_bytes = 2000, .replay = count_replayed, .replay_context = &seen};
    struct store_log *log = NULL;
    struct store_tree tree = {.size = 0};
    uint64_t bytes, segments;
    for (uint64_t i = 0; i < 300; i += 5) {
        if (i % 20 == 0) {
            store_log_close(log);
            seen.n = 0;
            log = open_log(&p, &o);
            struct store_tree again = store_log_tree(log);
            assert_same_tree(&tree, &again);
        }
        append(log, &p.arena, i, 5);
        tree = store_log_tree(log);
    }
    store_log_size(log, &bytes, &segments);
    assert_true(segments > 4);
    struct store_tree all = {.size = 0};
    for (uint64_t i = 0; i < 300; i++) {
        struct buf b;
        uint8_t leaf[32];
        struct store_entry e = entry_number(&p.arena, i);
        buf_init(&b, 1000);
        store_entry_write(&e, &b);
        store_leaf_hash(buf_bytes(&b), leaf);
        store_tree_add(&all, leaf);
        buf_clear(&b);
    }
    assert_same_tree(&all, &tree);
    store_log_close(log);
    read_all(p.dir, 300);
    place_clear(&p);
}

static void one_writer_at_a_time(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_log *log = open_log(&p, NULL), *second;
    struct fault f;
    assert_int_equal(store_log_open(p.dir, &p.env, NULL, &second, NULL, &f), ERR_LOCKED);
    assert_null(second);
    store_log_close(log);
    log = open_log(&p, NULL);
    store_log_close(log);
    place_clear(&p);
}

static void limits_of_a_batch(void **state) {
    (void)state;
    static uint8_t much[STORE_ENTRY_MAX + 1];
    struct place p = place_make();
    struct store_log *log = open_log(&p, NULL);
    struct store_entry e[20];
    struct fault f;
    struct buf room;
    for (size_t i = 0; i < 20; i++)
        e[i] = (struct store_entry){
            .type = 1, .payload = {much, STORE_ENTRY_MAX}
        };
    assert_int_equal(store_log_append(log, e, 0, NULL, &f), ERR_LIMIT);
    assert_int_equal(store_log_append(log, e, 20, NULL, &f), ERR_LIMIT);
    assert_int_equal(store_log_append(log, e, 3, NULL, &f), ERR_OK);
    e[0].payload.n++;
    assert_int_equal(store_log_append(log, e, 1, NULL, &f), ERR_LIMIT);
    e[0].payload.n = 0;
    assert_int_equal(store_log_append(log, e, 1, NULL, &f), ERR_OK);
    buf_init(&room, 8u << 20);
    assert_int_equal(store_log_get(log, 2, &room, &e[1], &f), ERR_OK);
    assert_int_equal(e[1].payload.n, STORE_ENTRY_MAX);
    assert_int_equal(store_log_get(log, 3, &room, &e[1], &f), ERR_OK);
    assert_int_equal(e[1].payload.n, 0);
    store_log_close(log);
    log = open_log(&p, NULL);
    assert_int_equal(store_log_tree(log).size, 4);
    store_log_close(log);
    buf_clear(&room);
    place_clear(&p);
}

/* ---- Disks that fail ---- */

struct disk {
    unsigned writes, syncs, cuts;             /* calls so far */
    unsigned fail_write, fail_sync, fail_cut; /* the nth fails; 0: none */
    enum err code;
    bool half; /* a failing write puts half of its bytes down */
};

static enum err disk_write(void *context, const struct file *file, uint64_t at, struct bytes b,
                           struct fault *f) {
    struct disk *d = context;
    if (++d->writes != d->fail_write)
        return file_write_at(file, at, b, f);
    if (d->half && file_write_at(file, at, bytes_part(b, 0, b.n / 2), f) != ERR_OK)
        return f->code;
    return fault_set(f, d->code, "write", "made to fail");
}

static enum err disk_sync(void *context, const struct file *file, struct fault *f) {
    struct disk *d = context;
    return ++d->syncs == d->fail_sync ? fault_set(f, d->code, "fsync", "made to fail")
                                      : file_sync(file, f);
}

static enum err disk_cut(void *context, const struct file *file, uint64_t size, struct fault *f) {
    struct disk *d = context;
    return ++d->cuts == d->fail_cut ? fault_set(f, ERR_IO, "truncate", "made to fail")
                                    : file_truncate(file, size, f);
}

/* Appends single entries until one fails; returns how many were acknowledged. */
static uint64_t append_until_failure(struct store_log *log, struct arena *a, uint64_t from,
                                     struct fault *f) {
    for (uint64_t i = from; i < 1000; i++) {
        struct store_entry e = entry_number(a, i);
        if (store_log_append(log, &e, 1, NULL, f) != ERR_OK)
            return i;
    }
    return 1000;
}

static void no_space_is_survived(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 30; nth++) {
        struct place p = place_make();
        struct disk d = {.code = ERR_FULL, .half = true};
        struct store_io io = {disk_write, disk_sync, disk_cut, &d};
        struct store_log_options o = {.io = &io, .segment_bytes = 700};
        struct store_log *log = open_log(&p, &o);
        struct fault f;
        d.fail_write = d.writes + nth; /* some of these are heads of segments */
        uint64_t n = append_until_failure(log, &p.arena, 0, &f);
        assert_int_equal(f.code, ERR_FULL);
        assert_int_equal(store_log_tree(log).size, n);
        read_all(p.dir, n);
        append(log, &p.arena, n, 3); /* space is back */
        store_log_close(log);
        read_all(p.dir, n + 3);
        place_clear(&p);
    }
}

static void a_failed_write_or_sync_is_the_end(void **state) {
    (void)state;
    for (unsigned nth = 1; nth < 40; nth++) {
        struct place p = place_make();
        struct disk d = {.code = ERR_IO, .half = true};
        struct store_io io = {disk_write, disk_sync, disk_cut, &d};
        struct store_log_options o = {.io = &io, .segment_bytes = 700};
        struct store_log *log = open_log(&p, &o);
        struct fault f;
        if (nth % 2)
            d.fail_write = d.writes + nth / 2 + 1;
        else
            d.fail_sync = d.syncs + nth / 2;
        uint64_t n = append_until_failure(log, &p.arena, 0, &f);
        assert_int_equal(f.code, ERR_IO);
        struct store_entry e = entry_number(&p.arena, n);
        assert_int_equal(store_log_append(log, &e, 1, NULL, &f), ERR_IO); /* for good */
        assert_int_equal(store_log_tree(log).size, n);
        store_log_close(log);
        log = open_log(&p, NULL); /* what was acknowledged is there, perhaps one more */
        uint64_t now = store_log_tree(log).size;
        assert_true(now == n || now == n + 1);
        append(log, &p.arena, now, 2);
        store_log_close(log);
        read_all(p.dir, now + 2);
        place_clear(&p);
    }
}

static void a_failed_cut_is_the_end(void **state) {
    (void)state;
    struct place p = place_make();
    struct disk d = {.code = ERR_FULL, .half = true, .fail_cut = 1, .fail_write = 4};
    struct store_io io = {disk_write, disk_sync, disk_cut, &d};
    struct store_log_options o = {.io = &io};
    struct store_log *log = open_log(&p, &o);
    struct fault f;
    uint64_t n = append_until_failure(log, &p.arena, 0, &f);
    assert_int_equal(n, 2);
    struct store_entry e = entry_number(&p.arena, n);
    assert_int_equal(store_log_append(log, &e, 1, NULL, &f), ERR_IO);
    store_log_close(log);
    struct store_harm torn;
    assert_int_equal(store_log_open(p.dir, &p.env, NULL, &log, &torn, &f), ERR_OK);
    assert_true(torn.size > 0);
    assert_int_equal(torn.next_entry, 2);
    store_log_close(log);
    place_clear(&p);
}

/* ---- Many at once ---- */

enum { THREADS = 16, EACH = 200 };

struct client {
    struct store_log *log;
    unsigned id;
    uint64_t numbers[EACH];
};

static void client_run(void *argument) {
    struct client *c = argument;
    for (unsigned i = 0; i < EACH; i++) {
        uint8_t payload[8] = {0, 0, 0, (uint8_t)c->id, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};
        struct store_entry e[2] = {
            {.type = 9, .version = 1, .payload = {payload, 8}}
        };
        e[1] = e[0];
        struct fault f;
        if (store_log_append(c->log, e, 1 + i % 2, &c->numbers[i], &f) != ERR_OK)
            c->numbers[i] = UINT64_MAX;
    }
}

static void many_threads_share_syncs(void **state) {
    (void)state;
    static struct client clients[THREADS];
    struct thread *threads[THREADS];
    struct place p = place_make();
    struct disk d = {.code = ERR_IO};
    struct store_io io = {disk_write, disk_sync, disk_cut, &d};
    struct store_log_options o = {.io = &io};
    struct store_log *log = open_log(&p, &o);
    for (unsigned t = 0; t < THREADS; t++) {
        clients[t] = (struct client){.log = log, .id = t};
        threads[t] = thread_start(client_run, &clients[t]);
        assert_non_null(threads[t]);
    }
    for (unsigned t = 0; t < THREADS; t++)
        thread_join(threads[t]);
    uint64_t total = (uint64_t)THREADS * EACH * 3 / 2;
    assert_int_equal(store_log_tree(log).size, total);
    assert_true(d.syncs < THREADS * EACH); /* shared */
    struct buf room;
    buf_init(&room, 8u << 20);
    for (unsigned t = 0; t < THREADS; t++)
        for (unsigned i = 0; i < EACH; i++) {
            struct store_entry e;
            struct fault f;
            assert_true(clients[t].numbers[i] < total);
            assert_true(i == 0 || clients[t].numbers[i] > clients[t].numbers[i - 1]);
            for (unsigned k = 0; k <= i % 2; k++) {
                assert_int_equal(store_log_get(log, clients[t].numbers[i] + k, &room, &e, &f),
                                 ERR_OK);
                assert_int_equal(e.payload.p[3], t);
                assert_int_equal(e.payload.p[6] << 8 | e.payload.p[7], i);
            }
        }
    buf_clear(&room);
    store_log_close(log);
    place_clear(&p);
}

struct counter {
    unsigned done, failed;
    uint64_t last;
};

static void count_done(void *context, const struct fault *f, uint64_t first) {
    struct counter *c = context;
    c->done++;
    c->failed += f->code != ERR_OK || (c->done > 1 && first <= c->last);
    c->last = first;
}

static void closing_commits_what_waits(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_log *log = open_log(&p, NULL);
    struct counter c = {0, 0, 0};
    for (uint64_t i = 0; i < 500; i++) {
        struct store_entry e = entry_number(&p.arena, i);
        struct fault f;
        assert_int_equal(store_log_submit(log, &e, 1, count_done, &c, &f), ERR_OK);
    }
    store_log_close(log);
    assert_int_equal(c.done, 500);
    assert_int_equal(c.failed, 0);
    read_all(p.dir, 500);
    place_clear(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_read),
        cmocka_unit_test(segments_follow_each_other),
        cmocka_unit_test(one_writer_at_a_time),
        cmocka_unit_test(limits_of_a_batch),
        cmocka_unit_test(no_space_is_survived),
        cmocka_unit_test(a_failed_write_or_sync_is_the_end),
        cmocka_unit_test(a_failed_cut_is_the_end),
        cmocka_unit_test(many_threads_share_syncs),
        cmocka_unit_test(closing_commits_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
