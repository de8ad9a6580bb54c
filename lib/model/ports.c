/* Sets of ports. See ports.h. A list as people write it is read into 65536 bits,
 * which sort and merge by themselves, and then written down as ranges. */
#include "model/ports.h"

#include "base/text.h"
#include "model/protocol.h"

#include <string.h>

enum { PORT_MAX = 65535 };

static const struct model_port_range nine[] = {
    {443, 443},
    {465, 465},
    {636, 636},
    {853, 853},
    {989, 990},
    {992, 993},
    {995, 995},
};

struct model_ports model_ports_default(void) {
    return (struct model_ports){nine, sizeof nine / sizeof nine[0]};
}

static void bits_set(uint8_t *bits, uint32_t first, uint32_t last) {
    for (uint32_t p = first; p <= last; p++)
        bits[p / 8] |= (uint8_t)(1u << (p % 8));
}

static bool bits_has(const uint8_t *bits, uint32_t port) {
    return (bits[port / 8] >> (port % 8) & 1) != 0;
}

void model_port_bits_add(uint8_t bits[MODEL_PORT_BITS], const struct model_ports *p) {
    for (size_t i = 0; i < p->n; i++)
        bits_set(bits, p->ranges[i].first, p->ranges[i].last);
}

void model_port_bits_drop(uint8_t bits[MODEL_PORT_BITS], const struct model_ports *p) {
    for (size_t i = 0; i < p->n; i++)
        for (uint32_t port = p->ranges[i].first; port <= p->ranges[i].last; port++)
            bits[port / 8] &= (uint8_t) ~(1u << (port % 8));
}

/* 64 bits at once, in whatever order: only for what all of them have in common.
 * Most sets are nearly empty, and there is one for each target. */
static uint64_t bits_word(const uint8_t *bits, uint32_t port) {
    uint64_t word;
    memcpy(&word, bits + port / 8, sizeof word);
    return word;
}

uint32_t model_port_bits_count(const uint8_t bits[MODEL_PORT_BITS]) {
    uint32_t n = 0;
    for (uint32_t port = 0; port <= PORT_MAX; port += 64)
        for (uint64_t left = bits_word(bits, port); left != 0; left &= left - 1)
            n++;
    return n;
}

/* The first port >= from whose bit is `wanted`; PORT_MAX + 1 where there is none. */
static uint32_t bits_next(const uint8_t *bits, uint32_t from, bool wanted) {
    const uint64_t dull = wanted ? 0 : UINT64_MAX;
    while (from <= PORT_MAX && bits_has(bits, from) != wanted)
        from += from % 64 == 0 && bits_word(bits, from) == dull ? 64 : 1;
    return from;
}

uint16_t model_port_bits_next(const uint8_t bits[MODEL_PORT_BITS], uint32_t from) {
    uint32_t port = bits_next(bits, from, true);
    return port <= PORT_MAX ? (uint16_t)port : 0;
}

static enum err bits_to_ranges(struct arena *a, const uint8_t *bits, struct model_ports *out) {
    size_t n = 0;
    for (uint32_t p = bits_next(bits, 1, true); p <= PORT_MAX; n++)
        p = bits_next(bits, bits_next(bits, p, false), true);
    struct model_port_range *ranges = arena_array(a, n > 0 ? n : 1, sizeof *ranges);
    if (ranges == NULL)
        return a->err;
    n = 0;
    for (uint32_t p = bits_next(bits, 1, true); p <= PORT_MAX; n++) {
        uint32_t end = bits_next(bits, p, false);
        ranges[n] = (struct model_port_range){(uint16_t)p, (uint16_t)(end - 1)};
        p = bits_next(bits, end, true);
    }
    *out = (struct model_ports){ranges, n};
    return ERR_OK;
}

static const struct {
    const char *name;
    unsigned sets; /* enum model_port_set; all bits: every row */
} named_sets[] = {
    {"default",   MODEL_PORTS_DEFAULT },
    {"starttls",  MODEL_PORTS_STARTTLS},
    {"database",  MODEL_PORTS_DATABASE},
    {"all-known", ~0u                 },
};

