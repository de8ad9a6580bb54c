/* Requests for certificates: made by agents, decided by people, issued. See api.h.
 *
 * What lies outside of its profile is refused at once and kept nowhere but in the server's
 * log of events: nobody could approve it. What fits is kept as pending, or, where the
 * profile asks nobody, is approved and issued at once.
 *
 * Approving and issuing are two commits. Whoever asks for a request that is approved and
 * not issued (a crash lay between them) has it issued by asking: nothing is lost, and
 * nothing is handed out that is not in the log.
 */
#include "web/api/api_private.h"

#include "base/text.h"

#include <string.h>

static const struct api_sort sorts[] = {
    {"created", INVENTORY_BY_FIRST},
    {NULL,      INVENTORY_BY_FIRST},
};

static enum err get(struct api_call *call, const uint8_t *id, struct inventory_request_detail *d) {
    return inventory_request_get(call->o->inventory, id, &call->rq->arena, d, &call->fault);
}

static struct bytes hex_of(struct api_call *call, const uint8_t *id) {
    char text[2 * INVENTORY_ID_SIZE + 1];
    hex_write(text, bytes_of(id, INVENTORY_ID_SIZE));
    return arena_copy(&call->rq->arena, bytes_text(text));
}

static enum err no_authority(struct api_call *call) {
    return fault_set(&call->fault, ERR_UNSUPPORTED, "authority",
                     "this server issues no certificates");
}

/* ---- Issuing ---- */

/* The refusal that comes first, by its rule. */
static enum err refusal(struct api_call *call, const struct ca_verdict *verdict) {
    const struct ca_difference *d = &verdict->items[0];
    return fault_set(&call->fault, ERR_PERMISSION, d->rule, "%s: %s", d->rule, d->text);
}

static enum err find_profile(struct api_call *call, struct bytes name,
                             const struct ca_profile **out) {
    struct ca_profiles all;
    enum err code = api_profiles(call, &all);
    if (code != ERR_OK)
        return code;
    *out = ca_profile_find(&all, name);
    return *out ? ERR_OK
                : fault_set(&call->fault, ERR_PERMISSION, "profile", "profile: there is no %.*s",
                            (int)name.n, (const char *)name.p);
}

/* Is it still within its profile? The file may have changed since it was made. */
static enum err check(struct api_call *call, const struct inventory_request_detail *d,
                      struct x509_request *request, const struct ca_profile **profile) {
    struct ca_verdict verdict;
    enum err code = find_profile(call, d->request.profile, profile);
    if (code == ERR_OK)
        code = x509_request_read(&call->rq->arena, d->csr, request, &call->fault);
    if (code == ERR_OK)
        code = ca_match(&call->rq->arena, request, *profile, &verdict, &call->fault);
    if (code == ERR_OK && verdict.refused > 0)
        code = refusal(call, &verdict);
    return code;
}

static enum err issue(struct api_call *call, const struct inventory_request_detail *d) {
    struct x509_request request;
    const struct ca_profile *profile;
    struct ca_issued issued;
    struct inventory_audit act;
    struct bytes id = hex_of(call, d->request.id);
    enum err code = check(call, d, &request, &profile);
    if (code == ERR_OK)
        code = api_issue(call, &request, profile, &issued);
    if (code == ERR_OK)
        code = api_act(call, "request.issue", "request", id, profile->name, &act);
    if (code == ERR_OK)
        code = inventory_request_issue(call->o->inventory, d->request.id, issued.certificate,
                                       issued.chain, issued.chain_n, &act, &call->fault);
    if (code == ERR_OK)
        log_line(call->o->env, LOG_INFO, "issued", "request=%.*s profile=%s", (int)id.n,
                 (const char *)id.p, profile->name);
    return code;
}

/* The request as it is now; issued, where it is approved and was not yet. One at a time:
 * whoever comes second finds it issued. */
