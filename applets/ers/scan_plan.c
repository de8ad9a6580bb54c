/* Words, options and the targets file into a plan. See scan.h. */
#include "applets/ers/scan.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

/* Two words for one host: the ports of both. */
static enum err join(struct scan *s, struct model_target_file *list, struct model_target *t,
                     struct fault *f) {
    struct model_target *known = model_target_file_find(list, t->key);
    if (!known)
        return model_target_file_put(list, t, f);
    if (model_target_check_joined(known, t, f))
        return ERR_USAGE;
    if (known->has_ports || t->has_ports) {
        const struct model_ports *a = known->has_ports ? &known->ports : &s->plan.default_ports;
        const struct model_ports *b = t->has_ports ? &t->ports : &s->plan.default_ports;
        enum err err = model_ports_join(s->common->arena, a, b, &t->ports);
        if (err)
            return fault_set(f, err, "ports", "%.*s", (int)t->key.n, (const char *)t->key.p);
        t->has_ports = true;
    }
    *known = *t; /* the list is never written: no line of it has to be marked */
    return ERR_OK;
}

static enum err read_words(struct scan *s, struct fault *f) {
    struct arena *a = s->common->arena;
    struct model_items items = {NULL, 0, 0};
    struct model_target_file list = {.arena = a, .default_ports = s->plan.default_ports};
    enum err err = ERR_OK;
    for (size_t i = 0; i < s->common->words.n && !err; i++)
        err = model_list_read(a, bytes_text(s->common->words.items[i]), MODEL_BLANKS_SEPARATE,
                              s->env->in, &items, f);
    for (size_t i = 0; i < items.n && !err; i++) {
        struct model_target t;
        err = model_target_read(a, items.items[i], MODEL_FORMS_WORDS, &t, NULL, f);
        if (!err)
            err = model_target_check(&t, f);
        if (!err)
            err = join(s, &list, &t, f);
    }
    s->plan.targets = list.targets;
    s->plan.targets_n = list.targets_n;
    return err;
}

/* The trap of one user discovering and another one's cron scanning. */
static enum err tell_no_targets(const struct scan *s, struct fault *f) {
    const char *file = s->agent.places.targets;
    char *other = s->common->config ? NULL : os_place_other(s->common->arena, OS_CONFIG);
    char *theirs = other ? path_join(s->common->arena, other, "targets") : NULL;
    const char *is = file_exists(file) ? "has none" : "is not there";
    if (theirs && file_exists(theirs))
        return fault_set(f, ERR_NOT_FOUND, "targets", "%s %s, but %s is: scan as its user", file,
                         is, theirs);
    return fault_set(f, ERR_NOT_FOUND, "targets", "%s %s: ers discover HOST", file, is);
}

static enum err read_ports(struct scan *s, struct fault *f) {
    enum err err = model_ports_read(s->common->arena, bytes_text(s->options->ports),
                                    &s->plan.default_ports, f);
    if (err)
        f->what = "--ports";
    return err;
}

/* --ports serve words without a port of their own; configured targets all. */
static enum err override_ports(struct scan *s, struct fault *f) {
    struct model_target *own = arena_array(s->common->arena, s->plan.targets_n + 1, sizeof *own);
    if (!own)
        return fault_set(f, ERR_MEMORY, "targets", "%s", "");
    for (size_t i = 0; i < s->plan.targets_n; i++) {
        own[i] = s->plan.targets[i];
        own[i].has_ports = false;
    }
    s->plan.targets = own;
    return ERR_OK;
}

static enum err read_targets(struct scan *s, struct fault *f) {
    enum err err = ers_targets_read(s->common, &s->agent.places, &s->file, f);
    if (err)
        return err;
    static const struct model_exclusions none = {NULL, 0};
    struct model_exclusions *x = arena_alloc(s->common->arena, sizeof *x);
    if (x)
        *x = model_target_file_exclusions(&s->file);
    s->plan.exclusions = x ? x : &none;
    s->plan.default_ports = s->file.default_ports;
    if (s->options->ports && (err = read_ports(s, f)) != ERR_OK)
        return err;
    if (s->look)
        return scan_own_targets(s, f);
    if (s->is_look)
        return read_words(s, f);
    s->plan.targets = s->file.targets;
    s->plan.targets_n = s->file.targets_n;
    if (s->plan.targets_n == 0)
        return tell_no_targets(s, f);
    return s->options->ports ? override_ports(s, f) : ERR_OK;
}

