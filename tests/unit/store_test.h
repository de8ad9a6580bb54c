/* What the tests of store/ share: a folder of their own, entries, copies of files. */
#ifndef TESTS_UNIT_STORE_TEST_H
#define TESTS_UNIT_STORE_TEST_H

#include "test_dir.h"

#include "query/query.h"
#include "store/log/log.h"

struct place {
    struct arena arena;
    struct env env;
    char *dir;
};

static inline struct place place_make(void) {
    struct place p = {.env = env_system(NULL)};
    arena_init(&p.arena, 64u << 20);
    p.dir = test_dir(&p.arena, "store");
    return p;
}

static inline char *place_path(struct place *p, const char *name) {
    return path_join(&p->arena, p->dir, name);
}

struct place_part {
    struct place *place;
    const char *dir;
};

static inline bool place_drop_one(void *context, const char *name, bool is_dir) {
    struct place_part *p = context;
    struct fault f;
    if (!is_dir)
        assert_int_equal(file_remove(path_join(&p->place->arena, p->dir, name), &f), ERR_OK);
    return true;
}

/* Removes the files in a folder of the place. */
static inline void place_drop(struct place *p, const char *name) {
    struct place_part part = {p, place_path(p, name)};
    struct fault f;
    enum err code = dir_list(part.dir, place_drop_one, &part, &f);
    assert_true(code == ERR_OK || code == ERR_NOT_FOUND);
}

/* Removes the store's files; what is left of the folder is empty. */
static inline void place_clear(struct place *p) {
    place_drop(p, "log");
    place_drop(p, "index");
    arena_clear(&p->arena);
}

static inline struct bytes file_all(struct place *p, const char *path) {
    struct buf b;
    struct fault f;
    buf_init(&b, 64u << 20);
    assert_int_equal(file_read(path, &b, &f), ERR_OK);
    struct bytes copy = arena_copy(&p->arena, buf_bytes(&b));
    buf_clear(&b);
    return copy;
}

/* Without the syncs of file_replace: these tests write thousands of files. */
static inline void file_put(const char *path, struct bytes content) {
    struct file file;
    struct fault f;
    assert_int_equal(file_open(&file, path, FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_write_at(&file, 0, content, &f), ERR_OK);
    uint64_t size;
    assert_int_equal(file_size(&file, &size, &f), ERR_OK);
    if (size != content.n) /* costs half a millisecond; to 0 before writing even a sync */
        assert_int_equal(file_truncate(&file, content.n, &f), ERR_OK);
    file_close(&file);
}

/* Entry i has a payload that can be told from all others. */
static inline struct store_entry entry_number(struct arena *a, uint64_t i) {
    char text[80];
    snprintf(text, sizeof text, "payload of entry %llu, %llx", (unsigned long long)i,
             (unsigned long long)(i * 0x9e3779b97f4a7c15u));
    return (struct store_entry){.number = i,
                                .type = (uint16_t)(i % 7),
                                .version = 1,
                                .time_ms = (int64_t)i * 1000,
                                .payload = arena_copy(a, bytes_text(text))};
}

static inline bool entry_is(const struct store_entry *e, uint64_t i) {
    struct arena a;
    arena_init(&a, 1u << 16);
    struct store_entry want = entry_number(&a, i);
    bool same = e->number == i && e->type == want.type && e->version == want.version &&
                e->time_ms == want.time_ms && bytes_equal(e->payload, want.payload);
    arena_clear(&a);
    return same;
}

/* A query that must parse; it lives in the arena. */
static inline const struct query *query_of(struct arena *a, const char *text, enum query_rows rows,
                                           int64_t now_s) {
    const struct query *q;
    struct query_error e;
    if (query_parse(a, bytes_text(text), rows, now_s, &q, &e) != ERR_OK)
        fail_msg("%s: column %zu: %s", text, e.column, e.text);
    return q;
}

#endif
