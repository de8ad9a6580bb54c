/* clm-server token: enrolment tokens, through the running server or without one. */
#include "applets/clm-server/server.h"

#include "base/json.h"

#include <inttypes.h>
#include <string.h>

enum { HOUR_MS = 60 * 60 * 1000, ANSWER_MAX = 8 << 20, ANSWER_TOKENS = 200000 };

struct token_options {
    uint64_t uses, end_ms;
    const char *names, *network, *agent, *data;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_UINT,     0, "uses",    "N",       offsetof(struct token_options, uses),
     "How many agents it enrols, default 1"},
    {OPT_DURATION, 0, "end",     "TIME",    offsetof(struct token_options, end_ms),
     "When it ends, default 24h; rounded up to hours"},
    {OPT_TEXT,     0, "names",   "PATTERN", offsetof(struct token_options, names),
     "What their names must be like, such as *.dc1.example.com"},
    {OPT_TEXT,     0, "network", "LABEL",   offsetof(struct token_options, network),
     "The network that these agents see"},
    {OPT_TEXT,     0, "for",     "AGENT",   offsetof(struct token_options, agent),
     "Re-enrol this agent: it keeps its history and gets a new key"},
    {OPT_TEXT,     0, "data",    "DIR",     offsetof(struct token_options, data),
     "Folder of the store"},
    {OPT_END,      0, NULL,      NULL,      0, NULL},
};
/* clang-format on */

static void defaults(void *options) {
    struct token_options *o = options;
    o->uses = 1;
    o->end_ms = 24 * (uint64_t)HOUR_MS;
}

struct token_call {
    const struct env *env;
    const struct token_options *o;
    const struct opt_common *common;
    struct buf answer;
    struct fault f;
};

static enum err call_api(struct token_call *c, enum http_method method, const char *path,
                         struct bytes body, struct json_value *v) {
    enum err code =
        admin_call(c->env, c->common, c->o->data, method, path, body, &c->answer, &c->f);
    if (code == ERR_OK && v)
        code = json_read(c->common->arena, buf_bytes(&c->answer), ANSWER_TOKENS, v, &c->f);
    return code;
}

static void print_raw(const struct token_call *c) {
    fwrite(c->answer.p, 1, c->answer.n, c->env->out);
    fputc('\n', c->env->out);
}

static enum err create(struct token_call *c, const char *word) {
    (void)word;
    struct buf body;
    struct json_value v;
    struct arena *a = c->common->arena;
    buf_init(&body, 4096);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_int(&j, "uses", (int64_t)(c->o->uses < INT32_MAX ? c->o->uses : INT32_MAX));
    json_int(&j, "valid_hours", (int64_t)(c->o->end_ms / HOUR_MS + (c->o->end_ms % HOUR_MS != 0)));
    if (c->o->names)
        json_text(&j, "names", c->o->names);
    if (c->o->network)
        json_text(&j, "network", c->o->network);
    if (c->o->agent)
        json_text(&j, "for", c->o->agent);
    json_end(&j, '}');
    enum err code = call_api(c, HTTP_POST, API_ROOT "/tokens", buf_bytes(&body), &v);
    buf_clear(&body);
    if (code != ERR_OK)
        return code;
    if (c->common->json) {
        print_raw(c);
        return ERR_OK;
    }
    FILE *out = c->env->out;
    if (c->common->quiet) {
        fprintf(out, "%s\n", admin_text(a, v, "token"));
        return ERR_OK;
    }
    struct json_value commands = json_get(v, "commands");
    fprintf(out, "token       %s\n", admin_text(a, v, "token"));
    fprintf(out, "id          %s\n", admin_text(a, v, "id"));
    fprintf(out, "ends        %s, or after %" PRIu64 " use%s\n", admin_text(a, v, "expires"),
            c->o->uses, c->o->uses == 1 ? "" : "s");
    fprintf(out, "Linux       %s\n", admin_text(a, commands, "linux"));
    fprintf(out, "PowerShell  %s\n", admin_text(a, commands, "powershell"));
    return ERR_OK;
}

static enum err list(struct token_call *c, const char *word) {
    (void)word;
    struct json_value v;
    struct arena *a = c->common->arena;
    enum err code = call_api(c, HTTP_GET, API_ROOT "/tokens", bytes_of(NULL, 0), &v);
    if (code != ERR_OK)
        return code;
    if (c->common->json) {
        print_raw(c);
        return ERR_OK;
    }
    struct json_value items = json_get(v, "items");
    if (json_count(items) == 0) {
        fprintf(c->env->out, "no tokens: clm-server token create makes one\n");
        return ERR_OK;
    }
    fprintf(c->env->out, "%-16s  %-20s  %6s  %-16s  %s\n", "ID", "ENDS", "USES", "NETWORK",
            "FOR NAMES");
    for (struct json_value t = json_first(items); json_type_of(t) != JSON_NONE; t = json_next(t)) {
        int64_t uses = 0;
        const char *agent = admin_text(a, t, "for"), *network = admin_text(a, t, "network");
        if (!json_integer(json_get(t, "uses"), &uses))
            uses = 0;
        fprintf(c->env->out, "%-16s  %-20s  %6" PRId64 "  %-16s  %s%s\n", admin_text(a, t, "id"),
                admin_text(a, t, "expires"), uses, network[0] ? network : "any",
                agent[0] ? "only " : "", agent[0] ? agent : admin_text(a, t, "names"));
    }
    return ERR_OK;
}

static enum err revoke(struct token_call *c, const char *word) {
    struct buf path;
    if (!word || !auth_agent_name_valid(bytes_text(word)))
        return fault_set(&c->f, ERR_USAGE, "revoke", "which one? clm-server token list shows ids");
    buf_init(&path, 512);
    buf_printf(&path, API_ROOT "/tokens/%s", word);
    enum err code = call_api(c, HTTP_DELETE, buf_cstr(&path), bytes_of(NULL, 0), NULL);
    buf_clear(&path);
    if (code == ERR_OK && !c->common->json)
        fprintf(c->env->out, "revoked     %s\n", word);
    return code;
}

static const struct {
    const char *verb;
    enum err (*run)(struct token_call *c, const char *word);
    size_t words; /* behind the verb */
} verbs[] = {
    {"create", create, 0},
    {"list",   list,   0},
    {"revoke", revoke, 1},
};

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct token_call c = {.env = env, .o = options, .common = common};
    const char *verb = common->words.n > 0 ? common->words.items[0] : "";
    const char *word = common->words.n > 1 ? common->words.items[1] : NULL;
    enum err code =
        fault_set(&c.f, ERR_USAGE, "token", "create, list or revoke ID, not '%s'", verb);
    crypto_buf_init(&c.answer, ANSWER_MAX);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verb, verbs[i].verb) != 0)
            continue;
        code = common->words.n > verbs[i].words + 1
                   ? fault_set(&c.f, ERR_USAGE, "unexpected word", "%s",
                               common->words.items[verbs[i].words + 1])
                   : verbs[i].run(&c, word);
    }
    buf_clear(&c.answer);
    return code == ERR_OK ? 0 : opt_fail(env, common, &c.f);
}

const struct opt_command clm_server_token = {
    .name = "token",
    .arguments = "create|list|revoke ID",
    .summary = "enrolment tokens for agents",
    .examples =
        "clm-server token create\n"
        "clm-server token create --quiet > token\n"
        "clm-server token create --uses 500 --end 7d --names '*.dc1.example.com' --network dc1\n"
        "clm-server token create --for web1.example.com\n"
        "clm-server token list",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct token_options),
    .defaults = defaults,
    .run = run,
};
