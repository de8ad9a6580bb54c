/* Addresses and their text. See ip.h. */
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

/* ---- Ranges ---- */

static struct ip unmapped(const struct ip *ip) {
    return is_mapped(ip) ? ip_of(bytes_of(ip->bytes + 12, 4)) : *ip;
}

/* Sets the bits behind the prefix to 0 or 1. */
static struct ip with_tail(const struct ip *ip, unsigned prefix, bool ones) {
    struct ip out = *ip;
    for (unsigned bit = prefix; bit < ip->size * 8u; bit++) {
        uint8_t mask = (uint8_t)(0x80u >> (bit % 8));
        out.bytes[bit / 8] =
            (uint8_t)(ones ? out.bytes[bit / 8] | mask : out.bytes[bit / 8] & ~mask);
    }
    return out;
}

static bool ends_read(struct bytes text, struct ip_range *r) {
    size_t slash = bytes_find(text, bytes_text("/")), dash = bytes_find(text, bytes_text("-"));
    struct ip ip;
    uint64_t prefix;
    if (slash != SIZE_MAX) {
        if (!ip_read(bytes_part(text, 0, slash), &ip) ||
            !decimal_read(bytes_part(text, slash + 1, text.n), ip.size * 8u, &prefix))
            return false;
        r->first = with_tail(&ip, (unsigned)prefix, false);
        r->last = with_tail(&ip, (unsigned)prefix, true);
        return true;
    }
    if (!ip_read(bytes_part(text, 0, dash), &r->first))
        return false;
    r->last = r->first;
    return dash == SIZE_MAX || ip_read(bytes_part(text, dash + 1, text.n), &r->last);
}

bool ip_range_read(struct bytes text, struct ip_range *out) {
    struct ip_range r;
    if (!ends_read(text, &r))
        return false;
    if (is_mapped(&r.first) && is_mapped(&r.last))
        r = (struct ip_range){unmapped(&r.first), unmapped(&r.last)};
    if (r.first.size != r.last.size ||
        memcmp(r.first.bytes, r.last.bytes, sizeof r.first.bytes) > 0)
        return false;
    *out = r;
    return true;
}

bool ip_range_has(const struct ip_range *r, const struct ip *ip) {
    struct ip a = unmapped(ip);
    return a.size > 0 && a.size == r->first.size &&
           memcmp(r->first.bytes, a.bytes, sizeof a.bytes) <= 0 &&
           memcmp(a.bytes, r->last.bytes, sizeof a.bytes) <= 0;
}
