/* net/loop, net/conn, net/resolve: against listeners of libuv on the same loop. */
#include "test.h"

#include "base/os.h"
#include "net/conn.h"
#include "net/inner.h"
#include "net/resolve.h"

#include <stdlib.h>

/* ---- a peer ---- */

struct peer {
    uv_tcp_t listener, client;
    uint16_t port;
    bool ends_too;  /* answers our end with its own */
    bool is_silent; /* reads, and never says anything */
    bool resets;
    size_t got;
    bool saw_end, saw_reset, closed;
};

static void on_closed(uv_handle_t *handle) {
    ((struct peer *)handle->data)->closed = true;
}

static void give(uv_handle_t *handle, size_t n, uv_buf_t *out) {
    static char room[65536];
    (void)handle, (void)n;
    *out = uv_buf_init(room, sizeof room);
}

static void peer_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer) {
    struct peer *p = stream->data;
    (void)buffer;
    if (n > 0) {
        p->got += (size_t)n;
        if (p->resets)
            uv_tcp_close_reset(&p->client, on_closed);
        else if (!p->is_silent) {
            uv_buf_t echo = uv_buf_init(buffer->base, (unsigned)n);
            assert_int_equal(uv_try_write(stream, &echo, 1), n);
        }
    } else if (n < 0) {
        p->saw_end = n == UV_EOF;
        p->saw_reset = n == UV_ECONNRESET;
        if (p->ends_too || p->saw_reset)
            uv_close((uv_handle_t *)&p->client, on_closed);
    }
}

static void on_client(uv_stream_t *listener, int status) {
    struct peer *p = listener->data;
    assert_int_equal(status, 0);
    uv_tcp_init(listener->loop, &p->client);
    p->client.data = p;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&p->client), 0);
    uv_read_start((uv_stream_t *)&p->client, give, peer_read);
    uv_close((uv_handle_t *)listener, NULL); /* one is enough, and the loop may end */
}

static void peer_open(struct peer *p, struct net_loop *l) {
    struct sockaddr_storage own;
    struct sockaddr_in any;
    int n = sizeof own;
    uv_ip4_addr("127.0.0.1", 0, &any);
    uv_tcp_init(&l->uv, &p->listener);
    p->listener.data = p;
    assert_int_equal(uv_tcp_bind(&p->listener, (const struct sockaddr *)&any, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&p->listener, (struct sockaddr *)&own, &n), 0);
    memcpy(&any, &own, sizeof any);
    p->port = ntohs(any.sin_port);
    assert_int_equal(uv_listen((uv_stream_t *)&p->listener, 8, on_client), 0);
}

/* ---- what a connection told ---- */

struct told {
    struct net_loop *loop;
    struct net_conn *conn;
    unsigned n[NET_CLOSED + 1];
    enum net_failure failure;
    size_t bytes;
    struct bytes first, last; /* written once connected; given to finish. Empty: "hello", none */
    bool finish_on_data, abort_on_data, finish_at_once;
    uint64_t left_ms, closed_ms;
    uint64_t deadline_ms;
};

static void on_event(void *context, const struct net_event *event) {
    struct told *t = context;
    t->n[event->kind]++;
    switch (event->kind) {
    case NET_CONNECTED:
        net_conn_write(t->conn, t->first.n > 0 ? t->first : bytes_text("hello"));
        if (t->finish_at_once)
            net_conn_finish(t->conn, t->last);
        if (t->deadline_ms > 0)
            net_conn_deadline(t->conn, t->deadline_ms);
        break;
    case NET_DATA:
        t->bytes += event->data.n;
        t->left_ms = net_loop_now_ms(t->loop);
        if (t->finish_on_data)
            net_conn_finish(t->conn, t->last);
        if (t->abort_on_data)
            net_conn_abort(t->conn);
        break;
    case NET_EOF:
        break;
    case NET_FAILED:
        t->failure = event->failure;
        assert_non_null(event->text);
        net_conn_abort(t->conn);
        break;
    case NET_TIMEOUT:
        net_conn_abort(t->conn);
        break;
    case NET_CLOSED:
        t->closed_ms = net_loop_now_ms(t->loop);
        break;
    }
}

static struct net_loop *loop_open(const struct env *env) {
    struct net_loop *l;
    assert_int_equal(net_loop_open(env, &l, NULL), ERR_OK);
    return l;
}

static void run(struct net_loop *l, struct told *t, uint16_t port) {
    struct ip to = ip_of(bytes_of("\x7f\0\0\1", 4));
    t->loop = l;
    assert_int_equal(net_conn_open(l, &to, port, on_event, t, &t->conn, NULL), ERR_OK);
    net_loop_run(l);
    assert_int_equal(t->n[NET_CLOSED], 1);
}

static void leaves_politely(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct peer p = {.ends_too = true};
    struct told t = {.finish_on_data = true, .last = bytes_text("bye")};
    peer_open(&p, l);
    run(l, &t, p.port);
    assert_int_equal(p.got, 5 + 3);
    assert_int_equal(t.bytes, 5);
    assert_true(p.saw_end && p.closed && !p.saw_reset);
    assert_int_equal(t.n[NET_FAILED] + t.n[NET_TIMEOUT] + t.n[NET_EOF], 0);
    assert_true(t.closed_ms - t.left_ms < NET_FINISH_MS);
    net_loop_close(l);
}

