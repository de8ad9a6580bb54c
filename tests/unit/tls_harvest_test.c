/* tls/harvest: whole handshakes as published (RFC 8448) and as built here, cut
 * everywhere, cut off everywhere, and what hostile servers send. */
#include "tests/unit/rfc8448.h"
#include "tests/unit/tls_server.h"

static struct tls_keys keys;

static int make_keys(void **state) {
    (void)state;
    struct env env = steady_env();
    return tls_keys_make(&env, &keys) == ERR_OK ? 0 : -1;
}

static struct tls_harvest *open_with(const struct tls_ask *ask) {
    struct env env = steady_env();
    struct tls_harvest *h;
    assert_int_equal(tls_harvest_open(&env, &keys, ask, &h), ERR_OK);
    return h;
}

static struct tls_harvest *open_default(void) {
    struct tls_ask ask = tls_ask_default();
    return open_with(&ask);
}

static void forget_output(struct tls_harvest *h) {
    tls_harvest_sent(h, tls_harvest_output(h).n);
}

static const struct tls_result *result_of(const struct tls_harvest *h) {
    return tls_harvest_result(h);
}

static const uint8_t leaf[] = "a leaf certificate of no particular content";
static uint8_t issuer[3000];
static const struct bytes two_certificates[] = {
    {leaf,   sizeof leaf  },
    {issuer, sizeof issuer}
};

/* ---- RFC 8448 ---- */

static void use_hello(struct tls_harvest *h, const char *hex, size_t zeros) {
    uint8_t space[1024];
    buf_reset(&h->hello);
    buf_put(&h->hello, unhex(hex, space, sizeof space));
    buf_fill(&h->hello, 0, zeros);
}

static enum tls_want feed_message(struct tls_harvest *h, const char *hex) {
    uint8_t space[1024];
    struct buf record;
    buf_init(&record, 2000);
    put_plain_record(&record, TLS_HANDSHAKE, unhex(hex, space, sizeof space));
    enum tls_want want = tls_harvest_feed(h, buf_bytes(&record));
    buf_clear(&record);
    return want;
}

static void assert_trace(struct tls_harvest *h, const char *flight, const char *client,
                         const char *server) {
    uint8_t space[1024];
    assert_hex(h->secrets.client, 32, client);
    assert_hex(h->secrets.server, 32, server);
    assert_int_equal(tls_harvest_feed(h, unhex(flight, space, sizeof space)), TLS_WANT_LEAVE);
    const struct tls_result *r = result_of(h);
    assert_int_equal(r->outcome, TLS_OUTCOME_OK);
    assert_int_equal(r->stage, TLS_STAGE_DONE);
    assert_int_equal(r->version, TLS_1_3);
    assert_int_equal(r->cipher_suite, 0x1301);
    assert_int_equal(r->chain_n, 1);
    assert_hex(r->chain[0].p, r->chain[0].n, RFC8448_CERTIFICATE);
}

static void the_published_handshake(void **state) {
    (void)state;
    struct tls_keys theirs = keys;
    struct env env = steady_env();
    struct tls_ask ask = tls_ask_default();
    struct tls_harvest *h;
    (void)unhex(RFC8448_3_CLIENT_SECRET_KEY, theirs.x25519.secret, 32);
    assert_int_equal(tls_harvest_open(&env, &theirs, &ask, &h), ERR_OK);
    use_hello(h, RFC8448_3_CLIENT_HELLO, 0);
    assert_int_equal(feed_message(h, RFC8448_3_SERVER_HELLO), TLS_WANT_MORE);
    assert_int_equal(result_of(h)->group, TLS_GROUP_X25519);
    assert_trace(h, RFC8448_3_FLIGHT, RFC8448_3_CLIENT_TRAFFIC, RFC8448_3_SERVER_TRAFFIC);
    tls_harvest_close(h);
}

static void the_published_retry(void **state) {
    (void)state;
    struct tls_keys theirs = keys;
    struct env env = steady_env();
    struct tls_ask ask = tls_ask_default();
    struct tls_harvest *h;
    (void)unhex(RFC8448_5_CLIENT_SECRET_KEY, theirs.p256.secret, 32);
    assert_int_equal(tls_harvest_open(&env, &theirs, &ask, &h), ERR_OK);
    use_hello(h, RFC8448_5_CLIENT_HELLO_1, 0);
    assert_int_equal(feed_message(h, RFC8448_5_RETRY), TLS_WANT_MORE);
    assert_true(result_of(h)->retried);
    assert_int_equal(result_of(h)->stage, TLS_STAGE_NONE);
    use_hello(h, RFC8448_5_CLIENT_HELLO_2, 175);
    assert_int_equal(feed_message(h, RFC8448_5_SERVER_HELLO), TLS_WANT_MORE);
    assert_int_equal(result_of(h)->group, TLS_GROUP_P256);
    assert_trace(h, RFC8448_5_FLIGHT, RFC8448_5_CLIENT_TRAFFIC, RFC8448_5_SERVER_TRAFFIC);
    tls_harvest_close(h);
}

/* ---- TLS 1.3, built here ---- */

