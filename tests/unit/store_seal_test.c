/* store/log: full segments are sealed in the background, and nobody who reads sees a difference. */
#include "store_test.h"

#include "base/thread.h"
#include "store/log/private.h"

#include <stdlib.h>

enum { ENTRIES = 400, WAIT_MS = 20000 };

static const struct store_log_options sealing = {
    .segment_bytes = 4096, .block_bytes = 256, .sealed_bytes = 2048, .seals = true};

static struct store_log *open_log(struct place *p, const struct store_log_options *o) {
    struct store_log *log;
    struct store_harm torn;
    struct fault f;
    p->env.log_level = LOG_ERROR;
    if (store_log_open(p->dir, &p->env, o, &log, &torn, &f) != ERR_OK)
        fail_msg("%s", f.detail);
    assert_int_equal(torn.size, 0);
    return log;
}

static void append(struct place *p, struct store_log *log, uint64_t n) {
    struct fault f;
    for (uint64_t i = store_log_tree(log).size; n > 0; n--, i++) {
        struct store_entry e = entry_number(&p->arena, i);
        assert_int_equal(store_log_append(log, &e, 1, NULL, &f), ERR_OK);
    }
}

static uint64_t segments_of(struct store_log *log) {
    uint64_t bytes, segments;
    store_log_size(log, &bytes, &segments);
    return segments;
}

static void wait_until_sealed(struct store_log *log) {
    for (unsigned ms = 0; store_log_sealed(log) + 1 < segments_of(log); ms += 5) {
        assert_true(ms < WAIT_MS);
        thread_sleep_ms(5);
    }
}

/* Without the sealer. */
static struct store_tree make_live(struct place *p, uint64_t n) {
    struct store_log_options o = sealing;
    o.seals = false;
    struct store_log *log = open_log(p, &o);
    append(p, log, n);
    struct store_tree tree = store_log_tree(log);
    store_log_close(log);
    return tree;
}

static void seal_all(struct place *p) {
    struct store_log *log = open_log(p, &sealing);
    wait_until_sealed(log);
    store_log_close(log);
}

static void assert_same_tree(const struct store_tree *a, const struct store_tree *b) {
    uint8_t x[32], y[32];
    store_tree_root(a, x);
    store_tree_root(b, y);
    assert_true(a->size == b->size);
    assert_memory_equal(x, y, 32);
}

static void get_all(struct store_log *log, uint64_t n) {
    struct store_entry e;
    struct buf room;
    struct fault f;
    buf_init(&room, SEGMENT_BLOCK_MAX);
    for (uint64_t i = 0; i < n; i++) {
        assert_int_equal(store_log_get(log, i, &room, &e, &f), ERR_OK);
        assert_true(entry_is(&e, i));
    }
    assert_int_equal(store_log_get(log, n, &room, &e, &f), ERR_NOT_FOUND);
    buf_clear(&room);
}

static void read_whole(struct place *p, const struct store_tree *want) {
    struct store_reader *r;
    struct store_account account;
    struct store_entry e;
    struct fault f;
    uint64_t n = 0;
    assert_int_equal(store_reader_open(p->dir, &r, &f), ERR_OK);
    for (; store_reader_next(r, &e, &f) == ERR_OK; n++)
        assert_true(entry_is(&e, n));
    assert_true(n == want->size);
    assert_int_equal(store_reader_account(r, INT64_MAX, NULL, NULL, &account, &f), ERR_OK);
    assert_int_equal(store_reader_harms(r), 0);
    assert_true(account.is_whole);
    assert_int_equal(account.wrong_heads, 0);
    assert_same_tree(&account.tree, want);
    store_reader_close(r);
}

static bool is_sealed(struct place *p, uint32_t number) {
    struct segment_table t = {.is_sealed = false};
    struct file file;
    struct fault f;
    char *path = log_segment_path(&p->arena, place_path(p, "log"), number);
    assert_int_equal(file_open(&file, path, FILE_READ, &f), ERR_OK);
    assert_int_equal(segment_table_load(&file, number, &t), ERR_OK);
    free(t.places.items);
    file_close(&file);
    return t.is_sealed;
}

