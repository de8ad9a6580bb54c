/* web/http: responses as bytes, assets (ETag, gzip), route rows. */
#include "test.h"

#include "base/zip.h"
#include "web/http/response.h"
#include "web/http/route.h"

static void begin(struct http_request *rq, enum http_method method) {
    *rq = (struct http_request){.method = method};
    arena_init(&rq->arena, 1 << 16);
    http_response_begin(&rq->response, 1 << 16);
}

static void end(struct http_request *rq) {
    arena_clear(&rq->arena);
    http_response_clear(&rq->response);
}

static bool has(const struct buf *head, const char *line) {
    return bytes_find(buf_bytes(head), bytes_text(line)) != SIZE_MAX;
}

/* 1994-11-06 is the example of RFC 9110, 5.6.7. */
static const struct http_response_frame plain = {.now_s = 784111777};

static void answer_as_bytes(void **state) {
    (void)state;
    struct http_request rq;
    struct buf head;
    struct bytes body;
    begin(&rq, HTTP_GET);
    buf_init(&head, 4096);
    rq.response.content_type = "text/plain";
    buf_text(&rq.response.body, "hello");
    http_response_header(&rq, "X-A", "b");
    http_response_write(&rq, &plain, &head, &body);
    assert_true(bytes_starts(buf_bytes(&head),
                             "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    assert_true(has(&head, "\r\nContent-Length: 5\r\n"));
    assert_true(has(&head, "\r\nContent-Type: text/plain\r\n"));
    assert_true(has(&head, "\r\nCache-Control: no-store\r\n"));
    assert_true(has(&head, "\r\nX-A: b\r\n"));
    assert_true(has(&head, "\r\nContent-Security-Policy: default-src 'none'; "));
    assert_true(has(&head, "trusted-types 'none'\r\n"));
    assert_true(has(&head, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_true(has(&head, "\r\nReferrer-Policy: no-referrer\r\n"));
    assert_false(has(&head, "Connection"));
    assert_false(has(&head, "Strict-Transport-Security"));
    assert_int_equal(bytes_find(buf_bytes(&head), bytes_text("\r\n\r\n")), head.n - 4);
    assert_text(body, "hello");
    buf_clear(&head);
    end(&rq);
}

static void frames_what_has_no_body(void **state) {
    (void)state;
    static const struct {
        enum http_method method;
        unsigned status;
        bool length;
    } cases[] = {
        {HTTP_HEAD, 200, true },
        {HTTP_GET,  204, false},
        {HTTP_GET,  304, false}
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request rq;
        struct buf head;
        struct bytes body;
        begin(&rq, cases[i].method);
        buf_init(&head, 4096);
        rq.response.status = cases[i].status;
        buf_text(&rq.response.body, "hello");
        http_response_write(&rq, &(struct http_response_frame){.close = true, .hsts = true}, &head,
                            &body);
        assert_int_equal(body.n, 0);
        assert_int_equal(has(&head, "\r\nContent-Length: 5\r\n"), cases[i].length);
        assert_true(has(&head, "\r\nConnection: close\r\n"));
        assert_true(has(&head, "\r\nStrict-Transport-Security: max-age=31536000\r\n"));
        buf_clear(&head);
        end(&rq);
    }
}

/* A header that would split the response is not sent: 500 in its place. */
static void refuses_to_split_the_response(void **state) {
    (void)state;
    static const char *const values[] = {"a\r\nSet-Cookie: x", "a\nb", "a\x7f"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct http_request rq;
        struct buf head;
        struct bytes body;
        begin(&rq, HTTP_GET);
        buf_init(&head, 4096);
        http_response_header(&rq, "X", values[i]);
        http_response_write(&rq, &plain, &head, &body);
        assert_true(bytes_starts(buf_bytes(&head), "HTTP/1.1 500 Internal Server Error\r\n"));
        assert_false(has(&head, "Set-Cookie"));
        buf_clear(&head);
        end(&rq);
    }
}

static void overflow_is_500(void **state) {
    (void)state;
    struct http_request rq;
    struct buf head;
    struct bytes body;
    begin(&rq, HTTP_GET);
    buf_init(&head, 4096);
    buf_fill(&rq.response.body, 'x', (1 << 16) + 1);
    http_response_write(&rq, &plain, &head, &body);
    assert_true(bytes_starts(buf_bytes(&head), "HTTP/1.1 500 "));
    assert_true(has(&head, "application/problem+json"));
    buf_clear(&head);
    end(&rq);
}

static void problem_as_json(void **state) {
    (void)state;
    struct http_request rq;
    begin(&rq, HTTP_GET);
    buf_text(&rq.response.body, "half an answer");
    http_response_problem(&rq, ERR_NOT_FOUND, "no \"x\"", "sha256");
    assert_int_equal(rq.response.status, 404);
    assert_text(
        buf_bytes(&rq.response.body),
        "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"code\":\"not_found\","
        "\"detail\":\"no \\\"x\\\"\",\"field\":\"sha256\"}");
    end(&rq);
}

/* "hello hello hello hello" packed by gzip_pack: made at the test's start. */
static struct buf packed;
static struct http_asset assets[] = {
    {"/a",   "text/plain", "00aa", (const uint8_t *)"plain", 5, false},
    {"/b",   "text/plain", "00bb", NULL,                     0, true },
    {"/c/d", "text/plain", "00cc", (const uint8_t *)"deep",  4, false},
};

static int pack_asset(void **state) {
    (void)state;
    buf_init(&packed, 4096);
    if (gzip_pack(bytes_text("hello hello hello hello"), 9, &packed) != ERR_OK)
        return -1;
    assets[1].bytes = packed.p;
    assets[1].n = packed.n;
    return 0;
}

static int drop_asset(void **state) {
    (void)state;
    buf_clear(&packed);
    return 0;
}

static void finds_assets(void **state) {
    (void)state;
    assert_ptr_equal(http_asset_find(assets, 3, bytes_text("/a")), &assets[0]);
    assert_ptr_equal(http_asset_find(assets, 3, bytes_text("/c/d")), &assets[2]);
    assert_null(http_asset_find(assets, 3, bytes_text("/c")));
    assert_null(http_asset_find(assets, 3, bytes_text("")));
    assert_null(http_asset_find(assets, 0, bytes_text("/a")));
}

static const struct {
    size_t asset;
    enum http_method method;
    const char *accept, *none_match;
    unsigned status;
    bool packed;
    const char *etag;
} asked[] = {
    {0, HTTP_GET,  "gzip",               NULL,                200, false, "\"00aa\""   },
    {1, HTTP_GET,  NULL,                 NULL,                200, false, "\"00bb\""   },
    {1, HTTP_GET,  "gzip, deflate, br",  NULL,                200, true,  "\"00bb-gz\""},
    {1, HTTP_GET,  "br;q=1, GZIP;q=0.5", NULL,                200, true,  "\"00bb-gz\""},
    {1, HTTP_GET,  "gzip;q=0",           NULL,                200, false, "\"00bb\""   },
    {1, HTTP_GET,  "gzip; q=0.000",      NULL,                200, false, "\"00bb\""   },
    {1, HTTP_GET,  "gzip",               "\"00bb-gz\"",       304, true,  "\"00bb-gz\""},
    {1, HTTP_GET,  "gzip",               "\"x\", W/\"00bb\"", 304, true,  "\"00bb-gz\""},
    {1, HTTP_GET,  NULL,                 "*",                 304, false, "\"00bb\""   },
    {1, HTTP_GET,  NULL,                 "\"00bbcc\"",        200, false, "\"00bb\""   },
    {1, HTTP_GET,  NULL,                 "00bb",              200, false, "\"00bb\""   },
    {1, HTTP_POST, NULL,                 NULL,                405, false, NULL         },
};

static struct bytes sent_header(const struct http_request *rq, const char *name) {
    for (size_t i = 0; i < rq->response.headers_n; i++)
        if (bytes_is(rq->response.headers[i].name, name))
            return rq->response.headers[i].value;
    return bytes_of(NULL, 0);
}

static void answers_with_assets(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct http_request rq;
        begin(&rq, asked[i].method);
        if (asked[i].accept != NULL)
            rq.headers[rq.headers_n++] =
                (struct http_pair){bytes_text("Accept-Encoding"), bytes_text(asked[i].accept)};
        if (asked[i].none_match != NULL)
            rq.headers[rq.headers_n++] =
                (struct http_pair){bytes_text("If-None-Match"), bytes_text(asked[i].none_match)};
        http_asset_answer(&rq, &assets[asked[i].asset]);
        assert_int_equal(rq.response.status, asked[i].status);
        if (asked[i].etag != NULL)
            assert_text(sent_header(&rq, "ETag"), asked[i].etag);
        bool as_gzip = sent_header(&rq, "Content-Encoding").p != NULL;
        assert_int_equal(as_gzip, asked[i].packed && asked[i].status == 200);
        if (asked[i].status == 200 && asked[i].asset == 1 && !as_gzip)
            assert_text(buf_bytes(&rq.response.body), "hello hello hello hello");
        end(&rq);
    }
}

static enum http_verdict nothing(void *context, struct http_request *rq) {
    (void)context;
    (void)rq;
    return HTTP_DONE;
}

static const struct http_route rows[] = {
    {HTTP_GET,    "/",             0, 0, nothing, ""},
    {HTTP_GET,    "/a/self",       0, 0, nothing, ""},
    {HTTP_GET,    "/a/{id}",       0, 0, nothing, ""},
    {HTTP_DELETE, "/a/{id}",       0, 0, nothing, ""},
    {HTTP_POST,   "/a/{id}/b/{x}", 0, 9, nothing, ""},
};

static const struct {
    enum http_method method;
    const char *path;
    int row; /* -1: none */
    unsigned allowed;
    const char *value;
} routed[] = {
    {HTTP_GET,     "/",        0,  0,                                  NULL},
    {HTTP_HEAD,    "/",        0,  0,                                  NULL},
    {HTTP_GET,     "/a/self",  1,  0,                                  NULL},
    {HTTP_GET,     "/a/7",     2,  0,                                  "7" },
    {HTTP_DELETE,  "/a/7",     3,  0,                                  "7" },
    {HTTP_POST,    "/a/7/b/8", 4,  0,                                  "7" },
    {HTTP_POST,    "/a/7",     -1, HTTP_GET | HTTP_HEAD | HTTP_DELETE, NULL},
    {HTTP_GET,     "/a/",      -1, 0,                                  NULL},
    {HTTP_GET,     "/a",       -1, 0,                                  NULL},
    {HTTP_GET,     "/a/7/",    -1, 0,                                  NULL},
    {HTTP_GET,     "//a/7",    -1, 0,                                  NULL},
    {HTTP_GET,     "/A/7",     -1, 0,                                  NULL},
    {HTTP_OPTIONS, "*",        -1, 0,                                  NULL},
};

static void finds_routes(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(routed); i++) {
        struct http_request rq;
        unsigned allowed;
        begin(&rq, routed[i].method);
        rq.path = bytes_text(routed[i].path);
        const struct http_route *row = http_route_find(rows, COUNT_OF(rows), &rq, &allowed);
        assert_ptr_equal(row, routed[i].row >= 0 ? &rows[routed[i].row] : NULL);
        if (row == NULL)
            assert_int_equal(allowed, routed[i].allowed);
        if (routed[i].value != NULL)
            assert_text(rq.path_values[0], routed[i].value);
        end(&rq);
    }
}

static void says_what_is_missing(void **state) {
    (void)state;
    struct http_request rq;
    begin(&rq, HTTP_PUT);
    http_route_missing(&rq, 0);
    assert_int_equal(rq.response.status, 404);
    http_route_missing(&rq, HTTP_GET | HTTP_HEAD);
    assert_int_equal(rq.response.status, 405);
    assert_text(sent_header(&rq, "Allow"), "GET, HEAD, OPTIONS");
    rq.method = HTTP_OPTIONS;
    http_route_missing(&rq, HTTP_POST);
    assert_int_equal(rq.response.status, 204);
    assert_text(sent_header(&rq, "Allow"), "POST, OPTIONS");
    end(&rq);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_as_bytes),
        cmocka_unit_test(frames_what_has_no_body),
        cmocka_unit_test(refuses_to_split_the_response),
        cmocka_unit_test(overflow_is_500),
        cmocka_unit_test(problem_as_json),
        cmocka_unit_test(finds_assets),
        cmocka_unit_test(answers_with_assets),
        cmocka_unit_test(finds_routes),
        cmocka_unit_test(says_what_is_missing),
    };
    return cmocka_run_group_tests(tests, pack_asset, drop_asset);
}
