/* The built-in authority: made once, below the root; issues what fits, for as long as
 * it lives itself; its lists; what is damaged or does not belong together. */
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "ca/ca.h"
#include "crypto/crypto.h"
#include "test_dir.h"

#include <stdlib.h>

enum { ARENA_MAX = 1 << 22, NOW = 1790000000, DAY = 86400 };

static int64_t fixed_now_ms(void *context) {
    return *(const int64_t *)context * 1000;
}

struct house {
    int64_t now_s;
    struct env env;
    struct arena arena;
    struct signing_key *root_key, *key;
    struct buf root_der;
    struct x509_cert root;
    char *folder, *path;
    struct fault fault;
};

static bool house_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

static void make_root(struct house *h, int path_len, int64_t not_after, bool is_ca) {
    struct x509_attribute cn = {OID_COMMON_NAME, "clm root test"};
    struct buf name, spki;
    buf_init(&name, 256);
    buf_init(&spki, 1024);
    buf_reset(&h->root_der);
    x509_name_write(&name, &cn, 1);
    signing_key_spki(h->root_key, &spki);
    struct x509_template t = {
        .issuer = buf_bytes(&name),
        .subject = buf_bytes(&name),
        .not_before = NOW - DAY,
        .not_after = not_after,
        .spki = buf_bytes(&spki),
        .is_ca = is_ca,
        .path_len = path_len,
        .key_usage = is_ca ? X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN : X509_KU_DIGITAL_SIGNATURE,
    };
    assert_int_equal(x509_cert_write(&h->env, &t, h->root_key, &h->root_der, &h->fault), ERR_OK);
    struct bytes der = arena_copy(&h->arena, buf_bytes(&h->root_der));
    assert_int_equal(x509_cert_read(&h->arena, der, &h->root, &h->fault), ERR_OK);
    buf_clear(&name);
    buf_clear(&spki);
}

static struct house *house_open(void) {
    struct house *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->now_s = NOW;
    h->env = (struct env){.now_ms = fixed_now_ms, .random = house_random, .context = &h->now_s};
    arena_init(&h->arena, ARENA_MAX);
    buf_init(&h->root_der, 1 << 14);
    h->folder = test_dir(&h->arena, "ca");
    h->path = path_join(&h->arena, h->folder, "issuing.pem");
    assert_int_equal(signing_key_make(&h->env, KEY_EC_P256, 0, &h->root_key, &h->fault), ERR_OK);
    assert_int_equal(signing_key_make(&h->env, KEY_EC_P256, 0, &h->key, &h->fault), ERR_OK);
    make_root(h, 1, NOW + 3650LL * DAY, true);
    return h;
}

static void house_close(struct house *h) {
    signing_key_close(h->root_key);
    signing_key_close(h->key);
    assert_int_equal(file_remove(h->path, &h->fault), ERR_OK);
    buf_clear(&h->root_der);
    arena_clear(&h->arena);
    free(h);
}

static enum err make(struct house *h) {
    return ca_builtin_make(&h->env, h->folder, "clm issuing test", h->root_key, &h->root,
                           &h->fault);
}

static struct ca *open_ca(struct house *h) {
    struct bytes crl = bytes_text("http://clm.example.test/crl"),
                 issuer = bytes_text("http://clm.example.test/issuer");
    struct ca_settings settings = {
        .folder = h->folder, .crl_urls = {&crl,    1},
             .issuer_urls = {&issuer, 1}
    };
    struct ca *ca;
    assert_int_equal(make(h), ERR_OK);
    if (ca_open(bytes_text("builtin"), &settings, &ca, &h->fault) != ERR_OK)
        fail_msg("%s: %s", h->fault.what, h->fault.detail);
    return ca;
}

static const struct ca_profile *profile(struct house *h, const char *text) {
    struct ca_profiles all;
    assert_int_equal(ca_profiles_read(&h->arena, bytes_text(text), "profiles", &all, &h->fault),
                     ERR_OK);
    return &all.items[0];
}

