/* The harvest: a state machine fed with the server's bytes. See tls.h.
 *
 *   HELLO      a ClientHello is out. HelloRetryRequest: a second hello goes out, once.
 *              ServerHello of TLS 1.2 or below -> CLEAR, of TLS 1.3 -> ENCRYPTED.
 *   CLEAR      reads Certificate, CertificateStatus, ServerKeyExchange and
 *              CertificateRequest as they come. ServerHelloDone -> LEFT.
 *   ENCRYPTED  opens records with the handshake keys; EncryptedExtensions,
 *              CertificateRequest, Certificate -> LEFT. What the server proves after
 *              it (CertificateVerify, Finished) is not looked at.
 *   LEFT       there is a chain; the goodbye is in the output.
 *   FAILED     there is none.
 *
 * Whatever goes wrong once there is a chain leads to LEFT: the chain is what was
 * wanted, and the fault is told in `detail`. Reading is strict about framing, as a
 * client that would go on has to be; no signature, no Finished, no certificate is
 * verified. Renegotiation, resumption and compressed certificates are never offered.
 */
#include "tls/inner.h"

#include <stdlib.h>
#include <string.h>

enum {
    LENGTH_MAX = (1 << 24) - 1, /* what the length of a message can say */
    HELLO_MAX = TLS_PLAINTEXT_MAX,
    OUTPUT_MAX = 3 * TLS_PLAINTEXT_MAX,
    HELLO_USUAL = 500, /* room for most hellos at once: growing in steps costs more */
    /* Empty records, ChangeCipherSpecs, warnings, HelloRequests: some are in order,
     * a stream of them is a way to keep a client busy. */
    IDLE_MAX = 32,
    MESSAGES_MAX = 48, /* a flight in order has at most six, HelloRequests apart */
};

/* A handshake message: views of what holds it. */
struct message {
    uint8_t type;
    bool is_last; /* nothing stands behind it so far */
    struct bytes body, whole;
};

/* ---- output ---- */

static void put_record(struct tls_harvest *h, uint8_t type, uint16_t version, struct bytes body) {
    buf_u8(&h->output, type);
    buf_u16(&h->output, version);
    buf_u16(&h->output, (uint16_t)body.n);
    buf_put(&h->output, body);
}

static void put_alert(struct tls_harvest *h, bool is_fatal, enum tls_alert_number alert) {
    uint8_t body[2] = {is_fatal ? 2 : 1, (uint8_t)alert};
    uint16_t version = h->result.version == 0 ? h->version_min : h->result.version;
    if (h->state == TLS_STATE_ENCRYPTED)
        tls_traffic_seal(&h->writer, TLS_ALERT, bytes_of(body, 2), &h->output);
    else
        put_record(h, TLS_ALERT, version > TLS_1_2 ? TLS_1_2 : version, bytes_of(body, 2));
}

/* The record before the second flight that boxes on the way expect (RFC 8446, D.4). */
static void put_change_cipher_spec(struct tls_harvest *h) {
    static const uint8_t one = 1;
    if (!h->ccs_sent)
        put_record(h, TLS_CHANGE_CIPHER_SPEC, TLS_1_2, bytes_of(&one, 1));
    h->ccs_sent = true;
}

/* user_canceled says that nothing was wrong; close_notify ends (RFC 8446, 6.1). */
static void put_goodbye(struct tls_harvest *h) {
    if (h->state == TLS_STATE_ENCRYPTED)
        put_change_cipher_spec(h);
    put_alert(h, false, TLS_ALERT_USER_CANCELED);
    put_alert(h, false, TLS_ALERT_CLOSE_NOTIFY);
}

/* ---- ends ---- */

bool tls_harvest_has_ended(const struct tls_harvest *h) {
    return h->state == TLS_STATE_LEFT || h->state == TLS_STATE_FAILED;
}

enum tls_want tls_harvest_want(const struct tls_harvest *h) {
    if (!tls_harvest_has_ended(h))
        return TLS_WANT_MORE;
    return h->state == TLS_STATE_LEFT ? TLS_WANT_LEAVE : TLS_FAILED;
}

