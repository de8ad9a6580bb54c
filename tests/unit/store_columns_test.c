/* store/log/columns: what is taken apart is put together again byte for byte, as a whole and one by
 * one; and of what others wrote nothing is believed. */
#include "store_test.h"

#include "base/der.h"
#include "base/thread.h"
#include "base/zip.h"
#include "store/log/columns.h"
#include "store/log/private.h"

#include <stdlib.h>

enum { ENTRIES_MAX = 200 };

/* ---- Entries of any kind ---- */

struct made {
    struct buf bytes;
    struct store_entry entries[ENTRIES_MAX];
    size_t n;
    uint8_t kind;
    struct arena arena;
};

static void made_init(struct made *m) {
    memset(m, 0, sizeof *m);
    m->kind = BLOCK_ENTRIES;
    buf_init(&m->bytes, SEGMENT_BLOCK_MAX);
    arena_init(&m->arena, 64u << 20);
}

static void made_clear(struct made *m) {
    buf_clear(&m->bytes);
    arena_clear(&m->arena);
}

static void add(struct made *m, uint16_t type, int64_t time_ms, struct bytes payload) {
    assert_true(m->n < ENTRIES_MAX);
    struct store_entry *e = &m->entries[m->n++];
    *e = (struct store_entry){
        .type = type, .version = 1, .time_ms = time_ms, .payload = arena_copy(&m->arena, payload)};
    store_entry_write(e, &m->bytes);
    assert_int_equal(m->bytes.err, ERR_OK);
}

struct taking {
    struct made *made;
    size_t prefix; /* bytes in front of the DER */
};

static bool take_file(void *context, const char *name, bool is_dir) {
    struct taking *t = context;
    struct bytes text = bytes_text(name);
    struct buf b;
    struct fault f;
    char path[300];
    if (is_dir || text.n < 4 || !bytes_is(bytes_part(text, text.n - 4, 4), ".der"))
        return true;
    buf_init(&b, 1 << 20);
    buf_fill(&b, 7, t->prefix);
    snprintf(path, sizeof path, "tests/data/x509/%s", name);
    assert_int_equal(file_read(path, &b, &f), ERR_OK);
    add(t->made, 1, 1700000000000 + (int64_t)t->made->n, buf_bytes(&b));
    buf_clear(&b);
    return true;
}

/* The certificates of tests/data. */
static void add_certificates(struct made *m) {
    struct taking t = {m, 17};
    struct fault f;
    assert_int_equal(dir_list("tests/data/x509", take_file, &t, &f), ERR_OK);
    assert_true(m->n >= 30);
}

/* ---- There and back ---- */

static struct block_head head_of(const struct made *m, struct bytes payload) {
    return (struct block_head){.version = BLOCK_VERSION,
                               .kind = m->kind,
                               .codec = BLOCK_COLUMNS,
                               .count = (uint32_t)m->n,
                               .stored = (uint32_t)payload.n,
                               .unpacked = (uint32_t)m->bytes.n,
                               .check = zip_crc32(0, payload)};
}

static enum err pack(const struct made *m, struct buf *out) {
    struct zip_deflater *z = zip_deflater_open(9);
    assert_non_null(z);
    buf_init(out, SEGMENT_BLOCK_MAX);
    enum err code = columns_pack(z, buf_bytes(&m->bytes), out);
    assert_true(code == ERR_OK ? out->n > 0 : out->n == 0);
    zip_deflater_close(z);
    return code;
}

static void assert_unpacks(const struct made *m, struct bytes payload) {
    struct block_head h = head_of(m, payload);
    struct buf out;
    buf_init(&out, SEGMENT_BLOCK_MAX);
    assert_int_equal(block_unpack(&h, payload, &out), ERR_OK);
    assert_int_equal(out.n, m->bytes.n);
    assert_memory_equal(out.p, m->bytes.p, out.n);
    buf_clear(&out);
}

static struct file written(struct place *p, struct bytes before, struct bytes payload) {
    struct file file;
    struct fault f;
    char *path = place_path(p, "payload");
    assert_int_equal(file_open(&file, path, FILE_APPEND, &f), ERR_OK);
    assert_int_equal(file_write_at(&file, 0, before, &f), ERR_OK);
    assert_int_equal(file_write_at(&file, before.n, payload, &f), ERR_OK);
    return file;
}

static void assert_fetches(const struct made *m, struct bytes payload) {
    struct place p = place_make();
    struct bytes before = bytes_text("something in front");
    struct block_head h = head_of(m, payload);
    struct file file = written(&p, before, payload);
    struct buf room;
    struct fault f;
    buf_init(&room, SEGMENT_BLOCK_MAX);
    for (uint32_t i = 0; i < m->n; i++) {
        struct store_entry e;
        assert_int_equal(columns_fetch(&file, before.n, &h, i, &room, &e, &f), ERR_OK);
        assert_int_equal(e.type, m->entries[i].type);
        assert_true(e.time_ms == m->entries[i].time_ms);
        assert_true(bytes_equal(e.payload, m->entries[i].payload));
        assert_int_equal(e.is_dropped, m->entries[i].is_dropped);
        assert_true(bytes_equal(e.rest, m->entries[i].rest));
    }
    file_close(&file);
    assert_int_equal(file_remove(place_path(&p, "payload"), &f), ERR_OK);
    buf_clear(&room);
    place_clear(&p);
}

