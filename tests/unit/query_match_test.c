/* query: what holds of one row whose every value stands here. */
#include "test.h"

#include "query/query.h"

static const int64_t NOW = 1798761600; /* 2027-01-01T00:00:00Z */

struct given {
    enum query_field field;
    const char *text; /* hex with the field SERIAL, SHA256, SPKI; numbers as text */
    bool is_hex;
    int64_t number;
};

#define DIGEST "00c1d2e3f4051627384950616273849506172839405162738495061728394051"

static const struct given row_values[] = {
    {QUERY_ANY,     "www.example.com",                  false, 0                      },
    {QUERY_ANY,     "O=Example, CN=Example Issuing CA", false, 0                      },
    {QUERY_ANY,     "00c1d2e3f405162738495061",         true,  0                      },
    {QUERY_SUBJECT, "CN=www.example.com",               false, 0                      },
    {QUERY_SAN,     "www.example.com",                  false, 0                      },
    {QUERY_SAN,     "*.api.example.com",                false, 0                      },
    {QUERY_ISSUER,  "O=Example, CN=Example Issuing CA", false, 0                      },
    {QUERY_CHAIN,   "CN=Example Root",                  false, 0                      },
    {QUERY_CHAIN,   DIGEST,                             true,  0                      },
    {QUERY_SERIAL,  "003a917c02",                       true,  0                      },
    {QUERY_SHA256,  DIGEST,                             true,  0                      },
    {QUERY_KEY,     "RSA 2048",                         false, 0                      },
    {QUERY_SIG,     "sha256WithRSAEncryption",          false, 0                      },
    {QUERY_VERSION, NULL,                               false, 3                      },
    {QUERY_EXPIRES, NULL,                               false, 1798761600 + 20 * 86400},
    {QUERY_ISSUED,  NULL,                               false, 1798761600 - 70 * 86400},
    {QUERY_SEEN,    NULL,                               false, 1798761600 - 3600      },
    {QUERY_OWNER,   "Team Web",                         false, 0                      },
};

/* Two places: 10.0.0.5:993 by dc1, served; 192.0.2.7:443 by dc2, not. */
static const struct given place_values[2][6] = {
    {{QUERY_HOST, "mail.example.com", false, 0},
     {QUERY_PORT, NULL, false, 993},
     {QUERY_AGENT, "dc1", false, 0},
     {QUERY_TLS, "TLSv1.3", false, 0},
     {QUERY_PROTOCOL, "tls", false, 0},
     {QUERY_IP, "0a000005", true, 0}},
    {{QUERY_HOST, "www.example.com", false, 0},
     {QUERY_PORT, NULL, false, 443},
     {QUERY_AGENT, "dc2", false, 0},
     {QUERY_TLS, "TLSv1.0", false, 0},
     {QUERY_PROTOCOL, "tls", false, 0},
     {QUERY_IP, "c0000207", true, 0}},
};

static size_t unhex(const char *text, uint8_t *out) {
    size_t n = strlen(text) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned v;
        sscanf(text + 2 * i, "%2x", &v);
        out[i] = (uint8_t)v;
    }
    return n;
}

static bool give(const struct given *all, size_t n, enum query_field field, bool is_hex,
                 query_take *take, void *context) {
    for (size_t i = 0; i < n; i++) {
        uint8_t raw[64];
        bool by_hex = field == QUERY_ANY || field == QUERY_CHAIN;
        if (all[i].field != field || (by_hex && all[i].is_hex != is_hex))
            continue;
        struct query_value v = {.number = all[i].number};
        if (all[i].text != NULL)
            v.text =
                all[i].is_hex ? bytes_of(raw, unhex(all[i].text, raw)) : bytes_text(all[i].text);
        if (take(context, &v))
            return true;
    }
    return false;
}

static bool values(const void *context, enum query_field field, bool is_hex, query_take *take,
                   void *take_context) {
    (void)context;
    return give(row_values, COUNT_OF(row_values), field, is_hex, take, take_context);
}

static bool values_of_place(const void *context, enum query_field field, bool is_hex,
                            query_take *take, void *take_context) {
    return give(context, 6, field, is_hex, take, take_context);
}

static bool is(const void *context, enum query_state state, int64_t now_s) {
    (void)context;
    (void)now_s;
    return state == QUERY_CA;
}

static bool is_of_place(const void *context, enum query_state state, int64_t now_s) {
    (void)now_s;
    return state == QUERY_SERVED && context == place_values[0];
}

static bool places(const void *context, bool (*visit)(void *, const struct query_row *),
                   void *visit_context) {
    (void)context;
    for (size_t i = 0; i < 2; i++) {
        struct query_row place = {place_values[i], values_of_place, is_of_place, NULL};
        if (visit(visit_context, &place))
            return true;
    }
    return false;
}

