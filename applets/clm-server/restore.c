/* clm-server restore: a server out of a backup, in an empty folder, while none runs there.
 *
 * All is made in DATA/restoring: the log copied and read through against the manifest, the
 * secrets opened, or where the backup has none made anew, and the entry "restored from tree head"
 * appended. Only then it is moved into place, the log last. As long as that folder is there, no
 * server starts.
 */
#include "applets/clm-server/backup.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum { ARENA_MAX = 256 << 20, LINK_VALID_S = 24 * 60 * 60 };

struct restore_options {
    const char *data, *passphrase_file, *admin;
    bool without;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_TEXT, 0, "passphrase-file", "FILE", offsetof(struct restore_options, passphrase_file),
     "Passphrase of the backup's secrets, one line"},
    {OPT_FLAG, 0, "without-secrets", NULL,  offsetof(struct restore_options, without),
     "Leave them where they are: new root, new keys, one new administrator"},
    {OPT_TEXT, 0, "admin", "NAME", offsetof(struct restore_options, admin),
     "That administrator's name, default admin"},
    {OPT_TEXT, 0, "data",  "DIR",  offsetof(struct restore_options, data),
     "Folder of the store: absent, or empty"},
    {OPT_END,  0, NULL,    NULL,   0, NULL},
};
/* clang-format on */

static void defaults(void *options) {
    struct restore_options *o = options;
    o->admin = "admin";
}

struct restore_call {
    const struct env *env;
    const struct restore_options *o;
    const struct opt_common *common;
    struct arena arena;
    const char *dir; /* of the backup */
    struct backup_manifest m;
    struct settings places, made; /* where it goes; as restored, with `data` the work folder */
    const char *work;
    bool has_secrets, keeps_conf; /* a server.conf was there before */
    struct buf conf, profiles;    /* put into place at the end */
    const char *url, *root_sha256;
    char secret[AUTH_SECRET_TEXT + 1]; /* of the link; "": none */
    struct fault f;
};

/* ---- Before anything is written ---- */

static bool is_something(void *context, const char *name, bool is_dir) {
    const char **found = context;
    (void)is_dir;
    *found = strcmp(name, "restoring") == 0 ? "restoring" : "files";
    return false;
}

static enum err check_target(struct restore_call *c) {
    const char *found = NULL;
    enum err code = dir_list(c->places.data, is_something, &found, &c->f);
    if (code == ERR_NOT_FOUND || (code == ERR_OK && !found))
        return ERR_OK;
    if (code != ERR_OK)
        return code;
    if (strcmp(found, "restoring") == 0)
        return fault_set(&c->f, ERR_EXISTS, "an interrupted restore: remove this folder first",
                         "%s", c->places.data);
    return fault_set(&c->f, ERR_EXISTS, "not empty: give another --data, or move it away", "%s",
                     c->places.data);
}

static enum err check_secrets(struct restore_call *c) {
    if (c->o->without && c->o->passphrase_file)
        return fault_set(&c->f, ERR_USAGE, "--without-secrets", "or --passphrase-file, not both");
    if (!auth_user_name_valid(bytes_text(c->o->admin)))
        return fault_set(&c->f, ERR_USAGE, "--admin", "letters, digits and . _ @ - are allowed");
    c->has_secrets = c->m.has_secrets && !c->o->without;
    if (c->has_secrets && !c->o->passphrase_file)
        return fault_set(&c->f, ERR_USAGE, "--passphrase-file",
                         "is wanted: the backup has secrets; --without-secrets leaves them out");
    if (!c->m.has_secrets && c->o->passphrase_file)
        return fault_set(&c->f, ERR_USAGE, "--passphrase-file", "the backup has no secrets");
    return ERR_OK;
}

static enum err begin(struct restore_call *c) {
    enum err code = settings_places(c->common, c->o->data, &c->places, &c->f);
    if (code == ERR_OK)
        code = backup_manifest_load(&c->arena, c->dir, &c->m, &c->f);
    if (code == ERR_NOT_FOUND)
        return fault_set(&c->f, code, "no backup", "%s", c->dir);
    if (code == ERR_OK)
        code = check_secrets(c);
    if (code == ERR_OK)
        code = check_target(c);
    c->keeps_conf = file_exists(c->places.file);
    return code;
}

/* ---- Into the work folder ---- */

