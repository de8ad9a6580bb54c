/* lib/notify: the digest's classes, subject and body. */
#include "test.h"

#include "notify/digest.h"

enum { DAY = 86400, NOW = 1795591800 /* 2026-11-25T07:30:00Z */ };

/* A digest of rows that end so many seconds from now. */
struct sample {
    struct notify_row rows[200];
    struct notify_agent agents[40];
    struct notify_digest d;
    struct buf out;
};

static void sample_init(struct sample *s, uint64_t within_s) {
    memset(s, 0, sizeof *s);
    s->d = (struct notify_digest){.server = bytes_text("clm.example.com"),
                                  .link = bytes_text("https://clm.example.com:8443"),
                                  .now_s = NOW,
                                  .within_s = within_s,
                                  .rows = s->rows,
                                  .agents = s->agents};
    buf_init(&s->out, NOTIFY_BODY_MAX);
}

static struct notify_row *add(struct sample *s, const char *name, int64_t left_s) {
    static const struct bytes place = {(const uint8_t *)"www.example.com:443", 19};
    struct notify_row *row = &s->rows[s->d.rows_n++];
    *row = (struct notify_row){.not_after_s = NOW + left_s,
                               .name = bytes_text(name),
                               .id = bytes_text(name),
                               .link = bytes_text("https://clm.example.com:8443/certificates/aa"),
                               .places = &place,
                               .places_n = 1,
                               .places_total = 1};
    return row;
}

static void add_agent(struct sample *s, const char *name, int64_t heard_s) {
    s->agents[s->d.agents_n++] = (struct notify_agent){.name = bytes_text(name),
                                                       .id = bytes_text(name),
                                                       .link = bytes_text("https://clm/agents/1"),
                                                       .heard_s = heard_s};
}

static void test_classes(void **state) {
    static const struct {
        int64_t left_s, within_days;
        enum notify_class want;
    } rows[] = {
        {-1,            30, NOTIFY_EXPIRED},
        {-400 * DAY,    30, NOTIFY_EXPIRED},
        {0,             30, NOTIFY_SOON   },
        {7 * DAY - 1,   30, NOTIFY_SOON   },
        {7 * DAY,       30, NOTIFY_LATER  },
        {30 * DAY - 1,  30, NOTIFY_LATER  },
        {30 * DAY,      30, NOTIFY_CLASSES},
        {3 * DAY - 1,   3,  NOTIFY_SOON   },
        {3 * DAY,       3,  NOTIFY_CLASSES},
        {INT64_MAX / 4, 30, NOTIFY_CLASSES},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct notify_digest d = {.now_s = NOW, .within_s = (uint64_t)rows[i].within_days * DAY};
        struct notify_row row = {.not_after_s = NOW + rows[i].left_s};
        assert_int_equal(notify_class_of(&d, &row), rows[i].want);
    }
}

static void test_subject(void **state) {
    static const struct {
        unsigned expired, soon, later, agents;
        uint64_t within_s;
        const char *want; /* NULL: nothing to say */
    } rows[] = {
        {2, 3, 0, 1, 30 * DAY,  "clm: 2 expired, 3 end within 7 d, 1 agent quiet"},
        {2, 3, 5, 1, 30 * DAY,  "clm: 2 expired, 3 end within 7 d, 1 agent quiet"},
        {1, 0, 0, 0, 30 * DAY,  "clm: 1 expired"                                 },
        {0, 1, 0, 0, 30 * DAY,  "clm: 1 ends within 7 d"                         },
        {0, 0, 1, 2, 30 * DAY,  "clm: 1 ends within 30 d, 2 agents quiet"        },
        {1, 0, 4, 0, 90 * DAY,  "clm: 1 expired, 4 end within 90 d"              },
        {0, 2, 0, 0, 3 * DAY,   "clm: 2 end within 3 d"                          },
        {0, 1, 0, 0, 36 * 3600, "clm: 1 ends within 36 h"                        },
        {0, 0, 0, 3, 30 * DAY,  "clm: 3 agents quiet"                            },
        {0, 0, 0, 0, 30 * DAY,  NULL                                             },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct sample s;
        sample_init(&s, rows[i].within_s);
        for (unsigned n = 0; n < rows[i].expired; n++)
            add(&s, "a", -DAY);
        for (unsigned n = 0; n < rows[i].soon; n++)
            add(&s, "b", DAY);
        for (unsigned n = 0; n < rows[i].later; n++)
            add(&s, "c", 20 * DAY);
        for (unsigned n = 0; n < rows[i].agents; n++)
            add_agent(&s, "web1", NOW - 2 * DAY);
        assert_int_equal(notify_digest_is_empty(&s.d), rows[i].want == NULL);
        notify_digest_subject(&s.out, &s.d);
        if (rows[i].want)
            assert_text(buf_bytes(&s.out), rows[i].want);
        buf_clear(&s.out);
    }
}

