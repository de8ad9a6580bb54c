/* web/api: requests, revocation, services and work as local administrator, with the
 * built-in authority in a folder of its own. Agents' own calls are in tests/peers. */
#include "test_dir.h"

#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "web/api/api_private.h"

enum { DAY_S = 86400 };

struct bench {
    struct arena arena;
    struct env env;
    int64_t now_ms;
    char *dir, *profiles;
    struct inventory *inventory;
    struct auth *auth;
    struct api *api;
    struct ca *ca;
    struct signing_key *key; /* of the root, and of requests */
    struct buf answer;
    struct json_value v;
    uint8_t agent[INVENTORY_ID_SIZE];
};

static int64_t bench_now(void *context) {
    return ((struct bench *)context)->now_ms;
}

static bool bench_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

static void set_profiles(struct bench *b, const char *text) {
    struct fault f;
    assert_int_equal(file_replace(b->profiles, bytes_text(text), 0644, &f), ERR_OK);
}

static struct bytes subject_of(struct bench *b, const char *cn) {
    struct x509_attribute name = {OID_COMMON_NAME, cn};
    struct buf out;
    buf_init(&out, 1000);
    x509_name_write(&out, &name, 1);
    struct bytes copy = arena_copy(&b->arena, buf_bytes(&out));
    buf_clear(&out);
    return copy;
}

static void make_authority(struct bench *b) {
    struct buf spki, der;
    struct x509_cert root;
    struct fault f;
    buf_init(&spki, 1000);
    buf_init(&der, 10000);
    assert_int_equal(signing_key_make(&b->env, KEY_EC_P256, 0, &b->key, &f), ERR_OK);
    signing_key_spki(b->key, &spki);
    struct bytes subject = subject_of(b, "Test root");
    struct x509_template t = {.issuer = subject,
                              .subject = subject,
                              .not_before = b->now_ms / 1000 - DAY_S,
                              .not_after = b->now_ms / 1000 + (int64_t)3650 * DAY_S,
                              .spki = buf_bytes(&spki),
                              .is_ca = true,
                              .path_len = 1,
                              .key_usage = X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN};
    assert_int_equal(x509_cert_write(&b->env, &t, b->key, &der, &f), ERR_OK);
    assert_int_equal(x509_cert_read(&b->arena, arena_copy(&b->arena, buf_bytes(&der)), &root, &f),
                     ERR_OK);
    assert_int_equal(ca_builtin_make(&b->env, b->dir, "Test issuer", b->key, &root, &f), ERR_OK);
    buf_clear(&spki);
    buf_clear(&der);
}

static void bench_open(struct bench *b) {
    struct fault f;
    struct ca_settings settings = {.folder = b->dir};
    assert_int_equal(inventory_open(b->dir, &b->env, &b->inventory, &f), ERR_OK);
    assert_int_equal(auth_open(&b->env, b->dir, &b->auth, &f), ERR_OK);
    struct api_options o = {.env = &b->env,
                            .inventory = b->inventory,
                            .auth = b->auth,
                            .name = "clm.example.com",
                            .url = "https://clm.example.com:8443",
                            .pin = "system",
                            .profiles = b->profiles};
    assert_int_equal(api_open(&o, &b->api, &f), ERR_OK);
    assert_int_equal(ca_open(bytes_text("builtin"), &settings, &b->ca, &f), ERR_OK);
    assert_null(api_authority(b->api, b->ca));
}

static void bench_shut(struct bench *b) {
    api_close(b->api);
    ca_close(b->ca);
    auth_close(b->auth);
    inventory_close(b->inventory);
}

static void bench_make(struct bench *b) {
    struct fault f;
    *b = (struct bench){.env = env_system(NULL), .now_ms = INT64_C(1767225600000)};
    b->env.log_level = LOG_ERROR;
    b->env.now_ms = bench_now;
    b->env.random = bench_random;
    b->env.context = b;
    arena_init(&b->arena, 64 << 20);
    buf_init(&b->answer, 16 << 20);
    b->dir = test_dir(&b->arena, "api-requests");
    b->profiles = path_join(&b->arena, b->dir, "profiles.conf");
    make_authority(b);
    set_profiles(b, "[server]\ndns = .example.com\nlifetime = 30d\n");
    bench_open(b);
    struct inventory_enrolment e = {.name = bytes_text("web1"), .spki = bytes_text("key 1")};
    assert_int_equal(inventory_agent_enrol(b->inventory, &e, b->agent, NULL, NULL, &f), ERR_OK);
}

