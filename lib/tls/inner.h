/* Private to lib/tls and its tests: the parts that harvest.c puts together.
 *
 *   suites.c    cipher suites as rows         names.c    all other names
 *   hello.c     writes ClientHellos           message.c  reads the server's messages
 *   schedule.c  key schedule and record protection of TLS 1.3
 *   record.c    the stream as records       harvest.c  the state machine
 */
#ifndef TLS_INNER_H
#define TLS_INNER_H

#include "tls/tls.h"

/* RFC 8446, 4 and 5.1 */
enum tls_content { TLS_CHANGE_CIPHER_SPEC = 20, TLS_ALERT = 21, TLS_HANDSHAKE = 22, TLS_DATA = 23 };

enum {
    TLS_HEADER_SIZE = 5,
    TLS_PLAINTEXT_MAX = 1 << 14,
    TLS_CIPHERTEXT_MAX = TLS_PLAINTEXT_MAX + 256,
};

enum tls_message {
    TLS_HELLO_REQUEST = 0,
    TLS_CLIENT_HELLO = 1,
    TLS_SERVER_HELLO = 2,
    TLS_ENCRYPTED_EXTENSIONS = 8,
    TLS_CERTIFICATE = 11,
    TLS_SERVER_KEY_EXCHANGE = 12,
    TLS_CERTIFICATE_REQUEST = 13,
    TLS_SERVER_HELLO_DONE = 14,
    TLS_CERTIFICATE_STATUS = 22,
    TLS_MESSAGE_HASH = 254,
};

enum tls_extension {
    TLS_EXT_SERVER_NAME = 0,
    TLS_EXT_STATUS_REQUEST = 5,
    TLS_EXT_GROUPS = 10,
    TLS_EXT_POINT_FORMATS = 11,
    TLS_EXT_SIGNATURES = 13,
    TLS_EXT_ALPN = 16,
    TLS_EXT_TIMESTAMPS = 18,
    TLS_EXT_EXTENDED_MASTER_SECRET = 23,
    TLS_EXT_VERSIONS = 43,
    TLS_EXT_COOKIE = 44,
    TLS_EXT_PSK_MODES = 45,
    TLS_EXT_AUTHORITIES = 47,
    TLS_EXT_SIGNATURES_CERT = 50,
    TLS_EXT_KEY_SHARE = 51,
    TLS_EXT_RENEGOTIATION = 0xff01,
};

enum tls_alert_number {
    TLS_ALERT_CLOSE_NOTIFY = 0,
    TLS_ALERT_UNEXPECTED_MESSAGE = 10,
    TLS_ALERT_BAD_RECORD_MAC = 20,
    TLS_ALERT_RECORD_OVERFLOW = 22,
    TLS_ALERT_ILLEGAL_PARAMETER = 47,
    TLS_ALERT_DECODE_ERROR = 50,
    TLS_ALERT_PROTOCOL_VERSION = 70,
    TLS_ALERT_INTERNAL_ERROR = 80,
    TLS_ALERT_USER_CANCELED = 90,
    TLS_ALERT_NONE = -1,
};

enum tls_group_number {
    TLS_GROUP_P256 = 23,
    TLS_GROUP_P384 = 24,
    TLS_GROUP_P521 = 25,
    TLS_GROUP_X25519 = 29,
};

/* ---- suites.c ---- */

/* How the keys are agreed: what ServerKeyExchange holds. */
enum tls_exchange { TLS_EXCHANGE_13, TLS_EXCHANGE_ECDHE, TLS_EXCHANGE_DHE, TLS_EXCHANGE_RSA };
enum tls_signer { TLS_SIGNER_ANY, TLS_SIGNER_RSA, TLS_SIGNER_ECDSA, TLS_SIGNER_DSS };

struct tls_suite {
    uint16_t code;
    uint16_t since; /* first version that has it */
    enum tls_exchange exchange;
    enum tls_signer signer; /* kind of the certificate's key */
    unsigned shapes;        /* hellos that offer it: bits 1 << enum tls_shape */
    const char *name;
};

/* Best first, as they are offered. */
extern const struct tls_suite tls_suites[];
extern const size_t tls_suites_n;
const struct tls_suite *tls_suite_find(uint16_t code); /* NULL: not in the table */

/* ---- hello.c ---- */

/* The versions that a hello of this shape says. ERR_USAGE where there are none. */
enum err tls_hello_versions(const struct tls_ask *ask, uint16_t *min, uint16_t *max) MUST_CHECK;

/* Appends a ClientHello message (without record header). `random` is 32 bytes for
 * the random and 32 for the session id. */
enum err tls_hello_write(const struct tls_ask *ask, const struct ecdh_key *share,
                         const uint8_t random[64], struct buf *out) MUST_CHECK;

/* The second hello after a HelloRetryRequest: the first one with another key share
 * (NULL: the same) and the cookie (empty: none), all else as it was (RFC 8446, 4.1.2). */
enum err tls_hello_retry(struct buf *hello, uint16_t group, const struct ecdh_key *share,
                         struct bytes cookie) MUST_CHECK;

/* What a hello of ours offered, to check the answer against. */
struct tls_offer {
    struct bytes session_id, suites, groups; /* suites and groups: two bytes each */
    uint16_t share;                          /* group of the key share, 0: none */
};
bool tls_hello_read(struct bytes message, struct tls_offer *out);
bool tls_offer_has(struct bytes numbers, uint16_t number);

