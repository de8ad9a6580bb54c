/* Route rows. See route.h. */
#include "web/http/route.h"

static bool is_placeholder(struct bytes segment) {
    return bytes_starts(segment, "{");
}

bool http_pattern_match(const char *pattern, struct bytes path,
                        struct bytes values[HTTP_PATH_VALUES_MAX], size_t *values_n) {
    struct cur want = cur_open(bytes_text(pattern)), have = cur_open(path);
    size_t n = 0;
    while (want.rest.n > 0 && have.rest.n > 0) {
        struct bytes segment = cur_until(&want, '/'), found = cur_until(&have, '/');
        if (!is_placeholder(segment)) {
            if (!bytes_equal(segment, found))
                return false;
            continue;
        }
        if (found.n == 0 || n == HTTP_PATH_VALUES_MAX)
            return false;
        if (values != NULL)
            values[n] = found;
        n++;
    }
    if (values_n != NULL)
        *values_n = n;
    if (want.rest.n > 0 || have.rest.n > 0)
        return false;
    /* "/a/" and "/a" both end with nothing left: the last byte tells them apart. */
    struct bytes whole = bytes_text(pattern);
    return bytes_is(bytes_part(path, path.n - 1, 1), "/") ==
           bytes_is(bytes_part(whole, whole.n - 1, 1), "/");
}

static bool serves(const struct http_route *row, enum http_method method) {
    return row->method == method || (row->method == HTTP_GET && method == HTTP_HEAD);
}

const struct http_route *http_route_find(const struct http_route *rows, size_t n,
                                         struct http_request *rq, unsigned *allowed) {
    *allowed = 0;
    for (size_t i = 0; i < n; i++) {
        struct bytes values[HTTP_PATH_VALUES_MAX] = {
            {NULL, 0}
        };
        size_t values_n = 0;
        if (!http_pattern_match(rows[i].pattern, rq->path, values, &values_n))
            continue;
        *allowed |= rows[i].method | (rows[i].method == HTTP_GET ? (unsigned)HTTP_HEAD : 0);
        if (!serves(&rows[i], rq->method))
            continue;
        for (size_t v = 0; v < values_n; v++)
            rq->path_values[v] = values[v];
        rq->path_values_n = values_n;
        return &rows[i];
    }
    return NULL;
}

static void allow_header(struct http_request *rq, unsigned allowed) {
    struct buf text;
    buf_init(&text, 128);
    for (unsigned bit = HTTP_GET; bit <= HTTP_OPTIONS; bit <<= 1)
        if (allowed & bit)
            buf_printf(&text, "%s%s", text.n > 0 ? ", " : "",
                       http_method_name((enum http_method)bit));
    http_response_header(rq, "Allow", buf_cstr(&text));
    buf_clear(&text);
}

void http_route_missing(struct http_request *rq, unsigned allowed) {
    if (allowed == 0) {
        http_response_problem(rq, ERR_NOT_FOUND, "there is nothing at this path", NULL);
        return;
    }
    if (rq->method == HTTP_OPTIONS)
        http_response_reset(rq, 204);
    else
        http_response_problem_status(rq, 405, ERR_UNSUPPORTED, "the method does not fit this path",
                                     NULL);
    allow_header(rq, allowed | HTTP_OPTIONS);
}
