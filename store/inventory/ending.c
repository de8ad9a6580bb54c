/* What ends: certificates that count by their end, and which of them have a successor.
 * See inventory.h. */
#include "store/inventory/private.h"

#include <stdlib.h>
#include <string.h>

/* A line of certificates that one which ends belongs to. */
struct line {
    uint8_t service[INVENTORY_ID_SIZE];
    int64_t served_s; /* the latest end of those that are served; INT64_MIN: none is */
    int64_t counts_s; /* the same of those that are served or managed */
};

struct ending {
    const struct state *s;
    const struct inventory_ending_query *q;
    struct arena scratch; /* of what follows: there may be many more than are asked for */
    uint32_t *rows;       /* candidates, by their end */
    size_t rows_n;
    struct line *lines; /* theirs, sorted and each once */
    size_t lines_n;
};

static bool is_served(const struct state *s, const struct state_cert *c) {
    for (uint32_t g = c->sightings; g != ROWS_NONE; g = state_sighting(s, g)->next_of_cert)
        if (state_is_served(s, state_sighting(s, g)))
            return true;
    return false;
}

static bool is_managed(const struct state *s, const struct state_cert *c) {
    if (c->revocation != ROWS_NONE)
        return false;
    uint32_t i = c->request == ROWS_NONE ? table_find(&s->by_service, c->service) : ROWS_NONE;
    return c->request != ROWS_NONE ||
           (i != ROWS_NONE && state_word_text(s, state_service(s, i)->owner).n > 0);
}

/* The order by end has those without an end last. */
static bool ends(const struct ending *e, const struct state_cert *c) {
    return c->has_not_after && c->not_after_s < e->q->until_s;
}

static int compare_lines(const void *a, const void *b) {
    return memcmp(((const struct line *)a)->service, ((const struct line *)b)->service,
                  INVENTORY_ID_SIZE);
}

static struct line *line_of(const struct ending *e, const struct state_cert *c) {
    struct line key;
    memcpy(key.service, c->service, sizeof key.service);
    return e->lines_n == 0 ? NULL
                           : bsearch(&key, e->lines, e->lines_n, sizeof *e->lines, compare_lines);
}

/* The candidates, and the lines of those that are not alone in theirs. */
static enum err gather(struct ending *e) {
    const struct order *o = &e->s->certs_by_end;
    size_t n = 0, kept = 0;
    while (n < o->n && ends(e, state_cert(e->s, o->items[n])))
        n++;
    e->rows = arena_array(&e->scratch, n + 1, sizeof *e->rows);
    e->lines = arena_array(&e->scratch, n + 1, sizeof *e->lines);
    if (e->rows == NULL || e->lines == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        const struct state_cert *c = state_cert(e->s, o->items[i]);
        if (!is_served(e->s, c) && (c->not_after_s < e->q->unserved_s || !is_managed(e->s, c)))
            continue;
        e->rows[e->rows_n++] = o->items[i];
        if (c->in_line) {
            struct line *line = &e->lines[e->lines_n++];
            memcpy(line->service, c->service, sizeof line->service);
            line->served_s = line->counts_s = INT64_MIN;
        }
    }
    qsort(e->lines, e->lines_n, sizeof *e->lines, compare_lines);
    for (size_t i = 0; i < e->lines_n; i++)
        if (kept == 0 || compare_lines(&e->lines[i], &e->lines[kept - 1]) != 0)
            e->lines[kept++] = e->lines[i];
    e->lines_n = kept;
    return ERR_OK;
}

/* Each line learns its latest ends: one walk over all that are not alone in theirs. */
static void find_successors(const struct ending *e) {
    const struct order *o = &e->s->certs_by_end;
    for (size_t i = 0; i < o->n && e->lines_n > 0; i++) {
        const struct state_cert *c = state_cert(e->s, o->items[i]);
        struct line *line = c->in_line && c->has_not_after ? line_of(e, c) : NULL;
        if (line == NULL || c->not_after_s <= line->served_s)
            continue;
        bool served = is_served(e->s, c);
        if (served)
            line->served_s = c->not_after_s;
        if (c->not_after_s > line->counts_s && (served || is_managed(e->s, c)))
            line->counts_s = c->not_after_s;
    }
}

