/* Sending the spool. See spool.h.
 *
 * For each batch: find which of its observations the server has but for the time (again.h),
 * ask which certificates of the others the server lacks, send the rest of it under its id, put
 * aside what was refused, remove the file. Where the server has lost what it had, or another
 * agent told it something else, the same batch is sent whole. A batch that the server will
 * never take (malformed, too large) is put aside whole, so that it does not stand before those
 * behind it.
 */
#include "applets/ers/spool.h"

#include "applets/ers/again.h"
#include "applets/ers/spool_files.h"
#include "base/file.h"
#include "base/text.h"
#include "base/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MAX = 10000, /* fingerprints a request */
    ANSWER_MAX = 16 << 20,
    ARENA_MAX = 64 << 20,
    PUSHED_ARENA_MAX = 128 << 20,
    LEVEL = 6,
};

/* One batch on its way. */
struct delivery {
    const struct agent *agent;
    struct agent_session *session;
    struct arena arena;
    const char *name;
    struct again again;
    struct buf text, body, packed, answer;
    struct bytes *lines; /* of the body as sent; line 1 is at 0 */
    size_t lines_n;
    struct bytes *missing; /* hex fingerprints that the server lacks, sorted */
    size_t missing_n;
};

static bool is_certificate(struct bytes line) {
    return bytes_starts(line, "{\"type\":\"certificate\"");
}

/* The lines are our own: the fingerprint stands at one place. */
static struct bytes fingerprint_of(struct bytes line) {
    static const char before[] = "{\"type\":\"certificate\",\"sha256\":\"";
    if (!bytes_starts(line, before))
        return (struct bytes){0};
    return bytes_part(line, strlen(before), 2 * SHA256_SIZE);
}

