/* base/bytes, base/buf, base/arena: bounds, stickiness, limits. */
#include "test.h"

#include "base/arena.h"
#include "base/buf.h"

static void reads_big_endian_and_stops_at_the_end(void **state) {
    (void)state;
    static const uint8_t in[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    struct cur c = cur_open(bytes_of(in, sizeof in));
    assert_int_equal(cur_u8(&c), 0x01);
    assert_int_equal(cur_u16(&c), 0x0203);
    assert_int_equal(cur_u24(&c), 0x040506);
    assert_int_equal(cur_u32(&c), 0x0708090a);
    assert_true(cur_u64(&c) == 0x0b0c0d0e0f101112u);
    assert_true(cur_end(&c));
    assert_int_equal(cur_u8(&c), 0);
    assert_true(c.bad);
    assert_false(cur_end(&c));
}

static void a_failed_read_moves_nothing_and_sticks(void **state) {
    (void)state;
    struct cur c = cur_open(bytes_text("abc"));
    assert_int_equal(cur_take(&c, 4).n, 0);
    assert_int_equal(c.rest.n, 3);
    assert_int_equal(cur_take(&c, 1).n, 0);
    struct cur d = cur_open(bytes_text("abc"));
    cur_refuse(&d);
    assert_int_equal(cur_u8(&d), 0);
}

static void puts_what_is_short_and_what_is_long(void **state) {
    (void)state;
    uint8_t from[100];
    for (size_t i = 0; i < sizeof from; i++)
        from[i] = (uint8_t)(i + 1);
    for (size_t n = 0; n <= sizeof from; n++) {
        struct buf b;
        buf_init(&b, 300);
        buf_u8(&b, 0);
        buf_put(&b, bytes_of(from, n));
        buf_u8(&b, 0);
        assert_int_equal(b.n, n + 2);
        assert_memory_equal(b.p + 1, from, n);
        assert_int_equal(b.p[n + 1], 0);
        buf_clear(&b);
    }
}

/* The values of protobuf's "Base 128 Varints", and the ends. */
static void varints_have_one_form(void **state) {
    (void)state;
    static const struct {
        uint32_t v;
        size_t n;
        uint8_t bytes[5];
    } cases[] = {
        {0,          1, {0}                           },
        {1,          1, {1}                           },
        {127,        1, {0x7f}                        },
        {128,        2, {0x80, 0x01}                  },
        {150,        2, {0x96, 0x01}                  },
        {300,        2, {0xac, 0x02}                  },
        {UINT32_MAX, 5, {0xff, 0xff, 0xff, 0xff, 0x0f}},
    };
    static const struct {
        size_t n;
        uint8_t bytes[6];
    } refused[] = {
        {2, {0x80, 0x00}                        },
        {3, {0xff, 0x80, 0x00}                  },
        {5, {0xff, 0xff, 0xff, 0xff, 0x10}      },
        {6, {0x80, 0x80, 0x80, 0x80, 0x80, 0x01}},
        {0, {0}                                 },
        {1, {0x80}                              },
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&b);
        buf_varint(&b, cases[i].v);
        assert_int_equal(b.n, cases[i].n);
        assert_memory_equal(b.p, cases[i].bytes, b.n);
        struct cur c = cur_open(buf_bytes(&b));
        assert_int_equal(cur_varint(&c), cases[i].v);
        assert_true(cur_end(&c));
    }
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct cur c = cur_open(bytes_of(refused[i].bytes, refused[i].n));
        assert_int_equal(cur_varint(&c), 0);
        assert_true(c.bad);
    }
    buf_clear(&b);
}

static void vectors_need_their_whole_length(void **state) {
    (void)state;
    static const uint8_t in[] = {2, 'a', 'b', 0, 1, 'c', 0, 0, 1, 'd', 3, 'x'};
    struct cur c = cur_open(bytes_of(in, sizeof in));
    assert_text(cur_vec8(&c), "ab");
    assert_text(cur_vec16(&c), "c");
    assert_text(cur_vec24(&c), "d");
    assert_int_equal(cur_vec8(&c).n, 0);
    assert_true(c.bad);
}

