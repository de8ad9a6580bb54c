/* Certificates that we write, and chains of them: what is accepted, and which of name,
 * address, root, dates, CA bits and signatures is wrong where one is. */
#include "crypto/crypto.h"
#include "tests/unit/test.h"
#include "x509/x509.h"

enum { NOW = 1790000000, DAY = 86400, CHAIN = 4 };

/* A root, an intermediate and a server, and a root that has nothing to do with them. */
struct house {
    struct env env;
    struct signing_key *root_key, *middle_key, *server_key;
    struct buf root, middle, server, other;
    struct arena arena;
};

struct change { /* of the certificate that `who` names */
    char who;   /* r, m, s; 0: none */
    bool no_ca, no_sign, expired, early, client_only, wrong_key, wrong_issuer, broken_signature;
    int path_len;
};

static struct bytes name_of(struct buf *b, const char *cn) {
    struct x509_attribute a = {OID_COMMON_NAME, cn};
    buf_reset(b);
    x509_name_write(b, &a, 1);
    return buf_bytes(b);
}

static void put(struct house *h, struct buf *out, const char *issuer,
                const struct signing_key *issuer_key, const char *subject,
                const struct signing_key *key, const struct change *c) {
    static const struct change none = {.path_len = -1};
    static const enum oid server[] = {OID_SERVER_AUTH}, client[] = {OID_CLIENT_AUTH};
    static const uint8_t loopback[] = {127, 0, 0, 1};
    struct bytes dns[] = {bytes_text("clm.example.com"), bytes_text("*.alias.example.com")},
                 ip = bytes_of(loopback, 4);
    struct buf issuer_name, subject_name, spki;
    struct fault f;
    bool is_ca = strstr(subject, "CA") != NULL;
    bool changed = c->who != 0 && ((c->who == 'r' && strcmp(subject, "Root CA") == 0) ||
                                   (c->who == 'm' && strcmp(subject, "Middle CA") == 0) ||
                                   (c->who == 's' && !is_ca));
    c = changed ? c : &none;
    buf_init(&issuer_name, 256);
    buf_init(&subject_name, 256);
    buf_init(&spki, 1024);
    signing_key_spki(key, &spki);
    struct x509_template t = {
        .issuer = name_of(&issuer_name, c->wrong_issuer ? "Nobody" : issuer),
        .subject = name_of(&subject_name, subject),
        .not_before = c->early ? NOW + DAY : NOW - DAY,
        .not_after = c->expired ? NOW - 1 : NOW + 30 * DAY,
        .spki = buf_bytes(&spki),
        .is_ca = is_ca && !c->no_ca,
        .path_len = c->path_len,
        .key_usage = c->no_sign ? X509_KU_CRL_SIGN
                     : is_ca    ? X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN
                                : X509_KU_DIGITAL_SIGNATURE,
    };
    if (!is_ca) {
        t.extended_key_usage = c->client_only ? client : server;
        t.extended_key_usage_n = 1;
        t.dns = (struct x509_names){dns, 2};
        t.ip = (struct x509_names){&ip, 1};
    }
    buf_init(out, 4096);
    assert_int_equal(
        x509_cert_write(&h->env, &t, c->wrong_key ? h->server_key : issuer_key, out, &f), ERR_OK);
    if (c->broken_signature)
        out->p[out->n - 1] ^= 1;
    buf_clear(&issuer_name);
    buf_clear(&subject_name);
    buf_clear(&spki);
}

static void house_open(struct house *h, const struct change *c) {
    struct fault f;
    *h = (struct house){.env = env_system(NULL)};
    struct signing_key **keys[] = {&h->root_key, &h->middle_key, &h->server_key};
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(signing_key_make(&h->env, KEY_EC_P256, 0, keys[i], &f), ERR_OK);
    put(h, &h->root, "Root CA", h->root_key, "Root CA", h->root_key, c);
    put(h, &h->middle, "Root CA", h->root_key, "Middle CA", h->middle_key, c);
    put(h, &h->server, "Middle CA", h->middle_key, "clm", h->server_key, c);
    put(h, &h->other, "Other CA", h->server_key, "Other CA", h->server_key, c);
    arena_init(&h->arena, 1 << 20);
}

static void house_close(struct house *h) {
    signing_key_close(h->root_key);
    signing_key_close(h->middle_key);
    signing_key_close(h->server_key);
    buf_clear(&h->root);
    buf_clear(&h->middle);
    buf_clear(&h->server);
    buf_clear(&h->other);
    arena_clear(&h->arena);
}

