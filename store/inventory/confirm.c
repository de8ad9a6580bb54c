/* Which observations of a push say nothing new: they become a confirmation (record.h), a few bytes
 * each. See private.h.
 *
 * An observation is confirmed where its face was seen before and showed the same, and where the
 * push tells nothing else of its endpoint: so an endpoint's observations are applied together, in
 * the order of their times.
 *
 * What a face showed last must not change between the look at it here and the moment in which
 * the confirmation is applied. So a push holds the faces that it tells of, and one that tells of
 * the same ones (of another agent of the network) waits until it is stored. Others do not. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct confirming {
    struct inventory *inv;
    const struct state *s;
    const struct inventory_push *push;
    struct bytes network;
    char agent_hex[2 * INVENTORY_ID_SIZE + 1];
    const bool *is_good;
    uint32_t *faces, *endpoints; /* of each observation; ROWS_NONE: new */
    uint8_t *told;               /* by endpoint: something else is told of it */
    uint8_t *met;                /* by face: an observation before has it */
    struct arena scratch;
};

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, INVENTORY_ID_SIZE);
}

static void face_id(const struct confirming *x, const struct model_observation *o,
                    uint8_t endpoint[INVENTORY_ID_SIZE], uint8_t face[INVENTORY_ID_SIZE]) {
    char ip_text[IP_TEXT_MAX], id_text[MODEL_ID_TEXT];
    struct model_face f = model_observation_face(o, x->network, ip_text);
    model_endpoint_id(&f.endpoint, bytes_text(x->agent_hex), id_text);
    (void)!hex_read(bytes_text(id_text), endpoint, INVENTORY_ID_SIZE);
    model_face_id(&f, bytes_text(x->agent_hex), id_text);
    (void)!hex_read(bytes_text(id_text), face, INVENTORY_ID_SIZE);
}

/* The agent's network does not change. */
static bool find_agent(struct confirming *x, struct arena *a) {
    if (!inventory_lock(x->inv, NULL))
        return false;
    uint32_t i = table_find(&x->s->by_agent, x->push->agent);
    if (i != ROWS_NONE)
        x->network = arena_copy(a, state_text(x->s, state_agent(x->s, i)->network));
    inventory_unlock(x->inv);
    hex_write(x->agent_hex, bytes_of(x->push->agent, INVENTORY_ID_SIZE));
    return i != ROWS_NONE && a->err == ERR_OK;
}

/* Takes the faces of all good observations, and waits where another push has one of them. */
static bool hold_faces(struct confirming *x, struct change *c) {
    uint8_t endpoint[INVENTORY_ID_SIZE];
    uint8_t(*ids)[INVENTORY_ID_SIZE] = calloc(x->push->observations_n + 1, sizeof *ids);
    size_t n = 0;
    if (ids == NULL)
        return false;
    for (size_t i = 0; i < x->push->observations_n; i++)
        if (x->is_good[i])
            face_id(x, &x->push->observations[i], endpoint, ids[n++]);
    qsort(ids, n, sizeof *ids, compare_ids);
    change_faces(c, ids, n);
    return true;
}

static void note(struct confirming *x, size_t i) {
    const struct model_observation *o = &x->push->observations[i];
    uint8_t endpoint[INVENTORY_ID_SIZE], face[INVENTORY_ID_SIZE];
    face_id(x, o, endpoint, face);
    uint32_t e = x->endpoints[i] = table_find(&x->s->by_endpoint, endpoint);
    uint32_t f = x->faces[i] = table_find(&x->s->by_face, face);
    if (e == ROWS_NONE)
        return;
    bool is_same = f != ROWS_NONE && x->met[f] == 0 &&
                   bytes_equal(o->scan, x->push->observations[0].scan) &&
                   model_outcome_row(o->outcome)->is_looked && o->time_s > 0;
    arena_reset(&x->scratch);
    if (is_same)
        is_same = record_observation_confirms(&x->scratch,
                                              state_text(x->s, state_face(x->s, f)->last), o);
    if (f != ROWS_NONE)
        x->met[f] = 1;
    if (!is_same)
        x->told[e] = 1;
}

