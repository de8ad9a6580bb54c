/* Texts with wildcards, letters' case ignored (ASCII), in time linear in the text: names
 * in certificates are chosen by strangers. See query.h. */
#include "query/inner.h"

#include "base/text.h"

#include <string.h>

/* How far the longest proper prefix of text[0..i] reaches that is also its end. */
static const uint16_t *make_back(struct arena *a, struct bytes text) {
    uint16_t *back = arena_array(a, text.n + 1, sizeof *back);
    size_t k = 0;
    if (back == NULL)
        return NULL;
    for (size_t i = 1; i < text.n; i++) {
        while (k > 0 && text.p[i] != text.p[k])
            k = back[k - 1];
        if (text.p[i] == text.p[k])
            k++;
        back[i] = (uint16_t)k;
    }
    return back;
}

static bool make_part(struct arena *a, struct bytes text, struct query_part *out) {
    uint8_t *lower = arena_alloc(a, text.n + 1);
    if (lower == NULL)
        return false;
    for (size_t i = 0; i < text.n; i++)
        lower[i] = (uint8_t)ascii_lower((char)text.p[i]);
    out->text = bytes_of(lower, text.n);
    out->back = make_back(a, out->text);
    return out->back != NULL;
}

bool query_pattern_make(struct arena *a, const struct query_written *v, bool whole,
                        struct query_pattern *out) {
    size_t n = 1;
    for (size_t i = 0; i < v->text.n && !v->quoted; i++)
        n += v->text.p[i] == '*';
    struct query_part *parts = arena_array(a, n, sizeof *parts);
    if (parts == NULL)
        return false;
    struct cur c = cur_open(v->text);
    for (size_t i = 0; i < n; i++) {
        struct bytes text = v->quoted ? v->text : cur_until(&c, '*');
        if (!make_part(a, text, &parts[i]))
            return false;
    }
    *out = (struct query_pattern){.parts = parts, .n = n, .whole = whole || n > 1};
    return true;
}

static bool equal_at(struct bytes text, size_t at, struct bytes lower) {
    for (size_t i = 0; i < lower.n; i++)
        if ((uint8_t)ascii_lower((char)text.p[at + i]) != lower.p[i])
            return false;
    return true;
}

/* Where the part ends that begins first at or behind `from`; SIZE_MAX: nowhere. */
static size_t find_end(struct bytes text, size_t from, const struct query_part *part) {
    struct bytes want = part->text;
    if (want.n == 0)
        return from;
    uint8_t low = want.p[0];
    uint8_t high = low >= 'a' && low <= 'z' ? (uint8_t)(low - 'a' + 'A') : low;
    size_t k = 0;
    for (size_t i = from; i < text.n; i++) {
        if (k == 0) {
            while (i < text.n && text.p[i] != low && text.p[i] != high)
                i++;
            if (text.n - i < want.n)
                return SIZE_MAX;
        }
        uint8_t c = (uint8_t)ascii_lower((char)text.p[i]);
        while (k > 0 && c != want.p[k])
            k = part->back[k - 1];
        if (c == want.p[k])
            k++;
        if (k == want.n)
            return i + 1;
    }
    return SIZE_MAX;
}

static bool whole_holds(const struct query_pattern *p, struct bytes text) {
    struct bytes first = p->parts[0].text, last = p->parts[p->n - 1].text;
    if (p->n == 1)
        return text.n == first.n && equal_at(text, 0, first);
    if (text.n < first.n || text.n - first.n < last.n || !equal_at(text, 0, first) ||
        !equal_at(text, text.n - last.n, last))
        return false;
    size_t at = first.n;
    struct bytes middle = bytes_part(text, 0, text.n - last.n);
    for (size_t i = 1; i + 1 < p->n; i++) {
        at = find_end(middle, at, &p->parts[i]);
        if (at == SIZE_MAX)
            return false;
    }
    return true;
}

bool query_pattern_holds(const struct query_pattern *p, struct bytes text) {
    if (p->n == 0)
        return false;
    return p->whole ? whole_holds(p, text) : find_end(text, 0, &p->parts[0]) != SIZE_MAX;
}
