/* tls/harvest: whatever a server sends. The first byte chooses the ask and the
 * mode: raw bytes; or a proper TLS 1.3 hello, and the rest as the content of
 * encrypted records, which raw bytes would never get to. Each input is fed
 * whole and in small parts: both must come to the same. */
#include "tls/inner.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool steady_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    memset(out, 0x42, n);
    return true;
}

static struct tls_ask ask_of(uint8_t choice) {
    struct tls_ask ask = tls_ask_default();
    ask.shape = (enum tls_shape)(choice % 3);
    ask.asked = (enum tls_asked)(choice / 3 % 3);
    ask.handshake_max = 60000;
    ask.sni = bytes_text("example.com");
    return ask;
}

/* The server's hello for h; its writing key goes to `writer`. */
static void put_hello(const struct tls_harvest *h, uint16_t suite, struct tls_traffic *writer,
                      struct buf *out) {
    const struct ecdh_key *share =
        &h->keys->x25519; /* the server has the client's pair: it will do */
    struct tls_offer offer;
    if (!tls_hello_read(buf_bytes(&h->hello), &offer))
        abort();
    size_t record = out->n;
    buf_put(out, bytes_of("\x16\3\3\0\0\2\0\0\0\3\3", 11));
    buf_fill(out, 0x5a, 32);
    buf_u8(out, (uint8_t)offer.session_id.n);
    buf_put(out, offer.session_id);
    buf_u16(out, suite);
    buf_put(out, bytes_of("\0\0\x2e\0\x2b\0\2\3\4\0\x33\0\x24\0\x1d\0\x20", 17));
    buf_put(out, bytes_of(share->public_key, 32));
    out->p[record + 4] = (uint8_t)(out->n - record - 5);
    out->p[record + 8] = (uint8_t)(out->n - record - 9);

    enum hash hash = suite == 0x1302 ? HASH_SHA384 : HASH_SHA256;
    uint8_t shared[ECDH_SECRET_MAX], sum[HASH_SIZE_MAX], derived[HASH_SIZE_MAX];
    struct tls_secrets secrets;
    struct hash_run run;
    size_t n;
    if (!ecdh_shared(share, bytes_of(share->public_key, 32), shared, &n))
        abort();
    hash_begin(&run, hash);
    hash_add(&run, buf_bytes(&h->hello));
    hash_add(&run, bytes_part(buf_bytes(out), record + 5, SIZE_MAX));
    hash_peek(&run, sum);
    tls_schedule_start(hash, derived);
    tls_schedule_handshake(hash, derived, bytes_of(shared, n), sum, &secrets);
    tls_traffic_init(writer,
                     suite == 0x1301   ? AEAD_AES_128_GCM
                     : suite == 0x1302 ? AEAD_AES_256_GCM
                                       : AEAD_CHACHA20_POLY1305,
                     hash, secrets.server);
}

/* Parts of the input as content of records: a byte of type, a byte of length. */
static void put_records(struct bytes in, struct tls_traffic *writer, struct buf *out) {
    struct cur c = cur_open(in);
    while (c.rest.n > 0) {
        uint8_t type = cur_u8(&c);
        struct bytes content = cur_vec8(&c);
        if (c.bad)
            content = bytes_of(NULL, 0);
        tls_traffic_seal(writer, type < 20 ? TLS_HANDSHAKE : type, content, out);
        if (c.bad)
            break;
    }
}

static void check(const struct tls_harvest *h, enum tls_want want) {
    const struct tls_result *r = tls_harvest_result(h);
    bool is_ok = r->outcome == TLS_OUTCOME_OK;
    if (want == TLS_WANT_MORE || is_ok != (want == TLS_WANT_LEAVE) || is_ok != (r->chain_n > 0) ||
        is_ok != (r->stage >= TLS_STAGE_CERTIFICATE) || r->outcome == TLS_OUTCOME_PENDING)
        abort();
    if (r->version != 0 && tls_version_name(r->version) == NULL && r->version > TLS_SSL_3)
        abort();
    if (r->cipher_suite != 0 && tls_cipher_suite_name(r->cipher_suite) == NULL)
        abort();
    struct hash_run run; /* reads every byte of every view */
    hash_begin(&run, HASH_SHA1);
    for (size_t i = 0; i < r->chain_n; i++) {
        if (r->chain[i].n == 0)
            abort();
        hash_add(&run, r->chain[i]);
    }
    hash_add(&run, r->alpn);
    hash_add(&run, r->ocsp);
}

static struct tls_harvest *open_one(const struct tls_keys *keys, uint8_t choice) {
    struct env env = {.random = steady_random};
    struct tls_ask ask = ask_of(choice);
    struct tls_harvest *h;
    if (tls_harvest_open(&env, keys, &ask, &h) != ERR_OK)
        abort();
    return h;
}

static struct tls_harvest *play(const struct tls_keys *keys, uint8_t choice, struct bytes flight,
                                size_t step) {
    struct tls_harvest *h = open_one(keys, choice);
    for (size_t at = 0; at < flight.n; at += step)
        (void)tls_harvest_feed(h, bytes_part(flight, at, step));
    check(h, tls_harvest_eof(h));
    return h;
}

/* X25519 alone is quick to make; the pairs of the other groups would be made anew
 * for every input, at a thousand times the cost of reading it. */
static void make_keys(struct tls_keys *keys) {
    struct env env = {.random = steady_random};
    memset(keys, 0, sizeof *keys);
    if (!ecdh_make(&env, GROUP_X25519, &keys->x25519))
        abort();
    keys->p256 = keys->p384 = keys->p521 = keys->x25519;
    tls_schedule_start(HASH_SHA256, keys->derived_sha256);
    tls_schedule_start(HASH_SHA384, keys->derived_sha384);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct cur c = cur_open(bytes_of(data, size));
    uint8_t choice = cur_u8(&c), step = cur_u8(&c);
    struct tls_keys keys;
    struct buf flight;
    if (c.bad)
        return 0;
    make_keys(&keys);
    buf_init(&flight, 1 << 22);
    if ((choice & 0x80) != 0) {
        static const uint16_t suites[] = {0x1301, 0x1302, 0x1303};
        struct tls_traffic writer;
        choice = (uint8_t)((choice & 0x7f) / 3 * 3); /* the full shape */
        struct tls_harvest *h = open_one(&keys, choice);
        put_hello(h, suites[step % 3], &writer, &flight);
        put_records(c.rest, &writer, &flight);
        tls_harvest_close(h);
    } else {
        buf_put(&flight, c.rest);
    }

    struct tls_harvest *whole = play(&keys, choice, buf_bytes(&flight), SIZE_MAX / 2);
    struct tls_harvest *parts = play(&keys, choice, buf_bytes(&flight), 1 + step % 64u);
    const struct tls_result *a = tls_harvest_result(whole), *b = tls_harvest_result(parts);
    if (a->outcome != b->outcome || a->stage != b->stage || a->alert != b->alert ||
        a->chain_n != b->chain_n || strcmp(a->detail, b->detail) != 0 ||
        !bytes_equal(buf_bytes(&whole->output), buf_bytes(&parts->output)))
        abort();
    tls_harvest_close(whole);
    tls_harvest_close(parts);
    buf_clear(&flight);
    return 0;
}
