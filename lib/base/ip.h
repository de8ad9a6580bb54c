/* IPv4 and IPv6 addresses as octets and as text. No allocation; any thread. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/bytes.h"

struct ip {
    uint8_t bytes[16]; /* network order; those past `size` are 0 */
    uint8_t size;      /* 4, 16, or 0 for no address */
};

enum { IP_TEXT_MAX = 46 };

/* Dotted decimal without leading zeros; RFC 4291, 2.2 in all its forms, no zone. */
bool ip_read(struct bytes text, struct ip *out);
/* RFC 5952, "" for no address. Returns out. */
const char *ip_write(const struct ip *ip, char out[IP_TEXT_MAX]);
struct ip ip_of(struct bytes raw); /* no address where n is neither 4 nor 16 */

/* Both ends belong to it; both are of one family, first <= last. */
struct ip_range {
    struct ip first, last;
};
/* An address, CIDR (bits behind the prefix are cleared) or a-b. IPv4-mapped addresses
 * (::ffff:192.0.2.1) are the IPv4 ones, here and in ip_range_has. */
bool ip_range_read(struct bytes text, struct ip_range *out);
bool ip_range_has(const struct ip_range *r, const struct ip *ip);

#endif