static void full_segments_are_sealed(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_tree tree = make_live(&p, ENTRIES);
    uint64_t before, after, segments;
    struct store_log_options still = sealing;
    still.seals = false;
    struct store_log *log = open_log(&p, &still);
    store_log_size(log, &before, &segments);
    assert_true(segments >= 4);
    store_log_close(log);

    log = open_log(&p, &sealing);
    wait_until_sealed(log);
    get_all(log, ENTRIES);
    store_log_size(log, &after, &segments);
    assert_true(after < before * 3 / 4);
    append(&p, log, ENTRIES); /* further ones while it is at work */
    wait_until_sealed(log);
    get_all(log, 2 * ENTRIES);
    tree = store_log_tree(log);
    segments = segments_of(log);
    store_log_size(log, &after, &segments);
    store_log_close(log);

    for (uint32_t i = 1; i <= segments; i++)
        assert_int_equal(is_sealed(&p, i), i < segments);
    read_whole(&p, &tree);
    log = open_log(&p, &sealing); /* sizes and places as those that were kept up to date */
    store_log_size(log, &before, &segments);
    assert_true(before == after);
    get_all(log, 2 * ENTRIES);
    assert_same_tree(&(struct store_tree[]){store_log_tree(log)}[0], &tree);
    store_log_close(log);
    place_clear(&p);
}

/* ---- A mark of an earlier time ---- */

struct marker {
    struct store_mark mark;
    uint64_t at; /* the size at which it is taken */
    uint64_t replayed, next;
};

static enum err count_entry(void *context, const struct store_entry *e) {
    struct marker *m = context;
    assert_true(m->replayed == 0 || e->number == m->next);
    assert_true(entry_is(e, e->number));
    m->next = e->number + 1;
    m->replayed++;
    return ERR_OK;
}

static bool take_mark(void *context, struct store_log *log, enum store_rest_step step) {
    struct marker *m = context;
    struct fault f;
    if (m->mark.segment != 0 || store_log_tree(log).size < m->at)
        return false;
    if (step == STORE_REST_LOOK)
        return true;
    assert_int_equal(store_log_mark(log, &m->mark, &f), ERR_OK);
    struct store_place *copy = calloc(m->mark.places_n + 1, sizeof *copy);
    assert_non_null(copy);
    if (m->mark.places_n > 0)
        memcpy(copy, m->mark.places, m->mark.places_n * sizeof *copy);
    m->mark.places = copy;
    return false;
}

/* With the mark only what follows is replayed, and everything is found. */
static void open_with(struct place *p, const struct marker *m, const struct store_tree *tree,
                      enum err want) {
    struct store_log_options o = sealing;
    struct marker seen = {.at = UINT64_MAX};
    struct store_log *log;
    struct fault f;
    o.seals = false;
    o.mark = &m->mark;
    o.replay = count_entry;
    o.replay_context = &seen;
    assert_int_equal(store_log_open(p->dir, &p->env, &o, &log, NULL, &f), want);
    if (want != ERR_OK) {
        assert_int_equal(seen.replayed, 0);
        return;
    }
    assert_true(seen.replayed == tree->size - m->mark.tree.size);
    assert_same_tree(&(struct store_tree[]){store_log_tree(log)}[0], tree);
    get_all(log, tree->size);
    store_log_close(log);
}

/* The same for who only reads: what lies before the mark counts as read. */
static void read_with(struct place *p, const struct marker *m, const struct store_tree *tree,
                      enum err want) {
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    struct buf room;
    uint64_t n = m->mark.tree.size;
    assert_int_equal(store_reader_open_at(p->dir, &m->mark, &r, &f), want);
    if (want != ERR_OK) {
        assert_null(r);
        return;
    }
    buf_init(&room, SEGMENT_BLOCK_MAX);
    for (; store_reader_next(r, &e, &f) == ERR_OK; n++)
        assert_true(entry_is(&e, n) && e.number == n);
    assert_true(f.code == ERR_NOT_FOUND && n == tree->size);
    assert_int_equal(store_reader_harms(r), 0);
    for (uint64_t i = 0; i < n; i += 7) {
        assert_int_equal(store_reader_get(r, i, &room, &e, &f), ERR_OK);
        assert_true(entry_is(&e, i));
    }
    store_reader_rewind(r);
    for (n = 0; store_reader_next(r, &e, &f) == ERR_OK; n++)
        assert_true(entry_is(&e, n));
    assert_true(n == tree->size);
    buf_clear(&room);
    store_reader_close(r);
}

