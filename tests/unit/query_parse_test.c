/* query: what parses, the tree that comes of it, and where a mistake is. */
#include "test.h"

#include "base/buf.h"
#include "base/clock.h"
#include "query/query.h"

static const int64_t NOW = 1798761600; /* 2027-01-01T00:00:00Z */

static enum err parse(struct arena *a, const char *text, enum query_rows rows,
                      const struct query **q, struct query_error *e) {
    return query_parse(a, bytes_text(text), rows, NOW, q, e);
}

/* The tree as text: "(and subject (place (and port agent)))". */
static void write_node(const struct query_node *n, struct buf *out) {
    static const char *const kinds[] = {"all", "and", "or", "not", "term", "place"};
    size_t fields_n;
    const struct query_field_row *fields = query_fields(&fields_n);
    if (n->kind == QUERY_TERM) {
        const char *name = "any";
        for (size_t i = 0; i < fields_n; i++)
            if (fields[i].field == n->term->field)
                name = fields[i].name;
        buf_text(out, name);
        return;
    }
    buf_printf(out, "(%s", kinds[n->kind]);
    for (const struct query_node *c = n->first; c != NULL; c = c->next) {
        buf_text(out, " ");
        write_node(c, out);
    }
    buf_text(out, ")");
}

static const struct {
    const char *text, *tree;
} trees[] = {
    {"",                                       "(all)"                             },
    {"  ",                                     "(all)"                             },
    {"word",                                   "any"                               },
    {"two words",                              "(and any any)"                     },
    {"two and words",                          "(and any any)"                     },
    {"a or b c or d",                          "(or any (and any any) any)"        },
    {"A OR NOT b",                             "(or any (not any))"                },
    {"(a or b) c",                             "(and (or any any) any)"            },
    {"not (a b)",                              "(not (and any any))"               },
    {"not not a",                              "(not (not any))"                   },
    {"\"or\" \"not\"",                         "(and any any)"                     },
    {"issuer:\"Example CA\" expires<30d",      "(and issuer expires)"              },
    {"issuer:a\tsan:*.b\n",                    "(and issuer san)"                  },
    {"port:993",                               "(place port)"                      },
    {"port:993 key:rsa<2048 agent:dc1",        "(and key (place (and port agent)))"},
    {"not port:993",                           "(not (place port))"                },
    {"port:993 or agent:dc1",                  "(place (or port agent))"           },
    {"port:993 or ca",                         "(or (place port) any)"             },
    {"(port:993 or port:995) agent:a",         "(place (and (or port port) agent))"},
    {"(port:1 agent:a) (port:2 agent:b)",
     "(and (place (and port agent)) (place (and port agent)))"                     },
    {"is:served agent:a",                      "(place (and is agent))"            },
    {"is:gone agent:a",                        "(and is (place agent))"            },
    {"3a:91:7c:02",                            "any"                               },
    {"ca:fe:ba:be",                            "any"                               },
    {"2001:db8::1 fe80::1",                    "(and any any)"                     },
    {"mail.example.com:443",                   "any"                               },
    {"Subject:x SHA256=3a*",                   "(and subject sha256)"              },
    {"seen>2026-01-01 is:self-signed finding", "(and seen is any)"                 },
};

static void parses_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(trees); i++) {
        struct arena a;
        struct buf out;
        const struct query *q;
        struct query_error e;
        arena_init(&a, 1 << 20);
        buf_init(&out, 1000);
        if (parse(&a, trees[i].text, QUERY_CERTIFICATES, &q, &e) != ERR_OK)
            fail_msg("%s: column %zu: %s", trees[i].text, e.column, e.text);
        write_node(q->root, &out);
        assert_string_equal(buf_cstr(&out), trees[i].tree);
        buf_clear(&out);
        arena_clear(&a);
    }
}

