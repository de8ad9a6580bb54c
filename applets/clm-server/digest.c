/* clm-server digest: one mail about what has ended, what ends and who is quiet.
 *
 * Run by a timer once a day. In the data folder lies its memory, the file `digest`
 * (notify/state.h), and `digest.lock`. A digest that could not be sent is kept there; the
 * next run's takes its place, since it has all of it that is still so, and says that one
 * is missing; where the next run has nothing to say, the kept one is sent as it is.
 */
#include "applets/clm-server/digest.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "notify/state.h"

#include <inttypes.h>
#include <string.h>

enum {
    HOUR_MS = 60 * 60 * 1000,
    DAY_S = 24 * 60 * 60,
    ANSWER_MAX = 8 << 20,
    ANSWER_TOKENS = 200000,
    STATE_MAX = NOTIFY_BODY_MAX + 4096,
    KEY_MAX = 1 << 20,
};

struct digest_options {
    bool send, print;
    uint64_t within_ms, timeout_ms;
    const char *data;
};

/* clang-format off */
static const struct opt_row rows[] = {
    {OPT_FLAG,     0, "send",    NULL,   offsetof(struct digest_options, send),
     "Send it even where today's mail has said the same"},
    {OPT_FLAG,     0, "print",   NULL,   offsetof(struct digest_options, print),
     "Print it, and send nothing"},
    {OPT_DURATION, 0, "within",  "TIME", offsetof(struct digest_options, within_ms),
     "What ends so soon is told, default 30d; rounded up to hours"},
    {OPT_DURATION, 0, "timeout", "TIME", offsetof(struct digest_options, timeout_ms),
     "How long the mail server may take, default 60s"},
    {OPT_TEXT,     0, "data",    "DIR",  offsetof(struct digest_options, data),
     "Folder of the store"},
    {OPT_END,      0, NULL,      NULL,   0, NULL},
};
/* clang-format on */

static void defaults(void *options) {
    struct digest_options *o = options;
    o->within_ms = 30 * 24 * (uint64_t)HOUR_MS;
    o->timeout_ms = 60 * 1000;
}

struct digest_call {
    const struct env *env;
    const struct digest_options *o;
    const struct opt_common *common;
    struct settings s;
    struct buf answer;
    struct notify_digest digest;
    bool is_empty; /* nothing to say */
    uint8_t key[NOTIFY_KEY_SIZE];
    struct buf subject, body;
    struct buf file; /* what the state was read from */
    struct notify_state state;
    bool kept; /* it could not be sent, and waits for the next run */
    struct fault f;
};

/* ---- what there is to say ---- */

static enum err fetch(struct digest_call *c) {
    struct json_value v;
    struct buf path;
    uint64_t hours = (c->o->within_ms + HOUR_MS - 1) / HOUR_MS;
    buf_init(&path, 256);
    buf_printf(&path, API_ROOT "/digest?within_hours=%" PRIu64, hours);
    enum err code = admin_call(c->env, c->common, c->o->data, HTTP_GET, buf_cstr(&path),
                               bytes_of(NULL, 0), &c->answer, &c->f);
    buf_clear(&path);
    if (code == ERR_OK)
        code = json_read(c->common->arena, buf_bytes(&c->answer), ANSWER_TOKENS, &v, &c->f);
    return code == ERR_OK ? digest_rows_read(c->common->arena, v, &c->digest, &c->f) : code;
}

/* The mail of an unsent digest has no other trace: one line tells of it. */
static void tell_missing(struct digest_call *c) {
    char made[CLOCK_TEXT_MAX];
    if (c->state.has_kept)
        buf_printf(&c->body, "The digest of %s could not be sent; this one takes its place.\n",
                   clock_write(c->state.made_s, made));
}

static enum err compose(struct digest_call *c) {
    struct buf key;
    c->is_empty = notify_digest_is_empty(&c->digest);
    notify_digest_subject(&c->subject, &c->digest);
    tell_missing(c);
    notify_digest_body(&c->body, &c->digest);
    buf_init(&key, KEY_MAX);
    notify_digest_key(&key, &c->digest);
    hash_of(HASH_SHA256, buf_bytes(&key), c->key);
    enum err code = key.err ? key.err : c->subject.err ? c->subject.err : c->body.err;
    buf_clear(&key);
    return code == ERR_OK ? ERR_OK : fault_set(&c->f, code, "digest", "%zu bytes", c->body.n);
}