static void bench_clear(struct bench *b) {
    bench_shut(b);
    signing_key_close(b->key);
    buf_clear(&b->answer);
    arena_clear(&b->arena);
}

static unsigned raw_call(struct bench *b, enum http_method method, const char *path,
                         const char *body) {
    unsigned status;
    buf_reset(&b->answer);
    api_call_local(b->api, method, path, bytes_text(body), &status, &b->answer);
    return status;
}

static unsigned call(struct bench *b, enum http_method method, const char *path, const char *body) {
    struct fault f;
    unsigned status = raw_call(b, method, path, body);
    struct bytes text = arena_copy(&b->arena, buf_bytes(&b->answer));
    assert_int_equal(json_read(&b->arena, text, 100000, &b->v, &f), ERR_OK);
    return status;
}

static const char *text_of(struct bench *b, struct json_value object, const char *name) {
    struct bytes text;
    assert_true(json_string(json_get(object, name), &b->arena, &text));
    return arena_cstr(&b->arena, text);
}

/* Stored as an agent's call would. */
static const char *ask(struct bench *b, uint8_t n, const char *dns) {
    uint8_t id[INVENTORY_ID_SIZE] = {0xa0, n};
    char hex[2 * INVENTORY_ID_SIZE + 1];
    struct bytes names[] = {bytes_text(dns)};
    struct x509_template t = {
        .subject = subject_of(b, dns), .dns = {names, 1}
    };
    struct buf csr;
    struct fault f;
    buf_init(&csr, 5000);
    assert_int_equal(x509_request_write(&b->env, &t, b->key, &csr, &f), ERR_OK);
    struct inventory_asked asked = {
        .id = id, .agent = b->agent, .profile = bytes_text("server"), .csr = buf_bytes(&csr)};
    assert_int_equal(inventory_request_add(b->inventory, &asked, NULL, &f), ERR_OK);
    buf_clear(&csr);
    hex_write(hex, bytes_of(id, sizeof id));
    return arena_cstr(&b->arena, bytes_text(hex));
}

static const char *path_of(struct bench *b, const char *before, const char *id, const char *after) {
    struct buf path;
    buf_init(&path, 500);
    buf_printf(&path, API_ROOT "%s%s%s", before, id, after);
    const char *copy = arena_cstr(&b->arena, buf_bytes(&path));
    buf_clear(&path);
    return copy;
}

static void approved_is_issued(void **state) {
    (void)state;
    struct bench b;
    struct x509_cert cert, issuer;
    struct fault f;
    struct buf der;
    bench_make(&b);
    const char *id = ask(&b, 1, "www.example.com");
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/requests/", id, ""), ""), 200);
    assert_string_equal(text_of(&b, b.v, "state"), "pending");
    assert_int_equal(json_count(json_get(b.v, "differences")), 0);
    assert_int_equal(call(&b, HTTP_POST, path_of(&b, "/requests/", id, "/approve"), ""), 200);
    assert_string_equal(text_of(&b, b.v, "state"), "issued");
    assert_string_equal(text_of(&b, b.v, "decided_by"), "local");

    buf_init(&der, X509_DER_MAX);
    assert_true(pem_find(bytes_text(text_of(&b, b.v, "certificate")), "CERTIFICATE", &der));
    assert_int_equal(x509_cert_read(&b.arena, arena_copy(&b.arena, buf_bytes(&der)), &cert, &f),
                     ERR_OK);
    assert_int_equal(x509_cert_read(&b.arena, ca_certificate(b.ca), &issuer, &f), ERR_OK);
    assert_int_equal(x509_cert_signed_by(&cert, &issuer), ERR_OK);
    assert_int_equal(cert.not_after - cert.not_before, 30 * DAY_S - 1);
    assert_true(x509_cert_matches_host(&cert, bytes_text("www.example.com")));
    buf_clear(&der);
    assert_int_equal(call(&b, HTTP_POST, path_of(&b, "/requests/", id, "/approve"), ""), 409);
    bench_clear(&b);
}

