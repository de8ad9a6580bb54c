/* What the files of the room share. Private to it. */
#ifndef CA_INNER_H
#define CA_INNER_H

#include "ca/ca.h"

/* What keeps a text from being a DNS name that a certificate may hold, "*." before it
 * allowed where `wildcard` says so; NULL: nothing. */
const char *ca_dns_fault(struct bytes name, bool wildcard);

/* The row of ca_key_name for a key; false: none. */
bool ca_key_row(const struct x509_key *key, size_t *row);

/* The built-in authority's row; see ca.h. */
extern const struct ca_authority ca_builtin;

#endif
