/* Responses as bytes. The building calls are in http.h. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "web/http/http.h"

/* Status 200, no-store, an empty body of at most body_max. */
void http_response_begin(struct http_response *response, size_t body_max);
void http_response_clear(struct http_response *response);

/* What the connection adds. */
struct http_response_frame {
    bool close;    /* Connection: close */
    bool hsts;     /* Strict-Transport-Security */
    int64_t now_s; /* Date */
};

/* Mends what may not be sent (errors in the body or the headers become 500),
 * then appends the head to *head. *body: what follows it, borrowed from rq;
 * empty for HEAD, 204 and 304. */
void http_response_write(struct http_request *rq, const struct http_response_frame *frame,
                         struct buf *head, struct bytes *body);

#endif
