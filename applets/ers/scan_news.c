/* What is news: this scan against the last ones. See scan.h and last.h.
 *
 * A certificate is new at its endpoint, or changed where it stands in place of another,
 * or known. One that was there within five scans and returns is no news; that there are
 * several is told once. An endpoint without any is gone where a complete pass saw it so,
 * and back when one returns. A name whose addresses are all others has moved.
 */
#include "applets/ers/scan.h"

#include <string.h>

static const char gone[] = "gone";

/* What is known of the endpoint from before. */
struct before {
    const struct last_row *rows;
    size_t n;
    bool has_live, has_gone;
};

static bool is_live(const struct last_row *p) {
    return p->has_certificate && !bytes_is(p->state, gone);
}

static struct before before_of(const struct scan *s, struct bytes key) {
    struct before b = {.n = 0};
    b.rows = last_find(&s->last, key, &b.n);
    for (size_t i = 0; i < b.n; i++) {
        b.has_live = b.has_live || is_live(&b.rows[i]);
        b.has_gone = b.has_gone || bytes_is(b.rows[i].state, gone);
    }
    return b;
}

static struct scan_row *next_of(const struct scan *s, const struct scan_row *row) {
    return row->next > 0 ? &s->rows[row->next - 1] : NULL;
}

static bool same(const uint8_t *a, const uint8_t *b) {
    return memcmp(a, b, SHA256_SIZE) == 0;
}

/* A face of a version 1 file is any. */
static bool same_face(const struct scan_row *row, const struct last_row *p) {
    return bytes_equal(row->face, p->face) || bytes_is(p->face, "any - -");
}

static struct bytes address_of(struct bytes face) {
    struct cur c = cur_open(face);
    (void)cur_until(&c, ' ');
    return cur_until(&c, ' ');
}

static bool is_shown_now(const struct scan *s, const struct scan_row *first,
                         const uint8_t *sha256) {
    for (const struct scan_row *r = first; r; r = next_of(s, r))
        if (r->has_certificate && same(r->sha256, sha256))
            return true;
    return false;
}

const char *scan_state_name(const struct scan_row *row) {
    if (!row->has_certificate)
        return model_outcome_name(row->outcome);
    return row->label == LABEL_EXPIRED    ? "expired"
           : row->label == LABEL_EXPIRING ? "expiring"
                                          : "ok";
}

/* ---- several behind one face ---- */

/* How many there are of the row's face: shown now, and within the last scans. */
static size_t count_now(const struct scan *s, const struct scan_row *first,
                        const struct scan_row *row) {
    size_t n = 0;
    for (const struct scan_row *r = first; r; r = next_of(s, r))
        n += bytes_equal(r->face, row->face);
    return n;
}

static size_t count_all(const struct scan *s, const struct scan_row *first,
                        const struct scan_row *row, const struct before *b) {
    size_t n = count_now(s, first, row);
    for (size_t i = 0; i < b->n; i++) {
        const struct last_row *p = &b->rows[i];
        bool is_now = false;
        for (const struct scan_row *r = first; r; r = next_of(s, r))
            is_now = is_now || (bytes_equal(r->face, row->face) && same(r->sha256, p->sha256));
        n += is_live(p) && bytes_equal(p->face, row->face) && !is_now;
    }
    return n;
}

/* What is shown now was not shown the last time, when another was, and had been before. */
static bool has_returned(const struct scan_row *row, const struct before *b) {
    bool was_away = false, had_other = false;
    for (size_t i = 0; i < b->n; i++) {
        const struct last_row *p = &b->rows[i];
        if (!is_live(p) || !bytes_equal(p->face, row->face))
            continue;
        bool is_it = same(p->sha256, row->sha256);
        was_away = was_away || (is_it && p->age > 0);
        had_other = had_other || (!is_it && p->age == 0);
    }
    return was_away && had_other;
}

static void judge_several(struct scan *s, const struct scan_row *first, struct scan_row *row,
                          const struct before *b) {
    size_t now = count_now(s, first, row), all = count_all(s, first, row, b), told = 0;
    for (size_t i = 0; i < b->n; i++)
        if (is_live(&b->rows[i]) && bytes_equal(b->rows[i].face, row->face) &&
            b->rows[i].told > told)
            told = b->rows[i].told;
    size_t found = has_returned(row, b) ? all : now;
    if (found > 1 && found > told) {
        told = found;
        row->is_news = true;
        row->several = found;
    }
    told = told < all ? told : all;
    row->told = (unsigned)(told < 2 ? 0 : told < LAST_TOLD_MAX ? told : LAST_TOLD_MAX);
}

/* ---- new, changed, back, moved ---- */

static void judge_unknown(struct scan *s, const struct scan_row *first, struct scan_row *row,
                          const struct before *b) {
    bool is_replacing = false, is_beside = false;
    for (size_t i = 0; i < b->n; i++) {
        const struct last_row *p = &b->rows[i];
        bool stays = is_live(p) && is_shown_now(s, first, p->sha256);
        is_beside = is_beside || stays;
        is_replacing = is_replacing || (is_live(p) && !stays && same_face(row, p) && p->age == 0);
    }
    row->is_news = true;
    row->is_changed = b->has_live && (is_replacing || !is_beside);
    row->is_back = !b->has_live && b->has_gone;
    row->is_new = !row->is_changed && !row->is_back;
}

