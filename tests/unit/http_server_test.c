/* web/http/server over its control socket: handlers, later answers, work in the
 * background, limits, draining. TLS and TCP are in tests/peers/http_test.py. */
#include "test_dir.h"

#include "base/env.h"
#include "base/file.h"
#include "base/os.h"
#include "base/thread.h"
#include "crypto/crypto.h"
#include "web/http/control_client.h"
#include "web/http/http.h"

#include <stdlib.h>

/* TIMEOUT_MS is longer than libuv may wait for a Windows pipe of which all ends are taken. */
enum { TIMEOUT_MS = 60000, NEWCOMER_MS = 1000, BODY_MAX = 100000 };

struct world {
    struct env env;
    struct arena arena;
    const char *control;
    struct http_server *server;
    struct thread *loop;
    struct mutex *mutex;
    struct cond *cond;
    bool is_held, release; /* GET /hold waits for release */
    struct thread *helper;
    size_t admitted;
};

static void answer_text(struct http_request *rq, const char *text) {
    rq->response.content_type = "text/plain";
    buf_text(&rq->response.body, text);
}

static void finish_elsewhere(void *argument) {
    struct http_request *rq = argument;
    answer_text(rq, "later");
    http_finish(rq);
}

static void work(struct http_request *rq, void *argument) {
    (void)argument;
    answer_text(rq, "worked");
}

static enum http_verdict after_work(struct http_request *rq, void *argument) {
    buf_text(&rq->response.body, argument);
    return HTTP_DONE;
}

static void hold(void *argument) {
    struct http_request *rq = argument;
    struct world *w = rq->user;
    mutex_lock(w->mutex);
    w->is_held = true;
    cond_broadcast(w->cond);
    while (!w->release)
        cond_wait(w->cond, w->mutex);
    mutex_unlock(w->mutex);
    answer_text(rq, "held");
    http_finish(rq);
}

static enum http_verdict handle(void *context, struct http_request *rq) {
    struct world *w = context;
    static char mark[] = "!";
    assert_true(rq->local);
    assert_false(rq->secure);
    assert_true(rq->arena.wipe == crypto_wipe && rq->response.body.wipe == crypto_wipe);
    if (bytes_is(rq->path, "/echo")) {
        rq->response.status = 201;
        rq->response.content_type = "application/octet-stream";
        buf_put(&rq->response.body, rq->body);
        return HTTP_DONE;
    }
    if (bytes_is(rq->path, "/work"))
        return http_work(rq, work, after_work, mark);
    if (bytes_is(rq->path, "/later") || bytes_is(rq->path, "/hold")) {
        rq->user = w;
        if (w->helper != NULL)
            thread_join(w->helper);
        w->helper = thread_start(bytes_is(rq->path, "/hold") ? hold : finish_elsewhere, rq);
        return HTTP_LATER;
    }
    if (bytes_is(rq->path, "/peer")) {
        answer_text(rq, rq->peer);
        return HTTP_DONE;
    }
    http_response_problem(rq, ERR_NOT_FOUND, NULL, NULL);
    return HTTP_DONE;
}

static bool admit(void *context, struct http_request *rq, size_t *body_max) {
    struct world *w = context;
    w->admitted++;
    *body_max = BODY_MAX;
    if (!bytes_is(rq->path, "/forbidden"))
        return true;
    http_response_problem(rq, ERR_PERMISSION, NULL, NULL);
    return false;
}

static void run_loop(void *argument) {
    struct world *w = argument;
    struct fault f;
    if (http_server_run(w->server, &f) != ERR_OK)
        abort();
}

static int open_world(void **state) {
    struct world *w = calloc(1, sizeof *w);
    struct fault f;
    w->env = env_system(NULL);
    w->env.log_level = LOG_ERROR;
    arena_init(&w->arena, 1 << 16);
    w->mutex = mutex_open();
    w->cond = cond_open();
    w->control = os_control_name(&w->arena, test_dir(&w->arena, "http"));
    struct http_options options = {
        .control = w->control, .handler = handle, .admit = admit, .context = w};
    if (http_server_open(&w->env, &options, &w->server, &f) != ERR_OK)
        return -1;
    w->loop = thread_start(run_loop, w);
    *state = w;
    return w->loop != NULL ? 0 : -1;
}

static int close_world(void **state) {
    struct world *w = *state;
    mutex_lock(w->mutex);
    w->release = true;
    cond_broadcast(w->cond);
    mutex_unlock(w->mutex);
    http_server_stop(w->server);
    thread_join(w->loop);
    if (w->helper != NULL)
        thread_join(w->helper);
    http_server_close(w->server);
    cond_close(w->cond);
    mutex_close(w->mutex);
    arena_clear(&w->arena);
    free(w);
    return 0;
}

static unsigned call(struct world *w, const char *method, const char *target, struct bytes body,
                     struct buf *answer) {
    unsigned status = 0;
    struct fault f = {.code = ERR_OK};
    enum err err = control_call(w->control, method, target, body, TIMEOUT_MS, &status, answer, &f);
    if (err != ERR_OK)
        fail_msg("%s %s: %s: %s", method, target, f.what, f.detail);
    return status;
}

