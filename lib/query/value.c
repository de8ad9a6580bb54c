/* What stands behind a field's operator, by the field's type. See query.h. */
#include "query/inner.h"

#include "base/clock.h"
#include "base/oid.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum {
    HOUR_S = 3600,
    DAY_S = 86400,
    YEAR_S = 31556952,   /* of 365.2425 days */
    HEX_TEXT_MIN = 5,    /* digits of a text that are looked for in fingerprints too */
    SHA256_DIGITS = 64,  /* fewer by up to 4 leading zeros */
    SPAN_MAX = 10000000, /* of a span's number */
    NUMBER_MAX = 1000000000,
};

/* False, with what is expected; for `return refuse(...)`. */
static bool refuse(char *why, const char *text) {
    snprintf(why, QUERY_ERROR_MAX, "%s", text);
    return false;
}

static bool is_star(const struct query_written *v) {
    return !v->quoted && memchr(v->text.n > 0 ? v->text.p : (const uint8_t *)"", '*', v->text.n);
}

/* ---- Hex ---- */

/* Digits without colons, blanks and leading zeros; with `stars` those stay too. False:
 * something else stands there. */
static bool hex_digits(struct arena *a, struct bytes text, bool stars, struct bytes *out) {
    uint8_t *digits = arena_alloc(a, text.n + 1);
    size_t n = 0;
    *out = (struct bytes){NULL, 0};
    for (size_t i = 0; digits != NULL && i < text.n; i++) {
        char c = ascii_lower((char)text.p[i]);
        bool is_digit = ascii_is_digit((uint8_t)c) || (c >= 'a' && c <= 'f');
        if (c == ':' || c == ' ' || (n == 0 && c == '0'))
            continue;
        if (!is_digit && !(stars && c == '*'))
            return false;
        digits[n++] = (uint8_t)c;
    }
    *out = bytes_of(digits, n);
    return digits != NULL;
}

static bool read_hex(struct arena *a, const struct query_written *v, struct query_term *t,
                     char *why) {
    struct query_written digits = {.quoted = false};
    bool stars = is_star(v);
    if (!hex_digits(a, v->text, stars, &digits.text))
        return refuse(why, "hex digits are expected");
    if (stars)
        return query_pattern_make(a, &digits, true, &t->pattern);
    if (t->field != QUERY_SERIAL && digits.text.n + 4 < SHA256_DIGITS)
        return refuse(why, "64 hex digits are expected; where they are only the first, "
                           "put a * behind them");
    t->hex = digits.text.n > 0 ? digits.text : bytes_text("0");
    t->hex_whole = true;
    return true;
}

/* A text that may be a fingerprint as well. */
static bool read_path(struct arena *a, const struct query_written *v, struct query_term *t) {
    struct bytes digits;
    if (hex_digits(a, v->text, false, &digits) && digits.n + 4 >= SHA256_DIGITS) {
        t->hex = digits;
        t->hex_whole = true;
    }
    return query_pattern_make(a, v, t->op == QUERY_EQUAL, &t->pattern);
}

bool query_text_read(struct arena *a, const struct query_written *v, struct query_term *t) {
    struct bytes digits;
    t->field = QUERY_ANY;
    t->type = QUERY_TEXT;
    t->op = QUERY_IN;
    if (!is_star(v) && hex_digits(a, v->text, false, &digits) && digits.n >= HEX_TEXT_MIN)
        t->hex = digits;
    return query_pattern_make(a, v, false, &t->pattern);
}

/* ---- Times ---- */

/* "30d", "+30d", "-7d": a moment from now. */
static bool read_span(struct bytes text, int64_t now_s, int64_t *at) {
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {
        {'h', HOUR_S   },
        {'d', DAY_S    },
        {'w', 7 * DAY_S},
        {'y', YEAR_S   },
    };
    bool is_past = bytes_starts(text, "-");
    uint64_t n;
    if (is_past || bytes_starts(text, "+"))
        text = bytes_part(text, 1, text.n);
    if (text.n < 2 || !number_read(bytes_part(text, 0, text.n - 1), SPAN_MAX, &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ascii_lower((char)text.p[text.n - 1]) == units[i].unit) {
            int64_t span = (int64_t)n * units[i].seconds;
            *at = is_past ? now_s - span : now_s + span;
            return true;
        }
    }
    return false;
}

static bool take_number(struct cur *c, size_t n, unsigned *out) {
    uint64_t v = 0;
    struct bytes digits = cur_take(c, n);
    bool is_number = digits.n == n && number_read(digits, 9999, &v);
    *out = (unsigned)v;
    return is_number;
}

