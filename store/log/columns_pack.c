/* Taking entries apart. See columns.h for the bytes; what goes where is decided here, and a
 * reader does not care.
 *
 * Entries become tokens, forward: values, and what encloses them. DER is opened wherever it holds:
 * at the end of a payload, within octet and bit strings. What does not hold is a value as a whole,
 * so that any bytes can be packed. Values are then counted: one that comes once in the block and is
 * no text goes raw; a short one that comes often is part of the shape; the others are words.
 * From the tokens of an entry, backward, comes its program.
 *
 * A value's slot is found by where it stands: the tags around it and the object identifier before
 * it. So issuers, subjects and alternative names have each a slot of their own. */
#include "store/log/columns.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/der.h"

#include <stdlib.h>
#include <string.h>

enum {
    TOKENS_MAX = 1 << 18, /* of a block: 14 MiB; what has more is left to deflate */
    DEPTH_MAX = 24,       /* a few fewer than COLUMNS_DEPTH: what encloses DER comes on top */
    TIMESTAMP_DEPTH = 4,
    PREFIX_MAX = 64,   /* DER is looked for behind so many bytes of a payload */
    RAW_MIN = 8,       /* shorter values are words */
    CHUNK = 256,       /* of so many random bytes 162 are different, */
    VARIED_MIN = 100,  /* and hardly ever fewer than these */
    LITERAL_MAX = 4,   /* longer values are no part of a shape, */
    LITERAL_COUNT = 4, /* nor those that come more seldom */
    PROBES_MAX = 16,   /* so that nobody's choice of values makes the search for them long */
    ROW_SLOTS_SHARED = COLUMNS_SIDE_SLOT - 1,
    SIDE_SLOTS_SHARED = COLUMNS_SLOTS - 1,
    ANY_SLOT = COLUMNS_SLOTS, /* what a value is wherever it stands */
    ENTRY_FIXED = 4,          /* type and version */
    ENTRY_TIME = 8,
};

enum token_kind {
    TOKEN_ENTRY, /* an entry begins */
    TOKEN_OPEN,  /* DER, or, where tag is 0, a vector of `width` */
    TOKEN_CLOSE,
    TOKEN_VALUE,   /* with tag and length where tag is not 0 */
    TOKEN_WORD,    /* as a value, but a word in any case */
    TOKEN_BULK,    /* no shape is known */
    TOKEN_LITERAL, /* part of the shape */
    TOKEN_TIME,    /* content of a UTCTime */
    TOKEN_MOMENT,  /* 8 bytes, milliseconds */
};

struct token {
    uint8_t kind, tag, width, slot;
    struct bytes content, whole; /* `whole` with tag and length */
    struct value *value, *other; /* of a value or word: of its slot, of any; NULL: it has none */
};

/* A value of a slot: how often it comes, and its number once it has been written. */
struct value {
    struct bytes bytes;
    uint32_t hash, count;
    uint8_t slot, number;
    bool is_used;
};

struct packing {
    struct token *tokens;
    size_t n, room;
    struct value *values;
    size_t values_n;   /* a power of two */
    struct arena kept; /* programs, and times as words */
    uint32_t slot_keys[COLUMNS_SLOTS];
    uint32_t slot_words[COLUMNS_SLOTS];
    struct buf columns[COLUMNS_DEFLATED], raw;
    struct buf program, rows, words; /* of the entry at hand */
    uint32_t clock;
    enum err err;
};

/* ---- Tokens ---- */

static void add(struct packing *p, struct token t) {
    if (p->n == p->room && p->err == ERR_OK) {
        size_t room = p->room == 0 ? 4096 : p->room * 2;
        struct token *more = room <= TOKENS_MAX ? realloc(p->tokens, room * sizeof *more) : NULL;
        if (more == NULL) {
            p->err = room <= TOKENS_MAX ? ERR_MEMORY : ERR_LIMIT;
            return;
        }
        p->tokens = more;
        p->room = room;
    }
    if (p->err == ERR_OK)
        p->tokens[p->n++] = t;
}

static void add_bare(struct packing *p, enum token_kind kind, uint8_t slot, struct bytes b) {
    if (b.n > 0)
        add(p, (struct token){.kind = (uint8_t)kind, .slot = slot, .content = b, .whole = b});
}

