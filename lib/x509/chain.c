/* From a server's certificate to a trusted one. See x509.h.
 *
 * A search from the leaf upwards among the certificates that were sent and the
 * roots at hand. It is bounded three ways: each certificate is on the path once,
 * X509_CHAIN_MAX certificates are taken, and SIGNATURES_MAX signatures checked.
 */
#include "x509/x509.h"

#include "base/clock.h"
#include "base/der.h"
#include "base/ip.h"
#include "crypto/crypto.h"

#include <string.h>

enum { SIGNATURES_MAX = 64 };

struct climb {
    const struct x509_cert *certs; /* the leaf first */
    bool on_path[X509_CHAIN_MAX];
    size_t n;
    const struct x509_trust *trust;
    int64_t now_s;
    unsigned signatures_left;
    bool has_reason; /* why a certificate on the way was refused: */
    struct fault reason;
};

/* The first reason stays: it belongs to the certificate nearest to the leaf. */
__attribute__((format(printf, 4, 5))) static bool
refuse(struct climb *c, const struct x509_cert *cert, const char *what, const char *format, ...) {
    if (c->has_reason)
        return false;
    c->has_reason = true;
    struct buf text;
    buf_init(&text, 4096);
    x509_cert_display_name(cert, &text);
    buf_text(&text, ": ");
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    fault_set(&c->reason, ERR_TLS, what, "%s", buf_cstr(&text));
    buf_clear(&text);
    return false;
}

static bool is_in_time(struct climb *c, const struct x509_cert *cert) {
    char text[CLOCK_TEXT_MAX];
    if (!cert->has_not_before || !cert->has_not_after)
        return refuse(c, cert, "dates", "%s", "its dates cannot be read");
    if (c->now_s < cert->not_before)
        return refuse(c, cert, "dates", "not valid before %s", clock_write(cert->not_before, text));
    if (c->now_s > cert->not_after)
        return refuse(c, cert, "dates", "ended on %s", clock_write(cert->not_after, text));
    return true;
}

static bool is_processed(enum oid id) {
    static const enum oid ids[] = {
        OID_BASIC_CONSTRAINTS, OID_KEY_USAGE,        OID_EXTENDED_KEY_USAGE,  OID_SUBJECT_ALT_NAME,
        OID_SUBJECT_KEY_ID,    OID_AUTHORITY_KEY_ID, OID_CERTIFICATE_POLICIES};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* RFC 5280, 4.2: a critical extension that is not processed refuses the certificate.
 * Name constraints would have to be processed also where they are not critical. */
static bool has_known_extensions(struct climb *c, const struct x509_cert *cert) {
    for (size_t i = 0; i < cert->extensions_n; i++) {
        const struct x509_extension *x = &cert->extensions[i];
        if ((x->critical && !is_processed(x->id)) || x->id == OID_NAME_CONSTRAINTS)
            return refuse(c, cert, "extension", "%s is not processed here", x->name);
    }
    if ((cert->deviations & (X509_DEV_EXTENSION_UNREADABLE | X509_DEV_EXTENSION_TRAILING |
                             X509_DEV_EXTENSION_TWICE)) != 0)
        return refuse(c, cert, "extension", "%s", "one is malformed or there twice");
    return true;
}

static bool is_for_servers(struct climb *c, const struct x509_cert *cert) {
    if (!cert->has_extended_key_usage)
        return true;
    for (size_t i = 0; i < cert->extended_key_usage_n; i++)
        if (strcmp(cert->extended_key_usage[i], "serverAuth") == 0 ||
            strcmp(cert->extended_key_usage[i], "anyExtendedKeyUsage") == 0)
            return true;
    return refuse(c, cert, "key usage", "%s", "not for TLS servers");
}

/* `below`: certificates between the issuer and the leaf that are not self-issued. */
static bool may_issue(struct climb *c, const struct x509_cert *issuer, int below) {
    if (!issuer->is_ca || issuer->version < 3)
        return refuse(c, issuer, "key usage", "%s", "it issued a certificate but is no CA");
    if (issuer->has_key_usage && (issuer->key_usage & X509_KU_KEY_CERT_SIGN) == 0)
        return refuse(c, issuer, "key usage", "%s", "its key may not sign certificates");
    if (issuer->path_len >= 0 && below > issuer->path_len)
        return refuse(c, issuer, "key usage", "%s", "too many certificates below it");
    return true;
}

/* PSS names its hash in [0]; SHA-1 is meant where that is absent (RFC 4055, 3.1). */
static bool pss_has_sha1(struct bytes algorithm) {
    struct cur c = cur_open(algorithm), inner = der_open(&c, DER_SEQUENCE);
    struct bytes content;
    der_oid(&inner);
    struct cur parameters = der_open(&inner, DER_SEQUENCE);
    if (!der_optional(&parameters, DER_CONTEXT_CONS | 0, &content))
        return true;
    struct cur tagged = cur_open(content), hash = der_open(&tagged, DER_SEQUENCE);
    return bytes_equal(der_oid(&hash), oid_row(OID_SHA1)->der);
}

static bool has_weak_hash(struct bytes algorithm) {
    static const enum oid weak[] = {OID_RSA_MD5, OID_RSA_SHA1, OID_ECDSA_SHA1};
    struct cur c = cur_open(algorithm), inner = der_open(&c, DER_SEQUENCE);
    struct bytes oid = der_oid(&inner);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++)
        if (bytes_equal(oid, oid_row(weak[i])->der))
            return true;
    return bytes_equal(oid, oid_row(OID_RSA_PSS)->der) && pss_has_sha1(algorithm);
}

