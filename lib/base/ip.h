/* IPv4 and IPv6 addresses and ranges of them, with one text form for each. Zones
 * ("fe80::1%eth0") are not read. No allocation; any thread. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/bytes.h"

struct ip {
    uint8_t bytes[16]; /* network order; those past `size` are 0 */
    uint8_t size;      /* 4, 16, or 0 for no address */
};

enum { IP_TEXT_MAX = 46 };

/* Dotted decimal without leading zeros; RFC 4291, 2.2 in all its forms. */
bool ip_read(struct bytes text, struct ip *out);
/* RFC 5952, "" for no address. Returns out. */
const char *ip_write(const struct ip *ip, char out[IP_TEXT_MAX]);

struct ip ip_of(struct bytes raw); /* no address where n is neither 4 nor 16 */
/* ::ffff:192.0.2.1 is the IPv4 address 192.0.2.1 to the system, so it is to us:
 * else an exclusion could be walked around. All others are returned as they are. */
struct ip ip_unmapped(const struct ip *ip);
/* IPv4 before IPv6, then by number. */
int ip_compare(const struct ip *a, const struct ip *b);
bool ip_equal(const struct ip *a, const struct ip *b);
/* Adds n; false (and *ip untouched) past the last address of the family. */
bool ip_add(struct ip *ip, uint64_t n);
/* Minus one; false (and *ip untouched) at the first address of the family. */
bool ip_step_back(struct ip *ip);

/* 127/8, ::1, and the unspecified addresses, which lead to this host too. */
bool ip_is_loopback(const struct ip *ip);
bool ip_is_link_local(const struct ip *ip); /* 169.254/16, fe80::/10 */

/* Both ends belong to it; both are of one family, first <= last. */
struct ip_range {
    struct ip first, last;
};

enum { IP_RANGE_TEXT_MAX = 2 * IP_TEXT_MAX };

/* An address, CIDR (bits behind the prefix are cleared) or a-b. IPv4-mapped addresses
 * become IPv4, here and in ip_range_has. */
bool ip_range_read(struct bytes text, struct ip_range *out);
/* The shortest of address, CIDR and a-b. Returns out. */
const char *ip_range_write(const struct ip_range *r, char out[IP_RANGE_TEXT_MAX]);
bool ip_range_has(const struct ip_range *r, const struct ip *ip);
/* How many addresses; false where they do not fit in 64 bits. */
bool ip_range_count(const struct ip_range *r, uint64_t *count);

#endif
