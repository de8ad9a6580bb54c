/* IPv4 and IPv6 addresses and ranges of them, with one text form for each
 * (that of base/ip.h).
 *
 * No allocation, no I/O; any thread. Zones ("fe80::1%eth0") are not read.
 */
#ifndef MODEL_ADDRESS_H
#define MODEL_ADDRESS_H

#include "base/buf.h"
#include "base/bytes.h"

struct model_ip {
    uint8_t bytes[16]; /* network order; those past `size` are 0 */
    uint8_t size;      /* 4, 16, or 0 for no address */
};

enum { MODEL_IP_TEXT_MAX = 46 };

/* Dotted decimal without leading zeros; RFC 4291, 2.2 in all its forms. */
bool model_ip_read(struct bytes text, struct model_ip *out);
/* RFC 5952, "" for no address. Returns out. */
const char *model_ip_write(const struct model_ip *ip, char out[MODEL_IP_TEXT_MAX]);

/* An address from raw bytes; no address where n is neither 4 nor 16. */
struct model_ip model_ip_of(struct bytes raw);
/* ::ffff:192.0.2.1 is the IPv4 address 192.0.2.1 to the system, so it is to us:
 * else an exclusion could be walked around. All others are returned as they are. */
struct model_ip model_ip_unmapped(const struct model_ip *ip);
/* IPv4 before IPv6, then by number. */
int model_ip_compare(const struct model_ip *a, const struct model_ip *b);
bool model_ip_equal(const struct model_ip *a, const struct model_ip *b);
/* Adds n; false (and *ip untouched) past the last address of the family. */
bool model_ip_add(struct model_ip *ip, uint64_t n);
/* Minus one; false (and *ip untouched) at the first address of the family. */
bool model_ip_step_back(struct model_ip *ip);

/* 127/8, ::1, and the unspecified addresses, which lead to this host too. */
bool model_ip_is_loopback(const struct model_ip *ip);
bool model_ip_is_link_local(const struct model_ip *ip); /* 169.254/16, fe80::/10 */

/* Both ends belong to it; both are of one family, first <= last. */
struct model_range {
    struct model_ip first, last;
};

enum { MODEL_RANGE_TEXT_MAX = 2 * MODEL_IP_TEXT_MAX };

/* An address, CIDR (bits behind the prefix are cleared) or a-b. IPv4-mapped
 * addresses become IPv4. */
bool model_range_read(struct bytes text, struct model_range *out);
/* The shortest of address, CIDR and a-b. Returns out. */
const char *model_range_write(const struct model_range *r, char out[MODEL_RANGE_TEXT_MAX]);
bool model_range_has(const struct model_range *r, const struct model_ip *ip);
/* How many addresses; false where they do not fit in 64 bits. */
bool model_range_count(const struct model_range *r, uint64_t *count);

#endif