/* The goodbye: one ChangeCipherSpec in all, then two sealed alerts, sequence 0 and 1. */
static void assert_goodbye_13(struct tls_harvest *h, struct server13 *s, bool has_ccs) {
    struct bytes out = tls_harvest_output(h);
    struct buf copy;
    buf_init(&copy, 1000);
    buf_put(&copy, out);
    size_t at = 0;
    if (has_ccs) {
        assert_memory_equal(copy.p, "\x14\3\3\0\1\1", 6);
        at = 6;
    }
    static const uint8_t alerts[2][2] = {
        {1, 90},
        {1, 0 }
    };
    for (size_t i = 0; i < 2; i++) {
        size_t n = copy.p[at + 4];
        uint8_t type;
        assert_true(at + 5 + n <= copy.n);
        assert_int_equal(s->reader.sequence, i);
        assert_true(
            tls_traffic_open(&s->reader, bytes_of(copy.p + at, 5), copy.p + at + 5, &n, &type));
        assert_int_equal(type, TLS_ALERT);
        assert_int_equal(n, 2);
        assert_memory_equal(copy.p + at + 5, alerts[i], 2);
        at += 5 + copy.p[at + 4];
    }
    assert_int_equal(at, copy.n);
    buf_clear(&copy);
}

static void assert_full_13(const struct tls_result *r, uint16_t suite, uint16_t group) {
    assert_int_equal(r->outcome, TLS_OUTCOME_OK);
    assert_int_equal(r->stage, TLS_STAGE_DONE);
    assert_int_equal(r->version, TLS_1_3);
    assert_int_equal(r->cipher_suite, suite);
    assert_int_equal(r->group, group);
    assert_int_equal(r->alert, -1);
    assert_int_equal(r->chain_n, 2);
    assert_int_equal(r->chain_sent, 2);
    assert_true(bytes_equal(r->chain[0], two_certificates[0]));
    assert_true(bytes_equal(r->chain[1], two_certificates[1]));
    assert_text(r->alpn, "h2");
    assert_text(r->ocsp, "abc");
    assert_true(r->client_certificate_asked);
    assert_int_equal(r->client_ca_names, 2);
    assert_string_equal(r->detail, "");
}

static const struct {
    uint16_t suite, group;
    bool retry;
    const char *cookie;
} shakes[] = {
    {0x1301, TLS_GROUP_X25519, false, ""            },
    {0x1302, TLS_GROUP_X25519, false, ""            },
    {0x1303, TLS_GROUP_X25519, false, ""            },
    {0x1301, TLS_GROUP_P256,   true,  ""            },
    {0x1302, TLS_GROUP_P384,   true,  "a cookie"    },
    {0x1303, TLS_GROUP_P521,   true,  ""            },
    {0x1301, TLS_GROUP_X25519, true,  "cookie alone"},
};

/* Feeds h, and appends to `all` what was fed. */
static enum tls_want feed_and_keep(struct tls_harvest *h, struct buf *part, struct buf *all) {
    enum tls_want want = tls_harvest_feed(h, buf_bytes(part));
    buf_put(all, buf_bytes(part));
    buf_reset(part);
    return want;
}

/* A whole handshake of row i with records of `size`; the server's bytes go to `all`. */
static void shake(size_t i, size_t size, struct buf *all) {
    struct tls_harvest *h = open_default();
    struct server13 s = server13_open(shakes[i].suite, shakes[i].group);
    struct buf part, messages;
    buf_init(&part, 1 << 17);
    buf_init(&messages, 1 << 17);
    if (shakes[i].retry) {
        bool cookie_alone = shakes[i].group == TLS_GROUP_X25519;
        s.group = cookie_alone ? 0 : shakes[i].group;
        server13_retry(&s, h, bytes_text(shakes[i].cookie), &part);
        s.group = shakes[i].group;
        forget_output(h);
        assert_int_equal(feed_and_keep(h, &part, all), TLS_WANT_MORE);
        assert_true(result_of(h)->retried);
        struct bytes out = tls_harvest_output(h);
        assert_memory_equal(out.p, "\x14\3\3\0\1\1\x16\3\3", 9);
        assert_true(bytes_equal(bytes_part(out, 11, SIZE_MAX), buf_bytes(&h->hello)));
        assert_int_equal(bytes_find(out, bytes_text(shakes[i].cookie)) != SIZE_MAX, true);
    }
    forget_output(h);
    server13_hello(&s, h, &part);
    assert_int_equal(feed_and_keep(h, &part, all), TLS_WANT_MORE);
    assert_int_equal(result_of(h)->stage, TLS_STAGE_HELLO);
    put_messages_13(&messages, two_certificates, 2);
    server13_flight(&s, buf_bytes(&messages), size, &part);
    assert_int_equal(feed_and_keep(h, &part, all), TLS_WANT_LEAVE);
    assert_full_13(result_of(h), shakes[i].suite, shakes[i].group);
    assert_goodbye_13(h, &s, !shakes[i].retry);
    tls_harvest_close(h);
    buf_clear(&part);
    buf_clear(&messages);
}

static void shakes_hands(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 7, 500, 16384};
    for (size_t i = 0; i < COUNT_OF(shakes); i++)
        for (size_t j = shakes[i].retry ? 3 : 0; j < COUNT_OF(sizes); j++) {
            struct buf all;
            buf_init(&all, 1 << 20);
            shake(i, sizes[j], &all);
            buf_clear(&all);
        }
}

/* ---- TLS 1.2 and below, built here ---- */

