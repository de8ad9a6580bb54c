/* The `targets` file: lines that keep their bytes, and the targets in them. See target_file.h. */
#include "model/target_file.h"

#include "base/file.h"
#include "model/name.h"

#include <string.h>

enum line_kind { LINE_OTHER /* blank, comment */, LINE_DEFAULT, LINE_EXCLUDE, LINE_TARGET };

struct model_line {
    enum line_kind kind;
    struct bytes raw;     /* as read, without its line end */
    struct bytes comment; /* from its '#', empty if none */
    bool is_changed;      /* written anew instead of raw */
    size_t item;          /* of `targets` or `excluded` */
};

/* ---- arrays in the arena ---- */

/* *items with room for one more. False: the arena is full. */
static bool make_room(struct arena *a, void **items, size_t n, size_t *cap, size_t size) {
    if (n < *cap)
        return true;
    size_t more = *cap > 0 ? 2 * *cap : 16;
    void *grown = arena_array(a, more, size);
    if (grown == NULL)
        return false;
    if (n > 0)
        memcpy(grown, *items, n * size);
    *items = grown;
    *cap = more;
    return true;
}

static enum err no_memory(const struct model_target_file *file, struct fault *f) {
    return fault_set(f, file->arena->err, "targets", "%s", "too many");
}

static bool line_insert(struct model_target_file *file, size_t at, struct model_line line) {
    void *lines = file->lines;
    if (!make_room(file->arena, &lines, file->lines_n, &file->lines_cap, sizeof line))
        return false;
    file->lines = lines;
    memmove(file->lines + at + 1, file->lines + at, (file->lines_n - at) * sizeof line);
    file->lines[at] = line;
    file->lines_n++;
    return true;
}

static void line_remove(struct model_target_file *file, size_t at) {
    file->lines_n--;
    memmove(file->lines + at, file->lines + at + 1, (file->lines_n - at) * sizeof file->lines[0]);
}

/* The line of an item; there is one for each. */
static size_t line_of(const struct model_target_file *file, enum line_kind kind, size_t item) {
    size_t i = 0;
    while (i < file->lines_n && (file->lines[i].kind != kind || file->lines[i].item != item))
        i++;
    return i;
}

/* ---- index of targets by key: open addressing, 0 is empty, else place + 1 ---- */

static uint32_t hash_key(struct bytes key) {
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < key.n; i++)
        h = (h ^ key.p[i]) * 16777619u;
    return h ^ h >> 15;
}

static uint32_t *index_slot(const struct model_target_file *file, struct bytes key) {
    size_t mask = file->index_cap - 1, i = hash_key(key) & mask;
    while (file->index[i] != 0 && !bytes_equal(file->targets[file->index[i] - 1].key, key))
        i = (i + 1) & mask;
    return &file->index[i];
}

static bool index_fill(struct model_target_file *file) {
    if (file->index_cap < 2 * file->targets_cap) {
        size_t cap = file->index_cap > 0 ? file->index_cap : 32;
        while (cap < 2 * file->targets_cap)
            cap *= 2;
        file->index = arena_array(file->arena, cap, sizeof *file->index);
        file->index_cap = file->index != NULL ? cap : 0;
    }
    if (file->index == NULL)
        return false;
    memset(file->index, 0, file->index_cap * sizeof *file->index);
    for (size_t i = 0; i < file->targets_n; i++)
        *index_slot(file, file->targets[i].key) = (uint32_t)(i + 1);
    return true;
}

struct model_target *model_target_file_find(const struct model_target_file *file,
                                            struct bytes key) {
    uint32_t at = file->index_cap > 0 ? *index_slot(file, key) : 0;
    return at > 0 ? &file->targets[at - 1] : NULL;
}

static bool target_append(struct model_target_file *file, const struct model_target *t) {
    void *targets = file->targets;
    size_t cap = file->targets_cap;
    if (!make_room(file->arena, &targets, file->targets_n, &file->targets_cap, sizeof *t))
        return false;
    file->targets = targets;
    file->targets[file->targets_n++] = *t;
    if (cap != file->targets_cap)
        return index_fill(file);
    *index_slot(file, t->key) = (uint32_t)file->targets_n;
    return true;
}

