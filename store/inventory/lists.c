/* Lists: filter, order, page by cursor. See inventory.h.
 *
 * A cursor is "1" (its version), the list ('c', 'e', 'a', 'r'), the order ('0' to '2'),
 * the direction ('a', 'd') and the last row's id in hex. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { CURSOR_HEAD = 4, PAGE = 100, FEW = 512 };

/* One list: how its rows are told, chosen and found. */
struct list {
    struct inventory *inv;
    const struct inventory_query *q;
    char kind;
    const struct table *by_id;
    size_t id_at, id_n;
    const struct rows *rows;
    struct where where;
    bool has_filter;
    uint32_t agent;  /* ROWS_NONE: any */
    uint32_t looked; /* inventory_breathe */
    bool (*takes)(struct list *l, uint32_t row);
};

static const uint8_t *id_of(const struct list *l, uint32_t row) {
    const uint8_t *p = rows_at(l->rows, row);
    return p + l->id_at;
}

static void cursor_head(const struct list *l, char head[CURSOR_HEAD]) {
    head[0] = '1';
    head[1] = l->kind;
    head[2] = (char)('0' + (int)l->q->sort);
    head[3] = l->q->descending ? 'd' : 'a';
}

static enum err cursor_read(const struct list *l, uint32_t *row, struct fault *f) {
    char head[CURSOR_HEAD];
    uint8_t id[SHA256_SIZE];
    struct bytes text = l->q->cursor;
    cursor_head(l, head);
    bool is_ours = bytes_equal(bytes_part(text, 0, CURSOR_HEAD), bytes_of(head, CURSOR_HEAD)) &&
                   text.n == CURSOR_HEAD + 2 * l->id_n &&
                   hex_read(bytes_part(text, CURSOR_HEAD, text.n), id, l->id_n);
    *row = is_ours ? table_find(l->by_id, id) : ROWS_NONE;
    return *row != ROWS_NONE ? ERR_OK : fault_set(f, ERR_USAGE, "cursor", "is none of this list");
}

static struct bytes cursor_write(const struct list *l, uint32_t row, struct arena *a) {
    size_t n = CURSOR_HEAD + 2 * l->id_n;
    char *text = arena_alloc(a, n + 1);
    if (text == NULL)
        return (struct bytes){NULL, 0};
    cursor_head(l, text);
    hex_write(text + CURSOR_HEAD, bytes_of(id_of(l, row), l->id_n));
    return bytes_of(text, n);
}

/* Row at the i-th place in the direction asked for. */
static uint32_t row_at(const struct list *l, const struct order *o, size_t i) {
    return o->items[l->q->descending ? o->n - 1 - i : i];
}

/* Where the page begins: behind the cursor's row. */
static enum err find_start(const struct list *l, const struct order *o, size_t *start,
                           struct fault *f) {
    uint32_t row;
    *start = 0;
    if (l->q->cursor.n == 0)
        return ERR_OK;
    enum err code = cursor_read(l, &row, f);
    if (code != ERR_OK)
        return code;
    size_t place = order_place(o, row);
    if (place == o->n)
        return fault_set(f, ERR_USAGE, "cursor", "is none of this list");
    *start = l->q->descending ? o->n - place : place + 1;
    return ERR_OK;
}

/* Where in the order rows can be that are asked for: by their ends, where those are. */
struct part {
    size_t from, to;
};

static struct part dates_part(const struct list *l, const struct order *o) {
    const struct state *s = &l->inv->state;
    const struct inventory_query *q = l->q;
    int64_t from = INT64_MIN, to = INT64_MAX;
    struct part part = {0, o->n};
    if (o != &s->certs_by_end)
        return part;
    bool is_dated = q->where != NULL && query_bounds(q->where, QUERY_EXPIRES, &from, &to);
    if (q->has_ends) {
        from = q->ends_from_s > from ? q->ends_from_s : from;
        to = q->ends_to_s < to ? q->ends_to_s : to;
    }
    if (!is_dated && !q->has_ends)
        return part;
    plan_dates(s, from, to, &part.from, &part.to);
    return q->descending ? (struct part){o->n - part.to, o->n - part.from} : part;
}

/* All rows of the part match, and no others. */
static bool is_by_dates_alone(const struct list *l, const struct order *o) {
    const struct inventory_query *q = l->q;
    return o == &l->inv->state.certs_by_end && l->agent == ROWS_NONE && !q->served_only &&
           (q->where == NULL || plan_is_of_dates(q->where)) && (q->where != NULL || q->has_ends);
}

/* A walk over the rows of an order, in the direction asked for; others may change the state
 * between two rows, and rows may come into the order. */
struct walk {
    struct list *l;
    const struct order *o;
    size_t start, i; /* the page begins at `start`; the next place */
    struct part part;
};

