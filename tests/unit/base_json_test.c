/* base/json: RFC 8259, and what other readers let through. */
#include "test.h"

#include "base/json.h"

static struct arena arena;

static bool reads(const char *text, struct json_value *v) {
    arena_clear(&arena);
    arena_init(&arena, 1u << 20);
    struct fault f;
    return json_read(&arena, bytes_text(text), 1000, v, &f) == ERR_OK;
}

static void accepts_what_is_json(void **state) {
    (void)state;
    static const char *const good[] = {
        "{}",
        "[]",
        "[0]",
        "[-0.5e+10]",
        "\"\"",
        "[true]",
        " [1, 2 ,3] ",
        "{\"a\":{\"b\":[null]}}",
        "\"\\u00e4\\ud83d\\ude00\\n\"",
        "[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]",
        "{\"a\":\"b\",\"c\":1}",
    };
    struct json_value v;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        if (!reads(good[i], &v))
            fail_msg("refused: %s", good[i]);
}

static void refuses_what_is_not(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "1",
        "true",
        "[1 2]",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[01]",
        "[1.]",
        "[.5]",
        "[+1]",
        "[1e]",
        "[nul]",
        "[True]",
        "[-]",
        "[1.5.5]",
        "\"a",
        "\"\t\"",
        "\"\\x\"",
        "[1]]",
        "1 2",
        "{\"a\":1}{\"b\":2}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "{1:2}",
        "[\"a\":1]",
        "{\"a\":1,\"a\":2}",
        "\"\xff\"",
        "\"\\u12g4\"",
        "[1}",
        "{\"a\":1]",
        "[:]",
        "{\"a\"::1}",
        "{\"a\":[1,2}",
        "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
        "['a']",
        "[1,,2]",
        "{\"a\":\"b\":\"c\"}",
        "[NaN]",
    };
    struct json_value v;
    struct bytes text;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        if (reads(bad[i], &v) && (json_type_of(v) != JSON_STRING || json_string(v, &arena, &text)))
            fail_msg("accepted: %s", bad[i]);
}

static void every_prefix_is_refused(void **state) {
    (void)state;
    const char *whole = "{\"type\":\"x\",\"n\":[1,-2.5e3,true,null,\"\\u00e4\"],\"o\":{\"k\":{}}}";
    struct json_value v;
    assert_true(reads(whole, &v));
    for (size_t n = 0; n < strlen(whole); n++) {
        char part[128];
        snprintf(part, sizeof part, "%.*s", (int)n, whole);
        assert_false(reads(part, &v));
    }
}

static void walks_members_and_elements(void **state) {
    (void)state;
    struct json_value v, list, e;
    struct bytes text;
    int64_t n = 0;
    bool yes = false;
    assert_true(reads("{\"a\":[10,[7,8],{\"x\":1},20],\"b\":\"\\ud83d\\ude00!\",\"c\":true}", &v));
    assert_int_equal(json_count(v), 3);
    list = json_get(v, "a");
    assert_int_equal(json_count(list), 4);
    e = json_first(list);
    assert_true(json_integer(e, &n) && n == 10);
    e = json_next(e);
    assert_int_equal(json_type_of(e), JSON_ARRAY);
    e = json_next(e);
    assert_true(json_integer(json_get(e, "x"), &n) && n == 1);
    e = json_next(e);
    assert_true(json_integer(e, &n) && n == 20);
    assert_int_equal(json_type_of(json_next(e)), JSON_NONE);
    assert_true(json_string(json_get(v, "b"), &arena, &text));
    assert_text(text, "\xf0\x9f\x98\x80!");
    assert_true(json_boolean(json_get(v, "c"), &yes) && yes);
    assert_int_equal(json_type_of(json_get(v, "d")), JSON_NONE);
    assert_text(json_key(json_next(json_first(v))), "b");
}

static void numbers_that_fit_and_others(void **state) {
    (void)state;
    struct json_value v;
    int64_t n;
    assert_true(reads("[-9223372036854775807]", &v));
    assert_true(json_integer(json_first(v), &n) && n == -INT64_MAX);
    static const char *const bad[] = {"[9223372036854775808]", "[1.0]", "[\"1\"]", "[1e3]"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_true(reads(bad[i], &v));
        assert_false(json_integer(json_first(v), &n));
    }
}