static size_t there_and_back(const struct made *m) {
    struct buf payload;
    assert_int_equal(pack(m, &payload), ERR_OK);
    assert_unpacks(m, buf_bytes(&payload));
    assert_fetches(m, buf_bytes(&payload));
    size_t n = payload.n;
    buf_clear(&payload);
    return n;
}

static size_t deflated(const struct made *m) {
    struct zip_deflater *z = zip_deflater_open(9);
    struct buf out;
    buf_init(&out, SEGMENT_BLOCK_MAX);
    assert_int_equal(zip_deflate(z, store_dictionary_1(), buf_bytes(&m->bytes), &out), ERR_OK);
    size_t n = out.n;
    zip_deflater_close(z);
    buf_clear(&out);
    return n;
}

static void certificates_come_back(void **state) {
    (void)state;
    struct made m;
    made_init(&m);
    there_and_back(&m); /* none */
    add_certificates(&m);
    there_and_back(&m);
    for (size_t i = 0, n = m.n; i < n; i++) /* again: what is the same costs next to nothing */
        add(&m, 1, 1700000000000, m.entries[i].payload);
    size_t whole = m.bytes.n;
    assert_true(there_and_back(&m) < whole / 2);
    made_clear(&m);
}

/* A certificate as a public CA makes them, with keys and signatures of this seed. */
static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void randomize(uint8_t *p, size_t n, uint64_t *seed) {
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(next_random(seed) >> 32);
}

/* What is random in them is found by its length: nothing makes it smaller, and so columns win. */
static void like_certificates_are_smaller_than_deflated(void **state) {
    (void)state;
    struct made one, m;
    uint64_t seed = 88172645463325252u;
    made_init(&one);
    made_init(&m);
    struct taking t = {&one, 17};
    assert_true(take_file(&t, "rsa-sha256.der", false));
    struct bytes payload = one.entries[0].payload;
    for (size_t i = 0; i < 100; i++) {
        uint8_t *copy = (uint8_t *)(uintptr_t)arena_copy(&one.arena, payload).p;
        randomize(copy + payload.n - 256, 256, &seed); /* the signature */
        add(&m, 1, 1700000000000, bytes_of(copy, payload.n));
    }
    size_t columns = there_and_back(&m);
    assert_true(columns > 100 * 256 && columns < 100 * 256 + 1200);
    assert_true(columns < deflated(&m));
    made_clear(&one);
    made_clear(&m);
}

/* Where payloads were dropped, what keeps their place comes back too. */
static void place_keepers_come_back(void **state) {
    (void)state;
    struct made m;
    struct buf payload, out;
    made_init(&m);
    add_certificates(&m);
    m.kind = BLOCK_KEPT;
    for (size_t i = 0; i < 20; i++) {
        uint8_t leaf[STORE_HASH_SIZE];
        static const char *const rests[] = {"", "what is left of it", "\x30\x00"};
        store_leaf_hash(bytes_of(&i, sizeof i), leaf);
        struct store_entry *e = &m.entries[m.n++];
        *e = (struct store_entry){.type = 6,
                                  .version = 1,
                                  .time_ms = (int64_t)i,
                                  .payload = arena_copy(&m.arena, bytes_of(leaf, sizeof leaf)),
                                  .is_dropped = true,
                                  .rest = bytes_text(rests[i % 3])};
        store_entry_write(e, &m.bytes);
    }
    there_and_back(&m);
    assert_int_equal(pack(&m, &payload), ERR_OK);
    m.kind = BLOCK_ENTRIES; /* where there may be none */
    struct block_head h = head_of(&m, buf_bytes(&payload));
    buf_init(&out, SEGMENT_BLOCK_MAX);
    assert_int_equal(block_unpack(&h, buf_bytes(&payload), &out), ERR_DAMAGED);
    buf_clear(&payload);
    buf_clear(&out);
    made_clear(&m);
}

/* Long values of patterns, or that come again elsewhere, are none to keep as they are. */
static void what_deflate_makes_smaller_is_deflated(void **state) {
    (void)state;
    struct made m;
    struct buf b;
    uint64_t seed = 7;
    uint8_t key[256];
    made_init(&m);
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < 50; i++) {
        uint8_t pattern[4096];
        for (size_t k = 0; k < sizeof pattern; k++)
            pattern[k] = (uint8_t)((k % 5) * 40 + i);
        if (i % 2 == 0)
            randomize(key, sizeof key, &seed);
        key[0] = (uint8_t)(i % 2); /* the same key in two places */
        buf_reset(&b);
        size_t mark = der_begin(&b, DER_SEQUENCE);
        der_put(&b, DER_OCTET_STRING, bytes_of(pattern, sizeof pattern));
        der_put(&b, i % 2 == 0 ? DER_OCTET_STRING : DER_INTEGER, bytes_of(key + 1, 255));
        der_close(&b, mark);
        add(&m, 1, 1, buf_bytes(&b));
    }
    size_t n = there_and_back(&m);
    assert_true(n > 25 * 255 && n < 25 * 255 + 4000);
    buf_clear(&b);
    made_clear(&m);
}

