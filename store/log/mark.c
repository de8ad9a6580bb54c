/* Where a mark of an earlier time stands in the log's files, or that it is none of this log's;
 * and whether what lies before it is sound. See log.h, seal.c.
 *
 * The mark's own segment may have been sealed since it was taken, and those before it. Then
 * its blocks are gone and others hold the same entries: the tables of sealed segments tell
 * where, and the tree is compared with that of the next segment's head. */
#include "store/log/private.h"

#include <stdlib.h>
#include <string.h>

struct finding {
    const char *dir;
    const struct segment_list *list;
    const struct store_mark *mark;
    struct arena arena;
    struct log_places *places;  /* of all blocks before the mark, as they lie now */
    struct segment_table table; /* of the segment at hand */
    struct log_marked *out;
};

static enum err no_mark(const char *why, struct fault *f) {
    return fault_set(f, ERR_CONFLICT, "mark", "%s", why);
}

static enum err no_room(const struct finding *x, struct fault *f) {
    return fault_set(f, ERR_MEMORY, "log", "%s", x->dir);
}

/* The block that ends where the mark stands is the one that ended there then. */
static enum err check_last_block(const struct store_mark *m, const struct segment_walk *w,
                                 struct fault *f) {
    const struct store_place *last = m->places_n > 0 ? &m->places[m->places_n - 1] : NULL;
    struct block_head h;
    if (last == NULL || last->segment != m->segment)
        return w->at == m->at && w->head.tree.size == m->tree.size ? ERR_OK : no_mark("head", f);
    enum err code = block_head_load(&w->file, last->at, &h, f);
    if (code != ERR_OK)
        return code == ERR_DAMAGED ? no_mark("last block", f) : code;
    bool is_same = memcmp(h.salt, m->salt, SEGMENT_SALT) == 0 && h.check == m->check &&
                   h.first + h.count == m->tree.size && last->at + BLOCK_HEAD + h.stored == m->at;
    return is_same ? ERR_OK : no_mark("last block", f);
}

/* The number of the first entry behind a segment's, by the places that the mark has. */
static uint64_t end_by_mark(const struct store_mark *m, size_t next_place) {
    return next_place < m->places_n ? m->places[next_place].first : m->tree.size;
}

/* A full segment that is not sealed ends with the last block that the mark knows. */
static enum err check_live(const struct store_mark *m, const struct segment_walk *w, size_t from,
                           size_t to, struct fault *f) {
    struct block_head h;
    if (from == to)
        return ERR_OK;
    const struct store_place *last = &m->places[to - 1];
    if (block_head_load(&w->file, last->at, &h, f) != ERR_OK || h.first != last->first ||
        h.first + h.count != end_by_mark(m, to) || last->at + BLOCK_HEAD + h.stored != w->size)
        return no_mark("end of a segment", f);
    return ERR_OK;
}

static enum err add_places(struct finding *x, const struct store_place *places, size_t n,
                           struct fault *f) {
    for (size_t i = 0; i < n; i++)
        if (log_places_add(x->places, places[i]) != ERR_OK)
            return no_room(x, f);
    return ERR_OK;
}

/* A segment before that of the mark: its places are those of its table where it has been sealed,
 * before or after the mark was taken, else those of the mark, from..to. */
static enum err take_full(struct finding *x, const struct segment_walk *w, size_t from, size_t to,
                          struct fault *f) {
    const struct store_mark *m = x->mark;
    const struct segment_table *t = &x->table;
    x->out->before += w->size;
    if (!t->is_sealed) {
        enum err code = check_live(m, w, from, to, f);
        return code == ERR_OK ? add_places(x, m->places + from, to - from, f) : code;
    }
    if (t->end != end_by_mark(m, to) || w->head.tree.size != end_by_mark(m, from))
        return no_mark("a sealed segment", f);
    return add_places(x, t->places.items, t->places.n, f);
}