static struct x509_request *request(struct house *h, const char *dns) {
    struct x509_request *r = arena_alloc(&h->arena, sizeof *r);
    struct bytes name = bytes_text(dns);
    struct x509_template t = {
        .dns = {&name, 1}
    };
    struct buf der;
    buf_init(&der, 1 << 14);
    assert_int_equal(x509_request_write(&h->env, &t, h->key, &der, &h->fault), ERR_OK);
    assert_int_equal(
        x509_request_read(&h->arena, arena_copy(&h->arena, buf_bytes(&der)), r, &h->fault), ERR_OK);
    buf_clear(&der);
    return r;
}

#define SERVER "[server]\ndns = .example.test\n"

static void is_made_once(void **state) {
    (void)state;
    struct house *h = house_open();
    struct buf before, after;
    buf_init(&before, 1 << 16);
    buf_init(&after, 1 << 16);
    assert_int_equal(make(h), ERR_OK);
    assert_int_equal(file_read(h->path, &before, &h->fault), ERR_OK);
    assert_int_equal(make(h), ERR_EXISTS);
    assert_int_equal(file_read(h->path, &after, &h->fault), ERR_OK);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
    buf_clear(&before);
    buf_clear(&after);
    house_close(h);
}

static void a_root_that_cannot_is_refused(void **state) {
    (void)state;
    static const struct {
        int path_len;
        bool is_ca, other_key;
        int64_t not_after;
        const char *detail;
    } rows[] = {
        {0,  true,  false, NOW + DAY, "it allows no authority below it (path length 0)"},
        {-1, false, false, NOW + DAY, "it is no authority"                             },
        {-1, true,  false, NOW,       "it has ended"                                   },
        {-1, true,  true,  NOW + DAY, "the key is not its"                             },
    };
    struct house *h = house_open();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        make_root(h, rows[i].path_len, rows[i].not_after, rows[i].is_ca);
        const struct signing_key *key = rows[i].other_key ? h->key : h->root_key;
        assert_int_equal(ca_builtin_make(&h->env, h->folder, "x", key, &h->root, &h->fault),
                         ERR_CONFLICT);
        assert_string_equal(h->fault.what, "root");
        assert_string_equal(h->fault.detail, rows[i].detail);
        assert_false(file_exists(h->path));
    }
    make_root(h, -1, NOW + DAY, true);
    static const char long_name[] =
        "a name of sixty-five characters, which is one more than is allowed";
    assert_int_equal(
        ca_builtin_make(&h->env, h->folder, long_name, h->root_key, &h->root, &h->fault),
        ERR_USAGE);
    assert_int_equal(ca_builtin_make(&h->env, h->folder, "", h->root_key, &h->root, &h->fault),
                     ERR_USAGE);
    assert_int_equal(make(h), ERR_OK);
    house_close(h);
}

