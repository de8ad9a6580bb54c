/* A server's side of handshakes, as far as lib/tls reads it, to feed a harvest with. */
#ifndef TESTS_UNIT_TLS_SERVER_H
#define TESTS_UNIT_TLS_SERVER_H

#include "tests/unit/hex.h"

#include "tls/inner.h"

/* The same "random" bytes each time: the same hello, so one recorded flight fits
 * any number of harvests. */
static inline bool steady_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(i * 7 + n);
    return true;
}

static inline struct env steady_env(void) {
    return (struct env){.random = steady_random};
}

static inline void put_message(struct buf *out, uint8_t type, struct bytes body) {
    buf_u8(out, type);
    buf_u24(out, (uint32_t)body.n);
    buf_put(out, body);
}

static inline void put_plain_record(struct buf *out, uint8_t type, struct bytes body) {
    buf_u8(out, type);
    buf_u16(out, TLS_1_2);
    buf_u16(out, (uint16_t)body.n);
    buf_put(out, body);
}

/* The same in records of at most `size` bytes. */
static inline void put_plain_records(struct buf *out, uint8_t type, struct bytes body,
                                     size_t size) {
    for (size_t at = 0; at < body.n; at += size)
        put_plain_record(out, type, bytes_part(body, at, size));
}

/* A ServerHello's body up to its extensions. */
static inline void put_hello_head(struct buf *out, uint16_t version, uint16_t suite,
                                  struct bytes session_id) {
    buf_u16(out, version);
    buf_fill(out, 0x5a, 32);
    buf_u8(out, (uint8_t)session_id.n);
    buf_put(out, session_id);
    buf_u16(out, suite);
    buf_u8(out, 0);
}

/* ---- TLS 1.2: messages in clear ---- */

static inline void put_server_hello_12(struct buf *out, uint16_t version, uint16_t suite) {
    struct buf body;
    buf_init(&body, 1000);
    put_hello_head(&body, version, suite, bytes_text(""));
    buf_put(&body, bytes_of("\0\x0d"       /* extensions */
                            "\xff\1\0\1\0" /* renegotiation_info */
                            "\0\x10\0\4\0\2\1x",
                            15)); /* ALPN "x" */
    put_message(out, TLS_SERVER_HELLO, buf_bytes(&body));
    buf_clear(&body);
}

/* The body of a Certificate message. */
static inline void put_chain(struct buf *out, bool is_13, const struct bytes *chain, size_t n) {
    if (is_13)
        buf_u8(out, 0);
    size_t list = buf_open_vec(out, 3);
    for (size_t i = 0; i < n; i++) {
        buf_u24(out, (uint32_t)chain[i].n);
        buf_put(out, chain[i]);
        if (!is_13)
            continue;
        size_t ext = buf_open_vec(out, 2);
        if (i == 0)
            buf_put(out,
                    bytes_of("\0\x12\0\6\0\4\0\2xy\0\5\0\7\1\0\0\3abc", 21)); /* SCT, OCSP "abc" */
        buf_close_vec(out, ext, 2);
    }
    buf_close_vec(out, list, 3);
}

/* ---- TLS 1.3 ---- */

struct server13 {
    uint16_t suite, group;
    enum hash hash;
    struct ecdh_key key;
    struct hash_run transcript;
    struct tls_secrets secrets;
    struct tls_traffic writer, reader;
    bool has_retried;
};

static inline enum group group_of_number(uint16_t group) {
    return group == TLS_GROUP_P256   ? GROUP_P256
           : group == TLS_GROUP_P384 ? GROUP_P384
           : group == TLS_GROUP_P521 ? GROUP_P521
                                     : GROUP_X25519;
}

static inline struct server13 server13_open(uint16_t suite, uint16_t group) {
    struct env env = steady_env();
    struct server13 s = {.suite = suite, .group = group};
    s.hash = suite == 0x1302 ? HASH_SHA384 : HASH_SHA256;
    hash_begin(&s.transcript, s.hash);
    assert_true(ecdh_make(&env, group_of_number(group), &s.key));
    return s;
}

/* The extensions of a hello or retry: versions, key share (entry or group alone), cookie. */
static inline void put_extensions_13(struct buf *out, const struct server13 *s, bool is_retry,
                                     struct bytes cookie) {
    size_t list = buf_open_vec(out, 2);
    buf_put(out, bytes_of("\0\x2b\0\2\3\4", 6));
    if (s->group != 0) {
        buf_u16(out, TLS_EXT_KEY_SHARE);
        size_t ext = buf_open_vec(out, 2);
        buf_u16(out, s->group);
        if (!is_retry) {
            buf_u16(out, (uint16_t)s->key.public_n);
            buf_put(out, bytes_of(s->key.public_key, s->key.public_n));
        }
        buf_close_vec(out, ext, 2);
    }
    if (cookie.n > 0) {
        buf_u16(out, TLS_EXT_COOKIE);
        buf_u16(out, (uint16_t)(2 + cookie.n));
        buf_u16(out, (uint16_t)cookie.n);
        buf_put(out, cookie);
    }
    buf_close_vec(out, list, 2);
}

