/* ers: the file of what the server has. */
#include "test.h"

#include "applets/ers/pushed.h"
#include "base/file.h"

#define ONE "00112233445566778899aabbccddeeff"
#define TWO "0f112233445566778899aabbccddeeff"
#define SIX "f0112233445566778899aabbccddeeff"

static const char whole[] = "clm pushed 1\n" ONE " 7\n" TWO " 0\n" SIX " 4294967295\n";
static const char file_name[] = "ers_pushed_test.tmp";

static struct arena arena;

static struct pushed parsed(const char *text) {
    struct pushed p;
    struct fault f = {0};
    assert_int_equal(pushed_parse(&arena, bytes_text(text), &p, &f), ERR_OK);
    return p;
}

static void expect_file(const char *text) {
    struct buf b;
    struct fault f = {0};
    buf_init(&b, 4096);
    assert_int_equal(file_read(file_name, &b, &f), ERR_OK);
    assert_text(buf_bytes(&b), text);
    buf_clear(&b);
}

static void finds_what_it_read(void **state) {
    (void)state;
    static const uint8_t two[MODEL_SAID_SIZE] = {0x0f, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                                 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    uint8_t none[MODEL_SAID_SIZE] = {0x0f};
    struct pushed p = parsed(whole);
    assert_int_equal(p.n, 3);
    assert_ptr_equal(pushed_find(&p, two), &p.rows[1]);
    assert_null(pushed_find(&p, none));
    assert_int_equal(p.rows[2].face, UINT32_MAX);
    pushed_forget(&p, &p.rows[1]);
    assert_null(pushed_find(&p, two));
}

static void keeps_the_newest_of_each_face(void **state) {
    (void)state;
    struct fault f = {0};
    uint8_t said[MODEL_SAID_SIZE] = {1};
    struct pushed p = parsed(whole);
    (void)!file_remove(file_name, &f);
    assert_int_equal(pushed_write(&p, file_name, false, &f), ERR_OK);
    assert_false(file_exists(file_name)); /* nothing has changed */
    pushed_learn(&p, 7, said);
    said[0] = 2;
    pushed_learn(&p, 7, said);
    said[0] = 3;
    pushed_learn(&p, 1000, said);
    pushed_forget(&p, &p.rows[1]);
    assert_int_equal(pushed_write(&p, file_name, false, &f), ERR_OK);
    expect_file("clm pushed 1\n"
                "02000000000000000000000000000000 7\n"
                "03000000000000000000000000000000 1000\n" SIX " 4294967295\n");
    pushed_clear(&p);
}

static void a_complete_scan_drops_what_it_did_not_see(void **state) {
    (void)state;
    struct fault f = {0};
    struct pushed p = parsed(whole);
    p.rows[1].is_seen = true;
    assert_int_equal(pushed_write(&p, file_name, true, &f), ERR_OK);
    expect_file("clm pushed 1\n" TWO " 0\n");
    pushed_clear(&p);
}

static void more_than_a_thousand(void **state) {
    (void)state;
    struct fault f = {0};
    struct pushed p = {.n = 0}, again;
    for (uint32_t i = 0; i < 3000; i++) {
        uint8_t said[MODEL_SAID_SIZE] = {(uint8_t)(i * 7 >> 8), (uint8_t)(i * 7)};
        pushed_learn(&p, i % 1500, said);
    }
    assert_int_equal(pushed_write(&p, file_name, false, &f), ERR_OK);
    pushed_open(&arena, file_name, &again);
    assert_int_equal(again.n, 1500);
    for (uint32_t i = 1500; i < 3000; i++) {
        uint8_t said[MODEL_SAID_SIZE] = {(uint8_t)(i * 7 >> 8), (uint8_t)(i * 7)};
        assert_int_equal(pushed_find(&again, said)->face, i - 1500);
    }
    pushed_clear(&again);
    pushed_clear(&p);
}

static void what_is_no_such_file_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "clm pushed 2\n",
        "clm pushed 1\n" ONE "\n",
        "clm pushed 1\n" ONE " \n",
        "clm pushed 1\n" ONE " -1\n",
        "clm pushed 1\n" ONE " 4294967296\n",
        "clm pushed 1\n" ONE " 1 2\n",
        "clm pushed 1\n" TWO " 1\n" ONE " 2\n",
        "clm pushed 1\n" ONE " 1\n" ONE " 2\n",
        "clm pushed 1\n0" ONE " 1\n",
        "clm pushed 1\n\n",
    };
    struct pushed p;
    struct fault f = {0};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(pushed_parse(&arena, bytes_text(bad[i]), &p, &f), ERR_DAMAGED);
    for (size_t n = 0; n + 1 < sizeof whole; n++) { /* at each prefix: refused, or fewer rows */
        struct bytes part = bytes_of(whole, n);
        if (pushed_parse(&arena, part, &p, &f) == ERR_OK)
            assert_in_range(p.n, 0, 3);
    }
    pushed_open(&arena, "there/is/none", &p);
    assert_int_equal(p.n, 0);
}

static int begin(void **state) {
    (void)state;
    arena_init(&arena, 1 << 22);
    return 0;
}

static int end(void **state) {
    struct fault f;
    (void)state;
    arena_clear(&arena);
    return file_remove(file_name, &f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_it_read),
        cmocka_unit_test(keeps_the_newest_of_each_face),
        cmocka_unit_test(a_complete_scan_drops_what_it_did_not_see),
        cmocka_unit_test(more_than_a_thousand),
        cmocka_unit_test(what_is_no_such_file_is_refused),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