static void walk_goes_on(struct walk *w, uint32_t row) {
    w->i++;
    if (!inventory_breathe(w->l->inv, &w->l->looked))
        return;
    size_t place = order_place(w->o, row);
    w->i = w->l->q->descending ? w->o->n - place : place + 1;
    w->part = dates_part(w->l, w->o);
    (void)!find_start(w->l, w->o, &w->start, NULL); /* rows stay, so the cursor's does */
}

/* The rows of the page into picked[0..limit], one more than asked to know whether
 * another page follows. Without a filter only the page is looked at. */
static size_t pick_all(struct list *l, const struct order *o, size_t start, size_t limit,
                       uint32_t *picked, uint64_t *total) {
    struct walk w = {l, o, start, start, dates_part(l, o)};
    size_t n = 0;
    bool has_filter = l->has_filter && !is_by_dates_alone(l, o);
    bool is_counted = has_filter && !l->q->uncounted;
    *total = is_counted ? 0 : l->q->uncounted ? o->n : w.part.to - w.part.from;
    if (is_counted || w.part.from > start)
        w.i = w.part.from;
    while (w.i < w.part.to && (is_counted || n <= limit)) {
        uint32_t row = row_at(l, o, w.i);
        bool is_taken = !has_filter || l->takes(l, row);
        *total += is_counted && is_taken;
        if (is_taken && w.i >= w.start && n <= limit)
            picked[n++] = row;
        walk_goes_on(&w, row);
    }
    return n;
}

static int compare_places(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

/* The same from a set of few: each one's place in the order is looked up. One that came while
 * the order was made has none yet. */
static size_t pick_few(const struct list *l, const struct order *o, struct plan *p, size_t start,
                       size_t limit, uint32_t *picked) {
    size_t places[FEW], found = 0, n = 0;
    for (uint32_t i = plan_next(p, 0); i != ROWS_NONE && found < FEW; i = plan_next(p, i + 1)) {
        size_t place = order_place(o, i);
        if (place == o->n)
            plan_remove(p, i);
        else
            places[found++] = l->q->descending ? o->n - 1 - place : place;
    }
    qsort(places, found, sizeof *places, compare_places);
    for (size_t i = 0; i < found && n <= limit; i++)
        if (places[i] >= start)
            picked[n++] = row_at(l, o, places[i]);
    return n;
}

/* Takes out of the set what does not match. */
static void cut(struct list *l, struct plan *p) {
    for (uint32_t i = plan_next(p, 0); i != ROWS_NONE; i = plan_next(p, i + 1)) {
        if (!l->takes(l, i))
            plan_remove(p, i);
        (void)inventory_breathe(l->inv, &l->looked);
    }
}

/* The same from a set: it is cut down to what matches, which is also the total. */
static size_t pick_planned(struct list *l, const struct order *o, struct plan *p, size_t start,
                           size_t limit, uint32_t *picked, uint64_t *total) {
    bool is_exact = p->is_exact && !l->q->served_only && !l->q->has_ends;
    bool is_cut = is_exact || !l->q->uncounted || p->n <= FEW;
    size_t n = 0;
    if (is_cut && !is_exact) {
        cut(l, p);
        (void)!find_start(l, o, &start, NULL);
    }
    if (is_cut && p->n <= FEW) {
        n = pick_few(l, o, p, start, limit, picked);
        *total = p->n;
        return n;
    }
    *total = p->n;
    struct walk w = {
        l, o, start, start, {0, o->n}
    };
    while (w.i < o->n && n <= limit) {
        uint32_t row = row_at(l, o, w.i);
        if (plan_has(p, row) && (is_cut || l->takes(l, row)))
            picked[n++] = row;
        walk_goes_on(&w, row);
    }
    return n;
}

/* A set for each of many pages costs more than it saves where much is in it. */
static size_t most_planned(const struct list *l) {
    return l->q->uncounted ? l->rows->n / 16 : l->rows->n;
}

static size_t pick(struct list *l, const struct order *o, size_t start, size_t limit,
                   uint32_t *picked, uint64_t *total) {
    struct plan plan;
    if (l->kind != 'c' || is_by_dates_alone(l, o) ||
        !plan_open(&plan, &l->inv->state, l->q->where, l->agent, most_planned(l)))
        return pick_all(l, o, start, limit, picked, total);
    size_t n = pick_planned(l, o, &plan, start, limit, picked, total);
    plan_close(&plan);
    return n;
}

static size_t page_limit(const struct inventory_query *q) {
    size_t limit = q->limit == 0 ? PAGE : q->limit;
    return limit < INVENTORY_PAGE_MAX ? limit : INVENTORY_PAGE_MAX;
}

/* Prepares the filter; with the lock held. */
static enum err list_open(struct list *l, struct fault *f) {
    where_open(&l->where, &l->inv->state, l->q->where);
    l->agent = ROWS_NONE;
    l->has_filter = l->q->where != NULL || l->q->agent != NULL || l->q->served_only ||
                    l->q->has_ends || l->q->request_states != 0;
    if (l->q->agent == NULL)
        return ERR_OK;
    l->agent = table_find(&l->inv->state.by_agent, l->q->agent);
    return l->agent != ROWS_NONE ? ERR_OK : fault_set(f, ERR_NOT_FOUND, "agent", "not enrolled");
}

/* The page's rows in the arena; with the lock held. */
static enum err fill_page(struct list *l, const struct order *o, struct arena *a, uint32_t **picked,
                          size_t *n, struct inventory_page *page, struct fault *f) {
    size_t start, limit = page_limit(l->q);
    page->next = (struct bytes){NULL, 0};
    enum err code = find_start(l, o, &start, f);
    if (code != ERR_OK)
        return code;
    *picked = arena_array(a, limit + 1, sizeof **picked);
    if (*picked == NULL)
        return fault_set(f, a->err, "list", "no room");
    *n = pick(l, o, start, limit, *picked, &page->total);
    if (*n > limit) {
        *n = limit;
        page->next = cursor_write(l, (*picked)[limit - 1], a);
    }
    return ERR_OK;
}

static enum err list_page(struct list *l, const struct order *o, struct arena *a, uint32_t **picked,
                          size_t *n, struct inventory_page *page, struct fault *f) {
    enum err code = list_open(l, f);
    if (code == ERR_OK)
        code = fill_page(l, o, a, picked, n, page, f);
    where_close(&l->where);
    return code;
}

static enum err copied(const struct arena *a, struct fault *f) {
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "list", "no room");
}

