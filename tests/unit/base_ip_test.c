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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(other_sizes_are_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
