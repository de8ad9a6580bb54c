/* Signing keys of our own: made, read, written, used. See crypto.h.
 *
 * The DER forms are read and written here and not by BearSSL: its helpers work
 * out the exponents anew, which fails for keys of other makers (a prime that is
 * 1 modulo 4). A key that is read signs once and is checked, so that parts that do not
 * fit each other are found at once and not at the first certificate.
 */
#include "crypto/crypto.h"

#include "base/der.h"
#include "base/oid.h"
#include "crypto/inner.h"

#include <bearssl.h>
#include <stdlib.h>
#include <string.h>

enum {
    RSA_BITS_MIN = 1024,
    RSA_BITS_MAX = 4096,
    RSA_EXPONENT = 65537,
    EC_SCALAR = 32,
    EC_POINT = 65
};

enum part { /* in the order of RSAPrivateKey (RFC 8017, A.1.2), then those of EC */
            N,
            E,
            D,
            P,
            Q,
            DP,
            DQ,
            IQ,
            RSA_PARTS,
            SCALAR = 0,
            POINT,
};

struct signing_key {
    enum key_kind kind;
    struct bytes parts[RSA_PARTS]; /* into octets */
    size_t used;
    uint8_t octets[512 * 3 + 256 * 6];
};

static struct signing_key *key_open(enum key_kind kind) {
    struct signing_key *key = calloc(1, sizeof *key);
    if (key != NULL)
        key->kind = kind;
    return key;
}

void signing_key_close(struct signing_key *key) {
    if (key == NULL)
        return;
    crypto_wipe(key, sizeof *key);
    free(key);
}

enum key_kind signing_key_kind(const struct signing_key *key) {
    return key->kind;
}

/* Copies an octet string into the key; false where it does not fit. */
static bool keep(struct signing_key *key, enum part part, struct bytes b) {
    if (b.n == 0 || b.n > sizeof key->octets - key->used)
        return false;
    uint8_t *at = key->octets + key->used;
    memcpy(at, b.p, b.n);
    key->parts[part] = bytes_of(at, b.n);
    key->used += b.n;
    return true;
}

static br_rsa_private_key bearssl_rsa(const struct signing_key *key) {
    const struct bytes *p = key->parts;
    return (br_rsa_private_key){
        .n_bitlen = (uint32_t)der_bit_length(p[N]),
        .p = crypto_unwritten(p[P]),
        .plen = p[P].n,
        .q = crypto_unwritten(p[Q]),
        .qlen = p[Q].n,
        .dp = crypto_unwritten(p[DP]),
        .dplen = p[DP].n,
        .dq = crypto_unwritten(p[DQ]),
        .dqlen = p[DQ].n,
        .iq = crypto_unwritten(p[IQ]),
        .iqlen = p[IQ].n,
    };
}

static br_ec_private_key bearssl_ec(const struct signing_key *key) {
    struct bytes x = key->parts[SCALAR];
    return (br_ec_private_key){.curve = BR_EC_secp256r1, .x = crypto_unwritten(x), .xlen = x.n};
}

/* ---- Signing ---- */

bool signing_key_sign_raw(const struct signing_key *key, struct bytes in,
                          uint8_t out[SIGNATURE_RAW_SIZE]) {
    if (key->kind != KEY_EC_P256)
        return false;
    uint8_t digest[SHA256_SIZE];
    hash_of(HASH_SHA256, in, digest);
    br_ec_private_key sk = bearssl_ec(key);
    return br_ecdsa_sign_raw_get_default()(br_ec_get_default(), &br_sha256_vtable, digest, &sk,
                                           out) == SIGNATURE_RAW_SIZE;
}

/* Neither kind needs randomness here: ECDSA is deterministic (RFC 6979). */
enum err signing_key_sign(const struct env *env, const struct signing_key *key, struct bytes in,
                          struct buf *out) {
    (void)env;
    uint8_t digest[SHA256_SIZE], signature[RSA_BITS_MAX / 8];
    size_t n;
    hash_of(HASH_SHA256, in, digest);
    if (key->kind == KEY_EC_P256) {
        br_ec_private_key sk = bearssl_ec(key);
        n = br_ecdsa_sign_asn1_get_default()(br_ec_get_default(), &br_sha256_vtable, digest, &sk,
                                             signature);
    } else {
        br_rsa_private_key sk = bearssl_rsa(key);
        n = key->parts[N].n;
        if (br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, digest, sizeof digest, &sk,
                                            signature) != 1)
            n = 0;
    }
    if (n == 0)
        return ERR_FAILED;
    buf_put(out, bytes_of(signature, n));
    return out->err;
}

