/* x509: how the certificates of a chain hang together. */
#include "crypto/crypto.h"
#include "tests/unit/data.h"
#include "x509/path.h"

enum { NOW = 1790000000, DAY = 86400, CERTS_MAX = 40 };

/* l: leaf by Middle; m: Middle by Root; r: Root; c: Root by Old, ended; o: Old, ended;
 * x: nothing to do with them; f: Middle's name, another key. */
struct house {
    struct env env;
    struct signing_key *keys[4];
    struct buf der[7];
    struct arena arena;
};
enum { LEAF_KEY, MIDDLE_KEY, ROOT_KEY, OLD_KEY };

static const struct {
    char letter;
    const char *issuer, *subject;
    int issuer_key, key;
    bool is_ca, is_over;
} rows[] = {
    {'l', "Middle", "leaf",   MIDDLE_KEY, LEAF_KEY,   false, false},
    {'m', "Root",   "Middle", ROOT_KEY,   MIDDLE_KEY, true,  false},
    {'r', "Root",   "Root",   ROOT_KEY,   ROOT_KEY,   true,  false},
    {'c', "Old",    "Root",   OLD_KEY,    ROOT_KEY,   true,  true },
    {'o', "Old",    "Old",    OLD_KEY,    OLD_KEY,    true,  true },
    {'x', "Other",  "Other",  LEAF_KEY,   LEAF_KEY,   true,  false},
    {'f', "Root",   "Middle", ROOT_KEY,   LEAF_KEY,   true,  false},
};

static void put_name(struct buf *out, const char *cn) {
    struct x509_attribute a = {OID_COMMON_NAME, cn};
    buf_init(out, 256);
    x509_name_write(out, &a, 1);
}

static void make(struct house *h, size_t i) {
    struct buf issuer, subject, spki;
    struct fault f;
    put_name(&issuer, rows[i].issuer);
    put_name(&subject, rows[i].subject);
    buf_init(&spki, 1024);
    signing_key_spki(h->keys[rows[i].key], &spki);
    struct x509_template t = {
        .issuer = buf_bytes(&issuer),
        .subject = buf_bytes(&subject),
        .not_before = NOW - 10 * DAY,
        .not_after = rows[i].is_over ? NOW - DAY : NOW + 30 * DAY,
        .spki = buf_bytes(&spki),
        .is_ca = rows[i].is_ca,
        .path_len = -1,
        .key_usage = rows[i].is_ca ? X509_KU_KEY_CERT_SIGN : X509_KU_DIGITAL_SIGNATURE,
    };
    buf_init(&h->der[i], 4096);
    assert_int_equal(x509_cert_write(&h->env, &t, h->keys[rows[i].issuer_key], &h->der[i], &f),
                     ERR_OK);
    buf_clear(&issuer);
    buf_clear(&subject);
    buf_clear(&spki);
}

