/* What people see of a scan. See scan.h. */
#include "applets/ers/scan.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_MS = 200, ENDPOINT_WIDTH_MAX = 48 };

/* ---- estimate and progress ---- */

static const char *span_text(uint64_t s, char out[48]) {
    if (s < 90)
        snprintf(out, 48, "%u s", (unsigned)s);
    else if (s < 90 * 60)
        snprintf(out, 48, "%u min", (unsigned)((s + 30) / 60));
    else if (s < 48 * 3600)
        snprintf(out, 48, "%u h", (unsigned)((s + 1800) / 3600));
    else
        snprintf(out, 48, "%llu days", (unsigned long long)((s + 43200) / 86400));
    return out;
}

void scan_show_estimate(struct scan *s) {
    char n[28], span[48];
    if (!s->has_progress || s->limits.rate == UINT64_MAX)
        return;
    fprintf(s->env->err, "%s endpoint%s, at %llu a second at least %s\n",
            ers_number(s->endpoints, n), s->endpoints == 1 ? "" : "s",
            (unsigned long long)s->limits.rate, span_text(s->endpoints / s->limits.rate, span));
    fflush(s->env->err);
}

void scan_show_progress(struct scan *s, const struct probe_progress *p) {
    char done[28], all[28], found[28], span[48], left[64] = "";
    if (!s->has_progress || p->elapsed_ms < s->shown_ms + PROGRESS_MS)
        return;
    s->shown_ms = p->elapsed_ms;
    uint64_t rate = p->endpoints_done * 1000 / (p->elapsed_ms ? p->elapsed_ms : 1);
    if (rate > 0 && p->endpoints > p->endpoints_done)
        snprintf(left, sizeof left, ", about %s left",
                 span_text((p->endpoints - p->endpoints_done) / rate, span));
    fprintf(s->env->err, "\r%s of %s endpoints, %llu/s, %s certificate%s%s\x1b[K",
            ers_number(p->endpoints_done, done), ers_number(p->endpoints, all),
            (unsigned long long)rate, ers_number(p->certificates, found),
            p->certificates == 1 ? "" : "s", left);
    fflush(s->env->err);
}

void scan_clear_progress(struct scan *s) {
    if (!s->has_progress)
        return;
    fputs("\r\x1b[K", s->env->err);
    fflush(s->env->err);
    s->has_progress = false;
}

/* ---- table ---- */

static const struct {
    const char *text, *color;
} labels[LABEL_COUNT] = {
    [LABEL_EXPIRED] = {"EXPIRED",  "\x1b[31m"},
    [LABEL_EXPIRING] = {"EXPIRING", "\x1b[33m"},
    [LABEL_NEW] = {"new",      "\x1b[36m"},
    [LABEL_CHANGED] = {"changed",  "\x1b[36m"},
    [LABEL_BACK] = {"back",     "\x1b[36m"},
    [LABEL_MOVED] = {"moved",    "\x1b[36m"},
    [LABEL_OK] = {"ok",       ""        },
    [LABEL_GONE] = {"gone",     "\x1b[33m"},
    [LABEL_FAILED] = {"failed",   "\x1b[31m"},
    [LABEL_DECLINED] = {"no TLS",   ""        },
    [LABEL_SILENT] = {"-",        ""        },
};

static size_t take_number(struct cur *c, uint64_t *value) {
    size_t n = 0;
    for (*value = 0; n < 18 && n < c->rest.n && ascii_is_digit(c->rest.p[n]); n++)
        *value = *value * 10 + (uint64_t)(c->rest.p[n] - '0');
    cur_take(c, n);
    return n;
}

/* Digits by their value, so that 10.0.0.9 comes before 10.0.0.10. */
static int compare_rows(const void *a, const void *b) {
    const struct scan_row *left = a, *right = b;
    struct cur x = cur_open(left->key), y = cur_open(right->key);
    while (x.rest.n > 0 && y.rest.n > 0) {
        uint64_t m, n;
        size_t have_m = take_number(&x, &m), have_n = take_number(&y, &n);
        if (have_m && have_n && m != n)
            return m < n ? -1 : 1;
        if (!have_m != !have_n)
            return have_m ? -1 : 1;
        if (have_m)
            continue;
        uint8_t p = cur_u8(&x), q = cur_u8(&y);
        if (p != q)
            return p < q ? -1 : 1;
    }
    return (x.rest.n > 0) - (y.rest.n > 0);
}

static bool is_shown(const struct scan *s, const struct scan_row *row) {
    if (row->is_shown_above)
        return false;
    if (s->options->all)
        return true;
    if (row->label == LABEL_SILENT)
        return false;
    return s->is_look || s->is_terminal || row->is_news;
}

