/* One libcurl handle over our TLS. See easy.h. */
#include "net/easy.h"

#include "base/ip.h"
#include "base/text.h"
#include "base/version.h"

#include <string.h>

enum {
    POLL_MS = 500, /* so soon the stop flag is seen */
    HANDSHAKE_POLL_MS = 4,
    ALERT_PROTOCOL_VERSION = 70,
};

static bool is_host(struct bytes host, bool bracketed) {
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];
        bool good =
            ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || (bracketed && c == ':');
        if (!good)
            return false;
    }
    return host.n > 0 && host.n <= EASY_HOST_MAX;
}

/* ":N" or nothing. */
static bool read_port(struct bytes behind, uint16_t *port) {
    uint64_t number;
    if (behind.n == 0)
        return true;
    if (!bytes_starts(behind, ":") ||
        !number_read(bytes_part(behind, 1, SIZE_MAX), 65535, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool easy_url_read(struct bytes url, const char *scheme, struct bytes *host, uint16_t *port) {
    size_t n = strlen(scheme);
    if (!bytes_is_nocase(bytes_part(url, 0, n), scheme) || !bytes_is(bytes_part(url, n, 3), "://"))
        return false;
    struct bytes rest = bytes_part(url, n + 3, SIZE_MAX);
    if (rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    bool bracketed = bytes_starts(rest, "[");
    size_t end = bytes_find(rest, bytes_text(bracketed ? "]" : ":"));
    if (bracketed && end == SIZE_MAX)
        return false;
    struct bytes name = bytes_part(rest, bracketed, end == SIZE_MAX ? end : end - bracketed);
    struct bytes behind =
        end == SIZE_MAX ? (struct bytes){0} : bytes_part(rest, end + bracketed, SIZE_MAX);
    if (!is_host(name, bracketed) || !read_port(behind, port))
        return false;
    *host = name;
    return true;
}

bool easy_is_address(const char *host) {
    struct ip ip;
    return ip_read(bytes_text(host), &ip);
}

bool easy_is_line(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static CURLcode on_context(CURL *curl, void *context, void *e_pointer) {
    struct easy *e = e_pointer;
    (void)curl;
    e->client = context;
    e->tls_error = 0;
    trust_install(&e->trust, e->client);
    return CURLE_OK;
}

/* BearSSL's reason is lost with curl's connection, and curl does not pass it on; this
 * line of its log comes while the connection is still there. Should it never come,
 * the message is less exact, nothing worse. */
static int on_log(CURL *curl, curl_infotype type, char *text, size_t n, void *e_pointer) {
    struct easy *e = e_pointer;
    (void)curl;
    if (type == CURLINFO_TEXT && e->client &&
        bytes_starts(bytes_of(text, n), "Closing connection")) {
        e->tls_error = br_ssl_engine_last_error(&e->client->eng);
        e->client = NULL;
    }
    if (e->line && (type == CURLINFO_HEADER_IN || type == CURLINFO_HEADER_OUT))
        e->line(e, type == CURLINFO_HEADER_OUT, bytes_of(text, n));
    return 0;
}

static int on_progress(void *e_pointer, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up) {
    const struct easy *e = e_pointer;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return e->env->stop && *e->env->stop;
}

static void set_up(struct easy *e, const char *protocols) {
    CURL *c = e->curl;
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, e->text);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* each connection is verified */
    curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, e);
    /* The class set by on_context verifies. PEER stays on, so that without it nothing
     * would pass; HOST must be off for addresses, where curl would refuse to begin. */
    curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, easy_is_address(e->host) ? 0L : 2L);
    curl_easy_setopt(c, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, on_log);
    curl_easy_setopt(c, CURLOPT_DEBUGDATA, e);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, e);
}

enum err easy_open(struct easy *e, const struct env *env, struct bytes host,
                   const struct x509_trust *anchors, const char *protocols, struct fault *f) {
    static const struct x509_trust nobody = {0};
    *e = (struct easy){.env = env};
    if (host.n > EASY_HOST_MAX)
        return fault_set(f, ERR_USAGE, "server's name", "longer than %d bytes", EASY_HOST_MAX);
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return fault_set(f, ERR_MEMORY, "transfer", "%s", "");
    memcpy(e->host, host.p, host.n);
    trust_init(&e->trust, env, anchors ? anchors : &nobody, bytes_text(e->host));
    e->curl = curl_easy_init();
    e->multi = curl_multi_init();
    if (!e->curl || !e->multi) {
        easy_close(e);
        return fault_set(f, ERR_MEMORY, "transfer", "%s", "");
    }
    set_up(e, protocols);
    return ERR_OK;
}

void easy_close(struct easy *e) {
    if (!e->env)
        return;
    if (e->curl)
        curl_easy_cleanup(e->curl);
    if (e->multi)
        curl_multi_cleanup(e->multi);
    curl_global_cleanup();
    trust_clear(&e->trust);
    *e = (struct easy){0};
}

/* curl_easy_perform, but for one thing: while BearSSL shakes hands, curl does not ask
 * to be woken by the socket, and would sleep for up to a second at each end of the
 * handshake. Until the request itself is on its way we look every few milliseconds. */
CURLcode easy_perform(struct easy *e) {
    int running = 1, left = 0;
    e->text[0] = '\0';
    e->trust.verdict = TRUST_NOT_ASKED;
    CURLMcode code = curl_multi_add_handle(e->multi, e->curl);
    while (!code && running) {
        curl_off_t begun_us = 0;
        code = curl_multi_perform(e->multi, &running);
        curl_easy_getinfo(e->curl, CURLINFO_PRETRANSFER_TIME_T, &begun_us);
        if (!code && running)
            code = curl_multi_poll(e->multi, NULL, 0, begun_us > 0 ? POLL_MS : HANDSHAKE_POLL_MS,
                                   NULL);
    }
    const CURLMsg *message = code ? NULL : curl_multi_info_read(e->multi, &left);
    CURLcode result = message ? message->data.result : CURLE_FAILED_INIT;
    curl_multi_remove_handle(e->multi, e->curl);
    return result;
}

/* What became of the TLS handshake where no certificate was even judged. */
static enum err tell_handshake(const struct easy *e, struct fault *f) {
    int alert = e->tls_error - BR_ERR_RECV_FATAL_ALERT;
    if (alert == ALERT_PROTOCOL_VERSION || e->tls_error == BR_ERR_UNSUPPORTED_VERSION)
        return fault_set(f, ERR_TLS, "TLS handshake",
                         "%s speaks no TLS 1.2, and TLS 1.3 cannot be spoken to servers here: "
                         "let it offer TLS 1.2 too",
                         e->host);
    if (alert > 0 && alert < 256)
        return fault_set(f, ERR_TLS, "TLS handshake", "%s ended it with alert %d", e->host, alert);
    if (e->tls_error)
        return fault_set(f, ERR_TLS, "TLS handshake", "%s sent what is no TLS 1.2 (BearSSL %d)",
                         e->host, e->tls_error);
    return fault_set(f, ERR_TLS, "TLS handshake", "%s: %s", e->host,
                     e->text[0] ? e->text : "no TLS 1.2 spoken there");
}

enum err easy_fault(const struct easy *e, CURLcode code, const char *what, const char *where,
                    struct fault *f) {
    const char *text = e->text[0] ? e->text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        if (e->trust.verdict == TRUST_REFUSED && e->trust.fault.code) {
            if (f)
                *f = e->trust.fault;
            return e->trust.fault.code;
        }
        return tell_handshake(e, f);
    case CURLE_OPERATION_TIMEDOUT:
        return fault_set(f, ERR_TIMEOUT, what, "%s: %s", where, text);
    case CURLE_ABORTED_BY_CALLBACK:
        return fault_set(f, ERR_INTERRUPTED, what, "%s", where);
    case CURLE_OUT_OF_MEMORY:
        return fault_set(f, ERR_MEMORY, what, "%s", where);
    default:
        return fault_set(f, ERR_NETWORK, what, "%s: %s", where, text);
    }
}
