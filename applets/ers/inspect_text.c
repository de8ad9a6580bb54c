/* ers inspect: one certificate for people. See inspect_text.h. */
#include "applets/ers/inspect_text.h"

#include "base/clock.h"
#include "base/text.h"
#include "crypto/crypto.h"

enum {
    SCRATCH_MAX = 32 << 20,
    DETAILS_MAX = 32 << 20,
    SHA1_SIZE = 20,
    NAMES_SHOWN = 8,
    LOG_ID_SHOWN = 4, /* octets, enough to tell logs apart */
    WARN_DAYS = 30,
};

static void put_count(struct buf *out, const char *before, int64_t days, const char *behind) {
    buf_printf(out, "%s%lld day%s%s", before, (long long)days, days == 1 ? "" : "s", behind);
}

static void put_days(struct buf *out, const struct x509_cert *cert, int64_t now_s, bool use_color) {
    const char *color = "";
    if (!cert->has_not_after) {
        buf_text(out, "end unknown");
        return;
    }
    int64_t days = clock_days_between(now_s, cert->not_after);
    bool is_over = now_s > cert->not_after;
    if (use_color && (is_over || days < WARN_DAYS))
        color = is_over ? "\x1b[31m" : "\x1b[33m";
    buf_text(out, color);
    if (is_over)
        put_count(out, "ended ", -days, " ago");
    else if (cert->has_not_before && now_s < cert->not_before)
        put_count(out, "begins in ", clock_days_between(now_s, cert->not_before), "");
    else
        put_count(out, "", days, " left");
    buf_text(out, color[0] != '\0' ? "\x1b[0m" : "");
}

static void put_label(struct buf *out, const char *label) {
    buf_printf(out, "  %-11s ", label);
}

static void put_foreign(struct buf *out, const char *label, const struct buf *text) {
    put_label(out, label);
    text_escape(out, text->n > 0 ? buf_bytes(text) : bytes_text("(empty)"));
    buf_u8(out, '\n');
}

static void put_moment(struct buf *out, bool has, int64_t unix_s) {
    char text[CLOCK_TEXT_MAX];
    buf_text(out, has ? clock_write(unix_s, text) : "unreadable");
}

static void put_hex(struct buf *out, const char *label, struct bytes b) {
    put_label(out, label);
    hex_put(out, b);
    buf_u8(out, '\n');
}

static void put_name(struct buf *out, const char *label, struct bytes name, struct buf *scratch) {
    buf_reset(scratch);
    x509_name_text(name, scratch);
    put_foreign(out, label, scratch);
}

/* A list on one line: the first few of them, and how many more there are. */
struct line {
    struct buf text;
    size_t n;
};

static struct line line_open(void) {
    struct line line = {.n = 0};
    buf_init(&line.text, SCRATCH_MAX);
    return line;
}

/* Counts one more; true where it is to be shown, the comma then stands already. */
static bool line_add(struct line *line) {
    if (++line->n > NAMES_SHOWN)
        return false;
    buf_text(&line->text, line->n > 1 ? ", " : "");
    return true;
}

/* Prints it where it holds something. */
static void line_close(struct line *line, struct buf *out, const char *label) {
    if (line->n > NAMES_SHOWN)
        buf_printf(&line->text, ", and %zu more", line->n - NAMES_SHOWN);
    if (line->n > 0)
        put_foreign(out, label, &line->text);
    buf_clear(&line->text);
}

/* With the kind before it, except for those that are known by their looks. */
static void add_general_name(struct line *line, struct bytes der) {
    struct x509_general_name name;
    if (!line_add(line))
        return;
    if (!x509_general_name_read(der, &name)) {
        buf_u8(&line->text, '#');
        hex_put(&line->text, der);
        return;
    }
    if (name.kind == X509_NAME_OTHER)
        oid_text(OID_OTHER_NAME, name.type, &line->text);
    else if (name.kind == X509_NAME_X400 || name.kind == X509_NAME_EDI_PARTY ||
             name.kind == X509_NAME_REGISTERED_ID)
        buf_text(&line->text, x509_name_kind_name(name.kind));
    if (line->text.n > 0 && ascii_is_alnum(line->text.p[line->text.n - 1]))
        buf_u8(&line->text, ':');
    x509_general_name_text(&name, &line->text);
}

static void add_general_names(struct line *line, const struct x509_names *names) {
    for (size_t i = 0; i < names->n; i++)
        add_general_name(line, names->items[i]);
}

static void add_texts(struct line *line, const struct x509_names *names) {
    for (size_t i = 0; i < names->n; i++)
        if (line_add(line))
            buf_put(&line->text, names->items[i]);
}

