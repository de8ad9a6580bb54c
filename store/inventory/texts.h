/* Texts that rows refer to by place and length, so that rows hold no pointers and
 * can be written to a file and mapped again as they are. Private to store/inventory.
 *
 * Texts are added, never removed. They begin with a part that somebody else may hold
 * (rows.h); what is added lies in pieces of TEXTS_PIECE bytes, one text never across
 * the gap between two pieces. No locks: the caller has them.
 */
#ifndef STORE_INVENTORY_TEXTS_H
#define STORE_INVENTORY_TEXTS_H

#include "base/bytes.h"
#include "base/err.h"

enum { TEXTS_PIECE = 1 << 18, TEXTS_UNIT = 8 };

struct text {
    uint32_t at; /* in units of TEXTS_UNIT bytes: 32 GiB in all */
    uint32_t n;
};

struct texts {
    uint8_t *base;
    uint64_t base_n;  /* a multiple of TEXTS_PIECE */
    uint8_t **pieces; /* piece i begins at base_n + i * TEXTS_PIECE */
    bool *is_begin;   /* of an allocation; a long text has several pieces */
    size_t pieces_n, room;
    uint64_t used; /* in all, base and the gaps at the ends of pieces included */
};

void texts_init(struct texts *t);
void texts_begin(struct texts *t, void *base, uint64_t n); /* n: a multiple of TEXTS_PIECE */
void texts_clear(struct texts *t);

/* A copy of the text; ERR_MEMORY, ERR_LIMIT. `room` bytes at least are kept for it, for
 * texts that are written over later. */
enum err texts_add(struct texts *t, struct bytes b, size_t room, struct text *out) MUST_CHECK;
/* Borrowed, good as long as the texts are. */
struct bytes texts_get(const struct texts *t, struct text text);
uint8_t *texts_at(const struct texts *t, struct text text);

/* All of them, one contiguous run after the other: the i-th with the place of its first byte,
 * counted from the first one of all; false behind the last. A text lies within one run. */
bool texts_run(const struct texts *t, size_t *i, struct bytes *run, uint64_t *at);

#endif
