/* model/target: tokens, exclusions, counting and unfolding. */
#include "test.h"

#include "model/target.h"

static struct arena arena;

static const struct {
    const char *token;
    unsigned forms;
    enum model_target_kind kind;
    const char *key; /* NULL: refused, `say` stands in the fault */
    uint16_t port;   /* 0: none */
    bool dropped;
    const char *say;
} tokens[] = {
    {"Mail.Example.com.",                   MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,    "mail.example.com",     0,    false,
     NULL                                                                                                                                          },
    {"mail.example.com:8443",               MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,    "mail.example.com",     8443,
     false,                                                                                                                 NULL                   },
    {"198.51.100.7",                        MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "198.51.100.7",         0,    false, NULL                   },
    {"198.51.100.7:443",                    MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "198.51.100.7",         443,  false,
     NULL                                                                                                                                          },
    {"[2001:DB8::1]:443",                   MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "2001:db8::1",          443,  false,
     NULL                                                                                                                                          },
    {"[2001:db8::1]",                       MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "2001:db8::1",          0,    false, NULL                   },
    {"2001:db8::1",                         MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "2001:db8::1",          0,    false, NULL                   },
    {"::ffff:10.0.0.1",                     MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "10.0.0.1",             0,    false, NULL                   },
    {"https://Mail.example.com",            MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,    "mail.example.com",     0,
     false,                                                                                                                 NULL                   },
    {"https://mail.example.com:8443/",      MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,    "mail.example.com",
     8443,                                                                                                           false, NULL                   },
    {"https://mail.example.com:8443/a?b#c", MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,
     "mail.example.com",                                                                                       8443, true,  NULL                   },
    {"https://u:p@mail.example.com/",       MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,    "mail.example.com",     0,
     true,                                                                                                                  NULL                   },
    {"ldaps://[2001:db8::1]:636/dc=x",      MODEL_FORMS_SERVERS, MODEL_TARGET_ADDRESS, "2001:db8::1",
     636,                                                                                                            true,  NULL                   },
    {"mail.example.com/path",               MODEL_FORMS_SERVERS, MODEL_TARGET_NAME,    "mail.example.com",     0,    true,
     NULL                                                                                                                                          },
    {"198.51.100.0/24",                     MODEL_FORMS_WORDS,   MODEL_TARGET_RANGE,   "198.51.100.0/24",      0,    false, NULL                   },
    {"198.51.100.9/24",                     MODEL_FORMS_IPS,     MODEL_TARGET_RANGE,   "198.51.100.0/24",      0,    false, NULL                   },
    {"198.51.100.7/32",                     MODEL_FORMS_IPS,     MODEL_TARGET_ADDRESS, "198.51.100.7",         0,    false, NULL                   },
    {"10.0.0.1-10.0.0.9",                   MODEL_FORMS_IPS,     MODEL_TARGET_RANGE,   "10.0.0.1-10.0.0.9",    0,    false, NULL                   },
    {"2001:db8::/120",                      MODEL_FORMS_IPS,     MODEL_TARGET_RANGE,   "2001:db8::/120",       0,    false, NULL                   },
    {"/etc/ssl//certs/./x/",                MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "/etc/ssl/certs/x",     0,    false,
     NULL                                                                                                                                          },
    {"/",                                   MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "/",                    0,    false, NULL                   },
    {"/a/.hidden/..b/.",                    MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "/a/.hidden/..b",       0,    false, NULL                   },
    {"/a\\b\\",                             MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "/a\\b\\",              0,    false, NULL                   },
    {"C:\\certs\\",                         MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "C:\\certs",            0,    false, NULL                   },
    {"C:\\",                                MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "C:\\",                 0,    false, NULL                   },
    {"\\\\server\\share\\x",                MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "\\\\server\\share\\x", 0,    false,
     NULL                                                                                                                                          },
    {"/etc/ssl",                            MODEL_FORMS_LINE,    MODEL_TARGET_PATH,    "/etc/ssl",             0,    false, NULL                   },

    {"cert:my",                             MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "cert:MY",              0,    false, NULL                   },
    {"Cert:\\LocalMachine\\Root",           MODEL_FORMS_LINE,    MODEL_TARGET_PATH,    "cert:ROOT",            0,    false, NULL                   },
    {"cert:currentuser/CA",                 MODEL_FORM_PATH,     MODEL_TARGET_PATH,    "cert:CurrentUser\\CA", 0,    false,
     NULL                                                                                                                                          },
    {"cert:443",                            MODEL_FORMS_LINE,    MODEL_TARGET_NAME,    "cert",                 443,  false, NULL                   },

    {"cert:MY",                             MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "--paths"              },
    {"cert:a b",                            MODEL_FORM_PATH,     0,                    NULL,                   0,    false, "cert:ROOT"            },
    {"cert:CurrentUser\\",                  MODEL_FORM_PATH,     0,                    NULL,                   0,    false, "cert:ROOT"            },
    {"mail.example.com",                    MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "--servers"            },
    {"mail.example.com:443",                MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "--servers"            },
    {"198.51.100.7:443",                    MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "--ports"              },
    {"https://a.example/",                  MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "--servers"            },
    {"198.51.100.0/24",                     MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "--ips"                },
    {"10.0.0.1-10.0.0.9",                   MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "--ips"                },
    {"/etc/ssl",                            MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "--paths"              },
    {"198.51.100.0/33",                     MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "\"198.51.100.0/33\""  },
    {"10.0.0.9-10.0.0.1",                   MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "\"10.0.0.9-10.0.0.1\""},
    {"10.0.0.1-9",                          MODEL_FORMS_IPS,     0,                    NULL,                   0,    false, "whole addresses"      },
    {"host:0",                              MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "1 to 65535"           },
    {"host:65536",                          MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"host:65536\""       },
    {"host:",                               MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"host:\""            },
    {"host:https",                          MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"host:https\""       },
    {"2001:db8::1:443:",                    MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "[2001:db8::1]:443"    },
    {"fe80::1%eth0",                        MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "zone"                 },
    {"[::1",                                MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"[::1\""             },
    {"[::1]443",                            MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"[::1]443\""         },
    {"[1.2.3.4]:443",                       MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "IPv6"                 },
    {"https://",                            MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"https://\""         },
    {"https://u:secret@bad_!/",             MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"bad_!\""            },
    {"foo!bar",                             MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "\"foo!bar\""          },
    {"300.1.1.1",                           MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "number"               },
    {"*.example.com",                       MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "wildcard"             },
    {"",                                    MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "empty"                },
    {"certs",                               MODEL_FORM_PATH,     0,                    NULL,                   0,    false, "absolute"             },
 /* Found by the fuzzer. */
    {"\\\\",                                MODEL_FORM_PATH,     0,                    NULL,                   0,    false, "absolute"             },
    {"u@10.0.0.1-ssl/",                     MODEL_FORMS_SERVERS, 0,                    NULL,                   0,    false, "range"                },
    {"/a\nb",                               MODEL_FORM_PATH,     0,                    NULL,                   0,    false, "control"              },
};

