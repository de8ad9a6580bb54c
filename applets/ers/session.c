/* The agent's signed requests to its server. See agent.h. */
#include "applets/ers/agent.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "net/signature.h"

#include <stdlib.h>
#include <string.h>

enum {
    PINS_MAX = 8,
    PROBLEM_MAX = 64 * 1024,
    PROBLEM_TOKENS = 64,
    REQUEST_MS = 120000,
};

struct agent_session {
    struct env *env;
    const struct signing_key *key;
    struct net_http *http;
    struct arena arena; /* of the roots */
    struct x509_trust trust;
    int status; /* of the last answer */
    uint8_t pins[PINS_MAX][X509_SHA256_SIZE];
};

/* ---- whom to trust ---- */

static enum err read_pins(struct agent_session *s, const char *text, struct fault *f) {
    struct cur c = cur_open(bytes_text(text));
    while (c.rest.n > 0) {
        struct bytes pin = bytes_trim(cur_until(&c, ','));
        bool good = s->trust.pins_n < PINS_MAX && bytes_starts(pin, "sha256-") &&
                    hex_read(bytes_part(pin, strlen("sha256-"), SIZE_MAX), s->pins[s->trust.pins_n],
                             X509_SHA256_SIZE);
        if (!good)
            return fault_set(f, ERR_USAGE, "pin", "%.*s is not sha256-HEX or system", (int)pin.n,
                             (const char *)pin.p);
        s->trust.pins_n++;
    }
    s->trust.pins = (const uint8_t(*)[X509_SHA256_SIZE])s->pins;
    return ERR_OK;
}

static enum err read_trust(struct agent_session *s, const char *pin, const char *ca,
                           struct fault *f) {
    if (ca)
        return net_roots_read(&s->arena, ca, &s->trust, f);
    if (!pin)
        return fault_set(f, ERR_USAGE, "pin",
                         "nothing says whom to trust: a pin or --ca is needed");
    return strcmp(pin, "system") == 0 ? net_roots_read(&s->arena, NULL, &s->trust, f)
                                      : read_pins(s, pin, f);
}

enum err agent_session_open(struct env *env, const char *server, const char *pin, const char *ca,
                            const struct signing_key *key, struct agent_session **out,
                            struct fault *f) {
    struct agent_session *s = calloc(1, sizeof *s);
    if (!s)
        return fault_set(f, ERR_MEMORY, "server", "%s", "");
    s->env = env;
    s->key = key;
    arena_init(&s->arena, NET_ROOTS_MAX);
    enum err err = read_trust(s, pin, ca, f);
    if (!err)
        err = net_http_open(env, server, &s->trust, &s->http, f);
    if (err)
        agent_session_close(s);
    else
        *out = s;
    return err;
}

enum err agent_session_of(const struct agent *a, struct signing_key **key,
                          struct agent_session **out, struct fault *f) {
    *key = NULL;
    if (!a->enrolled)
        return fault_set(f, ERR_CREDENTIALS, "enrolment", "no server yet: ers login URL");
    enum err err = agent_key_read(a, key, f);
    if (!err)
        err =
            agent_session_open(a->env, a->config.server, a->config.pin, a->config.ca, *key, out, f);
    if (err) {
        signing_key_close(*key);
        *key = NULL;
    }
    return err;
}

void agent_session_close(struct agent_session *s) {
    if (!s)
        return;
    net_http_close(s->http);
    arena_clear(&s->arena);
    free(s);
}

/* ---- problems (RFC 9457) ---- */

static enum err code_of(int status, const char *code) {
    if (strcmp(code, "clock") == 0)
        return ERR_CLOCK;
    switch (status) {
    case 401:
    case 403:
        return ERR_CREDENTIALS;
    case 404:
        return ERR_NOT_FOUND;
    case 409:
        return ERR_EXISTS;
    case 413:
        return ERR_LIMIT;
    case 408:
    case 429:
    case 503:
        return ERR_BUSY;
    default:
        return status >= 400 && status < 500 ? ERR_FORMAT : ERR_NETWORK;
    }
}

static const char *member(struct json_value v, const char *key, struct arena *a) {
    struct bytes text;
    const char *copy = NULL;
    if (json_string(json_get(v, key), a, &text))
        copy = arena_cstr(a, text);
    return copy ? copy : "";
}

static enum err tell_clock(const struct agent_session *s, const char *server_time,
                           struct fault *f) {
    int64_t there_s, here_s = env_now_s(s->env);
    if (!clock_read(bytes_text(server_time), &there_s))
        return fault_set(f, ERR_CLOCK, "server", "it does not say what time it has");
    int64_t off_s = here_s - there_s;
    return fault_set(f, ERR_CLOCK, "server", "this host's clock is %lld s %s (server: %s)",
                     (long long)(off_s < 0 ? -off_s : off_s), off_s < 0 ? "behind" : "ahead",
                     server_time);
}