/* What is no longer needed goes at once: thousands may linger in their shutdown. */
static void end(struct tls_harvest *h, enum tls_state state) {
    h->state = state;
    buf_clear(&h->hello);
    buf_clear(&h->record);
    buf_clear(&h->messages);
}

static void leave(struct tls_harvest *h) {
    put_goodbye(h);
    end(h, TLS_STATE_LEFT);
}

void tls_harvest_fail(struct tls_harvest *h, enum tls_outcome outcome, enum tls_alert_number alert,
                      const char *detail) {
    if (tls_harvest_has_ended(h))
        return;
    h->result.detail = detail;
    if (h->result.chain_n > 0) {
        leave(h);
        return;
    }
    h->result.outcome = outcome;
    if (alert != TLS_ALERT_NONE) {
        if (h->state == TLS_STATE_ENCRYPTED)
            put_change_cipher_spec(h);
        put_alert(h, true, alert);
    }
    end(h, TLS_STATE_FAILED);
}

static void fail_error(struct tls_harvest *h, enum tls_alert_number alert, const char *detail) {
    tls_harvest_fail(h, TLS_OUTCOME_TLS_ERROR, alert, detail);
}

static void fail_memory(struct tls_harvest *h) {
    tls_harvest_fail(h, TLS_OUTCOME_LOCAL, TLS_ALERT_INTERNAL_ERROR, "no memory");
}

/* Counts what brings nothing; false when it is too much. */
bool tls_harvest_may_idle(struct tls_harvest *h) {
    if (h->idle++ < IDLE_MAX)
        return true;
    tls_harvest_fail(h, TLS_OUTCOME_LIMIT, TLS_ALERT_UNEXPECTED_MESSAGE,
                     "too many empty or meaningless records");
    return false;
}

/* ---- ServerHello ---- */

static const struct ecdh_key *key_of(const struct tls_keys *keys, uint16_t group) {
    switch (group) {
    case TLS_GROUP_X25519:
        return &keys->x25519;
    case TLS_GROUP_P256:
        return &keys->p256;
    case TLS_GROUP_P384:
        return &keys->p384;
    case TLS_GROUP_P521:
        return &keys->p521;
    default:
        return NULL;
    }
}

static enum hash hash_of_suite(uint16_t suite) {
    return suite == 0x1302 ? HASH_SHA384 : HASH_SHA256;
}

static enum aead aead_of_suite(uint16_t suite) {
    switch (suite) {
    case 0x1302:
        return AEAD_AES_256_GCM;
    case 0x1303:
        return AEAD_CHACHA20_POLY1305;
    default:
        return AEAD_AES_128_GCM;
    }
}

/* Version and suite are set where they are among those offered. */
static bool accept_choice(struct tls_harvest *h, const struct tls_server_hello *sh,
                          const struct tls_offer *offer) {
    uint16_t version = sh->version != 0 ? sh->version : sh->legacy_version;
    if (sh->version == 0 && version <= TLS_SSL_3) {
        h->result.version = version;
        tls_harvest_fail(h, TLS_OUTCOME_UNSUPPORTED, TLS_ALERT_PROTOCOL_VERSION,
                         "only SSLv3 or older");
        return false;
    }
    bool is_13 = version == TLS_1_3;
    if (version < h->version_min || version > h->version_max || is_13 != (sh->version == TLS_1_3) ||
        (sh->version != 0 && !is_13)) {
        fail_error(h, TLS_ALERT_PROTOCOL_VERSION, "a version that was not offered");
        return false;
    }
    const struct tls_suite *suite = tls_suite_find(sh->cipher_suite);
    if (suite == NULL || !tls_offer_has(offer->suites, suite->code) ||
        is_13 != (suite->exchange == TLS_EXCHANGE_13) || sh->compression != 0) {
        fail_error(h, TLS_ALERT_ILLEGAL_PARAMETER, "a cipher suite that was not offered");
        return false;
    }
    if (is_13 && !bytes_equal(sh->session_id, offer->session_id)) {
        fail_error(h, TLS_ALERT_ILLEGAL_PARAMETER, "another session id than was sent");
        return false;
    }
    if (h->result.retried && (!is_13 || suite != h->suite)) {
        fail_error(h, TLS_ALERT_ILLEGAL_PARAMETER, "not what the HelloRetryRequest said");
        return false;
    }
    h->suite = suite;
    h->result.version = version;
    h->result.cipher_suite = suite->code;
    return true;
}

