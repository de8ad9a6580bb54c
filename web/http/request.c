/* What a request carries: look-ups by name. See http.h. */
#include "web/http/http.h"

#include "base/text.h"

static const struct {
    enum http_method method;
    const char *name;
} methods[] = {
    {HTTP_GET,     "GET"    },
    {HTTP_HEAD,    "HEAD"   },
    {HTTP_POST,    "POST"   },
    {HTTP_PUT,     "PUT"    },
    {HTTP_DELETE,  "DELETE" },
    {HTTP_PATCH,   "PATCH"  },
    {HTTP_OPTIONS, "OPTIONS"},
};

const char *http_method_name(enum http_method m) {
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].method == m)
            return methods[i].name;
    return "";
}

/* RFC 9110, 5.1: names of fields are case-insensitive. */
static bool same_name(struct bytes a, const char *b) {
    return bytes_is_nocase(a, b);
}

struct bytes http_header(const struct http_request *rq, const char *name) {
    for (size_t i = 0; i < rq->headers_n; i++)
        if (same_name(rq->headers[i].name, name))
            return rq->headers[i].value;
    return bytes_of(NULL, 0);
}

size_t http_header_count(const struct http_request *rq, const char *name) {
    size_t n = 0;
    for (size_t i = 0; i < rq->headers_n; i++)
        n += same_name(rq->headers[i].name, name);
    return n;
}

struct bytes http_param(const struct http_request *rq, const char *name) {
    for (size_t i = 0; i < rq->params_n; i++)
        if (bytes_is(rq->params[i].name, name))
            return rq->params[i].value;
    return bytes_of(NULL, 0);
}

/* RFC 6265, 4.2.1: pairs are separated by "; ". A name that comes twice could
 * have been planted by another host of the domain: then none counts. */
struct bytes http_cookie(const struct http_request *rq, const char *name) {
    struct bytes found = {NULL, 0};
    for (size_t i = 0; i < rq->headers_n; i++) {
        if (!same_name(rq->headers[i].name, "cookie"))
            continue;
        struct cur c = cur_open(rq->headers[i].value);
        while (c.rest.n > 0) {
            struct cur pair = cur_open(bytes_trim(cur_until(&c, ';')));
            if (!bytes_is(cur_until(&pair, '='), name))
                continue;
            if (found.p != NULL)
                return bytes_of(NULL, 0);
            found = pair.rest.n > 0 ? pair.rest : bytes_text("");
        }
    }
    return found;
}
