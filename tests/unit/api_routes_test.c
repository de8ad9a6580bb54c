/* web/api: the rows, the document printed from them, and calls as local administrator. */
#include "test_dir.h"

#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "web/api/api_private.h"
#include "web/http/route.h"

#include <stdlib.h>

struct bench {
    struct arena arena;
    struct env env;
    char *dir;
    struct inventory *inventory;
    struct auth *auth;
    struct api *api;
    struct buf answer;
    unsigned status;
    struct json_value v;
};

static void bench_open(struct bench *b) {
    struct fault f;
    assert_int_equal(inventory_open(b->dir, &b->env, &b->inventory, &f), ERR_OK);
    assert_int_equal(auth_open(&b->env, b->dir, &b->auth, &f), ERR_OK);
    struct api_options o = {.env = &b->env,
                            .inventory = b->inventory,
                            .auth = b->auth,
                            .name = "clm.example.com",
                            .url = "https://clm.example.com:8443",
                            .pin = "system"};
    assert_int_equal(api_open(&o, &b->api, &f), ERR_OK);
}

static void bench_shut(struct bench *b) {
    api_close(b->api);
    auth_close(b->auth);
    inventory_close(b->inventory);
}

static void bench_make(struct bench *b) {
    *b = (struct bench){.env = env_system(NULL)};
    b->env.log_level = LOG_ERROR;
    arena_init(&b->arena, 64 << 20);
    buf_init(&b->answer, 16 << 20);
    b->dir = test_dir(&b->arena, "api");
    bench_open(b);
}

static void bench_clear(struct bench *b) {
    bench_shut(b);
    buf_clear(&b->answer);
    arena_clear(&b->arena);
}

/* The answer is in b->v; what is no JSON is absent there. */
static unsigned call(struct bench *b, enum http_method method, const char *path, const char *body) {
    struct fault f;
    buf_reset(&b->answer);
    b->v = (struct json_value){0};
    api_call_local(b->api, method, path, bytes_text(body), &b->status, &b->answer);
    struct bytes text = arena_copy(&b->arena, buf_bytes(&b->answer));
    if (text.n > 0)
        assert_int_equal(json_read(&b->arena, text, 100000, &b->v, &f), ERR_OK);
    return b->status;
}

static const char *text_of(struct bench *b, struct json_value object, const char *name) {
    struct bytes text;
    assert_true(json_string(json_get(object, name), &b->arena, &text));
    return arena_cstr(&b->arena, text);
}

static bool names_path_value(const char *path, const char *name) {
    char word[64];
    snprintf(word, sizeof word, "/{%s}", name);
    return strstr(path, word) != NULL;
}

static void rows_are_consistent(void **state) {
    (void)state;
    for (size_t i = 0; i < api_routes_n; i++) {
        const struct api_route *r = &api_routes[i];
        size_t members = 0, values = 0, braces = 0;
        assert_non_null(r->handler);
        assert_true(bytes_starts(bytes_text(r->path), API_ROOT "/"));
        assert_true(strlen(r->help) > 0);
        for (const char *p = r->path; *p; p++)
            braces += *p == '{';
        for (const struct api_param *p = r->params; p->name; p++) {
            members += p->in == API_BODY;
            if (p->in != API_PATH)
                continue;
            values++;
            assert_true(p->required);
            assert_true(names_path_value(r->path, p->name));
        }
        assert_int_equal(values, braces);
        assert_true(values <= HTTP_PATH_VALUES_MAX);
        assert_true(members < 16); /* the dispatcher's list of names */
        assert_true(members == 0 || r->takes == API_JSON);
        assert_true((r->takes == API_NOTHING) == (r->body_max == 0));
        assert_true(r->gives != API_NOTHING || r->status == 204);
        /* What changes state is never a GET, and never open to all but by a proof in it. */
        if (r->method != HTTP_GET && r->role == AUTH_PUBLIC)
            assert_true(r->is_signed || bytes_starts(bytes_text(r->path), API_ROOT "/session"));
        for (size_t k = 0; k < i; k++)
            assert_false(api_routes[k].method == r->method &&
                         strcmp(api_routes[k].path, r->path) == 0);
    }
}

