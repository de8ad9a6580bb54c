/* What the entries of the log mean: certificates, endpoints, faces, sightings,
 * agents; their state now, rebuilt from the log at the start. See "Words" in the
 * README. The bytes of each entry are described in record.h.
 *
 * The state is 390 bytes a certificate (names, dates, key, serial) and 500 more with an
 * endpoint, a face with its last observation and a sighting of it. It is mapped from a
 * file beside the log (DIR/index; see index.h and care.c), so that a start only reads it through
 * (0.1 ms a MB) and only what changed since is memory of the process. Where that file is
 * missing or not good it is rebuilt from the log by two threads, about 6 us of each a certificate
 * with an endpoint. The DER stays
 * in the log and is fetched by block (about 0.1 ms).
 * Lists are sorted arrays, brought up to date when asked for after a change: a page
 * costs what it holds. With a query only those certificates are looked at that its exact
 * fingerprints, serial numbers and keys, its issuers, agents, owners, tags, services and ends
 * leave over, and the texts that are searched for in all names (plan.c); what is negated is
 * looked for in every row.
 *
 * Threads: every function from any thread. What is returned is copied into the
 * caller's arena; no lock is held once a function has returned.
 *
 * Writing. A change is an entry of the log; it becomes visible when it is durable.
 * Functions that change take `done`: called once, on the thread that commits, after the
 * sync (ERR_OK) or with the reason why not; short work only. done == NULL: the
 * function itself waits. Where a function returns an error, `done` is never called.
 *
 * Texts are foreign bytes: escape them for people.
 *
 *   requests.h  requests for certificates, revocation, services, work for agents
 */
#ifndef STORE_INVENTORY_H
#define STORE_INVENTORY_H

#include "base/arena.h"
#include "base/env.h"
#include "crypto/crypto.h"
#include "export/proof.h"
#include "model/model.h"
#include "query/query.h"
#include "store/log/log.h"
#include "x509/x509.h"

enum {
    INVENTORY_ID_SIZE = MODEL_ID_SIZE, /* of agents, endpoints, services; as text 32 hex digits */
    INVENTORY_NAME_MAX = 255,          /* of agents, networks */
    INVENTORY_TEXT_MAX = 255,          /* system, version, audit's object */
    INVENTORY_DETAIL_MAX = 4096,       /* audit's detail */
    INVENTORY_BATCH_MAX = 64,          /* of a batch id */
    INVENTORY_SPKI_MAX = 1024,         /* of an agent's key */
    INVENTORY_PAGE_MAX = 1000,
    INVENTORY_SIGHTINGS_MAX = 1000, /* returned with a certificate or endpoint */
    INVENTORY_PUSH_MAX = 100000,    /* certificates, and observations, of one push */
    INVENTORY_BATCHES_KEPT = 1024,  /* the newest batch ids of each agent are known again */
    INVENTORY_PASSES_SERVED = 3,    /* complete passes without it: no longer served; one in which
                                       its place could not be looked at is none of them */
};

struct inventory;

typedef void inventory_done(void *context, const struct fault *f);

/* Opens or makes the store in `dir` (log in `dir`/log). What a crash left torn is
 * cut off and logged. ERR_LOCKED, ERR_DAMAGED (nothing is changed). Copies env. */
enum err inventory_open(const char *dir, const struct env *env, struct inventory **out,
                        struct fault *f) MUST_CHECK;
void inventory_close(struct inventory *inv); /* what waits is committed first; NULL allowed */

/* Opens a store for reading only, without a lock: beside a running server, from a
 * copied folder, or one segment file. What is damaged is left out; `harms` is called
 * for each such place and for a torn end. Where the index in the folder is sound and belongs to
 * the log, only what follows it is replayed. All that changes gives ERR_PERMISSION. As it was
 * at a moment: up to the last entry before the first one that is later than until_ms
 * (INT64_MAX: all); what is walked through ends there too. */
typedef void inventory_harm(void *context, const struct store_harm *harm);
enum err inventory_read(const char *path, const struct env *env, int64_t until_ms,
                        inventory_harm *harms, void *context, struct inventory **out,
                        struct fault *f) MUST_CHECK;
/* When the last entry was made that inventory_read took; 0: there is none. */
int64_t inventory_last_ms(const struct inventory *inv);
/* The tree over the entries that it took; false where one is missing among them: only its size,
 * how many there are, is known then. */
