/* Strict members of a JSON object. See json_member.h. */
#include "model/json_member.h"

#include "base/clock.h"

struct member member_open(struct arena *a, struct json_value v, const char *type, struct fault *f) {
    struct member m = {a, v, f, ERR_OK};
    if (json_type_of(v) != JSON_OBJECT) {
        m.err = fault_set(f, ERR_FORMAT, type, "not an object");
        return m;
    }
    member_demand(&m, "type", bytes_is(member_text(&m, "type", 32), type));
    return m;
}

void member_fail(struct member *m, enum err code, const char *key) {
    if (m->err == ERR_OK)
        m->err = fault_set(m->fault, code, key, "%s", "");
}

void member_demand(struct member *m, const char *key, bool holds) {
    if (!holds)
        member_fail(m, ERR_FORMAT, key);
}

static bool is_null(struct json_value v) {
    enum json_type t = json_type_of(v);
    return t == JSON_NONE || t == JSON_NULL;
}

struct bytes member_text_or_null(struct member *m, const char *key, size_t max) {
    struct json_value v = json_get(m->object, key);
    struct bytes text = {NULL, 0};
    if (m->err != ERR_OK || is_null(v))
        return text;
    bool good = json_string(v, m->arena, &text);
    if (!good && m->arena->err != ERR_OK)
        member_fail(m, m->arena->err, key);
    member_demand(m, key, good && text.n <= max);
    return m->err == ERR_OK ? text : (struct bytes){NULL, 0};
}

struct bytes member_text(struct member *m, const char *key, size_t max) {
    struct bytes text = member_text_or_null(m, key, max);
    member_demand(m, key, text.n > 0);
    return text;
}

uint64_t member_number_or_null(struct member *m, const char *key, uint64_t max, bool *is_there) {
    struct json_value v = json_get(m->object, key);
    int64_t n = 0;
    if (is_there != NULL)
        *is_there = false;
    if (m->err != ERR_OK || is_null(v))
        return 0;
    member_demand(m, key, json_integer(v, &n) && n >= 0 && (uint64_t)n <= max);
    if (m->err != ERR_OK)
        return 0;
    if (is_there != NULL)
        *is_there = true;
    return (uint64_t)n;
}

uint64_t member_number(struct member *m, const char *key, uint64_t max) {
    bool is_there;
    uint64_t n = member_number_or_null(m, key, max, &is_there);
    member_demand(m, key, is_there);
    return n;
}

bool member_bool_or_false(struct member *m, const char *key) {
    struct json_value v = json_get(m->object, key);
    bool b = false;
    if (m->err == ERR_OK && !is_null(v))
        member_demand(m, key, json_boolean(v, &b));
    return b;
}

int64_t member_time(struct member *m, const char *key) {
    struct bytes text = member_text(m, key, CLOCK_TEXT_MAX);
    int64_t time_s = 0;
    member_demand(m, key, clock_read(text, &time_s));
    return time_s;
}

bool member_object_or_null(struct member *m, const char *key, struct member *out) {
    struct json_value v = json_get(m->object, key);
    *out = (struct member){m->arena, v, m->fault, m->err};
    if (m->err != ERR_OK || is_null(v))
        return false;
    member_demand(m, key, json_type_of(v) == JSON_OBJECT);
    return m->err == ERR_OK;
}

void member_join(struct member *m, const struct member *inner) {
    if (m->err == ERR_OK)
        m->err = inner->err;
}

size_t member_unknown(const struct member *m, const char *const *known) {
    size_t n = 0;
    if (json_type_of(m->object) != JSON_OBJECT)
        return 0;
    for (struct json_value v = json_first(m->object); json_type_of(v) != JSON_NONE;
         v = json_next(v)) {
        size_t i = 0;
        while (known[i] != NULL && !bytes_is(json_key(v), known[i]))
            i++;
        n += known[i] == NULL;
    }
    return n;
}
