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

#include <stdlib.h>
#include <string.h>

struct confirming {
    const struct state *s;
    const struct inventory_push *push;
    const bool *is_good;
    const struct model_ids *ids; /* of each observation */
    uint32_t *faces, *endpoints; /* likewise; ROWS_NONE: new */
    uint8_t *told;               /* by endpoint: something else is told of it */
    uint8_t *met;                /* by face: an observation before has it */
    struct arena scratch;
    struct buf room;
};

static int compare_ids(const void *a, const void *b) {
    return memcmp(a, b, INVENTORY_ID_SIZE);
}

struct model_ids *inventory_push_ids(struct inventory *inv, const struct inventory_push *push,
                                     struct arena *a) {
    struct model_ids *ids = arena_array(a, push->observations_n + 1, sizeof *ids);
    struct bytes network = {NULL, 0};
    struct model_face face;
    char ip_text[IP_TEXT_MAX];
    if (!inventory_lock(inv, NULL))
        return NULL;
    uint32_t agent = table_find(&inv->state.by_agent, push->agent);
    if (agent != ROWS_NONE) /* it does not change */
        network = arena_copy(a, state_text(&inv->state, state_agent(&inv->state, agent)->network));
    inventory_unlock(inv);
    if (agent == ROWS_NONE || a->err != ERR_OK)
        return NULL;
    for (size_t i = 0; i < push->observations_n; i++)
        state_place_ids(&push->observations[i], network, push->agent, &face, ip_text, &ids[i]);
    return ids;
}

/* Takes the faces of all good observations, and waits where another push has one of them. */
static bool hold_faces(const struct confirming *x, struct change *c) {
    uint8_t(*faces)[INVENTORY_ID_SIZE] = calloc(x->push->observations_n + 1, sizeof *faces);
    size_t n = 0;
    if (faces == NULL)
        return false;
    for (size_t i = 0; i < x->push->observations_n; i++)
        if (x->is_good[i])
            memcpy(faces[n++], x->ids[i].face, INVENTORY_ID_SIZE);
    qsort(faces, n, sizeof *faces, compare_ids);
    change_faces(c, faces, n);
    return true;
}

static bool says_the_same(struct confirming *x, uint32_t face, const struct model_observation *o) {
    arena_reset(&x->scratch);
    return record_observation_confirms(&x->scratch, &x->room,
                                       state_text(x->s, state_face(x->s, face)->last), o);
}

static void note(struct confirming *x, size_t i) {
    const struct model_observation *o = &x->push->observations[i];
    uint32_t e = x->endpoints[i] = table_find(&x->s->by_endpoint, x->ids[i].endpoint);
    uint32_t f = x->faces[i] = table_find(&x->s->by_face, x->ids[i].face);
    if (e == ROWS_NONE)
        return;
    bool is_same =
        f != ROWS_NONE && x->met[f] == 0 && bytes_equal(o->scan, x->push->observations[0].scan) &&
        model_outcome_row(o->outcome)->is_looked && o->time_s > 0 && says_the_same(x, f, o);
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
    struct model_confirmed *items = arena_array(a, n + 1, sizeof *items);
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
        items[i] = (struct model_confirmed){seen[i].face, (uint32_t)after_s};
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
                           const struct inventory_push *push, const struct model_ids *ids,
                           const bool *is_good, bool *is_confirmed, struct arena *a,
                           struct buf *out, size_t *n) {
    struct confirming x = {.s = &inv->state, .push = push, .ids = ids, .is_good = is_good};
    enum err code = ERR_OK;
    *n = 0;
    memset(is_confirmed, 0, push->observations_n * sizeof *is_confirmed);
    if (push->observations_n == 0)
        return ERR_OK;
    struct seen *seen = arena_array(a, push->observations_n + 1, sizeof *seen);
    if (seen == NULL || !hold_faces(&x, c) || !inventory_lock(inv, NULL))
        return ERR_MEMORY;
    arena_init(&x.scratch, 1 << 20);
    buf_init(&x.room, RECORD_OBSERVATION_MAX);
    code = look(&x, a);
    if (code == ERR_OK)
        *n = gather(&x, seen, is_confirmed);
    if (code == ERR_OK && *n > 0)
        code = put(&x, seen, *n, a, out);
    inventory_unlock(inv);
    buf_clear(&x.room);
    arena_clear(&x.scratch);
    free(x.told);
    free(x.met);
    return code;
}

/* ---- What a confirmation of an agent stands for ---- */

/* The bytes of what the faces showed last, since the state may change. */
static bool copy_last(struct inventory *inv, const struct model_confirmation *c, struct arena *a,
                      struct bytes *last) {
    const struct state *s = &inv->state;
    bool is_there = inventory_lock(inv, NULL);
    if (!is_there)
        return false;
    for (size_t i = 0; i < c->n && is_there; i++) {
        is_there = c->items[i].face < s->faces.n;
        if (is_there)
            last[i] = arena_copy(a, state_text(s, state_face(s, c->items[i].face)->last));
    }
    inventory_unlock(inv);
    return is_there;
}

static bool read_all(const struct model_confirmation *c, const struct bytes *last, struct arena *a,
                     struct model_observation *out) {
    struct hash_run run;
    struct buf room;
    uint8_t said[MODEL_SAID_SIZE], hash[SHA256_SIZE];
    bool is_same = true;
    buf_init(&room, RECORD_OBSERVATION_MAX * 8); /* as JSON */
    hash_begin(&run, HASH_SHA256);
    for (size_t i = 0; i < c->n && is_same; i++) {
        is_same = record_observation_read(a, last[i], &out[i]);
        if (!is_same)
            break;
        out[i].scan = c->scan;
        out[i].time_s = c->time_s + c->items[i].after_s;
        model_observation_said(&out[i], &room, said);
        hash_add(&run, bytes_of(said, sizeof said));
    }
    hash_peek(&run, hash);
    is_same = is_same && room.err == ERR_OK && memcmp(hash, c->said, sizeof hash) == 0;
    buf_clear(&room);
    return is_same;
}

enum err inventory_confirmed(struct inventory *inv, const struct model_confirmation *c,
                             struct arena *a, struct model_observation *out, struct fault *f) {
    struct bytes *last = arena_array(a, c->n + 1, sizeof *last);
    bool is_same = last != NULL && copy_last(inv, c, a, last) && read_all(c, last, a, out);
    if (a->err != ERR_OK)
        return fault_set(f, a->err, "confirmation", "%zu faces", c->n);
    return is_same ? ERR_OK
                   : fault_set(f, ERR_CONFLICT, "confirmation", "of what is not known here");
}
