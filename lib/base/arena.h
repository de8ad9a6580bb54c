/* Memory that is given back all at once: per request, per probe, per parse.
 *
 * Allocations are zeroed and aligned for any type; nothing is freed singly.
 * Beyond `max` bytes in total arena_alloc returns NULL and sets `err`
 * (ERR_LIMIT; ERR_MEMORY where the system refuses). One thread at a time.
 * Whoever puts secrets in sets `wipe` behind arena_init (crypto_wipe).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"
#include "base/err.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used, max;                /* bytes handed out, allowed */
    enum err err;                    /* sticky */
    void (*wipe)(void *p, size_t n); /* NULL, or called on memory before it is given back */
};

void arena_init(struct arena *a, size_t max);
void arena_clear(struct arena *a); /* frees all; may be used again */
void arena_reset(struct arena *a); /* forgets all, keeps the first block for reuse */

void *arena_alloc(struct arena *a, size_t n);
/* count * size with the overflow checked. */
void *arena_array(struct arena *a, size_t count, size_t size);
struct bytes arena_copy(struct arena *a, struct bytes b);
char *arena_cstr(struct arena *a, struct bytes b); /* a copy with a NUL behind */

#endif