/* ---- Public key ---- */

static void put_algorithm(const struct signing_key *key, struct buf *out) {
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    if (key->kind == KEY_EC_P256) {
        oid_put(out, OID_EC);
        oid_put(out, OID_P256);
    } else {
        oid_put(out, OID_RSA);
        der_put_null(out);
    }
    der_close(out, algorithm);
}

static void put_public(const struct signing_key *key, struct buf *out) {
    size_t bits = der_begin(out, DER_BIT_STRING);
    buf_u8(out, 0);
    if (key->kind == KEY_EC_P256) {
        buf_put(out, key->parts[POINT]);
    } else {
        size_t pair = der_begin(out, DER_SEQUENCE);
        der_put_unsigned(out, key->parts[N]);
        der_put_unsigned(out, key->parts[E]);
        der_close(out, pair);
    }
    der_close(out, bits);
}

void signing_key_spki(const struct signing_key *key, struct buf *out) {
    size_t spki = der_begin(out, DER_SEQUENCE);
    put_algorithm(key, out);
    put_public(key, out);
    der_close(out, spki);
}

/* ---- Writing: PKCS#8 ---- */

/* SEC 1 / RFC 5915; the curve stands in the algorithm around it. */
static void put_ec_private(const struct signing_key *key, struct buf *out) {
    size_t inner = der_begin(out, DER_SEQUENCE);
    der_put_u64(out, 1);
    der_put(out, DER_OCTET_STRING, key->parts[SCALAR]);
    size_t public_key = der_begin(out, DER_CONTEXT_CONS | 1);
    put_public(key, out);
    der_close(out, public_key);
    der_close(out, inner);
}

static void put_rsa_private(const struct signing_key *key, struct buf *out) {
    size_t inner = der_begin(out, DER_SEQUENCE);
    der_put_u64(out, 0);
    for (int part = 0; part < RSA_PARTS; part++)
        der_put_unsigned(out, key->parts[part]);
    der_close(out, inner);
}

void signing_key_write(const struct signing_key *key, struct buf *out) {
    size_t outer = der_begin(out, DER_SEQUENCE);
    der_put_u64(out, 0);
    put_algorithm(key, out);
    size_t octets = der_begin(out, DER_OCTET_STRING);
    if (key->kind == KEY_EC_P256)
        put_ec_private(key, out);
    else
        put_rsa_private(key, out);
    der_close(out, octets);
    der_close(out, outer);
}

/* ---- Reading ---- */

static enum err refuse(struct fault *f, enum err code, const char *detail) {
    return fault_set(f, code, "private key", "%s", detail);
}

/* The key's own signature over a fixed text is good under its public key. */
static enum err check_pair(const struct signing_key *key, struct fault *f) {
    struct bytes text = bytes_text("pair");
    struct buf spki, algorithm, signature;
    buf_init(&spki, 2048);
    buf_init(&algorithm, 64);
    buf_init(&signature, RSA_BITS_MAX / 8);
    signing_key_spki(key, &spki);
    size_t mark = der_begin(&algorithm, DER_SEQUENCE);
    oid_put(&algorithm, key->kind == KEY_EC_P256 ? OID_ECDSA_SHA256 : OID_RSA_SHA256);
    der_close(&algorithm, mark);
    enum err e = signing_key_sign(NULL, key, text, &signature);
    if (e == ERR_OK)
        e = signature_verify(buf_bytes(&spki), buf_bytes(&algorithm), text, buf_bytes(&signature));
    bool memory =
        spki.err == ERR_MEMORY || algorithm.err == ERR_MEMORY || signature.err == ERR_MEMORY;
    buf_clear(&spki);
    buf_clear(&algorithm);
    buf_clear(&signature);
    if (memory)
        return fault_set(f, ERR_MEMORY, "private key", "%s", "no memory");
    return e == ERR_OK ? ERR_OK : refuse(f, ERR_FORMAT, "its parts do not fit each other");
}