static void issues_what_was_asked_for(void **state) {
    (void)state;
    struct house *h = house_open();
    struct ca *ca = open_ca(h);
    struct x509_request *r = request(h, "www.example.test");
    struct ca_issued out;
    struct x509_cert cert, issuer;
    assert_int_equal(ca_issue(ca, &h->env, &h->arena, r, profile(h, SERVER), NOW, &out, &h->fault),
                     ERR_OK);
    assert_int_equal(x509_cert_read(&h->arena, out.certificate, &cert, &h->fault), ERR_OK);
    assert_true(bytes_equal(cert.spki, r->asked.spki));
    assert_int_equal(cert.alt.dns.n, 1);
    assert_text(cert.alt.dns.items[0], "www.example.test");
    assert_true(cert.alt.critical); /* the subject is empty */
    assert_true(cert.has_basic_constraints);
    assert_false(cert.is_ca);
    assert_int_equal(cert.key_usage, X509_KU_DIGITAL_SIGNATURE);
    assert_int_equal(cert.extended_key_usage_n, 1);
    assert_int_equal(cert.not_before, NOW - 3600);
    assert_int_equal(cert.not_after - cert.not_before, 90 * DAY - 1);
    assert_true(cert.serial.n >= 14 && cert.serial.n <= 17 && cert.serial.p[0] < 0x80);
    assert_int_equal(cert.extensions_n, 8);
    assert_int_equal(cert.deviations, 0);
    assert_int_equal(out.chain_n, 1);
    assert_true(bytes_equal(out.chain[0], ca_certificate(ca)));
    assert_true(bytes_equal(out.root, h->root.der));
    assert_int_equal(x509_cert_read(&h->arena, out.chain[0], &issuer, &h->fault), ERR_OK);
    assert_true(bytes_equal(cert.authority_key_id, issuer.subject_key_id));
    assert_int_equal(issuer.path_len, 0);
    assert_int_equal(issuer.not_after, NOW + CA_ISSUER_DAYS * (int64_t)DAY);
    struct bytes chain[] = {out.certificate, out.chain[0]};
    struct x509_trust trust = {.roots = &h->root, .roots_n = 1};
    assert_int_equal(x509_chain_verify(&h->arena, chain, 2, &trust, bytes_text("www.example.test"),
                                       NOW, &h->fault),
                     ERR_OK);
    ca_close(ca);
    house_close(h);
}

static void refuses_with_the_rule(void **state) {
    (void)state;
    struct house *h = house_open();
    struct ca *ca = open_ca(h);
    struct ca_issued out;
    assert_int_equal(ca_issue(ca, &h->env, &h->arena, request(h, "evil.test"), profile(h, SERVER),
                              NOW, &out, &h->fault),
                     ERR_PERMISSION);
    assert_string_equal(h->fault.what, "dns");
    assert_string_equal(h->fault.detail, "evil.test is not among the names of the profile");
    assert_int_equal(out.certificate.n, 0);
    ca_close(ca);
    house_close(h);
}

static void no_certificate_outlives_its_issuer(void **state) {
    (void)state;
    struct house *h = house_open();
    make_root(h, -1, NOW + 100 * DAY, true);
    struct ca *ca = open_ca(h);
    static const struct {
        int64_t now_s;
        enum err e;
        int64_t not_after;
    } rows[] = {
        {NOW,                 ERR_OK,       NOW - 3600 + 90 * DAY - 1},
        {NOW + 50 * DAY,      ERR_OK,       NOW + 100 * DAY          },
        {NOW + 100 * DAY - 1, ERR_OK,       NOW + 100 * DAY          },
        {NOW + 100 * DAY,     ERR_CONFLICT, 0                        },
        {NOW - 2 * DAY,       ERR_CONFLICT, 0                        },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ca_issued out;
        struct x509_cert cert;
        assert_int_equal(ca_issue(ca, &h->env, &h->arena, request(h, "a.example.test"),
                                  profile(h, SERVER), rows[i].now_s, &out, &h->fault),
                         rows[i].e);
        if (rows[i].e != ERR_OK)
            continue;
        assert_int_equal(x509_cert_read(&h->arena, out.certificate, &cert, &h->fault), ERR_OK);
        assert_int_equal(cert.not_after, rows[i].not_after);
    }
    ca_close(ca);
    house_close(h);
}

static void short_lives_begin_a_little_earlier(void **state) {
    (void)state;
    struct house *h = house_open();
    struct ca *ca = open_ca(h);
    struct ca_issued out;
    struct x509_cert cert;
    assert_int_equal(ca_issue(ca, &h->env, &h->arena, request(h, "a.example.test"),
                              profile(h, SERVER "lifetime = 1h"), NOW, &out, &h->fault),
                     ERR_OK);
    assert_int_equal(x509_cert_read(&h->arena, out.certificate, &cert, &h->fault), ERR_OK);
    assert_int_equal(cert.not_before, NOW - 150);
    assert_int_equal(cert.not_after, NOW - 150 + 3600 - 1);
    ca_close(ca);
    house_close(h);
}

