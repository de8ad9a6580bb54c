/* ers inspect: shows the certificates in files, folders, standard input and at endpoints.
 *
 * What a file is, its content says. Every input is tried; one that cannot be read is named and
 * the others are still shown. In a folder a file without certificates is nothing to speak of; one
 * that was named itself and has none is an error. Private keys that lie in a file are
 * counted and told, never shown.
 */
#include "applets/ers/inspect.h"
#include "applets/ers/ers.h"
#include "applets/ers/password.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "base/walk.h"
#include "crypto/crypto.h"
#include "net/http.h"

#include <string.h>

enum {
    INPUT_MAX = 64 << 20,          /* of a file that was named */
    FILE_IN_FOLDER_MAX = 10 << 20, /* no more is looked for in a folder */
    CERTIFICATE_ARENA_MAX = 16 << 20,
    OUTPUT_MAX = 32 << 20, /* of one certificate */
    OTHERS_READ = 0004,
};

struct inspect_options {
    bool pem;
    const char *password_file, *trust;
    struct opt_list fail_on;
};

/* One file on its way. */
struct reading {
    struct inspect *in;
    bool is_named;
    size_t shown;
    struct fault fault; /* the first of a file in a folder */
};

/* ---- one file ---- */

static bool on_certificate(void *context, const struct x509_container_entry *entry) {
    struct reading *r = context;
    r->in->from.container = x509_container_name(entry->type);
    r->in->from.alias = entry->name;
    /* Much that lies in folders is a SEQUENCE and no certificate. */
    bool silent = !r->is_named && entry->type == X509_CONTAINER_DER;
    r->shown += inspect_show(r->in, entry->der, silent);
    return !inspect_is_stopped(r->in);
}

static void on_fault(void *context, const struct fault *f) {
    struct reading *r = context;
    if (r->is_named)
        inspect_error(r->in, f);
    else if (r->fault.code == ERR_OK)
        r->fault = *f;
}

/* Only somebody who sits there is asked; an empty answer gives up. */
static bool ask_password(void *context, struct buf *password) {
    struct reading *r = context;
    struct inspect *in = r->in;
    struct buf prompt;
    struct fault ignored;
    if (in->has_password || !r->is_named || strcmp(in->from.input, "-") == 0 || !os_is_terminal(0))
        return false;
    buf_init(&prompt, OUTPUT_MAX);
    buf_text(&prompt, "Password of ");
    text_escape(&prompt, bytes_text(in->from.input));
    buf_text(&prompt, ": ");
    fflush(in->env->out);
    bool is_given = os_read_secret(buf_cstr(&prompt), password, &ignored) == ERR_OK;
    buf_clear(&prompt);
    return is_given && password->n > 0;
}

static void note_keys(struct inspect *in, size_t n, const struct walk_facts *facts) {
    char text[120], mode[48] = "";
    if (facts != NULL && os_has_owners && (facts->mode & OTHERS_READ) != 0)
        snprintf(mode, sizeof mode, ", and everybody may read it (mode %04o)", facts->mode);
    if (n == 1)
        snprintf(text, sizeof text, "a private key lies in this file%s", mode);
    else
        snprintf(text, sizeof text, "%zu private keys lie in this file%s", n, mode);
    if (n > 0)
        inspect_note(in, text);
}

static void note_objects(struct inspect *in, size_t n) {
    char text[120];
    if (n == 1)
        snprintf(text, sizeof text, "an object that is no certificate was left out");
    else
        snprintf(text, sizeof text, "%zu objects that are no certificates were left out", n);
    if (n > 0)
        inspect_note(in, text);
}

/* Of a file in a folder it is told only what is wrong with one of ours. */
static void tell_faults(struct reading *r, const struct x509_container_account *account) {
    bool is_ours = x509_container_is_meant(account->type, buf_bytes(&r->in->file));
    if (r->is_named && account->certificates + account->faults == 0)
        inspect_error_text(r->in, ERR_NOT_FOUND, "file", "no certificate in it");
    else if (!r->is_named && account->faults > 0 && (is_ours || r->shown > 0))
        inspect_error(r->in, &r->fault);
}