static void add_open(struct packing *p, uint8_t tag, uint8_t width, struct bytes whole) {
    add(p, (struct token){.kind = TOKEN_OPEN, .tag = tag, .width = width, .whole = whole});
}

static void add_close(struct packing *p) {
    add(p, (struct token){.kind = TOKEN_CLOSE});
}

/* Where a value stands. */
struct where {
    uint32_t key;
    unsigned depth;
};

static uint32_t mix(uint32_t key, uint32_t with) {
    return (key ^ with) * 0x9e3779b1u ^ key >> 15;
}

/* The slot of that key, the next free one, or the one of all others. */
static uint8_t slot_of(struct packing *p, uint32_t key, uint8_t from, uint8_t shared) {
    if (key == 0)
        key = 1;
    for (uint8_t s = from; s < shared; s++) {
        if (p->slot_keys[s] == 0)
            p->slot_keys[s] = key;
        if (p->slot_keys[s] == key)
            return s;
    }
    return shared;
}

static uint8_t row_slot(struct packing *p, uint32_t key) {
    return slot_of(p, key, 1, ROW_SLOTS_SHARED);
}

static uint8_t side_slot(struct packing *p, uint32_t key) {
    return slot_of(p, key, COLUMNS_SIDE_SLOT, SIDE_SLOTS_SHARED);
}

/* ---- DER ---- */

static bool add_values(struct packing *p, struct bytes in, struct where w);

/* False, and nothing added, where the content is not what it should be. */
static bool add_nested(struct packing *p, struct der_value v, struct bytes prefix,
                       struct bytes inner, struct where w) {
    size_t mark = p->n;
    add_open(p, v.tag, 0, v.whole);
    add_bare(p, TOKEN_LITERAL, 0, prefix);
    if (w.depth < DEPTH_MAX && add_values(p, inner, w)) {
        add_close(p);
        return true;
    }
    p->n = mark;
    return false;
}

static bool is_one(struct bytes in, const char *tags) {
    struct cur c = cur_open(in);
    struct der_value v = der_any(&c);
    return cur_end(&c) && v.tag != 0 && strchr(tags, v.tag) != NULL;
}

/* Signed certificate timestamps (RFC 6962, 3.3), as the extension has them. */
static bool add_timestamp(struct packing *p, struct cur *list, struct where w) {
    struct bytes before = list->rest, item = cur_vec16(list);
    struct cur c = cur_open(item);
    struct bytes version = cur_take(&c, 1), log = cur_take(&c, 32), time = cur_take(&c, 8),
                 algorithm = cur_take(&c, 4), whole = c.rest, signature = cur_vec16(&c);
    add_open(p, 0, 2, bytes_part(before, 0, item.n + 2));
    add_bare(p, TOKEN_LITERAL, 0, version);
    add_bare(p, TOKEN_VALUE, side_slot(p, mix(w.key, 2)), log);
    add_bare(p, TOKEN_MOMENT, row_slot(p, mix(w.key, 3)), time);
    add_bare(p, TOKEN_LITERAL, 0, algorithm);
    add_open(p, 0, 2, whole);
    struct where inside = {w.key, w.depth + TIMESTAMP_DEPTH};
    bool is_right = cur_end(&c) && add_values(p, signature, inside);
    add_close(p);
    add_close(p);
    return is_right;
}

static bool add_timestamps(struct packing *p, struct der_value v, struct where w) {
    size_t mark = p->n;
    struct cur c = cur_open(v.content), list = cur_open(cur_vec16(&c));
    bool is_right = cur_end(&c) && list.rest.n > 0 && w.depth + TIMESTAMP_DEPTH < DEPTH_MAX;
    add_open(p, v.tag, 0, v.whole);
    add_open(p, 0, 2, v.content);
    while (is_right && list.rest.n > 0)
        is_right = add_timestamp(p, &list, w) && !list.bad;
    add_close(p);
    add_close(p);
    if (!is_right)
        p->n = mark;
    return is_right;
}

static bool read_two(struct cur *c, unsigned *out) {
    uint8_t a = cur_u8(c), b = cur_u8(c);
    *out = (unsigned)(a - '0') * 10 + (unsigned)(b - '0');
    return a >= '0' && a <= '9' && b >= '0' && b <= '9';
}

