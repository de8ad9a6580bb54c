/* base/text, base/clock, base/err: values from RFC 4648, RFC 3629, date(1). */
#include "test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

static void base64_vectors(void **state) {
    (void)state;
    static const struct {
        const char *plain, *coded;
    } cases[] = {
        {"",       ""        }, /* RFC 4648, 10 */
        {"f",      "Zg=="    },
        {"fo",     "Zm8="    },
        {"foo",    "Zm9v"    },
        {"foob",   "Zm9vYg=="},
        {"fooba",  "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&b);
        base64_put(&b, bytes_text(cases[i].plain));
        assert_text(buf_bytes(&b), cases[i].coded);
        buf_reset(&b);
        assert_true(base64_read(bytes_text(cases[i].coded), &b));
        assert_text(buf_bytes(&b), cases[i].plain);
    }
    buf_reset(&b);
    base64url_put(&b, bytes_of("\xff\xfe\xfd\xfc", 4));
    assert_text(buf_bytes(&b), "__79_A");
    buf_clear(&b);
}

static void base64_refuses(void **state) {
    (void)state;
    static const char *const bad[] = {"Z", "Zg=", "Zg===", "Z=g=", "Zm9v!", "Zh==", "Zg==Zg=="};
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(base64_read(bytes_text(bad[i]), &b));
    buf_reset(&b);
    assert_true(base64_read(bytes_text(" Zm\r\n9v "), &b));
    buf_clear(&b);
}

/* Every length, broken into lines of every width, comes back; and no more than fits is taken. */
static void base64_of_any_shape(void **state) {
    uint8_t plain[100];
    struct buf coded, lines, back;
    (void)state;
    buf_init(&coded, 1000);
    buf_init(&lines, 1000);
    buf_init(&back, sizeof plain);
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 73 + 200);
    for (size_t n = 0; n <= sizeof plain; n++)
        for (size_t width = 1; width < 20; width++) {
            buf_reset(&coded);
            buf_reset(&lines);
            buf_reset(&back);
            base64_put(&coded, bytes_of(plain, n));
            for (size_t i = 0; i < coded.n; i += width) {
                buf_put(&lines, bytes_part(buf_bytes(&coded), i, width));
                buf_text(&lines, width % 2 == 0 ? "\r\n" : "\n");
            }
            assert_true(base64_read(buf_bytes(&lines), &back));
            assert_int_equal(back.n, n);
            assert_true(n == 0 || memcmp(back.p, plain, n) == 0);
        }
    buf_reset(&coded);
    base64_put(&coded, bytes_of(plain, sizeof plain));
    buf_text(&coded, "AAAA");
    buf_reset(&back);
    assert_false(base64_read(buf_bytes(&coded), &back));
    buf_clear(&coded);
    buf_clear(&lines);
    buf_clear(&back);
}

static void hex_both_ways(void **state) {
    (void)state;
    uint8_t out[3];
    char text[7];
    assert_true(hex_read(bytes_text("00fFa1"), out, 3));
    hex_write(text, bytes_of(out, 3));
    assert_string_equal(text, "00ffa1");
    assert_false(hex_read(bytes_text("00ff"), out, 3));
    assert_false(hex_read(bytes_text("00ff0g"), out, 3));
    assert_false(hex_read(bytes_text("00ff0"), out, 2));
}

static void utf8_is_strict(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool ok;
    } cases[] = {
        {"a",                true },
        {"\xc3\xa4",         true }, /* U+00E4 */
        {"\xe2\x82\xac",     true }, /* U+20AC */
        {"\xf0\x9f\x98\x80", true }, /* U+1F600 */
        {"\xf4\x8f\xbf\xbf", true }, /* U+10FFFF */
        {"\xf4\x90\x80\x80", false}, /* past the last */
        {"\xc0\x80",         false}, /* overlong */
        {"\xc1\xbf",         false},
        {"\xe0\x9f\xbf",     false},
        {"\xed\xa0\x80",     false}, /* surrogate */
        {"\x80",             false},
        {"\xc3",             false},
        {"\xe2\x82",         false},
        {"\xf8\x88\x80\x80", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(utf8_valid(bytes_text(cases[i].text)), cases[i].ok);
}

static void escapes_what_deceives(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"plain \xc3\xa4",    "plain \xc3\xa4"},
        {"\x1b[31m",          "\\x1b[31m"     },
        {"a\nb\x7f",          "a\\x0ab\\x7f"  },
        {"\xc2\x9b",          "\\u{9b}"       }, /* C1 control sequence introducer */
        {"\xe2\x80\xaegpj",   "\\u{202e}gpj"  }, /* right-to-left override */
        {"\xff",              "\\xff"         },
        {"a\\b",              "a\\b"          },
        {"\xf3\xa0\x81\x81x", "\\u{e0041}x"   }, /* tag letter */
    };
    struct buf b;
    buf_init(&b, 100);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        buf_reset(&b);
        text_escape(&b, bytes_text(cases[i].in));
        assert_text(buf_bytes(&b), cases[i].out);
    }
    buf_clear(&b);
}

