/* clm-server compact: payloads of scans that fell out of retention go; their leaf hashes stay.
 *
 * The running server does it, or without one the store that is opened here; it goes on in the
 * background, and is asked how far it is.
 */
#include "applets/clm-server/server.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/thread.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

enum { ANSWER_MAX = 1 << 20, ASK_MS = 200 };

struct compact_options {
    const char *data, *before;
    bool dry_run;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "before",  "DATE", offsetof(struct compact_options, before),
     "2026-12-31, -365d: in place of server.conf's retention"},
    {OPT_FLAG, 0, "dry-run", NULL,   offsetof(struct compact_options, dry_run),
     "Tell what would go"},
    {OPT_TEXT, 0, "data",    "DIR",  offsetof(struct compact_options, data), "Folder of the store"},
    {OPT_END,  0, NULL,      NULL,   0, NULL},
};
/* clang-format on */

struct compact_call {
    const struct env *env;
    const struct compact_options *o;
    const struct opt_common *common;
    struct admin *admin;
    struct settings s;
    int64_t before_s;
    struct buf answer; /* the last one */
    struct json_value state;
    char step[16]; /* told last */
    struct fault f;
};

static uint64_t number(const struct compact_call *c, const char *name) {
    int64_t n;
    return json_integer(json_get(c->state, name), &n) && n > 0 ? (uint64_t)n : 0;
}

static const char *text(const struct compact_call *c, const char *name) {
    return admin_text(c->common->arena, c->state, name);
}

/* ---- From when on ---- */

/* False: everything is kept. */
static bool find_moment(struct compact_call *c, enum err *code) {
    int64_t now_s = env_now_s(c->env), to;
    uint64_t ms;
    *code = ERR_OK;
    if (c->o->before) {
        if (!query_time_read(bytes_text(c->o->before), now_s, &c->before_s, &to))
            *code = fault_set(&c->f, ERR_USAGE, "--before",
                              "a date is expected: 2026-12-31, 2026-12, -365d");
        return *code == ERR_OK;
    }
    if (!c->s.retention || !c->s.retention[0])
        return false;
    *code = settings_retention(&c->s, &ms, &c->f);
    c->before_s = now_s - (int64_t)(ms / 1000);
    return *code == ERR_OK;
}

/* ---- Asking ---- */

static enum err call(struct compact_call *c, enum http_method method, struct bytes body) {
    struct arena *a = c->common->arena;
    buf_reset(&c->answer);
    enum err code = admin_say(c->admin, method, API_ROOT "/compactions", body, &c->answer, &c->f);
    if (code == ERR_OK)
        code = json_read(a, arena_copy(a, buf_bytes(&c->answer)), 128, &c->state, &c->f);
    return code;
}

static enum err begin(struct compact_call *c) {
    struct buf body;
    buf_init(&body, 4096);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_time(&j, "before", c->before_s);
    json_bool(&j, "dry_run", c->o->dry_run);
    json_end(&j, '}');
    enum err code = call(c, HTTP_POST, buf_bytes(&body));
    buf_clear(&body);
    return code;
}

/* Each step once. */
static void tell_step(struct compact_call *c) {
    char n[28];
    const char *step = text(c, "step");
    if (c->common->quiet || c->common->json || strcmp(step, c->step) == 0)
        return;
    snprintf(c->step, sizeof c->step, "%s", step);
    if (strcmp(step, "reading") == 0 || strcmp(step, "checking") == 0)
        fprintf(c->env->err, "%-10s  %s entries\n", step,
                number_grouped(number(c, "entries_of"), n));
    else if (strcmp(step, "writing") == 0)
        fprintf(c->env->err, "%-10s  %s segments\n", step,
                number_grouped(number(c, "segments_of"), n));
}

static bool is_at_work(const struct compact_call *c) {
    const char *step = text(c, "step");
    return strcmp(step, "done") != 0 && strcmp(step, "failed") != 0 && strcmp(step, "none") != 0;
}

static enum err follow(struct compact_call *c) {
    const struct env *env = c->env;
    enum err code = ERR_OK;
    tell_step(c);
    while (code == ERR_OK && is_at_work(c)) {
        thread_sleep_ms(ASK_MS);
        if (env->stop && *env->stop != 0)
            return fault_set(&c->f, *env->stop == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED,
                             "compact", "a running server goes on with it");
        code = call(c, HTTP_GET, bytes_of(NULL, 0));
        if (code == ERR_OK)
            tell_step(c);
    }
    if (code == ERR_OK && strcmp(text(c, "step"), "done") != 0) {
        const char *name = text(c, "error");
        code = fault_set(&c->f, admin_code(bytes_text(name)), "compact", "%s",
                         name[0] ? text(c, "detail") : "the server was started anew meanwhile");
    }
    return code;
}

/* ---- Telling ---- */

static void print_kind(const struct compact_call *c, const char *kind, const char *name,
                       const char *bytes) {
    char n[28], m[28];
    fprintf(c->env->out, "%-10s  %s bytes, before compression, of %s entries of %s\n",
            c->o->dry_run ? "would drop" : "dropped", number_grouped(number(c, bytes), m),
            number_grouped(number(c, name), n), kind);
}

static void print(const struct compact_call *c) {
    char a[28], b[28];
    FILE *out = c->env->out;
    if (c->common->json) {
        fprintf(out, "%.*s\n", (int)c->answer.n, (const char *)c->answer.p);
        return;
    }
    if (c->common->quiet)
        return;
    fprintf(out, "before      %s\n", text(c, "before"));
    print_kind(c, "confirmations", "confirmations", "confirmation_bytes");
    print_kind(c, "scans", "scans", "scan_bytes");
    fprintf(out, "kept        %s older entries of scans are left whole\n",
            number_grouped(number(c, "needed"), a));
    if (number(c, "bytes_before") > 0)
        fprintf(out, "disk        %s bytes -> %s\n", number_grouped(number(c, "bytes_before"), a),
                number_grouped(number(c, "bytes"), b));
}

static enum err compact(struct compact_call *c) {
    enum err code = settings_read(c->common, c->o->data, &c->s, &c->f);
    bool has_moment = code == ERR_OK && find_moment(c, &code);
    if (code != ERR_OK)
        return code;
    if (!has_moment) {
        if (!c->common->quiet)
            fprintf(c->env->err,
                    "clm-server compact: everything is kept: no --before, and no retention in %s\n",
                    c->s.file);
        return ERR_OK;
    }
    code = admin_open(c->env, c->common, c->o->data, &c->admin, &c->f);
    if (code == ERR_OK)
        code = begin(c);
    if (code == ERR_OK)
        code = follow(c);
    if (code == ERR_OK)
        print(c);
    admin_close(c->admin);
    return code;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct compact_call c = {.env = env, .o = options, .common = common};
    buf_init(&c.answer, ANSWER_MAX);
    enum err code = compact(&c);
    buf_clear(&c.answer);
    return code == ERR_OK ? 0 : opt_fail(env, common, &c.f);
}

const struct opt_command clm_server_compact = {
    .name = "compact",
    .arguments = "",
    .summary = "drop observations that fell out of retention; their hashes stay",
    .examples = "clm-server compact --dry-run\n"
                "clm-server compact\n"
                "clm-server compact --before -730d --dry-run",
    .rows = rows,
    .size = sizeof(struct compact_options),
    .run = run,
};
