/* Checking signatures of certificates, requests and pushes. See crypto.h.
 *
 * What BearSSL cannot do (RSA outside 512 to 4096 bits, other curves, compressed
 * points, further algorithms) is told apart before it is called: ERR_UNSUPPORTED.
 * It has no RSA-PSS, so the encoding (RFC 8017, 9.1.2) is checked here.
 */
#include "crypto/crypto.h"

#include "base/der.h"
#include "base/oid.h"
#include "crypto/inner.h"

#include <bearssl.h>
#include <string.h>

enum { RSA_BITS_MIN = 512, RSA_BITS_MAX = 4096, RSA_OCTETS_MAX = 512, RSA_EXPONENT_MAX = 32 };

/* SubjectPublicKeyInfo or AlgorithmIdentifier, taken apart. */
struct algorithm {
    const struct oid_row *row; /* NULL: unknown */
    struct bytes parameters;   /* DER; empty where absent */
};

static enum oid algorithm_id(const struct algorithm *a) {
    return a->row == NULL ? OID_OTHER : a->row->id;
}

static struct algorithm take_algorithm(struct cur *c) {
    struct cur inner = der_open(c, DER_SEQUENCE);
    struct algorithm a = {.row = oid_find(OID_ALGORITHM, der_oid(&inner))};
    if (inner.rest.n > 0)
        a.parameters = der_any(&inner).whole;
    if (!cur_end(&inner))
        cur_refuse(c);
    return a;
}

struct public_key {
    struct algorithm algorithm;
    struct bytes bits;
};

static bool read_spki(struct bytes spki, struct public_key *out) {
    struct cur c = cur_open(spki), inner = der_open(&c, DER_SEQUENCE);
    out->algorithm = take_algorithm(&inner);
    out->bits = der_bits(&inner);
    return cur_end(&inner) && cur_end(&c);
}

/* ---- RSA ---- */

struct rsa_key {
    struct bytes n, e;
    size_t bits;
};

static enum err read_rsa(struct bytes key, struct rsa_key *out) {
    struct cur c = cur_open(key), inner = der_open(&c, DER_SEQUENCE);
    out->n = der_unsigned(&inner);
    out->e = der_unsigned(&inner);
    if (!cur_end(&inner) || !cur_end(&c))
        return ERR_FORMAT;
    bool odd = (out->n.p[out->n.n - 1] & 1) == 1 && (out->e.p[out->e.n - 1] & 1) == 1;
    if (!odd)
        return ERR_FORMAT;
    out->bits = der_bit_length(out->n);
    if (out->bits < RSA_BITS_MIN || out->bits > RSA_BITS_MAX || out->e.n > RSA_EXPONENT_MAX)
        return ERR_UNSUPPORTED;
    return ERR_OK;
}

static br_rsa_public_key bearssl_rsa(const struct rsa_key *key) {
    return (br_rsa_public_key){.n = crypto_unwritten(key->n),
                               .nlen = key->n.n,
                               .e = crypto_unwritten(key->e),
                               .elen = key->e.n};
}

static enum err verify_pkcs1(struct bytes key, enum hash h, struct bytes in,
                             struct bytes signature) {
    static const unsigned char *const oids[] = {
        [HASH_SHA1] = BR_HASH_OID_SHA1,     [HASH_SHA224] = BR_HASH_OID_SHA224,
        [HASH_SHA256] = BR_HASH_OID_SHA256, [HASH_SHA384] = BR_HASH_OID_SHA384,
        [HASH_SHA512] = BR_HASH_OID_SHA512,
    };
    struct rsa_key rsa;
    enum err e = read_rsa(key, &rsa);
    if (e != ERR_OK)
        return e;
    if (signature.n != rsa.n.n)
        return ERR_CREDENTIALS;
    uint8_t wanted[HASH_SIZE_MAX], found[HASH_SIZE_MAX];
    br_rsa_public_key pk = bearssl_rsa(&rsa);
    if (br_rsa_pkcs1_vrfy_get_default()(signature.p, signature.n, oids[h], hash_size(h), &pk,
                                        found) != 1)
        return ERR_CREDENTIALS;
    hash_of(h, in, wanted);
    return memcmp(wanted, found, hash_size(h)) == 0 ? ERR_OK : ERR_CREDENTIALS;
}