/* ---- Certificates ---- */

static bool takes_cert(struct list *l, uint32_t row) {
    const struct state *s = &l->inv->state;
    const struct inventory_query *q = l->q;
    const struct state_cert *c = state_cert(s, row);
    if (q->has_ends &&
        (!c->has_not_after || c->not_after_s < q->ends_from_s || c->not_after_s >= q->ends_to_s))
        return false;
    if (!where_cert(&l->where, row))
        return false;
    if (l->agent == ROWS_NONE && !q->served_only)
        return true;
    for (uint32_t i = c->sightings; i != ROWS_NONE; i = state_sighting(s, i)->next_of_cert) {
        const struct state_sighting *g = state_sighting(s, i);
        if ((l->agent == ROWS_NONE || g->agent == l->agent) &&
            (!q->served_only || state_is_served(s, g)))
            return true;
    }
    return false;
}

static struct order *cert_order(struct state *s, enum inventory_sort sort) {
    switch (sort) {
    case INVENTORY_BY_NAME:
        return &s->certs_by_name;
    case INVENTORY_BY_FIRST:
        return &s->certs_by_first;
    default:
        return &s->certs_by_end;
    }
}

enum err inventory_certs(struct inventory *inv, const struct inventory_query *q, struct arena *a,
                         struct inventory_cert **rows, size_t *n, struct inventory_page *page,
                         struct fault *f) {
    struct state *s = &inv->state;
    struct order *o = cert_order(s, q->sort);
    uint32_t *picked = NULL;
    struct list l = {.inv = inv,
                     .q = q,
                     .kind = 'c',
                     .by_id = &s->by_sha256,
                     .id_at = offsetof(struct state_cert, sha256),
                     .id_n = SHA256_SIZE,
                     .rows = &s->certs,
                     .takes = takes_cert};
    if (!inventory_lock_plan(inv, o, f))
        return f->code;
    enum err code = list_page(&l, o, a, &picked, n, page, f);
    *rows = code == ERR_OK ? arena_array(a, *n + 1, sizeof **rows) : NULL;
    for (size_t i = 0; *rows != NULL && i < *n; i++)
        inventory_copy_cert(s, picked[i], a, &(*rows)[i]);
    inventory_unlock(inv);
    return code == ERR_OK ? copied(a, f) : code;
}

/* ---- Endpoints ---- */

static bool takes_endpoint(struct list *l, uint32_t row) {
    const struct state_endpoint *e = state_endpoint(&l->inv->state, row);
    return (l->agent == ROWS_NONE || e->agent == l->agent) && where_endpoint(&l->where, row);
}

