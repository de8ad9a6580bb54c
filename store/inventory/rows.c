/* Rows, tables, orders. See rows.h. */
#include "store/inventory/rows.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 0x7ffffff0 };

void rows_init(struct rows *r, size_t size) {
    *r = (struct rows){.size = size};
}

void rows_begin(struct rows *r, void *base, uint32_t n) {
    r->base = base;
    r->base_n = r->n = n;
}

void rows_clear(struct rows *r) {
    free(r->p);
    *r = (struct rows){.size = r->size};
}

void *rows_add(struct rows *r) {
    uint32_t own = r->n - r->base_n;
    if (own == r->room) {
        uint64_t room = r->room == 0 ? 64 : r->room + (uint64_t)r->room / 2;
        if (room > ROWS_MAX - (uint64_t)r->base_n || room > SIZE_MAX / r->size)
            return NULL;
        uint8_t *p = realloc(r->p, (size_t)room * r->size);
        if (p == NULL)
            return NULL;
        r->p = p;
        r->room = (uint32_t)room;
    }
    void *row = r->p + own * r->size;
    memset(row, 0, r->size);
    r->n++;
    return row;
}

void *rows_at(const struct rows *r, uint32_t i) {
    return i < r->base_n ? r->base + i * r->size : r->p + (i - r->base_n) * r->size;
}

/* ---- Tables ---- */

void table_init(struct table *t, const struct rows *rows, size_t key_at, size_t key_n,
                const uint8_t seed[TABLE_SEED]) {
    *t = (struct table){.rows = rows, .key_at = key_at, .key_n = key_n};
    memcpy(t->seed, seed, TABLE_SEED);
}

void table_clear(struct table *t) {
    free(t->slots);
    free(t->tags);
    t->slots = t->base = NULL;
    t->tags = NULL;
    t->room = t->base_room = t->n = 0;
}

void table_begin(struct table *t, uint32_t *slots, size_t room) {
    t->base = slots;
    t->base_room = room;
}

/* Multiply-shift with secret odd factors over the words of the key. */
static size_t hash_of_key(const struct table *t, const uint8_t *key) {
    uint64_t h = t->seed[7];
    for (size_t i = 0; i * 8 < t->key_n; i++) {
        uint64_t word;
        memcpy(&word, key + i * 8, 8);
        h = (h ^ word) * (t->seed[i % 6] | 1);
        h ^= h >> 29;
    }
    h *= t->seed[6] | 1;
    return (size_t)(h >> 20);
}

static const uint8_t *key_of(const struct table *t, uint32_t i) {
    const uint8_t *row = rows_at(t->rows, i);
    return row + t->key_at;
}

/* Those who look for a row mostly find another one's hash, or the row. */
static bool is_key(const struct table *t, uint32_t i, const uint8_t *key) {
    const uint8_t *other = key_of(t, i);
    uint64_t differs = 0, a, b;
    for (size_t at = 0; at < t->key_n && differs == 0; at += sizeof a) {
        memcpy(&a, key + at, sizeof a);
        memcpy(&b, other + at, sizeof b);
        differs = a ^ b;
    }
    return differs == 0;
}

/* Of bits that do not choose the slot, in a table of up to 2^36 slots. */
static uint8_t tag_of(size_t hash) {
    return (uint8_t)(hash >> 36);
}

/* `tags` may be NULL: every row that is met is looked at. */
static uint32_t find_in(const struct table *t, const uint32_t *slots, const uint8_t *tags,
                        size_t room, size_t hash, const uint8_t *key) {
    if (room == 0)
        return ROWS_NONE;
    for (size_t s = hash & (room - 1); slots[s] != 0; s = (s + 1) & (room - 1))
        if ((tags == NULL || tags[s] == tag_of(hash)) && is_key(t, slots[s] - 1, key))
            return slots[s] - 1;
    return ROWS_NONE;
}

static uint32_t find(const struct table *t, size_t hash, const uint8_t *key) {
    uint32_t i = find_in(t, t->slots, t->tags, t->room, hash, key);
    return i != ROWS_NONE ? i : find_in(t, t->base, NULL, t->base_room, hash, key);
}

uint32_t table_find(const struct table *t, const uint8_t *key) {
    return find(t, hash_of_key(t, key), key);
}

void table_fetch(const struct table *t, const uint8_t *key) {
    size_t hash = hash_of_key(t, key);
    if (t->room > 0) {
        __builtin_prefetch(&t->slots[hash & (t->room - 1)]);
        __builtin_prefetch(&t->tags[hash & (t->room - 1)]);
    }
    if (t->base_room > 0)
        __builtin_prefetch(&t->base[hash & (t->base_room - 1)]);
}