/* A row that stands behind a more general one would never be reached. */
static void rows_are_reachable(void **state) {
    (void)state;
    for (size_t i = 0; i < api_routes_n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (api_routes[k].method == api_routes[i].method)
                assert_false(http_pattern_match(api_routes[k].path, bytes_text(api_routes[i].path),
                                                NULL, NULL));
        }
    }
}

static void the_document_has_all_rows(void **state) {
    (void)state;
    struct bench b;
    bench_make(&b);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/openapi.json", ""), 200);
    struct json_value paths = json_get(b.v, "paths");
    for (size_t i = 0; i < api_routes_n; i++) {
        char method[16] = "";
        const char *name = http_method_name(api_routes[i].method);
        for (size_t k = 0; name[k] && k + 1 < sizeof method; k++)
            method[k] = ascii_lower(name[k]);
        struct json_value operation = json_get(json_get(paths, api_routes[i].path), method);
        assert_string_equal(text_of(&b, operation, "summary"), api_routes[i].help);
        assert_string_equal(text_of(&b, operation, "x-role"), auth_role_name(api_routes[i].role));
    }
    bench_clear(&b);
}

static void bad_calls_are_told_why(void **state) {
    (void)state;
    static const struct {
        enum http_method method;
        const char *path, *body;
        unsigned status;
        const char *code, *detail; /* detail: a part of it */
    } cases[] = {
        {HTTP_GET,    API_ROOT "/nothing",           "",                                      404, "not_found",   ""            },
        {HTTP_DELETE, API_ROOT "/summary",           "",                                      405, "unsupported", ""            },
        {HTTP_POST,   API_ROOT "/tokens",            "[]",                                    400, "usage",       "object"      },
        {HTTP_POST,   API_ROOT "/tokens",            "{\"uses\":1}x",                         400, "format",      ""            },
        {HTTP_POST,   API_ROOT "/tokens",            "{\"colour\":1}",                        400, "usage",       "colour"      },
        {HTTP_POST,   API_ROOT "/tokens",            "{\"uses\":1.5}",                        400, "usage",       "whole number"},
        {HTTP_POST,   API_ROOT "/tokens",            "{\"uses\":0}",                          400, "usage",       ""            },
        {HTTP_POST,   API_ROOT "/tokens",            "{\"uses\":1,\"uses\":2}",               400, "format",      ""            },
        {HTTP_POST,   API_ROOT "/tokens",            "{\"names\":\"a b\"}",                   400, "usage",       "letters"     },
        {HTTP_POST,   API_ROOT "/tokens",            "{\"for\":\"nobody\"}",                  400, "usage",       "nobody"      },
        {HTTP_POST,   API_ROOT "/users",             "{\"name\":\"alex\"}",                   400, "usage",       "string"      },
        {HTTP_POST,   API_ROOT "/users",             "{\"name\":\"alex\",\"role\":\"root\"}", 400, "usage",
         "viewer"                                                                                                               },
        {HTTP_POST,   API_ROOT "/users",             "{\"name\":\"a:b\",\"role\":\"admin\"}", 400, "usage",
         "letters"                                                                                                              },
        {HTTP_POST,   API_ROOT "/users/nobody/link", "",                                      404, "not_found",   "name"        },
        {HTTP_GET,    API_ROOT "/certificates/00",   "",                                      404, "not_found",   "64"          },
        {HTTP_GET,    API_ROOT "/agents/self",       "",                                      403, "permission",  "agents"      },
        {HTTP_POST,   API_ROOT "/observations",      "",                                      403, "permission",  "agents"      },
    };
    struct bench b;
    bench_make(&b);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(call(&b, cases[i].method, cases[i].path, cases[i].body), cases[i].status);
        assert_string_equal(text_of(&b, b.v, "code"), cases[i].code);
        assert_non_null(strstr(text_of(&b, b.v, "detail"), cases[i].detail));
    }
    bench_clear(&b);
}

