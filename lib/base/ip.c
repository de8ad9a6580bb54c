/* Addresses, their text and ranges. See ip.h. Arithmetic on 128 bits is done on two halves. */
#include "base/ip.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool decimal_read(struct bytes text, uint64_t max, uint64_t *out) {
    bool is_padded = text.n > 1 && text.p[0] == '0';
    return text.n <= 3 && !is_padded && number_read(text, max, out);
}

static bool v4_read(struct bytes text, uint8_t out[4]) {
    struct cur c = cur_open(text);
    for (int i = 0; i < 4; i++) {
        struct bytes part = i < 3 ? cur_until(&c, '.') : cur_take(&c, c.rest.n);
        uint64_t v = 0;
        if (!decimal_read(part, 255, &v))
            return false;
        out[i] = (uint8_t)v;
    }
    return true;
}

static bool hex_group_read(struct bytes text, uint16_t *out) {
    if (text.n < 1 || text.n > 4)
        return false;
    uint8_t digits[4] = {'0', '0', '0', '0'}, raw[2];
    memcpy(digits + 4 - text.n, text.p, text.n);
    if (!hex_read(bytes_of(digits, 4), raw, 2))
        return false;
    *out = (uint16_t)(raw[0] << 8 | raw[1]);
    return true;
}

/* The groups of an IPv6 address as they stand, and where "::" is (-1: nowhere). */
static int v6_groups(struct bytes text, uint16_t groups[8], int *gap) {
    struct cur c = cur_open(text);
    int n = 0;
    *gap = -1;
    if (bytes_starts(text, "::")) {
        cur_take(&c, 2);
        *gap = 0;
    }
    while (c.rest.n > 0) {
        size_t before = c.rest.n;
        struct bytes part = cur_until(&c, ':');
        bool has_colon = before > part.n;
        uint8_t v4[4];
        if (part.n == 0) {
            if (*gap >= 0 || n == 0)
                return -1;
            *gap = n;
        } else if (!has_colon && n <= 6 && v4_read(part, v4)) {
            groups[n++] = (uint16_t)(v4[0] << 8 | v4[1]);
            groups[n++] = (uint16_t)(v4[2] << 8 | v4[3]);
        } else if (n == 8 || !hex_group_read(part, &groups[n++]) || (has_colon && c.rest.n == 0)) {
            return -1;
        }
    }
    return n;
}

static bool v6_read(struct bytes text, struct ip *out) {
    uint16_t groups[8];
    int gap, n = v6_groups(text, groups, &gap);
    if (n < 0 || (gap < 0 ? n != 8 : n > 7))
        return false;
    *out = (struct ip){.size = 16};
    for (int i = 0; i < n; i++) {
        int at = gap >= 0 && i >= gap ? i + 8 - n : i;
        out->bytes[2 * at] = (uint8_t)(groups[i] >> 8);
        out->bytes[2 * at + 1] = (uint8_t)groups[i];
    }
    return true;
}

bool ip_read(struct bytes text, struct ip *out) {
    if (bytes_find(text, bytes_text(":")) != SIZE_MAX)
        return v6_read(text, out);
    uint8_t v4[4];
    if (!v4_read(text, v4))
        return false;
    *out = ip_of(bytes_of(v4, 4));
    return true;
}

struct ip ip_of(struct bytes raw) {
    struct ip ip = {.size = 0};
    if (raw.n != 4 && raw.n != 16)
        return ip;
    memcpy(ip.bytes, raw.p, raw.n);
    ip.size = (uint8_t)raw.n;
    return ip;
}

static bool is_mapped(const struct ip *ip) {
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return ip->size == 16 && memcmp(ip->bytes, prefix, sizeof prefix) == 0;
}

static unsigned group_at(const struct ip *ip, int i) {
    return (unsigned)ip->bytes[2 * i] << 8 | ip->bytes[2 * i + 1];
}

/* The longest run of zero groups, the first of equals; RFC 5952, 4.2: one alone is no run. */
static int longest_run(const struct ip *ip, int *length) {
    int best = -1;
    *length = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && group_at(ip, i + n) == 0)
            n++;
        if (n > *length) {
            best = i;
            *length = n;
        }
    }
    return best;
}

static const char *v6_write(const struct ip *ip, char out[IP_TEXT_MAX]) {
    int length, run = longest_run(ip, &length);
    size_t n = 0;
    for (int i = 0; i < 8; i++) {
        if (i == run) {
            n += (size_t)snprintf(out + n, IP_TEXT_MAX - n, i == 0 ? "::" : ":");
            i += length - 1;
            continue;
        }
        n += (size_t)snprintf(out + n, IP_TEXT_MAX - n, i < 7 ? "%x:" : "%x", group_at(ip, i));
    }
    return out;
}

/* By hand: a scan writes several for each endpoint, and printf is slow. */
static void v4_write(const uint8_t b[4], char *out) {
    for (size_t i = 0; i < 4; i++) {
        if (b[i] >= 100)
            *out++ = (char)('0' + b[i] / 100);
        if (b[i] >= 10)
            *out++ = (char)('0' + b[i] / 10 % 10);
        *out++ = (char)('0' + b[i] % 10);
        *out++ = i < 3 ? '.' : '\0';
    }
}

const char *ip_write(const struct ip *ip, char out[IP_TEXT_MAX]) {
    out[0] = '\0';
    if (ip->size == 16 && !is_mapped(ip))
        return v6_write(ip, out);
    if (ip->size == 0)
        return out;
    size_t mapped = ip->size == 16 ? 12 : 0;
    if (mapped > 0)
        memcpy(out, "::ffff:", sizeof "::ffff:");
    v4_write(ip->bytes + mapped, out + strlen(out));
    return out;
}

/* ---- Numbers ---- */

