/* The server: opening, the loop, stopping, work in the background. See http.h. */
#include "web/http/server.h"

#include <stdlib.h>

enum { TICKS_A_SECOND = 1000 / HTTP_TICK_MS, STRINGS_MAX = 65536 };

static void default_to(size_t *value, size_t standard) {
    if (*value == 0)
        *value = standard;
}

static void default_ms(uint64_t *value, uint64_t standard) {
    if (*value == 0)
        *value = standard;
}

static void set_limits(struct http_limits *l) {
    default_to(&l->connections, 2048);
    default_to(&l->connections_per_address, 256);
    default_to(&l->handshakes_per_second, 50);
    default_to(&l->head_bytes, (size_t)16 << 10);
    default_to(&l->target_bytes, (size_t)8 << 10);
    default_to(&l->bodies_bytes, (size_t)512 << 20);
    default_to(&l->response_bytes, (size_t)256 << 20);
    default_to(&l->arena_bytes, (size_t)64 << 20);
    default_to(&l->works, 64);
    default_ms(&l->handshake_ms, 10000);
    default_ms(&l->head_ms, 10000);
    default_ms(&l->idle_ms, 75000);
    default_ms(&l->transfer_ms, 30000);
    default_ms(&l->drain_ms, 10000);
}

uint64_t http_loop_now_ms(const struct http_loop *loop) {
    const struct env *env = loop->server->env;
    return env->tick_ms(env->context);
}

/* ---- requests that other threads hand in ----------------------------------- */

void http_finish(struct http_request *rq) {
    struct http_loop *loop = http_request_loop(rq);
    mutex_lock(loop->mutex);
    rq->next = loop->finished;
    loop->finished = rq;
    /* Under the mutex: as soon as it is free the loop may answer and end. */
    uv_async_send(&loop->wake);
    mutex_unlock(loop->mutex);
}

static struct http_request *take_finished(struct http_loop *loop) {
    mutex_lock(loop->mutex);
    struct http_request *list = loop->finished;
    loop->finished = NULL;
    mutex_unlock(loop->mutex);
    return list;
}

struct background {
    uv_work_t uv;
    struct http_request *rq;
    http_work_run *work;
    http_work_after *after;
    void *argument;
};

static void run_background(uv_work_t *uv) {
    struct background *b = uv->data;
    b->work(b->rq, b->argument);
}

static void after_background(uv_work_t *uv, int status) {
    struct background *b = uv->data;
    struct http_request *rq = b->rq;
    (void)status; /* never cancelled */
    http_request_loop(rq)->works--;
    enum http_verdict verdict = b->after != NULL ? b->after(rq, b->argument) : HTTP_DONE;
    free(b);
    if (verdict == HTTP_DONE)
        http_connection_answer(rq);
}

enum http_verdict http_work(struct http_request *rq, http_work_run *work, http_work_after *after,
                            void *argument) {
    struct http_loop *loop = http_request_loop(rq);
    struct background *b = NULL;
    if (loop->works < loop->server->options.limits.works)
        b = calloc(1, sizeof *b);
    if (b == NULL) {
        http_response_problem_status(rq, 503, ERR_BUSY, NULL, NULL);
        return HTTP_DONE;
    }
    *b = (struct background){.rq = rq, .work = work, .after = after, .argument = argument};
    b->uv.data = b;
    loop->works++;
    uv_queue_work(&loop->uv, &b->uv, run_background, after_background);
    return HTTP_LATER;
}

/* ---- the loop --------------------------------------------------------------- */

static void close_loop_handles(struct http_loop *loop) {
    if (loop->is_closed)
        return;
    http_listeners_close(loop);
    mutex_lock(loop->mutex);
    loop->is_closed = true;
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    mutex_unlock(loop->mutex);
}

static bool stop_wanted(const struct http_server *s) {
    return atomic_load(&s->stop) || (s->env->stop != NULL && *s->env->stop != 0);
}

static void begin_drain(struct http_loop *loop) {
    loop->is_draining = true;
    loop->drain_until_ms = http_loop_now_ms(loop) + loop->server->options.limits.drain_ms;
    http_listeners_close(loop);
    http_connections_drain(loop);
}

static void watch_stop(struct http_loop *loop) {
    if (!loop->is_draining && stop_wanted(loop->server))
        begin_drain(loop);
    if (loop->is_draining && http_loop_now_ms(loop) >= loop->drain_until_ms)
        http_connections_abort(loop);
    if (loop->is_draining && loop->connections_n == 0)
        close_loop_handles(loop);
}

static void on_wake(uv_async_t *wake) {
    struct http_loop *loop = wake->data;
    for (struct http_request *rq = take_finished(loop), *next; rq != NULL; rq = next) {
        next = rq->next;
        http_connection_answer(rq);
    }
    watch_stop(loop);
}