static void reads_tokens(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(tokens); i++) {
        struct model_target t;
        struct fault f = {.code = ERR_OK};
        bool dropped;
        enum err e = model_target_read(&arena, bytes_text(tokens[i].token), tokens[i].forms, &t,
                                       &dropped, &f);
        if ((e == ERR_OK) != (tokens[i].key != NULL))
            print_error("%s: %s\n", tokens[i].token, f.detail);
        assert_int_equal(e, tokens[i].key != NULL ? ERR_OK : ERR_USAGE);
        if (e != ERR_OK) {
            if (strstr(f.detail, tokens[i].say) == NULL)
                print_error("%s: %s\n", tokens[i].token, f.detail);
            assert_non_null(strstr(f.detail, tokens[i].say));
            assert_null(strstr(f.detail, "secret"));
            continue;
        }
        assert_int_equal(t.kind, tokens[i].kind);
        assert_text(t.key, tokens[i].key);
        assert_int_equal(dropped, tokens[i].dropped);
        assert_int_equal(t.has_ports, tokens[i].port != 0);
        if (t.has_ports)
            assert_int_equal(t.ports.ranges[0].first, tokens[i].port);
    }
}

static void schemes_say_what_is_spoken(void **state) {
    (void)state;
    static const struct {
        const char *url;
        uint16_t port; /* 0: none of its own */
        enum model_protocol protocol;
    } cases[] = {
        {"smtp://mail.example.com",           25,    MODEL_PROTOCOL_NONE},
        {"SMTP://mail.example.com:587/",      587,   MODEL_PROTOCOL_NONE},
        {"smtp://mail.example.com:10025",     10025, MODEL_SMTP         },
        {"imap://[2001:db8::1]:993",          993,   MODEL_IMAP         },
        {"postgresql://u:p@db.example.com/x", 5432,  MODEL_PROTOCOL_NONE},
        {"xmpp-server://example.com",         5269,  MODEL_PROTOCOL_NONE},
        {"https://www.example.com",           0,     MODEL_PROTOCOL_NONE},
        {"imaps://mail.example.com:8993",     8993,  MODEL_PROTOCOL_NONE},
        {"gopher://old.example.com:70",       70,    MODEL_PROTOCOL_NONE},
    };
    struct fault f;
    struct model_target t = {.kind = MODEL_TARGET_NAME}, other;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(
            model_target_read(&arena, bytes_text(cases[i].url), MODEL_FORMS_SERVERS, &t, NULL, &f),
            ERR_OK);
        assert_int_equal(t.has_ports ? t.ports.ranges[0].first : 0, cases[i].port);
        assert_int_equal(t.protocol, cases[i].protocol);
    }
    other = t;
    other.protocol = MODEL_SMTP;
    assert_int_equal(model_target_check_joined(&t, &t, &f), ERR_OK);
    assert_int_equal(model_target_check_joined(&t, &other, &f), ERR_USAGE);
    assert_non_null(strstr(f.detail, "old.example.com with two protocols"));
}