static const struct {
    const char *text;
    enum query_rows rows;
    enum err code;
    size_t column;
    const char *says;
} mistakes[] = {
    {"(",                  QUERY_CERTIFICATES, ERR_USAGE,       2,  "a term is expected"          },
    {"(a",                 QUERY_CERTIFICATES, ERR_USAGE,       1,  "closing parenthesis"         },
    {"a)",                 QUERY_CERTIFICATES, ERR_USAGE,       2,  "no parenthesis is open"      },
    {"a ()",               QUERY_CERTIFICATES, ERR_USAGE,       4,  "before the parenthesis"      },
    {"a or",               QUERY_CERTIFICATES, ERR_USAGE,       5,  "a term is expected"          },
    {"or a",               QUERY_CERTIFICATES, ERR_USAGE,       1,  "goes in quotes"              },
    {"a or or b",          QUERY_CERTIFICATES, ERR_USAGE,       6,  "goes in quotes"              },
    {"not",                QUERY_CERTIFICATES, ERR_USAGE,       4,  "a term is expected"          },
    {"\xc3\xa4 isuer:x",   QUERY_CERTIFICATES, ERR_USAGE,       3,  "did you mean \"issuer\"?"    },
    {"CN=mail",            QUERY_CERTIFICATES, ERR_USAGE,       1,  "goes in quotes"              },
    {"issuer:",            QUERY_CERTIFICATES, ERR_USAGE,       8,  "a value is expected"         },
    {"issuer: x",          QUERY_CERTIFICATES, ERR_USAGE,       8,  "a value is expected"         },
    {"issuer:\"x",         QUERY_CERTIFICATES, ERR_USAGE,       8,  "closing quote"               },
    {"issuer:\"x\"y",      QUERY_CERTIFICATES, ERR_USAGE,       11, "a blank is expected"         },
    {"issuer:x\"y\"",      QUERY_CERTIFICATES, ERR_USAGE,       9,  "a blank is expected"         },
    {"\"\"",               QUERY_CERTIFICATES, ERR_USAGE,       1,  "a text is expected"          },
    {"issuer<x",           QUERY_CERTIFICATES, ERR_USAGE,       7,  "one of : = is expected"      },
    {"expires<soon",       QUERY_CERTIFICATES, ERR_USAGE,       9,  "a time is expected"          },
    {"expires<30m",        QUERY_CERTIFICATES, ERR_USAGE,       9,  "a time is expected"          },
    {"expires:30d",        QUERY_CERTIFICATES, ERR_USAGE,       9,  "< or > is expected"          },
    {"expires<2026-02-30", QUERY_CERTIFICATES, ERR_USAGE,       9,  "a time is expected"          },
    {"seen>7d",            QUERY_CERTIFICATES, ERR_USAGE,       6,  "with a minus"                },
    {"port:http",          QUERY_CERTIFICATES, ERR_USAGE,       6,  "a number is expected"        },
    {"port:9-8",           QUERY_CERTIFICATES, ERR_USAGE,       6,  "smaller number"              },
    {"port<8-9",           QUERY_CERTIFICATES, ERR_USAGE,       6,  "one number"                  },
    {"ip:10.0.0.300",      QUERY_CERTIFICATES, ERR_USAGE,       4,  "an address is expected"      },
    {"serial:xyz",         QUERY_CERTIFICATES, ERR_USAGE,       8,  "hex digits"                  },
    {"sha256:3a91",        QUERY_CERTIFICATES, ERR_USAGE,       8,  "put a * behind"              },
    {"tls<9",              QUERY_CERTIFICATES, ERR_USAGE,       5,  "a version is expected"       },
    {"key:<2048",          QUERY_CERTIFICATES, ERR_USAGE,       5,  "a kind of key"               },
    {"key<2048",           QUERY_CERTIFICATES, ERR_USAGE,       4,  "one of : is expected"        },
    {"key:rsa<big",        QUERY_CERTIFICATES, ERR_USAGE,       5,  "a number is expected"        },
    {"is:shiny",           QUERY_CERTIFICATES, ERR_USAGE,       4,  "served, gone, expired"       },
    {"is:archived",        QUERY_CERTIFICATES, ERR_UNSUPPORTED, 4,  "cannot be answered"          },
    {"finding:weak-key",   QUERY_CERTIFICATES, ERR_UNSUPPORTED, 1,  "cannot be answered"          },
    {"a renewal:agent",    QUERY_CERTIFICATES, ERR_UNSUPPORTED, 3,  "cannot be answered"          },
    {"is:served",          QUERY_ENDPOINTS,    ERR_UNSUPPORTED, 4,  "is not said of endpoints"    },
    {"issuer:x",           QUERY_AGENTS,       ERR_UNSUPPORTED, 1,  "issuer is not said of agents"},
};

