/* store/inventory's tables beside a plain list: rows added, found and forgotten in any order, with
 * and without a part that somebody else holds. */
#include "test.h"

#include "store/inventory/rows.h"

#include <stdlib.h>
#include <string.h>

enum { KEY = 16, ROWS = 3000, STEPS = 12000 };

struct row {
    uint64_t other;
    uint8_t key[KEY];
};

/* What the table should say: by key number, the row; ROWS_NONE: it is not in it. */
struct model {
    struct rows rows;
    struct table table;
    uint32_t found[ROWS];
    uint64_t random;
};

static uint64_t draw(struct model *m, uint64_t below) {
    uint64_t z = m->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % below;
}

/* Keys that differ in few bits, some in their last word alone. */
static void key_of(uint32_t number, uint8_t out[KEY]) {
    memset(out, 0, KEY);
    out[number % 2 == 0 ? 0 : 8] = (uint8_t)number;
    out[15] = (uint8_t)(number >> 8);
}

static void start(struct model *m, uint64_t seed) {
    uint8_t bytes[TABLE_SEED];
    *m = (struct model){.random = seed};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)draw(m, 256);
    rows_init(&m->rows, sizeof(struct row));
    table_init(&m->table, &m->rows, offsetof(struct row, key), KEY, bytes);
    for (uint32_t i = 0; i < ROWS; i++)
        m->found[i] = ROWS_NONE;
}

static void compare(const struct model *m) {
    uint8_t key[KEY];
    for (uint32_t i = 0; i < ROWS; i++) {
        key_of(i, key);
        assert_int_equal(table_find(&m->table, key), m->found[i]);
    }
}

/* Adds a row with some key, or forgets the one that has it. */
static void step(struct model *m) {
    uint32_t number = (uint32_t)draw(m, ROWS);
    if (m->found[number] != ROWS_NONE && draw(m, 3) > 0) {
        table_remove(&m->table, m->found[number]);
        m->found[number] = ROWS_NONE;
        return;
    }
    struct row *row = rows_add(&m->rows);
    assert_non_null(row);
    key_of(number, row->key);
    assert_int_equal(table_add(&m->table, m->rows.n - 1), ERR_OK);
    if (m->found[number] == ROWS_NONE) /* else the first one stays */
        m->found[number] = m->rows.n - 1;
}

static void work(struct model *m) {
    for (unsigned i = 0; i < STEPS; i++) {
        step(m);
        if (i < 100 || i % 1000 == 0)
            compare(m);
    }
    compare(m);
}

static void finds_what_a_list_finds(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct model m;
        start(&m, seed);
        compare(&m);
        work(&m);
        table_clear(&m.table);
        rows_clear(&m.rows);
    }
}

/* As the index has it: one array of all, which the table goes on with. */
static void goes_on_with_a_held_part(void **state) {
    (void)state;
    struct model m;
    uint32_t *slots[3];
    size_t room;
    start(&m, 7);
    for (unsigned i = 0; i < 3; i++) {
        work(&m);
        assert_int_equal(table_join(&m.table, &slots[i], &room), ERR_OK);
        table_clear(&m.table);
        table_begin(&m.table, slots[i], room);
        compare(&m);
    }
    work(&m);
    table_clear(&m.table);
    rows_clear(&m.rows);
    for (unsigned i = 0; i < 3; i++)
        free(slots[i]);
}

static void an_empty_one_joins_to_nothing(void **state) {
    (void)state;
    struct model m;
    uint32_t *slots;
    size_t room;
    start(&m, 9);
    assert_int_equal(table_join(&m.table, &slots, &room), ERR_OK);
    assert_null(slots);
    assert_int_equal(room, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_a_list_finds),
        cmocka_unit_test(goes_on_with_a_held_part),
        cmocka_unit_test(an_empty_one_joins_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
