/* Proofs about the log that the inventory stands on. See inventory.h. */
#include "store/inventory/private.h"

#include <string.h>

struct store_tree inventory_tree(struct inventory *inv) {
    struct store_tree none = {.size = 0};
    return inv->log != NULL ? store_log_tree(inv->log) : none;
}

struct store_point inventory_point(struct inventory *inv) {
    struct store_point none = {.segment = 0};
    return inv->log != NULL ? store_log_point(inv->log) : none;
}

static enum err finish(struct inventory *inv, struct arena *a, const struct store_proof *made,
                       struct proof *out, struct fault *f) {
    struct bytes hashes = arena_copy(a, bytes_of(made->hashes, made->n * STORE_HASH_SIZE));
    if (a->err != ERR_OK)
        return fault_set(f, a->err, "proof", "no room");
    out->hashes = hashes.p;
    out->hashes_n = made->n;
    return store_proofs_root(inv->proofs, out->size, out->root, f);
}

static enum err copy_canonical(struct inventory *inv, struct arena *a, struct proof *out,
                               struct fault *f) {
    struct store_entry e;
    struct buf room, canonical;
    buf_init(&room, STORE_BATCH_BYTES_MAX);
    buf_init(&canonical, STORE_ENTRY_HEAD + STORE_ENTRY_MAX);
    enum err code = inventory_entry(inv, out->entry, &room, &e, f);
    if (code == ERR_OK && e.is_dropped)
        code = fault_set(f, ERR_NOT_FOUND, "entry", "its bytes were dropped");
    if (code == ERR_OK) {
        store_entry_write(&e, &canonical);
        out->canonical = arena_copy(a, buf_bytes(&canonical));
    }
    if (code == ERR_OK && (canonical.err != ERR_OK || a->err != ERR_OK))
        code = fault_set(f, ERR_MEMORY, "proof", "no room");
    buf_clear(&room);
    buf_clear(&canonical);
    return code;
}

enum err inventory_prove_cert(struct inventory *inv, const uint8_t sha256[SHA256_SIZE],
                              uint64_t size, struct arena *a, struct proof *out, struct fault *f) {
    struct store_proof made;
    if (!inventory_lock(inv, f))
        return ERR_MEMORY;
    uint32_t i = table_find(&inv->state.by_sha256, sha256);
    *out = (struct proof){.is_inclusion = true, .size = size};
    if (i != ROWS_NONE)
        out->entry = state_cert(&inv->state, i)->entry;
    inventory_unlock(inv);
    if (i == ROWS_NONE)
        return fault_set(f, ERR_NOT_FOUND, "certificate", "not stored");
    memcpy(out->sha256, sha256, SHA256_SIZE);
    if (size == 0)
        out->size = inventory_tree(inv).size;
    enum err code = store_proofs_inclusion(inv->proofs, out->entry, out->size, &made, f);
    if (code == ERR_OK)
        code = copy_canonical(inv, a, out, f);
    return code == ERR_OK ? finish(inv, a, &made, out, f) : code;
}

enum err inventory_prove_begin(struct inventory *inv, uint64_t old_size, uint64_t size,
                               struct arena *a, struct proof *out, struct fault *f) {
    struct store_proof made;
    *out = (struct proof){.old_size = old_size, .size = size};
    if (size == 0)
        out->size = inventory_tree(inv).size;
    enum err code = store_proofs_consistency(inv->proofs, old_size, out->size, &made, f);
    if (code == ERR_OK)
        code = store_proofs_root(inv->proofs, old_size, out->old_root, f);
    return code == ERR_OK ? finish(inv, a, &made, out, f) : code;
}
