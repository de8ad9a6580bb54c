/* clm-server user: the people, through the running server or without one. */
#include "applets/clm-server/server.h"

#include "base/json.h"
#include "base/os.h"

#include <string.h>

enum { ANSWER_MAX = 8 << 20, ANSWER_TOKENS = 200000 };

struct user_options {
    const char *role, *data;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "role", "ROLE", offsetof(struct user_options, role), "viewer (default) or admin"},
    {OPT_TEXT, 0, "data", "DIR",  offsetof(struct user_options, data), "Folder of the store"},
    {OPT_END,  0, NULL,   NULL,   0, NULL},
};
/* clang-format on */

static void defaults(void *options) {
    struct user_options *o = options;
    o->role = "viewer";
}

struct user_call {
    const struct env *env;
    const struct user_options *o;
    const struct opt_common *common;
    struct json_value v; /* the answer */
    struct buf answer;
    struct fault f;
};

/* `name` and `what` make the path: /users/NAME/WHAT. */
static enum err call_api(struct user_call *c, enum http_method method, const char *name,
                         const char *what, struct bytes body) {
    struct buf path;
    buf_init(&path, 1024);
    buf_text(&path, API_ROOT "/users");
    if (name)
        buf_printf(&path, "/%s/%s", name, what);
    enum err code =
        admin_call(c->env, c->common, c->o->data, method, buf_cstr(&path), body, &c->answer, &c->f);
    buf_clear(&path);
    if (code == ERR_OK)
        code = json_read(c->common->arena, buf_bytes(&c->answer), ANSWER_TOKENS, &c->v, &c->f);
    return code;
}

static bool print_raw(const struct user_call *c) {
    if (!c->common->json)
        return false;
    fwrite(c->answer.p, 1, c->answer.n, c->env->out);
    fputc('\n', c->env->out);
    return true;
}

static void print_link(struct user_call *c, const char *name) {
    struct arena *a = c->common->arena;
    if (print_raw(c))
        return;
    fprintf(c->env->out, "%s sets a password here, once, until %s:\n%s\n", name,
            admin_text(a, c->v, "expires"), admin_text(a, c->v, "link"));
}

static enum err add(struct user_call *c, const char *name) {
    struct buf body;
    buf_init(&body, 4096);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_text(&j, "name", name);
    json_text(&j, "role", c->o->role);
    json_end(&j, '}');
    enum err code = call_api(c, HTTP_POST, NULL, NULL, buf_bytes(&body));
    buf_clear(&body);
    if (code == ERR_OK)
        print_link(c, name);
    return code;
}

static enum err link_user(struct user_call *c, const char *name) {
    enum err code = call_api(c, HTTP_POST, name, "link", bytes_of(NULL, 0));
    if (code == ERR_OK)
        print_link(c, name);
    return code;
}

/* Twice on a terminal, since it is not seen; once from a pipe. */
static enum err ask_password(struct user_call *c, struct buf *out) {
    struct buf again;
    enum err code = os_read_secret("New password: ", out, &c->f);
    if (code != ERR_OK || !os_is_terminal(0))
        return code;
    crypto_buf_init(&again, AUTH_PASSWORD_MAX);
    code = os_read_secret("Once more: ", &again, &c->f);
    if (code == ERR_OK && !bytes_equal(buf_bytes(out), buf_bytes(&again)))
        code = fault_set(&c->f, ERR_FAILED, "password", "the two are not the same");
    buf_clear(&again);
    return code;
}

static enum err passwd(struct user_call *c, const char *name) {
    struct buf password, body;
    crypto_buf_init(&password, AUTH_PASSWORD_MAX);
    crypto_buf_init(&body, 8 * AUTH_PASSWORD_MAX);
    enum err code = ask_password(c, &password);
    if (code == ERR_OK) {
        struct json j = json_to(&body);
        json_object(&j, NULL);
        json_bytes(&j, "password", buf_bytes(&password));
        json_end(&j, '}');
        code = call_api(c, HTTP_POST, name, "password", buf_bytes(&body));
    }
    buf_clear(&password);
    buf_clear(&body);
    if (code == ERR_OK && !print_raw(c))
        fprintf(c->env->out, "changed     %s; sessions have ended\n", name);
    return code;
}

static enum err set_state(struct user_call *c, const char *name, const char *what) {
    enum err code = call_api(c, HTTP_POST, name, what, bytes_of(NULL, 0));
    if (code == ERR_OK && !print_raw(c))
        fprintf(c->env->out, "%-10s  %s\n", admin_text(c->common->arena, c->v, "state"), name);
    return code;
}

static enum err disable(struct user_call *c, const char *name) {
    return set_state(c, name, "disable");
}

static enum err enable(struct user_call *c, const char *name) {
    return set_state(c, name, "enable");
}

static enum err list(struct user_call *c, const char *name) {
    (void)name;
    struct arena *a = c->common->arena;
    enum err code = call_api(c, HTTP_GET, NULL, NULL, bytes_of(NULL, 0));
    if (code != ERR_OK || print_raw(c))
        return code;
    fprintf(c->env->out, "%-24s  %-8s  %-8s  %s\n", "NAME", "ROLE", "STATE", "PASSWORD");
    for (struct json_value u = json_first(json_get(c->v, "items")); json_type_of(u) != JSON_NONE;
         u = json_next(u)) {
        bool has_password = false;
        if (!json_boolean(json_get(u, "has_password"), &has_password))
            has_password = false;
        fprintf(c->env->out, "%-24s  %-8s  %-8s  %s\n", admin_text(a, u, "name"),
                admin_text(a, u, "role"), admin_text(a, u, "state"),
                has_password ? "set" : "not yet set");
    }
    return ERR_OK;
}

static const struct {
    const char *verb;
    enum err (*run)(struct user_call *c, const char *name);
    bool has_name;
} verbs[] = {
    {"add",     add,       true },
    {"passwd",  passwd,    true },
    {"list",    list,      false},
    {"disable", disable,   true },
    {"enable",  enable,    true },
    {"link",    link_user, true },
};

static enum err run_verb(struct user_call *c) {
    const struct opt_list *words = &c->common->words;
    const char *verb = words->n > 0 ? words->items[0] : "";
    const char *name = words->n > 1 ? words->items[1] : NULL;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verb, verbs[i].verb) != 0)
            continue;
        if (words->n > (verbs[i].has_name ? 2u : 1u))
            return fault_set(&c->f, ERR_USAGE, "unexpected word", "%s",
                             words->items[verbs[i].has_name ? 2 : 1]);
        if (verbs[i].has_name && (!name || !auth_user_name_valid(bytes_text(name))))
            return fault_set(&c->f, ERR_USAGE, verbs[i].verb,
                             "a name of letters, digits and . _ @ - is wanted");
        return verbs[i].run(c, name);
    }
    return fault_set(&c->f, ERR_USAGE, "user",
                     "add, passwd, list, disable, enable or link, not '%s'", verb);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct user_call c = {.env = env, .o = options, .common = common};
    crypto_buf_init(&c.answer, ANSWER_MAX);
    enum err code = run_verb(&c);
    buf_clear(&c.answer);
    return code == ERR_OK ? 0 : opt_fail(env, common, &c.f);
}

const struct opt_command clm_server_user = {
    .name = "user",
    .arguments = "add NAME|passwd NAME|list|disable NAME|enable NAME|link NAME",
    .summary = "the people who may log in",
    .examples = "clm-server user add alex --role admin\n"
                "clm-server user link alex\n"
                "clm-server user passwd alex < password.txt\n"
                "clm-server user list",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct user_options),
    .defaults = defaults,
    .run = run,
};
