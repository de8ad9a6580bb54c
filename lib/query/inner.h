/* What the files of lib/query share. */
#ifndef QUERY_INNER_H
#define QUERY_INNER_H

#include "query/query.h"

/* A value as it was written. */
struct query_written {
    struct bytes text; /* of a quoted one: unescaped, in the arena */
    bool quoted;
};

const struct query_field_row *query_field_find(struct bytes name); /* NULL: none */
const char *query_field_near(struct bytes name);                   /* NULL: none */
const struct query_state_row *query_state_find(struct bytes name); /* NULL: none */

/* False: no memory. */
bool query_pattern_make(struct arena *a, const struct query_written *v, bool whole,
                        struct query_pattern *out);

/* Fills the term's value by its type. False: `why` (QUERY_ERROR_MAX bytes) says what is
 * expected, where the arena has no error. */
bool query_value_read(struct arena *a, const struct query_written *v, int64_t now_s,
                      struct query_term *t, char *why);
/* A text without a field. */
bool query_text_read(struct arena *a, const struct query_written *v, struct query_term *t);
/* Letters and digits only, small: how keys are compared. */
struct bytes query_key_word(struct bytes text, char *room, size_t size);
/* "TLSv1.2", "1.2", "sslv3" as 0x0303 and so on; -1: none. */
int64_t query_tls_version(struct bytes text);

#endif
