/* Certificates: list, all of one, PEM. See api.h. */
#include "web/api/api_private.h"

#include "base/text.h"
#include "model/certificate.h"

#include <stdio.h>
#include <string.h>

enum { NAMES_SHOWN = 3 };

static const struct api_sort sorts[] = {
    {"not_after",    INVENTORY_BY_END  },
    {"display_name", INVENTORY_BY_NAME },
    {"first_seen",   INVENTORY_BY_FIRST},
    {NULL,           INVENTORY_BY_END  },
};

/* The alternative names besides the one that the row is called by. */
static void json_names(struct json *j, const struct inventory_cert *cert) {
    int64_t total = 0;
    struct cur c = cur_open(cert->names);
    json_array(j, "names");
    while (c.rest.n > 0) {
        struct bytes name = cur_until(&c, '\n');
        if (bytes_equal(name, cert->name))
            continue;
        if (total++ < NAMES_SHOWN)
            json_bytes(j, NULL, name);
    }
    json_end(j, ']');
    json_int(j, "names_total", total);
}

static void json_time_or_null(struct json *j, const char *key, bool there, int64_t s) {
    if (there)
        json_time(j, key, s);
    else
        json_null(j, key);
}

static void json_row(struct json *j, const struct inventory_cert *cert, int64_t now_s) {
    json_object(j, NULL);
    json_hex(j, "sha256", bytes_of(cert->sha256, sizeof cert->sha256));
    json_bytes(j, "display_name", cert->name);
    json_names(j, cert);
    json_bytes(j, "subject", cert->subject);
    json_bytes(j, "issuer", cert->issuer);
    json_hex(j, "serial_number", cert->serial);
    json_time_or_null(j, "not_before", cert->has_not_before, cert->not_before_s);
    json_time_or_null(j, "not_after", cert->has_not_after, cert->not_after_s);
    api_json_key(j, "key", cert->key);
    json_bytes(j, "signature_algorithm", cert->signature_algorithm);
    json_bool(j, "is_ca", cert->is_ca);
    json_bool_or_null(j, "self_signed", cert->self_signed != X509_UNKNOWN,
                      cert->self_signed == X509_YES);
    json_bool(j, "bad", cert->bad);
    json_int(j, "places", (int64_t)cert->served);
    json_int(j, "places_ever", (int64_t)cert->places);
    json_hex(j, "service", bytes_of(cert->service, INVENTORY_ID_SIZE));
    api_json_optional(j, "owner", cert->owner);
    json_bool(j, "issued_not_served", cert->not_yet_served);
    json_bool(j, "revoked", cert->is_revoked);
    api_json_ms(j, "first_seen", cert->first_seen_ms);
    api_json_ms(j, "last_seen", cert->last_seen_ms);
    api_json_state(j, cert->has_not_after, cert->has_not_before, cert->not_before_s,
                   cert->not_after_s, now_s);
    json_end(j, '}');
}

static enum err read_filters(struct api_call *call, struct inventory_query *q,
                             uint8_t agent[INVENTORY_ID_SIZE]) {
    struct bytes served = http_param(call->rq, "served"), id = http_param(call->rq, "agent");
    q->served_only = bytes_is(served, "true");
    if (served.p && !q->served_only && !bytes_is(served, "false"))
        return fault_set(&call->fault, ERR_USAGE, "served", "true or false");
    if (id.p && !hex_read(id, agent, INVENTORY_ID_SIZE))
        return fault_set(&call->fault, ERR_USAGE, "agent", "%d hex digits", 2 * INVENTORY_ID_SIZE);
    q->agent = id.p ? agent : NULL;
    return ERR_OK;
}

enum err api_certificates_list(struct api_call *call) {
    struct inventory_query q;
    struct inventory_cert *rows = NULL;
    struct inventory_page page = {0};
    size_t n = 0;
    uint8_t agent[INVENTORY_ID_SIZE];
    enum err code = api_list_query(call, QUERY_CERTIFICATES, sorts, &q);
    if (code == ERR_OK)
        code = read_filters(call, &q, agent);
    if (code == ERR_OK)
        code = inventory_certs(call->o->inventory, &q, &call->rq->arena, &rows, &n, &page,
                               &call->fault);
    if (code != ERR_OK)
        return code;
    api_list_begin(call);
    for (size_t i = 0; i < n; i++)
        json_row(&call->json, &rows[i], api_now_s(call));
    return api_list_end(call, &page);
}

