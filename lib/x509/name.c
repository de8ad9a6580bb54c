/* Distinguished names: walking, checking, RFC 4514. See name.h and x509.h.
 *
 * String types as met in practice: T61String holds Latin-1, BMPString UTF-16,
 * PrintableString and IA5String may hold UTF-8 or Latin-1 though they should not.
 */
#include "x509/name.h"

#include "base/der.h"
#include "base/text.h"

/* ---- Walking ---- */

struct name_walk name_walk_open(struct bytes name) {
    struct cur c = cur_open(name);
    struct name_walk n = {.all = der_open(&c, DER_SEQUENCE)};
    if (!cur_end(&c))
        cur_refuse(&n.all);
    return n;
}

bool name_walk_bad(const struct name_walk *n) {
    return n->all.bad || n->rdn.bad;
}

bool name_walk_next(struct name_walk *n, struct name_part *part) {
    if (name_walk_bad(n))
        return false;
    part->starts_rdn = n->rdn.rest.n == 0;
    if (part->starts_rdn) {
        if (n->all.rest.n == 0)
            return false;
        n->rdn = der_open(&n->all, DER_SET);
    }
    struct cur pair = der_open(&n->rdn, DER_SEQUENCE);
    part->type = der_oid(&pair);
    struct der_value v = der_any(&pair);
    part->tag = v.tag;
    part->value = v.content;
    part->value_der = v.whole;
    if (!cur_end(&pair))
        cur_refuse(&n->rdn);
    return !name_walk_bad(n);
}

/* ---- Checking ---- */

/* X.680, 41.4: letters, digits, space and '()+,-./:=? */
static bool is_printable(uint8_t c) {
    static const uint8_t others[] = " '()+,-./:=?";
    if (ascii_is_alnum(c))
        return true;
    for (size_t i = 0; i < sizeof others - 1; i++)
        if (others[i] == c)
            return true;
    return false;
}

static bool all(struct bytes b, bool (*good)(uint8_t)) {
    for (size_t i = 0; i < b.n; i++)
        if (!good(b.p[i]))
            return false;
    return true;
}

static bool is_ascii(uint8_t c) {
    return c < 0x80;
}

static bool is_visible(uint8_t c) {
    return c >= 0x20 && c < 0x7f;
}

static bool is_numeric(uint8_t c) {
    return ascii_is_digit(c) || c == ' ';
}

static bool holds_its_type(const struct name_part *part) {
    switch (part->tag) {
    case DER_UTF8_STRING:
        return all(part->value, is_ascii) || utf8_valid(part->value);
    case DER_PRINTABLE_STRING:
        return all(part->value, is_printable);
    case DER_IA5_STRING:
        return all(part->value, is_ascii);
    case DER_VISIBLE_STRING:
        return all(part->value, is_visible);
    case DER_NUMERIC_STRING:
        return all(part->value, is_numeric);
    case DER_BMP_STRING:
        return part->value.n % 2 == 0;
    case DER_UNIVERSAL_STRING:
        return part->value.n % 4 == 0;
    default:
        return true;
    }
}

enum err name_check(struct bytes name, const char *what, unsigned *deviations, struct fault *f) {
    struct name_walk n = name_walk_open(name);
    struct name_part part;
    size_t parts = 0;
    while (name_walk_next(&n, &part)) {
        if (++parts > X509_NAME_PARTS_MAX)
            return fault_set(f, ERR_LIMIT, what, "more than %d attributes", X509_NAME_PARTS_MAX);
        if (!holds_its_type(&part))
            *deviations |= X509_DEV_NAME_CHARACTERS;
    }
    return name_walk_bad(&n) ? fault_set(f, ERR_FORMAT, what, "%s", "no Name") : ERR_OK;
}

/* ---- Values as UTF-8 ---- */

static void put_latin1(struct bytes b, struct buf *out) {
    for (size_t i = 0; i < b.n; i++)
        utf8_put(out, b.p[i]);
}

/* One code point of UTF-16, UINT32_MAX where it is half a pair. */
static uint32_t take_utf16(struct cur *c) {
    uint32_t v = cur_u16(c);
    if (v < 0xd800 || v > 0xdfff)
        return v;
    uint32_t low = cur_u16(c);
    if (c->bad || v > 0xdbff || low < 0xdc00 || low > 0xdfff)
        return UINT32_MAX;
    return 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
}

