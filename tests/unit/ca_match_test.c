/* ca_match: requests against profiles; every difference is told, with its rule. */
#include "ca/ca.h"
#include "crypto/crypto.h"
#include "tests/unit/data.h"

enum { ARENA_MAX = 1 << 22, LIST_MAX = 8 };

static struct env env;
static struct arena arena;
static struct signing_key *ec, *rsa;

static int setup(void **state) {
    (void)state;
    struct fault f;
    env = env_system(NULL);
    arena_init(&arena, ARENA_MAX);
    return signing_key_make(&env, KEY_EC_P256, 0, &ec, &f) == ERR_OK &&
                   signing_key_make(&env, KEY_RSA, 2048, &rsa, &f) == ERR_OK
               ? 0
               : -1;
}

static int teardown(void **state) {
    (void)state;
    signing_key_close(ec);
    signing_key_close(rsa);
    arena_clear(&arena);
    return 0;
}

static const struct ca_profile *profile(const char *text) {
    struct ca_profiles all;
    struct fault f;
    if (ca_profiles_read(&arena, bytes_text(text), "profiles", &all, &f) != ERR_OK)
        fail_msg("%s", f.detail);
    return &all.items[0];
}

/* "refused dns: ..." lines. */
static const char *text_of(const struct ca_verdict *v) {
    struct buf out;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < v->n; i++)
        buf_printf(&out, "%s %s: %s\n", ca_effect_name(v->items[i].effect), v->items[i].rule,
                   v->items[i].text);
    const char *copy = arena_cstr(&arena, buf_bytes(&out));
    buf_clear(&out);
    return copy;
}

static struct ca_verdict match(struct bytes der, const struct ca_profile *p) {
    struct x509_request *r = arena_alloc(&arena, sizeof *r);
    struct ca_verdict v;
    struct fault f = {0};
    if (x509_request_read(&arena, der, r, &f) != ERR_OK)
        fail_msg("%s: %s", f.what, f.detail);
    assert_int_equal(ca_match(&arena, r, p, &v, &f), ERR_OK);
    return v;
}

/* What a row of a table asks for; texts, comma separated. */
struct wish {
    const char *cn, *organization, *dns, *ip, *email;
    bool is_rsa;
    unsigned key_usage;
    enum oid usage;
};

static struct x509_names list(const char *text, bool addresses) {
    struct bytes *items = arena_array(&arena, LIST_MAX, sizeof *items);
    struct x509_names out = {items, 0};
    struct cur c = cur_open(bytes_text(text == NULL ? "" : text));
    while (c.rest.n > 0) {
        struct bytes word = cur_until(&c, ',');
        struct ip ip;
        if (addresses && ip_read(word, &ip))
            word = arena_copy(&arena, bytes_of(ip.bytes, ip.size));
        items[out.n++] = word;
    }
    return out;
}

static struct bytes request(const struct wish *w) {
    struct x509_attribute attributes[2];
    size_t n = 0;
    struct buf subject, der;
    struct fault f;
    buf_init(&subject, 4096);
    buf_init(&der, 1 << 16);
    if (w->organization != NULL)
        attributes[n++] = (struct x509_attribute){OID_ORGANIZATION, w->organization};
    if (w->cn != NULL)
        attributes[n++] = (struct x509_attribute){OID_COMMON_NAME, w->cn};
    x509_name_write(&subject, attributes, n);
    struct x509_template t = {
        .subject = buf_bytes(&subject),
        .key_usage = w->key_usage,
        .extended_key_usage = &w->usage,
        .extended_key_usage_n = w->usage != OID_OTHER,
        .dns = list(w->dns, false),
        .ip = list(w->ip, true),
        .email = list(w->email, false),
    };
    assert_int_equal(x509_request_write(&env, &t, w->is_rsa ? rsa : ec, &der, &f), ERR_OK);
    struct bytes copy = arena_copy(&arena, buf_bytes(&der));
    buf_clear(&subject);
    buf_clear(&der);
    return copy;
}

#define LAB                                                                                        \
    "[lab]\ndns = www.example.com, *.dc1.example.com, .lab.example.com\nip = 10.0.0.0/8, "         \
    "2001:db8::/32\n"