static enum err read_detail(struct api_call *call, struct inventory_cert_detail *d) {
    uint8_t sha256[SHA256_SIZE];
    enum err code = api_path_id(call, 0, sha256, sizeof sha256, "certificate");
    if (code != ERR_OK)
        return code;
    return inventory_cert_get(call->o->inventory, sha256, &call->rq->arena, d, &call->fault);
}

static void json_sighting(struct json *j, const struct inventory_sighting *s) {
    char address[IP_TEXT_MAX];
    const struct model_endpoint *e = &s->face.endpoint;
    json_object(j, NULL);
    json_object(j, "endpoint");
    json_hex(j, "id", bytes_of(s->endpoint, INVENTORY_ID_SIZE));
    json_text(j, "kind", model_kind_name(e->kind));
    json_bytes(j, "network", e->network);
    api_json_optional(j, "host", e->host);
    json_int(j, "port", e->port);
    api_json_optional(j, "path", e->path);
    json_text(j, "protocol", e->kind == MODEL_KIND_TLS ? model_protocol_name(e->protocol) : NULL);
    json_end(j, '}');
    api_json_optional(j, "address", bytes_text(ip_write(&s->face.ip, address)));
    api_json_optional(j, "sni", s->face.sni);
    json_text(j, "asked", model_asked_name(s->face.asked));
    api_json_agent(j, "agent", s->agent, s->agent_name);
    api_json_ms(j, "first_seen", s->first_ms);
    api_json_ms(j, "last_seen", s->last_ms);
    json_bool(j, "served", s->served);
    json_int(j, "position", s->position);
    json_end(j, '}');
}

static void json_chain_link(struct api_call *call, const uint8_t sha256[SHA256_SIZE]) {
    struct inventory_cert_detail d;
    struct fault ignored = {0};
    struct json *j = &call->json;
    json_object(j, NULL);
    json_hex(j, "sha256", bytes_of(sha256, SHA256_SIZE));
    if (inventory_cert_get(call->o->inventory, sha256, &call->rq->arena, &d, &ignored) == ERR_OK) {
        json_bytes(j, "display_name", d.cert.name);
        json_time_or_null(j, "not_after", d.cert.has_not_after, d.cert.not_after_s);
    } else {
        json_null(j, "display_name");
        json_null(j, "not_after");
    }
    json_end(j, '}');
}

static const struct inventory_face *face_with(const struct inventory_endpoint_detail *e,
                                              const uint8_t sha256[SHA256_SIZE]) {
    for (size_t i = 0; i < e->faces_n; i++) {
        const struct model_observation *o = &e->faces[i].last;
        if (o->chain_n > 0 && memcmp(o->chain[0].bytes, sha256, SHA256_SIZE) == 0)
            return &e->faces[i];
    }
    return NULL;
}

/* The chain as it was presented at the first place that shows this one as its leaf. */
static void json_chain(struct api_call *call, const struct inventory_cert_detail *d) {
    enum { LOOK_AT = 4, SHOW = 16 };
    const struct inventory_face *face = NULL;
    struct inventory_endpoint_detail e;
    struct fault ignored = {0};
    for (size_t i = 0, looked = 0; i < d->sightings_n && !face && looked < LOOK_AT; i++) {
        if (d->sightings[i].position != 0)
            continue;
        looked++;
        if (inventory_endpoint_get(call->o->inventory, d->sightings[i].endpoint, &call->rq->arena,
                                   &e, &ignored) == ERR_OK)
            face = face_with(&e, d->cert.sha256);
    }
    json_array(&call->json, "chain");
    for (size_t i = 0; face && i < face->last.chain_n && i < SHOW; i++)
        json_chain_link(call, face->last.chain[i].bytes);
    json_end(&call->json, ']');
}

