/* Services: owner, tags and notes of a line of certificates. See api.h. */
#include "web/api/api_private.h"

void api_json_service(struct json *j, const char *key, const struct inventory_service *s) {
    json_object(j, key);
    json_hex(j, "id", bytes_of(s->id, sizeof s->id));
    json_bytes(j, "owner", s->owner);
    json_array(j, "tags");
    for (size_t i = 0; i < s->tags_n; i++)
        json_bytes(j, NULL, s->tags[i]);
    json_end(j, ']');
    json_bytes(j, "notes", s->notes);
    if (s->certificates > 0)
        json_int(j, "certificates", (int64_t)s->certificates);
    json_end(j, '}');
}

static enum err get(struct api_call *call, struct inventory_service *s) {
    uint8_t id[INVENTORY_ID_SIZE];
    enum err code = api_path_id(call, 0, id, sizeof id, "service");
    if (code != ERR_OK)
        return code;
    return inventory_service_get(call->o->inventory, id, &call->rq->arena, s, &call->fault);
}

static enum err answer(struct api_call *call) {
    struct inventory_service s;
    enum err code = get(call, &s);
    if (code != ERR_OK)
        return code;
    call->json = json_to(&call->rq->response.body);
    api_json_service(&call->json, NULL, &s);
    return ERR_OK;
}

enum err api_services_get(struct api_call *call) {
    return answer(call);
}

static enum err read_tags(struct api_call *call, struct inventory_service *s) {
    struct bytes *tags;
    size_t n;
    bool there;
    enum err code = api_texts(call, "tags", INVENTORY_TAGS_MAX, &tags, &n, &there);
    if (code != ERR_OK || !there)
        return code;
    for (size_t i = 0; i < n; i++)
        tags[i] = bytes_trim(tags[i]);
    s->tags = tags;
    s->tags_n = n;
    return ERR_OK;
}

/* What is not said stays as it was. */
enum err api_services_set(struct api_call *call) {
    struct inventory_service s;
    struct inventory_audit act;
    enum err code = get(call, &s);
    if (code != ERR_OK)
        return code;
    if (api_text(call, "owner", &s.owner))
        s.owner = bytes_trim(s.owner);
    api_text(call, "notes", &s.notes);
    code = read_tags(call, &s);
    if (code == ERR_OK)
        code = api_act(call, "service.edit", "service", call->rq->path_values[0],
                       arena_cstr(&call->rq->arena, s.owner), &act);
    if (code == ERR_OK)
        code = inventory_service_set(call->o->inventory, &s, &act, &call->fault);
    return code == ERR_OK ? answer(call) : code;
}
