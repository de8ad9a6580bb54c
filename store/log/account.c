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
    store_leaf_hash(buf_bytes(canonical), leaf);
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
    buf_init(&canonical, STORE_ENTRY_HEAD + STORE_ENTRY_MAX);
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
