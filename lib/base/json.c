/* The JSON writer and reader. See json.h. The only file that includes jsmn.h. */
#include "base/json.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

/* ---- writer ---- */

struct json json_to(struct buf *out) {
    return (struct json){.out = out};
}

static void put_control(struct buf *out, uint32_t v) {
    static const char digits[] = "0123456789abcdef";
    const char *short_form = strchr("n\nr\rt\t", (int)v);
    char text[] = {'\\', 'u', '0', '0', digits[v >> 4 & 15], digits[v & 15]};
    if (v != 0 && short_form != NULL)
        text[1] = short_form[-1];
    buf_put(out, bytes_of(text, v != 0 && short_form != NULL ? 2 : sizeof text));
}

static void put_escaped(struct buf *out, struct bytes text) {
    struct cur c = cur_open(text);
    for (;;) {
        buf_put(out, cur_take(&c, text_plain(c.rest, '"', '\\')));
        if (c.rest.n == 0)
            break;
        struct bytes from = c.rest;
        uint32_t v = utf8_take(&c);
        if (v == '"' || v == '\\')
            buf_u8(out, '\\');
        if (v == UINT32_MAX)
            utf8_put(out, 0xfffd);
        else if (v < 0x20 || v == 0x7f)
            put_control(out, v);
        else
            buf_put(out, bytes_part(from, 0, from.n - c.rest.n));
    }
}

static void put_string(struct buf *out, struct bytes text) {
    buf_u8(out, '"');
    if (text_plain(text, '"', '\\') == text.n)
        buf_put(out, text);
    else
        put_escaped(out, text);
    buf_u8(out, '"');
}

/* The comma before, and the key. */
static void begin_value(struct json *j, const char *key) {
    if (j->has_member[j->depth])
        buf_u8(j->out, ',');
    j->has_member[j->depth] = true;
    if (key != NULL) {
        put_string(j->out, bytes_text(key));
        buf_u8(j->out, ':');
    }
}

static void open_level(struct json *j, const char *key, char opening) {
    begin_value(j, key);
    buf_u8(j->out, (uint8_t)opening);
    if (j->depth + 1 < JSON_DEPTH_MAX)
        j->depth++;
    else
        j->out->err = ERR_LIMIT;
    j->has_member[j->depth] = false;
}

void json_object(struct json *j, const char *key) {
    open_level(j, key, '{');
}

void json_array(struct json *j, const char *key) {
    open_level(j, key, '[');
}

void json_end(struct json *j, char closing) {
    if (j->depth > 0)
        j->depth--;
    buf_u8(j->out, (uint8_t)closing);
}

void json_bytes(struct json *j, const char *key, struct bytes text) {
    begin_value(j, key);
    put_string(j->out, text);
}

void json_text(struct json *j, const char *key, const char *text) {
    if (text == NULL)
        json_null(j, key);
    else
        json_bytes(j, key, bytes_text(text));
}

void json_int(struct json *j, const char *key, int64_t n) {
    begin_value(j, key);
    number_put(j->out, n);
}

void json_bool(struct json *j, const char *key, bool v) {
    begin_value(j, key);
    buf_text(j->out, v ? "true" : "false");
}

void json_null(struct json *j, const char *key) {
    begin_value(j, key);
    buf_text(j->out, "null");
}

void json_bool_or_null(struct json *j, const char *key, bool is_known, bool v) {
    if (is_known)
        json_bool(j, key, v);
    else
        json_null(j, key);
}

void json_hex(struct json *j, const char *key, struct bytes b) {
    begin_value(j, key);
    buf_u8(j->out, '"');
    hex_put(j->out, b);
    buf_u8(j->out, '"');
}

void json_time(struct json *j, const char *key, int64_t unix_s) {
    char text[CLOCK_TEXT_MAX];
    clock_write(unix_s, text);
    json_text(j, key, text[0] != '\0' ? text : NULL);
}

/* ---- reader ---- */

struct json_doc {
    struct bytes text;
    const jsmntok_t *tokens;
    int n;
    int *next; /* the token behind the value that begins at this one */
};

static const jsmntok_t *token_of(struct json_value v) {
    return v.doc == NULL ? NULL : &v.doc->tokens[v.at];
}

static struct bytes token_text(const struct json_doc *doc, const jsmntok_t *t) {
    return bytes_part(doc->text, (size_t)t->start, (size_t)(t->end - t->start));
}

