/* Requests: added, decided, issued; look-ups. See requests.h. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <string.h>

static const char *const state_names[INVENTORY_REQUEST_STATES] = {
    [INVENTORY_PENDING] = "pending", [INVENTORY_APPROVED] = "approved",
    [INVENTORY_ISSUED] = "issued",   [INVENTORY_REFUSED] = "refused",
    [INVENTORY_REVOKED] = "revoked",
};

enum { BLOCK_MAX = 8 << 20 };

const char *inventory_request_state_name(enum inventory_request_state state) {
    return state_names[state];
}

bool inventory_request_state_read(struct bytes name, enum inventory_request_state *out) {
    for (int i = 0; i < INVENTORY_REQUEST_STATES; i++)
        if (bytes_is(name, state_names[i])) {
            *out = (enum inventory_request_state)i;
            return true;
        }
    return false;
}

static struct bytes id_of(const uint8_t *id) {
    return bytes_of(id, INVENTORY_ID_SIZE);
}

static enum err not_found(struct fault *f) {
    return fault_set(f, ERR_NOT_FOUND, "request", "not known");
}

/* ---- Changes ---- */

static enum err check_asked(struct inventory *inv, const struct inventory_asked *asked,
                            struct fault *f) {
    const struct state *s = &inv->state;
    enum err code = ERR_OK;
    if (asked->csr.n == 0 || asked->csr.n > INVENTORY_CSR_MAX)
        return fault_set(f, ERR_LIMIT, "csr", "1 to %d bytes", INVENTORY_CSR_MAX);
    if (asked->profile.n > INVENTORY_TEXT_MAX)
        return fault_set(f, ERR_USAGE, "profile", "at most %d bytes", INVENTORY_TEXT_MAX);
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t agent = table_find(&s->by_agent, asked->agent);
    if (agent == ROWS_NONE)
        code = fault_set(f, ERR_NOT_FOUND, "agent", "not enrolled");
    else if (table_find(&s->by_request, asked->id) != ROWS_NONE)
        code = fault_set(f, ERR_EXISTS, "request", "the id is in use");
    else if (state_agent(s, agent)->pending >= INVENTORY_PENDING_MAX)
        code = fault_set(f, ERR_BUSY, "request", "%d of this agent wait for a decision already",
                         INVENTORY_PENDING_MAX);
    inventory_unlock(inv);
    return code;
}

enum err inventory_request_add(struct inventory *inv, const struct inventory_asked *asked,
                               const struct inventory_audit *act, struct fault *f) {
    struct change *c;
    struct entries e;
    enum err code = change_begin_of(inv, "request", id_of(asked->id), &c, f);
    if (code != ERR_OK)
        return code;
    code = check_asked(inv, asked, f);
    if (code != ERR_OK) {
        change_drop(c);
        return code;
    }
    struct record_request r = {
        .id = id_of(asked->id),
        .agent = id_of(asked->agent),
        .profile = asked->profile,
        .replaces = bytes_of(asked->replaces, asked->replaces != NULL ? SHA256_SIZE : 0),
        .csr = asked->csr};
    entries_init(&e);
    record_request_write(&r, &e.bytes);
    entries_end(&e, RECORD_REQUEST);
    entries_audit(&e, act);
    return entries_submit(&e, c, f);
}

/* Begins a change of a request that must be in one of these states (bits). */
static enum err begin_in_state(struct inventory *inv, const uint8_t *id, unsigned wanted,
                               struct change **c, struct fault *f) {
    enum inventory_request_state now = INVENTORY_PENDING;
    enum err code = change_begin_of(inv, "request", id_of(id), c, f);
    if (code != ERR_OK)
        return code;
    if (!inventory_lock(inv, f)) {
        change_drop(*c);
        return ERR_MEMORY;
    }
    uint32_t i = table_find(&inv->state.by_request, id);
    if (i != ROWS_NONE)
        now = state_request_state(&inv->state, state_request(&inv->state, i));
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        code = not_found(f);
    else if ((wanted & 1u << now) == 0)
        code = fault_set(f, ERR_CONFLICT, "request", "it is %s", state_names[now]);
    if (code != ERR_OK)
        change_drop(*c);
    return code;
}

