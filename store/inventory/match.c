/* Text search over rows: substring, letters' case ignored. See struct inventory_query. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <string.h>

enum { HEX_MIN = 2, SERIAL_HEX_MAX = 256 };

/* Digits of a number written with colons or blanks, "" where it is none. */
static struct bytes hex_digits(struct bytes text, struct arena *a) {
    struct bytes none = {NULL, 0};
    uint8_t *out = arena_alloc(a, text.n + 1);
    size_t n = 0;
    if (out == NULL)
        return none;
    for (size_t i = 0; i < text.n; i++) {
        char c = ascii_lower((char)text.p[i]);
        if (c == ':' || c == ' ')
            continue;
        if (!ascii_is_digit((uint8_t)c) && (c < 'a' || c > 'f'))
            return none;
        if (n > 0 || c != '0')
            out[n++] = (uint8_t)c;
    }
    return n >= HEX_MIN ? bytes_of(out, n) : none;
}

enum err match_open(struct match *m, const struct state *s, struct bytes text, struct arena *a,
                    struct fault *f) {
    memset(m, 0, sizeof *m);
    m->state = s;
    text = bytes_trim(text);
    if (text.n > INVENTORY_TEXT_MAX)
        return fault_set(f, ERR_LIMIT, "search", "at most %d bytes", INVENTORY_TEXT_MAX);
    if (text.n == 0)
        return ERR_OK;
    uint8_t *lower = arena_alloc(a, text.n);
    m->issuers = arena_array(a, s->words.n + (size_t)1, sizeof *m->issuers);
    if (lower == NULL || m->issuers == NULL)
        return fault_set(f, a->err, "search", "no room");
    for (size_t i = 0; i < text.n; i++)
        lower[i] = (uint8_t)ascii_lower((char)text.p[i]);
    m->text = bytes_of(lower, text.n);
    m->hex = hex_digits(m->text, a);
    return ERR_OK;
}

static bool matches_at(const uint8_t *p, struct bytes lower) {
    size_t i = 1; /* the first byte was compared */
    while (i < lower.n && (uint8_t)ascii_lower((char)p[i]) == lower.p[i])
        i++;
    return i == lower.n;
}

static bool contains(struct bytes text, struct bytes lower) {
    uint8_t first = lower.p[0];
    uint8_t other = first >= 'a' && first <= 'z' ? (uint8_t)(first - 'a' + 'A') : first;
    if (lower.n > text.n)
        return false;
    for (size_t i = 0; i <= text.n - lower.n; i++)
        if ((text.p[i] == first || text.p[i] == other) && matches_at(text.p + i, lower))
            return true;
    return false;
}

/* Long serials are compared in their first digits only. */
static bool contains_hex(struct bytes raw, bool is_number, struct bytes digits) {
    char hex[2 * SERIAL_HEX_MAX + 1];
    struct bytes part = bytes_part(raw, 0, SERIAL_HEX_MAX);
    hex_write(hex, part);
    struct bytes text = bytes_of(hex, 2 * part.n);
    while (is_number && text.n > 0 && text.p[0] == '0')
        text = bytes_part(text, 1, text.n);
    return bytes_find(text, digits) != SIZE_MAX;
}

/* Issuers are few, so each is looked at once. */
static bool issuer_matches(const struct match *m, uint32_t word) {
    if (m->issuers[word] == 0)
        m->issuers[word] = contains(state_word_text(m->state, word), m->text) ? 1 : 2;
    return m->issuers[word] == 1;
}

bool match_cert(const struct match *m, const struct state_cert *c) {
    if (m->text.n == 0)
        return true;
    if (contains(bytes_of(c->texts, (size_t)c->name_n + c->subject_n + c->names_n), m->text))
        return true;
    if (issuer_matches(m, c->issuer))
        return true;
    return m->hex.n > 0 && (contains_hex(state_cert_serial(c), true, m->hex) ||
                            contains_hex(bytes_of(c->sha256, SHA256_SIZE), false, m->hex));
}

bool match_endpoint(const struct match *m, const struct state_endpoint *e) {
    if (m->text.n == 0 || contains(e->place.host, m->text) || contains(e->place.path, m->text) ||
        contains(e->place.network, m->text))
        return true;
    for (uint32_t i = e->faces; i != ROWS_NONE; i = state_face(m->state, i)->next_of_endpoint) {
        char text[IP_TEXT_MAX];
        const struct state_face *f = state_face(m->state, i);
        if (contains(bytes_text(ip_write(&f->ip, text)), m->text) || contains(f->sni, m->text))
            return true;
    }
    return false;
}

bool match_agent(const struct match *m, const struct state_agent *a) {
    return m->text.n == 0 || contains(a->name, m->text) || contains(a->network, m->text) ||
           contains(a->system, m->text);
}

bool match_request(const struct match *m, const struct state_request *r) {
    return m->text.n == 0 || contains(r->subject, m->text) || contains(r->names, m->text) ||
           contains(state_agent(m->state, r->agent)->name, m->text) ||
           contains(state_word_text(m->state, r->profile), m->text);
}