bool inventory_read_tree(const struct inventory *inv, struct store_tree *out);

/* All observations ever stored, in the order of the log, from a store opened by
 * inventory_read; the agent's id. Borrowed for
 * the call. False ends the walk. */
typedef bool inventory_visit(void *context, const uint8_t *agent, int64_t stored_ms,
                             const struct model_observation *o);
enum err inventory_observations(struct inventory *inv, inventory_visit *visit, void *context,
                                struct fault *f) MUST_CHECK;

struct inventory_cert;
/* Every certificate that the query takes (NULL: all) by its end, from a store opened by
 * inventory_read, as inventory_certs lists them. The row and its texts are borrowed for the call:
 * nothing is copied. False ends the walk. */
typedef bool inventory_visit_row(void *context, const struct inventory_cert *cert);
enum err inventory_certs_by_end(struct inventory *inv, const struct query *where,
                                inventory_visit_row *visit, void *context,
                                struct fault *f) MUST_CHECK;

/* All certificates with their DER, in the order in which they were first stored. */
typedef bool inventory_visit_cert(void *context, const struct inventory_cert *cert,
                                  struct bytes der);
enum err inventory_certificates(struct inventory *inv, inventory_visit_cert *visit, void *context,
                                struct fault *f) MUST_CHECK;

/* The certificate in an entry of the log; false: it has none. Borrows the entry. */
bool inventory_entry_der(const struct store_entry *e, struct bytes *der);

struct inventory_audit;
/* The audit trail in its order, from a store opened by inventory_read. */
typedef bool inventory_visit_audit(void *context, const struct inventory_audit *act);
enum err inventory_audits(struct inventory *inv, inventory_visit_audit *visit, void *context,
                          struct fault *f) MUST_CHECK;

/* ---- Pushes of agents ---- */

/* Which of n fingerprints are not stored: has[i] is set for those that are. */
void inventory_known(struct inventory *inv, const uint8_t (*sha256)[SHA256_SIZE], size_t n,
                     bool *has);

struct inventory_der {
    struct bytes sha256; /* as the agent says, 32 bytes; empty: not said */
    struct bytes der;    /* one that does not parse is kept as bytes, `bad` */
};

struct inventory_push {
    const uint8_t *agent; /* its id, INVENTORY_ID_SIZE bytes */
    struct bytes batch;   /* random, the agent's own: the same again is stored once */
    const struct inventory_der *certificates;
    size_t certificates_n;
    const struct model_observation *observations;
    size_t observations_n;
    const struct model_summary *summary; /* of the scan; NULL where this batch has none */
    bool complete; /* the end of a scan that looked at every configured target */
};

struct inventory_rejection {
    bool is_certificate; /* else an observation */
    size_t index;
    enum err code;    /* ERR_CONFLICT: sha256 is another; ERR_NOT_FOUND: a certificate of the
                         chain is neither stored nor here; ERR_LIMIT; ERR_FORMAT */
    const char *what; /* static: the field */
};

#define INVENTORY_NO_FACE UINT32_MAX

struct inventory_result {
    bool repeated; /* (agent, batch) is stored already: nothing done, `done` is not called */
    size_t certificates_new, certificates_known, certificates_bad, observations;
    const struct inventory_rejection *rejections; /* in the arena; the rest was taken */
    size_t rejections_n;
    /* Of each observation its face's number, for confirmations; INVENTORY_NO_FACE: rejected. In
     * the arena; NULL where nothing was stored, or not waited for. */
    const uint32_t *faces;
};

/* The observations that a confirmation stands for, whole, to be pushed: n of them, in the arena.
 * ERR_CONFLICT: its faces are not here, or said something else last; ERR_MEMORY. */
enum err inventory_confirmed(struct inventory *inv, const struct model_confirmation *c,
                             struct arena *a, struct model_observation *out,
                             struct fault *f) MUST_CHECK;

/* Copies what it needs before it returns. ERR_NOT_FOUND: no such agent;
 * ERR_PERMISSION: the agent is disabled; ERR_BUSY: the same batch is just being
 * stored, or too much waits; ERR_LIMIT. */
enum err inventory_push(struct inventory *inv, const struct inventory_push *push, struct arena *a,
                        struct inventory_result *result, inventory_done *done, void *context,
                        struct fault *f) MUST_CHECK;

/* ---- Imports ---- */

enum { INVENTORY_IMPORT_MAX = 10000 };

