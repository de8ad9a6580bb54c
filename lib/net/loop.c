/* The event loop and its timers. See loop.h. */
#include "net/inner.h"

#include <stdlib.h>

struct net_timer {
    uv_timer_t uv;
    net_timer_fired *fired;
    void *context;
};

enum err net_loop_open(const struct env *env, struct net_loop **out, struct fault *f) {
    struct net_loop *l = malloc(sizeof *l);
    if (!l)
        return fault_set(f, ERR_MEMORY, "event loop", "%s", "");
    int status = uv_loop_init(&l->uv);
    if (status) {
        free(l);
        return fault_set(f, ERR_IO, "event loop", "%s", uv_strerror(status));
    }
    l->env = env;
    l->uv.data = l;
    *out = l;
    return ERR_OK;
}

void net_loop_close(struct net_loop *l) {
    if (!l)
        return;
    uv_run(&l->uv, UV_RUN_DEFAULT); /* close callbacks free what they belong to */
    uv_loop_close(&l->uv);
    free(l);
}

void net_loop_run(struct net_loop *l) {
    uv_run(&l->uv, UV_RUN_DEFAULT);
}

uint64_t net_loop_now_ms(const struct net_loop *l) {
    return uv_now(&l->uv);
}

const struct env *net_loop_env(const struct net_loop *l) {
    return l->env;
}

static void timer_fired(uv_timer_t *uv) {
    struct net_timer *t = uv->data;
    t->fired(t->context);
}

static void timer_closed(uv_handle_t *uv) {
    free(uv->data);
}

struct net_timer *net_timer_open(struct net_loop *l, net_timer_fired *fired, void *context) {
    struct net_timer *t = malloc(sizeof *t);
    if (!t)
        return NULL;
    uv_timer_init(&l->uv, &t->uv);
    t->uv.data = t;
    t->fired = fired;
    t->context = context;
    return t;
}

void net_timer_start(struct net_timer *t, uint64_t after_ms, uint64_t repeat_ms) {
    uv_timer_start(&t->uv, timer_fired, after_ms, repeat_ms);
}

void net_timer_stop(struct net_timer *t) {
    uv_timer_stop(&t->uv);
}

void net_timer_close(struct net_timer *t) {
    if (t)
        uv_close((uv_handle_t *)&t->uv, timer_closed);
}
