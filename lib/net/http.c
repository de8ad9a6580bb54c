/* The HTTP client. See http.h. The only file that includes libcurl. */
#include "net/http.h"

#include "base/file.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/version.h"
#include "net/trust.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_MAX_MS = 10000,
    POLL_MS = 500, /* so soon the stop flag is seen */
    HANDSHAKE_POLL_MS = 4,
    HOST_MAX = 255,
    ALERT_PROTOCOL_VERSION = 70,
};

struct net_http {
    const struct env *env;
    CURL *curl;
    CURLM *multi; /* drives it, and keeps the connection */
    struct trust trust;
    char *base_url;
    char host[HOST_MAX + 1];
    br_ssl_client_context *client; /* curl's, while its connection lives */
    int tls_error;                 /* of the last connection that was closed */
    struct net_http_response *response;
    char text[CURL_ERROR_SIZE];
};

static bool is_host(struct bytes host, bool bracketed) {
    for (size_t i = 0; i < host.n; i++) {
        uint8_t c = host.p[i];
        bool good =
            ascii_is_alnum(c) || c == '.' || c == '-' || c == '_' || (bracketed && c == ':');
        if (!good)
            return false;
    }
    return host.n > 0 && host.n <= HOST_MAX;
}

bool net_http_url_read(struct bytes url, struct bytes *host, uint16_t *port) {
    static const char scheme[] = "https://";
    uint64_t number = 443;

    if (!bytes_is_nocase(bytes_part(url, 0, strlen(scheme)), scheme))
        return false;
    struct bytes rest = bytes_part(url, strlen(scheme), SIZE_MAX);
    if (rest.n > 0 && rest.p[rest.n - 1] == '/')
        rest.n--;
    bool bracketed = bytes_starts(rest, "[");
    size_t end = bytes_find(rest, bytes_text(bracketed ? "]" : ":"));
    if (bracketed && end == SIZE_MAX)
        return false;
    struct bytes name = bytes_part(rest, bracketed, end == SIZE_MAX ? end : end - bracketed);
    struct bytes behind =
        end == SIZE_MAX ? (struct bytes){0} : bytes_part(rest, end + bracketed, SIZE_MAX);
    if (behind.n > 0) {
        if (!bytes_starts(behind, ":") ||
            !number_read(bytes_part(behind, 1, SIZE_MAX), 65535, &number) || number == 0)
            return false;
    }
    if (!is_host(name, bracketed))
        return false;
    *host = name;
    *port = (uint16_t)number;
    return true;
}

static bool is_address(struct bytes host) {
    struct ip ip;
    return ip_read(host, &ip);
}

static CURLcode on_context(CURL *curl, void *context, void *h_pointer) {
    struct net_http *h = h_pointer;
    (void)curl;
    h->client = context;
    h->tls_error = 0;
    trust_install(&h->trust, h->client);
    return CURLE_OK;
}

/* BearSSL's reason is lost with curl's connection, and curl does not pass it on; this
 * line of its log comes while the connection is still there. Should it never come,
 * the message is less exact, nothing worse. */
static int on_log(CURL *curl, curl_infotype type, char *text, size_t n, void *h_pointer) {
    struct net_http *h = h_pointer;
    (void)curl;
    if (type == CURLINFO_TEXT && h->client &&
        bytes_starts(bytes_of(text, n), "Closing connection")) {
        h->tls_error = br_ssl_engine_last_error(&h->client->eng);
        h->client = NULL;
    }
    return 0;
}

static size_t on_body(char *p, size_t size, size_t n, void *h_pointer) {
    struct net_http *h = h_pointer;
    buf_put(&h->response->body, bytes_of(p, size * n));
    return h->response->body.err ? 0 : size * n;
}

static int on_progress(void *h_pointer, curl_off_t down_all, curl_off_t down, curl_off_t up_all,
                       curl_off_t up) {
    const struct net_http *h = h_pointer;
    (void)down_all, (void)down, (void)up_all, (void)up;
    return h->env->stop && *h->env->stop;
}

