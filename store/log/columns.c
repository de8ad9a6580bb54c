/* Columns put together again. See columns.h for the bytes. */
#include "store/log/columns.h"

#include "base/clock.h"
#include "base/der.h"

#include <stdlib.h>
#include <string.h>

enum {
    VEC_WIDTH_MAX = 4,
    VARINT_BITS = 28,
    TIME_WORD_MAX = 4,
    MOMENT_MAX = 8,
};

/* A deflated column, unpacked. */
struct stream {
    uint8_t *p;
    size_t n, at;
    struct bytes stored;
    bool is_inflated; /* the bulk: once it is asked for */
};

/* The raw column, or, of a file, the room for it, and the pieces that are read. */
struct raw {
    struct bytes bytes;
    size_t at;
    const struct file *file; /* NULL: all is there */
    uint64_t file_at;        /* where it begins */
    uint8_t *room;
    size_t loaded_from, loaded_to;
    struct bytes checks;
};

struct slots {
    uint32_t n[COLUMNS_SLOTS];
    uint32_t words[COLUMNS_SLOTS][COLUMNS_SLOT_WORDS]; /* where each begins in its column */
};

struct unpacking {
    const struct block_head *head;
    struct stream columns[COLUMNS_DEFLATED];
    struct raw raw;
    struct zip_inflater *inflater;
    struct slots *slots; /* with room for the columns behind */
    uint8_t *out;        /* room for all entries */
    size_t at, last;     /* begin of what is written, and of the entry written last */
    size_t stack[COLUMNS_DEPTH];
    size_t depth;
    uint32_t clock, entries;
    struct store_entry entry; /* the last one that was written */
    enum err err;
    struct fault *f;
};

static void refuse(struct unpacking *u) {
    if (u->err == ERR_OK)
        u->err = ERR_DAMAGED;
}

/* ---- The columns ---- */

struct bytes columns_dictionary(enum column column) {
    return column == COLUMN_BULK ? store_dictionary_1() : (struct bytes){NULL, 0};
}

static void inflate_column(struct unpacking *u, enum column column) {
    struct stream *s = &u->columns[column];
    enum err code =
        zip_inflate_exact(u->inflater, columns_dictionary(column), s->stored, s->p, s->n);
    if (code != ERR_OK && u->err == ERR_OK)
        u->err = code == ERR_MEMORY ? code : ERR_DAMAGED;
    s->is_inflated = true;
}

/* ---- Taking ---- */

static struct bytes take(struct unpacking *u, enum column column, size_t n) {
    struct stream *s = &u->columns[column];
    if (n > s->n - s->at) {
        refuse(u);
        return (struct bytes){NULL, 0};
    }
    s->at += n;
    return bytes_of(s->p + (s->at - n), n);
}

static inline uint8_t take_u8(struct unpacking *u, enum column column) {
    struct stream *s = &u->columns[column];
    if (s->at < s->n)
        return s->p[s->at++];
    refuse(u);
    return 0;
}

static uint32_t take_varint(struct unpacking *u, enum column column) {
    uint32_t v = 0;
    for (unsigned shift = 0; shift < VARINT_BITS; shift += 7) {
        uint8_t octet = take_u8(u, column);
        v |= (uint32_t)(octet & 0x7f) << shift;
        if (octet < 0x80)
            return v;
    }
    refuse(u);
    return 0;
}

/* One that was taken before: nothing about it can be wrong. */
static struct bytes word_at(const struct unpacking *u, uint32_t at) {
    const struct stream *s = &u->columns[COLUMN_WORDS];
    uint32_t n = 0;
    for (unsigned shift = 0;; shift += 7) {
        uint8_t octet = s->p[at++];
        n |= (uint32_t)(octet & 0x7f) << shift;
        if (octet < 0x80)
            return bytes_of(s->p + at, n);
    }
}

static struct bytes take_new_word(struct unpacking *u, uint8_t slot) {
    struct slots *s = u->slots;
    size_t at = u->columns[COLUMN_WORDS].at;
    struct bytes word = take(u, COLUMN_WORDS, take_varint(u, COLUMN_WORDS));
    if (u->err == ERR_OK && s->n[slot] < COLUMNS_SLOT_WORDS)
        s->words[slot][s->n[slot]++] = (uint32_t)at;
    return word;
}

static struct bytes take_word(struct unpacking *u, uint8_t slot) {
    if (slot < COLUMNS_SLOTS) {
        uint8_t number = take_u8(u, slot < COLUMNS_SIDE_SLOT ? COLUMN_ROWS : COLUMN_SIDES);
        if (u->err == ERR_OK && number == 0)
            return take_new_word(u, slot);
        if (u->err == ERR_OK && number <= u->slots->n[slot])
            return word_at(u, u->slots->words[slot][number - 1]);
    }
    refuse(u);
    return (struct bytes){NULL, 0};
}

