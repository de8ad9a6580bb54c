/* Sessions, users and enrolment tokens. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COOKIE "__Host-clm"

enum { LINK_VALID_S = 24 * 60 * 60, HOUR_S = 60 * 60, VALID_HOURS_MAX = 8760, COOKIE_MAX = 128 };

bool api_session_of(const struct api_options *o, const struct http_request *rq,
                    struct auth_user *out) {
    struct bytes secret = http_cookie(rq, COOKIE);
    return secret.p && auth_session_find(o->auth, secret, out);
}

static void set_cookie(struct api_call *call, const char *secret, const char *more) {
    char text[COOKIE_MAX];
    snprintf(text, sizeof text, COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict%s", secret,
             more);
    http_response_header(call->rq, "Set-Cookie", text);
    crypto_wipe(text, sizeof text);
}

static enum err answer_user(struct api_call *call, const struct auth_user *user) {
    struct json *j = api_begin(call);
    json_text(j, "user", user->name);
    json_text(j, "role", auth_role_name(user->role));
    return api_end(call);
}

static enum err begin_session(struct api_call *call, const struct auth_user *user) {
    char secret[AUTH_SECRET_TEXT + 1];
    enum err code = auth_session_begin(call->o->auth, user, secret, &call->fault);
    if (code != ERR_OK)
        return code;
    set_cookie(call, secret, "");
    crypto_wipe(secret, sizeof secret);
    return answer_user(call, user);
}

/* For the log: foreign names are escaped, and cut. */
static const char *escaped(struct api_call *call, struct bytes text) {
    struct buf out;
    buf_init(&out, 1024);
    text_escape(&out, bytes_part(text, 0, AUTH_USER_MAX));
    const char *copy = arena_cstr(&call->rq->arena, buf_bytes(&out));
    buf_clear(&out);
    return copy ? copy : "";
}

enum err api_session_begin(struct api_call *call) {
    struct bytes name = {NULL, 0}, password = {NULL, 0}, address = bytes_text(call->rq->peer);
    struct auth_user user;
    api_text(call, "user", &name);
    api_text(call, "password", &password);
    uint64_t wait_ms = auth_attempt(call->o->auth, name, address);
    if (wait_ms > 0)
        return fault_set(&call->fault, ERR_BUSY, "password",
                         "too many attempts: wait %" PRIu64 " s", wait_ms / 1000 + 1);
    enum err code = auth_user_verify(call->o->auth, name, password, &user, &call->fault);
    log_line(call->o->env, code == ERR_OK ? LOG_INFO : LOG_WARN, "login",
             "user=\"%s\" peer=%s result=%s", escaped(call, name), call->rq->peer,
             err_row(code)->name);
    if (code != ERR_OK)
        return code;
    auth_attempt_good(call->o->auth, name, address);
    return begin_session(call, &user);
}

enum err api_session_get(struct api_call *call) {
    return answer_user(call, &call->user);
}

enum err api_session_end(struct api_call *call) {
    struct bytes secret = http_cookie(call->rq, COOKIE);
    if (secret.p)
        auth_session_end(call->o->auth, secret);
    set_cookie(call, "", "; Max-Age=0");
    return ERR_OK;
}

enum err api_session_link(struct api_call *call) {
    struct bytes link = {NULL, 0}, password = {NULL, 0}, address = bytes_text(call->rq->peer);
    struct auth_user user;
    api_text(call, "link", &link);
    api_text(call, "password", &password);
    uint64_t wait_ms = auth_attempt(call->o->auth, bytes_text("link:"), address);
    if (wait_ms > 0)
        return fault_set(&call->fault, ERR_BUSY, "link", "too many attempts: wait %" PRIu64 " s",
                         wait_ms / 1000 + 1);
    enum err code = auth_link_take(call->o->auth, link, password, &user, &call->fault);
    if (code == ERR_OK || code == ERR_USAGE) /* a short password is no guess at links */
        auth_attempt_good(call->o->auth, bytes_text("link:"), address);
    if (code != ERR_OK)
        return code;
    call->actor = "link";
    code = api_audit(call, "user.password", "user", bytes_text(user.name), "by one-time link");
    return code == ERR_OK ? begin_session(call, &user) : code;
}

/* ---- users ---- */

enum err api_users_list(struct api_call *call) {
    struct auth_user user;
    struct inventory_page page = {0};
    api_list_begin(call);
    for (; auth_user_at(call->o->auth, (size_t)page.total, &user); page.total++) {
        json_object(&call->json, NULL);
        json_text(&call->json, "name", user.name);
        json_text(&call->json, "role", auth_role_name(user.role));
        json_text(&call->json, "state", user.is_disabled ? "disabled" : "active");
        json_bool(&call->json, "has_password", user.has_password);
        json_end(&call->json, '}');
    }
    return api_list_end(call, &page);
}

