/* ers: the file of the last scan, and ers.conf when a log-in changes it. */
#include "test.h"

#include "applets/ers/agent.h"
#include "applets/ers/last.h"
#include "base/file.h"

#define SHA "5d41402abc4b2a76b9719d911017c592ae3f6f2ffb2a1c1b6f2a0e7a3c4b5d6e"
#define OLD "6d41402abc4b2a76b9719d911017c592ae3f6f2ffb2a1c1b6f2a0e7a3c4b5d6e"
static const char whole[] =
    "clm last-scan 2\n"
    "0 2 ok " SHA " 2027-02-01T00:00:00Z any 192.0.2.1 - 192.0.2.1:443 tls\n"
    "4 2 ok " OLD " - any 192.0.2.1 - 192.0.2.1:443 tls\n"
    "0 0 tls_alert - - any - - [2001:db8::1]:443 tls\n"
    "0 0 expired " SHA " - rsa ::1 a.example mail.example.com:8443 tls\n";
static const char version_1[] = "clm last-scan 1\n"
                                "ok " SHA " 2027-02-01T00:00:00Z 192.0.2.1:443 tls\n";

static void reads_what_it_wrote(void **state) {
    (void)state;
    struct arena a;
    struct last l, again, none = {0};
    struct fault f = {0};
    struct buf text;
    const char *path = "ers_last_test.tmp";
    arena_init(&a, 1 << 20);
    buf_init(&text, 4096);
    assert_int_equal(last_parse(&a, bytes_text(whole), &l, &f), ERR_OK);
    assert_int_equal(l.n, 4);
    size_t n;
    const struct last_row *row = last_find(&l, bytes_text("192.0.2.1:443 tls"), &n);
    assert_non_null(row);
    assert_int_equal(n, 2);
    assert_int_equal(row[0].told, 2);
    assert_int_equal(row[1].age, 4);
    assert_text(row->face, "any 192.0.2.1 -");
    assert_true(row->has_certificate && row->has_not_after);
    assert_int_equal(row->not_after_s, 1801440000);
    assert_null(last_find(&l, bytes_text("192.0.2.1:44 tls"), &n));
    assert_false(last_find(&l, bytes_text("[2001:db8::1]:443 tls"), &n)->has_certificate);

    assert_int_equal(last_write(path, &l, NULL, &f), ERR_OK);
    assert_int_equal(file_read(path, &text, &f), ERR_OK);
    assert_text(buf_bytes(&text), whole);
    assert_int_equal(last_write(path, &none, &l, &f), ERR_OK); /* an early end: the old rows stay */
    assert_int_equal(last_read(&a, path, &again, &f), ERR_OK);
    assert_int_equal(again.n, 4);
    struct last one = {&l.rows[2], 1};
    assert_int_equal(last_write(path, &one, &l, &f), ERR_OK); /* each key once */
    assert_int_equal(last_read(&a, path, &again, &f), ERR_OK);
    assert_int_equal(again.n, 4);
    assert_int_equal(last_write(path, &one, NULL, &f), ERR_OK);
    assert_int_equal(last_read(&a, path, &again, &f), ERR_OK);
    assert_int_equal(again.n, 1);
    assert_int_equal(file_remove(path, &f), ERR_OK);
    assert_int_equal(last_read(&a, path, &again, &f), ERR_OK); /* absent: none */
    assert_int_equal(again.n, 0);
    assert_int_equal(last_parse(&a, bytes_text(version_1), &again, &f), ERR_OK);
    assert_int_equal(again.n, 1);
    assert_text(again.rows[0].face, "any - -");
    assert_text(again.rows[0].key, "192.0.2.1:443 tls");
    buf_clear(&text);
    arena_clear(&a);
}

