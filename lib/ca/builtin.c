/* The built-in authority. See ca.h.
 *
 * FOLDER/issuing.pem holds its private key, its certificate and the root's, in this order.
 */
#include "ca/inner.h"

#include "base/file.h"
#include "crypto/crypto.h"

#include <stdlib.h>

enum {
    FILE_MAX = 1 << 16,
    KEY_MAX = 1 << 13,
    NAME_MAX_OCTETS = 64, /* RFC 5280: ub-common-name */
    STATE_MAX = 1 << 20,
    DAY_S = 86400,
    BACK_S = 3600, /* a certificate begins earlier, for clocks that are behind, by an hour */
    BACK_PART = 24 /* or by this part of its lifetime, whichever is less */
};

static const char file_name[] = "issuing.pem";

struct builtin {
    struct arena arena;
    struct signing_key *key;
    struct x509_cert cert, root;
    bool has_root;
    struct x509_names crl_urls, issuer_urls;
};

/* ---- The file ---- */

static enum err no_room(struct fault *f, enum err code) {
    return fault_set(f, code == ERR_OK ? ERR_MEMORY : code, "authority", "%s", "no room");
}

static bool holds_key_of(const struct signing_key *key, struct bytes spki) {
    struct buf own;
    buf_init(&own, KEY_MAX);
    signing_key_spki(key, &own);
    bool same = own.err == ERR_OK && bytes_equal(buf_bytes(&own), spki);
    buf_clear(&own);
    return same;
}

/* The certificates of the file: ours, then the root's where it is there. */
static enum err read_certificates(struct builtin *b, struct bytes text, struct fault *f) {
    struct cur c = cur_open(text);
    struct pem_object object;
    struct buf der;
    size_t n = 0;
    enum err e = ERR_OK;
    buf_init(&der, X509_DER_MAX);
    while (e == ERR_OK && n < 2 && pem_next(&c, &der, &object)) {
        if (object.kind != PEM_CERTIFICATE)
            continue;
        struct bytes copy = arena_copy(&b->arena, object.der);
        e = copy.n == 0 ? no_room(f, b->arena.err)
                        : x509_cert_read(&b->arena, copy, n == 0 ? &b->cert : &b->root, f);
        n++;
    }
    buf_clear(&der);
    b->has_root = n == 2;
    return e == ERR_OK && n == 0
               ? fault_set(f, ERR_DAMAGED, "authority", "%s has no certificate", file_name)
               : e;
}

static enum err read_text(struct builtin *b, struct bytes text, struct fault *f) {
    enum err e = x509_key_text_read(text, &b->key, f);
    if (e == ERR_OK)
        e = read_certificates(b, text, f);
    if (e != ERR_OK)
        return e;
    if (!b->cert.is_ca || !holds_key_of(b->key, b->cert.spki))
        return fault_set(f, ERR_DAMAGED, "authority", "%s: key and certificate do not fit",
                         file_name);
    return ERR_OK;
}

static void builtin_close(void *state) {
    struct builtin *b = state;
    signing_key_close(b->key);
    arena_clear(&b->arena);
    free(b);
}

static enum err builtin_read(const char *folder, struct builtin **out, struct fault *f) {
    struct builtin *b = calloc(1, sizeof *b);
    struct buf text;
    if (b == NULL)
        return no_room(f, ERR_MEMORY);
    arena_init(&b->arena, STATE_MAX);
    crypto_buf_init(&text, FILE_MAX);
    char *path = path_join(&b->arena, folder, file_name);
    enum err e = path == NULL ? no_room(f, b->arena.err) : file_read(path, &text, f);
    if (e == ERR_OK)
        e = read_text(b, buf_bytes(&text), f);
    buf_clear(&text);
    if (e == ERR_OK)
        *out = b;
    else
        builtin_close(b);
    return e;
}

static void copy_names(struct arena *a, const struct x509_names *in, struct x509_names *out) {
    struct bytes *items = arena_array(a, in->n, sizeof *items);
    for (size_t i = 0; i < in->n && items != NULL; i++)
        items[i] = arena_copy(a, in->items[i]);
    *out = (struct x509_names){items, items == NULL ? 0 : in->n};
}

static enum err builtin_open(const struct ca_settings *settings, void **state, struct fault *f) {
    struct builtin *b;
    enum err e = builtin_read(settings->folder, &b, f);
    if (e != ERR_OK)
        return e;
    copy_names(&b->arena, &settings->crl_urls, &b->crl_urls);
    copy_names(&b->arena, &settings->issuer_urls, &b->issuer_urls);
    if (b->arena.err != ERR_OK) {
        e = no_room(f, b->arena.err);
        builtin_close(b);
        return e;
    }
    *state = b;
    return ERR_OK;
}

static struct bytes builtin_certificate(const void *state) {
    const struct builtin *b = state;
    return b->cert.der;
}

static struct bytes builtin_root(const void *state) {
    const struct builtin *b = state;
    return b->has_root ? b->root.der : (struct bytes){NULL, 0};
}

/* ---- Making it ---- */