static void names_the_column(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        struct fault f;
        char text[400];
        arena_init(&a, 1 << 20);
        assert_int_equal(parse(&a, mistakes[i].text, mistakes[i].rows, &q, &e), mistakes[i].code);
        assert_null(q);
        if (e.column != mistakes[i].column || strstr(e.text, mistakes[i].says) == NULL)
            fail_msg("%s: column %zu: %s", mistakes[i].text, e.column, e.text);
        assert_int_equal(query_fault(&e, "--where", &f), mistakes[i].code);
        assert_non_null(strstr(fault_text(&f, text, sizeof text), "--where: column "));
        arena_clear(&a);
    }
}

/* Ends cleanly, with a tree or with a column within the text. */
static void takes_every_prefix(void **state) {
    const char *whole =
        "(issuer:\"Example \\\"CA\\\"\" or not key:rsa<2048) expires<=30d san:*.example.com "
        "serial:\"00 3A:91\" ip:10.0.0.0/8 tls>=1.2 is:served \xc3\xa4";
    (void)state;
    for (size_t n = 0; n <= strlen(whole); n++) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        arena_init(&a, 1 << 20);
        uint8_t *copy = test_malloc(n + 1); /* its end is watched */
        memcpy(copy, whole, n);
        enum err code = query_parse(&a, bytes_of(copy, n), QUERY_CERTIFICATES, NOW, &q, &e);
        assert_true(code == ERR_OK || (e.column >= 1 && e.column <= n + 1 && e.text[0] != 0));
        assert_int_equal(code == ERR_OK, q != NULL);
        test_free(copy);
        arena_clear(&a);
    }
}

static void limits_hold(void **state) {
    struct arena a;
    struct buf text;
    const struct query *q;
    struct query_error e;
    (void)state;
    arena_init(&a, 1 << 20);
    buf_init(&text, 10000);
    buf_fill(&text, 'x', QUERY_LENGTH_MAX);
    assert_int_equal(parse(&a, buf_cstr(&text), QUERY_CERTIFICATES, &q, &e), ERR_OK);
    buf_text(&text, "x");
    assert_int_equal(parse(&a, buf_cstr(&text), QUERY_CERTIFICATES, &q, &e), ERR_LIMIT);
    buf_reset(&text);
    for (int i = 0; i < QUERY_DEPTH_MAX - 1; i++)
        buf_text(&text, "(");
    buf_text(&text, "x");
    buf_fill(&text, ')', QUERY_DEPTH_MAX - 1);
    assert_int_equal(parse(&a, buf_cstr(&text), QUERY_CERTIFICATES, &q, &e), ERR_OK);
    buf_reset(&text);
    buf_fill(&text, '(', 1000);
    assert_int_equal(parse(&a, buf_cstr(&text), QUERY_CERTIFICATES, &q, &e), ERR_LIMIT);
    assert_int_equal(e.column, QUERY_DEPTH_MAX + 1);
    buf_reset(&text);
    for (int i = 0; i < 400; i++)
        buf_text(&text, "not ");
    assert_int_equal(parse(&a, buf_cstr(&text), QUERY_CERTIFICATES, &q, &e), ERR_LIMIT);
    buf_reset(&text);
    for (int i = 0; i <= QUERY_TERMS_MAX; i++)
        buf_text(&text, "x ");
    assert_int_equal(parse(&a, buf_cstr(&text), QUERY_CERTIFICATES, &q, &e), ERR_LIMIT);
    assert_int_equal(e.column, 2 * QUERY_TERMS_MAX + 1);
    buf_clear(&text);
    arena_clear(&a);
}