/* A bit before the mark is seen without unpacking anything; one behind it is told as harm. */
static void read_damaged(struct place *p, const struct marker *m, uint32_t number) {
    char *path = log_segment_path(&p->arena, place_path(p, "log"), number);
    struct bytes good = file_all(p, path), bad = arena_copy(&p->arena, good);
    struct store_reader *r;
    struct fault f;
    uint8_t *at = (uint8_t *)(uintptr_t)bad.p;
    at[good.n / 2] ^= 1;
    file_put(path, bad);
    enum err code = store_reader_open_at(p->dir, &m->mark, &r, &f);
    assert_true(number >= m->mark.segment || code == ERR_DAMAGED || code == ERR_CONFLICT);
    if (code == ERR_OK) {
        while (store_reader_next(r, &(struct store_entry){.number = 0}, &f) == ERR_OK)
            ;
        assert_true(store_reader_harms(r) > 0);
        store_reader_close(r);
    }
    file_put(path, good);
}

static void marks_outlive_sealing(void **state) {
    (void)state;
    for (uint64_t at = 0; at < ENTRIES; at += 19) {
        struct place p = place_make();
        struct marker m = {.at = at};
        struct store_log_options o = sealing;
        o.seals = false;
        o.replay_context = &m;
        o.rest = take_mark;
        struct store_log *log = open_log(&p, &o);
        append(&p, log, ENTRIES);
        struct store_tree tree = store_log_tree(log);
        store_log_close(log);
        open_with(&p, &m, &tree, ERR_OK);
        read_with(&p, &m, &tree, ERR_OK);
        seal_all(&p);
        open_with(&p, &m, &tree, ERR_OK);
        read_with(&p, &m, &tree, ERR_OK);
        read_damaged(&p, &m, 1);
        read_damaged(&p, &m, 2);

        struct marker other = m; /* of a log with other entries */
        other.mark.salt[0] ^= 1;
        open_with(&p, &other, &tree, ERR_CONFLICT);
        read_with(&p, &other, &tree, ERR_CONFLICT);
        if (at > 0 && m.mark.segment < 3) {
            other = m;
            other.mark.tree.range[0][0] ^= 1;
            open_with(&p, &other, &tree, ERR_CONFLICT);
            read_with(&p, &other, &tree, ERR_CONFLICT);
        }
        free((void *)(uintptr_t)m.mark.places);
        place_clear(&p);
    }
}

/* ---- Those who read meanwhile ---- */

static void readers_go_on(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_tree tree = make_live(&p, ENTRIES);
    struct store_reader *r;
    struct store_entry e;
    struct buf room;
    struct fault f;
    buf_init(&room, SEGMENT_BLOCK_MAX);
    assert_int_equal(store_reader_open(p.dir, &r, &f), ERR_OK);
    for (uint64_t i = 0; i < 30; i++) /* in the midst of the first segment */
        assert_int_equal(store_reader_next(r, &e, &f), ERR_OK);
    seal_all(&p);
    for (uint64_t i = 30; i < ENTRIES; i++) {
        assert_int_equal(store_reader_next(r, &e, &f), ERR_OK);
        assert_true(entry_is(&e, i));
    }
    assert_int_equal(store_reader_next(r, &e, &f), ERR_NOT_FOUND);
    assert_int_equal(store_reader_harms(r), 0);
    for (uint64_t i = 0; i < ENTRIES; i++) { /* by places of before and after */
        assert_int_equal(store_reader_get(r, i, &room, &e, &f), ERR_OK);
        assert_true(entry_is(&e, i));
    }
    store_reader_close(r);
    read_whole(&p, &tree);
    buf_clear(&room);
    place_clear(&p);
}

/* ---- Harm ---- */

static void leftovers_are_removed(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_tree tree = make_live(&p, ENTRIES);
    file_put(place_path(&p, "log/00000001.new"), bytes_text("half a segment"));
    read_whole(&p, &tree);
    seal_all(&p);
    assert_false(file_exists(place_path(&p, "log/00000001.new")));
    read_whole(&p, &tree);
    place_clear(&p);
}

