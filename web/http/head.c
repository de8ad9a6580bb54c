/* Heads of messages. See head.h.
 *
 * The parser splits lines; whether a message that two programs could read in
 * two ways is refused (request smuggling) is decided here.
 */
#include "web/http/head.h"

#include "base/text.h"
#include "web/http/target.h"

#include <picohttpparser.h>

static void take_headers(const struct phr_header *from, size_t n, struct http_pair *headers,
                         bool *folded) {
    for (size_t i = 0; i < n; i++) {
        *folded = *folded || from[i].name == NULL;
        headers[i].name = bytes_of(from[i].name, from[i].name_len);
        headers[i].value = bytes_trim(bytes_of(from[i].value, from[i].value_len));
    }
}

bool http_head_request(struct bytes head, struct http_head *out, struct http_pair *headers,
                       size_t *n) {
    struct phr_header parsed[HTTP_HEADERS_MAX];
    const char *method, *target;
    size_t method_n, target_n, count = *n < HTTP_HEADERS_MAX ? *n : HTTP_HEADERS_MAX;
    int minor;
    bool folded = false;

    int taken = phr_parse_request((const char *)head.p, head.n, &method, &method_n, &target,
                                  &target_n, &minor, parsed, &count, 0);
    if (taken < 0 || (size_t)taken != head.n)
        return false;
    take_headers(parsed, count, headers, &folded);
    *n = count;
    *out = (struct http_head){.method = bytes_of(method, method_n),
                              .target = bytes_of(target, target_n),
                              .minor_version = (unsigned)minor};
    return !folded;
}

bool http_head_response(struct bytes head, struct http_head *out, struct http_pair *headers,
                        size_t *n) {
    struct phr_header parsed[HTTP_HEADERS_MAX];
    const char *phrase;
    size_t phrase_n, count = *n < HTTP_HEADERS_MAX ? *n : HTTP_HEADERS_MAX;
    int minor, status;
    bool folded = false;

    int taken = phr_parse_response((const char *)head.p, head.n, &minor, &status, &phrase,
                                   &phrase_n, parsed, &count, 0);
    if (taken < 0 || (size_t)taken != head.n)
        return false;
    take_headers(parsed, count, headers, &folded);
    *n = count;
    *out = (struct http_head){.status = (unsigned)status, .minor_version = (unsigned)minor};
    return !folded;
}

/* A list of tokens in a field, `token` among them (RFC 9110, 5.6.1). */
static bool lists_token(const struct http_request *rq, const char *field, const char *token) {
    for (size_t i = 0; i < rq->headers_n; i++) {
        if (!bytes_is_nocase(rq->headers[i].name, field))
            continue;
        struct cur c = cur_open(rq->headers[i].value);
        while (c.rest.n > 0)
            if (bytes_is_nocase(bytes_trim(cur_until(&c, ',')), token))
                return true;
    }
    return false;
}

static enum http_method method_of(struct bytes name) {
    for (unsigned bit = HTTP_GET; bit <= HTTP_OPTIONS; bit <<= 1)
        if (bytes_is(name, http_method_name((enum http_method)bit)))
            return (enum http_method)bit;
    return (enum http_method)0;
}

static unsigned refuse(unsigned status, const char *reason, const char **why) {
    *why = reason;
    return status;
}

/* A version that we do not speak is told apart from garbage (RFC 9110, 15.6.6). */
static bool is_other_version(struct bytes head) {
    struct cur c = cur_open(head);
    struct bytes line = cur_until(&c, '\r');
    struct bytes version = bytes_part(line, line.n < 8 ? line.n : line.n - 8, 8);
    return bytes_starts(version, "HTTP/") && ascii_is_digit(version.p[5]) && version.p[6] == '.' &&
           ascii_is_digit(version.p[7]) && version.p[5] != '1';
}

/* One blank between the parts: the line is as long as its parts (RFC 9112, 3). */
static bool is_single_spaced(struct bytes head, const struct http_head *h) {
    struct cur c = cur_open(head);
    return cur_until(&c, '\r').n == h->method.n + h->target.n + sizeof "  HTTP/1.1" - 1;
}

/* RFC 9112, 3.2: exactly one in HTTP/1.1. The target's own host goes before it. */
static bool take_host(struct http_request *rq, unsigned minor_version) {
    size_t count = http_header_count(rq, "host");
    struct bytes host = http_header(rq, "host");
    if (count > 1 || (count == 0 && minor_version > 0))
        return false;
    if (count == 1 && !http_host_valid(host))
        return false;
    if (rq->host.n == 0)
        rq->host = host;
    return true;
}

/* RFC 9112, 6.1 to 6.3. */
static unsigned take_framing(struct http_request *rq, unsigned minor_version,
                             struct http_head_facts *facts, const char **why) {
    size_t lengths = http_header_count(rq, "content-length");
    size_t codings = http_header_count(rq, "transfer-encoding");
    struct bytes coding = http_header(rq, "transfer-encoding");

    if (lengths > 0 && codings > 0)
        return refuse(400, "both Content-Length and Transfer-Encoding", why);
    if (lengths > 1 || codings > 1)
        return refuse(400, "more than one field that frames the body", why);
    if (codings == 1 && minor_version == 0)
        return refuse(400, "Transfer-Encoding in HTTP/1.0", why);
    if (codings == 1 && !bytes_is_nocase(coding, "chunked"))
        return refuse(501, "a transfer coding that is not chunked", why);
    if (lengths == 1 && !number_read(http_header(rq, "content-length"), INT64_MAX, &facts->length))
        return refuse(400, "Content-Length is no number", why);

    facts->framing = codings ? HTTP_CHUNKED : lengths ? HTTP_LENGTH : HTTP_NO_BODY;
    rq->has_body = facts->framing != HTTP_NO_BODY;
    return 0;
}

static unsigned take_expectation(const struct http_request *rq, unsigned minor_version,
                                 struct http_head_facts *facts, const char **why) {
    struct bytes expect = http_header(rq, "expect");
    if (expect.p == NULL || minor_version == 0) /* RFC 9110, 10.1.1 */
        return 0;
    if (!bytes_is_nocase(expect, "100-continue"))
        return refuse(417, "an expectation that is not 100-continue", why);
    facts->expects_100 = rq->has_body;
    return 0;
}

unsigned http_head_read(struct http_request *rq, struct bytes head, struct http_head_facts *facts,
                        const char **why) {
    struct http_head h;
    rq->headers_n = HTTP_HEADERS_MAX;
    *facts = (struct http_head_facts){.framing = HTTP_NO_BODY};

    if (!http_head_request(head, &h, rq->headers, &rq->headers_n)) {
        rq->headers_n = 0;
        return is_other_version(head) ? refuse(505, "not HTTP/1.x", why)
                                      : refuse(400, "the head is malformed", why);
    }
    if (!is_single_spaced(head, &h))
        return refuse(400, "the request line is malformed", why);
    rq->method = method_of(h.method);
    if (rq->method == 0)
        return refuse(501, "unknown method", why);
    if (!http_target_read(rq, h.target))
        return refuse(400, "the target is malformed", why);
    if (!take_host(rq, h.minor_version))
        return refuse(400, "Host is missing, doubled or malformed", why);

    unsigned status = take_framing(rq, h.minor_version, facts, why);
    if (status == 0)
        status = take_expectation(rq, h.minor_version, facts, why);
    facts->close = h.minor_version == 0 || lists_token(rq, "connection", "close");
    return status;
}
