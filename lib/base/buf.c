/* The growing buffer. See buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 64 };

void buf_init(struct buf *b, size_t max) {
    *b = (struct buf){.max = max};
}

static void give_back(const struct buf *b) {
    if (b->wipe != NULL && b->p != NULL)
        b->wipe(b->p, b->cap);
    free(b->p);
}

void buf_clear(struct buf *b) {
    give_back(b);
    *b = (struct buf){.max = b->max, .wipe = b->wipe};
}

void buf_reset(struct buf *b) {
    if (b->wipe != NULL && b->p != NULL)
        b->wipe(b->p, b->cap);
    b->n = 0;
    b->err = ERR_OK;
}

struct bytes buf_bytes(const struct buf *b) {
    return (struct bytes){b->p, b->n};
}

static bool fail(struct buf *b, enum err code) {
    if (b->err == ERR_OK)
        b->err = code;
    return false;
}

/* realloc may leave a copy behind. */
static uint8_t *move_away(const struct buf *b, size_t cap) {
    if (b->wipe == NULL)
        return realloc(b->p, cap);
    uint8_t *p = malloc(cap);
    if (p == NULL)
        return NULL;
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    give_back(b);
    return p;
}

/* Doubling keeps the cost per byte constant. */
static bool grow(struct buf *b, size_t n) {
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap - b->n <= n)
        cap = cap > SIZE_MAX / 2 ? b->n + n + 1 : cap * 2;
    uint8_t *p = move_away(b, cap);
    if (p == NULL)
        return fail(b, ERR_MEMORY);
    b->p = p;
    b->cap = cap;
    return true;
}

/* Room for n more and a NUL. Asked for every byte written, hence inline. */
static inline uint8_t *room(struct buf *b, size_t n) {
    if (b->err != ERR_OK)
        return NULL;
    if (b->n > b->max || n > b->max - b->n) {
        fail(b, ERR_LIMIT);
        return NULL;
    }
    return b->cap - b->n > n || grow(b, n) ? b->p + b->n : NULL;
}

uint8_t *buf_reserve(struct buf *b, size_t n) {
    return room(b, n);
}

void buf_commit(struct buf *b, size_t n) {
    b->n += n;
}

size_t buf_room(const struct buf *b, size_t most) {
    size_t left = b->n < b->max ? b->max - b->n : 0;
    return left < most ? left : most;
}

/* Most of what is put is short, and musl's memcpy begins slowly (with `rep movs`): two moves that
 * may overlap cover any length from one to two times theirs. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t n) {
    enum { WIDE = 16, HALF = 8, QUARTER = 4, SHORT = 256 };
    if (n >= SHORT) {
        memcpy(to, from, n);
    } else if (n >= WIDE) {
        for (size_t i = 0; i + WIDE < n; i += WIDE)
            memcpy(to + i, from + i, WIDE);
        memcpy(to + n - WIDE, from + n - WIDE, WIDE);
    } else if (n >= HALF) {
        memcpy(to, from, HALF);
        memcpy(to + n - HALF, from + n - HALF, HALF);
    } else if (n >= QUARTER) {
        memcpy(to, from, QUARTER);
        memcpy(to + n - QUARTER, from + n - QUARTER, QUARTER);
    } else {
        for (size_t i = 0; i < n; i++)
            to[i] = from[i];
    }
}

void buf_put(struct buf *b, struct bytes add) {
    uint8_t *at = room(b, add.n);
    if (at == NULL || add.n == 0)
        return;
    copy(at, add.p, add.n);
    b->n += add.n;
}

void buf_fill(struct buf *b, uint8_t byte, size_t n) {
    uint8_t *at = room(b, n);
    if (at == NULL)
        return;
    memset(at, byte, n);
    b->n += n;
}

static void write_big_endian(uint8_t *at, uint64_t v, unsigned width) {
    for (unsigned i = 0; i < width; i++)
        at[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static void put_big_endian(struct buf *b, uint64_t v, unsigned width) {
    uint8_t *at = room(b, width);
    if (at == NULL)
        return;
    write_big_endian(at, v, width);
    b->n += width;
}

void buf_u8(struct buf *b, uint8_t v) {
    uint8_t *at = room(b, 1);
    if (at == NULL)
        return;
    *at = v;
    b->n++;
}

void buf_u16(struct buf *b, uint16_t v) {
    put_big_endian(b, v, 2);
}

void buf_u24(struct buf *b, uint32_t v) {
    put_big_endian(b, v, 3);
}

void buf_u32(struct buf *b, uint32_t v) {
    put_big_endian(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v) {
    put_big_endian(b, v, 8);
}

void buf_varint(struct buf *b, uint32_t v) {
    for (; v >= 0x80; v >>= 7)
        buf_u8(b, (uint8_t)(v | 0x80));
    buf_u8(b, (uint8_t)v);
}

void buf_text(struct buf *b, const char *text) {
    buf_put(b, bytes_text(text));
}

void buf_vprintf(struct buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    uint8_t *at = n < 0 ? NULL : room(b, (size_t)n);
    if (n < 0)
        fail(b, ERR_FORMAT);
    if (at != NULL) {
        vsnprintf((char *)at, (size_t)n + 1, format, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

void buf_printf(struct buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_drop_front(struct buf *b, size_t n) {
    if (n >= b->n) {
        b->n = 0;
        return;
    }
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

void buf_cut(struct buf *b, size_t n) {
    if (n < b->n)
        b->n = n;
}

size_t buf_open_vec(struct buf *b, unsigned width) {
    size_t mark = b->n;
    buf_fill(b, 0, width);
    return mark;
}

void buf_close_vec(struct buf *b, size_t mark, unsigned width) {
    if (b->err != ERR_OK)
        return;
    uint64_t n = b->n - mark - width;
    if (width < 8 && n >> (8 * width) != 0) {
        fail(b, ERR_LIMIT);
        return;
    }
    write_big_endian(b->p + mark, n, width);
}

void buf_vec(struct buf *b, unsigned width, struct bytes content) {
    size_t mark = buf_open_vec(b, width);
    buf_put(b, content);
    buf_close_vec(b, mark, width);
}

const char *buf_cstr(struct buf *b) {
    uint8_t *at = room(b, 0);
    if (at == NULL)
        return "";
    *at = 0;
    return (const char *)b->p;
}
