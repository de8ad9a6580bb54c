/* lib/net: addresses and URLs of mail. The dialogue is tested with real peers. */
#include "test.h"

#include "net/smtp.h"

#include <stdlib.h>

static void test_addresses(void **state) {
    static const struct {
        const char *text;
        bool good;
    } rows[] = {
        {"ops@example.com",                                                     true },
        {"first.last+tag@mail.example.com",                                     true },
        {"root@localhost",                                                      true },
        {"clm@[192.0.2.1]",                                                     true },
        {"clm@[IPv6:2001:db8::1]",                                              true },
        {"o'neil!#$%&*/=?^_`{|}~@example.com",                                  true },
        {"clm@[2001:db8::1]",                                                   false},
        {"clm@[IPv6:192.0.2.1]",                                                false},
        {"clm@[192.0.2]",                                                       false},
        {"clm@[]",                                                              false},
        {"",                                                                    false},
        {"@",                                                                   false},
        {"ops",                                                                 false},
        {"ops@",                                                                false},
        {"@example.com",                                                        false},
        {".ops@example.com",                                                    false},
        {"ops.@example.com",                                                    false},
        {"o..ps@example.com",                                                   false},
        {"ops@example..com",                                                    false},
        {"ops@exa_mple.com",                                                    false},
        {"a@b@c",                                                               false},
        {"<ops@example.com>",                                                   false},
        {"Ops <ops@example.com>",                                               false},
        {"\"o p\"@example.com",                                                 false},
        {"ops@example.com\r\nRCPT TO:<x@y>",                                    false},
        {"ops@example.com\n",                                                   false},
        {"\xc3\xa4@example.com",                                                false},
        {"ops@b\xc3\xbc"
         "cher.example",                                               false},
        {"1234567890123456789012345678901234567890123456789012345678901234@a",  true },
        {"12345678901234567890123456789012345678901234567890123456789012345@a", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(net_smtp_is_address(bytes_text(rows[i].text)), rows[i].good);
    assert_false(net_smtp_is_address(bytes_of("a\0b@c", 5)));
}

static void test_urls(void **state) {
    static const struct {
        const char *url, *host; /* NULL: none */
        uint16_t port;
        bool tls;
    } rows[] = {
        {"smtp://mail.example.com",       "mail.example.com", 25,   false},
        {"smtp://mail.example.com/",      "mail.example.com", 25,   false},
        {"smtp://mail.example.com:587",   "mail.example.com", 587,  false},
        {"SMTPS://mail.example.com",      "mail.example.com", 465,  true },
        {"smtps://[2001:db8::1]:1465/",   "2001:db8::1",      1465, true },
        {"smtp://192.0.2.1",              "192.0.2.1",        25,   false},
        {"mail.example.com",              NULL,               0,    false},
        {"https://mail.example.com",      NULL,               0,    false},
        {"smtp:/mail.example.com",        NULL,               0,    false},
        {"smtp://",                       NULL,               0,    false},
        {"smtp://mail.example.com:0",     NULL,               0,    false},
        {"smtp://mail.example.com:65536", NULL,               0,    false},
        {"smtp://mail.example.com/path",  NULL,               0,    false},
        {"smtp://user:secret@mail",       NULL,               0,    false},
        {"smtp://[2001:db8::1",           NULL,               0,    false},
        {"smtp://a b",                    NULL,               0,    false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bytes host;
        uint16_t port = 0;
        bool tls;
        bool good = net_smtp_url_read(bytes_text(rows[i].url), &tls, &host, &port);
        assert_int_equal(good, rows[i].host != NULL);
        if (!good)
            continue;
        assert_text(host, rows[i].host);
        assert_int_equal(port, rows[i].port);
        assert_int_equal(tls, rows[i].tls);
    }
}

static void test_loopback(void **state) {
    static const char *const near[] = {"localhost", "LOCALHOST", "127.0.0.1",
                                       "127.9.9.9", "::1",       "::ffff:127.0.0.1"};
    static const char *const far[] = {
        "", "localhost.example.com", "128.0.0.1", "10.0.0.1", "::", "::2", "127.0.0.1.example.com"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(near); i++)
        assert_true(net_smtp_is_loopback(bytes_text(near[i])));
    for (size_t i = 0; i < COUNT_OF(far); i++)
        assert_false(net_smtp_is_loopback(bytes_text(far[i])));
}

/* What is refused before a connection is made: the port is one where nobody listens. */
static void test_refused_at_once(void **state) {
    static const char *const good[] = {"ops@example.com"}, *const bad[] = {"ops@exa mple.com"};
    struct env env = env_system(NULL);
    struct net_smtp_server server = {.url = "smtp://192.0.2.1:1", .timeout_ms = 2000};
    struct net_smtp_mail mail = {"clm@example.com", good, 1, bytes_text("Subject: x\r\n\r\n")};
    struct fault f;
    (void)state;
    mail.to = bad;
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_USAGE);
    mail.to = good;
    mail.to_n = 0;
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_USAGE);
    mail.to_n = 1;
    mail.from = "x\r\n@y";
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_USAGE);
    mail.from = "clm@example.com";
    mail.message = bytes_text("");
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_LIMIT);
    mail.message = bytes_text("Subject: x\r\n\r\n");
    server.plain = true;
    server.user = "clm";
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_USAGE); /* no password */
    server.password = "secret";
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_USAGE); /* in clear */
    server.url = "smtp://user@192.0.2.1";
    assert_int_equal(net_smtp_send(&env, &server, &mail, &f), ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