/* With the state locked. */
static enum err look(struct confirming *x, struct arena *a) {
    size_t n = x->push->observations_n;
    x->faces = arena_array(a, n + 1, sizeof *x->faces);
    x->endpoints = arena_array(a, n + 1, sizeof *x->endpoints);
    x->told = calloc((size_t)x->s->endpoints.n + 1, 1);
    x->met = calloc((size_t)x->s->faces.n + 1, 1);
    if (x->faces == NULL || x->endpoints == NULL || x->told == NULL || x->met == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++)
        if (x->is_good[i])
            note(x, i);
    return ERR_OK;
}

struct seen {
    uint32_t face;
    int64_t time_s;
};

static int compare_seen(const void *a, const void *b) {
    const struct seen *x = a, *y = b;
    return (x->face > y->face) - (x->face < y->face);
}

/* Those that are confirmed, by face; the others stay in is_confirmed as false. */
static size_t gather(const struct confirming *x, struct seen *seen, bool *is_confirmed) {
    size_t n = 0;
    for (size_t i = 0; i < x->push->observations_n; i++) {
        uint32_t e = x->is_good[i] ? x->endpoints[i] : ROWS_NONE;
        is_confirmed[i] = e != ROWS_NONE && x->told[e] == 0;
        if (is_confirmed[i])
            seen[n++] = (struct seen){x->faces[i], x->push->observations[i].time_s};
    }
    qsort(seen, n, sizeof *seen, compare_seen);
    return n;
}

static enum err put(const struct confirming *x, const struct seen *seen, size_t n, struct arena *a,
                    struct buf *out) {
    struct record_confirmed *items = arena_array(a, n + 1, sizeof *items);
    uint8_t digest[INVENTORY_ID_SIZE];
    int64_t base_s = INT64_MAX;
    if (items == NULL)
        return a->err;
    for (size_t i = 0; i < n; i++)
        base_s = seen[i].time_s < base_s ? seen[i].time_s : base_s;
    for (size_t i = 0; i < n; i++) {
        int64_t after_s = seen[i].time_s - base_s;
        if (after_s > UINT32_MAX)
            return ERR_LIMIT;
        items[i] = (struct record_confirmed){seen[i].face, (uint32_t)after_s};
    }
    state_faces_digest(x->s, items, (uint32_t)n, digest);
    struct record_confirmation r = {.agent = bytes_of(x->push->agent, INVENTORY_ID_SIZE),
                                    .batch = x->push->batch,
                                    .scan = x->push->observations[0].scan,
                                    .digest = bytes_of(digest, sizeof digest),
                                    .base_s = base_s,
                                    .n = (uint32_t)n};
    record_confirmation_write(&r, items, out);
    return out->err;
}

enum err inventory_confirm(struct inventory *inv, struct change *c,
                           const struct inventory_push *push, const bool *is_good,
                           bool *is_confirmed, struct arena *a, struct buf *out, size_t *n) {
    struct confirming x = {.inv = inv, .s = &inv->state, .push = push, .is_good = is_good};
    enum err code = ERR_OK;
    *n = 0;
    memset(is_confirmed, 0, push->observations_n * sizeof *is_confirmed);
    if (push->observations_n == 0)
        return ERR_OK;
    if (!find_agent(&x, a) || !hold_faces(&x, c))
        return ERR_MEMORY;
    struct seen *seen = arena_array(a, push->observations_n + 1, sizeof *seen);
    if (seen == NULL || !inventory_lock(inv, NULL))
        return ERR_MEMORY;
    arena_init(&x.scratch, 1 << 20);
    code = look(&x, a);
    if (code == ERR_OK)
        *n = gather(&x, seen, is_confirmed);
    if (code == ERR_OK && *n > 0)
        code = put(&x, seen, *n, a, out);
    inventory_unlock(inv);
    arena_clear(&x.scratch);
    free(x.told);
    free(x.met);
    return code;
}
