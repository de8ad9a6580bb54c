/* The file of requests. See requests.h. */
#include "applets/ers/requests.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "x509/x509.h"

#include <string.h>

enum { FILE_MAX = 16 << 20, LINE_TOKENS = 64, KEY_MAX = 16384, ID_SIZE = 16 };

struct member {
    const char *name;
    size_t offset;
};
static const struct member members[] = {
    {"id",       offsetof(struct request, id)      },
    {"dns",      offsetof(struct request, dns)     },
    {"ip",       offsetof(struct request, ip)      },
    {"profile",  offsetof(struct request, profile) },
    {"key_type", offsetof(struct request, key_type)},
    {"out",      offsetof(struct request, out)     },
    {"format",   offsetof(struct request, format)  },
    {"owner",    offsetof(struct request, owner)   },
    {"mode",     offsetof(struct request, mode)    },
    {"reload",   offsetof(struct request, reload)  },
    {"state",    offsetof(struct request, state)   },
    {"reason",   offsetof(struct request, reason)  },
    {"sha256",   offsetof(struct request, sha256)  },
};
enum { MEMBERS = sizeof members / sizeof members[0] };

static const char **member_at(struct request *r, size_t i) {
    return (const char **)(void *)((char *)r + members[i].offset);
}

static void read_time(struct json_value v, int64_t *out) {
    if (!json_integer(v, out))
        *out = 0;
}

static bool read_line(const struct agent *a, struct bytes line, struct request *out) {
    struct json_value v;
    struct bytes text;
    struct fault ignored;
    *out = (struct request){0};
    if (json_read(a->arena, line, LINE_TOKENS, &v, &ignored) != ERR_OK)
        return false;
    for (size_t i = 0; i < MEMBERS; i++)
        if (json_string(json_get(v, members[i].name), a->arena, &text))
            *member_at(out, i) = arena_cstr(a->arena, text);
    read_time(json_get(v, "not_before"), &out->not_before_s);
    read_time(json_get(v, "not_after"), &out->not_after_s);
    return out->id && out->dns && out->ip && out->key_type && out->out && out->format && out->state;
}

static const char *state_file(const struct agent *a) {
    return path_join(a->arena, a->places.state, "requests");
}

static enum err read_lines(const struct agent *a, struct bytes text, struct requests *out,
                           struct fault *f) {
    struct cur c = cur_open(text);
    for (unsigned number = 1; c.rest.n > 0; number++) {
        struct bytes line = bytes_trim(cur_until(&c, '\n'));
        if (line.n == 0)
            continue;
        if (out->n >= REQUESTS_MAX || !read_line(a, line, &out->items[out->n]))
            return fault_set(f, ERR_DAMAGED, "requests", "%s line %u", state_file(a), number);
        out->n++;
    }
    return ERR_OK;
}

static size_t count_lines(struct bytes text) {
    size_t n = 1;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n < REQUESTS_MAX ? n : REQUESTS_MAX;
}

/* Room for one more is left behind the last. */
enum err requests_read(const struct agent *a, struct requests *out, struct fault *f) {
    struct buf text;
    const char *path = state_file(a);
    buf_init(&text, FILE_MAX);
    *out = (struct requests){0};
    enum err err = file_exists(path) ? file_read(path, &text, f) : ERR_OK;
    out->items = arena_array(a->arena, count_lines(buf_bytes(&text)) + 1, sizeof *out->items);
    if (!err && !out->items)
        err = fault_set(f, ERR_MEMORY, "requests", "%s", path);
    if (!err)
        err = read_lines(a, buf_bytes(&text), out, f);
    buf_clear(&text);
    return err;
}

static void put_request(struct buf *out, struct request *r) {
    struct json j = json_to(out);
    json_object(&j, NULL);
    for (size_t i = 0; i < MEMBERS; i++)
        if (*member_at(r, i))
            json_text(&j, members[i].name, *member_at(r, i));
    json_int(&j, "not_before", r->not_before_s);
    json_int(&j, "not_after", r->not_after_s);
    json_end(&j, '}');
    buf_u8(out, '\n');
}

enum err requests_write(const struct agent *a, const struct requests *r, struct fault *f) {
    struct buf text;
    buf_init(&text, FILE_MAX);
    for (size_t i = 0; i < r->n; i++)
        put_request(&text, &r->items[i]);
    enum err err = text.err ? fault_set(f, text.err, "requests", "%zu", r->n)
                            : file_replace(state_file(a), buf_bytes(&text), 0600, f);
    buf_clear(&text);
    return err;
}

enum err requests_lock(const struct agent *a, struct os_lock *lock, struct fault *f) {
    return os_lock_open(lock, path_join(a->arena, a->places.state, "requests.lock"), f);
}

struct request *requests_for(const struct requests *r, const char *out) {
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->items[i].out, out) == 0)
            return &r->items[i];
    return NULL;
}

const char *request_key_file(const struct agent *a, const struct request *r) {
    char name[64];
    snprintf(name, sizeof name, "keys/%.32s.pem", r->id);
    return path_join(a->arena, a->places.state, name);
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
    uint8_t id[ID_SIZE];
    char *text = arena_alloc(a->arena, 2 * ID_SIZE + 1);
    if (!text || !a->env->random(a->env->context, id, sizeof id))
        return fault_set(f, ERR_FAILED, "request", "no random bytes");
    hex_write(text, bytes_of(id, sizeof id));
    r->id = text;
    r->state = "pending";
    r->reason = NULL;
    enum err err = dir_make(path_join(a->arena, a->places.state, "keys"), 0700, f);
    if (!err)
        err = make_key(a, r->key_type, &key, f);
    if (!err)
        err = x509_key_file_write(request_key_file(a, r), key, f);
    signing_key_close(key);
    return err;
}
