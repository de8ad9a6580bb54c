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
 *     u8     flags: 1 an alert follows, 2 TLS facts follow
 *     u8     the alert, where flagged
 *     u64    duration in ms                   vec16  detail
 *     vec8   version, vec8 cipher suite, vec8 group, vec8 ALPN, where flagged
 *     u16    n, then n times 32: SHA-256 of the certificates of the chain, as sent
 *
 *   type 7, version 1: act of a person
 *     vec8   actor         vec8   verb        vec8   object       vec16  detail
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

struct record_audit {
    struct bytes actor, verb, object, detail;
};

/* Writers append the payload; ERR_LIMIT in out->err for what does not fit. */
void record_certificate_write(const struct record_certificate *r, struct buf *out);
void record_agent_write(enum record_type type, const struct record_agent *r, struct buf *out);
/* `observations` are written by record_observation_write, each within a vec24. */
void record_scan_write(const struct record_scan *r, struct buf *out);
void record_observation_write(const struct model_observation *o, struct buf *out);
void record_audit_write(const struct record_audit *r, struct buf *out);

/* Readers: false where the payload is none. */
bool record_certificate_read(struct bytes payload, struct record_certificate *out);
bool record_agent_read(enum record_type type, struct bytes payload, struct record_agent *out);
bool record_scan_read(struct bytes payload, struct record_scan *out);
/* The chain lives in the arena. */
bool record_observation_read(struct arena *a, struct bytes in, struct model_observation *out);
bool record_audit_read(struct bytes payload, struct record_audit *out);

#endif