static bool add_named(uint8_t *bits, struct bytes name) {
    for (size_t i = 0; i < sizeof named_sets / sizeof named_sets[0]; i++) {
        if (!bytes_is_nocase(name, named_sets[i].name))
            continue;
        for (const struct model_port_row *r = model_port_rows(); r->port != 0; r++)
            if (named_sets[i].sets == ~0u || (r->sets & named_sets[i].sets) != 0)
                bits_set(bits, r->port, r->port);
        return true;
    }
    return false;
}

static bool add_numbers(uint8_t *bits, struct bytes item) {
    size_t dash = bytes_find(item, bytes_text("-"));
    uint64_t first, last;
    if (!number_read(bytes_part(item, 0, dash), PORT_MAX, &first) || first == 0)
        return false;
    last = first;
    if (dash != SIZE_MAX && !number_read(bytes_part(item, dash + 1, item.n), PORT_MAX, &last))
        return false;
    if (last < first)
        return false;
    bits_set(bits, (uint32_t)first, (uint32_t)last);
    return true;
}

/* The next item of a list; empty at its end. */
static struct bytes item_next(struct bytes *rest) {
    size_t i = 0, n;
    while (i < rest->n && memchr(", \t\r\n", rest->p[i], 5) != NULL)
        i++;
    for (n = 0; i + n < rest->n && memchr(", \t\r\n", rest->p[i + n], 5) == NULL;)
        n++;
    struct bytes item = bytes_part(*rest, i, n);
    *rest = bytes_part(*rest, i + n, rest->n);
    return item;
}

enum err model_ports_read(struct arena *a, struct bytes text, struct model_ports *out,
                          struct fault *f) {
    uint8_t bits[MODEL_PORT_BITS] = {0};
    struct bytes rest = text, item = item_next(&rest);
    if (item.n == 0)
        return fault_set(f, ERR_USAGE, "ports", "the list is empty");
    for (; item.n > 0; item = item_next(&rest)) {
        if (add_named(bits, item) || add_numbers(bits, item))
            continue;
        return fault_set(f, ERR_USAGE, "ports",
                         "\"%.*s\" is no port (1 to 65535), range N-M or set (default, starttls, "
                         "database, all-known)",
                         item.n < 60 ? (int)item.n : 60, (const char *)item.p);
    }
    if (bits_to_ranges(a, bits, out) != ERR_OK)
        return fault_set(f, a->err, "ports", "%s", "");
    return ERR_OK;
}

void model_ports_write(struct buf *out, const struct model_ports *p) {
    for (size_t i = 0; i < p->n; i++) {
        unsigned first = p->ranges[i].first, last = p->ranges[i].last;
        buf_printf(out, i > 0 ? ",%u" : "%u", first);
        if (last > first)
            buf_printf(out, last == first + 1 ? ",%u" : "-%u", last);
    }
}

uint32_t model_ports_count(const struct model_ports *p) {
    uint32_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += (uint32_t)p->ranges[i].last - p->ranges[i].first + 1;
    return n;
}

bool model_ports_has(const struct model_ports *p, uint16_t port) {
    return port != 0 && model_ports_next(p, port) == port;
}

uint16_t model_ports_next(const struct model_ports *p, uint32_t from) {
    for (size_t i = 0; i < p->n; i++)
        if (from <= p->ranges[i].last)
            return from > p->ranges[i].first ? (uint16_t)from : p->ranges[i].first;
    return 0;
}

bool model_ports_equal(const struct model_ports *a, const struct model_ports *b) {
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (a->ranges[i].first != b->ranges[i].first || a->ranges[i].last != b->ranges[i].last)
            return false;
    return true;
}

/* Both are in order: the range that begins first is next, or widens the last one
 * where it touches it. */
enum err model_ports_join(struct arena *arena, const struct model_ports *a,
                          const struct model_ports *b, struct model_ports *out) {
    struct model_port_range *to = arena_array(arena, a->n + b->n + 1, sizeof *to);
    size_t n = 0;
    if (to == NULL)
        return arena->err;
    for (size_t i = 0, k = 0; i < a->n || k < b->n;) {
        bool from_a = k == b->n || (i < a->n && a->ranges[i].first <= b->ranges[k].first);
        struct model_port_range r = from_a ? a->ranges[i++] : b->ranges[k++];
        if (n == 0 || r.first > to[n - 1].last + 1)
            to[n++] = r;
        else if (r.last > to[n - 1].last)
            to[n - 1].last = r.last;
    }
    *out = (struct model_ports){to, n};
    return ERR_OK;
}
