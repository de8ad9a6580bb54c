/* What a report says of itself: query, moment, head of the store (RFC 9162), version. */
#include "applets/clm-export/parts.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"

static enum err read_account(const struct export_run *run, struct store_account *out,
                             struct fault *f) {
    struct store_reader *r;
    enum err code = store_reader_open(run->path, &r, f);
    if (code != ERR_OK)
        return code;
    code = store_reader_account(r, run->until_ms, NULL, NULL, out, f);
    store_reader_close(r);
    return code;
}

enum err export_head(struct export_run *run, struct buf *out, struct fault *f) {
    struct store_account account;
    uint8_t root[STORE_HASH_SIZE];
    char hex[2 * STORE_HASH_SIZE + 1], time[CLOCK_TEXT_MAX];
    enum err code = read_account(run, &account, f);
    if (code != ERR_OK)
        return code;
    store_tree_root(&account.tree, root);
    hex_write(hex, bytes_of(root, sizeof root));
    buf_printf(out, "clm-export %s, %s", CLM_VERSION, run->kind->name);
    if (run->options->where != NULL) {
        buf_text(out, " where ");
        text_escape(out, bytes_text(run->options->where));
    }
    buf_printf(out, ", as of %s; store of %llu entries, head %s", clock_write(run->as_of_s, time),
               (unsigned long long)account.tree.size,
               account.is_whole ? hex : "not known, entries are missing");
    return ERR_OK;
}
