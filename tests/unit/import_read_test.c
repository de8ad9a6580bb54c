/* lib/import: the samples of tests/data/import, and what is wrong in such files. */
#include "test.h"

#include "base/file.h"
#include "crypto/crypto.h"
#include "import/import.h"

#include <stdlib.h>

struct seen {
    size_t n, refused, line;
    char what[40], why[80];
    uint8_t last[SHA256_SIZE];
    enum err answer;
};

static enum err take(void *context, struct bytes der) {
    struct seen *s = context;
    s->n++;
    hash_of(HASH_SHA256, der, s->last);
    return s->answer;
}

static void refuse(void *context, size_t line, const char *what, const char *why) {
    struct seen *s = context;
    s->refused++;
    s->line = line;
    snprintf(s->what, sizeof s->what, "%s", what);
    snprintf(s->why, sizeof s->why, "%s", why);
}

static struct seen read_text(struct bytes text, enum err wanted, enum import_format format) {
    struct seen s = {0};
    struct import_taker taker = {take, refuse, &s};
    enum import_format found;
    struct fault f;
    assert_int_equal(import_read(text, &taker, &found, &f), wanted);
    assert_string_equal(import_format_name(found), import_format_name(format));
    return s;
}

static struct bytes file(struct buf *b, const char *name) {
    char path[100];
    struct fault f;
    snprintf(path, sizeof path, "tests/data/import/%s", name);
    buf_init(b, 1 << 20);
    assert_int_equal(file_read(path, b, &f), ERR_OK);
    return buf_bytes(b);
}

static const struct {
    const char *name;
    enum import_format format;
    size_t n, refused, line;
} samples[] = {
    {"bundle.pem",     IMPORT_PEM,    2, 0, 0 },
    {"inspect.ndjson", IMPORT_NDJSON, 2, 0, 0 },
    {"tlsx.ndjson",    IMPORT_NDJSON, 2, 1, 2 },
    {"keyfactor.json", IMPORT_JSON,   2, 1, 68},
    {"venafi.json",    IMPORT_NDJSON, 2, 0, 0 },
    {"certutil.csv",   IMPORT_CSV,    2, 1, 26},
    {"base64.csv",     IMPORT_CSV,    1, 1, 3 },
};

static void reads_the_samples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct buf b;
        struct seen s = read_text(file(&b, samples[i].name), ERR_OK, samples[i].format);
        assert_int_equal(s.n, samples[i].n);
        assert_int_equal(s.refused, samples[i].refused);
        assert_int_equal(s.line, samples[i].line);
        buf_clear(&b);
    }
}

/* Each prefix ends well; none has more than the whole. */
static void reads_every_prefix(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct buf b;
        struct bytes all = file(&b, samples[i].name);
        for (size_t n = 0; n < all.n; n += 7) {
            struct seen s = {0};
            struct import_taker taker = {take, refuse, &s};
            enum import_format format;
            struct fault f;
            uint8_t *copy = malloc(n + 1); /* a read past its end is seen by a sanitizer */
            assert_non_null(copy);
            memcpy(copy, all.p, n);
            enum err code = import_read(bytes_of(copy, n), &taker, &format, &f);
            assert_true(code == ERR_OK || (code == ERR_FORMAT && s.n == 0));
            assert_true(s.n <= samples[i].n);
            free(copy);
        }
        buf_clear(&b);
    }
}

