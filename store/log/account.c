/* All of the log read and its tree computed. See log.h. */
#include "store/log/private.h"

#include <string.h>

static void check_head(const struct store_reader *r, const struct store_entry *e,
                       struct store_account *out) {
    const struct segment_head *head = log_reader_head(r);
    uint8_t said[STORE_HASH_SIZE], found[STORE_HASH_SIZE];
    if (head == NULL || !out->is_whole || head->tree.size != e->number)
        return;
    store_tree_root(&head->tree, said);
    store_tree_root(&out->tree, found);
    if (memcmp(said, found, sizeof said) == 0)
        return;
    if (out->wrong_heads++ == 0)
        segment_name(head->number, out->wrong_head);
}

static enum err take(struct store_reader *r, const struct store_entry *e, struct buf *canonical,
                     store_visit *visit, void *context, struct store_account *out) {
    uint8_t leaf[STORE_HASH_SIZE];
    out->is_whole &= e->number == out->tree.size;
    check_head(r, e, out);
    buf_reset(canonical);
    store_entry_write(e, canonical);
    if (canonical->err != ERR_OK)
        return canonical->err;
    store_entry_leaf(e, buf_bytes(canonical), leaf);
    out->dropped += e->is_dropped;
    store_tree_add(&out->tree, leaf);
    return visit != NULL ? visit(context, e, leaf) : ERR_OK;
}

enum err store_reader_account(struct store_reader *r, int64_t until_ms, store_visit *visit,
                              void *context, struct store_account *out, struct fault *f) {
    struct store_entry e;
    struct buf canonical;
    enum err code;
    memset(out, 0, sizeof *out);
    out->is_whole = true;
    store_reader_rewind(r);
    buf_init(&canonical, STORE_KEEPER_SIZE + STORE_ENTRY_MAX);
    while ((code = store_reader_next(r, &e, f)) == ERR_OK && e.time_ms <= until_ms) {
        code = take(r, &e, &canonical, visit, context, out);
        if (code != ERR_OK) {
            fault_set(f, code, "entry", "%llu", (unsigned long long)e.number);
            break;
        }
    }
    buf_clear(&canonical);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- One segment ---- */

static enum err refuse(const struct segment_walk *w, struct fault *f) {
    struct buf text;
    buf_init(&text, FAULT_DETAIL_MAX);
    store_harm_text(&w->harm, &text);
    enum err code = store_harm_code(&w->harm);
    code = fault_set(f, code != ERR_OK ? code : ERR_DAMAGED, "log", "%s", buf_cstr(&text));
    buf_clear(&text);
    return code;
}

static enum err add_block(const struct segment_walk *w, struct store_tree *tree, struct fault *f) {
    struct cur c = cur_open(buf_bytes(&w->payload));
    struct store_entry e;
    uint8_t leaf[STORE_HASH_SIZE];
    while (c.rest.n > 0) {
        struct bytes from = c.rest;
        if (!block_entry_take(&w->block, &c, &e))
            return fault_set(f, ERR_DAMAGED, "log", "%s: an entry of the block at %llu", w->name,
                             (unsigned long long)w->block_at);
        store_entry_leaf(&e, bytes_part(from, 0, from.n - c.rest.n), leaf);
        store_tree_add(tree, leaf);
    }
    return ERR_OK;
}

static enum err check_blocks(struct segment_walk *w, struct store_tree *tree, struct fault *f) {
    for (;;) {
        enum err code = ERR_OK;
        switch (segment_walk_next(w, f)) {
        case SEGMENT_BLOCK:
            code = add_block(w, tree, f);
            break;
        case SEGMENT_HARM:
            code = refuse(w, f);
            break;
        case SEGMENT_END:
            return ERR_OK;
        case SEGMENT_ERROR:
            return f->code;
        }
        if (code != ERR_OK)
            return code;
    }
}

static enum err check_all(struct segment_walk *w, uint32_t number, struct store_segment *out,
                          struct fault *f) {
    switch (segment_walk_from(w, 0, 0, f)) {
    case SEGMENT_HARM:
        return refuse(w, f);
    case SEGMENT_BLOCK:
        break;
    default:
        return f->code;
    }
    if (w->head.number != number)
        return fault_set(f, ERR_DAMAGED, "log", "%s: it is segment %u", w->name,
                         (unsigned)w->head.number);
    w->next = w->head.tree.size;
    out->before = out->after = w->head.tree;
    return check_blocks(w, &out->after, f);
}

enum err store_segment_check(const char *path, uint32_t number, struct store_segment *out,
                             struct fault *f) {
    struct segment_walk w;
    struct fault own;
    f = f != NULL ? f : &own;
    enum err code = segment_walk_open(&w, path, number, false, UINT64_MAX, f);
    if (code != ERR_OK)
        return code;
    code = check_all(&w, number, out, f);
    segment_walk_close(&w);
    return code;
}
