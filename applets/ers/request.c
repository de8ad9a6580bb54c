/* ers request: asks the server for a certificate; the key is made here and never leaves. */
#include "applets/ers/ers.h"
#include "applets/ers/install.h"
#include "applets/ers/password.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum { WAIT_STEP_MS = 3000, NAMES_TEXT_MAX = 32768, FOLDER_MODE = 0755 };

struct request_options {
    struct opt_list dns, ip;
    const char *profile, *key_type, *out, *format, *password_file, *owner, *mode, *reload;
    uint64_t wait_ms;
};

static void defaults(void *options) {
    struct request_options *o = options;
    o->key_type = "ec-p256";
    o->format = "pem";
}

/* ---- what was asked for, in its one form ---- */

static enum err put_name(struct buf *out, struct bytes word, bool addresses, struct fault *f) {
    struct ip ip;
    char text[IP_TEXT_MAX];
    struct bytes plain = word;
    bool wildcard = bytes_starts(word, "*.");
    if (out->n > 0)
        buf_u8(out, ',');
    if (addresses) {
        if (!ip_read(word, &ip))
            return fault_set(f, ERR_USAGE, "--ip", "'%.*s' is no address", (int)word.n,
                             (const char *)word.p);
        buf_text(out, ip_write(&ip, text));
        return ERR_OK;
    }
    if (wildcard)
        plain = bytes_part(word, 2, word.n);
    buf_text(out, wildcard ? "*." : "");
    if (ip_read(word, &ip) || model_name_read(plain, out, f) != ERR_OK)
        return fault_set(f, ERR_USAGE, "--dns", "'%.*s' is no host name%s", (int)word.n,
                         (const char *)word.p, ip_read(word, &ip) ? ": --ip takes addresses" : "");
    return ERR_OK;
}

static enum err join_names(struct arena *a, const struct opt_list *list, bool addresses,
                           const char **out, struct fault *f) {
    struct buf text;
    enum err err = ERR_OK;
    size_t n = 0;
    buf_init(&text, NAMES_TEXT_MAX);
    for (size_t i = 0; i < list->n && !err; i++) {
        struct cur c = cur_open(bytes_text(list->items[i]));
        while (c.rest.n > 0 && !err) {
            struct bytes word = bytes_trim(cur_until(&c, ','));
            if (word.n > 0 && ++n <= REQUEST_NAMES_MAX)
                err = put_name(&text, word, addresses, f);
        }
    }
    if (!err && (n > REQUEST_NAMES_MAX || text.err))
        err = fault_set(f, ERR_USAGE, "names", "%zu are more than %d", n, REQUEST_NAMES_MAX);
    *out = err ? NULL : arena_cstr(a, buf_bytes(&text));
    buf_clear(&text);
    return err;
}

static enum err check_mode(const char *mode, struct fault *f) {
    size_t n = mode ? strlen(mode) : 0;
    if (mode && (n < 3 || n > 4 || strspn(mode, "01234567") != n || mode[n - 1] != '0'))
        return fault_set(f, ERR_USAGE, "--mode", "'%s': octal, and nothing for others, like 0640",
                         mode);
    return ERR_OK;
}

static enum err check_format(const char *format, struct fault *f) {
    static const char *const formats[] = {"pem", "combined", "pkcs12"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(format, formats[i]) == 0)
            return ERR_OK;
    return fault_set(f, ERR_USAGE, "--format", "'%s': pem, combined or pkcs12", format);
}

/* It is read again at each installation; here, that it can be. */
static enum err check_password(const struct agent *a, const struct request_options *o,
                               struct request *r, struct fault *f) {
    struct buf password;
    if (!o->password_file)
        return ERR_OK;
    if (strcmp(o->format, "pkcs12") != 0)
        return fault_set(f, ERR_USAGE, "--password-file", "only --format pkcs12 has a password");
    crypto_buf_init(&password, PASSWORD_FILE_MAX);
    enum err err = password_read(o->password_file, &password, f);
    buf_clear(&password);
    if (!err && (r->password_file = path_full(a->arena, o->password_file)) == NULL)
        err = fault_set(f, ERR_NOT_FOUND, "--password-file", "%s", o->password_file);
    return err;
}

