/* Opening for writing: the log is read once, a torn end is cut off. See log.h. */
#include "store/log/private.h"

#include <string.h>

void store_harm_text(const struct store_harm *h, struct buf *out) {
    static const char *const words[] = {
        [STORE_TORN] = "unfinished end",
        [STORE_DAMAGED] = "damaged",
        [STORE_MISSING] = "missing",
        [STORE_UNSUPPORTED] = "of a later version",
    };
    buf_printf(out, "%s: %s at byte %llu", h->file, words[h->kind], (unsigned long long)h->at);
    if (h->size > 0)
        buf_printf(out, " (%llu bytes)", (unsigned long long)h->size);
    else if (h->kind == STORE_DAMAGED)
        buf_text(out, " (a gap)");
    if (h->next_entry != UINT64_MAX)
        buf_printf(out, ", where entry %llu should follow", (unsigned long long)h->next_entry);
}

enum err store_harm_code(const struct store_harm *h) {
    switch (h->kind) {
    case STORE_TORN:
        return ERR_OK;
    case STORE_UNSUPPORTED:
        return ERR_UNSUPPORTED;
    default:
        return ERR_DAMAGED;
    }
}

static enum err refuse(const struct store_harm *h, struct fault *f) {
    struct buf text;
    buf_init(&text, FAULT_DETAIL_MAX);
    store_harm_text(h, &text);
    enum err code = fault_set(f, store_harm_code(h), "log", "%s", buf_cstr(&text));
    buf_clear(&text);
    return code;
}

enum { REWRITE_PART = 1 << 20 };

struct recovery {
    struct store_log *log;
    struct arena arena;
    struct segment_list list;
    struct store_harm *torn;
    uint64_t next, end; /* the next entry; where the last segment ends well */
    uint64_t commit_at; /* where its last commit begins; 0: it has none, or a mark covers all */
    struct log_marked marked;
};

/* ---- The walk ---- */

static enum err take_block(struct recovery *r, const struct segment_walk *w, uint32_t number,
                           struct fault *f) {
    struct store_log *log = r->log;
    struct cur c = cur_open(buf_bytes(&w->payload));
    struct store_entry e;
    if (w->block.count == 0)
        return ERR_OK;
    enum err code =
        log_places_add(&log->places, (struct store_place){w->block.first, w->block_at, number, 0});
    if (code != ERR_OK)
        return fault_set(f, code, "log", "table of blocks");
    e.number = w->block.first;
    uint64_t known = log->options.mark != NULL ? log->options.mark->tree.size : 0;
    for (struct bytes from = c.rest; from.n > 0 && block_entry_take(&w->block, &c, &e);
         from = c.rest) {
        if (e.number < known) { /* in a block with the mark in its midst */
            e.number++;
            continue;
        }
        if (w->is_last) { /* those of the segments before are in its head */
            uint8_t leaf[STORE_HASH_SIZE];
            store_entry_leaf(&e, bytes_part(from, 0, from.n - c.rest.n), leaf);
            store_tree_add(&log->tree, leaf);
        }
        if (log->options.replay != NULL)
            code = log->options.replay(log->options.replay_context, &e);
        if (code != ERR_OK)
            return fault_set(f, code, "log", "entry %llu", (unsigned long long)e.number);
        e.number++;
    }
    return ERR_OK;
}

