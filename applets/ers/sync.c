/* ers sync: work that waits at the server, within what this agent does anyway.
 *
 * A rescan is a scan of this agent's own targets, never of others: the server cannot
 * make an agent look at what nobody configured here, unless `remote = all` in ers.conf
 * lets it set targets too; they are kept apart from the person's file. Requests that were
 * approved are fetched and installed. `remote = none` leaves only these.
 */
#include "applets/ers/ers.h"
#include "applets/ers/requests.h"
#include "applets/ers/scan.h"
#include "base/json.h"

#include <string.h>

enum { ANSWER_MAX = 8 << 20, ANSWER_TOKENS = 100000 };

struct sync {
    struct agent a;
    struct agent_session *session;
    struct signing_key *key;
    bool may_scan, may_target;
    struct bytes rescan; /* its id; empty: none is asked for */
    struct opt_list rescan_targets;
    size_t failed;
    int status; /* of a scan that did not come to its end */
};

static enum err read_remote(struct sync *s, struct fault *f) {
    const char *remote = s->a.config.remote ? s->a.config.remote : "scan";
    s->may_target = strcmp(remote, "all") == 0;
    s->may_scan = s->may_target || strcmp(remote, "scan") == 0;
    if (!s->may_scan && strcmp(remote, "none") != 0)
        return fault_set(f, ERR_USAGE, "remote", "'%s' in %s: none, scan or all", remote,
                         s->a.conf);
    return ERR_OK;
}

static enum err tell_done(struct sync *s, struct bytes id, struct fault *f) {
    struct buf body, answer;
    buf_init(&body, 1024);
    buf_init(&answer, ANSWER_MAX);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_bytes(&j, "rescan", id);
    json_end(&j, '}');
    struct agent_request request = {.method = "POST",
                                    .path = "/api/v1/agents/self/work/done",
                                    .body = buf_bytes(&body),
                                    .content_type = "application/json"};
    enum err err = agent_session_call(s->session, &request, &answer, f);
    buf_clear(&body);
    buf_clear(&answer);
    return err;
}

/* Where they are no longer allowed or set, they are forgotten. */
static enum err keep_targets(struct sync *s, struct json_value targets, struct fault *f) {
    struct bytes text = {NULL, 0};
    if (s->may_target && json_type_of(targets) == JSON_OBJECT &&
        !json_string(json_get(targets, "text"), s->a.arena, &text))
        return fault_set(f, ERR_NETWORK, "server", "its targets are none that are understood");
    return ers_targets_keep_remote(s->a.common, &s->a.places, text, f);
}

static enum err read_rescan(struct sync *s, struct json_value rescan, struct fault *f) {
    struct json_value targets = json_get(rescan, "targets"), v = json_first(targets);
    struct bytes id, word;
    if (!json_string(json_get(rescan, "id"), s->a.arena, &id))
        return ERR_OK; /* none */
    struct opt_list list = {
        .items = arena_array(s->a.arena, json_count(targets) + 1, sizeof *list.items)};
    if (!list.items)
        return fault_set(f, ERR_MEMORY, "rescan", "%s", "");
    for (; json_type_of(v) != JSON_NONE; v = json_next(v))
        if (json_string(v, s->a.arena, &word))
            list.items[list.n++] = arena_cstr(s->a.arena, word);
    s->rescan = arena_copy(s->a.arena, id);
    s->rescan_targets = list;
    return s->a.arena->err ? fault_set(f, s->a.arena->err, "rescan", "%s", "") : ERR_OK;
}

static enum err fetch(struct sync *s, struct fault *f) {
    struct buf answer;
    struct json_value v;
    struct agent_request request = {.method = "GET", .path = "/api/v1/agents/self/work"};
    buf_init(&answer, ANSWER_MAX);
    enum err err = agent_session_call(s->session, &request, &answer, f);
    if (!err && json_read(s->a.arena, buf_bytes(&answer), ANSWER_TOKENS, &v, NULL))
        err = fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    if (!err)
        err = read_rescan(s, json_get(v, "rescan"), f);
    if (!err)
        err = keep_targets(s, json_get(v, "targets"), f);
    buf_clear(&answer);
    return err;
}