/* Only what columns_time_write writes. */
static bool read_time(struct bytes text, uint32_t *out) {
    struct cur c = cur_open(text);
    struct civil t = {0};
    unsigned year = 0;
    uint8_t again[COLUMNS_TIME_SIZE];
    bool is_right = text.n == COLUMNS_TIME_SIZE && read_two(&c, &year) && read_two(&c, &t.month) &&
                    read_two(&c, &t.day) && read_two(&c, &t.hour) && read_two(&c, &t.minute) &&
                    read_two(&c, &t.second);
    t.year = year + (year < 50 ? 2000 : 1900);
    if (!is_right || !clock_is_civil(&t))
        return false;
    int64_t s = clock_from_civil(&t);
    *out = (uint32_t)s;
    return s >= 0 && s <= UINT32_MAX && columns_time_write(*out, again) &&
           bytes_equal(bytes_of(again, sizeof again), text);
}

static bool is_fixed(uint8_t tag) {
    return tag == DER_OID || tag == DER_NULL || tag == DER_BOOLEAN;
}

static bool add_inside(struct packing *p, struct der_value v, struct where w) {
    struct bytes all = v.content, none = {NULL, 0}, rest = bytes_part(all, 1, all.n);
    if (v.tag & 0x20)
        return add_nested(p, v, none, all, w);
    if (v.tag == DER_BIT_STRING && all.n > 1 && all.p[0] == 0 && is_one(rest, "\x30"))
        return add_nested(p, v, bytes_part(all, 0, 1), rest, w);
    if (v.tag == DER_OCTET_STRING && is_one(all, "\x30\x03\x04"))
        return add_nested(p, v, none, all, w);
    return v.tag == DER_OCTET_STRING && add_timestamps(p, v, w);
}

static void add_value(struct packing *p, struct der_value v, struct where w) {
    uint32_t time_s;
    struct token t = {.kind = TOKEN_VALUE, .tag = v.tag, .content = v.content, .whole = v.whole};
    if (add_inside(p, v, w))
        return;
    if (v.tag == 0) { /* that says "none" in a token */
        add_bare(p, TOKEN_VALUE, row_slot(p, w.key), v.whole);
        return;
    }
    if (is_fixed(v.tag) || v.content.n == 0) {
        t.kind = TOKEN_LITERAL;
    } else if (v.tag == DER_UTC_TIME && read_time(v.content, &time_s)) {
        t.kind = TOKEN_TIME;
        t.slot = side_slot(p, w.key);
    } else {
        t.slot = row_slot(p, w.key);
    }
    if (v.tag == DER_BIT_STRING && v.content.n > RAW_MIN && v.content.p[0] == 0) {
        add_open(p, v.tag, 0, v.whole);
        add_bare(p, TOKEN_LITERAL, 0, bytes_part(v.content, 0, 1));
        add_bare(p, TOKEN_VALUE, t.slot, bytes_part(v.content, 1, v.content.n));
        add_close(p);
        return;
    }
    add(p, t);
}

/* DER values, one behind the other. */
static bool add_values(struct packing *p, struct bytes in, struct where w) {
    struct cur c = cur_open(in);
    uint32_t oid = 0;
    for (uint32_t i = 0; c.rest.n > 0; i++) {
        struct der_value v = der_any(&c);
        if (c.bad)
            return false;
        if (v.tag == DER_OID)
            oid = zip_crc32(0, v.content);
        uint32_t key = mix(mix(w.key, v.tag), oid);
        if (w.depth < 3) /* the fields of a certificate; deeper are lists */
            key = mix(key, i + 1);
        add_value(p, v, (struct where){key, w.depth + 1});
    }
    return true;
}

/* ---- Entries ---- */

/* DER that ends where the payload ends. */
static bool find_der(struct bytes payload, size_t *at) {
    for (*at = 0; *at < payload.n && *at < PREFIX_MAX; ++*at)
        if (payload.p[*at] == DER_SEQUENCE && is_one(bytes_part(payload, *at, payload.n), "\x30"))
            return true;
    return false;
}