static enum err check_root(const struct signing_key *root_key, const struct x509_cert *root,
                           int64_t now_s, struct fault *f) {
    const char *why = NULL;
    if (!root->is_ca || (root->has_key_usage && (root->key_usage & X509_KU_KEY_CERT_SIGN) == 0))
        why = "it is no authority";
    else if (root->path_len == 0)
        why = "it allows no authority below it (path length 0)";
    else if (!root->has_not_after || root->not_after <= now_s)
        why = "it has ended";
    else if (!holds_key_of(root_key, root->spki))
        why = "the key is not its";
    return why == NULL ? ERR_OK : fault_set(f, ERR_CONFLICT, "root", "%s", why);
}

/* A certificate for `key`, below the root. */
static enum err write_issuer(const struct env *env, struct bytes subject,
                             const struct signing_key *key, const struct signing_key *root_key,
                             const struct x509_cert *root, struct buf *out, struct fault *f) {
    int64_t now_s = env_now_s(env), end_s = now_s + (int64_t)CA_ISSUER_DAYS * DAY_S;
    struct buf spki;
    enum err e = check_root(root_key, root, now_s, f);
    if (e != ERR_OK)
        return e;
    buf_init(&spki, KEY_MAX);
    signing_key_spki(key, &spki);
    struct x509_template t = {
        .issuer = root->subject,
        .subject = subject,
        .not_before = now_s - BACK_S,
        .not_after = end_s < root->not_after ? end_s : root->not_after,
        .spki = buf_bytes(&spki),
        .issuer_key_id = root->subject_key_id,
        .issuer_spki = root->spki,
        .is_ca = true,
        .path_len = 0,
        .key_usage = X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN,
    };
    e = spki.err == ERR_OK ? x509_cert_write(env, &t, root_key, out, f) : no_room(f, spki.err);
    buf_clear(&spki);
    return e;
}

static enum err save(const char *path, const struct signing_key *key, struct bytes cert,
                     struct bytes root, struct fault *f) {
    struct buf text;
    crypto_buf_init(&text, FILE_MAX);
    enum err code = x509_key_text_write(key, &text, f);
    pem_write(&text, "CERTIFICATE", cert);
    pem_write(&text, "CERTIFICATE", root);
    if (code == ERR_OK)
        code = text.err == ERR_OK ? file_replace(path, buf_bytes(&text), 0600, f)
                                  : no_room(f, text.err);
    buf_clear(&text);
    return code;
}

enum err ca_builtin_make(const struct env *env, const char *folder, const char *common_name,
                         const struct signing_key *root_key, const struct x509_cert *root,
                         struct fault *f) {
    struct x509_attribute cn = {OID_COMMON_NAME, common_name};
    struct signing_key *key = NULL;
    struct buf subject, der;
    struct arena a;
    size_t n = bytes_text(common_name).n;
    if (n == 0 || n > NAME_MAX_OCTETS)
        return fault_set(f, ERR_USAGE, "authority", "its name has 1 to %d characters",
                         NAME_MAX_OCTETS);
    arena_init(&a, STATE_MAX);
    buf_init(&subject, KEY_MAX);
    buf_init(&der, FILE_MAX);
    x509_name_write(&subject, &cn, 1);
    const char *path = path_join(&a, folder, file_name);
    enum err e = path == NULL || subject.err != ERR_OK ? no_room(f, ERR_MEMORY) : ERR_OK;
    if (e == ERR_OK && file_exists(path))
        e = fault_set(f, ERR_EXISTS, "authority", "%s", path);
    if (e == ERR_OK)
        e = signing_key_make(env, KEY_EC_P256, 0, &key, f);
    if (e == ERR_OK)
        e = write_issuer(env, buf_bytes(&subject), key, root_key, root, &der, f);
    if (e == ERR_OK)
        e = save(path, key, buf_bytes(&der), root->der, f);
    signing_key_close(key);
    buf_clear(&subject);
    buf_clear(&der);
    arena_clear(&a);
    return e;
}

enum err ca_builtin_renew(const struct env *env, const char *folder,
                          const struct signing_key *root_key, const struct x509_cert *root,
                          struct fault *f) {
    struct builtin *b;
    struct buf der;
    enum err e = builtin_read(folder, &b, f);
    if (e != ERR_OK)
        return e;
    buf_init(&der, FILE_MAX);
    e = write_issuer(env, b->cert.subject, b->key, root_key, root, &der, f);
    const char *path = path_join(&b->arena, folder, file_name);
    if (e == ERR_OK)
        e = path == NULL ? no_room(f, b->arena.err)
                         : save(path, b->key, buf_bytes(&der), root->der, f);
    buf_clear(&der);
    builtin_close(b);
    return e;
}

/* ---- Issuing ---- */

static enum err check_verdict(const struct ca_verdict *verdict, struct fault *f) {
    if (verdict->refused == 0)
        return ERR_OK;
    return fault_set(f, ERR_PERMISSION, verdict->items[0].rule, "%s", verdict->items[0].text);
}

