/* base/ip: texts of RFC 4291 and RFC 5952, ranges, counting in 128 bits. */
#include "test.h"

#include "base/ip.h"

static const struct {
    const char *text, *canonical; /* NULL: refused */
} addresses[] = {
    {"0.0.0.0",                      "0.0.0.0"                  },
    {"255.255.255.255",              "255.255.255.255"          },
    {"9.10.99.100",                  "9.10.99.100"              },
    {"198.51.100.7",                 "198.51.100.7"             },
    {"2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"}, /* RFC 4291, 2.2 */
    {"FF01:0:0:0:0:0:0:101",         "ff01::101"                },
    {"0:0:0:0:0:0:0:1",              "::1"                      },
    {"::",                           "::"                       },
    {"::13.1.68.3",                  "::d01:4403"               },
    {"::FFFF:129.144.52.38",         "::ffff:129.144.52.38"     }, /* RFC 5952, 5 */
    {"2001:db8:0:1:1:1:1:1",         "2001:db8:0:1:1:1:1:1"     }, /* RFC 5952, 4.2.2: one zero is no run */
    {"2001:0:0:1:0:0:0:1",           "2001:0:0:1::1"            }, /* 4.2.3: the longest */
    {"2001:db8:0:0:1:0:0:1",         "2001:db8::1:0:0:1"        }, /* of equals the first */
    {"1::",                          "1::"                      },
    {"1:2:3:4:5:6:7::",              "1:2:3:4:5:6:7:0"          },
    {"64:ff9b::192.0.2.33",          "64:ff9b::c000:221"        },
    {"",                             NULL                       },
    {"1.2.3",                        NULL                       },
    {"1.2.3.",                       NULL                       },
    {"1.2.3.4.",                     NULL                       },
    {"1.2.3.4.5",                    NULL                       },
    {"[::1]",                        NULL                       },
    {":1::2",                        NULL                       },
    {"1:2:3:4:5:6:7:",               NULL                       },
    {"1.2.3.256",                    NULL                       },
    {"01.2.3.4",                     NULL                       },
    {"1.2.3.4 ",                     NULL                       },
    {"0x7f.0.0.1",                   NULL                       },
    {":",                            NULL                       },
    {":1",                           NULL                       },
    {"1:",                           NULL                       },
    {":::",                          NULL                       },
    {"1::2::3",                      NULL                       },
    {"1:2:3:4:5:6:7",                NULL                       },
    {"1:2:3:4:5:6:7:8:9",            NULL                       },
    {"1:2:3:4:5:6:7:8::",            NULL                       },
    {"::1:2:3:4:5:6:7:8",            NULL                       },
    {"12345::",                      NULL                       },
    {"1:2:3:4:5:6:7:1.2.3.4",        NULL                       },
    {"1.2.3.4::",                    NULL                       },
    {"g::",                          NULL                       },
    {"fe80::1%eth0",                 NULL                       },
};

static void reads_and_writes_addresses(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct ip ip, again;
        char text[IP_TEXT_MAX];
        bool good = ip_read(bytes_text(addresses[i].text), &ip);
        if (good != (addresses[i].canonical != NULL))
            print_error("%s\n", addresses[i].text);
        assert_int_equal(good, addresses[i].canonical != NULL);
        if (!good)
            continue;
        assert_string_equal(ip_write(&ip, text), addresses[i].canonical);
        assert_true(ip_read(bytes_text(text), &again));
        assert_true(ip_equal(&ip, &again));
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

static const struct {
    const char *text, *canonical;
    bool is_countable;
    uint64_t count;
} ranges[] = {
    {"198.51.100.0/24",              "198.51.100.0/24",              true,  256              },
    {"198.51.100.77/24",             "198.51.100.0/24",              true,  256              },
    {"10.0.0.0/8",                   "10.0.0.0/8",                   true,  16777216         },
    {"0.0.0.0/0",                    "0.0.0.0/0",                    true,  UINT64_C(1) << 32},
    {"198.51.100.7/32",              "198.51.100.7",                 true,  1                },
    {"198.51.100.7",                 "198.51.100.7",                 true,  1                },
    {"198.51.100.0-198.51.100.255",  "198.51.100.0/24",              true,  256              },
    {"198.51.100.1-198.51.100.20",   "198.51.100.1-198.51.100.20",   true,  20               },
    {"10.0.0.255-10.0.1.0",          "10.0.0.255-10.0.1.0",          true,  2                },
    {"2001:DB8::/112",               "2001:db8::/112",               true,  65536            },
    {"2001:db8::ffff-2001:db8::1:0", "2001:db8::ffff-2001:db8::1:0", true,  2                },
    {"2001:db8::/65",                "2001:db8::/65",                true,  UINT64_C(1) << 63},
    {"2001:db8::/64",                "2001:db8::/64",                false, 0                },
    {"::/0",                         "::/0",                         false, 0                },
    {"::ffff:10.0.0.0/104",          "10.0.0.0/8",                   true,  16777216         },
    {"::ffff:10.0.0.1",              "10.0.0.1",                     true,  1                },
    {"198.51.100.0/33",              NULL,                           false, 0                },
    {"198.51.100.0/",                NULL,                           false, 0                },
    {"198.51.100.0/024",             NULL,                           false, 0                },
    {"198.51.100.0/-1",              NULL,                           false, 0                },
    {"2001:db8::/129",               NULL,                           false, 0                },
    {"198.51.100.9-198.51.100.1",    NULL,                           false, 0                },
    {"198.51.100.1-20",              NULL,                           false, 0                },
    {"198.51.100.1-",                NULL,                           false, 0                },
    {"-198.51.100.1",                NULL,                           false, 0                },
    {"198.51.100.1-::1",             NULL,                           false, 0                },
    {"10.0.0.1-10.0.0.2-10.0.0.3",   NULL,                           false, 0                },
    {"example.com/24",               NULL,                           false, 0                },
    {"",                             NULL,                           false, 0                },
};

static void reads_writes_and_counts_ranges(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        struct ip_range r;
        char text[IP_RANGE_TEXT_MAX];
        uint64_t count = 0;
        bool good = ip_range_read(bytes_text(ranges[i].text), &r);
        if (good != (ranges[i].canonical != NULL))
            print_error("%s\n", ranges[i].text);
        assert_int_equal(good, ranges[i].canonical != NULL);
        if (!good)
            continue;
        assert_string_equal(ip_range_write(&r, text), ranges[i].canonical);
        assert_int_equal(ip_range_count(&r, &count), ranges[i].is_countable);
        assert_true(count == ranges[i].count);
    }
}