static enum err issue_approved(struct api_call *call, const uint8_t *id,
                               struct inventory_request_detail *d) {
    mutex_lock(call->api->issue_lock);
    enum err code = get(call, id, d);
    if (code == ERR_OK && d->request.state == INVENTORY_APPROVED) {
        code = issue(call, d);
        if (code == ERR_OK)
            code = get(call, id, d);
    }
    mutex_unlock(call->api->issue_lock);
    return code;
}

/* The same for those who only ask how it stands: what cannot be issued stays approved, and
 * is tried again when next asked for. */
static enum err settle(struct api_call *call, const uint8_t *id,
                       struct inventory_request_detail *d) {
    char why[2 * FAULT_DETAIL_MAX];
    enum err code = issue_approved(call, id, d);
    if (code == ERR_OK || code == ERR_NOT_FOUND)
        return code;
    log_line(call->o->env, LOG_WARN, "not_issued", "request=%.*s why=\"%s\"", 2 * INVENTORY_ID_SIZE,
             (const char *)hex_of(call, id).p, fault_text(&call->fault, why, sizeof why));
    call->fault = (struct fault){0};
    return get(call, id, d);
}

/* ---- Answers ---- */

static enum err answer(struct api_call *call, const struct inventory_request_detail *d) {
    struct ca_profiles profiles;
    bool has = api_profiles(call, &profiles) == ERR_OK;
    if (!has) /* what is known of the request is shown all the same */
        log_line(call->o->env, LOG_ERROR, "profiles", "why=\"%s\"", call->fault.detail);
    api_begin(call);
    enum err code = api_json_request(call, d, has ? &profiles : NULL, true);
    return code == ERR_OK ? api_end(call) : code;
}

static enum err answer_now(struct api_call *call, const uint8_t *id) {
    struct inventory_request_detail d;
    enum err code = settle(call, id, &d);
    return code == ERR_OK ? answer(call, &d) : code;
}

/* ---- By agents ---- */

struct wish {
    uint8_t id[INVENTORY_ID_SIZE], replaces[SHA256_SIZE];
    bool has_replaces;
    struct bytes csr, profile;
    struct x509_request request;
};

static enum err read_csr(struct api_call *call, struct wish *w) {
    struct bytes pem = {NULL, 0};
    struct buf der;
    buf_init(&der, INVENTORY_CSR_MAX);
    api_text(call, "csr", &pem);
    bool found = pem_find(pem, "CERTIFICATE REQUEST", &der);
    w->csr = arena_copy(&call->rq->arena, buf_bytes(&der));
    enum err code = der.err;
    buf_clear(&der);
    if (code != ERR_OK)
        return fault_set(&call->fault, code, "csr", "at most %d bytes", INVENTORY_CSR_MAX);
    if (!found || w->csr.n == 0)
        return fault_set(&call->fault, ERR_USAGE, "csr", "PEM of a CERTIFICATE REQUEST is wanted");
    return x509_request_read(&call->rq->arena, w->csr, &w->request, &call->fault);
}

static enum err read_wish(struct api_call *call, struct wish *w) {
    struct bytes id = {NULL, 0}, replaces = {NULL, 0};
    *w = (struct wish){0};
    api_text(call, "id", &id);
    api_text(call, "profile", &w->profile);
    w->has_replaces = api_text(call, "replaces", &replaces);
    if (!hex_read(id, w->id, sizeof w->id))
        return fault_set(&call->fault, ERR_USAGE, "id", "%d hex digits", 2 * INVENTORY_ID_SIZE);
    if (w->has_replaces && !hex_read(replaces, w->replaces, sizeof w->replaces))
        return fault_set(&call->fault, ERR_USAGE, "replaces", "%d hex digits", 2 * SHA256_SIZE);
    return read_csr(call, w);
}

/* An agent says what it replaces among what it requested or saw; of others' certificates
 * it could only pretend, and that is taken as nothing said. */
