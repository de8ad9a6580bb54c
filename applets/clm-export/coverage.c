/* What was looked at, by agent and target: how many endpoints, how the looks ended, when
 * the last one was. It is told from what agents sent: what an agent excludes, and targets
 * that it never looked at, are known to the agent alone. */
#include "applets/clm-export/parts.h"

#include <stdlib.h>
#include <string.h>

/* An endpoint as one agent saw it for one target. */
struct look {
    struct bytes agent, target;
    enum model_outcome outcome;
    int64_t last_ms, passes;
};

struct looks {
    enum err err; /* of an endpoint, told in *fault */
    struct fault *fault;
    struct export_run *run;
    struct look *items;
    size_t n, room;
    struct arena texts, item;
    struct inventory_agent agent; /* the one that was asked for last */
    bool has_agent;
};

struct covered {
    struct bytes agent, target;
    uint64_t endpoints, ok, silent, no_tls, failed, unseen;
    int64_t last_ms, passes;
};

enum column {
    C_AGENT,
    C_TARGET,
    C_ENDPOINTS,
    C_OK,
    C_SILENT,
    C_NO_TLS,
    C_FAILED,
    C_UNSEEN,
    C_LAST_LOOK,
    C_PASSES,
    C_COLUMNS
};

/* clang-format off */
static const struct export_column columns[C_COLUMNS] = {
    [C_AGENT]     = {"agent",      "Agent",        EXPORT_IN_ALL},
    [C_TARGET]    = {"target",     "Target",       EXPORT_IN_ALL},
    [C_ENDPOINTS] = {"endpoints",  "Endpoints",    EXPORT_IN_ALL | EXPORT_NUMBER},
    [C_OK]        = {"ok",         "Certificate",  EXPORT_IN_ALL | EXPORT_NUMBER},
    [C_SILENT]    = {"silent",     "No answer",    EXPORT_IN_ALL | EXPORT_NUMBER},
    [C_NO_TLS]    = {"no_tls",     "No TLS",       EXPORT_IN_ALL | EXPORT_NUMBER},
    [C_FAILED]    = {"failed",     "Failed",       EXPORT_IN_ALL | EXPORT_NUMBER},
    [C_UNSEEN]    = {"not_looked", "Not looked",   EXPORT_IN_ALL | EXPORT_NUMBER},
    [C_LAST_LOOK] = {"last_look",  "Last look",    EXPORT_IN_ALL},
    [C_PASSES]    = {"passes",     "Whole passes", EXPORT_IN_ALL | EXPORT_NUMBER},
};
/* clang-format on */

static void cell(struct export_run *run, size_t column, const void *row) {
    const struct covered *v = row;
    struct cells *c = &run->cells;
    switch ((enum column)column) {
    case C_AGENT:
        cells_bytes(c, v->agent);
        break;
    case C_TARGET:
        cells_bytes(c, v->target);
        break;
    case C_ENDPOINTS:
        cells_int(c, (int64_t)v->endpoints);
        break;
    case C_OK:
        cells_int(c, (int64_t)v->ok);
        break;
    case C_SILENT:
        cells_int(c, (int64_t)v->silent);
        break;
    case C_NO_TLS:
        cells_int(c, (int64_t)v->no_tls);
        break;
    case C_FAILED:
        cells_int(c, (int64_t)v->failed);
        break;
    case C_UNSEEN:
        cells_int(c, (int64_t)v->unseen);
        break;
    case C_LAST_LOOK:
        export_ms(c, v->last_ms);
        break;
    case C_PASSES:
        cells_int(c, v->passes);
        break;
    case C_COLUMNS:
        break;
    }
}

static uint64_t *count_of(struct covered *v, enum model_outcome outcome) {
    switch (outcome) {
    case MODEL_OK:
        return &v->ok;
    case MODEL_REFUSED:
    case MODEL_TIMEOUT:
    case MODEL_UNREACHABLE:
    case MODEL_DNS_ERROR:
        return &v->silent;
    case MODEL_NOT_TLS:
    case MODEL_NOT_OFFERED:
        return &v->no_tls;
    default:
        return model_outcome_row(outcome)->is_looked ? &v->failed : &v->unseen;
    }
}

/* ---- Gathering ---- */