/* {"name","link","expires"}: the secret stands behind "#", which browsers never send. */
static enum err answer_link(struct api_call *call, struct bytes name) {
    char secret[AUTH_SECRET_TEXT + 1];
    enum err code = auth_link_make(call->o->auth, name, LINK_VALID_S, secret, &call->fault);
    if (code != ERR_OK)
        return code;
    struct buf link;
    crypto_buf_init(&link, 1024);
    buf_printf(&link, "%s/welcome#%s", call->o->url, secret);
    struct json *j = api_begin(call);
    json_bytes(j, "name", name);
    json_text(j, "link", buf_cstr(&link));
    json_time(j, "expires", api_now_s(call) + LINK_VALID_S);
    buf_clear(&link);
    crypto_wipe(secret, sizeof secret);
    return api_end(call);
}

enum err api_users_add(struct api_call *call) {
    struct bytes name = {NULL, 0}, role_name = {NULL, 0};
    enum auth_role role;
    api_text(call, "name", &name);
    api_text(call, "role", &role_name);
    if (!auth_role_read(role_name, &role))
        return fault_set(&call->fault, ERR_USAGE, "role", "viewer or admin");
    enum err code = auth_user_add(call->o->auth, name, role, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "user.add", "user", name, auth_role_name(role));
    return code == ERR_OK ? answer_link(call, name) : code;
}

static enum err answer_state(struct api_call *call, struct bytes name) {
    struct auth_user user;
    if (!auth_user_find(call->o->auth, name, &user))
        return fault_set(&call->fault, ERR_NOT_FOUND, "user", "none of that name");
    struct json *j = api_begin(call);
    json_text(j, "name", user.name);
    json_text(j, "state", user.is_disabled ? "disabled" : "active");
    return api_end(call);
}

enum err api_users_disable(struct api_call *call) {
    struct bytes name = call->rq->path_values[0];
    enum err code = auth_user_disable(call->o->auth, name, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "user.disable", "user", name, NULL);
    return code == ERR_OK ? answer_state(call, name) : code;
}

enum err api_users_enable(struct api_call *call) {
    struct bytes name = call->rq->path_values[0];
    enum err code = auth_user_enable(call->o->auth, name, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "user.enable", "user", name, NULL);
    return code == ERR_OK ? answer_state(call, name) : code;
}

static bool is_own(const struct api_call *call, struct bytes name) {
    return !call->rq->local && bytes_is(name, call->user.name);
}

enum err api_users_link(struct api_call *call) {
    struct bytes name = call->rq->path_values[0];
    struct auth_user user;
    if (is_own(call, name)) /* a stolen session would change the password with it */
        return fault_set(&call->fault, ERR_PERMISSION, "user",
                         "one's own password is changed with the one until now");
    if (!auth_user_find(call->o->auth, name, &user))
        return fault_set(&call->fault, ERR_NOT_FOUND, "user", "none of that name");
    enum err code = api_audit(call, "user.link", "user", name, NULL);
    return code == ERR_OK ? answer_link(call, name) : code;
}

/* Whoever finds a browser open, or steals a cookie, must not keep the account. Guesses
 * count as those of log-ins do. */
static enum err check_current(struct api_call *call) {
    struct bytes current = {NULL, 0}, address = bytes_text(call->rq->peer);
    struct bytes name = bytes_text(call->user.name);
    struct auth_user user;
    api_text(call, "current", &current);
    uint64_t wait_ms = auth_attempt(call->o->auth, name, address);
    if (wait_ms > 0)
        return fault_set(&call->fault, ERR_BUSY, "current", "too many attempts: wait %" PRIu64 " s",
                         wait_ms / 1000 + 1);
    if (auth_user_verify(call->o->auth, name, current, &user, &call->fault) != ERR_OK)
        return fault_set(&call->fault, ERR_PERMISSION, "current",
                         "this is not your password until now");
    auth_attempt_good(call->o->auth, name, address);
    return ERR_OK;
}

enum err api_users_password(struct api_call *call) {
    struct bytes name = call->rq->path_values[0], password = {NULL, 0};
    struct auth_user user;
    api_text(call, "password", &password);
    if (!call->rq->local && !is_own(call, name))
        return fault_set(&call->fault, ERR_PERMISSION, "user",
                         "one's own; for others make a one-time link");
    if (!auth_user_find(call->o->auth, name, &user))
        return fault_set(&call->fault, ERR_NOT_FOUND, "user", "none of that name");
    enum err code = is_own(call, name) ? check_current(call) : ERR_OK;
    if (code == ERR_OK)
        code = auth_user_set_password(call->o->auth, name, password, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "user.password", "user", name, NULL);
    /* All sessions have ended: theirs goes on as a new one. */
    if (code == ERR_OK && is_own(call, name) && auth_user_find(call->o->auth, name, &user))
        return begin_session(call, &user);
    return code == ERR_OK ? answer_state(call, name) : code;
}

