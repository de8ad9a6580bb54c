/* web/auth: enrolment tokens and one-time links. */
#include "auth_test.h"

#include <stdlib.h>

enum { DAY_S = 24 * 60 * 60 };

static struct auth_token wanted(struct bench *b, uint64_t uses) {
    return (struct auth_token){.uses = uses, .end_s = b->now_ms / 1000 + DAY_S, .names = "*"};
}

static enum err take(struct bench *b, const char *secret, const char *name, const char *network,
                     struct auth_token *out) {
    struct fault f;
    return auth_token_take(b->auth, bytes_text(secret), bytes_text(name), bytes_text(network), out,
                           &f);
}

static void tokens_are_spent(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    struct auth_token t, seen;
    char secret[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    t = wanted(&b, 2);
    assert_int_equal(auth_token_make(b.auth, &t, secret, &f), ERR_OK);
    assert_int_equal(strlen(t.id), AUTH_ID_TEXT);
    assert_int_equal(
        auth_token_look(b.auth, bytes_text(secret), bytes_text("web1"), bytes_text(""), &seen, &f),
        ERR_OK);
    assert_int_equal(take(&b, secret, "web1", "", &seen), ERR_OK);
    bench_reopen(&b); /* what is left is on the disk */
    assert_true(auth_token_at(b.auth, 0, &seen));
    assert_int_equal(seen.uses, 1);
    assert_string_equal(seen.id, t.id);
    assert_int_equal(take(&b, secret, "web2", "", &seen), ERR_OK);
    assert_int_equal(take(&b, secret, "web3", "", &seen), ERR_CREDENTIALS);
    assert_false(auth_token_at(b.auth, 0, &seen));
    bench_reopen(&b);
    assert_int_equal(take(&b, secret, "web3", "", &seen), ERR_CREDENTIALS);
    bench_clear(&b);
}

static void tokens_are_for_whom_they_say(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    struct auth_token t, seen;
    char secret[AUTH_SECRET_TEXT + 1], only[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    t = wanted(&b, 5);
    text_copy(t.names, sizeof t.names, bytes_text("*.dc1.example.com"));
    text_copy(t.network, sizeof t.network, bytes_text("dc1"));
    assert_int_equal(auth_token_make(b.auth, &t, secret, &f), ERR_OK);
    assert_int_equal(take(&b, secret, "web1.dc2.example.com", "", &seen), ERR_PERMISSION);
    assert_int_equal(take(&b, secret, "web1.dc1.example.com", "dc2", &seen), ERR_PERMISSION);
    assert_int_equal(take(&b, secret, "web1.dc1.example.com", "dc1", &seen), ERR_OK);
    assert_int_equal(take(&b, secret, "web2.dc1.example.com", "", &seen), ERR_OK);
    assert_string_equal(seen.network, "dc1");

    t = wanted(&b, 1);
    text_copy(t.for_agent, sizeof t.for_agent, bytes_text("db1"));
    assert_int_equal(auth_token_make(b.auth, &t, only, &f), ERR_OK);
    assert_int_equal(take(&b, only, "db2", "", &seen), ERR_PERMISSION);
    assert_int_equal(take(&b, only, "db1", "", &seen), ERR_OK);
    bench_clear(&b);
}

static void tokens_end_and_are_revoked(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    struct auth_token t, seen;
    char secret[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    t = wanted(&b, 1);
    assert_int_equal(auth_token_make(b.auth, &t, secret, &f), ERR_OK);
    b.now_ms += (int64_t)DAY_S * 1000;
    assert_int_equal(take(&b, secret, "web1", "", &seen), ERR_CREDENTIALS);
    assert_false(auth_token_at(b.auth, 0, &seen));
    t = wanted(&b, 1);
    assert_int_equal(auth_token_make(b.auth, &t, secret, &f), ERR_OK);
    assert_int_equal(auth_token_revoke(b.auth, bytes_text("0000000000000000"), &f), ERR_NOT_FOUND);
    assert_int_equal(auth_token_revoke(b.auth, bytes_text(t.id), &f), ERR_OK);
    assert_int_equal(take(&b, secret, "web1", "", &seen), ERR_CREDENTIALS);
    bench_clear(&b);
}

static void bad_tokens_are_not_made(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    char secret[AUTH_SECRET_TEXT + 1];
    bench_make(&b);
    struct auth_token none = wanted(&b, 0), past = wanted(&b, 1), names = wanted(&b, 1),
                      network = wanted(&b, 1);
    past.end_s = b.now_ms / 1000;
    text_copy(names.names, sizeof names.names, bytes_text("web:1"));
    text_copy(network.network, sizeof network.network, bytes_text("a b"));
    struct auth_token *all[] = {&none, &past, &names, &network};
    static const char *const what[] = {"uses", "end", "names", "network"};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        assert_int_equal(auth_token_make(b.auth, all[i], secret, &f), ERR_USAGE);
        assert_string_equal(f.what, what[i]);
    }
    bench_clear(&b);
}

static void links_set_a_password_once(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    struct auth_user user;
    struct auth_token t;
    char first[AUTH_SECRET_TEXT + 1], second[AUTH_SECRET_TEXT + 1];
    struct bytes alex = bytes_text("alex"), password = bytes_text("correct horse battery");
    bench_make(&b);
    assert_int_equal(auth_link_make(b.auth, alex, DAY_S, first, &f), ERR_NOT_FOUND);
    assert_int_equal(auth_user_add(b.auth, alex, AUTH_ADMIN, &f), ERR_OK);
    assert_int_equal(auth_link_make(b.auth, alex, DAY_S, first, &f), ERR_OK);
    assert_int_equal(auth_link_make(b.auth, alex, DAY_S, second, &f), ERR_OK);
    assert_int_equal(auth_link_take(b.auth, bytes_text(first), password, &user, &f),
                     ERR_CREDENTIALS); /* the newer one replaced it */
    assert_int_equal(auth_link_take(b.auth, bytes_text(second), bytes_text("short"), &user, &f),
                     ERR_USAGE);                /* not used up */
    assert_false(auth_token_at(b.auth, 0, &t)); /* links are no enrolment tokens */
    assert_int_equal(take(&b, second, "web1", "", &t), ERR_CREDENTIALS);
    bench_reopen(&b);
    assert_int_equal(auth_link_take(b.auth, bytes_text(second), password, &user, &f), ERR_OK);
    assert_string_equal(user.name, "alex");
    assert_int_equal(auth_user_verify(b.auth, alex, password, &user, &f), ERR_OK);
    assert_int_equal(auth_link_take(b.auth, bytes_text(second), password, &user, &f),
                     ERR_CREDENTIALS);
    assert_int_equal(auth_link_make(b.auth, alex, DAY_S, first, &f), ERR_OK);
    b.now_ms += (int64_t)DAY_S * 1000;
    assert_int_equal(auth_link_take(b.auth, bytes_text(first), password, &user, &f),
                     ERR_CREDENTIALS);
    bench_clear(&b);
}

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void file_is_read(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t rows; /* SIZE_MAX: damage */
    } cases[] = {
        {"",                                                                  0       },
        {"# none\n",                                                          0       },
        {"agent:0011223344556677:" HASH ":1:10:20:-:*:-\n",                   1       },
        {"agent:0011223344556677:" HASH ":1:10:20:dc1:*.x:web1\n",            1       },
        {"link:0011223344556677:" HASH ":1:10:20:-:-:alex",                   1       },
        {"link:0011223344556677:" HASH ":1:10:20:-:-:-",                      SIZE_MAX},
        {"token:0011223344556677:" HASH ":1:10:20:-:*:-\n",                   SIZE_MAX},
        {"agent:00112233445566:" HASH ":1:10:20:-:*:-\n",                     SIZE_MAX},
        {"agent:0011223344556677:0011:1:10:20:-:*:-\n",                       SIZE_MAX},
        {"agent:0011223344556677:" HASH ":0:10:20:-:*:-\n",                   SIZE_MAX},
        {"agent:0011223344556677:" HASH ":-1:10:20:-:*:-\n",                  SIZE_MAX},
        {"agent:0011223344556677:" HASH ":1:10:99999999999999999999:-:*:-\n", SIZE_MAX},
        {"agent:0011223344556677:" HASH ":1:10:20:a b:*:-\n",                 SIZE_MAX},
        {"agent:0011223344556677:" HASH ":1:10:20:-:*\n",                     SIZE_MAX},
        {"agent:0011223344556677:" HASH ":1:10:20:-:*:-:x\n",                 SIZE_MAX},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct token_list list = {NULL, 0}, again = {NULL, 0};
        struct buf out;
        struct fault f;
        enum err code = tokens_read(bytes_text(cases[i].text), &list, &f);
        assert_int_equal(code, cases[i].rows == SIZE_MAX ? ERR_DAMAGED : ERR_OK);
        if (code != ERR_OK)
            continue;
        assert_int_equal(list.n, cases[i].rows);
        buf_init(&out, 4096);
        tokens_write(&list, &out);
        assert_int_equal(tokens_read(buf_bytes(&out), &again, &f), ERR_OK);
        assert_int_equal(again.n, list.n);
        assert_memory_equal(again.rows, list.rows, list.n * sizeof list.rows[0]);
        buf_clear(&out);
        free(list.rows);
        free(again.rows);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_spent),
        cmocka_unit_test(tokens_are_for_whom_they_say),
        cmocka_unit_test(tokens_end_and_are_revoked),
        cmocka_unit_test(bad_tokens_are_not_made),
        cmocka_unit_test(links_set_a_password_once),
        cmocka_unit_test(file_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