static enum err read_face_options(struct scan *s, struct fault *f) {
    const struct scan_options *o = s->options;
    struct buf name;
    enum err err = ERR_OK;
    if (o->protocol && !model_protocol_read(bytes_text(o->protocol), &s->plan.protocol)) {
        const char *near = model_protocol_near(bytes_text(o->protocol));
        return fault_set(f, ERR_USAGE, "--protocol", "\"%.60s\"%s%s%s", o->protocol,
                         near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
    }
    if (o->connect && !ip_read(bytes_text(o->connect), &s->plan.connect))
        return fault_set(f, ERR_USAGE, "--connect", "\"%.60s\" is no address", o->connect);
    if (o->faces && strcmp(o->faces, "full") == 0)
        s->plan.faces = PROBE_FACES_FULL;
    else if (o->faces && strcmp(o->faces, "quick") == 0)
        s->plan.faces = PROBE_FACES_QUICK;
    else if (o->faces)
        return fault_set(f, ERR_USAGE, "--faces", "\"%.60s\" is neither quick nor full", o->faces);
    if (!o->sni)
        return ERR_OK;
    buf_init(&name, 512);
    err = model_name_read(bytes_text(o->sni), &name, f);
    if (err)
        f->what = "--sni";
    s->plan.sni = arena_copy(s->common->arena, buf_bytes(&name));
    buf_clear(&name);
    return err;
}

static enum err check_options(struct scan *s, struct fault *f) {
    const struct scan_options *o = s->options;
    if (o->push && o->no_push)
        return fault_set(f, ERR_USAGE, "options", "--push and --no-push contradict each other");
    if (o->resume && !s->is_pass)
        return fault_set(f, ERR_USAGE, "--resume",
                         "continues a scan of all that is configured, as it is configured");
    if (o->push && !s->agent.enrolled && !s->look)
        return fault_set(f, ERR_CREDENTIALS, "--push", "no server yet: ers login URL");
    return ERR_OK;
}

/* ---- files ---- */

/* The path of a row about a file or a store. */
static bool path_of(const struct last_row *row, struct bytes *path) {
    size_t n = 0;
    for (enum model_kind k = MODEL_KIND_FILE; k <= MODEL_KIND_STORE; k++) {
        size_t word = strlen(model_kind_name(k));
        if (row->key.n > word + 1 && row->key.p[row->key.n - word - 1] == ' ' &&
            bytes_is(bytes_part(row->key, row->key.n - word, word), model_kind_name(k)))
            n = row->key.n - word - 1;
    }
    *path = bytes_part(row->key, 0, n);
    bool is_path = bytes_starts(*path, "/") || model_path_is_store(*path) ||
                   bytes_find(*path, bytes_text(":\\")) == 1 || bytes_starts(*path, "\\\\");
    return row->has_certificate && is_path && !bytes_is(row->state, "gone");
}

static int compare_paths(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

enum err scan_plan_known(struct scan *s, struct fault *f) {
    struct bytes *paths = arena_array(s->common->arena, s->last.n + 1, sizeof *paths);
    size_t n = 0;
    if (!paths)
        return fault_set(f, ERR_MEMORY, "last scan", "%s", "");
    for (size_t i = 0; i < s->last.n; i++)
        n += path_of(&s->last.rows[i], &paths[n]);
    qsort(paths, n, sizeof *paths, compare_paths);
    size_t kept = 0; /* a file that was replaced has several rows */
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || !bytes_equal(paths[kept - 1], paths[i]))
            paths[kept++] = paths[i];
    s->plan.known_paths = paths;
    s->plan.known_paths_n = kept;
    return ERR_OK;
}

/* Never none, and never more than a handshake message can be (16 MiB). */
static size_t chain_max_of(const struct scan_options *o) {
    enum { KB_MAX = 16 * 1024 };
    uint64_t kb = o->chain_max_kb > 0 ? o->chain_max_kb : 1;
    return (size_t)(kb < KB_MAX ? kb : KB_MAX) * 1024;
}

static bool is_done(void *context, const struct model_endpoint *e) {
    struct scan *s = context;
    size_t shown;
    bool is_it = done_has(&s->before, scan_key(s, e, &shown));
    s->skipped += is_it;
    return is_it;
}

static enum err read_done(struct scan *s, struct fault *f) {
    enum err err = done_read(s->common->arena, s->agent.done, env_now_s(s->env), &s->before, f);
    s->plan.is_done = is_done;
    s->plan.done_context = s;
    return err;
}

enum err scan_plan_open(struct scan *s, struct fault *f) {
    const struct scan_options *o = s->options;
    s->is_look = s->common->words.n > 0 || s->look;
    /* Fewer faces than the targets have by themselves are no whole pass over them. */
    bool is_less = o->faces && strcmp(o->faces, "full") != 0;
    s->is_pass = !s->is_look && !o->ports && !o->sni && !o->connect && !o->protocol && !is_less;
    s->limits = (struct probe_limits){.parallel = o->parallel,
                                      .per_host = o->per_host,
                                      .rate = o->rate,
                                      .timeout_ms = o->timeout_ms,
                                      .deadline_ms = o->deadline_ms,
                                      .handshake_max = chain_max_of(o)};
    enum err err = check_options(s, f);
    if (!err)
        err = read_face_options(s, f);
    if (!err)
        err = fail_on_read(&s->fail_on, &s->options->fail_on, f);
    if (!err)
        err = read_targets(s, f);
    if (!err && o->resume)
        err = read_done(s, f);
    if (!err)
        err = probe_count(&s->plan, &s->endpoints, f);
    if (!err && s->before.n < s->endpoints)
        s->endpoints -= s->before.n;
    if (!err && !spool_id(s->env, s->id))
        err = fault_set(f, ERR_FAILED, "random bytes", "%s", "");
    s->plan.scan = bytes_text(s->id);
    return err;
}