static void add_payload(struct packing *p, const struct store_entry *e) {
    size_t at, mark = p->n;
    struct where w = {mix(e->type, 5), 0};
    if (find_der(e->payload, &at)) {
        add_bare(p, TOKEN_WORD, row_slot(p, mix(e->type, 6)), bytes_part(e->payload, 0, at));
        if (add_values(p, bytes_part(e->payload, at, e->payload.n), w))
            return;
    }
    p->n = mark;
    add_bare(p, TOKEN_BULK, 0, e->payload);
}

/* Of a place keeper: which it is, the hash, the rest. */
static void add_keeper(struct packing *p, struct bytes stored, const struct store_entry *e) {
    struct bytes mark = bytes_part(stored, ENTRY_FIXED + ENTRY_TIME, 4);
    add_bare(p, TOKEN_LITERAL, 0, mark);
    add_bare(p, TOKEN_VALUE, row_slot(p, 9), e->payload);
    add_open(p, 0, 4, bytes_part(stored, STORE_ENTRY_HEAD + e->payload.n, stored.n));
    add_bare(p, TOKEN_BULK, 0, e->rest);
    add_close(p);
}

static void add_entry(struct packing *p, struct bytes stored, const struct store_entry *e) {
    add(p, (struct token){.kind = TOKEN_ENTRY});
    add_bare(p, TOKEN_LITERAL, 0, bytes_part(stored, 0, ENTRY_FIXED));
    add_bare(p, TOKEN_WORD, row_slot(p, 8), bytes_part(stored, ENTRY_FIXED, ENTRY_TIME));
    if (e->is_dropped) {
        add_keeper(p, stored, e);
        return;
    }
    add_open(p, 0, 4, bytes_part(stored, ENTRY_FIXED + ENTRY_TIME, stored.n));
    add_payload(p, e);
    add_close(p);
}

static void take_apart(struct packing *p, struct bytes entries) {
    struct cur c = cur_open(entries);
    while (c.rest.n > 0 && p->err == ERR_OK) {
        struct bytes from = c.rest;
        struct store_entry e;
        if (store_entry_take_kept(&c, &e))
            add_entry(p, bytes_part(from, 0, from.n - c.rest.n), &e);
        else
            p->err = ERR_LIMIT; /* no entries: not of this codec */
    }
}

/* ---- Values that come again ---- */

static bool is_value(const struct token *t) {
    return t->kind == TOKEN_VALUE || t->kind == TOKEN_WORD;
}

/* With room for programs and times too. */
static enum err make_values(struct packing *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        uint8_t kind = p->tokens[i].kind;
        n += is_value(&p->tokens[i]) ? 2 : (kind == TOKEN_ENTRY || kind == TOKEN_TIME);
    }
    for (p->values_n = 1024; p->values_n < 2 * n;)
        p->values_n *= 2;
    p->values = calloc(p->values_n, sizeof *p->values);
    return p->values != NULL ? ERR_OK : ERR_MEMORY;
}

/* Made where it is not there; NULL where too many are in its place. */
static struct value *value_of(struct packing *p, uint8_t slot, struct bytes b) {
    uint32_t hash = mix(zip_crc32(slot, b), slot);
    for (size_t i = 0; i < PROBES_MAX; i++) {
        struct value *v = &p->values[(hash + i) & (p->values_n - 1)];
        if (!v->is_used) {
            *v = (struct value){.bytes = b, .hash = hash, .slot = slot, .is_used = true};
            return v;
        }
        if (v->hash == hash && v->slot == slot && bytes_equal(v->bytes, b))
            return v;
    }
    return NULL;
}

static void count_values(struct packing *p) {
    for (size_t i = 0; i < p->n; i++) {
        struct token *t = &p->tokens[i];
        t->value = is_value(t) ? value_of(p, t->slot, t->content) : NULL;
        t->other = is_value(t) ? value_of(p, ANY_SLOT, t->content) : NULL;
        if (t->value != NULL)
            t->value->count++;
        if (t->other != NULL)
            t->other->count++;
    }
}

static bool is_string(uint8_t tag) {
    static const char tags[] = "\x0c\x12\x13\x14\x16\x1a\x1c\x1e";
    return tag != 0 && strchr(tags, tag) != NULL;
}

