/* Text: escaping, hex, base64, UTF-8, numbers. Any thread, no allocation of its own. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/arena.h"
#include "base/buf.h"

bool utf8_valid(struct bytes b); /* RFC 3629: no surrogates, no overlong forms */
void utf8_put(struct buf *out, uint32_t code_point); /* U+FFFD for what is none */
/* The next code point, cursor moved past it; UINT32_MAX and one byte taken where malformed. */
uint32_t utf8_take(struct cur *c);

/* Makes foreign text safe for a terminal, log or table: control characters
 * (C0, C1, DEL), bidirectional and zero-width format characters and malformed
 * bytes become \xNN or \u{NNNN}; a backslash stays as it is. */
void text_escape(struct buf *out, struct bytes b);

/* How many bytes from the begin are printable ASCII (20 to 7E) and neither a nor b. */
size_t text_plain(struct bytes b, uint8_t not_a, uint8_t not_b);

void hex_put(struct buf *out, struct bytes b); /* lower case */
void hex_write(char *out, struct bytes b);     /* 2n characters and a NUL */
/* Exactly out_n bytes from 2*out_n digits of either case. */
bool hex_read(struct bytes text, uint8_t *out, size_t out_n);

void base64_put(struct buf *out, struct bytes b);    /* RFC 4648, 4, padded, one line */
void base64url_put(struct buf *out, struct bytes b); /* RFC 4648, 5, not padded */
/* Either alphabet, padding optional, blanks and line ends skipped; false when
 * anything else stands there or bits are left over. */
bool base64_read(struct bytes text, struct buf *out);

/* All of text is one decimal number of at most `max`. */
bool number_read(struct bytes text, uint64_t max, uint64_t *out);

/* Where `lower` (in lower case, 1 to TEXT_FOUND_MAX bytes) begins first at or behind `from`,
 * the case of ASCII letters in `in` ignored; SIZE_MAX: nowhere. Reads 16 bytes at a time; the
 * limit keeps the time linear in `in`. */
enum { TEXT_FOUND_MAX = 16 };
size_t text_find(struct bytes in, size_t from, struct bytes lower);

char ascii_lower(char c);
bool ascii_is_digit(uint8_t c);
bool ascii_is_alnum(uint8_t c);

void number_put(struct buf *out, int64_t n); /* decimal */

/* Edit distance up to 3 (4 means more): for "did you mean". */
unsigned text_distance(const char *a, const char *b);

/* 256256 as "256,256". out holds at least 28. Returns out. */
const char *number_grouped(uint64_t n, char out[28]);

#endif
