/* ca/profile: the file that people write, what is wrong in it, limits. */
#include "ca/ca.h"
#include "tests/unit/test.h"

enum { ARENA_MAX = 1 << 22 };

static struct arena arena;

static int setup(void **state) {
    (void)state;
    arena_init(&arena, ARENA_MAX);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_clear(&arena);
    return 0;
}

static enum err parse(const char *text, struct ca_profiles *out, struct fault *f) {
    *f = (struct fault){0};
    return ca_profiles_read(&arena, bytes_text(text), "profiles", out, f);
}

static struct ca_profiles parse_good(const char *text) {
    struct ca_profiles out;
    struct fault f;
    if (parse(text, &out, &f) != ERR_OK)
        fail_msg("%s: %s", f.what, f.detail);
    return out;
}

static void reads_every_key(void **state) {
    (void)state;
    struct ca_profiles all =
        parse_good("\xef\xbb\xbf# a comment\r\n"
                   "\r\n"
                   "[server]   # of the lab\r\n"
                   "dns = www.Example.com , *.dc1.example.com,.lab.example.com\r\n"
                   "ip = 10.0.0.0/8, 192.0.2.1-192.0.2.9,2001:db8::1\r\n"
                   "  wildcards=yes\r\n"
                   "key = rsa-2048, ed25519\r\n"
                   "lifetime = 12h\r\n"
                   "usage = clientAuth, serverAuth\r\n"
                   "subject = any\r\n"
                   "approval = none");
    assert_int_equal(all.n, 1);
    const struct ca_profile *p = ca_profile_find(&all, bytes_text("server"));
    assert_ptr_equal(p, &all.items[0]);
    assert_string_equal(p->name, "server");
    assert_int_equal(p->line, 3);
    assert_false(p->any_dns);
    assert_int_equal(p->dns.n, 3);
    assert_text(p->dns.items[0], "www.example.com");
    assert_text(p->dns.items[1], "*.dc1.example.com");
    assert_text(p->dns.items[2], ".lab.example.com");
    assert_int_equal(p->ip_n, 3);
    assert_true(p->wildcards);
    assert_int_equal(p->keys, 1u << 3 | 1u << 6);
    assert_int_equal(p->lifetime_s, 12 * 3600);
    assert_int_equal(p->usage_n, 2);
    assert_int_equal(p->usage[0], OID_SERVER_AUTH);
    assert_true(p->any_subject);
    assert_int_equal(p->approval, CA_APPROVAL_NONE);
    assert_null(ca_profile_find(&all, bytes_text("Server")));
}

static void what_is_left_out_is_strict(void **state) {
    (void)state;
    struct ca_profiles all = parse_good("[a]\ndns = any\n[b-2]\nip = any\n");
    assert_int_equal(all.n, 2);
    const struct ca_profile *a = &all.items[0], *b = &all.items[1];
    assert_true(a->any_dns);
    assert_int_equal(a->ip_n, 0);
    assert_false(a->wildcards);
    assert_int_equal(a->lifetime_s, 90 * 86400);
    assert_int_equal(a->usage_n, 1);
    assert_int_equal(a->usage[0], OID_SERVER_AUTH);
    assert_false(a->any_subject);
    assert_int_equal(a->approval, CA_APPROVAL_ONE);
    for (size_t row = 0; ca_key_name(row) != NULL; row++) {
        bool given = strcmp(ca_key_name(row), "ec-p256") == 0 ||
                     strcmp(ca_key_name(row), "rsa-3072") == 0 ||
                     strcmp(ca_key_name(row), "rsa-4096") == 0;
        assert_int_equal((a->keys & 1u << row) != 0, given);
    }
    assert_false(b->any_dns);
    assert_int_equal(b->dns.n, 0);
    assert_int_equal(b->ip_n, 2);
    assert_int_equal(parse_good("").n, 0);
}

static void the_default_asks_a_person(void **state) {
    (void)state;
    struct ca_profiles all = parse_good(ca_profiles_default());
    assert_int_equal(all.n, 2);
    for (size_t i = 0; i < all.n; i++) {
        assert_int_equal(all.items[i].approval, CA_APPROVAL_ONE);
        assert_false(all.items[i].any_subject);
        assert_false(all.items[i].wildcards);
    }
    assert_int_equal(ca_profile_find(&all, bytes_text("client"))->usage[0], OID_CLIENT_AUTH);
}