struct inventory_import {
    struct bytes actor, object; /* of the audit trail: "local", "file:NAME" */
    const struct bytes *ders;   /* each one that parses, or kept as bytes, `bad` */
    size_t n;
};
struct inventory_imported {
    size_t added, known; /* known: also a second time here */
};
/* Certificates that no agent sent, and an entry of the audit trail with them, in one commit;
 * where all are known nothing is written. Waits. ERR_LIMIT; ERR_BUSY: another import is just
 * being written. `a` is for this call. */
enum err inventory_import(struct inventory *inv, const struct inventory_import *in, struct arena *a,
                          struct inventory_imported *out, struct fault *f) MUST_CHECK;

/* ---- Agents ---- */

struct inventory_agent {
    uint8_t id[INVENTORY_ID_SIZE];
    struct bytes name, network, system, version; /* texts */
    struct bytes spki;                           /* DER of its public key now */
    uint8_t key_id[SHA256_SIZE];                 /* SHA-256 of spki */
    int64_t enrolled_ms;
    int64_t seen_ms; /* last push or inventory_agent_touch since the start; 0: never */
    int64_t scan_ms; /* last batch stored; 0: none */
    uint64_t passes; /* complete ones */
    bool disabled;
    uint64_t endpoints; /* seen last by this agent */
};

struct inventory_enrolment {
    struct bytes name, network; /* network empty: "default" */
    struct bytes spki, system, version;
};

/* Makes an agent with a random id, written to `id` at once. ERR_EXISTS: the name
 * or key is in use; ERR_USAGE: empty or too long. */
enum err inventory_agent_enrol(struct inventory *inv, const struct inventory_enrolment *e,
                               uint8_t id[INVENTORY_ID_SIZE], inventory_done *done, void *context,
                               struct fault *f) MUST_CHECK;
enum err inventory_agent_rename(struct inventory *inv, const uint8_t *id, struct bytes name,
                                inventory_done *done, void *context, struct fault *f) MUST_CHECK;
enum err inventory_agent_disable(struct inventory *inv, const uint8_t *id, bool disabled,
                                 inventory_done *done, void *context, struct fault *f) MUST_CHECK;
/* A new key for the same agent (its history stays); the old key is no longer known. */
enum err inventory_agent_rekey(struct inventory *inv, const uint8_t *id, struct bytes spki,
                               inventory_done *done, void *context, struct fault *f) MUST_CHECK;
/* It was heard of: system and version as it says them now (empty: unchanged). In memory only. */
void inventory_agent_touch(struct inventory *inv, const uint8_t *id, int64_t now_ms,
                           struct bytes system, struct bytes version);

/* ERR_NOT_FOUND, ERR_MEMORY. Disabled agents are found too. */
enum err inventory_agent_get(struct inventory *inv, const uint8_t *id, struct arena *a,
                             struct inventory_agent *out, struct fault *f) MUST_CHECK;
enum err inventory_agent_by_key(struct inventory *inv, const uint8_t key_id[SHA256_SIZE],
                                struct arena *a, struct inventory_agent *out,
                                struct fault *f) MUST_CHECK;
enum err inventory_agent_by_name(struct inventory *inv, struct bytes name, struct arena *a,
                                 struct inventory_agent *out, struct fault *f) MUST_CHECK;

/* How many certificates each of n agents saw last somewhere, into counts[n]: one pass
 * over all sightings, however many agents are asked for. */
enum err inventory_agents_certificates(struct inventory *inv, const struct inventory_agent *agents,
                                       size_t n, uint64_t *counts, struct fault *f) MUST_CHECK;

/* ---- The audit trail ---- */

struct inventory_audit {
    int64_t time_ms;                   /* set by inventory_audit */
    struct bytes actor;                /* "user:alex", "token:...", "local" */
    struct bytes verb, object, detail; /* "agent.disable", "agent:ID", free text */
};
enum err inventory_audit(struct inventory *inv, const struct inventory_audit *act,
                         inventory_done *done, void *context, struct fault *f) MUST_CHECK;

/* ---- Lists ---- */

enum inventory_sort {
    INVENTORY_BY_END,   /* certificates: not_after */
    INVENTORY_BY_NAME,  /* certificates: display name; endpoints: host, port; agents: name */
    INVENTORY_BY_FIRST, /* certificates, endpoints, agents: first seen */
};