static void put_flight_12(struct buf *out, uint16_t version, uint16_t suite) {
    struct buf body;
    buf_init(&body, 1 << 17);
    put_server_hello_12(out, version, suite);
    put_chain(&body, false, two_certificates, 2);
    put_message(out, TLS_CERTIFICATE, buf_bytes(&body));
    put_message(out, TLS_CERTIFICATE_STATUS, bytes_of("\1\0\0\3abc", 7));
    if (tls_suite_find(suite)->exchange == TLS_EXCHANGE_ECDHE)
        put_message(out, TLS_SERVER_KEY_EXCHANGE, bytes_of("\3\0\x18\2\4\4signature", 15));
    if (tls_suite_find(suite)->exchange == TLS_EXCHANGE_DHE)
        put_message(out, TLS_SERVER_KEY_EXCHANGE, bytes_of("\0\2\x81\1\0\1\2\0\1\3signature", 19));
    put_message(out, TLS_CERTIFICATE_REQUEST,
                version == TLS_1_2 ? bytes_of("\1\1\0\2\4\3\0\4\0\2\x30\0", 12)
                                   : bytes_of("\1\1\0\4\0\2\x30\0", 8));
    put_message(out, TLS_SERVER_HELLO_DONE, bytes_text(""));
    buf_clear(&body);
}

static void assert_full_12(const struct tls_result *r, uint16_t version, uint16_t suite) {
    assert_int_equal(r->outcome, TLS_OUTCOME_OK);
    assert_int_equal(r->stage, TLS_STAGE_DONE);
    assert_int_equal(r->version, version);
    assert_int_equal(r->cipher_suite, suite);
    assert_int_equal(r->chain_n, 2);
    assert_true(bytes_equal(r->chain[0], two_certificates[0]));
    assert_true(bytes_equal(r->chain[1], two_certificates[1]));
    assert_text(r->ocsp, "abc");
    assert_text(r->alpn, "x");
    assert_true(r->client_certificate_asked);
    assert_int_equal(r->client_ca_names, 1);
    enum tls_exchange exchange = tls_suite_find(suite)->exchange;
    assert_int_equal(r->group, exchange == TLS_EXCHANGE_ECDHE ? TLS_GROUP_P384 : 0);
    assert_int_equal(r->dh_bits, exchange == TLS_EXCHANGE_DHE ? 16 : 0);
}

static const struct {
    uint16_t version, suite;
} clear_shakes[] = {
    {TLS_1_2, 0xc02f},
    {TLS_1_2, 0x009e},
    {TLS_1_2, 0x002f},
    {TLS_1_1, 0xc013},
    {TLS_1_0, 0x0033},
    {TLS_1_0, 0x000a},
};

static void shakes_hands_in_clear(void **state) {
    (void)state;
    static const size_t sizes[] = {1, 3, 100, 16384};
    for (size_t i = 0; i < COUNT_OF(clear_shakes); i++)
        for (size_t j = 0; j < COUNT_OF(sizes); j++) {
            struct tls_harvest *h = open_default();
            struct buf messages, records;
            buf_init(&messages, 1 << 17);
            buf_init(&records, 1 << 17);
            put_flight_12(&messages, clear_shakes[i].version, clear_shakes[i].suite);
            put_plain_records(&records, TLS_HANDSHAKE, buf_bytes(&messages), sizes[j]);
            forget_output(h);
            assert_int_equal(tls_harvest_feed(h, buf_bytes(&records)), TLS_WANT_LEAVE);
            assert_full_12(result_of(h), clear_shakes[i].version, clear_shakes[i].suite);
            struct bytes out = tls_harvest_output(h);
            assert_int_equal(out.n, 14);
            assert_int_equal(out.p[2], clear_shakes[i].version & 0xff);
            assert_memory_equal(out.p + 3, "\0\2\1\x5a\x15\3", 6);
            assert_memory_equal(out.p + 10, "\0\2\1\0", 4);
            tls_harvest_close(h);
            buf_clear(&messages);
            buf_clear(&records);
        }
}

/* ---- every cut, every end ---- */

/* What a harvest came to, without views. */
struct digest {
    enum tls_want want;
    struct tls_result result;
    uint8_t sums[3][SHA256_SIZE]; /* of the chain, the OCSP response, the output */
};

static struct digest digest_of(struct tls_harvest *h, enum tls_want want, struct buf *sent) {
    struct digest d;
    memset(&d, 0, sizeof d);
    const struct tls_result *r = result_of(h);
    d.want = want;
    d.result = *r;
    struct hash_run run;
    hash_begin(&run, HASH_SHA256);
    for (size_t i = 0; i < r->chain_n; i++)
        hash_add(&run, r->chain[i]);
    hash_peek(&run, d.sums[0]);
    hash_of(HASH_SHA256, r->ocsp, d.sums[1]);
    buf_put(sent, tls_harvest_output(h));
    hash_of(HASH_SHA256, buf_bytes(sent), d.sums[2]);
    d.result.chain = NULL;
    d.result.alpn.p = d.result.ocsp.p = NULL;
    return d;
}

static void feed_part(struct tls_harvest *h, struct bytes part, enum tls_want *want,
                      struct buf *sent) {
    buf_put(sent, tls_harvest_output(h));
    forget_output(h);
    *want = tls_harvest_feed(h, part);
}

/* The flight in two parts, the second again in parts of `step`; then the end of the stream. */
static struct digest play(struct bytes flight, size_t cut, size_t step) {
    struct tls_harvest *h = open_default();
    enum tls_want want;
    struct buf sent;
    buf_init(&sent, 1 << 16);
    feed_part(h, bytes_part(flight, 0, cut), &want, &sent);
    for (size_t at = cut; at < flight.n; at += step)
        feed_part(h, bytes_part(flight, at, step), &want, &sent);
    want = tls_harvest_eof(h);
    struct digest d = digest_of(h, want, &sent);
    tls_harvest_close(h);
    buf_clear(&sent);
    return d;
}