static void put_expiry(struct buf *out, const struct scan_row *row, int64_t now_s) {
    char time[CLOCK_TEXT_MAX], days[32];
    const char *text = row->has_not_after ? clock_write(row->not_after_s, time) : "";
    if (!row->has_certificate || !text[0]) {
        buf_printf(out, "%-17s", row->has_certificate ? "unreadable" : "-");
        return;
    }
    snprintf(days, sizeof days, "%lldd", (long long)clock_days_between(now_s, row->not_after_s));
    buf_printf(out, "%.10s %6s", text, days);
}

/* Where it is now: the middle word of the face. */
static void put_address(const struct scan_row *row, struct buf *out) {
    struct cur c = cur_open(row->face);
    (void)cur_until(&c, ' ');
    struct bytes address = cur_until(&c, ' ');
    buf_printf(out, ", now at %.*s", (int)address.n, (const char *)address.p);
}

static void put_line(const struct scan *s, const struct scan_row *row, int width, bool color,
                     struct buf *out) {
    const char *tint = color ? labels[row->label].color : "";
    const struct model_outcome_row *outcome = model_outcome_row(row->outcome);
    buf_printf(out, "%-*.*s  %s%-9s%s  ", width, (int)row->shown.n, (const char *)row->shown.p,
               tint, labels[row->label].text, tint[0] ? "\x1b[0m" : "");
    put_expiry(out, row, env_now_s(s->env));
    buf_text(out, "  ");
    if (row->has_certificate)
        buf_printf(out, "%s%s", row->subject, row->several > 0 ? "; " : "");
    else
        buf_printf(out, "%s%s%s", outcome->text, row->subject[0] ? ": " : "", row->subject);
    if (row->several > 0)
        buf_printf(out, "%zu certificates behind this address", row->several);
    else if (row->is_moved)
        put_address(row, out);
    buf_text(out, "\n");
}

static bool put_table(struct scan *s, struct buf *out) {
    size_t width = sizeof "ENDPOINT" - 1, shown = 0;
    bool color = opt_use_color(s->common, 1);
    for (size_t i = 0; i < s->rows_n; i++) {
        if (!is_shown(s, &s->rows[i]))
            continue;
        shown++;
        if (s->rows[i].shown.n > width && s->rows[i].shown.n <= ENDPOINT_WIDTH_MAX)
            width = s->rows[i].shown.n;
    }
    if (shown == 0)
        return false;
    qsort(s->rows, s->rows_n, sizeof *s->rows, compare_rows);
    buf_printf(out, "%-*s  %-9s  %-17s  %s\n", (int)width, "ENDPOINT", "STATE", "EXPIRES",
               "SUBJECT");
    for (size_t i = 0; i < s->rows_n; i++)
        if (is_shown(s, &s->rows[i]))
            put_line(s, &s->rows[i], (int)width, color, out);
    return true;
}

/* ---- summary ---- */

static void put_count(struct buf *out, uint64_t n, const char *what, const char **separator) {
    char number[28];
    if (n == 0)
        return;
    buf_printf(out, "%s%s %s", *separator, ers_number(n, number), what);
    *separator = ", ";
}

static void put_summary(const struct scan *s, const char *delivery, struct buf *out) {
    const struct model_account *a = &s->summary.endpoints;
    const char *separator = ": ";
    char number[28];
    buf_printf(out, "%s endpoint%s", ers_number(a->total, number), a->total == 1 ? "" : "s");
    for (unsigned i = 0; i < MODEL_OUTCOME_COUNT; i++)
        put_count(out, a->by_outcome[i], model_outcome_row((enum model_outcome)i)->text,
                  &separator);
    separator = "; ";
    put_count(out, s->skipped, "looked at before", &separator);
    put_count(out, s->new_n, "new", &separator);
    put_count(out, s->changed_n, "changed", &separator);
    put_count(out, s->back_n, "back", &separator);
    put_count(out, s->moved_n, "moved", &separator);
    put_count(out, s->by_label[LABEL_EXPIRING], "expiring", &separator);
    put_count(out, s->by_label[LABEL_EXPIRED], "expired", &separator);
    put_count(out, s->by_label[LABEL_GONE], "gone", &separator);
    if (delivery[0])
        buf_printf(out, "; %s", delivery);
    buf_text(out, "\n");
}

void scan_show_result(struct scan *s, const char *delivery) {
    struct buf out;
    buf_init(&out, (size_t)256 << 20);
    bool has_news = put_table(s, &out);
    if (has_news || s->is_look || s->is_terminal || s->options->all) {
        put_summary(s, delivery, &out);
        if (fwrite(out.p, 1, out.n, s->env->out) != out.n)
            fputs("ers scan: standard output cannot be written\n", s->env->err);
    }
    buf_clear(&out);
}
