/* The way of a request through the table of rows.c. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"
#include "web/http/route.h"
#include "web/http/target.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PEOPLE_TOKENS = 64, AGENT_TOKENS = 10100 };

enum err api_open(const struct api_options *options, struct api **out, struct fault *f) {
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return fault_set(f, ERR_MEMORY, "api", "%zu bytes", sizeof *api);
    api->o = *options;
    buf_init(&api->crl, X509_CRL_MAX);
    api->ca_lock = rwlock_open();
    api->crl_lock = mutex_open();
    api->issue_lock = mutex_open();
    if (!api->ca_lock || !api->crl_lock || !api->issue_lock) {
        api_close(api);
        return fault_set(f, ERR_MEMORY, "api", "locks");
    }
    *out = api;
    return ERR_OK;
}

void api_close(struct api *api) {
    if (!api)
        return;
    rwlock_close(api->ca_lock);
    mutex_close(api->crl_lock);
    mutex_close(api->issue_lock);
    buf_clear(&api->crl);
    free(api);
}

/* ---- problems ---- */

/* The problems with a member of their own: the clock's, since an agent could not tell
 * else by how much it is wrong, and the query's, so that a page can point at the place. */
static void special_problem(struct api_call *call, const struct fault *f) {
    struct http_response *response = &call->rq->response;
    http_response_reset(call->rq, (unsigned)err_row(f->code)->http_status);
    response->content_type = "application/problem+json";
    struct json j = json_to(&response->body);
    json_object(&j, NULL);
    json_text(&j, "type", "about:blank");
    json_text(&j, "title", http_status_text(response->status));
    json_int(&j, "status", response->status);
    json_text(&j, "code", err_row(f->code)->name);
    json_text(&j, "detail", f->detail);
    json_text(&j, "field", f->what);
    if (f->code == ERR_CLOCK)
        json_time(&j, "server_time", api_now_s(call));
    else
        json_int(&j, "column", (int64_t)call->column);
    json_end(&j, '}');
}

void api_problem(struct api_call *call, const struct fault *f) {
    const struct err_row *row = err_row(f->code);
    if (f->code == ERR_CLOCK || call->column > 0) {
        special_problem(call, f);
        return;
    }
    /* What lies within the server is for its log, not for the caller. */
    if (row->http_status >= 500) {
        char text[2 * FAULT_DETAIL_MAX];
        log_line(call->o->env, LOG_ERROR, "request_failed", "method=%s route=%s code=%s why=\"%s\"",
                 http_method_name(call->rq->method), call->route ? call->route->path : "-",
                 row->name, fault_text(f, text, sizeof text));
        http_response_problem(call->rq, f->code, NULL, NULL);
        return;
    }
    http_response_problem(call->rq, f->code, f->detail[0] ? f->detail : NULL, f->what);
}

static bool refuse(struct api_call *call, enum err code, const char *what, const char *detail) {
    struct fault f = {0};
    f.code = fault_set(&f, code, what, "%s", detail);
    api_problem(call, &f);
    return false;
}

/* ---- who is it? ---- */

static const char *actor_text(struct api_call *call, const char *kind, struct bytes name) {
    struct buf text;
    buf_init(&text, INVENTORY_TEXT_MAX);
    buf_printf(&text, "%s:", kind);
    buf_put(&text, name);
    const char *actor = arena_cstr(&call->rq->arena, buf_bytes(&text));
    buf_clear(&text);
    return actor ? actor : kind;
}

static void be_local(struct api_call *call) {
    call->role = AUTH_ADMIN;
    call->user = (struct auth_user){.name = "local", .role = AUTH_ADMIN};
    call->actor = "local";
}

static void be_user(struct api_call *call) {
    if (!api_session_of(call->o, call->rq, &call->user))
        return;
    call->role = call->user.role;
    call->actor = actor_text(call, "user", bytes_text(call->user.name));
}

/* Scripts of other sites cannot set a header of their own without asking first,
 * and browsers say where a request comes from (Origin). */
static bool is_same_site(const struct http_request *rq) {
    if (!bytes_is(http_header(rq, "clm-request"), "1"))
        return false;
    struct bytes origin = http_header(rq, "origin");
    if (!origin.p)
        return true;
    return bytes_starts(origin, "https://") && rq->host.n > 0 &&
           bytes_equal(bytes_part(origin, strlen("https://"), SIZE_MAX), rq->host);
}

