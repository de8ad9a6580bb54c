/* web/http/reader: framing by the rules of RFC 9112, the same at every split. */
#include "test.h"

#include "web/http/reader.h"

static const struct http_limits limits = {.head_bytes = 2048, .target_bytes = 64};

enum { BODY_MAX = 40 };

/* What came out of a connection's bytes, as text: "GET /a|body;" for each
 * request, "!400" where it was refused, "..." where more is waited for. */
static void note(struct buf *out, const struct http_request *rq) {
    buf_text(out, http_method_name(rq->method));
    buf_text(out, " ");
    buf_put(out, rq->path);
    if (rq->has_body) {
        buf_text(out, "|");
        buf_put(out, rq->body);
    }
    buf_text(out, ";");
}

struct run {
    struct http_reader reader;
    struct http_budget budget;
    struct http_request rq;
    struct buf out;
    bool bad;
};

static void begin(struct run *r) {
    *r = (struct run){.budget = {.max = 1 << 20}};
    http_reader_init(&r->reader, &limits, &r->budget);
    arena_init(&r->rq.arena, 1 << 20);
    buf_init(&r->out, 1 << 16);
}

static void clear_request(struct run *r) {
    arena_clear(&r->rq.arena);
    r->rq = (struct http_request){.time_s = 0};
    arena_init(&r->rq.arena, 1 << 20);
}

static void end(struct run *r) {
    arena_clear(&r->rq.arena);
    http_reader_clear(&r->reader);
    assert_int_equal(r->budget.used, 0);
    buf_clear(&r->out);
}

static void feed(struct run *r, struct bytes in) {
    struct cur c = cur_open(in);
    enum http_event event = HTTP_READY_REQUEST;
    while (!r->bad && (c.rest.n > 0 || event != HTTP_MORE)) {
        size_t taken;
        event = http_reader_feed(&r->reader, &r->rq, c.rest, &taken);
        cur_take(&c, taken);
        assert_false(c.bad);
        if (event == HTTP_READY_HEAD)
            http_reader_accept(&r->reader, BODY_MAX);
        if (event == HTTP_READY_REQUEST) {
            note(&r->out, &r->rq);
            clear_request(r);
            http_reader_next(&r->reader);
        }
        if (event == HTTP_BAD) {
            buf_printf(&r->out, "!%u", r->reader.status);
            assert_non_null(r->reader.why);
            r->bad = true;
        }
    }
}

static void finish(struct run *r, const char *expected) {
    if (!r->bad && !http_reader_is_idle(&r->reader))
        buf_text(&r->out, "...");
    assert_string_equal(buf_cstr(&r->out), expected);
    end(r);
}

#define H "Host: a\r\n"