/* Fails the nth call, and all after it. */
struct failing {
    unsigned calls, at;
};

static enum err fail_now(void *context, struct fault *f) {
    struct failing *x = context;
    return x->calls++ >= x->at ? fault_set(f, ERR_IO, "test", "call %u", x->at) : ERR_OK;
}

static enum err failing_write(void *context, const struct file *file, uint64_t at, struct bytes b,
                              struct fault *f) {
    enum err code = fail_now(context, f);
    if (code == ERR_OK)
        return file_write_at(file, at, b, f);
    struct fault ignored; /* a part of it gets there */
    (void)!file_write_at(file, at, bytes_part(b, 0, b.n / 2), &ignored);
    return code;
}

static enum err failing_sync(void *context, const struct file *file, struct fault *f) {
    (void)file;
    return fail_now(context, f);
}

static enum err failing_cut(void *context, const struct file *file, uint64_t size,
                            struct fault *f) {
    (void)context;
    return file_truncate(file, size, f);
}

/* The old segments stay, the log goes on, and the next start seals. */
static void failures_cost_nothing(void **state) {
    (void)state;
    struct place p = place_make();
    struct store_tree tree = make_live(&p, ENTRIES);
    char *first = place_path(&p, "log/00000001.seg");
    struct bytes bytes = file_all(&p, first);
    struct marker m = {.at = 0};
    struct store_log_options o = sealing;
    o.seals = false;
    o.replay_context = &m;
    o.rest = take_mark;
    store_log_close(open_log(&p, &o));
    unsigned at = 0;
    for (; !is_sealed(&p, 1); at++) {
        struct failing x = {.at = at};
        struct store_io io = {failing_write, failing_sync, failing_cut, &x};
        struct store_log_options with = sealing;
        assert_true(at < 100 && bytes_equal(file_all(&p, first), bytes));
        with.io = &io;
        with.mark = &m.mark;
        struct store_log *log = open_log(&p, &with);
        wait_until_sealed(log);
        get_all(log, ENTRIES);
        store_log_close(log);
        assert_false(file_exists(place_path(&p, "log/00000001.new")));
        read_whole(&p, &tree);
    }
    assert_true(at > 3);
    free((void *)(uintptr_t)m.mark.places);
    seal_all(&p);
    assert_true(is_sealed(&p, 2));
    read_whole(&p, &tree);
    place_clear(&p);
}

static void what_is_damaged_is_left_alone(void **state) {
    (void)state;
    struct place p = place_make();
    make_live(&p, ENTRIES);
    char *path = place_path(&p, "log/00000002.seg");
    struct marker m = {.at = 0};
    struct store_log_options o = sealing;
    o.seals = false;
    o.replay_context = &m;
    o.rest = take_mark;
    store_log_close(open_log(&p, &o)); /* with a mark old segments are not read at the start */
    struct bytes good = file_all(&p, path), bad = arena_copy(&p.arena, good);
    ((uint8_t *)(uintptr_t)bad.p)[bad.n / 2] ^= 1;
    file_put(path, bad);
    struct store_log_options with = sealing;
    with.mark = &m.mark;
    struct store_log *log = open_log(&p, &with);
    wait_until_sealed(log);
    store_log_close(log);
    assert_true(bytes_equal(file_all(&p, path), bad));
    assert_true(is_sealed(&p, 1) && !is_sealed(&p, 2) && is_sealed(&p, 3));
    assert_false(file_exists(place_path(&p, "log/00000002.new")));
    free((void *)(uintptr_t)m.mark.places);
    place_clear(&p);
}

