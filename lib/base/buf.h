/* A growing buffer that knows its maximum: the one way to build bytes.
 *
 * A failed write sets `err` (ERR_LIMIT past `max`, ERR_MEMORY), adds nothing
 * and makes every later write fail, so one check at the end suffices.
 * Owned by the caller: buf_init ... buf_clear. One thread at a time.
 * Whoever puts secrets in sets `wipe` behind buf_init (crypto_wipe).
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdarg.h>

struct buf {
    uint8_t *p;
    size_t n, cap, max;              /* bytes held, allocated, allowed */
    enum err err;                    /* sticky */
    void (*wipe)(void *p, size_t n); /* NULL, or called on storage before it is given back */
};

void buf_init(struct buf *b, size_t max);
void buf_clear(struct buf *b); /* frees; the buffer may be used again, same max and wipe */
void buf_reset(struct buf *b); /* forgets content and error, keeps the storage */

struct bytes buf_bytes(const struct buf *b); /* borrowed until the next write */

void buf_put(struct buf *b, struct bytes add);
void buf_fill(struct buf *b, uint8_t byte, size_t n);
/* Big-endian. */
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v);
void buf_u24(struct buf *b, uint32_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* Seven bits a byte, the lowest first, 128 added where another follows; the shortest form. */
void buf_varint(struct buf *b, uint32_t v);

void buf_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) PRINTF_LIKE(2, 0);

/* n writable bytes at the end, not yet counted; NULL on failure. After
 * writing k <= n of them call buf_commit(b, k). */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
size_t buf_room(const struct buf *b, size_t most); /* what max still allows, at most that */

void buf_drop_front(struct buf *b, size_t n); /* forgets the first n bytes */
void buf_cut(struct buf *b, size_t n);        /* keeps the first n bytes */

/* Length-prefixed vectors: mark = buf_open_vec(b, width) ... buf_close_vec(b,
 * mark, width), width 1 to 4 bytes, big-endian; ERR_LIMIT when it does not fit. */
size_t buf_open_vec(struct buf *b, unsigned width);
void buf_close_vec(struct buf *b, size_t mark, unsigned width);
/* A whole one, of bytes that are there. */
void buf_vec(struct buf *b, unsigned width, struct bytes content);

/* A NUL behind the content, not counted; "" on failure. Borrowed. */
const char *buf_cstr(struct buf *b);

#endif