static void no_memory_is_told(void **state) {
    (void)state;
    for (size_t room = 0; room < 1500; room += 8) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        arena_init(&a, room);
        enum err code =
            parse(&a, "(a or port:1) \"b\" not is:ca serial:3a", QUERY_CERTIFICATES, &q, &e);
        assert_true(code == ERR_OK || code == ERR_LIMIT);
        arena_clear(&a);
    }
}

static const struct {
    const char *text, *from, *to; /* NULL: none */
} times[] = {
    {"2026",                 "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"2026-12",              "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
    {"2024-02-29",           "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"},
    {"2026-12-31T23:59:59Z", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"},
    {"today",                "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"},
    {"NOW",                  "2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z"},
    {"30d",                  "2027-01-31T00:00:00Z", "2027-01-31T00:00:01Z"},
    {"-1w",                  "2026-12-25T00:00:00Z", "2026-12-25T00:00:01Z"},
    {"+2h",                  "2027-01-01T02:00:00Z", "2027-01-01T02:00:01Z"},
    {"0d",                   "2027-01-01T00:00:00Z", "2027-01-01T00:00:01Z"},
    {"2025-02-29",           NULL,                   NULL                  },
    {"2026-13",              NULL,                   NULL                  },
    {"2026-1-1",             NULL,                   NULL                  },
    {"30",                   NULL,                   NULL                  },
    {"d",                    NULL,                   NULL                  },
    {"-",                    NULL,                   NULL                  },
    {"",                     NULL,                   NULL                  },
    {"99999999d",            NULL,                   NULL                  },
};

static void reads_times(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        int64_t from, to;
        char text[CLOCK_TEXT_MAX];
        bool good = query_time_read(bytes_text(times[i].text), NOW, &from, &to);
        assert_int_equal(good, times[i].from != NULL);
        if (good) {
            assert_string_equal(clock_write(from, text), times[i].from);
            assert_string_equal(clock_write(to, text), times[i].to);
        }
    }
}

static const struct {
    const char *text;
    bool found;
    int64_t from, to;
} bounds[] = {
    {"expires<30d",                         true,  INT64_MIN,  1798761600 + 30 * 86400},
    {"x expires>=now expires<30d",          true,  1798761600, 1798761600 + 30 * 86400},
    {"is:served (expires<30d expires<10d)", true,  INT64_MIN,  1798761600 + 10 * 86400},
    {"expires<30d or x",                    false, INT64_MIN,  INT64_MAX              },
    {"not expires<30d",                     false, INT64_MIN,  INT64_MAX              },
    {"",                                    false, INT64_MIN,  INT64_MAX              },
};

static void gives_bounds(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bounds); i++) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        int64_t from, to;
        arena_init(&a, 1 << 20);
        assert_int_equal(parse(&a, bounds[i].text, QUERY_CERTIFICATES, &q, &e), ERR_OK);
        assert_int_equal(query_bounds(q, QUERY_EXPIRES, &from, &to), bounds[i].found);
        assert_true(from == bounds[i].from && to == bounds[i].to);
        arena_clear(&a);
    }
}

/* Names are words that the parser reads; every example parses where it is said to. */
static void the_table_is_sound(void **state) {
    size_t n;
    const struct query_field_row *rows = query_fields(&n);
    (void)state;
    for (size_t i = 0; i < n; i++) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        arena_init(&a, 1 << 20);
        for (unsigned kind = QUERY_CERTIFICATES; kind <= QUERY_AGENTS; kind <<= 1) {
            bool said = (rows[i].rows & kind) != 0 && rows[i].missing == NULL;
            if (rows[i].field == QUERY_IS && kind != QUERY_CERTIFICATES)
                continue; /* its example is a word of certificates */
            assert_int_equal(parse(&a, rows[i].example, kind, &q, &e),
                             said ? ERR_OK : ERR_UNSUPPORTED);
        }
        assert_int_equal(strncmp(rows[i].example, rows[i].name, strlen(rows[i].name)), 0);
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_the_table),   cmocka_unit_test(names_the_column),
        cmocka_unit_test(takes_every_prefix), cmocka_unit_test(limits_hold),
        cmocka_unit_test(no_memory_is_told),  cmocka_unit_test(reads_times),
        cmocka_unit_test(gives_bounds),       cmocka_unit_test(the_table_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
