/* Look-ups with c-ares on the loop. See resolve.h.
 *
 * c-ares says which of its sockets it wants to read or write; each has a poll
 * handle of libuv, and one timer drives its time-outs while look-ups are under way.
 */
#include "net/resolve.h"

#include "net/inner.h"

#include <sys/time.h> /* fd_set, which ares.h takes for granted */

#include <ares.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_SIZE = 255, TRIES = 2, SLOTS_FIRST = 64 };

struct socket {
    uv_poll_t poll;
    ares_socket_t fd;
    struct net_resolver *resolver;
    struct socket *next;
};

struct waiter {
    net_resolved *done;
    void *context;
    struct waiter *next;
};

struct entry {
    struct net_resolver *resolver;
    struct waiter *waiters;
    bool is_known;
    struct net_answer answer;
    struct ip *addresses;
    struct ip address; /* whose name is wanted; size 0: `name` is looked up */
    char *own_name;
    char name[NAME_MAX_SIZE + 1];
};

struct net_resolver {
    struct net_loop *loop;
    ares_channel channel;
    struct net_timer *timer;
    struct socket *sockets;
    struct entry **slots; /* open addressing, a power of two */
    size_t slots_n, entries_n;
    size_t under_way;
};

static void on_timer(void *context) {
    struct net_resolver *r = context;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct socket *s = poll->data;
    bool readable = status < 0 || (events & UV_READABLE);
    bool writable = status < 0 || (events & UV_WRITABLE);
    /* The socket may be gone when this returns. */
    ares_process_fd(s->resolver->channel, readable ? s->fd : ARES_SOCKET_BAD,
                    writable ? s->fd : ARES_SOCKET_BAD);
}

static void socket_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void socket_forget(struct net_resolver *r, ares_socket_t fd) {
    for (struct socket **at = &r->sockets; *at; at = &(*at)->next) {
        struct socket *s = *at;
        if (s->fd != fd)
            continue;
        *at = s->next;
        uv_close((uv_handle_t *)&s->poll, socket_closed);
        return;
    }
}

static struct socket *socket_find(struct net_resolver *r, ares_socket_t fd) {
    for (struct socket *s = r->sockets; s; s = s->next)
        if (s->fd == fd)
            return s;
    struct socket *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    if (uv_poll_init_socket(&r->loop->uv, &s->poll, fd)) {
        free(s);
        return NULL;
    }
    s->poll.data = s;
    s->fd = fd;
    s->resolver = r;
    s->next = r->sockets;
    r->sockets = s;
    return s;
}

static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable) {
    struct net_resolver *r = context;
    if (!readable && !writable) {
        socket_forget(r, fd);
        return;
    }
    struct socket *s = socket_find(r, fd);
    if (s) /* else the look-up runs into its time-out */
        uv_poll_start(&s->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                      on_poll);
}

enum err net_resolver_open(struct net_loop *l, uint64_t timeout_ms, struct net_resolver **out,
                           struct fault *f) {
    struct net_resolver *r = calloc(1, sizeof *r);
    struct ares_options options = {0};
    char lookups[] = "fb"; /* hosts file, then DNS */

    if (!r)
        return fault_set(f, ERR_MEMORY, "name look-up", "%s", "");
    r->loop = l;
    r->slots = calloc(SLOTS_FIRST, sizeof(struct entry *));
    r->slots_n = SLOTS_FIRST;
    r->timer = net_timer_open(l, on_timer, r);
    /* Each try waits twice as long as the one before: 1/3 + 2/3. */
    uint64_t first_ms = timeout_ms / 3 < 30000 ? timeout_ms / 3 : 30000;
    options.timeout = (int)(first_ms > 50 ? first_ms : 50);
    options.tries = TRIES;
    options.sock_state_cb = on_socket_state;
    options.sock_state_cb_data = r;
    options.lookups = lookups;
    int status = ares_library_init(ARES_LIB_INIT_ALL);
    if (!status)
        status = ares_init_options(&r->channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                                       ARES_OPT_LOOKUPS);
    if (status || !r->slots || !r->timer) {
        if (status)
            r->channel = NULL;
        net_resolver_close(r);
        return fault_set(f, status ? ERR_IO : ERR_MEMORY, "name look-up", "%s",
                         status ? ares_strerror(status) : "");
    }
    *out = r;
    return ERR_OK;
}

