/* store/log: logs that are cut, flipped, zeroed, mixed up. What was acknowledged
 * and is sound is read; what is not is named with file and offset. */
#include "store_test.h"

#include "base/zip.h"
#include "store/log/segment.h"

enum { COMMITS_MAX = 16 };

/* Syncs take most of the time and prove nothing here. */
static enum err lazy_write(void *context, const struct file *file, uint64_t at, struct bytes b,
                           struct fault *f) {
    (void)context;
    return file_write_at(file, at, b, f);
}

static enum err lazy_sync(void *context, const struct file *file, struct fault *f) {
    (void)context;
    (void)file;
    (void)f;
    return ERR_OK;
}

static enum err lazy_cut(void *context, const struct file *file, uint64_t size, struct fault *f) {
    (void)context;
    return file_truncate(file, size, f);
}

static const struct store_io lazy = {lazy_write, lazy_sync, lazy_cut, NULL};
static const struct store_log_options quick = {.io = &lazy};

/* A small log and where its commits end: `entries` are durable from `size` on. */
struct small {
    struct place place;
    struct bytes bytes; /* of 00000001.seg */
    struct {
        uint64_t size, entries;
    } commits[COMMITS_MAX];
    size_t n;
};

static void commit(struct small *s, struct store_log *log, uint64_t n) {
    struct store_entry e[64];
    struct fault f;
    uint64_t from = store_log_tree(log).size, segments;
    for (uint64_t i = 0; i < n; i++)
        e[i] = entry_number(&s->place.arena, from + i);
    if (n > 0)
        assert_int_equal(store_log_append(log, e, n, NULL, &f), ERR_OK);
    store_log_size(log, &s->commits[s->n].size, &segments);
    s->commits[s->n++].entries = from + n;
}

/* Batches of one entry, and one of several blocks. */
static struct small small_make(void) {
    static const uint64_t sizes[] = {0, 1, 2, 20, 1, 24};
    struct small s = {.place = place_make()};
    struct store_log_options o = {.block_bytes = 400, .io = &lazy};
    struct store_log *log;
    struct fault f;
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, &o, &log, NULL, &f), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        commit(&s, log, sizes[i]);
    store_log_close(log);
    s.bytes = file_all(&s.place, place_path(&s.place, "log/00000001.seg"));
    assert_int_equal(s.bytes.n, s.commits[s.n - 1].size);
    return s;
}

static uint64_t last_entry(const struct small *s) {
    return s->commits[s->n - 1].entries;
}

/* How many entries were acknowledged when the file had that size. */
static uint64_t acknowledged(const struct small *s, uint64_t size) {
    uint64_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->commits[i].size <= size)
            n = s->commits[i].entries;
    return n;
}

static bool is_boundary(const struct small *s, uint64_t size) {
    for (size_t i = 0; i < s->n; i++)
        if (s->commits[i].size == size)
            return true;
    return size == 0;
}

struct seen {
    uint64_t n, missing; /* entries read; numbers passed over */
    size_t harms;
    struct store_harm first;
    bool is_damaged;
};

/* Whatever is read must be what was written, in order. */
static struct seen read_file(struct small *s, const char *path) {
    struct seen seen = {0};
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    uint64_t next = 0;
    enum err code;
    assert_int_equal(store_reader_open(path, &r, &f), ERR_OK);
    while ((code = store_reader_next(r, &e, &f)) == ERR_OK) {
        assert_true(e.number >= next);
        assert_true(entry_is(&e, e.number));
        seen.missing += e.number - next;
        next = e.number + 1;
        seen.n++;
    }
    assert_int_equal(code, ERR_NOT_FOUND);
    seen.missing += last_entry(s) - next;
    seen.harms = store_reader_harms(r);
    for (size_t i = 0; i < seen.harms; i++)
        seen.is_damaged |= store_harm_code(store_reader_harm(r, i)) != ERR_OK;
    if (seen.harms > 0)
        seen.first = *store_reader_harm(r, 0);
    store_reader_close(r);
    return seen;
}

