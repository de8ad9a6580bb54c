/* One connection: reads, TLS, framing, handler, answer. See server.h.
 *
 * Phases and transitions:
 *
 *   HANDSHAKE  TLS is not yet up                        -> READING
 *   READING    waiting for a request, or in one         -> HANDLING | ANSWERING (refused)
 *   HANDLING   the handler has it; nothing is read      -> ANSWERING
 *   ANSWERING  the response goes out; nothing is read   -> READING | LINGERING
 *   LINGERING  our side is shut; what comes is dropped  -> CLOSED
 *   CLOSED     the handle is closing or gone; freed when no handler has the request
 *
 * `pump` moves bytes as far as they go after every event. The input buffer is
 * given to libuv only while it is empty, and while bytes of the next request
 * lie in it nothing is read: that is the back-pressure on pipelining.
 */
#include "web/http/response.h"
#include "web/http/server.h"

#include "crypto/crypto.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum phase { HANDSHAKE, READING, HANDLING, ANSWERING, LINGERING, CLOSED };

enum {
    IN_BYTES = 16384,
    OUT_BYTES = 32768, /* enough to begin a write */
    OUT_MAX = 131072,
    HEAD_MAX = 262144, /* of a response */
    LINGER_MS = 2000,  /* for the peer to read our last words before a reset could drop them */
};

struct http_connection {
    union http_handle uv; /* data: the connection */
    struct http_loop *loop;
    struct http_connection *next, *previous;
    struct tls_server *tls; /* NULL on the control socket */
    enum phase phase;
    bool local;
    bool busy; /* a handler, a thread or the background has rq */
    bool is_reading, is_writing, is_shut, is_handle_closed;
    bool eof;             /* the peer sends no more */
    bool close_after;     /* this answer is the last */
    uint64_t deadline_ms; /* 0: none */
    uint64_t begin_ms;    /* the handshake waits until then; 0: it does not */

    char peer[HTTP_ADDRESS_MAX];
    uint8_t address_key[HTTP_ADDRESS_KEY]; /* what counts as one address */

    uint8_t in[IN_BYTES];
    struct bytes in_rest; /* of `in`, not yet taken */
    struct http_reader reader;
    struct http_request rq;

    struct buf head;                   /* of the answer */
    struct bytes head_rest, body_rest; /* not yet taken by TLS or out */
    bool unflushed;
    struct buf out, sending; /* sending belongs to the write under way */
    uv_write_t write;
    uv_shutdown_t shutdown;
};

static void pump(struct http_connection *c);

struct http_loop *http_request_loop(const struct http_request *rq) {
    return rq->connection->loop;
}

static const struct http_limits *limits_of(const struct http_connection *c) {
    return &c->loop->server->options.limits;
}

static void set_deadline(struct http_connection *c, uint64_t ms) {
    c->deadline_ms = http_loop_now_ms(c->loop) + ms;
}

/* Each byte buys a millisecond, but nobody saves up. */
static void extend_deadline(struct http_connection *c, size_t bytes) {
    uint64_t latest = http_loop_now_ms(c->loop) + limits_of(c)->transfer_ms;
    c->deadline_ms += bytes;
    if (c->deadline_ms > latest)
        c->deadline_ms = latest;
}

/* ---- beginning and end ------------------------------------------------------ */

static void begin_request(struct http_connection *c) {
    c->rq = (struct http_request){
        .peer = c->peer, .local = c->local, .secure = c->tls != NULL, .connection = c};
    arena_init(&c->rq.arena, limits_of(c)->arena_bytes);
    http_response_begin(&c->rq.response, limits_of(c)->response_bytes);
    c->rq.arena.wipe = c->rq.response.body.wipe = crypto_wipe;
    set_deadline(c, limits_of(c)->idle_ms);
}

static void end_request(struct http_connection *c) {
    arena_clear(&c->rq.arena);
    http_response_clear(&c->rq.response);
    buf_clear(&c->head);
    http_reader_next(&c->reader);
}

static void link_connection(struct http_connection *c) {
    struct http_loop *loop = c->loop;
    c->next = loop->connections;
    if (c->next != NULL)
        c->next->previous = c;
    loop->connections = c;
    loop->connections_n++;
}

static void unlink_connection(struct http_connection *c) {
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        c->loop->connections = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    c->loop->connections_n--;
}