static void put_names(struct buf *out, const struct x509_alt_names *alt) {
    struct line line = line_open();
    add_texts(&line, &alt->dns);
    for (size_t i = 0; i < alt->ip.n; i++)
        if (line_add(&line))
            x509_ip_text(alt->ip.items[i], &line.text);
    add_texts(&line, &alt->email);
    add_texts(&line, &alt->uri);
    for (size_t i = 0; i < alt->directory.n; i++)
        if (line_add(&line))
            x509_name_text(alt->directory.items[i], &line.text);
    add_general_names(&line, &alt->other);
    line_close(&line, out, "names");
}

/* Self-issued, and what its signature says of that. */
static const char *self_text(const struct x509_cert *cert) {
    if (!cert->self_issued)
        return "";
    switch (x509_cert_self_signed(cert)) {
    case X509_YES:
        return ", self-signed";
    case X509_UNKNOWN:
        return ", self-issued (signature not checked)";
    default:
        return ", self-issued (not signed by its own key)";
    }
}

static void put_key(struct buf *out, const struct x509_cert *cert) {
    put_label(out, "key");
    buf_text(out, cert->key.algorithm);
    if (cert->key.curve != NULL)
        buf_printf(out, " %s", cert->key.curve);
    else if (cert->key.bits > 0)
        buf_printf(out, " %u", cert->key.bits);
    buf_printf(out, ", signed with %s", cert->signature_algorithm);
    if (cert->is_ca)
        buf_text(out, ", CA");
    if (cert->is_ca && cert->path_len >= 0)
        buf_printf(out, " (path length %d)", cert->path_len);
    buf_printf(out, "%s\n", self_text(cert));
}

static void put_usage(struct buf *out, const struct x509_cert *cert) {
    struct line line = line_open();
    for (unsigned bit = 0; x509_key_usage_name(bit) != NULL; bit++)
        if ((cert->key_usage & 1u << bit) != 0 && line_add(&line))
            buf_text(&line.text, x509_key_usage_name(bit));
    for (size_t i = 0; i < cert->extended_key_usage_n; i++)
        if (line_add(&line))
            buf_text(&line.text, cert->extended_key_usage[i]);
    line_close(&line, out, "usage");
}

/* ---- Extensions ---- */

static void put_policies(struct buf *out, const struct x509_details *d) {
    struct line line = line_open();
    for (size_t i = 0; i < d->policies_n; i++)
        if (line_add(&line))
            buf_text(&line.text, d->policies[i].name);
    line_close(&line, out, "policies");
}

static void put_pointers(struct buf *out, const struct x509_details *d) {
    for (size_t i = 0; i < d->access_n && i < NAMES_SHOWN; i++) {
        struct line line = line_open();
        add_general_name(&line, d->access[i].location);
        bool is_issuer = bytes_is(bytes_text(d->access[i].method), "caIssuers");
        line_close(&line, out, is_issuer ? "issuer at" : d->access[i].method);
    }
    struct line line = line_open();
    add_general_names(&line, &d->crl);
    line_close(&line, out, "CRL");
}

static void put_constraints(struct buf *out, const struct x509_details *d) {
    struct line permitted = line_open(), excluded = line_open();
    add_general_names(&permitted, &d->permitted);
    line_close(&permitted, out, "only for");
    add_general_names(&excluded, &d->excluded);
    line_close(&excluded, out, "never for");
}

static void put_authority_key(struct buf *out, const struct x509_cert *cert,
                              const struct x509_details *d) {
    if (cert->authority_key_id.n == 0 && d->authority_serial.n == 0)
        return;
    struct line line = line_open();
    if (cert->authority_key_id.n > 0 && line_add(&line))
        hex_put(&line.text, cert->authority_key_id);
    add_general_names(&line, &d->authority_issuer);
    if (d->authority_serial.n > 0 && line_add(&line)) {
        buf_text(&line.text, "serial ");
        hex_put(&line.text, d->authority_serial);
    }
    line_close(&line, out, "issuer key");
}

static void put_transparency(struct buf *out, const struct x509_details *d) {
    char moment[CLOCK_TEXT_MAX];
    if (d->is_precertificate) {
        put_label(out, "note");
        buf_text(out, "a precertificate: for transparency logs, no server can use it\n");
    }
    struct line line = line_open();
    for (size_t i = 0; i < d->timestamps_n; i++) {
        const struct x509_timestamp *sct = &d->timestamps[i];
        if (!line_add(&line))
            continue;
        if (sct->version != 1 || sct->time_ms > INT64_MAX)
            buf_text(&line.text, "of an unknown version");
        else
            buf_text(&line.text, clock_write((int64_t)(sct->time_ms / 1000), moment));
        if (sct->log_id.n > 0)
            buf_u8(&line.text, ' ');
        hex_put(&line.text, bytes_part(sct->log_id, 0, LOG_ID_SHOWN));
    }
    line_close(&line, out, "logged");
}

