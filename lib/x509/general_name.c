/* One GeneralName of any kind, and as text. See x509.h; RFC 5280, 4.2.1.6.
 *
 * x400Address is kept and not taken apart: nobody has been seen to use it.
 */
#include "base/der.h"
#include "base/ip.h"
#include "base/text.h"
#include "x509/name.h"

const char *x509_name_kind_name(enum x509_name_kind kind) {
    static const char *const names[X509_NAME_KIND_COUNT] = {
        [X509_NAME_OTHER] = "other_name",
        [X509_NAME_EMAIL] = "email",
        [X509_NAME_DNS] = "dns",
        [X509_NAME_X400] = "x400_address",
        [X509_NAME_DIRECTORY] = "directory",
        [X509_NAME_EDI_PARTY] = "edi_party_name",
        [X509_NAME_URI] = "uri",
        [X509_NAME_IP] = "ip",
        [X509_NAME_REGISTERED_ID] = "registered_id",
    };
    return names[kind];
}

/* ---- Reading ---- */

/* type-id, [0] EXPLICIT value */
static bool read_other(struct bytes content, struct x509_general_name *out) {
    struct cur c = cur_open(content);
    out->type = der_oid(&c);
    struct cur value = der_open(&c, DER_CONTEXT_CONS | 0);
    out->value = der_any(&value).whole;
    return cur_end(&value) && cur_end(&c);
}

struct edi_party {
    struct bytes assigner, party; /* DER of a DirectoryString; no assigner: empty */
};

static struct bytes take_string(struct bytes tagged, bool *good) {
    struct cur c = cur_open(tagged);
    struct bytes whole = der_any(&c).whole;
    *good = *good && cur_end(&c);
    return whole;
}

static bool read_edi_party(struct bytes content, struct edi_party *out) {
    struct cur c = cur_open(content);
    struct bytes tagged;
    bool good = true;
    *out = (struct edi_party){0};
    if (der_optional(&c, DER_CONTEXT_CONS | 0, &tagged))
        out->assigner = take_string(tagged, &good);
    out->party = take_string(der_take(&c, DER_CONTEXT_CONS | 1), &good);
    return good && cur_end(&c);
}

static bool is_whole(struct bytes der, uint8_t tag) {
    struct cur c = cur_open(der);
    der_take(&c, tag);
    return cur_end(&c);
}

static bool is_readable(const struct x509_general_name *name) {
    struct edi_party ignored;
    switch (name->kind) {
    case X509_NAME_DIRECTORY:
        return is_whole(name->value, DER_SEQUENCE);
    case X509_NAME_EDI_PARTY:
        return read_edi_party(name->value, &ignored);
    case X509_NAME_REGISTERED_ID:
        return oid_valid(name->value);
    default:
        return true;
    }
}

bool x509_general_name_read(struct bytes der, struct x509_general_name *out) {
    static const uint8_t tags[X509_NAME_KIND_COUNT] = {
        DER_CONTEXT_CONS | 0, DER_CONTEXT | 1,      DER_CONTEXT | 2,
        DER_CONTEXT_CONS | 3, DER_CONTEXT_CONS | 4, DER_CONTEXT_CONS | 5,
        DER_CONTEXT | 6,      DER_CONTEXT | 7,      DER_CONTEXT | 8};
    struct cur c = cur_open(der);
    struct der_value v = der_any(&c);
    unsigned number = v.tag & 0x1f;
    if (!cur_end(&c) || number >= X509_NAME_KIND_COUNT || v.tag != tags[number])
        return false;
    *out = (struct x509_general_name){.kind = (enum x509_name_kind)number, .value = v.content};
    return out->kind == X509_NAME_OTHER ? read_other(v.content, out) : is_readable(out);
}

/* ---- As text ---- */

static void put_hex(struct bytes b, struct buf *out) {
    buf_u8(out, '#');
    hex_put(out, b);
}

static void put_any(struct bytes der, struct buf *out) {
    struct cur c = cur_open(der);
    struct der_value v = der_any(&c);
    struct name_part part = {.tag = v.tag, .value = v.content, .value_der = v.whole};
    if (!name_value_text(&part, out))
        put_hex(der, out);
}

static void put_edi_party(struct bytes content, struct buf *out) {
    struct edi_party edi;
    if (!read_edi_party(content, &edi)) {
        put_hex(content, out);
        return;
    }
    if (edi.assigner.n > 0) {
        put_any(edi.assigner, out);
        buf_u8(out, '/');
    }
    put_any(edi.party, out);
}

/* The prefix length of a mask of ones before zeros; SIZE_MAX for another. */
static size_t prefix_of(struct bytes mask) {
    size_t n = 0;
    while (n < mask.n * 8 && (mask.p[n / 8] & 0x80u >> n % 8) != 0)
        n++;
    for (size_t i = n; i < mask.n * 8; i++)
        if ((mask.p[i / 8] & 0x80u >> i % 8) != 0)
            return SIZE_MAX;
    return n;
}

/* In name constraints an address is followed by its mask. */
static void put_address(struct bytes ip, struct buf *out) {
    if (ip.n != 8 && ip.n != 32) {
        x509_ip_text(ip, out);
        return;
    }
    struct bytes mask = bytes_part(ip, ip.n / 2, ip.n / 2);
    size_t prefix = prefix_of(mask);
    x509_ip_text(bytes_part(ip, 0, ip.n / 2), out);
    buf_u8(out, '/');
    if (prefix == SIZE_MAX)
        x509_ip_text(mask, out);
    else
        buf_printf(out, "%zu", prefix);
}

void x509_general_name_text(const struct x509_general_name *name, struct buf *out) {
    switch (name->kind) {
    case X509_NAME_OTHER:
        put_any(name->value, out);
        break;
    case X509_NAME_DIRECTORY:
        x509_name_text(name->value, out);
        break;
    case X509_NAME_IP:
        put_address(name->value, out);
        break;
    case X509_NAME_REGISTERED_ID:
        oid_dotted(name->value, out);
        break;
    case X509_NAME_EDI_PARTY:
        put_edi_party(name->value, out);
        break;
    case X509_NAME_X400:
        put_hex(name->value, out);
        break;
    default:
        buf_put(out, name->value);
    }
}