enum err inventory_endpoints(struct inventory *inv, const struct inventory_query *q,
                             struct arena *a, struct inventory_endpoint **rows, size_t *n,
                             struct inventory_page *page, struct fault *f) {
    struct state *s = &inv->state;
    bool by_first = q->sort == INVENTORY_BY_FIRST;
    struct order *o = by_first ? &s->endpoints_by_first : &s->endpoints_by_name;
    uint32_t *picked = NULL;
    struct list l = {.inv = inv,
                     .q = q,
                     .kind = 'e',
                     .by_id = &s->by_endpoint,
                     .id_at = offsetof(struct state_endpoint, id),
                     .id_n = INVENTORY_ID_SIZE,
                     .rows = &s->endpoints,
                     .takes = takes_endpoint};
    if (!inventory_lock_order(inv, o, f))
        return f->code;
    enum err code = list_page(&l, o, a, &picked, n, page, f);
    *rows = code == ERR_OK ? arena_array(a, *n + 1, sizeof **rows) : NULL;
    for (size_t i = 0; *rows != NULL && i < *n; i++)
        inventory_copy_endpoint(s, picked[i], a, &(*rows)[i]);
    inventory_unlock(inv);
    return code == ERR_OK ? copied(a, f) : code;
}

/* ---- Agents ---- */

static bool takes_agent(struct list *l, uint32_t row) {
    return where_agent(&l->where, row);
}

static int compare_agent_name(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    int c = bytes_compare(state_text(s, state_agent(s, a)->name),
                          state_text(s, state_agent(s, b)->name));
    return c != 0 ? c : a < b ? -1 : a > b;
}

static int compare_agent_first(const void *context, uint32_t a, uint32_t b) {
    const struct state *s = context;
    int64_t x = state_agent(s, a)->enrolled_ms, y = state_agent(s, b)->enrolled_ms;
    return x != y ? (x < y ? -1 : 1) : a < b ? -1 : a > b;
}

static uint64_t no_key(const void *context, uint32_t row) {
    (void)context;
    (void)row;
    return 0;
}

/* Names of agents change, and agents are few: their order is made for each page. */
enum err inventory_agents(struct inventory *inv, const struct inventory_query *q, struct arena *a,
                          struct inventory_agent **rows, size_t *n, struct inventory_page *page,
                          struct fault *f) {
    struct state *s = &inv->state;
    struct order o;
    uint32_t *picked = NULL;
    struct list l = {.inv = inv,
                     .q = q,
                     .kind = 'a',
                     .by_id = &s->by_agent,
                     .id_at = offsetof(struct state_agent, id),
                     .id_n = INVENTORY_ID_SIZE,
                     .rows = &s->agents,
                     .takes = takes_agent};
    if (!inventory_lock(inv, f))
        return f->code;
    order_init(&o, &s->agents,
               q->sort == INVENTORY_BY_FIRST ? compare_agent_first : compare_agent_name, no_key, s);
    enum err code = order_update(&o);
    if (code != ERR_OK)
        fault_set(f, code, "list", "no room");
    else
        code = list_page(&l, &o, a, &picked, n, page, f);
    *rows = code == ERR_OK ? arena_array(a, *n + 1, sizeof **rows) : NULL;
    for (size_t i = 0; *rows != NULL && i < *n; i++)
        inventory_copy_agent(s, picked[i], a, &(*rows)[i]);
    inventory_unlock(inv);
    order_clear(&o);
    return code == ERR_OK ? copied(a, f) : code;
}

/* ---- Requests ---- */

static bool takes_request(struct list *l, uint32_t row) {
    const struct state *s = &l->inv->state;
    const struct state_request *r = state_request(s, row);
    unsigned states = l->q->request_states;
    if (states != 0 && (states & 1u << state_request_state(s, r)) == 0)
        return false;
    return (l->agent == ROWS_NONE || r->agent == l->agent) && where_request(&l->where, row);
}

enum err inventory_requests(struct inventory *inv, const struct inventory_query *q, struct arena *a,
                            struct inventory_request **rows, size_t *n, struct inventory_page *page,
                            struct fault *f) {
    struct state *s = &inv->state;
    struct order *o = &s->requests_by_first;
    uint32_t *picked = NULL;
    struct list l = {.inv = inv,
                     .q = q,
                     .kind = 'r',
                     .by_id = &s->by_request,
                     .id_at = offsetof(struct state_request, id),
                     .id_n = INVENTORY_ID_SIZE,
                     .rows = &s->requests,
                     .takes = takes_request};
    if (!inventory_lock_order(inv, o, f))
        return f->code;
    enum err code = list_page(&l, o, a, &picked, n, page, f);
    *rows = code == ERR_OK ? arena_array(a, *n + 1, sizeof **rows) : NULL;
    for (size_t i = 0; *rows != NULL && i < *n; i++)
        inventory_copy_request(s, picked[i], a, &(*rows)[i]);
    inventory_unlock(inv);
    return code == ERR_OK ? copied(a, f) : code;
}