static void lone_surrogates_are_no_text(void **state) {
    (void)state;
    static const char *const bad[] = {"\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83dx\"",
                                      "\"\\ud83d\\u0041\""};
    struct json_value v;
    struct bytes text;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_true(reads(bad[i], &v));
        assert_false(json_string(v, &arena, &text));
    }
}

static void limits_and_unknown_fields(void **state) {
    (void)state;
    static const char *const known[] = {"a", "b", NULL};
    struct json_value v;
    struct fault f;
    assert_true(reads("{\"a\":1,\"zz\":2}", &v));
    assert_int_equal(json_only(v, known, &f), ERR_FORMAT);
    assert_string_equal(f.detail, "zz");
    assert_int_equal(json_read(&arena, bytes_text("[1,2,3]"), 3, &v, &f), ERR_LIMIT);
}

static void writes_what_it_reads(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 1000);
    struct json j = json_to(&b);
    json_object(&j, NULL);
    json_text(&j, "t", "a\"\\\n\x01\xc3\xa4");
    json_bytes(&j, "bad", bytes_of("x\xff", 2));
    json_array(&j, "list");
    json_int(&j, NULL, -5);
    json_bool(&j, NULL, false);
    json_null(&j, NULL);
    json_end(&j, ']');
    json_time(&j, "when", 0);
    json_time(&j, "never", INT64_MAX);
    json_hex(&j, "h", bytes_of("\x0a\xff", 2));
    json_object(&j, "o");
    json_end(&j, '}');
    json_end(&j, '}');
    assert_int_equal(b.err, ERR_OK);
    assert_string_equal(buf_cstr(&b),
                        "{\"t\":\"a\\\"\\\\\\n\\u0001\xc3\xa4\",\"bad\":\"x\xef\xbf\xbd\","
                        "\"list\":[-5,false,null],\"when\":\"1970-01-01T00:00:00Z\",\"never\":null,"
                        "\"h\":\"0aff\",\"o\":{}}");
    struct json_value v;
    struct bytes text;
    assert_true(reads(buf_cstr(&b), &v));
    assert_true(json_string(json_get(v, "t"), &arena, &text));
    assert_text(text, "a\"\\\n\x01\xc3\xa4");
    buf_clear(&b);
}

/* RFC 8259, 7: how a character stands in a string. */
static void put_wanted(char out[8], unsigned c) {
    if (c == '\n' || c == '\r' || c == '\t')
        snprintf(out, 8, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c < 0x20 || c == 0x7f)
        snprintf(out, 8, "\\u%04x", c);
    else
        snprintf(out, 8, c == '"' || c == '\\' ? "\\%c" : "%c", c);
}

static void escapes_what_must_be_at_each_place(void **state) {
    (void)state;
    for (unsigned c = 1; c < 0x80; c++)
        for (size_t at = 0; at < 20; at++) {
            char text[21], wanted[8];
            struct buf b;
            memset(text, 'x', sizeof text - 1);
            text[sizeof text - 1] = '\0';
            text[at] = (char)c;
            put_wanted(wanted, c);
            buf_init(&b, 1000);
            struct json j = json_to(&b);
            json_text(&j, NULL, text);
            assert_int_equal(b.n, 2 + 19 + strlen(wanted));
            assert_memory_equal(b.p + 1 + at, wanted, strlen(wanted));
            assert_int_equal(b.p[b.n - 1], '"');
            buf_clear(&b);
        }
}

static void writes_every_integer(void **state) {
    (void)state;
    static const struct {
        int64_t n;
        const char *text;
    } rows[] = {
        {0,         "0"                   },
        {-1,        "-1"                  },
        {10,        "10"                  },
        {INT64_MAX, "9223372036854775807" },
        {INT64_MIN, "-9223372036854775808"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf b;
        buf_init(&b, 100);
        struct json j = json_to(&b);
        json_int(&j, NULL, rows[i].n);
        assert_string_equal(buf_cstr(&b), rows[i].text);
        buf_clear(&b);
    }
}

static int free_arena(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_is_json),
        cmocka_unit_test(refuses_what_is_not),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(walks_members_and_elements),
        cmocka_unit_test(numbers_that_fit_and_others),
        cmocka_unit_test(lone_surrogates_are_no_text),
        cmocka_unit_test(limits_and_unknown_fields),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(escapes_what_must_be_at_each_place),
        cmocka_unit_test(writes_every_integer),
    };
    return cmocka_run_group_tests(tests, NULL, free_arena);
}
