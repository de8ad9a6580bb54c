/* tls/message and tls/names: bodies of messages as bytes, every prefix refused. */
#include "tests/unit/hex.h"
#include "tests/unit/rfc8448.h"

#include "tls/inner.h"

#include <stdlib.h>

#define RANDOM "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

static const struct {
    const char *what, *hex;
    bool good;
    uint16_t legacy, version, suite, group;
} hellos[] = {
    {"TLS 1.0, no extensions", "0301" RANDOM "00 002f 00",                                              true,  0x0301, 0,      0x002f, 0     },
    {"TLS 1.2, empty list",    "0303" RANDOM "00 c02f 00 0000",                                         true,  0x0303, 0,      0xc02f, 0     },
    {"unknown extension",      "0303" RANDOM "00 c02f 00 0006 abcd 0002 0102",                          true,  0x0303, 0,      0xc02f,
     0                                                                                                                                       },
    {"TLS 1.3",                "0303" RANDOM "00 1301 00 0010 002b 0002 0304 0033 0006 001d 0002 0102", true,
     0x0303,                                                                                                           0x0304, 0x1301, 0x001d},
    {"versions twice",         "0303" RANDOM "00 1301 00 000c 002b 0002 0304 002b 0002 0304",           false, 0,      0,
     0,                                                                                                                                0     },
    {"version too long",       "0303" RANDOM "00 1301 00 0007 002b 0003 030400",                        false, 0,      0,      0,      0     },
    {"session id of 33",       "0303" RANDOM "21" RANDOM "00 c02f 00",                                  false, 0,      0,      0,      0     },
    {"list too short",         "0303" RANDOM "00 c02f 00 0002 000b",                                    false, 0,      0,      0,      0     },
    {"list too long",          "0303" RANDOM "00 c02f 00 0005 000b 0000",                               false, 0,      0,      0,      0     },
    {"something behind",       "0303" RANDOM "00 c02f 00 0000 00",                                      false, 0,      0,      0,      0     },
    {"two ALPN names",         "0303" RANDOM "00 c02f 00 000a 0010 0006 0004 0178 0179",                false, 0,      0,      0,      0     },
    {"empty ALPN name",        "0303" RANDOM "00 c02f 00 0007 0010 0003 0001 00",                       false, 0,      0,      0,      0     },
    {"empty cookie",           "0303" RANDOM "00 1301 00 0006 002c 0002 0000",                          false, 0,      0,      0,      0     },
};

static void reads_server_hellos(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hellos); i++) {
        uint8_t space[256];
        struct tls_server_hello sh;
        struct bytes body = unhex(hellos[i].hex, space, sizeof space);
        if (tls_read_server_hello(body, &sh) != hellos[i].good)
            fail_msg("%s", hellos[i].what);
        if (!hellos[i].good)
            continue;
        assert_int_equal(sh.legacy_version, hellos[i].legacy);
        assert_int_equal(sh.version, hellos[i].version);
        assert_int_equal(sh.cipher_suite, hellos[i].suite);
        assert_int_equal(sh.group, hellos[i].group);
        assert_false(sh.is_retry);
        /* The one prefix that is whole ends where the extensions begin. */
        for (size_t n = 0; n < body.n; n++)
            assert_int_equal(tls_read_server_hello(bytes_part(body, 0, n), &sh), n == 38);
    }
}

static const struct {
    const char *what, *hex;
    bool is_13;
    enum err err;
    size_t n;
    const char *first, *ocsp;
} chains[] = {
    {"one",                        "000005 000002 abcd",                                  false, ERR_OK,     1, "abcd", ""},
    {"two",                        "000009 000002 abcd 000001 ef",                        false, ERR_OK,     2, "abcd", ""},
    {"none",                       "000000",                                              false, ERR_OK,     0, "",     ""},
    {"an empty one",               "000003 000000",                                       false, ERR_FORMAT, 0, "",     ""},
    {"list too long",              "000006 000002 abcd",                                  false, ERR_FORMAT, 0, "",     ""},
    {"something behind",           "000005 000002 abcd 00",                               false, ERR_FORMAT, 0, "",     ""},
    {"1.3",                        "00 000007 000002 abcd 0000",                          true,  ERR_OK,     1, "abcd", ""},
    {"1.3, none",                  "00 000000",                                           true,  ERR_OK,     0, "",     ""},
    {"1.3, context",               "01 ff 000007 000002 abcd 0000",                       true,  ERR_FORMAT, 0, "",     ""},
    {"1.3, no extensions",         "00 000005 000002 abcd",                               true,  ERR_FORMAT, 0, "",     ""},
    {"1.3, stapled",               "00 000011 000002 abcd 000a 0005 0006 01 000002 1234", true,  ERR_OK,     1, "abcd",
     "1234"                                                                                                               },
    {"1.3, stapled to the second",
     "00 000017 000001 ab 0000 000001 cd 000b 0005 0007 01 000003 123456",                true,  ERR_OK,     2, "ab",
     ""                                                                                                                   },
    {"1.3, staple too long",       "00 000011 000002 abcd 000a 0005 0006 01 000003 1234", true,
     ERR_FORMAT,                                                                                             0, "",     ""},
};