static struct model_target target(const char *token, const char *ports) {
    struct model_target t;
    assert_int_equal(model_target_read(&arena, bytes_text(token), MODEL_FORMS_LINE, &t, NULL, NULL),
                     ERR_OK);
    if (ports != NULL) {
        assert_int_equal(model_ports_read(&arena, bytes_text(ports), &t.ports, NULL), ERR_OK);
        t.has_ports = true;
    }
    return t;
}

static void guards_large_targets(void **state) {
    (void)state;
    static const struct {
        const char *key;
        enum err plain, wanted;
    } cases[] = {
        {"10.0.0.0/12",                 ERR_OK,    ERR_OK   }, /* 2^20 */
        {"10.0.0.0/11",                 ERR_USAGE, ERR_OK   },
        {"0.0.0.0/0",                   ERR_USAGE, ERR_OK   },
        {"2001:db8::/108",              ERR_OK,    ERR_OK   },
        {"2001:db8::/88",               ERR_USAGE, ERR_OK   }, /* 2^40 */
        {"2001:db8::/87",               ERR_USAGE, ERR_USAGE},
        {"::/0",                        ERR_USAGE, ERR_USAGE},
        {"::fffe:ffff:fffe-::ffff:0:1", ERR_USAGE, ERR_USAGE}, /* reaches into IPv4 */
        {"mail.example.com",            ERR_OK,    ERR_OK   },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct model_target t = target(cases[i].key, NULL);
        struct fault f;
        assert_int_equal(model_target_check(&t, &f), cases[i].plain);
        t.is_large_wanted = true;
        assert_int_equal(model_target_check(&t, &f), cases[i].wanted);
    }
}

