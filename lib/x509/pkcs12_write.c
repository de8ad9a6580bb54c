/* PKCS#12 out. See container.h; what stands where, in pkcs12.c.
 *
 * Two parts: the certificates, encrypted, and the key, encrypted in its bag. Both and the
 * MAC have a salt of their own. Certificate and key are paired by localKeyId, the SHA-1 of
 * the certificate, as others do it: Java finds a key's chain by it.
 */
#include "base/der.h"
#include "base/oid.h"
#include "base/text.h"
#include "crypto/pbe.h"
#include "x509/container.h"

enum { KEY_DER_MAX = 16 * 1024, ATTRIBUTES_MAX = 8 * 1024, ALGORITHM_MAX = 512, MAC_SALT = 16 };

struct writing {
    const struct env *env;
    const struct x509_pkcs12 *p;
    struct pbe_password password;
    struct buf attributes; /* of key and certificate: a SET */
    size_t parts_max;
};

static enum err first_of(enum err a, enum err b) {
    return a != ERR_OK ? a : b;
}

/* ---- Attributes ---- */

static void put_utf16(struct buf *out, struct bytes utf8) {
    struct pbe_password text; /* the same encoding, and zeros behind it */
    if (pbe_password_make(utf8, &text))
        buf_put(out, bytes_of(text.bmp, text.bmp_n - 2));
}

static void put_name(struct buf *out, struct bytes name) {
    size_t attribute = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_FRIENDLY_NAME);
    size_t set = der_begin(out, DER_SET);
    size_t text = der_begin(out, DER_BMP_STRING);
    put_utf16(out, name);
    der_close(out, text);
    der_close(out, set);
    der_close(out, attribute);
}

static void put_key_id(struct buf *out, struct bytes certificate) {
    uint8_t sha1[20];
    hash_of(HASH_SHA1, certificate, sha1);
    size_t attribute = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_LOCAL_KEY_ID);
    size_t set = der_begin(out, DER_SET);
    der_put(out, DER_OCTET_STRING, bytes_of(sha1, sizeof sha1));
    der_close(out, set);
    der_close(out, attribute);
}

/* DER orders what is in a SET OF by its octets. */
static void make_attributes(struct writing *w) {
    struct buf name, id;
    buf_init(&name, ATTRIBUTES_MAX);
    buf_init(&id, ATTRIBUTES_MAX);
    if (w->p->name.n > 0)
        put_name(&name, w->p->name);
    put_key_id(&id, w->p->chain[0]);
    bool is_name_first = bytes_compare(buf_bytes(&name), buf_bytes(&id)) < 0;
    size_t set = der_begin(&w->attributes, DER_SET);
    buf_put(&w->attributes, buf_bytes(is_name_first ? &name : &id));
    buf_put(&w->attributes, buf_bytes(is_name_first ? &id : &name));
    der_close(&w->attributes, set);
    w->attributes.err = first_of(w->attributes.err, first_of(name.err, id.err));
    buf_clear(&name);
    buf_clear(&id);
}

/* ---- Bags ---- */

static void put_certificate_bag(struct writing *w, struct buf *out, size_t i) {
    size_t bag = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_CERT_BAG);
    size_t value = der_begin(out, DER_CONTEXT_CONS);
    size_t inner = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_X509_CERTIFICATE);
    size_t content = der_begin(out, DER_CONTEXT_CONS);
    der_put(out, DER_OCTET_STRING, w->p->chain[i]);
    der_close(out, content);
    der_close(out, inner);
    der_close(out, value);
    if (i == 0)
        buf_put(out, buf_bytes(&w->attributes));
    der_close(out, bag);
}

static enum err put_certificates(struct writing *w, struct buf *out) {
    struct buf plain, algorithm, cipher;
    buf_init(&plain, w->parts_max);
    buf_init(&algorithm, ALGORITHM_MAX);
    buf_init(&cipher, w->parts_max);
    size_t bags = der_begin(&plain, DER_SEQUENCE);
    for (size_t i = 0; i < w->p->chain_n; i++)
        put_certificate_bag(w, &plain, i);
    der_close(&plain, bags);
    enum err e = plain.err;
    if (e == ERR_OK)
        e = pbe_encrypt(w->env, &w->password, buf_bytes(&plain), &algorithm, &cipher);
    size_t part = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_ENCRYPTED_DATA);
    size_t content = der_begin(out, DER_CONTEXT_CONS);
    size_t data = der_begin(out, DER_SEQUENCE);
    der_put_u64(out, 0);
    size_t inner = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_DATA);
    buf_put(out, buf_bytes(&algorithm));
    der_put(out, DER_CONTEXT, buf_bytes(&cipher));
    der_close(out, inner);
    der_close(out, data);
    der_close(out, content);
    der_close(out, part);
    buf_clear(&plain);
    buf_clear(&algorithm);
    buf_clear(&cipher);
    return first_of(e, out->err);
}