struct model_target *model_target_file_find_excluded(const struct model_target_file *file,
                                                     struct bytes key) {
    for (size_t i = 0; i < file->excluded_n; i++)
        if (bytes_equal(file->excluded[i].key, key))
            return &file->excluded[i];
    return NULL;
}

static bool excluded_append(struct model_target_file *file, const struct model_target *t) {
    void *excluded = file->excluded;
    if (!make_room(file->arena, &excluded, file->excluded_n, &file->excluded_cap, sizeof *t))
        return false;
    file->excluded = excluded;
    file->excluded[file->excluded_n++] = *t;
    return true;
}

/* ---- reading ---- */

/* The words of a line. */
struct words {
    struct bytes rest;
    struct arena *arena;
};

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* Where the comment begins; line.n where there is none. */
static size_t comment_at(struct bytes line) {
    bool is_quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"')
            is_quoted = !is_quoted;
        if (line.p[i] == '#' && !is_quoted && (i == 0 || is_blank(line.p[i - 1])))
            return i;
    }
    return line.n;
}

/* A word in quotes, with "" for a quote. False: no end, or something behind it. */
static bool take_quoted(struct words *w, struct bytes *out) {
    uint8_t *text = arena_alloc(w->arena, w->rest.n);
    size_t n = 0, i = 1;
    if (text == NULL)
        return false;
    for (; i < w->rest.n; i++) {
        bool is_quote = w->rest.p[i] == '"';
        if (is_quote && (i + 1 == w->rest.n || w->rest.p[i + 1] != '"'))
            break;
        i += is_quote;
        text[n++] = w->rest.p[i];
    }
    bool has_end = i < w->rest.n && (i + 1 == w->rest.n || is_blank(w->rest.p[i + 1]));
    w->rest = bytes_part(w->rest, i + 1, w->rest.n);
    *out = bytes_of(text, n);
    return has_end;
}

/* The next word, empty at the end. False: malformed quotes. */
static bool take_word(struct words *w, struct bytes *out) {
    size_t n = 0;
    w->rest = bytes_trim(w->rest);
    if (w->rest.n > 0 && w->rest.p[0] == '"')
        return take_quoted(w, out);
    while (n < w->rest.n && !is_blank(w->rest.p[n]))
        n++;
    *out = bytes_part(w->rest, 0, n);
    w->rest = bytes_part(w->rest, n, w->rest.n);
    return true;
}

static enum err refuse_word(struct bytes word, const char *why, struct fault *f) {
    return fault_set(f, ERR_FORMAT, "targets", "\"%.*s\" %s", word.n < 100 ? (int)word.n : 100,
                     (const char *)word.p, why);
}

static bool value_of(struct bytes word, const char *key, struct bytes *value) {
    if (!bytes_starts(word, key))
        return false;
    *value = bytes_part(word, strlen(key), word.n);
    return true;
}

static enum err read_sni(struct arena *a, struct bytes value, struct bytes *out, struct fault *f) {
    struct buf name;
    buf_init(&name, 4 * MODEL_NAME_MAX + 64);
    enum err e = model_name_read(value, &name, f);
    if (e == ERR_OK) {
        *out = arena_copy(a, buf_bytes(&name));
        e = out->p != NULL ? ERR_OK : fault_set(f, a->err, "targets", "%s", "");
    }
    buf_clear(&name);
    return e;
}

static enum err add_ports(struct arena *a, struct bytes word, struct model_target *t,
                          struct fault *f) {
    struct model_ports more;
    if (t->kind == MODEL_TARGET_PATH)
        return refuse_word(
            word, "stands behind a path, which has no ports (quote a path with blanks)", f);
    enum err e = model_ports_read(a, word, &more, f);
    if (e == ERR_OK && t->has_ports)
        e = model_ports_join(a, &t->ports, &more, &t->ports);
    else if (e == ERR_OK)
        t->ports = more;
    t->has_ports = true;
    return e;
}

