/* Growing arrays of rows, look-ups by a key within the row, and sorted orders.
 * Private to store/inventory. No locks: the caller has them.
 *
 * Rows are added, never removed; a row is known by its index. Pointers to rows
 * are good until the next one is added.
 *
 * Each of the three may begin with a part that somebody else holds: a private mapping
 * of the index file (index.h), where a change stays in this process. What is added lies
 * behind it in memory of its own. *_begin takes such a part, into an empty one; it must
 * stay until *_clear.
 */
#ifndef STORE_INVENTORY_ROWS_H
#define STORE_INVENTORY_ROWS_H

#include "base/bytes.h"
#include "base/err.h"

enum { ROWS_NONE = 0x7fffffff }; /* no row */

struct rows {
    uint8_t *base; /* the first base_n */
    uint8_t *p;    /* those behind them */
    size_t size;   /* of a row */
    uint32_t base_n, n, room;
};

void rows_init(struct rows *r, size_t size);
void rows_begin(struct rows *r, void *base, uint32_t n);
void rows_clear(struct rows *r);
/* A new row, zeroed; NULL: no memory. Its index is r->n - 1. */
void *rows_add(struct rows *r);
void *rows_at(const struct rows *r, uint32_t i);

/* Finds rows by key_n bytes at key_at of each. Keys are hashed with a secret
 * seed, since those who make certificates choose their bits. */
struct table {
    const struct rows *rows;
    size_t key_at, key_n; /* key_n: a multiple of 8 */
    uint64_t seed[8];
    uint32_t *base; /* slots of the part that is held by somebody else */
    size_t base_room;
    uint32_t *slots; /* index + 1; 0: free */
    uint8_t *tags;   /* of each slot some bits of its key's hash, so that few rows are looked at */
    size_t room, n;  /* n: of `slots` */
};

enum { TABLE_SEED = 64 }; /* bytes of randomness */
void table_init(struct table *t, const struct rows *rows, size_t key_at, size_t key_n,
                const uint8_t seed[TABLE_SEED]);
/* `room` slots (a power of two, or 0), filled with the same seed. */
void table_begin(struct table *t, uint32_t *slots, size_t room);
void table_clear(struct table *t);
/* Makes one array of slots for all rows that the table has, in memory of its own. */
enum err table_join(struct table *t, uint32_t **slots, size_t *room) MUST_CHECK;
uint32_t table_find(const struct table *t, const uint8_t *key);
/* Asks for the memory that looking for the key will need soon. */
void table_fetch(const struct table *t, const uint8_t *key);
/* Adds row i by the key that it has now; a second one of equal key is not found.
 * ERR_MEMORY. */
enum err table_add(struct table *t, uint32_t i) MUST_CHECK;
/* Forgets row i; its key must be the one it was added by. */
void table_remove(struct table *t, uint32_t i);

/* Indexes of rows in an order, brought up to date when asked for: what is new is
 * sorted and merged in. A total order: no two rows compare equal. The key is most of the
 * comparison as a number: of two rows the one with the smaller key compares as smaller.
 * Sorting looks at rows only once for it, and compares those whose keys are equal. */
typedef int order_compare(const void *context, uint32_t a, uint32_t b);
typedef uint64_t order_key(const void *context, uint32_t row);
struct order {
    const struct rows *rows;
    order_compare *compare;
    order_key *key;
    const void *context;
    uint32_t *items;
    size_t n;
    bool is_held; /* `items` are somebody else's */
};

void order_init(struct order *o, const struct rows *rows, order_compare *compare, order_key *key,
                const void *context);
void order_begin(struct order *o, uint32_t *items, size_t n);
void order_clear(struct order *o);
bool order_is_new(const struct order *o); /* has all rows */
enum err order_update(struct order *o) MUST_CHECK;
/* The place of a row; o->n where it is not in it yet. */
size_t order_place(const struct order *o, uint32_t row);

#endif