static void assert_same(const struct digest *a, const struct digest *b) {
    assert_int_equal(a->want, b->want);
    assert_memory_equal(a->sums, b->sums, sizeof a->sums);
    assert_int_equal(a->result.outcome, b->result.outcome);
    assert_int_equal(a->result.stage, b->result.stage);
    assert_int_equal(a->result.version, b->result.version);
    assert_int_equal(a->result.cipher_suite, b->result.cipher_suite);
    assert_int_equal(a->result.group, b->result.group);
    assert_int_equal(a->result.alert, b->result.alert);
    assert_int_equal(a->result.chain_n, b->result.chain_n);
    assert_int_equal(a->result.client_ca_names, b->result.client_ca_names);
    assert_string_equal(a->result.detail, b->result.detail);
}

static void any_cut_gives_the_same_as_none(struct bytes flight) {
    struct digest whole = play(flight, flight.n, 1);
    for (size_t cut = 0; cut < flight.n; cut++) {
        struct digest d = play(flight, cut, SIZE_MAX / 2);
        assert_same(&whole, &d);
    }
    struct digest single = play(flight, 0, 1);
    assert_same(&whole, &single);
}

/* Cut off anywhere: closed, or what was there is kept. Nothing else, and no crash. */
static void every_prefix_ends_well(struct bytes flight) {
    bool had_chain = false;
    for (size_t n = 0; n <= flight.n; n++) {
        struct digest d = play(bytes_part(flight, 0, n), n, 1);
        bool has_chain = d.result.chain_n > 0;
        assert_true(has_chain || !had_chain);
        assert_int_equal(d.want, has_chain ? TLS_WANT_LEAVE : TLS_FAILED);
        assert_int_equal(d.result.outcome, has_chain ? TLS_OUTCOME_OK : TLS_OUTCOME_CLOSED);
        assert_int_equal(d.result.stage >= TLS_STAGE_CERTIFICATE, has_chain);
        had_chain = has_chain;
    }
    assert_true(had_chain);
}

static void cuts_of_13(void **state) {
    (void)state;
    struct buf all;
    buf_init(&all, 1 << 17);
    shake(0, 1000, &all);
    any_cut_gives_the_same_as_none(buf_bytes(&all));
    every_prefix_ends_well(buf_bytes(&all));
    buf_clear(&all);
}

static void cuts_of_a_retry(void **state) {
    (void)state;
    struct buf all;
    buf_init(&all, 1 << 17);
    shake(6, 16384, &all); /* the cookie alone: no slow curve in each of thousands of runs */
    any_cut_gives_the_same_as_none(buf_bytes(&all));
    every_prefix_ends_well(buf_bytes(&all));
    buf_clear(&all);
}

static void cuts_of_12(void **state) {
    (void)state;
    struct buf messages, all;
    buf_init(&messages, 1 << 17);
    buf_init(&all, 1 << 17);
    put_flight_12(&messages, TLS_1_2, 0xc02f);
    put_plain_records(&all, TLS_HANDSHAKE, buf_bytes(&messages), 700);
    any_cut_gives_the_same_as_none(buf_bytes(&all));
    every_prefix_ends_well(buf_bytes(&all));
    buf_clear(&messages);
    buf_clear(&all);
}

/* ---- hostile and strange servers ---- */

#define R "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
#define HELLO_12 "160303002a 02000026 0303" R "00 002f 00" /* RSA with AES-128-CBC */