static enum err verify(struct house *h, const char *order, const struct buf *trusted, bool pinned,
                       const char *host, struct fault *f) {
    struct bytes chain[CHAIN + 40];
    uint8_t pin[1][X509_SHA256_SIZE];
    struct x509_cert root;
    size_t n = 0;
    for (const char *p = order; *p != '\0'; p++)
        chain[n++] = buf_bytes(*p == 's'   ? &h->server
                               : *p == 'm' ? &h->middle
                               : *p == 'r' ? &h->root
                                           : &h->other);
    assert_int_equal(x509_cert_read(&h->arena, buf_bytes(trusted), &root, NULL), ERR_OK);
    x509_cert_sha256(&root, pin[0]);
    struct x509_trust pins = {.pins = (const uint8_t(*)[X509_SHA256_SIZE])pin, .pins_n = 1},
                      roots = {.roots = &root, .roots_n = 1};
    *f = (struct fault){.what = ""};
    return x509_chain_verify(&h->arena, chain, n, pinned ? &pins : &roots, bytes_text(host), NOW,
                             f);
}

static void accepts_good_chains(void **state) {
    (void)state;
    static const struct change none = {.path_len = -1};
    static const struct {
        const char *order, *host;
        bool pinned;
    } rows[] = {
        {"smr",   "clm.example.com",     true },
        {"srm",   "CLM.example.com.",    true },
        {"somr",  "127.0.0.1",           true },
        {"sm",    "x.alias.example.com", false},
        {"smr",   "clm.example.com",     false},
        {"smmmm", "clm.example.com",     false},
    };
    struct house h;
    struct fault f;
    house_open(&h, &none);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (verify(&h, rows[i].order, &h.root, rows[i].pinned, rows[i].host, &f) != ERR_OK)
            fail_msg("row %zu: %s: %s", i, f.what, f.detail);
    house_close(&h);
}

static void says_what_is_wrong(void **state) {
    (void)state;
    static const struct change none = {.path_len = -1};
    static const struct {
        const char *order, *host, *what;
    } rows[] = {
        {"smr", "other.example.com", "server name"   },
        {"smr", "127.0.0.2",         "server address"},
        {"smr", "::1",               "server address"},
        {"sm",  "clm.example.com",   "root"          }, /* pinned, and not sent along */
        {"sr",  "clm.example.com",   "root"          },
        {"s",   "clm.example.com",   "root"          },
        {"",    "clm.example.com",   "certificate"   },
        {"mrs", "clm.example.com",   "server name"   }, /* the leaf is not first */
    };
    struct house h;
    struct fault f;
    house_open(&h, &none);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(verify(&h, rows[i].order, &h.root, true, rows[i].host, &f), ERR_TLS);
        assert_string_equal(f.what, rows[i].what);
        assert_true(f.detail[0] != '\0');
    }
    assert_int_equal(verify(&h, "smr", &h.other, true, "clm.example.com", &f), ERR_TLS);
    assert_string_equal(f.what, "root");
    assert_int_equal(verify(&h, "smr", &h.other, false, "clm.example.com", &f), ERR_TLS);
    assert_string_equal(f.what, "root");
    assert_int_equal(
        verify(&h, "smrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr", &h.root, true, "clm.example.com", &f),
        ERR_LIMIT);
    house_close(&h);
}

static void refuses_changed_certificates(void **state) {
    (void)state;
    static const struct {
        struct change change;
        const char *what; /* NULL: good all the same */
    } rows[] = {
        {{.who = 's', .expired = true, .path_len = -1},          "dates"    },
        {{.who = 'm', .expired = true, .path_len = -1},          "dates"    },
        {{.who = 'r', .expired = true, .path_len = -1},          "dates"    },
        {{.who = 's', .early = true, .path_len = -1},            "dates"    },
        {{.who = 'm', .no_ca = true, .path_len = -1},            "key usage"},
        {{.who = 'r', .no_ca = true, .path_len = -1},            "key usage"},
        {{.who = 'm', .no_sign = true, .path_len = -1},          "key usage"},
        {{.who = 's', .client_only = true, .path_len = -1},      "key usage"},
        {{.who = 'r', .path_len = 0},                            "key usage"},
        {{.who = 'r', .path_len = 1},                            NULL       },
        {{.who = 'm', .path_len = 0},                            NULL       },
        {{.who = 's', .wrong_key = true, .path_len = -1},        "signature"},
        {{.who = 'm', .wrong_key = true, .path_len = -1},        "signature"},
        {{.who = 's', .broken_signature = true, .path_len = -1}, "signature"},
        {{.who = 's', .wrong_issuer = true, .path_len = -1},     "root"     },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct house h;
        struct fault f;
        house_open(&h, &rows[i].change);
        enum err e = verify(&h, "smr", &h.root, true, "clm.example.com", &f);
        if (e != (rows[i].what == NULL ? ERR_OK : ERR_TLS) ||
            (e != ERR_OK && strcmp(f.what, rows[i].what) != 0))
            fail_msg("row %zu: %s: %s", i, f.what, f.detail);
        house_close(&h);
    }
}

