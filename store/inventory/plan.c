/* Which certificates a query can hold for, by the look-ups that the state has. See
 * private.h.
 *
 * A term has a look-up (exact fingerprints, serial numbers and keys, issuers, agents,
 * owners, tags, services, ends), or its text is searched for in the names of all, which lie
 * one behind the other (signs.h tells where not to look), or any row may match it. Of terms joined
 * by "and" the one with the fewest rows is looked up, of those joined by "or" all; what is said of
 * one place is looked for at any. So rows may be too many, never too few: whoever asks looks at
 * each of them with where_cert. Rows that an order does not have yet are all taken. */
#include "store/inventory/private.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const size_t any_row = SIZE_MAX;

enum { HASH_DIGITS = 2 * SHA256_SIZE, NUMBER_BYTES = 256 };

/* ---- The set ---- */

static void add(struct plan *p, uint32_t row) {
    uint64_t bit = (uint64_t)1 << row % 64;
    p->n += (p->bits[row / 64] & bit) == 0;
    p->bits[row / 64] |= bit;
    p->begin = row < p->begin ? row : p->begin;
    p->end = row >= p->end ? row + 1 : p->end;
}

static void add_part(struct plan *p, const struct order *o, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        add(p, o->items[i]);
    for (size_t i = o->n; i < o->rows->n; i++)
        add(p, (uint32_t)i);
}

uint32_t plan_next(const struct plan *p, uint32_t from) {
    for (uint32_t i = from > p->begin ? from : p->begin; i < p->end; i = (i / 64 + 1) * 64) {
        uint64_t word = p->bits[i / 64] >> i % 64;
        if (word == 0)
            continue;
        for (; (word & 1) == 0; i++)
            word >>= 1;
        return i;
    }
    return ROWS_NONE;
}

bool plan_has(const struct plan *p, uint32_t row) {
    return row < p->rows && (p->bits[row / 64] >> row % 64 & 1) != 0;
}

void plan_remove(struct plan *p, uint32_t row) {
    p->bits[row / 64] &= ~((uint64_t)1 << row % 64);
    p->n--;
}

void plan_close(struct plan *p) {
    free(p->bits);
    p->bits = NULL;
}

/* ---- Parts of orders ---- */

/* How an order compares with what is looked for: like memcmp. */
typedef int compare_row_with(const struct state *s, uint32_t row, const void *what);

