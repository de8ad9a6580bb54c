/* The file of what the server has. See pushed.h. */
#include "applets/ers/pushed.h"

#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 << 20, SAID_TEXT = 2 * MODEL_SAID_SIZE };

static const char head[] = "clm pushed 1";

static int compare_said(const void *a, const void *b) {
    const struct pushed_row *x = a, *y = b;
    return memcmp(x->said, y->said, sizeof x->said);
}

static bool read_row(struct bytes line, struct pushed_row *out) {
    uint64_t face = 0;
    struct cur c = cur_open(line);
    *out = (struct pushed_row){0};
    bool is_read = hex_read(cur_until(&c, ' '), out->said, sizeof out->said) &&
                   number_read(c.rest, UINT32_MAX, &face);
    out->face = (uint32_t)face;
    return is_read;
}

enum err pushed_parse(struct arena *a, struct bytes text, struct pushed *out, struct fault *f) {
    struct cur c = cur_open(text);
    struct pushed p = {.rows = NULL};
    if (!bytes_is(cur_until(&c, '\n'), head))
        return fault_set(f, ERR_DAMAGED, "pushed", "line 1");
    p.rows = arena_array(a, text.n / (SAID_TEXT + 3) + 1, sizeof *p.rows);
    if (!p.rows)
        return fault_set(f, a->err, "pushed", "%zu bytes", text.n);
    while (c.rest.n > 0) {
        struct pushed_row *row = &p.rows[p.n];
        struct bytes line = cur_until(&c, '\n');
        if (line.n < SAID_TEXT + 2 || !read_row(line, row) ||
            (p.n > 0 && compare_said(row - 1, row) >= 0))
            return fault_set(f, ERR_DAMAGED, "pushed", "line %zu", p.n + 2);
        p.n++;
    }
    *out = p;
    return ERR_OK;
}

void pushed_open(struct arena *a, const char *path, struct pushed *out) {
    struct buf text;
    struct fault ignored;
    *out = (struct pushed){.rows = NULL};
    buf_init(&text, TEXT_MAX);
    if (!file_exists(path) || file_read(path, &text, &ignored) ||
        pushed_parse(a, buf_bytes(&text), out, &ignored))
        *out = (struct pushed){.rows = NULL};
    buf_clear(&text);
}

void pushed_clear(struct pushed *p) {
    free(p->more);
    *p = (struct pushed){.rows = NULL};
}

struct pushed_row *pushed_find(const struct pushed *p, const uint8_t said[MODEL_SAID_SIZE]) {
    struct pushed_row wanted = {.face = 0};
    memcpy(wanted.said, said, sizeof wanted.said);
    struct pushed_row *row =
        p->n > 0 ? bsearch(&wanted, p->rows, p->n, sizeof wanted, compare_said) : NULL;
    return row && !row->is_gone ? row : NULL;
}

void pushed_learn(struct pushed *p, uint32_t face, const uint8_t said[MODEL_SAID_SIZE]) {
    if (p->more_n == p->more_cap) {
        size_t cap = p->more_cap ? p->more_cap * 2 : 256;
        struct pushed_row *more = realloc(p->more, cap * sizeof *more);
        if (!more)
            return;
        p->more = more;
        p->more_cap = cap;
    }
    struct pushed_row *row = &p->more[p->more_n++];
    *row = (struct pushed_row){.face = face, .is_seen = true};
    memcpy(row->said, said, sizeof row->said);
    p->is_changed = true;
}

void pushed_forget(struct pushed *p, struct pushed_row *row) {
    row->is_gone = p->is_changed = true;
}

/* ---- writing ---- */

/* By face; of one face what was read stands before what was learnt, in the order of learning:
 * the places in the array are kept. */
static int compare_face(const void *a, const void *b) {
    const struct pushed_row *const *x = a, *const *y = b;
    if ((*x)->face != (*y)->face)
        return (*x)->face < (*y)->face ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

/* The newest row of each face, of `all`, in order of what they say. */
static size_t newest(struct pushed_row *all, size_t n, const struct pushed_row **order) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        order[i] = &all[i];
    qsort(order, n, sizeof *order, compare_face);
    for (size_t i = 0; i < n; i++)
        if (i + 1 == n || order[i]->face != order[i + 1]->face)
            order[kept++] = order[i];
    return kept;
}

static int compare_said_of(const void *a, const void *b) {
    const struct pushed_row *const *x = a, *const *y = b;
    return compare_said(*x, *y);
}

static void put_all(struct buf *out, const struct pushed_row **order, size_t n) {
    buf_printf(out, "%s\n", head);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && compare_said(order[i - 1], order[i]) == 0)
            continue; /* two faces that say the same: another server's numbers */
        hex_put(out, bytes_of(order[i]->said, sizeof order[i]->said));
        buf_printf(out, " %lu\n", (unsigned long)order[i]->face);
    }
}

/* What stays of the rows read, then what was learnt. */
static size_t gather(struct pushed *p, bool is_complete, struct pushed_row *all) {
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!p->rows[i].is_gone && (p->rows[i].is_seen || !is_complete))
            all[n++] = p->rows[i];
        else
            p->is_changed = true;
    }
    if (p->more_n > 0)
        memcpy(all + n, p->more, p->more_n * sizeof *all);
    return n + p->more_n;
}

enum err pushed_write(struct pushed *p, const char *path, bool is_complete, struct fault *f) {
    struct pushed_row *all = calloc(p->n + p->more_n + 1, sizeof *all);
    const struct pushed_row **order = calloc(p->n + p->more_n + 1, sizeof *order);
    struct buf out;
    enum err err = all && order ? ERR_OK : fault_set(f, ERR_MEMORY, "pushed", "%s", path);
    buf_init(&out, TEXT_MAX);
    size_t n = err ? 0 : gather(p, is_complete, all);
    if (!err && p->is_changed) {
        n = newest(all, n, order);
        qsort(order, n, sizeof *order, compare_said_of);
        put_all(&out, order, n);
        err = out.err ? fault_set(f, out.err, "pushed", "%s", path)
                      : file_replace(path, buf_bytes(&out), 0600, f);
    }
    buf_clear(&out);
    free(order);
    free(all);
    return err;
}