static enum err take_attribute(struct arena *a, struct bytes word, struct model_target *t,
                               struct fault *f) {
    struct bytes value;
    bool is_path = t->kind == MODEL_TARGET_PATH;
    if (!is_path && value_of(word, "protocol=", &value))
        return model_protocol_read(value, &t->protocol) ? ERR_OK
                                                        : refuse_word(value, "is no protocol", f);
    if (!is_path && value_of(word, "sni=", &value))
        return read_sni(a, value, &t->sni, f);
    if (bytes_is(word, "yes-large"))
        return t->is_large_wanted = true, ERR_OK;
    return add_ports(a, word, t, f);
}

/* A target's words behind the first; an exclusion has only ports. */
static enum err read_target(struct words *w, struct bytes first, enum line_kind kind,
                            struct model_target *t, struct fault *f) {
    enum err e = model_target_read(w->arena, first, MODEL_FORMS_LINE, t, NULL, f);
    while (e == ERR_OK) {
        struct bytes word;
        if (!take_word(w, &word))
            return refuse_word(first, "is followed by quotes that do not end", f);
        if (word.n == 0)
            break;
        e = kind == LINE_TARGET ? take_attribute(w->arena, word, t, f)
                                : add_ports(w->arena, word, t, f);
    }
    if (e == ERR_OK && kind == LINE_TARGET)
        e = model_target_check(t, f);
    return e;
}

static enum err add_target(struct model_target_file *file, const struct model_target *t,
                           struct fault *f) {
    if (model_target_file_find(file, t->key) != NULL)
        return refuse_word(t->key, "stands in an earlier line already", f);
    if (file->targets_n == MODEL_TARGETS_MAX)
        return fault_set(f, ERR_LIMIT, "targets", "more than %d targets", MODEL_TARGETS_MAX);
    return target_append(file, t) ? ERR_OK : no_memory(file, f);
}

static enum err add_excluded(struct model_target_file *file, const struct model_target *t,
                             struct fault *f) {
    if (model_target_file_find_excluded(file, t->key) != NULL)
        return refuse_word(t->key, "is excluded in an earlier line already", f);
    if (file->excluded_n == MODEL_EXCLUDED_MAX)
        return fault_set(f, ERR_LIMIT, "targets", "more than %d exclusions", MODEL_EXCLUDED_MAX);
    return excluded_append(file, t) ? ERR_OK : no_memory(file, f);
}

static enum err read_default(struct model_target_file *file, struct words *w, struct fault *f) {
    struct bytes word;
    for (size_t i = 0; i < file->lines_n; i++)
        if (file->lines[i].kind == LINE_DEFAULT)
            return refuse_word(bytes_text("default ports"), "stands in an earlier line already", f);
    if (!take_word(w, &word) || !bytes_is(word, "ports"))
        return refuse_word(word, "stands where \"ports\" belongs (default ports LIST)", f);
    return model_ports_read(file->arena, w->rest, &file->default_ports, f);
}

static enum err read_line(struct model_target_file *file, struct model_line *line,
                          struct fault *f) {
    size_t comment = comment_at(line->raw);
    struct words w = {bytes_part(line->raw, 0, comment), file->arena};
    struct model_target t;
    struct bytes word;
    line->comment = bytes_trim(bytes_part(line->raw, comment, line->raw.n));
    if (!take_word(&w, &word))
        return refuse_word(line->raw, "has quotes that do not end", f);
    bool is_bare = word.n > 0;
    if (word.n == 0 && bytes_trim(w.rest).n == 0)
        return line->kind = LINE_OTHER, ERR_OK;
    if (is_bare && bytes_is(word, "default"))
        return line->kind = LINE_DEFAULT, read_default(file, &w, f);
    line->kind = bytes_is(word, "exclude") ? LINE_EXCLUDE : LINE_TARGET;
    if (line->kind == LINE_EXCLUDE && !take_word(&w, &word))
        return refuse_word(line->raw, "has quotes that do not end", f);
    enum err e = read_target(&w, word, line->kind, &t, f);
    if (e != ERR_OK)
        return e;
    line->item = line->kind == LINE_EXCLUDE ? file->excluded_n : file->targets_n;
    return line->kind == LINE_EXCLUDE ? add_excluded(file, &t, f) : add_target(file, &t, f);
}

