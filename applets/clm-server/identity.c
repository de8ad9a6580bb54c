/* Keys and certificates of the server itself. See server.h.
 *
 * server.pem holds key and certificate in one file, so that they are replaced at
 * once and can never be a pair that does not fit.
 */
#include "applets/clm-server/server.h"

#include "base/file.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
    FILE_MAX = 1 << 20,
    DAY_S = 24 * 60 * 60,
    ROOT_DAYS = 3653, /* ten years */
    SERVER_DAYS = 365,
    BACK_S = 60 * 60, /* for peers whose clock is a little behind */
};

static enum err write_pem(const char *path, const struct signing_key *key, struct bytes cert_der,
                          int mode, struct fault *f) {
    struct buf text;
    crypto_buf_init(&text, FILE_MAX);
    enum err code = key ? x509_key_text_write(key, &text, f) : ERR_OK;
    if (cert_der.n > 0)
        pem_write(&text, "CERTIFICATE", cert_der);
    if (code == ERR_OK)
        code = text.err == ERR_OK ? file_replace(path, buf_bytes(&text), mode, f)
                                  : fault_set(f, text.err, "PEM", "%s", path);
    buf_clear(&text);
    return code;
}

static struct bytes common_name(struct arena *a, const char *name) {
    struct x509_attribute cn = {OID_COMMON_NAME, name};
    struct buf out;
    buf_init(&out, 1024);
    x509_name_write(&out, &cn, 1);
    struct bytes der = arena_copy(a, buf_bytes(&out));
    buf_clear(&out);
    return der;
}

static struct bytes spki_of(struct arena *a, const struct signing_key *key) {
    struct buf out;
    buf_init(&out, 8192);
    signing_key_spki(key, &out);
    struct bytes der = arena_copy(a, buf_bytes(&out));
    buf_clear(&out);
    return der;
}

static const char *root_path(struct arena *a, const struct settings *s, const char *name,
                             const char *end) {
    char file[32];
    snprintf(file, sizeof file, "%s.%s", name, end);
    return settings_path(a, s, file);
}

enum err identity_make_root(const struct env *env, struct arena *a, const struct settings *s,
                            const char *name, struct fault *f) {
    char title[64 + 1]; /* RFC 5280: ub-common-name */
    struct signing_key *key = NULL;
    struct buf der;
    int64_t now_s = env_now_s(env);
    buf_init(&der, FILE_MAX);
    snprintf(title, sizeof title, "clm %s %s", name, s->names[0]);
    enum err code = signing_key_make(env, KEY_EC_P256, 0, &key, f);
    if (code == ERR_OK) {
        struct bytes subject = common_name(a, title);
        struct x509_template t = {
            .issuer = subject,
            .subject = subject,
            .not_before = now_s - BACK_S,
            .not_after = now_s + (int64_t)ROOT_DAYS * DAY_S,
            .spki = spki_of(a, key),
            .is_ca = true,
            .path_len = 1, /* the built-in authority stands between */
            .key_usage = X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN,
        };
        code = x509_cert_write(env, &t, key, &der, f);
    }
    if (code == ERR_OK)
        code = write_pem(root_path(a, s, name, "key"), key, bytes_of(NULL, 0), 0600, f);
    if (code == ERR_OK)
        code = write_pem(root_path(a, s, name, "pem"), NULL, buf_bytes(&der), 0644, f);
    signing_key_close(key);
    buf_clear(&der);
    return code;
}

/* ---- reading ---- */

static enum err read_file(struct arena *a, const char *path, struct bytes *out, struct fault *f) {
    struct buf text;
    buf_init(&text, FILE_MAX);
    enum err code = file_read(path, &text, f);
    if (code == ERR_OK) {
        *out = arena_copy(a, buf_bytes(&text));
        code = a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "file", "%s", path);
    }
    buf_clear(&text);
    return code;
}

/* The first private key of a PEM text, as DER. */
static enum err read_key(struct arena *a, const char *path, struct bytes text, struct bytes *out,
                         struct fault *f) {
    struct buf der;
    struct fault why;
    crypto_buf_init(&der, FILE_MAX);
    enum err code = pem_private_key(text, &der, &why);
    if (code != ERR_OK)
        code = fault_set(f, ERR_FORMAT, "key", "%s: %s", path, why.detail);
    else
        *out = arena_copy(a, buf_bytes(&der));
    buf_clear(&der);
    return code;
}

