/* Segment files: their bytes, and the one walk over them that both the opening
 * for writing and the readers use. Private to store/log; the names of segments serve
 * store/backup too.
 *
 * All integers are big-endian.
 *
 * Head of a segment:
 *
 *   offset  size
 *   0       8     "clmlog\r\n"
 *   8       2     version: 1
 *   10      2     n, hashes that follow: the ones among the digits of `first` in binary
 *   12      4     number of the segment, from 1
 *   16      8     first: number of its first entry, that is of all entries before it
 *   24      8     salt: random, the segment's own
 *   32      32n   compact range of the Merkle tree over all entries before it (tree.h)
 *   32+32n  4     CRC-32 of all that stands before
 *
 * A later version keeps these in their place too: only so can it be told from a
 * damaged head.
 *
 * Then blocks, one behind the other up to the end of the file:
 *
 *   0       4     "CLMb"
 *   4       1     version: 1
 *   5       1     kind: 1 entries; 2 entries, some of which place keepers stand for (entry.h).
 *                 Kinds from 128 on hold none (count 0); who does not know them passes over them
 *   6       1     codec of the payload: 0 stored, 1 raw deflate (RFC 1951),
 *                 2 raw deflate with dictionary 1 (dictionary.c), 3 columns (columns.h)
 *   7       1     flags: 1 first block of a commit, 2 last block of a commit
 *   8       8     salt of the segment
 *   16      8     number of the first entry
 *   24      4     count of entries
 *   28      4     s, length of the payload as stored
 *   32      4     length of the payload unpacked
 *   36      4     CRC-32 of the payload as stored
 *   40      4     CRC-32 of bytes 0 to 39
 *   44      s     payload: the canonical bytes of the entries (entry.h), one behind the other;
 *                 in a block of kind 2 place keepers among them
 *
 * Valid is a block whose checksums and salt hold, whose lengths are at most
 * SEGMENT_BLOCK_MAX, whose payload unpacks to exactly `count` entries and nothing
 * behind, and whose first entry follows on the last one before it. A later version
 * keeps bytes 0 to 43 in their place, so that it can be passed over.
 *
 * The salt keeps bytes inside a payload, which foreigners choose, from being taken
 * for a block when the search for the next sound block runs over them.
 *
 * A commit is what one write and one sync made durable. Its blocks lie behind each
 * other in one segment, the first and the last flagged, and are there all or not
 * at all: a reader takes none of a commit that is not whole.
 *
 * A segment that another has followed is full, and is sealed: written anew by seal.c, with the
 * same head, salt and entries, in larger blocks, each a commit of its own. The last thing in the
 * file then is a block of kind 128, stored, whose `first` is the first entry of the next segment.
 * Its payload is the table of the blocks, so that they are found without reading them:
 *
 *   0       16n   of each block with entries: number of the first (8), byte where it begins (8)
 *   16n     4     length of the payload, by which it is found from the end of the file
 *
 * Valid is a table whose numbers and bytes ascend, with room for a head each. Sealed is a segment
 * that ends with one whose checksums hold.
 *
 * A sealed segment is written anew once more where payloads are dropped from it: the same entries
 * or place keepers of them, blocks of kind 1 or 2.
 *
 * Torn, in contrast to damaged, is what does not hold at the end of the last
 * segment where (a) no block that begins a commit follows, so that none of it was
 * ever acknowledged, and (b) the file ends too early, or a sector (512 bytes at a
 * multiple of 512, or what the bad part covers of one) that should hold it is all
 * zero: what a crash leaves of a write. Everything else was whole once: damaged.
 * So that this shows, a commit that ends within the first 15 bytes of a sector does not
 * end with a zero.
 */
#ifndef STORE_LOG_SEGMENT_H
#define STORE_LOG_SEGMENT_H

#include "base/zip.h"
#include "store/log/log.h"

enum {
    SEGMENT_HEAD = 36, /* with no hashes */
    SEGMENT_SALT = 8,
    SEGMENT_SECTOR = 512,
    SEGMENT_ZEROS = 16, /* so many prove that a sector never came, fewer only at an end */
    SEGMENT_VERSION = 1,
    BLOCK_HEAD = 44,
    BLOCK_VERSION = 1,
    BLOCK_ENTRIES = 1,
    BLOCK_KEPT = 2,
    BLOCK_KINDS_IGNORED = 128,
    BLOCK_TABLE = 128,
    BLOCK_STORED = 0,
    BLOCK_DEFLATE = 1,
    BLOCK_DEFLATE_1 = 2,
    BLOCK_COLUMNS = 3,
    BLOCK_FIRST = 1, /* flags */
    BLOCK_LAST = 2,
    SEGMENT_BLOCK_MAX = 8 << 20, /* payload, stored and unpacked */
};