enum err inventory_request_decide(struct inventory *inv, const uint8_t *id, bool approved,
                                  struct bytes who, struct bytes reason,
                                  const struct inventory_audit *act, struct fault *f) {
    struct change *c;
    struct entries e;
    if (who.n > INVENTORY_TEXT_MAX || reason.n > INVENTORY_REASON_MAX || !utf8_valid(reason))
        return fault_set(f, ERR_USAGE, "reason", "at most %d bytes", INVENTORY_REASON_MAX);
    unsigned wanted = 1u << INVENTORY_PENDING | (approved ? 0 : 1u << INVENTORY_APPROVED);
    enum err code = begin_in_state(inv, id, wanted, &c, f);
    if (code != ERR_OK)
        return code;
    struct record_decision r = {
        .id = id_of(id), .who = who, .reason = reason, .approved = approved};
    entries_init(&e);
    record_decision_write(&r, &e.bytes);
    entries_end(&e, RECORD_DECISION);
    entries_audit(&e, act);
    return entries_submit(&e, c, f);
}

/* An entry of type 1, where the certificate has none yet. */
static enum err put_certificate(struct inventory *inv, struct entries *e, struct bytes der,
                                uint8_t sha256[SHA256_SIZE], struct fault *f) {
    static const uint8_t nobody[INVENTORY_ID_SIZE] = {0};
    struct x509_cert cert;
    struct arena a;
    if (der.n == 0 || der.n > X509_DER_MAX)
        return fault_set(f, ERR_LIMIT, "certificate", "1 to %d bytes", X509_DER_MAX);
    hash_of(HASH_SHA256, der, sha256);
    bool has = false;
    inventory_known(inv, (const uint8_t(*)[SHA256_SIZE])sha256, 1, &has);
    if (has)
        return ERR_OK;
    arena_init(&a, (size_t)16 << 20);
    enum err code = x509_cert_read(&a, der, &cert, f);
    if (code == ERR_OK) {
        struct record_certificate r = {.agent = bytes_of(nobody, sizeof nobody),
                                       .der = der,
                                       .self_signed = x509_cert_self_signed(&cert)};
        record_certificate_write(&r, &e->bytes);
        entries_end(e, RECORD_CERTIFICATE);
    }
    arena_clear(&a);
    return code;
}

static enum err put_issued(struct inventory *inv, struct entries *e, const uint8_t *id,
                           struct bytes certificate, const struct bytes *chain, size_t chain_n,
                           struct fault *f) {
    uint8_t hashes[INVENTORY_ISSUED_CHAIN_MAX][SHA256_SIZE], leaf[SHA256_SIZE];
    enum err code = ERR_OK;
    if (chain_n > INVENTORY_ISSUED_CHAIN_MAX)
        return fault_set(f, ERR_LIMIT, "chain", "at most %d", INVENTORY_ISSUED_CHAIN_MAX);
    for (size_t i = 0; i < chain_n && code == ERR_OK; i++)
        code = put_certificate(inv, e, chain[i], hashes[i], f);
    if (code == ERR_OK)
        code = put_certificate(inv, e, certificate, leaf, f);
    if (code != ERR_OK)
        return code;
    struct record_issued r = {.id = id_of(id),
                              .sha256 = bytes_of(leaf, SHA256_SIZE),
                              .chain = bytes_of(hashes, chain_n * SHA256_SIZE)};
    record_issued_write(&r, &e->bytes);
    entries_end(e, RECORD_ISSUED);
    return ERR_OK;
}

enum err inventory_request_issue(struct inventory *inv, const uint8_t *id, struct bytes certificate,
                                 const struct bytes *chain, size_t chain_n,
                                 const struct inventory_audit *act, struct fault *f) {
    struct change *c;
    struct entries e;
    enum err code = begin_in_state(inv, id, 1u << INVENTORY_APPROVED, &c, f);
    if (code != ERR_OK)
        return code;
    entries_init(&e);
    code = put_issued(inv, &e, id, certificate, chain, chain_n, f);
    if (code != ERR_OK) {
        buf_clear(&e.bytes);
        change_drop(c);
        return code;
    }
    entries_audit(&e, act);
    return entries_submit(&e, c, f);
}

/* ---- Outcomes ---- */