/* Anything goes: what is no DER, DER that breaks off or is changed, lengths that are not minimal.
 */
static void any_bytes_come_back(void **state) {
    (void)state;
    uint64_t seed = 4242424242u;
    struct made real;
    made_init(&real);
    add_certificates(&real);
    for (unsigned round = 0; round < 200; round++) {
        struct made m;
        uint8_t noise[600];
        made_init(&m);
        for (size_t i = next_random(&seed) % 30; i > 0; i--) {
            const struct store_entry *e = &real.entries[next_random(&seed) % real.n];
            struct bytes b = arena_copy(&m.arena, e->payload);
            uint8_t *at = (uint8_t *)(uintptr_t)b.p;
            for (size_t k = next_random(&seed) % 4; k > 0; k--)
                at[next_random(&seed) % b.n] = (uint8_t)next_random(&seed);
            if (next_random(&seed) % 4 == 0)
                b = bytes_part(b, 0, next_random(&seed) % b.n);
            if (next_random(&seed) % 4 == 0) {
                size_t n = next_random(&seed) % sizeof noise;
                randomize(noise, n, &seed);
                if (n > 4 && next_random(&seed) % 2 == 0)
                    memcpy(noise, "\x30\x83\x00\x02", 4);
                b = bytes_of(noise, n);
            }
            add(&m, (uint16_t)next_random(&seed), (int64_t)next_random(&seed), b);
        }
        there_and_back(&m);
        made_clear(&m);
    }
    made_clear(&real);
}

/* Each shape of a value by itself: times of all kinds, numbers, nested strings, lengths. */
static void each_value_comes_back(void **state) {
    (void)state;
    static const char *const times[] = {
        "700101000000Z", "691231235959Z", "491231235959Z", "500101000000Z", "240229120000Z",
        "230229120000Z", "240101246060Z", "2401010000Z",   "240101000000+", "\0010101000000Z"};
    static const char *const numbers[] = {
        "\x01\x02\x03\x04\x05\x06\x07\x08\x09", "\x80\x02\x03\x04\x05\x06\x07\x08\x09",
        "\x00\x82\x03\x04\x05\x06\x07\x08\x09", "\x00\x02\x03\x04\x05\x06\x07\x08\x09",
        "\x00\x00\x83\x04\x05\x06\x07\x08\x09", "\xff\xff\x83\x04\x05\x06\x07\x08\x09"};
    struct made m;
    struct buf b;
    made_init(&m);
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(times); i++)
        for (size_t k = 0; k < COUNT_OF(numbers); k++) {
            buf_reset(&b);
            size_t mark = der_begin(&b, DER_SEQUENCE);
            der_put(&b, DER_UTC_TIME, bytes_text(times[i]));
            der_put(&b, DER_UTC_TIME, bytes_text(times[(i + k) % COUNT_OF(times)]));
            der_put(&b, DER_INTEGER, bytes_of(numbers[k], 9));
            der_put(&b, DER_OCTET_STRING, bytes_of("\x30\x03\x02\x01\x05", 5));
            der_put(&b, DER_OCTET_STRING, bytes_of("\x30\x04\x02\x01\x05", 5));
            der_put(&b, DER_BIT_STRING, bytes_of("\x00\x30\x03\x02\x01\x05", 6));
            der_put(&b, DER_BIT_STRING, bytes_of("\x01\x30\x03\x02\x01\x05", 6));
            der_put(&b, DER_SEQUENCE, bytes_of("\x30\x80", 2));
            der_put(&b, 0, bytes_of("no tag", 6)); /* 0 stands for none elsewhere */
            der_put(&b, 0x20, bytes_of("\x00\x00\x20\x00", 4));
            der_close(&b, mark);
            if (m.n < ENTRIES_MAX)
                add(&m, 3, 5, buf_bytes(&b));
        }
    there_and_back(&m);
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536, 300000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        buf_reset(&b);
        size_t mark = der_begin(&b, DER_SEQUENCE);
        size_t inner = der_begin(&b, DER_OCTET_STRING);
        buf_fill(&b, (uint8_t)i, sizes[i]);
        der_close(&b, inner);
        der_close(&b, mark);
        add(&m, 3, 5, buf_bytes(&b));
    }
    there_and_back(&m);
    buf_clear(&b);
    made_clear(&m);
}

