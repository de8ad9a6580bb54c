/* ers login: makes a key, and a server that knows it.
 *
 * The one-time token says whom to trust (a pin of the server's root, or the system's
 * roots); nothing is sent before that was checked. The key never leaves this host.
 * It is written when the server has it, before anything else is; a second login
 * replaces key and server.
 */
#include "applets/ers/agent.h"
#include "applets/ers/ers.h"

#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "x509/x509.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 4096, CA_MAX = 64 << 20, ANSWER_MAX = 64 * 1024, URL_SIZE = 512 };

struct login_options {
    const char *token_file, *name, *network, *ca;
};

struct login {
    struct env *env;
    const struct login_options *options;
    const struct opt_common *common;
    struct agent agent;
    struct buf token;
    char url[URL_SIZE];
    const char *pin; /* NULL where --ca says whom to trust */
    struct signing_key *key;
    struct buf answer;
};

/* ---- what is needed ---- */

/* "clm.example.com:8443" is as good as with https:// before it. */
static enum err read_url(struct login *l, struct fault *f) {
    const struct opt_list *words = &l->common->words;
    struct bytes host;
    uint16_t port;
    if (words->n != 1)
        return fault_set(f, ERR_USAGE, "URL", "%s",
                         words->n == 0 ? "ers login https://SERVER[:PORT]" : "one is enough");
    bool has_scheme = bytes_find(bytes_text(words->items[0]), bytes_text("://")) != SIZE_MAX;
    int n = snprintf(l->url, sizeof l->url, "%s%s", has_scheme ? "" : "https://", words->items[0]);
    if (n < 0 || (size_t)n >= sizeof l->url || !net_http_url_read(bytes_text(l->url), &host, &port))
        return fault_set(f, ERR_USAGE, "URL", "\"%.80s\" is not https://HOST[:PORT]",
                         words->items[0]);
    if (l->url[n - 1] == '/')
        l->url[n - 1] = '\0';
    return ERR_OK;
}

static enum err read_stream(FILE *in, struct buf *out) {
    char part[512];
    size_t n;
    while (!out->err && (n = fread(part, 1, sizeof part, in)) > 0)
        buf_put(out, bytes_of(part, n));
    crypto_wipe(part, sizeof part);
    return out->err;
}

/* From the file, `-`, the environment or a terminal; never from argv, which others
 * can read. */
static enum err read_token(struct login *l, struct fault *f) {
    const char *file = l->options->token_file, *variable = getenv("CLM_TOKEN");
    enum err err;
    if (file && strcmp(file, "-") != 0) {
        err = file_read(file, &l->token, f);
    } else if (file) {
        err = read_stream(l->env->in, &l->token);
        err = err ? fault_set(f, err, "token", "standard input") : ERR_OK;
    } else if (variable && variable[0]) {
        buf_text(&l->token, variable);
        err = l->token.err ? fault_set(f, l->token.err, "token", "CLM_TOKEN") : ERR_OK;
    } else if (os_is_terminal(0)) {
        err = os_read_secret("Token: ", &l->token, f);
    } else {
        err = fault_set(f, ERR_CREDENTIALS, "token",
                        "--token-file F, - for standard input, or CLM_TOKEN");
    }
    return err;
}

static enum err read_pin(struct login *l, struct bytes token, struct fault *f) {
    struct bytes pin;
    if (!agent_token_pin(token, &pin))
        return fault_set(f, ERR_USAGE, "token", "it does not have the form clm1.SECRET.PIN");
    if (l->options->ca)
        return ERR_OK;
    l->pin = arena_cstr(l->common->arena, pin);
    return l->pin ? ERR_OK : fault_set(f, ERR_MEMORY, "token", "%s", "");
}

/* A copy of the roots beside the configuration, so that it needs no foreign file. */
static enum err keep_roots(struct login *l, const char **path, struct fault *f) {
    struct buf pem;
    *path = NULL;
    if (!l->options->ca)
        return ERR_OK;
    *path = path_join(l->common->arena, l->agent.places.config, "server-roots.pem");
    buf_init(&pem, CA_MAX);
    enum err err =
        *path ? file_read(l->options->ca, &pem, f) : fault_set(f, ERR_MEMORY, "--ca", "%s", "");
    if (!err)
        err = dir_make(l->agent.places.config, 0755, f);
    if (!err)
        err = file_replace(*path, buf_bytes(&pem), 0644, f);
    buf_clear(&pem);
    return err;
}

/* ---- enrolment ---- */

static void put_enrolment(struct login *l, struct bytes token, struct buf *out) {
    struct buf spki, base64;
    struct arena *a = l->common->arena;
    const char *name = l->options->name ? l->options->name : os_hostname(a);
    buf_init(&spki, 4096);
    buf_init(&base64, 8192);
    signing_key_spki(l->key, &spki);
    base64_put(&base64, buf_bytes(&spki));
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_bytes(&j, "token", token);
    json_text(&j, "name", name);
    if (l->options->network)
        json_text(&j, "network", l->options->network);
    json_bytes(&j, "public_key", buf_bytes(&base64));
    json_text(&j, "system", os_describe(a));
    json_text(&j, "version", CLM_VERSION);
    json_end(&j, '}');
    buf_clear(&spki);
    buf_clear(&base64);
}