/* A crash, or a full disk, between the approval and the certificate. */
static void approved_before_a_crash_is_issued_after_it(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    uint8_t raw[INVENTORY_ID_SIZE];
    bench_make(&b);
    const char *id = ask(&b, 1, "www.example.com");
    assert_true(hex_read(bytes_text(id), raw, sizeof raw));
    assert_int_equal(inventory_request_decide(b.inventory, raw, true, bytes_text("user:alex"),
                                              bytes_of(NULL, 0), NULL, &f),
                     ERR_OK);
    bench_shut(&b);
    bench_open(&b);
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/requests/", id, ""), ""), 200);
    assert_string_equal(text_of(&b, b.v, "state"), "approved"); /* a look changes nothing */
    assert_int_equal(call(&b, HTTP_POST, path_of(&b, "/requests/", id, "/approve"), ""), 200);
    assert_string_equal(text_of(&b, b.v, "state"), "issued");
    assert_string_equal(text_of(&b, b.v, "decided_by"), "user:alex");
    bench_clear(&b);
}

static void refusals_name_their_reason(void **state) {
    (void)state;
    struct bench b;
    bench_make(&b);
    const char *id = ask(&b, 1, "www.example.com");
    const char *approve = path_of(&b, "/requests/", id, "/approve");
    const char *refuse = path_of(&b, "/requests/", id, "/refuse");
    set_profiles(&b, "[server]\ndns = other.example.org\n");
    assert_int_equal(call(&b, HTTP_POST, approve, ""), 403);
    assert_string_equal(text_of(&b, b.v, "field"), "dns");
    assert_non_null(strstr(text_of(&b, b.v, "detail"), "www.example.com"));
    set_profiles(&b, "[another]\ndns = any\n");
    assert_int_equal(call(&b, HTTP_POST, approve, ""), 403);
    assert_string_equal(text_of(&b, b.v, "field"), "profile");
    set_profiles(&b, "[server]\nlifetime = forever\n");
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/profiles", ""), 409);
    assert_non_null(strstr(text_of(&b, b.v, "detail"), "profiles.conf line 2"));
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/requests/", id, ""), ""), 200);
    assert_string_equal(text_of(&b, json_first(json_get(b.v, "differences")), "rule"), "profile");

    assert_int_equal(call(&b, HTTP_POST, refuse, "{\"reason\":\"\"}"), 400);
    assert_int_equal(call(&b, HTTP_POST, refuse, "{\"reason\":\"no\",\"why\":\"x\"}"), 400);
    assert_int_equal(call(&b, HTTP_POST, refuse, "{\"reason\":\"use the wildcard\"}"), 200);
    assert_string_equal(text_of(&b, b.v, "reason"), "use the wildcard");
    assert_int_equal(call(&b, HTTP_POST, approve, ""), 409);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/requests?state=lost", ""), 400);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/requests?state=refused", ""), 200);
    assert_int_equal(json_count(json_get(b.v, "items")), 1);
    assert_int_equal(call(&b, HTTP_POST, API_ROOT "/requests", "{}"), 403); /* only agents */
    bench_clear(&b);
}

static void read_crl(struct bench *b, struct x509_crl *crl) {
    struct fault f;
    assert_int_equal(raw_call(b, HTTP_GET, API_ROOT "/ca/crl", ""), 200);
    struct bytes der = arena_copy(&b->arena, buf_bytes(&b->answer));
    assert_int_equal(x509_crl_read(&b->arena, der, crl, &f), ERR_OK);
}