/* ---- The raw column ---- */

static bool is_piece_right(struct bytes checks, size_t index, struct bytes piece) {
    struct cur c = cur_open(bytes_part(checks, 4 * index, 4));
    return cur_u32(&c) == zip_crc32(0, piece);
}

/* Reads the pieces up to that byte. They are asked for in their order. */
static void load(struct unpacking *u, size_t from, size_t to) {
    struct raw *r = &u->raw;
    if (r->loaded_to == r->loaded_from)
        r->loaded_from = r->loaded_to = from / COLUMNS_PIECE * COLUMNS_PIECE;
    if (to <= r->loaded_to)
        return;
    size_t start = r->loaded_to, end = (to + COLUMNS_PIECE - 1) / COLUMNS_PIECE * COLUMNS_PIECE;
    if (end > r->bytes.n)
        end = r->bytes.n;
    enum err code = file_read_at(r->file, r->file_at + start, r->room + start, end - start, u->f);
    if (code != ERR_OK) {
        u->err = code;
        return;
    }
    for (size_t at = start; at < end; at += COLUMNS_PIECE)
        if (!is_piece_right(r->checks, at / COLUMNS_PIECE, bytes_part(r->bytes, at, COLUMNS_PIECE)))
            refuse(u);
    r->loaded_to = end;
}

static bool pass_raw(struct unpacking *u, size_t n) {
    struct raw *r = &u->raw;
    if (n <= r->bytes.n - r->at) {
        r->at += n;
        return true;
    }
    refuse(u);
    return false;
}

static struct bytes take_raw(struct unpacking *u, size_t n) {
    struct raw *r = &u->raw;
    size_t at = r->at;
    if (pass_raw(u, n) && r->file != NULL)
        load(u, at, r->at);
    return u->err == ERR_OK ? bytes_part(r->bytes, at, n) : (struct bytes){NULL, 0};
}

static uint64_t big_endian(struct bytes b) {
    uint64_t v = 0;
    for (size_t i = 0; i < b.n; i++)
        v = v << 8 | b.p[i];
    return v;
}

/* ---- Writing ---- */

/* Room for n bytes in front of the others; NULL where there is none. */
static inline uint8_t *front(struct unpacking *u, size_t n) {
    if (n > u->at) {
        refuse(u);
        return NULL;
    }
    u->at -= n;
    return u->out + u->at;
}

/* Most are short, and a call costs more than they. */
static inline void copy(uint8_t *to, struct bytes b) {
    if (b.n < 8 || b.n > 64) {
        if (b.n > 0)
            memcpy(to, b.p, b.n);
        return;
    }
    for (size_t i = 0; i + 8 < b.n; i += 8)
        memcpy(to + i, b.p + i, 8);
    memcpy(to + b.n - 8, b.p + b.n - 8, 8);
}

static inline void write_bytes(struct unpacking *u, struct bytes b) {
    uint8_t *to = front(u, b.n);
    if (to != NULL)
        copy(to, b);
}

static inline void write_number(struct unpacking *u, uint64_t v, size_t octets) {
    uint8_t *to = front(u, octets);
    for (size_t i = octets; to != NULL && i > 0; v >>= 8)
        to[--i] = (uint8_t)v;
}

/* Length and tag, in front of n bytes. */
static inline void write_frame(struct unpacking *u, uint8_t tag, size_t n) {
    if (n < 0x80) {
        write_number(u, (uint64_t)tag << 8 | n, 2);
        return;
    }
    unsigned octets = n < 0x100 ? 1 : n < 0x10000 ? 2 : n < 0x1000000 ? 3 : 4;
    write_number(u, ((uint64_t)tag << 8 | 0x80 | octets) << 8 * octets | n, 2 + octets);
}

static void put_two(uint8_t *out, unsigned n) {
    out[0] = (uint8_t)('0' + n / 10);
    out[1] = (uint8_t)('0' + n % 10);
}

bool columns_time_write(uint32_t unix_s, uint8_t out[COLUMNS_TIME_SIZE]) {
    struct civil c = clock_to_civil(unix_s);
    if (c.year > 2049)
        return false;
    put_two(out, (unsigned)(c.year % 100));
    put_two(out + 2, c.month);
    put_two(out + 4, c.day);
    put_two(out + 6, c.hour);
    put_two(out + 8, c.minute);
    put_two(out + 10, c.second);
    out[12] = 'Z';
    return true;
}

