/* Embedded files as answers. See http.h.
 *
 * A file is embedded as gzip where that is smaller. Both forms have an ETag of
 * their own (RFC 9110, 8.8.1); either is found in If-None-Match, since both
 * stand for the same file. Browsers ask again each time (no-cache), which costs
 * one 304: so a new binary is never mixed with old pages.
 */
#include "web/http/http.h"

#include "base/text.h"
#include "base/zip.h"

#include <string.h>

const struct http_asset *http_asset_find(const struct http_asset *rows, size_t n,
                                         struct bytes path) {
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(bytes_text(rows[middle].path), path);
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* "q=0", "q=0.0": not acceptable (RFC 9110, 12.4.2). */
static bool is_refused(struct cur parameters) {
    while (parameters.rest.n > 0) {
        struct bytes p = bytes_trim(cur_until(&parameters, ';'));
        if (!bytes_starts(p, "q=") && !bytes_starts(p, "Q="))
            continue;
        for (size_t i = 2; i < p.n; i++)
            if (p.p[i] != '0' && p.p[i] != '.')
                return false;
        return true;
    }
    return false;
}

static bool takes_gzip(const struct http_request *rq) {
    struct cur c = cur_open(http_header(rq, "accept-encoding"));
    while (c.rest.n > 0) {
        struct cur item = cur_open(cur_until(&c, ','));
        struct bytes coding = bytes_trim(cur_until(&item, ';'));
        if (bytes_is_nocase(coding, "gzip") || bytes_is_nocase(coding, "x-gzip"))
            return !is_refused(item);
    }
    return false;
}

/* One of `"etag"`, `"etag-gz"`, weak or not, or `*`. */
static bool names_etag(struct bytes item, const char *etag) {
    struct cur c = cur_open(item);
    if (bytes_starts(item, "W/"))
        cur_take(&c, 2);
    if (cur_u8(&c) != '"' || !bytes_starts(c.rest, etag))
        return bytes_is(item, "*");
    cur_take(&c, strlen(etag));
    return bytes_is(c.rest, "\"") || bytes_is(c.rest, "-gz\"");
}

static bool is_known_to_client(const struct http_request *rq, const char *etag) {
    struct cur c = cur_open(http_header(rq, "if-none-match"));
    while (c.rest.n > 0)
        if (names_etag(bytes_trim(cur_until(&c, ',')), etag))
            return true;
    return false;
}

static void unpack(struct http_request *rq, const struct http_asset *asset) {
    enum err err = gzip_unpack(bytes_of(asset->bytes, asset->n), &rq->response.body);
    if (err != ERR_OK)
        rq->response.err = err;
}

void http_asset_answer(struct http_request *rq, const struct http_asset *asset) {
    char etag[80];
    struct buf text;
    if (rq->method != HTTP_GET && rq->method != HTTP_HEAD) {
        http_response_problem_status(rq, 405, ERR_UNSUPPORTED, "only GET and HEAD", NULL);
        http_response_header(rq, "Allow", "GET, HEAD");
        return;
    }
    bool as_gzip = asset->gzip && takes_gzip(rq);
    http_response_reset(rq, is_known_to_client(rq, asset->etag) ? 304 : 200);
    rq->response.content_type = asset->type;
    rq->response.cache_control = "no-cache";

    buf_init(&text, sizeof etag);
    buf_printf(&text, "\"%s%s\"", asset->etag, as_gzip ? "-gz" : "");
    http_response_header(rq, "ETag", buf_cstr(&text));
    buf_clear(&text);
    if (asset->gzip)
        http_response_header(rq, "Vary", "Accept-Encoding");
    if (rq->response.status == 304)
        return;
    if (as_gzip)
        http_response_header(rq, "Content-Encoding", "gzip");
    if (asset->gzip && !as_gzip)
        unpack(rq, asset);
    else
        rq->response.asset = asset;
}
