/* The agent's targets: places, lock, replacing, listing. See targets.h. */
#include "applets/ers/targets.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdio.h>

enum { COLUMN_MAX = 48 };

enum err ers_places_find(const struct opt_common *common, struct ers_places *out, struct fault *f) {
    struct arena *a = common->arena;
    struct ers_places p = {.config = common->config};
    if (p.config != NULL) {
        p.state = path_join(a, p.config, "state");
    } else {
        p.config = os_place(a, OS_CONFIG);
        p.state = os_place(a, OS_AGENT_STATE);
    }
    if (p.config == NULL || p.state == NULL)
        return fault_set(f, ERR_NOT_FOUND, "configuration",
                         "no home folder: give one with --config DIR");
    p.targets = path_join(a, p.config, "targets");
    p.passes = path_join(a, p.state, "passes");
    p.remote = path_join(a, p.state, "targets.server");
    if (p.targets == NULL || p.passes == NULL || p.remote == NULL)
        return fault_set(f, a->err, "configuration", "%s", p.config);
    *out = p;
    return ERR_OK;
}

/* The person's own word on a target, and every exclusion, come first. */
static enum err add_remote(struct model_target_file *file, const struct model_target_file *remote,
                           struct fault *f) {
    enum err e = ERR_OK;
    for (size_t i = 0; i < remote->targets_n && e == ERR_OK; i++) {
        struct model_target t = remote->targets[i];
        if (model_target_file_find(file, t.key) != NULL)
            continue;
        if (!t.has_ports)
            t.ports = remote->default_ports;
        t.has_ports = t.kind != MODEL_TARGET_PATH;
        t.is_remote = true;
        e = model_target_file_put(file, &t, f);
    }
    for (size_t i = 0; i < remote->excluded_n && e == ERR_OK; i++)
        if (model_target_file_find_excluded(file, remote->excluded[i].key) == NULL)
            e = model_target_file_put_excluded(file, &remote->excluded[i], f);
    return e;
}

enum err ers_targets_read(const struct opt_common *common, const struct ers_places *places,
                          struct model_target_file *out, struct fault *f) {
    struct model_target_file remote;
    enum err e = model_target_file_read(common->arena, places->targets, out, f);
    if (e != ERR_OK || !file_exists(places->remote))
        return e;
    e = model_target_file_read(common->arena, places->remote, &remote, f);
    return e == ERR_OK ? add_remote(out, &remote, f) : e;
}

enum err ers_targets_keep_remote(const struct opt_common *common, const struct ers_places *places,
                                 struct bytes text, struct fault *f) {
    struct model_target_file parsed;
    if (text.n == 0)
        return file_remove(places->remote, f);
    enum err e = model_target_file_parse(common->arena, text, "the server's targets", &parsed, f);
    return e == ERR_OK ? file_replace(places->remote, text, 0600, f) : e;
}

enum err ers_targets_lock(const struct opt_common *common, const struct ers_places *places,
                          struct os_lock *lock, struct fault *f) {
    char *path = path_join(common->arena, places->config, "targets.lock");
    lock->handle = -1;
    if (path == NULL)
        return fault_set(f, common->arena->err, "lock", "%s", places->config);
    enum err e = dir_make(places->config, 0755, f);
    return e == ERR_OK ? os_lock_open(lock, path, f) : e;
}

enum err ers_targets_save(const struct ers_places *places, const struct model_target_file *file,
                          struct fault *f) {
    struct buf text;
    buf_init(&text, MODEL_FILE_MAX);
    model_target_file_write(file, &text);
    enum err e = text.err != ERR_OK ? fault_set(f, text.err, "targets", "%s", places->targets)
                                    : file_replace(places->targets, buf_bytes(&text), 0644, f);
    buf_clear(&text);
    return e;
}

const char *ers_number(uint64_t n, char out[28]) {
    if (n >= 10000)
        return number_grouped(n, out);
    snprintf(out, 28, "%u", (unsigned)n);
    return out;
}

static struct model_count count_of(const struct model_target_file *file,
                                   const struct model_target *t) {
    struct model_exclusions x = model_target_file_exclusions(file);
    struct model_count c = {.addresses = 0};
    if (model_target_count(t, &file->default_ports, &x, &c) != ERR_OK)
        c.endpoints = UINT64_MAX; /* ruled out by model_target_check when the file was read */
    return c;
}

static int64_t for_json(uint64_t n) {
    return n <= INT64_MAX ? (int64_t)n : INT64_MAX;
}

void ers_target_members(struct json *j, const struct model_target_file *file,
                        const struct model_target *t) {
    struct model_count c = count_of(file, t);
    bool is_path = t->kind == MODEL_TARGET_PATH;
    struct buf ports;
    buf_init(&ports, 1 << 20);
    model_ports_write(&ports, t->has_ports ? &t->ports : &file->default_ports);
    json_text(j, "kind", model_target_kind_name(t->kind));
    json_bytes(j, "key", t->key);
    json_text(j, "source", t->is_remote ? "server" : "local");
    json_text(j, "ports", is_path ? NULL : buf_cstr(&ports));
    json_bool(j, "ports_are_own", t->has_ports);
    json_text(j, "protocol", is_path ? NULL : model_protocol_name(t->protocol));
    if (t->sni.n > 0)
        json_bytes(j, "sni", t->sni);
    else
        json_null(j, "sni");
    json_int(j, "addresses", for_json(c.addresses));
    json_int(j, "endpoints", for_json(c.endpoints));
    json_int(j, "excluded", for_json(c.excluded));
    buf_clear(&ports);
}

