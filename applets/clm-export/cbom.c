/* Certificates, their public keys and the algorithms of both as a cryptography bill of
 * materials: CycloneDX 1.6, JSON. Every reference leads to a component; the serial number
 * is made of the store's head, so that the same store gives the same document. */
#include "applets/clm-export/parts.h"

#include "base/text.h"
#include "base/version.h"

#include <stdlib.h>
#include <string.h>

/* What was referred to and is still to be written, once each. */
struct reference {
    uint8_t spki_sha256[SHA256_SIZE]; /* of keys; zeros: an algorithm */
    struct bytes text;                /* "RSA 2048", "sha256WithRSAEncryption" */
};

struct references {
    struct reference *items;
    size_t n, room;
    enum err err;
};

struct bom {
    struct json j;
    struct arena texts;
    struct bytes last[2]; /* texts are few: the last one of each sort is taken again */
    struct references keys, algorithms;
};

static struct bytes keep_text(struct bom *b, size_t sort, struct bytes text) {
    if (!bytes_equal(b->last[sort], text))
        b->last[sort] = arena_copy(&b->texts, text);
    return b->last[sort];
}

static void refer(struct references *r, const uint8_t *spki_sha256, struct bytes text) {
    if (r->n == r->room) {
        size_t room = r->room == 0 ? 256 : 2 * r->room;
        struct reference *items = realloc(r->items, room * sizeof *items);
        if (items == NULL) {
            r->err = ERR_MEMORY;
            return;
        }
        r->items = items;
        r->room = room;
    }
    r->items[r->n] = (struct reference){.text = text};
    if (spki_sha256 != NULL)
        memcpy(r->items[r->n].spki_sha256, spki_sha256, SHA256_SIZE);
    r->n++;
}

static int compare_references(const void *a, const void *b) {
    const struct reference *x = a, *y = b;
    int c = memcmp(x->spki_sha256, y->spki_sha256, SHA256_SIZE);
    return c != 0 ? c : bytes_compare(x->text, y->text);
}

/* ---- Components ---- */

/* "algorithm/rsa-2048": letters, digits, dots and dashes. */
static void put_algorithm_ref(struct bom *b, const char *key, struct bytes text) {
    struct buf ref;
    buf_init(&ref, 1000);
    buf_text(&ref, "algorithm/");
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        buf_u8(&ref, ascii_is_alnum(c) || c == '.' ? (uint8_t)ascii_lower((char)c) : '-');
    }
    json_bytes(&b->j, key, buf_bytes(&ref));
    buf_clear(&ref);
}

static void put_ref(struct bom *b, const char *key, const char *kind, struct bytes hash) {
    char hex[2 * SHA256_SIZE + 1], ref[2 * SHA256_SIZE + 20];
    hex_write(hex, hash);
    snprintf(ref, sizeof ref, "%s/%s", kind, hex);
    json_text(&b->j, key, ref);
}

static void put_property(struct json *j, const char *name, struct bytes value) {
    json_object(j, NULL);
    json_text(j, "name", name);
    json_bytes(j, "value", value);
    json_end(j, '}');
}

static void put_certificate_properties(struct bom *b, const struct inventory_cert *cert) {
    struct json *j = &b->j;
    json_object(j, "cryptoProperties");
    json_text(j, "assetType", "certificate");
    json_object(j, "certificateProperties");
    json_bytes(j, "subjectName", cert->subject);
    json_bytes(j, "issuerName", cert->issuer);
    if (cert->has_not_before)
        json_time(j, "notValidBefore", cert->not_before_s);
    if (cert->has_not_after)
        json_time(j, "notValidAfter", cert->not_after_s);
    put_algorithm_ref(b, "signatureAlgorithmRef", cert->signature_algorithm);
    put_ref(b, "subjectPublicKeyRef", "key", bytes_of(cert->spki_sha256, SHA256_SIZE));
    json_text(j, "certificateFormat", "X.509");
    json_end(j, '}');
    json_end(j, '}');
}

static bool put_cert(struct export_run *run, void *context, const void *row) {
    const struct inventory_cert *cert = row;
    struct bom *b = context;
    struct json *j = &b->j;
    char served[24];
    if (cert->bad) {
        run->skipped++;
        return true;
    }
    json_object(j, NULL);
    json_text(j, "type", "cryptographic-asset");
    put_ref(b, "bom-ref", "certificate", bytes_of(cert->sha256, SHA256_SIZE));
    json_bytes(j, "name", cert->name);
    json_array(j, "hashes");
    json_object(j, NULL);
    json_text(j, "alg", "SHA-256");
    json_hex(j, "content", bytes_of(cert->sha256, SHA256_SIZE));
    json_end(j, '}');
    json_end(j, ']');
    put_certificate_properties(b, cert);
    json_array(j, "properties");
    snprintf(served, sizeof served, "%llu", (unsigned long long)cert->served);
    put_property(j, "clm:places", bytes_text(served));
    if (cert->owner.n > 0)
        put_property(j, "clm:owner", cert->owner);
    json_end(j, ']');
    json_end(j, '}');
    struct bytes key = keep_text(b, 0, cert->key);
    refer(&b->keys, cert->spki_sha256, key);
    refer(&b->algorithms, NULL, key);
    refer(&b->algorithms, NULL, keep_text(b, 1, cert->signature_algorithm));
    run->rows++;
    return export_stream_step(&run->stream);
}

