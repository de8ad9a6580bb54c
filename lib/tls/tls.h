/* The certificate handshake: what a server shows before a client proves anything.
 *
 * A client side of TLS 1.0 to 1.3 (RFC 2246, 4346, 5246, 8446) that says hello,
 * reads until it has the certificates, and leaves politely. It never completes a
 * handshake, never sends anything secret and verifies nothing: what it finds is
 * to be looked at, not trusted. Bytes in, bytes out: no sockets, no clock.
 *
 *     struct tls_ask ask = tls_ask_default();
 *     ask.sni = host;
 *     tls_harvest_open(env, &keys, &ask, &h)
 *     send tls_harvest_output(h), tells it by tls_harvest_sent(h, n)
 *     for every read:  tls_harvest_feed(h, bytes), send what is to be sent
 *     until it returns TLS_WANT_LEAVE or TLS_FAILED; tls_harvest_result(h); close
 *
 * Memory: under 3 KB a harvest until the certificates arrive, then about three
 * times what they take, within `handshake_max`; once ended, one copy. Harvests are used by one
 * thread at a time; `struct tls_keys` is read only once made, and shared by all threads.
 */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "crypto/crypto.h"

enum tls_version {
    TLS_SSL_3 = 0x0300, /* recognised, never spoken */
    TLS_1_0 = 0x0301,
    TLS_1_1 = 0x0302,
    TLS_1_2 = 0x0303,
    TLS_1_3 = 0x0304,
};

/* Which kind of key the server's certificate should have. Servers with several
 * certificates choose by what the client says it can verify; a server that has no
 * such key answers with an alert, or shows another: look at the chain. */
enum tls_asked {
    TLS_ASKED_ANY,
    TLS_ASKED_RSA,
    TLS_ASKED_ECDSA,
    TLS_ASKED_ML_DSA, /* TLS 1.3 only */
};

/* How the hello looks. Some old servers hang, reset or send an alert when they see
 * much that they do not know: then the next shape is worth a try, with a new
 * connection. Each is smaller than the one before. */
enum tls_shape {
    TLS_SHAPE_FULL,  /* all versions in one hello, under 512 bytes for most names */
    TLS_SHAPE_PLAIN, /* at most TLS 1.2, few suites, under 256 bytes for most names */
    TLS_SHAPE_OLD,   /* TLS 1.0, no extensions at all (so no SNI), the suites of its time */
};

struct tls_ask {
    enum tls_shape shape;
    enum tls_asked asked;
    uint16_t version_min, version_max; /* cut to what the shape can say */
    struct bytes sni; /* host name in ASCII (A-labels); empty: none. Addresses are never sent */
    const struct bytes *alpn; /* protocol names, most wanted first */
    size_t alpn_n;
    bool ocsp; /* ask for a stapled OCSP response */
    /* 0, or a group that is asked about and not used: TLS 1.3 alone, this group alone, no
     * key share. A server that has it says so by a HelloRetryRequest (RFC 8446, 4.2.8): the
     * harvest then ends with TLS_OUTCOME_UNSUPPORTED and the group in the result. Hybrid
     * groups are seen so without any of their code. Full shape only. */
    uint16_t group;
    size_t handshake_max; /* all handshake messages of the server together; beyond:
                             TLS_OUTCOME_LIMIT */
};

enum { TLS_HANDSHAKE_MAX = 1024 * 1024, TLS_CHAIN_MAX = 100 };

enum { TLS_GROUP_HYBRID = 0x11ec }; /* X25519MLKEM768, the common one (RFC 10024) */

/* Full shape, any key, TLS 1.0 to 1.3, no name, no ALPN, OCSP asked, TLS_HANDSHAKE_MAX. */
struct tls_ask tls_ask_default(void);

/* The key pairs that all handshakes of one scan share, and the constant start of
 * the key schedule. TLS advises against reuse of ephemeral keys because it would
 * take forward secrecy from what the keys protect. Here they protect nothing: the
 * server's certificate, which it shows to anyone who asks, and two alerts that say
 * goodbye. What reuse saves is most of a scan's CPU time. */
struct tls_keys {
    struct ecdh_key x25519, p256, p384, p521;
    uint8_t derived_sha256[32], derived_sha384[48]; /* RFC 8446, 7.1, without PSK */
};

/* Takes some milliseconds. ERR_FAILED: the system gave no random bytes. */
enum err tls_keys_make(const struct env *env, struct tls_keys *keys) MUST_CHECK;
void tls_keys_clear(struct tls_keys *keys); /* wipes */

enum tls_want {
    TLS_WANT_MORE,  /* send the output, read on */
    TLS_WANT_LEAVE, /* a chain was read: send the output, shut down for writing */
    TLS_FAILED,     /* none was, the result says why; the output may hold a last alert */
};

