/* What waits for an agent: targets and a rescan, set by people, fetched by the agent.
 * What of it is done within the agent's own limits is the agent's affair. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"

enum { TARGETS_ARENA_MAX = 64 << 20 };

static void json_targets(struct json *j, const struct inventory_work *w) {
    if (w->targets_revision == 0) {
        json_null(j, "targets");
        return;
    }
    json_object(j, "targets");
    json_int(j, "revision", (int64_t)w->targets_revision);
    json_bytes(j, "text", w->targets);
    json_end(j, '}');
}

/* To the agent only what is not done; to people also what was. */
static void json_rescan(struct json *j, const struct inventory_work *w, bool to_people) {
    if (!w->has_rescan || (w->rescan_done && !to_people)) {
        json_null(j, "rescan");
        return;
    }
    json_object(j, "rescan");
    json_hex(j, "id", bytes_of(w->rescan, sizeof w->rescan));
    json_array(j, "targets");
    for (size_t i = 0; i < w->rescan_targets_n; i++)
        json_bytes(j, NULL, w->rescan_targets[i]);
    json_end(j, ']');
    if (to_people) {
        api_json_ms(j, "asked", w->rescan_ms);
        json_bool(j, "done", w->rescan_done);
    }
    json_end(j, '}');
}

static enum err get(struct api_call *call, const uint8_t *agent, struct inventory_work *w) {
    return inventory_work(call->o->inventory, agent, &call->rq->arena, w, &call->fault);
}

enum err api_json_agent_work(struct api_call *call, const uint8_t *agent) {
    struct inventory_work w;
    enum err code = get(call, agent, &w);
    if (code != ERR_OK)
        return code;
    json_targets(&call->json, &w);
    json_rescan(&call->json, &w, true);
    return ERR_OK;
}

/* ---- By agents ---- */

enum err api_work_get(struct api_call *call) {
    struct inventory_work w;
    enum err code = get(call, call->agent.id, &w);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_targets(j, &w);
    json_rescan(j, &w, false);
    json_array(j, "requests");
    for (size_t i = 0; i < w.requests_n; i++) {
        json_object(j, NULL);
        json_hex(j, "id", bytes_of(w.requests[i].id, INVENTORY_ID_SIZE));
        json_text(j, "state", inventory_request_state_name(w.requests[i].state));
        json_end(j, '}');
    }
    json_end(j, ']');
    return api_end(call);
}

enum err api_work_done(struct api_call *call) {
    uint8_t id[INVENTORY_ID_SIZE];
    struct bytes text = {NULL, 0};
    api_text(call, "rescan", &text);
    if (!hex_read(text, id, sizeof id))
        return fault_set(&call->fault, ERR_USAGE, "rescan", "%d hex digits", 2 * INVENTORY_ID_SIZE);
    enum err code = inventory_rescan_done(call->o->inventory, call->agent.id, id, &call->fault);
    return code == ERR_OK ? api_work_get(call) : code;
}

/* ---- By people ---- */

static enum err find_agent(struct api_call *call, struct inventory_agent *agent) {
    uint8_t id[INVENTORY_ID_SIZE];
    enum err code = api_path_id(call, 0, id, sizeof id, "agent");
    if (code != ERR_OK)
        return code;
    return inventory_agent_get(call->o->inventory, id, &call->rq->arena, agent, &call->fault);
}

static enum err answer(struct api_call *call, const struct inventory_agent *agent) {
    api_begin(call);
    enum err code = api_json_agent_work(call, agent->id);
    return code == ERR_OK ? api_end(call) : code;
}

/* What the agent could not read is refused here, by its line. */
static enum err check_targets(struct api_call *call, struct bytes text) {
    struct model_target_file file;
    struct arena a;
    arena_init(&a, TARGETS_ARENA_MAX);
    enum err code = model_target_file_parse(&a, text, "targets", &file, &call->fault);
    arena_clear(&a);
    return code == ERR_OK
               ? ERR_OK
               : fault_set(&call->fault, ERR_USAGE, "text", "%s",
                           call->fault.detail[0] ? call->fault.detail : err_row(code)->text);
}

enum err api_agents_targets(struct api_call *call) {
    struct inventory_agent agent;
    struct inventory_audit act;
    struct bytes text = {NULL, 0};
    enum err code = find_agent(call, &agent);
    api_text(call, "text", &text);
    if (code == ERR_OK)
        code = check_targets(call, text);
    if (code == ERR_OK)
        code = api_act(call, "agent.targets", "agent", call->rq->path_values[0], NULL, &act);
    if (code == ERR_OK)
        code = inventory_targets_set(call->o->inventory, agent.id, text, &act, &call->fault);
    return code == ERR_OK ? answer(call, &agent) : code;
}

/* "host" or "host:port", as targets are written. */
static enum err check_target(struct api_call *call, struct bytes text) {
    struct model_target target;
    struct fault why = {0};
    unsigned forms = MODEL_FORMS_LINE & ~(unsigned)MODEL_FORM_PATH;
    if (model_target_read(&call->rq->arena, text, forms, &target, NULL, &why) == ERR_OK)
        return ERR_OK;
    return fault_set(&call->fault, ERR_USAGE, "targets", "%s", why.detail);
}

enum err api_agents_rescan(struct api_call *call) {
    struct inventory_agent agent;
    struct inventory_audit act;
    struct bytes *targets = NULL;
    uint8_t id[INVENTORY_ID_SIZE];
    size_t n = 0;
    bool there;
    enum err code = find_agent(call, &agent);
    if (code == ERR_OK)
        code = api_texts(call, "targets", INVENTORY_RESCAN_MAX, &targets, &n, &there);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        code = check_target(call, targets[i]);
    if (code == ERR_OK)
        code = api_act(call, "agent.rescan", "agent", call->rq->path_values[0], NULL, &act);
    if (code == ERR_OK)
        code =
            inventory_rescan_ask(call->o->inventory, agent.id, targets, n, &act, id, &call->fault);
    return code == ERR_OK ? answer(call, &agent) : code;
}