static void free_if_done(struct http_connection *c) {
    if (!c->is_handle_closed || c->busy)
        return;
    unlink_connection(c);
    end_request(c);
    http_reader_clear(&c->reader);
    tls_server_close(c->tls);
    buf_clear(&c->out);
    buf_clear(&c->sending);
    crypto_wipe(c, sizeof *c);
    free(c);
}

static void on_closed(uv_handle_t *handle) {
    struct http_connection *c = handle->data;
    c->is_handle_closed = true;
    free_if_done(c);
}

static void close_now(struct http_connection *c) {
    if (c->phase == CLOSED)
        return;
    c->phase = CLOSED;
    c->deadline_ms = 0;
    uv_close(&c->uv.handle, on_closed);
}

static void begin_linger(struct http_connection *c) {
    c->phase = LINGERING;
    c->in_rest = bytes_of(NULL, 0);
    if (c->tls != NULL)
        tls_server_end(c->tls);
    set_deadline(c, LINGER_MS);
}

/* ---- output ----------------------------------------------------------------- */

static size_t put_plain(struct http_connection *c, struct bytes plain) {
    if (c->tls != NULL)
        return tls_server_put(c->tls, plain);
    if (c->out.n >= OUT_BYTES)
        return 0;
    struct bytes piece = bytes_part(plain, 0, OUT_BYTES);
    buf_put(&c->out, piece);
    return c->out.err == ERR_OK ? piece.n : 0;
}

static bool put_rest(struct http_connection *c, struct bytes *rest) {
    size_t n = rest->n > 0 ? put_plain(c, *rest) : 0;
    *rest = bytes_part(*rest, n, rest->n);
    c->unflushed = c->unflushed || n > 0;
    return n > 0;
}

static bool put_answer(struct http_connection *c) {
    bool moved = put_rest(c, &c->head_rest);
    if (c->head_rest.n == 0)
        moved = put_rest(c, &c->body_rest) || moved;
    if (c->unflushed && c->head_rest.n == 0 && c->body_rest.n == 0) {
        c->unflushed = false;
        if (c->tls != NULL)
            tls_server_flush(c->tls);
        moved = true;
    }
    return moved;
}

static bool take_tls_output(struct http_connection *c) {
    size_t before = c->out.n;
    if (c->tls != NULL)
        tls_server_output(c->tls, &c->out, OUT_BYTES);
    return c->out.n != before;
}

static bool is_sent(const struct http_connection *c) {
    return c->head_rest.n == 0 && c->body_rest.n == 0 && !c->unflushed && c->out.n == 0 &&
           !c->is_writing;
}

static void on_written(uv_write_t *write, int status) {
    struct http_connection *c = write->handle->data;
    size_t n = c->sending.n;
    c->is_writing = false;
    buf_reset(&c->sending);
    if (c->phase == CLOSED)
        return;
    if (status != 0) {
        close_now(c);
        return;
    }
    if (c->phase == ANSWERING)
        extend_deadline(c, n);
    pump(c);
}

static void start_write(struct http_connection *c) {
    if (c->is_writing || c->out.n == 0 || c->phase == CLOSED)
        return;
    struct buf ready = c->out;
    c->out = c->sending;
    c->sending = ready;
    uv_buf_t piece = uv_buf_init((char *)c->sending.p, (unsigned)c->sending.n);
    c->is_writing = true;
    if (uv_write(&c->write, &c->uv.stream, &piece, 1, on_written) != 0) {
        c->is_writing = false;
        close_now(c);
    }
}

/* ---- requests --------------------------------------------------------------- */

/* What is logged is printable: the path as sent, the peer as we wrote it. */
static void log_answer(const struct http_connection *c) {
    const struct http_request *rq = &c->rq;
    enum log_level level = rq->response.status >= 500 ? LOG_WARN : LOG_DEBUG;
    log_line(c->loop->server->env, level, "request", "peer=%s method=%s path=%.*s status=%u",
             c->peer, http_method_name(rq->method),
             (int)(rq->raw_path.n < 200 ? rq->raw_path.n : 200),
             rq->raw_path.p != NULL ? (const char *)rq->raw_path.p : "", rq->response.status);
}

