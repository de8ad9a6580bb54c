/* Rows of the state as the structs of inventory.h, in the caller's arena. */
#include "store/inventory/private.h"

#include <string.h>

static struct bytes copy(struct arena *a, struct bytes b) {
    return b.n == 0 ? (struct bytes){NULL, 0} : arena_copy(a, b);
}

void inventory_copy_agent_name(const struct state *s, uint32_t i, struct arena *a,
                               uint8_t id[INVENTORY_ID_SIZE], struct bytes *name) {
    memset(id, 0, INVENTORY_ID_SIZE);
    *name = (struct bytes){NULL, 0};
    if (i == ROWS_NONE)
        return;
    memcpy(id, state_agent(s, i)->id, INVENTORY_ID_SIZE);
    *name = copy(a, state_text(s, state_agent(s, i)->name));
}

void inventory_view_cert(const struct state *s, uint32_t i, struct inventory_cert *out) {
    const struct state_cert *c = state_cert(s, i);
    memset(out, 0, sizeof *out);
    memcpy(out->sha256, c->sha256, SHA256_SIZE);
    memcpy(out->spki_sha256, c->spki_sha256, SHA256_SIZE);
    memcpy(out->service, c->service, INVENTORY_ID_SIZE);
    out->name = state_cert_name(s, c);
    out->subject = state_cert_subject(s, c);
    out->issuer = state_word_text(s, c->issuer);
    out->serial = state_cert_serial(s, c);
    out->names = state_cert_names(s, c);
    out->key = state_word_text(s, c->key);
    out->signature_algorithm = state_word_text(s, c->signature);
    out->has_not_before = c->has_not_before;
    out->has_not_after = c->has_not_after;
    out->not_before_s = c->not_before_s;
    out->not_after_s = c->not_after_s;
    out->is_ca = c->is_ca;
    out->self_signed = c->bad ? X509_UNKNOWN : (enum x509_answer)c->self_signed;
    out->bad = c->bad;
    out->first_seen_ms = c->first_ms;
    out->last_seen_ms = c->last_ms;
    out->places = c->places;
    out->entry = c->entry;
    if (c->first_agent != ROWS_NONE)
        memcpy(out->first_agent, state_agent(s, c->first_agent)->id, INVENTORY_ID_SIZE);
    for (uint32_t g = c->sightings; g != ROWS_NONE; g = state_sighting(s, g)->next_of_cert)
        out->served += state_is_served(s, state_sighting(s, g));
    uint32_t service = s->services.n > 0 ? table_find(&s->by_service, c->service) : ROWS_NONE;
    if (service != ROWS_NONE)
        out->owner = state_word_text(s, state_service(s, service)->owner);
    out->is_issued = c->request != ROWS_NONE;
    out->is_revoked = c->revocation != ROWS_NONE;
    out->not_yet_served = out->is_issued && !out->is_revoked && c->sightings == ROWS_NONE;
}

void inventory_copy_cert(const struct state *s, uint32_t i, struct arena *a,
                         struct inventory_cert *out) {
    inventory_view_cert(s, i, out);
    struct bytes *texts[] = {&out->name,
                             &out->subject,
                             &out->issuer,
                             &out->serial,
                             &out->names,
                             &out->key,
                             &out->signature_algorithm,
                             &out->owner};
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
        *texts[k] = copy(a, *texts[k]);
}

static bool is_served(const struct state *s, uint32_t cert) {
    for (uint32_t g = state_cert(s, cert)->sightings; g != ROWS_NONE;
         g = state_sighting(s, g)->next_of_cert)
        if (state_is_served(s, state_sighting(s, g)))
            return true;
    return false;
}

void inventory_copy_request(const struct state *s, uint32_t i, struct arena *a,
                            struct inventory_request *out) {
    const struct state_request *r = state_request(s, i);
    memset(out, 0, sizeof *out);
    memcpy(out->id, r->id, INVENTORY_ID_SIZE);
    inventory_copy_agent_name(s, r->agent, a, out->agent, &out->agent_name);
    out->state = state_request_state(s, r);
    out->profile = copy(a, state_word_text(s, r->profile));
    out->subject = copy(a, state_text(s, r->subject));
    out->names = copy(a, state_text(s, r->names));
    out->key = copy(a, state_word_text(s, r->key));
    out->created_ms = r->created_ms;
    out->decided_ms = r->decided_ms;
    out->decided_by = copy(a, state_word_text(s, r->decided_by));
    out->reason = copy(a, state_text(s, r->reason));
    out->has_replaces = r->has_replaces;
    memcpy(out->replaces, r->replaces, SHA256_SIZE);
    out->has_outcome = r->has_outcome;
    out->installed = r->installed;
    out->has_exit = r->has_exit;
    out->reload_exit = r->reload_exit;
    out->outcome_ms = r->outcome_ms;
    out->has_cert = r->cert != ROWS_NONE;
    if (!out->has_cert)
        return;
    memcpy(out->cert, state_cert(s, r->cert)->sha256, SHA256_SIZE);
    out->issued_ms = r->issued_ms;
    out->served = is_served(s, r->cert);
    struct bytes hashes = state_text(s, r->chain);
    uint8_t(*chain)[SHA256_SIZE] = arena_alloc(a, hashes.n + 1);
    if (chain == NULL)
        return;
    if (hashes.n > 0)
        memcpy(chain, hashes.p, hashes.n);
    out->chain = (const uint8_t(*)[SHA256_SIZE])chain;
    out->chain_n = r->chain.n / SHA256_SIZE;
}

