/* What the daily mail says, as data: certificates that end, agents that are quiet.
 * See api.h. */
#include "web/api/api_private.h"

#include "base/clock.h"
#include "base/text.h"

enum {
    HOUR_S = 60 * 60,
    SOON_S = 7 * 24 * HOUR_S,
    UNSERVED_S = 30 * 24 * HOUR_S, /* so long after its end, what is served nowhere is told */
    WITHIN_HOURS = 30 * 24,
    WITHIN_HOURS_MAX = 10 * 366 * 24,
    ROWS = 50, /* of each class, and agents */
    PLACES = 10,
};

static const char *const classes[INVENTORY_ENDING_KINDS] = {"expired", "soon", "later"};

static enum err read_within(struct api_call *call, uint64_t *hours) {
    struct bytes text = http_param(call->rq, "within_hours");
    *hours = WITHIN_HOURS;
    if (text.p && (!number_read(text, WITHIN_HOURS_MAX, hours) || *hours == 0))
        return fault_set(&call->fault, ERR_USAGE, "within_hours", "1 to %d", WITHIN_HOURS_MAX);
    return ERR_OK;
}

/* `agent` only where nobody else can see the place. */
static void json_place(struct json *j, const struct inventory_endpoint *e) {
    struct buf text;
    buf_init(&text, 8192);
    model_endpoint_write(&text, &e->place);
    json_object(j, NULL);
    json_hex(j, "id", bytes_of(e->id, sizeof e->id));
    json_bytes(j, "place", buf_bytes(&text));
    json_bytes(j, "network", e->place.network);
    if (model_endpoint_is_private(&e->place))
        json_bytes(j, "agent", e->agent_name);
    else
        json_null(j, "agent");
    json_end(j, '}');
    buf_clear(&text);
}

static void json_row(struct json *j, const struct inventory_ending *row, int64_t now_s) {
    const struct inventory_cert *cert = &row->cert;
    json_object(j, NULL);
    json_text(j, "class", classes[row->kind]);
    json_hex(j, "sha256", bytes_of(cert->sha256, sizeof cert->sha256));
    json_bytes(j, "display_name", cert->name);
    api_json_optional(j, "owner", cert->owner);
    json_time(j, "not_after", cert->not_after_s);
    json_int(j, "days_left", clock_days_between(now_s, cert->not_after_s));
    json_bool(j, "renewed", row->is_renewed);
    json_int(j, "places", (int64_t)row->places_total);
    json_array(j, "endpoints");
    for (size_t i = 0; i < row->places_n; i++)
        json_place(j, &row->places[i]);
    json_end(j, ']');
    json_end(j, '}');
}

static enum err answer_certificates(struct api_call *call, uint64_t hours) {
    struct inventory_endings all;
    struct json *j = &call->json;
    int64_t now_s = api_now_s(call);
    struct inventory_ending_query q = {.now_s = now_s, .limit = ROWS, .places = PLACES};
    q.until_s = now_s + (int64_t)hours * HOUR_S;
    q.unserved_s = now_s - UNSERVED_S;
    q.soon_s = q.until_s < now_s + SOON_S ? q.until_s : now_s + SOON_S;
    enum err code = inventory_ending(call->o->inventory, &q, &call->rq->arena, &all, &call->fault);
    if (code != ERR_OK)
        return code;
    json_object(j, "counts");
    for (size_t i = 0; i < INVENTORY_ENDING_KINDS; i++)
        json_int(j, classes[i], (int64_t)all.counts[i]);
    json_end(j, '}');
    json_array(j, "items");
    for (size_t i = 0; i < all.rows_n; i++)
        json_row(j, &all.rows[i], now_s);
    json_end(j, ']');
    return ERR_OK;
}

/* The quiet ones of a page; counts them all. */
static void json_quiet(struct api_call *call, const struct inventory_agent *rows, size_t n,
                       int64_t *quiet) {
    struct json *j = &call->json;
    for (size_t i = 0; i < n; i++) {
        if (!api_agent_is_quiet(call, &rows[i]) || (*quiet)++ >= ROWS)
            continue;
        json_object(j, NULL);
        json_hex(j, "id", bytes_of(rows[i].id, sizeof rows[i].id));
        json_bytes(j, "name", rows[i].name);
        api_json_ms(j, "last_seen", api_agent_heard_ms(&rows[i]));
        json_end(j, '}');
    }
}

/* Page by page, each in the same memory: agents may be many. */
static enum err answer_agents(struct api_call *call) {
    struct inventory_query q = {.sort = INVENTORY_BY_NAME, .limit = INVENTORY_PAGE_MAX};
    struct inventory_page page = {0};
    struct arena arena;
    struct buf cursor;
    int64_t quiet = 0;
    enum err code;
    arena_init(&arena, 16 << 20);
    buf_init(&cursor, 1024);
    json_array(&call->json, "agents");
    do {
        struct inventory_agent *rows = NULL;
        size_t n = 0;
        arena_reset(&arena);
        q.cursor = buf_bytes(&cursor);
        code = inventory_agents(call->o->inventory, &q, &arena, &rows, &n, &page, &call->fault);
        if (code == ERR_OK)
            json_quiet(call, rows, n, &quiet);
        buf_reset(&cursor);
        buf_put(&cursor, page.next);
    } while (code == ERR_OK && page.next.n > 0);
    json_end(&call->json, ']');
    json_int(&call->json, "quiet", quiet);
    buf_clear(&cursor);
    arena_clear(&arena);
    return code;
}

enum err api_digest(struct api_call *call) {
    uint64_t hours;
    enum err code = read_within(call, &hours);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_time(j, "now", api_now_s(call));
    json_text(j, "name", call->o->name);
    json_text(j, "url", call->o->url);
    json_int(j, "within_hours", (int64_t)hours);
    code = answer_certificates(call, hours);
    if (code == ERR_OK)
        code = answer_agents(call);
    return code == ERR_OK ? api_end(call) : code;
}