/* What the certificate itself says; bytes that do not parse are shown as such. */
static void json_content(struct api_call *call, const struct inventory_cert_detail *d) {
    struct x509_cert cert;
    struct fault why = {0};
    struct json *j = &call->json;
    if (x509_cert_read(&call->rq->arena, d->der, &cert, &why) == ERR_OK) {
        model_certificate_json(j, &cert, true);
        return;
    }
    struct buf pem;
    buf_init(&pem, 2 * X509_DER_MAX);
    pem_write(&pem, "CERTIFICATE", d->der);
    json_text(j, "type", "certificate");
    json_hex(j, "sha256", bytes_of(d->cert.sha256, SHA256_SIZE));
    json_text(j, "defect", why.what);
    json_bytes(j, "pem", buf_bytes(&pem));
    buf_clear(&pem);
}

/* "service", "request", "issued_not_served", "revoked" */
static enum err json_care(struct api_call *call, const struct inventory_cert *cert) {
    struct inventory *inv = call->o->inventory;
    struct arena *a = &call->rq->arena;
    struct json *j = &call->json;
    struct inventory_service service;
    struct inventory_cert_care care;
    enum err code = inventory_service_said(inv, cert->service, a, &service, &call->fault);
    if (code == ERR_OK)
        code = inventory_cert_care(inv, cert->sha256, a, &care, &call->fault);
    if (code != ERR_OK)
        return code;
    api_json_service(j, "service", &service);
    if (care.has_request) {
        json_object(j, "request");
        json_hex(j, "id", bytes_of(care.request, sizeof care.request));
        json_text(j, "state", inventory_request_state_name(care.request_state));
        json_end(j, '}');
    } else {
        json_null(j, "request");
    }
    json_bool(j, "issued_not_served", cert->not_yet_served);
    if (care.is_revoked) {
        json_object(j, "revoked");
        api_json_ms(j, "time", care.revoked_ms);
        json_bytes(j, "reason", care.reason);
        json_bytes(j, "by", care.revoked_by);
        json_end(j, '}');
    } else {
        json_null(j, "revoked");
    }
    return ERR_OK;
}

enum err api_certificates_get(struct api_call *call) {
    struct inventory_cert_detail d;
    enum err code = read_detail(call, &d);
    if (code != ERR_OK)
        return code;
    const struct inventory_cert *cert = &d.cert;
    struct json *j = api_begin(call);
    json_content(call, &d);
    json_bytes(j, "display_name", cert->name);
    json_bool(j, "bad", cert->bad);
    api_json_state(j, cert->has_not_after, cert->has_not_before, cert->not_before_s,
                   cert->not_after_s, api_now_s(call));
    api_json_ms(j, "first_seen", cert->first_seen_ms);
    api_json_ms(j, "last_seen", cert->last_seen_ms);
    json_int(j, "places", (int64_t)cert->served);
    json_int(j, "places_ever", (int64_t)cert->places);
    json_array(j, "sightings");
    for (size_t i = 0; i < d.sightings_n; i++)
        json_sighting(j, &d.sightings[i]);
    json_end(j, ']');
    json_chain(call, &d);
    code = json_care(call, cert);
    return code == ERR_OK ? api_end(call) : code;
}

enum err api_certificates_pem(struct api_call *call) {
    uint8_t sha256[SHA256_SIZE];
    char name[SHA256_SIZE * 2 + 64], hex[SHA256_SIZE * 2 + 1];
    struct bytes der;
    enum err code = api_path_id(call, 0, sha256, sizeof sha256, "certificate");
    if (code == ERR_OK)
        code = inventory_cert_der(call->o->inventory, sha256, &call->rq->arena, &der, &call->fault);
    if (code != ERR_OK)
        return code;
    hex_write(hex, bytes_of(sha256, sizeof sha256));
    snprintf(name, sizeof name, "attachment; filename=\"%.16s.pem\"", hex);
    http_response_header(call->rq, "Content-Disposition", name);
    pem_write(&call->rq->response.body, "CERTIFICATE", der);
    return ERR_OK;
}