static void belongs_to_ranges(void **state) {
    (void)state;
    static const struct {
        const char *range, *ip;
        bool is_in;
    } cases[] = {
        {"192.0.2.1",               "192.0.2.1",        true },
        {"192.0.2.1",               "192.0.2.2",        false},
        {"10.0.0.0/8",              "10.255.255.255",   true },
        {"10.0.0.0/8",              "11.0.0.0",         false},
        {"10.0.0.0/8",              "9.255.255.255",    false},
        {"10.0.0.0/8",              "::ffff:10.1.2.3",  true },
        {"10.0.0.0/8",              "::a00:1",          false},
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
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip_range r;
        struct ip ip;
        assert_true(ip_range_read(bytes_text(cases[i].range), &r));
        assert_true(ip_read(bytes_text(cases[i].ip), &ip));
        assert_int_equal(ip_range_has(&r, &ip), cases[i].is_in);
    }
    struct ip_range all;
    struct ip none = {.size = 0};
    assert_true(ip_range_read(bytes_text("0.0.0.0/0"), &all));
    assert_false(ip_range_has(&all, &none));
}

static void adds_with_carry(void **state) {
    (void)state;
    static const struct {
        const char *from;
        uint64_t n;
        const char *to; /* NULL: past the last */
    } cases[] = {
        {"10.0.0.255",                              1,                 "10.0.1.0"               },
        {"0.0.0.0",                                 0xffffffff,        "255.255.255.255"        },
        {"255.255.255.255",                         1,                 NULL                     },
        {"0.0.0.1",                                 UINT64_C(1) << 32, NULL                     },
        {"::ffff:ffff:ffff:ffff",                   UINT64_MAX,        "::1:ffff:ffff:ffff:fffe"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1,                 NULL                     },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip ip;
        char text[IP_TEXT_MAX];
        assert_true(ip_read(bytes_text(cases[i].from), &ip));
        assert_int_equal(ip_add(&ip, cases[i].n), cases[i].to != NULL);
        assert_string_equal(ip_write(&ip, text), cases[i].to != NULL ? cases[i].to : cases[i].from);
    }
    struct ip ip;
    char text[IP_TEXT_MAX];
    assert_true(ip_read(bytes_text("10.0.1.0"), &ip));
    assert_true(ip_step_back(&ip));
    assert_string_equal(ip_write(&ip, text), "10.0.0.255");
    assert_true(ip_read(bytes_text("::"), &ip));
    assert_false(ip_step_back(&ip));
}

static void knows_what_only_this_host_sees(void **state) {
    (void)state;
    static const struct {
        const char *ip;
        bool is_loopback, is_link_local;
    } cases[] = {
        {"127.0.0.1",        true,  false},
        {"127.255.0.9",      true,  false},
        {"126.0.0.1",        false, false},
        {"0.0.0.0",          true,  false},
        {"::1",              true,  false},
        {"::",               true,  false},
        {"::2",              false, false},
        {"::ffff:127.0.0.1", true,  false},
        {"169.254.1.1",      false, true },
        {"169.255.1.1",      false, false},
        {"fe80::1",          false, true },
        {"febf::1",          false, true },
        {"fec0::1",          false, false},
        {"10.0.0.5",         false, false},
        {"2001:db8::1",      false, false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ip ip;
        assert_true(ip_read(bytes_text(cases[i].ip), &ip));
        assert_int_equal(ip_is_loopback(&ip), cases[i].is_loopback);
        assert_int_equal(ip_is_link_local(&ip), cases[i].is_link_local);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_addresses),
        cmocka_unit_test(other_sizes_are_no_address),
        cmocka_unit_test(reads_writes_and_counts_ranges),
        cmocka_unit_test(belongs_to_ranges),
        cmocka_unit_test(adds_with_carry),
        cmocka_unit_test(knows_what_only_this_host_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
