/* BER in. See ber.h. */
#include "base/ber.h"

static const struct bytes none;
enum { CONSTRUCTED = 0x20, LENGTH_OCTETS_MAX = 8 };

struct head {
    size_t octets, length; /* of tag and length; of the content where it is definite */
    bool is_indefinite;
};

static bool read_head(struct bytes in, struct head *out) {
    if (in.n < 2 || (in.p[0] & 0x1f) == 0x1f)
        return false;
    size_t octets = in.p[1] & 0x7f;
    *out = (struct head){.octets = 2, .length = in.p[1]};
    if (in.p[1] < 0x80)
        return true;
    out->length = 0;
    out->is_indefinite = octets == 0;
    if (out->is_indefinite)
        return (in.p[0] & CONSTRUCTED) != 0;
    if (octets > LENGTH_OCTETS_MAX || in.n - 2 < octets)
        return false;
    out->octets += octets;
    for (size_t i = 0; i < octets; i++) {
        if (out->length > UINT32_MAX >> 8)
            return false;
        out->length = out->length << 8 | in.p[2 + i];
    }
    return true;
}

/* Octets of the first value, all of it; 0: it is not whole. Values of definite length are
 * stepped over, so that each octet is looked at once. */
static size_t measure(struct bytes in) {
    size_t at = 0, open = 0;
    do {
        struct head head;
        struct bytes rest = bytes_part(in, at, in.n);
        if (open > 0 && rest.n >= 2 && rest.p[0] == 0 && rest.p[1] == 0) {
            at += 2;
            open--;
            continue;
        }
        if (!read_head(rest, &head) || (head.is_indefinite && ++open > BER_DEPTH_MAX) ||
            head.length > rest.n - head.octets)
            return 0;
        at += head.octets + head.length;
    } while (open > 0);
    return at;
}

struct der_value ber_any(struct cur *c) {
    struct head head = {0};
    size_t n = measure(c->rest);
    if (n == 0 || !read_head(c->rest, &head))
        cur_refuse(c);
    struct bytes whole = cur_take(c, n);
    if (c->bad)
        return (struct der_value){0};
    size_t end = head.is_indefinite ? 2 : 0;
    return (struct der_value){whole.p[0], bytes_part(whole, head.octets, n - head.octets - end),
                              whole};
}

struct bytes ber_take(struct cur *c, uint8_t tag) {
    if (!der_peek(c, tag))
        cur_refuse(c);
    return ber_any(c).content;
}

struct cur ber_open(struct cur *c, uint8_t tag) {
    struct cur inner = cur_open(ber_take(c, tag));
    inner.bad = c->bad;
    return inner;
}

bool ber_optional(struct cur *c, uint8_t tag, struct bytes *content) {
    if (!der_peek(c, tag))
        return false;
    *content = ber_take(c, tag);
    return !c->bad;
}

uint64_t ber_u64(struct cur *c) {
    struct bytes b = ber_take(c, DER_INTEGER);
    if (b.n == 0 || b.p[0] >= 0x80)
        cur_refuse(c);
    while (b.n > 0 && b.p[0] == 0)
        b = bytes_part(b, 1, b.n);
    if (b.n > sizeof(uint64_t))
        cur_refuse(c);
    uint64_t v = 0;
    for (size_t i = 0; i < b.n && !c->bad; i++)
        v = v << 8 | b.p[i];
    return v;
}

static void put_parts(struct cur *c, uint8_t tag, struct buf *out, int depth) {
    struct bytes content = none;
    if (depth > BER_DEPTH_MAX)
        cur_refuse(c);
    if (ber_optional(c, tag, &content)) {
        buf_put(out, content);
        return;
    }
    struct cur parts = ber_open(c, tag | CONSTRUCTED);
    while (!parts.bad && parts.rest.n > 0)
        put_parts(&parts, DER_OCTET_STRING, out, depth + 1);
    if (parts.bad)
        cur_refuse(c);
}

void ber_octets(struct cur *c, uint8_t tag, struct buf *out) {
    struct cur ahead = *c;
    buf_reserve(out, ber_any(&ahead).content.n);
    put_parts(c, tag, out, 0);
    if (out->err != ERR_OK)
        cur_refuse(c);
}