static void expect(struct world *w, const char *method, const char *target, unsigned status,
                   const char *body) {
    struct buf answer;
    buf_init(&answer, 1 << 16);
    assert_int_equal(call(w, method, target, bytes_of(NULL, 0), &answer), status);
    if (body != NULL)
        assert_text(buf_bytes(&answer), body);
    buf_clear(&answer);
}

static void answers(void **state) {
    expect(*state, "GET", "/peer", 200, "local");
    expect(*state, "HEAD", "/nothing", 404, NULL);
    expect(*state, "GET", "/nothing", 404, NULL);
    expect(*state, "GET", "/../x", 400, NULL);
    expect(*state, "BREW", "/x", 501, NULL);
}

static void answers_later(void **state) {
    expect(*state, "GET", "/later", 200, "later");
    expect(*state, "GET", "/work", 200, "worked!");
}

static void takes_bodies_to_the_limit(void **state) {
    struct world *w = *state;
    static const size_t sizes[] = {1, 16384, 70000, BODY_MAX, BODY_MAX + 1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct buf body, answer;
        buf_init(&body, 1 << 20);
        buf_init(&answer, 1 << 20);
        buf_fill(&body, 'x', sizes[i]);
        unsigned status = call(w, "POST", "/echo", buf_bytes(&body), &answer);
        assert_int_equal(status, sizes[i] <= BODY_MAX ? 201 : 413);
        if (status == 201)
            assert_true(bytes_equal(buf_bytes(&answer), buf_bytes(&body)));
        buf_clear(&body);
        buf_clear(&answer);
    }
}

/* The answer comes although the body was not read. */
static void refuses_before_the_body(void **state) {
    struct world *w = *state;
    struct buf body, answer;
    buf_init(&body, 1 << 20);
    buf_init(&answer, 1 << 20);
    buf_fill(&body, 'x', BODY_MAX);
    assert_int_equal(call(w, "POST", "/forbidden", buf_bytes(&body), &answer), 403);
    assert_int_equal(w->admitted, 1);
    buf_clear(&body);
    buf_clear(&answer);
}

static void call_hold(void *argument) {
    expect(argument, "GET", "/hold", 200, "held");
}

/* What is under way when the server stops is answered; newcomers are not heard. (One that comes
 * between two steps of closing a Windows pipe waits for an answer that nobody gives, or for an end
 * of the pipe.) */
static void drains(void **state) {
    struct world *w = *state;
    struct buf answer;
    unsigned status;
    struct fault f;
    struct thread *caller = thread_start(call_hold, w);
    assert_non_null(caller);
    mutex_lock(w->mutex);
    while (!w->is_held)
        cond_wait(w->cond, w->mutex);
    mutex_unlock(w->mutex);
    http_server_stop(w->server);

    buf_init(&answer, 4096);
    enum err err = ERR_OK;
    for (int i = 0; i < 100 && err == ERR_OK; i++)
        err = control_call(w->control, "GET", "/peer", bytes_of(NULL, 0), NEWCOMER_MS, &status,
                           &answer, &f);
    assert_true(err == ERR_NOT_FOUND || err == ERR_NETWORK || err == ERR_TIMEOUT);
    buf_clear(&answer);

    mutex_lock(w->mutex);
    w->release = true;
    cond_broadcast(w->cond);
    mutex_unlock(w->mutex);
    thread_join(caller);
}

static void says_that_no_server_is_there(void **state) {
    (void)state;
    struct buf answer;
    unsigned status;
    struct fault f;
    struct arena a;
    buf_init(&answer, 4096);
    arena_init(&a, 4096);
    assert_int_equal(control_call(os_control_name(&a, "build/tmp/http-nobody"), "GET", "/",
                                  bytes_of(NULL, 0), TIMEOUT_MS, &status, &answer, &f),
                     ERR_NOT_FOUND);
    arena_clear(&a);
    buf_clear(&answer);
}

static const struct {
    const char *address;
    enum err err;
} addresses[] = {
    {"",                ERR_USAGE },
    {"8443",            ERR_USAGE },
    {"localhost:1",     ERR_USAGE },
    {"127.0.0.1",       ERR_USAGE },
    {"127.0.0.1:",      ERR_USAGE },
    {"127.0.0.1:65536", ERR_USAGE },
    {"::1:8443",        ERR_USAGE },
    {"[::1]",           ERR_USAGE },
    {"[::1]8443",       ERR_USAGE },
    {"127.0.0.1:0",     ERR_FORMAT}, /* well formed: then the missing certificate is seen */
};

static void names_bad_addresses(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        struct http_server *server = NULL;
        struct fault f;
        const char *listen[] = {addresses[i].address};
        struct http_options options = {.listen = listen, .listen_n = 1, .handler = handle};
        assert_int_equal(http_server_open(&env, &options, &server, &f), addresses[i].err);
        assert_null(server);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers, open_world, close_world),
        cmocka_unit_test_setup_teardown(answers_later, open_world, close_world),
        cmocka_unit_test_setup_teardown(takes_bodies_to_the_limit, open_world, close_world),
        cmocka_unit_test_setup_teardown(refuses_before_the_body, open_world, close_world),
        cmocka_unit_test_setup_teardown(drains, open_world, close_world),
        cmocka_unit_test(says_that_no_server_is_there),
        cmocka_unit_test(names_bad_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