static enum err read_rsa(struct signing_key *key, struct bytes der, struct fault *f) {
    struct cur c = cur_open(der), inner = der_open(&c, DER_SEQUENCE);
    uint64_t version = der_u64(&inner);
    if (!inner.bad && version == 1)
        return refuse(f, ERR_UNSUPPORTED, "RSA with more than two primes");
    struct bytes parts[RSA_PARTS];
    for (int part = 0; part < RSA_PARTS; part++)
        parts[part] = der_unsigned(&inner);
    if (!cur_end(&inner) || !cur_end(&c) || version != 0)
        return refuse(f, ERR_FORMAT, "no RSA private key");
    size_t bits = der_bit_length(parts[N]);
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)
        return refuse(f, ERR_UNSUPPORTED, "RSA below 1024 or above 4096 bits");
    for (int part = 0; part < RSA_PARTS; part++) {
        size_t most = part <= D ? parts[N].n : (parts[N].n + 1) / 2;
        if (parts[part].n > most)
            return refuse(f, ERR_UNSUPPORTED, "RSA with primes of unequal length");
        if (!keep(key, (enum part)part, parts[part]))
            return refuse(f, ERR_FORMAT, "no RSA private key");
    }
    return check_pair(key, f);
}

static bool keep_point(struct signing_key *key) {
    uint8_t point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_private_key sk = bearssl_ec(key);
    size_t n = br_ec_compute_pub(br_ec_get_default(), NULL, point, &sk);
    return n == EC_POINT && keep(key, POINT, bytes_of(point, n));
}

/* The curve: of `outer` (PKCS#8) or of the key itself; both where both are there. */
static bool is_p256(struct bytes oid) {
    return bytes_equal(oid, oid_row(OID_P256)->der);
}

static enum err read_ec(struct signing_key *key, struct bytes outer_curve, struct bytes der,
                        struct fault *f) {
    struct cur c = cur_open(der), inner = der_open(&c, DER_SEQUENCE);
    struct bytes curve = outer_curve, field, point = {0};
    uint64_t version = der_u64(&inner);
    struct bytes scalar = der_take(&inner, DER_OCTET_STRING);
    if (der_optional(&inner, DER_CONTEXT_CONS | 0, &field)) {
        struct cur own = cur_open(field);
        curve = der_oid(&own);
        if (own.bad)
            return refuse(f, ERR_UNSUPPORTED, "EC curve given by its parameters");
    }
    if (der_optional(&inner, DER_CONTEXT_CONS | 1, &field)) {
        struct cur own = cur_open(field);
        point = der_bits(&own);
        if (!cur_end(&own))
            cur_refuse(&inner);
    }
    if (!cur_end(&inner) || !cur_end(&c) || version != 1)
        return refuse(f, ERR_FORMAT, "no EC private key");
    if (!is_p256(curve) || (outer_curve.n > 0 && !is_p256(outer_curve)))
        return refuse(f, ERR_UNSUPPORTED, "only P-256 and RSA keys");
    if (scalar.n != EC_SCALAR || !keep(key, SCALAR, scalar) || !keep_point(key))
        return refuse(f, ERR_FORMAT, "no EC private key");
    if (point.n == EC_POINT && !bytes_equal(point, key->parts[POINT]))
        return refuse(f, ERR_FORMAT, "its public key is another one");
    return check_pair(key, f);
}

/* PKCS#8: version, algorithm, the key in an OCTET STRING; what follows is left. */
static enum err read_pkcs8(struct cur inner, struct signing_key **key, struct fault *f) {
    struct cur algorithm = der_open(&inner, DER_SEQUENCE);
    const struct oid_row *row = oid_find(OID_ALGORITHM, der_oid(&algorithm));
    struct bytes content = der_take(&inner, DER_OCTET_STRING), curve = {0};
    if (inner.bad || algorithm.bad)
        return refuse(f, ERR_FORMAT, "no PKCS#8");
    if (row == NULL || (row->id != OID_RSA && row->id != OID_EC))
        return refuse(f, ERR_UNSUPPORTED, "only P-256 and RSA keys");
    *key = key_open(row->id == OID_RSA ? KEY_RSA : KEY_EC_P256);
    if (*key == NULL)
        return fault_set(f, ERR_MEMORY, "private key", "%s", "no memory");
    if (row->id == OID_RSA)
        return read_rsa(*key, content, f);
    curve = der_oid(&algorithm);
    return curve.n == 0 ? refuse(f, ERR_UNSUPPORTED, "EC curve given by its parameters")
                        : read_ec(*key, curve, content, f);
}