static void cut_at_every_byte(void **state) {
    (void)state;
    struct small s = small_make();
    const char *path = place_path(&s.place, "log/00000001.seg");
    for (uint64_t size = 0; size <= s.bytes.n; size++) {
        struct store_log *log;
        struct store_harm torn;
        struct fault f;
        uint64_t n = acknowledged(&s, size), bytes, segments;
        file_put(path, bytes_part(s.bytes, 0, size));
        if (size % 37 == 0 || is_boundary(&s, size)) { /* a torn end costs the reader 0.1 s */
            struct seen seen = read_file(&s, s.place.dir);
            assert_int_equal(seen.n, n);
            assert_false(seen.is_damaged);
            assert_int_equal(seen.harms, size > 0 && is_boundary(&s, size) ? 0 : 1);
        }
        assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, &torn, &f),
                         ERR_OK);
        assert_int_equal(store_log_tree(log).size, n);
        store_log_size(log, &bytes, &segments);
        if (size >= SEGMENT_HEAD) { /* how many bytes went, and from where */
            assert_int_equal(torn.size, size - bytes);
            assert_true(torn.size == 0 || torn.at == bytes);
            assert_int_equal(torn.size == 0, is_boundary(&s, size));
        }
        struct store_entry e = entry_number(&s.place.arena, n);
        assert_int_equal(store_log_append(log, &e, 1, NULL, &f), ERR_OK);
        store_log_close(log);
        assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, &torn, &f),
                         ERR_OK);
        assert_int_equal(torn.size, 0);
        assert_int_equal(store_log_tree(log).size, n + 1);
        store_log_close(log);
    }
    place_clear(&s.place);
}

/* Each bit: the damage is found, its place named, and all but what was hit is read.
 * The reader loses at most the block; opening for writing is refused. */
static void flip_every_bit(void **state) {
    (void)state;
    struct small s = small_make();
    const char *path = place_path(&s.place, "log/00000001.seg");
    uint8_t *copy = arena_alloc(&s.place.arena, s.bytes.n);
    memcpy(copy, s.bytes.p, s.bytes.n);
    for (uint64_t bit = 0; bit < 8 * s.bytes.n; bit++) {
        struct store_log *log;
        struct fault f;
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        file_put(path, bytes_of(copy, s.bytes.n));
        struct seen seen = read_file(&s, path);
        assert_true(seen.missing <= 10);
        assert_int_equal(seen.n + seen.missing, last_entry(&s));
        assert_true(seen.is_damaged);
        assert_true(seen.first.at <= bit / 8);
        assert_true(bit / 8 < seen.first.at + seen.first.size);
        if (bit % 8 == bit / 8 % 8) { /* opening costs more: one bit of each byte */
            assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, NULL, &f),
                             ERR_DAMAGED);
            assert_true(strstr(f.detail, "00000001.seg") != NULL);
        }
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    struct bytes now = file_all(&s.place, path); /* refused is not changed */
    copy[s.bytes.n - 1] ^= 0x80;
    assert_true(bytes_equal(now, bytes_of(copy, s.bytes.n)));
    place_clear(&s.place);
}

/* A crash of the machine may leave any sectors of the last write unwritten. */
static void sectors_that_never_came(void **state) {
    (void)state;
    struct small s = small_make();
    const char *path = place_path(&s.place, "log/00000001.seg");
    uint64_t start = s.commits[s.n - 2].size, entries = s.commits[s.n - 2].entries;
    uint64_t first = start / 512, sectors = (s.bytes.n + 511) / 512 - first;
    uint8_t *copy = arena_alloc(&s.place.arena, s.bytes.n);
    assert_true(sectors >= 3 && sectors < 12);
    for (unsigned mask = 1; mask < 1u << sectors; mask++) {
        struct store_log *log;
        struct store_harm torn;
        struct fault f;
        memcpy(copy, s.bytes.p, s.bytes.n);
        for (uint64_t i = start; i < s.bytes.n; i++)
            if (mask >> (i / 512 - first) & 1)
                copy[i] = 0;
        file_put(path, bytes_of(copy, s.bytes.n));
        assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, &torn, &f),
                         ERR_OK);
        assert_int_equal(store_log_tree(log).size, entries); /* the commit as a whole */
        assert_int_equal(torn.at, start);
        assert_int_equal(torn.size, s.bytes.n - start);
        store_log_close(log);
        file_put(path, bytes_of(copy, s.bytes.n));
        if (mask % 16 == 1) {
            struct seen seen = read_file(&s, path);
            assert_int_equal(seen.n, entries);
            assert_false(seen.is_damaged);
        }
    }
    /* The same in a commit before the last one is damage. */
    memcpy(copy, s.bytes.p, s.bytes.n);
    memset(copy + s.commits[2].size, 0, 600);
    file_put(path, bytes_of(copy, s.bytes.n));
    struct store_log *log;
    struct fault f;
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, NULL, &f),
                     ERR_DAMAGED);
    place_clear(&s.place);
}

/* Bytes that foreigners choose may look like blocks: damage before them must not
 * make them entries. */