static enum err check_dates(const struct builtin *b, int64_t now_s, struct fault *f) {
    if (!b->cert.has_not_after || now_s >= b->cert.not_after)
        return fault_set(f, ERR_CONFLICT, "authority", "%s", "its own certificate has ended");
    if (now_s < b->cert.not_before)
        return fault_set(f, ERR_CONFLICT, "authority", "%s",
                         "its own certificate has not begun: is the clock right?");
    return ERR_OK;
}

/* What was written is read again: nothing odd leaves the house under our signature. */
static enum err check_issued(const struct builtin *b, struct arena *a, struct bytes der,
                             struct fault *f) {
    struct x509_cert cert;
    enum err e = x509_cert_read(a, der, &cert, f);
    if (e != ERR_OK)
        return e;
    if (cert.deviations != 0 || cert.is_ca || x509_cert_signed_by(&cert, &b->cert) != ERR_OK)
        return fault_set(f, ERR_FAILED, "certificate", "%s", "what was written is not sound");
    return ERR_OK;
}

static enum err keep(const struct builtin *b, struct arena *a, const struct buf *der,
                     struct ca_issued *out, struct fault *f) {
    out->certificate = arena_copy(a, buf_bytes(der));
    out->chain[0] = arena_copy(a, b->cert.der);
    out->chain_n = 1;
    out->root = b->has_root ? arena_copy(a, b->root.der) : (struct bytes){0};
    if (a->err != ERR_OK)
        return no_room(f, a->err);
    return check_issued(b, a, out->certificate, f);
}

static enum err builtin_issue(const void *state, const struct env *env, struct arena *a,
                              const struct x509_request *request, const struct ca_profile *profile,
                              int64_t now_s, struct ca_issued *out, struct fault *f) {
    const struct builtin *b = state;
    struct ca_verdict verdict;
    enum err e = ca_match(a, request, profile, &verdict, f);
    if (e == ERR_OK)
        e = check_verdict(&verdict, f);
    if (e == ERR_OK)
        e = check_dates(b, now_s, f);
    if (e != ERR_OK)
        return e;
    const struct ca_grant *g = &verdict.grant;
    int64_t back_s = g->lifetime_s / BACK_PART < BACK_S ? g->lifetime_s / BACK_PART : BACK_S;
    int64_t end_s = now_s - back_s + g->lifetime_s - 1;
    struct x509_template t = {
        .issuer = b->cert.subject,
        .subject = g->subject,
        .not_before = now_s - back_s,
        .not_after = end_s < b->cert.not_after ? end_s : b->cert.not_after,
        .spki = request->asked.spki,
        .issuer_key_id = b->cert.subject_key_id,
        .issuer_spki = b->cert.spki,
        .path_len = -1,
        .key_usage = g->key_usage,
        .extended_key_usage = g->usage,
        .extended_key_usage_n = g->usage_n,
        .dns = g->dns,
        .ip = g->ip,
        .crl_urls = b->crl_urls,
        .issuer_urls = b->issuer_urls,
    };
    struct buf der;
    buf_init(&der, X509_DER_MAX);
    e = x509_cert_write(env, &t, b->key, &der, f);
    if (e == ERR_OK)
        e = keep(b, a, &der, out, f);
    buf_clear(&der);
    return e;
}

/* ---- Revoking ---- */

static enum err builtin_revoke(const void *state, const struct env *env, struct bytes certificate,
                               enum x509_reason reason, int64_t now_s, struct fault *f) {
    const struct builtin *b = state;
    struct x509_cert cert;
    struct arena a;
    (void)env;
    (void)now_s;
    if (x509_reason_name((unsigned)reason) == NULL || reason == X509_REASON_REMOVE_FROM_CRL)
        return fault_set(f, ERR_USAGE, "reason", "%s", "no reason for a revocation");
    arena_init(&a, STATE_MAX);
    enum err e = x509_cert_read(&a, certificate, &cert, f);
    if (e == ERR_OK && (!bytes_equal(cert.issuer, b->cert.subject) ||
                        x509_cert_signed_by(&cert, &b->cert) != ERR_OK))
        e = fault_set(f, ERR_NOT_FOUND, "certificate", "%s", "not issued by this authority");
    arena_clear(&a);
    return e;
}

static enum err builtin_crl(const void *state, const struct env *env,
                            const struct x509_revoked *revoked, size_t revoked_n, uint64_t number,
                            int64_t now_s, struct buf *out, struct fault *f) {
    const struct builtin *b = state;
    struct x509_crl_template t = {
        .issuer = b->cert.subject,
        .issuer_key_id = b->cert.subject_key_id,
        .this_update = now_s,
        .next_update = now_s + (int64_t)CA_CRL_DAYS * DAY_S,
        .number = number,
        .revoked = revoked,
        .revoked_n = revoked_n,
    };
    return x509_crl_write(env, &t, b->key, out, f);
}

const struct ca_authority ca_builtin = {
    .name = "builtin",
    .summary = "an issuing key of this server, below its own root",
    .open = builtin_open,
    .close = builtin_close,
    .certificate = builtin_certificate,
    .root = builtin_root,
    .issue = builtin_issue,
    .revoke = builtin_revoke,
    .crl = builtin_crl,
};
