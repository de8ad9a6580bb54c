/* base/der: framing as X.690 has it, and everything else refused. */
#include "base/der.h"
#include "tests/unit/hex.h"

static void refuses_bad_framing(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "30",
        "3001",
        "30 80 00 00", /* indefinite */
        "30 81 00",
        "30 81 7f",
        "30 82 0080",
        "30 84 00000001 00", /* not minimal */
        "30 85 0000000001 00",
        "1f 01 00", /* high tag */
        "30 84 ffffffff 00",
        "3002 00",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint8_t octets[64];
        struct cur c = cur_open(unhex(bad[i], octets, sizeof octets));
        der_any(&c);
        assert_true(c.bad);
    }
}

static void reads_numbers(void **state) {
    (void)state;
    static const struct {
        const char *der;
        bool good;
        uint64_t value;
    } rows[] = {
        {"02 01 00",                 true,  0         },
        {"02 01 7f",                 true,  127       },
        {"02 02 0080",               true,  128       },
        {"02 09 00ffffffffffffffff", true,  UINT64_MAX},
        {"02 09 010000000000000000", false, 0         }, /* does not fit */
        {"02 01 80",                 false, 0         }, /* negative */
        {"02 02 007f",               false, 0         }, /* padded */
        {"02 02 ffff",               false, 0         },
        {"02 00",                    false, 0         },
        {"04 01 00",                 false, 0         },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[64];
        struct cur c = cur_open(unhex(rows[i].der, octets, sizeof octets));
        uint64_t v = der_u64(&c);
        assert_int_equal(cur_end(&c), rows[i].good);
        assert_true(v == rows[i].value || !rows[i].good);
    }
}

static void reads_the_other_types(void **state) {
    (void)state;
    uint8_t octets[64];
    struct cur c =
        cur_open(unhex("0101ff 010100 0603550403 0303000102 0500", octets, sizeof octets));
    assert_true(der_boolean(&c));
    assert_false(der_boolean(&c));
    assert_int_equal(der_oid(&c).n, 3);
    assert_int_equal(der_bits(&c).n, 2);
    struct bytes content;
    assert_false(der_optional(&c, DER_SEQUENCE, &content));
    assert_true(der_optional(&c, DER_NULL, &content));
    assert_true(cur_end(&c));
    static const char *const bad_boolean = "010101", *const bad_bits = "0302 0101",
                             *const bad_oid = "0602 5580";
    c = cur_open(unhex(bad_boolean, octets, sizeof octets));
    der_boolean(&c);
    assert_true(c.bad);
    c = cur_open(unhex(bad_bits, octets, sizeof octets));
    der_bits(&c);
    assert_true(c.bad);
    c = cur_open(unhex(bad_oid, octets, sizeof octets));
    der_oid(&c);
    assert_true(c.bad);
}

/* Lengths on both sides of each change of form. */
static void writes_what_it_reads(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 70000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf b;
        buf_init(&b, 1 << 20);
        size_t outer = der_begin(&b, DER_SEQUENCE), inner = der_begin(&b, DER_OCTET_STRING);
        buf_fill(&b, 'x', sizes[i]);
        der_close(&b, inner);
        der_put_u64(&b, sizes[i]);
        der_close(&b, outer);
        assert_int_equal(b.err, ERR_OK);
        struct cur whole = cur_open(buf_bytes(&b)), c = der_open(&whole, DER_SEQUENCE);
        struct bytes octets = der_take(&c, DER_OCTET_STRING);
        assert_int_equal(octets.n, sizes[i]);
        for (size_t k = 0; k < octets.n; k++)
            assert_int_equal(octets.p[k], 'x');
        assert_int_equal(der_u64(&c), sizes[i]);
        assert_true(cur_end(&c) && cur_end(&whole));
        buf_clear(&b);
    }
}

static void writes_numbers_minimally(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 1024);
    der_put_u64(&b, 0);
    der_put_u64(&b, 128);
    der_put_unsigned(&b, bytes_of("\0\0\x01", 3));
    der_put_unsigned(&b, bytes_of("", 0));
    der_put_boolean(&b, true);
    der_put_bits(&b, bytes_of("\x0f", 1));
    der_put_null(&b);
    assert_hex(b.p, b.n, "020100 02020080 020101 020100 0101ff 0302000f 0500");
    buf_clear(&b);
}