/* ---- The ops ---- */

struct program {
    const uint8_t *p;
    size_t n, at;
};

static inline uint8_t argument(struct unpacking *u, struct program *p) {
    if (p->at < p->n)
        return p->p[p->at++];
    refuse(u);
    return 0;
}

static void op_end(struct unpacking *u, struct program *p) {
    (void)p;
    if (u->depth == COLUMNS_DEPTH)
        refuse(u);
    else
        u->stack[u->depth++] = u->at;
}

/* Bytes since the end on the top of the stack. */
static size_t pop(struct unpacking *u) {
    if (u->depth == 0) {
        refuse(u);
        return 0;
    }
    return u->stack[--u->depth] - u->at;
}

static void op_der(struct unpacking *u, struct program *p) {
    write_frame(u, argument(u, p), pop(u));
}

static void op_vec(struct unpacking *u, struct program *p) {
    size_t n = pop(u), width = argument(u, p);
    if (width < 1 || width > VEC_WIDTH_MAX || (uint64_t)n >> 8 * width != 0)
        refuse(u);
    else
        write_number(u, n, width);
}

static struct bytes literal(struct unpacking *u, struct program *p) {
    size_t n = 0;
    uint8_t octet = 0x80;
    for (unsigned shift = 0; octet >= 0x80 && shift < VARINT_BITS; shift += 7) {
        octet = argument(u, p);
        n |= (size_t)(octet & 0x7f) << shift;
    }
    if (octet >= 0x80 || n == 0 || n > p->n - p->at) {
        refuse(u);
        return (struct bytes){NULL, 0};
    }
    p->at += n;
    return bytes_of(p->p + (p->at - n), n);
}

static void op_literal(struct unpacking *u, struct program *p) {
    write_bytes(u, literal(u, p));
}

static void op_word(struct unpacking *u, struct program *p) {
    uint8_t slot = argument(u, p), tag = argument(u, p);
    struct bytes word = take_word(u, slot);
    if (slot == 0)
        refuse(u);
    write_bytes(u, word);
    if (tag != 0)
        write_frame(u, tag, word.n);
}

static void op_raw(struct unpacking *u, struct program *p) {
    uint8_t tag = argument(u, p);
    struct bytes b = take_raw(u, take_varint(u, COLUMN_ROWS));
    write_bytes(u, b);
    if (tag != 0)
        write_frame(u, tag, b.n);
}

static void op_number(struct unpacking *u, struct program *p) {
    struct bytes b = take_raw(u, take_varint(u, COLUMN_ROWS));
    size_t n = b.n;
    (void)p;
    if (n == 0)
        refuse(u);
    write_bytes(u, b);
    if (u->err == ERR_OK && b.p[0] >= 0x80) {
        write_number(u, 0, 1);
        n++;
    }
    write_frame(u, DER_INTEGER, n);
}

static void op_clock(struct unpacking *u, struct program *p) {
    (void)p;
    u->clock = (uint32_t)big_endian(take_raw(u, 4));
}

static void op_time(struct unpacking *u, struct program *p) {
    struct bytes word = take_word(u, argument(u, p));
    uint32_t after = (uint32_t)big_endian(bytes_part(word, 0, TIME_WORD_MAX));
    uint8_t *to = front(u, COLUMNS_TIME_SIZE);
    if (word.n > TIME_WORD_MAX || (to != NULL && !columns_time_write(u->clock + after, to)))
        refuse(u);
    write_frame(u, DER_UTC_TIME, COLUMNS_TIME_SIZE);
}

static void op_moment(struct unpacking *u, struct program *p) {
    uint8_t n = take_u8(u, COLUMN_ROWS);
    (void)p;
    if (n > MOMENT_MAX)
        refuse(u);
    else
        write_number(u, (uint64_t)u->clock * 1000 + big_endian(take_raw(u, n)), 8);
}

static void op_bulk(struct unpacking *u, struct program *p) {
    (void)p;
    if (!u->columns[COLUMN_BULK].is_inflated)
        inflate_column(u, COLUMN_BULK);
    write_bytes(u, take(u, COLUMN_BULK, take_varint(u, COLUMN_ROWS)));
}

static void op_entry(struct unpacking *u, struct program *p) {
    struct cur c = cur_open(bytes_of(u->out + u->at, u->last - u->at));
    if (p->at < p->n || u->depth != 0 || !block_entry_take(u->head, &c, &u->entry) || !cur_end(&c))
        refuse(u);
    u->last = u->at;
    u->entries++;
}