static void put(uint32_t *slots, uint8_t *tags, size_t room, uint32_t i, size_t hash) {
    size_t s = hash & (room - 1);
    while (slots[s] != 0)
        s = (s + 1) & (room - 1);
    slots[s] = i + 1;
    if (tags != NULL)
        tags[s] = tag_of(hash);
}

/* ---- Those of one array of slots into another ---- */

static void mark(const struct table *t, uint64_t *bits, const uint32_t *slots, size_t room) {
    for (size_t s = 0; s < room; s++)
        if (slots[s] != 0 && slots[s] <= t->rows->n)
            bits[(slots[s] - 1) / 64] |= (uint64_t)1 << (slots[s] - 1) % 64;
}

/* In the order of the rows, whose keys are read: that is several times as fast as in the order of
 * the slots. */
static void put_marked(const struct table *t, const uint64_t *bits, uint32_t *slots, uint8_t *tags,
                       size_t room) {
    for (uint32_t i = 0; i < t->rows->n; i++)
        if (bits[i / 64] >> i % 64 & 1)
            put(slots, tags, room, i, hash_of_key(t, key_of(t, i)));
}

static uint64_t *bits_for(const struct table *t) {
    return calloc((size_t)t->rows->n / 64 + 1, sizeof(uint64_t));
}

static enum err grow(struct table *t) {
    size_t room = t->room == 0 ? 64 : t->room * 2;
    uint32_t *slots = calloc(room, sizeof *slots);
    uint8_t *tags = malloc(room);
    uint64_t *bits = bits_for(t);
    if (slots == NULL || tags == NULL || bits == NULL) {
        free(slots);
        free(tags);
        free(bits);
        return ERR_MEMORY;
    }
    mark(t, bits, t->slots, t->room);
    put_marked(t, bits, slots, tags, room);
    free(bits);
    free(t->slots);
    free(t->tags);
    t->slots = slots;
    t->tags = tags;
    t->room = room;
    return ERR_OK;
}

enum err table_add(struct table *t, uint32_t i) {
    if ((t->n + 1) * 3 > t->room * 2) {
        enum err code = grow(t);
        if (code != ERR_OK)
            return code;
    }
    size_t hash = hash_of_key(t, key_of(t, i));
    if (find(t, hash, key_of(t, i)) == ROWS_NONE) {
        put(t->slots, t->tags, t->room, i, hash);
        t->n++;
    }
    return ERR_OK;
}

static bool remove_from(const struct table *t, uint32_t *slots, uint8_t *tags, size_t room,
                        uint32_t i) {
    if (room == 0)
        return false;
    size_t mask = room - 1, s = hash_of_key(t, key_of(t, i)) & mask;
    while (slots[s] != 0 && slots[s] != i + 1)
        s = (s + 1) & mask;
    if (slots[s] == 0)
        return false;
    slots[s] = 0;
    /* Those behind it up to the next free slot may have been pushed on by it. */
    for (s = (s + 1) & mask; slots[s] != 0; s = (s + 1) & mask) {
        uint32_t moved = slots[s] - 1;
        slots[s] = 0;
        put(slots, tags, room, moved, hash_of_key(t, key_of(t, moved)));
    }
    return true;
}

void table_remove(struct table *t, uint32_t i) {
    if (remove_from(t, t->slots, t->tags, t->room, i))
        t->n--;
    else
        (void)remove_from(t, t->base, NULL, t->base_room, i);
}

enum err table_join(struct table *t, uint32_t **slots, size_t *room) {
    size_t n = t->n;
    for (size_t s = 0; s < t->base_room; s++)
        n += t->base[s] != 0;
    *slots = NULL;
    *room = 0;
    if (n == 0)
        return ERR_OK;
    for (*room = 64; n * 3 > *room * 2;)
        *room *= 2;
    *slots = calloc(*room, sizeof **slots);
    uint64_t *bits = bits_for(t);
    if (*slots == NULL || bits == NULL) {
        free(*slots);
        free(bits);
        *slots = NULL;
        return ERR_MEMORY;
    }
    mark(t, bits, t->base, t->base_room);
    mark(t, bits, t->slots, t->room);
    put_marked(t, bits, *slots, NULL, *room);
    free(bits);
    return ERR_OK;
}

/* ---- Orders ---- */

void order_init(struct order *o, const struct rows *rows, order_compare *compare, order_key *key,
                const void *context) {
    *o = (struct order){.rows = rows, .compare = compare, .key = key, .context = context};
}

void order_begin(struct order *o, uint32_t *items, size_t n) {
    o->items = items;
    o->n = n;
    o->is_held = true;
}