static bool is_scalar(uint32_t v) {
    return v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

static bool put_wide(struct bytes b, size_t width, struct buf *out) {
    size_t from = out->n;
    for (struct cur c = cur_open(b); c.rest.n > 0 || c.bad;) {
        uint32_t v = width == 2 ? take_utf16(&c) : cur_u32(&c);
        if (c.bad || !is_scalar(v)) {
            buf_cut(out, from);
            return false;
        }
        utf8_put(out, v);
    }
    return true;
}

bool name_value_text(const struct name_part *part, struct buf *out) {
    switch (part->tag) {
    case DER_UTF8_STRING:
        buf_put(out, part->value); /* malformed octets stay: writers make them visible */
        return true;
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_VISIBLE_STRING:
    case DER_NUMERIC_STRING:
        if (utf8_valid(part->value))
            buf_put(out, part->value);
        else
            put_latin1(part->value, out);
        return true;
    case DER_T61_STRING:
        put_latin1(part->value, out);
        return true;
    case DER_BMP_STRING:
        return put_wide(part->value, 2, out);
    case DER_UNIVERSAL_STRING:
        return put_wide(part->value, 4, out);
    default:
        return false;
    }
}

/* ---- RFC 4514 ---- */

static void put_octet_escaped(struct buf *out, uint8_t c) {
    buf_u8(out, '\\');
    hex_put(out, bytes_of(&c, 1));
}

/* C1 controls too: U+009B opens an escape sequence on some terminals. */
static bool is_control(uint32_t v) {
    return v < 0x20 || (v >= 0x7f && v < 0xa0);
}

static bool needs_backslash(uint32_t v, bool first, bool last) {
    static const uint8_t special[] = "\"+,;<>\\";
    for (size_t i = 0; i < sizeof special - 1; i++)
        if (v == special[i])
            return true;
    return (v == ' ' && (first || last)) || (v == '#' && first);
}

static size_t alnum_run(struct bytes b) {
    size_t n = 0;
    while (n < b.n && ascii_is_alnum(b.p[n]))
        n++;
    return n;
}

static void put_value_escaped(struct bytes text, struct buf *out) {
    struct cur c = cur_open(text);
    for (;;) {
        buf_put(out, cur_take(&c, alnum_run(c.rest)));
        if (c.rest.n == 0)
            break;
        bool first = c.rest.n == text.n;
        struct bytes from = c.rest;
        uint32_t v = utf8_take(&c);
        struct bytes taken = bytes_part(from, 0, from.n - c.rest.n);
        if (v == UINT32_MAX || is_control(v)) {
            for (size_t i = 0; i < taken.n; i++)
                put_octet_escaped(out, taken.p[i]);
            continue;
        }
        if (needs_backslash(v, first, c.rest.n == 0))
            buf_u8(out, '\\');
        buf_put(out, taken);
    }
}

static void put_hex_value(const struct name_part *part, struct buf *out) {
    buf_u8(out, '#');
    hex_put(out, part->value_der);
}

static void put_part(const struct name_part *part, struct buf *scratch, struct buf *out) {
    const struct oid_row *row = oid_find(OID_ATTRIBUTE, part->type);
    oid_text(OID_ATTRIBUTE, part->type, out);
    buf_u8(out, '=');
    buf_reset(scratch);
    if (row != NULL && name_value_text(part, scratch))
        put_value_escaped(buf_bytes(scratch), out);
    else
        put_hex_value(part, out);
    if (scratch->err != ERR_OK && out->err == ERR_OK)
        out->err = scratch->err;
}

/* RDNs last first; the attributes of one RDN in their own order. */
static void put_backwards(const struct name_part *parts, size_t count, struct buf *scratch,
                          struct buf *out) {
    for (size_t end = count; end > 0;) {
        size_t start = end - 1;
        while (start > 0 && !parts[start].starts_rdn)
            start--;
        if (end < count)
            buf_u8(out, ',');
        for (size_t i = start; i < end; i++) {
            if (i > start)
                buf_u8(out, '+');
            put_part(&parts[i], scratch, out);
        }
        end = start;
    }
}

void x509_name_text(struct bytes name, struct buf *out) {
    enum { USUAL = 32 };
    struct name_part usual[USUAL], *parts = usual;
    size_t count = 0, all = x509_name_count(name, OID_OTHER);
    struct name_walk n = name_walk_open(name);
    struct arena more;
    struct buf scratch;
    arena_init(&more, (size_t)X509_NAME_PARTS_MAX * 2 * sizeof *parts);
    if (all > X509_NAME_PARTS_MAX)
        all = X509_NAME_PARTS_MAX;
    if (all > USUAL)
        parts = arena_array(&more, all, sizeof *parts);
    while (parts != NULL && count < all && name_walk_next(&n, &parts[count]))
        count++;
    buf_init(&scratch, X509_CERT_MAX * 2);
    put_backwards(parts, count, &scratch, out);
    if (more.err != ERR_OK && out->err == ERR_OK)
        out->err = more.err;
    buf_clear(&scratch);
    arena_clear(&more);
}

bool x509_name_attribute(struct bytes name, enum oid type, struct buf *out) {
    struct name_walk n = name_walk_open(name);
    struct name_part part, last = {0};
    struct bytes wanted = oid_row(type)->der;
    while (name_walk_next(&n, &part))
        if (bytes_equal(part.type, wanted))
            last = part;
    return last.type.n > 0 && name_value_text(&last, out);
}

size_t x509_name_count(struct bytes name, enum oid type) {
    struct name_walk n = name_walk_open(name);
    struct bytes wanted = type == OID_OTHER ? bytes_of(NULL, 0) : oid_row(type)->der;
    struct name_part part;
    size_t count = 0;
    while (name_walk_next(&n, &part))
        count += type == OID_OTHER || bytes_equal(part.type, wanted);
    return count;
}

/* ---- Writing ---- */

void x509_name_write(struct buf *out, const struct x509_attribute *attributes, size_t n) {
    size_t name = der_begin(out, DER_SEQUENCE);
    for (size_t i = 0; i < n; i++) {
        size_t rdn = der_begin(out, DER_SET), pair = der_begin(out, DER_SEQUENCE);
        oid_put(out, attributes[i].type);
        der_put(out, attributes[i].type == OID_COUNTRY ? DER_PRINTABLE_STRING : DER_UTF8_STRING,
                bytes_text(attributes[i].value));
        der_close(out, pair);
        der_close(out, rdn);
    }
    der_close(out, name);
}