/* Text in part is text: random bytes are printable by one in three. */
static bool is_text(const struct token *t) {
    size_t printable = 0;
    if (is_string(t->tag))
        return true;
    for (size_t i = 0; i < t->content.n; i++)
        printable += t->content.p[i] >= 0x20 && t->content.p[i] < 0x7f;
    return printable >= t->content.n - t->content.n / 4;
}

/* Of random bytes most are different, of what is filled with patterns few. */
static bool is_varied(struct bytes chunk) {
    bool seen[256] = {false};
    size_t different = 0;
    for (size_t i = 0; i < chunk.n; i++) {
        different += !seen[chunk.p[i]];
        seen[chunk.p[i]] = true;
    }
    return different >= (chunk.n < 2 * VARIED_MIN ? chunk.n / 2 : VARIED_MIN);
}

static bool is_random(struct bytes b) {
    bool is_so = true;
    for (size_t at = 0; is_so && at < b.n; at += CHUNK)
        is_so = is_varied(bytes_part(b, at, CHUNK));
    return is_so;
}

static bool is_raw(const struct token *t) {
    return t->kind == TOKEN_VALUE && t->content.n >= RAW_MIN && t->other != NULL &&
           t->other->count < 2 && !is_text(t) && is_random(t->content);
}

static bool is_literal(const struct token *t) {
    bool is_part = t->kind == TOKEN_VALUE && t->content.n <= LITERAL_MAX && !is_string(t->tag) &&
                   t->value != NULL && t->value->count >= LITERAL_COUNT;
    return is_part || t->kind == TOKEN_LITERAL;
}

/* Literals that lie behind each other become one, and what encloses nothing else is one too. */
static void join_literals(struct packing *p) {
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct token t = p->tokens[i];
        if (is_literal(&t))
            t = (struct token){.kind = TOKEN_LITERAL, .content = t.whole, .whole = t.whole};
        bool is_plain = n > 0 && p->tokens[n - 1].kind == TOKEN_LITERAL;
        size_t open = is_plain ? n - 2 : n - 1;
        if (t.kind == TOKEN_CLOSE && n > is_plain && p->tokens[open].kind == TOKEN_OPEN) {
            t = (struct token){.kind = TOKEN_LITERAL, .whole = p->tokens[open].whole};
            t.content = t.whole;
            n = open;
            is_plain = n > 0 && p->tokens[n - 1].kind == TOKEN_LITERAL;
        }
        if (is_plain && t.kind == TOKEN_LITERAL) {
            struct bytes *before = &p->tokens[n - 1].whole;
            *before = bytes_of(before->p, before->n + t.whole.n);
            p->tokens[n - 1].content = *before;
        } else {
            p->tokens[n++] = t;
        }
    }
    p->n = n;
}

/* ---- Programs ---- */

static void put_varint(struct buf *out, size_t v) {
    for (; v >= 0x80; v >>= 7)
        buf_u8(out, (uint8_t)(v | 0x80));
    buf_u8(out, (uint8_t)v);
}

static void put_new(struct buf *out, struct bytes word) {
    put_varint(out, word.n);
    buf_put(out, word);
}

/* The number of a word, which is new or not; `v` may be NULL. */
static void put_word(struct packing *p, uint8_t slot, struct bytes word, struct value *v,
                     struct buf *numbers, struct buf *words) {
    if (v != NULL && v->number > 0) {
        buf_u8(numbers, v->number);
        return;
    }
    buf_u8(numbers, 0);
    put_new(words, word);
    if (p->slot_words[slot] == COLUMNS_SLOT_WORDS)
        return;
    p->slot_words[slot]++;
    if (v != NULL)
        v->number = (uint8_t)p->slot_words[slot];
}

/* A copy for as long as the packing lasts. */
static struct bytes keep(struct packing *p, struct bytes b) {
    struct bytes copy = arena_copy(&p->kept, b);
    if (copy.n != b.n && p->err == ERR_OK)
        p->err = ERR_LIMIT;
    return copy;
}

static struct buf *numbers_of(struct packing *p, uint8_t slot) {
    return slot < COLUMNS_SIDE_SLOT ? &p->rows : &p->columns[COLUMN_SIDES];
}

static void put_op(struct packing *p, enum columns_op op, uint8_t argument) {
    buf_u8(&p->program, (uint8_t)op);
    buf_u8(&p->program, argument);
}

