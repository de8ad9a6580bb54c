/* lib/notify: headers and encodings of a mail. */
#include "test.h"

#include "notify/mail.h"

static void test_date(void **state) {
    static const struct {
        int64_t s;
        const char *want;
    } rows[] = {
        {0,          "Thu, 01 Jan 1970 00:00:00 +0000"},
        {-1,         "Wed, 31 Dec 1969 23:59:59 +0000"},
        {951782400,  "Tue, 29 Feb 2000 00:00:00 +0000"},
        {1795591800, "Wed, 25 Nov 2026 07:30:00 +0000"},
        {4102444799, "Thu, 31 Dec 2099 23:59:59 +0000"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 100);
        notify_date_put(&out, rows[i].s);
        assert_text(buf_bytes(&out), rows[i].want);
        buf_clear(&out);
    }
}

static void test_header(void **state) {
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"clm: 2 expired",                                                                                "Subject: clm: 2 expired\r\n"                          },
        {"",                                                                                              "Subject: \r\n"                                        },
        {"\xc3\xa4",                                                                                      "Subject: =?utf-8?B?w6Q=?=\r\n"                        },
        {"a =?utf-8?B?w6Q=?= b",                                                                          "Subject: =?utf-8?B?YSA9P3V0Zi04P0I/dzZRPT89IGI=?=\r\n"},
        {"x\r\nBcc: y@example.com",                                                                       "Subject: x\\x0d\\x0aBcc: y@example.com\r\n"           },
        {"\xff",                                                                                          "Subject: \\xff\r\n"                                   },
 /* 70 of ASCII: too long for a line; in words of 39 bytes. */
        {"0123456789012345678901234567890123456789012345678901234567890123456789",
         "Subject: =?utf-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4?=\r\n"
         " =?utf-8?B?OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OQ==?=\r\n"                                                                                         },
 /* 14 characters of 3 bytes: none is cut. */
        {"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
         "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "Subject: =?utf-8?B?4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs4oKs?=\r\n"
         " =?utf-8?B?4oKs?=\r\n"                        },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 1000);
        notify_header_put(&out, "Subject", bytes_text(rows[i].text));
        assert_string_equal(buf_cstr(&out), rows[i].want);
        buf_clear(&out);
    }
}

static void test_quoted(void **state) {
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"",                                                                                  ""                },
        {"a\n",                                                                               "a\r\n"           },
        {"a",                                                                                 "a\r\n"           },
        {"\n\n",                                                                              "\r\n\r\n"        },
        {"1=2\n",                                                                             "1=3D2\r\n"       },
        {"a \nb\t\n",                                                                         "a=20\r\nb=09\r\n"},
        {".\n..\n",                                                                           ".\r\n..\r\n"     },
        {"\xc3\xa4\r\n",                                                                      "=C3=A4=0D\r\n"   },
 /* 76 is the most, and a line that goes on is 75 and its sign. */
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\nb\r\n"                },
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa4",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=\r\n"
         "=C3=A4\r\n"                                                                                           },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf out;
        buf_init(&out, 1000);
        notify_quoted_put(&out, bytes_text(rows[i].text));
        assert_string_equal(buf_cstr(&out), rows[i].want);
        buf_clear(&out);
    }
}

static void test_whole(void **state) {
    static const char *const to[] = {"ops@example.com", "on-call@example.com"};
    struct notify_mail m = {.from = "clm@example.com",
                            .to = to,
                            .to_n = 2,
                            .date_s = 1795591800,
                            .id = "00112233@clm.example.com",
                            .subject = bytes_text("clm: 1 expired\nBcc: x@example.com"),
                            .body = bytes_text("b\xc3\xb6se\n\n.\n")};
    struct fault f;
    struct buf out;
    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(notify_mail_write(&out, &m, &f), ERR_OK);
    assert_string_equal(buf_cstr(&out), "Date: Wed, 25 Nov 2026 07:30:00 +0000\r\n"
                                        "From: clm@example.com\r\n"
                                        "To: ops@example.com,\r\n"
                                        " on-call@example.com\r\n"
                                        "Subject: clm: 1 expired\\x0aBcc: x@example.com\r\n"
                                        "Message-ID: <00112233@clm.example.com>\r\n"
                                        "Auto-Submitted: auto-generated\r\n"
                                        "MIME-Version: 1.0\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Transfer-Encoding: quoted-printable\r\n"
                                        "\r\n"
                                        "b=C3=B6se\r\n"
                                        "\r\n"
                                        ".\r\n");
    buf_clear(&out);
    buf_init(&out, 300);
    assert_int_equal(notify_mail_write(&out, &m, &f), ERR_LIMIT);
    buf_clear(&out);
}

/* What could end a header is refused in every address. */
static void test_injection(void **state) {
    static const char *const bad[] = {
        "",        "a",     "a b@example.com", "a@b\r\nBcc: c@d", "a@b>",   "<a@b>",
        "a@b,c@d", "a@b\n", "\xc3\xa4@b",      "\"a\"@b.de",      "a@b\x7f"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (int where = 0; where < 3; where++) {
            const char *good = "x@example.com";
            const char *to[] = {good, where == 1 ? bad[i] : good};
            struct notify_mail m = {.from = where == 0 ? bad[i] : good,
                                    .to = to,
                                    .to_n = 2,
                                    .id = where == 2 ? bad[i] : "1@x",
                                    .subject = bytes_text("s"),
                                    .body = bytes_text("b")};
            struct fault f;
            struct buf out;
            buf_init(&out, 10000);
            assert_int_equal(notify_mail_write(&out, &m, &f), ERR_USAGE);
            assert_int_equal(out.n, 0);
            buf_clear(&out);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date),      cmocka_unit_test(test_header),
        cmocka_unit_test(test_quoted),    cmocka_unit_test(test_whole),
        cmocka_unit_test(test_injection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
