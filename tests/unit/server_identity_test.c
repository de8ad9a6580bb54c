/* applets/clm-server: the root, the certificate made by it, and when it is made anew. */
#include "test_dir.h"

#include "applets/clm-server/server.h"
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"

enum { DAY_S = 24 * 60 * 60 };

struct bench {
    struct arena arena;
    struct env env;
    struct settings s;
    int64_t now_ms;
};

static int64_t bench_now(void *context) {
    return ((struct bench *)context)->now_ms;
}

static bool bench_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    return os_random(out, n);
}

static void bench_make(struct bench *b, const char *name) {
    struct fault f;
    *b = (struct bench){.env = env_system(NULL), .now_ms = INT64_C(1764000000000)};
    b->env.now_ms = bench_now;
    b->env.random = bench_random;
    b->env.context = b;
    arena_init(&b->arena, 16 << 20);
    b->s =
        (struct settings){.name = name, .listen = ":8443", .data = test_dir(&b->arena, "identity")};
    assert_int_equal(settings_derive(&b->arena, &b->s, &f), ERR_OK);
    assert_int_equal(identity_make_root(&b->env, &b->arena, &b->s, "root", &f), ERR_OK);
    assert_int_equal(identity_make_server(&b->env, &b->arena, &b->s, &f), ERR_OK);
}

static void bench_clear(struct bench *b) {
    static const char *const files[] = {"root.key", "root.pem", "server.pem"};
    struct fault f;
    for (size_t i = 0; i < COUNT_OF(files); i++)
        assert_int_equal(file_remove(settings_path(&b->arena, &b->s, files[i]), &f), ERR_OK);
    arena_clear(&b->arena);
}

static struct identity load(struct bench *b) {
    struct identity id;
    struct fault f;
    assert_int_equal(identity_load(&b->arena, &b->s, &id, &f), ERR_OK);
    return id;
}

static bool renewed(struct bench *b, int days) {
    bool yes;
    struct fault f;
    int64_t start_ms = b->now_ms;
    b->now_ms += (int64_t)days * DAY_S * 1000;
    assert_int_equal(identity_renew(&b->env, &b->arena, &b->s, &yes, &f), ERR_OK);
    b->now_ms = start_ms;
    return yes;
}

/* The agent's own check: pin, name or address, dates, usage. */
static enum err verify(struct bench *b, const struct identity *id, const char *host, int days) {
    uint8_t pin[1][SHA256_SIZE];
    struct fault f;
    assert_true(hex_read(bytes_text(id->root_sha256), pin[0], SHA256_SIZE));
    struct x509_trust trust = {.pins = (const uint8_t(*)[SHA256_SIZE])pin, .pins_n = 1};
    return x509_chain_verify(&b->arena, id->chain, id->chain_n, &trust, bytes_text(host),
                             b->now_ms / 1000 + (int64_t)days * DAY_S, &f);
}

static void the_chain_holds(void **state) {
    (void)state;
    struct bench b;
    bench_make(&b, "clm.example.com, CLM2.example.com ,192.0.2.10,2001:db8::0:1");
    struct identity id = load(&b);
    assert_int_equal(id.chain_n, 2);
    assert_true(bytes_starts(bytes_text(id.pin), "sha256-"));
    assert_string_equal(id.pin + strlen("sha256-"), id.root_sha256);
    static const char *const good[] = {"clm.example.com", "clm2.example.com", "192.0.2.10",
                                       "2001:db8::1"};
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_int_equal(verify(&b, &id, good[i], 0), ERR_OK);
    assert_int_equal(verify(&b, &id, "other.example.com", 0), ERR_TLS);
    assert_int_equal(verify(&b, &id, "192.0.2.11", 0), ERR_TLS);
    assert_int_equal(verify(&b, &id, "clm.example.com", 364), ERR_OK);
    assert_int_equal(verify(&b, &id, "clm.example.com", 366), ERR_TLS);
    bench_clear(&b);
}

static void it_is_made_anew_in_the_last_third(void **state) {
    (void)state;
    struct bench b;
    bench_make(&b, "clm.example.com");
    struct identity before = load(&b);
    assert_false(renewed(&b, 0));
    assert_false(renewed(&b, 240)); /* of 365 */
    assert_true(renewed(&b, 245));
    struct identity after = load(&b);
    assert_string_equal(after.pin, before.pin);
    assert_false(bytes_equal(after.chain[0], before.chain[0]));
    assert_true(bytes_equal(after.chain[1], before.chain[1]));
    assert_int_equal(verify(&b, &after, "clm.example.com", 245 + 364), ERR_OK);
    bench_clear(&b);
}

static void it_never_outlives_its_root(void **state) {
    (void)state;
    struct bench b;
    struct fault f;
    bench_make(&b, "clm.example.com");
    b.now_ms += INT64_C(3600) * DAY_S * 1000;
    assert_int_equal(identity_make_server(&b.env, &b.arena, &b.s, &f), ERR_OK);
    struct identity id = load(&b);
    struct x509_cert leaf, root;
    assert_int_equal(x509_cert_read(&b.arena, id.chain[0], &leaf, &f), ERR_OK);
    assert_int_equal(x509_cert_read(&b.arena, id.chain[1], &root, &f), ERR_OK);
    assert_int_equal(leaf.not_after, root.not_after);
    bench_clear(&b);
}

static void bad_files_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err code;
    } cases[] = {
        {"",                                                                                   ERR_FORMAT},
        {"-----BEGIN PRIVATE KEY-----\n",                                                      ERR_FORMAT},
        {"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----\n",                       ERR_FORMAT},
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
         ERR_FORMAT                                                                                      },
    };
    struct bench b;
    struct fault f;
    struct identity id;
    bench_make(&b, "clm.example.com");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(file_replace(settings_path(&b.arena, &b.s, "server.pem"),
                                      bytes_text(cases[i].text), 0600, &f),
                         ERR_OK);
        assert_int_equal(identity_load(&b.arena, &b.s, &id, &f), cases[i].code);
    }
    bench_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_holds),
        cmocka_unit_test(it_is_made_anew_in_the_last_third),
        cmocka_unit_test(it_never_outlives_its_root),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
