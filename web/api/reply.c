/* What the handlers share: parameters in, parts of answers out. See api_private.h. */
#include "web/api/api_private.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

int64_t api_now_s(const struct api_call *call) {
    return env_now_s(call->o->env);
}

struct json *api_begin(struct api_call *call) {
    call->json = json_to(&call->rq->response.body);
    json_object(&call->json, NULL);
    return &call->json;
}

enum err api_end(struct api_call *call) {
    json_end(&call->json, '}');
    return ERR_OK;
}

bool api_text(struct api_call *call, const char *name, struct bytes *out) {
    struct json_value v = json_get(call->body, name);
    return json_type_of(v) == JSON_STRING && json_string(v, &call->rq->arena, out);
}

bool api_number(struct api_call *call, const char *name, int64_t *out) {
    struct json_value v = json_get(call->body, name);
    return json_type_of(v) == JSON_NUMBER && json_integer(v, out);
}

bool api_bool(struct api_call *call, const char *name, bool *out) {
    struct json_value v = json_get(call->body, name);
    return json_type_of(v) == JSON_BOOL && json_boolean(v, out);
}

enum err api_texts(struct api_call *call, const char *name, size_t most, struct bytes **out,
                   size_t *n, bool *there) {
    struct json_value list = json_get(call->body, name);
    size_t i = 0;
    *there = json_type_of(list) == JSON_ARRAY;
    *n = *there ? json_count(list) : 0;
    if (*n > most)
        return fault_set(&call->fault, ERR_USAGE, name, "at most %zu", most);
    *out = arena_array(&call->rq->arena, *n + 1, sizeof **out);
    if (!*out)
        return fault_set(&call->fault, ERR_MEMORY, name, "%zu", *n);
    for (struct json_value v = *there ? json_first(list) : (struct json_value){0};
         json_type_of(v) != JSON_NONE; v = json_next(v), i++) {
        if (!json_string(v, &call->rq->arena, &(*out)[i]))
            return fault_set(&call->fault, ERR_USAGE, name, "item %zu is no string", i);
    }
    return ERR_OK;
}

enum err api_path_id(struct api_call *call, size_t i, uint8_t *out, size_t n, const char *what) {
    if (i < call->rq->path_values_n && hex_read(call->rq->path_values[i], out, n))
        return ERR_OK;
    return fault_set(&call->fault, ERR_NOT_FOUND, what, "%zu hex digits are wanted", 2 * n);
}

static enum err refuse_sort(struct api_call *call, const struct api_sort *sorts) {
    struct buf names;
    buf_init(&names, 256);
    for (const struct api_sort *row = sorts; row->name; row++)
        buf_printf(&names, "%s%s", names.n > 0 ? ", " : "", row->name);
    enum err code = fault_set(&call->fault, ERR_USAGE, "sort", "one of %s", buf_cstr(&names));
    buf_clear(&names);
    return code;
}

static enum err read_sort(struct api_call *call, const struct api_sort *sorts,
                          struct inventory_query *q) {
    struct bytes sort = http_param(call->rq, "sort"), order = http_param(call->rq, "order");
    const struct api_sort *row = sorts;
    while (sort.p && row->name && !bytes_is(sort, row->name))
        row++;
    if (!row->name)
        return refuse_sort(call, sorts);
    q->sort = row->sort;
    q->descending = order.p && bytes_is(order, "desc");
    if (order.p && !q->descending && !bytes_is(order, "asc"))
        return fault_set(&call->fault, ERR_USAGE, "order", "asc or desc");
    return ERR_OK;
}

enum err api_where(struct api_call *call, enum query_rows rows, const struct query **where) {
    struct bytes text = http_param(call->rq, "q");
    struct query_error e;
    *where = NULL;
    if (text.n == 0)
        return ERR_OK;
    enum err code = query_parse(&call->rq->arena, text, rows, api_now_s(call), where, &e);
    if (code == ERR_OK)
        return ERR_OK;
    call->column = e.column;
    /* Not answered here is still something that the caller can mend. */
    query_fault(&e, "q", &call->fault);
    if (code == ERR_UNSUPPORTED)
        call->fault.code = ERR_USAGE;
    return call->fault.code;
}