#define ANY "[any]\ndns = any\nip = any\n"
#define NOT_THERE " is not among the names of the profile\n"

/* Tables of tables: clang-format 14 crashes on them. */
/* clang-format off */

static void names_are_compared_exactly(void **state) {
    (void)state;
    static const struct {
        const char *profile;
        struct wish wish;
        const char *differences;
    } rows[] = {
        {LAB, {.dns = "www.example.com"}, ""},
        {LAB, {.dns = "WWW.Example.COM"}, ""},
        {LAB, {.dns = "a.dc1.example.com,a.lab.example.com,a.b.c.lab.example.com"}, ""},
        {LAB, {.dns = "example.com"}, "refused dns: example.com" NOT_THERE},
        {LAB, {.dns = "a.www.example.com"}, "refused dns: a.www.example.com" NOT_THERE},
        {LAB, {.dns = "awww.example.com"}, "refused dns: awww.example.com" NOT_THERE},
        {LAB,
         {.dns = "www.example.com.evil.test"},
         "refused dns: www.example.com.evil.test" NOT_THERE},
        {LAB, {.dns = "dc1.example.com"}, "refused dns: dc1.example.com" NOT_THERE},
        {LAB, {.dns = "a.b.dc1.example.com"}, "refused dns: a.b.dc1.example.com" NOT_THERE},
        {LAB, {.dns = "adc1.example.com"}, "refused dns: adc1.example.com" NOT_THERE},
        {LAB, {.dns = "lab.example.com"}, "refused dns: lab.example.com" NOT_THERE},
        {LAB, {.dns = "evillab.example.com"}, "refused dns: evillab.example.com" NOT_THERE},
        {LAB,
         {.dns = "www.example.com,evil.test,bad.test"},
         "refused dns: evil.test" NOT_THERE "refused dns: bad.test" NOT_THERE},
        {LAB,
         {.dns = "*.dc1.example.com"},
         "refused wildcards: *.dc1.example.com is a wildcard, and the profile has none\n"},
        {LAB "wildcards = yes",
         {.dns = "*.dc1.example.com,*.lab.example.com,*.a.lab.example.com"},
         ""},
        {LAB "wildcards = yes", {.dns = "*.example.com"}, "refused dns: *.example.com" NOT_THERE},
        {LAB "wildcards = yes",
         {.dns = "*.a.dc1.example.com"},
         "refused dns: *.a.dc1.example.com" NOT_THERE},
        {LAB "wildcards = yes",
         {.dns = "*.www.example.com"},
         "refused dns: *.www.example.com" NOT_THERE},
        {ANY "wildcards = yes", {.dns = "*.a.test"}, ""},
        {ANY "wildcards = yes",
         {.dns = "*.test"},
         "refused dns: *.test is no DNS name: it is a wildcard for all of a top-level domain\n"},
        {ANY "wildcards = yes",
         {.dns = "*"},
         "refused dns: * is no DNS name: it has a star that is not its whole first label\n"},
        {ANY "wildcards = yes",
         {.dns = "a*.a.test"},
         "refused dns: a*.a.test is no DNS name: it has a star that is not its whole first "
         "label\n"},
        {ANY "wildcards = yes",
         {.dns = "*.*.a.test"},
         "refused dns: *.*.a.test is no DNS name: it has a star that is not its whole first "
         "label\n"},
        {ANY,
         {.dns = "a.test."},
         "refused dns: a.test. is no DNS name: it has an empty label, or a dot at its end\n"},
        {ANY,
         {.dns = "a b.test"},
         "refused dns: a b.test is no DNS name: it has a character that is no letter, digit, "
         "hyphen or dot\n"},
        {ANY,
         {.dns = "m\xc3\xbcnchen.test"},
         "refused dns: m\xc3\xbcnchen.test is no DNS name: it has other letters than ASCII: "
         "A-labels (xn--...) are wanted\n"},
        {ANY,
         {.dns = "\x1b[31m\xe2\x80\xae.test"},
         "refused dns: \\x1b[31m\\u{202e}.test is no DNS name: it has a character that is no "
         "letter, digit, hyphen or dot\n"},
        {ANY,
         {.dns = "192.0.2.1"},
         "refused dns: 192.0.2.1 is no DNS name: it ends with a label of digits: an address "
         "belongs among the addresses\n"},
        {ANY, {.dns = "_x.a-b.xn--mnchen-3ya.test,localhost"}, ""},
        {LAB, {.ip = "10.1.2.3,2001:db8::5"}, ""},
        {LAB,
         {.ip = "11.1.2.3"},
         "refused ip: 11.1.2.3 is not among the addresses of the profile\n"},
        {LAB,
         {.ip = "2001:db9::"},
         "refused ip: 2001:db9:: is not among the addresses of the profile\n"},
        {LAB, {.ip = "abc"}, "refused ip: an address with neither 4 nor 16 octets\n"},
        {"[n]\ndns = any",
         {.ip = "10.0.0.1"},
         "refused ip: 10.0.0.1 is not among the addresses of the profile\n"},
        {LAB,
         {.dns = "www.example.com", .email = "a@example.com"},
         "refused names: a@example.com is an e-mail address, which no profile has\n"},
        {LAB, {.dns = NULL}, "refused names: no DNS name and no address is asked for\n"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ca_verdict v = match(request(&rows[i].wish), profile(rows[i].profile));
        assert_string_equal(text_of(&v), rows[i].differences);
        assert_int_equal(v.refused, v.n);
        assert_int_equal(v.grant.lifetime_s > 0, v.refused == 0);
    }
}

static const char long_name[] =
    "a-name-that-is-longer-than-the-sixty-four.characters-which-are-allowed.example.com";

static void subjects_hold_what_is_asked_for_as_name(void **state) {
    (void)state;
    static const struct {
        const char *profile;
        struct wish wish;
        const char *differences, *subject; /* subject: NULL where refused */
    } rows[] = {
        {LAB,
         {.cn = "www.example.com", .dns = "a.lab.example.com,www.example.com"},
         "", "CN=www.example.com"},
        {LAB, {.dns = "www.example.com"}, "", ""},
        {LAB, {.cn = "10.0.0.1", .ip = "10.0.0.1"}, "", "CN=10.0.0.1"},
        {LAB,
         {.cn = "boss", .dns = "www.example.com"},
         "refused subject: boss is the common name, and none of the names asked for\n", NULL},
        {LAB,
         {.cn = "www.example.com", .organization = "Bank", .dns = "www.example.com"},
         "left_out subject: CN=www.example.com,O=Bank is the subject, of which only the common "
         "name is given\n", "CN=www.example.com"},
        {LAB "subject = any",
         {.cn = "boss", .organization = "Bank", .dns = "www.example.com"},
         "", "CN=boss,O=Bank"},
        {LAB,
         {.cn = "www.example.com"},
         "added names: www.example.com is the common name, taken for the alternative name asked "
         "for\n", "CN=www.example.com"},
        {LAB,
         {.cn = "10.9.9.9"},
         "added names: 10.9.9.9 is the common name, taken for the alternative name asked for\n", "CN=10.9.9.9"},
        {LAB,
         {.cn = "evil.test"},
         "refused dns: evil.test" NOT_THERE
         "added names: evil.test is the common name, taken for the alternative name asked for\n", NULL},
        {LAB,
         {.cn = "John Doe"},
         "refused dns: John Doe is no DNS name: it has a character that is no letter, digit, "
         "hyphen or dot\n"
         "added names: John Doe is the common name, taken for the alternative name asked for\n", NULL},
        {ANY,
         {.cn = long_name, .dns = long_name},
         "left_out subject: "
         "a-name-that-is-longer-than-the-sixty-four.characters-which-are-allowed.example.com is "
         "longer than a common name may be\n", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ca_verdict v = match(request(&rows[i].wish), profile(rows[i].profile));
        assert_string_equal(text_of(&v), rows[i].differences);
        assert_int_equal(v.refused == 0, rows[i].subject != NULL);
        if (rows[i].subject == NULL)
            continue;
        struct buf subject;
        buf_init(&subject, 4096);
        x509_name_text(v.grant.subject, &subject);
        assert_text(buf_bytes(&subject), rows[i].subject);
        buf_clear(&subject);
        assert_int_equal(v.grant.dns.n + v.grant.ip.n > 0, true);
    }
}

static void keys_and_usages_follow_the_profile(void **state) {
    (void)state;
    enum { SIGN = X509_KU_DIGITAL_SIGNATURE, ENCIPHER = X509_KU_KEY_ENCIPHERMENT };
    static const struct {
        const char *more; /* lines of the profile */
        struct wish wish;
        const char *differences;
        unsigned key_usage;
        size_t usage_n;
    } rows[] = {
        {"", {.dns = "a.test"}, "", SIGN, 1},
        {"key = rsa-2048", {.dns = "a.test", .is_rsa = true}, "", SIGN | ENCIPHER, 1},
        {"key = rsa-2048\nusage = clientAuth", {.dns = "a.test", .is_rsa = true}, "", SIGN, 1},
        {"usage = clientAuth, serverAuth", {.dns = "a.test"}, "", SIGN, 2},
        {"usage = clientAuth, serverAuth",
         {.dns = "a.test", .usage = OID_CLIENT_AUTH},
         "", SIGN,
         1},
        {"",
         {.dns = "a.test", .usage = OID_CLIENT_AUTH},
         "refused usage: clientAuth is not among the usages of the profile\n", 0,
         0},
        {"",
         {.dns = "a.test", .usage = OID_ANY_USAGE},
         "refused usage: anyExtendedKeyUsage is not among the usages of the profile\n", 0,
         0},
        {"",
         {.dns = "a.test", .is_rsa = true},
         "refused key: rsa-2048 is not among the keys of the profile\n", 0,
         0},
        {"key = rsa-4096",
         {.dns = "a.test"},
         "refused key: ec-p256 is not among the keys of the profile\n", 0,
         0},
        {"key = rsa-2048", {.dns = "a.test", .is_rsa = true, .key_usage = SIGN}, "", SIGN, 1},
        {"",
         {.dns = "a.test", .key_usage = SIGN | X509_KU_NON_REPUDIATION | ENCIPHER},
         "left_out key usage: nonRepudiation is not given to such a key\n"
         "left_out key usage: keyEncipherment is not given to such a key\n", SIGN,
         1},
        {"",
         {.dns = "a.test", .key_usage = X509_KU_KEY_AGREEMENT},
         "refused key usage: nothing is asked for that such a key is given\n"
         "left_out key usage: keyAgreement is not given to such a key\n", 0,
         0},
        {"",
         {.dns = "a.test", .key_usage = SIGN | X509_KU_KEY_CERT_SIGN},
         "refused ca: the key usage of an authority (keyCertSign, cRLSign)\n"
         "left_out key usage: keyCertSign is not given to such a key\n", 0,
         0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s\n", ANY, rows[i].more);
        struct ca_verdict v = match(request(&rows[i].wish), profile(text));
        assert_string_equal(text_of(&v), rows[i].differences);
        assert_int_equal(v.grant.key_usage, rows[i].key_usage);
        assert_int_equal(v.grant.usage_n, rows[i].usage_n);
    }
}

static void foreign_requests_are_told_in_full(void **state) {
    (void)state;
    static const struct {
        const char *file, *differences;
    } rows[] = {
        {"everything",
         "refused wildcards: *.example.test is a wildcard, and the profile has none\n"
         "refused names: a@example.test is an e-mail address, which no profile has\n"
         "refused names: https://example.test/ is a URI, which no profile has\n"
         "refused names: a directory name or a kind of its own, which no profile has\n"
         "refused usage: clientAuth is not among the usages of the profile\n"
         "refused usage: 1.3.6.1.4.1.99999.2 is not among the usages of the profile\n"
         "refused extension: 1.3.6.1.4.1.99999.4 is asked for as critical, and not given\n"
         "left_out subject: CN=www.example.test,OU=\\#first,O=Gr\xc3\xb6\xc3\x9f"
         "e\\, Inc.,C=DE is the subject, of which only the common name is given\n"
         "left_out key usage: nonRepudiation is not given to such a key\n"
         "left_out key usage: keyEncipherment is not given to such a key\n"
         "left_out extension: tlsFeature is not given\n"
         "left_out extension: 1.3.6.1.4.1.99999.3 is not given\n"},
        {"ec-secp256k1",
         "refused signature: ecdsa-with-SHA256 with this key cannot be checked here\n"
         "refused key: EC secp256k1 is not among the keys of the profile\n"            },
        {"ec-p384",      ""                                                            },
        {"ec-p521",      "refused key: ec-p521 is not among the keys of the profile\n" },
        {"ed25519",      ""                                                            },
        {"rsa-2048",     "refused key: rsa-2048 is not among the keys of the profile\n"},
        {"rsa-3072",     ""                                                            },
        {"pss",          "refused key: rsa-2048 is not among the keys of the profile\n"
                "added names: pss.example.test is the common name, taken for the alternative name "
                "asked for\n"                                           },
    };
    const struct ca_profile *p = profile(ANY "key = ec-p256, ec-p384, ed25519, rsa-3072\n");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char path[64];
        snprintf(path, sizeof path, "requests/%s.der", rows[i].file);
        struct buf file = data_file(path);
        struct ca_verdict v = match(buf_bytes(&file), p);
        assert_string_equal(text_of(&v), rows[i].differences);
        buf_clear(&file);
    }
}

/* clang-format on */

static void a_stolen_key_is_no_proof(void **state) {
    (void)state;
    struct wish w = {.dns = "a.test"};
    struct bytes der = request(&w);
    uint8_t *changed = arena_alloc(&arena, der.n);
    memcpy(changed, der.p, der.n);
    changed[bytes_find(der, bytes_text("a.test"))] = 'b';
    struct ca_verdict v = match(bytes_of(changed, der.n), profile(ANY));
    assert_string_equal(text_of(&v),
                        "refused signature: the request is not signed by the key that it names\n");
}

static void many_differences_are_counted(void **state) {
    (void)state;
    struct bytes names[X509_REQUEST_NAMES_MAX];
    struct buf der;
    struct fault f;
    struct x509_template t = {
        .dns = {names, COUNT_OF(names)},
        .key_usage = X509_KU_DIGITAL_SIGNATURE | X509_KU_NON_REPUDIATION
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = bytes_text("evil.test");
    buf_init(&der, 1 << 20);
    assert_int_equal(x509_request_write(&env, &t, ec, &der, &f), ERR_OK);
    struct ca_verdict v = match(buf_bytes(&der), profile(LAB));
    assert_int_equal(v.n, CA_DIFFERENCES_MAX);
    assert_int_equal(v.refused, COUNT_OF(names));
    assert_int_equal(v.untold, COUNT_OF(names) + 1 - CA_DIFFERENCES_MAX);
    buf_clear(&der);
}

static void a_small_arena_is_an_error(void **state) {
    (void)state;
    struct wish w = {.cn = "a.test", .dns = "a.test,b.test"};
    struct bytes der = request(&w);
    const struct ca_profile *p = profile(LAB);
    size_t failed = 0;
    for (size_t max = 0; max < 8192; max += 16) {
        struct arena a;
        struct x509_request r;
        struct ca_verdict v;
        struct fault f = {0};
        assert_int_equal(x509_request_read(&arena, der, &r, &f), ERR_OK);
        arena_init(&a, max);
        enum err e = ca_match(&a, &r, p, &v, &f);
        assert_true(e == ERR_OK || e == ERR_LIMIT);
        assert_true(e != ERR_OK || v.refused == 2);
        failed += e != ERR_OK;
        arena_clear(&a);
    }
    assert_true(failed > 10 && failed < 512);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_compared_exactly),
        cmocka_unit_test(subjects_hold_what_is_asked_for_as_name),
        cmocka_unit_test(keys_and_usages_follow_the_profile),
        cmocka_unit_test(foreign_requests_are_told_in_full),
        cmocka_unit_test(a_stolen_key_is_no_proof),
        cmocka_unit_test(many_differences_are_counted),
        cmocka_unit_test(a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
