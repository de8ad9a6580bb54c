/* x509/container: what a file is, found by its content, and what it holds. */
#include "base/der.h"
#include "crypto/crypto.h"
#include "tests/unit/data.h"
#include "x509/container.h"
#include "x509/x509.h"

#include <string.h>

/* What a reading told, one letter each: a certificate's kind (p, d, 7, 2, j), f for a fault. */
struct told {
    char letters[64];
    size_t n, stop_after; /* stop_after: certificates; 0 for never */
    /* What to answer: the password given, those asked for one after the other. */
    const char *password, *asked[4];
    size_t asked_n;
    struct buf names;   /* "a|b|" */
    struct buf ders;    /* all certificates, one behind the other */
    struct fault fault; /* the last one */
};

static void note(struct told *t, char letter) {
    if (t->n < sizeof t->letters - 1)
        t->letters[t->n++] = letter;
}

static bool on_certificate(void *context, const struct x509_container_entry *entry) {
    struct told *t = context;
    static const char letters[] = {[X509_CONTAINER_PEM] = 'p',
                                   [X509_CONTAINER_DER] = 'd',
                                   [X509_CONTAINER_PKCS7] = '7',
                                   [X509_CONTAINER_PKCS12] = '2',
                                   [X509_CONTAINER_JKS] = 'j'};
    note(t, letters[entry->type]);
    buf_put(&t->ders, entry->der);
    buf_put(&t->names, entry->name);
    buf_u8(&t->names, '|');
    return t->stop_after == 0 || t->n < t->stop_after;
}

static void on_fault(void *context, const struct fault *f) {
    struct told *t = context;
    note(t, 'f');
    t->fault = *f;
}

static bool on_ask(void *context, struct buf *password) {
    struct told *t = context;
    const char *answer = t->asked_n < COUNT_OF(t->asked) ? t->asked[t->asked_n] : NULL;
    t->asked_n++;
    if (answer != NULL)
        buf_text(password, answer);
    return answer != NULL;
}

static void told_clear(struct told *t) {
    buf_clear(&t->ders);
    buf_clear(&t->names);
}

static struct x509_container_account read_file(struct bytes file, struct told *t) {
    const struct bytes password = bytes_text(t->password != NULL ? t->password : "");
    const struct x509_container_reader reader = {.context = t,
                                                 .certificate = on_certificate,
                                                 .fault = on_fault,
                                                 .password = t->password != NULL ? &password : NULL,
                                                 .ask = on_ask};
    struct x509_container_account account;
    told_clear(t);
    buf_init(&t->ders, 1 << 20);
    buf_init(&t->names, 4096);
    memset(t->letters, 0, sizeof t->letters);
    t->n = t->asked_n = 0;
    x509_container_read(file, &reader, &account);
    return account;
}

/* ---- the two plain kinds ---- */

#define C "x509/ec-P-256.der"
#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END "\n-----END CERTIFICATE-----\n"

static const struct {
    const char *what;
    /* Parts: a file of tests/data, or text where it begins with '=' ; NULL closes. */
    const char *parts[6];
    enum x509_container type;
    const char *letters;
    size_t keys, others;
} files[] = {
    {"nothing",                               {NULL},                                          X509_CONTAINER_NONE, "f",  0, 0},
    {"text",                                  {"=no certificate"},                             X509_CONTAINER_NONE, "f",  0, 0},
    {"text that begins like a SEQUENCE",
     {"=0 s:CN\n" BEGIN "aGk=" END},
     X509_CONTAINER_PEM,                                                                                            "p",
     0,                                                                                                                      0},
    {"one certificate",                       {C},                                             X509_CONTAINER_DER,  "d",  0, 0},
    {"two",                                   {C, C},                                          X509_CONTAINER_DER,  "dd", 0, 0},
    {"one, and text behind it",               {C, "=\n"},                                      X509_CONTAINER_DER,  "df", 0, 0},
    {"one, and PEM behind it",                {C, "=" BEGIN "aGk=" END},                       X509_CONTAINER_DER,  "df", 0, 0},
    {"PKCS#8",                                {"keys/ec-pkcs8.der"},                           X509_CONTAINER_DER,  "",   1, 0},
    {"PKCS#1",                                {"keys/rsa-pkcs1.der"},                          X509_CONTAINER_DER,  "",   1, 0},
    {"SEC 1",                                 {"keys/ec-sec1.der", C},                         X509_CONTAINER_DER,  "d",  1, 0},
    {"Ed25519",                               {"keys/ed25519-pkcs8.der"},                      X509_CONTAINER_DER,  "",   1, 0},
    {"a request",                             {"requests/ec-p256.der"},                        X509_CONTAINER_DER,  "",   0, 1},
    {"a request without attributes",          {"requests/bare.der"},                           X509_CONTAINER_DER,  "",   0, 1},
    {"a revocation list",                     {"requests/list.der", C},                        X509_CONTAINER_DER,  "d",  0, 1},
    {"a key and a certificate in PEM",        {"cases/key-first.pem"},                         X509_CONTAINER_PEM,  "p",  1, 0},
    {"PEM that is cut, then one that is not",
     {"=" BEGIN "aGk=\n" BEGIN "aGk=" END},
     X509_CONTAINER_PEM,                                                                                            "fp",
     0,                                                                                                                      0},
    {"other PEM",                             {"=-----BEGIN X-----\naGk=\n-----END X-----\n"}, X509_CONTAINER_PEM,  "",   0, 1},
};