/* Adds the block's entries from the one that the tree lacks on. */
static bool grow_tree(struct store_tree *tree, const struct segment_walk *w) {
    struct cur c = cur_open(buf_bytes(&w->payload));
    struct store_entry e;
    uint8_t leaf[STORE_HASH_SIZE];
    for (uint64_t number = w->block.first; c.rest.n > 0; number++) {
        struct bytes from = c.rest;
        if (!block_entry_take(&w->block, &c, &e))
            return false;
        if (number < tree->size)
            continue;
        store_entry_leaf(&e, bytes_part(from, 0, from.n - c.rest.n), leaf);
        store_tree_add(tree, leaf);
    }
    return true;
}

/* The mark stands within a segment that has been sealed since: its block is gone. But the tree
 * at the mark, with the entries that follow in this segment, must be the one that the head of
 * the next segment has. */
static enum err check_sealed(struct finding *x, struct segment_walk *w, struct fault *f) {
    const struct store_mark *m = x->mark;
    struct segment_walk after;
    uint8_t said[STORE_HASH_SIZE], found[STORE_HASH_SIZE];
    struct store_tree tree = m->tree;
    if (m->segment >= x->list->n || x->list->numbers[m->segment] != m->segment + 1 ||
        m->tree.size > x->table.end || m->tree.size < w->head.tree.size)
        return no_mark("a sealed segment", f);
    w->at = x->out->at;
    w->next = x->out->next;
    for (enum segment_step step; (step = segment_walk_next(w, f)) != SEGMENT_END;)
        if (step != SEGMENT_BLOCK || !grow_tree(&tree, w))
            return step == SEGMENT_ERROR ? f->code : no_mark("a sealed segment", f);
    char *path = log_segment_path(&x->arena, x->dir, m->segment + 1);
    if (path == NULL)
        return no_room(x, f);
    enum err code = segment_walk_open(&after, path, m->segment + 1, false, UINT64_MAX, f);
    if (code != ERR_OK)
        return code;
    if (segment_walk_from(&after, 0, 0, f) != SEGMENT_BLOCK)
        code = no_mark("the next segment", f);
    store_tree_root(&tree, found);
    store_tree_root(&after.head.tree, said);
    if (code == ERR_OK && (after.head.tree.size != tree.size || memcmp(said, found, sizeof said)))
        code = no_mark("the tree", f);
    segment_walk_close(&after);
    return code;
}

/* Where reading goes on in a sealed segment: at the block with the mark's next entry. */
static enum err take_sealed(struct finding *x, struct segment_walk *w, struct fault *f) {
    const struct segment_table *t = &x->table;
    struct store_place place = {.first = t->end, .at = t->at};
    size_t n = 0;
    if (x->mark->tree.size < t->end && !log_places_find(&t->places, x->mark->tree.size, &place))
        return no_mark("a sealed segment", f);
    while (n < t->places.n && t->places.items[n].first < place.first)
        n++;
    x->out->at = place.at;
    x->out->next = place.first;
    enum err code = check_sealed(x, w, f);
    return code == ERR_OK ? add_places(x, t->places.items, n, f) : code;
}

/* The segment in which the mark stands; from..to: the mark's places in it. */
static enum err take_marked(struct finding *x, struct segment_walk *w, size_t from, size_t to,
                            struct fault *f) {
    const struct store_mark *m = x->mark;
    if (memcmp(w->salt, m->salt, SEGMENT_SALT) != 0)
        return no_mark("segment", f);
    x->out->is_sealed = x->table.is_sealed;
    if (x->table.is_sealed)
        return take_sealed(x, w, f);
    x->out->at = m->at;
    x->out->next = m->tree.size;
    enum err code = w->size >= m->at ? check_last_block(m, w, f) : no_mark("segment", f);
    return code == ERR_OK ? add_places(x, m->places + from, to - from, f) : code;
}