/* A root at hand that allows no CA below it has one below it all the same. */
static void path_length_of_roots_at_hand(void **state) {
    (void)state;
    static const struct {
        int path_len;
        enum err code;
    } rows[] = {
        {0,  ERR_TLS},
        {1,  ERR_OK },
        {-1, ERR_OK }
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct change change = {.who = 'r', .path_len = rows[i].path_len};
        struct house h;
        struct fault f;
        house_open(&h, &change);
        assert_int_equal(verify(&h, "sm", &h.root, false, "clm.example.com", &f), rows[i].code);
        house_close(&h);
    }
}

static void reads_back_what_it_wrote(void **state) {
    (void)state;
    static const struct change none = {.path_len = 0};
    struct house h;
    struct x509_cert root, server;
    house_open(&h, &none);
    assert_int_equal(x509_cert_read(&h.arena, buf_bytes(&h.root), &root, NULL), ERR_OK);
    assert_int_equal(x509_cert_read(&h.arena, buf_bytes(&h.server), &server, NULL), ERR_OK);
    assert_int_equal(root.deviations | server.deviations, 0);
    assert_int_equal(root.version, 3);
    assert_int_equal(x509_cert_self_signed(&root), X509_YES);
    assert_int_equal(x509_cert_self_signed(&server), X509_NO);
    assert_true(root.is_ca && !server.is_ca && server.has_basic_constraints);
    assert_int_equal(root.key_usage, X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN);
    assert_int_equal(server.key_usage, X509_KU_DIGITAL_SIGNATURE);
    assert_string_equal(server.extended_key_usage[0], "serverAuth");
    assert_int_equal(server.not_before, NOW - DAY);
    assert_int_equal(server.not_after, NOW + 30 * DAY);
    assert_true(server.serial.n >= 15 && server.serial.n <= 17 && server.serial.p[0] < 0x80);
    assert_int_equal(server.alt.dns.n, 2);
    assert_int_equal(server.alt.ip.n, 1);
    assert_int_equal(server.subject_key_id.n, 20);
    assert_string_equal(server.key.curve, "P-256");
    house_close(&h);
}

static void serial_key_ids_and_years(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct signing_key *key;
    struct buf spki, out;
    struct x509_cert cert;
    struct arena a;
    struct bytes dns = bytes_text("only.example.com");
    buf_init(&spki, 1024);
    buf_init(&out, 8192);
    arena_init(&a, 1 << 16);
    assert_int_equal(signing_key_make(&env, KEY_RSA, 1024, &key, NULL), ERR_OK);
    signing_key_spki(key, &spki);
    struct x509_template t = {
        .serial = bytes_of("\0\xff", 2),
        .not_before = 0,
        .not_after = 253402300799, /* 9999-12-31: no end */
        .spki = buf_bytes(&spki),
        .issuer_spki = buf_bytes(&spki),
        .key_usage = X509_KU_DECIPHER_ONLY | X509_KU_KEY_AGREEMENT,
        .path_len = -1,
        .dns = {&dns, 1},
    };
    assert_int_equal(x509_cert_write(&env, &t, key, &out, NULL), ERR_OK);
    assert_int_equal(x509_cert_read(&a, buf_bytes(&out), &cert, NULL), ERR_OK);
    assert_int_equal(cert.serial.n, 2);
    assert_memory_equal(cert.serial.p, "\0\xff", 2);
    assert_int_equal(cert.not_before, 0);
    assert_int_equal(cert.not_after, 253402300799);
    assert_int_equal(cert.key_usage, X509_KU_DECIPHER_ONLY | X509_KU_KEY_AGREEMENT);
    assert_true(bytes_equal(cert.subject_key_id, cert.authority_key_id));
    assert_true(cert.alt.critical); /* the subject is empty */
    assert_int_equal(cert.deviations, X509_DEV_ISSUER_EMPTY);
    assert_int_equal(x509_cert_signed_by(&cert, &cert), ERR_OK);
    t.spki = bytes_text("none");
    struct fault f;
    assert_int_equal(x509_cert_write(&env, &t, key, &out, &f), ERR_FORMAT);
    buf_clear(&spki);
    buf_clear(&out);
    arena_clear(&a);
    signing_key_close(key);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_good_chains),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(refuses_changed_certificates),
        cmocka_unit_test(reads_back_what_it_wrote),
        cmocka_unit_test(serial_key_ids_and_years),
        cmocka_unit_test(path_length_of_roots_at_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
