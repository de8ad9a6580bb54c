/* zlib behind one file: raw deflate with a dictionary, gzip, CRC-32.
 * One thread at a time per context. */
#ifndef BASE_ZIP_H
#define BASE_ZIP_H

#include "base/buf.h"

/* A deflater that is reset and used again: a fresh one for each record costs
 * ten times as much. */
struct zip_deflater;                               /* opaque */
struct zip_deflater *zip_deflater_open(int level); /* NULL: no memory */
void zip_deflater_close(struct zip_deflater *z);
/* Appends raw deflate (RFC 1951). `dictionary` may be empty. */
enum err zip_deflate(struct zip_deflater *z, struct bytes dictionary, struct bytes in,
                     struct buf *out) MUST_CHECK;

/* The same, some ten bytes longer, with a last byte that is never zero. */
enum err zip_deflate_marked(struct zip_deflater *z, struct bytes dictionary, struct bytes in,
                            struct buf *out) MUST_CHECK;

/* Appends what raw deflate of `in` holds; all of `in` must be used. ERR_LIMIT
 * past out's maximum, ERR_FORMAT when it is none. */
enum err zip_inflate(struct bytes dictionary, struct bytes in, struct buf *out) MUST_CHECK;

/* The same by parts, where only the begin is wanted. `in` is borrowed until the close;
 * NULL: no memory. */
struct zip_inflater;
struct zip_inflater *zip_inflater_open(struct bytes dictionary, struct bytes in);
void zip_inflater_close(struct zip_inflater *z);
/* Appends the next n bytes, or what is left (then fewer). ERR_FORMAT when it is none; what
 * lies behind the bytes asked for is not looked at. */
enum err zip_inflate_next(struct zip_inflater *z, size_t n, struct buf *out) MUST_CHECK;

/* All of a stream that holds exactly n bytes, by an inflater that was opened with nothing, and can
 * be used again; without the memory that going by parts takes. ERR_FORMAT, ERR_MEMORY. */
enum err zip_inflate_exact(struct zip_inflater *z, struct bytes dictionary, struct bytes in,
                           uint8_t *out, size_t n) MUST_CHECK;

enum err gzip_pack(struct bytes in, int level,
                   struct buf *out) MUST_CHECK;                    /* RFC 1952, no name, no time */
enum err gzip_unpack(struct bytes in, struct buf *out) MUST_CHECK; /* one member, limits as above */

uint32_t zip_crc32(uint32_t seed, struct bytes b); /* seed 0 to begin */

#endif
