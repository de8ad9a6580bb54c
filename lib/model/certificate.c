/* The certificate object. See certificate.h. */
#include "model/certificate.h"

#include "crypto/crypto.h"

enum { TEXT_MAX = 4 * X509_CERT_MAX, TEXT_USUAL = 1000, DETAILS_MAX = 32 << 20, SHA1_SIZE = 20 };

static void put_oid(struct json *j, const char *key, struct bytes oid) {
    struct buf text;
    buf_init(&text, TEXT_USUAL * 4);
    oid_dotted(oid, &text);
    json_bytes(j, key, buf_bytes(&text));
    buf_clear(&text);
}

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

/* ---- Names of all kinds ---- */

static void put_kind(struct json *j, const struct x509_general_name *name, struct buf *scratch) {
    buf_reset(scratch);
    x509_general_name_text(name, scratch);
    if (name->kind != X509_NAME_OTHER) {
        json_bytes(j, NULL, buf_bytes(scratch));
        return;
    }
    const struct oid_row *row = oid_find(OID_OTHER_NAME, name->type);
    json_object(j, NULL);
    put_oid(j, "type", name->type);
    if (row != NULL)
        json_text(j, "name", row->name);
    json_bytes(j, "value", buf_bytes(scratch));
    json_end(j, '}');
}

/* A list for each kind that is there, in the order of their tags. */
static void put_general_names(struct json *j, const struct x509_names *names, struct buf *scratch) {
    for (int kind = 0; kind < X509_NAME_KIND_COUNT; kind++) {
        bool is_open = false;
        for (size_t i = 0; i < names->n; i++) {
            struct x509_general_name name;
            if (!x509_general_name_read(names->items[i], &name) || (int)name.kind != kind)
                continue;
            if (!is_open)
                json_array(j, x509_name_kind_name(name.kind));
            is_open = true;
            put_kind(j, &name, scratch);
        }
        if (is_open)
            json_end(j, ']');
    }
}

static size_t count_unreadable(const struct x509_names *names) {
    struct x509_general_name ignored;
    size_t n = 0;
    for (size_t i = 0; i < names->n; i++)
        n += !x509_general_name_read(names->items[i], &ignored);
    return n;
}

