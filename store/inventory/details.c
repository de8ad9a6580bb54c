/* One certificate, one endpoint, the counts. See inventory.h. */
#include "store/inventory/private.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, ENDING_DAYS = 30, BLOCK_MAX = 8 << 20 };

/* ---- Certificates ---- */

static enum err read_der(struct inventory *inv, uint64_t number, struct arena *a, struct bytes *der,
                         struct fault *f) {
    struct store_entry e;
    struct record_certificate r;
    struct buf room;
    buf_init(&room, BLOCK_MAX);
    enum err code = inventory_entry(inv, number, &room, &e, f);
    if (code == ERR_OK &&
        (e.is_dropped || e.type != RECORD_CERTIFICATE || !record_certificate_read(e.payload, &r)))
        code = fault_set(f, ERR_DAMAGED, "certificate", "entry %llu", (unsigned long long)number);
    if (code == ERR_OK) {
        *der = arena_copy(a, r.der);
        if (der->p == NULL)
            code = fault_set(f, a->err, "certificate", "no room");
    }
    buf_clear(&room);
    return code;
}

bool inventory_entry_der(const struct store_entry *e, struct bytes *der) {
    struct record_certificate r;
    if (e->is_dropped || e->type != RECORD_CERTIFICATE || e->version != RECORD_VERSION ||
        !record_certificate_read(e->payload, &r))
        return false;
    *der = r.der;
    return true;
}

static enum err not_stored(struct fault *f) {
    return fault_set(f, ERR_NOT_FOUND, "certificate", "not stored");
}

enum err inventory_cert_der(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                            struct arena *a, struct bytes *der, struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_sha256, sha256);
    uint64_t entry = i != ROWS_NONE ? state_cert(&inv->state, i)->entry : 0;
    inventory_unlock(inv);
    return i == ROWS_NONE ? not_stored(f) : read_der(inv, entry, a, der, f);
}

enum err inventory_cert_row(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                            struct arena *a, struct inventory_cert *out, struct fault *f) {
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_sha256, sha256);
    if (i != ROWS_NONE)
        inventory_copy_cert(&inv->state, i, a, out);
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return not_stored(f);
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "certificate", "no room");
}

enum err inventory_cert_get(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                            struct arena *a, struct inventory_cert_detail *out, struct fault *f) {
    const struct state *s = &inv->state;
    struct best *best = arena_alloc(a, sizeof *best);
    if (best == NULL)
        return fault_set(f, a->err, "certificate", "no room");
    memset(out, 0, sizeof *out);
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&s->by_sha256, sha256);
    if (i != ROWS_NONE) {
        inventory_copy_cert(s, i, a, &out->cert);
        for (uint32_t g = state_cert(s, i)->sightings; g != ROWS_NONE;
             g = state_sighting(s, g)->next_of_cert)
            best_add(s, best, g);
        out->sightings = best_copy(s, best, a, &out->sightings_n);
    }
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return not_stored(f);
    if (a->err != ERR_OK)
        return fault_set(f, a->err, "certificate", "no room");
    return read_der(inv, out->cert.entry, a, &out->der, f);
}

/* ---- Endpoints ---- */

static void copy_face(const struct state *s, uint32_t i, struct arena *a,
                      struct inventory_face *out) {
    const struct state_face *f = state_face(s, i);
    inventory_copy_agent_name(s, f->agent, a, out->agent, &out->agent_name);
    out->first_seen_ms = f->first_ms;
    out->last_seen_ms = f->last_ms;
    struct bytes last = arena_copy(a, state_text(s, f->last));
    if (last.p != NULL) /* it was read when it was applied */
        (void)record_observation_read(a, last, &out->last);
}

static void copy_endpoint(const struct state *s, uint32_t i, struct arena *a, struct best *best,
                          struct inventory_endpoint_detail *out) {
    const struct state_endpoint *e = state_endpoint(s, i);
    struct inventory_face *faces = arena_array(a, e->faces_n + (size_t)1, sizeof *faces);
    inventory_copy_endpoint(s, i, a, &out->endpoint);
    out->faces = faces;
    for (uint32_t k = e->faces; k != ROWS_NONE && faces != NULL;) {
        const struct state_face *f = state_face(s, k);
        if (f->last.n > 0)
            copy_face(s, k, a, &faces[out->faces_n++]);
        for (uint32_t g = f->sightings; g != ROWS_NONE; g = state_sighting(s, g)->next_of_face)
            best_add(s, best, g);
        k = f->next_of_endpoint;
    }
    out->sightings = best_copy(s, best, a, &out->sightings_n);
}

