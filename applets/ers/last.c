/* The last scan's findings. See last.h. */
#include "applets/ers/last.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 << 20 };

static const char head[] = "clm last-scan 1";

static bool read_row(struct bytes line, struct last_row *out) {
    struct cur c = cur_open(line);
    *out = (struct last_row){.state = cur_until(&c, ' ')};
    struct bytes sha256 = cur_until(&c, ' '), not_after = cur_until(&c, ' ');
    out->key = c.rest;
    out->has_certificate = !bytes_is(sha256, "-");
    out->has_not_after = !bytes_is(not_after, "-");
    if (out->has_certificate && !hex_read(sha256, out->sha256, sizeof out->sha256))
        return false;
    if (out->has_not_after && !clock_read(not_after, &out->not_after_s))
        return false;
    return out->state.n > 0 && out->key.n > 0;
}

enum err last_parse(struct arena *a, struct bytes text, struct last *out, struct fault *f) {
    size_t lines = 0, number = 1;
    for (size_t i = 0; i < text.n; i++)
        lines += text.p[i] == '\n';
    struct cur c = cur_open(text);
    struct last l = {.rows = arena_array(a, lines + 1, sizeof *l.rows)};
    if (!l.rows)
        return fault_set(f, a->err, "last scan", "%s", "");
    if (!bytes_is(cur_until(&c, '\n'), head))
        return fault_set(f, ERR_DAMAGED, "last scan", "line 1");
    while (c.rest.n > 0) {
        struct last_row row;
        number++;
        bool in_order = read_row(cur_until(&c, '\n'), &row) &&
                        (l.n == 0 || bytes_compare(l.rows[l.n - 1].key, row.key) < 0);
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

static int compare(const void *a, const void *b) {
    const struct last_row *left = a, *right = b;
    return bytes_compare(left->key, right->key);
}

const struct last_row *last_find(const struct last *l, struct bytes key) {
    struct last_row wanted = {.key = key};
    return l->n > 0 ? bsearch(&wanted, l->rows, l->n, sizeof *l->rows, compare) : NULL;
}

void last_sort(struct last *l) {
    size_t kept = 0;
    if (l->n == 0)
        return;
    qsort(l->rows, l->n, sizeof *l->rows, compare);
    for (size_t i = 1; i < l->n; i++) {
        if (compare(&l->rows[kept], &l->rows[i]) != 0)
            l->rows[++kept] = l->rows[i];
        else if (l->rows[i].has_certificate)
            l->rows[kept] = l->rows[i];
    }
    l->n = kept + 1;
}

static void put_row(struct buf *out, const struct last_row *row) {
    char time[CLOCK_TEXT_MAX];
    buf_put(out, row->state);
    buf_text(out, " ");
    if (row->has_certificate)
        hex_put(out, bytes_of(row->sha256, sizeof row->sha256));
    else
        buf_text(out, "-");
    const char *text = row->has_not_after ? clock_write(row->not_after_s, time) : "";
    buf_printf(out, " %s ", text[0] ? text : "-");
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
        if (order <= 0)
            put_row(&out, &now->rows[i++]);
        else
            put_row(&out, &older->rows[k]);
        k += order >= 0;
    }
    enum err err = out.err ? fault_set(f, out.err, "last scan", "%s", path)
                           : file_replace(path, buf_bytes(&out), 0600, f);
    buf_clear(&out);
    return err;
}