/* Those that no line above tells of. */
static bool is_shown(enum oid id) {
    static const enum oid ids[] = {OID_BASIC_CONSTRAINTS,
                                   OID_KEY_USAGE,
                                   OID_EXTENDED_KEY_USAGE,
                                   OID_SUBJECT_ALT_NAME,
                                   OID_SUBJECT_KEY_ID,
                                   OID_AUTHORITY_KEY_ID,
                                   OID_NAME_CONSTRAINTS,
                                   OID_CERTIFICATE_POLICIES,
                                   OID_CRL_DISTRIBUTION_POINTS,
                                   OID_AUTHORITY_INFO_ACCESS,
                                   OID_TIMESTAMPS,
                                   OID_TLS_FEATURE,
                                   OID_PRECERTIFICATE_POISON};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static void put_others(struct buf *out, const struct x509_cert *cert) {
    struct line line = line_open();
    for (size_t i = 0; i < cert->extensions_n; i++) {
        const struct x509_extension *x = &cert->extensions[i];
        if (!is_shown(x->id) && line_add(&line))
            buf_printf(&line.text, "%s (%s%zu bytes)", x->name, x->critical ? "critical, " : "",
                       x->value.n);
    }
    line_close(&line, out, "also");
}

static void put_details(struct buf *out, const struct x509_cert *cert,
                        const struct x509_details *d) {
    put_policies(out, d);
    put_constraints(out, d);
    put_pointers(out, d);
    if (d->must_staple) {
        put_label(out, "staple");
        buf_text(out, "must be served with an OCSP answer\n");
    }
    put_transparency(out, d);
    put_others(out, cert);
    if (cert->subject_key_id.n > 0)
        put_hex(out, "key id", cert->subject_key_id);
    put_authority_key(out, cert, d);
}

/* ---- All ---- */

static void put_fingerprints(struct buf *out, const struct x509_cert *cert) {
    uint8_t sha256[X509_SHA256_SIZE], sha1[SHA1_SIZE];
    x509_cert_sha256(cert, sha256);
    put_hex(out, "SHA-256", bytes_of(sha256, sizeof sha256));
    hash_of(HASH_SHA1, cert->der, sha1);
    put_hex(out, "SHA-1", bytes_of(sha1, sizeof sha1));
    x509_spki_sha256(cert, sha256);
    put_hex(out, "key SHA-256", bytes_of(sha256, sizeof sha256));
}

static void put_deviations(struct buf *out, unsigned deviations) {
    const struct x509_deviation_row *row;
    for (size_t i = 0; (row = x509_deviation_row(i)) != NULL; i++) {
        if ((deviations & row->bit) == 0)
            continue;
        put_label(out, "deviates");
        buf_printf(out, "%s (%s)\n", row->text, row->source);
    }
}

void inspect_text_put(struct buf *out, const struct x509_cert *cert, int64_t now_s, bool use_color,
                      const struct inspect_place *place) {
    struct x509_details d;
    struct buf scratch;
    struct arena a;
    arena_init(&a, DETAILS_MAX);
    buf_init(&scratch, SCRATCH_MAX);
    if (x509_details_read(&a, cert, &d) != ERR_OK)
        d = (struct x509_details){.deviations = cert->deviations | X509_DEV_EXTENSION_UNREADABLE};
    put_days(out, cert, now_s, use_color);
    buf_text(out, "  ");
    x509_cert_display_name(cert, &scratch);
    text_escape(out, buf_bytes(&scratch));
    buf_u8(out, '\n');
    put_label(out, "valid");
    put_moment(out, cert->has_not_before, cert->not_before);
    buf_text(out, " to ");
    put_moment(out, cert->has_not_after, cert->not_after);
    buf_u8(out, '\n');
    put_name(out, "subject", cert->subject, &scratch);
    put_name(out, "issuer", cert->issuer, &scratch);
    put_names(out, &cert->alt);
    put_key(out, cert);
    put_usage(out, cert);
    put_hex(out, "serial", cert->serial);
    put_details(out, cert, &d);
    put_fingerprints(out, cert);
    put_deviations(out, d.deviations);
    put_label(out, "from");
    text_escape(out, bytes_text(place->input));
    buf_printf(out, ", certificate %zu", place->position);
    if (place->name.n > 0) {
        buf_text(out, ", ");
        text_escape(out, place->name);
    }
    buf_u8(out, '\n');
    buf_clear(&scratch);
    arena_clear(&a);
}