static void put_part(struct buf *file, const char *part) {
    if (part[0] == '=') {
        buf_text(file, part + 1);
        return;
    }
    struct buf content = data_file(part);
    buf_put(file, buf_bytes(&content));
    buf_clear(&content);
}

static void tells_what_a_file_holds(void **state) {
    (void)state;
    struct told t = {0};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf file;
        buf_init(&file, 1 << 20);
        for (size_t part = 0; part < 6 && files[i].parts[part] != NULL; part++)
            put_part(&file, files[i].parts[part]);
        struct x509_container_account a = read_file(buf_bytes(&file), &t);
        if (strcmp(t.letters, files[i].letters) != 0 || a.type != files[i].type ||
            a.private_keys != files[i].keys || a.others != files[i].others)
            fail_msg("%s: '%s', type %d, %zu keys, %zu others", files[i].what, t.letters,
                     (int)a.type, a.private_keys, a.others);
        if (a.faults > 0)
            assert_int_equal(t.fault.code, ERR_FORMAT);
        buf_clear(&file);
    }
    told_clear(&t);
}

/* Every certificate that OpenSSL made here is one, in both forms, to the byte. */
static void certificates_stay_as_they_are(void **state) {
    (void)state;
    static const char *const names[] = {C,
                                        "x509/everything.der",
                                        "x509/pss-key.der",
                                        "x509/ed448.der",
                                        "x509/rsa5120.der",
                                        "cases/empty-subject.der",
                                        "cases/utctime-no-seconds.der"};
    struct told t = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf der = data_file(names[i]), pem;
        buf_init(&pem, 1 << 20);
        pem_write(&pem, "CERTIFICATE", buf_bytes(&der));
        read_file(buf_bytes(&der), &t);
        assert_true(bytes_equal(buf_bytes(&t.ders), buf_bytes(&der)));
        read_file(buf_bytes(&pem), &t);
        assert_true(bytes_equal(buf_bytes(&t.ders), buf_bytes(&der)));
        buf_clear(&der);
        buf_clear(&pem);
    }
    told_clear(&t);
}

static void stops_when_told(void **state) {
    (void)state;
    struct told t = {.stop_after = 1};
    struct buf file;
    buf_init(&file, 1 << 20);
    put_part(&file, C);
    put_part(&file, C);
    assert_int_equal(read_file(buf_bytes(&file), &t).certificates, 1);
    buf_reset(&file);
    for (int i = 0; i < 3; i++)
        buf_text(&file, BEGIN "aGk=" END);
    assert_int_equal(read_file(buf_bytes(&file), &t).certificates, 1);
    buf_clear(&file);
    told_clear(&t);
}

/* They are all counted; told are as many as somebody will read. */
static void many_faults(void **state) {
    (void)state;
    struct told t = {0};
    struct buf file;
    buf_init(&file, 1 << 20);
    for (int i = 0; i < 1000; i++)
        buf_text(&file, BEGIN "*" END);
    struct x509_container_account a = read_file(buf_bytes(&file), &t);
    assert_int_equal(a.faults, 1000);
    assert_int_equal(t.n, sizeof t.letters - 1);
    buf_clear(&file);
    told_clear(&t);
}

