/* Proofs over an open log. See proofs.h. */
#include "store/log/proofs.h"

#include "base/thread.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEMS_MAX = 1 << 24, /* two thousand million entries */
    CATCH_UP = 64,       /* stems that are made entry by entry; more: by reading the log */
};

struct store_proofs {
    struct store_log *log;
    struct arena arena;
    const char *dir;
    struct mutex *mutex; /* guards what follows */
    struct buf stems;    /* STORE_HASH_SIZE each */
    struct buf room, canonical;
    struct fault *f; /* of the proof that is made */
};

enum err store_proofs_open(struct store_log *log, const char *dir, struct store_proofs **out,
                           struct fault *f) {
    struct store_proofs *p = calloc(1, sizeof *p);
    if (p == NULL)
        return fault_set(f, ERR_MEMORY, "proofs", "%s", dir);
    arena_init(&p->arena, 1 << 16);
    buf_init(&p->stems, (size_t)STEMS_MAX * STORE_HASH_SIZE);
    buf_init(&p->room, STORE_BATCH_BYTES_MAX);
    buf_init(&p->canonical, STORE_KEEPER_SIZE + STORE_ENTRY_MAX);
    p->log = log;
    p->dir = arena_cstr(&p->arena, bytes_text(dir));
    p->mutex = mutex_open();
    if (p->dir == NULL || p->mutex == NULL) {
        store_proofs_close(p);
        return fault_set(f, ERR_MEMORY, "proofs", "%s", dir);
    }
    *out = p;
    return ERR_OK;
}

void store_proofs_close(struct store_proofs *p) {
    if (p == NULL)
        return;
    mutex_close(p->mutex);
    buf_clear(&p->stems);
    buf_clear(&p->room);
    buf_clear(&p->canonical);
    arena_clear(&p->arena);
    free(p);
}

/* ---- Stems ---- */

static uint64_t stems_n(const struct store_proofs *p) {
    return p->stems.n / STORE_HASH_SIZE;
}

static const uint8_t *stem(const struct store_proofs *p, uint64_t i) {
    return p->stems.p + i * STORE_HASH_SIZE;
}

static enum err leaf_hash(struct store_proofs *p, uint64_t number, uint8_t out[STORE_HASH_SIZE]) {
    struct store_entry e;
    enum err code = store_log_get(p->log, number, &p->room, &e, p->f);
    if (code != ERR_OK)
        return code;
    buf_reset(&p->canonical);
    store_entry_write(&e, &p->canonical);
    if (p->canonical.err != ERR_OK)
        return fault_set(p->f, p->canonical.err, "entry", "%llu", (unsigned long long)number);
    store_entry_leaf(&e, buf_bytes(&p->canonical), out);
    return ERR_OK;
}

/* By its entries, which are less than a stem, or one. */
static enum err hash_leaves(struct store_proofs *p, uint64_t from, uint64_t to,
                            uint8_t out[STORE_HASH_SIZE]) {
    struct store_tree t = {.size = 0};
    uint8_t leaf[STORE_HASH_SIZE];
    for (uint64_t i = from; i < to; i++) {
        enum err code = leaf_hash(p, i, leaf);
        if (code != ERR_OK)
            return code;
        store_tree_add(&t, leaf);
    }
    store_tree_root(&t, out);
    return ERR_OK;
}

struct reading {
    struct store_proofs *p;
    struct store_tree tree; /* of the stem that is read */
    uint64_t end;           /* of the last whole stem */
};

static enum err see_leaf(void *context, const struct store_entry *e,
                         const uint8_t leaf[STORE_HASH_SIZE]) {
    struct reading *r = context;
    uint8_t root[STORE_HASH_SIZE];
    if (e->number >= r->end || e->number < stems_n(r->p) * PROOFS_STEM)
        return ERR_OK;
    if (e->number != stems_n(r->p) * PROOFS_STEM + r->tree.size)
        return ERR_DAMAGED;
    store_tree_add(&r->tree, leaf);
    if (r->tree.size < PROOFS_STEM)
        return ERR_OK;
    store_tree_root(&r->tree, root);
    buf_put(&r->p->stems, bytes_of(root, sizeof root));
    r->tree.size = 0;
    return r->p->stems.err;
}