static void splits_at_a_byte(void **state) {
    (void)state;
    struct cur c = cur_open(bytes_text("one\n\nlast"));
    assert_text(cur_until(&c, '\n'), "one");
    assert_text(cur_until(&c, '\n'), "");
    assert_text(cur_until(&c, '\n'), "last");
    assert_true(cur_end(&c));
}

static void finds_and_compares(void **state) {
    (void)state;
    static const struct {
        const char *in, *needle;
        size_t at;
    } cases[] = {
        {"aab",   "ab",  1       },
        {"ab",    "ab",  0       },
        {"ab",    "abc", SIZE_MAX},
        {"",      "a",   SIZE_MAX},
        {"abc",   "",    0       },
        {"aaaab", "aab", 2       },
        {"xyz",   "z",   2       },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(bytes_find(bytes_text(cases[i].in), bytes_text(cases[i].needle)) ==
                    cases[i].at);
    assert_true(bytes_compare(bytes_text("a"), bytes_text("ab")) < 0);
    assert_true(bytes_compare(bytes_text("b"), bytes_text("ab")) > 0);
    assert_true(bytes_is_nocase(bytes_text("ERS.Exe"), "ers.exe"));
    assert_false(bytes_is_nocase(bytes_text("ers"), "er"));
    assert_text(bytes_trim(bytes_text(" \t x y \r\n")), "x y");
    assert_text(bytes_part(bytes_text("abcdef"), 2, 3), "cde");
    assert_int_equal(bytes_part(bytes_text("abc"), 3, 9).n, 0);
}

static void looks_at_nothing_that_is_not_there(void **state) {
    (void)state;
    struct bytes none = bytes_of(NULL, 0), text = bytes_text("aXbX");
    struct cur c = cur_open(none), bad = cur_open(text);
    assert_int_equal(cur_until(&c, 'X').n, 0);
    assert_true(cur_end(&c));
    cur_refuse(&bad);
    assert_int_equal(cur_until(&bad, 'X').n, 0);
    assert_false(cur_end(&bad));
    assert_int_equal(bytes_trim(none).n, 0);
    assert_int_equal(bytes_trim(bytes_text(" \t\r\n ")).n, 0);
    assert_true(bytes_equal(none, none));
    assert_false(bytes_equal(none, text));
    assert_false(bytes_equal(bytes_text("ab"), bytes_text("ac")));
    assert_false(bytes_is_nocase(bytes_text("ab"), "abc"));
    assert_false(bytes_is_nocase(bytes_text("ab"), "Ac"));
    assert_true(bytes_is_nocase(bytes_text("[Z`{"), "[z`{"));
    assert_true(bytes_starts(none, ""));
    assert_true(bytes_starts(text, "aX"));
    assert_false(bytes_starts(text, "ab"));
    assert_false(bytes_starts(none, "a"));
    assert_int_equal(bytes_compare(none, none), 0);
    assert_true(bytes_compare(none, text) < 0 && bytes_compare(text, none) > 0);
    assert_true(bytes_compare(bytes_text("b"), text) > 0);
    assert_int_equal(bytes_find(text, none), 0);
    assert_true(bytes_find(none, text) == SIZE_MAX);
    assert_true(bytes_find(text, bytes_text("Xc")) == SIZE_MAX); /* its X is there twice */
    assert_true(bytes_find(text, bytes_text("c")) == SIZE_MAX);
    assert_int_equal(bytes_find(text, bytes_text("bX")), 2);
}

static void a_buffer_keeps_its_maximum(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 5);
    buf_text(&b, "abc");
    buf_text(&b, "def");
    assert_int_equal(b.err, ERR_LIMIT);
    assert_text(buf_bytes(&b), "abc");
    buf_text(&b, "x"); /* would fit, but an earlier write failed */
    assert_text(buf_bytes(&b), "abc");
    buf_reset(&b);
    buf_text(&b, "abcde");
    assert_int_equal(b.err, ERR_OK);
    assert_string_equal(buf_cstr(&b), "abcde");
    buf_clear(&b);
}