/* What does not change from request to request. */
static void set_up(struct net_http *h) {
    CURL *c = h->curl;
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "clm/" CLM_VERSION);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->text);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* each connection is verified */
    curl_easy_setopt(c, CURLOPT_SSL_CTX_FUNCTION, on_context);
    curl_easy_setopt(c, CURLOPT_SSL_CTX_DATA, h);
    /* The class set by on_context verifies. PEER stays on, so that without it nothing
     * would pass; HOST must be off for addresses, where curl would refuse to begin. */
    curl_easy_setopt(c, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, is_address(bytes_text(h->host)) ? 0L : 2L);
    curl_easy_setopt(c, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(c, CURLOPT_DEBUGFUNCTION, on_log);
    curl_easy_setopt(c, CURLOPT_DEBUGDATA, h);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, h);
}

enum err net_http_open(const struct env *env, const char *base_url,
                       const struct x509_trust *anchors, struct net_http **out, struct fault *f) {
    struct bytes url = bytes_text(base_url), host;
    uint16_t port;
    if (!net_http_url_read(url, &host, &port))
        return fault_set(f, ERR_USAGE, "server's URL", "%s is not https://HOST[:PORT]", base_url);
    struct net_http *h = calloc(1, sizeof *h);
    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(h);
        return fault_set(f, ERR_MEMORY, "HTTP client", "%s", "");
    }
    h->env = env;
    memcpy(h->host, host.p, host.n);
    trust_init(&h->trust, env, anchors, bytes_text(h->host));
    size_t n = url.p[url.n - 1] == '/' ? url.n - 1 : url.n;
    h->base_url = calloc(1, n + 1);
    h->curl = curl_easy_init();
    h->multi = curl_multi_init();
    if (!h->base_url || !h->curl || !h->multi) {
        net_http_close(h);
        return fault_set(f, ERR_MEMORY, "HTTP client", "%s", "");
    }
    memcpy(h->base_url, base_url, n);
    set_up(h);
    *out = h;
    return ERR_OK;
}

void net_http_close(struct net_http *h) {
    if (!h)
        return;
    if (h->curl)
        curl_easy_cleanup(h->curl);
    if (h->multi)
        curl_multi_cleanup(h->multi);
    curl_global_cleanup();
    trust_clear(&h->trust);
    free(h->base_url);
    free(h);
}

/* What became of the TLS handshake where no certificate was even judged. */
static enum err tell_handshake(const struct net_http *h, struct fault *f) {
    int alert = h->tls_error - BR_ERR_RECV_FATAL_ALERT;
    if (alert == ALERT_PROTOCOL_VERSION || h->tls_error == BR_ERR_UNSUPPORTED_VERSION)
        return fault_set(f, ERR_TLS, "TLS handshake",
                         "%s speaks no TLS 1.2, and TLS 1.3 cannot be spoken to servers here: "
                         "let it offer TLS 1.2 too",
                         h->host);
    if (alert > 0 && alert < 256)
        return fault_set(f, ERR_TLS, "TLS handshake", "%s ended it with alert %d", h->host, alert);
    if (h->tls_error)
        return fault_set(f, ERR_TLS, "TLS handshake", "%s sent what is no TLS 1.2 (BearSSL %d)",
                         h->host, h->tls_error);
    return fault_set(f, ERR_TLS, "TLS handshake", "%s: %s", h->host,
                     h->text[0] ? h->text : "no TLS 1.2 spoken there");
}

static enum err tell_failure(const struct net_http *h, CURLcode code, struct fault *f) {
    const char *text = h->text[0] ? h->text : curl_easy_strerror(code);
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
        if (h->trust.verdict == TRUST_REFUSED && h->trust.fault.code) {
            if (f)
                *f = h->trust.fault;
            return h->trust.fault.code;
        }
        return tell_handshake(h, f);
    case CURLE_OPERATION_TIMEDOUT:
        return fault_set(f, ERR_TIMEOUT, "server", "%s: %s", h->base_url, text);
    case CURLE_WRITE_ERROR:
        if (h->response->body.err)
            return fault_set(f, h->response->body.err, "server's answer", "%s", h->base_url);
        return fault_set(f, ERR_NETWORK, "server", "%s: %s", h->base_url, text);
    case CURLE_ABORTED_BY_CALLBACK:
        return fault_set(f, ERR_INTERRUPTED, "server", "%s", h->base_url);
    case CURLE_OUT_OF_MEMORY:
        return fault_set(f, ERR_MEMORY, "server", "%s", h->base_url);
    default:
        return fault_set(f, ERR_NETWORK, "server", "%s: %s", h->base_url, text);
    }
}