/* ---- requests ---- */

static void tell_installed(const struct sync *s, const struct request *r) {
    if (!s->a.common->quiet)
        fprintf(s->a.env->out, "installed  %s\n", r->out);
}

/* One that fails does not keep the others. Those whose installation failed before are not
 * tried again every ten minutes: ers renew does. */
static enum err fetch_requests(struct sync *s, struct requests *all, struct fault *f) {
    enum err err = requests_report(&s->a, s->session, all, f);
    for (size_t i = 0; i < all->n && !err; i++) {
        struct request *r = &all->items[i];
        const char *old_sha256 = r->sha256;
        if (!request_is(r, "pending"))
            continue;
        if (request_advance(&s->a, s->session, all, r, f)) {
            opt_fail(s->a.env, s->a.common, f);
            s->failed++;
        } else if (request_is(r, "installed")) {
            tell_installed(s, r);
            s->failed += !request_look(&s->a, r, old_sha256);
        }
    }
    return err;
}

/* They may be another user's (root's, where this is a service's run): then `ers renew`
 * fetches them. Or another run is at them. */
static enum err sync_requests(struct sync *s, struct fault *f) {
    struct os_lock lock;
    struct requests all;
    enum err err = requests_lock(&s->a, &lock, f);
    if (err == ERR_LOCKED || err == ERR_PERMISSION)
        return ERR_OK;
    if (err)
        return err;
    err = requests_read(&s->a, &all, f);
    if (!err)
        err = fetch_requests(s, &all, f);
    os_lock_close(&lock);
    return err;
}

/* ---- rescans ---- */

static int scan_all(const struct sync *s) {
    struct opt_common common = *s->a.common;
    void *options = arena_alloc(s->a.arena, ers_scan.size + 1);
    if (!options)
        return err_row(ERR_MEMORY)->exit_status;
    ers_scan.defaults(options);
    common.words = (struct opt_list){NULL, 0};
    common.quiet = true;
    common.json = false;
    return ers_scan.run(s->a.env, options, &common);
}

/* Done is what was looked at and delivered, and what is none of our targets. */
static enum err rescan(struct sync *s, struct fault *f) {
    struct ers_places *places = &s->a.places;
    struct scan_look look = {.wanted = s->rescan_targets};
    int status = 0;
    if (look.wanted.n > 0)
        status = scan_look(s->a.env, s->a.common, &look);
    else if (file_exists(places->targets) || file_exists(places->remote))
        status = scan_all(s);
    if (look.wanted.n > look.covered)
        fprintf(s->a.env->err, "ers sync: %zu of the places to look at are no targets here\n",
                look.wanted.n - look.covered);
    if (status == 0)
        return tell_done(s, s->rescan, f);
    s->status = status;
    return ERR_OK;
}

static enum err sync(struct sync *s, struct fault *f) {
    enum err err = read_remote(s, f);
    if (!err)
        err = agent_session_of(&s->a, &s->key, &s->session, f);
    if (!err)
        err = fetch(s, f);
    if (!err)
        err = sync_requests(s, f);
    if (!err && s->rescan.n > 0 && s->may_scan)
        err = rescan(s, f);
    return err;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct sync s = {.may_scan = false};
    struct fault f = {0};
    (void)options;
    enum err err = agent_open(env, common, &s.a, &f);
    if (!err && !s.a.enrolled)
        err = fault_set(&f, ERR_CREDENTIALS, "enrolment", "no server yet: ers login URL");
    if (!err)
        err = sync(&s, &f);
    agent_session_close(s.session);
    signing_key_close(s.key);
    if (err)
        return opt_fail(env, common, &f);
    return s.failed > 0 ? err_row(ERR_FAILED)->exit_status : s.status;
}

static const struct opt_row rows[] = {
    {OPT_END, 0, NULL, NULL, 0, NULL}
};

const struct opt_command ers_sync = {
    .name = "sync",
    .arguments = "",
    .summary = "do what waits at the server: targets, rescans, approved requests",
    .examples = "ers sync",
    .rows = rows,
    .size = 1,
    .run = run,
};
