/* ers inspect: one certificate for people. See inspect_text.h. */
#include "applets/ers/inspect_text.h"

#include "base/clock.h"
#include "base/text.h"

enum {
    SCRATCH_MAX = 32 << 20,
    NAMES_SHOWN = 8,
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
    buf_printf(out, "  %-10s", label);
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

/* The first few of them, and how many more there are. */
static void put_names(struct buf *out, const struct x509_alt_names *alt, struct buf *scratch) {
    const struct x509_names *lists[] = {&alt->dns, &alt->ip, &alt->email, &alt->uri,
                                        &alt->directory};
    size_t n = 0;
    buf_reset(scratch);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (size_t k = 0; k < lists[i]->n; k++) {
            if (++n > NAMES_SHOWN)
                continue;
            buf_text(scratch, n > 1 ? ", " : "");
            if (lists[i] == &alt->ip)
                x509_ip_text(lists[i]->items[k], scratch);
            else if (lists[i] == &alt->directory)
                x509_name_text(lists[i]->items[k], scratch);
            else
                buf_put(scratch, lists[i]->items[k]);
        }
    }
    if (n > NAMES_SHOWN)
        buf_printf(scratch, ", and %zu more", n - NAMES_SHOWN);
    if (alt->other > 0)
        buf_printf(scratch, "%s%zu of other kinds", n > 0 ? ", " : "", alt->other);
    if (scratch->n > 0)
        put_foreign(out, "names", scratch);
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
    if (x509_cert_self_signed(cert) == X509_YES)
        buf_text(out, ", self-signed");
    buf_u8(out, '\n');
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
    struct buf scratch;
    uint8_t sha256[X509_SHA256_SIZE];
    buf_init(&scratch, SCRATCH_MAX);
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
    buf_reset(&scratch);
    x509_name_text(cert->subject, &scratch);
    put_foreign(out, "subject", &scratch);
    buf_reset(&scratch);
    x509_name_text(cert->issuer, &scratch);
    put_foreign(out, "issuer", &scratch);
    put_names(out, &cert->alt, &scratch);
    put_key(out, cert);
    put_hex(out, "serial", cert->serial);
    x509_cert_sha256(cert, sha256);
    put_hex(out, "SHA-256", bytes_of(sha256, sizeof sha256));
    put_deviations(out, cert->deviations);
    put_label(out, "from");
    text_escape(out, bytes_text(place->input));
    buf_printf(out, ", certificate %zu\n", place->position);
    buf_clear(&scratch);
}