/* Of every length around the 16 bytes that are looked at together, with the stop at every place. */
static void plain_text_ends_where_it_does(void **state) {
    (void)state;
    static const uint8_t stops[] = {0, 0x1f, 0x7f, 0x80, 0xff, '"', ','};
    uint8_t text[40] = {0};
    for (size_t n = 0; n <= sizeof text; n++) {
        for (size_t i = 0; i < n; i++)
            text[i] = (uint8_t)(i % 3 == 0 ? 0x20 : i % 3 == 1 ? 0x7e : 'a');
        assert_int_equal(text_plain(bytes_of(text, n), '"', ','), n);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < COUNT_OF(stops); k++) {
                uint8_t was = text[i];
                text[i] = stops[k];
                assert_int_equal(text_plain(bytes_of(text, n), '"', ','), i);
                text[i] = was;
            }
    }
}

static void numbers_and_distances(void **state) {
    (void)state;
    uint64_t n = 0;
    char text[28];
    assert_true(number_read(bytes_text("18446744073709551615"), UINT64_MAX, &n));
    assert_true(n == UINT64_MAX);
    assert_false(number_read(bytes_text("18446744073709551616"), UINT64_MAX, &n));
    assert_false(number_read(bytes_text("65536"), 65535, &n));
    assert_false(number_read(bytes_text(""), 9, &n));
    assert_false(number_read(bytes_text("-1"), 9, &n));
    assert_string_equal(number_grouped(256256, text), "256,256");
    assert_string_equal(number_grouped(0, text), "0");
    assert_string_equal(number_grouped(UINT64_MAX, text), "18,446,744,073,709,551,615");
    assert_int_equal(text_distance("kitten", "sitting"), 3);
    assert_int_equal(text_distance("servers", "server"), 1);
    assert_int_equal(text_distance("ports", "ports"), 0);
    assert_int_equal(text_distance("abcdefgh", "zyxwvuts"), 4);
}