static void lists_name_what_is_revoked(void **state) {
    (void)state;
    struct house *h = house_open();
    struct ca *ca = open_ca(h);
    struct ca_issued out;
    struct x509_cert cert, issuer;
    struct x509_crl crl;
    struct x509_revoked seen;
    struct buf der;
    buf_init(&der, 1 << 16);
    assert_int_equal(ca_issue(ca, &h->env, &h->arena, request(h, "a.example.test"),
                              profile(h, SERVER), NOW, &out, &h->fault),
                     ERR_OK);
    assert_int_equal(
        ca_revoke(ca, &h->env, out.certificate, X509_REASON_SUPERSEDED, NOW, &h->fault), ERR_OK);
    assert_int_equal(ca_revoke(ca, &h->env, h->root.der, X509_REASON_SUPERSEDED, NOW, &h->fault),
                     ERR_NOT_FOUND);
    assert_int_equal(
        ca_revoke(ca, &h->env, out.certificate, X509_REASON_REMOVE_FROM_CRL, NOW, &h->fault),
        ERR_USAGE);
    assert_int_equal(
        ca_revoke(ca, &h->env, bytes_text("0"), X509_REASON_SUPERSEDED, NOW, &h->fault),
        ERR_FORMAT);
    assert_int_equal(x509_cert_read(&h->arena, out.certificate, &cert, &h->fault), ERR_OK);
    struct x509_revoked revoked = {cert.serial, NOW, X509_REASON_SUPERSEDED};
    assert_int_equal(ca_crl(ca, &h->env, &revoked, 1, 7, NOW + DAY, &der, &h->fault), ERR_OK);
    assert_int_equal(x509_crl_read(&h->arena, buf_bytes(&der), &crl, &h->fault), ERR_OK);
    assert_int_equal(x509_cert_read(&h->arena, ca_certificate(ca), &issuer, &h->fault), ERR_OK);
    assert_int_equal(x509_crl_signed_by(&crl, &issuer), ERR_OK);
    assert_true(bytes_equal(crl.authority_key_id, issuer.subject_key_id));
    assert_int_equal(crl.this_update, NOW + DAY);
    assert_int_equal(crl.next_update, NOW + DAY + CA_CRL_DAYS * DAY);
    struct cur entries = cur_open(crl.revoked);
    assert_true(x509_crl_next(&entries, &seen));
    assert_true(bytes_equal(seen.serial, cert.serial));
    assert_int_equal(seen.reason, X509_REASON_SUPERSEDED);
    buf_clear(&der);
    ca_close(ca);
    house_close(h);
}

static void renewal_keeps_key_and_name(void **state) {
    (void)state;
    struct house *h = house_open();
    make_root(h, -1, NOW + 100 * DAY, true);
    struct ca *ca = open_ca(h);
    struct x509_cert before, after;
    struct bytes der = arena_copy(&h->arena, ca_certificate(ca));
    ca_close(ca);
    make_root(h, -1, NOW + 3650LL * DAY, true);
    assert_int_equal(ca_builtin_renew(&h->env, h->folder, h->root_key, &h->root, &h->fault),
                     ERR_OK);
    struct ca_settings settings = {.folder = h->folder};
    assert_int_equal(ca_open(bytes_text("builtin"), &settings, &ca, &h->fault), ERR_OK);
    assert_int_equal(x509_cert_read(&h->arena, der, &before, &h->fault), ERR_OK);
    assert_int_equal(x509_cert_read(&h->arena, ca_certificate(ca), &after, &h->fault), ERR_OK);
    assert_true(bytes_equal(before.spki, after.spki));
    assert_true(bytes_equal(before.subject, after.subject));
    assert_true(bytes_equal(before.subject_key_id, after.subject_key_id));
    assert_int_equal(before.not_after, NOW + 100 * DAY);
    assert_int_equal(after.not_after, NOW + CA_ISSUER_DAYS * (int64_t)DAY);
    assert_false(bytes_equal(before.serial, after.serial));
    ca_close(ca);
    house_close(h);
}

