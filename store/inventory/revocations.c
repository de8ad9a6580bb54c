/* Revoked certificates, and what a certificate has besides what it says. See requests.h. */
#include "store/inventory/private.h"

#include <string.h>

enum err inventory_cert_revoke(struct inventory *inv, const uint8_t *sha256, struct bytes who,
                               enum x509_reason reason, const struct inventory_audit *act,
                               struct fault *f) {
    struct change *c;
    struct entries e;
    const char *name = x509_reason_name((unsigned)reason);
    if (who.n > INVENTORY_TEXT_MAX || name == NULL)
        return fault_set(f, ERR_USAGE, "reason", "none that a revocation has");
    enum err code = change_begin_of(inv, "revocation", bytes_of(sha256, SHA256_SIZE), &c, f);
    if (code != ERR_OK)
        return code;
    if (!inventory_lock(inv, f)) {
        change_drop(c);
        return ERR_MEMORY;
    }
    uint32_t i = table_find(&inv->state.by_sha256, sha256);
    bool is_revoked = i != ROWS_NONE && state_cert(&inv->state, i)->revocation != ROWS_NONE;
    inventory_unlock(inv);
    if (i == ROWS_NONE || is_revoked) {
        change_drop(c);
        return is_revoked ? fault_set(f, ERR_CONFLICT, "certificate", "revoked already")
                          : fault_set(f, ERR_NOT_FOUND, "certificate", "not stored");
    }
    struct record_revoked r = {bytes_of(sha256, SHA256_SIZE), who, bytes_text(name)};
    entries_init(&e);
    record_revoked_write(&r, &e.bytes);
    entries_end(&e, RECORD_REVOKED);
    entries_audit(&e, act);
    return entries_submit(&e, c, f);
}

static void copy_revoked(const struct state *s, int64_t ended_s, struct arena *a,
                         struct x509_revoked *rows, size_t *n) {
    for (uint32_t i = 0; i < s->revocations.n; i++) {
        const struct state_revocation *r = state_revocation(s, i);
        const struct state_cert *c = state_cert(s, r->cert);
        if (c->has_not_after && c->not_after_s < ended_s)
            continue;
        rows[(*n)++] = (struct x509_revoked){.serial = arena_copy(a, state_cert_serial(s, c)),
                                             .revoked_s = r->time_ms / 1000,
                                             .reason = r->reason};
    }
}

enum err inventory_revoked(struct inventory *inv, int64_t ended_s, struct arena *a,
                           struct x509_revoked **rows, size_t *n, uint64_t *revision,
                           uint64_t *number, struct fault *f) {
    const struct state *s = &inv->state;
    *n = 0;
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    *rows = arena_array(a, s->revocations.n + (size_t)1, sizeof **rows);
    if (*rows != NULL)
        copy_revoked(s, ended_s, a, *rows, n);
    *revision = s->revocations.n;
    *number = s->crl_number;
    inventory_unlock(inv);
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "revoked", "no room");
}

uint64_t inventory_revocations(struct inventory *inv) {
    if (!inventory_lock(inv, NULL))
        return 0;
    uint64_t n = inv->state.revocations.n;
    inventory_unlock(inv);
    return n;
}

enum err inventory_crl_made(struct inventory *inv, uint64_t number, struct fault *f) {
    struct change *c;
    struct entries e;
    enum err code = change_begin_of(inv, "revocation list", (struct bytes){NULL, 0}, &c, f);
    if (code != ERR_OK)
        return code;
    entries_init(&e);
    record_crl_write(number, &e.bytes);
    entries_end(&e, RECORD_CRL);
    return entries_submit(&e, c, f);
}

static struct bytes copy(struct arena *a, struct bytes b) {
    return b.n == 0 ? (struct bytes){NULL, 0} : arena_copy(a, b);
}

static void copy_care(const struct state *s, const struct state_cert *c, struct arena *a,
                      struct inventory_cert_care *out) {
    out->ever_seen = c->sightings != ROWS_NONE;
    out->has_request = c->request != ROWS_NONE;
    if (out->has_request) {
        const struct state_request *r = state_request(s, c->request);
        memcpy(out->request, r->id, INVENTORY_ID_SIZE);
        out->request_state = state_request_state(s, r);
    }
    out->is_revoked = c->revocation != ROWS_NONE;
    if (out->is_revoked) {
        const struct state_revocation *r = state_revocation(s, c->revocation);
        out->revoked_ms = r->time_ms;
        out->revoked_by = copy(a, state_word_text(s, r->by));
        out->reason = bytes_text(x509_reason_name((unsigned)r->reason));
    }
}

enum err inventory_cert_care(struct inventory *inv, const uint8_t *sha256, struct arena *a,
                             struct inventory_cert_care *out, struct fault *f) {
    memset(out, 0, sizeof *out);
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_sha256, sha256);
    if (i != ROWS_NONE)
        copy_care(&inv->state, state_cert(&inv->state, i), a, out);
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return fault_set(f, ERR_NOT_FOUND, "certificate", "not stored");
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "certificate", "no room");
}
