/* The store, the users and the API, opened together; calls as local administrator.
 * See server.h. */
#include "applets/clm-server/server.h"

#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "web/gui/gui.h"
#include "web/http/control_client.h"

#include <stdlib.h>
#include <string.h>

enum { CONTROL_TIMEOUT_MS = 60 * 1000 };

static enum err open_log_key(const struct env *env, const struct settings *s, struct house *h,
                             struct fault *f) {
    struct arena a;
    h->log_key = calloc(1, sizeof *h->log_key);
    if (!h->log_key)
        return fault_set(f, ERR_MEMORY, "key of the log", "no memory");
    arena_init(&a, 1 << 16);
    enum err code = log_key_load(env, &a, s, h->log_key, f);
    arena_clear(&a);
    return code;
}

/* What restore.c leaves where it did not come to its end. */
static bool is_restoring(const struct settings *s) {
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *path = settings_path(&a, s, "restoring");
    bool is_there = path && file_exists(path);
    arena_clear(&a);
    return is_there;
}

enum err house_open(const struct env *env, const struct settings *s, const struct identity *id,
                    const char *url, struct house *out, struct fault *f) {
    *out = (struct house){0};
    if (is_restoring(s))
        return fault_set(f, ERR_CONFLICT,
                         "an interrupted restore: empty this folder, restore again", "%s", s->data);
    enum err code = inventory_open(s->data, env, &out->inventory, f);
    if (code == ERR_OK)
        code = auth_open(env, s->data, &out->auth, f);
    if (code == ERR_OK)
        code = open_log_key(env, s, out, f);
    if (code == ERR_OK) {
        struct api_options o = {
            .env = env,
            .inventory = out->inventory,
            .auth = out->auth,
            .name = s->names[0],
            .url = url,
            .pin = id->pin,
            .root_sha256 = id->root_sha256,
            .assets = gui_assets,
            .assets_n = gui_assets_n,
            .log_key = out->log_key,
            .data = s->data,
            .backups_set = s->backup != NULL && s->backup[0] != '\0',
            .profiles = s->profiles,
        };
        code = api_open(&o, &out->api, f);
    }
    if (code != ERR_OK)
        house_close(out);
    return code;
}

enum err house_authority(const struct settings *s, const char *url, struct house *h,
                         struct fault *f) {
    struct buf text;
    struct ca *ca = NULL;
    buf_init(&text, 4096);
    buf_printf(&text, "%s" API_ROOT "/ca/crl", url);
    struct bytes crl = buf_bytes(&text);
    struct ca_settings settings = {
        .folder = s->data, .crl_urls = {&crl, 1}
    };
    enum err code = text.err == ERR_OK ? ca_open(bytes_text("builtin"), &settings, &ca, f)
                                       : fault_set(f, text.err, "authority", "URL");
    buf_clear(&text);
    if (code != ERR_OK)
        return code;
    ca_close(api_authority(h->api, ca));
    h->ca = ca;
    return ERR_OK;
}

void house_close(struct house *h) {
    api_close(h->api);
    ca_close(h->ca);
    auth_close(h->auth);
    inventory_close(h->inventory);
    if (h->log_key)
        crypto_wipe(h->log_key, sizeof *h->log_key);
    free(h->log_key);
    *h = (struct house){0};
}

struct admin {
    const struct env *env;
    const struct opt_common *common;
    struct settings s;
    struct identity id;
    struct house house; /* opened where no server answers */
    bool is_alone;
};

enum err admin_open(const struct env *env, const struct opt_common *common, const char *data,
                    struct admin **out, struct fault *f) {
    struct admin *admin = calloc(1, sizeof *admin);
    *out = admin;
    if (!admin)
        return fault_set(f, ERR_MEMORY, "administration", "no memory");
    admin->env = env;
    admin->common = common;
    return settings_read(common, data, &admin->s, f);
}

void admin_close(struct admin *admin) {
    if (admin && admin->is_alone)
        house_close(&admin->house);
    free(admin);
}

static enum err open_alone(struct admin *admin, struct fault *f) {
    struct arena *a = admin->common->arena;
    enum err code = identity_load(a, &admin->s, &admin->id, f);
    if (code != ERR_OK)
        return code;
    const char *url = settings_url(a, &admin->s, settings_port(&admin->s));
    code = house_open(admin->env, &admin->s, &admin->id, url, &admin->house, f);
    if (code != ERR_OK)
        return code;
    admin->is_alone = true;
    code = house_authority(&admin->s, url, &admin->house, f);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err admin_code(struct bytes name) {
    for (int i = 0; i < ERR_COUNT; i++) {
        if (bytes_is(name, err_row((enum err)i)->name))
            return (enum err)i;
    }
    return ERR_FAILED;
}

/* The problem of an answer as a fault. */
static enum err fault_of(struct arena *a, struct bytes answer, unsigned status, struct fault *f) {
    struct json_value v;
    struct fault ignored = {0};
    if (json_read(a, answer, 64, &v, &ignored) != ERR_OK)
        return fault_set(f, ERR_FAILED, "server", "HTTP status %u", status);
    const char *field = admin_text(a, v, "field"), *detail = admin_text(a, v, "detail");
    enum err code = admin_code(bytes_text(admin_text(a, v, "code")));
    return fault_set(f, code == ERR_OK ? ERR_FAILED : code, field[0] ? field : "server", "%s",
                     detail);
}

enum err admin_say(struct admin *admin, enum http_method method, const char *path,
                   struct bytes body, struct buf *answer, struct fault *f) {
    unsigned status = 0;
    struct arena *a = admin->common->arena;
    enum err code = ERR_NOT_FOUND;
    if (!admin->is_alone)
        code = control_call(os_control_name(a, admin->s.data), http_method_name(method), path, body,
                            CONTROL_TIMEOUT_MS, &status, answer, f);
    if (code == ERR_NOT_FOUND) {
        code = admin->is_alone ? ERR_OK : open_alone(admin, f);
        if (code == ERR_OK)
            api_call_local(admin->house.api, method, path, body, &status, answer);
    }
    if (code == ERR_OK && status >= 400)
        code = fault_of(a, buf_bytes(answer), status, f);
    return code;
}

enum err admin_call(const struct env *env, const struct opt_common *common, const char *data,
                    enum http_method method, const char *path, struct bytes body,
                    struct buf *answer, struct fault *f) {
    struct admin *admin;
    enum err code = admin_open(env, common, data, &admin, f);
    if (code == ERR_OK)
        code = admin_say(admin, method, path, body, answer, f);
    admin_close(admin);
    return code;
}

const char *admin_text(struct arena *a, struct json_value object, const char *name) {
    struct bytes text;
    struct buf safe;
    if (!json_string(json_get(object, name), a, &text))
        return "";
    buf_init(&safe, 16 * 1024);
    text_escape(&safe, text);
    const char *copy = arena_cstr(a, buf_bytes(&safe));
    buf_clear(&safe);
    return copy ? copy : "";
}
