/* How the certificates that an endpoint serves hang together, told below them. See inspect.h. */
#include "applets/ers/inspect.h"
#include "base/text.h"
#include "net/http.h"
#include "x509/path.h"

#include <string.h>

enum { CHAIN_ARENA_MAX = 64 << 20, NAME_MAX_BYTES = 1 << 16 };

/* clang-format off */
static const struct {
    const char *name, *text; /* text: NULL where it is nothing to speak of */
} roles[] = {
    [X509_ROLE_PATH]      = {"path",      NULL},
    [X509_ROLE_ROOT]      = {"root",      "a root: clients have it or do not trust it, leave it out"},
    [X509_ROLE_TWICE]     = {"twice",     "stands there before: leave it out"},
    [X509_ROLE_CROSS]     = {"cross",     "the same issuer, signed by another: for clients that lack the newer root"},
    [X509_ROLE_UNRELATED] = {"unrelated", "has signed nothing here: leave it out"},
};
/* clang-format on */

/* ---- whom to trust ---- */

enum err inspect_trust(struct inspect *in, struct fault *f) {
    const char *word = in->trust_word;
    in->is_trust_read = true;
    if (word != NULL && strcmp(word, "none") == 0)
        return ERR_OK;
    bool is_system = word == NULL || strcmp(word, "system") == 0;
    enum err code = net_roots_read(&in->trust_arena, is_system ? NULL : word, &in->trust, f);
    in->has_trust = code == ERR_OK;
    if (code == ERR_NOT_FOUND && is_system && word != NULL)
        return fault_set(f, code, "--trust", "this system has no file of roots: name one, or none");
    return code;
}

/* ---- telling ---- */

static void put_json(struct inspect *in, const struct x509_cert *certs, size_t n,
                     const struct x509_path *path) {
    struct json j = json_to(&in->out);
    uint8_t sha256[X509_SHA256_SIZE];
    json_object(&j, NULL);
    json_text(&j, "type", "chain");
    json_text(&j, "input", in->from.input);
    json_array(&j, "path");
    for (size_t i = 0; i < path->n; i++) {
        x509_cert_sha256(&certs[path->at[i]], sha256);
        json_hex(&j, NULL, bytes_of(sha256, sizeof sha256));
    }
    json_end(&j, ']');
    json_array(&j, "roles");
    for (size_t i = 0; i < n; i++)
        json_text(&j, NULL, roles[path->role[i]].name);
    json_end(&j, ']');
    json_bool(&j, "ordered", path->is_ordered);
    json_bool(&j, "complete", path->is_complete);
    json_bool(&j, "checked", path->is_checked);
    json_bool(&j, "in_time", path->is_in_time);
    json_bool_or_null(&j, "trusted", path->trusted != X509_UNKNOWN, path->trusted == X509_YES);
    json_end(&j, '}');
    buf_u8(&in->out, '\n');
}

static const char *trust_text(const struct inspect *in, const struct x509_path *path) {
    bool is_file = in->trust_word != NULL && strcmp(in->trust_word, "system") != 0;
    if (path->trusted == X509_UNKNOWN)
        return "trust not looked at";
    if (path->trusted == X509_YES)
        return is_file ? "trusted by the file's roots" : "trusted by this system";
    return is_file ? "not trusted by the file's roots" : "not trusted by this system";
}

/* Below the certificates: what is good about the chain, then what to mend. */
static void put_text(struct inspect *in, const struct x509_cert *certs, size_t n,
                     const struct x509_path *path) {
    struct buf name;
    buf_printf(&in->out, "\n  chain       %s, %s, %s%s%s\n",
               path->is_complete ? "complete" : "its last issuer is neither sent nor at hand",
               path->is_ordered ? "in order" : "not in order: each is followed by its issuer",
               path->is_in_time ? "within its dates" : "not within its dates",
               path->is_checked ? ", " : ", signatures not all checked, ", trust_text(in, path));
    buf_init(&name, NAME_MAX_BYTES);
    for (size_t i = 0; i < n; i++) {
        if (roles[path->role[i]].text == NULL || (n == 1 && path->role[i] == X509_ROLE_ROOT))
            continue;
        buf_reset(&name);
        x509_cert_display_name(&certs[i], &name);
        buf_printf(&in->out, "              %zu ", i + 1);
        text_escape(&in->out, buf_bytes(&name));
        buf_printf(&in->out, ": %s\n", roles[path->role[i]].text);
    }
    buf_clear(&name);
}

void inspect_chain(struct inspect *in, const struct bytes *der, size_t n) {
    struct x509_cert certs[X509_CHAIN_MAX];
    struct x509_path path;
    struct arena arena;
    struct fault ignored;
    bool is_readable = n > 0 && !inspect_is_stopped(in);
    arena_init(&arena, CHAIN_ARENA_MAX);
    for (size_t i = 0; i < n && is_readable; i++) /* one that is not was told already */
        is_readable = x509_cert_read(&arena, der[i], &certs[i], &ignored) == ERR_OK;
    if (is_readable && !in->is_trust_read && inspect_trust(in, &ignored) != ERR_OK)
        in->has_trust = false; /* a system without roots: nothing is said of trust */
    if (is_readable) {
        x509_path_find(certs, n, in->has_trust ? &in->trust : NULL, env_now_s(in->env), &path);
        if (in->common->json)
            put_json(in, certs, n, &path);
        else
            put_text(in, certs, n, &path);
        inspect_line(in);
    }
    arena_clear(&arena);
}
