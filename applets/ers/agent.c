/* The agent's files. See agent.h. The way to the server is in session.c. */
#include "applets/ers/agent.h"

#include "base/file.h"
#include "base/text.h"
#include "x509/x509.h"

#include <string.h>

enum { CONFIG_MAX = 1 << 20 };

#define ROW(member, value, help)                                                                   \
    { OPT_TEXT, 0, #member, value, offsetof(struct agent_config, member), help }
const struct opt_row agent_config_rows[] = {
    ROW(server, "URL", "Server, https://host[:port]"),
    ROW(agent, "ID", "Given by the server at enrolment"),
    ROW(name, "NAME", "As the server lists this agent"),
    ROW(network, "LABEL", "Agents with the same label see the same network"),
    ROW(pin, "PIN", "sha256-HEX of the server's root, or system"),
    ROW(ca, "FILE", "Roots to trust instead of a pin, PEM"),
    ROW(remote, "none|scan|all", "What the server may ask of this agent by ers sync; default scan"),
    {OPT_END, 0, NULL, NULL, 0, NULL},
};
#undef ROW

static const char *in_state(const struct agent *a, const char *name) {
    return path_join(a->arena, a->places.state, name);
}

enum err agent_open(struct env *env, const struct opt_common *common, struct agent *out,
                    struct fault *f) {
    struct agent a = {.env = env, .common = common, .arena = common->arena};
    enum err err = ers_places_find(common, &a.places, f);
    if (err)
        return err;
    a.conf = path_join(a.arena, a.places.config, "ers.conf");
    a.key_file = in_state(&a, "key.pem");
    a.lock_file = in_state(&a, "scan.lock");
    a.spool = in_state(&a, "spool");
    a.last = in_state(&a, "last-scan");
    a.done = in_state(&a, "scan-done");
    a.delivery = in_state(&a, "delivery");
    a.pushed = in_state(&a, "pushed");
    if (a.arena->err)
        return fault_set(f, a.arena->err, "paths", "%s", a.places.state);
    if (file_exists(a.conf))
        err = opt_read_file(a.arena, a.conf, agent_config_rows, &a.config, f);
    a.enrolled = a.config.server && a.config.agent && file_exists(a.key_file);
    *out = a;
    return err;
}

/* The folders above it are for others too. */
static enum err make_parent(const struct agent *a, struct fault *f) {
    size_t n = (size_t)(path_base(a->places.state) - a->places.state);
    while (n > 1 && (a->places.state[n - 1] == '/' || a->places.state[n - 1] == '\\'))
        n--;
    if (n == 0)
        return ERR_OK;
    const char *parent = arena_cstr(a->arena, bytes_of(a->places.state, n));
    return parent ? dir_make(parent, 0755, f) : fault_set(f, ERR_MEMORY, "path", "%s", "");
}

enum err agent_state_make(const struct agent *a, struct fault *f) {
    enum err err = make_parent(a, f);
    return err ? err : dir_make(a->places.state, 0700, f);
}

/* ---- ers.conf ---- */

static const struct opt_row *row_of(struct bytes line) {
    struct cur c = cur_open(line);
    struct bytes key = bytes_trim(cur_until(&c, '='));
    for (const struct opt_row *row = agent_config_rows; row->kind != OPT_END; row++)
        if (bytes_is(key, row->name))
            return row;
    return NULL;
}

static const char *value_of(const struct agent_config *config, const struct opt_row *row) {
    const char *value;
    memcpy(&value, (const char *)config + row->offset, sizeof value);
    return value;
}

static void put_row(struct buf *out, const struct agent_config *config, const struct opt_row *row) {
    if (value_of(config, row))
        buf_printf(out, "%s = %s\n", row->name, value_of(config, row));
}

/* The old lines, those of our keys replaced at their first place. */
static void rewrite(struct buf *out, struct bytes old, const struct agent_config *config) {
    struct cur c = cur_open(old);
    uint32_t written = 0; /* by row */
    while (c.rest.n > 0) {
        struct bytes line = cur_until(&c, '\n');
        const struct opt_row *row = row_of(bytes_trim(line));
        uint32_t bit = row ? UINT32_C(1) << (row - agent_config_rows) : 0;
        if (!row) {
            buf_put(out, line);
            buf_text(out, "\n");
        } else if (!(written & bit)) {
            put_row(out, config, row);
        }
        written |= bit;
    }
    for (const struct opt_row *row = agent_config_rows; row->kind != OPT_END; row++)
        if (!(written & UINT32_C(1) << (row - agent_config_rows)))
            put_row(out, config, row);
}

enum err agent_config_save(const struct agent *a, struct fault *f) {
    struct buf old, out;
    buf_init(&old, CONFIG_MAX);
    buf_init(&out, CONFIG_MAX);
    enum err err =
        file_exists(a->conf) ? file_read(a->conf, &old, f) : dir_make(a->places.config, 0755, f);
    if (!err) {
        if (old.n == 0)
            buf_text(&out,
                     "# The agent of clm. Written by `ers login`; what you change here stays.\n");
        rewrite(&out, buf_bytes(&old), &a->config);
        err = out.err ? fault_set(f, out.err, "configuration", "%s", a->conf)
                      : file_replace(a->conf, buf_bytes(&out), 0644, f);
    }
    buf_clear(&old);
    buf_clear(&out);
    return err;
}

/* ---- key ---- */

enum err agent_key_read(const struct agent *a, struct signing_key **out, struct fault *f) {
    return x509_key_file_read(a->key_file, out, f);
}

enum err agent_key_write(const struct agent *a, const struct signing_key *key, struct fault *f) {
    return x509_key_file_write(a->key_file, key, f);
}

/* ---- deliveries ---- */

/* clang-format off */
static const struct opt_row delivery_rows[] = {
    {OPT_UINT, 0, "success", "SECONDS", offsetof(struct agent_delivery, success_s), "Last delivery"},
    {OPT_UINT, 0, "failing", "SECONDS", offsetof(struct agent_delivery, failing_s), "Failing since"},
    {OPT_UINT, 0, "told",    "SECONDS", offsetof(struct agent_delivery, told_s),    "Last complaint"},
    {OPT_TEXT, 0, "error",   "TEXT",    offsetof(struct agent_delivery, error),     "Why not since"},
    {OPT_END,  0, NULL,      NULL,      0,                                          NULL},
};
/* clang-format on */

enum err agent_delivery_read(const struct agent *a, struct agent_delivery *out, struct fault *f) {
    *out = (struct agent_delivery){0};
    if (!file_exists(a->delivery))
        return ERR_OK;
    return opt_read_file(a->arena, a->delivery, delivery_rows, out, f);
}

enum err agent_delivery_write(const struct agent *a, const struct agent_delivery *d,
                              struct fault *f) {
    struct buf out;
    buf_init(&out, 4096);
    buf_printf(&out, "success = %llu\nfailing = %llu\ntold = %llu\n",
               (unsigned long long)d->success_s, (unsigned long long)d->failing_s,
               (unsigned long long)d->told_s);
    if (d->error)
        buf_printf(&out, "error = %.500s\n", d->error);
    enum err err = out.err ? fault_set(f, out.err, "delivery", "%s", a->delivery)
                           : file_replace(a->delivery, buf_bytes(&out), 0600, f);
    buf_clear(&out);
    return err;
}
