/* web/http/pace: a second's worth at once, then one after the other. */
#include "test.h"

#include "web/http/pace.h"

static uint64_t turn(struct http_pace *p, unsigned address, uint64_t now_ms) {
    uint8_t key[HTTP_ADDRESS_KEY] = {0x20, 0x01, (uint8_t)(address >> 16), (uint8_t)(address >> 8),
                                     (uint8_t)address};
    return http_pace_wait(p, key, 50, now_ms);
}

static void more_than_a_second_s_worth_waits(void **state) {
    (void)state;
    static struct http_pace p;
    const uint64_t now_ms = 5000;
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(turn(&p, 1, now_ms), 0);
    for (unsigned i = 1; i <= 100; i++)
        assert_int_equal(turn(&p, 1, now_ms), 20 * i); /* their turns are 20 ms apart */
    assert_int_equal(turn(&p, 2, now_ms), 0);          /* another address has its own */
    assert_int_equal(turn(&p, 1, now_ms + 1000), 20 * 101 - 1000);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(turn(&p, 1, now_ms + 60000), 0); /* quiet long enough: as at first */
    assert_int_equal(turn(&p, 1, now_ms + 60000), 20);
}

/* At an even flow nobody ever waits. */
static void an_even_flow_is_free(void **state) {
    (void)state;
    static struct http_pace p;
    for (uint64_t i = 0; i < 10000; i++)
        assert_int_equal(turn(&p, 1, 1000 + i * 20), 0);
}

/* Many others push out whoever was quiet, never the one that is under way. */
static void the_table_is_bounded(void **state) {
    (void)state;
    static struct http_pace p;
    for (unsigned i = 0; i < 60; i++)
        turn(&p, 0, 1000);
    for (unsigned i = 1; i <= 100000; i++)
        assert_int_equal(turn(&p, i, 1000), 0);
    assert_int_equal(turn(&p, 0, 1000), 11 * 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_a_second_s_worth_waits),
        cmocka_unit_test(an_even_flow_is_free),
        cmocka_unit_test(the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
