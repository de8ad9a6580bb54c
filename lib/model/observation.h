/* What one probe of one face saw at one time, and its one JSON form.
 *
 * NDJSON, one object a line, members in this order:
 *   type "observation", scan, target, kind, host|null, ip|null, port|null, path|null,
 * protocol|null, sni|null, asked, time, outcome, stage, alert|null, detail|null, duration_ms,
 * connect_ms|null, bytes, tls|null, file (model/file_facts.h; only where something is known of
 * one), chain [SHA-256 in hex, as sent, or as they stand in the file]
 * with tls: version, cipher_suite, group, alpn, each text|null; ocsp_stapled, scts,
 * client_certificate, client_ca_names [RFC 4514]; old_version|null, hybrid_group|null
 *
 * Members behind duration_ms but chain, and in tls those behind alpn, came later: readers take
 * their absence as nothing known.
 *
 * Of a file or a store: stage `resolve` where it could not be opened, `certificate` where it
 * was read in part, `done` where it was read whole. `no_certificate`: it is not there, or holds
 * none; `local`: the system did not let us look; `unsupported`: it is locked by a password;
 * `limit`: too large to be looked at.
 */
#ifndef MODEL_OBSERVATION_H
#define MODEL_OBSERVATION_H

#include "base/json.h"
#include "model/endpoint.h"
#include "model/file_facts.h"
#include "model/name.h"

enum model_outcome {
    MODEL_OK, /* a chain was read, whatever came after it */
    MODEL_REFUSED,
    MODEL_TIMEOUT,
    MODEL_UNREACHABLE,
    MODEL_RESET,
    MODEL_CLOSED,
    MODEL_DNS_ERROR,
    MODEL_NOT_TLS,
    MODEL_NOT_OFFERED, /* STARTTLS declined */
    MODEL_TLS_ALERT,
    MODEL_TLS_ERROR,
    MODEL_UNSUPPORTED, /* SSLv3 only, a group that we lack, a file with a password */
    MODEL_NO_CERTIFICATE,
    MODEL_BAD_CERTIFICATE, /* sent, and does not parse */
    MODEL_LIMIT,           /* a cap of ours */
    MODEL_EXCLUDED,        /* by the user */
    MODEL_NOT_REACHED,     /* deadline or interrupt came first */
    MODEL_LOCAL,           /* a fault of this host */
    MODEL_OUTCOME_COUNT
};

struct model_outcome_row {
    const char *name; /* in JSON */
    const char *text; /* for people, in tables: "timed out" */
    unsigned rank;  /* of an endpoint's faces the best is its state: 0 is best; no two are equal */
    bool is_looked; /* false: says nothing about the endpoint (not looked at, or a fault of ours) */
};

/* Never NULL. */
const struct model_outcome_row *model_outcome_row(enum model_outcome o);
const char *model_outcome_name(enum model_outcome o);
bool model_outcome_read(struct bytes name, enum model_outcome *out);
enum model_outcome model_outcome_best(enum model_outcome a, enum model_outcome b);

/* The furthest stage that was reached. */
enum model_stage {
    MODEL_STAGE_RESOLVE,
    MODEL_STAGE_CONNECT,
    MODEL_STAGE_DIALOGUE,
    MODEL_STAGE_HELLO,
    MODEL_STAGE_CERTIFICATE,
    MODEL_STAGE_DONE,
    MODEL_STAGE_COUNT
};

const char *model_stage_name(enum model_stage s);
bool model_stage_read(struct bytes name, enum model_stage *out);

enum {
    MODEL_CHAIN_MAX = 1024,  /* certificates of one observation (a bundle file has many) */
    MODEL_DETAIL_MAX = 1024, /* bytes; the writer cuts longer ones, as it does TLS texts */
    MODEL_PATH_MAX = 4096,
    MODEL_SCAN_ID_MAX = 64,
    MODEL_TLS_TEXT_MAX = 255,
    MODEL_CLIENT_CAS_MAX = 32, /* names kept of those that client certificates are asked from */
    MODEL_OBSERVATION_TOKENS = 1200, /* JSON values that one line may have */
};

struct model_sha256 {
    uint8_t bytes[32];
};

/* Texts are borrowed; an empty one is null in JSON. */
struct model_tls_facts {
    struct bytes version, cipher_suite, group, alpn;
    bool ocsp_stapled;
    bool client_certificate;        /* one was asked for */
    uint16_t scts;                  /* certificate timestamps by extension */
    const struct bytes *client_cas; /* MODEL_TLS_TEXT_MAX bytes each, cut to that */
    size_t client_cas_n;            /* at most MODEL_CLIENT_CAS_MAX */
    struct bytes old_version;  /* taken where at most TLS 1.1 was offered; "none"; empty: unknown */
    struct bytes hybrid_group; /* taken where nothing else was offered; "none"; empty: unknown */
};

struct model_observation {
    struct bytes scan;
    struct bytes target; /* key of the target, as configured */
    enum model_kind kind;
    struct bytes host; /* configured name; empty where an address was configured */
    struct ip ip;      /* connected to; size 0 where none was */
    uint16_t port;
    struct bytes path;
    enum model_protocol protocol;
    struct bytes sni;
    enum model_asked asked;
    int64_t time_s;
    enum model_outcome outcome;
    enum model_stage stage;
    bool has_alert;
    uint8_t alert;
    struct bytes detail;
    uint64_t duration_ms; /* to the certificate, or the end */
    bool has_connect_ms;
    uint64_t connect_ms; /* to the connection */
    uint64_t bytes;      /* that came, all connections together */
    bool has_tls;
    struct model_tls_facts tls;
    bool has_file;
    struct model_file_facts file;
    const struct model_sha256 *chain; /* borrowed when written, in the arena when read */
    size_t chain_n;
    size_t unknown_n; /* members that the reader did not know and left out */
};

/* One object, without a line end. */
void model_observation_json(struct json *j, const char *key, const struct model_observation *o);

/* ERR_FORMAT (fault: the member) for a missing or malformed one that is known, and for what
 * cannot be: tls without port or without host and ip, a file without path,
 * `ok` without a chain, `no_certificate` with one, host or sni not in their one form. */
enum err model_observation_read(struct arena *a, struct json_value v, struct model_observation *out,
                                struct fault *f) MUST_CHECK;

/* The face that it is about, borrowing from o and ip_text. */
struct model_face model_observation_face(const struct model_observation *o, struct bytes network,
                                         char ip_text[IP_TEXT_MAX]);

#endif
