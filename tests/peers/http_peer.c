/* A small site on web/http for tests/peers/http_test.py. Prints its port, then
 * serves until SIGTERM:
 *
 *     http_peer KEY.der CERTIFICATE.der[,CERTIFICATE.der...] [LIMIT=N...]
 *
 * GET /text, /size?n=N (N bytes), /asset (gzip), /later, /work; POST /echo (to
 * 100000 bytes); the limits are fields of struct http_limits.
 */
#include "base/file.h"
#include "base/text.h"
#include "base/thread.h"
#include "base/zip.h"
#include "web/http/route.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_LIMIT = 64 << 20, ECHO_MAX = 100000 };

static volatile sig_atomic_t stop;

static void on_signal(int number) {
    stop = number;
}

static struct buf packed;
static struct http_asset asset = {
    "/asset", "text/javascript; charset=utf-8", "0123456789abcdef", NULL, 0, true};

static void text(struct http_request *rq, const char *words) {
    rq->response.content_type = "text/plain";
    buf_text(&rq->response.body, words);
}

static enum http_verdict get_text(void *context, struct http_request *rq) {
    (void)context;
    text(rq, rq->peer);
    return HTTP_DONE;
}

static enum http_verdict get_size(void *context, struct http_request *rq) {
    uint64_t n;
    (void)context;
    if (!number_read(http_param(rq, "n"), SIZE_LIMIT, &n)) {
        http_response_problem(rq, ERR_USAGE, NULL, "n");
        return HTTP_DONE;
    }
    rq->response.content_type = "application/octet-stream";
    buf_fill(&rq->response.body, 'x', (size_t)n);
    return HTTP_DONE;
}

static enum http_verdict get_asset(void *context, struct http_request *rq) {
    (void)context;
    http_asset_answer(rq, &asset);
    return HTTP_DONE;
}

static void finish(void *argument) {
    text(argument, "later");
    http_finish(argument);
}

/* The thread before has handed in its request: joining it does not wait. */
static enum http_verdict get_later(void *context, struct http_request *rq) {
    struct thread **helper = context;
    if (*helper != NULL)
        thread_join(*helper);
    *helper = thread_start(finish, rq);
    return HTTP_LATER;
}

static void work(struct http_request *rq, void *argument) {
    text(rq, argument);
}

static enum http_verdict get_work(void *context, struct http_request *rq) {
    static char words[] = "worked";
    (void)context;
    return http_work(rq, work, NULL, words);
}

static enum http_verdict post_echo(void *context, struct http_request *rq) {
    (void)context;
    rq->response.content_type = "application/octet-stream";
    buf_put(&rq->response.body, rq->body);
    return HTTP_DONE;
}

static const struct http_route rows[] = {
    {HTTP_GET,  "/text",  0, 0,        get_text,  ""},
    {HTTP_GET,  "/size",  0, 0,        get_size,  ""},
    {HTTP_GET,  "/asset", 0, 0,        get_asset, ""},
    {HTTP_GET,  "/later", 0, 0,        get_later, ""},
    {HTTP_GET,  "/work",  0, 0,        get_work,  ""},
    {HTTP_POST, "/echo",  0, ECHO_MAX, post_echo, ""},
};

static bool admit(void *context, struct http_request *rq, size_t *body_max) {
    unsigned allowed;
    (void)context;
    const struct http_route *row =
        http_route_find(rows, sizeof rows / sizeof rows[0], rq, &allowed);
    if (row == NULL) {
        http_route_missing(rq, allowed);
        return false;
    }
    *body_max = row->body_max;
    return true;
}

static enum http_verdict handle(void *context, struct http_request *rq) {
    unsigned allowed;
    const struct http_route *row =
        http_route_find(rows, sizeof rows / sizeof rows[0], rq, &allowed);
    return row->handler(context, rq);
}