/* Nested deeper than is followed. */
static void depth_has_an_end(void **state) {
    (void)state;
    struct made m;
    struct buf b;
    size_t marks[200];
    made_init(&m);
    buf_init(&b, 1 << 20);
    for (size_t depth = 1; depth <= COUNT_OF(marks); depth += 9) {
        buf_reset(&b);
        for (size_t i = 0; i < depth; i++)
            marks[i] = der_begin(&b, i % 3 == 2 ? DER_OCTET_STRING : DER_SEQUENCE);
        for (size_t i = depth; i > 0; i--)
            der_close(&b, marks[i - 1]);
        add(&m, 1, 1, buf_bytes(&b));
    }
    there_and_back(&m);
    buf_clear(&b);
    made_clear(&m);
}

/* Timestamps whose signature is a string with timestamps, and so on. */
static void depth_of_timestamps_has_an_end(void **state) {
    (void)state;
    static const uint8_t zeros[44];
    struct made m;
    struct buf in, out;
    made_init(&m);
    buf_init(&in, 1 << 20);
    buf_init(&out, 1 << 20);
    for (size_t depth = 0; depth < 900; depth++) {
        buf_reset(&out);
        size_t outer = der_begin(&out, DER_OCTET_STRING), list = buf_open_vec(&out, 2),
               item = buf_open_vec(&out, 2);
        buf_put(&out, bytes_of(zeros, sizeof zeros)); /* version, log, time, nothing more, */
        buf_put(&out, bytes_of(zeros, 1));            /* algorithm */
        buf_vec(&out, 2, buf_bytes(&in));
        buf_close_vec(&out, item, 2);
        buf_close_vec(&out, list, 2);
        der_close(&out, outer);
        buf_reset(&in);
        buf_put(&in, buf_bytes(&out));
        if (depth > 60 && depth % 80 != 0)
            continue;
        buf_reset(&out);
        size_t whole = der_begin(&out, DER_SEQUENCE);
        buf_put(&out, buf_bytes(&in));
        der_put(&out, DER_UTC_TIME, bytes_text("240229120000Z"));
        der_close(&out, whole);
        add(&m, 1, 1, buf_bytes(&out));
    }
    there_and_back(&m);
    buf_clear(&in);
    buf_clear(&out);
    made_clear(&m);
}

/* More words of a slot, and more shapes, than numbers go. */
static void words_without_number_come_back(void **state) {
    (void)state;
    struct made m;
    struct buf b;
    made_init(&m);
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < ENTRIES_MAX; i++) {
        char text[40];
        buf_reset(&b);
        size_t mark = der_begin(&b, DER_SEQUENCE);
        for (unsigned k = 0; k < 3; k++) { /* 600 names, each of the last 200 twice */
            snprintf(text, sizeof text, "name-%u", i * 2 + k);
            der_put(&b, DER_UTF8_STRING, bytes_text(text));
        }
        for (unsigned k = 0; k < 9; k++) /* shapes */
            der_put(&b, (i >> k & 1) ? DER_NULL : DER_BOOLEAN, bytes_of("", 0));
        der_close(&b, mark);
        add(&m, (uint16_t)(1 + i / 3), i, buf_bytes(&b));
    }
    there_and_back(&m);
    buf_clear(&b);
    made_clear(&m);
}

/* A sequence of so many NULLs. */
static void add_nulls(struct made *m, size_t n) {
    struct buf b;
    buf_init(&b, 1 << 20);
    size_t mark = der_begin(&b, DER_SEQUENCE);
    for (size_t i = 0; i < n; i++)
        der_put_null(&b);
    der_close(&b, mark);
    add(m, 1, 3, buf_bytes(&b));
    buf_clear(&b);
}

/* What takes too much memory to take apart is left to others, and nothing is written. */
static void too_many_values_are_refused(void **state) {
    (void)state;
    struct made m;
    struct buf payload;
    made_init(&m);
    add_nulls(&m, 200000);
    there_and_back(&m);
    add_nulls(&m, 200000);
    assert_int_equal(pack(&m, &payload), ERR_LIMIT);
    buf_clear(&payload);
    made_clear(&m);
}

/* ---- Written by hand ---- */

struct parts {
    struct bytes rows, sides, words, bulk, raw;
};

static void payload_of(const struct parts *p, struct buf *out) {
    const struct bytes columns[] = {p->rows, p->sides, p->words, p->bulk};
    struct zip_deflater *z = zip_deflater_open(9);
    struct buf front, deflated;
    buf_init(&front, 1 << 20);
    buf_init(&deflated, 1 << 20);
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        size_t mark = deflated.n;
        assert_int_equal(
            zip_deflate(z, i == 3 ? store_dictionary_1() : bytes_text(""), columns[i], &deflated),
            ERR_OK);
        buf_u32(&front, (uint32_t)columns[i].n);
        buf_u32(&front, (uint32_t)(deflated.n - mark));
    }
    buf_u32(&front, (uint32_t)p->raw.n);
    for (size_t at = 0; at < p->raw.n; at += 4096)
        buf_u32(&front, zip_crc32(0, bytes_part(p->raw, at, 4096)));
    buf_put(&front, buf_bytes(&deflated));
    buf_init(out, 1 << 20);
    buf_u32(out, zip_crc32(0, buf_bytes(&front)));
    buf_put(out, buf_bytes(&front));
    buf_put(out, p->raw);
    zip_deflater_close(z);
    buf_clear(&front);
    buf_clear(&deflated);
}