/* ---- the memory ---- */

static const char *state_path(const struct digest_call *c) {
    return settings_path(c->common->arena, &c->s, "digest");
}

/* A warning is worth more than its memory: a damaged file is told, and begun anew. */
static enum err read_state(struct digest_call *c) {
    char text[FAULT_DETAIL_MAX + 200];
    struct fault damage = {0};
    const char *path = state_path(c);
    if (!path)
        return fault_set(&c->f, ERR_MEMORY, "digest", "%s", c->s.data);
    if (!file_exists(path))
        return ERR_OK;
    enum err code = file_read(path, &c->file, &c->f);
    if (code == ERR_OK && notify_state_read(buf_bytes(&c->file), &c->state, &damage) != ERR_OK)
        log_line(c->env, LOG_WARN, "digest_state", "path=\"%s\" why=\"%s\"", path,
                 fault_text(&damage, text, sizeof text));
    return code;
}

static enum err write_state(struct digest_call *c, struct fault *f) {
    struct buf out;
    buf_init(&out, STATE_MAX);
    notify_state_write(&out, &c->state);
    enum err code = out.err ? fault_set(f, out.err, "digest", "%s", state_path(c))
                            : file_replace(state_path(c), buf_bytes(&out), 0600, f);
    buf_clear(&out);
    return code;
}

static int64_t today_s(const struct digest_call *c) {
    int64_t now_s = env_now_s(c->env);
    return now_s - now_s % DAY_S;
}

static bool is_said(const struct digest_call *c) {
    return c->state.has_sent && c->state.sent_day_s == today_s(c) &&
           memcmp(c->state.sent_key, c->key, sizeof c->key) == 0;
}

/* ---- telling ---- */

/* What became of it, for people at a terminal and for scripts; a timer hears nothing. */
static void say(const struct digest_call *c, bool sent, const char *what, struct bytes subject) {
    if (c->common->json) {
        struct buf out;
        buf_init(&out, 8192);
        struct json j = json_to(&out);
        json_object(&j, NULL);
        json_bool(&j, "sent", sent);
        json_text(&j, "what", what);
        if (sent)
            json_bytes(&j, "subject", subject);
        json_end(&j, '}');
        fprintf(c->env->out, "%s\n", buf_cstr(&out));
        buf_clear(&out);
    } else if (!c->common->quiet && (c->common->verbose > 0 || os_is_terminal(1))) {
        fprintf(c->env->out, "%-10s  %.*s%s\n", sent ? "sent" : "not sent", (int)subject.n,
                subject.n > 0 ? (const char *)subject.p : "", sent ? "" : what);
    }
}

static void print(const struct digest_call *c) {
    if (c->common->json) {
        fwrite(c->answer.p, 1, c->answer.n, c->env->out);
        fputc('\n', c->env->out);
    } else if (!c->is_empty) {
        fprintf(c->env->out, "Subject: %.*s\n\n", (int)c->subject.n, (const char *)c->subject.p);
        fwrite(c->body.p, 1, c->body.n, c->env->out);
    }
}

/* ---- sending ---- */

/* In state.made_s to body stands what is to be sent. */
static enum err send_kept(struct digest_call *c, const struct mail_way *way) {
    char hex[2 * NOTIFY_ID_SIZE + 1];
    struct buf id;
    buf_init(&id, 512);
    hex_write(hex, bytes_of(c->state.id, sizeof c->state.id));
    buf_printf(&id, "%s@%s", hex, way->domain);
    struct notify_mail m = {.date_s = c->state.made_s,
                            .id = buf_cstr(&id),
                            .subject = c->state.subject,
                            .body = c->state.body};
    enum err code = mail_send(c->env, way, &m, c->o->timeout_ms, &c->f);
    buf_clear(&id);
    return code;
}

/* The new digest in place of what was kept. */
static enum err keep_new(struct digest_call *c) {
    c->state.has_kept = true;
    c->state.made_s = env_now_s(c->env);
    c->state.subject = buf_bytes(&c->subject);
    c->state.body = buf_bytes(&c->body);
    if (!c->env->random(c->env->context, c->state.id, sizeof c->state.id))
        return fault_set(&c->f, ERR_FAILED, "random numbers", "none to be had");
    return ERR_OK;
}