static const struct {
    const char *what, *hex;
    enum tls_outcome outcome;
    enum tls_stage stage;
    int alert;
} strangers[] = {
    {"nothing",                            "",                                                              TLS_OUTCOME_CLOSED,         TLS_STAGE_NONE,        -1},
    {"HTTP",                               "485454502f312e3120343030",                                      TLS_OUTCOME_NOT_TLS,        TLS_STAGE_NONE,        -1},
    {"SSH",                                "5353482d322e302d4f70656e",                                      TLS_OUTCOME_NOT_TLS,        TLS_STAGE_NONE,        -1},
    {"SMTP",                               "32323020",                                                      TLS_OUTCOME_NOT_TLS,        TLS_STAGE_NONE,        -1},
    {"one byte",                           "0a",                                                            TLS_OUTCOME_NOT_TLS,        TLS_STAGE_NONE,        -1},
    {"zeros",                              "0000000000000000",                                              TLS_OUTCOME_NOT_TLS,        TLS_STAGE_NONE,        -1},
    {"half a header",                      "160303",                                                        TLS_OUTCOME_CLOSED,         TLS_STAGE_NONE,        -1},
    {"type of a record, no version",       "1648454c4c4f",                                                  TLS_OUTCOME_NOT_TLS,        TLS_STAGE_NONE,        -1},
    {"SSLv2",                              "8013040001000200",                                              TLS_OUTCOME_UNSUPPORTED,    TLS_STAGE_NONE,        -1},
    {"SSLv3",                              "160300002a 02000026 0300" R "00 000a 00",                       TLS_OUTCOME_UNSUPPORTED,    TLS_STAGE_NONE,
     -1                                                                                                                                                          },
    {"handshake_failure",                  "1503030002 0228",                                               TLS_OUTCOME_TLS_ALERT,      TLS_STAGE_NONE,        40},
    {"protocol_version, as SSLv3",         "1503000002 0246",                                               TLS_OUTCOME_TLS_ALERT,      TLS_STAGE_NONE,        70},
    {"close_notify at once",               "1503030002 0100",                                               TLS_OUTCOME_TLS_ALERT,      TLS_STAGE_NONE,        0 },
    {"a warning, then a fatal alert",      "1503030002 0170 1503030002 0228",                               TLS_OUTCOME_TLS_ALERT,
     TLS_STAGE_NONE,                                                                                                                                           40},
    {"both in a record",                   "1503030004 01700250",                                           TLS_OUTCOME_TLS_ALERT,      TLS_STAGE_NONE,        80},
    {"half an alert",                      "1503030001 02",                                                 TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"application data",                   "1703030003 616263",                                             TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"ChangeCipherSpec",                   "1403030001 01",                                                 TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"record of 2^14 + 1",                 "1603034001",                                                    TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"message of 2^24 - 1",                "1603030004 02ffffff",                                           TLS_OUTCOME_LIMIT,          TLS_STAGE_NONE,        -1},
    {"our own hello back",                 "1603030004 01000100",                                           TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"Certificate first",                  "1603030004 0b000003",                                           TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"version not offered",                "160303002a 02000026 0305" R "00 002f 00",                       TLS_OUTCOME_TLS_ERROR,
     TLS_STAGE_NONE,                                                                                                                                           -1},
    {"1.3 without the extension",          "160303002a 02000026 0304" R "00 1301 00",                       TLS_OUTCOME_TLS_ERROR,
     TLS_STAGE_NONE,                                                                                                                                           -1},
    {"1.2 by the extension",               "1603030032 0200002e 0303" R "00 002f 00 0006 002b 0002 0303",
     TLS_OUTCOME_TLS_ERROR,                                                                                                             TLS_STAGE_NONE,        -1},
    {"suite not offered",                  "160303002a 02000026 0303" R "00 0001 00",                       TLS_OUTCOME_TLS_ERROR,
     TLS_STAGE_NONE,                                                                                                                                           -1},
    {"suite of 1.3 in 1.2",                "160303002a 02000026 0303" R "00 1301 00",                       TLS_OUTCOME_TLS_ERROR,
     TLS_STAGE_NONE,                                                                                                                                           -1},
    {"compression",                        "160303002a 02000026 0303" R "00 002f 01",                       TLS_OUTCOME_TLS_ERROR,
     TLS_STAGE_NONE,                                                                                                                                           -1},
    {"malformed hello",                    "1603030008 02000004 03035a5a",                                  TLS_OUTCOME_TLS_ERROR,      TLS_STAGE_NONE,        -1},
    {"empty list",                         HELLO_12 "1603030007 0b000003 000000",                           TLS_OUTCOME_NO_CERTIFICATE,
     TLS_STAGE_HELLO,                                                                                                                                          -1},
    {"hello done, no certificate",         HELLO_12 "1603030004 0e000000",                                  TLS_OUTCOME_NO_CERTIFICATE,
     TLS_STAGE_HELLO,                                                                                                                                          -1},
    {"malformed certificate",              HELLO_12 "1603030009 0b000005 000001 0000",                      TLS_OUTCOME_TLS_ERROR,
     TLS_STAGE_HELLO,                                                                                                                                          -1},
    {"alert behind the hello",             HELLO_12 "1503030002 0228",                                      TLS_OUTCOME_TLS_ALERT,      TLS_STAGE_HELLO,
     40                                                                                                                                                          },
    {"certificate, then an alert",         HELLO_12 "160303000b 0b000007 000004 000001 78 1503030002 0228",
     TLS_OUTCOME_OK,                                                                                                                    TLS_STAGE_CERTIFICATE, 40},
    {"certificate, then garbage",          HELLO_12 "160303000b 0b000007 000004 000001 78 ffffffffffffff",
     TLS_OUTCOME_OK,                                                                                                                    TLS_STAGE_CERTIFICATE, -1},
    {"certificate, then ChangeCipherSpec",
     HELLO_12 "160303000b 0b000007 000004 000001 78 1403030001 01",                                         TLS_OUTCOME_OK,
     TLS_STAGE_CERTIFICATE,                                                                                                                                    -1},
    {"two certificate messages",
     HELLO_12 "160303000b 0b000007 000004 000001 78 160303000b 0b000007 000004 000001 79",
     TLS_OUTCOME_OK,                                                                                                                    TLS_STAGE_CERTIFICATE, -1},
    {"HelloRequest before the hello",
     "1603030004 00000000" HELLO_12 "160303000b 0b000007 000004 000001 78 1603030004 0e000000",
     TLS_OUTCOME_OK,                                                                                                                    TLS_STAGE_DONE,        -1},
    {"an empty record before the hello",
     "1603030000" HELLO_12 "160303000b 0b000007 000004 000001 78 1603030004 0e000000",
     TLS_OUTCOME_OK,                                                                                                                    TLS_STAGE_DONE,        -1},
};

static void answers_strangers(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        uint8_t space[512];
        struct bytes bytes = unhex(strangers[i].hex, space, sizeof space);
        struct digest d = play(bytes, bytes.n, 1);
        if (d.result.outcome != strangers[i].outcome || d.result.stage != strangers[i].stage ||
            d.result.alert != strangers[i].alert)
            fail_msg("%s: %s, stage %s, alert %d, \"%s\"", strangers[i].what,
                     tls_outcome_name(d.result.outcome), tls_stage_name(d.result.stage),
                     d.result.alert, d.result.detail);
        bool good = strangers[i].outcome == TLS_OUTCOME_OK;
        assert_int_equal(d.want, good ? TLS_WANT_LEAVE : TLS_FAILED);
        for (size_t cut = 0; cut <= bytes.n; cut++) {
            struct digest other = play(bytes, cut, 1);
            assert_same(&d, &other);
        }
    }
}