/* What is in in->file. */
static void read_content(struct inspect *in, bool is_named, const struct walk_facts *facts) {
    struct reading r = {.in = in, .is_named = is_named};
    const struct bytes password = buf_bytes(&in->password);
    const struct x509_container_reader reader = {.context = &r,
                                                 .certificate = on_certificate,
                                                 .fault = on_fault,
                                                 .password = in->has_password ? &password : NULL,
                                                 .ask = ask_password};
    struct x509_container_account account;
    x509_container_read(buf_bytes(&in->file), &reader, &account);
    tell_faults(&r, &account);
    in->files++;
    in->files_without += r.shown == 0;
    in->private_keys += account.private_keys;
    in->objects += account.others;
    note_keys(in, account.private_keys, facts);
    if (is_named || r.shown > 0)
        note_objects(in, account.others);
}

static enum err read_stream(struct env *env, struct buf *out, struct fault *f) {
    enum { CHUNK = 65536 };
    for (;;) {
        uint8_t *at = buf_reserve(out, CHUNK);
        if (at == NULL)
            return fault_set(f, out->err, "standard input", "%s", "too much");
        size_t n = fread(at, 1, CHUNK, env->in);
        buf_commit(out, n);
        if (n < CHUNK)
            return ferror(env->in) ? fault_set(f, ERR_IO, "standard input", "%s", "read") : ERR_OK;
    }
}

/* Keys may have been in it. */
static void forget_content(struct inspect *in) {
    if (in->file.n > 0)
        crypto_wipe(in->file.p, in->file.n);
    buf_reset(&in->file);
}

static void begin(struct inspect *in, const char *input) {
    in->from = (struct inspect_from){.input = input};
    forget_content(in);
}

/* Also what is no regular file is read where it was named: a pipe. */
static void read_named(struct inspect *in, const char *input) {
    struct fault f;
    struct walk_facts facts = {0};
    bool is_stream = strcmp(input, "-") == 0, has_facts = false;
    enum err e = ERR_UNSUPPORTED;
    if (!is_stream) {
        e = walk_read(input, &in->file, &facts, &f);
        has_facts = e == ERR_OK;
    }
    if (e == ERR_UNSUPPORTED)
        e = is_stream ? read_stream(in->env, &in->file, &f) : file_read(input, &in->file, &f);
    if (e != ERR_OK)
        inspect_error(in, &f);
    else
        read_content(in, true, has_facts ? &facts : NULL);
}

/* ---- folders ---- */

static void read_found(struct inspect *in, const char *path, uint64_t size_bytes) {
    struct fault f;
    struct walk_facts facts = {0};
    if (size_bytes > FILE_IN_FOLDER_MAX) {
        inspect_left_out(in, path, "more than 10 MB: name it, to have it read");
        return;
    }
    begin(in, path);
    enum err e = walk_read(path, &in->file, &facts, &f);
    if (e == ERR_OK)
        read_content(in, false, &facts);
    else if (e != ERR_NOT_FOUND) /* removed since its folder was read */
        inspect_error(in, &f);
}

static bool on_item(void *context, const struct walk_item *item) {
    struct inspect *in = context;
    if (item->what == WALK_FILE && !walk_is_index_link(item)) {
        read_found(in, item->path, item->facts.size_bytes);
    } else if (item->what == WALK_FAILED) {
        begin(in, item->path);
        inspect_error(in, item->fault);
    } else if (item->what == WALK_LIMIT) {
        inspect_left_out(in, item->path, item->fault->what);
    } else if (item->what != WALK_FILE) {
        inspect_left_out(in, item->path, walk_what_text(item->what));
    }
    return !inspect_is_stopped(in);
}

static void read_folder(struct inspect *in, const char *path) {
    struct walk_limits limits = walk_limits_default();
    struct walk *w = NULL;
    struct fault f;
    enum err e = walk_open(&limits, &w, &f);
    if (e == ERR_OK)
        e = walk_run(w, path, on_item, in, &f);
    walk_close(w);
    if (e != ERR_OK && e != ERR_INTERRUPTED) {
        begin(in, path);
        inspect_error(in, &f);
    }
}

/* ---- inputs ---- */