/* The detail of an outcome's entry, in the arena. */
static enum err read_outcome(struct inventory *inv, uint64_t number, struct arena *a,
                             struct bytes *detail, struct fault *f) {
    struct store_entry entry;
    struct record_outcome r;
    struct buf room;
    buf_init(&room, BLOCK_MAX);
    enum err code = inventory_entry(inv, number, &room, &entry, f);
    if (code == ERR_OK && (entry.type != RECORD_OUTCOME || !record_outcome_read(entry.payload, &r)))
        code = fault_set(f, ERR_DAMAGED, "outcome", "entry %llu", (unsigned long long)number);
    if (code == ERR_OK)
        *detail = arena_copy(a, r.detail);
    buf_clear(&room);
    return code;
}

static bool is_same(const struct inventory_request_detail *d, const struct inventory_outcome *o) {
    const struct inventory_request *r = &d->request;
    return r->has_outcome && r->installed == o->installed && r->has_exit == o->has_exit &&
           r->reload_exit == o->reload_exit && bytes_equal(d->outcome_detail, o->detail);
}

static enum err check_outcome(struct inventory *inv, const uint8_t *id,
                              const struct inventory_outcome *o, bool *same, struct fault *f) {
    struct inventory_request_detail d;
    struct arena a;
    if (o->detail.n > INVENTORY_OUTCOME_MAX || !utf8_valid(o->detail))
        return fault_set(f, ERR_USAGE, "detail", "at most %d bytes of UTF-8",
                         INVENTORY_OUTCOME_MAX);
    arena_init(&a, (size_t)32 << 20);
    enum err code = inventory_request_get(inv, id, &a, &d, f);
    if (code == ERR_OK && !d.request.has_cert)
        code = fault_set(f, ERR_CONFLICT, "request", "it is %s", state_names[d.request.state]);
    *same = code == ERR_OK && is_same(&d, o);
    arena_clear(&a);
    return code;
}

enum err inventory_request_outcome(struct inventory *inv, const uint8_t *id,
                                   const struct inventory_outcome *outcome, struct fault *f) {
    struct change *c;
    struct entries e;
    bool same = false;
    enum err code = check_outcome(inv, id, outcome, &same, f);
    if (code != ERR_OK || same)
        return code;
    code = change_begin_of(inv, "request", id_of(id), &c, f);
    if (code != ERR_OK)
        return code;
    struct record_outcome r = {.id = id_of(id),
                               .detail = outcome->detail,
                               .installed = outcome->installed,
                               .has_exit = outcome->has_exit,
                               .reload_exit = outcome->reload_exit};
    entries_init(&e);
    record_outcome_write(&r, &e.bytes);
    entries_end(&e, RECORD_OUTCOME);
    return entries_submit(&e, c, f);
}

/* ---- Look-ups ---- */

static enum err read_csr(struct inventory *inv, uint64_t number, struct arena *a, struct bytes *csr,
                         struct fault *f) {
    struct store_entry entry;
    struct record_request r;
    struct buf room;
    buf_init(&room, BLOCK_MAX);
    enum err code = inventory_entry(inv, number, &room, &entry, f);
    if (code == ERR_OK && (entry.type != RECORD_REQUEST || !record_request_read(entry.payload, &r)))
        code = fault_set(f, ERR_DAMAGED, "request", "entry %llu", (unsigned long long)number);
    if (code == ERR_OK)
        *csr = arena_copy(a, r.csr);
    buf_clear(&room);
    return code;
}

enum err inventory_request_get(struct inventory *inv, const uint8_t *id, struct arena *a,
                               struct inventory_request_detail *out, struct fault *f) {
    const struct state *s = &inv->state;
    uint64_t entry = 0, outcome = 0;
    memset(out, 0, sizeof *out);
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&s->by_request, id);
    if (i != ROWS_NONE) {
        inventory_copy_request(s, i, a, &out->request);
        entry = state_request(s, i)->entry;
        outcome = state_request(s, i)->outcome_entry;
    }
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return not_found(f);
    enum err code = read_csr(inv, entry, a, &out->csr, f);
    if (code == ERR_OK && out->request.has_outcome)
        code = read_outcome(inv, outcome, a, &out->outcome_detail, f);
    if (code == ERR_OK && a->err != ERR_OK)
        code = fault_set(f, a->err, "request", "no room");
    return code;
}
