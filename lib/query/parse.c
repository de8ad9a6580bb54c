/* The parser: descends by or, and, not, term; the grammar stands in query.h.
 *
 * Terms of places are gathered on the way up: a node that says nothing but such is marked
 * `of_place` and left open; where it meets something else, a `not`, the end, or a closing
 * parenthesis around an "and", it is put below a QUERY_PLACE. */
#include "query/inner.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct parser {
    struct arena *a;
    struct bytes text;
    struct cur c;
    enum query_rows rows;
    int64_t now_s;
    size_t terms;
    unsigned depth;
    struct query_error *e;
};

static struct query_node *parse_or(struct parser *p);

/* ---- What went wrong ---- */

static size_t place(const struct parser *p) {
    return p->text.n - p->c.rest.n;
}

/* Columns count characters, not bytes. */
static size_t column_of(const struct parser *p, size_t at) {
    size_t column = 1;
    for (size_t i = 0; i < at; i++)
        column += (p->text.p[i] & 0xc0) != 0x80;
    return column;
}

/* The first fault counts. Returns NULL, for `return fail(...)`. */
static struct query_node *PRINTF_LIKE(4, 5)
    fail(struct parser *p, size_t at, enum err code, const char *format, ...) {
    va_list args;
    if (p->e->code != ERR_OK)
        return NULL;
    p->e->code = code;
    p->e->column = column_of(p, at);
    va_start(args, format);
    vsnprintf(p->e->text, sizeof p->e->text, format, args);
    va_end(args);
    return NULL;
}

static struct query_node *no_room(struct parser *p) {
    return fail(p, place(p), p->a->err, "no room for the query");
}

enum err query_fault(const struct query_error *e, const char *what, struct fault *f) {
    return fault_set(f, e->code, what, "column %zu: %s", e->column, e->text);
}

/* ---- Characters and words ---- */

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool ends_word(uint8_t c) {
    return is_blank(c) || c == '(' || c == ')';
}

static bool next_is(const struct parser *p, uint8_t c) {
    return p->c.rest.n > 0 && p->c.rest.p[0] == c;
}

static void skip_blanks(struct parser *p) {
    while (p->c.rest.n > 0 && is_blank(p->c.rest.p[0]))
        cur_take(&p->c, 1);
}

static struct bytes peek_word(const struct parser *p) {
    size_t n = 0;
    while (n < p->c.rest.n && !ends_word(p->c.rest.p[n]))
        n++;
    return bytes_part(p->c.rest, 0, n);
}

/* Takes it where it is the next word. */
static bool take_keyword(struct parser *p, const char *word) {
    skip_blanks(p);
    struct bytes next = peek_word(p);
    if (!bytes_is_nocase(next, word))
        return false;
    cur_take(&p->c, next.n);
    return true;
}

/* Takes the opening quote up to the closing one. False: failed. */
static bool take_quoted(struct parser *p, struct query_written *out) {
    size_t begin = place(p), n = 0;
    uint8_t *text = arena_alloc(p->a, p->c.rest.n);
    if (text == NULL)
        return no_room(p) != NULL;
    cur_take(&p->c, 1);
    while (p->c.rest.n > 0 && !next_is(p, '"')) {
        uint8_t c = cur_u8(&p->c);
        if (c == '\\' && (next_is(p, '"') || next_is(p, '\\')))
            c = cur_u8(&p->c);
        text[n++] = c;
    }
    if (p->c.rest.n == 0)
        return fail(p, begin, ERR_USAGE, "a closing quote is expected") != NULL;
    cur_take(&p->c, 1);
    if (p->c.rest.n > 0 && !ends_word(p->c.rest.p[0]))
        return fail(p, place(p), ERR_USAGE, "a blank is expected behind a quote") != NULL;
    *out = (struct query_written){.text = bytes_of(text, n), .quoted = true};
    return true;
}

/* A value: quoted, or a word. False: failed. */
static bool take_written(struct parser *p, struct query_written *out) {
    if (next_is(p, '"'))
        return take_quoted(p, out);
    struct bytes word = peek_word(p);
    size_t quote = bytes_find(word, bytes_text("\""));
    if (quote != SIZE_MAX)
        return fail(p, place(p) + quote, ERR_USAGE, "a blank is expected before a quote") != NULL;
    *out = (struct query_written){.text = word};
    cur_take(&p->c, word.n);
    return true;
}

