/* Route rows: method and path pattern to handler. The table is the caller's.
 *
 * A pattern is literal but for {name}, which takes one whole, non-empty
 * segment: "/api/v1/certificates/{sha256}/pem". The first row that fits wins.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "web/http/http.h"

struct http_route {
    enum http_method method; /* HEAD is answered by the row of GET */
    const char *pattern;
    unsigned role;   /* the caller's meaning */
    size_t body_max; /* bytes as sent; 0: a body is refused (413) */
    http_handler *handler;
    const char *help; /* one line */
};

/* Fills rq->path_values in the pattern's order. NULL: none fits; *allowed then
 * has the methods (enum http_method bits) of rows whose pattern fits, 0 for
 * none: 405 or 404. */
const struct http_route *http_route_find(const struct http_route *rows, size_t n,
                                         struct http_request *rq, unsigned *allowed);

/* Answers for a row that was not found: 404, 405 with Allow, or 204 with Allow
 * to OPTIONS. */
void http_route_missing(struct http_request *rq, unsigned allowed);

/* Whether the pattern fits, without a request. values may be NULL. */
bool http_pattern_match(const char *pattern, struct bytes path,
                        struct bytes values[HTTP_PATH_VALUES_MAX], size_t *values_n);

#endif
