/* Counts, and who the server is. See api.h. */
#include "web/api/api_private.h"

#include "base/version.h"

enum err api_health(struct api_call *call) {
    struct json *j = api_begin(call);
    json_text(j, "status", "ok");
    return api_end(call);
}

static enum err count_served(struct api_call *call, uint64_t *served) {
    struct inventory_query q = {.served_only = true, .limit = 1};
    struct inventory_cert *rows;
    struct inventory_page page = {0};
    size_t n;
    enum err code =
        inventory_certs(call->o->inventory, &q, &call->rq->arena, &rows, &n, &page, &call->fault);
    *served = page.total;
    return code;
}

enum err api_summary(struct api_call *call) {
    struct inventory_counts counts;
    uint64_t served;
    enum err code = count_served(call, &served);
    if (code != ERR_OK)
        return code;
    inventory_count(call->o->inventory, call->o->env->now_ms(call->o->env->context), API_QUIET_MS,
                    &counts);
    struct json *j = api_begin(call);
    json_int(j, "certificates", (int64_t)counts.certificates);
    json_int(j, "served", (int64_t)served);
    json_int(j, "bad", (int64_t)counts.bad);
    json_int(j, "expired", (int64_t)counts.expired);
    json_int(j, "expiring_30d", (int64_t)counts.ending);
    json_int(j, "endpoints", (int64_t)counts.endpoints);
    json_int(j, "endpoints_ok", (int64_t)counts.endpoints_ok);
    json_int(j, "agents", (int64_t)counts.agents);
    json_int(j, "quiet_agents", (int64_t)counts.quiet);
    json_int(j, "disabled_agents", (int64_t)counts.disabled);
    json_int(j, "requests", (int64_t)counts.requests);
    json_int(j, "requests_pending", (int64_t)counts.pending);
    json_time(j, "now", api_now_s(call));
    json_object(j, "server");
    json_text(j, "version", CLM_VERSION);
    json_text(j, "name", call->o->name);
    json_text(j, "url", call->o->url);
    json_text(j, "root_sha256", call->o->root_sha256);
    json_end(j, '}');
    json_object(j, "store");
    json_int(j, "entries", (int64_t)counts.entries);
    json_int(j, "skipped", (int64_t)counts.skipped);
    json_int(j, "bytes", (int64_t)counts.log_bytes);
    json_int(j, "segments", (int64_t)counts.segments);
    json_end(j, '}');
    api_json_backup(call, j);
    return api_end(call);
}

enum err api_openapi_get(struct api_call *call) {
    api_openapi(call->o->url, &call->rq->response.body);
    return ERR_OK;
}