/* Counts by walking, and checks that nothing excluded comes and nothing comes twice in a row. */
static uint64_t walk(const struct model_target *t, const struct model_ports *defaults,
                     const struct model_exclusions *x) {
    struct model_unfold u;
    struct model_endpoint e;
    uint64_t n = 0;
    struct ip last = {.size = 0};
    uint16_t last_port = 0;
    model_unfold_open(&u, t, defaults, x);
    for (; model_unfold_next(&u, &e); n++) {
        assert_false(model_excluded(x, e.host, &e.ip, e.port));
        assert_false(n > 0 && ip_equal(&last, &e.ip) && e.port == last_port);
        if (e.kind == MODEL_KIND_TLS && e.ip.size > 0)
            assert_true(ip_range_has(&t->range, &e.ip));
        last = e.ip;
        last_port = e.port;
    }
    assert_false(model_unfold_next(&u, &e));
    return n;
}

static void counts_what_it_unfolds(void **state) {
    (void)state;
    struct model_ports nine = model_ports_default();
    const struct model_target excluded[] = {
        target("198.51.100.7", NULL),
        target("198.51.100.9", "8001"),
        target("198.51.100.5-198.51.100.10", "8002,8005"),
        target("10.0.0.0/8", NULL),
        target("web.example.com", NULL),
        target("mail.example.com", "465"),
        target("2001:db8::8/125", NULL),
        target("/etc/ssl/private", NULL),
    };
    struct model_exclusions x = {excluded, COUNT_OF(excluded)};
    static const struct {
        const char *key, *ports;
        uint64_t addresses, count, excluded;
    } cases[] = {
        {"198.51.100.0/24",                             "8000-9000", 256,   256 * 1001 - 1001 - 1 - 5 * 2, 1001 + 1 + 10},
        {"198.51.100.0/24",                             NULL,        256,   255 * 9,                       9            },
        {"198.51.100.7",                                NULL,        1,     0,                             9            },
        {"198.51.100.9",                                "8000-8002", 1,     1,                             2            },
        {"10.1.0.0/16",                                 NULL,        65536, 0,                             65536 * 9    },
        {"9.255.255.250-10.0.0.5",                      "443",       12,    6,                             6            },
        {"10.255.255.250-11.0.0.5",                     "443",       12,    6,                             6            },
        {"mail.example.com",                            NULL,        1,     8,                             1            },
        {"web.example.com",                             "1-65535",   1,     0,                             65535        },
        {"other.example.com",                           "443,8443",  1,     2,                             0            },
        {"2001:db8::/124",                              "443",       16,    8,                             8            },
        {"255.255.255.254-255.255.255.255",             "1,65535",   2,     4,                             0            },
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", "443",       2,     2,                             0            },
        {"/etc/ssl",                                    NULL,        1,     1,                             0            },
        {"/etc/ssl/private/x.pem",                      NULL,        1,     0,                             1            },
        {"/etc/ssl/privates",                           NULL,        1,     1,                             0            },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct model_target t = target(cases[i].key, cases[i].ports);
        struct model_count c;
        assert_int_equal(model_target_count(&t, &nine, &x, &c), ERR_OK);
        assert_int_equal(c.addresses, cases[i].addresses);
        assert_int_equal(c.endpoints, cases[i].count);
        assert_int_equal(c.excluded, cases[i].excluded);
        assert_int_equal(walk(&t, &nine, &x), cases[i].count);
    }
}

static void counts_up_to_64_bits(void **state) {
    (void)state;
    struct model_ports nine = model_ports_default();
    struct model_count c;
    struct model_target t = target("2001:db8::/88", "1-65535");
    assert_int_equal(model_target_count(&t, &nine, NULL, &c), ERR_OK);
    assert_true(c.endpoints == (UINT64_C(1) << 40) * 65535);
    t = target("2001:db8::/68", "1-65535");
    assert_int_equal(model_target_count(&t, &nine, NULL, &c), ERR_LIMIT);
    t = target("2001:db8::/64", NULL);
    assert_int_equal(model_target_count(&t, &nine, NULL, &c), ERR_LIMIT);
    assert_true(model_count_add(UINT64_MAX - 1, 1) == UINT64_MAX);
    assert_true(model_count_add(UINT64_MAX, 5) == UINT64_MAX);
}

