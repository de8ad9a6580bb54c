/* Agents: lists, enrolment, names and states. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"

#include <string.h>

static const struct api_sort sorts[] = {
    {"name",     INVENTORY_BY_NAME },
    {"enrolled", INVENTORY_BY_FIRST},
    {NULL,       INVENTORY_BY_NAME },
};

int64_t api_agent_heard_ms(const struct inventory_agent *agent) {
    return agent->seen_ms > agent->scan_ms ? agent->seen_ms : agent->scan_ms;
}

bool api_agent_is_quiet(const struct api_call *call, const struct inventory_agent *agent) {
    int64_t now_ms = call->o->env->now_ms(call->o->env->context);
    int64_t heard_ms = api_agent_heard_ms(agent);
    if (heard_ms == 0)
        heard_ms = agent->enrolled_ms;
    return !agent->disabled && now_ms - heard_ms > API_QUIET_MS;
}

static void json_agent(struct api_call *call, const struct inventory_agent *agent,
                       uint64_t certificates_n) {
    struct json *j = &call->json;
    int64_t certificates = (int64_t)certificates_n;
    json_hex(j, "id", bytes_of(agent->id, sizeof agent->id));
    json_bytes(j, "name", agent->name);
    json_bytes(j, "network", agent->network);
    json_text(j, "state", agent->disabled ? "disabled" : "active");
    api_json_optional(j, "version", agent->version);
    api_json_optional(j, "system", agent->system);
    api_json_ms(j, "enrolled", agent->enrolled_ms);
    api_json_ms(j, "last_seen", api_agent_heard_ms(agent));
    if (agent->scan_ms > 0) {
        json_object(j, "last_scan");
        api_json_ms(j, "time", agent->scan_ms);
        json_int(j, "endpoints", (int64_t)agent->endpoints);
        json_int(j, "certificates", certificates);
        json_end(j, '}');
    } else {
        json_null(j, "last_scan");
    }
    json_bool(j, "quiet", api_agent_is_quiet(call, agent));
    json_int(j, "certificates", certificates);
    json_int(j, "endpoints", (int64_t)agent->endpoints);
}

enum err api_agents_list(struct api_call *call) {
    struct inventory_query q;
    struct inventory_agent *rows = NULL;
    struct inventory_page page = {0};
    size_t n = 0;
    enum err code = api_list_query(call, QUERY_AGENTS, sorts, &q);
    if (code == ERR_OK)
        code = inventory_agents(call->o->inventory, &q, &call->rq->arena, &rows, &n, &page,
                                &call->fault);
    uint64_t *counts = arena_array(&call->rq->arena, n + 1, sizeof *counts);
    if (code == ERR_OK && counts == NULL)
        code = fault_set(&call->fault, ERR_MEMORY, "agents", "no room");
    if (code == ERR_OK)
        code = inventory_agents_certificates(call->o->inventory, rows, n, counts, &call->fault);
    if (code != ERR_OK)
        return code;
    api_list_begin(call);
    for (size_t i = 0; i < n; i++) {
        json_object(&call->json, NULL);
        json_agent(call, &rows[i], counts[i]);
        json_end(&call->json, '}');
    }
    return api_list_end(call, &page);
}

static enum err read_agent(struct api_call *call, struct inventory_agent *agent) {
    uint8_t id[INVENTORY_ID_SIZE];
    enum err code = api_path_id(call, 0, id, sizeof id, "agent");
    if (code != ERR_OK)
        return code;
    return inventory_agent_get(call->o->inventory, id, &call->rq->arena, agent, &call->fault);
}

static enum err answer_agent(struct api_call *call) {
    struct inventory_agent agent;
    uint64_t certificates = 0;
    enum err code = read_agent(call, &agent);
    if (code == ERR_OK)
        code = inventory_agents_certificates(call->o->inventory, &agent, 1, &certificates,
                                             &call->fault);
    if (code != ERR_OK)
        return code;
    api_begin(call);
    json_agent(call, &agent, certificates);
    code = api_json_agent_work(call, agent.id);
    return code == ERR_OK ? api_end(call) : code;
}

enum err api_agents_get(struct api_call *call) {
    return answer_agent(call);
}

enum err api_agents_rename(struct api_call *call) {
    struct inventory_agent agent;
    struct bytes name = {NULL, 0};
    api_text(call, "name", &name);
    if (!auth_agent_name_valid(name))
        return fault_set(&call->fault, ERR_USAGE, "name", "letters, digits and . _ - are allowed");
    enum err code = read_agent(call, &agent);
    if (code == ERR_OK)
        code = inventory_agent_rename(call->o->inventory, agent.id, name, NULL, NULL, &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, "agent.rename", "agent", call->rq->path_values[0],
                         arena_cstr(&call->rq->arena, agent.name));
    return code == ERR_OK ? answer_agent(call) : code;
}

static enum err set_disabled(struct api_call *call, bool disabled) {
    struct inventory_agent agent;
    enum err code = read_agent(call, &agent);
    if (code == ERR_OK && agent.disabled != disabled)
        code = inventory_agent_disable(call->o->inventory, agent.id, disabled, NULL, NULL,
                                       &call->fault);
    if (code == ERR_OK)
        code = api_audit(call, disabled ? "agent.disable" : "agent.enable", "agent",
                         call->rq->path_values[0], NULL);
    return code == ERR_OK ? answer_agent(call) : code;
}

enum err api_agents_disable(struct api_call *call) {
    return set_disabled(call, true);
}

enum err api_agents_enable(struct api_call *call) {
    return set_disabled(call, false);
}

/* ---- by agents ---- */

