/* Listen addresses and the control socket. See server.h. */
#include "web/http/server.h"

#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

enum {
    BACKLOG = 511,
    SOCKET_NAME_MAX = 107, /* sun_path without its NUL: libuv cuts longer names silently */
};

static enum err uv_fault(struct fault *f, int status, const char *what, const char *name) {
    enum err code = status == UV_EADDRINUSE ? ERR_CONFLICT
                    : status == UV_EACCES   ? ERR_PERMISSION
                                            : ERR_NETWORK;
    return fault_set(f, code, what, "%s: %s", name, uv_strerror(status));
}

/* "host:port" apart; the host is "" for all addresses. False: malformed. */
static bool split_address(const char *address, char host[HTTP_ADDRESS_MAX], uint64_t *port) {
    struct bytes text = bytes_text(address);
    struct cur c = cur_open(text);
    bool v6 = bytes_starts(text, "[");
    if (v6)
        cur_take(&c, 1);
    struct bytes name = cur_until(&c, v6 ? ']' : ':');
    if (v6 && cur_u8(&c) != ':')
        return false;
    if (c.bad || name.n >= HTTP_ADDRESS_MAX || !number_read(c.rest, 65535, port))
        return false;
    if (name.n > 0)
        memcpy(host, name.p, name.n);
    host[name.n] = '\0';
    return true;
}

static bool to_socket_address(const char *host, int port, struct sockaddr_storage *out) {
    return uv_ip4_addr(host, port, (struct sockaddr_in *)out) == 0 ||
           uv_ip6_addr(host, port, (struct sockaddr_in6 *)out) == 0;
}

static void on_connection(uv_stream_t *stream, int status) {
    if (status == 0)
        http_connection_accept(stream->data);
}

static struct http_listener *add_listener(struct http_loop *loop) {
    if (loop->listeners_n == HTTP_LISTENERS_MAX)
        return NULL;
    struct http_listener *l = &loop->listeners[loop->listeners_n];
    *l = (struct http_listener){.loop = loop};
    return l;
}

static void start_listener(struct http_listener *l) {
    l->uv.handle.data = l;
    l->open = true;
    l->loop->listeners_n++;
}

static void close_listener(struct http_listener *l) {
    if (l->open)
        uv_close(&l->uv.handle, NULL);
    l->open = false;
}

static unsigned port_of(const struct http_listener *l) {
    struct sockaddr_storage name;
    int n = sizeof name;
    if (uv_tcp_getsockname(&l->uv.tcp, (struct sockaddr *)&name, &n) != 0)
        return 0;
    /* sin_port and sin6_port lie at the same place (RFC 3493). */
    struct cur c = cur_open(bytes_of(&((struct sockaddr_in *)&name)->sin_port, 2));
    return cur_u16(&c);
}

/* Listeners that failed stay in the table, closed: their handles are the loop's
 * until it runs. */
static int bind_and_listen(struct http_loop *loop, const struct sockaddr_storage *address) {
    struct http_listener *l = add_listener(loop);
    if (l == NULL)
        return UV_EMFILE;
    int status = uv_tcp_init(&loop->uv, &l->uv.tcp);
    if (status != 0)
        return status;
    start_listener(l);
    status = uv_tcp_bind(&l->uv.tcp, (const struct sockaddr *)address, 0);
    if (status == 0)
        status = uv_listen(&l->uv.stream, BACKLOG, on_connection);
    if (status == 0)
        l->port = port_of(l);
    else
        close_listener(l);
    return status;
}

enum err http_listen_tcp(struct http_loop *loop, const char *address, struct fault *f) {
    char host[HTTP_ADDRESS_MAX];
    uint64_t port;
    struct sockaddr_storage where;
    if (!split_address(address, host, &port) ||
        !to_socket_address(host[0] != '\0' ? host : "::", (int)port, &where))
        return fault_set(f, ERR_USAGE, "listen",
                         "%s: not an IP address with a port, like 127.0.0.1:8443, "
                         "[::1]:8443 or :8443",
                         address);

    int status = bind_and_listen(loop, &where);
    /* A host without IPv6: "all addresses" are those of IPv4. */
    if ((status == UV_EAFNOSUPPORT || status == UV_EADDRNOTAVAIL) && host[0] == '\0' &&
        to_socket_address("0.0.0.0", (int)port, &where))
        status = bind_and_listen(loop, &where);
    return status == 0 ? ERR_OK : uv_fault(f, status, "listen", address);
}

/* A Windows pipe has no place in the file system. */
static bool is_file_name(const char *name) {
    return !bytes_starts(bytes_text(name), "\\\\");
}

/* Between bind and listen, while nobody can connect yet. */
static enum err restrict_to_owner(struct http_listener *l, const char *name, struct fault *f) {
    uv_os_fd_t handle;
    int status = uv_fileno(&l->uv.handle, &handle);
    return status == 0 ? os_control_protect(name, (intptr_t)handle, f)
                       : uv_fault(f, status, "control socket", name);
}

enum err http_listen_control(struct http_loop *loop, const char *name, struct fault *f) {
    struct http_listener *l = add_listener(loop);
    if (l == NULL)
        return fault_set(f, ERR_LIMIT, "control socket", "%s", "too many listeners");
    if (is_file_name(name)) {
        if (strlen(name) > SOCKET_NAME_MAX)
            return fault_set(f, ERR_USAGE, "control socket", "%s: longer than %d bytes", name,
                             SOCKET_NAME_MAX);
        /* What lies there is of an earlier run: the data folder's lock is ours. */
        enum err err = file_remove(name, f);
        if (err != ERR_OK)
            return err;
    }
    int status = uv_pipe_init(&loop->uv, &l->uv.pipe, 0);
    if (status != 0)
        return uv_fault(f, status, "control socket", name);
    start_listener(l);
    l->local = true;
    status = uv_pipe_bind(&l->uv.pipe, name);
    enum err err = status == 0 ? restrict_to_owner(l, name, f) : ERR_OK;
    if (err != ERR_OK)
        return err;
    if (status == 0)
        status = uv_listen(&l->uv.stream, BACKLOG, on_connection);
    return status == 0 ? ERR_OK : uv_fault(f, status, "control socket", name);
}

void http_listeners_close(struct http_loop *loop) {
    for (size_t i = 0; i < loop->listeners_n; i++)
        close_listener(&loop->listeners[i]);
}