static const struct {
    const char *name;
    size_t offset;
    bool is_ms;
} limits[] = {
    {"connections",             offsetof(struct http_limits, connections),             false},
    {"connections_per_address", offsetof(struct http_limits, connections_per_address), false},
    {"handshake_ms",            offsetof(struct http_limits, handshake_ms),            true },
    {"head_ms",                 offsetof(struct http_limits, head_ms),                 true },
    {"idle_ms",                 offsetof(struct http_limits, idle_ms),                 true },
    {"transfer_ms",             offsetof(struct http_limits, transfer_ms),             true },
    {"drain_ms",                offsetof(struct http_limits, drain_ms),                true },
};

static bool set_limit(struct http_limits *out, const char *argument) {
    struct cur c = cur_open(bytes_text(argument));
    struct bytes name = cur_until(&c, '=');
    uint64_t value;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (!bytes_is(name, limits[i].name) || !number_read(c.rest, 1000000, &value))
            continue;
        size_t count = (size_t)value;
        memcpy((char *)out + limits[i].offset, limits[i].is_ms ? (void *)&value : (void *)&count,
               limits[i].is_ms ? sizeof value : sizeof count);
        return true;
    }
    return false;
}

static size_t read_chain(char *list, struct buf *files, struct bytes *chain, struct fault *f) {
    struct cur c = cur_open(bytes_text(list));
    struct arena a;
    size_t n = 0;
    arena_init(&a, 1 << 16);
    for (; c.rest.n > 0 && n < HTTP_CHAIN_MAX; n++) {
        buf_init(&files[n], 1 << 16);
        if (file_read(arena_cstr(&a, cur_until(&c, ',')), &files[n], f) != ERR_OK)
            break;
        chain[n] = buf_bytes(&files[n]);
    }
    arena_clear(&a);
    return n;
}

static int serve(const struct env *env, struct http_options *options) {
    struct http_server *server;
    struct fault f;
    char why[512];
    if (http_server_open(env, options, &server, &f) != ERR_OK) {
        fprintf(stderr, "http_peer: %s\n", fault_text(&f, why, sizeof why));
        return err_row(f.code)->exit_status;
    }
    printf("%u\n", http_server_port(server, 0));
    fflush(stdout);
    enum err err = http_server_run(server, &f);
    http_server_close(server);
    return err_row(err)->exit_status;
}

int main(int argc, char **argv) {
    struct env env = env_system(&stop);
    struct thread *helper = NULL;
    struct buf key, files[HTTP_CHAIN_MAX];
    struct bytes chain[HTTP_CHAIN_MAX];
    struct fault f;
    const char *listen[] = {"127.0.0.1:0"};
    struct http_options options = {.listen = listen,
                                   .listen_n = 1,
                                   .name = "localhost",
                                   .admit = admit,
                                   .handler = handle,
                                   .context = &helper};

    signal(SIGTERM, on_signal);
    buf_init(&key, 1 << 16);
    buf_init(&packed, 1 << 20);
    for (int i = 3; i < argc; i++)
        if (!set_limit(&options.limits, argv[i]))
            return 2;
    if (argc < 3 || file_read(argv[1], &key, &f) != ERR_OK)
        return 2;
    struct buf script;
    buf_init(&script, 1 << 20);
    for (int i = 0; i < 2000; i++)
        buf_text(&script, "export const words = 'the same again';\n");
    if (gzip_pack(buf_bytes(&script), 9, &packed) != ERR_OK)
        return 1;
    asset.bytes = packed.p;
    asset.n = packed.n;
    options.identity.key_der = buf_bytes(&key);
    options.identity.chain_n = read_chain(argv[2], files, chain, &f);
    options.identity.chain = chain;
    int status = serve(&env, &options);

    if (helper != NULL)
        thread_join(helper);
    for (size_t i = 0; i < options.identity.chain_n; i++)
        buf_clear(&files[i]);
    buf_clear(&script);
    buf_clear(&packed);
    buf_clear(&key);
    return status;
}