static void put_raw(struct packing *p, const struct token *t) {
    struct bytes b = t->content;
    bool padded = b.n > 1 && b.p[0] == 0 && b.p[1] >= 0x80;
    if (t->tag == DER_INTEGER && (padded || b.p[0] < 0x80)) {
        buf_u8(&p->program, COLUMNS_NUMBER);
        b = bytes_part(b, padded, b.n);
    } else {
        put_op(p, COLUMNS_RAW, t->tag);
    }
    put_varint(&p->rows, b.n);
    buf_put(&p->raw, b);
}

static void put_value(struct packing *p, const struct token *t) {
    if (is_raw(t)) {
        put_raw(p, t);
        return;
    }
    put_op(p, COLUMNS_WORD, t->slot);
    buf_u8(&p->program, t->tag);
    put_word(p, t->slot, t->content, t->value, numbers_of(p, t->slot), &p->words);
}

static void put_time(struct packing *p, const struct token *t) {
    uint8_t octets[4];
    uint32_t time_s = 0;
    size_t n = 0;
    (void)read_time(t->content, &time_s);
    for (uint32_t after = time_s - p->clock; n < 4 && after >> 8 * n != 0;)
        n++;
    for (size_t i = 0; i < n; i++)
        octets[i] = (uint8_t)((time_s - p->clock) >> 8 * (n - 1 - i));
    put_op(p, COLUMNS_TIME, t->slot);
    struct bytes word = keep(p, bytes_of(octets, n));
    put_word(p, t->slot, word, value_of(p, t->slot, word), numbers_of(p, t->slot), &p->words);
}

static void put_moment(struct packing *p, const struct token *t) {
    struct cur c = cur_open(t->content);
    uint64_t after = cur_u64(&c) - (uint64_t)p->clock * 1000;
    uint8_t n = 0;
    while (n < 8 && after >> 8 * n != 0)
        n++;
    buf_u8(&p->program, COLUMNS_MOMENT);
    buf_u8(&p->rows, n);
    for (unsigned i = 0; i < n; i++)
        buf_u8(&p->raw, (uint8_t)(after >> 8 * (n - 1u - i)));
}

static void put_bulk(struct packing *p, const struct token *t) {
    buf_u8(&p->program, COLUMNS_BULK);
    put_varint(&p->rows, t->content.n);
    buf_put(&p->columns[COLUMN_BULK], t->content);
}

static void put_literal(struct packing *p, const struct token *t) {
    buf_u8(&p->program, COLUMNS_LITERAL);
    put_new(&p->program, t->content);
}

static void put_open(struct packing *p, const struct token *t) {
    if (t->tag != 0)
        put_op(p, COLUMNS_DER, t->tag);
    else
        put_op(p, COLUMNS_VEC, t->width);
}

static void put_close(struct packing *p, const struct token *t) {
    (void)t;
    buf_u8(&p->program, COLUMNS_END);
}

static void put_entry(struct packing *p, const struct token *t) {
    (void)t;
    buf_u8(&p->program, COLUMNS_ENTRY);
}

typedef void put_token(struct packing *p, const struct token *t);
static put_token *const writers[] = {
    [TOKEN_ENTRY] = put_entry, [TOKEN_OPEN] = put_open,  [TOKEN_CLOSE] = put_close,
    [TOKEN_VALUE] = put_value, [TOKEN_WORD] = put_value, [TOKEN_LITERAL] = put_literal,
    [TOKEN_BULK] = put_bulk,   [TOKEN_TIME] = put_time,  [TOKEN_MOMENT] = put_moment,
};

/* The first time of an entry; without one its moments are values as others. */
static void put_clock(struct packing *p, struct token *tokens, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (tokens[i].kind == TOKEN_TIME && read_time(tokens[i].content, &p->clock)) {
            buf_u8(&p->program, COLUMNS_CLOCK);
            buf_u32(&p->raw, p->clock);
            return;
        }
    for (size_t i = 0; i < n; i++)
        if (tokens[i].kind == TOKEN_MOMENT)
            tokens[i].kind = TOKEN_VALUE;
}

