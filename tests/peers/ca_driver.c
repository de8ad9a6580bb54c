/* lib/ca and the request writer on the command line, for ca_test.py and openssl to judge:
 *
 *   ca_driver make FOLDER                      root.pem, issuing.pem, issuer.pem
 *   ca_driver key ec|rsa BITS FILE
 *   ca_driver request KEY FILE CN O DNS IP EMAIL URI USAGE    lists comma separated, "" for none
 *   ca_driver issue FOLDER PROFILES NAME REQUEST...           REQUEST.crt beside each
 *   ca_driver crl FOLDER FILE NUMBER [REASON CERTIFICATE]...
 *
 * One line for each REQUEST or CERTIFICATE: "ok FILE", or "ERROR FILE what: detail"; then
 * "  EFFECT RULE: TEXT" for each difference from the profile.
 */
#include "base/file.h"
#include "base/os.h"
#include "base/text.h"
#include "ca/ca.h"
#include "crypto/crypto.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 86400, FILE_MAX = 1 << 22, LIST_MAX = 2000, REVOKED_MAX = 64 };

struct driver {
    struct env env;
    struct arena arena;
    struct fault fault;
};

static int fail(const struct driver *d) {
    char text[512];
    fprintf(stderr, "ca_driver: %s\n", fault_text(&d->fault, text, sizeof text));
    return 1;
}

static struct bytes read_file(struct driver *d, const char *path) {
    struct buf content;
    struct bytes copy = {0};
    buf_init(&content, FILE_MAX);
    if (file_read(path, &content, &d->fault) == ERR_OK)
        copy = arena_copy(&d->arena, buf_bytes(&content));
    buf_clear(&content);
    return copy;
}

/* The DER of a PEM object with this label, or the file as it is. */
static struct bytes read_der(struct driver *d, const char *path, const char *label) {
    struct bytes content = read_file(d, path);
    struct buf der;
    buf_init(&der, FILE_MAX);
    if (pem_find(content, label, &der))
        content = arena_copy(&d->arena, buf_bytes(&der));
    buf_clear(&der);
    return content;
}

static enum err save(struct driver *d, const char *path, const char *label, struct bytes der) {
    struct buf text;
    buf_init(&text, 2 * FILE_MAX);
    pem_write(&text, label, der);
    enum err e = file_replace(path, buf_bytes(&text), 0600, &d->fault);
    buf_clear(&text);
    return e;
}

static enum err save_key(struct driver *d, const char *path, const struct signing_key *key) {
    struct buf der;
    buf_init(&der, 1 << 14);
    signing_key_write(key, &der);
    enum err e = save(d, path, "PRIVATE KEY", buf_bytes(&der));
    buf_clear(&der);
    return e;
}

/* ---- make ---- */

static enum err write_root(struct driver *d, const struct signing_key *key, struct buf *out) {
    struct x509_attribute cn = {OID_COMMON_NAME, "clm root of the test"};
    struct buf name, spki;
    buf_init(&name, 256);
    buf_init(&spki, 4096);
    x509_name_write(&name, &cn, 1);
    signing_key_spki(key, &spki);
    int64_t now_s = env_now_s(&d->env);
    struct x509_template t = {.issuer = buf_bytes(&name),
                              .subject = buf_bytes(&name),
                              .not_before = now_s - DAY,
                              .not_after = now_s + 3650LL * DAY,
                              .spki = buf_bytes(&spki),
                              .is_ca = true,
                              .path_len = 1,
                              .key_usage = X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN};
    enum err e = x509_cert_write(&d->env, &t, key, out, &d->fault);
    buf_clear(&name);
    buf_clear(&spki);
    return e;
}

static struct ca *open_ca(struct driver *d, const char *folder) {
    struct bytes crl = bytes_text("http://clm.example.test/ca/crl"),
                 issuer = bytes_text("http://clm.example.test/ca/issuer.cer");
    struct ca_settings settings = {
        .folder = folder, .crl_urls = {&crl,    1},
             .issuer_urls = {&issuer, 1}
    };
    struct ca *ca = NULL;
    return ca_open(bytes_text("builtin"), &settings, &ca, &d->fault) == ERR_OK ? ca : NULL;
}

