/* The state as a file. See index.h. */
#include "store/inventory/index.h"

#include "base/thread.h"
#include "base/version.h"
#include "base/zip.h"

#include <stdlib.h>
#include <string.h>

enum {
    ORDER = 0x01020304,
    CHUNK = 1 << 18,
    ALONE_MAX = 4 << 20 /* read through before another thread would have helped much */
};

/* The Makefile gives a hash of the sources that make the state out of the log. */
#ifndef INDEX_SOURCES
#define INDEX_SOURCES ""
#endif

static const char magic[] = "clmidx\r\n";

_Static_assert(sizeof(struct index_head) <= INDEX_PAGE, "the head fits its page");

/* Where the kinds of sections begin. */
enum {
    TABLES_AT = STATE_ROWS,
    ORDERS_AT = TABLES_AT + STATE_TABLES,
    TEXTS_AT = ORDERS_AT + STATE_ORDERS,
    NAMES_AT = TEXTS_AT + 1,
    SIGNS_AT = NAMES_AT + 1,
    PLACES_AT = SIGNS_AT + 1
};

/* An index of another build is not read: rebuilding costs seconds, and a state that other
 * code made may be wrong without anybody seeing it. */
static void build_of(uint8_t out[32]) {
    static const size_t sizes[] = {
        sizeof(struct state_cert),
        sizeof(struct state_word),
        sizeof(struct state_sighting),
        sizeof(struct state_face),
        sizeof(struct state_endpoint),
        sizeof(struct state_agent),
        sizeof(struct state_request),
        sizeof(struct state_revocation),
        sizeof(struct state_service),
        sizeof(struct store_place),
        sizeof(struct index_head),
        sizeof(struct ip),
        offsetof(struct state_cert, in_line),
    };
    struct hash_run run;
    hash_begin(&run, HASH_SHA256);
    hash_add(&run, bytes_text(CLM_VERSION "\n" CLM_TARGET "\n" INDEX_SOURCES "\n"));
    hash_add(&run, bytes_of(sizes, sizeof sizes));
    hash_peek(&run, out);
}

static uint32_t head_check(const struct index_head *h) {
    return zip_crc32(0, bytes_of(h, offsetof(struct index_head, check)));
}

static uint64_t page_up(uint64_t at) {
    return (at + INDEX_PAGE - 1) / INDEX_PAGE * INDEX_PAGE;
}

/* ---- Writing ---- */

struct writer {
    struct file file;
    struct index_head head;
    size_t section; /* the next one */
    uint64_t at;    /* end of the file so far */
    struct fault *f;
};

/* A section of two parts, the second of which may be empty. */
static enum err put(struct writer *w, const void *a, uint64_t a_n, const void *b, uint64_t b_n,
                    uint64_t count) {
    struct index_section *s = &w->head.sections[w->section++];
    struct bytes parts[] = {bytes_of(a, (size_t)a_n), bytes_of(b, (size_t)b_n)};
    s->at = w->at = page_up(w->at);
    s->n = count;
    s->bytes = a_n + b_n;
    for (size_t i = 0; i < 2; i++) {
        if (parts[i].n == 0)
            continue;
        enum err code = file_write_at(&w->file, w->at, parts[i], w->f);
        if (code != ERR_OK)
            return code;
        s->check = zip_crc32(s->check, parts[i]);
        w->at += parts[i].n;
    }
    return ERR_OK;
}

static enum err put_rows(struct writer *w, const struct rows *r) {
    uint64_t base = (uint64_t)r->base_n * r->size, own = (uint64_t)(r->n - r->base_n) * r->size;
    return put(w, r->base, base, r->p, own, r->n);
}

static enum err put_table(struct writer *w, struct table *t) {
    uint32_t *slots;
    size_t room;
    enum err code = table_join(t, &slots, &room);
    if (code != ERR_OK)
        return fault_set(w->f, code, "index", "a table");
    code = put(w, slots, room * sizeof *slots, NULL, 0, room);
    free(slots);
    return code;
}

static enum err put_texts(struct writer *w, const struct texts *t) {
    struct index_section *s = &w->head.sections[w->section];
    enum err code = put(w, t->base, t->base_n, NULL, 0, 0);
    for (size_t i = 0; i < t->pieces_n && code == ERR_OK; i++) {
        struct bytes piece = bytes_of(t->pieces[i], TEXTS_PIECE);
        code = file_write_at(&w->file, w->at, piece, w->f);
        s->check = zip_crc32(s->check, piece);
        s->bytes += piece.n;
        w->at += piece.n;
    }
    s->n = s->bytes;
    return code;
}

static enum err put_signs(struct writer *w, const struct texts *names) {
    uint64_t n = names->base_n + (uint64_t)names->pieces_n * TEXTS_PIECE;
    uint64_t count = (uint64_t)signs_words(n) * SIGNS_BITS;
    uint64_t *rows = signs_make(names);
    if (rows == NULL && count > 0)
        return fault_set(w->f, ERR_MEMORY, "index", "the signs of names");
    enum err code = put(w, rows, count * sizeof *rows, NULL, 0, count);
    free(rows);
    return code;
}