static void counts_bits(void **state) {
    (void)state;
    assert_int_equal(der_bit_length(bytes_of("", 0)), 0);
    assert_int_equal(der_bit_length(bytes_of("\0\0", 2)), 0);
    assert_int_equal(der_bit_length(bytes_of("\x01", 1)), 1);
    assert_int_equal(der_bit_length(bytes_of("\0\x80", 2)), 8);
    assert_int_equal(der_bit_length(bytes_of("\x01\0", 2)), 9);
}

static void a_full_buffer_stays_whole(void **state) {
    (void)state;
    for (size_t max = 0; max < 200; max++) {
        struct buf b;
        buf_init(&b, max);
        size_t mark = der_begin(&b, DER_SEQUENCE);
        buf_fill(&b, 1, 150);
        der_close(&b, mark);
        assert_int_equal(b.err, max < 153 ? ERR_LIMIT : ERR_OK);
        buf_clear(&b);
    }
}

/* Content that is not what its tag says, each kind by the reader that asks for it. */
static void refuses_odd_content(void **state) {
    (void)state;
    static const struct {
        const char *hex;
        int kind;
    } rows[] = {
        {"0200",         'i'},
        {"02020001",     'i'},
        {"0202ffff",     'i'},
        {"0101ff",       'i'},
        {"0201ff",       'u'},
        {"01020000",     'b'},
        {"010101",       'b'},
        {"0200",         'b'},
        {"0100",         'b'},
        {"0300",         's'},
        {"030101",       's'},
        {"040100",       's'},
        {"0600",         'o'},
        {"060180",       'o'},
        {"1f00",         'a'},
        {"30",           'a'},
        {"3080",         'a'},
        {"308100",       'a'},
        {"30817f",       'a'},
        {"3085",         'a'},
        {"308500000000", 'a'},
        {"3082",         'a'},
        {"308200ff",     'a'},
        {"3001",         'a'},
        {"",             'a'},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[16];
        struct cur c = cur_open(unhex(rows[i].hex, octets, sizeof octets));
        switch (rows[i].kind) {
        case 'i':
            der_integer(&c);
            break;
        case 'u':
            der_unsigned(&c);
            break;
        case 'b':
            der_boolean(&c);
            break;
        case 's':
            der_bits(&c);
            break;
        case 'o':
            der_oid(&c);
            break;
        default:
            der_any(&c);
        }
        assert_true(c.bad);
        assert_false(der_peek(&c, rows[i].hex[0] == '3' ? DER_SEQUENCE : DER_INTEGER));
    }
}

static void takes_the_edges(void **state) {
    (void)state;
    uint8_t octets[32];
    struct buf b;
    struct cur c =
        cur_open(unhex("020200800202ff7f0101000101ff030100020101", octets, sizeof octets));
    assert_int_equal(der_integer(&c).n, 2);
    assert_int_equal(der_integer(&c).n, 2);
    assert_false(der_boolean(&c));
    assert_true(der_boolean(&c));
    assert_int_equal(der_bits(&c).n, 0);
    assert_true(der_peek(&c, DER_INTEGER));
    struct cur empty = cur_open(bytes_of(NULL, 0));
    assert_false(der_peek(&empty, DER_INTEGER));
    cur_refuse(&c);
    assert_false(der_peek(&c, DER_INTEGER)); /* it is there, but the cursor is bad */
    buf_init(&b, 8);
    der_put_boolean(&b, false);
    der_put_boolean(&b, true);
    assert_hex(b.p, b.n, "0101000101ff");
    buf_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_odd_content),
        cmocka_unit_test(takes_the_edges),
        cmocka_unit_test(refuses_bad_framing),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_the_other_types),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(counts_bits),
        cmocka_unit_test(writes_numbers_minimally),
        cmocka_unit_test(a_full_buffer_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