static bool changes_state(const struct http_request *rq) {
    return rq->method != HTTP_GET && rq->method != HTTP_HEAD;
}

static bool admit_people(struct api_call *call) {
    const struct http_request *rq = call->rq;
    if (rq->local)
        be_local(call);
    else
        be_user(call);
    if (!rq->local && changes_state(rq) && !is_same_site(rq))
        return refuse(call, ERR_PERMISSION, "clm-request",
                      "the header \"clm-request: 1\" and one's own origin are wanted");
    if (auth_role_allows(call->role, call->route->role))
        return true;
    if (call->role == AUTH_PUBLIC)
        return refuse(call, ERR_CREDENTIALS, "session", "log in first");
    return refuse(call, ERR_PERMISSION, "role", "this needs another role");
}

static struct bytes signed_target(struct http_request *rq) {
    if (!rq->has_query)
        return rq->raw_path;
    struct buf text;
    buf_init(&text, rq->raw_path.n + rq->raw_query.n + 1);
    buf_put(&text, rq->raw_path);
    buf_text(&text, "?");
    buf_put(&text, rq->raw_query);
    struct bytes target = arena_copy(&rq->arena, buf_bytes(&text));
    buf_clear(&text);
    return target;
}

/* Two headers of one name could be read in two ways: such a request is unsigned. */
static struct bytes only_header(const struct http_request *rq, const char *name) {
    return http_header_count(rq, name) == 1 ? http_header(rq, name) : bytes_of(NULL, 0);
}

/* Form and clock of the signature, before any of the body is read. */
static bool admit_signed(struct api_call *call, uint8_t keyid[AUTH_KEYID_SIZE]) {
    struct http_request *rq = call->rq;
    call->signed_request = (struct auth_signed){
        .method = bytes_text(http_method_name(rq->method)),
        .target = signed_target(rq),
        .signature_input = only_header(rq, "signature-input"),
        .signature = only_header(rq, "signature"),
        .content_digest = only_header(rq, "content-digest"),
        .content_encoding = http_header(rq, "content-encoding"),
        .has_body = rq->has_body,
    };
    if (http_header_count(rq, "content-encoding") > 1)
        return refuse(call, ERR_CREDENTIALS, "content-encoding", "more than one");
    if (auth_signature_read(call->o->auth, &call->signed_request, &call->signature, keyid,
                            &call->fault) == ERR_OK)
        return true;
    api_problem(call, &call->fault);
    return false;
}

static bool admit_agent(struct api_call *call) {
    uint8_t keyid[AUTH_KEYID_SIZE];
    if (call->rq->local)
        return refuse(call, ERR_PERMISSION, "role", "only agents do this");
    call->by_agent = true;
    if (!admit_signed(call, keyid))
        return false;
    if (inventory_agent_by_key(call->o->inventory, keyid, &call->rq->arena, &call->agent,
                               &call->fault) != ERR_OK)
        return refuse(call, ERR_CREDENTIALS, "keyid", "no agent has this key: enrol it");
    return true;
}

/* ---- the way of a request ---- */

static const struct api_route *route_find(struct http_request *rq, unsigned *allowed) {
    *allowed = 0;
    enum http_method method = rq->method == HTTP_HEAD ? HTTP_GET : rq->method;
    for (size_t i = 0; i < api_routes_n; i++) {
        const struct api_route *row = &api_routes[i];
        size_t n = 0;
        struct bytes values[HTTP_PATH_VALUES_MAX];
        if (!http_pattern_match(row->path, rq->path, values, &n))
            continue;
        *allowed |= row->method;
        if (row->method != method)
            continue;
        memcpy(rq->path_values, values, n * sizeof values[0]);
        rq->path_values_n = n;
        return row;
    }
    return NULL;
}

static struct api_call *call_begin(struct api *api, struct http_request *rq) {
    struct api_call *call = arena_alloc(&rq->arena, sizeof *call);
    if (!call) {
        http_response_problem(rq, ERR_MEMORY, NULL, NULL);
        return NULL;
    }
    call->api = api;
    call->o = &api->o;
    call->rq = rq;
    call->actor = "nobody";
    return call;
}