static void every_prefix(const char *name, size_t most) {
    struct told t = {0};
    struct buf file = data_file(name);
    for (size_t n = 0; n < file.n; n++) {
        struct x509_container_account a = read_file(bytes_part(buf_bytes(&file), 0, n), &t);
        assert_true(a.certificates <= most);
        assert_true(a.certificates + a.faults + a.private_keys + a.others > 0);
    }
    buf_clear(&file);
    told_clear(&t);
}

static void every_prefix_of_plain_files(void **state) {
    (void)state;
    every_prefix("cases/key-first.pem", 1);
    every_prefix(C, 0);
}

/* Labels that are right, old, or those of something else. */
static void labels_of_pem(void **state) {
    (void)state;
    static const struct {
        const char *label, *file, *letters;
        size_t others;
    } rows[] = {
        {"PKCS7",               "containers/two.p7b",   "77", 0},
        {"CMS",                 "containers/ber.p7m",   "77", 0},
        {"PKCS #7 SIGNED DATA", "containers/two.p7b",   "77", 0},
        {"CERTIFICATE",         "containers/two.p7b",   "77", 0},
        {"PKCS12",              "containers/clear.p12", "22", 0},
        {"PKCS7",               "containers/leaf.der",  "f",  0},
        {"CMS",                 "keys/ec-pkcs8.der",    "f",  0},
        {"X509 CERTIFICATE",    "containers/leaf.der",  "p",  0},
        {"TRUSTED CERTIFICATE", "containers/leaf.der",  "p",  0},
        {"X509 CRL",            "requests/list.der",    "",   1},
        {"CERTIFICATE REQUEST", "requests/bare.der",    "",   1},
        {"EC PARAMETERS",       "containers/two.p7b",   "",   1},
    };
    struct told t = {0};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf der = data_file(rows[i].file), pem;
        buf_init(&pem, 1 << 20);
        buf_text(&pem, "\xef\xbb\xbf"
                       "a line before\r\n");
        pem_write(&pem, rows[i].label, buf_bytes(&der));
        struct x509_container_account a = read_file(buf_bytes(&pem), &t);
        if (strcmp(t.letters, rows[i].letters) != 0 || a.others != rows[i].others ||
            a.type != X509_CONTAINER_PEM)
            fail_msg("%s, %s: '%s', %zu others", rows[i].label, rows[i].file, t.letters, a.others);
        buf_clear(&der);
        buf_clear(&pem);
    }
    told_clear(&t);
}

/* ---- the others ---- */

