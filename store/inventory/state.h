/* The state that the entries add up to, in memory. Private to store/inventory.
 *
 * It is flat: rows of fixed size that refer to each other by index and to texts by
 * place, look-ups and orders of indexes. Nothing holds a pointer, so that all of it can
 * be written to a file and mapped again (index.h). A change of a struct here, or of what
 * an entry does, is another INDEX_VERSION there.
 *
 * state_apply is the only thing that changes it: at the start for every entry of
 * the log, later for each that has become durable. So the same log gives the same
 * state. No locks here: inventory.c has them.
 *
 * Services. A certificate's line is found when its entry is applied: that of the
 * certificate with the same DNS and IP names (letters' case and order ignored) and
 * the same kind of issuer (itself, or another); none without names. Else it begins
 * one, whose id is the first 16 bytes of SHA-256("clm service 1" 00 || its SHA-256).
 * When a certificate that is alone in its line is first seen as the leaf of a face
 * where another was before, it joins the line of that one; so does one that was issued
 * in order to replace another, when it is issued. Later entries may join
 * or part lines; the rule stays as it is, since ids in the log depend on it.
 *
 * Endpoints and faces are known by model_face_ids; the agent's
 * id goes in there as 32 hex digits. Times of sightings are those of the observation,
 * at most that of the entry (a clock that is ahead). An observation that is older than
 * what is known of the face adds to the spans and changes nothing else.
 *
 * Served. An agent counts its complete passes. A sighting holds the number of the
 * pass under way when it was made (passes so far + 1); it is served while that is
 * among the last INVENTORY_PASSES_SERVED, while its agent is enabled, and while the
 * face has shown it in one of its last INVENTORY_PASSES_SERVED looks (another agent of
 * the network may have gone on looking). A look is counted once an agent and pass.
 */
#ifndef STORE_INVENTORY_STATE_H
#define STORE_INVENTORY_STATE_H

#include "store/inventory/carriers.h"
#include "store/inventory/record.h"
#include "store/inventory/requests.h"
#include "store/inventory/rows.h"
#include "store/inventory/signs.h"
#include "store/inventory/texts.h"

struct state_cert {
    uint8_t sha256[SHA256_SIZE], spki_sha256[SHA256_SIZE];
    uint8_t service[INVENTORY_ID_SIZE];
    uint8_t names_key[INVENTORY_ID_SIZE]; /* of the names and kind of issuer; zeros: none */
    uint64_t entry;
    int64_t not_before_s, not_after_s, first_ms, last_ms;
    struct text names; /* in state.names: "subject\nnames\n", then "name\n"
                          where the name is not a part of them */
    uint32_t name_at, name_n, subject_n, names_n;
    struct text serial;
    uint32_t issuer, key, signature; /* in state.words */
    uint32_t first_agent;            /* ROWS_NONE: not by an agent */
    uint32_t sightings;              /* the newest one; ROWS_NONE */
    uint32_t places;
    uint32_t request, revocation; /* ROWS_NONE: none */
    uint32_t next_in_line;        /* a ring of those that share its service; itself: alone */
    bool has_not_before, has_not_after, is_ca, bad;
    uint8_t version;     /* 1 to 3; 0 where it does not parse */
    uint8_t self_signed; /* enum x509_answer */
    bool in_line;        /* shares its service with another */
};

/* What is made of a certificate's entry without the state, so that another thread can do it. Texts
 * are the maker's until it makes the next one; the serial number and the agent are the entry's. */
struct state_made {
    struct state_cert cert; /* but for what is known by its place in the state */
    struct bytes agent, names, serial, issuer, key, signature;
};
struct state_maker {
    struct arena scratch;
    struct buf names, words;
};

struct state_word { /* texts that many rows share */
    uint8_t key[INVENTORY_ID_SIZE];
    struct text text;
    uint32_t issued, keyed; /* certificates that have it as their issuer, as their key */
};

struct state_sighting {
    uint32_t cert, face, agent;
    uint32_t next_of_cert, next_of_face;
    uint32_t next_of_agent, prev_of_agent; /* ROWS_NONE at the ends */
    uint32_t position;
    uint32_t look; /* of the face */
    uint64_t pass; /* of the agent */
    int64_t first_ms, last_ms;
};

struct state_face {
    uint8_t id[INVENTORY_ID_SIZE];
    uint32_t endpoint, agent;
    uint32_t next_of_endpoint;
    uint32_t sightings, leaf; /* ROWS_NONE: none */
    uint32_t look;            /* observations of it that were looks */
    struct text last;         /* the last observation, as in record.h; never empty once there */
    uint32_t last_room;       /* it is written over where the next one fits */
    int64_t first_ms, last_ms;
    uint64_t pass;
    enum model_outcome outcome;
    struct ip ip;
    struct text sni;
    enum model_asked asked;
};