/* As in observations (tls_outcome_name gives the spelling there). */
enum tls_outcome {
    TLS_OUTCOME_PENDING, /* not yet known; never of a harvest that has ended */
    TLS_OUTCOME_OK,      /* a chain was read, whatever came after it */
    TLS_OUTCOME_CLOSED,
    TLS_OUTCOME_NOT_TLS,
    TLS_OUTCOME_TLS_ALERT,
    TLS_OUTCOME_TLS_ERROR,
    TLS_OUTCOME_UNSUPPORTED,
    TLS_OUTCOME_NO_CERTIFICATE,
    TLS_OUTCOME_LIMIT,
    TLS_OUTCOME_LOCAL, /* no memory */
};

/* The furthest that was reached. */
enum tls_stage {
    TLS_STAGE_NONE,        /* no ServerHello: whatever stage the connection was in */
    TLS_STAGE_HELLO,       /* a ServerHello that can be followed */
    TLS_STAGE_CERTIFICATE, /* a Certificate message */
    TLS_STAGE_DONE,        /* all that is wanted: ServerHelloDone, in TLS 1.3 Certificate */
};

/* Views are borrowed from the harvest: valid until it is fed again or closed; once
 * it has ended, until closed. */
struct tls_result {
    enum tls_outcome outcome;
    enum tls_stage stage;
    uint16_t version;          /* enum tls_version, 0: not known yet */
    uint16_t cipher_suite;     /* 0: not known yet */
    uint16_t group;            /* key agreement; 0: none (RSA, DHE) or not known */
    uint16_t dh_bits;          /* size of the prime for DHE; 0: no DHE, or not known */
    int alert;                 /* the alert that ended it, -1: none */
    struct bytes alpn;         /* chosen protocol, empty: none */
    const struct bytes *chain; /* DER, as sent: leaf first; not parsed, never empty ones */
    size_t chain_n;            /* at most TLS_CHAIN_MAX ... */
    size_t chain_sent;         /* ... of so many */
    struct bytes ocsp;         /* stapled OCSPResponse (DER) for the leaf, empty: none */
    uint16_t scts;             /* signed certificate timestamps by extension, for the leaf */
    bool retried;              /* a HelloRetryRequest came before */
    bool client_certificate_asked;
    size_t client_ca_names;      /* issuers that were named for it */
    struct bytes client_ca_list; /* their Names (DER), each behind a length of two bytes */
    const char *detail;          /* for people: what is wrong or found; "" if nothing. Static */
};

struct tls_harvest; /* opaque */

/* Makes the hello. Borrows keys, copies all of ask. ERR_USAGE: a name, an ALPN
 * list or versions that no hello can hold; ERR_FAILED: no random bytes; ERR_MEMORY. */
enum err tls_harvest_open(const struct env *env, const struct tls_keys *keys,
                          const struct tls_ask *ask, struct tls_harvest **out) MUST_CHECK;
void tls_harvest_close(struct tls_harvest *h); /* NULL is allowed */

/* Any cut of the stream is fine, also an empty one. What comes after the end
 * (TLS_WANT_LEAVE, TLS_FAILED) is ignored and the same answer given again. */
enum tls_want tls_harvest_feed(struct tls_harvest *h, struct bytes in);
/* The peer closed. Never returns TLS_WANT_MORE. */
enum tls_want tls_harvest_eof(struct tls_harvest *h);
/* Enough: says goodbye with what there is. For the time limit, and for servers of
 * TLS 1.2 and below that dawdle once the stage is TLS_STAGE_CERTIFICATE. Without a
 * chain the outcome stays as it is (pending): the caller knows why it stopped. */
enum tls_want tls_harvest_leave(struct tls_harvest *h);

/* What is to be sent, in order; empty: nothing. Borrowed until the next call. */
struct bytes tls_harvest_output(const struct tls_harvest *h);
void tls_harvest_sent(struct tls_harvest *h, size_t n);

/* At any time; outcome TLS_OUTCOME_OK as soon as there is a chain. Belongs to h. */
const struct tls_result *tls_harvest_result(const struct tls_harvest *h);

/* Names. NULL for a number that is not in the table; every version, suite and
 * group that a result can hold is. */
const char *tls_version_name(uint16_t version);         /* "TLSv1.3" */
const char *tls_cipher_suite_name(uint16_t suite);      /* "TLS_AES_128_GCM_SHA256" (IANA) */
const char *tls_group_name(uint16_t group);             /* "x25519", "secp256r1" (IANA) */
const char *tls_alert_name(int alert);                  /* "handshake_failure" (RFC 8446, 6) */
const char *tls_outcome_name(enum tls_outcome outcome); /* "tls_alert"; never NULL */
const char *
tls_stage_name(enum tls_stage stage); /* "certificate"; never NULL, "connect" for none */

#endif
