/* ers status: who this agent is, what it did last, what waits, and what the server
 * says of it. Exit 0 when all is well, 4 when not enrolled or refused, 1 when the
 * server cannot be asked. */
#include "applets/ers/ers.h"
#include "applets/ers/spool.h"

#include "base/clock.h"
#include "base/text.h"

enum { ANSWER_MAX = 64 * 1024 };

struct status_options {
    bool offline;
};

struct status {
    struct env *env;
    const struct opt_common *common;
    struct agent agent;
    size_t targets;
    int64_t scan_s; /* last complete pass over any target; -1: none */
    struct spool_totals spool;
    struct agent_delivery delivery;
    bool asked;
    enum err server_err;
    struct fault server_fault;
    const char *server_state, *server_name; /* as it answers; NULL unknown */
};

static enum err read_scans(struct status *s, struct fault *f) {
    struct model_target_file file;
    struct model_passes passes;
    struct arena *a = s->common->arena;
    enum err err = model_target_file_read(a, s->agent.places.targets, &file, f);
    if (!err)
        err = model_passes_read(a, s->agent.places.passes, &passes, f);
    if (err)
        return err;
    s->targets = file.targets_n;
    s->scan_s = -1;
    for (size_t i = 0; i < passes.n; i++)
        if (passes.items[i].time_s > s->scan_s)
            s->scan_s = passes.items[i].time_s;
    return ERR_OK;
}

static const char *text_of(struct status *s, struct json_value v, const char *key) {
    struct bytes text;
    return json_string(json_get(v, key), s->common->arena, &text)
               ? arena_cstr(s->common->arena, text)
               : NULL;
}

static enum err ask(struct status *s, struct fault *f) {
    struct signing_key *key = NULL;
    struct agent_session *session = NULL;
    struct buf answer;
    struct json_value v;
    buf_init(&answer, ANSWER_MAX);
    enum err err = agent_session_of(&s->agent, &key, &session, f);
    if (!err) {
        struct agent_request request = {.method = "GET", .path = "/api/v1/agents/self"};
        err = agent_session_call(session, &request, &answer, f);
    }
    if (!err)
        err = json_read(s->common->arena, arena_copy(s->common->arena, buf_bytes(&answer)), 64, &v,
                        f);
    if (!err) {
        s->server_state = text_of(s, v, "state");
        s->server_name = text_of(s, v, "name");
    }
    agent_session_close(session);
    signing_key_close(key);
    buf_clear(&answer);
    return err;
}

static const char *shown_time(int64_t unix_s, char out[CLOCK_TEXT_MAX]) {
    return unix_s > 0 ? clock_write(unix_s, out) : "never";
}

static void put_field(struct buf *out, const char *name, const char *text) {
    buf_printf(out, "%-11s", name);
    text_escape(out, bytes_text(text ? text : "-"));
    buf_text(out, "\n");
}

static void put_people(const struct status *s, struct buf *out) {
    const struct agent_config *c = &s->agent.config;
    char time[CLOCK_TEXT_MAX], n[28], line[256];
    put_field(out, "agent", s->agent.enrolled ? (c->name ? c->name : c->agent) : "not enrolled");
    if (s->agent.enrolled) {
        put_field(out, "server", c->server);
        put_field(out, "network", c->network);
        put_field(out, "trusts", c->ca ? c->ca : c->pin);
    }
    put_field(out, "targets", ers_number(s->targets, n));
    put_field(out, "last scan", shown_time(s->scan_s, time));
    put_field(out, "last push", shown_time((int64_t)s->delivery.success_s, time));
    if (s->spool.batches > 0)
        snprintf(line, sizeof line, "%s batch%s, %llu KB, since %s",
                 ers_number(s->spool.batches, n), s->spool.batches == 1 ? "" : "es",
                 (unsigned long long)(s->spool.bytes + 1023) / 1024,
                 shown_time(s->spool.oldest_s, time));
    put_field(out, "spool", s->spool.batches > 0 ? line : "empty");
    if (s->delivery.error && s->spool.batches > 0)
        put_field(out, "last error", s->delivery.error);
    if (!s->asked)
        return;
    char text[2 * FAULT_DETAIL_MAX];
    put_field(out, "answer",
              s->server_err ? fault_text(&s->server_fault, text, sizeof text) : s->server_state);
}

static void put_time(struct json *j, const char *key, int64_t unix_s) {
    if (unix_s > 0)
        json_time(j, key, unix_s);
    else
        json_null(j, key);
}

static void put_json(const struct status *s, struct buf *out) {
    const struct agent_config *c = &s->agent.config;
    char text[2 * FAULT_DETAIL_MAX];
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_text(&j, "type", "status");
    json_bool(&j, "enrolled", s->agent.enrolled);
    json_text(&j, "agent", c->agent);
    json_text(&j, "name", c->name);
    json_text(&j, "network", c->network);
    json_text(&j, "server", c->server);
    json_int(&j, "targets", (int64_t)s->targets);
    put_time(&j, "last_scan", s->scan_s);
    put_time(&j, "last_push", (int64_t)s->delivery.success_s);
    json_text(&j, "last_error", s->delivery.error);
    json_object(&j, "spool");
    json_int(&j, "batches", (int64_t)s->spool.batches);
    json_int(&j, "bytes", (int64_t)s->spool.bytes);
    put_time(&j, "oldest", s->spool.oldest_s);
    json_end(&j, '}');
    if (s->asked) {
        json_object(&j, "answer");
        json_text(&j, "state", s->server_state);
        json_text(&j, "code", err_row(s->server_err)->name);
        json_text(&j, "detail",
                  s->server_err ? fault_text(&s->server_fault, text, sizeof text) : NULL);
        json_end(&j, '}');
    } else {
        json_null(&j, "answer");
    }
    json_end(&j, '}');
    buf_text(out, "\n");
}

static void show(const struct status *s) {
    struct buf out;
    buf_init(&out, 1 << 20);
    if (s->common->json)
        put_json(s, &out);
    else
        put_people(s, &out);
    if (out.n > 0)
        fwrite(out.p, 1, out.n, s->env->out);
    buf_clear(&out);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct status_options *o = options;
    struct status s = {.env = env, .common = common};
    struct fault f = {0};
    enum err err = agent_open(env, common, &s.agent, &f);
    if (!err)
        err = read_scans(&s, &f);
    if (!err)
        err = spool_measure(&s.agent, &s.spool, &f);
    if (!err)
        err = agent_delivery_read(&s.agent, &s.delivery, &f);
    if (err)
        return opt_fail(env, common, &f);
    s.asked = s.agent.enrolled && !o->offline;
    if (s.asked)
        s.server_err = ask(&s, &s.server_fault);
    if (!common->quiet)
        show(&s);
    return err_row(s.agent.enrolled ? s.server_err : ERR_CREDENTIALS)->exit_status;
}

static const struct opt_row rows[] = {
    {OPT_FLAG, 0, "offline", NULL, offsetof(struct status_options, offline),
     "Do not ask the server"},
    {OPT_END,        0,   NULL,    NULL,  0,                         NULL                              },
};

const struct opt_command ers_status = {
    .name = "status",
    .arguments = "",
    .summary = "show enrolment, last scan, spool, and what the server says",
    .examples = "ers status\ners status --json",
    .rows = rows,
    .size = sizeof(struct status_options),
    .run = run,
};