/* clang-format off */
static const struct {
    const char *file, *password; /* password: NULL for none */
    enum x509_container type;
    const char *letters, *names;
    size_t keys, others;
    enum err e; /* of the last fault */
} stores[] = {
    {"two.p7b",           NULL,      X509_CONTAINER_PKCS7,  "77",   "||", 0, 0, ERR_OK},
    {"two-p7.pem",        NULL,      X509_CONTAINER_PEM,    "77",   "||", 0, 0, ERR_OK},
    {"ber.p7m",           NULL,      X509_CONTAINER_PKCS7,  "77",   "||", 0, 0, ERR_OK},
    {"pbes2.p12",         "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"pbes2.p12",         NULL,      X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_PASSWORD},
    {"pbes2.p12",         "wrong",   X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_PASSWORD},
    {"pbes2.p12",         "",        X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_PASSWORD},
    {"pbes2-sha512.p12",  "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"legacy.p12",        "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"legacy.p12",        "wrong",   X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_PASSWORD},
    {"3des.p12",          "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"2des.p12",          "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"rc2-128.p12",       "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"rc4.p12",           "right",   X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_UNSUPPORTED},
    {"rc4.p12",           "wrong",   X509_CONTAINER_PKCS12, "ff",   "", 1, 0, ERR_UNSUPPORTED},
    {"nomac.p12",         "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"nomac.p12",         "wrong",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK}, /* it needs none */
    {"empty.p12",         NULL,      X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"empty.p12",         "",        X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"empty.p12",         "wrong",   X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_PASSWORD},
    {"clear.p12",         NULL,      X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"clear.p12",         "right",   X509_CONTAINER_PKCS12, "22",   "leaf name|root name|", 1, 0, ERR_OK},
    {"clear.p12",         "wrong",   X509_CONTAINER_PKCS12, "f22",  "leaf name|root name|", 1, 0, ERR_PASSWORD},
    {"utf8.p12",          "\xc3\xa4\xe2\x82\xac\xf0\x9f\x94\x91", X509_CONTAINER_PKCS12, "22", "leaf name|root name|", 1, 0, ERR_OK},
    {"java.p12",          "rightly", X509_CONTAINER_PKCS12, "222",  "leaf name|CN=container root|root name|", 1, 0, ERR_OK},
    {"java.p12",          "right",   X509_CONTAINER_PKCS12, "f",    "", 1, 0, ERR_PASSWORD},
    {"java-old.p12",      "rightly", X509_CONTAINER_PKCS12, "222",  "leaf name|CN=container root|root name|", 1, 0, ERR_OK},
    {"java.jks",          NULL,      X509_CONTAINER_JKS,    "jjj",  "root name|leaf name|leaf name|", 1, 0, ERR_OK},
    {"java.jks",          "rightly", X509_CONTAINER_JKS,    "jjj",  "root name|leaf name|leaf name|", 1, 0, ERR_OK},
    {"java.jks",          "right",   X509_CONTAINER_JKS,    "jjjf", "root name|leaf name|leaf name|", 1, 0, ERR_PASSWORD},
};
/* clang-format on */

static struct buf store_file(const char *name) {
    char path[100];
    snprintf(path, sizeof path, "containers/%s", name);
    return data_file(path);
}

static void reads_the_stores_of_others(void **state) {
    (void)state;
    struct told t = {0};
    struct buf leaf = store_file("leaf.der"), root = store_file("ca.der"), all;
    buf_init(&all, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(stores); i++) {
        struct buf file = store_file(stores[i].file);
        t.password = stores[i].password;
        struct x509_container_account a = read_file(buf_bytes(&file), &t);
        if (strcmp(t.letters, stores[i].letters) != 0 || a.type != stores[i].type ||
            a.private_keys != stores[i].keys || a.others != stores[i].others ||
            strcmp(buf_cstr(&t.names), stores[i].names) != 0)
            fail_msg("%s with '%s': '%s', type %d, %zu keys, %zu others, %s: %s, %s",
                     stores[i].file, t.password, t.letters, (int)a.type, a.private_keys, a.others,
                     buf_cstr(&t.names), t.fault.what, t.fault.detail);
        if (a.faults > 0)
            assert_int_equal(t.fault.code, stores[i].e);
        buf_reset(&all);
        for (size_t n = 0; n < a.certificates; n++)
            buf_put(&all, buf_bytes(n == (a.type == X509_CONTAINER_JKS) ? &leaf : &root));
        assert_true(bytes_equal(buf_bytes(&t.ders), buf_bytes(&all)));
        if (strncmp(stores[i].file, "clear", 5) == 0 || a.type == X509_CONTAINER_JKS)
            assert_int_equal(t.asked_n, 0);
        buf_clear(&file);
    }
    buf_clear(&leaf);
    buf_clear(&root);
    buf_clear(&all);
    told_clear(&t);
}

/* A secret key has no length: what stands before it is read, the rest is told as lost. */
static void a_secret_key_ends_a_jceks(void **state) {
    (void)state;
    struct told t = {0};
    struct buf file = store_file("java.jceks");
    struct x509_container_account a = read_file(buf_bytes(&file), &t);
    assert_int_equal(a.type, X509_CONTAINER_JKS);
    assert_int_equal(a.faults, 1);
    assert_int_equal(t.fault.code, ERR_UNSUPPORTED);
    assert_true(a.private_keys >= 1 && t.n == a.certificates + 1);
    buf_clear(&file);
    told_clear(&t);
}

static void asks_for_the_password(void **state) {
    (void)state;
    static const struct {
        const char *password, *asked[4];
        const char *letters;
        size_t asked_n;
    } rows[] = {
        {NULL,    {"right"},                            "22", 1},
        {NULL,    {"wrong", "right"},                   "22", 2},
        {"wrong", {"wrong", "", "right"},               "22", 3},
        {NULL,    {"wrong", "wrong", "wrong", "right"}, "f",  3},
        {NULL,    {"wrong", NULL},                      "f",  2},
        {"right", {NULL},                               "22", 0},
    };
    struct buf file = store_file("pbes2.p12");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct told t = {.password = rows[i].password};
        memcpy(t.asked, rows[i].asked, sizeof t.asked);
        read_file(buf_bytes(&file), &t);
        assert_string_equal(t.letters, rows[i].letters);
        assert_int_equal(t.asked_n, rows[i].asked_n);
        told_clear(&t);
    }
    buf_clear(&file);
}

/* Encrypted, without a MAC: that it becomes a list tells whether the password is right. */
static void reads_without_a_mac(void **state) {
    (void)state;
    static const struct {
        const char *file, *password, *letters;
    } rows[] = {
        {"pbes2.p12",  "right", "22"},
        {"pbes2.p12",  "wrong", "f" },
        {"legacy.p12", "right", "22"},
        {"legacy.p12", "wrong", "f" },
        {"empty.p12",  NULL,    "22"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct told t = {.password = rows[i].password};
        struct buf file = store_file(rows[i].file), out;
        struct cur c = cur_open(buf_bytes(&file)), pfx = der_open(&c, DER_SEQUENCE);
        buf_init(&out, 1 << 20);
        size_t whole = der_begin(&out, DER_SEQUENCE);
        der_put_u64(&out, der_u64(&pfx));
        buf_put(&out, der_whole(&pfx, DER_SEQUENCE));
        der_close(&out, whole);
        read_file(buf_bytes(&out), &t);
        assert_string_equal(t.letters, rows[i].letters);
        buf_clear(&file);
        buf_clear(&out);
        told_clear(&t);
    }
}

static bool none_asked(void *context, struct buf *password) {
    (void)password;
    (*(size_t *)context)++;
    return false;
}

static bool none_told(void *context, const struct x509_container_entry *entry) {
    (void)context;
    (void)entry;
    return true;
}

static void rounds_are_limited(void **state) {
    (void)state;
    size_t asked = 0;
    const struct bytes password = bytes_text("right");
    struct buf file = store_file("pbes2.p12");
    const struct x509_container_reader reader = {.context = &asked,
                                                 .certificate = none_told,
                                                 .password = &password,
                                                 .ask = none_asked,
                                                 .rounds_max = 1000};
    struct x509_container_account a;
    x509_container_read(buf_bytes(&file), &reader, &a);
    assert_int_equal(a.certificates, 0);
    assert_int_equal(a.faults, 1);
    assert_int_equal(asked, 0);
    buf_clear(&file);
}

/* With the right password: each octet changed is either noticed, or harmless. */
static void changes_are_noticed(void **state) {
    (void)state;
    struct told t = {.password = "right"};
    struct buf file = store_file("2des.p12");
    size_t called_wrong = 0;
    for (size_t at = 0; at < file.n; at++) {
        file.p[at] ^= 0x10;
        struct x509_container_account a = read_file(buf_bytes(&file), &t);
        assert_true(a.certificates <= 2);
        if (a.faults == 0 && a.certificates + a.private_keys != 3 && a.type != X509_CONTAINER_DER)
            fail_msg("octet %zu: %zu certificates, no fault", at, a.certificates);
        called_wrong += a.faults > 0 && t.fault.code == ERR_PASSWORD;
        file.p[at] ^= 0x10;
    }
    /* Salts, and the first block of what is encrypted: they look like a wrong password. */
    assert_true(called_wrong < 60);
    buf_clear(&file);
    told_clear(&t);
}

static void every_prefix_of_stores(void **state) {
    (void)state;
    every_prefix("containers/two.p7b", 2);
    every_prefix("containers/ber.p7m", 2);
    every_prefix("containers/2des.p12", 2);
    every_prefix("containers/clear.p12", 2);
    every_prefix("containers/java.jks", 3);
}

/* ---- written ---- */

static void reads_what_it_writes(void **state) {
    (void)state;
    static const struct {
        const char *key, *name, *password;
        size_t chain_n;
    } rows[] = {
        {"keys/ec-pkcs8.der",  "web.example.test",                          "right",        2},
        {"keys/rsa-pkcs8.der", "",                                          "",             1},
        {"keys/ec-pkcs8.der",  "\xc3\xa4\xf0\x9f\x94\x91 with a long name", "\xe2\x82\xac", 2},
    };
    struct buf leaf = store_file("leaf.der"), root = store_file("ca.der");
    const struct bytes chain[] = {buf_bytes(&leaf), buf_bytes(&root)};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct told t = {.password = rows[i].password};
        struct buf key_der = data_file(rows[i].key), out, wanted;
        struct signing_key *key;
        struct env env = env_system(NULL);
        struct fault f;
        assert_int_equal(signing_key_read(buf_bytes(&key_der), &key, &f), ERR_OK);
        const struct x509_pkcs12 p = {bytes_text(rows[i].name), bytes_text(rows[i].password), key,
                                      chain, rows[i].chain_n};
        buf_init(&out, 1 << 20);
        buf_init(&wanted, 1 << 20);
        assert_int_equal(x509_pkcs12_write(&env, &p, &out, &f), ERR_OK);
        struct x509_container_account a = read_file(buf_bytes(&out), &t);
        assert_int_equal(a.type, X509_CONTAINER_PKCS12);
        assert_int_equal(a.faults, 0);
        assert_int_equal(a.private_keys, 1);
        for (size_t n = 0; n < rows[i].chain_n; n++)
            buf_put(&wanted, chain[n]);
        assert_true(bytes_equal(buf_bytes(&t.ders), buf_bytes(&wanted)));
        assert_true(bytes_starts(buf_bytes(&t.names), rows[i].name));
        assert_int_equal(bytes_find(buf_bytes(&out), bytes_part(buf_bytes(&key_der), 40, 32)),
                         SIZE_MAX);
        t.password = "wrong";
        assert_int_equal(read_file(buf_bytes(&out), &t).certificates, 0);
        signing_key_close(key);
        buf_clear(&key_der);
        buf_clear(&out);
        buf_clear(&wanted);
        told_clear(&t);
    }
    buf_clear(&leaf);
    buf_clear(&root);
}

static bool no_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    (void)out;
    (void)n;
    return false;
}

static void writes_nothing_half(void **state) {
    (void)state;
    struct buf leaf = store_file("leaf.der"), key_der = data_file("keys/ec-pkcs8.der"), out;
    const struct bytes chain[] = {buf_bytes(&leaf)};
    const struct env env = {.random = no_random}, good = env_system(NULL);
    uint8_t longest[1025];
    struct signing_key *key;
    struct fault f;
    assert_int_equal(signing_key_read(buf_bytes(&key_der), &key, &f), ERR_OK);
    struct x509_pkcs12 p = {{0}, bytes_text("x"), key, chain, 1};
    buf_init(&out, 1 << 20);
    assert_int_equal(x509_pkcs12_write(&env, &p, &out, &f), ERR_FAILED);
    buf_clear(&out);
    buf_init(&out, 500);
    assert_int_equal(x509_pkcs12_write(&good, &p, &out, &f), ERR_LIMIT);
    buf_clear(&out);
    memset(longest, 'a', sizeof longest);
    p.password = bytes_of(longest, sizeof longest);
    buf_init(&out, 1 << 20);
    assert_int_equal(x509_pkcs12_write(&good, &p, &out, &f), ERR_PASSWORD);
    assert_int_equal(out.n, 0);
    buf_clear(&out);
    signing_key_close(key);
    buf_clear(&leaf);
    buf_clear(&key_der);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_a_file_holds),
        cmocka_unit_test(certificates_stay_as_they_are),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(many_faults),
        cmocka_unit_test(every_prefix_of_plain_files),
        cmocka_unit_test(labels_of_pem),
        cmocka_unit_test(reads_the_stores_of_others),
        cmocka_unit_test(a_secret_key_ends_a_jceks),
        cmocka_unit_test(asks_for_the_password),
        cmocka_unit_test(reads_without_a_mac),
        cmocka_unit_test(rounds_are_limited),
        cmocka_unit_test(changes_are_noticed),
        cmocka_unit_test(every_prefix_of_stores),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(writes_nothing_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
