/* Which observations the state hangs on. See carriers.h. */
#include "store/inventory/carriers.h"

#include "store/inventory/state.h"

#include <stdlib.h>
#include <string.h>

/* Rows to units; 0: none. */
struct column {
    uint64_t *items;
    size_t n;
};

struct carriers {
    uint64_t unit, entry; /* at hand, from 1 on; of its entry */
    struct column by[CARRIED];
    struct column looks; /* LOOKS_KEPT of each face, the newest first */
    struct buf stays;    /* a bit a unit */
    bool is_second;      /* what stays is known, but for what is confirmed */
    enum err err;
};

struct carriers *carriers_open(void) {
    struct carriers *c = calloc(1, sizeof *c);
    if (c != NULL)
        buf_init(&c->stays, SIZE_MAX / 2);
    return c;
}

void carriers_close(struct carriers *c) {
    if (c == NULL)
        return;
    for (size_t i = 0; i < CARRIED; i++)
        free(c->by[i].items);
    free(c->looks.items);
    buf_clear(&c->stays);
    free(c);
}

static uint64_t *cell(struct carriers *c, struct column *column, size_t at) {
    size_t room = column->n;
    if (c->err == ERR_OK && at < room)
        return &column->items[at];
    room = 2 * (at + 1);
    uint64_t *items = c->err == ERR_OK && at < SIZE_MAX / 4 / sizeof *items
                          ? realloc(column->items, room * sizeof *items)
                          : NULL;
    if (items == NULL) {
        c->err = ERR_MEMORY;
        return NULL;
    }
    memset(items + column->n, 0, (room - column->n) * sizeof *items);
    *column = (struct column){items, room};
    return &items[at];
}

void carriers_stay(struct carriers *c, uint64_t unit) {
    if (unit != 0 && unit / 8 < c->stays.n)
        c->stays.p[unit / 8] |= (uint8_t)(1u << unit % 8);
}

void carriers_next(struct carriers *c) {
    if (c == NULL)
        return;
    c->unit++;
    if (c->unit / 8 >= c->stays.n)
        buf_u8(&c->stays, 0);
    if (c->stays.err != ERR_OK)
        c->err = c->stays.err;
}

void carriers_begin(struct carriers *c) {
    carriers_next(c);
    if (c != NULL)
        c->entry = c->unit;
}

void carriers_keep(struct carriers *c) {
    if (c != NULL)
        carriers_stay(c, c->unit);
}

void carriers_keep_entry(struct carriers *c) {
    if (c != NULL)
        carriers_stay(c, c->entry);
}

uint64_t carriers_unit(const struct carriers *c) {
    return c->unit + 1;
}

void carriers_set(struct carriers *c, enum carried what, uint32_t row) {
    uint64_t *to = c != NULL ? cell(c, &c->by[what], row) : NULL;
    if (to != NULL)
        *to = c->unit;
}

void carriers_pin(struct carriers *c, enum carried what, uint32_t row) {
    if (c != NULL && row < c->by[what].n)
        carriers_stay(c, c->by[what].items[row]);
}

void carriers_confirm(struct carriers *c, uint32_t face) {
    if (c != NULL && c->is_second && carriers_stays(c, c->unit))
        carriers_pin(c, FACE_BASE, face);
}

void carriers_look(struct carriers *c, uint32_t face) {
    if (c == NULL || cell(c, &c->looks, (size_t)face * LOOKS_KEPT + LOOKS_KEPT - 1) == NULL)
        return;
    uint64_t *looks = &c->looks.items[(size_t)face * LOOKS_KEPT];
    memmove(looks + 1, looks, (LOOKS_KEPT - 1) * sizeof *looks);
    looks[0] = c->unit;
}

void carriers_pin_looks(struct carriers *c, uint32_t face) {
    if (c == NULL || (size_t)face * LOOKS_KEPT + LOOKS_KEPT > c->looks.n)
        return;
    for (size_t i = 0; i < LOOKS_KEPT; i++)
        carriers_stay(c, c->looks.items[(size_t)face * LOOKS_KEPT + i]);
}

static void stay_all(struct carriers *c, const struct column *column) {
    for (size_t i = 0; i < column->n; i++)
        carriers_stay(c, column->items[i]);
}

enum err carriers_end(struct carriers *c) {
    for (size_t i = 0; i < CARRIED; i++)
        stay_all(c, &c->by[i]);
    stay_all(c, &c->looks);
    c->is_second = true;
    c->unit = c->entry = 0;
    return c->err;
}

bool carriers_stays(const struct carriers *c, uint64_t unit) {
    return unit / 8 < c->stays.n && (c->stays.p[unit / 8] >> unit % 8 & 1) != 0;
}

/* ---- The digest ---- */

static void add_number(struct hash_run *h, uint64_t n) {
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    hash_add(h, bytes_of(bytes, sizeof bytes));
}

static void add_text(struct hash_run *h, struct bytes text) {
    add_number(h, text.n);
    hash_add(h, text);
}

