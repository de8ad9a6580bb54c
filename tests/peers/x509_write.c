/* Writes a root, a server certificate and their keys into a folder, as `clm-server init`
 * does, for openssl to judge: x509_write FOLDER ec|rsa. */
#include "base/file.h"
#include "base/os.h"
#include "crypto/crypto.h"
#include "x509/x509.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 86400 };

static int fail(const struct fault *f) {
    char text[512];
    fprintf(stderr, "x509_write: %s\n", fault_text(f, text, sizeof text));
    return 1;
}

static enum err save(const char *folder, const char *name, const char *label, const struct buf *der,
                     struct fault *f) {
    struct buf path, text;
    buf_init(&path, 4096);
    buf_init(&text, 1 << 16);
    buf_printf(&path, "%s/%s", folder, name);
    pem_write(&text, label, buf_bytes(der));
    enum err e = file_replace(buf_cstr(&path), buf_bytes(&text), 0600, f);
    buf_clear(&path);
    buf_clear(&text);
    return e;
}

int main(int argc, char **argv) {
    static const enum oid usage[] = {OID_SERVER_AUTH};
    static const uint8_t v4[] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
    struct bytes dns[] = {bytes_text("clm.example.com"), bytes_text("*.alias.example.com")};
    struct bytes ip[] = {bytes_of(v4, 4), bytes_of(v6, 16)};
    struct x509_attribute root_name[] = {
        {OID_COUNTRY,      "DE"           },
        {OID_ORGANIZATION, "Größe, Inc."},
        {OID_COMMON_NAME,  "clm root"     }
    };
    struct x509_attribute server_name[] = {
        {OID_COMMON_NAME, "clm.example.com"}
    };
    struct buf names[2], spki[2], root, server, root_der, server_der;
    struct signing_key *root_key = NULL, *server_key = NULL;
    struct fault f;

    os_start(&argc, &argv);
    if (argc != 3)
        return 2;
    struct env env = env_system(NULL);
    enum key_kind kind = strcmp(argv[2], "rsa") == 0 ? KEY_RSA : KEY_EC_P256;
    struct buf *all[] = {&names[0], &names[1], &spki[0],  &spki[1],
                         &root,     &server,   &root_der, &server_der};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_init(all[i], 1 << 16);
    if (signing_key_make(&env, kind, 2048, &root_key, &f) ||
        signing_key_make(&env, kind, 2048, &server_key, &f))
        return fail(&f);
    x509_name_write(&names[0], root_name, 3);
    x509_name_write(&names[1], server_name, 1);
    signing_key_spki(root_key, &spki[0]);
    signing_key_spki(server_key, &spki[1]);
    int64_t now_s = env_now_s(&env);
    struct x509_template t = {.issuer = buf_bytes(&names[0]),
                              .subject = buf_bytes(&names[0]),
                              .not_before = now_s - DAY,
                              .not_after = 2524608000, /* 2050: GeneralizedTime */
                              .spki = buf_bytes(&spki[0]),
                              .issuer_spki = buf_bytes(&spki[0]),
                              .is_ca = true,
                              .path_len = 0,
                              .key_usage = X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN};
    if (x509_cert_write(&env, &t, root_key, &root, &f))
        return fail(&f);
    t.subject = buf_bytes(&names[1]);
    t.not_after = now_s + 90 * DAY;
    t.spki = buf_bytes(&spki[1]);
    t.is_ca = false;
    t.key_usage = X509_KU_DIGITAL_SIGNATURE;
    t.extended_key_usage = usage;
    t.extended_key_usage_n = 1;
    t.dns = (struct x509_names){dns, 2};
    t.ip = (struct x509_names){ip, 2};
    if (x509_cert_write(&env, &t, root_key, &server, &f))
        return fail(&f);
    signing_key_write(root_key, &root_der);
    signing_key_write(server_key, &server_der);
    if (save(argv[1], "root.pem", "CERTIFICATE", &root, &f) ||
        save(argv[1], "server.pem", "CERTIFICATE", &server, &f) ||
        save(argv[1], "root.key", "PRIVATE KEY", &root_der, &f) ||
        save(argv[1], "server.key", "PRIVATE KEY", &server_der, &f))
        return fail(&f);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_clear(all[i]);
    signing_key_close(root_key);
    signing_key_close(server_key);
    return 0;
}