/* More than the system takes at once: the last bytes and the end wait behind it. */
static void ends_behind_what_waits(void **state) {
    (void)state;
    enum { MUCH = 6 << 20 }; /* the peer has to take it within NET_FINISH_MS, also under wine */
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct peer p = {.ends_too = true, .is_silent = true};
    uint8_t *much = calloc(1, MUCH);
    assert_non_null(much);
    struct told t = {
        .finish_at_once = true, .first = bytes_of(much, MUCH), .last = bytes_text("bye")};
    peer_open(&p, l);
    run(l, &t, p.port);
    assert_int_equal(p.got, MUCH + 3);
    assert_true(p.saw_end && p.closed && !p.saw_reset);
    free(much);
    net_loop_close(l);
}

static void does_not_wait_for_ever(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct peer p = {.ends_too = false};
    struct told t = {.finish_on_data = true};
    peer_open(&p, l);
    run(l, &t, p.port);
    assert_true(t.closed_ms - t.left_ms >= NET_FINISH_MS - 20);
    assert_true(t.closed_ms - t.left_ms < NET_FINISH_MS + 2000);
    /* It was reset behind the end: the peer cannot write any more. */
    uv_buf_t more = uv_buf_init((char[]){"x"}, 1);
    assert_true(uv_try_write((uv_stream_t *)&p.client, &more, 1) < 0);
    uv_close((uv_handle_t *)&p.client, on_closed);
    net_loop_close(l);
}

static void aborts_with_a_reset(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct peer p = {.ends_too = true};
    struct told t = {.abort_on_data = true};
    peer_open(&p, l);
    run(l, &t, p.port);
    assert_true(p.saw_reset);
    net_loop_close(l);
}

static void tells_failures(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct told refused = {.deadline_ms = 0};
    run(l, &refused, 1);
    assert_int_equal(refused.n[NET_FAILED], 1);
    assert_int_equal(refused.failure, NET_REFUSED);
    assert_int_equal(refused.n[NET_CONNECTED], 0);

    struct peer p = {.resets = true};
    struct told reset = {.deadline_ms = 0};
    peer_open(&p, l);
    run(l, &reset, p.port);
    assert_int_equal(reset.n[NET_FAILED], 1);
    assert_int_equal(reset.failure, NET_RESET);

    struct peer silent = {.is_silent = true, .ends_too = true};
    struct told late = {.deadline_ms = 50};
    peer_open(&silent, l);
    run(l, &late, silent.port);
    assert_int_equal(late.n[NET_TIMEOUT], 1);
    assert_int_equal(late.n[NET_FAILED], 0);
    net_loop_close(l);
}

/* ---- names ---- */

struct answers {
    unsigned n;
    struct net_answer last;
};

static void on_answer(void *context, const struct net_answer *answer) {
    struct answers *a = context;
    a->n++;
    a->last = *answer;
    assert_true((answer->err == ERR_OK) == (answer->n > 0));
    assert_true(answer->err == ERR_OK || answer->text != NULL);
}

static void looks_names_up_once(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct net_resolver *r;
    struct answers first = {0}, second = {0}, again = {0}, bad = {0};
    char text[IP_TEXT_MAX];
    assert_int_equal(net_resolver_open(l, 2000, &r, NULL), ERR_OK);
    assert_int_equal(net_resolve(r, bytes_text("localhost"), on_answer, &first), ERR_OK);
    assert_int_equal(net_resolve(r, bytes_text("localhost"), on_answer, &second), ERR_OK);
    net_loop_run(l);
    assert_int_equal(first.n, 1);
    assert_int_equal(second.n, 1);
    assert_int_equal(first.last.err, ERR_OK);
    bool has_v4 = false;
    for (size_t i = 0; i < first.last.n; i++)
        has_v4 = has_v4 || strcmp(ip_write(&first.last.addresses[i], text), "127.0.0.1") == 0;
    assert_true(has_v4);
    assert_int_equal(net_resolve(r, bytes_text("localhost"), on_answer, &again), ERR_OK);
    assert_int_equal(again.n, 1); /* known: before the call returned */
    assert_ptr_equal(again.last.addresses, first.last.addresses);

    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    assert_int_equal(net_resolve(r, bytes_of(long_name, sizeof long_name), on_answer, &bad),
                     ERR_OK);
    assert_int_equal(net_resolve(r, bytes_text(""), on_answer, &bad), ERR_OK);
    assert_int_equal(net_resolve(r, bytes_of("a\0b", 3), on_answer, &bad), ERR_OK);
    assert_int_equal(bad.n, 3);
    assert_int_equal(bad.last.err, ERR_NOT_FOUND);
    net_resolver_close(r);
    net_loop_close(l);
}

static void answers_also_when_closed(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct net_loop *l = loop_open(&env);
    struct net_resolver *r;
    struct answers a = {0};
    assert_int_equal(net_resolver_open(l, 600000, &r, NULL), ERR_OK);
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "host-%d.invalid", i);
        assert_int_equal(net_resolve(r, bytes_text(name), on_answer, &a), ERR_OK);
    }
    net_resolver_close(r);
    assert_int_equal(a.n, 100);
    assert_int_not_equal(a.last.err, ERR_OK);
    net_loop_close(l);
}

int main(int argc, char **argv) {
    os_start(&argc, &argv); /* no SIGPIPE, as in the program */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_politely),          cmocka_unit_test(ends_behind_what_waits),
        cmocka_unit_test(does_not_wait_for_ever),   cmocka_unit_test(aborts_with_a_reset),
        cmocka_unit_test(tells_failures),           cmocka_unit_test(looks_names_up_once),
        cmocka_unit_test(answers_also_when_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
