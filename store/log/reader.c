/* Reading without a lock, past damage. See log.h. */
#include "store/log/private.h"

#include <stdlib.h>
#include <string.h>

enum { RETRIES = 5, RETRY_MS = 20 };

struct store_reader {
    struct arena arena;
    const char *dir; /* NULL: one file */
    const char *path;
    struct segment_list list;
    size_t segment; /* index of the one that is walked */
    bool is_open;
    struct segment_walk walk;
    uint64_t next;            /* entry that should come; UINT64_MAX: not known */
    struct log_places places; /* of the blocks read so far */
    struct cur entries;       /* of the block at hand */
    uint64_t number;
    struct store_harm harms[STORE_HARM_MAX];
    size_t harms_n;
};

static void note(struct store_reader *r, const struct store_harm *h) {
    if (r->harms_n < STORE_HARM_MAX)
        r->harms[r->harms_n] = *h;
    r->harms_n++;
}

/* path is a folder with segments, or with `log`, or a segment. */
static enum err find_segments(struct store_reader *r, const char *path, struct fault *f) {
    struct fault first;
    struct arena *a = &r->arena;
    r->path = arena_cstr(a, bytes_text(path));
    char *inner = path_join(a, path, "log");
    if (r->path == NULL || inner == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", path);
    if (!file_exists(path))
        return fault_set(f, ERR_NOT_FOUND, "open", "%s", path);
    r->dir = file_exists(inner) ? inner : r->path;
    enum err code = segment_list_read(r->dir, a, &r->list, &first);
    if (code == ERR_OK && r->list.n > 0)
        return ERR_OK;
    if (code == ERR_OK)
        return fault_set(f, ERR_NOT_FOUND, "log", "no segments in %s", r->dir);
    r->dir = NULL; /* no folder: a file, whatever its name */
    r->list.n = 1;
    r->list.numbers = arena_array(a, 1, sizeof *r->list.numbers);
    return r->list.numbers != NULL ? ERR_OK : fault_set(f, ERR_MEMORY, "log", "%s", path);
}

enum err store_reader_open(const char *path, struct store_reader **out, struct fault *f) {
    *out = NULL;
    struct store_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", path);
    arena_init(&r->arena, (size_t)256 << 20);
    enum err code = find_segments(r, path, f);
    if (code != ERR_OK) {
        store_reader_close(r);
        return code;
    }
    store_reader_rewind(r);
    *out = r;
    return ERR_OK;
}

void store_reader_close(struct store_reader *r) {
    if (r == NULL)
        return;
    if (r->is_open)
        segment_walk_close(&r->walk);
    free(r->places.items);
    arena_clear(&r->arena);
    free(r);
}

void store_reader_rewind(struct store_reader *r) {
    if (r->is_open)
        segment_walk_close(&r->walk);
    r->is_open = false;
    r->segment = 0;
    r->harms_n = 0;
    r->next = r->dir != NULL ? 0 : UINT64_MAX;
    r->entries = cur_open((struct bytes){NULL, 0});
}

/* Numbers of segments that should lie before this one and do not. */
static void note_gap(struct store_reader *r) {
    uint32_t before = r->segment > 0 ? r->list.numbers[r->segment - 1] : 0;
    if (r->dir == NULL || r->list.numbers[r->segment] == before + 1)
        return;
    struct store_harm h = {.kind = STORE_MISSING, .next_entry = r->next};
    segment_name(before + 1, h.file);
    note(r, &h);
    r->next = UINT64_MAX;
}

static enum err open_segment(struct store_reader *r, struct fault *f) {
    bool is_last = r->segment + 1 == r->list.n;
    uint32_t number = r->list.numbers[r->segment];
    struct arena a;
    arena_init(&a, 1 << 16);
    const char *path = r->dir != NULL ? log_segment_path(&a, r->dir, number) : r->path;
    note_gap(r);
    enum err code = path != NULL ? segment_walk_open(&r->walk, path, number, is_last, r->next, f)
                                 : fault_set(f, ERR_MEMORY, "log", "%s", r->path);
    arena_clear(&a);
    r->is_open = code == ERR_OK;
    return code;
}

static void close_segment(struct store_reader *r) {
    r->next = r->walk.next;
    segment_walk_close(&r->walk);
    r->is_open = false;
    r->segment++;
}

static void rest(void) {
    struct mutex *m = mutex_open();
    struct cond *c = cond_open();
    if (m != NULL && c != NULL) {
        mutex_lock(m);
        cond_wait_ms(c, m, RETRY_MS);
        mutex_unlock(m);
    }
    mutex_close(m);
    cond_close(c);
}

/* An end that is torn may be one that a running server is just writing: then the
 * file grows (or, out of space, is cut back). */
static bool is_being_written(struct store_reader *r) {
    struct fault ignored;
    uint64_t size = r->walk.size;
    for (unsigned i = 0; i < RETRIES && size == r->walk.size; i++) {
        rest();
        if (file_size(&r->walk.file, &size, &ignored) != ERR_OK)
            return false;
    }
    return size != r->walk.size;
}

static enum err take_block(struct store_reader *r, struct fault *f) {
    const struct segment_walk *w = &r->walk;
    struct store_place place = {w->block.first, w->block_at, r->list.numbers[r->segment], 0};
    size_t n = r->places.n;
    r->entries = cur_open(buf_bytes(&w->payload));
    r->number = w->block.first;
    if (w->block.count == 0)
        return ERR_OK;
    if (n > 0 && place.first <= r->places.items[n - 1].first)
        return ERR_OK; /* read before the reader was rewound */
    enum err code = log_places_add(&r->places, place);
    return code == ERR_OK ? code : fault_set(f, code, "log", "table of blocks");
}

/* To the next block; ERR_NOT_FOUND at the end of the log. */
static enum err next_block(struct store_reader *r, struct fault *f) {
    while (r->segment < r->list.n) {
        enum err code = r->is_open ? ERR_OK : open_segment(r, f);
        if (code != ERR_OK)
            return code;
        switch (segment_walk_next(&r->walk, f)) {
        case SEGMENT_BLOCK:
            return take_block(r, f);
        case SEGMENT_HARM:
            if (r->walk.harm.kind != STORE_TORN || !is_being_written(r))
                note(r, &r->walk.harm);
            break;
        case SEGMENT_END:
            close_segment(r);
            break;
        case SEGMENT_ERROR:
            if (f->code != ERR_DAMAGED || !r->walk.is_last)
                return f->code;
            close_segment(r); /* cut back under our eyes: nothing durable is lost */
            break;
        }
    }
    return ERR_NOT_FOUND;
}

enum err store_reader_next(struct store_reader *r, struct store_entry *out, struct fault *f) {
    struct fault own;
    f = f != NULL ? f : &own;
    while (r->entries.rest.n == 0) {
        enum err code = next_block(r, f);
        if (code == ERR_NOT_FOUND)
            return fault_set(f, code, "log", "end");
        if (code != ERR_OK)
            return code;
    }
    if (!block_entry_take(&r->walk.block, &r->entries, out))
        return fault_set(f, ERR_DAMAGED, "entry", "%llu", (unsigned long long)r->number);
    out->number = r->number++;
    return ERR_OK;
}

/* The file may have been written anew since the mark was found in it: then that is to be done
 * again, elsewhere. */
static enum err stands_there(const struct file *file, uint32_t segment,
                             const struct log_marked *marked, struct fault *f) {
    struct segment_table t = {.is_sealed = false};
    struct store_place place;
    enum err code = segment_table_load(file, segment, &t);
    bool is_same = t.is_sealed == marked->is_sealed;
    if (is_same && t.is_sealed && marked->next < t.end)
        is_same = log_places_find(&t.places, marked->next, &place) && place.at == marked->at &&
                  place.first == marked->next;
    else if (is_same && t.is_sealed)
        is_same = marked->at == t.at;
    free(t.places.items);
    if (code != ERR_OK)
        return fault_set(f, code, "mark", "segment");
    return is_same ? ERR_OK : fault_set(f, ERR_CONFLICT, "mark", "just written anew");
}

static enum err begin_behind(struct store_reader *r, const struct store_mark *mark,
                             const struct log_marked *marked, struct fault *f) {
    r->segment = mark->segment - 1;
    r->next = r->number = marked->next;
    enum err code = open_segment(r, f);
    if (code == ERR_OK)
        code = stands_there(&r->walk.file, mark->segment, marked, f);
    if (code == ERR_OK && segment_walk_from(&r->walk, marked->at, marked->next, f) != SEGMENT_BLOCK)
        code = fault_set(f, ERR_CONFLICT, "mark", "segment");
    return code;
}

static enum err go_behind(struct store_reader *r, const struct store_mark *mark, struct fault *f) {
    struct log_marked marked;
    struct store_entry e;
    if (r->dir == NULL)
        return fault_set(f, ERR_CONFLICT, "mark", "one file");
    enum err code = log_mark_find(r->dir, &r->list, mark, &r->places, &marked, f);
    if (code == ERR_OK)
        code = log_mark_sound(r->dir, mark, &marked, f);
    if (code == ERR_OK)
        code = begin_behind(r, mark, &marked, f);
    while (code == ERR_OK && r->number < mark->tree.size) /* of a block with the mark in it */
        code = store_reader_next(r, &e, f);
    return code;
}

enum err store_reader_open_at(const char *path, const struct store_mark *mark,
                              struct store_reader **out, struct fault *f) {
    enum err code = store_reader_open(path, out, f);
    if (code != ERR_OK)
        return code;
    code = go_behind(*out, mark, f);
    if (code != ERR_OK) {
        store_reader_close(*out);
        *out = NULL;
    }
    return code;
}

enum err store_reader_get(struct store_reader *r, uint64_t number, struct buf *room,
                          struct store_entry *out, struct fault *f) {
    struct store_place place;
    struct arena a;
    if (!log_places_find(&r->places, number, &place))
        return fault_set(f, ERR_NOT_FOUND, "entry", "%llu", (unsigned long long)number);
    arena_init(&a, 1 << 16);
    const char *path = r->dir != NULL ? log_segment_path(&a, r->dir, place.segment) : r->path;
    enum err code = path != NULL ? log_fetch(path, &place, number, room, out, f)
                                 : fault_set(f, ERR_MEMORY, "entry", "%s", r->path);
    arena_clear(&a);
    return code;
}

const struct segment_head *log_reader_head(const struct store_reader *r) {
    return r->is_open && r->walk.has_head ? &r->walk.head : NULL;
}

size_t store_reader_harms(const struct store_reader *r) {
    return r->harms_n;
}

const struct store_harm *store_reader_harm(const struct store_reader *r, size_t i) {
    return i < r->harms_n && i < STORE_HARM_MAX ? &r->harms[i] : NULL;
}