/* ---- message.c: bodies of messages, without the 4 bytes before them ---- */

/* Views are into the body. */
struct tls_server_hello {
    uint16_t legacy_version, cipher_suite;
    uint16_t version; /* of supported_versions, 0: not there */
    uint16_t group;   /* of key_share, 0: not there */
    uint16_t scts;    /* timestamps of the leaf, TLS 1.2 and below */
    uint8_t compression;
    bool is_retry;
    struct bytes session_id, share, cookie, alpn;
};
bool tls_read_server_hello(struct bytes body, struct tls_server_hello *out);
bool tls_read_encrypted_extensions(struct bytes body, struct bytes *alpn);

/* What comes beside the leaf; untouched where it does not. */
struct tls_beside {
    struct bytes ocsp;
    uint16_t scts;
};
/* Writes up to TLS_CHAIN_MAX views to a new array (NULL for an empty chain), which
 * the caller frees. */
struct tls_chain {
    struct bytes *items;
    size_t n, sent;
};
enum err tls_read_certificate(struct bytes body, bool is_13, struct tls_chain *out,
                              struct tls_beside *beside) MUST_CHECK;
bool tls_read_status(struct bytes body, struct bytes *ocsp);

/* The group for ECDHE (0: a curve without number), the bits of the prime for DHE. */
bool tls_read_key_exchange(struct bytes body, enum tls_exchange exchange, uint16_t *group,
                           uint16_t *dh_bits);
/* *list is what tls_result calls client_ca_list, a view of the body. */
bool tls_read_request(struct bytes body, uint16_t version, size_t *ca_names, struct bytes *list);

/* ---- schedule.c ---- */

struct tls_traffic {
    enum aead aead;
    uint8_t key[32], iv[AEAD_NONCE_SIZE];
    uint64_t sequence;
};

struct tls_secrets {
    uint8_t client[48], server[48]; /* handshake traffic secrets, hash_size bytes */
};

/* RFC 8446, 7.1: HKDF-Expand-Label; label without "tls13 ". */
void tls_expand_label(enum hash h, const uint8_t *secret, const char *label, struct bytes context,
                      uint8_t *out, size_t n);
/* "derived" of the early secret without PSK: what Extract for the handshake secret starts with. */
void tls_schedule_start(enum hash h, uint8_t *derived);
void tls_schedule_handshake(enum hash h, const uint8_t *derived, struct bytes shared,
                            const uint8_t *transcript, struct tls_secrets *out);
void tls_traffic_init(struct tls_traffic *t, enum aead aead, enum hash h, const uint8_t *secret);

/* Decrypts a record's body in place: header is its 5 bytes. *n becomes the length of
 * the content without padding, *type its content type. False: it does not verify, or
 * is nothing but padding. */
bool tls_traffic_open(struct tls_traffic *t, struct bytes header, uint8_t *body, size_t *n,
                      uint8_t *type);
/* Appends a whole record. */
void tls_traffic_seal(struct tls_traffic *t, uint8_t type, struct bytes content, struct buf *out);

/* ---- harvest.c ---- */

enum tls_state {
    TLS_STATE_HELLO,
    TLS_STATE_CLEAR,
    TLS_STATE_ENCRYPTED,
    TLS_STATE_LEFT,
    TLS_STATE_FAILED
};

struct tls_harvest {
    enum tls_state state;
    const struct tls_keys *keys;
    const struct ecdh_key *share; /* the pair behind the key share of the last hello */
    const struct tls_suite *suite;
    uint16_t version_min, version_max;
    struct tls_result result;

    struct buf hello;  /* last ClientHello, until the ServerHello is there */
    struct buf output; /* to be sent from offset `sent` on */
    size_t sent;
    struct buf record;      /* header and body of the record being read */
    struct buf messages;    /* handshake bytes that are no whole message yet */
    struct buf certificate; /* the Certificate message that the chain's views point into */
    struct tls_chain chain;
    struct buf alpn, ocsp, ca_list;
    size_t handshake_max, handshake_n; /* bytes allowed, seen */
    unsigned messages_n;
    unsigned idle;   /* records and messages so far that brought nothing */
    bool has_answer; /* the first record's header is that of TLS */
    bool ccs_sent;

    struct hash_run transcript; /* after a HelloRetryRequest: what stands before the second hello */
    struct tls_secrets secrets;
    struct tls_traffic reader, writer;
};

/* For record.c. Nothing may be done to a harvest that has ended. */
bool tls_harvest_has_ended(const struct tls_harvest *h);
enum tls_want tls_harvest_want(const struct tls_harvest *h);
/* Ends it: with that outcome and a fatal alert (TLS_ALERT_NONE: without), or well
 * where there is a chain already. `detail` is static text. */
void tls_harvest_fail(struct tls_harvest *h, enum tls_outcome outcome, enum tls_alert_number alert,
                      const char *detail);
/* Counts what brings nothing; false, and ended, when it is too much. */
bool tls_harvest_may_idle(struct tls_harvest *h);
/* Takes the content of a handshake record. */
void tls_harvest_read(struct tls_harvest *h, struct bytes content);

#endif
