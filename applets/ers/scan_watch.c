/* What the probe tells, as it happens. See scan.h. */
#include "applets/ers/scan.h"

#include "base/text.h"
#include "model/certificate.h"

#include <string.h>

enum { LINE_MAX_BYTES = 32 << 20, STREAM_AT_ONCE = 64 * 1024, ROW_TEXT_MAX = 160 };

/* ---- streams ---- */

static void stream_flush(struct scan_stream *s) {
    if (s->buf.n == 0 || s->fault.code)
        return;
    if (s->buf.err) {
        fault_set(&s->fault, s->buf.err, "output", "%s", "");
    } else if (s->out) {
        if (fwrite(s->buf.p, 1, s->buf.n, s->out) != s->buf.n || fflush(s->out) != 0)
            fault_set(&s->fault, ERR_IO, "output", "standard output");
    } else if (file_write_at(&s->file, s->at, buf_bytes(&s->buf), &s->fault) == ERR_OK) {
        s->at += s->buf.n;
    }
    buf_reset(&s->buf);
}

void scan_stream_line(struct scan_stream *s, struct bytes line) {
    if (!s->is_open)
        return;
    buf_put(&s->buf, line);
    buf_text(&s->buf, "\n");
    if (s->buf.n >= STREAM_AT_ONCE)
        stream_flush(s);
}

enum err scan_stream_close(struct scan_stream *s, struct fault *f) {
    if (!s->is_open)
        return ERR_OK;
    s->is_open = false;
    stream_flush(s);
    if (!s->out) {
        if (!s->fault.code && file_sync(&s->file, &s->fault)) {
            /* the fault tells */
        }
        file_close(&s->file);
    }
    buf_clear(&s->buf);
    if (s->fault.code && f)
        *f = s->fault;
    return s->fault.code;
}

/* ---- certificates ---- */

static void put_certificate(struct buf *out, const struct probe_certificate *known,
                            const struct x509_cert *cert, struct bytes der, bool with_pem) {
    struct json j = json_to(out);
    json_object(&j, NULL);
    if (cert) {
        model_certificate_json(&j, cert, with_pem);
    } else { /* its bytes are all there is to say */
        struct buf pem;
        buf_init(&pem, 2 * X509_DER_MAX);
        pem_write(&pem, "CERTIFICATE", der);
        json_text(&j, "type", "certificate");
        json_hex(&j, "sha256", bytes_of(known->sha256, sizeof known->sha256));
        json_bytes(&j, "pem", buf_bytes(&pem));
        buf_clear(&pem);
    }
    json_end(&j, '}');
}

static void put_unreadable(struct buf *out, const struct probe_certificate *known,
                           const struct fault *why) {
    char hex[2 * 32 + 1], text[2 * FAULT_DETAIL_MAX];
    struct json j = json_to(out);
    hex_write(hex, bytes_of(known->sha256, sizeof known->sha256));
    json_object(&j, NULL);
    json_text(&j, "type", "error");
    json_text(&j, "input", hex);
    json_text(&j, "code", err_row(why->code)->name);
    json_text(&j, "detail", fault_text(why, text, sizeof text));
    json_end(&j, '}');
}

static void stream_certificate(struct scan *s, struct scan_stream *stream,
                               const struct probe_certificate *known, const struct x509_cert *cert,
                               struct bytes der, const struct fault *why) {
    if (!stream->is_open)
        return;
    buf_reset(&s->text);
    put_certificate(&s->text, known, cert, der, stream->pem);
    scan_stream_line(stream, buf_bytes(&s->text));
    if (!cert) {
        buf_reset(&s->text);
        put_unreadable(&s->text, known, why);
        scan_stream_line(stream, buf_bytes(&s->text));
    }
}

static void on_certificate(void *context, const struct probe_certificate *known,
                           const struct x509_cert *cert, struct bytes der,
                           const struct fault *why) {
    struct scan *s = context;
    stream_certificate(s, &s->lines, known, cert, der, why);
    stream_certificate(s, &s->output, known, cert, der, why);
    if (s->is_spooled)
        spool_certificate(&s->spool, known->sha256, der);
}

/* ---- rows ---- */

/* The network's ordinary ways to say nothing: counts, not errors. A file that cannot be
 * read is one. */
