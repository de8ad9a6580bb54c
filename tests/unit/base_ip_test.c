/* base/ip: text forms of RFC 4291 and RFC 5952. */
#include "base/ip.h"
#include "tests/unit/test.h"

static void reads_and_writes(void **state) {
    (void)state;
    static const struct {
        const char *text, *canonical; /* NULL: refused */
    } rows[] = {
        {"192.0.2.1",            "192.0.2.1"           },
        {"0.0.0.0",              "0.0.0.0"             },
        {"9.10.99.100",          "9.10.99.100"         },
        {"255.255.255.255",      "255.255.255.255"     },
        {"2001:DB8::1",          "2001:db8::1"         },
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"   },
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::",                   "::"                  },
        {"::1",                  "::1"                 },
        {"1::",                  "1::"                 },
        {"::ffff:192.0.2.1",     "::ffff:192.0.2.1"    },
        {"64:ff9b::192.0.2.33",  "64:ff9b::c000:221"   },
        {"",                     NULL                  },
        {"1.2.3",                NULL                  },
        {"1.2.3.4.",             NULL                  },
        {"1.2.3.4.5",            NULL                  },
        {"01.2.3.4",             NULL                  },
        {"256.2.3.4",            NULL                  },
        {"1.2.3.4 ",             NULL                  },
        {"1:2:3:4:5:6:7",        NULL                  },
        {"1:2:3:4:5:6:7:8:9",    NULL                  },
        {"1::2::3",              NULL                  },
        {":1::2",                NULL                  },
        {"1:2:3:4:5:6:7:",       NULL                  },
        {"12345::",              NULL                  },
        {"fe80::1%eth0",         NULL                  },
        {"[::1]",                NULL                  },
        {":::",                  NULL                  },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ip ip;
        char text[IP_TEXT_MAX];
        assert_int_equal(ip_read(bytes_text(rows[i].text), &ip), rows[i].canonical != NULL);
        if (rows[i].canonical != NULL)
            assert_string_equal(ip_write(&ip, text), rows[i].canonical);
    }
}

static void other_sizes_are_no_address(void **state) {
    (void)state;
    char text[IP_TEXT_MAX];
    for (size_t n = 0; n <= 17; n++) {
        struct ip ip = ip_of(bytes_of("0123456789abcdefg", n));
        assert_int_equal(ip.size, n == 4 || n == 16 ? n : 0);
        assert_int_equal(ip_write(&ip, text)[0] != '\0', ip.size > 0);
    }
}

static void ranges_hold_their_addresses(void **state) {
    (void)state;
    static const struct {
        const char *range, *ip;
        bool has;
    } rows[] = {
        {"192.0.2.1",               "192.0.2.1",        true },
        {"192.0.2.1",               "192.0.2.2",        false},
        {"10.0.0.0/8",              "10.255.255.255",   true },
        {"10.0.0.0/8",              "11.0.0.0",         false},
        {"10.9.9.9/8",              "10.0.0.0",         true },
        {"0.0.0.0/0",               "255.255.255.255",  true },
        {"0.0.0.0/0",               "::1",              false},
        {"10.0.0.5-10.0.1.2",       "10.0.0.4",         false},
        {"10.0.0.5-10.0.1.2",       "10.0.0.5",         true },
        {"10.0.0.5-10.0.1.2",       "10.0.1.2",         true },
        {"10.0.0.5-10.0.1.2",       "10.0.1.3",         false},
        {"2001:db8::/33",           "2001:db8:7fff::1", true },
        {"2001:db8::/33",           "2001:db8:8000::",  false},
        {"::/0",                    "2001:db8::1",      true },
        {"192.0.2.0/24",            "::ffff:192.0.2.7", true },
        {"::ffff:10.0.0.0/104",     "10.1.2.3",         true },
        {"2001:db8::1-2001:db8::9", "2001:db8::5",      true },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ip_range r;
        struct ip ip;
        assert_true(ip_range_read(bytes_text(rows[i].range), &r));
        assert_true(ip_read(bytes_text(rows[i].ip), &ip));
        assert_int_equal(ip_range_has(&r, &ip), rows[i].has);
    }
    struct ip_range all;
    struct ip none = {.size = 0};
    assert_true(ip_range_read(bytes_text("0.0.0.0/0"), &all));
    assert_false(ip_range_has(&all, &none));
}

static void refuses_what_is_no_range(void **state) {
    (void)state;
    static const char *const rows[] = {"",
                                       "10.0.0.0/33",
                                       "10.0.0.0/",
                                       "10.0.0.0/-1",
                                       "10.0.0.9-10.0.0.1",
                                       "10.0.0.1-",
                                       "-10.0.0.1",
                                       "10.0.0.1-::1",
                                       "::/129",
                                       "a/8",
                                       "10.0.0.0/08",
                                       "10.0.0.1-10.0.0.2-10.0.0.3"};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ip_range r;
        assert_false(ip_range_read(bytes_text(rows[i]), &r));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_hold_their_addresses),
        cmocka_unit_test(refuses_what_is_no_range),
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(other_sizes_are_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
