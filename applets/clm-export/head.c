/* What a report says of itself: query, moment, head of the store (RFC 9162), version. */
#include "applets/clm-export/parts.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"

enum err export_head(struct export_run *run, struct buf *out, struct fault *f) {
    struct store_tree tree;
    uint8_t root[STORE_HASH_SIZE];
    char hex[2 * STORE_HASH_SIZE + 1] = "", time[CLOCK_TEXT_MAX];
    bool is_whole = inventory_read_tree(run->inv, &tree);
    if (is_whole) {
        store_tree_root(&tree, root);
        hex_write(hex, bytes_of(root, sizeof root));
    }
    buf_printf(out, "clm-export %s, %s", CLM_VERSION, run->kind->name);
    if (run->options->where != NULL) {
        buf_text(out, " where ");
        text_escape(out, bytes_text(run->options->where));
    }
    buf_printf(out, ", as of %s; store of %llu entries, head %s", clock_write(run->as_of_s, time),
               (unsigned long long)tree.size, is_whole ? hex : "not known, entries are missing");
    return out->err == ERR_OK ? ERR_OK : fault_set(f, out->err, "export", "its head");
}