static int run_make(struct driver *d, char **argv) {
    const char *folder = argv[0];
    struct signing_key *key = NULL;
    struct x509_cert root;
    struct buf der;
    struct ca *ca = NULL;
    buf_init(&der, 1 << 14);
    enum err e = signing_key_make(&d->env, KEY_EC_P256, 0, &key, &d->fault);
    if (e == ERR_OK)
        e = write_root(d, key, &der);
    if (e == ERR_OK)
        e = x509_cert_read(&d->arena, buf_bytes(&der), &root, &d->fault);
    if (e == ERR_OK)
        e = save(d, path_join(&d->arena, folder, "root.pem"), "CERTIFICATE", buf_bytes(&der));
    if (e == ERR_OK)
        e = ca_builtin_make(&d->env, folder, "clm issuing of the test", key, &root, &d->fault);
    if (e == ERR_OK && (ca = open_ca(d, folder)) == NULL)
        e = d->fault.code;
    if (e == ERR_OK)
        e = save(d, path_join(&d->arena, folder, "issuer.pem"), "CERTIFICATE", ca_certificate(ca));
    ca_close(ca);
    signing_key_close(key);
    buf_clear(&der);
    return e == ERR_OK ? 0 : fail(d);
}

/* ---- key, request ---- */

static int run_key(struct driver *d, char **argv) {
    struct signing_key *key = NULL;
    uint64_t bits = 0;
    enum key_kind kind = strcmp(argv[0], "rsa") == 0 ? KEY_RSA : KEY_EC_P256;
    if (!number_read(bytes_text(argv[1]), 4096, &bits))
        return 2;
    enum err e = signing_key_make(&d->env, kind, (unsigned)bits, &key, &d->fault);
    if (e == ERR_OK)
        e = save_key(d, argv[2], key);
    signing_key_close(key);
    return e == ERR_OK ? 0 : fail(d);
}

static struct x509_names list(struct driver *d, const char *text, bool addresses) {
    struct bytes *items = arena_array(&d->arena, LIST_MAX, sizeof *items);
    struct x509_names out = {items, 0};
    struct cur c = cur_open(bytes_text(text));
    while (items != NULL && c.rest.n > 0 && out.n < LIST_MAX) {
        struct bytes word = cur_until(&c, ',');
        struct ip ip;
        if (addresses && ip_read(word, &ip))
            word = arena_copy(&d->arena, bytes_of(ip.bytes, ip.size));
        items[out.n++] = word;
    }
    return out;
}

static size_t read_usages(const char *text, enum oid out[2], unsigned *key_usage) {
    struct cur c = cur_open(bytes_text(text));
    size_t n = 0;
    *key_usage = 0;
    while (c.rest.n > 0) {
        struct bytes word = cur_until(&c, ',');
        if (bytes_is(word, "serverAuth") && n < 2)
            out[n++] = OID_SERVER_AUTH;
        else if (bytes_is(word, "clientAuth") && n < 2)
            out[n++] = OID_CLIENT_AUTH;
        for (unsigned bit = 0; x509_key_usage_name(bit) != NULL; bit++)
            if (bytes_is(word, x509_key_usage_name(bit)))
                *key_usage |= 1u << bit;
    }
    return n;
}

static enum err read_key(struct driver *d, const char *path, struct signing_key **key) {
    struct buf der;
    buf_init(&der, 1 << 14);
    enum err e = pem_private_key(read_file(d, path), &der, &d->fault);
    if (e == ERR_OK)
        e = signing_key_read(buf_bytes(&der), key, &d->fault);
    buf_clear(&der);
    return e;
}

static int run_request(struct driver *d, char **argv) {
    struct x509_attribute attributes[2];
    struct signing_key *key = NULL;
    enum oid usages[2];
    struct buf subject, der;
    size_t n = 0;
    buf_init(&subject, 4096);
    buf_init(&der, FILE_MAX);
    if (argv[3][0] != '\0')
        attributes[n++] = (struct x509_attribute){OID_ORGANIZATION, argv[3]};
    if (argv[2][0] != '\0')
        attributes[n++] = (struct x509_attribute){OID_COMMON_NAME, argv[2]};
    x509_name_write(&subject, attributes, n);
    struct x509_template t = {.subject = buf_bytes(&subject),
                              .dns = list(d, argv[4], false),
                              .ip = list(d, argv[5], true),
                              .email = list(d, argv[6], false),
                              .uri = list(d, argv[7], false)};
    t.extended_key_usage_n = read_usages(argv[8], usages, &t.key_usage);
    t.extended_key_usage = usages;
    enum err e = read_key(d, argv[0], &key);
    if (e == ERR_OK)
        e = x509_request_write(&d->env, &t, key, &der, &d->fault);
    if (e == ERR_OK)
        e = save(d, argv[1], "CERTIFICATE REQUEST", buf_bytes(&der));
    signing_key_close(key);
    buf_clear(&subject);
    buf_clear(&der);
    return e == ERR_OK ? 0 : fail(d);
}

/* ---- issue ---- */

static void tell(const struct driver *d, const char *path, enum err e) {
    if (e == ERR_OK)
        printf("ok %s\n", path);
    else
        printf("%s %s %s: %s\n", err_row(e)->name, path, d->fault.what, d->fault.detail);
}

