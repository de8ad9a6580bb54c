/* The arena: a list of blocks, the newest first. See arena.h. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t cap, used;
    _Alignas(max_align_t) uint8_t space[];
};

void arena_init(struct arena *a, size_t max) {
    *a = (struct arena){.max = max};
}

static void wipe_block(const struct arena *a, struct arena_block *block) {
    if (a->wipe != NULL)
        a->wipe(block->space, block->used);
}

static void free_blocks(const struct arena *a, struct arena_block *block) {
    while (block != NULL) {
        struct arena_block *next = block->next;
        wipe_block(a, block);
        free(block);
        block = next;
    }
}

void arena_clear(struct arena *a) {
    free_blocks(a, a->blocks);
    *a = (struct arena){.max = a->max, .wipe = a->wipe};
}

void arena_reset(struct arena *a) {
    if (a->blocks != NULL) {
        free_blocks(a, a->blocks->next);
        wipe_block(a, a->blocks);
        a->blocks->next = NULL;
        a->blocks->used = 0;
    }
    a->used = 0;
    a->err = ERR_OK;
}

static void *fail(struct arena *a, enum err code) {
    if (a->err == ERR_OK)
        a->err = code;
    return NULL;
}

/* Blocks double, so that their number stays small; a large object gets its own. */
static bool add_block(struct arena *a, size_t n) {
    size_t cap = a->blocks == NULL ? BLOCK_SIZE : a->blocks->cap * 2;
    if (cap > 1u << 20)
        cap = 1u << 20;
    if (cap < n)
        cap = n;
    struct arena_block *block = malloc(sizeof *block + cap);
    if (block == NULL)
        return false;
    *block = (struct arena_block){.next = a->blocks, .cap = cap};
    a->blocks = block;
    return true;
}

void *arena_alloc(struct arena *a, size_t n) {
    const size_t align = _Alignof(max_align_t);
    if (a->err != ERR_OK)
        return NULL;
    if (n > a->max - a->used)
        return fail(a, ERR_LIMIT);
    size_t rounded = (n + align - 1) / align * align;
    if (rounded < n)
        return fail(a, ERR_LIMIT);
    if (rounded == 0)
        rounded = align;
    if ((a->blocks == NULL || a->blocks->cap - a->blocks->used < rounded) && !add_block(a, rounded))
        return fail(a, ERR_MEMORY);
    void *p = a->blocks->space + a->blocks->used;
    a->blocks->used += rounded;
    a->used += n;
    return memset(p, 0, rounded);
}

void *arena_array(struct arena *a, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / size)
        return fail(a, ERR_LIMIT);
    return arena_alloc(a, count * size);
}

struct bytes arena_copy(struct arena *a, struct bytes b) {
    uint8_t *p = arena_alloc(a, b.n);
    if (p == NULL)
        return (struct bytes){NULL, 0};
    if (b.n > 0)
        memcpy(p, b.p, b.n);
    return (struct bytes){p, b.n};
}

char *arena_cstr(struct arena *a, struct bytes b) {
    char *p = b.n == SIZE_MAX ? NULL : arena_alloc(a, b.n + 1);
    if (p != NULL && b.n > 0)
        memcpy(p, b.p, b.n);
    return p;
}