static void damage_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *line;
    } cases[] = {
        {"",                                                  "line 1"},
        {"clm last-scan 3\n",                                 "line 1"},
        {"clm last-scan 1\nok\n",                             "line 2"},
        {"clm last-scan 1\nok - -\n",                         "line 2"},
        {"clm last-scan 1\nok " SHA " yesterday a:1 tls\n",   "line 2"},
        {"clm last-scan 1\nok 5d41 - a:1 tls\n",              "line 2"},
        {"clm last-scan 1\nok - - b:1 tls\nok - - a:1 tls\n", "line 3"},
        {"clm last-scan 1\nok - - a:1 tls\nok - - a:1 tls\n", "line 3"},
        {"clm last-scan 2\nok - - a:1 tls\n",                 "line 2"},
        {"clm last-scan 2\n5 0 ok - - any - - a:1 tls\n",     "line 2"},
        {"clm last-scan 2\n0 -1 ok - - any - - a:1 tls\n",    "line 2"},
        {"clm last-scan 2\n0 0 ok - - any - a:1\n",           "line 2"},
        {"clm last-scan 2\n0 0 ok - - any  - a:1 tls\n",      "line 2"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena a;
        struct last l;
        struct fault f = {0};
        arena_init(&a, 1 << 20);
        assert_int_equal(last_parse(&a, bytes_text(cases[i].text), &l, &f), ERR_DAMAGED);
        assert_string_equal(f.detail, cases[i].line);
        arena_clear(&a);
    }
}

static void overlapping_targets_make_one_row(void **state) {
    (void)state;
    struct last_row rows[] = {
        {.key = {(const uint8_t *)"b:1 tls", 7},
         .state = {(const uint8_t *)"ok", 2},
         .has_certificate = true},
        {.key = {(const uint8_t *)"a:1 tls", 7},                                      .state = {(const uint8_t *)"ok", 2}},
        {.key = {(const uint8_t *)"b:1 tls", 7},                                      .state = {(const uint8_t *)"ok", 2}},
    };
    struct last l = {rows, 3};
    last_sort(&l);
    assert_int_equal(l.n, 2);
    assert_text(l.rows[0].key, "a:1 tls");
    assert_true(l.rows[1].has_certificate);
}

static void configuration_keeps_foreign_lines(void **state) {
    (void)state;
    struct agent a = {.conf = "ers_conf_test.tmp"};
    struct fault f = {0};
    struct buf text;
    buf_init(&text, 4096);
    a.places.config = ".";
    assert_int_equal(file_replace(a.conf,
                                  bytes_text("# mine\nserver = https://old:1\n\nnetwork=dc1 \n"
                                             "server = https://older:1\n# end\n"),
                                  0644, &f),
                     ERR_OK);
    a.config =
        (struct agent_config){.server = "https://new:8443", .agent = "00ff", .pin = "system"};
    assert_int_equal(agent_config_save(&a, &f), ERR_OK);
    assert_int_equal(file_read(a.conf, &text, &f), ERR_OK);
    assert_text(buf_bytes(&text),
                "# mine\nserver = https://new:8443\n\n# end\nagent = 00ff\npin = system\n");

    struct arena arena;
    struct agent_config read = {0};
    arena_init(&arena, 1 << 20);
    assert_int_equal(opt_read_file(&arena, a.conf, agent_config_rows, &read, &f), ERR_OK);
    assert_string_equal(read.server, "https://new:8443");
    assert_string_equal(read.agent, "00ff");
    assert_null(read.network);
    assert_int_equal(file_remove(a.conf, &f), ERR_OK);
    arena_clear(&arena);
    buf_clear(&text);
}

static void pins_of_tokens(void **state) {
    (void)state;
    static const struct {
        const char *token, *pin;
    } cases[] = {
        {"clm1.abc_-.sha256-00ff", "sha256-00ff"},
        {"clm1.abc.system",        "system"     },
        {"clm1.abc.",              NULL         },
        {"clm1.abc",               NULL         },
        {"clm1..system",           NULL         },
        {"clm2.abc.system",        NULL         },
        {"",                       NULL         },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes pin;
        assert_int_equal(agent_token_pin(bytes_text(cases[i].token), &pin), cases[i].pin != NULL);
        if (cases[i].pin)
            assert_text(pin, cases[i].pin);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_wrote),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(overlapping_targets_make_one_row),
        cmocka_unit_test(configuration_keeps_foreign_lines),
        cmocka_unit_test(pins_of_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
