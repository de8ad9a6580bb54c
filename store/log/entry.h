/* An entry of the log: its canonical bytes and its Merkle leaf hash.
 *
 * Canonical bytes, fixed for ever; all integers big-endian:
 *
 *   offset size
 *   0      2    type
 *   2      2    version of the payload's layout
 *   4      8    time, milliseconds since 1970 (UTC), two's complement
 *   12     4    n, length of the payload
 *   16     n    payload
 *
 * The leaf hash is SHA-256(0x00 || canonical bytes) (RFC 9162, 2.1.1). It does
 * not depend on the entry's number, block, codec or segment: the tree stays the
 * same when segments are rewritten.
 *
 * Valid: n <= STORE_ENTRY_MAX. What types and payloads mean is not looked at.
 *
 * A place keeper stands for an entry whose payload was dropped (store_log_compact). It has the
 * entry's first twelve bytes, then
 *
 *   12     4    ffffffff, which no canonical bytes have there
 *   16     32   the leaf hash of the entry
 *   48     4    r, at most STORE_ENTRY_MAX
 *   52     r    rest: what whoever dropped it wants to know of it still
 *
 * so that the tree stays what it was. That type, version, time and rest are true is said by whoever
 * dropped it: the hash cannot be computed from what is left.
 *
 * No I/O; any thread.
 */
#ifndef STORE_LOG_ENTRY_H
#define STORE_LOG_ENTRY_H

#include "base/buf.h"

enum {
    STORE_ENTRY_HEAD = 16,
    STORE_ENTRY_MAX = 4 << 20,
    STORE_HASH_SIZE = 32,
    STORE_KEEPER_SIZE = STORE_ENTRY_HEAD + STORE_HASH_SIZE + 4 /* without a rest */
};

struct store_entry {
    uint64_t number; /* its place in the log, from 0 */
    uint16_t type, version;
    int64_t time_ms;
    struct bytes payload; /* borrowed; of one that was dropped: its leaf hash */
    bool is_dropped;
    struct bytes rest; /* borrowed; of one that was dropped */
};

/* Appends the canonical bytes, or of one that was dropped its place keeper; ERR_LIMIT in out->err
 * for a payload that is too long. */
void store_entry_write(const struct store_entry *e, struct buf *out);
/* Takes one entry from the cursor; false where it is none. `number` is left alone. */
bool store_entry_take(struct cur *c, struct store_entry *e);
/* The same, or a place keeper. */
bool store_entry_take_kept(struct cur *c, struct store_entry *e);
/* Of canonical bytes. */
void store_leaf_hash(struct bytes canonical, uint8_t out[STORE_HASH_SIZE]);
/* Of an entry that was taken from `stored`: that of its canonical bytes, or what its keeper has. */
void store_entry_leaf(const struct store_entry *e, struct bytes stored,
                      uint8_t out[STORE_HASH_SIZE]);

#endif