/* ---- Nodes ---- */

static struct query_node *new_node(struct parser *p, enum query_kind kind) {
    struct query_node *n = arena_alloc(p->a, sizeof *n);
    if (n == NULL)
        return no_room(p);
    n->kind = kind;
    return n;
}

/* Below a QUERY_PLACE where that is still owed. */
static struct query_node *close_place(struct parser *p, struct query_node *n) {
    if (n == NULL || !n->of_place)
        return n;
    struct query_node *above = new_node(p, QUERY_PLACE);
    if (above != NULL) {
        above->first = n;
        above->next = NULL;
    }
    return above;
}

struct nodes {
    struct query_node *first, *last;
    size_t n;
};

static void nodes_init(struct nodes *l) {
    *l = (struct nodes){.first = NULL};
}

static void nodes_add(struct nodes *l, struct query_node *n) {
    if (l->first == NULL)
        l->first = n;
    else
        l->last->next = n;
    l->last = n;
    l->n++;
}

static struct query_node *join(struct parser *p, enum query_kind kind, const struct nodes *l) {
    if (l->n == 1)
        return l->first;
    struct query_node *n = new_node(p, kind);
    if (n != NULL)
        n->first = l->first;
    return n;
}

/* ---- Terms ---- */

/* Of what looks like a field with its operator; 0: the word is none. */
static size_t name_length(struct bytes word) {
    size_t n = 0;
    while (n < word.n && (ascii_is_alnum(word.p[n]) || word.p[n] == '-' || word.p[n] == '_'))
        n++;
    bool has_letter = n > 0 && !ascii_is_digit(word.p[0]);
    bool has_op = n < word.n && memchr(":=<>", word.p[n], 4) != NULL;
    return has_letter && has_op ? n : 0;
}

/* What has colons and is no field: an address, or hex digits. */
static bool is_bare(struct bytes word) {
    struct ip ip;
    bool is_hex = true;
    for (size_t i = 0; i < word.n; i++) {
        char c = ascii_lower((char)word.p[i]);
        is_hex &= ascii_is_digit((uint8_t)c) || (c >= 'a' && c <= 'f') || c == ':';
    }
    return is_hex || ip_read(word, &ip);
}

static enum query_op take_op(struct parser *p) {
    uint8_t sign = cur_u8(&p->c);
    bool with_equal = (sign == '<' || sign == '>') && next_is(p, '=');
    if (with_equal)
        cur_u8(&p->c);
    switch (sign) {
    case '<':
        return with_equal ? QUERY_UPTO : QUERY_BELOW;
    case '>':
        return with_equal ? QUERY_FROM : QUERY_ABOVE;
    case '=':
        return QUERY_EQUAL;
    default:
        return QUERY_IN;
    }
}

static bool op_fits(const struct query_field_row *row, enum query_op op) {
    static const char *const signs[] = {":", "=", "<", "<=", ">", ">="};
    struct cur c = cur_open(bytes_text(query_operators(row->type)));
    while (c.rest.n > 0)
        if (bytes_is(cur_until(&c, ' '), signs[op]))
            return true;
    return false;
}

static const char *rows_name(enum query_rows rows) {
    static const char *const names[] = {"certificates", "endpoints", "observations",
                                        "requests",     "services",  "agents"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (rows == 1u << i)
            return names[i];
    return "these rows";
}

static struct query_node *unknown_field(struct parser *p, size_t at, struct bytes name) {
    const char *near = query_field_near(name);
    int n = name.n < 40 ? (int)name.n : 40;
    return near != NULL
               ? fail(p, at, ERR_USAGE, "\"%.*s\" is no field; did you mean \"%s\"?", n,
                      (const char *)name.p, near)
               : fail(p, at, ERR_USAGE, "\"%.*s\" is no field; a text with : = < > goes in quotes",
                      n, (const char *)name.p);
}

static struct query_node *term_node(struct parser *p, struct query_term *t, bool of_place) {
    struct query_node *n = new_node(p, QUERY_TERM);
    if (n != NULL) {
        n->term = t;
        n->of_place = of_place && p->rows == QUERY_CERTIFICATES;
    }
    return n;
}

static struct query_node *state_term(struct parser *p, size_t at, const struct query_written *v,
                                     struct query_term *t) {
    const struct query_state_row *row = query_state_find(v->text);
    char names[160] = "";
    if (row == NULL) {
        size_t n, used = 0;
        const struct query_state_row *all = query_states(&n);
        for (size_t i = 0; i < n && used + 20 < sizeof names; i++)
            if (all[i].missing == NULL && (all[i].rows & p->rows) != 0)
                used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                         used > 0 ? ", " : "", all[i].name);
        return fail(p, at, ERR_USAGE, "expected one of %s", names);
    }
    if (row->missing != NULL)
        return fail(p, at, ERR_UNSUPPORTED, "is:%s cannot be answered: %s", row->name,
                    row->missing);
    if ((row->rows & p->rows) == 0)
        return fail(p, at, ERR_UNSUPPORTED, "is:%s is not said of %s", row->name,
                    rows_name(p->rows));
    t->state = row->state;
    return term_node(p, t, row->of_place);
}