enum err api_list_query(struct api_call *call, enum query_rows rows, const struct api_sort *sorts,
                        struct inventory_query *q) {
    struct bytes limit = http_param(call->rq, "limit");
    uint64_t n = 100;
    if (limit.p && (!number_read(limit, INVENTORY_PAGE_MAX, &n) || n == 0))
        return fault_set(&call->fault, ERR_USAGE, "limit", "1 to %d", INVENTORY_PAGE_MAX);
    *q = (struct inventory_query){.limit = (size_t)n};
    q->cursor = http_param(call->rq, "cursor");
    enum err code = read_sort(call, sorts, q);
    return code == ERR_OK ? api_where(call, rows, &q->where) : code;
}

void api_list_begin(struct api_call *call) {
    json_array(api_begin(call), "items");
}

enum err api_list_end(struct api_call *call, const struct inventory_page *page) {
    json_end(&call->json, ']');
    api_json_optional(&call->json, "next", page->next);
    json_int(&call->json, "total", (int64_t)page->total);
    return api_end(call);
}

enum err api_act(struct api_call *call, const char *verb, const char *object_kind,
                 struct bytes object, const char *detail, struct inventory_audit *act) {
    struct buf text;
    buf_init(&text, INVENTORY_TEXT_MAX);
    buf_text(&text, object_kind);
    buf_text(&text, ":");
    buf_put(&text, object);
    *act = (struct inventory_audit){.actor = bytes_text(call->actor),
                                    .verb = bytes_text(verb),
                                    .object = arena_copy(&call->rq->arena, buf_bytes(&text)),
                                    .detail = bytes_text(detail ? detail : "")};
    enum err code = text.err != ERR_OK ? text.err : call->rq->arena.err;
    buf_clear(&text);
    return code == ERR_OK ? ERR_OK
                          : fault_set(&call->fault, code, "audit", "the object's name is too long");
}

enum err api_audit(struct api_call *call, const char *verb, const char *object_kind,
                   struct bytes object, const char *detail) {
    struct inventory_audit act;
    enum err code = api_act(call, verb, object_kind, object, detail, &act);
    return code == ERR_OK ? inventory_audit(call->o->inventory, &act, NULL, NULL, &call->fault)
                          : code;
}

void api_json_state(struct json *j, bool has_end, bool has_begin, int64_t not_before_s,
                    int64_t not_after_s, int64_t now_s) {
    int64_t days = clock_days_between(now_s, not_after_s);
    const char *state = "ok";
    if (!has_end)
        state = "unknown";
    else if (not_after_s < now_s)
        state = "expired";
    else if (has_begin && not_before_s > now_s)
        state = "future";
    else if (days < API_EXPIRING_DAYS)
        state = "expiring";
    json_text(j, "state", state);
    if (has_end)
        json_int(j, "days_left", days);
    else
        json_null(j, "days_left");
}

static const struct {
    const char *name;
    int64_t bits;
} curves[] = {
    {"P-256", 256},
    {"P-384", 384},
    {"P-521", 521},
    {"P-224", 224},
    {"P-192", 192},
};

void api_json_key(struct json *j, const char *key, struct bytes text) {
    struct cur c = cur_open(text);
    struct bytes algorithm = cur_until(&c, ' ');
    uint64_t bits = 0;
    json_object(j, key);
    json_bytes(j, "algorithm", algorithm);
    if (number_read(c.rest, 1000000, &bits)) {
        json_int(j, "bits", (int64_t)bits);
    } else if (c.rest.n > 0) {
        for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
            if (bytes_is(c.rest, curves[i].name))
                json_int(j, "bits", curves[i].bits);
        }
        json_bytes(j, "curve", c.rest);
    }
    json_end(j, '}');
}

void api_json_agent(struct json *j, const char *key, const uint8_t *id, struct bytes name) {
    json_object(j, key);
    json_hex(j, "id", bytes_of(id, INVENTORY_ID_SIZE));
    json_bytes(j, "name", name);
    json_end(j, '}');
}

void api_json_ms(struct json *j, const char *key, int64_t ms) {
    if (ms == 0)
        json_null(j, key);
    else
        json_time(j, key, ms / 1000);
}

void api_json_optional(struct json *j, const char *key, struct bytes text) {
    if (text.n == 0)
        json_null(j, key);
    else
        json_bytes(j, key, text);
}