static size_t take_digits(struct cur *c) {
    size_t n = 0;
    while (c->rest.n > 0 && ascii_is_digit(c->rest.p[0])) {
        cur_take(c, 1);
        n++;
    }
    return n;
}

static bool take_if(struct cur *c, const char *any) {
    if (c->rest.n == 0 || c->rest.p[0] == 0 || strchr(any, c->rest.p[0]) == NULL)
        return false;
    cur_take(c, 1);
    return true;
}

/* RFC 8259, 6: no leading zeros, no plus, digits on both sides of the point. */
static bool is_number(struct bytes text) {
    struct cur c = cur_open(text);
    take_if(&c, "-");
    bool zero = c.rest.n > 0 && c.rest.p[0] == '0';
    size_t whole = take_digits(&c);
    if (whole == 0 || (zero && whole > 1))
        return false;
    if (take_if(&c, ".") && take_digits(&c) == 0)
        return false;
    if (take_if(&c, "eE")) {
        take_if(&c, "+-");
        if (take_digits(&c) == 0)
            return false;
    }
    return cur_end(&c);
}

static bool is_primitive(struct bytes text) {
    return bytes_is(text, "true") || bytes_is(text, "false") || bytes_is(text, "null") ||
           is_number(text);
}

/* jsmn lets raw control characters stand in strings; RFC 8259 does not. */
static bool is_string(struct bytes text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < 0x20)
            return false;
    return true;
}

static bool is_container(const jsmntok_t *t) {
    return t->type == JSMN_OBJECT || t->type == JSMN_ARRAY;
}

static bool shape_is_right(const struct json_doc *doc, int at) {
    const jsmntok_t *t = &doc->tokens[at];
    const jsmntok_t *parent = t->parent >= 0 ? &doc->tokens[t->parent] : NULL;
    bool is_key = parent != NULL && parent->type == JSMN_OBJECT;
    if (is_key)
        return t->type == JSMN_STRING && t->size == 1 && is_string(token_text(doc, t));
    if (t->type == JSMN_PRIMITIVE)
        return t->size == 0 && is_primitive(token_text(doc, t));
    if (t->type == JSMN_STRING)
        return t->size == 0 && is_string(token_text(doc, t));
    return true;
}

/* Between tokens only structure may stand: jsmn accepts "[1 2]" and "[,]". */
static bool separators_are_right(struct bytes text) {
    char before = ' '; /* the last structural character, 'v' for a value */
    bool in_string = false, in_value = false;
    for (size_t i = 0; i < text.n; i++) {
        char c = (char)text.p[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
            continue;
        }
        bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        bool opens = c == '{' || c == '[', closes = c == '}' || c == ']';
        if (blank || opens || closes || c == ',' || c == ':')
            in_value = false;
        if (blank)
            continue;
        if (c == ',' || c == ':') {
            if (before != 'v')
                return false;
            before = c;
        } else if (closes) {
            if (before == ',' || before == ':')
                return false;
            before = 'v';
        } else if (opens) {
            if (before == 'v')
                return false;
            before = c;
        } else if (!in_value) {
            if (before == 'v')
                return false;
            before = 'v';
            in_string = c == '"';
            in_value = !in_string;
        }
    }
    return !in_string && before == 'v';
}

static int compare_keys(const void *a, const void *b) {
    const struct bytes *x = a, *y = b;
    return bytes_compare(*x, *y);
}

/* Sorting keeps this linear-logarithmic for objects with many members. */
static enum err refuse_duplicates(struct arena *a, struct json_value object, struct fault *f) {
    size_t n = json_count(object), at = 0;
    struct bytes *keys = arena_array(a, n + 1, sizeof *keys);
    if (keys == NULL)
        return fault_set(f, a->err, "JSON", "object of %zu members", n);
    for (struct json_value v = json_first(object); v.doc != NULL && at < n; v = json_next(v))
        keys[at++] = json_key(v);
    qsort(keys, at, sizeof *keys, compare_keys);
    for (size_t i = 1; i < at; i++)
        if (bytes_equal(keys[i - 1], keys[i]))
            return fault_set(f, ERR_FORMAT, "JSON", "duplicate key %.*s",
                             (int)(keys[i].n < 80 ? keys[i].n : 80), (const char *)keys[i].p);
    return ERR_OK;
}

/* next[] from parents: the tokens of a value are contiguous, so a value ends
 * where the first token comes that does not lie inside it. A key is open while
 * its value is, hence two tokens a level. */