static enum err unpack(const struct parts *parts, uint32_t count, uint32_t size, struct buf *out) {
    struct buf payload;
    payload_of(parts, &payload);
    struct block_head h = {.version = BLOCK_VERSION,
                           .kind = BLOCK_ENTRIES,
                           .codec = BLOCK_COLUMNS,
                           .count = count,
                           .stored = (uint32_t)payload.n,
                           .unpacked = size,
                           .check = zip_crc32(0, buf_bytes(&payload))};
    enum err code = block_unpack(&h, buf_bytes(&payload), out);
    buf_clear(&payload);
    return code;
}

#define B(text)                                                                                    \
    { (const uint8_t *)("" text), sizeof("" text) - 1 }

/* One entry, whose payload is what the program writes. */
struct by_hand {
    const char *why;
    struct bytes program, rows, sides, words, bulk, raw, payload;
};

static const char entry_head[] = "\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05";

static void columns_of(const struct by_hand *c, struct buf *rows, struct buf *words) {
    struct buf program;
    buf_init(&program, 1 << 20);
    buf_u8(&program, COLUMNS_END);
    buf_put(&program, c->program);
    buf_put(&program, bytes_of("\x02\x04\x03\x0c", 4)); /* length of the payload, and before it */
    buf_put(&program, bytes_of(entry_head, 12));
    buf_u8(&program, COLUMNS_ENTRY);
    buf_init(rows, 1 << 20);
    buf_init(words, 1 << 20);
    buf_u8(rows, 0); /* the program is new */
    buf_put(rows, c->rows);
    assert_true(program.n < 0x80);
    buf_u8(words, (uint8_t)program.n);
    buf_put(words, buf_bytes(&program));
    buf_put(words, c->words);
    buf_clear(&program);
}

static enum err run(const struct by_hand *c, uint32_t count, uint32_t size, struct buf *out) {
    struct buf rows, words;
    columns_of(c, &rows, &words);
    struct parts p = {buf_bytes(&rows), c->sides, buf_bytes(&words), c->bulk, c->raw};
    enum err code = unpack(&p, count, size, out);
    buf_clear(&rows);
    buf_clear(&words);
    return code;
}

#define LEAP "\x65\xe0\x72\xc0" /* 2024-02-29 12:04:16 */

