/* The daily warning as text. See digest.h. */
#include "notify/digest.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

enum { DAY_S = 86400, HOUR_S = 3600, NAME_MAX_SHOWN = 120, PLACE_MAX_SHOWN = 300, LINK_MAX = 900 };

/* ---- counting ---- */

static int64_t soon_s(const struct notify_digest *d) {
    uint64_t soon = (uint64_t)NOTIFY_SOON_DAYS * DAY_S;
    return (int64_t)(d->within_s < soon ? d->within_s : soon);
}

enum notify_class notify_class_of(const struct notify_digest *d, const struct notify_row *row) {
    int64_t left_s = row->not_after_s - d->now_s;
    if (left_s >= (int64_t)d->within_s)
        return NOTIFY_CLASSES;
    if (left_s < 0)
        return NOTIFY_EXPIRED;
    return left_s < soon_s(d) ? NOTIFY_SOON : NOTIFY_LATER;
}

struct counts {
    uint64_t of[NOTIFY_CLASSES + 1], agents;
};

static struct counts count(const struct notify_digest *d) {
    struct counts c = {.agents = d->agents_n + d->agents_unlisted};
    for (size_t i = 0; i < NOTIFY_CLASSES; i++)
        c.of[i] = d->unlisted[i];
    for (size_t i = 0; i < d->rows_n; i++)
        c.of[notify_class_of(d, &d->rows[i])]++;
    return c;
}

bool notify_digest_is_empty(const struct notify_digest *d) {
    struct counts c = count(d);
    return c.of[NOTIFY_EXPIRED] + c.of[NOTIFY_SOON] + c.of[NOTIFY_LATER] + c.agents == 0;
}

static int compare_rows(const void *a, const void *b) {
    const struct notify_row *x = a, *y = b;
    if (x->not_after_s != y->not_after_s)
        return x->not_after_s < y->not_after_s ? -1 : 1;
    int c = bytes_compare(x->name, y->name);
    return c != 0 ? c : bytes_compare(x->id, y->id);
}

void notify_digest_sort(struct notify_digest *d) {
    if (d->rows_n > 1)
        qsort(d->rows, d->rows_n, sizeof *d->rows, compare_rows);
}

/* ---- parts ---- */

/* Foreign text on one line, at most `max` bytes of it, whole characters. */
static void put_text(struct buf *out, struct bytes text, size_t max) {
    struct buf safe;
    buf_init(&safe, 8192);
    text_escape(&safe, bytes_part(text, 0, max + 4)); /* escaping never makes it shorter */
    struct bytes whole = buf_bytes(&safe);
    struct cur c = cur_open(whole);
    size_t n = 0;
    while (c.rest.n > 0 && whole.n > max) {
        utf8_take(&c);
        if (whole.n - c.rest.n > max)
            break;
        n = whole.n - c.rest.n;
    }
    buf_put(out, whole.n > max ? bytes_part(whole, 0, n) : whole);
    if (whole.n > max)
        buf_text(out, "...");
    buf_clear(&safe);
}

static void put_time(struct buf *out, int64_t s) {
    char text[CLOCK_TEXT_MAX];
    clock_write(s, text);
    buf_printf(out, "%.10s %.5s UTC", text, text[0] ? text + 11 : "");
}

/* "7 d", "36 h" */
static void put_span(struct buf *out, uint64_t s) {
    if (s % DAY_S == 0)
        buf_printf(out, "%" PRIu64 " d", s / DAY_S);
    else
        buf_printf(out, "%" PRIu64 " h", (s + HOUR_S - 1) / HOUR_S);
}

/* The next part of a list: a comma before it, but for the first. */
static void put_comma(struct buf *out, bool *is_first) {
    if (!*is_first)
        buf_text(out, ", ");
    *is_first = false;
}

static void put_ending(struct buf *out, uint64_t n, uint64_t span_s, bool *is_first) {
    if (n == 0)
        return;
    put_comma(out, is_first);
    buf_printf(out, "%" PRIu64 " %s within ", n, n == 1 ? "ends" : "end");
    put_span(out, span_s);
}

static void put_counts(struct buf *out, const struct notify_digest *d, bool only_nearest) {
    struct counts c = count(d);
    bool is_first = true;
    if (c.of[NOTIFY_EXPIRED] > 0) {
        put_comma(out, &is_first);
        buf_printf(out, "%" PRIu64 " expired", c.of[NOTIFY_EXPIRED]);
    }
    put_ending(out, c.of[NOTIFY_SOON], (uint64_t)soon_s(d), &is_first);
    if (!only_nearest || c.of[NOTIFY_SOON] == 0)
        put_ending(out, c.of[NOTIFY_LATER], d->within_s, &is_first);
    if (c.agents > 0) {
        put_comma(out, &is_first);
        buf_printf(out, "%" PRIu64 " agent%s quiet", c.agents, c.agents == 1 ? "" : "s");
    }
}

void notify_digest_subject(struct buf *out, const struct notify_digest *d) {
    buf_text(out, "clm: ");
    put_counts(out, d, true);
}

/* ---- the body ---- */