static enum err enrol(struct login *l, struct bytes token, struct fault *f) {
    struct agent_session *session = NULL;
    struct buf body;
    crypto_buf_init(&body, ANSWER_MAX);
    enum err err = agent_session_open(l->env, l->url, l->pin, l->options->ca, l->key, &session, f);
    if (!err) {
        put_enrolment(l, token, &body);
        struct agent_request request = {.method = "POST",
                                        .path = "/api/v1/agents",
                                        .body = buf_bytes(&body),
                                        .content_type = "application/json"};
        err = body.err ? fault_set(f, body.err, "enrolment", "%s", "")
                       : agent_session_call(session, &request, &l->answer, f);
    }
    agent_session_close(session);
    buf_clear(&body);
    return err;
}

/* It becomes a line of ers.conf: with a line end in it, it could be any other setting. */
static bool is_line(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return text.n > 0;
}

static const char *answer_text(struct login *l, struct json_value v, const char *key) {
    struct bytes text;
    return json_string(json_get(v, key), l->common->arena, &text) && is_line(text)
               ? arena_cstr(l->common->arena, text)
               : NULL;
}

static enum err keep(struct login *l, struct fault *f) {
    struct json_value v;
    const char *roots;
    struct agent_config *c = &l->agent.config;
    enum err err = json_read(l->common->arena, buf_bytes(&l->answer), 64, &v, f);
    if (err)
        return fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    *c = (struct agent_config){.server = arena_cstr(l->common->arena, bytes_text(l->url)),
                               .agent = answer_text(l, v, "agent"),
                               .name = answer_text(l, v, "name"),
                               .network = answer_text(l, v, "network"),
                               .pin = l->pin};
    if (!c->server || !c->agent)
        return fault_set(f, ERR_NETWORK, "server", "its answer names no agent");
    err = agent_key_write(&l->agent, l->key, f);
    if (!err)
        err = keep_roots(l, &roots, f);
    if (err)
        return err;
    c->ca = roots;
    return agent_config_save(&l->agent, f);
}

static void tell(const struct login *l) {
    const struct agent_config *c = &l->agent.config;
    const char *server = agent_server_shown(l->common->arena, c->server);
    struct buf out;
    buf_init(&out, 8192);
    if (l->common->json) {
        struct json j = json_to(&out);
        json_object(&j, NULL);
        json_text(&j, "type", "enrolment");
        json_text(&j, "server", c->server);
        json_text(&j, "agent", c->agent);
        json_text(&j, "name", c->name);
        json_text(&j, "network", c->network);
        json_end(&j, '}');
        buf_text(&out, "\n");
    } else if (!l->common->quiet) {
        buf_text(&out, "enrolled  ");
        text_escape(&out, bytes_text(c->name ? c->name : c->agent));
        buf_printf(&out, " at %s", server);
        if (c->network) {
            buf_text(&out, ", network ");
            text_escape(&out, bytes_text(c->network));
        }
        buf_printf(&out, "\nsaved     %s    next: ers scan\n", l->agent.conf);
    }
    fwrite(out.p, 1, out.n, l->env->out);
    buf_clear(&out);
}

static enum err login(struct login *l, struct fault *f) {
    enum err err = agent_open(l->env, l->common, &l->agent, f);
    if (!err)
        err = read_url(l, f);
    if (!err)
        err = read_token(l, f);
    struct bytes token = bytes_trim(buf_bytes(&l->token));
    if (!err)
        err = read_pin(l, token, f);
    if (!err) /* what cannot be written should fail before the token is spent */
        err = agent_state_make(&l->agent, f);
    if (!err)
        err = signing_key_make(l->env, KEY_EC_P256, 0, &l->key, f);
    if (!err)
        err = enrol(l, token, f);
    return err ? err : keep(l, f);
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct login l = {.env = env, .options = options, .common = common};
    struct fault f = {0};
    crypto_buf_init(&l.token, TOKEN_MAX);
    buf_init(&l.answer, ANSWER_MAX);
    enum err err = login(&l, &f);
    if (!err)
        tell(&l);
    signing_key_close(l.key);
    buf_clear(&l.token);
    buf_clear(&l.answer);
    return err ? opt_fail(env, common, &f) : 0;
}

#define AT(member) offsetof(struct login_options, member)
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "token-file", "F",     AT(token_file),
     "File with the one-time token, - for standard input; else CLM_TOKEN"                                 },
    {OPT_TEXT, 0, "name",       "N",     AT(name),       "Name of this agent (the host's name)"           },
    {OPT_TEXT, 0, "network",    "LABEL", AT(network),    "Agents with one label see the same network"     },
    {OPT_TEXT, 0, "ca",         "F",     AT(ca),         "Roots to trust (PEM) instead of the token's pin"},
    {OPT_END,  0, NULL,         NULL,    0,              NULL                                             },
};
#undef AT

const struct opt_command ers_login = {
    .name = "login",
    .arguments = "URL",
    .summary = "enrol this agent at a server with a one-time token",
    .examples = "ers login https://clm.example.com:8443 --token-file token\n"
                "ers login clm.example.com:8443 --token-file - --network dc1",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct login_options),
    .run = run,
};
