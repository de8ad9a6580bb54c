/* The authorities that there are, and calls through their rows. See ca.h. */
#include "ca/inner.h"

#include <stdlib.h>

static const struct ca_authority *const rows[] = {
    &ca_builtin,
};

struct ca {
    const struct ca_authority *row;
    void *state;
};

const struct ca_authority *ca_authority_row(size_t i) {
    return i < sizeof rows / sizeof rows[0] ? rows[i] : NULL;
}

enum err ca_open(struct bytes name, const struct ca_settings *settings, struct ca **out,
                 struct fault *f) {
    const struct ca_authority *row = NULL;
    *out = NULL;
    for (size_t i = 0; (row = ca_authority_row(i)) != NULL; i++)
        if (bytes_is(name, row->name))
            break;
    if (row == NULL)
        return fault_set(f, ERR_NOT_FOUND, "authority", "there is none of this name");
    struct ca *ca = calloc(1, sizeof *ca);
    if (ca == NULL)
        return fault_set(f, ERR_MEMORY, "authority", "%s", row->name);
    ca->row = row;
    enum err e = row->open(settings, &ca->state, f);
    if (e == ERR_OK)
        *out = ca;
    else
        free(ca);
    return e;
}

void ca_close(struct ca *ca) {
    if (ca == NULL)
        return;
    ca->row->close(ca->state);
    free(ca);
}

const struct ca_authority *ca_kind(const struct ca *ca) {
    return ca->row;
}

struct bytes ca_certificate(const struct ca *ca) {
    return ca->row->certificate(ca->state);
}

struct bytes ca_root(const struct ca *ca) {
    return ca->row->root(ca->state);
}

enum err ca_issue(const struct ca *ca, const struct env *env, struct arena *a,
                  const struct x509_request *request, const struct ca_profile *profile,
                  int64_t now_s, struct ca_issued *out, struct fault *f) {
    *out = (struct ca_issued){0};
    return ca->row->issue(ca->state, env, a, request, profile, now_s, out, f);
}

enum err ca_revoke(const struct ca *ca, const struct env *env, struct bytes certificate,
                   enum x509_reason reason, int64_t now_s, struct fault *f) {
    return ca->row->revoke(ca->state, env, certificate, reason, now_s, f);
}

enum err ca_crl(const struct ca *ca, const struct env *env, const struct x509_revoked *revoked,
                size_t revoked_n, uint64_t number, int64_t now_s, struct buf *out,
                struct fault *f) {
    return ca->row->crl(ca->state, env, revoked, revoked_n, number, now_s, out, f);
}