static void inspect_input(struct inspect *in, const char *input) {
    size_t errors = in->errors;
    begin(in, input);
    if (strcmp(input, "-") != 0 && !file_exists(input) && inspect_is_place(in, input))
        inspect_place(in, input);
    else if (walk_is_folder(input))
        read_folder(in, input);
    else
        read_named(in, input);
    forget_content(in);
    in->inputs++;
    in->inputs_failed += in->errors > errors;
}

static int inspect_run(struct env *env, const void *options, const struct opt_common *common) {
    const struct inspect_options *o = options;
    struct fault f;
    if (common->words.n == 0) {
        fault_set(&f, ERR_USAGE, "name a file, a folder or HOST:PORT, or - for standard input",
                  "%s", "");
        return opt_fail(env, common, &f);
    }
    struct inspect in = {.env = env, .common = common, .pem = o->pem};
    if (fail_on_read(&in.fail_on, &o->fail_on, &f) != ERR_OK)
        return opt_fail(env, common, &f);
    in.color = opt_use_color(common, 1);
    in.has_password = o->password_file != NULL;
    crypto_buf_init(&in.password, PASSWORD_FILE_MAX);
    if (in.has_password && password_read(o->password_file, &in.password, &f) != ERR_OK) {
        buf_clear(&in.password);
        return opt_fail(env, common, &f);
    }
    in.trust_word = o->trust;
    arena_init(&in.trust_arena, NET_ROOTS_MAX);
    if (o->trust != NULL && inspect_trust(&in, &f) != ERR_OK) {
        arena_clear(&in.trust_arena);
        buf_clear(&in.password);
        return opt_fail(env, common, &f);
    }
    buf_init(&in.file, INPUT_MAX);
    buf_init(&in.out, OUTPUT_MAX);
    arena_init(&in.arena, CERTIFICATE_ARENA_MAX);
    for (size_t i = 0; i < common->words.n && !inspect_is_stopped(&in); i++)
        inspect_input(&in, common->words.items[i]);
    inspect_summary(&in);
    buf_clear(&in.file);
    buf_clear(&in.out);
    arena_clear(&in.arena);
    arena_clear(&in.trust_arena);
    buf_clear(&in.password);
    if (fflush(env->out) != 0 || ferror(env->out)) {
        fault_set(&f, ERR_IO, "standard output", "%s", "write");
        return opt_fail(env, common, &f);
    }
    if (inspect_is_stopped(&in))
        return err_row(*env->stop == SIGTERM ? ERR_TERMINATED : ERR_INTERRUPTED)->exit_status;
    if (in.fail_on.matched)
        return err_row(ERR_FINDING)->exit_status;
    return in.errors > 0 ? err_row(ERR_FAILED)->exit_status : 0;
}

/* clang-format off */
#define AT(member) offsetof(struct inspect_options, member)
static const struct opt_row rows[] = {
    {OPT_FLAG, 0, "pem",           NULL,   AT(pem),           "print each certificate as PEM too"},
    {OPT_TEXT, 0, "password-file", "FILE", AT(password_file), "its first line opens PKCS#12 files, and checks Java's"},
    {OPT_TEXT, 0, "trust",         "system|none|FILE", AT(trust), "the roots that an endpoint's chain should end at (system)"},
    {OPT_LIST, 0, "fail-on",       "LIST", AT(fail_on),       "exit 6 on: expired, expiring=30d; else 1 where an input cannot be read"},
    {OPT_END,  0, NULL,            NULL,   0,                 NULL},
};
/* clang-format on */

const struct opt_command ers_inspect = {
    .name = "inspect",
    .arguments = "FILE|DIR|-|HOST:PORT...",
    .summary = "shows the certificates in files and folders, and at endpoints",
    .examples = "ers inspect /etc/ssl/certs/mail.pem\n"
                "ers inspect /etc/pki mail.example.com:443\n"
                "ers inspect --json chain.pem server.der keystore.jks\n"
                "ers inspect --fail-on expired,expiring=14d /etc/ssl/mail.pem\n"
                "ers inspect --password-file secret.txt server.p12\n"
                "openssl s_client -connect mail.example.com:443 </dev/null | ers inspect -",
    .rows = rows,
    .takes_words = true,
    .size = sizeof(struct inspect_options),
    .run = inspect_run,
};
