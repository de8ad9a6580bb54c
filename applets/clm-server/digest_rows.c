/* The API's GET /digest as the rows of a digest. See digest.h. */
#include "applets/clm-server/digest.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

enum { HOUR_S = 60 * 60, TEXT_MAX = 16 * 1024 };

struct reader {
    struct arena *a;
    const char *url;
};

static struct bytes text_of(const struct reader *r, struct json_value v, const char *name) {
    struct bytes text;
    return json_string(json_get(v, name), r->a, &text) ? text : bytes_of(NULL, 0);
}

static int64_t number_of(struct json_value v, const char *name) {
    int64_t n = 0;
    return json_integer(json_get(v, name), &n) && n > 0 ? n : 0;
}

static int64_t time_of(const struct reader *r, struct json_value v, const char *name) {
    int64_t s = 0;
    return clock_read(text_of(r, v, name), &s) ? s : 0;
}

/* URL/what/ID */
static struct bytes link_of(const struct reader *r, const char *what, struct bytes id) {
    struct buf out;
    buf_init(&out, TEXT_MAX);
    buf_printf(&out, "%s/%s/", r->url, what);
    buf_put(&out, id);
    struct bytes link = arena_copy(r->a, buf_bytes(&out));
    buf_clear(&out);
    return link;
}

/* "10.0.0.5:443", and who can see it where that is not everybody. */
static struct bytes place_of(const struct reader *r, struct json_value v) {
    struct bytes network = text_of(r, v, "network"), agent = text_of(r, v, "agent");
    struct buf out;
    buf_init(&out, TEXT_MAX);
    buf_put(&out, text_of(r, v, "place"));
    if (agent.n > 0) {
        buf_text(&out, " on agent ");
        buf_put(&out, agent);
    } else if (network.n > 0 && !bytes_is(network, "default")) {
        buf_text(&out, " in network ");
        buf_put(&out, network);
    }
    struct bytes place = arena_copy(r->a, buf_bytes(&out));
    buf_clear(&out);
    return place;
}

static bool read_row(const struct reader *r, struct json_value v, struct notify_row *row) {
    struct json_value endpoints = json_get(v, "endpoints");
    struct bytes *places = arena_array(r->a, json_count(endpoints) + 1, sizeof *places);
    if (!places)
        return false;
    row->not_after_s = time_of(r, v, "not_after");
    if (!json_boolean(json_get(v, "renewed"), &row->renewed))
        row->renewed = false;
    row->name = text_of(r, v, "display_name");
    row->owner = text_of(r, v, "owner");
    row->id = text_of(r, v, "sha256");
    row->link = link_of(r, "certificates", row->id);
    row->places = places;
    row->places_total = (uint64_t)number_of(v, "places");
    for (struct json_value e = json_first(endpoints); json_type_of(e) != JSON_NONE;
         e = json_next(e))
        places[row->places_n++] = place_of(r, e);
    return true;
}

static bool read_certificates(const struct reader *r, struct json_value answer,
                              struct notify_digest *out) {
    static const char *const names[NOTIFY_CLASSES] = {"expired", "soon", "later"};
    struct json_value items = json_get(answer, "items"), counts = json_get(answer, "counts");
    out->rows = arena_array(r->a, json_count(items) + 1, sizeof *out->rows);
    if (!out->rows)
        return false;
    for (struct json_value v = json_first(items); json_type_of(v) != JSON_NONE; v = json_next(v))
        if (!read_row(r, v, &out->rows[out->rows_n++]))
            return false;
    for (size_t i = 0; i < NOTIFY_CLASSES; i++)
        out->unlisted[i] = (uint64_t)number_of(counts, names[i]);
    for (size_t i = 0; i < out->rows_n; i++) {
        enum notify_class kind = notify_class_of(out, &out->rows[i]);
        if (kind < NOTIFY_CLASSES && out->unlisted[kind] > 0)
            out->unlisted[kind]--;
    }
    return true;
}

static bool read_agents(const struct reader *r, struct json_value answer,
                        struct notify_digest *out) {
    struct json_value list = json_get(answer, "agents");
    size_t n = json_count(list), i = 0;
    struct notify_agent *agents = arena_array(r->a, n + 1, sizeof *agents);
    if (!agents)
        return false;
    for (struct json_value v = json_first(list); json_type_of(v) != JSON_NONE; v = json_next(v)) {
        agents[i] = (struct notify_agent){.name = text_of(r, v, "name"),
                                          .id = text_of(r, v, "id"),
                                          .heard_s = time_of(r, v, "last_seen")};
        agents[i].link = link_of(r, "agents", agents[i].id);
        i++;
    }
    uint64_t quiet = (uint64_t)number_of(answer, "quiet");
    out->agents = agents;
    out->agents_n = n;
    out->agents_unlisted = quiet > n ? quiet - n : 0;
    return true;
}

enum err digest_rows_read(struct arena *a, struct json_value answer, struct notify_digest *out,
                          struct fault *f) {
    struct reader r = {a, ""};
    *out = (struct notify_digest){0};
    r.url = arena_cstr(a, text_of(&r, answer, "url"));
    out->server = text_of(&r, answer, "name");
    out->now_s = time_of(&r, answer, "now");
    out->within_s = (uint64_t)number_of(answer, "within_hours") * HOUR_S;
    if (!r.url || out->now_s == 0 || out->within_s == 0)
        return fault_set(f, ERR_FORMAT, "server", "its answer is no digest");
    out->link = bytes_text(r.url);
    if (!read_certificates(&r, answer, out) || !read_agents(&r, answer, out) || a->err != ERR_OK)
        return fault_set(f, ERR_MEMORY, "digest", "no room");
    notify_digest_sort(out);
    return ERR_OK;
}