static void unfolds_ports_outermost(void **state) {
    (void)state;
    struct model_ports nine = model_ports_default();
    struct model_target t = target("198.51.100.0/31", "25,443");
    struct model_unfold u;
    struct model_endpoint e;
    static const struct {
        const char *host;
        uint16_t port;
        enum model_protocol protocol;
    } order[] = {
        {"198.51.100.0", 25,  MODEL_SMTP},
        {"198.51.100.1", 25,  MODEL_SMTP},
        {"198.51.100.0", 443, MODEL_TLS },
        {"198.51.100.1", 443, MODEL_TLS },
    };
    model_unfold_open(&u, &t, &nine, NULL);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        assert_true(model_unfold_next(&u, &e));
        assert_text(e.host, order[i].host);
        assert_int_equal(e.ip.size, 4);
        assert_int_equal(e.port, order[i].port);
        assert_int_equal(e.protocol, order[i].protocol);
    }
    assert_false(model_unfold_next(&u, &e));

    t = target("mail.example.com", NULL);
    t.protocol = MODEL_SMTP; /* a target's own word comes first */
    model_unfold_open(&u, &t, &nine, NULL);
    assert_true(model_unfold_next(&u, &e));
    assert_text(e.host, "mail.example.com");
    assert_int_equal(e.ip.size, 0);
    assert_int_equal(e.port, 443);
    assert_int_equal(e.protocol, MODEL_SMTP);

    t = target("/etc/ssl", NULL);
    model_unfold_open(&u, &t, &nine, NULL);
    assert_true(model_unfold_next(&u, &e));
    assert_int_equal(e.kind, MODEL_KIND_FILE);
    assert_text(e.path, "/etc/ssl");
}

static void exclusions_hold_for_what_names_lead_to(void **state) {
    (void)state;
    const struct model_target items[] = {target("10.0.0.0/8", NULL),
                                         target("mail.example.com", "25"), target("/srv", NULL)};
    struct model_exclusions x = {items, COUNT_OF(items)};
    struct ip ip;
    assert_true(ip_read(bytes_text("10.1.2.3"), &ip));
    assert_true(model_excluded(&x, bytes_text("other.example.com"), &ip, 443));
    assert_true(ip_read(bytes_text("::ffff:10.1.2.3"), &ip));
    assert_true(model_excluded(&x, bytes_text("other.example.com"), &ip, 443));
    assert_true(model_excluded(&x, bytes_text("10.9.9.9"), NULL, 443));
    assert_true(ip_read(bytes_text("11.1.2.3"), &ip));
    assert_false(model_excluded(&x, bytes_text("other.example.com"), &ip, 443));
    assert_true(model_excluded(&x, bytes_text("mail.example.com"), &ip, 25));
    assert_false(model_excluded(&x, bytes_text("mail.example.com"), &ip, 443));
    assert_true(model_excluded_path(&x, bytes_text("/srv")));
    assert_true(model_excluded_path(&x, bytes_text("/srv/a.pem")));
    assert_false(model_excluded_path(&x, bytes_text("/srv2")));
    assert_false(model_excluded_path(&x, bytes_text("/")));
}

static int open_arena(void **state) {
    (void)state;
    arena_init(&arena, 1u << 20);
    return 0;
}

static int close_arena(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tokens),
        cmocka_unit_test(schemes_say_what_is_spoken),
        cmocka_unit_test(guards_large_targets),
        cmocka_unit_test(counts_what_it_unfolds),
        cmocka_unit_test(counts_up_to_64_bits),
        cmocka_unit_test(unfolds_ports_outermost),
        cmocka_unit_test(exclusions_hold_for_what_names_lead_to),
    };
    return cmocka_run_group_tests(tests, open_arena, close_arena);
}