void net_resolver_close(struct net_resolver *r) {
    if (!r)
        return;
    if (r->channel) {
        ares_destroy(r->channel); /* answers what is under way, forgets the sockets */
        ares_library_cleanup();
    }
    net_timer_close(r->timer);
    for (size_t i = 0; r->slots && i < r->slots_n; i++) {
        if (r->slots[i])
            free(r->slots[i]->addresses);
        if (r->slots[i])
            free(r->slots[i]->own_name);
        free(r->slots[i]);
    }
    free(r->slots);
    free(r);
}

static uint64_t hash_name(struct bytes name) {
    uint64_t h =
        UINT64_C(0xcbf29ce484222325); /* FNV-1a: names are not hostile, people wrote them */
    for (size_t i = 0; i < name.n; i++)
        h = (h ^ name.p[i]) * UINT64_C(0x100000001b3);
    return h ^ (h >> 29);
}

static size_t slot_of(struct entry **slots, size_t n, struct bytes name) {
    size_t at = (size_t)hash_name(name) & (n - 1);
    while (slots[at] && !bytes_is(name, slots[at]->name))
        at = (at + 1) & (n - 1);
    return at;
}

static bool make_room(struct net_resolver *r) {
    if ((r->entries_n + 1) * 2 <= r->slots_n)
        return true;
    size_t n = r->slots_n * 2;
    struct entry **slots = calloc(n, sizeof(struct entry *));
    if (!slots)
        return false;
    for (size_t i = 0; i < r->slots_n; i++)
        if (r->slots[i])
            slots[slot_of(slots, n, bytes_text(r->slots[i]->name))] = r->slots[i];
    free(r->slots);
    r->slots = slots;
    r->slots_n = n;
    return true;
}

static struct net_answer answer_of_failure(int status) {
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:
        return (struct net_answer){.err = ERR_NOT_FOUND, .text = "no such name"};
    case ARES_ENODATA:
        return (struct net_answer){.err = ERR_NOT_FOUND, .text = "the name has no address"};
    case ARES_ETIMEOUT:
        return (struct net_answer){.err = ERR_TIMEOUT, .text = "no name server answered in time"};
    case ARES_ECONNREFUSED:
        return (struct net_answer){.err = ERR_NETWORK, .text = "no name server can be reached"};
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return (struct net_answer){.err = ERR_NETWORK, .text = "given up"};
    default:
        return (struct net_answer){.err = ERR_NETWORK, .text = ares_strerror(status)};
    }
}

static bool read_address(const struct ares_addrinfo_node *node, struct ip *out) {
    memset(out, 0, sizeof *out);
    if (node->ai_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, node->ai_addr, sizeof v4);
        memcpy(out->bytes, &v4.sin_addr, 4);
        out->size = 4;
    } else if (node->ai_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, node->ai_addr, sizeof v6);
        memcpy(out->bytes, &v6.sin6_addr, 16);
        out->size = 16;
    }
    return out->size > 0;
}

static bool has_address(const struct entry *e, const struct ip *address) {
    for (size_t i = 0; i < e->answer.n; i++)
        if (ip_equal(&e->addresses[i], address))
            return true;
    return false;
}

static void keep_addresses(struct entry *e, const struct ares_addrinfo *info) {
    size_t n = 0;
    for (const struct ares_addrinfo_node *at = info->nodes; at; at = at->ai_next)
        n++;
    n = n < NET_ADDRESSES_MAX ? n : NET_ADDRESSES_MAX;
    e->addresses = calloc(n > 0 ? n : 1, sizeof *e->addresses);
    for (const struct ares_addrinfo_node *at = info->nodes; e->addresses && at && e->answer.n < n;
         at = at->ai_next) {
        struct ip address;
        if (read_address(at, &address) && !has_address(e, &address))
            e->addresses[e->answer.n++] = address;
    }
    if (e->answer.n == 0)
        e->answer = answer_of_failure(ARES_ENODATA);
    e->answer.addresses = e->addresses;
}