static int compare(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* One request's worth of questions, from *at on; adds the answers. */
static enum err ask_some(struct delivery *d, struct cur *at, struct fault *f) {
    struct buf question;
    size_t n = 0;
    buf_init(&question, ANSWER_MAX);
    struct json j = json_to(&question);
    json_object(&j, NULL);
    json_array(&j, "sha256");
    while (at->rest.n > 0 && n < ASK_MAX) {
        struct bytes line = cur_until(at, '\n');
        if (!is_certificate(line) || again_is_served(&d->again, fingerprint_of(line)))
            continue;
        json_bytes(&j, NULL, fingerprint_of(line));
        n++;
    }
    json_end(&j, ']');
    json_end(&j, '}');
    struct agent_request request = {.method = "POST",
                                    .path = "/api/v1/certificates/missing",
                                    .body = buf_bytes(&question),
                                    .content_type = "application/json"};
    enum err err = n == 0 ? ERR_OK : agent_session_call(d->session, &request, &d->answer, f);
    buf_clear(&question);
    if (err || n == 0)
        return err;
    struct json_value v, list;
    struct bytes text = arena_copy(&d->arena, buf_bytes(&d->answer));
    if (json_read(&d->arena, text, 2 * ASK_MAX, &v, f))
        return fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    list = json_get(v, "missing");
    for (v = json_first(list); json_type_of(v) != JSON_NONE; v = json_next(v))
        if (d->missing_n < d->lines_n && json_string(v, &d->arena, &d->missing[d->missing_n]))
            d->missing_n++;
    return ERR_OK;
}

static enum err ask_missing(struct delivery *d, struct fault *f) {
    struct cur c = cur_open(buf_bytes(&d->text));
    enum err err = ERR_OK;
    d->missing_n = 0;
    while (!err && c.rest.n > 0)
        err = ask_some(d, &c, f);
    if (d->missing_n > 0)
        qsort(d->missing, d->missing_n, sizeof *d->missing, compare);
    return err;
}

static bool is_missing(const struct delivery *d, struct bytes fingerprint) {
    return d->missing_n > 0 &&
           bsearch(&fingerprint, d->missing, d->missing_n, sizeof *d->missing, compare) != NULL;
}

static enum err open_lines(struct delivery *d, struct pushed *pushed, struct fault *f) {
    struct cur c = cur_open(buf_bytes(&d->text));
    size_t n = 1;
    while (c.rest.n > 0) {
        cur_until(&c, '\n');
        n++;
    }
    d->lines_n = n;
    d->lines = arena_array(&d->arena, n + 1, sizeof *d->lines);
    d->missing = arena_array(&d->arena, n, sizeof *d->missing);
    if (!d->lines || !d->missing)
        return fault_set(f, ERR_MEMORY, "spool", "%s", d->name);
    return again_open(&d->again, pushed, &d->arena, buf_bytes(&d->text), n, f);
}

/* Whether the line is left out; *k: of how many observations before. */
static bool is_needless(const struct delivery *d, struct bytes line, size_t *k) {
    if (again_is_observation(line))
        return d->again.lines[(*k)++].row != NULL;
    return is_certificate(line) && !is_missing(d, fingerprint_of(line));
}

static enum err pack_body(struct delivery *d, struct fault *f) {
    struct cur c = cur_open(buf_bytes(&d->text));
    size_t n = 0, k = 0;
    buf_reset(&d->body);
    buf_reset(&d->packed);
    enum err err = again_put(&d->again, &d->body, f);
    if (d->body.n > 0)
        d->lines[n++] = (struct bytes){NULL, 0};
    while (!err && c.rest.n > 0) {
        struct bytes line = cur_until(&c, '\n');
        if (is_needless(d, line, &k))
            continue;
        buf_put(&d->body, line);
        buf_text(&d->body, "\n");
        d->lines[n++] = line;
    }
    d->lines_n = n;
    if (err)
        return err;
    err = d->body.err ? d->body.err : gzip_pack(buf_bytes(&d->body), LEVEL, &d->packed);
    return err ? fault_set(f, err, "spool", "%s", d->name) : ERR_OK;
}

/* ---- what the server would not have ---- */

static void put_refused(struct buf *out, struct bytes code, struct bytes detail,
                        struct bytes line) {
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_bytes(&j, "code", code);
    json_bytes(&j, "detail", detail);
    json_bytes(&j, "line", line);
    json_end(&j, '}');
    buf_text(out, "\n");
}

static enum err keep_refused(const struct agent *agent, const char *name, struct bytes text,
                             struct fault *f) {
    struct arena a;
    struct spool_names names;
    arena_init(&a, 1 << 20);
    const char *folder = path_join(&a, agent->spool, "refused");
    enum err err = folder ? dir_make(folder, 0700, f) : fault_set(f, ERR_MEMORY, "spool", "%s", "");
    const char *path = err ? NULL : path_join(&a, folder, name);
    if (!err)
        err =
            path ? file_replace(path, text, 0600, f) : fault_set(f, ERR_MEMORY, "spool", "%s", "");
    if (!err)
        err = spool_list(&a, folder, &names, f);
    for (size_t i = 0; !err && i + SPOOL_REFUSED_MAX < names.n; i++)
        err = spool_remove(folder, names.items[i], f);
    arena_clear(&a);
    return err;
}

static enum err set_aside_some(struct delivery *d, struct json_value rejected,
                               struct spool_sent *sent, struct fault *f) {
    struct buf out;
    buf_init(&out, 2 * SPOOL_MAX);
    for (struct json_value v = json_first(rejected); json_type_of(v) != JSON_NONE;
         v = json_next(v)) {
        int64_t line = 0;
        struct bytes code = {0}, detail = {0};
        json_integer(json_get(v, "line"), &line);
        json_string(json_get(v, "code"), &d->arena, &code);
        json_string(json_get(v, "detail"), &d->arena, &detail);
        bool is_known = line >= 1 && (uint64_t)line <= d->lines_n;
        put_refused(&out, code, detail, is_known ? d->lines[line - 1] : (struct bytes){0});
        sent->refused++;
    }
    enum err err = out.n == 0 ? ERR_OK : keep_refused(d->agent, d->name, buf_bytes(&out), f);
    buf_clear(&out);
    return err;
}

/* All of it, because of `why`. */
static enum err set_aside_all(struct delivery *d, const struct fault *why, struct spool_sent *sent,
                              struct fault *f) {
    struct buf out;
    struct cur c = cur_open(buf_bytes(&d->text));
    struct bytes code = bytes_text(err_row(why->code)->name), detail = bytes_text(why->detail);
    buf_init(&out, 4u * SPOOL_MAX);
    if (c.rest.n == 0)
        put_refused(&out, code, detail, (struct bytes){0});
    while (c.rest.n > 0) {
        put_refused(&out, code, detail, cur_until(&c, '\n'));
        sent->refused++;
    }
    enum err err = keep_refused(d->agent, d->name, buf_bytes(&out), f);
    buf_clear(&out);
    return err ? err : spool_remove(d->agent->spool, d->name, f);
}

/* Of this very batch; nothing that a later try, another key or another clock mends. */
static bool is_hopeless(enum err err) {
    return err == ERR_FORMAT || err == ERR_LIMIT || err == ERR_DAMAGED;
}

/* ---- one batch, all batches ---- */

/* One that does not know confirmations took the batch without them. */
static bool is_understood(const struct delivery *d, struct json_value v) {
    int64_t confirmed = 0;
    json_integer(json_get(v, "confirmed"), &confirmed);
    return d->again.confirmed_n == 0 || confirmed == (int64_t)d->again.confirmed_n;
}

static enum err take_answer(struct delivery *d, struct spool_sent *sent, struct fault *f) {
    struct json_value v;
    int64_t certificates = 0, observations = 0;
    bool repeated = false;
    enum err err = json_read(&d->arena, buf_bytes(&d->answer), 8 * d->lines_n + 1000, &v, f);
    if (err)
        return fault_set(f, ERR_NETWORK, "server", "its answer is none that is understood");
    if (!is_understood(d, v))
        return fault_set(f, ERR_UNSUPPORTED, "server", "it knows no confirmations");
    json_integer(json_get(v, "certificates"), &certificates);
    json_integer(json_get(v, "observations"), &observations);
    json_boolean(json_get(v, "repeated"), &repeated);
    sent->batches++;
    sent->certificates += (uint64_t)certificates;
    sent->observations += (uint64_t)observations;
    sent->repeated += repeated;
    again_learn(&d->again, json_get(v, "faces"));
    err = set_aside_some(d, json_get(v, "rejected"), sent, f);
    return err ? err : spool_remove(d->agent->spool, d->name, f);
}

static enum err send_as(struct delivery *d, const char *id, struct spool_sent *sent,
                        struct fault *f) {
    char path[128];
    enum err err = ask_missing(d, f);
    if (!err)
        err = pack_body(d, f);
    if (err)
        return err;
    snprintf(path, sizeof path, "/api/v1/observations?batch=%s", id);
    struct agent_request request = {.method = "POST",
                                    .path = path,
                                    .body = buf_bytes(&d->packed),
                                    .content_type = "application/x-ndjson",
                                    .gzipped = true};
    err = agent_session_call(d->session, &request, &d->answer, f);
    return err ? err : take_answer(d, sent, f);
}

/* Whole, where the server would not have the confirmation; one that took the batch without it
 * needs another id for the rest. */
static enum err send(struct delivery *d, struct pushed *pushed, struct spool_sent *sent,
                     struct fault *f) {
    char id[SPOOL_ID_TEXT];
    enum err err = spool_read(d->agent->spool, d->name, &d->text, f);
    if (!err)
        err = open_lines(d, pushed, f);
    if (!err)
        err = send_as(d, d->name, sent, f);
    bool is_again = d->again.confirmed_n > 0 && (err == ERR_EXISTS || err == ERR_UNSUPPORTED);
    if (!is_again)
        return err;
    again_withdraw(&d->again);
    if (err == ERR_EXISTS)
        return send_as(d, d->name, sent, f);
    return spool_id(d->agent->env, id) ? send_as(d, id, sent, f)
                                       : fault_set(f, ERR_FAILED, "random bytes", "%s", "");
}

static enum err deliver(const struct agent *agent, struct agent_session *session, const char *name,
                        struct pushed *pushed, struct spool_sent *sent, struct fault *f) {
    struct delivery d = {.agent = agent, .session = session, .name = name};
    struct fault why = {0};
    arena_init(&d.arena, ARENA_MAX);
    buf_init(&d.text, SPOOL_MAX);
    buf_init(&d.body, SPOOL_MAX);
    buf_init(&d.packed, SPOOL_MAX);
    buf_init(&d.answer, ANSWER_MAX);
    enum err err = send(&d, pushed, sent, &why);
    if (!err)
        sent->is_complete = sent->is_complete || d.again.is_complete;
    if (is_hopeless(err))
        err = set_aside_all(&d, &why, sent, f);
    else if (err && f)
        *f = why;
    buf_clear(&d.answer);
    buf_clear(&d.packed);
    buf_clear(&d.body);
    buf_clear(&d.text);
    arena_clear(&d.arena);
    return err;
}

static void note_delivery(const struct agent *agent, enum err err, const struct fault *why) {
    struct agent_delivery d;
    char text[2 * FAULT_DETAIL_MAX];
    if (agent_delivery_read(agent, &d, NULL))
        d = (struct agent_delivery){0};
    d.error = err ? fault_text(why, text, sizeof text) : NULL;
    uint64_t now_s = (uint64_t)env_now_s(agent->env);
    if (!err)
        d.success_s = now_s;
    d.failing_s = !err ? 0 : d.failing_s > 0 ? d.failing_s : now_s;
    if (agent_delivery_write(agent, &d, NULL))
        return; /* a note only */
}

static enum err deliver_all(const struct agent *agent, const struct spool_names *names,
                            struct arena *a, struct spool_sent *out, struct fault *f) {
    struct signing_key *key = NULL;
    struct agent_session *session = NULL;
    struct pushed pushed;
    pushed_open(a, agent->pushed, &pushed);
    enum err err = agent_session_of(agent, &key, &session, f);
    for (size_t i = 0; !err && i < names->n; i++)
        err = deliver(agent, session, names->items[i], &pushed, out, f);
    enum err written =
        pushed_write(&pushed, agent->pushed, !err && out->is_complete, err ? NULL : f);
    agent_session_close(session);
    signing_key_close(key);
    pushed_clear(&pushed);
    return err ? err : written;
}

enum err spool_push(const struct agent *agent, struct spool_sent *out, struct fault *f) {
    struct arena a;
    struct spool_names names;
    *out = (struct spool_sent){0};
    arena_init(&a, PUSHED_ARENA_MAX);
    enum err err = spool_list(&a, agent->spool, &names, f);
    if (!err && names.n > 0) {
        err = deliver_all(agent, &names, &a, out, f);
        note_delivery(agent, err, f);
    }
    arena_clear(&a);
    return err;
}
