/* When each target was last passed over completely. See passes.h for the file's form. */
#include "model/passes.h"

#include "base/clock.h"
#include "base/file.h"
#include "model/target_file.h"

#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = MODEL_TARGETS_MAX };

static int compare(const void *a, const void *b) {
    const struct model_pass *x = a, *y = b;
    return bytes_compare(x->key, y->key);
}

/* In byte order of the keys, each once: of equals the newest stays. */
static void put_in_order(struct model_passes *p) {
    size_t kept = 0;
    if (p->n > 0)
        qsort(p->items, p->n, sizeof p->items[0], compare);
    for (size_t i = 0; i < p->n; i++) {
        struct model_pass *last = kept > 0 ? &p->items[kept - 1] : NULL;
        if (last == NULL || !bytes_equal(last->key, p->items[i].key))
            p->items[kept++] = p->items[i];
        else if (last->time_s < p->items[i].time_s)
            *last = p->items[i];
    }
    p->n = kept;
}

static size_t count_lines(struct bytes text) {
    size_t n = 0;
    for (struct cur c = cur_open(text); c.rest.n > 0; n++)
        cur_until(&c, '\n');
    return n;
}

static enum err parse(struct arena *a, struct bytes text, const char *path,
                      struct model_passes *out, struct fault *f) {
    size_t lines = count_lines(text);
    struct model_passes p = {NULL, 0};
    if (lines > PASSES_MAX)
        return fault_set(f, ERR_LIMIT, "passes", "%s: more than %d lines", path, PASSES_MAX);
    p.items = arena_array(a, lines + 1, sizeof p.items[0]);
    if (p.items == NULL)
        return fault_set(f, a->err, "passes", "%s", path);
    for (struct cur c = cur_open(text); c.rest.n > 0;) {
        struct cur line = cur_open(cur_until(&c, '\n'));
        struct model_pass *pass = &p.items[p.n++];
        struct bytes time = cur_until(&line, ' ');
        pass->key = line.rest;
        if (!clock_read(time, &pass->time_s) || pass->key.n == 0)
            return fault_set(f, ERR_DAMAGED, "passes", "%s, line %zu", path, p.n);
    }
    put_in_order(&p);
    *out = p;
    return ERR_OK;
}

enum err model_passes_read(struct arena *a, const char *path, struct model_passes *out,
                           struct fault *f) {
    struct buf content;
    struct bytes text = {NULL, 0};
    enum err e = ERR_OK;
    *out = (struct model_passes){NULL, 0};
    if (!file_exists(path))
        return ERR_OK;
    buf_init(&content, MODEL_FILE_MAX);
    e = file_read(path, &content, f);
    if (e == ERR_OK && content.n > 0) {
        text = arena_copy(a, buf_bytes(&content));
        e = text.p != NULL ? ERR_OK : fault_set(f, a->err, "passes", "%s", path);
    }
    buf_clear(&content);
    return e == ERR_OK ? parse(a, text, path, out, f) : e;
}

/* Old and new ones in one array of the arena; past the maximum the old ones go. */
static enum err merge(struct arena *a, const struct model_passes *old, const struct bytes *keys,
                      size_t keys_n, int64_t time_s, struct model_passes *out, struct fault *f) {
    size_t old_n = old != NULL && old->n + keys_n <= PASSES_MAX ? old->n : 0;
    if (keys_n > PASSES_MAX)
        return fault_set(f, ERR_LIMIT, "passes", "more than %d targets", PASSES_MAX);
    out->n = old_n + keys_n;
    out->items = arena_array(a, out->n + 1, sizeof out->items[0]);
    if (out->items == NULL)
        return fault_set(f, a->err, "passes", "%s", "");
    if (old_n > 0)
        memcpy(out->items, old->items, old_n * sizeof out->items[0]);
    for (size_t i = 0; i < keys_n; i++)
        out->items[old_n + i] = (struct model_pass){keys[i], time_s};
    put_in_order(out);
    return ERR_OK;
}

enum err model_passes_record(const char *path, const struct model_passes *old,
                             const struct bytes *keys, size_t keys_n, int64_t time_s,
                             struct fault *f) {
    struct arena a;
    struct buf text;
    struct model_passes all;
    char time[CLOCK_TEXT_MAX];
    arena_init(&a, (size_t)64 << 20);
    buf_init(&text, MODEL_FILE_MAX);
    enum err e = merge(&a, old, keys, keys_n, time_s, &all, f);
    for (size_t i = 0; e == ERR_OK && i < all.n; i++) {
        buf_printf(&text, "%s ", clock_write(all.items[i].time_s, time));
        buf_put(&text, all.items[i].key);
        buf_u8(&text, '\n');
    }
    if (e == ERR_OK && text.err != ERR_OK)
        e = fault_set(f, text.err, "passes", "%s", path);
    if (e == ERR_OK)
        e = file_replace(path, buf_bytes(&text), 0600, f);
    buf_clear(&text);
    arena_clear(&a);
    return e;
}

bool model_passes_find(const struct model_passes *p, struct bytes key, int64_t *time_s) {
    struct model_pass wanted = {key, 0};
    const struct model_pass *found =
        p->n > 0 ? bsearch(&wanted, p->items, p->n, sizeof wanted, compare) : NULL;
    if (found != NULL)
        *time_s = found->time_s;
    return found != NULL;
}
