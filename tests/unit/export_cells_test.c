/* export/cells: one row in three forms, hostile text in each. */
#include "test.h"

#include "export/cells.h"

static void put_row(struct cells *c) {
    cells_begin(c, "thing");
    cells_name(c, "text");
    cells_text(c, "a,\"b\" <i>&\x1b[31m");
    cells_name(c, "bidi");
    cells_text(c, "x\xe2\x80\xaey");
    cells_name(c, "none");
    cells_empty(c);
    cells_name(c, "hex");
    cells_hex(c, bytes_of("\x00\xff", 2));
    cells_name(c, "n");
    cells_int(c, -7);
    cells_name(c, "yes");
    cells_bool(c, true);
    cells_name(c, "time");
    cells_time(c, 1798761600);
    cells_name(c, "lines");
    cells_lines(c, bytes_text("a\nb<\nc"));
    cells_name(c, "mark");
    cells_mark(c, "bad", "expired");
    cells_end(c);
}

static const struct {
    enum cells_form form;
    const char *text;
} forms[] = {
    {CELLS_CSV,    "\"a,\"\"b\"\" <i>&\\x1b[31m\",x\\u{202e}y,,00ff,-7,true,2027-01-01T00:00:00Z,a b< "
                "c,expired\r\n"                                    },
    {CELLS_NDJSON, "{\"type\":\"thing\",\"text\":\"a,\\\"b\\\" "
                   "<i>&\\u001b[31m\",\"bidi\":\"x\xe2\x80\xaey\",\"none\":null,"
                   "\"hex\":\"00ff\",\"n\":-7,\"yes\":true,\"time\":\"2027-01-01T00:00:00Z\","
                   "\"lines\":[\"a\",\"b<\",\"c\"],"
                   "\"mark\":\"expired\"}\n"                    },
    {CELLS_HTML,
     "<tr><td>a,&quot;b&quot; &lt;i&gt;&amp;\\x1b[31m</td><td>x\\u{202e}y</td><td></td><td "
     "class=\"hex\">00ff</td>"
     "<td class=\"num\">-7</td><td>yes</td><td><time "
     "datetime=\"2027-01-01T00:00:00Z\">2027-01-01</time></td>"
     "<td>a, b&lt;, c</td><td><span class=\"mark bad\">expired</span></td></tr>\n"},
};

static void writes_each_form(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct buf out, spare;
        struct cells c;
        buf_init(&out, 4096);
        buf_init(&spare, 4096);
        cells_init(&c, forms[i].form, &out, &spare, false);
        put_row(&c);
        assert_string_equal(buf_cstr(&out), forms[i].text);
        buf_clear(&out);
        buf_clear(&spare);
    }
}

static void full_buffers_are_told(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        for (size_t room = 0; room < strlen(forms[i].text); room++) {
            struct buf out, spare;
            struct cells c;
            buf_init(&out, room);
            buf_init(&spare, 4096);
            cells_init(&c, forms[i].form, &out, &spare, false);
            put_row(&c);
            assert_int_equal(out.err, ERR_LIMIT);
            buf_clear(&out);
            buf_clear(&spare);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_each_form),
        cmocka_unit_test(full_buffers_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