static void begin_answer(struct http_connection *c) {
    const struct http_server *s = c->loop->server;
    c->busy = false;
    c->close_after =
        c->rq.response.close || c->reader.facts.close || c->eof || c->loop->is_draining;
    struct http_response_frame frame = {.close = c->close_after,
                                        .hsts = c->tls != NULL && s->options.name != NULL,
                                        .now_s = env_now_s(s->env)};
    buf_init(&c->head, HEAD_MAX);
    c->head.wipe = crypto_wipe;
    http_response_write(&c->rq, &frame, &c->head, &c->body_rest);
    log_answer(c);
    if (c->head.err != ERR_OK) {
        close_now(c);
        return;
    }
    c->head_rest = buf_bytes(&c->head);
    c->phase = ANSWERING;
    set_deadline(c, limits_of(c)->transfer_ms);
}

void http_connection_answer(struct http_request *rq) {
    struct http_connection *c = rq->connection;
    if (c->phase == CLOSED) {
        c->busy = false;
        free_if_done(c);
        return;
    }
    begin_answer(c);
    pump(c);
}

static enum err code_of_status(unsigned status) {
    switch (status) {
    case 408:
        return ERR_TIMEOUT;
    case 413:
    case 414:
    case 431:
        return ERR_LIMIT;
    case 417:
    case 501:
    case 505:
        return ERR_UNSUPPORTED;
    case 503:
        return ERR_BUSY;
    default:
        return ERR_FORMAT;
    }
}

static void refuse(struct http_connection *c, unsigned status, const char *why) {
    http_response_problem_status(&c->rq, status, code_of_status(status), why, NULL);
    c->rq.response.close = true;
    begin_answer(c);
}

static void handle(struct http_connection *c) {
    const struct http_options *o = &c->loop->server->options;
    c->phase = HANDLING;
    c->busy = true;
    c->deadline_ms = 0;
    if (o->handler(o->context, &c->rq) == HTTP_DONE)
        begin_answer(c);
}

static bool ask_admission(struct http_connection *c, size_t *body_max) {
    const struct http_options *o = &c->loop->server->options;
    *body_max = (size_t)1 << 20;
    return o->admit == NULL || o->admit(o->context, &c->rq, body_max);
}

static struct bytes plain_input(struct http_connection *c) {
    return c->tls != NULL ? tls_server_plain(c->tls) : c->in_rest;
}

static void drop_plain(struct http_connection *c, size_t n) {
    if (c->tls != NULL)
        tls_server_taken(c->tls, n);
    else
        c->in_rest = bytes_part(c->in_rest, n, c->in_rest.n);
}

/* The head is there. What the reader says next: more for the body, whole at
 * once, or too long. */
static enum http_event admit(struct http_connection *c) {
    size_t body_max, taken;
    c->rq.time_s = env_now_s(c->loop->server->env);
    if (!ask_admission(c, &body_max)) {
        c->rq.response.close = c->rq.response.close || c->rq.has_body;
        begin_answer(c);
        return HTTP_READY_HEAD;
    }
    http_reader_accept(&c->reader, body_max);
    enum http_event event = http_reader_feed(&c->reader, &c->rq, bytes_of(NULL, 0), &taken);
    if (event == HTTP_MORE) {
        set_deadline(c, limits_of(c)->transfer_ms);
        if (c->reader.facts.expects_100 && plain_input(c).n == 0)
            c->head_rest = bytes_text("HTTP/1.1 100 Continue\r\n\r\n");
    }
    return event;
}

static bool read_request(struct http_connection *c) {
    struct bytes plain = plain_input(c);
    size_t taken;
    if (plain.n == 0)
        return false;
    bool was_idle = http_reader_is_idle(&c->reader);
    enum http_event event = http_reader_feed(&c->reader, &c->rq, plain, &taken);
    drop_plain(c, taken);
    if (was_idle && event == HTTP_MORE)
        set_deadline(c, limits_of(c)->head_ms);
    if (http_reader_in_body(&c->reader))
        extend_deadline(c, taken);
    if (event == HTTP_READY_HEAD)
        event = admit(c);
    if (event == HTTP_READY_REQUEST)
        handle(c);
    if (event == HTTP_BAD)
        refuse(c, c->reader.status, c->reader.why);
    return true;
}

/* ---- input ------------------------------------------------------------------ */

static bool take_tls_input(struct http_connection *c) {
    size_t n = tls_server_feed(c->tls, c->in_rest);
    c->in_rest = bytes_part(c->in_rest, n, c->in_rest.n);
    if (c->phase == HANDSHAKE && tls_server_is_open(c->tls)) {
        c->phase = READING;
        begin_request(c);
        return true;
    }
    if (tls_server_is_closed(c->tls)) {
        c->eof = true;
        c->in_rest = bytes_of(NULL, 0);
    }
    return n > 0;
}