static void on_timer(uv_timer_t *timer) {
    struct http_loop *loop = timer->data;
    const struct http_options *o = &loop->server->options;
    http_connections_tick(loop, http_loop_now_ms(loop));
    if (loop->ticks++ % TICKS_A_SECOND == 0 && o->tick != NULL)
        o->tick(o->context);
    watch_stop(loop);
}

static enum err open_loop(struct http_server *s, struct fault *f) {
    struct http_loop *loop = &s->loop;
    loop->server = s;
    loop->bodies.max = s->options.limits.bodies_bytes;
    loop->is_closed = true;
    loop->mutex = mutex_open();
    if (loop->mutex == NULL || uv_loop_init(&loop->uv) != 0) {
        mutex_close(loop->mutex);
        loop->mutex = NULL;
        return fault_set(f, ERR_MEMORY, "event loop", "%s", "");
    }
    uv_timer_init(&loop->uv, &loop->timer);
    if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0) {
        uv_close((uv_handle_t *)&loop->timer, NULL);
        return fault_set(f, ERR_MEMORY, "event loop", "%s", "");
    }
    loop->timer.data = loop->wake.data = loop;
    loop->is_closed = false;
    return ERR_OK;
}

static enum err listen_all(struct http_server *s, const struct http_options *o, struct fault *f) {
    enum err err = ERR_OK;
    for (size_t i = 0; i < o->listen_n && err == ERR_OK; i++)
        err = http_listen_tcp(&s->loop, o->listen[i], f);
    if (err == ERR_OK && o->control != NULL)
        err = http_listen_control(&s->loop, o->control, f);
    return err;
}

static char *keep(struct http_server *s, const char *text) {
    return text != NULL ? arena_cstr(&s->arena, bytes_text(text)) : NULL;
}

static enum err set_up(struct http_server *s, const struct http_options *o, struct fault *f) {
    enum err err = open_loop(s, f);
    if (err == ERR_OK)
        err = listen_all(s, o, f);
    if (err == ERR_OK && o->listen_n > 0)
        err = http_server_identity(s, &o->identity, f);
    return err;
}

enum err http_server_open(const struct env *env, const struct http_options *options,
                          struct http_server **out, struct fault *f) {
    struct http_server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return fault_set(f, ERR_MEMORY, "server", "%s", "");
    arena_init(&s->arena, STRINGS_MAX);
    s->env = env;
    s->options = *options;
    s->options.listen = NULL;
    s->options.identity = (struct http_identity){
        {NULL, 0},
        NULL, 0
    };
    s->options.control = keep(s, options->control);
    s->options.name = keep(s, options->name);
    set_limits(&s->options.limits);
    atomic_init(&s->stop, false);
    enum err err = set_up(s, options, f);
    if (err != ERR_OK) {
        http_server_close(s);
        return err;
    }
    *out = s;
    return ERR_OK;
}

unsigned http_server_port(const struct http_server *s, size_t i) {
    for (size_t l = 0; l < s->loop.listeners_n; l++)
        if (s->loop.listeners[l].open && !s->loop.listeners[l].local && i-- == 0)
            return s->loop.listeners[l].port;
    return 0;
}

enum err http_server_identity(struct http_server *s, const struct http_identity *identity,
                              struct fault *f) {
    struct tls_identity *fresh;
    enum err err = tls_identity_open(identity, &fresh, f);
    if (err != ERR_OK)
        return err;
    tls_identity_close(s->identity);
    s->identity = fresh;
    return ERR_OK;
}

enum err http_server_run(struct http_server *s, struct fault *f) {
    int status = uv_timer_start(&s->loop.timer, on_timer, HTTP_TICK_MS, HTTP_TICK_MS);
    if (status != 0)
        return fault_set(f, ERR_FAILED, "event loop", "%s", uv_strerror(status));
    uv_run(&s->loop.uv, UV_RUN_DEFAULT);
    return ERR_OK;
}

void http_server_stop(struct http_server *s) {
    atomic_store(&s->stop, true);
    mutex_lock(s->loop.mutex);
    if (!s->loop.is_closed)
        uv_async_send(&s->loop.wake);
    mutex_unlock(s->loop.mutex);
}

void http_server_close(struct http_server *s) {
    if (s == NULL)
        return;
    if (s->loop.mutex != NULL) {
        s->loop.is_draining = true;
        http_connections_abort(&s->loop);
        close_loop_handles(&s->loop);
        uv_run(&s->loop.uv, UV_RUN_DEFAULT);
        uv_loop_close(&s->loop.uv);
        mutex_close(s->loop.mutex);
    }
    tls_identity_close(s->identity);
    arena_clear(&s->arena);
    free(s);
}
