/* The file of requests. See requests.h. */
#include "applets/ers/requests.h"
#include "applets/ers/install.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

#include <string.h>

enum { FILE_MAX = 16 << 20, LINE_TOKENS = 64 };

struct member {
    const char *name;
    size_t offset;
};
static const struct member members[] = {
    {"id",            offsetof(struct request, id)           },
    {"dns",           offsetof(struct request, dns)          },
    {"ip",            offsetof(struct request, ip)           },
    {"profile",       offsetof(struct request, profile)      },
    {"key_type",      offsetof(struct request, key_type)     },
    {"out",           offsetof(struct request, out)          },
    {"format",        offsetof(struct request, format)       },
    {"password_file", offsetof(struct request, password_file)},
    {"owner",         offsetof(struct request, owner)        },
    {"mode",          offsetof(struct request, mode)         },
    {"reload",        offsetof(struct request, reload)       },
    {"state",         offsetof(struct request, state)        },
    {"reason",        offsetof(struct request, reason)       },
    {"sha256",        offsetof(struct request, sha256)       },
    {"version",       offsetof(struct request, version)      },
    {"outcome_id",    offsetof(struct request, outcome_id)   },
    {"outcome",       offsetof(struct request, outcome)      },
};
enum { MEMBERS = sizeof members / sizeof members[0] };

static const char *member_of(const struct request *r, size_t i) {
    const char *value;
    memcpy(&value, (const char *)r + members[i].offset, sizeof value);
    return value;
}

static bool is_state(const char *text) {
    static const char *const states[] = {"pending", "failed", "installed", "refused"};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(text, states[i]) == 0)
            return true;
    return false;
}

/* An id becomes a part of paths. */
static bool is_id(const char *text) {
    uint8_t raw[REQUEST_ID_SIZE];
    return hex_read(bytes_text(text), raw, sizeof raw);
}

static bool is_sound(const struct request *r) {
    return r->id && r->dns && r->ip && r->key_type && r->out && r->format && r->state &&
           is_id(r->id) && is_state(r->state) && (!r->outcome_id || is_id(r->outcome_id));
}

/* A member that is there and is no text, or has a NUL within, is damage. */
static bool read_member(struct arena *a, struct json_value v, const struct member *m,
                        struct request *out) {
    struct json_value value = json_get(v, m->name);
    struct bytes text;
    if (json_type_of(value) == JSON_NONE)
        return true;
    const char *copy = json_string(value, a, &text) ? arena_cstr(a, text) : NULL;
    if (!copy || strlen(copy) != text.n)
        return false;
    memcpy((char *)out + m->offset, &copy, sizeof copy);
    return true;
}

static bool read_line(struct arena *a, struct bytes line, struct request *out) {
    struct json_value v;
    *out = (struct request){0};
    if (json_read(a, line, LINE_TOKENS, &v, NULL) != ERR_OK || json_type_of(v) != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < MEMBERS; i++)
        if (!read_member(a, v, &members[i], out))
            return false;
    if (!json_integer(json_get(v, "not_before"), &out->not_before_s))
        out->not_before_s = 0;
    if (!json_integer(json_get(v, "not_after"), &out->not_after_s))
        out->not_after_s = 0;
    return is_sound(out);
}

static size_t count_lines(struct bytes text) {
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n < REQUESTS_MAX ? n : REQUESTS_MAX;
}

enum err requests_parse(struct arena *a, struct bytes text, const char *name, struct requests *out,
                        struct fault *f) {
    struct cur c = cur_open(text);
    *out = (struct requests){.items = arena_array(a, count_lines(text) + 1, sizeof *out->items)};
    if (!out->items)
        return fault_set(f, a->err, "requests", "%s", name);
    for (unsigned number = 1; c.rest.n > 0; number++) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        if (line.n == 0)
            continue;
        bool good = out->n < REQUESTS_MAX && read_line(a, line, &out->items[out->n]);
        if (!good || requests_for(out, out->items[out->n].out))
            return fault_set(f, ERR_DAMAGED, "requests", "%s, line %u", name, number);
        out->n++;
    }
    return ERR_OK;
}

