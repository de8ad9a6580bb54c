/* The authority as the handlers use it: profiles, issuing, its chain, revocation and the
 * revocation list. See api.h.
 *
 * The file of profiles is read when it is needed: what an administrator writes there
 * counts at once, and a mistake is told with its line by everything that needs profiles.
 *
 * A revocation list is made when one is asked for and the newest is too old, or older
 * than a revocation. Its number is in the log before it is handed out, so that no two
 * lists have the same one, whatever happens in between.
 */
#include "web/api/api_private.h"

#include "base/file.h"
#include "base/text.h"

#include <string.h>

enum {
    DAY_S = 86400,
    RULE_SHOWN = 400, /* bytes of a list of patterns */
};

/* ---- Profiles ---- */

enum err api_profiles(struct api_call *call, struct ca_profiles *out) {
    const char *file = call->o->profiles;
    struct arena *a = &call->rq->arena;
    struct buf text;
    enum err code = ERR_OK;
    buf_init(&text, CA_PROFILE_TEXT_MAX);
    bool is_there = file && file_exists(file);
    if (is_there)
        code = file_read(file, &text, &call->fault);
    else
        buf_text(&text, ca_profiles_default());
    struct bytes copy = arena_copy(a, buf_bytes(&text));
    buf_clear(&text);
    if (code != ERR_OK)
        return code;
    code = ca_profiles_read(a, copy, is_there ? path_base(file) : "profiles", out, &call->fault);
    if (code == ERR_FORMAT)
        call->fault.code = code = ERR_DAMAGED;
    return code;
}

static void put_item(struct buf *out, const char *text) {
    buf_printf(out, "%s%s", out->n > 0 ? ", " : "", text);
}

static void put_range(struct buf *out, const struct ip_range *r) {
    char first[IP_TEXT_MAX], last[IP_TEXT_MAX];
    ip_write(&r->first, first);
    ip_write(&r->last, last);
    if (strcmp(first, last) == 0)
        put_item(out, first);
    else
        buf_printf(out, "%s%s-%s", out->n > 0 ? ", " : "", first, last);
}

static void put_dns(const struct ca_profile *p, struct buf *out) {
    if (p->any_dns)
        put_item(out, "any");
    for (size_t i = 0; i < p->dns.n && out->n < RULE_SHOWN; i++) {
        buf_text(out, out->n > 0 ? ", " : "");
        buf_put(out, p->dns.items[i]);
    }
}

static void put_ip(const struct ca_profile *p, struct buf *out) {
    for (size_t i = 0; i < p->ip_n && out->n < RULE_SHOWN; i++)
        put_range(out, &p->ip[i]);
}

static void put_keys(const struct ca_profile *p, struct buf *out) {
    for (size_t i = 0; ca_key_name(i); i++)
        if (p->keys & 1u << i)
            put_item(out, ca_key_name(i));
}

static void put_usage(const struct ca_profile *p, struct buf *out) {
    for (size_t i = 0; i < p->usage_n; i++)
        put_item(out, oid_row(p->usage[i])->name);
}

static void put_wildcards(const struct ca_profile *p, struct buf *out) {
    put_item(out, p->wildcards ? "yes" : "no");
}

static void put_subject(const struct ca_profile *p, struct buf *out) {
    put_item(out, p->any_subject ? "any" : "names");
}

static const struct {
    const char *rule;
    void (*put)(const struct ca_profile *p, struct buf *out);
} rules[] = {
    {"dns",       put_dns      },
    {"ip",        put_ip       },
    {"wildcards", put_wildcards},
    {"key",       put_keys     },
    {"usage",     put_usage    },
    {"subject",   put_subject  },
};

const char *api_profile_rule(struct arena *a, const struct ca_profile *p, const char *rule) {
    struct buf text;
    buf_init(&text, 4 * RULE_SHOWN + CA_PROFILE_TEXT_MAX);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(rules[i].rule, rule) != 0)
            continue;
        rules[i].put(p, &text);
        if (text.n == 0)
            put_item(&text, "none");
        if (text.n >= RULE_SHOWN)
            buf_text(&text, ", ...");
    }
    const char *copy = arena_cstr(a, buf_bytes(&text));
    buf_clear(&text);
    return copy ? copy : "";
}

enum err api_profiles_list(struct api_call *call) {
    struct ca_profiles all;
    struct inventory_page page = {0};
    enum err code = api_profiles(call, &all);
    if (code == ERR_DAMAGED) /* what is wrong with the file is for people to know */
        return fault_set(&call->fault, ERR_CONFLICT, "profiles", "%s", call->fault.detail);
    if (code != ERR_OK)
        return code;
    api_list_begin(call);
    for (; page.total < all.n; page.total++) {
        const struct ca_profile *p = &all.items[page.total];
        struct json *j = &call->json;
        json_object(j, NULL);
        json_text(j, "name", p->name);
        for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
            json_text(j, rules[i].rule, api_profile_rule(&call->rq->arena, p, rules[i].rule));
        json_int(j, "lifetime_s", p->lifetime_s);
        json_text(j, "approval", p->approval == CA_APPROVAL_NONE ? "none" : "one");
        json_end(j, '}');
    }
    return api_list_end(call, &page);
}

/* ---- The authority ---- */

struct ca *api_authority(struct api *api, struct ca *ca) {
    rwlock_write(api->ca_lock);
    struct ca *before = api->ca;
    api->ca = ca;
    rwlock_write_end(api->ca_lock);
    return before;
}

