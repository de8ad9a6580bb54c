/* tls/hello: what a hello holds for each ask, checked by reading it byte by byte. */
#include "tests/unit/rfc8448.h"
#include "tests/unit/tls_server.h"

/* An independent reading of a ClientHello (RFC 8446, 4.1.2). */
struct seen {
    uint16_t version;
    struct bytes session_id, suites;
    struct bytes ext[64]; /* by number; p is NULL where it is not there */
    size_t ext_n;
    bool has_renegotiation;
};

static struct seen read_hello(struct bytes message) {
    struct seen s = {.version = 0};
    struct cur m = cur_open(message);
    assert_int_equal(cur_u8(&m), 1);
    struct cur c = cur_open(cur_vec24(&m));
    assert_true(cur_end(&m));
    s.version = cur_u16(&c);
    (void)cur_take(&c, 32);
    s.session_id = cur_vec8(&c);
    s.suites = cur_vec16(&c);
    assert_int_equal(s.suites.n % 2, 0);
    assert_true(bytes_equal(cur_vec8(&c), bytes_of("\0", 1)));
    if (c.rest.n > 0) {
        struct cur list = cur_open(cur_vec16(&c));
        while (list.rest.n > 0) {
            uint16_t type = cur_u16(&list);
            struct bytes ext = cur_vec16(&list);
            s.ext_n++;
            if (type == 0xff01) {
                s.has_renegotiation = true;
                continue;
            }
            assert_true(type < 64 && s.ext[type].p == NULL); /* known, and once */
            s.ext[type] = ext;
        }
        assert_true(cur_end(&list));
    }
    assert_true(cur_end(&c));
    return s;
}

static enum err write(const struct tls_ask *ask, struct buf *out) {
    struct env env = steady_env();
    struct ecdh_key key;
    uint8_t random[64];
    (void)steady_random(NULL, random, sizeof random);
    assert_true(ecdh_make(&env, GROUP_X25519, &key));
    buf_init(out, 16384);
    return tls_hello_write(ask, &key, random, out);
}

static bool offers(struct bytes list, uint16_t number) {
    return tls_offer_has(list, number);
}

static bool has_scheme(const struct seen *s, unsigned ext, uint16_t scheme) {
    struct cur c = cur_open(s->ext[ext]);
    struct bytes list = cur_vec16(&c);
    assert_true(cur_end(&c));
    return offers(list, scheme);
}

static void the_full_hello(void **state) {
    (void)state;
    struct buf out;
    struct tls_ask ask = tls_ask_default();
    ask.sni = bytes_text("a-host-name-of-common-length.example.com");
    assert_int_equal(write(&ask, &out), ERR_OK);
    assert_true(out.n < 512);
    struct seen s = read_hello(buf_bytes(&out));
    assert_int_equal(s.version, 0x0303);
    assert_int_equal(s.session_id.n, 32);
    assert_true(offers(s.suites, 0x1301) && offers(s.suites, 0x1302) && offers(s.suites, 0x1303));
    assert_true(offers(s.suites, 0xc02b) && offers(s.suites, 0x002f) && offers(s.suites, 0x000a));
    assert_true(bytes_equal(s.ext[43], bytes_of("\x08\3\4\3\3\3\2\3\1", 9)));
    assert_true(bytes_equal(bytes_part(s.ext[51], 0, 6), bytes_of("\0\x24\0\x1d\0\x20", 6)));
    assert_int_equal(s.ext[51].n, 38);
    assert_true(bytes_equal(bytes_part(s.ext[10], 2, 8), bytes_of("\0\x1d\0\x17\0\x18\0\x19", 8)));
    assert_text(bytes_part(s.ext[0], 5, SIZE_MAX), "a-host-name-of-common-length.example.com");
    assert_true(s.has_renegotiation);
    assert_non_null(s.ext[5].p);
    assert_non_null(s.ext[18].p);
    assert_non_null(s.ext[23].p);
    assert_null(s.ext[16].p);
    assert_null(s.ext[50].p);
    assert_true(has_scheme(&s, 13, 0x0804) && has_scheme(&s, 13, 0x0403) &&
                has_scheme(&s, 13, 0x0905) && has_scheme(&s, 13, 0x0201));
    buf_clear(&out);
}

