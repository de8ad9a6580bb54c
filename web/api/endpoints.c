/* Endpoints: list, and all of one with its faces and history. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"

#include <string.h>

static const struct api_sort sorts[] = {
    {"host",       INVENTORY_BY_NAME },
    {"first_seen", INVENTORY_BY_FIRST},
    {NULL,         INVENTORY_BY_NAME },
};

static void json_tls(struct json *j, const struct inventory_face *face) {
    if (!face || !face->last.has_tls) {
        json_null(j, "tls");
        return;
    }
    const struct model_tls_facts *tls = &face->last.tls;
    json_object(j, "tls");
    api_json_optional(j, "version", tls->version);
    api_json_optional(j, "cipher_suite", tls->cipher_suite);
    api_json_optional(j, "group", tls->group);
    api_json_optional(j, "alpn", tls->alpn);
    json_bool(j, "ocsp_stapled", tls->ocsp_stapled);
    json_int(j, "scts", tls->scts);
    json_bool(j, "client_certificate", tls->client_certificate);
    json_array(j, "client_ca_names");
    for (size_t i = 0; i < tls->client_cas_n; i++)
        json_bytes(j, NULL, tls->client_cas[i]);
    json_end(j, ']');
    api_json_optional(j, "old_version", tls->old_version);
    api_json_optional(j, "hybrid_group", tls->hybrid_group);
    json_end(j, '}');
}

static void json_file(struct json *j, const struct inventory_face *face) {
    if (face && face->last.has_file)
        model_file_facts_json(j, "file", &face->last.file);
    else
        json_null(j, "file");
}

static void json_leaf(struct json *j, const struct inventory_endpoint *e, int64_t now_s) {
    if (!e->has_leaf) {
        json_null(j, "certificate");
        return;
    }
    json_object(j, "certificate");
    json_hex(j, "sha256", bytes_of(e->leaf, sizeof e->leaf));
    json_bytes(j, "display_name", e->leaf_name);
    if (e->leaf_has_not_after)
        json_time(j, "not_after", e->leaf_not_after_s);
    else
        json_null(j, "not_after");
    api_json_state(j, e->leaf_has_not_after, false, 0, e->leaf_not_after_s, now_s);
    json_end(j, '}');
}

/* The face whose outcome is the endpoint's, the newest of them. */
static const struct inventory_face *best_face(const struct inventory_endpoint_detail *d) {
    const struct inventory_face *best = NULL;
    for (size_t i = 0; i < d->faces_n; i++) {
        const struct inventory_face *f = &d->faces[i];
        if (f->last.outcome == d->endpoint.outcome &&
            (!best || f->last_seen_ms > best->last_seen_ms))
            best = f;
    }
    return best;
}

static void json_endpoint(struct api_call *call, const struct inventory_endpoint_detail *d) {
    const struct inventory_endpoint *e = &d->endpoint;
    const struct inventory_face *face = best_face(d);
    struct json *j = &call->json;
    json_hex(j, "id", bytes_of(e->id, sizeof e->id));
    json_bytes(j, "network", e->place.network);
    json_text(j, "kind", model_kind_name(e->place.kind));
    api_json_optional(j, "host", e->place.host);
    json_int(j, "port", e->place.port);
    json_text(j, "protocol",
              e->place.kind == MODEL_KIND_TLS ? model_protocol_name(e->place.protocol) : NULL);
    api_json_optional(j, "path", e->place.path);
    json_text(j, "outcome", model_outcome_name(e->outcome));
    api_json_optional(j, "detail", face ? face->last.detail : bytes_of(NULL, 0));
    api_json_ms(j, "first_seen", e->first_seen_ms);
    api_json_ms(j, "last_scan", e->last_seen_ms);
    json_leaf(j, e, api_now_s(call));
    json_tls(j, face);
    json_file(j, face);
    api_json_agent(j, "agent", e->agent, e->agent_name);
}

static enum err list(struct api_call *call, const struct inventory_query *q) {
    struct inventory_endpoint *rows = NULL;
    struct inventory_page page = {0};
    size_t n = 0;
    enum err code = inventory_endpoints(call->o->inventory, q, &call->rq->arena, &rows, &n, &page,
                                        &call->fault);
    if (code != ERR_OK)
        return code;
    api_list_begin(call);
    for (size_t i = 0; i < n; i++) {
        struct inventory_endpoint_detail d = {.endpoint = rows[i]};
        struct fault ignored = {0};
        code =
            inventory_endpoint_get(call->o->inventory, rows[i].id, &call->rq->arena, &d, &ignored);
        if (code != ERR_OK)
            d = (struct inventory_endpoint_detail){.endpoint = rows[i]};
        json_object(&call->json, NULL);
        json_endpoint(call, &d);
        json_end(&call->json, '}');
    }
    return api_list_end(call, &page);
}