static enum err tell_problem(const struct agent_session *s,
                             const struct net_http_response *response, struct fault *f) {
    struct arena arena;
    struct json_value v = {0};
    struct bytes body = buf_bytes(&response->body);
    bool is_problem = strcmp(response->content_type, "application/problem+json") == 0;
    arena_init(&arena, PROBLEM_MAX);
    if (is_problem && json_read(&arena, body, PROBLEM_TOKENS, &v, NULL))
        v = (struct json_value){0};
    const char *detail = member(v, "detail", &arena), *title = member(v, "title", &arena);
    enum err code = code_of(response->status, member(v, "code", &arena));
    /* A proxy between may not like it; the server itself never saw it. */
    if (!is_problem && (code == ERR_FORMAT || code == ERR_LIMIT))
        code = ERR_NETWORK;
    if (code == ERR_CLOCK)
        code = tell_clock(s, member(v, "server_time", &arena), f);
    else
        code = fault_set(f, code, "server", "status %d: %s%s%s", response->status,
                         is_problem ? title : "not an answer of a clm server",
                         detail[0] ? ": " : "", detail);
    arena_clear(&arena);
    return code;
}

/* ---- requests ---- */

struct headers {
    struct buf digest, digest_line, input, input_line, value, value_line, type_line;
};

static void headers_init(struct headers *h) {
    struct buf *all[] = {&h->digest, &h->digest_line, &h->input,    &h->input_line,
                         &h->value,  &h->value_line,  &h->type_line};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_init(all[i], 4096);
}

static void headers_clear(struct headers *h) {
    struct buf *all[] = {&h->digest, &h->digest_line, &h->input,    &h->input_line,
                         &h->value,  &h->value_line,  &h->type_line};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_clear(all[i]);
}

static const char *line_of(struct buf *line, const char *name, struct bytes value) {
    buf_text(line, name);
    buf_text(line, ": ");
    buf_put(line, value);
    return buf_cstr(line);
}

/* Fills the request's headers; all borrowed from h. */
static enum err sign(const struct agent_session *s, const struct agent_request *request,
                     struct headers *h, struct net_http_request *out) {
    uint8_t nonce[SIGNATURE_NONCE_SIZE];
    bool has_body = request->body.p != NULL;
    size_t n = 0;
    if (!s->env->random(s->env->context, nonce, sizeof nonce))
        return ERR_FAILED;
    if (has_body)
        content_digest_write(request->body, &h->digest);
    struct signature_message m = signature_message_of(
        bytes_text(request->method), bytes_text(request->path), buf_bytes(&h->digest),
        request->gzipped ? bytes_text("gzip") : (struct bytes){0});
    enum err err = signature_sign(s->key, &m, env_now_s(s->env), nonce, &h->input, &h->value);
    if (has_body) {
        out->headers[n++] = line_of(&h->digest_line, "Content-Digest", buf_bytes(&h->digest));
        out->headers[n++] =
            line_of(&h->type_line, "Content-Type", bytes_text(request->content_type));
    }
    if (request->gzipped)
        out->headers[n++] = "Content-Encoding: gzip";
    out->headers[n++] = line_of(&h->input_line, "Signature-Input", buf_bytes(&h->input));
    out->headers[n++] = line_of(&h->value_line, "Signature", buf_bytes(&h->value));
    out->headers[n] = NULL;
    return err;
}

enum err agent_session_call(struct agent_session *s, const struct agent_request *request,
                            struct buf *answer, struct fault *f) {
    struct headers h;
    struct net_http_request out = {.method = request->method,
                                   .path = request->path,
                                   .body = request->body,
                                   .timeout_ms = REQUEST_MS};
    struct net_http_response response = {0};
    headers_init(&h);
    buf_reset(answer);
    response.body = *answer;
    s->status = 0;
    enum err err = sign(s, request, &h, &out);
    if (err)
        err = fault_set(f, err, "signature", "%s", request->path);
    else
        err = net_http_send(s->http, &out, &response, f);
    s->status = err ? 0 : response.status;
    if (!err && (response.status < 200 || response.status > 299))
        err = tell_problem(s, &response, f);
    *answer = response.body;
    headers_clear(&h);
    return err;
}

int agent_session_status(const struct agent_session *s) {
    return s->status;
}

/* ---- words ---- */

bool agent_token_pin(struct bytes token, struct bytes *pin) {
    struct cur c = cur_open(token);
    struct bytes version = cur_until(&c, '.'), secret = cur_until(&c, '.');
    *pin = c.rest;
    return bytes_is(version, "clm1") && secret.n > 0 && pin->n > 0;
}

const char *agent_server_shown(struct arena *a, const char *server) {
    struct bytes host;
    uint16_t port;
    if (!net_http_url_read(bytes_text(server), &host, &port))
        return server;
    const char *copy = arena_cstr(a, host);
    return copy ? copy : server;
}