/* The transcript begins anew: the first hello is replaced by its hash (RFC 8446, 4.4.1). */
static void restart_transcript(struct tls_harvest *h, struct bytes retry) {
    enum hash hash = hash_of_suite(h->suite->code);
    uint8_t head[4 + HASH_SIZE_MAX] = {TLS_MESSAGE_HASH, 0, 0, (uint8_t)hash_size(hash)};
    hash_of(hash, buf_bytes(&h->hello), head + 4);
    hash_begin(&h->transcript, hash);
    hash_add(&h->transcript, bytes_of(head, 4 + hash_size(hash)));
    hash_add(&h->transcript, retry);
}

static void on_retry(struct tls_harvest *h, const struct tls_server_hello *sh,
                     const struct tls_offer *offer, struct bytes message) {
    const struct ecdh_key *share = sh->group == 0 ? NULL : key_of(h->keys, sh->group);
    if (h->result.retried) {
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "a second HelloRetryRequest");
        return;
    }
    h->result.group = sh->group;
    if (sh->group == 0 ? sh->cookie.n == 0
                       : sh->group == offer->share || !tls_offer_has(offer->groups, sh->group)) {
        fail_error(h, TLS_ALERT_ILLEGAL_PARAMETER, "a HelloRetryRequest for nothing offered");
        return;
    }
    if (sh->group != 0 && share == NULL) { /* nothing is wrong with the server */
        put_goodbye(h);
        tls_harvest_fail(h, TLS_OUTCOME_UNSUPPORTED, TLS_ALERT_NONE,
                         "a group that this program lacks");
        return;
    }
    restart_transcript(h, message);
    enum err err = tls_hello_retry(&h->hello, sh->group, share, sh->cookie);
    if (err == ERR_LIMIT)
        tls_harvest_fail(h, TLS_OUTCOME_LIMIT, TLS_ALERT_INTERNAL_ERROR,
                         "a cookie of excessive size");
    else if (err != ERR_OK)
        fail_memory(h);
    if (err != ERR_OK)
        return;
    h->share = share == NULL ? h->share : share;
    h->result.retried = true;
    put_change_cipher_spec(h);
    put_record(h, TLS_HANDSHAKE, TLS_1_2, buf_bytes(&h->hello));
}

static void start_keys(struct tls_harvest *h, const struct tls_server_hello *sh,
                       struct bytes message) {
    enum hash hash = hash_of_suite(h->suite->code);
    enum aead aead = aead_of_suite(h->suite->code);
    uint8_t shared[ECDH_SECRET_MAX], transcript[HASH_SIZE_MAX];
    size_t shared_n = 0;

    if (!ecdh_shared(h->share, sh->share, shared, &shared_n)) {
        fail_error(h, TLS_ALERT_ILLEGAL_PARAMETER, "a key share that is no point of its group");
        return;
    }
    if (!h->result.retried)
        hash_begin(&h->transcript, hash);
    hash_add(&h->transcript, buf_bytes(&h->hello));
    hash_add(&h->transcript, message);
    hash_peek(&h->transcript, transcript);
    tls_schedule_handshake(hash,
                           hash == HASH_SHA384 ? h->keys->derived_sha384 : h->keys->derived_sha256,
                           bytes_of(shared, shared_n), transcript, &h->secrets);
    tls_traffic_init(&h->reader, aead, hash, h->secrets.server);
    tls_traffic_init(&h->writer, aead, hash, h->secrets.client);
    h->state = TLS_STATE_ENCRYPTED;
}