static bool is_signed_by(struct climb *c, const struct x509_cert *cert,
                         const struct x509_cert *issuer) {
    if (has_weak_hash(cert->algorithm))
        return refuse(c, cert, "signature", "%s is broken", cert->signature_algorithm);
    if (c->signatures_left == 0)
        return refuse(c, cert, "signature", "%s", "too many to check");
    c->signatures_left--;
    enum err e = x509_cert_signed_by(cert, issuer);
    if (e == ERR_UNSUPPORTED)
        return refuse(c, cert, "signature", "%s cannot be checked here", cert->signature_algorithm);
    return e == ERR_OK || refuse(c, cert, "signature", "%s", "not made by its issuer");
}

static bool is_pinned(const struct climb *c, const struct x509_cert *cert) {
    uint8_t sha256[X509_SHA256_SIZE];
    if (c->trust->pins_n == 0)
        return false;
    x509_cert_sha256(cert, sha256);
    for (size_t i = 0; i < c->trust->pins_n; i++)
        if (memcmp(sha256, c->trust->pins[i], sizeof sha256) == 0)
            return true;
    return false;
}

static bool is_issued_by(const struct x509_cert *cert, const struct x509_cert *issuer) {
    return cert->issuer.n > 2 && bytes_equal(cert->issuer, issuer->subject);
}

/* The certificate is a root at hand, or one of those has signed it. */
static bool reaches_root(struct climb *c, const struct x509_cert *cert, int below) {
    for (size_t i = 0; i < c->trust->roots_n; i++) {
        const struct x509_cert *root = &c->trust->roots[i];
        if (bytes_equal(root->der, cert->der))
            return true;
        bool limited = root->path_len >= 0 && below > root->path_len;
        if (!limited && is_issued_by(cert, root) && is_in_time(c, root) &&
            is_signed_by(c, cert, root))
            return true;
    }
    return false;
}

static bool climb_from(struct climb *c, size_t at, int below) {
    const struct x509_cert *cert = &c->certs[at];
    if (!is_in_time(c, cert))
        return false;
    if (is_pinned(c, cert))
        return true;
    if (!has_known_extensions(c, cert) || !is_for_servers(c, cert))
        return false;
    int above = below + (at > 0 && !cert->self_issued);
    if (reaches_root(c, cert, above))
        return true;
    c->on_path[at] = true;
    for (size_t i = 1; i < c->n; i++) {
        const struct x509_cert *issuer = &c->certs[i];
        if (!c->on_path[i] && is_issued_by(cert, issuer) && may_issue(c, issuer, above) &&
            is_signed_by(c, cert, issuer) && climb_from(c, i, above))
            return true;
    }
    c->on_path[at] = false;
    return false;
}

