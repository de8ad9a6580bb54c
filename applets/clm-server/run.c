/* clm-server run: opens the store and serves until SIGTERM or SIGINT.
 *
 * The store is opened before anything is listened on, so that a second server fails
 * on the lock (exit 11) and never answers for a store that it does not hold.
 */
#include "applets/clm-server/server.h"

#include "base/os.h"

#include <string.h>

enum { RENEW_CHECK_S = 60 * 60, WORKS_MAX = 512 };

struct run_options {
    const char *listen, *data;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "listen", "ADDRS", offsetof(struct run_options, listen),
     "In place of server.conf's: :8443, 127.0.0.1:8443, [::1]:8443; port 0: a free one"},
    {OPT_TEXT, 0, "data",   "DIR",   offsetof(struct run_options, data), "Folder of the store"},
    {OPT_END,  0, NULL,     NULL,    0, NULL},
};
/* clang-format on */

/* The server while it serves; context of the callbacks. */
struct serve {
    struct env *env;
    const struct opt_common *common;
    struct settings s;
    struct arena arena; /* of the identity now; reset when it is renewed */
    struct identity id;
    struct house house;
    struct http_server *http;
    char url[512];
    int64_t checked_s; /* when renewal was last looked at */
};

static bool admit(void *context, struct http_request *rq, size_t *body_max) {
    struct serve *serve = context;
    return api_admit(serve->house.api, rq, body_max);
}

static enum http_verdict handle(void *context, struct http_request *rq) {
    struct serve *serve = context;
    return api_handle(serve->house.api, rq);
}

static struct http_identity shown(const struct identity *id) {
    return (struct http_identity){id->key_der, id->chain, id->chain_n};
}

static void say_fault(const struct serve *serve, enum log_level level, const char *event,
                      const struct fault *f) {
    char text[FAULT_DETAIL_MAX + 200];
    log_line(serve->env, level, event, "why=\"%s\"", fault_text(f, text, sizeof text));
}

/* Renewal while running: the root stays, so the pins and what was handed out hold. */
static void renew(struct serve *serve) {
    struct fault f = {0};
    struct arena arena;
    struct identity id;
    bool renewed = false;
    arena_init(&arena, 4 << 20);
    enum err code = identity_renew(serve->env, &arena, &serve->s, &renewed, &f);
    if (code == ERR_OK && renewed)
        code = identity_load(&arena, &serve->s, &id, &f);
    if (code == ERR_OK && renewed) {
        struct http_identity show = shown(&id);
        code = http_server_identity(serve->http, &show, &f);
    }
    if (code != ERR_OK)
        say_fault(serve, LOG_ERROR, "renew_failed", &f);
    else if (renewed)
        log_line(serve->env, LOG_INFO, "renewed", "certificate=server");
    arena_clear(&arena);
}

/* Once an hour too: its certificate lives for years, and so may this process. */
static void renew_authority(struct serve *serve) {
    struct fault f = {0};
    struct arena arena;
    bool renewed = false;
    arena_init(&arena, 4 << 20);
    enum err code = authority_renew(serve->env, &arena, &serve->s, &renewed, &f);
    if (code == ERR_OK && renewed)
        code = house_authority(&serve->s, serve->url, &serve->house, &f);
    if (code != ERR_OK)
        say_fault(serve, LOG_ERROR, "renew_failed", &f);
    else if (renewed)
        log_line(serve->env, LOG_INFO, "renewed", "certificate=authority");
    arena_clear(&arena);
}

static void tick(void *context) {
    struct serve *serve = context;
    int64_t now_s = env_now_s(serve->env);
    if (now_s - serve->checked_s < RENEW_CHECK_S)
        return;
    serve->checked_s = now_s;
    renew(serve);
    if (serve->house.ca)
        renew_authority(serve);
}

/* HSTS is for names of the public kind: on localhost it would bind every other
 * server of a developer's machine. */
static const char *hsts_name(const struct settings *s) {
    struct ip ip;
    struct bytes name = bytes_text(s->names[0]);
    return ip_read(name, &ip) || model_name_is_loopback(name) ? NULL : s->names[0];
}

