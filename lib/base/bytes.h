/* Byte views and the one cursor that reads all foreign input.
 *
 * Nothing else in the project does pointer arithmetic on bytes that it did
 * not write. A failed read sets `bad`, moves nothing and makes every later
 * read fail, so one check at the end of a structure suffices.
 *
 * No allocation, no I/O; any thread.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A borrowed view: valid as long as the buffer it points into. */
struct bytes {
    const uint8_t *p;
    size_t n;
};

struct cur {
    struct bytes rest; /* what is still to be read */
    bool bad;          /* sticky: some read went past the end or was refused */
};

struct cur cur_open(struct bytes in);

/* The next n bytes; an empty view when fewer are left. */
struct bytes cur_take(struct cur *c, size_t n);

/* Big-endian unsigned integers; 0 on failure. */
uint8_t cur_u8(struct cur *c);
uint16_t cur_u16(struct cur *c);
uint32_t cur_u24(struct cur *c);
uint32_t cur_u32(struct cur *c);
uint64_t cur_u64(struct cur *c);
uint32_t cur_varint(struct cur *c); /* as buf_varint writes it, in no other form */

/* A vector with a big-endian length of 1, 2 or 3 bytes before it (RFC 8446, 3.4). */
struct bytes cur_vec8(struct cur *c);
struct bytes cur_vec16(struct cur *c);
struct bytes cur_vec24(struct cur *c);

/* The bytes up to, without, the first `stop`, which is taken too; everything
 * that is left where there is none. */
struct bytes cur_until(struct cur *c, uint8_t stop);

/* Refuses what was read although it was there, e.g. a wrong tag. */
void cur_refuse(struct cur *c);

/* True when everything was read and nothing was refused. */
bool cur_end(const struct cur *c);

/* Views. bytes_text borrows a C string without its NUL. */
struct bytes bytes_of(const void *p, size_t n);
struct bytes bytes_text(const char *text);
/* The view from `from`, at most n bytes; cut to what is there. */
struct bytes bytes_part(struct bytes b, size_t from, size_t n);
struct bytes bytes_trim(struct bytes b); /* without blanks and tabs, CR and LF at both ends */

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_is(struct bytes b, const char *text);
bool bytes_is_nocase(struct bytes b, const char *text); /* ASCII letters */
bool bytes_starts(struct bytes b, const char *prefix);
int bytes_compare(struct bytes a, struct bytes b); /* as memcmp, shorter first */
/* The offset of the first `needle`; SIZE_MAX where there is none. */
size_t bytes_find(struct bytes b, struct bytes needle);

#endif