static enum err read_chain(struct arena *a, const char *path, struct bytes text,
                           struct identity *out, struct fault *f) {
    struct cur c = cur_open(text);
    struct pem_object object;
    struct buf der;
    size_t before = out->chain_n;
    enum err code = ERR_OK;
    buf_init(&der, FILE_MAX);
    while (code == ERR_OK && pem_next(&c, &der, &object)) {
        if (object.kind != PEM_CERTIFICATE)
            continue;
        if (out->chain_n == HTTP_CHAIN_MAX)
            code = fault_set(f, ERR_LIMIT, "cert", "%s has more than %d certificates", path,
                             HTTP_CHAIN_MAX);
        else
            out->chain[out->chain_n++] = arena_copy(a, object.der);
    }
    buf_clear(&der);
    if (code == ERR_OK && out->chain_n == before)
        code = fault_set(f, ERR_FORMAT, "cert", "%s has no certificate (PEM)", path);
    return code;
}

/* The first of the chain must be for this key. */
static enum err check_pair(struct arena *a, struct identity *out, struct fault *f) {
    struct signing_key *key = NULL;
    struct x509_cert cert;
    enum err code = x509_cert_read(a, out->chain[0], &cert, f);
    if (code == ERR_OK)
        code = signing_key_read(out->key_der, &key, f);
    if (code == ERR_OK && !bytes_equal(spki_of(a, key), cert.spki))
        code = fault_set(f, ERR_CONFLICT, "key", "is another than the certificate's");
    if (code == ERR_OK)
        out->not_after = cert.not_after;
    signing_key_close(key);
    return code;
}

/* Agents pin the root where the chain ends in one; else they trust as their system does. */
static enum err set_pin(struct arena *a, struct identity *out, struct fault *f) {
    struct x509_cert last;
    uint8_t sha256[SHA256_SIZE];
    char hex[2 * SHA256_SIZE + 1], pin[2 * SHA256_SIZE + 16];
    enum err code = x509_cert_read(a, out->chain[out->chain_n - 1], &last, f);
    if (code != ERR_OK)
        return code;
    out->pin = "system";
    if (!last.is_ca || x509_cert_self_signed(&last) != X509_YES)
        return ERR_OK;
    x509_cert_sha256(&last, sha256);
    hex_write(hex, bytes_of(sha256, sizeof sha256));
    snprintf(pin, sizeof pin, "sha256-%s", hex);
    out->pin = arena_cstr(a, bytes_text(pin));
    out->root_sha256 = arena_cstr(a, bytes_text(hex));
    return a->err == ERR_OK ? ERR_OK : fault_set(f, a->err, "root", "no memory");
}

enum err identity_load(struct arena *a, const struct settings *s, struct identity *out,
                       struct fault *f) {
    const char *own = settings_path(a, s, "server.pem"), *root = settings_path(a, s, "root.pem");
    const char *cert = s->cert ? s->cert : own, *key = s->key ? s->key : own;
    struct bytes text;
    *out = (struct identity){0};
    enum err code = read_file(a, key, &text, f);
    if (code == ERR_OK)
        code = read_key(a, key, text, &out->key_der, f);
    if (code == ERR_OK)
        code = read_file(a, cert, &text, f);
    if (code == ERR_OK)
        code = read_chain(a, cert, text, out, f);
    if (code == ERR_OK && !s->cert)
        code = read_file(a, root, &text, f);
    if (code == ERR_OK && !s->cert)
        code = read_chain(a, root, text, out, f);
    if (code == ERR_OK)
        code = check_pair(a, out, f);
    return code == ERR_OK ? set_pin(a, out, f) : code;
}

/* ---- making the server's certificate ---- */