static void a_stream_of_nothing_ends(void **state) {
    (void)state;
    static const struct {
        const char *record;
        size_t n;
    } rows[] = {
        {"\x16\3\3\0\0",         5}, /* empty records */
        {"\x15\3\3\0\2\1\x70",   7}, /* warnings */
        {"\x16\3\3\0\4\0\0\0\0", 9}, /* HelloRequests */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct tls_harvest *h = open_default();
        enum tls_want want = TLS_WANT_MORE;
        size_t rounds = 0;
        for (; want == TLS_WANT_MORE && rounds < 1000; rounds++)
            want = tls_harvest_feed(h, bytes_of(rows[i].record, rows[i].n));
        assert_int_equal(want, TLS_FAILED);
        assert_int_equal(result_of(h)->outcome, TLS_OUTCOME_LIMIT);
        assert_true(rounds < 50);
        tls_harvest_close(h);
    }
}

static void the_limit_counts_all_messages(void **state) {
    (void)state;
    struct tls_ask ask = tls_ask_default();
    struct buf messages, records;
    buf_init(&messages, 1 << 17);
    buf_init(&records, 1 << 17);
    put_flight_12(&messages, TLS_1_2, 0x002f);
    put_plain_records(&records, TLS_HANDSHAKE, buf_bytes(&messages), 16384);
    for (size_t max = 0; max < 4000; max += 10) {
        ask.handshake_max = max;
        struct tls_harvest *h = open_with(&ask);
        enum tls_want want = tls_harvest_feed(h, buf_bytes(&records));
        const struct tls_result *r = result_of(h);
        assert_int_not_equal(want, TLS_WANT_MORE);
        if (r->chain_n == 0)
            assert_int_equal(r->outcome, TLS_OUTCOME_LIMIT);
        assert_int_equal(r->stage == TLS_STAGE_DONE, max >= messages.n - 6 * 4);
        tls_harvest_close(h);
    }
    buf_clear(&messages);
    buf_clear(&records);
}

/* ---- TLS 1.3 gone wrong ---- */

struct lab {
    struct tls_harvest *h;
    struct server13 s;
    struct buf out, messages;
};

static struct lab lab_open(uint16_t group) {
    struct lab lab = {.h = open_default(), .s = server13_open(0x1301, group)};
    buf_init(&lab.out, 1 << 22);
    buf_init(&lab.messages, 1 << 22);
    return lab;
}

static enum tls_want lab_feed(struct lab *lab) {
    enum tls_want want = tls_harvest_feed(lab->h, buf_bytes(&lab->out));
    buf_reset(&lab->out);
    return want;
}

static void lab_close(struct lab *lab, enum tls_outcome outcome, enum tls_stage stage) {
    assert_int_equal(result_of(lab->h)->outcome, outcome);
    assert_int_equal(result_of(lab->h)->stage, stage);
    tls_harvest_close(lab->h);
    buf_clear(&lab->out);
    buf_clear(&lab->messages);
}

static void a_second_retry_is_an_error(void **state) {
    (void)state;
    struct lab lab = lab_open(TLS_GROUP_P256);
    server13_retry(&lab.s, lab.h, bytes_text(""), &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_WANT_MORE);
    lab.s.group = TLS_GROUP_P384;
    server13_retry(&lab.s, lab.h, bytes_text(""), &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_NONE);
}

static void a_group_that_is_asked_about_is_told(void **state) {
    (void)state;
    struct env env = steady_env();
    struct lab lab = lab_open(TLS_GROUP_X25519);
    struct tls_ask ask = tls_ask_default();
    ask.group = TLS_GROUP_HYBRID;
    tls_harvest_close(lab.h);
    assert_int_equal(tls_harvest_open(&env, &keys, &ask, &lab.h), ERR_OK);
    lab.s.group = TLS_GROUP_HYBRID;
    server13_retry(&lab.s, lab.h, bytes_text(""), &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    assert_int_equal(tls_harvest_result(lab.h)->group, TLS_GROUP_HYBRID);
    lab_close(&lab, TLS_OUTCOME_UNSUPPORTED, TLS_STAGE_NONE);
}

static void a_retry_for_nothing_is_an_error(void **state) {
    (void)state;
    static const struct {
        uint16_t group;
        enum tls_outcome outcome;
    } rows[] = {
        {TLS_GROUP_X25519, TLS_OUTCOME_TLS_ERROR  }, /* its share was sent */
        {30,               TLS_OUTCOME_TLS_ERROR  }, /* x448 was not offered */
        {0,                TLS_OUTCOME_TLS_ERROR  }, /* neither group nor cookie */
        {26,               TLS_OUTCOME_UNSUPPORTED}, /* offered for TLS 1.2 only */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct lab lab = lab_open(TLS_GROUP_X25519);
        lab.s.group = rows[i].group;
        server13_retry(&lab.s, lab.h, bytes_text(""), &lab.out);
        assert_int_equal(lab_feed(&lab), TLS_FAILED);
        lab_close(&lab, rows[i].outcome, TLS_STAGE_NONE);
    }
}

static void a_cookie_beyond_a_record_is_a_limit(void **state) {
    (void)state;
    static uint8_t cookie[20000];
    struct lab lab = lab_open(TLS_GROUP_P256);
    server13_retry(&lab.s, lab.h, bytes_of(cookie, sizeof cookie), &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_LIMIT, TLS_STAGE_NONE);
}

static void the_hello_must_keep_the_retry_s_word(void **state) {
    (void)state;
    struct lab lab = lab_open(TLS_GROUP_P256);
    server13_retry(&lab.s, lab.h, bytes_text(""), &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_WANT_MORE);
    lab.s.suite = 0x1303;
    server13_hello(&lab.s, lab.h, &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_NONE);
}

static void the_share_must_be_a_point_of_our_group(void **state) {
    (void)state;
    struct lab lab = lab_open(TLS_GROUP_X25519);
    server13_hello(&lab.s, lab.h, &lab.out);
    size_t at = bytes_find(buf_bytes(&lab.out), bytes_of(lab.s.key.public_key, 32));
    memset(lab.out.p + at, 0, 32);
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);

    lab = lab_open(TLS_GROUP_X25519);
    server13_hello(&lab.s, lab.h, &lab.out);
    at = bytes_find(buf_bytes(&lab.out), bytes_of(lab.s.key.public_key, 32));
    lab.out.p[at - 3] = 0x17;
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
}