static void put_key(struct bom *b, const struct reference *r) {
    struct json *j = &b->j;
    int64_t bits = query_key_bits(r->text);
    json_object(j, NULL);
    json_text(j, "type", "cryptographic-asset");
    put_ref(b, "bom-ref", "key", bytes_of(r->spki_sha256, SHA256_SIZE));
    json_bytes(j, "name", r->text);
    json_object(j, "cryptoProperties");
    json_text(j, "assetType", "related-crypto-material");
    json_object(j, "relatedCryptoMaterialProperties");
    json_text(j, "type", "public-key");
    json_hex(j, "id", bytes_of(r->spki_sha256, SHA256_SIZE));
    put_algorithm_ref(b, "algorithmRef", r->text);
    if (bits > 0)
        json_int(j, "size", bits);
    json_text(j, "format", "SubjectPublicKeyInfo");
    json_end(j, '}');
    json_end(j, '}');
    json_end(j, '}');
}

/* "RSA 2048" has a size, "EC P-256" a curve; signatures have neither. */
static void put_algorithm(struct bom *b, const struct reference *r) {
    struct json *j = &b->j;
    struct cur c = cur_open(r->text);
    uint64_t bits;
    (void)cur_until(&c, ' ');
    json_object(j, NULL);
    json_text(j, "type", "cryptographic-asset");
    put_algorithm_ref(b, "bom-ref", r->text);
    json_bytes(j, "name", r->text);
    json_object(j, "cryptoProperties");
    json_text(j, "assetType", "algorithm");
    json_object(j, "algorithmProperties");
    json_text(j, "primitive", bytes_starts(r->text, "RSA ") ? "pke" : "signature");
    if (c.rest.n > 0)
        json_bytes(j, number_read(c.rest, UINT32_MAX, &bits) ? "parameterSetIdentifier" : "curve",
                   c.rest);
    json_array(j, "cryptoFunctions");
    json_text(j, NULL, "verify");
    json_end(j, ']');
    json_end(j, '}');
    json_end(j, '}');
    json_end(j, '}');
}

/* Each once, in an order of their own. */
static void put_references(struct export_run *run, struct bom *b, struct references *r,
                           void (*put)(struct bom *b, const struct reference *one)) {
    if (r->n == 0)
        return;
    qsort(r->items, r->n, sizeof *r->items, compare_references);
    for (size_t i = 0; i < r->n && export_stream_step(&run->stream); i++)
        if (i == 0 || compare_references(&r->items[i - 1], &r->items[i]) != 0)
            put(b, &r->items[i]);
}

/* ---- The document ---- */

/* A UUID of our own making (RFC 9562, 5.8) out of what the document says of itself. */
static void put_serial(struct json *j, struct bytes head) {
    uint8_t hash[SHA256_SIZE];
    char hex[33], urn[48];
    hash_of(HASH_SHA256, head, hash);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    hex_write(hex, bytes_of(hash, 16));
    snprintf(urn, sizeof urn, "urn:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
             hex + 16, hex + 20);
    json_text(j, "serialNumber", urn);
}

static void put_metadata(struct export_run *run, struct json *j, struct bytes head) {
    json_object(j, "metadata");
    json_time(j, "timestamp", run->as_of_s);
    json_object(j, "tools");
    json_array(j, "components");
    json_object(j, NULL);
    json_text(j, "type", "application");
    json_text(j, "name", "clm-export");
    json_text(j, "version", CLM_VERSION);
    json_end(j, '}');
    json_end(j, ']');
    json_end(j, '}');
    json_array(j, "properties");
    put_property(j, "clm:report", head);
    json_end(j, ']');
    json_end(j, '}');
}

static enum err put_document(struct export_run *run, struct bom *b, struct fault *f) {
    struct json *j = &b->j;
    json_object(j, NULL);
    json_text(j, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    json_text(j, "bomFormat", "CycloneDX");
    json_text(j, "specVersion", "1.6");
    put_serial(j, buf_bytes(&run->line));
    json_int(j, "version", 1);
    put_metadata(run, j, buf_bytes(&run->line));
    json_array(j, "components");
    enum err code = export_each_cert(run, put_cert, b, f);
    put_references(run, b, &b->keys, put_key);
    put_references(run, b, &b->algorithms, put_algorithm);
    json_end(j, ']');
    json_end(j, '}');
    buf_u8(&run->stream.chunk, '\n');
    enum err memory = b->keys.err != ERR_OK         ? b->keys.err
                      : b->algorithms.err != ERR_OK ? b->algorithms.err
                                                    : b->texts.err;
    if (code == ERR_OK && memory != ERR_OK)
        code = fault_set(f, memory, "export", "too many certificates");
    return code;
}

enum err export_as_cbom(struct export_run *run, struct fault *f) {
    struct bom b = {.j = json_to(&run->stream.chunk)};
    enum err code = export_head(run, &run->line, f);
    if (code != ERR_OK)
        return code;
    arena_init(&b.texts, EXPORT_ITEM_MAX);
    code = put_document(run, &b, f);
    free(b.keys.items);
    free(b.algorithms.items);
    arena_clear(&b.texts);
    return code;
}
