/* The payloads of the log's entries, as bytes. Private to store/inventory.
 *
 * All integers big-endian; vecN: length of N bits, then the bytes. An entry whose
 * type or version is not known is kept by the log and skipped here. A reader takes
 * a payload only where it ends exactly with the last field: another field is
 * another version.
 *
 *   type 1, version 1: certificate, first seen
 *     16     id of the agent that sent it; zeros: not by an agent
 *     u8     signed by its own key: 0 no, 1 yes, 2 could not be checked (enum
 *            x509_answer when it was stored: checking is too slow to do at each start)
 *     rest   DER, as it came, also where it does not parse
 *
 *   type 2, version 1: agent enrolled
 *     16     id
 *     vec8   name          vec8   network
 *     vec8   system        vec8   version
 *     vec16  SubjectPublicKeyInfo DER of its key
 *   type 3, version 1: agent renamed:       16 id, vec8 name
 *   type 4, version 1: agent disabled:      16 id, u8 1 disabled, 0 enabled again
 *   type 5, version 1: agent has a new key: 16 id, vec16 SubjectPublicKeyInfo DER
 *
 *   type 6, version 1: observations of a batch; a large batch has several, all in one
 *   commit, told apart by nothing: they add up
 *     16     id of the agent
 *     vec8   id of the batch
 *     u8     flags: 1 ends a complete pass
 *     vec24  summary of the scan as model/summary.h writes it in JSON; empty: none
 *     u32    n, then n times vec24: an observation
 *
 *   observation
 *     vec8   scan          vec16  target      vec8   kind, by name
 *     vec16  host          vec8   ip: 0, 4 or 16 bytes
 *     u16    port          vec16  path        vec8   protocol, by name
 *     vec16  sni           vec8   asked, by name
 *     u64    time, seconds since 1970, two's complement
 *     vec8   outcome, by name                 vec8   stage, by name
 *     u8     flags: 1 an alert follows, 2 TLS facts follow, 4 further facts follow, 8 facts of a
 *            file follow
 *     u8     the alert, where flagged
 *     u64    duration in ms                   vec16  detail
 *     vec8   version, vec8 cipher suite, vec8 group, vec8 ALPN, where flagged
 *     where further facts are flagged:
 *     u8     1 the time to connect is known, 2 OCSP stapled, 4 client certificate asked
 *     u64    time to connect in ms            u64    bytes that came
 *     u16    SCTs                             vec8   old version, vec8 hybrid group
 *     vec16  names of CAs for client certificates, each a vec16
 *     where facts of a file are flagged:
 *     vec8   container, vec8 owner, vec8 group
 *     u64    owner's number, u64 group's number, u64 mode: two's complement, -1: none
 *     u64    modified, seconds since 1970     u64    size
 *     u64    private keys in it
 *     u16    n, then n times 32: SHA-256 of the certificates of the chain, as sent
 *
 *   type 18, version 1: confirmation: faces that showed what they showed before, at new times.
 *   Of the same commit as an entry of type 6 behind it, which has the batch's end
 *     16     id of the agent
 *     vec8   id of the batch                  vec8   scan
 *     u64    a time, seconds since 1970, at most those that follow
 *     16     begin of SHA-256 over the ids of the faces (state.h), 16 bytes each
 *     u32    n, then n varints: the first face, then the distances less one to the next: faces
 *            are numbered from 0 in the order in which the log first tells of them
 *            then n varints: seconds after that time
 *
 *   A face that is confirmed showed all that its last observation says, but for scan, time and
 *   the measures of that look: durations and bytes. A varint: seven bits a byte, the lowest first,
 *   128 added where another follows; the shortest form. Where the ids are not those of the faces
 *   that were found, part of the log is lost, and the entry counts as not understood.
 *
 *   type 7, version 1: act of a person
 *     vec8   actor         vec8   verb        vec8   object       vec16  detail
 *
 *   type 8, version 1: request for a certificate
 *     16     id, chosen by the agent          16     id of the agent
 *     vec8   profile, by name
 *     vec8   SHA-256 of the certificate that it replaces: 0 or 32 bytes
 *     vec24  CertificationRequest DER
 *   type 9, version 1: decision about a request
 *     16     id of the request                u8     1 approved, 2 refused
 *     vec8   who decided                      vec16  reason
 *   type 10, version 1: certificate issued; itself and its chain have entries of type 1
 *     before this one
 *     16     id of the request                32     SHA-256 of the certificate
 *     u8     n, then n times 32: SHA-256 of the certificates above it, the issuer first
 *   type 11, version 1: certificate revoked
 *     32     SHA-256 of the certificate
 *     vec8   who did                          vec8   reason, by its name in RFC 5280
 *   type 12, version 1: what became of an issued certificate at its agent
 *     16     id of the request
 *     u8     flags: 1 installed, 2 the exit status of the reload command follows
 *     u32    the status, where flagged, two's complement
 *     vec16  detail
 *   type 13, version 1: what people say of a service; the newest entry counts, whole
 *     16     id            vec16  owner
 *     u8     n, then n times vec8: a tag      vec16  notes
 *   type 14, version 1: targets set for an agent
 *     16     id of the agent                  vec24  text of a targets file; empty: none
 *   type 15, version 1: rescan wanted of an agent; the newest one counts
 *     16     id of the agent                  16     id of the rescan
 *     u8     n, then n times vec16: a target; none: all of the agent's
 *   type 16, version 1: rescan done:        16 id of the agent, 16 id of the rescan
 *   type 17, version 1: revocation list made: u64 its number
 *   What stays of a dropped entry of type 6 or 18 (the rest in log/entry.h) is a payload of the
 * same type with those of its observations that are needed; of type 6 without the summary, of type
 * 18 nothing where none is
 *
 *   type 19, version 1: payloads are dropped, from now on: of entries of types 6 and 18 before
 *     `until`, but for the observations on which the state there hangs (carriers.h)
 *     u64    until: number of an entry; all from it on were left alone
 *     u64    the moment, milliseconds since 1970, two's complement: no entry before `until` is
 *            of it or later
 *
 * Names, not numbers, so that no table in the program is part of the format.
 */