static void put_program(struct packing *p, struct token *tokens, size_t n) {
    buf_reset(&p->program);
    buf_reset(&p->rows);
    buf_reset(&p->words);
    put_clock(p, tokens, n);
    for (size_t i = n; i > 0; i--)
        writers[tokens[i - 1].kind](p, &tokens[i - 1]);
    struct bytes program = keep(p, buf_bytes(&p->program));
    put_word(p, 0, program, value_of(p, 0, program), &p->columns[COLUMN_ROWS],
             &p->columns[COLUMN_WORDS]);
    buf_put(&p->columns[COLUMN_ROWS], buf_bytes(&p->rows));
    buf_put(&p->columns[COLUMN_WORDS], buf_bytes(&p->words));
}

static void put_programs(struct packing *p) {
    for (size_t end = p->n, i = p->n; i > 0; i--)
        if (p->tokens[i - 1].kind == TOKEN_ENTRY) {
            put_program(p, p->tokens + (i - 1), end - (i - 1));
            end = i - 1;
        }
}

/* ---- The payload ---- */

/* What stands before the raw column; its first four bytes are set by the caller. */
static enum err put_front(struct packing *p, struct zip_deflater *z, struct buf *out) {
    struct bytes raw = buf_bytes(&p->raw);
    struct buf deflated;
    size_t total = 0;
    enum err code = ERR_OK;
    buf_init(&deflated, SEGMENT_BLOCK_MAX);
    buf_u32(out, 0);
    for (size_t i = 0; i < COLUMNS_DEFLATED && code == ERR_OK; i++) {
        struct bytes column = buf_bytes(&p->columns[i]);
        size_t mark = deflated.n;
        code = zip_deflate(z, columns_dictionary((enum column)i), column, &deflated);
        buf_u32(out, (uint32_t)column.n);
        buf_u32(out, (uint32_t)(deflated.n - mark));
        total += column.n;
    }
    buf_u32(out, (uint32_t)raw.n);
    for (size_t at = 0; at < raw.n; at += COLUMNS_PIECE)
        buf_u32(out, zip_crc32(0, bytes_part(raw, at, COLUMNS_PIECE)));
    buf_put(out, buf_bytes(&deflated));
    buf_clear(&deflated);
    return code == ERR_OK && total > SEGMENT_BLOCK_MAX ? ERR_LIMIT : code;
}

static enum err put_columns(struct packing *p, struct zip_deflater *z, struct buf *out) {
    struct buf front;
    buf_init(&front, SEGMENT_BLOCK_MAX);
    enum err code = put_front(p, z, &front);
    if (code == ERR_OK)
        code = front.err;
    if (code == ERR_OK && front.n + p->raw.n > SEGMENT_BLOCK_MAX)
        code = ERR_LIMIT;
    if (code == ERR_OK) {
        struct bytes checked = bytes_part(buf_bytes(&front), 4, front.n);
        buf_u32(out, zip_crc32(0, checked));
        buf_put(out, checked);
        buf_put(out, buf_bytes(&p->raw));
        code = out->err;
    }
    buf_clear(&front);
    return code;
}

static enum err error_of(const struct packing *p) {
    enum err code = p->err;
    for (size_t i = 0; i < COLUMNS_DEFLATED && code == ERR_OK; i++)
        code = p->columns[i].err;
    const struct buf *const bufs[] = {&p->raw, &p->program, &p->rows, &p->words};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0] && code == ERR_OK; i++)
        code = bufs[i]->err;
    return code;
}

enum err columns_pack(struct zip_deflater *z, struct bytes entries, struct buf *out) {
    struct packing p = {.n = 0};
    struct buf *const bufs[] = {&p.columns[0], &p.columns[1], &p.columns[2], &p.columns[3],
                                &p.raw,        &p.program,    &p.rows,       &p.words};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_init(bufs[i], SEGMENT_BLOCK_MAX);
    arena_init(&p.kept, SEGMENT_BLOCK_MAX * 2);
    take_apart(&p, entries);
    if (p.err == ERR_OK)
        p.err = make_values(&p);
    if (p.err == ERR_OK) {
        count_values(&p);
        join_literals(&p);
        put_programs(&p);
        p.err = error_of(&p);
    }
    enum err code = p.err == ERR_OK ? put_columns(&p, z, out) : p.err;
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_clear(bufs[i]);
    arena_clear(&p.kept);
    free(p.tokens);
    free(p.values);
    return code;
}