static void ops_do_what_is_written(void **state) {
    (void)state;
    /* clang-format off */
    static const struct by_hand cases[] = {
        {.why = "nothing"},
        {.why = "literal", .program = B("\x03\x02hi"), .payload = B("hi")},
        {.why = "der", .program = B("\x00\x03\x01x\x01\x04"), .payload = B("\x04\x01x")},
        {.why = "vectors", .program = B("\x00\x00\x00\x03\x01x\x02\x01\x02\x02\x02\x03"),
         .payload = B("\x00\x00\x04\x00\x02\x01x")},
        {.why = "a new word", .program = B("\x04\x01\x00"), .rows = B("\x00"),
         .words = B("\x02xy"), .payload = B("xy")},
        {.why = "and again", .program = B("\x04\x01\x00\x04\x01\x0c"), .rows = B("\x00\x01"),
         .words = B("\x02xy"), .payload = B("\x0c\x02xyxy")},
        {.why = "words of a side", .program = B("\x04\x3f\x00\x04\x3f\x00\x04\x30\x00"),
         .sides = B("\x00\x01\x00"), .words = B("\x01x\x01y"), .payload = B("yxx")},
        {.why = "raw", .program = B("\x05\x04\x05\x00"), .rows = B("\x02\x03"), .raw = B("xyabc"),
         .payload = B("abc\x04\x02xy")},
        {.why = "numbers", .program = B("\x06\x06"), .rows = B("\x02\x01"),
         .raw = B("\x80\x01\x7f"), .payload = B("\x02\x01\x7f\x02\x03\x00\x80\x01")},
        {.why = "times", .program = B("\x07\x08\x30\x08\x30"), .sides = B("\x00\x00"),
         .words = B("\x03\x76\xa7\x00\x00"), .raw = B(LEAP),
         .payload = B("\x17\r240229120416Z\x17\r240529120416Z")},
        {.why = "the last second", .program = B("\x07\x08\x30"), .sides = B("\x00"),
         .words = B("\x04\x96\x7a\x75\xff"), .raw = B("\x00\x00\x00\x00"),
         .payload = B("\x17\r491231235959Z")},
        {.why = "moment", .program = B("\x07\x09\x09"), .rows = B("\x02\x00"),
         .raw = B("\x00\x00\x00\x01\x01\x00"),
         .payload = B("\0\0\0\0\0\0\x03\xe8\0\0\0\0\0\0\x04\xe8")},
        {.why = "bulk", .program = B("\x0a\x0a"), .rows = B("\x01\x02"), .bulk = B("abc"),
         .payload = B("bca")},
    };
    /* clang-format on */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct by_hand *c = &cases[i];
        uint32_t size = (uint32_t)(16 + c->payload.n);
        struct buf out;
        buf_init(&out, SEGMENT_BLOCK_MAX);
        enum err code = run(c, 1, size, &out);
        if (code != ERR_OK)
            fail_msg("%s: code %d", c->why, (int)code);
        assert_int_equal(out.n, size);
        assert_memory_equal(out.p, entry_head, 12);
        if (c->payload.n > 0 && memcmp(out.p + 16, c->payload.p, c->payload.n) != 0)
            fail_msg("%s: another payload", c->why);
        /* what is told of it must be so */
        assert_int_equal(run(c, 2, size, &out), ERR_DAMAGED);
        assert_int_equal(run(c, 0, size, &out), ERR_DAMAGED);
        assert_int_equal(run(c, 1, size + 1, &out), ERR_DAMAGED);
        assert_int_equal(run(c, 1, size - 1, &out), ERR_DAMAGED);
        buf_clear(&out);
    }
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    /* clang-format off */
    static const struct by_hand cases[] = {
        {.why = "no such op", .program = B("\x0c")},
        {.why = "the last op there is", .program = B("\xff")},
        {.why = "an op breaks off", .program = B("\x03\x7f")},
        {.why = "an empty literal", .program = B("\x03\x00")},
        {.why = "a literal without end", .program = B("\x03\x81\x80\x80\x80\x00x")},
        {.why = "an end too few", .program = B("\x03\x01x\x01\x04\x01\x04")},
        {.why = "an end too many", .program = B("\x00")},
        {.why = "an entry within", .program = B("\x0b")},
        {.why = "a vector of none", .program = B("\x00\x02\x00")},
        {.why = "a vector of five", .program = B("\x00\x02\x05")},
        {.why = "no slot for words", .program = B("\x04\x00\x00"), .rows = B("\x01")},
        {.why = "no such slot", .program = B("\x04\x40\x00"), .rows = B("\x00"),
         .words = B("\x01x")},
        {.why = "no row", .program = B("\x04\x01\x00"), .words = B("\x01x")},
        {.why = "no side", .program = B("\x04\x30\x00"), .words = B("\x01x")},
        {.why = "no word", .program = B("\x04\x01\x00"), .rows = B("\x00")},
        {.why = "a word breaks off", .program = B("\x04\x01\x00"), .rows = B("\x00"),
         .words = B("\x02x")},
        {.why = "a length without end", .program = B("\x04\x01\x00"), .rows = B("\x00"),
         .words = B("\x81\x80\x80\x80\x00x")},
        {.why = "a number before its word", .program = B("\x04\x01\x00"), .rows = B("\x01")},
        {.why = "nothing raw", .program = B("\x05\x00"), .rows = B("\x01")},
        {.why = "an empty number", .program = B("\x06"), .rows = B("\x00")},
        {.why = "a number breaks off", .program = B("\x06"), .rows = B("\x02"), .raw = B("\x01")},
        {.why = "half a clock", .program = B("\x07"), .raw = B("\x01\x01")},
        {.why = "2050", .program = B("\x07\x08\x30"), .sides = B("\x00"),
         .words = B("\x04\x96\x7a\x76\x00"), .raw = B("\x00\x00\x00\x00")},
        {.why = "a time too long", .program = B("\x07\x08\x30"), .sides = B("\x00"),
         .words = B("\x05\x00\x00\x00\x00\x01"), .raw = B(LEAP)},
        {.why = "a moment too long", .program = B("\x09"), .rows = B("\x09"),
         .raw = B("123456789")},
        {.why = "nothing in bulk", .program = B("\x0a"), .rows = B("\x01")},
        {.why = "a row is left", .rows = B("\x00")},
        {.why = "a side is left", .sides = B("\x00")},
        {.why = "a word is left", .words = B("\x01x")},
        {.why = "bulk is left", .bulk = B("a")},
        {.why = "raw bytes are left", .raw = B("a")},
    };
    /* clang-format on */
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (uint32_t size = 0; size < 64; size++) {
            struct buf out;
            buf_init(&out, SEGMENT_BLOCK_MAX);
            if (run(&cases[i], 1, size, &out) != ERR_DAMAGED)
                fail_msg("%s is accepted with %u bytes", cases[i].why, (unsigned)size);
            buf_clear(&out);
        }
}