/* Zeroed: everything, by end (certificates) or name. */
struct inventory_query {
    const struct query *where; /* parsed for these rows, see query/query.h; NULL: everything */
    bool uncounted;            /* `total` is not wanted: only the page's rows are looked for, so
                                  that walking through all pages looks at each row once */
    enum inventory_sort sort;
    bool descending;
    bool served_only; /* certificates: served somewhere */
    bool has_ends;    /* certificates: ends_from_s <= not_after < ends_to_s */
    int64_t ends_from_s, ends_to_s;
    unsigned request_states; /* requests: bits by enum inventory_request_state; 0: any */
    const uint8_t *agent;    /* seen last by this one; requests: of this one; NULL: any */
    struct bytes cursor;     /* `next` of the page before; empty: the first page */
    size_t limit;            /* rows of a page; 0: 100; at most INVENTORY_PAGE_MAX */
};

/* A page's frame: how many rows match in all, and the cursor of the next page
 * (letters and digits; empty at the end). A cursor stays good while rows come in:
 * it names the last row shown, and is refused (ERR_USAGE) where it is none of ours
 * or belongs to another order. */
struct inventory_page {
    uint64_t total;
    struct bytes next;
};

struct inventory_cert {
    uint8_t sha256[SHA256_SIZE], spki_sha256[SHA256_SIZE];
    uint8_t service[INVENTORY_ID_SIZE]; /* the line of certificates that it belongs to */
    struct bytes name;                  /* x509_cert_display_name */
    struct bytes subject, issuer;       /* RFC 4514 */
    struct bytes serial;                /* content octets as in the DER */
    struct bytes names;                 /* DNS and IP names as text, "\n" between them */
    struct bytes key;                   /* "RSA 2048", "EC P-256", "Ed25519" */
    struct bytes signature_algorithm;
    bool has_not_before, has_not_after;
    int64_t not_before_s, not_after_s;
    bool is_ca;
    enum x509_answer self_signed; /* its signature was checked when it was stored */
    bool bad; /* does not parse: only sha256, name ("bad certificate ...") and times */
    int64_t first_seen_ms, last_seen_ms;
    uint64_t places, served; /* sightings, and how many of them are served now */
    uint8_t first_agent[INVENTORY_ID_SIZE];
    uint64_t entry;     /* number in the log */
    struct bytes owner; /* of its service; empty: nobody said */
    bool is_issued;     /* for a request, by an authority of ours */
    bool is_revoked;
    bool not_yet_served; /* issued, not revoked, and no scan has seen it yet */
};

enum err inventory_certs(struct inventory *inv, const struct inventory_query *q, struct arena *a,
                         struct inventory_cert **rows, size_t *n, struct inventory_page *page,
                         struct fault *f) MUST_CHECK;

/* Does the query, parsed for certificates, hold for the one with this fingerprint? False
 * too where it is not stored. */
bool inventory_cert_holds(struct inventory *inv, const struct query *where,
                          const uint8_t sha256[SHA256_SIZE]);

/* How many certificates there are of each kind, by what they are told apart. */
enum inventory_group {
    INVENTORY_PER_WEEK, /* of their end: from Monday 00:00 UTC, in order; see inventory_groups */
    INVENTORY_PER_ISSUER,
    INVENTORY_PER_KEY,
    INVENTORY_PER_AGENT, /* that saw it last somewhere: a certificate may count for several */
};

struct inventory_kind {
    struct bytes text;    /* issuer, key or name of the agent */
    int64_t from_s, to_s; /* weeks: from <= not_after < to, INT64_MIN and _MAX at the rims */
    uint8_t id[INVENTORY_ID_SIZE]; /* agents */
    uint64_t certificates;
};

/* Those that the query takes (NULL: all), in one pass. Weeks: first what has ended before
 * now, then INVENTORY_WEEKS weeks, the first one cut at now, then what ends later. Others: the most
 * first, at most `limit`; *kinds tells how many there are. *total counts certificates. */
enum { INVENTORY_WEEKS = 52 };
struct inventory_groups {
    struct inventory_kind *rows;
    size_t n;
    uint64_t kinds, total;
};
enum err inventory_certs_group(struct inventory *inv, const struct query *where,
                               enum inventory_group by, int64_t now_s, size_t limit,
                               struct arena *a, struct inventory_groups *out,
                               struct fault *f) MUST_CHECK;

