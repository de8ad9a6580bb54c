/* base/process: exit statuses, both streams, long output, time-outs, what cannot run. */
#include "test.h"

#include "base/env.h"
#include "base/file.h"
#include "base/os.h"
#include "base/process.h"
#include "base/thread.h"

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
    assert_int_equal(run("sleep 30 || ping -n 4 127.0.0.1", 300, &status, &said), ERR_TIMEOUT);
    buf_clear(&said);
}

/* What it has started does not outlive it, and does not keep us waiting. */
static void ends_its_children_too(void **state) {
    (void)state;
    struct buf said;
    struct fault f;
    int status = -1;
    if (!os_has_links) /* Windows, where that needs a job object */
        return;
    buf_init(&said, 1u << 16);
    assert_int_equal(file_remove("base_process_test.tmp", &f), ERR_OK);
    assert_int_equal(run("(sleep 1; echo > base_process_test.tmp) & wait", 300, &status, &said),
                     ERR_TIMEOUT);
    thread_sleep_ms(1200);
    assert_false(file_exists("base_process_test.tmp"));
    buf_clear(&said);
}

static void does_not_wait_for_daemons(void **state) {
    (void)state;
    struct buf said;
    struct env env = env_system(NULL);
    int status = -1;
    if (!os_has_links)
        return;
    buf_init(&said, 1u << 16);
    uint64_t begin = env.tick_ms(env.context);
    assert_int_equal(run("sleep 20 & echo begun", 20000, &status, &said), ERR_OK);
    assert_int_equal(status, 0);
    assert_text(buf_bytes(&said), "begun\n");
    assert_true(env.tick_ms(env.context) - begin < 10000);
    buf_clear(&said);
}

static void keeps_the_tail(void **state) {
    (void)state;
    struct buf said;
    int status = -1;
    if (!os_has_links)
        return;
    buf_init(&said, 1u << 16);
    assert_int_equal(
        run("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done; kill -9 $$", 20000,
            &status, &said),
        ERR_OK);
    assert_int_equal(status, 128 + 9);
    assert_int_equal(said.n, PROCESS_OUTPUT_MAX);
    assert_text(bytes_part(buf_bytes(&said), said.n - 10, 10), "line 4999\n");
    buf_clear(&said);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_status_and_output), cmocka_unit_test(ends_what_takes_too_long),
        cmocka_unit_test(ends_its_children_too),   cmocka_unit_test(does_not_wait_for_daemons),
        cmocka_unit_test(keeps_the_tail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