/* Some place shows it still: its newest leaf is this one, not the successor. */
static bool is_shown(const struct ending *e, uint32_t row) {
    const struct state *s = e->s;
    for (uint32_t i = state_cert(s, row)->sightings; i != ROWS_NONE;) {
        const struct state_sighting *g = state_sighting(s, i);
        if (state_face(s, g->face)->leaf == row && state_is_served(s, g))
            return true;
        i = g->next_of_cert;
    }
    return false;
}

/* INVENTORY_ENDING_KINDS: replaced wherever it was. */
static enum inventory_ending_kind class_of(const struct ending *e, uint32_t row, bool *is_renewed) {
    const struct state_cert *c = state_cert(e->s, row);
    const struct line *line = c->in_line ? line_of(e, c) : NULL;
    *is_renewed = line != NULL && line->served_s > c->not_after_s;
    if (*is_renewed ? !is_shown(e, row)
                    : line != NULL && line->counts_s > c->not_after_s && !is_served(e->s, c))
        return INVENTORY_ENDING_KINDS;
    if (c->not_after_s < e->q->now_s)
        return INVENTORY_EXPIRED;
    return c->not_after_s < e->q->soon_s ? INVENTORY_SOON : INVENTORY_LATER;
}

static int compare_rows(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The endpoint of a sighting that counts; ROWS_NONE for one that does not. */
static uint32_t place_of(const struct ending *e, uint32_t row, bool is_renewed,
                         const struct state_sighting *g) {
    const struct state_face *face = state_face(e->s, g->face);
    bool counts = state_is_served(e->s, g) && (!is_renewed || face->leaf == row);
    return counts ? face->endpoint : ROWS_NONE;
}

/* Endpoints, each once, in the order in which they were first seen. */
static enum err copy_places(struct ending *e, uint32_t row, struct arena *a,
                            struct inventory_ending *out) {
    const struct state *s = e->s;
    const struct state_cert *c = state_cert(s, row);
    uint32_t *all = arena_array(&e->scratch, c->places + (size_t)1, sizeof *all);
    struct inventory_endpoint *places = arena_array(a, e->q->places + 1, sizeof *places);
    size_t n = 0;
    if (all == NULL || places == NULL)
        return ERR_MEMORY;
    for (uint32_t i = c->sightings; i != ROWS_NONE; i = state_sighting(s, i)->next_of_cert) {
        all[n] = place_of(e, row, out->is_renewed, state_sighting(s, i));
        n += all[n] != ROWS_NONE;
    }
    qsort(all, n, sizeof *all, compare_rows);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && all[i] == all[i - 1])
            continue;
        if (out->places_n < e->q->places)
            inventory_copy_endpoint(s, all[i], a, &places[out->places_n++]);
        out->places_total++;
    }
    out->places = places;
    return ERR_OK;
}

static enum err copy_endings(struct ending *e, struct arena *a, struct inventory_endings *out) {
    size_t taken[INVENTORY_ENDING_KINDS] = {0};
    struct inventory_ending *rows =
        arena_array(a, INVENTORY_ENDING_KINDS * e->q->limit + 1, sizeof *rows);
    if (rows == NULL)
        return ERR_MEMORY;
    out->rows = rows;
    for (size_t i = 0; i < e->rows_n; i++) {
        bool is_renewed;
        enum inventory_ending_kind kind = class_of(e, e->rows[i], &is_renewed);
        if (kind == INVENTORY_ENDING_KINDS)
            continue;
        out->counts[kind]++;
        if (taken[kind]++ >= e->q->limit)
            continue;
        struct inventory_ending *row = &rows[out->rows_n++];
        row->kind = kind;
        row->is_renewed = is_renewed;
        inventory_copy_cert(e->s, e->rows[i], a, &row->cert);
        enum err code = copy_places(e, e->rows[i], a, row);
        if (code != ERR_OK)
            return code;
    }
    return a->err;
}

enum err inventory_ending(struct inventory *inv, const struct inventory_ending_query *q,
                          struct arena *a, struct inventory_endings *out, struct fault *f) {
    struct ending e = {.s = &inv->state, .q = q};
    memset(out, 0, sizeof *out);
    if (!inventory_lock_order(inv, &inv->state.certs_by_end, f))
        return f->code;
    arena_init(&e.scratch, SIZE_MAX);
    enum err code = gather(&e);
    if (code == ERR_OK) {
        find_successors(&e);
        code = copy_endings(&e, a, out);
    }
    inventory_unlock(inv);
    arena_clear(&e.scratch);
    return code == ERR_OK ? ERR_OK : fault_set(f, code, "what ends", "no room");
}