static void test_unlisted_counts(void **state) {
    struct sample s;
    (void)state;
    sample_init(&s, 30 * DAY);
    add(&s, "a", -DAY);
    s.d.unlisted[NOTIFY_EXPIRED] = 1999;
    s.d.unlisted[NOTIFY_SOON] = 1;
    s.d.agents_unlisted = 7;
    notify_digest_subject(&s.out, &s.d);
    assert_text(buf_bytes(&s.out), "clm: 2000 expired, 1 ends within 7 d, 7 agents quiet");
    buf_reset(&s.out);
    notify_digest_body(&s.out, &s.d);
    assert_non_null(strstr(buf_cstr(&s.out), "and 1999 more: https://clm.example.com:8443\n"));
    assert_non_null(strstr(buf_cstr(&s.out), "\nEnd within 7 d\n\n        and 1 more: "));
    buf_clear(&s.out);
}

/* One row of each kind, given in the wrong order. */
static void test_body(void **state) {
    static const char want[] =
        "clm.example.com: 2 expired, 2 end within 7 d, 1 ends within 30 d, 2 agents quiet\n"
        "\n"
        "Expired\n"
        "\n"
        " -12 d  old.example.com\n"
        "        ended  2026-11-13 07:30 UTC\n"
        "        at     www.example.com:443\n"
        "        owner  -\n"
        "        link   https://clm.example.com:8443/certificates/aa\n"
        "\n"
        "   0 d  today.example.com\n"
        "        ended  2026-11-25 07:29 UTC\n"
        "        at     www.example.com:443\n"
        "        owner  ops\n"
        "        link   https://clm.example.com:8443/certificates/aa\n"
        "\n"
        "End within 7 d\n"
        "\n"
        "   2 d  d\n"
        "        ends   2026-11-27 07:30 UTC\n"
        "        at     3 places\n"
        "        note   renewed, but the old certificate is still shown here\n"
        "        owner  -\n"
        "        link   https://clm.example.com:8443/certificates/aa\n"
        "\n"
        "   6 d  b.example.com\n"
        "        ends   2026-12-02 07:29 UTC\n"
        "        at     10.0.0.5:443 in network dc1\n"
        "               127.0.0.1:8443 on agent web1\n"
        "               and 40 more\n"
        "        owner  -\n"
        "        link   https://clm.example.com:8443/certificates/aa\n"
        "\n"
        "End within 30 d\n"
        "\n"
        "  20 d  c\n"
        "        ends   2026-12-15 07:30 UTC\n"
        "        at     - (managed, served nowhere)\n"
        "        owner  -\n"
        "        link   https://clm.example.com:8443/certificates/aa\n"
        "\n"
        "Quiet agents\n"
        "\n"
        "        web1\n"
        "        heard  2026-11-23 07:30 UTC\n"
        "        link   https://clm/agents/1\n"
        "\n"
        "        web2\n"
        "        heard  never\n"
        "        link   https://clm/agents/1\n";
    static const struct bytes places[] = {
        {(const uint8_t *)"10.0.0.5:443 in network dc1",  27},
        {(const uint8_t *)"127.0.0.1:8443 on agent web1", 28},
    };
    struct sample s;
    struct notify_row *row;
    (void)state;
    sample_init(&s, 30 * DAY);
    row = add(&s, "d", 2 * DAY);
    row->renewed = true;
    row->places_n = 0;
    row->places_total = 3;
    row = add(&s, "c", 20 * DAY);
    row->places_n = 0;
    row->places_total = 0;
    row = add(&s, "b.example.com", 7 * DAY - 1);
    row->places = places;
    row->places_n = 2;
    row->places_total = 42;
    add(&s, "far.example.com", 31 * DAY);
    add(&s, "today.example.com", -1)->owner = bytes_text("ops");
    add(&s, "old.example.com", -12 * DAY);
    add_agent(&s, "web1", NOW - 2 * DAY);
    add_agent(&s, "web2", 0);
    notify_digest_sort(&s.d);
    notify_digest_body(&s.out, &s.d);
    assert_string_equal(buf_cstr(&s.out), want);
    buf_clear(&s.out);
}