static enum err put(struct restore_call *c, const char *name, struct bytes content, int mode) {
    const char *path = path_join(&c->arena, c->work, name);
    return path ? file_replace(path, content, mode, &c->f)
                : fault_set(&c->f, ERR_MEMORY, "restore", "%s", name);
}

/* Certificates and names whose keys are secret: of no use without them. */
static bool is_needless(const struct restore_call *c, const char *name) {
    static const char *const public_parts[] = {"root.pem", "ca-root.pem", "log.pub"};
    for (size_t i = 0; i < sizeof public_parts / sizeof public_parts[0]; i++)
        if (!c->has_secrets && strcmp(name, public_parts[i]) == 0)
            return true;
    return false;
}

static enum err put_row(struct restore_call *c, const struct backup_row *row) {
    struct buf content;
    if (row->is_secret || is_needless(c, row->name))
        return ERR_OK;
    buf_init(&content, BACKUP_SMALL_MAX);
    enum err code = backup_file_read(c->dir, &c->m, row->name, &content, &c->f);
    if (code == ERR_OK && row->is_config)
        buf_put(strcmp(row->name, "server.conf") == 0 ? &c->conf : &c->profiles,
                buf_bytes(&content));
    if (code == ERR_OK)
        code = put(c, row->name, buf_bytes(&content), row->is_config ? 0644 : 0600);
    buf_clear(&content);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static const struct backup_row *secret_row(struct bytes name) {
    for (size_t i = 0; i < backup_rows_n; i++)
        if (backup_rows[i].is_secret && bytes_is(name, backup_rows[i].name))
            return &backup_rows[i];
    return NULL;
}

static enum err put_secrets(struct restore_call *c, struct bytes all) {
    struct cur in = cur_open(all);
    struct bytes name, content;
    enum err code = ERR_OK;
    while (code == ERR_OK && backup_secret_take(&in, &name, &content)) {
        const struct backup_row *row = secret_row(name);
        if (row)
            code = put(c, row->name, content, 0600);
        else
            fprintf(c->env->err, "clm-server restore: a secret of another version is left out\n");
    }
    if (code == ERR_OK && !cur_end(&in))
        code = fault_set(&c->f, ERR_DAMAGED, "backup", BACKUP_SECRETS);
    return code;
}

static enum err open_secrets(struct restore_call *c) {
    struct buf passphrase, sealed, all;
    crypto_buf_init(&passphrase, BACKUP_PASSPHRASE_MAX);
    buf_init(&sealed, BACKUP_SMALL_MAX + 1024);
    crypto_buf_init(&all, BACKUP_SMALL_MAX + 1024);
    enum err code = settings_secret("--passphrase-file", c->o->passphrase_file, &passphrase, &c->f);
    if (code == ERR_OK)
        code = backup_file_read(c->dir, &c->m, BACKUP_SECRETS, &sealed, &c->f);
    if (code == ERR_OK)
        code = passphrase_open(buf_bytes(&passphrase), buf_bytes(&sealed), &all, &c->f);
    if (code == ERR_OK)
        code = put_secrets(c, buf_bytes(&all));
    buf_clear(&passphrase);
    buf_clear(&sealed);
    buf_clear(&all);
    return code;
}

/* server.conf as it will be; the store's folder is the work folder meanwhile. */
static enum err read_settings(struct restore_call *c) {
    const char *file =
        c->keeps_conf ? c->places.file : path_join(&c->arena, c->work, "server.conf");
    const char *profiles = path_join(&c->arena, c->work, "profiles.conf");
    if (!file || !profiles)
        return fault_set(&c->f, ERR_MEMORY, "restore", "%s", c->work);
    if (!file_exists(file))
        return fault_set(&c->f, ERR_DAMAGED, "backup", "it has no server.conf");
    enum err code = opt_read_file(&c->arena, file, settings_rows, &c->made, &c->f);
    c->made.data = c->work;
    c->made.file = file;
    c->made.profiles = profiles;
    if (code == ERR_OK)
        code = settings_derive(&c->arena, &c->made, &c->f);
    if (code == ERR_OK)
        c->url = settings_url(&c->arena, &c->made, settings_port(&c->made));
    return code == ERR_OK && !c->url ? fault_set(&c->f, ERR_MEMORY, "restore", "URL") : code;
}

static enum err make_identity(struct restore_call *c) {
    struct identity id;
    bool made;
    enum err code = ERR_OK;
    if (!c->made.cert) {
        code = identity_make_root(c->env, &c->arena, &c->made, "root", &c->f);
        if (code == ERR_OK)
            code = identity_make_server(c->env, &c->arena, &c->made, &c->f);
        if (code == ERR_OK)
            code = identity_load(&c->arena, &c->made, &id, &c->f);
        if (code == ERR_OK)
            c->root_sha256 = id.root_sha256;
    }
    return code == ERR_OK ? authority_make(c->env, &c->arena, &c->made, &made, &c->f) : code;
}

static enum err make_admin(struct restore_call *c) {
    struct auth *auth = NULL;
    struct bytes name = bytes_text(c->o->admin);
    enum err code = auth_open(c->env, c->work, &auth, &c->f);
    if (code == ERR_OK)
        code = auth_user_add(auth, name, AUTH_ADMIN, &c->f);
    if (code == ERR_OK)
        code = auth_link_make(auth, name, LINK_VALID_S, c->secret, &c->f);
    auth_close(auth);
    return code;
}

static enum err audit(struct restore_call *c, struct inventory *inventory, const char *verb,
                      const char *object, const char *detail) {
    struct inventory_audit act = {.actor = bytes_text("local"),
                                  .verb = bytes_text(verb),
                                  .object = bytes_text(object),
                                  .detail = bytes_text(detail)};
    return inventory_audit(inventory, &act, NULL, NULL, &c->f);
}

/* The store opens, and says from where it goes on. */
static enum err append_entry(struct restore_call *c) {
    struct inventory *inventory = NULL;
    char root[2 * STORE_HASH_SIZE + 1], time[CLOCK_TEXT_MAX], detail[300];
    hex_write(root, bytes_of(c->m.root, sizeof c->m.root));
    snprintf(detail, sizeof detail,
             "restored from tree head %" PRIu64 " %s, backup of %s, %s secrets", c->m.entries, root,
             clock_write(c->m.time_s, time), c->has_secrets ? "with" : "without");
    enum err code = inventory_open(c->work, c->env, &inventory, &c->f);
    if (code == ERR_OK)
        code = audit(c, inventory, "restore", "log", detail);
    if (code == ERR_OK && !c->has_secrets) {
        snprintf(detail, sizeof detail, "user:%s", c->o->admin);
        code = audit(c, inventory, "user.add", detail, "admin, by restore");
    }
    inventory_close(inventory);
    return code;
}

static enum err fill(struct restore_call *c) {
    struct backup_note note = {.time_s = c->m.time_s,
                               .folder = c->dir,
                               .entries = c->m.entries,
                               .has_secrets = c->m.has_secrets};
    const char *full = path_full(&c->arena, c->dir);
    note.folder = full ? full : c->dir;
    for (size_t i = 0; i < c->m.files_n; i++)
        note.bytes += c->m.files[i].size;
    enum err code = ERR_OK;
    for (size_t i = 0; i < backup_rows_n && code == ERR_OK; i++)
        code = put_row(c, &backup_rows[i]);
    if (code == ERR_OK && c->has_secrets)
        code = open_secrets(c);
    if (code == ERR_OK)
        code = backup_restore_log(c->dir, &c->m, c->work, &c->f);
    if (code == ERR_OK)
        code = read_settings(c);
    if (code == ERR_OK && !c->has_secrets)
        code = make_identity(c);
    if (code == ERR_OK && !c->has_secrets)
        code = make_admin(c);
    if (code == ERR_OK)
        code = append_entry(c);
    if (code == ERR_OK)
        code = backup_note_write(c->work, &note, &c->f);
    return code;
}

/* ---- Away again, where something was wrong ---- */

struct removing {
    const char *dir;
    unsigned depth;
};

static bool remove_one(void *context, const char *name, bool is_dir) {
    const struct removing *r = context;
    struct fault ignored;
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *path = path_join(&a, r->dir, name);
    if (path && is_dir && r->depth > 0) {
        struct removing inner = {path, r->depth - 1};
        (void)!dir_list(path, remove_one, &inner, &ignored);
        (void)!dir_remove(path, &ignored);
    } else if (path && !is_dir) {
        (void)!file_remove(path, &ignored);
    }
    arena_clear(&a);
    return true;
}

/* What stays is named by the next restore. */
static void remove_work(struct restore_call *c) {
    struct removing r = {c->work, 1};
    struct fault ignored;
    (void)!dir_list(c->work, remove_one, &r, &ignored);
    (void)!dir_remove(c->work, &ignored);
}

/* ---- Into place ---- */

struct moving {
    struct restore_call *c;
    enum err code;
};

static enum err move(struct restore_call *c, const char *name) {
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *from = path_join(&a, c->work, name), *to = path_join(&a, c->places.data, name);
    int status = from && to ? os_rename(from, to) : 0;
    enum err code = ERR_OK;
    if (!from || !to)
        code = fault_set(&c->f, ERR_MEMORY, "restore", "%s", name);
    else if (status != 0)
        code = file_fault(&c->f, status, "rename", to);
    arena_clear(&a);
    return code;
}

/* Those of the configuration have a place of their own; the log goes last. */
static bool move_one(void *context, const char *name, bool is_dir) {
    struct moving *m = context;
    struct restore_call *c = m->c;
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *path = path_join(&a, c->work, name);
    if (strcmp(name, "server.conf") == 0 || strcmp(name, "profiles.conf") == 0)
        m->code =
            path ? file_remove(path, &c->f) : fault_set(&c->f, ERR_MEMORY, "restore", "%s", name);
    else if (!is_dir || strcmp(name, "log") != 0)
        m->code = move(c, name);
    arena_clear(&a);
    return m->code == ERR_OK;
}

static enum err put_conf(struct restore_call *c) {
    struct bytes file = bytes_text(c->places.file);
    size_t cut = file.n - strlen(path_base(c->places.file));
    const char *folder = arena_cstr(&c->arena, bytes_part(file, 0, cut > 1 ? cut - 1 : cut));
    enum err code = ERR_OK;
    if (folder && folder[0] && !file_exists(folder))
        code = dir_make(folder, 0755, &c->f);
    if (code == ERR_OK && c->profiles.n > 0 && !file_exists(c->places.profiles))
        code = file_replace(c->places.profiles, buf_bytes(&c->profiles), 0644, &c->f);
    if (code == ERR_OK && !c->keeps_conf)
        code = file_replace(c->places.file, buf_bytes(&c->conf), 0644, &c->f);
    return code;
}

static enum err put_all(struct restore_call *c) {
    struct moving m = {c, ERR_OK};
    enum err code = put_conf(c);
    if (code == ERR_OK)
        code = dir_list(c->work, move_one, &m, &c->f);
    if (code == ERR_OK)
        code = m.code;
    if (code == ERR_OK)
        code = os_dir_sync(c->places.data, &c->f);
    if (code == ERR_OK)
        code = move(c, "log");
    if (code == ERR_OK)
        code = os_dir_sync(c->places.data, &c->f);
    if (code == ERR_OK)
        code = dir_remove(c->work, &c->f);
    return code;
}

/* ---- Words ---- */

static void print_json(const struct restore_call *c) {
    struct buf out, link;
    buf_init(&out, 64 * 1024);
    buf_init(&link, 4096);
    buf_printf(&link, "%s/welcome#%s", c->url, c->secret);
    struct json j = json_to(&out);
    json_object(&j, NULL);
    json_text(&j, "data", c->places.data);
    json_text(&j, "config", c->places.file);
    json_int(&j, "entries", (int64_t)c->m.entries);
    json_hex(&j, "root", bytes_of(c->m.root, sizeof c->m.root));
    json_time(&j, "time", c->m.time_s);
    json_bool(&j, "secrets", c->has_secrets);
    json_text(&j, "url", c->url);
    json_text(&j, "root_sha256", c->root_sha256);
    json_text(&j, "admin", c->secret[0] ? c->o->admin : NULL);
    json_text(&j, "link", c->secret[0] ? buf_cstr(&link) : NULL);
    json_end(&j, '}');
    fprintf(c->env->out, "%s\n", buf_cstr(&out));
    buf_clear(&link);
    buf_clear(&out);
}

static void print_agents(const struct restore_call *c, FILE *out) {
    char time[CLOCK_TEXT_MAX];
    clock_write(c->m.time_s, time);
    if (c->has_secrets || c->made.cert)
        fprintf(out,
                "agents      push as before; one that was enrolled after %s is not known: it\n"
                "            enrols again, with a token of clm-server token create\n",
                time);
    else
        fprintf(
            out,
            "root        SHA-256 %s, new: no agent trusts it\n"
            "agents      each enrols again and keeps its history: clm-server token create --for\n"
            "            NAME makes the token, ers login %s --token-file - takes it\n",
            c->root_sha256, c->url);
}

static void print_files(const struct restore_call *c, FILE *out) {
    const char *const outside[] = {c->made.cert, c->made.key, c->made.smtp_password_file,
                                   c->made.smtp_ca, c->made.backup_passphrase_file};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (outside[i] && !file_exists(outside[i]))
            fprintf(out, "missing     %s, which server.conf names: put it back\n", outside[i]);
    if (c->keeps_conf)
        fprintf(out, "kept        %s, which was there; the backup's is not put in its place\n",
                c->places.file);
}

static void print_next(const struct restore_call *c, FILE *out) {
    if (c->common->config)
        fprintf(out, "next        clm-server run --config %s%s%s\n", c->common->config,
                c->o->data ? " --data " : "", c->o->data ? c->o->data : "");
    else if (c->o->data)
        fprintf(out, "next        clm-server run --data %s\n", c->o->data);
    else
        fprintf(out, "next        clm-server run\n");
}

static void print(const struct restore_call *c) {
    char text[28], time[CLOCK_TEXT_MAX], root[2 * STORE_HASH_SIZE + 1];
    FILE *out = c->env->out;
    if (c->common->json) {
        print_json(c);
        return;
    }
    hex_write(root, bytes_of(c->m.root, sizeof c->m.root));
    fprintf(out, "restored    %s, as it was at %s\n", c->places.data,
            clock_write(c->m.time_s, time));
    fprintf(out, "entries     %s, tree %s\n", number_grouped(c->m.entries, text), root);
    fprintf(out, "config      %s\n", c->places.file);
    fprintf(out, "secrets     %s\n",
            c->has_secrets ? "users, tokens and keys as they were"
                           : "not restored: keys are new, and users and tokens are gone");
    print_agents(c, out);
    if (c->secret[0])
        fprintf(out,
                "log in as   %s, once the server runs, within 24 hours:\n"
                "            %s/welcome#%s\n",
                c->o->admin, c->url, c->secret);
    print_files(c, out);
    print_next(c, out);
}

static enum err restore(struct restore_call *c) {
    const struct opt_list *words = &c->common->words;
    if (words->n != 1)
        return fault_set(&c->f, ERR_USAGE, "restore", "the folder of one backup is wanted");
    c->dir = words->items[0];
    enum err code = begin(c);
    if (code == ERR_OK)
        code = dir_make(c->places.data, 0700, &c->f);
    if (code == ERR_OK) {
        c->work = path_join(&c->arena, c->places.data, "restoring");
        code = c->work ? dir_make(c->work, 0700, &c->f)
                       : fault_set(&c->f, ERR_MEMORY, "restore", "%s", c->places.data);
    }
    if (code == ERR_OK) {
        code = fill(c);
        if (code != ERR_OK)
            remove_work(c);
    }
    if (code == ERR_OK)
        code = put_all(c);
    if (code == ERR_OK)
        print(c);
    return code;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct restore_call c = {.env = env, .o = options, .common = common};
    arena_init(&c.arena, ARENA_MAX);
    buf_init(&c.conf, BACKUP_SMALL_MAX);
    buf_init(&c.profiles, BACKUP_SMALL_MAX);
    enum err code = restore(&c);
    buf_clear(&c.conf);
    buf_clear(&c.profiles);
    arena_clear(&c.arena);
    crypto_wipe(c.secret, sizeof c.secret);
    return code == ERR_OK ? 0 : opt_fail(env, common, &c.f);
}

const struct opt_command clm_server_restore = {
    .name = "restore",
    .arguments = "DIR",
    .summary = "make a server of a backup, in an empty folder",
    .examples = "clm-server restore /mnt/backup/clm --passphrase-file /etc/clm/backup.passphrase\n"
                "clm-server restore /mnt/backup/clm --without-secrets\n"
                "clm-server restore build/run/backup --data build/run/server2",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct restore_options),
    .defaults = defaults,
    .run = run,
};