static bool admit(struct api *api, struct http_request *rq, size_t *body_max) {
    unsigned allowed;
    struct api_call *call = call_begin(api, rq);
    if (!call)
        return false;
    call->route = route_find(rq, &allowed);
    if (!call->route) {
        http_route_missing(rq, allowed);
        return false;
    }
    *body_max = call->route->body_max;
    rq->user = call;
    uint8_t keyid[AUTH_KEYID_SIZE];
    bool is_signed = call->route->or_agent && http_header(rq, "signature-input").p;
    if (call->route->role == AUTH_AGENT || is_signed)
        return admit_agent(call);
    if (call->route->is_signed)
        return admit_signed(call, keyid);
    return admit_people(call);
}

static bool is_api_path(struct bytes path) {
    return bytes_starts(path, "/api/") || bytes_is(path, "/api");
}

bool api_admit(void *context, struct http_request *rq, size_t *body_max) {
    if (is_api_path(rq->path))
        return admit(context, rq, body_max);
    *body_max = 0;
    return true;
}

static bool type_fits(struct json_value v, const struct api_param *p) {
    enum json_type type = json_type_of(v);
    int64_t n;
    if (type == JSON_NONE || type == JSON_NULL)
        return !p->required;
    return type == p->type && (type != JSON_NUMBER || json_integer(v, &n));
}

static const char *type_text(enum json_type type) {
    switch (type) {
    case JSON_STRING:
        return "a string is wanted";
    case JSON_NUMBER:
        return "a whole number is wanted";
    case JSON_BOOL:
        return "true or false is wanted";
    default:
        return "an array is wanted";
    }
}

/* Members by the row; agents' may have others, people's may not. */
static enum err check_members(struct api_call *call) {
    const char *known[16] = {NULL};
    size_t n = 0;
    for (const struct api_param *p = call->route->params; p->name; p++) {
        if (p->in != API_BODY)
            continue;
        known[n++] = p->name;
        if (!type_fits(json_get(call->body, p->name), p))
            return fault_set(&call->fault, ERR_USAGE, p->name, "%s", type_text(p->type));
    }
    if (call->by_agent || call->route->is_signed)
        return ERR_OK;
    struct fault why = {0};
    if (json_only(call->body, known, &why) != ERR_OK)
        return fault_set(&call->fault, ERR_USAGE, "body", "unknown member: %s",
                         why.detail[0] ? why.detail : why.what);
    return ERR_OK;
}

static enum err read_body(struct api_call *call) {
    static const char nothing[] = "{}";
    struct http_request *rq = call->rq;
    struct bytes type = http_header(rq, "content-type");
    if (call->route->takes != API_JSON)
        return ERR_OK;
    if (type.p && !bytes_starts(type, "application/json"))
        return fault_set(&call->fault, ERR_USAGE, "content-type", "application/json is wanted");
    struct bytes text = rq->body.n > 0 ? rq->body : bytes_text(nothing);
    size_t tokens = call->by_agent ? AGENT_TOKENS : PEOPLE_TOKENS;
    enum err code = json_read(&rq->arena, text, tokens, &call->body, &call->fault);
    if (code != ERR_OK)
        return code;
    if (json_type_of(call->body) != JSON_OBJECT)
        return fault_set(&call->fault, ERR_USAGE, "body", "an object is wanted");
    return check_members(call);
}

static const struct api_param *param_named(const struct api_route *route, struct bytes name) {
    for (const struct api_param *p = route->params; p->name; p++) {
        if (p->in == API_QUERY && bytes_is(name, p->name))
            return p;
    }
    return NULL;
}

static enum err check_query(struct api_call *call) {
    const struct http_request *rq = call->rq;
    for (size_t i = 0; i < rq->params_n; i++) {
        if (!param_named(call->route, rq->params[i].name) && !call->by_agent)
            return fault_set(&call->fault, ERR_USAGE, "query", "unknown parameter: %.*s",
                             (int)(rq->params[i].name.n < 64 ? rq->params[i].name.n : 64),
                             (const char *)rq->params[i].name.p);
    }
    for (const struct api_param *p = call->route->params; p->name; p++) {
        if (p->in == API_QUERY && p->required && !http_param(rq, p->name).p)
            return fault_set(&call->fault, ERR_USAGE, p->name, "missing in the query");
    }
    return ERR_OK;
}