/* Appends the HelloRetryRequest in a record and takes the first hello into the transcript. */
static inline void server13_retry(struct server13 *s, const struct tls_harvest *h,
                                  struct bytes cookie, struct buf *out) {
    struct tls_offer offer;
    struct buf body, message;
    uint8_t sum[HASH_SIZE_MAX];
    assert_true(tls_hello_read(buf_bytes(&h->hello), &offer));
    buf_init(&body, 70000);
    buf_init(&message, 70000);
    put_hello_head(&body, TLS_1_2, s->suite, offer.session_id);
    hash_of(HASH_SHA256, bytes_text("HelloRetryRequest"), body.p + 2);
    put_extensions_13(&body, s, true, cookie);
    put_message(&message, TLS_SERVER_HELLO, buf_bytes(&body));
    put_plain_records(out, TLS_HANDSHAKE, buf_bytes(&message), 1 << 14);

    hash_of(s->hash, buf_bytes(&h->hello), sum);
    uint8_t head[4] = {TLS_MESSAGE_HASH, 0, 0, (uint8_t)hash_size(s->hash)};
    hash_add(&s->transcript, bytes_of(head, 4));
    hash_add(&s->transcript, bytes_of(sum, hash_size(s->hash)));
    hash_add(&s->transcript, buf_bytes(&message));
    s->has_retried = true;
    buf_clear(&body);
    buf_clear(&message);
}

/* Appends the ServerHello for the harvest's last hello, in a record; then the keys are there. */
static inline void server13_hello(struct server13 *s, const struct tls_harvest *h,
                                  struct buf *out) {
    struct tls_offer offer;
    struct buf body, message;
    uint8_t shared[ECDH_SECRET_MAX], sum[HASH_SIZE_MAX], derived[HASH_SIZE_MAX];
    size_t shared_n;
    assert_true(tls_hello_read(buf_bytes(&h->hello), &offer));
    buf_init(&body, 1000);
    buf_init(&message, 1000);
    put_hello_head(&body, TLS_1_2, s->suite, offer.session_id);
    put_extensions_13(&body, s, false, bytes_text(""));
    put_message(&message, TLS_SERVER_HELLO, buf_bytes(&body));
    put_plain_record(out, TLS_HANDSHAKE, buf_bytes(&message));

    assert_true(ecdh_shared(&s->key, bytes_of(h->share->public_key, h->share->public_n), shared,
                            &shared_n));
    hash_add(&s->transcript, buf_bytes(&h->hello));
    hash_add(&s->transcript, buf_bytes(&message));
    hash_peek(&s->transcript, sum);
    tls_schedule_start(s->hash, derived);
    tls_schedule_handshake(s->hash, derived, bytes_of(shared, shared_n), sum, &s->secrets);
    enum aead aead = s->suite == 0x1301   ? AEAD_AES_128_GCM
                     : s->suite == 0x1302 ? AEAD_AES_256_GCM
                                          : AEAD_CHACHA20_POLY1305;
    tls_traffic_init(&s->writer, aead, s->hash, s->secrets.server);
    tls_traffic_init(&s->reader, aead, s->hash, s->secrets.client);
    buf_clear(&body);
    buf_clear(&message);
}

/* Appends what follows it: a ChangeCipherSpec, then the messages in encrypted
 * records of at most `size` bytes. */
static inline void server13_flight(struct server13 *s, struct bytes messages, size_t size,
                                   struct buf *out) {
    put_plain_record(out, TLS_CHANGE_CIPHER_SPEC, bytes_of("\1", 1));
    for (size_t at = 0; at < messages.n; at += size)
        tls_traffic_seal(&s->writer, TLS_HANDSHAKE, bytes_part(messages, at, size), out);
}

/* EncryptedExtensions with ALPN "h2", CertificateRequest with two CA names,
 * Certificate, and the first bytes of what follows it. */
static inline void put_messages_13(struct buf *out, const struct bytes *chain, size_t n) {
    struct buf body;
    buf_init(&body, SIZE_MAX / 2);
    put_message(out, TLS_ENCRYPTED_EXTENSIONS, bytes_of("\0\x0d\0\0\0\0\0\x10\0\5\0\3\2h2", 15));
    put_message(out, TLS_CERTIFICATE_REQUEST,
                bytes_of("\0\0\x16"
                         "\0\x0d\0\4\0\2\4\3"
                         "\0\x2f\0\x0a\0\x08\0\2\x30\0\0\2\x30\0",
                         25));
    put_chain(&body, true, chain, n);
    put_message(out, TLS_CERTIFICATE, buf_bytes(&body));
    put_message(out, 15, bytes_text("a CertificateVerify"));
    buf_clear(&body);
}

#endif