/* The second value of the outer SEQUENCE tells the three forms apart. */
enum err signing_key_read(struct bytes der, struct signing_key **out, struct fault *f) {
    struct cur c = cur_open(der), inner = der_open(&c, DER_SEQUENCE);
    struct signing_key *key = NULL;
    enum err e;
    *out = NULL;
    der_u64(&inner);
    if (!cur_end(&c) || inner.bad)
        return refuse(f, ERR_FORMAT, "no DER of a private key");
    if (der_peek(&inner, DER_SEQUENCE)) {
        e = read_pkcs8(inner, &key, f);
    } else {
        bool rsa = der_peek(&inner, DER_INTEGER);
        key = key_open(rsa ? KEY_RSA : KEY_EC_P256);
        if (key == NULL)
            return fault_set(f, ERR_MEMORY, "private key", "%s", "no memory");
        e = rsa ? read_rsa(key, der, f) : read_ec(key, (struct bytes){0}, der, f);
    }
    if (e != ERR_OK) {
        signing_key_close(key);
        return e;
    }
    *out = key;
    return ERR_OK;
}

/* ---- Making ---- */

static bool make_ec(br_hmac_drbg_context *rng, struct signing_key *key) {
    uint8_t scalar[BR_EC_KBUF_PRIV_MAX_SIZE];
    size_t n = br_ec_keygen(&rng->vtable, br_ec_get_default(), NULL, scalar, BR_EC_secp256r1);
    bool good = n == EC_SCALAR && keep(key, SCALAR, bytes_of(scalar, n)) && keep_point(key);
    crypto_wipe(scalar, sizeof scalar);
    return good;
}

static bool make_rsa(br_hmac_drbg_context *rng, struct signing_key *key, unsigned bits) {
    uint8_t private_octets[BR_RSA_KBUF_PRIV_SIZE(RSA_BITS_MAX)], d[RSA_BITS_MAX / 8];
    uint8_t public_octets[BR_RSA_KBUF_PUB_SIZE(RSA_BITS_MAX)];
    br_rsa_private_key sk;
    br_rsa_public_key pk;
    bool good = br_rsa_keygen_get_default()(&rng->vtable, &sk, private_octets, &pk, public_octets,
                                            bits, RSA_EXPONENT) == 1;
    size_t d_n = good ? br_rsa_compute_privexp_get_default()(NULL, &sk, RSA_EXPONENT) : 0;
    good = d_n > 0 && d_n <= sizeof d &&
           br_rsa_compute_privexp_get_default()(d, &sk, RSA_EXPONENT) == d_n;
    good = good && keep(key, N, bytes_of(pk.n, pk.nlen)) && keep(key, E, bytes_of(pk.e, pk.elen)) &&
           keep(key, D, bytes_of(d, d_n)) && keep(key, P, bytes_of(sk.p, sk.plen)) &&
           keep(key, Q, bytes_of(sk.q, sk.qlen)) && keep(key, DP, bytes_of(sk.dp, sk.dplen)) &&
           keep(key, DQ, bytes_of(sk.dq, sk.dqlen)) && keep(key, IQ, bytes_of(sk.iq, sk.iqlen));
    crypto_wipe(private_octets, sizeof private_octets);
    crypto_wipe(d, sizeof d);
    return good;
}

enum err signing_key_make(const struct env *env, enum key_kind kind, unsigned bits,
                          struct signing_key **out, struct fault *f) {
    uint8_t seed[64];
    *out = NULL;
    if (kind == KEY_RSA && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX || bits % 8 != 0))
        return refuse(f, ERR_UNSUPPORTED,
                      "RSA keys are made with 1024 to 4096 bits, divisible by 8");
    if (!env->random(env->context, seed, sizeof seed))
        return fault_set(f, ERR_FAILED, "random source", "%s", "the system gives none");
    struct signing_key *key = key_open(kind);
    if (key == NULL)
        return fault_set(f, ERR_MEMORY, "private key", "%s", "no memory");
    br_hmac_drbg_context rng;
    br_hmac_drbg_init(&rng, &br_sha256_vtable, seed, sizeof seed);
    bool good = kind == KEY_RSA ? make_rsa(&rng, key, bits) : make_ec(&rng, key);
    crypto_wipe(&rng, sizeof rng);
    crypto_wipe(seed, sizeof seed);
    if (!good) {
        signing_key_close(key);
        return fault_set(f, ERR_FAILED, "private key", "%s", "it could not be made");
    }
    *out = key;
    return ERR_OK;
}
