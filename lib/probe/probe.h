/* The scan: targets in, observations out, thousands of handshakes in flight.
 *
 *     unfold -> look-up -> connect -> dialogue -> certificate handshake -> observation
 *
 * The dialogue is what the endpoint's protocol says before TLS (STARTTLS and its kin, see
 * model/protocol.h: all that have a name there); its time-out is the face's. A server that
 * declines is `not_offered`, one that speaks something else `not_tls`, both at stage
 * `dialogue` with its words. Where nobody named a protocol and a server shows another than
 * its port has (a greeting instead of TLS, TLS instead of a greeting), the face connects once
 * more for that, and the observation names it; the endpoint keeps the protocol of its port.
 * MS SQL and PostgreSQL that end it without a word are tried with TLS at once, and so are
 * others on the port of a protocol in which the client speaks first. A TLS server that waits
 * where a greeting is expected stays `timeout`: only the right protocol, given, finds it.
 *
 * Each address that a name leads to is a face of its endpoint, looked at for
 * itself. Names are sent as SNI, addresses are not. A server that breaks on our
 * hello (reset, alert or end right behind it) is asked again with a plainer one;
 * what counts is the first answer unless a later hello brings a chain. A connection
 * that is not answered within a third of the time is tried once more within the rest;
 * a peer that accepted it and stays silent is not. Retries are not counted. Everything runs in the
 * caller's thread, inside probe_run.
 *
 * Order: targets in random order, some of them interleaved, each with its ports
 * outermost, so that no host gets all of its connections in a row.
 *
 * Paths come before all else, one file after the other: a disk that is slow must not
 * keep answers waiting. A folder is as many endpoints as files with certificates lie in it,
 * found by content; files without any are none. What could not be looked at, a file, a folder,
 * another file system, is one (`local`, `limit`), so that it is not taken for empty; so is a path
 * that was named itself, whatever it holds. A key that everybody may read is one too.
 */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "model/model.h"
#include "x509/x509.h"

/* How hard to knock. UINT64_MAX lifts a limit. */
struct probe_limits {
    uint64_t parallel;    /* faces in flight */
    uint64_t per_host;    /* of them, to one address */
    uint64_t rate;        /* connections begun a second, retries and checks included */
    uint64_t timeout_ms;  /* for one face, connect to certificate, its retries included;
                             twice that where SMTP or LMTP is slow to greet */
    uint64_t deadline_ms; /* for the whole scan */
    size_t handshake_max; /* bytes of a server's handshake; beyond: outcome `limit` */
};

struct probe_limits probe_limits_default(void); /* 1000, 4, 500, 5000, none, 1 MiB */

/* How many faces an address of an endpoint has. Quick: one, as an ordinary client would see
 * it. Full: by its name and without; for RSA, ECDSA and ML-DSA keys; by the names that the
 * certificates found and the address's own name (PTR) teach; a named service up to four
 * times, for the nodes behind a load balancer; until no new certificate appears, or at 24
 * faces: then one more face with outcome `limit` says how many were left out. A look
 * that repeats another and shows the same is not counted. The first face also says whether
 * old versions and a hybrid group are taken (a connection each). */
enum probe_faces {
    PROBE_FACES_BY_TARGET, /* full where a name is configured, quick for addresses, ranges and MySQL
                            */
    PROBE_FACES_QUICK,
    PROBE_FACES_FULL,
};

/* What to look at; all borrowed for the scan. */
struct probe_plan {
    const struct model_target *targets;
    size_t targets_n;
    struct model_ports default_ports;
    const struct model_exclusions *exclusions; /* NULL: none */
    struct bytes sni;             /* for all, instead of each name; empty: as the targets say */
    struct ip connect;            /* connect there instead of looking up; size 0: no */
    enum model_protocol protocol; /* for all; MODEL_PROTOCOL_NONE: as the targets say */
    enum probe_faces faces;
    struct bytes scan; /* its id, in each observation */
    /* Paths, as they were told, where certificates were at the last pass, in byte order.
     * Those that a walk over their target does not meet again are told too: as
     * `no_certificate` where nothing is left, as `local` where that cannot be seen. */
    const struct bytes *known_paths;
    size_t known_paths_n;
    /* Endpoints of TLS that are left out, and out of the account: looked at before. */
    bool (*is_done)(void *context, const struct model_endpoint *e); /* NULL: none */
    void *done_context;
};

/* A certificate that was seen in this scan, kept once. */
struct probe_certificate {
    uint8_t sha256[32];
    bool readable; /* false: it does not parse, and nothing below is known */
    bool has_not_after;
    int64_t not_after_s;
    const char *name; /* display name, escaped, cut to 80 bytes */
};

/* Endpoint under way. */
struct probe_endpoint {
    struct model_endpoint endpoint;
    const struct model_target *target;
    void *user; /* the watcher's own, NULL at first */
};

/* Something that was done or answered, in words for people, without a full stop. */
struct probe_step {
    const struct probe_endpoint *endpoint;
    struct ip ip; /* size 0: not about one address */
    const char *text;
};

struct probe_progress {
    uint64_t elapsed_ms;
    uint64_t endpoints, endpoints_done;
    uint64_t faces, certificates; /* faces begun */
    uint64_t in_flight;
};

/* Who is told. Any member may be NULL. All views are borrowed for the call. */
struct probe_watch {
    void *context;
    /* A certificate that was not seen before in this scan, ahead of the first
     * observation that names it. cert is NULL where it does not parse; f says why. */
    void (*certificate)(void *context, const struct probe_certificate *known,
                        const struct x509_cert *cert, struct bytes der, const struct fault *f);
    /* One face. leaf is NULL where no chain came. */
    void (*observation)(void *context, const struct model_observation *o,
                        struct probe_endpoint *endpoint, const struct probe_certificate *leaf);
    /* All faces of an endpoint are through; state is that of the best. */
    void (*endpoint)(void *context, struct probe_endpoint *endpoint, enum model_outcome state);
    /* Each look-up, connection, hello and answer, as they happen. Makes a scan slower. */
    void (*step)(void *context, const struct probe_step *step);
    /* About ten times a second. */
    void (*tick)(void *context, const struct probe_progress *progress);
};

/* How many endpoints the plan has. ERR_LIMIT past 64 bits. */
enum err probe_count(const struct probe_plan *plan, uint64_t *endpoints,
                     struct fault *f) MUST_CHECK;

/* Scans until all is done, the deadline has passed or env's stop flag is set; in
 * the latter cases what was under way is `not_reached`, and so are the endpoints
 * that were not begun (these without observations). Fills the summary, whose
 * accounts sum (ERR_CONFLICT would be a fault of ours). *complete: every endpoint
 * was begun and ended in its own time. ERR_MEMORY, ERR_IO where it could not start. */
enum err probe_run(const struct env *env, const struct probe_plan *plan,
                   const struct probe_limits *limits, const struct probe_watch *watch,
                   struct model_summary *out, bool *complete, struct fault *f) MUST_CHECK;

#endif