static void read_content_type(CURL *curl, char *out, size_t size) {
    char *type = NULL;
    size_t n = 0;
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    for (; type && type[n] && type[n] != ';' && type[n] != ' ' && n < size - 1; n++)
        out[n] = ascii_lower(type[n]);
    out[n] = '\0';
}

static void read_response(struct net_http *h) {
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(h->curl, CURLINFO_RETRY_AFTER, &retry_after);
    h->response->status = (int)status;
    h->response->retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
    read_content_type(h->curl, h->response->content_type, sizeof h->response->content_type);
}

static bool add_header(struct curl_slist **list, const char *header) {
    struct curl_slist *more = curl_slist_append(*list, header);
    if (more)
        *list = more;
    return more != NULL;
}

/* Line ends in a header or path would be requests of someone else's. */
static bool is_line(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static CURLcode set_request(struct net_http *h, const struct net_http_request *request,
                            const char *url, struct curl_slist *headers) {
    CURL *c = h->curl;
    bool has_body = request->body.p != NULL;
    long timeout_ms = request->timeout_ms < 3600000 ? (long)request->timeout_ms : 3600000;

    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
    if (has_body) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, (const char *)request->body.p);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                     timeout_ms < CONNECT_MAX_MS ? timeout_ms : (long)CONNECT_MAX_MS);
    return curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
}

/* curl_easy_perform, but for one thing: while BearSSL shakes hands, curl does not ask
 * to be woken by the socket, and would sleep for up to a second at each end of the
 * handshake. Until the request itself is on its way we look every few milliseconds. */
static CURLcode perform(struct net_http *h) {
    int running = 1, left = 0;
    CURLMcode code = curl_multi_add_handle(h->multi, h->curl);
    while (!code && running) {
        curl_off_t begun_us = 0;
        code = curl_multi_perform(h->multi, &running);
        curl_easy_getinfo(h->curl, CURLINFO_PRETRANSFER_TIME_T, &begun_us);
        if (!code && running)
            code = curl_multi_poll(h->multi, NULL, 0, begun_us > 0 ? POLL_MS : HANDSHAKE_POLL_MS,
                                   NULL);
    }
    const CURLMsg *message = code ? NULL : curl_multi_info_read(h->multi, &left);
    CURLcode result = message ? message->data.result : CURLE_FAILED_INIT;
    curl_multi_remove_handle(h->multi, h->curl);
    return result;
}

enum err net_http_send(struct net_http *h, const struct net_http_request *request,
                       struct net_http_response *response, struct fault *f) {
    struct curl_slist *headers = NULL;
    struct buf url;
    bool good = is_line(request->path) && add_header(&headers, "Expect:");

    for (const char *const *at = request->headers; good && *at; at++)
        good = is_line(*at) && add_header(&headers, *at);
    buf_init(&url, 8192);
    buf_printf(&url, "%s%s", h->base_url, request->path);
    h->response = response;
    h->text[0] = '\0';
    h->trust.verdict = TRUST_NOT_ASKED;
    enum err err;
    if (!good || url.err) {
        err = fault_set(f, ERR_USAGE, "request", "%s", request->path);
    } else {
        CURLcode code = set_request(h, request, buf_cstr(&url), headers);
        if (!code)
            code = perform(h);
        err = code ? tell_failure(h, code, f) : ERR_OK;
        if (!err)
            read_response(h);
    }
    buf_clear(&url);
    curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return err;
}

enum err net_system_roots(struct buf *pem, struct fault *f) {
    static const char *const files[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Arch, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",                  /* Alpine, BSD */
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (file_exists(files[i]))
            return file_read(files[i], pem, f);
    return fault_set(f, ERR_NOT_FOUND, "the system's roots", "name a file of roots with --ca");
}