static void the_list_is_made_when_it_is_due(void **state) {
    (void)state;
    struct bench b;
    struct x509_crl first, same, next, later;
    bench_make(&b);
    const char *id = ask(&b, 1, "www.example.com");
    assert_int_equal(call(&b, HTTP_POST, path_of(&b, "/requests/", id, "/approve"), ""), 200);
    const char *sha256 = text_of(&b, b.v, "certificate_sha256");
    const char *revoke = path_of(&b, "/certificates/", sha256, "/revoke");
    read_crl(&b, &first);
    b.now_ms += 1000;
    read_crl(&b, &same);
    assert_true(bytes_equal(first.der, same.der));
    assert_int_equal(call(&b, HTTP_POST, revoke, "{\"reason\":\"removeFromCRL\"}"), 400);
    assert_int_equal(call(&b, HTTP_POST, revoke, "{\"reason\":\"superseded\"}"), 200);
    assert_int_equal(call(&b, HTTP_POST, revoke, "{\"reason\":\"superseded\"}"), 409);
    read_crl(&b, &next);
    assert_int_equal(next.revoked_n, 1);
    assert_true(bytes_compare(next.number, first.number) > 0);
    b.now_ms += (int64_t)DAY_S * 1000; /* long before next_update */
    read_crl(&b, &later);
    assert_true(later.this_update > next.this_update && later.this_update < next.next_update);
    bench_shut(&b);
    bench_open(&b);
    read_crl(&b, &first); /* after a start: another list, a greater number */
    assert_true(bytes_compare(first.number, later.number) > 0);
    assert_int_equal(first.revoked_n, 1);
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/certificates/", sha256, ""), ""), 200);
    assert_string_equal(text_of(&b, json_get(b.v, "revoked"), "reason"), "superseded");
    assert_string_equal(text_of(&b, json_get(b.v, "request"), "state"), "revoked");
    bench_clear(&b);
}

static void without_an_authority(void **state) {
    (void)state;
    struct bench b;
    bench_make(&b);
    const char *id = ask(&b, 1, "www.example.com");
    assert_ptr_equal(api_authority(b.api, NULL), b.ca);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/ca/crl", ""), 501);
    assert_int_equal(call(&b, HTTP_GET, API_ROOT "/ca/chain", ""), 501);
    assert_int_equal(call(&b, HTTP_POST, path_of(&b, "/requests/", id, "/approve"), ""), 501);
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/requests/", id, ""), ""), 200);
    assert_string_equal(text_of(&b, b.v, "state"), "pending");
    bench_clear(&b);
}

static void services_and_work_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *path, *body;
        unsigned status;
        const char *field;
    } cases[] = {
        {"/targets", "{}",                              400, "text"   },
        {"/targets", "{\"text\":\"a b c\"}",            400, "text"   },
        {"/targets", "{\"text\":\"a 443\",\"x\":1}",    400, "body"   },
        {"/rescan",  "{\"targets\":[1]}",               400, "targets"},
        {"/rescan",  "{\"targets\":[\"a b\"]}",         400, "targets"},
        {"/rescan",  "{\"targets\":[\"/etc/x\"]}",      400, "targets"},
        {"/targets", "{\"text\":\"a.example 443\\n\"}", 200, NULL     },
        {"/rescan",  "{\"targets\":[\"a:443\"]}",       200, NULL     },
        {"/rescan",  "{}",                              200, NULL     },
    };
    struct bench b;
    char hex[2 * INVENTORY_ID_SIZE + 1];
    bench_make(&b);
    hex_write(hex, bytes_of(b.agent, sizeof b.agent));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *path = path_of(&b, "/agents/", hex, cases[i].path);
        assert_int_equal(call(&b, HTTP_POST, path, cases[i].body), cases[i].status);
        if (cases[i].field)
            assert_string_equal(text_of(&b, b.v, "field"), cases[i].field);
    }
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/agents/", hex, ""), ""), 200);
    assert_string_equal(text_of(&b, json_get(b.v, "targets"), "text"), "a.example 443\n");
    assert_int_equal(json_count(json_get(json_get(b.v, "rescan"), "targets")), 0);
    assert_int_equal(call(&b, HTTP_GET, path_of(&b, "/services/", hex, ""), ""), 404);
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(approved_is_issued),
        cmocka_unit_test(approved_before_a_crash_is_issued_after_it),
        cmocka_unit_test(refusals_name_their_reason),
        cmocka_unit_test(the_list_is_made_when_it_is_due),
        cmocka_unit_test(without_an_authority),
        cmocka_unit_test(services_and_work_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
