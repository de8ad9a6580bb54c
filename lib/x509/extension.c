/* Extensions of certificates and requests. See x509.h; RFC 5280, 4.2.
 *
 * Each reader takes the content of the extension's OCTET STRING and writes to the
 * certificate only when all of it was good: ERR_FORMAT then means "counts as
 * absent, named as a deviation"; other codes refuse the certificate.
 */
#include "base/der.h"
#include "base/text.h"
#include "x509/inner.h"

/* BOOLEAN DEFAULT FALSE, where it is there. */
static bool take_flag(struct x509_reader *r, struct cur *c) {
    struct bytes b;
    if (!der_optional(c, DER_BOOLEAN, &b))
        return false;
    if (b.n != 1) {
        cur_refuse(c);
        return false;
    }
    if (b.p[0] == 0)
        r->out->deviations |= X509_DEV_DEFAULT_WRITTEN;
    else if (b.p[0] != 0xff)
        r->out->deviations |= X509_DEV_BOOLEAN;
    return b.p[0] != 0;
}

static enum err read_basic_constraints(struct x509_reader *r, const struct x509_extension *x) {
    struct cur c = cur_open(x->value), inner = der_open(&c, DER_SEQUENCE);
    bool is_ca = take_flag(r, &inner);
    int path_len = -1;
    if (der_peek(&inner, DER_INTEGER)) {
        uint64_t n = der_u64(&inner);
        path_len = n > 255 ? 255 : (int)n;
    }
    if (!cur_end(&inner) || !cur_end(&c))
        return ERR_FORMAT;
    r->out->has_basic_constraints = true;
    r->out->is_ca = is_ca;
    r->out->path_len = path_len;
    return ERR_OK;
}

enum { KEY_USAGE_BITS = 9 };

static enum err read_key_usage(struct x509_reader *r, const struct x509_extension *x) {
    struct cur c = cur_open(x->value);
    struct bytes octets;
    unsigned unused, bits = 0;
    if (!x509_inner_bits(&c, &octets, &unused) || !cur_end(&c))
        return ERR_FORMAT;
    for (unsigned i = 0; i < KEY_USAGE_BITS && i / 8 < octets.n; i++)
        if ((octets.p[i / 8] & (0x80u >> (i % 8))) != 0)
            bits |= 1u << i;
    /* DER: the last bit in use is a one (X.690, 11.2.2), the unused ones are zero. */
    unsigned last = octets.n > 0 ? octets.p[octets.n - 1] : 0x80;
    if ((last >> unused & 1) == 0 && octets.n > 0)
        r->out->deviations |= X509_DEV_UNUSED_BITS;
    if ((last & ((1u << unused) - 1)) != 0)
        r->out->deviations |= X509_DEV_UNUSED_BITS;
    r->out->has_key_usage = true;
    r->out->key_usage = bits;
    return ERR_OK;
}

const char *x509_key_usage_name(unsigned bit) {
    static const char *const names[KEY_USAGE_BITS] = {
        "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
        "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly"};
    return bit < KEY_USAGE_BITS ? names[bit] : NULL;
}

size_t x509_inner_count(struct cur c, size_t most) {
    size_t n = 0;
    while (c.rest.n > 0 && !c.bad && n <= most) {
        der_any(&c);
        n++;
    }
    return n;
}

static enum err read_extended_key_usage(struct x509_reader *r, const struct x509_extension *x) {
    struct cur c = cur_open(x->value), inner = der_open(&c, DER_SEQUENCE);
    size_t n = x509_inner_count(inner, X509_USAGES_MAX);
    if (n > X509_USAGES_MAX)
        return x509_inner_limit(r, "extKeyUsage", X509_USAGES_MAX);
    const char **names = arena_array(r->a, n, sizeof *names);
    if (names == NULL && n > 0)
        return r->a->err;
    for (size_t i = 0; i < n; i++) {
        struct bytes oid = der_oid(&inner);
        if (inner.bad)
            return ERR_FORMAT;
        names[i] = x509_inner_oid_name(r->a, OID_USAGE, oid);
        if (names[i] == NULL)
            return ERR_LIMIT;
    }
    if (!cur_end(&inner) || !cur_end(&c))
        return ERR_FORMAT;
    r->out->has_extended_key_usage = true;
    r->out->extended_key_usage = names;
    r->out->extended_key_usage_n = n;
    return ERR_OK;
}

/* ---- subjectAltName ---- */