/* A vector's length must fit, and so must what is on the stack. */
static void limits_hold(void **state) {
    (void)state;
    uint8_t raw[300] = {1}, ends[COLUMNS_DEPTH];
    struct by_hand c = {.program = B("\x00\x05\x00\x02\x01"), .rows = B("\xff\x01")};
    struct buf out;
    buf_init(&out, SEGMENT_BLOCK_MAX);
    c.raw = bytes_of(raw, 255);
    assert_int_equal(run(&c, 1, 16 + 256, &out), ERR_OK);
    c.rows = (struct bytes)B("\x80\x02");
    c.raw = bytes_of(raw, 256);
    assert_int_equal(run(&c, 1, 16 + 257, &out), ERR_DAMAGED);
    c.program = (struct bytes)B("\x00\x05\x00\x01\x04"); /* 30 82 01 00 ... */
    assert_int_equal(run(&c, 1, 16 + 260, &out), ERR_OK);
    assert_memory_equal(out.p + 16, "\x04\x82\x01\x00\x01", 5);
    memset(ends, COLUMNS_END, sizeof ends);
    c = (struct by_hand){.program = bytes_of(ends, sizeof ends)};
    for (uint32_t size = 0; size < 300; size++)
        assert_int_equal(run(&c, 1, size, &out), ERR_DAMAGED);
    buf_clear(&out);
}