static bool take_input(struct http_connection *c) {
    bool moved = false;
    if (c->tls != NULL && (c->phase == HANDSHAKE || c->phase == READING))
        moved = take_tls_input(c);
    if (c->phase == READING)
        moved = read_request(c) || moved;
    return moved;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    struct http_connection *c = handle->data;
    (void)suggested;
    assert(c->in_rest.n == 0);
    *out = uv_buf_init((char *)c->in, IN_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf) {
    struct http_connection *c = stream->data;
    (void)buf;
    if (c->phase == CLOSED || n == 0)
        return;
    if (n < 0 && n != UV_EOF) {
        close_now(c);
        return;
    }
    if (n == UV_EOF)
        c->eof = true;
    else if (c->phase != LINGERING)
        c->in_rest = bytes_of(c->in, (size_t)n);
    pump(c);
}

static void set_reading(struct http_connection *c) {
    bool phase_reads = c->phase == HANDSHAKE || c->phase == READING || c->phase == LINGERING;
    bool wanted = phase_reads && c->in_rest.n == 0 && !c->eof && c->begin_ms == 0;
    if (c->phase == CLOSED || wanted == c->is_reading)
        return;
    c->is_reading = wanted;
    if (!wanted)
        uv_read_stop(&c->uv.stream);
    else if (uv_read_start(&c->uv.stream, on_alloc, on_read) != 0)
        close_now(c);
}

/* ---- all of it -------------------------------------------------------------- */

static void on_shutdown(uv_shutdown_t *shutdown, int status) {
    struct http_connection *c = shutdown->handle->data;
    if (status != 0)
        close_now(c);
}

/* What follows when an answer has gone out whole. */
static bool turn(struct http_connection *c) {
    if (c->phase != ANSWERING || !is_sent(c))
        return false;
    if (c->close_after) {
        begin_linger(c);
        return true;
    }
    end_request(c);
    begin_request(c);
    c->phase = READING;
    return true;
}

static void linger(struct http_connection *c) {
    if (!is_sent(c))
        return;
    if (c->eof) {
        close_now(c);
        return;
    }
    if (c->is_shut)
        return;
    c->is_shut = true;
    if (uv_shutdown(&c->shutdown, &c->uv.stream, on_shutdown) != 0)
        close_now(c);
}

static bool is_hopeless(const struct http_connection *c) {
    if (c->phase == HANDSHAKE || c->phase == READING)
        return c->eof && is_sent(c) && c->in_rest.n == 0;
    return c->phase == ANSWERING && c->tls != NULL && tls_server_is_closed(c->tls);
}

static void pump(struct http_connection *c) {
    bool moved = true;
    while (moved && c->phase != CLOSED) {
        moved = take_input(c);
        moved = put_answer(c) || moved;
        moved = take_tls_output(c) || moved;
        moved = turn(c) || moved;
    }
    start_write(c);
    if (c->phase == LINGERING)
        linger(c);
    else if (is_hopeless(c))
        close_now(c);
    set_reading(c);
}

/* ---- accepting -------------------------------------------------------------- */

/* An IPv6 host has a /64 to itself: its addresses count as one. */
static void read_peer(struct http_connection *c) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct sockaddr_storage name;
    int n = sizeof name;
    if (uv_tcp_getpeername(&c->uv.tcp, (struct sockaddr *)&name, &n) != 0)
        return;
    if (name.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&name;
        memcpy(c->address_key, mapped, sizeof mapped);
        memcpy(&c->address_key[sizeof mapped], &v4->sin_addr, 4);
        uv_ip4_name(v4, c->peer, sizeof c->peer);
        return;
    }
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&name;
    memcpy(c->address_key, &v6->sin6_addr, HTTP_ADDRESS_KEY);
    if (memcmp(c->address_key, mapped, sizeof mapped) == 0) {
        uv_inet_ntop(AF_INET, &c->address_key[sizeof mapped], c->peer, sizeof c->peer);
        return;
    }
    memset(&c->address_key[8], 0, 8);
    uv_ip6_name(v6, c->peer, sizeof c->peer);
}

static size_t connections_like(const struct http_connection *c) {
    size_t n = 0;
    for (const struct http_connection *other = c->loop->connections; other != NULL;
         other = other->next)
        n += !other->local && memcmp(other->address_key, c->address_key, HTTP_ADDRESS_KEY) == 0;
    return n;
}