static const struct {
    const char *text;
    bool holds;
} cases[] = {
    {"",                                          true },
    {"example",                                   true },
    {"EXAMPLE",                                   true },
    {"WWW.Example.COM",                           true },
    {"nothing",                                   false},
    {"www issuing",                               true },
    {"www nothing",                               false},
    {"nothing or www",                            true },
    {"not nothing",                               true },
    {"*.example.com",                             true },
    {"*.example.net",                             false},
    {"www*com",                                   true },
    {"c1:d2:E3",                                  true }, /* digits of the fingerprint */
    {"c1d2e4",                                    false},
    {"subject:www",                               true },
    {"subject=www.example.com",                   false},
    {"subject=cn=WWW.example.com",                true },
    {"subject:w*com",                             false}, /* the whole, from CN= */
    {"subject:*w*com",                            true },
    {"san:*.example.com",                         true },
    {"san:\"*.api\"",                             true }, /* a star in the name itself */
    {"san:\"*.www\"",                             false},
    {"san:api.example.com",                       true },
    {"san=api.example.com",                       false},
    {"issuer:\"issuing ca\"",                     true },
    {"issuer:*ca",                                true },
    {"issuer:*a*a*a*a*a*a*",                      false},
    {"chain:root",                                true },
    {"chain:" DIGEST,                             true },
    {"chain:leaf",                                false},
    {"serial:3a917c02",                           true },
    {"serial:003A917C02",                         true },
    {"serial:\"00 3a:91:7c:02\"",                 true },
    {"serial:3a:91:7c:02",                        true },
    {"serial:3a917c0200",                         false},
    {"serial:3a91",                               false},
    {"serial:3a91*",                              true },
    {"serial:*7c02",                              true },
    {"sha256:" DIGEST,                            true },
    {"sha256:00c1:d2*",                           true },
    {"sha256:d2*",                                false},
    {"spki:" DIGEST,                              false},
    {"key:rsa",                                   true },
    {"key:RSA-2048",                              true },
    {"key:ec",                                    false},
    {"key:rsa<2048",                              false},
    {"key:rsa<=2048",                             true },
    {"key:rsa>=2048",                             true },
    {"key:rsa>2048",                              false},
    {"key:ec<256",                                false},
    {"sig:sha256",                                true },
    {"sig:md5",                                   false},
    {"version:3",                                 true },
    {"version<3",                                 false},
    {"expires<30d",                               true },
    {"expires<20d",                               false},
    {"expires<=20d",                              true },
    {"expires>=20d",                              true },
    {"expires>20d",                               false},
    {"expires:2027-01",                           true },
    {"expires=2027-01-21",                        true },
    {"expires:2027-01-20",                        false},
    {"expires<2027-01-21",                        false},
    {"expires<=2027-01-21",                       true },
    {"expires>2027-01-20",                        true },
    {"expires>2027",                              false},
    {"issued<-60d",                               true },
    {"issued<-80d",                               false},
    {"seen>-1d",                                  true },
    {"seen>now",                                  false},
    {"owner:\"team web\"",                        true },
    {"owner:team",                                false},
    {"owner:team*",                               true },
    {"owner:none",                                false},
    {"tag:none",                                  true },
    {"not tag:none",                              false},
    {"tag:\"none\"",                              false},
    {"port:993",                                  true },
    {"port:990-995",                              true },
    {"port>1000",                                 false},
    {"port:993 agent:dc1",                        true },
    {"port:993 agent:dc2",                        false}, /* not at one place */
    {"(port:993) (agent:dc2)",                    false},
    {"port:993 and not agent:dc2",                false},
    {"not agent:dc3",                             true },
    {"not agent:dc2",                             false},
    {"(port:993 or port:443) agent:dc2",          true },
    {"(port:993 agent:dc1) (port:443 agent:dc2)", true },
    {"is:served agent:dc1",                       true },
    {"is:served agent:dc2",                       false},
    {"is:served",                                 true },
    {"is:ca",                                     true },
    {"is:expired",                                false},
    {"ip:10.0.0.5",                               true },
    {"ip:10.0.0.0/8 port:993",                    true },
    {"ip:10.0.0.0/8 port:443",                    false},
    {"ip:192.0.2.1-192.0.2.9",                    true },
    {"ip:10.0.*",                                 true },
    {"ip:2001:db8::/32",                          false},
    {"tls<1.2",                                   true },
    {"tls:1.3",                                   true },
    {"tls:TLSv1.2",                               false},
    {"tls<1.2 agent:dc1",                         false},
    {"host:mail",                                 true },
    {"host=mail",                                 false},
    {"agent:dc*",                                 true },
    {"agent:dc",                                  false},
};