static const struct {
    const char *text;
    enum err code;
    enum import_format format;
    size_t refused, line;
    const char *what;
} bad[] = {
    {"",                                                               ERR_FORMAT, IMPORT_UNKNOWN, 0, 0, ""           },
    {"no certificate at all\n",                                        ERR_FORMAT, IMPORT_UNKNOWN, 0, 0, ""           },
    {"a,b\n1,2\n",                                                     ERR_OK,     IMPORT_CSV,     1, 2, "row"        },
    {"a,b\n\n1,\"2\n",                                                 ERR_OK,     IMPORT_CSV,     1, 3, "row"        },
    {"a,b\n1,\"2\"3\n",                                                ERR_OK,     IMPORT_CSV,     1, 2, "row"        },
    {"a,b\nMIIB,MIIC\n",                                               ERR_OK,     IMPORT_CSV,     1, 2, "cell"       },
    {"{\"type\":\"certificate\"}\n",                                   ERR_OK,     IMPORT_NDJSON,  1, 1, "pem"        },
    {"{\"type\":\"summary\"}\n",                                       ERR_OK,     IMPORT_NDJSON,  0, 0, ""           },
    {"\n{\"host\":\"a\"}\n",                                           ERR_OK,     IMPORT_NDJSON,  1, 2, "certificate"},
    {"{\"certificate\":\"MIIB\"}\n",                                   ERR_OK,     IMPORT_NDJSON,  1, 1, "certificate"},
    {"[{\"a\":\"}]\"},\n{\"b\":[]}]",                                  ERR_OK,     IMPORT_JSON,    2, 2, "certificate"},
    {"{\n\"a\":1}\n{\"b\"",                                            ERR_OK,     IMPORT_JSON,    2, 3, "object"     },
    {"[{\"x\":{\"y\":\"LS0t\"}}]",                                     ERR_OK,     IMPORT_JSON,    1, 1, "certificate"},
    {"{\"certificate\":\n",                                            ERR_OK,     IMPORT_NDJSON,  1, 1, "object"     },
    {"-----BEGIN CERTIFICATE-----\nMIIB\n",                            ERR_OK,     IMPORT_PEM,     1, 1, "PEM"        },
    {"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", ERR_OK,     IMPORT_PEM,     1, 1,
     "PEM"                                                                                                            },
};

static void names_what_is_wrong(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct seen s = read_text(bytes_text(bad[i].text), bad[i].code, bad[i].format);
        if (s.refused != bad[i].refused || s.line != bad[i].line)
            print_message("row %u: at %u: %s\n", (unsigned)i, (unsigned)s.line, s.why);
        assert_int_equal(s.n, 0);
        assert_int_equal(s.refused, bad[i].refused);
        assert_int_equal(s.line, bad[i].line);
        assert_string_equal(s.what, bad[i].what);
    }
}

static void ends_where_the_taker_does(void **state) {
    struct buf b;
    struct seen s = {.answer = ERR_FULL};
    struct import_taker taker = {take, refuse, &s};
    enum import_format format;
    struct fault f;
    (void)state;
    assert_int_equal(import_read(file(&b, "bundle.pem"), &taker, &format, &f), ERR_FULL);
    assert_int_equal(s.n, 1);
    buf_clear(&b);
}

static void reads_rows(void **state) {
    static const char text[] = "a,\"b \"\"x\"\"\r\n,\",c\r\n,\n";
    struct cur c = cur_open(bytes_text(text));
    struct import_row *row = malloc(sizeof *row);
    struct buf room;
    (void)state;
    assert_non_null(row);
    buf_init(&room, 1000);
    assert_true(import_csv_next(&c, &room, row));
    assert_null(row->why);
    assert_int_equal(row->n, 3);
    assert_text(row->cells[0], "a");
    assert_text(row->cells[1], "b \"x\"\r\n,");
    assert_text(row->cells[2], "c");
    assert_int_equal(row->lines, 2);
    assert_true(import_csv_next(&c, &room, row));
    assert_int_equal(row->n, 2);
    assert_int_equal(row->cells[0].n + row->cells[1].n, 0);
    assert_false(import_csv_next(&c, &room, row));
    buf_clear(&room);
    free(row);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_samples),   cmocka_unit_test(reads_every_prefix),
        cmocka_unit_test(names_what_is_wrong), cmocka_unit_test(ends_where_the_taker_does),
        cmocka_unit_test(reads_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