/* RSASSA-PSS-params (RFC 4055, 3.1). */
struct pss {
    enum hash hash, mask_hash;
    uint64_t salt_n;
};

static enum err read_hash(struct cur *c, enum hash *out) {
    static const struct {
        enum oid oid;
        enum hash hash;
    } rows[] = {
        {OID_SHA1,   HASH_SHA1  },
        {OID_SHA224, HASH_SHA224},
        {OID_SHA256, HASH_SHA256},
        {OID_SHA384, HASH_SHA384},
        {OID_SHA512, HASH_SHA512},
    };
    static const uint8_t null[] = {DER_NULL, 0};
    struct algorithm a = take_algorithm(c);
    if (!cur_end(c))
        return ERR_FORMAT;
    if (a.parameters.n > 0 && !bytes_equal(a.parameters, bytes_of(null, sizeof null)))
        return ERR_FORMAT;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (algorithm_id(&a) == rows[i].oid) {
            *out = rows[i].hash;
            return ERR_OK;
        }
    }
    return ERR_UNSUPPORTED;
}

static enum err read_mask(struct cur *c, enum hash *out) {
    struct algorithm mgf = take_algorithm(c);
    if (!cur_end(c))
        return ERR_FORMAT;
    if (algorithm_id(&mgf) != OID_MGF1)
        return ERR_UNSUPPORTED;
    struct cur inner = cur_open(mgf.parameters);
    return read_hash(&inner, out);
}

static enum err read_pss(struct bytes parameters, struct pss *out) {
    *out = (struct pss){HASH_SHA1, HASH_SHA1, 20};
    struct cur c = cur_open(parameters), inner = der_open(&c, DER_SEQUENCE), field;
    struct bytes content;
    enum err e = ERR_OK;
    if (der_optional(&inner, DER_CONTEXT_CONS | 0, &content)) {
        field = cur_open(content);
        e = read_hash(&field, &out->hash);
    }
    if (e == ERR_OK && der_optional(&inner, DER_CONTEXT_CONS | 1, &content)) {
        field = cur_open(content);
        e = read_mask(&field, &out->mask_hash);
    }
    if (e != ERR_OK)
        return e;
    if (der_optional(&inner, DER_CONTEXT_CONS | 2, &content)) {
        field = cur_open(content);
        out->salt_n = der_u64(&field);
        if (!cur_end(&field))
            return ERR_FORMAT;
    }
    if (der_optional(&inner, DER_CONTEXT_CONS | 3, &content)) {
        field = cur_open(content);
        if (der_u64(&field) != 1 || !cur_end(&field))
            return ERR_FORMAT;
    }
    return cur_end(&inner) && cur_end(&c) ? ERR_OK : ERR_FORMAT;
}

/* RFC 8017, B.2.1: data is masked with what the seed gives. */
static void mgf1(enum hash h, struct bytes seed, uint8_t *data, size_t n) {
    uint8_t in[HASH_SIZE_MAX + 4], mask[HASH_SIZE_MAX];
    memcpy(in, seed.p, seed.n);
    for (size_t at = 0, counter = 0; at < n; counter++) {
        for (size_t i = 0; i < 4; i++)
            in[seed.n + i] = (uint8_t)(counter >> (8 * (3 - i)));
        hash_of(h, bytes_of(in, seed.n + 4), mask);
        for (size_t i = 0; i < hash_size(h) && at < n; i++, at++)
            data[at] ^= mask[i];
    }
}