static void a_block_within_a_payload_is_none(void **state) {
    (void)state;
    struct small s = small_make();
    struct buf fake;
    struct store_log *log;
    struct fault f;
    struct block_head h = {.version = 1, .kind = BLOCK_ENTRIES, .flags = 3, .first = 1, .count = 1};
    struct store_entry evil = {.type = 6, .version = 1, .payload = bytes_text("forged")};
    struct buf inner;
    buf_init(&inner, 1000);
    store_entry_write(&evil, &inner);
    h.stored = h.unpacked = (uint32_t)inner.n;
    h.check = zip_crc32(0, buf_bytes(&inner));
    buf_init(&fake, 100000);
    for (unsigned i = 0; i < 1200; i++) /* does not deflate: the payload is stored */
        buf_u8(&fake, (uint8_t)(i * i * 131 + i / 7 * 89 + (i >> 3) * 57));
    for (unsigned i = 0; i < 3; i++) {
        block_head_write(&h, &fake);
        buf_put(&fake, buf_bytes(&inner));
    }
    struct place p = place_make();
    struct store_entry e[2] = {
        {.type = 1, .version = 1, .payload = buf_bytes(&fake)},
        evil
    };
    e[1].payload = bytes_text("true");
    assert_int_equal(store_log_open(p.dir, &p.env, NULL, &log, NULL, &f), ERR_OK);
    assert_int_equal(store_log_append(log, &e[1], 1, NULL, &f), ERR_OK);
    assert_int_equal(store_log_append(log, &e[0], 1, NULL, &f), ERR_OK);
    assert_int_equal(store_log_append(log, &e[1], 1, NULL, &f), ERR_OK);
    store_log_close(log);
    const char *path = place_path(&p, "log/00000001.seg");
    struct bytes all = file_all(&p, path);
    uint8_t *copy = arena_alloc(&p.arena, all.n);
    size_t marks = 0;
    for (size_t at = 0; at + 4 < all.n; at++)
        marks += bytes_starts(bytes_part(all, at, 4), "CLMb");
    for (size_t at = 0; at + 4 < all.n; at++) {
        if (!bytes_starts(bytes_part(all, at, 4), "CLMb"))
            continue;
        memcpy(copy, all.p, all.n);
        copy[at + 30] ^= 1;
        file_put(path, bytes_of(copy, all.n));
        struct store_reader *r;
        struct store_entry got;
        assert_int_equal(store_reader_open(path, &r, &f), ERR_OK);
        while (store_reader_next(r, &got, &f) == ERR_OK)
            assert_false(bytes_is(got.payload, "forged"));
        store_reader_close(r);
    }
    assert_true(marks >= 3);
    buf_clear(&fake);
    buf_clear(&inner);
    place_clear(&p);
    place_clear(&s.place);
}

/* Segments: one missing, one damaged, the last one's head torn. */
static void segments_gone_or_bad(void **state) {
    (void)state;
    struct small s = {.place = place_make()};
    struct store_log_options o = {.segment_bytes = 1, .io = &lazy}; /* the first has a head only */
    struct store_log *log;
    struct fault f;
    struct store_harm torn;
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, &o, &log, NULL, &f), ERR_OK);
    for (unsigned i = 0; i < 4; i++)
        commit(&s, log, 3);
    store_log_close(log);
    const char *second = place_path(&s.place, "log/00000002.seg");
    const char *last = place_path(&s.place, "log/00000005.seg");
    assert_true(file_exists(last));
    struct bytes bytes = file_all(&s.place, second), end = file_all(&s.place, last);

    assert_int_equal(file_remove(second, &f), ERR_OK);
    struct seen seen = read_file(&s, s.place.dir);
    assert_int_equal(seen.n, 9);
    assert_int_equal(seen.missing, 3);
    assert_int_equal(seen.first.kind, STORE_MISSING);
    assert_string_equal(seen.first.file, "00000002.seg");
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, &o, &log, NULL, &f), ERR_DAMAGED);

    file_put(second, bytes_part(bytes, 0, bytes.n - 1)); /* short, but not the last one: damaged */
    seen = read_file(&s, s.place.dir);
    assert_int_equal(seen.n, 9);
    assert_int_equal(seen.first.kind, STORE_DAMAGED);
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, &o, &log, NULL, &f), ERR_DAMAGED);
    file_put(second, bytes_part(bytes, 0, 0));
    seen = read_file(&s, s.place.dir);
    assert_int_equal(seen.n, 9);
    assert_true(seen.is_damaged);
    file_put(second, bytes);
    assert_int_equal(read_file(&s, s.place.dir).harms, 0);

    for (size_t n = 0; n < SEGMENT_HEAD; n += 5) { /* a head that did not come whole */
        file_put(last, bytes_part(end, 0, n));
        assert_int_equal(store_log_open(s.place.dir, &s.place.env, &o, &log, &torn, &f), ERR_OK);
        assert_int_equal(store_log_tree(log).size, 9);
        struct store_entry e = entry_number(&s.place.arena, 9);
        assert_int_equal(store_log_append(log, &e, 1, NULL, &f), ERR_OK);
        store_log_close(log);
        assert_int_equal(read_file(&s, s.place.dir).n, 10);
        assert_int_equal(file_remove(last, &f), ERR_OK);
    }
    place_clear(&s.place);
}