static const struct {
    const char *in, *out;
} cases[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n",                                                                    "GET /;"             },
    {"GET /a%20b?x=1 HTTP/1.1\r\n" H "\r\n",                                                           "GET /a b;"          },
    {"HEAD / HTTP/1.1\r\n" H "\r\nDELETE /x HTTP/1.1\r\n" H "\r\n",                                    "HEAD /;DELETE /x;"  },
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n",                                                                "GET /;"             }, /* 2.2: an empty line before */
    {"\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",                                                        "!400"               },
    {"GET / HTTP/1.0\r\n\r\n",                                                                         "GET /;"             },
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n",                                                                "OPTIONS *;"         },
    {"GET https://b/c HTTP/1.1\r\n" H "\r\n",                                                          "GET /c;"            },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n" H "\r\n",
     "POST /|hello;GET /;"                                                                                                  },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",                                              "POST /|;"           },
    {"PUT / HTTP/1.1\r\n" H "Content-Length: 40\r\n\r\n0123456789012345678901234567890123456789",
     "PUT /|0123456789012345678901234567890123456789;"                                                                      },
    {"PUT / HTTP/1.1\r\n" H "Content-Length: 41\r\n\r\n",                                              "!413"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhell",                                          "..."                },
    {"GET / HTTP/1.1\r\n" H "X: y",                                                                    "..."                },

 /* Chunks. */
    {"POST / HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",                  "POST /|hello world;"},
    {"POST / HTTP/1.1\r\n" H
     "Transfer-Encoding: CHUNKED\r\n\r\n0a;x=\"y\"\r\n0123456789\r\n0\r\nT: v\r\nU: w\r\n\r\nGET / "
     "HTTP/1.1\r\n" H "\r\n",
     "POST /|0123456789;GET /;"                                                                                             },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n",
     "POST /|hello;"                                                                                                        },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",                            "POST /|;"           },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n",                "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhellox\r\n0\r\n\r\n",             "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n",                "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n",
     "!400"                                                                                                                 },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-5\r\n",                               "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x5\r\n",                              "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n",                                 "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n29\r\n",                               "!413"               }, /* 41 */
    {"POST / HTTP/1.1\r\n" H
     "Transfer-Encoding: chunked\r\n\r\n28\r\n0123456789012345678901234567890123456789\r\n1\r\n", "!413"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",                 "!413"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n00000000000000000\r\n",
     "!413"                                                                                                                 }, /* 17 digits */
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\n",                "!413"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nT: v\n\r\n",                      "!400"               },

 /* Two readings of where the body ends. */
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",                "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",                         "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n",                                           "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n",                                             "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n",                                            "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n",                                                "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n",                           "!400"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     "!400"                                                                                                                 },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n",                               "!501"               },
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n",                                    "!501"               },
    {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n",                                     "!400"               },
    {"POST / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n",                                             "!400"               }, /* 5.1 */
    {"POST / HTTP/1.1\r\n" H " Content-Length: 5\r\n\r\n",                                             "!400"               },
    {"GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n",                                                      "!400"               }, /* 5.2: obs-fold */
    {"GET / HTTP/1.1\r\n" H "X: a\r\n\tb\r\n\r\n",                                                     "!400"               },

 /* Lines. */
    {"GET / HTTP/1.1\nHost: a\n\n",                                                                    "!400"               },
    {"GET / HTTP/1.1\r\nHost: a\n\r\n",                                                                "!400"               },
    {"GET / HTTP/1.1\r\nHost: a\r\rX: y\r\n\r\n",                                                      "!400"               },
    {"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",                                                          "!400"               },
    {"GET  / HTTP/1.1\r\n" H "\r\n",                                                                   "!400"               },
    {"GET /  HTTP/1.1\r\n" H "\r\n",                                                                   "!400"               },
    {" GET / HTTP/1.1\r\n" H "\r\n",                                                                   "!400"               },
    {"GET / HTTP/1.1 \r\n" H "\r\n",                                                                   "!400"               },
    {"GET /\r\n\r\n",                                                                                  "!400"               }, /* HTTP/0.9 */
    {"GET / HTTP/2.0\r\n" H "\r\n",                                                                    "!505"               },
    {"GET / HTTP/1.1\r\n" H "X\r\n\r\n",                                                               "!400"               },
    {"GET / HTTP/1.1\r\n" H ": x\r\n\r\n",                                                             "!400"               },
    {"GET / HTTP/1.1\r\n" H "X(: x\r\n\r\n",                                                           "!400"               },

 /* Host. */
    {"GET / HTTP/1.1\r\n\r\n",                                                                         "!400"               },
    {"GET / HTTP/1.1\r\n" H H "\r\n",                                                                  "!400"               },
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",                                                            "!400"               },
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",                                                            "!400"               },
    {"GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n",                                                     "GET /;"             },

 /* Methods, expectations, limits. */
    {"CONNECT a:443 HTTP/1.1\r\n" H "\r\n",                                                            "!501"               },
    {"TRACE / HTTP/1.1\r\n" H "\r\n",                                                                  "!501"               },
    {"get / HTTP/1.1\r\n" H "\r\n",                                                                    "!501"               },
    {"POST / HTTP/1.1\r\n" H "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n",                            "!417"               },
    {"POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx",                     "POST /|x;"          },
    {"GET "
     "/01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901"
     "23456789",                                                                                  "!414"               },
};

static void one_piece(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct run r;
        begin(&r);
        feed(&r, bytes_text(cases[i].in));
        finish(&r, cases[i].out);
    }
}

static void every_split(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = bytes_text(cases[i].in);
        for (size_t at = 1; at < in.n; at++) {
            struct run r;
            begin(&r);
            feed(&r, bytes_part(in, 0, at));
            feed(&r, bytes_part(in, at, in.n));
            finish(&r, cases[i].out);
        }
    }
}