/* Those of a rare kind that cannot be read: as they stand, in hex. */
static void put_unreadable(struct json *j, const struct x509_names *names) {
    struct x509_general_name ignored;
    if (count_unreadable(names) == 0)
        return;
    json_array(j, "unreadable");
    for (size_t i = 0; i < names->n; i++)
        if (!x509_general_name_read(names->items[i], &ignored))
            json_hex(j, NULL, names->items[i]);
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
    put_general_names(j, &alt->other, scratch);
    put_unreadable(j, &alt->other);
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

/* ---- Extensions: each is left out where it is not there ---- */

static void put_authority(struct json *j, const struct x509_details *d, struct buf *scratch) {
    if (d->authority_issuer.n > 0) {
        json_object(j, "authority_issuer");
        put_general_names(j, &d->authority_issuer, scratch);
        json_end(j, '}');
    }
    if (d->authority_serial.n > 0)
        json_hex(j, "authority_serial_number", d->authority_serial);
}

static void put_constraints(struct json *j, const struct x509_details *d, struct buf *scratch) {
    if (!d->has_name_constraints)
        return;
    json_object(j, "name_constraints");
    json_object(j, "permitted");
    put_general_names(j, &d->permitted, scratch);
    json_end(j, '}');
    json_object(j, "excluded");
    put_general_names(j, &d->excluded, scratch);
    json_end(j, '}');
    json_end(j, '}');
}

static void put_policies(struct json *j, const struct x509_details *d) {
    if (d->policies_n == 0)
        return;
    json_array(j, "policies");
    for (size_t i = 0; i < d->policies_n; i++) {
        const struct x509_policy *policy = &d->policies[i];
        json_object(j, NULL);
        put_oid(j, "oid", policy->oid);
        if (oid_find(OID_POLICY, policy->oid) != NULL)
            json_text(j, "name", policy->name);
        if (policy->cps.n > 0)
            json_bytes(j, "cps", policy->cps);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_text_of(struct json *j, const char *key, struct bytes der, struct buf *scratch) {
    struct x509_general_name name;
    buf_reset(scratch);
    if (x509_general_name_read(der, &name))
        x509_general_name_text(&name, scratch);
    json_bytes(j, key, buf_bytes(scratch));
}

static void put_pointers(struct json *j, const struct x509_details *d, struct buf *scratch) {
    if (d->access_n > 0) {
        json_array(j, "authority_info_access");
        for (size_t i = 0; i < d->access_n; i++) {
            json_object(j, NULL);
            json_text(j, "method", d->access[i].method);
            put_text_of(j, "location", d->access[i].location, scratch);
            json_end(j, '}');
        }
        json_end(j, ']');
    }
    if (d->crl.n > 0) {
        json_array(j, "crl_distribution_points");
        for (size_t i = 0; i < d->crl.n; i++)
            put_text_of(j, NULL, d->crl.items[i], scratch);
        json_end(j, ']');
    }
}

static void put_timestamps(struct json *j, const struct x509_details *d) {
    if (d->timestamps_n == 0)
        return;
    json_array(j, "signed_certificate_timestamps");
    for (size_t i = 0; i < d->timestamps_n; i++) {
        const struct x509_timestamp *sct = &d->timestamps[i];
        bool is_known = sct->version == 1 && sct->time_ms <= INT64_MAX;
        json_object(j, NULL);
        json_int(j, "version", sct->version);
        put_key_id(j, "log_id", sct->log_id);
        put_time(j, "time", is_known, (int64_t)(sct->time_ms / 1000));
        if (is_known)
            json_int(j, "time_ms", (int64_t)sct->time_ms);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_tls_features(struct json *j, const struct x509_details *d) {
    if (d->tls_features_n == 0)
        return;
    json_array(j, "tls_features");
    for (size_t i = 0; i < d->tls_features_n; i++)
        json_int(j, NULL, d->tls_features[i]);
    json_end(j, ']');
}

/* Every one, also those whose content stands above. */
static void put_extensions(struct json *j, const struct x509_cert *cert) {
    json_array(j, "extensions");
    for (size_t i = 0; i < cert->extensions_n; i++) {
        const struct x509_extension *x = &cert->extensions[i];
        json_object(j, NULL);
        put_oid(j, "oid", x->oid);
        if (oid_find(OID_EXTENSION, x->oid) != NULL)
            json_text(j, "name", x->name);
        json_bool(j, "critical", x->critical);
        json_int(j, "size_bytes", (int64_t)x->value.n);
        json_end(j, '}');
    }
    json_end(j, ']');
}

static void put_details(struct json *j, const struct x509_cert *cert, struct buf *scratch) {
    struct arena a;
    struct x509_details d;
    arena_init(&a, DETAILS_MAX);
    if (x509_details_read(&a, cert, &d) != ERR_OK)
        d = (struct x509_details){.deviations = cert->deviations | X509_DEV_EXTENSION_UNREADABLE};
    put_authority(j, &d, scratch);
    put_constraints(j, &d, scratch);
    put_policies(j, &d);
    put_pointers(j, &d, scratch);
    put_timestamps(j, &d);
    put_tls_features(j, &d);
    json_bool(j, "must_staple", d.must_staple);
    json_bool(j, "precertificate", d.is_precertificate);
    put_extensions(j, cert);
    put_deviations(j, d.deviations);
    arena_clear(&a);
}

static void put_fingerprints(struct json *j, const struct x509_cert *cert) {
    uint8_t sha256[X509_SHA256_SIZE], sha1[SHA1_SIZE];
    x509_spki_sha256(cert, sha256);
    json_hex(j, "spki_sha256", bytes_of(sha256, sizeof sha256));
    hash_of(HASH_SHA1, cert->der, sha1);
    json_hex(j, "sha1", bytes_of(sha1, sizeof sha1));
}

void model_certificate_json(struct json *j, const struct x509_cert *cert, bool with_pem) {
    uint8_t sha256[X509_SHA256_SIZE];
    struct buf scratch;
    buf_init(&scratch, TEXT_MAX);
    (void)buf_reserve(&scratch, TEXT_USUAL);
    json_text(j, "type", "certificate");
    x509_cert_sha256(cert, sha256);
    json_hex(j, "sha256", bytes_of(sha256, sizeof sha256));
    json_int(j, "version", cert->version);
    json_hex(j, "serial_number", cert->serial);
    put_name(j, "subject", cert->subject, &scratch);
    put_name(j, "issuer", cert->issuer, &scratch);
    put_time(j, "not_before", cert->has_not_before, cert->not_before);
    put_time(j, "not_after", cert->has_not_after, cert->not_after);
    put_key(j, &cert->key);
    json_text(j, "signature_algorithm", cert->signature_algorithm);
    put_alt_names(j, &cert->alt, &scratch);
    json_bool(j, "is_ca", cert->is_ca);
    if (cert->path_len >= 0)
        json_int(j, "path_length", cert->path_len);
    json_bool(j, "self_issued", cert->self_issued);
    put_self_signed(j, cert);
    put_usages(j, cert);
    put_key_id(j, "subject_key_id", cert->subject_key_id);
    put_key_id(j, "authority_key_id", cert->authority_key_id);
    put_fingerprints(j, cert);
    put_details(j, cert, &scratch);
    if (with_pem) {
        buf_reset(&scratch);
        pem_write(&scratch, "CERTIFICATE", cert->der);
        json_bytes(j, "pem", buf_bytes(&scratch));
    }
    if (scratch.err != ERR_OK && j->out->err == ERR_OK)
        j->out->err = scratch.err;
    buf_clear(&scratch);
}
