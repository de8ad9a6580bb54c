/* The client of the control socket. See control_client.h.
 *
 * The request asks the server to close afterwards, so the answer is whole at
 * the end of the stream; Content-Length then proves that nothing is missing.
 */
#include "web/http/control_client.h"

#include "base/os.h"
#include "base/text.h"
#include "web/http/head.h"

#include <uv.h>

#include <stdlib.h>
#include <string.h>

enum { SOCKET_NAME_MAX = 107, HEAD_MAX = 65536, PIECE = 65536 };

struct call {
    uv_loop_t loop;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    struct buf request, received;
    char piece[PIECE];
    int status; /* libuv's, where transport failed */
    bool timed_out;
};

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void end(struct call *c, int status) {
    if (status < 0 && c->status == 0)
        c->status = status;
    uv_walk(&c->loop, close_handle, NULL);
}

static void on_timeout(uv_timer_t *timer) {
    struct call *c = timer->data;
    c->timed_out = true;
    end(c, UV_ETIMEDOUT);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    struct call *c = handle->data;
    (void)suggested;
    *out = uv_buf_init(c->piece, PIECE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece) {
    struct call *c = stream->data;
    if (n < 0) {
        end(c, n == UV_EOF ? 0 : (int)n);
        return;
    }
    buf_put(&c->received, bytes_of(piece->base, (size_t)n));
    if (c->received.err != ERR_OK)
        end(c, 0);
}

static void on_written(uv_write_t *write, int status) {
    struct call *c = write->handle->data;
    if (status < 0 && status != UV_ECANCELED)
        end(c, status);
}

static void on_connected(uv_connect_t *connect, int status) {
    struct call *c = connect->handle->data;
    uv_buf_t all = uv_buf_init((char *)c->request.p, (unsigned)c->request.n);
    uv_os_fd_t handle;
    if (status == 0)
        status = uv_fileno((uv_handle_t *)&c->pipe, &handle);
    if (status == 0 && !os_control_is_trusted((intptr_t)handle))
        status = UV_EPERM;
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
    if (status == 0)
        status = uv_write(&c->write, (uv_stream_t *)&c->pipe, &all, 1, on_written);
    if (status < 0)
        end(c, status);
}

static void write_request(struct buf *out, const char *method, const char *target,
                          struct bytes body) {
    buf_printf(out, "%s %s HTTP/1.1\r\nHost: local\r\nConnection: close\r\n", method, target);
    if (body.n > 0)
        buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.n);
    buf_text(out, "\r\n");
    buf_put(out, body);
}

static enum err transport_fault(const struct call *c, const char *control, struct fault *f) {
    enum err code = ERR_NETWORK;
    if (c->timed_out)
        code = ERR_TIMEOUT;
    else if (c->status == UV_ENOENT || c->status == UV_ECONNREFUSED)
        code = ERR_NOT_FOUND;
    else if (c->status == UV_EACCES || c->status == UV_EPERM)
        code = ERR_PERMISSION;
    return fault_set(f, code, "control socket", "%s: %s", control, uv_strerror(c->status));
}

static enum err transfer(struct call *c, const char *control, uint64_t timeout_ms,
                         struct fault *f) {
    int status = uv_loop_init(&c->loop);
    if (status != 0)
        return fault_set(f, ERR_FAILED, "event loop", "%s", uv_strerror(status));
    uv_timer_init(&c->loop, &c->timer);
    uv_pipe_init(&c->loop, &c->pipe, 0);
    c->timer.data = c->pipe.data = c;
    uv_timer_start(&c->timer, on_timeout, timeout_ms, 0);
    uv_pipe_connect(&c->connect, &c->pipe, control, on_connected);
    uv_run(&c->loop, UV_RUN_DEFAULT);
    uv_loop_close(&c->loop);
    if (c->status != 0)
        return transport_fault(c, control, f);
    return ERR_OK;
}

/* The length that the head gives, or what came where it gives none. */
static uint64_t announced_length(const struct http_pair *headers, size_t n, uint64_t otherwise) {
    uint64_t length;
    for (size_t i = 0; i < n; i++)
        if (bytes_is_nocase(headers[i].name, "content-length") &&
            number_read(headers[i].value, SIZE_MAX, &length))
            return length;
    return otherwise;
}

/* has_body: not for HEAD, whose Content-Length is that of GET. */
static enum err read_answer(struct bytes all, bool has_body, unsigned *status, struct buf *answer,
                            struct fault *f) {
    struct http_pair headers[HTTP_HEADERS_MAX];
    struct http_head head;
    size_t n = HTTP_HEADERS_MAX, head_n = bytes_find(all, bytes_text("\r\n\r\n"));
    if (all.n == 0)
        return fault_set(f, ERR_NETWORK, "control socket", "%s", "the server went away");
    if (head_n == SIZE_MAX)
        return fault_set(f, ERR_FORMAT, "control socket", "%s", "the answer is cut");
    head_n += 4;
    if (!http_head_response(bytes_part(all, 0, head_n), &head, headers, &n))
        return fault_set(f, ERR_FORMAT, "control socket", "%s", "the answer is no HTTP");
    struct bytes body = bytes_part(all, head_n, all.n);
    if (has_body && announced_length(headers, n, body.n) != body.n)
        return fault_set(f, ERR_NETWORK, "control socket", "%s", "the answer is cut");
    *status = head.status;
    buf_put(answer, body);
    return answer->err == ERR_OK ? ERR_OK
                                 : fault_set(f, answer->err, "control socket", "%s", "the answer");
}

enum err control_call(const char *control, const char *method, const char *target,
                      struct bytes body, uint64_t timeout_ms, unsigned *status, struct buf *answer,
                      struct fault *f) {
    enum err err;
    if (!bytes_starts(bytes_text(control), "\\\\") && strlen(control) > SOCKET_NAME_MAX)
        return fault_set(f, ERR_USAGE, "control socket", "%s: longer than %d bytes", control,
                         SOCKET_NAME_MAX);
    struct call *c = calloc(1, sizeof *c);
    if (c == NULL)
        return fault_set(f, ERR_MEMORY, "control socket", "%s", "");
    buf_init(&c->request, body.n + HEAD_MAX);
    buf_init(&c->received, answer->max < SIZE_MAX - HEAD_MAX ? answer->max + HEAD_MAX : SIZE_MAX);
    write_request(&c->request, method, target, body);
    err = c->request.err;
    if (err == ERR_OK)
        err = transfer(c, control, timeout_ms, f);
    if (err == ERR_OK && c->received.err != ERR_OK)
        err = fault_set(f, c->received.err, "control socket", "%s", "the answer");
    if (err == ERR_OK)
        err = read_answer(buf_bytes(&c->received), strcmp(method, "HEAD") != 0, status, answer, f);
    buf_clear(&c->request);
    buf_clear(&c->received);
    free(c);
    return err;
}