enum err api_agents_self(struct api_call *call) {
    const struct inventory_agent *agent = &call->agent;
    struct json *j = api_begin(call);
    json_hex(j, "agent", bytes_of(agent->id, sizeof agent->id));
    json_bytes(j, "name", agent->name);
    json_bytes(j, "network", agent->network);
    json_text(j, "state", agent->disabled ? "disabled" : "active");
    json_time(j, "server_time", api_now_s(call));
    api_json_ms(j, "last_push", agent->scan_ms);
    return api_end(call);
}

static enum err answer_enrolled(struct api_call *call, const uint8_t id[INVENTORY_ID_SIZE]) {
    struct inventory_agent agent;
    enum err code =
        inventory_agent_get(call->o->inventory, id, &call->rq->arena, &agent, &call->fault);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_hex(j, "agent", bytes_of(id, INVENTORY_ID_SIZE));
    json_bytes(j, "name", agent.name);
    json_bytes(j, "network", agent.network);
    json_time(j, "server_time", api_now_s(call));
    return api_end(call);
}

struct enrolment {
    struct bytes token;
    struct inventory_enrolment agent;
    uint8_t key_id[SHA256_SIZE];
};

/* The secret within "clm1.SECRET.PIN", or a bare secret. */
static struct bytes secret_of(struct bytes token) {
    struct cur c = cur_open(token);
    if (!bytes_starts(token, "clm1."))
        return token;
    cur_until(&c, '.');
    return cur_until(&c, '.');
}

static enum err read_enrolment(struct api_call *call, struct enrolment *e) {
    struct bytes key_text = {NULL, 0};
    *e = (struct enrolment){0};
    api_text(call, "token", &e->token);
    api_text(call, "name", &e->agent.name);
    api_text(call, "network", &e->agent.network);
    api_text(call, "public_key", &key_text);
    api_text(call, "system", &e->agent.system);
    api_text(call, "version", &e->agent.version);
    if (!auth_agent_name_valid(e->agent.name))
        return fault_set(&call->fault, ERR_USAGE, "name", "letters, digits and . _ - are allowed");
    if (e->agent.network.n > 0 && !auth_network_valid(e->agent.network))
        return fault_set(&call->fault, ERR_USAGE, "network",
                         "letters, digits and . _ - are allowed");
    if (e->agent.system.n > INVENTORY_TEXT_MAX || e->agent.version.n > INVENTORY_TEXT_MAX)
        return fault_set(&call->fault, ERR_USAGE, "system", "at most %d bytes", INVENTORY_TEXT_MAX);
    struct buf spki;
    buf_init(&spki, INVENTORY_SPKI_MAX);
    if (base64_read(key_text, &spki) && spki.err == ERR_OK)
        e->agent.spki = arena_copy(&call->rq->arena, buf_bytes(&spki));
    buf_clear(&spki);
    if (e->agent.spki.n == 0)
        return fault_set(&call->fault, ERR_USAGE, "public_key", "base64 of at most %d bytes",
                         INVENTORY_SPKI_MAX);
    hash_of(HASH_SHA256, e->agent.spki, e->key_id);
    return ERR_OK;
}

/* That the request was signed with the key which it brings. Whoever has neither a token
 * nor an agent's key is refused before: each check remembers a nonce, and strangers
 * could fill the memory for these. */