static void on_server_hello(struct tls_harvest *h, const struct message *m) {
    struct tls_server_hello sh;
    struct tls_offer offer;
    if (!tls_read_server_hello(m->body, &sh) || !tls_hello_read(buf_bytes(&h->hello), &offer)) {
        fail_error(h, TLS_ALERT_DECODE_ERROR, "malformed ServerHello");
        return;
    }
    if (!accept_choice(h, &sh, &offer))
        return;
    bool is_13 = h->result.version == TLS_1_3;
    if (is_13 && !m->is_last) {
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "data in clear behind the ServerHello");
        return;
    }
    if (is_13 && sh.is_retry) {
        on_retry(h, &sh, &offer, m->whole);
        return;
    }
    h->result.stage = TLS_STAGE_HELLO;
    if (!is_13) {
        buf_put(&h->alpn, sh.alpn);
        h->result.scts = sh.scts;
        h->result.alpn = buf_bytes(&h->alpn);
        h->state = TLS_STATE_CLEAR;
        return;
    }
    h->result.group = sh.group;
    if (sh.group == 0 || sh.group != offer.share)
        fail_error(h, TLS_ALERT_ILLEGAL_PARAMETER, "no key share, or one of another group");
    else
        start_keys(h, &sh, m->whole);
}

/* ---- what comes after it ---- */

static void on_certificate(struct tls_harvest *h, struct bytes body) {
    struct tls_beside beside = {.scts = h->result.scts};
    bool is_13 = h->state == TLS_STATE_ENCRYPTED;

    if (h->result.chain_n > 0) {
        fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "a second Certificate message");
        return;
    }
    buf_put(&h->certificate, body); /* the views point into what we keep */
    enum err err = h->certificate.err;
    if (err == ERR_OK)
        err = tls_read_certificate(buf_bytes(&h->certificate), is_13, &h->chain, &beside);
    if (err == ERR_FORMAT)
        fail_error(h, TLS_ALERT_DECODE_ERROR, "malformed Certificate message");
    else if (err != ERR_OK)
        fail_memory(h);
    else if (h->chain.n == 0)
        tls_harvest_fail(h, TLS_OUTCOME_NO_CERTIFICATE, TLS_ALERT_DECODE_ERROR,
                         "an empty certificate list");
    if (tls_harvest_has_ended(h))
        return;

    h->result.chain = h->chain.items;
    h->result.chain_n = h->chain.n;
    h->result.chain_sent = h->chain.sent;
    h->result.ocsp = beside.ocsp;
    h->result.scts = beside.scts;
    h->result.outcome = TLS_OUTCOME_OK;
    h->result.stage = is_13 ? TLS_STAGE_DONE : TLS_STAGE_CERTIFICATE;
    if (is_13)
        leave(h);
}

static void on_status(struct tls_harvest *h, struct bytes body) {
    struct bytes ocsp = {NULL, 0};
    if (!tls_read_status(body, &ocsp)) {
        fail_error(h, TLS_ALERT_DECODE_ERROR, "malformed CertificateStatus");
        return;
    }
    buf_reset(&h->ocsp);
    buf_put(&h->ocsp, ocsp);
    h->result.ocsp = buf_bytes(&h->ocsp);
}

static void on_key_exchange(struct tls_harvest *h, struct bytes body) {
    uint16_t group;
    if (!tls_read_key_exchange(body, h->suite->exchange, &group, &h->result.dh_bits))
        fail_error(h, TLS_ALERT_DECODE_ERROR, "malformed ServerKeyExchange");
    else if (tls_group_name(group) != NULL)
        h->result.group = group;
}

static void on_request(struct tls_harvest *h, struct bytes body) {
    struct bytes names;
    h->result.client_certificate_asked = true;
    if (!tls_read_request(body, h->result.version, &h->result.client_ca_names, &names)) {
        fail_error(h, TLS_ALERT_DECODE_ERROR, "malformed CertificateRequest");
        return;
    }
    buf_reset(&h->ca_list);
    buf_put(&h->ca_list, names);
    h->result.client_ca_list = buf_bytes(&h->ca_list);
}