typedef void run_op(struct unpacking *u, struct program *p);
static run_op *const ops[] = {
    [COLUMNS_END] = op_end,         [COLUMNS_DER] = op_der,     [COLUMNS_VEC] = op_vec,
    [COLUMNS_LITERAL] = op_literal, [COLUMNS_WORD] = op_word,   [COLUMNS_RAW] = op_raw,
    [COLUMNS_NUMBER] = op_number,   [COLUMNS_CLOCK] = op_clock, [COLUMNS_TIME] = op_time,
    [COLUMNS_MOMENT] = op_moment,   [COLUMNS_BULK] = op_bulk,   [COLUMNS_ENTRY] = op_entry,
};

static struct program next_program(struct unpacking *u) {
    struct bytes word = take_word(u, 0);
    u->clock = 0;
    return (struct program){.p = word.p, .n = word.n};
}

static void run_program(struct unpacking *u) {
    struct program p = next_program(u);
    while (u->err == ERR_OK && p.at < p.n) {
        uint8_t op = argument(u, &p);
        if (op < sizeof ops / sizeof ops[0])
            ops[op](u, &p);
        else
            refuse(u);
    }
}

/* Takes what the program takes, and writes nothing: it is another entry that is wanted. */
static void pass_program(struct unpacking *u) {
    struct program p = next_program(u);
    while (u->err == ERR_OK && p.at < p.n) {
        switch (argument(u, &p)) {
        case COLUMNS_END:
            break;
        case COLUMNS_DER:
        case COLUMNS_VEC:
            (void)argument(u, &p);
            break;
        case COLUMNS_LITERAL:
            (void)literal(u, &p);
            break;
        case COLUMNS_WORD:
            (void)take_word(u, argument(u, &p));
            (void)argument(u, &p);
            break;
        case COLUMNS_RAW:
            (void)argument(u, &p);
            (void)pass_raw(u, take_varint(u, COLUMN_ROWS));
            break;
        case COLUMNS_NUMBER:
            (void)pass_raw(u, take_varint(u, COLUMN_ROWS));
            break;
        case COLUMNS_CLOCK:
            (void)pass_raw(u, 4);
            break;
        case COLUMNS_TIME:
            (void)take_word(u, argument(u, &p));
            break;
        case COLUMNS_MOMENT:
            (void)pass_raw(u, take_u8(u, COLUMN_ROWS));
            break;
        case COLUMNS_BULK:
            (void)take(u, COLUMN_BULK, take_varint(u, COLUMN_ROWS));
            break;
        case COLUMNS_ENTRY:
            u->entries++;
            if (p.at < p.n)
                refuse(u);
            break;
        default:
            refuse(u);
        }
    }
}

/* ---- Opening ---- */

struct parts {
    uint32_t unpacked[COLUMNS_DEFLATED], stored[COLUMNS_DEFLATED], raw;
    struct bytes checks, deflated[COLUMNS_DEFLATED];
};

static bool read_sizes(struct bytes head, struct parts *out) {
    struct cur c = cur_open(bytes_part(head, 4, COLUMNS_HEAD - 4));
    uint64_t unpacked = 0;
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++) {
        unpacked += out->unpacked[i] = cur_u32(&c);
        out->stored[i] = cur_u32(&c);
    }
    out->raw = cur_u32(&c);
    return cur_end(&c) && unpacked <= SEGMENT_BLOCK_MAX;
}

/* Of what stands before the raw column. */
static uint64_t front_size(const struct parts *p) {
    uint64_t n = COLUMNS_HEAD + 4 * (((uint64_t)p->raw + COLUMNS_PIECE - 1) / COLUMNS_PIECE);
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++)
        n += p->stored[i];
    return n;
}

/* `front`: what stands before the raw column. */
static bool read_front(struct bytes front, struct parts *p) {
    struct cur c = cur_open(front);
    uint32_t check = cur_u32(&c);
    if (check != zip_crc32(0, c.rest))
        return false;
    (void)cur_take(&c, COLUMNS_HEAD - 4);
    p->checks = cur_take(&c, 4 * (((size_t)p->raw + COLUMNS_PIECE - 1) / COLUMNS_PIECE));
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++)
        p->deflated[i] = cur_take(&c, p->stored[i]);
    return cur_end(&c);
}

/* Room for the columns and, of a file, the raw one: in one piece, since to get and to give back
 * memory costs more than what is done with it. */
