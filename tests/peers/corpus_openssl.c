/* What libcrypto says of certificates: for corpus_test.py.
 *
 *     corpus_openssl FILE      FILE: 4 bytes of length, DER, and so on
 *
 * Prints a line of JSON for each: null where it cannot read it. Foreign text is hex,
 * types and algorithms are dotted, so that nothing depends on how OpenSSL names them.
 */
#define _GNU_SOURCE /* memmem */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_hex(const char *key, const unsigned char *p, int n) {
    printf("\"%s\":\"", key);
    for (int i = 0; i < n; i++)
        printf("%02x", p[i]);
    printf("\"");
}

static void put_oid(const char *key, const ASN1_OBJECT *o) {
    char text[1024];
    OBJ_obj2txt(text, sizeof text, o, 1);
    printf("\"%s\":\"%s\"", key, text);
}

static void put_time(const char *key, const ASN1_TIME *t) {
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) == 1)
        printf("\"%s\":\"%04d-%02d-%02dT%02d:%02d:%02dZ\"", key, tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    else
        printf("\"%s\":null", key);
}

/* Attributes in their order, each with the number of its RDN. */
static void put_name(const char *key, const X509_NAME *name) {
    printf("\"%s\":[", key);
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *e = X509_NAME_get_entry(name, i);
        const ASN1_STRING *s = X509_NAME_ENTRY_get_data(e);
        unsigned char *utf8 = NULL;
        int n = ASN1_STRING_to_UTF8(&utf8, s);
        printf("%s{\"rdn\":%d,\"tag\":%d,", i > 0 ? "," : "", X509_NAME_ENTRY_set(e),
               ASN1_STRING_type(s));
        put_oid("type", X509_NAME_ENTRY_get_object(e));
        printf(",");
        put_hex("raw", ASN1_STRING_get0_data(s), ASN1_STRING_length(s));
        printf(",");
        if (n >= 0)
            put_hex("utf8", utf8, n);
        else
            printf("\"utf8\":null");
        printf("}");
        OPENSSL_free(utf8);
    }
    printf("]");
}

static void put_other_name(const OTHERNAME *o) {
    unsigned char *der = NULL;
    int n = i2d_ASN1_TYPE(o->value, &der);
    put_oid("type", o->type_id);
    printf(",");
    put_hex("value", der, n > 0 ? n : 0);
    OPENSSL_free(der);
}

static void put_general_name(const GENERAL_NAME *g) {
    int type;
    void *value = GENERAL_NAME_get0_value(g, &type);
    printf("{\"kind\":%d,", type);
    switch (type) {
    case GEN_OTHERNAME:
        put_other_name(value);
        break;
    case GEN_DIRNAME:
        put_name("value", value);
        break;
    case GEN_RID:
        put_oid("value", value);
        break;
    case GEN_EMAIL:
    case GEN_DNS:
    case GEN_URI:
    case GEN_IPADD:
        put_hex("value", ASN1_STRING_get0_data(value), ASN1_STRING_length(value));
        break;
    default:
        printf("\"value\":null");
    }
    printf("}");
}

static void put_alt_names(X509 *x) {
    int state;
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, &state, NULL);
    if (names == NULL) {
        printf("\"alt\":%s", state == -1 ? "[]" : "null"); /* null: there, and not readable */
        return;
    }
    printf("\"alt\":[");
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (i > 0)
            printf(",");
        put_general_name(sk_GENERAL_NAME_value(names, i));
    }
    printf("]");
    GENERAL_NAMES_free(names);
}

static void put_key(X509 *x) {
    ASN1_OBJECT *algorithm = NULL;
    EVP_PKEY *key = X509_get0_pubkey(x);
    char group[128] = "";
    size_t n = 0;
    X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_get_X509_PUBKEY(x));
    put_oid("key", algorithm);
    if (key == NULL) {
        printf(",\"bits\":null");
        return;
    }
    printf(",\"bits\":%d", EVP_PKEY_get_bits(key));
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1)
        printf(",\"curve\":\"%s\"", group);
}

/* Whether what OpenSSL would write, which it hashes, is what it read. */
static void put_canonical(X509 *x, const uint8_t *der, size_t n) {
    unsigned char *whole = NULL, *spki = NULL;
    int whole_n = i2d_X509(x, &whole), spki_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    int same = whole_n > 0 && (size_t)whole_n == n && memcmp(whole, der, n) == 0;
    int spki_same = spki_n > 0 && memmem(der, n, spki, (size_t)spki_n) != NULL;
    printf("\"canonical\":%s,\"spki_canonical\":%s,", same ? "true" : "false",
           spki_same ? "true" : "false");
    OPENSSL_free(whole);
    OPENSSL_free(spki);
}

static void put_digests(X509 *x) {
    static const struct {
        const char *key;
        const EVP_MD *(*md)(void);
    } rows[] = {
        {"sha256", EVP_sha256},
        {"sha1",   EVP_sha1  }
    };
    unsigned char hash[EVP_MAX_MD_SIZE], *spki = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        X509_digest(x, rows[i].md(), hash, &n);
        put_hex(rows[i].key, hash, (int)n);
        printf(",");
    }
    int spki_n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    EVP_Digest(spki, spki_n > 0 ? (size_t)spki_n : 0, hash, &n, EVP_sha256(), NULL);
    put_hex("spki_sha256", hash, (int)n);
    OPENSSL_free(spki);
}

static void put_certificate(X509 *x, const uint8_t *der, size_t n) {
    const X509_ALGOR *algorithm;
    const ASN1_OBJECT *oid;
    BIGNUM *serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
    char *hex = serial == NULL ? NULL : BN_bn2hex(serial);
    printf("{\"version\":%ld,\"serial\":\"%s\",", X509_get_version(x) + 1, hex == NULL ? "" : hex);
    put_name("subject", X509_get_subject_name(x));
    printf(",");
    put_name("issuer", X509_get_issuer_name(x));
    printf(",");
    put_time("not_before", X509_get0_notBefore(x));
    printf(",");
    put_time("not_after", X509_get0_notAfter(x));
    printf(",");
    X509_get0_signature(NULL, &algorithm, x);
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    put_oid("signature", oid);
    printf(",");
    put_key(x);
    printf(",");
    put_alt_names(x);
    printf(",");
    put_canonical(x, der, n);
    put_digests(x);
    printf("}\n");
    OPENSSL_free(hex);
    BN_free(serial);
}

int main(int argc, char **argv) {
    FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t max = (size_t)1 << 28;
    uint8_t *file = malloc(max);
    if (in == NULL || file == NULL)
        return 2;
    size_t size = fread(file, 1, max, in);
    fclose(in);
    for (size_t at = 0; at + 4 <= size;) {
        long n = (long)((uint32_t)file[at] << 24 | (uint32_t)file[at + 1] << 16 |
                        (uint32_t)file[at + 2] << 8 | file[at + 3]);
        const unsigned char *p = file + at + 4;
        X509 *x = d2i_X509(NULL, &p, n);
        if (x != NULL && p == file + at + 4 + n)
            put_certificate(x, file + at + 4, (size_t)n);
        else
            printf("null\n");
        X509_free(x);
        at += 4 + (size_t)n;
    }
    free(file);
    return 0;
}
