/* web/auth: users, their file, passwords, names and roles. */
#include "auth_test.h"

#include <stdlib.h>

static const char verifier[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$RdescudvJCsgt3ub+b27";

static void roles_allow_what_they_should(void **state) {
    (void)state;
    static const bool allowed[4][4] = {
  /* needs: public, agent, viewer, admin */
        {true, false, false, false}, /* public */
        {true, true,  false, false}, /* agent */
        {true, false, true,  false}, /* viewer */
        {true, false, true,  true }, /* admin */
    };
    for (unsigned has = 0; has < 4; has++)
        for (unsigned needs = 0; needs < 4; needs++)
            assert_int_equal(auth_role_allows((enum auth_role)has, (enum auth_role)needs),
                             allowed[has][needs]);
    enum auth_role role;
    assert_false(auth_role_read(bytes_text("public"), &role));
    assert_false(auth_role_read(bytes_text("agent"), &role));
    assert_true(auth_role_read(bytes_text("admin"), &role));
    assert_int_equal(role, AUTH_ADMIN);
}

static void patterns_match(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"*",                  "web1.example.com",                         true },
        {"*.dc1.example.com",  "web1.dc1.example.com",                     true },
        {"*.dc1.example.com",  "WEB1.DC1.example.com",                     true },
        {"*.dc1.example.com",  "dc1.example.com",                          false},
        {"web*",               "web",                                      true },
        {"web*.com",           "web1.com.example",                         false},
        {"web*.com",           "web1.com.example.com",                     true },
        {"a*b*c",              "aXbXbXc",                                  true },
        {"a*b*c",              "aXbXbX",                                   false},
        {"web1",               "web1",                                     true },
        {"web1",               "web11",                                    false},
        {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(
            auth_pattern_matches(bytes_text(cases[i].pattern), bytes_text(cases[i].name)),
            cases[i].matches);
}

static void names_are_checked(void **state) {
    (void)state;
    assert_true(auth_user_name_valid(bytes_text("alex@example.com")));
    assert_false(auth_user_name_valid(bytes_text("")));
    assert_false(auth_user_name_valid(bytes_text("-")));
    assert_false(auth_user_name_valid(bytes_text("a:b")));
    assert_false(auth_user_name_valid(bytes_text("a\nb")));
    assert_false(auth_user_name_valid(bytes_of("a\0b", 3)));
    assert_true(auth_agent_name_valid(bytes_text("web1.example.com")));
    assert_false(auth_agent_name_valid(bytes_text("web1/../x")));
    assert_false(auth_agent_name_valid(bytes_text("web*")));
    assert_true(auth_pattern_valid(bytes_text("*.example.com")));
}

static void file_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        size_t users;
        const char *detail;
    } cases[] = {
        {"",                                                          true,  0, ""      },
        {"# nobody\n\n",                                              true,  0, ""      },
        {"alex:admin:-:active\n",                                     true,  1, ""      },
        {"zoe:viewer:-:disabled\nalex:admin:$argon2id$v=19$x:active", true,  2, ""      },
        {"alex:admin:-:active\r\nzoe:viewer:-:active\r\n",            true,  2, ""      },
        {"alex:admin:-:active\nalex:viewer:-:active\n",               false, 0, "line 2"},
        {"alex:root:-:active\n",                                      false, 0, "line 1"},
        {"\nalex:admin::active\n",                                    false, 0, "line 2"},
        {"alex:admin:-:asleep\n",                                     false, 0, "line 1"},
        {"alex:admin:-:active:more\n",                                false, 0, "line 1"},
        {"alex:admin\n",                                              false, 0, "line 1"},
        {":admin:-:active\n",                                         false, 0, "line 1"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct user_list list = {NULL, 0};
        struct fault f = {0};
        enum err code = users_read(bytes_text(cases[i].text), &list, &f);
        assert_int_equal(code, cases[i].ok ? ERR_OK : ERR_DAMAGED);
        assert_int_equal(list.n, cases[i].users);
        assert_string_equal(f.detail, cases[i].detail);
        free(list.rows);
    }
}

