/* The HTTP/1.1 server: listeners, TLS 1.2, framing, limits (RFC 9110, RFC 9112).
 *
 * One handler is called for each request that is whole and well framed; what
 * is malformed, too large, too slow or too much is answered here. The routes,
 * users and meaning of requests are the caller's (web/api). The server knows
 * no files: pages come as assets out of the binary.
 *
 *     admit (head is there) -> body is read -> handler -> response
 *
 * Both callbacks run on the loop's thread and must not block. Slow work goes to
 * http_work; whoever waits for another thread returns HTTP_LATER.
 *
 * Left out: HTTP/2, TLS 1.3, ranges, compression of made answers, streaming of
 * bodies (a body is in memory, within the limit that admit gives).
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/env.h"

/* CONNECT, TRACE and unknown methods are answered 501 before admit. */
enum http_method {
    HTTP_GET = 1u << 0,
    HTTP_HEAD = 1u << 1, /* answer as GET: the body is left away here */
    HTTP_POST = 1u << 2,
    HTTP_PUT = 1u << 3,
    HTTP_DELETE = 1u << 4,
    HTTP_PATCH = 1u << 5,
    HTTP_OPTIONS = 1u << 6,
};
const char *http_method_name(enum http_method m);

struct http_pair {
    struct bytes name, value;
};

enum {
    HTTP_ADDRESS_MAX = 64, /* text of a peer's address */
    HTTP_HEADERS_MAX = 64, /* of a request, then 431 */
    HTTP_PARAMS_MAX = 32,  /* of a query, then 400 */
    HTTP_RESPONSE_HEADERS_MAX = 16,
    HTTP_PATH_VALUES_MAX = 4, /* {x} in a pattern of http_route.h */
};

/* An embedded file: made by the host tool web/gui/embed.c. */
struct http_asset {
    const char *path; /* as requested: "/gui/app.js" */
    const char *type; /* "text/javascript; charset=utf-8" */
    const char *etag; /* hex, without quotes */
    const uint8_t *bytes;
    size_t n;  /* of bytes as embedded */
    bool gzip; /* bytes are gzip (only where that is smaller) */
};

/* The answer under way. Zeroed but for status 200, Cache-Control no-store and
 * an empty body; fill it and return HTTP_DONE (or http_finish). Content-Length,
 * Date, Connection and the security headers are added here. */
struct http_response {
    unsigned status;
    const char *content_type;       /* static or in the arena; NULL where there is no body */
    const char *cache_control;      /* the same; NULL: none */
    struct buf body;                /* ERR_LIMIT in it becomes 500 */
    const struct http_asset *asset; /* in place of body; set by http_asset_answer */
    struct http_pair headers[HTTP_RESPONSE_HEADERS_MAX];
    size_t headers_n;
    bool close;   /* end the connection after this answer */
    enum err err; /* sticky: a header that may not be sent; becomes 500 */
};

struct http_connection; /* opaque */

/* All views are borrowed: valid until the response has been handed in
 * (HTTP_DONE, http_finish), also when the peer is gone meanwhile. */
struct http_request {
    enum http_method method;
    /* As sent, for signatures (RFC 9421, 2.2): raw_query is without its "?". */
    struct bytes raw_path, raw_query;
    bool has_query;
    /* Percent-decoded UTF-8 that begins with "/", without control characters,
     * encoded slashes, "." or ".." segments (those are 400); "*" for OPTIONS. */
    struct bytes path;
    struct http_pair params[HTTP_PARAMS_MAX]; /* of the query, decoded, "+" is a blank */
    size_t params_n;
    struct http_pair headers[HTTP_HEADERS_MAX]; /* values without outer blanks */
    size_t headers_n;
    struct bytes host; /* of the target or the Host header, with its port; "" in HTTP/1.0 */
    struct bytes body; /* decoded from chunks, Content-Encoding as sent; empty in admit */
    bool has_body;     /* Content-Length or Transfer-Encoding was there */

    const char *peer; /* "192.0.2.1", "2001:db8::1"; "local" for the control socket */
    bool local;       /* came by the control socket: who may open it is administrator */
    bool secure;      /* came by TLS */
    int64_t time_s;   /* when the head was whole, UTC */

    struct arena arena; /* of this request, options' arena_max */
    struct http_response response;

    /* For the caller: */
    struct bytes path_values[HTTP_PATH_VALUES_MAX]; /* by http_route_find */
    size_t path_values_n;
    void *user; /* NULL at admit; kept from admit to handler */

    struct http_connection *connection; /* private */
    struct http_request *next;          /* private */
};

/* The first header of that name (case-insensitive), joined by no one: the
 * view has p NULL where there is none. */
struct bytes http_header(const struct http_request *rq, const char *name);
size_t http_header_count(const struct http_request *rq, const char *name);
/* The first parameter of that name; p NULL where there is none. */
struct bytes http_param(const struct http_request *rq, const char *name);
/* The value of a cookie (RFC 6265, 4.2.1); p NULL where there is none or
 * more than one of that name. */
struct bytes http_cookie(const struct http_request *rq, const char *name);

/* Adds a header to the response. name is static; value is copied into the
 * arena. Control characters in it or too many headers set response.err. */
void http_response_header(struct http_request *rq, const char *name, const char *value);
/* Forgets body, asset and headers, sets the status: to answer otherwise than begun. */
void http_response_reset(struct http_request *rq, unsigned status);
/* reset, then application/problem+json (RFC 9457) with the err table's name as
 * "code" and its HTTP status. detail and field may be NULL; foreign text is safe in them. */