/* An endpoint, with what its best face showed last. */
struct inventory_endpoint {
    uint8_t id[INVENTORY_ID_SIZE]; /* model_endpoint_id */
    struct model_endpoint place;
    uint8_t agent[INVENTORY_ID_SIZE]; /* that looked last */
    struct bytes agent_name;
    int64_t first_seen_ms, last_seen_ms;
    enum model_outcome outcome;
    uint64_t faces;
    bool has_leaf; /* the leaf that was presented last */
    uint8_t leaf[SHA256_SIZE];
    struct bytes leaf_name;
    bool leaf_has_not_after;
    int64_t leaf_not_after_s;
};

enum err inventory_endpoints(struct inventory *inv, const struct inventory_query *q,
                             struct arena *a, struct inventory_endpoint **rows, size_t *n,
                             struct inventory_page *page, struct fault *f) MUST_CHECK;
enum err inventory_agents(struct inventory *inv, const struct inventory_query *q, struct arena *a,
                          struct inventory_agent **rows, size_t *n, struct inventory_page *page,
                          struct fault *f) MUST_CHECK;

/* ---- Details ---- */

struct inventory_sighting {
    uint8_t cert[SHA256_SIZE];
    struct bytes cert_name;
    unsigned position; /* in the chain; 0: leaf */
    uint8_t endpoint[INVENTORY_ID_SIZE];
    struct model_face face;
    uint8_t agent[INVENTORY_ID_SIZE]; /* that saw it last */
    struct bytes agent_name;
    int64_t first_ms, last_ms;
    bool served;
};

struct inventory_cert_detail {
    struct inventory_cert cert;
    struct bytes der;
    const struct inventory_sighting *sightings; /* served ones first, then newest first */
    size_t sightings_n;                         /* cert.places counts all */
};
enum err inventory_cert_get(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                            struct arena *a, struct inventory_cert_detail *out,
                            struct fault *f) MUST_CHECK;
/* What lists show of it; nothing is read from the log. ERR_NOT_FOUND. */
enum err inventory_cert_row(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                            struct arena *a, struct inventory_cert *out,
                            struct fault *f) MUST_CHECK;
/* Only its bytes. ERR_NOT_FOUND. */
enum err inventory_cert_der(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                            struct arena *a, struct bytes *der, struct fault *f) MUST_CHECK;

struct inventory_face {
    uint8_t agent[INVENTORY_ID_SIZE];
    struct bytes agent_name;
    int64_t first_seen_ms, last_seen_ms;
    struct model_observation last; /* all that was seen last, chain included */
};

struct inventory_endpoint_detail {
    struct inventory_endpoint endpoint;
    const struct inventory_face *faces;
    size_t faces_n;
    const struct inventory_sighting *sightings; /* now and before, served ones first */
    size_t sightings_n;
};
enum err inventory_endpoint_get(struct inventory *inv, const uint8_t id[INVENTORY_ID_SIZE],
                                struct arena *a, struct inventory_endpoint_detail *out,
                                struct fault *f) MUST_CHECK;

/* ---- What ends ---- */

/* A certificate counts as ending where it is served, or managed: issued here for a request,
 * or of a service that has an owner, and not revoked.
 *
 * A successor is another certificate of the same service with a later end that is served
 * somewhere. What has one counts only for the places whose newest look still shows the old
 * one (`is_renewed`): they are left behind, and fail at its end like any other.
 * What is managed and served nowhere is succeeded by one that is managed, too: there is
 * no place where that could be seen. Long ended, it was missed by nobody: see unserved_s. */
enum inventory_ending_kind {
    INVENTORY_EXPIRED, /* not_after < now */
    INVENTORY_SOON,
    INVENTORY_LATER,
    INVENTORY_ENDING_KINDS
};

struct inventory_ending_query {
    int64_t now_s, soon_s, until_s; /* now <= soon <= until; ends before the moment count */
    int64_t unserved_s;             /* of those served nowhere, ends from this moment on count */
    size_t limit;                   /* rows of each kind, at most INVENTORY_PAGE_MAX */
    size_t places;                  /* endpoints of each row */
};

struct inventory_ending {
    enum inventory_ending_kind kind;
    struct inventory_cert cert;
    bool is_renewed;                         /* a successor is served, but not here */
    const struct inventory_endpoint *places; /* that serve it; renewed: that show it still */
    size_t places_n;
    uint64_t places_total;
};

struct inventory_endings {
    const struct inventory_ending *rows; /* by their end, the earliest first */
    size_t rows_n;
    uint64_t counts[INVENTORY_ENDING_KINDS]; /* of all, not only of the rows */
};