/* A hybrid group is asked about alone, without a share (RFC 8446, 4.2.8). */
static void a_group_is_asked_about(void **state) {
    (void)state;
    struct buf out;
    struct tls_ask ask = tls_ask_default();
    ask.group = TLS_GROUP_HYBRID;
    assert_int_equal(write(&ask, &out), ERR_OK);
    struct seen s = read_hello(buf_bytes(&out));
    assert_true(bytes_equal(s.ext[10], bytes_of("\0\2\x11\xec", 4)));
    assert_true(bytes_equal(s.ext[51], bytes_of("\0\0", 2)));
    assert_true(bytes_equal(s.ext[43], bytes_of("\2\3\4", 3)));
    assert_int_equal(s.suites.n, 6);
    buf_clear(&out);
    ask.shape = TLS_SHAPE_PLAIN;
    assert_int_equal(write(&ask, &out), ERR_USAGE);
    buf_clear(&out);
}

static void the_plain_hello(void **state) {
    (void)state;
    struct buf out;
    struct tls_ask ask = tls_ask_default();
    ask.shape = TLS_SHAPE_PLAIN;
    ask.sni = bytes_text("a-host-name-of-common-length.example.com");
    assert_int_equal(write(&ask, &out), ERR_OK);
    assert_true(out.n < 256);
    struct seen s = read_hello(buf_bytes(&out));
    assert_int_equal(s.version, 0x0303);
    assert_int_equal(s.session_id.n, 0);
    assert_false(offers(s.suites, 0x1301));
    assert_null(s.ext[43].p);
    assert_null(s.ext[51].p);
    assert_non_null(s.ext[13].p);
    buf_clear(&out);
}

static void the_old_hello(void **state) {
    (void)state;
    struct buf out;
    struct tls_ask ask = tls_ask_default();
    ask.shape = TLS_SHAPE_OLD;
    ask.sni = bytes_text("example.com");
    assert_int_equal(write(&ask, &out), ERR_OK);
    struct seen s = read_hello(buf_bytes(&out));
    assert_int_equal(s.version, 0x0301);
    assert_int_equal(s.ext_n, 0);
    assert_true(offers(s.suites, 0x0005) && offers(s.suites, 0x002f));
    assert_false(offers(s.suites, 0xc02f));
    buf_clear(&out);
}

/* Every suite that any hello offers is one that can be named and followed. */
static void every_offer_is_known(void **state) {
    (void)state;
    for (unsigned shape = TLS_SHAPE_FULL; shape <= TLS_SHAPE_OLD; shape++)
        for (unsigned asked = TLS_ASKED_ANY; asked <= TLS_ASKED_ECDSA; asked++) {
            struct buf out;
            struct tls_ask ask = tls_ask_default();
            ask.shape = (enum tls_shape)shape;
            ask.asked = (enum tls_asked)asked;
            assert_int_equal(write(&ask, &out), ERR_OK);
            struct seen s = read_hello(buf_bytes(&out));
            struct cur c = cur_open(s.suites);
            assert_true(s.suites.n > 4);
            while (c.rest.n > 0) {
                uint16_t suite = cur_u16(&c);
                assert_non_null(tls_suite_find(suite));
                assert_non_null(tls_cipher_suite_name(suite));
            }
            if (s.ext[10].p != NULL) {
                c = cur_open(bytes_part(s.ext[10], 2, SIZE_MAX));
                while (c.rest.n > 0)
                    assert_non_null(tls_group_name(cur_u16(&c)));
            }
            buf_clear(&out);
        }
}

static void faces_narrow_the_leaf_alone(void **state) {
    (void)state;
    struct buf out;
    struct tls_ask ask = tls_ask_default();

    ask.asked = TLS_ASKED_RSA;
    assert_int_equal(write(&ask, &out), ERR_OK);
    struct seen s = read_hello(buf_bytes(&out));
    assert_true(has_scheme(&s, 13, 0x0804) && has_scheme(&s, 13, 0x0809));
    assert_false(has_scheme(&s, 13, 0x0403) || has_scheme(&s, 13, 0x0807));
    assert_true(has_scheme(&s, 50, 0x0403) && has_scheme(&s, 50, 0x0401));
    assert_true(offers(s.suites, 0xc02f) && offers(s.suites, 0x1301));
    assert_false(offers(s.suites, 0xc02b));
    buf_clear(&out);

    ask.asked = TLS_ASKED_ECDSA;
    assert_int_equal(write(&ask, &out), ERR_OK);
    s = read_hello(buf_bytes(&out));
    assert_true(has_scheme(&s, 13, 0x0403));
    assert_false(has_scheme(&s, 13, 0x0804) || has_scheme(&s, 13, 0x0401));
    assert_true(has_scheme(&s, 50, 0x0401));
    assert_true(offers(s.suites, 0xc02b));
    assert_false(offers(s.suites, 0xc02f) || offers(s.suites, 0x002f));
    buf_clear(&out);

    ask.asked = TLS_ASKED_ML_DSA;
    assert_int_equal(write(&ask, &out), ERR_OK);
    s = read_hello(buf_bytes(&out));
    assert_true(bytes_equal(s.ext[13], bytes_of("\0\6\x09\4\x09\5\x09\6", 8)));
    assert_true(bytes_equal(s.ext[43], bytes_of("\2\3\4", 3)));
    assert_int_equal(s.suites.n, 6);
    assert_false(s.has_renegotiation);
    buf_clear(&out);
}

