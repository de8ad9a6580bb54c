/* store/inventory/signs: no text that is there is in a block that is passed over; most
 * blocks are passed over for one that is not. */
#include "test.h"

#include "store/inventory/signs.h"

#include <stdlib.h>
#include <string.h>

static uint32_t draw(uint32_t *seed, uint32_t below) {
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % below;
}

/* Short names, and one that is longer than a piece. */
static void fill(struct texts *t, uint32_t *seed) {
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-\n";
    static uint8_t text[TEXTS_PIECE + 5000];
    texts_init(t);
    for (unsigned i = 0; i < 9000; i++) {
        struct text ignored;
        size_t n = i == 4000 ? sizeof text : 10 + draw(seed, 80);
        for (size_t k = 0; k < n; k++)
            text[k] = (uint8_t)letters[draw(seed, sizeof letters - 1)];
        assert_int_equal(texts_add(t, bytes_of(text, n), 0, &ignored), ERR_OK);
    }
}

static void lower_part(struct bytes in, size_t at, size_t n, uint8_t out[TEXT_FOUND_MAX]) {
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)ascii_lower((char)in.p[at + i]);
}

static void what_is_there_is_found(void **state) {
    (void)state;
    struct texts t;
    struct bytes run;
    uint64_t begin;
    uint32_t seed = 20260101;
    fill(&t, &seed);
    uint64_t *rows = signs_make(&t);
    assert_non_null(rows);
    struct signs s = {rows, (uint64_t)t.pieces_n * TEXTS_PIECE};
    size_t runs = 0;
    for (size_t i = 0; texts_run(&t, &i, &run, &begin); runs++) {
        for (size_t at = 0; at + TEXT_FOUND_MAX <= run.n; at += at % SIGNS_BLOCK > 4000 ? 1 : 37) {
            uint8_t lower[TEXT_FOUND_MAX];
            size_t n = 3 + draw(&seed, TEXT_FOUND_MAX - 2),
                   block = (size_t)(begin + at) / SIGNS_BLOCK;
            lower_part(run, at, n, lower);
            assert_int_equal(signs_next(&s, bytes_of(lower, n), block), block);
        }
    }
    assert_true(runs > 2);
    size_t passed = 0, blocks = (size_t)(s.texts_n / SIGNS_BLOCK);
    for (size_t block = 0; (block = signs_next(&s, bytes_text("nothing like it"), block)) < blocks;)
        block++, passed++;
    assert_true(passed < blocks / 20);
    free(rows);
    texts_clear(&t);
}

static void none_of_no_texts(void **state) {
    (void)state;
    struct texts t;
    texts_init(&t);
    struct signs s = {NULL, 0};
    assert_null(signs_make(&t));
    assert_int_equal(signs_words(0), 0);
    assert_int_equal(signs_next(&s, bytes_text("abc"), 0), SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_found),
        cmocka_unit_test(none_of_no_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