static void on_extensions(struct tls_harvest *h, struct bytes body) {
    struct bytes alpn = {NULL, 0};
    if (!tls_read_encrypted_extensions(body, &alpn)) {
        fail_error(h, TLS_ALERT_DECODE_ERROR, "malformed EncryptedExtensions");
        return;
    }
    buf_reset(&h->alpn);
    buf_put(&h->alpn, alpn);
    h->result.alpn = buf_bytes(&h->alpn);
}

static void on_hello_done(struct tls_harvest *h) {
    if (h->result.chain_n == 0) {
        tls_harvest_fail(h, TLS_OUTCOME_NO_CERTIFICATE, TLS_ALERT_UNEXPECTED_MESSAGE,
                         "ServerHelloDone without a certificate");
        return;
    }
    h->result.stage = TLS_STAGE_DONE;
    leave(h);
}

/* ---- messages ---- */

/* Whether a message may stand here. Asked before its body is there, so that
 * nothing is collected for a message that will be refused. */
static bool is_expected(const struct tls_harvest *h, uint8_t type) {
    switch (h->state) {
    case TLS_STATE_HELLO:
        return type == TLS_SERVER_HELLO || type == TLS_HELLO_REQUEST;
    case TLS_STATE_CLEAR:
        return type == TLS_CERTIFICATE || type == TLS_CERTIFICATE_STATUS ||
               type == TLS_SERVER_KEY_EXCHANGE || type == TLS_CERTIFICATE_REQUEST ||
               type == TLS_SERVER_HELLO_DONE || type == TLS_HELLO_REQUEST;
    case TLS_STATE_ENCRYPTED:
        return type == TLS_ENCRYPTED_EXTENSIONS || type == TLS_CERTIFICATE_REQUEST ||
               type == TLS_CERTIFICATE;
    default:
        return false;
    }
}

static void on_message(struct tls_harvest *h, const struct message *m) {
    switch (m->type) {
    case TLS_HELLO_REQUEST:
        (void)tls_harvest_may_idle(h);
        break;
    case TLS_SERVER_HELLO:
        on_server_hello(h, m);
        break;
    case TLS_ENCRYPTED_EXTENSIONS:
        on_extensions(h, m->body);
        break;
    case TLS_CERTIFICATE:
        on_certificate(h, m->body);
        break;
    case TLS_CERTIFICATE_STATUS:
        on_status(h, m->body);
        break;
    case TLS_SERVER_KEY_EXCHANGE:
        on_key_exchange(h, m->body);
        break;
    case TLS_CERTIFICATE_REQUEST:
        on_request(h, m->body);
        break;
    default:
        on_hello_done(h);
    }
}

/* Reads the messages that are whole and returns what is left. The limit is checked
 * on what a message announces. */
static struct bytes read_messages(struct tls_harvest *h, struct bytes in) {
    while (!tls_harvest_has_ended(h)) {
        struct cur c = cur_open(in);
        struct message m = {.type = cur_u8(&c)};
        uint32_t n = cur_u24(&c);
        if (c.bad)
            return in;
        if (!is_expected(h, m.type)) {
            fail_error(h, TLS_ALERT_UNEXPECTED_MESSAGE, "an unexpected handshake message");
            return in;
        }
        if (n > h->handshake_max - h->handshake_n || h->messages_n == MESSAGES_MAX) {
            tls_harvest_fail(h, TLS_OUTCOME_LIMIT, TLS_ALERT_INTERNAL_ERROR,
                             "more handshake data than allowed");
            return in;
        }
        m.body = cur_take(&c, n);
        if (c.bad)
            return in;
        m.whole = bytes_part(in, 0, in.n - c.rest.n);
        m.is_last = c.rest.n == 0;
        h->handshake_n += n;
        h->messages_n++;
        on_message(h, &m);
        in = c.rest;
    }
    return in;
}