static bool index_tokens(struct json_doc *doc) {
    int open[2 * JSON_DEPTH_MAX + 1], depth = 0, levels = 0;
    for (int i = 0; i <= doc->n; i++) {
        int parent = i < doc->n ? doc->tokens[i].parent : -1;
        while (depth > 0 && open[depth - 1] != parent) {
            levels -= is_container(&doc->tokens[open[--depth]]);
            doc->next[open[depth]] = i;
        }
        if (i == doc->n)
            break;
        levels += is_container(&doc->tokens[i]);
        if (levels > JSON_DEPTH_MAX || !shape_is_right(doc, i))
            return false;
        open[depth++] = i;
    }
    return true;
}

static enum err tokenise(struct arena *a, struct bytes text, size_t tokens_max,
                         struct json_doc *doc, struct fault *f) {
    jsmn_parser parser;
    jsmn_init(&parser);
    int n = jsmn_parse(&parser, (const char *)text.p, text.n, NULL, 0);
    if (n <= 0)
        return fault_set(f, ERR_FORMAT, "JSON", "at byte %u", parser.pos);
    if ((size_t)n > tokens_max)
        return fault_set(f, ERR_LIMIT, "JSON", "%d values", n);
    jsmntok_t *tokens = arena_array(a, (size_t)n, sizeof *tokens);
    doc->next = arena_array(a, (size_t)n, sizeof *doc->next);
    if (tokens == NULL || doc->next == NULL)
        return fault_set(f, a->err, "JSON", "%d values", n);
    jsmn_init(&parser);
    n = jsmn_parse(&parser, (const char *)text.p, text.n, tokens, (unsigned)n);
    if (n <= 0)
        return fault_set(f, ERR_FORMAT, "JSON", "at byte %u", parser.pos);
    doc->text = text;
    doc->tokens = tokens;
    doc->n = n;
    return ERR_OK;
}

enum err json_read(struct arena *a, struct bytes text, size_t tokens_max, struct json_value *out,
                   struct fault *f) {
    if (!utf8_valid(text))
        return fault_set(f, ERR_FORMAT, "JSON", "not UTF-8");
    if (text.n > INT32_MAX)
        return fault_set(f, ERR_LIMIT, "JSON", "%zu bytes", text.n);
    if (!separators_are_right(text))
        return fault_set(f, ERR_FORMAT, "JSON", "not one whole value");
    struct json_doc *doc = arena_alloc(a, sizeof *doc);
    if (doc == NULL)
        return fault_set(f, a->err, "JSON", "no memory");
    enum err code = tokenise(a, text, tokens_max, doc, f);
    if (code != ERR_OK)
        return code;
    if (!index_tokens(doc) || doc->next[0] != doc->n)
        return fault_set(f, ERR_FORMAT, "JSON", "not one well-formed value");
    for (int i = 0; i < doc->n && code == ERR_OK; i++)
        if (doc->tokens[i].type == JSMN_OBJECT)
            code = refuse_duplicates(a, (struct json_value){doc, i}, f);
    *out = (struct json_value){doc, 0};
    return code;
}

enum json_type json_type_of(struct json_value v) {
    const jsmntok_t *t = token_of(v);
    if (t == NULL)
        return JSON_NONE;
    if (t->type == JSMN_OBJECT)
        return JSON_OBJECT;
    if (t->type == JSMN_ARRAY)
        return JSON_ARRAY;
    if (t->type == JSMN_STRING)
        return JSON_STRING;
    uint8_t first = json_source(v).p[0];
    return first == 'n' ? JSON_NULL : first == 't' || first == 'f' ? JSON_BOOL : JSON_NUMBER;
}

size_t json_count(struct json_value v) {
    const jsmntok_t *t = token_of(v);
    return t != NULL && t->type != JSMN_STRING && t->size > 0 ? (size_t)t->size : 0;
}

/* The element or member at token `at`; members are reached through their key. */
static struct json_value element_at(struct json_value container, int at) {
    bool is_object = json_type_of(container) == JSON_OBJECT;
    return (struct json_value){container.doc, is_object ? at + 1 : at};
}

struct json_value json_first(struct json_value v) {
    return json_count(v) == 0 ? (struct json_value){NULL, 0} : element_at(v, v.at + 1);
}