static size_t first_from(const struct state *s, const struct order *o, compare_row_with *compare,
                         const void *what, bool or_equal) {
    size_t low = 0, high = o->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = compare(s, o->items[middle], what);
        if (c < 0 || (c == 0 && or_equal))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Adds those that are equal to it (`p` with bits), or only counts them. */
static size_t take_equal(struct plan *p, const struct order *o, compare_row_with *compare,
                         const void *what, bool adds) {
    size_t from = first_from(p->s, o, compare, what, false);
    size_t to = first_from(p->s, o, compare, what, true);
    if (adds)
        add_part(p, o, from, to);
    return to - from + (o->rows->n - o->n);
}

static int compare_spki(const struct state *s, uint32_t row, const void *what) {
    return memcmp(state_cert(s, row)->spki_sha256, what, SHA256_SIZE);
}

static int compare_serial(const struct state *s, uint32_t row, const void *what) {
    const struct bytes *number = what;
    return bytes_compare(state_serial_number(state_cert_serial(s, state_cert(s, row))), *number);
}

static int compare_issuer(const struct state *s, uint32_t row, const void *what) {
    const uint32_t *issuer = what;
    uint32_t has = state_cert(s, row)->issuer;
    return has < *issuer ? -1 : has > *issuer;
}

/* Never equal: what is looked for is a moment between rows. Those without an end are last. */
static int compare_end(const struct state *s, uint32_t row, const void *what) {
    const int64_t *end_s = what;
    const struct state_cert *c = state_cert(s, row);
    if (!c->has_not_after)
        return 1;
    return c->not_after_s < *end_s ? -1 : 1;
}

void plan_dates(const struct state *s, int64_t from_s, int64_t to_s, size_t *from, size_t *to) {
    const struct order *o = &s->certs_by_end;
    size_t low = 0, high = o->n;
    while (to_s == INT64_MAX && low < high) { /* those with an end, whatever it is */
        size_t middle = low + (high - low) / 2;
        if (state_cert(s, o->items[middle])->has_not_after)
            low = middle + 1;
        else
            high = middle;
    }
    *from = first_from(s, o, compare_end, &from_s, false);
    *to = to_s == INT64_MAX ? low : first_from(s, o, compare_end, &to_s, false);
    if (*to < *from)
        *to = *from;
}

/* ---- Terms; each adds its rows or only counts them ---- */

/* Digits without zeros in front as bytes, filled up in front to `n` where that is not 0. */
static bool number_of(struct bytes digits, size_t n, uint8_t out[NUMBER_BYTES], size_t *out_n) {
    char text[2 * NUMBER_BYTES];
    size_t whole = n > 0 ? 2 * n : digits.n + digits.n % 2;
    if (digits.n > whole || whole > sizeof text)
        return false;
    memset(text, '0', whole);
    if (digits.n > 0)
        memcpy(text + whole - digits.n, digits.p, digits.n);
    *out_n = whole / 2;
    return hex_read(bytes_of(text, whole), out, *out_n);
}

static size_t take_sha256(struct plan *p, struct bytes digits, bool adds) {
    uint8_t sha256[NUMBER_BYTES];
    size_t n;
    if (!number_of(digits, SHA256_SIZE, sha256, &n))
        return 0; /* no fingerprint has so many digits */
    uint32_t row = table_find(&p->s->by_sha256, sha256);
    if (row != ROWS_NONE && adds)
        add(p, row);
    return row != ROWS_NONE;
}

static size_t take_hex(struct plan *p, const struct query_term *t, bool adds) {
    uint8_t number[NUMBER_BYTES];
    size_t n;
    if (!t->hex_whole || t->hex.n == 0)
        return any_row;
    if (t->field == QUERY_SHA256)
        return take_sha256(p, t->hex, adds);
    if (t->field == QUERY_SPKI)
        return number_of(t->hex, SHA256_SIZE, number, &n)
                   ? take_equal(p, &p->s->certs_by_spki, compare_spki, number, adds)
                   : 0;
    if (!number_of(t->hex, 0, number, &n))
        return any_row;
    struct bytes serial = state_serial_number(bytes_of(number, n));
    return take_equal(p, &p->s->certs_by_serial, compare_serial, &serial, adds);
}

static bool text_holds(const struct query_term *t, struct bytes text) {
    return text.n > 0 && query_pattern_holds(&t->pattern, text);
}

/* Issuers are few, and each is one word. */
static size_t take_issuers(struct plan *p, const struct query_term *t, bool adds) {
    const struct state *s = p->s;
    size_t n = 0;
    for (uint32_t i = 0; i < s->words.n; i++) {
        const struct state_word *w = rows_at(&s->words, i);
        if (w->issued == 0 || !text_holds(t, state_text(s, w->text)))
            continue;
        n += w->issued;
        if (adds)
            take_equal(p, &s->certs_by_issuer, compare_issuer, &i, true);
    }
    return n;
}

static bool id_holds(const struct query_term *t, const uint8_t id[INVENTORY_ID_SIZE]) {
    char hex[2 * INVENTORY_ID_SIZE + 1];
    hex_write(hex, bytes_of(id, INVENTORY_ID_SIZE));
    return text_holds(t, bytes_text(hex));
}

static size_t take_agent(struct plan *p, uint32_t agent, bool adds) {
    const struct state *s = p->s;
    const struct state_agent *a = state_agent(s, agent);
    for (uint32_t i = a->sightings; i != ROWS_NONE && adds; i = state_sighting(s, i)->next_of_agent)
        add(p, state_sighting(s, i)->cert);
    return a->sightings_n;
}

static size_t take_agents(struct plan *p, const struct query_term *t, bool adds) {
    const struct state *s = p->s;
    size_t n = 0;
    for (uint32_t i = 0; i < s->agents.n; i++)
        if (text_holds(t, state_text(s, state_agent(s, i)->name)) ||
            id_holds(t, state_agent(s, i)->id))
            n += take_agent(p, i, adds);
    return n;
}

static size_t take_line(struct plan *p, const uint8_t id[INVENTORY_ID_SIZE], bool adds) {
    const struct state *s = p->s;
    uint32_t first = table_find(&s->by_line, id), i = first;
    size_t n = 0;
    while (i != ROWS_NONE && (n == 0 || i != first)) {
        n++;
        if (adds)
            add(p, i);
        i = state_cert(s, i)->next_in_line;
    }
    return n;
}

static bool service_holds(const struct state *s, const struct state_service *r,
                          const struct query_term *t) {
    if (t->field == QUERY_OWNER)
        return text_holds(t, state_word_text(s, r->owner));
    struct cur tags = cur_open(state_text(s, r->tags));
    while (tags.rest.n > 0 && !tags.bad)
        if (text_holds(t, cur_vec8(&tags)))
            return true;
    return false;
}

static size_t take_services(struct plan *p, const struct query_term *t, bool adds) {
    const struct state *s = p->s;
    size_t n = 0;
    if (t->none)
        return any_row;
    for (uint32_t i = 0; i < s->services.n; i++)
        if (service_holds(s, state_service(s, i), t))
            n += take_line(p, state_service(s, i)->id, adds);
    return n;
}

/* Only whole ids: what has a star may be any. */
static size_t take_service(struct plan *p, const struct query_term *t, bool adds) {
    uint8_t id[INVENTORY_ID_SIZE];
    if (t->pattern.n != 1 || !t->pattern.whole)
        return any_row;
    return hex_read(t->pattern.parts[0].text, id, sizeof id) ? take_line(p, id, adds) : 0;
}

static size_t take_ends(struct plan *p, const struct query_term *t, bool adds) {
    const struct order *o = &p->s->certs_by_end;
    size_t from, to;
    plan_dates(p->s, t->from, t->to, &from, &to);
    if (adds)
        add_part(p, o, from, to);
    return to - from + (o->rows->n - o->n);
}

/* ---- Texts ---- */

/* The longest part of a pattern, as far as it is looked for; empty: anything matches. */
static struct bytes needle_of(const struct query_pattern *pattern) {
    struct bytes best = {NULL, 0};
    for (size_t i = 0; i < pattern->n; i++)
        if (pattern->parts[i].text.n > best.n)
            best = pattern->parts[i].text;
    return bytes_part(best, 0, TEXT_FOUND_MAX);
}

/* The row whose text the place is in: the last one that begins at or before it. Those
 * before `from` do. */
static uint32_t row_of(const struct state *s, uint64_t at, uint32_t from) {
    uint32_t step = 1, high = s->certs.n;
    while (from + step < high &&
           (uint64_t)state_cert(s, from + step)->names.at * TEXTS_UNIT <= at) {
        from += step;
        step *= 2;
    }
    high = from + step < high ? from + step : high;
    while (high - from > 1) {
        uint32_t middle = from + (high - from) / 2;
        if ((uint64_t)state_cert(s, middle)->names.at * TEXTS_UNIT <= at)
            from = middle;
        else
            high = middle;
    }
    return from;
}

/* A search through the names; `row` is the last one found. */
struct search {
    struct plan *p;
    struct bytes needle;
    uint32_t row;
};

/* What begins in [from, to) of a run, which begins at `begin`. Each row once: the search
 * goes on behind the row's text. Returns where it ended, which may be behind `to`. */
static size_t search_part(struct search *x, struct bytes run, uint64_t begin, size_t from,
                          size_t to) {
    const struct state *s = x->p->s;
    struct bytes part = bytes_part(run, 0, to + x->needle.n - 1);
    size_t at = text_find(part, from, x->needle);
    while (at != SIZE_MAX) {
        x->row = row_of(s, begin + at, x->row);
        const struct state_cert *c = state_cert(s, x->row);
        uint64_t end = (uint64_t)c->names.at * TEXTS_UNIT + c->names.n - begin;
        add(x->p, x->row);
        from = end > at ? (size_t)end : at + 1;
        at = text_find(part, from, x->needle);
    }
    return from > to ? from : to;
}

/* Of what is mapped only the blocks that may have it. */
static void search_signed(struct search *x, struct bytes run) {
    const struct signs *signs = &x->p->s->signs;
    size_t at = 0;
    for (size_t block = signs_next(signs, x->needle, 0); block < run.n / SIGNS_BLOCK;
         block = signs_next(signs, x->needle, block + 1)) {
        size_t begin = block * SIGNS_BLOCK;
        at = search_part(x, run, 0, at > begin ? at : begin, begin + SIGNS_BLOCK);
    }
}

static void add_found(struct plan *p, struct bytes needle) {
    const struct state *s = p->s;
    struct search x = {.p = p, .needle = needle};
    struct bytes run;
    uint64_t begin;
    for (size_t i = 0; s->certs.n > 0 && texts_run(&s->names, &i, &run, &begin);) {
        if (begin == 0 && s->signs.texts_n == run.n && needle.n >= 3)
            search_signed(&x, run);
        else
            search_part(&x, run, begin, 0, run.n);
    }
}

/* About how many, by a part of the texts. */
static size_t guess_found(const struct plan *p, struct bytes needle) {
    enum { PART = 1 << 14 };
    struct bytes run;
    uint64_t begin;
    size_t i = 0, found = 0;
    if (!texts_run(&p->s->names, &i, &run, &begin))
        return 0;
    run = bytes_part(run, 0, PART);
    for (size_t at = text_find(run, 0, needle); at != SIZE_MAX; at = text_find(run, at + 1, needle))
        found++;
    size_t n = (size_t)((uint64_t)found * p->s->names.used / (run.n + 1)) + 1;
    return n < p->s->certs.n ? n : p->s->certs.n;
}

static size_t take_found(struct plan *p, const struct query_term *t, bool adds) {
    struct bytes needle = needle_of(&t->pattern);
    if (needle.n == 0)
        return any_row;
    if (!adds)
        return guess_found(p, needle);
    add_found(p, needle);
    return 0;
}

/* Whether bytes have the digits somewhere: a pair of them, to begin with, that are one byte,
 * be it the first two or those behind them. */
static bool has_pair(struct bytes raw, const uint8_t even[2], const uint8_t odd[2]) {
    for (size_t i = 0; i + 1 < raw.n; i++)
        if ((raw.p[i] == even[0] && raw.p[i + 1] == even[1]) ||
            (raw.p[i] == odd[0] && raw.p[i + 1] == odd[1]))
            return true;
    return false;
}

/* Fingerprints and serial numbers that may have these digits within. */
static size_t take_digits(struct plan *p, struct bytes digits, bool adds) {
    enum { PAIRS = 5 }; /* digits that have two whole bytes wherever they begin */
    const struct state *s = p->s;
    uint8_t even[2], odd[2];
    if (digits.n >= HASH_DIGITS && 2 * s->serial_max < digits.n)
        return take_sha256(p, digits, adds);
    if (digits.n < PAIRS || !hex_read(bytes_part(digits, 0, 4), even, 2) ||
        !hex_read(bytes_part(digits, 1, 4), odd, 2))
        return any_row;
    for (uint32_t i = 0; i < s->certs.n && adds; i++) {
        const struct state_cert *c = state_cert(s, i);
        if (has_pair(bytes_of(c->sha256, SHA256_SIZE), even, odd) ||
            has_pair(state_cert_serial(s, c), even, odd))
            add(p, i);
    }
    return s->certs.n / 512 + 1;
}

/* A text without a field. */
static size_t take_any(struct plan *p, const struct query_term *t, bool adds) {
    size_t names = take_found(p, t, adds);
    size_t issuers = names != any_row ? take_issuers(p, t, adds) : 0;
    size_t digits = names != any_row && t->hex.n > 0 ? take_digits(p, t->hex, adds) : 0;
    return names == any_row || digits == any_row ? any_row : names + issuers + digits;
}

/* A search for one text finds just what it asks for: where it was found is a name, a
 * subject or an issuer, since none of those reaches over a line's end. */
static bool is_of_text(const struct state *s, const struct query_node *n) {
    const struct query_term *t = n->kind == QUERY_TERM ? n->term : NULL;
    if (t == NULL || t->field != QUERY_ANY || t->hex.n > 0 || t->pattern.n != 1 ||
        t->pattern.whole || s->certs_by_issuer.n != s->certs.n)
        return false;
    struct bytes text = t->pattern.parts[0].text;
    return text.n <= TEXT_FOUND_MAX && bytes_find(text, bytes_text("\n")) == SIZE_MAX &&
           bytes_find(text, bytes_of("", 1)) == SIZE_MAX;
}

/* ---- The tree ---- */

static size_t take_term(struct plan *p, const struct query_term *t, bool adds) {
    switch (t->field) {
    case QUERY_ANY:
        return take_any(p, t, adds);
    case QUERY_SUBJECT:
    case QUERY_SAN:
        return take_found(p, t, adds);
    case QUERY_SHA256:
    case QUERY_SPKI:
    case QUERY_SERIAL:
        return take_hex(p, t, adds);
    case QUERY_ISSUER:
        return take_issuers(p, t, adds);
    case QUERY_AGENT:
        return take_agents(p, t, adds);
    case QUERY_OWNER:
    case QUERY_TAG:
        return take_services(p, t, adds);
    case QUERY_SERVICE:
        return take_service(p, t, adds);
    case QUERY_EXPIRES:
        return take_ends(p, t, adds);
    default:
        return any_row;
    }
}

/* As deep as QUERY_DEPTH_MAX lets it be. */
static size_t count_node(struct plan *p, const struct query_node *n) {
    size_t best = any_row, sum = 0;
    switch (n->kind) {
    case QUERY_TERM:
        return take_term(p, n->term, false);
    case QUERY_PLACE:
        return count_node(p, n->first);
    case QUERY_AND:
        for (const struct query_node *c = n->first; c != NULL; c = c->next) {
            size_t count = count_node(p, c);
            best = count < best ? count : best;
        }
        return best;
    case QUERY_OR:
        for (const struct query_node *c = n->first; c != NULL && sum != any_row; c = c->next) {
            size_t count = count_node(p, c);
            sum = count == any_row ? any_row : sum + count;
        }
        return sum;
    default:
        return any_row;
    }
}

/* Of one whose count is not any_row. */
static void add_node(struct plan *p, const struct query_node *n) {
    const struct query_node *best = NULL;
    size_t best_count = any_row;
    switch (n->kind) {
    case QUERY_TERM:
        take_term(p, n->term, true);
        break;
    case QUERY_PLACE:
        add_node(p, n->first);
        break;
    case QUERY_AND:
        for (const struct query_node *c = n->first; c != NULL; c = c->next) {
            size_t count = count_node(p, c);
            if (count < best_count) {
                best = c;
                best_count = count;
            }
        }
        if (best != NULL)
            add_node(p, best);
        break;
    case QUERY_OR:
        for (const struct query_node *c = n->first; c != NULL; c = c->next)
            add_node(p, c);
        break;
    default:
        break;
    }
}

bool plan_open(struct plan *p, const struct state *s, const struct query *q, uint32_t agent,
               size_t most) {
    *p = (struct plan){.s = s, .rows = s->certs.n, .begin = s->certs.n};
    size_t by_query = q != NULL ? count_node(p, q->root) : any_row;
    size_t by_agent = agent != ROWS_NONE ? take_agent(p, agent, false) : any_row;
    if (by_query > most && by_agent > most)
        return false;
    p->bits = calloc(s->certs.n / 64 + (size_t)1, sizeof *p->bits);
    if (p->bits == NULL)
        return false; /* all rows are looked at */
    if (by_agent < by_query)
        take_agent(p, agent, true);
    else
        add_node(p, q->root);
    p->is_exact = by_agent == any_row && is_of_text(s, q->root);
    return true;
}

static bool is_of_dates(const struct query_node *n) {
    if (n->kind == QUERY_TERM)
        return n->term->field == QUERY_EXPIRES;
    const struct query_node *c = n->kind == QUERY_AND ? n->first : NULL;
    bool holds = c != NULL;
    for (; c != NULL; c = c->next)
        holds = holds && is_of_dates(c);
    return holds;
}

bool plan_is_of_dates(const struct query *q) {
    return is_of_dates(q->root);
}