/* Whatever a name holds, it stays within its line. */
static void test_foreign_text(void **state) {
    static char name[3000];
    struct sample s;
    (void)state;
    sample_init(&s, 30 * DAY);
    struct notify_row *row = add(&s, "evil\r\nBcc: all@example.com\n\n\x1b[31m\x80", DAY);
    row->owner = bytes_text("o\nwner\xe2\x80\xae");
    row->link = bytes_text("https://x/\ny");
    notify_digest_body(&s.out, &s.d);
    assert_null(strstr(buf_cstr(&s.out), "\nBcc"));
    assert_null(strchr(buf_cstr(&s.out), '\r'));
    assert_null(strchr(buf_cstr(&s.out), '\x1b'));
    assert_non_null(
        strstr(buf_cstr(&s.out), "evil\\x0d\\x0aBcc: all@example.com\\x0a\\x0a\\x1b[31m\\x80"));
    assert_non_null(strstr(buf_cstr(&s.out), "o\\x0awner\\u{202e}"));

    /* Long ones are cut at a whole character. */
    for (size_t i = 0; i + 2 < sizeof name; i += 2) {
        name[i] = '\xc3';
        name[i + 1] = '\xa4';
    }
    buf_reset(&s.out);
    row->name = bytes_text(name);
    notify_digest_body(&s.out, &s.d);
    const char *line = strstr(buf_cstr(&s.out), "   1 d  ");
    assert_non_null(line);
    size_t n = strcspn(line, "\n");
    assert_int_equal(n, 8 + 120 + 3);
    assert_memory_equal(line + n - 5, "\xc3\xa4...", 5);
    buf_clear(&s.out);
}

/* The key: the same on the same day at another hour, another where a row changed. */
static void test_key(void **state) {
    struct sample s;
    struct buf before;
    (void)state;
    sample_init(&s, 30 * DAY);
    buf_init(&before, 1 << 20);
    add(&s, "a", 20 * DAY);
    add_agent(&s, "web1", NOW - 2 * DAY);
    notify_digest_key(&before, &s.d);
    s.d.now_s += 5 * 3600;
    notify_digest_key(&s.out, &s.d);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&s.out)));
    for (int change = 0; change < 5; change++) {
        struct notify_digest d = s.d;
        struct notify_row row = s.rows[0];
        if (change == 0)
            row.id = bytes_text("b");
        else if (change == 1)
            row.not_after_s = NOW + DAY;
        else if (change == 2)
            d.agents_n = 0;
        else if (change == 3)
            row.renewed = true;
        else
            row.places_total++;
        d.rows = &row;
        buf_reset(&s.out);
        notify_digest_key(&s.out, &d);
        assert_false(bytes_equal(buf_bytes(&before), buf_bytes(&s.out)));
    }
    buf_clear(&before);
    buf_clear(&s.out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),      cmocka_unit_test(test_subject),
        cmocka_unit_test(test_body),         cmocka_unit_test(test_unlisted_counts),
        cmocka_unit_test(test_foreign_text), cmocka_unit_test(test_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