/* Tags of GeneralName (RFC 5280, 4.2.1.6) that have a list. */
enum {
    GN_EMAIL = DER_CONTEXT | 1,
    GN_DNS = DER_CONTEXT | 2,
    GN_DIRECTORY = DER_CONTEXT_CONS | 4,
    GN_URI = DER_CONTEXT | 6,
    GN_IP = DER_CONTEXT | 7,
};

static struct x509_names *list_of(struct x509_alt_names *alt, uint8_t tag) {
    switch (tag) {
    case GN_EMAIL:
        return &alt->email;
    case GN_DNS:
        return &alt->dns;
    case GN_DIRECTORY:
        return &alt->directory;
    case GN_URI:
        return &alt->uri;
    case GN_IP:
        return &alt->ip;
    default:
        return &alt->other;
    }
}

static unsigned dns_deviations(struct bytes name) {
    unsigned dev = 0;
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i];
        if (!ascii_is_alnum(c) && c != '.' && c != '-' && c != '_' && c != '*')
            dev |= X509_DEV_ALT_NAME_CHARACTERS;
    }
    if (name.n > 0 && name.p[name.n - 1] == '.')
        dev |= X509_DEV_DNS_DOT;
    return name.n == 0 ? X509_DEV_ALT_NAME_CHARACTERS : dev;
}

static unsigned visible_deviations(struct bytes name) {
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
            return X509_DEV_ALT_NAME_CHARACTERS;
    return 0;
}

static unsigned general_name_deviations(uint8_t tag, struct bytes content) {
    switch (tag) {
    case GN_DNS:
        return dns_deviations(content);
    case GN_EMAIL:
    case GN_URI:
        return visible_deviations(content);
    case GN_IP:
        return content.n == 4 || content.n == 16 ? 0 : X509_DEV_IP_SIZE;
    default:
        return 0;
    }
}

static unsigned other_name_deviations(struct bytes whole) {
    struct x509_general_name ignored;
    return x509_general_name_read(whole, &ignored) ? 0 : X509_DEV_GENERAL_NAME;
}

/* First walk: how many of each kind. */
static enum err count_alt_names(struct x509_reader *r, struct cur c, struct x509_alt_names *alt) {
    for (int n = 0; c.rest.n > 0; n++) {
        if (n == r->names_max)
            return x509_inner_limit(r, "subjectAltName", r->names_max);
        struct der_value v = der_any(&c);
        if (c.bad || (v.tag & 0xc0) != DER_CONTEXT)
            return ERR_FORMAT;
        list_of(alt, v.tag)->n++;
    }
    return c.bad ? ERR_FORMAT : ERR_OK;
}

/* The lists stand behind each other in one array; returns where the next begins. */
static struct bytes *lay_out(struct x509_names *list, struct bytes *at) {
    struct bytes *next = at + list->n;
    *list = (struct x509_names){.items = at, .n = 0};
    return next;
}

/* Second walk: the lists' items lie in `all`, which is writable. */
static void fill_alt_names(struct cur c, struct x509_alt_names *alt, struct bytes *all,
                           unsigned *deviations) {
    while (c.rest.n > 0 && !c.bad) {
        struct der_value v = der_any(&c);
        struct x509_names *list = list_of(alt, v.tag);
        struct bytes *slot = all + (list->items - all) + list->n++;
        *slot = list == &alt->other ? v.whole : v.content;
        *deviations |= list == &alt->other ? other_name_deviations(v.whole)
                                           : general_name_deviations(v.tag, v.content);
    }
}

static enum err read_alt_names(struct x509_reader *r, const struct x509_extension *x) {
    struct cur c = cur_open(x->value), inner = der_open(&c, DER_SEQUENCE);
    struct x509_alt_names alt = {.present = true, .critical = x->critical};
    if (inner.bad || c.rest.n > 0)
        return ERR_FORMAT;
    enum err e = count_alt_names(r, inner, &alt);
    if (e != ERR_OK)
        return e;
    size_t n = alt.dns.n + alt.email.n + alt.uri.n + alt.ip.n + alt.directory.n + alt.other.n;
    struct bytes *all = n == 0 ? NULL : arena_array(r->a, n, sizeof *all);
    if (n > 0 && all == NULL)
        return r->a->err;
    if (n > 0) {
        struct bytes *at = lay_out(&alt.dns, all);
        at = lay_out(&alt.ip, at);
        at = lay_out(&alt.email, at);
        at = lay_out(&alt.uri, at);
        at = lay_out(&alt.directory, at);
        lay_out(&alt.other, at);
        fill_alt_names(inner, &alt, all, &r->out->deviations);
    }
    r->out->alt = alt;
    return ERR_OK;
}