static void byte_by_byte(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes in = bytes_text(cases[i].in);
        struct run r;
        begin(&r);
        for (size_t at = 0; at < in.n; at++)
            feed(&r, bytes_part(in, at, 1));
        finish(&r, cases[i].out);
    }
}

/* A prefix of a good request is never refused and never whole. */
static void every_prefix_waits(void **state) {
    (void)state;
    const char *good = "POST /a?b=c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5;x\r\nhello\r\n0\r\nT: v\r\n\r\n";
    for (size_t n = 1; n < strlen(good); n++) {
        struct run r;
        begin(&r);
        feed(&r, bytes_of(good, n));
        finish(&r, "...");
    }
}

static void many_headers_are_431(void **state) {
    (void)state;
    for (int count = HTTP_HEADERS_MAX - 1; count <= HTTP_HEADERS_MAX; count++) {
        struct buf in;
        struct run r;
        buf_init(&in, 1 << 16);
        buf_text(&in, "GET / HTTP/1.1\r\n" H);
        for (int i = 0; i < count; i++)
            buf_printf(&in, "X%d: y\r\n", i);
        buf_text(&in, "\r\n");
        begin(&r);
        feed(&r, buf_bytes(&in));
        finish(&r, count < HTTP_HEADERS_MAX ? "GET /;" : "!431");
        buf_clear(&in);
    }
}

static void long_head_is_431(void **state) {
    (void)state;
    struct buf in;
    struct run r;
    buf_init(&in, 1 << 16);
    buf_text(&in, "GET / HTTP/1.1\r\n" H "X: ");
    buf_fill(&in, 'x', limits.head_bytes);
    begin(&r);
    feed(&r, buf_bytes(&in));
    finish(&r, "!431");
    buf_clear(&in);
}

static void extensions_are_bounded(void **state) {
    (void)state;
    struct buf in;
    struct run r;
    buf_init(&in, 1 << 16);
    buf_text(&in, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1;");
    buf_fill(&in, 'x', 10000);
    begin(&r);
    feed(&r, buf_bytes(&in));
    finish(&r, "!400");
    buf_clear(&in);
}

static void budget_is_shared(void **state) {
    (void)state;
    struct run r;
    begin(&r);
    r.budget.max = 9;
    r.budget.used = 5; /* another connection's */
    feed(&r, bytes_text("POST / HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabcd"
                        "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde"));
    r.budget.used -= 5;
    finish(&r, "POST /|abcd;!503");
}

static void reads_what_the_head_says(void **state) {
    (void)state;
    struct run r;
    size_t taken;
    struct bytes in = bytes_text(
        "GET /%C3%A4/b?q=a+b%26&empty&x= HTTP/1.1\r\nhost:  a:1 \r\nCookie: k=v; l=\"w\"; m=1\r\n"
        "cookie: m=2\r\nConnection: keep-alive, CLOSE\r\n\r\n");
    begin(&r);
    assert_int_equal(http_reader_feed(&r.reader, &r.rq, in, &taken), HTTP_READY_HEAD);
    assert_int_equal(taken, in.n);
    assert_text(r.rq.raw_path, "/%C3%A4/b");
    assert_text(r.rq.raw_query, "q=a+b%26&empty&x=");
    assert_text(r.rq.path, "/\xc3\xa4/b");
    assert_text(r.rq.host, "a:1");
    assert_text(http_header(&r.rq, "HOST"), "a:1");
    assert_text(http_param(&r.rq, "q"), "a b&");
    assert_text(http_param(&r.rq, "empty"), "");
    assert_non_null(http_param(&r.rq, "x").p);
    assert_null(http_param(&r.rq, "y").p);
    assert_text(http_cookie(&r.rq, "k"), "v");
    assert_text(http_cookie(&r.rq, "l"), "\"w\"");
    assert_null(http_cookie(&r.rq, "m").p); /* twice */
    assert_null(http_cookie(&r.rq, "n").p);
    assert_int_equal(http_header_count(&r.rq, "cookie"), 2);
    assert_true(r.reader.facts.close);
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_piece),
        cmocka_unit_test(every_split),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(every_prefix_waits),
        cmocka_unit_test(many_headers_are_431),
        cmocka_unit_test(long_head_is_431),
        cmocka_unit_test(extensions_are_bounded),
        cmocka_unit_test(budget_is_shared),
        cmocka_unit_test(reads_what_the_head_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