static void add_id(struct hash_run *h, const uint8_t id[INVENTORY_ID_SIZE]) {
    hash_add(h, bytes_of(id, INVENTORY_ID_SIZE));
}

static void add_numbers(struct hash_run *h, const uint64_t *n, size_t count) {
    for (size_t i = 0; i < count; i++)
        add_number(h, n[i]);
}

static void add_cert(struct hash_run *h, const struct state_cert *c) {
    const uint64_t n[] = {c->entry,   (uint64_t)c->first_ms, (uint64_t)c->last_ms, c->first_agent,
                          c->places,  c->sightings,          c->request,           c->revocation,
                          c->in_line, c->next_in_line};
    hash_add(h, bytes_of(c->sha256, SHA256_SIZE));
    add_id(h, c->service);
    add_numbers(h, n, sizeof n / sizeof n[0]);
}

/* Of looks only what tells whether it is served. */
static void add_sighting(struct hash_run *h, const struct state *s,
                         const struct state_sighting *g) {
    uint32_t behind = state_face(s, g->face)->look - g->look;
    const uint64_t n[] = {g->cert,
                          g->face,
                          g->agent,
                          g->next_of_cert,
                          g->next_of_face,
                          g->position,
                          g->pass,
                          (uint64_t)g->first_ms,
                          (uint64_t)g->last_ms,
                          behind < INVENTORY_PASSES_SERVED ? behind : INVENTORY_PASSES_SERVED};
    add_numbers(h, n, sizeof n / sizeof n[0]);
}

static void add_face(struct hash_run *h, const struct state *s, const struct state_face *f) {
    const uint64_t n[] = {f->endpoint,          f->agent, f->next_of_endpoint,
                          f->sightings,         f->leaf,  (uint64_t)f->first_ms,
                          (uint64_t)f->last_ms, f->pass,  f->outcome};
    add_id(h, f->id);
    add_text(h, state_text(s, f->last));
    add_numbers(h, n, sizeof n / sizeof n[0]);
}

static void add_endpoint(struct hash_run *h, const struct state_endpoint *e) {
    const uint64_t n[] = {e->network,
                          e->agent,
                          e->faces,
                          e->faces_n,
                          e->leaf,
                          e->pass,
                          (uint64_t)e->first_ms,
                          (uint64_t)e->last_ms,
                          e->outcome};
    add_id(h, e->id);
    add_numbers(h, n, sizeof n / sizeof n[0]);
}

/* The oldest batch first. */
static void add_batches(struct hash_run *h, const struct state *s, const struct state_agent *a) {
    struct bytes ring = state_text(s, a->batches);
    uint32_t from = a->batches_n < INVENTORY_BATCHES_KEPT ? 0 : a->batches_next;
    add_number(h, a->batches_n);
    for (uint32_t i = 0; i < a->batches_n; i++) {
        size_t at = (from + i) % INVENTORY_BATCHES_KEPT * (size_t)INVENTORY_ID_SIZE;
        hash_add(h, bytes_part(ring, at, INVENTORY_ID_SIZE));
    }
}

static void add_agent(struct hash_run *h, const struct state *s, const struct state_agent *a) {
    const uint64_t n[] = {(uint64_t)a->enrolled_ms,
                          (uint64_t)a->scan_ms,
                          a->passes,
                          a->endpoints,
                          a->requests,
                          a->pending,
                          a->sightings_n,
                          a->targets_entry,
                          a->targets_revision,
                          a->rescan_entry,
                          (uint64_t)a->rescan_ms,
                          a->has_rescan,
                          a->rescan_done,
                          a->disabled};
    add_id(h, a->id);
    add_text(h, state_text(s, a->name));
    add_text(h, state_text(s, a->network));
    add_numbers(h, n, sizeof n / sizeof n[0]);
    add_batches(h, s, a);
}

void carriers_digest(const struct state *s, uint8_t out[SHA256_SIZE]) {
    struct hash_run h;
    const uint64_t n[] = {s->certs.n,      s->words.n,  s->sightings.n, s->faces.n,
                          s->endpoints.n,  s->agents.n, s->requests.n,  s->revocations.n,
                          s->services.n,   s->entries,  s->skipped,     s->bad,
                          s->endpoints_ok, s->pending,  s->crl_number};
    hash_begin(&h, HASH_SHA256);
    add_numbers(&h, n, sizeof n / sizeof n[0]);
    for (uint32_t i = 0; i < s->certs.n; i++)
        add_cert(&h, state_cert(s, i));
    for (uint32_t i = 0; i < s->sightings.n; i++)
        add_sighting(&h, s, state_sighting(s, i));
    for (uint32_t i = 0; i < s->faces.n; i++)
        add_face(&h, s, state_face(s, i));
    for (uint32_t i = 0; i < s->endpoints.n; i++)
        add_endpoint(&h, state_endpoint(s, i));
    for (uint32_t i = 0; i < s->agents.n; i++)
        add_agent(&h, s, state_agent(s, i));
    hash_peek(&h, out);
}
