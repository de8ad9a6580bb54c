/* ers renew: what ends soon is asked for anew; what waits is fetched. */
#include "applets/ers/ers.h"
#include "applets/ers/install.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/os.h"
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

struct renew {
    struct agent a;
    const struct renew_options *o;
    struct requests all;
    struct agent_session *session;
    struct signing_key *key;
    size_t failed;
};

static bool is_under_way(const struct request *r) {
    return request_is(r, "pending") || request_is(r, "failed");
}

/* What is under way goes on; what is installed is due when little is left. A refusal stands
 * until somebody asks again (--force, or ers request), but it is told when time runs out. */
static bool is_due(const struct renew *w, const struct request *r) {
    int64_t left_s = 0;
    bool is_short = r->sha256 && read_left(w->o->when_left, r, &left_s) &&
                    r->not_after_s - env_now_s(w->a.env) <= left_s;
    if (w->o->force)
        return request_has_name(r, w->o->force);
    return is_under_way(r) || is_short || (w->o->all && request_is(r, "installed"));
}

static void tell(const struct renew *w, const char *what, const struct request *r) {
    char time[CLOCK_TEXT_MAX];
    if (w->a.common->quiet)
        return;
    if (w->a.common->json) {
        struct buf out;
        buf_init(&out, 64 * 1024);
        struct json j = json_to(&out);
        json_object(&j, NULL);
        json_text(&j, "type", "renewal");
        json_text(&j, "what", what);
        json_text(&j, "id", r->id);
        json_text(&j, "out", r->out);
        json_text(&j, "dns", r->dns);
        json_text(&j, "ip", r->ip);
        json_text(&j, "sha256", r->sha256);
        json_time(&j, "not_after", r->not_after_s);
        json_end(&j, '}');
        fprintf(w->a.env->out, "%s\n", buf_cstr(&out));
        buf_clear(&out);
        return;
    }
    fprintf(w->a.env->out, "%-10s %s  %s%s%.10s\n", what, r->out, r->dns[0] ? r->dns : r->ip,
            r->sha256 ? "  ends " : "", r->sha256 ? clock_write(r->not_after_s, time) : "");
}

static enum err renew_one(struct renew *w, struct request *r, struct fault *f) {
    if (is_under_way(r) && install_has_key(&w->a, r))
        return request_advance(&w->a, w->session, &w->all, r, f);
    if (request_is(r, "refused") && !w->o->force)
        return fault_set(f, ERR_PERMISSION, "request refused", "%s: %s", r->out,
                         r->reason ? r->reason : "");
    struct request was = *r;
    enum err err = request_begin(&w->a, r, f);
    if (!err)
        err = requests_write(&w->a, &w->all, f);
    if (err) {
        *r = was;
        return err;
    }
    return request_advance(&w->a, w->session, &w->all, r, f);
}

static enum err open_session(struct renew *w, struct fault *f) {
    return w->session ? ERR_OK : agent_session_of(&w->a, &w->key, &w->session, f);
}

static bool is_hopeless(enum err err) {
    return err == ERR_NETWORK || err == ERR_TIMEOUT || err == ERR_TLS || err == ERR_CREDENTIALS ||
           err == ERR_CLOCK;
}

/* One that fails does not keep the others from being renewed; a server that is away does. */
static enum err renew_due(struct renew *w, struct request *r, struct fault *f) {
    const char *old_sha256 = r->sha256;
    if (w->o->dry_run) {
        tell(w, is_under_way(r) ? "under way" : request_is(r, "refused") ? "refused" : "due", r);
        return ERR_OK;
    }
    enum err err = open_session(w, f);
    if (!err && (err = renew_one(w, r, f)) != ERR_OK) {
        w->failed++;
        if (is_hopeless(err) && !request_is(r, "failed")) /* there: a reload took too long */
            return err;
        opt_fail(w->a.env, w->a.common, f);
        return ERR_OK;
    }
    if (err)
        return err;
    if (!request_is(r, "installed")) {
        tell(w, "waiting", r);
        return ERR_OK;
    }
    tell(w, "renewed", r);
    w->failed += !request_look(&w->a, r, old_sha256);
    return ERR_OK;
}

static enum err settle_all(struct renew *w, struct fault *f) {
    enum err err = ERR_OK;
    for (size_t i = 0; i < w->all.n && !err; i++)
        err = install_settle(&w->a, &w->all.items[i], f);
    if (!err && requests_have_outcomes(&w->all) && (err = open_session(w, f)) == ERR_OK)
        err = requests_report(&w->a, w->session, &w->all, f);
    return err;
}

static enum err renew_all(struct renew *w, struct fault *f) {
    int64_t ignored;
    size_t n = 0;
    if (!read_left(w->o->when_left, &(struct request){0}, &ignored))
        return fault_set(f, ERR_USAGE, "--when-left", "'%s': 33%% or 20d", w->o->when_left);
    enum err err = w->o->dry_run ? ERR_OK : settle_all(w, f);
    for (size_t i = 0; i < w->all.n && !err; i++) {
        if (!is_due(w, &w->all.items[i]))
            continue;
        n++;
        err = renew_due(w, &w->all.items[i], f);
    }
    if (!err && n == 0 && w->o->force)
        err = fault_set(f, ERR_NOT_FOUND, "--force", "'%s': no certificate was requested for it",
                        w->o->force);
    if (!err && n == 0 && os_is_terminal(1) && !w->a.common->quiet && !w->a.common->json)
        fprintf(w->a.env->out, "nothing is due: %zu certificate%s\n", w->all.n,
                w->all.n == 1 ? "" : "s");
    return err;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct renew w = {.o = options};
    struct os_lock lock = {.handle = -1};
    struct fault f = {0};
    enum err err = agent_open(env, common, &w.a, &f);
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
    if (err)
        return opt_fail(env, common, &f);
    return w.failed > 0 ? err_row(ERR_FAILED)->exit_status : 0;
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
