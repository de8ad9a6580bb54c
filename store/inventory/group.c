/* Certificates counted by what they are told apart. See inventory.h. */
#include "store/inventory/private.h"

#include <stdlib.h>
#include <string.h>

enum { DAY_S = 86400, WEEK_S = 7 * DAY_S };

struct counting {
    struct inventory *inv;
    const struct state *s;
    struct where where;
    enum inventory_group by;
    uint64_t *counts;       /* by word, or by agent */
    uint32_t *marks;        /* by agent: the certificate that was counted last, + 1 */
    uint32_t certs, agents; /* there were at the begin: what comes later is not counted */
    struct inventory_groups *out;
};

/* Monday 00:00 of the week; 1970-01-01 was a Thursday. */
static int64_t week_of(int64_t s) {
    int64_t since = (s + 3 * DAY_S) % WEEK_S;
    return s - (since < 0 ? since + WEEK_S : since);
}

static void make_weeks(struct inventory_groups *out, int64_t now_s) {
    int64_t week = week_of(now_s);
    out->rows[0].from_s = INT64_MIN;
    out->rows[0].to_s = now_s;
    for (size_t i = 1; i <= INVENTORY_WEEKS; i++) {
        out->rows[i].from_s = i == 1 ? now_s : week;
        week += WEEK_S;
        out->rows[i].to_s = week;
    }
    out->rows[INVENTORY_WEEKS + 1].from_s = week;
    out->rows[INVENTORY_WEEKS + 1].to_s = INT64_MAX;
    out->n = INVENTORY_WEEKS + 2;
    out->kinds = out->n;
}

static void count_week(struct inventory_groups *out, const struct state_cert *c) {
    size_t low = 0, high = out->n - 1;
    while (c->has_not_after && low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->not_after_s < out->rows[middle].to_s)
            high = middle;
        else
            low = middle + 1;
    }
    out->rows[low].certificates += c->has_not_after;
}

static void count_agents(struct counting *k, uint32_t cert) {
    for (uint32_t i = state_cert(k->s, cert)->sightings; i != ROWS_NONE;
         i = state_sighting(k->s, i)->next_of_cert) {
        uint32_t agent = state_sighting(k->s, i)->agent;
        if (agent >= k->agents || k->marks[agent] == cert + 1)
            continue;
        k->marks[agent] = cert + 1;
        k->counts[agent]++;
    }
}

static void count_one(struct counting *k, uint32_t row, bool is_known) {
    const struct state_cert *c = state_cert(k->s, row);
    if (!is_known && !where_cert(&k->where, row))
        return;
    k->out->total++;
    if (k->by == INVENTORY_PER_WEEK)
        count_week(k->out, c);
    else if (k->by == INVENTORY_PER_AGENT)
        count_agents(k, row);
    else
        k->counts[k->by == INVENTORY_PER_ISSUER ? c->issuer : c->key]++;
}

/* Without a query the state has most of it counted. False: it has not. */
static bool count_known(struct counting *k) {
    const struct state *s = k->s;
    struct inventory_groups *out = k->out;
    if (k->where.q != NULL || k->by == INVENTORY_PER_AGENT)
        return false;
    out->total = s->certs.n;
    for (size_t i = 0; k->by == INVENTORY_PER_WEEK && i < out->n; i++) {
        size_t from, to;
        plan_dates(s, out->rows[i].from_s, out->rows[i].to_s, &from, &to);
        out->rows[i].certificates = to - from;
    }
    for (uint32_t i = 0; k->by != INVENTORY_PER_WEEK && i < s->words.n; i++) {
        const struct state_word *w = rows_at(&s->words, i);
        k->counts[i] = k->by == INVENTORY_PER_ISSUER ? w->issued : w->keyed;
    }
    return true;
}