static void vectors_are_written_with_their_length(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    size_t outer = buf_open_vec(&b, 2), inner = buf_open_vec(&b, 1);
    buf_printf(&b, "%s-%d", "x", 7);
    buf_close_vec(&b, inner, 1);
    buf_u24(&b, 0x010203);
    buf_close_vec(&b, outer, 2);
    static const uint8_t expected[] = {0, 7, 3, 'x', '-', '7', 1, 2, 3};
    assert_true(bytes_equal(buf_bytes(&b), bytes_of(expected, sizeof expected)));
    buf_reset(&b);
    size_t mark = buf_open_vec(&b, 1);
    buf_fill(&b, 'a', 256);
    buf_close_vec(&b, mark, 1);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
}

static void the_front_and_the_end_can_go(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 100);
    buf_text(&b, "abcdef");
    buf_drop_front(&b, 2);
    buf_cut(&b, 3);
    assert_text(buf_bytes(&b), "cde");
    buf_drop_front(&b, 9);
    assert_int_equal(b.n, 0);
    buf_clear(&b);
}

static void an_arena_is_zeroed_aligned_and_bounded(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, 100000);
    for (size_t n = 0; n < 300; n++) {
        uint8_t *p = arena_alloc(&a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_int_equal(a.err, ERR_LIMIT);
    arena_reset(&a);
    uint8_t *again = arena_alloc(&a, 64);
    assert_int_equal(again[0], 0);
    assert_string_equal(arena_cstr(&a, bytes_text("abc")), "abc");
    arena_clear(&a);
}

/* Overwrites, and remembers how much it got. */
static size_t wiped;

static void wipe(void *p, size_t n) {
    memset(p, 0xaa, n);
    wiped += n;
}

/* Every storage that a secret lay in is wiped: moved out of, forgotten, given back. */
static void secrets_are_wiped(void **state) {
    (void)state;
    struct buf b;
    wiped = 0;
    buf_init(&b, 1000);
    b.wipe = wipe;
    buf_text(&b, "secret");
    size_t first = b.cap;
    buf_fill(&b, 'x', 500);
    assert_int_equal(wiped, first);
    assert_memory_equal(b.p, "secretxx", 8);
    buf_reset(&b);
    assert_int_equal(b.p[0], 0xaa);
    buf_clear(&b);
    assert_int_equal(wiped, first + 2 * 512);
    assert_true(b.wipe == wipe && b.p == NULL);
    buf_clear(&b); /* nothing there */

    struct arena a;
    arena_init(&a, 100000);
    a.wipe = wipe;
    wiped = 0;
    uint8_t *p = arena_alloc(&a, 32);
    arena_alloc(&a, 6000); /* a second block */
    memcpy(p, "secret", 6);
    arena_reset(&a);
    /* reset keeps the newer, larger block */
    assert_int_equal(wiped, 6000 + 32);
    arena_alloc(&a, 64);
    wiped = 0;
    arena_clear(&a);
    assert_int_equal(wiped, 64);
    assert_true(a.wipe == wipe);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_big_endian_and_stops_at_the_end),
        cmocka_unit_test(a_failed_read_moves_nothing_and_sticks),
        cmocka_unit_test(puts_what_is_short_and_what_is_long),
        cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(vectors_need_their_whole_length),
        cmocka_unit_test(splits_at_a_byte),
        cmocka_unit_test(finds_and_compares),
        cmocka_unit_test(looks_at_nothing_that_is_not_there),
        cmocka_unit_test(a_buffer_keeps_its_maximum),
        cmocka_unit_test(vectors_are_written_with_their_length),
        cmocka_unit_test(the_front_and_the_end_can_go),
        cmocka_unit_test(an_arena_is_zeroed_aligned_and_bounded),
        cmocka_unit_test(secrets_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
