/* x509_cert_read: certificates of strangers. Views stay inside the input, names and JSON
 * are text whatever is in them. */
#include "base/text.h"
#include "model/certificate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_inside(struct bytes view, struct bytes whole) {
    if (view.n > 0 && (view.p < whole.p || view.p + view.n > whole.p + whole.n))
        abort();
}

static void is_plain(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20 || text.p[i] == 0x7f)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct arena a;
    struct buf text;
    struct x509_cert c;
    struct fault f = {0};

    arena_init(&a, 1 << 22);
    buf_init(&text, 1 << 24);
    if (x509_cert_read(&a, in, &c, &f) == ERR_OK) {
        const struct bytes views[] = {
            c.tbs,       c.serial,         c.issuer,           c.subject,        c.spki,
            c.algorithm, c.subject_key_id, c.authority_key_id, c.key.public_key, c.signature};
        for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
            is_inside(views[i], in);
        x509_name_text(c.subject, &text);
        x509_name_text(c.issuer, &text);
        is_plain(buf_bytes(&text));
        buf_reset(&text);
        x509_cert_display_name(&c, &text);
        x509_cert_matches_host(&c, bytes_text("a.example.test"));
        x509_cert_matches_host(&c, bytes_text("192.0.2.1"));
        buf_reset(&text);
        struct json j = json_to(&text);
        json_object(&j, NULL);
        model_certificate_json(&j, &c, false);
        json_end(&j, '}');
        if (text.err == ERR_OK && !utf8_valid(buf_bytes(&text)))
            abort();
        is_plain(buf_bytes(&text));
    } else if (f.what == NULL) {
        abort();
    }
    buf_clear(&text);
    arena_clear(&a);
    return 0;
}
