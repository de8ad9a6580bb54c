/* clm-server backup: the log, the configuration and what is public of the state, and where it
 * is wanted the secrets, under a passphrase. See store/backup.
 *
 * The files are read here, so that they lie where whoever calls may write; the running server
 * (or, without one, the store) only says how far its log is durable. Secrets are read after that:
 * the file of one is written before the entry that refers to it, so none is missing.
 */
#include "applets/clm-server/backup.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum { ANSWER_MAX = 1 << 20, TRIES = 3 };

struct backup_options {
    const char *data, *passphrase_file;
    bool secrets;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_FLAG, 0, "secrets", NULL, offsetof(struct backup_options, secrets),
     "Keys, users and tokens too, encrypted"},
    {OPT_TEXT, 0, "passphrase-file", "FILE", offsetof(struct backup_options, passphrase_file),
     "Their passphrase, one line; default: server.conf's backup_passphrase_file"},
    {OPT_TEXT, 0, "data",    "DIR", offsetof(struct backup_options, data), "Folder of the store"},
    {OPT_END,  0, NULL,      NULL,  0, NULL},
};

const struct backup_row backup_rows[] = {
    {"server.conf",   false, true},
    {"profiles.conf", false, true},
    {"root.pem",      false, false},
    {"ca-root.pem",   false, false},
    {"log.pub",       false, false},
    {"digest",        false, false},
    {"root.key",      true,  false},
    {"server.pem",    true,  false},
    {"issuing.pem",   true,  false},
    {"ca-root.key",   true,  false},
    {"log.key",       true,  false},
    {"users",         true,  false},
    {"tokens",        true,  false},
    {"nonces",        true,  false},
};
/* clang-format on */
const size_t backup_rows_n = sizeof backup_rows / sizeof backup_rows[0];

const char *backup_row_path(struct arena *a, const struct settings *s,
                            const struct backup_row *row) {
    if (!row->is_config)
        return settings_path(a, s, row->name);
    return strcmp(row->name, path_base(s->file)) == 0 ? s->file : s->profiles;
}

void backup_print_lacks(const struct settings *s, bool has_secrets, FILE *out) {
    const char *const outside[] = {s->cert, s->key, s->smtp_password_file, s->smtp_ca,
                                   s->backup_passphrase_file};
    if (!has_secrets)
        fprintf(out,
                "left out    users, tokens and keys: what is restored from this has %s\n"
                "            (--secrets --passphrase-file FILE adds them)\n",
                s->cert ? "a new issuing key" : "a new root, which no agent trusts");
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (outside[i])
            fprintf(out, "left out    %s, which server.conf names: keep a copy\n", outside[i]);
}

struct backup_call {
    const struct env *env;
    const struct backup_options *o;
    const struct opt_common *common;
    struct settings s;
    struct buf passphrase; /* empty: no secrets */
    struct backup_source *sources;
    size_t sources_n;
    struct backup_job job;
    struct backup_made made;
    struct fault f;
};

/* ---- How far the log is durable ---- */

static bool read_number(struct json_value v, const char *name, uint64_t max, uint64_t *out) {
    int64_t n;
    if (!json_integer(json_get(v, name), &n) || n < 0 || (uint64_t)n > max)
        return false;
    *out = (uint64_t)n;
    return true;
}

static bool read_point(struct backup_call *c, struct json_value v) {
    struct store_point *p = &c->job.point;
    struct bytes hex;
    uint64_t segment;
    struct arena *a = c->common->arena;
    if (!read_number(v, "entries", INT64_MAX, &p->tree.size) ||
        !read_number(v, "segment", UINT32_MAX, &segment) || segment == 0 ||
        !read_number(v, "at", INT64_MAX, &p->at) || !json_string(json_get(v, "range"), a, &hex))
        return false;
    p->segment = (uint32_t)segment;
    c->job.server = arena_cstr(a, bytes_text(admin_text(a, v, "server")));
    c->job.version = arena_cstr(a, bytes_text(admin_text(a, v, "version")));
    return c->job.server && c->job.version &&
           hex_read(hex, p->tree.range[0],
                    store_tree_range(p->tree.size) * (size_t)STORE_HASH_SIZE);
}

