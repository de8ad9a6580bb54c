/* Host names in their one form, and punycode. See name.h. */
#include "model/name.h"

#include "base/text.h"

#include <string.h>

enum { LABEL_MAX = 63 };

/* Punycode, RFC 3492: parameters of section 5, the procedure of 6.3. */
enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool is_first) {
    uint32_t k = 0;
    delta = is_first ? delta / DAMP : delta / 2;
    delta += delta / points;
    for (; delta > ((BASE - TMIN) * TMAX) / 2; k += BASE)
        delta /= BASE - TMIN;
    return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static void put_digit(struct buf *out, uint32_t digit) {
    buf_u8(out, (uint8_t)(digit < 26 ? 'a' + digit : '0' + (digit - 26)));
}

static void put_variable_length(struct buf *out, uint32_t q, uint32_t bias) {
    for (uint32_t k = BASE;; k += BASE) {
        uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
        if (q < t)
            break;
        put_digit(out, t + (q - t) % (BASE - t));
        q = (q - t) / (BASE - t);
    }
    put_digit(out, q);
}

static uint32_t least_from(const uint32_t *points, uint32_t n, uint32_t from) {
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < n; i++)
        if (points[i] >= from && points[i] < least)
            least = points[i];
    return least;
}

/* At most 63 points below 2^21, so that delta stays below 2^28: no overflow. */
static void punycode_points(const uint32_t *points, uint32_t n, struct buf *out) {
    uint32_t basic = 0, delta = 0, bias = INITIAL_BIAS, at = INITIAL_N;
    for (uint32_t i = 0; i < n; i++) {
        if (points[i] < 0x80) {
            buf_u8(out, (uint8_t)points[i]);
            basic++;
        }
    }
    if (basic > 0)
        buf_u8(out, '-');
    for (uint32_t done = basic; done < n; delta++, at++) {
        uint32_t next = least_from(points, n, at);
        delta += (next - at) * (done + 1);
        at = next;
        for (uint32_t i = 0; i < n; i++) {
            delta += points[i] < at;
            if (points[i] != at)
                continue;
            put_variable_length(out, delta, bias);
            bias = adapt(delta, done + 1, done == basic);
            delta = 0;
            done++;
        }
    }
}

/* Code points of a label; 0 where malformed or too many. */
static uint32_t points_of(struct bytes label, uint32_t points[LABEL_MAX]) {
    struct cur c = cur_open(label);
    uint32_t n = 0;
    while (c.rest.n > 0) {
        uint32_t v = utf8_take(&c);
        if (v == UINT32_MAX || n == LABEL_MAX)
            return 0;
        points[n++] = v;
    }
    return n;
}

bool punycode_encode(struct bytes utf8_label, struct buf *out) {
    uint32_t points[LABEL_MAX], n = points_of(utf8_label, points);
    size_t before = out->n;
    if (n == 0)
        return false;
    punycode_points(points, n, out);
    return out->err == ERR_OK && out->n - before <= LABEL_MAX - 4;
}

/* Letters that lower-casing maps by a fixed step and normalisation leaves alone.
 * Left out on purpose: combining marks, ligatures, compatibility and full-width
 * forms, dotted capital I, scripts written from right to left. */
static const struct {
    uint32_t first, last;
    enum { LOWER_NONE, LOWER_STEP, LOWER_EVEN, LOWER_ODD } how;
    uint32_t step;
} letters[] = {
    {0xc0,   0xd6,   LOWER_STEP, 32}, /* Latin-1 */
    {0xd8,   0xde,   LOWER_STEP, 32},
    {0xdf,   0xf6,   LOWER_NONE, 0 },
    {0xf8,   0xff,   LOWER_NONE, 0 },
    {0x100,  0x12f,  LOWER_EVEN, 1 }, /* Latin Extended-A: pairs of capital and small */
    {0x131,  0x131,  LOWER_NONE, 0 },
    {0x134,  0x137,  LOWER_EVEN, 1 },
    {0x138,  0x138,  LOWER_NONE, 0 },
    {0x139,  0x13e,  LOWER_ODD,  1 },
    {0x141,  0x148,  LOWER_ODD,  1 },
    {0x14a,  0x177,  LOWER_EVEN, 1 },
    {0x179,  0x17e,  LOWER_ODD,  1 },
    {0x391,  0x3a1,  LOWER_STEP, 32}, /* Greek */
    {0x3a3,  0x3ab,  LOWER_STEP, 32},
    {0x3ac,  0x3ce,  LOWER_NONE, 0 },
    {0x400,  0x40f,  LOWER_STEP, 80}, /* Cyrillic */
    {0x410,  0x42f,  LOWER_STEP, 32},
    {0x430,  0x45f,  LOWER_NONE, 0 },
    {0x3041, 0x3096, LOWER_NONE, 0 }, /* kana */
    {0x30a1, 0x30fa, LOWER_NONE, 0 },
    {0x30fc, 0x30fc, LOWER_NONE, 0 },
    {0x4e00, 0x9fff, LOWER_NONE, 0 }, /* CJK ideographs */
    {0xac00, 0xd7a3, LOWER_NONE, 0 }, /* Hangul syllables */
};

