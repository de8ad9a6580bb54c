/* TCP connections. See conn.h.
 *
 * States: CONNECTING -> OPEN -> LEAVING -> CLOSING. LEAVING is entered by
 * net_conn_finish and waits for two things, our shutdown done and the peer's end
 * seen, or for the timer. CLOSING waits for libuv to let go of both handles; then
 * NET_CLOSED is told and the memory freed. A failure leaves the state as it is:
 * the owner closes.
 *
 * A scan spends most of its time in the system's calls, so two of them are saved
 * for each connection: reading is asked for together with the connect, and the last
 * bytes and the end go out at once, past uv_shutdown.
 */
#include "net/conn.h"

#include "base/os.h"
#include "net/inner.h"

#include <stdlib.h>
#include <string.h>

enum state { CONNECTING, OPEN, LEAVING, CLOSING };

struct net_conn {
    uv_tcp_t tcp;
    uv_timer_t timer;
    union {
        uv_connect_t connect;
        uv_shutdown_t shutdown;
    } request; /* never both under way */
    struct net_loop *loop;
    net_conn_event *event;
    void *context;
    enum state state;
    bool peer_ended, shut;
    uint8_t handles; /* of libuv, still open */
};

/* What the system did not take at once. */
struct pending {
    uv_write_t request;
    struct net_conn *conn;
    char bytes[];
};

static void report(struct net_conn *c, struct net_event event) {
    if (c->state == CONNECTING || c->state == OPEN)
        c->event(c->context, &event);
}

static enum net_failure failure_of(int status) {
    switch (status) {
    case UV_ECONNREFUSED:
        return NET_REFUSED;
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
        return NET_UNREACHABLE;
    case UV_ECONNRESET:
    case UV_ECONNABORTED:
    case UV_EPIPE:
    case UV_ENOTCONN:
        return NET_RESET;
    case UV_ETIMEDOUT:
        return NET_TIMED_OUT;
    default:
        return NET_LOCAL;
    }
}

static void report_failure(struct net_conn *c, int status) {
    report(c, (struct net_event){
                  .kind = NET_FAILED, .failure = failure_of(status), .text = uv_strerror(status)});
}

static void handle_closed(uv_handle_t *handle) {
    struct net_conn *c = handle->data;
    if (--c->handles > 0)
        return;
    struct net_event event = {.kind = NET_CLOSED};
    c->event(c->context, &event);
    free(c);
}

static void close_handles(struct net_conn *c, bool reset) {
    if (c->state == CLOSING)
        return;
    c->state = CLOSING;
    uv_close((uv_handle_t *)&c->timer, handle_closed);
    /* A reset cannot be asked for while a shutdown is under way. */
    if (!reset || uv_tcp_close_reset(&c->tcp, handle_closed))
        uv_close((uv_handle_t *)&c->tcp, handle_closed);
}

static void close_if_left(struct net_conn *c) {
    if (c->state == LEAVING && c->shut && c->peer_ended)
        close_handles(c, false);
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *out) {
    struct net_conn *c = handle->data;
    (void)wanted;
    *out = uv_buf_init(c->loop->read, NET_READ_MAX);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    struct net_conn *c = stream->data;
    if (n > 0) {
        report(c, (struct net_event){.kind = NET_DATA, .data = bytes_of(buffer->base, (size_t)n)});
    } else if (n == UV_EOF) {
        c->peer_ended = true;
        report(c, (struct net_event){.kind = NET_EOF});
        close_if_left(c);
    } else if (n < 0 && c->state == LEAVING) {
        close_handles(c, true);
    } else if (n < 0) {
        report_failure(c, (int)n);
    }
}

static int read_start(struct net_conn *c) {
    int status = uv_read_start((uv_stream_t *)&c->tcp, give_buffer, on_read);
    return status == UV_EALREADY ? 0 : status;
}

static void on_connect(uv_connect_t *request, int status) {
    struct net_conn *c = request->handle->data;
    if (c->state != CONNECTING)
        return;
    if (!status)
        status = read_start(c);
    if (status) {
        report_failure(c, status);
        return;
    }
    c->state = OPEN;
    report(c, (struct net_event){.kind = NET_CONNECTED});
}

static void on_timer(uv_timer_t *timer) {
    struct net_conn *c = timer->data;
    if (c->state == LEAVING)
        close_handles(c, true);
    else
        report(c, (struct net_event){.kind = NET_TIMEOUT});
}

static int start(struct net_conn *c, const struct ip *address, uint16_t port) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const struct sockaddr *to;

    if (address->size == 4) {
        memcpy(&v4.sin_addr, address->bytes, 4);
        to = (const struct sockaddr *)&v4;
    } else {
        memcpy(&v6.sin6_addr, address->bytes, 16);
        to = (const struct sockaddr *)&v6;
    }
    return uv_tcp_connect(&c->request.connect, &c->tcp, to, on_connect);
}

