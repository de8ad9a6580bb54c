/* One request by lib/net's HTTP client, for tests/peers/net_http_test.py:
 *
 *   http_get URL PATH pin HEX | ca FILE | system [BODY]
 *
 * Prints `status N`, `type T` and `body TEXT`, or `error CODE` and the fault's text. */
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "net/http.h"

#include <string.h>

static enum err read_trust(struct arena *a, char **words, uint8_t pin[X509_SHA256_SIZE],
                           struct x509_trust *out, struct fault *f) {
    if (strcmp(words[0], "pin") == 0) {
        if (!hex_read(bytes_text(words[1]), pin, X509_SHA256_SIZE))
            return fault_set(f, ERR_USAGE, "pin", "%s", words[1]);
        *out = (struct x509_trust){.pins = (const uint8_t(*)[X509_SHA256_SIZE])pin, .pins_n = 1};
        return ERR_OK;
    }
    return net_roots_read(a, strcmp(words[0], "ca") == 0 ? words[1] : NULL, out, f);
}

int main(int argc, char **argv) {
    os_start(&argc, &argv);
    struct env env = env_system(NULL);
    struct arena arena;
    struct x509_trust trust;
    struct net_http *http = NULL;
    struct net_http_response response = {0};
    struct fault f = {0};
    uint8_t pin[X509_SHA256_SIZE];
    char text[2 * FAULT_DETAIL_MAX];

    if (argc < 5)
        return 2;
    arena_init(&arena, 64 << 20);
    buf_init(&response.body, 1 << 20);
    struct net_http_request request = {
        .method = argc > 5 ? "POST" : "GET",
        .path = argv[2],
        .headers = {"X-Test: yes", NULL},
        .timeout_ms = 3000
    };
    if (argc > 5)
        request.body = bytes_text(argv[5]);
    enum err err = read_trust(&arena, argv + 3, pin, &trust, &f);
    if (!err)
        err = net_http_open(&env, argv[1], &trust, &http, &f);
    for (unsigned i = 0; !err && i < 2; i++) { /* twice: the connection is kept, or made anew */
        buf_reset(&response.body);
        err = net_http_send(http, &request, &response, &f);
    }
    if (err)
        printf("error %s\n%s\n", err_row(err)->name, fault_text(&f, text, sizeof text));
    else
        printf("status %d\ntype %s\nretry %llu\nbody %.*s\n", response.status,
               response.content_type, (unsigned long long)response.retry_after_s,
               (int)response.body.n, (const char *)response.body.p);
    net_http_close(http);
    buf_clear(&response.body);
    arena_clear(&arena);
    return err ? 1 : 0;
}
