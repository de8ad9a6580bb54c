/* Texts by place and length. See texts.h. */
#include "store/inventory/texts.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 << 20 };

void texts_init(struct texts *t) {
    memset(t, 0, sizeof *t);
}

void texts_begin(struct texts *t, void *base, uint64_t n) {
    t->base = base;
    t->base_n = t->used = n;
}

void texts_clear(struct texts *t) {
    for (size_t i = 0; i < t->pieces_n; i++)
        if (t->is_begin[i])
            free(t->pieces[i]);
    free(t->pieces);
    free(t->is_begin);
    texts_init(t);
}

static enum err make_room(struct texts *t, size_t more) {
    if (t->pieces_n + more <= t->room)
        return ERR_OK;
    size_t room = t->room * 2 > t->pieces_n + more ? t->room * 2 : t->pieces_n + more + 64;
    uint8_t **pieces = realloc(t->pieces, room * sizeof *pieces);
    if (pieces == NULL)
        return ERR_MEMORY;
    t->pieces = pieces;
    bool *is_begin = realloc(t->is_begin, room * sizeof *is_begin);
    if (is_begin == NULL)
        return ERR_MEMORY;
    t->is_begin = is_begin;
    t->room = room;
    return ERR_OK;
}

/* Pieces behind each other for n bytes; what was free of the last one stays a gap. */
static enum err add_pieces(struct texts *t, size_t n) {
    size_t count = (n + TEXTS_PIECE - 1) / TEXTS_PIECE;
    enum err code = make_room(t, count);
    uint8_t *p = code == ERR_OK ? calloc(count, TEXTS_PIECE) : NULL;
    if (p == NULL)
        return ERR_MEMORY;
    t->used = t->base_n + (uint64_t)t->pieces_n * TEXTS_PIECE;
    for (size_t i = 0; i < count; i++) {
        t->is_begin[t->pieces_n] = i == 0;
        t->pieces[t->pieces_n++] = p + i * TEXTS_PIECE;
    }
    return ERR_OK;
}

enum err texts_add(struct texts *t, struct bytes b, size_t room, struct text *out) {
    size_t n = room > b.n ? room : b.n;
    *out = (struct text){0, 0};
    if (n == 0)
        return ERR_OK;
    if (n > TEXT_MAX)
        return ERR_LIMIT;
    n = (n + TEXTS_UNIT - 1) / TEXTS_UNIT * TEXTS_UNIT;
    uint64_t end = t->base_n + (uint64_t)t->pieces_n * TEXTS_PIECE;
    if (end - t->used < n) {
        enum err code = add_pieces(t, n);
        if (code != ERR_OK)
            return code;
    }
    if ((t->used + n) / TEXTS_UNIT > UINT32_MAX)
        return ERR_LIMIT;
    *out = (struct text){(uint32_t)(t->used / TEXTS_UNIT), (uint32_t)b.n};
    t->used += n;
    if (b.n > 0)
        memcpy(texts_at(t, *out), b.p, b.n);
    return ERR_OK;
}

uint8_t *texts_at(const struct texts *t, struct text text) {
    uint64_t at = (uint64_t)text.at * TEXTS_UNIT;
    if (at < t->base_n)
        return t->base + at;
    at -= t->base_n;
    return t->pieces[at / TEXTS_PIECE] + at % TEXTS_PIECE;
}

struct bytes texts_get(const struct texts *t, struct text text) {
    if (text.n == 0)
        return (struct bytes){NULL, 0};
    return bytes_of(texts_at(t, text), text.n);
}

bool texts_run(const struct texts *t, size_t *i, struct bytes *run, uint64_t *at) {
    size_t first = *i > 0 ? *i - 1 : 0, n = 1;
    if (*i == 0 && t->base_n > 0) {
        *i = 1;
        *at = 0;
        *run = bytes_of(t->base, (size_t)t->base_n);
        return true;
    }
    if (first >= t->pieces_n)
        return false;
    while (first + n < t->pieces_n && !t->is_begin[first + n])
        n++;
    *i = first + n + 1;
    *at = t->base_n + (uint64_t)first * TEXTS_PIECE;
    *run = bytes_of(t->pieces[first], n * TEXTS_PIECE);
    return true;
}
