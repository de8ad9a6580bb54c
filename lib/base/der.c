/* DER in and out. See der.h. */
#include "base/der.h"
#include "base/oid.h"

#include <string.h>

/* ---- Reader ---- */

static const struct bytes none;

/* Octets of tag and length, and of the content (X.690, 10.1: the shortest form, at
 * most 4 octets). Looks ahead and takes nothing, so that a value costs one step of
 * the cursor: most of the time of reading certificates is spent here. */
static bool read_head(struct bytes in, size_t *head, size_t *length) {
    if (in.n < 2 || (in.p[0] & 0x1f) == 0x1f)
        return false;
    size_t octets = in.p[1] & 0x7f;
    *head = 2;
    *length = in.p[1];
    if (in.p[1] < 0x80)
        return true;
    if (octets < 1 || octets > 4 || in.n - 2 < octets || in.p[2] == 0)
        return false;
    *head = 2 + octets;
    *length = 0;
    for (size_t i = 0; i < octets; i++)
        *length = *length << 8 | in.p[2 + i];
    return *length >= 0x80;
}

struct der_value der_any(struct cur *c) {
    struct bytes in = c->rest;
    size_t head = 0, length = 0;
    if (!read_head(in, &head, &length) || length > in.n - head)
        cur_refuse(c);
    struct bytes whole = cur_take(c, head + length);
    if (c->bad)
        return (struct der_value){0};
    return (struct der_value){in.p[0], bytes_part(whole, head, length), whole};
}

bool der_peek(const struct cur *c, uint8_t tag) {
    return !c->bad && c->rest.n > 0 && c->rest.p[0] == tag;
}

static struct der_value take_tagged(struct cur *c, uint8_t tag) {
    if (!der_peek(c, tag))
        cur_refuse(c);
    return der_any(c);
}

struct bytes der_take(struct cur *c, uint8_t tag) {
    return take_tagged(c, tag).content;
}

struct bytes der_whole(struct cur *c, uint8_t tag) {
    return take_tagged(c, tag).whole;
}

struct cur der_open(struct cur *c, uint8_t tag) {
    struct cur inner = cur_open(der_take(c, tag));
    inner.bad = c->bad;
    return inner;
}

bool der_optional(struct cur *c, uint8_t tag, struct bytes *content) {
    if (!der_peek(c, tag))
        return false;
    *content = der_take(c, tag);
    return !c->bad;
}

struct bytes der_integer(struct cur *c) {
    struct bytes b = der_take(c, DER_INTEGER);
    bool padded = b.n > 1 && ((b.p[0] == 0 && b.p[1] < 0x80) || (b.p[0] == 0xff && b.p[1] >= 0x80));
    if (b.n == 0 || padded) {
        cur_refuse(c);
        return none;
    }
    return b;
}

struct bytes der_unsigned(struct cur *c) {
    struct bytes b = der_integer(c);
    if (b.n > 0 && b.p[0] >= 0x80) {
        cur_refuse(c);
        return none;
    }
    return b.n > 1 && b.p[0] == 0 ? bytes_part(b, 1, b.n) : b;
}

uint64_t der_u64(struct cur *c) {
    struct bytes b = der_unsigned(c);
    uint64_t v = 0;
    if (b.n > sizeof v) {
        cur_refuse(c);
        return 0;
    }
    for (size_t i = 0; i < b.n; i++)
        v = v << 8 | b.p[i];
    return v;
}

bool der_boolean(struct cur *c) {
    struct bytes b = der_take(c, DER_BOOLEAN);
    if (b.n != 1 || (b.p[0] != 0 && b.p[0] != 0xff)) {
        cur_refuse(c);
        return false;
    }
    return b.p[0] != 0;
}

struct bytes der_oid(struct cur *c) {
    struct bytes b = der_take(c, DER_OID);
    if (oid_valid(b))
        return b;
    cur_refuse(c);
    return none;
}

struct bytes der_bits(struct cur *c) {
    struct bytes b = der_take(c, DER_BIT_STRING);
    if (b.n > 0 && b.p[0] == 0)
        return bytes_part(b, 1, b.n);
    cur_refuse(c);
    return none;
}

unsigned der_bit_length(struct bytes number) {
    while (number.n > 0 && number.p[0] == 0)
        number = bytes_part(number, 1, number.n);
    unsigned bits = (unsigned)number.n * 8;
    for (unsigned top = number.n > 0 ? number.p[0] : 0x80; top < 0x80; top <<= 1)
        bits--;
    return bits;
}

/* ---- Writer ---- */

static size_t length_octets(size_t n) {
    size_t octets = 0;
    for (; n > 0; n >>= 8)
        octets++;
    return octets;
}

/* One octet of length is set aside; der_close moves the content where it takes more. */
size_t der_begin(struct buf *b, uint8_t tag) {
    buf_u8(b, tag);
    buf_u8(b, 0);
    return b->n;
}

void der_close(struct buf *b, size_t mark) {
    if (b->err != ERR_OK)
        return;
    size_t n = b->n - mark;
    if (n < 0x80) {
        b->p[mark - 1] = (uint8_t)n;
        return;
    }
    size_t octets = length_octets(n);
    buf_fill(b, 0, octets);
    if (b->err != ERR_OK)
        return;
    memmove(b->p + mark + octets, b->p + mark, n);
    b->p[mark - 1] = (uint8_t)(0x80 | octets);
    for (size_t i = 0; i < octets; i++)
        b->p[mark + i] = (uint8_t)(n >> (8 * (octets - 1 - i)));
}

void der_put(struct buf *b, uint8_t tag, struct bytes content) {
    size_t mark = der_begin(b, tag);
    buf_put(b, content);
    der_close(b, mark);
}

void der_put_unsigned(struct buf *b, struct bytes v) {
    while (v.n > 0 && v.p[0] == 0)
        v = bytes_part(v, 1, v.n);
    size_t mark = der_begin(b, DER_INTEGER);
    if (v.n == 0 || v.p[0] >= 0x80)
        buf_u8(b, 0);
    buf_put(b, v);
    der_close(b, mark);
}

void der_put_u64(struct buf *b, uint64_t v) {
    uint8_t octets[8];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(v >> (8 * (sizeof octets - 1 - i)));
    der_put_unsigned(b, bytes_of(octets, sizeof octets));
}

void der_put_boolean(struct buf *b, bool v) {
    uint8_t octet = v ? 0xff : 0;
    der_put(b, DER_BOOLEAN, bytes_of(&octet, 1));
}

void der_put_bits(struct buf *b, struct bytes octets) {
    size_t mark = der_begin(b, DER_BIT_STRING);
    buf_u8(b, 0);
    buf_put(b, octets);
    der_close(b, mark);
}

void der_put_null(struct buf *b) {
    der_put(b, DER_NULL, none);
}