struct state_endpoint {
    uint8_t id[INVENTORY_ID_SIZE];
    enum model_kind kind; /* this to protocol: struct model_endpoint */
    enum model_protocol protocol;
    struct ip ip;
    uint16_t port;
    uint32_t network; /* in state.words */
    struct text host, path;
    uint32_t agent, faces, faces_n, leaf;
    uint64_t pass; /* of the agent, that its state is of */
    enum model_outcome outcome;
    int64_t first_ms, last_ms;
};

struct state_agent {
    uint8_t id[INVENTORY_ID_SIZE];
    uint8_t key_id[SHA256_SIZE];
    uint8_t name_key[INVENTORY_ID_SIZE];
    struct text name, network, system, version, spki;
    struct text said_system, said_version; /* since its enrolment; not in the log. Empty: nothing */
    int64_t enrolled_ms, seen_ms, scan_ms;
    uint64_t passes, endpoints;
    struct text batches; /* a ring of the keys of the newest; its n is the room */
    uint32_t batches_n, batches_next;
    uint32_t requests;                        /* the newest one; ROWS_NONE */
    uint32_t pending;                         /* of them */
    uint32_t sightings, sightings_n;          /* that it saw last; ROWS_NONE */
    uint64_t targets_entry, targets_revision; /* revision 0: none were ever set */
    uint64_t rescan_entry;
    uint8_t rescan[INVENTORY_ID_SIZE];
    int64_t rescan_ms;
    bool has_rescan, rescan_done;
    bool disabled;
};

struct state_request {
    uint8_t id[INVENTORY_ID_SIZE];
    uint8_t replaces[SHA256_SIZE];
    uint64_t entry, outcome_entry; /* with the CSR; with the outcome's detail */
    uint32_t agent, next_of_agent;
    uint32_t profile, key, decided_by; /* in state.words */
    uint32_t cert;                     /* ROWS_NONE: not issued */
    struct text subject, names, reason;
    struct text chain; /* 32 bytes each */
    int64_t created_ms, decided_ms, issued_ms, outcome_ms;
    int32_t reload_exit;
    enum inventory_request_state state; /* never REVOKED: that is the certificate's */
    bool has_replaces, has_outcome, installed, has_exit;
};

struct state_revocation {
    uint32_t cert, by; /* by: in state.words */
    enum x509_reason reason;
    int64_t time_ms;
};

struct state_service {
    uint8_t id[INVENTORY_ID_SIZE];
    uint32_t owner;   /* in state.words */
    struct text tags; /* as in record.h */
    struct text notes;
};

struct state {
    struct rows certs, words, sightings, faces, endpoints, agents, requests, revocations, services;
    struct table by_sha256, by_names, by_word, by_face, by_endpoint, by_agent, by_key, by_name;
    struct table by_request, by_service, by_line;
    struct order certs_by_end, certs_by_name, certs_by_first, endpoints_by_name, endpoints_by_first;
    struct order requests_by_first;
    struct order certs_by_issuer, certs_by_spki, certs_by_serial; /* look-ups: plan.c */
    struct texts texts;
    struct texts names;   /* of certificates, in the order of their rows: texts that are searched */
    struct signs signs;   /* of what of the names is mapped */
    struct arena scratch; /* for one entry */
    struct state_maker maker;
    uint32_t recent[64]; /* words by a hash of their text, row + 1: most are asked for again */
    uint8_t seed[TABLE_SEED];
    uint64_t work; /* done by state_apply: certificates, observations and entries */
    uint64_t entries, skipped;
    uint64_t bad;        /* certificates that do not parse */
    uint64_t serial_max; /* bytes of the longest serial number */
    uint64_t endpoints_ok;
    uint64_t pending;          /* requests */
    uint64_t crl_number;       /* of the newest revocation list */
    struct carriers *carriers; /* NULL: nobody asks */
};

void state_init(struct state *s, const struct env *env);
void state_clear(struct state *s);
/* All that it consists of, but for texts and counts. */
enum { STATE_ROWS = 9, STATE_TABLES = 11, STATE_ORDERS = 9 };
struct state_parts {
    struct rows *rows[STATE_ROWS];
    struct table *tables[STATE_TABLES];
    struct order *orders[STATE_ORDERS];
};
struct state_parts state_parts(struct state *s);
/* Makes it empty, with the seed that it has: for what was filled with that (index.c). */
void state_init_seeded(struct state *s);

/* ERR_MEMORY: the state is incomplete and must not be used further. Entries that
 * are not understood are counted in `skipped`. */