static int container_of(struct json_value v) {
    int parent = v.doc->tokens[v.at].parent;
    return parent >= 0 && v.doc->tokens[parent].type == JSMN_STRING ? v.doc->tokens[parent].parent
                                                                    : parent;
}

struct json_value json_next(struct json_value v) {
    struct json_value none = {NULL, 0};
    if (v.doc == NULL)
        return none;
    int container = container_of(v), next = v.doc->next[v.at];
    if (container < 0 || next >= v.doc->next[container])
        return none;
    return element_at((struct json_value){v.doc, container}, next);
}

struct bytes json_key(struct json_value member) {
    return token_text(member.doc, &member.doc->tokens[member.at - 1]);
}

struct json_value json_get(struct json_value object, const char *key) {
    if (json_type_of(object) != JSON_OBJECT)
        return (struct json_value){NULL, 0};
    struct json_value v = json_first(object);
    while (v.doc != NULL && !bytes_is(json_key(v), key))
        v = json_next(v);
    return v;
}

struct bytes json_source(struct json_value v) {
    const jsmntok_t *t = token_of(v);
    return t == NULL ? (struct bytes){NULL, 0} : token_text(v.doc, t);
}

static uint32_t take_hex4(struct cur *c) {
    uint8_t v[2] = {0, 0};
    if (!hex_read(cur_take(c, 4), v, 2))
        cur_refuse(c);
    return (uint32_t)v[0] << 8 | v[1];
}

/* What stands behind \u, and the second half of a pair; a lone half is refused. */
static uint32_t take_unicode(struct cur *c) {
    uint32_t high = take_hex4(c);
    if (high < 0xd800 || high > 0xdfff)
        return high;
    bool pair = high < 0xdc00 && cur_u8(c) == '\\' && cur_u8(c) == 'u';
    uint32_t low = pair ? take_hex4(c) : 0;
    if (low < 0xdc00 || low > 0xdfff)
        cur_refuse(c);
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

static bool unescape(struct bytes raw, struct buf *out) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    struct cur c = cur_open(raw);
    while (c.rest.n > 0 && !c.bad) {
        uint8_t b = cur_u8(&c);
        if (b != '\\') {
            buf_u8(out, b);
            continue;
        }
        b = cur_u8(&c);
        const char *at = b != 0 ? strchr(from, b) : NULL;
        if (b == 'u')
            utf8_put(out, take_unicode(&c));
        else if (at != NULL)
            buf_u8(out, (uint8_t)to[at - from]);
        else
            cur_refuse(&c);
    }
    return cur_end(&c) && out->err == ERR_OK;
}

bool json_string(struct json_value v, struct arena *a, struct bytes *out) {
    if (json_type_of(v) != JSON_STRING)
        return false;
    struct bytes raw = json_source(v);
    if (raw.n == 0 || memchr(raw.p, '\\', raw.n) == NULL) {
        *out = raw;
        return true;
    }
    struct buf plain;
    buf_init(&plain, raw.n);
    bool good = unescape(raw, &plain);
    if (good)
        *out = arena_copy(a, buf_bytes(&plain));
    buf_clear(&plain);
    return good && a->err == ERR_OK;
}

bool json_integer(struct json_value v, int64_t *out) {
    struct bytes text = json_source(v);
    if (json_type_of(v) != JSON_NUMBER)
        return false;
    bool negative = text.p[0] == '-';
    uint64_t n;
    if (!number_read(bytes_part(text, negative ? 1 : 0, text.n), INT64_MAX, &n))
        return false;
    *out = negative ? -(int64_t)n : (int64_t)n;
    return true;
}

bool json_boolean(struct json_value v, bool *out) {
    if (json_type_of(v) != JSON_BOOL)
        return false;
    *out = json_source(v).p[0] == 't';
    return true;
}

enum err json_only(struct json_value object, const char *const *known, struct fault *f) {
    if (json_type_of(object) != JSON_OBJECT)
        return fault_set(f, ERR_FORMAT, "JSON", "an object is expected");
    for (struct json_value v = json_first(object); v.doc != NULL; v = json_next(v)) {
        struct bytes key = json_key(v);
        const char *const *k = known;
        while (*k != NULL && !bytes_is(key, *k))
            k++;
        if (*k == NULL)
            return fault_set(f, ERR_FORMAT, "unknown field", "%.*s", (int)(key.n < 80 ? key.n : 80),
                             (const char *)key.p);
    }
    return ERR_OK;
}