static void users_and_tokens_are_made(void **state) {
    (void)state;
    struct bench b;
    int64_t total;
    bench_make(&b);
    assert_int_equal(
        call(&b, HTTP_POST, API_ROOT "/users", "{\"name\":\"alex\",\"role\":\"admin\"}"), 201);
    assert_true(bytes_starts(bytes_text(text_of(&b, b.v, "link")),
                             "https://clm.example.com:8443/welcome#"));
    assert_int_equal(
        call(&b, HTTP_POST, API_ROOT "/users", "{\"name\":\"alex\",\"role\":\"admin\"}"), 409);
    assert_int_equal(
        call(&b, HTTP_POST, API_ROOT "/users/alex/password", "{\"password\":\"short\"}"), 400);
    assert_int_equal(call(&b, HTTP_POST, API_ROOT "/users/alex/password",
                          "{\"password\":\"correct horse battery\"}"),
                     200);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/users", ""), 200);
    assert_true(json_integer(json_get(b.v, "total"), &total));
    assert_int_equal(total, 1);

    assert_int_equal(call(&b, HTTP_POST, API_ROOT "/tokens", "{\"uses\":3,\"network\":\"dc1\"}"),
                     201);
    const char *token = text_of(&b, b.v, "token"), *id = text_of(&b, b.v, "id");
    assert_int_equal(strlen(token), strlen("clm1..system") + AUTH_SECRET_TEXT);
    char path[128];
    snprintf(path, sizeof path, API_ROOT "/tokens/%s", id);
    bench_shut(&b);
    bench_open(&b);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/tokens", ""), 200);
    assert_string_equal(text_of(&b, json_first(json_get(b.v, "items")), "id"), id);
    assert_int_equal(call(&b, HTTP_DELETE, path, ""), 204);
    assert_int_equal(call(&b, HTTP_DELETE, path, ""), 404);
    bench_clear(&b);
}

/* What an administrator did stands in the log, with who it was; secrets do not. */
static void acts_are_entries_of_the_log(void **state) {
    (void)state;
    static const struct {
        enum http_method method;
        const char *path, *body, *verb;
    } acts[] = {
        {HTTP_POST, API_ROOT "/users",              "{\"name\":\"alex\",\"role\":\"admin\"}",   "user.add"    },
        {HTTP_POST, API_ROOT "/users",              "{\"name\":\"zoe\",\"role\":\"viewer\"}",   "user.add"    },
        {HTTP_POST, API_ROOT "/users/zoe/link",     "",                                         "user.link"   },
        {HTTP_POST, API_ROOT "/users/zoe/password", "{\"password\":\"correct horse battery\"}",
         "user.password"                                                                                      },
        {HTTP_POST, API_ROOT "/users/zoe/disable",  "",                                         "user.disable"},
        {HTTP_POST, API_ROOT "/users/zoe/enable",   "",                                         "user.enable" },
        {HTTP_POST, API_ROOT "/tokens",             "{}",                                       "token.create"},
    };
    struct bench b;
    struct fault f;
    struct store_reader *reader;
    struct store_entry entry;
    bench_make(&b);
    for (size_t i = 0; i < COUNT_OF(acts); i++)
        assert_int_equal(call(&b, acts[i].method, acts[i].path, acts[i].body) / 100, 2);
    bench_shut(&b);
    assert_int_equal(store_reader_open(b.dir, &reader, &f), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(acts); i++) {
        assert_int_equal(store_reader_next(reader, &entry, &f), ERR_OK);
        assert_true(bytes_find(entry.payload, bytes_text(acts[i].verb)) != SIZE_MAX);
        assert_true(bytes_find(entry.payload, bytes_text("local")) != SIZE_MAX);
        assert_true(bytes_find(entry.payload, bytes_text("horse")) == SIZE_MAX);
    }
    assert_int_equal(store_reader_next(reader, &entry, &f), ERR_NOT_FOUND);
    store_reader_close(reader);
    bench_open(&b);
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_consistent),       cmocka_unit_test(rows_are_reachable),
        cmocka_unit_test(the_document_has_all_rows), cmocka_unit_test(bad_calls_are_told_why),
        cmocka_unit_test(users_and_tokens_are_made), cmocka_unit_test(acts_are_entries_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