static bool is_silent(enum model_outcome o, enum model_kind kind) {
    if (kind != MODEL_KIND_TLS)
        return o == MODEL_EXCLUDED || o == MODEL_NOT_REACHED;
    switch (o) {
    case MODEL_REFUSED:
    case MODEL_TIMEOUT:
    case MODEL_UNREACHABLE:
    case MODEL_RESET:
    case MODEL_CLOSED:
    case MODEL_NOT_TLS:
    case MODEL_EXCLUDED:
    case MODEL_NOT_REACHED:
    case MODEL_LOCAL:
        return true;
    default:
        return false;
    }
}

struct bytes scan_key(struct scan *s, const struct model_endpoint *e, size_t *shown) {
    struct buf name;
    buf_init(&name, MODEL_PATH_MAX + 64);
    model_endpoint_write(&name, e);
    buf_reset(&s->text);
    text_escape(&s->text, buf_bytes(&name));
    *shown = s->text.n;
    buf_printf(&s->text, " %s",
               e->kind == MODEL_KIND_TLS ? model_protocol_name(e->protocol)
                                         : model_kind_name(e->kind));
    buf_clear(&name);
    return buf_bytes(&s->text);
}

static struct scan_row *row_add(struct scan *s, const struct model_endpoint *e) {
    size_t shown;
    if (s->rows_n == s->rows_cap) {
        size_t cap = s->rows_cap ? s->rows_cap * 2 : 256;
        struct scan_row *more = arena_array(&s->arena, cap, sizeof *more);
        if (!more)
            return NULL;
        if (s->rows_n > 0)
            memcpy(more, s->rows, s->rows_n * sizeof *more);
        s->rows = more;
        s->rows_cap = cap;
    }
    struct scan_row *row = &s->rows[s->rows_n];
    *row = (struct scan_row){.key = arena_copy(&s->arena, scan_key(s, e, &shown)), .subject = ""};
    if (!row->key.p)
        return NULL;
    row->kind = e->kind;
    row->shown = bytes_part(row->key, 0, shown);
    s->rows_n++;
    return row;
}

static const char *keep_text(struct scan *s, struct bytes text) {
    struct buf safe;
    buf_init(&safe, 64 * 1024);
    text_escape(&safe, bytes_part(text, 0, ROW_TEXT_MAX));
    const char *kept = arena_cstr(&s->arena, buf_bytes(&safe));
    buf_clear(&safe);
    return kept ? kept : "";
}

/* Rows move as their array grows, so an endpoint under way holds the row's number + 1. */
static struct scan_row *row_of(struct scan *s, struct probe_endpoint *endpoint) {
    uintptr_t number = (uintptr_t)endpoint->user;
    return number > 0 ? &s->rows[number - 1] : NULL;
}

static struct scan_row *row_make(struct scan *s, struct probe_endpoint *endpoint) {
    struct scan_row *row = row_add(s, &endpoint->endpoint);
    if (row)
        endpoint->user = (void *)(uintptr_t)s->rows_n;
    return row;
}

/* Of a file also what is to be said about it: a key beside the certificate that all may read. */
static const char *subject_of(struct scan *s, const struct model_observation *o,
                              const struct probe_certificate *leaf) {
    if (o->kind == MODEL_KIND_TLS || o->detail.n == 0)
        return keep_text(s, bytes_text(leaf->name));
    buf_reset(&s->text);
    buf_printf(&s->text, "%s; ", leaf->name);
    buf_put(&s->text, o->detail);
    return keep_text(s, buf_bytes(&s->text));
}

static void keep_certificate(struct scan *s, struct scan_row *row,
                             const struct model_observation *o,
                             const struct probe_certificate *leaf) {
    row->has_certificate = true;
    row->has_not_after = leaf->has_not_after;
    row->not_after_s = leaf->not_after_s;
    memcpy(row->sha256, leaf->sha256, sizeof row->sha256);
    row->subject = subject_of(s, o, leaf);
}

static struct bytes face_of(struct scan *s, const struct model_observation *o) {
    char ip[IP_TEXT_MAX];
    buf_reset(&s->text);
    buf_printf(&s->text, "%s %s ", model_asked_name(o->asked),
               o->ip.size > 0 ? ip_write(&o->ip, ip) : "-");
    buf_put(&s->text, o->sni.n > 0 ? o->sni : bytes_text("-"));
    return buf_bytes(&s->text);
}

/* The address is the word in the middle. */
static bool same_address(struct bytes a, struct bytes b) {
    struct cur x = cur_open(a), y = cur_open(b);
    (void)cur_until(&x, ' ');
    (void)cur_until(&y, ' ');
    return bytes_equal(cur_until(&x, ' '), cur_until(&y, ' '));
}