static enum err open_changed(struct house *h, struct bytes content) {
    struct ca_settings settings = {.folder = h->folder};
    struct ca *ca = NULL;
    assert_int_equal(file_replace(h->path, content, 0600, &h->fault), ERR_OK);
    enum err e = ca_open(bytes_text("builtin"), &settings, &ca, &h->fault);
    assert_int_equal(e == ERR_OK, ca != NULL);
    ca_close(ca);
    return e;
}

static void a_damaged_file_is_not_opened(void **state) {
    (void)state;
    struct house *h = house_open();
    struct ca_settings settings = {.folder = h->folder};
    struct ca *ca;
    struct buf file, other;
    buf_init(&file, 1 << 16);
    buf_init(&other, 1 << 16);
    assert_int_equal(ca_open(bytes_text("builtin"), &settings, &ca, &h->fault), ERR_NOT_FOUND);
    assert_int_equal(ca_open(bytes_text("acme"), &settings, &ca, &h->fault), ERR_NOT_FOUND);
    assert_int_equal(make(h), ERR_OK);
    assert_int_equal(file_read(h->path, &file, &h->fault), ERR_OK);
    size_t certificate = bytes_find(buf_bytes(&file), bytes_text("-----BEGIN CERTIFICATE"));
    assert_int_equal(open_changed(h, bytes_part(buf_bytes(&file), 0, certificate)), ERR_DAMAGED);
    assert_int_equal(open_changed(h, bytes_part(buf_bytes(&file), certificate, file.n)),
                     ERR_NOT_FOUND);
    assert_int_equal(open_changed(h, bytes_text("")), ERR_NOT_FOUND);
    buf_put(&other, bytes_part(buf_bytes(&file), 0, certificate));
    pem_write(&other, "CERTIFICATE", h->root.der);
    assert_int_equal(open_changed(h, buf_bytes(&other)), ERR_DAMAGED);
    assert_int_equal(open_changed(h, buf_bytes(&file)), ERR_OK);
    buf_clear(&file);
    buf_clear(&other);
    house_close(h);
}

static bool no_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    (void)out;
    (void)n;
    return false;
}

static bool zero_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    memset(out, 0, n);
    return true;
}

static void nothing_is_issued_without_randomness(void **state) {
    (void)state;
    struct house *h = house_open();
    struct ca *ca = open_ca(h);
    struct x509_request *r = request(h, "a.example.test");
    bool (*const sources[])(void *, uint8_t *, size_t) = {no_random, zero_random};
    for (size_t i = 0; i < COUNT_OF(sources); i++) {
        struct ca_issued out;
        h->env.random = sources[i];
        assert_int_equal(
            ca_issue(ca, &h->env, &h->arena, r, profile(h, SERVER), NOW, &out, &h->fault),
            ERR_FAILED);
        assert_string_equal(h->fault.what, "random source");
        assert_int_equal(out.certificate.n, 0);
    }
    ca_close(ca);
    house_close(h);
}

static void the_rows_are_complete(void **state) {
    (void)state;
    const struct ca_authority *row;
    size_t n = 0;
    for (; (row = ca_authority_row(n)) != NULL; n++) {
        assert_true(row->name[0] != '\0' && row->summary[0] != '\0');
        assert_true(row->open && row->close && row->certificate);
        assert_true(row->issue && row->revoke && row->crl);
    }
    assert_int_equal(n, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_made_once),
        cmocka_unit_test(a_root_that_cannot_is_refused),
        cmocka_unit_test(issues_what_was_asked_for),
        cmocka_unit_test(refuses_with_the_rule),
        cmocka_unit_test(no_certificate_outlives_its_issuer),
        cmocka_unit_test(short_lives_begin_a_little_earlier),
        cmocka_unit_test(lists_name_what_is_revoked),
        cmocka_unit_test(renewal_keeps_key_and_name),
        cmocka_unit_test(a_damaged_file_is_not_opened),
        cmocka_unit_test(nothing_is_issued_without_randomness),
        cmocka_unit_test(the_rows_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