static struct model_endpoint copy_place(const struct state *s, const struct state_endpoint *e,
                                        struct arena *a) {
    struct model_endpoint out = state_place(s, e);
    out.network = copy(a, out.network);
    out.host = copy(a, out.host);
    out.path = copy(a, out.path);
    return out;
}

void inventory_copy_endpoint(const struct state *s, uint32_t i, struct arena *a,
                             struct inventory_endpoint *out) {
    const struct state_endpoint *e = state_endpoint(s, i);
    memset(out, 0, sizeof *out);
    memcpy(out->id, e->id, INVENTORY_ID_SIZE);
    out->place = copy_place(s, e, a);
    inventory_copy_agent_name(s, e->agent, a, out->agent, &out->agent_name);
    out->first_seen_ms = e->first_ms;
    out->last_seen_ms = e->last_ms;
    out->outcome = e->outcome;
    out->faces = e->faces_n;
    out->has_leaf = e->leaf != ROWS_NONE;
    if (!out->has_leaf)
        return;
    const struct state_cert *c = state_cert(s, e->leaf);
    memcpy(out->leaf, c->sha256, SHA256_SIZE);
    out->leaf_name = copy(a, state_cert_name(s, c));
    out->leaf_has_not_after = c->has_not_after;
    out->leaf_not_after_s = c->not_after_s;
}

void inventory_copy_agent(const struct state *s, uint32_t i, struct arena *a,
                          struct inventory_agent *out) {
    const struct state_agent *g = state_agent(s, i);
    memset(out, 0, sizeof *out);
    memcpy(out->id, g->id, INVENTORY_ID_SIZE);
    memcpy(out->key_id, g->key_id, SHA256_SIZE);
    out->name = copy(a, state_text(s, g->name));
    out->network = copy(a, state_text(s, g->network));
    out->system = copy(a, state_agent_system(s, g));
    out->version = copy(a, state_agent_version(s, g));
    out->spki = copy(a, state_text(s, g->spki));
    out->enrolled_ms = g->enrolled_ms;
    out->seen_ms = g->seen_ms;
    out->scan_ms = g->scan_ms;
    out->passes = g->passes;
    out->disabled = g->disabled;
    out->endpoints = g->endpoints;
}

static void copy_sighting(const struct state *s, uint32_t i, struct arena *a,
                          struct inventory_sighting *out) {
    const struct state_sighting *g = state_sighting(s, i);
    const struct state_face *f = state_face(s, g->face);
    const struct state_endpoint *e = state_endpoint(s, f->endpoint);
    const struct state_cert *c = state_cert(s, g->cert);
    memset(out, 0, sizeof *out);
    memcpy(out->cert, c->sha256, SHA256_SIZE);
    out->cert_name = copy(a, state_cert_name(s, c));
    out->position = g->position;
    memcpy(out->endpoint, e->id, INVENTORY_ID_SIZE);
    out->face.endpoint = copy_place(s, e, a);
    out->face.ip = f->ip;
    out->face.sni = copy(a, state_text(s, f->sni));
    out->face.asked = f->asked;
    inventory_copy_agent_name(s, g->agent, a, out->agent, &out->agent_name);
    out->first_ms = g->first_ms;
    out->last_ms = g->last_ms;
    out->served = state_is_served(s, g);
}

/* ---- The best of many sightings ---- */

/* Served ones first, then newest first; the index decides where all is equal. */
static bool is_before(const struct state *s, uint32_t a, uint32_t b) {
    const struct state_sighting *x = state_sighting(s, a), *y = state_sighting(s, b);
    bool served_x = state_is_served(s, x), served_y = state_is_served(s, y);
    if (served_x != served_y)
        return served_x;
    if (x->last_ms != y->last_ms)
        return x->last_ms > y->last_ms;
    return a < b;
}

/* A heap whose root is the worst of the best so far. */
static void sink(const struct state *s, uint32_t *heap, size_t n, size_t at) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n)
            return;
        if (child + 1 < n && is_before(s, heap[child], heap[child + 1]))
            child++;
        if (!is_before(s, heap[at], heap[child]))
            return;
        uint32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

void best_add(const struct state *s, struct best *b, uint32_t sighting) {
    if (b->n < INVENTORY_SIGHTINGS_MAX) {
        size_t at = b->n++;
        b->heap[at] = sighting;
        while (at > 0 && is_before(s, b->heap[(at - 1) / 2], b->heap[at])) {
            uint32_t swap = b->heap[at];
            b->heap[at] = b->heap[(at - 1) / 2];
            b->heap[(at - 1) / 2] = swap;
            at = (at - 1) / 2;
        }
    } else if (is_before(s, sighting, b->heap[0])) {
        b->heap[0] = sighting;
        sink(s, b->heap, b->n, 0);
    }
}

struct inventory_sighting *best_copy(const struct state *s, struct best *b, struct arena *a,
                                     size_t *n) {
    struct inventory_sighting *out = arena_array(a, b->n + 1, sizeof *out);
    *n = 0;
    if (out == NULL)
        return NULL;
    *n = b->n;
    while (b->n > 0) { /* the worst goes to the end */
        copy_sighting(s, b->heap[0], a, &out[b->n - 1]);
        b->heap[0] = b->heap[--b->n];
        sink(s, b->heap, b->n, 0);
    }
    return out;
}