static enum err refuse_host(const struct x509_cert *leaf, struct bytes host, struct fault *f) {
    struct buf text;
    buf_init(&text, 4096);
    buf_text(&text, "the certificate is not for ");
    buf_put(&text, host);
    buf_text(&text, "; it names");
    for (size_t i = 0; i < leaf->alt.dns.n && i < 3; i++) {
        buf_u8(&text, ' ');
        buf_put(&text, leaf->alt.dns.items[i]);
    }
    for (size_t i = 0; i < leaf->alt.ip.n && i < 3; i++) {
        buf_u8(&text, ' ');
        x509_ip_text(leaf->alt.ip.items[i], &text);
    }
    struct ip ip;
    fault_set(f, ERR_TLS, ip_read(host, &ip) ? "server address" : "server name", "%s",
              buf_cstr(&text));
    buf_clear(&text);
    return ERR_TLS;
}

static enum err read_chain(struct arena *a, const struct bytes *der, size_t n,
                           struct x509_cert **out, struct fault *f) {
    struct fault inner;
    if (n == 0)
        return fault_set(f, ERR_TLS, "certificate", "%s", "the server sent none");
    if (n > X509_CHAIN_MAX)
        return fault_set(f, ERR_LIMIT, "certificate", "a chain of more than %d", X509_CHAIN_MAX);
    *out = arena_array(a, n, sizeof **out);
    if (*out == NULL)
        return fault_set(f, a->err, "certificate", "a chain of %zu", n);
    for (size_t i = 0; i < n; i++)
        if (x509_cert_read(a, der[i], &(*out)[i], &inner) != ERR_OK)
            return fault_set(f, ERR_TLS, "certificate", "number %zu of the chain: %s: %s", i + 1,
                             inner.what, inner.detail);
    return ERR_OK;
}

enum err x509_chain_verify(struct arena *a, const struct bytes *chain_der, size_t n,
                           const struct x509_trust *trust, struct bytes host, int64_t now_s,
                           struct fault *f) {
    struct x509_cert *certs = NULL;
    enum err e = read_chain(a, chain_der, n, &certs, f);
    if (e != ERR_OK)
        return e;
    if (!x509_cert_matches_host(&certs[0], host))
        return refuse_host(&certs[0], host, f);
    struct climb c = {
        .certs = certs, .n = n, .trust = trust, .now_s = now_s, .signatures_left = SIGNATURES_MAX};
    if (climb_from(&c, 0, 0))
        return ERR_OK;
    refuse(&c, &certs[n - 1], "root", "%s", "neither it nor its issuer is trusted");
    if (f != NULL)
        *f = c.reason;
    return ERR_TLS;
}

/* ---- Roots at hand ---- */

static size_t count_objects(struct bytes pem) {
    struct bytes begin = bytes_text("-----BEGIN ");
    size_t n = 0;
    for (size_t at; (at = bytes_find(pem, begin)) != SIZE_MAX; n++)
        pem = bytes_part(pem, at + begin.n, pem.n);
    return n;
}

enum err x509_trust_read(struct arena *a, struct bytes pem, struct x509_trust *out,
                         struct fault *f) {
    struct cur c = cur_open(pem);
    struct pem_object object;
    struct buf der;
    *out = (struct x509_trust){0};
    struct x509_cert *roots = arena_array(a, count_objects(pem), sizeof *roots);
    buf_init(&der, X509_DER_MAX);
    while (roots != NULL && pem_next(&c, &der, &object)) {
        if (object.kind != PEM_CERTIFICATE)
            continue;
        struct bytes copy = arena_copy(a, object.der);
        if (copy.n > 0 && x509_cert_read(a, copy, &roots[out->roots_n], NULL) == ERR_OK)
            out->roots_n++;
    }
    out->roots = roots;
    buf_clear(&der);
    if (a->err != ERR_OK)
        return fault_set(f, a->err, "trusted roots", "%s", "no room for them");
    if (out->roots_n == 0)
        return fault_set(f, ERR_NOT_FOUND, "trusted roots", "%s", "no certificate in the bundle");
    return ERR_OK;
}
