/* Bits of three letters by block. See signs.h. */
#include "store/inventory/signs.h"

#include <stdlib.h>

size_t signs_words(uint64_t texts_n) {
    return (size_t)((texts_n / SIGNS_BLOCK + 63) / 64);
}

static uint32_t lower_at(const uint8_t *p) {
    return (uint8_t)ascii_lower((char)*p);
}

static size_t row_of(const uint8_t *p) {
    uint32_t three = lower_at(p) | lower_at(p + 1) << 8 | lower_at(p + 2) << 16;
    return (three * 2654435761u) >> 16 & (SIGNS_BITS - 1);
}

/* The block that begins at `at` of a run. */
static void sign(uint64_t *rows, size_t words, size_t block, struct bytes run, size_t at) {
    struct bytes in = bytes_part(run, at, SIGNS_BLOCK + TEXT_FOUND_MAX);
    for (size_t i = 0; i + 3 <= in.n; i++)
        rows[row_of(in.p + i) * words + block / 64] |= (uint64_t)1 << block % 64;
}

uint64_t *signs_make(const struct texts *t) {
    uint64_t n = t->base_n + (uint64_t)t->pieces_n * TEXTS_PIECE, begin;
    size_t words = signs_words(n), i = 0;
    uint64_t *rows = words > 0 ? calloc(words, SIGNS_BITS * sizeof *rows) : NULL;
    struct bytes run;
    while (rows != NULL && texts_run(t, &i, &run, &begin))
        for (size_t at = 0; at < run.n; at += SIGNS_BLOCK)
            sign(rows, words, (size_t)((begin + at) / SIGNS_BLOCK), run, at);
    return rows;
}

size_t signs_next(const struct signs *s, struct bytes lower, size_t from) {
    size_t words = signs_words(s->texts_n);
    for (size_t word = from / 64; word < words; word++) {
        uint64_t bits = word == from / 64 ? UINT64_MAX << from % 64 : UINT64_MAX;
        for (size_t i = 0; i + 3 <= lower.n && bits != 0; i++)
            bits &= s->rows[row_of(lower.p + i) * words + word];
        size_t block = word * 64;
        for (; bits != 0 && (bits & 1) == 0; block++)
            bits >>= 1;
        if (bits != 0)
            return block;
    }
    return SIZE_MAX;
}
