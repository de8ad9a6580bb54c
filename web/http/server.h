/* The server's inside: one loop with its listeners and connections. Private to
 * web/http; only server.c, listener.c and connection.c know libuv.
 *
 * All fields of a loop belong to its thread but for `finished`, which others
 * reach under its mutex. A server has one loop today; nothing but the hand-over
 * of accepted sockets and the counts of all connections would have to be added
 * for more.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "web/http/pace.h"
#include "web/http/reader.h"
#include "web/http/tls_server.h"

#include "base/thread.h"

#include <stdatomic.h>
#include <uv.h>

enum { HTTP_LISTENERS_MAX = 16, HTTP_TICK_MS = 200 };

union http_handle {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

struct http_listener {
    union http_handle uv; /* data: the listener */
    struct http_loop *loop;
    bool local; /* the control socket */
    bool open;
    unsigned port;
};

struct http_loop {
    struct http_server *server;
    uv_loop_t uv;
    uv_timer_t timer; /* data: the loop */
    uv_async_t wake;  /* data: the loop */
    struct http_listener listeners[HTTP_LISTENERS_MAX];
    size_t listeners_n;
    struct http_connection *connections; /* list */
    size_t connections_n;
    struct http_pace pace; /* of handshakes */
    struct http_budget bodies;
    size_t works; /* in the background or waiting for it */
    uint64_t ticks;
    uint64_t drain_until_ms;
    bool is_draining, is_closed;

    struct mutex *mutex;
    struct http_request *finished; /* list by next: handed in by http_finish */
};

struct http_server {
    const struct env *env;
    struct http_options options; /* limits without zeros; listen and identity are not kept */
    struct tls_identity *identity;
    struct arena arena; /* copies of strings */
    struct http_loop loop;
    atomic_bool stop;
};

/* listener.c */
enum err http_listen_tcp(struct http_loop *loop, const char *address, struct fault *f) MUST_CHECK;
enum err http_listen_control(struct http_loop *loop, const char *name, struct fault *f) MUST_CHECK;
void http_listeners_close(struct http_loop *loop);

/* connection.c */
void http_connection_accept(struct http_listener *listener);
/* Looks at the deadlines of all; called each tick. */
void http_connections_tick(struct http_loop *loop, uint64_t now_ms);
/* Idle ones end, the others after their answer. */
void http_connections_drain(struct http_loop *loop);
void http_connections_abort(struct http_loop *loop); /* all end now */
/* On the loop's thread: the response of rq is ready. */
void http_connection_answer(struct http_request *rq);

/* server.c */
uint64_t http_loop_now_ms(const struct http_loop *loop);            /* monotonic */
struct http_loop *http_request_loop(const struct http_request *rq); /* connection.c */

#endif