static enum err open_http(struct serve *serve, struct fault *f) {
    struct http_options o = {
        .listen = serve->s.listens,
        .listen_n = serve->s.listens_n,
        .identity = shown(&serve->id),
        .control = os_control_name(serve->common->arena, serve->s.data),
        .name = hsts_name(&serve->s),
        .admit = admit,
        .handler = handle,
        .tick = tick,
        .context = serve,
        .limits = {.works = WORKS_MAX},
    };
    return http_server_open(serve->env, &o, &serve->http, f);
}

static void say_ready(struct serve *serve) {
    struct bytes url = bytes_text(serve->url);
    log_line(serve->env, LOG_INFO, "serving", "url=%s data=\"%s\"", serve->url, serve->s.data);
    if (serve->common->json)
        fprintf(serve->env->out, "{\"url\":\"%.*s\"}\n", (int)url.n, (const char *)url.p);
    else
        fprintf(serve->env->out, "%s\n", serve->url);
    fflush(serve->env->out);
    os_notify("READY=1");
}

/* Profiles with a mistake and a damaged authority stop the start, as server.conf does; an
 * authority that cannot be made leaves a server that issues nothing. */
static enum err open_authority(struct serve *serve, struct fault *f) {
    struct ca_profiles profiles;
    bool made = false;
    enum err code = profiles_read(&serve->arena, &serve->s, &profiles, f);
    if (code != ERR_OK)
        return code;
    code = authority_make(serve->env, &serve->arena, &serve->s, &made, f);
    if (code != ERR_OK) {
        say_fault(serve, LOG_ERROR, "authority_failed", f);
        return ERR_OK;
    }
    if (made)
        log_line(serve->env, LOG_INFO, "authority_made", "file=\"%s/issuing.pem\"", serve->s.data);
    code = house_authority(&serve->s, serve->url, &serve->house, f);
    if (code == ERR_OK)
        renew_authority(serve);
    return code;
}

static enum err open_all(struct serve *serve, struct fault *f) {
    bool renewed = false;
    enum err code = identity_renew(serve->env, &serve->arena, &serve->s, &renewed, f);
    if (code != ERR_OK && serve->s.cert == NULL) {
        /* An own root that was taken away on purpose: what is there still serves. */
        say_fault(serve, LOG_WARN, "renew_failed", f);
        code = ERR_OK;
    }
    if (code == ERR_OK)
        code = identity_load(&serve->arena, &serve->s, &serve->id, f);
    if (code == ERR_OK)
        code = house_open(serve->env, &serve->s, &serve->id, serve->url, &serve->house, f);
    if (code == ERR_OK)
        code = open_http(serve, f);
    if (code != ERR_OK)
        return code;
    unsigned port = http_server_port(serve->http, 0);
    const char *url = settings_url(&serve->arena, &serve->s, port);
    if (!url || strlen(url) >= sizeof serve->url)
        return fault_set(f, ERR_LIMIT, "name", "too long");
    memcpy(serve->url, url, strlen(url) + 1);
    serve->checked_s = env_now_s(serve->env);
    return open_authority(serve, f);
}

static enum err serve_all(struct serve *serve, struct fault *f) {
    enum err code = open_all(serve, f);
    if (code == ERR_OK) {
        say_ready(serve);
        code = http_server_run(serve->http, f);
        log_line(serve->env, LOG_INFO, "stopped", "signal=%d",
                 serve->env->stop ? (int)*serve->env->stop : 0);
    }
    http_server_close(serve->http);
    house_close(&serve->house);
    return code;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct run_options *o = options;
    struct fault f = {0};
    struct serve serve = {.env = env, .common = common};
    enum err code = settings_read(common, o->data, &serve.s, &f);
    if (code == ERR_OK && o->listen) {
        serve.s.listen = o->listen;
        code = settings_derive(common->arena, &serve.s, &f);
    }
    if (code == ERR_OK) {
        os_raise_file_limit();
        arena_init(&serve.arena, 4 << 20);
        code = serve_all(&serve, &f);
        arena_clear(&serve.arena);
    }
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}

const struct opt_command clm_server_run = {
    .name = "run",
    .arguments = "",
    .summary = "serve the API, the agents and the pages",
    .examples = "clm-server run\n"
                "clm-server run --listen 127.0.0.1:8443 --data build/run/server",
    .rows = rows,
    .size = sizeof(struct run_options),
    .run = run,
};
