/* All certificates by their end, for exports: nothing is copied, nothing allocated a row.
 * See inventory.h. */
#include "store/inventory/private.h"

/* Rows lie in the order in which they came, so that each step by the end meets memory that
 * was not touched before. What the next rows need is asked for while this one is written. */
enum { FACE_AHEAD = 4, TEXT_AHEAD = 8, ROW_AHEAD = 16, LINE = 64 };

static void fetch(const void *p, size_t n) {
    for (size_t at = 0; at < n; at += LINE)
        __builtin_prefetch((const char *)p + at);
}

static void look_ahead(const struct state *s, const struct order *o, size_t i) {
    if (i + ROW_AHEAD < o->n)
        fetch(state_cert(s, o->items[i + ROW_AHEAD]), sizeof(struct state_cert));
    if (i + TEXT_AHEAD < o->n) {
        const struct state_cert *c = state_cert(s, o->items[i + TEXT_AHEAD]);
        if (c->names.n > 0)
            fetch(texts_at(&s->names, c->names), c->names.n < 4 * LINE ? c->names.n : 4 * LINE);
        if (c->serial.n > 0)
            fetch(texts_at(&s->texts, c->serial), 1);
        if (c->sightings != ROWS_NONE)
            fetch(state_sighting(s, c->sightings), sizeof(struct state_sighting));
    }
    if (i + FACE_AHEAD < o->n) {
        const struct state_cert *c = state_cert(s, o->items[i + FACE_AHEAD]);
        if (c->sightings != ROWS_NONE)
            fetch(state_face(s, state_sighting(s, c->sightings)->face), LINE);
    }
}

/* With a set only its rows are asked; where the set is exact, none is. */
struct asked {
    struct where where;
    struct plan plan;
    bool has_plan;
};

static bool takes(struct asked *x, uint32_t row) {
    if (x->has_plan && !plan_has(&x->plan, row))
        return false;
    return x->where.q == NULL || (x->has_plan && x->plan.is_exact) || where_cert(&x->where, row);
}

static void walk(const struct state *s, struct asked *x, size_t from, size_t to,
                 inventory_visit_row *visit, void *context) {
    const struct order *o = &s->certs_by_end;
    struct inventory_cert cert;
    for (size_t i = from; i < to; i++) {
        if (!x->has_plan)
            look_ahead(s, o, i);
        if (!takes(x, o->items[i]))
            continue;
        inventory_view_cert(s, o->items[i], &cert);
        if (!visit(context, &cert))
            return;
    }
}

enum err inventory_certs_by_end(struct inventory *inv, const struct query *where,
                                inventory_visit_row *visit, void *context, struct fault *f) {
    struct state *s = &inv->state;
    struct asked x = {.has_plan = false};
    int64_t from_s, to_s;
    size_t from = 0, to = s->certs.n;
    if (inv->log != NULL)
        return fault_set(f, ERR_UNSUPPORTED, "inventory", "open for writing");
    bool is_locked = where != NULL ? inventory_lock_plan(inv, &s->certs_by_end, f)
                                   : inventory_lock_order(inv, &s->certs_by_end, f);
    if (!is_locked)
        return f->code;
    inventory_unlock(inv); /* nothing changes in a store that is only read */
    if (where != NULL && query_bounds(where, QUERY_EXPIRES, &from_s, &to_s))
        plan_dates(s, from_s, to_s, &from, &to);
    if (where != NULL && plan_is_of_dates(where))
        where = NULL; /* all that lies there is asked for */
    where_open(&x.where, s, where);
    if (where != NULL)
        x.has_plan = plan_open(&x.plan, s, where, ROWS_NONE, s->certs.n);
    walk(s, &x, from, to, visit, context);
    if (x.has_plan)
        plan_close(&x.plan);
    where_close(&x.where);
    return ERR_OK;
}
