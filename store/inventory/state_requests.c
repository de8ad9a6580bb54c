/* Requests, revocations, services and agents' work applied. See state.h.
 *
 * An entry that speaks of something that is not there (its own entry was in a part that is
 * damaged) is counted as skipped, as one that cannot be read is.
 */
#include "store/inventory/state.h"

#include <string.h>

enum inventory_request_state state_request_state(const struct state *s,
                                                 const struct state_request *r) {
    bool is_revoked = r->cert != ROWS_NONE && state_cert(s, r->cert)->revocation != ROWS_NONE;
    return is_revoked ? INVENTORY_REVOKED : r->state;
}

static enum err skip(struct state *s) {
    s->skipped++;
    return ERR_OK;
}

static enum err keep_word(struct state *s, struct bytes text, uint32_t *out) {
    *out = state_word(s, text);
    return *out == ROWS_NONE ? ERR_MEMORY : ERR_OK;
}

/* ---- Requests ---- */

static enum err add_request(struct state *s, const struct state_request *made) {
    struct state_request *r = rows_add(&s->requests);
    if (r == NULL)
        return ERR_MEMORY;
    *r = *made;
    uint32_t i = s->requests.n - 1;
    struct state_agent *a = state_agent(s, r->agent);
    r->next_of_agent = a->requests;
    a->requests = i;
    a->pending++;
    s->pending++;
    return table_add(&s->by_request, i);
}

static enum err apply_asked(struct state *s, const struct store_entry *e) {
    struct record_request r;
    struct state_request made = {.entry = e->number, .created_ms = e->time_ms, .cert = ROWS_NONE};
    if (!record_request_read(e->payload, &r) || table_find(&s->by_request, r.id.p) != ROWS_NONE)
        return skip(s);
    made.agent = table_find(&s->by_agent, r.agent.p);
    if (made.agent == ROWS_NONE)
        return skip(s);
    memcpy(made.id, r.id.p, INVENTORY_ID_SIZE);
    made.has_replaces = r.replaces.n > 0;
    if (made.has_replaces)
        memcpy(made.replaces, r.replaces.p, SHA256_SIZE);
    enum err code = state_read_request(s, r.csr, &made);
    if (code == ERR_FORMAT)
        return skip(s);
    if (code == ERR_OK)
        code = keep_word(s, r.profile, &made.profile);
    if (code == ERR_OK)
        code = keep_word(s, (struct bytes){NULL, 0}, &made.decided_by);
    return code == ERR_OK ? add_request(s, &made) : code;
}

static void no_longer_pending(struct state *s, struct state_request *r) {
    if (r->state != INVENTORY_PENDING)
        return;
    s->pending--;
    state_agent(s, r->agent)->pending--;
}

static enum err apply_decision(struct state *s, const struct store_entry *e) {
    struct record_decision d;
    uint32_t i = ROWS_NONE;
    if (record_decision_read(e->payload, &d))
        i = table_find(&s->by_request, d.id.p);
    if (i == ROWS_NONE || state_request(s, i)->state == INVENTORY_ISSUED)
        return skip(s);
    struct state_request *r = state_request(s, i);
    no_longer_pending(s, r);
    r->state = d.approved ? INVENTORY_APPROVED : INVENTORY_REFUSED;
    r->decided_ms = e->time_ms;
    enum err code = keep_word(s, d.who, &r->decided_by);
    return code == ERR_OK ? state_keep(s, d.reason, &r->reason) : code;
}

static enum err apply_issued(struct state *s, const struct store_entry *e) {
    struct record_issued d;
    uint32_t i = ROWS_NONE, cert = ROWS_NONE;
    if (record_issued_read(e->payload, &d)) {
        i = table_find(&s->by_request, d.id.p);
        cert = table_find(&s->by_sha256, d.sha256.p);
    }
    if (i == ROWS_NONE || cert == ROWS_NONE || state_request(s, i)->cert != ROWS_NONE)
        return skip(s);
    struct state_request *r = state_request(s, i);
    no_longer_pending(s, r);
    r->state = INVENTORY_ISSUED;
    r->issued_ms = e->time_ms;
    r->cert = cert;
    state_cert(s, cert)->request = i;
    if (r->has_replaces)
        state_join_line(s, table_find(&s->by_sha256, r->replaces), cert);
    return state_keep(s, d.chain, &r->chain);
}

