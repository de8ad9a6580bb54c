/* Requests for certificates, services, and what waits for agents: the part of the
 * inventory that people and agents write on purpose. See inventory.h.
 *
 * A request: pending -> approved -> issued -> revoked, or refused before it is issued. Deciding
 * and issuing are the caller's affair (web/api, lib/ca); here is what was decided.
 *
 * Functions that change wait until the change is durable. `act` is an entry of the
 * audit trail, written in the same commit: both are there or neither. Two changes of one
 * request at a time: one gets ERR_BUSY. Threads and copies as in inventory.h.
 */
#ifndef STORE_REQUESTS_H
#define STORE_REQUESTS_H

#include "store/inventory/inventory.h"

enum {
    INVENTORY_CSR_MAX = 1 << 20,     /* DER */
    INVENTORY_PENDING_MAX = 100,     /* requests of one agent that wait for a decision */
    INVENTORY_ISSUED_CHAIN_MAX = 8,  /* certificates above an issued one */
    INVENTORY_REASON_MAX = 1024,     /* of a refusal */
    INVENTORY_OUTCOME_MAX = 4096,    /* detail of an outcome */
    INVENTORY_OWNER_MAX = 255,       /* of a service */
    INVENTORY_TAGS_MAX = 32,         /* of a service */
    INVENTORY_TAG_MAX = 64,          /* bytes of one */
    INVENTORY_NOTES_MAX = 4096,      /* of a service */
    INVENTORY_TARGETS_MAX = 1 << 20, /* text of an agent's targets */
    INVENTORY_RESCAN_MAX = 50,       /* targets of one rescan */
    INVENTORY_WORK_REQUESTS_MAX = 100,
};

/* ---- Requests ---- */

enum inventory_request_state {
    INVENTORY_PENDING,
    INVENTORY_APPROVED, /* and not yet issued */
    INVENTORY_ISSUED,
    INVENTORY_REFUSED,
    INVENTORY_REVOKED, /* issued, and its certificate was revoked since */
    INVENTORY_REQUEST_STATES
};
const char *inventory_request_state_name(enum inventory_request_state state); /* "pending" */
bool inventory_request_state_read(struct bytes name, enum inventory_request_state *out);

struct inventory_request {
    uint8_t id[INVENTORY_ID_SIZE];
    uint8_t agent[INVENTORY_ID_SIZE];
    struct bytes agent_name;
    enum inventory_request_state state;
    struct bytes profile;
    struct bytes subject, names, key; /* of the CSR, as in struct inventory_cert */
    int64_t created_ms;
    int64_t decided_ms; /* 0: not yet */
    struct bytes decided_by, reason;
    bool has_replaces;
    uint8_t replaces[SHA256_SIZE];
    bool has_cert;
    uint8_t cert[SHA256_SIZE];
    int64_t issued_ms;
    bool served;                         /* the certificate is, somewhere */
    const uint8_t (*chain)[SHA256_SIZE]; /* above it, the issuer first */
    size_t chain_n;
    bool has_outcome, installed, has_exit;
    int32_t reload_exit;
    int64_t outcome_ms;
};

struct inventory_request_detail {
    struct inventory_request request;
    struct bytes csr;            /* DER */
    struct bytes outcome_detail; /* empty: none */
};

struct inventory_asked {
    const uint8_t *id, *agent; /* INVENTORY_ID_SIZE bytes each; the id is the agent's own */
    struct bytes profile;
    const uint8_t *replaces; /* SHA-256 of a certificate; NULL: none */
    struct bytes csr;        /* DER that x509_request_read takes */
};
/* ERR_EXISTS: the id is known; ERR_BUSY: too many of this agent wait already. */
enum err inventory_request_add(struct inventory *inv, const struct inventory_asked *asked,
                               const struct inventory_audit *act, struct fault *f) MUST_CHECK;
/* Approves what is pending, refuses what is pending or approved and not yet issued;
 * else ERR_CONFLICT. ERR_NOT_FOUND. */
enum err inventory_request_decide(struct inventory *inv, const uint8_t *id, bool approved,
                                  struct bytes who, struct bytes reason,
                                  const struct inventory_audit *act, struct fault *f) MUST_CHECK;
/* Stores the certificate and those above it (DER), and that it was issued for this
 * request. ERR_CONFLICT: the request is not approved, or issued already. */
enum err inventory_request_issue(struct inventory *inv, const uint8_t *id, struct bytes certificate,
                                 const struct bytes *chain, size_t chain_n,
                                 const struct inventory_audit *act, struct fault *f) MUST_CHECK;

struct inventory_outcome {
    bool installed, has_exit;
    int32_t reload_exit; /* of the reload command, where one ran */
    struct bytes detail;
};
/* The same outcome as the last one is not stored again. ERR_CONFLICT: nothing was issued. */
enum err inventory_request_outcome(struct inventory *inv, const uint8_t *id,
                                   const struct inventory_outcome *outcome,
                                   struct fault *f) MUST_CHECK;

