/* Framing of requests on one connection: bytes in, events out, no I/O
 * (RFC 9112). The same bytes give the same events however they are split.
 *
 *     feed -> MORE ... -> READY_HEAD, accept -> MORE ... -> READY_REQUEST, next -> ...
 *                      -> BAD: the connection can only be closed
 *
 * One thread at a time.
 */
#ifndef HTTP_READER_H
#define HTTP_READER_H

#include "web/http/head.h"

enum http_event {
    HTTP_MORE,          /* all of the input was taken */
    HTTP_READY_HEAD,    /* rq is filled but for its body: call accept, then feed on */
    HTTP_READY_REQUEST, /* rq is whole: answer it, call next, then feed on */
    HTTP_BAD,           /* answer `status`, then close */
};

/* Bytes of bodies held by all readers that share it. */
struct http_budget {
    size_t used, max;
};

struct http_reader {
    const struct http_limits *limits; /* borrowed, all fields set */
    struct http_budget *budget;       /* borrowed */
    unsigned state;
    struct buf head, body;

    size_t line_bytes, lines; /* of the head or trailer being read */
    bool after_cr;

    struct http_head_facts facts;
    uint64_t left; /* bytes of the body or chunk still to come */
    unsigned size_digits;
    size_t overhead;          /* bytes of chunk extensions and trailers so far */
    size_t body_max, charged; /* charged: what the budget was charged with */

    unsigned status; /* HTTP_BAD: to answer with */
    const char *why; /* static: the rule that was broken */
};

void http_reader_init(struct http_reader *r, const struct http_limits *limits,
                      struct http_budget *budget);
void http_reader_clear(struct http_reader *r);

/* Takes from `in` up to the next event, *taken bytes of it. rq keeps views into
 * the reader until next or clear. */
enum http_event http_reader_feed(struct http_reader *r, struct http_request *rq, struct bytes in,
                                 size_t *taken);
/* After HTTP_READY_HEAD: how long the body may be. */
void http_reader_accept(struct http_reader *r, size_t body_max);
/* After HTTP_READY_REQUEST: forgets it. */
void http_reader_next(struct http_reader *r);

/* Nothing of a request was read yet: the connection may be closed without a word. */
bool http_reader_is_idle(const struct http_reader *r);
/* Between the head and the end of its body. */
bool http_reader_in_body(const struct http_reader *r);

#endif