static enum err put_head(struct writer *w, const struct state *s, const struct store_mark *mark) {
    struct index_head *h = &w->head;
    memcpy(h->magic, magic, sizeof h->magic);
    h->order = ORDER;
    h->version = INDEX_VERSION;
    build_of(h->build);
    h->size = page_up(w->at);
    memcpy(h->seed, s->seed, sizeof h->seed);
    h->entries = s->entries;
    h->skipped = s->skipped;
    h->bad = s->bad;
    h->endpoints_ok = s->endpoints_ok;
    h->pending = s->pending;
    h->crl_number = s->crl_number;
    h->serial_max = s->serial_max;
    h->mark = *mark;
    h->mark.places = NULL;
    h->check = head_check(h);
    enum err code = file_truncate(&w->file, h->size, w->f);
    return code == ERR_OK ? file_write_at(&w->file, 0, bytes_of(h, sizeof *h), w->f) : code;
}

static enum err put_all(struct writer *w, struct state *s, const struct store_mark *mark) {
    struct state_parts parts = state_parts(s);
    enum err code = ERR_OK;
    w->at = INDEX_PAGE;
    for (size_t i = 0; i < STATE_ROWS && code == ERR_OK; i++)
        code = put_rows(w, parts.rows[i]);
    for (size_t i = 0; i < STATE_TABLES && code == ERR_OK; i++)
        code = put_table(w, parts.tables[i]);
    for (size_t i = 0; i < STATE_ORDERS && code == ERR_OK; i++) {
        const struct order *o = parts.orders[i];
        code = put(w, o->items, o->n * sizeof *o->items, NULL, 0, o->n);
    }
    if (code == ERR_OK)
        code = put_texts(w, &s->texts);
    if (code == ERR_OK)
        code = put_texts(w, &s->names);
    if (code == ERR_OK)
        code = put_signs(w, &s->names);
    if (code == ERR_OK)
        code = put(w, mark->places, mark->places_n * sizeof *mark->places, NULL, 0, mark->places_n);
    return code == ERR_OK ? put_head(w, s, mark) : code;
}

enum err index_write(struct state *s, const struct store_mark *mark, const char *path,
                     uint64_t *size, struct fault *f) {
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return fault_set(f, ERR_MEMORY, "index", "%s", path);
    w->f = f;
    enum err code = file_remove(path, f);
    if (code == ERR_OK)
        code = file_open(&w->file, path, FILE_APPEND, f);
    if (code == ERR_OK) {
        code = put_all(w, s, mark);
        *size = w->head.size;
        file_close(&w->file);
    }
    free(w);
    return code;
}

/* ---- Loading ---- */

static enum err damaged(const char *path, struct fault *f) {
    return fault_set(f, ERR_DAMAGED, "index", "%s", path);
}

static enum err check_head(const struct index_head *h, uint64_t size, const char *path,
                           struct fault *f) {
    uint8_t build[32];
    build_of(build);
    if (memcmp(h->magic, magic, sizeof h->magic) != 0)
        return damaged(path, f);
    if (h->order != ORDER || h->version != INDEX_VERSION ||
        memcmp(h->build, build, sizeof build) != 0)
        return fault_set(f, ERR_CONFLICT, "index", "%s is of another build", path);
    return h->size == size && h->check == head_check(h) ? ERR_OK : damaged(path, f);
}

/* How large an item of a section is; 1 for texts. */
static size_t item_size(const struct state_parts *parts, size_t i) {
    if (i < TABLES_AT)
        return parts->rows[i]->size;
    if (i == TEXTS_AT || i == NAMES_AT)
        return 1;
    if (i == SIGNS_AT)
        return sizeof(uint64_t);
    return i == PLACES_AT ? sizeof(struct store_place) : sizeof(uint32_t);
}

static bool section_holds(const struct index_head *h, const struct state_parts *parts, size_t i,
                          uint64_t *end) {
    const struct index_section *s = &h->sections[i];
    if (s->at != page_up(*end) || s->at > h->size || s->bytes > h->size - s->at)
        return false;
    *end = s->at + s->bytes;
    if (s->n > SIZE_MAX / sizeof(struct state_agent) || s->bytes != s->n * item_size(parts, i))
        return false;
    if (i == TEXTS_AT || i == NAMES_AT)
        return s->n % TEXTS_PIECE == 0;
    if (i == SIGNS_AT)
        return s->n == (uint64_t)signs_words(h->sections[NAMES_AT].n) * SIGNS_BITS;
    if (i >= TABLES_AT && i < ORDERS_AT)
        return s->n == 0 || (s->n >= 64 && (s->n & (s->n - 1)) == 0);
    return i == PLACES_AT ? s->n == h->mark.places_n : s->n <= ROWS_NONE;
}

static bool sections_hold(const struct index_head *h, struct state *s) {
    struct state_parts parts = state_parts(s);
    uint64_t end = INDEX_PAGE;
    for (size_t i = 0; i < INDEX_SECTIONS; i++)
        if (!section_holds(h, &parts, i, &end))
            return false;
    for (size_t i = 0; i < STATE_ORDERS; i++) /* an order may lag behind its rows */
        if (h->sections[ORDERS_AT + i].n > ROWS_NONE)
            return false;
    return h->mark.tree.size == h->entries && page_up(end) == h->size;
}