enum err inventory_request_get(struct inventory *inv, const uint8_t *id, struct arena *a,
                               struct inventory_request_detail *out, struct fault *f) MUST_CHECK;
/* In the order in which they came. Of the query: where,
 * agent, request_states, descending, cursor and limit. */
enum err inventory_requests(struct inventory *inv, const struct inventory_query *q, struct arena *a,
                            struct inventory_request **rows, size_t *n, struct inventory_page *page,
                            struct fault *f) MUST_CHECK;

/* ---- Revocation ---- */

/* ERR_NOT_FOUND: not stored; ERR_CONFLICT: revoked already. */
enum err inventory_cert_revoke(struct inventory *inv, const uint8_t *sha256, struct bytes who,
                               enum x509_reason reason, const struct inventory_audit *act,
                               struct fault *f) MUST_CHECK;
/* Those that ended before ended_s are left out. *revision changes with every revocation,
 * *number is that of the newest list, 0 before the first. */
enum err inventory_revoked(struct inventory *inv, int64_t ended_s, struct arena *a,
                           struct x509_revoked **rows, size_t *n, uint64_t *revision,
                           uint64_t *number, struct fault *f) MUST_CHECK;
/* How many revocations there are: `revision`. */
uint64_t inventory_revocations(struct inventory *inv);
/* A list of this number is about to be handed out. */
enum err inventory_crl_made(struct inventory *inv, uint64_t number, struct fault *f) MUST_CHECK;

/* What a certificate has besides what it says: its service, request, revocation. */
struct inventory_cert_care {
    bool has_request;
    uint8_t request[INVENTORY_ID_SIZE];
    enum inventory_request_state request_state;
    bool ever_seen; /* somewhere, by a scan */
    bool is_revoked;
    int64_t revoked_ms;
    struct bytes revoked_by, reason;
};
enum err inventory_cert_care(struct inventory *inv, const uint8_t *sha256, struct arena *a,
                             struct inventory_cert_care *out, struct fault *f) MUST_CHECK;

/* ---- Services ---- */

struct inventory_service {
    uint8_t id[INVENTORY_ID_SIZE];
    struct bytes owner, notes;
    const struct bytes *tags;
    size_t tags_n;
    uint64_t certificates; /* that belong to it */
};
/* A service is there as long as a certificate belongs to it; what nobody said is empty.
 * ERR_NOT_FOUND. */
enum err inventory_service_get(struct inventory *inv, const uint8_t *id, struct arena *a,
                               struct inventory_service *out, struct fault *f) MUST_CHECK;
/* Every service by its id, `certificates` counted, that the query takes (NULL: all); borrowed
 * for the call, with the lock held: nothing of the inventory may be called from it. */
typedef bool inventory_visit_service(void *context, const struct inventory_service *service);
enum err inventory_services(struct inventory *inv, const struct query *where,
                            inventory_visit_service *visit, void *context,
                            struct fault *f) MUST_CHECK;
/* The same without the walk: for the id of a certificate at hand; `certificates` is 0. */
enum err inventory_service_said(struct inventory *inv, const uint8_t *id, struct arena *a,
                                struct inventory_service *out, struct fault *f) MUST_CHECK;
/* Owner, tags and notes, whole. ERR_USAGE names what is too long. */
enum err inventory_service_set(struct inventory *inv, const struct inventory_service *service,
                               const struct inventory_audit *act, struct fault *f) MUST_CHECK;

/* ---- Work that waits for an agent ---- */

struct inventory_work {
    uint64_t targets_revision; /* 0: none were ever set */
    struct bytes targets;      /* text of a targets file */
    bool has_rescan, rescan_done;
    uint8_t rescan[INVENTORY_ID_SIZE];
    int64_t rescan_ms;
    const struct bytes *rescan_targets; /* none: all of the agent's */
    size_t rescan_targets_n;
    const struct inventory_request *requests; /* those without an outcome, newest first */
    size_t requests_n;
};
enum err inventory_work(struct inventory *inv, const uint8_t *agent, struct arena *a,
                        struct inventory_work *out, struct fault *f) MUST_CHECK;
enum err inventory_targets_set(struct inventory *inv, const uint8_t *agent, struct bytes text,
                               const struct inventory_audit *act, struct fault *f) MUST_CHECK;
/* A newer rescan takes the place of an older one. `id` is made here. */
enum err inventory_rescan_ask(struct inventory *inv, const uint8_t *agent,
                              const struct bytes *targets, size_t n,
                              const struct inventory_audit *act, uint8_t id[INVENTORY_ID_SIZE],
                              struct fault *f) MUST_CHECK;
/* ERR_NOT_FOUND: it is not the one that waits. Done already: ERR_OK, stored once. */
enum err inventory_rescan_done(struct inventory *inv, const uint8_t *agent, const uint8_t *id,
                               struct fault *f) MUST_CHECK;

#endif