enum err state_apply(struct state *s, const struct store_entry *e) MUST_CHECK;
/* The same for an entry of which a certificate has been made. */
enum err state_apply_made(struct state *s, const struct store_entry *e,
                          const struct state_made *made) MUST_CHECK;
/* Asks for the memory that this will need soon. */
void state_fetch_made(const struct state *s, const struct state_made *made);

/* places.c: one scan entry's observations. */
enum err state_apply_scan(struct state *s, const struct record_scan *r, int64_t time_ms) MUST_CHECK;

/* places.c: where an observation was made, and by which identities that place is found. */
void state_place_ids(const struct model_observation *o, struct bytes network,
                     const uint8_t agent[INVENTORY_ID_SIZE], struct model_face *face,
                     char ip_text[IP_TEXT_MAX], struct model_ids *ids);
/* places.c: a confirmation. */
enum err state_apply_confirmation(struct state *s, const struct record_confirmation *r,
                                  int64_t time_ms) MUST_CHECK;
/* Whether its faces are those that it means; before it is applied. */
bool state_confirmation_holds(const struct state *s, const struct record_confirmation *r,
                              const struct model_confirmed *items);
void state_faces_digest(const struct state *s, const struct model_confirmed *items, uint32_t n,
                        uint8_t out[INVENTORY_ID_SIZE]);
/* In which items are applied. */
void state_confirmed_order(struct model_confirmed *items, uint32_t n);
/* The observation that an item stands for, before it is applied: as bytes in `raw`, and read. */
bool state_confirmed(const struct state *s, const struct record_confirmation *r,
                     const struct model_confirmed *item, struct arena *a, struct buf *raw,
                     struct model_observation *out);

/* state_requests.c: entries of types 8 to 17. */
enum err state_apply_request(struct state *s, const struct store_entry *e) MUST_CHECK;

/* Puts a certificate that is alone in its line, and was never seen, into the line of
 * another; ROWS_NONE and itself are allowed. Before its first sighting is added. */
void state_join_line(struct state *s, uint32_t before, uint32_t now);

/* cert.c: subject, names and key of a request; texts into state.texts, the key a word.
 * ERR_FORMAT where the DER is no request. */
enum err state_read_request(struct state *s, struct bytes csr,
                            struct state_request *out) MUST_CHECK;

/* cert.c: the certificate's parsed fields; `bad` where it does not parse. ERR_MEMORY. */
void state_maker_init(struct state_maker *k);
void state_maker_clear(struct state_maker *k);
enum err state_make_cert(struct state_maker *k, const struct record_certificate *r,
                         struct state_made *out) MUST_CHECK;
/* The row, with its texts kept in the state. */
enum err state_keep_cert(struct state *s, const struct state_made *made,
                         struct state_cert *out) MUST_CHECK;

uint32_t state_word(struct state *s, struct bytes text); /* ROWS_NONE: no memory */

/* Keys of agents' names and of batches. */
void state_key(const char *kind, struct bytes a, struct bytes b, uint8_t out[INVENTORY_ID_SIZE]);
bool state_has_batch(const struct state *s, const struct state_agent *a,
                     const uint8_t key[INVENTORY_ID_SIZE]);

bool state_is_served(const struct state *s, const struct state_sighting *g);

struct state_cert *state_cert(const struct state *s, uint32_t i);
struct state_sighting *state_sighting(const struct state *s, uint32_t i);
struct state_face *state_face(const struct state *s, uint32_t i);
struct state_endpoint *state_endpoint(const struct state *s, uint32_t i);
struct state_agent *state_agent(const struct state *s, uint32_t i);
struct state_request *state_request(const struct state *s, uint32_t i);
struct state_revocation *state_revocation(const struct state *s, uint32_t i);
struct state_service *state_service(const struct state *s, uint32_t i);
/* With INVENTORY_REVOKED where the certificate was. */
enum inventory_request_state state_request_state(const struct state *s,
                                                 const struct state_request *r);

/* As it said them last. */
struct bytes state_agent_system(const struct state *s, const struct state_agent *a);
struct bytes state_agent_version(const struct state *s, const struct state_agent *a);
struct bytes state_cert_name(const struct state *s, const struct state_cert *c);
struct bytes state_cert_subject(const struct state *s, const struct state_cert *c);
struct bytes state_cert_names(const struct state *s, const struct state_cert *c);
struct bytes state_cert_serial(const struct state *s, const struct state_cert *c);
/* As the number that queries ask for: no zeros in front, cut where matching cuts. */
struct bytes state_serial_number(struct bytes serial);
struct bytes state_text(const struct state *s, struct text text);
enum err state_keep(struct state *s, struct bytes text, struct text *out) MUST_CHECK;
struct model_endpoint state_place(const struct state *s, const struct state_endpoint *e);
struct bytes state_word_text(const struct state *s, uint32_t i);

#endif
