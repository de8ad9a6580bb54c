/* The last scan's findings. See last.h. */
#include "applets/ers/last.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 << 20, NUMBER_MAX = 4 };

static const char head[] = "clm last-scan 2";
static const char head_1[] = "clm last-scan 1";

static bool read_number(struct bytes text, unsigned max, unsigned *out) {
    *out = 0;
    for (size_t i = 0; i < text.n && text.n <= NUMBER_MAX; i++) {
        if (!ascii_is_digit(text.p[i]))
            return false;
        *out = *out * 10 + (unsigned)(text.p[i] - '0');
    }
    return text.n > 0 && text.n <= NUMBER_MAX && *out <= max;
}

/* "ASKED IP SNI": what lies between is theirs. */
static struct bytes take_face(struct cur *c) {
    struct bytes begin = c->rest, parts[3];
    bool good = true;
    for (size_t i = 0; i < 3; i++) {
        parts[i] = cur_until(c, ' ');
        good = good && parts[i].n > 0;
    }
    size_t n = parts[0].n + parts[1].n + parts[2].n + 2;
    return good && n < begin.n ? bytes_part(begin, 0, n) : (struct bytes){NULL, 0};
}

static bool read_row(struct bytes line, bool is_1, struct last_row *out) {
    struct cur c = cur_open(line);
    *out = (struct last_row){.face = bytes_text("any - -")};
    if (!is_1 && (!read_number(cur_until(&c, ' '), LAST_AGE_MAX, &out->age) ||
                  !read_number(cur_until(&c, ' '), LAST_TOLD_MAX, &out->told)))
        return false;
    out->state = cur_until(&c, ' ');
    struct bytes sha256 = cur_until(&c, ' '), not_after = cur_until(&c, ' ');
    if (!is_1)
        out->face = take_face(&c);
    out->key = c.rest;
    out->has_certificate = !bytes_is(sha256, "-");
    out->has_not_after = !bytes_is(not_after, "-");
    if (out->has_certificate && !hex_read(sha256, out->sha256, sizeof out->sha256))
        return false;
    if (out->has_not_after && !clock_read(not_after, &out->not_after_s))
        return false;
    return out->state.n > 0 && out->key.n > 0 && out->face.n > 0;
}

static int compare(const void *a, const void *b) {
    const struct last_row *left = a, *right = b;
    int order = bytes_compare(left->key, right->key);
    if (order == 0)
        order = bytes_compare(left->face, right->face);
    if (order == 0)
        order = left->has_certificate - right->has_certificate;
    return order != 0 ? order : memcmp(left->sha256, right->sha256, sizeof left->sha256);
}

enum err last_parse(struct arena *a, struct bytes text, struct last *out, struct fault *f) {
    size_t lines = 0, number = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    struct cur c = cur_open(text);
    struct last l = {.rows = arena_array(a, lines + 1, sizeof *l.rows)};
    if (!l.rows)
        return fault_set(f, a->err, "last scan", "%s", "");
    struct bytes first = cur_until(&c, '\n');
    bool is_1 = bytes_is(first, head_1);
    if (!is_1 && !bytes_is(first, head))
        return fault_set(f, ERR_DAMAGED, "last scan", "line 1");
    while (c.rest.n > 0) {
        struct last_row row;
        number++;
        bool in_order = read_row(cur_until(&c, '\n'), is_1, &row) &&
                        (l.n == 0 || compare(&l.rows[l.n - 1], &row) < 0);
        if (!in_order)
            return fault_set(f, ERR_DAMAGED, "last scan", "line %zu", number);
        l.rows[l.n++] = row;
    }
    *out = l;
    return ERR_OK;
}

enum err last_read(struct arena *a, const char *path, struct last *out, struct fault *f) {
    struct buf text;
    *out = (struct last){0};
    if (!file_exists(path))
        return ERR_OK;
    buf_init(&text, TEXT_MAX);
    enum err err = file_read(path, &text, f);
    struct bytes kept = err ? (struct bytes){0} : arena_copy(a, buf_bytes(&text));
    buf_clear(&text);
    if (!err && a->err)
        err = fault_set(f, a->err, "last scan", "%s", path);
    return err ? err : last_parse(a, kept, out, f);
}

const struct last_row *last_find(const struct last *l, struct bytes key, size_t *n) {
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare(l->rows[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (high = low; high < l->n && bytes_equal(l->rows[high].key, key);)
        high++;
    *n = high - low;
    return *n > 0 ? &l->rows[low] : NULL;
}

/* Where one target saw a certificate, another one's failure says nothing. */
static size_t drop_failures(struct last_row *rows, size_t n) {
    size_t kept = 0;
    bool has_live = false;
    for (size_t i = 0; i < n; i++)
        has_live = has_live || (rows[i].has_certificate && !bytes_is(rows[i].state, "gone"));
    for (size_t i = 0; i < n; i++)
        if (rows[i].has_certificate || !has_live)
            rows[kept++] = rows[i];
    return kept;
}

void last_sort(struct last *l) {
    size_t kept = 0;
    if (l->n > 0)
        qsort(l->rows, l->n, sizeof *l->rows, compare);
    for (size_t i = 0; i < l->n; i++) {
        if (kept == 0 || compare(&l->rows[kept - 1], &l->rows[i]) != 0)
            l->rows[kept++] = l->rows[i];
        else if (l->rows[i].age < l->rows[kept - 1].age)
            l->rows[kept - 1] = l->rows[i];
    }
    l->n = kept;
    kept = 0;
    for (size_t i = 0, n; i < l->n; i += n) {
        for (n = 1; i + n < l->n && bytes_equal(l->rows[i].key, l->rows[i + n].key);)
            n++;
        size_t left = drop_failures(&l->rows[i], n);
        memmove(&l->rows[kept], &l->rows[i], left * sizeof *l->rows);
        kept += left;
    }
    l->n = kept;
}

static void put_row(struct buf *out, const struct last_row *row) {
    char time[CLOCK_TEXT_MAX];
    buf_printf(out, "%u %u ", row->age, row->told);
    buf_put(out, row->state);
    buf_text(out, " ");
    if (row->has_certificate)
        hex_put(out, bytes_of(row->sha256, sizeof row->sha256));
    else
        buf_text(out, "-");
    const char *text = row->has_not_after ? clock_write(row->not_after_s, time) : "";
    buf_printf(out, " %s ", text[0] ? text : "-");
    buf_put(out, row->face);
    buf_text(out, " ");
    buf_put(out, row->key);
    buf_text(out, "\n");
}

enum err last_write(const char *path, const struct last *now, const struct last *older,
                    struct fault *f) {
    struct buf out;
    size_t i = 0, k = 0, older_n = older ? older->n : 0;
    buf_init(&out, TEXT_MAX);
    buf_printf(&out, "%s\n", head);
    while (i < now->n || k < older_n) {
        int order = i == now->n    ? 1
                    : k == older_n ? -1
                                   : bytes_compare(now->rows[i].key, older->rows[k].key);
        if (order > 0) {
            put_row(&out, &older->rows[k++]);
            continue;
        }
        struct bytes key = now->rows[i].key;
        while (i < now->n && bytes_equal(now->rows[i].key, key))
            put_row(&out, &now->rows[i++]);
        while (k < older_n && bytes_equal(older->rows[k].key, key))
            k++;
    }
    enum err err = out.err ? fault_set(f, out.err, "last scan", "%s", path)
                           : file_replace(path, buf_bytes(&out), 0600, f);
    buf_clear(&out);
    return err;
}
