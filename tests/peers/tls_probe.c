/* Harvests from one TLS server over a blocking socket and prints what it found,
 * one "key value" a line: lib/tls against real peers, without lib/net.
 * Linux only, for tests/peers/tls_test.py. With -k it prints the handshake
 * traffic secrets as in a key log, to compare with the server's own.
 *
 *     tls_probe [-n sni] [-a rsa|ecdsa|ml-dsa] [-v min] [-V max] [-s shape]
 *               [-p alpn] [-c bytes a feed] [-k] address port
 */
#include "tls/inner.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int fail(const char *what) {
    fprintf(stderr, "tls_probe: %s\n", what);
    return 2;
}

static int dial(const char *address, const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    struct timeval limit = {.tv_sec = 5};
    to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
        return -1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? fd : -1;
}

static void flush(int fd, struct tls_harvest *h) {
    struct bytes out = tls_harvest_output(h);
    while (out.n > 0) {
        ssize_t n = send(fd, out.p, out.n, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        tls_harvest_sent(h, (size_t)n);
        out = tls_harvest_output(h);
    }
}

static void converse(int fd, struct tls_harvest *h, size_t cut) {
    enum tls_want want = TLS_WANT_MORE;
    uint8_t space[16384];
    while (want == TLS_WANT_MORE) {
        flush(fd, h);
        ssize_t n = recv(fd, space, cut < sizeof space ? cut : sizeof space, 0);
        if (n < 0)
            want = tls_harvest_leave(h);
        else if (n == 0)
            want = tls_harvest_eof(h);
        else
            want = tls_harvest_feed(h, bytes_of(space, (size_t)n));
    }
    flush(fd, h);
    shutdown(fd, SHUT_WR);
    while (recv(fd, space, sizeof space, 0) > 0)
        ;
}

static const char *or_none(const char *name) {
    return name == NULL ? "-" : name;
}

static void print_hex(const char *key, const uint8_t *p, size_t n) {
    printf("%s ", key);
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
    printf("\n");
}

static void print_result(const struct tls_result *r) {
    printf("outcome %s\nstage %s\n", tls_outcome_name(r->outcome), tls_stage_name(r->stage));
    printf("version %s\n", or_none(tls_version_name(r->version)));
    printf("suite %s\n", or_none(tls_cipher_suite_name(r->cipher_suite)));
    printf("group %s\n", or_none(tls_group_name(r->group)));
    printf("dh_bits %u\nalert %d\nretried %d\n", r->dh_bits, r->alert, r->retried);
    printf("alpn %.*s\n", (int)r->alpn.n, (const char *)r->alpn.p);
    printf("ocsp %zu\nrequest %d\nca_names %zu\n", r->ocsp.n, r->client_certificate_asked,
           r->client_ca_names);
    printf("chain_sent %zu\n", r->chain_sent);
    for (size_t i = 0; i < r->chain_n; i++) {
        uint8_t sum[SHA256_SIZE];
        hash_of(HASH_SHA256, r->chain[i], sum);
        print_hex("cert", sum, sizeof sum);
    }
    printf("detail %s\n", r->detail);
}

static void print_secrets(const struct tls_harvest *h) {
    size_t n = h->result.cipher_suite == 0x1302 ? 48 : 32;
    print_hex("client_secret", h->secrets.client, n);
    print_hex("server_secret", h->secrets.server, n);
}

struct options {
    struct tls_ask ask;
    struct bytes alpn;
    size_t cut;
    bool secrets;
};

static uint16_t version_of(const char *text) {
    return (uint16_t)(TLS_1_0 + (text[strlen(text) - 1] - '0')); /* "1.2" */
}

static bool read_options(int argc, char **argv, struct options *o) {
    int c;
    while ((c = getopt(argc, argv, "n:a:v:V:s:p:c:k")) != -1) {
        switch (c) {
        case 'n':
            o->ask.sni = bytes_text(optarg);
            break;
        case 'a':
            o->ask.asked = optarg[0] == 'r'   ? TLS_ASKED_RSA
                           : optarg[0] == 'e' ? TLS_ASKED_ECDSA
                                              : TLS_ASKED_ML_DSA;
            break;
        case 'v':
            o->ask.version_min = version_of(optarg);
            break;
        case 'V':
            o->ask.version_max = version_of(optarg);
            break;
        case 's':
            o->ask.shape = optarg[0] == 'f'   ? TLS_SHAPE_FULL
                           : optarg[0] == 'p' ? TLS_SHAPE_PLAIN
                                              : TLS_SHAPE_OLD;
            break;
        case 'p':
            o->alpn = bytes_text(optarg);
            o->ask.alpn = &o->alpn;
            o->ask.alpn_n = 1;
            break;
        case 'c':
            o->cut = strtoul(optarg, NULL, 10);
            break;
        case 'k':
            o->secrets = true;
            break;
        default:
            return false;
        }
    }
    return argc - optind == 2;
}

int main(int argc, char **argv) {
    struct options o = {.ask = tls_ask_default(), .cut = SIZE_MAX};
    struct env env = env_system(NULL);
    struct tls_keys keys;
    struct tls_harvest *h;
    if (!read_options(argc, argv, &o))
        return fail("usage: [options] address port");
    if (tls_keys_make(&env, &keys) != ERR_OK)
        return fail("no keys");
    if (tls_harvest_open(&env, &keys, &o.ask, &h) != ERR_OK)
        return fail("no hello");
    int fd = dial(argv[optind], argv[optind + 1]);
    if (fd < 0)
        return fail("no connection");
    printf("hello_size %zu\n", tls_harvest_output(h).n);
    converse(fd, h, o.cut);
    close(fd);
    print_result(tls_harvest_result(h));
    if (o.secrets)
        print_secrets(h);
    tls_harvest_close(h);
    tls_keys_clear(&keys);
    return 0;
}