static enum err name_line(const char *name, size_t number, enum err e, const struct fault *inner,
                          struct fault *f) {
    if (e == ERR_USAGE)
        e = ERR_FORMAT;
    return fault_set(f, e, "targets", "%s, line %zu: %s", name, number, inner->detail);
}

enum err model_target_file_parse(struct arena *a, struct bytes text, const char *name,
                                 struct model_target_file *out, struct fault *f) {
    struct model_target_file file = {.arena = a, .default_ports = model_ports_default()};
    struct cur c = cur_open(text);
    if (bytes_starts(text, "\xef\xbb\xbf"))
        cur_take(&c, 3); /* some editors begin a file so */
    for (size_t number = 1; c.rest.n > 0; number++) {
        struct model_line line = {.raw = cur_until(&c, '\n')};
        struct fault inner = {.code = ERR_OK};
        enum err e = read_line(&file, &line, &inner);
        if (e == ERR_OK && !line_insert(&file, file.lines_n, line))
            e = no_memory(&file, &inner);
        if (e != ERR_OK)
            return name_line(name, number, e, &inner, f);
    }
    *out = file;
    return ERR_OK;
}

enum err model_target_file_read(struct arena *a, const char *path, struct model_target_file *out,
                                struct fault *f) {
    struct buf content;
    struct bytes text = {NULL, 0};
    enum err e = ERR_OK;
    buf_init(&content, MODEL_FILE_MAX);
    if (file_exists(path)) {
        e = file_read(path, &content, f);
        if (e == ERR_OK && content.n > 0) {
            text = arena_copy(a, buf_bytes(&content));
            e = text.p != NULL ? ERR_OK : fault_set(f, a->err, "targets", "%s", path);
        }
    }
    buf_clear(&content);
    return e == ERR_OK ? model_target_file_parse(a, text, path, out, f) : e;
}

struct model_exclusions model_target_file_exclusions(const struct model_target_file *file) {
    return (struct model_exclusions){file->excluded, file->excluded_n};
}

/* ---- writing ---- */

static bool needs_quotes(struct bytes key) {
    for (size_t i = 0; i < key.n; i++)
        if (is_blank(key.p[i]) || key.p[i] == '"' || key.p[i] == '#')
            return true;
    return false;
}

static void put_key(struct buf *out, struct bytes key) {
    if (!needs_quotes(key)) {
        buf_put(out, key);
        if (bytes_is(key, "default") || bytes_is(key, "exclude"))
            buf_u8(out, '.');
        return;
    }
    buf_u8(out, '"');
    for (size_t i = 0; i < key.n; i++) {
        buf_u8(out, key.p[i]);
        if (key.p[i] == '"')
            buf_u8(out, '"');
    }
    buf_u8(out, '"');
}

static void put_target(struct buf *out, const struct model_target *t) {
    put_key(out, t->key);
    if (t->has_ports) {
        buf_u8(out, ' ');
        model_ports_write(out, &t->ports);
    }
    if (t->protocol != MODEL_PROTOCOL_NONE)
        buf_printf(out, " protocol=%s", model_protocol_name(t->protocol));
    if (t->sni.n > 0) {
        buf_text(out, " sni=");
        buf_put(out, t->sni);
    }
    if (t->is_large_wanted)
        buf_text(out, " yes-large");
}

static void put_line(const struct model_target_file *file, const struct model_line *line,
                     struct buf *out) {
    if (!line->is_changed) {
        buf_put(out, line->raw);
        buf_u8(out, '\n');
        return;
    }
    if (line->kind == LINE_DEFAULT) {
        buf_text(out, "default ports ");
        model_ports_write(out, &file->default_ports);
    } else if (line->kind == LINE_EXCLUDE) {
        buf_text(out, "exclude ");
        put_target(out, &file->excluded[line->item]);
    } else {
        put_target(out, &file->targets[line->item]);
    }
    if (line->comment.n > 0) {
        buf_text(out, "  ");
        buf_put(out, line->comment);
    }
    buf_u8(out, '\n');
}

void model_target_file_write(const struct model_target_file *file, struct buf *out) {
    for (size_t i = 0; i < file->lines_n; i++)
        put_line(file, &file->lines[i], out);
}

/* ---- changing ---- */

