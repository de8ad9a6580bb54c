/* base/ber: what BER allows beyond DER (X.690, 8), and what it does not. */
#include "base/ber.h"
#include "tests/unit/hex.h"

/* clang-format off */
static const struct {
    const char *ber, *content; /* content: NULL where it is refused */
} values[] = {
    {"3003 020101", "020101"},
    {"3080 020101 0000", "020101"},                      /* indefinite */
    {"3080 3080 020101 0000 0000", "3080 020101 0000"},  /* one in the other */
    {"3080 0000", ""},
    {"308103 020101", "020101"},                         /* longer than needed */
    {"3084 00000003 020101", "020101"},
    {"3088 0000000000000003 020101", "020101"},
    {"3004 30800000", "30800000"},
    {"3080 0402 0000 0000", "0402 0000"},                /* zeros inside of a string are no end */
    {"0480 020101 0000", NULL},                          /* primitive and indefinite */
    {"3080 020101", NULL},
    {"3080 020101 00", NULL},
    {"3080 0201", NULL},
    {"3003 0201", NULL},
    {"3085 0100000000 00", NULL},
    {"3089 000000000000000003 020101", NULL},
    {"30ff", NULL},
    {"3f8100", NULL},
    {"30", NULL},
    {"", NULL},
};

static const struct {
    const char *ber, *content;
    uint8_t tag;
} strings[] = {
    {"0403 616263", "616263", DER_OCTET_STRING},
    {"2405 0401 61 0400", "61", DER_OCTET_STRING},
    {"2480 0401 61 0402 6263 0000", "616263", DER_OCTET_STRING},
    {"2480 2480 0401 61 0000 0402 6263 0000", "616263", DER_OCTET_STRING},
    {"a080 0401 61 0402 6263 0000", "616263", DER_CONTEXT},
    {"8003 616263", "616263", DER_CONTEXT},
    {"2480 0000", "", DER_OCTET_STRING},
    {"2480 0201 61 0000", NULL, DER_OCTET_STRING},
    {"2403 0402 61", NULL, DER_OCTET_STRING},
    {"3003 0401 61", NULL, DER_OCTET_STRING},
    {"8003 616263", NULL, DER_OCTET_STRING},
};
/* clang-format on */

static void reads_values(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        uint8_t octets[64], content[64];
        struct bytes in = unhex(values[i].ber, octets, sizeof octets);
        struct cur c = cur_open(in);
        struct der_value v = ber_any(&c);
        assert_int_equal(c.bad, values[i].content == NULL);
        if (values[i].content == NULL)
            continue;
        assert_true(bytes_equal(v.content, unhex(values[i].content, content, sizeof content)));
        assert_true(bytes_equal(v.whole, in));
        for (size_t n = 0; n < in.n; n++) {
            c = cur_open(bytes_part(in, 0, n));
            ber_any(&c);
            assert_true(c.bad);
        }
    }
}

static void joins_strings(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        uint8_t octets[64], content[64];
        struct cur c = cur_open(unhex(strings[i].ber, octets, sizeof octets));
        struct buf out;
        buf_init(&out, 64);
        ber_octets(&c, strings[i].tag, &out);
        assert_int_equal(cur_end(&c), strings[i].content != NULL);
        if (strings[i].content != NULL)
            assert_true(
                bytes_equal(buf_bytes(&out), unhex(strings[i].content, content, sizeof content)));
        buf_clear(&out);
    }
}

static void reads_numbers(void **state) {
    (void)state;
    static const struct {
        const char *ber;
        bool good;
        uint64_t value;
    } rows[] = {
        {"020100",                   true,  0         },
        {"02020080",                 true,  128       },
        {"0204 00000800",            true,  2048      }, /* padded */
        {"02 09 00ffffffffffffffff", true,  UINT64_MAX},
        {"02 09 01ffffffffffffffff", false, 0         },
        {"020180",                   false, 0         },
        {"0200",                     false, 0         },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[64];
        struct cur c = cur_open(unhex(rows[i].ber, octets, sizeof octets));
        uint64_t v = ber_u64(&c);
        assert_int_equal(cur_end(&c), rows[i].good);
        assert_true(v == rows[i].value || !rows[i].good);
    }
}

static void nesting_has_an_end(void **state) {
    (void)state;
    for (size_t depth = 1; depth < 200; depth++) {
        struct buf b, joined;
        buf_init(&b, 4096);
        buf_init(&joined, 4096);
        for (size_t i = 0; i < depth; i++)
            buf_put(&b, bytes_of("\x24\x80", 2));
        buf_fill(&b, 0, 2 * depth);
        struct cur c = cur_open(buf_bytes(&b));
        ber_any(&c);
        assert_int_equal(c.bad, depth > BER_DEPTH_MAX);
        c = cur_open(buf_bytes(&b));
        ber_octets(&c, DER_OCTET_STRING, &joined);
        assert_int_equal(c.bad, depth > BER_DEPTH_MAX);
        buf_clear(&b);
        buf_clear(&joined);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_values),
        cmocka_unit_test(joins_strings),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(nesting_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