static const struct {
    uint16_t min, max;
    enum tls_shape shape;
    enum err err;
    uint16_t seen_min, seen_max;
} ranges[] = {
    {TLS_1_0,   TLS_1_3, TLS_SHAPE_FULL,  ERR_OK,    TLS_1_0, TLS_1_3},
    {TLS_SSL_3, 0xffff,  TLS_SHAPE_FULL,  ERR_OK,    TLS_1_0, TLS_1_3},
    {TLS_1_2,   TLS_1_2, TLS_SHAPE_FULL,  ERR_OK,    TLS_1_2, TLS_1_2},
    {TLS_1_3,   TLS_1_3, TLS_SHAPE_FULL,  ERR_OK,    TLS_1_3, TLS_1_3},
    {TLS_1_0,   TLS_1_3, TLS_SHAPE_PLAIN, ERR_OK,    TLS_1_0, TLS_1_2},
    {TLS_1_0,   TLS_1_3, TLS_SHAPE_OLD,   ERR_OK,    TLS_1_0, TLS_1_0},
    {TLS_1_3,   TLS_1_3, TLS_SHAPE_PLAIN, ERR_USAGE, 0,       0      },
    {TLS_1_1,   TLS_1_3, TLS_SHAPE_OLD,   ERR_USAGE, 0,       0      },
    {TLS_1_3,   TLS_1_0, TLS_SHAPE_FULL,  ERR_USAGE, 0,       0      },
};

static void versions_are_cut_to_the_shape(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        struct tls_ask ask = tls_ask_default();
        struct buf out;
        uint16_t min, max;
        ask.version_min = ranges[i].min;
        ask.version_max = ranges[i].max;
        ask.shape = ranges[i].shape;
        assert_int_equal(tls_hello_versions(&ask, &min, &max), ranges[i].err);
        assert_int_equal(write(&ask, &out), ranges[i].err);
        if (ranges[i].err == ERR_OK) {
            assert_int_equal(min, ranges[i].seen_min);
            assert_int_equal(max, ranges[i].seen_max);
        }
        buf_clear(&out);
    }
}

static const struct {
    const char *sni, *sent; /* NULL: none */
    enum err err;
} names[] = {
    {"",                      NULL,                    ERR_OK   },
    {"example.com",           "example.com",           ERR_OK   },
    {"example.com.",          "example.com",           ERR_OK   },
    {"xn--bcher-kva.example", "xn--bcher-kva.example", ERR_OK   },
    {"_sip.Example",          "_sip.Example",          ERR_OK   },
    {"host1",                 "host1",                 ERR_OK   },
    {"1and1.com",             "1and1.com",             ERR_OK   },
    {"192.0.2.1",             NULL,                    ERR_OK   },
    {"192.0.2.1.",            NULL,                    ERR_OK   },
    {"2001:db8::1",           NULL,                    ERR_OK   },
    {"[::1]",                 NULL,                    ERR_OK   },
    {"1",                     NULL,                    ERR_OK   },
    {"a b",                   NULL,                    ERR_USAGE},
    {"b\xc3\xbc"
     "cher.example",     NULL,                    ERR_USAGE},
    {"a\nb",                  NULL,                    ERR_USAGE},
    {"*.example.com",         NULL,                    ERR_USAGE},
};

static void names_are_sent_addresses_not(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct tls_ask ask = tls_ask_default();
        struct buf out;
        ask.sni = bytes_text(names[i].sni);
        assert_int_equal(write(&ask, &out), names[i].err);
        if (names[i].err == ERR_OK) {
            struct seen s = read_hello(buf_bytes(&out));
            if (names[i].sent == NULL)
                assert_null(s.ext[0].p);
            else
                assert_text(bytes_part(s.ext[0], 5, SIZE_MAX), names[i].sent);
        }
        buf_clear(&out);
    }
    char many[255];
    memset(many, 'a', sizeof many);
    struct tls_ask ask = tls_ask_default();
    struct buf out;
    ask.sni = bytes_of(many, 254);
    assert_int_equal(write(&ask, &out), ERR_USAGE);
    buf_clear(&out);
    ask.sni = bytes_of(many, 253);
    assert_int_equal(write(&ask, &out), ERR_OK);
    buf_clear(&out);
}