/* Most messages lie whole in one record and are read there; only what a record
 * cuts is copied to wait for the rest. */
void tls_harvest_read(struct tls_harvest *h, struct bytes body) {
    if (h->messages.n == 0) {
        struct bytes left = read_messages(h, body);
        if (!tls_harvest_has_ended(h))
            buf_put(&h->messages, left);
    } else {
        buf_put(&h->messages, body);
        struct bytes left = read_messages(h, buf_bytes(&h->messages));
        if (!tls_harvest_has_ended(h))
            buf_drop_front(&h->messages, h->messages.n - left.n);
    }
    if (h->messages.err != ERR_OK)
        fail_memory(h);
}

/* ---- life ---- */

enum tls_want tls_harvest_leave(struct tls_harvest *h) {
    if (tls_harvest_has_ended(h))
        return tls_harvest_want(h);
    if (h->result.chain_n > 0) {
        leave(h);
    } else {
        put_goodbye(h);
        end(h, TLS_STATE_FAILED);
    }
    return tls_harvest_want(h);
}

enum err tls_harvest_open(const struct env *env, const struct tls_keys *keys,
                          const struct tls_ask *ask, struct tls_harvest **out) {
    uint8_t random[64];
    *out = NULL;
    struct tls_harvest *h = calloc(1, sizeof *h);
    if (h == NULL)
        return ERR_MEMORY;
    h->keys = keys;
    h->share = &keys->x25519;
    h->result.alert = TLS_ALERT_NONE;
    h->result.detail = "";
    h->handshake_max = ask->handshake_max < LENGTH_MAX ? ask->handshake_max : LENGTH_MAX;
    buf_init(&h->hello, HELLO_MAX);
    buf_init(&h->output, OUTPUT_MAX);
    buf_init(&h->record, TLS_HEADER_SIZE + TLS_CIPHERTEXT_MAX);
    /* A message, and what else is in the record that ends it. */
    buf_init(&h->messages, h->handshake_max + 2 * TLS_PLAINTEXT_MAX);
    buf_init(&h->certificate, h->handshake_max);
    buf_init(&h->alpn, UINT8_MAX);
    buf_init(&h->ocsp, h->handshake_max);
    buf_init(&h->ca_list, h->handshake_max);

    (void)buf_reserve(&h->hello, HELLO_USUAL);
    (void)buf_reserve(&h->output, HELLO_USUAL);

    enum err err = tls_hello_versions(ask, &h->version_min, &h->version_max);
    if (err == ERR_OK && !env->random(env->context, random, sizeof random))
        err = ERR_FAILED;
    if (err == ERR_OK)
        err = tls_hello_write(ask, h->share, random, &h->hello);
    if (err == ERR_OK) {
        put_record(h, TLS_HANDSHAKE, TLS_1_0, buf_bytes(&h->hello));
        err = h->output.err;
    }
    if (err != ERR_OK) {
        tls_harvest_close(h);
        return err;
    }
    *out = h;
    return ERR_OK;
}

void tls_harvest_close(struct tls_harvest *h) {
    if (h == NULL)
        return;
    buf_clear(&h->hello);
    buf_clear(&h->output);
    buf_clear(&h->record);
    buf_clear(&h->messages);
    buf_clear(&h->certificate);
    buf_clear(&h->alpn);
    buf_clear(&h->ocsp);
    buf_clear(&h->ca_list);
    free(h->chain.items);
    free(h);
}

struct bytes tls_harvest_output(const struct tls_harvest *h) {
    return bytes_part(buf_bytes(&h->output), h->sent, SIZE_MAX);
}

void tls_harvest_sent(struct tls_harvest *h, size_t n) {
    h->sent += n;
    if (h->sent >= h->output.n) {
        h->sent = 0;
        buf_clear(&h->output);
    }
}

const struct tls_result *tls_harvest_result(const struct tls_harvest *h) {
    return &h->result;
}