static void reads_chains(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        uint8_t space[256];
        struct tls_chain chain;
        struct tls_beside beside = {.scts = 0};
        struct bytes body = unhex(chains[i].hex, space, sizeof space);
        if (tls_read_certificate(body, chains[i].is_13, &chain, &beside) != chains[i].err)
            fail_msg("%s", chains[i].what);
        if (chains[i].err == ERR_OK) {
            assert_int_equal(chain.n, chains[i].n);
            assert_int_equal(chain.sent, chains[i].n);
            assert_hex(beside.ocsp.p, beside.ocsp.n, chains[i].ocsp);
            assert_int_equal(beside.scts, 0);
        }
        if (chains[i].n > 0)
            assert_hex(chain.items[0].p, chain.items[0].n, chains[i].first);
        free(chain.items);
        for (size_t n = 0; n < body.n; n++) {
            enum err err =
                tls_read_certificate(bytes_part(body, 0, n), chains[i].is_13, &chain, &beside);
            free(chain.items);
            if (chains[i].err == ERR_OK)
                assert_int_equal(err, ERR_FORMAT);
        }
    }
}

/* Of the leaf's entry in TLS 1.3, and of a ServerHello below. */
static void counts_timestamps(void **state) {
    (void)state;
    static const struct {
        const char *ext; /* behind its number */
        uint16_t n;
    } rows[] = {
        {"0006 0004 0002 0102",               1},
        {"000c 000a 0003 010203 0003 010203", 2},
        {"0004 0002 0000",                    0}, /* malformed ones are no reason to lose a chain */
        {"0005 0003 0002 01",                 0},
        {"0007 0004 0002 0102 00",            0},
        {"0000",                              0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t space[64];
        struct bytes ext = unhex(rows[i].ext, space, sizeof space);
        struct buf body;
        struct tls_beside beside = {.scts = 0};
        struct tls_chain chain;
        struct tls_server_hello sh;
        buf_init(&body, 1000);
        buf_u8(&body, 0);
        size_t list = buf_open_vec(&body, 3);
        buf_put(&body, bytes_of("\0\0\1x", 4));
        size_t extensions = buf_open_vec(&body, 2);
        buf_u16(&body, 0x12);
        buf_put(&body, ext);
        buf_close_vec(&body, extensions, 2);
        buf_close_vec(&body, list, 3);
        assert_int_equal(tls_read_certificate(buf_bytes(&body), true, &chain, &beside), ERR_OK);
        assert_int_equal(beside.scts, rows[i].n);
        free(chain.items);

        buf_reset(&body);
        buf_u16(&body, TLS_1_2);
        buf_fill(&body, 7, 32);
        buf_put(&body, bytes_of("\0\xc0\x2f\0", 4));
        extensions = buf_open_vec(&body, 2);
        buf_u16(&body, 0x12);
        buf_put(&body, ext);
        buf_close_vec(&body, extensions, 2);
        assert_true(tls_read_server_hello(buf_bytes(&body), &sh));
        assert_int_equal(sh.scts, rows[i].n);
        buf_clear(&body);
    }
}

static void keeps_a_hundred_of_many(void **state) {
    (void)state;
    struct buf body;
    struct tls_chain chain;
    struct tls_beside beside = {.scts = 0};
    buf_init(&body, 10000);
    size_t list = buf_open_vec(&body, 3);
    for (unsigned i = 0; i < 250; i++)
        buf_put(&body, bytes_of("\0\0\1x", 4));
    buf_close_vec(&body, list, 3);
    assert_int_equal(tls_read_certificate(buf_bytes(&body), false, &chain, &beside), ERR_OK);
    assert_int_equal(chain.n, TLS_CHAIN_MAX);
    assert_int_equal(chain.sent, 250);
    free(chain.items);
    buf_clear(&body);
}

static const struct {
    const char *hex;
    enum tls_exchange exchange;
    bool good;
    uint16_t group, bits;
} exchanges[] = {
    {"03 0017 04 01020304 ffff",     TLS_EXCHANGE_ECDHE, true,  23, 0 },
    {"03 0017 04 010203",            TLS_EXCHANGE_ECDHE, false, 0,  0 },
    {"01 0017",                      TLS_EXCHANGE_ECDHE, true,  0,  0 }, /* explicit curve */
    {"",                             TLS_EXCHANGE_ECDHE, false, 0,  0 },
    {"0002 8001 0001 02 0001 03 ff", TLS_EXCHANGE_DHE,   true,  0,  16},
    {"0003 000101 0001 02 0001 03",  TLS_EXCHANGE_DHE,   true,  0,  9 },
    {"0001 00 0001 02 0001 03",      TLS_EXCHANGE_DHE,   true,  0,  0 },
    {"0002 8001 0001 02 0001",       TLS_EXCHANGE_DHE,   false, 0,  0 },
};

static void reads_key_exchanges(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(exchanges); i++) {
        uint8_t space[64];
        uint16_t group, bits;
        struct bytes body = unhex(exchanges[i].hex, space, sizeof space);
        assert_int_equal(tls_read_key_exchange(body, exchanges[i].exchange, &group, &bits),
                         exchanges[i].good);
        if (exchanges[i].good) {
            assert_int_equal(group, exchanges[i].group);
            assert_int_equal(bits, exchanges[i].bits);
        }
    }
}

