/* web/http/target: RFC 9112, 3.2 and RFC 3986. NULL: refused. */
#include "test.h"

#include "web/http/target.h"

static const struct {
    const char *target, *path, *host, *query;
} cases[] = {
    {"/",                 "/",         "",        NULL },
    {"/a/b",              "/a/b",      "",        NULL },
    {"/a/",               "/a/",       "",        NULL },
    {"/a//b",             "/a//b",     "",        NULL },
    {"/?",                "/",         "",        ""   },
    {"/a?b?c",            "/a",        "",        "b?c"},
    {"/%41%2d",           "/A-",       "",        NULL },
    {"/a..b/...",         "/a..b/...", "",        NULL },
    {"http://h",          "/",         "h",       NULL },
    {"HTTPS://h:443/x?y", "/x",        "h:443",   "y"  },
    {"https://h?y",       "/",         "h",       "y"  },
    {"https://[::1]:1/x", "/x",        "[::1]:1", NULL },

    {"",                  NULL,        NULL,      NULL },
    {"a",                 NULL,        NULL,      NULL },
    {"*",                 NULL,        NULL,      NULL }, /* only for OPTIONS */
    {"ftp://h/x",         NULL,        NULL,      NULL },
    {"https:/h/x",        NULL,        NULL,      NULL },
    {"https:///x",        NULL,        NULL,      NULL },
    {"https://u@h/x",     NULL,        NULL,      NULL },
    {"/a#b",              NULL,        NULL,      NULL },
    {"/a\\b",             NULL,        NULL,      NULL },
    {"/a\xc3\xa4",        NULL,        NULL,      NULL }, /* must be escaped */
    {"/%",                NULL,        NULL,      NULL },
    {"/%4",               NULL,        NULL,      NULL },
    {"/%zz",              NULL,        NULL,      NULL },
    {"/%+1",              NULL,        NULL,      NULL },
    {"/%00",              NULL,        NULL,      NULL },
    {"/%0a",              NULL,        NULL,      NULL },
    {"/%7f",              NULL,        NULL,      NULL },
    {"/a%2fb",            NULL,        NULL,      NULL },
    {"/a%2Fb",            NULL,        NULL,      NULL },
    {"/a%5cb",            NULL,        NULL,      NULL },
    {"/%c3%28",           NULL,        NULL,      NULL }, /* no UTF-8 */
    {"/.",                NULL,        NULL,      NULL },
    {"/..",               NULL,        NULL,      NULL },
    {"/a/../b",           NULL,        NULL,      NULL },
    {"/a/%2e%2E/b",       NULL,        NULL,      NULL },
    {"/a/./b",            NULL,        NULL,      NULL },
    {"/?a=%",             NULL,        NULL,      NULL },
    {"/?a=%00",           NULL,        NULL,      NULL },
    {"/?a=%ff",           NULL,        NULL,      NULL },
};

static void reads_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request rq = {.method = HTTP_GET};
        arena_init(&rq.arena, 4096);
        bool ok = http_target_read(&rq, bytes_text(cases[i].target));
        if (ok != (cases[i].path != NULL))
            fail_msg("%s", cases[i].target);
        if (ok) {
            assert_text(rq.path, cases[i].path);
            assert_text(rq.host, cases[i].host);
            assert_int_equal(rq.has_query, cases[i].query != NULL);
            assert_text(rq.raw_query, cases[i].query != NULL ? cases[i].query : "");
        }
        arena_clear(&rq.arena);
    }
}

static void params_are_bounded(void **state) {
    (void)state;
    for (unsigned n = HTTP_PARAMS_MAX; n <= HTTP_PARAMS_MAX + 1; n++) {
        struct http_request rq = {.method = HTTP_GET};
        struct buf target;
        arena_init(&rq.arena, 4096);
        buf_init(&target, 4096);
        buf_text(&target, "/?");
        for (unsigned i = 0; i < n; i++)
            buf_text(&target, "a=1&&");
        assert_int_equal(http_target_read(&rq, buf_bytes(&target)), n == HTTP_PARAMS_MAX);
        arena_clear(&rq.arena);
        buf_clear(&target);
    }
}

static const struct {
    const char *host;
    bool ok;
} hosts[] = {
    {"a",               true },
    {"a.example",       true },
    {"a:1",             true },
    {"a:",              true },
    {"192.0.2.1:65535", true },
    {"[::1]",           true },
    {"[::1]:1",         true },
    {"",                false},
    {":1",              false},
    {"a:65536",         false},
    {"a:b",             false},
    {"a:1:2",           false},
    {"[::1",            false},
    {"[]",              false},
    {"[::1]x",          false},
    {"[g]",             false},
    {"a b",             false},
    {"a@b",             false},
    {"a/b",             false},
    {"\xc3\xa4",        false},
};

static void hosts_of_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        if (http_host_valid(bytes_text(hosts[i].host)) != hosts[i].ok)
            fail_msg("%s", hosts[i].host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_table),
        cmocka_unit_test(params_are_bounded),
        cmocka_unit_test(hosts_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
