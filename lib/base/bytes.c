/* Byte views and the cursor. See bytes.h; no allocation, no I/O. */
#include "base/bytes.h"

#include <string.h>

struct cur cur_open(struct bytes in) {
    return (struct cur){.rest = in, .bad = false};
}

struct bytes cur_take(struct cur *c, size_t n) {
    if (c->bad || n > c->rest.n) {
        c->bad = true;
        return (struct bytes){NULL, 0};
    }
    struct bytes taken = {c->rest.p, n};
    if (n > 0)
        c->rest = (struct bytes){c->rest.p + n, c->rest.n - n};
    return taken;
}

static uint64_t take_big_endian(struct cur *c, size_t n) {
    struct bytes b = cur_take(c, n);
    uint64_t value = 0;
    for (size_t i = 0; i < b.n; i++)
        value = value << 8 | b.p[i];
    return value;
}

uint8_t cur_u8(struct cur *c) {
    return (uint8_t)take_big_endian(c, 1);
}

uint16_t cur_u16(struct cur *c) {
    return (uint16_t)take_big_endian(c, 2);
}

uint32_t cur_u24(struct cur *c) {
    return (uint32_t)take_big_endian(c, 3);
}

uint32_t cur_u32(struct cur *c) {
    return (uint32_t)take_big_endian(c, 4);
}

uint64_t cur_u64(struct cur *c) {
    return take_big_endian(c, 8);
}

struct bytes cur_vec8(struct cur *c) {
    return cur_take(c, cur_u8(c));
}

struct bytes cur_vec16(struct cur *c) {
    return cur_take(c, cur_u16(c));
}

struct bytes cur_vec24(struct cur *c) {
    return cur_take(c, cur_u24(c));
}

uint32_t cur_varint(struct cur *c) {
    enum { BYTES_MAX = 5 };
    uint64_t v = 0;
    for (unsigned i = 0; i < BYTES_MAX; i++) {
        uint8_t b = cur_u8(c);
        v |= (uint64_t)(b & 0x7f) << 7 * i;
        if (b < 0x80) {
            if ((b == 0 && i > 0) || v > UINT32_MAX)
                break;
            return (uint32_t)v;
        }
    }
    cur_refuse(c);
    return 0;
}

struct bytes cur_until(struct cur *c, uint8_t stop) {
    const uint8_t *found = c->rest.n > 0 && !c->bad ? memchr(c->rest.p, stop, c->rest.n) : NULL;
    if (found == NULL)
        return cur_take(c, c->rest.n);
    struct bytes taken = cur_take(c, (size_t)(found - c->rest.p));
    cur_take(c, 1);
    return taken;
}

void cur_refuse(struct cur *c) {
    c->bad = true;
}

bool cur_end(const struct cur *c) {
    return !c->bad && c->rest.n == 0;
}

struct bytes bytes_of(const void *p, size_t n) {
    return (struct bytes){p, n};
}

struct bytes bytes_text(const char *text) {
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

struct bytes bytes_part(struct bytes b, size_t from, size_t n) {
    if (from >= b.n)
        return (struct bytes){NULL, 0};
    size_t left = b.n - from;
    return (struct bytes){b.p + from, n < left ? n : left};
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct bytes bytes_trim(struct bytes b) {
    while (b.n > 0 && is_blank(b.p[0]))
        b = (struct bytes){b.p + 1, b.n - 1};
    while (b.n > 0 && is_blank(b.p[b.n - 1]))
        b.n--;
    return b;
}

bool bytes_equal(struct bytes a, struct bytes b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool bytes_is(struct bytes b, const char *text) {
    return bytes_equal(b, bytes_text(text));
}

static uint8_t lower(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

bool bytes_is_nocase(struct bytes b, const char *text) {
    struct bytes t = bytes_text(text);
    if (b.n != t.n)
        return false;
    for (size_t i = 0; i < b.n; i++)
        if (lower(b.p[i]) != lower(t.p[i]))
            return false;
    return true;
}

bool bytes_starts(struct bytes b, const char *prefix) {
    size_t n = strlen(prefix);
    return b.n >= n && (n == 0 || memcmp(b.p, prefix, n) == 0);
}

int bytes_compare(struct bytes a, struct bytes b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n > 0 ? memcmp(a.p, b.p, n) : 0;
    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

size_t bytes_find(struct bytes b, struct bytes needle) {
    if (needle.n == 0)
        return 0;
    for (size_t at = 0; needle.n <= b.n - at; at++) {
        const uint8_t *hit = memchr(b.p + at, needle.p[0], b.n - at - needle.n + 1);
        if (hit == NULL)
            break;
        at = (size_t)(hit - b.p);
        if (memcmp(hit, needle.p, needle.n) == 0)
            return at;
    }
    return SIZE_MAX;
}
