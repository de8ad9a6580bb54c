/* clm-server init: makes a store, the server's identity and the first administrator.
 *
 * server.conf is written last: as long as it is not there, nothing else counts. What
 * an interrupted init left behind is named by the next one, never overwritten.
 */
#include "applets/clm-server/server.h"

#include "base/file.h"
#include "base/os.h"

#include <string.h>

enum { LINK_VALID_S = 24 * 60 * 60, FIRST_ADMIN_MAX = AUTH_USER_MAX };

struct init_options {
    struct settings s;
    const char *admin;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "name",   "NAMES", offsetof(struct init_options, s.name),
     "Names and addresses of the server, the first goes into links"},
    {OPT_TEXT, 0, "listen", "ADDRS", offsetof(struct init_options, s.listen),
     "Where to listen, default :8443"},
    {OPT_TEXT, 0, "cert",   "FILE",  offsetof(struct init_options, s.cert),
     "A certificate chain of yours (PEM); default: our own root makes one"},
    {OPT_TEXT, 0, "key",    "FILE",  offsetof(struct init_options, s.key), "Its private key (PEM)"},
    {OPT_TEXT, 0, "data",   "DIR",   offsetof(struct init_options, s.data), "Folder of the store"},
    {OPT_TEXT, 0, "admin",  "NAME",  offsetof(struct init_options, admin),
     "The first administrator, default admin"},
    {OPT_END,  0, NULL,     NULL,    0, NULL},
};
/* clang-format on */

static void defaults(void *options) {
    struct init_options *o = options;
    o->s.listen = ":8443";
    o->admin = "admin";
}

struct init {
    const struct env *env;
    const struct opt_common *common;
    struct settings s;
    const char *admin;
    bool data_given; /* then server.conf lies there, unless --config was given too */
    struct fault *f;
};

static enum err check_free(struct init *in) {
    static const char *const parts[] = {"log", "users", "root.key", "server.pem", "issuing.pem"};
    if (file_exists(in->s.file))
        return fault_set(in->f, ERR_EXISTS, "start it with clm-server run, or move it away", "%s",
                         in->s.file);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const char *path = settings_path(in->common->arena, &in->s, parts[i]);
        if (path && file_exists(path))
            return fault_set(in->f, ERR_EXISTS,
                             "a store without settings: give another --data, or move it away", "%s",
                             path);
    }
    return ERR_OK;
}

/* A pair that does not fit is found before anything is made. Full paths go into
 * server.conf, so that the server finds them from any folder. */
static enum err check_given(struct init *in, struct identity *id) {
    struct settings *s = &in->s;
    struct arena *a = in->common->arena;
    if (!s->cert)
        return ERR_OK;
    enum err code = identity_load(a, s, id, in->f);
    if (code == ERR_OK) {
        s->cert = path_full(a, s->cert);
        s->key = path_full(a, s->key);
    }
    return code;
}

static enum err make_folders(struct init *in) {
    struct bytes file = bytes_text(in->s.file);
    size_t cut = file.n - strlen(path_base(in->s.file));
    const char *config =
        arena_cstr(in->common->arena, bytes_part(file, 0, cut > 1 ? cut - 1 : cut));
    enum err code = dir_make(in->s.data, 0700, in->f);
    if (code == ERR_OK && config && config[0] && !file_exists(config))
        code = dir_make(config, 0755, in->f);
    const char *full = code == ERR_OK ? path_full(in->common->arena, in->s.data) : NULL;
    if (full)
        in->s.data = full;
    return code;
}

/* Every key with its help, from the rows; those that are not set stand as comments. */
static void put_setting(struct buf *out, const struct settings *s, const struct opt_row *row) {
    const char *value = *(const char *const *)((const char *)s + row->offset);
    buf_printf(out, "\n# %s\n", row->help);
    if (value)
        buf_printf(out, "%s = %s\n", row->name, value);
    else
        buf_printf(out, "# %s =\n", row->name);
}

static enum err write_conf(struct init *in) {
    struct buf out;
    buf_init(&out, 64 * 1024);
    buf_text(&out, "# Settings of clm-server\n");
    for (const struct opt_row *row = settings_rows; row->kind != OPT_END; row++)
        put_setting(&out, &in->s, row);
    enum err code = out.err == ERR_OK ? file_replace(in->s.file, buf_bytes(&out), 0644, in->f)
                                      : fault_set(in->f, out.err, "server.conf", "too long");
    buf_clear(&out);
    return code;
}

/* The first administrator and his link; `secret` is the link's. */
static enum err make_admin(struct init *in, struct house *house,
                           char secret[AUTH_SECRET_TEXT + 1]) {
    struct bytes name = bytes_text(in->admin);
    struct buf object;
    buf_init(&object, 256);
    buf_printf(&object, "user:%s", in->admin);
    struct inventory_audit act = {.actor = bytes_text("local"),
                                  .verb = bytes_text("user.add"),
                                  .object = buf_bytes(&object),
                                  .detail = bytes_text("admin, by init")};
    enum err code = auth_user_add(house->auth, name, AUTH_ADMIN, in->f);
    if (code == ERR_OK)
        code = auth_link_make(house->auth, name, LINK_VALID_S, secret, in->f);
    if (code == ERR_OK)
        code = inventory_audit(house->inventory, &act, NULL, NULL, in->f);
    buf_clear(&object);
    return code;
}

