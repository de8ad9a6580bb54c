/* Endpoints in an order that spreads over hosts. */
#include "probe/inner.h"

#include <stdlib.h>

/* Any even spread will do; nothing depends on its being unpredictable. */
static uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void shuffle(uint32_t *order, size_t n, const struct env *env) {
    uint64_t state = 1;
    if (!env->random(env->context, (uint8_t *)&state, sizeof state) || state == 0)
        state = 1; /* in order of a fixed shuffle, then */
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)(next_random(&state) % i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[k];
        order[k] = kept;
    }
}

enum err source_open(struct source *s, const struct env *env, const struct probe_plan *plan) {
    *s = (struct source){.plan = plan};
    if (plan->targets_n > UINT32_MAX)
        return ERR_LIMIT;
    s->order = calloc(plan->targets_n + 1, sizeof *s->order);
    s->open = calloc(SOURCE_OPEN, sizeof *s->open);
    if (!s->order || !s->open) {
        source_close(s);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < plan->targets_n; i++)
        s->order[i] = (uint32_t)i;
    shuffle(s->order, plan->targets_n, env);
    return ERR_OK;
}

void source_close(struct source *s) {
    free(s->order);
    free(s->open);
    *s = (struct source){0};
}

static const struct model_target *peek(const struct source *s) {
    return s->next < s->plan->targets_n ? &s->plan->targets[s->order[s->next]] : NULL;
}

/* Paths are looked at by files.c. */
static bool open_next(struct source *s, struct open_target *open) {
    while (peek(s) != NULL && peek(s)->kind == MODEL_TARGET_PATH)
        s->next++;
    if (peek(s) == NULL)
        return false;
    model_unfold_open(&open->unfold, &s->plan->targets[s->order[s->next++]],
                      &s->plan->default_ports, s->plan->exclusions);
    open->used = true;
    return true;
}

bool source_next(struct source *s, struct model_endpoint *out, const struct model_target **target) {
    for (size_t idle = 0; idle < SOURCE_OPEN;) {
        struct open_target *open = &s->open[s->turn];
        s->turn = (s->turn + 1) % SOURCE_OPEN;
        if (!open->used && !open_next(s, open)) {
            idle++;
            continue;
        }
        if (model_unfold_next(&open->unfold, out)) {
            *target = open->unfold.target;
            return true;
        }
        open->used = false;
        idle = 0; /* its place may take another target */
    }
    return false;
}