static enum err apply_outcome(struct state *s, const struct store_entry *e) {
    struct record_outcome d;
    uint32_t i = ROWS_NONE;
    if (record_outcome_read(e->payload, &d))
        i = table_find(&s->by_request, d.id.p);
    if (i == ROWS_NONE)
        return skip(s);
    struct state_request *r = state_request(s, i);
    r->has_outcome = true;
    r->installed = d.installed;
    r->has_exit = d.has_exit;
    r->reload_exit = d.reload_exit;
    r->outcome_ms = e->time_ms;
    r->outcome_entry = e->number;
    return ERR_OK;
}

/* ---- Revocation ---- */

static enum err apply_revoked(struct state *s, const struct store_entry *e) {
    struct record_revoked d;
    enum x509_reason reason;
    uint32_t cert = ROWS_NONE;
    if (record_revoked_read(e->payload, &d) && x509_reason_read(d.reason, &reason))
        cert = table_find(&s->by_sha256, d.sha256.p);
    if (cert == ROWS_NONE || state_cert(s, cert)->revocation != ROWS_NONE)
        return skip(s);
    struct state_revocation *r = rows_add(&s->revocations);
    if (r == NULL)
        return ERR_MEMORY;
    r->cert = cert;
    r->reason = reason;
    r->time_ms = e->time_ms;
    state_cert(s, cert)->revocation = s->revocations.n - 1;
    return keep_word(s, d.who, &r->by);
}

static enum err apply_crl(struct state *s, const struct store_entry *e) {
    uint64_t number;
    if (!record_crl_read(e->payload, &number))
        return skip(s);
    if (number > s->crl_number)
        s->crl_number = number;
    return ERR_OK;
}

/* ---- Services ---- */

static enum err apply_service(struct state *s, const struct store_entry *e) {
    struct record_service d;
    if (!record_service_read(e->payload, &d))
        return skip(s);
    uint32_t i = table_find(&s->by_service, d.id.p);
    enum err code = ERR_OK;
    if (i == ROWS_NONE) {
        struct state_service *made = rows_add(&s->services);
        if (made == NULL)
            return ERR_MEMORY;
        memcpy(made->id, d.id.p, INVENTORY_ID_SIZE);
        i = s->services.n - 1;
        code = table_add(&s->by_service, i);
    }
    struct state_service *r = state_service(s, i);
    if (code == ERR_OK)
        code = keep_word(s, d.owner, &r->owner);
    if (code == ERR_OK && !bytes_equal(state_text(s, r->tags), d.tags))
        code = state_keep(s, d.tags, &r->tags);
    if (code == ERR_OK && !bytes_equal(state_text(s, r->notes), d.notes))
        code = state_keep(s, d.notes, &r->notes);
    return code;
}

/* ---- Work ---- */

static void rescan(struct state_agent *a, const struct record_work *d,
                   const struct store_entry *e) {
    memcpy(a->rescan, d->id.p, INVENTORY_ID_SIZE);
    a->rescan_entry = e->number;
    a->rescan_ms = e->time_ms;
    a->has_rescan = true;
    a->rescan_done = false;
}

static enum err apply_work(struct state *s, const struct store_entry *e) {
    struct record_work d;
    uint32_t i = ROWS_NONE;
    if (record_work_read((enum record_type)e->type, e->payload, &d))
        i = table_find(&s->by_agent, d.agent.p);
    if (i == ROWS_NONE)
        return skip(s);
    struct state_agent *a = state_agent(s, i);
    if (e->type == RECORD_TARGETS) {
        a->targets_entry = e->number;
        a->targets_revision++;
    } else if (e->type == RECORD_RESCAN) {
        rescan(a, &d, e);
    } else {
        a->rescan_done |= a->has_rescan && memcmp(a->rescan, d.id.p, INVENTORY_ID_SIZE) == 0;
    }
    return ERR_OK;
}

enum err state_apply_request(struct state *s, const struct store_entry *e) {
    switch (e->type) {
    case RECORD_REQUEST:
        return apply_asked(s, e);
    case RECORD_DECISION:
        return apply_decision(s, e);
    case RECORD_ISSUED:
        return apply_issued(s, e);
    case RECORD_OUTCOME:
        return apply_outcome(s, e);
    case RECORD_REVOKED:
        return apply_revoked(s, e);
    case RECORD_CRL:
        return apply_crl(s, e);
    case RECORD_SERVICE:
        return apply_service(s, e);
    default:
        return apply_work(s, e);
    }
}
