/* What a batch says again. See again.h. */
#include "applets/ers/again.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_ARENA_MAX = 4 << 20, JSON_MAX = 1 << 20 };

/* The room for one line after the other. */
struct reading {
    struct again *g;
    struct arena *arena, line;
    struct buf json;
    size_t served_cap;
    enum err err;
};

bool again_is_observation(struct bytes line) {
    return bytes_starts(line, "{\"type\":\"observation\"");
}

static int compare_sha256(const void *a, const void *b) {
    return memcmp(a, b, SHA256_SIZE);
}

static void serve(struct reading *r, const struct model_observation *o) {
    struct again *g = r->g;
    for (size_t i = 0; i < o->chain_n && !r->err; i++) {
        if (g->served_n == r->served_cap) {
            size_t cap = r->served_cap ? r->served_cap * 2 : 256;
            uint8_t(*more)[SHA256_SIZE] = arena_array(r->arena, cap, sizeof *more);
            if (!more) {
                r->err = r->arena->err;
                return;
            }
            if (g->served_n > 0)
                memcpy(more, g->served, g->served_n * sizeof *more);
            g->served = more;
            r->served_cap = cap;
        }
        memcpy(g->served[g->served_n++], o->chain[i].bytes, SHA256_SIZE);
    }
}

/* A batch is of one scan, and has each face once; what is otherwise goes whole. */
static void confirm(struct reading *r, struct again_line *line, const struct model_observation *o) {
    struct again *g = r->g;
    struct pushed_row *row = pushed_find(g->pushed, line->said);
    if (!row || row->is_seen || g->confirmed_n == MODEL_CONFIRMED_MAX)
        return;
    if (g->confirmed_n == 0)
        g->scan = arena_copy(r->arena, o->scan);
    if (!bytes_equal(g->scan, o->scan))
        return;
    line->row = row;
    row->is_seen = true;
    g->confirmed_n++;
    serve(r, o);
}

static void read_observation(struct reading *r, struct bytes text) {
    struct again_line *line = &r->g->lines[r->g->n++];
    struct json_value v;
    struct model_observation o;
    *line = (struct again_line){.row = NULL};
    arena_reset(&r->line);
    if (json_read(&r->line, text, MODEL_OBSERVATION_TOKENS, &v, NULL) ||
        model_observation_read(&r->line, v, &o, NULL))
        return;
    model_observation_said(&o, &r->json, line->said);
    line->is_read = r->json.err == ERR_OK;
    line->time_s = o.time_s;
    if (line->is_read)
        confirm(r, line, &o);
}

static void read_summary(struct reading *r, struct bytes text) {
    struct json_value v;
    arena_reset(&r->line);
    if (json_read(&r->line, text, MODEL_OBSERVATION_TOKENS, &v, NULL) ||
        !json_boolean(json_get(v, "complete"), &r->g->is_complete))
        r->g->is_complete = false;
}

enum err again_open(struct again *g, struct pushed *pushed, struct arena *a, struct bytes text,
                    size_t lines_n, struct fault *f) {
    struct reading r = {.g = g, .arena = a};
    struct cur c = cur_open(text);
    *g = (struct again){.pushed = pushed, .lines = arena_array(a, lines_n + 1, sizeof *g->lines)};
    if (!g->lines)
        return fault_set(f, a->err, "spool", "%zu lines", lines_n);
    arena_init(&r.line, LINE_ARENA_MAX);
    buf_init(&r.json, JSON_MAX);
    while (c.rest.n > 0 && !r.err) {
        struct bytes line = cur_until(&c, '\n');
        if (again_is_observation(line))
            read_observation(&r, line);
        else if (bytes_starts(line, "{\"type\":\"summary\""))
            read_summary(&r, line);
    }
    if (g->served_n > 0)
        qsort(g->served, g->served_n, sizeof *g->served, compare_sha256);
    arena_clear(&r.line);
    buf_clear(&r.json);
    return r.err ? fault_set(f, r.err, "spool", "%zu lines", lines_n) : ERR_OK;
}

bool again_is_served(const struct again *g, struct bytes sha256_hex) {
    uint8_t sha256[SHA256_SIZE];
    return g->served_n > 0 && hex_read(sha256_hex, sha256, sizeof sha256) &&
           bsearch(sha256, g->served, g->served_n, sizeof sha256, compare_sha256) != NULL;
}

static int compare_line(const void *a, const void *b) {
    const struct again_line *const *x = a, *const *y = b;
    return ((*x)->row->face > (*y)->row->face) - ((*x)->row->face < (*y)->row->face);
}

/* By face, and what they say. */
static void put_items(const struct again *g, const struct again_line **order,
                      struct model_confirmed *items, struct model_confirmation *c) {
    struct hash_run run;
    for (size_t i = 0, n = 0; i < g->n; i++)
        if (g->lines[i].row)
            order[n++] = &g->lines[i];
    qsort(order, c->n, sizeof *order, compare_line);
    c->time_s = order[0]->time_s;
    for (size_t i = 0; i < c->n; i++)
        c->time_s = order[i]->time_s < c->time_s ? order[i]->time_s : c->time_s;
    hash_begin(&run, HASH_SHA256);
    for (size_t i = 0; i < c->n; i++) {
        items[i].face = order[i]->row->face;
        items[i].after_s = (uint32_t)(order[i]->time_s - c->time_s);
        hash_add(&run, bytes_of(order[i]->said, sizeof order[i]->said));
    }
    hash_peek(&run, c->said);
}

enum err again_put(const struct again *g, struct buf *out, struct fault *f) {
    struct model_confirmation c = {.scan = g->scan, .n = g->confirmed_n};
    if (c.n == 0)
        return ERR_OK;
    const struct again_line **order = calloc(c.n, sizeof *order);
    struct model_confirmed *items = calloc(c.n, sizeof *items);
    enum err err = order && items ? ERR_OK : fault_set(f, ERR_MEMORY, "spool", "%zu faces", c.n);
    if (!err) {
        struct json j = json_to(out);
        put_items(g, order, items, &c);
        c.items = items;
        model_confirmation_json(&j, NULL, &c);
        buf_text(out, "\n");
    }
    free(items);
    free(order);
    return err;
}

void again_withdraw(struct again *g) {
    for (size_t i = 0; i < g->n; i++) {
        if (g->lines[i].row)
            pushed_forget(g->pushed, g->lines[i].row);
        g->lines[i].row = NULL;
    }
    g->confirmed_n = g->served_n = 0;
}

void again_learn(struct again *g, struct json_value faces) {
    struct json_value v = json_first(faces);
    for (size_t i = 0; i < g->n && json_type_of(v) != JSON_NONE; i++) {
        int64_t face;
        if (g->lines[i].row)
            continue;
        if (g->lines[i].is_read && json_integer(v, &face) && face >= 0 && face <= UINT32_MAX)
            pushed_learn(g->pushed, (uint32_t)face, g->lines[i].said);
        v = json_next(v);
    }
}
