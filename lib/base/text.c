/* Text: escaping, hex, base64, UTF-8, numbers. See text.h. */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

/* Length of the sequence that `lead` opens, its value bits and least code point. */
static unsigned sequence_of(uint8_t lead, uint32_t *bits, uint32_t *least) {
    static const struct {
        uint8_t mask, lead;
        unsigned n;
        uint32_t least;
    } forms[] = {
        {0x80, 0x00, 1, 0      },
        {0xe0, 0xc0, 2, 0x80   },
        {0xf0, 0xe0, 3, 0x800  },
        {0xf8, 0xf0, 4, 0x10000},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if ((lead & forms[i].mask) == forms[i].lead) {
            *bits = lead & (uint8_t)~forms[i].mask;
            *least = forms[i].least;
            return forms[i].n;
        }
    }
    return 0;
}

static bool is_scalar(uint32_t v) {
    return v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

uint32_t utf8_take(struct cur *c) {
    if (c->rest.n > 0 && c->rest.p[0] < 0x80)
        return cur_u8(c);
    struct cur ahead = *c;
    uint32_t value = 0, least = 0;
    unsigned n = sequence_of(cur_u8(&ahead), &value, &least);
    bool good = n > 0 && !ahead.bad;
    for (unsigned i = 1; i < n && good; i++) {
        uint8_t next = cur_u8(&ahead);
        good = !ahead.bad && (next & 0xc0) == 0x80;
        value = value << 6 | (next & 0x3f);
    }
    if (!good || value < least || !is_scalar(value)) {
        cur_take(c, 1);
        return UINT32_MAX;
    }
    *c = ahead;
    return value;
}

bool utf8_valid(struct bytes b) {
    struct cur c = cur_open(b);
    while (c.rest.n > 0)
        if (utf8_take(&c) == UINT32_MAX)
            return false;
    return true;
}

void utf8_put(struct buf *out, uint32_t v) {
    if (!is_scalar(v))
        v = 0xfffd;
    if (v < 0x80) {
        buf_u8(out, (uint8_t)v);
    } else if (v < 0x800) {
        buf_u8(out, (uint8_t)(0xc0 | v >> 6));
        buf_u8(out, (uint8_t)(0x80 | (v & 0x3f)));
    } else if (v < 0x10000) {
        buf_u8(out, (uint8_t)(0xe0 | v >> 12));
        buf_u8(out, (uint8_t)(0x80 | (v >> 6 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (v & 0x3f)));
    } else {
        buf_u8(out, (uint8_t)(0xf0 | v >> 18));
        buf_u8(out, (uint8_t)(0x80 | (v >> 12 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (v >> 6 & 0x3f)));
        buf_u8(out, (uint8_t)(0x80 | (v & 0x3f)));
    }
}

/* Characters that change how their neighbours look, or do not show at all. */
static bool is_deceptive(uint32_t v) {
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00,    0x1f   }, /* C0 */
        {0x7f,    0x9f   }, /* DEL, C1 */
        {0xad,    0xad   }, /* soft hyphen */
        {0x61c,   0x61c  }, /* Arabic letter mark */
        {0x180e,  0x180e },
        {0x200b,  0x200f }, /* zero width, marks */
        {0x2028,  0x202e }, /* line and paragraph separator, embeddings, overrides */
        {0x2060,  0x206f }, /* isolates and other format characters */
        {0xfeff,  0xfeff },
        {0xfff9,  0xfffb },
        {0xe0000, 0xe007f}, /* tags */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (v >= ranges[i].first && v <= ranges[i].last)
            return true;
    return false;
}

/* Sixteen bytes at once; the compiler makes of it what the processor has. */
typedef uint8_t block __attribute__((vector_size(16)));

static bool is_plain(uint8_t c, uint8_t not_a, uint8_t not_b) {
    return c >= 0x20 && c <= 0x7e && c != not_a && c != not_b;
}

static bool all_plain(const uint8_t *p, uint8_t not_a, uint8_t not_b) {
    block v;
    uint64_t halves[2];
    memcpy(&v, p, sizeof v);
    block bad = (block)(v - 0x20 > 0x5e) | (block)(v == not_a) | (block)(v == not_b);
    memcpy(halves, &bad, sizeof bad);
    return (halves[0] | halves[1]) == 0;
}

size_t text_plain(struct bytes b, uint8_t not_a, uint8_t not_b) {
    size_t n = 0;
    while (b.n - n >= sizeof(block) && all_plain(b.p + n, not_a, not_b))
        n += sizeof(block);
    /* What is left is looked at together with some that has been. */
    bool is_rest = n > 0 && b.n - n < sizeof(block);
    if (is_rest && all_plain(b.p + b.n - sizeof(block), not_a, not_b))
        return b.n;
    while (n < b.n && is_plain(b.p[n], not_a, not_b))
        n++;
    return n;
}

void text_escape(struct buf *out, struct bytes b) {
    struct cur c = cur_open(b);
    for (;;) {
        buf_put(out, cur_take(&c, text_plain(c.rest, 0, 0)));
        if (c.rest.n == 0)
            return;
        struct bytes from = c.rest;
        uint32_t v = utf8_take(&c);
        if (v == UINT32_MAX)
            buf_printf(out, "\\x%02x", from.p[0]);
        else if (is_deceptive(v))
            buf_printf(out, v < 0x80 ? "\\x%02x" : "\\u{%x}", (unsigned)v);
        else
            buf_put(out, bytes_part(from, 0, from.n - c.rest.n));
    }
}

static const char hex_digits[] = "0123456789abcdef";

/* The digits of sixteen bytes. */
static void write_block(char *out, const uint8_t *p) {
    block v;
    memcpy(&v, p, sizeof v);
    block high = v >> 4, low = v & 15;
    high += '0' + ((block)(high > 9) & ('a' - '0' - 10));
    low += '0' + ((block)(low > 9) & ('a' - '0' - 10));
    block first =
        __builtin_shufflevector(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    block second = __builtin_shufflevector(high, low, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29,
                                           14, 30, 15, 31);
    memcpy(out, &first, sizeof first);
    memcpy(out + sizeof first, &second, sizeof second);
}

void hex_write(char *out, struct bytes b) {
    size_t i = 0;
    for (; b.n - i >= sizeof(block); i += sizeof(block))
        write_block(out + 2 * i, b.p + i);
    for (; i < b.n; i++) {
        out[2 * i] = hex_digits[b.p[i] >> 4];
        out[2 * i + 1] = hex_digits[b.p[i] & 15];
    }
    out[2 * b.n] = '\0';
}

void hex_put(struct buf *out, struct bytes b) {
    uint8_t *at = b.n <= SIZE_MAX / 2 ? buf_reserve(out, 2 * b.n) : NULL;
    if (at == NULL)
        return;
    hex_write((char *)at, b);
    buf_commit(out, 2 * b.n);
}

static int hex_value(uint8_t c) {
    if (ascii_is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool hex_read(struct bytes text, uint8_t *out, size_t out_n) {
    if (text.n / 2 != out_n || text.n % 2 != 0)
        return false;
    for (size_t i = 0; i < out_n; i++) {
        int high = hex_value(text.p[2 * i]), low = hex_value(text.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static void encode_three(uint8_t *at, uint32_t v, const char *digits) {
    at[0] = (uint8_t)digits[v >> 18];
    at[1] = (uint8_t)digits[v >> 12 & 63];
    at[2] = (uint8_t)digits[v >> 6 & 63];
    at[3] = (uint8_t)digits[v & 63];
}

static void base64_encode(struct buf *out, struct bytes b, const char *digits, bool pad) {
    size_t whole = b.n / 3, left = b.n % 3, rest = left == 0 ? 0 : pad ? 4 : left + 1;
    uint8_t *at = b.n <= SIZE_MAX / 2 ? buf_reserve(out, 4 * whole + rest) : NULL;
    const uint8_t *p = b.p;
    if (at == NULL)
        return;
    for (size_t i = 0; i < whole; i++, p += 3, at += 4)
        encode_three(at, (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2], digits);
    if (left > 0) {
        uint8_t last[4];
        encode_three(last, (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0), digits);
        for (size_t k = 0; k < rest; k++)
            at[k] = k <= left ? last[k] : '=';
    }
    buf_commit(out, 4 * whole + rest);
}

void base64_put(struct buf *out, struct bytes b) {
    base64_encode(out, b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true);
}

void base64url_put(struct buf *out, struct bytes b) {
    base64_encode(out, b, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
                  false);
}

/* Of either alphabet; -1: no digit. */
static int base64_value(uint8_t c) {
    /* clang-format off */
    static const int8_t values[128] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, 62, -1, 63,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
        -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, 63,
        -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
    };
    /* clang-format on */
    return c < sizeof values ? values[c] : -1;
}

/* Takes as many times four digits as stand there without anything between; how many digits. */
static size_t base64_run(struct bytes text, struct buf *out) {
    size_t n = 0;
    while (n < text.n && base64_value(text.p[n]) >= 0)
        n++;
    n -= n % 4;
    uint8_t *at = buf_reserve(out, n / 4 * 3);
    if (at == NULL)
        return 0;
    for (size_t i = 0; i < n; i += 4, at += 3) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++)
            v = v << 6 | (uint32_t)base64_value(text.p[i + k]);
        at[0] = (uint8_t)(v >> 16);
        at[1] = (uint8_t)(v >> 8);
        at[2] = (uint8_t)v;
    }
    buf_commit(out, n / 4 * 3);
    return n;
}

bool base64_read(struct bytes text, struct buf *out) {
    uint32_t bits = 0;
    unsigned n_bits = 0, digits = 0, padding = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (n_bits == 0 && padding == 0)
            i += base64_run(bytes_part(text, i, text.n), out);
        if (i == text.n)
            break;
        uint8_t c = text.p[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        int v = base64_value(c);
        if (c == '=' && ++padding <= 2)
            continue;
        if (v < 0 || padding > 0)
            return false;
        digits++;
        bits = bits << 6 | (uint32_t)v;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            buf_u8(out, (uint8_t)(bits >> n_bits));
            bits &= (1u << n_bits) - 1;
        }
    }
    bool whole = padding == 0 || (digits + padding) % 4 == 0;
    return whole && digits % 4 != 1 && bits == 0 && out->err == ERR_OK;
}

bool number_read(struct bytes text, uint64_t max, uint64_t *out) {
    uint64_t n = 0;
    if (text.n == 0)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!ascii_is_digit(text.p[i]))
            return false;
        uint64_t digit = (uint64_t)(text.p[i] - '0');
        if (n > (UINT64_MAX - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    if (n > max)
        return false;
    *out = n;
    return true;
}

/* printf takes longer than all the rest of a line. */
void number_put(struct buf *out, int64_t n) {
    char digits[20];
    size_t at = sizeof digits;
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        buf_u8(out, '-');
    buf_put(out, bytes_of(digits + at, sizeof digits - at));
}

char ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool ascii_is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

bool ascii_is_alnum(uint8_t c) {
    return ascii_is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

enum { DISTANCE_WORD_MAX = 40, DISTANCE_FAR = 4 };

unsigned text_distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b);
    if (n > DISTANCE_WORD_MAX || m > DISTANCE_WORD_MAX)
        return DISTANCE_FAR;
    unsigned row[DISTANCE_WORD_MAX + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            best = best < row[j] + 1 ? best : row[j] + 1;
            row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
        }
    }
    return row[m] < DISTANCE_FAR ? row[m] : DISTANCE_FAR;
}

const char *number_grouped(uint64_t n, char out[28]) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* ---- Searching ---- */

struct wanted {
    block byte, fold; /* what a byte is to be once `fold` is or-ed to it */
    size_t at;        /* of the byte in what is looked for */
};

static struct wanted wanted_of(struct bytes lower, size_t at) {
    uint8_t c = lower.p[at];
    struct wanted w = {.at = at};
    memset(&w.byte, c, sizeof w.byte);
    memset(&w.fold, c >= 'a' && c <= 'z' ? 0x20 : 0, sizeof w.fold);
    return w;
}

static block matches(const struct wanted *w, const uint8_t *p) {
    block b;
    memcpy(&b, p + w->at, sizeof b);
    return (block)((b | w->fold) == w->byte);
}

static bool equals(const uint8_t *p, struct bytes lower) {
    for (size_t i = 0; i < lower.n; i++)
        if ((uint8_t)ascii_lower((char)p[i]) != lower.p[i])
            return false;
    return true;
}

/* The first place in a block where both bytes match and then all do. */
static size_t find_in_block(const uint8_t *p, block both, struct bytes lower) {
    uint8_t hits[sizeof both];
    memcpy(hits, &both, sizeof both);
    for (size_t i = 0; i < sizeof both; i++)
        if (hits[i] != 0 && equals(p + i, lower))
            return i;
    return SIZE_MAX;
}

size_t text_find(struct bytes in, size_t from, struct bytes lower) {
    if (lower.n == 0 || lower.n > TEXT_FOUND_MAX || from > in.n || in.n - from < lower.n)
        return SIZE_MAX;
    struct wanted first = wanted_of(lower, 0), last = wanted_of(lower, lower.n - 1);
    size_t end = in.n - lower.n + 1; /* places where it may begin */
    for (; from + sizeof(block) <= end; from += sizeof(block)) {
        block both = matches(&first, in.p + from) & matches(&last, in.p + from);
        uint64_t halves[2];
        memcpy(halves, &both, sizeof both);
        if ((halves[0] | halves[1]) == 0)
            continue;
        size_t at = find_in_block(in.p + from, both, lower);
        if (at != SIZE_MAX)
            return from + at;
    }
    for (; from < end; from++)
        if (equals(in.p + from, lower))
            return from;
    return SIZE_MAX;
}