/* A row behind the endpoint's others, or its first one while that has no certificate. Rows
 * may move: all views of them are taken anew. */
static struct scan_row *row_for_leaf(struct scan *s, struct probe_endpoint *endpoint,
                                     const struct model_observation *o,
                                     const struct probe_certificate *leaf) {
    struct scan_row *row = row_of(s, endpoint), *end = row;
    struct bytes face = face_of(s, o);
    if (row && !row->has_certificate)
        return row;
    bool is_known = false, has_other = false; /* at that face */
    for (const struct scan_row *r = row; r; r = r->next > 0 ? &s->rows[r->next - 1] : NULL)
        has_other = has_other || (bytes_equal(r->face, face) &&
                                  memcmp(r->sha256, leaf->sha256, sizeof r->sha256) != 0);
    for (; row; row = row->next > 0 ? &s->rows[row->next - 1] : NULL) {
        bool is_it = memcmp(row->sha256, leaf->sha256, sizeof row->sha256) == 0;
        if (is_it && same_address(row->face, face)) /* where there are several is worth more */
            return has_other ? row : NULL;
        is_known = is_known || is_it;
        end = row;
    }
    if (!end)
        return row_make(s, endpoint);
    size_t at = (size_t)(end - s->rows);
    struct scan_row *more = row_add(s, &endpoint->endpoint);
    if (!more)
        return NULL;
    s->rows[at].next = s->rows_n;
    more->is_further = true;
    more->is_shown_above = is_known;
    return more;
}

static void keep_row(struct scan *s, const struct model_observation *o,
                     struct probe_endpoint *endpoint, const struct probe_certificate *leaf) {
    bool is_worth = o->outcome != MODEL_OK && (!is_silent(o->outcome, o->kind) || s->options->all);
    struct scan_row *row = NULL;
    if (o->outcome == MODEL_OK && leaf) {
        row = row_for_leaf(s, endpoint, o, leaf);
        if (row) {
            row->face = arena_copy(&s->arena, face_of(s, o));
            keep_certificate(s, row, o, leaf);
        }
    } else if (is_worth && !row_of(s, endpoint)) {
        row = row_make(s, endpoint);
        if (row)
            row->subject = keep_text(s, o->detail);
    }
}

static void on_observation(void *context, const struct model_observation *o,
                           struct probe_endpoint *endpoint, const struct probe_certificate *leaf) {
    struct scan *s = context;
    if (s->lines.is_open || s->output.is_open) {
        buf_reset(&s->text);
        struct json j = json_to(&s->text);
        model_observation_json(&j, NULL, o);
        scan_stream_line(&s->lines, buf_bytes(&s->text));
        scan_stream_line(&s->output, buf_bytes(&s->text));
    }
    if (s->is_spooled)
        spool_observation(&s->spool, o);
    if (leaf && leaf->has_not_after)
        fail_on_check(&s->fail_on, leaf->not_after_s, env_now_s(s->env));
    if (s->wants_rows)
        keep_row(s, o, endpoint, leaf);
}

static bool had_certificate(struct scan *s, const struct model_endpoint *e) {
    size_t shown, n;
    const struct last_row *before = last_find(&s->last, scan_key(s, e, &shown), &n);
    for (size_t i = 0; i < n; i++)
        if (before[i].has_certificate)
            return true;
    return false;
}

/* Its observations are with the spool before it; once that has written a batch they are safe. */
static void keep_done(struct scan *s, const struct model_endpoint *e, enum model_outcome state) {
    size_t shown;
    if (!s->is_pass || e->kind != MODEL_KIND_TLS || state == MODEL_NOT_REACHED ||
        state == MODEL_LOCAL)
        return;
    if (s->spool.batches > s->batches && done_flush(&s->done, NULL)) {
        /* they are looked at once more, then */
    }
    s->batches = s->spool.batches;
    done_add(&s->done, scan_key(s, e, &shown));
}

static void on_endpoint(void *context, struct probe_endpoint *endpoint, enum model_outcome state) {
    struct scan *s = context;
    keep_done(s, &endpoint->endpoint, state);
    if (!s->wants_rows)
        return;
    struct scan_row *row = row_of(s, endpoint);
    /* One that had a certificate before gets a row: to be told as gone, or to be remembered. */
    if (!row && s->last.n > 0 && had_certificate(s, &endpoint->endpoint))
        row = row_make(s, endpoint);
    for (; row; row = row->next > 0 ? &s->rows[row->next - 1] : NULL)
        row->outcome = state;
}

