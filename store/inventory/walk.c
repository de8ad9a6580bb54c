/* The whole log once more, for exports: what was seen, and the certificates with
 * their bytes. See inventory.h. */
#include "store/inventory/private.h"

#include <stdlib.h>

struct walk {
    struct inventory *inv;
    uint32_t row;        /* the next certificate that the log should have */
    struct arena arena;  /* for one item */
    struct state *state; /* what the entries before add up to; of observations alone */
    inventory_visit *visit;
    inventory_visit_cert *visit_cert;
    inventory_visit_audit *visit_audit;
    void *context;
};

/* False ends the walk. */
static bool take_scan(struct walk *w, const struct store_entry *e) {
    struct record_scan r;
    if (!record_scan_read(e->payload, &r))
        return true;
    struct cur c = cur_open(r.observations);
    for (uint32_t i = 0; i < r.n; i++) {
        struct model_observation o;
        arena_reset(&w->arena);
        bool is_read = record_observation_read(&w->arena, cur_vec24(&c), &o);
        if (w->arena.err != ERR_OK || (is_read && !w->visit(w->context, r.agent.p, e->time_ms, &o)))
            return false;
    }
    return true;
}

/* What is confirmed is told whole, as it was before. */
static bool take_confirmation(struct walk *w, const struct store_entry *e) {
    struct record_confirmation r;
    if (!record_confirmation_read(e->payload, &r))
        return true;
    struct model_confirmed *items = calloc((size_t)r.n + 1, sizeof *items);
    struct buf raw;
    bool goes_on = true;
    buf_init(&raw, RECORD_OBSERVATION_MAX);
    if (items != NULL)
        record_confirmation_items(&r, items);
    for (uint32_t i = 0; goes_on && items != NULL && i < r.n; i++) {
        struct model_observation o;
        if (i == 0 && !state_confirmation_holds(w->state, &r, items))
            break;
        arena_reset(&w->arena);
        bool is_read = state_confirmed(w->state, &r, &items[i], &w->arena, &raw, &o);
        if (w->arena.err != ERR_OK || (is_read && !w->visit(w->context, r.agent.p, e->time_ms, &o)))
            goes_on = false;
    }
    if (items == NULL)
        w->arena.err = ERR_MEMORY;
    buf_clear(&raw);
    free(items);
    return goes_on;
}

/* Rows are in the order of their entries. One that is no row's was stored twice: the first one
 * counts. */
static bool take_cert(struct walk *w, const struct store_entry *e) {
    const struct state *s = &w->inv->state;
    struct record_certificate r;
    struct inventory_cert cert;
    while (w->row < s->certs.n && state_cert(s, w->row)->entry < e->number)
        w->row++;
    if (w->row == s->certs.n || state_cert(s, w->row)->entry != e->number ||
        !record_certificate_read(e->payload, &r))
        return true;
    inventory_view_cert(s, w->row, &cert);
    return w->visit_cert(w->context, &cert, r.der);
}

static bool take_audit(struct walk *w, const struct store_entry *e) {
    struct record_audit r;
    if (!record_audit_read(e->payload, &r))
        return true;
    struct inventory_audit act = {e->time_ms, r.actor, r.verb, r.object, r.detail};
    return w->visit_audit(w->context, &act);
}

static bool take(struct walk *w, enum record_type type, const struct store_entry *e) {
    switch (type) {
    case RECORD_SCAN:
        return take_scan(w, e);
    case RECORD_CONFIRMATION:
        return take_confirmation(w, e);
    case RECORD_AUDIT:
        return take_audit(w, e);
    default:
        return take_cert(w, e);
    }
}

static enum err walk(struct walk *w, enum record_type type, struct fault *f) {
    struct inventory *inv = w->inv;
    struct store_entry e;
    enum err code = ERR_OK;
    if (inv->reader == NULL)
        return fault_set(f, ERR_UNSUPPORTED, "inventory", "open for writing");
    arena_init(&w->arena, (size_t)64 << 20);
    mutex_lock(inv->reading);
    store_reader_rewind(inv->reader);
    inv->past.dropped = 0;
    for (;;) {
        code = store_reader_next(inv->reader, &e, f);
        if (code != ERR_OK || e.time_ms > inv->until_ms)
            break;
        inventory_note_past(inv, &e);
        bool is_wanted = e.type == type || (w->state != NULL && e.type == RECORD_CONFIRMATION);
        struct store_entry told = e;
        if (e.is_dropped)
            told.payload = e.rest;
        if (is_wanted && told.payload.n > 0 && e.version == RECORD_VERSION &&
            !take(w, (enum record_type)e.type, &told))
            break;
        if (w->state != NULL && state_apply(w->state, &e) != ERR_OK) {
            code =
                fault_set(f, ERR_MEMORY, "inventory", "entry %llu", (unsigned long long)e.number);
            break;
        }
    }
    if (code == ERR_NOT_FOUND)
        code = ERR_OK;
    if (code == ERR_OK && w->arena.err != ERR_OK)
        code = fault_set(f, w->arena.err, "inventory", "an item is too large");
    mutex_unlock(inv->reading);
    arena_clear(&w->arena);
    return code;
}

enum err inventory_observations(struct inventory *inv, inventory_visit *visit, void *context,
                                struct fault *f) {
    struct walk w = {.inv = inv, .visit = visit, .context = context};
    w.state = malloc(sizeof *w.state);
    if (w.state == NULL)
        return fault_set(f, ERR_MEMORY, "inventory", "no memory");
    state_init(w.state, &inv->env);
    enum err code = walk(&w, RECORD_SCAN, f);
    state_clear(w.state);
    free(w.state);
    return code;
}

enum err inventory_certificates(struct inventory *inv, inventory_visit_cert *visit, void *context,
                                struct fault *f) {
    struct walk w = {.inv = inv, .visit_cert = visit, .context = context};
    return walk(&w, RECORD_CERTIFICATE, f);
}

enum err inventory_audits(struct inventory *inv, inventory_visit_audit *visit, void *context,
                          struct fault *f) {
    struct walk w = {.inv = inv, .visit_audit = visit, .context = context};
    return walk(&w, RECORD_AUDIT, f);
}