#ifndef STORE_INVENTORY_RECORD_H
#define STORE_INVENTORY_RECORD_H

#include "store/inventory/inventory.h"

enum record_type {
    RECORD_CERTIFICATE = 1,
    RECORD_AGENT_ENROLLED = 2,
    RECORD_AGENT_RENAMED = 3,
    RECORD_AGENT_DISABLED = 4,
    RECORD_AGENT_REKEYED = 5,
    RECORD_SCAN = 6,
    RECORD_AUDIT = 7,
    RECORD_REQUEST = 8,
    RECORD_DECISION = 9,
    RECORD_ISSUED = 10,
    RECORD_REVOKED = 11,
    RECORD_OUTCOME = 12,
    RECORD_SERVICE = 13,
    RECORD_TARGETS = 14,
    RECORD_RESCAN = 15,
    RECORD_RESCAN_DONE = 16,
    RECORD_CRL = 17,
    RECORD_CONFIRMATION = 18,
    RECORD_COMPACTION = 19,
};

enum { RECORD_VERSION = 1, RECORD_SCAN_COMPLETE = 1, RECORD_OBSERVATION_MAX = 128 << 10 };

/* Texts borrow the payload. */
struct record_certificate {
    struct bytes agent, der;
    enum x509_answer self_signed;
};

struct record_agent { /* types 2 to 5; what a type has not is empty */
    struct bytes id, name, network, system, version, spki;
    bool disabled;
};

struct record_scan {
    struct bytes agent, batch, summary;
    bool complete;
    uint32_t n;
    struct bytes observations; /* n times vec24 */
};

struct record_confirmation {
    struct bytes agent, batch, scan, digest;
    int64_t base_s;
    uint32_t n;
    struct bytes items; /* model_confirmed_write; not of what is written */
};

struct record_audit {
    struct bytes actor, verb, object, detail;
};

struct record_request {
    struct bytes id, agent, profile, replaces, csr;
};

struct record_decision {
    struct bytes id, who, reason;
    bool approved;
};

struct record_issued {
    struct bytes id, sha256, chain; /* chain: n times 32 */
};

struct record_revoked {
    struct bytes sha256, who, reason;
};

struct record_outcome {
    struct bytes id, detail;
    bool installed, has_exit;
    int32_t reload_exit;
};

struct record_service {
    struct bytes id, owner, tags, notes; /* tags: each a vec8 */
};

struct record_compaction {
    uint64_t until;
    int64_t before_ms;
};

struct record_work {                 /* types 14 to 16; what a type has not is empty */
    struct bytes agent, id, targets; /* 14: the text; 15: each a vec16 */
};

/* Writers append the payload; ERR_LIMIT in out->err for what does not fit. */
void record_certificate_write(const struct record_certificate *r, struct buf *out);
void record_agent_write(enum record_type type, const struct record_agent *r, struct buf *out);
/* `observations` are written by record_observation_write, each within a vec24. */
void record_scan_write(const struct record_scan *r, struct buf *out);
void record_observation_write(const struct model_observation *o, struct buf *out);
/* r->n items, by ascending face. */
void record_confirmation_write(const struct record_confirmation *r,
                               const struct model_confirmed *items, struct buf *out);
void record_audit_write(const struct record_audit *r, struct buf *out);
void record_request_write(const struct record_request *r, struct buf *out);
void record_decision_write(const struct record_decision *r, struct buf *out);
void record_issued_write(const struct record_issued *r, struct buf *out);
void record_revoked_write(const struct record_revoked *r, struct buf *out);
void record_outcome_write(const struct record_outcome *r, struct buf *out);
void record_service_write(const struct record_service *r, struct buf *out);
void record_work_write(enum record_type type, const struct record_work *r, struct buf *out);
void record_crl_write(uint64_t number, struct buf *out);
void record_compaction_write(const struct record_compaction *r, struct buf *out);

/* Readers: false where the payload is none. */
bool record_certificate_read(struct bytes payload, struct record_certificate *out);
bool record_agent_read(enum record_type type, struct bytes payload, struct record_agent *out);
bool record_scan_read(struct bytes payload, struct record_scan *out);
/* The chain lives in the arena. */
bool record_observation_read(struct arena *a, struct bytes in, struct model_observation *out);
bool record_confirmation_read(struct bytes payload, struct record_confirmation *out);
/* The r->n items of what was read. */
void record_confirmation_items(const struct record_confirmation *r, struct model_confirmed *items);
/* Whether an observation says what `raw`, an earlier one as bytes, says, so that a confirmation
 * stands for it. */
bool record_observation_confirms(struct arena *a, struct buf *room, struct bytes raw,
                                 const struct model_observation *o);
bool record_audit_read(struct bytes payload, struct record_audit *out);
bool record_request_read(struct bytes payload, struct record_request *out);
bool record_decision_read(struct bytes payload, struct record_decision *out);
bool record_issued_read(struct bytes payload, struct record_issued *out);
bool record_revoked_read(struct bytes payload, struct record_revoked *out);
bool record_outcome_read(struct bytes payload, struct record_outcome *out);
bool record_service_read(struct bytes payload, struct record_service *out);
bool record_work_read(enum record_type type, struct bytes payload, struct record_work *out);
bool record_crl_read(struct bytes payload, uint64_t *number);
bool record_compaction_read(struct bytes payload, struct record_compaction *out);

#endif