static void put_key_bag(struct writing *w, struct buf *out, struct bytes algorithm,
                        struct bytes cipher) {
    size_t bag = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_SHROUDED_KEY_BAG);
    size_t value = der_begin(out, DER_CONTEXT_CONS);
    size_t inner = der_begin(out, DER_SEQUENCE);
    buf_put(out, algorithm);
    der_put(out, DER_OCTET_STRING, cipher);
    der_close(out, inner);
    der_close(out, value);
    buf_put(out, buf_bytes(&w->attributes));
    der_close(out, bag);
}

static enum err put_key(struct writing *w, struct buf *out) {
    struct buf plain, algorithm, cipher;
    crypto_buf_init(&plain, KEY_DER_MAX);
    crypto_buf_init(&cipher, KEY_DER_MAX); /* it holds the plain key at first */
    buf_init(&algorithm, ALGORITHM_MAX);
    signing_key_write(w->p->key, &plain);
    enum err e = plain.err;
    if (e == ERR_OK)
        e = pbe_encrypt(w->env, &w->password, buf_bytes(&plain), &algorithm, &cipher);
    size_t part = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_DATA);
    size_t content = der_begin(out, DER_CONTEXT_CONS);
    size_t octets = der_begin(out, DER_OCTET_STRING);
    size_t bags = der_begin(out, DER_SEQUENCE);
    put_key_bag(w, out, buf_bytes(&algorithm), buf_bytes(&cipher));
    der_close(out, bags);
    der_close(out, octets);
    der_close(out, content);
    der_close(out, part);
    buf_clear(&plain);
    buf_clear(&cipher);
    buf_clear(&algorithm);
    return first_of(e, out->err);
}

/* ---- The frame ---- */

static enum err put_mac(struct writing *w, struct buf *out, struct bytes safe) {
    uint8_t salt[MAC_SALT], digest[HASH_SIZE_MAX];
    if (!w->env->random(w->env->context, salt, sizeof salt))
        return ERR_FAILED;
    const struct pbe_mac m = {
        {true, HASH_SHA256, bytes_of(salt, sizeof salt), PBE_ROUNDS},
        HASH_SHA256, SHA256_SIZE
    };
    pbe_mac(&m, &w->password, safe, digest);
    size_t mac = der_begin(out, DER_SEQUENCE);
    size_t info = der_begin(out, DER_SEQUENCE);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_SHA256);
    der_put_null(out);
    der_close(out, algorithm);
    der_put(out, DER_OCTET_STRING, bytes_of(digest, SHA256_SIZE));
    der_close(out, info);
    der_put(out, DER_OCTET_STRING, m.kdf.salt);
    der_put_u64(out, PBE_ROUNDS);
    der_close(out, mac);
    return out->err;
}

static enum err put_frame(struct writing *w, struct buf *out) {
    struct buf safe;
    buf_init(&safe, w->parts_max);
    size_t parts = der_begin(&safe, DER_SEQUENCE);
    enum err e = put_certificates(w, &safe);
    if (e == ERR_OK)
        e = put_key(w, &safe);
    der_close(&safe, parts);
    size_t pfx = der_begin(out, DER_SEQUENCE);
    der_put_u64(out, 3);
    size_t info = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_DATA);
    size_t content = der_begin(out, DER_CONTEXT_CONS);
    der_put(out, DER_OCTET_STRING, buf_bytes(&safe));
    der_close(out, content);
    der_close(out, info);
    if (e == ERR_OK)
        e = put_mac(w, out, buf_bytes(&safe));
    der_close(out, pfx);
    buf_clear(&safe);
    return first_of(e, out->err);
}

enum err x509_pkcs12_write(const struct env *env, const struct x509_pkcs12 *p, struct buf *out,
                           struct fault *f) {
    struct writing w = {.env = env, .p = p, .parts_max = ATTRIBUTES_MAX + 4 * KEY_DER_MAX};
    if (!pbe_password_make(p->password, &w.password))
        return fault_set(f, ERR_PASSWORD, "PKCS#12", "more than %d octets of password",
                         PBE_PASSWORD_MAX);
    for (size_t i = 0; i < p->chain_n; i++)
        w.parts_max += p->chain[i].n + 128;
    buf_init(&w.attributes, ATTRIBUTES_MAX);
    make_attributes(&w);
    enum err e = w.attributes.err;
    if (e == ERR_OK)
        e = put_frame(&w, out);
    buf_clear(&w.attributes);
    crypto_wipe(&w.password, sizeof w.password);
    return e == ERR_OK ? ERR_OK : fault_set(f, e, "PKCS#12", "%s", "it could not be written");
}