struct segment_head {
    uint32_t number;
    uint8_t salt[SEGMENT_SALT];
    struct store_tree tree; /* of all entries before */
};

void segment_head_write(const struct segment_head *h, struct buf *out);
/* ERR_LIMIT: more bytes are needed; ERR_FORMAT; ERR_UNSUPPORTED. *size: of the head. */
enum err segment_head_read(struct bytes in, struct segment_head *out, size_t *size);

struct block_head {
    uint8_t version, kind, codec, flags;
    uint8_t salt[SEGMENT_SALT];
    uint64_t first;
    uint32_t count, stored, unpacked, check;
};

void block_head_write(const struct block_head *h, struct buf *out);
/* False: no block's head, or one that is damaged. Versions and kinds are not looked at. */
bool block_head_read(struct bytes in, struct block_head *out);

/* A block is made at the end of `out`: begin, append its payload, close. The close sets the
 * payload's length and check in *h, and fails as `out` does. */
size_t block_begin(struct buf *out);
enum err block_close(struct buf *out, size_t begin, struct block_head *h) MUST_CHECK;
/* Appends these entries deflated, or as they are where that is not smaller, and says which. */
enum err block_deflate(struct zip_deflater *z, struct bytes entries, struct buf *out,
                       uint8_t *codec) MUST_CHECK;

/* The preset dictionary of BLOCK_DEFLATE_1, fixed for ever. */
struct bytes store_dictionary_1(void);

/* "00000001.seg" */
void segment_name(uint32_t number, char out[24]);
/* False for any other name. */
bool segment_name_read(const char *name, uint32_t *number);

/* The numbers of the segments in a folder, ascending, in the arena. */
struct segment_list {
    uint32_t *numbers;
    size_t n;
};
enum err segment_list_read(const char *dir, struct arena *a, struct segment_list *out,
                           struct fault *f) MUST_CHECK;

/* ---- The walk ---- */

enum segment_step {
    SEGMENT_BLOCK, /* a sound block: w->block, w->payload, at w->block_at */
    SEGMENT_HARM,  /* w->harm; the walk goes on behind it */
    SEGMENT_END,
    SEGMENT_ERROR, /* reading failed, no memory: the fault */
};

struct segment_walk {
    struct file file;
    uint64_t size; /* of the file when it was opened */
    uint64_t at;   /* of the next block */
    uint64_t next; /* number of the next entry */
    bool is_last;  /* only there an end may be torn */
    bool
        is_stored; /* set behind the opening: blocks are checked as they are stored, not unpacked */
    bool begun, has_salt, has_head;
    uint8_t salt[SEGMENT_SALT];
    struct segment_head head;
    char name[24];
    struct buf window; /* bytes of the file from window_at on */
    uint64_t window_at;

    struct block_head block;
    uint64_t block_at;
    struct buf payload; /* unpacked */
    struct store_harm harm;
};

/* Opens path and reads the head. `next` is the entry that should come, or
 * UINT64_MAX where that is not known. A bad head is the first step's harm. */
enum err segment_walk_open(struct segment_walk *w, const char *path, uint32_t number, bool is_last,
                           uint64_t next, struct fault *f) MUST_CHECK;
enum segment_step segment_walk_next(struct segment_walk *w, struct fault *f);
/* Reads the head and goes on at this byte, where a block begins, with this entry; at
 * byte 0 it only reads the head, and is behind it.
 * SEGMENT_BLOCK: done; else as segment_walk_next, for a head that is bad. */
enum segment_step segment_walk_from(struct segment_walk *w, uint64_t at, uint64_t next,
                                    struct fault *f);
/* The head of the block at this byte. ERR_DAMAGED: there is none. */
enum err block_head_load(const struct file *file, uint64_t at, struct block_head *out,
                         struct fault *f) MUST_CHECK;
/* Appends n bytes of the file; fewer there are ERR_DAMAGED. */
enum err block_part_load(const struct file *file, uint64_t at, size_t n, struct buf *out,
                         struct fault *f) MUST_CHECK;
void segment_walk_close(struct segment_walk *w);

/* Whether a version and kind are known here that hold entries; and the next entry of such a block,
 * which only in one of kind 2 may be a place keeper. */
bool block_has_entries(const struct block_head *h);
bool block_entry_take(const struct block_head *h, struct cur *c, struct store_entry *e);

/* Does the payload have its checksum, and can it be unpacked by this version? ERR_DAMAGED,
 * ERR_UNSUPPORTED. */
enum err block_check(const struct block_head *h, struct bytes stored) MUST_CHECK;
/* Checks and unpacks one payload; ERR_DAMAGED, ERR_UNSUPPORTED, ERR_MEMORY. */
enum err block_unpack(const struct block_head *h, struct bytes stored, struct buf *out);

#endif