static void count_all(struct counting *k) {
    struct plan plan;
    uint32_t looked = 0;
    if (count_known(k))
        return;
    if (plan_open(&plan, k->s, k->where.q, ROWS_NONE, k->s->certs.n)) {
        for (uint32_t i = plan_next(&plan, 0); i != ROWS_NONE; i = plan_next(&plan, i + 1)) {
            count_one(k, i, plan.is_exact);
            (void)inventory_breathe(k->inv, &looked);
        }
        plan_close(&plan);
        return;
    }
    for (uint32_t i = 0; i < k->certs; i++) {
        count_one(k, i, false);
        (void)inventory_breathe(k->inv, &looked);
    }
}

/* What qsort compares: a count and where it stands. */
struct ranked {
    uint64_t count;
    uint32_t at;
};

static int compare_ranked(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void copy_kind(const struct counting *k, const struct ranked *r, struct arena *a,
                      struct inventory_kind *out) {
    out->certificates = r->count;
    if (k->by == INVENTORY_PER_AGENT)
        inventory_copy_agent_name(k->s, r->at, a, out->id, &out->text);
    else
        out->text = arena_copy(a, state_word_text(k->s, r->at));
}

/* The most first; of equal ones that which came first. */
static enum err rank(struct counting *k, uint32_t n, size_t limit, struct arena *a,
                     struct fault *f) {
    struct ranked *all = malloc((n + (size_t)1) * sizeof *all);
    size_t found = 0;
    if (all == NULL)
        return fault_set(f, ERR_MEMORY, "groups", "%u", (unsigned)n);
    for (uint32_t i = 0; i < n; i++)
        if (k->counts[i] > 0)
            all[found++] = (struct ranked){k->counts[i], i};
    qsort(all, found, sizeof *all, compare_ranked);
    k->out->kinds = found;
    k->out->n = found < limit ? found : limit;
    k->out->rows = arena_array(a, k->out->n + 1, sizeof *k->out->rows);
    for (size_t i = 0; k->out->rows != NULL && i < k->out->n; i++)
        copy_kind(k, &all[i], a, &k->out->rows[i]);
    free(all);
    return ERR_OK;
}

static enum err group(struct counting *k, int64_t now_s, size_t limit, struct arena *a,
                      struct fault *f) {
    uint32_t n = k->by == INVENTORY_PER_AGENT ? k->s->agents.n : k->s->words.n;
    enum err code = ERR_OK;
    k->certs = k->s->certs.n;
    k->agents = k->s->agents.n;
    if (k->by == INVENTORY_PER_WEEK) {
        k->out->rows = arena_array(a, INVENTORY_WEEKS + 2, sizeof *k->out->rows);
        if (k->out->rows == NULL)
            return ERR_OK; /* the arena tells */
        make_weeks(k->out, now_s);
        count_all(k);
        return ERR_OK;
    }
    k->counts = calloc(n + (size_t)1, sizeof *k->counts);
    k->marks = calloc(k->agents + (size_t)1, sizeof *k->marks);
    if (k->counts == NULL || k->marks == NULL) {
        code = fault_set(f, ERR_MEMORY, "groups", "%u", (unsigned)n);
    } else {
        count_all(k);
        code = rank(k, n, limit, a, f);
    }
    free(k->counts);
    free(k->marks);
    return code;
}

enum err inventory_certs_group(struct inventory *inv, const struct query *where,
                               enum inventory_group by, int64_t now_s, size_t limit,
                               struct arena *a, struct inventory_groups *out, struct fault *f) {
    struct counting k = {.inv = inv, .s = &inv->state, .by = by, .out = out};
    memset(out, 0, sizeof *out);
    if (!inventory_lock_plan(inv, &inv->state.certs_by_end, f))
        return f->code;
    where_open(&k.where, &inv->state, where);
    enum err code = group(&k, now_s, limit, a, f);
    where_close(&k.where);
    inventory_unlock(inv);
    if (code == ERR_OK && a->err != ERR_OK)
        code = fault_set(f, a->err, "groups", "no room");
    return code;
}