/* ---- listing ---- */

struct listing {
    const struct env *env;
    const struct model_target_file *file;
    struct model_passes passes;
};

static void list_json(const struct listing *l, struct buf *out) {
    for (size_t i = 0; i < l->file->targets_n; i++) {
        const struct model_target *t = &l->file->targets[i];
        struct json j = json_to(out);
        int64_t time_s;
        json_object(&j, NULL);
        json_text(&j, "type", "target");
        ers_target_members(&j, l->file, t);
        if (model_passes_find(&l->passes, t->key, &time_s))
            json_time(&j, "last_scan", time_s);
        else
            json_null(&j, "last_scan");
        json_end(&j, '}');
        buf_u8(out, '\n');
    }
}

/* The cell's text and blanks up to its column. */
static void put_cell(struct buf *out, struct bytes text, size_t width) {
    size_t before = out->n;
    text_escape(out, text);
    size_t used = out->n - before;
    buf_fill(out, ' ', (used < width ? width - used : 0) + 2);
}

static void put_ports(struct buf *out, const struct model_target *t) {
    if (t->kind == MODEL_TARGET_PATH)
        buf_text(out, "-");
    else if (t->has_ports)
        model_ports_write(out, &t->ports);
    else
        buf_text(out, "default");
    if (t->protocol != MODEL_PROTOCOL_NONE)
        buf_printf(out, " %s", model_protocol_name(t->protocol));
}

/* Widths of the first and third column. */
static void measure(const struct model_target_file *file, size_t *key, size_t *ports) {
    struct buf text;
    buf_init(&text, 1 << 20);
    *key = sizeof "TARGET" - 1;
    *ports = sizeof "PORTS" - 1;
    for (size_t i = 0; i < file->targets_n; i++) {
        buf_reset(&text);
        put_ports(&text, &file->targets[i]);
        if (file->targets[i].key.n > *key && file->targets[i].key.n <= COLUMN_MAX)
            *key = file->targets[i].key.n;
        if (text.n > *ports && text.n <= COLUMN_MAX)
            *ports = text.n;
    }
    buf_clear(&text);
}

static void list_row(const struct listing *l, const struct model_target *t, size_t key_width,
                     size_t ports_width, struct buf *out) {
    struct model_count c = count_of(l->file, t);
    char number[28], time[CLOCK_TEXT_MAX] = "-";
    struct buf ports;
    int64_t time_s;
    buf_init(&ports, 1 << 20);
    put_ports(&ports, t);
    if (model_passes_find(&l->passes, t->key, &time_s))
        clock_write(time_s, time);
    put_cell(out, t->key, key_width);
    put_cell(out, bytes_text(t->is_remote ? "server" : "local"), 6);
    put_cell(out, buf_bytes(&ports), ports_width);
    buf_printf(out, "%9s  %s\n", ers_number(c.endpoints, number), time);
    buf_clear(&ports);
}

static void list_rest(const struct model_target_file *file, uint64_t endpoints, struct buf *out) {
    char targets[28], number[28];
    buf_printf(out, "\n%s target%s, %s endpoint%s\ndefault ports  ",
               ers_number(file->targets_n, targets), file->targets_n == 1 ? "" : "s",
               ers_number(endpoints, number), endpoints == 1 ? "" : "s");
    model_ports_write(out, &file->default_ports);
    buf_u8(out, '\n');
    for (size_t i = 0; i < file->excluded_n; i++) {
        const struct model_target *x = &file->excluded[i];
        buf_text(out, "excluded       ");
        text_escape(out, x->key);
        if (x->has_ports) {
            buf_text(out, "  ");
            model_ports_write(out, &x->ports);
        }
        buf_u8(out, '\n');
    }
}

static void list_table(const struct listing *l, struct buf *out) {
    size_t key, ports;
    uint64_t endpoints = 0;
    measure(l->file, &key, &ports);
    put_cell(out, bytes_text("TARGET"), key);
    put_cell(out, bytes_text("SOURCE"), 6);
    put_cell(out, bytes_text("PORTS"), ports);
    buf_text(out, "ENDPOINTS  LAST SCAN\n");
    for (size_t i = 0; i < l->file->targets_n; i++) {
        list_row(l, &l->file->targets[i], key, ports, out);
        endpoints = model_count_add(endpoints, count_of(l->file, &l->file->targets[i]).endpoints);
    }
    list_rest(l->file, endpoints, out);
}

enum err ers_targets_list(const struct env *env, const struct opt_common *common,
                          const struct ers_places *places, const struct model_target_file *file,
                          struct fault *f) {
    struct listing l = {.env = env, .file = file};
    struct buf out;
    enum err e = model_passes_read(common->arena, places->passes, &l.passes, f);
    if (e != ERR_OK)
        return e;
    buf_init(&out, (size_t)256 << 20);
    if (common->json)
        list_json(&l, &out);
    else
        list_table(&l, &out);
    if (out.err != ERR_OK)
        e = fault_set(f, out.err, "list", "%s", places->targets);
    else if (out.n > 0 && fwrite(out.p, 1, out.n, env->out) != out.n)
        e = fault_set(f, ERR_IO, "write", "standard output");
    buf_clear(&out);
    return e;
}