static const struct {
    const char *hex;
    uint16_t version;
    bool good;
    size_t names;
} requests[] = {
    {"01 01 0000",                                 TLS_1_0, true,  0},
    {"01 01 0008 0002 3000 0002 3000",             TLS_1_1, true,  2},
    {"01 01 0002 0403 0004 0002 3000",             TLS_1_2, true,  1},
    {"01 01 0002 0403",                            TLS_1_2, false, 0},
    {"01 01 0002 0403 0003 0002 30",               TLS_1_2, false, 0},
    {"00 0000",                                    TLS_1_3, true,  0},
    {"00 0008 000d 0004 0002 0403",                TLS_1_3, true,  0},
    {"00 000e 002f 000a 0008 0002 3000 0002 3000", TLS_1_3, true,  2},
    {"00 000e 002f 000a 0009 0002 3000 0002 3000", TLS_1_3, false, 0},
    {"00 0001 00",                                 TLS_1_3, false, 0},
};

static void reads_requests(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        uint8_t space[64];
        size_t names;
        struct bytes list;
        struct bytes body = unhex(requests[i].hex, space, sizeof space);
        assert_int_equal(tls_read_request(body, requests[i].version, &names, &list),
                         requests[i].good);
        if (!requests[i].good)
            continue;
        assert_int_equal(names, requests[i].names);
        assert_int_equal(list.n, names * 4);
        for (size_t n = 0; n < body.n; n++)
            assert_false(
                tls_read_request(bytes_part(body, 0, n), requests[i].version, &names, &list));
    }
}

static void reads_status_and_extensions(void **state) {
    (void)state;
    struct bytes got = {NULL, 0};
    assert_true(tls_read_status(bytes_of("\1\0\0\2ab", 6), &got));
    assert_text(got, "ab");
    assert_false(tls_read_status(bytes_of("\1\0\0\3ab", 6), &got));
    assert_false(tls_read_status(bytes_of("\1\0\0\1ab", 6), &got));
    assert_true(tls_read_status(bytes_of("\2anything", 9), &got)); /* ocsp_multi: passed over */
    assert_false(tls_read_status(bytes_text(""), &got));

    struct bytes body = bytes_of("\0\x09\0\x10\0\5\0\3\2h2", 11);
    assert_true(tls_read_encrypted_extensions(body, &got));
    assert_text(got, "h2");
    for (size_t n = 0; n < body.n; n++)
        assert_false(tls_read_encrypted_extensions(bytes_part(body, 0, n), &got));
    assert_true(tls_read_encrypted_extensions(bytes_of("\0\0", 2), &got));
}

static void names_are_those_of_the_registries(void **state) {
    (void)state;
    assert_string_equal(tls_version_name(TLS_1_3), "TLSv1.3");
    assert_string_equal(tls_version_name(TLS_1_0), "TLSv1.0");
    assert_null(tls_version_name(0x0305));
    assert_string_equal(tls_cipher_suite_name(0x1301), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(tls_cipher_suite_name(0xcca8),
                        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
    assert_null(tls_cipher_suite_name(0));
    assert_string_equal(tls_group_name(29), "x25519");
    assert_string_equal(tls_group_name(24), "secp384r1");
    assert_null(tls_group_name(0));
    assert_string_equal(tls_alert_name(40), "handshake_failure");
    assert_string_equal(tls_alert_name(0), "close_notify");
    assert_null(tls_alert_name(-1));
    assert_string_equal(tls_outcome_name(TLS_OUTCOME_NOT_TLS), "not_tls");
    assert_string_equal(tls_stage_name(TLS_STAGE_CERTIFICATE), "certificate");
}

static void no_suite_stands_twice(void **state) {
    (void)state;
    for (size_t i = 0; i < tls_suites_n; i++)
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(tls_suites[i].code, tls_suites[j].code);
            assert_string_not_equal(tls_suites[i].name, tls_suites[j].name);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_server_hellos),
        cmocka_unit_test(reads_chains),
        cmocka_unit_test(counts_timestamps),
        cmocka_unit_test(keeps_a_hundred_of_many),
        cmocka_unit_test(reads_key_exchanges),
        cmocka_unit_test(reads_requests),
        cmocka_unit_test(reads_status_and_extensions),
        cmocka_unit_test(names_are_those_of_the_registries),
        cmocka_unit_test(no_suite_stands_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