static struct query_node *field_term(struct parser *p, size_t name_n) {
    char why[QUERY_ERROR_MAX] = "";
    size_t at = place(p);
    struct query_written v;
    struct bytes name = cur_take(&p->c, name_n);
    const struct query_field_row *row = query_field_find(name);
    struct query_term *t = arena_alloc(p->a, sizeof *t);
    if (row == NULL)
        return unknown_field(p, at, name);
    if (t == NULL)
        return no_room(p);
    if (row->missing != NULL)
        return fail(p, at, ERR_UNSUPPORTED, "%s cannot be answered: %s", row->name, row->missing);
    if ((row->rows & p->rows) == 0)
        return fail(p, at, ERR_UNSUPPORTED, "%s is not said of %s", row->name, rows_name(p->rows));
    size_t op_at = place(p);
    *t = (struct query_term){.field = row->field, .type = row->type, .op = take_op(p)};
    if (!op_fits(row, t->op))
        return fail(p, op_at, ERR_USAGE, "behind %s one of %s is expected", row->name,
                    query_operators(row->type));
    size_t value_at = place(p);
    if (!take_written(p, &v))
        return NULL;
    if (v.text.n == 0)
        return fail(p, value_at, ERR_USAGE, "a value is expected behind %s", row->name);
    if (row->type == QUERY_STATE)
        return state_term(p, value_at, &v, t);
    if (!query_value_read(p->a, &v, p->now_s, t, why))
        return p->a->err == ERR_OK ? fail(p, value_at, ERR_USAGE, "%s", why) : no_room(p);
    return term_node(p, t, row->of_place);
}

static struct query_node *text_term(struct parser *p) {
    struct query_written v;
    size_t at = place(p);
    struct query_term *t = arena_alloc(p->a, sizeof *t);
    if (t == NULL)
        return no_room(p);
    if (!take_written(p, &v))
        return NULL;
    if (v.text.n == 0)
        return fail(p, at, ERR_USAGE, "a text is expected between the quotes");
    return query_text_read(p->a, &v, t) ? term_node(p, t, false) : no_room(p);
}

static struct query_node *parse_term(struct parser *p) {
    struct bytes word = peek_word(p);
    size_t name_n = name_length(word);
    bool is_field =
        name_n > 0 && (query_field_find(bytes_part(word, 0, name_n)) != NULL || !is_bare(word));
    if (++p->terms > QUERY_TERMS_MAX)
        return fail(p, place(p), ERR_LIMIT, "at most %d terms", QUERY_TERMS_MAX);
    return is_field ? field_term(p, name_n) : text_term(p);
}

/* ---- and, or, not ---- */

static struct query_node *parse_group(struct parser *p) {
    size_t at = place(p);
    cur_take(&p->c, 1);
    struct query_node *n = parse_or(p);
    if (n == NULL)
        return NULL;
    skip_blanks(p);
    if (!next_is(p, ')'))
        return fail(p, at, ERR_USAGE, "a closing parenthesis is expected");
    cur_take(&p->c, 1);
    return n->kind == QUERY_AND ? close_place(p, n) : n;
}

static struct query_node *parse_negated(struct parser *p);