static enum err check_agent(struct api_call *call) {
    uint8_t keyid[AUTH_KEYID_SIZE];
    /* The agent as it is now: while the body came it may have been disabled or re-enrolled. */
    hash_of(HASH_SHA256, call->agent.spki, keyid);
    if (inventory_agent_by_key(call->o->inventory, keyid, &call->rq->arena, &call->agent,
                               &call->fault) != ERR_OK)
        return fault_set(&call->fault, ERR_CREDENTIALS, "keyid", "no agent has this key: enrol it");
    call->signed_request.body = call->rq->body;
    enum err code = auth_signature_check(call->o->auth, &call->signed_request, &call->signature,
                                         call->agent.spki, &call->fault);
    if (code != ERR_OK)
        return code;
    if (call->agent.disabled)
        return fault_set(&call->fault, ERR_PERMISSION, "agent", "disabled at the server");
    call->role = AUTH_AGENT;
    char id[2 * INVENTORY_ID_SIZE + 1];
    hex_write(id, bytes_of(call->agent.id, INVENTORY_ID_SIZE));
    call->actor = actor_text(call, "agent", bytes_text(id));
    inventory_agent_touch(call->o->inventory, call->agent.id,
                          call->o->env->now_ms(call->o->env->context), bytes_of(NULL, 0),
                          bytes_of(NULL, 0));
    return ERR_OK;
}

const char *api_content_type(enum api_content content) {
    static const char *const types[] = {
        [API_JSON] = "application/json",          [API_NDJSON] = "application/x-ndjson",
        [API_PEM] = "application/x-pem-file",     [API_CRL] = "application/pkix-crl",
        [API_NOTE] = "text/plain; charset=utf-8", [API_NOTHING] = NULL,
    };
    return types[content];
}

void api_run(struct api_call *call) {
    enum err code = ERR_OK;
    if (call->by_agent)
        code = check_agent(call);
    if (code == ERR_OK)
        code = check_query(call);
    if (code == ERR_OK)
        code = read_body(call);
    if (code == ERR_OK) {
        call->rq->response.status = call->route->status;
        call->rq->response.content_type = api_content_type(call->route->gives);
        code = call->route->handler(call);
    }
    if (code != ERR_OK) {
        call->fault.code = code;
        api_problem(call, &call->fault);
    }
}

static void run_in_background(struct http_request *rq, void *argument) {
    (void)argument;
    api_run(rq->user);
}

/* Pages are one document that reads its own address; the rest are files. */
static enum http_verdict answer_asset(const struct api_options *o, struct http_request *rq) {
    const struct http_asset *asset = http_asset_find(o->assets, o->assets_n, rq->path);
    if (!asset && !bytes_starts(rq->path, "/gui/"))
        asset = http_asset_find(o->assets, o->assets_n, bytes_text("/"));
    if (asset)
        http_asset_answer(rq, asset);
    else
        http_response_problem(rq, ERR_NOT_FOUND, NULL, NULL);
    return HTTP_DONE;
}

enum http_verdict api_handle(void *context, struct http_request *rq) {
    struct api *api = context;
    if (!is_api_path(rq->path))
        return answer_asset(&api->o, rq);
    return http_work(rq, run_in_background, NULL, NULL);
}

void api_call_local(struct api *api, enum http_method method, const char *path, struct bytes body,
                    unsigned *status, struct buf *answer) {
    struct http_request *rq = calloc(1, sizeof *rq);
    if (!rq) {
        *status = 503;
        return;
    }
    size_t body_max = 0;
    arena_init(&rq->arena, 16 << 20);
    rq->method = method;
    rq->path = rq->raw_path = bytes_text(path);
    rq->body = body;
    rq->has_body = body.n > 0;
    rq->peer = "local";
    rq->local = true;
    rq->time_s = env_now_s(api->o.env);
    rq->response.status = 200;
    buf_init(&rq->response.body, 16 << 20);
    if (!http_target_read(rq, bytes_text(path)))
        http_response_problem(rq, ERR_USAGE, NULL, "path");
    else if (admit(api, rq, &body_max))
        api_run(rq->user);
    *status = rq->response.body.err == ERR_OK ? rq->response.status : 500;
    buf_put(answer, buf_bytes(&rq->response.body));
    buf_clear(&rq->response.body);
    arena_clear(&rq->arena);
    free(rq);
}
