/* ers renew: what ends soon is asked for anew; what waits is fetched. */
#include "applets/ers/ers.h"
#include "applets/ers/install.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

struct renew_options {
    bool all, dry_run;
    const char *when_left, *force;
};

static void defaults(void *options) {
    ((struct renew_options *)options)->when_left = "33%";
}

/* "33%" of its life, or a time. False: neither. */
static bool read_left(const char *text, const struct request *r, int64_t *seconds) {
    size_t n = strlen(text);
    uint64_t v;
    if (n > 1 && text[n - 1] == '%' && number_read(bytes_of(text, n - 1), 100, &v)) {
        *seconds = (r->not_after_s - r->not_before_s) / 100 * (int64_t)v;
        return true;
    }
    if (!duration_read(bytes_text(text), &v))
        return false;
    *seconds = (int64_t)(v / 1000);
    return true;
}

static bool has_name(const struct request *r, const char *name) {
    struct cur c = cur_open(bytes_text(r->dns));
    while (c.rest.n > 0)
        if (bytes_is_nocase(cur_until(&c, ','), name))
            return true;
    return strcmp(r->out, name) == 0 || strcmp(r->ip, name) == 0;
}

struct renew {
    struct agent a;
    const struct renew_options *o;
    struct requests all;
    struct agent_session *session;
    struct signing_key *key;
    size_t done, waiting, failed;
};

static enum err is_due(const struct renew *w, const struct request *r, bool *due, struct fault *f) {
    int64_t left_s;
    *due = strcmp(r->state, "pending") == 0;
    if (!read_left(w->o->when_left, r, &left_s))
        return fault_set(f, ERR_USAGE, "--when-left", "'%s': 33%% or 20d", w->o->when_left);
    if (w->o->force)
        *due = has_name(r, w->o->force);
    else if (strcmp(r->state, "installed") == 0)
        *due = w->o->all || r->not_after_s - env_now_s(w->a.env) <= left_s;
    return ERR_OK;
}

static void tell(const struct renew *w, const char *what, const struct request *r) {
    if (!w->a.common->quiet)
        fprintf(w->a.env->out, "%-10s %s  %s\n", what, r->out, r->dns[0] ? r->dns : r->ip);
}

static enum err renew_one(struct renew *w, struct request *r, struct fault *f) {
    enum err err = install_check(&w->a, r->out, f);
    if (!err && strcmp(r->state, "pending") != 0) {
        err = request_begin(&w->a, r, f);
        if (!err)
            err = requests_write(&w->a, &w->all, f);
    }
    return err ? err : request_advance(&w->a, w->session, &w->all, r, f);
}

/* One that fails does not keep the others from being renewed. */
static enum err renew_due(struct renew *w, struct request *r, struct fault *f) {
    if (w->o->dry_run) {
        tell(w, "due", r);
        return ERR_OK;
    }
    if (!w->session) {
        enum err err = agent_session_of(&w->a, &w->key, &w->session, f);
        if (err)
            return err;
    }
    enum err err = renew_one(w, r, f);
    if (err) {
        w->failed++;
        opt_fail(w->a.env, w->a.common, f);
        return err == ERR_NETWORK || err == ERR_TIMEOUT || err == ERR_CREDENTIALS ? err : ERR_OK;
    }
    bool installed = strcmp(r->state, "installed") == 0;
    w->done += installed;
    w->waiting += !installed;
    if (installed)
        tell(w, "renewed", r);
    return ERR_OK;
}

static enum err renew_all(struct renew *w, struct fault *f) {
    enum err err = ERR_OK;
    for (size_t i = 0; i < w->all.n && !err; i++) {
        bool due = false;
        err = is_due(w, &w->all.items[i], &due, f);
        if (!err && due)
            err = renew_due(w, &w->all.items[i], f);
    }
    return err;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct renew w = {.o = options};
    struct os_lock lock = {.handle = -1};
    struct fault f = {0};
    enum err err = agent_open(env, common, &w.a, &f);
    if (!err)
        err = agent_state_make(&w.a, &f);
    if (!err)
        err = requests_lock(&w.a, &lock, &f);
    if (!err)
        err = requests_read(&w.a, &w.all, &f);
    if (!err)
        err = renew_all(&w, &f);
    agent_session_close(w.session);
    signing_key_close(w.key);
    if (lock.handle != -1)
        os_lock_close(&lock);
    if (!err && w.done > 0)
        request_look(&w.a);
    if (err && w.failed == 0)
        return opt_fail(env, common, &f);
    return w.failed > 0 ? err_row(err ? err : ERR_FAILED)->exit_status : 0;
}

/* clang-format off */
#define AT(member) offsetof(struct renew_options, member)
static const struct opt_row rows[] = {
    {OPT_FLAG, 0, "all",       NULL,   AT(all),       "All, also those that are not due"},
    {OPT_TEXT, 0, "when-left", "LEFT", AT(when_left), "Due with so much left: 33% of its life (default), or 20d"},
    {OPT_FLAG, 0, "dry-run",   NULL,   AT(dry_run),   "Only say what is due"},
    {OPT_TEXT, 0, "force",     "NAME", AT(force),     "This one, whatever is left: a name of it, or its folder"},
    {OPT_END,  0, NULL,        NULL,   0,             NULL},
};
/* clang-format on */

const struct opt_command ers_renew = {
    .name = "renew",
    .arguments = "",
    .summary = "renew what ends soon, fetch what was approved; nothing due is fine",
    .examples = "ers renew\ners renew --when-left 20d --dry-run\ners renew --force web.example.com",
    .rows = rows,
    .size = sizeof(struct renew_options),
    .defaults = defaults,
    .run = run,
};
