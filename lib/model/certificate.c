/* The certificate object. See certificate.h. */
#include "model/certificate.h"

enum { TEXT_MAX = 4 * X509_DER_MAX, TEXT_USUAL = 1000 };

static void put_name(struct json *j, const char *key, struct bytes name, struct buf *scratch) {
    buf_reset(scratch);
    x509_name_text(name, scratch);
    json_bytes(j, key, buf_bytes(scratch));
}

static void put_time(struct json *j, const char *key, bool has, int64_t unix_s) {
    if (has)
        json_time(j, key, unix_s);
    else
        json_null(j, key);
}

static void put_key(struct json *j, const struct x509_key *key) {
    json_object(j, "key");
    json_text(j, "algorithm", key->algorithm);
    if (key->bits > 0)
        json_int(j, "bits", key->bits);
    if (key->curve != NULL)
        json_text(j, "curve", key->curve);
    json_end(j, '}');
}

static void put_texts(struct json *j, const char *key, const struct x509_names *names) {
    json_array(j, key);
    for (size_t i = 0; i < names->n; i++)
        json_bytes(j, NULL, names->items[i]);
    json_end(j, ']');
}

/* The lists that every reader knows are always there, the rarer ones where they hold something. */
static void put_alt_names(struct json *j, const struct x509_alt_names *alt, struct buf *scratch) {
    json_object(j, "subject_alt_names");
    put_texts(j, "dns", &alt->dns);
    json_array(j, "ip");
    for (size_t i = 0; i < alt->ip.n; i++) {
        buf_reset(scratch);
        x509_ip_text(alt->ip.items[i], scratch);
        json_bytes(j, NULL, buf_bytes(scratch));
    }
    json_end(j, ']');
    put_texts(j, "email", &alt->email);
    put_texts(j, "uri", &alt->uri);
    if (alt->directory.n > 0) {
        json_array(j, "directory");
        for (size_t i = 0; i < alt->directory.n; i++)
            put_name(j, NULL, alt->directory.items[i], scratch);
        json_end(j, ']');
    }
    if (alt->other > 0)
        json_int(j, "other", (int64_t)alt->other);
    json_end(j, '}');
}

static void put_usages(struct json *j, const struct x509_cert *cert) {
    json_array(j, "key_usage");
    for (unsigned bit = 0; x509_key_usage_name(bit) != NULL; bit++)
        if ((cert->key_usage & 1u << bit) != 0)
            json_text(j, NULL, x509_key_usage_name(bit));
    json_end(j, ']');
    json_array(j, "extended_key_usage");
    for (size_t i = 0; i < cert->extended_key_usage_n; i++)
        json_text(j, NULL, cert->extended_key_usage[i]);
    json_end(j, ']');
}

static void put_deviations(struct json *j, unsigned deviations) {
    json_array(j, "deviations");
    const struct x509_deviation_row *row;
    for (size_t i = 0; (row = x509_deviation_row(i)) != NULL; i++)
        if ((deviations & row->bit) != 0)
            json_text(j, NULL, row->name);
    json_end(j, ']');
}

static void put_self_signed(struct json *j, const struct x509_cert *cert) {
    enum x509_answer answer = x509_cert_self_signed(cert);
    json_bool_or_null(j, "self_signed", answer != X509_UNKNOWN, answer == X509_YES);
}

static void put_key_id(struct json *j, const char *key, struct bytes id) {
    if (id.n > 0)
        json_hex(j, key, id);
    else
        json_null(j, key);
}

void model_certificate_json(struct json *j, const struct x509_cert *cert, bool with_pem) {
    uint8_t sha256[X509_SHA256_SIZE];
    struct buf scratch;
    buf_init(&scratch, TEXT_MAX);
    (void)buf_reserve(&scratch, TEXT_USUAL);
    json_text(j, "type", "certificate");
    x509_cert_sha256(cert, sha256);
    json_hex(j, "sha256", bytes_of(sha256, sizeof sha256));
    json_hex(j, "serial_number", cert->serial);
    put_name(j, "subject", cert->subject, &scratch);
    put_name(j, "issuer", cert->issuer, &scratch);
    put_time(j, "not_before", cert->has_not_before, cert->not_before);
    put_time(j, "not_after", cert->has_not_after, cert->not_after);
    put_key(j, &cert->key);
    json_text(j, "signature_algorithm", cert->signature_algorithm);
    put_alt_names(j, &cert->alt, &scratch);
    json_bool(j, "is_ca", cert->is_ca);
    put_self_signed(j, cert);
    put_usages(j, cert);
    put_key_id(j, "subject_key_id", cert->subject_key_id);
    put_key_id(j, "authority_key_id", cert->authority_key_id);
    x509_spki_sha256(cert, sha256);
    json_hex(j, "spki_sha256", bytes_of(sha256, sizeof sha256));
    put_deviations(j, cert->deviations);
    if (with_pem) {
        buf_reset(&scratch);
        pem_write(&scratch, "CERTIFICATE", cert->der);
        json_bytes(j, "pem", buf_bytes(&scratch));
    }
    if (scratch.err != ERR_OK && j->out->err == ERR_OK)
        j->out->err = scratch.err;
    buf_clear(&scratch);
}
