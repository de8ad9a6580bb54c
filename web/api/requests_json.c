/* Requests as JSON, with what differs from their profile. See api_private.h. */
#include "web/api/api_private.h"

#include "base/ip.h"

static void json_kind(struct json *j, const char *key, struct bytes names, bool addresses) {
    struct cur c = cur_open(names);
    json_array(j, key);
    while (c.rest.n > 0) {
        struct ip ip;
        struct bytes name = cur_until(&c, '\n');
        if (ip_read(name, &ip) == addresses)
            json_bytes(j, NULL, name);
    }
    json_end(j, ']');
}

void api_json_names(struct json *j, const char *key, struct bytes names) {
    json_object(j, key);
    json_kind(j, "dns", names, false);
    json_kind(j, "ip", names, true);
    json_end(j, '}');
}

static void json_difference(struct json *j, const char *rule, const char *effect, const char *asked,
                            const char *allowed) {
    json_object(j, NULL);
    json_text(j, "rule", rule);
    json_text(j, "effect", effect);
    json_text(j, "asked", asked);
    json_text(j, "allowed", allowed && allowed[0] ? allowed : NULL);
    json_end(j, '}');
}

static enum err put_verdict(struct api_call *call, struct bytes csr, const struct ca_profile *p) {
    struct arena *a = &call->rq->arena;
    struct x509_request request;
    struct ca_verdict verdict;
    enum err code = x509_request_read(a, csr, &request, &call->fault);
    if (code == ERR_OK)
        code = ca_match(a, &request, p, &verdict, &call->fault);
    if (code != ERR_OK)
        return code;
    for (size_t i = 0; i < verdict.n; i++) {
        const struct ca_difference *d = &verdict.items[i];
        json_difference(&call->json, d->rule, ca_effect_name(d->effect), d->text,
                        api_profile_rule(a, p, d->rule));
    }
    return ERR_OK;
}

/* `profiles` is NULL where their file has a mistake. */
static enum err put_differences(struct api_call *call, const struct inventory_request_detail *d,
                                const struct ca_profiles *profiles) {
    enum err code = ERR_OK;
    json_array(&call->json, "differences");
    const struct ca_profile *p = profiles ? ca_profile_find(profiles, d->request.profile) : NULL;
    if (d->csr.n > 0 && p)
        code = put_verdict(call, d->csr, p);
    else if (d->csr.n > 0)
        json_difference(&call->json, "profile", "refused",
                        profiles ? "there is no such profile any more"
                                 : "the profiles cannot be read: see the server's log",
                        NULL);
    json_end(&call->json, ']');
    return code;
}

static enum err put_pem(struct api_call *call, const uint8_t *sha256, struct buf *out) {
    struct bytes der;
    enum err code =
        inventory_cert_der(call->o->inventory, sha256, &call->rq->arena, &der, &call->fault);
    if (code == ERR_OK)
        pem_write(out, "CERTIFICATE", der);
    return code;
}

/* "certificate" and "chain", as PEM. */
static enum err put_certificates(struct api_call *call, const struct inventory_request *r) {
    struct buf pem;
    buf_init(&pem, 16 << 20);
    enum err code = put_pem(call, r->cert, &pem);
    json_bytes(&call->json, "certificate", buf_bytes(&pem));
    buf_reset(&pem);
    for (size_t i = 0; i < r->chain_n && code == ERR_OK; i++)
        code = put_pem(call, r->chain[i], &pem);
    json_bytes(&call->json, "chain", buf_bytes(&pem));
    buf_clear(&pem);
    return code;
}

static void put_outcome(struct json *j, const struct inventory_request_detail *d) {
    const struct inventory_request *r = &d->request;
    if (!r->has_outcome) {
        json_null(j, "outcome");
        return;
    }
    json_object(j, "outcome");
    api_json_ms(j, "time", r->outcome_ms);
    json_bool(j, "installed", r->installed);
    if (r->has_exit)
        json_int(j, "reload_exit", r->reload_exit);
    else
        json_null(j, "reload_exit");
    api_json_optional(j, "detail", d->outcome_detail);
    json_end(j, '}');
}

static void put_hash(struct json *j, const char *key, bool there, const uint8_t *sha256) {
    if (there)
        json_hex(j, key, bytes_of(sha256, SHA256_SIZE));
    else
        json_null(j, key);
}

enum err api_json_request(struct api_call *call, const struct inventory_request_detail *d,
                          const struct ca_profiles *profiles, bool whole) {
    const struct inventory_request *r = &d->request;
    struct json *j = &call->json;
    json_hex(j, "id", bytes_of(r->id, sizeof r->id));
    json_text(j, "state", inventory_request_state_name(r->state));
    api_json_agent(j, "agent", r->agent, r->agent_name);
    json_bytes(j, "profile", r->profile);
    json_bytes(j, "subject", r->subject);
    api_json_names(j, "names", r->names);
    api_json_key(j, "key", r->key);
    api_json_ms(j, "created", r->created_ms);
    api_json_ms(j, "decided", r->decided_ms);
    api_json_optional(j, "decided_by", r->decided_by);
    api_json_optional(j, "reason", r->reason);
    put_hash(j, "replaces", r->has_replaces, r->replaces);
    enum err code = put_differences(call, d, profiles);
    put_hash(j, "certificate_sha256", r->has_cert, r->cert);
    api_json_ms(j, "issued", r->issued_ms);
    json_bool(j, "served", r->served);
    put_outcome(j, d);
    if (code == ERR_OK && whole && r->has_cert)
        code = put_certificates(call, r);
    return code;
}