static enum err read_stems(struct store_proofs *p, uint64_t n) {
    struct reading r = {.p = p, .end = n * PROOFS_STEM};
    struct store_reader *reader;
    struct store_account account;
    enum err code = store_reader_open(p->dir, &reader, p->f);
    if (code != ERR_OK)
        return code;
    code = store_reader_account(reader, INT64_MAX, see_leaf, &r, &account, p->f);
    store_reader_close(reader);
    if (code == ERR_OK && stems_n(p) != n)
        code = fault_set(p->f, ERR_DAMAGED, "log", "entries are missing: nothing can be proved");
    return code;
}

/* So many stems as the tree of that size has. */
static enum err grow(struct store_proofs *p, uint64_t size) {
    uint64_t n = size / PROOFS_STEM;
    enum err code = ERR_OK;
    if (n > stems_n(p) + CATCH_UP)
        return read_stems(p, n);
    while (stems_n(p) < n && code == ERR_OK) {
        uint8_t root[STORE_HASH_SIZE];
        uint64_t from = stems_n(p) * PROOFS_STEM;
        code = hash_leaves(p, from, from + PROOFS_STEM, root);
        if (code == ERR_OK)
            buf_put(&p->stems, bytes_of(root, sizeof root));
        if (code == ERR_OK && p->stems.err != ERR_OK)
            code = fault_set(p->f, p->stems.err, "proofs", "%llu stems", (unsigned long long)n);
    }
    return code;
}

/* ---- Proofs ---- */

static enum err hash_range(void *context, uint64_t from, uint64_t to,
                           uint8_t out[STORE_HASH_SIZE]) {
    struct store_proofs *p = context;
    if (to - from == PROOFS_STEM && from % PROOFS_STEM == 0) {
        memcpy(out, stem(p, from / PROOFS_STEM), STORE_HASH_SIZE);
        return ERR_OK;
    }
    if (to - from < PROOFS_STEM)
        return hash_leaves(p, from, to, out);
    uint64_t middle = from + store_tree_split(to - from);
    uint8_t right[STORE_HASH_SIZE];
    enum err code = hash_range(p, from, middle, out);
    if (code == ERR_OK)
        code = hash_range(p, middle, to, right);
    if (code == ERR_OK)
        store_tree_node(out, right, out);
    return code;
}

/* Takes the lock where it answers ERR_OK. */
static enum err begin(struct store_proofs *p, uint64_t size, struct fault *f) {
    if (size > store_log_tree(p->log).size)
        return fault_set(f, ERR_NOT_FOUND, "size", "the log has %llu entries",
                         (unsigned long long)store_log_tree(p->log).size);
    mutex_lock(p->mutex);
    p->f = f;
    enum err code = grow(p, size);
    if (code != ERR_OK)
        mutex_unlock(p->mutex);
    return code;
}

enum err store_proofs_root(struct store_proofs *p, uint64_t size, uint8_t out[STORE_HASH_SIZE],
                           struct fault *f) {
    enum err code = begin(p, size, f);
    if (code != ERR_OK)
        return code;
    code = size == 0 ? hash_leaves(p, 0, 0, out) : hash_range(p, 0, size, out);
    mutex_unlock(p->mutex);
    return code;
}

enum err store_proofs_inclusion(struct store_proofs *p, uint64_t index, uint64_t size,
                                struct store_proof *out, struct fault *f) {
    if (index >= size)
        return fault_set(f, ERR_NOT_FOUND, "entry", "%llu is not among the first %llu",
                         (unsigned long long)index, (unsigned long long)size);
    enum err code = begin(p, size, f);
    if (code != ERR_OK)
        return code;
    code = store_tree_inclusion(hash_range, p, size, index, out->hashes, &out->n);
    mutex_unlock(p->mutex);
    return code;
}

enum err store_proofs_consistency(struct store_proofs *p, uint64_t old, uint64_t size,
                                  struct store_proof *out, struct fault *f) {
    if (old == 0 || old > size)
        return fault_set(f, ERR_USAGE, "size", "from 1 to %llu", (unsigned long long)size);
    enum err code = begin(p, size, f);
    if (code != ERR_OK)
        return code;
    code = store_tree_consistency(hash_range, p, size, old, out->hashes, &out->n);
    mutex_unlock(p->mutex);
    return code;
}
