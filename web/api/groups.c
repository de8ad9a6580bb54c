/* Certificates counted by kind, and the fields of queries. See api.h. */
#include "web/api/api_private.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

static const struct {
    const char *name;
    enum inventory_group by;
} groups[] = {
    {"week",   INVENTORY_PER_WEEK  },
    {"issuer", INVENTORY_PER_ISSUER},
    {"key",    INVENTORY_PER_KEY   },
    {"agent",  INVENTORY_PER_AGENT },
};

static enum err read_by(struct api_call *call, enum inventory_group *by) {
    struct bytes name = http_param(call->rq, "by");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        if (bytes_is(name, groups[i].name)) {
            *by = groups[i].by;
            return ERR_OK;
        }
    }
    return fault_set(&call->fault, ERR_USAGE, "by", "week, issuer, key or agent");
}

/* A value in quotes, as the parser reads it. */
static void put_quoted(struct buf *out, struct bytes value) {
    buf_u8(out, '"');
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '"' || value.p[i] == '\\')
            buf_u8(out, '\\');
        buf_u8(out, value.p[i]);
    }
    buf_u8(out, '"');
}

static void put_moment(struct buf *out, const char *op, int64_t s) {
    char text[CLOCK_TEXT_MAX];
    buf_printf(out, "%sexpires%s%s", out->n > 0 ? " " : "", op, clock_write(s, text));
}

/* The query that takes just these, to be joined with the one that was asked. */
static void put_query(struct buf *out, enum inventory_group by, const struct inventory_kind *k) {
    switch (by) {
    case INVENTORY_PER_WEEK:
        if (k->from_s != INT64_MIN)
            put_moment(out, ">=", k->from_s);
        if (k->to_s != INT64_MAX)
            put_moment(out, "<", k->to_s);
        break;
    case INVENTORY_PER_ISSUER:
        buf_text(out, k->text.n > 0 ? "issuer=" : "not issuer:*");
        if (k->text.n > 0)
            put_quoted(out, k->text);
        break;
    case INVENTORY_PER_KEY:
        buf_text(out, k->text.n > 0 ? "key:" : "not key:*");
        if (k->text.n > 0)
            put_quoted(out, k->text);
        break;
    case INVENTORY_PER_AGENT:
        buf_text(out, "agent:");
        hex_put(out, bytes_of(k->id, sizeof k->id));
        break;
    }
}

static void json_kind(struct json *j, enum inventory_group by, const struct inventory_kind *k) {
    struct buf query;
    buf_init(&query, 4 * QUERY_LENGTH_MAX);
    put_query(&query, by, k);
    json_object(j, NULL);
    if (by == INVENTORY_PER_WEEK) {
        if (k->from_s != INT64_MIN)
            json_time(j, "from", k->from_s);
        else
            json_null(j, "from");
        if (k->to_s != INT64_MAX)
            json_time(j, "to", k->to_s);
        else
            json_null(j, "to");
    } else {
        json_bytes(j, "value", k->text);
    }
    json_int(j, "certificates", (int64_t)k->certificates);
    if (query.err == ERR_OK && query.n <= QUERY_LENGTH_MAX)
        json_bytes(j, "query", buf_bytes(&query));
    else
        json_null(j, "query"); /* a name that is too long to be asked for */
    json_end(j, '}');
    buf_clear(&query);
}

enum err api_certificates_groups(struct api_call *call) {
    struct bytes limit = http_param(call->rq, "limit");
    enum inventory_group by = INVENTORY_PER_WEEK;
    struct inventory_groups found;
    const struct query *where;
    uint64_t n = 100;
    if (limit.p && (!number_read(limit, INVENTORY_PAGE_MAX, &n) || n == 0))
        return fault_set(&call->fault, ERR_USAGE, "limit", "1 to %d", INVENTORY_PAGE_MAX);
    enum err code = read_by(call, &by);
    if (code == ERR_OK)
        code = api_where(call, QUERY_CERTIFICATES, &where);
    if (code == ERR_OK)
        code = inventory_certs_group(call->o->inventory, where, by, api_now_s(call), (size_t)n,
                                     &call->rq->arena, &found, &call->fault);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_array(j, "items");
    for (size_t i = 0; i < found.n; i++)
        json_kind(j, by, &found.rows[i]);
    json_end(j, ']');
    json_int(j, "kinds", (int64_t)found.kinds);
    json_int(j, "total", (int64_t)found.total);
    return api_end(call);
}

/* ---- The fields ---- */

static void json_rows(struct json *j, unsigned rows) {
    static const char *const names[] = {"certificates", "endpoints", "observations",
                                        "requests",     "services",  "agents"};
    json_array(j, "rows");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if ((rows >> i & 1u) != 0)
            json_text(j, NULL, names[i]);
    json_end(j, ']');
}

/* Words that a field takes, for completion; most take any. */
static void json_values(struct json *j, enum query_field field) {
    size_t n;
    const struct query_state_row *states = query_states(&n);
    json_array(j, "values");
    for (size_t i = 0; field == QUERY_IS && i < n; i++) {
        if (states[i].missing == NULL) {
            json_object(j, NULL);
            json_text(j, "name", states[i].name);
            json_text(j, "help", states[i].help);
            json_rows(j, states[i].rows);
            json_end(j, '}');
        }
    }
    for (size_t i = 0; field == QUERY_OUTCOME && i < MODEL_OUTCOME_COUNT; i++) {
        json_object(j, NULL);
        json_text(j, "name", model_outcome_name((enum model_outcome)i));
        json_text(j, "help", model_outcome_row((enum model_outcome)i)->text);
        json_end(j, '}');
    }
    for (size_t i = MODEL_TLS; field == QUERY_PROTOCOL && i < MODEL_PROTOCOL_COUNT; i++) {
        json_object(j, NULL);
        json_text(j, "name", model_protocol_name((enum model_protocol)i));
        json_text(j, "help", model_protocol_row((enum model_protocol)i)->title);
        json_end(j, '}');
    }
    json_end(j, ']');
}

enum err api_query_fields(struct api_call *call) {
    size_t n;
    const struct query_field_row *fields = query_fields(&n);
    struct json *j = api_begin(call);
    json_array(j, "fields");
    for (size_t i = 0; i < n; i++) {
        if (fields[i].missing != NULL)
            continue;
        json_object(j, NULL);
        json_text(j, "name", fields[i].name);
        json_text(j, "operators", query_operators(fields[i].type));
        json_text(j, "example", fields[i].example);
        json_text(j, "help", fields[i].help);
        json_rows(j, fields[i].rows);
        json_values(j, fields[i].field);
        json_end(j, '}');
    }
    json_end(j, ']');
    return api_end(call);
}