static enum err walk_segment(struct recovery *r, size_t i, struct fault *f) {
    struct store_log *log = r->log;
    struct segment_walk w;
    bool is_last = i + 1 == r->list.n, is_begun = false;
    uint32_t number = r->list.numbers[i];
    char *path = log_segment_path(&r->arena, log->dir, number);
    if (path == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", log->dir);
    enum err code = segment_walk_open(&w, path, number, is_last, r->next, f);
    if (code != ERR_OK)
        return code;
    const struct store_mark *m = log->options.mark;
    r->commit_at = 0;
    bool is_marked = m != NULL && m->segment == number;
    enum segment_step step = SEGMENT_BLOCK;
    if (is_marked && segment_walk_from(&w, r->marked.at, r->marked.next, f) != SEGMENT_BLOCK)
        code = fault_set(f, ERR_CONFLICT, "mark", "segment");
    while (code == ERR_OK && step != SEGMENT_END) {
        step = segment_walk_next(&w, f);
        if (is_last && w.has_head && !is_begun) {
            log->tree = is_marked ? m->tree : w.head.tree;
            memcpy(log->salt, w.head.salt, SEGMENT_SALT);
            is_begun = true;
        }
        if (step == SEGMENT_BLOCK && (w.block.flags & BLOCK_FIRST))
            r->commit_at = w.block_at;
        if (step == SEGMENT_BLOCK)
            code = take_block(r, &w, number, f);
        else if (step == SEGMENT_ERROR)
            code = f->code;
        else if (step == SEGMENT_HARM && w.harm.kind != STORE_TORN)
            code = refuse(&w.harm, f);
        else if (step == SEGMENT_HARM)
            *r->torn = w.harm;
    }
    if (code == ERR_OK && w.has_head && w.head.number != number)
        code = fault_set(f, ERR_DAMAGED, "log", "%s says that it is segment %u", w.name,
                         (unsigned)w.head.number);
    r->next = w.next;
    r->end = r->torn->size > 0 && is_last ? r->torn->at : w.size;
    log->bytes += r->end;
    segment_walk_close(&w);
    return code;
}

/* A segment's head is durable before anything is written behind it. Where it is
 * torn the file never held an entry, and goes. */
static enum err drop_torn_head(struct recovery *r, struct fault *f) {
    struct segment_walk w;
    uint32_t number = r->list.numbers[r->list.n - 1];
    char *path = log_segment_path(&r->arena, r->log->dir, number);
    if (path == NULL)
        return fault_set(f, ERR_MEMORY, "log", "%s", r->log->dir);
    enum err code = segment_walk_open(&w, path, number, true, UINT64_MAX, f);
    if (code != ERR_OK)
        return code;
    enum segment_step step = segment_walk_next(&w, f);
    bool is_torn = step == SEGMENT_HARM && w.harm.kind == STORE_TORN && w.harm.at == 0;
    if (step == SEGMENT_ERROR)
        code = f->code;
    segment_walk_close(&w);
    if (code != ERR_OK || !is_torn)
        return code;
    *r->torn = w.harm;
    r->list.n--;
    code = file_remove(path, f);
    return code == ERR_OK ? os_dir_sync(r->log->dir, f) : code;
}

/* A mark is taken behind a sync that has succeeded. */
static bool is_marked_whole(const struct recovery *r) {
    const struct store_mark *m = r->log->options.mark;
    return m != NULL && m->segment == r->log->segment && m->at == r->end;
}

/* What ended well may have been followed by a sync that failed: then the system holds the
 * bytes and shows them to us, but will never write them, and a further sync does not tell.
 * So the last commit, all that can be concerned, is written again with its own bytes. */
static enum err write_again(struct recovery *r, struct fault *f) {
    struct store_log *log = r->log;
    struct buf part;
    enum err code = ERR_OK;
    buf_init(&part, REWRITE_PART);
    for (uint64_t at = r->commit_at; at < r->end && code == ERR_OK; at += part.n) {
        size_t n = r->end - at < REWRITE_PART ? (size_t)(r->end - at) : REWRITE_PART;
        buf_reset(&part);
        uint8_t *room = buf_reserve(&part, n);
        if (room == NULL) {
            code = fault_set(f, part.err, "log", "%s", log->dir);
            break;
        }
        code = file_read_at(&log->file, at, room, n, f);
        buf_commit(&part, n);
        if (code == ERR_OK)
            code = log_put(log, at, buf_bytes(&part), f);
    }
    buf_clear(&part);
    if (code == ERR_OK)
        code = log_sync(log, f);
    return code == ERR_OK ? os_dir_sync(log->dir, f) : code;
}

static enum err open_last(struct recovery *r, struct fault *f) {
    struct store_log *log = r->log;
    if (r->list.n == 0)
        return log_segment_make(log, 1, f);
    log->segment = r->list.numbers[r->list.n - 1];
    log->size = r->end;
    char *path = log_segment_path(&r->arena, log->dir, log->segment);
    enum err code = path != NULL ? file_open(&log->file, path, FILE_APPEND, f)
                                 : fault_set(f, ERR_MEMORY, "log", "%s", log->dir);
    bool is_cut = r->torn->size > 0 && r->torn->at > 0, is_sealed = false;
    if (code == ERR_OK)
        code = segment_is_sealed(&log->file, log->segment, &is_sealed, f);
    if (code == ERR_OK && is_sealed) /* the one that followed it is lost */
        return log_segment_make(log, log->segment + 1, f);
    if (code == ERR_OK && is_cut)
        code = log_cut(log, r->end, f);
    if (code == ERR_OK && (is_cut || !is_marked_whole(r)))
        code = write_again(r, f);
    return code;
}

static enum err recover(struct recovery *r, struct fault *f) {
    enum err code = segment_list_read(r->log->dir, &r->arena, &r->list, f);
    if (code == ERR_OK && r->list.n > 0)
        code = drop_torn_head(r, f);
    struct store_harm head = *r->torn;
    *r->torn = (struct store_harm){.size = 0};
    const struct store_mark *m = r->log->options.mark;
    if (code == ERR_OK && m != NULL) {
        code = log_mark_find(r->log->dir, &r->list, m, &r->log->places, &r->marked, f);
        r->log->bytes += r->marked.before;
        r->next = r->marked.next;
    }
    for (size_t i = m != NULL ? m->segment - 1 : 0; i < r->list.n && code == ERR_OK; i++) {
        struct store_harm gap = {.kind = STORE_MISSING, .next_entry = r->next};
        segment_name((uint32_t)i + 1, gap.file);
        code = r->list.numbers[i] == i + 1 ? walk_segment(r, i, f) : refuse(&gap, f);
    }
    if (code == ERR_OK)
        code = open_last(r, f);
    if (r->torn->size == 0)
        *r->torn = head;
    return code;
}

enum err log_recover(struct store_log *log, struct store_harm *torn, struct fault *f) {
    struct recovery r = {.log = log, .torn = torn};
    arena_init(&r.arena, (size_t)256 << 20);
    enum err code = recover(&r, f);
    arena_clear(&r.arena);
    return code;
}