struct ip ip_unmapped(const struct ip *ip) {
    return is_mapped(ip) ? ip_of(bytes_of(ip->bytes + 12, 4)) : *ip;
}

int ip_compare(const struct ip *a, const struct ip *b) {
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool ip_equal(const struct ip *a, const struct ip *b) {
    return ip_compare(a, b) == 0;
}

bool ip_add(struct ip *ip, uint64_t n) {
    struct ip sum = *ip;
    uint64_t carry = n;
    for (int i = (int)ip->size - 1; i >= 0; i--) {
        /* carry passes 64 bits nowhere: a byte is split off in every step. */
        uint64_t low = (carry & 0xff) + sum.bytes[i];
        sum.bytes[i] = (uint8_t)low;
        carry = (carry >> 8) + (low >> 8);
    }
    if (carry != 0)
        return false;
    *ip = sum;
    return true;
}

static bool is_zero(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

bool ip_step_back(struct ip *ip) {
    if (is_zero(ip->bytes, ip->size))
        return false;
    int i = (int)ip->size - 1;
    while (ip->bytes[i] == 0)
        ip->bytes[i--] = 0xff;
    ip->bytes[i]--;
    return true;
}

bool ip_is_loopback(const struct ip *ip) {
    struct ip a = ip_unmapped(ip);
    if (a.size == 4)
        return a.bytes[0] == 127 || is_zero(a.bytes, 4);
    return a.size == 16 && is_zero(a.bytes, 15) && a.bytes[15] <= 1;
}

bool ip_is_link_local(const struct ip *ip) {
    struct ip a = ip_unmapped(ip);
    if (a.size == 4)
        return a.bytes[0] == 169 && a.bytes[1] == 254;
    return a.size == 16 && a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}

/* ---- Ranges ---- */

/* Sets the bits behind the prefix to 0 or 1. */
static struct ip with_tail(const struct ip *ip, unsigned prefix, bool ones) {
    struct ip out = *ip;
    for (unsigned i = prefix / 8; i < ip->size; i++) {
        unsigned tail = i == prefix / 8 ? 0xffu >> (prefix % 8) : 0xffu;
        out.bytes[i] = (uint8_t)(ones ? out.bytes[i] | tail : out.bytes[i] & ~tail);
    }
    return out;
}

static bool cidr_read(struct bytes address, struct bytes length, struct ip_range *out) {
    struct ip ip;
    uint64_t prefix;
    if (!ip_read(address, &ip) || !decimal_read(length, ip.size * 8u, &prefix))
        return false;
    out->first = with_tail(&ip, (unsigned)prefix, false);
    out->last = with_tail(&ip, (unsigned)prefix, true);
    return true;
}

bool ip_range_read(struct bytes text, struct ip_range *out) {
    size_t slash = bytes_find(text, bytes_text("/")), dash = bytes_find(text, bytes_text("-"));
    struct ip_range r;
    if (slash != SIZE_MAX) {
        if (!cidr_read(bytes_part(text, 0, slash), bytes_part(text, slash + 1, text.n), &r))
            return false;
    } else {
        if (!ip_read(bytes_part(text, 0, dash), &r.first))
            return false;
        r.last = r.first;
        if (dash != SIZE_MAX && !ip_read(bytes_part(text, dash + 1, text.n), &r.last))
            return false;
    }
    if (is_mapped(&r.first) && is_mapped(&r.last))
        r = (struct ip_range){ip_unmapped(&r.first), ip_unmapped(&r.last)};
    if (r.first.size != r.last.size || ip_compare(&r.first, &r.last) > 0)
        return false;
    *out = r;
    return true;
}

/* The prefix length that makes exactly this range; -1 where it is no CIDR. */
static int prefix_of(const struct ip_range *r) {
    for (unsigned prefix = 0; prefix <= r->first.size * 8u; prefix++) {
        struct ip low = with_tail(&r->first, prefix, false);
        struct ip high = with_tail(&r->first, prefix, true);
        if (ip_equal(&low, &r->first) && ip_equal(&high, &r->last))
            return (int)prefix;
    }
    return -1;
}

const char *ip_range_write(const struct ip_range *r, char out[IP_RANGE_TEXT_MAX]) {
    char first[IP_TEXT_MAX], last[IP_TEXT_MAX];
    if (ip_equal(&r->first, &r->last))
        return ip_write(&r->first, out);
    int prefix = prefix_of(r);
    ip_write(&r->first, first);
    if (prefix >= 0)
        snprintf(out, IP_RANGE_TEXT_MAX, "%s/%d", first, prefix);
    else
        snprintf(out, IP_RANGE_TEXT_MAX, "%s-%s", first, ip_write(&r->last, last));
    return out;
}

bool ip_range_has(const struct ip_range *r, const struct ip *ip) {
    struct ip a = ip_unmapped(ip);
    return a.size > 0 && a.size == r->first.size && ip_compare(&r->first, &a) <= 0 &&
           ip_compare(&a, &r->last) <= 0;
}

static uint64_t half_of(const struct ip *ip, bool is_high) {
    struct bytes all = bytes_of(ip->bytes, ip->size);
    struct cur c = cur_open(all);
    if (ip->size == 4)
        return is_high ? 0 : cur_u32(&c);
    uint64_t high = cur_u64(&c);
    return is_high ? high : cur_u64(&c);
}

bool ip_range_count(const struct ip_range *r, uint64_t *count) {
    uint64_t low = half_of(&r->last, false) - half_of(&r->first, false);
    bool borrow = half_of(&r->last, false) < half_of(&r->first, false);
    uint64_t high = half_of(&r->last, true) - half_of(&r->first, true) - borrow;
    if (high != 0 || low == UINT64_MAX)
        return false;
    *count = low + 1;
    return true;
}