enum err inventory_endpoint_get(struct inventory *inv, const uint8_t id[INVENTORY_ID_SIZE],
                                struct arena *a, struct inventory_endpoint_detail *out,
                                struct fault *f) {
    struct best *best = arena_alloc(a, sizeof *best);
    if (best == NULL)
        return fault_set(f, a->err, "endpoint", "no room");
    memset(out, 0, sizeof *out);
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_endpoint, id);
    if (i != ROWS_NONE)
        copy_endpoint(&inv->state, i, a, best, out);
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return fault_set(f, ERR_NOT_FOUND, "endpoint", "not known");
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "endpoint", "no room");
}

/* ---- Counts ---- */

/* How many certificates end before the moment. */
static uint64_t ended_before(const struct state *s, int64_t at_s) {
    const struct order *o = &s->certs_by_end;
    size_t low = 0, high = o->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct state_cert *c = state_cert(s, o->items[middle]);
        if (c->has_not_after && c->not_after_s < at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void count_agents(const struct state *s, int64_t quiet_before_ms,
                         struct inventory_counts *out) {
    out->agents = s->agents.n;
    for (uint32_t i = 0; i < s->agents.n; i++) {
        const struct state_agent *a = state_agent(s, i);
        int64_t heard_ms = a->seen_ms > a->scan_ms ? a->seen_ms : a->scan_ms;
        if (heard_ms < a->enrolled_ms)
            heard_ms = a->enrolled_ms;
        out->disabled += a->disabled;
        out->quiet += !a->disabled && heard_ms < quiet_before_ms;
    }
}

void inventory_count(struct inventory *inv, int64_t now_ms, int64_t quiet_after_ms,
                     struct inventory_counts *out) {
    struct state *s = &inv->state;
    int64_t now_s = now_ms / 1000;
    memset(out, 0, sizeof *out);
    if (!inventory_lock_order(inv, &s->certs_by_end, NULL))
        return;
    out->certificates = s->certs.n;
    out->bad = s->bad;
    out->expired = ended_before(s, now_s);
    out->ending = ended_before(s, now_s + ENDING_DAYS * DAY_S) - out->expired;
    out->endpoints = s->endpoints.n;
    out->endpoints_ok = s->endpoints_ok;
    count_agents(s, now_ms - quiet_after_ms, out);
    out->requests = s->requests.n;
    out->pending = s->pending;
    out->entries = s->entries;
    out->skipped = s->skipped;
    inventory_unlock(inv);
    if (inv->log != NULL)
        store_log_size(inv->log, &out->log_bytes, &out->segments);
}

/* ---- Certificates of agents ---- */

/* A certificate counts once an agent, at however many places it was seen. */
static void count_sighters(const struct state *s, uint32_t cert, uint32_t agents, uint32_t *marks,
                           uint64_t *totals) {
    for (uint32_t i = state_cert(s, cert)->sightings; i != ROWS_NONE;) {
        const struct state_sighting *g = state_sighting(s, i);
        if (g->agent < agents && marks[g->agent] != cert + 1) {
            marks[g->agent] = cert + 1;
            totals[g->agent]++;
        }
        i = g->next_of_cert;
    }
}

enum err inventory_agents_certificates(struct inventory *inv, const struct inventory_agent *agents,
                                       size_t n, uint64_t *counts, struct fault *f) {
    struct state *s = &inv->state;
    enum err code = ERR_OK;
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t all = s->agents.n, certs = s->certs.n, looked = 0; /* what comes later counts later */
    uint32_t *marks = calloc(all + 1, sizeof *marks);
    uint64_t *totals = calloc(all + 1, sizeof *totals);
    if (marks == NULL || totals == NULL)
        code = fault_set(f, ERR_MEMORY, "agents", "%u", (unsigned)all);
    for (uint32_t cert = 0; code == ERR_OK && cert < certs; cert++) {
        count_sighters(s, cert, all, marks, totals);
        (void)inventory_breathe(inv, &looked);
    }
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        uint32_t at = table_find(&s->by_agent, agents[i].id);
        counts[i] = at < all ? totals[at] : 0;
    }
    inventory_unlock(inv);
    free(marks);
    free(totals);
    return code;
}
