/* x509/container: what a file is, found by its content, and what it holds. */
#include "tests/unit/data.h"
#include "x509/container.h"
#include "x509/x509.h"

#include <string.h>

/* What a reading told, one letter each: a certificate's kind (p, d), f for a fault. */
struct told {
    char letters[64];
    size_t n, stop_after; /* stop_after: certificates; 0 for never */
    struct buf ders;      /* all certificates, one behind the other */
    struct fault fault;   /* the last one */
};

static void note(struct told *t, char letter) {
    if (t->n < sizeof t->letters - 1)
        t->letters[t->n++] = letter;
}

static bool on_certificate(void *context, const struct x509_container_entry *entry) {
    struct told *t = context;
    note(t, x509_container_name(entry->type)[0]);
    buf_put(&t->ders, entry->der);
    return t->stop_after == 0 || t->n < t->stop_after;
}

static void on_fault(void *context, const struct fault *f) {
    struct told *t = context;
    note(t, 'f');
    t->fault = *f;
}

static struct x509_container_account read_file(struct bytes file, struct told *t) {
    const struct x509_container_reader reader = {
        .context = t, .certificate = on_certificate, .fault = on_fault};
    struct x509_container_account account;
    size_t stop_after = t->stop_after;
    buf_clear(&t->ders);
    *t = (struct told){.stop_after = stop_after};
    buf_init(&t->ders, 1 << 20);
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
    buf_clear(&t.ders);
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
    buf_clear(&t.ders);
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
    buf_clear(&t.ders);
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
    buf_clear(&t.ders);
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
    buf_clear(&t.ders);
}

static void every_prefix_of_plain_files(void **state) {
    (void)state;
    every_prefix("cases/key-first.pem", 1);
    every_prefix(C, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_a_file_holds),
        cmocka_unit_test(certificates_stay_as_they_are),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(many_faults),
        cmocka_unit_test(every_prefix_of_plain_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