/* A year, month or day: from its begin to the begin of the next one. */
static bool read_date(struct bytes text, int64_t *from, int64_t *to) {
    struct cur c = cur_open(text);
    unsigned year, month = 1, day = 1;
    bool has_month = text.n >= 7, has_day = text.n == 10;
    if ((text.n != 4 && text.n != 7 && text.n != 10) || !take_number(&c, 4, &year))
        return false;
    if (has_month && (cur_u8(&c) != '-' || !take_number(&c, 2, &month)))
        return false;
    if (has_day && (cur_u8(&c) != '-' || !take_number(&c, 2, &day)))
        return false;
    struct civil first = {.year = year, .month = month, .day = day}, next = first;
    if (!clock_is_civil(&first))
        return false;
    *from = clock_from_civil(&first);
    *to = *from + DAY_S;
    if (has_day)
        return true;
    next.month = has_month ? month + 1 : 1;
    next.year = year + !has_month;
    if (next.month > 12) {
        next.month = 1;
        next.year++;
    }
    *to = clock_from_civil(&next);
    return true;
}

bool query_time_read(struct bytes text, int64_t now_s, int64_t *from, int64_t *to) {
    if (bytes_is_nocase(text, "today")) {
        *from = now_s - (now_s % DAY_S + DAY_S) % DAY_S;
        *to = *from + DAY_S;
        return true;
    }
    if (read_date(text, from, to))
        return true;
    if (bytes_is_nocase(text, "now"))
        *from = now_s;
    else if (!read_span(text, now_s, from) && !clock_read(text, from))
        return false;
    *to = *from + 1;
    return true;
}

static bool read_time(const struct query_written *v, int64_t now_s, struct query_term *t,
                      char *why) {
    int64_t ignored;
    bool is_past = t->field == QUERY_SEEN || t->field == QUERY_ISSUED;
    if (!query_time_read(v->text, now_s, &t->from, &t->to))
        return refuse(why, "a time is expected: 2026-12-31, 2026-12, 2026, today, 30d, -7d, "
                           "2026-12-31T12:00:00Z");
    if (!read_span(v->text, now_s, &ignored))
        return true;
    if (t->op == QUERY_IN || t->op == QUERY_EQUAL)
        return refuse(why, "< or > is expected before a time that is counted from now");
    if (is_past && ascii_is_digit(v->text.p[0]))
        return refuse(why, "days of the past are written with a minus: -7d; those to come with +");
    return true;
}

/* ---- Numbers ---- */

static bool read_number(const struct query_written *v, struct query_term *t, char *why) {
    struct cur c = cur_open(v->text);
    struct bytes first = cur_until(&c, '-');
    uint64_t a, b;
    bool is_range = first.n < v->text.n;
    if (!number_read(first, NUMBER_MAX, &a) || (is_range && !number_read(c.rest, NUMBER_MAX, &b)))
        return refuse(why, "a number is expected, or two of them: 8000-9000");
    if (!is_range)
        b = a;
    else if (t->op != QUERY_IN && t->op != QUERY_EQUAL)
        return refuse(why, "one number is expected behind < and >");
    if (b < a)
        return refuse(why, "the smaller number is expected first");
    t->from = (int64_t)a;
    t->to = (int64_t)b + 1;
    return true;
}

int64_t query_tls_version(struct bytes text) {
    struct bytes rest = text;
    unsigned minor = 0;
    bool is_ssl = rest.n >= 3 && bytes_is_nocase(bytes_part(rest, 0, 3), "ssl");
    if (is_ssl || (rest.n >= 3 && bytes_is_nocase(bytes_part(rest, 0, 3), "tls")))
        rest = bytes_part(rest, 3, rest.n);
    if (rest.n > 0 && ascii_lower((char)rest.p[0]) == 'v')
        rest = bytes_part(rest, 1, rest.n);
    if (is_ssl)
        return bytes_is(rest, "3") || bytes_is(rest, "3.0") ? 0x0300 : -1;
    if (bytes_is(rest, "1"))
        return 0x0301;
    struct cur c = cur_open(rest);
    if (cur_u8(&c) != '1' || cur_u8(&c) != '.' || !take_number(&c, 1, &minor) || !cur_end(&c))
        return -1;
    return 0x0301 + (int64_t)minor;
}

static bool read_tls(const struct query_written *v, struct query_term *t, char *why) {
    t->from = query_tls_version(v->text);
    t->to = t->from + 1;
    return t->from >= 0 || refuse(why, "a version is expected: 1.0, 1.1, 1.2, 1.3 or ssl3");
}