static bool lower_letter(uint32_t *v) {
    if (*v < 0x80) {
        *v = (uint32_t)(unsigned char)ascii_lower((char)*v);
        return true;
    }
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (*v < letters[i].first || *v > letters[i].last)
            continue;
        if (letters[i].how == LOWER_STEP || (letters[i].how == LOWER_EVEN && *v % 2 == 0) ||
            (letters[i].how == LOWER_ODD && *v % 2 == 1))
            *v += letters[i].step;
        return true;
    }
    return false;
}

static bool is_ascii(struct bytes b) {
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] >= 0x80)
            return false;
    return true;
}

static const char *put_a_label(struct bytes label, struct buf *out) {
    uint32_t points[LABEL_MAX], n = points_of(label, points);
    if (n == 0)
        return "a label is too long or not UTF-8";
    for (uint32_t i = 0; i < n; i++)
        if (!lower_letter(&points[i]))
            return "a letter cannot be converted safely: give the name as its A-labels (xn--...)";
    if (points[0] == '-' || points[n - 1] == '-' || (n > 3 && points[2] == '-' && points[3] == '-'))
        return "a label begins or ends with a hyphen, or has two where only xn-- may";
    buf_text(out, "xn--");
    punycode_points(points, n, out);
    return NULL;
}

static const char *put_label(struct bytes label, struct buf *out) {
    if (!is_ascii(label))
        return put_a_label(label, out);
    for (size_t i = 0; i < label.n; i++)
        buf_u8(out, (uint8_t)ascii_lower((char)label.p[i]));
    return NULL;
}

/* What keeps a label from being in its one form; NULL: nothing. */
static const char *label_fault(struct bytes label) {
    if (label.n == 0)
        return "a label is empty";
    if (label.n > LABEL_MAX)
        return "a label is longer than 63 characters";
    if (label.p[0] == '-' || label.p[label.n - 1] == '-')
        return "a label begins or ends with a hyphen";
    for (size_t i = 0; i < label.n; i++) {
        uint8_t c = label.p[i];
        bool is_lower = c >= 'a' && c <= 'z';
        if (c == '*')
            return "a wildcard is no host";
        if (!is_lower && !ascii_is_digit(c) && c != '-' && c != '_')
            return "a name has letters, digits, hyphens and dots";
    }
    return NULL;
}

static bool is_number(struct bytes label) {
    for (size_t i = 0; i < label.n; i++)
        if (!ascii_is_digit(label.p[i]))
            return false;
    return true;
}

static const char *form_fault(struct bytes text) {
    struct bytes label = {NULL, 0};
    struct cur c = cur_open(text);
    bool ends_with_dot = text.n > 0 && text.p[text.n - 1] == '.';
    if (text.n == 0)
        return "the name is empty";
    if (text.n > MODEL_NAME_MAX)
        return "the name is longer than 253 characters";
    while (c.rest.n > 0) {
        label = cur_until(&c, '.');
        const char *fault = label_fault(label);
        if (fault != NULL)
            return fault;
    }
    if (ends_with_dot)
        return "a label is empty";
    if (is_number(label))
        return "neither an address nor a name: its last label is a number";
    return NULL;
}

bool model_name_is_canonical(struct bytes text) {
    return form_fault(text) == NULL;
}

enum err model_name_read(struct bytes text, struct buf *out, struct fault *f) {
    size_t mark = out->n;
    const char *fault = NULL;
    if (text.n > 1 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n > 4 * MODEL_NAME_MAX)
        fault = "the name is longer than 253 characters";
    for (struct cur c = cur_open(text); c.rest.n > 0 && fault == NULL;) {
        size_t before = c.rest.n;
        struct bytes label = cur_until(&c, '.');
        fault = put_label(label, out);
        if (before > label.n)
            buf_u8(out, '.');
    }
    if (out->err != ERR_OK)
        return fault_set(f, out->err, "name", "%s", "");
    if (fault == NULL)
        fault = form_fault(bytes_part(buf_bytes(out), mark, out->n));
    if (fault == NULL)
        return ERR_OK;
    buf_cut(out, mark);
    return fault_set(f, ERR_USAGE, "name", "%s", fault);
}

static bool ends_with(struct bytes b, const char *tail) {
    size_t n = strlen(tail);
    return b.n >= n && bytes_is(bytes_part(b, b.n - n, n), tail);
}

bool model_name_is_loopback(struct bytes name) {
    static const char *const names[] = {
        "localhost",  "localhost.localdomain",   "localhost4",    "localhost4.localdomain4",
        "localhost6", "localhost6.localdomain6", "ip6-localhost", "ip6-loopback",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bytes_is(name, names[i]))
            return true;
    return ends_with(name, ".localhost");
}