static bool may_replace(struct api_call *call, const uint8_t *sha256) {
    struct inventory_cert_detail d;
    struct inventory_cert_care care;
    struct inventory_request_detail r;
    struct fault ignored = {0};
    struct arena *a = &call->rq->arena;
    struct inventory *inv = call->o->inventory;
    if (inventory_cert_get(inv, sha256, a, &d, &ignored) != ERR_OK ||
        inventory_cert_care(inv, sha256, a, &care, &ignored) != ERR_OK)
        return false;
    for (size_t i = 0; i < d.sightings_n; i++)
        if (memcmp(d.sightings[i].agent, call->agent.id, INVENTORY_ID_SIZE) == 0)
            return true;
    return care.has_request &&
           inventory_request_get(inv, care.request, a, &r, &ignored) == ERR_OK &&
           memcmp(r.request.agent, call->agent.id, INVENTORY_ID_SIZE) == 0;
}

/* The profile by its name; without one, the first that the request fits. Where it fits
 * none, the first one's refusal is told. */
static enum err choose(struct api_call *call, const struct wish *w, const struct ca_profile **out) {
    struct ca_profiles all;
    struct ca_verdict first = {0};
    enum err code = ERR_OK;
    if (w->profile.n > 0)
        code = find_profile(call, w->profile, out);
    else
        code = api_profiles(call, &all);
    if (code == ERR_OK && w->profile.n > 0)
        all = (struct ca_profiles){*out, 1};
    for (size_t i = 0; code == ERR_OK && i < all.n; i++) {
        struct ca_verdict verdict;
        *out = &all.items[i];
        code = ca_match(&call->rq->arena, &w->request, *out, &verdict, &call->fault);
        if (code == ERR_OK && verdict.refused == 0)
            return ERR_OK;
        if (i == 0)
            first = verdict;
    }
    if (code != ERR_OK)
        return code;
    if (first.n == 0)
        return fault_set(&call->fault, ERR_PERMISSION, "profile", "profile: there is none");
    return refusal(call, &first);
}

static enum err store(struct api_call *call, struct wish *w, const struct ca_profile *profile) {
    struct inventory *inv = call->o->inventory;
    struct inventory_audit act;
    struct bytes id = hex_of(call, w->id);
    struct inventory_asked asked = {
        .id = w->id,
        .agent = call->agent.id,
        .profile = bytes_text(profile->name),
        .replaces = w->has_replaces && may_replace(call, w->replaces) ? w->replaces : NULL,
        .csr = w->csr,
    };
    enum err code = api_act(call, "request.create", "request", id, profile->name, &act);
    if (code == ERR_OK)
        code = inventory_request_add(inv, &asked, &act, &call->fault);
    if (code != ERR_OK || profile->approval != CA_APPROVAL_NONE)
        return code;
    code = api_act(call, "request.approve", "request", id, "by the profile", &act);
    if (code != ERR_OK)
        return code;
    act.actor = bytes_text("profile");
    return inventory_request_decide(inv, w->id, true, bytes_text("profile"), bytes_of(NULL, 0),
                                    &act, &call->fault);
}

/* The same again continues what is there. A crash may have come before a profile that asks
 * nobody could say so: it says so now. */
static enum err again(struct api_call *call, const struct wish *w,
                      const struct inventory_request_detail *d) {
    const struct ca_profile *profile;
    struct inventory_audit act;
    if (memcmp(d->request.agent, call->agent.id, INVENTORY_ID_SIZE) != 0)
        return fault_set(&call->fault, ERR_CONFLICT, "id", "in use: choose a random one");
    if (!bytes_equal(d->csr, w->csr))
        return fault_set(&call->fault, ERR_CONFLICT, "csr",
                         "another one than before: it needs an id of its own");
    call->rq->response.status = 200;
    if (d->request.state != INVENTORY_PENDING)
        return ERR_OK;
    enum err code = find_profile(call, d->request.profile, &profile);
    if (code != ERR_OK || profile->approval != CA_APPROVAL_NONE) {
        call->fault = (struct fault){0};
        return ERR_OK; /* people decide */
    }
    code = api_act(call, "request.approve", "request", hex_of(call, w->id), "by the profile", &act);
    if (code != ERR_OK)
        return code;
    act.actor = bytes_text("profile");
    return inventory_request_decide(call->o->inventory, w->id, true, bytes_text("profile"),
                                    bytes_of(NULL, 0), &act, &call->fault);
}

