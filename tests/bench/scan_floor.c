/* The floor below any scanner: connect, one hello, read until the certificates have
 * come, close. It parses nothing, decrypts nothing and remembers nothing.
 *
 *     scan_floor FILE IN_FLIGHT [polite]      FILE: one a.b.c.d:port a line
 *
 * It closes with a reset. `polite`: with an end of its own, and waits for the peer's,
 * as the scan does. Prints how many answered; exit status 1 where one did not. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_MIN = 700, /* less than the smallest flight with a certificate and its issuer */
    FILES_MAX = 1 << 16,
    EVENTS_MAX = 512,
    WAIT_MS = 5000,
};

enum state { CONNECTING, ASKED, LEAVING };

struct floor {
    FILE *targets;
    int epoll;
    bool is_polite;
    unsigned in_flight, live;
    unsigned long answered, failed;
    uint8_t hello[512];
    size_t hello_n;
    struct {
        enum state state;
        size_t got;
    } socket[FILES_MAX];
};

/* ---- a hello that TLS 1.2 and 1.3 servers go along with ---- */

static void put(struct floor *f, const void *bytes, size_t n) {
    memcpy(f->hello + f->hello_n, bytes, n);
    f->hello_n += n;
}

static void put_length(struct floor *f, size_t at) {
    size_t n = f->hello_n - at - 2;
    f->hello[at] = (uint8_t)(n >> 8);
    f->hello[at + 1] = (uint8_t)n;
}

static void make_hello(struct floor *f) {
    static const uint8_t suites[] = "\0\x0e\x13\1\x13\2\x13\3\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\1";
    static const uint8_t extensions[] =
        "\0\x0a\0\6\0\4\0\x1d\0\x17"                     /* groups: x25519, P-256 */
        "\0\x0b\0\2\1\0"                                 /* points: uncompressed */
        "\0\x0d\0\x0e\0\x0c\4\3\x08\4\4\1\5\3\x08\5\5\1" /* signatures */
        "\0\x2b\0\5\4\3\4\3\3"                           /* versions: 1.3, 1.2 */
        "\0\x2d\0\2\1\1"                                 /* psk_dhe_ke */
        "\0\x33\0\x26\0\x24\0\x1d\0\x20\x09";            /* share: the base point ... */
    uint8_t fill[32];
    memset(fill, 0x5a, sizeof fill);
    put(f, "\x16\3\1\0\0\1\0\0\0\3\3", 11);
    put(f, fill, 32);
    put(f, "\x20", 1);
    put(f, fill, 32);
    put(f, suites, sizeof suites); /* its NUL is the one compression: none */
    size_t at = f->hello_n;
    put(f, "\0", 2);
    put(f, extensions, sizeof extensions - 1);
    memset(fill, 0, sizeof fill);
    put(f, fill, 31); /* ... and the rest of it */
    put_length(f, at);
    put_length(f, 7);
    put_length(f, 3);
}

/* ---- the loop ---- */

static void watch(struct floor *f, int s, int how, uint32_t events) {
    struct epoll_event e = {.events = events, .data.fd = s};
    if (epoll_ctl(f->epoll, how, s, &e) < 0)
        perror("epoll_ctl");
}

static void drop(struct floor *f, int s) {
    if (f->socket[s].got >= ANSWER_MIN)
        f->answered++;
    else
        f->failed++;
    close(s);
    f->live--;
}

static void ask(struct floor *f, int s) {
    f->socket[s].state = ASKED;
    if (write(s, f->hello, f->hello_n) != (ssize_t)f->hello_n)
        drop(f, s);
    else
        watch(f, s, EPOLL_CTL_MOD, EPOLLIN);
}

static bool open_next(struct floor *f) {
    char line[64], *colon;
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct linger reset = {.l_onoff = 1};
    if (!fgets(line, sizeof line, f->targets) || (colon = strchr(line, ':')) == NULL)
        return false;
    *colon = '\0';
    to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, line, &to.sin_addr) != 1)
        return false;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (s < 0 || s >= FILES_MAX) {
        perror("socket");
        exit(2);
    }
    if (!f->is_polite)
        setsockopt(s, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    f->socket[s].state = CONNECTING;
    f->socket[s].got = 0;
    f->live++;
    if (connect(s, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        drop(f, s);
    else
        watch(f, s, EPOLL_CTL_ADD, EPOLLOUT);
    return true;
}

static void take(struct floor *f, int s) {
    static uint8_t room[64 * 1024];
    if (f->socket[s].state == CONNECTING) {
        ask(f, s);
        return;
    }
    ssize_t n = read(s, room, sizeof room);
    if (n <= 0) {
        drop(f, s);
        return;
    }
    f->socket[s].got += (size_t)n;
    if (f->socket[s].state == LEAVING || f->socket[s].got < ANSWER_MIN)
        return;
    f->socket[s].state = LEAVING;
    if (!f->is_polite || shutdown(s, SHUT_WR) < 0)
        drop(f, s);
}

int main(int argc, char **argv) {
    static struct floor f;
    struct rlimit files = {FILES_MAX, FILES_MAX};
    struct epoll_event events[EVENTS_MAX];
    if (argc < 3 || (f.targets = fopen(argv[1], "r")) == NULL) {
        fputs("scan_floor FILE IN_FLIGHT [polite]\n", stderr);
        return 2;
    }
    if (setrlimit(RLIMIT_NOFILE, &files) < 0 && getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    f.in_flight = (unsigned)strtoul(argv[2], NULL, 10);
    f.is_polite = argc > 3;
    f.epoll = epoll_create1(0);
    make_hello(&f);
    for (bool more = true; more || f.live > 0;) {
        while (more && f.live < f.in_flight)
            more = open_next(&f);
        int n = f.live > 0 ? epoll_wait(f.epoll, events, EVENTS_MAX, WAIT_MS) : 0;
        if (n <= 0 && f.live > 0) {
            f.failed += f.live; /* silent for so long: they will not answer */
            break;
        }
        for (int i = 0; i < n; i++)
            take(&f, events[i].data.fd);
    }
    printf("%lu answered, %lu did not\n", f.answered, f.failed);
    return f.failed > 0;
}
