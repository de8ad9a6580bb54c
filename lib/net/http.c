/* The HTTP client. See http.h. */
#include "net/http.h"

#include "base/file.h"
#include "base/text.h"
#include "base/version.h"
#include "net/easy.h"

#include <stdlib.h>
#include <string.h>

enum { CONNECT_MAX_MS = 10000 };

struct net_http {
    struct easy easy;
    char *base_url;
    struct net_http_response *response;
};

bool net_http_url_read(struct bytes url, struct bytes *host, uint16_t *port) {
    *port = 443;
    return easy_url_read(url, "https", host, port);
}

static size_t on_body(char *p, size_t size, size_t n, void *h_pointer) {
    struct net_http *h = h_pointer;
    buf_put(&h->response->body, bytes_of(p, size * n));
    return h->response->body.err ? 0 : size * n;
}

/* What does not change from request to request. */
static void set_up(struct net_http *h) {
    CURL *c = h->easy.curl;
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "clm/" CLM_VERSION);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, h);
}

enum err net_http_open(const struct env *env, const char *base_url,
                       const struct x509_trust *anchors, struct net_http **out, struct fault *f) {
    struct bytes url = bytes_text(base_url), host;
    uint16_t port;
    if (!net_http_url_read(url, &host, &port))
        return fault_set(f, ERR_USAGE, "server's URL", "%s is not https://HOST[:PORT]", base_url);
    size_t n = url.p[url.n - 1] == '/' ? url.n - 1 : url.n;
    struct net_http *h = calloc(1, sizeof *h);
    if (h)
        h->base_url = calloc(1, n + 1);
    if (!h || !h->base_url) {
        net_http_close(h);
        return fault_set(f, ERR_MEMORY, "HTTP client", "%s", "");
    }
    memcpy(h->base_url, base_url, n);
    enum err err = easy_open(&h->easy, env, host, anchors, "https", f);
    if (err) {
        net_http_close(h);
        return err;
    }
    set_up(h);
    *out = h;
    return ERR_OK;
}

void net_http_close(struct net_http *h) {
    if (!h)
        return;
    easy_close(&h->easy);
    free(h->base_url);
    free(h);
}

static enum err tell_failure(const struct net_http *h, CURLcode code, struct fault *f) {
    if (code == CURLE_WRITE_ERROR && h->response->body.err)
        return fault_set(f, h->response->body.err, "server's answer", "%s", h->base_url);
    return easy_fault(&h->easy, code, "server", h->base_url, f);
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
    curl_easy_getinfo(h->easy.curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(h->easy.curl, CURLINFO_RETRY_AFTER, &retry_after);
    h->response->status = (int)status;
    h->response->retry_after_s = retry_after > 0 ? (uint64_t)retry_after : 0;
    read_content_type(h->easy.curl, h->response->content_type, sizeof h->response->content_type);
}

static bool add_header(struct curl_slist **list, const char *header) {
    struct curl_slist *more = curl_slist_append(*list, header);
    if (more)
        *list = more;
    return more != NULL;
}

static CURLcode set_request(struct net_http *h, const struct net_http_request *request,
                            const char *url, struct curl_slist *headers) {
    CURL *c = h->easy.curl;
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

enum err net_http_send(struct net_http *h, const struct net_http_request *request,
                       struct net_http_response *response, struct fault *f) {
    struct curl_slist *headers = NULL;
    struct buf url;
    /* Line ends in a header or path would be requests of someone else's. */
    bool good = easy_is_line(request->path) && add_header(&headers, "Expect:");

    for (const char *const *at = request->headers; good && *at; at++)
        good = easy_is_line(*at) && add_header(&headers, *at);
    buf_init(&url, 8192);
    buf_printf(&url, "%s%s", h->base_url, request->path);
    h->response = response;
    enum err err;
    if (!good || url.err) {
        err = fault_set(f, ERR_USAGE, "request", "%s", request->path);
    } else {
        CURLcode code = set_request(h, request, buf_cstr(&url), headers);
        if (!code)
            code = easy_perform(&h->easy);
        err = code ? tell_failure(h, code, f) : ERR_OK;
        if (!err)
            read_response(h);
    }
    buf_clear(&url);
    curl_easy_setopt(h->easy.curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return err;
}

static enum err system_roots(struct buf *pem, struct fault *f) {
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

enum err net_roots_read(struct arena *a, const char *file, struct x509_trust *out,
                        struct fault *f) {
    struct buf pem;
    buf_init(&pem, NET_ROOTS_MAX);
    enum err code = file ? file_read(file, &pem, f) : system_roots(&pem, f);
    if (code == ERR_OK)
        code = x509_trust_read(a, buf_bytes(&pem), out, f);
    buf_clear(&pem);
    return code;
}
