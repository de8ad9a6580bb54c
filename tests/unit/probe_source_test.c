/* probe's parts: every endpoint comes once and hosts alternate; places at a host;
 * certificates are kept once. */
#include "test.h"

#include "probe/inner.h"

static bool fixed_random(void *context, uint8_t *out, size_t n) {
    memset(out, *(const int *)context, n);
    return true;
}

static void every_endpoint_once(void **state) {
    (void)state;
    static const char *const words[] = {"192.0.2.0/28", "a.example.test", "b.example.test:8443",
                                        "2001:db8::/126", "198.51.100.1-198.51.100.3"};
    int seed = 7;
    struct env env = env_system(NULL);
    struct model_target targets[40];
    struct probe_plan plan = {.targets = targets, .default_ports = model_ports_default()};
    struct arena a;
    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_int_equal(model_target_read(&a, bytes_text(words[i]), MODEL_FORMS_WORDS,
                                           &targets[plan.targets_n++], NULL, NULL),
                         ERR_OK);
    for (unsigned i = 0; i < 30; i++) { /* more than can be open at once */
        char name[32];
        snprintf(name, sizeof name, "h%u.example.test:443", i);
        assert_int_equal(model_target_read(&a, arena_copy(&a, bytes_text(name)), MODEL_FORMS_WORDS,
                                           &targets[plan.targets_n++], NULL, NULL),
                         ERR_OK);
    }
    env.random = fixed_random;
    env.context = &seed;
    uint64_t expected;
    assert_int_equal(probe_count(&plan, &expected, NULL), ERR_OK);
    assert_int_equal(expected, 16 * 9 + 9 + 1 + 4 * 9 + 3 * 9 + 30);

    struct source s;
    assert_int_equal(source_open(&s, &env, &plan), ERR_OK);
    static char seen[400][80];
    size_t n = 0, repeated = 0;
    struct model_endpoint e;
    const struct model_target *target;
    char before[80] = "";
    while (source_next(&s, &e, &target)) {
        assert_true(n < COUNT_OF(seen));
        snprintf(seen[n], sizeof seen[n], "%.*s:%u", (int)e.host.n, (const char *)e.host.p,
                 (unsigned)e.port);
        for (size_t i = 0; i < n; i++)
            assert_string_not_equal(seen[i], seen[n]);
        repeated += strncmp(before, seen[n], e.host.n + 1) == 0;
        memcpy(before, seen[n], sizeof before);
        n++;
    }
    assert_int_equal(n, expected);
    assert_true(repeated < 10); /* one host twice in a row is rare */
    source_close(&s);
    arena_clear(&a);
}

static void places_at_a_host(void **state) {
    (void)state;
    struct hosts h;
    struct face faces[6] = {{0}}, other = {0};
    bool go;
    hosts_init(&h, 2);
    for (size_t i = 0; i < COUNT_OF(faces); i++) {
        faces[i].ip = ip_of(bytes_of("\x0a\0\0\1", 4));
        assert_true(hosts_take(&h, &faces[i], &go));
        assert_int_equal(go, i < 2);
    }
    other.ip = ip_of(bytes_of("\x0a\0\0\2", 4));
    assert_true(hosts_take(&h, &other, &go));
    assert_true(go);
    assert_int_equal(h.waiting, 4);
    assert_ptr_equal(hosts_give(&h, &faces[0]), &faces[2]); /* in the order of coming */
    assert_ptr_equal(hosts_give(&h, &faces[1]), &faces[3]);
    assert_ptr_equal(hosts_give(&h, &faces[2]), &faces[4]);
    assert_ptr_equal(hosts_give(&h, &faces[3]), &faces[5]);
    assert_int_equal(h.waiting, 0);
    assert_null(hosts_give(&h, &faces[4]));
    assert_null(hosts_give(&h, &faces[5]));
    assert_null(hosts_give(&h, &other));
    assert_true(hosts_take(&h, &faces[0], &go)); /* the host was forgotten, and is made anew */
    assert_true(go);
    assert_null(hosts_give(&h, &faces[0]));
    hosts_clear(&h);
}

struct count {
    size_t n, unreadable;
};

static void on_certificate(void *context, const struct probe_certificate *known,
                           const struct x509_cert *cert, struct bytes der, const struct fault *f) {
    struct count *c = context;
    assert_true(der.n > 0);
    assert_int_equal(known->readable, cert != NULL);
    assert_int_equal(f->code != ERR_OK, cert == NULL);
    c->n++;
    c->unreadable += !cert;
}

static void certificates_are_told_once(void **state) {
    (void)state;
    struct seen s;
    struct count c = {0};
    struct probe_watch watch = {.context = &c, .certificate = on_certificate};
    seen_init(&s);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1000; i++) {
            uint8_t der[40], sha256[32], direct[32];
            memset(der, 0x30, sizeof der);
            snprintf((char *)der, sizeof der, "no certificate %u", i);
            struct bytes view = bytes_of(der, sizeof der);
            seen_hash(&s, view, i % 2 == 0, sha256);
            hash_of(HASH_SHA256, view, direct);
            assert_memory_equal(sha256, direct, sizeof direct);
            const struct probe_certificate *k = seen_add(&s, view, sha256, &watch);
            assert_non_null(k);
            assert_false(k->readable);
            assert_memory_equal(k->sha256, direct, sizeof direct);
        }
    }
    assert_int_equal(c.n, 1000);
    assert_int_equal(c.unreadable, 1000);
    assert_int_equal(s.n, 1000);
    seen_clear(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_endpoint_once),
        cmocka_unit_test(places_at_a_host),
        cmocka_unit_test(certificates_are_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
