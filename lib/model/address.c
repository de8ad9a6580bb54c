/* Addresses and ranges. See address.h. Arithmetic on 128 bits is done on two halves. */
#include "model/address.h"

#include "base/ip.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

static bool decimal_read(struct bytes text, uint64_t max, uint64_t *out) {
    bool is_padded = text.n > 1 && text.p[0] == '0';
    return text.n <= 3 && !is_padded && number_read(text, max, out);
}

static struct ip to_base(const struct model_ip *ip) {
    struct ip out = {.size = ip->size};
    memcpy(out.bytes, ip->bytes, sizeof out.bytes);
    return out;
}

bool model_ip_read(struct bytes text, struct model_ip *out) {
    struct ip ip;
    if (!ip_read(text, &ip))
        return false;
    *out = model_ip_of(bytes_of(ip.bytes, ip.size));
    return true;
}

const char *model_ip_write(const struct model_ip *ip, char out[MODEL_IP_TEXT_MAX]) {
    struct ip base = to_base(ip);
    return ip_write(&base, out);
}

struct model_ip model_ip_of(struct bytes raw) {
    struct model_ip ip = {.size = 0};
    if (raw.n != 4 && raw.n != 16)
        return ip;
    memcpy(ip.bytes, raw.p, raw.n);
    ip.size = (uint8_t)raw.n;
    return ip;
}

static bool is_mapped(const struct model_ip *ip) {
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return ip->size == 16 && memcmp(ip->bytes, prefix, sizeof prefix) == 0;
}

struct model_ip model_ip_unmapped(const struct model_ip *ip) {
    return is_mapped(ip) ? model_ip_of(bytes_of(ip->bytes + 12, 4)) : *ip;
}

int model_ip_compare(const struct model_ip *a, const struct model_ip *b) {
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool model_ip_equal(const struct model_ip *a, const struct model_ip *b) {
    return model_ip_compare(a, b) == 0;
}

bool model_ip_add(struct model_ip *ip, uint64_t n) {
    struct model_ip sum = *ip;
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

bool model_ip_step_back(struct model_ip *ip) {
    if (is_zero(ip->bytes, ip->size))
        return false;
    int i = (int)ip->size - 1;
    while (ip->bytes[i] == 0)
        ip->bytes[i--] = 0xff;
    ip->bytes[i]--;
    return true;
}

bool model_ip_is_loopback(const struct model_ip *ip) {
    struct model_ip a = model_ip_unmapped(ip);
    if (a.size == 4)
        return a.bytes[0] == 127 || is_zero(a.bytes, 4);
    return a.size == 16 && is_zero(a.bytes, 15) && a.bytes[15] <= 1;
}

bool model_ip_is_link_local(const struct model_ip *ip) {
    struct model_ip a = model_ip_unmapped(ip);
    if (a.size == 4)
        return a.bytes[0] == 169 && a.bytes[1] == 254;
    return a.size == 16 && a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}

/* Sets the bits behind the prefix to 0 or 1. */
static struct model_ip with_tail(const struct model_ip *ip, unsigned prefix, bool ones) {
    struct model_ip out = *ip;
    for (unsigned i = prefix / 8; i < ip->size; i++) {
        unsigned tail = i == prefix / 8 ? 0xffu >> (prefix % 8) : 0xffu;
        out.bytes[i] = (uint8_t)(ones ? out.bytes[i] | tail : out.bytes[i] & ~tail);
    }
    return out;
}

static bool cidr_read(struct bytes address, struct bytes length, struct model_range *out) {
    struct model_ip ip;
    uint64_t prefix;
    if (!model_ip_read(address, &ip) || !decimal_read(length, ip.size * 8u, &prefix))
        return false;
    out->first = with_tail(&ip, (unsigned)prefix, false);
    out->last = with_tail(&ip, (unsigned)prefix, true);
    return true;
}

bool model_range_read(struct bytes text, struct model_range *out) {
    size_t slash = bytes_find(text, bytes_text("/")), dash = bytes_find(text, bytes_text("-"));
    struct model_range r;
    if (slash != SIZE_MAX) {
        if (!cidr_read(bytes_part(text, 0, slash), bytes_part(text, slash + 1, text.n), &r))
            return false;
    } else {
        if (!model_ip_read(bytes_part(text, 0, dash), &r.first))
            return false;
        r.last = r.first;
        if (dash != SIZE_MAX && !model_ip_read(bytes_part(text, dash + 1, text.n), &r.last))
            return false;
    }
    if (is_mapped(&r.first) && is_mapped(&r.last))
        r = (struct model_range){model_ip_unmapped(&r.first), model_ip_unmapped(&r.last)};
    if (r.first.size != r.last.size || model_ip_compare(&r.first, &r.last) > 0)
        return false;
    *out = r;
    return true;
}

/* The prefix length that makes exactly this range; -1 where it is no CIDR. */
static int prefix_of(const struct model_range *r) {
    for (unsigned prefix = 0; prefix <= r->first.size * 8u; prefix++) {
        struct model_ip low = with_tail(&r->first, prefix, false);
        struct model_ip high = with_tail(&r->first, prefix, true);
        if (model_ip_equal(&low, &r->first) && model_ip_equal(&high, &r->last))
            return (int)prefix;
    }
    return -1;
}

const char *model_range_write(const struct model_range *r, char out[MODEL_RANGE_TEXT_MAX]) {
    char first[MODEL_IP_TEXT_MAX], last[MODEL_IP_TEXT_MAX];
    if (model_ip_equal(&r->first, &r->last))
        return model_ip_write(&r->first, out);
    int prefix = prefix_of(r);
    model_ip_write(&r->first, first);
    if (prefix >= 0)
        snprintf(out, MODEL_RANGE_TEXT_MAX, "%s/%d", first, prefix);
    else
        snprintf(out, MODEL_RANGE_TEXT_MAX, "%s-%s", first, model_ip_write(&r->last, last));
    return out;
}

bool model_range_has(const struct model_range *r, const struct model_ip *ip) {
    struct model_ip a = model_ip_unmapped(ip);
    return a.size == r->first.size && model_ip_compare(&r->first, &a) <= 0 &&
           model_ip_compare(&a, &r->last) <= 0;
}

static uint64_t half_of(const struct model_ip *ip, bool is_high) {
    struct bytes all = bytes_of(ip->bytes, ip->size);
    struct cur c = cur_open(all);
    if (ip->size == 4)
        return is_high ? 0 : cur_u32(&c);
    uint64_t high = cur_u64(&c);
    return is_high ? high : cur_u64(&c);
}

bool model_range_count(const struct model_range *r, uint64_t *count) {
    uint64_t low = half_of(&r->last, false) - half_of(&r->first, false);
    bool borrow = half_of(&r->last, false) < half_of(&r->first, false);
    uint64_t high = half_of(&r->last, true) - half_of(&r->first, true) - borrow;
    if (high != 0 || low == UINT64_MAX)
        return false;
    *count = low + 1;
    return true;
}