static enum err append_line(struct model_target_file *file, enum line_kind kind, size_t item,
                            struct fault *f) {
    struct model_line line = {.kind = kind, .is_changed = true, .item = item};
    return line_insert(file, file->lines_n, line) ? ERR_OK : no_memory(file, f);
}

static void touch_line(struct model_target_file *file, enum line_kind kind, size_t item) {
    size_t at = line_of(file, kind, item);
    if (at < file->lines_n)
        file->lines[at].is_changed = true;
}

enum err model_target_file_put(struct model_target_file *file, const struct model_target *t,
                               struct fault *f) {
    struct model_target *known = model_target_file_find(file, t->key);
    if (known != NULL) {
        *known = *t;
        touch_line(file, LINE_TARGET, (size_t)(known - file->targets));
        return ERR_OK;
    }
    enum err e = add_target(file, t, f);
    return e == ERR_OK ? append_line(file, LINE_TARGET, file->targets_n - 1, f) : e;
}

enum err model_target_file_put_excluded(struct model_target_file *file,
                                        const struct model_target *t, struct fault *f) {
    struct model_target *known = model_target_file_find_excluded(file, t->key);
    if (known != NULL) {
        *known = *t;
        touch_line(file, LINE_EXCLUDE, (size_t)(known - file->excluded));
        return ERR_OK;
    }
    enum err e = add_excluded(file, t, f);
    return e == ERR_OK ? append_line(file, LINE_EXCLUDE, file->excluded_n - 1, f) : e;
}

/* Takes out the lines of items that are gone and renumbers the others: items stand
 * in the order of their lines. */
static void sweep_lines(struct model_target_file *file) {
    size_t kept = 0, targets = 0, excluded = 0;
    for (size_t i = 0; i < file->lines_n; i++) {
        struct model_line line = file->lines[i];
        if (line.kind == LINE_TARGET && file->targets[line.item].is_gone)
            continue;
        if (line.kind == LINE_EXCLUDE && file->excluded[line.item].is_gone)
            continue;
        if (line.kind == LINE_TARGET)
            line.item = targets++;
        if (line.kind == LINE_EXCLUDE)
            line.item = excluded++;
        file->lines[kept++] = line;
    }
    file->lines_n = kept;
}

static size_t sweep_items(struct model_target *items, size_t n) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!items[i].is_gone)
            items[kept++] = items[i];
    return kept;
}

void model_target_file_sweep(struct model_target_file *file) {
    sweep_lines(file);
    file->targets_n = sweep_items(file->targets, file->targets_n);
    file->excluded_n = sweep_items(file->excluded, file->excluded_n);
    if (file->index != NULL)
        index_fill(file); /* never grows here, so it cannot fail */
}

static bool remove_one(struct model_target_file *file, struct model_target *known) {
    if (known == NULL)
        return false;
    known->is_gone = true;
    model_target_file_sweep(file);
    return true;
}

bool model_target_file_remove(struct model_target_file *file, struct bytes key) {
    return remove_one(file, model_target_file_find(file, key));
}

bool model_target_file_remove_excluded(struct model_target_file *file, struct bytes key) {
    return remove_one(file, model_target_file_find_excluded(file, key));
}

/* A new line for the default goes before the first that says something, behind the opening
 * comments. */
static size_t default_place(const struct model_target_file *file) {
    size_t i = 0;
    while (i < file->lines_n && file->lines[i].kind == LINE_OTHER)
        i++;
    return i;
}

enum err model_target_file_set_default(struct model_target_file *file,
                                       const struct model_ports *ports, struct fault *f) {
    struct model_ports nine = model_ports_default();
    bool needs_line = !model_ports_equal(ports, &nine);
    size_t at = line_of(file, LINE_DEFAULT, 0);
    file->default_ports = *ports;
    if (at < file->lines_n && needs_line)
        file->lines[at].is_changed = true;
    else if (at < file->lines_n)
        line_remove(file, at);
    else if (needs_line) {
        struct model_line line = {.kind = LINE_DEFAULT, .is_changed = true};
        return line_insert(file, default_place(file), line) ? ERR_OK : no_memory(file, f);
    }
    return ERR_OK;
}
