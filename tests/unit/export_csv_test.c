/* export/csv: cells as RFC 4180 wants them, whatever stands in them. */
#include "test.h"

#include "export/csv.h"

static const struct {
    const char *in;
    size_t n;
    const char *plain, *excel;
} cells[] = {
#define CELL(in, plain, excel)                                                                     \
    { in, sizeof in - 1, plain, excel }
    CELL("", "", ""),
    CELL("plain", "plain", "plain"),
    CELL("a,b", "\"a,b\"", "\"a,b\""),
    CELL("say \"hi\"", "\"say \"\"hi\"\"\"", "\"say \"\"hi\"\"\""),
    CELL("\"", "\"\"\"\"", "\"\"\"\""),
    CELL("=1+1", "=1+1", "\"'=1+1\""),
    CELL("+49", "+49", "\"'+49\""),
    CELL("-1", "-1", "\"'-1\""),
    CELL("@SUM(A1)", "@SUM(A1)", "\"'@SUM(A1)\""),
    CELL("\t=1", "\\x09=1", "\"'\\x09=1\""),
    CELL("=\"a\",b", "\"=\"\"a\"\",b\"", "\"'=\"\"a\"\",b\""),
    CELL("two\r\nlines", "two\\x0d\\x0alines", "two\\x0d\\x0alines"),
    CELL("nul\0byte", "nul\\x00byte", "nul\\x00byte"),
    CELL("\x1b[31mred", "\\x1b[31mred", "\\x1b[31mred"),
    CELL("\xff\xfe", "\\xff\\xfe", "\\xff\\xfe"),
    CELL("M\xc3\xbcller", "M\xc3\xbcller", "M\xc3\xbcller"),
    CELL("a\xe2\x80\xae"
         "b",
         "a\\u{202e}b", "a\\u{202e}b"),
};

static void cells_of_every_kind(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    for (unsigned excel = 0; excel < 2; excel++)
        for (size_t i = 0; i < COUNT_OF(cells); i++) {
            struct csv c = csv_to(&out, excel);
            csv_bytes(&c, bytes_of(cells[i].in, cells[i].n));
            assert_text(buf_bytes(&out), excel ? cells[i].excel : cells[i].plain);
            buf_reset(&out);
        }
    buf_clear(&out);
}

static void rows_and_types(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 4096);
    struct csv c = csv_to(&out, true);
    csv_start(&c);
    csv_text(&c, "a");
    csv_text(&c, NULL);
    csv_hex(&c, bytes_text("\x01\xff"));
    csv_int(&c, -5);
    csv_end(&c);
    csv_bool(&c, true);
    csv_time(&c, 0);
    csv_time(&c, INT64_MAX); /* no such year */
    csv_empty(&c);
    csv_lines(&c, bytes_text("a.test\nb\x1f.test\n\"\n"));
    csv_int(&c, INT64_MIN);
    csv_end(&c);
    assert_text(buf_bytes(&out), "\xef\xbb\xbf"
                                 "a,,01ff,-5\r\ntrue,1970-01-01T00:00:00Z,,,\"a.test b\\x1f.test "
                                 "\"\" \",-9223372036854775808\r\n");
    buf_clear(&out);
}

static void limits_are_kept(void **state) {
    (void)state;
    struct buf out;
    buf_init(&out, 4);
    struct csv c = csv_to(&out, false);
    csv_text(&c, "longer than four");
    assert_int_equal(out.err, ERR_LIMIT);
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_of_every_kind),
        cmocka_unit_test(rows_and_types),
        cmocka_unit_test(limits_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
