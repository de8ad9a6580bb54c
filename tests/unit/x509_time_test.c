/* x509/time: values from RFC 5280, date(1) and the calendar. */
#include "base/der.h"
#include "tests/unit/test.h"
#include "x509/time.h"

static const struct {
    enum x509_time_type type;
    const char *text;
    bool ok;
    int64_t unix_s;
    unsigned flags;
} cases[] = {
    {X509_UTC_TIME,         "700101000000Z",         true,  0,            0                   },
    {X509_UTC_TIME,         "500101000000Z",         true,  -631152000,   0                   }, /* 1950, first of the window */
    {X509_UTC_TIME,         "491231235959Z",         true,  2524607999,   0                   }, /* 2049, last */
    {X509_GENERALIZED_TIME, "20500101000000Z",       true,  2524608000,   0                   },
    {X509_GENERALIZED_TIME, "99991231235959Z",       true,  253402300799, 0                   }, /* RFC 5280: no end */
    {X509_GENERALIZED_TIME, "00000101000000Z",       true,  -62167219200, 0                   },
    {X509_UTC_TIME,         "000229120000Z",         true,  951825600,    0                   }, /* 2000 was a leap year */
    {X509_UTC_TIME,         "1606010000Z",           true,  1464739200,   X509_TIME_NO_SECONDS},
    {X509_UTC_TIME,         "160601020000+0200",     true,  1464739200,   X509_TIME_OFFSET    },
    {X509_GENERALIZED_TIME, "21000229000000Z",       false, 0,            0                   }, /* 2100 will be none */
    {X509_UTC_TIME,         "160431000000Z",         false, 0,            0                   },
    {X509_UTC_TIME,         "161301000000Z",         false, 0,            0                   },
    {X509_UTC_TIME,         "160601240000Z",         false, 0,            0                   },
    {X509_UTC_TIME,         "160601000060Z",         false, 0,            0                   },
    {X509_UTC_TIME,         "160601000000",          false, 0,            0                   },
    {X509_UTC_TIME,         "160601000000ZZ",        false, 0,            0                   },
    {X509_UTC_TIME,         "16060100000-Z",         false, 0,            0                   },
    {X509_GENERALIZED_TIME, "20160601000000.5Z",     true,  1464739200,   X509_TIME_FRACTION  },
    {X509_GENERALIZED_TIME, "20160601000000,125Z",   true,  1464739200,   X509_TIME_FRACTION  },
    {X509_GENERALIZED_TIME, "20160601020000.5+0200", true,  1464739200,
     X509_TIME_FRACTION | X509_TIME_OFFSET                                                    },
    {X509_GENERALIZED_TIME, "20160601000000.",       false, 0,            0                   },
    {X509_GENERALIZED_TIME, "20160601000000.Z",      false, 0,            0                   },
    {X509_GENERALIZED_TIME, "201606010000.5Z",       false, 0,            0                   }, /* parts of a minute */
    {X509_GENERALIZED_TIME, "20160601000000",        false, 0,            0                   }, /* some place's local time */
    {X509_UTC_TIME,         "160601000000.5Z",       false, 0,            0                   },
    {X509_UTC_TIME,         "",                      false, 0,            0                   },
    {X509_UTC_TIME,         "160531220000-0200",     true,  1464739200,   X509_TIME_OFFSET    },
    {X509_UTC_TIME,         "160601000000X0200",     false, 0,            0                   },
    {X509_UTC_TIME,         "160601000000+2400",     false, 0,            0                   },
    {X509_UTC_TIME,         "160601000000+0060",     false, 0,            0                   },
    {X509_UTC_TIME,         "160601000000+020",      false, 0,            0                   },
    {X509_GENERALIZED_TIME, "00000101000000Z",       true,  -62167219200, 0                   },
    {X509_GENERALIZED_TIME, "99991231235959Z",       true,  253402300799, 0                   },
};

static void reads_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct x509_time t = {-1, 99};
        assert_int_equal(x509_time_read(cases[i].type, bytes_text(cases[i].text), &t), cases[i].ok);
        assert_int_equal(t.unix_s, cases[i].ok ? cases[i].unix_s : -1);
        assert_int_equal(t.flags, cases[i].ok ? cases[i].flags : 99);
    }
}

static void refuses_what_is_no_digit(void **state) {
    (void)state;
    const char *whole = "20160601020000.25+0200";
    for (size_t at = 0; at < strlen(whole); at++) {
        char text[32];
        struct x509_time t;
        snprintf(text, sizeof text, "%s", whole);
        text[at] = ':';
        assert_false(x509_time_read(X509_GENERALIZED_TIME, bytes_text(text), &t));
        text[at] = '/';
        assert_false(x509_time_read(X509_GENERALIZED_TIME, bytes_text(text), &t));
    }
}

static void refuses_every_prefix(void **state) {
    (void)state;
    const char *whole = "20500101000000Z";
    for (size_t n = 0; n < strlen(whole); n++) {
        struct x509_time t;
        assert_false(x509_time_read(X509_GENERALIZED_TIME, bytes_of(whole, n), &t));
    }
}

/* RFC 5280, 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 (and before 1950). */
static void writes_the_right_type(void **state) {
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text;
    } rows[] = {
        {0,            "\x17\x0d"
            "700101000000Z"                        },
        {2524607999,   "\x17\x0d"
                     "491231235959Z"      },
        {2524608000,   "\x18\x0f"
                     "20500101000000Z"    },
        {253402300799, "\x18\x0f"
                       "99991231235959Z"},
        {-631152000,   "\x17\x0d"
                     "500101000000Z"      },
        {-631152001,   "\x18\x0f"
                     "19491231235959Z"    },
        {1464739200,   "\x17\x0d"
                     "160601000000Z"      },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;
        struct x509_time t;
        buf_init(&b, 64);
        x509_time_write(&b, rows[i].unix_s);
        assert_text(buf_bytes(&b), rows[i].text);
        struct cur c = cur_open(buf_bytes(&b));
        struct der_value v = der_any(&c);
        assert_true(x509_time_read((enum x509_time_type)v.tag, v.content, &t));
        assert_int_equal(t.unix_s, rows[i].unix_s);
        buf_clear(&b);
    }
    struct buf b;
    buf_init(&b, 64);
    x509_time_write(&b, 253402300800);
    assert_int_equal(b.err, ERR_FORMAT);
    buf_reset(&b);
    x509_time_write(&b, -62167219201);
    assert_int_equal(b.err, ERR_FORMAT);
    b.err = ERR_LIMIT; /* an earlier error stays */
    x509_time_write(&b, 253402300800);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_table),
        cmocka_unit_test(refuses_what_is_no_digit),
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(writes_the_right_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