static struct query_node *parse_not(struct parser *p) {
    size_t at = place(p);
    struct query_node *n = NULL;
    if (p->depth++ == QUERY_DEPTH_MAX)
        return fail(p, at, ERR_LIMIT, "at most %d levels", QUERY_DEPTH_MAX);
    if (take_keyword(p, "not"))
        n = parse_negated(p);
    else if (p->c.rest.n == 0)
        n = fail(p, place(p), ERR_USAGE, "a term is expected: a text, or field:value");
    else if (next_is(p, '('))
        n = parse_group(p);
    else if (next_is(p, ')'))
        n = fail(p, place(p), ERR_USAGE, "a term is expected before the parenthesis");
    else if (bytes_is_nocase(peek_word(p), "or") || bytes_is_nocase(peek_word(p), "and"))
        n = fail(p, place(p), ERR_USAGE, "a term is expected here; the word itself goes in quotes");
    else
        n = parse_term(p);
    p->depth--;
    return n;
}

static struct query_node *parse_negated(struct parser *p) {
    struct query_node *below = close_place(p, parse_not(p));
    struct query_node *n = below != NULL ? new_node(p, QUERY_NOT) : NULL;
    if (n != NULL)
        n->first = below;
    return n;
}

static bool more_terms(struct parser *p) {
    skip_blanks(p);
    return p->c.rest.n > 0 && !next_is(p, ')') && !bytes_is_nocase(peek_word(p), "or");
}

/* The terms of places go below one QUERY_PLACE, behind the others, which cost less. */
static struct query_node *parse_and(struct parser *p) {
    struct nodes rest, places;
    nodes_init(&rest);
    nodes_init(&places);
    do {
        struct query_node *n = parse_not(p);
        if (n == NULL)
            return NULL;
        if (n->of_place)
            nodes_add(&places, n);
        else
            nodes_add(&rest, n);
    } while (take_keyword(p, "and") || more_terms(p));
    struct query_node *at_place = NULL;
    if (places.n > 0) {
        at_place = join(p, QUERY_AND, &places);
        if (at_place == NULL)
            return NULL;
        at_place->of_place = true;
        if (rest.n == 0)
            return at_place;
        at_place = close_place(p, at_place);
        if (at_place == NULL)
            return NULL;
        nodes_add(&rest, at_place);
    }
    return join(p, QUERY_AND, &rest);
}

static struct query_node *parse_or(struct parser *p) {
    struct nodes all;
    bool of_place = true;
    nodes_init(&all);
    do {
        struct query_node *n = parse_and(p);
        if (n == NULL)
            return NULL;
        of_place &= n->of_place;
        nodes_add(&all, n);
    } while (take_keyword(p, "or"));
    if (all.n == 1)
        return all.first;
    if (!of_place) {
        struct nodes closed;
        nodes_init(&closed);
        for (struct query_node *n = all.first, *next; n != NULL; n = next) {
            next = n->next;
            n->next = NULL;
            n = close_place(p, n);
            if (n == NULL)
                return NULL;
            nodes_add(&closed, n);
        }
        all = closed;
    }
    struct query_node *n = join(p, QUERY_OR, &all);
    if (n != NULL)
        n->of_place = of_place;
    return n;
}

enum err query_parse(struct arena *a, struct bytes text, enum query_rows rows, int64_t now_s,
                     const struct query **out, struct query_error *e) {
    struct parser p = {
        .a = a, .text = text, .c = cur_open(text), .rows = rows, .now_s = now_s, .e = e};
    memset(e, 0, sizeof *e);
    *out = NULL;
    if (text.n > QUERY_LENGTH_MAX) {
        fail(&p, 0, ERR_LIMIT, "at most %d bytes", QUERY_LENGTH_MAX);
        return e->code;
    }
    struct query *q = arena_alloc(a, sizeof *q);
    skip_blanks(&p);
    struct query_node *root =
        p.c.rest.n == 0 ? new_node(&p, QUERY_ALL) : close_place(&p, parse_or(&p));
    if (q == NULL)
        no_room(&p);
    else if (root != NULL && p.c.rest.n > 0)
        fail(&p, place(&p), ERR_USAGE, "no parenthesis is open here");
    if (e->code != ERR_OK)
        return e->code;
    *q = (struct query){.root = root, .rows = rows, .now_s = now_s};
    *out = q;
    return ERR_OK;
}