static enum err begin(struct unpacking *u, const struct block_head *h, const struct parts *p,
                      struct buf *out) {
    size_t columns = 1, raw = u->raw.file != NULL ? p->raw : 0;
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++)
        columns += p->unpacked[i];
    u->head = h;
    u->at = u->last = h->unpacked;
    u->out = buf_reserve(out, h->unpacked);
    u->inflater = zip_inflater_open((struct bytes){NULL, 0}, (struct bytes){NULL, 0});
    u->slots = malloc(sizeof *u->slots + columns + raw);
    if (u->out == NULL || u->inflater == NULL || u->slots == NULL)
        return u->out == NULL ? out->err : ERR_MEMORY;
    memset(u->slots->n, 0, sizeof u->slots->n);
    uint8_t *room = (uint8_t *)(u->slots + 1);
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++) {
        u->columns[i] = (struct stream){.stored = p->deflated[i], .p = room, .n = p->unpacked[i]};
        room += p->unpacked[i];
    }
    if (raw > 0) {
        u->raw.room = room;
        u->raw.bytes = bytes_of(room, raw);
        u->raw.checks = p->checks;
    }
    for (size_t i = 0; i < COLUMN_BULK; i++)
        inflate_column(u, (enum column)i);
    return u->err;
}

static void end(struct unpacking *u) {
    zip_inflater_close(u->inflater);
    free(u->slots);
}

/* ---- All of a block ---- */

static bool is_raw_right(const struct parts *p, struct bytes raw) {
    for (size_t at = 0; at < raw.n; at += COLUMNS_PIECE)
        if (!is_piece_right(p->checks, at / COLUMNS_PIECE, bytes_part(raw, at, COLUMNS_PIECE)))
            return false;
    return true;
}

static bool is_all_used(const struct unpacking *u, const struct block_head *h) {
    for (size_t i = 0; i < COLUMNS_DEFLATED; i++)
        if (u->columns[i].at != u->columns[i].n)
            return false;
    return u->at == 0 && u->last == 0 && u->entries == h->count && u->raw.at == u->raw.bytes.n;
}

enum err columns_unpack(const struct block_head *h, struct bytes stored, struct buf *out) {
    struct parts p = {.raw = 0};
    if (!read_sizes(stored, &p) || front_size(&p) + p.raw != stored.n)
        return ERR_DAMAGED;
    struct bytes raw = bytes_part(stored, stored.n - p.raw, p.raw);
    if (!read_front(bytes_part(stored, 0, stored.n - p.raw), &p) || !is_raw_right(&p, raw))
        return ERR_DAMAGED;
    struct unpacking u = {.raw = {.bytes = raw}};
    u.err = begin(&u, h, &p, out);
    if (u.err == ERR_OK)
        inflate_column(&u, COLUMN_BULK);
    const struct stream *rows = &u.columns[COLUMN_ROWS];
    while (u.err == ERR_OK && rows->at < rows->n)
        run_program(&u);
    if (u.err == ERR_OK && !is_all_used(&u, h))
        u.err = ERR_DAMAGED;
    if (u.err == ERR_OK)
        buf_commit(out, h->unpacked);
    end(&u);
    return u.err;
}

/* ---- One entry ---- */

/* Reads what stands before the raw column. */
static enum err load_front(const struct file *file, uint64_t at, const struct block_head *h,
                           struct buf *front, struct parts *p, struct fault *f) {
    if (h->stored < COLUMNS_HEAD)
        return ERR_DAMAGED;
    enum err code = block_part_load(file, at, COLUMNS_HEAD, front, f);
    if (code != ERR_OK)
        return code;
    if (!read_sizes(buf_bytes(front), p) || front_size(p) + p->raw != h->stored)
        return ERR_DAMAGED;
    code = block_part_load(file, at + COLUMNS_HEAD, (size_t)front_size(p) - COLUMNS_HEAD, front, f);
    if (code != ERR_OK)
        return code;
    return read_front(buf_bytes(front), p) ? ERR_OK : ERR_DAMAGED;
}

enum err columns_fetch(const struct file *file, uint64_t at, const struct block_head *h,
                       uint32_t index, struct buf *room, struct store_entry *out, struct fault *f) {
    struct parts p = {.raw = 0};
    struct unpacking u = {.raw = {.file = file}, .f = f};
    struct buf front;
    buf_init(&front, SEGMENT_BLOCK_MAX);
    buf_reset(room);
    u.err = load_front(file, at, h, &front, &p, f);
    u.raw.file_at = at + front.n;
    if (u.err == ERR_OK)
        u.err = begin(&u, h, &p, room);
    uint32_t before = h->count - 1 - index;
    while (u.err == ERR_OK && u.entries < before)
        pass_program(&u);
    while (u.err == ERR_OK && u.entries == before)
        run_program(&u);
    if (u.err == ERR_OK)
        *out = u.entry;
    end(&u);
    buf_clear(&front);
    return u.err;
}