static void holds_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        struct query_row row = {NULL, values, is, places};
        arena_init(&a, 1 << 20);
        if (query_parse(&a, bytes_text(cases[i].text), QUERY_CERTIFICATES, NOW, &q, &e) != ERR_OK)
            fail_msg("%s: column %zu: %s", cases[i].text, e.column, e.text);
        if (query_holds(q, &row) != cases[i].holds)
            fail_msg("%s", cases[i].text);
        arena_clear(&a);
    }
}

static const struct {
    const char *key, *kind;
    bool holds;
} keys[] = {
    {"EC P-256",           "key:ec",         true },
    {"EC P-256",           "key:p256",       true },
    {"EC P-256",           "key:ec-p256",    true },
    {"EC P-256",           "key:ec<=256",    true },
    {"EC P-521",           "key:ec>384",     true },
    {"EC brainpoolP256r1", "key:brainpool*", true },
    {"EC brainpoolP256r1", "key:ec<=256",    true },
    {"EC P-256",           "key:rsa",        false},
    {"RSASSA-PSS 1024",    "key:rsa<2048",   true },
    {"RSASSA-PSS 1024",    "key:rsassa-pss", true },
    {"Ed25519",            "key:ed25519",    true },
    {"ML-DSA-65",          "key:ml-dsa-65",  true },
    {"ML-DSA-65",          "key:ml-dsa*",    true },
    {"1.2.3.4",            "key:1.2.3.4",    true },
    {"1.2.3.4",            "key:1.2.3.4<9",  false}, /* bits that nobody knows */
};

static bool key_value(const void *context, enum query_field field, bool is_hex, query_take *take,
                      void *take_context) {
    struct query_value v = {.text = bytes_text(context)};
    (void)is_hex;
    return field == QUERY_KEY && take(take_context, &v);
}

static void holds_of_keys(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct arena a;
        const struct query *q;
        struct query_error e;
        struct query_row row = {keys[i].key, key_value, is, NULL};
        arena_init(&a, 1 << 20);
        assert_int_equal(query_parse(&a, bytes_text(keys[i].kind), QUERY_CERTIFICATES, NOW, &q, &e),
                         ERR_OK);
        if (query_holds(q, &row) != keys[i].holds)
            fail_msg("%s %s", keys[i].key, keys[i].kind);
        arena_clear(&a);
    }
}

/* The matcher against one that looks everywhere, with letters that repeat. */
static bool slow_holds(const char *pattern, const char *text) {
    if (*pattern == 0)
        return *text == 0;
    if (*pattern == '*')
        return slow_holds(pattern + 1, text) || (*text != 0 && slow_holds(pattern, text + 1));
    return *pattern == *text && slow_holds(pattern + 1, text + 1);
}

static bool san_value(const void *context, enum query_field field, bool is_hex, query_take *take,
                      void *take_context) {
    struct query_value v = {.text = bytes_text(context)};
    (void)is_hex;
    return field == QUERY_SAN && take(take_context, &v);
}

static void wildcards_agree_with_a_slow_matcher(void **state) {
    uint32_t seed = 1;
    (void)state;
    for (int turn = 0; turn < 20000; turn++) {
        char text[12], query[24] = "san:", *pattern = query + 4;
        size_t text_n = (seed >> 8) % 10, pattern_n = 1 + (seed >> 16) % 8;
        for (size_t i = 0; i < text_n; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "aab"[(seed >> 24) % 3];
        }
        text[text_n] = 0;
        for (size_t i = 0; i < pattern_n; i++) {
            seed = seed * 1664525 + 1013904223;
            pattern[i] = "aab*"[(seed >> 24) % 4];
        }
        pattern[pattern_n] = 0;
        seed = seed * 1664525 + 1013904223;
        struct arena a;
        const struct query *q;
        struct query_error e;
        struct query_row row = {text, san_value, is, NULL};
        arena_init(&a, 1 << 16);
        assert_int_equal(query_parse(&a, bytes_text(query), QUERY_CERTIFICATES, NOW, &q, &e),
                         ERR_OK);
        bool expected =
            strchr(pattern, '*') ? slow_holds(pattern, text) : strstr(text, pattern) != NULL;
        if (query_holds(q, &row) != expected)
            fail_msg("%s in \"%s\"", query, text);
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_the_table),
        cmocka_unit_test(holds_of_keys),
        cmocka_unit_test(wildcards_agree_with_a_slow_matcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