static void the_session_id_must_come_back(void **state) {
    (void)state;
    struct lab lab = lab_open(TLS_GROUP_X25519);
    server13_hello(&lab.s, lab.h, &lab.out);
    lab.out.p[5 + 4 + 2 + 32 + 1] ^= 1;
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_NONE);
}

/* Feeds a hello, then what `put` makes; the outcome of that. */
static void after_hello(void (*put)(struct lab *lab), enum tls_outcome outcome,
                        enum tls_stage stage) {
    struct lab lab = lab_open(TLS_GROUP_X25519);
    server13_hello(&lab.s, lab.h, &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_WANT_MORE);
    put(&lab);
    assert_int_equal(lab_feed(&lab), outcome == TLS_OUTCOME_OK ? TLS_WANT_LEAVE : TLS_FAILED);
    lab_close(&lab, outcome, stage);
}

static void seal(struct lab *lab, uint8_t type, const char *bytes, size_t n) {
    tls_traffic_seal(&lab->s.writer, type, bytes_of(bytes, n), &lab->out);
}

static void put_flipped(struct lab *lab) {
    seal(lab, TLS_HANDSHAKE, "\x08\0\0\2\0\0", 6);
    lab->out.p[lab->out.n - 1] ^= 1;
}

static void put_skipped_sequence(struct lab *lab) {
    seal(lab, TLS_HANDSHAKE, "\x08\0\0\2\0\0", 6);
    buf_reset(&lab->out);
    seal(lab, TLS_HANDSHAKE, "\x08\0\0\2\0\0", 6);
}

static void put_clear_handshake(struct lab *lab) {
    put_plain_record(&lab->out, TLS_HANDSHAKE, bytes_of("\x08\0\0\2\0\0", 6));
}

static void put_clear_alert(struct lab *lab) {
    put_plain_record(&lab->out, TLS_ALERT, bytes_of("\2\x28", 2));
}

static void put_sealed_alert(struct lab *lab) {
    seal(lab, TLS_ALERT, "\1\x74", 2); /* "warning" certificate_required is fatal all the same */
}

static void put_application_data(struct lab *lab) {
    seal(lab, TLS_DATA, "hello", 5);
}

static void put_sealed_ccs(struct lab *lab) {
    seal(lab, TLS_CHANGE_CIPHER_SPEC, "\1", 1);
}

static void put_finished(struct lab *lab) {
    seal(lab, TLS_HANDSHAKE, "\x14\0\0\x20", 4);
}

static void put_huge_message(struct lab *lab) {
    seal(lab, TLS_HANDSHAKE, "\x0b\xff\xff\xff", 4);
}

static void put_empty_chain(struct lab *lab) {
    seal(lab, TLS_HANDSHAKE, "\x0b\0\0\4\0\0\0\0", 8);
}

static void put_wrong_ccs(struct lab *lab) {
    put_plain_record(&lab->out, TLS_CHANGE_CIPHER_SPEC, bytes_of("\2", 1));
}

static void put_many_ccs(struct lab *lab) {
    for (unsigned i = 0; i < 100; i++)
        put_plain_record(&lab->out, TLS_CHANGE_CIPHER_SPEC, bytes_of("\1", 1));
}

/* 2^14 + 1 bytes of content; a record may be that long, its content not. */
static void put_long_record(struct lab *lab) {
    static uint8_t zeros[(1 << 14) + 1];
    zeros[0] = TLS_CERTIFICATE;
    tls_traffic_seal(&lab->s.writer, TLS_HANDSHAKE, bytes_of(zeros, sizeof zeros), &lab->out);
}

/* user_canceled is no end; empty and padded records are passed over. */
static void put_patience(struct lab *lab) {
    seal(lab, TLS_HANDSHAKE, "", 0);
    seal(lab, TLS_ALERT, "\1\x5a", 2);
    put_messages_13(&lab->messages, two_certificates, 2);
    server13_flight(&lab->s, buf_bytes(&lab->messages), 100, &lab->out);
}

static void tls_13_goes_wrong(void **state) {
    (void)state;
    after_hello(put_flipped, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_skipped_sequence, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_clear_handshake, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_clear_alert, TLS_OUTCOME_TLS_ALERT, TLS_STAGE_HELLO);
    after_hello(put_sealed_alert, TLS_OUTCOME_TLS_ALERT, TLS_STAGE_HELLO);
    after_hello(put_application_data, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_sealed_ccs, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_finished, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_huge_message, TLS_OUTCOME_LIMIT, TLS_STAGE_HELLO);
    after_hello(put_empty_chain, TLS_OUTCOME_NO_CERTIFICATE, TLS_STAGE_HELLO);
    after_hello(put_wrong_ccs, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_many_ccs, TLS_OUTCOME_LIMIT, TLS_STAGE_HELLO);
    after_hello(put_long_record, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_HELLO);
    after_hello(put_patience, TLS_OUTCOME_OK, TLS_STAGE_DONE);
}

