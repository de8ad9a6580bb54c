/* export/ics: folding and escaping as RFC 5545 has them. */
#include "test.h"

#include "base/text.h"
#include "export/ics.h"

static const struct {
    const char *text, *line;
} texts[] = {
    {"plain",                "SUMMARY:plain\r\n"                     },
    {"a;b,c\\d",             "SUMMARY:a\\;b\\,c\\\\d\r\n"            }, /* 3.3.11 */
    {"two\nlines",           "SUMMARY:two\\nlines\r\n"               },
    {"end:\r\nBEGIN:VEVENT", "SUMMARY:end:\\\\x0d\\nBEGIN:VEVENT\r\n"},
    {"esc\x1b",              "SUMMARY:esc\\\\x1b\r\n"                },
    {"",                     "SUMMARY:\r\n"                          },
};

static void escapes_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct buf out;
        buf_init(&out, 1000);
        ics_text(&out, "SUMMARY", bytes_text(texts[i].text));
        assert_string_equal(buf_cstr(&out), texts[i].line);
        buf_clear(&out);
    }
}

/* Unfolded it is the same; no line is longer than 75 octets or cuts a character. */
static void folds_every_length(void **state) {
    static const char *const units[] = {"x", "\xc3\xa4", "\xe4\xbe\x8b", "\xf0\x9f\x98\x80"};
    (void)state;
    for (size_t unit = 0; unit < COUNT_OF(units); unit++)
        for (size_t n = 0; n < 200; n++) {
            struct buf value, out, whole;
            buf_init(&value, 10000);
            buf_init(&out, 10000);
            buf_init(&whole, 10000);
            for (size_t i = 0; i < n; i++)
                buf_text(&value, units[unit]);
            ics_line(&out, "X", buf_bytes(&value));
            struct cur c = cur_open(buf_bytes(&out));
            for (bool is_first = true; c.rest.n > 0; is_first = false) {
                struct bytes line = cur_until(&c, '\n');
                assert_true(line.n > 0 && line.p[line.n - 1] == '\r' && line.n - 1 <= ICS_LINE_MAX);
                line.n--;
                assert_true(utf8_valid(line));
                assert_int_equal(!is_first, line.n > 0 && line.p[0] == ' ');
                buf_put(&whole, bytes_part(line, is_first ? 0 : 1, line.n));
            }
            assert_int_equal(whole.n, 2 + value.n);
            assert_true(bytes_equal(bytes_part(buf_bytes(&whole), 2, value.n), buf_bytes(&value)));
            buf_clear(&value);
            buf_clear(&out);
            buf_clear(&whole);
        }
}

static void folds_what_is_no_text(void **state) {
    struct buf out;
    uint8_t bytes[300];
    (void)state;
    memset(bytes, 0xbf, sizeof bytes);
    buf_init(&out, 10000);
    ics_line(&out, "X", bytes_of(bytes, sizeof bytes));
    assert_int_equal(out.err, ERR_OK);
    buf_clear(&out);
}

static void writes_moments(void **state) {
    struct buf out;
    (void)state;
    buf_init(&out, 1000);
    assert_true(ics_time(&out, "DTSTART", 1798761600));
    assert_string_equal(buf_cstr(&out), "DTSTART:20270101T000000Z\r\n");
    assert_false(ics_time(&out, "DTSTART", INT64_MAX / 2));
    assert_int_equal(out.n, 26);
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_texts),
        cmocka_unit_test(folds_every_length),
        cmocka_unit_test(folds_what_is_no_text),
        cmocka_unit_test(writes_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