static enum err deliver(struct digest_call *c, const struct mail_way *way) {
    struct fault why = {0};
    enum err code = c->is_empty ? ERR_OK : keep_new(c);
    if (code != ERR_OK)
        return code;
    struct bytes subject = c->state.subject;
    code = send_kept(c, way);
    if (code == ERR_OK) {
        c->state.has_kept = false;
        c->state.has_sent = true;
        c->state.sent_day_s = today_s(c);
        memcpy(c->state.sent_key, c->key, sizeof c->key);
    }
    enum err written = write_state(c, &why);
    if (code == ERR_OK)
        say(c, true, "sent", subject);
    c->kept = code != ERR_OK && written == ERR_OK;
    if (written != ERR_OK)
        c->f = why;
    return code == ERR_OK ? written : code;
}

static enum err send_locked(struct digest_call *c, const struct mail_way *way) {
    enum err code = read_state(c);
    if (code == ERR_OK)
        code = compose(c);
    if (code != ERR_OK)
        return code;
    if (c->is_empty && !c->state.has_kept) {
        say(c, false, "nothing to say", bytes_of(NULL, 0));
        return ERR_OK;
    }
    if (!c->o->send && !c->state.has_kept && is_said(c)) {
        say(c, false, "today's mail has said this: --send repeats it", bytes_of(NULL, 0));
        return ERR_OK;
    }
    return deliver(c, way);
}

static enum err send_digest(struct digest_call *c) {
    struct mail_way way;
    struct os_lock lock;
    if (!mail_is_set(&c->s) && !c->o->send) {
        if (!c->common->quiet)
            fprintf(c->env->err,
                    "clm-server digest: no mail_to in %s: nothing is sent; --print shows it\n",
                    c->s.file);
        return ERR_OK;
    }
    enum err code = mail_way_read(c->common->arena, &c->s, &way, &c->f);
    if (code == ERR_OK)
        code = fetch(c);
    if (code == ERR_OK)
        code = os_lock_open(&lock, settings_path(c->common->arena, &c->s, "digest.lock"), &c->f);
    if (code != ERR_OK)
        return code;
    code = send_locked(c, &way);
    os_lock_close(&lock);
    return code;
}

static enum err print_digest(struct digest_call *c) {
    enum err code = fetch(c);
    if (code == ERR_OK)
        code = compose(c);
    if (code == ERR_OK)
        print(c);
    return code;
}

static enum err check_options(struct digest_call *c) {
    const struct digest_options *o = c->o;
    if (o->send && o->print)
        return fault_set(&c->f, ERR_USAGE, "--print", "or --send, not both");
    if (o->within_ms == 0 || o->within_ms > 3660 * 24 * (uint64_t)HOUR_MS)
        return fault_set(&c->f, ERR_USAGE, "--within", "1h to 3660d");
    if (o->timeout_ms < 1000 || o->timeout_ms > HOUR_MS)
        return fault_set(&c->f, ERR_USAGE, "--timeout", "1s to 1h");
    return ERR_OK;
}

static int run(struct env *env, const void *options, const struct opt_common *common) {
    struct digest_call c = {.env = env, .o = options, .common = common};
    buf_init(&c.answer, ANSWER_MAX);
    buf_init(&c.subject, NOTIFY_SUBJECT_MAX);
    buf_init(&c.body, NOTIFY_BODY_MAX);
    buf_init(&c.file, STATE_MAX);
    enum err code = check_options(&c);
    if (code == ERR_OK)
        code = settings_read(common, c.o->data, &c.s, &c.f);
    if (code == ERR_OK)
        code = c.o->print ? print_digest(&c) : send_digest(&c);
    buf_clear(&c.answer);
    buf_clear(&c.subject);
    buf_clear(&c.body);
    buf_clear(&c.file);
    if (code == ERR_OK)
        return 0;
    int status = opt_fail(env, common, &c.f);
    if (c.kept)
        fprintf(env->err, "clm-server digest: it is kept, and sent with the next run\n");
    return status;
}

const struct opt_command clm_server_digest = {
    .name = "digest",
    .arguments = "",
    .summary = "mail what has expired, what ends soon and which agents are quiet",
    .examples = "clm-server digest\n"
                "clm-server digest --print --within 90d\n"
                "clm-server digest --send",
    .rows = rows,
    .size = sizeof(struct digest_options),
    .defaults = defaults,
    .run = run,
};
