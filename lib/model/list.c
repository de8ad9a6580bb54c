/* Lists of the command line, with @FILE. See target_file.h. */
#include "model/target_file.h"

#include "base/file.h"

#include <string.h>

struct list {
    struct arena *arena;
    enum model_blanks blanks;
    struct model_items *out;
    struct fault *fault;
};

static enum err add_item(struct list *l, struct bytes item) {
    struct model_items *out = l->out;
    if (out->n == MODEL_LIST_MAX)
        return fault_set(l->fault, ERR_USAGE, "list", "more than %d items", MODEL_LIST_MAX);
    if (out->n == out->cap) {
        size_t cap = out->cap > 0 ? 2 * out->cap : 16;
        struct bytes *items = arena_array(l->arena, cap, sizeof *items);
        if (items == NULL)
            return fault_set(l->fault, l->arena->err, "list", "%zu items", out->n);
        if (out->n > 0)
            memcpy(items, out->items, out->n * sizeof *items);
        out->items = items;
        out->cap = cap;
    }
    out->items[out->n++] = item;
    return ERR_OK;
}

static bool is_separator(const struct list *l, uint8_t c) {
    bool is_blank = c == ' ' || c == '\t';
    return c == ',' || c == '\n' || c == '\r' || (is_blank && l->blanks == MODEL_BLANKS_SEPARATE);
}

/* The next item, blanks around it cut off; empty ones are given too, *more tells the end. */
static struct bytes next_item(const struct list *l, struct bytes *rest) {
    size_t n = 0;
    while (n < rest->n && !is_separator(l, rest->p[n]))
        n++;
    struct bytes item = bytes_trim(bytes_part(*rest, 0, n));
    *rest = bytes_part(*rest, n + 1, rest->n);
    return item;
}

/* From a '#' at the start or behind a blank to the end of the line. */
static struct bytes without_comment(struct bytes line) {
    for (size_t i = 0; i < line.n; i++)
        if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
            return bytes_part(line, 0, i);
    return line;
}

static enum err read_text(struct list *l, struct bytes text) {
    struct cur lines = cur_open(text);
    enum err e = ERR_OK;
    while (lines.rest.n > 0 && e == ERR_OK) {
        struct bytes rest = without_comment(cur_until(&lines, '\n'));
        while (rest.n > 0 && e == ERR_OK) {
            struct bytes item = next_item(l, &rest);
            if (item.n > 0 && item.p[0] == '@')
                return fault_set(l->fault, ERR_USAGE, "list",
                                 "%.*s stands within a list that was itself read from a file",
                                 item.n < 100 ? (int)item.n : 100, (const char *)item.p);
            if (item.n > 0)
                e = add_item(l, item);
        }
    }
    return e;
}

static enum err read_stream(FILE *in, struct buf *out, struct fault *f) {
    uint8_t chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0)
        buf_put(out, bytes_of(chunk, n));
    if (ferror(in))
        return fault_set(f, ERR_IO, "list", "standard input cannot be read");
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "list", "standard input");
}

/* `name` is what stands behind the @. A file that cannot be read is a bad word of the command line.
 */
static enum err read_named(struct list *l, struct bytes name, FILE *in) {
    struct buf content;
    bool is_stream = bytes_is(name, "-");
    char *path = arena_cstr(l->arena, name);
    if (path == NULL)
        return fault_set(l->fault, l->arena->err, "list", "%s", "");
    if (name.n == 0 || (is_stream && in == NULL))
        return fault_set(l->fault, ERR_USAGE, "list", "@%s names no file", path);
    buf_init(&content, MODEL_FILE_MAX);
    enum err e =
        is_stream ? read_stream(in, &content, l->fault) : file_read(path, &content, l->fault);
    struct bytes kept =
        e == ERR_OK ? arena_copy(l->arena, buf_bytes(&content)) : (struct bytes){NULL, 0};
    if (e == ERR_OK && l->arena->err != ERR_OK)
        e = fault_set(l->fault, l->arena->err, "list", "%s", path);
    else if (e == ERR_OK)
        e = read_text(l, kept);
    else if (l->fault != NULL)
        e = l->fault->code = ERR_USAGE;
    buf_clear(&content);
    return e;
}

enum err model_list_read(struct arena *a, struct bytes text, enum model_blanks blanks, FILE *in,
                         struct model_items *out, struct fault *f) {
    struct list l = {a, blanks, out, f};
    size_t before = out->n;
    enum err e = ERR_OK;
    struct bytes rest = text;
    while (rest.n > 0 && e == ERR_OK) {
        struct bytes item = next_item(&l, &rest);
        if (item.n > 0 && item.p[0] == '@')
            e = read_named(&l, bytes_part(item, 1, item.n), in);
        else if (item.n > 0)
            e = add_item(&l, item);
    }
    if (e == ERR_OK && out->n == before)
        return fault_set(f, ERR_USAGE, "list", "\"%.*s\" is empty",
                         text.n < 100 ? (int)text.n : 100, text.n > 0 ? (const char *)text.p : "");
    return e;
}