static void moments_of_the_calendar(void **state) {
    (void)state;
    static const struct {
        int64_t unix_s;
        const char *text; /* date -u -d @N +%FT%TZ */
    } cases[] = {
        {0,            "1970-01-01T00:00:00Z"},
        {-1,           "1969-12-31T23:59:59Z"},
        {951825600,    "2000-02-29T12:00:00Z"},
        {2524608000,   "2050-01-01T00:00:00Z"},
        {-62167219200, "0000-01-01T00:00:00Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
        {4107542399,   "2100-02-28T23:59:59Z"},
        {4107542400,   "2100-03-01T00:00:00Z"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[CLOCK_TEXT_MAX];
        int64_t back = 1;
        assert_string_equal(clock_write(cases[i].unix_s, text), cases[i].text);
        assert_true(clock_read(bytes_text(cases[i].text), &back));
        assert_true(back == cases[i].unix_s);
    }
    char text[CLOCK_TEXT_MAX];
    assert_string_equal(clock_write(253402300800, text), "");
    assert_string_equal(clock_write(INT64_MIN, text), "");
}

static void refuses_moments_that_are_none(void **state) {
    (void)state;
    static const char *const bad[] = {
        "2026-02-29T00:00:00Z",  "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",  "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:60Z",  "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",  "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx", "",
    };
    int64_t t;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(clock_read(bytes_text(bad[i]), &t));
    assert_true(clock_read(bytes_text("1970-01-01T00:00:01.25Z"), &t));
    assert_true(t == 1);
}

static void days_and_durations(void **state) {
    (void)state;
    uint64_t ms;
    assert_int_equal(clock_days_between(100, 99), 0);
    assert_int_equal(clock_days_between(86400, 0), -1);
    assert_int_equal(clock_days_between(2 * 86400 + 1, 0), -2);
    assert_int_equal(clock_days_between(100, 100), 0);
    assert_int_equal(clock_days_between(0, 86399), 0);
    assert_int_equal(clock_days_between(0, 86400), 1);
    assert_true(duration_read(bytes_text("30m"), &ms) && ms == 1800000);
    assert_true(duration_read(bytes_text("5"), &ms) && ms == 5000);
    assert_true(duration_read(bytes_text("250ms"), &ms) && ms == 250);
    assert_true(duration_read(bytes_text("7d"), &ms) && ms == 604800000);
    assert_false(duration_read(bytes_text("5x"), &ms));
    assert_false(duration_read(bytes_text("s"), &ms));
    assert_false(duration_read(bytes_text("99999999999d"), &ms));
}

static void every_error_has_its_row(void **state) {
    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        assert_non_null(err_row((enum err)i)->name);
        assert_non_null(err_row((enum err)i)->text);
        assert_true(err_row((enum err)i)->http_status >= 200);
    }
    /* The exit statuses that the command line promises. */
    assert_int_equal(err_row(ERR_USAGE)->exit_status, 2);
    assert_int_equal(err_row(ERR_UNDELIVERED)->exit_status, 3);
    assert_int_equal(err_row(ERR_CREDENTIALS)->exit_status, 4);
    assert_int_equal(err_row(ERR_DAMAGED)->exit_status, 5);
    assert_int_equal(err_row(ERR_FINDING)->exit_status, 6);
    assert_int_equal(err_row(ERR_LOCKED)->exit_status, 11);
    assert_int_equal(err_row(ERR_CLOCK)->exit_status, 1);
    struct fault f;
    char text[400];
    fault_set(&f, ERR_USAGE, "port", "%s", "8\x1b[2J");
    assert_string_equal(fault_text(&f, text, sizeof text), "port: 8\\x1b[2J");
    fault_set(&f, ERR_DAMAGED, "segment", "byte %d", 7);
    assert_string_equal(fault_text(&f, text, sizeof text), "segment: byte 7: damaged");
    fault_set(&f, ERR_USAGE, "name", "%s", "");
    assert_string_equal(fault_text(&f, text, sizeof text), "name: not understood");
}

/* Beside a search that compares at each place; ends of blocks and of the text included. */
static void texts_are_found(void **state) {
    (void)state;
    static const char letters[] = "aAbB.-";
    uint32_t seed = 7;
    for (unsigned turn = 0; turn < 20000; turn++) {
        char text[80], want[TEXT_FOUND_MAX + 1];
        size_t n = turn % sizeof text, m = 1 + turn % 7 % TEXT_FOUND_MAX, from = turn % 5;
        for (size_t i = 0; i < n + m; i++) {
            seed = seed * 1664525 + 1013904223;
            char c = letters[(seed >> 24) % 6];
            if (i < n)
                text[i] = c;
            else
                want[i - n] = ascii_lower(c);
        }
        size_t found = SIZE_MAX;
        for (size_t i = from; i + m <= n && found == SIZE_MAX; i++) {
            size_t k = 0;
            while (k < m && ascii_lower(text[i + k]) == want[k])
                k++;
            found = k == m ? i : SIZE_MAX;
        }
        assert_int_equal(text_find(bytes_of(text, n), from, bytes_of(want, m)), found);
    }
    /* 'z' + 1 is no letter, '@' no folded '`', and high bytes are themselves. */
    assert_int_equal(text_find(bytes_text("[email\xc3\xa9@]"), 0, bytes_text("`")), SIZE_MAX);
    assert_int_equal(text_find(bytes_text("[email\xc3\xa9@]"), 0, bytes_text("\xa9")), 7);
    assert_int_equal(
        text_find(bytes_text("A long text, and EXAMPLE.COM"), 0, bytes_text("example.com")), 17);
    assert_int_equal(text_find(bytes_text("abc"), 0, bytes_text("")), SIZE_MAX);
    assert_int_equal(text_find(bytes_text("abc"), 4, bytes_text("a")), SIZE_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_vectors),
        cmocka_unit_test(base64_refuses),
        cmocka_unit_test(base64_of_any_shape),
        cmocka_unit_test(hex_both_ways),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(escapes_what_deceives),
        cmocka_unit_test(plain_text_ends_where_it_does),
        cmocka_unit_test(numbers_and_distances),
        cmocka_unit_test(texts_are_found),
        cmocka_unit_test(moments_of_the_calendar),
        cmocka_unit_test(refuses_moments_that_are_none),
        cmocka_unit_test(days_and_durations),
        cmocka_unit_test(every_error_has_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
