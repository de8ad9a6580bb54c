/* HTTPS requests to one server, one after the other (on libcurl and BearSSL).
 *
 * TLS 1.2 only: this client's library has no 1.3, and a server that speaks nothing
 * else is answered with an error that says so. Blocking; a client belongs to one
 * thread. Redirects are not followed, cookies not kept; a proxy is taken from the
 * environment as curl does (https_proxy, no_proxy).
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include "base/buf.h"
#include "base/env.h"
#include "x509/x509.h"

enum { NET_HTTP_HEADERS_MAX = 16 };

struct net_http;

struct net_http_request {
    const char *method;
    const char *path; /* and query: "/api/v1/agents?x=y" */
    /* "Name: value" each; NULL closes. Host, Content-Length, User-Agent are added. */
    const char *headers[NET_HTTP_HEADERS_MAX + 1];
    struct bytes body;   /* p NULL: none */
    uint64_t timeout_ms; /* for all of it; connecting has at most 10 s of that */
};

struct net_http_response {
    int status;
    struct buf body;        /* the caller's: init with the most that is wanted, and clear */
    char content_type[80];  /* lower case, without parameters; "" if none */
    uint64_t retry_after_s; /* 0: not said */
};

/* base_url is "https://host[:port]", without a path; anchors is who its chain must
 * end at. Both are borrowed. ERR_USAGE where it is no such URL. */
enum err net_http_open(const struct env *env, const char *base_url,
                       const struct x509_trust *anchors, struct net_http **out,
                       struct fault *f) MUST_CHECK;
void net_http_close(struct net_http *h); /* NULL is allowed */

/* ERR_OK with any status of the server. ERR_TLS: it is not who it should be, or
 * speaks no TLS that we know; f->what is "server name", "server address", "root",
 * ... ERR_NETWORK, ERR_TIMEOUT, ERR_LIMIT (body past the buffer's maximum),
 * ERR_INTERRUPTED (env's stop flag). The connection is kept for the next request. */
enum err net_http_send(struct net_http *h, const struct net_http_request *request,
                       struct net_http_response *response, struct fault *f) MUST_CHECK;

/* Splits "https://host[:port][/]" for checks and messages: host without brackets.
 * False where it is none. */
bool net_http_url_read(struct bytes url, struct bytes *host, uint16_t *port);

/* The roots in a file (PEM), or where `file` is NULL the system's own, as x509_trust_read
 * gives them: copies, in the arena. ERR_NOT_FOUND where none of the usual files is there
 * (always so on Windows). */
enum { NET_ROOTS_MAX = 64 << 20 };
enum err net_roots_read(struct arena *a, const char *file, struct x509_trust *out,
                        struct fault *f) MUST_CHECK;

#endif
