/* What an interrupted scan had done. See done.h. */
#include "applets/ers/done.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 256 << 20 };

static const char head[] = "clm scan-done 1 ";

static int compare(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

bool done_parse(struct arena *a, struct bytes text, struct done *out) {
    while (text.n > 0 && text.p[text.n - 1] != '\n')
        text.n--;
    struct cur c = cur_open(text);
    struct bytes first = cur_until(&c, '\n');
    uint64_t begun_s;
    size_t lines = 0;
    if (!bytes_starts(first, head) ||
        !number_read(bytes_part(first, sizeof head - 1, first.n), INT64_MAX, &begun_s))
        return false;
    for (size_t i = 0; i < c.rest.n; i++)
        lines += c.rest.p[i] == '\n';
    struct done d = {.keys = arena_array(a, lines + 1, sizeof *d.keys),
                     .begun_s = (int64_t)begun_s};
    if (!d.keys)
        return false;
    while (c.rest.n > 0)
        d.keys[d.n++] = cur_until(&c, '\n');
    qsort(d.keys, d.n, sizeof *d.keys, compare);
    *out = d;
    return true;
}

enum err done_read(struct arena *a, const char *path, int64_t now_s, struct done *out,
                   struct fault *f) {
    struct buf text;
    *out = (struct done){0};
    if (!file_exists(path))
        return ERR_OK;
    buf_init(&text, TEXT_MAX);
    enum err err = file_read(path, &text, f);
    struct bytes kept = err ? (struct bytes){0} : arena_copy(a, buf_bytes(&text));
    buf_clear(&text);
    if (!err &&
        (!done_parse(a, kept, out) || now_s < out->begun_s || now_s - out->begun_s >= DONE_VALID_S))
        *out = (struct done){0};
    return !err && a->err ? fault_set(f, a->err, "scan-done", "%s", path) : err;
}

bool done_has(const struct done *d, struct bytes key) {
    return d->n > 0 && bsearch(&key, d->keys, d->n, sizeof *d->keys, compare) != NULL;
}

/* ---- Writing ---- */

enum err done_begin(struct done_writer *w, const char *path, const struct done *before,
                    int64_t now_s, struct fault *f) {
    bool is_resumed = before->n > 0;
    *w = (struct done_writer){.path = path, .begun_s = is_resumed ? before->begun_s : now_s};
    buf_init(&w->waiting, TEXT_MAX);
    enum err err = file_remove(path, f);
    for (size_t i = 0; !err && i < before->n; i++)
        done_add(w, before->keys[i]);
    return !err && is_resumed ? done_flush(w, f) : err;
}

void done_add(struct done_writer *w, struct bytes key) {
    buf_put(&w->waiting, key);
    buf_u8(&w->waiting, '\n');
}

static enum err open_file(struct done_writer *w, struct fault *f) {
    struct buf first;
    enum err err = file_open(&w->file, w->path, FILE_APPEND, f);
    if (err)
        return err;
    w->is_open = true;
    buf_init(&first, 100);
    buf_printf(&first, "%s%lld\n", head, (long long)w->begun_s);
    err = file_write_at(&w->file, 0, buf_bytes(&first), f);
    w->at = first.n;
    buf_clear(&first);
    return err;
}

enum err done_flush(struct done_writer *w, struct fault *f) {
    enum err err = w->waiting.err;
    if (w->waiting.n == 0 && !err)
        return ERR_OK;
    if (err)
        fault_set(f, err, "scan-done", "%s", w->path);
    if (!err && !w->is_open)
        err = open_file(w, f);
    if (!err)
        err = file_write_at(&w->file, w->at, buf_bytes(&w->waiting), f);
    w->at += w->waiting.n;
    buf_reset(&w->waiting);
    return err;
}

void done_close(struct done_writer *w) {
    if (w->is_open)
        file_close(&w->file);
    w->is_open = false;
    buf_clear(&w->waiting);
}

enum err done_remove(struct done_writer *w, struct fault *f) {
    done_close(w);
    return file_remove(w->path, f);
}