/* ---- enrolment tokens ---- */

static void json_token(struct json *j, const struct auth_token *t) {
    json_text(j, "id", t->id);
    json_int(j, "uses", (int64_t)t->uses);
    json_time(j, "created", t->created_s);
    json_time(j, "expires", t->end_s);
    api_json_optional(j, "network", bytes_text(t->network));
    json_text(j, "names", t->names);
    api_json_optional(j, "for", bytes_text(t->for_agent));
}

enum err api_tokens_list(struct api_call *call) {
    struct auth_token token;
    struct inventory_page page = {0};
    api_list_begin(call);
    for (; auth_token_at(call->o->auth, (size_t)page.total, &token); page.total++) {
        json_object(&call->json, NULL);
        json_token(&call->json, &token);
        json_end(&call->json, '}');
    }
    return api_list_end(call, &page);
}

static enum err text_member(struct api_call *call, const char *name, char *out, size_t size) {
    struct bytes text = {NULL, 0};
    if (!api_text(call, name, &text))
        return ERR_OK;
    if (text.n >= size)
        return fault_set(&call->fault, ERR_USAGE, name, "at most %zu bytes", size - 1);
    memcpy(out, text.p, text.n);
    out[text.n] = '\0';
    return ERR_OK;
}

static enum err read_token(struct api_call *call, struct auth_token *want) {
    int64_t uses = 1, hours = 24;
    *want = (struct auth_token){.names = "*"};
    api_number(call, "uses", &uses);
    api_number(call, "valid_hours", &hours);
    if (uses < 1)
        return fault_set(&call->fault, ERR_USAGE, "uses", "1 or more");
    if (hours < 1 || hours > VALID_HOURS_MAX)
        return fault_set(&call->fault, ERR_USAGE, "valid_hours", "1 to %d", VALID_HOURS_MAX);
    want->uses = (uint64_t)uses;
    want->end_s = api_now_s(call) + hours * HOUR_S;
    enum err code = text_member(call, "network", want->network, sizeof want->network);
    if (code == ERR_OK)
        code = text_member(call, "names", want->names, sizeof want->names);
    if (code == ERR_OK)
        code = text_member(call, "for", want->for_agent, sizeof want->for_agent);
    return code;
}

/* A token for an agent that is not there would be spent for nothing. */
static enum err check_for(struct api_call *call, const struct auth_token *want) {
    struct inventory_agent agent;
    if (!want->for_agent[0])
        return ERR_OK;
    if (inventory_agent_by_name(call->o->inventory, bytes_text(want->for_agent), &call->rq->arena,
                                &agent, &call->fault) != ERR_OK)
        return fault_set(&call->fault, ERR_USAGE, "for", "no agent is called %s", want->for_agent);
    return ERR_OK;
}

/* The commands hand the token over by a pipe: no other user of the host sees it. */
static void json_commands(struct api_call *call, const struct auth_token *t, const char *token) {
    struct json *j = &call->json;
    struct buf text;
    const char *name = t->for_agent[0] ? " --name " : "";
    crypto_buf_init(&text, 2048);
    json_object(j, "commands");
    buf_printf(&text, "printf '%%s\\n' '%s' | ers login %s --token-file -%s%s", token, call->o->url,
               name, t->for_agent);
    json_text(j, "linux", buf_cstr(&text));
    buf_reset(&text);
    buf_printf(&text, "'%s' | ers.exe login %s --token-file -%s%s", token, call->o->url, name,
               t->for_agent);
    json_text(j, "powershell", buf_cstr(&text));
    json_end(j, '}');
    buf_clear(&text);
}

enum err api_tokens_add(struct api_call *call) {
    struct auth_token token;
    char secret[AUTH_SECRET_TEXT + 1], text[AUTH_SECRET_TEXT + 128];
    enum err code = read_token(call, &token);
    if (code == ERR_OK)
        code = check_for(call, &token);
    if (code == ERR_OK)
        code = auth_token_make(call->o->auth, &token, secret, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "token.create", "token", bytes_text(token.id),
                         token.for_agent[0] ? token.for_agent : token.names);
    if (code != ERR_OK)
        return code;
    snprintf(text, sizeof text, "clm1.%s.%s", secret, call->o->pin);
    struct json *j = api_begin(call);
    json_text(j, "token", text);
    json_token(j, &token);
    json_commands(call, &token, text);
    crypto_wipe(secret, sizeof secret);
    crypto_wipe(text, sizeof text);
    return api_end(call);
}

enum err api_tokens_revoke(struct api_call *call) {
    struct bytes id = call->rq->path_values[0];
    enum err code = auth_token_revoke(call->o->auth, id, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "token.revoke", "token", id, NULL);
    return code;
}