static enum err add(struct api_call *call, struct wish *w) {
    const struct ca_profile *profile = NULL;
    if (!api_has_authority(call))
        return no_authority(call);
    enum err code = choose(call, w, &profile);
    if (code == ERR_PERMISSION)
        log_line(call->o->env, LOG_WARN, "request_refused", "actor=%s why=\"%s\"", call->actor,
                 call->fault.detail);
    return code == ERR_OK ? store(call, w, profile) : code;
}

enum err api_requests_add(struct api_call *call) {
    struct wish w;
    struct inventory_request_detail d;
    enum err code = read_wish(call, &w);
    if (code != ERR_OK)
        return code;
    code = get(call, w.id, &d);
    if (code == ERR_OK)
        code = again(call, &w, &d);
    else if (code == ERR_NOT_FOUND)
        code = add(call, &w);
    return code == ERR_OK ? answer_now(call, w.id) : code;
}

/* A request of this very agent; others' are not there for it. */
static enum err own_request(struct api_call *call, uint8_t id[INVENTORY_ID_SIZE]) {
    struct inventory_request_detail d;
    enum err code = api_path_id(call, 0, id, INVENTORY_ID_SIZE, "request");
    if (code == ERR_OK)
        code = get(call, id, &d);
    if (code == ERR_OK && memcmp(d.request.agent, call->agent.id, INVENTORY_ID_SIZE) != 0)
        code = fault_set(&call->fault, ERR_NOT_FOUND, "request", "not known");
    return code;
}

enum err api_requests_outcome(struct api_call *call) {
    uint8_t id[INVENTORY_ID_SIZE];
    struct inventory_outcome o = {.installed = false};
    int64_t status = 0;
    enum err code = own_request(call, id);
    if (code != ERR_OK)
        return code;
    api_bool(call, "installed", &o.installed);
    o.has_exit = api_number(call, "reload_exit", &status);
    api_text(call, "detail", &o.detail);
    if (status < INT32_MIN || status > INT32_MAX)
        return fault_set(&call->fault, ERR_USAGE, "reload_exit", "no exit status");
    o.reload_exit = (int32_t)status;
    code = inventory_request_outcome(call->o->inventory, id, &o, &call->fault);
    if (code == ERR_OK)
        log_line(call->o->env, LOG_INFO, "outcome", "actor=%s installed=%d reload=%d", call->actor,
                 o.installed, o.has_exit ? o.reload_exit : 0);
    return code == ERR_OK ? answer_now(call, id) : code;
}

/* ---- By people ---- */

enum err api_requests_get(struct api_call *call) {
    uint8_t id[INVENTORY_ID_SIZE];
    enum err code =
        call->by_agent ? own_request(call, id) : api_path_id(call, 0, id, sizeof id, "request");
    struct inventory_request_detail d;
    if (code == ERR_OK) /* a viewer's look changes nothing */
        code = call->by_agent ? settle(call, id, &d) : get(call, id, &d);
    return code == ERR_OK ? answer(call, &d) : code;
}

static enum err read_filters(struct api_call *call, struct inventory_query *q,
                             uint8_t agent[INVENTORY_ID_SIZE]) {
    struct bytes state = http_param(call->rq, "state"), id = http_param(call->rq, "agent");
    enum inventory_request_state wanted;
    if (state.p && !inventory_request_state_read(state, &wanted))
        return fault_set(&call->fault, ERR_USAGE, "state",
                         "pending, approved, issued, refused or revoked");
    if (state.p)
        q->request_states = 1u << wanted;
    if (id.p && !hex_read(id, agent, INVENTORY_ID_SIZE))
        return fault_set(&call->fault, ERR_USAGE, "agent", "%d hex digits", 2 * INVENTORY_ID_SIZE);
    q->agent = id.p ? agent : NULL;
    return ERR_OK;
}