enum err api_endpoints_list(struct api_call *call) {
    struct inventory_query q;
    uint8_t agent[INVENTORY_ID_SIZE];
    struct bytes id = http_param(call->rq, "agent");
    enum err code = api_list_query(call, QUERY_ENDPOINTS, sorts, &q);
    if (code != ERR_OK)
        return code;
    if (id.p && !hex_read(id, agent, sizeof agent))
        return fault_set(&call->fault, ERR_USAGE, "agent", "%d hex digits", 2 * INVENTORY_ID_SIZE);
    q.agent = id.p ? agent : NULL;
    return list(call, &q);
}

static struct bytes name_of(const struct inventory_endpoint_detail *d, const uint8_t *sha256) {
    for (size_t i = 0; i < d->sightings_n; i++) {
        if (memcmp(d->sightings[i].cert, sha256, SHA256_SIZE) == 0)
            return d->sightings[i].cert_name;
    }
    return bytes_of(NULL, 0);
}

static void json_face(struct api_call *call, const struct inventory_endpoint_detail *d,
                      const struct inventory_face *face) {
    char address[IP_TEXT_MAX];
    const struct model_observation *o = &face->last;
    struct json *j = &call->json;
    json_object(j, NULL);
    api_json_optional(j, "address", bytes_text(ip_write(&o->ip, address)));
    api_json_optional(j, "sni", o->sni);
    json_text(j, "asked", model_asked_name(o->asked));
    json_text(j, "outcome", model_outcome_name(o->outcome));
    json_text(j, "stage", model_stage_name(o->stage));
    api_json_optional(j, "detail", o->detail);
    if (o->has_alert)
        json_int(j, "alert", o->alert);
    else
        json_null(j, "alert");
    json_time(j, "time", o->time_s);
    json_int(j, "duration_ms", (int64_t)o->duration_ms);
    if (o->has_connect_ms)
        json_int(j, "connect_ms", (int64_t)o->connect_ms);
    else
        json_null(j, "connect_ms");
    json_int(j, "bytes", (int64_t)o->bytes);
    api_json_ms(j, "first_seen", face->first_seen_ms);
    api_json_ms(j, "last_seen", face->last_seen_ms);
    api_json_agent(j, "agent", face->agent, face->agent_name);
    json_tls(j, face);
    json_file(j, face);
    json_array(j, "chain");
    for (size_t i = 0; i < o->chain_n; i++)
        json_hex(j, NULL, bytes_of(o->chain[i].bytes, SHA256_SIZE));
    json_end(j, ']');
    json_array(j, "certificates");
    for (size_t i = 0; i < o->chain_n; i++) {
        struct inventory_cert_detail c;
        struct fault ignored = {0};
        json_object(j, NULL);
        json_hex(j, "sha256", bytes_of(o->chain[i].bytes, SHA256_SIZE));
        json_bytes(j, "display_name", name_of(d, o->chain[i].bytes));
        if (inventory_cert_get(call->o->inventory, o->chain[i].bytes, &call->rq->arena, &c,
                               &ignored) == ERR_OK &&
            c.cert.has_not_after)
            json_time(j, "not_after", c.cert.not_after_s);
        else
            json_null(j, "not_after");
        json_end(j, '}');
    }
    json_end(j, ']');
    json_end(j, '}');
}

static void json_history(struct json *j, const struct inventory_sighting *s) {
    char address[IP_TEXT_MAX];
    json_object(j, NULL);
    json_object(j, "certificate");
    json_hex(j, "sha256", bytes_of(s->cert, SHA256_SIZE));
    json_bytes(j, "display_name", s->cert_name);
    json_end(j, '}');
    api_json_optional(j, "address", bytes_text(ip_write(&s->face.ip, address)));
    api_json_optional(j, "sni", s->face.sni);
    json_text(j, "asked", model_asked_name(s->face.asked));
    api_json_ms(j, "first_seen", s->first_ms);
    api_json_ms(j, "last_seen", s->last_ms);
    json_bool(j, "served", s->served);
    json_end(j, '}');
}

enum err api_endpoints_get(struct api_call *call) {
    uint8_t id[INVENTORY_ID_SIZE];
    struct inventory_endpoint_detail d;
    enum err code = api_path_id(call, 0, id, sizeof id, "endpoint");
    if (code == ERR_OK)
        code = inventory_endpoint_get(call->o->inventory, id, &call->rq->arena, &d, &call->fault);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_endpoint(call, &d);
    json_array(j, "faces");
    for (size_t i = 0; i < d.faces_n; i++)
        json_face(call, &d, &d.faces[i]);
    json_end(j, ']');
    json_array(j, "history");
    for (size_t i = 0; i < d.sightings_n; i++) {
        if (d.sightings[i].position == 0)
            json_history(j, &d.sightings[i]);
    }
    json_end(j, ']');
    return api_end(call);
}