static void begin_all(const struct index_head *h, const struct os_map *map, struct state *s) {
    struct state_parts parts = state_parts(s);
    const struct index_section *at = h->sections;
    for (size_t i = 0; i < STATE_ROWS; i++, at++)
        rows_begin(parts.rows[i], map->p + at->at, (uint32_t)at->n);
    for (size_t i = 0; i < STATE_TABLES; i++, at++)
        table_begin(parts.tables[i], (void *)(map->p + at->at), (size_t)at->n);
    for (size_t i = 0; i < STATE_ORDERS; i++, at++)
        order_begin(parts.orders[i], (void *)(map->p + at->at), (size_t)at->n);
    texts_begin(&s->texts, map->p + at->at, at->n);
    at++;
    texts_begin(&s->names, map->p + at->at, at->n);
    s->signs.texts_n = at->n;
    at++;
    s->signs.rows = (const void *)(map->p + at->at);
    s->entries = h->entries;
    s->skipped = h->skipped;
    s->bad = h->bad;
    s->endpoints_ok = h->endpoints_ok;
    s->pending = h->pending;
    s->crl_number = h->crl_number;
    s->serial_max = h->serial_max;
}

enum err index_load(const char *path, struct state *s, struct os_map *map, struct store_mark *mark,
                    struct fault *f) {
    enum err code = os_map_open(map, path, f);
    if (code != ERR_OK)
        return code;
    const struct index_head *h = (const void *)map->p;
    code = map->n < INDEX_PAGE ? damaged(path, f) : check_head(h, map->n, path, f);
    if (code == ERR_OK) {
        memset(s, 0, sizeof *s);
        memcpy(s->seed, h->seed, sizeof s->seed);
        state_init_seeded(s);
        if (!sections_hold(h, s)) {
            state_clear(s);
            code = damaged(path, f);
        }
    }
    if (code != ERR_OK) {
        os_map_close(map);
        return code;
    }
    begin_all(h, map, s);
    *mark = h->mark;
    mark->places = (const void *)(map->p + h->sections[PLACES_AT].at);
    return ERR_OK;
}

/* ---- Checking ---- */

/* Two threads, each of which takes the next section that nobody has. */
struct checking {
    struct file file;
    const char *path;
    struct index_head head;
    struct mutex *mutex; /* guards what follows; NULL: there is one thread */
    size_t next;
    struct fault fault; /* the first one; code ERR_OK: none */
};

static enum err check_section(const struct checking *x, const struct index_section *s,
                              uint8_t *room, struct fault *f) {
    uint32_t check = 0;
    for (uint64_t at = 0; at < s->bytes;) {
        size_t n = s->bytes - at < CHUNK ? (size_t)(s->bytes - at) : CHUNK;
        enum err code = file_read_at(&x->file, s->at + at, room, n, f);
        if (code != ERR_OK)
            return code;
        check = zip_crc32(check, bytes_of(room, n));
        at += n;
    }
    return check == s->check ? ERR_OK : damaged(x->path, f);
}

/* Says what became of the section before, and takes the next; NULL: there is none. */
static const struct index_section *next_section(struct checking *x, const struct fault *f) {
    if (x->mutex != NULL)
        mutex_lock(x->mutex);
    if (x->fault.code == ERR_OK)
        x->fault = *f;
    bool is_there = x->fault.code == ERR_OK && x->next < INDEX_SECTIONS;
    const struct index_section *s = is_there ? &x->head.sections[x->next++] : NULL;
    if (x->mutex != NULL)
        mutex_unlock(x->mutex);
    return s;
}

static void check_sections(void *argument) {
    struct checking *x = argument;
    struct fault f = {.code = ERR_OK};
    const struct index_section *s;
    uint8_t *room = malloc(CHUNK);
    if (room == NULL)
        fault_set(&f, ERR_MEMORY, "index", "%s", x->path);
    while ((s = next_section(x, &f)) != NULL)
        f.code = check_section(x, s, room, &f);
    free(room);
}

static void check_all(struct checking *x) {
    struct thread *other = NULL;
    if (x->head.size > ALONE_MAX && (x->mutex = mutex_open()) != NULL)
        other = thread_start(check_sections, x);
    check_sections(x);
    if (other != NULL)
        thread_join(other);
    mutex_close(x->mutex);
}

enum err index_check(const char *path, struct fault *f) {
    struct checking x = {.path = path};
    uint64_t size = 0;
    enum err code = file_open(&x.file, path, FILE_READ, f);
    if (code != ERR_OK)
        return code;
    code = file_size(&x.file, &size, f);
    if (code == ERR_OK)
        code = file_read_at(&x.file, 0, (uint8_t *)&x.head, sizeof x.head, f);
    if (code == ERR_OK)
        code = check_head(&x.head, size, path, f);
    if (code == ERR_OK)
        check_all(&x);
    if (x.fault.code != ERR_OK) {
        *f = x.fault;
        code = f->code;
    }
    file_close(&x.file);
    return code;
}