bool api_has_authority(struct api_call *call) {
    rwlock_read(call->api->ca_lock);
    bool has = call->api->ca != NULL;
    rwlock_read_end(call->api->ca_lock);
    return has;
}

static enum err no_authority(struct api_call *call) {
    return fault_set(&call->fault, ERR_UNSUPPORTED, "authority",
                     "this server issues no certificates");
}

enum err api_issue(struct api_call *call, const struct x509_request *request,
                   const struct ca_profile *profile, struct ca_issued *out) {
    struct api *api = call->api;
    rwlock_read(api->ca_lock);
    enum err code = api->ca ? ca_issue(api->ca, call->o->env, &call->rq->arena, request, profile,
                                       api_now_s(call), out, &call->fault)
                            : no_authority(call);
    rwlock_read_end(api->ca_lock);
    return code;
}

enum err api_ca_chain(struct api_call *call) {
    struct api *api = call->api;
    struct buf *out = &call->rq->response.body;
    rwlock_read(api->ca_lock);
    bool has = api->ca != NULL;
    if (has)
        pem_write(out, "CERTIFICATE", ca_certificate(api->ca));
    if (has && ca_root(api->ca).n > 0)
        pem_write(out, "CERTIFICATE", ca_root(api->ca));
    rwlock_read_end(api->ca_lock);
    return has ? ERR_OK : no_authority(call);
}

/* ---- Revocation ---- */

static enum err check_revocable(struct api_call *call, struct bytes der, enum x509_reason reason) {
    struct api *api = call->api;
    rwlock_read(api->ca_lock);
    enum err code =
        api->ca ? ca_revoke(api->ca, call->o->env, der, reason, api_now_s(call), &call->fault)
                : no_authority(call);
    rwlock_read_end(api->ca_lock);
    return code;
}

static enum err answer_revoked(struct api_call *call, const uint8_t *sha256) {
    struct inventory_cert_care care;
    enum err code =
        inventory_cert_care(call->o->inventory, sha256, &call->rq->arena, &care, &call->fault);
    if (code != ERR_OK)
        return code;
    struct json *j = api_begin(call);
    json_hex(j, "sha256", bytes_of(sha256, SHA256_SIZE));
    api_json_ms(j, "revoked", care.revoked_ms);
    json_bytes(j, "reason", care.reason);
    return api_end(call);
}

enum err api_certificates_revoke(struct api_call *call) {
    uint8_t sha256[SHA256_SIZE];
    struct bytes der, name = {NULL, 0};
    struct inventory_audit act;
    enum x509_reason reason;
    enum err code = api_path_id(call, 0, sha256, sizeof sha256, "certificate");
    api_text(call, "reason", &name);
    if (code == ERR_OK && !x509_reason_read(name, &reason))
        code = fault_set(&call->fault, ERR_USAGE, "reason",
                         "superseded, keyCompromise, cessationOfOperation, ... (RFC 5280)");
    if (code == ERR_OK)
        code = inventory_cert_der(call->o->inventory, sha256, &call->rq->arena, &der, &call->fault);
    if (code == ERR_OK)
        code = check_revocable(call, der, reason);
    if (code == ERR_OK)
        code = api_act(call, "certificate.revoke", "certificate", call->rq->path_values[0],
                       x509_reason_name((unsigned)reason), &act);
    if (code == ERR_OK)
        code = inventory_cert_revoke(call->o->inventory, sha256, bytes_text(call->actor), reason,
                                     &act, &call->fault);
    return code == ERR_OK ? answer_revoked(call, sha256) : code;
}

/* ---- The list ---- */

/* With crl_lock and ca_lock held. */
static enum err make_crl(struct api_call *call, int64_t now_s) {
    struct api *api = call->api;
    struct inventory *inv = call->o->inventory;
    struct x509_revoked *rows;
    struct buf made;
    size_t n;
    uint64_t revision, number;
    enum err code = inventory_revoked(inv, now_s - (int64_t)CA_CRL_DAYS * DAY_S, &call->rq->arena,
                                      &rows, &n, &revision, &number, &call->fault);
    if (code != ERR_OK)
        return code;
    buf_init(&made, X509_CRL_MAX);
    code = ca_crl(api->ca, call->o->env, rows, n, number + 1, now_s, &made, &call->fault);
    if (code == ERR_OK)
        code = inventory_crl_made(inv, number + 1, &call->fault);
    if (code != ERR_OK) {
        buf_clear(&made);
        return code;
    }
    buf_clear(&api->crl);
    api->crl = made;
    api->crl_revision = revision;
    api->crl_made_s = now_s;
    log_line(call->o->env, LOG_INFO, "crl", "number=%llu revoked=%zu",
             (unsigned long long)number + 1, n);
    return ERR_OK;
}

static bool is_due(const struct api_call *call, int64_t now_s) {
    const struct api *api = call->api;
    return api->crl.n == 0 || now_s < api->crl_made_s || now_s - api->crl_made_s >= DAY_S ||
           inventory_revocations(call->o->inventory) != api->crl_revision;
}

enum err api_ca_crl(struct api_call *call) {
    struct api *api = call->api;
    int64_t now_s = api_now_s(call);
    enum err code = ERR_OK;
    mutex_lock(api->crl_lock);
    rwlock_read(api->ca_lock);
    if (!api->ca)
        code = no_authority(call);
    else if (is_due(call, now_s))
        code = make_crl(call, now_s);
    rwlock_read_end(api->ca_lock);
    if (code == ERR_OK)
        buf_put(&call->rq->response.body, buf_bytes(&api->crl));
    mutex_unlock(api->crl_lock);
    return code;
}