/* Of a sound payload no prefix is one, and no bit of it can change. */
static void each_bit_counts(void **state) {
    (void)state;
    struct made m;
    struct buf payload, out;
    made_init(&m);
    struct taking t = {&m, 17};
    assert_true(take_file(&t, "rsa-sha256.der", false));
    assert_true(take_file(&t, "ec-P-256.der", false));
    add(&m, 6, 17, bytes_text("an observation"));
    buf_init(&out, SEGMENT_BLOCK_MAX);
    assert_int_equal(pack(&m, &payload), ERR_OK);
    struct block_head h = head_of(&m, buf_bytes(&payload));
    for (size_t n = 0; n < payload.n; n++) {
        uint8_t *exact = malloc(n + 1); /* so that a sanitizer sees who reads on */
        assert_non_null(exact);
        memcpy(exact, payload.p, n);
        buf_reset(&out);
        assert_int_equal(columns_unpack(&h, bytes_of(exact, n), &out), ERR_DAMAGED);
        free(exact);
    }
    for (size_t bit = 0; bit < payload.n * 8; bit++) {
        payload.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        buf_reset(&out);
        assert_int_equal(columns_unpack(&h, buf_bytes(&payload), &out), ERR_DAMAGED);
        payload.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_unpacks(&m, buf_bytes(&payload));
    buf_clear(&payload);
    buf_clear(&out);
    made_clear(&m);
}

/* One entry needs what stands before the raw column, and its own pieces of that. */
static void harm_elsewhere_does_no_harm(void **state) {
    (void)state;
    struct place p = place_make();
    struct made m;
    struct buf payload, room;
    struct fault f;
    made_init(&m);
    add_certificates(&m);
    assert_int_equal(pack(&m, &payload), ERR_OK);
    struct block_head h = head_of(&m, buf_bytes(&payload));
    struct file file = written(&p, bytes_text(""), buf_bytes(&payload));
    size_t lost = 0;
    buf_init(&room, SEGMENT_BLOCK_MAX);
    uint8_t last =
        (uint8_t)(payload.p[payload.n - 1] ^ 1); /* of the first entry: they lie backward */
    assert_int_equal(file_write_at(&file, payload.n - 1, bytes_of(&last, 1), &f), ERR_OK);
    for (uint32_t i = 0; i < m.n; i++) {
        struct store_entry e;
        enum err code = columns_fetch(&file, 0, &h, i, &room, &e, &f);
        assert_true(code == ERR_DAMAGED ||
                    (code == ERR_OK && i > 0 && bytes_equal(e.payload, m.entries[i].payload)));
        lost += code != ERR_OK;
    }
    assert_true(lost >= 1 && lost < m.n / 2);
    for (size_t at = 0; at < 600; at++) { /* and before the raw column all is lost */
        uint8_t bad = payload.p[at] ^ 0x10;
        struct store_entry e;
        assert_int_equal(file_write_at(&file, at, bytes_of(&bad, 1), &f), ERR_OK);
        assert_int_equal(columns_fetch(&file, 0, &h, 3, &room, &e, &f), ERR_DAMAGED);
        assert_int_equal(file_write_at(&file, at, bytes_of(&payload.p[at], 1), &f), ERR_OK);
    }
    assert_int_equal(file_truncate(&file, payload.n / 2, &f), ERR_OK);
    struct store_entry e;
    assert_int_equal(columns_fetch(&file, 0, &h, 0, &room, &e, &f), ERR_DAMAGED);
    file_close(&file);
    assert_int_equal(file_remove(place_path(&p, "payload"), &f), ERR_OK);
    buf_clear(&payload);
    buf_clear(&room);
    made_clear(&m);
    place_clear(&p);
}

/* ---- In a log ---- */

static bool has_columns(struct place *p, uint32_t number) {
    struct segment_walk w;
    struct fault f;
    bool found = false;
    char *path = log_segment_path(&p->arena, place_path(p, "log"), number);
    assert_int_equal(segment_walk_open(&w, path, number, false, UINT64_MAX, &f), ERR_OK);
    for (enum segment_step step; (step = segment_walk_next(&w, &f)) != SEGMENT_END;) {
        assert_int_equal(step, SEGMENT_BLOCK);
        found = found || w.block.codec == BLOCK_COLUMNS;
    }
    segment_walk_close(&w);
    return found;
}

static void assert_same(const struct store_entry *a, const struct store_entry *b) {
    assert_true(a->type == b->type && a->time_ms == b->time_ms);
    assert_true(bytes_equal(a->payload, b->payload));
}

struct marker {
    struct store_mark mark;
    struct store_place places[1000];
    size_t replayed;
};

static bool take_mark(void *context, struct store_log *log, enum store_rest_step step) {
    struct marker *m = context;
    struct fault f;
    if (step != STORE_REST_END || m->mark.places_n > 0)
        return false;
    assert_int_equal(store_log_mark(log, &m->mark, &f), ERR_OK);
    assert_true(m->mark.places_n < COUNT_OF(m->places));
    memcpy(m->places, m->mark.places, m->mark.places_n * sizeof *m->places);
    m->mark.places = m->places;
    return false;
}

static enum err count_entry(void *context, const struct store_entry *e) {
    struct marker *m = context;
    (void)e;
    m->replayed++;
    return ERR_OK;
}

/* Certificates are sealed in columns, other entries deflated; both are found by number and in
 * their order, and a mark holds. */
static void sealed_segments_have_columns(void **state) {
    (void)state;
    struct place p = place_make();
    struct made m;
    static struct marker marker;
    struct store_log_options o = {.segment_bytes = 6000,
                                  .sealed_bytes = 12000,
                                  .seals = true,
                                  .replay = count_entry,
                                  .rest = take_mark,
                                  .replay_context = &marker};
    struct store_log *log;
    struct store_reader *r;
    struct store_entry e;
    struct fault f;
    struct buf room;
    made_init(&m);
    add_certificates(&m);
    add_nulls(&m, 300000); /* not in columns */
    for (size_t i = 0; i < 60; i++) {
        uint8_t text[400] = "the same again and again, ";
        text[300] = (uint8_t)i;
        add(&m, 7, 5, bytes_of(text, sizeof text));
    }
    p.env.log_level = LOG_ERROR;
    assert_int_equal(store_log_open(p.dir, &p.env, &o, &log, NULL, &f), ERR_OK);
    for (size_t i = 0; i < m.n; i++)
        assert_int_equal(store_log_append(log, &m.entries[i], 1, NULL, &f), ERR_OK);
    for (unsigned ms = 0;; ms += 5) {
        uint64_t bytes, segments;
        store_log_size(log, &bytes, &segments);
        assert_true(segments >= 3 && ms < 20000);
        if (store_log_sealed(log) + 1 == segments)
            break;
        thread_sleep_ms(5);
    }
    buf_init(&room, SEGMENT_BLOCK_MAX);
    for (size_t i = 0; i < m.n; i++) {
        assert_int_equal(store_log_get(log, i, &room, &e, &f), ERR_OK);
        assert_same(&e, &m.entries[i]);
    }
    store_log_close(log);
    assert_true(has_columns(&p, 1));
    assert_int_equal(marker.replayed, m.n);
    o.mark = &marker.mark;
    assert_int_equal(store_log_open(p.dir, &p.env, &o, &log, NULL, &f), ERR_OK);
    store_log_close(log);
    assert_int_equal(marker.replayed, m.n);
    assert_int_equal(store_reader_open(p.dir, &r, &f), ERR_OK);
    for (size_t i = 0; i < m.n; i++) {
        assert_int_equal(store_reader_next(r, &e, &f), ERR_OK);
        assert_same(&e, &m.entries[i]);
    }
    assert_int_equal(store_reader_next(r, &e, &f), ERR_NOT_FOUND);
    assert_int_equal(store_reader_harms(r), 0);
    store_reader_close(r);
    buf_clear(&room);
    made_clear(&m);
    place_clear(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_come_back),
        cmocka_unit_test(like_certificates_are_smaller_than_deflated),
        cmocka_unit_test(place_keepers_come_back),
        cmocka_unit_test(what_deflate_makes_smaller_is_deflated),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(each_value_comes_back),
        cmocka_unit_test(depth_has_an_end),
        cmocka_unit_test(depth_of_timestamps_has_an_end),
        cmocka_unit_test(words_without_number_come_back),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(ops_do_what_is_written),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(each_bit_counts),
        cmocka_unit_test(harm_elsewhere_does_no_harm),
        cmocka_unit_test(sealed_segments_have_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