static bool is_idle(const struct http_connection *c) {
    return c->phase == READING && http_reader_is_idle(&c->reader) && c->in_rest.n == 0;
}

/* The one that was idle for longest makes room for a newcomer. */
static bool make_room(struct http_loop *loop) {
    struct http_connection *oldest = NULL;
    for (struct http_connection *c = loop->connections; c != NULL; c = c->next)
        if (!c->local && is_idle(c) && (oldest == NULL || c->deadline_ms < oldest->deadline_ms))
            oldest = c;
    if (oldest != NULL)
        close_now(oldest);
    return oldest != NULL;
}

static bool is_admissible(struct http_connection *c) {
    struct http_loop *loop = c->loop;
    if (loop->is_draining)
        return false;
    if (c->local)
        return true;
    if (connections_like(c) > limits_of(c)->connections_per_address)
        return false;
    return loop->connections_n <= limits_of(c)->connections || make_room(loop);
}

/* A handshake costs us far more than the one who asks for it: those of one address come
 * in turn. Nothing is read before that. False: the line is too long. */
static bool take_turn(struct http_connection *c) {
    uint64_t now_ms = http_loop_now_ms(c->loop);
    uint64_t wait_ms =
        http_pace_wait(&c->loop->pace, c->address_key, limits_of(c)->handshakes_per_second, now_ms);
    if (wait_ms > 0)
        c->begin_ms = now_ms + wait_ms;
    set_deadline(c, wait_ms + limits_of(c)->handshake_ms);
    return wait_ms <= limits_of(c)->handshake_ms;
}

static bool start(struct http_connection *c) {
    const struct http_server *s = c->loop->server;
    if (!is_admissible(c))
        return false;
    if (c->local) {
        c->phase = READING;
        begin_request(c);
        return true;
    }
    uv_tcp_nodelay(&c->uv.tcp, 1);
    c->tls = tls_server_open(s->env, s->identity);
    c->phase = HANDSHAKE;
    return c->tls != NULL && take_turn(c);
}

static int init_handle(struct http_connection *c) {
    return c->local ? uv_pipe_init(&c->loop->uv, &c->uv.pipe, 0)
                    : uv_tcp_init(&c->loop->uv, &c->uv.tcp);
}

void http_connection_accept(struct http_listener *listener) {
    struct http_connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return;
    c->loop = listener->loop;
    c->local = listener->local;
    if (init_handle(c) != 0) {
        free(c);
        return;
    }
    c->uv.handle.data = c;
    buf_init(&c->out, OUT_MAX);
    buf_init(&c->sending, OUT_MAX);
    if (c->local) /* in clear */
        c->out.wipe = c->sending.wipe = crypto_wipe;
    http_reader_init(&c->reader, limits_of(c), &c->loop->bodies);
    link_connection(c);
    if (c->local)
        memcpy(c->peer, "local", sizeof "local");
    bool accepted = uv_accept(&listener->uv.stream, &c->uv.stream) == 0;
    if (accepted && !c->local)
        read_peer(c);
    if (!accepted || !start(c)) {
        close_now(c);
        return;
    }
    pump(c);
}

/* ---- time ------------------------------------------------------------------- */

static void expire(struct http_connection *c) {
    if (c->phase != READING) {
        close_now(c);
        return;
    }
    if (http_reader_is_idle(&c->reader))
        begin_linger(c);
    else
        refuse(c, 408,
               http_reader_in_body(&c->reader) ? "the body came too slowly"
                                               : "the head came too slowly");
    pump(c);
}

/* Closing only begins here: nothing leaves the list before the loop goes on. */
void http_connections_tick(struct http_loop *loop, uint64_t now_ms) {
    for (struct http_connection *c = loop->connections; c != NULL; c = c->next) {
        if (c->begin_ms != 0 && now_ms >= c->begin_ms) {
            c->begin_ms = 0;
            set_reading(c);
        }
        if (c->deadline_ms != 0 && now_ms >= c->deadline_ms)
            expire(c);
    }
}

void http_connections_drain(struct http_loop *loop) {
    for (struct http_connection *c = loop->connections; c != NULL; c = c->next) {
        if (c->phase == HANDSHAKE)
            close_now(c);
        if (!is_idle(c))
            continue;
        begin_linger(c);
        pump(c);
    }
}

void http_connections_abort(struct http_loop *loop) {
    for (struct http_connection *c = loop->connections; c != NULL; c = c->next)
        close_now(c);
}