static void tell_differences(struct driver *d, const struct x509_request *request,
                             const struct ca_profile *profile) {
    struct ca_verdict v;
    if (ca_match(&d->arena, request, profile, &v, &d->fault) != ERR_OK)
        return;
    for (size_t i = 0; i < v.n; i++)
        printf("  %s %s: %s\n", ca_effect_name(v.items[i].effect), v.items[i].rule,
               v.items[i].text);
}

static enum err save_chain(struct driver *d, const char *request_path,
                           const struct ca_issued *issued) {
    struct buf text, path;
    buf_init(&text, 2 * FILE_MAX);
    buf_init(&path, 4096);
    buf_printf(&path, "%s.crt", request_path);
    pem_write(&text, "CERTIFICATE", issued->certificate);
    for (size_t i = 0; i < issued->chain_n; i++)
        pem_write(&text, "CERTIFICATE", issued->chain[i]);
    enum err e = file_replace(buf_cstr(&path), buf_bytes(&text), 0644, &d->fault);
    buf_clear(&text);
    buf_clear(&path);
    return e;
}

static void issue_one(struct driver *d, const struct ca *ca, const struct ca_profile *profile,
                      const char *path) {
    struct x509_request request;
    struct ca_issued issued;
    struct bytes der = read_der(d, path, "CERTIFICATE REQUEST");
    enum err e = x509_request_read(&d->arena, der, &request, &d->fault);
    bool is_read = e == ERR_OK;
    if (e == ERR_OK)
        e = ca_issue(ca, &d->env, &d->arena, &request, profile, env_now_s(&d->env), &issued,
                     &d->fault);
    if (e == ERR_OK)
        e = save_chain(d, path, &issued);
    tell(d, path, e);
    if (is_read)
        tell_differences(d, &request, profile);
}

static int run_issue(struct driver *d, char **argv) {
    struct ca_profiles all;
    struct ca *ca = open_ca(d, argv[0]);
    if (ca == NULL || ca_profiles_read(&d->arena, read_file(d, argv[1]), argv[1], &all, &d->fault))
        return fail(d);
    const struct ca_profile *profile = ca_profile_find(&all, bytes_text(argv[2]));
    if (profile == NULL)
        return 2;
    for (char **path = argv + 3; *path != NULL; path++)
        issue_one(d, ca, profile, *path);
    ca_close(ca);
    return 0;
}

/* ---- crl ---- */

static int run_crl(struct driver *d, char **argv) {
    struct x509_revoked revoked[REVOKED_MAX];
    struct ca *ca = open_ca(d, argv[0]);
    uint64_t number = 0;
    size_t n = 0;
    struct buf der;
    if (ca == NULL)
        return fail(d);
    buf_init(&der, FILE_MAX);
    if (!number_read(bytes_text(argv[2]), UINT64_MAX, &number))
        return 2;
    int64_t now_s = env_now_s(&d->env);
    for (char **at = argv + 3; at[0] != NULL && at[1] != NULL && n < REVOKED_MAX; at += 2) {
        struct x509_cert cert;
        struct bytes one = read_der(d, at[1], "CERTIFICATE");
        enum x509_reason reason;
        enum err e = x509_reason_read(bytes_text(at[0]), &reason) ? ERR_OK : ERR_USAGE;
        if (e == ERR_OK)
            e = ca_revoke(ca, &d->env, one, reason, now_s, &d->fault);
        if (e == ERR_OK)
            e = x509_cert_read(&d->arena, one, &cert, &d->fault);
        if (e == ERR_OK)
            revoked[n++] = (struct x509_revoked){cert.serial, now_s, reason};
        tell(d, at[1], e);
    }
    enum err e = ca_crl(ca, &d->env, revoked, n, number, now_s, &der, &d->fault);
    if (e == ERR_OK)
        e = save(d, argv[1], "X509 CRL", buf_bytes(&der));
    ca_close(ca);
    buf_clear(&der);
    return e == ERR_OK ? 0 : fail(d);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int least; /* arguments behind the name */
        int (*run)(struct driver *d, char **argv);
    } rows[] = {
        {"make",    1, run_make   },
        {"key",     3, run_key    },
        {"request", 9, run_request},
        {"issue",   4, run_issue  },
        {"crl",     3, run_crl    },
    };
    os_start(&argc, &argv);
    struct driver d = {.env = env_system(NULL)};
    int status = 2;
    arena_init(&d.arena, 1 << 28);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && argc > 1; i++)
        if (strcmp(argv[1], rows[i].name) == 0 && argc - 2 >= rows[i].least)
            status = rows[i].run(&d, argv + 2);
    arena_clear(&d.arena);
    return status;
}
