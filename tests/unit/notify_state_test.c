/* lib/notify: the file between two digests. */
#include "test.h"

#include "notify/state.h"

#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ID "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static const char whole[] = "clm digest 1\n"
                            "sent 2026-11-24 " KEY "\n"
                            "kept 2026-11-25T07:30:00Z " ID "\n"
                            "subject clm: 2 expired\n"
                            "\n"
                            "clm.example.com: 2 expired\n\nsent 1\n";

static void test_whole(void **state) {
    struct notify_state s;
    struct fault f;
    struct buf out;
    (void)state;
    assert_int_equal(notify_state_read(bytes_text(whole), &s, &f), ERR_OK);
    assert_true(s.has_sent && s.has_kept);
    assert_int_equal(s.sent_day_s, 1795478400);
    assert_int_equal(s.sent_key[31], 0x1f);
    assert_int_equal(s.made_s, 1795591800);
    assert_int_equal(s.id[0], 0xa0);
    assert_text(s.subject, "clm: 2 expired");
    assert_text(s.body, "clm.example.com: 2 expired\n\nsent 1\n");
    buf_init(&out, 1000);
    notify_state_write(&out, &s);
    assert_string_equal(buf_cstr(&out), whole);
    buf_clear(&out);
}

/* Each part may be missing; what is cut within a line is damage, never something else. */
static void test_prefixes(void **state) {
    size_t body = (size_t)(strstr(whole, "\n\n") - whole) + 2;
    (void)state;
    for (size_t n = 0; n <= strlen(whole); n++) {
        struct notify_state s;
        struct fault f;
        enum err code = notify_state_read(bytes_of(whole, n), &s, &f);
        assert_true(code == ERR_OK || code == ERR_DAMAGED);
        if (code == ERR_DAMAGED)
            assert_true(!s.has_sent && !s.has_kept);
        assert_int_equal(s.has_kept, n >= body);
    }
}

static void test_damaged(void **state) {
    static const char *const bad[] = {
        "clm digest 2\n",
        "\n",
        "clm digest 1\nsent 2026-11-24\n",
        "clm digest 1\nsent 2026-11-31 " KEY "\n",
        "clm digest 1\nsent 2026-11-24 " KEY "00\n",
        "clm digest 1\nsent 2026-11-24 " KEY "\nsent 2026-11-24 " KEY "\n",
        "clm digest 1\nkept 2026-11-25T07:30:00Z " ID "\n",
        "clm digest 1\nkept 2026-11-25T07:30:00Z " ID "\nsubject \n\nbody",
        "clm digest 1\nkept 2026-11-25T07:30:00Z " ID "\nsubject a\tb\n\nbody",
        "clm digest 1\nkept 2026-11-25 " ID "\nsubject a\n\nbody",
        "clm digest 1\nother\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct notify_state s;
        struct fault f;
        assert_int_equal(notify_state_read(bytes_text(bad[i]), &s, &f), ERR_DAMAGED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