void order_clear(struct order *o) {
    if (!o->is_held)
        free(o->items);
    o->items = NULL;
    o->n = 0;
    o->is_held = false;
}

bool order_is_new(const struct order *o) {
    return o->n == o->rows->n;
}

/* Merges a[0..n) and b[0..m) into out. */
static void merge(const struct order *o, const uint32_t *a, size_t n, const uint32_t *b, size_t m,
                  uint32_t *out) {
    size_t i = 0, k = 0;
    while (i < n && k < m)
        *out++ = o->compare(o->context, a[i], b[k]) < 0 ? a[i++] : b[k++];
    while (i < n)
        *out++ = a[i++];
    while (k < m)
        *out++ = b[k++];
}

/* How many of items[from..n) come before the row; those before `from` do. */
static size_t place_in(const struct order *o, const uint32_t *items, size_t from, size_t n,
                       uint32_t row) {
    while (from < n) {
        size_t middle = from + (n - from) / 2;
        if (o->compare(o->context, items[middle], row) < 0)
            from = middle + 1;
        else
            n = middle;
    }
    return from;
}

/* The same for few in b: each finds its place, whole runs of a are copied. */
static void insert(const struct order *o, const uint32_t *a, size_t n, const uint32_t *b, size_t m,
                   uint32_t *out) {
    size_t i = 0;
    for (size_t k = 0; k < m; k++) {
        size_t next = place_in(o, a, i, n, b[k]);
        if (next > i)
            memcpy(out, a + i, (next - i) * sizeof *out);
        out += next - i;
        *out++ = b[k];
        i = next;
    }
    if (n > i)
        memcpy(out, a + i, (n - i) * sizeof *out);
}

/* Bottom-up merge sort; `spare` has room for as many. */
static void sort_run(const struct order *o, uint32_t *items, size_t n, uint32_t *spare) {
    uint32_t *from = items, *to = spare;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t left = n - i < width ? n - i : width;
            size_t right = n - i - left < width ? n - i - left : width;
            merge(o, from + i, left, from + i + left, right, to + i);
        }
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, n * sizeof *items);
}

struct keyed {
    uint64_t key;
    uint32_t row;
};

/* By the bytes of the keys, the last one first (radix sort); a byte that all share is
 * passed over. The result is in one of the two. */
static struct keyed *sort_keys(struct keyed *from, struct keyed *to, size_t n) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t starts[256] = {0}, at = 0;
        for (size_t i = 0; i < n; i++)
            starts[from[i].key >> shift & 0xff]++;
        if (starts[from[0].key >> shift & 0xff] == n)
            continue;
        for (size_t i = 0; i < 256; i++) {
            size_t count = starts[i];
            starts[i] = at;
            at += count;
        }
        for (size_t i = 0; i < n; i++)
            to[starts[from[i].key >> shift & 0xff]++] = from[i];
        struct keyed *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

/* Rows first, first + 1, ... in order into items; `spare` has room for as many. */
static enum err sort(const struct order *o, uint32_t first, uint32_t *items, size_t n,
                     uint32_t *spare) {
    struct keyed *keyed = malloc(n * 2 * sizeof *keyed);
    if (keyed == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < n; i++) {
        keyed[i].row = first + (uint32_t)i;
        keyed[i].key = o->key(o->context, keyed[i].row);
    }
    const struct keyed *sorted = sort_keys(keyed, keyed + n, n);
    for (size_t i = 0; i < n; i++)
        items[i] = sorted[i].row;
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && sorted[i + run].key == sorted[i].key;)
            run++;
        if (run > 1)
            sort_run(o, items + i, run, spare);
    }
    free(keyed);
    return ERR_OK;
}

enum err order_update(struct order *o) {
    enum { FEW = 16 };
    size_t n = o->rows->n, added = n - o->n;
    if (added == 0)
        return ERR_OK;
    uint32_t *next = malloc(n * sizeof *next), *fresh = malloc(added * sizeof *fresh);
    enum err code = next == NULL || fresh == NULL ? ERR_MEMORY : ERR_OK;
    if (code == ERR_OK)
        code = sort(o, (uint32_t)o->n, fresh, added, next);
    if (code != ERR_OK) {
        free(next);
        free(fresh);
        return code;
    }
    if (added < n / FEW)
        insert(o, o->items, o->n, fresh, added, next);
    else
        merge(o, o->items, o->n, fresh, added, next);
    free(fresh);
    order_clear(o);
    o->items = next;
    o->n = n;
    return ERR_OK;
}

size_t order_place(const struct order *o, uint32_t row) {
    size_t at = place_in(o, o->items, 0, o->n, row);
    return at < o->n && o->items[at] == row ? at : o->n;
}
