/* web/auth: sessions and the limit on attempts, by a clock of the test's own. */
#include "auth_test.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static void add_user(struct bench *b, const char *name) {
    struct fault f;
    assert_int_equal(auth_user_add(b->auth, bytes_text(name), AUTH_VIEWER, &f), ERR_OK);
}

static void sessions_end_by_themselves(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user;
    struct fault f;
    char secret[AUTH_SECRET_TEXT + 1], other[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    add_user(&b, "alex");
    assert_int_equal(auth_session_begin(b.auth, bytes_text("alex"), secret, &f), ERR_OK);
    assert_int_equal(auth_session_begin(b.auth, bytes_text("alex"), other, &f), ERR_OK);
    assert_string_not_equal(secret, other);
    assert_true(auth_session_find(b.auth, bytes_text(secret), &user));
    assert_string_equal(user.name, "alex");

    b.tick_ms += 59 * MINUTE_MS; /* used within the hour: goes on */
    assert_true(auth_session_find(b.auth, bytes_text(secret), &user));
    b.tick_ms += 59 * MINUTE_MS;
    assert_true(auth_session_find(b.auth, bytes_text(secret), &user));
    assert_false(auth_session_find(b.auth, bytes_text(other), &user)); /* idle for longer */
    for (int i = 0; i < 10; i++) {
        b.tick_ms += 59 * MINUTE_MS;
        assert_true(auth_session_find(b.auth, bytes_text(secret), &user));
    }
    b.tick_ms += 30 * MINUTE_MS; /* twelve hours are over */
    assert_false(auth_session_find(b.auth, bytes_text(secret), &user));
    bench_clear(&b);
}

static void sessions_are_ended_and_not_guessed(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user;
    struct fault f;
    char secret[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    add_user(&b, "alex");
    assert_int_equal(auth_session_begin(b.auth, bytes_text("alex"), secret, &f), ERR_OK);
    assert_false(auth_session_find(b.auth, bytes_text(""), &user));
    assert_false(auth_session_find(b.auth, bytes_of(secret, AUTH_SECRET_TEXT - 1), &user));
    char wrong[AUTH_SECRET_TEXT + 1];
    memcpy(wrong, secret, sizeof wrong);
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    assert_false(auth_session_find(b.auth, bytes_text(wrong), &user));
    auth_session_end(b.auth, bytes_text(secret));
    assert_false(auth_session_find(b.auth, bytes_text(secret), &user));
    bench_clear(&b);
}

static void sessions_are_bounded(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user;
    struct fault f;
    char first[AUTH_SECRET_TEXT + 1], secret[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    add_user(&b, "alex");
    assert_int_equal(auth_session_begin(b.auth, bytes_text("alex"), first, &f), ERR_OK);
    for (int i = 0; i < SESSIONS_MAX; i++) {
        b.tick_ms++;
        assert_int_equal(auth_session_begin(b.auth, bytes_text("alex"), secret, &f), ERR_OK);
    }
    assert_false(auth_session_find(b.auth, bytes_text(first), &user)); /* idle longest */
    assert_true(auth_session_find(b.auth, bytes_text(secret), &user));
    bench_clear(&b);
}

static void attempts_cost_time(void **state) {
    (void)state;
    struct bench b;
    struct bytes alex = bytes_text("alex"), here = bytes_text("192.0.2.1");
    bench_make(&b);
    for (int i = 0; i < 5; i++)
        assert_int_equal(auth_attempt(b.auth, alex, here), 0);
    assert_int_equal(auth_attempt(b.auth, alex, here), 5000);
    b.tick_ms += 4000;
    assert_int_equal(auth_attempt(b.auth, alex, here), 1000);
    assert_int_equal(auth_attempt(b.auth, bytes_text("zoe"), here), 0);
    assert_int_equal(auth_attempt(b.auth, alex, bytes_text("192.0.2.2")), 0);
    b.tick_ms += 1000;
    assert_int_equal(auth_attempt(b.auth, alex, here), 0);
    assert_int_equal(auth_attempt(b.auth, alex, here), 10000); /* twice as long each time */
    for (int i = 0; i < 20; i++) {
        b.tick_ms += 15 * MINUTE_MS;
        assert_int_equal(auth_attempt(b.auth, alex, here), 0);
    }
    assert_int_equal(auth_attempt(b.auth, alex, here), 15 * MINUTE_MS); /* at most */
    auth_attempt_good(b.auth, alex, here);
    assert_int_equal(auth_attempt(b.auth, alex, here), 0);
    b.tick_ms += 2 * HOUR_MS; /* forgotten */
    for (int i = 0; i < 5; i++)
        assert_int_equal(auth_attempt(b.auth, alex, here), 0);
    bench_clear(&b);
}

static void one_address_cannot_try_many_names(void **state) {
    (void)state;
    struct bench b;
    char name[16];
    int allowed = 0;
    bench_make(&b);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "user%d", i);
        allowed += auth_attempt(b.auth, bytes_text(name), bytes_text("192.0.2.1")) == 0;
    }
    assert_int_equal(allowed, 50);
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_end_by_themselves),
        cmocka_unit_test(sessions_are_ended_and_not_guessed),
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(attempts_cost_time),
        cmocka_unit_test(one_address_cannot_try_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