/* For a connection that never was: nobody is told. */
static void ignore_event(void *context, const struct net_event *event) {
    (void)context;
    (void)event;
}

enum err net_conn_open(struct net_loop *l, const struct ip *address, uint16_t port,
                       net_conn_event *event, void *context, struct net_conn **out,
                       struct fault *f) {
    struct net_conn *c = malloc(sizeof *c);
    if (!c)
        return fault_set(f, ERR_MEMORY, "connect", "%s", "");
    memset(c, 0, sizeof *c);
    c->loop = l;
    c->event = event;
    c->context = context;
    int status = uv_tcp_init(&l->uv, &c->tcp);
    if (status) {
        free(c);
        return fault_set(f, ERR_IO, "connect", "%s", uv_strerror(status));
    }
    uv_timer_init(&l->uv, &c->timer);
    c->handles = 2;
    c->tcp.data = c->timer.data = c;

    status = start(c, address, port);
    if (status) {
        c->event = ignore_event;
        close_handles(c, false);
        return fault_set(f, ERR_NETWORK, "connect", "%s", uv_strerror(status));
    }
    (void)read_start(c); /* not on Windows: there it begins once connected */
    *out = c;
    return ERR_OK;
}

void net_conn_deadline(struct net_conn *c, uint64_t in_ms) {
    if (c->state == CONNECTING || c->state == OPEN)
        uv_timer_start(&c->timer, on_timer, in_ms, 0);
}

bool net_conn_local(const struct net_conn *c, struct ip *out) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage room;
    } name;
    int size = sizeof name;
    if (uv_tcp_getsockname(&c->tcp, &name.any, &size))
        return false;
    bool is_v4 = name.any.sa_family == AF_INET;
    *out = ip_of(is_v4 ? bytes_of(&name.v4.sin_addr, 4) : bytes_of(&name.v6.sin6_addr, 16));
    return is_v4 || name.any.sa_family == AF_INET6;
}

static void on_written(uv_write_t *request, int status) {
    struct pending *p = request->data;
    struct net_conn *c = p->conn;
    free(p);
    if (status && status != UV_ECANCELED)
        report_failure(c, status);
}

void net_conn_write(struct net_conn *c, struct bytes b) {
    if (c->state != OPEN || b.n == 0)
        return;
    union {
        const uint8_t *given;
        char *wanted; /* libuv's buffers know no const */
    } start_of = {b.p};
    uv_buf_t now = uv_buf_init(start_of.wanted, (unsigned)b.n);
    int taken = uv_try_write((uv_stream_t *)&c->tcp, &now, 1);
    if (taken == (int)b.n)
        return;
    struct bytes rest = bytes_part(b, taken > 0 ? (size_t)taken : 0, SIZE_MAX);
    struct pending *p = malloc(sizeof *p + rest.n);
    if (!p)
        return; /* the peer will not answer, and the deadline ends it */
    p->conn = c;
    p->request.data = p;
    memcpy(p->bytes, rest.p, rest.n);
    uv_buf_t later = uv_buf_init(p->bytes, (unsigned)rest.n);
    if (uv_write(&p->request, (uv_stream_t *)&c->tcp, &later, 1, on_written))
        free(p);
}

static void on_shutdown(uv_shutdown_t *request, int status) {
    struct net_conn *c = request->handle->data;
    if (c->state != LEAVING)
        return;
    c->shut = true;
    if (status)
        close_handles(c, true);
    else
        close_if_left(c);
}

/* Where something waits to be written the end has to wait too. */
static bool shut_down(struct net_conn *c, struct bytes last) {
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    uv_os_fd_t socket;
    if (uv_stream_get_write_queue_size(stream) == 0) {
        c->shut =
            !uv_fileno((uv_handle_t *)stream, &socket) && os_socket_finish((intptr_t)socket, last);
        return c->shut;
    }
    net_conn_write(c, last);
    return uv_shutdown(&c->request.shutdown, stream, on_shutdown) == 0;
}

void net_conn_finish(struct net_conn *c, struct bytes last) {
    if (c->state == CONNECTING) {
        close_handles(c, false);
        return;
    }
    if (c->state != OPEN)
        return;
    bool is_ending = shut_down(c, last);
    c->state = LEAVING;
    if (!is_ending) {
        close_handles(c, true);
        return;
    }
    uv_timer_start(&c->timer, on_timer, NET_FINISH_MS, 0);
    close_if_left(c);
}

void net_conn_abort(struct net_conn *c) {
    close_handles(c, c->state != CONNECTING);
}