static const char *file_of(const struct agent *a) {
    return path_join(a->arena, a->places.config, "requests");
}

enum err requests_read(const struct agent *a, struct requests *out, struct fault *f) {
    struct buf text;
    const char *path = file_of(a);
    buf_init(&text, FILE_MAX);
    enum err err = file_exists(path) ? file_read(path, &text, f) : ERR_OK;
    struct bytes kept = arena_copy(a->arena, buf_bytes(&text));
    buf_clear(&text);
    return err ? err : requests_parse(a->arena, kept, path, out, f);
}

static void put_request(struct buf *out, const struct request *r) {
    struct json j = json_to(out);
    json_object(&j, NULL);
    for (size_t i = 0; i < MEMBERS; i++)
        if (member_of(r, i))
            json_text(&j, members[i].name, member_of(r, i));
    json_int(&j, "not_before", r->not_before_s);
    json_int(&j, "not_after", r->not_after_s);
    json_end(&j, '}');
    buf_u8(out, '\n');
}

void requests_put(const struct requests *r, struct buf *out) {
    for (size_t i = 0; i < r->n; i++)
        put_request(out, &r->items[i]);
}

enum err requests_write(const struct agent *a, const struct requests *r, struct fault *f) {
    struct buf text;
    buf_init(&text, FILE_MAX);
    requests_put(r, &text);
    enum err err = text.err ? fault_set(f, text.err, "requests", "%zu", r->n)
                            : file_replace(file_of(a), buf_bytes(&text), 0600, f);
    buf_clear(&text);
    return err;
}

enum err requests_lock(const struct agent *a, struct os_lock *lock, struct fault *f) {
    const char *path = path_join(a->arena, a->places.config, "requests.lock");
    enum err err = dir_make(a->places.config, 0755, f);
    return err ? err : os_lock_open(lock, path, f);
}

struct request *requests_for(const struct requests *r, const char *out) {
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->items[i].out, out) == 0)
            return &r->items[i];
    return NULL;
}

bool request_is(const struct request *r, const char *state) {
    return strcmp(r->state, state) == 0;
}

static bool list_has(const char *list, const char *name) {
    struct cur c = cur_open(bytes_text(list));
    while (c.rest.n > 0)
        if (bytes_is_nocase(cur_until(&c, ','), name))
            return true;
    return false;
}

bool request_has_name(const struct request *r, const char *name) {
    return list_has(r->dns, name) || list_has(r->ip, name) || strcmp(r->out, name) == 0;
}

static enum err make_key(const struct agent *a, const char *type, struct signing_key **out,
                         struct fault *f) {
    static const struct {
        const char *name;
        enum key_kind kind;
        unsigned bits;
    } types[] = {
        {"ec-p256",  KEY_EC_P256, 256 },
        {"rsa-2048", KEY_RSA,     2048},
        {"rsa-3072", KEY_RSA,     3072},
        {"rsa-4096", KEY_RSA,     4096},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i].name) == 0)
            return signing_key_make(a->env, types[i].kind, types[i].bits, out, f);
    return fault_set(f, ERR_USAGE, "key type",
                     "%s is none of ec-p256, rsa-2048, rsa-3072, rsa-4096", type);
}

enum err request_begin(const struct agent *a, struct request *r, struct fault *f) {
    struct signing_key *key = NULL;
    uint8_t id[REQUEST_ID_SIZE];
    char *text = arena_alloc(a->arena, 2 * REQUEST_ID_SIZE + 1);
    if (!text || !a->env->random(a->env->context, id, sizeof id))
        return fault_set(f, ERR_FAILED, "request", "no random bytes");
    hex_write(text, bytes_of(id, sizeof id));
    r->id = text;
    r->state = "pending";
    r->reason = NULL;
    enum err err = make_key(a, r->key_type, &key, f);
    if (!err)
        err = install_begin(a, r, key, f);
    signing_key_close(key);
    return err;
}
