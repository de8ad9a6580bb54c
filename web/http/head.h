/* Heads of messages, whole: the only place that knows picohttpparser. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "web/http/http.h"

/* The start of a message as split by the parser; views borrow the head. */
struct http_head {
    struct bytes method, target; /* of a request */
    unsigned status;             /* of a response */
    unsigned minor_version;      /* of HTTP/1.x */
};

/* head ends with the empty line. Fills at most *n headers (values trimmed) and
 * sets *n. False: malformed, obs-fold (RFC 9112, 5.2) included. Lines that end
 * in a bare LF are the caller's to refuse. */
bool http_head_request(struct bytes head, struct http_head *out, struct http_pair *headers,
                       size_t *n);
bool http_head_response(struct bytes head, struct http_head *out, struct http_pair *headers,
                        size_t *n);

/* How a request's body is framed (RFC 9112, 6). */
enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED };

/* What the head of a request says, beyond rq. */
struct http_head_facts {
    enum http_framing framing;
    uint64_t length;  /* HTTP_LENGTH */
    bool close;       /* the peer wants the connection closed afterwards, or speaks HTTP/1.0 */
    bool expects_100; /* it waits for "100 Continue" before the body */
};

/* Reads a whole head into rq (method to has_body) by our rules. 0, or the
 * status to refuse it with, *why then says which rule (static). */
unsigned http_head_read(struct http_request *rq, struct bytes head, struct http_head_facts *facts,
                        const char **why);

#endif