/* Certificates that end before until_s, or have ended. It walks over all that share a
 * service, once. */
enum err inventory_ending(struct inventory *inv, const struct inventory_ending_query *q,
                          struct arena *a, struct inventory_endings *out,
                          struct fault *f) MUST_CHECK;

/* ---- Counts ---- */

struct inventory_counts {
    uint64_t certificates, bad, expired, ending; /* ending: within 30 days of now, not expired */
    uint64_t endpoints, endpoints_ok, agents, disabled, quiet; /* quiet: enabled, not heard of */
    uint64_t requests, pending;                                /* pending: wait for a decision */
    uint64_t entries, skipped; /* of the log; skipped: of kinds or versions not known here */
    uint64_t log_bytes, segments;
};
void inventory_count(struct inventory *inv, int64_t now_ms, int64_t quiet_after_ms,
                     struct inventory_counts *out);

/* ---- Retention ---- */

/* Drops observations that came before a moment and say nothing that is not known otherwise: of
 * what was confirmed or looked at again later, and did not see anything for the first or the last
 * time. The payload of their entry goes, and what is needed of it stays beside its leaf hash.
 * Certificates, agents, requests, the audit trail and all other acts stay, as do first and last
 * times and the state at that moment and at each later one. What is lost is what was observed in
 * between, and the state at earlier moments.
 *
 * A thread reads the log, finds what may go, replays the log without it, compares, and only then
 * has an entry written that says so, with one of the audit trail, and the segments written anew. */
enum inventory_compact_step {
    INVENTORY_COMPACT_NONE, /* never, since the opening */
    INVENTORY_COMPACT_READING,
    INVENTORY_COMPACT_CHECKING,
    INVENTORY_COMPACT_WRITING,
    INVENTORY_COMPACT_DONE,
    INVENTORY_COMPACT_FAILED,
    INVENTORY_COMPACT_STEPS
};

struct inventory_compact {
    int64_t before_ms;
    bool is_dry;        /* to see what would go */
    struct bytes actor; /* of the audit trail; copied */
};

struct inventory_compaction {
    enum inventory_compact_step step;
    int64_t before_ms;
    bool is_dry;
    uint64_t entries, of;       /* looked at in this step, and how many there are */
    uint64_t scans, scan_bytes; /* entries from which something goes, and how much */
    uint64_t confirmations, confirmation_bytes;
    uint64_t kept, dropped;         /* of such before the moment: needed; gone earlier */
    uint64_t segments, segments_of; /* looked at, and how many there are */
    uint64_t bytes_before, bytes;   /* of those that were written anew */
    struct fault fault;             /* why it failed */
};

/* Begins, and returns. ERR_BUSY: one is at work; ERR_USAGE: the moment is to come. */
enum err inventory_compact(struct inventory *inv, const struct inventory_compact *o,
                           struct fault *f) MUST_CHECK;
/* How far the last one is. */
void inventory_compaction(struct inventory *inv, struct inventory_compaction *out);
const char *inventory_compact_step_name(enum inventory_compact_step step);

/* What of the past is gone from a store opened by inventory_read: as of an earlier moment, or
 * after what was walked through. */
struct inventory_past {
    uint64_t dropped;  /* entries of scans, up to the moment of the reading */
    int64_t before_ms; /* they were before this; 0: not known */
    bool is_exact;     /* the state is the one that was at the moment of the reading */
};
struct inventory_past inventory_past(const struct inventory *inv);

/* The tree over all durable entries, for checkpoints. */
struct store_tree inventory_tree(struct inventory *inv);
/* How far the log is durable; zeros for a store that is open for reading only. */
struct store_point inventory_point(struct inventory *inv);

/* Proofs (RFC 9162), of an inventory that is open for writing; texts and hashes in the arena.
 * `size`: of the tree, 0: all entries. The first one since the opening reads the log.
 * That the certificate's entry is in the tree. ERR_NOT_FOUND: not stored, or it came later. */
enum err inventory_prove_cert(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                              uint64_t size, struct arena *a, struct proof *out,
                              struct fault *f) MUST_CHECK;
/* That the first old_size entries are the begin of the tree. ERR_USAGE, ERR_NOT_FOUND. */
enum err inventory_prove_begin(struct inventory *inv, uint64_t old_size, uint64_t size,
                               struct arena *a, struct proof *out, struct fault *f) MUST_CHECK;

#endif