static void tell_waiters(struct entry *e) {
    struct net_resolver *r = e->resolver;
    e->is_known = true;
    if (--r->under_way == 0)
        net_timer_stop(r->timer);
    while (e->waiters) {
        struct waiter *w = e->waiters;
        e->waiters = w->next;
        w->done(w->context, &e->answer);
        free(w);
    }
}

static void on_answer(void *context, int status, int timeouts, struct ares_addrinfo *info) {
    struct entry *e = context;
    (void)timeouts;
    if (status == ARES_SUCCESS && info)
        keep_addresses(e, info);
    else
        e->answer = answer_of_failure(status);
    if (info)
        ares_freeaddrinfo(info);
    tell_waiters(e);
}

static void on_own_name(void *context, int status, int timeouts, struct hostent *host) {
    struct entry *e = context;
    (void)timeouts;
    size_t n = status == ARES_SUCCESS && host && host->h_name ? strlen(host->h_name) : 0;
    if (n > 0 && n <= NAME_MAX_SIZE)
        e->own_name = malloc(n + 1);
    if (e->own_name)
        memcpy(e->own_name, host->h_name, n + 1);
    else
        e->answer = answer_of_failure(status == ARES_SUCCESS ? ARES_ENODATA : status);
    e->answer.name = e->own_name;
    tell_waiters(e);
}

static enum err add_entry(struct net_resolver *r, struct bytes name, struct entry **out) {
    struct entry *e = make_room(r) ? calloc(1, sizeof *e) : NULL;
    if (!e)
        return ERR_MEMORY;
    e->resolver = r;
    memcpy(e->name, name.p, name.n);
    r->slots[slot_of(r->slots, r->slots_n, name)] = e;
    r->entries_n++;
    *out = e;
    return ERR_OK;
}

static enum err add_waiter(struct entry *e, net_resolved *done, void *context) {
    struct waiter *w = malloc(sizeof *w), **at = &e->waiters;
    if (!w)
        return ERR_MEMORY;
    *w = (struct waiter){done, context, NULL};
    while (*at)
        at = &(*at)->next;
    *at = w;
    return ERR_OK;
}

static void start(struct net_resolver *r, struct entry *e) {
    struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = ARES_AI_NOSORT};
    if (r->under_way++ == 0)
        net_timer_start(r->timer, 50, 50);
    if (e->address.size > 0) {
        ares_gethostbyaddr(r->channel, e->address.bytes, (int)e->address.size,
                           e->address.size == 4 ? AF_INET : AF_INET6, on_own_name, e);
        return;
    }
    ares_getaddrinfo(r->channel, e->name, NULL, &hints, on_answer, e);
}

static enum err ask(struct net_resolver *r, struct bytes name, const struct ip *address,
                    net_resolved *done, void *context) {
    struct entry *e = r->slots[slot_of(r->slots, r->slots_n, name)];
    if (e && e->is_known) {
        done(context, &e->answer);
        return ERR_OK;
    }
    bool is_new = !e;
    enum err err = is_new ? add_entry(r, name, &e) : ERR_OK;
    if (is_new && e && address)
        e->address = *address;
    if (!err)
        err = add_waiter(e, done, context);
    if (is_new && e) /* also without a waiter: who asks next must not wait for ever */
        start(r, e);
    return err;
}

enum err net_resolve(struct net_resolver *r, struct bytes name, net_resolved *done, void *context) {
    static const struct net_answer no_name = {.err = ERR_NOT_FOUND, .text = "not a host name"};
    if (name.n > NAME_MAX_SIZE || name.n == 0 || memchr(name.p, 0, name.n)) {
        done(context, &no_name);
        return ERR_OK;
    }
    return ask(r, name, NULL, done, context);
}

/* Kept beside the names, under a word that no host name can be. */
enum err net_resolve_address(struct net_resolver *r, const struct ip *address, net_resolved *done,
                             void *context) {
    char word[8 + IP_TEXT_MAX] = "name of ", text[IP_TEXT_MAX];
    ip_write(address, text);
    memcpy(word + strlen("name of "), text, strlen(text) + 1);
    return ask(r, bytes_text(word), address, done, context);
}
