/* Columns: a block's payload with its entries taken apart, so that like stands with like. Codec
 * BLOCK_COLUMNS of segment.h. Private to store/log.
 *
 * Certificates differ from each other in keys, signatures and numbers, that nothing makes smaller,
 * and in names and times; the rest are few shapes that come again and again. So an entry is
 * a program (its shape) that says which bytes stand where, and what the program takes lies in
 * five columns:
 *
 *   rows    the numbers of shapes, of words that came before, and lengths: deflated
 *   sides   the same of what changes by itself, so that it does not break the rows: deflated
 *   words   what comes for the first time, names and shapes too: deflated
 *   bulk    payloads of which no shape is known, whole: deflated with dictionary 1
 *   raw     what deflate makes no smaller, as it is
 *
 * All integers are big-endian. A varint has seven bits a byte, the lowest first, 128 added where
 * another follows; at most four bytes.
 *
 *   offset  size
 *   0       4     CRC-32 of what stands before the raw column, from byte 4 on
 *   4       32    of rows, sides, words and bulk: length unpacked (4), length as stored (4)
 *   36      4     r, length of the raw column
 *   40      4k    CRC-32 of each 4096 bytes of the raw column; of the last, of what it has
 *   40+4k         rows, sides, words and bulk as stored, one behind the other
 *                 r bytes: raw column
 *
 * Unpacking makes the entries from the last to the first and each from its end to its begin, so
 * that a length is known when its place comes. It runs one program after the other: the
 * program's number is a word of slot 0.
 *
 *   A word of slot s: one byte c of rows (sides for s >= 48). 0: the next of the words column, a
 *   varint of its length and that many bytes; it is the slot's next word where the slot has
 *   fewer than 255. Else the slot's word number c, from 1.
 *
 *   op                 what it does; "writes": in front of what was written last
 *   0  end             an enclosing value ends here: its end goes on the stack
 *   1  der t           takes the stack's top, writes the length of what stands between in DER's
 *                      shortest form, and the tag t
 *   2  vec w           the same with a length of w bytes, 1 to 4, and no tag
 *   3  literal n b...  writes n bytes (a varint, not 0), that follow here
 *   4  word s t        writes a word of slot s, 1 to 63, and where t is not 0 its length and the
 *                      tag t as der does
 *   5  raw t           varint n of rows; writes the next n bytes of the raw column, and t as word
 *                      does
 *   6  number          varint n of rows, not 0; writes the next n bytes of the raw column as an
 *                      INTEGER, with a zero byte in front where the first has its top bit set
 *   7  clock           the program's time is the next 4 bytes of the raw column, seconds since 1970
 *   8  time s          a word of slot s, of at most 4 bytes, plus the program's time, modulo 2^32,
 *                      from 1970 to 2049: writes it as a UTCTime
 *   9  moment          one byte n of rows, at most 8; the next n bytes of the raw column plus
 *                      1000 times the program's time, modulo 2^64: writes 8 bytes
 *   10 bulk            varint n of rows; writes the next n bytes of the bulk column
 *   11 entry           here an entry begins: what was written since the last one is one (entry.h),
 *                      and the stack is empty. Nothing follows it in its program
 *
 * Valid is a payload whose checksums hold, whose programs all can be run, write exactly `unpacked`
 * bytes and `count` entries, and leave nothing of any column. The columns unpacked have at
 * most SEGMENT_BLOCK_MAX bytes together. Each op takes or writes a byte, or is paid by one that
 * does: work is bounded by those lengths.
 *
 * One entry is read without the others: what stands before the raw column, and of that the
 * pieces where it lies. */
#ifndef STORE_LOG_COLUMNS_H
#define STORE_LOG_COLUMNS_H

#include "store/log/segment.h"

enum columns_op {
    COLUMNS_END,
    COLUMNS_DER,
    COLUMNS_VEC,
    COLUMNS_LITERAL,
    COLUMNS_WORD,
    COLUMNS_RAW,
    COLUMNS_NUMBER,
    COLUMNS_CLOCK,
    COLUMNS_TIME,
    COLUMNS_MOMENT,
    COLUMNS_BULK,
    COLUMNS_ENTRY,
};

enum column { COLUMN_ROWS, COLUMN_SIDES, COLUMN_WORDS, COLUMN_BULK, COLUMNS_DEFLATED };

enum {
    COLUMNS_HEAD = 40,
    COLUMNS_PIECE = 4096,
    COLUMNS_SLOTS = 64,
    COLUMNS_SIDE_SLOT = 48, /* from here on numbers are in the sides */
    COLUMNS_SLOT_WORDS = 255,
    COLUMNS_DEPTH = 64, /* of the stack */
    COLUMNS_TIME_SIZE = 13,
};

/* Appends the payload of these entries, one behind the other, place keepers too. ERR_LIMIT, and
 * nothing appended: they do not fit this codec. */
enum err columns_pack(struct zip_deflater *z, struct bytes entries, struct buf *out) MUST_CHECK;

/* Appends the entries. ERR_DAMAGED, ERR_MEMORY. */
enum err columns_unpack(const struct block_head *h, struct bytes stored,
                        struct buf *out) MUST_CHECK;

/* One entry of a block whose payload begins at this byte of the file; it lies in `room`, which
 * is reset first. Errors as above, without a fault, and of reading, with one. */
enum err columns_fetch(const struct file *file, uint64_t at, const struct block_head *h,
                       uint32_t index, struct buf *room, struct store_entry *out,
                       struct fault *f) MUST_CHECK;

/* With which a column is deflated. */
struct bytes columns_dictionary(enum column column);
/* The content of a UTCTime; false: it has none of such a moment. */
bool columns_time_write(uint32_t unix_s, uint8_t out[COLUMNS_TIME_SIZE]);

#endif