/* What a later version may write is told apart from damage. */
static void later_versions_are_named(void **state) {
    (void)state;
    static const struct {
        size_t offset; /* in the block's head */
        uint8_t value;
        size_t entries;
        enum store_harm_kind kind;
    } cases[] = {
        {4, 2, 11, STORE_UNSUPPORTED}, /* version */
        {5, 3, 11, STORE_UNSUPPORTED}, /* kind */
        {6, 4, 11, STORE_UNSUPPORTED}, /* codec */
    };
    struct small s = {.place = place_make()};
    struct store_log *log;
    struct fault f;
    assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, NULL, &f), ERR_OK);
    commit(&s, log, 0);
    commit(&s, log, 1);
    commit(&s, log, 11);
    store_log_close(log);
    const char *path = place_path(&s.place, "log/00000001.seg");
    struct bytes all = file_all(&s.place, path);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t *copy = arena_alloc(&s.place.arena, all.n);
        memcpy(copy, all.p, all.n);
        uint8_t *head = copy + s.commits[0].size;
        head[cases[i].offset] = cases[i].value;
        uint32_t check = zip_crc32(0, bytes_of(head, 40));
        for (unsigned k = 0; k < 4; k++)
            head[40 + k] = (uint8_t)(check >> (24 - 8 * k));
        file_put(path, bytes_of(copy, all.n));
        struct seen seen = read_file(&s, path);
        assert_int_equal(seen.n, cases[i].entries);
        assert_int_equal(seen.harms, 1);
        assert_int_equal(seen.first.kind, cases[i].kind);
        assert_int_equal(seen.first.at, s.commits[0].size);
        assert_int_equal(store_log_open(s.place.dir, &s.place.env, &quick, &log, NULL, &f),
                         ERR_UNSUPPORTED);
    }
    place_clear(&s.place);
}

/* An empty segment and five of four entries; `salt` makes them others. */
static void write_segments(struct place *p, uint64_t salt) {
    struct store_log_options o = {.segment_bytes = 1};
    struct store_log *log;
    struct fault f;
    assert_int_equal(store_log_open(p->dir, &p->env, &o, &log, NULL, &f), ERR_OK);
    for (uint64_t i = 0; i < 5; i++) {
        struct store_entry e[4];
        for (uint64_t k = 0; k < 4; k++)
            e[k] = entry_number(&p->arena, salt + 4 * i + k);
        assert_int_equal(store_log_append(log, e, 4, NULL, &f), ERR_OK);
    }
    store_log_close(log);
}

static struct store_account account_of(struct place *p) {
    struct store_account account;
    struct store_reader *r;
    struct fault f;
    assert_int_equal(store_reader_open(p->dir, &r, &f), ERR_OK);
    assert_int_equal(store_reader_account(r, INT64_MAX, NULL, NULL, &account, &f), ERR_OK);
    store_reader_close(r);
    return account;
}

/* Sound by itself, and not what was there: the heads behind it tell. */
static void a_segment_of_another_log_is_told(void **state) {
    (void)state;
    struct place p = place_make(), other = place_make();
    write_segments(&p, 0);
    write_segments(&other, 100);
    assert_int_equal(account_of(&p).wrong_heads, 0);
    file_put(place_path(&p, "log/00000003.seg"),
             file_all(&other, place_path(&other, "log/00000003.seg")));
    struct store_account account = account_of(&p);
    assert_true(account.is_whole);
    assert_int_equal(account.tree.size, 20);
    assert_int_equal(account.wrong_heads, 4); /* its own, and those of the three behind it */
    assert_string_equal(account.wrong_head, "00000003.seg");
    place_clear(&p);
    place_clear(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(flip_every_bit),
        cmocka_unit_test(sectors_that_never_came),
        cmocka_unit_test(a_block_within_a_payload_is_none),
        cmocka_unit_test(segments_gone_or_bad),
        cmocka_unit_test(later_versions_are_named),
        cmocka_unit_test(a_segment_of_another_log_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