static int64_t passes_of(struct looks *l, const uint8_t *id) {
    struct fault ignored;
    if (!l->has_agent || memcmp(l->agent.id, id, INVENTORY_ID_SIZE) != 0)
        l->has_agent =
            inventory_agent_get(l->run->inv, id, &l->texts, &l->agent, &ignored) == ERR_OK;
    return l->has_agent ? (int64_t)l->agent.passes : 0;
}

static enum err add_look(struct looks *l, const struct inventory_face *face, struct fault *f) {
    if (l->n == l->room) {
        size_t room = l->room == 0 ? 256 : 2 * l->room;
        struct look *items = realloc(l->items, room * sizeof *items);
        if (items == NULL)
            return fault_set(f, ERR_MEMORY, "coverage", "%zu", room);
        l->items = items;
        l->room = room;
    }
    struct look *k = &l->items[l->n++];
    *k = (struct look){.agent = arena_copy(&l->texts, face->agent_name),
                       .target = arena_copy(&l->texts, face->last.target),
                       .outcome = face->last.outcome,
                       .last_ms = face->last_seen_ms,
                       .passes = passes_of(l, face->agent)};
    return l->texts.err == ERR_OK ? ERR_OK : fault_set(f, l->texts.err, "coverage", "no room");
}

/* The faces of one endpoint, each agent's target once, by its best face. */
static enum err add_endpoint(struct looks *l, const uint8_t *id, struct fault *f) {
    struct inventory_endpoint_detail d;
    size_t from = l->n;
    arena_reset(&l->item);
    enum err code = inventory_endpoint_get(l->run->inv, id, &l->item, &d, f);
    for (size_t i = 0; i < d.faces_n && code == ERR_OK; i++) {
        const struct inventory_face *face = &d.faces[i];
        size_t at = from;
        while (at < l->n && !(bytes_equal(l->items[at].agent, face->agent_name) &&
                              bytes_equal(l->items[at].target, face->last.target)))
            at++;
        if (at == l->n) {
            code = add_look(l, face, f);
            continue;
        }
        struct look *k = &l->items[at];
        k->outcome = model_outcome_best(k->outcome, face->last.outcome);
        k->last_ms = face->last_seen_ms > k->last_ms ? face->last_seen_ms : k->last_ms;
    }
    return code;
}

static bool visit_endpoint(struct export_run *run, void *context, const void *row) {
    struct looks *l = context;
    const struct inventory_endpoint *e = row;
    (void)run;
    l->err = add_endpoint(l, e->id, l->fault);
    return l->err == ERR_OK;
}

static enum err gather(struct looks *l, struct fault *f) {
    struct inventory_query q = {.limit = EXPORT_PAGE, .uncounted = true};
    l->fault = f;
    enum err code = export_each(l->run, &export_endpoint_list, q, visit_endpoint, l, f);
    return code == ERR_OK ? l->err : code;
}

static int compare_looks(const void *a, const void *b) {
    const struct look *x = a, *y = b;
    int c = bytes_compare(x->agent, y->agent);
    return c != 0 ? c : bytes_compare(x->target, y->target);
}

static void put_all(struct looks *l) {
    qsort(l->items, l->n, sizeof *l->items, compare_looks);
    for (size_t i = 0, n; i < l->n; i += n) {
        struct covered v = {.agent = l->items[i].agent, .target = l->items[i].target};
        for (n = 0; i + n < l->n && compare_looks(&l->items[i], &l->items[i + n]) == 0; n++) {
            const struct look *k = &l->items[i + n];
            (*count_of(&v, k->outcome))++;
            v.endpoints++;
            v.last_ms = k->last_ms > v.last_ms ? k->last_ms : v.last_ms;
            v.passes = k->passes;
        }
        if (!export_row(l->run, &v))
            return;
    }
}

static enum err walk(struct export_run *run, struct fault *f) {
    struct looks l = {.run = run};
    arena_init(&l.texts, (size_t)1 << 30);
    arena_init(&l.item, EXPORT_ITEM_MAX);
    enum err code = gather(&l, f);
    if (code == ERR_OK && l.n > 0)
        put_all(&l);
    free(l.items);
    arena_clear(&l.texts);
    arena_clear(&l.item);
    return code;
}

const struct export_kind export_coverage = {
    .name = "coverage",
    .type = "coverage",
    .columns = columns,
    .columns_n = C_COLUMNS,
    .cell = cell,
    .walk = walk,
};
