/* What a report says of itself: query, moment, head of the store (RFC 9162), version. */
#include "applets/clm-export/parts.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"

#include <string.h>

/* Only a log without gaps has a head. */
static enum err read_head(const struct export_run *run, struct store_tree *tree, bool *is_whole,
                          struct fault *f) {
    struct store_reader *r;
    struct store_entry e;
    struct buf canonical;
    uint8_t leaf[STORE_HASH_SIZE];
    enum err code = store_reader_open(run->path, &r, f);
    if (code != ERR_OK)
        return code;
    memset(tree, 0, sizeof *tree);
    *is_whole = true;
    buf_init(&canonical, STORE_ENTRY_HEAD + STORE_ENTRY_MAX);
    while ((code = store_reader_next(r, &e, f)) == ERR_OK && e.time_ms <= run->until_ms) {
        buf_reset(&canonical);
        store_entry_write(&e, &canonical);
        store_leaf_hash(buf_bytes(&canonical), leaf);
        *is_whole &= e.number == tree->size && canonical.err == ERR_OK;
        store_tree_add(tree, leaf);
    }
    buf_clear(&canonical);
    store_reader_close(r);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err export_head(struct export_run *run, struct buf *out, struct fault *f) {
    struct store_tree tree;
    uint8_t root[STORE_HASH_SIZE];
    char hex[2 * STORE_HASH_SIZE + 1], time[CLOCK_TEXT_MAX];
    bool is_whole;
    enum err code = read_head(run, &tree, &is_whole, f);
    if (code != ERR_OK)
        return code;
    store_tree_root(&tree, root);
    hex_write(hex, bytes_of(root, sizeof root));
    buf_printf(out, "clm-export %s, %s", CLM_VERSION, run->kind->name);
    if (run->options->where != NULL) {
        buf_text(out, " where ");
        text_escape(out, bytes_text(run->options->where));
    }
    buf_printf(out, ", as of %s; store of %llu entries, head %s", clock_write(run->as_of_s, time),
               (unsigned long long)tree.size, is_whole ? hex : "not known, entries are missing");
    return ERR_OK;
}