static enum err ask_point(struct backup_call *c) {
    struct buf answer;
    struct json_value v;
    buf_init(&answer, ANSWER_MAX);
    enum err code = admin_call(c->env, c->common, c->o->data, HTTP_GET, API_ROOT "/log/point",
                               bytes_of(NULL, 0), &answer, &c->f);
    struct bytes copy = arena_copy(c->common->arena, buf_bytes(&answer));
    if (code == ERR_OK)
        code = json_read(c->common->arena, copy, 64, &v, &c->f);
    if (code == ERR_OK && !read_point(c, v))
        code = fault_set(&c->f, ERR_NETWORK, "server", "its answer is none that is understood");
    buf_clear(&answer);
    return code;
}

/* ---- What lies beside the log ---- */

static enum err add_source(struct backup_call *c, const char *name, struct bytes content) {
    struct bytes copy = arena_copy(c->common->arena, content);
    if (copy.n != content.n)
        return fault_set(&c->f, ERR_MEMORY, "backup", "%s", name);
    c->sources[c->sources_n++] = (struct backup_source){name, copy};
    return ERR_OK;
}

static enum err take_row(struct backup_call *c, const struct backup_row *row, struct buf *secrets) {
    struct buf content;
    const char *path = backup_row_path(c->common->arena, &c->s, row);
    if (!path)
        return fault_set(&c->f, ERR_MEMORY, "backup", "%s", row->name);
    if (!file_exists(path) || (row->is_secret && c->passphrase.n == 0))
        return ERR_OK;
    crypto_buf_init(&content, BACKUP_SMALL_MAX);
    enum err code = file_read(path, &content, &c->f);
    if (code == ERR_OK && row->is_secret)
        backup_secret_put(secrets, row->name, buf_bytes(&content));
    else if (code == ERR_OK)
        code = add_source(c, row->name, buf_bytes(&content));
    buf_clear(&content);
    return code == ERR_OK && secrets->err != ERR_OK
               ? fault_set(&c->f, secrets->err, "backup", "%s", row->name)
               : code;
}

static enum err take_files(struct backup_call *c) {
    struct buf secrets, sealed;
    c->sources_n = 0;
    c->sources = arena_array(c->common->arena, backup_rows_n + 1, sizeof *c->sources);
    if (!c->sources)
        return fault_set(&c->f, ERR_MEMORY, "backup", "no room");
    crypto_buf_init(&secrets, BACKUP_SMALL_MAX);
    buf_init(&sealed, BACKUP_SMALL_MAX + 1024);
    enum err code = ERR_OK;
    for (size_t i = 0; i < backup_rows_n && code == ERR_OK; i++)
        code = take_row(c, &backup_rows[i], &secrets);
    if (code == ERR_OK && c->passphrase.n > 0)
        code =
            passphrase_seal(c->env, buf_bytes(&c->passphrase), buf_bytes(&secrets), &sealed, &c->f);
    if (code == ERR_OK && c->passphrase.n > 0)
        code = add_source(c, BACKUP_SECRETS, buf_bytes(&sealed));
    buf_clear(&secrets);
    buf_clear(&sealed);
    c->job.sources = c->sources;
    c->job.sources_n = c->sources_n;
    return code;
}

/* ---- All of it ---- */

static enum err tell_server(struct backup_call *c) {
    struct buf body, answer;
    const char *full = path_full(c->common->arena, c->job.dir);
    buf_init(&body, 64 * 1024);
    buf_init(&answer, ANSWER_MAX);
    struct json j = json_to(&body);
    json_object(&j, NULL);
    json_text(&j, "folder", full ? full : c->job.dir);
    json_int(&j, "entries", (int64_t)c->job.point.tree.size);
    json_int(&j, "bytes", (int64_t)c->made.bytes);
    json_bool(&j, "secrets", c->job.has_secrets);
    json_end(&j, '}');
    enum err code = admin_call(c->env, c->common, c->o->data, HTTP_POST, API_ROOT "/backups",
                               buf_bytes(&body), &answer, &c->f);
    buf_clear(&body);
    buf_clear(&answer);
    return code;
}

static void print_json(const struct backup_call *c) {
    struct buf out;
    uint8_t root[STORE_HASH_SIZE];
    store_tree_root(&c->job.point.tree, root);
    buf_init(&out, 64 * 1024);
    struct json j = json_to(&out);
    json_object(&j, NULL);
    json_text(&j, "folder", c->job.dir);
    json_time(&j, "time", c->made.time_s);
    json_int(&j, "entries", (int64_t)c->job.point.tree.size);
    json_hex(&j, "root", bytes_of(root, sizeof root));
    json_int(&j, "files", (int64_t)c->made.files);
    json_int(&j, "bytes", (int64_t)c->made.bytes);
    json_int(&j, "copied_files", (int64_t)c->made.copied_files);
    json_int(&j, "copied_bytes", (int64_t)c->made.copied_bytes);
    json_bool(&j, "secrets", c->job.has_secrets);
    json_end(&j, '}');
    fprintf(c->env->out, "%s\n", buf_cstr(&out));
    buf_clear(&out);
}