static enum err check_enrolment(struct api_call *call, const struct enrolment *e, bool is_known) {
    struct auth_token token;
    enum err code = is_known ? ERR_OK
                             : auth_token_look(call->o->auth, secret_of(e->token), e->agent.name,
                                               e->agent.network, &token, &call->fault);
    if (code != ERR_OK)
        return code;
    call->signed_request.body = call->rq->body;
    return auth_signature_check(call->o->auth, &call->signed_request, &call->signature,
                                e->agent.spki, &call->fault);
}

/* A token would be spent for nothing where the key or the name is in use. Asked only
 * after the token was found good: strangers are not told which names there are. */
static enum err check_free(struct api_call *call, const struct enrolment *e,
                           const struct auth_token *token) {
    struct inventory_agent other;
    struct fault ignored = {0};
    struct inventory *inv = call->o->inventory;
    if (inventory_agent_by_key(inv, e->key_id, &call->rq->arena, &other, &ignored) == ERR_OK)
        return fault_set(&call->fault, ERR_EXISTS, "public_key", "an agent has this key");
    if (!token->for_agent[0] &&
        inventory_agent_by_name(inv, e->agent.name, &call->rq->arena, &other, &ignored) == ERR_OK)
        return fault_set(&call->fault, ERR_EXISTS, "name",
                         "an agent has this name: make a token for it (token create --for)");
    return ERR_OK;
}

static enum err enrol_new(struct api_call *call, struct enrolment *e, const struct auth_token *t,
                          uint8_t id[INVENTORY_ID_SIZE]) {
    if (t->network[0])
        e->agent.network = bytes_text(t->network);
    return inventory_agent_enrol(call->o->inventory, &e->agent, id, NULL, NULL, &call->fault);
}

static enum err enrol_again(struct api_call *call, const struct enrolment *e,
                            const struct auth_token *t, uint8_t id[INVENTORY_ID_SIZE]) {
    struct inventory_agent agent;
    enum err code = inventory_agent_by_name(call->o->inventory, bytes_text(t->for_agent),
                                            &call->rq->arena, &agent, &call->fault);
    if (code != ERR_OK)
        return code;
    memcpy(id, agent.id, INVENTORY_ID_SIZE);
    return inventory_agent_rekey(call->o->inventory, id, e->agent.spki, NULL, NULL, &call->fault);
}

static enum err enrol(struct api_call *call, struct enrolment *e, uint8_t id[INVENTORY_ID_SIZE]) {
    struct auth_token token;
    struct auth *auth = call->o->auth;
    struct bytes secret = secret_of(e->token);
    enum err code =
        auth_token_look(auth, secret, e->agent.name, e->agent.network, &token, &call->fault);
    if (code == ERR_OK)
        code = check_free(call, e, &token);
    if (code == ERR_OK)
        code = auth_token_take(auth, secret, e->agent.name, e->agent.network, &token, &call->fault);
    if (code != ERR_OK)
        return code;
    call->actor = "token";
    code = token.for_agent[0] ? enrol_again(call, e, &token, id) : enrol_new(call, e, &token, id);
    if (code != ERR_OK)
        return code;
    char text[2 * INVENTORY_ID_SIZE + 1];
    hex_write(text, bytes_of(id, INVENTORY_ID_SIZE));
    return api_audit(call, token.for_agent[0] ? "agent.rekey" : "agent.enrol", "agent",
                     bytes_text(text), token.id);
}

enum err api_agents_enrol(struct api_call *call) {
    struct enrolment e;
    uint8_t id[INVENTORY_ID_SIZE];
    struct inventory_agent agent;
    struct fault ignored = {0};
    enum err code = read_enrolment(call, &e);
    if (code != ERR_OK)
        return code;
    bool is_known = inventory_agent_by_key(call->o->inventory, e.key_id, &call->rq->arena, &agent,
                                           &ignored) == ERR_OK;
    code = check_enrolment(call, &e, is_known);
    if (code != ERR_OK)
        return code;
    /* The same key again under the same name: the answer was lost on its way. The
     * signature proves whose key it is, so no token is needed, and none is spent. */
    if (is_known && bytes_equal(agent.name, e.agent.name) && !agent.disabled)
        return answer_enrolled(call, agent.id);
    code = enrol(call, &e, id);
    return code == ERR_OK ? answer_enrolled(call, id) : code;
}