static enum err find_in(struct finding *x, uint32_t number, size_t from, size_t to,
                        struct fault *f) {
    struct segment_walk w;
    char *path = log_segment_path(&x->arena, x->dir, number);
    if (path == NULL)
        return no_room(x, f);
    enum err code = segment_walk_open(&w, path, number, false, UINT64_MAX, f);
    if (code != ERR_OK)
        return code;
    if (segment_walk_from(&w, 0, 0, f) != SEGMENT_BLOCK || w.head.number != number)
        code = no_mark("segment", f);
    if (code == ERR_OK && segment_table_load(&w.file, number, &x->table) != ERR_OK)
        code = no_room(x, f);
    if (code == ERR_OK)
        code = number < x->mark->segment ? take_full(x, &w, from, to, f)
                                         : take_marked(x, &w, from, to, f);
    segment_walk_close(&w);
    return code;
}

static enum err find(struct finding *x, struct fault *f) {
    const struct store_mark *m = x->mark;
    enum err code = ERR_OK;
    size_t from = 0, to = 0;
    if (m->segment == 0 || m->segment > x->list->n)
        return no_mark("a segment is missing", f);
    for (uint32_t number = 1; number <= m->segment && code == ERR_OK; number++) {
        if (x->list->numbers[number - 1] != number)
            return no_mark("a segment is missing", f);
        for (from = to; to < m->places_n && m->places[to].segment == number; to++)
            ;
        code = find_in(x, number, from, to, f);
    }
    if (code == ERR_OK && to != m->places_n)
        code = no_mark("places", f);
    return code;
}

enum err log_mark_find(const char *dir, const struct segment_list *list, const struct store_mark *m,
                       struct log_places *places, struct log_marked *out, struct fault *f) {
    struct finding x = {.dir = dir, .list = list, .mark = m, .places = places, .out = out};
    *out = (struct log_marked){.at = 0};
    arena_init(&x.arena, (size_t)64 << 20);
    enum err code = find(&x, f);
    free(x.table.places.items);
    arena_clear(&x.arena);
    return code;
}

/* ---- Soundness ---- */

/* Reads the blocks of one segment as they are stored, up to byte `end`. */
static enum err check_stored(const char *path, uint32_t number, uint64_t end, uint64_t *next,
                             struct fault *f) {
    struct segment_walk w;
    enum err code = segment_walk_open(&w, path, number, false, *next, f);
    if (code != ERR_OK)
        return code;
    w.is_stored = true;
    enum segment_step step = segment_walk_from(&w, 0, 0, f);
    if (step == SEGMENT_BLOCK && (w.head.number != number || w.head.tree.size != *next))
        step = SEGMENT_HARM;
    w.next = *next;
    while (step == SEGMENT_BLOCK && w.at < end)
        step = segment_walk_next(&w, f);
    if (step == SEGMENT_ERROR)
        code = f->code;
    else if (step == SEGMENT_HARM)
        code = fault_set(f, ERR_DAMAGED, "log", "%s", w.name);
    *next = w.next;
    segment_walk_close(&w);
    return code;
}

enum err log_mark_sound(const char *dir, const struct store_mark *m,
                        const struct log_marked *marked, struct fault *f) {
    enum err code = ERR_OK;
    uint64_t next = 0;
    struct arena a;
    arena_init(&a, 1 << 16);
    for (uint32_t number = 1; number <= m->segment && code == ERR_OK; number++) {
        arena_reset(&a);
        const char *path = log_segment_path(&a, dir, number);
        code = path != NULL ? check_stored(path, number,
                                           number < m->segment ? UINT64_MAX : marked->at, &next, f)
                            : fault_set(f, ERR_MEMORY, "log", "%s", dir);
    }
    arena_clear(&a);
    if (code == ERR_OK && next != marked->next)
        code = fault_set(f, ERR_DAMAGED, "log", "entries before a mark");
    return code;
}