/* ---- Key identifiers ---- */

static enum err read_subject_key_id(struct x509_reader *r, const struct x509_extension *x) {
    struct cur c = cur_open(x->value);
    struct bytes id = der_take(&c, DER_OCTET_STRING);
    if (!cur_end(&c))
        return ERR_FORMAT;
    r->out->subject_key_id = id;
    return ERR_OK;
}

static enum err read_authority_key_id(struct x509_reader *r, const struct x509_extension *x) {
    struct cur c = cur_open(x->value), inner = der_open(&c, DER_SEQUENCE);
    struct bytes id = {0}, other;
    der_optional(&inner, DER_CONTEXT | 0, &id);
    der_optional(&inner, DER_CONTEXT_CONS | 1, &other);
    der_optional(&inner, DER_CONTEXT | 2, &other);
    if (!cur_end(&inner) || !cur_end(&c))
        return ERR_FORMAT;
    r->out->authority_key_id = id;
    return ERR_OK;
}

/* ---- All ---- */

static const struct {
    enum oid id;
    enum err (*read)(struct x509_reader *r, const struct x509_extension *x);
} readers[] = {
    {OID_BASIC_CONSTRAINTS,  read_basic_constraints },
    {OID_KEY_USAGE,          read_key_usage         },
    {OID_EXTENDED_KEY_USAGE, read_extended_key_usage},
    {OID_SUBJECT_ALT_NAME,   read_alt_names         },
    {OID_SUBJECT_KEY_ID,     read_subject_key_id    },
    {OID_AUTHORITY_KEY_ID,   read_authority_key_id  },
};

struct bytes x509_inner_first(struct bytes value, unsigned *deviations) {
    struct cur c = cur_open(value);
    der_any(&c);
    if (c.bad || c.rest.n == 0)
        return value;
    *deviations |= X509_DEV_EXTENSION_TRAILING;
    return bytes_part(value, 0, value.n - c.rest.n);
}

static enum err read_known(struct x509_reader *r, const struct x509_extension *x) {
    struct x509_extension first = *x;
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        if (readers[i].id != x->id)
            continue;
        first.value = x509_inner_first(x->value, &r->out->deviations);
        enum err e = readers[i].read(r, &first);
        if (e != ERR_FORMAT)
            return e;
        r->out->deviations |= X509_DEV_EXTENSION_UNREADABLE;
    }
    return ERR_OK;
}

static bool read_one(struct x509_reader *r, struct cur *list, struct x509_extension *x) {
    struct cur c = der_open(list, DER_SEQUENCE);
    x->oid = der_oid(&c);
    x->critical = take_flag(r, &c);
    x->value = der_take(&c, DER_OCTET_STRING);
    const struct oid_row *row = oid_find(OID_EXTENSION, x->oid);
    x->id = row == NULL ? OID_OTHER : row->id;
    return cur_end(&c);
}

static bool is_repeated(const struct x509_extension *all, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (bytes_equal(all[k].oid, all[i].oid))
            return true;
    return false;
}

enum err x509_inner_read_extensions(struct x509_reader *r, struct bytes content) {
    struct cur c = cur_open(content), list = der_open(&c, DER_SEQUENCE);
    if (!cur_end(&c))
        return ERR_FORMAT;
    size_t n = x509_inner_count(list, X509_EXTENSIONS_MAX);
    if (n > X509_EXTENSIONS_MAX)
        return x509_inner_limit(r, "extensions", X509_EXTENSIONS_MAX);
    if (n == 0) {
        r->out->deviations |= X509_DEV_EXTENSIONS_EMPTY;
        return list.bad ? ERR_FORMAT : ERR_OK;
    }
    struct x509_extension *all = arena_array(r->a, n, sizeof *all);
    if (all == NULL)
        return r->a->err;
    for (size_t i = 0; i < n; i++) {
        if (!read_one(r, &list, &all[i]))
            return ERR_FORMAT;
        all[i].name = x509_inner_oid_name(r->a, OID_EXTENSION, all[i].oid);
        if (all[i].name == NULL)
            return ERR_LIMIT;
        if (is_repeated(all, i)) {
            r->out->deviations |= X509_DEV_EXTENSION_TWICE;
            continue;
        }
        enum err e = read_known(r, &all[i]);
        if (e != ERR_OK)
            return e;
    }
    r->out->extensions = all;
    r->out->extensions_n = n;
    return cur_end(&list) ? ERR_OK : ERR_FORMAT;
}
