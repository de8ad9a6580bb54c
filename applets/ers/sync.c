/* ers sync: work that waits at the server, within what this agent does anyway.
 *
 * A rescan is a scan of this agent's own targets, never of others: the server cannot
 * make an agent look at what nobody configured here, unless `remote = all` in ers.conf
 * lets it set targets too; they are kept apart from the person's file. Requests that were
 * approved are fetched and installed. `remote = none` leaves only these.
 */
#include "applets/ers/ers.h"
#include "applets/ers/requests.h"
#include "base/json.h"

#include <string.h>

enum { ANSWER_MAX = 8 << 20, ANSWER_TOKENS = 100000 };

struct sync {
    struct agent a;
    struct agent_session *session;
    struct signing_key *key;
    bool may_scan, may_target;
    size_t installed, failed;
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

static enum err fetch(struct sync *s, struct bytes *rescan, struct fault *f) {
    struct buf answer;
    struct json_value v;
    struct bytes id;
    struct agent_request request = {.method = "GET", .path = "/api/v1/agents/self/work"};
    buf_init(&answer, ANSWER_MAX);
    *rescan = (struct bytes){NULL, 0};
    enum err err = agent_session_call(s->session, &request, &answer, f);
    if (!err && json_read(s->a.arena, buf_bytes(&answer), ANSWER_TOKENS, &v, f))
        err = fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    if (!err && json_string(json_get(json_get(v, "rescan"), "id"), s->a.arena, &id))
        *rescan = arena_copy(s->a.arena, id);
    if (!err)
        err = keep_targets(s, json_get(v, "targets"), f);
    buf_clear(&answer);
    return err;
}

/* One that fails does not keep the others. */
static enum err fetch_requests(struct sync *s, struct fault *f) {
    struct requests all;
    enum err err = requests_read(&s->a, &all, f);
    for (size_t i = 0; i < all.n && !err; i++) {
        struct request *r = &all.items[i];
        if (strcmp(r->state, "pending") != 0)
            continue;
        if (request_advance(&s->a, s->session, &all, r, f)) {
            opt_fail(s->a.env, s->a.common, f);
            s->failed++;
        } else if (strcmp(r->state, "installed") == 0) {
            s->installed++;
            if (!s->a.common->quiet)
                fprintf(s->a.env->out, "installed  %s\n", r->out);
        }
    }
    return err;
}

static enum err sync(struct sync *s, struct fault *f) {
    struct bytes rescan;
    enum err err = read_remote(s, f);
    if (!err)
        err = agent_session_of(&s->a, &s->key, &s->session, f);
    if (!err)
        err = fetch(s, &rescan, f);
    if (!err)
        err = fetch_requests(s, f);
    if (err)
        return err;
    bool asked = rescan.n > 0 && s->may_scan;
    if (asked || s->installed > 0)
        request_look(&s->a);
    return asked ? tell_done(s, rescan, f) : ERR_OK;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct sync s = {.may_scan = false};
    struct os_lock lock = {.handle = -1};
    struct fault f = {0};
    (void)options;
    enum err err = agent_open(env, common, &s.a, &f);
    if (!err && !s.a.enrolled)
        err = fault_set(&f, ERR_CREDENTIALS, "enrolment", "no server yet: ers login URL");
    if (!err)
        err = requests_lock(&s.a, &lock, &f);
    if (!err)
        err = sync(&s, &f);
    agent_session_close(s.session);
    signing_key_close(s.key);
    if (lock.handle != -1)
        os_lock_close(&lock);
    if (err)
        return opt_fail(env, common, &f);
    return s.failed > 0 ? err_row(ERR_FAILED)->exit_status : 0;
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