static bool has_moved(const struct scan *s, const struct scan_row *first, const struct before *b) {
    bool had_address = false;
    for (size_t i = 0; i < b->n; i++) {
        struct bytes old = address_of(b->rows[i].face);
        if (!is_live(&b->rows[i]) || bytes_is(old, "-"))
            continue;
        had_address = true;
        for (const struct scan_row *r = first; r; r = next_of(s, r))
            if (bytes_equal(address_of(r->face), old))
                return false;
    }
    return had_address;
}

static void judge_row(struct scan *s, const struct scan_row *first, struct scan_row *row,
                      const struct before *b) {
    const struct last_row *known = NULL;
    for (size_t i = 0; i < b->n; i++)
        if (is_live(&b->rows[i]) && same(b->rows[i].sha256, row->sha256) &&
            (!known || b->rows[i].age < known->age))
            known = &b->rows[i];
    if (known)
        row->is_news = !bytes_is(known->state, scan_state_name(row));
    else
        judge_unknown(s, first, row, b);
    if (known && has_moved(s, first, b))
        row->is_news = row->is_moved = true;
    judge_several(s, first, row, b);
}

static void judge_empty(struct scan *s, struct scan_row *row, const struct before *b) {
    bool is_looked = model_outcome_row(row->outcome)->is_looked;
    if (b->has_live && is_looked && s->is_pass && s->complete) {
        row->label = LABEL_GONE;
        row->is_news = true;
    } else if (row->label == LABEL_FAILED) {
        row->is_news = true;
        for (size_t i = 0; i < b->n; i++)
            if (is_live(&b->rows[i]) || bytes_is(b->rows[i].state, scan_state_name(row)))
                row->is_news = false;
    }
}

static enum scan_label label_of_news(const struct scan_row *row) {
    if (row->label != LABEL_OK)
        return row->label;
    return row->is_changed ? LABEL_CHANGED
           : row->is_back  ? LABEL_BACK
           : row->is_new   ? LABEL_NEW
           : row->is_moved ? LABEL_MOVED
                           : LABEL_OK;
}

void scan_news_judge(struct scan *s, struct scan_row *first) {
    struct before b = before_of(s, first->key);
    for (struct scan_row *r = first; r; r = next_of(s, r)) {
        if (r->has_certificate)
            judge_row(s, first, r, &b);
        else
            judge_empty(s, r, &b);
    }
    for (struct scan_row *r = first; r; r = next_of(s, r))
        r->label = label_of_news(r);
}

/* ---- for the next scan ---- */

static void add_row(struct last *now, const struct scan_row *row) {
    struct last_row *to = &now->rows[now->n++];
    *to = (struct last_row){.key = row->key,
                            .face = row->has_certificate ? row->face : bytes_text("any - -"),
                            .state = bytes_text(scan_state_name(row)),
                            .told = row->told,
                            .has_certificate = row->has_certificate,
                            .has_not_after = row->has_not_after,
                            .not_after_s = row->not_after_s};
    memcpy(to->sha256, row->sha256, sizeof to->sha256);
}

static bool is_told_by(const struct scan *s, const struct scan_row *first,
                       const struct last_row *p) {
    for (const struct scan_row *r = first; r; r = next_of(s, r))
        if (bytes_equal(r->face, p->face) && same(r->sha256, p->sha256))
            return true;
    return false;
}

/* An endpoint with certificates: what was not seen this time grows older. */
static void keep_older(const struct scan *s, const struct scan_row *first, const struct before *b,
                       struct last *now) {
    bool is_whole = s->is_pass && s->complete;
    for (size_t i = 0; i < b->n; i++) {
        struct last_row p = b->rows[i];
        if (!is_live(&p) || is_told_by(s, first, &p))
            continue;
        p.age += is_whole;
        if (p.age <= LAST_AGE_MAX)
            now->rows[now->n++] = p;
    }
}

static void keep_empty(const struct scan_row *row, const struct before *b, struct last *now) {
    for (size_t i = 0; i < b->n; i++) {
        struct last_row p = b->rows[i];
        if (!p.has_certificate)
            continue;
        if (row->label == LABEL_GONE)
            p.state = bytes_text(gone);
        now->rows[now->n++] = p;
    }
    if (row->label == LABEL_FAILED && !b->has_live)
        add_row(now, row);
}

size_t scan_news_room(const struct scan *s, const struct scan_row *first) {
    size_t n = before_of(s, first->key).n;
    for (const struct scan_row *r = first; r; r = next_of(s, r))
        n++;
    return n;
}

void scan_news_keep(const struct scan *s, const struct scan_row *first, struct last *now) {
    struct before b = before_of(s, first->key);
    if (!first->has_certificate) {
        keep_empty(first, &b, now);
        return;
    }
    for (const struct scan_row *r = first; r; r = next_of(s, r))
        add_row(now, r);
    keep_older(s, first, &b, now);
}