static void print(const struct backup_call *c) {
    char text[28], copied[28], bytes[28];
    FILE *out = c->env->out;
    if (c->common->json) {
        print_json(c);
        return;
    }
    if (c->common->quiet)
        return;
    fprintf(out, "backup      %s\n", c->job.dir);
    fprintf(out, "entries     %s\n", number_grouped(c->job.point.tree.size, text));
    fprintf(out, "copied      %s of %s bytes, %" PRIu64 " of %" PRIu64 " files\n",
            number_grouped(c->made.copied_bytes, copied), number_grouped(c->made.bytes, bytes),
            c->made.copied_files, c->made.files);
    if (c->job.has_secrets)
        fprintf(out,
                "secrets     encrypted; without the passphrase they are lost: keep it elsewhere\n");
    backup_print_lacks(&c->s, c->job.has_secrets, out);
}

/* A segment may be rewritten between the question and the copy; then it is asked again. What is
 * damaged stays so. */
static enum err make(struct backup_call *c) {
    enum err code = ERR_DAMAGED;
    for (unsigned i = 0; i < TRIES && code == ERR_DAMAGED; i++) {
        code = ask_point(c);
        if (code == ERR_OK)
            code = take_files(c);
        if (code == ERR_OK)
            code = backup_make(c->env, &c->job, &c->made, &c->f);
    }
    return code == ERR_OK ? tell_server(c) : code;
}

/* On the line it is wanted with --secrets; at night server.conf's file says so. */
static enum err read_passphrase(struct backup_call *c, bool is_nightly) {
    const char *path = c->o->passphrase_file;
    if (path && !c->o->secrets)
        return fault_set(&c->f, ERR_USAGE, "--passphrase-file", "goes with --secrets");
    const char *key = path ? "--passphrase-file" : "backup_passphrase_file";
    if (!path && (c->o->secrets || is_nightly))
        path = c->s.backup_passphrase_file;
    if (!path && c->o->secrets)
        return fault_set(&c->f, ERR_USAGE, "--secrets",
                         "--passphrase-file FILE is wanted, or backup_passphrase_file in %s",
                         c->s.file);
    return path ? settings_secret(key, path, &c->passphrase, &c->f) : ERR_OK;
}

static enum err backup(struct backup_call *c) {
    const struct opt_list *words = &c->common->words;
    enum err code = settings_read(c->common, c->o->data, &c->s, &c->f);
    if (code != ERR_OK)
        return code;
    if (words->n > 1)
        return fault_set(&c->f, ERR_USAGE, "unexpected word", "%s", words->items[1]);
    bool is_nightly = words->n == 0;
    c->job.dir = is_nightly ? c->s.backup : words->items[0];
    c->job.data = c->s.data;
    if (!c->job.dir || !c->job.dir[0]) {
        if (!c->common->quiet)
            fprintf(c->env->err, "clm-server backup: no folder given, and no backup in %s\n",
                    c->s.file);
        return ERR_OK;
    }
    code = read_passphrase(c, is_nightly);
    c->job.has_secrets = c->passphrase.n > 0;
    if (code == ERR_OK)
        code = make(c);
    if (code == ERR_OK)
        print(c);
    return code;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct backup_call c = {.env = env, .o = options, .common = common};
    crypto_buf_init(&c.passphrase, BACKUP_PASSPHRASE_MAX);
    enum err code = backup(&c);
    buf_clear(&c.passphrase);
    return code == ERR_OK ? 0 : opt_fail(env, common, &c.f);
}

const struct opt_command clm_server_backup = {
    .name = "backup",
    .arguments = "[DIR]",
    .summary = "copy the store to a folder, from which it can be had again",
    .examples =
        "clm-server backup /mnt/backup/clm\n"
        "clm-server backup /mnt/backup/clm --secrets --passphrase-file /etc/clm/backup.passphrase\n"
        "clm-server backup --quiet",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct backup_options),
    .run = run,
};