/* EMSA-PSS-VERIFY (RFC 8017, 9.1.2) of em[0..n), whose length in bits is given. */
static bool pss_matches(const struct pss *pss, uint8_t *em, size_t n, size_t em_bits,
                        struct bytes in) {
    size_t h_n = hash_size(pss->hash);
    if (pss->salt_n > n || n < h_n + pss->salt_n + 2 || em[n - 1] != 0xbc)
        return false;
    size_t db_n = n - h_n - 1, pad_n = db_n - (size_t)pss->salt_n - 1;
    uint8_t top = (uint8_t)(0xff >> (8 * n - em_bits));
    if ((em[0] & (uint8_t)~top) != 0)
        return false;
    mgf1(pss->mask_hash, bytes_of(em + db_n, h_n), em, db_n);
    em[0] &= top;
    for (size_t i = 0; i < pad_n; i++)
        if (em[i] != 0)
            return false;
    if (em[pad_n] != 1)
        return false;
    uint8_t digest[HASH_SIZE_MAX], wanted[HASH_SIZE_MAX];
    static const uint8_t zeros[8];
    hash_of(pss->hash, in, digest);
    struct hash_run run;
    hash_begin(&run, pss->hash);
    hash_add(&run, bytes_of(zeros, sizeof zeros));
    hash_add(&run, bytes_of(digest, h_n));
    hash_add(&run, bytes_of(em + pad_n + 1, (size_t)pss->salt_n));
    hash_peek(&run, wanted);
    return memcmp(wanted, em + db_n, h_n) == 0;
}

/* RFC 4055, 3.3: a key with parameters signs with those alone. */
static bool key_allows(const struct algorithm *key, const struct pss *pss, enum err *e) {
    struct pss own;
    if (algorithm_id(key) != OID_RSA_PSS || key->parameters.n == 0)
        return true;
    *e = read_pss(key->parameters, &own);
    return *e == ERR_OK && own.hash == pss->hash && own.mask_hash == pss->mask_hash &&
           pss->salt_n >= own.salt_n;
}

static enum err verify_pss(const struct public_key *key, struct bytes parameters, struct bytes in,
                           struct bytes signature) {
    struct rsa_key rsa;
    struct pss pss;
    enum err e = read_rsa(key->bits, &rsa);
    if (e == ERR_OK)
        e = read_pss(parameters, &pss);
    if (e != ERR_OK)
        return e;
    if (!key_allows(&key->algorithm, &pss, &e))
        return e == ERR_OK ? ERR_CREDENTIALS : e;
    if (signature.n != rsa.n.n)
        return ERR_CREDENTIALS;
    uint8_t em[RSA_OCTETS_MAX];
    memcpy(em, signature.p, signature.n);
    br_rsa_public_key pk = bearssl_rsa(&rsa);
    if (br_rsa_public_get_default()(em, signature.n, &pk) != 1)
        return ERR_CREDENTIALS;
    /* One octet shorter than the modulus where that has 8k + 1 bits. */
    size_t em_bits = rsa.bits - 1, em_n = (em_bits + 7) / 8, skip = rsa.n.n - em_n;
    if (skip > 0 && em[0] != 0)
        return ERR_CREDENTIALS;
    return pss_matches(&pss, em + skip, em_n, em_bits, in) ? ERR_OK : ERR_CREDENTIALS;
}

/* ---- Elliptic curves ---- */

/* The public key for BearSSL; the curve from the parameters. */
static enum err read_ec(const struct public_key *key, br_ec_public_key *out) {
    static const struct {
        enum oid oid;
        int curve;
        size_t point_n;
    } rows[] = {
        {OID_P256, BR_EC_secp256r1, 65 },
        {OID_P384, BR_EC_secp384r1, 97 },
        {OID_P521, BR_EC_secp521r1, 133},
    };
    struct cur c = cur_open(key->algorithm.parameters);
    if (!der_peek(&c, DER_OID))
        return ERR_UNSUPPORTED; /* explicit parameters, or inherited ones */
    const struct oid_row *curve = oid_find(OID_CURVE, der_oid(&c));
    if (!cur_end(&c) || key->bits.n == 0)
        return ERR_FORMAT;
    for (size_t i = 0; curve != NULL && i < sizeof rows / sizeof rows[0]; i++) {
        if (curve->id != rows[i].oid)
            continue;
        if (key->bits.p[0] == 2 || key->bits.p[0] == 3)
            return ERR_UNSUPPORTED; /* compressed */
        if (key->bits.p[0] != 4 || key->bits.n != rows[i].point_n)
            return ERR_FORMAT;
        *out = (br_ec_public_key){
            .curve = rows[i].curve, .q = crypto_unwritten(key->bits), .qlen = key->bits.n};
        return ERR_OK;
    }
    return ERR_UNSUPPORTED;
}