static void alpn_is_a_list(void **state) {
    (void)state;
    struct bytes protocols[] = {bytes_text("h2"), bytes_text("http/1.1")};
    struct tls_ask ask = tls_ask_default();
    struct buf out;
    ask.alpn = protocols;
    ask.alpn_n = 2;
    assert_int_equal(write(&ask, &out), ERR_OK);
    struct seen s = read_hello(buf_bytes(&out));
    assert_true(bytes_equal(s.ext[16], bytes_of("\0\x0c\2h2\x08http/1.1", 14)));
    buf_clear(&out);
    protocols[1] = bytes_text("");
    assert_int_equal(write(&ask, &out), ERR_USAGE);
    buf_clear(&out);
    static const uint8_t zeros[256];
    protocols[1] = bytes_of(zeros, 256);
    assert_int_equal(write(&ask, &out), ERR_USAGE);
    buf_clear(&out);
}

/* Against RFC 8448, section 5: the trace puts the cookie elsewhere and adds padding;
 * all else of the second hello is what the rewriting makes of the first. */
static void the_second_hello_is_the_first_but_for_the_share(void **state) {
    (void)state;
    uint8_t first[512], second[1024] = {0}, retry[512];
    struct buf hello;
    struct ecdh_key key = {.group = GROUP_P256, .public_n = 65};
    struct bytes two = unhex(RFC8448_5_CLIENT_HELLO_2, second, sizeof second);
    two.n += 175;
    struct seen wanted = {.version = 0};
    struct tls_server_hello hrr;
    buf_init(&hello, 16384);
    buf_put(&hello, unhex(RFC8448_5_CLIENT_HELLO_1, first, sizeof first));
    struct bytes r = unhex(RFC8448_5_RETRY, retry, sizeof retry);
    assert_true(tls_read_server_hello(bytes_part(r, 4, SIZE_MAX), &hrr));
    assert_true(hrr.is_retry);
    assert_int_equal(hrr.group, TLS_GROUP_P256);
    assert_int_equal(hrr.cookie.n, 0x72);

    wanted = read_hello(two);
    memcpy(key.public_key, wanted.ext[51].p + 6, 65);
    assert_int_equal(tls_hello_retry(&hello, TLS_GROUP_P256, &key, hrr.cookie), ERR_OK);
    struct seen s = read_hello(buf_bytes(&hello));
    assert_true(bytes_equal(bytes_part(buf_bytes(&hello), 4, 40), bytes_part(two, 4, 40)));
    assert_int_equal(s.ext_n, wanted.ext_n - 1);
    for (size_t i = 0; i < COUNT_OF(s.ext); i++)
        if (i != 21) /* padding */
            assert_true(bytes_equal(s.ext[i], wanted.ext[i]));
    buf_clear(&hello);
}

static void a_cookie_may_be_too_long(void **state) {
    (void)state;
    static const uint8_t cookie[16384];
    struct tls_ask ask = tls_ask_default();
    struct buf hello;
    assert_int_equal(write(&ask, &hello), ERR_OK);
    struct bytes before = buf_bytes(&hello);
    assert_int_equal(tls_hello_retry(&hello, 0, NULL, bytes_of(cookie, sizeof cookie)), ERR_LIMIT);
    assert_ptr_equal(hello.p, before.p);
    assert_int_equal(tls_hello_retry(&hello, 0, NULL, bytes_of(cookie, 8000)), ERR_OK);
    struct seen s = read_hello(buf_bytes(&hello));
    assert_int_equal(s.ext[44].n, 8002);
    buf_clear(&hello);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_full_hello),
        cmocka_unit_test(a_group_is_asked_about),
        cmocka_unit_test(the_plain_hello),
        cmocka_unit_test(the_old_hello),
        cmocka_unit_test(every_offer_is_known),
        cmocka_unit_test(faces_narrow_the_leaf_alone),
        cmocka_unit_test(versions_are_cut_to_the_shape),
        cmocka_unit_test(names_are_sent_addresses_not),
        cmocka_unit_test(alpn_is_a_list),
        cmocka_unit_test(the_second_hello_is_the_first_but_for_the_share),
        cmocka_unit_test(a_cookie_may_be_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
