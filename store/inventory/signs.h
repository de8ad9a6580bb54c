/* Which three letters occur in which part of the names, so that most parts need not be
 * searched. Private to store/inventory.
 *
 * The texts of certificates' names are cut into blocks of SIGNS_BLOCK bytes. For each of
 * SIGNS_BITS values of a hash of three bytes (ASCII letters in lower case) there is a row
 * of bits, one a block: whether three such bytes begin in it, or in the first
 * TEXT_FOUND_MAX bytes behind it. So a text of up to TEXT_FOUND_MAX bytes that begins in a
 * block has the block's bit set in the rows of all its threes. A set bit promises nothing.
 *
 * Made when the index is written and part of it (index.h); it holds for the part of the
 * names that is mapped from there, which never changes. What came later is searched whole. */
#ifndef STORE_INVENTORY_SIGNS_H
#define STORE_INVENTORY_SIGNS_H

#include "base/text.h"
#include "store/inventory/texts.h"

enum { SIGNS_BLOCK = 4096, SIGNS_BITS = 8192 };

struct signs {
    const uint64_t *rows; /* SIGNS_BITS rows of signs_words words each; NULL: there are none */
    uint64_t texts_n;     /* bytes of the texts that they are of */
};

/* Words of a row for so many bytes of texts, a multiple of SIGNS_BLOCK. */
size_t signs_words(uint64_t texts_n);
/* The rows for all texts, allocated; NULL: no memory, or no texts. */
uint64_t *signs_make(const struct texts *t);
/* The first block at or behind `from` in which the text may begin; SIZE_MAX: none. `lower`
 * as for text_find. */
size_t signs_next(const struct signs *s, struct bytes lower, size_t from);

#endif