static void on_tick(void *context, const struct probe_progress *progress) {
    struct scan *s = context;
    stream_flush(&s->lines);
    scan_show_progress(s, progress);
}

struct probe_watch scan_watch(struct scan *s) {
    return (struct probe_watch){.context = s,
                                .certificate = on_certificate,
                                .observation = on_observation,
                                .endpoint = on_endpoint,
                                .tick = on_tick};
}

void scan_summary_json(const struct scan *s, struct buf *out) {
    struct json j = json_to(out);
    model_summary_json(&j, NULL, &s->summary);
    buf_cut(out, out->n > 0 ? out->n - 1 : 0);
    if (s->skipped > 0)
        buf_printf(out, ",\"looked_at_before\":%llu", (unsigned long long)s->skipped);
    buf_text(out, s->is_pass && s->complete ? ",\"complete\":true}" : ",\"complete\":false}");
}

/* ---- afterwards ---- */

static enum scan_label label_of(const struct scan *s, const struct scan_row *row) {
    int64_t now_s = env_now_s(s->env);
    if (!row->has_certificate && row->outcome == MODEL_NOT_OFFERED)
        return LABEL_DECLINED;
    if (!row->has_certificate)
        return is_silent(row->outcome, row->kind) ? LABEL_SILENT : LABEL_FAILED;
    if (row->has_not_after && row->not_after_s < now_s)
        return LABEL_EXPIRED;
    if (row->has_not_after && row->not_after_s - now_s < (int64_t)SCAN_EXPIRING_DAYS * DAY_S)
        return LABEL_EXPIRING;
    return LABEL_OK;
}

/* Of rows with the same certificate the first one is shown, with the news of all. */
static void gather_news(struct scan *s, struct scan_row *first) {
    for (struct scan_row *a = first; a; a = a->next > 0 ? &s->rows[a->next - 1] : NULL) {
        struct scan_row *b = a;
        while (!a->is_shown_above && b->next > 0) {
            b = &s->rows[b->next - 1];
            if (!b->is_shown_above || memcmp(a->sha256, b->sha256, sizeof a->sha256) != 0)
                continue;
            a->is_news = a->is_news || b->is_news;
            a->several = a->several > b->several ? a->several : b->several;
        }
    }
}

static void count_row(struct scan *s, const struct scan_row *row) {
    if (row->is_shown_above)
        return;
    s->by_label[row->label]++;
    s->new_n += row->is_new;
    s->changed_n += row->is_changed;
    s->back_n += row->is_back;
    s->moved_n += row->is_moved;
}

/* Of what was known, what the scan that this one continues had looked at. */
static void keep_those_before(struct scan *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->last.n; i++)
        if (done_has(&s->before, s->last.rows[i].key))
            s->last.rows[kept++] = s->last.rows[i];
    s->last.n = kept;
}

/* Silent endpoints that never had a certificate have no line. */
static enum err keep_for_next(struct scan *s, struct fault *f) {
    struct last now = {.n = 0};
    size_t room = 1;
    for (size_t i = 0; i < s->rows_n; i++)
        room += s->rows[i].is_further ? 0 : scan_news_room(s, &s->rows[i]);
    now.rows = arena_array(&s->arena, room, sizeof *now.rows);
    if (!now.rows)
        return fault_set(f, s->arena.err, "last scan", "%s", "");
    for (size_t i = 0; i < s->rows_n; i++)
        if (!s->rows[i].is_further)
            scan_news_keep(s, &s->rows[i], &now);
    last_sort(&now);
    bool is_whole = s->is_pass && s->complete;
    if (is_whole)
        keep_those_before(s);
    return last_write(s->agent.last, &now, is_whole && s->before.n == 0 ? NULL : &s->last, f);
}

enum err scan_settle(struct scan *s, struct fault *f) {
    if (s->arena.err)
        return fault_set(f, s->arena.err, "result", "more rows than there is memory for");
    for (size_t i = 0; i < s->rows_n; i++)
        s->rows[i].label = label_of(s, &s->rows[i]);
    for (size_t i = 0; i < s->rows_n && !s->is_look; i++) {
        if (s->rows[i].is_further)
            continue;
        scan_news_judge(s, &s->rows[i]);
        gather_news(s, &s->rows[i]);
    }
    for (size_t i = 0; i < s->rows_n; i++)
        count_row(s, &s->rows[i]);
    return s->is_look ? ERR_OK : keep_for_next(s, f);
}