static void house_open(struct house *h) {
    struct fault f;
    *h = (struct house){.env = env_system(NULL)};
    for (size_t i = 0; i < COUNT_OF(h->keys); i++)
        assert_int_equal(signing_key_make(&h->env, KEY_EC_P256, 0, &h->keys[i], &f), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        make(h, i);
    arena_init(&h->arena, 1 << 20);
}

static void house_close(struct house *h) {
    for (size_t i = 0; i < COUNT_OF(h->keys); i++)
        signing_key_close(h->keys[i]);
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        buf_clear(&h->der[i]);
    arena_clear(&h->arena);
}

static size_t read_letters(struct house *h, const char *letters, struct x509_cert *certs) {
    size_t n = 0;
    for (const char *p = letters; *p != '\0'; p++)
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            if (rows[i].letter == *p)
                assert_int_equal(
                    x509_cert_read(&h->arena, buf_bytes(&h->der[i]), &certs[n++], NULL), ERR_OK);
    return n;
}

static void tells_what_is_what(void **state) {
    (void)state;
    /* Roles: P on the way, R root, 2 twice, C cross, - unrelated. Flags: o ordered,
     * c complete, k checked, t in time. */
    static const struct {
        const char *served, *roots, *way, *roles, *flags;
        enum x509_answer trusted;
    } cases[] = {
        {"lm",    "r",  "lm",   "PP",    "ockt", X509_YES    },
        {"lmr",   "r",  "lm",   "PPR",   "ockt", X509_YES    }, /* the root is superfluous */
        {"lmr",   NULL, "lmr",  "PPR",   "ockt", X509_UNKNOWN},
        {"lmr",   "x",  "lmr",  "PPR",   "ockt", X509_NO     },
        {"lrm",   NULL, "lmr",  "PRP",   "ckt",  X509_UNKNOWN}, /* in the wrong order */
        {"lm",    NULL, "lm",   "PP",    "okt",  X509_UNKNOWN},
        {"l",     "r",  "l",    "P",     "okt",  X509_NO     }, /* the intermediate is missing */
        {"l",     "m",  "l",    "P",     "ockt", X509_YES    },
        {"lmcr",  "r",  "lm",   "PPCR",  "ockt", X509_YES    }, /* an ended cross certificate */
        {"lmc",   "r",  "lm",   "PPC",   "ockt", X509_YES    },
        {"lmco",  "r",  "lm",   "PPC-",  "ockt", X509_YES    },
        {"lmco",  NULL, "lmco", "PPPR",  "ock",  X509_UNKNOWN},
        {"lmcor", NULL, "lmr",  "PPC-R", "ockt", X509_UNKNOWN},
        {"lmmxf", "r",  "lm",   "PP2--", "ockt", X509_YES    },
        {"lfm",   "r",  "lm",   "P-P",   "ockt", X509_YES    }, /* the name alone is not enough */
        {"r",     "r",  "r",    "P",     "ockt", X509_YES    },
        {"x",     "r",  "x",    "P",     "ockt", X509_NO     },
        {"lx",    "r",  "l",    "P-",    "okt",  X509_NO     },
    };
    struct house h;
    house_open(&h);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct x509_cert certs[CERTS_MAX], roots[CERTS_MAX];
        struct x509_path path;
        char way[CERTS_MAX] = "", roles[CERTS_MAX] = "", flags[8];
        size_t n = read_letters(&h, cases[i].served, certs);
        struct x509_trust trust = {.roots = roots};
        if (cases[i].roots != NULL)
            trust.roots_n = read_letters(&h, cases[i].roots, roots);
        x509_path_find(certs, n, cases[i].roots == NULL ? NULL : &trust, NOW, &path);
        for (size_t k = 0; k < path.n; k++)
            way[k] = cases[i].served[path.at[k]];
        for (size_t k = 0; k < n; k++)
            roles[k] = "PR2C-"[path.role[k]];
        snprintf(flags, sizeof flags, "%s%s%s%s", path.is_ordered ? "o" : "",
                 path.is_complete ? "c" : "", path.is_checked ? "k" : "",
                 path.is_in_time ? "t" : "");
        if (strcmp(way, cases[i].way) != 0 || strcmp(roles, cases[i].roles) != 0 ||
            strcmp(flags, cases[i].flags) != 0 || path.trusted != cases[i].trusted)
            fail_msg("%s: way %s, roles %s, flags %s, trusted %d", cases[i].served, way, roles,
                     flags, (int)path.trusted);
    }
    house_close(&h);
}

static void says_what_was_not_checked(void **state) {
    (void)state;
    struct buf der = data_file("x509/ec-brainpoolP256r1.der");
    struct arena a;
    struct x509_cert cert;
    struct x509_path path;
    arena_init(&a, 1 << 16);
    assert_int_equal(x509_cert_read(&a, buf_bytes(&der), &cert, NULL), ERR_OK);
    x509_path_find(&cert, 1, NULL, cert.not_before, &path);
    assert_true(path.is_complete && path.is_in_time);
    assert_false(path.is_checked);
    x509_path_find(&cert, 0, NULL, NOW, &path);
    assert_int_equal(path.n, 0);
    arena_clear(&a);
    buf_clear(&der);
}

/* More certificates than are looked at, all of one name: ends soon. */
static void is_bounded(void **state) {
    (void)state;
    struct house h;
    struct x509_cert certs[CERTS_MAX];
    struct x509_path path;
    house_open(&h);
    size_t n = read_letters(&h, "lffffffffffffffffffffffffffffffffffffm", certs);
    assert_true(n > X509_CHAIN_MAX);
    x509_path_find(certs, n, NULL, NOW, &path);
    assert_int_equal(path.n, 1);
    n = read_letters(&h, "lmmmmmmmmmmmmmmmmmmmcccccccccrrrrrr", certs);
    x509_path_find(certs, n, NULL, NOW, &path);
    assert_int_equal(path.n, 3);
    house_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_is_what),
        cmocka_unit_test(says_what_was_not_checked),
        cmocka_unit_test(is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