/* The entry that these options describe, without id. */
static enum err describe(const struct agent *a, const struct request_options *o, struct request *r,
                         struct fault *f) {
    struct os_owner owner;
    *r = (struct request){.profile = o->profile,
                          .key_type = o->key_type,
                          .format = o->format,
                          .owner = o->owner,
                          .mode = o->mode,
                          .reload = o->reload && o->reload[0] ? o->reload : NULL,
                          .state = "pending"};
    enum err err = join_names(a->arena, &o->dns, false, &r->dns, f);
    if (!err)
        err = join_names(a->arena, &o->ip, true, &r->ip, f);
    if (!err && !r->dns[0] && !r->ip[0])
        err = fault_set(f, ERR_USAGE, "--dns", "a name is needed, or --ip");
    if (!err)
        err = check_format(o->format, f);
    if (!err)
        err = check_password(a, o, r, f);
    if (!err)
        err = check_mode(o->mode, f);
    if (!err && o->owner)
        err = os_owner_find(o->owner, &owner, f);
    if (!err && !o->out)
        err = fault_set(f, ERR_USAGE, "--out", "a folder for the files is needed");
    if (!err)
        err = dir_make(o->out, FOLDER_MODE, f);
    if (!err && (r->out = path_full(a->arena, o->out)) == NULL)
        err = fault_set(f, ERR_NOT_FOUND, "--out", "%s", o->out);
    return err;
}