/* clang-format off */
static void errors_name_line_and_key(void **state) {
    (void)state;
    static const struct {
        const char *text, *detail;
    } rows[] = {
        {"dns = any\n", "line 1: 'dns' stands before the first [name]"},
        {"[a]\ndns = any\nwild = yes\n", "line 3: 'wild' is no key of a profile"},
        {"[a]\ndns any\n", "line 2: 'dns any' is neither [name] nor key = value"},
        {"[a]\ndns =\n", "line 2: dns: has no value"},
        {"[a]\ndns = any\ndns = any\n", "line 3: dns: is there twice"},
        {"[a]\ndns = any\n\n[a]\n", "line 4: '[a]' is there twice"},
        {"[A]\n", "line 1: '[A]' is no [name] of small letters, digits and hyphens, at most 32" },
        {"[]\n", "line 1: '[]' is no [name] of small letters, digits and hyphens, at most 32"},
        {"[\n", "line 1: '[' is no [name] of small letters, digits and hyphens, at most 32"},
        {"[-a]\n", "line 1: '[-a]' is no [name] of small letters, digits and hyphens, at most 32"},
        {"[a\n", "line 1: '[a' is no [name] of small letters, digits and hyphens, at most 32"},
        {"[a]\nlifetime = 1d\n[b]\n", "line 1: a: neither dns nor ip: nothing could be asked for"},
        {"#\n[a]\n", "line 2: a: neither dns nor ip: nothing could be asked for"},
        {"[a]\nip = 10.0.0.0/33\n", "line 2: ip: '10.0.0.0/33' is no address, CIDR or range"},
        {"[a]\nip = 10.0.0.1, any\n", "line 2: ip: 'any' is no address, CIDR or range"},
        {"[a]\ndns = a..b\n", "line 2: dns: 'a..b' has an empty label, or a dot at its end"},
        {"[a]\ndns = a.,b\n", "line 2: dns: 'a.' has an empty label, or a dot at its end"},
        {"[a]\ndns = a,\n", "line 2: dns: has an empty label, or a dot at its end"},
        {"[a]\ndns = *\n", "line 2: dns: '*' has a star that is not its whole first label"},
        {"[a]\ndns = a.*.b\n", "line 2: dns: 'a.*.b' has a star that is not its whole first label"},
        {"[a]\ndns = .*.b\n", "line 2: dns: '.*.b' begins with a dot and a star"},
        {"[a]\ndns = m\xc3\xbcnchen.test\n", "line 2: dns: 'm\xc3\xbcnchen.test' has other letters than ASCII: A-labels (xn--...) are wanted"},
        {"[a]\ndns = a_-.b\n", "line 2: dns: 'a_-.b' has a label that begins or ends with a hyphen"},
        {"[a]\ndns = 192.0.2.1\n",
         "line 2: dns: '192.0.2.1' ends with a label of digits: an address belongs among the addresses"},
        {"[a]\nwildcards = maybe\n", "line 2: wildcards: 'maybe' is none of the words for it"},
        {"[a]\nkey = rsa-1024\n", "line 2: key: 'rsa-1024' is no kind of key that is known here"},
        {"[a]\nlifetime = 2 years\n",
         "line 2: lifetime: '2 years' is no duration such as 90d or 12h"},
        {"[a]\nlifetime = 59m\n", "line 2: lifetime: '59m' is not within 1h to 3653d"},
        {"[a]\nlifetime = 3654d\n", "line 2: lifetime: '3654d' is not within 1h to 3653d"},
        {"[a]\nlifetime = 1000000000d\n",
         "line 2: lifetime: '1000000000d' is not within 1h to 3653d"},
        {"[a]\nusage = codeSigning\n",
         "line 2: usage: 'codeSigning' is neither serverAuth nor clientAuth"},
        {"[a]\nsubject = all\n", "line 2: subject: 'all' is none of the words for it"},
        {"[a]\napproval = two\n", "line 2: approval: 'two' is none of the words for it"},
        {"[a]\n\x1b[31m = 1\n", "line 2: '\\x1b[31m' is no key of a profile"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ca_profiles out;
        struct fault f;
        char wanted[256];
        assert_int_equal(parse(rows[i].text, &out, &f), ERR_FORMAT);
        snprintf(wanted, sizeof wanted, "profiles %s", rows[i].detail);
        assert_string_equal(f.what, "profile");
        assert_string_equal(f.detail, wanted);
    }
}
/* clang-format on */

static void limits_are_named(void **state) {
    (void)state;
    struct buf text;
    struct ca_profiles out;
    struct fault f;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < CA_PROFILES_MAX; i++)
        buf_printf(&text, "[p%d]\ndns = any\n", i);
    assert_int_equal(parse(buf_cstr(&text), &out, &f), ERR_OK);
    assert_int_equal(out.n, CA_PROFILES_MAX);
    buf_text(&text, "[more]\ndns = any\n");
    assert_int_equal(parse(buf_cstr(&text), &out, &f), ERR_LIMIT);
    assert_string_equal(f.detail, "profiles: more than 100");
    buf_reset(&text);
    buf_text(&text, "[a]\ndns = a");
    for (int i = 1; i < CA_PATTERNS_MAX; i++)
        buf_text(&text, ",a");
    assert_int_equal(parse(buf_cstr(&text), &out, &f), ERR_OK);
    assert_int_equal(out.items[0].dns.n, CA_PATTERNS_MAX);
    buf_text(&text, ",a");
    assert_int_equal(parse(buf_cstr(&text), &out, &f), ERR_LIMIT);
    assert_string_equal(f.detail, "profiles line 2: dns: more than 1000 words");
    buf_reset(&text);
    buf_fill(&text, '#', CA_PROFILE_TEXT_MAX + 1);
    assert_int_equal(parse(buf_cstr(&text), &out, &f), ERR_LIMIT);
    buf_clear(&text);
}

/* Cut anywhere, a good file is a good shorter one or an error with a line. */
static void every_prefix_ends(void **state) {
    (void)state;
    struct bytes text = bytes_text(ca_profiles_default());
    for (size_t n = 0; n <= text.n; n++) {
        struct ca_profiles out;
        struct fault f = {0};
        struct arena a;
        arena_init(&a, 1 << 20);
        enum err e = ca_profiles_read(&a, bytes_part(text, 0, n), "profiles", &out, &f);
        assert_true(e == ERR_OK || (e == ERR_FORMAT && strstr(f.detail, "profiles line ") != NULL));
        arena_clear(&a);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_key),           cmocka_unit_test(what_is_left_out_is_strict),
        cmocka_unit_test(the_default_asks_a_person), cmocka_unit_test(errors_name_line_and_key),
        cmocka_unit_test(limits_are_named),          cmocka_unit_test(every_prefix_ends),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
