/* model/name: one form for each name; punycode from RFC 3492, 7.1 and Python's codec. */
#include "test.h"

#include "model/name.h"

static const struct {
    const char *text, *canonical; /* NULL: refused */
} names[] = {
    {"mail.example.com",                                         "mail.example.com"      },
    {"MAIL.Example.COM.",                                        "mail.example.com"      },
    {"localhost",                                                "localhost"             },
    {"_acme.example.com",                                        "_acme.example.com"     },
    {"xn--MNCHEN-3ya.example",                                   "xn--mnchen-3ya.example"},
    {"1.example",                                                "1.example"             },
    {"10-0-0-1.example",                                         "10-0-0-1.example"      },
    {"m\xc3\xbcnchen.example",                                   "xn--mnchen-3ya.example"},
    {"M\xc3\x9cNCHEN.example",                                   "xn--mnchen-3ya.example"},
    {"b\xc3\xbc"
     "cher.example.",                                       "xn--bcher-kva.example" },
    {"stra\xc3\x9f"
     "e.example",                                           "xn--strae-oqa.example" },
    {"\xd0\x9f\xd0\xa0\xd0\x98\xd0\x9c\xd0\x95\xd0\xa0.example", "xn--e1afmkfd.example"  },
    {"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.example",             "xn--wgv71a119e.example"},
    {"\xed\x95\x9c\xea\xb5\xad.example",                         "xn--3e0b707e.example"  },
    {"",                                                         NULL                    },
    {".",                                                        NULL                    },
    {"a..b",                                                     NULL                    },
    {".a",                                                       NULL                    },
    {"a..",                                                      NULL                    },
    {"-a.example",                                               NULL                    },
    {"a-.example",                                               NULL                    },
    {"a b",                                                      NULL                    },
    {"a/b",                                                      NULL                    },
    {"a:1",                                                      NULL                    },
    {"*.example.com",                                            NULL                    },
    {"198.51.100",                                               NULL                    },
    {"300.1.1.1",                                                NULL                    },
    {"99999999999999999999999999",                               NULL                    },
    {"mu\xcc\x88nchen.example",                                  NULL                    }, /* decomposed */
    {"\xef\xbc\xa1.example",                                     NULL                    }, /* full-width A */
    {"a\xe3\x80\x82"
     "example",                                             NULL                    }, /* ideographic full stop */
    {"\xd7\xa9\xd7\x9c.example",                                 NULL                    }, /* right to left */
    {"a\xe2\x80\x8b"
     "b.example",                                           NULL                    }, /* zero width */
    {"m\xfcnchen.example",                                       NULL                    }, /* Latin-1, not UTF-8 */
    {"ab--\xc3\xbc.example",                                     NULL                    },
};

static void gives_names_one_form(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct fault f;
        struct buf out;
        buf_init(&out, 2000);
        buf_text(&out, "kept");
        enum err e = model_name_read(bytes_text(names[i].text), &out, &f);
        if ((e == ERR_OK) != (names[i].canonical != NULL))
            print_error("%s\n", names[i].text);
        assert_int_equal(e, names[i].canonical != NULL ? ERR_OK : ERR_USAGE);
        struct bytes form = bytes_part(buf_bytes(&out), 4, out.n);
        assert_text(form, names[i].canonical != NULL ? names[i].canonical : "");
        if (e == ERR_OK)
            assert_true(model_name_is_canonical(form));
        else
            assert_true(f.detail[0] != '\0');
        buf_clear(&out);
    }
}

static void holds_the_limits_of_length(void **state) {
    (void)state;
    char label[80], name[300] = "";
    struct buf out;
    buf_init(&out, 2000);
    memset(label, 'a', sizeof label);
    assert_int_equal(model_name_read(bytes_of(label, 63), &out, NULL), ERR_OK);
    assert_int_equal(model_name_read(bytes_of(label, 64), &out, NULL), ERR_USAGE);
    memset(name, 'a', sizeof name);
    for (size_t i = 1; i < sizeof name; i += 2)
        name[i] = '.';
    buf_reset(&out);
    assert_int_equal(model_name_read(bytes_of(name, 253), &out, NULL), ERR_OK);
    assert_int_equal(model_name_read(bytes_of(name, 255), &out, NULL), ERR_USAGE);
    buf_clear(&out);
}

static void only_the_one_form_is_canonical(void **state) {
    (void)state;
    static const char *const others[] = {"",        "A.example", "a.example.", "m\xc3\xbc.example",
                                         "1.2.3.4", "a b",       ".",          "a.."};
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(model_name_is_canonical(bytes_text(others[i])));
    assert_true(model_name_is_canonical(bytes_text("a.example")));
}

/* RFC 3492, 7.1: (B) Chinese, (F) Hindi is unreadable to terminals, (I) Russian, (R) mixed. */
static void encodes_the_samples_of_the_rfc(void **state) {
    (void)state;
    static const struct {
        const char *text, *punycode;
    } samples[] = {
        {"\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88\xe4\xb8\x8d\xe8\xaf\xb4\xe4"
         "\xb8\xad\xe6\x96\x87",      "ihqwcrb4cv8a8dqg056pqjye"        },
        {"\xd0\xbf\xd0\xbe\xd1\x87\xd0\xb5\xd0\xbc\xd1\x83\xd0\xb6\xd0\xb5\xd0\xbe\xd0\xbd\xd0\xb8"
         "\xd0\xbd\xd0\xb5"
         "\xd0\xb3\xd0\xbe\xd0\xb2\xd0\xbe\xd1\x80\xd1\x8f\xd1\x82\xd0\xbf\xd0\xbe\xd1\x80\xd1\x83"
         "\xd1\x81\xd1\x81"
         "\xd0\xba\xd0\xb8",          "b1abfaaepdrnnbgefbadotcwatmq2g4l"},
        {"Maji\xe3\x81\xa7Koi\xe3\x81\x99\xe3\x82\x8b"
         "5\xe7\xa7\x92\xe5\x89\x8d", "MajiKoi5-783gue6qz075azm5e"      },
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct buf out;
        buf_init(&out, 100);
        assert_true(punycode_encode(bytes_text(samples[i].text), &out));
        assert_text(buf_bytes(&out), samples[i].punycode);
        buf_clear(&out);
    }
    struct buf out;
    buf_init(&out, 100);
    assert_false(punycode_encode(bytes_text(""), &out));
    assert_false(punycode_encode(bytes_text("\xff"), &out));
    buf_clear(&out);
}

static void knows_localhost(void **state) {
    (void)state;
    assert_true(model_name_is_loopback(bytes_text("localhost")));
    assert_true(model_name_is_loopback(bytes_text("a.localhost")));
    assert_true(model_name_is_loopback(bytes_text("ip6-localhost")));
    assert_false(model_name_is_loopback(bytes_text("notlocalhost")));
    assert_false(model_name_is_loopback(bytes_text("localhost.example.com")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_names_one_form),
        cmocka_unit_test(holds_the_limits_of_length),
        cmocka_unit_test(only_the_one_form_is_canonical),
        cmocka_unit_test(encodes_the_samples_of_the_rfc),
        cmocka_unit_test(knows_localhost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
