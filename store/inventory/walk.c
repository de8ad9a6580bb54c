/* The whole log once more, for exports: what was seen, and the certificates with
 * their bytes. See inventory.h. */
#include "store/inventory/private.h"

struct walk {
    struct inventory *inv;
    struct arena arena; /* for one item */
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
        if (record_observation_read(&w->arena, cur_vec24(&c), &o) &&
            !w->visit(w->context, r.agent.p, e->time_ms, &o))
            return false;
    }
    return true;
}

static bool take_cert(struct walk *w, const struct store_entry *e) {
    const struct state *s = &w->inv->state;
    struct record_certificate r;
    struct inventory_cert cert;
    uint8_t sha256[SHA256_SIZE];
    if (!record_certificate_read(e->payload, &r))
        return true;
    hash_of(HASH_SHA256, r.der, sha256);
    uint32_t i = table_find(&s->by_sha256, sha256);
    if (i == ROWS_NONE || state_cert(s, i)->entry != e->number)
        return true; /* stored twice: the first one counts */
    arena_reset(&w->arena);
    inventory_copy_cert(s, i, &w->arena, &cert);
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
    for (;;) {
        code = store_reader_next(inv->reader, &e, f);
        if (code != ERR_OK || e.time_ms > inv->until_ms)
            break;
        if (e.type != type || e.version != RECORD_VERSION)
            continue;
        if (!take(w, type, &e))
            break;
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
    return walk(&w, RECORD_SCAN, f);
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
