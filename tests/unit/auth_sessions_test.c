/* web/auth: sessions and the limit on attempts, by a clock of the test's own. */
#include "auth_test.h"

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS };

static void add_user(struct bench *b, const char *name) {
    struct fault f;
    assert_int_equal(auth_user_add(b->auth, bytes_text(name), AUTH_VIEWER, &f), ERR_OK);
}

static enum err begin(struct bench *b, char secret[AUTH_SECRET_TEXT + 1], struct fault *f) {
    struct auth_user alex;
    assert_true(auth_user_find(b->auth, bytes_text("alex"), &alex));
    return auth_session_begin(b->auth, &alex, secret, f);
}

static void sessions_end_by_themselves(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user;
    struct fault f;
    char secret[AUTH_SECRET_TEXT + 1], other[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    add_user(&b, "alex");
    assert_int_equal(begin(&b, secret, &f), ERR_OK);
    assert_int_equal(begin(&b, other, &f), ERR_OK);
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
    assert_int_equal(begin(&b, secret, &f), ERR_OK);
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
    assert_int_equal(begin(&b, first, &f), ERR_OK);
    for (int i = 0; i < SESSIONS_MAX; i++) { /* of a user each */
        char name[16];
        struct auth_user other;
        b.tick_ms++;
        snprintf(name, sizeof name, "user%d", i);
        other = (struct auth_user){.role = AUTH_VIEWER};
        memcpy(other.name, name, sizeof name);
        assert_int_equal(auth_session_begin(b.auth, &other, secret, &f), ERR_OK);
    }
    assert_false(auth_session_find(b.auth, bytes_text(first), &user)); /* idle longest */
    assert_int_equal(begin(&b, secret, &f), ERR_OK);
    assert_true(auth_session_find(b.auth, bytes_text(secret), &user));
    bench_clear(&b);
}

/* One more than a user may have ends the one idle longest, of that user alone. */
static void sessions_of_a_user_are_bounded(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user, zoe;
    struct fault f;
    char of_zoe[AUTH_SECRET_TEXT + 1], secrets[SESSIONS_PER_USER + 1][AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    add_user(&b, "alex");
    add_user(&b, "zoe");
    assert_true(auth_user_find(b.auth, bytes_text("zoe"), &zoe));
    assert_int_equal(auth_session_begin(b.auth, &zoe, of_zoe, &f), ERR_OK);
    for (size_t i = 0; i < SESSIONS_PER_USER; i++) {
        b.tick_ms++;
        assert_int_equal(begin(&b, secrets[i], &f), ERR_OK);
    }
    b.tick_ms++;
    assert_true(auth_session_find(b.auth, bytes_text(secrets[0]), &user)); /* used again */
    assert_int_equal(begin(&b, secrets[SESSIONS_PER_USER], &f), ERR_OK);
    for (size_t i = 0; i <= SESSIONS_PER_USER; i++)
        assert_int_equal(auth_session_find(b.auth, bytes_text(secrets[i]), &user), i != 1);
    assert_true(auth_session_find(b.auth, bytes_text(of_zoe), &user));
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

/* An IPv6 host has 2^64 addresses, and is one all the same. */
static void a_network_of_ipv6_is_one_address(void **state) {
    (void)state;
    struct bench b;
    struct bytes alex = bytes_text("alex");
    char address[64];
    int allowed = 0;
    bench_make(&b);
    for (int i = 1; i <= 20; i++) {
        snprintf(address, sizeof address, "2001:db8:0:1::%x", (unsigned)i);
        allowed += auth_attempt(b.auth, alex, bytes_text(address)) == 0;
    }
    assert_int_equal(allowed, 5);
    assert_int_equal(auth_attempt(b.auth, alex, bytes_text("2001:db8:0:2::1")), 0);
    assert_int_equal(auth_attempt(b.auth, alex, bytes_text("192.0.2.1")), 0);
    auth_attempt_good(b.auth, alex, bytes_text("2001:db8:0:1:ffff::1"));
    assert_int_equal(auth_attempt(b.auth, alex, bytes_text("2001:db8:0:1::1")), 0);
    bench_clear(&b);
}

/* A log-in takes a tenth of a second; the password may be changed meanwhile. */
static void a_log_in_with_the_old_password_ends_with_it(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user, seen;
    struct fault f;
    struct bytes alex = bytes_text("alex"), old = bytes_text("an old password");
    char secret[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    add_user(&b, "alex");
    assert_int_equal(auth_user_set_password(b.auth, alex, old, &f), ERR_OK);
    assert_int_equal(auth_user_verify(b.auth, alex, old, &user, &f), ERR_OK);
    assert_int_equal(auth_user_set_password(b.auth, alex, bytes_text("a newer password"), &f),
                     ERR_OK);
    assert_int_equal(auth_session_begin(b.auth, &user, secret, &f), ERR_OK);
    assert_false(auth_session_find(b.auth, bytes_text(secret), &seen));
    assert_int_equal(auth_user_verify(b.auth, alex, bytes_text("a newer password"), &user, &f),
                     ERR_OK);
    assert_int_equal(auth_session_begin(b.auth, &user, secret, &f), ERR_OK);
    assert_true(auth_session_find(b.auth, bytes_text(secret), &seen));
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_end_by_themselves),
        cmocka_unit_test(sessions_are_ended_and_not_guessed),
        cmocka_unit_test(sessions_are_bounded),
        cmocka_unit_test(sessions_of_a_user_are_bounded),
        cmocka_unit_test(attempts_cost_time),
        cmocka_unit_test(one_address_cannot_try_many_names),
        cmocka_unit_test(a_network_of_ipv6_is_one_address),
        cmocka_unit_test(a_log_in_with_the_old_password_ends_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