static enum err fill(struct init *in, const struct identity *id, const char *url,
                     char secret[AUTH_SECRET_TEXT + 1]) {
    struct house house;
    enum err code = house_open(in->env, &in->s, id, url, &house, in->f);
    if (code != ERR_OK)
        return code;
    code = make_admin(in, &house, secret);
    house_close(&house);
    return code;
}

static void print_trust(const struct init *in, const struct identity *id, FILE *out) {
    if (in->s.cert) {
        fprintf(out, "tls         your certificate, %s\n", in->s.cert);
        if (id->root_sha256)
            fprintf(out, "root        SHA-256 %s\n", id->root_sha256);
        return;
    }
    const char *root = settings_path(in->common->arena, &in->s, "root.pem");
    fprintf(out, "root        SHA-256 %s\n", id->root_sha256);
    fprintf(out, "            %s\n", root);
    fprintf(out,
            "trust it    browsers: import that file as an authority; Debian: copy it to\n"
            "            /usr/local/share/ca-certificates/clm.crt and run update-ca-certificates;\n"
            "            agents trust it by their enrolment token\n");
}

static void print_json(const struct init *in, const struct identity *id, const char *url,
                       const char *secret) {
    struct buf out;
    struct buf link;
    buf_init(&out, 64 * 1024);
    buf_init(&link, 4096);
    buf_printf(&link, "%s/welcome#%s", url, secret);
    struct json j = json_to(&out);
    json_object(&j, NULL);
    json_text(&j, "config", in->s.file);
    json_text(&j, "profiles", in->s.profiles);
    json_text(&j, "data", in->s.data);
    json_text(&j, "url", url);
    json_text(&j, "root_sha256", id->root_sha256);
    json_text(&j, "admin", in->admin);
    json_text(&j, "link", buf_cstr(&link));
    json_end(&j, '}');
    fprintf(in->env->out, "%s\n", buf_cstr(&out));
    buf_clear(&link);
    buf_clear(&out);
}

static void print(const struct init *in, const struct identity *id, const char *url,
                  const char *secret) {
    FILE *out = in->env->out;
    if (in->common->json) {
        print_json(in, id, url, secret);
        return;
    }
    fprintf(out, "config      %s\n", in->s.file);
    fprintf(out, "store       %s\n", in->s.data);
    fprintf(out, "authority   issues what %s allows\n", in->s.profiles);
    print_trust(in, id, out);
    fprintf(out, "log in as   %s, once the server runs, within 24 hours:\n", in->admin);
    fprintf(out, "            %s/welcome#%s\n", url, secret);
    if (in->common->config)
        fprintf(out, "next        clm-server run --config %s\n", in->common->config);
    else if (in->data_given)
        fprintf(out, "next        clm-server run --data %s\n", in->s.data);
    else
        fprintf(out, "next        clm-server run\n");
}

static enum err init(struct init *in) {
    struct arena *a = in->common->arena;
    struct identity id = {0};
    char secret[AUTH_SECRET_TEXT + 1];
    const char *url = NULL;
    bool made;
    enum err code = settings_derive(a, &in->s, in->f);
    if (code == ERR_OK && !auth_user_name_valid(bytes_text(in->admin)))
        code = fault_set(in->f, ERR_USAGE, "admin", "letters, digits and . _ @ - are allowed");
    if (code == ERR_OK)
        code = check_free(in);
    if (code == ERR_OK)
        code = check_given(in, &id);
    if (code == ERR_OK)
        code = make_folders(in);
    if (code == ERR_OK && !in->s.cert)
        code = identity_make_root(in->env, a, &in->s, "root", in->f);
    if (code == ERR_OK && !in->s.cert)
        code = identity_make_server(in->env, a, &in->s, in->f);
    if (code == ERR_OK)
        code = identity_load(a, &in->s, &id, in->f);
    if (code == ERR_OK)
        code = authority_make(in->env, a, &in->s, &made, in->f);
    if (code == ERR_OK)
        code = profiles_make(&in->s, in->f);
    if (code == ERR_OK) {
        url = settings_url(a, &in->s, settings_port(&in->s));
        code = fill(in, &id, url, secret);
    }
    if (code == ERR_OK)
        code = write_conf(in);
    if (code == ERR_OK)
        print(in, &id, url, secret);
    return code;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    const struct init_options *o = options;
    struct fault f = {0};
    struct init in = {.env = env, .common = common, .s = o->s, .admin = o->admin, .f = &f};
    in.data_given = o->s.data != NULL;
    if (!o->s.name) {
        fault_set(&f, ERR_USAGE, "--name", "the server needs one, as agents and browsers call it");
        return opt_fail(env, common, &f);
    }
    enum err code = settings_places(common, o->s.data, &in.s, &f);
    if (code == ERR_OK)
        code = init(&in);
    return code == ERR_OK ? 0 : opt_fail(env, common, &f);
}

const struct opt_command clm_server_init = {
    .name = "init",
    .arguments = "",
    .summary = "make a store, the server's certificate and the first administrator",
    .examples = "clm-server init --name clm.example.com\n"
                "clm-server init --name clm.example.com,192.0.2.10 --listen 192.0.2.10:443\n"
                "clm-server init --name localhost --listen 127.0.0.1:8443 --data build/run/server",
    .rows = rows,
    .size = sizeof(struct init_options),
    .defaults = defaults,
    .run = run,
};