void http_response_problem(struct http_request *rq, enum err code, const char *detail,
                           const char *field);
/* The same with another status than the table's, e.g. 405. */
void http_response_problem_status(struct http_request *rq, unsigned status, enum err code,
                                  const char *detail, const char *field);
/* The standard phrase, "Not Found". */
const char *http_status_text(unsigned status);

/* Answers with an asset: 200, or 304 where If-None-Match has its ETag; gzip where
 * the client takes it, else unpacked. GET and HEAD only, others 405. */
void http_asset_answer(struct http_request *rq, const struct http_asset *asset);
/* By path, in a table sorted by path (as embed.c writes it); NULL: none. */
const struct http_asset *http_asset_find(const struct http_asset *rows, size_t n,
                                         struct bytes path);

enum http_verdict {
    HTTP_DONE, /* the response is ready */
    HTTP_LATER /* http_finish will be called for it, exactly once */
};

typedef enum http_verdict http_handler(void *context, struct http_request *rq);
/* Called when the head is there: sets how long the body may be (as sent, 413
 * beyond) and returns true; or fills the response and returns false, to answer
 * without reading the body. rq->user may be set to be found by the handler. */
typedef bool http_admit(void *context, struct http_request *rq, size_t *body_max);

/* Any thread, once for each HTTP_LATER; rq is gone afterwards. May come before
 * the handler has returned. */
void http_finish(struct http_request *rq);

/* Runs work(rq, argument) on a background thread, then after(rq, argument) on
 * the loop's thread, whose verdict counts (after may be NULL: HTTP_DONE).
 * Return what this returns: HTTP_LATER, or HTTP_DONE with 503 in the response
 * where too much is waiting already. For what takes more than a millisecond
 * (Argon2id). Between them nobody else touches rq. */
typedef void http_work_run(struct http_request *rq, void *argument);
typedef enum http_verdict http_work_after(struct http_request *rq, void *argument);
enum http_verdict http_work(struct http_request *rq, http_work_run *work, http_work_after *after,
                            void *argument);

/* Zero in a field: the default in brackets. */
struct http_limits {
    size_t connections; /* [2048] at once, all listeners */
    size_t
        connections_per_address; /* [256]; an IPv6 /64 is one address; not for the control socket */
    size_t handshakes_per_second; /* [50] begun by one address (a /64), after as many at once;
                                     more wait for their turn, or are closed after handshake_ms */
    size_t head_bytes;            /* [16 KiB] request line and headers, then 431 */
    size_t target_bytes;          /* [8 KiB] then 414 */
    size_t bodies_bytes;          /* [512 MiB] of all requests under way, then 503 */
    size_t response_bytes;        /* [256 MiB] of one response's body */
    size_t arena_bytes;           /* [64 MiB] of one request */
    size_t works;                 /* [64] waiting in http_work, then 503 */
    uint64_t handshake_ms;        /* [10 s] TCP accept to TLS done */
    uint64_t head_ms;             /* [10 s] first byte to whole head */
    uint64_t idle_ms;             /* [75 s] between requests */
    uint64_t transfer_ms;         /* [30 s] for a body or an answer, plus 1 ms a byte (1 KB/s) */
    uint64_t drain_ms;            /* [10 s] to finish what is under way after stop */
};

/* What the server shows in TLS. Borrowed during the call only. */
struct http_identity {
    struct bytes key_der;      /* PKCS#8, SEC 1 or PKCS#1; EC P-256/384/521 or RSA to 4096 bits */
    const struct bytes *chain; /* DER, the server's own first, root included where it is ours */
    size_t chain_n;            /* at most HTTP_CHAIN_MAX */
};
enum { HTTP_CHAIN_MAX = 8 };

struct http_options {
    /* "127.0.0.1:8443", "[::1]:8443", ":8443" (all, both families); port 0: a free one. */
    const char *const *listen;
    size_t listen_n;
    struct http_identity identity; /* needed where listen_n > 0 */
    const char *control;           /* socket or pipe name (os_control_name); NULL: none */
    const char *name;              /* DNS name of the server: HSTS is sent; NULL: not */
    http_admit *admit;             /* NULL: bodies up to 1 MiB */
    http_handler *handler;
    void (*tick)(void *context); /* about once a second on the loop's thread; may be NULL */
    void *context;               /* handed to admit, handler, tick */
    struct http_limits limits;
};

struct http_server; /* opaque */

/* Binds and listens, so that errors are known before run. Options are copied
 * but for context. ERR_CONFLICT: address in use. ERR_FORMAT: key or chain.
 * ERR_USAGE: an address that cannot be read. */
enum err http_server_open(const struct env *env, const struct http_options *options,
                          struct http_server **out, struct fault *f) MUST_CHECK;
/* The port of listen[i]. */
unsigned http_server_port(const struct http_server *s, size_t i);
/* Serves in the calling thread until http_server_stop or *env->stop; finishes
 * what is under way, at most drain_ms (but waits for HTTP_LATER without end). */
enum err http_server_run(struct http_server *s, struct fault *f) MUST_CHECK;
/* Another key and chain for connections that come from now on. On the loop's
 * thread (tick, handler) or before run. On failure the old one stays. */
enum err http_server_identity(struct http_server *s, const struct http_identity *identity,
                              struct fault *f) MUST_CHECK;
void http_server_stop(struct http_server *s);  /* any thread */
void http_server_close(struct http_server *s); /* not while it runs; NULL is allowed */

#endif