static void file_round_trips_and_sorts(void **state) {
    (void)state;
    char text[512];
    struct user_list list;
    struct fault f;
    struct buf out, again;
    snprintf(text, sizeof text, "zoe:viewer:-:disabled\nalex:admin:%s:active\n", verifier);
    assert_int_equal(users_read(bytes_text(text), &list, &f), ERR_OK);
    assert_string_equal(list.rows[0].user.name, "alex");
    assert_string_equal(list.rows[0].verifier, verifier);
    buf_init(&out, 4096);
    buf_init(&again, 4096);
    users_write(&list, &out);
    free(list.rows);
    assert_int_equal(users_read(buf_bytes(&out), &list, &f), ERR_OK);
    users_write(&list, &again);
    assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&again)));
    free(list.rows);
    buf_clear(&out);
    buf_clear(&again);
}

static void every_prefix_is_read_or_refused(void **state) {
    (void)state;
    static const char whole[] = "alex:admin:-:active\nzoe:viewer:-:disabled\n";
    for (size_t n = 0; n < strlen(whole); n++) {
        struct user_list list = {NULL, 0};
        struct fault f;
        if (users_read(bytes_of(whole, n), &list, &f) == ERR_OK)
            assert_true(list.n <= 2);
        free(list.rows);
    }
}

static void users_live_on(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user;
    struct fault f;
    struct bytes alex = bytes_text("alex"), secret = bytes_text("correct horse battery");
    bench_make(&b);
    assert_int_equal(auth_user_add(b.auth, alex, AUTH_ADMIN, &f), ERR_OK);
    assert_int_equal(auth_user_add(b.auth, alex, AUTH_VIEWER, &f), ERR_EXISTS);
    assert_int_equal(auth_user_add(b.auth, bytes_text("a b"), AUTH_VIEWER, &f), ERR_USAGE);
    assert_int_equal(auth_user_verify(b.auth, alex, secret, &user, &f), ERR_CREDENTIALS);
    assert_int_equal(auth_user_set_password(b.auth, alex, bytes_text("short"), &f), ERR_USAGE);
    assert_int_equal(auth_user_set_password(b.auth, alex, secret, &f), ERR_OK);
    assert_int_equal(auth_user_set_password(b.auth, bytes_text("zoe"), secret, &f), ERR_NOT_FOUND);

    bench_reopen(&b);
    assert_int_equal(auth_user_verify(b.auth, alex, secret, &user, &f), ERR_OK);
    assert_int_equal(user.role, AUTH_ADMIN);
    assert_int_equal(auth_user_verify(b.auth, alex, bytes_text("wrong horse battery"), &user, &f),
                     ERR_CREDENTIALS);
    assert_int_equal(auth_user_verify(b.auth, bytes_text("zoe"), secret, &user, &f),
                     ERR_CREDENTIALS);
    assert_false(auth_user_at(b.auth, 1, &user));
    bench_clear(&b);
}

static void the_last_administrator_stays(void **state) {
    (void)state;
    struct bench b;
    struct auth_user user;
    struct fault f;
    char session[AUTH_SECRET_TEXT + 1];
    struct bytes alex = bytes_text("alex"), zoe = bytes_text("zoe");
    bench_make(&b);
    assert_int_equal(auth_user_add(b.auth, alex, AUTH_ADMIN, &f), ERR_OK);
    assert_int_equal(auth_user_set_password(b.auth, alex, bytes_text("correct horse battery"), &f),
                     ERR_OK);
    assert_int_equal(auth_user_disable(b.auth, alex, &f), ERR_CONFLICT);
    assert_int_equal(auth_user_add(b.auth, zoe, AUTH_ADMIN, &f), ERR_OK);
    assert_int_equal(auth_user_disable(b.auth, alex, &f), ERR_CONFLICT); /* zoe has no password */
    assert_int_equal(auth_user_set_password(b.auth, zoe, bytes_text("correct horse battery"), &f),
                     ERR_OK);
    assert_true(auth_user_find(b.auth, alex, &user));
    assert_int_equal(auth_session_begin(b.auth, &user, session, &f), ERR_OK);
    assert_int_equal(auth_user_disable(b.auth, alex, &f), ERR_OK);
    assert_false(auth_session_find(b.auth, bytes_text(session), &user));
    assert_int_equal(auth_user_verify(b.auth, alex, bytes_text("correct horse battery"), &user, &f),
                     ERR_CREDENTIALS);
    assert_int_equal(auth_user_enable(b.auth, alex, &f), ERR_OK);
    assert_false(auth_session_find(b.auth, bytes_text(session), &user));
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_allow_what_they_should),
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(file_is_read),
        cmocka_unit_test(file_round_trips_and_sorts),
        cmocka_unit_test(every_prefix_is_read_or_refused),
        cmocka_unit_test(users_live_on),
        cmocka_unit_test(the_last_administrator_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