static void nothing_in_clear_behind_the_hello(void **state) {
    (void)state;
    struct lab lab = lab_open(TLS_GROUP_X25519);
    server13_hello(&lab.s, lab.h, &lab.out);
    buf_put(&lab.out, bytes_of("\x08\0\0\2\0\0", 6));
    lab.out.p[4] = (uint8_t)(lab.out.p[4] + 6); /* in the same record */
    assert_int_equal(lab_feed(&lab), TLS_FAILED);
    lab_close(&lab, TLS_OUTCOME_TLS_ERROR, TLS_STAGE_NONE);
}

/* ---- ends and memory ---- */

static void leaves_when_told(void **state) {
    (void)state;
    struct tls_harvest *h = open_default();
    assert_int_equal(tls_harvest_leave(h), TLS_FAILED);
    assert_int_equal(result_of(h)->outcome, TLS_OUTCOME_PENDING);
    assert_int_equal(tls_harvest_feed(h, bytes_text("HTTP/1.1 400")), TLS_FAILED);
    assert_int_equal(result_of(h)->outcome, TLS_OUTCOME_PENDING);
    tls_harvest_close(h);

    uint8_t space[512];
    h = open_default();
    assert_int_equal(tls_harvest_feed(h, unhex(HELLO_12 "160303000b 0b000007 000004 000001 78",
                                               space, sizeof space)),
                     TLS_WANT_MORE);
    assert_int_equal(result_of(h)->outcome, TLS_OUTCOME_OK);
    forget_output(h);
    assert_int_equal(tls_harvest_leave(h), TLS_WANT_LEAVE);
    assert_int_equal(tls_harvest_output(h).n, 14);
    assert_int_equal(result_of(h)->stage, TLS_STAGE_CERTIFICATE);
    assert_text(result_of(h)->chain[0], "x");
    tls_harvest_close(h);
    tls_harvest_close(NULL);
}

static void output_is_taken_in_parts(void **state) {
    (void)state;
    struct tls_harvest *h = open_default();
    size_t all = tls_harvest_output(h).n, seen = 0;
    assert_true(all > 100);
    while (tls_harvest_output(h).n > 0) {
        tls_harvest_sent(h, 1);
        seen++;
    }
    assert_int_equal(seen, all);
    tls_harvest_close(h);
}

static size_t held_by(const struct tls_harvest *h) {
    return sizeof *h + h->hello.cap + h->output.cap + h->record.cap + h->messages.cap +
           h->certificate.cap + h->alpn.cap + h->ocsp.cap + h->ca_list.cap;
}

/* What tls.h promises: under 3 KB until the certificates arrive. */
static void little_is_held(void **state) {
    (void)state;
    struct lab lab = lab_open(TLS_GROUP_X25519);
    assert_true(held_by(lab.h) < 3072);
    forget_output(lab.h);
    server13_hello(&lab.s, lab.h, &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_WANT_MORE);
    assert_true(held_by(lab.h) < 3072);
    put_messages_13(&lab.messages, two_certificates, 2);
    server13_flight(&lab.s, buf_bytes(&lab.messages), 16384, &lab.out);
    assert_int_equal(lab_feed(&lab), TLS_WANT_LEAVE);
    forget_output(lab.h);
    assert_true(held_by(lab.h) < 3072 + 2 * (sizeof leaf + sizeof issuer));
    lab_close(&lab, TLS_OUTCOME_OK, TLS_STAGE_DONE);
}

static bool no_random(void *context, uint8_t *out, size_t n) {
    (void)context, (void)out, (void)n;
    return false;
}

static void opens_with_randomness_only(void **state) {
    (void)state;
    struct env env = {.random = no_random};
    struct tls_ask ask = tls_ask_default();
    struct tls_harvest *h;
    struct tls_keys none;
    assert_int_equal(tls_harvest_open(&env, &keys, &ask, &h), ERR_FAILED);
    assert_null(h);
    assert_int_equal(tls_keys_make(&env, &none), ERR_FAILED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_handshake),
        cmocka_unit_test(the_published_retry),
        cmocka_unit_test(shakes_hands),
        cmocka_unit_test(shakes_hands_in_clear),
        cmocka_unit_test(cuts_of_13),
        cmocka_unit_test(cuts_of_a_retry),
        cmocka_unit_test(cuts_of_12),
        cmocka_unit_test(answers_strangers),
        cmocka_unit_test(a_stream_of_nothing_ends),
        cmocka_unit_test(the_limit_counts_all_messages),
        cmocka_unit_test(a_second_retry_is_an_error),
        cmocka_unit_test(a_group_that_is_asked_about_is_told),
        cmocka_unit_test(a_retry_for_nothing_is_an_error),
        cmocka_unit_test(a_cookie_beyond_a_record_is_a_limit),
        cmocka_unit_test(the_hello_must_keep_the_retry_s_word),
        cmocka_unit_test(the_share_must_be_a_point_of_our_group),
        cmocka_unit_test(the_session_id_must_come_back),
        cmocka_unit_test(tls_13_goes_wrong),
        cmocka_unit_test(nothing_in_clear_behind_the_hello),
        cmocka_unit_test(leaves_when_told),
        cmocka_unit_test(output_is_taken_in_parts),
        cmocka_unit_test(little_is_held),
        cmocka_unit_test(opens_with_randomness_only),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
