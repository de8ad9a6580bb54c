/* tls/schedule: the values of RFC 8448, sections 3 and 5. */
#include "tests/unit/hex.h"
#include "tests/unit/rfc8448.h"

#include "tls/inner.h"

static const struct {
    const char *shared, *transcript, *client, *server, *server_key, *server_iv;
} traces[] = {
    {RFC8448_3_SHARED, RFC8448_3_TRANSCRIPT, RFC8448_3_CLIENT_TRAFFIC, RFC8448_3_SERVER_TRAFFIC,
     RFC8448_3_SERVER_KEY, RFC8448_3_SERVER_IV},
    {RFC8448_5_SHARED, RFC8448_5_TRANSCRIPT, RFC8448_5_CLIENT_TRAFFIC, RFC8448_5_SERVER_TRAFFIC,
     RFC8448_5_SERVER_KEY, RFC8448_5_SERVER_IV},
};

static void starts_as_published(void **state) {
    (void)state;
    uint8_t derived[HASH_SIZE_MAX];
    tls_schedule_start(HASH_SHA256, derived);
    assert_hex(derived, 32, RFC8448_DERIVED);
}

static void derives_as_published(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(traces); i++) {
        uint8_t derived[32], shared[32], transcript[32];
        struct tls_secrets secrets;
        struct tls_traffic traffic;
        (void)unhex(traces[i].transcript, transcript, sizeof transcript);
        tls_schedule_start(HASH_SHA256, derived);
        tls_schedule_handshake(HASH_SHA256, derived, unhex(traces[i].shared, shared, sizeof shared),
                               transcript, &secrets);
        assert_hex(secrets.client, 32, traces[i].client);
        assert_hex(secrets.server, 32, traces[i].server);
        tls_traffic_init(&traffic, AEAD_AES_128_GCM, HASH_SHA256, secrets.server);
        assert_hex(traffic.key, 16, traces[i].server_key);
        assert_hex(traffic.iv, 12, traces[i].server_iv);
        assert_int_equal(traffic.sequence, 0);
    }
}

static void derives_the_writing_key(void **state) {
    (void)state;
    uint8_t secret[32];
    struct tls_traffic traffic;
    (void)unhex(RFC8448_3_CLIENT_TRAFFIC, secret, sizeof secret);
    tls_traffic_init(&traffic, AEAD_AES_128_GCM, HASH_SHA256, secret);
    assert_hex(traffic.key, 16, RFC8448_3_CLIENT_KEY);
    assert_hex(traffic.iv, 12, RFC8448_3_CLIENT_IV);
}

/* The published record opens to the published messages; once only, since the sequence moves on. */
static void opens_the_published_flight(void **state) {
    (void)state;
    uint8_t secret[32], record[1024], again[1024], certificate[512], type;
    struct tls_traffic traffic;
    struct bytes r = unhex(RFC8448_3_FLIGHT, record, sizeof record);
    size_t n = r.n - 5;
    memcpy(again, record, r.n);
    (void)unhex(RFC8448_3_SERVER_TRAFFIC, secret, sizeof secret);
    tls_traffic_init(&traffic, AEAD_AES_128_GCM, HASH_SHA256, secret);

    assert_true(tls_traffic_open(&traffic, bytes_part(r, 0, 5), record + 5, &n, &type));
    assert_int_equal(type, TLS_HANDSHAKE);
    assert_int_equal(n, 657);
    struct bytes der = unhex(RFC8448_CERTIFICATE, certificate, sizeof certificate);
    assert_true(bytes_find(bytes_of(record + 5, n), der) != SIZE_MAX);

    n = r.n - 5;
    assert_false(tls_traffic_open(&traffic, bytes_of(again, 5), again + 5, &n, &type));
}

/* What is sealed opens, with padding taken off, in order. */
static void seals_what_opens(void **state) {
    (void)state;
    static const enum aead aeads[] = {AEAD_AES_128_GCM, AEAD_AES_256_GCM, AEAD_CHACHA20_POLY1305};
    uint8_t secret[48] = {1, 2, 3};
    for (size_t i = 0; i < COUNT_OF(aeads); i++) {
        struct tls_traffic writer, reader;
        struct buf out;
        tls_traffic_init(&writer, aeads[i], HASH_SHA384, secret);
        tls_traffic_init(&reader, aeads[i], HASH_SHA384, secret);
        buf_init(&out, 1000);
        for (size_t round = 0; round < 3; round++) {
            uint8_t type;
            buf_reset(&out);
            tls_traffic_seal(&writer, TLS_ALERT, bytes_of("\1\0\0", round), &out);
            size_t n = out.n - 5;
            assert_int_equal(n, round + 1 + AEAD_TAG_SIZE);
            assert_int_equal(out.p[3] << 8 | out.p[4], n);
            assert_true(tls_traffic_open(&reader, bytes_of(out.p, 5), out.p + 5, &n, &type));
            assert_int_equal(type, TLS_ALERT);
            assert_int_equal(n, round);
        }
        /* Nothing but padding: no content type. */
        uint8_t type;
        buf_reset(&out);
        tls_traffic_seal(&writer, 0, bytes_of("\0\0", 2), &out);
        size_t n = out.n - 5;
        assert_false(tls_traffic_open(&reader, bytes_of(out.p, 5), out.p + 5, &n, &type));
        for (n = 0; n <= AEAD_TAG_SIZE;) { /* too short for a tag and a type */
            size_t size = n++;
            assert_false(tls_traffic_open(&reader, bytes_of(out.p, 5), out.p + 5, &size, &type));
        }
        buf_clear(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_as_published),     cmocka_unit_test(derives_as_published),
        cmocka_unit_test(derives_the_writing_key), cmocka_unit_test(opens_the_published_flight),
        cmocka_unit_test(seals_what_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