/* No bit of a sealed segment changes without being seen. */
static void each_bit_counts(void **state) {
    (void)state;
    struct place p = place_make();
    make_live(&p, 80);
    seal_all(&p);
    assert_true(is_sealed(&p, 1));
    char *path = place_path(&p, "log/00000001.seg");
    struct bytes good = file_all(&p, path), bad = arena_copy(&p.arena, good);
    uint8_t *at = (uint8_t *)(uintptr_t)bad.p;
    for (size_t bit = 0; bit < good.n * 8; bit++) {
        struct segment_walk w;
        struct fault f;
        enum segment_step step;
        uint64_t next = 0;
        size_t harms = 0;
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
        file_put(path, bad);
        assert_int_equal(segment_walk_open(&w, path, 1, false, 0, &f), ERR_OK);
        while ((step = segment_walk_next(&w, &f)) != SEGMENT_END) {
            assert_int_not_equal(step, SEGMENT_ERROR);
            harms += step == SEGMENT_HARM;
            if (step != SEGMENT_BLOCK)
                continue;
            struct cur c = cur_open(buf_bytes(&w.payload));
            struct store_entry e;
            assert_true(w.block.first >= next);
            for (e.number = w.block.first; store_entry_take(&c, &e); e.number++)
                assert_true(entry_is(&e, e.number));
            next = e.number;
        }
        assert_true(harms > 0);
        segment_walk_close(&w);
        at[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    place_clear(&p);
}

static void tables_are_read_strictly(void **state) {
    (void)state;
    struct store_place items[] = {
        {7,  36,  1, 0},
        {9,  100, 1, 0},
        {20, 300, 1, 0}
    };
    struct log_places places = {.items = items, .n = 3, .room = 3}, read = {.n = 0};
    struct buf b;
    buf_init(&b, 4096);
    segment_table_write(&places, &b);
    assert_int_equal(b.n, 3 * 16 + 4);
    assert_int_equal(segment_table_read(buf_bytes(&b), 21, 400, 1, &read), ERR_OK);
    assert_memory_equal(read.items, items, sizeof items);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(segment_table_read(bytes_part(buf_bytes(&b), 0, n), 21, 400, 1, &read),
                         ERR_FORMAT);
    assert_int_equal(segment_table_read(buf_bytes(&b), 20, 400, 1, &read), ERR_FORMAT);
    assert_int_equal(segment_table_read(buf_bytes(&b), 21, 300, 1, &read), ERR_FORMAT);
    static const struct store_place wrong[][2] = {
        {{7, 35, 1, 0}, {9, 100, 1, 0}}, /* within the segment's head */
        {{7, 36, 1, 0}, {9, 79, 1, 0} }, /* within the first block's head */
        {{7, 36, 1, 0}, {7, 100, 1, 0}}, /* numbers that do not ascend */
        {{9, 36, 1, 0}, {7, 100, 1, 0}},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        memcpy(items, wrong[i], sizeof wrong[i]);
        places.n = 2;
        buf_reset(&b);
        segment_table_write(&places, &b);
        assert_int_equal(segment_table_read(buf_bytes(&b), 21, 400, 1, &read), ERR_FORMAT);
    }
    free(read.items);
    buf_clear(&b);
}

/* The segment behind a sealed one is lost: nothing is written into what is sealed. */
static void what_is_sealed_is_never_written(void **state) {
    (void)state;
    struct place p = place_make();
    make_live(&p, 60);
    seal_all(&p);
    struct store_log *log = open_log(&p, &sealing);
    uint32_t last = (uint32_t)segments_of(log);
    store_log_close(log);
    assert_true(last >= 2 && is_sealed(&p, last - 1));
    struct fault f;
    char *path = log_segment_path(&p.arena, place_path(&p, "log"), last);
    assert_int_equal(file_remove(path, &f), ERR_OK);
    char *before = log_segment_path(&p.arena, place_path(&p, "log"), last - 1);
    struct bytes bytes = file_all(&p, before);
    log = open_log(&p, &sealing);
    append(&p, log, 3);
    struct store_tree tree = store_log_tree(log);
    store_log_close(log);
    assert_true(bytes_equal(file_all(&p, before), bytes));
    read_whole(&p, &tree);
    place_clear(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_segments_are_sealed),
        cmocka_unit_test(marks_outlive_sealing),
        cmocka_unit_test(readers_go_on),
        cmocka_unit_test(leftovers_are_removed),
        cmocka_unit_test(failures_cost_nothing),
        cmocka_unit_test(what_is_damaged_is_left_alone),
        cmocka_unit_test(each_bit_counts),
        cmocka_unit_test(tables_are_read_strictly),
        cmocka_unit_test(what_is_sealed_is_never_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