/* Where it stands by the operator: of the span that was read, the rest of the line. */
static void turn_span(struct query_term *t) {
    int64_t from = t->from, to = t->to;
    switch (t->op) {
    case QUERY_BELOW:
        t->from = INT64_MIN;
        t->to = from;
        break;
    case QUERY_UPTO:
        t->from = INT64_MIN;
        t->to = to;
        break;
    case QUERY_ABOVE:
        t->from = to;
        t->to = INT64_MAX;
        break;
    case QUERY_FROM:
        t->from = from;
        t->to = INT64_MAX;
        break;
    default:
        break;
    }
}

/* ---- Keys ---- */

struct bytes query_key_word(struct bytes text, char *room, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < text.n && n < size; i++)
        if (ascii_is_alnum(text.p[i]) || text.p[i] == '*')
            room[n++] = ascii_lower((char)text.p[i]);
    return bytes_of(room, n);
}

int64_t query_key_bits(struct bytes text) {
    struct cur c = cur_open(text);
    struct bytes algorithm = cur_until(&c, ' ');
    bool is_curve = c.rest.n > 0;
    const struct oid_row *rows;
    uint64_t bits;
    if (is_curve && number_read(c.rest, NUMBER_MAX, &bits))
        return (int64_t)bits;
    size_t n = oid_rows(is_curve ? OID_CURVE : OID_ALGORITHM, &rows);
    for (size_t i = 0; i < n; i++)
        if (bytes_is(is_curve ? c.rest : algorithm, rows[i].name))
            return rows[i].bits;
    return 0;
}

static enum query_op key_op(struct cur *c) {
    uint8_t sign = cur_u8(c);
    bool with_equal = c->rest.n > 0 && c->rest.p[0] == '=';
    if (with_equal)
        cur_u8(c);
    if (sign == '<')
        return with_equal ? QUERY_UPTO : QUERY_BELOW;
    return with_equal ? QUERY_FROM : QUERY_ABOVE;
}

/* "rsa", "ec-p256", "rsa<2048". */
static bool read_key(struct arena *a, const struct query_written *v, struct query_term *t,
                     char *why) {
    char room[64];
    size_t n = 0;
    while (n < v->text.n && v->text.p[n] != '<' && v->text.p[n] != '>')
        n++;
    struct query_written word = {.text =
                                     query_key_word(bytes_part(v->text, 0, n), room, sizeof room)};
    if (word.text.n == 0)
        return refuse(why, "a kind of key is expected: rsa, ec, p-256, ed25519, rsa<2048");
    t->from = INT64_MIN;
    t->to = INT64_MAX;
    if (n < v->text.n) {
        struct cur c = cur_open(bytes_part(v->text, n, v->text.n));
        struct query_written number = {
            .text = {NULL, 0}
        };
        t->op = key_op(&c);
        number.text = c.rest;
        if (!read_number(&number, t, why))
            return false;
        turn_span(t);
        t->op = QUERY_BELOW; /* any but QUERY_IN: it is about bits */
    }
    return query_pattern_make(a, &word, true, &t->pattern);
}

/* ---- The others ---- */

static bool read_address(struct arena *a, const struct query_written *v, struct query_term *t,
                         char *why) {
    if (is_star(v))
        return query_pattern_make(a, v, true, &t->pattern);
    return ip_range_read(v->text, &t->range) ||
           refuse(why, "an address is expected: 10.0.0.5, 10.0.0.0/8, 10.0.0.5-10.0.0.9");
}

static bool read_word(struct arena *a, const struct query_written *v, struct query_term *t) {
    bool may_lack = t->field == QUERY_OWNER || t->field == QUERY_TAG;
    t->none = may_lack && !v->quoted && bytes_is_nocase(v->text, "none");
    return query_pattern_make(a, v, true, &t->pattern);
}

bool query_value_read(struct arena *a, const struct query_written *v, int64_t now_s,
                      struct query_term *t, char *why) {
    bool is_good;
    switch (t->type) {
    case QUERY_HEX:
        return read_hex(a, v, t, why);
    case QUERY_PATH:
        return read_path(a, v, t);
    case QUERY_WORD:
        return read_word(a, v, t);
    case QUERY_KEY_TYPE:
        return read_key(a, v, t, why);
    case QUERY_ADDRESS:
        return read_address(a, v, t, why);
    case QUERY_TIME:
        is_good = read_time(v, now_s, t, why);
        break;
    case QUERY_NUMBER:
        is_good = read_number(v, t, why);
        break;
    case QUERY_TLS_VERSION:
        is_good = read_tls(v, t, why);
        break;
    default:
        return query_pattern_make(a, v, t->op == QUERY_EQUAL, &t->pattern);
    }
    if (is_good)
        turn_span(t);
    return is_good;
}
