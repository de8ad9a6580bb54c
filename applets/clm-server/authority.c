/* The built-in authority's files, and profiles.conf. See server.h. */
#include "applets/clm-server/server.h"

#include "base/file.h"

#include <stdio.h>

enum { DAY_S = 24 * 60 * 60 };

/* ---- Profiles ---- */

enum err profiles_read(struct arena *a, const struct settings *s, struct ca_profiles *out,
                       struct fault *f) {
    struct buf text;
    enum err code = ERR_OK;
    buf_init(&text, CA_PROFILE_TEXT_MAX);
    if (file_exists(s->profiles))
        code = file_read(s->profiles, &text, f);
    else
        buf_text(&text, ca_profiles_default());
    struct bytes copy = arena_copy(a, buf_bytes(&text));
    buf_clear(&text);
    return code == ERR_OK ? ca_profiles_read(a, copy, s->profiles, out, f) : code;
}

enum err profiles_make(const struct settings *s, struct fault *f) {
    if (file_exists(s->profiles))
        return ERR_OK;
    return file_replace(s->profiles, bytes_text(ca_profiles_default()), 0644, f);
}

/* ---- The authority ---- */

/* The server's own root, where there is one that allows an authority below it. */
static bool is_root_good(struct arena *a, const struct settings *s) {
    struct identity_root root = {0};
    struct fault ignored = {0};
    const char *key = settings_path(a, s, "root.key");
    if (s->cert || !key || !file_exists(key))
        return false;
    bool good = identity_load_root(a, s, "root", &root, &ignored) == ERR_OK;
    signing_key_close(root.key);
    return good && root.cert.path_len != 0;
}

static enum err load_root(const struct env *env, struct arena *a, const struct settings *s,
                          bool may_make, struct identity_root *root, struct fault *f) {
    enum err code = ERR_OK;
    const char *name = is_root_good(a, s) ? "root" : "ca-root";
    const char *key = settings_path(a, s, "ca-root.key");
    if (name[0] == 'c' && may_make && key && !file_exists(key))
        code = identity_make_root(env, a, s, name, f);
    return code == ERR_OK ? identity_load_root(a, s, name, root, f) : code;
}

enum err authority_make(const struct env *env, struct arena *a, const struct settings *s,
                        bool *made, struct fault *f) {
    char name[64 + 1]; /* RFC 5280: ub-common-name */
    struct identity_root root = {0};
    const char *path = settings_path(a, s, "issuing.pem");
    *made = false;
    if (path && file_exists(path))
        return ERR_OK;
    enum err code = load_root(env, a, s, true, &root, f);
    snprintf(name, sizeof name, "clm issuing %s", s->names[0]);
    if (code == ERR_OK)
        code = ca_builtin_make(env, s->data, name, root.key, &root.cert, f);
    signing_key_close(root.key);
    *made = code == ERR_OK;
    return code;
}

static int64_t longest_s(const struct ca_profiles *profiles) {
    int64_t longest = 0;
    for (size_t i = 0; i < profiles->n; i++)
        if (profiles->items[i].lifetime_s > longest)
            longest = profiles->items[i].lifetime_s;
    return longest;
}

/* Less is left than a certificate lives, half of its own life at the most. */
static bool is_due(const struct x509_cert *cert, int64_t longest, int64_t now_s) {
    int64_t half = (cert->not_after - cert->not_before) / 2;
    return cert->not_after - now_s < (longest < half ? longest : half);
}

/* Where the root would give it at least a day more. */
static enum err renew(const struct env *env, struct arena *a, const struct settings *s,
                      const struct x509_cert *cert, bool *renewed, struct fault *f) {
    struct identity_root root = {0};
    int64_t end = env_now_s(env) + (int64_t)CA_ISSUER_DAYS * DAY_S;
    enum err code = load_root(env, a, s, false, &root, f);
    if (code == ERR_OK && end > root.cert.not_after)
        end = root.cert.not_after;
    if (code == ERR_OK && end >= cert->not_after + DAY_S) {
        code = ca_builtin_renew(env, s->data, root.key, &root.cert, f);
        *renewed = code == ERR_OK;
    }
    signing_key_close(root.key);
    return code;
}

enum err authority_renew(const struct env *env, struct arena *a, const struct settings *s,
                         bool *renewed, struct fault *f) {
    struct ca_settings settings = {.folder = s->data};
    struct ca_profiles profiles;
    struct x509_cert cert;
    struct ca *ca = NULL;
    *renewed = false;
    enum err code = profiles_read(a, s, &profiles, f);
    if (code == ERR_OK)
        code = ca_open(bytes_text("builtin"), &settings, &ca, f);
    if (code == ERR_OK)
        code = x509_cert_read(a, ca_certificate(ca), &cert, f);
    if (code == ERR_OK && is_due(&cert, longest_s(&profiles), env_now_s(env)))
        code = renew(env, a, s, &cert, renewed, f);
    ca_close(ca);
    return code;
}
