/* x509_request_read and ca_match: requests of strangers. Views stay inside the input, what
 * is told of them is one line of text, and what fits has names that were checked. */
#include "base/text.h"
#include "ca/ca.h"

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
    if (!utf8_valid(text))
        abort();
}

static void fits(struct arena *a, const struct x509_request *r, const char *profile) {
    struct ca_profiles all;
    struct ca_verdict v;
    struct fault f = {0};
    if (ca_profiles_read(a, bytes_text(profile), "profile", &all, &f) != ERR_OK ||
        ca_match(a, r, &all.items[0], &v, &f) != ERR_OK)
        return;
    for (size_t i = 0; i < v.n; i++)
        is_plain(bytes_text(v.items[i].text));
    if (v.n > CA_DIFFERENCES_MAX || (v.refused > 0 && v.items[0].effect != CA_REFUSED))
        abort();
    if (v.refused == 0 && v.grant.dns.n + v.grant.ip.n == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes in = bytes_of(data, size);
    struct arena a;
    struct x509_request r;
    struct fault f = {0};

    arena_init(&a, 1 << 22);
    if (x509_request_read(&a, in, &r, &f) == ERR_OK) {
        const struct x509_cert *c = &r.asked;
        const struct bytes views[] = {c->tbs,       c->subject,   c->spki,
                                      c->algorithm, c->signature, c->key.public_key};
        for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
            is_inside(views[i], in);
        for (size_t i = 0; i < r.attributes_n; i++)
            is_plain(bytes_text(r.attributes[i]));
        fits(&a, &r, ca_profiles_default());
        fits(&a, &r,
             "[a]\ndns=.example.test, a.test\nip=192.0.2.0/24\nwildcards=yes\nsubject=any\n");
    } else if (f.what == NULL) {
        abort();
    }
    arena_clear(&a);
    return 0;
}