static bool is_equal(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* What is asked of the server is the same; how it is installed may differ. */
static bool is_same(const struct request *a, const struct request *b) {
    return is_equal(a->dns, b->dns) && is_equal(a->ip, b->ip) &&
           is_equal(a->key_type, b->key_type) && is_equal(a->profile, b->profile);
}

/* Under way, or installed and good, with all files that are wanted now: there is nothing new
 * to ask for. */
static bool goes_on(const struct agent *a, const struct request *r, const struct request *wanted) {
    if (request_is(r, "pending") || request_is(r, "failed"))
        return install_has_key(a, r);
    return request_is(r, "installed") && install_has(a, wanted, r->sha256) &&
           env_now_s(a->env) < r->not_after_s;
}

static void keep_life(const struct request *of, struct request *r) {
    r->sha256 = of->sha256;
    r->version = of->version;
    r->not_before_s = of->not_before_s;
    r->not_after_s = of->not_after_s;
    r->outcome = of->outcome;
    r->outcome_id = of->outcome_id;
}

/* The entry to go on with: the same that is there, or a new one in its place. */
static enum err choose(const struct agent *a, struct requests *all, const struct request *wanted,
                       struct request **out, struct fault *f) {
    struct request *old = requests_for(all, wanted->out);
    struct request was = old ? *old : (struct request){0}, next = *wanted;
    if (!old && all->n >= REQUESTS_MAX)
        return fault_set(f, ERR_LIMIT, "requests", "%zu", all->n);
    keep_life(&was, &next);
    next.id = was.id;
    bool is_new = !old || !is_same(old, wanted) || !goes_on(a, old, wanted);
    if (!is_new)
        next.state = was.state;
    enum err err = is_new ? request_begin(a, &next, f) : ERR_OK;
    if (err)
        return err;
    if (old && is_new)
        install_drop(a, &was);
    *out = old ? old : &all->items[all->n++];
    **out = next;
    return ERR_OK;
}

/* ---- telling ---- */

static void tell(const struct agent *a, const struct request *r, bool is_new) {
    char time[CLOCK_TEXT_MAX];
    bool installed = request_is(r, "installed");
    if (a->common->json) {
        struct buf out;
        buf_init(&out, 64 * 1024);
        struct json j = json_to(&out);
        json_object(&j, NULL);
        json_text(&j, "type", "request");
        json_text(&j, "id", r->id);
        json_text(&j, "state", r->state);
        json_text(&j, "out", r->out);
        json_text(&j, "sha256", installed ? r->sha256 : NULL);
        json_end(&j, '}');
        fprintf(a->env->out, "%s\n", buf_cstr(&out));
        buf_clear(&out);
    } else if (installed && !a->common->quiet) {
        fprintf(a->env->out, "%s  %s  ends %.10s\n", is_new ? "installed" : "unchanged", r->out,
                clock_write(r->not_after_s, time));
    } else if (!a->common->quiet) {
        fprintf(a->env->out,
                "waiting    for approval, request %s\n           the same command, ers renew "
                "or ers sync fetches it\n",
                r->id);
    }
}

/* In steps, so that a signal ends it soon. */
static bool pause_ms(const struct env *env, uint64_t ms) {
    uint64_t end = env->tick_ms(env->context) + ms;
    while (env->tick_ms(env->context) < end && !(env->stop && *env->stop))
        thread_sleep_ms(100);
    return !(env->stop && *env->stop);
}

static enum err wait_for(const struct agent *a, const struct request_options *o,
                         struct agent_session *session, struct requests *all, struct request *r,
                         struct fault *f) {
    uint64_t end = a->env->tick_ms(a->env->context) + o->wait_ms;
    enum err err = request_advance(a, session, all, r, f);
    while (!err && request_is(r, "pending") && o->wait_ms > 0) {
        if (a->env->tick_ms(a->env->context) >= end)
            return fault_set(f, ERR_WAITED, "approval", "request %s", r->id);
        if (!pause_ms(a->env, WAIT_STEP_MS))
            return fault_set(f, ERR_INTERRUPTED, "approval", "request %s goes on", r->id);
        err = request_advance(a, session, all, r, f);
    }
    return err;
}

/* Nothing is asked before the entry is durable, and no entry made for what cannot be
 * installed. */
static enum err request(struct agent *a, const struct request_options *o, struct request **out,
                        const char **old_sha256, struct fault *f) {
    struct requests all;
    struct request wanted;
    struct agent_session *session = NULL;
    struct signing_key *key = NULL;
    enum err err = describe(a, o, &wanted, f);
    if (!err)
        err = requests_read(a, &all, f);
    if (!err)
        err = agent_session_of(a, &key, &session, f);
    if (!err)
        err = choose(a, &all, &wanted, out, f);
    if (!err)
        err = requests_write(a, &all, f);
    if (!err)
        err = requests_report(a, session, &all, f);
    if (!err) {
        *old_sha256 = (*out)->sha256;
        if (!request_is(*out, "installed"))
            err = wait_for(a, o, session, &all, *out, f);
    }
    agent_session_close(session);
    signing_key_close(key);
    return err;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct agent a;
    struct os_lock lock = {.handle = -1};
    struct request *r = NULL;
    struct fault f = {0};
    const char *old_sha256 = NULL;
    enum err err = agent_open(env, common, &a, &f);
    if (!err && !a.enrolled)
        err = fault_set(&f, ERR_CREDENTIALS, "enrolment", "no server yet: ers login URL");
    if (!err)
        err = requests_lock(&a, &lock, &f);
    if (!err)
        err = request(&a, options, &r, &old_sha256, &f);
    if (lock.handle != -1)
        os_lock_close(&lock);
    if (err)
        return opt_fail(env, common, &f);
    bool is_new = request_is(r, "installed") && old_sha256 != r->sha256;
    tell(&a, r, is_new);
    return !is_new || request_look(&a, r, old_sha256) ? 0 : err_row(ERR_FAILED)->exit_status;
}

/* clang-format off */
#define AT(member) offsetof(struct request_options, member)
static const struct opt_row rows[] = {
    {OPT_LIST,     0, "dns",      "NAMES",    AT(dns),      "Host names, comma separated; the first is the common name"},
    {OPT_LIST,     0, "ip",       "ADDRS",    AT(ip),       "IP addresses"},
    {OPT_TEXT,     0, "profile",  "P",        AT(profile),  "The server's profile; default: its first"},
    {OPT_TEXT,     0, "key-type", "TYPE",     AT(key_type), "ec-p256, rsa-2048, rsa-3072 or rsa-4096"},
    {OPT_TEXT,     0, "out",      "DIR",      AT(out),      "Folder of cert.pem, chain.pem, fullchain.pem and key.pem"},
    {OPT_TEXT,     0, "format",   "F",        AT(format),   "pem; combined: key.pem holds the certificates too; pkcs12: cert.p12 too"},
    {OPT_TEXT,     0, "password-file", "FILE", AT(password_file), "Its first line is cert.p12's password; default: a random one in cert.p12.password"},
    {OPT_TEXT,     0, "owner",    "U:G",      AT(owner),    "To whom key.pem belongs"},
    {OPT_TEXT,     0, "mode",     "MODE",     AT(mode),     "Of key.pem, default 0600"},
    {OPT_TEXT,     0, "reload",   "CMD",      AT(reload),   "Run by the shell when the files have changed"},
    {OPT_DURATION, 0, "wait",     "TIME",     AT(wait_ms),  "Wait so long for the approval; exit 7 when it does not come"},
    {OPT_END,      0, NULL,       NULL,       0,            NULL},
};
/* clang-format on */

const struct opt_command ers_request = {
    .name = "request",
    .arguments = "",
    .summary = "ask the server for a certificate; the key is made here and stays",
    .examples =
        "ers request --dns web.example.com --out /etc/ssl/web --reload \"systemctl reload nginx\"\n"
        "ers request --dns mail.example.com,smtp.example.com --key-type rsa-3072 --out "
        "/etc/ssl/mail --wait 10m",
    .rows = rows,
    .size = sizeof(struct request_options),
    .defaults = defaults,
    .run = run,
};