static enum err verify_ecdsa(const struct public_key *key, enum hash h, struct bytes in,
                             struct bytes signature) {
    br_ec_public_key pk;
    enum err e = read_ec(key, &pk);
    if (e != ERR_OK)
        return e;
    uint8_t digest[HASH_SIZE_MAX];
    hash_of(h, in, digest);
    uint32_t good = br_ecdsa_vrfy_asn1_get_default()(br_ec_get_default(), digest, hash_size(h), &pk,
                                                     signature.p, signature.n);
    return good == 1 ? ERR_OK : ERR_CREDENTIALS;
}

bool signature_raw_verify(struct bytes spki, struct bytes in, struct bytes signature) {
    struct public_key key;
    br_ec_public_key pk;
    if (signature.n != SIGNATURE_RAW_SIZE || !read_spki(spki, &key) ||
        algorithm_id(&key.algorithm) != OID_EC || read_ec(&key, &pk) != ERR_OK ||
        pk.curve != BR_EC_secp256r1)
        return false;
    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, in, digest);
    return br_ecdsa_vrfy_raw_get_default()(br_ec_get_default(), digest, sizeof digest, &pk,
                                           signature.p, signature.n) == 1;
}

/* ---- All ---- */

static const struct {
    enum oid signature, key;
    enum hash hash;
} schemes[] = {
    {OID_RSA_SHA256,   OID_RSA, HASH_SHA256},
    {OID_RSA_SHA384,   OID_RSA, HASH_SHA384},
    {OID_RSA_SHA512,   OID_RSA, HASH_SHA512},
    {OID_RSA_SHA224,   OID_RSA, HASH_SHA224},
    {OID_RSA_SHA1,     OID_RSA, HASH_SHA1  },
    {OID_ECDSA_SHA256, OID_EC,  HASH_SHA256},
    {OID_ECDSA_SHA384, OID_EC,  HASH_SHA384},
    {OID_ECDSA_SHA512, OID_EC,  HASH_SHA512},
    {OID_ECDSA_SHA224, OID_EC,  HASH_SHA224},
    {OID_ECDSA_SHA1,   OID_EC,  HASH_SHA1  },
};

static enum err verify_ed25519(const struct public_key *key, struct bytes in,
                               struct bytes signature) {
    if (key->bits.n != 32)
        return ERR_FORMAT;
    return signature.n == 64 && ed25519_verify(key->bits, in, signature) ? ERR_OK : ERR_CREDENTIALS;
}

enum err signature_verify(struct bytes spki, struct bytes signature_algorithm,
                          struct bytes signed_bytes, struct bytes signature) {
    struct public_key key;
    struct cur c = cur_open(signature_algorithm);
    struct algorithm a = take_algorithm(&c);
    if (!cur_end(&c) || !read_spki(spki, &key))
        return ERR_FORMAT;
    enum oid id = algorithm_id(&a), key_id = algorithm_id(&key.algorithm);
    if (key_id == OID_RSA_X500)
        key_id = OID_RSA;
    if (key.algorithm.row == NULL)
        return ERR_UNSUPPORTED;
    if (id == OID_RSA_PSS && (key_id == OID_RSA || key_id == OID_RSA_PSS))
        return verify_pss(&key, a.parameters, signed_bytes, signature);
    if (id == OID_ED25519 && key_id == OID_ED25519)
        return verify_ed25519(&key, signed_bytes, signature);
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        if (id != schemes[i].signature)
            continue;
        if (key_id != schemes[i].key)
            return ERR_CREDENTIALS;
        return key_id == OID_RSA ? verify_pkcs1(key.bits, schemes[i].hash, signed_bytes, signature)
                                 : verify_ecdsa(&key, schemes[i].hash, signed_bytes, signature);
    }
    return id == OID_RSA_PSS || id == OID_ED25519 ? ERR_CREDENTIALS : ERR_UNSUPPORTED;
}