static void put_places(struct buf *out, const struct notify_row *row) {
    size_t shown = row->places_n < NOTIFY_PLACES_SHOWN ? row->places_n : NOTIFY_PLACES_SHOWN;
    for (size_t i = 0; i < shown; i++) {
        buf_text(out, i == 0 ? "        at     " : "               ");
        put_text(out, row->places[i], PLACE_MAX_SHOWN);
        buf_u8(out, '\n');
    }
    if (row->places_total > shown)
        buf_printf(out, "        %s%" PRIu64 " %s\n", shown > 0 ? "       and " : "at     ",
                   row->places_total - shown, shown > 0 ? "more" : "places");
    if (row->places_total == 0)
        buf_text(out, "        at     - (managed, served nowhere)\n");
    if (row->renewed)
        buf_text(out, "        note   renewed, but the old certificate is still shown here\n");
}

static void put_row(struct buf *out, const struct notify_digest *d, const struct notify_row *row) {
    int64_t days = clock_days_between(d->now_s, row->not_after_s);
    buf_printf(out, "\n%4" PRId64 " d  ", days);
    put_text(out, row->name, NAME_MAX_SHOWN);
    buf_text(out, row->not_after_s < d->now_s ? "\n        ended  " : "\n        ends   ");
    put_time(out, row->not_after_s);
    buf_u8(out, '\n');
    put_places(out, row);
    buf_text(out, "        owner  ");
    put_text(out, row->owner.n > 0 ? row->owner : bytes_text("-"), NAME_MAX_SHOWN);
    buf_text(out, "\n        link   ");
    put_text(out, row->link, LINK_MAX);
    buf_u8(out, '\n');
}

static void put_title(struct buf *out, const struct notify_digest *d, enum notify_class kind) {
    switch (kind) {
    case NOTIFY_EXPIRED:
        buf_text(out, "\nExpired\n");
        break;
    case NOTIFY_SOON:
        buf_text(out, "\nEnd within ");
        put_span(out, (uint64_t)soon_s(d));
        buf_u8(out, '\n');
        break;
    default:
        buf_text(out, "\nEnd within ");
        put_span(out, d->within_s);
        buf_u8(out, '\n');
    }
}

static void put_unlisted(struct buf *out, const struct notify_digest *d, uint64_t n) {
    if (n == 0)
        return;
    buf_printf(out, "\n        and %" PRIu64 " more: ", n);
    put_text(out, d->link, LINK_MAX);
    buf_u8(out, '\n');
}

static void put_class(struct buf *out, const struct notify_digest *d, enum notify_class kind) {
    bool has_title = false;
    for (size_t i = 0; i < d->rows_n; i++) {
        if (notify_class_of(d, &d->rows[i]) != kind)
            continue;
        if (!has_title)
            put_title(out, d, kind);
        has_title = true;
        put_row(out, d, &d->rows[i]);
    }
    if (!has_title && d->unlisted[kind] > 0)
        put_title(out, d, kind);
    put_unlisted(out, d, d->unlisted[kind]);
}

static void put_agents(struct buf *out, const struct notify_digest *d) {
    if (d->agents_n + d->agents_unlisted > 0)
        buf_text(out, "\nQuiet agents\n");
    for (size_t i = 0; i < d->agents_n; i++) {
        buf_text(out, "\n        ");
        put_text(out, d->agents[i].name, NAME_MAX_SHOWN);
        buf_text(out, "\n        heard  ");
        if (d->agents[i].heard_s > 0)
            put_time(out, d->agents[i].heard_s);
        else
            buf_text(out, "never");
        buf_text(out, "\n        link   ");
        put_text(out, d->agents[i].link, LINK_MAX);
        buf_u8(out, '\n');
    }
    put_unlisted(out, d, d->agents_unlisted);
}

void notify_digest_body(struct buf *out, const struct notify_digest *d) {
    put_text(out, d->server, NAME_MAX_SHOWN);
    buf_text(out, ": ");
    put_counts(out, d, false);
    buf_u8(out, '\n');
    for (int kind = NOTIFY_EXPIRED; kind < NOTIFY_CLASSES; kind++)
        put_class(out, d, (enum notify_class)kind);
    put_agents(out, d);
}

/* ---- the key ---- */

void notify_digest_key(struct buf *out, const struct notify_digest *d) {
    buf_printf(out, "within %" PRIu64 "\n", d->within_s);
    for (size_t i = 0; i < d->rows_n; i++) {
        buf_printf(out, "%d ", (int)notify_class_of(d, &d->rows[i]));
        hex_put(out, d->rows[i].id);
        buf_printf(out, " %" PRIu64 "%s\n", d->rows[i].places_total,
                   d->rows[i].renewed ? " renewed" : "");
    }
    for (size_t i = 0; i < NOTIFY_CLASSES; i++)
        buf_printf(out, "unlisted %" PRIu64 "\n", d->unlisted[i]);
    for (size_t i = 0; i < d->agents_n; i++) {
        buf_text(out, "agent ");
        hex_put(out, d->agents[i].id);
        buf_u8(out, '\n');
    }
    buf_printf(out, "unlisted %" PRIu64 "\n", d->agents_unlisted);
}