enum err identity_load_root(struct arena *a, const struct settings *s, const char *name,
                            struct identity_root *root, struct fault *f) {
    const char *key_path = root_path(a, s, name, "key");
    const char *cert_path = root_path(a, s, name, "pem");
    struct bytes text, der;
    struct identity chain = {0};
    enum err code = read_file(a, key_path, &text, f);
    if (code == ERR_OK)
        code = read_key(a, key_path, text, &der, f);
    if (code == ERR_OK)
        code = read_file(a, cert_path, &text, f);
    if (code == ERR_OK)
        code = read_chain(a, cert_path, text, &chain, f);
    if (code == ERR_OK)
        code = x509_cert_read(a, chain.chain[0], &root->cert, f);
    if (code == ERR_OK)
        code = signing_key_read(der, &root->key, f);
    return code;
}

/* The names as alternative names: addresses apart. */
static enum err alt_names(struct arena *a, const struct settings *s, struct x509_template *t,
                          struct fault *f) {
    struct bytes *dns = arena_array(a, s->names_n, sizeof *dns);
    struct bytes *ip = arena_array(a, s->names_n, sizeof *ip);
    if (!dns || !ip)
        return fault_set(f, ERR_MEMORY, "names", "%zu", s->names_n);
    for (size_t i = 0; i < s->names_n; i++) {
        struct ip address;
        if (ip_read(bytes_text(s->names[i]), &address))
            ip[t->ip.n++] = arena_copy(a, bytes_of(address.bytes, address.size));
        else
            dns[t->dns.n++] = bytes_text(s->names[i]);
    }
    t->dns.items = dns;
    t->ip.items = ip;
    return ERR_OK;
}

static enum err write_server(const struct env *env, struct arena *a, const struct settings *s,
                             const struct identity_root *root, const struct signing_key *key,
                             struct fault *f) {
    static const enum oid usage[] = {OID_SERVER_AUTH};
    char name[64 + 1];
    struct buf der;
    int64_t now_s = env_now_s(env), end_s = now_s + (int64_t)SERVER_DAYS * DAY_S;
    snprintf(name, sizeof name, "%s", s->names[0]);
    struct x509_template t = {
        .issuer = root->cert.subject,
        .subject = common_name(a, name),
        .not_before = now_s - BACK_S,
        .not_after = end_s < root->cert.not_after ? end_s : root->cert.not_after,
        .spki = spki_of(a, key),
        .issuer_spki = root->cert.spki,
        .path_len = -1,
        .key_usage = X509_KU_DIGITAL_SIGNATURE,
        .extended_key_usage = usage,
        .extended_key_usage_n = 1,
    };
    buf_init(&der, FILE_MAX);
    enum err code = alt_names(a, s, &t, f);
    if (code == ERR_OK)
        code = x509_cert_write(env, &t, root->key, &der, f);
    if (code == ERR_OK)
        code = write_pem(settings_path(a, s, "server.pem"), key, buf_bytes(&der), 0600, f);
    buf_clear(&der);
    return code;
}

enum err identity_make_server(const struct env *env, struct arena *a, const struct settings *s,
                              struct fault *f) {
    struct identity_root root = {0};
    struct signing_key *key = NULL;
    enum err code = identity_load_root(a, s, "root", &root, f);
    if (code == ERR_OK)
        code = signing_key_make(env, KEY_EC_P256, 0, &key, f);
    if (code == ERR_OK)
        code = write_server(env, a, s, &root, key, f);
    signing_key_close(key);
    signing_key_close(root.key);
    return code;
}

static bool is_due(const struct settings *s, const struct x509_cert *cert, int64_t now_s) {
    if ((cert->not_after - now_s) * 3 < cert->not_after - cert->not_before)
        return true;
    for (size_t i = 0; i < s->names_n; i++) {
        if (!x509_cert_matches_host(cert, bytes_text(s->names[i])))
            return true;
    }
    return false;
}

enum err identity_renew(const struct env *env, struct arena *a, const struct settings *s,
                        bool *renewed, struct fault *f) {
    struct identity id;
    struct x509_cert cert;
    *renewed = false;
    if (s->cert)
        return ERR_OK;
    enum err code = identity_load(a, s, &id, f);
    if (code == ERR_OK)
        code = x509_cert_read(a, id.chain[0], &cert, f);
    if (code != ERR_OK || !is_due(s, &cert, env_now_s(env)))
        return code;
    code = identity_make_server(env, a, s, f);
    *renewed = code == ERR_OK;
    return code;
}
