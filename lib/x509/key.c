/* SubjectPublicKeyInfo: algorithm, curve and size. See x509.h; RFC 3279, 5480, 8410.
 *
 * A key whose inside cannot be read keeps its algorithm's name and has no size.
 */
#include "base/der.h"
#include "x509/inner.h"

/* An INTEGER that should be positive and in its shortest form, without leading zeros. */
static struct bytes take_magnitude(struct x509_reader *r, struct cur *c) {
    struct bytes b = der_take(c, DER_INTEGER);
    if (b.n > 0 && b.p[0] >= 0x80)
        r->out->deviations |= X509_DEV_KEY_NEGATIVE;
    while (b.n > 1 && b.p[0] == 0)
        b = bytes_part(b, 1, b.n);
    return b;
}

static bool read_rsa(struct x509_reader *r, struct x509_key *key) {
    struct cur c = cur_open(key->public_key), inner = der_open(&c, DER_SEQUENCE);
    struct bytes n = take_magnitude(r, &inner), e = take_magnitude(r, &inner);
    if (!cur_end(&inner) || !cur_end(&c) || n.n == 0 || e.n == 0)
        return false;
    key->modulus = n;
    key->exponent = e;
    key->bits = der_bit_length(n);
    return true;
}

/* ECParameters (RFC 3279, 2.3.5): the size is that of the order, as for named curves. */
static bool read_explicit_curve(struct x509_reader *r, struct x509_key *key) {
    struct cur c = cur_open(key->parameters), inner = der_open(&c, DER_SEQUENCE);
    r->out->deviations |= X509_DEV_CURVE_EXPLICIT;
    der_take(&inner, DER_INTEGER);      /* version */
    der_take(&inner, DER_SEQUENCE);     /* field */
    der_take(&inner, DER_SEQUENCE);     /* a, b and perhaps a seed */
    der_take(&inner, DER_OCTET_STRING); /* base point */
    unsigned bits = der_bit_length(take_magnitude(r, &inner));
    if (inner.rest.n > 0)
        der_take(&inner, DER_INTEGER); /* cofactor */
    if (!cur_end(&inner) || !cur_end(&c))
        return false;
    key->bits = bits;
    return true;
}

static bool read_ec(struct x509_reader *r, struct x509_key *key) {
    struct cur c = cur_open(key->parameters);
    if (der_peek(&c, DER_SEQUENCE))
        return read_explicit_curve(r, key);
    struct bytes oid = der_oid(&c);
    if (!cur_end(&c))
        return false;
    const struct oid_row *row = oid_find(OID_CURVE, oid);
    key->bits = row == NULL ? 0 : row->bits;
    key->curve = x509_inner_oid_name(r->a, OID_CURVE, oid);
    return key->curve != NULL;
}

/* DSA and Diffie-Hellman: the prime is the first of the parameters. Inherited
 * ones (absent, or NULL) leave the size unknown. */
static bool read_prime(struct x509_reader *r, struct x509_key *key) {
    struct cur c = cur_open(key->parameters);
    if (!der_peek(&c, DER_SEQUENCE))
        return true;
    struct cur inner = der_open(&c, DER_SEQUENCE);
    key->bits = der_bit_length(take_magnitude(r, &inner));
    return !inner.bad;
}

/* GostR3410-PublicKeyParameters (RFC 4491, RFC 9215): the curve comes first. */
static bool read_gost(struct x509_reader *r, struct x509_key *key) {
    struct cur c = cur_open(key->parameters);
    if (!der_peek(&c, DER_SEQUENCE))
        return key->parameters.n == 0;
    struct cur inner = der_open(&c, DER_SEQUENCE);
    struct bytes oid = der_oid(&inner);
    if (inner.bad)
        return false;
    key->curve = x509_inner_oid_name(r->a, OID_CURVE, oid);
    return key->curve != NULL;
}

/* Keys of one size only, in octets, and without parameters (RFC 9881, 9909 and 9935 with the
 * sizes of FIPS 204, 205 and 203). */
static bool has_right_size(const struct x509_key *key) {
    static const struct {
        const char *begin;
        size_t octets;
    } sizes[] = {
        {"ML-DSA-44",         1312},
        {"ML-DSA-65",         1952},
        {"ML-DSA-87",         2592},
        {"ML-KEM-512",        800 },
        {"ML-KEM-768",        1184},
        {"ML-KEM-1024",       1568},
        {"SLH-DSA-SHA2-128",  32  },
        {"SLH-DSA-SHA2-192",  48  },
        {"SLH-DSA-SHA2-256",  64  },
        {"SLH-DSA-SHAKE-128", 32  },
        {"SLH-DSA-SHAKE-192", 48  },
        {"SLH-DSA-SHAKE-256", 64  },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (bytes_starts(bytes_text(key->algorithm), sizes[i].begin))
            return key->public_key.n == sizes[i].octets && key->parameters.n == 0;
    return true;
}

static bool has_prime(const char *algorithm) {
    struct bytes name = bytes_text(algorithm);
    return bytes_is(name, "DSA") || bytes_is(name, "DH") || bytes_is(name, "X9.42 DH");
}

static bool read_inside(struct x509_reader *r, struct x509_key *key) {
    if (key->id == OID_RSA || key->id == OID_RSA_X500 || key->id == OID_RSA_PSS)
        return read_rsa(r, key);
    if (key->id == OID_EC)
        return read_ec(r, key);
    if (bytes_starts(bytes_text(key->algorithm), "GOST R 34.10-20"))
        return read_gost(r, key);
    if (has_prime(key->algorithm))
        return read_prime(r, key);
    return has_right_size(key);
}

enum err x509_inner_read_key(struct x509_reader *r) {
    struct cur whole = cur_open(r->out->spki), c = der_open(&whole, DER_SEQUENCE);
    struct cur algorithm = der_open(&c, DER_SEQUENCE);
    struct x509_key *key = &r->out->key;
    unsigned unused = 0;
    key->oid = der_oid(&algorithm);
    if (algorithm.rest.n > 0)
        key->parameters = der_any(&algorithm).whole;
    if (!cur_end(&algorithm) || !x509_inner_bits(&c, &key->public_key, &unused) || !cur_end(&c))
        return ERR_FORMAT;
    const struct oid_row *row = oid_find(OID_ALGORITHM, key->oid);
    key->id = row == NULL ? OID_OTHER : row->id;
    key->bits = row == NULL ? 0 : row->bits;
    key->algorithm = x509_inner_oid_name(r->a, OID_ALGORITHM, key->oid);
    if (key->algorithm == NULL)
        return ERR_LIMIT;
    if (unused > 0)
        r->out->deviations |= X509_DEV_UNUSED_BITS;
    if (!read_inside(r, key))
        r->out->deviations |= X509_DEV_KEY_UNREADABLE;
    return r->a->err;
}