/* What differs is told of those that wait for a decision: it costs a look at each CSR. */
static enum err put_row(struct api_call *call, const struct inventory_request *row,
                        const struct ca_profiles *profiles) {
    struct inventory_request_detail d = {.request = *row};
    enum err code = ERR_OK;
    if (row->state == INVENTORY_PENDING)
        code = get(call, row->id, &d);
    json_object(&call->json, NULL);
    if (code == ERR_OK)
        code = api_json_request(call, &d, profiles, false);
    json_end(&call->json, '}');
    return code;
}

enum err api_requests_list(struct api_call *call) {
    struct inventory_query q;
    struct inventory_request *rows = NULL;
    struct inventory_page page = {0};
    struct ca_profiles profiles;
    size_t n = 0;
    uint8_t agent[INVENTORY_ID_SIZE];
    enum err code = api_list_query(call, QUERY_REQUESTS, sorts, &q);
    if (code == ERR_OK)
        code = read_filters(call, &q, agent);
    if (code == ERR_OK)
        code = inventory_requests(call->o->inventory, &q, &call->rq->arena, &rows, &n, &page,
                                  &call->fault);
    if (code != ERR_OK)
        return code;
    bool has = api_profiles(call, &profiles) == ERR_OK;
    api_list_begin(call);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        code = put_row(call, &rows[i], has ? &profiles : NULL);
    return code == ERR_OK ? api_list_end(call, &page) : code;
}

static enum err approve(struct api_call *call, const struct inventory_request_detail *d) {
    struct x509_request request;
    const struct ca_profile *profile;
    struct inventory_audit act;
    enum err code = ERR_OK;
    if (d->request.state == INVENTORY_PENDING)
        code = check(call, d, &request, &profile);
    if (code == ERR_OK)
        code = api_act(call, "request.approve", "request", call->rq->path_values[0], NULL, &act);
    if (code == ERR_OK)
        code = inventory_request_decide(call->o->inventory, d->request.id, true,
                                        bytes_text(call->actor), bytes_of(NULL, 0), &act,
                                        &call->fault);
    return code;
}

/* One that is approved and could not be issued then is issued by approving it again. */
enum err api_requests_approve(struct api_call *call) {
    uint8_t id[INVENTORY_ID_SIZE];
    struct inventory_request_detail d;
    enum err code = api_path_id(call, 0, id, sizeof id, "request");
    if (code == ERR_OK)
        code = get(call, id, &d);
    if (code == ERR_OK && !api_has_authority(call))
        code = no_authority(call);
    if (code == ERR_OK && d.request.state != INVENTORY_APPROVED)
        code = approve(call, &d);
    if (code == ERR_OK)
        code = issue_approved(call, id, &d);
    return code == ERR_OK ? answer(call, &d) : code;
}

enum err api_requests_refuse(struct api_call *call) {
    uint8_t id[INVENTORY_ID_SIZE];
    struct bytes reason = {NULL, 0};
    struct inventory_audit act;
    enum err code = api_path_id(call, 0, id, sizeof id, "request");
    api_text(call, "reason", &reason);
    reason = bytes_trim(reason);
    if (code == ERR_OK && (reason.n == 0 || reason.n > INVENTORY_REASON_MAX))
        code = fault_set(&call->fault, ERR_USAGE, "reason", "1 to %d bytes, for the agent's people",
                         INVENTORY_REASON_MAX);
    if (code == ERR_OK)
        code = api_act(call, "request.refuse", "request", call->rq->path_values[0],
                       arena_cstr(&call->rq->arena, reason), &act);
    if (code == ERR_OK)
        code = inventory_request_decide(call->o->inventory, id, false, bytes_text(call->actor),
                                        reason, &act, &call->fault);
    return code == ERR_OK ? answer_now(call, id) : code;
}
