/* base/process: exit statuses, both streams, long output, time-outs, what cannot run. */
#include "test.h"

#include "base/process.h"

static enum err run(const char *command, uint64_t timeout_ms, int *status, struct buf *said) {
    struct fault f;
    buf_clear(said);
    return process_run(command, timeout_ms, status, said, &f);
}

static void tells_status_and_output(void **state) {
    (void)state;
    struct buf said;
    int status = -1;
    buf_init(&said, 1u << 16);
    assert_int_equal(run("exit 0", 20000, &status, &said), ERR_OK);
    assert_int_equal(status, 0);
    assert_int_equal(run("exit 7", 20000, &status, &said), ERR_OK);
    assert_int_equal(status, 7);
    assert_int_equal(run("echo one && echo two 1>&2", 20000, &status, &said), ERR_OK);
    assert_true(bytes_find(buf_bytes(&said), bytes_text("one")) != SIZE_MAX);
    assert_true(bytes_find(buf_bytes(&said), bytes_text("two")) != SIZE_MAX);
    assert_int_equal(run("no-such-command-here", 20000, &status, &said), ERR_OK);
    assert_int_not_equal(status, 0);
    buf_clear(&said);
}

static void ends_what_takes_too_long(void **state) {
    (void)state;
    struct buf said;
    int status = -1;
    buf_init(&said, 1u << 16);
    assert_int_equal(run("sleep 30 || ping -n 30 127.0.0.1", 300, &status, &said), ERR_TIMEOUT);
    buf_clear(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_status_and_output),
        cmocka_unit_test(ends_what_takes_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
